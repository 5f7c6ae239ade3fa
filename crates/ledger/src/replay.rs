//! Executing a block from its published data: what a follower does, and a prover that didn't build the block.

use crate::account::AccountIndex;
use crate::blob::{self, Blob, BlobError};
use crate::block::{BlockRules, BlockWitness, ChunkBuilder};
use crate::keys::Signature;
use crate::operation::{Deposit, Operation, SignedOperation, Slot, SlotError, Transfer, Withdrawal};
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
    /// A withdrawal without a target right after it.
    #[error("chunk {chunk}, slot {slot}: expected a withdrawal target, got {}", describe(.actual.as_ref()))]
    MissingTarget {
        /// Which chunk.
        chunk: usize,
        /// Where the target should be.
        slot: usize,
        /// What is there, `None` past the chunk's end.
        actual: Option<Slot>,
    },
    /// A target without a withdrawal right before it.
    #[error("chunk {chunk}, slot {slot}: expected no withdrawal target without a withdrawal before it")]
    OrphanTarget {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
    },
    /// A deposit that isn't the next of L1's queue.
    #[error("chunk {chunk}, slot {slot}: expected deposit {}, got {amount} to {to}", describe_deposit(*.expected))]
    DepositMismatch {
        /// Which chunk.
        chunk: usize,
        /// Which slot.
        slot: usize,
        /// Account and amount of the next of the queue, `None` if the block has consumed all its deposits.
        expected: Option<(AccountIndex, u64)>,
        /// Account in the data.
        to: AccountIndex,
        /// Amount in the data.
        amount: u64,
    },
    /// The block leaves deposits out that its header consumes.
    #[error("expected {expected} deposits, got {actual}")]
    DepositsLeft {
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

fn describe_deposit(deposit: Option<(AccountIndex, u64)>) -> String {
    deposit.map_or_else(|| "none".to_owned(), |(to, amount)| format!("of {amount} to {to}"))
}

/// Where the signatures of a replayed block come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures<'a> {
    /// A proof vouches for them; the witness is then of no use for proving.
    Proven,
    /// They are given, in the order of the operations, and checked.
    Given(&'a [Signature]),
}

/// Executes the `chunks` chunks in `blobs` on `state`, consuming `deposits` whole.
///
/// Compare [`BlockWitness::state_root`] with the header's. The state ends after the block; drop it to undo.
///
/// # Errors
/// When the data is malformed, breaks a rule, or doesn't consume the deposits. The state is then of no use.
pub fn replay<S: Store>(
    state: &mut State<S>,
    rules: BlockRules,
    chunks: usize,
    blobs: &[Blob],
    deposits: &[Deposit],
    signatures: Signatures<'_>,
) -> Result<BlockWitness, ReplayError> {
    let data = blob::decode(&rules.layout, chunks, blobs)?;
    let mut queue = Queue { deposits, consumed: 0, signatures, signed: 0 };
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

/// Deposits and signatures, taken in order.
struct Queue<'a> {
    deposits: &'a [Deposit],
    consumed: usize,
    signatures: Signatures<'a>,
    signed: usize,
}

impl Queue<'_> {
    fn deposit(&mut self, to: AccountIndex, amount: u64) -> Result<Deposit, Option<(AccountIndex, u64)>> {
        let next = self.deposits.get(self.consumed).copied();
        match next {
            Some(deposit) if deposit.to == to && deposit.amount == amount => {
                self.consumed = self.consumed.saturating_add(1);
                Ok(deposit)
            }
            _ => Err(next.map(|deposit| (deposit.to, deposit.amount))),
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
        let (expected, actual) = (self.deposits.len(), self.consumed);
        if expected != actual {
            return Err(ReplayError::DepositsLeft { expected, actual });
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
        let operation = match content {
            Slot::Padding => {
                builder.padding();
                continue;
            }
            Slot::Deposit { to, amount } => {
                let deposit = queue.deposit(to, amount);
                let deposit = deposit.map_err(|expected| ReplayError::DepositMismatch {
                    chunk,
                    slot,
                    expected,
                    to,
                    amount,
                })?;
                builder.deposit(&deposit).map_err(broken)?;
                continue;
            }
            Slot::Target(_) => return Err(ReplayError::OrphanTarget { chunk, slot }),
            Slot::Transfer { from, to, amount, fee } => {
                let nonce = builder.nonce(from);
                Operation::from(Transfer { from, to, amount, fee, nonce })
            }
            Slot::Withdrawal { from, amount, fee } => match slots.next().map(|(_, next)| next) {
                Some(Slot::Target(target)) => {
                    let nonce = builder.nonce(from);
                    Operation::from(Withdrawal { from, target, amount, fee, nonce })
                }
                actual => {
                    let slot = slot.saturating_add(1);
                    return Err(ReplayError::MissingTarget { chunk, slot, actual });
                }
            },
        };
        match queue.signature()? {
            None => builder.unsigned(&operation, None),
            Some(signature) => builder.operation(&SignedOperation { operation, signature }),
        }
        .map_err(broken)?;
    }
    Ok(())
}
