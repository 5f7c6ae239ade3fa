//! From actions to intents, each attempt under its own key.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolCall;
use fernet_bindings::IRewards;
use fernet_l1::{
    BlobSidecar, FailureReason, Intent, IntentKey, L1Block, PendingStage, TickReport, TxError, TxManager,
    TxStatus, WaitReason, WhenReverting,
};
use fernet_protocol::{L1Slot, Slot};

use crate::error::RoleError;
use crate::report::{Action, ActionKind, StepReport};

/// Times that a transaction is sent anew after L1 reverted it. Each costs gas; what fails three times is not a race lost.
const MAX_ATTEMPTS: u32 = 3;

/// L1 slots that a claim has to land. Nothing is lost if it doesn't.
const CLAIM_WINDOW: u64 = 64;

/// What a transaction needs besides its action.
#[derive(Debug)]
pub struct TxRequest {
    /// Contract called.
    pub to: Address,
    /// Calldata.
    pub calldata: Bytes,
    /// Blobs carried.
    pub blobs: Option<BlobSidecar>,
    /// First L1 slot that is too late.
    pub until: L1Slot,
    /// What to do when its simulation reverts.
    pub when_reverting: WhenReverting,
}

impl TxRequest {
    /// A call without blobs that is tried again as long as its window is open.
    #[must_use]
    pub fn call(to: Address, call: &impl SolCall, until: L1Slot) -> Self {
        let calldata = call.abi_encode().into();
        Self { to, calldata, blobs: None, until, when_reverting: WhenReverting::Retry }
    }
}

/// How rewards are claimed, and what any transaction may cost.
#[derive(Debug, Clone, Copy)]
pub struct ClaimTerms {
    /// The contract that owes them.
    pub rewards: Address,
    /// Where they go.
    pub claim_to: Address,
    /// What a transaction may cost at most, in wei.
    pub max_total_fee: U256,
}

/// What came of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way, was before, or is not worth an attempt any more.
    Taken,
    /// It failed at once.
    Failed,
}

/// What stands in a transaction's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxProblem {
    /// It failed for good.
    Failed(FailureReason),
    /// Its window closed.
    Expired,
    /// It would revert now, and waits.
    WouldRevert {
        /// L1's reason.
        reason: String,
    },
}

/// The transaction managers with the names of what they were asked for.
#[derive(Debug)]
pub struct Submissions<K> {
    transactions: TxManager,
    /// Claims, where they come from another account.
    claimant: Option<TxManager>,
    terms: ClaimTerms,
    actions: BTreeMap<IntentKey, Action<K>>,
    claims: u64,
}

impl<K: ActionKind> Submissions<K> {
    /// Sends from `transactions`, and claims from `claimant` if there is one.
    #[must_use]
    pub const fn new(transactions: TxManager, claimant: Option<TxManager>, terms: ClaimTerms) -> Self {
        Self { transactions, claimant, terms, actions: BTreeMap::new(), claims: 0 }
    }

    /// Sends the role's transactions.
    #[must_use]
    pub const fn transactions(&self) -> &TxManager {
        &self.transactions
    }

