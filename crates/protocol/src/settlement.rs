//! Settlement of a slot: rewards, penalties and bonds when it ends.
//!
//! Amounts are exact, in token units. Every division rounds down, and the remainder belongs to the last part:
//! the submitter's, or the burned one.

use alloy_primitives::{Address, address};
use serde::{Deserialize, Serialize};

use crate::{L1Slot, MAX_CANDIDATES, Parameters, Rates, SequencerId, TokenAmount};

/// Address that burned tokens are sent to, which every ERC-20 allows.
pub const BURN_ADDRESS: Address = address!("0x000000000000000000000000000000000000dEaD");

/// A prover's commitment to prove a candidate's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Commitment {
    /// Prover, whose bond is locked.
    pub prover: Address,
    /// Account that the prover's reward is credited to.
    pub payee: Address,
    /// Bond that is locked in the escrow.
    pub bond: TokenAmount,
    /// Part of the sequencer's reward that is credited to the payee instead.
    pub price: TokenAmount,
    /// L1 slot of the commitment.
    pub at: L1Slot,
}

/// A candidate at the end of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SettledCandidate {
    /// Sequencer that proposed.
    pub sequencer: SequencerId,
    /// Account that the sequencer's reward is credited to.
    pub owner: Address,
    /// Stake of the sequencer.
    pub stake: TokenAmount,
    /// Commitment of a prover.
    pub commitment: Option<Commitment>,
    /// L1 slot of the completed reveal. It is ignored without a commitment.
    pub revealed_at: Option<L1Slot>,
}

/// How a slot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// The revealed block was finalized in the exclusive proving phase.
    Finalized,
    /// The revealed block was finalized in the open proving phase.
    Rescued {
        /// Payee of the proof.
        payee: Address,
    },
    /// The revealed block was finalized in the backup phase.
    BackupOfRevealed {
        /// Payee of the proof.
        payee: Address,
    },
    /// Another block was finalized in the backup phase.
    BackupOfOther {
        /// Payee of the proof.
        payee: Address,
    },
    /// The slot ended without a block.
    Expired,
}

/// Reason of a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CreditRole {
    /// For the proof.
    Prover,
    /// For the block and its early reveal.
    Sequencer,
    /// For the finalizing transaction.
    Submitter,
}

/// An amount that the reward pot owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Credit {
    /// Reason of the credit.
    pub role: CreditRole,
    /// Account that can claim the amount.
    pub account: Address,
    /// Amount, more than 0.
    pub amount: TokenAmount,
}

/// What happens to a bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BondOutcome {
    /// The bond is unlocked.
    Released,
    /// The bond is slashed: `share` is added to the free balance of `beneficiary`, and the rest is burned.
    Slashed {
        /// Account that receives the share; zero for none.
        beneficiary: Address,
        /// At most the bond.
        share: TokenAmount,
    },
}

/// A bond that is released or slashed at the end of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bond {
    /// Prover whose bond it is.
    pub prover: Address,
    /// Amount of the bond.
    pub amount: TokenAmount,
    /// What happens to the bond.
    pub outcome: BondOutcome,
}

/// Reason of a penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PenaltyKind {
    /// The sequencer's turn ended without a commitment.
    Abandoned,
    /// The sequencer's data wasn't published after a commitment.
    Withheld,
}

/// A penalty: stake that is burned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Penalty {
    /// Sequencer whose stake is burned.
    pub sequencer: SequencerId,
    /// Reason of the penalty.
    pub kind: PenaltyKind,
    /// At most the stake.
    pub amount: TokenAmount,
}

/// All penalties, bonds and credits of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Settlement {
    /// Penalties of failed candidates, best rank first.
    pub penalties: Vec<Penalty>,
    /// Bonds, best rank first.
    pub bonds: Vec<Bond>,
    /// Credits in the order prover, sequencer, submitter.
    pub credits: Vec<Credit>,
    /// Sum of the penalties and of the burned parts of bonds.
    pub burned: TokenAmount,
}

/// Why a slot can't be settled: its facts contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    /// The slot has too many candidates.
    #[error("expected at most {maximum} candidates, got {actual}")]
    TooManyCandidates { maximum: usize, actual: usize },
    /// The ending requires a revealed block.
    #[error("no candidate is revealed, but the ending is {ending:?}")]
    NothingRevealed { ending: Ending },
    /// The price of the commitment is above the maximum.
    #[error("price of {actual} is above the sequencer's share of {maximum}")]
    PriceTooHigh { maximum: TokenAmount, actual: TokenAmount },
    /// A sum of amounts exceeds 128 bits.
    #[error("a sum of amounts exceeds 128 bits")]
    Overflow,
}

/// Reveal bonus, rounded down: the whole bonus for a reveal in the L1 slot of the commitment, linearly less
/// for each L1 slot after it, and 0 after the reveal phase.
#[must_use]
pub fn reveal_bonus_down(
    parameters: &Parameters,
    rates: &Rates,
    committed_at: L1Slot,
    revealed_at: L1Slot,
) -> TokenAmount {
    let steps = u128::from(parameters.reveal_phase).saturating_add(1);
    let left = steps.saturating_sub(u128::from(revealed_at.since(committed_at)));
    // The product has at most 113 bits: 96 and 17.
    TokenAmount::new(rates.reveal_bonus.get().saturating_mul(left).checked_div(steps).unwrap_or_default())
}

