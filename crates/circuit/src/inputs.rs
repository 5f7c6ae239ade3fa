//! The public inputs of a chunk's proof.

use alloy_primitives::Address;
use fernet_ledger::{ChunkWitness, Fr, block::BlockRules, statement};

/// Number of public inputs.
pub const INPUT_COUNT: usize = 4;

/// The public inputs of a chunk's proof, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkInputs {
    /// The chunk's challenge.
    pub challenge: Fr,
    /// The chunk's share of the value of its blob's polynomial.
    pub share: Fr,
    /// The commitment to the chunk's context and data.
    pub commitment: Fr,
    /// The value of the polynomial of the chunk's context and operations of L1.
    pub binding: Fr,
}

impl ChunkInputs {
    /// The public inputs of chunk number `chunk` of a block with the challenge `challenge`.
    #[must_use]
    pub fn new(
        rules: &BlockRules,
        witness: &ChunkWitness,
        chunk: usize,
        challenge: Fr,
        payee: Address,
    ) -> Self {
        let challenge =
            statement::chunk_challenge(&rules.layout, rules.layout.position(chunk).chunk, challenge);
        let (elements, context) = (witness.elements(), witness.context(rules, payee));
        Self {
            challenge,
            share: statement::share(&rules.layout, challenge, &elements),
            commitment: statement::commitment(&context, &elements),
            binding: statement::binding(&context, challenge, witness.queued()),
        }
    }

    /// The inputs in their order.
    #[must_use]
    pub const fn to_array(&self) -> [Fr; INPUT_COUNT] {
        [self.challenge, self.share, self.commitment, self.binding]
    }
}
