//! Scores, the ranking of all sequencers, and the list of candidates of a slot.

use std::cmp::Reverse;

use alloy_primitives::{Address, B256, Keccak256, U256, aliases::U192, b256};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{MAX_CANDIDATES, Rank, RollupId, Score, SequencerId, Slot, encoding::Words};

/// Domain of scores: `keccak256("fernet.score.v1")`.
const SCORE_DOMAIN: B256 = b256!("0x80096e5fde2bf5c3ffd981f4f4c3ed1a337d174bd6ab7e9527ce15c2ec3dc96b");

/// A sequencer that may propose in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EligibleSequencer {
    /// Id of the sequencer.
    pub sequencer: SequencerId,
    /// Account that sends its proposals.
    pub attester: Address,
}

/// A sequencer with its score in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ranked {
    /// Id of the sequencer.
    pub sequencer: SequencerId,
    /// Account that sends its proposals.
    pub attester: Address,
    /// Score of the sequencer; the highest score has rank 0.
    pub score: Score,
}

/// Computes the scores of one slot.
///
/// A score is the upper 192 bits of `keccak256(abi.encode(keccak256("fernet.score.v1"), chainId, rollup,
/// slot, seed, sequencer, attester))`. The words that are the same for all sequencers are absorbed once.
#[derive(Debug, Clone)]
pub struct Scorer(Keccak256);

impl Scorer {
    /// A scorer for `slot` with the seed `seed`.
    #[must_use]
    pub fn new(rollup: RollupId, slot: Slot, seed: B256) -> Self {
        let prefix = Words::with_capacity(5)
            .word(SCORE_DOMAIN)
            .uint(rollup.chain_id.get())
            .address(rollup.address)
            .uint(slot.get())
            .word(seed)
            .bytes();
        let mut hasher = Keccak256::new();
        hasher.update(prefix);
        Self(hasher)
    }

    /// Score of one sequencer.
    #[must_use]
    pub fn score(&self, eligible: &EligibleSequencer) -> Score {
        let mut words = [0_u8; 64];
        let (sequencer, attester) = words.split_at_mut(32);
        fill_end(sequencer, &eligible.sequencer.get().to_be_bytes());
        fill_end(attester, eligible.attester.as_slice());
        let mut hasher = self.0.clone();
        hasher.update(words);
        let hash: U256 = hasher.finalize().into();
        Score::new(U192::wrapping_from(hash.wrapping_shr(64)))
    }
}

/// Writes `value` to the end of `word`, which is longer.
fn fill_end(word: &mut [u8], value: &[u8]) {
    for (to, from) in word.iter_mut().rev().zip(value.iter().rev()) {
        *to = *from;
    }
}

/// Ranks all sequencers of a slot, best first. Equal scores, which don't occur in practice, are ordered by
/// id.
///
/// One permutation of Keccak per sequencer is nearly all of the work. It is distributed over all cores.
#[must_use]
pub fn rank(scorer: &Scorer, eligible: &[EligibleSequencer]) -> Vec<Ranked> {
    let with_score = |eligible: &EligibleSequencer| Ranked {
        sequencer: eligible.sequencer,
        attester: eligible.attester,
        score: scorer.score(eligible),
    };
    let mut ranked: Vec<_> = eligible.par_iter().map(with_score).collect();
    ranked.par_sort_unstable_by_key(|ranked| (Reverse(ranked.score), ranked.sequencer));
    ranked
}

/// The expected number of scores above `score` among `others` uniform scores, rounded down: the rank of a
/// sequencer where the scores of others are hidden.
#[must_use]
pub fn expected_rank(score: Score, others: usize) -> usize {
    let [_, _, top] = *score.get().as_limbs();
    let above = u128::from(u64::MAX.saturating_sub(top));
    let rank = above.saturating_mul(others as u128) >> 64;
    usize::try_from(rank).unwrap_or(usize::MAX)
}

/// An entry of a [`CandidateList`].
pub trait Candidate {
    /// Sequencer that proposed.
    fn sequencer(&self) -> SequencerId;

    /// Score of the sequencer in the slot.
    fn score(&self) -> Score;
}

