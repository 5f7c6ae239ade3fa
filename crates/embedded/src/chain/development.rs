//! What only a development chain lets its user do: plan the time, edit accounts, go back to a snapshot.

use std::sync::Arc;

use alloy::primitives::{Address, B256, Bytes, U256};

use super::{Chain, ORPHANS};
use crate::{
    block::MinedBlock,
    config::MIN_GAS_LIMIT,
    error::ChainError,
    executor::BlockBuilder,
    state::{Account, EvmState},
};

impl Chain {
    /// Moves the next block by some slots; calls add up until the block is mined.
    ///
    /// # Errors
    /// [`ChainError::ClockOverflow`] if the time leaves 64 bits.
    pub fn advance(&mut self, slots: u64) -> Result<(), ChainError> {
        let from = self.planned_slot.filter(|slot| *slot > self.slot).unwrap_or(self.slot);
        let slot = self.slot_after(from, slots)?;
        if slot > self.slot {
            self.planned_slot = Some(slot);
        }
        Ok(())
    }

    /// Advances the clock by seconds, which must be whole slots.
    ///
    /// # Errors
    /// [`ChainError::NotWholeSlots`], or [`ChainError::ClockOverflow`] if the time leaves 64 bits.
    pub fn advance_seconds(&mut self, seconds: u64) -> Result<(), ChainError> {
        self.advance(self.whole_slots(seconds)?)
    }

    /// The slots in some seconds.
    ///
    /// # Errors
    /// [`ChainError::NotWholeSlots`].
    pub fn whole_slots(&self, seconds: u64) -> Result<u64, ChainError> {
        let slot_seconds = self.config.slot_seconds.get();
        if !seconds.is_multiple_of(slot_seconds) {
            return Err(ChainError::NotWholeSlots { seconds, slot_seconds });
        }
        Ok(seconds / slot_seconds)
    }

    /// Chooses the slot of the next block by its timestamp.
    ///
    /// # Errors
    /// [`ChainError::TimeInPast`] unless the time is after the current slot's, [`ChainError::NotASlot`]
    /// unless a slot starts then.
    pub fn set_next_timestamp(&mut self, timestamp: u64) -> Result<(), ChainError> {
        let current = self.timestamp(self.slot);
        if timestamp <= current {
            return Err(ChainError::TimeInPast { timestamp, current });
        }
        let slot_seconds = self.config.slot_seconds.get();
        let since_genesis = timestamp.saturating_sub(self.config.genesis_timestamp);
        let slot = since_genesis / slot_seconds;
        if !since_genesis.is_multiple_of(slot_seconds) {
            return Err(ChainError::NotASlot {
                timestamp,
                slot_seconds,
                before: self.timestamp(slot),
                after: self.timestamp(slot.saturating_add(1)),
            });
        }
        self.planned_slot = Some(slot);
        Ok(())
    }

    /// From now on, lets a block follow another after this many slots; 0 counts as 1.
    pub fn set_slots_per_block(&mut self, slots: u64) {
        self.slots_per_block = slots.max(1);
    }

    /// From now on, lets blocks follow each other slot by slot; whether that changes anything.
    pub fn reset_slots_per_block(&mut self) -> bool {
        std::mem::replace(&mut self.slots_per_block, 1) != 1
    }

    /// Chooses the base fee of the next block.
    pub fn set_next_base_fee(&mut self, base_fee: u64) {
        self.edits += 1;
        self.planned_base_fee = Some(base_fee);
    }

    /// Sets the gas limit of the blocks to come.
    ///
    /// # Errors
    /// [`ChainError::Config`] if blocks would have no room.
    pub fn set_gas_limit(&mut self, gas_limit: u64) -> Result<(), ChainError> {
        if gas_limit < MIN_GAS_LIMIT {
            return Err(ChainError::Config(format!("gas limit {gas_limit}, at least {MIN_GAS_LIMIT}")));
        }
        self.edits += 1;
        self.config.gas_limit = gas_limit;
        Ok(())
    }

    /// Sets who receives the tips of the blocks to come.
    pub fn set_fee_recipient(&mut self, recipient: Address) {
        self.edits += 1;
        self.config.fee_recipient = recipient;
    }

    /// Sets a balance in the newest state. Like every edit of an account, it shows in the state root of the
    /// next block, not in that of the newest one.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.edit(address, |account| account.balance = balance);
    }

    /// Sets a nonce in the newest state.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.edit(address, |account| account.nonce = nonce);
    }

    /// Sets the code of an account in the newest state.
    pub fn set_code(&mut self, address: Address, code: Bytes) {
        self.edit(address, |account| account.set_code(code));
    }

    /// Sets a storage slot of an account in the newest state.
    ///
    /// # Errors
    /// [`ChainError::EmptyAccount`] if the account has neither balance nor nonce nor code: an empty account
    /// doesn't exist (EIP-161), and so has no storage.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) -> Result<(), ChainError> {
        if self.state().account(address).is_none() {
            return Err(ChainError::EmptyAccount(address));
        }
        self.edit(address, |account| account.set_storage(slot, value));
        Ok(())
    }

    fn edit(&mut self, address: Address, change: impl FnOnce(&mut Account)) {
        self.edits += 1;
        if let Some(state) = self.states.back_mut() {
            state.update(address, change);
            self.pool.prune(state);
        }
    }

    /// Goes back to an earlier copy of this chain, clock and pool included; returns the blocks that are gone.
    pub(crate) fn restore(&mut self, snapshot: Self) -> Vec<B256> {
        let current = std::mem::replace(self, snapshot);
        let removed: Vec<Arc<MinedBlock>> =
            current.blocks.into_iter().filter(|block| !self.numbers.contains_key(&block.hash)).collect();
        let hashes = removed.iter().map(|block| block.hash).collect();
        self.orphans = current.orphans;
        self.orphans.extend(removed);
        while self.orphans.len() > ORPHANS {
            self.orphans.pop_front();
        }
        self.edits = self.edits.max(current.edits) + 1;
        self.pool.continue_from(&current.pool);
        hashes
    }

    /// A block being built anew in the place of a canonical one; `None` if the state before it is gone. The
    /// edits that accounts got before the block are part of that state.
    pub(crate) fn rebuild(&self, block: &MinedBlock) -> Option<BlockBuilder> {
        let parent = self.block(block.number().checked_sub(1)?)?;
        let inputs = block.inputs();
        let state =
            EvmState { state: self.state_after(parent)?.clone(), hashes: self.recent_hashes(inputs.number) };
        Some(BlockBuilder::new(&self.config, &inputs, state, parent.as_ref().into()))
    }
}
