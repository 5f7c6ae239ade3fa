//! Quotes: offers to prove one header, signed as EIP-712 typed data by prover and sequencer.

use crate::{L1Slot, Parameters, Rates, RollupId, SequencerId, Slot, TokenAmount, encoding::Words};
use alloy_primitives::{Address, B256, Keccak256, Signature, U256, b256, keccak256};
use serde::{Deserialize, Serialize};

const QUOTE_TYPE: &[u8] = b"Quote(uint64 slot,bytes32 headerHash,uint32 sequencer,address prover,address payee,uint128 bond,uint96 price,uint64 validUntil)";

/// Half the order of secp256k1: the highest `s` of a signature that L1 accepts (EIP-2).
const HALF_ORDER: B256 = b256!("0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// An offer to prove one header. It binds to the header and dies with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quote {
    /// slot of the header
    pub slot: Slot,
    /// hash of the header
    pub header_hash: B256,
    /// who proposed the header
    pub sequencer: SequencerId,
    /// whose escrow the bond comes from
    pub prover: Address,
    /// whom rewards and price are credited to
    pub payee: Address,
    /// locked until the slot ends; on L1 128 bits, of which the upper 32 must be zero
    pub bond: TokenAmount,
    /// moves from the sequencer's to the prover's reward; 96 bits
    pub price: TokenAmount,
    /// last L1 slot in which the quote may be committed
    pub valid_until: L1Slot,
}

/// Terms that L1 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefused {
    /// For another slot.
    #[error("quote is for slot {actual}, expected {expected}")]
    WrongSlot {
        /// slot in turn
        expected: Slot,
        /// slot of the quote
        actual: Slot,
    },
    /// For another header.
    #[error("quote is for header {actual}, expected {expected}")]
    WrongHeader {
        /// header of the candidate in turn
        expected: B256,
        /// header of the quote
        actual: B256,
    },
    /// With another sequencer.
    #[error("quote is for sequencer {actual}, expected {expected}")]
    WrongSequencer {
        /// sequencer of the candidate in turn
        expected: SequencerId,
        /// sequencer of the quote
        actual: SequencerId,
    },
    /// Too late.
    #[error("quote was valid until l1 slot {valid_until}, now is {now}")]
    Expired {
        /// last L1 slot
        valid_until: L1Slot,
        /// current L1 slot
        now: L1Slot,
    },
    /// Prover or payee is the zero address.
    #[error("quote's {party} is the zero address")]
    ZeroAddress {
        /// "prover" or "payee"
        party: &'static str,
    },
    /// Less than the least bond.
    #[error("bond of {actual} is below the minimum of {minimum}")]
    BondTooLow {
        /// least bond
        minimum: TokenAmount,
        /// bond of the quote
        actual: TokenAmount,
    },
    /// More than 96 bits.
    #[error("bond of {actual} is above the maximum of {maximum}")]
    BondTooHigh {
        /// highest bond
        maximum: TokenAmount,
        /// bond of the quote
        actual: TokenAmount,
    },
    /// More than the sequencer's share of the block reward.
    #[error("price of {actual} is above the maximum of {maximum}")]
    PriceTooHigh {
        /// the sequencer's share
        maximum: TokenAmount,
        /// price of the quote
        actual: TokenAmount,
    },
}

/// Why bytes aren't someone's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not `r ‖ s ‖ v`.
    #[error("signature has {actual} bytes, expected 65")]
    WrongLength {
        /// bytes given
        actual: usize,
    },
    /// `v` is neither 27 nor 28.
    #[error("signature's recovery byte is {actual}, expected 27 or 28")]
    WrongRecoveryByte {
        /// byte given
        actual: u8,
    },
    /// The malleable twin of a signature.
    #[error("signature's s is above half the curve's order")]
    HighS,
    /// No key signs like this.
    #[error("signature doesn't belong to any key")]
    Invalid,
    /// Someone else's.
    #[error("signed by {actual}, expected {expected}")]
    WrongSigner {
        /// who should have signed
        expected: Address,
        /// who did
        actual: Address,
    },
}

