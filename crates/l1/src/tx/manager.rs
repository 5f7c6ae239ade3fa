//! The transaction manager: processes every intent at every L1 block.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use alloy::{
    eips::eip1559::BaseFeeParams,
    primitives::{Address, B256, TxHash, U256},
};
use fernet_protocol::{L1Clock, L1Slot};

use super::{
    chain::{Broadcast, Chain, NextBlock, Simulation},
    fees::{
        FeeEstimate, Fees, GAS_CAP, URGENT_SLOTS, Usage, first_offer, is_worth_raising, replacement, urgent,
    },
    intent::{
        FailureReason, Inclusion, Intent, IntentKey, PendingStage, TxOutcome, TxStatus, WaitReason,
        WhenReverting,
    },
    nonces::{gaps, next_free},
    record::{Attempt, AttemptKind, Record, Sent, Settled, State},
    sign::{Accounts, SignError, UnsignedTx, wire},
    store::{StoreError, TxStore},
};
use crate::{
    blobs::{BlobSidecar, SidecarFormat},
    endpoint::{FailureClass, RpcFailure},
    feed::L1Block,
    provider::L1Provider,
};

/// Number of blocks whose hashes are compared with those of receipts.
const RECENT_BLOCKS: usize = 256;
/// Gas of a plain transfer: the cost of a no-op.
const NO_OP_GAS: u64 = 21_000;
/// Most that a no-op costs by default, in wei: a hundredth of an ether, or 476 gwei per gas.
const MAX_NO_OP_FEE: u64 = 10_000_000_000_000_000;
/// One gwei, in wei.
const GWEI: u128 = 1_000_000_000;

/// Settings of a manager.
#[derive(Clone, Debug)]
pub struct TxConfig {
    /// Chain id in the signatures.
    pub chain_id: u64,
    /// Clock of L1 slots.
    pub clock: L1Clock,
    /// L1 blocks after which a transaction that wasn't included is replaced.
    pub replace_after: u64,
    /// L1 blocks after which a mined transaction counts as final.
    pub final_after: u64,
    /// Lowest tip of an offer, in wei per gas.
    pub least_tip: u128,
    /// Highest tip of a first offer, in wei per gas.
    pub most_tip: u128,
    /// Most that a no-op may cost in fees, in wei, unless it replaces a transaction that offered more.
    pub max_no_op_fee: U256,
    /// Sidecar format of the no-ops that cancel blob transactions.
    pub sidecars: SidecarFormat,
}

impl TxConfig {
    /// The default settings for a chain.
    pub fn new(chain_id: u64, clock: L1Clock) -> Self {
        Self {
            chain_id,
            clock,
            replace_after: 2,
            // Two epochs: mainnet finalizes older blocks.
            final_after: 64,
            least_tip: GWEI / 10,
            most_tip: 20 * GWEI,
            max_no_op_fee: U256::from(MAX_NO_OP_FEE),
            sidecars: SidecarFormat::default(),
        }
    }
}

/// Why the manager failed. Everything written before stays valid.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// The window is empty.
    #[error("window of {key} is empty: expected its end after L1 slot {not_before}, got {expires_at}")]
    EmptyWindow { key: IntentKey, not_before: L1Slot, expires_at: L1Slot },
    /// The key belongs to another intent, which was sent already.
    #[error("key {key} already names another intent, which was sent")]
    KeyReused { key: IntentKey },
    /// There is no intent with this key.
    #[error("no intent named {key}")]
    UnknownKey { key: IntentKey },
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The L1 failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl TxError {
    /// What to do about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Rpc(error) => error.class(),
            Self::Store(_) | Self::EmptyWindow { .. } | Self::KeyReused { .. } | Self::UnknownKey { .. } => {
                FailureClass::Fatal
            }
        }
    }

    /// Whether the next L1 block may resolve it.
    pub fn is_retryable(&self) -> bool {
        self.class().is_retryable()
    }
}

