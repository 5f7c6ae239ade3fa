// Messages between peers: docs/protocol/network.md.
import { big, bytes, concat, hex, keccak } from "./bytes.mjs";
import { contactHash, digest, encodeHeader, requestHash, separator } from "./messages.mjs";

const BLOB_BYTES = 131_072;
const TRANSFER = 1;

/** Bytes of an integer without leading zeros; none for 0. */
const minimal = (value) => {
  const digits = BigInt(value).toString(16);
  return BigInt(value) === 0n ? new Uint8Array(0) : big(value, Math.ceil(digits.length / 2));
};

const prefix = (base, length) => {
  if (length < 56) return Uint8Array.of(base + length);
  const counted = minimal(length);
  return concat(Uint8Array.of(base + 55 + counted.length), counted);
};

// The items of RLP.
const string = (data) => (data.length === 1 && data[0] < 0x80 ? data : concat(prefix(0x80, data.length), data));
const list = (...items) => concat(prefix(0xc0, concat(...items).length), ...items);
const uint = (value) => string(minimal(value));
const fixed = (value) => string(bytes(value));

const operation = ({ kind, from, to, target, amount, fee, nonce, signature }) =>
  list(
    uint(kind),
    uint(from),
    kind === TRANSFER ? uint(to) : fixed(target),
    uint(amount),
    uint(fee),
    uint(nonce),
    fixed(signature),
  );

const header = (h) =>
  list(
    uint(h.slot),
    fixed(h.parent),
    fixed(h.stateRoot),
    uint(h.depositsEnd),
    fixed(h.depositsChain),
    uint(h.exitsEnd),
    fixed(h.exitsChain),
    uint(h.feeRecipient),
    uint(h.chunks),
    fixed(h.committeeDigest),
    fixed(h.vote),
    list(...h.blobHashes.map(fixed)),
  );

/** A blob of which `start` is the first bytes; the rest is zero. */
const blob = (start) => {
  const data = new Uint8Array(BLOB_BYTES);
  data.set(bytes(start));
  return string(data);
};

const body = ({ header: h, blobs, signatures }) =>
  list(header(h), list(...blobs.map(blob)), list(...signatures.map(fixed)));

const quote = (q) =>
  list(
    uint(q.slot),
    fixed(q.headerHash),
    uint(q.sequencer),
    fixed(q.prover),
    fixed(q.payee),
    uint(q.bond),
    uint(BigInt.asUintN(128, BigInt(q.price))),
    uint(q.validUntil),
  );

const messages = {
  operations: (given) => ({ bytes: operation(given), gossip: list(operation(given)) }),
  bodies: (given) => {
    const { chainId, rollup } = given.domain;
    const encoded = body(given);
    const headerHash = keccak(encodeHeader(given.header));
    const subject = { slot: given.header.slot, headerHash: hex(headerHash), sequencer: given.sequencer };
    return {
      headerHash,
      size: encoded.length,
      hash: keccak(encoded),
      gossip: list(string(headerHash), uint(encoded.length)),
      request: list(uint(given.sequencer), header(given.header), fixed(given.sequencerSignature)),
      requestDigest: digest(separator(chainId, rollup), requestHash(subject)),
    };
  },
  quotes: (given) => ({
    signed: list(quote(given), fixed(given.proverSignature)),
    accepted: list(quote(given), fixed(given.proverSignature), fixed(given.sequencerSignature)),
  }),
  contacts: (given) => {
    const { prover, peer, expiresAt, signature } = given;
    const { chainId, rollup } = given.domain;
    const addresses = list(...given.addresses.map(fixed));
    return {
      gossip: list(fixed(prover), fixed(peer), addresses, uint(expiresAt), fixed(signature)),
      contactDigest: digest(separator(chainId, rollup), contactHash(given, addresses)),
    };
  },
};

/** What each kind of message is derived into. */
const RESULTS = {
  operations: ["bytes", "gossip"],
  bodies: ["headerHash", "size", "hash", "gossip", "request", "requestDigest"],
  quotes: ["signed", "accepted"],
  contacts: ["gossip", "contactDigest"],
};

export const checks = {
  "messages.json": {
    cases: (vector) =>
      Object.entries(RESULTS).flatMap(([kind, results]) =>
        vector[kind].map((one, i) => ({
          label: `${kind} ${i}`,
          given: { ...one, domain: vector.domain },
          which: kind,
          expected: Object.fromEntries(results.map((key) => [key, one[key]])),
        })),
      ),
    derive: (given, kind) =>
      Object.fromEntries(
        Object.entries(messages[kind](given)).map(([key, value]) => [
          key,
          value instanceof Uint8Array ? hex(value) : value,
        ]),
      ),
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
      ["bodies", 2, "sequencerSignature"],
      ["domain", "rollup"],
      ...["bond", "price", "validUntil", "payee", "proverSignature"].map((key) => ["quotes", 0, key]),
      ...["prover", "peer", "expiresAt", "signature"].map((key) => ["contacts", 0, key]),
      ["contacts", 1, "addresses", 0],
    ],
  },
};
