//! What a contract's error means to whoever sends the transaction.

use std::fmt;

use alloy::{
    primitives::{Address, U256},
    sol_types::SolInterface as _,
};
use fernet_bindings::{IBridge, IERC20, IEscrow, IRewards, IRollup, IStaking, Status};
use fernet_protocol::L1Slot;

use crate::units::Units;

/// A contract's error in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({name})")]
pub struct Refusal {
    /// Name of the error in the contracts.
    pub name: &'static str,
    /// What it means, with amounts in tokens and times from now.
    pub reason: String,
}

/// The name of a status.
#[must_use]
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::None => "not registered",
        Status::Queued => "queued",
        Status::Active => "active",
        Status::Exiting => "exiting",
        Status::Exited => "exited",
        Status::__Invalid => "invalid",
    }
}

/// Explains the data that a call reverted with; `None` if no explanation is known.
#[must_use]
pub fn explain(data: &[u8], units: &Units) -> Option<Refusal> {
    staking(data, units)
        .or_else(|| escrow(data, units))
        .or_else(|| rewards(data, units))
        .or_else(|| bridge(data, units))
        .or_else(|| rollup(data, units))
        .or_else(|| token(data, units))
}

/// Whether data is an error of a token, or of the library with which the contracts call it.
pub(crate) fn is_of_token(data: &[u8]) -> bool {
    IERC20::IERC20Errors::abi_decode(data).is_ok()
}

fn refusal(name: &'static str, reason: impl Into<String>) -> Refusal {
    Refusal { name, reason: reason.into() }
}

fn must_sign(expected: Address, role: impl fmt::Display, actual: Address) -> String {
    format!("{expected}, {role}, must sign, not {actual}")
}

fn staking(data: &[u8], units: &Units) -> Option<Refusal> {
    use IStaking::IStakingErrors as Error;
    let moment = |at: u64| units.moment(L1Slot::new(at));
    Some(match Error::abi_decode(data).ok()? {
        Error::WrongStatus(e) if e.actual == Status::None => {
            refusal("WrongStatus", format!("sequencer {} isn't registered", e.sequencer))
        }
        Error::WrongStatus(e) => {
            let (actual, expected) = (status_name(e.actual), status_name(e.expected));
            refusal("WrongStatus", format!("sequencer {} is {actual}, it must be {expected}", e.sequencer))
        }
        Error::NotOwner(e) => {
            let role = format!("the owner of sequencer {}", e.sequencer);
            refusal("NotOwner", must_sign(e.expected, role, e.actual))
        }
        Error::NotWithdrawer(e) => {
            let role = format!("the withdrawer of sequencer {}", e.sequencer);
            refusal("NotWithdrawer", must_sign(e.expected, role, e.actual))
        }
        Error::NotWithdrawableYet(e) => refusal(
            "NotWithdrawableYet",
            format!("the stake of sequencer {} can be withdrawn from {}", e.sequencer, moment(e.from)),
        ),
        Error::StillCandidate(e) => refusal(
            "StillCandidate",
            format!("sequencer {} is a candidate of the slot in flight: wait until it is over", e.sequencer),
        ),
        Error::QueueFull(e) => {
            refusal("QueueFull", format!("the entry queue is full until {}", moment(e.until)))
        }
        Error::BadProofOfPossession(e) => refusal(
            "BadProofOfPossession",
            format!("the BLS key is invalid, or its proof of possession isn't for {}", e.owner),
        ),
        Error::RotationTooEarly(e) => refusal(
            "RotationTooEarly",
            format!("sequencer {} can change this key again from {}", e.sequencer, moment(e.from)),
        ),
        Error::StakeTooHigh(e) => {
            let (actual, maximum) = (units.tokens(e.actual), units.tokens(U256::from(e.maximum)));
            let reason = format!(
                "the stake of sequencer {} would be {actual}, and may be at most {maximum}",
                e.sequencer
            );
            refusal("StakeTooHigh", reason)
        }
        Error::ZeroAddress(_) => refusal("ZeroAddress", "an address must not be zero"),
        Error::ZeroAmount(_) => refusal("ZeroAmount", "the amount must not be zero"),
        Error::TooManySequencers(_) => refusal("TooManySequencers", "every sequencer number is taken"),
        _ => return None,
    })
}

fn escrow(data: &[u8], units: &Units) -> Option<Refusal> {
    use IEscrow::IEscrowErrors as Error;
    Some(match Error::abi_decode(data).ok()? {
        Error::InsufficientFree(e) => {
            let available = units.tokens(U256::from(e.available));
            let needed = units.tokens(U256::from(e.needed));
            let reason = format!("{} has {available} free in the escrow, less than {needed}", e.account);
            refusal("InsufficientFree", reason)
        }
        Error::NothingRequested(e) => {
            refusal("NothingRequested", format!("{} requested nothing back from the escrow", e.account))
        }
        Error::NotWithdrawableYet(e) => {
            let from = units.moment(L1Slot::new(e.from));
            refusal("NotWithdrawableYet", format!("{} can withdraw from the escrow from {from}", e.account))
        }
        Error::AmountTooHigh(e) => {
            let (actual, maximum) = (units.tokens(e.actual), units.tokens(e.maximum));
            let reason = format!("the account would have {actual} in the escrow, and may have {maximum}");
            refusal("AmountTooHigh", reason)
        }
        _ => return None,
    })
}

