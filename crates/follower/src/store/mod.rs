//! What a follower keeps on disk: the view, the L2 state, and the position in L1's chain.
//!
//! After each poll, everything that changed is written in one transaction: view and ledger on disk are always
//! those of the same moment. What undoes the remembered L1 blocks is there as well, so a follower that starts
//! again deals with a reorg as if it had never stopped.

mod delta;
pub(crate) mod error;
mod tables;

use std::{collections::VecDeque, path::Path, sync::Arc};

use alloy::primitives::{B256, keccak256};
use fernet_l1::open_database;
use fernet_ledger::field;
use fernet_protocol::{L1Slot, Lane};
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    WriteTransaction, backends::InMemoryBackend,
};
use serde::de::DeserializeOwned;

use crate::{
    ledger::{Ledger, Touched},
    snapshot::{Manifest, SnapshotBlock, SnapshotError, write_snapshot},
    view::{FinalizedBlock, L1Head, Restored, RollupView, ViewConfig, ViewState},
};
use delta::Delta;
use error::StoreError;
use tables::{
    ACCOUNTS, CLAIMS, DEPOSITS, ESCROW, EXITS, FINALIZED, LEDGER_UNDO, META, MIXES, NODES, OWED, PROVEN,
    RATES, SEQUENCERS, SIGNERS, UNDO, decode, decode_account, decode_node, decode_undo, encode, encode_undo,
    node_key, node_position,
};

/// Name of the store's identity in the table of single values.
const IDENTITY: &str = "identity";
/// The rollup that is followed.
const ROLLUP: &str = "rollup";
/// The parts of the view's state that are no maps.
const SCALARS: &str = "scalars";
/// Number of blocks that the ledger has executed.
const HEIGHT: &str = "height";

/// The database of a follower.
#[derive(Debug)]
pub struct FollowerStore {
    database: Database,
    /// The view's state as it is on disk.
    written: Option<Arc<ViewState>>,
}

/// A view and a ledger of the same moment.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) view: RollupView,
    pub(crate) ledger: Ledger,
}

