//! Snapshots of the L2 state: a folder that starts a new node without the data of old blocks.
//!
//! A snapshot has a manifest and the accounts in the order of their indexes, in compressed chunks. It is
//! believed nothing: whoever loads it computes the state root and compares it with the header of a block that
//! is final on L1.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, keccak256};
use fernet_ledger::{
    ACCOUNT_BYTES, Account, AccountIndex, Fr, Levels, NodePosition, field, poseidon,
    tree::{ARITY, ARITY_BITS, empty},
};
use fernet_protocol::{RollupId, Slot};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;

/// Version of the format.
const FORMAT: u32 = 1;
/// Name of the manifest in a snapshot's folder.
const MANIFEST: &str = "manifest.json";
/// Bytes of a manifest that are read at most.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// Accounts of a chunk: five megabytes.
const CHUNK_ACCOUNTS: usize = 65_536;
/// Bytes of an account with its index.
const RECORD_BYTES: usize = 4 + ACCOUNT_BYTES;
/// Keys don't compress, so a higher level would only take longer.
const COMPRESSION_LEVEL: i32 = 3;

/// Why a snapshot can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed, or a file is missing.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file isn't what the manifest says, or the manifest isn't one.
    #[error("{}: expected {expected}, got {actual}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// There is nothing to write.
    #[error("there is no snapshot before the first block is executed")]
    NoBlock,
    /// The accounts have another state root than the manifest says.
    #[error("the accounts have state root {actual}, the manifest says {expected}")]
    StateRoot {
        /// The manifest's.
        expected: B256,
        /// That of the accounts.
        actual: B256,
    },
    /// The snapshot is of another rollup.
    #[error("the snapshot is of rollup {actual}, expected {expected}")]
    OtherRollup {
        /// The rollup that is followed.
        expected: RollupId,
        /// The snapshot's.
        actual: RollupId,
    },
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// L1 finalized another block at this height.
    #[error("L1 finalized block {expected} at height {height}, the snapshot is of {actual}")]
    OtherBlock {
        /// Number of blocks.
        height: u64,
        /// Header hash on L1.
        expected: B256,
        /// Header hash of the snapshot.
        actual: B256,
    },
}

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    format: u32,
    /// The rollup.
    pub rollup: RollupId,
    /// Number of executed blocks.
    pub height: u64,
    /// Slot of the newest one.
    pub slot: Slot,
    /// Hash of its header.
    pub header_hash: B256,
    /// The state root that its header names.
    pub state_root: B256,
    /// Number of accounts.
    pub accounts: u64,
    /// Files with the accounts, in order.
    chunks: Vec<Chunk>,
}

/// A file of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Chunk {
    file: String,
    accounts: u64,
    /// Keccak-256 of the compressed file.
    hash: B256,
}

/// The block that a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotBlock {
    /// Its rollup.
    pub rollup: RollupId,
    /// Number of blocks up to it.
    pub height: u64,
    /// Its slot.
    pub slot: Slot,
    /// Hash of its header.
    pub header_hash: B256,
    /// State root after it.
    pub state_root: B256,
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> SnapshotError {
    move |source| SnapshotError::Io { path: path.to_owned(), source }
}

fn malformed(path: &Path, expected: impl ToString, actual: impl ToString) -> SnapshotError {
    let (expected, actual) = (expected.to_string(), actual.to_string());
    SnapshotError::Malformed { path: path.to_owned(), expected, actual }
}

