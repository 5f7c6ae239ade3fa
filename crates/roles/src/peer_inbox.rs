//! Messages from peers: operations for the mempool, and announcements of revealed blocks' bodies.
//!
//! A task in the background reads them as they come, because a transport needs a verdict within seconds, and
//! a role looks once for each L1 block:
//!
//! 1. it checks a batch of operations by the state of the role's last step: everything but the signatures,
//!    under the pool's lock;
//! 2. it verifies the signatures on the threads for blocking work, under no lock;
//! 3. it inserts what is valid, and judges the messages.
//!
//! A step waits for at most [`STEP_OPERATIONS`] operations that came before it, so a flood doesn't delay a
//! role. What only another state could allow waits for the next step, and is tried again then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address, B256};
use fernet_follower::{Follower, Ledger};
use fernet_l1::Deployment;
pub use fernet_ledger::mempool::Limits as MempoolLimits;
use fernet_ledger::mempool::{Checked, EntryError};
use fernet_ledger::{Domain, Mempool, OperationError, SignedOperation, State, Store};
use fernet_network::{Gossip, Inbox, Network, Received, SignedContact, Ticket, Verdict};
use fernet_protocol::{RollupId, SignatureError, recover_signer};
use tokio::sync::{mpsc, oneshot};

use crate::{
    journal::{Journal, JournalError},
    queue::state_after_queue,
};

/// Most operations that a step waits for. Two cores verify them in 50 ms.
pub const STEP_OPERATIONS: usize = 1_024;

/// Most operations whose signatures are verified together.
const BATCH_OPERATIONS: usize = 256;

/// Most refused operations that wait for another state.
const WAITING_OPERATIONS: usize = 4_096;

/// The state that operations are checked by.
type PoolState = State<Arc<Ledger>>;

/// What a role's step tells its inbox.
pub struct InboxUpdate {
    /// The state after everything that the next block can consume of the queues; `None` until the state at
    /// the tip is known.
    state: Option<PoolState>,
    /// L1 slot of the newest L1 block.
    now: u64,
    /// Hashes of the headers of the slot's candidates.
    candidates: Vec<B256>,
    /// The accounts whose escrow covers a bond, and the keys that they named.
    provers: BTreeMap<Address, Option<Address>>,
}

impl InboxUpdate {
    /// What the follower knows.
    #[must_use]
    pub fn of(follower: &Follower) -> Self {
        let view = follower.view();
        let state = follower.ledger_at_tip().map(|ledger| {
            let state = State::without_openings(Arc::clone(ledger), ledger.levels());
            state_after_queue(state, view)
        });
        let head = view.head().map(|head| head.l1_slot);
        let candidates = head.map(|head| view.slot(head.plus(1)).candidates);
        let candidates = candidates.into_iter().flatten().map(|candidate| candidate.header_hash);
        let next = head.map(|head| head.plus(1));
        let provers = next.map(|next| view.bonded_provers(next).collect()).unwrap_or_default();
        Self { state, now: head.map_or(0, |head| head.get()), candidates: candidates.collect(), provers }
    }
}

impl std::fmt::Debug for InboxUpdate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("InboxUpdate").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Receives gossip, and keeps the operations in a mempool, which is in the role's journal as well.
pub struct PeerInbox {
    pool: Arc<Mutex<Mempool>>,
    reader: Reader,
}

/// The task that reads the messages.
enum Reader {
    /// It starts with the first step, which is in an async runtime. The mutex makes it shareable.
    Idle(Mutex<Option<Box<Task>>>),
    /// It ends when the sender is dropped.
    Running(mpsc::Sender<Step>),
}

/// A step of the role, and who waits for the operations before it.
struct Step {
    update: InboxUpdate,
    done: oneshot::Sender<()>,
}

impl std::fmt::Debug for PeerInbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PeerInbox").field("mempool", &self.len()).finish_non_exhaustive()
    }
}

