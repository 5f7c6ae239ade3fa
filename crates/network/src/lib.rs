//! The messages between roles, the [`Network`] trait, and its in-process implementation.
//!
//! A sequencer sends a [`QuoteRequest`] with its block to provers and receives [`SignedQuote`]s. After the
//! reveal it announces the [`BlockBody`], so that another prover can rescue the block. Operations travel as
//! [`Gossip`]. Every message has an encoding with limits ([`message`]). Signatures, hashes and blocks are
//! unchecked: the receiver checks them.

mod body;
mod in_process;
pub mod message;
mod network;
mod wire;

pub use body::{BlockBody, BodyError, HeaderFields};
pub use in_process::{INBOX_MESSAGES, InProcess, KEPT_BODIES};
pub use message::{AcceptedQuote, Gossip, QuoteRequest, SignedQuote, Wire};
pub use network::{BoxFuture, Inbox, Network, NetworkError, QuoteResponder};
pub use wire::WireError;
