//! Contracts of a few bytes, written by hand.

use alloy::primitives::Bytes;

/// Reverts while the block's timestamp is below the first word of calldata.
pub const TIME_GATE: &[u8] = &[
    0x5f, 0x35, // CALLDATALOAD(0)
    0x42, 0x10, // TIMESTAMP < it
    0x60, 0x08, 0x57, 0x00, // jump to the revert, or stop
    0x5b, 0x5f, 0x5f, 0xfd,
];

/// Succeeds once.
pub const ONCE: &[u8] = &[
    0x5f, 0x54, 0x60, 0x0a, 0x57, // jump to the revert if SLOAD(0)
    0x60, 0x01, 0x5f, 0x55, 0x00, // SSTORE(0, 1)
    0x5b, 0x5f, 0x5f, 0xfd,
];

/// Reverts unless the transaction's first blob has the hash in the first word of calldata.
pub const BLOB_GATE: &[u8] = &[
    0x5f, 0x49, // BLOBHASH(0)
    0x5f, 0x35, 0x14, // == CALLDATALOAD(0)
    0x60, 0x0b, 0x57, 0x5f, 0x5f, 0xfd, // jump over the revert
    0x5b, 0x00,
];

/// Logs two topics, the first two words of calldata, and no data.
pub const LOG_TWO: &[u8] = &[0x60, 0x20, 0x35, 0x5f, 0x35, 0x5f, 0x5f, 0xa2, 0x00];

/// Reverts with a four-byte error.
pub fn reverting(selector: [u8; 4]) -> Vec<u8> {
    [&[0x63][..], &selector, &[0x5f, 0x52, 0x60, 0x04, 0x60, 0x1c, 0xfd]].concat()
}

/// Code that deploys `runtime`.
pub fn deploying(runtime: &[u8]) -> Bytes {
    let length = u8::try_from(runtime.len()).unwrap();
    let header = [0x60, length, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    [&header[..], runtime].concat().into()
}
