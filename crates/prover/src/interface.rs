//! The interface of the machine: facts and inputs in, effects out.

use alloy::primitives::{B256, U256};
use fernet_network::{AcceptedQuote, ProverContact};
use fernet_protocol::{L1Slot, Quote, SequencerId, Slot, TokenAmount};
use fernet_roles::ChainSnapshot;

/// What the machine knows at an L1 block.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The rollup at this L1 block.
    pub snapshot: ChainSnapshot,
    /// This prover's free escrow.
    pub free_escrow: TokenAmount,
    /// Whether the signing key binds the prover: it is the prover's own, or the one that it named in the
    /// escrow.
    pub may_sign: bool,
    /// Rewards that can be claimed, in token units.
    pub owed: U256,
}

/// The block of a quote request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedBlock {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the block's header.
    pub header_hash: B256,
    /// Hash of the parent's header.
    pub parent: B256,
    /// Number of chunks.
    pub chunks: u32,
    /// The sequencer that asks.
    pub sequencer: SequencerId,
}

/// An input of the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// There is a new L1 block, or another head after a reorg.
    Block(Box<Facts>),
    /// A sequencer asks for a quote.
    QuoteRequested {
        /// The block to prove. That the body fits this is unchecked.
        block: RequestedBlock,
        /// The facts when the request arrived. They may be newer than those of the last [`Input::Block`].
        facts: Box<Facts>,
    },
    /// [`Effect::Offer`] made an offer, in this process or before a restart.
    Offered {
        /// The offer.
        quote: Quote,
    },
    /// A sequencer signed one of this prover's quotes too, and leaves the commitment to the prover. The
    /// signature is checked.
    Accepted(Box<AcceptedQuote>),
    /// [`Effect::FetchBody`] found the body. Executing it gives the header.
    BodyFetched {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// [`Effect::FetchBody`] found no valid body.
    BodyMissing {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// [`Effect::BuildBackup`] built a block.
    BackupBuilt {
        /// The block's slot.
        slot: Slot,
        /// Hash of the parent's header.
        parent: B256,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// The prover was suspended before a restart.
    Suspended {
        /// What had failed.
        reason: String,
    },
    /// The operator says that the prover takes new work again.
    Resumed,
    /// The prover is to take no new work, because its process ends.
    Finish,
    /// [`Effect::Prove`] gave the block to the worker.
    ProofStarted {
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// The block's proof is ready.
    Proven {
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// The block's proof failed.
    ProofFailed {
        /// Hash of the block's header.
        header_hash: B256,
        /// Why it failed.
        reason: String,
    },
    /// This prover's finalization reverted, or would revert.
    FinalizeRefused {
        /// Hash of the block's header.
        header_hash: B256,
        /// The contract's error.
        reason: String,
    },
}

/// An effect of the machine: something to build, prove, sign or send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Checks the requested block, signs the quote, and sends it to the sequencer. Results in
    /// [`Input::Offered`]. If it is held, the request is declined.
    Offer {
        /// The quote to sign.
        quote: Quote,
    },
    /// Signs where sequencers reach this prover, and tells all peers. The driver emits it when the network
    /// says that it is time.
    Advertise {
        /// What is signed.
        contact: ProverContact,
    },
    /// Commits a quote on L1, with the sequencer's signature.
    Commit {
        /// The block's slot.
        slot: Slot,
        /// The quote with both signatures.
        accepted: Box<AcceptedQuote>,
        /// First L1 slot in which the commitment may not land any more.
        expires_at: L1Slot,
    },
    /// Asks peers for a block's body and checks it. Results in [`Input::BodyFetched`] or
    /// [`Input::BodyMissing`].
    FetchBody {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// Builds a block of this prover's own. Results in [`Input::BackupBuilt`].
    BuildBackup {
        /// The block's slot.
        slot: Slot,
        /// Hash of the tip's header.
        parent: B256,
        /// The block must consume what the Bridge queued before this L1 slot.
        cutoff: L1Slot,
    },
    /// Starts to prove a block. Results in [`Input::ProofStarted`], and later in [`Input::Proven`] or
    /// [`Input::ProofFailed`].
    Prove {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// Why the block is proven.
        purpose: ProofPurpose,
    },
    /// Finalizes the revealed block on L1.
    Finalize {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// The part of the proving phase in which the transaction can land.
        window: ProvingWindow,
        /// The prover that is committed to the block.
        committed: CommittedProver,
        /// First L1 slot in which the finalization may not land any more.
        expires_at: L1Slot,
    },
    /// Finalizes a block on L1 in the backup phase.
    FinalizeBackup {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// Where L1 finds the block's blobs.
        blobs: BackupBlobs,
        /// First L1 slot in which the finalization may not land any more.
        expires_at: L1Slot,
    },
    /// Sends, replaces and cancels the transactions that earlier effects submitted, as the new L1 block
    /// requires. The driver begins every step with it. While it is held, no transaction that waits is sent,
    /// none is replaced or cancelled, and the fate of transactions is unknown. May result in
    /// [`Input::FinalizeRefused`].
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
    Offer,
    Advertise,
    Commit,
    FetchBody,
    BuildBackup,
    Prove,
    Finalize,
    FinalizeBackup,
    ManageTransactions,
    /// The last kind: the length of [`EffectKind::ALL`] follows from it.
    ClaimRewards,
}

impl EffectKind {
    /// All kinds.
    pub const ALL: [Self; Self::ClaimRewards as usize + 1] = [
        Self::Offer,
        Self::Advertise,
        Self::Commit,
        Self::FetchBody,
        Self::BuildBackup,
        Self::Prove,
        Self::Finalize,
        Self::FinalizeBackup,
        Self::ManageTransactions,
        Self::ClaimRewards,
    ];
}

impl Effect {
    /// The kind of this effect.
    #[must_use]
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Offer { .. } => EffectKind::Offer,
            Self::Advertise { .. } => EffectKind::Advertise,
            Self::Commit { .. } => EffectKind::Commit,
            Self::FetchBody { .. } => EffectKind::FetchBody,
            Self::BuildBackup { .. } => EffectKind::BuildBackup,
            Self::Prove { .. } => EffectKind::Prove,
            Self::Finalize { .. } => EffectKind::Finalize,
            Self::FinalizeBackup { .. } => EffectKind::FinalizeBackup,
            Self::ManageTransactions => EffectKind::ManageTransactions,
            Self::ClaimRewards { .. } => EffectKind::ClaimRewards,
        }
    }

    /// The slot of the block that the effect is for; `None` if it is for no block.
    #[must_use]
    pub const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Offer { quote } => Some(quote.slot),
            Self::Commit { slot, .. }
            | Self::FetchBody { slot, .. }
            | Self::BuildBackup { slot, .. }
            | Self::Prove { slot, .. }
            | Self::Finalize { slot, .. }
            | Self::FinalizeBackup { slot, .. } => Some(*slot),
            Self::Advertise { .. } | Self::ManageTransactions | Self::ClaimRewards { .. } => None,
        }
    }
}

/// Why a block is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProofPurpose {
    /// This prover has a bond on the block.
    Commitment,
    /// Another prover is about to miss its window.
    Rescue,
    /// The slot is in the halt or backup phase.
    Backup,
}

/// A part of the proving phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProvingWindow {
    /// Only the committed prover may finalize.
    Exclusive,
    /// Any prover may finalize.
    Open,
}

/// The prover that is committed to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommittedProver {
    /// This prover.
    Own,
    /// Another prover.
    Other,
}

/// Where L1 finds the blobs of a block that is finalized in the backup phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupBlobs {
    /// In the reveal, which has landed.
    Revealed,
    /// In the finalization itself.
    Attached,
}
