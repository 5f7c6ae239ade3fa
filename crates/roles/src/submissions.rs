//! L1 transactions of a role: every action becomes an intent, and every attempt at it has its own key.

use std::collections::BTreeMap;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use fernet_bindings::IRewards;
use fernet_l1::{
    BlobSidecar, FailureReason, Intent, IntentKey, L1Block, PendingStage, TickReport, TxError, TxManager,
    TxStatus, WaitReason, WhenReverting,
};
use fernet_protocol::{L1Slot, Slot};

use crate::error::RoleError;
use crate::report::{Action, ActionKind, StepReport};
use crate::shutdown::Outstanding;

/// Default of the most that a transaction may cost, in wei: one ether, far above usual fees.
pub const DEFAULT_MAX_TOTAL_FEE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Default of what is lost with a duty that doesn't land, in wei: a twentieth of an ether. In the last L1
/// slots, the fees of the duty's transaction rise up to this.
pub const DEFAULT_AT_STAKE: U256 = U256::from_limbs([50_000_000_000_000_000, 0, 0, 0]);

/// Default of the rewards that are worth a claim, in token units: one token.
pub const DEFAULT_CLAIM_FROM: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Attempts at an action that L1 reverts. Each costs gas. An action that failed three times did not just lose
/// a race.
const MAX_ATTEMPTS: u32 = 3;

/// L1 slots that a claim has to land. A claim that doesn't land loses nothing.
const CLAIM_WINDOW: u64 = 64;

/// A transaction to submit.
#[derive(Debug)]
pub struct TxRequest {
    /// The contract to call.
    pub to: Address,
    /// The call's data.
    pub calldata: Bytes,
    /// Blobs that the transaction carries.
    pub blobs: Option<BlobSidecar>,
    /// First L1 slot in which the transaction may not land any more.
    pub expires_at: L1Slot,
    /// What happens when the transaction's simulation reverts.
    pub when_reverting: WhenReverting,
    /// Whether something is lost if it doesn't land.
    pub stakes: Stakes,
}

/// Whether something is lost if a transaction doesn't land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stakes {
    /// Nothing but time.
    None,
    /// A duty: a penalty, a bond or a reward.
    Duty,
}

impl TxRequest {
    /// A call without blobs. If its simulation reverts, it is simulated again at later L1 blocks.
    #[must_use]
    pub fn call(to: Address, call: &impl SolCall, expires_at: L1Slot) -> Self {
        let calldata = call.abi_encode().into();
        let (blobs, when_reverting, stakes) = (None, WhenReverting::Retry, Stakes::Duty);
        Self { to, calldata, blobs, expires_at, when_reverting, stakes }
    }
}

/// How rewards are claimed, and the limit on fees.
#[derive(Debug, Clone, Copy)]
pub struct ClaimTerms {
    /// The Rewards contract.
    pub rewards: Address,
    /// The account that receives claimed rewards.
    pub claim_to: Address,
    /// The most that any transaction may cost, in wei.
    pub max_total_fee: U256,
    /// What is lost with a duty that doesn't land, in wei.
    pub at_stake: U256,
}

/// The result of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The action is under way, or no attempt is worth making.
    Accepted,
    /// The transaction failed at once.
    Failed,
}

/// Why a transaction doesn't land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxProblem {
    /// It failed for good.
    Failed(FailureReason),
    /// Its window closed.
    Expired,
    /// It would revert now. It is tried again.
    WouldRevert {
        /// The contract's error.
        reason: String,
    },
}

/// A role's transaction managers, and the actions that their intents belong to.
#[derive(Debug)]
pub struct Submissions<K> {
    transactions: TxManager,
    /// Sends the claims, where another account is owed the rewards.
    claimant: Option<TxManager>,
    terms: ClaimTerms,
    actions: BTreeMap<IntentKey, Action<K>>,
    /// Number of the next claim.
    claims: u64,
    head: Option<L1Block>,
}

