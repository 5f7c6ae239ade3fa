//! Carries out single effects: blocks, L1 transactions, messages to peers.

use alloy::primitives::{B256, Bytes};
use fernet_bindings::IRollup;
use fernet_l1::WhenReverting;
use fernet_network::{AcceptedQuote, QuoteRequest, SignedQuote};
use fernet_protocol::{L1Slot, Slot, seed};
use fernet_roles::{Outcome, OwnBlock, Plan, Replacement, RoleError, TxRequest, masks};

use crate::driver::SequencerDriver;
use crate::error::SequencerError;
use crate::machine::{CommitmentBy, Effect, Facts, Input, Prepared};
use crate::report::{Action, ActionKind, StepReport};

impl SequencerDriver {
    pub(crate) async fn carry_out(
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
                self.submissions.cancel(proposal(*slot, *header_hash))?;
                Ok(None)
            }
            Effect::Propose { slot, header_hash, rank, seed_at, until } => {
                let action = proposal(*slot, *header_hash);
                if !self.submissions.is_submitted(action)? {
                    if *rank == 0 {
                        self.prepare_reveal(*slot, *header_hash)?;
                    }
                    let draft = self.propose(*slot, *header_hash, *seed_at, *until).await?;
                    self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
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
                let body = self.world.body(*slot, *header_hash)?;
                self.network.announce_body(body).await?;
                Ok(Some(Input::Announced { slot: *slot }))
            }
            Effect::ClaimRewards { .. } => {
                self.submissions.claim(facts.next.slot, facts.now, report).await?;
                Ok(None)
            }
        }
    }

    /// Builds a block and writes it down, unless one was built before a restart: a second one for the slot would be
    /// proposed beside it.
    async fn build(
        &mut self,
        slot: Slot,
        parent: B256,
        cutoff: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<Option<Input>, SequencerError> {
        if let Some(known) = self.built_before(slot, parent)? {
            return self.recall(slot, known.header_hash);
        }
        let plan = Plan {
            slot,
            parent,
            cutoff,
            now: facts.now,
            deposit_depth: self.settings.deposit_depth,
            max_chunks: self.settings.max_chunks,
            max_blobs: usize::MAX,
            fee_recipient: self.settings.strategy.fee_recipient,
            vote: self.settings.vote,
        };
        match self.world.build(plan).await {
            Ok((built, header)) => {
                report.built.push(built);
                Ok(Some(Input::Built(Prepared { header, header_hash: built.header_hash })))
            }
            // Another role polled in between; the next block brings the new tip.
            Err(RoleError::TipMoved { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Of the blocks that were built before a restart, the one whose proposal is under way, or any.
    fn built_before(&mut self, slot: Slot, parent: B256) -> Result<Option<OwnBlock>, SequencerError> {
        let known = self.world.built_before(slot, parent)?;
        for own in &known {
            if self.submissions.is_submitted(proposal(slot, own.header_hash))? {
                return Ok(Some(*own));
            }
        }
        Ok(known.first().copied())
    }

    fn recall(&mut self, slot: Slot, header_hash: B256) -> Result<Option<Input>, SequencerError> {
        match self.world.body(slot, header_hash) {
            Ok(body) => {
                let quote = self.world.journal().get(slot, header_hash)?.map(Box::new);
                Ok(Some(Input::Recalled { block: Prepared { header: body.header, header_hash }, quote }))
            }
            Err(error @ RoleError::UnknownBlock { .. }) => {
                tracing::error!(%error, "another copy of this sequencer seems to be running");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn propose(
        &self,
        slot: Slot,
        header_hash: B256,
        seed_at: L1Slot,
        until: L1Slot,
    ) -> Result<TxRequest, SequencerError> {
        let follower = self.world.follower().lock().await;
        let view = follower.view();
        let sequencer = self.settings.strategy.sequencer;
        let mix = view.mix(seed_at).ok_or(SequencerError::SeedUnknown { slot, seed_at })?;
        let proof = if view.is_seed_known(slot, seed_at) {
            Bytes::new()
        } else {
            follower.seed_proof(seed_at).await?.encoded
        };
        let call = IRollup::proposeCall {
            slot: slot.get(),
            sequencer: sequencer.get(),
            headerHash: header_hash,
            seedProof: proof,
            scoreProof: self.scores.proof(view.rollup(), slot, seed(mix, slot), sequencer),
        };
        Ok(TxRequest::call(self.rollup, &call, until))
    }

    /// Begins what the reveal will need: for the best-ranked sequencer once it proposes, for others when their turn comes.
    fn prepare_reveal(&mut self, slot: Slot, header_hash: B256) -> Result<(), SequencerError> {
        let body = self.world.body(slot, header_hash)?;
        self.bundles.start(header_hash, &body, self.settings.blobs_per_transaction, self.settings.sidecars);
        Ok(())
    }

    /// The best quote is written down at once, so that a restart finds it.
    async fn request_quotes(&self, slot: Slot, header_hash: B256) -> Result<Option<Input>, SequencerError> {
        let body = self.world.body(slot, header_hash)?;
        let request = QuoteRequest { sequencer: self.settings.strategy.sequencer, body };
        let quotes = self.network.request_quotes(request, self.settings.quote_deadline).await?;
        let choice = {
            let follower = self.world.follower().lock().await;
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
        let replacement = match self.settings.strategy.commitment {
            CommitmentBy::Sequencer => Replacement::Allowed,
            CommitmentBy::Prover => Replacement::Forbidden,
        };
        self.world.journal().put_quote(&quote, replacement)?;
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
        let kind = ActionKind::Commit { prover: quote.quote.prover };
        let action = Action { kind, slot, header_hash: quote.quote.header_hash };
        let call = IRollup::commitCall {
            quote: quote.quote.try_into()?,
            proverSignature: quote.prover_signature.clone(),
            sequencerSignature: Bytes::new(),
        };
        let draft =
            TxRequest { when_reverting: WhenReverting::GiveUp, ..TxRequest::call(self.rollup, &call, until) };
        let outcome = self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
        let failed = || Input::CommitFailed { slot, quote: Box::new(quote.clone()) };
        Ok((outcome == Outcome::Failed).then(failed))
    }

    /// Signs a quote, once for each header, and gives it to its prover.
    async fn hand_over(&self, quote: &SignedQuote) -> Result<(), SequencerError> {
        self.world.journal().put_quote(quote, Replacement::Forbidden)?;
        let digest = self.machine.digest(&quote.quote);
        let signature = self.attester.sign_hash(&digest).await?;
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
        until: L1Slot,
        facts: &Facts,
        report: &mut StepReport,
    ) -> Result<(), SequencerError> {
        let body = self.world.body(slot, header_hash)?;
        for mask in masks(body.blobs.len(), self.settings.blobs_per_transaction) {
            let action = Action { kind: ActionKind::Reveal { blobs: mask }, slot, header_hash };
            if seen & mask == mask || self.submissions.is_submitted(action)? {
                continue;
            }
            let bundle = self.bundles.take(header_hash, &body, mask, self.settings.sidecars).await?;
            let call = IRollup::revealCall { header: body.header.clone().into() };
            let draft = TxRequest { blobs: Some(bundle), ..TxRequest::call(self.rollup, &call, until) };
            self.submissions.submit(action, draft, facts.next_l1_slot(), report).await?;
        }
        Ok(())
    }
}

const fn proposal(slot: Slot, header_hash: B256) -> Action {
    Action { kind: ActionKind::Propose, slot, header_hash }
}
