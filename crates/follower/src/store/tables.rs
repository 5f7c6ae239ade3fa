//! Tables of the store, and how records are encoded. A table's name has the version of its encoding.

use alloy::primitives::{Address, B256, U256};
use fernet_ledger::{ACCOUNT_BYTES, Account, AccountIndex, Fr, NodePosition, field};
use fernet_protocol::{L1Slot, Rates, SequencerId, Slot};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Serialize, de::DeserializeOwned};

use super::{delta::Changed, error::StoreError};
use crate::{
    ledger::Undo,
    view::{EscrowAccount, NamedSigner, SequencerRecord},
};

/// Single values by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta.v1");

/// The view's maps.
pub(crate) const SEQUENCERS: Map<SequencerId, SequencerRecord> = Map::new("sequencers.v1");
pub(crate) const ESCROW: Map<Address, EscrowAccount> = Map::new("escrow.v1");
pub(crate) const OWED: Map<Address, U256> = Map::new("owed.v1");
pub(crate) const RATES: Map<Slot, Rates> = Map::new("rates.v1");
pub(crate) const PROVEN: Map<L1Slot, B256> = Map::new("proven.v1");
pub(crate) const SIGNERS: Map<Address, NamedSigner> = Map::new("signers.v1");

/// The view's lists, by position.
pub(crate) const DEPOSITS: Rows = Rows("deposits.v1");
pub(crate) const EXITS: Rows = Rows("exits.v1");
pub(crate) const FINALIZED: Rows = Rows("finalized.v1");
pub(crate) const CLAIMS: Rows = Rows("claims.v1");

/// Hash, L1 slot and mix of the newest L1 blocks, by number.
pub(crate) const MIXES: Rows = Rows("mixes.v1");
/// What undoes each remembered L1 block, by number; nothing for one that changed nothing.
pub(crate) const UNDO: Rows = Rows("undo.v1");

/// Accounts by index.
pub(crate) const ACCOUNTS: Rows = Rows("accounts.v1");
/// Hashes of the state tree by [`node_key`].
pub(crate) const NODES: Rows = Rows("nodes.v1");
/// What undoes each of the newest blocks of the ledger, by the number of blocks before it.
pub(crate) const LEDGER_UNDO: Rows = Rows("ledger-undo.v1");

/// Bytes of an encoded hash of the state tree.
const NODE_BYTES: usize = 32;

/// Records by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows(&'static str);

impl Rows {
    /// The table, for redb.
    pub(crate) const fn definition(self) -> TableDefinition<'static, u64, &'static [u8]> {
        TableDefinition::new(self.0)
    }

    /// All records with their numbers, in order.
    pub(crate) fn rows<T: DeserializeOwned>(
        self,
        transaction: &ReadTransaction,
    ) -> Result<Vec<(u64, T)>, StoreError> {
        self.read(transaction, |number, bytes| Ok((number, from_bytes(bytes)?)))
    }

    /// What `decode` makes of all records, in order.
    pub(crate) fn read<T>(
        self,
        transaction: &ReadTransaction,
        decode: impl Fn(u64, &[u8]) -> Result<T, String>,
    ) -> Result<Vec<T>, StoreError> {
        let table = match transaction.open_table(self.definition()) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut records = Vec::new();
        for row in table.iter()? {
            let (number, bytes) = row?;
            let malformed = |reason| StoreError::Malformed { table: self.0, reason };
            records.push(decode(number.value(), bytes.value()).map_err(malformed)?);
        }
        Ok(records)
    }

    /// Replaces what comes after the first `kept` records by those of `list`.
    pub(crate) fn replace_from<T: Serialize>(
        self,
        transaction: &WriteTransaction,
        kept: usize,
        list: &[T],
    ) -> Result<(), StoreError> {
        let mut table = transaction.open_table(self.definition())?;
        let first = kept as u64;
        table.retain_in(first.., |_, _| false)?;
        for (number, record) in (first..).zip(list.iter().skip(kept)) {
            table.insert(number, encode(record)?.as_slice())?;
        }
        Ok(())
    }
}

/// A map of the view.
#[derive(Debug)]
pub(crate) struct Map<K, V> {
    name: &'static str,
    entries: std::marker::PhantomData<fn() -> (K, V)>,
}

impl<K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned> Map<K, V> {
    const fn new(name: &'static str) -> Self {
        Self { name, entries: std::marker::PhantomData }
    }

