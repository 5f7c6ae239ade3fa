//! Building of blocks: operations are executed and put into chunks, with the witness of each chunk's proof.

use alloy_primitives::Address;
use fernet_protocol::Lane;

use crate::{
    account::AccountIndex,
    blob::{self, Blob},
    domain::Domain,
    fees::FeeBurn,
    field::Fr,
    keys::Signature,
    layout::{ChunkPosition, Layout},
    operation::{Deposit, Exit, Lanes, Operation, QueuedOperation, SignedOperation, Slot},
    statement::{self, ChunkContext},
    transition::{OperationError, SlotWitness},
    tree::{Opening, State, Store},
};

/// Rules under which a block is executed, fixed by its header and its deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRules {
    /// The deployment.
    pub domain: Domain,
    /// Layout of chunks in blobs.
    pub layout: Layout,
    /// Share of the fees that is burned.
    pub fee_burn: FeeBurn,
    /// Account that receives the rest of the fees. [`AccountIndex::RESERVED`] burns them all.
    pub fee_recipient: AccountIndex,
}

impl BlockRules {
    /// Payee, fee recipient and burned share as one element, see [`statement::recipients`].
    #[must_use]
    pub fn recipients(&self, payee: Address) -> Fr {
        statement::recipients(payee, self.fee_recipient, self.fee_burn)
    }
}

/// The witness of one chunk: the data from which the circuit's variables are assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkWitness {
    /// State root before the chunk.
    pub root_before: Fr,
    /// State root after the chunk's fees are credited.
    pub root_after: Fr,
    /// All slots, padding included.
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

    /// The operations of L1 that the chunk consumes, in the order of the data.
    pub fn queued(&self) -> impl Iterator<Item = &QueuedOperation> {
        self.slots.iter().filter_map(|witness| witness.queued.as_ref())
    }

    /// What the chunk's proof is bound to besides the data, for a proof whose reward `payee` receives.
    #[must_use]
    pub fn context(&self, rules: &BlockRules, payee: Address) -> ChunkContext {
        ChunkContext {
            domain: rules.domain,
            recipients: rules.recipients(payee),
            root_before: self.root_before,
            root_after: self.root_after,
        }
    }

    /// Fees that are burned.
    #[must_use]
    pub fn burned(&self, rules: &BlockRules) -> u64 {
        match self.fee_recipient.account {
            Some(_) => rules.fee_burn.share_down(self.fees),
            None => self.fees,
        }
    }
}

/// Builds one chunk. Each added slot changes the state.
#[derive(Debug)]
pub struct ChunkBuilder<'a, S> {
    state: &'a mut State<S>,
    rules: BlockRules,
    root_before: Fr,
    slots: Vec<SlotWitness>,
    fees: u64,
}

impl<'a, S: Store> ChunkBuilder<'a, S> {
    /// An empty chunk on top of `state`.
    pub fn new(state: &'a mut State<S>, rules: BlockRules) -> Self {
        let root_before = state.witness_root();
        Self { state, rules, root_before, slots: Vec::with_capacity(rules.layout.operations()), fees: 0 }
    }

    /// Number of unused slots.
    pub fn free(&self) -> usize {
        self.rules.layout.operations().saturating_sub(self.slots.len())
    }

    /// Whether there are enough unused slots for `operation`.
    pub fn fits(&self, operation: &Operation) -> bool {
        self.free() >= slots_of(operation)
    }

    /// Adds an operation of L1.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; nothing is changed then.
    pub fn queued(&mut self, operation: &QueuedOperation) -> Result<(), OperationError> {
        let witnesses = self.state.apply_queued(operation)?;
        self.slots.extend(witnesses);
        Ok(())
    }

    /// Balance of `account`; 0 if there is no such account.
    pub(crate) fn balance(&self, account: AccountIndex) -> u64 {
        self.state.account(account).map_or(0, |account| account.balance)
    }

    /// Adds a signed operation.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; nothing is changed then.
    pub fn operation(&mut self, signed: &SignedOperation) -> Result<(), OperationError> {
        self.state.check(self.rules.domain, signed)?;
        self.unsigned(&signed.operation, Some(signed.signature))
    }

    /// Adds an operation without a check of nonce and signature.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; nothing is changed then.
    pub(crate) fn unsigned(
        &mut self,
        operation: &Operation,
        signature: Option<Signature>,
    ) -> Result<(), OperationError> {
        let witnesses = self.state.apply_unsigned(operation, signature)?;
        self.slots.extend(witnesses);
        // The sum has at most 44 bits: 4,096 fees of 32 bits.
        self.fees = self.fees.saturating_add(u64::from(operation.fee()));
        Ok(())
    }

    /// Nonce of the next operation of `account`; 0 if there is no such account.
    pub(crate) fn nonce(&self, account: AccountIndex) -> u32 {
        self.state.account(account).map_or(0, |account| account.nonce)
    }

