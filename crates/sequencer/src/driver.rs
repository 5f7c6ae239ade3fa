//! Carries out what the machine decides: L1 transactions, messages to peers, blocks, and the journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use alloy::signers::Signer;
use fernet_follower::{Follower, RollupView};
use fernet_l1::{Deployment, L1Block, TxManager};
use fernet_network::{Network, SignedQuote};
use fernet_protocol::{BlsSecretKey, ChainId, L1Slot, RollupId, Slot};
use fernet_roles::{
    ChainSnapshot, ClaimTerms, Role, SidecarCache, Submissions, TxProblem, World, oldest_kept,
};
use tokio::sync::{Mutex, watch};

use crate::error::SequencerError;
use crate::journal::Journal;
use crate::machine::{Effect, Facts, Input, OwnRank, Seed, Sequencer};
use crate::policy::{Context, Decision, Policy};
use crate::report::{Action, ActionKind, SlotStatus, StepReport};
use crate::scoring::Scores;
use crate::settings::Settings;

/// Slots in which this sequencer's place is remembered: the one in turn and the next, with room for reorgs.
const REMEMBERED_RANKS: usize = 8;

/// What a sequencer is connected to.
pub struct Wiring {
    /// The rollup as seen from L1. Several roles of one process may share it.
    pub follower: Arc<Mutex<Follower>>,
    /// Its peers.
    pub network: Arc<dyn Network>,
    /// Sends from the attester's account.
    pub transactions: TxManager,
    /// Sends from the owner's account, if that is another one and claims are wanted.
    pub owner: Option<TxManager>,
    /// The attester's key, which signs quotes.
    pub attester: Arc<dyn Signer + Send + Sync>,
    /// The sequencer's BLS key, which draws its scores where the deployment asks for it.
    pub bls: Option<BlsSecretKey>,
    /// What must survive a restart.
    pub journal: Journal,
    /// The operator's policy.
    pub policy: Policy,
}

impl std::fmt::Debug for Wiring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wiring").field("transactions", &self.transactions).finish_non_exhaustive()
    }
}

/// A sequencer.
pub struct SequencerDriver {
    pub(crate) settings: Settings,
    pub(crate) machine: Sequencer,
    pub(crate) rollup: Address,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) attester: Arc<dyn Signer + Send + Sync>,
    pub(crate) scores: Scores,
    policy: Policy,
    pub(crate) world: World,
    pub(crate) submissions: Submissions<ActionKind>,
    pub(crate) bundles: SidecarCache,
    own_ranks: BTreeMap<RankKey, Option<OwnRank>>,
}

/// What a place depends on.
type RankKey = (Slot, L1Slot, B256);

impl std::fmt::Debug for SequencerDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SequencerDriver")
            .field("strategy", self.machine.strategy())
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

impl SequencerDriver {
    /// A sequencer of `deployment`.
    ///
    /// # Errors
    /// When the settings contradict each other or the deployment.
    pub fn new(deployment: &Deployment, settings: Settings, wiring: Wiring) -> Result<Self, SequencerError> {
        let parameters = *deployment.parameters();
        let managers = std::iter::once(&wiring.transactions).chain(&wiring.owner);
        let senders: Vec<Address> = managers.map(|manager| manager.accounts().plain()).collect();
        settings.check(&senders)?;
        let contracts = deployment.contracts();
        let rollup = RollupId::new(ChainId::new(deployment.chain_id()), contracts.rollup);
        let terms = ClaimTerms {
            rewards: contracts.rewards,
            claim_to: settings.claim_to,
            max_total_fee: settings.max_total_fee,
        };
        let Wiring { follower, network, transactions, owner, attester, bls, journal, policy } = wiring;
        Ok(Self {
            machine: Sequencer::new(settings.strategy, parameters, rollup),
            rollup: rollup.address,
            world: World::new(deployment, follower, &*network, journal, settings.mempool),
            submissions: Submissions::new(transactions, owner, terms),
            bundles: SidecarCache::default(),
            own_ranks: BTreeMap::new(),
            scores: Scores::new(deployment.scoring(), bls)?,
            network,
            attester,
            policy,
            settings,
        })
    }

    /// The decisions so far.
    #[must_use]
    pub const fn machine(&self) -> &Sequencer {
        &self.machine
    }

    /// Operations waiting for a block.
    #[must_use]
    pub fn waiting_operations(&self) -> usize {
        self.world.waiting_operations()
    }

    /// Sends transactions for this sequencer.
    #[must_use]
    pub const fn transactions(&self) -> &TxManager {
        self.submissions.transactions()
    }

