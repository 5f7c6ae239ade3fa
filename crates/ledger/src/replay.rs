//! Execution of a block from its published data, for followers and for provers that didn't build the block.

use alloy_primitives::Address;
use fernet_protocol::Lane;

use crate::{
    account::AccountIndex,
    blob::{self, Blob, BlobError},
    block::{BlockRules, BlockWitness, ChunkBuilder},
    keys::Signature,
    operation::{
        Deposit, Exit, Lanes, Operation, QueuedOperation, SignedOperation, Slot, SlotError, Transfer,
        Withdrawal,
    },
    transition::OperationError,
    tree::{State, Store},
};

/// Why published data isn't a valid block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The blobs don't contain chunks.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// An element isn't a slot.
    #[error("chunk {chunk}, slot {slot}: {source}")]
    Slot { chunk: usize, slot: usize, source: SlotError },
    /// An operation breaks a rule.
    #[error("chunk {chunk}, slot {slot}: {source}")]
    Operation { chunk: usize, slot: usize, source: OperationError },
    /// The slot after a withdrawal or an exit has no target.
    #[error("chunk {chunk}, slot {slot}: expected a withdrawal target, got {}", describe(.actual.as_ref()))]
    MissingTarget {
        chunk: usize,
        slot: usize,
        /// Content of the slot; `None` after the chunk's end.
        actual: Option<Slot>,
    },
    /// The slot before a target has no withdrawal or exit.
    #[error("chunk {chunk}, slot {slot}: no withdrawal before this withdrawal target")]
    OrphanTarget { chunk: usize, slot: usize },
    /// A deposit or an exit isn't the next operation of its lane.
    #[error("chunk {chunk}, slot {slot}: expected {}, got {actual}", expected_entry(*.expected, .actual))]
    QueueMismatch {
        chunk: usize,
        slot: usize,
        /// Next operation of the lane; `None` if the block has consumed all of its operations.
        expected: Option<QueueEntry>,
        actual: QueueEntry,
    },
    /// The amount of an exit isn't the balance of the account.
    #[error("chunk {chunk}, slot {slot}: expected an exit of {expected} units from {from}, got {actual}")]
    ExitAmount { chunk: usize, slot: usize, from: AccountIndex, expected: u64, actual: u64 },
    /// The data lacks operations of a lane that the header consumes.
    #[error("expected {expected} {lane}, got {actual}")]
    QueueLeft { lane: Lane, expected: usize, actual: usize },
    /// The numbers of signatures and of signed operations differ.
    #[error("expected {expected} signatures, got {actual}")]
    SignatureCount {
        /// Signed operations; if the signatures are too few, those found so far.
        expected: usize,
        actual: usize,
    },
    /// A chunk's fees can't be credited.
    #[error("chunk {chunk}, fees: {source}")]
    Fees { chunk: usize, source: OperationError },
}

fn describe(slot: Option<&Slot>) -> String {
    slot.map_or_else(
        || "the end of the chunk".to_owned(),
        |slot| format!("an operation of kind {}", slot.kind()),
    )
}

/// An operation of a lane as a block's data contains it: a deposit without its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueEntry {
    /// A deposit.
    Deposit {
        /// Account that receives the amount.
        to: AccountIndex,
        /// L2 units.
        amount: u64,
    },
    /// A forced exit.
    Exit {
        /// Account that leaves.
        from: AccountIndex,
        /// Address that may claim the balance.
        target: Address,
    },
}

impl QueueEntry {
    const fn of(operation: &QueuedOperation) -> Self {
        match *operation {
            QueuedOperation::Deposit(Deposit { to, amount, .. }) => Self::Deposit { to, amount },
            QueuedOperation::Exit(Exit { from, target }) => Self::Exit { from, target },
        }
    }

    /// Lane of the operation.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Deposit { .. } => Lane::Deposits,
            Self::Exit { .. } => Lane::Exits,
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

fn expected_entry(expected: Option<QueueEntry>, actual: &QueueEntry) -> String {
    expected.map_or_else(|| format!("no more {}", actual.lane()), |entry| entry.to_string())
}

/// Source of the signatures of a replayed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures<'a> {
    /// A verified proof implies that they are valid. The resulting witness can't be proven.
    Proven,
    /// The signatures in the order of the operations, which are checked.
    Given(&'a [Signature]),
}

/// Executes the `chunks` chunks in `blobs` on `state`. The block must consume exactly `lanes`: all operations
/// of each lane in the lane's order. Its data says how the two lanes are mixed.
///
/// The caller compares [`BlockWitness::state_root`] with the header's root. The state is changed to the one
/// after the block; drop it to undo that.
///
/// # Errors
/// Fails if the data is malformed, breaks a rule, or doesn't consume the operations. The state must then be
/// dropped.
pub fn replay<S: Store>(
    state: &mut State<S>,
    rules: BlockRules,
    chunks: usize,
    blobs: &[Blob],
    lanes: &Lanes,
    signatures: Signatures<'_>,
) -> Result<BlockWitness, ReplayError> {
    let data = blob::decode(&rules.layout, chunks, blobs)?;
    let mut queue = Queue { lanes, deposits: 0, exits: 0, signatures, signed: 0 };
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

/// Operations of the two lanes and signatures, each of which are consumed in order.
struct Queue<'a> {
    lanes: &'a Lanes,
    /// Number of consumed deposits.
    deposits: usize,
    /// Number of consumed exits.
    exits: usize,
    signatures: Signatures<'a>,
    signed: usize,
}

impl Queue<'_> {
    /// Consumes the next operation of the entry's lane if it is `entry`; otherwise returns what it is.
    fn next(&mut self, entry: QueueEntry) -> Result<QueuedOperation, Option<QueueEntry>> {
        let (next, consumed): (Option<QueuedOperation>, _) = match entry.lane() {
            Lane::Deposits => {
                (self.lanes.deposits.get(self.deposits).copied().map(Into::into), &mut self.deposits)
            }
            Lane::Exits => (self.lanes.exits.get(self.exits).copied().map(Into::into), &mut self.exits),
        };
        match next {
            Some(operation) if QueueEntry::of(&operation) == entry => {
                *consumed = consumed.saturating_add(1);
                Ok(operation)
            }
            _ => Err(next.as_ref().map(QueueEntry::of)),
        }
    }

    fn signature(&mut self) -> Result<Option<Signature>, ReplayError> {
        let index = self.signed;
        self.signed = self.signed.saturating_add(1);
        match self.signatures {
            Signatures::Proven => Ok(None),
            Signatures::Given(given) => given
                .get(index)
                .copied()
                .map(Some)
                .ok_or(ReplayError::SignatureCount { expected: self.signed, actual: given.len() }),
        }
    }

    fn finish(&self) -> Result<(), ReplayError> {
        for (lane, expected, actual) in [
            (Lane::Deposits, self.lanes.deposits.len(), self.deposits),
            (Lane::Exits, self.lanes.exits.len(), self.exits),
        ] {
            if expected != actual {
                return Err(ReplayError::QueueLeft { lane, expected, actual });
            }
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

/// The target in `next`, the slot after `slot`.
fn target(chunk: usize, slot: usize, next: Option<(usize, Slot)>) -> Result<Address, ReplayError> {
    match next.map(|(_, next)| next) {
        Some(Slot::Target(target)) => Ok(target),
        actual => Err(ReplayError::MissingTarget { chunk, slot: slot.saturating_add(1), actual }),
    }
}
