//! Carries out the effects: signatures, L1 transactions, and what the other files do for blocks and proofs.

use alloy::primitives::{B256, Bytes};
use fernet_bindings::IRollup;
use fernet_l1::BlobSidecar;
use fernet_network::{AcceptedQuote, ProverContact, SignedContact, SignedQuote};
use fernet_protocol::{L1Slot, Quote, Slot};
use fernet_roles::{
    BlockSpec, Decision, EffectHandler, Replacement, RoleError, TxProblem, TxRequest, blob_masks,
};

use crate::driver::Inner;
use crate::error::ProverError;
use crate::interface::{BackupBlobs, Effect, Facts, Input};
use crate::policy::Context;
use crate::report::{Action, ActionKind, SlotStatus};

impl EffectHandler for Inner {
    type Input = Input;
    type Effect = Effect;
    type Facts = Facts;
    type Kind = ActionKind;
    type Status = SlotStatus;
    type Error = ProverError;

    fn apply(&mut self, input: Input) -> Vec<Effect> {
        self.machine.apply(input)
    }

    fn decide(&self, effect: &Effect, facts: &Facts) -> Decision {
        if let Effect::Offer { quote } = effect
            && self.allowed.get(&quote.header_hash) == Some(quote)
        {
            return Decision::Allow;
        }
        let identity = self.settings.strategy.prover;
        (self.policy)(effect, &Context { identity, snapshot: &facts.snapshot })
    }

    async fn carry_out(&mut self, effect: &Effect, facts: &Facts) -> Result<Vec<Input>, ProverError> {
        let snapshot = &facts.snapshot;
        let next_l1_slot = snapshot.next_l1_slot();
        match effect {
            Effect::Offer { quote } => self.offer(quote).await,
            Effect::Advertise { contact } => self.advertise(contact).await,
            Effect::Commit { slot, accepted, expires_at } => {
                self.commit(*slot, accepted, *expires_at, next_l1_slot).await
            }
            Effect::FetchBody { slot, header_hash } => {
                self.fetch_body(*slot, *header_hash).await.map(|input| vec![input])
            }
            Effect::BuildBackup { slot, parent, cutoff } => {
                let spec = BlockSpec { slot: *slot, parent: *parent, cutoff: *cutoff, now: snapshot.now };
                self.build_backup(spec).await.map(|input| vec![input])
            }
            Effect::Prove { slot, header_hash, purpose } => {
                self.prove(*slot, *header_hash, *purpose).await.map(|input| vec![input])
            }
            Effect::Finalize { slot, header_hash, expires_at, .. } => {
                self.finalize(*slot, *header_hash, *expires_at, next_l1_slot).await
            }
            Effect::FinalizeBackup { slot, header_hash, blobs, expires_at } => {
                self.finalize_backup(*slot, *header_hash, *blobs, *expires_at, next_l1_slot).await
            }
            Effect::ManageTransactions => {
                let problems = self.submissions.manage(&mut self.report.common).await?;
                Ok(problems.into_iter().filter_map(refused_finalization).collect())
            }
            Effect::ClaimRewards { .. } => {
                self.submissions.claim(snapshot.next.slot, snapshot.now, &mut self.report.common).await?;
                Ok(Vec::new())
            }
        }
    }

    fn report(&mut self) -> &mut fernet_roles::StepReport<ActionKind, Effect, SlotStatus> {
        &mut self.report.common
    }

    fn is_retryable(error: &ProverError) -> bool {
        error.is_retryable()
    }

    fn is_of_l1(error: &ProverError) -> bool {
        matches!(error, ProverError::Role(error) if error.is_of_l1())
    }
}

impl Inner {
    /// Signs the quote for a block that was executed, and writes it to the journal. The responder sends it.
    async fn offer(&mut self, quote: &Quote) -> Result<Vec<Input>, ProverError> {
        let (slot, header_hash) = (quote.slot, quote.header_hash);
        if !self.executed.contains_key(&header_hash) {
            return Err(RoleError::UnknownBlock { slot, header_hash }.into());
        }
        let signature = self.signer.sign_typed_data(&quote.signing_preimage(&self.rollup)).await?;
        let prover_signature = signature.as_bytes().to_vec().into();
        let offer = SignedQuote { quote: *quote, prover_signature };
        self.store.journal().put_quote(&offer, Replacement::Allowed)?;
        self.report.offered.push(offer);
        Ok(vec![Input::Offered { quote: *quote }])
    }

