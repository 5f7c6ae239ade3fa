//! Block proofs from L1 or from other provers, verifying keys, and key files.

use std::sync::LazyLock;

use fernet_circuit::verifier::VERIFYING_KEY_BYTES;
use fernet_circuit::{BlockProof, CircuitHash, CircuitParams, ProverKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{Outcome, Target, bounded, refused};

/// `abi.encode(BlockProof)`.
pub const BLOCK_PROOF: Target = Target { name: "block_proof", check: check_proof, seeds: proofs };
/// A verifying key as L1 stores it.
pub const VERIFYING_KEY: Target = Target { name: "verifying_key", check: check_key, seeds: verifying_keys };
/// A key file up to its digest, which the target adds: otherwise no mutated file would get past it.
pub const KEY_FILE: Target = Target { name: "key_file", check: check_file, seeds: key_files };

/// The circuit and the seed of the key file.
const HASH: CircuitHash = CircuitHash([1; 32]);
const SEED: [u8; 32] = [2; 32];
/// Bytes that the reader of a key file may allocate beside the points: the verifying key's.
const KEY_BYTES: usize = 16 * VERIFYING_KEY_BYTES;

/// The vectors that the contracts are tested with.
static PROOFS: LazyLock<serde_json::Value> =
    LazyLock::new(|| vector(include_str!("../../vectors/proofs.json")));
static KEY: LazyLock<serde_json::Value> =
    LazyLock::new(|| vector(include_str!("../../vectors/verifying-key.json")));

fn vector(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("vectors are JSON")
}

fn bytes_of(value: &serde_json::Value) -> Vec<u8> {
    let text = value.as_str().expect("the vector has hexadecimal bytes");
    alloy::hex::decode(text).expect("the vector has hexadecimal bytes")
}

fn check_proof(bytes: &[u8]) -> Outcome {
    match bounded(16 * bytes.len() + 65_536, || BlockProof::abi_decode(bytes)) {
        Ok(proof) => {
            assert_eq!(proof.abi_encode(), bytes);
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn check_key(bytes: &[u8]) -> Outcome {
    match bounded(KEY_BYTES, || VerifyingKey::from_bytes(bytes)) {
        Ok(key) => {
            assert_eq!(key.to_bytes(), bytes);
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn check_file(contents: &[u8]) -> Outcome {
    let digest = Sha256::digest(contents);
    let file = [contents, &digest[..]].concat();
    let read = || ProverKey::read_from(file.as_slice(), &CircuitParams::PRODUCTION, &HASH, &SEED);
    match bounded(4 * file.len() + KEY_BYTES, read) {
        Ok(key) => {
            let mut written = Vec::new();
            key.write_to(&mut written, &SEED).expect("memory takes every byte");
            assert!(written == file, "the key file is written as other bytes");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn proofs() -> Vec<Vec<u8>> {
    let cases = PROOFS["cases"].as_array().expect("the vectors have cases");
    cases.iter().map(|case| bytes_of(&case["proof"])).collect()
}

fn verifying_keys() -> Vec<Vec<u8>> {
    vec![bytes_of(&KEY["key"])]
}

/// Key files with the given number of points in each part.
fn key_files() -> Vec<Vec<u8>> {
    [0, 2].map(key_file).to_vec()
}

fn key_file(points: u32) -> Vec<u8> {
    let key = bytes_of(&KEY["key"]);
    let length = u32::try_from(key.len()).expect("the key is short");
    let mut file = [b"FERNETK\x01".as_slice(), &HASH.0, &SEED, &length.to_le_bytes(), &key].concat();
    for point_bytes in [96, 192, 96] {
        file.extend(points.to_le_bytes());
        file.extend((0..points).flat_map(u32::to_le_bytes));
        file.extend((0..points).flat_map(|_| vec![7_u8; point_bytes]));
    }
    file.extend(points.to_le_bytes());
    file.extend((0..points).flat_map(|_| [8_u8; 96]));
    file
}
