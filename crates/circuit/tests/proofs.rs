//! Keys and proofs of a small circuit: generation, storage and verification, also after any change.
#![allow(missing_docs)]

mod common;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use alloy_primitives::Address;
use ark_bls12_381::{Bls12_381, G1Affine};
use ark_ec::AffineRepr;
use ark_groth16::{Groth16, prepare_verifying_key};
use common::*;
use fernet_circuit::{
    block::VerifyError,
    key::{generate, load_or_generate},
    proof::DecodeError,
    prover::ChunkProofError,
    *,
};
use fernet_ledger::{block::build, *};

/// Directory of the keys of all tests.
fn directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn load(directory: &Path) -> (ProverKey, Vec<SetupProgress>) {
    let mut reports = Vec::new();
    let key =
        load_or_generate(directory, &PARAMS, &DEVELOPMENT_SEED, &mut |report| reports.push(report)).unwrap();
    (key, reports)
}

fn prover() -> &'static Prover {
    static PROVER: OnceLock<Prover> = OnceLock::new();
    PROVER.get_or_init(|| Prover::new(Arc::new(load(directory()).0)))
}

fn statement() -> BlockStatement {
    BlockStatement {
        header_hash: [1; 32],
        deposits_to: [2; 32],
        exits_to: [4; 32],
        payee: Address::repeat_byte(3),
    }
}

fn signed(operation: impl Into<Operation>, signer: u32) -> SignedOperation {
    operation.into().sign(domain(), &secret(signer))
}

fn pay(from: u32, to: u32, amount: u64, nonce: u32) -> SignedOperation {
    signed(Transfer { from: index(from), to: index(to), amount, fee: 1, nonce }, from)
}

/// Four chunks in two blobs: deposits, a forced exit, transfers, a withdrawal, fees.
fn block() -> BlockWitness {
    let layout = PARAMS.layout(2).unwrap();
    let fee_burn = FeeBurn::new(5_000).unwrap();
    let rules = BlockRules { domain: domain(), layout, fee_burn, fee_recipient: index(2) };
    let mut state = State::empty(PARAMS.levels().unwrap());
    let leave = Withdrawal { from: index(2), target: Address::repeat_byte(9), amount: 5, fee: 2, nonce: 0 };
    let candidates = [pay(1, 2, 10, 0), pay(1, 3, 11, 1), signed(leave, 2), pay(3, 1, 3, 0), pay(2, 2, 1, 1)];
    let queue: [QueuedOperation; 6] = [
        deposit(1, 100).into(),
        deposit(2, 50).into(),
        exit(1),
        deposit(3, 7).into(),
        deposit(1, 101).into(),
        deposit(3, 2).into(),
    ];
    let built = build(&mut state, rules, 4, &queue.into_iter().collect(), &candidates).unwrap();
    assert_eq!(built.skipped, []);
    assert_eq!(built.block.chunks.len(), 4);
    built.block
}

fn hashes(proof: &BlockProof) -> Vec<[u8; 32]> {
    proof.openings.iter().map(|opening| kzg::versioned_hash(&opening.commitment)).collect()
}

fn check(proof: &BlockProof, block: &BlockWitness, statement: &BlockStatement) -> Result<(), VerifyError> {
    let queue: Vec<QueuedOperation> = block.queued().copied().collect();
    let known = KnownBlock {
        rules: block.rules,
        parent_root: block.parent_root(),
        state_root: block.state_root(),
        chunks: block.chunks.len(),
        blob_hashes: &hashes(proof),
        queue: &queue,
    };
    proof.verify(prover().key().verifying_key(), statement, &known)
}

fn proven() -> &'static (BlockWitness, BlockProof) {
    static PROVEN: OnceLock<(BlockWitness, BlockProof)> = OnceLock::new();
    PROVEN.get_or_init(|| {
        let block = block();
        let proof = prover().prove_block(&block, &statement(), 2, &|_| ()).unwrap();
        (block, proof)
    })
}

