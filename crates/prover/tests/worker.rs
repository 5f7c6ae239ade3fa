//! The worker of this process, on a small circuit.

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use fernet_circuit::block::KnownBlock;
use fernet_circuit::{BlockProof, CircuitParams, DEVELOPMENT_SEED, Prover, key};
use fernet_ledger::{
    AccountIndex, BlockRules, BlockWitness, Deposit, Domain, FeeBurn, Fr, Lanes, Levels, QueuedOperation,
    SecretKey, State, block,
};
use fernet_prover::{JobStatus, LocalWorker, ProofJob, ProofWorker};

const PARAMS: CircuitParams = CircuitParams { levels: 2, operations: 2, elements: 2 };

fn witness() -> BlockWitness {
    let rules = BlockRules {
        domain: Domain::from_element(Fr::from(7u64)),
        layout: PARAMS.layout(4).unwrap(),
        fee_burn: FeeBurn::NONE,
        fee_recipient: AccountIndex::RESERVED,
    };
    let deposit = |index: u32| {
        let key = SecretKey::from_seed(&index.to_be_bytes()).public_key();
        Deposit { to: AccountIndex::new(index), key, amount: 10 }
    };
    let mut state = State::empty(Levels::new(PARAMS.levels).unwrap());
    let lanes = Lanes { deposits: [1, 2, 3].map(deposit).to_vec(), exits: Vec::new() };
    block::build(&mut state, rules, 2, &lanes, &[]).unwrap().block
}

fn job() -> ProofJob {
    ProofJob {
        header_hash: B256::repeat_byte(1),
        deposits_to: B256::repeat_byte(2),
        exits_to: B256::repeat_byte(5),
        payee: Address::repeat_byte(3),
        block: Arc::new(witness()),
    }
}

/// A job that no proof can be made for: its block was replayed without signatures, and its roots don't chain.
fn impossible() -> ProofJob {
    let mut block = witness();
    block.chunks[0].root_before = Fr::from(1u64);
    ProofJob { block: Arc::new(block), ..job() }
}

#[test]
fn a_jobs_id_depends_on_all_that_is_stated() {
    let id = job().id();
    assert_eq!(id, job().id());
    assert_ne!(id, ProofJob { header_hash: B256::ZERO, ..job() }.id());
    assert_ne!(id, ProofJob { deposits_to: B256::ZERO, ..job() }.id());
    assert_ne!(id, ProofJob { exits_to: B256::ZERO, ..job() }.id());
    assert_ne!(id, ProofJob { payee: Address::ZERO, ..job() }.id());
    assert_ne!(id, impossible().id());
    let mut other = witness();
    other.rules.domain = Domain::from_element(Fr::from(8u64));
    assert_ne!(id, ProofJob { block: Arc::new(other), ..job() }.id());
}

#[tokio::test]
async fn proves_what_it_is_given_and_reports_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let key = key::load_or_generate(folder.path(), &PARAMS, &DEVELOPMENT_SEED, &mut |_| {}).unwrap();
    let key = Arc::new(key);
    let worker = LocalWorker::new(Arc::new(Prover::new(Arc::clone(&key))), 1);
    worker.idle().await;
    assert_eq!(worker.status(job().id()), None);
    worker.start(job());
    worker.start(job());
    worker.start(impossible());
    worker.idle().await;
    let Some(JobStatus::Proven(proven)) = worker.status(job().id()) else {
        panic!("{:?}", worker.status(job().id()));
    };
    let (job, block) = (job(), witness());
    let queue: Vec<QueuedOperation> = block.queued().copied().collect();
    let hashes: Vec<[u8; 32]> = block
        .blobs()
        .iter()
        .map(|blob| fernet_circuit::kzg::versioned_hash(&fernet_circuit::kzg::commitment(blob).unwrap()))
        .collect();
    let known = KnownBlock {
        rules: block.rules,
        parent_root: block.parent_root(),
        state_root: block.state_root(),
        chunks: block.chunks.len(),
        blob_hashes: &hashes,
        queue: &queue,
    };
    let proof = BlockProof::abi_decode(&proven.proof).unwrap();
    proof.verify(key.verifying_key(), &job.statement(), &known).unwrap();
    assert!(matches!(worker.status(impossible().id()), Some(JobStatus::Failed { .. })));
    worker.forget(job.id());
    assert_eq!(worker.status(job.id()), None);
}
