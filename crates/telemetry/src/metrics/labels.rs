//! Labels. Every label but the names of endpoints, which the configuration bounds, has the values of an
//! enumeration, so the number of series is bounded.

use std::fmt;

use fernet_roles::{Cause, DutyStage, ProverOutcome};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// An enumeration whose variants are values of a label.
macro_rules! label_values {
    ($(
        $(#[$about:meta])*
        $name:ident { $( $(#[$doc:meta])* $variant:ident = $text:literal, )+ }
    )+) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$doc])* $variant, )+
        }

        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value as text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                self.name().encode(encoder)
            }
        }
    )+ };
}

label_values! {
    /// What a transaction is for.
    TxKind {
        /// A sequencer's proposal.
        Propose = "propose",
        /// A commitment.
        Commit = "commit",
        /// Blobs of a block.
        Reveal = "reveal",
        /// A proof.
        Finalize = "finalize",
        /// A proof in the backup phase.
        Backup = "backup",
        /// A claim of rewards.
        Claim = "claim",
        /// What the operator's commands submit.
        Other = "other",
    }
    /// How far an open transaction is.
    OpenStage {
        /// It wasn't sent.
        Waiting = "waiting",
        /// It was sent, and isn't included.
        Sent = "sent",
        /// A no-op is sent to use its nonce.
        Cancelling = "cancelling",
    }
    /// How a nonce was used.
    Inclusion {
        /// By the intended transaction.
        Mined = "mined",
        /// By the intended transaction, which reverted.
        Reverted = "reverted",
        /// By a no-op.
        Cancelled = "cancelled",
    }
    /// Why a transaction failed for good.
    TxFailure {
        /// It wasn't sent, because it would have reverted.
        WouldRevert = "would_revert",
        /// It was included and reverted.
        Reverted = "reverted",
        /// It was withdrawn before it was sent.
        Withdrawn = "withdrawn",
    }
    /// Whose rank.
    RankOf {
        /// The slot in turn.
        Current = "current",
        /// The slot after it.
        Next = "next",
    }
    /// How far a slot's duties got.
    Reached {
        /// The sequencer was a candidate.
        Proposed = "proposed",
        /// It was the best candidate.
        Won = "won",
        /// Its turn came.
        InTurn = "in_turn",
        /// A prover committed to its block.
        Committed = "committed",
        /// Its block was published.
        Revealed = "revealed",
        /// Its block is final.
        Finalized = "finalized",
        /// Its turn didn't come: a better candidate's block was published.
        StandBy = "stand_by",
        /// The guardian's pause ended the slot.
        Voided = "voided",
    }
    /// The first duty that wasn't met.
    Missed {
        /// To propose.
        Propose = "propose",
        /// To get a commitment.
        Commit = "commit",
        /// To publish the block.
        Reveal = "reveal",
        /// To have it finalized: its prover's duty.
        Finalize = "finalize",
    }
    /// Why a duty wasn't met.
    MissedBecause {
        /// Nothing was tried.
        NotTried = "not_tried",
        /// No quote could be taken.
        NoQuote = "no_quote",
        /// An effect failed.
        Failed = "failed",
        /// An L1 endpoint failed.
        L1 = "l1",
        /// The parent wasn't executed.
        NotSynced = "not_synced",
        /// The transaction wasn't included in time.
        NotIncluded = "not_included",
        /// L1 refused the transaction.
        Refused = "refused",
        /// The operator's policy held it.
        Held = "held",
        /// The prover didn't deliver.
        Prover = "prover",
    }
    /// What became of a prover's block.
    ProverResult {
        /// Proven in time.
        Proven = "proven",
        /// Proven late: a part of the bond is slashed.
        ProvenLate = "proven_late",
        /// Another prover proved it: bond slashed.
        Rescued = "rescued",
        /// Not finalized: bond slashed.
        Lost = "lost",
        /// The bond was released without a proof.
        Released = "released",
        /// The block of another prover's bond, proven by this one.
        Rescuer = "rescuer",
        /// Proven in the backup phase.
        Backup = "backup",
    }
    /// Why a quote request was declined.
    Decline {
        /// The prover is suspended.
        Suspended = "suspended",
        /// The prover is about to end.
        Finishing = "finishing",
        /// The block is for another slot, or the slot is in another phase.
        WrongTime = "wrong_time",
        /// The block's parent isn't the tip, or the state after it isn't known.
        Parent = "parent",
        /// The block is no candidate that can be committed.
        NotACandidate = "not_a_candidate",
        /// The sequencer's share doesn't cover the least price.
        Price = "price",
        /// L1 refuses the signature of the prover's key.
        Key = "key",
        /// The free escrow doesn't cover the bond.
        NotCovered = "not_covered",
    }
    /// Why a block is proven.
    Purpose {
        /// This prover has a bond on it.
        Commitment = "commitment",
        /// Another prover is about to miss its window.
        Rescue = "rescue",
        /// The slot is in the halt or backup phase.
        Backup = "backup",
    }
    /// A file that a role keeps.
    StoreKind {
        /// The follower's state.
        Follower = "follower",
        /// The role's journal.
        Journal = "journal",
        /// The role's transactions.
        Transactions = "transactions",
        /// The archive of blobs.
        Blobs = "blobs",
    }
    /// An account of the operator.
    AccountKind {
        /// Sends everything but blobs.
        Plain = "plain",
        /// Sends blobs.
        Blob = "blob",
        /// Claims rewards.
        Rewards = "rewards",
    }
    /// What became of a message from a peer.
    MessageVerdict {
        /// It was valid and new.
        Accepted = "accepted",
        /// It was valid, but of no use.
        Ignored = "ignored",
        /// It was invalid.
        Rejected = "rejected",
    }
    /// Level of a log line.
    LogLevel {
        /// Something is lost, or nothing goes on.
        Error = "error",
        /// The client goes on by itself.
        Warn = "warn",
    }
    /// Direction of traffic.
    Direction {
        /// From peers.
        Inbound = "inbound",
        /// To peers.
        Outbound = "outbound",
    }
}

