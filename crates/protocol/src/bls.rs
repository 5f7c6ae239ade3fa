//! BLS keys of sequencers: proofs of possession, and scores from a verifiable random function (VRF).
//!
//! Keys are points of G1 and signatures points of G2 (min-pk); messages are hashed to G2 by RFC 9380. Nothing
//! is random: a key depends on a seed, and there is exactly one signature for a key and a message.

use std::fmt;

use alloy_primitives::{Address, B256, FixedBytes, U256, aliases::U192, keccak256};
use blst::{BLST_ERROR, min_pk};
use zeroize::Zeroizing;

use crate::{
    ChainId, RollupId, Score, SequencerId, Slot,
    encoding::{Words, tag},
};

/// Domain of proofs of possession: `bytes32("fernet.pop.v1")`.
const POSSESSION_DOMAIN: B256 = tag("fernet.pop.v1");
/// Domain of inputs of the VRF: `bytes32("fernet.vrf.v1")`.
const VRF_DOMAIN: B256 = tag("fernet.vrf.v1");
/// Domain of scores, which are the outputs of the VRF: `bytes32("fernet.vrf-score.v1")`.
const VRF_SCORE_DOMAIN: B256 = tag("fernet.vrf-score.v1");
/// Domain separation tag of proofs of possession, defined in the IETF draft on BLS signatures.
const POSSESSION_DST: &[u8] = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
/// Domain separation tag of VRF proofs.
const VRF_DST: &[u8] = b"FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

/// Bytes of an encoded element of Fp on L1 (EIP-2537), with leading zeros.
const PADDED: usize = 64;
/// Bytes of an element of Fp.
const COORDINATE: usize = 48;
/// Bits of the first byte of a serialized point that are flags.
const FLAGS: u8 = 0xe0;

/// Why bytes aren't a key or a signature, or a signature isn't valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// The seed has fewer than 32 bytes.
    #[error("expected a seed of at least 32 bytes, got {actual}")]
    ShortSeed { actual: usize },
    /// The number is zero or not below the order of the groups.
    #[error("secret key is zero or not below the order of the groups")]
    SecretOutOfRange,
    /// A coordinate isn't below the order of the field, or its padding isn't zero.
    #[error("coordinate isn't a canonical field element")]
    BadCoordinate,
    /// The point isn't on the curve.
    #[error("point isn't on the curve")]
    NotOnCurve,
    /// The point is on the curve, but not in the group of prime order.
    #[error("point isn't in the group of prime order")]
    NotInGroup,
    /// The point at infinity is neither a key nor a signature.
    #[error("point is the point at infinity")]
    Infinity,
    /// The signature is of another key or for another message.
    #[error("signature isn't valid for the key and the message")]
    WrongSignature,
}

impl BlsError {
    const fn of(error: BLST_ERROR) -> Self {
        match error {
            BLST_ERROR::BLST_POINT_NOT_ON_CURVE => Self::NotOnCurve,
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Self::NotInGroup,
            BLST_ERROR::BLST_PK_IS_INFINITY => Self::Infinity,
            BLST_ERROR::BLST_SUCCESS
            | BLST_ERROR::BLST_BAD_ENCODING
            | BLST_ERROR::BLST_AGGR_TYPE_MISMATCH
            | BLST_ERROR::BLST_VERIFY_FAIL
            | BLST_ERROR::BLST_BAD_SCALAR => Self::BadCoordinate,
        }
    }
}

/// BLS secret key of a sequencer. Its memory is zeroed when it is dropped, and `Debug` doesn't print it.
#[derive(Clone)]
pub struct BlsSecretKey(min_pk::SecretKey);

impl fmt::Debug for BlsSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlsSecretKey(…)")
    }
}

impl BlsSecretKey {
    /// Derives the key from `seed` by `KeyGen` of the IETF draft on BLS signatures.
    ///
    /// # Errors
    /// Fails if the seed has fewer than 32 bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, BlsError> {
        min_pk::SecretKey::key_gen(seed, &[])
            .map(Self)
            .map_err(|_| BlsError::ShortSeed { actual: seed.len() })
    }

    /// The key that is this big-endian number.
    ///
    /// # Errors
    /// Fails if the number is zero or not below the order of the groups.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, BlsError> {
        min_pk::SecretKey::from_bytes(secret).map(Self).map_err(|_| BlsError::SecretOutOfRange)
    }

    /// The secret as 32 big-endian bytes. Write them to a key file, never to a log.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key of this secret key.
    #[must_use]
    pub fn public_key(&self) -> BlsPublicKey {
        BlsPublicKey(self.0.sk_to_pk())
    }

    /// The proof of possession, with which the key is registered.
    #[must_use]
    pub fn prove_possession(&self, possession: &Possession) -> BlsSignature {
        let message = possession.message(&self.public_key());
        BlsSignature(self.0.sign(&message, POSSESSION_DST, &[]))
    }

    /// The VRF proof for an input: a signature, which determines the score.
    #[must_use]
    pub fn prove_vrf(&self, input: &VrfInput) -> BlsSignature {
        BlsSignature(self.0.sign(&input.message(), VRF_DST, &[]))
    }
}

