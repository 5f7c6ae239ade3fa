//! Blobs in folders: the own archive, and file stores of others. L1 itself forgets blobs after 18 days.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::{
    eips::eip4844::{BYTES_PER_BLOB, Blob},
    primitives::B256,
};

use crate::blobs::{BlobError, BlobFuture, BlobLocation, BlobSource, arrange, blob_from_bytes};

/// L1 slots whose blobs share a folder: nine days of mainnet, so that old folders can be moved or removed.
const SLOTS_PER_FOLDER: u64 = 65_536;
/// The fastest level, which keeps what is not zero nearly as it is.
const COMPRESSION_LEVEL: i32 = 1;

/// A folder of blobs: `<L1 slot / 65536>/<versioned hash>.zst`. Each file has a checksum.
#[derive(Clone, Debug)]
pub struct BlobArchive {
    folder: PathBuf,
}

impl BlobArchive {
    /// The archive in `folder`, which is made if it isn't there.
    ///
    /// # Errors
    /// If the folder can't be made.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The archive in a folder that is there.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::read_dir(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, at: BlobLocation, hash: B256) -> PathBuf {
        let folder = at.l1_slot.get() / SLOTS_PER_FOLDER;
        self.folder.join(folder.to_string()).join(format!("{hash}.zst"))
    }

    /// Whether the archive has a blob.
    pub fn has(&self, at: BlobLocation, hash: B256) -> bool {
        self.path(at, hash).exists()
    }

    /// Writes a blob, whose hash is not computed. The file is there as a whole or not at all.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn put(&self, at: BlobLocation, hash: B256, blob: &Blob) -> io::Result<()> {
        let path = self.path(at, hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let bytes = encode_archived(blob)?;
        // Several processes may share an archive; each writes a file of its own.
        let new = folder.join(format!("{hash}.{}.new", std::process::id()));
        let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Reads a blob; `None` if it isn't there. Its hash is not computed.
    ///
    /// # Errors
    /// If the file is damaged, or can't be read.
    pub fn get(&self, at: BlobLocation, hash: B256) -> Result<Option<Blob>, BlobError> {
        let path = self.path(at, hash);
        let unreadable = |error: io::Error| BlobError::Unreachable(format!("{}: {error}", path.display()));
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(unreadable)?,
        };
        let damaged = |error: BlobError| BlobError::Garbled(format!("{}: {error}", path.display()));
        decode_archived(&bytes).map(Some).map_err(damaged)
    }

    /// Those of the blobs that can be read.
    fn found(&self, at: BlobLocation, hashes: &[B256]) -> Vec<Option<Blob>> {
        let read = |hash: &B256| {
            self.get(at, *hash).unwrap_or_else(|error| {
                tracing::warn!(code = "L1-001", %hash, %error, "a blob of the archive can't be read");
                None
            })
        };
        hashes.iter().map(read).collect()
    }
}

/// A blob as a file of an archive has it.
///
/// # Errors
/// If the compression fails, for lack of memory.
pub fn encode_archived(blob: &Blob) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(blob.as_slice())?;
    encoder.finish()
}

/// Reads a file of an archive. The blob's hash is not computed.
///
/// # Errors
/// If the bytes are no compressed blob.
pub fn decode_archived(bytes: &[u8]) -> Result<Blob, BlobError> {
    // One byte more, so that a longer content is noticed and not cut off.
    let blob = zstd::bulk::decompress(bytes, BYTES_PER_BLOB + 1)
        .map_err(|error| BlobError::Garbled(error.to_string()))?;
    blob_from_bytes(&blob)
}

/// As a file store of somebody else: each blob's hash is computed.
impl BlobSource for BlobArchive {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        Box::pin(async move {
            let given = in_background(self, at, hashes).await.into_iter().flatten().collect();
            arrange(given, at, hashes)
        })
    }
}

async fn in_background(archive: &BlobArchive, at: BlobLocation, hashes: &[B256]) -> Vec<Option<Blob>> {
    let (archive, wanted) = (archive.clone(), hashes.to_vec());
    let reading = tokio::task::spawn_blocking(move || archive.found(at, &wanted));
    reading.await.unwrap_or_else(|_| vec![None; hashes.len()])
}

/// The own archive, if there is one, before other sources, which are asked in turn for what it lacks. What
/// they give is kept in it.
pub struct ArchivedBlobs {
    archive: Option<BlobArchive>,
    sources: Vec<Arc<dyn BlobSource>>,
}

impl std::fmt::Debug for ArchivedBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchivedBlobs").field("archive", &self.archive).finish_non_exhaustive()
    }
}

impl ArchivedBlobs {
    /// Blobs of the own `archive`, which are read without computing their hashes, then of `sources`.
    pub fn new(archive: BlobArchive, sources: Vec<Arc<dyn BlobSource>>) -> Self {
        Self { archive: Some(archive), sources }
    }

    /// Blobs of `sources`, which are kept nowhere.
    pub fn unkept(sources: Vec<Arc<dyn BlobSource>>) -> Self {
        Self { archive: None, sources }
    }

