//! What the rollup's view doesn't keep: which transactions made a block, who lost a turn, and who ever had an
//! escrow or a reward.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy::primitives::{B256, TxHash};
use fernet_l1::{FeedUpdate, L1Block, LoggedEvent, RollupEvent};
use fernet_protocol::{L1Slot, SequencerId, Slot};

use crate::tokens::Holders;

/// Transactions about one header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderTransactions {
    /// Its proposal.
    pub propose: Option<TxHash>,
    /// Its prover's commitment.
    pub commit: Option<TxHash>,
    /// All that revealed its blobs.
    pub reveal: Vec<TxHash>,
}

/// Who lost a turn in a slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostTurns {
    /// Sequencers whose block no prover committed to.
    pub abandoned: BTreeSet<SequencerId>,
    /// Sequencers that revealed no data.
    pub withheld: BTreeSet<SequencerId>,
}

/// What happened since the deployment.
#[derive(Debug, Clone, Default)]
pub struct History {
    blocks: Vec<Arc<L1Block>>,
    headers: BTreeMap<B256, HeaderTransactions>,
    lost: BTreeMap<Slot, LostTurns>,
    holders: Holders,
}

impl History {
    /// Takes note of a new L1 block, or of a reorg.
    pub fn apply(&mut self, update: &FeedUpdate) {
        match update {
            FeedUpdate::Block(block) | FeedUpdate::Settled(block) => {
                block.events.iter().for_each(|event| self.event(event));
                self.blocks.push(Arc::clone(block));
            }
            FeedUpdate::Rollback { to } => {
                let blocks = std::mem::take(&mut self.blocks);
                *self = Self::default();
                for block in blocks.into_iter().filter(|block| block.number <= *to) {
                    self.apply(&FeedUpdate::Block(block));
                }
            }
        }
    }

    /// The newest L1 block.
    #[must_use]
    pub fn head(&self) -> Option<&Arc<L1Block>> {
        self.blocks.last()
    }

    /// The number of the first L1 block in or after an L1 slot.
    #[must_use]
    pub fn block_at(&self, l1_slot: L1Slot) -> Option<u64> {
        let after = self.blocks.partition_point(|block| block.l1_slot < l1_slot);
        self.blocks.get(after).map(|block| block.number)
    }

    /// The transactions about a header.
    #[must_use]
    pub fn transactions(&self, header_hash: B256) -> HeaderTransactions {
        self.headers.get(&header_hash).cloned().unwrap_or_default()
    }

    /// Who lost a turn in a slot, as far as L1 has counted it.
    #[must_use]
    pub fn lost_turns(&self, slot: Slot) -> LostTurns {
        self.lost.get(&slot).cloned().unwrap_or_default()
    }

    /// Every account that had an escrow or a reward.
    #[must_use]
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    fn event(&mut self, logged: &LoggedEvent) {
        let transaction = logged.tx;
        match &logged.event {
            RollupEvent::Proposed { header_hash, .. } => {
                self.headers.entry(*header_hash).or_default().propose = Some(transaction);
            }
            RollupEvent::Committed { header_hash, .. } => {
                self.headers.entry(*header_hash).or_default().commit = Some(transaction);
            }
            RollupEvent::Revealed { header_hash, .. } => {
                self.headers.entry(*header_hash).or_default().reveal.push(transaction);
            }
            RollupEvent::CandidateAbandoned { slot, sequencer, .. } => {
                self.lost.entry(*slot).or_default().abandoned.insert(*sequencer);
            }
            RollupEvent::CandidateWithheld { slot, sequencer, .. } => {
                self.lost.entry(*slot).or_default().withheld.insert(*sequencer);
            }
            RollupEvent::EscrowSlashed { beneficiary, .. } => {
                self.holders.escrows.insert(*beneficiary);
            }
            RollupEvent::EscrowDeposited { account, .. } => {
                self.holders.escrows.insert(*account);
            }
            RollupEvent::BlockPaid { sequencer, prover, submitter, .. } => {
                self.holders.credited.extend([*sequencer, *prover, *submitter]);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Address, U256};
    use fernet_protocol::{Price, Score, TokenAmount};

    fn block(number: u64, events: Vec<RollupEvent>) -> FeedUpdate {
        let logged = |(index, event)| LoggedEvent {
            event,
            tx: B256::with_last_byte(number as u8),
            log_index: index as u64,
        };
        FeedUpdate::Block(Arc::new(L1Block {
            number,
            hash: B256::with_last_byte(number as u8),
            l1_slot: L1Slot::new(2 * number),
            header: Default::default(),
            events: events.into_iter().enumerate().map(logged).collect(),
        }))
    }

    fn committed(header: u8) -> RollupEvent {
        RollupEvent::Committed {
            slot: Slot::new(1),
            header_hash: B256::repeat_byte(header),
            prover: Address::ZERO,
            sequencer: SequencerId::new(1),
            payee: Address::ZERO,
            bond: TokenAmount::ZERO,
            price: Price::ZERO,
            l1_slot: L1Slot::new(1),
        }
    }

    #[test]
    fn a_headers_transactions_are_found_again() {
        let mut history = History::default();
        let proposed = RollupEvent::Proposed {
            slot: Slot::new(1),
            sequencer: SequencerId::new(1),
            header_hash: B256::repeat_byte(9),
            score: Score::new(Default::default()),
            start: L1Slot::new(1),
            previous_start: L1Slot::new(0),
        };
        history.apply(&block(1, vec![proposed]));
        history.apply(&block(2, vec![committed(9)]));
        let transactions = history.transactions(B256::repeat_byte(9));
        assert_eq!(transactions.propose, Some(B256::with_last_byte(1)));
        assert_eq!(transactions.commit, Some(B256::with_last_byte(2)));
        assert_eq!(history.transactions(B256::repeat_byte(8)), HeaderTransactions::default());
    }

    #[test]
    fn a_reorg_takes_back_what_it_undid() {
        let mut history = History::default();
        let [sequencer, prover, submitter] = [1, 2, 3].map(Address::repeat_byte);
        let credited = RollupEvent::BlockPaid {
            slot: Slot::new(1),
            sequencer,
            sequencer_reward: U256::ONE,
            prover,
            prover_reward: U256::ONE,
            submitter,
            submitter_reward: U256::ONE,
        };
        history.apply(&block(1, vec![credited]));
        history.apply(&block(2, vec![committed(9)]));
        history.apply(&FeedUpdate::Rollback { to: 1 });
        assert_eq!(history.transactions(B256::repeat_byte(9)).commit, None);
        assert_eq!(history.head().map(|block| block.number), Some(1));
        assert_eq!(history.holders().credited.len(), 3);
    }

    #[test]
    fn the_first_block_in_or_after_an_l1_slot() {
        let mut history = History::default();
        history.apply(&block(1, vec![]));
        history.apply(&block(2, vec![]));
        assert_eq!(history.block_at(L1Slot::new(2)), Some(1));
        assert_eq!(history.block_at(L1Slot::new(3)), Some(2));
        assert_eq!(history.block_at(L1Slot::new(5)), None);
    }
}