#[test]
fn a_block_is_proven_and_verified() {
    let (block, proof) = proven();
    check(proof, block, &statement()).unwrap();
    let bytes = proof.abi_encode();
    assert_eq!(BlockProof::abi_decode(&bytes).as_ref(), Ok(proof));
    // 8 words of head, 3 lengths, and 16, 3 and 3 words for each chunk, blob and operation of the queue.
    assert_eq!(bytes.len(), 32 * (8 + 3 + 4 * 16 + 2 * 3 + 6 * 3));
}

#[test]
fn proofs_do_not_depend_on_the_number_of_workers() {
    let (block, proof) = proven();
    assert_eq!(&prover().prove_block(block, &statement(), 1, &|_| ()).unwrap(), proof);
}

// rule: Z2
#[test]
fn another_statement_is_refused() {
    let (block, proof) = proven();
    let statements = [
        BlockStatement { header_hash: [0; 32], ..statement() },
        BlockStatement { deposits_to: [0; 32], ..statement() },
        BlockStatement { exits_to: [0; 32], ..statement() },
        BlockStatement { payee: Address::repeat_byte(4), ..statement() },
    ];
    // The challenge changes, and the blob has another value there.
    for other in statements {
        assert!(matches!(check(proof, block, &other), Err(VerifyError::BlobValue(0))));
    }
}

// rule: Z2
#[test]
fn a_changed_block_is_refused() {
    let (block, proof) = proven();
    let queue: Vec<QueuedOperation> = block.queued().copied().collect();
    let hashes = hashes(proof);
    let known = KnownBlock {
        rules: block.rules,
        parent_root: block.parent_root(),
        state_root: block.state_root(),
        chunks: 4,
        blob_hashes: &hashes,
        queue: &queue,
    };
    let check = |known: &KnownBlock<'_>| proof.verify(prover().key().verifying_key(), &statement(), known);
    check(&known).unwrap();
    let one = Fr::from(1u64);
    let changed = KnownBlock { parent_root: known.parent_root + one, ..known.clone() };
    assert!(matches!(check(&changed), Err(VerifyError::BlobValue(0))));
    let changed = KnownBlock { state_root: known.state_root + one, ..known.clone() };
    assert!(matches!(check(&changed), Err(VerifyError::StateRoot)));
    let rules = BlockRules { fee_recipient: index(1), ..block.rules };
    assert!(matches!(check(&KnownBlock { rules, ..known.clone() }), Err(VerifyError::BlobValue(0))));
    let rules = BlockRules { fee_burn: FeeBurn::NONE, ..block.rules };
    assert!(matches!(check(&KnownBlock { rules, ..known.clone() }), Err(VerifyError::BlobValue(0))));
    let other = [hashes[1], hashes[0]];
    let changed = KnownBlock { blob_hashes: &other, ..known.clone() };
    assert!(matches!(check(&changed), Err(VerifyError::BlobHash(0))));
    let changed = KnownBlock { queue: &queue[1..], ..known.clone() };
    assert!(matches!(check(&changed), Err(VerifyError::Queue)));
    let changed = KnownBlock { chunks: 2, ..known.clone() };
    assert!(matches!(check(&changed), Err(VerifyError::Count { .. })));
}

// rule: Y8
#[test]
fn a_chunk_that_consumes_more_than_it_has_room_for_is_refused() {
    let (block, proof) = proven();
    let room = PARAMS.layout(2).unwrap().operations();
    let mut changed = proof.clone();
    changed.chunks[0].consumed = room as u64 + 1;
    let refused = check(&changed, block, &statement()).unwrap_err();
    assert!(matches!(
        refused,
        VerifyError::Count { what: "operations (at most)", expected, actual }
            if (expected, actual) == (room, room + 1)
    ));
}

