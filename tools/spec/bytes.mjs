// Bytes, words and hashes: docs/protocol/encodings.md, "Notation".
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";

export const concat = concatBytes;
export const text = utf8ToBytes;

/** Bytes of 0x-hex. */
export const bytes = (hex) => hexToBytes(hex.slice(2));

/** 0x-hex of bytes. */
export const hex = (data) => `0x${bytesToHex(data)}`;

/** The integer that bytes encode, most significant first. */
export const integer = (data) => (data.length === 0 ? 0n : BigInt(hex(data)));

/** An integer in `length` bytes, most significant first. */
export const big = (value, length) => {
  const digits = BigInt(value).toString(16).padStart(2 * length, "0");
  if (digits.length !== 2 * length) throw new Error(`${value} does not fit ${length} bytes`);
  return hexToBytes(digits);
};

/** A word: a number, or 0x-hex of up to 32 bytes (an address, a hash). */
export const word = (value) => big(value, 32);

/** A signed integer in `length` bytes, as two's complement. */
export const signed = (value, length) => {
  const bits = 8 * length;
  if (BigInt.asIntN(bits, BigInt(value)) !== BigInt(value)) throw new Error(`${value} does not fit ${length} bytes`);
  return big(BigInt.asUintN(bits, BigInt(value)), length);
};

/** bytes32("text"). */
export const tag = (label) => {
  const padded = new Uint8Array(32);
  padded.set(text(label));
  return padded;
};

/** abi.encode of static arguments: words, and byte strings of whole words. */
export const encode = (...values) => concat(...values.map((v) => (v instanceof Uint8Array ? v : word(v))));

export const keccak = (data) => keccak_256(data);

/** The upper bits of a hash, `shift` bits less. */
export const upper = (hash, shift) => integer(hash) >> BigInt(shift);
