// Slots, phases and paid time: docs/protocol/README.md, rules S1 to S6 and E10. Times are numbers of L1 slots.
import { columns } from "./cases.mjs";

const LENGTHS = [
  "proposalPhase",
  "commitmentPhase",
  "revealPhase",
  "provingPhase",
  "exclusiveProving",
  "haltPhase",
  "backupPhase",
  "seedDelay",
  "seedGrid",
];
const FACTS = ["count", "committedAt[4]", "revealedAt[4]"];

/** Numbers of the phases. */
const WAITING = 0;
const PROPOSAL = 1;
const COMMITMENT = 2;
const REVEAL = 3;
const EXCLUSIVE_PROVING = 4;
const OPEN_PROVING = 5;
const HALT = 6;
const BACKUP = 7;

/** S3: the L1 slot whose mix makes the seed of the slot after one that started at `start`. */
export const seedAt = (start, lengths) =>
  Math.ceil((start + lengths.seedDelay) / lengths.seedGrid) * lengths.seedGrid;

/** S4: start of the slot after one that started at `start` and ended at `end`. */
export const nextStart = (start, end, lengths) => Math.max(end, seedAt(start, lengths) + 1);

/** S5. */
const idleLength = (lengths) => lengths.proposalPhase + lengths.haltPhase + lengths.backupPhase;

/** S6: where a slot is. `facts` has commitments and reveals by rank, 0 for none. */
const phaseAt = (start, facts, lengths, now) => {
  const at = (phase, end, rest) => ({ phase, end, turn: 0, turnStart: 0, revealed: false, over: false, ...rest });
  let end = start;
  if (now < end) return at(WAITING, end);
  end += lengths.proposalPhase;
  if (now < end) return at(PROPOSAL, end);

  let turn = 0;
  let turnStart = 0;
  let revealed = false;
  for (; turn < facts.count; turn += 1) {
    turnStart = end;
    const committed = facts.committedAt[turn];
    const shown = facts.revealedAt[turn];
    if (committed === 0) {
      end += lengths.commitmentPhase;
      if (now < end) return at(COMMITMENT, end, { turn, turnStart });
    } else if (shown === 0) {
      end = committed + 1 + lengths.revealPhase;
      if (now < end) return at(REVEAL, end, { turn, turnStart });
    } else {
      revealed = true;
      end = shown + 1 + lengths.exclusiveProving;
      if (now < end) return at(EXCLUSIVE_PROVING, end, { turn, turnStart, revealed });
      end = shown + 1 + lengths.provingPhase;
      if (now < end) return at(OPEN_PROVING, end, { turn, turnStart, revealed });
      break;
    }
  }
  const rest = { turn, turnStart: revealed ? turnStart : 0, revealed };
  end += lengths.haltPhase;
  if (now < end) return at(HALT, end, rest);
  end += lengths.backupPhase;
  return at(BACKUP, end, { ...rest, over: now >= end });
};

/** S5: the slot in turn where nobody has proposed since `first`. */
const idleSlot = (first, lengths, now) => {
  const passed = Math.floor((now - first.start) / idleLength(lengths));
  if (passed < 1) return first;
  const start = first.start + passed * idleLength(lengths);
  return { slot: first.slot + passed, start, previousStart: start - idleLength(lengths) };
};

/** E10: L1 slots that a block of `slot` is paid for. `next` is the slot after the last settled one. */
const paidL1Slots = (slot, next, lengths) => {
  const sinceTip = Math.min(65_535, next.sinceTip + slot.start - next.start);
  const stall = Math.min(Math.max(0, sinceTip - lengths.stallAfter), lengths.maxStall);
  return Math.min(slot.start - slot.previousStart, idleLength(lengths)) + stall;
};

const NOBODY = { count: 0, committedAt: [], revealedAt: [] };

/** The slot in turn, and whether the recorded slot ended without a block and waits for its settlement. */
const locate = ({ cursor, recorded, facts, lengths, now }) => {
  let next = cursor;
  let expired = 0;
  let expiredEnd = 0;
  if (facts.count > 0 && recorded.slot >= cursor.slot) {
    const position = phaseAt(recorded.start, facts, lengths, now);
    if (!position.over) {
      return { ...recorded, ...position, expired, expiredEnd, paidL1Slots: paidL1Slots(recorded, cursor, lengths) };
    }
    expired = 1;
    expiredEnd = position.end;
    const start = nextStart(recorded.start, position.end, lengths);
    next = {
      slot: recorded.slot + 1,
      start,
      previousStart: recorded.start,
      sinceTip: Math.min(65_535, cursor.sinceTip + start - cursor.start),
    };
  }
  const slot = idleSlot(next, lengths, now);
  const paid = paidL1Slots(slot, next, lengths);
  return { ...slot, ...phaseAt(slot.start, NOBODY, lengths, now), expired, expiredEnd, paidL1Slots: paid };
};

const numbers = (row) =>
  Object.fromEntries(Object.entries(row).map(([key, v]) => [key, Array.isArray(v) ? v.map(Number) : Number(v)]));

export const checks = {
  "phases.json": columns(
    [...LENGTHS, "slot", "start", "previousStart", ...FACTS, "now"],
    ["phase", "turn", "turnStart", "revealed", "over", "end"],
    (row) => {
      const given = numbers(row);
      return phaseAt(given.start, given, given, given.now);
    },
  ),
  "slots.json": columns(
    [
      ...LENGTHS,
      "stallAfter",
      "maxStall",
      "cursorSlot",
      "cursorStart",
      "cursorPreviousStart",
      "cursorSinceTip",
      "recordedSlot",
      "recordedStart",
      "recordedPreviousStart",
      ...FACTS,
      "now",
    ],
    [
      "expired",
      "expiredEnd",
      "slot",
      "start",
      "previousStart",
      "seedAt",
      "phase",
      "turn",
      "turnStart",
      "end",
      "paidL1Slots",
    ],
    (row) => {
      const given = numbers(row);
      const named = (prefix) => ({
        slot: given[`${prefix}Slot`],
        start: given[`${prefix}Start`],
        previousStart: given[`${prefix}PreviousStart`],
      });
      const cursor = { ...named("cursor"), sinceTip: given.cursorSinceTip };
      const recorded = named("recorded");
      const found = locate({ cursor, recorded, facts: given, lengths: given, now: given.now });
      return { ...found, seedAt: seedAt(found.previousStart, given) };
    },
  ),
};
