//! Files of strangers from which a node starts: snapshots, and archives of blobs.

use alloy::eips::eip4844::{BYTES_PER_BLOB, Blob};
use fernet_follower::{decode_chunk, encode_chunk};
use fernet_l1::{decode_archived, encode_archived};
use fernet_ledger::{Account, AccountIndex, SecretKey};

use crate::{Outcome, Target, bounded, refused};

/// A file of a snapshot, after the number of accounts that the manifest says.
pub const SNAPSHOT: Target = Target { name: "snapshot", check: check_chunk, seeds: chunks };

/// A file of an archive of blobs.
pub const ARCHIVE: Target = Target { name: "archive", check: check_blob, seeds: blobs };

/// Most bytes of a file's records, which are decoded once more for the comparison.
const CHUNK_LIMIT: usize = 4 * 65_536 * 200;

fn check_chunk(bytes: &[u8]) -> Outcome {
    let Some((count, file)) = bytes.split_first_chunk::<4>() else { return Outcome::Refused };
    let count = u64::from(u32::from_be_bytes(*count));
    match bounded(CHUNK_LIMIT, || decode_chunk(file, count)) {
        Err(error) => refused(&error),
        Ok(accounts) => {
            assert_eq!(accounts.len() as u64, count);
            let again = encode_chunk(&accounts).expect("memory");
            assert_eq!(decode_chunk(&again, count).as_ref(), Ok(&accounts));
            Outcome::Decoded
        }
    }
}

fn chunks() -> Vec<Vec<u8>> {
    let account = |index: u32| {
        let key = SecretKey::from_seed(&index.to_be_bytes()).public_key();
        (AccountIndex::new(index), Account { key, balance: u64::MAX - u64::from(index), nonce: index })
    };
    let chunk = |count: u32| {
        let accounts: Vec<_> = (1..=count).map(account).collect();
        [&count.to_be_bytes()[..], &encode_chunk(&accounts).expect("memory")].concat()
    };
    [0, 1, 40].map(chunk).into()
}

fn check_blob(bytes: &[u8]) -> Outcome {
    match bounded(4 * BYTES_PER_BLOB, || decode_archived(bytes)) {
        Err(error) => refused(&error),
        Ok(blob) => {
            let again = encode_archived(&blob).expect("memory");
            assert_eq!(decode_archived(&again).expect("the same blob"), blob);
            Outcome::Decoded
        }
    }
}

fn blobs() -> Vec<Vec<u8>> {
    let mut half = Blob::ZERO;
    half.iter_mut().step_by(2).enumerate().for_each(|(at, byte)| *byte = (at % 251) as u8);
    [Blob::ZERO, Blob::repeat_byte(7), half]
        .iter()
        .map(|blob| encode_archived(blob).expect("memory"))
        .collect()
}
