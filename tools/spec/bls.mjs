// BLS keys, proofs of possession and VRF scores: docs/protocol/encodings.md, "Score" and "BLS".
import { bls12_381 as bls } from "@noble/curves/bls12-381";

import { big, bytes, concat, encode, hex, integer, keccak, tag, upper } from "./bytes.mjs";
import { all, columns } from "./cases.mjs";

const { G1, G2, fields, pairingBatch } = bls;
const { Fp, Fp2, Fp12 } = fields;

// ---- points as in EIP-2537 ----------------------------------------------------------------------------------------

const COORDINATE = 64;

const readCoordinates = (data, count) => {
  if (data.length !== count * COORDINATE) throw new Error(`expected ${count} coordinates, got ${data.length} bytes`);
  return Array.from({ length: count }, (_, i) => {
    const value = integer(data.slice(i * COORDINATE, (i + 1) * COORDINATE));
    if (value >= Fp.ORDER) throw new Error("coordinate out of range");
    return value;
  });
};

const checked = (point) => {
  point.assertValidity(); // on the curve and in the subgroup
  return point;
};

/** A point of G1; infinity is all zero. */
export const readG1 = (data) => {
  const [x, y] = readCoordinates(data, 2);
  return x === 0n && y === 0n ? G1.ProjectivePoint.ZERO : checked(G1.ProjectivePoint.fromAffine({ x, y }));
};

/** A point of G2; infinity is all zero. */
export const readG2 = (data) => {
  const c = readCoordinates(data, 4);
  if (c.every((part) => part === 0n)) return G2.ProjectivePoint.ZERO;
  const affine = { x: Fp2.fromBigTuple([c[0], c[1]]), y: Fp2.fromBigTuple([c[2], c[3]]) };
  return checked(G2.ProjectivePoint.fromAffine(affine));
};

const writeG2 = (point) => {
  const { x, y } = point.toAffine();
  return concat(...[x.c0, x.c1, y.c0, y.c1].map((part) => big(part, COORDINATE)));
};

/** Whether the product of pairings e(g1, g2) is 1. A pair with infinity counts as 1. */
export const pairingIsOne = (pairs) => {
  const zero = (point) => point.equals(point.constructor.ZERO);
  const proper = pairs.filter(([g1, g2]) => !zero(g1) && !zero(g2)).map(([g1, g2]) => ({ g1, g2 }));
  return Fp12.eql(pairingBatch(proper), Fp12.ONE);
};

// ---- signatures ---------------------------------------------------------------------------------------------------

const POSSESSION_TAG = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const VRF_TAG = "FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

const hashToG2 = (message, dst) => G2.ProjectivePoint.fromAffine(G2.hashToCurve(message, { DST: dst }).toAffine());

/** Whether the bytes are a key and its signature on a message; anything that is no point is refused. */
const verify = (keyBytes, signatureBytes, message, dst) => {
  try {
    const key = readG1(keyBytes);
    if (key.equals(G1.ProjectivePoint.ZERO)) return false;
    const signature = readG2(signatureBytes);
    return pairingIsOne([
      [G1.ProjectivePoint.BASE.negate(), signature],
      [key, hashToG2(message, dst)],
    ]);
  } catch {
    return false;
  }
};

const possessionMessage = ({ chainId, staking, owner, key }) =>
  encode(tag("fernet.pop.v1"), chainId, staking, owner, bytes(key));

const vrfMessage = ({ chainId, rollup, slot, seed, sequencer }) =>
  encode(tag("fernet.vrf.v1"), chainId, rollup, slot, seed, sequencer);

const KEY_BYTES = 128;

// ---- checks -------------------------------------------------------------------------------------------------------

/** The tag of RFC 9380's own vectors. */
const OFFICIAL_TAG = "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";

const hashed = columns(["hashMessage"], ["hashed"], ({ hashMessage }) => ({
  hashed: hex(writeG2(hashToG2(bytes(hashMessage), OFFICIAL_TAG))),
}));
const keys = columns(
  ["chainId", "staking", "owner", "key", "rollup", "slot", "seed", "sequencer", "possession", "scoreProof"],
  ["keyHash", "possessionMessage", "vrfMessage", "score"],
  (given) => {
    const key = bytes(given.key);
    const proof = bytes(given.scoreProof);
    const signature = proof.slice(KEY_BYTES);
    const [possession, vrf] = [possessionMessage(given), vrfMessage(given)];
    if (hex(proof.slice(0, KEY_BYTES)) !== given.key) throw new Error("score proof of another key");
    if (!verify(key, bytes(given.possession), possession, POSSESSION_TAG)) throw new Error("no proof of possession");
    if (!verify(key, signature, vrf, VRF_TAG)) throw new Error("no signature of the VRF's message");
    return {
      keyHash: hex(keccak(key)),
      possessionMessage: hex(possession),
      vrfMessage: hex(vrf),
      score: upper(keccak(concat(tag("fernet.vrf-score.v1"), signature)), 64),
    };
  },
);
keys.corruptible.push(["possession", 0], ["scoreProof", 0], ["key", 0]);

/** Points that are none, each beside a valid other half. */
const refused = {
  cases: (vector) => {
    const pair = (key, proof, label, accepted) => ({
      label,
      given: { key, proof, message: vector.refusedMessage[0] },
      expected: { accepted },
    });
    const [validKey, validProof] = [vector.validKey[0], vector.validProof[0]];
    return [
      pair(validKey, validProof, "valid pair", true),
      ...vector.refusedKey.map((key, i) => pair(key, validProof, `key: ${vector.refusedKeyFor[i]}`, false)),
      ...vector.refusedProof.map((proof, i) => pair(validKey, proof, `proof: ${vector.refusedProofFor[i]}`, false)),
    ];
  },
  derive: ({ key, proof, message }) => ({
    accepted: verify(bytes(key), bytes(proof), bytes(message), POSSESSION_TAG),
  }),
  corruptible: [["validKey", 0], ["validProof", 0], ["refusedMessage", 0]],
};

const tagged = {
  cases: (vector) => [{ label: "tag", given: {}, expected: { dst: vector.dst[0] } }],
  derive: () => ({ dst: OFFICIAL_TAG }),
  corruptible: [["dst", 0]],
};

export const checks = { "bls.json": all(hashed, keys, refused, tagged) };
