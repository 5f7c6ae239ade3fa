//! The chain: blocks, states, the transaction pool and the slot clock. It is deterministic and never looks at the
//! time of day; whoever owns it says when a slot passes.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use alloy::{
    consensus::{
        EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header,
        proofs::{calculate_receipt_root, calculate_transaction_root},
        transaction::Recovered,
    },
    eips::{
        BlockId, BlockNumberOrTag,
        eip1559::BaseFeeParams,
        eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
        eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
        eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
        eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
        eip7685::EMPTY_REQUESTS_HASH,
    },
    primitives::{Address, B256, Bloom, Bytes, address, bytes, keccak256},
    rlp::Encodable as _,
};

use crate::{
    blobs::{BlobStore, StoredBlob},
    config::ChainConfig,
    error::{ChainError, PoolError},
    executor::{BlockBuilder, BlockInputs, Executed, MinedReceipt, Offered, Transaction},
    mempool::{Incoming, Mempool, PooledTransaction},
    state::{EvmState, RecentHashes, State},
};

/// How many ancestors `BLOCKHASH` reaches.
const BLOCKHASH_WINDOW: u64 = 256;

/// Blocks removed by reorgs that stay readable by hash.
const ORPHANS: usize = 256;

/// Arachnid's deterministic deployment proxy, which forge uses for CREATE2 deployments on any chain.
const CREATE2_DEPLOYER: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");
const CREATE2_DEPLOYER_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// A block with everything about it.
#[derive(Clone, Debug)]
pub struct MinedBlock {
    /// Keccak-256 of the header's RLP.
    pub hash: B256,
    /// The header.
    pub header: Header,
    /// The slot it was mined in.
    pub slot: u64,
    /// The root of the beacon block that carried it; the child's `parentBeaconBlockRoot`.
    pub beacon_root: B256,
    /// The transactions with their signers.
    pub transactions: Vec<Recovered<Transaction>>,
    /// One per transaction.
    pub receipts: Vec<MinedReceipt>,
    /// Length of the block's RLP in bytes.
    pub size: usize,
}

impl MinedBlock {
    /// The block's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }
}

/// What to do in a reorg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reorg {
    /// How many blocks to remove.
    pub depth: u64,
    /// Forget the removed blocks' transactions rather than pool them again.
    pub drop_transactions: bool,
    /// Put empty blocks into the removed blocks' slots, so that the height doesn't fall.
    pub refill: bool,
}

/// What a reorg did.
#[derive(Clone, Debug, Default)]
pub struct ReorgOutcome {
    /// The removed blocks, oldest first.
    pub removed: Vec<Arc<MinedBlock>>,
    /// The blocks in their place.
    pub added: Vec<Arc<MinedBlock>>,
}

/// An Ethereum chain.
#[derive(Clone, Debug)]
pub struct Chain {
    config: ChainConfig,
    blocks: Vec<Arc<MinedBlock>>,
    /// The states after the newest blocks, oldest first.
    states: VecDeque<State>,
    orphans: VecDeque<Arc<MinedBlock>>,
    transactions: HashMap<B256, (u64, usize)>,
    numbers: HashMap<B256, u64>,
    blobs: BlobStore,
    pool: Mempool,
    slot: u64,
    /// Chosen RANDAO values by slot.
    mixes: BTreeMap<u64, B256>,
    /// Counts reorgs, so that a replaced block never equals the one it replaces.
    fork: u64,
}