/// A set of labels with one label.
macro_rules! one_label {
    ($($set:ident { $field:ident: $value:ty })+) => { $(
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(crate) struct $set {
            pub(crate) $field: $value,
        }
    )+ };
}

one_label! {
    OfKind { kind: TxKind }
    OfSlot { slot: RankOf }
    OfReason { reason: Decline }
    OfReached { reached: Reached }
    OfResult { result: ProverResult }
    OfPurpose { purpose: Purpose }
    OfStore { store: StoreKind }
    OfAccount { account: AccountKind }
    OfVerdict { verdict: MessageVerdict }
    OfDirection { direction: Direction }
    OfEndpoint { endpoint: String }
    OfCode { code: &'static str }
}

/// Log lines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfLog {
    pub(crate) level: LogLevel,
    pub(crate) code: String,
}

/// Missed duties.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfMissed {
    pub(crate) duty: Missed,
    pub(crate) cause: MissedBecause,
}

/// Open transactions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfOpen {
    pub(crate) kind: TxKind,
    pub(crate) stage: OpenStage,
}

/// Included transactions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfIncluded {
    pub(crate) kind: TxKind,
    pub(crate) result: Inclusion,
}

/// Failed transactions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfFailed {
    pub(crate) kind: TxKind,
    pub(crate) reason: TxFailure,
}

impl From<DutyStage> for Missed {
    fn from(stage: DutyStage) -> Self {
        match stage {
            DutyStage::Propose => Self::Propose,
            DutyStage::Commit => Self::Commit,
            DutyStage::Reveal => Self::Reveal,
            DutyStage::Finalize => Self::Finalize,
        }
    }
}

impl From<Cause> for MissedBecause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::NotTried => Self::NotTried,
            Cause::NoQuote => Self::NoQuote,
            Cause::Failed => Self::Failed,
            Cause::L1 => Self::L1,
            Cause::NotSynced => Self::NotSynced,
            Cause::NotIncluded => Self::NotIncluded,
            Cause::Refused => Self::Refused,
            Cause::Held => Self::Held,
            Cause::Prover => Self::Prover,
        }
    }
}

impl From<ProverOutcome> for ProverResult {
    fn from(outcome: ProverOutcome) -> Self {
        match outcome {
            ProverOutcome::Proven => Self::Proven,
            ProverOutcome::ProvenLate => Self::ProvenLate,
            ProverOutcome::Rescued => Self::Rescued,
            ProverOutcome::Lost => Self::Lost,
            ProverOutcome::Released => Self::Released,
            ProverOutcome::Rescuer => Self::Rescuer,
            ProverOutcome::Backup => Self::Backup,
        }
    }
}

impl TxKind {
    /// The kind with this name; [`Self::Other`] for any other name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or(Self::Other)
    }
}