    /// Adds a padding slot.
    pub(crate) fn padding(&mut self) {
        self.slots.push(SlotWitness::passive(Slot::Padding));
    }

    /// Refuses `operation` if its fee would make the balance of the fee recipient overflow.
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

    /// The part of `fees` that the fee recipient receives.
    fn kept(&self, fees: u64) -> u64 {
        fees.saturating_sub(self.rules.fee_burn.share_down(fees))
    }

    /// Fills the chunk with padding and credits the fees that aren't burned.
    ///
    /// # Errors
    /// Fails if the tree has no leaf for the fee recipient, or if its balance would exceed 64 bits.
    pub fn finish(mut self) -> Result<ChunkWitness, OperationError> {
        while self.free() > 0 {
            self.padding();
        }
        let fee_recipient = self.state.credit_fees(self.rules.fee_recipient, self.kept(self.fees))?;
        Ok(ChunkWitness {
            root_before: self.root_before,
            root_after: self.state.witness_root(),
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

/// An executed block with the witnesses of its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockWitness {
    /// Rules under which the block was executed.
    pub rules: BlockRules,
    /// At least one chunk.
    pub chunks: Vec<ChunkWitness>,
}

/// A withdrawal or a forced exit of a block, which can be claimed on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingWithdrawal {
    /// Position of its chunk.
    pub position: ChunkPosition,
    /// Index of its first element in the blob. The target is the next element.
    pub element: usize,
    /// Account that was debited.
    pub from: AccountIndex,
    /// Address that may claim the amount.
    pub target: Address,
    /// L2 units.
    pub amount: u64,
}

impl BlockWitness {
    /// State root before the block.
    #[must_use]
    pub fn parent_root(&self) -> Fr {
        self.chunks.first().map(|chunk| chunk.root_before).unwrap_or_default()
    }

    /// State root after the block.
    #[must_use]
    pub fn state_root(&self) -> Fr {
        self.chunks.last().map(|chunk| chunk.root_after).unwrap_or_default()
    }

    /// The blobs that are published on L1.
    #[must_use]
    pub fn blobs(&self) -> Vec<Blob> {
        let chunks: Vec<Vec<Fr>> = self.chunks.iter().map(ChunkWitness::elements).collect();
        blob::encode(&self.rules.layout, &chunks)
    }

    /// For each chunk, the state root after it and its commitment, for a proof whose reward `payee` receives.
    #[must_use]
    pub fn commitments(&self, payee: Address) -> Vec<(Fr, Fr)> {
        self.chunks
            .iter()
            .map(|chunk| {
                let context = chunk.context(&self.rules, payee);
                (chunk.root_after, statement::commitment(&context, &chunk.elements()))
            })
            .collect()
    }

    /// The operations of L1 that the block consumes, in the order of the data.
    pub fn queued(&self) -> impl Iterator<Item = &QueuedOperation> {
        self.chunks.iter().flat_map(ChunkWitness::queued)
    }

    /// The deposits among [`Self::queued`], in order.
    pub fn deposits(&self) -> impl Iterator<Item = &Deposit> {
        self.queued().filter_map(|operation| match operation {
            QueuedOperation::Deposit(deposit) => Some(deposit),
            QueuedOperation::Exit(_) => None,
        })
    }

    /// The forced exits among [`Self::queued`], in order.
    pub fn exits(&self) -> impl Iterator<Item = &Exit> {
        self.queued().filter_map(|operation| match operation {
            QueuedOperation::Exit(exit) => Some(exit),
            QueuedOperation::Deposit(_) => None,
        })
    }

    /// What the block consumes of the two lanes: [`Self::queued`], sorted.
    #[must_use]
    pub fn lanes(&self) -> Lanes {
        self.queued().copied().collect()
    }

    /// Burned fees of all chunks.
    #[must_use]
    pub fn burned(&self) -> u128 {
        self.chunks.iter().map(|chunk| u128::from(chunk.burned(&self.rules))).sum()
    }

    /// Every slot with the index of its chunk.
    pub fn slots(&self) -> impl Iterator<Item = (usize, &SlotWitness)> {
        self.chunks
            .iter()
            .enumerate()
            .flat_map(|(number, chunk)| chunk.slots.iter().map(move |slot| (number, slot)))
    }

    /// Number of transfers in the block.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.slots().filter(|(_, witness)| matches!(witness.slot, Slot::Transfer { .. })).count()
    }

    /// The signatures in order; `None` if the block was replayed without them. A prover needs them in
    /// addition to the blobs.
    #[must_use]
    pub fn signatures(&self) -> Option<Vec<Signature>> {
        self.slots()
            .filter(|(_, w)| matches!(w.slot, Slot::Transfer { .. } | Slot::Withdrawal { .. }))
            .map(|(_, witness)| witness.signature)
            .collect()
    }

    /// Withdrawals and forced exits, which can be claimed on L1 once the block is finalized.
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

/// A block and the candidates that aren't in it.
#[derive(Debug, Clone)]
pub struct BuiltBlock {
    /// The executed block.
    pub block: BlockWitness,
    /// Skipped candidates by their index among the candidates.
    pub skipped: Vec<(usize, SkipReason)>,
}

/// Why a candidate isn't in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// The operation breaks a rule.
    #[error(transparent)]
    Invalid(#[from] OperationError),
    /// All chunks are full.
    #[error("all {0} chunks are full")]
    BlockFull(usize),
}

/// Why no block can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An operation of L1, which can't be skipped, breaks a rule.
    #[error("number {number} of the {lane}, of account {account}: {source}")]
    Queued {
        lane: Lane,
        /// Position among the lane's operations of the block.
        number: usize,
        account: AccountIndex,
        source: OperationError,
    },
    /// The operations of L1 alone need more chunks.
    #[error("{left} of {actual} deposits and forced exits don't fit into {max} chunks")]
    QueueTooLong { max: usize, actual: usize, left: usize },
    /// A block has at least one chunk.
    #[error("expected at least 1 chunk, got 0")]
    NoChunks,
    /// The fees can't be credited.
    #[error("fee recipient: {0}")]
    Fees(OperationError),
}

/// The operations of one lane that aren't in a chunk yet.
struct Waiting<'a, T> {
    operations: &'a [T],
    taken: usize,
}

