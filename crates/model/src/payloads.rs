//! What blocks vote for: payloads that act, that can't be queued, or whose answer changes; and accounts that
//! are no payloads.

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, Bytes, U256, aliases::U72},
    sol_types::SolValue as _,
};
use fernet_bindings::{Action, IGuardian, IRegistry, IRewards, IStaking, ITimelock, Rates};
use fernet_protocol::L1Slot;

use crate::{
    actors::{self, OWNERS},
    call::Call,
    code,
    rules::{Addresses, GUARDIAN},
};

/// An action of a payload.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Calls a contract of the deployment.
    Call(Box<Call>),
    /// Calls an account without code.
    Nobody,
    /// Calls a contract that accepts anything, with so many bytes of data.
    Anything(usize),
    /// Calls a contract that reverts with more data than is kept.
    Loud,
}

/// Answer of `actions()`.
pub(crate) enum Answer {
    /// The account has no code.
    Nobody,
    /// The answer isn't a list of actions.
    Unreadable,
    /// Answers in L1 blocks of even and of odd number.
    Acts(&'static [Act]),
}

struct Payload {
    address: Address,
    code: Bytes,
    /// Actions in L1 blocks of even and of odd number; `None` if they can't be read.
    acts: Option<[Vec<Act>; 2]>,
}

/// A contract that accepts any call and does nothing.
const ANYTHING: Address = Address::repeat_byte(0x7a);
/// Address of a contract that reverts any call.
const LOUD: Address = Address::repeat_byte(0x7b);
/// Length of its revert data, in bytes.
const LOUD_BYTES: u16 = 300;
/// Number of payloads that can be queued. They come first.
const GOOD: usize = 17;

static PAYLOADS: LazyLock<Vec<Payload>> = LazyLock::new(|| {
    let at = Addresses::new();
    let call = |call| Act::Call(Box::new(call));
    let flush = |flush| call(Call::SetEntryFlush(IStaking::setEntryFlushCall { flush }));
    let encoded = |acts: &[Act]| acts.iter().map(Act::encode).collect::<Vec<_>>().abi_encode();
    let constant = |acts: Vec<Act>| (code::answers(&encoded(&acts)), Some([acts.clone(), acts]));
    let (even, odd) = (vec![flush(1), call(Call::Sync)], vec![rates(900)]);
    let unreadable = |code| (code, None);
    let guardian = |guardian| call(Call::SetGuardian(IGuardian::setGuardianCall { guardian }));
    let version =
        |rollup| call(Call::AddVersion(IRegistry::addVersionCall { rollup, governance: at.timelock }));
    let actions = [rates(1_234), flush(3)].iter().map(Act::encode).collect();
    let again = call(Call::Execute(ITimelock::executeCall { payload: address(0), actions }));
    let queue = call(Call::Queue(ITimelock::queueCall { payload: address(0) }));
    // Their encoding has 192 bytes more.
    let longest = 16_384 - 192;
    let all = [
        constant(vec![rates(1_234), flush(3)]),
        constant(vec![call(Call::Sync), call(Call::Fund(IRewards::fundCall { amount: U256::from(11) }))]),
        (code::answers_by_parity(&encoded(&even), &encoded(&odd)), Some([even, odd])),
        constant(vec![flush(2), rates(2_223)]),
        constant(vec![flush(4), Act::Nobody]),
        constant(vec![queue]),
        constant((0..16).map(Act::Anything).collect()),
        constant(vec![Act::Anything(longest)]),
        constant(vec![call(Call::Settle)]),
        constant(vec![call(Call::Approve)]),
        constant(vec![guardian(actors::address(OWNERS.start)), guardian(GUARDIAN), flush(1)]),
        constant(vec![version(at.reader), version(at.rollup)]),
        constant(vec![version(at.bridge), version(at.bridge)]),
        constant(vec![flush(2), Act::Loud]),
        constant(vec![Act::Loud]),
        constant(vec![again]),
        constant(vec![guardian(at.timelock), call(Call::GuardianPause)]),
        // refused
        constant((0..17).map(Act::Anything).collect()),
        constant(vec![Act::Anything(longest + 1)]),
        constant(Vec::new()),
        unreadable(code::reverts(40)),
        unreadable(code::burns()),
        unreadable(code::writes(&encoded(&[flush(3)]))),
        unreadable(code::answers(&[1; 32])),
        unreadable(code::answers(&[])),
    ];
    all.into_iter().enumerate().map(|(i, (code, acts))| Payload { address: address(i), code, acts }).collect()
});

/// Other addresses to vote for: contracts that aren't payloads, and an account without code.
static OTHERS: LazyLock<[Address; 5]> = LazyLock::new(|| {
    let at = Addresses::new();
    [at.rollup, at.votes, at.timelock, at.token, actors::address(OWNERS.start)]
});

fn address(number: usize) -> Address {
    Address::repeat_byte(u8::try_from(0x80 + number).unwrap_or(u8::MAX))
}

/// Valid rates with that reward.
fn rates(reward: u64) -> Act {
    let rates = Rates {
        rewardPerL1Slot: U72::from(reward),
        sequencerBps: 2_500,
        bonusBps: 1_000,
        proverBps: 6_000,
        submitterBps: 500,
        promptnessBps: 4_000,
    };
    Act::Call(Box::new(Call::SetRates(IRewards::setRatesCall { rates })))
}

impl Act {
    /// The action as the timelock encodes it.
    pub(crate) fn encode(&self) -> Action {
        match self {
            Self::Call(call) => {
                let (target, data) = call.encode(&Addresses::new());
                Action { target, data }
            }
            Self::Loud => Action { target: LOUD, data: Bytes::new() },
            Self::Nobody => Action { target: actors::address(OWNERS.start), data: Bytes::new() },
            Self::Anything(length) => Action { target: ANYTHING, data: vec![1; *length].into() },
        }
    }
}

/// All addresses that blocks vote for.
pub(crate) fn votable() -> impl Iterator<Item = Address> {
    PAYLOADS.iter().map(|payload| payload.address).chain(*OTHERS)
}

/// Payloads that can be queued.
pub(crate) fn good() -> impl Iterator<Item = Address> {
    PAYLOADS.iter().take(GOOD).map(|payload| payload.address)
}

/// An account's answer for its actions in an L1 slot. The block's number is the L1 slot.
pub(crate) fn answer(account: Address, now: L1Slot) -> Answer {
    let Some(payload) = PAYLOADS.iter().find(|payload| payload.address == account) else {
        return if OTHERS[..4].contains(&account) { Answer::Unreadable } else { Answer::Nobody };
    };
    let odd = !now.get().is_multiple_of(2);
    payload.acts.as_ref().map_or(Answer::Unreadable, |acts| Answer::Acts(&acts[usize::from(odd)]))
}

/// Code that is placed without a constructor.
pub(crate) fn codes() -> impl Iterator<Item = (Address, Bytes)> {
    let payloads = PAYLOADS.iter().map(|payload| (payload.address, payload.code.clone()));
    payloads.chain([(ANYTHING, code::takes_anything()), (LOUD, code::reverts(LOUD_BYTES))])
}

/// Revert data of [`Act::Loud`].
pub(crate) fn loud_reason() -> Vec<u8> {
    let mut reason = vec![0xff; 32];
    reason.resize(usize::from(LOUD_BYTES), 0);
    reason
}

/// Whether an account is a contract.
pub(crate) fn has_code(account: Address) -> bool {
    let mut known =
        codes().chain(actors::codes()).map(|(contract, _)| contract).chain(Addresses::new().contracts());
    known.any(|contract| contract == account)
}
