// Whole blocks, executed from their data: their roots and commitments, and what the proofs of proofs.json say of them.
import { bytes, hex, word } from "./bytes.mjs";
import { element, shareAt } from "./field.mjs";
import { sponge } from "./poseidon.mjs";
import { challengeOf, parseProof, recipientsOf } from "./proofs.mjs";
import { State } from "./state.mjs";

const ELEMENTS = 8;
const hex32 = (value) => hex(word(value));

/** What a block's proof says: the roots, commitments and shares of its chunks. */
const proven = ({ proof, statement, queue, z, chunksPerBlob, feeBurnBps }) => {
  const shape = { chunks: statement.chunks, blobs: statement.blobHashes.length, entries: statement.operations };
  const { chunks } = parseProof(bytes(proof), shape);
  return {
    given: {
      z,
      chunksPerBlob,
      feeBurnBps,
      feeRecipient: statement.feeRecipient,
      domain: statement.domain,
      recipients: hex32(recipientsOf(statement, feeBurnBps)),
      queue,
    },
    expected: {
      parentRoot: statement.parentRoot,
      stateRoot: statement.stateRoot,
      shares: chunks.map(({ y }) => hex32(y)),
      roots: chunks.map(({ rootAfter }) => hex32(rootAfter)),
      commitments: chunks.map(({ commitment }) => hex32(commitment)),
      consumed: chunks.map(({ consumed }) => consumed),
    },
  };
};

const execute = ({ name, accounts, queue, chunks, ...rules }) => {
  const state = new State(accounts, rules);
  const entries = [...queue];
  const parentRoot = state.root();
  let root = parentRoot;
  const result = { parentRoot: hex32(parentRoot), roots: [], commitments: [], shares: [], consumed: [] };
  chunks.forEach((elements, k) => {
    const before = root;
    const left = entries.length;
    state.execute(elements, entries);
    root = state.root();
    const data = elements.map(element);
    result.roots.push(hex32(root));
    result.commitments.push(hex32(sponge([element(rules.domain), BigInt(rules.recipients), before, root, ...data])));
    result.shares.push(hex32(shareAt(challengeOf(element(rules.z), k % rules.chunksPerBlob, ELEMENTS), data)));
    result.consumed.push(left - entries.length);
  });
  const { signatures } = state;
  return { ...result, name, stateRoot: hex32(root), after: state.list(), left: entries.length, signatures };
};

export const checks = (readVector) => {
  const proofs = readVector("proofs.json").cases;
  return {
    "blocks.json": {
      cases: (vector) =>
        vector.cases.map(({ name, before, secrets, chunks, signatures, after }, i) => {
          const { given, expected } = proven(proofs[i]);
          return {
            label: name,
            given: { ...given, name, accounts: before, secrets, chunks },
            expected: { ...expected, name: proofs[i].name, signatures, after, left: 0 },
          };
        }),
      derive: execute,
      corruptible: [
        ["cases", 0, "name"],
        ...["index", "keyX", "balance", "nonce"].map((key) => ["cases", 1, "before", 1, key]),
        ...["index", "keyX", "keyY", "balance", "nonce"].map((key) => ["cases", 1, "after", 1, key]),
        ["cases", 0, "secrets", 1, "secret"],
        ["cases", 0, "signatures", 1],
        ["cases", 1, "chunks", 1, 2],
      ],
    },
  };
};
