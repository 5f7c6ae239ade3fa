//! Who gets, pays and loses what when a slot ends. Amounts in token units, exact to the unit: every division rounds down,
//! and what is left over goes to the part named last (the submitter, the burned rest).

use crate::{L1Slot, MAX_CANDIDATES, Parameters, Rates, SequencerId, TokenAmount};
use alloy_primitives::{Address, address};
use serde::{Deserialize, Serialize};

/// Where burned tokens go: any ERC-20 can send there.
pub const BURN_ADDRESS: Address = address!("0x000000000000000000000000000000000000dEaD");

/// A prover's commitment to a candidate's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Commitment {
    /// whose bond it is
    pub prover: Address,
    /// who is paid
    pub payee: Address,
    /// locked in the escrow
    pub bond: TokenAmount,
    /// from the sequencer's to the prover's reward
    pub price: TokenAmount,
    /// L1 slot of the commitment
    pub at: L1Slot,
}

/// A candidate as the end of its slot finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SettledCandidate {
    /// who proposed
    pub sequencer: SequencerId,
    /// gets the sequencer's rewards
    pub owner: Address,
    /// what is left of its stake
    pub stake: TokenAmount,
    /// the prover's commitment
    pub commitment: Option<Commitment>,
    /// L1 slot of the completed reveal; means nothing without a commitment
    pub revealed_at: Option<L1Slot>,
}

/// How a slot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// the revealed block, proven in its exclusive phase
    Finalized,
    /// the revealed block, proven in the open phase
    Rescued {
        /// named in the proof
        payee: Address,
    },
    /// the revealed block, proven in the backup phase
    BackupOfRevealed {
        /// named in the proof
        payee: Address,
    },
    /// another block, proven in the backup phase
    BackupOfOther {
        /// named in the proof
        payee: Address,
    },
    /// no block
    Expired,
}

/// What a credit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CreditRole {
    /// the proof
    Prover,
    /// the block and its early reveal
    Sequencer,
    /// the finalizing transaction
    Submitter,
}

/// A promise of the reward pot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Credit {
    /// for what
    pub role: CreditRole,
    /// to whom
    pub account: Address,
    /// how much, more than 0
    pub amount: TokenAmount,
}

/// What becomes of a bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BondFate {
    /// free again
    Released,
    /// taken: `share` to the free balance of `beneficiary`, the rest burned
    Slashed {
        /// zero where there is none
        beneficiary: Address,
        /// at most the bond
        share: TokenAmount,
    },
}

/// A bond that the end of the slot sets free or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bond {
    /// whose
    pub prover: Address,
    /// how much
    pub amount: TokenAmount,
    /// what becomes of it
    pub fate: BondFate,
}

/// What a sequencer is punished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PenaltyKind {
    /// its turn passed without a commitment
    Abandoned,
    /// its data didn't appear
    Withheld,
}

/// Stake that is burned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Penalty {
    /// whose
    pub sequencer: SequencerId,
    /// for what
    pub kind: PenaltyKind,
    /// at most its stake
    pub amount: TokenAmount,
}

/// Everything that the end of a slot moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Settled {
    /// of failed candidates, best rank first
    pub penalties: Vec<Penalty>,
    /// best rank first
    pub bonds: Vec<Bond>,
    /// prover, sequencer, submitter
    pub credits: Vec<Credit>,
    /// penalties and the burned part of bonds
    pub burned: TokenAmount,
}

/// Facts that don't fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    /// A slot has four candidates at most.
    #[error("slot has {actual} candidates, expected at most {maximum}")]
    TooManyCandidates {
        /// candidates a slot may have
        maximum: usize,
        /// candidates given
        actual: usize,
    },
    /// The ending needs a revealed block.
    #[error("no candidate is revealed, but the ending is {ending:?}")]
    NothingRevealed {
        /// the ending
        ending: Ending,
    },
    /// L1 refuses such a quote.
    #[error("price of {actual} is above the sequencer's share of {maximum}")]
    PriceTooHigh {
        /// the sequencer's share
        maximum: TokenAmount,
        /// price of the commitment
        actual: TokenAmount,
    },
    /// Amounts beyond what any token has.
    #[error("amounts of the slot don't fit 128 bits")]
    Overflow,
}

