//! Deposits: their rolling hash on L1, and how many of them a block must consume.

use crate::{L1Slot, encoding::Words};
use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};

/// A deposit as the L2 sees it.
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

impl Deposit {
    /// The rolling hash with this deposit added: `keccak256(abi.encode(chain, deposit))`. It starts at zero.
    #[must_use]
    pub fn chain(&self, before: B256) -> B256 {
        Words::with_capacity(5)
            .word(before)
            .uint(self.index)
            .uint(self.amount)
            .u256(self.key_x)
            .u256(self.key_y)
            .hash()
    }

    /// Rolling hash of a queue of deposits.
    #[must_use]
    pub fn chain_of<'a>(deposits: impl IntoIterator<Item = &'a Self>) -> B256 {
        deposits.into_iter().fold(B256::ZERO, |chain, deposit| deposit.chain(chain))
    }
}

/// Deposits that a block consumes: `[from, to)` of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DepositRange {
    /// consumed by the blocks before
    pub from: u64,
    /// consumed with this block
    pub to: u64,
}

/// Why L1 refuses a block's consumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DepositRangeError {
    /// Backwards, or beyond the queue.
    #[error("deposits [{from}, {to}) aren't within the {count} queued")]
    OutOfRange {
        /// first deposit
        from: u64,
        /// deposit after the last
        to: u64,
        /// deposits queued
        count: u64,
    },
    /// More than a block may consume.
    #[error("{actual} deposits are more than the {maximum} a block may consume")]
    TooMany {
        /// a block's limit
        maximum: u64,
        /// deposits in the range
        actual: u64,
    },
    /// A deposit that has waited long enough is left out.
    #[error("deposits must be consumed up to {required} at least, got {actual}")]
    NotConsumed {
        /// end that includes the first deposit left out
        required: u64,
        /// end of the range
        actual: u64,
    },
}

impl DepositRange {
    /// The range that consumes as much as a block may: from `from` on, at most `maximum`, of `count` queued.
    #[must_use]
    pub fn largest(from: u64, maximum: u64, count: u64) -> Self {
        Self { from, to: from.saturating_add(maximum).min(count.max(from)) }
    }

    /// Deposits in the range.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// What L1 checks: within the queue, at most `maximum`, and everything queued before `cutoff` (the start of the
    /// slot before the block's) unless the maximum is reached. `count` deposits are queued; `queued_at` gives the L1 slot
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
    ) -> Result<(), DepositRangeError> {
        let Self { from, to } = *self;
        if from > to || to > count {
            return Err(DepositRangeError::OutOfRange { from, to, count });
        }
        let consumed = self.count();
        if consumed > maximum {
            return Err(DepositRangeError::TooMany { maximum, actual: consumed });
        }
        // the queue is in the order of time: if the first deposit left over is young enough, all are
        if consumed < maximum && to < count && queued_at(to).is_some_and(|at| at < cutoff) {
            return Err(DepositRangeError::NotConsumed { required: to.saturating_add(1), actual: to });
        }
        Ok(())
    }
}
