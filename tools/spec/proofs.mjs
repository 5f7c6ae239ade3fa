// Challenges, block proofs and claims:
// docs/rollup/README.md, "Statement" and "Bytes", docs/rollup/cryptography.md, "Proof".
import { bls12_381 as bls } from "@noble/curves/bls12-381";
import { sha256 } from "@noble/hashes/sha2";

import { pairingIsOne, readG1, readG2 } from "./bls.mjs";
import { bytes, concat, encode, hex, integer, keccak, tag, upper, word } from "./bytes.mjs";
import { element, inverse, mod, pointOf, shareAt, shiftOf } from "./field.mjs";
import { isKey } from "./jubjub.mjs";
import { chain, entry, isExit, unpack } from "./ledger.mjs";
import { emptyRoots, sponge } from "./poseidon.mjs";

const { G1, G2 } = bls;
const hex32 = (value) => hex(word(value));

// ---- what is hashed and evaluated ---------------------------------------------------------------------------------

/** Z2. */
const challenge = ({ headerHash, depositsTo, exitsTo, domain, recipients, parentRoot, roots, commitments }) => {
  const chunks = roots.flatMap((root, k) => [root, commitments[k]]);
  const context = [tag("fernet.z.v1"), headerHash, depositsTo, exitsTo, domain, recipients, parentRoot];
  return upper(keccak(encode(...context, ...chunks)), 3);
};

/** Z4: by Horner's rule. */
const binding = (z, context, entries) =>
  [...context, ...entries.flatMap(({ head, x, y }) => [head, x, y])].reduce(
    (value, coefficient) => mod(value * z + BigInt(coefficient)),
    0n,
  );

/** Y5. */
export const recipientsOf = ({ payee, feeRecipient }, feeBurnBps) =>
  BigInt(payee) + (BigInt(feeRecipient) << 160n) + (BigInt(feeBurnBps) << 192n);

/** z as the chunk at `position` of its blob sees it. */
export const challengeOf = (z, position, elements) => mod(z * inverse(shiftOf(position, elements)));

// ---- KZG ----------------------------------------------------------------------------------------------------------

const TAU_G2 =
  "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d" +
  "2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e2" +
  "3926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2";

const compressedG1 = (data) => {
  const point = G1.ProjectivePoint.fromHex(data);
  point.assertValidity();
  return point;
};

/** A multiple of a point; unlike the library's, also by 0. */
const times = (point, scalar) => (scalar === 0n ? point.constructor.ZERO : point.multiply(scalar));

/** Z5: whether a blob of this versioned hash has the value `y` at `z`. */
const opens = ({ versionedHash, commitment, proof, z, y }) => {
  if (hex(concat(Uint8Array.of(1), sha256(commitment).slice(1))) !== versionedHash) return false;
  const left = compressedG1(commitment).subtract(times(G1.ProjectivePoint.BASE, y));
  const right = G2.ProjectivePoint.fromHex(TAU_G2).subtract(times(G2.ProjectivePoint.BASE, z));
  return pairingIsOne([
    [left.negate(), G2.ProjectivePoint.BASE],
    [compressedG1(proof), right],
  ]);
};

// ---- bytes --------------------------------------------------------------------------------------------------------

const WORD = 32;
const CHUNK_WORDS = 16;

