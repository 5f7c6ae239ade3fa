//! Where a role keeps what must survive a restart: its journal, its L1 transactions, and the state of its
//! follower.

use std::path::PathBuf;

use fernet_follower::FollowerStore;
use fernet_l1::{StoreError, TxStore};

use crate::{Journal, JournalError};

/// A place for the files of roles.
#[derive(Debug, Clone, Default)]
pub enum Storage {
    /// Memory: nothing survives.
    #[default]
    Memory,
    /// Files in this folder, named after their role.
    Folder(PathBuf),
}

impl Storage {
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

    /// The state of a follower.
    ///
    /// # Errors
    /// When its file can't be used.
    pub fn follower(&self) -> Result<FollowerStore, fernet_follower::StoreError> {
        match self {
            Self::Memory => FollowerStore::in_memory(),
            Self::Folder(folder) => FollowerStore::open(&folder.join("follower.redb")),
        }
    }
}
