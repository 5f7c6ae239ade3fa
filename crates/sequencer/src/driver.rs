//! The driver: observes L1 and the peers, and runs the machine at every L1 block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use fernet_follower::{Follower, RollupView, SlotView};
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_network::Network;
use fernet_protocol::{BlsSecretKey, L1Slot, Slot};
use fernet_roles::{
    BlockBuilder, BlockStore, ChainSnapshot, ClaimTerms, InboxUpdate, Outstanding, PeerInbox, Role, Shutdown,
    SidecarCache, Submissions, carry_out_all, follow, oldest_kept,
};
use fernet_signers::RoleSigner;
use tokio::sync::{Mutex, watch};

use crate::error::SequencerError;
use crate::interface::{Effect, Facts, ForeignBlock, Input, OwnRank, SeedStatus};
use crate::journal::Journal;
use crate::machine::Sequencer;
use crate::policy::Policy;
use crate::report::{ActionKind, SlotStatus, StepReport};
use crate::scoring::Scores;
use crate::settings::Settings;

/// Ranks that are kept: those of the slot in turn and the next one, with room for reorgs.
const KEPT_RANKS: usize = 8;

/// What a sequencer needs from its process.
pub struct Dependencies {
    /// Follows the rollup. Several roles of a process may share it.
    pub follower: Arc<Mutex<Follower>>,
    /// The connection to peers.
    pub network: Arc<dyn Network>,
    /// Sends transactions from the attester's account.
    pub transactions: TxManager,
    /// Sends claims from the owner's account. Needed if rewards are claimed and the owner isn't the attester.
    pub owner: Option<TxManager>,
    /// The attester's key, which signs quotes and requests for them.
    pub attester: Arc<dyn RoleSigner>,
    /// The sequencer's BLS key. Needed under VRF scoring.
    pub bls: Option<BlsSecretKey>,
    /// The sequencer's journal.
    pub journal: Journal,
    /// The operator's policy.
    pub policy: Policy,
}

impl std::fmt::Debug for Dependencies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Dependencies")
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}

/// A sequencer.
pub struct SequencerDriver {
    pub(crate) settings: Settings,
    pub(crate) machine: Sequencer,
    pub(crate) policy: Policy,
    /// Address of the Rollup contract.
    pub(crate) rollup: Address,
    pub(crate) follower: Arc<Mutex<Follower>>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) inbox: PeerInbox,
    pub(crate) store: BlockStore,
    pub(crate) builder: BlockBuilder,
    pub(crate) sidecars: SidecarCache,
    pub(crate) submissions: Submissions<ActionKind>,
    pub(crate) attester: Arc<dyn RoleSigner>,
    pub(crate) scores: Scores,
    own_ranks: BTreeMap<RankKey, Option<OwnRank>>,
    /// The report of the current step.
    pub(crate) report: StepReport,
}

/// What a rank depends on: the slot, the start of the slot before, and the RANDAO mix.
type RankKey = (Slot, L1Slot, B256);

impl std::fmt::Debug for SequencerDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SequencerDriver")
            .field("strategy", self.machine.strategy())
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}

impl SequencerDriver {
    /// A sequencer of `deployment`.
    ///
    /// # Errors
    /// When the settings contradict each other, the deployment or the dependencies.
    pub fn new(
        deployment: &Deployment,
        settings: Settings,
        dependencies: Dependencies,
    ) -> Result<Self, SequencerError> {
        let parameters = *deployment.parameters();
        let managers = std::iter::once(&dependencies.transactions).chain(&dependencies.owner);
        let senders: Vec<Address> = managers.map(|manager| manager.accounts().plain()).collect();
        settings.check(&senders)?;
        let contracts = deployment.contracts();
        let rollup = deployment.rollup_id();
        let terms = ClaimTerms {
            rewards: contracts.rewards,
            claim_to: settings.claim_to,
            max_total_fee: settings.max_total_fee,
            at_stake: settings.at_stake,
        };
        let Dependencies { follower, network, transactions, owner, attester, bls, journal, policy } =
            dependencies;
        Ok(Self {
            machine: Sequencer::new(settings.strategy, parameters, rollup),
            rollup: rollup.address,
            inbox: PeerInbox::new(deployment, &*network, settings.mempool, &journal)?,
            store: BlockStore::new(journal),
            builder: BlockBuilder::new(Arc::clone(&follower), settings.template()),
            sidecars: SidecarCache::default(),
            submissions: Submissions::new(transactions, owner, terms),
            scores: Scores::new(deployment.scoring(), bls)?,
            own_ranks: BTreeMap::new(),
            report: StepReport::default(),
            follower,
            network,
            attester,
            policy,
            settings,
        })
    }

    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &Sequencer {
        &self.machine
    }

    /// Number of operations that wait for a block.
    #[must_use]
    pub fn waiting_operations(&self) -> usize {
        self.inbox.len()
    }

    /// The manager of the attester's transactions.
    #[must_use]
    pub const fn transactions(&self) -> &TxManager {
        self.submissions.transactions()
    }

