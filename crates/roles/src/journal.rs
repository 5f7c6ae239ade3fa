//! The records that a role needs after a restart: its blocks, the quotes that it chose or offered, its
//! proofs, its mempool, and whether it is suspended.
//!
//! Every kind of [`Record`] has its own table. The key is the slot and the header's hash of the block. A
//! record is on disk before anything that depends on it leaves the process. A [`Batch`] is written as a whole
//! or not at all.

use std::fmt;
use std::path::Path;

use alloy::primitives::B256;
use fernet_l1::open_database;
use fernet_ledger::{SignedOperation, mempool::Change};
use fernet_network::wire::{decode_list, encode_list};
use fernet_network::{BlockBody, SignedQuote, Wire, WireError};
use fernet_protocol::Slot;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError, TableHandle,
    WriteTransaction, backends::InMemoryBackend,
};

/// The slot and the header's hash. Records are sorted by slot.
type Key = [u8; 40];
/// From keys to encoded records.
type Table<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;
/// The mempool: from account and nonce to operations. No slot removes them.
const MEMPOOL: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("mempool.v2");
/// The mempool in the encoding of an earlier version. It is removed: peers have its operations too.
const OLD_MEMPOOL: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("mempool.v1");
/// Why the role takes no new work, by one name. No slot removes it either.
const STANDING: TableDefinition<'_, &str, &str> = TableDefinition::new("standing.v1");
/// The name in [`STANDING`].
const SUSPENDED: &str = "suspended";

/// Why the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed: disk full, file locked by another process, or damaged.
    #[error("journal: {0}")]
    Database(#[from] Box<redb::Error>),
    /// A record can't be decoded.
    #[error("journal record of header {header_hash}: {error}")]
    Malformed { header_hash: B256, error: WireError },
    /// An operation of the mempool can't be decoded.
    #[error("journal: operation {nonce} of account {account} in the mempool: {error}")]
    MalformedOperation { account: u32, nonce: u32, error: WireError },
    /// A record belongs to another key.
    #[error(
        "expected the journal record of slot {expected_slot} and header {expected}, \
         got that of slot {actual_slot} and header {actual}"
    )]
    Misplaced { expected_slot: Slot, expected: B256, actual_slot: Slot, actual: B256 },
    /// The journal has another quote for the same header, which may be signed.
    #[error("another quote for header {header_hash} may already be signed")]
    AlreadySigned { header_hash: B256 },
}

impl JournalError {
    /// Whether the same step may succeed at a later L1 block. A journal that fails needs its operator.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::AlreadySigned { .. })
    }
}

fernet_l1::database_errors!(JournalError);

/// A record of the journal, encoded by [`Wire`].
pub trait Record: Wire {
    /// The table's name, with the version of the encoding.
    const TABLE: &'static str;

    /// The slot, and the hash of the block's header, that the record belongs to.
    fn key(&self) -> (Slot, B256);
}

impl Record for BlockBody {
    const TABLE: &'static str = "bodies.v2";

    fn key(&self) -> (Slot, B256) {
        (self.header.slot, self.header_hash())
    }
}

impl Record for SignedQuote {
    const TABLE: &'static str = "quotes.v2";

    fn key(&self) -> (Slot, B256) {
        (self.quote.slot, self.quote.header_hash)
    }
}

/// Most bytes of an [`OwnBlock`].
const MAX_OWN_BLOCK_BYTES: usize = 77;

/// Marks a block that this role built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnBlock {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Hash of the parent's header.
    pub parent: B256,
}

impl Record for OwnBlock {
    const TABLE: &'static str = "own.v2";

    fn key(&self) -> (Slot, B256) {
        (self.slot, self.header_hash)
    }
}

/// The encoding is the list of slot, header hash, and parent.
impl Wire for OwnBlock {
    fn encode(&self) -> Vec<u8> {
        encode_list(|fields| {
            fields.uint(self.slot.get());
            fields.bytes(self.header_hash.as_slice());
            fields.bytes(self.parent.as_slice());
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        decode_list(bytes, MAX_OWN_BLOCK_BYTES, |fields| {
            Ok(Self {
                slot: Slot::new(fields.uint("slot")?),
                header_hash: fields.array("header hash")?.into(),
                parent: fields.array("parent")?.into(),
            })
        })
    }
}

/// Whether a quote may replace an earlier one for the same header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It may: this role has not signed the earlier one, or a second signature does no harm.
    Allowed,
    /// It may not: this role signs at most one quote for a header.
    Forbidden,
}

/// A database of a role's records.
#[derive(Debug)]
pub struct Journal {
    database: Database,
}

impl Journal {
    /// Opens the file at `path`, or creates it. Only one process can open it, so a second copy of the role on
    /// the same disk can't start.
    ///
    /// # Errors
    /// When the file can't be opened or created.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self { database: open_database(path)? })
    }