// rule: Z5, Z6
#[test]
fn a_tampered_proof_is_refused() {
    let (block, proof) = proven();
    let refused = |change: &dyn Fn(&mut BlockProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        check(&changed, block, &statement()).unwrap_err()
    };
    let one = Fr::from(1u64);
    assert!(matches!(refused(&|proof| proof.c = G1Affine::generator()), VerifyError::Pairing));
    assert!(matches!(refused(&|proof| proof.c = G1Affine::identity()), VerifyError::Pairing));
    assert!(matches!(refused(&|proof| proof.chunks[0].pair.0 = G1Affine::generator()), VerifyError::Pairing));
    assert!(matches!(
        refused(&|proof| proof.chunks[1].pair.1 = proof.chunks[2].pair.1),
        VerifyError::Pairing
    ));
    assert!(matches!(refused(&|proof| proof.chunks[0].state_root += one), VerifyError::BlobValue(0)));
    assert!(matches!(refused(&|proof| proof.chunks[0].commitment += one), VerifyError::BlobValue(0)));
    assert!(matches!(refused(&|proof| proof.chunks[0].share += one), VerifyError::BlobValue(0)));
    // The sum doesn't change if a share moves from one chunk to another, so only the proofs are invalid.
    let moved = |proof: &mut BlockProof| {
        proof.chunks[0].share += one;
        proof.chunks[1].share -= one;
    };
    assert!(matches!(refused(&moved), VerifyError::Pairing));
    let shifted = |proof: &mut BlockProof| {
        proof.chunks[0].consumed -= 1;
        proof.chunks[1].consumed += 1;
    };
    assert!(matches!(refused(&shifted), VerifyError::Pairing));
    assert!(matches!(
        refused(&|proof| proof.chunks.swap(0, 1)),
        VerifyError::Pairing | VerifyError::BlobValue(_)
    ));
    assert!(matches!(refused(&|proof| proof.chunks.truncate(2)), VerifyError::Count { .. }));
    assert!(matches!(
        refused(&|proof| proof.openings[0].proof = proof.openings[1].proof),
        VerifyError::BlobValue(0)
    ));
}

