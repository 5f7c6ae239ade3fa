//! What a role must not forget: blocks that it stands for, quotes that it chose or offered, proofs that it made.
//!
//! Each entry is a [`Record`] in a table of its kind, under its slot and its block's header. It is on disk before what
//! it stands for leaves the process, and several go there together or not at all ([`Batch`]).

use std::fmt;
use std::path::Path;

use alloy::primitives::B256;
use fernet_network::{BlockBody, SignedQuote, Wire, WireError};
use fernet_protocol::Slot;
use redb::{
    Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, TableHandle, WriteTransaction,
    backends::InMemoryBackend,
};

/// Slot, then hash: entries are in the order of their slots.
type Key = [u8; 40];
/// Key → the record's bytes.
type Table<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

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
    /// An entry is about something else than its key says.
    #[error(
        "expected the journal entry of slot {expected_slot} and header {expected}, got one of slot {actual_slot} and header {actual}"
    )]
    Misplaced {
        /// The key's slot.
        expected_slot: Slot,
        /// The key's header.
        expected: B256,
        /// The entry's slot.
        actual_slot: Slot,
        /// The entry's header.
        actual: B256,
    },
    /// Another quote was signed for the same header.
    #[error("expected at most one signed quote for header {header_hash}, another one is in the journal")]
    AlreadySigned {
        /// The header.
        header_hash: B256,
    },
}

impl JournalError {
    /// Whether the next L1 block may mend it: a journal that fails needs its operator.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::AlreadySigned { .. })
    }
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

/// What can be written down. The bytes are those of [`Wire`].
pub trait Record: Wire {
    /// Name of the table, with the version of its bytes.
    const TABLE: &'static str;

    /// The slot, and the header's hash of the block, that it is about.
    fn key(&self) -> (Slot, B256);
}

impl Record for BlockBody {
    const TABLE: &'static str = "bodies.v1";

    fn key(&self) -> (Slot, B256) {
        (self.header.slot, self.header_hash())
    }
}

impl Record for SignedQuote {
    const TABLE: &'static str = "quotes.v1";

    fn key(&self) -> (Slot, B256) {
        (self.quote.slot, self.quote.header_hash)
    }
}

/// Bytes of an [`OwnBlock`]: slot, header hash, parent.
const OWN_BLOCK_BYTES: usize = 72;

/// Marks a block as built by this role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnBlock {
    /// Its slot.
    pub slot: Slot,
    /// Hash of its header.
    pub header_hash: B256,
    /// Hash of its parent's header.
    pub parent: B256,
}

impl Record for OwnBlock {
    const TABLE: &'static str = "own.v1";

    fn key(&self) -> (Slot, B256) {
        (self.slot, self.header_hash)
    }
}

/// Slot, header hash, parent.
impl Wire for OwnBlock {
    fn encode(&self) -> Vec<u8> {
        [record_key(self.slot, self.header_hash).as_slice(), self.parent.as_slice()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let Some((slot, [header_hash, parent])) = split(bytes) else {
            let actual = bytes.len();
            return Err(match actual.checked_sub(OWN_BLOCK_BYTES) {
                Some(more) => WireError::Trailing(more),
                None => WireError::Truncated { field: "own block", expected: OWN_BLOCK_BYTES, actual },
            });
        };
        Ok(Self { slot, header_hash, parent })
    }
}

fn split(bytes: &[u8]) -> Option<(Slot, [B256; 2])> {
    let (slot, hashes) = bytes.split_first_chunk::<8>()?;
    let (header_hash, parent) = hashes.split_first_chunk::<32>()?;
    let parent: [u8; 32] = parent.try_into().ok()?;
    Some((Slot::new(u64::from_be_bytes(*slot)), [B256::from(*header_hash), B256::from(parent)]))
}

/// Whether a quote may take another one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It may: no signature of this role is out.
    Allowed,
    /// It may not: this one gets signed.
    Forbidden,
}

/// What is kept across restarts.
#[derive(Debug)]
pub struct Journal {
    database: Database,
}

