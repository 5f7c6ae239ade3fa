//! The way of a quote request from a stranger to a signed quote, so that it delays no step of the prover.
//!
//! 1. The signature is verified, for two requests at a time. More than [`MAX_WAITING`] are declined at once.
//! 2. A block is considered once for each L1 block; whoever asks again gets the same answer. The price comes
//!    first, then the header; the body is fetched and executed only if both are right.
//! 3. One block is executed at a time, under no lock. A block that was executed isn't executed again.
//! 4. The offer is decided again by the facts of that moment, signed, and written to the journal.
//!
//! Only steps 2 and 4 take the prover's lock, for as long as a decision takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy::primitives::B256;
use fernet_network::{SignedQuote, SignedQuoteRequest};
use fernet_protocol::{Header, QuoteRequest, SequencerId, Slot};
use tokio::sync::{Semaphore, watch};

use crate::error::ProverError;
use crate::interface::RequestedBlock;

/// Most requests whose signatures wait to be verified.
pub(crate) const MAX_WAITING: usize = 64;

/// Requests that are looked at together.
const LOOKED_AT: usize = 2;

/// Most blocks whose answers are kept or being made.
const MAX_ANSWERS: usize = 256;

/// Most of these that one sequencer asks for.
const MAX_ANSWERS_OF_ONE: usize = 4;

/// Time that a request waits for the step that may show its proposal: the sequencer may have seen an L1 block
/// sooner than the prover.
const NEXT_STEP: Duration = Duration::from_secs(3);

/// What is to be done for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consideration {
    /// The prover makes no offer.
    Declined,
    /// The next L1 block may have the proposal.
    NotYet,
    /// The block has to be executed.
    Execute,
    /// The block was executed.
    Offer,
}

/// Whether a request can wait for the next L1 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It can.
    Wait,
    /// It has waited.
    Decide,
}

/// Makes quotes: the prover, as requests see it.
pub(crate) trait QuoteMaker: Send + Sync + 'static {
    /// An executed block.
    type Executed: Send;

    /// Whether the sequencer's key, or the one that it named, signed the request.
    fn is_signed(&self, request: &SignedQuoteRequest) -> impl Future<Output = bool> + Send;

    /// Decides on the price, and on what L1 knows of the block.
    fn consider(
        &self,
        block: &RequestedBlock,
        patience: Patience,
    ) -> impl Future<Output = Result<Consideration, ProverError>> + Send;

    /// Checks the header, fetches the body and executes it; `None` if no peer has a valid body.
    fn execute(
        &self,
        header: &Header,
        header_hash: B256,
    ) -> impl Future<Output = Result<Option<Self::Executed>, ProverError>> + Send;

    /// Decides again, signs the quote, and writes block and quote to the journal; `None` declines.
    fn offer(
        &self,
        block: &RequestedBlock,
        header: &Header,
        executed: Option<Self::Executed>,
    ) -> impl Future<Output = Result<Option<SignedQuote>, ProverError>> + Send;
}

/// The sequencer that asks, and its block.
type Key = (SequencerId, Slot, B256);
/// The answer to a request, once it is made. The answer `None` declines.
type Answer = Option<Option<SignedQuote>>;

/// Requests for quotes.
pub(crate) struct Requests<M> {
    maker: Arc<M>,
    waiting: Semaphore,
    looked_at: Arc<Semaphore>,
    executing: Arc<Semaphore>,
    answers: Mutex<Answers>,
    /// Number of the prover's last step.
    steps: watch::Receiver<u64>,
}

#[derive(Default)]
struct Answers {
    /// The step that those which are made hold for.
    step: u64,
    by_block: BTreeMap<Key, watch::Receiver<Answer>>,
}

