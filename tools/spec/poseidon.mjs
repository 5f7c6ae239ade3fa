// Poseidon: docs/rollup/cryptography.md, "Poseidon" and "State tree".
import { ORDER, element, inverse, mod } from "./field.mjs";

const WIDTH = 5;
const RATE = 4;
const FULL_ROUNDS = 8;
const PARTIAL_ROUNDS = 60;
const ROUNDS = FULL_ROUNDS + PARTIAL_ROUNDS;
const BITS = 255;

const NODE = 15n;
const LEAF = 16n;
const DATA = 17n;
const LEVELS = 16;

// ---- constants ----------------------------------------------------------------------------------------------------

/** The Grain LFSR in self-shrinking mode: a function that gives the next number. */
const grain = () => {
  const register = [
    [1, 2],
    [0, 4],
    [BITS, 12],
    [WIDTH, 12],
    [FULL_ROUNDS, 10],
    [PARTIAL_ROUNDS, 10],
    [2 ** 30 - 1, 30],
  ].flatMap(([value, width]) => [...value.toString(2).padStart(width, "0")].map(Number));
  const step = () => {
    const bit = [0, 13, 23, 38, 51, 62].reduce((sum, i) => sum ^ register[i], 0);
    register.shift();
    register.push(bit);
    return bit;
  };
  for (let i = 0; i < 160; i += 1) step();
  const bit = () => {
    for (;;) {
      const [keep, value] = [step(), step()];
      if (keep) return value;
    }
  };
  return () => Array.from({ length: BITS }, bit).reduce((number, b) => (number << 1n) | BigInt(b), 0n);
};

const generate = () => {
  const next = grain();
  const below = () => {
    for (;;) {
      const number = next();
      if (number < ORDER) return number;
    }
  };
  const lanes = (make) => Array.from({ length: WIDTH }, make);
  const rounds = Array.from({ length: ROUNDS }, () => lanes(below));
  const [xs, ys] = [lanes(() => mod(next())), lanes(() => mod(next()))];
  return { rounds, matrix: xs.map((x) => ys.map((y) => inverse(mod(x + y)))) };
};

const { rounds, matrix } = generate();

// ---- the permutation and its uses ---------------------------------------------------------------------------------

const fifth = (x) => {
  const square = (x * x) % ORDER;
  return (((square * square) % ORDER) * x) % ORDER;
};

const isFull = (round) => round < FULL_ROUNDS / 2 || round >= FULL_ROUNDS / 2 + PARTIAL_ROUNDS;

export const permute = (state) =>
  rounds.reduce((lanes, constants, round) => {
    const boxed = lanes.map((lane, i) => {
      const sum = (lane + constants[i]) % ORDER;
      return isFull(round) || i === 0 ? fifth(sum) : sum;
    });
    return matrix.map((row) => row.reduce((sum, m, j) => sum + m * boxed[j], 0n) % ORDER);
  }, state);

/** H(capacity, a, b, c, d). */
export const hash = (capacity, inputs) => permute([capacity, ...inputs])[1];

export const node = (children) => hash(NODE, children);

export const leaf = ({ keyX, keyY, balance, nonce }) => hash(LEAF, [keyX, keyY, balance, nonce].map(element));

/** Commitment to elements. */
export const sponge = (elements) => {
  let state = [DATA + (BigInt(elements.length) << 64n), 0n, 0n, 0n, 0n];
  for (let i = 0; i < elements.length; i += RATE) {
    const block = elements.slice(i, i + RATE);
    state = permute(state.map((lane, j) => (j > 0 && j <= block.length ? mod(lane + block[j - 1]) : lane)));
  }
  return state[1];
};

/** Roots of empty trees of 0 to 16 levels. */
export const emptyRoots = Array.from({ length: LEVELS }).reduce(
  (roots) => [...roots, node(Array(RATE).fill(roots.at(-1)))],
  [0n],
);
