//! Catch-up by ranges: events of finalized blocks, some thousand blocks with one request.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{
    eips::BlockNumberOrTag,
    providers::Provider,
    rpc::types::{Filter, Log},
};
use futures_util::future::try_join_all;

use super::{Feed, FeedError, FeedUpdate, L1Block, Ranges};
use crate::{
    endpoint::{RpcFailure, class::answered},
    header::{L1Header, find_header},
};

/// Finalized blocks ahead from which on ranges are worth their requests.
const WORTHWHILE: u64 = 128;
/// Blocks of the first range. A range that a node refuses is halved; one that it answers is doubled.
const FIRST_SPAN: u64 = 1_024;
/// Most blocks of a range. Many nodes refuse more.
const LONGEST_SPAN: u64 = 10_000;
/// Finalized blocks, the newest ones, that are given out even if they have no events: their headers have the
/// RANDAO mixes of the slots in turn, which are younger than that on any network.
const RECENT: u64 = 512;
/// Headers or logs that are asked for at the same time.
const REQUESTS_AT_ONCE: usize = 32;
/// How often the request for the finalized block may fail. Not every node has the tag.
const ATTEMPTS: u32 = 3;

impl Feed {
    /// Takes the next range, if there is one. Returns whether it did.
    pub(super) async fn take_range(&mut self) -> Result<bool, FeedError> {
        let next = self.next();
        match self.ranges {
            Ranges::Over => Ok(false),
            Ranges::Unknown { failures } => {
                self.ranges = match find_header(&self.provider, BlockNumberOrTag::Finalized).await {
                    Ok(Some(found)) if found.header.number >= next.saturating_add(WORTHWHILE) => {
                        Ranges::Until { finalized: found.header.number, span: FIRST_SPAN }
                    }
                    Ok(_) => Ranges::Over,
                    Err(error) if error.is_retryable() && failures < ATTEMPTS => {
                        self.ranges = Ranges::Unknown { failures: failures.saturating_add(1) };
                        return Err(error.into());
                    }
                    Err(error) => {
                        tracing::warn!(
                            code = "L1-005", %error,
                            "the L1 node doesn't say what is finalized: block by block"
                        );
                        Ranges::Over
                    }
                };
                Box::pin(self.take_range()).await
            }
            Ranges::Until { finalized, .. } if next > finalized => {
                // It took a while: more may be finalized now.
                self.ranges = Ranges::default();
                Box::pin(self.take_range()).await
            }
            Ranges::Until { finalized, span } => {
                let last = next.saturating_add(span.saturating_sub(1)).min(finalized);
                match self.range(next, last, finalized.saturating_sub(RECENT)).await {
                    Ok(updates) => {
                        if let Some(FeedUpdate::Settled(block)) = updates.last() {
                            self.seen.clear();
                            self.seen.push_back((block.number, block.hash));
                        }
                        self.pending.extend(updates);
                        let span = span.saturating_mul(2).min(LONGEST_SPAN);
                        self.ranges = Ranges::Until { finalized, span };
                        Ok(true)
                    }
                    Err(error) => {
                        let half = (span / 2).max(1);
                        self.ranges = Ranges::Until { finalized, span: half };
                        // Nodes limit the blocks, the events, the bytes or the time of an answer, and each
                        // says so in its own words.
                        match &error {
                            FeedError::Rpc(_) if span > 1 => {
                                tracing::debug!(%error, span = half, "a shorter range is asked for");
                            }
                            FeedError::Rpc(RpcFailure::Refused { .. }) | FeedError::Incomplete { .. } => {
                                tracing::warn!(
                                    code = "L1-006", %error,
                                    "the L1 node has no use for ranges: block by block"
                                );
                                self.ranges = Ranges::Over;
                            }
                            _ => return Err(error),
                        }
                        Box::pin(self.take_range()).await
                    }
                }
            }
        }
    }

    /// Number of the next block.
    pub(super) fn next(&self) -> u64 {
        self.seen.back().map_or(self.first, |(number, _)| number.saturating_add(1))
    }

    /// The blocks with events from `first` to `last`, the last one in any case, and all from `recent` on.
    async fn range(&self, first: u64, last: u64, recent: u64) -> Result<Vec<FeedUpdate>, FeedError> {
        let filter = Filter::new().from_block(first).to_block(last).address(self.addresses.clone());
        let logs = answered(self.provider.get_logs(&filter).await)?;
        let mut blocks: BTreeMap<u64, Vec<Log>> =
            (recent.max(first)..=last).chain([last]).map(|number| (number, Vec::new())).collect();
        for log in logs {
            let log_index = log.log_index.unwrap_or_default();
            let number = log.block_number.unwrap_or_default();
            if number < first || number > last || log.removed {
                return Err(FeedError::LogOutOfPlace { number, log_index });
            }
            blocks.entry(number).or_default().push(log);
        }
        let mut headers = Vec::with_capacity(blocks.len());
        let numbers: Vec<u64> = blocks.keys().copied().collect();
        for some in numbers.chunks(REQUESTS_AT_ONCE) {
            headers.extend(try_join_all(some.iter().map(|number| self.known(*number))).await?);
        }
        self.spot_check(headers.iter().zip(blocks.values())).await?;
        let updates = headers.into_iter().zip(blocks.into_values());
        updates.map(|(found, logs)| Ok(FeedUpdate::Settled(Arc::new(self.settled(found, logs)?)))).collect()
    }

    /// Asks once more for the logs of blocks that seem to have some, by their bloom, and of which the range
    /// has none. Blooms of full blocks seem to have everything, so this is no proof.
    async fn spot_check(
        &self,
        blocks: impl Iterator<Item = (&L1Header, &Vec<Log>)>,
    ) -> Result<(), FeedError> {
        let suspects: Vec<&L1Header> = blocks
            .filter(|(found, logs)| logs.is_empty() && self.may_have_events(&found.header))
            .map(|(found, _)| found)
            .collect();
        for some in suspects.chunks(REQUESTS_AT_ONCE) {
            let logs = some.iter().map(|found| async {
                let filter = Filter::new().at_block_hash(found.hash).address(self.addresses.clone());
                answered(self.provider.get_logs(&filter).await)
            });
            for (found, logs) in some.iter().zip(try_join_all(logs).await?) {
                if !logs.is_empty() {
                    return Err(FeedError::Incomplete { number: found.header.number });
                }
            }
        }
        Ok(())
    }

    async fn known(&self, number: u64) -> Result<L1Header, FeedError> {
        self.find(number).await?.ok_or(FeedError::Behind { number })
    }

    fn settled(&self, found: L1Header, logs: Vec<Log>) -> Result<L1Block, FeedError> {
        let L1Header { header, hash, .. } = found;
        let number = header.number;
        let l1_slot =
            self.clock.slot_at(header.timestamp).map_err(|error| FeedError::Clock { number, error })?;
        let events = self.decode(logs, number, hash)?;
        Ok(L1Block { number, hash, l1_slot, header, events })
    }
}
