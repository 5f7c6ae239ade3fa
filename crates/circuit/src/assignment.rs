//! The assignment: values of the circuit's variables, computed from the ledger's witness.
//!
//! Numbers are field elements, so that tests can also assign values that the ledger never produces.

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

/// Values of an account and of its Merkle path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAssignment {
    /// Affine coordinates of the key.
    pub key: (Fr, Fr),
    /// Balance in L2 units.
    pub balance: Fr,
    /// Number of operations that it has signed.
    pub nonce: Fr,
    /// For each level, leaves first, the three siblings from the left.
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
    /// The sender before the slot.
    pub sender: AccountAssignment,
    /// Whether the sender's leaf is empty.
    pub sender_is_absent: bool,
    /// The recipient after the update of the sender.
    pub recipient: AccountAssignment,
    /// Whether the recipient's leaf is empty before the slot.
    pub creates_recipient: bool,
    /// Challenge of the signature.
    pub challenge: u128,
    /// Response of the signature as 64-bit limbs, least significant first.
    pub response: [u64; 4],
}

/// Values of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkAssignment {
    /// The public inputs.
    pub inputs: ChunkInputs,
    /// State root before the chunk.
    pub root_before: Fr,
    /// State root after the chunk.
    pub root_after: Fr,
    /// Domain of the deployment.
    pub domain: Fr,
    /// L1 address that receives the reward of the proof, 160 bits.
    pub payee: Fr,
    /// Account index of the fee recipient, 32 bits.
    pub fee_index: Fr,
    /// Burned share of the fees in basis points.
    pub fee_burn: Fr,
    /// The fee recipient before the fees are credited.
    pub fee_recipient: AccountAssignment,
    /// Whether the fee recipient exists.
    pub fees_are_credited: bool,
    /// Values of all slots.
    pub slots: Vec<SlotAssignment>,
}

/// Why a witness gives no assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// The witness lacks the signature of an operation.
    #[error("the signature of the operation in slot {slot} is missing")]
    MissingSignature { slot: usize },
    /// The number of slots isn't the circuit's.
    #[error("expected {expected} slots, got {actual}")]
    SlotCount { expected: usize, actual: usize },
    /// The length of a Merkle path isn't the circuit's.
    #[error("expected Merkle paths of {expected} levels, got {actual}")]
    PathLength { expected: usize, actual: usize },
}

impl AccountAssignment {
    /// The values of an unused account: the neutral point as key, and zero otherwise.
    #[must_use]
    pub fn unused(levels: usize) -> Self {
        Self {
            key: (Fr::ZERO, Fr::ONE),
            balance: Fr::ZERO,
            nonce: Fr::ZERO,
            siblings: vec![[Fr::ZERO; ARITY - 1]; levels],
        }
    }

    /// The values of an opened account. `key` is the key of an account that doesn't exist yet.
    #[must_use]
    pub fn opened(opening: &Opening, key: Option<PublicKey>) -> Self {
        let key = opening.account.map(|account| account.key).or(key);
        let key = key.map_or_else(|| Self::unused(0).key, |key| (key.x(), key.y()));
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
    /// The values of `slot`, which has the index `number` in its chunk, in a tree of `levels` levels.
    ///
    /// # Errors
    /// Fails if the witness lacks the signature of a transfer or withdrawal.
    pub fn new(slot: &SlotWitness, number: usize, levels: usize) -> Result<Self, AssignmentError> {
        let account = |opening: Option<&Opening>, key| {
            opening.map_or_else(
                || AccountAssignment::unused(levels),
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
            sender_is_absent: slot.sender.as_ref().is_some_and(|opening| opening.account.is_none()),
            recipient: account(slot.recipient.as_ref(), key),
            creates_recipient: slot.recipient.as_ref().is_some_and(|opening| opening.account.is_none()),
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
    /// The values of chunk number `chunk` of a block with the challenge `challenge`.
    ///
    /// # Errors
    /// Fails if the witness lacks signatures.
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

    /// The assignment of a chunk of padding, for a set-up: the constraints don't depend on the values.
    #[must_use]
    pub fn blank(levels: usize, operations: usize) -> Self {
        let slot = SlotAssignment {
            body: Fr::ZERO,
            is_transfer: false,
            is_withdrawal: false,
            is_exit: false,
            is_deposit: false,
            is_target: false,
            sender: AccountAssignment::unused(levels),
            sender_is_absent: false,
            recipient: AccountAssignment::unused(levels),
            creates_recipient: false,
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
            fee_recipient: AccountAssignment::unused(levels),
            fees_are_credited: false,
            slots: vec![slot; operations],
        }
    }

    /// Checks the number of slots and the lengths of Merkle paths.
    ///
    /// # Errors
    /// Fails if one of them isn't the circuit's.
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
