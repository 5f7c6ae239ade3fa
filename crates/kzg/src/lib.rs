#![doc = include_str!("../README.md")]

mod blobs;
mod library;
mod multiples;
mod sparse;
mod units;

pub use blobs::{cell_proofs, commitment, precompute};
pub use library::{BLOB_BYTES, CELLS, KzgError, POINT_BYTES, Point};