fn rewards(data: &[u8], units: &Units) -> Option<Refusal> {
    use IRewards::IRewardsErrors as Error;
    Some(match Error::abi_decode(data).ok()? {
        Error::NothingOwed(e) => refusal("NothingOwed", format!("{} has no rewards to claim", e.account)),
        Error::PotEmpty(e) => {
            let owed = units.tokens(e.owed);
            refusal("PotEmpty", format!("the reward pot is empty; {owed} stay owed"))
        }
        _ => return None,
    })
}

fn bridge(data: &[u8], units: &Units) -> Option<Refusal> {
    use IBridge::IBridgeErrors as Error;
    Some(match Error::abi_decode(data).ok()? {
        Error::AmountTooLow(e) => {
            let (minimum, actual) = (units.l2_tokens(e.minimum), units.l2_tokens(e.actual));
            refusal("AmountTooLow", format!("the least deposit is {minimum}, not {actual}"))
        }
        Error::InvalidKey(_) => {
            refusal("InvalidKey", "the L2 key is no point of Jubjub's group, or its neutral element")
        }
        Error::SupplyTooHigh(_) => {
            refusal("SupplyTooHigh", "the L2 would have more than 64 bits of L2 units")
        }
        Error::TooManyAccounts(_) => refusal("TooManyAccounts", "every L2 account number is taken"),
        Error::UnknownAccount(e) => {
            refusal("UnknownAccount", format!("L2 account {} doesn't exist", e.index))
        }
        Error::NotOwner(e) => {
            refusal("NotOwner", must_sign(e.expected, "the owner of the L2 account", e.actual))
        }
        Error::ExitUsed(e) => {
            refusal("ExitUsed", format!("L2 account {} had no deposit since its last forced exit", e.index))
        }
        Error::DepositPending(e) => refusal(
            "DepositPending",
            format!(
                "the account's deposit is still queued: blocks have consumed {} deposits, it takes {}",
                e.consumed, e.required
            ),
        ),
        Error::AlreadyClaimed(e) => refusal(
            "AlreadyClaimed",
            format!("the withdrawal of the block of slot {} was paid already", e.slot),
        ),
        Error::NotFinalized(e) => {
            refusal("NotFinalized", format!("the block of slot {} isn't finalized", e.slot))
        }
        _ => return None,
    })
}

fn rollup(data: &[u8], units: &Units) -> Option<Refusal> {
    use IRollup::IRollupErrors as Error;
    Some(match Error::abi_decode(data).ok()? {
        Error::NothingToSettle(_) => refusal("NothingToSettle", "no slot waits to be settled"),
        Error::AlreadyPaused(e) => {
            let until = units.moment(L1Slot::new(e.until));
            refusal("AlreadyPaused", format!("no block can be made before {until} anyway"))
        }
        _ => return None,
    })
}

fn token(data: &[u8], units: &Units) -> Option<Refusal> {
    use IERC20::IERC20Errors as Error;
    Some(match Error::abi_decode(data).ok()? {
        Error::ERC20InsufficientBalance(e) => {
            let (balance, needed) = (units.tokens(e.balance), units.tokens(e.needed));
            refusal("ERC20InsufficientBalance", format!("{} has {balance}, it takes {needed}", e.sender))
        }
        Error::ERC20InsufficientAllowance(e) => {
            let (allowance, needed) = (units.tokens(e.allowance), units.tokens(e.needed));
            let reason = format!("{} may take {allowance}, and needs {needed}", e.spender);
            refusal("ERC20InsufficientAllowance", reason)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolError as _;
    use fernet_bindings::Status;

    use super::*;

    fn units() -> Units {
        Units {
            symbol: "FDEV".to_owned(),
            decimals: 18,
            l2_unit: U256::from(1_000_000_000),
            now: L1Slot::new(100),
            genesis_time: 0,
            slot_seconds: 12,
        }
    }

    #[test]
    fn errors_are_told_in_tokens_and_times() {
        let early = IStaking::NotWithdrawableYet { sequencer: 3, from: 130, now_: 100 }.abi_encode();
        let refusal = explain(&early, &units()).unwrap();
        assert_eq!(
            refusal.to_string(),
            "the stake of sequencer 3 can be withdrawn from L1 slot 130, in 30 L1 slots (6 min) \
             (NotWithdrawableYet)"
        );
        let free = IEscrow::InsufficientFree {
            account: Address::ZERO,
            available: 1_500_000_000_000_000_000,
            needed: 2_000_000_000_000_000_000,
        };
        let reason = explain(&free.abi_encode(), &units()).unwrap().reason;
        assert!(reason.ends_with("has 1.5 FDEV free in the escrow, less than 2 FDEV"), "{reason}");
        let status = IStaking::WrongStatus { sequencer: 9, expected: Status::Active, actual: Status::None };
        assert_eq!(explain(&status.abi_encode(), &units()).unwrap().reason, "sequencer 9 isn't registered");
    }

    #[test]
    fn what_has_no_explanation_is_left_to_others() {
        for data in [&[][..], &[1, 2, 3], &[0xff; 40]] {
            assert_eq!(explain(data, &units()), None);
        }
        let bug = IEscrow::NotRollup { expected: Address::ZERO, actual: Address::ZERO }.abi_encode();
        assert_eq!(explain(&bug, &units()), None);
    }
}
