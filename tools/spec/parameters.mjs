// What the rollup's constructor refuses: docs/protocol/README.md, "What constructors refuse", and rule A11.
import { columns } from "./cases.mjs";

const refused = (p) => {
  const seeding = p.seedDelay + p.seedGrid;
  const idle = p.proposalPhase + p.haltPhase + p.backupPhase;
  const longest =
    p.proposalPhase +
    p.maxCandidates * (p.commitmentPhase + p.revealPhase) +
    p.provingPhase +
    p.haltPhase +
    p.backupPhase;
  const between = (low, value, high) => low <= value && value <= high;
  const rules = [
    ["proposalPhase", p.proposalPhase > 1],
    ["commitmentPhase", p.commitmentPhase > 0],
    ["revealPhase", p.revealPhase > 0],
    ["provingPhase", p.provingPhase > 0],
    ["exclusiveProving", between(1, p.exclusiveProving, p.provingPhase)],
    ["haltPhase", p.haltPhase > 0],
    ["backupPhase", p.backupPhase > 0],
    ["seedDelay", p.seedDelay > 0],
    ["seedGrid", p.seedGrid > 0],
    ["pauseLength", between(1, p.pauseLength, 8191)],
    ["maxCandidates", between(1, p.maxCandidates, 4)],
    ["maxChunks", p.maxChunks > 0],
    ["maxDeposits", p.maxDeposits > 0],
    ["maxExits", p.maxExits > 0],
    ["maxBlobs", between(1, p.maxBlobs, 16) && between(1, p.blobsAtMost, p.maxBlobs)],
    ["idle", idle >= seeding],
    ["longestSlot", longest <= 65_535 && longest + seeding + 2 * idle <= 8191],
    ["stallAfter", p.stallAfter >= 2 * longest],
    ["maxStall", p.stallAfter + p.maxStall <= 65_535],
    ["rescueShareBps", p.rescueShareBps <= 10_000],
    ["minBond", BigInt(p.minBond) > 0n],
    ["penalties", [p.abandonPenalty, p.withholdPenalty].every((one) => BigInt(one) <= BigInt(p.minimumStake))],
    ["withdrawalDelay", p.withdrawalDelay >= longest],
  ];
  return rules.find(([, holds]) => !holds)?.[0] ?? "";
};

/** A11: what the deploy script wants on every chain but a development one. */
const seedChoiceBounded = (p) => p.seedDelay + p.seedGrid >= p.commitmentPhase + p.revealPhase + p.exclusiveProving;

export const checks = {
  "parameters.json": columns(
    [
      "proposalPhase",
      "commitmentPhase",
      "revealPhase",
      "provingPhase",
      "exclusiveProving",
      "haltPhase",
      "backupPhase",
      "seedDelay",
      "seedGrid",
      "pauseLength",
      "stallAfter",
      "maxStall",
      "maxCandidates",
      "maxBlobs",
      "maxChunks",
      "maxDeposits",
      "maxExits",
      "rescueShareBps",
      "minBond",
      "abandonPenalty",
      "withholdPenalty",
      "minimumStake",
      "withdrawalDelay",
      "blobsAtMost",
    ],
    ["refused", "seedChoiceBounded"],
    (given) => ({ refused: refused(given), seedChoiceBounded: seedChoiceBounded(given) }),
  ),
};
