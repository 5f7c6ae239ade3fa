//! The traits between a role and its peers.
//!
//! Peers aren't trusted. What they send without being asked ([`Gossip`]) comes with its source and an id, and
//! takes a [`Verdict`]: the network passes on only what was accepted, and a peer that sends what is wrong in
//! itself is cut off. What they send when asked (bodies) takes a verdict too, before it is kept and served.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;

use crate::body::{BlockBody, BodyError};
use crate::message::{
    AcceptedQuote, Gossip, MessageId, ProverContact, SignedContact, SignedQuote, SignedQuoteRequest,
};
use crate::peer::PeerId;
use crate::wire::WireError;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a message couldn't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Peers wouldn't decode the message.
    #[error("peers would refuse the message: {0}")]
    Refused(#[from] WireError),
    /// Peers wouldn't keep the body.
    #[error("peers would refuse the body: {0}")]
    RefusedBody(#[from] BodyError),
    /// Nobody asked to keep the body that is announced, or others have taken its place.
    #[error("the body of header {0} isn't kept here")]
    UnknownBody(B256),
    /// No prover with this address answers quote requests.
    #[error("no prover {0} on the network")]
    UnknownProver(Address),
    /// More is waiting to be sent than may wait.
    #[error("the network is busy: too much is waiting to be sent")]
    Busy,
    /// The network was shut down.
    #[error("the network is closed")]
    Closed,
}

impl NetworkError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::UnknownProver(_) | Self::Busy)
    }
}

/// What a role thinks of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is valid and new: it is passed on, and a body is kept and served.
    Accept,
    /// It may be valid for a peer that has seen another L1 block. It isn't passed on, and its source is not
    /// blamed.
    Ignore,
    /// Its bytes or a signature are wrong, whatever L1 says. It isn't passed on, and its source is blamed:
    /// one that goes on is cut off for a while.
    Reject,
}

/// Takes the verdict on one message. Dropping it means [`Verdict::Ignore`].
pub struct Ticket(Option<Box<dyn FnOnce(Verdict) + Send>>);

impl Ticket {
    /// A ticket whose verdict goes to `decide`.
    #[must_use]
    pub fn new(decide: impl FnOnce(Verdict) + Send + 'static) -> Self {
        Self(Some(Box::new(decide)))
    }

    /// A ticket for a message of this process, whose verdict nobody needs.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Says what the message is worth.
    pub fn judge(mut self, verdict: Verdict) {
        if let Some(decide) = self.0.take() {
            decide(verdict);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(decide) = self.0.take() {
            decide(Verdict::Ignore);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// A message of a peer. Its bytes were decoded, and nothing else is checked.
#[derive(Debug)]
pub struct Received {
    /// The peer that passed the message on, or this node itself. It needn't be the one that wrote it.
    pub source: PeerId,
    /// The message's id.
    pub id: MessageId,
    /// The message.
    pub message: Gossip,
    /// Takes the verdict. A transport needs it within seconds.
    pub ticket: Ticket,
}

/// A body that was asked for. Its blobs are those of the header; its signatures are unchecked.
#[derive(Debug)]
pub struct FetchedBody {
    /// The body. Its header has the hash that was asked for.
    pub body: Arc<BlockBody>,
    /// The peer that sent it, or this node itself.
    pub source: PeerId,
    /// Takes the verdict. A body is kept and served if it is accepted; the source of one that is rejected
    /// isn't asked for it again.
    pub ticket: Ticket,
}

/// A queue of gossip for one role, with a budget of bytes. When it is full, the source that takes most of it
/// loses its oldest message.
pub trait Inbox: Send + Sync {
    /// Takes everything that arrived since the last call, in order of arrival.
    fn drain(&mut self) -> Vec<Received>;

    /// Waits for the next message; `None` when the network is closed.
    fn receive(&mut self) -> BoxFuture<'_, Option<Received>>;
}

/// A prover's answers to sequencers.
pub trait QuoteResponder: Send + Sync {
    /// Offers to prove a block; `None` declines. Everything about the request is unchecked.
    fn quote(&self, request: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>>;

    /// Receives a quote that its sequencer has signed too. The prover sends the commitment.
    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()>;
}

/// Messages to everyone.
pub trait GossipNetwork: Send + Sync {
    /// Sends an operation to all peers, and to the inboxes of this node. A transport may wait for others, up
    /// to 20 ms, and send them together.
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Opens a queue of all gossip from now on.
    fn subscribe(&self) -> Box<dyn Inbox>;
}

/// Bodies of blocks, by the hashes of their headers.
pub trait BodyNetwork: Send + Sync {
    /// Keeps a body of this node's own for peers that ask for it. Its blobs are checked against its header.
    fn keep_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Tells all peers that this node has a body. It must have been kept before.
    fn announce_body(&self, header_hash: B256) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Finds the body of a header: here, or at a peer. What doesn't fit the header is no answer, and costs
    /// the peer that sent it. `None` if no peer has a body that wasn't rejected before.
    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<FetchedBody>, NetworkError>>;
}

/// Requests for quotes, and their answers.
pub trait QuoteNetwork: Send + Sync {
    /// Asks all provers for quotes, and returns those that arrive within `deadline`.
    fn request_quotes(
        &self,
        request: SignedQuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>>;

    /// Sends a quote with both signatures to the prover that it names.
    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Registers `responder` as the prover `prover`, in place of an earlier one with that address.
    fn respond_to_quotes(&self, prover: Address, responder: Arc<dyn QuoteResponder>);

    /// Where sequencers can reach the prover `prover` of this node, if they must be told now: nobody was told
    /// yet, or what they were told expires soon. The prover signs it and calls [`Self::advertise`].
    fn contact_to_sign(&self, prover: Address) -> Option<ProverContact>;

    /// Tells all peers where sequencers reach a prover of this node.
    fn advertise(&self, contact: SignedContact) -> BoxFuture<'_, Result<(), NetworkError>>;
}

/// A role's connection to its peers.
pub trait Network: GossipNetwork + BodyNetwork + QuoteNetwork {}

impl<N: GossipNetwork + BodyNetwork + QuoteNetwork + ?Sized> Network for N {}