/// Settles a slot with the rewards `rates`. `candidates` are best first; `submitter` sent the finalizing
/// transaction.
///
/// # Errors
/// Fails if the facts can't be those of a slot on L1.
pub fn settle(
    parameters: &Parameters,
    rates: &Rates,
    candidates: &[SettledCandidate],
    ending: Ending,
    submitter: Address,
) -> Result<Settlement, SettlementError> {
    if candidates.len() > MAX_CANDIDATES {
        return Err(SettlementError::TooManyCandidates { maximum: MAX_CANDIDATES, actual: candidates.len() });
    }
    let mut settlement = Settlement::default();
    let mut revealed = None;
    for candidate in candidates {
        if let (Some(commitment), Some(revealed_at)) = (candidate.commitment, candidate.revealed_at) {
            revealed = Some((candidate, commitment, revealed_at));
            break; // Candidates after the revealed one had no turn.
        }
        settlement.fail(parameters, candidate)?;
    }
    if let Some((_, commitment, _)) = revealed {
        let share = commitment.bond.share_down(parameters.rescue_share);
        let outcome = match ending {
            Ending::Finalized => BondOutcome::Released,
            Ending::Rescued { payee }
            | Ending::BackupOfRevealed { payee }
            | Ending::BackupOfOther { payee } => BondOutcome::Slashed { beneficiary: payee, share },
            Ending::Expired => BondOutcome::Slashed { beneficiary: Address::ZERO, share: TokenAmount::ZERO },
        };
        settlement.end_bond(Bond { prover: commitment.prover, amount: commitment.bond, outcome })?;
    }
    settlement.reward(parameters, rates, revealed, ending, submitter)?;
    Ok(settlement)
}

/// The revealed candidate with its commitment and the L1 slot of its reveal.
type Revealed<'a> = Option<(&'a SettledCandidate, Commitment, L1Slot)>;

impl Settlement {
    /// Penalizes a candidate whose turn ended without published data.
    fn fail(&mut self, parameters: &Parameters, candidate: &SettledCandidate) -> Result<(), SettlementError> {
        let (kind, penalty) = match candidate.commitment {
            None => (PenaltyKind::Abandoned, parameters.abandon_penalty),
            Some(commitment) => {
                let Commitment { prover, bond: amount, .. } = commitment;
                self.end_bond(Bond { prover, amount, outcome: BondOutcome::Released })?;
                (PenaltyKind::Withheld, parameters.withhold_penalty)
            }
        };
        let amount = penalty.min(candidate.stake);
        self.penalties.push(Penalty { sequencer: candidate.sequencer, kind, amount });
        self.burn(amount)
    }

    fn end_bond(&mut self, bond: Bond) -> Result<(), SettlementError> {
        self.bonds.push(bond);
        match bond.outcome {
            BondOutcome::Released => Ok(()),
            BondOutcome::Slashed { share, .. } => self.burn(bond.amount.saturating_sub(share)),
        }
    }

    fn burn(&mut self, amount: TokenAmount) -> Result<(), SettlementError> {
        self.burned = self.burned.checked_add(amount).ok_or(SettlementError::Overflow)?;
        Ok(())
    }

    fn reward(
        &mut self,
        parameters: &Parameters,
        rates: &Rates,
        revealed: Revealed<'_>,
        ending: Ending,
        submitter: Address,
    ) -> Result<(), SettlementError> {
        let (payee, is_revealed_block, price_counts) = match ending {
            Ending::Expired => return Ok(()),
            Ending::Finalized => (revealed.map(|(_, commitment, _)| commitment.payee), true, true),
            Ending::Rescued { payee } => (Some(payee), true, true),
            Ending::BackupOfRevealed { payee } => (Some(payee), true, false),
            Ending::BackupOfOther { payee } => (Some(payee), false, false),
        };
        let nothing_revealed = SettlementError::NothingRevealed { ending };
        let mut proving = rates.block_reward.share_down(rates.prover_share);
        let share = rates.max_price();
        let submitting = rates.block_reward.saturating_sub(proving).saturating_sub(share);
        let mut sequencing = None;
        if is_revealed_block {
            let (candidate, commitment, revealed_at) = revealed.ok_or(nothing_revealed)?;
            let price = if price_counts { commitment.price } else { TokenAmount::ZERO };
            let too_high = SettlementError::PriceTooHigh { maximum: share, actual: price };
            let rest = share.checked_sub(price).ok_or(too_high)?;
            let bonus = reveal_bonus_down(parameters, rates, commitment.at, revealed_at);
            proving = proving.checked_add(price).ok_or(SettlementError::Overflow)?;
            sequencing = Some((candidate.owner, rest.checked_add(bonus).ok_or(SettlementError::Overflow)?));
        }
        self.credit(CreditRole::Prover, payee.ok_or(nothing_revealed)?, proving);
        if let Some((owner, amount)) = sequencing {
            self.credit(CreditRole::Sequencer, owner, amount);
        }
        self.credit(CreditRole::Submitter, submitter, submitting);
        Ok(())
    }

    fn credit(&mut self, role: CreditRole, account: Address, amount: TokenAmount) {
        if amount != TokenAmount::ZERO {
            self.credits.push(Credit { role, account, amount });
        }
    }
}