/// What one L1 block changed. Each list is in the order of submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Transactions sent, replacements and no-ops included.
    pub sent: Vec<(IntentKey, TxHash)>,
    /// Intents that were included and succeeded.
    pub mined: Vec<(IntentKey, TxOutcome)>,
    /// Intents that failed.
    pub failed: Vec<(IntentKey, FailureReason)>,
    /// Intents whose window closed.
    pub expired: Vec<IntentKey>,
    /// Transactions that were included, whatever came of their intents. After a reorg the same one may come
    /// again.
    pub included: Vec<Inclusion>,
    /// Intents that a reorg made pending again.
    pub undone: Vec<IntentKey>,
    /// Intents that aren't sent yet, with the reason.
    pub waiting: Vec<(IntentKey, WaitReason)>,
    /// Intents about which a request failed, with the failure. The next tick looks at them again.
    pub troubled: Vec<(IntentKey, String)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) l1_slot: L1Slot,
    /// Base fee of the next block, in wei per gas.
    base_fee: u128,
}

/// Sends intents; see the crate's introduction.
pub struct TxManager {
    pub(super) chain: Chain,
    accounts: Accounts,
    pub(super) store: TxStore,
    pub(super) config: TxConfig,
    pub(super) records: BTreeMap<IntentKey, Record>,
    /// Intents that aren't final, by order of submission. A tick processes these.
    pub(super) active: BTreeMap<u64, IntentKey>,
    pub(super) bundles: BTreeMap<IntentKey, BlobSidecar>,
    next_sequence: u64,
    pub(super) head: Option<Head>,
    /// Hashes of recent blocks of the head's chain, by number.
    pub(super) recent: BTreeMap<u64, B256>,
    /// Settled intents may be pending again, after a restart or a reorg.
    is_recheck_due: bool,
    /// Nonces on chain at the head.
    pub(super) nonces: BTreeMap<Address, u64>,
    estimate: Option<FeeEstimate>,
    /// Changes since the last successful tick.
    pub(super) report: TickReport,
}

impl fmt::Debug for TxManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxManager")
            .field("accounts", &self.accounts)
            .field("head", &self.head)
            .field("records", &self.records.len())
            .field("active", &self.active.len())
            .finish_non_exhaustive()
    }
}

