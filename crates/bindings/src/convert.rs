//! Between the ABI's structs and those of `fernet-protocol`.
//!
//! From the ABI, conversions that can't fail are `From`; those of values whose ABI type is wider than what
//! the contracts store, or of enums, are `TryFrom`.

use crate::contracts;
use alloy::primitives::aliases::{I96, U72, U96};
use fernet_protocol as protocol;
use protocol::{Bps, CandidateFacts, L1Slot, Price, SequencerId, Slot, TokenAmount};

/// A value that the protocol doesn't know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// A number that none of the enum's members has.
    #[error("{name} has no such member, expected a number below {limit}")]
    UnknownMember { name: &'static str, limit: u8 },
    /// An amount that doesn't fit its ABI type.
    #[error("{name} of {actual} doesn't fit {bits} bits")]
    TooWide { name: &'static str, bits: u8, actual: u128 },
}

impl From<contracts::Header> for protocol::Header {
    fn from(header: contracts::Header) -> Self {
        Self {
            slot: Slot::new(header.slot),
            parent: header.parent,
            state_root: header.stateRoot,
            deposits_end: header.depositsEnd,
            deposits_chain: header.depositsChain,
            exits_end: header.exitsEnd,
            exits_chain: header.exitsChain,
            fee_recipient: header.feeRecipient,
            chunks: header.chunks,
            committee_digest: header.committeeDigest,
            vote: header.vote,
            blob_hashes: header.blobHashes,
        }
    }
}

impl From<protocol::Header> for contracts::Header {
    fn from(header: protocol::Header) -> Self {
        Self {
            slot: header.slot.get(),
            parent: header.parent,
            stateRoot: header.state_root,
            depositsEnd: header.deposits_end,
            depositsChain: header.deposits_chain,
            exitsEnd: header.exits_end,
            exitsChain: header.exits_chain,
            feeRecipient: header.fee_recipient,
            chunks: header.chunks,
            committeeDigest: header.committee_digest,
            vote: header.vote,
            blobHashes: header.blob_hashes,
        }
    }
}

impl From<contracts::Quote> for protocol::Quote {
    fn from(quote: contracts::Quote) -> Self {
        Self {
            slot: Slot::new(quote.slot),
            header_hash: quote.headerHash,
            sequencer: SequencerId::new(quote.sequencer),
            prover: quote.prover,
            payee: quote.payee,
            bond: TokenAmount::new(quote.bond),
            price: Price::new(quote.price),
            valid_until: L1Slot::new(quote.validUntil),
        }
    }
}

impl From<protocol::Quote> for contracts::Quote {
    fn from(quote: protocol::Quote) -> Self {
        Self {
            slot: quote.slot.get(),
            headerHash: quote.header_hash,
            sequencer: quote.sequencer.get(),
            prover: quote.prover,
            payee: quote.payee,
            bond: quote.bond.get(),
            price: quote.price.get(),
            validUntil: quote.valid_until.get(),
        }
    }
}

impl From<contracts::Parameters> for protocol::Parameters {
    fn from(p: contracts::Parameters) -> Self {
        Self {
            proposal_phase: p.proposalPhase,
            commitment_phase: p.commitmentPhase,
            reveal_phase: p.revealPhase,
            proving_phase: p.provingPhase,
            exclusive_proving: p.exclusiveProving,
            halt_phase: p.haltPhase,
            backup_phase: p.backupPhase,
            seed_delay: p.seedDelay,
            seed_grid: p.seedGrid,
            pause_length: p.pauseLength,
            stall_after: p.stallAfter,
            max_stall: p.maxStall,
            max_candidates: p.maxCandidates,
            max_blobs: p.maxBlobs,
            max_chunks: p.maxChunks,
            max_deposits: p.maxDeposits,
            max_exits: p.maxExits,
            rescue_share: Bps::new(p.rescueShareBps),
            min_bond: tokens(p.minBond),
            abandon_penalty: tokens(p.abandonPenalty),
            withhold_penalty: tokens(p.withholdPenalty),
        }
    }
}

impl From<contracts::Rates> for protocol::Rates {
    fn from(rates: contracts::Rates) -> Self {
        Self {
            reward_per_l1_slot: TokenAmount::new(rates.rewardPerL1Slot.to::<u128>()),
            sequencer_share: Bps::new(rates.sequencerBps),
            bonus_share: Bps::new(rates.bonusBps),
            prover_share: Bps::new(rates.proverBps),
            submitter_share: Bps::new(rates.submitterBps),
            promptness: Bps::new(rates.promptnessBps),
        }
    }
}

impl TryFrom<protocol::Rates> for contracts::Rates {
    type Error = InvalidValue;

    fn try_from(rates: protocol::Rates) -> Result<Self, InvalidValue> {
        Ok(Self {
            rewardPerL1Slot: narrow_72("rewardPerL1Slot", rates.reward_per_l1_slot)?,
            sequencerBps: rates.sequencer_share.get(),
            bonusBps: rates.bonus_share.get(),
            proverBps: rates.prover_share.get(),
            submitterBps: rates.submitter_share.get(),
            promptnessBps: rates.promptness.get(),
        })
    }
}

impl TryFrom<protocol::Parameters> for contracts::Parameters {
    type Error = InvalidValue;

    fn try_from(p: protocol::Parameters) -> Result<Self, InvalidValue> {
        Ok(Self {
            proposalPhase: p.proposal_phase,
            commitmentPhase: p.commitment_phase,
            revealPhase: p.reveal_phase,
            provingPhase: p.proving_phase,
            exclusiveProving: p.exclusive_proving,
            haltPhase: p.halt_phase,
            backupPhase: p.backup_phase,
            seedDelay: p.seed_delay,
            seedGrid: p.seed_grid,
            pauseLength: p.pause_length,
            stallAfter: p.stall_after,
            maxStall: p.max_stall,
            maxCandidates: p.max_candidates,
            maxBlobs: p.max_blobs,
            maxChunks: p.max_chunks,
            maxDeposits: p.max_deposits,
            maxExits: p.max_exits,
            rescueShareBps: p.rescue_share.get(),
            minBond: narrow("minBond", p.min_bond)?,
            abandonPenalty: narrow("abandonPenalty", p.abandon_penalty)?,
            withholdPenalty: narrow("withholdPenalty", p.withhold_penalty)?,
        })
    }
}

impl From<protocol::L1Operation> for contracts::L1Operation {
    fn from(operation: protocol::L1Operation) -> Self {
        let [head, x, y] = operation.words();
        Self { head, x, y }
    }
}

impl From<protocol::Lane> for contracts::Lane {
    fn from(lane: protocol::Lane) -> Self {
        match lane {
            protocol::Lane::Deposits => Self::Deposits,
            protocol::Lane::Exits => Self::Exits,
        }
    }
}

impl TryFrom<contracts::Lane> for protocol::Lane {
    type Error = InvalidValue;

    fn try_from(lane: contracts::Lane) -> Result<Self, InvalidValue> {
        match lane {
            contracts::Lane::Deposits => Ok(Self::Deposits),
            contracts::Lane::Exits => Ok(Self::Exits),
            contracts::Lane::__Invalid => Err(InvalidValue::UnknownMember { name: "Lane", limit: 2 }),
        }
    }
}

impl TryFrom<contracts::Phase> for protocol::Phase {
    type Error = InvalidValue;

    fn try_from(phase: contracts::Phase) -> Result<Self, InvalidValue> {
        Ok(match phase {
            contracts::Phase::Waiting => Self::Waiting,
            contracts::Phase::Proposal => Self::Proposal,
            contracts::Phase::Commitment => Self::Commitment,
            contracts::Phase::Reveal => Self::Reveal,
            contracts::Phase::ExclusiveProving => Self::ExclusiveProving,
            contracts::Phase::OpenProving => Self::OpenProving,
            contracts::Phase::Halt => Self::Halt,
            contracts::Phase::Backup => Self::Backup,
            contracts::Phase::__Invalid => {
                return Err(InvalidValue::UnknownMember { name: "Phase", limit: 8 });
            }
        })
    }
}

impl From<protocol::Phase> for contracts::Phase {
    fn from(phase: protocol::Phase) -> Self {
        match phase {
            protocol::Phase::Waiting => Self::Waiting,
            protocol::Phase::Proposal => Self::Proposal,
            protocol::Phase::Commitment => Self::Commitment,
            protocol::Phase::Reveal => Self::Reveal,
            protocol::Phase::ExclusiveProving => Self::ExclusiveProving,
            protocol::Phase::OpenProving => Self::OpenProving,
            protocol::Phase::Halt => Self::Halt,
            protocol::Phase::Backup => Self::Backup,
        }
    }
}

/// What happened to a candidate. L1 slot 0 stands for "not yet".
impl From<&contracts::Candidate> for CandidateFacts {
    fn from(candidate: &contracts::Candidate) -> Self {
        let at = |l1_slot: u64| (l1_slot != 0).then(|| L1Slot::new(l1_slot));
        Self { committed_at: at(candidate.committedAt), revealed_at: at(candidate.revealedAt) }
    }
}

/// The facts of a slot, from which its phase at any L1 slot follows.
impl From<&contracts::SlotView> for protocol::Timeline {
    fn from(view: &contracts::SlotView) -> Self {
        Self {
            slot: Slot::new(view.slot),
            start: L1Slot::new(view.start),
            previous_start: L1Slot::new(view.previousStart),
            candidates: view.candidates.iter().map(CandidateFacts::from).collect(),
        }
    }
}

/// An amount of 96 bits as tokens.
#[must_use]
pub fn tokens(amount: U96) -> TokenAmount {
    TokenAmount::new(amount.to::<u128>())
}

/// Tokens as an amount of 96 bits, for the field `name`.
///
/// # Errors
/// [`InvalidValue::TooWide`].
pub fn narrow(name: &'static str, amount: TokenAmount) -> Result<U96, InvalidValue> {
    U96::try_from(amount.get()).map_err(|_| InvalidValue::TooWide { name, bits: 96, actual: amount.get() })
}

/// Tokens as an amount of 72 bits, for the field `name`.
///
/// # Errors
/// [`InvalidValue::TooWide`].
pub fn narrow_72(name: &'static str, amount: TokenAmount) -> Result<U72, InvalidValue> {
    U72::try_from(amount.get()).map_err(|_| InvalidValue::TooWide { name, bits: 72, actual: amount.get() })
}

/// A stored price of 96 bits.
#[must_use]
pub fn price(price: I96) -> Price {
    // Every number of 96 bits is one of 128 bits.
    Price::new(i128::try_from(price).unwrap_or_default())
}