/** Z7: the parts of abi.encode(BlockProof). Everything but the canonical form throws. */
export const parseProof = (data, { chunks, blobs, entries }) => {
  const at = (first, count = 1) => data.slice(first * WORD, (first + count) * WORD);
  const openingsAt = 9 + CHUNK_WORDS * chunks;
  const queueAt = openingsAt + 1 + 3 * blobs;
  const expected = [
    [0, 0x20],
    [5, 7 * WORD],
    [6, (openingsAt - 1) * WORD],
    [7, (queueAt - 1) * WORD],
    [8, chunks],
    [openingsAt, blobs],
    [queueAt, entries],
  ];
  for (const [position, value] of expected) {
    if (integer(at(position)) !== BigInt(value)) throw new Error(`word ${position} is not ${value}`);
  }
  if (data.length !== (queueAt + 1 + 3 * entries) * WORD) throw new Error("wrong length");
  return {
    c: readG1(at(1, 4)),
    chunks: Array.from({ length: chunks }, (_, k) => {
      const first = 9 + CHUNK_WORDS * k;
      return {
        words: at(first, CHUNK_WORDS),
        rootAfter: element(hex(at(first))),
        commitment: element(hex(at(first + 1))),
        y: element(hex(at(first + 2))),
        consumed: Number(integer(at(first + 3))),
        a: readG1(at(first + 4, 4)),
        b: readG2(at(first + 8, 8)),
      };
    }),
    openings: Array.from({ length: blobs }, (_, b) => {
      const opening = at(openingsAt + 1 + 3 * b, 3);
      return { commitment: opening.slice(0, 48), proof: opening.slice(48) };
    }),
    queue: Array.from({ length: entries }, (_, i) => {
      const [head, x, y] = [0, 1, 2].map((j) => integer(at(queueAt + 1 + 3 * i + j)));
      return { head, x, y };
    }),
  };
};

/** Z9. */
const parseKey = (data) => {
  let used = 0;
  const next = (length) => data.slice(used, (used += length));
  const g1 = () => readG1(next(128));
  const g2 = () => readG2(next(256));
  const key = { alpha: g1(), beta: g2(), gamma: g2(), delta: g2(), inputs: Array.from({ length: 5 }, g1) };
  if (used !== data.length) throw new Error("wrong length of the key");
  return key;
};

// ---- the whole check ----------------------------------------------------------------------------------------------

/** Z6: weights of the chunks. */
const weightsOf = (z, chunks) => {
  const transcript = keccak(concat(tag("fernet.weights.v1"), word(z), ...chunks.map(({ words }) => words)));
  const others = chunks.slice(1).map((_, i) => upper(keccak(encode(transcript, i + 1)), 128));
  return [mod(1n - others.reduce((sum, w) => sum + w, 0n)), ...others];
};

/** What L1 computes from a statement and its proof, in the order of docs/rollup/cryptography.md. */
const verify = ({ statement, chunksPerBlob, feeBurnBps, proof, key, elements }) => {
  const shape = { chunks: statement.chunks, blobs: statement.blobHashes.length, entries: statement.operations };
  if (shape.blobs !== Math.ceil(shape.chunks / chunksPerBlob)) throw new Error("wrong number of blobs");
  const parsed = parseProof(bytes(proof), shape);
  // Y8: deposits and exits may be mixed in any way, and each kind is in the order of its queue.
  const exits = parsed.queue.filter(isExit);
  const deposits = parsed.queue.filter((one) => !isExit(one));
  const depositsTo = deposits.reduce(chain, statement.depositsFrom);
  const exitsTo = exits.reduce(chain, statement.exitsFrom);

  const recipients = recipientsOf(statement, feeBurnBps);
  const z = challenge({
    ...statement,
    depositsTo,
    exitsTo,
    recipients,
    roots: parsed.chunks.map(({ rootAfter }) => rootAfter),
    commitments: parsed.chunks.map(({ commitment }) => commitment),
  });
  const weights = weightsOf(z, parsed.chunks);

  let root = element(statement.parentRoot);
  let consumed = 0;
  const sums = parsed.openings.map(() => 0n);
  let [x, pairs] = [G1.ProjectivePoint.ZERO, []];
  parsed.chunks.forEach((chunk, k) => {
    const point = challengeOf(z, k % chunksPerBlob, elements);
    const entries = parsed.queue.slice(consumed, consumed + chunk.consumed);
    if (entries.length !== chunk.consumed) throw new Error("chunks consume more than the block");
    const bound = binding(point, [statement.domain, recipients, root, chunk.rootAfter], entries);
    const inputs = [1n, point, chunk.y, chunk.commitment, bound];
    const sum = inputs.reduce((total, input, i) => total.add(times(key.inputs[i], input)), G1.ProjectivePoint.ZERO);
    x = x.add(times(sum, weights[k]));
    pairs.push([times(chunk.a, weights[k]), chunk.b]);
    const blob = Math.floor(k / chunksPerBlob);
    sums[blob] = mod(sums[blob] + chunk.y);
    [root, consumed] = [chunk.rootAfter, consumed + chunk.consumed];
  });
  pairs = [...pairs, [key.alpha.negate(), key.beta], [x.negate(), key.gamma], [parsed.c.negate(), key.delta]];

  return {
    z: hex32(z),
    depositsTo,
    exitsTo,
    stateRoot: hex32(root),
    consumed,
    blobsOpen: parsed.openings.every((opening, b) =>
      opens({ versionedHash: statement.blobHashes[b], ...opening, z, y: sums[b] }),
    ),
    accepted: pairingIsOne(pairs),
    queue: parsed.queue.map(({ head, x: first, y }) => [head, first, y].map(hex32)),
  };
};

