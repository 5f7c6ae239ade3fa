//! The traits between a role and its peers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::B256;
use fernet_ledger::SignedOperation;

use crate::body::BlockBody;
use crate::message::{AcceptedQuote, QuoteRequest, SignedQuote};
use crate::wire::WireError;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a message couldn't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The message is not one that peers would read.
    #[error("peers would refuse the message: {0}")]
    Refused(#[from] WireError),
    /// Nobody by that address answers quote requests.
    #[error("no prover {0} on the network")]
    UnknownProver(alloy::primitives::Address),
    /// The network is gone.
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

/// Messages that a peer may receive unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gossip {
    /// An operation for the next blocks. Its signature isn't checked yet.
    Operation(SignedOperation),
    /// What a revealed block was made of. Whether it is that isn't checked yet.
    Body(BlockBody),
}

/// Gossip that waits to be read. A role reads it at its own pace; what doesn't fit is dropped, oldest first.
pub trait Inbox: Send + Sync {
    /// Takes what arrived since the last call, in order of arrival.
    fn drain(&mut self) -> Vec<Gossip>;
}

/// Answers quote requests: a prover.
pub trait QuoteResponder: Send + Sync {
    /// Offers to prove a block, or declines.
    fn quote(&self, request: QuoteRequest) -> BoxFuture<'_, Option<SignedQuote>>;

    /// Takes a quote that its sequencer has signed too: the prover sends the commitment.
    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()>;
}

/// A role's way to its peers. Peers are strangers: whatever comes from here is to be checked.
pub trait Network: Send + Sync {
    /// Passes an operation on to everyone.
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Passes a block's body on to everyone, and keeps it for [`Network::fetch_body`].
    fn announce_body(&self, body: BlockBody) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// A body by its header's hash, if any peer has it.
    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<BlockBody>, NetworkError>>;

    /// Everything that is published from now on.
    fn subscribe(&self) -> Box<dyn Inbox>;

    /// Asks all provers, and returns what came within `deadline`.
    fn request_quotes(
        &self,
        request: QuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>>;

    /// Hands a quote with both signatures to the prover that it names.
    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Answers quote requests from now on, as the prover `prover`; a second responder of that name replaces the first.
    fn respond_to_quotes(&self, prover: alloy::primitives::Address, responder: Arc<dyn QuoteResponder>);
}
