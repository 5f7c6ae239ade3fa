//! Operations, and how each fits one field element of a blob.
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
//! A withdrawal takes two slots of the same chunk: itself and its target right after it. So does a forced exit, which L1
//! pays like a withdrawal; its `to` tells the two apart.
#![allow(clippy::arithmetic_side_effects)] // field elements only

use ark_ff::{AdditiveGroup, PrimeField};

use crate::account::{AccountIndex, L1Address};
use crate::domain::Domain;
use crate::field::{self, Fr, power_of_two};
use crate::keys::{Message, PublicKey, SecretKey, Signature};

/// Kind numbers in a data element.
pub mod kind {
    /// Nothing happens.
    pub const PADDING: u8 = 0;
    /// An account pays another.
    pub const TRANSFER: u8 = 1;
    /// An account's money leaves for L1, by its signature or by its owner's order.
    pub const WITHDRAWAL: u8 = 2;
    /// Money arrives from L1.
    pub const DEPOSIT: u8 = 3;
    /// The L1 address of the withdrawal or exit before it.
    pub const TARGET: u8 = 4;
}

/// Bits of a data element; the nonce stands above them in a signed message.
pub const ELEMENT_BITS: u32 = 168;
/// Where the kind starts.
pub const KIND_SHIFT: u32 = 160;
/// What a forced exit has in place of a recipient. No account is paid, so nothing is meant by the index.
const FORCED: AccountIndex = AccountIndex::new(1);
/// Where a deposit's amount starts in its first coefficient.
const QUEUED_AMOUNT_SHIFT: u64 = 32;
/// The bit that an exit's first coefficient has and a deposit's hasn't.
const QUEUED_EXIT_SHIFT: u64 = 96;

/// What one slot of a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Nothing.
    Padding,
    /// See [`Transfer`].
    Transfer {
        /// Who pays.
        from: AccountIndex,
        /// Who receives.
        to: AccountIndex,
        /// What the recipient gets.
        amount: u64,
        /// What the block's fee recipient gets on top.
        fee: u32,
    },
    /// See [`Withdrawal`]; its target is in the next slot.
    Withdrawal {
        /// Who pays.
        from: AccountIndex,
        /// What can be claimed on L1.
        amount: u64,
        /// What the block's fee recipient gets on top.
        fee: u32,
    },
    /// See [`Exit`]; its target is in the next slot.
    Exit {
        /// Whose balance leaves.
        from: AccountIndex,
        /// All of it: what can be claimed on L1.
        amount: u64,
    },
    /// A deposit that L1 has queued.
    Deposit {
        /// Whose account is created or topped up.
        to: AccountIndex,
        /// By how much.
        amount: u64,
    },
    /// Who may claim the withdrawal or exit in the slot before.
    Target(
        /// Never the zero address.
        L1Address,
    ),
}

/// Why a field element isn't a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Bits above the layout are set.
    #[error("expected a data element of at most 168 bits, got 0x{}", field::hex(&field::to_bytes(.0)))]
    TooWide(Fr),
    /// The kind isn't one of the five.
    #[error("expected an operation kind of at most 4, got {0}")]
    UnknownKind(u8),
    /// A field that this kind leaves empty isn't zero.
    #[error("expected the unused fields of an operation of kind {kind} to be zero, got 0x{}", field::hex(&field::to_bytes(.element)))]
    UnusedFieldSet {
        /// The operation's kind.
        kind: u8,
        /// The whole element.
        element: Fr,
    },
    /// A deposit names the reserved account.
    #[error("expected a deposit to an account above 0, got one to the reserved account")]
    ReservedAccount,
    /// A withdrawal would pay the zero address.
    #[error("expected a withdrawal to a nonzero address, got the zero address")]
    ZeroAddress,
}

impl Slot {
    /// The slot's kind number.
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
            Self::Target(address) => address.to_field(),
        };
        element + Fr::from(self.kind()) * power_of_two(KIND_SHIFT.into())
    }

    /// Reads a data element.
    ///
    /// # Errors
    /// When no slot packs to `element`. Kind, unused fields, reserved values and width are all checked, so that
    /// packing what this returns gives `element` again.
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
            kind::TARGET => Self::Target(address(&element)),
            unknown => return Err(SlotError::UnknownKind(unknown)),
        };
        match slot {
            Self::Deposit { to: AccountIndex::RESERVED, .. } => Err(SlotError::ReservedAccount),
            Self::Target(L1Address(bytes)) if bytes == [0; 20] => Err(SlotError::ZeroAddress),
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

fn address(element: &Fr) -> L1Address {
    let mut bytes = [0u8; 20];
    for (target, source) in bytes.iter_mut().zip(field::to_bytes(element).into_iter().skip(12)) {
        *target = source;
    }
    L1Address(bytes)
}

/// A payment between two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Who pays and signs.
    pub from: AccountIndex,
    /// Who receives; must exist.
    pub to: AccountIndex,
    /// What the recipient gets; may be zero.
    pub amount: u64,
    /// What the block's fee recipient gets on top.
    pub fee: u32,
    /// How many operations the account has signed before.
    pub nonce: u32,
}

