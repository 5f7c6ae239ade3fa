//! The chain: blocks, states, the transaction pool and the slot clock. It is deterministic and never looks at
//! the time of day: its owner says when a slot passes.

mod development;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use alloy::{
    consensus::Header,
    eips::{
        BlockId, BlockNumberOrTag,
        eip1559::BaseFeeParams,
        eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
        eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
        eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
        eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
    },
    primitives::{Address, B256, Bytes, address, bytes},
};

use crate::{
    blobs::{BlobStore, StoredBlob},
    block::{MinedBlock, assemble, derived, empty_header, seal},
    config::{ChainConfig, MIN_GAS_LIMIT},
    error::{ChainError, PoolError},
    executor::{BlockBuilder, BlockInputs, Executed, Offered, Parent},
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
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

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

/// The chain: its blocks, their states, and the pool of pending transactions. It has no clock and no IO.
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
    /// The slot of the next block, where it was chosen.
    planned_slot: Option<u64>,
    /// Slots from one block to the next.
    slots_per_block: u64,
    /// The base fee of the next block, where it was chosen.
    planned_base_fee: Option<u64>,
    /// Counts the changes that blocks and pool don't show: edited accounts, chosen fees, snapshots.
    edits: u64,
}

impl Chain {
    /// A chain with only its genesis block, in slot 0.
    ///
    /// # Errors
    /// [`ChainError::Config`] if blocks would have no room, or no state were kept.
    pub fn new(config: ChainConfig) -> Result<Self, ChainError> {
        if config.gas_limit < MIN_GAS_LIMIT {
            return Err(ChainError::Config(format!(
                "gas limit {}, at least {MIN_GAS_LIMIT}",
                config.gas_limit
            )));
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
            planned_slot: None,
            slots_per_block: 1,
            planned_base_fee: None,
            edits: 0,
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

    /// The slot of the next block, unless slots are skipped first.
    #[must_use]
    pub fn next_slot(&self) -> u64 {
        self.planned_slot
            .filter(|slot| *slot > self.slot)
            .unwrap_or_else(|| self.slot.saturating_add(self.slots_per_block))
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

    /// The blobs of a canonical block, in order; none once they are no longer retained.
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
        if let Some(base_fee) = self.planned_base_fee {
            return base_fee;
        }
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

    /// The nonce of an account in the newest state.
    #[must_use]
    pub fn nonce(&self, account: Address) -> u64 {
        self.state().nonce(account)
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

    /// Moves to the next slot, which is the one after the current one unless another was planned, and mines a
    /// block in it.
    pub fn mine_slot(&mut self) -> Arc<MinedBlock> {
        self.slot = self.next_slot();
        self.planned_slot = None;
        self.mine(self.slot, true)
    }

    /// Lets slots pass without a block.
    ///
    /// # Errors
    /// [`ChainError::ClockOverflow`] if the time leaves 64 bits.
    pub fn skip_slots(&mut self, count: u64) -> Result<(), ChainError> {
        self.slot = self.slot_after(self.slot, count)?;
        Ok(())
    }

    /// The slot that comes `count` slots after another, if its timestamp fits into 64 bits.
    fn slot_after(&self, slot: u64, count: u64) -> Result<u64, ChainError> {
        slot.checked_add(count)
            .filter(|slot| {
                slot.checked_mul(self.config.slot_seconds.get())
                    .and_then(|seconds| seconds.checked_add(self.config.genesis_timestamp))
                    .is_some()
            })
            .ok_or(ChainError::ClockOverflow { current: slot, skip: count })
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

    /// The state that a transaction would find at the end of the next block, if it were built now. The value
    /// of RANDAO in that block isn't known yet; the newest block's stands in for it.
    pub(crate) fn pending_state(&self) -> State {
        let slot = self.next_slot();
        self.build(&self.next_inputs(slot, self.head().header.mix_hash), slot, true).state
    }

    /// Differs whenever the next block may differ although the head is the same.
    pub(crate) fn version(&self) -> (u64, u64, u64) {
        (self.next_slot(), self.pool.version(), self.edits)
    }

    /// How many transactions have entered the pool.
    pub(crate) fn arrivals(&self) -> u64 {
        self.pool.arrivals()
    }

    /// The transactions that entered the pool after the first `count`, as far as the pool remembers.
    pub(crate) fn arrived_since(&self, count: u64) -> Vec<B256> {
        self.pool.arrived_since(count)
    }

    /// Executes a block on top of the newest one.
    fn build(&self, inputs: &BlockInputs, slot: u64, with_transactions: bool) -> Executed {
        let parent = self.head();
        let state = EvmState { state: self.state().clone(), hashes: self.recent_hashes(inputs.number) };
        let mut builder = BlockBuilder::new(&self.config, inputs, state, Parent::from(parent.as_ref()));
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
        for hash in executed.transactions.iter().map(|transaction| *transaction.hash()) {
            if let Some(sidecar) = self.pool.remove(hash).and_then(|pooled| pooled.sidecar) {
                self.blobs.insert(slot, hash, sidecar);
            }
        }
        let parent = Parent::from(self.head().as_ref());
        let extra_data = extra_data(self.fork);
        let (block, state) = assemble(&self.config, &inputs, parent, slot, extra_data, executed);
        let block = Arc::new(block);
        self.planned_base_fee = None;
        for (index, transaction) in block.transactions.iter().enumerate() {
            self.transactions.insert(*transaction.hash(), (block.number(), index));
        }
        self.numbers.insert(block.hash, block.number());
        self.blocks.push(Arc::clone(&block));
        self.pool.prune(&state);
        self.states.push_back(state);
        while self.states.len() > self.config.state_history {
            self.states.pop_front();
        }
        self.blobs.prune(slot.saturating_sub(self.config.blob_retention_slots));
        block
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
