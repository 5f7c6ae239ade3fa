// What a slot pays, takes and burns when it ends: rules C5, E1 to E5 and E9 to E13.
import { columns } from "./cases.mjs";

const FINALIZED = 0;
const RESCUED = 1;
const BACKUP_OF_REVEALED = 2;
const EXPIRED = 4;
const RANKS = 4;

const share = (amount, bps) => (amount * BigInt(bps)) / 10_000n;

/** E9, E10: the parts of a block's reward. */
const sharesOf = ({ rewardPerL1Slot, sequencerBps, bonusBps, proverBps }, paidL1Slots) => {
  const reward = rewardPerL1Slot * BigInt(paidL1Slots);
  const [sequencer, bonus, prover] = [sequencerBps, bonusBps, proverBps].map((bps) => share(reward, bps));
  return { sequencer, bonus, prover, submitter: reward - sequencer - bonus - prover };
};

/** E11: the prover's share for a proof `delay` L1 slots after the complete reveal. */
const promptShare = (amount, { promptnessBps }, exclusiveProving, delay) => {
  const whole = 10_000n * BigInt(exclusiveProving);
  const late = BigInt(Math.min(delay, exclusiveProving));
  return (amount * (whole - BigInt(promptnessBps) * late)) / whole;
};

/** E1, E12, E13: the bond of the revealed candidate. */
const endOfBond = ({ bond, lengths, rescueShareBps, ending, proofDelay }) => {
  const { provingPhase, exclusiveProving } = lengths;
  if (ending === FINALIZED) return { released: bond, slashed: 0n, forRescuer: 0n };
  if (ending === RESCUED) {
    const elapsed = proofDelay - exclusiveProving - 1;
    const slashed = (bond * BigInt(elapsed + 1)) / BigInt(provingPhase - exclusiveProving);
    return { released: bond - slashed, slashed, forRescuer: share(slashed, rescueShareBps) };
  }
  return { released: 0n, slashed: bond, forRescuer: ending === BACKUP_OF_REVEALED ? share(bond, rescueShareBps) : 0n };
};

const settle = ({ rates, paidL1Slots, penalties, rescueShareBps, lengths, ending, proofDelay, candidates }) => {
  const none = () => Array(RANKS).fill(0n);
  const result = { penalty: none(), released: none(), slashed: none(), share: none(), burned: 0n };
  const shares = sharesOf(rates, paidL1Slots);

  // E2 to E4: candidates before the revealed one failed, those after it owe nothing.
  const revealed = candidates.findIndex((c) => c.committed && c.revealed);
  const failed = revealed < 0 ? candidates : candidates.slice(0, revealed);
  failed.forEach((candidate, rank) => {
    const due = candidate.committed ? penalties.withhold : penalties.abandon;
    const taken = due < candidate.stake ? due : candidate.stake;
    result.penalty[rank] = taken;
    result.burned += taken;
    if (candidate.committed) result.released[rank] = candidate.bond;
  });

  if (revealed >= 0) {
    const { bond } = candidates[revealed];
    const { released, slashed, forRescuer } = endOfBond({ bond, lengths, rescueShareBps, ending, proofDelay });
    result.released[revealed] = released;
    result.slashed[revealed] = slashed;
    result.share[revealed] = forRescuer;
    result.burned += slashed - forRescuer;
  }

  const credits = { proverCredit: 0n, sequencerCredit: 0n, submitterCredit: 0n };
  if (ending !== EXPIRED) {
    credits.proverCredit = shares.prover;
    credits.submitterCredit = shares.submitter;
    if ([FINALIZED, RESCUED, BACKUP_OF_REVEALED].includes(ending)) {
      const { price, elapsed } = candidates[revealed];
      const isBackup = ending === BACKUP_OF_REVEALED;
      const delay = isBackup ? 0 : proofDelay;
      const forProver = promptShare(shares.prover, rates, lengths.exclusiveProving, delay);
      // A payer's share limits what it pays.
      const wanted = isBackup ? 0n : price;
      const most = wanted < shares.sequencer ? wanted : shares.sequencer;
      const moved = most > -forProver ? most : -forProver;
      const steps = BigInt(lengths.commitmentPhase + lengths.revealPhase + 1);
      const bonus = (shares.bonus * (steps - BigInt(elapsed))) / steps;
      credits.proverCredit = forProver + moved;
      credits.sequencerCredit = shares.sequencer - moved + bonus;
    }
  }
  return {
    ...result,
    ...credits,
    lowestPrice: -promptShare(shares.prover, rates, 1, 1),
    highestPrice: shares.sequencer,
  };
};

const LENGTHS = ["commitmentPhase", "revealPhase", "provingPhase", "exclusiveProving"];
const RATES = ["rewardPerL1Slot", "sequencerBps", "bonusBps", "proverBps", "submitterBps", "promptnessBps"];

export const checks = {
  "rewards.json": columns(
    [
      ...LENGTHS,
      "rescueShareBps",
      ...RATES,
      "paidL1Slots",
      "abandonPenalty",
      "withholdPenalty",
      "ending",
      "proofDelay",
      "count",
      "stake[4]",
      "committed[4]",
      "committedAfter[4]",
      "bond[4]",
      "price[4]",
      "revealed[4]",
      "elapsed[4]",
    ],
    [
      "lowestPrice",
      "highestPrice",
      "proverCredit",
      "sequencerCredit",
      "submitterCredit",
      "burned",
      "penalty[4]",
      "released[4]",
      "slashed[4]",
      "share[4]",
    ],
    (row) =>
      settle({
        rates: { ...row, rewardPerL1Slot: BigInt(row.rewardPerL1Slot) },
        paidL1Slots: row.paidL1Slots,
        penalties: { abandon: BigInt(row.abandonPenalty), withhold: BigInt(row.withholdPenalty) },
        rescueShareBps: row.rescueShareBps,
        lengths: row,
        ending: row.ending,
        proofDelay: row.proofDelay,
        candidates: Array.from({ length: row.count }, (_, i) => ({
          stake: BigInt(row.stake[i]),
          committed: row.committed[i] === 1,
          bond: BigInt(row.bond[i]),
          price: BigInt(row.price[i]),
          revealed: row.revealed[i] === 1,
          elapsed: row.elapsed[i],
        })),
      }),
  ),
};