    /// Lets the transaction managers do their work, and takes note of what became of transactions.
    ///
    /// # Errors
    /// When a manager fails in a way that the next block won't mend.
    pub async fn tick<E, S>(
        &mut self,
        block: &L1Block,
        report: &mut StepReport<K, E, S>,
    ) -> Result<Vec<(Action<K>, TxProblem)>, RoleError> {
        let mut ticks = Vec::new();
        for manager in std::iter::once(&mut self.transactions).chain(self.claimant.as_mut()) {
            match manager.tick(block).await {
                Ok(tick) => ticks.push(tick),
                Err(error) if error.is_retryable() => report.retryable_errors.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ticks.into_iter().flat_map(|tick| self.note(tick, report)).collect())
    }

    fn note<E, S>(&self, tick: TickReport, report: &mut StepReport<K, E, S>) -> Vec<(Action<K>, TxProblem)> {
        let action = |key: &IntentKey| self.actions.get(key).copied();
        let mut problems = Vec::new();
        report.sent.extend(tick.sent.iter().filter_map(|(key, hash)| Some((action(key)?, *hash))));
        for (key, outcome) in tick.mined {
            report.mined.extend(action(&key).map(|action| (action, outcome)));
        }
        for (action, reason) in tick.failed.into_iter().filter_map(|(key, why)| Some((action(&key)?, why))) {
            report.failed.push((action, reason.clone()));
            problems.push((action, TxProblem::Failed(reason)));
        }
        for action in tick.expired.iter().filter_map(action) {
            report.expired.push(action);
            problems.push((action, TxProblem::Expired));
        }
        for (key, reason) in tick.waiting {
            if let (Some(action), WaitReason::WouldRevert { reason }) = (action(&key), reason) {
                problems.push((action, TxProblem::WouldRevert { reason }));
            }
        }
        problems
    }

    fn manager(&mut self, action: Action<K>) -> &mut TxManager {
        match (action.kind.claim_number(), self.claimant.as_mut()) {
            (Some(_), Some(claimant)) => claimant,
            _ => &mut self.transactions,
        }
    }

    /// The first attempt that L1 hasn't reverted, if any are left.
    fn attempt(&mut self, action: Action<K>) -> Result<Option<IntentKey>, RoleError> {
        for attempt in 0..MAX_ATTEMPTS {
            let key = key(action, attempt)?;
            if !matches!(self.manager(action).status(&key), Some(TxStatus::Failed { .. })) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether nothing is to be done about an action: it is under way, done, or hopeless.
    ///
    /// # Errors
    /// When the action has no key.
    pub fn is_submitted(&mut self, action: Action<K>) -> Result<bool, RoleError> {
        let Some(key) = self.attempt(action)? else {
            return Ok(true);
        };
        let known = self.manager(action).status(&key).is_some();
        if known {
            self.actions.insert(key, action);
        }
        Ok(known)
    }

    /// Submits a transaction unless it is under way, or its window closes before `not_before`.
    ///
    /// # Errors
    /// When the transaction manager fails.
    pub async fn submit<E, S>(
        &mut self,
        action: Action<K>,
        draft: TxRequest,
        not_before: L1Slot,
        report: &mut StepReport<K, E, S>,
    ) -> Result<Outcome, RoleError> {
        if self.is_submitted(action)? || draft.until <= not_before {
            return Ok(Outcome::Taken);
        }
        let Some(key) = self.attempt(action)? else {
            return Ok(Outcome::Taken);
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
            max_total_fee: self.terms.max_total_fee,
            gas_limit: None,
            when_reverting: draft.when_reverting,
        };
        match self.manager(action).submit(intent).await? {
            TxStatus::Pending(PendingStage::Sent { hash, .. }) => report.sent.push((action, hash)),
            TxStatus::Failed { reason, .. } => {
                report.failed.push((action, reason));
                return Ok(Outcome::Failed);
            }
            TxStatus::Pending(_) | TxStatus::Mined(_) | TxStatus::Expired { .. } => {}
        }
        Ok(Outcome::Taken)
    }

    /// Claims the rewards, unless a claim is under way.
    ///
    /// # Errors
    /// When the transaction manager fails.
    pub async fn claim<E, S>(
        &mut self,
        slot: Slot,
        now: L1Slot,
        report: &mut StepReport<K, E, S>,
    ) -> Result<(), RoleError> {
        let Some(action) = self.next_claim(slot)? else {
            return Ok(());
        };
        let call = IRewards::claimCall { to: self.terms.claim_to };
        let draft = TxRequest::call(self.terms.rewards, &call, now.plus(CLAIM_WINDOW));
        self.submit(action, draft, now.plus(1), report).await.map(drop)
    }

    /// One claim at a time; those that are over have used up their numbers.
    fn next_claim(&mut self, slot: Slot) -> Result<Option<Action<K>>, RoleError> {
        loop {
            let action = Action { kind: K::claim(self.claims), slot, header_hash: B256::ZERO };
            match self.manager(action).status(&key(action, 0)?) {
                Some(TxStatus::Pending(_)) => return Ok(None),
                Some(_) => self.claims = self.claims.saturating_add(1),
                None => return Ok(Some(action)),
            }
        }
    }

    /// Takes every attempt at an action back.
    ///
    /// # Errors
    /// When the transaction manager fails.
    pub fn cancel(&mut self, action: Action<K>) -> Result<(), RoleError> {
        for attempt in 0..MAX_ATTEMPTS {
            match self.manager(action).withdraw(&key(action, attempt)?) {
                Ok(_) | Err(TxError::UnknownKey { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Drops the names of what is about slots before `oldest`.
    pub fn forget_before(&mut self, oldest: Slot) {
        self.actions.retain(|_, action| action.slot >= oldest);
    }
}

fn key<K: ActionKind>(action: Action<K>, attempt: u32) -> Result<IntentKey, RoleError> {
    Ok(IntentKey::new(format!("{action}/{attempt}"))?)
}
