//! What a prover must not forget: the blocks that it offered to prove.
//!
//! Whoever has a bond on a block and can't prove it loses the bond. So a block is on disk before an offer for it leaves
//! the process.

use std::path::Path;

use alloy::primitives::B256;
use fernet_network::{BlockBody, Wire, WireError};
use fernet_protocol::Slot;
use redb::{Database, ReadableDatabase, TableDefinition, backends::InMemoryBackend};

/// Slot and header hash → body, in the network's encoding.
const BODIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bodies.v1");

/// Why the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed: disk full, file locked by another process, or damaged.
    #[error("journal: {0}")]
    Database(#[from] Box<redb::Error>),
    /// An entry can't be read.
    #[error("journal entry for header {header_hash}: {error}")]
    Malformed {
        /// The entry's header.
        header_hash: B256,
        /// What is wrong with it.
        error: WireError,
    },
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for JournalError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}
from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError);

/// Where blocks are kept across restarts.
#[derive(Debug)]
pub struct Journal {
    database: Database,
}

impl Journal {
    /// Opens the file, or makes it. One process can have it open, so two copies of a prover on one disk exclude each
    /// other.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::prepare(Database::create(path)?)
    }

    /// Keeps everything in memory.
    ///
    /// # Errors
    /// When memory is short.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::prepare(Database::builder().create_with_backend(InMemoryBackend::new())?)
    }

    fn prepare(database: Database) -> Result<Self, JournalError> {
        let transaction = database.begin_write()?;
        transaction.open_table(BODIES)?;
        transaction.commit()?;
        Ok(Self { database })
    }

    /// Writes a block down.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub fn put_body(&self, header_hash: B256, body: &BlockBody) -> Result<(), JournalError> {
        let transaction = self.database.begin_write()?;
        let key = key(body.header.slot, header_hash);
        transaction.open_table(BODIES)?.insert(key.as_slice(), body.encode().as_slice())?;
        transaction.commit()?;
        Ok(())
    }

    /// A block that was written down.
    ///
    /// # Errors
    /// When the disk or the entry can't be read.
    pub fn body(&self, slot: Slot, header_hash: B256) -> Result<Option<BlockBody>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(BODIES)?;
        let Some(value) = table.get(key(slot, header_hash).as_slice())? else {
            return Ok(None);
        };
        BlockBody::decode(value.value())
            .map(Some)
            .map_err(|error| JournalError::Malformed { header_hash, error })
    }

    /// Drops everything about slots before `slot`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn forget_before(&self, slot: Slot) -> Result<(), JournalError> {
        let end = key(slot, B256::ZERO);
        let transaction = self.database.begin_write()?;
        transaction.open_table(BODIES)?.retain_in(..end.as_slice(), |_, _| false)?;
        transaction.commit()?;
        Ok(())
    }
}

/// Slot, then hash: entries are in the order of their slots.
fn key(slot: Slot, header_hash: B256) -> [u8; 40] {
    let mut key = [0; 40];
    let (number, hash) = key.split_at_mut(8);
    number.copy_from_slice(&slot.get().to_be_bytes());
    hash.copy_from_slice(header_hash.as_slice());
    key
}