/// Writes a snapshot of accounts in the order of their indexes to a new folder. The folder gets its name when
/// everything is in it.
///
/// # Errors
/// If the folder is there already, an account can't be read, or the disk fails.
pub fn write_snapshot(
    folder: &Path,
    block: SnapshotBlock,
    accounts: impl Iterator<Item = Result<(AccountIndex, Account), SnapshotError>>,
) -> Result<Manifest, SnapshotError> {
    if folder.exists() {
        return Err(malformed(folder, "a folder that isn't there yet", "one that is"));
    }
    let mut name = folder.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&new)(error)),
        _ => fs::create_dir_all(&new).map_err(io_error(&new))?,
    }
    let mut chunks = Vec::new();
    let mut accounts = accounts.peekable();
    let mut total = 0u64;
    while accounts.peek().is_some() {
        let some = accounts.by_ref().take(CHUNK_ACCOUNTS).collect::<Result<Vec<_>, _>>()?;
        let count = some.len() as u64;
        let file = format!("accounts-{:05}.zst", chunks.len());
        let path = new.join(&file);
        let bytes = encode_chunk(&some).map_err(io_error(&path))?;
        write_file(&path, &bytes)?;
        chunks.push(Chunk { file, accounts: count, hash: keccak256(&bytes) });
        total = total.saturating_add(count);
    }
    let SnapshotBlock { rollup, height, slot, header_hash, state_root } = block;
    let manifest =
        Manifest { format: FORMAT, rollup, height, slot, header_hash, state_root, accounts: total, chunks };
    let path = new.join(MANIFEST);
    let json = serde_json::to_vec_pretty(&manifest).map_err(|error| io_error(&path)(error.into()))?;
    write_file(&path, &json)?;
    fs::rename(&new, folder).map_err(io_error(folder))?;
    Ok(manifest)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let written = fs::File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(io_error(path))
}

/// A snapshot whose accounts have the manifest's state root. Only L1 can tell whether that is the root of
/// a block.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
    pub(crate) accounts: Vec<(AccountIndex, Account)>,
    pub(crate) nodes: Vec<(NodePosition, Fr)>,
}

impl Snapshot {
    /// Reads a snapshot, and computes its state root.
    ///
    /// # Errors
    /// If a file is missing or isn't what the manifest says, or the accounts have another root.
    pub fn read(folder: &Path) -> Result<Self, SnapshotError> {
        let manifest = read_manifest(folder)?;
        let chunks = manifest.chunks.par_iter().map(|chunk| read_chunk(folder, chunk));
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        let accounts: Vec<(AccountIndex, Account)> = chunks.into_iter().flatten().collect();
        let path = folder.join(MANIFEST);
        if accounts.len() as u64 != manifest.accounts {
            return Err(malformed(&path, format!("{} accounts", manifest.accounts), accounts.len()));
        }
        if !accounts.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(malformed(folder, "accounts in the order of their indexes", "another order"));
        }
        let (root, nodes) = tree_of(&accounts, Levels::PRODUCTION);
        let actual = B256::new(field::to_bytes(&root));
        if actual != manifest.state_root {
            return Err(SnapshotError::StateRoot { expected: manifest.state_root, actual });
        }
        Ok(Self { manifest, accounts, nodes })
    }

    /// What the snapshot is of.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// Reads the manifest of a snapshot, and nothing else.
///
/// # Errors
/// If there is none, or it is malformed.
pub fn read_manifest(folder: &Path) -> Result<Manifest, SnapshotError> {
    let path = folder.join(MANIFEST);
    let mut json = Vec::new();
    let file = fs::File::open(&path).map_err(io_error(&path))?;
    file.take(MANIFEST_LIMIT).read_to_end(&mut json).map_err(io_error(&path))?;
    let manifest: Manifest =
        serde_json::from_slice(&json).map_err(|error| malformed(&path, "a manifest", error))?;
    if manifest.format != FORMAT {
        return Err(malformed(&path, format!("format {FORMAT}"), manifest.format));
    }
    Ok(manifest)
}