    /// Does everything that a new L1 block makes possible. Call it once for each new block, also after a
    /// reorg.
    ///
    /// # Errors
    /// When the follower, the journal, or the transaction manager fails. After a retryable error
    /// ([`SequencerError::is_retryable`]) the next call goes on with what was begun.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, SequencerError> {
        let began = Instant::now();
        self.submissions.set_head(block);
        if let Some(facts) = self.observe(block).await? {
            // A commitment that failed changes what the machine decides, so transactions come first.
            carry_out_all(self, [Effect::ManageTransactions], &facts).await?;
            let effects = self.machine.apply(Input::Block(Box::new(facts.clone())));
            self.report.decided_after.get_or_insert(began.elapsed());
            carry_out_all(self, effects, &facts).await?;
            self.prune(facts.snapshot.next.slot)?;
        }
        self.report.open = self.submissions.open();
        self.report.waiting_operations = self.waiting_operations();
        self.report.took = began.elapsed();
        Ok(std::mem::take(&mut self.report))
    }

    /// Looks for a new L1 block every `pause`, and makes a step with each, until `shutdown` ends it
    /// ([`fernet_roles::run`]). Retryable errors are logged. `watch` receives the report of every step.
    ///
    /// # Errors
    /// As [`Self::step`], but only with errors that aren't retryable.
    pub async fn run(
        &mut self,
        pause: Duration,
        shutdown: watch::Receiver<Shutdown>,
        watch: impl FnMut(&L1Block, &Follower, StepReport),
    ) -> Result<(), SequencerError> {
        fernet_roles::run(self, pause, shutdown, watch).await
    }

    /// Follows L1, reads the peers' messages, and gathers the facts; `None` before the deployment.
    async fn observe(&mut self, block: &L1Block) -> Result<Option<Facts>, SequencerError> {
        let follower = follow(&self.follower, block).await?;
        // Only provers need the bodies that peers announce.
        let update = InboxUpdate::of(&follower);
        let facts = self.facts(&follower)?;
        drop(follower);
        self.inbox.receive(update, self.store.journal()).await?;
        Ok(facts)
    }

    /// Gathers the facts; `None` before the deployment.
    fn facts(&mut self, follower: &Follower) -> Result<Option<Facts>, SequencerError> {
        let Some(snapshot) = ChainSnapshot::at(follower) else {
            return Ok(None);
        };
        let view = follower.view();
        let next = &snapshot.next;
        let own_rank = self.own_rank(view, next.slot, next.previous_start, next.seed_at);
        let following = view.next_slot(snapshot.next_l1_slot());
        self.report.slot = Some(SlotStatus {
            slot: next.slot,
            phase: next.phase,
            phase_end: next.phase_end,
            own_rank,
            next_rank: self.own_rank(view, following.slot, following.previous_start, following.seed_at),
        });
        let is_proven = view.is_seed_known(next.slot, next.seed_at);
        let foreign = self.foreign(view, next)?;
        Ok(Some(Facts {
            seed: if is_proven { SeedStatus::Proven } else { SeedStatus::Unproven },
            own_rank,
            owed: view.owed(self.settings.owner),
            foreign,
            snapshot,
        }))
    }

    /// The newest block of this sequencer on L1 that isn't in the journal, of the slots that it keeps.
    fn foreign(&self, view: &RollupView, next: &SlotView) -> Result<Option<ForeignBlock>, SequencerError> {
        let own = self.settings.strategy.sequencer;
        let candidates = next.candidates.iter().map(|candidate| (next.slot, candidate));
        let oldest = oldest_kept(next.slot);
        let finalized = view.finalized_blocks().iter().rev().take_while(|block| block.header.slot >= oldest);
        let finalized = finalized.filter_map(|block| Some((block.header.slot, block.candidate.as_ref()?)));
        for (slot, candidate) in candidates.chain(finalized).filter(|(_, it)| it.sequencer == own) {
            let header_hash = candidate.header_hash;
            if !self.store.is_own(slot, header_hash)? {
                return Ok(Some(ForeignBlock { slot, header_hash }));
            }
        }
        Ok(None)
    }

    /// This sequencer's rank in a slot. It is computed once for each seed.
    fn own_rank(
        &mut self,
        view: &RollupView,
        slot: Slot,
        previous_start: L1Slot,
        seed_at: L1Slot,
    ) -> Option<OwnRank> {
        let key = (slot, previous_start, view.mix(seed_at)?);
        let own = self.settings.strategy.sequencer;
        let scores = &self.scores;
        let own_rank =
            *self.own_ranks.entry(key).or_insert_with(|| scores.rank(view, own, slot, previous_start));
        while self.own_ranks.len() > KEPT_RANKS {
            self.own_ranks.pop_first();
        }
        own_rank
    }

    /// Removes what no L1 reorg can bring back.
    fn prune(&mut self, current: Slot) -> Result<(), SequencerError> {
        let oldest = oldest_kept(current);
        self.submissions.prune_before(oldest);
        self.sidecars.prune_before(oldest);
        self.store.prune_before(oldest)
    }
}

impl Role for SequencerDriver {
    type Report = StepReport;
    type Error = SequencerError;

    fn follower(&self) -> Arc<Mutex<Follower>> {
        Arc::clone(&self.follower)
    }

    async fn step(&mut self, block: &L1Block) -> Result<StepReport, SequencerError> {
        self.step(block).await
    }

    async fn close_windows(&mut self, now: L1Slot) -> Result<(), SequencerError> {
        self.submissions.close_windows(now).await
    }

    async fn finish(&mut self) {
        // Without a new L1 block the machine emits nothing that can't wait for it.
        let _ = self.machine.apply(Input::Finish);
    }

    async fn outstanding(&mut self) -> Vec<Outstanding> {
        self.machine.outstanding().into_iter().chain(self.submissions.outstanding()).collect()
    }

    fn is_retryable(error: &SequencerError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &SequencerError) -> bool {
        error.is_of_l1()
    }
}
