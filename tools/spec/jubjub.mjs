// Keys and signatures of the ledger: docs/rollup/cryptography.md, "Keys and signatures".
import { integer } from "./bytes.mjs";
import { element, inverse, mod } from "./field.mjs";
import { hash } from "./poseidon.mjs";

const D = 0x2a9318e74bfa2b48f5fd9207e6bd7fd4292d7f6d37579d2601065fd6d6343eb1n;
const SUBGROUP_ORDER = 0x0e7db4ea6533afa906673b0101343b00a6682093ccc81082d0970e5ed6f72cb7n;
const GENERATOR = {
  x: 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122bn,
  y: 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aan,
};
const NEUTRAL = { x: 0n, y: 1n };
const LOW_128 = (1n << 128n) - 1n;

const add = (a, b) => {
  const cross = mod(D * mod(a.x * b.x) * mod(a.y * b.y));
  return {
    x: mod((a.x * b.y + a.y * b.x) * inverse(mod(1n + cross))),
    y: mod((a.y * b.y + a.x * b.x) * inverse(mod(1n - cross))),
  };
};

const negate = ({ x, y }) => ({ x: mod(-x), y });

const times = (scalar, point) => {
  let sum = NEUTRAL;
  for (const bit of scalar.toString(2)) {
    sum = add(sum, sum);
    if (bit === "1") sum = add(sum, point);
  }
  return sum;
};

/** A public key: on the curve, with x other than 0. */
export const isKey = (x, y) => x !== 0n && mod(y * y - x * x - 1n - D * mod(x * x) * mod(y * y)) === 0n;

const inSubgroup = (point) => times(SUBGROUP_ORDER, point).x === 0n && times(SUBGROUP_ORDER, point).y === 1n;

/** Whether 48 bytes are the key's signature of (m, a) in the domain. */
export const verify = ({ domain, x, y, m, a, signature }) => {
  if (signature.length !== 48) return false;
  const challenge = integer(signature.slice(0, 16));
  const response = integer(signature.slice(16));
  const key = { x: element(x), y: element(y) };
  if (response >= SUBGROUP_ORDER || !isKey(key.x, key.y) || !inSubgroup(key)) return false;
  const r = add(times(response, GENERATOR), negate(times(challenge, key)));
  return (hash(element(domain), [r.x, r.y, element(m), element(a)]) & LOW_128) === challenge;
};
