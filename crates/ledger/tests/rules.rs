//! For each rule, an operation that breaks only this rule is refused, and the state is unchanged.
#![allow(missing_docs)]

mod common;
use alloy_primitives::Address;
use common::*;
use fernet_ledger::*;
use fernet_protocol::{ChainId, RollupId};

#[track_caller]
fn refused(state: &State<MemoryStore>, signed: SignedOperation, expected: OperationError) {
    let mut after = state.clone();
    assert_eq!(after.apply(domain(), &signed), Err(expected));
    assert_eq!(after.root(), state.root());
    assert_eq!(after.clone().into_changes(), state.clone().into_changes());
}

#[track_caller]
fn deposit_refused(state: &State<MemoryStore>, deposit: Deposit, expected: OperationError) {
    let mut after = state.clone();
    assert_eq!(after.apply_deposit(&deposit), Err(expected));
    assert_eq!(after.clone().into_changes(), state.clone().into_changes());
}

// rule: J7
#[test]
fn a_transfer_moves_amount_and_fee() {
    let mut state = funded(2, 100);
    let witnesses = state.apply(domain(), &transfer(1, 2, 60, 40, 0)).unwrap();
    assert_eq!(witnesses.len(), 1);
    let (payer, recipient) = (state.account(index(1)).unwrap(), state.account(index(2)).unwrap());
    assert_eq!((payer.balance, payer.nonce), (0, 1));
    assert_eq!((recipient.balance, recipient.nonce), (160, 0));
}

// rule: J12
#[test]
fn paying_oneself_costs_the_fee() {
    let mut state = funded(1, 100);
    state.apply(domain(), &transfer(1, 1, 90, 10, 0)).unwrap();
    assert_eq!(state.account(index(1)).unwrap().balance, 90);
    let mut rich = funded(1, u64::MAX);
    rich.apply(domain(), &transfer(1, 1, u64::MAX - 1, 1, 0)).unwrap();
    assert_eq!(rich.account(index(1)).unwrap().balance, u64::MAX - 1);
}

// rule: J8
#[test]
fn a_withdrawal_takes_two_slots() {
    let mut state = funded(1, 100);
    let witnesses = state.apply(domain(), &withdrawal(1, 60, 1, 0)).unwrap();
    assert_eq!(witnesses.len(), 2);
    assert_eq!(witnesses[1].slot, Slot::Target(Address::repeat_byte(0xaa)));
    assert_eq!(state.account(index(1)).unwrap().balance, 39);
}

// rule: J7
#[test]
fn the_sender_must_exist() {
    refused(&funded(2, 100), transfer(3, 2, 1, 0, 0), OperationError::UnknownSender(index(3)));
}

// rule: J7
#[test]
fn the_recipient_must_exist() {
    refused(&funded(2, 100), transfer(1, 3, 1, 0, 0), OperationError::UnknownRecipient(index(3)));
    refused(&funded(2, 100), transfer(1, 0, 1, 0, 0), OperationError::UnknownRecipient(index(0)));
}

// rule: J3
#[test]
fn indices_must_have_a_leaf() {
    let error = |number| OperationError::IndexOutOfRange { index: index(number), leaves: 64 };
    refused(&funded(2, 100), transfer(65, 1, 1, 0, 0), error(65));
    refused(&funded(2, 100), transfer(1, 64, 1, 0, 0), error(64));
    deposit_refused(&funded(2, 100), deposit(64, 1), error(64));
}

// rule: J7
#[test]
fn the_nonce_must_be_next() {
    let error = |actual| OperationError::NonceMismatch { account: index(1), expected: 0, actual };
    refused(&funded(2, 100), transfer(1, 2, 1, 0, 1), error(1));
    let mut state = funded(2, 100);
    state.apply(domain(), &transfer(1, 2, 1, 0, 0)).unwrap();
    let replayed = OperationError::NonceMismatch { account: index(1), expected: 1, actual: 0 };
    refused(&state, transfer(1, 2, 1, 0, 0), replayed);
}

