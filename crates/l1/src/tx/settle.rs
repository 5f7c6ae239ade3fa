//! Checks sent transactions against the chain: mined, replaced, or removed by a reorg.

use super::{
    intent::{FailureReason, IntentKey, TxOutcome, WaitReason},
    manager::{Head, TxError, TxManager, is_retired},
    record::{AttemptKind, Sent, Settled, State},
};
use crate::provider::RpcFailure;

impl TxManager {
    /// Looks for an intent's transactions on chain. If none is mined, bumps or cancels the newest one.
    pub(super) async fn push(&mut self, key: &IntentKey, head: Head) -> Result<(), TxError> {
        let Some(State::Sent(mut sent)) = self.records.get(key).map(|record| record.state.clone()) else {
            return Ok(());
        };
        let chain_nonce = self.nonces.get(&sent.account).copied().unwrap_or_default();
        if sent.nonce >= chain_nonce {
            sent.missing = 0;
            return self.bump_or_cancel(key, sent, head).await;
        }
        if let Some((kind, outcome)) = self.find_outcome(&sent, head).await? {
            let result = self.judge_outcome(key, &sent, kind, outcome).await;
            return self.settle(key, Some(sent), result);
        }
        // The nonce is used, but the node knows no transaction of this intent in a block. The node may lag
        // behind.
        sent.missing = sent.missing.saturating_add(1);
        if sent.missing < self.config.foreign_after {
            return self.set(key, State::Sent(sent));
        }
        tracing::warn!(%key, nonce = sent.nonce, "nonce was used by a transaction that isn't this manager's");
        if sent.cancelling {
            return self.settle(key, None, Settled::Expired { cancelled_by: None });
        }
        self.set(key, State::Waiting(WaitReason::Undone))
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
            let is_here = outcome.block_number < head.number
                || (outcome.block_number == head.number && outcome.block_hash == head.hash);
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

    /// After a reorg or a restart: checks again every settled intent that isn't final.
    pub(super) async fn recheck(&mut self, head: Head) -> Result<(), TxError> {
        for key in self.active_keys(|state| matches!(state, State::Settled { sent: Some(_), .. })) {
            let Some(State::Settled { sent: Some(sent), result }) =
                self.records.get(&key).map(|record| record.state.clone())
            else {
                continue;
            };
            let Some(before) = result.outcome().cloned() else { continue };
            match self.find_outcome(&sent, head).await? {
                Some((_, now)) if now == before => {}
                Some((kind, now)) => {
                    let (block, before) = (now.block_number, before.block_number);
                    tracing::warn!(%key, before, block, "mined in another block after a reorg");
                    let result = self.judge_outcome(&key, &sent, kind, now).await;
                    self.set(&key, State::Settled { sent: Some(sent), result })?;
                }
                None => {
                    tracing::warn!(%key, block = before.block_number, "undone by a reorg");
                    let mut sent = Sent { missing: 0, ..sent };
                    if let Some(newest) = sent.attempts.last_mut() {
                        // The same transaction is broadcast again before it is replaced.
                        newest.at = head.number;
                    }
                    self.set(&key, State::Sent(sent))?;
                    self.report.undone.push(key);
                }
            }
        }
        Ok(())
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