impl Journal {
    /// Opens the file, or makes it. One process can have it open, so two copies of a role on one disk exclude each
    /// other.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self { database: Database::create(path)? })
    }

    /// Keeps everything in memory.
    ///
    /// # Errors
    /// When memory is short.
    pub fn in_memory() -> Result<Self, JournalError> {
        Ok(Self { database: Database::builder().create_with_backend(InMemoryBackend::new())? })
    }

    /// Writes a record down, in the place of an earlier one.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub fn put<R: Record>(&self, record: &R) -> Result<(), JournalError> {
        let batch = self.batch()?;
        batch.put(record)?;
        batch.commit()
    }

    /// Writes a quote down, before anything is done with it.
    ///
    /// # Errors
    /// When the disk doesn't take it, or another one is there and must stay.
    pub fn put_quote(&self, quote: &SignedQuote, replacement: Replacement) -> Result<(), JournalError> {
        let batch = self.batch()?;
        let (slot, header_hash) = quote.key();
        if replacement == Replacement::Forbidden
            && batch.get::<SignedQuote>(slot, header_hash)?.is_some_and(|other| other != quote.encode())
        {
            return Err(JournalError::AlreadySigned { header_hash });
        }
        batch.put(quote)?;
        batch.commit()
    }

    /// Starts writing several records at once.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn batch(&self) -> Result<Batch, JournalError> {
        Ok(Batch(self.database.begin_write()?))
    }

    /// A record that was written down.
    ///
    /// # Errors
    /// When the disk or the entry can't be read.
    pub fn get<R: Record>(&self, slot: Slot, header_hash: B256) -> Result<Option<R>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(table::<R>()) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let key = record_key(slot, header_hash);
        let value = table.get(key.as_slice())?;
        value.map(|value| read(&key, value.value())).transpose()
    }

    /// Every record of a kind, in the order of slots.
    ///
    /// # Errors
    /// When the disk or an entry can't be read.
    pub fn all<R: Record>(&self) -> Result<Vec<R>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(table::<R>()) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut records = Vec::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            records.push(read(key.value(), value.value())?);
        }
        Ok(records)
    }

    /// Drops everything about slots before `slot`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn forget_before(&self, slot: Slot) -> Result<(), JournalError> {
        let end = record_key(slot, B256::ZERO);
        let transaction = self.database.begin_write()?;
        let names: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
        for name in &names {
            transaction.open_table(Table::new(name))?.retain_in(..end.as_slice(), |_, _| false)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Records that go to disk together, at [`Batch::commit`], or not at all.
pub struct Batch(WriteTransaction);

impl fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Batch {
    /// Adds a record, in the place of an earlier one.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn put<R: Record>(&self, record: &R) -> Result<(), JournalError> {
        let (slot, header_hash) = record.key();
        let key = record_key(slot, header_hash);
        self.0.open_table(table::<R>())?.insert(key.as_slice(), record.encode().as_slice())?;
        Ok(())
    }

    /// Writes everything.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub fn commit(self) -> Result<(), JournalError> {
        Ok(self.0.commit()?)
    }

    fn get<R: Record>(&self, slot: Slot, header_hash: B256) -> Result<Option<Vec<u8>>, JournalError> {
        let table = self.0.open_table(table::<R>())?;
        let value = table.get(record_key(slot, header_hash).as_slice())?;
        Ok(value.map(|value| value.value().to_vec()))
    }
}

const fn table<R: Record>() -> Table<'static> {
    TableDefinition::new(R::TABLE)
}

/// The bytes of a key: the slot's number, big-endian, and the hash.
#[must_use]
pub fn record_key(slot: Slot, header_hash: B256) -> Key {
    let mut key = [0; 40];
    let (number, hash) = key.split_at_mut(8);
    number.copy_from_slice(&slot.get().to_be_bytes());
    hash.copy_from_slice(header_hash.as_slice());
    key
}

fn read<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, JournalError> {
    let malformed = |header_hash| move |error| JournalError::Malformed { header_hash, error };
    let Some((number, hash)) = key.split_first_chunk::<8>().filter(|(_, hash)| hash.len() == 32) else {
        let error = WireError::Truncated { field: "key", expected: 40, actual: key.len() };
        return Err(malformed(B256::ZERO)(error));
    };
    let (expected_slot, expected) = (Slot::new(u64::from_be_bytes(*number)), B256::from_slice(hash));
    let record = R::decode(bytes).map_err(malformed(expected))?;
    let (actual_slot, actual) = record.key();
    if (actual_slot, actual) != (expected_slot, expected) {
        return Err(JournalError::Misplaced { expected_slot, expected, actual_slot, actual });
    }
    Ok(record)
}