/// Reveal bonus: all of it for a reveal in the L1 slot of the commitment, linearly less for each L1 slot after it, rounded
/// down; nothing after the reveal phase.
#[must_use]
pub fn reveal_bonus_down(
    parameters: &Parameters,
    rates: &Rates,
    committed_at: L1Slot,
    revealed_at: L1Slot,
) -> TokenAmount {
    let steps = u128::from(parameters.reveal_phase).saturating_add(1);
    let left = steps.saturating_sub(u128::from(revealed_at.since(committed_at)));
    // 96 bits times 17 bits
    TokenAmount::new(rates.reveal_bonus.get().saturating_mul(left).checked_div(steps).unwrap_or_default())
}

/// Settles a slot that pays `rates`. `candidates` are best first; `submitter` sent the finalizing transaction.
///
/// # Errors
/// Where the facts can't be those of a slot on L1.
pub fn settle(
    parameters: &Parameters,
    rates: &Rates,
    candidates: &[SettledCandidate],
    ending: Ending,
    submitter: Address,
) -> Result<Settled, SettlementError> {
    if candidates.len() > MAX_CANDIDATES {
        return Err(SettlementError::TooManyCandidates { maximum: MAX_CANDIDATES, actual: candidates.len() });
    }
    let mut settled = Settled::default();
    let mut revealed = None;
    for candidate in candidates {
        if let (Some(commitment), Some(revealed_at)) = (candidate.commitment, candidate.revealed_at) {
            revealed = Some((candidate, commitment, revealed_at));
            break; // candidates after the revealed one never had a turn
        }
        settled.fail(parameters, candidate)?;
    }
    if let Some((_, commitment, _)) = revealed {
        let share = commitment.bond.share_down(parameters.rescue_share);
        let fate = match ending {
            Ending::Finalized => BondFate::Released,
            Ending::Rescued { payee }
            | Ending::BackupOfRevealed { payee }
            | Ending::BackupOfOther { payee } => BondFate::Slashed { beneficiary: payee, share },
            Ending::Expired => BondFate::Slashed { beneficiary: Address::ZERO, share: TokenAmount::ZERO },
        };
        settled.end_bond(Bond { prover: commitment.prover, amount: commitment.bond, fate })?;
    }
    settled.reward(parameters, rates, revealed, ending, submitter)?;
    Ok(settled)
}

/// The revealed candidate with its commitment and the L1 slot of its reveal.
type Revealed<'a> = Option<(&'a SettledCandidate, Commitment, L1Slot)>;

impl Settled {
    /// A candidate that had its turn and produced no data.
    fn fail(&mut self, parameters: &Parameters, candidate: &SettledCandidate) -> Result<(), SettlementError> {
        let (kind, penalty) = match candidate.commitment {
            None => (PenaltyKind::Abandoned, parameters.abandon_penalty),
            Some(commitment) => {
                let Commitment { prover, bond: amount, .. } = commitment;
                self.end_bond(Bond { prover, amount, fate: BondFate::Released })?;
                (PenaltyKind::Withheld, parameters.withhold_penalty)
            }
        };
        let amount = penalty.min(candidate.stake);
        self.penalties.push(Penalty { sequencer: candidate.sequencer, kind, amount });
        self.burn(amount)
    }

    fn end_bond(&mut self, bond: Bond) -> Result<(), SettlementError> {
        self.bonds.push(bond);
        match bond.fate {
            BondFate::Released => Ok(()),
            BondFate::Slashed { share, .. } => self.burn(bond.amount.saturating_sub(share)),
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