/// A proposal as L1 stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// Sequencer that proposed.
    pub sequencer: SequencerId,
    /// Score of the sequencer in the slot.
    pub score: Score,
    /// Hash of the proposed header.
    pub header_hash: B256,
}

impl Candidate for Proposal {
    fn sequencer(&self) -> SequencerId {
        self.sequencer
    }

    fn score(&self) -> Score {
        self.score
    }
}

/// Result of the insertion of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted<C> {
    /// Rank of the new candidate.
    pub rank: Rank,
    /// The candidate that was removed from the full list.
    pub displaced: Option<C>,
}

/// Why L1 refuses a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRefused {
    /// A sequencer may propose once per slot.
    #[error("sequencer {sequencer} is a candidate already")]
    AlreadyProposed { sequencer: SequencerId },
    /// The list is full, and its lowest score isn't below that of the proposal.
    #[error("score {score} isn't above {to_beat}, the lowest score of the full list")]
    ScoreTooLow { score: Score, to_beat: Score },
}

/// The rank that a proposal of this sequencer and score gets on a list of at most `max_candidates`
/// candidates, best first. Of equal scores, the earlier proposal ranks first.
///
/// # Errors
/// Fails where the Rollup contract reverts.
pub fn rank_among<C: Candidate>(
    candidates: &[C],
    max_candidates: u8,
    sequencer: SequencerId,
    score: Score,
) -> Result<Rank, ProposalRefused> {
    if candidates.iter().any(|other| other.sequencer() == sequencer) {
        return Err(ProposalRefused::AlreadyProposed { sequencer });
    }
    let rank = candidates.iter().take_while(|other| other.score() >= score).count();
    match candidates.last() {
        Some(last) if rank >= usize::from(max_candidates) => {
            Err(ProposalRefused::ScoreTooLow { score, to_beat: last.score() })
        }
        _ => Ok(Rank::from_index(rank)),
    }
}

/// The candidates of a slot, best first, as L1 ranks them. The client stores more about a candidate than a
/// [`Proposal`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CandidateList<C = Proposal> {
    max_candidates: u8,
    candidates: Vec<C>,
}

impl<C: Candidate> CandidateList<C> {
    /// An empty list of at most `max_candidates` candidates, 1 to [`MAX_CANDIDATES`].
    #[must_use]
    pub fn new(max_candidates: u8) -> Self {
        Self { max_candidates: max_candidates.clamp(1, MAX_CANDIDATES as u8), candidates: Vec::new() }
    }

    /// The candidates, best first.
    #[must_use]
    pub fn as_slice(&self) -> &[C] {
        &self.candidates
    }

    /// The candidates, best first. Their sequencers and scores must not be changed.
    pub fn as_mut_slice(&mut self) -> &mut [C] {
        &mut self.candidates
    }

    /// The rank that a proposal of this sequencer and score gets.
    ///
    /// # Errors
    /// Fails where the Rollup contract reverts.
    pub fn rank_of(&self, sequencer: SequencerId, score: Score) -> Result<Rank, ProposalRefused> {
        rank_among(&self.candidates, self.max_candidates, sequencer, score)
    }

    /// Inserts a candidate, and removes the last one of a full list.
    ///
    /// # Errors
    /// Fails where the Rollup contract reverts; the list is unchanged then.
    pub fn insert(&mut self, candidate: C) -> Result<Inserted<C>, ProposalRefused> {
        let rank = self.rank_of(candidate.sequencer(), candidate.score())?;
        let is_full = self.candidates.len() >= usize::from(self.max_candidates);
        let displaced = if is_full { self.candidates.pop() } else { None };
        self.candidates.insert(rank.index().min(self.candidates.len()), candidate);
        Ok(Inserted { rank, displaced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_rank_follows_from_the_score() {
        let score = |tenths: u64| Score::new(U192::from(u64::MAX / 10 * tenths) << 128);
        assert_eq!(expected_rank(score(10), 1_000), 0);
        assert_eq!(expected_rank(score(9), 1_000), 100);
        assert_eq!(expected_rank(score(5), 3), 1);
        assert_eq!(expected_rank(score(0), 3), 2);
        assert_eq!(expected_rank(score(0), 0), 0);
    }
}