    async fn advertise(&self, contact: &ProverContact) -> Result<Vec<Input>, ProverError> {
        let signature = self.signer.sign_typed_data(&contact.claim().signing_preimage(&self.rollup)).await?;
        let signature = signature.as_bytes().to_vec().into();
        self.blocks.network.advertise(SignedContact { contact: contact.clone(), signature }).await?;
        Ok(Vec::new())
    }

    async fn commit(
        &mut self,
        slot: Slot,
        accepted: &AcceptedQuote,
        expires_at: L1Slot,
        next_l1_slot: L1Slot,
    ) -> Result<Vec<Input>, ProverError> {
        let header_hash = accepted.quote.header_hash;
        let action = Action::Block { kind: ActionKind::Commit, slot, header_hash };
        // Who sends the transaction needs no signature.
        let sender = self.submissions.transactions().accounts().plain();
        let is_sender = sender == accepted.quote.prover;
        let call = IRollup::commitCall {
            quote: accepted.quote.into(),
            proverSignature: if is_sender { Bytes::new() } else { accepted.prover_signature.clone() },
            sequencerSignature: accepted.sequencer_signature.clone(),
        };
        let request = TxRequest::call(self.rollup.address, &call, expires_at);
        self.submissions.submit(action, request, next_l1_slot, &mut self.report.common).await?;
        Ok(Vec::new())
    }

    async fn finalize(
        &mut self,
        slot: Slot,
        header_hash: B256,
        expires_at: L1Slot,
        next_l1_slot: L1Slot,
    ) -> Result<Vec<Input>, ProverError> {
        let action = Action::Block { kind: ActionKind::Finalize, slot, header_hash };
        if !self.submissions.is_submitted(action)? {
            let (header, proof) = self.proven(slot, header_hash)?;
            let payee = self.settings.strategy.payee;
            let call = IRollup::finalizeCall { header: header.into(), payee, proof };
            let request = TxRequest::call(self.rollup.address, &call, expires_at);
            self.submissions.submit(action, request, next_l1_slot, &mut self.report.common).await?;
        }
        Ok(Vec::new())
    }

    async fn finalize_backup(
        &mut self,
        slot: Slot,
        header_hash: B256,
        blobs: BackupBlobs,
        expires_at: L1Slot,
        next_l1_slot: L1Slot,
    ) -> Result<Vec<Input>, ProverError> {
        let action = Action::Block { kind: ActionKind::Backup, slot, header_hash };
        if !self.submissions.is_submitted(action)? {
            let blobs = match blobs {
                BackupBlobs::Revealed => None,
                BackupBlobs::Attached => Some(self.sidecar(slot, header_hash).await?),
            };
            let (header, proof) = self.proven(slot, header_hash)?;
            let payee = self.settings.strategy.payee;
            let call = IRollup::finalizeBackupCall { header: header.into(), payee, proof };
            let request = TxRequest { blobs, ..TxRequest::call(self.rollup.address, &call, expires_at) };
            self.submissions.submit(action, request, next_l1_slot, &mut self.report.common).await?;
        }
        Ok(Vec::new())
    }

    /// A sidecar with all blobs of a block.
    async fn sidecar(&mut self, slot: Slot, header_hash: B256) -> Result<BlobSidecar, ProverError> {
        let body = self.store.body(slot, header_hash)?;
        let count = body.blobs.len();
        let mask = blob_masks(count, count).into_iter().fold(0, |all, mask| all | mask);
        Ok(self.sidecars.take(header_hash, &body, mask, self.settings.sidecars).await?)
    }
}

/// What the machine learns of a problem with a finalization: the prover may have to stop taking work.
fn refused_finalization((action, problem): (Action, TxProblem)) -> Option<Input> {
    let Action::Block { kind: ActionKind::Finalize, header_hash, .. } = action else {
        return None;
    };
    let reason = match problem {
        TxProblem::Failed(reason) => reason.to_string(),
        TxProblem::WouldRevert { reason } => reason,
        TxProblem::Expired => return None,
    };
    Some(Input::FinalizeRefused { header_hash, reason })
}
