//! Accounts and storage, as of one block.

use std::convert::Infallible;

use alloy::{
    consensus::constants::KECCAK_EMPTY,
    primitives::{Address, B256, Bytes, StorageKey, U256, keccak256},
    rlp::Encodable,
    trie::TrieAccount,
};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    primitives::AddressMap,
    state::{Account as ChangedAccount, AccountInfo},
};

use crate::trie::{Leaf, Trie};

/// One account with its code and storage.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) nonce: u64,
    /// In wei.
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
    pub(crate) code: Bytecode,
    pub(crate) storage: Trie<U256>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK_EMPTY,
            code: Bytecode::default(),
            storage: Trie::default(),
        }
    }
}

impl Account {
    /// Replaces the code.
    pub(crate) fn set_code(&mut self, code: Bytes) {
        self.code_hash = if code.is_empty() { KECCAK_EMPTY } else { keccak256(&code) };
        // a broken delegation (EIP-7702) is code like any other, and fails when it runs
        self.code = Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code));
    }

    /// Sets a storage slot; zero removes it.
    pub(crate) fn set_storage(&mut self, slot: U256, value: U256) {
        let key = hashed_slot(slot);
        if value.is_zero() {
            self.storage.remove(key);
        } else {
            self.storage.insert(key, value);
        }
    }

    fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }
}

impl Leaf for Account {
    fn encode_leaf(&self, out: &mut Vec<u8>) {
        TrieAccount::new(self.nonce, self.balance, self.storage.root(), self.code_hash).encode(out);
    }
}

fn hashed_slot(slot: U256) -> B256 {
    keccak256(B256::from(slot))
}

/// All accounts. Copies are cheap and independent of each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    accounts: Trie<Account>,
}

impl State {
    /// The account at an address, if it exists.
    pub(crate) fn account(&self, address: Address) -> Option<&Account> {
        self.accounts.get(keccak256(address))
    }

    /// The balance in wei.
    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.account(address).map(|account| account.balance).unwrap_or_default()
    }

    /// The nonce of the next transaction.
    pub(crate) fn nonce(&self, address: Address) -> u64 {
        self.account(address).map(|account| account.nonce).unwrap_or_default()
    }

    /// The code; empty for an account that has none.
    pub(crate) fn code(&self, address: Address) -> Bytes {
        self.account(address).map(|account| account.code.original_bytes()).unwrap_or_default()
    }

    /// The value of a storage slot.
    pub(crate) fn storage(&self, address: Address, slot: U256) -> U256 {
        self.account(address)
            .and_then(|account| account.storage.get(hashed_slot(slot)))
            .copied()
            .unwrap_or_default()
    }

    /// Changes an account, creating it first if need be; an account left empty is removed (EIP-161).
    pub(crate) fn update(&mut self, address: Address, change: impl FnOnce(&mut Account)) {
        let key = keccak256(address);
        let mut account = self.accounts.get(key).cloned().unwrap_or_default();
        change(&mut account);
        if account.is_empty() {
            self.accounts.remove(key);
        } else {
            self.accounts.insert(key, account);
        }
    }

    /// The state root of the block header.
    pub(crate) fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// The Merkle proof of an account.
    pub(crate) fn account_proof(&self, address: Address) -> Vec<Bytes> {
        self.accounts.proof(keccak256(address))
    }

    /// The Merkle proof of a storage slot.
    pub(crate) fn storage_proof(&self, address: Address, slot: StorageKey) -> Vec<Bytes> {
        self.account(address).map(|account| account.storage.proof(keccak256(slot))).unwrap_or_default()
    }
}

/// The hashes that `BLOCKHASH` may ask for: the last 256 blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentHashes {
    /// Number of the first of `hashes`.
    pub(crate) first: u64,
    pub(crate) hashes: Vec<B256>,
}

/// A state as revm's database.
#[derive(Clone, Debug)]
pub(crate) struct EvmState {
    pub(crate) state: State,
    pub(crate) hashes: RecentHashes,
}

impl DatabaseRef for EvmState {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.state.account(address).map(|account| {
            AccountInfo::new(account.balance, account.nonce, account.code_hash, account.code.clone())
        }))
    }

    /// Never called: [`Self::basic_ref`] hands out every account with its code.
    fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Infallible> {
        Ok(self.state.storage(address, index))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        let index = number.checked_sub(self.hashes.first).and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| self.hashes.hashes.get(index)).copied().unwrap_or_default())
    }
}

impl Database for EvmState {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        self.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, Infallible> {
        self.storage_ref(address, index)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.block_hash_ref(number)
    }
}

impl DatabaseCommit for EvmState {
    fn commit(&mut self, changes: AddressMap<ChangedAccount>) {
        for (address, changed) in changes {
            if !changed.is_touched() {
                continue;
            }
            self.state.update(address, |account| {
                if changed.is_selfdestructed() {
                    *account = Account::default();
                    return;
                }
                if changed.is_created() {
                    account.storage = Trie::default();
                }
                account.nonce = changed.info.nonce;
                account.balance = changed.info.balance;
                if account.code_hash != changed.info.code_hash {
                    account.code_hash = changed.info.code_hash;
                    account.code = changed.info.code.unwrap_or_default();
                }
                for (slot, value) in changed.storage {
                    if value.is_changed() {
                        account.set_storage(slot, value.present_value());
                    }
                }
            });
        }
    }
}
