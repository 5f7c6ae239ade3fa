//! `fernet rank`: who may propose, and with which rank.

use color_eyre::eyre::Result;
use fernet_actions::{
    Units,
    ranking::{self, Horizon, Own, RankedSequencer, SlotRanking},
};
use fernet_protocol::L1Slot;

use crate::{
    format::count,
    report::{Fields, FormatArgs, table},
    rollup::{Rollup, RollupArgs},
    runtime,
    signing::BlsArgs,
};

/// Arguments of `fernet rank`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The seed of the next slot is known once L1 has passed the L1 slot that decides it. Those of later slots
aren't known. Under VRF scoring, scores are hidden until their owners propose: with its BLS key, a
sequencer's own score and its expected rank are shown.

Examples:
  fernet rank --rpc-url URL --slots 2
  fernet rank --rpc-url URL --sequencer 7 --format json")]
pub(crate) struct Args {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// 1: the slot in turn; 2: the next one too
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    slots: u8,
    /// Show the rank of this sequencer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sequencer: Option<u32>,
    /// Most sequencers to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    bls: BlsArgs,
}

/// Runs the subcommand.
///
/// # Errors
/// When L1 can't be read, or there is no such sequencer.
pub(crate) fn run(args: Args) -> Result<()> {
    runtime::block_on(async {
        let bls_key = args.bls.open().await?;
        let access = Rollup::access(&args.rollup).await?;
        let own = args.sequencer.map(|sequencer| Own { sequencer, bls_key: bls_key.as_ref() });
        let horizon = if args.slots > 1 { Horizon::Next } else { Horizon::Current };
        let mut rankings = ranking::rankings(&access, horizon, own.as_ref()).await?;
        for ranking in &mut rankings {
            ranking.ranked.truncate(args.limit);
        }
        args.format.write_list(&rankings, |rankings| {
            let texts: Vec<String> = rankings.iter().map(|ranking| text(access.units(), ranking)).collect();
            texts.join("\n\n")
        })
    })
}

fn text(units: &Units, ranking: &SlotRanking) -> String {
    let moment = |moment: fernet_actions::Moment| units.moment(L1Slot::new(moment.l1_slot));
    let seed = match ranking.seed {
        Some(seed) => seed.to_string(),
        None => format!("unknown until L1 has passed {}", moment(ranking.seed_at)),
    };
    let fields = Fields::default()
        .add("slot", ranking.slot.to_string())
        .add("  start", ranking.start.map_or_else(|| "when the slot in turn is over".to_owned(), moment))
        .add("  seed", seed)
        .add("  scoring", ranking.scoring)
        .add("  may propose", count(ranking.eligible as u64, "sequencer"))
        .add("  places", ranking.max_candidates.to_string())
        .add_some("  own rank", ranking.own.as_ref().map(|own| own_text(ranking, own)));
    if ranking.ranked.is_empty() {
        return fields.text();
    }
    let row = |ranked: &RankedSequencer| {
        let proposed = if ranked.proposed { "yes" } else { "no" };
        vec![
            ranked.rank.to_string(),
            ranked.sequencer.to_string(),
            ranked.attester.to_string(),
            proposed.to_owned(),
        ]
    };
    let head = ["rank", "sequencer", "attester", "proposed"];
    format!("{}\n\n{}", fields.text(), table(&head, ranking.ranked.iter().map(row)))
}

fn own_text(ranking: &SlotRanking, own: &ranking::OwnRank) -> String {
    match own.rank {
        _ if !own.eligible => format!("sequencer {} may not propose in this slot", own.sequencer),
        Some(rank) => {
            let expected = if ranking.scoring == "vrf" { "expected " } else { "" };
            let place = if rank < usize::from(ranking.max_candidates) { "" } else { ", beyond the places" };
            format!("{expected}{rank}{place}")
        }
        None if ranking.seed.is_none() => "unknown without the seed".to_owned(),
        None => "hidden: give the BLS key with --bls-keystore".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_rank_says_why_it_is_missing() {
        let own = |rank, eligible| ranking::OwnRank { sequencer: 7, eligible, rank, score: None };
        let ranking = |scoring, seed| SlotRanking {
            slot: 1,
            scoring,
            start: None,
            seed_at: fernet_actions::Moment { l1_slot: 9, timestamp: 0 },
            seed,
            eligible: 4,
            max_candidates: 3,
            ranked: Vec::new(),
            own: None,
        };
        let seed = Some(Default::default());
        let public = ranking("public", seed);
        assert_eq!(own_text(&public, &own(Some(2), true)), "2");
        assert_eq!(own_text(&public, &own(Some(3), true)), "3, beyond the places");
        assert_eq!(own_text(&public, &own(None, false)), "sequencer 7 may not propose in this slot");
        assert_eq!(own_text(&ranking("vrf", seed), &own(Some(0), true)), "expected 0");
        assert_eq!(own_text(&ranking("public", None), &own(None, true)), "unknown without the seed");
        let hidden = own_text(&ranking("vrf", seed), &own(None, true));
        assert_eq!(hidden, "hidden: give the BLS key with --bls-keystore");
    }
}
