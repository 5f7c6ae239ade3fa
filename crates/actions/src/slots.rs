//! The slot in turn, and what happened in past slots.

use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider as _,
    rpc::types::{Filter, Log},
    sol_types::SolEventInterface as _,
};
use fernet_bindings::{Candidate, IReader, IRollup::IRollupEvents, Outcome, Overview, Phase};
use fernet_protocol::L1Slot;
use serde::Serialize;

use crate::{
    access::L1Access,
    error::ActionError,
    units::{Amount, Moment, Units},
};

/// L1 blocks that a node is asked for events of at a time, at first. Nodes limit ranges.
const LOGS_RANGE: u64 = 10_000;

/// The slot in turn as of L1's newest block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentSlot {
    /// L1 slot of L1's newest block.
    pub l1_slot: u64,
    /// Its number.
    pub slot: u64,
    /// Its phase.
    pub phase: &'static str,
    /// First L1 slot after the phase, if nothing happens until then.
    pub phase_ends: Moment,
    /// First L1 slot of the slot.
    pub start: Moment,
    /// L1 slot whose RANDAO mix gives its seed.
    pub seed_at: Moment,
    /// Rank of the candidate in turn.
    pub rank_in_turn: u8,
    /// Start of the turn of that candidate.
    pub turn_start: Option<Moment>,
    /// What a block of the slot pays in all, before what a late reveal or proof loses, in token units.
    pub reward: Amount,
    /// Ranked proposals, best first.
    pub candidates: Vec<CandidateStatus>,
    /// Whether an earlier slot is over and isn't settled.
    pub unsettled: bool,
    /// End of a pause.
    pub paused_until: Option<Moment>,
    /// Finalized blocks.
    pub height: u64,
    /// Header of the last one.
    pub header_hash: B256,
    /// L2 state root after it.
    pub state_root: B256,
    /// Deposits that blocks have consumed, and those that wait.
    pub deposits: Queue,
    /// Forced exits that blocks have consumed, and those that wait.
    pub exits: Queue,
}

/// A queue of the Bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Entries that blocks have consumed.
    pub consumed: u64,
    /// Entries that wait.
    pub waiting: u64,
}

/// A ranked proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateStatus {
    /// Rank, 0 the best.
    pub rank: usize,
    /// Its sequencer.
    pub sequencer: u32,
    /// Its score, in hexadecimal.
    pub score: String,
    /// Hash of its header.
    pub header_hash: B256,
    /// L1 slot of its commitment.
    pub committed_at: Option<Moment>,
    /// L1 slot of its reveal.
    pub revealed_at: Option<Moment>,
    /// Its prover.
    pub prover: Option<Address>,
    /// Bond of the prover, in token units.
    pub bond: Option<Amount>,
    /// Price in token units, which the sequencer pays to the prover if it is positive.
    pub price: Option<String>,
}

/// The name of a phase.
#[must_use]
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Proposal => "proposal",
        Phase::Commitment => "commitment",
        Phase::Reveal => "reveal",
        Phase::ExclusiveProving => "exclusive proving",
        Phase::OpenProving => "open proving",
        Phase::Halt => "halt",
        Phase::Backup => "backup",
        Phase::__Invalid => "invalid",
    }
}

pub(crate) async fn overview(access: &L1Access) -> Result<Overview, ActionError> {
    let reader = IReader::new(access.deployment.contracts().reader, access.provider.clone());
    reader.overview().call().await.map_err(|error| access.failed(error))
}

/// The slot in turn.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn current(access: &L1Access) -> Result<CurrentSlot, ActionError> {
    let overview = overview(access).await?;
    let (units, slot) = (access.units(), overview.slot);
    let at = |l1_slot: u64| units.at(L1Slot::new(l1_slot));
    let some = |l1_slot: u64| (l1_slot != 0).then(|| at(l1_slot));
    let rate = U256::from(overview.rates.rewardPerL1Slot);
    let candidates = slot.candidates.iter().enumerate();
    Ok(CurrentSlot {
        l1_slot: overview.l1Slot,
        slot: slot.slot,
        phase: phase_name(slot.phase),
        phase_ends: at(slot.phaseEnd),
        start: at(slot.start),
        seed_at: at(slot.seedAt),
        rank_in_turn: slot.rank,
        turn_start: some(slot.turnStart),
        reward: Amount(rate.saturating_mul(U256::from(slot.paidL1Slots))),
        candidates: candidates.map(|(rank, candidate)| candidate_status(units, rank, candidate)).collect(),
        unsettled: overview.unsettled,
        paused_until: some(overview.pausedUntil),
        height: overview.tip.height,
        header_hash: overview.tip.headerHash,
        state_root: overview.tip.stateRoot,
        deposits: Queue { consumed: overview.tip.depositsEnd, waiting: overview.pendingDeposits },
        exits: Queue { consumed: overview.tip.exitsEnd, waiting: overview.pendingExits },
    })
}

fn candidate_status(units: &Units, rank: usize, candidate: &Candidate) -> CandidateStatus {
    let some = |l1_slot: u64| (l1_slot != 0).then(|| units.at(L1Slot::new(l1_slot)));
    let is_committed = candidate.committedAt != 0;
    CandidateStatus {
        rank,
        sequencer: candidate.sequencer,
        score: format!("{:#050x}", candidate.score),
        header_hash: candidate.headerHash,
        committed_at: some(candidate.committedAt),
        revealed_at: some(candidate.revealedAt),
        prover: is_committed.then_some(candidate.prover),
        bond: is_committed.then(|| Amount(U256::from(candidate.bond))),
        price: is_committed.then(|| candidate.price.to_string()),
    }
}