impl PeerInbox {
    /// Subscribes to `network`. The mempool has the operations of `journal`, once the L2 state is known.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn new(
        deployment: &Deployment,
        network: &dyn Network,
        limits: MempoolLimits,
        journal: &Journal,
    ) -> Result<Self, JournalError> {
        let rollup = deployment.rollup_id();
        let mempool = Mempool::new(Domain::from(rollup), limits);
        Ok(Self::reading(rollup, network.subscribe(), mempool, journal.operations()?))
    }

    fn reading(
        rollup: RollupId,
        inbox: Box<dyn Inbox>,
        mempool: Mempool,
        restored: Vec<SignedOperation>,
    ) -> Self {
        let pool = Arc::new(Mutex::new(mempool));
        let task = Task {
            rollup,
            inbox,
            pool: Arc::clone(&pool),
            state: None,
            now: 0,
            candidates: Vec::new(),
            provers: BTreeMap::new(),
            backlog: VecDeque::new(),
            restored,
            waiting: VecDeque::new(),
        };
        Self { pool, reader: Reader::Idle(Mutex::new(Some(Box::new(task)))) }
    }

    /// Tells the inbox of a new L1 block, and waits until the operations that came before are in the mempool,
    /// up to [`STEP_OPERATIONS`]. Operations that can't be included any more leave it.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn receive(&mut self, update: InboxUpdate, journal: &Journal) -> Result<(), JournalError> {
        if let Reader::Idle(task) = &mut self.reader
            && let Some(task) = task.get_mut().unwrap_or_else(PoisonError::into_inner).take()
        {
            let (steps, receiver) = mpsc::channel(1);
            tokio::spawn(task.run(receiver));
            self.reader = Reader::Running(steps);
        }
        if let Reader::Running(steps) = &self.reader {
            let (done, wait) = oneshot::channel();
            // The task ends with the runtime only.
            if steps.send(Step { update, done }).await.is_ok() {
                let _ = wait.await;
            }
        }
        let changes = lock(&self.pool).take_changes();
        journal.change_operations(&changes)
    }

    /// Number of operations that wait for a block.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.pool).len()
    }

    /// Whether no operation waits for a block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `max` operations that can be executed on `store`, see [`Mempool::candidates`].
    #[must_use]
    pub fn candidates(&self, store: &impl Store, max: usize) -> Vec<SignedOperation> {
        lock(&self.pool).candidates(store, max)
    }
}

/// Ignores poisoning: a mempool never panics.
fn lock(pool: &Mutex<Mempool>) -> MutexGuard<'_, Mempool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A message with operations, and the verdict that it waits for.
struct Message {
    operations: Vec<SignedOperation>,
    ticket: Ticket,
}

struct Task {
    rollup: RollupId,
    inbox: Box<dyn Inbox>,
    pool: Arc<Mutex<Mempool>>,
    state: Option<Arc<PoolState>>,
    now: u64,
    candidates: Vec<B256>,
    provers: BTreeMap<Address, Option<Address>>,
    /// Messages that aren't checked yet. The inbox is read only when there are none, so its budget counts for
    /// them too.
    backlog: VecDeque<Message>,
    /// Operations of before a restart, until the state at the tip is known.
    restored: Vec<SignedOperation>,
    /// Operations that another state may allow.
    waiting: VecDeque<SignedOperation>,
}

impl Task {
    async fn run(mut self: Box<Self>, mut steps: mpsc::Receiver<Step>) {
        let mut is_open = true;
        loop {
            tokio::select! {
                biased;
                step = steps.recv() => match step {
                    Some(Step { update, done }) => {
                        self.update(update).await;
                        // A role that doesn't wait any more has ended.
                        let _ = done.send(());
                    }
                    None => return,
                },
                () = std::future::ready(()), if !self.backlog.is_empty() => {
                    self.process().await;
                }
                received = self.inbox.receive(), if is_open => match received {
                    Some(received) => self.take(received),
                    None => is_open = false,
                }
            }
        }
    }

    /// Follows a step of the role.
    async fn update(&mut self, update: InboxUpdate) {
        let InboxUpdate { state, now, candidates, provers } = update;
        (self.state, self.now) = (state.map(Arc::new), now);
        (self.candidates, self.provers) = (candidates, provers);
        let Some(state) = self.state.clone() else { return };
        lock(&self.pool).update(&*state, now);
        // What has waited is tried first.
        let tried = self.restored.drain(..).chain(self.waiting.drain(..)).collect::<Vec<_>>();
        for operations in tried.chunks(BATCH_OPERATIONS).rev() {
            let (operations, ticket) = (operations.to_vec(), Ticket::none());
            self.backlog.push_front(Message { operations, ticket });
        }
        let mut processed = 0;
        while processed < STEP_OPERATIONS {
            if self.backlog.is_empty() {
                self.drain();
            }
            if self.backlog.is_empty() {
                return;
            }
            processed += self.process().await;
        }
    }

