//! The interface of the machine: facts and inputs in, effects out.

use alloy::primitives::{B256, U256};
use fernet_network::SignedQuote;
use fernet_protocol::{Header, L1Slot, Score, Slot};
use fernet_roles::ChainSnapshot;

use crate::quotes::ReceivedQuote;

/// What the machine knows at an L1 block.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The rollup at this L1 block.
    pub snapshot: ChainSnapshot,
    /// Whether L1 knows the seed of the slot in turn.
    pub seed: SeedStatus,
    /// This sequencer's rank in the slot in turn; `None` if it isn't eligible or the seed isn't known yet.
    pub own_rank: Option<OwnRank>,
    /// Rewards that can be claimed, in token units.
    pub owed: U256,
    /// The newest block of this sequencer on L1 that this process didn't build, of the slots that the journal
    /// keeps; `None` if there is none.
    pub foreign: Option<ForeignBlock>,
}

/// A block of this sequencer on L1 that this process didn't build: another process proposed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignBlock {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
}

/// Whether a sequencer takes new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Availability {
    /// It does.
    #[default]
    Available,
    /// It doesn't, because it ends. It goes on with the block that is a candidate already.
    Finishing,
    /// It doesn't, because another process acts with its keys.
    Standby {
        /// The newest block of that process.
        foreign: ForeignBlock,
    },
}

/// Whether L1 knows the seed of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedStatus {
    /// L1 knows it. A proposal needs no proof of it.
    Proven,
    /// L1 doesn't know it. The first proposal must prove it.
    Unproven,
}

/// This sequencer's rank in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRank {
    /// The rank among all eligible sequencers, from 0, the best. Under VRF scoring it is the expected rank,
    /// as the scores of others are hidden.
    pub rank: usize,
    /// The sequencer's score.
    pub score: Score,
}

/// A block that is ready to be proposed. Its body is in the block store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedBlock {
    /// The header.
    pub header: Header,
    /// Hash of the header.
    pub header_hash: B256,
}

/// An input of the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// There is a new L1 block, or another head after a reorg.
    Block(Box<Facts>),
    /// [`Effect::Build`] built a block.
    BlockBuilt(PreparedBlock),
    /// [`Effect::LoadBlock`] found a block of before a restart.
    BlockLoaded {
        /// The block.
        block: PreparedBlock,
        /// The quote that was about to be committed or handed over, if one was.
        quote: Option<Box<SignedQuote>>,
    },
    /// [`Effect::CancelProposal`] withdrew the proposal.
    ProposalCancelled {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Provers answered [`Effect::RequestQuotes`].
    QuotesReceived {
        /// The block's slot.
        slot: Slot,
        /// The quotes, unchecked.
        quotes: Vec<ReceivedQuote>,
    },
    /// The commitment can't land any more: it would revert, it reverted, or its window closed.
    CommitFailed {
        /// The block's slot.
        slot: Slot,
        /// The quote of the commitment.
        quote: Box<SignedQuote>,
    },
    /// The sequencer is to take no new work, because its process ends.
    Finish,
    /// [`Effect::AnnounceBody`] announced the body.
    BodyAnnounced {
        /// The block's slot.
        slot: Slot,
    },
}

