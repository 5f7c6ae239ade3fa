//! The seven public inputs of a chunk's proof.

use fernet_ledger::account::L1Address;
use fernet_ledger::block::BlockRules;
use fernet_ledger::{ChunkWitness, Fr, statement};

/// How many there are.
pub const INPUT_COUNT: usize = 7;

/// What a chunk's proof states, in the order of the public inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkInputs {
    /// The state's root before the chunk.
    pub root_before: Fr,
    /// The state's root after it.
    pub root_after: Fr,
    /// The chunk's challenge.
    pub challenge: Fr,
    /// The chunk's share of its blob polynomial's value.
    pub share: Fr,
    /// The commitment to the chunk's data.
    pub data_commitment: Fr,
    /// The deposit polynomial's value.
    pub deposit_value: Fr,
    /// Payee and fee recipient.
    pub recipients: Fr,
}

impl ChunkInputs {
    /// What holds of chunk number `chunk` of a block with challenge `challenge`, computed natively.
    #[must_use]
    pub fn new(
        rules: &BlockRules,
        witness: &ChunkWitness,
        chunk: usize,
        challenge: Fr,
        payee: L1Address,
    ) -> Self {
        let challenge =
            statement::chunk_challenge(&rules.layout, rules.layout.position(chunk).chunk, challenge);
        let elements = witness.elements();
        Self {
            root_before: witness.root_before,
            root_after: witness.root_after,
            challenge,
            share: statement::share(&rules.layout, challenge, &elements),
            data_commitment: statement::data_commitment(rules.domain, &elements),
            deposit_value: statement::deposit_value(rules.domain, challenge, witness.deposits()),
            recipients: statement::recipients(payee, rules.fee_recipient),
        }
    }

    /// The inputs in order.
    #[must_use]
    pub const fn to_array(&self) -> [Fr; INPUT_COUNT] {
        [
            self.root_before,
            self.root_after,
            self.challenge,
            self.share,
            self.data_commitment,
            self.deposit_value,
            self.recipients,
        ]
    }
}
