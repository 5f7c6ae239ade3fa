//! Transactions that wait for a block.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

use alloy::{
    consensus::{
        EthereumTxEnvelope, Transaction as _, TxEip4844WithSidecar,
        transaction::{Recovered, SignerRecoverable as _},
    },
    eips::{
        Decodable2718 as _, eip7702::constants::EIP7702_DELEGATION_DESIGNATOR,
        eip7825::MAX_TX_GAS_LIMIT_OSAKA,
    },
    primitives::{Address, B256, U256},
};
use revm::{
    context_interface::cfg::gas::calculate_initial_tx_gas_for_tx, primitives::eip3860::MAX_INITCODE_SIZE,
};

use crate::{
    blobs::{self, Sidecar},
    config::{ChainConfig, TieBreak},
    error::PoolError,
    executor::SPEC,
    state::State,
    transaction::{Transaction, is_unsigned, tx_env},
};

/// Least fee increase of a replacement, in percent, for plain and blob transactions (geth's).
const PRICE_BUMP: [u128; 2] = [10, 100];

/// Largest transaction without its blobs, in bytes (geth's).
const MAX_SIZE: usize = 128 << 10;

/// Arrivals that are remembered for those who ask for new transactions.
const ARRIVAL_LOG: usize = 1 << 14;

/// A transaction in the pool.
#[derive(Clone, Debug)]
pub struct PooledTransaction {
    /// The transaction with its signer.
    pub transaction: Arc<Recovered<Transaction>>,
    /// Its blobs.
    pub sidecar: Option<Arc<Sidecar>>,
    /// Serial number of its arrival.
    pub arrival: u64,
    /// First slot whose block may contain it.
    pub not_before: u64,
}

impl PooledTransaction {
    /// Hash of the transaction.
    #[must_use]
    pub fn hash(&self) -> B256 {
        *self.transaction.hash()
    }

    fn is_blob(&self) -> bool {
        self.transaction.is_eip4844()
    }
}

/// Most wei that a transaction can cost its sender; `None` if that leaves 256 bits.
fn cost(tx: &Transaction) -> Option<U256> {
    let gas = U256::from(tx.gas_limit()).checked_mul(U256::from(tx.max_fee_per_gas()))?;
    let blob_gas = U256::from(tx.blob_gas_used().unwrap_or_default())
        .checked_mul(U256::from(tx.max_fee_per_blob_gas().unwrap_or_default()))?;
    gas.checked_add(blob_gas)?.checked_add(tx.value())
}

/// Whether a transaction's fees are high enough above another's to replace it.
fn replaces(new: &Transaction, old: &Transaction) -> bool {
    let bump = PRICE_BUMP[usize::from(old.is_eip4844())];
    let enough = |new: u128, old: u128| {
        U256::from(new) * U256::from(100) >= U256::from(old) * U256::from(100 + bump) && new > old
    };
    enough(new.max_fee_per_gas(), old.max_fee_per_gas())
        && enough(new.priority_fee_or_price(), old.priority_fee_or_price())
        && match (new.max_fee_per_blob_gas(), old.max_fee_per_blob_gas()) {
            (Some(new), Some(old)) => enough(new, old),
            _ => true,
        }
}

/// A transaction as it comes from a client.
#[derive(Debug)]
pub(crate) struct Incoming {
    transaction: Recovered<Transaction>,
    sidecar: Option<Arc<Sidecar>>,
}

impl Incoming {
    /// Reads the encoding of `eth_sendRawTransaction`: what goes into the block is split from the blobs.
    pub(crate) fn decode(raw: &[u8]) -> Result<Self, PoolError> {
        match raw {
            [] | [0..=0x7f] => return Err(PoolError::Decode("typed transaction too short".into())),
            [kind @ (0 | 5..=0x7f), ..] => return Err(PoolError::TypeNotSupported(*kind)),
            _ => {}
        }
        let decoded = EthereumTxEnvelope::<TxEip4844WithSidecar<Sidecar>>::decode_2718_exact(raw)
            .map_err(|error| PoolError::Decode(error.to_string()))?;
        let sidecar = decoded.as_eip4844().map(|tx| Arc::new(tx.tx().sidecar().clone()));
        let transaction = Transaction::from(decoded)
            .try_into_recovered()
            .map_err(|error| PoolError::InvalidSender(error.to_string()))?;
        Ok(Self { transaction, sidecar })
    }

