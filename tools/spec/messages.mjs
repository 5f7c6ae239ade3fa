// Headers, quotes and what is bound to a deployment:
// docs/protocol/encodings.md, "Header", "Quote" and "Domain of the ledger".
import { secp256k1 } from "@noble/curves/secp256k1";

import { big, concat, encode, hex, keccak, signed, tag, text, upper, word } from "./bytes.mjs";
import { columns } from "./cases.mjs";

// ---- headers ------------------------------------------------------------------------------------------------------

export const encodeHeader = (header) =>
  encode(
    0x20,
    header.slot,
    header.parent,
    header.stateRoot,
    header.depositsEnd,
    header.depositsChain,
    header.exitsEnd,
    header.exitsChain,
    header.feeRecipient,
    header.chunks,
    header.committeeDigest,
    header.vote,
    0x180,
    header.blobHashes.length,
    ...header.blobHashes,
  );

const HEADER = [
  "slot",
  "parent",
  "stateRoot",
  "depositsEnd",
  "depositsChain",
  "exitsEnd",
  "exitsChain",
  "feeRecipient",
  "chunks",
  "committeeDigest",
  "vote",
];

/** Rows of headers.json, whose blob hashes follow one another. */
const headerCases = (vector) => {
  let used = 0;
  return vector.slot.map((_, i) => {
    const given = Object.fromEntries(HEADER.map((key) => [key, vector[key][i]]));
    given.blobHashes = vector.blobHashes.slice(used, used + vector.blobs[i]);
    used += vector.blobs[i];
    const last = i + 1 === vector.slot.length;
    const expected = { encoded: vector.encoded[i], hash: vector.hash[i] };
    if (last) expected.blobs = vector.blobHashes.length;
    return { label: `case ${i}`, given: { ...given, used }, expected };
  });
};

// ---- deployments --------------------------------------------------------------------------------------------------

const genesisHash = (chainId, rollup) => keccak(encode(tag("fernet.genesis.v1"), chainId, rollup));

export const ledgerDomain = (chainId, rollup) =>
  upper(keccak(concat(text("fernet.ledger.v1"), word(chainId), big(rollup, 20))), 3);

const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const QUOTE_TYPE =
  "Quote(uint64 slot,bytes32 headerHash,uint32 sequencer,address prover," +
  "address payee,uint128 bond,int128 price,uint64 validUntil)";

const REQUEST_TYPE = "QuoteRequest(uint64 slot,bytes32 headerHash,uint32 sequencer)";

const CONTACT_TYPE = "ProverContact(address prover,bytes32 peer,bytes addresses,uint64 expiresAt)";

const hashOf = (label) => keccak(text(label));

export const separator = (chainId, rollup) =>
  keccak(encode(hashOf(DOMAIN_TYPE), hashOf("Fernet"), hashOf("1"), chainId, rollup));

// ---- quotes -------------------------------------------------------------------------------------------------------

const structHash = (q) =>
  keccak(
    encode(
      hashOf(QUOTE_TYPE),
      q.slot,
      q.headerHash,
      q.sequencer,
      q.prover,
      q.payee,
      q.bond,
      signed(q.price, 32),
      q.validUntil,
    ),
  );

export const requestHash = ({ slot, headerHash, sequencer }) =>
  keccak(encode(hashOf(REQUEST_TYPE), slot, headerHash, sequencer));

export const contactHash = ({ prover, peer, expiresAt }, addresses) =>
  keccak(encode(hashOf(CONTACT_TYPE), prover, peer, keccak(addresses), expiresAt));

export const digest = (domain, struct) => keccak(concat(Uint8Array.of(0x19, 0x01), domain, struct));

/** r ‖ s ‖ v with a low s and the nonce of RFC 6979. */
const sign = (hash, privateKey) => {
  const signature = secp256k1.sign(hash, big(privateKey, 32), { lowS: true });
  return concat(signature.toCompactRawBytes(), Uint8Array.of(27 + signature.recovery));
};

/** The address of a private key: the last 20 bytes of the hash of its public key. */
const addressOf = (privateKey) =>
  keccak(secp256k1.getPublicKey(big(privateKey, 32), false).slice(1)).slice(12);

const recover = (hash, signature) => {
  const parsed = secp256k1.Signature.fromCompact(signature.slice(0, 64)).addRecoveryBit(signature[64] - 27);
  return keccak(parsed.recoverPublicKey(hash).toRawBytes(false).slice(1)).slice(12);
};

const QUOTE = ["slot", "headerHash", "sequencer", "prover", "payee", "bond", "price", "validUntil"];

export const checks = {
  "headers.json": {
    cases: headerCases,
    derive: ({ used, ...header }) => {
      const encoded = encodeHeader(header);
      return { encoded: hex(encoded), hash: hex(keccak(encoded)), blobs: used };
    },
    corruptible: [["encoded", 0], ["hash", 0], ["blobHashes", 0], ...HEADER.map((key) => [key, 0])],
  },
  "domain.json": columns(["chainId", "rollup"], ["domain", "genesisHash", "separator"], ({ chainId, rollup }) => ({
    domain: ledgerDomain(chainId, rollup),
    genesisHash: hex(genesisHash(chainId, rollup)),
    separator: hex(separator(chainId, rollup)),
  })),
  "quotes.json": columns(
    ["chainId", "rollup", ...QUOTE, "privateKey"],
    ["separator", "structHash", "digest", "signature", "prover"],
    ({ chainId, rollup, privateKey, ...quote }) => {
      const [domain, struct] = [separator(chainId, rollup), structHash(quote)];
      const hash = digest(domain, struct);
      const signature = sign(hash, privateKey);
      if (hex(recover(hash, signature)) !== hex(addressOf(privateKey))) throw new Error("signed by another key");
      return {
        separator: hex(domain),
        structHash: hex(struct),
        digest: hex(hash),
        signature: hex(signature),
        prover: hex(addressOf(privateKey)),
      };
    },
  ),
};