impl<'a, T: Copy + Into<QueuedOperation>> Waiting<'a, T> {
    const fn new(operations: &'a [T]) -> Self {
        Self { operations, taken: 0 }
    }

    const fn left(&self) -> usize {
        self.operations.len().saturating_sub(self.taken)
    }

    /// Adds operations to `chunk` as long as they fit.
    fn fill<S: Store>(&mut self, chunk: &mut ChunkBuilder<'_, S>) -> Result<(), BuildError> {
        while let Some(operation) = self.operations.get(self.taken).copied().map(Into::into)
            && chunk.free() >= operation.slots()
        {
            chunk.queued(&operation).map_err(|source| BuildError::Queued {
                lane: operation.lane(),
                number: self.taken,
                account: operation.account(),
                source,
            })?;
            self.taken = self.taken.saturating_add(1);
        }
        Ok(())
    }
}

/// Builds a block on `state`: the forced exits of `lanes` first, then its deposits, then the candidates in
/// their order. Invalid candidates are skipped.
///
/// The state is changed to the one after the block; drop it to undo that. A withdrawal or an exit never spans
/// two chunks: a deposit takes the last slot of the first one, or it is padded.
///
/// # Errors
/// Fails if an operation of the lanes is invalid, if they don't fit into `max_chunks` chunks, or if the fees
/// can't be credited. The state must then be dropped.
pub fn build<S: Store>(
    state: &mut State<S>,
    rules: BlockRules,
    max_chunks: usize,
    lanes: &Lanes,
    candidates: &[SignedOperation],
) -> Result<BuiltBlock, BuildError> {
    if max_chunks == 0 {
        return Err(BuildError::NoChunks);
    }
    let (mut exits, mut deposits) = (Waiting::new(&lanes.exits), Waiting::new(&lanes.deposits));
    let mut candidates = candidates.iter().enumerate().peekable();
    let (mut chunks, mut skipped) = (Vec::new(), Vec::new());
    loop {
        let left = exits.left().saturating_add(deposits.left());
        let is_done = chunks.len() >= max_chunks || (left == 0 && candidates.peek().is_none());
        if !chunks.is_empty() && is_done {
            break;
        }
        let mut chunk = ChunkBuilder::new(state, rules);
        exits.fill(&mut chunk)?;
        deposits.fill(&mut chunk)?;
        // Candidates are added only after all operations of the lanes.
        while exits.left() == 0
            && deposits.left() == 0
            && let Some((number, signed)) = candidates.next_if(|(_, signed)| chunk.fits(&signed.operation))
        {
            let added = chunk.check_fees(&signed.operation).and_then(|()| chunk.operation(signed));
            if let Err(error) = added {
                skipped.push((number, error.into()));
            }
        }
        let empty = chunk.free() == rules.layout.operations();
        if empty && !chunks.is_empty() {
            // Every remaining candidate was invalid. A chunk of padding only isn't added.
            continue;
        }
        chunks.push(chunk.finish().map_err(BuildError::Fees)?);
    }
    let left = exits.left().saturating_add(deposits.left());
    if left > 0 {
        return Err(BuildError::QueueTooLong { max: max_chunks, actual: lanes.len(), left });
    }
    skipped.extend(candidates.map(|(number, _)| (number, SkipReason::BlockFull(max_chunks))));
    Ok(BuiltBlock { block: BlockWitness { rules, chunks }, skipped })
}