// rule: J14
#[test]
fn the_signature_must_hold() {
    let error = OperationError::InvalidSignature(index(1));
    let state = funded(2, 100);
    let mut signed = transfer(1, 2, 1, 0, 0);
    signed.signature = transfer(1, 2, 2, 0, 0).signature;
    refused(&state, signed, error);
    let other = Domain::from(RollupId::new(ChainId::new(1), Address::repeat_byte(0x11)));
    let operation = transfer(1, 2, 1, 0, 0).operation;
    refused(&state, operation.sign(other, &secret(1)), error);
    refused(&state, operation.sign(domain(), &secret(2)), error);
    let mut redirected = withdrawal(1, 1, 0, 0);
    if let Operation::Withdrawal(withdrawal) = &mut redirected.operation {
        withdrawal.target = Address::repeat_byte(0xbb);
    }
    refused(&state, redirected, error);
}

// rule: J7, J8
#[test]
fn the_balance_must_cover_amount_and_fee() {
    let error =
        |required| OperationError::InsufficientBalance { account: index(1), available: 100, required };
    refused(&funded(2, 100), transfer(1, 2, 101, 0, 0), error(101));
    refused(&funded(2, 100), transfer(1, 2, 100, 1, 0), error(101));
    refused(&funded(2, 100), withdrawal(1, 99, 2, 0), error(101));
    refused(&funded(2, 100), transfer(1, 2, u64::MAX, u32::MAX, 0), error((1 << 64) + (1 << 32) - 2));
}

// rule: J7
#[test]
fn the_recipients_balance_must_fit() {
    let mut state = funded(1, 100);
    state.apply_deposit(&deposit(2, u64::MAX)).unwrap();
    let error = OperationError::BalanceOverflow { account: index(2), balance: u64::MAX, amount: 1 };
    refused(&state, transfer(1, 2, 1, 0, 0), error);
    deposit_refused(&state, deposit(2, 1), error);
}

// rule: J11
#[test]
fn a_withdrawal_needs_an_address() {
    let mut signed = withdrawal(1, 1, 0, 0);
    if let Operation::Withdrawal(withdrawal) = &mut signed.operation {
        withdrawal.target = Address::ZERO;
    }
    refused(&funded(1, 100), signed, OperationError::ZeroAddress);
}

// rule: J1, J10
#[test]
fn a_deposit_names_a_key_once_and_never_the_reserved_account() {
    deposit_refused(
        &funded(1, 100),
        Deposit { to: index(0), ..deposit(1, 1) },
        OperationError::ReservedAccount,
    );
    let stolen = Deposit { key: secret(2).public_key(), ..deposit(1, 1) };
    deposit_refused(&funded(1, 100), stolen, OperationError::KeyMismatch(index(1)));
    let mut state = funded(1, 100);
    state.apply_deposit(&deposit(1, 5)).unwrap();
    assert_eq!(state.account(index(1)).unwrap().balance, 105);
}

// rule: J9
#[test]
fn an_exit_empties_the_account_and_keeps_its_nonce() {
    let mut state = funded(2, 100);
    state.apply(domain(), &transfer(1, 2, 30, 1, 0)).unwrap();
    let [left, target] = state.apply_exit(&exit(1)).unwrap();
    assert_eq!(left.slot, Slot::Exit { from: index(1), amount: 69 });
    assert_eq!(target.slot, Slot::Target(Address::repeat_byte(0xee)));
    let account = state.account(index(1)).unwrap();
    assert_eq!((account.balance, account.nonce), (0, 1));
    // Another exit of the same account has the amount 0 and is consumed, too.
    let [left, _] = state.apply_exit(&exit(1)).unwrap();
    assert_eq!(left.slot, Slot::Exit { from: index(1), amount: 0 });
    state.apply_deposit(&deposit(1, 5)).unwrap();
    state.apply(domain(), &transfer(1, 2, 5, 0, 1)).unwrap();
}

// rule: J9
#[test]
fn an_exit_of_no_account_leaves_with_nothing() {
    let mut state = funded(1, 100);
    let root = state.root();
    for number in [0, 5] {
        let [left, _] = state.apply_exit(&exit(number)).unwrap();
        assert_eq!(left.slot, Slot::Exit { from: index(number), amount: 0 });
        assert_eq!((state.root(), state.account(index(number))), (root, None));
    }
}

// rule: J3, J11
#[test]
fn an_exit_needs_a_leaf_and_an_address() {
    let state = funded(1, 100);
    let error = OperationError::IndexOutOfRange { index: index(64), leaves: 64 };
    assert_eq!(state.clone().apply_exit(&exit(64)), Err(error));
    let nowhere = Exit { target: Address::ZERO, ..exit(1) };
    assert_eq!(state.clone().apply_exit(&nowhere), Err(OperationError::ZeroAddress));
}
