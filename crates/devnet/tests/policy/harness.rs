//! All roles of a devnet around the recording doubles, stepped by hand.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use alloy::{
    primitives::U256, providers::Provider as _, signers::local::PrivateKeySigner, transports::BoxTransport,
};
use fernet_circuit::Prover;
use fernet_devnet::{
    accounts::{Accounts, RoleCounts},
    backend::{L1Backend, Mining},
    deploy::deploy,
    deployment_file::ReservedFile,
    observer::observer,
    options::{L1Choice, ProofSource, Scoring},
    setup::{self, Setup},
    worker::SharedWorker,
};
use fernet_follower::{Follower, SlotView};
use fernet_l1::{
    Accounts as Senders, BeaconBlobs, BlockIds, Deployment, DeploymentFile, L1Provider, TxConfig, TxManager,
    TxStore, connect_transport,
};
use fernet_network::InProcess;
use fernet_protocol::Slot;
use fernet_prover::{LocalWorker, PriceList, ProofWorker, ProverDriver};
use fernet_roles::{Decision, Journal};
use fernet_sequencer::{CommitmentBy, SequencerDriver};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    common::{cached, keys, root},
    record::{
        Log, Output, Recorder, RecordingNetwork, RecordingSigner, RecordingTransport, RecordingWorker, Role,
    },
};

/// The kind of an effect of either role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Sequencer(fernet_sequencer::EffectKind),
    Prover(fernet_prover::EffectKind),
}

impl Kind {
    /// All kinds of both roles.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let sequencers = fernet_sequencer::EffectKind::ALL.into_iter().map(Self::Sequencer);
        sequencers.chain(fernet_prover::EffectKind::ALL.into_iter().map(Self::Prover))
    }
}

/// A failure that leads a slot to the effects of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Failure {
    #[default]
    None,
    /// No sequencer proposes.
    NoProposal,
    /// The second prover makes no offers, and the first makes no proofs of its commitments.
    NoProof,
}

/// What the policies hold now.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) held: BTreeSet<Kind>,
    pub(crate) failure: Failure,
    /// The kinds that were held since they were taken last, failures not counted.
    pub(crate) seen: BTreeSet<Kind>,
}

impl Rules {
    fn decide(&mut self, kind: Kind, is_failure: bool) -> Decision {
        if self.held.contains(&kind) {
            self.seen.insert(kind);
            return Decision::Hold;
        }
        if is_failure { Decision::Hold } else { Decision::Allow }
    }
}

pub(crate) struct Harness {
    pub(crate) log: Log,
    rules: Arc<Mutex<Rules>>,
    backend: L1Backend,
    deployment: Deployment,
    accounts: Accounts,
    setup: Setup,
    follower: Arc<AsyncMutex<Follower>>,
    worker: Arc<SharedWorker>,
    network: InProcess,
    folder: tempfile::TempDir,
    sequencers: Vec<SequencerDriver>,
    provers: Vec<ProverDriver>,
}

impl Harness {
    /// A devnet on a new chain, at the first slot that has sequencers.
    pub(crate) async fn start(chain_id: u64) -> Self {
        let root = root();
        let accounts = Accounts::new(7, RoleCounts::default()).expect("accounts");
        let (observer, _watch) = observer();
        let backend = L1Backend::start(&L1Choice::Embedded, &root, 0, chain_id, 7, &observer);
        let backend = backend.await.expect("an L1");
        let file = ReservedFile::reserve(&root, chain_id, backend.lifetime()).expect("a deployment file");
        backend.set_mining(Mining::EachTransaction).await.expect("mining");
        deploy(&root, file.path(), &backend, "devnet", Scoring::Public, &accounts.funder, &observer)
            .await
            .expect("contracts");
        backend.set_mining(Mining::Stepwise).await.expect("mining");
        file.mark().expect("a marked file");
        let file = DeploymentFile::read(file.path()).expect("a deployment file");
        let deployment = Deployment::verify(file, backend.provider()).await.expect("a deployment");
        let setup = setup::prepare(&backend, &deployment, &accounts).await.expect("registrations");
        let blobs = BeaconBlobs::new(backend.url().clone(), BlockIds::ExecutionHash).expect("blobs");
        let follower = Follower::new(backend.provider().clone(), &deployment, Arc::new(blobs));
        let local = LocalWorker::new(Arc::new(Prover::new(keys())), 2);
        let ProofSource::Cached(cache) = cached() else { panic!("a folder of proofs") };
        let harness = Self {
            log: Log::default(),
            rules: Arc::default(),
            follower: Arc::new(AsyncMutex::new(follower.expect("a follower"))),
            worker: Arc::new(SharedWorker::new(Arc::new(local), Some(cache)).expect("a worker")),
            network: InProcess::new(),
            folder: tempfile::tempdir().expect("a folder"),
            sequencers: Vec::new(),
            provers: Vec::new(),
            backend,
            deployment,
            accounts,
            setup,
        };
        while !harness.has_sequencers().await {
            harness.advance().await;
        }
        harness
    }

