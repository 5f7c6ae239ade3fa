//! The feed of L1 blocks: headers checked against their hashes, the deployment's events in order, and reorgs
//! as rollbacks.

use std::{collections::VecDeque, sync::Arc};

use alloy::{
    consensus::{Header, proofs::calculate_receipt_root},
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, BloomInput},
    providers::Provider,
    rpc::types::{Filter, Log, TransactionReceipt},
};
use fernet_protocol::{ClockError, L1Clock, L1Slot};

mod ranges;

use crate::{
    deployment::{Contracts, Deployment},
    endpoint::{FailureClass, RpcFailure, class::answered},
    events::{EVENT_TOPICS, EventError, LoggedEvent, decode_event},
    header::{HeaderError, L1Header, find_header},
    provider::L1Provider,
};

/// Number of blocks whose hashes are remembered. A deeper reorg is an error. Mainnet finalizes after 64
/// blocks; the limit covers half a day, for chains that stop finalizing.
pub const REORG_LIMIT: usize = 4096;

/// An L1 block with its events about the rollup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Block {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// L1 slot of its timestamp.
    pub l1_slot: L1Slot,
    /// Header, which hashes to `hash`. Its `mix_hash` is the RANDAO mix.
    pub header: Header,
    /// Events of the deployment's contracts, in order.
    pub events: Vec<LoggedEvent>,
}

/// A change of the L1 chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedUpdate {
    /// The next block.
    Block(Arc<L1Block>),
    /// A finalized block, which no reorg undoes. Those between it and the one before have no events.
    Settled(Arc<L1Block>),
    /// Every block above `to` is undone. Blocks of the new branch follow.
    Rollback {
        /// Number of the newest block that both branches share.
        to: u64,
    },
}

/// Why the L1 chain can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The reorg is deeper than the remembered blocks.
    #[error(
        "l1 reorg goes below block {oldest}: the last {REORG_LIMIT} blocks since the deployment \
         are remembered"
    )]
    ReorgTooDeep { oldest: u64 },
    /// The block's timestamp has no L1 slot.
    #[error("l1 block {number}: {error}")]
    Clock { number: u64, error: ClockError },
    /// A log belongs to another block than the requested one, or the logs are out of order.
    #[error("log {log_index} of L1 block {number} is out of place")]
    LogOutOfPlace { number: u64, log_index: u64 },
    /// The receipts of a block don't have the root that its header names.
    #[error("the receipts of L1 block {number} have root {actual}, expected {expected}")]
    WrongReceipts { number: u64, expected: B256, actual: B256 },
    /// The node's answer for several blocks lacks logs that it has for one of them.
    #[error("the L1 node's logs of several blocks lack those of block {number}")]
    Incomplete { number: u64 },
    /// The node doesn't have a block that it or another one gave out.
    #[error("the L1 node doesn't have block {number}, which was given out before")]
    Behind { number: u64 },
    /// An event can't be read.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A header can't be fetched or used.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl FeedError {
    /// What to do about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Rpc(error) => error.class(),
            Self::Header(error) => error.class(),
            // The node is switching between two branches.
            Self::LogOutOfPlace { .. } | Self::Behind { .. } => FailureClass::TryAgain,
            Self::WrongReceipts { .. } | Self::Incomplete { .. } => FailureClass::TryAnother,
            // A chain that is this one doesn't do that. If the node follows another one, that may change.
            Self::ReorgTooDeep { .. } | Self::Clock { .. } => FailureClass::Operator,
            // The contracts' code was compared with this client's.
            Self::Event(_) => FailureClass::Fatal,
        }
    }

    /// Whether polling again later may help.
    pub fn is_retryable(&self) -> bool {
        self.class().is_retryable()
    }
}

/// Which blocks are taken by ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranges {
    /// Not known yet.
    Unknown {
        /// Failed requests for the finalized block.
        failures: u32,
    },
    /// Those up to a finalized block.
    Until {
        /// Its number.
        finalized: u64,
        /// Blocks of the next range.
        span: u64,
    },
    /// None any more.
    Over,
}

impl Default for Ranges {
    fn default() -> Self {
        Self::Unknown { failures: 0 }
    }
}

