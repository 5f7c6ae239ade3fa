//! Carries out what the machine decides: L1 transactions, messages to peers, blocks, and the journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use alloy::eips::eip4844::Blob;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::Signer;
use alloy::sol_types::SolCall;
use fernet_bindings::{IRewards, IRollup};
use fernet_follower::{Follower, FollowerError, Ledger, RollupView, ledger_operation};
use fernet_l1::{
    BlobBundle, Deployment, Intent, IntentKey, L1Block, TickReport, TxError, TxManager, TxStatus,
    WhenReverting, versioned_hash,
};
use fernet_ledger::{AccountIndex, Domain, L1Address, L1Operation, Mempool, State, block};
use fernet_network::{AcceptedQuote, BlockBody, Frame, Gossip, Inbox, Network, QuoteRequest, SignedQuote};
use fernet_protocol::{ChainId, QueueRange, L1Slot, RollupId, Slot};
use tokio::sync::{Mutex, watch};

use crate::bundles::{Bundles, masks};
use crate::error::SequencerError;
use crate::journal::{Journal, Replacement};
use crate::machine::{Effect, Facts, Input, ParentState, Place, Prepared, Seed, Sequencer};
use crate::policy::{Context, Decision, Policy};
use crate::report::{Action, ActionKind, Built, Standpoint, StepReport};
use crate::settings::Settings;

/// Times that a transaction is sent anew after L1 reverted it. Each costs gas; what fails three times is not a race lost.
const MAX_ATTEMPTS: u32 = 3;

/// Slots in which this sequencer's place is remembered: the one in turn and the next, with room for reorgs.
const REMEMBERED_PLACES: usize = 8;

/// Slots for which blocks and quotes stay in the journal: more than an L1 reorg can undo.
const JOURNAL_SLOTS: u64 = 16;

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
    settings: Settings,
    machine: Sequencer,
    rollup: Address,
    rewards: Address,
    wiring: Wiring,
    inbox: Box<dyn Inbox>,
    mempool: Mempool,
    /// Blocks of this process, by header hash, so that the disk is read only after a restart.
    bodies: BTreeMap<B256, BlockBody>,
    bundles: Bundles,
    actions: BTreeMap<IntentKey, (Action, Option<Box<SignedQuote>>)>,
    claims: u64,
    places: BTreeMap<PlaceKey, Option<Place>>,
}

/// What a place depends on.
type PlaceKey = (Slot, L1Slot, B256);

/// What a transaction needs besides its action.
struct Draft {
    to: Address,
    calldata: Bytes,
    blobs: Option<BlobBundle>,
    until: L1Slot,
    when_reverting: WhenReverting,
}

