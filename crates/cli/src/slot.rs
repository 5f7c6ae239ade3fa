//! `fernet slot`: the slot in turn, past slots, and changes as they happen.

use std::time::Duration;

use clap::Subcommand;
use color_eyre::eyre::Result;
use fernet_actions::{
    L1Access, Units,
    slots::{self, CandidateStatus, CurrentSlot, PastSlot},
};
use fernet_protocol::L1Slot;
use tokio::time::sleep;

use crate::{
    format::short,
    output,
    report::{Fields, FormatArgs, table},
    rollup::{Rollup, RollupArgs},
    runtime,
};

/// How often L1 is looked at while its changes are watched.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Subcommands of `fernet slot`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the slot in turn, or what happened in a past one.
    #[command(after_help = "\
Examples:
  fernet slot show --rpc-url URL
  fernet slot show 120 --rpc-url URL --format json")]
    Show(ShowArgs),
    /// Write a line for each change of the slot in turn, until Ctrl-C.
    Watch(WatchArgs),
}

/// Arguments of `fernet slot show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Number of a slot [default: the slot in turn]
    slot: Option<u64>,
}

/// Arguments of `fernet slot watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// End after this many lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    lines: Option<u64>,
}

/// Runs the subcommand.
///
/// # Errors
/// When L1 can't be read, or the slot lies ahead.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Show(args) => runtime::block_on(show(&args)),
        Command::Watch(args) => runtime::until_stopped(watch(&args)),
    }
}

async fn show(args: &ShowArgs) -> Result<()> {
    let access = Rollup::access(&args.rollup).await?;
    let current = slots::current(&access).await?;
    match args.slot {
        Some(slot) if slot != current.slot => {
            args.format.write(&slots::past(&access, slot).await?, past_text)
        }
        _ => args.format.write(&current, |slot| text(access.units(), slot)),
    }
}

async fn watch(args: &WatchArgs) -> Result<()> {
    let mut access = Rollup::access(&args.rollup).await?;
    let mut shown = None;
    let mut lines = 0;
    let mut failed = false;
    while args.lines.is_none_or(|limit| lines < limit) {
        match look(&mut access).await {
            Ok(slot) => {
                failed = false;
                let state = state_of(&slot);
                if shown.as_ref() != Some(&state) {
                    shown = Some(state);
                    lines = lines.saturating_add(1);
                    args.format.write(&slot, |slot| line(access.units(), slot))?;
                }
            }
            Err(error) if error.is_retryable() => {
                if !failed {
                    output::message(&format!("{error}; trying again"));
                }
                failed = true;
            }
            Err(error) => return Err(error.into()),
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn look(access: &mut L1Access) -> Result<CurrentSlot, fernet_actions::ActionError> {
    access.refresh().await?;
    slots::current(access).await
}

/// What of a slot makes a new line when it changes: not the time that passes.
fn state_of(slot: &CurrentSlot) -> (u64, &'static str, u8, Vec<CandidateStatus>, u64) {
    (slot.slot, slot.phase, slot.rank_in_turn, slot.candidates.clone(), slot.height)
}

fn line(units: &Units, slot: &CurrentSlot) -> String {
    let candidates = slot.candidates.iter().map(|candidate| {
        let done = if candidate.revealed_at.is_some() {
            " revealed"
        } else if candidate.committed_at.is_some() {
            " committed"
        } else {
            ""
        };
        format!("{}{done}", candidate.sequencer)
    });
    let candidates: Vec<String> = candidates.collect();
    let candidates = if candidates.is_empty() { "none".to_owned() } else { candidates.join(", ") };
    format!(
        "L1 slot {}  slot {}  {} until {}  candidates {candidates}  height {}",
        slot.l1_slot,
        slot.slot,
        slot.phase,
        units.moment(L1Slot::new(slot.phase_ends.l1_slot)),
        slot.height
    )
}

fn text(units: &Units, slot: &CurrentSlot) -> String {
    let moment = |moment: fernet_actions::Moment| units.moment(L1Slot::new(moment.l1_slot));
    let fields = Fields::default()
        .add("now", format!("L1 slot {}", slot.l1_slot))
        .add("slot", slot.slot.to_string())
        .add("  phase", slot.phase)
        .add("  phase ends", moment(slot.phase_ends))
        .add("  start", moment(slot.start))
        .add("  seed from", moment(slot.seed_at))
        .add("  rank in turn", slot.rank_in_turn.to_string())
        .add_some("  turn began", slot.turn_start.map(moment))
        .add("  reward", units.tokens(slot.reward.0))
        .add_some("no slot before", slot.paused_until.map(moment))
        .add("final blocks", slot.height.to_string())
        .add("  last header", slot.header_hash.to_string())
        .add("  state root", slot.state_root.to_string())
        .add("deposits", format!("{} consumed, {} waiting", slot.deposits.consumed, slot.deposits.waiting))
        .add("forced exits", format!("{} consumed, {} waiting", slot.exits.consumed, slot.exits.waiting));
    let unsettled = if slot.unsettled { "\nan earlier slot is over and isn't settled yet" } else { "" };
    let candidates = if slot.candidates.is_empty() {
        "no proposals so far".to_owned()
    } else {
        let row = |candidate: &CandidateStatus| {
            let at = |moment: Option<fernet_actions::Moment>| {
                moment.map_or_else(|| "no".to_owned(), |moment| format!("L1 slot {}", moment.l1_slot))
            };
            let price = candidate.price.as_deref().and_then(|price| price.parse::<i128>().ok());
            vec![
                candidate.rank.to_string(),
                candidate.sequencer.to_string(),
                short(candidate.header_hash),
                at(candidate.committed_at),
                at(candidate.revealed_at),
                candidate.prover.map(|prover| prover.to_string()).unwrap_or_default(),
                candidate.bond.map(|bond| units.tokens(bond.0)).unwrap_or_default(),
                price.map(|price| units.signed_tokens(price)).unwrap_or_default(),
            ]
        };
        let head = ["rank", "sequencer", "header", "committed", "revealed", "prover", "bond", "price"];
        table(&head, slot.candidates.iter().map(row))
    };
    format!("{}{unsettled}\n\n{candidates}", fields.text())
}

fn past_text(slot: &PastSlot) -> String {
    let head = format!("slot {}  {}", slot.slot, slot.outcome);
    if slot.events.is_empty() {
        return format!("{head}: nobody proposed");
    }
    let rows = slot
        .events
        .iter()
        .map(|event| vec![event.l1_block.to_string(), event.name.to_owned(), event.what.clone()]);
    format!("{head}\n\n{}", table(&["L1 block", "event", "what"], rows))
}

#[cfg(test)]
mod tests {
    use fernet_actions::slots::SlotEvent;

    use super::*;

    #[test]
    fn past_slots_read_as_a_list_of_events() {
        let idle = PastSlot { slot: 3, outcome: "idle", events: Vec::new() };
        assert_eq!(past_text(&idle), "slot 3  idle: nobody proposed");
        let event = SlotEvent {
            l1_block: 12,
            transaction: Default::default(),
            name: "SlotExpired",
            what: "the slot ends without a block".to_owned(),
        };
        let expired = PastSlot { slot: 4, outcome: "expired", events: vec![event] };
        assert_eq!(
            past_text(&expired),
            "slot 4  expired\n\nL1 block  event        what\n\
             12        SlotExpired  the slot ends without a block"
        );
    }
}