    /// A transaction whose sender is known although no key signed it.
    pub(crate) fn unsigned(transaction: Recovered<Transaction>) -> Self {
        Self { transaction, sidecar: None }
    }

    /// Checks the blobs' proofs, which takes milliseconds.
    pub(crate) fn verify(&self) -> Result<(), PoolError> {
        match (self.transaction.as_eip4844(), &self.sidecar) {
            (Some(tx), Some(sidecar)) => blobs::verify(tx.tx(), sidecar),
            _ => Ok(()),
        }
    }
}

/// The pool: per sender by nonce, gaps allowed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mempool {
    by_sender: BTreeMap<Address, BTreeMap<u64, PooledTransaction>>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
    /// The newest arrivals, oldest first.
    log: VecDeque<B256>,
    version: u64,
}

impl Mempool {
    /// Counts the changes of the pool.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Checks everything but the blobs' proofs: see [`Incoming::verify`].
    pub(crate) fn check(
        &self,
        config: &ChainConfig,
        state: &State,
        incoming: &Incoming,
    ) -> Result<(), PoolError> {
        let tx = &incoming.transaction;
        if self.by_hash.contains_key(tx.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        check_stateless(config, tx)?;
        let sender = tx.signer();
        let nonce = tx.nonce();
        let code = state.code(sender);
        let externally_owned = code.is_empty() || code.starts_with(&EIP7702_DELEGATION_DESIGNATOR);
        if !externally_owned && !is_unsigned(tx) {
            return Err(PoolError::SenderNotEoa(sender));
        }
        let next = state.nonce(sender);
        if nonce < next {
            return Err(PoolError::NonceTooLow { expected: next, actual: nonce });
        }
        let others = self.by_sender.get(&sender);
        let replaced = others.and_then(|others| others.get(&nonce));
        if config.exclusive_pools
            && others.is_some_and(|others| others.values().any(|other| other.is_blob() != tx.is_eip4844()))
        {
            return Err(PoolError::AddressReserved);
        }
        if replaced.is_some_and(|replaced| !replaces(tx, &replaced.transaction)) {
            return Err(PoolError::ReplacementUnderpriced);
        }
        let cost = others
            .into_iter()
            .flatten()
            .filter(|(other, _)| **other != nonce)
            .map(|(_, other)| cost(&other.transaction))
            .chain([cost(tx)])
            .try_fold(U256::ZERO, |sum, cost| sum.checked_add(cost?))
            .unwrap_or(U256::MAX);
        let balance = state.balance(sender);
        if cost > balance {
            return Err(PoolError::InsufficientFunds { balance, cost });
        }
        if replaced.is_none() && self.by_hash.len() >= config.pool_capacity {
            return Err(PoolError::Full(config.pool_capacity));
        }
        Ok(())
    }

    /// Admits a transaction whose blobs are proven.
    pub(crate) fn add(
        &mut self,
        config: &ChainConfig,
        state: &State,
        incoming: Incoming,
    ) -> Result<B256, PoolError> {
        self.check(config, state, &incoming)?;
        let Incoming { transaction, sidecar } = incoming;
        let hash = *transaction.hash();
        self.insert(transaction, sidecar);
        Ok(hash)
    }

    fn insert(&mut self, transaction: Recovered<Transaction>, sidecar: Option<Arc<Sidecar>>) {
        self.version += 1;
        let (sender, nonce, hash) = (transaction.signer(), transaction.nonce(), *transaction.hash());
        let pooled = PooledTransaction {
            transaction: Arc::new(transaction),
            sidecar,
            arrival: self.arrivals,
            not_before: 0,
        };
        self.arrivals += 1;
        self.log.push_back(hash);
        if self.log.len() > ARRIVAL_LOG {
            self.log.pop_front();
        }
        if let Some(replaced) = self.by_sender.entry(sender).or_default().insert(nonce, pooled) {
            self.by_hash.remove(&replaced.hash());
        }
        self.by_hash.insert(hash, (sender, nonce));
    }

    /// Takes back a transaction that a reorg removed, unless another of the same nonce is here.
    pub(crate) fn restore(&mut self, transaction: Recovered<Transaction>, sidecar: Option<Arc<Sidecar>>) {
        let taken = self
            .by_sender
            .get(&transaction.signer())
            .is_some_and(|others| others.contains_key(&transaction.nonce()));
        if !taken {
            self.insert(transaction, sidecar);
        }
    }

    /// How many transactions have ever arrived.
    pub(crate) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// The transactions that arrived after the first `count`, as far as they are remembered.
    pub(crate) fn arrived_since(&self, count: u64) -> Vec<B256> {
        let new = usize::try_from(self.arrivals.saturating_sub(count)).unwrap_or(usize::MAX);
        self.log.iter().skip(self.log.len().saturating_sub(new)).copied().collect()
    }

    /// Counts on from a later state of this pool, so that no arrival is told twice or not at all.
    pub(crate) fn continue_from(&mut self, later: &Self) {
        self.arrivals = later.arrivals;
        self.log.clone_from(&later.log);
        self.version = later.version + 1;
    }

    /// The pooled transaction with a hash.
    pub(crate) fn get(&self, hash: B256) -> Option<&PooledTransaction> {
        let (sender, nonce) = self.by_hash.get(&hash)?;
        self.by_sender.get(sender)?.get(nonce)
    }

    /// All pooled transactions, by sender and nonce.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PooledTransaction> {
        self.by_sender.values().flat_map(BTreeMap::values)
    }

