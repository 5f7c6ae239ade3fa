//! The configuration of the client. Pure: it reads no file and no environment by itself.
//!
//! Each option has one definition ([`Definition`]) with its text, its type and its default. From the
//! definitions follow the typed [`Config`], the commented file that `fernet init` writes
//! ([`document::file`]), the explanations of `fernet config check` ([`Config::settings`]) and the page
//! `docs/configuration.md` ([`document::page`]).
//!
//! Values come from a file, are overridden by variables of the environment, and these by flags
//! ([`Sources`]). An error says where the value is, what was expected and what was got; a key that doesn't
//! exist is an error that names the nearest one. Secrets are refused: a value may only say where a secret is.
//!
//! ```
//! use fernet_config::{Config, Sources};
//!
//! let text = "[l1]\nrpc = [\"http://127.0.0.1:8545\"]\n[sequencer]\nmax_price = \"0.5 token\"\n";
//! let sources = Sources::default().with_file("fernet.toml".as_ref(), text);
//! let config = Config::build(&sources)?;
//! assert_eq!(config.sequencer.max_price.get(), 500_000_000_000_000_000);
//!
//! let text = "[sequencer]\nmax_prize = \"0.5 token\"\n";
//! let error = Config::build(&Sources::default().with_file("fernet.toml".as_ref(), text)).unwrap_err();
//! let expected = "fernet.toml:2: sequencer.max_prize: no such setting; the nearest is sequencer.max_price";
//! assert_eq!(error.to_string(), expected);
//! # Ok::<(), fernet_config::ConfigErrors>(())
//! ```

mod amount;
mod config;
mod definition;
mod error;
mod layers;
mod options;
mod secret;
mod setting;
mod signer;
mod types;
mod value;

pub mod document;

pub use config::{Config, Shown};
pub use definition::{Definition, Role};
pub use error::{ConfigError, ConfigErrors};
pub use layers::{Sources, nearest};
pub use options::{
    L1Options, LogOptions, MempoolOptions, MetricsOptions, NodeOptions, P2pOptions, ProverOptions,
    SequencerOptions, SignerOptions, StorageOptions, definitions,
};
pub use setting::Setting;
pub use signer::{Signer, SignerSource};
pub use types::{
    BlobIds, Bounded, Commitment, Endpoint, LogFormat, Multiaddr, Network, OrNever, PasswordReference,
    Sidecars, SignerKind, SignerName, Wei,
};
pub use value::Origin;
