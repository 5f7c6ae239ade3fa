//! The messages between roles, the [`Network`] trait, and its in-process implementation.
//!
//! Operations and announcements of bodies travel as [`Gossip`], which everyone receives and takes a
//! [`Verdict`] on. A sequencer sends a [`SignedQuoteRequest`] to provers and receives [`SignedQuote`]s; a
//! prover that finds the request worth it fetches the [`BlockBody`] by the header's hash. Every message has
//! an encoding with limits ([`message`]). Signatures and blocks are unchecked: the receiver checks them. Only
//! a body's blobs are compared with its header before the body is kept, served or handed out.

pub mod answer;
pub mod bodies;
mod body;
mod in_process;
pub mod inbox;
pub mod message;
mod network;
mod peer;
pub mod wire;

pub use body::{BlockBody, BodyError, HeaderFields, versioned_blob_hash};
pub use in_process::{InProcess, MAX_REJECTED};
pub use message::{
    AcceptedQuote, BodyAnnouncement, Gossip, MessageId, ProverContact, SignedContact, SignedQuote,
    SignedQuoteRequest, Topic,
};
pub use network::{
    BodyNetwork, BoxFuture, FetchedBody, GossipNetwork, Inbox, Network, NetworkError, QuoteNetwork,
    QuoteResponder, Received, Ticket, Verdict,
};
pub use peer::PeerId;
pub use wire::{Wire, WireError};
