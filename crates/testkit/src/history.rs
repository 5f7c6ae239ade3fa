//! What happened on L1, slot by slot: from events alone, as anyone could tell it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy::primitives::{Address, B256, TxHash, U256};
use fernet_l1::{L1Block, LoggedEvent, Outcome, RollupEvent};
use fernet_protocol::{L1Slot, Score, SequencerId, Slot};

use crate::{
    record::{Amount, Paid, Slashed, SlotOutcome},
    tokens::Holders,
};

/// A proposal that stayed on its slot's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposalFacts {
    /// Who made it.
    pub sequencer: SequencerId,
    /// Its score.
    pub score: Score,
    /// The transaction.
    pub transaction: TxHash,
}

/// A finalized block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinalFacts {
    /// Hash of its header.
    pub header_hash: B256,
    /// Whom the proof paid.
    pub payee: Address,
    /// How it became final.
    pub outcome: Outcome,
    /// State root after it.
    pub state_root: B256,
    /// The transaction.
    pub transaction: TxHash,
    /// L1 slot and block number.
    pub l1_slot: L1Slot,
    /// L1 block number.
    pub l1_block: u64,
}

/// What happened in one slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotFacts {
    /// By header hash.
    pub proposals: BTreeMap<B256, ProposalFacts>,
    /// Transactions of commitments, by header hash.
    pub commitments: BTreeMap<B256, TxHash>,
    /// Transactions that revealed blobs, by header hash.
    pub reveals: BTreeMap<B256, Vec<TxHash>>,
    /// Sequencers that found no prover in their turn.
    pub abandoned: BTreeSet<SequencerId>,
    /// Sequencers that withheld their data.
    pub withheld: BTreeSet<SequencerId>,
    /// The block, if there is one.
    pub finalized: Option<FinalFacts>,
}

impl SlotFacts {
    /// The slot's outcome if it is over.
    #[must_use]
    pub fn outcome(&self) -> SlotOutcome {
        match self.finalized.map(|block| block.outcome) {
            Some(Outcome::Finalized) => SlotOutcome::Finalized,
            Some(Outcome::Rescued) => SlotOutcome::Rescued,
            Some(Outcome::Backup) => SlotOutcome::Backup,
            None => SlotOutcome::Empty,
        }
    }

    /// The sequencer of a header and its rank, 0 the best; none for a header that nobody proposed.
    #[must_use]
    pub fn rank_of(&self, header_hash: B256) -> Option<(SequencerId, u8)> {
        let winner = self.proposals.get(&header_hash)?;
        let better = self.proposals.values().filter(|proposal| proposal.score > winner.score).count();
        Some((winner.sequencer, u8::try_from(better).unwrap_or(u8::MAX)))
    }
}

/// Everything since the deployment.
#[derive(Debug, Clone, Default)]
pub struct History {
    blocks: Vec<Arc<L1Block>>,
    slots: BTreeMap<Slot, SlotFacts>,
    slashed: Slashed,
    paid: Paid,
    holders: Holders,
    /// L2 units claimed on L1.
    claimed_units: u128,
}

impl History {
    /// Adds the next L1 block.
    pub fn apply(&mut self, block: &Arc<L1Block>) {
        for event in &block.events {
            self.event(event, block.number);
        }
        self.blocks.push(Arc::clone(block));
    }

    /// Forgets the blocks above number `to`.
    pub fn rollback(&mut self, to: u64) {
        let blocks = std::mem::take(&mut self.blocks);
        *self = Self::default();
        for block in blocks.iter().filter(|block| block.number <= to) {
            self.apply(block);
        }
    }

    /// What happened in a slot.
    #[must_use]
    pub fn slot(&self, slot: Slot) -> SlotFacts {
        self.slots.get(&slot).cloned().unwrap_or_default()
    }

    /// The newest L1 block.
    #[must_use]
    pub fn head(&self) -> Option<&Arc<L1Block>> {
        self.blocks.last()
    }

