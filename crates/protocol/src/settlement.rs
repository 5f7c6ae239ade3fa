//! Settlement of a slot: rewards, penalties and bonds when it ends.
//!
//! Amounts are exact, in token units. Every division rounds down. The remainder belongs to the last part (the
//! submitter's, or the burned or released part of a bond), or stays in the pot (what a late reveal or a late
//! proof loses).

use alloy_primitives::{Address, address};
use serde::{Deserialize, Serialize};

use crate::{L1Slot, MAX_CANDIDATES, Parameters, Price, PriceRange, Rates, SequencerId, TokenAmount};

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
    /// Part of the sequencer's reward that is credited to the payee instead; if it is negative, part of the
    /// payee's reward that is credited to the sequencer instead.
    pub price: Price,
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
    /// Start of its turn. Only that of the revealed candidate matters.
    pub turn_start: L1Slot,
    /// Commitment of a prover.
    pub commitment: Option<Commitment>,
    /// L1 slot of the completed reveal. It is ignored without a commitment.
    pub revealed_at: Option<L1Slot>,
}

/// How a slot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// The revealed block was finalized in the exclusive proving phase.
    Finalized {
        /// L1 slot of the proof.
        at: L1Slot,
    },
    /// The revealed block was finalized in the open proving phase.
    Rescued {
        /// Payee of the proof.
        payee: Address,
        /// L1 slot of the proof.
        at: L1Slot,
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
    /// For the proof, with the price.
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
    /// A part of the bond is slashed: `share` of it is added to the free balance of `beneficiary`, and the
    /// rest of it is burned. The rest of the bond is unlocked.
    Slashed {
        /// What is slashed, at most the bond.
        part: TokenAmount,
        /// Account that receives the share; zero for none.
        beneficiary: Address,
        /// At most the part.
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
    /// The proof isn't in the phase of the ending.
    #[error("expected a proof in L1 slot {first} to {last}, got one in {actual}")]
    ProofOutsidePhase { first: L1Slot, last: L1Slot, actual: L1Slot },
    /// A sum of amounts exceeds 128 bits.
    #[error("a sum of amounts exceeds 128 bits")]
    Overflow,
}

/// Reveal bonus, rounded down: all of `bonus` for a reveal in the first L1 slot of the turn, linearly less
/// for each L1 slot after it, and 0 after the longest turn.
#[must_use]
pub fn reveal_bonus_down(
    parameters: &Parameters,
    bonus: TokenAmount,
    turn_start: L1Slot,
    revealed_at: L1Slot,
) -> TokenAmount {
    let steps = u128::from(parameters.turn_length()).saturating_add(1);
    let left = steps.saturating_sub(u128::from(revealed_at.since(turn_start)));
    // The product has at most 107 bits: 89 and 18.
    TokenAmount::new(bonus.get().saturating_mul(left).checked_div(steps).unwrap_or_default())
}

/// The part of a bond that is slashed for a proof `elapsed` L1 slots after the open proving phase began,
/// rounded down. It grows by the same amount in each L1 slot, to the whole bond in the last one.
#[must_use]
pub fn late_bond_down(parameters: &Parameters, bond: TokenAmount, elapsed: u64) -> TokenAmount {
    let open = u128::from(parameters.proving_phase.saturating_sub(parameters.exclusive_proving));
    let begun = u128::from(elapsed).saturating_add(1).min(open);
    // The product has at most 112 bits: 96 and 16.
    TokenAmount::new(bond.get().saturating_mul(begun).checked_div(open).unwrap_or_default())
}

/// Settles a slot whose block is paid for `paid_l1_slots` with the rewards `rates`. `candidates` are best
/// first; `submitter` sent the finalizing transaction.
///
/// # Errors
/// Fails if the facts can't be those of a slot on L1.
pub fn settle(
    parameters: &Parameters,
    rates: &Rates,
    paid_l1_slots: u32,
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
            revealed = Some(Revealed { candidate, commitment, revealed_at });
            break; // Candidates after the revealed one had no turn.
        }
        settlement.fail(parameters, candidate)?;
    }
    if let Some(Revealed { commitment, revealed_at, .. }) = revealed {
        let outcome = bond_outcome(parameters, commitment.bond, revealed_at, ending)?;
        settlement.end_bond(Bond { prover: commitment.prover, amount: commitment.bond, outcome })?;
    }
    let pay = Pay { parameters, rates, paid_l1_slots, submitter };
    settlement.reward(&pay, revealed, ending)?;
    Ok(settlement)
}

/// The revealed candidate with its commitment and the L1 slot of its reveal.
#[derive(Clone, Copy)]
struct Revealed<'a> {
    candidate: &'a SettledCandidate,
    commitment: Commitment,
    revealed_at: L1Slot,
}