/// Follows the chain from the deployment's first block on.
#[derive(Debug)]
pub struct Feed {
    provider: L1Provider,
    clock: L1Clock,
    contracts: Contracts,
    addresses: Vec<Address>,
    first: u64,
    /// Number and hash of the blocks given out, oldest first.
    seen: VecDeque<(u64, B256)>,
    /// Updates that are found and not given out yet: a poll was dropped while it waited for more.
    pending: VecDeque<FeedUpdate>,
    /// Block whose logs were doubted: they are taken from its receipts, whose root the header has.
    doubted: Option<u64>,
    /// The node has no request for the receipts of a block.
    without_receipts: bool,
    /// How blocks that are finalized already are taken.
    ranges: Ranges,
    /// The head that was asked for last, until the feed is there.
    head: Option<L1Header>,
}

impl Feed {
    /// A feed that starts at the deployment's first block.
    pub fn new(provider: L1Provider, deployment: &Deployment) -> Self {
        Self::from_block(provider, deployment.clock(), deployment.contracts(), deployment.file().block)
    }

    /// A feed of the contracts' events from block `first` on.
    pub fn from_block(provider: L1Provider, clock: L1Clock, contracts: &Contracts, first: u64) -> Self {
        let addresses = contracts.with_events().to_vec();
        Self {
            provider,
            clock,
            contracts: contracts.clone(),
            addresses,
            first,
            seen: VecDeque::new(),
            pending: VecDeque::new(),
            doubted: None,
            without_receipts: false,
            ranges: Ranges::default(),
            head: None,
        }
    }

    /// Goes on after the last of `seen`: number and hash of blocks in a row that were given out before,
    /// oldest first. The oldest one counts as final.
    #[must_use]
    pub fn resumed_after(mut self, seen: impl IntoIterator<Item = (u64, B256)>) -> Self {
        self.seen = seen.into_iter().collect();
        self
    }

    /// Takes back a block whose events can't be right, and all that followed it: they are given out again,
    /// and the events of this block are then compared with its header's receipts root. Returns whether that
    /// makes a difference: not if they were compared already.
    pub fn doubt(&mut self, number: u64) -> bool {
        if self.doubted == Some(number) {
            return false;
        }
        self.doubted = Some(number);
        // What was found and not given out may begin further back.
        let rollbacks = self.pending.iter().filter_map(|update| match update {
            FeedUpdate::Rollback { to } => Some(*to),
            FeedUpdate::Block(_) | FeedUpdate::Settled(_) => None,
        });
        let to = rollbacks.fold(number.saturating_sub(1), u64::min);
        self.seen.retain(|(seen, _)| *seen <= to);
        self.pending = VecDeque::from([FeedUpdate::Rollback { to }]);
        self.head = None;
        true
    }

    /// Takes back everything after the blocks in `seen`, because what came in ranges contradicts itself. From
    /// there on blocks are taken one by one, which shows events that a range left out.
    pub fn doubt_ranges(&mut self, seen: impl IntoIterator<Item = (u64, B256)>) {
        self.seen = seen.into_iter().collect();
        self.pending.clear();
        self.head = None;
        self.ranges = Ranges::Over;
    }

