//! Operations, and the encoding of each as one field element of a blob.
//!
//! | bits | 0–31 | 32–63 | 64–127 | 128–159 | 160–167 |
//! | --- | --- | --- | --- | --- | --- |
//! | padding | 0 | 0 | 0 | 0 | 0 |
//! | transfer | from | to | amount | fee | 1 |
//! | withdrawal | from | 0 | amount | fee | 2 |
//! | forced exit | from | 1 | amount | 0 | 2 |
//! | deposit | 0 | to | amount | 0 | 3 |
//! | withdrawal target | L1 address, bits 0–159 | … | … | … | 4 |
//!
//! A withdrawal takes two consecutive slots of the same chunk: the withdrawal and its target. So does a
//! forced exit, which L1 pays like a withdrawal. The value of `to` distinguishes the two.
#![allow(clippy::arithmetic_side_effects)] // field elements only

use alloy_primitives::Address;
use ark_ff::{AdditiveGroup, PrimeField};
use fernet_protocol::{L1Operation, Lane};

use crate::{
    account::AccountIndex,
    domain::Domain,
    field::{self, Fr, power_of_two},
    keys::{KeyError, Message, PublicKey, SecretKey, Signature},
};

/// Numbers of the kinds of operations in a data element.
pub mod kind {
    /// An unused slot.
    pub const PADDING: u8 = 0;
    /// A payment between two accounts.
    pub const TRANSFER: u8 = 1;
    /// A payment to L1, signed by the account or forced by its owner on L1.
    pub const WITHDRAWAL: u8 = 2;
    /// A payment from L1.
    pub const DEPOSIT: u8 = 3;
    /// The L1 address of the withdrawal or exit in the slot before.
    pub const TARGET: u8 = 4;
}

/// Bits of a data element. A signed message has the nonce above them.
pub const ELEMENT_BITS: u32 = 168;
/// Bits of a data element below the kind.
pub const BODY_BITS: u32 = 160;
/// Value of `to` in a forced exit. It isn't the index of an account.
const FORCED: AccountIndex = AccountIndex::new(1);

/// Content of one slot of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// An unused slot.
    Padding,
    /// See [`Transfer`].
    Transfer {
        /// Account that pays.
        from: AccountIndex,
        /// Account that receives the amount.
        to: AccountIndex,
        /// L2 units.
        amount: u64,
        /// Paid by the sender in addition to the amount.
        fee: u32,
    },
    /// See [`Withdrawal`]. Its target is in the next slot.
    Withdrawal {
        /// Account that pays.
        from: AccountIndex,
        /// L2 units that can be claimed on L1.
        amount: u64,
        /// Paid by the sender in addition to the amount.
        fee: u32,
    },
    /// See [`Exit`]. Its target is in the next slot.
    Exit {
        /// Account whose whole balance is withdrawn.
        from: AccountIndex,
        /// The whole balance, which can be claimed on L1.
        amount: u64,
    },
    /// See [`Deposit`].
    Deposit {
        /// Account that receives the amount, and that is created if it doesn't exist.
        to: AccountIndex,
        /// L2 units.
        amount: u64,
    },
    /// L1 address that may claim the withdrawal or exit in the slot before.
    Target(
        /// Never the zero address.
        Address,
    ),
}

/// Why a field element isn't a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The element has more than [`ELEMENT_BITS`] bits.
    #[error("expected a data element of at most {ELEMENT_BITS} bits, got {}", field::text(.0))]
    TooWide(Fr),
    /// No kind has this number.
    #[error("expected an operation kind of at most 4, got {0}")]
    UnknownKind(u8),
    /// A field that this kind doesn't use isn't zero.
    #[error("operation of kind {kind} has an unused field that isn't zero: {}", field::text(.element))]
    UnusedFieldSet { kind: u8, element: Fr },
    /// A deposit is to the reserved account.
    #[error("deposit is to the reserved account 0")]
    ReservedAccount,
    /// A withdrawal or an exit is to the zero address.
    #[error("withdrawal is to the zero address")]
    ZeroAddress,
}

