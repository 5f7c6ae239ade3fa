//! Keys of roles, and what signs with them.
//!
//! A role signs L1 transactions and typed data (quotes, requests for quotes) through [`RoleSigner`]. Behind
//! it is a key in this process or a remote signer, which gets what is hashed and never a bare digest. A
//! [`SignerHandle`] is opened from a [`SignerSpec`] and can open its key again while the role runs.
//!
//! - [`web3`]: files of L1 keys (web3 keystores, version 3).
//! - [`bls`]: files of BLS keys (ERC-2335), which sequencers have under VRF scoring.
//! - [`l2`]: files of keys of L2 accounts.
//! - [`Web3Signer`]: a signing service over HTTP or HTTPS, with a client certificate if it wants one.
//! - [`Password`], [`PasswordSource`]: from a prompt, a private file or the environment.
//!
//! Secrets are zeroed when they are dropped, and no error, log line or `Debug` text shows one. Answers of a
//! remote signer are believed only when the address is recovered from them.

mod envelope;
mod error;
mod files;
mod handle;
mod password;
mod remote;
mod role_signer;
mod source;

pub mod bls;
pub mod l2;
pub mod web3;

pub use envelope::Cost;
pub use error::SignerError;
pub use files::{KeyFileError, KeyFileKind, kind_of};
pub use handle::{SignerHandle, reload_on_change};
pub use password::{Password, PasswordError, PasswordSource};
pub use remote::{RemoteError, RemoteSettings, TlsFiles, Web3Signer};
pub use role_signer::{BoxFuture, RoleSigner};
pub use source::{BlsSource, SignerSource, SignerSpec, open_bls};
