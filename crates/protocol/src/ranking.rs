//! Scores, the ranking of all sequencers, and a slot's list of proposals.

use crate::{RollupId, Score, SequencerId, Slot, encoding::Words};
use alloy_primitives::{Address, B256, Keccak256, U256, aliases::U192, b256};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Domain of scores: `keccak256("fernet.score.v1")`.
const SCORE_DOMAIN: B256 = b256!("0x80096e5fde2bf5c3ffd981f4f4c3ed1a337d174bd6ab7e9527ce15c2ec3dc96b");

/// A sequencer that may propose in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// the registration
    pub sequencer: SequencerId,
    /// who sends its proposals
    pub attester: Address,
}

/// A sequencer with its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ranked {
    /// the registration and its attester
    pub ticket: Ticket,
    /// the highest ranks first
    pub score: Score,
}

/// Scores of one slot.
///
/// A score is the upper 192 bits of `keccak256(abi.encode(keccak256("fernet.score.v1"), chainId, rollup, slot, seed,
/// sequencer, attester))`. What is the same for all sequencers is absorbed once.
#[derive(Debug, Clone)]
pub struct Scorer(Keccak256);

impl Scorer {
    /// Prepares the scores of `slot` under `seed`.
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
    pub fn score(&self, ticket: &Ticket) -> Score {
        let mut words = [0_u8; 64];
        let (sequencer, attester) = words.split_at_mut(32);
        fill_end(sequencer, &ticket.sequencer.get().to_be_bytes());
        fill_end(attester, ticket.attester.as_slice());
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

/// Everyone's place in a slot, best first. Equal scores, which don't occur in practice, are ordered by id.
///
/// One permutation of Keccak a sequencer is nearly all of the work, and it is spread over the machine's cores.
#[must_use]
pub fn rank(scorer: &Scorer, tickets: &[Ticket]) -> Vec<Ranked> {
    let mut ranked: Vec<_> =
        tickets.par_iter().map(|ticket| Ranked { ticket: *ticket, score: scorer.score(ticket) }).collect();
    ranked.par_sort_unstable_by_key(|r| (Reverse(r.score), r.ticket.sequencer));
    ranked
}

/// A proposal on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposed {
    /// who proposed
    pub sequencer: SequencerId,
    /// its score in the slot
    pub score: Score,
    /// hash of the proposed header
    pub header_hash: B256,
}

/// What a proposal changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// place of the new proposal, 0 is the best
    pub rank: crate::Rank,
    /// the proposal that fell off the list
    pub displaced: Option<Proposed>,
}

/// Why L1 refuses a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRefused {
    /// One proposal a sequencer.
    #[error("sequencer {sequencer} is on the list already")]
    AlreadyProposed {
        /// who
        sequencer: SequencerId,
    },
    /// The list is full of better ones.
    #[error("score {score} doesn't beat {to_beat}, the lowest on a full list")]
    ScoreTooLow {
        /// score of the proposal
        score: Score,
        /// lowest score on the list
        to_beat: Score,
    },
}

/// The ranked proposals of a slot, as L1 keeps them: best first; of equal scores, the earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CandidateList {
    capacity: usize,
    entries: Vec<Proposed>,
}

impl CandidateList {
    /// An empty list of at most `max_candidates` (1 to 4) proposals.
    #[must_use]
    pub fn new(max_candidates: u8) -> Self {
        Self { capacity: usize::from(max_candidates).clamp(1, crate::MAX_CANDIDATES), entries: Vec::new() }
    }

    /// The proposals, best first.
    #[must_use]
    pub fn entries(&self) -> &[Proposed] {
        &self.entries
    }

    /// Where a proposal of that sequencer and score would rank.
    ///
    /// # Errors
    /// As the Rollup would revert.
    pub fn rank_of(&self, sequencer: SequencerId, score: Score) -> Result<crate::Rank, ProposalRefused> {
        if self.entries.iter().any(|other| other.sequencer == sequencer) {
            return Err(ProposalRefused::AlreadyProposed { sequencer });
        }
        let rank = self.entries.iter().take_while(|other| other.score >= score).count();
        match self.entries.last() {
            Some(last) if rank >= self.capacity => {
                Err(ProposalRefused::ScoreTooLow { score, to_beat: last.score })
            }
            _ => Ok(crate::Rank::from_index(rank)),
        }
    }

    /// Puts a proposal on the list.
    ///
    /// # Errors
    /// As the Rollup would revert; the list is then as before.
    pub fn insert(&mut self, proposed: Proposed) -> Result<Inserted, ProposalRefused> {
        let rank = self.rank_of(proposed.sequencer, proposed.score)?;
        let displaced = if self.entries.len() >= self.capacity { self.entries.pop() } else { None };
        self.entries.insert(rank.index().min(self.entries.len()), proposed);
        Ok(Inserted { rank, displaced })
    }
}