impl Slot {
    /// Number of the slot's kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Padding => kind::PADDING,
            Self::Transfer { .. } => kind::TRANSFER,
            Self::Withdrawal { .. } | Self::Exit { .. } => kind::WITHDRAWAL,
            Self::Deposit { .. } => kind::DEPOSIT,
            Self::Target(_) => kind::TARGET,
        }
    }

    /// The data element.
    #[must_use]
    pub fn pack(&self) -> Fr {
        let element = match *self {
            Self::Padding => Fr::ZERO,
            Self::Transfer { from, to, amount, fee } => fields(from, to, amount, fee),
            Self::Withdrawal { from, amount, fee } => fields(from, AccountIndex::RESERVED, amount, fee),
            Self::Exit { from, amount } => fields(from, FORCED, amount, 0),
            Self::Deposit { to, amount } => fields(AccountIndex::RESERVED, to, amount, 0),
            Self::Target(address) => field::from_address(address),
        };
        element + Fr::from(self.kind()) * power_of_two(BODY_BITS.into())
    }

    /// Reads a data element.
    ///
    /// # Errors
    /// Fails if no slot packs to `element`: width, kind, unused fields and reserved values are checked.
    pub fn unpack(element: Fr) -> Result<Self, SlotError> {
        if !field::fits(&element, ELEMENT_BITS) {
            return Err(SlotError::TooWide(element));
        }
        let [first, second, third, _] = element.into_bigint().0;
        let from = AccountIndex::new(low_half(first));
        let to = AccountIndex::new(low_half(first >> 32));
        let (amount, fee) = (second, low_half(third));
        let kind = low_byte(third >> 32);
        let slot = match kind {
            kind::PADDING => Self::Padding,
            kind::TRANSFER => Self::Transfer { from, to, amount, fee },
            kind::WITHDRAWAL if to == FORCED => Self::Exit { from, amount },
            kind::WITHDRAWAL => Self::Withdrawal { from, amount, fee },
            kind::DEPOSIT => Self::Deposit { to, amount },
            kind::TARGET => Self::Target(field::low_address(&element)),
            unknown => return Err(SlotError::UnknownKind(unknown)),
        };
        match slot {
            Self::Deposit { to: AccountIndex::RESERVED, .. } => Err(SlotError::ReservedAccount),
            Self::Target(target) if target.is_zero() => Err(SlotError::ZeroAddress),
            slot if slot.pack() != element => Err(SlotError::UnusedFieldSet { kind, element }),
            slot => Ok(slot),
        }
    }
}

fn fields(from: AccountIndex, to: AccountIndex, amount: u64, fee: u32) -> Fr {
    Fr::from(from.get())
        + Fr::from(to.get()) * power_of_two(32)
        + Fr::from(amount) * power_of_two(64)
        + Fr::from(fee) * power_of_two(128)
}

fn low_half(word: u64) -> u32 {
    (word & 0xffff_ffff) as u32
}

fn low_byte(word: u64) -> u8 {
    (word & 0xff) as u8
}

/// A payment between two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Account that pays and signs.
    pub from: AccountIndex,
    /// Account that receives the amount; must exist.
    pub to: AccountIndex,
    /// L2 units; may be zero.
    pub amount: u64,
    /// Paid by the sender in addition to the amount.
    pub fee: u32,
    /// Number of operations that the sender has signed before.
    pub nonce: u32,
}

/// A payment to an L1 address, which can claim it after the block is finalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// Account that pays and signs.
    pub from: AccountIndex,
    /// Address that may claim the amount; not the zero address.
    pub target: Address,
    /// L2 units; may be zero.
    pub amount: u64,
    /// Paid by the sender in addition to the amount.
    pub fee: u32,
    /// Number of operations that the sender has signed before.
    pub nonce: u32,
}

/// An operation that an account signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A payment between two accounts.
    Transfer(Transfer),
    /// A payment to an L1 address.
    Withdrawal(Withdrawal),
}

impl Operation {
    /// Account that pays and signs.
    #[must_use]
    pub const fn sender(&self) -> AccountIndex {
        match self {
            Self::Transfer(transfer) => transfer.from,
            Self::Withdrawal(withdrawal) => withdrawal.from,
        }
    }

