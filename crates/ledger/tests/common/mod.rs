//! Accounts with known keys for the ledger's tests.
#![allow(dead_code, missing_docs)] // each test file uses a part

use alloy_primitives::Address;
use fernet_ledger::*;
use fernet_protocol::{ChainId, RollupId};

pub(crate) fn domain() -> Domain {
    Domain::from(RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11)))
}

pub(crate) fn index(number: u32) -> AccountIndex {
    AccountIndex::new(number)
}

pub(crate) fn secret(number: u32) -> SecretKey {
    SecretKey::from_seed(&number.to_be_bytes())
}

pub(crate) fn deposit(number: u32, amount: u64) -> Deposit {
    Deposit { to: index(number), key: secret(number).public_key(), amount }
}

pub(crate) fn exit(number: u32) -> Exit {
    Exit { from: index(number), target: Address::repeat_byte(0xee) }
}

/// What a block consumes of the two lanes.
pub(crate) fn lanes<const N: usize>(operations: [QueuedOperation; N]) -> Lanes {
    operations.into_iter().collect()
}

/// Accounts 1 to `count` own `balance` each; the tree has 4^3 leaves.
pub(crate) fn funded(count: u32, balance: u64) -> State<MemoryStore> {
    let mut state = State::empty(Levels::new(3).unwrap());
    for number in 1..=count {
        state.apply_deposit(&deposit(number, balance)).unwrap();
    }
    state
}

pub(crate) fn transfer(from: u32, to: u32, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
    let transfer = Transfer { from: index(from), to: index(to), amount, fee, nonce };
    Operation::from(transfer).sign(domain(), &secret(from))
}

pub(crate) fn withdrawal(from: u32, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
    let target = Address::repeat_byte(0xaa);
    Operation::from(Withdrawal { from: index(from), target, amount, fee, nonce })
        .sign(domain(), &secret(from))
}

pub(crate) fn rules(fee_recipient: u32) -> BlockRules {
    BlockRules {
        domain: domain(),
        layout: Layout::new(4, 4, 2).unwrap(),
        fee_burn: FeeBurn::NONE,
        fee_recipient: index(fee_recipient),
    }
}
