//! The statement of a block's proof, and the challenge that depends on it.

use alloy_primitives::Address;
use fernet_ledger::{
    BlockRules, BlockWitness, Fr,
    statement::{self, Challenged},
};

/// What a block's proof is bound to besides the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStatement {
    /// Hash of the header.
    pub header_hash: [u8; 32],
    /// Rolling hash of the lane of deposits after those that the block consumes; zero if it consumes none.
    pub deposits_to: [u8; 32],
    /// Rolling hash of the lane of forced exits after those that the block consumes; zero if it consumes
    /// none.
    pub exits_to: [u8; 32],
    /// L1 address that receives the reward of the proof.
    pub payee: Address,
}

/// The challenge of a block.
#[must_use]
pub fn challenge(block: &BlockWitness, statement: &BlockStatement) -> Fr {
    challenge_of(statement, &block.rules, block.parent_root(), &block.commitments(statement.payee))
}

/// The challenge of a block whose chunks have these roots and commitments.
pub(crate) fn challenge_of(
    statement: &BlockStatement,
    rules: &BlockRules,
    parent_root: Fr,
    chunks: &[(Fr, Fr)],
) -> Fr {
    statement::challenge(&Challenged {
        header_hash: statement.header_hash,
        deposits_to: statement.deposits_to,
        exits_to: statement.exits_to,
        domain: rules.domain,
        recipients: rules.recipients(statement.payee),
        parent_root,
        chunks,
    })
}
