//! Every flow of tokens at the end of a slot.

use crate::support::{Random, Table, devnet, devnet_rates};
use alloy_primitives::Address;
use fernet_protocol::{
    BondOutcome, Bps, Commitment, CreditRole, Ending, L1Slot, MAX_CANDIDATES, Parameters, Rates, SequencerId,
    SettledCandidate, Settlement, TokenAmount, settle,
};

const SUBMITTER: Address = Address::repeat_byte(0x5b);
const PAYEE: Address = Address::repeat_byte(0x9a);
const COMMITTED_AT: L1Slot = L1Slot::new(1_000);

fn amounts(random: &mut Random) -> (Parameters, Rates) {
    let sequencer = random.length(0, 10_000);
    let prover = random.length(0, 10_000 - sequencer);
    let highest = TokenAmount::MAX_96.get() >> random.within(0, 90);
    let parameters = Parameters {
        reveal_phase: random.length(1, 12),
        rescue_share: Bps::new(random.length(0, 10_000)),
        abandon_penalty: random.amount(highest),
        withhold_penalty: random.amount(highest),
        ..devnet()
    };
    let rates = Rates {
        block_reward: random.amount(highest),
        reveal_bonus: random.amount(highest),
        sequencer_share: Bps::new(sequencer),
        prover_share: Bps::new(prover),
        submitter_share: Bps::new(10_000 - sequencer - prover),
    };
    (parameters, rates)
}

fn candidates(
    random: &mut Random,
    p: &Parameters,
    rates: &Rates,
    revealed_rank: Option<usize>,
    count: usize,
) -> Vec<SettledCandidate> {
    (0..count)
        .map(|rank| {
            let is_revealed = revealed_rank == Some(rank);
            let after = revealed_rank.is_some_and(|revealed| rank > revealed);
            let commitment = (is_revealed || (!after && random.chance(50))).then(|| Commitment {
                prover: random.address(),
                payee: random.address(),
                bond: random.amount(TokenAmount::MAX_96.get()),
                price: random.amount(rates.max_price().get()),
                at: COMMITTED_AT,
            });
            let penalties = p.abandon_penalty.saturating_add(p.withhold_penalty).get();
            SettledCandidate {
                sequencer: SequencerId::new(u32::try_from(rank + 1).expect("small")),
                owner: random.address(),
                // some stakes don't reach for the penalty
                stake: random.amount(penalties),
                commitment,
                revealed_at: is_revealed
                    .then(|| COMMITTED_AT.plus(random.within(0, u64::from(p.reveal_phase)))),
            }
        })
        .collect()
}

fn put_expected(table: &mut Table, settled: &Settlement, candidates: &[SettledCandidate]) {
    let credit =
        |role| settled.credits.iter().filter(|c| c.role == role).map(|c| c.amount.get()).sum::<u128>();
    table.put("proverCredit", credit(CreditRole::Prover));
    table.put("sequencerCredit", credit(CreditRole::Sequencer));
    table.put("submitterCredit", credit(CreditRole::Submitter));
    table.put("burned", settled.burned.get());
    for rank in 0..MAX_CANDIDATES {
        let candidate = candidates.get(rank);
        let penalty =
            settled.penalties.iter().find(|p| candidate.is_some_and(|c| c.sequencer == p.sequencer));
        let prover = candidate.and_then(|c| c.commitment).map(|c| c.prover);
        let bond = settled.bonds.iter().find(|b| prover == Some(b.prover));
        let (released, slashed, share) = match bond.map(|b| (b.amount.get(), b.outcome)) {
            None => (0, 0, 0),
            Some((amount, BondOutcome::Released)) => (amount, 0, 0),
            Some((amount, BondOutcome::Slashed { share, .. })) => (0, amount, share.get()),
        };
        table.put("penalty", penalty.map_or(0, |p| p.amount.get()));
        table.put("released", released);
        table.put("slashed", slashed);
        table.put("share", share);
    }
}

pub(crate) fn rewards() -> Table {
    let mut random = Random::new(10);
    let mut table = Table::default();
    for case in 0..200_usize {
        let (p, rates) = if case < 20 { (devnet(), devnet_rates()) } else { amounts(&mut random) };
        let ending = case % 5;
        let needs_reveal = ending < 3;
        let count = usize::try_from(random.within(u64::from(needs_reveal), 4)).expect("small");
        let revealed_rank = (count > 0 && (needs_reveal || random.chance(50)))
            .then(|| usize::try_from(random.next()).expect("64 bits") % count);
        let candidates = candidates(&mut random, &p, &rates, revealed_rank, count);
        let ended = [
            Ending::Finalized,
            Ending::Rescued { payee: PAYEE },
            Ending::BackupOfRevealed { payee: PAYEE },
            Ending::BackupOfOther { payee: PAYEE },
            Ending::Expired,
        ][ending];
        let settled = settle(&p, &rates, &candidates, ended, SUBMITTER).expect("the facts fit");

        table.put("revealPhase", p.reveal_phase);
        table.put("rescueShareBps", p.rescue_share.get());
        table.put("sequencerBps", rates.sequencer_share.get());
        table.put("proverBps", rates.prover_share.get());
        table.put("submitterBps", rates.submitter_share.get());
        table.put("abandonPenalty", p.abandon_penalty.get());
        table.put("withholdPenalty", p.withhold_penalty.get());
        table.put("blockReward", rates.block_reward.get());
        table.put("revealBonus", rates.reveal_bonus.get());
        table.put("ending", ending);
        table.put("count", count);
        for rank in 0..MAX_CANDIDATES {
            let candidate = candidates.get(rank);
            let commitment = candidate.and_then(|c| c.commitment);
            let revealed_at = candidate.and_then(|c| c.revealed_at);
            table.put("stake", candidate.map_or(0, |c| c.stake.get()));
            table.put("committed", commitment.is_some());
            table.put("bond", commitment.map_or(0, |c| c.bond.get()));
            table.put("price", commitment.map_or(0, |c| c.price.get()));
            table.put("revealed", revealed_at.is_some());
            table.put("elapsed", revealed_at.map_or(0, |at| at.since(COMMITTED_AT)));
        }
        put_expected(&mut table, &settled, &candidates);
    }
    table
}
