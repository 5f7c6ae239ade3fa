// Messages between peers: docs/protocol/network.md.
import { big, bytes, concat, hex, signed } from "./bytes.mjs";

const u8 = (value) => big(value, 1);
const u32 = (value) => big(value, 4);
const u64 = (value) => big(value, 8);
const u128 = (value) => big(value, 16);
const i128 = (value) => signed(value, 16);
const list = (entries, write) => concat(u32(entries.length), ...entries.map(write));
const counted = (data) => concat(u32(data.length), data);

const TRANSFER = 1;
const GOSSIP_OPERATION = 1;
const GOSSIP_BODY = 2;

const operation = ({ kind, from, to, target, amount, fee, nonce, signature }) =>
  concat(
    u8(kind),
    u32(from),
    kind === TRANSFER ? u32(to) : bytes(target),
    u64(amount),
    u32(fee),
    u32(nonce),
    bytes(signature),
  );

const header = (h) =>
  concat(
    u64(h.slot),
    bytes(h.parent),
    bytes(h.stateRoot),
    u64(h.depositsEnd),
    bytes(h.depositsChain),
    u64(h.exitsEnd),
    bytes(h.exitsChain),
    u32(h.feeRecipient),
    u32(h.chunks),
    bytes(h.committeeDigest),
    bytes(h.vote),
    list(h.blobHashes, bytes),
  );

/** A blob without the zero bytes at its end. `start` is its first bytes; the rest is zero. */
const blob = (start) => {
  const data = bytes(start);
  return counted(data.slice(0, data.findLastIndex((byte) => byte !== 0) + 1));
};

const body = ({ header: h, blobs, signatures }) => concat(header(h), list(blobs, blob), list(signatures, bytes));

const quote = (q) =>
  concat(
    u64(q.slot),
    bytes(q.headerHash),
    u32(q.sequencer),
    bytes(q.prover),
    bytes(q.payee),
    u128(q.bond),
    i128(q.price),
    u64(q.validUntil),
  );

const messages = {
  operations: (given) => {
    const written = operation(given);
    return { bytes: written, gossip: concat(u8(GOSSIP_OPERATION), written) };
  },
  bodies: (given) => {
    const written = body(given);
    return {
      bytes: written,
      gossip: concat(u8(GOSSIP_BODY), written),
      request: concat(u32(given.sequencer), written),
    };
  },
  quotes: (given) => {
    const signed = concat(quote(given), counted(bytes(given.proverSignature)));
    return { signed, accepted: concat(signed, counted(bytes(given.sequencerSignature))) };
  },
};

/** What each kind of message is derived into. */
const RESULTS = {
  operations: ["bytes", "gossip"],
  bodies: ["bytes", "gossip", "request"],
  quotes: ["signed", "accepted"],
};

export const checks = {
  "messages.json": {
    cases: (vector) =>
      Object.entries(RESULTS).flatMap(([kind, results]) =>
        vector[kind].map((one, i) => ({
          label: `${kind} ${i}`,
          given: one,
          which: kind,
          expected: Object.fromEntries(results.map((key) => [key, one[key]])),
        })),
      ),
    derive: (given, kind) =>
      Object.fromEntries(Object.entries(messages[kind](given)).map(([key, data]) => [key, hex(data)])),
    corruptible: [
      ...Object.entries(RESULTS).flatMap(([kind, results]) => results.map((key) => [kind, 1, key])),
      ...["from", "to", "amount", "fee", "nonce", "signature"].map((key) => ["operations", 0, key]),
      ["operations", 2, "target"],
      ...["parent", "stateRoot", "depositsEnd", "depositsChain", "exitsEnd", "exitsChain", "vote"].map((key) => [
        "bodies",
        2,
        "header",
        key,
      ]),
      ["bodies", 2, "blobs", 0],
      ["bodies", 2, "signatures", 1],
      ...["bond", "price", "validUntil", "payee", "proverSignature"].map((key) => ["quotes", 0, key]),
    ],
  },
};
