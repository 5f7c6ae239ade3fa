//! The feed of L1 blocks: headers checked against their hashes, the deployment's events in order, and reorgs
//! as rollbacks.

use std::{collections::VecDeque, sync::Arc};

use alloy::{
    consensus::Header,
    eips::BlockNumberOrTag,
    primitives::{Address, B256, BloomInput},
    providers::Provider,
    rpc::types::Filter,
};
use fernet_protocol::{ClockError, L1Clock, L1Slot};

use crate::{
    deployment::{Contracts, Deployment},
    events::{EventError, LoggedEvent, decode_event},
    header::{HeaderError, find_header},
    provider::{L1Provider, RpcFailure, answered},
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
    /// Whether polling again later may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc(error) => error.is_retryable(),
            Self::Header(error) => error.is_retryable(),
            // The node is switching between two branches.
            Self::LogOutOfPlace { .. } => true,
            Self::ReorgTooDeep { .. } | Self::Clock { .. } | Self::Event(_) => false,
        }
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
}

impl Feed {
    /// A feed that starts at the deployment's first block.
    pub fn new(provider: L1Provider, deployment: &Deployment) -> Self {
        Self::from_block(provider, deployment.clock(), deployment.contracts(), deployment.file().block)
    }

    /// A feed of the contracts' events from block `first` on.
    pub fn from_block(provider: L1Provider, clock: L1Clock, contracts: &Contracts, first: u64) -> Self {
        let addresses = contracts.with_events().to_vec();
        let (contracts, seen, pending) = (contracts.clone(), VecDeque::new(), VecDeque::new());
        Self { provider, clock, contracts, addresses, first, seen, pending }
    }

    /// Everything that is new, at most `limit` steps. Empty at the head. What was found before an error is
    /// given out; the error comes back with the next call, if it lasts. A poll that is dropped loses nothing.
    pub async fn poll(&mut self, limit: usize) -> Result<Vec<FeedUpdate>, FeedError> {
        while self.pending.len() < limit {
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

    async fn step(&mut self) -> Result<Option<FeedUpdate>, FeedError> {
        let last = self.seen.back().copied();
        let next = last.map_or(self.first, |(number, _)| number.saturating_add(1));
        let found = find_header(&self.provider, BlockNumberOrTag::Number(next)).await?;
        match (found, last) {
            (Some((header, hash)), Some((_, last_hash))) if header.parent_hash == last_hash => {
                self.extend(header, hash).await.map(Some)
            }
            (Some((header, hash)), None) => self.extend(header, hash).await.map(Some),
            (None, None) => Ok(None),
            // The feed is at the head, or its last block is no longer on the chain.
            (_, Some((number, last_hash))) => {
                let now = find_header(&self.provider, BlockNumberOrTag::Number(number)).await?;
                if now.is_some_and(|(_, hash)| hash == last_hash) {
                    return Ok(None);
                }
                self.roll_back().await.map(Some)
            }
        }
    }

    /// Forgets blocks until one is still on the chain.
    async fn roll_back(&mut self) -> Result<FeedUpdate, FeedError> {
        let oldest = self.seen.front().map_or(self.first, |(number, _)| *number);
        let mut kept = self.seen.len();
        while let Some((number, hash)) = kept.checked_sub(1).and_then(|last| self.seen.get(last)).copied() {
            let now = find_header(&self.provider, BlockNumberOrTag::Number(number)).await?;
            if now.is_some_and(|(_, now)| now == hash) {
                self.seen.truncate(kept);
                tracing::warn!(to = number, "l1 reorg");
                return Ok(FeedUpdate::Rollback { to: number });
            }
            kept -= 1;
        }
        if oldest == self.first {
            // No block that was returned is on the chain any more, not even the first one.
            self.seen.clear();
            return Ok(FeedUpdate::Rollback { to: self.first.saturating_sub(1) });
        }
        Err(FeedError::ReorgTooDeep { oldest })
    }

    async fn extend(&mut self, header: Header, hash: B256) -> Result<FeedUpdate, FeedError> {
        let number = header.number;
        let l1_slot =
            self.clock.slot_at(header.timestamp).map_err(|error| FeedError::Clock { number, error })?;
        let events = self.events(&header, hash).await?;
        self.seen.push_back((number, hash));
        if self.seen.len() > REORG_LIMIT {
            self.seen.pop_front();
        }
        Ok(FeedUpdate::Block(Arc::new(L1Block { number, hash, l1_slot, header, events })))
    }

    async fn events(&self, header: &Header, hash: B256) -> Result<Vec<LoggedEvent>, FeedError> {
        let number = header.number;
        // The bloom belongs to the checked header, so it has no false negatives.
        let may_have =
            |address: &Address| header.logs_bloom.contains_input(BloomInput::Raw(address.as_slice()));
        if !self.addresses.iter().any(may_have) {
            return Ok(Vec::new());
        }
        let filter = Filter::new().at_block_hash(hash).address(self.addresses.clone());
        let logs = answered(self.provider.get_logs(&filter).await)?;
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
}
