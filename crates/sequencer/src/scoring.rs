//! A sequencer's own score: its rank, and the score's proof for L1.

use alloy::primitives::{B256, Bytes};
use fernet_follower::RollupView;
use fernet_l1::Scoring;
use fernet_protocol::{
    BlsSecretKey, L1Slot, RollupId, SequencerId, Slot, VrfInput, expected_rank, score_proof,
};

use crate::error::SequencerError;
use crate::interface::OwnRank;

/// How this sequencer's scores are computed.
#[derive(Debug)]
pub(crate) enum Scores {
    /// All scores follow from public data.
    Public,
    /// The BLS key of each sequencer gives its score, which is hidden until the sequencer proposes.
    Vrf(Box<BlsSecretKey>),
}

impl Scores {
    /// Scores of a deployment with `scoring`.
    ///
    /// # Errors
    /// When the deployment uses VRF scoring and there is no key.
    pub(crate) fn new(scoring: Scoring, key: Option<BlsSecretKey>) -> Result<Self, SequencerError> {
        match (scoring, key) {
            (Scoring::Public, _) => Ok(Self::Public),
            (Scoring::Vrf, Some(key)) => Ok(Self::Vrf(Box::new(key))),
            (Scoring::Vrf, None) => Err(SequencerError::Setting {
                setting: "the BLS key",
                expected: "the sequencer's key, as the deployment uses vrf scoring".to_owned(),
                actual: "none".to_owned(),
            }),
        }
    }

    /// The sequencer's rank among all eligible sequencers in a slot; `None` if it isn't eligible or the seed
    /// isn't known yet. Under VRF scoring other scores are hidden, so this is the expected rank.
    pub(crate) fn rank(
        &self,
        view: &RollupView,
        own: SequencerId,
        slot: Slot,
        previous_start: L1Slot,
    ) -> Option<OwnRank> {
        match self {
            Self::Public => {
                let ranking = view.ranking(slot, previous_start)?;
                let own_rank = ranking.iter().enumerate().find(|(_, ranked)| ranked.sequencer == own);
                own_rank.map(|(rank, ranked)| OwnRank { rank, score: ranked.score })
            }
            Self::Vrf(key) => {
                let seed = view.seed(slot, previous_start)?;
                let record = view.sequencer(own)?;
                if !view.is_eligible(own, previous_start)
                    || record.bls_key_hash.at(previous_start) != key.public_key().hash()
                {
                    return None;
                }
                let score =
                    key.prove_vrf(&VrfInput { rollup: view.rollup(), slot, seed, sequencer: own }).score();
                let others = view.eligible_sequencers(previous_start).len().saturating_sub(1);
                Some(OwnRank { rank: expected_rank(score, others), score })
            }
        }
    }

    /// The proof of the score for a proposal: empty under public scoring.
    pub(crate) fn proof(&self, rollup: RollupId, slot: Slot, seed: B256, sequencer: SequencerId) -> Bytes {
        match self {
            Self::Public => Bytes::new(),
            Self::Vrf(key) => {
                let signature = key.prove_vrf(&VrfInput { rollup, slot, seed, sequencer });
                score_proof(&key.public_key(), &signature).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_deployment_that_draws_needs_a_key() {
        let error = Scores::new(Scoring::Vrf, None).unwrap_err();
        assert!(error.to_string().contains("BLS key"), "{error}");
        assert!(!error.is_retryable());
        assert!(matches!(Scores::new(Scoring::Public, None), Ok(Scores::Public)));
    }
}
