//! The driver: observes L1 and the peers, and runs the machine at every L1 block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use alloy::signers::Signer;
use fernet_follower::{Follower, RollupView};
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_network::Network;
use fernet_protocol::{BlsSecretKey, L1Slot, Slot};
use fernet_roles::{
    BlockBuilder, BlockStore, ChainSnapshot, ClaimTerms, PeerInbox, Role, SidecarCache, Submissions,
    carry_out_all, follow, oldest_kept,
};
use tokio::sync::{Mutex, watch};

use crate::error::SequencerError;
use crate::interface::{Effect, Facts, Input, OwnRank, SeedStatus};
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
    pub attester: Arc<dyn Signer + Send + Sync>,
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
    pub(crate) attester: Arc<dyn Signer + Send + Sync>,
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
        self.inbox.mempool().len()
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
        self.submissions.set_head(block);
        if let Some(facts) = self.observe(block).await? {
            // A commitment that failed changes what the machine decides, so transactions come first.
            carry_out_all(self, [Effect::ManageTransactions], &facts).await?;
            let effects = self.machine.apply(Input::Block(Box::new(facts.clone())));
            carry_out_all(self, effects, &facts).await?;
            self.prune(facts.snapshot.next.slot)?;
        }
        Ok(std::mem::take(&mut self.report))
    }

    /// Looks for a new L1 block every `pause`, and makes a step with each, until `stop` becomes true or its
    /// sender is dropped. Retryable errors are logged. `watch` receives the report of every step.
    ///
    /// # Errors
    /// As [`Self::step`], but only with errors that aren't retryable.
    pub async fn run(
        &mut self,
        pause: Duration,
        stop: watch::Receiver<bool>,
        watch: impl FnMut(&L1Block, StepReport),
    ) -> Result<(), SequencerError> {
        fernet_roles::run(self, pause, stop, watch).await
    }

    /// Follows L1, reads the peers' messages, and gathers the facts; `None` before the deployment.
    async fn observe(&mut self, block: &L1Block) -> Result<Option<Facts>, SequencerError> {
        let follower = follow(&self.follower, block).await?;
        // Only provers need the bodies that peers announce.
        self.inbox.receive(&follower, self.store.journal())?;
        let Some(snapshot) = ChainSnapshot::at(&follower) else {
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
        Ok(Some(Facts {
            seed: if is_proven { SeedStatus::Proven } else { SeedStatus::Unproven },
            own_rank,
            owed: view.owed(self.settings.owner),
            snapshot,
        }))
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

    fn is_retryable(error: &SequencerError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &SequencerError) -> bool {
        error.is_of_l1()
    }
}
