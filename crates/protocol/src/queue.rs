//! The Bridge's queues of deposits and forced exits: their rolling hashes on L1, and the operations that a
//! block must consume.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::{L1Slot, encoding::Words};

/// A queue of the Bridge, numbered as Solidity's `Lane`. Each has numbers, a rolling hash and a maximum for a
/// block of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Lane {
    /// The queue of deposits.
    Deposits,
    /// The queue of forced exits.
    Exits,
}

impl Lane {
    /// Both lanes, in Solidity's order.
    pub const ALL: [Self; 2] = [Self::Deposits, Self::Exits];

    /// Number of the lane in Solidity.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// "deposits" or "forced exits".
impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deposits => "deposits",
            Self::Exits => "forced exits",
        })
    }
}

/// A deposit in the Bridge's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deposit {
    /// Index of the L2 account.
    pub index: u32,
    /// Amount in L2 units.
    pub amount: u64,
    /// Affine x of the account's Jubjub key.
    pub key_x: U256,
    /// Affine y of the account's Jubjub key.
    pub key_y: U256,
}

/// A forced exit in the Bridge's queue: the L1 owner of an account withdraws its whole balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exit {
    /// Index of the L2 account.
    pub index: u32,
    /// Address that may claim the balance.
    pub to: Address,
}

/// An operation in a queue of the Bridge, which L2 must execute. Its key isn't known to be a point of the
/// curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum L1Operation {
    /// See [`Deposit`].
    Deposit(Deposit),
    /// See [`Exit`].
    Exit(Exit),
}

impl L1Operation {
    /// Position of the lowest bit of a deposit's amount in the first word.
    pub const AMOUNT_SHIFT: u32 = 32;
    /// The bit of the first word that is set for an exit and not for a deposit.
    pub const EXIT_BIT: u32 = 96;

    /// Queue of the operation.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Deposit(_) => Lane::Deposits,
            Self::Exit(_) => Lane::Exits,
        }
    }

    /// Index of the L2 account.
    #[must_use]
    pub const fn index(&self) -> u32 {
        match self {
            Self::Deposit(deposit) => deposit.index,
            Self::Exit(exit) => exit.index,
        }
    }

    /// The three words of `L1Operation` in the contracts. For a deposit: index and amount, x, y. For an exit:
    /// index and [`Self::EXIT_BIT`], address, zero.
    #[must_use]
    pub fn words(&self) -> [U256; 3] {
        match *self {
            Self::Deposit(Deposit { index, amount, key_x, key_y }) => [
                U256::from(index) | U256::from(amount).wrapping_shl(Self::AMOUNT_SHIFT as usize),
                key_x,
                key_y,
            ],
            Self::Exit(Exit { index, to }) => [
                U256::from(index) | U256::ONE.wrapping_shl(Self::EXIT_BIT as usize),
                to.into_word().into(),
                U256::ZERO,
            ],
        }
    }

    /// The rolling hash of the operation's queue after it, `keccak256(abi.encode(before, operation))`. It
    /// starts at zero.
    #[must_use]
    pub fn chain(&self, before: B256) -> B256 {
        let [head, x, y] = self.words();
        Words::with_capacity(4).word(before).u256(head).u256(x).u256(y).hash()
    }
}

/// The operations `[from, to)` of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueRange {
    /// Number of operations that the blocks before consumed.
    pub from: u64,
    /// Number of operations that are consumed after this block.
    pub to: u64,
}

impl QueueRange {
    /// The longest range that a block may consume: from `from`, at most `maximum` operations, in a lane of
    /// `count`.
    #[must_use]
    pub fn largest(from: u64, maximum: u64, count: u64) -> Self {
        Self { from, to: from.saturating_add(maximum).min(count.max(from)) }
    }

    /// Number of operations in the range.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// An operation in a lane, as the Bridge stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueEntry {
    /// The lane's rolling hash after the operation.
    pub chain: B256,
    /// L1 slot in which the operation was queued.
    pub queued_at: L1Slot,
}

/// What a block consumes of one lane, as its header names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Consumption {
    /// Lane of the operations.
    pub lane: Lane,
    /// Number of operations that the blocks before consumed.
    pub from: u64,
    /// Number of operations that are consumed after this block.
    pub to: u64,
    /// The lane's rolling hash of the first `to` operations; zero if none is consumed.
    pub chain: B256,
    /// Maximum number of operations that a block consumes, at least 1.
    pub maximum: u64,
}

/// Why L1 refuses what a block consumes of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueRangeError {
    /// The range ends before it starts or after the end of the lane.
    #[error("range [{from}, {to}) isn't within the {count} queued {lane}")]
    OutOfRange { lane: Lane, from: u64, to: u64, count: u64 },
    /// A block may not consume that many operations.
    #[error("expected at most {maximum} {lane}, got {actual}")]
    TooMany { lane: Lane, maximum: u64, actual: u64 },
    /// The block must consume an operation that isn't in the range.
    #[error("expected a range of {lane} to {required} or more, got one to {actual}")]
    NotConsumed {
        lane: Lane,
        /// End of the range with the first operation that is missing.
        required: u64,
        actual: u64,
    },
    /// The header names other operations than those that are queued.
    #[error("expected rolling hash {expected} of the {lane}, got {actual}")]
    WrongChain { lane: Lane, expected: B256, actual: B256 },
}

impl Consumption {
    /// The range of operations.
    #[must_use]
    pub const fn range(&self) -> QueueRange {
        QueueRange { from: self.from, to: self.to }
    }

    /// Checks one lane as L1 does: the range is within the lane, has at most `maximum` operations, and
    /// includes all operations that were queued before `cutoff`, the start of the slot before the block's,
    /// unless it has `maximum` operations; and the header names the rolling hash at its end. `count` is the
    /// length of the lane, and `entry` returns an operation by its number, counted from 0. L1 checks the
    /// deposits before the forced exits.
    ///
    /// # Errors
    /// Fails where the Bridge contract reverts.
    pub fn check(
        &self,
        cutoff: L1Slot,
        count: u64,
        entry: impl Fn(u64) -> Option<QueueEntry>,
    ) -> Result<(), QueueRangeError> {
        let Self { lane, from, to, chain: actual, maximum } = *self;
        if from > to || to > count {
            return Err(QueueRangeError::OutOfRange { lane, from, to, count });
        }
        let consumed = self.range().count();
        if consumed > maximum {
            return Err(QueueRangeError::TooMany { lane, maximum, actual: consumed });
        }
        // The lane is in the order of time: if the first missing operation isn't due, none after it is.
        let is_due = |number| entry(number).is_some_and(|first| first.queued_at < cutoff);
        if consumed < maximum && to < count && is_due(to) {
            return Err(QueueRangeError::NotConsumed { lane, required: to.saturating_add(1), actual: to });
        }
        let last = to.checked_sub(1).filter(|_| consumed > 0).and_then(entry);
        let expected = last.map_or(B256::ZERO, |last| last.chain);
        if actual != expected {
            return Err(QueueRangeError::WrongChain { lane, expected, actual });
        }
        Ok(())
    }
}
