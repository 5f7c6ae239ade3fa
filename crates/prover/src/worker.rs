//! The proof worker: a trait, so that proofs can be made by other machines, and a worker in this process.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, Keccak256};
use fernet_circuit::{BlockStatement, Prover, ProvingProgress};
use fernet_ledger::{BlockWitness, field};
use fernet_network::BoxFuture;
use tokio::sync::watch;

/// Domain separator of job ids.
const JOB_TAG: &[u8] = b"fernet.proof-job.v1";

/// A block to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofJob {
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Rolling hash of the deposits after the block; zero if it consumes none.
    pub deposits_to: B256,
    /// Rolling hash of the forced exits after the block; zero if it consumes none.
    pub exits_to: B256,
    /// The account that the proof binds rewards to.
    pub payee: Address,
    /// The executed block, with its signatures.
    pub block: Arc<BlockWitness>,
}

/// Identifies a job by everything that its proof states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(B256);

impl JobId {
    /// The id with a known hash.
    pub(crate) const fn new(hash: B256) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub const fn get(self) -> B256 {
        self.0
    }
}

impl std::fmt::Display for JobId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl ProofJob {
    /// The job's id. The proof of a job is valid for every job with the same id: the header fixes the block's
    /// data and roots, and the domain fixes the deployment.
    #[must_use]
    pub fn id(&self) -> JobId {
        let mut hasher = Keccak256::new();
        hasher.update(JOB_TAG);
        hasher.update(self.header_hash);
        hasher.update(self.deposits_to);
        hasher.update(self.exits_to);
        hasher.update(self.payee);
        hasher.update(field::to_bytes(&self.block.rules.domain.element()));
        hasher.update(field::to_bytes(&self.block.parent_root()));
        JobId(hasher.finalize())
    }

    /// The statement that the proof proves.
    #[must_use]
    pub fn statement(&self) -> BlockStatement {
        BlockStatement {
            header_hash: self.header_hash.0,
            deposits_to: self.deposits_to.0,
            exits_to: self.exits_to.0,
            payee: self.payee,
        }
    }
}

/// A proof in the encoding that L1 accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenBlock {
    /// `abi.encode(BlockProof)`.
    pub proof: Bytes,
    /// Wall time of proving, without the time in the queue.
    pub elapsed: Duration,
}

/// The status of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStatus {
    /// The job is in the queue.
    Waiting,
    /// The block is being proven.
    Running {
        /// Number of chunks that are proven.
        done: usize,
        /// Number of chunks of the block.
        total: usize,
    },
    /// The proof is ready.
    Proven(Arc<ProvenBlock>),
    /// The proof failed.
    Failed {
        /// Why it failed.
        reason: String,
    },
}

impl JobStatus {
    /// Whether the job has ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Proven(_) | Self::Failed { .. })
    }
}

/// Makes proofs. Only [`ProofWorker::idle`] waits for them.
pub trait ProofWorker: Send + Sync {
    /// Starts a job. A known job is not started again unless it failed.
    fn start(&self, job: ProofJob);

    /// The status of a job; `None` if it was never started, or was forgotten.
    fn status(&self, id: JobId) -> Option<JobStatus>;

    /// Removes a job that has ended or waits. A running job is not stopped.
    fn forget(&self, id: JobId);

    /// Waits until no job waits or runs.
    fn idle(&self) -> BoxFuture<'_, ()>;
}

/// A worker in this process. It proves one block at a time, in a background thread. The chunks of one block
/// use all cores, so a second block at the same time would only need more memory.
pub struct LocalWorker {
    prover: Arc<Prover>,
    threads: usize,
    shared: Arc<Shared>,
}

struct Shared {
    jobs: Mutex<Jobs>,
    busy: watch::Sender<bool>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<ProofJob>,
    status: BTreeMap<JobId, JobStatus>,
    running: bool,
}

impl Shared {
    /// Ignores poisoning: every change under the lock is one statement.
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: JobId, status: JobStatus) {
        self.lock().status.insert(id, status);
    }

    /// The next job; `None` ends the thread.
    fn next(&self) -> Option<ProofJob> {
        let mut jobs = self.lock();
        let next = jobs.waiting.pop_front();
        if next.is_none() {
            jobs.running = false;
            self.busy.send_replace(false);
        }
        next
    }
}

impl LocalWorker {
    /// A worker that proves up to `threads` chunks at the same time.
    #[must_use]
    pub fn new(prover: Arc<Prover>, threads: usize) -> Self {
        let (busy, _) = watch::channel(false);
        Self { prover, threads: threads.max(1), shared: Arc::new(Shared { jobs: Mutex::default(), busy }) }
    }
}

impl std::fmt::Debug for LocalWorker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let jobs = self.shared.lock();
        formatter
            .debug_struct("LocalWorker")
            .field("threads", &self.threads)
            .field("waiting", &jobs.waiting.len())
            .field("running", &jobs.running)
            .finish_non_exhaustive()
    }
}

fn work(prover: &Prover, threads: usize, shared: &Shared) {
    while let Some(job) = shared.next() {
        let id = job.id();
        let total = job.block.chunks.len();
        shared.set(id, JobStatus::Running { done: 0, total });
        let started = Instant::now();
        let progress = |progress: ProvingProgress| {
            if let ProvingProgress::Chunks { done, total } = progress {
                shared.set(id, JobStatus::Running { done, total });
            }
        };
        // A panic in the prover fails this job only.
        let result = catch_unwind(AssertUnwindSafe(|| {
            prover.prove_block(&job.block, &job.statement(), threads, &progress)
        }));
        let status = match result {
            Ok(Ok(proof)) => {
                let (proof, elapsed) = (proof.abi_encode().into(), started.elapsed());
                tracing::info!(header_hash = %job.header_hash, chunks = total, ?elapsed, "block proven");
                JobStatus::Proven(Arc::new(ProvenBlock { proof, elapsed }))
            }
            Ok(Err(error)) => JobStatus::Failed { reason: error.to_string() },
            Err(_) => JobStatus::Failed { reason: "the prover panicked".to_owned() },
        };
        shared.set(id, status);
    }
}

impl ProofWorker for LocalWorker {
    fn start(&self, job: ProofJob) {
        let mut jobs = self.shared.lock();
        let id = job.id();
        match jobs.status.get(&id) {
            None | Some(JobStatus::Failed { .. }) => {}
            Some(_) => return,
        }
        jobs.status.insert(id, JobStatus::Waiting);
        jobs.waiting.push_back(job);
        if !jobs.running {
            jobs.running = true;
            self.shared.busy.send_replace(true);
            let (prover, threads, shared) =
                (Arc::clone(&self.prover), self.threads, Arc::clone(&self.shared));
            tokio::task::spawn_blocking(move || work(&prover, threads, &shared));
        }
    }

    fn status(&self, id: JobId) -> Option<JobStatus> {
        self.shared.lock().status.get(&id).cloned()
    }

    fn forget(&self, id: JobId) {
        let mut jobs = self.shared.lock();
        if let Some(JobStatus::Running { .. }) = jobs.status.get(&id) {
            return;
        }
        jobs.status.remove(&id);
        jobs.waiting.retain(|job| job.id() != id);
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        let mut busy = self.shared.busy.subscribe();
        Box::pin(async move {
            // The sender exists as long as this worker, so this can't fail.
            let _ = busy.wait_for(|busy| !busy).await;
        })
    }
}
