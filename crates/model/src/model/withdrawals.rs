//! Claims of withdrawals of finalized blocks.

use alloy::primitives::{B256, Bytes, U256};
use fernet_bindings::{IBridge, WithdrawalProof};
use fernet_protocol::Header;

use super::{Model, Outcome, refuse};
use crate::blobs;

impl Model {
    pub(super) fn claim_withdrawal(&mut self, proof: &WithdrawalProof) -> Outcome {
        let slot = proof.header.slot;
        let hash = Header::from(proof.header.clone()).hash();
        if self.rollup.finalized.get(&slot) != Some(&hash) {
            return refuse(IBridge::NotFinalized { slot, headerHash: hash });
        }
        let (blob, element) = (proof.blob, proof.element);
        let limit = U256::from(proof.header.blobHashes.len());
        if blob >= limit {
            return refuse(IBridge::BlobOutOfRange { blob, limit });
        }
        let limit = U256::from(self.rules.blob_elements - 1);
        if element >= limit {
            return refuse(IBridge::ElementOutOfRange { element, limit });
        }
        let claimed = (slot, blob, element);
        if self.bridge.claimed.contains(&claimed) {
            return refuse(IBridge::AlreadyClaimed { slot, blob, element });
        }
        let Some(amount) = blobs::amount_of(proof.withdrawal) else {
            return refuse(IBridge::NotAWithdrawal { element: proof.withdrawal });
        };
        let Some(to) = blobs::target_of(proof.target) else {
            return refuse(IBridge::NotATarget { element: proof.target });
        };
        for (element, value, opening) in [
            (element, proof.withdrawal, &proof.withdrawalOpening),
            (element + U256::ONE, proof.target, &proof.targetOpening),
        ] {
            if !opens(proof, element, value, opening) {
                return refuse(IBridge::OpeningRejected { element });
            }
        }
        let available = self.bridge.supply;
        let Some(left) = available.checked_sub(amount) else {
            return refuse(IBridge::SupplyTooLow { available, needed: amount });
        };
        self.bridge.claimed.insert(claimed);
        self.bridge.supply = left;
        self.emit(self.at.bridge, IBridge::WithdrawalClaimed { slot, blob, element, to, amount });
        self.transfer(self.at.bridge, to, u128::from(amount) * u128::from(self.rules.unit))
    }
}

/// Whether a known blob opens to that value at that point. Each opening has exactly one valid proof.
fn opens(proof: &WithdrawalProof, element: U256, value: B256, opening: &Bytes) -> bool {
    let index = proof.blob.saturating_to::<usize>();
    let blob = proof.header.blobHashes.get(index).and_then(|hash| blobs::known(*hash));
    blob.filter(|blob| blob.commitment == proof.commitment)
        .and_then(|blob| blob.elements.get(&element.saturating_to::<u64>()))
        .is_some_and(|shown| shown.value == value && shown.proof == *opening)
}
