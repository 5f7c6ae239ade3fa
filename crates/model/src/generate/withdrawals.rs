//! Claims of withdrawals.

use alloy::primitives::{Address, B256, Bytes, U256};
use fernet_bindings::{Header, IBridge, WithdrawalProof};

use super::Generator;
use crate::{
    blobs::{self, BLOBS},
    call::Call,
    model::Model,
};

impl Generator {
    /// A versioned hash for a header, sometimes that of a known blob.
    pub(super) fn blob(&mut self) -> B256 {
        if self.chance(50) {
            return BLOBS[self.below(BLOBS.len())].hash;
        }
        let mut hash = self.word();
        hash.0[0] = 1; // the version that a transaction's blobs have
        hash
    }

    /// The headers of finalized blocks with a known blob.
    pub(super) fn with_withdrawals(&self, model: &Model) -> Vec<Header> {
        let finalized = model.rollup.finalized.values().filter_map(|hash| self.headers.get(hash));
        finalized.filter(|h| h.blobHashes.iter().any(|hash| blobs::known(*hash).is_some())).cloned().collect()
    }

    /// A claim of a withdrawal, usually of one in the block. Sometimes the claim is faulty.
    pub(super) fn withdrawal(&mut self, model: &Model, mut headers: Vec<Header>) -> Call {
        let header = headers.swap_remove(self.below(headers.len()));
        let known: Vec<_> = (0..)
            .zip(&header.blobHashes)
            .filter_map(|(index, hash)| Some((index, blobs::known(*hash)?)))
            .collect();
        let (index, blob) = self.one_of(&known);
        // Every other element is a recipient.
        let elements: Vec<_> = blob.elements.keys().copied().step_by(2).collect();
        let element = self.one_of(&elements);
        let (withdrawal, target) = (&blob.elements[&element], &blob.elements[&(element + 1)]);
        let mut proof = WithdrawalProof {
            header,
            blob: U256::from(index),
            element: U256::from(element),
            withdrawal: withdrawal.value,
            target: target.value,
            commitment: blob.commitment.clone(),
            withdrawalOpening: withdrawal.proof.clone(),
            targetOpening: target.proof.clone(),
        };
        if self.chance(30) {
            self.spoil(&mut proof, model);
        }
        Call::ClaimWithdrawal(IBridge::claimCall { proof })
    }

    fn spoil(&mut self, proof: &mut WithdrawalProof, model: &Model) {
        let account = self.owner();
        match self.below(13) {
            0 => proof.header.stateRoot = self.word(),
            1 => proof.header.slot = model.rollup.tip.slot.wrapping_add(1),
            2 => proof.blob = U256::from(proof.header.blobHashes.len()),
            3 => proof.blob = U256::MAX,
            4 => proof.element = U256::from(4095),
            5 => proof.element += U256::from(2),
            6 => proof.withdrawal = blobs::withdrawal(1_000),
            7 => proof.target = blobs::target(account),
            8 => proof.target = blobs::target(Address::ZERO),
            9 => proof.withdrawal = proof.target,
            10 => proof.commitment = BLOBS[self.below(BLOBS.len())].commitment.clone(),
            11 => std::mem::swap(&mut proof.withdrawalOpening, &mut proof.targetOpening),
            _ => proof.targetOpening = Bytes::from_static(&[0xc0]),
        }
    }
}
