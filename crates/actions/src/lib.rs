//! What operators and users do on L1, as a library: the command line parses and prints, and nothing more.
//!
//! - [`L1Access`]: the L1, a verified deployment, and the [`Units`] to read amounts and times with.
//! - [`staking`], [`escrow`], [`bridge`], [`rewards`]: the state of an account, and the [`Action`]s on it.
//! - [`slots`], [`ranking`]: the slot in turn, past slots, and who proposes when.
//! - [`Sender`]: checks an action, tells what it costs, and sends it as an intent of `fernet-l1`.
//! - [`explain`]: what a contract's error means, in words.
//!
//! ```text
//!   staking::register ──Action──▶ Sender::preview ──▶ the user agrees ──▶ Sender::perform ──▶ Performed
//! ```
//!
//! An action is pure construction: it names a call and what the call takes. Nothing is sent before
//! [`Sender::perform`]. An action that an interrupted process sent is found again by what it does
//! ([`Sender::interrupted`]), so that it isn't sent twice.

mod access;
mod action;
pub mod bridge;
mod error;
pub mod escrow;
pub mod explain;
pub mod ranking;
pub mod rewards;
mod sender;
mod simulation;
pub mod slots;
pub mod staking;
mod units;

pub use access::L1Access;
pub use action::Action;
pub use error::ActionError;
pub use explain::Refusal;
pub use sender::{Performed, Preview, Progress, SendTerms, Sender, SubmittedBy};
pub use units::{Amount, AmountError, Moment, Units};