/** W4: a withdrawal or forced exit of a finalized block, opened at two elements of its blob. */
const claim = ({ blobHash, withdrawal, target, element: i, ...openings }) => {
  const [operation, { address }] = [unpack(BigInt(withdrawal)), unpack(BigInt(target))];
  const opened = (position, value, proof) =>
    opens({
      versionedHash: blobHash,
      commitment: bytes(openings.commitment),
      proof: bytes(proof),
      z: pointOf(position),
      y: element(value),
    });
  return {
    kind: operation.kind,
    amount: operation.amount,
    to: hex(word(address).slice(12)),
    opened: opened(i, withdrawal, openings.withdrawalOpening) && opened(i + 1, target, openings.targetOpening),
  };
};

// ---- checks -------------------------------------------------------------------------------------------------------

const queueWords = (queue) =>
  queue.map((one) => {
    const exit = one.kind === "exit";
    const { head, x, y } = entry({ ...one, exit });
    if (!exit && !isKey(element(x), element(y))) throw new Error("a deposit's key is not on the curve");
    return [head, x, y].map(hex32);
  });

const ELEMENTS = 8;
const OPERATIONS = 8;
const LEVELS = 16;

const challenges = {
  cases: (vector) => [
    ...vector.challenges.map(({ z, ...given }, i) => ({ label: `challenge ${i}`, given, expected: { z } })),
    ...vector.chunks.map(({ position, ...expected }) => ({
      label: `chunk at ${position}`,
      given: { position, z: vector.z, context: vector.context, data: vector.elements, queue: vector.queue },
      expected: { ...expected, commitment: vector.commitment, queue: vector.queue.map((q) => [q.head, q.x, q.y]) },
    })),
    ...vector.elementPoints.map(({ element: number, point }) => ({
      label: `element ${number}`,
      given: { number },
      expected: { point },
    })),
  ],
  derive: ({ number, position, context, data, queue, ...given }) => {
    if (number !== undefined) return { point: hex32(pointOf(number)) };
    if (position === undefined) return { z: hex32(challenge(given)) };
    const z = challengeOf(element(given.z), position, ELEMENTS);
    const entries = queue.map((one) => entry({ ...one, exit: one.kind === "exit" }));
    return {
      z: hex32(z),
      share: hex32(shareAt(z, data.map(element))),
      binding: hex32(binding(z, context, entries)),
      commitment: hex32(sponge([...context, ...data].map(element))),
      queue: queueWords(queue),
    };
  },
  corruptible: [
    ...["commitments", "roots"].map((key) => ["challenges", 2, key, 1]),
    ...["domain", "headerHash", "parentRoot", "depositsTo", "exitsTo", "recipients", "z"].map((key) => [
      "challenges",
      0,
      key,
    ]),
    ...["binding", "share", "z", "position"].map((key) => ["chunks", 5, key]),
    ["commitment"],
    ["context", 1],
    ["elements", 7],
    ["elementPoints", 3, "point"],
    ["elementPoints", 3, "element"],
    ...["amount", "head", "index", "x", "y"].map((key) => ["queue", 0, key]),
    ["queue", 1, "to"],
    ["z"],
  ],
};

