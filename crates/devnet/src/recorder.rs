//! Follows what happens on L1 and in the roles, and makes the records, the view and the totals of it.

use std::{collections::BTreeMap, time::Duration};

use alloy::primitives::B256;
use fernet_follower::{FinalizedBlock, Follower, FollowerError};
use fernet_l1::{Deployment, FeedUpdate, L1Block, L1Provider, LoggedEvent, RollupEvent};
use fernet_protocol::{L1Slot, Slot};

use crate::{
    audit::Audit,
    fault::FaultPlan,
    gas::{GasError, GasMeter},
    history::History,
    live_view::{self, SlotDetails, phase_name},
    observer::Observer,
    record::{GasUsed, OutcomeCounts, SlotOutcome, SlotRecord},
    roles::RolesReport,
    view::BlockContents,
    worker::SharedWorker,
};

/// What happened in a run so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// How often following L1 may fail at a block.
    patience: u32,
    pub(crate) history: History,
    pub(crate) audit: Audit,
    pub(crate) totals: Totals,
    slots: SlotProgress,
    blocks: BlockNotes,
    gas: GasMeter,
    observer: Observer,
}

/// Sums of the reported slots.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) slots: u64,
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) contents: BlockContents,
    pub(crate) chunks: u64,
    pub(crate) proving_ms: u64,
    pub(crate) l1_slots: u64,
}

/// Which slots are over.
#[derive(Debug, Default)]
struct SlotProgress {
    /// The next slot to report; none until a slot has a sequencer that may propose.
    next: Option<Slot>,
    /// Starts of slots seen.
    starts: BTreeMap<Slot, L1Slot>,
}

/// What roles said about blocks, by header hash.
#[derive(Debug, Default)]
struct BlockNotes {
    built: BTreeMap<B256, BlockContents>,
    /// Wall time of proofs.
    proven: BTreeMap<B256, Duration>,
}

impl Recorder {
    /// `patience` is how often following L1 may fail at a block.
    pub(crate) fn new(observer: Observer, patience: u32) -> Self {
        Self {
            patience,
            history: History::default(),
            audit: Audit::default(),
            totals: Totals::default(),
            slots: SlotProgress::default(),
            blocks: BlockNotes::default(),
            gas: GasMeter::default(),
            observer,
        }
    }

    /// The first of the slots that count for the run.
    pub(crate) fn first_slot(&self) -> Option<Slot> {
        self.slots.next.map(|next| Slot::new(next.get().saturating_sub(self.totals.slots)))
    }

    /// Start of the next slot to report, if it is known.
    pub(crate) fn next_start(&self) -> Option<L1Slot> {
        self.slots.starts.get(&self.slots.next?).copied()
    }

