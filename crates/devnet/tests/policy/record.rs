//! Doubles around everything through which a role can sign or send. They record and pass on.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, B256, Signature},
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    signers::local::PrivateKeySigner,
    sol_types::SolCall as _,
    transports::{BoxTransport, TransportError, TransportFut},
};
use fernet_bindings::{IRewards, IRollup};
use fernet_ledger::SignedOperation;
use fernet_network::{
    AcceptedQuote, BlockBody, BodyNetwork, BoxFuture, FetchedBody, GossipNetwork, InProcess, Inbox,
    NetworkError, ProverContact, QuoteNetwork, QuoteResponder, SignedContact, SignedQuote,
    SignedQuoteRequest,
};
use fernet_protocol::{RollupId, SigningPreimage};
use fernet_prover::{JobId, JobStatus, ProofJob, ProofWorker};
use fernet_signers::RoleSigner;
use tower::Service;

/// A role of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Sequencer(usize),
    Prover(usize),
}

/// What a role signs or sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Output {
    // Signed transactions.
    Propose,
    Commit,
    Reveal,
    Finalize,
    FinalizeBackup,
    Claim,
    /// Any other transaction, such as a no-op that cancels one.
    OtherTransaction,
    // Signed quotes, and requests for them.
    QuoteSignature,
    RequestSignature,
    // Messages.
    Broadcast,
    QuoteRequest,
    Offer,
    AcceptedQuote,
    Contact,
    Body,
    KeptBody,
    BodyRequest,
    Operation,
    ProofJob,
}

/// Everything that was signed or sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    outputs: BTreeSet<(Role, Output)>,
    /// Digests that were signed.
    signed: BTreeSet<(Role, B256)>,
    /// Digests of the requests for quotes that were sent.
    requests: BTreeSet<B256>,
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().expect("no panic under the lock")
    }

    fn add(&self, role: Role, output: Output) {
        self.entries().outputs.insert((role, output));
    }

    /// What was signed or sent since the last call. A signature that isn't the one of a request counts as
    /// that of a quote.
    pub(crate) fn take(&self) -> BTreeSet<(Role, Output)> {
        let Entries { mut outputs, signed, requests } = std::mem::take(&mut *self.entries());
        outputs.extend(signed.into_iter().map(|(role, digest)| {
            let is_request = requests.contains(&digest);
            (role, if is_request { Output::RequestSignature } else { Output::QuoteSignature })
        }));
        outputs
    }
}

/// Records for one role.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    pub(crate) log: Log,
    pub(crate) role: Role,
}

impl Recorder {
    fn add(&self, output: Output) {
        self.log.add(self.role, output);
    }
}

type Signing<'a, T> = Pin<Box<dyn Future<Output = alloy::signers::Result<T>> + Send + 'a>>;

/// A key that signs transactions and quotes.
#[derive(Debug, Clone)]
pub(crate) struct RecordingSigner {
    pub(crate) key: PrivateKeySigner,
    pub(crate) recorder: Recorder,
}

fn transaction(input: &[u8]) -> Output {
    let selector = input.first_chunk::<4>().copied().unwrap_or_default();
    match selector {
        IRollup::proposeCall::SELECTOR => Output::Propose,
        IRollup::commitCall::SELECTOR => Output::Commit,
        IRollup::revealCall::SELECTOR => Output::Reveal,
        IRollup::finalizeCall::SELECTOR => Output::Finalize,
        IRollup::finalizeBackupCall::SELECTOR => Output::FinalizeBackup,
        IRewards::claimCall::SELECTOR => Output::Claim,
        _ => Output::OtherTransaction,
    }
}

impl TxSigner<Signature> for RecordingSigner {
    fn address(&self) -> Address {
        self.key.address()
    }

    fn sign_transaction<'a, 'b, 'c>(
        &'a self,
        tx: &'b mut dyn SignableTransaction<Signature>,
    ) -> Signing<'c, Signature>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.recorder.add(transaction(tx.input()));
        self.key.sign_transaction(tx)
    }
}

