//! What a sequencer must not forget: the blocks that it proposed, and the quotes that it agreed to.
//!
//! A proposal commits to a header; whoever can't show its data pays for it. So a block is on disk before its proposal
//! leaves the process, and a quote before its commitment does.

use std::path::Path;

use alloy::primitives::B256;
use fernet_network::{BlockBody, SignedQuote, Wire, WireError};
use fernet_protocol::Slot;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, backends::InMemoryBackend};

/// Slot and header hash → body, in the network's encoding.
const BODIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bodies.v1");
/// Slot and header hash → the quote chosen, in the network's encoding.
const QUOTES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("quotes.v1");

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
    /// Another quote was signed for the same header.
    #[error("expected at most one signed quote for header {header_hash}, another one is in the journal")]
    AlreadySigned {
        /// The header.
        header_hash: B256,
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

/// Whether a quote may take another one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It may: no signature of this sequencer is out.
    Allowed,
    /// It may not: this one gets signed.
    Forbidden,
}

/// Where blocks and quotes are kept across restarts.
#[derive(Debug)]
pub struct Journal {
    database: Database,
}

impl Journal {
    /// Opens the file, or makes it. One process can have it open, so two copies of a sequencer on one disk exclude
    /// each other.
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
        transaction.open_table(QUOTES)?;
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
        self.get(BODIES, slot, header_hash)
    }

    /// Writes a quote down, before anything is done with it.
    ///
    /// # Errors
    /// When the disk doesn't take it, or another one is there and must stay.
    pub fn put_quote(&self, quote: &SignedQuote, replacement: Replacement) -> Result<(), JournalError> {
        let (slot, header_hash) = (quote.quote.slot, quote.quote.header_hash);
        let (key, bytes) = (key(slot, header_hash), quote.encode());
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(QUOTES)?;
            let differs = table.get(key.as_slice())?.is_some_and(|other| other.value() != bytes.as_slice());
            if differs && replacement == Replacement::Forbidden {
                return Err(JournalError::AlreadySigned { header_hash });
            }
            table.insert(key.as_slice(), bytes.as_slice())?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The quote that was chosen for a block.
    ///
    /// # Errors
    /// When the disk or the entry can't be read.
    pub fn quote(&self, slot: Slot, header_hash: B256) -> Result<Option<SignedQuote>, JournalError> {
        self.get(QUOTES, slot, header_hash)
    }

    /// Drops everything about slots before `slot`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn forget_before(&self, slot: Slot) -> Result<(), JournalError> {
        let end = key(slot, B256::ZERO);
        let transaction = self.database.begin_write()?;
        transaction.open_table(BODIES)?.retain_in(..end.as_slice(), |_, _| false)?;
        transaction.open_table(QUOTES)?.retain_in(..end.as_slice(), |_, _| false)?;
        transaction.commit()?;
        Ok(())
    }

    fn get<T: Wire>(
        &self,
        table: TableDefinition<'_, &'static [u8], &'static [u8]>,
        slot: Slot,
        header_hash: B256,
    ) -> Result<Option<T>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(table)?;
        let Some(value) = table.get(key(slot, header_hash).as_slice())? else {
            return Ok(None);
        };
        T::decode(value.value()).map(Some).map_err(|error| JournalError::Malformed { header_hash, error })
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