impl Quote {
    /// EIP-712 struct hash.
    #[must_use]
    pub fn struct_hash(&self) -> B256 {
        Words::with_capacity(9)
            .word(keccak256(QUOTE_TYPE))
            .uint(self.slot.get())
            .word(self.header_hash)
            .uint(self.sequencer.get())
            .address(self.prover)
            .address(self.payee)
            .uint(self.bond.get())
            .uint(self.price.get())
            .uint(self.valid_until.get())
            .hash()
    }

    /// What prover and sequencer sign.
    #[must_use]
    pub fn digest(&self, rollup: &RollupId) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update([0x19, 0x01]);
        hasher.update(rollup.eip712_separator());
        hasher.update(self.struct_hash());
        hasher.finalize()
    }

    /// Checks that the quote is for one candidate's header.
    ///
    /// # Errors
    /// As the Rollup would revert.
    pub fn check_subject(
        &self,
        slot: Slot,
        header_hash: B256,
        sequencer: SequencerId,
    ) -> Result<(), QuoteRefused> {
        if self.slot != slot {
            return Err(QuoteRefused::WrongSlot { expected: slot, actual: self.slot });
        }
        if self.header_hash != header_hash {
            return Err(QuoteRefused::WrongHeader { expected: header_hash, actual: self.header_hash });
        }
        if self.sequencer != sequencer {
            return Err(QuoteRefused::WrongSequencer { expected: sequencer, actual: self.sequencer });
        }
        Ok(())
    }

    /// Checks amounts, accounts and deadline for a commitment in the L1 slot `now`.
    ///
    /// # Errors
    /// As the Rollup would revert.
    pub fn check_terms(
        &self,
        parameters: &Parameters,
        rates: &Rates,
        now: L1Slot,
    ) -> Result<(), QuoteRefused> {
        if now > self.valid_until {
            return Err(QuoteRefused::Expired { valid_until: self.valid_until, now });
        }
        for (party, address) in [("prover", self.prover), ("payee", self.payee)] {
            if address.is_zero() {
                return Err(QuoteRefused::ZeroAddress { party });
            }
        }
        if self.bond < parameters.min_bond {
            return Err(QuoteRefused::BondTooLow { minimum: parameters.min_bond, actual: self.bond });
        }
        if self.bond > TokenAmount::MAX_96 {
            return Err(QuoteRefused::BondTooHigh { maximum: TokenAmount::MAX_96, actual: self.bond });
        }
        let maximum = rates.max_price();
        if self.price > maximum {
            return Err(QuoteRefused::PriceTooHigh { maximum, actual: self.price });
        }
        Ok(())
    }
}

/// Who made the signature `r ‖ s ‖ v` (65 bytes, low `s`, `v` 27 or 28) of a digest: what L1 accepts of an externally
/// owned account. Contracts sign by EIP-1271, which only the chain can answer.
///
/// # Errors
/// Says what is wrong with the signature.
pub fn recover_signer(digest: B256, signature: &[u8]) -> Result<Address, SignatureError> {
    let wrong_length = SignatureError::WrongLength { actual: signature.len() };
    let (r, rest) = signature.split_first_chunk::<32>().ok_or(wrong_length)?;
    let (s, rest) = rest.split_first_chunk::<32>().ok_or(wrong_length)?;
    let [v] = rest else { return Err(wrong_length) };
    let parity = match v {
        27 => false,
        28 => true,
        actual => return Err(SignatureError::WrongRecoveryByte { actual: *actual }),
    };
    let s = U256::from_be_bytes(*s);
    if s > U256::from_be_bytes(HALF_ORDER.0) {
        return Err(SignatureError::HighS);
    }
    Signature::new(U256::from_be_bytes(*r), s, parity)
        .recover_address_from_prehash(&digest)
        .map_err(|_| SignatureError::Invalid)
}

/// Checks that `expected` made the signature.
///
/// # Errors
/// Says what is wrong with the signature, or who made it instead.
pub fn verify_signature(digest: B256, signature: &[u8], expected: Address) -> Result<(), SignatureError> {
    let actual = recover_signer(digest, signature)?;
    if actual != expected {
        return Err(SignatureError::WrongSigner { expected, actual });
    }
    Ok(())
}
