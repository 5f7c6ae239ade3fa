//! Values for the circuit's variables, from the ledger's witness.
//!
//! Everything is a field element here, so that tests can also try values that no ledger produces.

use alloy_primitives::Address;
use ark_ff::{AdditiveGroup, Field};
use fernet_ledger::{
    Account, ChunkWitness, Fr, PublicKey, QueuedOperation, Slot, SlotWitness,
    block::BlockRules,
    field::{self, power_of_two},
    operation::BODY_BITS,
    tree::{ARITY, Opening},
};

use crate::inputs::ChunkInputs;

/// Values of an account and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAssignment {
    /// Coordinates of its key.
    pub key: (Fr, Fr),
    /// Balance.
    pub balance: Fr,
    /// Nonce.
    pub nonce: Fr,
    /// For each level, the other three children.
    pub siblings: Vec<[Fr; ARITY - 1]>,
}

/// Values of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotAssignment {
    /// The lowest 160 bits of the data element.
    pub body: Fr,
    /// Whether the slot is a transfer.
    pub is_transfer: bool,
    /// Whether the slot is a withdrawal.
    pub is_withdrawal: bool,
    /// Whether the slot is a forced exit.
    pub is_exit: bool,
    /// Whether the slot is a deposit.
    pub is_deposit: bool,
    /// Whether the slot is the target of a withdrawal or an exit.
    pub is_target: bool,
    /// The payer before the slot.
    pub sender: AccountAssignment,
    /// Whether the payer's leaf is empty.
    pub absent: bool,
    /// The recipient after the payer's update.
    pub recipient: AccountAssignment,
    /// Whether the recipient's leaf is empty before.
    pub creates: bool,
    /// The signature's challenge.
    pub challenge: u128,
    /// The signature's response, lowest limb first.
    pub response: [u64; 4],
}

/// Values of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkAssignment {
    /// The public inputs.
    pub inputs: ChunkInputs,
    /// The state's root before the chunk.
    pub root_before: Fr,
    /// The state's root after it.
    pub root_after: Fr,
    /// The deployment's domain.
    pub domain: Fr,
    /// Who is paid for the proof, 160 bits.
    pub payee: Fr,
    /// Index of the fee recipient, 32 bits.
    pub fee_index: Fr,
    /// Basis points of the fees that are burned.
    pub fee_burn: Fr,
    /// The fee recipient before the fees are credited.
    pub fee_recipient: AccountAssignment,
    /// Whether the fee recipient exists.
    pub fees_are_credited: bool,
    /// All slots.
    pub slots: Vec<SlotAssignment>,
}

/// Why a witness can't be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// The signature of an operation isn't known.
    #[error("expected a signature in slot {slot}, found none")]
    MissingSignature {
        /// Which slot of the chunk.
        slot: usize,
    },
    /// The chunk isn't of the circuit's size.
    #[error("expected {expected} slots, got {actual}")]
    SlotCount {
        /// The circuit's.
        expected: usize,
        /// The chunk's.
        actual: usize,
    },
    /// A path isn't of the circuit's height.
    #[error("expected paths of {expected} levels, got {actual}")]
    PathLength {
        /// The circuit's.
        expected: usize,
        /// The path's.
        actual: usize,
    },
}

impl AccountAssignment {
    /// No account, on no path: the neutral point owning nothing.
    #[must_use]
    pub fn none(levels: usize) -> Self {
        let nothing = (Fr::ZERO, Fr::ZERO);
        Self {
            key: (Fr::ZERO, Fr::ONE),
            balance: nothing.0,
            nonce: nothing.1,
            siblings: vec![[Fr::ZERO; ARITY - 1]; levels],
        }
    }

    /// An opened account; `key` is for an empty leaf.
    #[must_use]
    pub fn opened(opening: &Opening, key: Option<PublicKey>) -> Self {
        let none = Self::none(0);
        let key =
            opening.account.map(|account| account.key).or(key).map_or(none.key, |key| (key.x(), key.y()));
        let number = |get: fn(&Account) -> Fr| opening.account.as_ref().map_or(Fr::ZERO, get);
        Self {
            key,
            balance: number(|account| Fr::from(account.balance)),
            nonce: number(|account| Fr::from(account.nonce)),
            siblings: opening.siblings.clone(),
        }
    }
}

