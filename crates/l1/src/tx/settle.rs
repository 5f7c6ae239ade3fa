//! Checks sent transactions against the chain: mined, replaced, or removed by a reorg.

use super::{
    intent::{FailureReason, IntentKey, TxOutcome, WaitReason},
    manager::{Head, TxError, TxManager, is_retired},
    record::{AttemptKind, Sent, Settled, State},
};
use crate::endpoint::RpcFailure;

impl TxManager {
    /// Looks for an intent's transactions on chain. If none is mined, bumps or cancels the newest one.
    pub(super) async fn push(&mut self, key: &IntentKey, head: Head) -> Result<(), TxError> {
        let Some(State::Sent(sent)) = self.records.get(key).map(|record| record.state.clone()) else {
            return Ok(());
        };
        let chain_nonce = self.nonces.get(&sent.account).copied().unwrap_or_default();
        if sent.nonce >= chain_nonce {
            return self.bump_or_cancel(key, sent, head).await;
        }
        if let Some((kind, outcome)) = self.find_outcome(&sent, head).await? {
            let result = self.judge_outcome(key, &sent, kind, outcome).await;
            return self.settle(key, Some(sent), result);
        }
        // Receipts may come late, so only the transaction that used the nonce shows that it is a foreign one.
        let unused = sent.attempts.first().map_or(0, |first| first.at.saturating_sub(1));
        let user = self.chain.user_of(sent.account, sent.nonce, unused, head.number).await?;
        match user {
            Some(hash) if sent.attempts.iter().all(|attempt| attempt.hash != hash) => {
                tracing::warn!(
                    code = "L1-016", %key, nonce = sent.nonce, %hash,
                    "a foreign transaction used the nonce"
                );
                if sent.cancelling {
                    return self.settle(key, None, Settled::Expired { cancelled_by: None });
                }
                self.set(key, State::Waiting(WaitReason::Undone))
            }
            _ => Ok(()),
        }
    }

    /// The mined transaction of an intent, if the head's chain contains one.
    async fn find_outcome(
        &self,
        sent: &Sent,
        head: Head,
    ) -> Result<Option<(AttemptKind, TxOutcome)>, RpcFailure> {
        for attempt in sent.attempts.iter().rev() {
            let Some(outcome) = self.chain.outcome(attempt.hash).await? else { continue };
            // The node may be ahead of this head, or on another branch.
            let hash = self.recent.get(&outcome.block_number);
            let is_here =
                outcome.block_number <= head.number && hash.is_none_or(|hash| *hash == outcome.block_hash);
            if is_here {
                return Ok(Some((attempt.kind, outcome)));
            }
        }
        Ok(None)
    }

    async fn judge_outcome(
        &self,
        key: &IntentKey,
        sent: &Sent,
        kind: AttemptKind,
        outcome: TxOutcome,
    ) -> Settled {
        match kind {
            AttemptKind::Cancellation => Settled::Expired { cancelled_by: Some(outcome) },
            AttemptKind::Intended if outcome.success => Settled::Mined(outcome),
            AttemptKind::Intended => {
                let reason = match self.records.get(key) {
                    Some(record) => {
                        self.chain.revert_reason(record, sent.account, outcome.block_number).await
                    }
                    None => "not known".to_owned(),
                };
                Settled::Failed { reason: FailureReason::Reverted { reason }, outcome: Some(outcome) }
            }
        }
    }

    /// After a reorg or a restart: checks again every settled intent that isn't final. Returns whether all
    /// could be checked.
    pub(super) async fn recheck(&mut self, head: Head) -> Result<bool, TxError> {
        let mut is_complete = true;
        for key in self.active_keys(|state| matches!(state, State::Settled { sent: Some(_), .. })) {
            let Some(State::Settled { sent: Some(sent), result }) =
                self.records.get(&key).map(|record| record.state.clone())
            else {
                continue;
            };
            let Some(before) = result.outcome().cloned() else { continue };
            let found = match self.find_outcome(&sent, head).await {
                Ok(found) => found,
                Err(error) => {
                    is_complete = false;
                    self.unless_rpc(&key, Err(error.into()))?;
                    continue;
                }
            };
            match found {
                Some((_, now)) if now == before => {}
                Some((kind, now)) => {
                    let (block, before) = (now.block_number, before.block_number);
                    tracing::warn!(
                        code = "L1-017", %key, before, block,
                        "mined in another block after a reorg"
                    );
                    let result = self.judge_outcome(&key, &sent, kind, now).await;
                    self.set(&key, State::Settled { sent: Some(sent), result })?;
                }
                None => {
                    tracing::warn!(code = "L1-018", %key, block = before.block_number, "undone by a reorg");
                    let mut sent = sent;
                    if let Some(newest) = sent.attempts.last_mut() {
                        // The same transaction is broadcast again before it is replaced.
                        newest.at = head.number;
                    }
                    self.set(&key, State::Sent(sent))?;
                    self.report.undone.push(key);
                }
            }
        }
        Ok(is_complete)
    }

    /// Retires intents that are final on L1.
    pub(super) fn retire(&mut self, head: Head) -> Result<(), TxError> {
        let done = self.active_keys(|state| match state {
            State::Settled { result, .. } => result.outcome().is_none_or(|outcome| {
                outcome.block_number.saturating_add(self.config.final_after) <= head.number
            }),
            _ => false,
        });
        for key in done {
            let Some(record) = self.records.get_mut(&key) else { continue };
            self.store.retire(record)?;
            if let State::Settled { sent: Some(sent), .. } = &mut record.state {
                sent.attempts.iter_mut().for_each(|attempt| attempt.raw = Default::default());
            }
            debug_assert!(is_retired(record), "a retired record is recognised");
            self.active.remove(&record.sequence);
            self.bundles.remove(&key);
        }
        Ok(())
    }
}
