//! Every flow of tokens at the end of a slot.

use crate::support::{Random, Table, devnet, devnet_rates};
use alloy_primitives::Address;
use fernet_protocol::{
    BondOutcome, Bps, Commitment, CreditRole, Ending, L1Slot, MAX_CANDIDATES, Parameters, Price, PriceRange,
    Rates, SequencerId, SettledCandidate, Settlement, TokenAmount, settle,
};

const SUBMITTER: Address = Address::repeat_byte(0x5b);
const PAYEE: Address = Address::repeat_byte(0x9a);
const TURN_START: L1Slot = L1Slot::new(1_000);
/// Highest reward for an L1 slot that the contracts store.
const MAX_72: u128 = (1 << 72) - 1;

/// Rates and parameters of a case, and the L1 slots that its block is paid for.
fn amounts(random: &mut Random) -> (Parameters, Rates, u32) {
    let sequencer = random.length(0, 10_000);
    let bonus = random.length(0, 10_000 - sequencer);
    let prover = random.length(0, 10_000 - sequencer - bonus);
    let highest = TokenAmount::MAX_96.get() >> random.within(0, 90);
    let exclusive_proving = random.length(1, 50);
    let parameters = Parameters {
        commitment_phase: random.length(1, 12),
        reveal_phase: random.length(1, 12),
        proving_phase: exclusive_proving + random.length(1, 40),
        exclusive_proving,
        rescue_share: Bps::new(random.length(0, 10_000)),
        abandon_penalty: random.amount(highest),
        withhold_penalty: random.amount(highest),
        ..devnet()
    };
    let rates = Rates {
        reward_per_l1_slot: scaled(random, MAX_72, 68),
        sequencer_share: Bps::new(sequencer),
        bonus_share: Bps::new(bonus),
        prover_share: Bps::new(prover),
        submitter_share: Bps::new(10_000 - sequencer - bonus - prover),
        promptness: Bps::new(random.length(0, 10_000)),
    };
    let stall = if random.chance(50) { random.length(0, 250) } else { 0 };
    (parameters, rates, u32::try_from(parameters.idle()).expect("a short slot") + u32::from(stall))
}

/// An amount of a random order of magnitude, at most `highest`. The lowest order is `2^bits` below it.
fn scaled(random: &mut Random, highest: u128, bits: u64) -> TokenAmount {
    let shift = random.within(0, bits);
    random.amount(highest >> shift)
}

/// A number from `low` through `high`, often one of the two.
fn moment(random: &mut Random, low: u64, high: u64) -> u64 {
    match random.within(0, 3) {
        0 => low,
        1 => high,
        _ => random.within(low, high),
    }
}

fn candidates(
    random: &mut Random,
    p: &Parameters,
    range: PriceRange,
    revealed_rank: Option<usize>,
    count: usize,
) -> Vec<SettledCandidate> {
    (0..count)
        .map(|rank| {
            let is_revealed = revealed_rank == Some(rank);
            let after = revealed_rank.is_some_and(|revealed| rank > revealed);
            let at = TURN_START.plus(moment(random, 0, u64::from(p.commitment_phase) - 1));
            let commitment = (is_revealed || (!after && random.chance(50))).then(|| Commitment {
                prover: random.address(),
                payee: random.address(),
                bond: scaled(random, TokenAmount::MAX_96.get(), 92).max(TokenAmount::new(1)),
                price: match random.within(0, 4) {
                    0 => range.lowest,
                    1 => range.highest,
                    _ => random.price(range.lowest, range.highest),
                },
                at,
            });
            let penalties = p.abandon_penalty.saturating_add(p.withhold_penalty).get();
            SettledCandidate {
                sequencer: SequencerId::new(u32::try_from(rank + 1).expect("small")),
                owner: random.address(),
                // some stakes don't reach for the penalty
                stake: random.amount(penalties),
                turn_start: TURN_START,
                commitment,
                revealed_at: is_revealed.then(|| at.plus(moment(random, 0, u64::from(p.reveal_phase)))),
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
            Some((amount, BondOutcome::Slashed { part, share, .. })) => {
                (amount - part.get(), part.get(), share.get())
            }
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
        let (p, rates, paid) = if case < 20 { (devnet(), devnet_rates(), 13) } else { amounts(&mut random) };
        let range = rates.price_range(paid);
        let ending = case % 5;
        let needs_reveal = ending < 3;
        let count = usize::try_from(random.within(u64::from(needs_reveal), 4)).expect("small");
        let revealed_rank = (count > 0 && (needs_reveal || random.chance(50)))
            .then(|| usize::try_from(random.next()).expect("64 bits") % count);
        let candidates = candidates(&mut random, &p, range, revealed_rank, count);
        let revealed_at = revealed_rank.and_then(|rank| candidates[rank].revealed_at).unwrap_or(TURN_START);
        let (exclusive, proving) = (u64::from(p.exclusive_proving), u64::from(p.proving_phase));
        let proof_delay = match ending {
            0 => moment(&mut random, 0, exclusive),
            1 => moment(&mut random, exclusive + 1, proving),
            _ => 0,
        };
        let at = revealed_at.plus(proof_delay);
        let ended = [
            Ending::Finalized { at },
            Ending::Rescued { payee: PAYEE, at },
            Ending::BackupOfRevealed { payee: PAYEE },
            Ending::BackupOfOther { payee: PAYEE },
            Ending::Expired,
        ][ending];
        let settled = settle(&p, &rates, paid, &candidates, ended, SUBMITTER).expect("the facts fit");

        table.put("commitmentPhase", p.commitment_phase);
        table.put("revealPhase", p.reveal_phase);
        table.put("provingPhase", p.proving_phase);
        table.put("exclusiveProving", p.exclusive_proving);
        table.put("rescueShareBps", p.rescue_share.get());
        table.put("rewardPerL1Slot", rates.reward_per_l1_slot.get());
        table.put("paidL1Slots", paid);
        table.put("sequencerBps", rates.sequencer_share.get());
        table.put("bonusBps", rates.bonus_share.get());
        table.put("proverBps", rates.prover_share.get());
        table.put("submitterBps", rates.submitter_share.get());
        table.put("promptnessBps", rates.promptness.get());
        table.put("abandonPenalty", p.abandon_penalty.get());
        table.put("withholdPenalty", p.withhold_penalty.get());
        table.put("ending", ending);
        table.put("proofDelay", proof_delay);
        table.put("count", count);
        for rank in 0..MAX_CANDIDATES {
            let candidate = candidates.get(rank);
            let commitment = candidate.and_then(|c| c.commitment);
            let revealed_at = candidate.and_then(|c| c.revealed_at);
            table.put("stake", candidate.map_or(0, |c| c.stake.get()));
            table.put("committed", commitment.is_some());
            table.put("committedAfter", commitment.map_or(0, |c| c.at.since(TURN_START)));
            table.put("bond", commitment.map_or(0, |c| c.bond.get()));
            table.put("price", commitment.map_or(Price::ZERO, |c| c.price));
            table.put("revealed", revealed_at.is_some());
            table.put("elapsed", revealed_at.map_or(0, |at| at.since(TURN_START)));
        }
        table.put("lowestPrice", range.lowest);
        table.put("highestPrice", range.highest);
        put_expected(&mut table, &settled, &candidates);
    }
    table
}