impl SlotAssignment {
    /// The values of a slot in a tree of `levels` levels.
    ///
    /// # Errors
    /// When `slot`, number `number` of its chunk, lacks a signature.
    pub fn new(slot: &SlotWitness, number: usize, levels: usize) -> Result<Self, AssignmentError> {
        let account = |opening: Option<&Opening>, key| {
            opening.map_or_else(
                || AccountAssignment::none(levels),
                |opening| AccountAssignment::opened(opening, key),
            )
        };
        let signs = matches!(slot.slot, Slot::Transfer { .. } | Slot::Withdrawal { .. });
        let (challenge, response) = match slot.signature {
            Some(signature) => (signature.challenge(), signature.response()),
            None if signs => return Err(AssignmentError::MissingSignature { slot: number }),
            None => (0, [0; 4]),
        };
        let key = match slot.queued {
            Some(QueuedOperation::Deposit(deposit)) => Some(deposit.key),
            Some(QueuedOperation::Exit(_)) | None => None,
        };
        Ok(Self {
            body: body(&slot.slot),
            is_transfer: matches!(slot.slot, Slot::Transfer { .. }),
            is_withdrawal: matches!(slot.slot, Slot::Withdrawal { .. }),
            is_exit: matches!(slot.slot, Slot::Exit { .. }),
            is_deposit: matches!(slot.slot, Slot::Deposit { .. }),
            is_target: matches!(slot.slot, Slot::Target(_)),
            sender: account(slot.sender.as_ref(), None),
            absent: slot.sender.as_ref().is_some_and(|opening| opening.account.is_none()),
            recipient: account(slot.recipient.as_ref(), key),
            creates: slot.recipient.as_ref().is_some_and(|opening| opening.account.is_none()),
            challenge,
            response,
        })
    }
}

/// The data element without its kind.
fn body(slot: &Slot) -> Fr {
    slot.pack() - Fr::from(slot.kind()) * power_of_two(BODY_BITS.into())
}

impl ChunkAssignment {
    /// The values of chunk number `chunk` of a block with challenge `challenge`.
    ///
    /// # Errors
    /// When the witness lacks signatures.
    pub fn new(
        rules: &BlockRules,
        witness: &ChunkWitness,
        chunk: usize,
        challenge: Fr,
        payee: Address,
    ) -> Result<Self, AssignmentError> {
        let levels = witness.fee_recipient.siblings.len();
        let slots = witness.slots.iter().enumerate();
        Ok(Self {
            inputs: ChunkInputs::new(rules, witness, chunk, challenge, payee),
            root_before: witness.root_before,
            root_after: witness.root_after,
            domain: rules.domain.element(),
            payee: field::from_address(payee),
            fee_index: Fr::from(rules.fee_recipient.get()),
            fee_burn: Fr::from(rules.fee_burn.bps()),
            fee_recipient: AccountAssignment::opened(&witness.fee_recipient, None),
            fees_are_credited: witness.fee_recipient.account.is_some(),
            slots: slots
                .map(|(number, slot)| SlotAssignment::new(slot, number, levels))
                .collect::<Result<_, _>>()?,
        })
    }

    /// An assignment of the right shape for setting up: a chunk of padding.
    #[must_use]
    pub fn blank(levels: usize, operations: usize) -> Self {
        let slot = SlotAssignment {
            body: Fr::ZERO,
            is_transfer: false,
            is_withdrawal: false,
            is_exit: false,
            is_deposit: false,
            is_target: false,
            sender: AccountAssignment::none(levels),
            absent: false,
            recipient: AccountAssignment::none(levels),
            creates: false,
            challenge: 0,
            response: [0; 4],
        };
        Self {
            inputs: ChunkInputs::default(),
            root_before: Fr::ZERO,
            root_after: Fr::ZERO,
            domain: Fr::ZERO,
            payee: Fr::ZERO,
            fee_index: Fr::ZERO,
            fee_burn: Fr::ZERO,
            fee_recipient: AccountAssignment::none(levels),
            fees_are_credited: false,
            slots: vec![slot; operations],
        }
    }

    /// Checks the shape.
    ///
    /// # Errors
    /// When the number of slots or the length of a path is another.
    pub fn check_shape(&self, levels: usize, operations: usize) -> Result<(), AssignmentError> {
        let actual = self.slots.len();
        if actual != operations {
            return Err(AssignmentError::SlotCount { expected: operations, actual });
        }
        let accounts = self.slots.iter().flat_map(|slot| [&slot.sender, &slot.recipient]);
        for account in accounts.chain([&self.fee_recipient]) {
            let actual = account.siblings.len();
            if actual != levels {
                return Err(AssignmentError::PathLength { expected: levels, actual });
            }
        }
        Ok(())
    }
}
