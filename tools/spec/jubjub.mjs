// Keys and signatures of the ledger: docs/rollup/cryptography.md, "Keys and signatures".
import { sha3_512 } from "@noble/hashes/sha3";

import { big, bytes, concat, integer, text, word } from "./bytes.mjs";
import { element, inverse, mod } from "./field.mjs";
import { hash } from "./poseidon.mjs";

const D = 0x2a9318e74bfa2b48f5fd9207e6bd7fd4292d7f6d37579d2601065fd6d6343eb1n;
const SUBGROUP_ORDER = 0x0e7db4ea6533afa906673b0101343b00a6682093ccc81082d0970e5ed6f72cb7n;
const GENERATOR = {
  x: 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122bn,
  y: 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aan,
};
const LOW_128 = (1n << 128n) - 1n;

// Points are (X : Y : Z) with x = X/Z and y = Y/Z: the sum of the page without an inversion for each addition.
const NEUTRAL = { X: 0n, Y: 1n, Z: 1n };
const projective = ({ x, y }) => ({ X: x, Y: y, Z: 1n });

const affine = ({ X, Y, Z }) => {
  const scale = inverse(Z);
  return { x: mod(X * scale), y: mod(Y * scale) };
};

const add = (a, b) => {
  const z = mod(a.Z * b.Z);
  const [xx, yy, square] = [mod(a.X * b.X), mod(a.Y * b.Y), mod(z * z)];
  const cross = mod(D * mod(xx * yy));
  const [minus, plus] = [mod(square - cross), mod(square + cross)];
  const mixed = mod((a.X + a.Y) * (b.X + b.Y) - xx - yy);
  return { X: mod(z * mod(minus * mixed)), Y: mod(z * mod(plus * mod(yy + xx))), Z: mod(minus * plus) };
};

const times = (scalar, point) => {
  let sum = NEUTRAL;
  for (const bit of scalar.toString(2)) {
    sum = add(sum, sum);
    if (bit === "1") sum = add(sum, projective(point));
  }
  return sum;
};

/** A public key: on the curve, with x other than 0. */
export const isKey = (x, y) => x !== 0n && mod(y * y - x * x - 1n - D * mod(x * x) * mod(y * y)) === 0n;

/** Whether 48 bytes are the key's signature of (m, a) in the domain. */
export const verify = ({ domain, x, y, m, a, signature }) => {
  if (signature.length !== 48) return false;
  const challenge = integer(signature.slice(0, 16));
  const response = integer(signature.slice(16));
  const key = { x: element(x), y: element(y) };
  if (response >= SUBGROUP_ORDER || !isKey(key.x, key.y)) return false;
  const minusKey = { x: mod(-key.x), y: key.y };
  const r = affine(add(times(response, GENERATOR), times(challenge, minusKey)));
  return (hash(element(domain), [r.x, r.y, element(m), element(a)]) & LOW_128) === challenge;
};

/** The public key of a secret, 32 bytes in 0x-hex. */
export const publicKey = (secret) => affine(times(integer(bytes(secret)), GENERATOR));

const item = (data) => concat(big(data.length, 8), data);

/** The signature of (m, a) in the domain, with the nonce that this repository's client derives. */
export const sign = ({ secret, domain, m, a }) => {
  const parts = [text("fernet.ledger.nonce.v1"), bytes(secret), word(domain), word(m), word(a)];
  const k = mod(integer(sha3_512(concat(...parts.map(item)))), SUBGROUP_ORDER);
  const r = affine(times(k, GENERATOR));
  const e = hash(element(domain), [r.x, r.y, element(m), element(a)]) & LOW_128;
  return concat(big(e, 16), big(mod(k + e * integer(bytes(secret)), SUBGROUP_ORDER), 32));
};