    /// How many transactions wait.
    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Removes a transaction.
    pub(crate) fn remove(&mut self, hash: B256) -> Option<PooledTransaction> {
        let (sender, nonce) = self.by_hash.remove(&hash)?;
        self.version += 1;
        let others = self.by_sender.get_mut(&sender)?;
        let removed = others.remove(&nonce);
        if others.is_empty() {
            self.by_sender.remove(&sender);
        }
        removed
    }

    /// Keeps a transaction out of blocks before a slot; false if it isn't here.
    pub(crate) fn delay(&mut self, hash: B256, until: u64) -> bool {
        let Some((sender, nonce)) = self.by_hash.get(&hash) else { return false };
        self.version += 1;
        let pooled = self.by_sender.get_mut(sender).and_then(|others| others.get_mut(nonce));
        pooled.map(|pooled| pooled.not_before = until).is_some()
    }

    /// Drops what can't be mined any more after a block.
    pub(crate) fn prune(&mut self, state: &State) {
        let by_hash = &mut self.by_hash;
        self.by_sender.retain(|sender, transactions| {
            let next = state.nonce(*sender);
            transactions.retain(|nonce, pooled| {
                let keep = *nonce >= next;
                if !keep {
                    by_hash.remove(&pooled.hash());
                }
                keep
            });
            !transactions.is_empty()
        });
    }

    /// The first nonce of a sender that neither the chain nor the pool has used.
    pub(crate) fn next_nonce(&self, sender: Address, state: &State) -> u64 {
        let mut next = state.nonce(sender);
        while self.by_sender.get(&sender).is_some_and(|others| others.contains_key(&next)) {
            next += 1;
        }
        next
    }

    /// The transactions in the order in which a block should try them.
    pub(crate) fn selection<'a>(
        &'a self,
        state: &'a State,
        base_fee: u64,
        blob_fee: u128,
        slot: u64,
        tie_break: TieBreak,
    ) -> Selection<'a> {
        let mut selection =
            Selection { pool: self, base_fee, blob_fee, slot, tie_break, heap: BinaryHeap::new() };
        for sender in self.by_sender.keys() {
            selection.push(*sender, state.nonce(*sender));
        }
        selection
    }
}

