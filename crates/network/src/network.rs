//! The traits between a role and its peers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use fernet_ledger::SignedOperation;

use crate::body::BlockBody;
use crate::message::{AcceptedQuote, Gossip, QuoteRequest, SignedQuote};
use crate::wire::WireError;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a message couldn't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Peers wouldn't decode the message.
    #[error("peers would refuse the message: {0}")]
    Refused(#[from] WireError),
    /// No prover with this address answers quote requests.
    #[error("no prover {0} on the network")]
    UnknownProver(Address),
    /// The network was shut down.
    #[error("the network is closed")]
    Closed,
}

impl NetworkError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::UnknownProver(_))
    }
}

/// A queue of gossip for one role. A queue that is full drops its oldest message.
pub trait Inbox: Send + Sync {
    /// Takes everything that arrived since the last call, in order of arrival.
    fn drain(&mut self) -> Vec<Gossip>;
}

/// A prover's answers to sequencers.
pub trait QuoteResponder: Send + Sync {
    /// Offers to prove a block; `None` declines.
    fn quote(&self, request: QuoteRequest) -> BoxFuture<'_, Option<SignedQuote>>;

    /// Receives a quote that its sequencer has signed too. The prover sends the commitment.
    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()>;
}

/// A role's connection to its peers. Peers aren't trusted: the receiver checks everything.
pub trait Network: Send + Sync {
    /// Sends an operation to all peers.
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Sends a block's body to all peers, and keeps it for [`Network::fetch_body`].
    fn announce_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Asks peers for the body of a header; `None` if no peer has it.
    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<Arc<BlockBody>>, NetworkError>>;

    /// Opens a queue of all gossip from now on.
    fn subscribe(&self) -> Box<dyn Inbox>;

    /// Asks all provers for quotes, and returns those that arrive within `deadline`.
    fn request_quotes(
        &self,
        request: QuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>>;

    /// Sends a quote with both signatures to the prover that it names.
    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Registers `responder` as the prover `prover`, in place of an earlier one with that address.
    fn respond_to_quotes(&self, prover: Address, responder: Arc<dyn QuoteResponder>);
}