impl<M: QuoteMaker> Requests<M> {
    /// Requests that `maker` answers. `steps` counts the prover's steps.
    pub(crate) fn new(maker: M, steps: watch::Receiver<u64>) -> Self {
        Self {
            maker: Arc::new(maker),
            waiting: Semaphore::new(MAX_WAITING),
            looked_at: Arc::new(Semaphore::new(LOOKED_AT)),
            executing: Arc::new(Semaphore::new(1)),
            answers: Mutex::default(),
            steps,
        }
    }

    /// What makes the quotes.
    pub(crate) fn maker(&self) -> &M {
        &self.maker
    }

    /// Answers a request; `None` declines.
    pub(crate) async fn answer(&self, signed: SignedQuoteRequest) -> Option<SignedQuote> {
        {
            let _waiting = self.waiting.try_acquire().ok()?;
            let _turn = self.looked_at.acquire().await.ok()?;
            if !self.maker.is_signed(&signed).await {
                let (slot, sequencer) = (signed.header.slot, signed.sequencer);
                tracing::debug!(%slot, %sequencer, "quote request without the sequencer's signature");
                return None;
            }
        }
        let mut answer = self.answer_for(signed)?;
        let made = answer.wait_for(Option::is_some).await.ok()?;
        made.clone().flatten()
    }

    /// The answer that is kept for the block or being made, or a new one.
    fn answer_for(&self, signed: SignedQuoteRequest) -> Option<watch::Receiver<Answer>> {
        let QuoteRequest { slot, header_hash, sequencer } = signed.request();
        let key = (sequencer, slot, header_hash);
        let step = *self.steps.borrow();
        let mut answers = self.lock();
        if answers.step != step {
            // Another L1 block may change every answer. What is being made is decided by it anyway.
            answers.by_block.retain(|_, answer| answer.borrow().is_none() && answer.has_changed().is_ok());
            answers.step = step;
        }
        if let Some(known) = answers.by_block.get(&key) {
            return Some(known.clone());
        }
        let of_one = answers.by_block.keys().filter(|(other, ..)| *other == sequencer).count();
        if answers.by_block.len() >= MAX_ANSWERS || of_one >= MAX_ANSWERS_OF_ONE {
            tracing::debug!(%slot, %sequencer, "too many quote requests");
            return None;
        }
        let (sender, receiver) = watch::channel(None);
        answers.by_block.insert(key, receiver.clone());
        drop(answers);
        let making = Making {
            maker: Arc::clone(&self.maker),
            looked_at: Arc::clone(&self.looked_at),
            executing: Arc::clone(&self.executing),
            steps: self.steps.clone(),
        };
        // A requester that doesn't wait any more must not stop a block half-way that others ask for too.
        tokio::spawn(async move {
            let quote = making.make(signed.header, header_hash, sequencer).await.unwrap_or_else(|error| {
                tracing::warn!(code = "PRV-004", %slot, %sequencer, %error, "quote request failed");
                None
            });
            sender.send_replace(Some(quote));
        });
        Some(receiver)
    }

    /// Ignores poisoning: every statement under the lock leaves a consistent state.
    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is being made.
struct Making<M> {
    maker: Arc<M>,
    looked_at: Arc<Semaphore>,
    executing: Arc<Semaphore>,
    steps: watch::Receiver<u64>,
}

impl<M: QuoteMaker> Making<M> {
    async fn make(
        mut self,
        header: Header,
        header_hash: B256,
        sequencer: SequencerId,
    ) -> Result<Option<SignedQuote>, ProverError> {
        let Header { slot, parent, chunks, .. } = header;
        let block = RequestedBlock { slot, header_hash, parent, chunks, sequencer };
        self.steps.mark_unchanged();
        let mut consideration = self.consider(&block, Patience::Wait).await?;
        if consideration == Consideration::NotYet {
            // Late or never, the block is considered once more.
            let _ = tokio::time::timeout(NEXT_STEP, self.steps.changed()).await;
            consideration = self.consider(&block, Patience::Decide).await?;
        }
        let executed = match consideration {
            Consideration::Declined | Consideration::NotYet => return Ok(None),
            Consideration::Offer => None,
            Consideration::Execute => {
                let Ok(_turn) = self.executing.acquire().await else { return Ok(None) };
                match self.maker.execute(&header, header_hash).await? {
                    Some(executed) => Some(executed),
                    None => return Ok(None),
                }
            }
        };
        self.maker.offer(&block, &header, executed).await
    }