/// What the credits of a slot depend on, besides its ending and its revealed candidate.
struct Pay<'a> {
    parameters: &'a Parameters,
    rates: &'a Rates,
    paid_l1_slots: u32,
    submitter: Address,
}

/// What happens to the bond of the revealed candidate.
fn bond_outcome(
    parameters: &Parameters,
    bond: TokenAmount,
    revealed_at: L1Slot,
    ending: Ending,
) -> Result<BondOutcome, SettlementError> {
    let slashed = |part: TokenAmount, beneficiary| BondOutcome::Slashed {
        part,
        beneficiary,
        share: part.share_down(parameters.rescue_share),
    };
    let burned = BondOutcome::Slashed { part: bond, beneficiary: Address::ZERO, share: TokenAmount::ZERO };
    let exclusive_end = revealed_at.plus(u64::from(parameters.exclusive_proving));
    let within = |first: L1Slot, last, actual| match (first..=last).contains(&actual) {
        true => Ok(actual.since(first)),
        false => Err(SettlementError::ProofOutsidePhase { first, last, actual }),
    };
    Ok(match ending {
        Ending::Finalized { at } => {
            within(revealed_at, exclusive_end, at)?;
            BondOutcome::Released
        }
        Ending::Rescued { payee, at } => {
            let last = revealed_at.plus(u64::from(parameters.proving_phase));
            let elapsed = within(exclusive_end.plus(1), last, at)?;
            slashed(late_bond_down(parameters, bond, elapsed), payee)
        }
        Ending::BackupOfRevealed { payee } => slashed(bond, payee),
        // A share would pay for proving an empty block faster than the revealed one.
        Ending::BackupOfOther { .. } | Ending::Expired => burned,
    })
}

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
            BondOutcome::Slashed { part, share, .. } => self.burn(part.saturating_sub(share)),
        }
    }

    fn burn(&mut self, amount: TokenAmount) -> Result<(), SettlementError> {
        self.burned = self.burned.checked_add(amount).ok_or(SettlementError::Overflow)?;
        Ok(())
    }

    fn reward(
        &mut self,
        pay: &Pay<'_>,
        revealed: Option<Revealed<'_>>,
        ending: Ending,
    ) -> Result<(), SettlementError> {
        let Pay { parameters, rates, paid_l1_slots, submitter } = *pay;
        let shares = rates.shares(paid_l1_slots);
        let (payee, proven_at) = match ending {
            Ending::Expired => return Ok(()),
            Ending::BackupOfOther { payee } => {
                self.credit(CreditRole::Prover, payee, shares.prover);
                self.credit(CreditRole::Submitter, submitter, shares.submitter);
                return Ok(());
            }
            Ending::Finalized { at } => (None, Some(at)),
            Ending::Rescued { payee, at } => (Some(payee), Some(at)),
            // Nobody in the backup phase was slow, and no quote is agreed for it.
            Ending::BackupOfRevealed { payee } => (Some(payee), None),
        };
        let Revealed { candidate, commitment, revealed_at } =
            revealed.ok_or(SettlementError::NothingRevealed { ending })?;
        let (mut proving, mut sequencing) = (shares.prover, shares.sequencer);
        if let Some(at) = proven_at {
            proving = rates.prompt_share_down(proving, parameters.exclusive_proving, at.since(revealed_at));
            (proving, sequencing) = moved(commitment.price, proving, sequencing)?;
        }
        let bonus = reveal_bonus_down(parameters, shares.bonus, candidate.turn_start, revealed_at);
        let sequencing = sequencing.checked_add(bonus).ok_or(SettlementError::Overflow)?;
        self.credit(CreditRole::Prover, payee.unwrap_or(commitment.payee), proving);
        self.credit(CreditRole::Sequencer, candidate.owner, sequencing);
        self.credit(CreditRole::Submitter, submitter, shares.submitter);
        Ok(())
    }

    fn credit(&mut self, role: CreditRole, account: Address, amount: TokenAmount) {
        if amount != TokenAmount::ZERO {
            self.credits.push(Credit { role, account, amount });
        }
    }
}

/// The shares of prover and sequencer after the price, of which the payer's share limits the amount.
fn moved(
    price: Price,
    proving: TokenAmount,
    sequencing: TokenAmount,
) -> Result<(TokenAmount, TokenAmount), SettlementError> {
    let range = PriceRange { lowest: Price::to_sequencer(proving), highest: Price::to_prover(sequencing) };
    let price = range.clamp(price);
    let amount = price.magnitude();
    let (from, to) = if price.is_negative() { (proving, sequencing) } else { (sequencing, proving) };
    let from = from.saturating_sub(amount);
    let to = to.checked_add(amount).ok_or(SettlementError::Overflow)?;
    Ok(if price.is_negative() { (from, to) } else { (to, from) })
}