/** Proofs need the verifying key, which is in a file of its own. */
const proofs = (readVector) => {
  const key = parseKey(bytes(readVector("verifying-key.json").key));
  const statementKeys = ["depositsFrom", "exitsFrom", "domain", "headerHash", "parentRoot", "payee", "feeRecipient"];
  return {
    cases: (vector) =>
      vector.cases.flatMap(({ name, statement, queue, withdrawals, withdrawalCount, z, ...given }) => [
        {
          label: name,
          given: { ...given, statement },
          expected: {
            z,
            depositsTo: statement.depositsTo,
            exitsTo: statement.exitsTo,
            stateRoot: statement.stateRoot,
            consumed: statement.operations,
            blobsOpen: true,
            accepted: true,
            queue: queue.map((one) => [one.head, one.x, one.y]),
          },
        },
        {
          label: `${name}: queue`,
          given: { queue, withdrawals: withdrawals.length },
          expected: { queue: queue.map((one) => [one.head, one.x, one.y]), withdrawals: withdrawalCount },
        },
        ...withdrawals.map(({ amount, to, blob, ...claimed }, i) => ({
          label: `${name}: claim ${i}`,
          given: { ...claimed, blobHash: statement.blobHashes[blob] },
          expected: { kind: 2, amount, to, opened: true },
        })),
      ]),
    derive: (given) => {
      if (given.statement) return verify({ ...given, key, elements: ELEMENTS });
      if (given.queue) return { queue: queueWords(given.queue), withdrawals: given.withdrawals };
      return claim(given);
    },
    corruptible: [
      ["cases", 0, "proof"],
      ["cases", 0, "z"],
      ["cases", 0, "feeBurnBps"],
      ["cases", 1, "withdrawalCount"],
      ...statementKeys.map((name) => ["cases", 0, "statement", name]),
      ...["stateRoot", "depositsTo", "exitsTo", "operations", "chunks"].map((name) => ["cases", 0, "statement", name]),
      ["cases", 2, "statement", "blobHashes", 1],
      ["cases", 2, "chunksPerBlob"],
      ...["amount", "head", "index", "x", "y"].map((name) => ["cases", 0, "queue", 0, name]),
      ["cases", 1, "queue", 2, "to"],
      ...["amount", "to", "element", "withdrawal", "target", "commitment", "withdrawalOpening", "targetOpening"].map(
        (name) => ["cases", 0, "withdrawals", 0, name],
      ),
    ],
  };
};

const verifyingKey = {
  cases: (vector) => [
    {
      label: "key",
      given: { key: vector.key },
      expected: {
        points: 9,
        genesisRoot: vector.genesisRoot,
        levels: vector.levels,
        operations: vector.operations,
        elements: vector.elements,
      },
    },
  ],
  derive: (given) => {
    const { alpha, beta, gamma, delta, inputs } = parseKey(bytes(given.key));
    return {
      points: [alpha, beta, gamma, delta, ...inputs].length,
      genesisRoot: hex32(emptyRoots[LEVELS]),
      levels: LEVELS,
      operations: OPERATIONS,
      elements: ELEMENTS,
    };
  },
  corruptible: [["key"], ["genesisRoot"], ["levels"], ["operations"], ["elements"]],
};

export const checks = (readVector) => ({
  "challenge.json": challenges,
  "proofs.json": proofs(readVector),
  "verifying-key.json": verifyingKey,
});
