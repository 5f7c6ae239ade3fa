//! Sends actions as intents of an account's store.

use std::{fmt, time::Duration};

use alloy::{
    primitives::{Address, TxHash, U256, utils::format_ether},
    providers::Provider as _,
    rpc::types::TransactionReceipt,
    sol_types::SolEvent,
};
use fernet_bindings::IERC20;
use fernet_l1::{
    Accounts, FailureReason, Intent, IntentKey, PendingStage, TransactionSigner, TxConfig, TxManager,
    TxOutcome, TxStatus, TxStore, WaitReason, WhenReverting,
};
use tokio::time::sleep;

use crate::{
    access::L1Access,
    action::Action,
    error::ActionError,
    simulation::{Simulated, simulate},
};

/// Looks at L1 in an L1 slot.
const LOOKS_PER_SLOT: u64 = 24;
/// Shortest and longest time between two looks, in milliseconds.
const LOOK_EVERY: std::ops::RangeInclusive<u64> = 100..=1_000;

/// On which terms transactions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendTerms {
    /// Most that each transaction may pay in fees, in wei.
    pub max_fee: U256,
    /// L1 slots in which each transaction must be included; then it is withdrawn.
    pub window: u64,
    /// L1 blocks that an included transaction must have, its own among them.
    pub confirmations: u64,
}

impl Default for SendTerms {
    /// A twentieth of an ether, ten minutes of 12-second slots, and its own block.
    fn default() -> Self {
        Self { max_fee: U256::from(50_000_000_000_000_000_u64), window: 50, confirmations: 1 }
    }
}

/// What an action takes before it is sent.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Approvals of the token that are sent first.
    pub approvals: Vec<Action>,
    /// Gas of everything together; `None` if the node can't tell.
    pub gas: Option<u64>,
    /// What that costs at present, in wei.
    pub fee: Option<U256>,
    /// Most that it may cost, in wei.
    pub max_fee: U256,
}

/// What happens while an action is performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A transaction was sent, or sent again with higher fees.
    Sent {
        /// What it does.
        what: String,
        /// Its hash.
        hash: TxHash,
    },
    /// It isn't sent yet.
    Waiting {
        /// Why.
        reason: String,
    },
    /// It is being withdrawn, since its time is over.
    Withdrawing,
    /// The L1 failed; it is asked again.
    Trouble {
        /// What it said.
        message: String,
    },
}

/// Who submitted an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmittedBy {
    /// This call.
    ThisCall,
    /// An earlier process, which ended before it told the outcome.
    EarlierProcess,
}

/// An action that was performed.
#[derive(Clone, Debug)]
pub struct Performed {
    /// Who submitted it.
    pub submitted_by: SubmittedBy,
    /// Key of its intent.
    pub key: IntentKey,
    /// Its inclusion.
    pub outcome: TxOutcome,
    /// Receipt of its transaction.
    pub receipt: TransactionReceipt,
}

impl Performed {
    /// The first event of a kind in the receipt.
    #[must_use]
    pub fn event<E: SolEvent>(&self) -> Option<E> {
        let mut logs = self.receipt.inner.logs().iter();
        logs.find_map(|log| E::decode_log(&log.inner).ok()).map(|log| log.data)
    }
}

/// Sends the actions of one account. Its store may belong to no other process meanwhile.
pub struct Sender {
    access: L1Access,
    manager: TxManager,
    account: Address,
    terms: SendTerms,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("account", &self.account).field("terms", &self.terms).finish()
    }
}

