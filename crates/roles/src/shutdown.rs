//! How a role ends: at once, or after what only it can finish.

use std::fmt;

use alloy::primitives::B256;
use fernet_l1::IntentKey;
use fernet_protocol::{L1Slot, Slot};

/// What a running role is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shutdown {
    /// To go on.
    #[default]
    None,
    /// To take no new work, and to end when nothing is [`Outstanding`].
    WhenFinished,
    /// To end after the step that is being made. What is outstanding goes on after a restart.
    Now,
}

/// Something that is lost if the role ends now and doesn't start again in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outstanding {
    /// A candidate that isn't revealed and announced yet. Its sequencer's stake is at risk.
    Candidate {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// A bond that is locked for a block.
    Bond {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
    },
    /// A signed quote that a sequencer can still commit, which locks a bond.
    Offer {
        /// The block's slot.
        slot: Slot,
        /// Hash of the block's header.
        header_hash: B256,
        /// Last L1 slot in which the commitment can land.
        valid_until: L1Slot,
    },
    /// An L1 transaction that waits, or was sent and isn't in a block.
    Transaction {
        /// Its idempotency key.
        key: IntentKey,
    },
}

impl fmt::Display for Outstanding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Candidate { slot, header_hash } => {
                write!(formatter, "candidate {header_hash} of slot {slot}")
            }
            Self::Bond { slot, header_hash } => write!(formatter, "bond on {header_hash} of slot {slot}"),
            Self::Offer { slot, header_hash, valid_until } => {
                write!(formatter, "offer for {header_hash} of slot {slot}, valid until L1 slot {valid_until}")
            }
            Self::Transaction { key } => write!(formatter, "transaction {key}"),
        }
    }
}
