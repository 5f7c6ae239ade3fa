// The ledger's data: docs/rollup/README.md, "Ledger", "Data" and "L1's queues".
import { bytes, concat, hex, keccak, word } from "./bytes.mjs";
import { columns } from "./cases.mjs";
import { element } from "./field.mjs";
import { verify } from "./jubjub.mjs";
import { ledgerDomain } from "./messages.mjs";
import { emptyRoots, leaf, node, permute, sponge } from "./poseidon.mjs";

const hex32 = (value) => hex(word(value));

// ---- operations ---------------------------------------------------------------------------------------------------

const TRANSFER = 1n;
const WITHDRAWAL = 2n;
const DEPOSIT = 3n;
const TARGET = 4n;

const MAX_32 = 2n ** 32n - 1n;
const MAX_64 = 2n ** 64n - 1n;

const pack = ({ kind, from = 0n, to = 0n, amount = 0n, fee = 0n }) =>
  from + (to << 32n) + (amount << 64n) + (fee << 128n) + (kind << 160n);

const packTarget = (address) => BigInt(address) + (TARGET << 160n);

/** Y1: what an element says. Anything else throws. */
export const unpack = (value) => {
  const field = (from, bits) => (value >> from) & ((1n << bits) - 1n);
  const kind = value >> 160n;
  if (kind === TARGET) {
    const address = field(0n, 160n);
    if (address === 0n) throw new Error("target is the zero address");
    return { kind, address };
  }
  const operation = { kind, from: field(0n, 32n), to: field(32n, 32n), amount: field(64n, 64n), fee: field(128n, 32n) };
  const { from, to, fee } = operation;
  const wellFormed = {
    0: value === 0n,
    1: true,
    2: to === 0n || (to === 1n && fee === 0n),
    3: from === 0n && to !== 0n && fee === 0n,
  };
  if (!wellFormed[kind]) throw new Error(`${hex(word(value))} is no operation`);
  return operation;
};

/** What the names of operations.json stand for. */
const NAMED = {
  padding: 0n,
  transfer: pack({ kind: TRANSFER, from: 1n, to: 2n, amount: 3n, fee: 4n }),
  "largest transfer": pack({ kind: TRANSFER, from: MAX_32, to: MAX_32, amount: MAX_64, fee: MAX_32 }),
  withdrawal: pack({ kind: WITHDRAWAL, from: 1n, amount: 3n, fee: 4n }),
  "forced exit": pack({ kind: WITHDRAWAL, from: 1n, to: 1n, amount: 3n }),
  deposit: pack({ kind: DEPOSIT, to: 2n, amount: 3n }),
  target: packTarget("0x0102030405060708090a0b0c0d0e0f1011121314"),
};

const NONCE_BITS = 168n;

const operations = {
  cases: (vector) => [
    {
      label: "domain",
      given: { chainId: vector.chainId, rollup: vector.rollup },
      expected: { domain: vector.domain },
    },
    ...vector.slots.map(({ name, kind, element: packed }) => ({
      label: name,
      given: { name },
      expected: { kind, element: packed },
    })),
    ...vector.signed.map((signed, i) => ({
      label: `signed operation ${i}`,
      given: { ...signed, domain: vector.domain },
      expected: { valid: true, wellFormed: true },
    })),
  ],
  derive: (given) => {
    if (given.rollup !== undefined) return { domain: hex32(ledgerDomain(given.chainId, given.rollup)) };
    if (given.name !== undefined) {
      const value = NAMED[given.name];
      return { kind: unpack(value).kind, element: hex(word(value)) };
    }
    const { domain, keyX: x, keyY: y, operation: m, target: a } = given;
    const { kind } = unpack(BigInt(m) & ((1n << NONCE_BITS) - 1n));
    return {
      valid: verify({ domain, x, y, m, a, signature: bytes(given.signature) }),
      wellFormed: kind === (BigInt(a) === 0n ? TRANSFER : WITHDRAWAL),
    };
  },
  corruptible: [
    ["domain"],
    ["rollup"],
    ["chainId"],
    ["slots", 1, "element"],
    ["slots", 1, "kind"],
    ...["keyX", "keyY", "operation", "signature", "target"].map((key) => ["signed", 1, key]),
  ],
};

// ---- L1's queues --------------------------------------------------------------------------------------------------

/** Y6: an entry's three words. `x` and `y` are a deposit's key. */
export const entry = ({ exit, index, amount, to, x, y }) =>
  exit
    ? { head: BigInt(index) + (1n << 96n), x: BigInt(to), y: 0n }
    : { head: BigInt(index) + (BigInt(amount) << 32n), x: BigInt(x), y: BigInt(y) };

/** Whether an operation is a forced exit, whose head has bit 96. */
export const isExit = ({ head }) => BigInt(head) >> 96n !== 0n;

/** Y7. */
export const chain = (before, { head, x, y }) => hex(keccak(concat(bytes(before), word(head), word(x), word(y))));

export const EMPTY_CHAIN = hex(word(0));

const queue = columns(["exit", "index", "amount", "to", "x", "y", "before"], ["head", "x", "y", "chain"], (given) => {
  const words = entry({ ...given, exit: given.exit === 1 });
  return { ...words, chain: chain(given.before, words) };
});

/** The hash of each operation's own lane before it. */
const chained = (vector) => {
  const chains = [EMPTY_CHAIN, EMPTY_CHAIN];
  const before = vector.exit.map((lane, i) => {
    const last = chains[lane];
    chains[lane] = vector.chain[i];
    return last;
  });
  return { ...vector, before };
};

// ---- hashes -------------------------------------------------------------------------------------------------------

const poseidon = {
  cases: (vector) => [
    {
      label: "instance",
      given: { empty: true },
      expected: { instance: vector.instance, emptyRoots: vector.emptyRoots },
    },
    { label: "permutation", given: { permuted: vector.permutation.input }, expected: vector.permutation },
    { label: "node", given: { children: vector.node.input }, expected: vector.node },
    { label: "leaf", given: vector.leaf, expected: { output: vector.leaf.output } },
    ...vector.sponge.map(({ input: absorbed, output }) => ({
      label: `sponge of ${absorbed.length}`,
      given: { absorbed },
      expected: { output },
    })),
  ],
  derive: ({ empty, permuted, children, absorbed, ...account }) => {
    if (empty) return { instance: "poseidonperm_x5_255_5", emptyRoots: emptyRoots.map(hex32) };
    if (permuted) return { input: permuted, output: permute(permuted.map(element)).map(hex32) };
    if (children) return { input: children, output: hex32(node(children.map(element))) };
    if (absorbed) return { output: hex32(sponge(absorbed.map(element))) };
    return { output: hex32(leaf(account)) };
  },
  corruptible: [
    ["instance"],
    ["emptyRoots", 16],
    ["permutation", "input", 2],
    ["permutation", "output", 4],
    ["node", "input", 3],
    ["node", "output"],
    ...["keyX", "keyY", "balance", "nonce", "output"].map((key) => ["leaf", key]),
    ["sponge", 8, "input", 7],
    ["sponge", 8, "output"],
  ],
};

export const checks = {
  "operations.json": operations,
  "queue.json": { ...queue, cases: (vector) => queue.cases(chained(vector)) },
  "poseidon.json": poseidon,
};

