//! The contracts on revm, without blocks and JSON-RPC: single calls at chosen times.

use alloy::{
    consensus::Header,
    eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE},
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    rlp,
    sol_types::SolCall,
};
use fernet_bindings::{
    Ballot, EscrowView, IBridge, IEscrow, IGuardian, IReader, IRegistry, IRewards, IRollup, ITimelock,
    IVotes, Lane, Overview, QueuedPayload, RewardsView, SequencerView, Version, artifacts::artifact,
};
use fernet_protocol::PROVABLE_L1_SLOTS;
use revm::{
    Context, ExecuteCommitEvm as _, ExecuteEvm as _, MainBuilder as _, MainContext as _, MainnetEvm,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, TxEnv, result::ExecutionResult},
    context_interface::block::BlobExcessGasAndPrice,
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use crate::{
    actors,
    call::{HeaderProof, Reply, ShownBlock, Step},
    code,
    deployment::constructors,
    payloads,
    rules::{Addresses, CHAIN_ID, DEPLOYER, Rules},
};

type Db = CacheDB<EmptyDB>;

/// A state from which sequences can start.
pub(crate) type Snapshot = Db;

/// The contracts of one deployment in their current state.
pub(crate) struct Chain {
    evm: MainnetEvm<MainnetContext<Db>>,
    rules: Rules,
    at: Addresses,
}

/// Initial token balance of an account.
pub(crate) const ENDOWMENT: u128 = 10_000_000;

impl Chain {
    /// Deploys all contracts at the genesis slot. The accounts of `rich` start with tokens.
    pub(crate) fn deploy(rules: Rules, rich: &[Address]) -> Result<Self, String> {
        let at = Addresses::new();
        let mut db = Db::new(EmptyDB::default());
        let doubles = [
            (at.token, code::token()),
            (at.verifier, code::verifier(rules.chunks_per_blob, Rules::genesis_root())),
            (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone()),
        ];
        for (address, code) in doubles.into_iter().chain(payloads::codes()).chain(actors::codes()) {
            let code = Bytecode::new_raw(code);
            db.insert_account_info(address, AccountInfo::new(U256::ZERO, 1, code.hash_slow(), code));
        }
        for account in rich {
            let word = U256::from_be_bytes(account.into_word().0);
            let Ok(()) = db.insert_account_storage(at.token, word, U256::from(ENDOWMENT));
        }
        let mut chain = Self::at(rules, db);
        chain.set_time(rules.time_of(rules.genesis_slot.get()));
        for (name, arguments, expected) in constructors(&rules, &at)? {
            let code = artifact(name).map_err(|error| error.to_string())?.deployment(&arguments);
            match chain.transact(DEPLOYER, TxKind::Create, code, Vec::new()) {
                Ok(ExecutionResult::Success { output, .. }) if output.address() == Some(&expected) => {}
                other => return Err(format!("{name} wasn't deployed: {other:?}")),
            }
        }
        Ok(chain)
    }

    /// Continues from a snapshot.
    pub(crate) fn at(rules: Rules, state: Snapshot) -> Self {
        let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(CHAIN_ID.get());
        cfg.disable_nonce_check = true;
        cfg.disable_balance_check = true;
        // Contracts' addresses are callers, too: so their privileged calls are tried often.
        cfg.disable_eip3607 = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let block = BlockEnv {
            gas_limit: u64::MAX,
            basefee: 0,
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        let evm = Context::mainnet().with_db(state).with_cfg(cfg).with_block(block).build_mainnet();
        Self { evm, rules, at: Addresses::new() }
    }

    /// A snapshot of the current state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.evm.ctx.journaled_state.database.clone()
    }

    fn set_time(&mut self, timestamp: u64) {
        let l1_slot = (timestamp - self.rules.genesis_time) / self.rules.slot_seconds;
        self.evm.ctx.block.timestamp = U256::from(timestamp);
        // There is at most one block in an L1 slot, with the slot's number.
        self.evm.ctx.block.number = U256::from(l1_slot);
    }

    fn transact(
        &mut self,
        caller: Address,
        kind: TxKind,
        data: Bytes,
        blobs: Vec<B256>,
    ) -> Result<ExecutionResult, String> {
        let with_blobs = !blobs.is_empty();
        let tx = TxEnv {
            tx_type: if with_blobs { 3 } else { 0 },
            caller,
            kind,
            data,
            gas_limit: 30_000_000,
            gas_price: 0,
            gas_priority_fee: with_blobs.then_some(0),
            max_fee_per_blob_gas: if with_blobs { 1 } else { 0 },
            blob_hashes: blobs,
            chain_id: Some(CHAIN_ID.get()),
            ..TxEnv::default()
        };
        self.evm.transact_commit(tx).map_err(|error| error.to_string())
    }