    /// Follows L1 to its head.
    ///
    /// # Errors
    /// When L1 can't be followed any more. After an error that may pass, the next call goes on.
    pub(crate) async fn follow(&mut self, follower: &mut Follower) -> Result<(), FollowerError> {
        let mut failures = 0;
        loop {
            let updates = match follower.poll().await {
                Ok(updates) => updates,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "following L1 failed and is tried again");
                    failures += 1;
                    if failures > self.patience {
                        break;
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            for update in &updates {
                self.history.apply(update);
                if let FeedUpdate::Block(block) | FeedUpdate::Settled(block) = update {
                    block.events.iter().for_each(log_event);
                }
            }
            if !follower.has_more() {
                if follower.ledger_at_tip().is_some() || failures >= self.patience {
                    break;
                }
                failures += 1;
            }
        }
        let replayed = follower.take_replayed();
        self.audit.apply(replayed, follower.ledger());
        if let Some(head) = follower.view().head() {
            let slot = follower.view().slot(head.l1_slot);
            self.slots.starts.insert(slot.slot, slot.start);
            if self.slots.next.is_none() {
                let mut sequencers = follower.view().sequencers();
                let any = sequencers.any(|(_, record)| record.is_eligible(slot.previous_start, head.l1_slot));
                self.slots.next = any.then_some(slot.slot);
            }
        }
        Ok(())
    }

    /// Reports every slot that is over.
    ///
    /// # Errors
    /// When L1 doesn't answer.
    pub(crate) async fn report_slots(
        &mut self,
        follower: &Follower,
        deployment: &Deployment,
        provider: &L1Provider,
    ) -> Result<(), GasError> {
        let Some(head) = self.history.head() else { return Ok(()) };
        let current = follower.view().slot(head.l1_slot).slot;
        while let Some(slot) = self.slots.next
            && slot < current
        {
            let record = match follower.view().finalized(slot) {
                Some(block) => self.block_record(slot, block, provider).await?,
                None => self.empty_record(slot, follower, deployment),
            };
            self.totals.add(&record);
            self.slots.next = Some(slot.plus(1));
            log_outcome(&record);
            self.observer.record(record);
        }
        Ok(())
    }

    /// The record of a slot that ended without a block.
    fn empty_record(&self, slot: Slot, follower: &Follower, deployment: &Deployment) -> SlotRecord {
        let blocks = follower.view().finalized_blocks();
        let before = blocks.iter().rev().find(|block| block.header.slot <= slot);
        let state_root = before.map_or(deployment.circuit().genesis_root, |block| block.header.state_root);
        let start = |slot| self.slots.starts.get(&slot).copied();
        let end = start(slot.plus(1));
        let l1_slots = match (start(slot), end) {
            (Some(start), Some(end)) => end.get().saturating_sub(start.get()),
            _ => deployment.parameters().idle(),
        };
        SlotRecord {
            slot: slot.get(),
            outcome: SlotOutcome::Empty,
            sequencer: None,
            rank: None,
            prover: None,
            transfers: 0,
            deposits: 0,
            withdrawals: 0,
            chunks: 0,
            gas: GasUsed::default(),
            proving_ms: 0,
            l1_slots,
            state_root,
            l1_block: end.and_then(|end| self.history.block_at(end)).unwrap_or_default(),
        }
    }

    /// The record of a slot with a block.
    async fn block_record(
        &mut self,
        slot: Slot,
        block: &FinalizedBlock,
        provider: &L1Provider,
    ) -> Result<SlotRecord, GasError> {
        let transactions = self.history.transactions(block.header_hash);
        let gas = self.gas.of(provider, &transactions, Some(block.tx)).await?;
        let contents = self.audit.contents(slot).unwrap_or_default();
        let proving = self.blocks.proven.get(&block.header_hash).copied().unwrap_or_default();
        Ok(SlotRecord {
            slot: slot.get(),
            outcome: block.outcome.into(),
            sequencer: block.candidate.as_ref().map(|candidate| candidate.sequencer.get()),
            rank: block.rank.and_then(|rank| u8::try_from(rank.index()).ok()),
            prover: Some(block.payee),
            transfers: contents.transfers,
            deposits: contents.deposits,
            withdrawals: contents.withdrawals,
            chunks: contents.chunks,
            gas,
            proving_ms: u64::try_from(proving.as_millis()).unwrap_or(u64::MAX),
            l1_slots: block.l1_slot.get().saturating_sub(block.start.get()).saturating_add(1),
            state_root: block.header.state_root,
            l1_block: block.l1_block,
        })
    }

    /// Takes note of what roles built and proved.
    pub(crate) fn note(&mut self, report: &RolesReport) {
        let contents = |transfers, deposits, withdrawals, chunks: usize| BlockContents {
            transfers: number(transfers),
            deposits: number(deposits),
            withdrawals: number(withdrawals),
            chunks: u32::try_from(chunks).unwrap_or(u32::MAX),
        };
        let sequencers = report.sequencers.iter().flat_map(|report| &report.built);
        let provers = report.provers.iter().flat_map(|report| &report.common.built);
        for built in sequencers.chain(provers) {
            let contents = contents(built.transfers, built.deposits, built.withdrawals, built.chunks);
            self.blocks.built.insert(built.header_hash, contents);
        }
        for proven in report.provers.iter().flat_map(|report| &report.proven) {
            self.blocks.proven.insert(proven.header_hash, proven.elapsed);
        }
    }

    /// Brings the view up to date at an L1 block.
    pub(crate) async fn update_view(
        &mut self,
        block: &L1Block,
        follower: &Follower,
        provider: &L1Provider,
        faults: &FaultPlan,
        worker: &SharedWorker,
        mempool: usize,
    ) {
        let slot = follower.view().slot(block.l1_slot);
        let candidate = slot.in_turn().map(|candidate| candidate.header_hash);
        let gas = match candidate {
            Some(header_hash) => {
                let transactions = self.history.transactions(header_hash);
                let gas = self.gas.of(provider, &transactions, None).await;
                // The view can do without; the next block asks again.
                gas.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the gas of the slot isn't shown");
                    GasUsed::default()
                })
            }
            None => GasUsed::default(),
        };
        let details = SlotDetails {
            faults,
            lost_turns: self.history.lost_turns(slot.slot),
            block: candidate.and_then(|header_hash| self.blocks.built.get(&header_hash)).copied(),
            gas,
            mempool: number(mempool),
        };
        self.observer.activity(phase_name(slot.phase));
        self.observer.update(|view| {
            view.proof = worker.progress();
            live_view::update(view, follower.view(), block.l1_slot, details);
        });
    }
}

impl Totals {
    fn add(&mut self, record: &SlotRecord) {
        self.slots = self.slots.saturating_add(1);
        self.outcomes.count(record.outcome);
        self.contents.transfers = self.contents.transfers.saturating_add(record.transfers);
        self.contents.deposits = self.contents.deposits.saturating_add(record.deposits);
        self.contents.withdrawals = self.contents.withdrawals.saturating_add(record.withdrawals);
        self.chunks = self.chunks.saturating_add(u64::from(record.chunks));
        self.proving_ms = self.proving_ms.saturating_add(record.proving_ms);
        self.l1_slots = self.l1_slots.saturating_add(record.l1_slots);
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Logs what doesn't happen in a slot's usual course.
fn log_event(logged: &LoggedEvent) {
    match &logged.event {
        RollupEvent::CandidateAbandoned { slot, sequencer, .. } => tracing::info!(
            slot = slot.get(),
            sequencer = sequencer.get(),
            "lost its turn: no prover committed to its block"
        ),
        RollupEvent::CandidateWithheld { slot, sequencer, .. } => tracing::info!(
            slot = slot.get(),
            sequencer = sequencer.get(),
            "lost its turn: it revealed no data"
        ),
        RollupEvent::BondSlashed { slot, prover, .. } => {
            tracing::info!(slot = slot.get(), %prover, "lost its bond: it delivered no proof in time");
        }
        RollupEvent::ExitForced { index, owner, .. } => {
            tracing::info!(account = index, %owner, "forces an L2 account out");
        }
        RollupEvent::Paused { until } => tracing::info!(until = until.get(), "the rollup is paused"),
        _ => {}
    }
}

fn log_outcome(record: &SlotRecord) {
    let slot = record.slot;
    match record.outcome {
        SlotOutcome::Finalized => {}
        SlotOutcome::Rescued => tracing::info!(slot, "rescued: the proof came in open proving"),
        SlotOutcome::Backup => tracing::info!(slot, "finalized by a block of the backup phase"),
        SlotOutcome::Empty => tracing::info!(slot, "ended without a block"),
    }
}