/// BLS public key of a sequencer: a point of G1 other than infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlsPublicKey(min_pk::PublicKey);

impl BlsPublicKey {
    /// Decodes the 128 bytes of EIP-2537.
    ///
    /// # Errors
    /// Fails if they aren't a point of the group of prime order, or if they are the point at infinity.
    pub fn decode(encoded: &FixedBytes<128>) -> Result<Self, BlsError> {
        let mut bytes = [0; 2 * COORDINATE];
        if encoded.is_zero() {
            return Err(BlsError::Infinity);
        }
        for (to, from) in bytes.chunks_exact_mut(COORDINATE).zip(encoded.chunks_exact(PADDED)) {
            to.copy_from_slice(unpad(from)?);
        }
        let key = min_pk::PublicKey::deserialize(&bytes).map_err(BlsError::of)?;
        key.validate().map_err(BlsError::of)?;
        Ok(Self(key))
    }

    /// The encoding of EIP-2537, 128 bytes.
    #[must_use]
    pub fn encode(&self) -> FixedBytes<128> {
        let mut encoded = FixedBytes::<128>::ZERO;
        for (to, from) in encoded.chunks_exact_mut(PADDED).zip(self.0.serialize().chunks_exact(COORDINATE)) {
            pad(to, from);
        }
        encoded
    }

    /// The encoding as Solidity's `bytes32[4]`.
    #[must_use]
    pub fn words(&self) -> [B256; 4] {
        words(self.encode().as_slice())
    }

    /// The short form of 48 bytes, which key files have (ERC-2335).
    #[must_use]
    pub fn compress(&self) -> FixedBytes<48> {
        FixedBytes(self.0.compress())
    }

    /// Hash of the encoding, which the staking contract stores.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// A BLS signature: a point of G2 other than infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlsSignature(min_pk::Signature);

impl BlsSignature {
    /// Decodes the 256 bytes of EIP-2537.
    ///
    /// # Errors
    /// Fails if they aren't a point of the group of prime order, or if they are the point at infinity.
    pub fn decode(encoded: &FixedBytes<256>) -> Result<Self, BlsError> {
        let mut bytes = [0; 4 * COORDINATE];
        if encoded.is_zero() {
            return Err(BlsError::Infinity);
        }
        // blst has the two parts of a coordinate in the reverse order.
        for (to, from) in bytes.chunks_exact_mut(2 * COORDINATE).zip(encoded.chunks_exact(2 * PADDED)) {
            for (to, from) in to.rchunks_exact_mut(COORDINATE).zip(from.chunks_exact(PADDED)) {
                to.copy_from_slice(unpad(from)?);
            }
        }
        let signature = min_pk::Signature::deserialize(&bytes).map_err(BlsError::of)?;
        signature.validate(true).map_err(BlsError::of)?;
        Ok(Self(signature))
    }

    /// The encoding of EIP-2537, 256 bytes.
    #[must_use]
    pub fn encode(&self) -> FixedBytes<256> {
        let mut encoded = FixedBytes::<256>::ZERO;
        let bytes = self.0.serialize();
        for (to, from) in encoded.chunks_exact_mut(2 * PADDED).zip(bytes.chunks_exact(2 * COORDINATE)) {
            for (to, from) in to.chunks_exact_mut(PADDED).zip(from.rchunks_exact(COORDINATE)) {
                pad(to, from);
            }
        }
        encoded
    }

    /// The encoding as Solidity's `bytes32[8]`.
    #[must_use]
    pub fn words(&self) -> [B256; 8] {
        words(self.encode().as_slice())
    }

    /// The score of this VRF proof: the upper 192 bits of `keccak256("fernet.vrf-score.v1" ‖ signature)`.
    #[must_use]
    pub fn score(&self) -> Score {
        let hash: U256 = keccak256([VRF_SCORE_DOMAIN.as_slice(), self.encode().as_slice()].concat()).into();
        Score::new(U192::wrapping_from(hash.wrapping_shr(64)))
    }

    fn verify(&self, message: &[u8], dst: &[u8], key: &BlsPublicKey) -> Result<(), BlsError> {
        // Both points were checked when they were decoded.
        match self.0.verify(false, message, dst, &[], &key.0, false) {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            _ => Err(BlsError::WrongSignature),
        }
    }
}

/// The statement of a proof of possession: the owner and the staking contract for which a key is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possession {
    /// Chain id of the L1.
    pub chain_id: ChainId,
    /// Address of the staking contract.
    pub staking: Address,
    /// Account that registers the key.
    pub owner: Address,
}