    /// The fee.
    #[must_use]
    pub const fn fee(&self) -> u32 {
        match self {
            Self::Transfer(transfer) => transfer.fee,
            Self::Withdrawal(withdrawal) => withdrawal.fee,
        }
    }

    /// The nonce.
    #[must_use]
    pub const fn nonce(&self) -> u32 {
        match self {
            Self::Transfer(transfer) => transfer.nonce,
            Self::Withdrawal(withdrawal) => withdrawal.nonce,
        }
    }

    /// Amount plus fee: the balance that the sender needs.
    #[must_use]
    pub fn required(&self) -> u128 {
        let (amount, fee) = match self {
            Self::Transfer(transfer) => (transfer.amount, transfer.fee),
            Self::Withdrawal(withdrawal) => (withdrawal.amount, withdrawal.fee),
        };
        // An amount has 64 bits and a fee 32.
        u128::from(amount) + u128::from(fee)
    }

    /// The slots of the operation in a chunk: one for a transfer, two for a withdrawal and its target.
    #[must_use]
    pub const fn slots(&self) -> (Slot, Option<Slot>) {
        match *self {
            Self::Transfer(Transfer { from, to, amount, fee, .. }) => {
                (Slot::Transfer { from, to, amount, fee }, None)
            }
            Self::Withdrawal(Withdrawal { from, target, amount, fee, .. }) => {
                (Slot::Withdrawal { from, amount, fee }, Some(Slot::Target(target)))
            }
        }
    }

    /// The message that the sender signs.
    #[must_use]
    pub fn message(&self) -> Message {
        let (slot, _) = self.slots();
        let target = match self {
            Self::Transfer(_) => Fr::ZERO,
            Self::Withdrawal(withdrawal) => field::from_address(withdrawal.target),
        };
        Message {
            operation: slot.pack() + Fr::from(self.nonce()) * power_of_two(ELEMENT_BITS.into()),
            target,
        }
    }

    /// Signs the operation.
    #[must_use]
    pub fn sign(self, domain: Domain, secret: &SecretKey) -> SignedOperation {
        SignedOperation { operation: self, signature: secret.sign(domain, &self.message()) }
    }
}

impl From<Transfer> for Operation {
    fn from(transfer: Transfer) -> Self {
        Self::Transfer(transfer)
    }
}

impl From<Withdrawal> for Operation {
    fn from(withdrawal: Withdrawal) -> Self {
        Self::Withdrawal(withdrawal)
    }
}

/// An operation with a signature, which isn't checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignedOperation {
    /// The operation.
    pub operation: Operation,
    /// Signature of the operation's sender.
    pub signature: Signature,
}

/// A deposit of the Bridge's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// The account that L1 assigned to the key.
    pub to: AccountIndex,
    /// Key of the account.
    pub key: PublicKey,
    /// L2 units.
    pub amount: u64,
}

/// A forced exit of the Bridge's queue: the owner of an account withdraws its whole balance by a call on L1.
/// It has no signature and no fee. The exit of an account that is empty or doesn't exist withdraws 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exit {
    /// Account whose whole balance is withdrawn.
    pub from: AccountIndex,
    /// Address that may claim the balance; not the zero address.
    pub target: Address,
}

/// An entry of one of the Bridge's lanes that the ledger can execute: an [`L1Operation`] whose key is known
/// to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueuedOperation {
    /// See [`Deposit`].
    Deposit(Deposit),
    /// See [`Exit`].
    Exit(Exit),
}

impl QueuedOperation {
    /// Number of slots of the operation in a chunk.
    #[must_use]
    pub const fn slots(&self) -> usize {
        match self {
            Self::Deposit(_) => 1,
            Self::Exit(_) => 2,
        }
    }