impl<K: ActionKind> Submissions<K> {
    /// Sends from `transactions`; claims from `claimant`, if there is one.
    #[must_use]
    pub const fn new(transactions: TxManager, claimant: Option<TxManager>, terms: ClaimTerms) -> Self {
        Self { transactions, claimant, terms, actions: BTreeMap::new(), claims: 0, head: None }
    }

    /// The manager of everything but claims from another account.
    #[must_use]
    pub const fn transactions(&self) -> &TxManager {
        &self.transactions
    }

    /// Sets the L1 block that [`Self::manage`] acts on.
    pub fn set_head(&mut self, block: &L1Block) {
        self.head = Some(block.clone());
    }

    /// Sends, replaces and cancels the transactions submitted before, as the L1 block requires, and records
    /// what became of them. Returns the actions that have a problem.
    ///
    /// # Errors
    /// When a manager fails with an error that isn't retryable.
    pub async fn manage<E, S>(
        &mut self,
        report: &mut StepReport<K, E, S>,
    ) -> Result<Vec<(Action<K>, TxProblem)>, RoleError> {
        let Some(head) = &self.head else {
            return Ok(Vec::new());
        };
        let mut ticks = Vec::new();
        for manager in std::iter::once(&mut self.transactions).chain(self.claimant.as_mut()) {
            match manager.tick(head).await {
                Ok(tick) => ticks.push(tick),
                Err(error) if error.is_retryable() => {
                    report.retryable_errors.push(error.to_string());
                    report.l1_failed = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ticks.into_iter().flat_map(|tick| self.note(tick, report)).collect())
    }

    /// The transactions that may still be included.
    #[must_use]
    pub fn open(&self) -> Vec<(IntentKey, PendingStage)> {
        let managers = std::iter::once(&self.transactions).chain(self.claimant.as_ref());
        managers.flat_map(TxManager::pending).map(|(key, stage)| (key.clone(), stage)).collect()
    }

    /// Closes the windows that are over in L1 slot `now`, although L1 shows no new block.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn close_windows(&mut self, now: L1Slot) -> Result<(), RoleError> {
        for manager in std::iter::once(&mut self.transactions).chain(self.claimant.as_mut()) {
            manager.close_windows(now).await?;
        }
        Ok(())
    }

    fn note<E, S>(&self, tick: TickReport, report: &mut StepReport<K, E, S>) -> Vec<(Action<K>, TxProblem)> {
        let action = |key: &IntentKey| self.actions.get(key).copied();
        let mut problems = Vec::new();
        report.included.extend(tick.included);
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
        report.l1_failed |= !tick.troubled.is_empty();
        report
            .retryable_errors
            .extend(tick.troubled.into_iter().map(|(key, error)| format!("{key}: {error}")));
        for (key, reason) in tick.waiting {
            report.l1_failed |= is_of_l1(&reason);
            if let (Some(action), WaitReason::WouldRevert { reason }) = (action(&key), reason) {
                problems.push((action, TxProblem::WouldRevert { reason }));
            }
        }
        problems
    }

    fn manager(&mut self, action: Action<K>) -> &mut TxManager {
        match (action, self.claimant.as_mut()) {
            (Action::Claim { .. }, Some(claimant)) => claimant,
            _ => &mut self.transactions,
        }
    }

    /// The first attempt that L1 hasn't reverted; `None` if it has reverted all of them.
    fn attempt(&mut self, action: Action<K>) -> Result<Option<IntentKey>, RoleError> {
        for attempt in 0..MAX_ATTEMPTS {
            let key = key(action, attempt)?;
            if !matches!(self.manager(action).status(&key), Some(TxStatus::Failed { .. })) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether the action needs no submission: it is under way, done, or has failed too often.
    ///
    /// # Errors
    /// When the action's text is too long for a key.
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

    /// Whether a transaction of the action may still land: it waits, or was sent and isn't being cancelled.
    ///
    /// # Errors
    /// When the action's text is too long for a key.
    pub fn is_open(&mut self, action: Action<K>) -> Result<bool, RoleError> {
        for attempt in 0..MAX_ATTEMPTS {
            let key = key(action, attempt)?;
            if let Some(TxStatus::Pending(stage)) = self.manager(action).status(&key) {
                return Ok(!matches!(stage, PendingStage::Cancelling { .. }));
            }
        }
        Ok(false)
    }

    /// The transactions that may still land, of every manager.
    pub fn outstanding(&self) -> impl Iterator<Item = Outstanding> + '_ {
        let managers = std::iter::once(&self.transactions).chain(&self.claimant);
        managers.flat_map(TxManager::statuses).filter_map(|(key, status)| match status {
            TxStatus::Pending(PendingStage::Cancelling { .. }) => None,
            TxStatus::Pending(_) => Some(Outstanding::Transaction { key: key.clone() }),
            TxStatus::Mined(_) | TxStatus::Failed { .. } | TxStatus::Expired { .. } => None,
        })
    }

    /// Submits a transaction, unless [`Self::is_submitted`] says otherwise or its window closes before
    /// `not_before`.
    ///
    /// # Errors
    /// When the transaction manager fails.
    pub async fn submit<E, S>(
        &mut self,
        action: Action<K>,
        request: TxRequest,
        not_before: L1Slot,
        report: &mut StepReport<K, E, S>,
    ) -> Result<SubmitOutcome, RoleError> {
        if self.is_submitted(action)? || request.expires_at <= not_before {
            return Ok(SubmitOutcome::Accepted);
        }
        let Some(key) = self.attempt(action)? else {
            return Ok(SubmitOutcome::Accepted);
        };
        self.actions.insert(key.clone(), action);
        let intent = Intent {
            key,
            to: request.to,
            calldata: request.calldata,
            value: U256::ZERO,
            blobs: request.blobs,
            not_before,
            expires_at: request.expires_at,
            max_total_fee: self.terms.max_total_fee,
            at_stake: match request.stakes {
                Stakes::None => U256::ZERO,
                Stakes::Duty => self.terms.at_stake,
            },
            gas_limit: None,
            when_reverting: request.when_reverting,
        };
        match self.manager(action).submit(intent).await? {
            TxStatus::Pending(PendingStage::Sent { hash, .. }) => report.sent.push((action, hash)),
            TxStatus::Failed { reason, .. } => {
                report.failed.push((action, reason));
                return Ok(SubmitOutcome::Failed);
            }
            TxStatus::Pending(PendingStage::Waiting(reason)) => report.l1_failed |= is_of_l1(&reason),
            TxStatus::Pending(_) | TxStatus::Mined(_) | TxStatus::Expired { .. } => {}
        }
        Ok(SubmitOutcome::Accepted)
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
        let request = TxRequest {
            stakes: Stakes::None,
            ..TxRequest::call(self.terms.rewards, &call, now.plus(CLAIM_WINDOW))
        };
        self.submit(action, request, now.plus(1), report).await.map(drop)
    }

    /// The next claim; `None` while one is pending. A claim that is over has used its number.
    fn next_claim(&mut self, slot: Slot) -> Result<Option<Action<K>>, RoleError> {
        loop {
            let action = Action::Claim { number: self.claims, slot };
            match self.manager(action).status(&key(action, 0)?) {
                Some(TxStatus::Pending(_)) => return Ok(None),
                Some(_) => self.claims = self.claims.saturating_add(1),
                None => return Ok(Some(action)),
            }
        }
    }

    /// Withdraws every attempt at an action. [`Self::manage`] replaces the transactions that were sent by
    /// no-ops.
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

    /// Removes the actions of slots before `oldest`. Their transactions stay with the managers.
    pub fn prune_before(&mut self, oldest: Slot) {
        self.actions.retain(|_, action| action.slot() >= oldest);
    }
}

/// Whether an endpoint of the L1 is the reason to wait.
const fn is_of_l1(reason: &WaitReason) -> bool {
    matches!(reason, WaitReason::Unreachable { .. } | WaitReason::Refused { .. })
}

fn key<K: ActionKind>(action: Action<K>, attempt: u32) -> Result<IntentKey, RoleError> {
    Ok(IntentKey::new(format!("{action}/{attempt}"))?)
}