impl RoleSigner for RecordingSigner {
    fn sign_typed_data<'a>(&'a self, preimage: &'a SigningPreimage) -> Signing<'a, Signature> {
        self.recorder.log.entries().signed.insert((self.recorder.role, preimage.digest()));
        self.key.sign_typed_data(preimage)
    }
}

/// A transport that records raw transactions.
#[derive(Clone)]
pub(crate) struct RecordingTransport {
    pub(crate) inner: BoxTransport,
    pub(crate) recorder: Recorder,
}

impl fmt::Debug for RecordingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingTransport").finish_non_exhaustive()
    }
}

impl Service<RequestPacket> for RecordingTransport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        if packet.requests().iter().any(|request| request.method() == "eth_sendRawTransaction") {
            self.recorder.add(Output::Broadcast);
        }
        self.inner.call(packet)
    }
}

/// A role's connection to the network.
#[derive(Debug, Clone)]
pub(crate) struct RecordingNetwork {
    pub(crate) inner: InProcess,
    pub(crate) rollup: RollupId,
    pub(crate) recorder: Recorder,
}

impl GossipNetwork for RecordingNetwork {
    fn publish_operation(&self, operation: SignedOperation) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.recorder.add(Output::Operation);
        self.inner.publish_operation(operation)
    }

    fn subscribe(&self) -> Box<dyn Inbox> {
        self.inner.subscribe()
    }
}

impl BodyNetwork for RecordingNetwork {
    fn keep_body(&self, body: Arc<BlockBody>) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.recorder.add(Output::KeptBody);
        self.inner.keep_body(body)
    }

    fn announce_body(&self, header_hash: B256) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.recorder.add(Output::Body);
        self.inner.announce_body(header_hash)
    }

    fn fetch_body(&self, header_hash: B256) -> BoxFuture<'_, Result<Option<FetchedBody>, NetworkError>> {
        self.recorder.add(Output::BodyRequest);
        self.inner.fetch_body(header_hash)
    }
}

impl QuoteNetwork for RecordingNetwork {
    fn request_quotes(
        &self,
        request: SignedQuoteRequest,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Vec<SignedQuote>, NetworkError>> {
        self.recorder.add(Output::QuoteRequest);
        self.recorder.log.entries().requests.insert(request.request().digest(&self.rollup));
        self.inner.request_quotes(request, deadline)
    }

    fn accept_quote(&self, accepted: AcceptedQuote) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.recorder.add(Output::AcceptedQuote);
        self.inner.accept_quote(accepted)
    }

    fn respond_to_quotes(&self, prover: Address, responder: Arc<dyn QuoteResponder>) {
        let recorder = self.recorder.clone();
        self.inner.respond_to_quotes(prover, Arc::new(RecordingResponder { inner: responder, recorder }));
    }

    fn contact_to_sign(&self, prover: Address) -> Option<ProverContact> {
        self.inner.contact_to_sign(prover)
    }

    fn advertise(&self, contact: SignedContact) -> BoxFuture<'_, Result<(), NetworkError>> {
        self.recorder.add(Output::Contact);
        self.inner.advertise(contact)
    }
}

struct RecordingResponder {
    inner: Arc<dyn QuoteResponder>,
    recorder: Recorder,
}

impl QuoteResponder for RecordingResponder {
    fn quote(&self, request: SignedQuoteRequest) -> BoxFuture<'_, Option<SignedQuote>> {
        Box::pin(async move {
            let answer = self.inner.quote(request).await;
            if answer.is_some() {
                self.recorder.add(Output::Offer);
            }
            answer
        })
    }

    fn accept(&self, accepted: AcceptedQuote) -> BoxFuture<'_, ()> {
        self.inner.accept(accepted)
    }
}

/// A prover's connection to the worker, which may be another machine.
pub(crate) struct RecordingWorker {
    pub(crate) inner: Arc<dyn ProofWorker>,
    pub(crate) recorder: Recorder,
}

impl ProofWorker for RecordingWorker {
    fn start(&self, job: ProofJob) {
        self.recorder.add(Output::ProofJob);
        self.inner.start(job);
    }

    fn status(&self, id: JobId) -> Option<JobStatus> {
        self.inner.status(id)
    }

    fn forget(&self, id: JobId) {
        self.inner.forget(id);
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        self.inner.idle()
    }
}