    /// Does everything that a new L1 block makes possible. Call it once for each, after a reorg too.
    ///
    /// # Errors
    /// When the follower, the disk or the transaction manager fail in a way that the next block won't mend, or mend by
    /// itself ([`SequencerError::is_retryable`]). What had been begun is taken up again at the next call.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, SequencerError> {
        let mut report = StepReport::default();
        let facts = self.observe(block, &mut report).await?;
        let problems = self.submissions.tick(block, &mut report).await?;
        if let Some(facts) = facts {
            let mut effects = VecDeque::new();
            for (action, problem) in problems {
                if let Some(input) = self.commit_failed(action, &problem)? {
                    effects.extend(self.machine.apply(input));
                }
            }
            effects.extend(self.machine.apply(Input::Block(Box::new(facts.clone()))));
            self.carry_out_all(effects, &facts, &mut report).await?;
            self.forget(facts.next.slot)?;
        }
        Ok(report)
    }

    /// Looks for a new L1 block every `pause` and steps with each, until `stop` says so or its sender is gone.
    /// Troubles that the next block may mend are logged; `watch` sees every step.
    ///
    /// # Errors
    /// As [`Self::step`], but only what can't be retried.
    pub async fn run(
        &mut self,
        pause: Duration,
        stop: watch::Receiver<bool>,
        watch: impl FnMut(&L1Block, StepReport),
    ) -> Result<(), SequencerError> {
        fernet_roles::run(self, pause, stop, watch).await
    }

    /// Follows L1, reads the peers' messages, and gathers what the machine wants to know.
    async fn observe(
        &mut self,
        block: &L1Block,
        report: &mut StepReport,
    ) -> Result<Option<Facts>, SequencerError> {
        // Bodies are for provers.
        let (follower, _) = self.world.follow(block).await?;
        let Some(ChainSnapshot { now, next, rates, tip, state }) = ChainSnapshot::at(&follower) else {
            return Ok(None);
        };
        let view = follower.view();
        let own_rank = self.rank_in(view, next.slot, next.previous_start, next.seed_at);
        let following = view.next_slot(now.plus(1));
        report.slot = Some(SlotStatus {
            slot: next.slot,
            phase: next.phase,
            phase_end: next.phase_end,
            own_rank,
            next_rank: self.rank_in(view, following.slot, following.previous_start, following.seed_at),
        });
        Ok(Some(Facts {
            now,
            state,
            seed: if view.is_seed_known(next.slot, next.seed_at) { Seed::Proven } else { Seed::Unproven },
            own_rank,
            owed: view.owed(self.settings.owner),
            next,
            rates,
            tip,
        }))
    }

    /// This sequencer's rank in a slot, ranked once for each seed.
    fn rank_in(
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
        while self.own_ranks.len() > REMEMBERED_RANKS {
            self.own_ranks.pop_first();
        }
        own_rank
    }

    /// The machine hears of commitments that can't land any more. Their quotes are in the journal.
    fn commit_failed(&self, action: Action, problem: &TxProblem) -> Result<Option<Input>, SequencerError> {
        let (ActionKind::Commit { prover }, TxProblem::Failed(_) | TxProblem::Expired) =
            (action.kind, problem)
        else {
            return Ok(None);
        };
        let quote: Option<SignedQuote> = self.world.journal().get(action.slot, action.header_hash)?;
        let quote = quote.filter(|quote| quote.quote.prover == prover);
        Ok(quote.map(|quote| Input::CommitFailed { slot: action.slot, quote: Box::new(quote) }))
    }

    async fn carry_out_all(
        &mut self,
        mut effects: VecDeque<Effect>,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), SequencerError> {
        while let Some(effect) = effects.pop_front() {
            let context =
                Context { sequencer: self.settings.strategy.sequencer, now: facts.now, next: &facts.next };
            if (self.policy)(&effect, &context) == Decision::Hold {
                report.hold(effect);
                continue;
            }
            match self.carry_out(&effect, facts, report).await {
                Ok(Some(input)) => effects.extend(self.machine.apply(input)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => report.note_retryable(&effect, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Drops what no reorg can bring back.
    fn forget(&mut self, current: Slot) -> Result<(), SequencerError> {
        let oldest = oldest_kept(current);
        self.submissions.forget_before(oldest);
        self.bundles.forget_before(oldest);
        self.world.forget_before(oldest)
    }
}

impl Role for SequencerDriver {
    type Report = StepReport;
    type Error = SequencerError;

    fn follower(&self) -> Arc<Mutex<Follower>> {
        Arc::clone(self.world.follower())
    }

    async fn step(&mut self, block: &L1Block) -> Result<StepReport, SequencerError> {
        self.step(block).await
    }

    fn is_retryable(error: &SequencerError) -> bool {
        error.is_retryable()
    }
}