    /// A journal in memory, which doesn't survive a restart.
    ///
    /// # Errors
    /// When the database can't be created.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::on(InMemoryBackend::new())
    }

    /// A journal on a medium of one's own.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub fn on(backend: impl StorageBackend) -> Result<Self, JournalError> {
        Ok(Self { database: Database::builder().create_with_backend(backend)? })
    }

    /// Writes a record, in place of an earlier one with the same key.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn put<R: Record>(&self, record: &R) -> Result<(), JournalError> {
        let batch = self.batch()?;
        batch.put(record)?;
        batch.commit()
    }

    /// Writes a quote, before its commitment or a signature of it leaves the process.
    ///
    /// # Errors
    /// When the disk fails, or `replacement` is forbidden and the journal has another quote for the header.
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

    /// Starts a batch.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn batch(&self) -> Result<Batch, JournalError> {
        Ok(Batch(self.database.begin_write()?))
    }

    /// The record of a block, if there is one.
    ///
    /// # Errors
    /// When the disk fails or the record is malformed.
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

    /// All records of a kind, sorted by slot.
    ///
    /// # Errors
    /// When the disk fails or a record is malformed.
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

    /// The operations of the mempool, by account and nonce.
    ///
    /// # Errors
    /// When the disk fails or an operation is malformed.
    pub fn operations(&self) -> Result<Vec<SignedOperation>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(MEMPOOL) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut operations = Vec::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            let (account, nonce) = key.value();
            let malformed = |error| JournalError::MalformedOperation { account, nonce, error };
            operations.push(SignedOperation::decode(value.value()).map_err(malformed)?);
        }
        Ok(operations)
    }

    /// Writes what changed in the mempool.
    ///
    /// # Errors
    /// When the disk fails. Then nothing is written.
    pub fn change_operations(&self, changes: &[Change]) -> Result<(), JournalError> {
        if changes.is_empty() {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(MEMPOOL)?;
            for ((account, nonce), operation) in changes {
                let key = (account.get(), *nonce);
                match operation {
                    Some(operation) => table.insert(key, operation.encode().as_slice())?,
                    None => table.remove(key)?,
                };
            }
        }
        Ok(transaction.commit()?)
    }

    /// Why the role takes no new work; `None` if it does.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn suspension(&self) -> Result<Option<String>, JournalError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(STANDING) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        Ok(table.get(SUSPENDED)?.map(|reason| reason.value().to_owned()))
    }

    /// Writes why the role takes no new work from now on, or with `None` that it does.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_suspension(&self, reason: Option<&str>) -> Result<(), JournalError> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(STANDING)?;
            match reason {
                Some(reason) => table.insert(SUSPENDED, reason)?,
                None => table.remove(SUSPENDED)?,
            };
        }
        Ok(transaction.commit()?)
    }

    /// Removes all records of slots before `slot`, in the tables of earlier versions too.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn prune_before(&self, slot: Slot) -> Result<(), JournalError> {
        let end = record_key(slot, B256::ZERO);
        let transaction = self.database.begin_write()?;
        let names: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
        if names.iter().any(|name| name == OLD_MEMPOOL.name()) {
            transaction.delete_table(OLD_MEMPOOL)?;
        }
        let kept = [MEMPOOL.name(), OLD_MEMPOOL.name(), STANDING.name()];
        for name in names.iter().filter(|name| !kept.contains(&name.as_str())) {
            transaction.open_table(Table::new(name))?.retain_in(..end.as_slice(), |_, _| false)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Records that [`Batch::commit`] writes together.
pub struct Batch(WriteTransaction);

impl fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Batch {
    /// Adds a record, in place of an earlier one with the same key.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn put<R: Record>(&self, record: &R) -> Result<(), JournalError> {
        let (slot, header_hash) = record.key();
        let key = record_key(slot, header_hash);
        self.0.open_table(table::<R>())?.insert(key.as_slice(), record.encode().as_slice())?;
        Ok(())
    }

    /// Writes all records to disk.
    ///
    /// # Errors
    /// When the disk fails. Then no record is written.
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

/// The encoding of a key: the slot's number, big-endian, and the hash.
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
        let error = WireError::WrongLength { field: "key", expected: 40, actual: key.len() };
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