impl Possession {
    /// The message that the key signs: `abi.encode("fernet.pop.v1", chainId, staking, owner, key)`.
    #[must_use]
    pub fn message(&self, key: &BlsPublicKey) -> Vec<u8> {
        let mut message = Words::with_capacity(8)
            .word(POSSESSION_DOMAIN)
            .uint(self.chain_id.get())
            .address(self.staking)
            .address(self.owner)
            .bytes();
        message.extend_from_slice(key.encode().as_slice());
        message
    }

    /// Checks a proof of possession as the staking contract does.
    ///
    /// # Errors
    /// Fails if the signature isn't valid.
    pub fn verify(&self, key: &BlsPublicKey, proof: &BlsSignature) -> Result<(), BlsError> {
        proof.verify(&self.message(key), POSSESSION_DST, key)
    }
}

/// Input of the VRF whose output is the score of a sequencer in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VrfInput {
    /// Identity of the rollup.
    pub rollup: RollupId,
    /// Slot of the score.
    pub slot: Slot,
    /// Seed of the slot.
    pub seed: B256,
    /// Sequencer of the score.
    pub sequencer: SequencerId,
}

impl VrfInput {
    /// The message that the key signs: `abi.encode("fernet.vrf.v1", chainId, rollup, slot, seed, sequencer)`.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        Words::with_capacity(6)
            .word(VRF_DOMAIN)
            .uint(self.rollup.chain_id.get())
            .address(self.rollup.address)
            .uint(self.slot.get())
            .word(self.seed)
            .uint(self.sequencer.get())
            .bytes()
    }

    /// Checks a VRF proof as the scoring contract does, and returns its score.
    ///
    /// # Errors
    /// Fails if the signature isn't valid.
    pub fn verify(&self, key: &BlsPublicKey, signature: &BlsSignature) -> Result<Score, BlsError> {
        signature.verify(&self.message(), VRF_DST, key)?;
        Ok(signature.score())
    }
}

/// The proof of a score in a proposal: key and VRF proof, 384 bytes.
#[must_use]
pub fn score_proof(key: &BlsPublicKey, signature: &BlsSignature) -> Vec<u8> {
    [key.encode().as_slice(), signature.encode().as_slice()].concat()
}

/// The 48 bytes of a coordinate in its padded encoding.
fn unpad(padded: &[u8]) -> Result<&[u8], BlsError> {
    match padded.split_at_checked(PADDED - COORDINATE) {
        Some((zeros, coordinate))
            if zeros.iter().all(|byte| *byte == 0) && coordinate.first().is_some_and(|b| b & FLAGS == 0) =>
        {
            Ok(coordinate)
        }
        _ => Err(BlsError::BadCoordinate),
    }
}

/// Writes a coordinate to the end of `padded`, whose bytes are zero.
fn pad(padded: &mut [u8], coordinate: &[u8]) {
    for (to, from) in padded.iter_mut().rev().zip(coordinate.iter().rev()) {
        *to = *from;
    }
}

fn words<const N: usize>(bytes: &[u8]) -> [B256; N] {
    let mut chunks = bytes.chunks_exact(32);
    std::array::from_fn(|_| chunks.next().map(B256::from_slice).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> BlsSecretKey {
        BlsSecretKey::from_seed(&[byte; 32]).expect("32 bytes")
    }

    #[test]
    fn encodings_read_back() {
        let key = secret(1).public_key();
        let input = VrfInput {
            rollup: RollupId::new(ChainId::new(1), Address::repeat_byte(7)),
            slot: Slot::new(9),
            seed: B256::repeat_byte(3),
            sequencer: SequencerId::new(4),
        };
        let signature = secret(1).prove_vrf(&input);
        assert_eq!(BlsPublicKey::decode(&key.encode()), Ok(key));
        assert_eq!(BlsSignature::decode(&signature.encode()), Ok(signature));
        assert_eq!(input.verify(&key, &signature), Ok(signature.score()));
        assert_eq!(input.verify(&secret(2).public_key(), &signature), Err(BlsError::WrongSignature));
        let another = VrfInput { sequencer: SequencerId::new(5), ..input };
        assert_eq!(another.verify(&key, &signature), Err(BlsError::WrongSignature));
        assert_eq!(score_proof(&key, &signature).len(), 384);
    }

    #[test]
    fn secrets_have_bounds_and_stay_secret() {
        assert_eq!(BlsSecretKey::from_seed(&[1; 31]).err(), Some(BlsError::ShortSeed { actual: 31 }));
        assert_eq!(BlsSecretKey::from_bytes(&[0; 32]).err(), Some(BlsError::SecretOutOfRange));
        assert_eq!(BlsSecretKey::from_bytes(&[0xff; 32]).err(), Some(BlsError::SecretOutOfRange));
        assert_eq!(format!("{:?}", secret(1)), "BlsSecretKey(…)");
    }
}