    /// The number of the first L1 block in or after an L1 slot.
    #[must_use]
    pub fn block_at(&self, l1_slot: L1Slot) -> Option<u64> {
        self.blocks.iter().find(|block| block.l1_slot >= l1_slot).map(|block| block.number)
    }

    /// What was taken so far.
    #[must_use]
    pub fn slashed(&self) -> Slashed {
        let taken = self.slashed.stakes.0.saturating_add(self.slashed.bonds.0);
        Slashed { burned: Amount(taken.saturating_sub(self.slashed.bond_shares.0)), ..self.slashed }
    }

    /// What was paid so far, at `unit` token units for an L2 unit.
    #[must_use]
    pub fn paid(&self, unit: U256) -> Paid {
        Paid { withdrawn: Amount(U256::from(self.claimed_units).saturating_mul(unit)), ..self.paid }
    }

    /// L2 units claimed on L1.
    #[must_use]
    pub fn claimed_units(&self) -> u128 {
        self.claimed_units
    }

    /// Everyone the events name as having had a bond or a reward.
    #[must_use]
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    fn event(&mut self, logged: &LoggedEvent, number: u64) {
        let transaction = logged.tx;
        match &logged.event {
            RollupEvent::Proposed { slot, sequencer, header_hash, score, .. } => {
                let proposal = ProposalFacts { sequencer: *sequencer, score: *score, transaction };
                self.at(*slot).proposals.insert(*header_hash, proposal);
            }
            RollupEvent::Displaced { slot, header_hash, .. } => {
                self.at(*slot).proposals.remove(header_hash);
            }
            RollupEvent::Committed { slot, header_hash, .. } => {
                self.at(*slot).commitments.insert(*header_hash, transaction);
            }
            RollupEvent::Revealed { slot, header_hash, .. } => {
                self.at(*slot).reveals.entry(*header_hash).or_default().push(transaction);
            }
            RollupEvent::Finalized { slot, header_hash, payee, outcome, state_root, l1_slot, .. } => {
                self.at(*slot).finalized = Some(FinalFacts {
                    header_hash: *header_hash,
                    payee: *payee,
                    outcome: *outcome,
                    state_root: *state_root,
                    transaction,
                    l1_slot: *l1_slot,
                    l1_block: number,
                });
            }
            RollupEvent::CandidateAbandoned { slot, sequencer, .. } => {
                self.at(*slot).abandoned.insert(*sequencer);
            }
            RollupEvent::CandidateWithheld { slot, sequencer, .. } => {
                self.at(*slot).withheld.insert(*sequencer);
            }
            RollupEvent::StakeSlashed { amount, .. } => {
                add(&mut self.slashed.stakes, U256::from(amount.get()))
            }
            RollupEvent::EscrowSlashed { amount, beneficiary, share, .. } => {
                add(&mut self.slashed.bonds, U256::from(amount.get()));
                add(&mut self.slashed.bond_shares, U256::from(share.get()));
                self.holders.escrows.insert(*beneficiary);
            }
            RollupEvent::EscrowDeposited { account, .. } => {
                self.holders.escrows.insert(*account);
            }
            RollupEvent::EscrowWithdrawn { to, .. } | RollupEvent::StakeWithdrawn { to, .. } => {
                self.holders.accounts.insert(*to);
            }
            RollupEvent::RewardCredited { account, amount } => {
                add(&mut self.paid.credited, *amount);
                self.holders.credited.insert(*account);
            }
            RollupEvent::RewardClaimed { to, amount, .. } => {
                add(&mut self.paid.claimed, *amount);
                self.holders.accounts.insert(*to);
            }
            RollupEvent::WithdrawalClaimed { to, amount, .. } => {
                self.claimed_units = self.claimed_units.saturating_add(u128::from(*amount));
                self.holders.accounts.insert(*to);
            }
            _ => {}
        }
    }