    /// Runs a call.
    ///
    /// # Errors
    /// If the call neither succeeds nor reverts.
    pub(crate) fn run(&mut self, step: &Step) -> Result<Reply, String> {
        self.set_time(step.timestamp);
        if let crate::call::Call::Propose(_, Some(proof)) | crate::call::Call::Prove(_, proof) = &step.call {
            self.remember(&proof.child);
        }
        let (to, data) = step.call.encode(&self.at);
        match self.transact(step.sender, TxKind::Call(to), data, step.blobs.clone())? {
            ExecutionResult::Success { logs, .. } => Ok(Ok(logs)),
            ExecutionResult::Revert { output, .. } => Ok(Err(output)),
            ExecutionResult::Halt { reason, .. } => Err(format!("halted: {reason:?}")),
        }
    }

    /// Answer of a view at the current time.
    fn view<C: SolCall>(&mut self, to: Address, call: C) -> Result<C::Return, String> {
        let tx = TxEnv {
            kind: TxKind::Call(to),
            data: call.abi_encode().into(),
            gas_limit: 30_000_000,
            gas_price: 0,
            chain_id: Some(CHAIN_ID.get()),
            ..TxEnv::default()
        };
        match self.evm.transact(tx).map_err(|error| error.to_string())?.result {
            ExecutionResult::Success { output, .. } => {
                C::abi_decode_returns(output.data()).map_err(|error| error.to_string())
            }
            other => Err(format!("{} failed: {other:?}", C::SIGNATURE)),
        }
    }

    pub(crate) fn overview(&mut self) -> Result<Overview, String> {
        self.view(self.at.reader, IReader::overviewCall {})
    }

    pub(crate) fn sequencers(&mut self) -> Result<Vec<SequencerView>, String> {
        self.view(self.at.reader, IReader::sequencersCall { from: 1, limit: u32::MAX })
    }

    pub(crate) fn escrow(&mut self, account: Address) -> Result<EscrowView, String> {
        self.view(self.at.reader, IReader::escrowCall { account })
    }

    pub(crate) fn rewards(&mut self, account: Address) -> Result<RewardsView, String> {
        self.view(self.at.reader, IReader::rewardsCall { account })
    }

    /// The named key that binds an account, the one that will, and from when.
    pub(crate) fn signers(&mut self, account: Address) -> Result<(Address, Address, u64), String> {
        let bound = self.view(self.at.escrow, IEscrow::signerOfCall { account })?;
        let pending = self.view(self.at.escrow, IEscrow::pendingSignerCall { account })?;
        Ok((bound, pending.signer, pending.from))
    }

    /// Owner of an L2 account, and the number of deposits that must be consumed before its exit.
    pub(crate) fn bridge_account(&mut self, index: u32) -> Result<(Address, u64), String> {
        let known = self.view(self.at.bridge, IBridge::accountCall { index })?;
        Ok((known.owner, known.exitableFrom))
    }

    /// Number of operations in a lane, and the rolling hash of all of them.
    pub(crate) fn lane(&mut self, lane: Lane) -> Result<(u64, B256), String> {
        let count = self.view(self.at.bridge, IBridge::countCall { lane })?;
        Ok((count, self.view(self.at.bridge, IBridge::chainCall { lane, length: count })?))
    }

    /// Prices that a quote may have in a slot that is paid for so many L1 slots.
    pub(crate) fn price_range(&mut self, slot: u64, paid: u32) -> Result<(i128, i128), String> {
        let range = self.view(self.at.rewards, IRewards::priceRangeCall { slot, paidL1Slots: paid })?;
        Ok((range.lowest, range.highest))
    }

    /// L2 units that were deposited and not claimed.
    pub(crate) fn supply(&mut self) -> Result<u64, String> {
        self.view(self.at.bridge, IBridge::supplyCall {})
    }

    /// Ballot of a payload in a round.
    pub(crate) fn ballot(&mut self, round: u64, payload: Address) -> Result<Ballot, String> {
        self.view(self.at.votes, IVotes::ballotCall { round, payload })
    }

