//! Executing a block from its published data: what a follower does, and a prover that didn't build the block.

use crate::account::{AccountIndex, L1Address};
use crate::blob::{self, Blob, BlobError};
use crate::block::{BlockRules, BlockWitness, ChunkBuilder};
use crate::keys::Signature;
use crate::operation::{
    Deposit, Exit, L1Operation, Operation, SignedOperation, Slot, SlotError, Transfer, Withdrawal,
};
use crate::transition::OperationError;
use crate::tree::{State, Store};

/// Why published data is no valid block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The blobs don't hold chunks.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// An element isn't a slot.
    #[error("chunk {chunk}, slot {slot}: {source}")]
    Slot {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
        /// Why.
        source: SlotError,
    },
    /// An operation breaks a rule.
    #[error("chunk {chunk}, slot {slot}: {source}")]
    Operation {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
        /// Which rule.
        source: OperationError,
    },
    /// A withdrawal or an exit without a target right after it.
    #[error("chunk {chunk}, slot {slot}: expected a withdrawal target, got {}", describe(.actual.as_ref()))]
    MissingTarget {
        /// Which chunk.
        chunk: usize,
        /// Where the target should be.
        slot: usize,
        /// What is there, `None` past the chunk's end.
        actual: Option<Slot>,
    },
    /// A target without a withdrawal or an exit right before it.
    #[error("chunk {chunk}, slot {slot}: expected no withdrawal target without a withdrawal before it")]
    OrphanTarget {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
    },
    /// A deposit or an exit that isn't the next of L1's queue.
    #[error("chunk {chunk}, slot {slot}: expected {}, got {actual}", describe_entry(*.expected))]
    QueueMismatch {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
        /// The next of the queue, `None` if the block has consumed all its part.
        expected: Option<QueueEntry>,
        /// What the data says.
        actual: QueueEntry,
    },
    /// An exit of another amount than the account owns.
    #[error("chunk {chunk}, slot {slot}: expected the exit of {expected} units from {from}, got {actual}")]
    ExitAmount {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
        /// Whose exit.
        from: AccountIndex,
        /// The balance.
        expected: u64,
        /// What the data says.
        actual: u64,
    },
    /// The block leaves entries of the queue out that its header consumes.
    #[error("expected {expected} operations of the queue, got {actual}")]
    QueueLeft {
        /// What the header consumes.
        expected: usize,
        /// What the data holds.
        actual: usize,
    },
    /// There are more or fewer signatures than signed operations.
    #[error("expected {expected} signatures, got {actual}")]
    SignatureCount {
        /// Signed operations, or as many as were found until the signatures ran out.
        expected: usize,
        /// Signatures given.
        actual: usize,
    },
    /// A chunk's fees can't be credited.
    #[error("chunk {chunk}, fees: {source}")]
    Fees {
        /// Which chunk.
        chunk: usize,
        /// Which rule.
        source: OperationError,
    },
}

fn describe(slot: Option<&Slot>) -> String {
    slot.map_or_else(|| "the chunk's end".to_owned(), |slot| format!("an operation of kind {}", slot.kind()))
}

/// An entry of L1's queue as a block's data shows it: without its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueEntry {
    /// A deposit.
    Deposit {
        /// Whose account.
        to: AccountIndex,
        /// How much.
        amount: u64,
    },
    /// A forced exit.
    Exit {
        /// Whose account.
        from: AccountIndex,
        /// Who may claim.
        target: L1Address,
    },
}

impl QueueEntry {
    const fn of(operation: &L1Operation) -> Self {
        match *operation {
            L1Operation::Deposit(Deposit { to, amount, .. }) => Self::Deposit { to, amount },
            L1Operation::Exit(Exit { from, target }) => Self::Exit { from, target },
        }
    }
}

impl std::fmt::Display for QueueEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deposit { to, amount } => write!(formatter, "a deposit of {amount} to {to}"),
            Self::Exit { from, target } => write!(formatter, "an exit from {from} to {target}"),
        }
    }
}

fn describe_entry(entry: Option<QueueEntry>) -> String {
    entry.map_or_else(|| "the end of the queue's part".to_owned(), |entry| entry.to_string())
}

/// Where the signatures of a replayed block come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures<'a> {
    /// A proof vouches for them; the witness is then of no use for proving.
    Proven,
    /// They are given, in the order of the operations, and checked.
    Given(&'a [Signature]),
}