    async fn has_sequencers(&self) -> bool {
        let follower = self.follower.lock().await;
        let Some(head) = follower.view().head() else { return false };
        let slot = follower.view().slot(head.l1_slot.plus(1));
        let mut sequencers = follower.view().sequencers();
        sequencers.any(|(_, record)| record.is_eligible(slot.previous_start, head.l1_slot))
    }

    /// Makes all roles anew from their files, with nothing held while they are made.
    pub(crate) fn restart(&mut self, commitment: CommitmentBy) {
        self.sequencers.clear();
        self.restart_provers();
        for (number, key) in self.accounts.sequencers.iter().enumerate() {
            let sequencer = self.sequencer(number, key, commitment);
            self.sequencers.push(sequencer);
        }
    }

    /// Makes the provers anew from their files. They have lost the bodies that were announced to them.
    pub(crate) fn restart_provers(&mut self) {
        self.provers.clear();
        for (number, key) in self.accounts.provers.iter().enumerate() {
            let prover = self.prover(number, key);
            self.provers.push(prover);
        }
    }

    /// Sets what the policies hold.
    pub(crate) fn hold(&self, held: impl IntoIterator<Item = Kind>, failure: Failure) {
        let mut rules = self.rules.lock().expect("no panic under the lock");
        (rules.held, rules.failure) = (held.into_iter().collect(), failure);
    }

    /// The kinds that were held since the last call.
    pub(crate) fn take_seen(&self) -> BTreeSet<Kind> {
        std::mem::take(&mut self.rules.lock().expect("no panic under the lock").seen)
    }

    /// Mines an L1 block and follows it.
    pub(crate) async fn advance(&self) {
        self.backend.advance().await.expect("an L1 block");
        self.follow().await;
    }

    /// Removes the newest L1 block, and gives its transactions another chance.
    pub(crate) async fn reorg(&self) {
        let options = serde_json::json!({ "dropTransactions": false, "refill": true });
        let provider = self.backend.provider();
        let _: serde_json::Value =
            provider.raw_request("fernet_reorg".into(), ("0x1", options)).await.expect("a reorg");
        self.follow().await;
    }

    async fn follow(&self) {
        let mut follower = self.follower.lock().await;
        while !follower.poll().await.expect("L1").is_empty() {}
    }

    /// The slot in turn in the next L1 slot.
    pub(crate) async fn slot(&self) -> SlotView {
        let follower = self.follower.lock().await;
        follower.view().slot(follower.view().head().expect("a head").l1_slot.plus(1))
    }

    /// Every role acts on the newest L1 block. Returns what they signed and sent.
    pub(crate) async fn act(&mut self) -> BTreeSet<(Role, Output)> {
        let block = self.follower.lock().await.head_block().cloned().expect("a head");
        for prover in &mut self.provers {
            prover.step(&block).await.expect("a prover's step");
        }
        for sequencer in &mut self.sequencers {
            sequencer.step(&block).await.expect("a sequencer's step");
        }
        self.worker.idle().await;
        self.log.take()
    }

    /// Whether the slot has a finalized block.
    pub(crate) async fn is_finalized(&self, slot: Slot) -> bool {
        self.follower.lock().await.view().finalized(slot).is_some()
    }

    fn manager(&self, recorder: &Recorder, name: &str, senders: Senders) -> TxManager {
        let store = TxStore::open(&self.file(name, "transactions")).expect("a store");
        let config = TxConfig::new(self.deployment.chain_id(), self.deployment.clock());
        TxManager::open(self.provider(recorder), senders, store, config).expect("a manager")
    }

