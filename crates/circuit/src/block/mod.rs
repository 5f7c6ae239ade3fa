//! Proving and verification of a block's proof.

mod prove;
mod verify;

pub use prove::{ProveError, ProvingObserver, ProvingProgress};
pub use verify::{KnownBlock, VerifyError};