impl FollowerStore {
    /// Opens the file at `path`, or creates it. Only one process can have it open.
    ///
    /// # Errors
    /// If the file can't be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match open_database(path) {
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse { path: path.to_owned() }),
            database => Ok(Self { database: database?, written: None }),
        }
    }

    /// A store in memory, which is lost with the process.
    ///
    /// # Errors
    /// If the database can't be created.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::on(InMemoryBackend::new())
    }

    /// A store on a medium of one's own.
    ///
    /// # Errors
    /// If the database can't be opened.
    pub fn on(backend: impl StorageBackend) -> Result<Self, StoreError> {
        Ok(Self { database: Database::builder().create_with_backend(backend)?, written: None })
    }

    /// What is on disk; `None` if nothing is yet. `ledger` is the empty one.
    pub(crate) fn load(
        &mut self,
        setup: &ViewConfig,
        ledger: Ledger,
    ) -> Result<Option<Contents>, StoreError> {
        let transaction = self.database.begin_read()?;
        let meta = match transaction.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let (expected, actual) = (identity(setup)?, single(&meta, IDENTITY)?);
        if expected != actual {
            return Err(StoreError::OtherDeployment { expected, actual });
        }
        let (scalars, height) = (single(&meta, SCALARS)?, single(&meta, HEIGHT)?);

        let whole = Delta {
            scalars,
            sequencers: SEQUENCERS.all(&transaction)?,
            escrow: ESCROW.all(&transaction)?,
            owed: OWED.all(&transaction)?,
            rates: RATES.all(&transaction)?,
            proven: PROVEN.all(&transaction)?,
            signers: SIGNERS.all(&transaction)?,
        };
        let start = RollupView::new(setup.clone());
        let state = Arc::new(whole.apply(start.state()));
        // What undoes each remembered block leads from the newest state to the oldest one.
        let mut before: VecDeque<(u64, Arc<ViewState>)> = VecDeque::new();
        let mut at = Arc::clone(&state);
        for (number, undo) in UNDO.rows::<Option<Delta>>(&transaction)?.into_iter().rev() {
            if let Some(undo) = undo {
                at = Arc::new(undo.apply(&at));
            }
            before.push_front((number, Arc::clone(&at)));
        }
        let mixes = MIXES.rows::<(B256, L1Slot, B256)>(&transaction)?.into_iter();
        let restored = Restored {
            state: Arc::clone(&state),
            before,
            mixes: mixes
                .map(|(number, (hash, l1_slot, mix))| (L1Head { number, hash, l1_slot }, mix))
                .collect(),
            deposits: values(DEPOSITS.rows(&transaction)?),
            exits: values(EXITS.rows(&transaction)?),
            finalized: values(FINALIZED.rows(&transaction)?),
            claims: values(CLAIMS.rows(&transaction)?),
        };
        let view = RollupView::restored(setup.clone(), restored).map_err(StoreError::Inconsistent)?;

        let accounts = ACCOUNTS.read(&transaction, decode_account)?;
        let nodes = NODES.read(&transaction, |key, bytes| Ok((node_position(key), decode_node(bytes)?)))?;
        let undo = LEDGER_UNDO.read(&transaction, |_, bytes| decode_undo(bytes))?;
        let mut ledger = ledger.with_contents(height, accounts.into_iter(), nodes.into_iter(), undo.into());
        ledger.record_changes();
        self.written = Some(state);
        Ok(Some(Contents { view, ledger }))
    }

    /// Writes a snapshot of the L2 state to a new folder. No follower needs to run.
    ///
    /// # Errors
    /// If no block was executed yet, the folder is there already, or a disk fails.
    pub fn write_snapshot(&self, folder: &Path) -> Result<Manifest, SnapshotError> {
        let transaction = self.database.begin_read().map_err(StoreError::from)?;
        let block = match Self::newest_block(&transaction)? {
            Some(block) => block,
            None => return Err(SnapshotError::NoBlock),
        };
        let accounts = ACCOUNTS.definition();
        let accounts = transaction.open_table(accounts).map_err(StoreError::from)?;
        let accounts = accounts.iter().map_err(StoreError::from)?.map(|row| {
            let (index, bytes) = row.map_err(StoreError::from)?;
            let malformed = |reason| StoreError::Malformed { table: "accounts", reason };
            Ok(decode_account(index.value(), bytes.value()).map_err(malformed)?)
        });
        write_snapshot(folder, block, accounts)
    }

    /// The newest executed block.
    fn newest_block(transaction: &ReadTransaction) -> Result<Option<SnapshotBlock>, StoreError> {
        let meta = match transaction.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let height: u64 = single(&meta, HEIGHT)?;
        let Some(last) = height.checked_sub(1) else { return Ok(None) };
        let finalized = transaction.open_table(FINALIZED.definition())?;
        let missing = || StoreError::Inconsistent(format!("it has no block {last}"));
        let block: FinalizedBlock = decode("finalized", finalized.get(last)?.ok_or_else(missing)?.value())?;
        Ok(Some(SnapshotBlock {
            rollup: single(&meta, ROLLUP)?,
            height,
            slot: block.header.slot,
            header_hash: block.header_hash,
            state_root: block.header.state_root,
        }))
    }

    /// Writes everything that changed since the last commit. After an error the store on disk is as it was,
    /// and the next commit writes it all.
    pub(crate) fn commit(&mut self, view: &mut RollupView, ledger: &mut Ledger) -> Result<(), StoreError> {
        let touched = ledger.take_touched();
        let transaction = self.database.begin_write()?;
        match self.write(&transaction, view, ledger, &touched) {
            Ok(()) => match transaction.commit() {
                Ok(()) => {}
                Err(error) => {
                    ledger.put_back(touched);
                    return Err(error.into());
                }
            },
            Err(error) => {
                ledger.put_back(touched);
                return Err(error);
            }
        }
        self.written = Some(Arc::clone(view.state()));
        view.note_written();
        Ok(())
    }

    fn write(
        &self,
        transaction: &WriteTransaction,
        view: &RollupView,
        ledger: &Ledger,
        touched: &Touched,
    ) -> Result<(), StoreError> {
        let state = view.state();
        let empty;
        let written = match &self.written {
            Some(written) => written,
            None => {
                empty = Arc::clone(RollupView::new(view.setup().clone()).state());
                &empty
            }
        };
        if self.written.is_none() || !Arc::ptr_eq(written, state) {
            let delta = Delta::between(written, state);
            SEQUENCERS.change(transaction, &delta.sequencers)?;
            ESCROW.change(transaction, &delta.escrow)?;
            OWED.change(transaction, &delta.owed)?;
            RATES.change(transaction, &delta.rates)?;
            PROVEN.change(transaction, &delta.proven)?;
            SIGNERS.change(transaction, &delta.signers)?;
            let mut meta = transaction.open_table(META)?;
            meta.insert(IDENTITY, encode(&identity(view.setup())?)?.as_slice())?;
            meta.insert(ROLLUP, encode(&view.rollup())?.as_slice())?;
            meta.insert(SCALARS, encode(&delta.scalars)?.as_slice())?;
        }
        let kept = view.written();
        self.write_blocks(transaction, view, kept.block)?;
        for lane in Lane::ALL {
            let table = match lane {
                Lane::Deposits => DEPOSITS,
                Lane::Exits => EXITS,
            };
            table.replace_from(transaction, kept.queue(lane), view.queue(lane))?;
        }
        FINALIZED.replace_from(transaction, kept.finalized, view.finalized_blocks())?;
        CLAIMS.replace_from(transaction, kept.claims, view.claims())?;
        write_ledger(transaction, ledger, touched)
    }

    /// Writes the headers above `kept`, and what undoes each of these blocks.
    fn write_blocks(
        &self,
        transaction: &WriteTransaction,
        view: &RollupView,
        kept: Option<u64>,
    ) -> Result<(), StoreError> {
        let first = kept.map_or(0, |number| number.saturating_add(1));
        let mut mixes = transaction.open_table(MIXES.definition())?;
        mixes.retain_in(first.., |_, _| false)?;
        for (head, mix) in view.mixes_from(first) {
            mixes.insert(head.number, encode(&(head.hash, head.l1_slot, mix))?.as_slice())?;
        }
        if let Some(oldest) = view.oldest_mix() {
            mixes.retain_in(..oldest, |_, _| false)?;
        }
        let mut undo = transaction.open_table(UNDO.definition())?;
        undo.retain_in(first.., |_, _| false)?;
        for (number, before, after) in view.steps_from(first) {
            let change = (!Arc::ptr_eq(before, after)).then(|| Delta::between(after, before));
            undo.insert(number, encode(&change)?.as_slice())?;
        }
        undo.retain_in(..view.oldest_undoable(), |_, _| false)?;
        Ok(())
    }
}