    fn at(&mut self, slot: Slot) -> &mut SlotFacts {
        self.slots.entry(slot).or_default()
    }
}

fn add(total: &mut Amount, amount: U256) {
    total.0 = total.0.saturating_add(amount);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Uint;
    use fernet_protocol::TokenAmount;

    fn block(number: u64, events: Vec<RollupEvent>) -> Arc<L1Block> {
        let logged = |(index, event)| LoggedEvent {
            event,
            tx: B256::with_last_byte(number as u8),
            log_index: index as u64,
        };
        Arc::new(L1Block {
            number,
            hash: B256::with_last_byte(number as u8),
            l1_slot: L1Slot::new(number + 100),
            header: Default::default(),
            events: events.into_iter().enumerate().map(logged).collect(),
        })
    }

    fn proposed(sequencer: u32, score: u64, header: u8) -> RollupEvent {
        RollupEvent::Proposed {
            slot: Slot::new(1),
            sequencer: SequencerId::new(sequencer),
            header_hash: B256::repeat_byte(header),
            score: Score::new(Uint::from(score)),
            start: L1Slot::new(1),
            previous_start: L1Slot::new(0),
        }
    }

    fn finalized(header: u8) -> RollupEvent {
        RollupEvent::Finalized {
            slot: Slot::new(1),
            header_hash: B256::repeat_byte(header),
            payee: Address::ZERO,
            outcome: Outcome::Rescued,
            state_root: B256::ZERO,
            deposits_end: 0,
            l1_slot: L1Slot::new(9),
        }
    }

    #[test]
    fn ranks_follow_the_scores_of_those_who_stayed_on_the_list() {
        let mut history = History::default();
        let displaced = RollupEvent::Displaced {
            slot: Slot::new(1),
            sequencer: SequencerId::new(4),
            header_hash: B256::repeat_byte(4),
        };
        history.apply(&block(1, vec![proposed(1, 10, 1), proposed(2, 30, 2), proposed(4, 99, 4), displaced]));
        let facts = history.slot(Slot::new(1));
        assert_eq!(facts.rank_of(B256::repeat_byte(1)), Some((SequencerId::new(1), 1)));
        assert_eq!(facts.rank_of(B256::repeat_byte(2)), Some((SequencerId::new(2), 0)));
        assert_eq!(facts.rank_of(B256::repeat_byte(4)), None);
        assert_eq!(facts.outcome(), SlotOutcome::Empty);
    }

    #[test]
    fn a_reorg_takes_back_what_it_undid() {
        let mut history = History::default();
        history.apply(&block(1, vec![proposed(1, 10, 1)]));
        history.apply(&block(2, vec![finalized(1)]));
        assert_eq!(history.slot(Slot::new(1)).outcome(), SlotOutcome::Rescued);
        history.rollback(1);
        assert_eq!(history.slot(Slot::new(1)).outcome(), SlotOutcome::Empty);
        assert_eq!(history.head().map(|block| block.number), Some(1));
        assert_eq!(history.slot(Slot::new(1)).proposals.len(), 1);
    }

    #[test]
    fn what_is_slashed_is_burned_but_for_the_rescuers_share() {
        let mut history = History::default();
        let amount = |n| TokenAmount::new(n);
        history.apply(&block(
            1,
            vec![
                RollupEvent::StakeSlashed {
                    sequencer: SequencerId::new(1),
                    amount: amount(5),
                    remaining: amount(95),
                },
                RollupEvent::EscrowSlashed {
                    account: Address::repeat_byte(1),
                    amount: amount(10),
                    beneficiary: Address::repeat_byte(2),
                    share: amount(4),
                },
            ],
        ));
        let slashed = history.slashed();
        assert_eq!(slashed.burned, Amount(U256::from(11)));
        assert!(history.holders().escrows.contains(&Address::repeat_byte(2)));
    }
}