    const fn definition(&self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name)
    }

    /// All entries, as a change of the empty map.
    pub(crate) fn all(&self, transaction: &ReadTransaction) -> Result<Changed<K, V>, StoreError> {
        let table = match transaction.open_table(self.definition()) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let malformed = |reason| StoreError::Malformed { table: self.name, reason };
        let mut entries = Vec::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let key = from_bytes(key.value()).map_err(malformed)?;
            entries.push((key, Some(from_bytes(value.value()).map_err(malformed)?)));
        }
        Ok(entries)
    }

    /// Writes what changed.
    pub(crate) fn change(
        &self,
        transaction: &WriteTransaction,
        changes: &Changed<K, V>,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut table = transaction.open_table(self.definition())?;
        for (key, value) in changes {
            let key = encode(key)?;
            match value {
                Some(value) => table.insert(key.as_slice(), encode(value)?.as_slice())?,
                None => table.remove(key.as_slice())?,
            };
        }
        Ok(())
    }
}

/// A record as bytes.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    let malformed = |error: postcard::Error| StoreError::Malformed {
        table: std::any::type_name::<T>(),
        reason: error.to_string(),
    };
    postcard::to_stdvec(record).map_err(malformed)
}

/// Reads a record of `table`.
pub(crate) fn decode<T: DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    from_bytes(bytes).map_err(|reason| StoreError::Malformed { table, reason })
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((record, [])) => Ok(record),
        Ok((_, rest)) => Err(format!("{} bytes follow it", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

/// The key of a node: its level above the 32 bits of its index.
pub(crate) const fn node_key(position: NodePosition) -> u64 {
    (position.level as u64) << 32 | position.index as u64
}

/// The node with a key.
pub(crate) const fn node_position(key: u64) -> NodePosition {
    NodePosition { level: (key >> 32) as u8, index: key as u32 }
}

/// Reads an account.
pub(crate) fn decode_account(index: u64, bytes: &[u8]) -> Result<(AccountIndex, Account), String> {
    let index = u32::try_from(index).map_err(|_| format!("account index {index} is out of range"))?;
    let bytes: &[u8; ACCOUNT_BYTES] = bytes.try_into().map_err(|_| lengths(ACCOUNT_BYTES, bytes))?;
    let account = Account::from_bytes(bytes).map_err(|error| error.to_string())?;
    Ok((AccountIndex::new(index), account))
}

/// Reads a hash of the state tree.
pub(crate) fn decode_node(bytes: &[u8]) -> Result<Fr, String> {
    let bytes: &[u8; NODE_BYTES] = bytes.try_into().map_err(|_| lengths(NODE_BYTES, bytes))?;
    field::from_bytes(bytes).map_err(|error| error.to_string())
}

fn lengths(expected: usize, bytes: &[u8]) -> String {
    format!("expected {expected} bytes, got {}", bytes.len())
}

type EncodedUndo = (Vec<(u32, Option<Vec<u8>>)>, Vec<(u64, Option<Vec<u8>>)>);

/// What undoes a block of the ledger, as bytes.
pub(crate) fn encode_undo(undo: &Undo) -> Result<Vec<u8>, StoreError> {
    let accounts = undo.accounts.iter();
    let accounts = accounts.map(|(index, old)| (index.get(), old.map(|account| account.to_bytes().to_vec())));
    let nodes = undo.nodes.iter();
    let nodes = nodes.map(|(at, old)| (node_key(*at), old.map(|node| field::to_bytes(&node).to_vec())));
    let encoded: EncodedUndo = (accounts.collect(), nodes.collect());
    encode(&encoded)
}

/// Reads [`encode_undo`]'s bytes.
pub(crate) fn decode_undo(bytes: &[u8]) -> Result<Undo, String> {
    let (accounts, nodes): EncodedUndo = from_bytes(bytes)?;
    let accounts = accounts.into_iter().map(|(index, old)| match old {
        Some(old) => decode_account(index.into(), &old).map(|(index, account)| (index, Some(account))),
        None => Ok((AccountIndex::new(index), None)),
    });
    let nodes = nodes.into_iter().map(|(key, old)| {
        let old = old.as_deref().map(decode_node).transpose()?;
        Ok((node_position(key), old))
    });
    Ok(Undo {
        accounts: accounts.collect::<Result<_, String>>()?,
        nodes: nodes.collect::<Result<_, String>>()?,
    })
}
