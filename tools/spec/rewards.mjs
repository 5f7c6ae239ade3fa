// What a slot pays, takes and burns when it ends: rules E1 to E5 and E9.
import { columns } from "./cases.mjs";

const FINALIZED = 0;
const RESCUED = 1;
const BACKUP_OF_REVEALED = 2;
const EXPIRED = 4;
const RANKS = 4;

const share = (amount, bps) => (amount * BigInt(bps)) / 10_000n;

const settle = ({ rates, penalties, rescueShareBps, revealPhase, ending, candidates }) => {
  const none = () => Array(RANKS).fill(0n);
  const result = { penalty: none(), released: none(), slashed: none(), share: none(), burned: 0n };

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

  // The revealed candidate's bond: the table of E1.
  if (revealed >= 0) {
    const { bond } = candidates[revealed];
    if (ending === FINALIZED) {
      result.released[revealed] = bond;
    } else {
      result.slashed[revealed] = bond;
      result.share[revealed] = ending === EXPIRED ? 0n : share(bond, rescueShareBps);
      result.burned += bond - result.share[revealed];
    }
  }

  const credits = { proverCredit: 0n, sequencerCredit: 0n, submitterCredit: 0n };
  if (ending !== EXPIRED) {
    const forSequencer = share(rates.blockReward, rates.sequencerBps);
    credits.proverCredit = share(rates.blockReward, rates.proverBps);
    credits.submitterCredit = rates.blockReward - forSequencer - credits.proverCredit;
    if ([FINALIZED, RESCUED, BACKUP_OF_REVEALED].includes(ending)) {
      const { price, elapsed } = candidates[revealed];
      const paid = ending === BACKUP_OF_REVEALED ? 0n : price;
      const steps = BigInt(revealPhase + 1);
      const bonus = (rates.revealBonus * (steps - BigInt(elapsed))) / steps;
      credits.proverCredit += paid;
      credits.sequencerCredit = forSequencer - paid + bonus;
    }
  }
  return { ...result, ...credits };
};

export const checks = {
  "rewards.json": columns(
    [
      "revealPhase",
      "rescueShareBps",
      "sequencerBps",
      "proverBps",
      "submitterBps",
      "abandonPenalty",
      "withholdPenalty",
      "blockReward",
      "revealBonus",
      "ending",
      "count",
      "stake[4]",
      "committed[4]",
      "bond[4]",
      "price[4]",
      "revealed[4]",
      "elapsed[4]",
    ],
    [
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
        rates: {
          blockReward: BigInt(row.blockReward),
          revealBonus: BigInt(row.revealBonus),
          sequencerBps: row.sequencerBps,
          proverBps: row.proverBps,
        },
        penalties: { abandon: BigInt(row.abandonPenalty), withhold: BigInt(row.withholdPenalty) },
        rescueShareBps: row.rescueShareBps,
        revealPhase: row.revealPhase,
        ending: row.ending,
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