impl Chain {
    /// A chain with only its genesis block, in slot 0.
    ///
    /// # Errors
    /// [`ChainError::Config`] if blocks would have no room, or no state were kept.
    pub fn new(config: ChainConfig) -> Result<Self, ChainError> {
        if config.gas_limit < 30_000 {
            return Err(ChainError::Config(format!("gas limit {}, at least 30000", config.gas_limit)));
        }
        if config.state_history == 0 {
            return Err(ChainError::Config("state history 0, at least 1".into()));
        }
        let mut state = State::default();
        for (address, code) in [
            (BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE.clone()),
            (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone()),
            (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone()),
            (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone()),
            (CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE),
        ]
        .into_iter()
        .chain(config.contracts.iter().cloned())
        {
            state.update(address, |account| {
                account.nonce = 1;
                account.set_code(code);
            });
        }
        for (address, balance) in &config.accounts {
            state.update(*address, |account| account.balance = *balance);
        }
        let header = Header {
            state_root: state.root(),
            gas_limit: config.gas_limit,
            timestamp: config.genesis_timestamp,
            mix_hash: randao(&config, 0, 0),
            base_fee_per_gas: Some(config.base_fee),
            extra_data: extra_data(0),
            ..empty_header()
        };
        let genesis = Arc::new(seal(&config, header, 0, Vec::new(), Vec::new()));
        Ok(Self {
            numbers: HashMap::from([(genesis.hash, 0)]),
            blocks: vec![genesis],
            states: VecDeque::from([state]),
            orphans: VecDeque::new(),
            transactions: HashMap::new(),
            blobs: BlobStore::default(),
            pool: Mempool::default(),
            slot: 0,
            mixes: BTreeMap::new(),
            fork: 0,
            config,
        })
    }

    /// What the chain started from.
    #[must_use]
    pub fn config(&self) -> &ChainConfig {
        &self.config
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> &Arc<MinedBlock> {
        // the genesis block is never removed
        #[allow(clippy::indexing_slicing)]
        &self.blocks[self.blocks.len() - 1]
    }

    /// The current slot: the one of the last block, or of the last skip.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.slot
    }

    /// The timestamp of a slot, in seconds.
    #[must_use]
    pub fn timestamp(&self, slot: u64) -> u64 {
        self.config.genesis_timestamp.saturating_add(slot.saturating_mul(self.config.slot_seconds.get()))
    }

    /// A block of the canonical chain.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Arc<MinedBlock>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block by hash, canonical or removed by a recent reorg.
    #[must_use]
    pub fn block_by_hash(&self, hash: B256) -> Option<&Arc<MinedBlock>> {
        match self.numbers.get(&hash) {
            Some(number) => self.block(*number),
            None => self.orphans.iter().find(|block| block.hash == hash),
        }
    }

    /// The canonical block in a slot; `None` if the slot was missed or lies ahead.
    #[must_use]
    pub fn block_in_slot(&self, slot: u64) -> Option<&Arc<MinedBlock>> {
        let index = self.blocks.binary_search_by_key(&slot, |block| block.slot).ok()?;
        self.blocks.get(index)
    }

    /// The canonical block that a beacon block root stands for.
    #[must_use]
    pub fn block_by_beacon_root(&self, root: B256) -> Option<&Arc<MinedBlock>> {
        self.blocks.iter().rev().find(|block| block.beacon_root == root)
    }

    /// The block that a tag, number or hash means; `Pending` gives the newest block.
    #[must_use]
    pub fn resolve(&self, id: BlockId) -> Option<&Arc<MinedBlock>> {
        let settled = |slots: u64| {
            let limit = self.slot.saturating_sub(slots);
            let after = self.blocks.partition_point(|block| block.slot <= limit);
            self.blocks.get(after.saturating_sub(1))
        };
        match id {
            BlockId::Hash(hash) => self.block_by_hash(hash.block_hash).filter(|block| {
                hash.require_canonical != Some(true) || self.numbers.contains_key(&block.hash)
            }),
            BlockId::Number(BlockNumberOrTag::Number(number)) => self.block(number),
            BlockId::Number(BlockNumberOrTag::Earliest) => self.block(0),
            BlockId::Number(BlockNumberOrTag::Safe) => settled(self.config.safe_slots),
            BlockId::Number(BlockNumberOrTag::Finalized) => settled(self.config.finality_slots),
            BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => Some(self.head()),
        }
    }

    /// Where a mined transaction is: its block and its index.
    #[must_use]
    pub fn transaction(&self, hash: B256) -> Option<(&Arc<MinedBlock>, usize)> {
        let (number, index) = self.transactions.get(&hash)?;
        Some((self.block(*number)?, *index))
    }

    /// A transaction that waits in the pool.
    #[must_use]
    pub fn pooled(&self, hash: B256) -> Option<&PooledTransaction> {
        self.pool.get(hash)
    }

    /// All transactions that wait, by sender and nonce.
    pub fn pool(&self) -> impl Iterator<Item = &PooledTransaction> {
        self.pool.iter()
    }

    /// How many transactions wait.
    #[must_use]
    pub fn pool_len(&self) -> usize {
        self.pool.len()
    }

