//! Carries out the effects: blocks, L1 transactions, signatures, and messages to peers.

use alloy::primitives::{B256, Bytes};
use fernet_bindings::IRollup;
use fernet_l1::WhenReverting;
use fernet_network::{AcceptedQuote, SignedQuote, SignedQuoteRequest};
use fernet_protocol::{L1Slot, QuoteRequest, Slot, seed};
use fernet_roles::{
    BlockSpec, Decision, EffectHandler, Replacement, RoleError, SubmitOutcome, TxProblem, TxRequest,
    blob_masks,
};

use crate::driver::SequencerDriver;
use crate::error::SequencerError;
use crate::interface::{Effect, Facts, Input, PreparedBlock};
use crate::policy::Context;
use crate::quotes::ReceivedQuote;
use crate::report::{Action, ActionKind, SlotStatus, StepReport};

impl EffectHandler for SequencerDriver {
    type Input = Input;
    type Effect = Effect;
    type Facts = Facts;
    type Kind = ActionKind;
    type Status = SlotStatus;
    type Error = SequencerError;

    fn apply(&mut self, input: Input) -> Vec<Effect> {
        self.machine.apply(input)
    }

    fn decide(&self, effect: &Effect, facts: &Facts) -> Decision {
        let identity = self.settings.strategy.sequencer;
        (self.policy)(effect, &Context { identity, snapshot: &facts.snapshot })
    }

    async fn carry_out(&mut self, effect: &Effect, facts: &Facts) -> Result<Vec<Input>, SequencerError> {
        let next_l1_slot = facts.snapshot.next_l1_slot();
        match effect {
            Effect::Build { slot, parent, cutoff } => {
                let spec =
                    BlockSpec { slot: *slot, parent: *parent, cutoff: *cutoff, now: facts.snapshot.now };
                self.build(spec).await
            }
            Effect::LoadBlock { slot, header_hash } => self.load_block(*slot, *header_hash),
            Effect::CancelProposal { slot, header_hash } => {
                self.submissions.cancel(proposal(*slot, *header_hash))?;
                Ok(vec![Input::ProposalCancelled { slot: *slot, header_hash: *header_hash }])
            }
            Effect::Propose { slot, header_hash, rank, seed_at, expires_at } => {
                let action = proposal(*slot, *header_hash);
                if !self.submissions.is_submitted(action)? {
                    if *rank == 0 {
                        self.start_sidecars(*slot, *header_hash)?;
                    }
                    let request = self.proposal_request(*slot, *header_hash, *seed_at, *expires_at).await?;
                    self.submissions.submit(action, request, next_l1_slot, &mut self.report).await?;
                }
                Ok(Vec::new())
            }
            Effect::RequestQuotes { slot, header_hash } => {
                self.start_sidecars(*slot, *header_hash)?;
                self.request_quotes(*slot, *header_hash).await
            }
            Effect::Commit { slot, quote, expires_at } => {
                self.commit(*slot, quote, *expires_at, next_l1_slot).await
            }
            Effect::HandOver { quote, .. } => {
                self.hand_over(quote).await?;
                Ok(Vec::new())
            }
            Effect::Reveal { slot, header_hash, seen, expires_at } => {
                self.reveal(*slot, *header_hash, *seen, *expires_at, next_l1_slot).await?;
                Ok(Vec::new())
            }
            Effect::AnnounceBody { slot, header_hash } => {
                let body = self.store.body(*slot, *header_hash)?;
                self.network.keep_body(body).await?;
                self.network.announce_body(*header_hash).await?;
                Ok(vec![Input::BodyAnnounced { slot: *slot }])
            }
            Effect::ManageTransactions => self.manage_transactions().await,
            Effect::ClaimRewards { .. } => {
                let (slot, now) = (facts.snapshot.next.slot, facts.snapshot.now);
                self.submissions.claim(slot, now, &mut self.report).await?;
                Ok(Vec::new())
            }
        }
    }

    fn report(&mut self) -> &mut StepReport {
        &mut self.report
    }

    fn is_retryable(error: &SequencerError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &SequencerError) -> bool {
        error.is_of_l1()
    }
}

