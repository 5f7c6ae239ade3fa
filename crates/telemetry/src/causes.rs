//! Why a sequencer's duties aren't met, from its own reports.

use fernet_follower::Follower;
use fernet_protocol::{Phase, Slot};
use fernet_roles::{Action, Cause, DutyStage, SequencerDuties};
use fernet_sequencer::{ActionKind, Effect, StepReport};

/// Notes what a step tells about duties that aren't met yet.
pub(crate) fn note(duties: &mut SequencerDuties, report: &StepReport, follower: &Follower) {
    for (action, _) in &report.failed {
        note_action(duties, action, Cause::Refused);
    }
    for action in &report.expired {
        note_action(duties, action, Cause::NotIncluded);
    }
    for effect in &report.held {
        if let Some((slot, stage)) = duty_of(effect) {
            duties.note_cause(slot, stage, Cause::Held);
        }
    }
    let Some(status) = &report.slot else { return };
    if let Some(own) = &status.own_rank {
        duties.note_rank(status.slot, own.rank, own.score);
    }
    let Some(stage) = stage_of(status.phase) else { return };
    if follower.ledger_at_tip().is_none() {
        duties.note_cause(status.slot, stage, Cause::NotSynced);
    }
    if report.l1_failed {
        duties.note_cause(status.slot, stage, Cause::L1);
    }
    if !report.retryable_errors.is_empty() {
        duties.note_cause(status.slot, stage, Cause::Failed);
    }
    // A commitment that was found a quote for is open, or its end is in the report.
    let is_committing = report.open.iter().any(|(key, _)| key.kind() == "commit");
    if stage == DutyStage::Commit && !is_committing {
        duties.note_cause(status.slot, stage, Cause::NoQuote);
    }
    for (key, _) in &report.open {
        if let Some((slot, stage)) = duty_of_key(key.as_str()) {
            duties.note_cause(slot, stage, Cause::NotIncluded);
        }
    }
}

fn note_action(duties: &mut SequencerDuties, action: &Action<ActionKind>, cause: Cause) {
    if let Action::Block { kind, slot, .. } = action {
        let stage = match kind {
            ActionKind::Propose => DutyStage::Propose,
            ActionKind::Commit { .. } => DutyStage::Commit,
            ActionKind::Reveal { .. } => DutyStage::Reveal,
        };
        duties.note_cause(*slot, stage, cause);
    }
}

/// The duty that a transaction's key names, such as `commit/7/0x12…`.
fn duty_of_key(key: &str) -> Option<(Slot, DutyStage)> {
    let mut parts = key.split('/');
    let stage = match parts.next()? {
        "propose" => DutyStage::Propose,
        "commit" => DutyStage::Commit,
        "reveal" => DutyStage::Reveal,
        _ => return None,
    };
    Some((Slot::new(parts.next()?.parse().ok()?), stage))
}

/// The duty of the candidate in turn in a phase.
const fn stage_of(phase: Phase) -> Option<DutyStage> {
    match phase {
        Phase::Proposal => Some(DutyStage::Propose),
        Phase::Commitment => Some(DutyStage::Commit),
        Phase::Reveal => Some(DutyStage::Reveal),
        Phase::Waiting | Phase::ExclusiveProving | Phase::OpenProving | Phase::Halt | Phase::Backup => None,
    }
}

/// The duty that an effect is for.
const fn duty_of(effect: &Effect) -> Option<(Slot, DutyStage)> {
    match effect {
        Effect::Build { slot, .. } | Effect::LoadBlock { slot, .. } | Effect::Propose { slot, .. } => {
            Some((*slot, DutyStage::Propose))
        }
        Effect::RequestQuotes { slot, .. } | Effect::Commit { slot, .. } | Effect::HandOver { slot, .. } => {
            Some((*slot, DutyStage::Commit))
        }
        Effect::Reveal { slot, .. } => Some((*slot, DutyStage::Reveal)),
        Effect::CancelProposal { .. }
        | Effect::AnnounceBody { .. }
        | Effect::ManageTransactions
        | Effect::ClaimRewards { .. } => None,
    }
}
