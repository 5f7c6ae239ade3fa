//! Quotes: offers to prove the block of one header, signed as EIP-712 typed data by prover and sequencer, and
//! the requests for them, which the sequencer signs.

use alloy_primitives::{Address, B256, Signature, U256, b256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    L1Slot, Parameters, Price, PriceRange, Rates, RollupId, SequencerId, SigningPreimage, Slot, TokenAmount,
    encoding::Words,
};

const QUOTE_TYPE: &[u8] =
    b"Quote(uint64 slot,bytes32 headerHash,uint32 sequencer,address prover,address payee,\
    uint128 bond,int128 price,uint64 validUntil)";

const QUOTE_REQUEST_TYPE: &[u8] = b"QuoteRequest(uint64 slot,bytes32 headerHash,uint32 sequencer)";

const CONTACT_TYPE: &[u8] = b"ProverContact(address prover,bytes32 peer,bytes addresses,uint64 expiresAt)";

/// Half the order of secp256k1, the highest `s` of a signature that L1 accepts (EIP-2).
const HALF_ORDER: B256 = b256!("0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// An offer to prove the block of one header. It is valid for this header only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quote {
    /// Slot of the header.
    pub slot: Slot,
    /// Hash of the header.
    pub header_hash: B256,
    /// Sequencer that proposed the header.
    pub sequencer: SequencerId,
    /// Prover, whose escrow the bond is taken from.
    pub prover: Address,
    /// Account that the prover's reward and the price are credited to.
    pub payee: Address,
    /// Bond that is locked until the slot ends. It has 128 bits on L1, of which the upper 32 must be zero.
    pub bond: TokenAmount,
    /// Part of the sequencer's reward that is credited to the payee instead; if it is negative, part of the
    /// payee's reward that is credited to the sequencer instead.
    pub price: Price,
    /// Last L1 slot in which the quote can be committed.
    pub valid_until: L1Slot,
}

/// A sequencer's request for quotes for its proposal. L1 never sees it: the signature tells provers that the
/// one who asks is the sequencer of the proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuoteRequest {
    /// Slot of the proposal.
    pub slot: Slot,
    /// Hash of the proposed header.
    pub header_hash: B256,
    /// Sequencer that proposed the header.
    pub sequencer: SequencerId,
}

/// Where sequencers reach a prover. L1 never sees it: the signature, of the key that signs the prover's
/// quotes, tells who is behind a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContactClaim {
    /// The prover.
    pub prover: Address,
    /// The public key of its peer.
    pub peer: B256,
    /// Keccak-256 of the peer's encoded addresses.
    pub addresses_hash: B256,
    /// Unix time in seconds from which on the claim says nothing.
    pub expires_at: u64,
}

/// Why L1 refuses the terms of a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefused {
    /// The quote is for another slot.
    #[error("quote is for slot {actual}, expected {expected}")]
    WrongSlot { expected: Slot, actual: Slot },
    /// The quote is for another header.
    #[error("quote is for header {actual}, expected {expected}")]
    WrongHeader { expected: B256, actual: B256 },
    /// The quote is for another sequencer.
    #[error("quote is for sequencer {actual}, expected {expected}")]
    WrongSequencer { expected: SequencerId, actual: SequencerId },
    /// The last L1 slot of the quote is over.
    #[error("quote was valid until L1 slot {valid_until}, and it is L1 slot {now}")]
    Expired { valid_until: L1Slot, now: L1Slot },
    /// The prover or the payee is the zero address.
    #[error("quote's {party} is the zero address")]
    ZeroAddress {
        /// "prover" or "payee".
        party: &'static str,
    },
    /// The bond is below the minimum.
    #[error("bond of {actual} is below the minimum of {minimum}")]
    BondTooLow { minimum: TokenAmount, actual: TokenAmount },
    /// The bond has more than 96 bits.
    #[error("bond of {actual} is above the maximum of {maximum}")]
    BondTooHigh { maximum: TokenAmount, actual: TokenAmount },
    /// The price is more than the side that pays it is sure to be credited.
    #[error("price of {actual} is out of the range from {lowest} to {highest}")]
    PriceOutOfRange { lowest: Price, highest: Price, actual: Price },
}