fn read_chunk(folder: &Path, chunk: &Chunk) -> Result<Vec<(AccountIndex, Account)>, SnapshotError> {
    // The name comes from a stranger, and must not lead out of the folder.
    let is_plain = chunk.file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let path = folder.join(&chunk.file);
    if !is_plain || chunk.file.starts_with('.') || chunk.accounts > CHUNK_ACCOUNTS as u64 {
        let expected = format!("a plain file name and at most {CHUNK_ACCOUNTS} accounts");
        return Err(malformed(&folder.join(MANIFEST), expected, format!("{chunk:?}")));
    }
    let bytes = fs::read(&path).map_err(io_error(&path))?;
    let actual = keccak256(&bytes);
    if actual != chunk.hash {
        return Err(malformed(&path, format!("a file with hash {}", chunk.hash), actual));
    }
    decode_chunk(&bytes, chunk.accounts).map_err(|actual| malformed(&path, "compressed accounts", actual))
}

/// Writes accounts as a file of a snapshot has them.
///
/// # Errors
/// If the compression fails, for lack of memory.
pub fn encode_chunk(accounts: &[(AccountIndex, Account)]) -> io::Result<Vec<u8>> {
    let mut records = Vec::with_capacity(accounts.len().saturating_mul(RECORD_BYTES));
    for (index, account) in accounts {
        records.extend_from_slice(&index.get().to_be_bytes());
        records.extend_from_slice(&account.to_bytes());
    }
    zstd::bulk::compress(&records, COMPRESSION_LEVEL)
}

/// Reads a file of a snapshot with this many accounts, at most 65,536.
///
/// # Errors
/// Says what the bytes are instead.
pub fn decode_chunk(bytes: &[u8], accounts: u64) -> Result<Vec<(AccountIndex, Account)>, String> {
    let count = usize::try_from(accounts).ok().filter(|count| *count <= CHUNK_ACCOUNTS);
    let expected = count.ok_or_else(|| format!("{accounts} accounts"))?.saturating_mul(RECORD_BYTES);
    // One byte more, so that a longer content is noticed and not cut off.
    let records =
        zstd::bulk::decompress(bytes, expected.saturating_add(1)).map_err(|error| error.to_string())?;
    if records.len() != expected {
        return Err(format!("{} bytes instead of {expected}", records.len()));
    }
    let account = |record: &[u8; RECORD_BYTES]| {
        let (index, account) = record.split_first_chunk::<4>().ok_or("a cut record")?;
        let account: &[u8; ACCOUNT_BYTES] = account.try_into().map_err(|_| "a cut record")?;
        let account = Account::from_bytes(account).map_err(|error| error.to_string())?;
        Ok((AccountIndex::new(u32::from_be_bytes(*index)), account))
    };
    records.as_chunks::<RECORD_BYTES>().0.iter().map(account).collect()
}