    /// The blobs of a canonical block, in order; empty too once they are no longer retained.
    #[must_use]
    pub fn block_blobs(&self, block: &MinedBlock) -> Vec<StoredBlob> {
        block.transactions.iter().flat_map(|tx| self.blobs.of_transaction(*tx.hash())).collect()
    }

    /// A blob of the canonical chain by its versioned hash.
    #[must_use]
    pub fn blob(&self, versioned_hash: B256) -> Option<StoredBlob> {
        self.blobs.by_versioned_hash(versioned_hash)
    }

    /// Base fee of the next block, in wei per gas.
    #[must_use]
    pub fn next_base_fee(&self) -> u64 {
        self.head().header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
    }

    fn next_excess_blob_gas(&self) -> u64 {
        self.head().header.next_block_excess_blob_gas(self.config.blob_params).unwrap_or_default()
    }

    /// Blob base fee of the next block, in wei per blob gas.
    #[must_use]
    pub fn next_blob_base_fee(&self) -> u128 {
        self.config.blob_params.calc_blob_fee(self.next_excess_blob_gas())
    }

    /// The state after the newest block.
    pub(crate) fn state(&self) -> &State {
        // one state is kept at least
        #[allow(clippy::indexing_slicing)]
        &self.states[self.states.len() - 1]
    }

    /// The state after a canonical block, if it is recent enough.
    pub(crate) fn state_after(&self, block: &MinedBlock) -> Option<&State> {
        if self.numbers.get(&block.hash) != Some(&block.number()) {
            return None;
        }
        let back = usize::try_from(self.head().number().checked_sub(block.number())?).ok()?;
        self.states.get(self.states.len().checked_sub(back.checked_add(1)?)?)
    }

    /// The hashes that a block with this number may ask for.
    pub(crate) fn recent_hashes(&self, number: u64) -> RecentHashes {
        let first = number.saturating_sub(BLOCKHASH_WINDOW);
        let hashes = (first..number).map_while(|number| self.block(number)).map(|block| block.hash).collect();
        RecentHashes { first, hashes }
    }

    /// The nonce after the chain's and the pool's transactions.
    #[must_use]
    pub fn pending_nonce(&self, sender: Address) -> u64 {
        self.pool.next_nonce(sender, self.state())
    }

    /// What a block after the newest one would fix, in the given slot.
    pub(crate) fn next_inputs(&self, slot: u64, mix_hash: B256) -> BlockInputs {
        BlockInputs {
            number: self.head().number().saturating_add(1),
            timestamp: self.timestamp(slot),
            gas_limit: self.config.gas_limit,
            base_fee: self.next_base_fee(),
            excess_blob_gas: self.next_excess_blob_gas(),
            mix_hash,
            fee_recipient: self.config.fee_recipient,
        }
    }

    /// Puts a signed transaction, in the encoding of `eth_sendRawTransaction`, into the pool.
    ///
    /// # Errors
    /// [`PoolError`] says what is wrong with it.
    pub fn submit(&mut self, raw: &[u8]) -> Result<B256, PoolError> {
        let incoming = Incoming::decode(raw)?;
        // the proofs come last: they are by far the most expensive to check
        self.check(&incoming)?;
        incoming.verify()?;
        self.admit(incoming)
    }

    /// Whether a transaction would be admitted if its blobs are proven.
    pub(crate) fn check(&self, incoming: &Incoming) -> Result<(), PoolError> {
        self.pool.check(&self.config, self.state(), incoming)
    }

    /// Pools a transaction whose blobs are proven.
    pub(crate) fn admit(&mut self, incoming: Incoming) -> Result<B256, PoolError> {
        let state = self.state().clone();
        self.pool.add(&self.config, &state, incoming)
    }

    /// Advances one slot and mines a block in it.
    pub fn mine_slot(&mut self) -> Arc<MinedBlock> {
        self.slot = self.slot.saturating_add(1);
        self.mine(self.slot, true)
    }

    /// Lets slots pass without a block.
    ///
    /// # Errors
    /// [`ChainError::ClockOverflow`] if the time leaves 64 bits.
    pub fn skip_slots(&mut self, count: u64) -> Result<(), ChainError> {
        let overflow = ChainError::ClockOverflow { current: self.slot, skip: count };
        let slot = self.slot.checked_add(count).ok_or_else(|| overflow.clone())?;
        slot.checked_mul(self.config.slot_seconds.get())
            .and_then(|seconds| seconds.checked_add(self.config.genesis_timestamp))
            .ok_or(overflow)?;
        self.slot = slot;
        Ok(())
    }

