//! ABIs and bytecode of `contracts/`, compiled by foundry-compilers.
//!
//! The build script gathers `contracts/interfaces` and `contracts/types` into one `sol!` block, so that a
//! struct which several interfaces share ([`Header`], [`Quote`], …) is one Rust type, and compiles the
//! contracts themselves with forge's own settings.
//!
//! - [`contracts`]: types, events, errors, calls and `…Instance`s of every interface, and one module per
//!   deployable contract (`Rollup`, `Staking`, …) with its constructor and `deploy`; all of it is re-exported
//!   here;
//! - [`artifacts`]: creation and deployed bytecode; [`expected_code_matches`] tells whether the code found on
//!   a chain is the code compiled here, whatever the constructor put into its immutables;
//! - [`errors`]: any revert of the contracts as a readable text;
//! - [`convert`]: conversions between the ABI's structs and those of `fernet-protocol`.

pub mod artifacts;
pub mod contracts;
pub mod convert;
pub mod errors;

pub use artifacts::{Artifact, CodeMismatch, expected_code_matches};
pub use contracts::*;
pub use convert::InvalidValue;
pub use errors::{Revert, decode_revert};