/// The state tree of accounts that are sorted by index: its root, and all nodes that aren't empty.
pub fn tree_of(accounts: &[(AccountIndex, Account)], levels: Levels) -> (Fr, Vec<(NodePosition, Fr)>) {
    let leaves = accounts.par_iter().map(|(index, account)| (index.get(), account.leaf()));
    let mut level: Vec<(u32, Fr)> = leaves.collect();
    let mut nodes = Vec::with_capacity(level.len().saturating_mul(2));
    for number in 0..=levels.get() {
        nodes
            .extend(level.iter().map(|(index, hash)| (NodePosition { level: number, index: *index }, *hash)));
        if number == levels.get() {
            break;
        }
        let families: Vec<&[(u32, Fr)]> =
            level.chunk_by(|(one, _), (other, _)| one >> ARITY_BITS == other >> ARITY_BITS).collect();
        let parents = families.par_iter().filter_map(|family| {
            let mut children = [empty(number); ARITY];
            for (index, hash) in *family {
                if let Some(child) = children.get_mut(*index as usize % ARITY) {
                    *child = *hash;
                }
            }
            let (index, _) = family.first()?;
            Some((index >> ARITY_BITS, poseidon::node(children)))
        });
        level = parents.collect();
    }
    let root = level.first().map_or_else(|| empty(levels.get()), |(_, root)| *root);
    (root, nodes)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;
    use fernet_ledger::{SecretKey, State};
    use fernet_protocol::ChainId;

    use super::*;

    fn accounts(indexes: &[u32]) -> Vec<(AccountIndex, Account)> {
        let account = |index: u32| Account {
            key: SecretKey::from_seed(&index.to_be_bytes()).public_key(),
            balance: u64::from(index) * 3,
            nonce: index / 2,
        };
        indexes.iter().map(|index| (AccountIndex::new(*index), account(*index))).collect()
    }

    fn block(root: B256) -> SnapshotBlock {
        SnapshotBlock {
            rollup: RollupId::new(ChainId::new(1), Address::repeat_byte(4)),
            height: 7,
            slot: Slot::new(9),
            header_hash: B256::repeat_byte(1),
            state_root: root,
        }
    }

    #[test]
    fn the_tree_of_all_accounts_is_that_of_one_after_the_other() {
        for indexes in [vec![], vec![1], vec![0, 1, 2, 3], vec![1, 5, 6, 64, 65, 4_096, 1 << 31, u32::MAX]] {
            let accounts = accounts(&indexes);
            let (root, nodes) = tree_of(&accounts, Levels::PRODUCTION);
            let mut state = State::empty(Levels::PRODUCTION);
            for (index, account) in &accounts {
                state.insert(*index, *account).unwrap();
            }
            assert_eq!(root, state.root());
            let changes = state.into_changes();
            if !indexes.is_empty() {
                assert_eq!(
                    nodes.into_iter().collect::<alloy::primitives::map::HashMap<_, _>>(),
                    changes.nodes
                );
            }
        }
    }

    #[test]
    fn a_snapshot_comes_back_and_nothing_else_is_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let accounts = accounts(&(1..500).collect::<Vec<u32>>());
        let root = B256::new(field::to_bytes(&tree_of(&accounts, Levels::PRODUCTION).0));
        let manifest = write_snapshot(&path, block(root), accounts.iter().copied().map(Ok)).unwrap();
        let snapshot = Snapshot::read(&path).unwrap();
        assert_eq!((snapshot.manifest(), &snapshot.accounts), (&manifest, &accounts));
        assert_eq!(read_manifest(&path).unwrap(), manifest);
        let error = write_snapshot(&path, block(root), std::iter::empty()).unwrap_err();
        assert!(
            error.to_string().ends_with("expected a folder that isn't there yet, got one that is"),
            "{error}"
        );

        // Every byte of every file counts.
        for file in fs::read_dir(&path).unwrap() {
            let file = file.unwrap().path();
            let whole = fs::read(&file).unwrap();
            for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
                let mut damaged = whole.clone();
                damaged[at] ^= 1;
                fs::write(&file, &damaged).unwrap();
                let changed = Snapshot::read(&path).map(|snapshot| snapshot.manifest == manifest);
                assert!(!matches!(changed, Ok(true)), "{} at {at}", file.display());
            }
            fs::write(&file, &whole).unwrap();
        }
        // Another state under the same root, with all hashes right.
        let other = folder.path().join("other");
        write_snapshot(&other, block(root), accounts.iter().skip(1).copied().map(Ok)).unwrap();
        assert!(matches!(Snapshot::read(&other), Err(SnapshotError::StateRoot { .. })));
        // A file outside of the folder.
        let json = fs::read_to_string(path.join(MANIFEST)).unwrap();
        fs::write(path.join(MANIFEST), json.replace("accounts-00000.zst", "../other/accounts-00000.zst"))
            .unwrap();
        assert!(matches!(Snapshot::read(&path), Err(SnapshotError::Malformed { .. })));
    }

    #[test]
    fn a_folder_that_was_cut_short_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let failing = [Ok(accounts(&[1])[0]), Err(SnapshotError::NoBlock)].into_iter();
        write_snapshot(&path, block(B256::ZERO), failing).unwrap_err();
        assert!(!path.exists());
        write_snapshot(&path, block(B256::ZERO), accounts(&[1, 2]).into_iter().map(Ok)).unwrap();
        assert!(path.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
