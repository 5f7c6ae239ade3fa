// The scalar field of BLS12-381 and the points of a blob:
// docs/rollup/cryptography.md, "Field" and "Operations and blobs".

export const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
export const BLOB_ELEMENTS = 4096;

const BLOB_BITS = 12;

export const mod = (value, order = ORDER) => ((value % order) + order) % order;

export const power = (base, exponent, order = ORDER) => {
  let result = 1n;
  let square = mod(base, order);
  for (let rest = BigInt(exponent); rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % order;
    square = (square * square) % order;
  }
  return result;
};

/** 1 / value, by Euclid's algorithm. */
export const inverse = (value) => {
  let [a, b, u, v] = [mod(value), ORDER, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, u, v] = [b - quotient * a, a, v - quotient * u, u];
  }
  if (a === 0n) throw new Error("0 has no inverse");
  return mod(u);
};

/** An element: 0x-hex or a number, below the order. */
export const element = (value) => {
  const number = BigInt(value);
  if (number < 0n || number >= ORDER) throw new Error(`${value} is no element`);
  return number;
};

const ROOT = power(7n, (ORDER - 1n) / BigInt(BLOB_ELEMENTS));

const reverse = (value, bits) =>
  Array.from({ length: bits }, (_, i) => ((value >> i) & 1) << (bits - 1 - i)).reduce((sum, bit) => sum | bit, 0);

/** Y4: the point at which a blob's polynomial has the value of its element `i`. */
export const pointOf = (i) => power(ROOT, reverse(i, BLOB_BITS));

/** Y4: factor between the points of the chunk at `position` of a blob and those of the first one. */
export const shiftOf = (position, elements) => pointOf(position * elements);

/** Z3: a chunk's share of its blob's value, at the chunk's own challenge. */
export const shareAt = (z, data) => {
  const sum = data.reduce((total, d, j) => {
    const point = pointOf(j);
    // The points of the first chunk: pointOf(j) for j below the size of a chunk.
    return total + d * point * inverse(mod(z - point));
  }, 0n);
  const vanishing = mod(power(z, BLOB_ELEMENTS) - 1n) * inverse(BigInt(BLOB_ELEMENTS));
  return mod(vanishing * mod(sum));
};
