//! From the contracts' structs to the protocol's.

use fernet_protocol::{Bps, Header, Parameters, Slot, TokenAmount};

pub(crate) fn header(header: fernet_bindings::Header) -> Result<Header, String> {
    Ok(Header {
        slot: Slot::new(header.slot),
        parent: header.parent,
        state_root: header.stateRoot,
        deposits_end: header.depositsEnd,
        fee_recipient: header.feeRecipient,
        chunks: header.chunks,
        committee_digest: header.committeeDigest,
        blob_hashes: header.blobHashes,
    })
}

pub(crate) fn parameters(p: fernet_bindings::Parameters) -> Result<Parameters, String> {
    let amount = |value: alloy::primitives::aliases::U96| TokenAmount::new(value.to::<u128>());
    Ok(Parameters {
        proposal_phase: p.proposalPhase,
        commitment_phase: p.commitmentPhase,
        reveal_phase: p.revealPhase,
        proving_phase: p.provingPhase,
        exclusive_proving: p.exclusiveProving,
        halt_phase: p.haltPhase,
        backup_phase: p.backupPhase,
        seed_delay: p.seedDelay,
        seed_grid: p.seedGrid,
        max_candidates: p.maxCandidates,
        max_blobs: p.maxBlobs,
        max_chunks: p.maxChunks,
        max_deposits: p.maxDeposits,
        rescue_share: Bps::new(p.rescueShareBps),
        sequencer_share: Bps::new(p.sequencerBps),
        prover_share: Bps::new(p.proverBps),
        submitter_share: Bps::new(p.submitterBps),
        min_bond: amount(p.minBond),
        abandon_penalty: amount(p.abandonPenalty),
        withhold_penalty: amount(p.withholdPenalty),
        block_reward: amount(p.blockReward),
        reveal_bonus: amount(p.revealBonus),
    })
}