/// Walks the pool: best tip first, each sender's in nonce order.
pub(crate) struct Selection<'a> {
    pool: &'a Mempool,
    base_fee: u64,
    blob_fee: u128,
    slot: u64,
    tie_break: TieBreak,
    heap: BinaryHeap<Candidate<'a>>,
}

struct Candidate<'a> {
    tip: u128,
    order: [u8; 32],
    pooled: &'a PooledTransaction,
}

impl<'a> Selection<'a> {
    fn push(&mut self, sender: Address, nonce: u64) {
        let Some(pooled) = self.pool.by_sender.get(&sender).and_then(|others| others.get(&nonce)) else {
            return;
        };
        let tx = &pooled.transaction;
        let payable = tx.max_fee_per_blob_gas().is_none_or(|fee| fee >= self.blob_fee);
        let Some(tip) = tx.effective_tip_per_gas(self.base_fee) else { return };
        if payable && pooled.not_before <= self.slot {
            let order = match self.tie_break {
                TieBreak::Arrival => B256::from(U256::from(pooled.arrival)).0,
                TieBreak::Hash => pooled.hash().0,
            };
            self.heap.push(Candidate { tip, order, pooled });
        }
    }

    /// The next transaction to try.
    pub(crate) fn next(&mut self) -> Option<&'a PooledTransaction> {
        self.heap.pop().map(|candidate| candidate.pooled)
    }

    /// Notes that the transaction is in the block, so that its sender's next one is due.
    pub(crate) fn included(&mut self, pooled: &PooledTransaction) {
        if let Some(next) = pooled.transaction.nonce().checked_add(1) {
            self.push(pooled.transaction.signer(), next);
        }
    }
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.tip.cmp(&other.tip).then_with(|| other.order.cmp(&self.order))
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_> {}

/// The checks that need no account.
fn check_stateless(config: &ChainConfig, tx: &Recovered<Transaction>) -> Result<(), PoolError> {
    if let Some(chain_id) = tx.chain_id()
        && chain_id != config.chain_id
    {
        return Err(PoolError::ChainId { expected: config.chain_id, actual: chain_id });
    }
    let size = tx.inner().eip2718_encoded_length();
    if size > MAX_SIZE {
        return Err(PoolError::Oversized { limit: MAX_SIZE, actual: size });
    }
    if tx.nonce() == u64::MAX {
        return Err(PoolError::NonceMax);
    }
    if tx.gas_limit() > MAX_TX_GAS_LIMIT_OSAKA {
        return Err(PoolError::GasLimitTooHigh { cap: MAX_TX_GAS_LIMIT_OSAKA, actual: tx.gas_limit() });
    }
    if tx.gas_limit() > config.gas_limit {
        return Err(PoolError::ExceedsBlockGasLimit);
    }
    if let Some(tip) = tx.max_priority_fee_per_gas()
        && tip > tx.max_fee_per_gas()
    {
        return Err(PoolError::TipAboveFee { tip, fee: tx.max_fee_per_gas() });
    }
    if tx.is_create() && tx.input().len() > MAX_INITCODE_SIZE {
        return Err(PoolError::InitCodeTooLarge { limit: MAX_INITCODE_SIZE, actual: tx.input().len() });
    }
    if tx.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(PoolError::EmptyAuthorizationList);
    }
    if let Some(blobs) = tx.blob_count() {
        let limit = config.blob_params.max_blobs_per_tx;
        if blobs == 0 {
            return Err(PoolError::NoBlobs);
        }
        if blobs > limit {
            return Err(PoolError::TooManyBlobs { limit, actual: blobs });
        }
    }
    let gas = calculate_initial_tx_gas_for_tx(tx_env(tx), SPEC, None);
    if tx.gas_limit() < gas.initial_regular_gas {
        return Err(PoolError::IntrinsicGas { expected: gas.initial_regular_gas, actual: tx.gas_limit() });
    }
    if tx.gas_limit() < gas.floor_gas {
        return Err(PoolError::FloorDataGas { expected: gas.floor_gas, actual: tx.gas_limit() });
    }
    Ok(())
}