    async fn consider(
        &self,
        block: &RequestedBlock,
        patience: Patience,
    ) -> Result<Consideration, ProverError> {
        let Ok(_turn) = self.looked_at.acquire().await else { return Ok(Consideration::Declined) };
        self.maker.consider(block, patience).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use fernet_protocol::{Price, Quote, TokenAmount, samples};

    use super::*;

    /// A prover that counts what requests make it do.
    #[derive(Default)]
    struct Counting {
        verified: AtomicUsize,
        considered: AtomicUsize,
        executed: AtomicUsize,
        offered: AtomicUsize,
        /// Most executions at the same time.
        at_once: AtomicUsize,
        executing: AtomicUsize,
        /// L1 has no proposal yet.
        is_early: AtomicBool,
        is_executed: AtomicBool,
        /// What a step of the prover takes.
        lock: tokio::sync::Mutex<()>,
        /// An execution ends when it gets a permit.
        gate: Option<Semaphore>,
    }

    impl QuoteMaker for Arc<Counting> {
        type Executed = ();

        async fn is_signed(&self, request: &SignedQuoteRequest) -> bool {
            self.verified.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            request.signature.as_ref() == b"signed"
        }

        async fn consider(
            &self,
            _: &RequestedBlock,
            patience: Patience,
        ) -> Result<Consideration, ProverError> {
            let _lock = self.lock.lock().await;
            self.considered.fetch_add(1, Ordering::SeqCst);
            Ok(match (self.is_early.load(Ordering::SeqCst), patience) {
                (true, Patience::Wait) => Consideration::NotYet,
                (true, Patience::Decide) => Consideration::Declined,
                (false, _) if self.is_executed.load(Ordering::SeqCst) => Consideration::Offer,
                (false, _) => Consideration::Execute,
            })
        }

        async fn execute(&self, _: &Header, _: B256) -> Result<Option<()>, ProverError> {
            self.executed.fetch_add(1, Ordering::SeqCst);
            self.at_once.fetch_max(self.executing.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            match &self.gate {
                Some(gate) => gate.acquire().await.unwrap().forget(),
                None => tokio::task::yield_now().await,
            }
            self.executing.fetch_sub(1, Ordering::SeqCst);
            self.is_executed.store(true, Ordering::SeqCst);
            Ok(Some(()))
        }

        async fn offer(
            &self,
            block: &RequestedBlock,
            _: &Header,
            _: Option<()>,
        ) -> Result<Option<SignedQuote>, ProverError> {
            let _lock = self.lock.lock().await;
            self.offered.fetch_add(1, Ordering::SeqCst);
            let quote = Quote {
                slot: block.slot,
                header_hash: block.header_hash,
                sequencer: block.sequencer,
                prover: [1; 20].into(),
                payee: [1; 20].into(),
                bond: TokenAmount::ZERO,
                price: Price::ZERO,
                valid_until: fernet_protocol::L1Slot::new(9),
            };
            Ok(Some(SignedQuote { quote, prover_signature: Vec::new().into() }))
        }
    }

    fn request(sequencer: u32, slot: u64, signature: &'static [u8]) -> SignedQuoteRequest {
        SignedQuoteRequest {
            header: samples::header(Slot::new(slot)),
            sequencer: SequencerId::new(sequencer),
            signature: signature.into(),
        }
    }

    fn requests(maker: &Arc<Counting>) -> (watch::Sender<u64>, Arc<Requests<Arc<Counting>>>) {
        let (steps, counted) = watch::channel(0);
        (steps, Arc::new(Requests::new(Arc::clone(maker), counted)))
    }

    fn count(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::SeqCst)
    }

    async fn until(is_so: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(std::time::Instant::now() < deadline, "it never happened");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_flood_is_declined_while_an_honest_request_is_answered_and_no_step_waits() {
        let maker = Arc::new(Counting { gate: Some(Semaphore::new(0)), ..Counting::default() });
        let (_steps, requests) = requests(&maker);
        let ask = |request| {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move { requests.answer(request).await })
        };
        let honest = ask(request(1, 7, b"signed"));
        until(|| count(&maker.executed) == 1).await;
        // The block is being executed. Now 20,000 others come, of the same sequencer, without its key.
        let flood: Vec<_> = (0..20_000).map(|slot| ask(request(1, slot, b"forged"))).collect();
        let repeated: Vec<_> = (0..20).map(|_| ask(request(1, 7, b"signed"))).collect();
        for forged in flood {
            assert_eq!(forged.await.unwrap(), None);
        }
        // The prover's lock is free all the time, so a step wouldn't wait.
        assert!(maker.lock.try_lock().is_ok());
        assert!(!honest.is_finished());
        assert_eq!((count(&maker.considered), count(&maker.executed)), (1, 1));
        assert!(count(&maker.verified) < 20_000, "a flood costs signatures without end");
        maker.gate.as_ref().unwrap().add_permits(1);
        let answer = honest.await.unwrap();
        assert!(answer.is_some());
        // Whoever asked for the same block has the same answer, unless the flood was in its way.
        for repeated in repeated {
            let repeated = repeated.await.unwrap();
            assert!(repeated.is_none() || repeated == answer);
        }
        assert_eq!(requests.answer(request(1, 7, b"signed")).await, answer);
        assert_eq!((count(&maker.considered), count(&maker.executed), count(&maker.offered)), (1, 1, 1));
    }

    #[tokio::test]
    async fn a_block_is_executed_once_and_offered_again_after_a_step() {
        let maker = Arc::new(Counting::default());
        let (steps, requests) = requests(&maker);
        let first = requests.answer(request(1, 7, b"signed")).await;
        assert!(first.is_some());
        assert_eq!(requests.answer(request(1, 7, b"signed")).await, first);
        assert_eq!((count(&maker.executed), count(&maker.offered)), (1, 1));
        steps.send_replace(1);
        assert_eq!(requests.answer(request(1, 7, b"signed")).await, first);
        assert_eq!((count(&maker.executed), count(&maker.offered)), (1, 2));
    }

    #[tokio::test]
    async fn a_request_that_is_ahead_of_the_prover_waits_for_its_next_step() {
        let maker = Arc::new(Counting::default());
        maker.is_early.store(true, Ordering::SeqCst);
        let (steps, requests) = requests(&maker);
        let early = {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move { requests.answer(request(1, 7, b"signed")).await })
        };
        until(|| count(&maker.considered) == 1).await;
        assert!(maker.lock.try_lock().is_ok());
        maker.is_early.store(false, Ordering::SeqCst);
        steps.send_replace(1);
        assert!(early.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn one_sequencer_has_few_blocks_in_the_works_and_one_is_executed_at_a_time() {
        let maker = Arc::new(Counting::default());
        let (steps, requests) = requests(&maker);
        let ask = |sequencer, slot| {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move { requests.answer(request(sequencer, slot, b"signed")).await })
        };
        let greedy: Vec<_> = (0..40).map(|slot| ask(1, slot)).collect();
        let mut answered = 0;
        for greedy in greedy {
            answered += usize::from(greedy.await.unwrap().is_some());
        }
        assert_eq!(answered, MAX_ANSWERS_OF_ONE);
        assert!(ask(2, 7).await.unwrap().is_some());
        assert_eq!(count(&maker.at_once), 1);
        steps.send_replace(1);
        assert!(ask(1, 50).await.unwrap().is_some());
    }
}
