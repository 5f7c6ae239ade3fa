//! The rules of a deployment, and what the rollup's constructor refuses.

use crate::{Bps, MAX_BLOBS, MAX_CANDIDATES, TokenAmount};
use serde::{Deserialize, Serialize};

/// L1 slots that a seed's L1 slot stays provable for: blocks in EIP-2935's history contract.
pub const PROVABLE_L1_SLOTS: u64 = 8191;

/// Rules of a deployment, fixed in the rollup's constructor. Lengths in L1 slots, amounts in token units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameters {
    /// in which sequencers propose
    pub proposal_phase: u16,
    /// in which the candidate in turn needs a prover's commitment
    pub commitment_phase: u16,
    /// after the L1 slot of the commitment, in which the data must appear
    pub reveal_phase: u16,
    /// after the L1 slot of the completed reveal, in which a proof finalizes the block
    pub proving_phase: u16,
    /// part of `proving_phase` that belongs to the committed prover
    pub exclusive_proving: u16,
    /// before the backup phase, in which nobody can finalize
    pub halt_phase: u16,
    /// in which anyone may finalize a block of their own
    pub backup_phase: u16,
    /// from a slot's start to the L1 slot whose mix makes the next slot's seed
    pub seed_delay: u16,
    /// that L1 slot is rounded up to a multiple of it
    pub seed_grid: u16,
    /// of the guardian's pause
    pub pause_length: u16,
    /// ranked proposals kept, 1 to 4
    pub max_candidates: u8,
    /// blobs a block may have, 1 to 16
    pub max_blobs: u8,
    /// chunks a block may have
    pub max_chunks: u16,
    /// deposits a block must consume at most
    pub max_deposits: u16,
    /// of a slashed bond, what goes to whoever proved instead
    pub rescue_share: Bps,
    /// least bond of a quote
    pub min_bond: TokenAmount,
    /// paid by a sequencer whose turn passed without a commitment
    pub abandon_penalty: TokenAmount,
    /// paid by a sequencer whose data didn't appear after a commitment
    pub withhold_penalty: TokenAmount,
}

/// A parameter that the rollup's constructor refuses, under the name it reverts with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad parameter {name}: expected {expected}, got {actual}")]
pub struct BadParameter {
    /// name in Solidity's `BadParameter(string)`
    pub name: &'static str,
    /// what would be accepted
    pub expected: String,
    /// what was given
    pub actual: u128,
}

impl Parameters {
    /// Length of a slot in which nobody proposes, in L1 slots.
    #[must_use]
    pub fn idle(&self) -> u64 {
        sum([self.proposal_phase, self.halt_phase, self.backup_phase])
    }

    /// Length of the longest slot, in L1 slots: every candidate commits at the last moment, the last one reveals at
    /// the last moment, nobody proves.
    #[must_use]
    pub fn longest_slot(&self) -> u64 {
        let turn = sum([self.commitment_phase, self.reveal_phase]);
        self.idle()
            .saturating_add(u64::from(self.max_candidates).saturating_mul(turn))
            .saturating_add(u64::from(self.proving_phase))
    }

    /// Refuses what the rollup's constructor refuses, in its order and under its names.
    ///
    /// `stake` is the stake of a registration, `blobs_at_most` the blobs that a block of `max_chunks` chunks has.
    ///
    /// # Errors
    /// The first parameter that breaks one of the protocol's invariants.
    pub fn validate(&self, stake: TokenAmount, blobs_at_most: u64) -> Result<(), BadParameter> {
        at_least("proposalPhase", 1, self.proposal_phase)?;
        at_least("commitmentPhase", 1, self.commitment_phase)?;
        at_least("revealPhase", 1, self.reveal_phase)?;
        at_least("provingPhase", 1, self.proving_phase)?;
        within("exclusiveProving", 1, u64::from(self.proving_phase), u64::from(self.exclusive_proving))?;
        at_least("haltPhase", 1, self.halt_phase)?;
        at_least("backupPhase", 1, self.backup_phase)?;
        at_least("seedDelay", 1, self.seed_delay)?;
        at_least("seedGrid", 1, self.seed_grid)?;
        within("pauseLength", 1, PROVABLE_L1_SLOTS, u64::from(self.pause_length))?;
        within("maxCandidates", 1, MAX_CANDIDATES as u64, u64::from(self.max_candidates))?;
        at_least("maxChunks", 1, self.max_chunks)?;
        at_least("maxDeposits", 1, self.max_deposits)?;
        within("maxBlobs", 1, MAX_BLOBS as u64, u64::from(self.max_blobs))?;
        within("maxBlobs", 1, u64::from(self.max_blobs), blobs_at_most)?;

        // idle slots follow each other at a fixed pace only if the next seed is fixed by their end
        let seeding = sum([self.seed_delay, self.seed_grid]);
        within("idle", seeding, u64::MAX, self.idle())?;
        // a timeline stores distances within a slot in 16 bits; a seed must stay provable as long as it is needed
        let longest = self.longest_slot();
        within("longestSlot", 0, u64::from(u16::MAX), longest)?;
        let needed = longest.saturating_add(seeding).saturating_add(self.idle().saturating_mul(2));
        within("longestSlot", 0, PROVABLE_L1_SLOTS, needed)?;

        within("rescueShareBps", 0, u64::from(Bps::WHOLE.get()), u64::from(self.rescue_share.get()))?;
        if self.min_bond == TokenAmount::ZERO {
            return Err(BadParameter { name: "minBond", expected: "at least 1".to_owned(), actual: 0 });
        }
        for (name, amount) in [
            ("minBond", self.min_bond),
            ("abandonPenalty", self.abandon_penalty),
            ("withholdPenalty", self.withhold_penalty),
        ] {
            at_most(name, TokenAmount::MAX_96, amount)?;
        }
        at_most("penalties", stake, self.abandon_penalty.saturating_add(self.withhold_penalty))
    }
}

fn sum<const N: usize>(lengths: [u16; N]) -> u64 {
    lengths.into_iter().fold(0, |total, length| total.saturating_add(u64::from(length)))
}

fn at_least(name: &'static str, minimum: u16, actual: u16) -> Result<(), BadParameter> {
    within(name, u64::from(minimum), u64::from(u16::MAX), u64::from(actual))
}

fn at_most(name: &'static str, maximum: TokenAmount, actual: TokenAmount) -> Result<(), BadParameter> {
    if actual > maximum {
        return Err(BadParameter { name, expected: format!("at most {maximum}"), actual: actual.get() });
    }
    Ok(())
}

fn within(name: &'static str, minimum: u64, maximum: u64, actual: u64) -> Result<(), BadParameter> {
    if (minimum..=maximum).contains(&actual) {
        return Ok(());
    }
    let expected = match (minimum, maximum) {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low} to {high}"),
    };
    Err(BadParameter { name, expected, actual: u128::from(actual) })
}
