//! Where the roles of a devnet keep what must survive a restart.

use std::path::PathBuf;

use fernet_l1::{StoreError, TxStore};
use fernet_roles::{Journal, JournalError};

/// Where journals and transactions are.
#[derive(Debug, Clone, Default)]
pub enum Stores {
    /// In memory: nothing survives.
    #[default]
    Memory,
    /// In files of this folder.
    Folder(PathBuf),
}

impl Stores {
    /// The journal of a role.
    ///
    /// # Errors
    /// When its file can't be used.
    pub fn journal(&self, role: &str) -> Result<Journal, JournalError> {
        match self {
            Self::Memory => Journal::in_memory(),
            Self::Folder(folder) => Journal::open(&folder.join(format!("{role}.journal.redb"))),
        }
    }

    /// The transactions of a role.
    ///
    /// # Errors
    /// When their file can't be used.
    pub fn transactions(&self, role: &str) -> Result<TxStore, StoreError> {
        match self {
            Self::Memory => TxStore::in_memory(),
            Self::Folder(folder) => TxStore::open(&folder.join(format!("{role}.transactions.redb"))),
        }
    }
}
