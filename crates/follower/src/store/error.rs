//! Why a store fails.

use std::path::PathBuf;

use alloy::primitives::B256;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed: the disk is full, or the file is damaged.
    #[error("follower store: {0}")]
    Database(#[from] Box<redb::Error>),
    /// Another process has the file.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A record can't be read.
    #[error("a record of {table} in the follower store is malformed: {reason}")]
    Malformed {
        /// Where it is.
        table: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file belongs to another deployment.
    #[error("the follower store is of another deployment: expected {expected}, got {actual}")]
    OtherDeployment {
        /// Rollup and parameters that are followed.
        expected: B256,
        /// Those of the file.
        actual: B256,
    },
    /// View and ledger on disk contradict each other.
    #[error("the follower store contradicts itself: {0}")]
    Inconsistent(String),
}

fernet_l1::database_errors!(StoreError);
