// Seeds, scores and the list of candidates: rules S3, S4, R4, P2, P3 and D1.
import { encode, hex, keccak, tag, text, upper } from "./bytes.mjs";
import { columns } from "./cases.mjs";
import { nextStart, seedAt } from "./time.mjs";

const seed = (mix, slot) => hex(keccak(encode(tag("fernet.seed.v1"), mix, slot)));

const SCORE_TAG = keccak(text("fernet.score.v1"));

const publicScore = ({ chainId, rollup, slot, seed: s, sequencer, attester }) =>
  upper(keccak(encode(SCORE_TAG, chainId, rollup, slot, s, sequencer, attester)), 64);

const LISTED = 0;
const ALREADY_PROPOSED = 1;
const SCORE_TOO_LOW = 2;

/** P1 to P3: proposals in order, as { sequencer, score }. */
const rankAll = (proposals, maxCandidates) => {
  const list = [];
  const outcome = [];
  const displaced = [];
  for (const proposal of proposals) {
    const rank = list.filter((other) => other.score >= proposal.score).length;
    let dropped = 0;
    if (list.some((other) => other.sequencer === proposal.sequencer)) {
      outcome.push(ALREADY_PROPOSED);
    } else if (rank >= maxCandidates) {
      outcome.push(SCORE_TOO_LOW);
    } else {
      outcome.push(LISTED);
      if (list.length === maxCandidates) dropped = list.pop().sequencer;
      list.splice(rank, 0, proposal);
    }
    displaced.push(dropped);
  }
  const ranked = Array.from({ length: 4 }, (_, i) => list[i]?.sequencer ?? 0);
  return { outcome, displaced, count: list.length, ranked };
};

export const checks = {
  "seeds.json": columns(
    ["seedDelay", "seedGrid", "start", "end", "mix", "slot"],
    ["seedAt", "nextStart", "seed"],
    ({ start, end, mix, slot, ...lengths }) => ({
      seedAt: seedAt(start, lengths),
      nextStart: nextStart(start, end, lengths),
      seed: seed(mix, slot),
    }),
  ),
  "scores.json": columns(
    ["chainId", "rollup", "slot", "seed", "sequencer", "attester"],
    ["score"],
    (given) => ({ score: publicScore(given) }),
  ),
  "candidates.json": columns(
    ["maxCandidates", "sequencer[8]", "score[8]"],
    ["outcome[8]", "displaced[8]", "count", "ranked[4]"],
    ({ maxCandidates, sequencer, score }) =>
      rankAll(sequencer.map((id, i) => ({ sequencer: id, score: BigInt(score[i]) })), maxCandidates),
  ),
};
