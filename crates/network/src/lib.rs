//! What the roles tell each other: messages, the [`Network`] trait and its in-process implementation.
//!
//! A sequencer sends a [`QuoteRequest`] with its block to provers and gets [`SignedQuote`]s back; after the reveal it
//! announces the [`BlockBody`], so that others can rescue the block. Everyone passes operations on as [`Gossip`]. All
//! of it has a byte form with limits ([`message`]), and nothing that arrives is trusted: signatures, hashes and blocks
//! are for the receiver to check.

mod body;
mod in_process;
pub mod message;
mod network;
mod wire;

pub use body::{BlockBody, BodyError, HeaderFields};
pub use in_process::{INBOX_MESSAGES, InProcess, KEPT_BODIES};
pub use message::{AcceptedQuote, QuoteRequest, SignedQuote, Wire};
pub use network::{BoxFuture, Gossip, Inbox, Network, NetworkError, QuoteResponder};
pub use wire::WireError;
