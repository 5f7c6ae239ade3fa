//! RANDAO mixes that headers proved.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use fernet_bindings::IRandomness;
use fernet_protocol::{L1Slot, PROVABLE_L1_SLOTS};

use super::{Model, Outcome, refuse};
use crate::call::HeaderProof;

/// Proven mixes by L1 slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Randomness {
    pub(crate) mixes: BTreeMap<L1Slot, B256>,
}

impl Model {
    pub(super) fn prove_mix(&mut self, target: u64, proof: &HeaderProof) -> Outcome {
        if self.randomness.mixes.contains_key(&L1Slot::new(target)) {
            return Ok(());
        }
        let mix = self.read_mix(L1Slot::new(target), proof)?;
        self.randomness.mixes.insert(L1Slot::new(target), mix);
        let event = IRandomness::MixProven {
            l1Slot: target,
            mix,
            blockNumber: alloy::primitives::U256::from(proof.child.number),
        };
        self.emit(self.at.randomness, event);
        Ok(())
    }

    /// The mix that a proof proves: that of the first block after `target`. Here a block's number is its L1
    /// slot.
    pub(super) fn read_mix(&self, target: L1Slot, proof: &HeaderProof) -> Outcome<B256> {
        let (l1_slot, now) = (target.get(), self.frame.now);
        if target >= now {
            return refuse(IRandomness::TargetNotReached { l1Slot: l1_slot, now_: now.get() });
        }
        let child = &proof.child;
        if child.number >= now.get() || now.get() - child.number > PROVABLE_L1_SLOTS {
            return refuse(IRandomness::BlockHashUnavailable {
                blockNumber: alloy::primitives::U256::from(child.number),
            });
        }
        let header = self.l1_slot(child.timestamp);
        if header <= target {
            return refuse(IRandomness::NotAfterTarget { l1Slot: l1_slot, header: header.get() });
        }
        match &proof.parent {
            None if child.timestamp != self.rules.time_of(l1_slot + 1) => refuse(IRandomness::ParentNeeded {
                l1Slot: l1_slot,
                timestamp: alloy::primitives::U256::from(child.timestamp),
            }),
            Some(parent) if self.l1_slot(parent.timestamp) > target => {
                let header = self.l1_slot(parent.timestamp).get();
                refuse(IRandomness::ParentAfterTarget { l1Slot: l1_slot, header })
            }
            _ => Ok(child.mix),
        }
    }
}
