//! Storage of intents: on disk (redb) or in memory.

use std::{
    io,
    path::{Path, PathBuf},
};

use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    backends::InMemoryBackend,
};

use super::{
    intent::{IntentKey, TxStatus},
    record::{Record, State},
    stored::StoredIntent,
};
use crate::{
    blobs::{BlobError, BlobSidecar},
    database::open_database,
};

/// From key to record, as JSON.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("intents.v1");
/// From key to blob sidecar, for intents that aren't final.
const BLOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("blobs.v1");
/// Keys of intents whose outcome was reported to whoever asked for them.
const REPORTED: TableDefinition<'_, &str, ()> = TableDefinition::new("reported.v1");

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed: the disk is full, another process holds the file, or the file is damaged.
    #[error("transaction store: {0}")]
    Database(#[from] Box<redb::Error>),
    /// A record can't be read.
    #[error("record {key} in the transaction store is malformed: {error}")]
    Malformed { key: String, error: String },
    /// The blobs of an intent that isn't final are missing or damaged.
    #[error("blobs of {key} in the transaction store: {error}")]
    Blobs { key: String, error: BlobError },
    /// Another process has the file open.
    #[error("{} is in use by another process", path.display())]
    InUse { path: PathBuf },
    /// There is no file, or it can't be looked at.
    #[error("{}: {error}", path.display())]
    Missing { path: PathBuf, error: io::Error },
    /// There is no intent with this key.
    #[error("no intent named {key}")]
    UnknownKey { key: IntentKey },
}

impl StoreError {
    /// Never: the operator must repair the store.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

crate::database_errors!(StoreError);

/// Reads the bytes of a stored record and writes the record again: the fuzz targets check that nothing is
/// lost.
///
/// # Errors
/// When the bytes are not a record.
#[doc(hidden)]
pub fn rewrite_record(bytes: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&serde_json::from_slice::<Record>(bytes)?)
}

/// Storage of a manager's intents.
#[derive(Debug)]
pub struct TxStore {
    database: Database,
}

impl TxStore {
    /// Opens the file, or creates it. Only one process can have it open.
    ///
    /// # Errors
    ///
    /// If the database can't be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = open_database(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.to_owned() },
            other => other.into(),
        })?;
        Self::prepare(database)
    }

    /// Opens the file of a store that was made before, and creates none.
    ///
    /// # Errors
    ///
    /// If there is no such file, or the database can't be opened.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let file = std::fs::File::open(path);
        file.map_err(|error| StoreError::Missing { path: path.to_owned(), error })?;
        Self::open(path)
    }

    /// Every intent with its transactions, in the order of submission.
    ///
    /// # Errors
    ///
    /// If the database fails, or a record can't be read.
    pub fn intents(&self) -> Result<Vec<StoredIntent>, StoreError> {
        let mut records = self.load()?;
        records.sort_by_key(|record| record.sequence);
        Ok(records.iter().map(StoredIntent::of).collect())
    }

    /// Withdraws an intent on disk, while no manager has the store: an intent that wasn't sent fails, and the
    /// next manager replaces one that was sent by a no-op. An included intent isn't changed.
    ///
    /// # Errors
    ///
    /// If there is no such intent, or the database fails.
    pub fn withdraw(&self, key: &IntentKey) -> Result<TxStatus, StoreError> {
        let mut records = self.load()?.into_iter();
        let record = records.find(|record| record.key == *key);
        let mut record = record.ok_or_else(|| StoreError::UnknownKey { key: key.clone() })?;
        if let Some(state) = record.withdrawn() {
            record.state = state;
            self.save(&record, None)?;
        }
        Ok(record.status())
    }

    /// Whether the outcome of an intent was reported to whoever asked for it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn is_reported(&self, key: &IntentKey) -> Result<bool, StoreError> {
        let transaction = self.database.begin_read()?;
        Ok(transaction.open_table(REPORTED)?.get(key.as_str())?.is_some())
    }

    /// Notes durably that the outcome of an intent was reported.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn set_reported(&self, key: &IntentKey) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(REPORTED)?.insert(key.as_str(), ())?;
        transaction.commit()?;
        Ok(())
    }

    /// Keeps everything in memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::on(InMemoryBackend::new())
    }

    /// Keeps everything on a medium of one's own.
    ///
    /// # Errors
    ///
    /// If the database can't be opened.
    pub fn on(backend: impl StorageBackend) -> Result<Self, StoreError> {
        Self::prepare(Database::builder().create_with_backend(backend)?)
    }

    fn prepare(database: Database) -> Result<Self, StoreError> {
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.open_table(BLOBS)?;
        transaction.open_table(REPORTED)?;
        transaction.commit()?;
        Ok(Self { database })
    }

    /// Every record.
    pub(crate) fn load(&self) -> Result<Vec<Record>, StoreError> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(RECORDS)?;
        let mut records = Vec::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            records.push(serde_json::from_slice(value.value()).map_err(|error| StoreError::Malformed {
                key: key.value().to_owned(),
                error: error.to_string(),
            })?);
        }
        Ok(records)
    }

    /// The blobs of an intent that isn't final.
    pub(crate) fn blobs(&self, key: &IntentKey) -> Result<Option<BlobSidecar>, StoreError> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(BLOBS)?;
        let Some(value) = table.get(key.as_str())? else { return Ok(None) };
        BlobSidecar::decode(value.value())
            .map(Some)
            .map_err(|error| StoreError::Blobs { key: key.to_string(), error })
    }

    /// Writes a record durably.
    pub(crate) fn save(&self, record: &Record, blobs: Option<&BlobSidecar>) -> Result<(), StoreError> {
        let json = serde_json::to_vec(record).map_err(|error| StoreError::Malformed {
            key: record.key.to_string(),
            error: error.to_string(),
        })?;
        let transaction = self.database.begin_write()?;
        transaction.open_table(RECORDS)?.insert(record.key.as_str(), json.as_slice())?;
        if let Some(blobs) = blobs {
            transaction.open_table(BLOBS)?.insert(record.key.as_str(), blobs.encode().as_ref())?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Marks a record as final: removes its blobs and raw transactions.
    pub(crate) fn retire(&self, record: &Record) -> Result<(), StoreError> {
        let mut record = record.clone();
        if let State::Settled { sent: Some(sent), .. } = &mut record.state {
            sent.attempts.iter_mut().for_each(|attempt| attempt.raw = Default::default());
        }
        self.save(&record, None)?;
        let transaction = self.database.begin_write()?;
        transaction.open_table(BLOBS)?.remove(record.key.as_str())?;
        transaction.commit()?;
        Ok(())
    }
}
