//! The Bridge's queue of deposits and forced exits: its rolling hash on L1, and how much of it a block must consume.

use crate::{L1Slot, encoding::Words};
use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

/// A deposit as L1 tells it to the L2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deposit {
    /// L2 account
    pub index: u32,
    /// L2 units
    pub amount: u64,
    /// Jubjub key, affine x
    pub key_x: U256,
    /// Jubjub key, affine y
    pub key_y: U256,
}

/// The exit of all that an account has, forced by its owner on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exit {
    /// L2 account
    pub index: u32,
    /// who may claim
    pub to: Address,
}

/// What L1 tells the L2 to do: an entry of the Bridge's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum L1Operation {
    /// money arrives
    Deposit(Deposit),
    /// an account is emptied
    Exit(Exit),
}

impl L1Operation {
    /// Position of the lowest bit of a deposit's amount in the first word.
    pub const AMOUNT_SHIFT: u32 = 32;
    /// The bit of the first word that is set for an exit and not for a deposit.
    pub const EXIT_BIT: u32 = 96;

    /// The account.
    #[must_use]
    pub const fn index(&self) -> u32 {
        match self {
            Self::Deposit(deposit) => deposit.index,
            Self::Exit(exit) => exit.index,
        }
    }

    /// The three words of `L1Operation` in the contracts: index and amount, then the key; or index and a mark, the
    /// target and zero.
    #[must_use]
    pub fn words(&self) -> [U256; 3] {
        match *self {
            Self::Deposit(Deposit { index, amount, key_x, key_y }) => {
                [U256::from(index) | U256::from(amount).wrapping_shl(Self::AMOUNT_SHIFT as usize), key_x, key_y]
            }
            Self::Exit(Exit { index, to }) => {
                [U256::from(index) | U256::ONE.wrapping_shl(Self::EXIT_BIT as usize), to.into_word().into(), U256::ZERO]
            }
        }
    }

    /// The rolling hash with this operation added: `keccak256(abi.encode(chain, operation))`. It starts at zero.
    #[must_use]
    pub fn chain(&self, before: B256) -> B256 {
        let [head, x, y] = self.words();
        Words::with_capacity(4).word(before).u256(head).u256(x).u256(y).hash()
    }
}

/// Operations that a block consumes: `[from, to)` of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueRange {
    /// consumed by the blocks before
    pub from: u64,
    /// consumed with this block
    pub to: u64,
}

/// Why L1 refuses a block's consumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueRangeError {
    /// Backwards, or beyond the queue.
    #[error("operations [{from}, {to}) aren't within the {count} queued")]
    OutOfRange {
        /// first operation
        from: u64,
        /// operation after the last
        to: u64,
        /// operations queued
        count: u64,
    },
    /// More than a block may consume.
    #[error("{actual} operations are more than the {maximum} a block may consume")]
    TooMany {
        /// a block's limit
        maximum: u64,
        /// operations in the range
        actual: u64,
    },
    /// An operation that has waited long enough is left out.
    #[error("operations must be consumed up to {required} at least, got {actual}")]
    NotConsumed {
        /// end that includes the first operation left out
        required: u64,
        /// end of the range
        actual: u64,
    },
}

impl QueueRange {
    /// The range that consumes as much as a block may: from `from` on, at most `maximum`, of `count` queued.
    #[must_use]
    pub fn largest(from: u64, maximum: u64, count: u64) -> Self {
        Self { from, to: from.saturating_add(maximum).min(count.max(from)) }
    }

    /// Operations in the range.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// What L1 checks: within the queue, at most `maximum`, and everything queued before `cutoff` (the start of the
    /// slot before the block's) unless the maximum is reached. `count` operations are queued; `queued_at` gives the L1 slot
    /// of one, from 0.
    ///
    /// # Errors
    /// As the Bridge would revert.
    pub fn check(
        &self,
        maximum: u64,
        cutoff: L1Slot,
        count: u64,
        queued_at: impl Fn(u64) -> Option<L1Slot>,
    ) -> Result<(), QueueRangeError> {
        let Self { from, to } = *self;
        if from > to || to > count {
            return Err(QueueRangeError::OutOfRange { from, to, count });
        }
        let consumed = self.count();
        if consumed > maximum {
            return Err(QueueRangeError::TooMany { maximum, actual: consumed });
        }
        // the queue is in the order of time: if the first operation left over is young enough, all are
        if consumed < maximum && to < count && queued_at(to).is_some_and(|at| at < cutoff) {
            return Err(QueueRangeError::NotConsumed { required: to.saturating_add(1), actual: to });
        }
        Ok(())
    }
}