/// Why bytes aren't a signature of the expected signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The length isn't that of `r ‖ s ‖ v`.
    #[error("signature has {actual} bytes, expected 65")]
    WrongLength { actual: usize },
    /// `v` is neither 27 nor 28.
    #[error("signature's recovery byte is {actual}, expected 27 or 28")]
    WrongRecoveryByte { actual: u8 },
    /// `s` is above half the order of the curve (EIP-2).
    #[error("signature has a high s")]
    HighS,
    /// No public key can be recovered.
    #[error("no public key can be recovered from the signature")]
    Invalid,
    /// The signer is another account.
    #[error("expected a signature of {expected}, got one of {actual}")]
    WrongSigner { expected: Address, actual: Address },
}

impl QuoteRequest {
    /// The EIP-712 struct hash.
    #[must_use]
    pub fn struct_hash(&self) -> B256 {
        Words::with_capacity(4)
            .word(keccak256(QUOTE_REQUEST_TYPE))
            .uint(self.slot.get())
            .word(self.header_hash)
            .uint(self.sequencer.get())
            .hash()
    }

    /// What the sequencer's attester signs, before it is hashed.
    #[must_use]
    pub fn signing_preimage(&self, rollup: &RollupId) -> SigningPreimage {
        SigningPreimage::new(rollup.eip712_separator(), self.struct_hash())
    }

    /// The EIP-712 digest, which the sequencer's attester signs.
    #[must_use]
    pub fn digest(&self, rollup: &RollupId) -> B256 {
        self.signing_preimage(rollup).digest()
    }
}

impl ContactClaim {
    /// What the key signs that signs the prover's quotes, before it is hashed.
    #[must_use]
    pub fn signing_preimage(&self, rollup: &RollupId) -> SigningPreimage {
        let struct_hash = Words::with_capacity(5)
            .word(keccak256(CONTACT_TYPE))
            .address(self.prover)
            .word(self.peer)
            .word(self.addresses_hash)
            .uint(self.expires_at)
            .hash();
        SigningPreimage::new(rollup.eip712_separator(), struct_hash)
    }

    /// The EIP-712 digest, which the key signs that signs the prover's quotes.
    #[must_use]
    pub fn digest(&self, rollup: &RollupId) -> B256 {
        self.signing_preimage(rollup).digest()
    }
}

impl Quote {
    /// The EIP-712 struct hash.
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
            .int(self.price.get())
            .uint(self.valid_until.get())
            .hash()
    }

    /// What prover and sequencer sign, before it is hashed.
    #[must_use]
    pub fn signing_preimage(&self, rollup: &RollupId) -> SigningPreimage {
        SigningPreimage::new(rollup.eip712_separator(), self.struct_hash())
    }

    /// The EIP-712 digest, which prover and sequencer sign.
    #[must_use]
    pub fn digest(&self, rollup: &RollupId) -> B256 {
        self.signing_preimage(rollup).digest()
    }

    /// Checks that the quote is for the header of this candidate.
    ///
    /// # Errors
    /// Fails where the Rollup contract reverts.
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

    /// Checks amounts, accounts and expiry for a commitment in the L1 slot `now`, in a slot whose block is
    /// paid for `paid_l1_slots`.
    ///
    /// # Errors
    /// Fails where the Rollup contract reverts.
    pub fn check_terms(
        &self,
        parameters: &Parameters,
        rates: &Rates,
        paid_l1_slots: u32,
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
        let range @ PriceRange { lowest, highest } = rates.price_range(paid_l1_slots);
        if !range.contains(self.price) {
            return Err(QuoteRefused::PriceOutOfRange { lowest, highest, actual: self.price });
        }
        Ok(())
    }
}

/// Recovers the signer of a digest from a signature `r ‖ s ‖ v` (65 bytes, low `s`, `v` 27 or 28). L1 accepts
/// such a signature of the account itself, whatever code it has, and of the key that the account names in the
/// escrow. Signatures that a contract judges (EIP-1271) can be checked only on L1.
///
/// # Errors
/// Fails if the signature is malformed or no key can be recovered.
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

/// Checks that the signature is one of `expected`.
///
/// # Errors
/// Fails as [`recover_signer`] does, or if the signer is another account.
pub fn verify_signature(digest: B256, signature: &[u8], expected: Address) -> Result<(), SignatureError> {
    let actual = recover_signer(digest, signature)?;
    if actual != expected {
        return Err(SignatureError::WrongSigner { expected, actual });
    }
    Ok(())
}
