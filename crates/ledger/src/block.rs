//! Building blocks: operations into chunks, with all that their proofs need.

use crate::account::{AccountIndex, L1Address};
use crate::blob::{self, Blob};
use crate::domain::Domain;
use crate::fees::FeeBurn;
use crate::field::Fr;
use crate::keys::Signature;
use crate::layout::{ChunkPosition, Layout};
use crate::operation::{Deposit, Exit, L1Operation, Operation, SignedOperation, Slot};
use crate::statement::{self, ChunkContext};
use crate::transition::{OperationError, SlotWitness};
use crate::tree::{Opening, State, Store};

/// What a header and its deployment fix about how operations are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRules {
    /// The deployment.
    pub domain: Domain,
    /// How chunks lie in blobs.
    pub layout: Layout,
    /// Which share of the fees is burned.
    pub fee_burn: FeeBurn,
    /// Who gets the rest of the fees; [`AccountIndex::RESERVED`] burns it as well.
    pub fee_recipient: AccountIndex,
}

impl BlockRules {
    /// Payee, fee recipient and burned share in the form in which a proof binds them.
    #[must_use]
    pub fn recipients(&self, payee: L1Address) -> Fr {
        statement::recipients(payee, self.fee_recipient, self.fee_burn)
    }
}

/// What the circuit needs to know about one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkWitness {
    /// The state's root before the chunk.
    pub root_before: Fr,
    /// The state's root after the fees are credited.
    pub root_after: Fr,
    /// Every slot, padding included.
    pub slots: Vec<SlotWitness>,
    /// Sum of the fees.
    pub fees: u64,
    /// The fee recipient before the fees are credited.
    pub fee_recipient: Opening,
}

impl ChunkWitness {
    /// The data elements, one for each slot.
    #[must_use]
    pub fn elements(&self) -> Vec<Fr> {
        self.slots.iter().map(|witness| witness.slot.pack()).collect()
    }

    /// The chunk's part of L1's queue, in order.
    pub fn queued(&self) -> impl Iterator<Item = &L1Operation> {
        self.slots.iter().filter_map(|witness| witness.queued.as_ref())
    }

    /// What its proof binds beside the data, with `payee` getting the proof's reward.
    #[must_use]
    pub fn context(&self, rules: &BlockRules, payee: L1Address) -> ChunkContext {
        ChunkContext {
            domain: rules.domain,
            recipients: rules.recipients(payee),
            root_before: self.root_before,
            root_after: self.root_after,
        }
    }

    /// Fees that nobody gets.
    #[must_use]
    pub fn burned(&self, rules: &BlockRules) -> u64 {
        match self.fee_recipient.account {
            Some(_) => rules.fee_burn.share_down(self.fees),
            None => self.fees,
        }
    }
}

/// A chunk in the making: it writes to the state as slots are added.
#[derive(Debug)]
pub struct ChunkBuilder<'a, S> {
    state: &'a mut State<S>,
    rules: BlockRules,
    root_before: Fr,
    slots: Vec<SlotWitness>,
    fees: u64,
}

impl<'a, S: Store> ChunkBuilder<'a, S> {
    /// A chunk that starts from `state`.
    pub fn new(state: &'a mut State<S>, rules: BlockRules) -> Self {
        state.settle();
        let root_before = state.root();
        Self { state, rules, root_before, slots: Vec::with_capacity(rules.layout.operations()), fees: 0 }
    }

    /// How many slots are left.
    pub fn free(&self) -> usize {
        self.rules.layout.operations().saturating_sub(self.slots.len())
    }

    /// Whether `operation` fits the slots that are left.
    pub fn fits(&self, operation: &Operation) -> bool {
        self.free() >= slots_of(operation)
    }

    /// Adds an entry of L1's queue.
    ///
    /// # Errors
    /// With the rule that it breaks; nothing is then changed.
    pub fn queued(&mut self, operation: &L1Operation) -> Result<(), OperationError> {
        let witnesses = self.state.apply_queued(operation)?;
        self.slots.extend(witnesses);
        Ok(())
    }

    /// What `account` owns; nothing if there is no such account.
    pub(crate) fn balance(&self, account: AccountIndex) -> u64 {
        self.state.account(account).map_or(0, |account| account.balance)
    }

    /// Adds a signed operation.
    ///
    /// # Errors
    /// With the rule that it breaks; nothing is then changed.
    pub fn operation(&mut self, signed: &SignedOperation) -> Result<(), OperationError> {
        self.state.check(self.rules.domain, signed)?;
        self.unsigned(&signed.operation, Some(signed.signature))
    }

    /// Adds an operation without asking for nonce and signature.
    ///
    /// # Errors
    /// With the rule that it breaks; nothing is then changed.
    pub(crate) fn unsigned(
        &mut self,
        operation: &Operation,
        signature: Option<Signature>,
    ) -> Result<(), OperationError> {
        let witnesses = self.state.apply_unsigned(operation, signature)?;
        self.slots.extend(witnesses);
        // At most 4,096 fees of 32 bits.
        self.fees = self.fees.saturating_add(u64::from(operation.fee()));
        Ok(())
    }

