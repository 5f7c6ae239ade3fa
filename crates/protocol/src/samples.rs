//! Sample values for tests, examples and benchmarks. Nothing in the client's own code uses them.

use alloy_primitives::{Address, B256};

use crate::{Bps, Header, Parameters, Rates, Slot, TokenAmount};

/// Parameters with the devnet's phases and shares. Amounts are small: a bond of 25 token units, penalties of
/// 2 and 5.
#[must_use]
pub const fn parameters() -> Parameters {
    Parameters {
        proposal_phase: 4,
        commitment_phase: 3,
        reveal_phase: 3,
        proving_phase: 60,
        exclusive_proving: 40,
        halt_phase: 1,
        backup_phase: 8,
        seed_delay: 2,
        seed_grid: 1,
        pause_length: 50,
        stall_after: 200,
        max_stall: 100,
        max_candidates: 3,
        max_blobs: 6,
        max_chunks: 16,
        max_deposits: 56,
        max_exits: 28,
        rescue_share: Bps::new(2_000),
        min_bond: TokenAmount::new(25),
        abandon_penalty: TokenAmount::new(2),
        withhold_penalty: TokenAmount::new(5),
    }
}

/// Rates with a reward of 12 token units for each L1 slot and the devnet's shares.
#[must_use]
pub const fn rates() -> Rates {
    Rates {
        reward_per_l1_slot: TokenAmount::new(12),
        sequencer_share: Bps::new(2_000),
        bonus_share: Bps::new(2_000),
        prover_share: Bps::new(5_000),
        submitter_share: Bps::new(1_000),
        promptness: Bps::new(5_000),
    }
}

/// The header of a block of one chunk without blobs, with zeros for everything else.
#[must_use]
pub const fn header(slot: Slot) -> Header {
    Header {
        slot,
        parent: B256::ZERO,
        state_root: B256::ZERO,
        deposits_end: 0,
        deposits_chain: B256::ZERO,
        exits_end: 0,
        exits_chain: B256::ZERO,
        fee_recipient: 0,
        chunks: 1,
        committee_digest: B256::ZERO,
        vote: Address::ZERO,
        blob_hashes: Vec::new(),
    }
}