    fn provider(&self, recorder: &Recorder) -> L1Provider {
        let inner = self.backend.provider().client().transport().clone();
        connect_transport(BoxTransport::new(RecordingTransport { inner, recorder: recorder.clone() }))
    }

    fn file(&self, role: &str, what: &str) -> PathBuf {
        self.folder.path().join(format!("{role}.{what}.redb"))
    }

    fn recorder(&self, role: Role) -> Recorder {
        Recorder { log: self.log.clone(), role }
    }

    fn recording_network(&self, recorder: &Recorder) -> RecordingNetwork {
        RecordingNetwork {
            inner: self.network.join(),
            rollup: self.deployment.rollup_id(),
            recorder: recorder.clone(),
        }
    }

    fn sequencer(&self, number: usize, key: &PrivateKeySigner, commitment: CommitmentBy) -> SequencerDriver {
        use fernet_sequencer::{Dependencies, EffectKind, Settings, Strategy};
        let recorder = self.recorder(Role::Sequencer(number));
        let signer =
            |key: &PrivateKeySigner| RecordingSigner { key: key.clone(), recorder: recorder.clone() };
        let name = format!("sequencer-{number}");
        let strategy = Strategy {
            claim_from: Some(U256::ONE),
            commitment,
            ..Strategy::new(self.setup.sequencers[number], self.setup.users[number].get())
        };
        let max_chunks = usize::from(self.deployment.parameters().max_chunks);
        let senders =
            Senders::new(signer(key)).with_blob_account(signer(&self.accounts.blob_accounts[number]));
        let rules = Arc::clone(&self.rules);
        let dependencies = Dependencies {
            follower: Arc::clone(&self.follower),
            network: Arc::new(self.recording_network(&recorder)),
            transactions: self.manager(&recorder, &name, senders),
            owner: None,
            attester: Arc::new(signer(key)),
            bls: None,
            journal: Journal::open(&self.file(&name, "journal")).expect("a journal"),
            policy: Box::new(move |effect, _| {
                let mut rules = rules.lock().expect("no panic under the lock");
                let is_failure = rules.failure == Failure::NoProposal && effect.kind() == EffectKind::Propose;
                rules.decide(Kind::Sequencer(effect.kind()), is_failure)
            }),
        };
        let settings = Settings::new(strategy, key.address(), max_chunks);
        SequencerDriver::new(&self.deployment, settings, dependencies).expect("a sequencer")
    }

    fn prover(&self, number: usize, key: &PrivateKeySigner) -> ProverDriver {
        use fernet_prover::{CommittedProver, Dependencies, Effect, ProofPurpose, Settings, Strategy};
        let recorder = self.recorder(Role::Prover(number));
        let signer = RecordingSigner { key: key.clone(), recorder: recorder.clone() };
        let name = format!("prover-{number}");
        let fee_recipient = self.setup.users[0].get();
        let strategy = Strategy {
            claim_from: Some(U256::ONE),
            ..Strategy::new(key.address(), PriceList::DEFAULT, fee_recipient)
        };
        let max_chunks = usize::from(self.deployment.parameters().max_chunks);
        let rules = Arc::clone(&self.rules);
        let dependencies = Dependencies {
            follower: Arc::clone(&self.follower),
            network: Arc::new(self.recording_network(&recorder)),
            transactions: self.manager(&recorder, &name, Senders::new(signer.clone())),
            payee: None,
            signer: Arc::new(signer),
            journal: Journal::open(&self.file(&name, "journal")).expect("a journal"),
            worker: Arc::new(RecordingWorker { inner: Arc::clone(&self.worker) as _, recorder }),
            policy: Box::new(move |effect, _| {
                let mut rules = rules.lock().expect("no panic under the lock");
                let is_failure = rules.failure == Failure::NoProof
                    && match effect {
                        Effect::Offer { .. } => number == 1,
                        Effect::Prove { purpose, .. } => *purpose == ProofPurpose::Commitment,
                        Effect::Finalize { committed, .. } => *committed == CommittedProver::Own,
                        _ => false,
                    };
                rules.decide(Kind::Prover(effect.kind()), is_failure)
            }),
        };
        let settings = Settings::new(strategy, max_chunks);
        ProverDriver::new(&self.deployment, settings, dependencies).expect("a prover")
    }
}