    /// The nonce that `account`'s next operation must have; zero if there is no such account.
    pub(crate) fn nonce(&self, account: AccountIndex) -> u32 {
        self.state.account(account).map_or(0, |account| account.nonce)
    }

    /// Adds an empty slot.
    pub(crate) fn padding(&mut self) {
        self.slots.push(SlotWitness::passive(Slot::Padding));
    }

    /// Refuses `operation` if the fee recipient could not take its fee on top of everything else.
    fn check_fees(&self, operation: &Operation) -> Result<(), OperationError> {
        let recipient = self.rules.fee_recipient;
        let Some(account) = self.state.account(recipient) else { return Ok(()) };
        let received = match operation {
            Operation::Transfer(transfer) if transfer.to == recipient => transfer.amount,
            _ => 0,
        };
        let fees = self.kept(self.fees.saturating_add(u64::from(operation.fee())));
        let total = [account.balance, received, fees].into_iter().try_fold(0u64, u64::checked_add);
        total.map(drop).ok_or(OperationError::BalanceOverflow {
            account: recipient,
            balance: account.balance.saturating_add(received),
            amount: fees,
        })
    }

    /// What the fee recipient gets of `fees`.
    fn kept(&self, fees: u64) -> u64 {
        fees.saturating_sub(self.rules.fee_burn.share_down(fees))
    }

    /// Fills the chunk with padding and credits the fees that aren't burned.
    ///
    /// # Errors
    /// When the fee recipient is no leaf of the tree, or would own more than 64 bits can count.
    pub fn finish(mut self) -> Result<ChunkWitness, OperationError> {
        while self.free() > 0 {
            self.padding();
        }
        let fee_recipient = self.state.credit_fees(self.rules.fee_recipient, self.kept(self.fees))?;
        self.state.settle();
        Ok(ChunkWitness {
            root_before: self.root_before,
            root_after: self.state.root(),
            slots: self.slots,
            fees: self.fees,
            fee_recipient,
        })
    }
}

fn slots_of(operation: &Operation) -> usize {
    match operation {
        Operation::Transfer(_) => 1,
        Operation::Withdrawal(_) => 2,
    }
}

/// A block, executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockWitness {
    /// What the header fixes.
    pub rules: BlockRules,
    /// At least one.
    pub chunks: Vec<ChunkWitness>,
}

/// A withdrawal or a forced exit of a block, as L1 is asked to pay it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingWithdrawal {
    /// Where its chunk is.
    pub position: ChunkPosition,
    /// Number of its first element within the blob; the target's is the next.
    pub element: usize,
    /// Whose money it was.
    pub from: AccountIndex,
    /// Who may claim.
    pub target: L1Address,
    /// How much.
    pub amount: u64,
}

impl BlockWitness {
    /// The root before the block.
    #[must_use]
    pub fn parent_root(&self) -> Fr {
        self.chunks.first().map(|chunk| chunk.root_before).unwrap_or_default()
    }

    /// The root after the block.
    #[must_use]
    pub fn state_root(&self) -> Fr {
        self.chunks.last().map(|chunk| chunk.root_after).unwrap_or_default()
    }

    /// The data that L1 publishes.
    #[must_use]
    pub fn blobs(&self) -> Vec<Blob> {
        let chunks: Vec<Vec<Fr>> = self.chunks.iter().map(ChunkWitness::elements).collect();
        blob::encode(&self.rules.layout, &chunks)
    }

    /// The root after each chunk and the chunk's commitment, with `payee` getting the proof's reward.
    #[must_use]
    pub fn commitments(&self, payee: L1Address) -> Vec<(Fr, Fr)> {
        self.chunks
            .iter()
            .map(|chunk| {
                let context = chunk.context(&self.rules, payee);
                (chunk.root_after, statement::commitment(&context, &chunk.elements()))
            })
            .collect()
    }

    /// The block's part of L1's queue, in order.
    pub fn queued(&self) -> impl Iterator<Item = &L1Operation> {
        self.chunks.iter().flat_map(ChunkWitness::queued)
    }

    /// The deposits among the queue's part, in order.
    pub fn deposits(&self) -> impl Iterator<Item = &Deposit> {
        self.queued().filter_map(|operation| match operation {
            L1Operation::Deposit(deposit) => Some(deposit),
            L1Operation::Exit(_) => None,
        })
    }

    /// The forced exits among the queue's part, in order.
    pub fn exits(&self) -> impl Iterator<Item = &Exit> {
        self.queued().filter_map(|operation| match operation {
            L1Operation::Exit(exit) => Some(exit),
            L1Operation::Deposit(_) => None,
        })
    }

    /// Fees of all chunks that nobody gets.
    #[must_use]
    pub fn burned(&self) -> u128 {
        self.chunks.iter().map(|chunk| u128::from(chunk.burned(&self.rules))).sum()
    }

    /// Every slot with its chunk's number.
    pub fn slots(&self) -> impl Iterator<Item = (usize, &SlotWitness)> {
        self.chunks
            .iter()
            .enumerate()
            .flat_map(|(number, chunk)| chunk.slots.iter().map(move |slot| (number, slot)))
    }