/// A payment to an L1 address, claimed there after the block is finalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// Who pays and signs.
    pub from: AccountIndex,
    /// Who may claim; not the zero address.
    pub target: L1Address,
    /// What can be claimed.
    pub amount: u64,
    /// What the block's fee recipient gets on top.
    pub fee: u32,
    /// How many operations the account has signed before.
    pub nonce: u32,
}

/// What an account may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A payment between two accounts.
    Transfer(Transfer),
    /// A payment to an L1 address.
    Withdrawal(Withdrawal),
}

impl Operation {
    /// Who pays and signs.
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

    /// Amount and fee: what the sender must own.
    #[must_use]
    pub fn required(&self) -> u128 {
        let (amount, fee) = match self {
            Self::Transfer(transfer) => (transfer.amount, transfer.fee),
            Self::Withdrawal(withdrawal) => (withdrawal.amount, withdrawal.fee),
        };
        // 64 and 32 bits.
        u128::from(amount) + u128::from(fee)
    }

    /// What goes into the chunk, in order: a transfer's slot, or a withdrawal's and its target's.
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

    /// What is signed.
    #[must_use]
    pub fn message(&self) -> Message {
        let (slot, _) = self.slots();
        let target = match self {
            Self::Transfer(_) => Fr::ZERO,
            Self::Withdrawal(withdrawal) => withdrawal.target.to_field(),
        };
        Message {
            operation: slot.pack() + Fr::from(self.nonce()) * power_of_two(ELEMENT_BITS.into()),
            target,
        }
    }

    /// Signs.
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

/// An operation with its account's signature, not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignedOperation {
    /// What is asked for.
    pub operation: Operation,
    /// By whom.
    pub signature: Signature,
}

/// A deposit that L1 has queued, as its event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// The account that L1 assigned to the key.
    pub to: AccountIndex,
    /// The key.
    pub key: PublicKey,
    /// How much.
    pub amount: u64,
}

/// The exit of everything that an account has, forced by its owner on L1. It needs no signature and costs no fee; an
/// account without money leaves with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exit {
    /// Whose balance leaves.
    pub from: AccountIndex,
    /// Who may claim; not the zero address.
    pub target: L1Address,
}

/// What L1 tells the L2 to do: an entry of the bridge's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum L1Operation {
    /// Money arrives.
    Deposit(Deposit),
    /// An account is emptied.
    Exit(Exit),
}

impl L1Operation {
    /// How many slots of a chunk it takes.
    #[must_use]
    pub const fn slots(&self) -> usize {
        match self {
            Self::Deposit(_) => 1,
            Self::Exit(_) => 2,
        }
    }

    /// Whose account it is about.
    #[must_use]
    pub const fn account(&self) -> AccountIndex {
        match self {
            Self::Deposit(deposit) => deposit.to,
            Self::Exit(exit) => exit.from,
        }
    }

    /// Its three coefficients in the polynomial that L1 and the circuit compare: index and amount, then the key; or
    /// index and a mark, the target and zero. The first one tells which.
    #[must_use]
    pub fn coefficients(&self) -> [Fr; 3] {
        match self {
            Self::Deposit(Deposit { to, key, amount }) => {
                let amount = Fr::from(*amount) * power_of_two(QUEUED_AMOUNT_SHIFT);
                [Fr::from(to.get()) + amount, key.x(), key.y()]
            }
            Self::Exit(Exit { from, target }) => {
                [Fr::from(from.get()) + power_of_two(QUEUED_EXIT_SHIFT), target.to_field(), Fr::ZERO]
            }
        }
    }
}

impl From<Deposit> for L1Operation {
    fn from(deposit: Deposit) -> Self {
        Self::Deposit(deposit)
    }
}

impl From<Exit> for L1Operation {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Slot::Target(L1Address([0xff; 20])),
            Slot::Target(L1Address(std::array::from_fn(|i| i as u8))),
        ] {
            assert_eq!(Slot::unpack(slot.pack()), Ok(slot));
        }
    }

    // rule: Y6
    #[test]
    fn coefficients_tell_deposits_from_exits() {
        let key = SecretKey::from_seed(b"key").public_key();
        let most = Deposit { to: AccountIndex::new(u32::MAX), key, amount: u64::MAX };
        let [head, x, y] = L1Operation::from(most).coefficients();
        assert!(field::fits(&head, 96));
        assert_eq!((x, y), (key.x(), key.y()));
        let exit = Exit { from: AccountIndex::new(u32::MAX), target: L1Address([0xff; 20]) };
        let [head, x, y] = L1Operation::from(exit).coefficients();
        assert_eq!(head, power_of_two(96) + Fr::from(u32::MAX));
        assert_eq!((x, y), (exit.target.to_field(), Fr::ZERO));
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