    /// Whether a payload was pushed.
    pub(crate) fn pushed(&mut self, payload: Address) -> Result<bool, String> {
        self.view(self.at.votes, IVotes::pushedCall { payload })
    }

    /// The timelock's record of a payload.
    pub(crate) fn queued(&mut self, payload: Address) -> Result<QueuedPayload, String> {
        self.view(self.at.timelock, ITimelock::queuedCall { payload })
    }

    /// The guardian's address, and its approvals.
    pub(crate) fn guardian(&mut self) -> Result<(Address, u8), String> {
        let guardian = self.view(self.at.guardian, IGuardian::guardianCall {})?;
        Ok((guardian, self.view(self.at.guardian, IGuardian::approvalsCall {})?))
    }

    /// First L1 slot in which the guardian may pause again.
    pub(crate) fn pausable_from(&mut self) -> Result<u64, String> {
        self.view(self.at.rollup, IRollup::pausableFromCall {})
    }

    /// The number of versions, and the newest one.
    pub(crate) fn versions(&mut self) -> Result<(U256, Version), String> {
        let count = self.view(self.at.registry, IRegistry::countCall {})?;
        let version = count.saturating_sub(U256::ONE);
        Ok((count, self.view(self.at.registry, IRegistry::versionAtCall { version })?))
    }

    /// Token balance of an account, in token units.
    pub(crate) fn balance(&mut self, account: Address) -> Result<U256, String> {
        let db = &mut self.evm.ctx.journaled_state.database;
        let word = U256::from_be_bytes(account.into_word().0);
        revm::Database::storage(db, self.at.token, word).map_err(|error| error.to_string())
    }

    // ---- the L1's blocks ----------------------------------------------------------------------------------

    /// Makes a block's hash available to the EVM if the block is recent enough (EIP-2935, BLOCKHASH).
    fn remember(&mut self, block: &ShownBlock) {
        let number = U256::from(block.number);
        if number >= self.evm.ctx.block.number {
            return;
        }
        let db = &mut self.evm.ctx.journaled_state.database;
        db.cache.block_hashes.insert(number, block.hash);
        let word = U256::from(block.number % PROVABLE_L1_SLOTS);
        let Ok(()) = db.insert_account_storage(HISTORY_STORAGE_ADDRESS, word, block.hash.into());
    }
}

/// The blocks of a seeded L1. A quarter of the L1 slots are missed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct L1Blocks {
    pub(crate) seed: u64,
    pub(crate) rules: Rules,
}

impl L1Blocks {
    fn random(&self, l1_slot: u64) -> B256 {
        keccak256([self.seed.to_be_bytes(), l1_slot.to_be_bytes()].concat())
    }

    fn exists(&self, l1_slot: u64) -> bool {
        !self.random(l1_slot)[0].is_multiple_of(4)
    }

    /// The block of an L1 slot, whose parent is `parent`.
    fn block(&self, l1_slot: u64, parent: B256) -> ShownBlock {
        let random = self.random(l1_slot);
        // Most blocks have the slot's first second as timestamp.
        let late =
            if random[1].is_multiple_of(4) { u64::from(random[2]) % self.rules.slot_seconds } else { 0 };
        let header = Header {
            parent_hash: parent,
            number: l1_slot,
            timestamp: self.rules.time_of(l1_slot) + late,
            mix_hash: random,
            gas_limit: 60_000_000,
            base_fee_per_gas: Some(7),
            ..Header::default()
        };
        let rlp: Bytes = rlp::encode(&header).into();
        ShownBlock { number: l1_slot, timestamp: header.timestamp, mix: random, hash: keccak256(&rlp), rlp }
    }

    /// Proof of the mix as of the end of `target`, from the first block after it.
    pub(crate) fn proof(&self, target: u64, with_parent: bool) -> HeaderProof {
        let child = (target + 1..).find(|slot| self.exists(*slot)).unwrap_or_default();
        let parent = (0..=target).rev().find(|slot| self.exists(*slot)).unwrap_or_default();
        let parent = self.block(parent, self.random(parent));
        let child = self.block(child, parent.hash);
        HeaderProof { child, parent: with_parent.then_some(parent) }
    }
}

impl HeaderProof {
    /// `abi.encode(bytes header, bytes parentHeader)`.
    pub(crate) fn encode(&self) -> Bytes {
        use alloy::sol_types::SolValue as _;
        let parent = self.parent.as_ref().map(|p| p.rlp.clone()).unwrap_or_default();
        (self.child.rlp.clone(), parent).abi_encode_params().into()
    }
}