fn write_ledger(
    transaction: &WriteTransaction,
    ledger: &Ledger,
    touched: &Touched,
) -> Result<(), StoreError> {
    use fernet_ledger::Store as _;
    let height = ledger.height();
    transaction.open_table(META)?.insert(HEIGHT, encode(&height)?.as_slice())?;
    if touched.accounts.is_empty() && touched.from == height && !touched.everything {
        return Ok(());
    }
    if touched.everything {
        transaction.delete_table(ACCOUNTS.definition())?;
        transaction.delete_table(NODES.definition())?;
    }
    let mut accounts = transaction.open_table(ACCOUNTS.definition())?;
    for index in &touched.accounts {
        match ledger.account(*index) {
            Some(account) => accounts.insert(u64::from(index.get()), account.to_bytes().as_slice())?,
            None => accounts.remove(u64::from(index.get()))?,
        };
    }
    let mut nodes = transaction.open_table(NODES.definition())?;
    for position in &touched.nodes {
        match ledger.node(*position) {
            Some(node) => nodes.insert(node_key(*position), field::to_bytes(&node).as_slice())?,
            None => nodes.remove(node_key(*position))?,
        };
    }
    let mut undo = transaction.open_table(LEDGER_UNDO.definition())?;
    undo.retain_in(touched.from.., |_, _| false)?;
    let records = ledger.undo_records();
    let oldest = height.saturating_sub(records.len() as u64);
    for (number, record) in (oldest..).zip(records) {
        if number >= touched.from {
            undo.insert(number, encode_undo(record)?.as_slice())?;
        }
    }
    undo.retain_in(..oldest, |_, _| false)?;
    Ok(())
}

/// A single value.
fn single<T: DeserializeOwned>(
    meta: &ReadOnlyTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<T, StoreError> {
    let missing = || StoreError::Inconsistent(format!("it has no {name}"));
    decode("meta", meta.get(name)?.ok_or_else(missing)?.value())
}

/// Hash of what a store belongs to.
fn identity(setup: &ViewConfig) -> Result<B256, StoreError> {
    Ok(keccak256(encode(setup)?))
}

fn values<T>(rows: Vec<(u64, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, value)| value).collect()
}