impl SequencerDriver {
    /// Builds a block, unless one was built before a restart.
    async fn build(&mut self, spec: BlockSpec) -> Result<Vec<Input>, SequencerError> {
        let BlockSpec { slot, parent, .. } = spec;
        // A proposal of before a restart whose parent a reorg undid must not compete with the new one: the
        // machine withdraws it first.
        for own in self.store.built_on_others_before(slot, parent)? {
            if self.submissions.is_open(proposal(slot, own.header_hash))? {
                return self.load_block(slot, own.header_hash);
            }
        }
        let submissions = &mut self.submissions;
        let is_submitted = |header_hash| submissions.is_submitted(proposal(slot, header_hash));
        if let Some(own) = self.store.built_before(slot, parent, is_submitted)? {
            return self.load_block(slot, own.header_hash);
        }
        match self.builder.build(spec, &self.inbox).await {
            Ok((body, built)) => {
                let block = PreparedBlock { header: body.header.clone(), header_hash: built.header_hash };
                self.store.insert_own(body)?;
                self.report.built.push(built);
                Ok(vec![Input::BlockBuilt(block)])
            }
            // Another role of this process has polled the follower meanwhile. The next L1 block brings the
            // new tip.
            Err(RoleError::TipMoved { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn load_block(&mut self, slot: Slot, header_hash: B256) -> Result<Vec<Input>, SequencerError> {
        match self.store.body(slot, header_hash) {
            Ok(body) => {
                let quote = self.store.journal().get(slot, header_hash)?.map(Box::new);
                let block = PreparedBlock { header: body.header.clone(), header_hash };
                Ok(vec![Input::BlockLoaded { block, quote }])
            }
            Err(error @ RoleError::UnknownBlock { .. }) => {
                tracing::error!(
                    code = "SEQ-001", %error,
                    "another copy of this sequencer seems to be running"
                );
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn proposal_request(
        &self,
        slot: Slot,
        header_hash: B256,
        seed_at: L1Slot,
        expires_at: L1Slot,
    ) -> Result<TxRequest, SequencerError> {
        let follower = self.follower.lock().await;
        let view = follower.view();
        let sequencer = self.settings.strategy.sequencer;
        let mix = view.mix(seed_at).ok_or(SequencerError::SeedUnknown { slot, seed_at })?;
        let seed_proof = if view.is_seed_known(slot, seed_at) {
            Bytes::new()
        } else {
            follower.seed_proof(seed_at).await?.encoded
        };
        let call = IRollup::proposeCall {
            slot: slot.get(),
            sequencer: sequencer.get(),
            headerHash: header_hash,
            seedProof: seed_proof,
            scoreProof: self.scores.proof(view.rollup(), slot, seed(mix, slot), sequencer),
        };
        Ok(TxRequest::call(self.rollup, &call, expires_at))
    }

    /// Starts to build the sidecars that the reveal needs. The best-ranked sequencer starts when it proposes,
    /// the others when their turn comes.
    fn start_sidecars(&mut self, slot: Slot, header_hash: B256) -> Result<(), SequencerError> {
        let body = self.store.body(slot, header_hash)?;
        self.sidecars.start(header_hash, &body, self.settings.blobs_per_transaction, self.settings.sidecars);
        Ok(())
    }

    /// Keeps the block for provers that find the request worth it, signs the request, and sends it.
    async fn request_quotes(&self, slot: Slot, header_hash: B256) -> Result<Vec<Input>, SequencerError> {
        let body = self.store.body(slot, header_hash)?;
        let sequencer = self.settings.strategy.sequencer;
        let preimage = self.machine.request_preimage(&QuoteRequest { slot, header_hash, sequencer });
        let signature = self.attester.sign_typed_data(&preimage).await?.as_bytes().to_vec().into();
        let request = SignedQuoteRequest { sequencer, header: body.header.clone(), signature };
        self.network.keep_body(body).await?;
        let quotes = self.network.request_quotes(request, self.settings.quote_deadline).await?;
        let follower = self.follower.lock().await;
        let view = follower.view();
        // The commitment may land in any L1 slot until the phase ends.
        let next = view.head().map_or(L1Slot::new(0), |head| head.l1_slot).plus(1);
        let phase_end = view.slot(next).phase_end;
        let received = |signed: SignedQuote| {
            let prover = signed.quote.prover;
            let named_signer = view.named_signer(prover, next, phase_end);
            ReceivedQuote { signed, free_escrow: view.escrow(prover).free, named_signer }
        };
        Ok(vec![Input::QuotesReceived { slot, quotes: quotes.into_iter().map(received).collect() }])
    }

    /// Writes the quote to the journal, and commits it.
    async fn commit(
        &mut self,
        slot: Slot,
        quote: &SignedQuote,
        expires_at: L1Slot,
        next_l1_slot: L1Slot,
    ) -> Result<Vec<Input>, SequencerError> {
        let kind = ActionKind::Commit { prover: quote.quote.prover };
        let action = Action::Block { kind, slot, header_hash: quote.quote.header_hash };
        if self.submissions.is_submitted(action)? {
            return Ok(Vec::new());
        }
        self.store.journal().put_quote(quote, Replacement::Allowed)?;
        let call = IRollup::commitCall {
            quote: quote.quote.into(),
            proverSignature: quote.prover_signature.clone(),
            sequencerSignature: Bytes::new(),
        };
        let request = TxRequest {
            when_reverting: WhenReverting::GiveUp,
            ..TxRequest::call(self.rollup, &call, expires_at)
        };
        match self.submissions.submit(action, request, next_l1_slot, &mut self.report).await? {
            SubmitOutcome::Accepted => Ok(Vec::new()),
            SubmitOutcome::Failed => Ok(vec![Input::CommitFailed { slot, quote: Box::new(quote.clone()) }]),
        }
    }

    /// Writes the quote to the journal, signs it, and sends it to its prover. Only one quote is signed for a
    /// header.
    async fn hand_over(&self, quote: &SignedQuote) -> Result<(), SequencerError> {
        self.store.journal().put_quote(quote, Replacement::Forbidden)?;
        let preimage = self.machine.signing_preimage(&quote.quote);
        let signature = self.attester.sign_typed_data(&preimage).await?;
        let accepted = AcceptedQuote {
            quote: quote.quote,
            prover_signature: quote.prover_signature.clone(),
            sequencer_signature: signature.as_bytes().to_vec().into(),
        };
        Ok(self.network.accept_quote(accepted).await?)
    }

    async fn reveal(
        &mut self,
        slot: Slot,
        header_hash: B256,
        seen: u16,
        expires_at: L1Slot,
        next_l1_slot: L1Slot,
    ) -> Result<(), SequencerError> {
        let body = self.store.body(slot, header_hash)?;
        for mask in blob_masks(body.blobs.len(), self.settings.blobs_per_transaction) {
            let action = Action::Block { kind: ActionKind::Reveal { blobs: mask }, slot, header_hash };
            if seen & mask == mask || self.submissions.is_submitted(action)? {
                continue;
            }
            let sidecar = self.sidecars.take(header_hash, &body, mask, self.settings.sidecars).await?;
            let call = IRollup::revealCall { header: body.header.clone().into() };
            let request =
                TxRequest { blobs: Some(sidecar), ..TxRequest::call(self.rollup, &call, expires_at) };
            self.submissions.submit(action, request, next_l1_slot, &mut self.report).await?;
        }
        Ok(())
    }

    /// Lets the transaction manager work. The machine learns of commitments that can't land any more.
    async fn manage_transactions(&mut self) -> Result<Vec<Input>, SequencerError> {
        let problems = self.submissions.manage(&mut self.report).await?;
        let mut inputs = Vec::new();
        for (action, problem) in problems {
            let Action::Block { kind: ActionKind::Commit { prover }, slot, header_hash } = action else {
                continue;
            };
            if let TxProblem::WouldRevert { .. } = problem {
                continue;
            }
            let quote: Option<SignedQuote> = self.store.journal().get(slot, header_hash)?;
            let quote = quote.filter(|quote| quote.quote.prover == prover);
            inputs.extend(quote.map(|quote| Input::CommitFailed { slot, quote: Box::new(quote) }));
        }
        Ok(inputs)
    }
}

const fn proposal(slot: Slot, header_hash: B256) -> Action {
    Action::Block { kind: ActionKind::Propose, slot, header_hash }
}