impl TxManager {
    /// A manager with the intents of `store`. Nothing is requested or sent before the first tick.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn open(
        provider: L1Provider,
        accounts: Accounts,
        store: TxStore,
        config: TxConfig,
    ) -> Result<Self, TxError> {
        let mut manager = Self {
            chain: Chain::new(provider),
            accounts,
            config,
            records: BTreeMap::new(),
            active: BTreeMap::new(),
            bundles: BTreeMap::new(),
            next_sequence: 0,
            head: None,
            recent: BTreeMap::new(),
            is_recheck_due: true,
            nonces: BTreeMap::new(),
            estimate: None,
            report: TickReport::default(),
            store,
        };
        for record in manager.store.load()? {
            manager.next_sequence = manager.next_sequence.max(record.sequence.saturating_add(1));
            if !is_retired(&record) {
                manager.active.insert(record.sequence, record.key.clone());
                if let Some(sidecar) = manager.store.blobs(&record.key)? {
                    manager.bundles.insert(record.key.clone(), sidecar);
                }
            }
            manager.records.insert(record.key.clone(), record);
        }
        Ok(manager)
    }

    /// Accepts an intent. It is written to disk first. Then it is sent, if an L1 block was seen and its
    /// window is open. Submitting the same intent again changes nothing. Another intent under the same key
    /// replaces one that wasn't sent yet.
    ///
    /// # Errors
    ///
    /// If the window is empty, the key belongs to another intent that was sent, or the store or the L1 fails.
    pub async fn submit(&mut self, intent: Intent) -> Result<TxStatus, TxError> {
        if intent.not_before >= intent.expires_at {
            return Err(TxError::EmptyWindow {
                key: intent.key,
                not_before: intent.not_before,
                expires_at: intent.expires_at,
            });
        }
        let sequence = match self.records.get(&intent.key) {
            Some(known) if known.is_same(&intent) => return Ok(known.status()),
            Some(known) if !matches!(known.state, State::Waiting(_)) => {
                return Err(TxError::KeyReused { key: intent.key });
            }
            Some(known) => known.sequence,
            None => self.next_sequence,
        };
        let record = Record::new(&intent, sequence);
        self.store.save(&record, intent.blobs.as_ref())?;
        self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
        let key = intent.key;
        self.records.insert(key.clone(), record);
        self.active.insert(sequence, key.clone());
        match intent.blobs {
            Some(blobs) => self.bundles.insert(key.clone(), blobs),
            None => self.bundles.remove(&key),
        };
        if self.head.is_some() {
            // The returned status tells what happens here; the next report doesn't repeat it.
            let report = std::mem::take(&mut self.report);
            let result = self.try_send(&key).await;
            self.report = report;
            result?;
        }
        self.status(&key).ok_or(TxError::UnknownKey { key })
    }

    /// Withdraws an intent. If it wasn't sent, it fails; else a no-op is sent to use its nonce. An included
    /// intent isn't changed.
    ///
    /// # Errors
    ///
    /// If there is no such intent, or the store fails.
    pub fn withdraw(&mut self, key: &IntentKey) -> Result<TxStatus, TxError> {
        let record = self.records.get(key).ok_or_else(|| TxError::UnknownKey { key: key.clone() })?;
        let Some(state) = record.withdrawn() else { return Ok(record.status()) };
        self.set(key, state)?;
        self.status(key).ok_or_else(|| TxError::UnknownKey { key: key.clone() })
    }

    /// Status of an intent as of the last tick.
    pub fn status(&self, key: &IntentKey) -> Option<TxStatus> {
        self.records.get(key).map(Record::status)
    }

    /// Whether the outcome of an intent was reported to whoever asked for it.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn is_reported(&self, key: &IntentKey) -> Result<bool, TxError> {
        Ok(self.store.is_reported(key)?)
    }

    /// Notes durably that the outcome of an intent was reported, so that nobody takes it for one that an
    /// interrupted process left behind.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn set_reported(&self, key: &IntentKey) -> Result<(), TxError> {
        Ok(self.store.set_reported(key)?)
    }

    /// Every intent of the store, by key.
    pub fn statuses(&self) -> impl Iterator<Item = (&IntentKey, TxStatus)> {
        self.records.iter().map(|(key, record)| (key, record.status()))
    }

    /// Intents that may still be included, or whose nonce waits for a no-op, in the order of submission.
    pub fn pending(&self) -> impl Iterator<Item = (&IntentKey, PendingStage)> {
        self.active.values().filter_map(|key| match self.records.get(key)?.status() {
            TxStatus::Pending(stage) => Some((key, stage)),
            _ => None,
        })
    }

    /// The sending accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Processes a new L1 block. A request that fails concerns its own intent only
    /// ([`TickReport::troubled`]). After an error nothing is lost: the next tick continues, and its report
    /// includes what this one couldn't report.
    ///
    /// # Errors
    ///
    /// If the store fails, or the L1 doesn't even say the accounts' nonces.
    pub async fn tick(&mut self, block: &L1Block) -> Result<TickReport, TxError> {
        let head = Head {
            number: block.number,
            hash: block.hash,
            l1_slot: block.l1_slot,
            base_fee: block.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default().into(),
        };
        // It stays due if this tick fails, as the next block then follows on this one.
        self.is_recheck_due |= self.head.is_none_or(|last| last.hash != block.header.parent_hash);
        self.head = Some(head);
        self.recent.retain(|number, _| *number < head.number);
        if let Some(parent) = head.number.checked_sub(1) {
            self.recent.insert(parent, block.header.parent_hash);
        }
        self.recent.insert(head.number, head.hash);
        if self.recent.len() > RECENT_BLOCKS {
            self.recent.pop_first();
        }
        self.estimate = None;
        for account in self.accounts.addresses() {
            let nonce = self.chain.nonce(account).await?;
            let known = self.nonces.entry(account).or_default();
            // Only a reorg makes a nonce unused. A lower one is that of a node that is behind.
            *known = if self.is_recheck_due { nonce } else { nonce.max(*known) };
        }
        if self.is_recheck_due {
            self.is_recheck_due = !self.recheck(head).await?;
        }
        for key in self.active_keys(|state| matches!(state, State::Sent(_))) {
            let result = self.push(&key, head).await;
            self.unless_rpc(&key, result)?;
        }
        for key in self.active_keys(|state| matches!(state, State::Waiting(_))) {
            let result = self.try_send(&key).await;
            self.unless_rpc(&key, result)?;
        }
        self.fill_gaps(head).await?;
        self.retire(head)?;
        Ok(std::mem::take(&mut self.report))
    }

    /// Closes the windows that are over in L1 slot `now`, although L1 shows no new block: an intent that
    /// wasn't sent expires, and for others a no-op is sent, so that they don't land too late where this
    /// client can't see it. The next tick's report has what came of it.
    ///
    /// # Errors
    ///
    /// If the store fails. A request that fails is made again at the next block.
    pub async fn close_windows(&mut self, now: L1Slot) -> Result<(), TxError> {
        let Some(last) = self.head.filter(|head| head.l1_slot < now) else { return Ok(()) };
        let head = Head { l1_slot: L1Slot::new(now.get().saturating_sub(1)), ..last };
        for key in self.active_keys(|state| !matches!(state, State::Settled { .. })) {
            let Some(record) = self.records.get(&key).filter(|record| record.is_over(now)) else { continue };
            let result = match record.state {
                State::Waiting(_) => self.settle(&key, None, Settled::Expired { cancelled_by: None }),
                _ => self.push(&key, head).await,
            };
            self.unless_rpc(&key, result)?;
        }
        Ok(())
    }

    /// Notes a failed request about an intent. Any other error is returned.
    pub(super) fn unless_rpc(&mut self, key: &IntentKey, result: Result<(), TxError>) -> Result<(), TxError> {
        let Err(TxError::Rpc(error)) = result else { return result };
        tracing::warn!(code = "L1-009", %key, %error, "a request about a transaction failed");
        self.report.troubled.push((key.clone(), error.to_string()));
        Ok(())
    }

    pub(super) fn active_keys(&self, wanted: impl Fn(&State) -> bool) -> Vec<IntentKey> {
        let is_wanted = |key: &&IntentKey| self.records.get(*key).is_some_and(|record| wanted(&record.state));
        self.active.values().filter(is_wanted).cloned().collect()
    }

    /// Changes an intent's state, on disk before in memory.
    pub(super) fn set(&mut self, key: &IntentKey, state: State) -> Result<(), TxError> {
        let Some(record) = self.records.get_mut(key) else { return Ok(()) };
        if record.state != state {
            let changed = Record { state, ..record.clone() };
            self.store.save(&changed, None)?;
            *record = changed;
        }
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        key: &IntentKey,
        sent: Option<Sent>,
        result: Settled,
    ) -> Result<(), TxError> {
        let attempts = sent.as_ref().map_or(0, |sent| sent.attempts.len());
        self.set(key, State::Settled { sent, result: result.clone() })?;
        self.report.included.extend(self.records.get(key).and_then(|record| record.inclusion(attempts)));
        match result {
            Settled::Mined(outcome) => self.report.mined.push((key.clone(), outcome)),
            Settled::Failed { reason, .. } => {
                tracing::warn!(code = "L1-010", %key, %reason, "transaction failed");
                self.report.failed.push((key.clone(), reason));
            }
            Settled::Expired { .. } => self.report.expired.push(key.clone()),
        }
        Ok(())
    }

    fn wait(&mut self, key: &IntentKey, reason: WaitReason) -> Result<(), TxError> {
        tracing::debug!(%key, %reason, "transaction waits");
        self.report.waiting.push((key.clone(), reason.clone()));
        self.set(key, State::Waiting(reason))
    }

    /// Nonces of an account that the manager's transactions use, with their kind.
    fn taken(&self, account: Address) -> BTreeMap<u64, bool> {
        let sent = self.active.values().filter_map(|key| match &self.records.get(key)?.state {
            State::Sent(sent) if sent.account == account => {
                Some((sent.nonce, sent.newest()?.fees.blob_fee.is_some()))
            }
            _ => None,
        });
        sent.collect()
    }

    /// Nonces of an account that mined transactions used and a reorg may free again.
    fn settled_nonces(&self, account: Address) -> impl Iterator<Item = u64> {
        self.active.values().filter_map(move |key| match &self.records.get(key)?.state {
            State::Settled { sent: Some(sent), .. } if sent.account == account => Some(sent.nonce),
            _ => None,
        })
    }

    fn chain_nonce(&self, account: Address) -> u64 {
        self.nonces.get(&account).copied().unwrap_or_default()
    }

    async fn estimate(&mut self) -> Result<FeeEstimate, RpcFailure> {
        if let Some(estimate) = self.estimate {
            return Ok(estimate);
        }
        let base_fee = self.head.map_or(0, |head| head.base_fee);
        let estimate = self.chain.estimate(base_fee, self.config.least_tip, self.config.most_tip).await?;
        self.estimate = Some(estimate);
        Ok(estimate)
    }

    fn next_slot(head: Head) -> L1Slot {
        L1Slot::new(head.l1_slot.get().saturating_add(1))
    }

    /// Sends an intent that has no nonce yet, if its window is open and its simulation succeeds.
    async fn try_send(&mut self, key: &IntentKey) -> Result<(), TxError> {
        let (Some(head), Some(record)) = (self.head, self.records.get(key).cloned()) else { return Ok(()) };
        let next = Self::next_slot(head);
        if record.is_over(next) {
            return self.settle(key, None, Settled::Expired { cancelled_by: None });
        }
        if record.is_early(next) {
            return self.wait(key, WaitReason::TooEarly);
        }
        let account = if record.has_blobs() { self.accounts.blob() } else { self.accounts.plain() };
        // A restarted manager whose first tick failed doesn't know it.
        let Some(chain_nonce) = self.nonces.get(&account).copied() else {
            let message = "the account's nonce is not known yet".to_owned();
            return self.wait(key, WaitReason::Unreachable { message });
        };
        let taken = self.taken(account);
        if taken.iter().any(|(nonce, blobs)| *nonce >= chain_nonce && *blobs != record.has_blobs()) {
            return self.wait(key, WaitReason::OtherKindPending);
        }
        let (estimate, simulation) = match self.judge(&record, account, head, next).await {
            Ok(judged) => judged,
            Err(RpcFailure::Unreachable { message, .. }) => {
                return self.wait(key, WaitReason::Unreachable { message });
            }
            Err(error) => return self.wait(key, WaitReason::Refused { message: error.to_string() }),
        };
        if record.has_blobs() && estimate.blob_fee.is_none() {
            let message = "no node says the blob base fee".to_owned();
            return self.wait(key, WaitReason::Unreachable { message });
        }
        let gas_limit = match simulation {
            Simulation::Succeeds { gas_limit } => gas_limit,
            Simulation::Reverts { reason, .. } if record.when_reverting == WhenReverting::Retry => {
                return self.wait(key, WaitReason::WouldRevert { reason });
            }
            Simulation::Reverts { reason, data } => {
                let reason = FailureReason::WouldRevert { reason, data };
                return self.settle(key, None, Settled::Failed { reason, outcome: None });
            }
        };
        if gas_limit > GAS_CAP {
            let message = format!("it needs {gas_limit} gas, and a transaction may use {GAS_CAP} (EIP-7825)");
            return self.wait(key, WaitReason::Refused { message });
        }
        let usage =
            Usage { gas: gas_limit, blob_gas: self.bundles.get(key).map_or(0, BlobSidecar::blob_gas) };
        let fees = match first_offer(&estimate, usage, record.max_total_fee) {
            Ok(fees) => fees,
            Err(over) => {
                let reason = WaitReason::TooExpensive { needed: over.needed, maximum: over.maximum };
                return self.wait(key, reason);
            }
        };
        let mut used: BTreeSet<u64> = taken.into_keys().collect();
        used.extend(self.settled_nonces(account));
        let nonce = next_free(chain_nonce, &used);
        let sent = Sent { account, nonce, attempts: Vec::new(), cancelling: false };
        self.attempt(key, sent, AttemptKind::Intended, fees, gas_limit, head).await
    }

    async fn judge(
        &mut self,
        record: &Record,
        from: Address,
        head: Head,
        next: L1Slot,
    ) -> Result<(FeeEstimate, Simulation), RpcFailure> {
        let estimate = self.estimate().await?;
        let timestamp = self.config.clock.start_of(next);
        let next = NextBlock { number: head.number.saturating_add(1), timestamp };
        Ok((estimate, self.chain.simulate(record, from, next, &estimate).await?))
    }

    /// Signs another transaction for a nonce, writes it to disk, and sends it.
    async fn attempt(
        &mut self,
        key: &IntentKey,
        mut sent: Sent,
        kind: AttemptKind,
        fees: Fees,
        gas_limit: u64,
        head: Head,
    ) -> Result<(), TxError> {
        let Some(record) = self.records.get(key).cloned() else { return Ok(()) };
        let no_op = BlobSidecar::empty(self.config.sidecars);
        let draft = match kind {
            AttemptKind::Intended => UnsignedTx {
                chain_id: self.config.chain_id,
                nonce: sent.nonce,
                to: record.to,
                value: record.value,
                calldata: record.calldata,
                gas_limit,
                fees,
                blob_hashes: record.blob_hashes,
            },
            AttemptKind::Cancellation => UnsignedTx {
                chain_id: self.config.chain_id,
                nonce: sent.nonce,
                to: sent.account,
                value: Default::default(),
                calldata: Default::default(),
                gas_limit,
                fees,
                blob_hashes: if fees.blob_fee.is_some() { no_op.versioned_hashes() } else { Vec::new() },
            },
        };
        let signed = match self.accounts.sign(sent.account, draft).await {
            Ok(signed) => signed,
            Err(error) => return self.cannot_sign(key, &sent, &error),
        };
        let hash = signed.hash;
        sent.attempts.push(Attempt {
            hash,
            kind,
            fees,
            gas_limit,
            raw: signed.raw,
            at: head.number,
            underpriced: false,
        });
        // It is on disk before anybody can see it. After a crash it counts as sent.
        self.set(key, State::Sent(sent))?;
        self.report.sent.push((key.clone(), hash));
        self.send_newest(key).await
    }

    fn cannot_sign(&mut self, key: &IntentKey, sent: &Sent, error: &SignError) -> Result<(), TxError> {
        tracing::error!(code = "L1-011", %key, %error, "can't sign");
        if sent.attempts.is_empty() {
            return self.wait(key, WaitReason::Refused { message: error.to_string() });
        }
        self.set(key, State::Sent(sent.clone()))
    }

    /// Broadcasts the newest transaction of an intent, again if need be.
    async fn send_newest(&mut self, key: &IntentKey) -> Result<(), TxError> {
        let Some(Record { state: State::Sent(mut sent), .. }) = self.records.get(key).cloned() else {
            return Ok(());
        };
        let Some(attempt) = sent.newest().cloned() else { return Ok(()) };
        let no_op = BlobSidecar::empty(self.config.sidecars);
        let blobs = match attempt.kind {
            AttemptKind::Intended => self.bundles.get(key),
            AttemptKind::Cancellation => Some(&no_op),
        };
        let bytes = match wire(attempt.hash, &attempt.raw, blobs) {
            Ok(bytes) => bytes,
            Err(error) => return self.cannot_sign(key, &sent, &error),
        };
        let nonce = sent.nonce;
        // Its hash is never forgotten while its nonce is unused: whatever the node says, it may be mined.
        match self.chain.broadcast(&bytes).await {
            Broadcast::Taken => tracing::info!(%key, hash = %attempt.hash, nonce, "transaction sent"),
            Broadcast::Unknown { message } => {
                tracing::warn!(
                    code = "L1-012", %key, nonce, message,
                    "a node doesn't say that it took a transaction"
                );
                self.report.troubled.push((key.clone(), message));
            }
            Broadcast::Underpriced { message } => {
                tracing::warn!(code = "L1-013", %key, nonce, message, "transaction underpriced");
                if let Some(newest) = sent.attempts.last_mut() {
                    newest.underpriced = true;
                }
                self.set(key, State::Sent(sent))?;
            }
        }
        Ok(())
    }

    /// Acts on a transaction that isn't mined: broadcasts it again, raises its fees, or replaces it by a
    /// no-op.
    pub(super) async fn bump_or_cancel(
        &mut self,
        key: &IntentKey,
        mut sent: Sent,
        head: Head,
    ) -> Result<(), TxError> {
        let Some(record) = self.records.get(key).cloned() else { return Ok(()) };
        let Some(newest) = sent.newest().cloned() else {
            return self.wait(key, WaitReason::Undone);
        };
        sent.cancelling |= record.is_over(Self::next_slot(head));
        let age = head.number.saturating_sub(newest.at);
        let is_next = sent.nonce == self.chain_nonce(sent.account);
        if sent.cancelling && newest.kind == AttemptKind::Intended {
            return self.replace(key, sent, &newest, AttemptKind::Cancellation, head).await;
        }
        // Without an estimate, the transaction is at least broadcast again.
        if let Ok(estimate) = self.estimate().await {
            let is_urgent = newest.kind == AttemptKind::Intended
                && !record.at_stake.is_zero()
                && record.left(head.l1_slot) <= URGENT_SLOTS;
            let is_due = is_next && (age >= self.config.replace_after || (is_urgent && age > 0));
            let is_refused = newest.underpriced || (age > 0 && !newest.fees.covers(&estimate));
            let is_useful = newest.underpriced || is_urgent || is_worth_raising(&newest.fees, &estimate);
            if (is_due || is_refused) && is_useful {
                return self.replace(key, sent, &newest, newest.kind, head).await;
            }
        }
        self.set(key, State::Sent(sent))?;
        if !self.chain.knows(newest.hash).await? {
            self.send_newest(key).await?;
        }
        Ok(())
    }

    async fn replace(
        &mut self,
        key: &IntentKey,
        sent: Sent,
        newest: &Attempt,
        kind: AttemptKind,
        head: Head,
    ) -> Result<(), TxError> {
        let estimate = self.estimate().await?;
        let blob_gas = match kind {
            AttemptKind::Intended => self.bundles.get(key).map_or(0, BlobSidecar::blob_gas),
            AttemptKind::Cancellation if newest.fees.blob_fee.is_some() => {
                BlobSidecar::empty(self.config.sidecars).blob_gas()
            }
            AttemptKind::Cancellation => 0,
        };
        let Some(record) = self.records.get(key) else { return Ok(()) };
        let (gas, maximum) = match kind {
            AttemptKind::Intended => (newest.gas_limit, record.max_total_fee),
            // What was offered before is offered for less gas.
            AttemptKind::Cancellation => (NO_OP_GAS, self.config.max_no_op_fee.max(self.offered(key, &sent))),
        };
        let usage = Usage { gas, blob_gas };
        let offer = replacement(&newest.fees, &estimate, usage, maximum);
        let offer = offer.map(|fees| match kind {
            AttemptKind::Intended => {
                urgent(fees, usage, maximum.min(record.at_stake), record.left(head.l1_slot))
            }
            AttemptKind::Cancellation => fees,
        });
        match offer {
            Ok(fees) => self.attempt(key, sent, kind, fees, gas, head).await,
            Err(over) => {
                tracing::warn!(code = "L1-014", %key, %over, "not replaced");
                self.set(key, State::Sent(sent))?;
                if self.chain.knows(newest.hash).await? { Ok(()) } else { self.send_newest(key).await }
            }
        }
    }

    /// The most that the last offer for the intended transaction costs.
    fn offered(&self, key: &IntentKey, sent: &Sent) -> U256 {
        let last = sent.attempts.iter().rfind(|attempt| attempt.kind == AttemptKind::Intended);
        let blob_gas = self.bundles.get(key).map_or(0, BlobSidecar::blob_gas);
        last.map_or(U256::ZERO, |last| last.fees.cost(Usage { gas: last.gas_limit, blob_gas }))
    }

    /// Sends no-ops for unused nonces below used ones.
    async fn fill_gaps(&mut self, head: Head) -> Result<(), TxError> {
        for account in self.accounts.addresses() {
            let taken = self.taken(account);
            let with_blobs = taken.values().next().copied().unwrap_or_default();
            let nonces: BTreeSet<u64> = taken.into_keys().collect();
            for nonce in gaps(self.chain_nonce(account), &nonces) {
                let Ok(estimate) = self.estimate().await else { return Ok(()) };
                let sidecar = with_blobs.then(|| BlobSidecar::empty(self.config.sidecars));
                let usage =
                    Usage { gas: NO_OP_GAS, blob_gas: sidecar.as_ref().map_or(0, BlobSidecar::blob_gas) };
                let Ok(fees) = first_offer(&estimate, usage, self.config.max_no_op_fee) else { continue };
                let sequence = self.next_sequence;
                self.next_sequence = sequence.saturating_add(1);
                let Ok(key) = IntentKey::new(format!("no-op/{account}/{nonce}/{sequence}")) else { continue };
                let intent = Intent {
                    key: key.clone(),
                    to: account,
                    calldata: Default::default(),
                    value: Default::default(),
                    blobs: sidecar,
                    not_before: L1Slot::new(0),
                    expires_at: head.l1_slot,
                    max_total_fee: Default::default(),
                    at_stake: Default::default(),
                    gas_limit: Some(NO_OP_GAS),
                    when_reverting: WhenReverting::GiveUp,
                };
                tracing::warn!(code = "L1-015", %account, nonce, "filling a gap between nonces");
                let record = Record::new(&intent, sequence);
                self.store.save(&record, None)?;
                self.active.insert(sequence, key.clone());
                self.records.insert(key.clone(), record);
                let sent = Sent { account, nonce, attempts: Vec::new(), cancelling: true };
                self.attempt(&key, sent, AttemptKind::Cancellation, fees, NO_OP_GAS, head).await?;
            }
        }
        Ok(())
    }
}

/// Whether a record is final: settled, and without the raw transactions that a reorg would need.
pub(super) fn is_retired(record: &Record) -> bool {
    match &record.state {
        State::Settled { sent: None, .. } => true,
        State::Settled { sent: Some(sent), .. } => sent.attempts.iter().all(|attempt| attempt.raw.is_empty()),
        _ => false,
    }
}
