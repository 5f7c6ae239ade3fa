//! From actions to intents, each attempt under its own key.

use std::collections::BTreeMap;

use alloy::primitives::{Address, Bytes, U256};
use fernet_l1::{
    BlobBundle, Intent, IntentKey, L1Block, Stage, TickReport, TxManager, TxStatus, WaitReason, WhenReverting,
};
use fernet_protocol::{L1Slot, Slot};

use crate::error::ProverError;
use crate::machine::Input;
use crate::report::{Action, ActionKind, StepReport};

/// Times that a transaction is sent anew after L1 reverted it. Each costs gas; what fails three times is not a race lost.
const MAX_ATTEMPTS: u32 = 3;

/// What a transaction needs besides its action.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) to: Address,
    pub(crate) calldata: Bytes,
    pub(crate) blobs: Option<BlobBundle>,
    pub(crate) until: L1Slot,
}

/// The transaction managers with the names of what they were asked for.
#[derive(Debug)]
pub(crate) struct Submissions {
    transactions: TxManager,
    payee: Option<TxManager>,
    fee_ceiling: U256,
    actions: BTreeMap<IntentKey, Action>,
    claims: u64,
}

impl Submissions {
    pub(crate) fn new(transactions: TxManager, payee: Option<TxManager>, fee_ceiling: U256) -> Self {
        Self { transactions, payee, fee_ceiling, actions: BTreeMap::new(), claims: 0 }
    }

    /// Lets the transaction managers do their work, and takes note of what became of transactions.
    pub(crate) async fn tick(
        &mut self,
        block: &L1Block,
        report: &mut StepReport,
    ) -> Result<Vec<Input>, ProverError> {
        let mut ticks = Vec::new();
        for manager in std::iter::once(&mut self.transactions).chain(self.payee.as_mut()) {
            match manager.tick(block).await {
                Ok(tick) => ticks.push(tick),
                Err(error) if error.is_retryable() => report.troubles.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ticks.into_iter().flat_map(|tick| self.note(tick, report)).collect())
    }

    /// Refused finalizations are returned: the prover may have to stop taking work.
    fn note(&self, tick: TickReport, report: &mut StepReport) -> Vec<Input> {
        let action = |key: &IntentKey| self.actions.get(key).copied();
        let mut refused = Vec::new();
        let mut refuse = |action: Action, reason: String| {
            if action.kind == ActionKind::Finalize {
                refused.push(Input::FinalizeRefused { header_hash: action.header_hash, reason });
            }
        };
        report.sent.extend(tick.sent.iter().filter_map(|(key, hash)| Some((action(key)?, *hash))));
        report.expired.extend(tick.expired.iter().filter_map(action));
        for (key, outcome) in tick.mined {
            report.mined.extend(action(&key).map(|action| (action, outcome)));
        }
        for (key, reason) in tick.failed {
            if let Some(action) = action(&key) {
                refuse(action, reason.to_string());
                report.failed.push((action, reason));
            }
        }
        for (key, reason) in tick.waiting {
            if let (Some(action), WaitReason::WouldRevert { reason }) = (action(&key), reason) {
                refuse(action, reason);
            }
        }
        refused
    }

    fn manager(&mut self, action: Action) -> &mut TxManager {
        match (action.kind, self.payee.as_mut()) {
            (ActionKind::Claim { .. }, Some(payee)) => payee,
            _ => &mut self.transactions,
        }
    }

    /// The first attempt that L1 hasn't reverted, if any are left.
    fn attempt(&mut self, action: Action) -> Result<Option<IntentKey>, ProverError> {
        for attempt in 0..MAX_ATTEMPTS {
            let key = key(action, attempt)?;
            if !matches!(self.manager(action).status(&key), Some(TxStatus::Failed { .. })) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether nothing is to be done about an action: it is under way, done, or hopeless.
    pub(crate) fn is_submitted(&mut self, action: Action) -> Result<bool, ProverError> {
        let Some(key) = self.attempt(action)? else {
            return Ok(true);
        };
        let known = self.manager(action).status(&key).is_some();
        if known {
            self.actions.insert(key, action);
        }
        Ok(known)
    }

    /// Submits a transaction unless it is under way. It is simulated again as long as its window is open.
    pub(crate) async fn submit(
        &mut self,
        action: Action,
        draft: Draft,
        not_before: L1Slot,
        report: &mut StepReport,
    ) -> Result<(), ProverError> {
        if self.is_submitted(action)? || draft.until <= not_before {
            return Ok(());
        }
        let Some(key) = self.attempt(action)? else {
            return Ok(());
        };
        self.actions.insert(key.clone(), action);
        let intent = Intent {
            key,
            to: draft.to,
            calldata: draft.calldata,
            value: U256::ZERO,
            blobs: draft.blobs,
            not_before,
            expires_at: draft.until,
            value_at_risk: self.fee_ceiling,
            gas_limit: None,
            when_reverting: WhenReverting::Retry,
        };
        match self.manager(action).submit(intent).await? {
            TxStatus::Pending(Stage::Sent { hash, .. }) => report.sent.push((action, hash)),
            TxStatus::Failed { reason, .. } => report.failed.push((action, reason)),
            TxStatus::Pending(_) | TxStatus::Mined(_) | TxStatus::Expired { .. } => {}
        }
        Ok(())
    }

    /// The next claim, unless one is under way. Those that are over have used up their numbers.
    pub(crate) fn next_claim(&mut self, slot: Slot) -> Result<Option<Action>, ProverError> {
        loop {
            let kind = ActionKind::Claim { number: self.claims };
            let action = Action { kind, slot, header_hash: Default::default() };
            match self.manager(action).status(&key(action, 0)?) {
                Some(TxStatus::Pending(_)) => return Ok(None),
                Some(_) => self.claims = self.claims.saturating_add(1),
                None => return Ok(Some(action)),
            }
        }
    }

    /// Drops the names of what is about slots before `oldest`.
    pub(crate) fn forget_before(&mut self, oldest: Slot) {
        self.actions.retain(|_, action| action.slot >= oldest);
    }

    pub(crate) const fn transactions(&self) -> &TxManager {
        &self.transactions
    }
}

fn key(action: Action, attempt: u32) -> Result<IntentKey, ProverError> {
    Ok(IntentKey::new(format!("{action}/{attempt}"))?)
}
