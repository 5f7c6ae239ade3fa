//! The Bridge's queue of deposits and forced exits: its rolling hash on L1, and the operations that a block
//! must consume.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::{L1Slot, encoding::Words};

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

/// An operation in the Bridge's queue, which L2 must execute. Its key isn't known to be a point of the curve.
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

    /// The rolling hash of the queue after this operation, `keccak256(abi.encode(before, operation))`. It
    /// starts at zero.
    #[must_use]
    pub fn chain(&self, before: B256) -> B256 {
        let [head, x, y] = self.words();
        Words::with_capacity(4).word(before).u256(head).u256(x).u256(y).hash()
    }
}

/// The operations `[from, to)` of the queue, which a block consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueRange {
    /// Number of operations that the blocks before consumed.
    pub from: u64,
    /// Number of operations that are consumed after this block.
    pub to: u64,
}

/// Why L1 refuses the range of operations of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueRangeError {
    /// The range ends before it starts or after the end of the queue.
    #[error("range [{from}, {to}) isn't within the queue of {count} operations")]
    OutOfRange { from: u64, to: u64, count: u64 },
    /// A block may not consume that many operations.
    #[error("expected at most {maximum} operations, got {actual}")]
    TooMany { maximum: u64, actual: u64 },
    /// The block must consume an operation that isn't in the range.
    #[error("expected a range to {required} or more, got one to {actual}")]
    NotConsumed {
        /// End of the range with the first operation that is missing.
        required: u64,
        actual: u64,
    },
}

impl QueueRange {
    /// The longest range that a block may consume: from `from`, at most `maximum` operations, in a queue of
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

    /// Checks the range as L1 does: it is within the queue, has at most `maximum` operations, and includes
    /// all operations that were queued before `cutoff`, the start of the slot before the block's, unless it
    /// has `maximum` operations. `count` is the length of the queue, and `queued_at` returns the L1 slot in
    /// which an operation was queued.
    ///
    /// # Errors
    /// Fails where the Bridge contract reverts.
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
        // The queue is in the order of time: if the first missing operation isn't due, none after it is.
        if consumed < maximum && to < count && queued_at(to).is_some_and(|at| at < cutoff) {
            return Err(QueueRangeError::NotConsumed { required: to.saturating_add(1), actual: to });
        }
        Ok(())
    }
}