impl Sender {
    /// A sender for the account of `signer`, with the intents of `store`. Those of earlier processes go on.
    ///
    /// # Errors
    /// If the store or the L1 fails.
    pub async fn open(
        access: L1Access,
        signer: TransactionSigner,
        store: TxStore,
        terms: SendTerms,
    ) -> Result<Self, ActionError> {
        let accounts = Accounts::new(signer);
        let account = accounts.plain();
        let deployment = access.deployment();
        let config = TxConfig::new(deployment.chain_id(), deployment.clock());
        let manager = TxManager::open(access.provider.clone(), accounts, store, config)?;
        let mut sender = Self { access, manager, account, terms };
        sender.tick().await?;
        Ok(sender)
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> Address {
        self.account
    }

    /// The L1.
    #[must_use]
    pub fn access(&self) -> &L1Access {
        &self.access
    }

    async fn tick(&mut self) -> Result<u64, ActionError> {
        let block = self.access.refresh().await?;
        self.manager.tick(&block).await?;
        Ok(block.number)
    }

    /// The intent of an equal action that an earlier process submitted and whose outcome nobody was told.
    ///
    /// # Errors
    /// If the store fails.
    pub fn interrupted(&self, action: &Action) -> Result<Option<IntentKey>, ActionError> {
        let mut number = 0;
        loop {
            let key = action.key(number)?;
            match self.manager.status(&key) {
                None => return Ok(None),
                Some(_) if self.manager.is_reported(&key)? => number += 1,
                Some(_) => return Ok(Some(key)),
            }
        }
    }

    fn next_key(&self, action: &Action) -> Result<IntentKey, ActionError> {
        let mut number = 0;
        loop {
            let key = action.key(number)?;
            if self.manager.status(&key).is_none() {
                return Ok(key);
            }
            number += 1;
        }
    }

    /// Tries an action out, and tells what it takes. Nothing is sent.
    ///
    /// # Errors
    /// If the contracts would refuse it, the account has too little, another process sends from the account,
    /// or the L1 doesn't answer.
    pub async fn preview(&self, action: &Action) -> Result<Preview, ActionError> {
        self.require_own_transactions().await?;
        let approvals = self.approvals(action).await?;
        let calls: Vec<&Action> = approvals.iter().chain([action]).collect();
        let gas = match simulate(&self.access, self.account, &calls).await? {
            Simulated::Succeeds { gas } => Some(gas),
            Simulated::Unknown => None,
        };
        let price = self.access.provider.get_gas_price().await.map_err(ActionError::transport)?;
        let fee = gas.map(|gas| U256::from(gas).saturating_mul(U256::from(price)));
        let max_fee = self.terms.max_fee.saturating_mul(U256::from(calls.len()));
        let ether = self.access.ether_of(self.account).await?;
        let needed = fee.unwrap_or(U256::ONE);
        if ether < needed {
            return Err(ActionError::InsufficientEther {
                account: self.account,
                needed: format_ether(needed),
                actual: format_ether(ether),
            });
        }
        Ok(Preview { approvals, gas, fee, max_fee })
    }

    /// The approvals that an action needs first.
    async fn approvals(&self, action: &Action) -> Result<Vec<Action>, ActionError> {
        if action.takes.is_zero() {
            return Ok(Vec::new());
        }
        let balance = self.access.tokens_of(self.account).await?;
        let units = self.access.units();
        if balance < action.takes {
            return Err(ActionError::InsufficientTokens {
                account: self.account,
                needed: units.tokens(action.takes),
                actual: units.tokens(balance),
            });
        }
        let token = self.access.deployment.contracts().token;
        let contract = IERC20::new(token, self.access.provider.clone());
        let allowed = contract.allowance(self.account, action.to).call().await;
        let allowed = allowed.map_err(|error| self.access.failed(error))?;
        if allowed >= action.takes {
            return Ok(Vec::new());
        }
        let approve = |amount: U256| Action::approve(token, action.to, amount, &units.tokens(amount));
        // Some tokens refuse to change an allowance that isn't zero.
        let reset = (!allowed.is_zero()).then(|| approve(U256::ZERO));
        Ok(reset.into_iter().chain([approve(action.takes)]).collect())
    }

    /// Two managers of one account would use its nonces twice.
    async fn require_own_transactions(&self) -> Result<(), ActionError> {
        let count = async |pending: bool| {
            let count = self.access.provider.get_transaction_count(self.account);
            let count = if pending { count.pending() } else { count };
            count.await.map_err(ActionError::transport)
        };
        let pending = count(true).await?.saturating_sub(count(false).await?);
        let is_own = self.manager.statuses().any(|(_, status)| {
            matches!(status, TxStatus::Pending(PendingStage::Sent { .. } | PendingStage::Cancelling { .. }))
        });
        if pending == 0 || is_own {
            return Ok(());
        }
        Err(ActionError::ForeignTransactions { account: self.account, pending })
    }

    /// Sends the approvals that an action needs and the action itself, and waits until it is included. An
    /// equal action that an earlier process left behind is waited for instead. The caller reports the outcome
    /// to the user and then calls [`Self::set_reported`].
    ///
    /// # Errors
    /// If the contracts refuse the action, it isn't included in time, or the L1 or the store fails.
    pub async fn perform(
        &mut self,
        action: &Action,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Performed, ActionError> {
        if let Some(key) = self.interrupted(action)? {
            let performed = self.wait_for(&key, action, progress).await?;
            return Ok(Performed { submitted_by: SubmittedBy::EarlierProcess, ..performed });
        }
        for approval in self.approvals(action).await? {
            let key = match self.interrupted(&approval)? {
                Some(key) => key,
                None => self.submit(&approval, progress).await?,
            };
            let performed = self.wait_for(&key, &approval, progress).await?;
            self.set_reported(&performed.key)?;
        }
        let key = self.submit(action, progress).await?;
        self.wait_for(&key, action, progress).await
    }

    /// Notes that the user was told the outcome of an action: the next equal action is a new one.
    ///
    /// # Errors
    /// If the store fails.
    pub fn set_reported(&self, key: &IntentKey) -> Result<(), ActionError> {
        Ok(self.manager.set_reported(key)?)
    }

    async fn submit(
        &mut self,
        action: &Action,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<IntentKey, ActionError> {
        let now = self.access.units().now;
        let key = self.next_key(action)?;
        let status = self
            .manager
            .submit(Intent {
                key: key.clone(),
                to: action.to,
                calldata: action.calldata.clone(),
                value: U256::ZERO,
                blobs: None,
                not_before: now,
                expires_at: now.plus(self.terms.window.max(2)),
                max_total_fee: self.terms.max_fee,
                at_stake: U256::ZERO,
                gas_limit: None,
                when_reverting: WhenReverting::GiveUp,
            })
            .await?;
        tell(&status, action, &mut None, progress);
        Ok(key)
    }

    async fn wait_for(
        &mut self,
        key: &IntentKey,
        action: &Action,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Performed, ActionError> {
        let mut told = None;
        let mut head = None;
        loop {
            match (self.manager.status(key), head) {
                (Some(TxStatus::Mined(outcome)), Some(head)) if self.is_confirmed(&outcome, head) => {
                    let receipt = self.access.provider.get_transaction_receipt(outcome.hash).await;
                    match receipt.map_err(ActionError::transport)? {
                        Some(receipt) if Some(outcome.block_hash) == receipt.block_hash => {
                            let submitted_by = SubmittedBy::ThisCall;
                            return Ok(Performed { submitted_by, key: key.clone(), outcome, receipt });
                        }
                        // The branch is changing: the next tick knows more.
                        _ => {}
                    }
                }
                (Some(TxStatus::Failed { reason, outcome }), _) => {
                    self.set_reported(key)?;
                    return Err(self.failure(reason, outcome));
                }
                (Some(TxStatus::Expired { .. }), _) => {
                    self.set_reported(key)?;
                    return Err(ActionError::Expired { window: self.access.units().span(self.terms.window) });
                }
                (Some(status), _) => tell(&status, action, &mut told, progress),
                (None, _) => {}
            }
            if head.is_some() {
                self.pause().await;
            }
            match self.tick().await {
                Ok(number) => head = Some(number),
                Err(error) if error.is_retryable() => {
                    progress(Progress::Trouble { message: error.to_string() });
                    self.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits a while, and looks at L1's newest block.
    ///
    /// # Errors
    /// If the store fails, or the L1 in a way that doesn't pass.
    pub async fn look_again(&mut self) -> Result<(), ActionError> {
        self.pause().await;
        match self.tick().await {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(()),
        }
    }

    async fn pause(&self) {
        let slot = self.access.units().slot_seconds.saturating_mul(1_000);
        let wait = (slot / LOOKS_PER_SLOT).clamp(*LOOK_EVERY.start(), *LOOK_EVERY.end());
        sleep(Duration::from_millis(wait)).await;
    }

    fn is_confirmed(&self, outcome: &TxOutcome, head: u64) -> bool {
        head.saturating_add(1) >= outcome.block_number.saturating_add(self.terms.confirmations)
    }

    fn failure(&self, reason: FailureReason, outcome: Option<TxOutcome>) -> ActionError {
        match (reason, outcome) {
            (FailureReason::WouldRevert { data, reason }, _) => {
                if data.is_empty() {
                    ActionError::Reverted { reason }
                } else {
                    ActionError::of_revert(&data, self.access.units())
                }
            }
            (FailureReason::Withdrawn, _) => ActionError::Withdrawn,
            (FailureReason::Reverted { reason }, outcome) => {
                ActionError::Failed { hash: outcome.map(|outcome| outcome.hash).unwrap_or_default(), reason }
            }
        }
    }
}

/// Tells a change of a status once.
fn tell(
    status: &TxStatus,
    action: &Action,
    told: &mut Option<Progress>,
    progress: &mut (dyn FnMut(Progress) + Send),
) {
    let event = match status {
        TxStatus::Pending(PendingStage::Sent { hash, .. }) => {
            Progress::Sent { what: action.description.clone(), hash: *hash }
        }
        TxStatus::Pending(PendingStage::Cancelling { .. }) => Progress::Withdrawing,
        // It is tried at once.
        TxStatus::Pending(PendingStage::Waiting(WaitReason::New)) => return,
        TxStatus::Pending(PendingStage::Waiting(reason)) => Progress::Waiting { reason: reason.to_string() },
        TxStatus::Mined(_) | TxStatus::Failed { .. } | TxStatus::Expired { .. } => return,
    };
    if told.as_ref() != Some(&event) {
        *told = Some(event.clone());
        progress(event);
    }
}