    /// How many transfers the block holds.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.slots().filter(|(_, witness)| matches!(witness.slot, Slot::Transfer { .. })).count()
    }

    /// The signatures in order, unless the block was replayed without them. A prover needs them beside the blobs.
    #[must_use]
    pub fn signatures(&self) -> Option<Vec<Signature>> {
        self.slots()
            .filter(|(_, w)| matches!(w.slot, Slot::Transfer { .. } | Slot::Withdrawal { .. }))
            .map(|(_, witness)| witness.signature)
            .collect()
    }

    /// What can be claimed on L1 once the block is finalized: withdrawals and forced exits.
    #[must_use]
    pub fn withdrawals(&self) -> Vec<PendingWithdrawal> {
        let mut withdrawals = Vec::new();
        for (number, chunk) in self.chunks.iter().enumerate() {
            let position = self.rules.layout.position(number);
            for (slot, pair) in chunk.slots.windows(2).enumerate() {
                if let [
                    SlotWitness {
                        slot: Slot::Withdrawal { from, amount, .. } | Slot::Exit { from, amount },
                        ..
                    },
                    SlotWitness { slot: Slot::Target(target), .. },
                ] = *pair
                {
                    let element = self.rules.layout.element(position, slot);
                    withdrawals.push(PendingWithdrawal { position, element, from, target, amount });
                }
            }
        }
        withdrawals
    }
}

/// A block and what didn't make it in.
#[derive(Debug, Clone)]
pub struct BuiltBlock {
    /// The block.
    pub block: BlockWitness,
    /// Candidates left out, by their place among the candidates.
    pub skipped: Vec<(usize, SkipReason)>,
}

/// Why a candidate isn't in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] OperationError),
    /// All chunks are full.
    #[error("expected room in at most {0} chunks, found none")]
    BlockFull(usize),
}

/// Why no block can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An entry of L1's queue, which can't be left out, breaks a rule.
    #[error("operation {number} of the queue, on account {account}: {source}")]
    Queued {
        /// Its place among the given entries.
        number: usize,
        /// Its account.
        account: AccountIndex,
        /// The rule.
        source: OperationError,
    },
    /// The queue's entries alone don't fit.
    #[error("expected operations of the queue that fit {max} chunks, got {actual} of which {left} are left")]
    QueueTooLong {
        /// Chunks of a block.
        max: usize,
        /// Entries given.
        actual: usize,
        /// Entries for which there is no room.
        left: usize,
    },
    /// A block has at least one chunk.
    #[error("expected room for at least one chunk, got none")]
    NoChunks,
    /// The fees can't be credited.
    #[error("fee recipient: {0}")]
    Fees(OperationError),
}

/// Builds a block on `state`: L1's queue first, then the candidates in their order, leaving out what is invalid.
///
/// The state ends after the block; drop it to undo. A chunk whose last slot can't take a withdrawal or an exit gets
/// padding there.
///
/// # Errors
/// When an entry of the queue is invalid, the entries don't fit `max_chunks` chunks, or the fee recipient can't exist.
/// The state is then of no use.
pub fn build<S: Store>(
    state: &mut State<S>,
    rules: BlockRules,
    max_chunks: usize,
    queue: &[L1Operation],
    candidates: &[SignedOperation],
) -> Result<BuiltBlock, BuildError> {
    if max_chunks == 0 {
        return Err(BuildError::NoChunks);
    }
    let mut queued = queue.iter().enumerate().peekable();
    let mut candidates = candidates.iter().enumerate().peekable();
    let (mut chunks, mut skipped) = (Vec::new(), Vec::new());
    while chunks.is_empty()
        || (chunks.len() < max_chunks && (queued.peek().is_some() || candidates.peek().is_some()))
    {
        let mut chunk = ChunkBuilder::new(state, rules);
        while let Some((number, operation)) = queued.next_if(|(_, queued)| chunk.free() >= queued.slots()) {
            chunk.queued(operation).map_err(|source| BuildError::Queued {
                number,
                account: operation.account(),
                source,
            })?;
        }
        // The queue comes first: a candidate waits until it is empty.
        while queued.peek().is_none()
            && let Some((number, signed)) = candidates.next_if(|(_, signed)| chunk.fits(&signed.operation))
        {
            let added = chunk.check_fees(&signed.operation).and_then(|()| chunk.operation(signed));
            if let Err(error) = added {
                skipped.push((number, error.into()));
            }
        }
        let empty = chunk.free() == rules.layout.operations();
        if empty && !chunks.is_empty() {
            // Everything left was invalid: no chunk of mere padding.
            continue;
        }
        chunks.push(chunk.finish().map_err(BuildError::Fees)?);
    }
    let left = queued.count();
    if left > 0 {
        return Err(BuildError::QueueTooLong { max: max_chunks, actual: queue.len(), left });
    }
    skipped.extend(candidates.map(|(number, _)| (number, SkipReason::BlockFull(max_chunks))));
    Ok(BuiltBlock { block: BlockWitness { rules, chunks }, skipped })
}
