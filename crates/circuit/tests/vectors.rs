//! The committed vectors are what the code computes, and the committed proofs verify.
#![allow(missing_docs)]

mod cases;

use cases::*;
use fernet_circuit::{BlockProof, CircuitHash, CircuitParams, KnownBlock, VerifyingKey, kzg};
use fernet_ledger::QueuedOperation;
use serde_json::Value;

fn read(name: &str) -> Value {
    let path = directory().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    ::hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn key() -> VerifyingKey {
    VerifyingKey::from_bytes(&bytes(&read("verifying-key")["key"])).unwrap()
}

// rule: J2, J3
#[test]
fn poseidon_is_as_committed() {
    assert_eq!(read("poseidon"), poseidon_cases());
}

// rule: Y1
#[test]
fn operations_are_as_committed() {
    assert_eq!(read("operations"), operation_cases());
}

// rule: Y4, Y5, Z2, Z3, Z4
#[test]
fn challenges_are_as_committed() {
    assert_eq!(read("challenge"), challenge_cases());
}

// rule: J3, J7, J8, J9, J10, J13, J14
#[test]
fn blocks_are_as_committed() {
    assert_eq!(read("blocks"), block_cases());
}

// rule: Z9
#[test]
fn the_verifying_key_is_of_this_circuit() {
    let params = CircuitParams::PRODUCTION;
    let hash = CircuitHash::of(&params).unwrap();
    assert_eq!(read("verifying-key"), key_case(&params, &hash, &key()), "run the example `vectors`");
}

#[test]
fn the_proofs_verify_and_the_statements_are_this_ledgers() {
    let (key, committed) = (key(), read("proofs"));
    for (case, committed) in cases().iter().zip(committed["cases"].as_array().unwrap()) {
        let proof = BlockProof::abi_decode(&bytes(&committed["proof"])).unwrap();
        assert_eq!(*committed, proof_case(case, &proof), "{}", case.name);
        let hashes: Vec<[u8; 32]> = case
            .block
            .blobs()
            .iter()
            .map(|blob| kzg::versioned_hash(&kzg::commitment(blob).unwrap()))
            .collect();
        let queue: Vec<QueuedOperation> = case.block.queued().copied().collect();
        let known = KnownBlock {
            rules: case.block.rules,
            parent_root: case.block.parent_root(),
            state_root: case.block.state_root(),
            chunks: case.block.chunks.len(),
            blob_hashes: &hashes,
            queue: &queue,
        };
        proof.verify(&key, &case.statement, &known).unwrap();
    }
}