    /// Chooses the RANDAO value of a slot that is still ahead.
    ///
    /// # Errors
    /// [`ChainError::SlotInPast`] if the slot's block can exist already.
    pub fn set_prevrandao(&mut self, slot: u64, mix: B256) -> Result<(), ChainError> {
        if slot <= self.slot {
            return Err(ChainError::SlotInPast { slot, current: self.slot });
        }
        self.mixes.insert(slot, mix);
        Ok(())
    }

    /// Removes a transaction from the pool, as if no builder had seen it.
    ///
    /// # Errors
    /// [`ChainError::NotPooled`] if it isn't there.
    pub fn drop_tx(&mut self, hash: B256) -> Result<(), ChainError> {
        self.pool.remove(hash).map(drop).ok_or(ChainError::NotPooled(hash))
    }

    /// Keeps a pooled transaction out of the next `slots` slots.
    ///
    /// # Errors
    /// [`ChainError::NotPooled`] if it isn't there.
    pub fn delay_tx(&mut self, hash: B256, slots: u64) -> Result<(), ChainError> {
        let until = self.slot.saturating_add(slots).saturating_add(1);
        if self.pool.delay(hash, until) { Ok(()) } else { Err(ChainError::NotPooled(hash)) }
    }

    /// Removes the newest blocks. Time doesn't go back: their slots count as missed, unless refilled.
    ///
    /// # Errors
    /// [`ChainError::ReorgTooDeep`] if the genesis block or a state that is gone would be needed.
    pub fn reorg(&mut self, reorg: Reorg) -> Result<ReorgOutcome, ChainError> {
        let limit =
            u64::try_from(self.states.len().min(self.blocks.len())).unwrap_or(u64::MAX).saturating_sub(1);
        let depth = usize::try_from(reorg.depth).unwrap_or(usize::MAX);
        if reorg.depth > limit {
            return Err(ChainError::ReorgTooDeep { depth: reorg.depth, limit });
        }
        let keep = self.blocks.len().saturating_sub(depth);
        let removed = self.blocks.split_off(keep);
        self.states.truncate(self.states.len().saturating_sub(depth));
        if !removed.is_empty() {
            self.fork += 1;
        }
        for block in &removed {
            self.numbers.remove(&block.hash);
            for transaction in &block.transactions {
                let hash = *transaction.hash();
                self.transactions.remove(&hash);
                let sidecar = self.blobs.remove(hash);
                // a blob transaction whose blobs are gone can't be mined again
                if !reorg.drop_transactions && transaction.is_eip4844() == sidecar.is_some() {
                    self.pool.restore(transaction.clone(), sidecar);
                }
            }
            self.orphans.push_back(Arc::clone(block));
        }
        while self.orphans.len() > ORPHANS {
            self.orphans.pop_front();
        }
        let slots = if reorg.refill { removed.iter().map(|block| block.slot).collect() } else { Vec::new() };
        let added = slots.into_iter().map(|slot| self.mine(slot, false)).collect();
        Ok(ReorgOutcome { removed, added })
    }

    /// The state that a transaction would find at the end of the next block, if it were built now. The value of
    /// RANDAO in that block isn't known yet; the newest block's stands in for it.
    pub(crate) fn pending_state(&self) -> State {
        let slot = self.slot.saturating_add(1);
        self.build(&self.next_inputs(slot, self.head().header.mix_hash), slot, true).state
    }

    /// Distinguishes the pool's contents from what they were before.
    pub(crate) fn pool_version(&self) -> u64 {
        self.pool.version()
    }