    fn drain(&mut self) {
        for received in self.inbox.drain() {
            self.take(received);
        }
    }

    fn take(&mut self, Received { message, ticket, .. }: Received) {
        match message {
            Gossip::Operations(operations) => self.backlog.push_back(Message { operations, ticket }),
            Gossip::Body(announcement) => {
                // Only bodies of blocks that are on L1 in the slot in turn are worth a message.
                let is_candidate = self.candidates.contains(&announcement.header_hash);
                ticket.judge(if is_candidate { Verdict::Accept } else { Verdict::Ignore });
            }
            Gossip::Prover(contact) => ticket.judge(self.verdict_on_contact(&contact)),
        }
    }

    /// A contact counts if the prover has escrow, and its own key or the one that it named signed it. What
    /// isn't a key's signature may be a contract's, which only L1 can judge.
    fn verdict_on_contact(&self, signed: &SignedContact) -> Verdict {
        let SignedContact { contact, signature } = signed;
        let signer = match recover_signer(contact.claim().digest(&self.rollup), signature) {
            Ok(signer) => signer,
            Err(SignatureError::WrongLength { .. }) => return Verdict::Ignore,
            Err(_) => return Verdict::Reject,
        };
        let named = self.provers.get(&contact.prover);
        let binds = named.is_some_and(|named| signer == contact.prover || *named == Some(signer));
        if binds { Verdict::Accept } else { Verdict::Ignore }
    }

    /// Checks, verifies and inserts the operations of some messages, and judges these. Returns their number.
    async fn process(&mut self) -> usize {
        let mut messages = Vec::new();
        let mut count = 0;
        while count < BATCH_OPERATIONS
            && let Some(message) = self.backlog.pop_front()
        {
            count += message.operations.len();
            messages.push(message);
        }
        let operations: Vec<SignedOperation> =
            messages.iter().flat_map(|message| message.operations.iter().copied()).collect();
        let results = match self.state.clone() {
            Some(state) => self.enter(&state, &operations).await,
            None => vec![Outcome::Later; operations.len()],
        };
        let mut results = results.into_iter();
        for Message { operations, ticket } in messages {
            let verdicts = results.by_ref().take(operations.len()).map(Outcome::verdict);
            ticket.judge(verdict_on_message(verdicts));
        }
        count
    }

    /// Brings operations into the pool.
    async fn enter(&mut self, state: &Arc<PoolState>, operations: &[SignedOperation]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Later; operations.len()];
        let mut checked: Vec<(usize, Checked)> = Vec::new();
        for (index, result) in lock(&self.pool).check_all(&**state, operations).into_iter().enumerate() {
            match result {
                Ok(operation) => checked.push((index, operation)),
                Err(error) => outcomes[index] = Outcome::of(error),
            }
        }
        let verified = tokio::task::spawn_blocking(move || {
            let (indexes, checked): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
            indexes.into_iter().zip(Checked::verify_all(checked)).collect::<Vec<_>>()
        });
        // The task is cancelled only when the process ends.
        let mut verified = verified.await.unwrap_or_default();
        // Operations of one account enter in the order of their nonces.
        verified.sort_by_key(|(index, _)| operations[*index].operation.nonce());
        let mut pool = lock(&self.pool);
        for (index, verified) in verified {
            let inserted = verified.and_then(|verified| pool.insert(&**state, verified, self.now));
            outcomes[index] = inserted.map_or_else(Outcome::of, |_| Outcome::Entered);
        }
        for (signed, outcome) in operations.iter().zip(&outcomes) {
            match outcome {
                Outcome::Entered => {}
                Outcome::Later => {
                    self.waiting.push_back(*signed);
                }
                // It may be in the journal, from before a restart.
                Outcome::Never | Outcome::Wrong => {
                    pool.note_change(signed.operation.sender(), signed.operation.nonce());
                }
            }
        }
        while self.waiting.len() > WAITING_OPERATIONS {
            if let Some(SignedOperation { operation, .. }) = self.waiting.pop_front() {
                pool.note_change(operation.sender(), operation.nonce());
            }
        }
        outcomes
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is in the pool.
    Entered,
    /// Another state may allow it.
    Later,
    /// It is too late, or isn't needed.
    Never,
    /// It is wrong in every state.
    Wrong,
}