    /// Everything that is new, at most `limit` steps. Empty at the head. What was found before an error is
    /// given out; the error comes back with the next call, if it lasts. A poll that is dropped loses nothing.
    ///
    /// Blocks that are finalized already come by ranges, if they are many.
    pub async fn poll(&mut self, limit: usize) -> Result<Vec<FeedUpdate>, FeedError> {
        while self.pending.len() < limit {
            match self.take_range().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(_) if !self.pending.is_empty() => break,
                Err(error) => return Err(error),
            }
            match self.step().await {
                Ok(Some(update)) => self.pending.push_back(update),
                Ok(None) => break,
                Err(_) if !self.pending.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        let count = self.pending.len().min(limit);
        Ok(self.pending.drain(..count).collect())
    }

    /// The next update. At the head, one request finds out that there is none, and one that there is a next
    /// block.
    async fn step(&mut self) -> Result<Option<FeedUpdate>, FeedError> {
        let Some((number, hash)) = self.seen.back().copied() else {
            return match self.find(self.next()).await? {
                Some(found) => self.extend(found).await.map(Some),
                None => Ok(None),
            };
        };
        let head = match self.head.take().filter(|head| head.header.number > number) {
            Some(head) => head,
            None => match find_header(&self.provider, BlockNumberOrTag::Latest).await? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        if head.hash == hash {
            return Ok(None);
        }
        if head.header.number <= number {
            return self.compare(&head).await;
        }
        let found = if head.header.number == self.next() {
            Some(head)
        } else {
            let found = self.find(self.next()).await?;
            self.head = Some(head);
            found
        };
        if let Some(found) = found
            && found.header.parent_hash == hash
        {
            return self.extend(found).await.map(Some);
        }
        self.head = None;
        // The feed's last block is no longer on the chain, or the node is behind. Only a different block with
        // a known number shows a reorg.
        match self.find(number).await? {
            Some(now) if now.hash == hash => Ok(None),
            Some(_) => self.roll_back(number).await.map(Some),
            None => match find_header(&self.provider, BlockNumberOrTag::Latest).await? {
                Some(head) => self.compare(&head).await,
                None => Ok(None),
            },
        }
    }

    async fn find(&self, number: u64) -> Result<Option<L1Header>, FeedError> {
        Ok(find_header(&self.provider, BlockNumberOrTag::Number(number)).await?)
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        let (oldest, _) = self.seen.front()?;
        let index = usize::try_from(number.checked_sub(*oldest)?).ok()?;
        self.seen.get(index).map(|(_, hash)| *hash)
    }

    /// The node's head isn't after the last block: either it is behind, or there was a reorg.
    async fn compare(&mut self, head: &L1Header) -> Result<Option<FeedUpdate>, FeedError> {
        match self.hash_of(head.header.number) {
            Some(hash) if hash != head.hash => self.roll_back(head.header.number).await.map(Some),
            _ => {
                tracing::debug!(head = head.header.number, "the L1 node is behind");
                Ok(None)
            }
        }
    }

    /// Forgets the blocks that aren't on the chain any more; that with number `undone` is one of them.
    async fn roll_back(&mut self, undone: u64) -> Result<FeedUpdate, FeedError> {
        let oldest = self.seen.front().map_or(self.first, |(number, _)| *number);
        // Blocks below `low` stand, and those from `high` on don't.
        let (mut low, mut high) = (oldest, undone);
        while low < high {
            let middle = low + (high - low) / 2;
            let now = self.find(middle).await?.ok_or(FeedError::Behind { number: middle })?;
            if Some(now.hash) == self.hash_of(middle) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        // No block that is remembered is on the chain any more, not even the first one.
        if low == oldest && oldest != self.first {
            return Err(FeedError::ReorgTooDeep { oldest });
        }
        let to = low.saturating_sub(1);
        self.seen.retain(|(number, _)| *number < low);
        tracing::warn!(code = "L1-003", to, "l1 reorg");
        Ok(FeedUpdate::Rollback { to })
    }

    async fn extend(&mut self, found: L1Header) -> Result<FeedUpdate, FeedError> {
        let block = self.block(found).await?;
        self.seen.push_back((block.number, block.hash));
        if self.seen.len() > REORG_LIMIT {
            self.seen.pop_front();
        }
        Ok(FeedUpdate::Block(Arc::new(block)))
    }

    async fn block(&mut self, found: L1Header) -> Result<L1Block, FeedError> {
        let L1Header { header, hash, .. } = found;
        let number = header.number;
        let l1_slot =
            self.clock.slot_at(header.timestamp).map_err(|error| FeedError::Clock { number, error })?;
        let events = self.events(&header, hash).await?;
        Ok(L1Block { number, hash, l1_slot, header, events })
    }

    /// The newest block that was given out, once more; `None` if there is none, or it isn't on the chain any
    /// more, as the next poll will tell.
    pub async fn newest(&mut self) -> Result<Option<L1Block>, FeedError> {
        let Some((number, hash)) = self.seen.back().copied() else { return Ok(None) };
        match self.find(number).await?.filter(|found| found.hash == hash) {
            Some(found) => self.block(found).await.map(Some),
            None => Ok(None),
        }
    }

    async fn events(&mut self, header: &Header, hash: B256) -> Result<Vec<LoggedEvent>, FeedError> {
        let number = header.number;
        if !self.may_have_logs(header) {
            return Ok(Vec::new());
        }
        let is_doubted = self.doubted == Some(number);
        let filter = Filter::new().at_block_hash(hash).address(self.addresses.clone());
        let mut logs = answered(self.provider.get_logs(&filter).await)?;
        if (is_doubted || (logs.is_empty() && has_event(header))) && !self.without_receipts {
            match self.proven_logs(header, hash).await {
                Ok(proven) => logs = proven,
                Err(FeedError::Rpc(error)) if error.is_unknown_method() => {
                    tracing::warn!(
                        code = "L1-004", %error,
                        "the L1 node gives no receipts: its events are not checked"
                    );
                    self.without_receipts = true;
                }
                Err(error) => return Err(error),
            }
        }
        match self.decode(logs, number, hash) {
            // A node that garbles a log isn't believed before the receipts say the same.
            Err(FeedError::Event(_)) if !is_doubted && !self.without_receipts => {
                self.doubted = Some(number);
                Box::pin(self.events(header, hash)).await
            }
            decoded => decoded,
        }
    }

    /// Whether a block's bloom has one of the contracts. It belongs to the checked header, so it has no false
    /// negatives.
    fn may_have_logs(&self, header: &Header) -> bool {
        let has = |address: &Address| header.logs_bloom.contains_input(BloomInput::Raw(address.as_slice()));
        self.addresses.iter().any(has)
    }

    /// Whether it has the topic of one of their events as well.
    fn may_have_events(&self, header: &Header) -> bool {
        self.may_have_logs(header) && has_event(header)
    }

    /// The events of a block's logs, which must be in order.
    fn decode(&self, logs: Vec<Log>, number: u64, hash: B256) -> Result<Vec<LoggedEvent>, FeedError> {
        let mut events: Vec<LoggedEvent> = Vec::with_capacity(logs.len());
        for log in logs {
            let log_index = log.log_index.unwrap_or_default();
            let is_later = events.last().is_none_or(|last| last.log_index < log_index);
            if log.block_hash != Some(hash) || log.log_index.is_none() || log.removed || !is_later {
                return Err(FeedError::LogOutOfPlace { number, log_index });
            }
            let event = decode_event(&log, &self.contracts, number, log_index)?;
            events.push(LoggedEvent { event, tx: log.transaction_hash.unwrap_or_default(), log_index });
        }
        Ok(events)
    }

    /// The contracts' logs from the block's receipts, which have the root that the header names.
    async fn proven_logs(&self, header: &Header, hash: B256) -> Result<Vec<Log>, FeedError> {
        let number = header.number;
        let answer = self.provider.get_block_receipts(BlockId::hash(hash)).await;
        let receipts = answered(answer)?.ok_or(FeedError::Behind { number })?;
        let consensus: Vec<_> = receipts
            .iter()
            .map(|receipt| TransactionReceipt::into_primitives_receipt(receipt.clone()).into_inner())
            .collect();
        let actual = calculate_receipt_root(&consensus);
        if actual != header.receipts_root {
            return Err(FeedError::WrongReceipts { number, expected: header.receipts_root, actual });
        }
        let logs = receipts.iter().flat_map(|receipt| receipt.logs());
        let ours = logs.enumerate().filter(|(_, log)| self.addresses.contains(&log.address()));
        // The root says nothing about positions.
        Ok(ours
            .map(|(index, log)| Log { log_index: Some(index as u64), block_hash: Some(hash), ..log.clone() })
            .collect())
    }
}

/// Whether a block's bloom has the topic of one of the contracts' events.
fn has_event(header: &Header) -> bool {
    let has = |topic: &[u8; 32]| header.logs_bloom.contains_input(BloomInput::Raw(topic));
    EVENT_TOPICS.iter().any(|topics| topics.iter().any(has))
}