    /// Lane of the operation.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Deposit(_) => Lane::Deposits,
            Self::Exit(_) => Lane::Exits,
        }
    }

    /// Account that receives or leaves.
    #[must_use]
    pub const fn account(&self) -> AccountIndex {
        match self {
            Self::Deposit(deposit) => deposit.to,
            Self::Exit(exit) => exit.from,
        }
    }

    /// The three coefficients of the operation in the polynomial that binds a proof to L1's operations: its
    /// words on L1, see [`L1Operation::words`].
    #[must_use]
    pub fn coefficients(&self) -> [Fr; 3] {
        // Every word is below the field's order: coordinates of a key, or at most 160 bits.
        L1Operation::from(*self).words().map(|word| field::from_word(word).unwrap_or_default())
    }
}

impl TryFrom<L1Operation> for QueuedOperation {
    type Error = KeyError;

    fn try_from(operation: L1Operation) -> Result<Self, KeyError> {
        Ok(match operation {
            L1Operation::Deposit(deposit) => Self::Deposit(Deposit {
                to: AccountIndex::new(deposit.index),
                key: PublicKey::from_words(deposit.key_x, deposit.key_y)?,
                amount: deposit.amount,
            }),
            L1Operation::Exit(exit) => {
                Self::Exit(Exit { from: AccountIndex::new(exit.index), target: exit.to })
            }
        })
    }
}

impl From<QueuedOperation> for L1Operation {
    fn from(operation: QueuedOperation) -> Self {
        match operation {
            QueuedOperation::Deposit(Deposit { to, key, amount }) => {
                Self::Deposit(fernet_protocol::Deposit {
                    index: to.get(),
                    amount,
                    key_x: field::to_word(&key.x()),
                    key_y: field::to_word(&key.y()),
                })
            }
            QueuedOperation::Exit(Exit { from, target }) => {
                Self::Exit(fernet_protocol::Exit { index: from.get(), to: target })
            }
        }
    }
}

/// What a block consumes of the Bridge's two lanes. Each lane has its own order; the block's data says how
/// the two are mixed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lanes {
    /// Operations of the lane of deposits, in its order.
    pub deposits: Vec<Deposit>,
    /// Operations of the lane of forced exits, in its order.
    pub exits: Vec<Exit>,
}

impl Lanes {
    /// Number of operations of both lanes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.deposits.len().saturating_add(self.exits.len())
    }

    /// Whether nothing is consumed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.deposits.is_empty() && self.exits.is_empty()
    }
}

/// Sorts operations into their lanes.
impl FromIterator<QueuedOperation> for Lanes {
    fn from_iter<I: IntoIterator<Item = QueuedOperation>>(operations: I) -> Self {
        let mut lanes = Self::default();
        for operation in operations {
            match operation {
                QueuedOperation::Deposit(deposit) => lanes.deposits.push(deposit),
                QueuedOperation::Exit(exit) => lanes.exits.push(exit),
            }
        }
        lanes
    }
}

impl From<Deposit> for QueuedOperation {
    fn from(deposit: Deposit) -> Self {
        Self::Deposit(deposit)
    }
}

impl From<Exit> for QueuedOperation {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use fernet_protocol::Deposit as L1Deposit;

    // rule: Y1
    #[test]
    fn slots_round_trip() {
        let index = AccountIndex::new;
        for slot in [
            Slot::Padding,
            Slot::Transfer { from: index(1), to: index(u32::MAX), amount: u64::MAX, fee: u32::MAX },
            Slot::Transfer { from: index(0), to: index(0), amount: 0, fee: 0 },
            Slot::Withdrawal { from: index(7), amount: 8, fee: 9 },
            Slot::Exit { from: index(7), amount: u64::MAX },
            Slot::Exit { from: index(u32::MAX), amount: 0 },
            Slot::Deposit { to: index(1), amount: 0 },
            Slot::Target(Address::repeat_byte(0xff)),
            Slot::Target(Address::new(std::array::from_fn(|i| i as u8))),
        ] {
            assert_eq!(Slot::unpack(slot.pack()), Ok(slot));
        }
    }