impl Outcome {
    fn of(error: EntryError) -> Self {
        tracing::debug!(%error, "operation refused");
        match error {
            error if error.is_permanent() => Self::Wrong,
            EntryError::Known { .. } | EntryError::Underpriced { .. } => Self::Never,
            EntryError::Invalid(OperationError::NonceMismatch { .. } | OperationError::NonceExhausted(_)) => {
                Self::Never
            }
            _ => Self::Later,
        }
    }

    const fn verdict(self) -> Verdict {
        match self {
            Self::Entered => Verdict::Accept,
            Self::Later | Self::Never => Verdict::Ignore,
            Self::Wrong => Verdict::Reject,
        }
    }
}

/// A message with a wrong signature is rejected: whoever passed it on should have checked it. One is passed
/// on if any of its operations is new.
fn verdict_on_message(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Ignore, |message, one| match (message, one) {
        (Verdict::Reject, _) | (_, Verdict::Reject) => Verdict::Reject,
        (Verdict::Accept, _) | (_, Verdict::Accept) => Verdict::Accept,
        _ => Verdict::Ignore,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use fernet_ledger::{AccountIndex, Deposit, FeeBurn, Fr, Layout, Levels, Operation, SecretKey, Transfer};
    use fernet_network::inbox::{InboxSender, inbox};
    use fernet_network::{BodyAnnouncement, MessageId, PeerId};
    use fernet_protocol::ChainId;

    use super::*;

    fn domain() -> Domain {
        Domain::from_element(Fr::from(7u64))
    }

    fn rollup() -> RollupId {
        RollupId::new(ChainId::new(1), Address::repeat_byte(9))
    }

    fn secret(number: u32) -> SecretKey {
        SecretKey::from_seed(&number.to_be_bytes())
    }

    fn transfer(from: u32, to: u32, nonce: u32) -> SignedOperation {
        let (from_index, to) = (AccountIndex::new(from), AccountIndex::new(to));
        Operation::from(Transfer { from: from_index, to, amount: 1, fee: 1, nonce })
            .sign(domain(), &secret(from))
    }

    /// Accounts 1 to `accounts` own 1,000 each.
    fn update(accounts: u32) -> InboxUpdate {
        let layout = Layout::new(4, 4, 2).unwrap();
        let ledger = Ledger::new(domain(), layout, FeeBurn::NONE, Levels::new(8).unwrap());
        let levels = ledger.levels();
        let mut state = State::without_openings(Arc::new(ledger), levels);
        for number in 1..=accounts {
            let key = secret(number).public_key();
            state.apply_deposit(&Deposit { to: AccountIndex::new(number), key, amount: 1_000 }).unwrap();
        }
        let (candidates, provers) = (vec![B256::repeat_byte(1)], BTreeMap::new());
        InboxUpdate { state: Some(state), now: 1, candidates, provers }
    }

    #[derive(Clone, Default)]
    struct Verdicts(Arc<[AtomicUsize; 3]>);

    impl Verdicts {
        fn send(&self, sender: &InboxSender, message: Gossip) {
            let verdicts = Arc::clone(&self.0);
            let ticket = Ticket::new(move |verdict| {
                verdicts[verdict as usize].fetch_add(1, Ordering::SeqCst);
            });
            let id = MessageId::of(message.topic(), &message.encode());
            sender.send(Received { source: PeerId::new([1; 32]), id, message, ticket });
        }

        /// Accepted, ignored, rejected.
        fn get(&self) -> [usize; 3] {
            [0, 1, 2].map(|verdict: usize| self.0[verdict].load(Ordering::SeqCst))
        }

        async fn until(&self, expected: [usize; 3]) {
            let deadline = Instant::now() + Duration::from_secs(60);
            while self.get() != expected {
                assert!(Instant::now() < deadline, "expected {expected:?}, got {:?}", self.get());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    fn reading(restored: Vec<SignedOperation>) -> (InboxSender, PeerInbox, Journal) {
        let (sender, inbox) = inbox(8 << 20);
        let mempool = Mempool::new(domain(), MempoolLimits::default());
        (sender, PeerInbox::reading(rollup(), inbox, mempool, restored), Journal::in_memory().unwrap())
    }

    #[tokio::test]
    async fn a_flood_of_bad_signatures_is_rejected_and_delays_a_step_by_little() {
        let (sender, mut inbox, journal) = reading(Vec::new());
        let verdicts = Verdicts::default();
        let forged = SignedOperation { signature: transfer(2, 1, 0).signature, ..transfer(1, 2, 0) };
        for _ in 0..200 {
            verdicts.send(&sender, Gossip::Operations(vec![forged; 32]));
        }
        verdicts.send(&sender, Gossip::Operations(vec![transfer(3, 1, 0), transfer(2, 1, 0)]));
        inbox.receive(update(3), &journal).await.unwrap();
        let judged: usize = verdicts.get().iter().sum();
        let most = (STEP_OPERATIONS + BATCH_OPERATIONS) / 32;
        assert!(judged <= most, "a step waited for {judged} messages of 32 operations, more than {most}");
        // The rest is judged in the background, and the honest message is accepted.
        verdicts.until([1, 0, 200]).await;
        assert_eq!(inbox.len(), 2);
        inbox.receive(update(3), &journal).await.unwrap();
        assert_eq!(journal.operations().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn messages_are_judged_between_two_steps() {
        let (sender, mut inbox, journal) = reading(Vec::new());
        inbox.receive(update(2), &journal).await.unwrap();
        let verdicts = Verdicts::default();
        verdicts.send(&sender, Gossip::Operations(vec![transfer(1, 2, 0)]));
        verdicts.until([1, 0, 0]).await;
        // What is known already isn't passed on again.
        verdicts.send(&sender, Gossip::Operations(vec![transfer(1, 2, 0)]));
        verdicts.until([1, 1, 0]).await;
        for candidate in [1, 2] {
            let header_hash = B256::repeat_byte(candidate);
            verdicts.send(&sender, Gossip::Body(BodyAnnouncement { header_hash, size: 1_000 }));
        }
        verdicts.until([2, 2, 0]).await;
    }

    #[tokio::test]
    async fn an_operation_that_is_a_block_ahead_costs_nothing_and_enters_with_the_block() {
        let (sender, mut inbox, journal) = reading(Vec::new());
        inbox.receive(update(2), &journal).await.unwrap();
        let verdicts = Verdicts::default();
        // Account 3 gets its first deposit with the next L1 block.
        verdicts.send(&sender, Gossip::Operations(vec![transfer(3, 1, 0), transfer(3, 1, 1)]));
        verdicts.until([0, 1, 0]).await;
        assert!(inbox.is_empty());
        inbox.receive(update(3), &journal).await.unwrap();
        let candidates = inbox.candidates(&update(3).state.unwrap(), 9);
        assert_eq!(candidates, [transfer(3, 1, 0), transfer(3, 1, 1)]);
    }

    #[tokio::test]
    async fn operations_of_before_a_restart_wait_for_the_state_and_leave_the_journal_if_refused() {
        let journal = Journal::in_memory().unwrap();
        let forged = SignedOperation { signature: transfer(2, 1, 0).signature, ..transfer(1, 2, 0) };
        let restored = vec![forged, transfer(2, 1, 0)];
        let change =
            |signed: &SignedOperation| ((signed.operation.sender(), signed.operation.nonce()), Some(*signed));
        journal.change_operations(&restored.iter().map(change).collect::<Vec<_>>()).unwrap();
        let (_sender, mut inbox, _) = reading(journal.operations().unwrap());
        let (candidates, provers) = (Vec::new(), BTreeMap::new());
        let unknown = InboxUpdate { state: None, now: 0, candidates, provers };
        inbox.receive(unknown, &journal).await.unwrap();
        assert_eq!(journal.operations().unwrap().len(), 2);
        inbox.receive(update(2), &journal).await.unwrap();
        assert_eq!(inbox.len(), 1);
        assert_eq!(journal.operations().unwrap(), [transfer(2, 1, 0)]);
    }
}
