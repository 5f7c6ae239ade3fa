//! A disk that fails at any write, and is looked at afterwards.
#![allow(unreachable_pub, reason = "tests of several crates use it")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use rand::{Rng, rngs::StdRng};
use redb::StorageBackend;

impl Failure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Killed, Self::PowerCut];
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is full: this write and all later ones are refused.
    Full,
    /// The process is killed: what was written stays.
    Killed,
    /// The power is cut: of what wasn't synced, a part is lost, in any order.
    PowerCut,
}

/// A disk's contents, and what it does next.
#[derive(Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Writes since the last sync: offset and data, or a length.
    unsynced: Vec<Unsynced>,
    /// Writes, changes of length and syncs so far.
    operations: usize,
    failure: Option<(usize, Failure)>,
}

#[derive(Clone, Debug)]
enum Unsynced {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Unsynced {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }
}

/// A disk that outlives the process.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Contents>>);

impl Disk {
    /// A disk with these contents.
    pub fn of(bytes: &[u8]) -> Self {
        let contents = Contents { bytes: bytes.to_vec(), synced: bytes.to_vec(), ..Contents::default() };
        Self(Arc::new(Mutex::new(contents)))
    }

    /// Fails from the `at`-th write on.
    pub fn fail(&self, at: usize, failure: Failure) {
        self.0.lock().unwrap().failure = Some((at, failure));
    }

    /// Writes, changes of length and syncs so far.
    pub fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }

    /// What is left after the process or the machine.
    pub fn remains(&self, random: &mut StdRng) -> Vec<u8> {
        let contents = self.0.lock().unwrap();
        match contents.failure {
            Some((_, Failure::PowerCut)) => {
                let mut bytes = contents.synced.clone();
                for write in contents.unsynced.iter().filter(|_| random.random_bool(0.5)) {
                    write.apply(&mut bytes);
                }
                bytes
            }
            _ => contents.bytes.clone(),
        }
    }

    fn change(&self, change: Option<Unsynced>) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        contents.operations += 1;
        if let Some((at, failure)) = contents.failure
            && contents.operations > at
        {
            return Err(match failure {
                Failure::Full => io::Error::from(io::ErrorKind::StorageFull),
                Failure::Killed | Failure::PowerCut => io::Error::other("gone"),
            });
        }
        match change {
            Some(change) => {
                change.apply(&mut contents.bytes);
                contents.unsynced.push(change);
            }
            None => {
                contents.synced = contents.bytes.clone();
                contents.unsynced.clear();
            }
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let bytes = contents.bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Some(Unsynced::Length(usize::try_from(len).unwrap())))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(None)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Some(Unsynced::Write(usize::try_from(offset).unwrap(), data.to_vec())))
    }
}