/// An effect of the machine: something to build, sign or send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Builds a block on the tip. Results in [`Input::BlockBuilt`].
    Build {
        /// The block's slot.
        slot: Slot,
        /// Hash of the tip's header.
        parent: B256,
        /// The block must consume what the Bridge queued before this L1 slot.
        cutoff: L1Slot,
    },
    /// Looks in the journal for a block that is on L1 but unknown to this process. Results in
    /// [`Input::BlockLoaded`].
    LoadBlock {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Withdraws a proposal whose parent was undone by a reorg, that lost to one of another process, or that
    /// is not on L1 yet when the sequencer is to end. Results in [`Input::ProposalCancelled`].
    CancelProposal {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Proposes the block on L1.
    Propose {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// This sequencer's rank among all eligible sequencers.
        rank: usize,
        /// L1 slot of the RANDAO mix that gives the seed. L1 may need a proof of it.
        seed_at: L1Slot,
        /// First L1 slot in which the proposal may not land any more.
        expires_at: L1Slot,
    },
    /// Signs a request for quotes with the attester's key, and sends it to provers, who may fetch the block's
    /// body then. Results in [`Input::QuotesReceived`].
    RequestQuotes {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Commits the quote on L1, with the prover's signature. May result in [`Input::CommitFailed`].
    Commit {
        /// The block's slot.
        slot: Slot,
        /// The chosen quote.
        quote: Box<SignedQuote>,
        /// First L1 slot in which the commitment may not land any more.
        expires_at: L1Slot,
    },
    /// Signs the quote and sends it to its prover, which commits it on L1.
    HandOver {
        /// The block's slot.
        slot: Slot,
        /// The chosen quote.
        quote: Box<SignedQuote>,
    },
    /// Publishes the block's blobs on L1.
    Reveal {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// Bit i: L1 has seen blob i.
        seen: u16,
        /// First L1 slot in which the reveal may not land any more.
        expires_at: L1Slot,
    },
    /// Tells all peers that this sequencer serves the revealed block's body. A rescuer needs the signatures,
    /// which the blobs don't have. Results in [`Input::BodyAnnounced`].
    AnnounceBody {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Sends, replaces and cancels the transactions that earlier effects submitted, as the new L1 block
    /// requires. The driver begins every step with it. While it is held, no transaction that waits is sent,
    /// none is replaced or cancelled, and the fate of transactions is unknown. May result in
    /// [`Input::CommitFailed`].
    ManageTransactions,
    /// Claims the rewards on L1.
    ClaimRewards {
        /// The rewards, in token units.
        owed: U256,
    },
}

/// The kind of an [`Effect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the effects have the documentation")]
pub enum EffectKind {
    Build,
    LoadBlock,
    CancelProposal,
    Propose,
    RequestQuotes,
    Commit,
    HandOver,
    Reveal,
    AnnounceBody,
    ManageTransactions,
    /// The last kind: the length of [`EffectKind::ALL`] follows from it.
    ClaimRewards,
}

impl EffectKind {
    /// All kinds.
    pub const ALL: [Self; Self::ClaimRewards as usize + 1] = [
        Self::Build,
        Self::LoadBlock,
        Self::CancelProposal,
        Self::Propose,
        Self::RequestQuotes,
        Self::Commit,
        Self::HandOver,
        Self::Reveal,
        Self::AnnounceBody,
        Self::ManageTransactions,
        Self::ClaimRewards,
    ];
}

impl Effect {
    /// The kind of this effect.
    #[must_use]
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Build { .. } => EffectKind::Build,
            Self::LoadBlock { .. } => EffectKind::LoadBlock,
            Self::CancelProposal { .. } => EffectKind::CancelProposal,
            Self::Propose { .. } => EffectKind::Propose,
            Self::RequestQuotes { .. } => EffectKind::RequestQuotes,
            Self::Commit { .. } => EffectKind::Commit,
            Self::HandOver { .. } => EffectKind::HandOver,
            Self::Reveal { .. } => EffectKind::Reveal,
            Self::AnnounceBody { .. } => EffectKind::AnnounceBody,
            Self::ManageTransactions => EffectKind::ManageTransactions,
            Self::ClaimRewards { .. } => EffectKind::ClaimRewards,
        }
    }

    /// The slot of the block that the effect is for; `None` if it is for no block.
    #[must_use]
    pub const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Build { slot, .. }
            | Self::LoadBlock { slot, .. }
            | Self::CancelProposal { slot, .. }
            | Self::Propose { slot, .. }
            | Self::RequestQuotes { slot, .. }
            | Self::Commit { slot, .. }
            | Self::HandOver { slot, .. }
            | Self::Reveal { slot, .. }
            | Self::AnnounceBody { slot, .. } => Some(*slot),
            Self::ManageTransactions | Self::ClaimRewards { .. } => None,
        }
    }
}