    // rule: Y6
    #[test]
    fn coefficients_tell_deposits_from_exits() {
        let key = SecretKey::from_seed(b"key").public_key();
        let most = Deposit { to: AccountIndex::new(u32::MAX), key, amount: u64::MAX };
        let [head, x, y] = QueuedOperation::from(most).coefficients();
        assert!(field::fits(&head, 96));
        assert_eq!((x, y), (key.x(), key.y()));
        let exit = Exit { from: AccountIndex::new(u32::MAX), target: Address::repeat_byte(0xff) };
        let [head, x, y] = QueuedOperation::from(exit).coefficients();
        assert_eq!(head, power_of_two(96) + Fr::from(u32::MAX));
        assert_eq!((x, y), (field::from_address(exit.target), Fr::ZERO));
    }

    #[test]
    fn operations_are_sorted_into_their_lanes() {
        let key = SecretKey::from_seed(b"key").public_key();
        let deposit = |number| Deposit { to: AccountIndex::new(number), key, amount: 2 };
        let exit = |number| Exit { from: AccountIndex::new(number), target: Address::repeat_byte(4) };
        let mixed: [QueuedOperation; 4] =
            [deposit(1).into(), exit(2).into(), deposit(3).into(), exit(4).into()];
        assert_eq!(mixed.map(|queued| queued.lane()), mixed.map(|queued| L1Operation::from(queued).lane()));
        let lanes: Lanes = mixed.into_iter().collect();
        assert_eq!(lanes.deposits, [deposit(1), deposit(3)]);
        assert_eq!(lanes.exits, [exit(2), exit(4)]);
        assert_eq!(lanes.len(), 4);
        assert!(!lanes.is_empty() && Lanes::default().is_empty());
    }

    #[test]
    fn operations_of_l1_are_read_back_and_malformed_keys_are_refused() {
        let key = SecretKey::from_seed(b"key").public_key();
        let exit = Exit { from: AccountIndex::new(3), target: Address::repeat_byte(4) };
        for queued in [Deposit { to: AccountIndex::new(1), key, amount: 2 }.into(), exit.into()] {
            assert_eq!(QueuedOperation::try_from(L1Operation::from(queued)), Ok(queued));
        }
        let with = |key_x, key_y| {
            QueuedOperation::try_from(L1Operation::Deposit(L1Deposit { index: 1, amount: 2, key_x, key_y }))
        };
        let x = field::to_word(&key.x());
        assert!(matches!(with(x, x), Err(KeyError::NotOnCurve { .. })));
        assert!(matches!(with(x, U256::MAX), Err(KeyError::Field(_))));
        assert_eq!(with(U256::ZERO, U256::ONE), Err(KeyError::ZeroX));
    }

    // rule: Y1
    #[test]
    fn every_other_element_is_refused() {
        let at = |kind: u64, rest: Fr| Fr::from(kind) * power_of_two(160) + rest;
        let unused = |kind: u8, element: Fr| Err(SlotError::UnusedFieldSet { kind, element });
        assert_eq!(Slot::unpack(Fr::from(1u64)), unused(0, Fr::from(1u64)));
        let with_recipient = at(2, power_of_two(33));
        assert_eq!(Slot::unpack(with_recipient), unused(2, with_recipient));
        let forced_with_fee = at(2, power_of_two(32) + power_of_two(128));
        assert_eq!(Slot::unpack(forced_with_fee), unused(2, forced_with_fee));
        let with_sender = at(3, power_of_two(32) + Fr::from(1u64));
        assert_eq!(Slot::unpack(with_sender), unused(3, with_sender));
        let with_fee = at(3, power_of_two(32) + power_of_two(128));
        assert_eq!(Slot::unpack(with_fee), unused(3, with_fee));
        assert_eq!(Slot::unpack(at(3, power_of_two(64))), Err(SlotError::ReservedAccount));
        assert_eq!(Slot::unpack(at(4, Fr::ZERO)), Err(SlotError::ZeroAddress));
        assert_eq!(Slot::unpack(at(5, Fr::ZERO)), Err(SlotError::UnknownKind(5)));
        assert_eq!(Slot::unpack(at(255, Fr::ZERO)), Err(SlotError::UnknownKind(255)));
        assert_eq!(Slot::unpack(power_of_two(168)), Err(SlotError::TooWide(power_of_two(168))));
        assert_eq!(Slot::unpack(-Fr::from(1u64)), Err(SlotError::TooWide(-Fr::from(1u64))));
    }
}