/// What happened in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastSlot {
    /// Its number.
    pub slot: u64,
    /// How it ended: finalized, rescued, backup, expired, voided, idle, or unsettled.
    pub outcome: &'static str,
    /// Its events, in order.
    pub events: Vec<SlotEvent>,
}

/// An event of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotEvent {
    /// L1 block.
    pub l1_block: u64,
    /// Transaction.
    pub transaction: B256,
    /// Name of the event in the contracts.
    pub name: &'static str,
    /// What happened.
    pub what: String,
}

/// What happened in a slot that is over, from L1's events.
///
/// # Errors
/// If the slot hasn't begun, or the L1 doesn't answer.
pub async fn past(access: &L1Access, slot: u64) -> Result<PastSlot, ActionError> {
    let current = overview(access).await?.slot.slot;
    if slot > current {
        return Err(ActionError::SlotAhead { slot, current });
    }
    let logs = logs_of(access, slot).await?;
    let mut events = Vec::new();
    let mut outcome = if logs.is_empty() { "idle" } else { "unsettled" };
    for log in logs {
        let decoded = IRollupEvents::decode_log(&log.inner)
            .map_err(|error| ActionError::Malformed { message: error.to_string() })?;
        let (name, what) = describe(access.units(), &decoded.data);
        outcome = match &decoded.data {
            IRollupEvents::Finalized(event) => outcome_name(event.outcome),
            IRollupEvents::SlotExpired(_) => "expired",
            IRollupEvents::SlotVoided(_) => "voided",
            _ => outcome,
        };
        events.push(SlotEvent {
            l1_block: log.block_number.unwrap_or_default(),
            transaction: log.transaction_hash.unwrap_or_default(),
            name,
            what,
        });
    }
    Ok(PastSlot { slot, outcome, events })
}

/// The Rollup's events of a slot. They lie close together, so the search goes back from the head and ends
/// with the first range without any after one that had some.
async fn logs_of(access: &L1Access, slot: u64) -> Result<Vec<Log>, ActionError> {
    let rollup = access.deployment.contracts().rollup;
    let first = access.deployment.file().block;
    let mut end = access.provider.get_block_number().await.map_err(ActionError::transport)?;
    let mut range = LOGS_RANGE;
    let mut found: Vec<Log> = Vec::new();
    loop {
        let start = end.saturating_sub(range - 1).max(first);
        let filter = Filter::new()
            .address(rollup)
            .topic1(B256::from(U256::from(slot)))
            .from_block(start)
            .to_block(end);
        let logs = match access.provider.get_logs(&filter).await {
            Ok(logs) => logs,
            // A node that takes fewer blocks at a time.
            Err(_) if range > 100 => {
                range /= 10;
                continue;
            }
            Err(error) => return Err(ActionError::transport(error)),
        };
        let is_past = logs.is_empty() && !found.is_empty();
        found.splice(0..0, logs);
        if is_past || start <= first {
            return Ok(found);
        }
        end = start.saturating_sub(1);
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Finalized => "finalized",
        Outcome::Rescued => "rescued",
        Outcome::Backup => "backup",
        Outcome::__Invalid => "invalid",
    }
}

fn describe(units: &Units, event: &IRollupEvents) -> (&'static str, String) {
    let tokens = |amount: U256| units.tokens(amount);
    match event {
        IRollupEvents::Proposed(e) => {
            ("Proposed", format!("sequencer {} proposes header {}", e.sequencer, e.headerHash))
        }
        IRollupEvents::SeedProven(e) => {
            ("SeedProven", format!("the mix of L1 slot {} is proven: {}", e.l1Slot, e.mix))
        }
        IRollupEvents::Displaced(e) => {
            ("Displaced", format!("sequencer {} loses its place to a higher score", e.sequencer))
        }
        IRollupEvents::Committed(e) => (
            "Committed",
            format!(
                "prover {} commits to the block of sequencer {}, bond {}, price {}",
                e.prover,
                e.sequencer,
                tokens(U256::from(e.bond)),
                units.signed_tokens(e.price)
            ),
        ),
        IRollupEvents::Revealed(e) => {
            let rest = if e.complete { "" } else { ", not all of them" };
            ("Revealed", format!("blobs of header {} are published{rest}", e.headerHash))
        }
        IRollupEvents::Finalized(e) => {
            ("Finalized", format!("the block is final ({}), paid to {}", outcome_name(e.outcome), e.payee))
        }
        IRollupEvents::BackupBlock(e) => {
            ("BackupBlock", format!("the backup block has header {}", e.headerHash))
        }
        IRollupEvents::CandidateAbandoned(e) => (
            "CandidateAbandoned",
            format!("sequencer {} got no commitment, penalty {}", e.sequencer, tokens(U256::from(e.penalty))),
        ),
        IRollupEvents::CandidateWithheld(e) => (
            "CandidateWithheld",
            format!("sequencer {} revealed nothing, penalty {}", e.sequencer, tokens(U256::from(e.penalty))),
        ),
        IRollupEvents::BondReleased(e) => (
            "BondReleased",
            format!("prover {} gets its bond of {} back", e.prover, tokens(U256::from(e.bond))),
        ),
        IRollupEvents::BondSlashed(e) => (
            "BondSlashed",
            format!(
                "prover {} loses its bond of {}, {} of it to {}",
                e.prover,
                tokens(U256::from(e.bond)),
                tokens(U256::from(e.share)),
                e.beneficiary
            ),
        ),
        IRollupEvents::SlotExpired(_) => ("SlotExpired", "the slot ends without a block".to_owned()),
        IRollupEvents::SlotVoided(_) => ("SlotVoided", "a pause ends the slot".to_owned()),
        IRollupEvents::Paused(e) => {
            ("Paused", format!("no slot starts before {}", units.moment(L1Slot::new(e.until))))
        }
    }
}
