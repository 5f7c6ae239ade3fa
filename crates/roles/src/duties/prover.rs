//! The duties of a prover.

use alloy::primitives::Address;
use fernet_follower::{CandidateView, RollupView};
use fernet_l1::Outcome;
use fernet_protocol::{Parameters, Slot, TokenAmount, late_bond_down};

use super::history::{EndedSlot, SlotEnd, SlotHistory};

/// What became of a block that a prover had a bond on, or that it proved without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProverOutcome {
    /// It proved its block in time.
    Proven,
    /// It proved its block after exclusive proving. A part of the bond is slashed, or all of it in the backup
    /// phase.
    ProvenLate,
    /// Another prover proved its block. A part of the bond is slashed, or all of it in the backup phase.
    Rescued,
    /// Its block was not finalized. The bond is slashed.
    Lost,
    /// The sequencer didn't publish the block, or the guardian's pause ended the slot. The bond is released.
    Released,
    /// It proved the block of another prover's bond.
    Rescuer,
    /// It proved a block in the backup phase, of its own or a published one.
    Backup,
}

/// What became of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProverDuty {
    /// Slot of the block.
    pub slot: Slot,
    /// What became of it.
    pub outcome: ProverOutcome,
    /// The bond; zero without one.
    pub bond: TokenAmount,
    /// What of it was slashed.
    pub slashed: TokenAmount,
}

/// Tells what becomes of a prover's duties.
#[derive(Debug, Clone)]
pub struct ProverDuties {
    prover: Address,
    payee: Address,
    history: SlotHistory,
}

impl ProverDuties {
    /// The duties of `prover`, which has its rewards paid to `payee`. Nothing is known of them yet.
    #[must_use]
    pub fn new(prover: Address, payee: Address) -> Self {
        Self { prover, payee, history: SlotHistory::default() }
    }

    /// Takes note of the view at its newest L1 block. Returns what became of the prover's blocks in slots
    /// that are over for good since, each slot once.
    pub fn observe(&mut self, view: &RollupView) -> Vec<ProverDuty> {
        let ended = self.history.observe(view);
        ended.iter().flat_map(|ended| self.judge(ended, view.parameters())).collect()
    }

    /// Slots whose time passed unseen and without a block. Nothing is known of them.
    #[must_use]
    pub const fn unobserved(&self) -> u64 {
        self.history.unobserved()
    }

    fn judge(&self, ended: &EndedSlot, parameters: &Parameters) -> Vec<ProverDuty> {
        let slot = ended.slot;
        let mut duties = Vec::new();
        let mut is_own_block = false;
        for (place, candidate) in ended.candidates.iter().enumerate() {
            let Some(commitment) = candidate.commitment.filter(|commitment| commitment.prover == self.prover)
            else {
                continue;
            };
            let (outcome, slashed) = if ended.revealed == Some(place) {
                is_own_block = true;
                self.judge_revealed(ended, candidate, commitment.bond, parameters)
            } else {
                (ProverOutcome::Released, TokenAmount::ZERO)
            };
            duties.push(ProverDuty { slot, outcome, bond: commitment.bond, slashed });
        }
        let unbonded = match ended.end {
            SlotEnd::Block { payee, outcome: Outcome::Rescued, .. }
                if payee == self.payee && !is_own_block =>
            {
                Some(ProverOutcome::Rescuer)
            }
            SlotEnd::Block { payee, outcome: Outcome::Backup, .. } if payee == self.payee => {
                Some(ProverOutcome::Backup)
            }
            _ => None,
        };
        let (bond, slashed) = (TokenAmount::ZERO, TokenAmount::ZERO);
        duties.extend(unbonded.map(|outcome| ProverDuty { slot, outcome, bond, slashed }));
        duties
    }

    /// The end of the revealed block's bond.
    fn judge_revealed(
        &self,
        ended: &EndedSlot,
        candidate: &CandidateView,
        bond: TokenAmount,
        parameters: &Parameters,
    ) -> (ProverOutcome, TokenAmount) {
        match ended.end {
            SlotEnd::Voided => (ProverOutcome::Released, TokenAmount::ZERO),
            SlotEnd::Expired => (ProverOutcome::Lost, bond),
            SlotEnd::Block { outcome: Outcome::Finalized, .. } => (ProverOutcome::Proven, TokenAmount::ZERO),
            SlotEnd::Block { outcome: Outcome::Rescued, payee, at, .. } => {
                let exclusive = u64::from(parameters.exclusive_proving);
                let open_from = candidate.revealed_at.unwrap_or(at).plus(exclusive.saturating_add(1));
                let slashed = late_bond_down(parameters, bond, at.since(open_from));
                let outcome =
                    if payee == self.payee { ProverOutcome::ProvenLate } else { ProverOutcome::Rescued };
                (outcome, slashed)
            }
            SlotEnd::Block { outcome: Outcome::Backup, header_hash, payee, .. } => {
                let outcome = match header_hash == candidate.header_hash {
                    true if payee == self.payee => ProverOutcome::ProvenLate,
                    true => ProverOutcome::Rescued,
                    false => ProverOutcome::Lost,
                };
                (outcome, bond)
            }
        }
    }
}