    /// Executes a block on top of the newest one.
    fn build(&self, inputs: &BlockInputs, slot: u64, with_transactions: bool) -> Executed {
        let parent = self.head();
        let state = EvmState { state: self.state().clone(), hashes: self.recent_hashes(inputs.number) };
        let mut builder = BlockBuilder::new(&self.config, inputs, state, parent.hash, parent.beacon_root);
        if with_transactions {
            let blob_fee = self.config.blob_params.calc_blob_fee(inputs.excess_blob_gas);
            let mut selection =
                self.pool.selection(self.state(), inputs.base_fee, blob_fee, slot, self.config.tie_break);
            while let Some(pooled) = selection.next() {
                match builder.offer(&pooled.transaction) {
                    Offered::Included => selection.included(pooled),
                    Offered::NoRoom => {}
                    Offered::Invalid(reason) => {
                        tracing::debug!(hash = %pooled.hash(), reason, "left out of block {}", inputs.number);
                    }
                }
            }
        }
        builder.finish()
    }

    fn mine(&mut self, slot: u64, with_transactions: bool) -> Arc<MinedBlock> {
        let mix = self.mixes.get(&slot).copied().unwrap_or_else(|| randao(&self.config, slot, self.fork));
        let inputs = self.next_inputs(slot, mix);
        let executed = self.build(&inputs, slot, with_transactions);
        let parent = Arc::clone(self.head());
        let envelopes: Vec<_> = executed.receipts.iter().map(|receipt| &receipt.envelope).collect();
        let logs_bloom = envelopes.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
        let header = Header {
            parent_hash: parent.hash,
            beneficiary: inputs.fee_recipient,
            state_root: executed.state.root(),
            transactions_root: calculate_transaction_root(
                &executed.transactions.iter().map(Recovered::inner).collect::<Vec<_>>(),
            ),
            receipts_root: calculate_receipt_root(&envelopes),
            logs_bloom,
            number: inputs.number,
            gas_limit: inputs.gas_limit,
            gas_used: executed.gas_used,
            timestamp: inputs.timestamp,
            extra_data: extra_data(self.fork),
            mix_hash: mix,
            base_fee_per_gas: Some(inputs.base_fee),
            blob_gas_used: Some(executed.blob_gas_used),
            excess_blob_gas: Some(inputs.excess_blob_gas),
            parent_beacon_block_root: Some(parent.beacon_root),
            requests_hash: Some(executed.requests.requests_hash()),
            ..empty_header()
        };
        for hash in executed.transactions.iter().map(|transaction| *transaction.hash()) {
            if let Some(sidecar) = self.pool.remove(hash).and_then(|pooled| pooled.sidecar) {
                self.blobs.insert(slot, hash, sidecar);
            }
        }
        let block = Arc::new(seal(&self.config, header, slot, executed.transactions, executed.receipts));
        for (index, transaction) in block.transactions.iter().enumerate() {
            self.transactions.insert(*transaction.hash(), (block.number(), index));
        }
        self.numbers.insert(block.hash, block.number());
        self.blocks.push(Arc::clone(&block));
        self.pool.prune(&executed.state);
        self.states.push_back(executed.state);
        while self.states.len() > self.config.state_history {
            self.states.pop_front();
        }
        self.blobs.prune(slot.saturating_sub(self.config.blob_retention_slots));
        block
    }
}

fn empty_header() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The fork is named in the header, so that even an empty block differs from the one it replaces.
fn extra_data(fork: u64) -> Bytes {
    if fork == 0 { Bytes::from_static(b"fernet") } else { format!("fernet/{fork}").into_bytes().into() }
}

/// The RANDAO value of a slot on a fork.
fn randao(config: &ChainConfig, slot: u64, fork: u64) -> B256 {
    derived(config, b"randao", slot, B256::left_padding_from(&fork.to_be_bytes()))
}

fn derived(config: &ChainConfig, domain: &[u8], slot: u64, context: B256) -> B256 {
    keccak256([domain, config.seed.as_slice(), &slot.to_be_bytes(), context.as_slice()].concat())
}

fn seal(
    config: &ChainConfig,
    header: Header,
    slot: u64,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<MinedReceipt>,
) -> MinedBlock {
    let hash = header.hash_slow();
    let list =
        |payload: usize| alloy::rlp::Header { list: true, payload_length: payload }.length_with_payload();
    let body: usize = transactions.iter().map(|transaction| transaction.inner().length()).sum();
    // header, transactions, no ommers, no withdrawals
    let size = list(header.length() + list(body) + 2);
    MinedBlock {
        beacon_root: derived(config, b"beacon", slot, hash),
        hash,
        header,
        slot,
        transactions,
        receipts,
        size,
    }
}
