//! The parameters of a deployment, with the checks of the rollup's constructor.

use serde::{Deserialize, Serialize};

use crate::{Bps, Lane, TokenAmount};

/// Maximum number of candidates of a slot in any deployment.
pub const MAX_CANDIDATES: usize = 4;
/// Maximum number of blobs of a block in any deployment.
pub const MAX_BLOBS: usize = 16;
/// L1 slots for which the RANDAO mix of an L1 slot can be proven: the history of EIP-2935's contract.
pub const PROVABLE_L1_SLOTS: u64 = 8191;

/// Parameters of a deployment, fixed in the rollup's constructor. Lengths are in L1 slots, amounts in token
/// units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameters {
    /// Length of the phase in which sequencers propose.
    pub proposal_phase: u16,
    /// Length of the phase in which the candidate in turn needs a prover's commitment.
    pub commitment_phase: u16,
    /// Length of the phase after the L1 slot of the commitment, in which the data must be published.
    pub reveal_phase: u16,
    /// Length of the phases after the L1 slot of the completed reveal, in which a proof finalizes the block.
    pub proving_phase: u16,
    /// First part of `proving_phase`, in which only the committed prover is paid.
    pub exclusive_proving: u16,
    /// Length of the phase before the backup phase, in which no block can be finalized.
    pub halt_phase: u16,
    /// Length of the phase in which anyone may finalize a block.
    pub backup_phase: u16,
    /// L1 slots from a slot's start to the L1 slot whose RANDAO mix makes the next slot's seed.
    pub seed_delay: u16,
    /// The L1 slot of a seed is rounded up to a multiple of this number.
    pub seed_grid: u16,
    /// Length of the guardian's pause.
    pub pause_length: u16,
    /// Time without a block after which a stall begins, from the start of the last block's slot.
    pub stall_after: u16,
    /// Longest part of a stall that a block is paid for.
    pub max_stall: u16,
    /// Maximum number of candidates of a slot, 1 to [`MAX_CANDIDATES`].
    pub max_candidates: u8,
    /// Maximum number of blobs of a block, 1 to [`MAX_BLOBS`].
    pub max_blobs: u8,
    /// Maximum number of chunks of a block.
    pub max_chunks: u16,
    /// Maximum number of deposits that a block consumes.
    pub max_deposits: u16,
    /// Maximum number of forced exits that a block consumes.
    pub max_exits: u16,
    /// Share of the slashed part of a bond that the account receives whose proof finalized the revealed block
    /// instead.
    pub rescue_share: Bps,
    /// Minimum bond of a quote.
    pub min_bond: TokenAmount,
    /// Paid by a sequencer whose turn ended without a commitment.
    pub abandon_penalty: TokenAmount,
    /// Paid by a sequencer whose data wasn't published after a commitment.
    pub withhold_penalty: TokenAmount,
}

/// A parameter that the rollup's constructor refuses, with the name in its revert.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad parameter {name}: expected {expected}, got {actual}")]
pub struct BadParameter {
    /// Name in Solidity's `BadParameter(string)`.
    pub name: &'static str,
    /// Values that would be accepted.
    pub expected: String,
    /// Given value.
    pub actual: u128,
}

impl Parameters {
    /// Length in L1 slots of a slot without proposals.
    #[must_use]
    pub fn idle(&self) -> u64 {
        sum([self.proposal_phase, self.halt_phase, self.backup_phase])
    }

    /// Length in L1 slots of the longest slot: every candidate has a commitment in the last L1 slot of its
    /// phase, only the last candidate reveals, in the last L1 slot, and no proof follows.
    #[must_use]
    pub fn longest_slot(&self) -> u64 {
        self.idle()
            .saturating_add(u64::from(self.max_candidates).saturating_mul(self.turn_length()))
            .saturating_add(u64::from(self.proving_phase))
    }

    /// Length in L1 slots of the longest turn of a candidate: its commitment phase and its reveal phase.
    #[must_use]
    pub fn turn_length(&self) -> u64 {
        sum([self.commitment_phase, self.reveal_phase])
    }

    /// Maximum number of operations of a lane that a block consumes.
    #[must_use]
    pub const fn max_operations(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Deposits => self.max_deposits as u64,
            Lane::Exits => self.max_exits as u64,
        }
    }

    /// Whether the sequencer that produces a block cannot choose among several L1 slots for a later seed by
    /// proving late. The deploy script requires it of every deployment but a devnet.
    #[must_use]
    pub fn seed_choice_is_bounded(&self) -> bool {
        sum([self.seed_delay, self.seed_grid])
            >= self.turn_length().saturating_add(u64::from(self.exclusive_proving))
    }

    /// Checks the parameters as the rollup's constructor does, in the same order and with the same names.
    ///
    /// `minimum_stake` is the lowest stake of a candidate. `withdrawal_delay` is that of the escrow, in L1
    /// slots. `blobs_at_most` is the number of blobs of a block of `max_chunks` chunks.
    ///
    /// # Errors
    /// Returns the first parameter that the constructor refuses.
    pub fn validate(
        &self,
        minimum_stake: TokenAmount,
        withdrawal_delay: u32,
        blobs_at_most: u64,
    ) -> Result<(), BadParameter> {
        // In a slot that starts right after its seed's L1 slot, the mix can be proven from the second L1 slot
        // on.
        at_least("proposalPhase", 2, self.proposal_phase)?;
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
        at_least("maxExits", 1, self.max_exits)?;
        within("maxBlobs", 1, MAX_BLOBS as u64, u64::from(self.max_blobs))?;
        within("maxBlobs", 1, u64::from(self.max_blobs), blobs_at_most)?;

        // Idle slots follow each other at a fixed pace only if the next seed is fixed before they end.
        let seeding = sum([self.seed_delay, self.seed_grid]);
        within("idle", seeding, u64::MAX, self.idle())?;
        // A timeline stores distances within a slot in 16 bits. A seed must be provable for as long as it is
        // needed.
        let longest = self.longest_slot();
        within("longestSlot", 0, u64::from(u16::MAX), longest)?;
        let needed = longest.saturating_add(seeding).saturating_add(self.idle().saturating_mul(2));
        within("longestSlot", 0, PROVABLE_L1_SLOTS, needed)?;
        // A failed slot, however long, begins no stall. The chain counts the time without a block in 16 bits.
        at_least("stallAfter", longest.saturating_mul(2), self.stall_after)?;
        let room = u64::from(u16::MAX).saturating_sub(u64::from(self.stall_after));
        within("maxStall", 0, room, u64::from(self.max_stall))?;

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
        // A candidate has at least the minimum, so it can always pay.
        at_most("penalties", minimum_stake, self.abandon_penalty.max(self.withhold_penalty))?;
        // A prover that requests its money back during a slot doesn't have it before the slot ends.
        at_least("withdrawalDelay", longest, withdrawal_delay)
    }
}

fn sum<const N: usize>(lengths: [u16; N]) -> u64 {
    lengths.into_iter().fold(0, |total, length| total.saturating_add(u64::from(length)))
}

fn at_least(name: &'static str, minimum: u64, actual: impl Into<u64>) -> Result<(), BadParameter> {
    let actual = actual.into();
    if actual < minimum {
        let expected = format!("at least {minimum}");
        return Err(BadParameter { name, expected, actual: u128::from(actual) });
    }
    Ok(())
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