impl std::fmt::Debug for SequencerDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SequencerDriver")
            .field("conduct", self.machine.conduct())
            .field("mempool", &self.mempool.len())
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
        let inbox = wiring.network.subscribe();
        let rollup = RollupId::new(ChainId::new(deployment.chain_id()), deployment.contracts().rollup);
        let domain = Domain::new(rollup.chain_id.get(), L1Address(rollup.address.into_array()));
        Ok(Self {
            machine: Sequencer::new(settings.conduct, parameters, rollup),
            rollup: rollup.address,
            rewards: deployment.contracts().rewards,
            inbox,
            mempool: Mempool::new(domain, settings.mempool),
            bodies: BTreeMap::new(),
            bundles: Bundles::default(),
            actions: BTreeMap::new(),
            claims: 0,
            places: BTreeMap::new(),
            settings,
            wiring,
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
        self.mempool.len()
    }

    /// Sends transactions for this sequencer.
    #[must_use]
    pub const fn transactions(&self) -> &TxManager {
        &self.wiring.transactions
    }

    /// Does everything that a new L1 block makes possible. Call it once for each, after a reorg too.
    ///
    /// # Errors
    /// When the follower, the disk or the transaction manager fail in a way that the next block won't mend, or mend by
    /// itself ([`SequencerError::is_retryable`]). What had been begun is taken up again at the next call.
    pub async fn step(&mut self, block: &L1Block) -> Result<StepReport, SequencerError> {
        let mut report = StepReport::default();
        let facts = self.observe(block, &mut report).await?;
        let mut inputs = self.tick(block, &mut report).await?;
        if let Some(facts) = facts {
            inputs.push(Input::Block(Box::new(facts.clone())));
            let mut effects = VecDeque::new();
            for input in inputs {
                effects.extend(self.machine.apply(input));
            }
            self.carry_out(effects, &facts, &mut report).await?;
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
        mut stop: watch::Receiver<bool>,
        mut watch: impl FnMut(&L1Block, StepReport),
    ) -> Result<(), SequencerError> {
        let mut last = None;
        while !*stop.borrow_and_update() {
            match self.head().await {
                Ok(Some(block)) if last != Some(block.hash) => match self.step(&block).await {
                    Ok(report) => {
                        last = Some(block.hash);
                        watch(&block, report);
                    }
                    Err(error) if error.is_retryable() => {
                        tracing::warn!(%error, "step failed, is tried again")
                    }
                    Err(error) => return Err(error),
                },
                Ok(_) => {}
                Err(error) if error.is_retryable() => tracing::warn!(%error, "l1 can't be followed now"),
                Err(error) => return Err(error),
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    async fn head(&self) -> Result<Option<Arc<L1Block>>, SequencerError> {
        let mut follower = self.wiring.follower.lock().await;
        while !follower.poll().await?.is_empty() {}
        Ok(follower.head_block().cloned())
    }

    /// Follows L1, reads the peers' messages, and gathers what the machine wants to know.
    async fn observe(
        &mut self,
        block: &L1Block,
        report: &mut StepReport,
    ) -> Result<Option<Facts>, SequencerError> {
        let follower = Arc::clone(&self.wiring.follower);
        let mut follower = follower.lock().await;
        let seen = follower.view().head().is_some_and(|head| head.hash == block.hash);
        if !seen || follower.ledger_at_tip().is_none() {
            while !follower.poll().await?.is_empty() {}
        }
        let gossip = self.inbox.drain();
        if !gossip.is_empty() {
            let state = upcoming(follower.ledger(), follower.view());
            for gossip in gossip {
                // Bodies are for provers.
                if let Gossip::Operation(operation) = gossip
                    && let Err(error) = self.mempool.insert(&state, operation)
                {
                    tracing::debug!(%error, "operation refused");
                }
            }
        }
        self.mempool.prune(&**follower.ledger());
        let view = follower.view();
        let Some(head) = view.head() else {
            return Ok(None);
        };
        let now = head.l1_slot;
        let next = view.slot(now.plus(1));
        let tip = *view.tip();
        let place = self.place_in(view, next.slot, next.previous_start, next.seed_at);
        let following = view.next_slot(now.plus(1));
        report.stands = Some(Standpoint {
            slot: next.slot,
            phase: next.phase,
            phase_end: next.phase_end,
            place,
            ahead: self.place_in(view, following.slot, following.previous_start, following.seed_at),
        });
        Ok(Some(Facts {
            now,
            state: match follower.ledger_at_tip() {
                Some(_) => ParentState::Known,
                None => ParentState::Missing,
            },
            seed: if view.is_mix_proven(next.seed_at) { Seed::Proven } else { Seed::Unproven },
            place,
            owed: view.owed(self.settings.owner),
            next,
            tip,
        }))
    }

    /// This sequencer's place in a slot, ranked once for each seed.
    fn place_in(
        &mut self,
        view: &RollupView,
        slot: Slot,
        previous_start: L1Slot,
        seed_at: L1Slot,
    ) -> Option<Place> {
        let key = (slot, previous_start, view.mix(seed_at)?);
        let own = self.settings.conduct.sequencer;
        let place = *self.places.entry(key).or_insert_with(|| {
            let ranking = view.ranking(slot, previous_start)?;
            let place = ranking.iter().enumerate().find(|(_, ranked)| ranked.ticket.sequencer == own);
            place.map(|(rank, ranked)| Place { rank, score: ranked.score })
        });
        while self.places.len() > REMEMBERED_PLACES {
            self.places.pop_first();
        }
        place
    }

    /// Lets the transaction managers do their work, and takes note of what became of transactions.
    async fn tick(&mut self, block: &L1Block, report: &mut StepReport) -> Result<Vec<Input>, SequencerError> {
        let mut ticks = Vec::new();
        for manager in std::iter::once(&mut self.wiring.transactions).chain(self.wiring.owner.as_mut()) {
            match manager.tick(block).await {
                Ok(tick) => ticks.push(tick),
                Err(error) if error.is_retryable() => report.troubles.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        let mut inputs = Vec::new();
        for tick in ticks {
            self.note(tick, report, &mut inputs);
        }
        Ok(inputs)
    }

    fn note(&self, tick: TickReport, report: &mut StepReport, inputs: &mut Vec<Input>) {
        let action = |key: &IntentKey| self.actions.get(key).map(|(action, _)| *action);
        report.sent.extend(tick.sent.iter().filter_map(|(key, hash)| Some((action(key)?, *hash))));
        for (key, outcome) in tick.mined {
            report.mined.extend(action(&key).map(|action| (action, outcome)));
        }
        for (key, reason) in tick.failed {
            report.failed.extend(action(&key).map(|action| (action, reason)));
            inputs.extend(self.commit_failed(&key));
        }
        for key in tick.expired {
            report.expired.extend(action(&key));
            inputs.extend(self.commit_failed(&key));
        }
    }

    fn commit_failed(&self, key: &IntentKey) -> Option<Input> {
        let (action, quote) = self.actions.get(key)?;
        Some(Input::CommitFailed { slot: action.slot, quote: quote.clone()? })
    }

    async fn carry_out(
        &mut self,
        mut effects: VecDeque<Effect>,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), SequencerError> {
        while let Some(effect) = effects.pop_front() {
            let context =
                Context { sequencer: self.settings.conduct.sequencer, now: facts.now, next: &facts.next };
            if (self.wiring.policy)(&effect, &context) == Decision::Hold {
                tracing::info!(?effect, "held back by policy");
                report.held.push(effect);
                continue;
            }
            match self.carry_out_one(&effect, facts, report).await {
                Ok(Some(input)) => effects.extend(self.machine.apply(input)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(?effect, %error, "effect failed, comes again at the next block");
                    report.troubles.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn carry_out_one(
        &mut self,
        effect: &Effect,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Option<Input>, SequencerError> {
        match effect {
            Effect::Build { slot, parent, cutoff } => {
                self.build(*slot, *parent, *cutoff, facts, report).await
            }
            Effect::Recall { slot, header_hash } => self.recall(*slot, *header_hash),
            Effect::CancelProposal { slot, header_hash } => {
                self.cancel(Action { kind: ActionKind::Propose, slot: *slot, header_hash: *header_hash })?;
                Ok(None)
            }
            Effect::Propose { slot, header_hash, rank, seed_at, until } => {
                let action = Action { kind: ActionKind::Propose, slot: *slot, header_hash: *header_hash };
                if !self.is_submitted(action)? {
                    if *rank == 0 {
                        self.prepare_reveal(*slot, *header_hash)?;
                    }
                    let draft = self.propose(*slot, *header_hash, *seed_at, *until).await?;
                    self.submit(action, None, draft, facts, report).await?;
                }
                Ok(None)
            }
            Effect::RequestQuotes { slot, header_hash } => {
                self.prepare_reveal(*slot, *header_hash)?;
                self.request_quotes(*slot, *header_hash).await
            }
            Effect::Commit { slot, quote, until } => self.commit(*slot, quote, *until, facts, report).await,
            Effect::HandOver { quote, .. } => {
                self.hand_over(quote).await?;
                Ok(None)
            }
            Effect::Reveal { slot, header_hash, seen, until } => {
                self.reveal(*slot, *header_hash, *seen, *until, facts, report).await?;
                Ok(None)
            }
            Effect::AnnounceBody { slot, header_hash } => {
                let body = self.body(*slot, *header_hash)?;
                self.wiring.network.announce_body(body).await?;
                Ok(Some(Input::Announced { slot: *slot }))
            }
            Effect::ClaimRewards { .. } => {
                self.claim(facts, report).await?;
                Ok(None)
            }
        }
    }

    /// Builds a block and writes it down.
    async fn build(
        &mut self,
        slot: Slot,
        parent: B256,
        cutoff: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Option<Input>, SequencerError> {
        let follower = Arc::clone(&self.wiring.follower);
        let follower = follower.lock().await;
        let view = follower.view();
        if view.tip().header_hash != parent {
            // Another role polled in between; the next block brings the new tip.
            return Ok(None);
        }
        let parameters = view.parameters();
        let range = consumed(view, cutoff, facts.now, self.settings.deposit_depth);
        let queued = queued(view, range)?;
        let ledger =
            follower.ledger_at_tip().ok_or(SequencerError::StateMissing { slot: view.tip().slot })?;
        let layout = ledger.layout();
        let rules = ledger.rules_for(AccountIndex::new(self.settings.conduct.fee_recipient));
        let max_chunks = self
            .settings
            .max_chunks
            .min(usize::from(parameters.max_chunks))
            .min(usize::from(parameters.max_blobs).saturating_mul(layout.chunks_per_blob()));
        let candidates =
            self.mempool.candidates(&upcoming(ledger, view), max_chunks.saturating_mul(layout.operations()));
        let ledger = Arc::clone(ledger);
        drop(follower);
        let frame = Frame { slot, parent, deposits_end: range.to };
        // Executing a block and committing to its data takes a good part of a second.
        let built = tokio::task::spawn_blocking(move || {
            let built = block::build(&mut ledger.state(), rules, max_chunks, &queued, &candidates)?.block;
            let hash = |blob: &fernet_ledger::Blob| versioned_hash(&Blob::new(*blob.as_bytes()));
            Ok::<_, SequencerError>((BlockBody::assemble(frame, &built, hash)?, built))
        });
        let (body, built) = built.await??;
        let header_hash = body.header_hash();
        self.wiring.journal.put_body(header_hash, &body)?;
        report.built.push(Built {
            slot,
            header_hash,
            transfers: built.transfers(),
            withdrawals: built.withdrawals().len(),
            deposits: built.deposits().count(),
            chunks: built.chunks.len(),
        });
        let header = body.header.clone();
        self.bodies.insert(header_hash, body);
        Ok(Some(Input::Built(Prepared { header, header_hash })))
    }

    fn recall(&mut self, slot: Slot, header_hash: B256) -> Result<Option<Input>, SequencerError> {
        match self.body(slot, header_hash) {
            Ok(body) => {
                let quote = self.wiring.journal.quote(slot, header_hash)?.map(Box::new);
                Ok(Some(Input::Recalled { block: Prepared { header: body.header, header_hash }, quote }))
            }
            Err(error @ SequencerError::UnknownBlock { .. }) => {
                tracing::error!(%error, "another copy of this sequencer seems to be running");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A block of this sequencer's own.
    fn body(&self, slot: Slot, header_hash: B256) -> Result<BlockBody, SequencerError> {
        if let Some(body) = self.bodies.get(&header_hash) {
            return Ok(body.clone());
        }
        let body = self.wiring.journal.body(slot, header_hash)?;
        body.ok_or(SequencerError::UnknownBlock { slot, header_hash })
    }

    async fn propose(
        &self,
        slot: Slot,
        header_hash: B256,
        seed_at: L1Slot,
        until: L1Slot,
    ) -> Result<Draft, SequencerError> {
        let follower = self.wiring.follower.lock().await;
        let proof = if follower.view().is_mix_proven(seed_at) {
            Bytes::new()
        } else {
            follower.seed_proof(seed_at).await?.encoded
        };
        let call = IRollup::proposeCall {
            slot: slot.get(),
            sequencer: self.settings.conduct.sequencer.get(),
            headerHash: header_hash,
            seedProof: proof,
        };
        Ok(self.call(call.abi_encode(), until))
    }

    /// Begins what the reveal will need: for the best-ranked sequencer once it proposes, for others when their turn comes.
    fn prepare_reveal(&mut self, slot: Slot, header_hash: B256) -> Result<(), SequencerError> {
        let body = self.body(slot, header_hash)?;
        self.bundles.start(header_hash, &body, self.settings.blobs_per_transaction, self.settings.sidecars);
        Ok(())
    }

    async fn request_quotes(&self, slot: Slot, header_hash: B256) -> Result<Option<Input>, SequencerError> {
        let body = self.body(slot, header_hash)?;
        let request = QuoteRequest { sequencer: self.settings.conduct.sequencer, body };
        let quotes = self.wiring.network.request_quotes(request, self.settings.quote_deadline).await?;
        let choice = {
            let follower = self.wiring.follower.lock().await;
            let view = follower.view();
            self.machine.choose(slot, &quotes, |prover| view.escrow(prover).free)
        };
        for (prover, error) in choice.refused {
            tracing::warn!(%slot, %prover, %error, "quote refused");
        }
        let Some(quote) = choice.best else {
            tracing::warn!(%slot, offered = quotes.len(), "no quote will do");
            return Ok(None);
        };
        Ok(Some(Input::Chosen { slot, quote: Box::new(quote) }))
    }

    async fn commit(
        &mut self,
        slot: Slot,
        quote: &SignedQuote,
        until: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Option<Input>, SequencerError> {
        self.wiring.journal.put_quote(quote, Replacement::Allowed)?;
        let kind = ActionKind::Commit { prover: quote.quote.prover };
        let action = Action { kind, slot, header_hash: quote.quote.header_hash };
        let call = IRollup::commitCall {
            quote: quote.quote.try_into()?,
            proverSignature: quote.prover_signature.clone(),
            sequencerSignature: Bytes::new(),
        };
        let draft = Draft { when_reverting: WhenReverting::GiveUp, ..self.call(call.abi_encode(), until) };
        let failed = self.submit(action, Some(Box::new(quote.clone())), draft, facts, report).await?;
        Ok(failed.then(|| Input::CommitFailed { slot, quote: Box::new(quote.clone()) }))
    }

    /// Signs a quote, once for each header, and gives it to its prover.
    async fn hand_over(&self, quote: &SignedQuote) -> Result<(), SequencerError> {
        self.wiring.journal.put_quote(quote, Replacement::Forbidden)?;
        let digest = self.machine.digest(&quote.quote);
        let signature = self.wiring.attester.sign_hash(&digest).await?;
        let accepted = AcceptedQuote {
            quote: quote.quote,
            prover_signature: quote.prover_signature.clone(),
            sequencer_signature: signature.as_bytes().to_vec().into(),
        };
        Ok(self.wiring.network.accept_quote(accepted).await?)
    }

    async fn reveal(
        &mut self,
        slot: Slot,
        header_hash: B256,
        seen: u16,
        until: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), SequencerError> {
        let body = self.body(slot, header_hash)?;
        for mask in masks(body.blobs.len(), self.settings.blobs_per_transaction) {
            let action = Action { kind: ActionKind::Reveal { blobs: mask }, slot, header_hash };
            if seen & mask == mask || self.is_submitted(action)? {
                continue;
            }
            let bundle = self.bundles.take(header_hash, &body, mask, self.settings.sidecars).await?;
            let call = IRollup::revealCall { header: body.header.clone().into() };
            let draft = Draft { blobs: Some(bundle), ..self.call(call.abi_encode(), until) };
            self.submit(action, None, draft, facts, report).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, facts: &Facts, report: &mut StepReport) -> Result<(), SequencerError> {
        let action = |number| Action {
            kind: ActionKind::Claim { number },
            slot: facts.next.slot,
            header_hash: B256::ZERO,
        };
        // One claim at a time; those that are over have used up their numbers.
        loop {
            let manager = self.wiring.owner.as_ref().unwrap_or(&self.wiring.transactions);
            match manager.status(&key(action(self.claims), 0)?) {
                Some(TxStatus::Pending(_)) => return Ok(()),
                Some(_) => self.claims = self.claims.saturating_add(1),
                None => break,
            }
        }
        let call = IRewards::claimCall { to: self.settings.claim_to };
        let draft = Draft { to: self.rewards, ..self.call(call.abi_encode(), facts.now.plus(CLAIM_WINDOW)) };
        self.submit(action(self.claims), None, draft, facts, report).await.map(drop)
    }

    /// A call of the rollup that is tried again as long as its window is open.
    fn call(&self, calldata: Vec<u8>, until: L1Slot) -> Draft {
        Draft {
            to: self.rollup,
            calldata: calldata.into(),
            blobs: None,
            until,
            when_reverting: WhenReverting::Retry,
        }
    }

    fn manager(&mut self, action: Action) -> &mut TxManager {
        match (action.kind, self.wiring.owner.as_mut()) {
            (ActionKind::Claim { .. }, Some(owner)) => owner,
            _ => &mut self.wiring.transactions,
        }
    }

    /// The first attempt that L1 hasn't reverted, if any are left.
    fn attempt(&mut self, action: Action) -> Result<Option<IntentKey>, SequencerError> {
        for attempt in 0..MAX_ATTEMPTS {
            let key = key(action, attempt)?;
            if !matches!(self.manager(action).status(&key), Some(TxStatus::Failed { .. })) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether nothing is to be done about an action: it is under way, done, or hopeless.
    fn is_submitted(&mut self, action: Action) -> Result<bool, SequencerError> {
        Ok(match self.attempt(action)? {
            Some(key) => {
                let known = self.manager(action).status(&key).is_some();
                if known {
                    self.actions.entry(key).or_insert((action, None));
                }
                known
            }
            None => true,
        })
    }

    /// Submits a transaction unless it is under way; tells whether it failed at once.
    async fn submit(
        &mut self,
        action: Action,
        quote: Option<Box<SignedQuote>>,
        draft: Draft,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<bool, SequencerError> {
        let Some(key) = self.attempt(action)? else {
            return Ok(false);
        };
        let known = self.manager(action).status(&key).is_some();
        self.actions.insert(key.clone(), (action, quote));
        let not_before = facts.next_l1_slot();
        if known || draft.until <= not_before {
            return Ok(false);
        }
        let intent = Intent {
            key,
            to: draft.to,
            calldata: draft.calldata,
            value: U256::ZERO,
            blobs: draft.blobs,
            not_before,
            expires_at: draft.until,
            value_at_risk: self.settings.fee_ceiling,
            gas_limit: None,
            when_reverting: draft.when_reverting,
        };
        match self.manager(action).submit(intent).await? {
            TxStatus::Pending(fernet_l1::Stage::Sent { hash, .. }) => report.sent.push((action, hash)),
            TxStatus::Failed { reason, .. } => {
                report.failed.push((action, reason));
                return Ok(true);
            }
            TxStatus::Pending(_) | TxStatus::Mined(_) | TxStatus::Expired { .. } => {}
        }
        Ok(false)
    }

    fn cancel(&mut self, action: Action) -> Result<(), SequencerError> {
        for attempt in 0..MAX_ATTEMPTS {
            match self.wiring.transactions.withdraw(&key(action, attempt)?) {
                Ok(_) | Err(TxError::UnknownKey { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Drops what no reorg can bring back.
    fn forget(&mut self, current: Slot) -> Result<(), SequencerError> {
        let oldest = Slot::new(current.get().saturating_sub(JOURNAL_SLOTS));
        let before = self.bodies.len();
        self.bodies.retain(|_, body| body.header.slot >= oldest);
        self.actions.retain(|_, (action, _)| action.slot >= oldest);
        self.bundles.forget_before(oldest);
        if self.bodies.len() < before {
            self.wiring.journal.forget_before(oldest)?;
        }
        Ok(())
    }
}

/// L1 slots that a claim has to land. Nothing is lost if it doesn't.
const CLAIM_WINDOW: u64 = 64;

fn key(action: Action, attempt: u32) -> Result<IntentKey, SequencerError> {
    Ok(IntentKey::new(format!("{action}/{attempt}"))?)
}

/// What a block consumes of the queue: all it must, and beyond that what is at least `depth` L1 slots old.
fn consumed(view: &RollupView, cutoff: L1Slot, now: L1Slot, depth: u64) -> QueueRange {
    let required = view.queue_required(cutoff);
    let available = view.queue_available();
    let records = view.queue_in(available).unwrap_or_default();
    let old = records.partition_point(|record| record.l1_slot.plus(depth) <= now) as u64;
    QueueRange { from: available.from, to: required.to.max(available.from.saturating_add(old)) }
}

/// The state as operations will find it: with what the next block can take of L1's queue.
fn upcoming<'a>(ledger: &'a Ledger, view: &RollupView) -> State<&'a Ledger> {
    let mut state = ledger.state();
    for record in view.queue_in(view.queue_available()).unwrap_or_default() {
        // What can't be applied here is reported when the block is built.
        let applied = ledger_operation(record).map(|queued| state.apply_queued(&queued));
        if !matches!(applied, Ok(Ok(_))) {
            break;
        }
    }
    state
}

/// A range of L1's queue, as the ledger takes it.
fn queued(view: &RollupView, range: QueueRange) -> Result<Vec<L1Operation>, SequencerError> {
    let records = view.queue_in(range).unwrap_or_default();
    let queued: Result<_, _> = records.iter().map(ledger_operation).collect();
    Ok(queued.map_err(FollowerError::from)?)
}