// rule: Z7, Z8
#[test]
fn malformed_bytes_are_refused() {
    let (_, proof) = proven();
    let bytes = proof.abi_encode();
    for length in [0, 1, 31, 32, bytes.len() - 1] {
        assert!(BlockProof::abi_decode(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [bytes.as_slice(), &[0; 32]].concat();
    assert_eq!(BlockProof::abi_decode(&longer), Err(DecodeError::NotCanonical));
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        BlockProof::abi_decode(&bytes)
    };
    // C starts after the first word, with 16 zero bytes.
    assert!(matches!(changed(32, 1), Err(DecodeError::Point(_))));
    assert!(matches!(changed(32 + 127, bytes[32 + 127] ^ 1), Err(DecodeError::Point(_))));
    // The first chunk's root follows the head and a length.
    assert!(matches!(changed(32 * 9, 0xff), Err(DecodeError::Field(_))));
}

// rule: J15
#[test]
fn invalid_chunks_have_no_proof() {
    let overdrawn = Attempt::new([transfer(1, 2, 2_000, 0)]).assignment();
    assert!(matches!(prover().prove_chunk(&overdrawn), Err(ChunkProofError::Unsatisfied(_))));
    let mut unsigned = block();
    let mut slots = unsigned.chunks.iter_mut().flat_map(|chunk| &mut chunk.slots);
    slots.find(|slot| slot.signature.is_some()).expect("a signed operation").signature = None;
    let error = prover().prove_block(&unsigned, &statement(), 1, &|_| ()).unwrap_err();
    assert!(matches!(error, ProveError::Assignment { .. }), "{error}");
    let empty = BlockWitness { chunks: Vec::new(), ..block() };
    let error = prover().prove_block(&empty, &statement(), 1, &|_| ()).unwrap_err();
    assert!(matches!(error, ProveError::NoChunks), "{error}");
}

#[test]
fn a_cancelled_proof_ends() {
    struct Impatient;
    impl ProvingObserver for Impatient {
        fn report(&self, _: ProvingProgress) {}
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let error = prover().prove_block(&block(), &statement(), 2, &Impatient).unwrap_err();
    assert!(matches!(error, ProveError::Cancelled), "{error}");
}

#[test]
fn arkworks_makes_and_accepts_the_same_proof() {
    let assignment = Attempt::new([transfer(1, 2, 10, 1)]).assignment();
    let proof = prover().prove_chunk(&assignment).unwrap();
    let key = generate(&PARAMS, &DEVELOPMENT_SEED, &mut |_| ()).unwrap();
    let mut system = System::recording();
    synthesize(&mut system, &PARAMS, &assignment).unwrap();
    let side = |side: usize| -> Vec<Vec<(Fr, usize)>> {
        let terms = |row: &system::Row| row[side].iter().map(|(v, c)| (*c, *v as usize)).collect();
        system.rows().iter().map(terms).collect()
    };
    let matrices = [side(0), side(1), side(2)];
    let zero = Fr::from(0u64);
    let reference = Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
        &key,
        zero,
        zero,
        &matrices,
        system.inputs(),
        system.rows().len(),
        system.assignment(),
    )
    .unwrap();
    assert_eq!((reference.a, reference.b, reference.c), (proof.a, proof.b, proof.c));
    let prepared = prepare_verifying_key(&key.vk);
    let inputs = assignment.inputs.to_array();
    assert!(Groth16::<Bls12_381>::verify_proof(&prepared, &reference, &inputs).unwrap());
    assert!(prover().key().verifying_key().verify(&assignment.inputs, &proof));
    let other = ChunkInputs { share: assignment.inputs.share + Fr::from(1u64), ..assignment.inputs };
    assert!(!prover().key().verifying_key().verify(&other, &proof));
}

#[test]
fn keys_survive_the_disk_and_damage_is_repaired() {
    let temporary = tempfile::tempdir().unwrap();
    let (made, reports) = load(temporary.path());
    let finished = |report: &SetupProgress| match report {
        SetupProgress::Points { done, total } => done == total && *total > 0,
        _ => false,
    };
    assert!(reports.iter().any(finished));
    let (loaded, reports) = load(temporary.path());
    assert_eq!(reports, [SetupProgress::Loading]);
    assert_eq!(made.verifying_key(), loaded.verifying_key());
    let assignment = Attempt::new([transfer(1, 2, 10, 1)]).assignment();
    let proof = Prover::new(Arc::new(loaded)).prove_chunk(&assignment).unwrap();
    assert_eq!(prover().prove_chunk(&assignment).unwrap(), proof);

    let path = key::path(temporary.path(), &made.circuit_hash());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (repaired, reports) = load(temporary.path());
    assert!(reports.contains(&SetupProgress::Writing));
    assert_eq!(repaired.verifying_key(), made.verifying_key());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 2, "only the key and its lock are left");
}

// rule: Z9
#[test]
fn verifying_keys_round_trip() {
    let key = prover().key().verifying_key();
    let bytes = key.to_bytes();
    assert_eq!(VerifyingKey::from_bytes(&bytes).as_ref(), Ok(key));
    assert!(VerifyingKey::from_bytes(&bytes[1..]).is_err());
    let mut off = bytes;
    off[127] ^= 1;
    assert!(VerifyingKey::from_bytes(&off).is_err());
}

#[test]
fn circuits_of_other_sizes_have_other_digests() {
    let base = CircuitHash::of(&PARAMS).unwrap();
    assert_eq!(base, CircuitHash::of(&PARAMS).unwrap());
    for other in [
        CircuitParams { levels: 3, ..PARAMS },
        CircuitParams { operations: 3, ..PARAMS },
        CircuitParams { elements: 8, ..PARAMS },
    ] {
        assert_ne!(base, CircuitHash::of(&other).unwrap());
    }
    assert!(CircuitHash::of(&CircuitParams { levels: 17, ..PARAMS }).is_err());
    assert!(CircuitHash::of(&CircuitParams { elements: 3, ..PARAMS }).is_err());
}