/// Executes the `chunks` chunks in `blobs` on `state`, consuming `operations` of L1's queue whole.
///
/// Compare [`BlockWitness::state_root`] with the header's. The state ends after the block; drop it to undo.
///
/// # Errors
/// When the data is malformed, breaks a rule, or doesn't consume the queue's part. The state is then of no use.
pub fn replay<S: Store>(
    state: &mut State<S>,
    rules: BlockRules,
    chunks: usize,
    blobs: &[Blob],
    operations: &[L1Operation],
    signatures: Signatures<'_>,
) -> Result<BlockWitness, ReplayError> {
    let data = blob::decode(&rules.layout, chunks, blobs)?;
    let mut queue = Queue { operations, consumed: 0, signatures, signed: 0 };
    let mut executed = Vec::with_capacity(data.len());
    for (chunk, elements) in data.iter().enumerate() {
        let slots = elements
            .iter()
            .enumerate()
            .map(|(slot, element)| {
                Slot::unpack(*element).map_err(|source| ReplayError::Slot { chunk, slot, source })
            })
            .collect::<Result<Vec<Slot>, _>>()?;
        let mut builder = ChunkBuilder::new(state, rules);
        execute(&mut builder, chunk, &slots, &mut queue)?;
        executed.push(builder.finish().map_err(|source| ReplayError::Fees { chunk, source })?);
    }
    queue.finish()?;
    Ok(BlockWitness { rules, chunks: executed })
}

/// L1's queue and signatures, taken in order.
struct Queue<'a> {
    operations: &'a [L1Operation],
    consumed: usize,
    signatures: Signatures<'a>,
    signed: usize,
}

impl Queue<'_> {
    /// The next operation, if it looks like `entry`; otherwise what it looks like.
    fn next(&mut self, entry: QueueEntry) -> Result<L1Operation, Option<QueueEntry>> {
        let next = self.operations.get(self.consumed).copied();
        match next {
            Some(operation) if QueueEntry::of(&operation) == entry => {
                self.consumed = self.consumed.saturating_add(1);
                Ok(operation)
            }
            _ => Err(next.as_ref().map(QueueEntry::of)),
        }
    }

    fn signature(&mut self) -> Result<Option<Signature>, ReplayError> {
        let place = self.signed;
        self.signed = self.signed.saturating_add(1);
        match self.signatures {
            Signatures::Proven => Ok(None),
            Signatures::Given(given) => given
                .get(place)
                .copied()
                .map(Some)
                .ok_or(ReplayError::SignatureCount { expected: self.signed, actual: given.len() }),
        }
    }

    fn finish(&self) -> Result<(), ReplayError> {
        let (expected, actual) = (self.operations.len(), self.consumed);
        if expected != actual {
            return Err(ReplayError::QueueLeft { expected, actual });
        }
        match self.signatures {
            Signatures::Given(given) if given.len() != self.signed => {
                Err(ReplayError::SignatureCount { expected: self.signed, actual: given.len() })
            }
            _ => Ok(()),
        }
    }
}

fn execute<S: Store>(
    builder: &mut ChunkBuilder<'_, S>,
    chunk: usize,
    slots: &[Slot],
    queue: &mut Queue<'_>,
) -> Result<(), ReplayError> {
    let mut slots = slots.iter().copied().enumerate();
    while let Some((slot, content)) = slots.next() {
        let broken = |source| ReplayError::Operation { chunk, slot, source };
        let mismatch = |actual| move |expected| ReplayError::QueueMismatch { chunk, slot, expected, actual };
        let operation = match content {
            Slot::Padding => {
                builder.padding();
                continue;
            }
            Slot::Deposit { to, amount } => {
                let entry = QueueEntry::Deposit { to, amount };
                let deposit = queue.next(entry).map_err(mismatch(entry))?;
                builder.queued(&deposit).map_err(broken)?;
                continue;
            }
            Slot::Exit { from, amount } => {
                let target = target(chunk, slot, slots.next())?;
                let entry = QueueEntry::Exit { from, target };
                let exit = queue.next(entry).map_err(mismatch(entry))?;
                let expected = builder.balance(from);
                if amount != expected {
                    return Err(ReplayError::ExitAmount { chunk, slot, from, expected, actual: amount });
                }
                builder.queued(&exit).map_err(broken)?;
                continue;
            }
            Slot::Target(_) => return Err(ReplayError::OrphanTarget { chunk, slot }),
            Slot::Transfer { from, to, amount, fee } => {
                let nonce = builder.nonce(from);
                Operation::from(Transfer { from, to, amount, fee, nonce })
            }
            Slot::Withdrawal { from, amount, fee } => {
                let target = target(chunk, slot, slots.next())?;
                let nonce = builder.nonce(from);
                Operation::from(Withdrawal { from, target, amount, fee, nonce })
            }
        };
        match queue.signature()? {
            None => builder.unsigned(&operation, None),
            Some(signature) => builder.operation(&SignedOperation { operation, signature }),
        }
        .map_err(broken)?;
    }
    Ok(())
}

/// The target in the slot after `slot`.
fn target(chunk: usize, slot: usize, next: Option<(usize, Slot)>) -> Result<L1Address, ReplayError> {
    match next.map(|(_, next)| next) {
        Some(Slot::Target(target)) => Ok(target),
        actual => Err(ReplayError::MissingTarget { chunk, slot: slot.saturating_add(1), actual }),
    }
}
