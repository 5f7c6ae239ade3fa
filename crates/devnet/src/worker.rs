//! The devnet's proof worker: one for all provers. It tells its progress and can keep proofs in a cache.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Bytes;
use fernet_network::BoxFuture;
use fernet_prover::{JobId, JobStatus, ProofJob, ProofWorker, ProvenBlock};

use crate::view::ProofProgress;

/// A proof worker that hands its jobs to another one.
///
/// With a cache, a proof made once for a statement is used again, in this run or a later one. A statement
/// fixes its proof's bytes, so a cached proof is as good as a new one; L1 checks it all the same.
pub struct SharedWorker {
    inner: Arc<dyn ProofWorker>,
    cache: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Jobs of the inner worker that weren't seen finished yet.
    open: BTreeMap<JobId, OpenJob>,
    /// Answered from the cache.
    cached: BTreeMap<JobId, Arc<ProvenBlock>>,
}

struct OpenJob {
    since: Instant,
    chunks: u32,
}

impl std::fmt::Debug for SharedWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedWorker").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl SharedWorker {
    /// Hands jobs to `inner`, and keeps proofs in the folder `cache`, if any.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn new(inner: Arc<dyn ProofWorker>, cache: Option<PathBuf>) -> std::io::Result<Self> {
        if let Some(folder) = &cache {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Self { inner, cache, state: Mutex::default() })
    }

    /// How far the open proofs are, all together.
    #[must_use]
    pub fn progress(&self) -> Option<ProofProgress> {
        let state = self.lock();
        let mut progress: Option<ProofProgress> = None;
        for (id, open) in &state.open {
            let done = match self.inner.status(*id) {
                Some(JobStatus::Running { done, .. }) => u32::try_from(done).unwrap_or(open.chunks),
                Some(JobStatus::Waiting) => 0,
                _ => continue,
            };
            let elapsed_ms = u64::try_from(open.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            let sum = progress.get_or_insert_default();
            sum.done = sum.done.saturating_add(done);
            sum.total = sum.total.saturating_add(open.chunks);
            sum.elapsed_ms = sum.elapsed_ms.max(elapsed_ms);
        }
        progress
    }

    /// The state is valid whenever the lock is free, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: JobId) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join(format!("{:x}.proof", id.get())))
    }

    /// An unreadable file counts as none.
    fn read(&self, id: JobId) -> Option<Arc<ProvenBlock>> {
        let proof = std::fs::read(self.path(id)?).ok()?;
        Some(Arc::new(ProvenBlock { proof: Bytes::from(proof), elapsed: Duration::ZERO }))
    }

    /// A write that fails is only logged: without the cached proof, the next run takes a few seconds longer.
    fn write(&self, id: JobId, proven: &ProvenBlock) {
        let Some(path) = self.path(id) else { return };
        // Another process may write the same proof: a file under its own name first, then a rename.
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        if let Err(error) =
            std::fs::write(&draft, &proven.proof).and_then(|()| std::fs::rename(&draft, &path))
        {
            tracing::warn!(path = %path.display(), %error, "could not write a proof to the cache");
        }
    }
}

impl ProofWorker for SharedWorker {
    fn start(&self, job: ProofJob) {
        let id = job.id();
        if self.lock().cached.contains_key(&id) {
            return;
        }
        if let Some(proven) = self.read(id) {
            self.lock().cached.insert(id, proven);
            return;
        }
        let chunks = u32::try_from(job.block.chunks.len()).unwrap_or(u32::MAX);
        self.lock().open.entry(id).or_insert_with(|| OpenJob { since: Instant::now(), chunks });
        self.inner.start(job);
    }

    fn status(&self, id: JobId) -> Option<JobStatus> {
        if let Some(proven) = self.lock().cached.get(&id) {
            return Some(JobStatus::Proven(Arc::clone(proven)));
        }
        let status = self.inner.status(id);
        if status.as_ref().is_none_or(JobStatus::is_over)
            && self.lock().open.remove(&id).is_some()
            && let Some(JobStatus::Proven(proven)) = &status
        {
            self.write(id, proven);
        }
        status
    }

    fn forget(&self, id: JobId) {
        let mut state = self.lock();
        state.cached.remove(&id);
        state.open.remove(&id);
        drop(state);
        self.inner.forget(id);
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        self.inner.idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Address, B256};
    use fernet_ledger::{AccountIndex, BlockRules, BlockWitness, Domain, FeeBurn, Fr, Layout};

    /// Proves at once, and counts.
    #[derive(Default)]
    struct Instantly(Mutex<Vec<JobId>>);

    impl ProofWorker for Instantly {
        fn start(&self, job: ProofJob) {
            self.0.lock().unwrap().push(job.id());
        }
        fn status(&self, id: JobId) -> Option<JobStatus> {
            let proven = ProvenBlock { proof: id.get().to_vec().into(), elapsed: Duration::from_secs(4) };
            self.0.lock().unwrap().contains(&id).then(|| JobStatus::Proven(Arc::new(proven)))
        }
        fn forget(&self, id: JobId) {
            self.0.lock().unwrap().retain(|other| *other != id);
        }
        fn idle(&self) -> BoxFuture<'_, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    fn job(number: u8) -> ProofJob {
        let rules = BlockRules {
            domain: Domain::from_element(Fr::from(1u64)),
            layout: Layout::new(8, 8, 512).unwrap(),
            fee_burn: FeeBurn::NONE,
            fee_recipient: AccountIndex::RESERVED,
        };
        ProofJob {
            header_hash: B256::repeat_byte(number),
            deposits_to: B256::ZERO,
            exits_to: B256::ZERO,
            payee: Address::repeat_byte(1),
            block: Arc::new(BlockWitness { rules, chunks: Vec::new() }),
        }
    }

    fn proof(status: Option<JobStatus>) -> Arc<ProvenBlock> {
        match status {
            Some(JobStatus::Proven(proven)) => proven,
            other => panic!("expected a proof, got {other:?}"),
        }
    }

    #[test]
    fn a_statement_is_proven_once() {
        let folder = tempfile::tempdir().unwrap();
        let first =
            SharedWorker::new(Arc::new(Instantly::default()), Some(folder.path().to_owned())).unwrap();
        first.start(job(1));
        let made = proof(first.status(job(1).id()));
        assert_eq!(made.elapsed, Duration::from_secs(4));

        let inner = Arc::new(Instantly::default());
        let second = SharedWorker::new(Arc::clone(&inner) as _, Some(folder.path().to_owned())).unwrap();
        second.start(job(1));
        let kept = proof(second.status(job(1).id()));
        assert_eq!((kept.elapsed, &kept.proof), (Duration::ZERO, &made.proof));
        assert!(inner.0.lock().unwrap().is_empty());
        second.start(job(2));
        assert_eq!(inner.0.lock().unwrap().len(), 1, "another statement needs another proof");
    }

    #[test]
    fn without_a_cache_every_proof_is_made() {
        let inner = Arc::new(Instantly::default());
        let worker = SharedWorker::new(Arc::clone(&inner) as _, None).unwrap();
        worker.start(job(1));
        proof(worker.status(job(1).id()));
        worker.forget(job(1).id());
        assert!(worker.status(job(1).id()).is_none());
        assert_eq!(worker.progress(), None);
    }
}