    async fn fetch(&self, at: BlobLocation, hashes: &[B256]) -> Result<Vec<Blob>, BlobError> {
        let mut found = match &self.archive {
            Some(archive) => in_background(archive, at, hashes).await,
            None => vec![None; hashes.len()],
        };
        let mut failure = None;
        for source in &self.sources {
            let missing = hashes.iter().zip(&found).filter(|(_, blob)| blob.is_none());
            let missing: Vec<B256> = missing.map(|(hash, _)| *hash).collect();
            if missing.is_empty() {
                break;
            }
            match source.blobs(at, &missing).await {
                Ok(given) => {
                    self.keep(at, missing.iter().copied().zip(given.iter().copied()).collect()).await;
                    let empty = found.iter_mut().filter(|blob| blob.is_none());
                    empty.zip(given).for_each(|(place, blob)| *place = Some(blob));
                }
                Err(error) => {
                    tracing::debug!(%error, "the next blob source is asked");
                    failure = Some(error);
                }
            }
        }
        let unavailable = |hash: B256| BlobError::Unavailable { hash, number: at.number };
        let all = hashes.iter().zip(found).map(|(hash, blob)| blob.ok_or(*hash));
        all.collect::<Result<Vec<Blob>, B256>>().map_err(|hash| failure.unwrap_or(unavailable(hash)))
    }

    /// Writes blobs to the archive. That it fails stops nobody: the blobs are at hand.
    async fn keep(&self, at: BlobLocation, blobs: Vec<(B256, Blob)>) {
        let Some(archive) = self.archive.clone() else { return };
        let writing = tokio::task::spawn_blocking(move || {
            for (hash, blob) in blobs {
                if let Err(error) = archive.put(at, hash, &blob) {
                    tracing::error!(
                        code = "L1-002", %hash, %error,
                        "a blob is not in the archive: make room, or it is lost"
                    );
                }
            }
        });
        let _ = writing.await;
    }
}

impl BlobSource for ArchivedBlobs {
    fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
        Box::pin(self.fetch(at, hashes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fernet_protocol::L1Slot;

    use super::*;
    use crate::blobs::versioned_hash;

    fn blob(byte: u8) -> Blob {
        let mut blob = Blob::ZERO;
        blob[31] = byte;
        blob
    }

    fn location(l1_slot: u64) -> BlobLocation {
        BlobLocation { number: 5, hash: B256::ZERO, l1_slot: L1Slot::new(l1_slot) }
    }

    /// Gives what it has, and counts what it is asked for.
    #[derive(Default)]
    struct Given(Vec<Blob>, Mutex<Vec<usize>>);

    impl BlobSource for Given {
        fn blobs<'a>(&'a self, at: BlobLocation, hashes: &'a [B256]) -> BlobFuture<'a> {
            self.1.lock().unwrap().push(hashes.len());
            Box::pin(async move { arrange(self.0.clone(), at, hashes) })
        }
    }

    #[tokio::test]
    async fn what_is_fetched_once_is_in_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let archive = BlobArchive::create(&folder.path().join("blobs")).unwrap();
        let hashes = [1, 2, 3].map(|byte| versioned_hash(&blob(byte)).unwrap());
        archive.put(location(70_000), hashes[1], &blob(2)).unwrap();
        let nothing = Arc::new(Given::default());
        let source = Arc::new(Given(vec![blob(3), blob(1)], Mutex::default()));
        let sources: Vec<Arc<dyn BlobSource>> = vec![nothing.clone(), source.clone()];
        let blobs = ArchivedBlobs::new(archive.clone(), sources);
        for _ in 0..2 {
            let got = blobs.blobs(location(70_000), &hashes).await.unwrap();
            assert_eq!(got, [blob(1), blob(2), blob(3)]);
        }
        // Only what was missing, and only once.
        assert_eq!((&*nothing.1.lock().unwrap(), &*source.1.lock().unwrap()), (&vec![2], &vec![2]));
        assert!(folder.path().join("blobs/1").join(format!("{}.zst", hashes[0])).exists());
        assert!(!archive.has(location(1), hashes[0]));
        let unknown = versioned_hash(&blob(9)).unwrap();
        let error = blobs.blobs(location(70_000), &[hashes[0], unknown]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("blob {unknown} of L1 block 5 is not available"));
        assert!(error.is_retryable());
    }

    #[tokio::test]
    async fn damaged_files_are_fetched_again_and_false_ones_of_others_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = BlobArchive::create(folder.path()).unwrap();
        let hash = versioned_hash(&blob(1)).unwrap();
        archive.put(location(1), hash, &blob(1)).unwrap();
        let path = archive.path(location(1), hash);
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert!(archive.get(location(1), hash).is_err(), "byte {at}");
        }
        fs::write(&path, &whole[..whole.len() - 2]).unwrap();
        let blobs =
            ArchivedBlobs::new(archive.clone(), vec![Arc::new(Given(vec![blob(1)], Mutex::default()))]);
        assert_eq!(blobs.blobs(location(1), &[hash]).await.unwrap(), [blob(1)]);
        assert_eq!(fs::read(&path).unwrap(), whole);

        // A folder of somebody else, with another blob under this name.
        archive.put(location(1), hash, &blob(2)).unwrap();
        assert!(BlobSource::blobs(&archive, location(1), &[hash]).await.is_err());
        // A file that grows beyond all bounds when it is decompressed.
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
        fs::write(&path, bomb).unwrap();
        assert!(archive.get(location(1), hash).is_err());
    }
}
