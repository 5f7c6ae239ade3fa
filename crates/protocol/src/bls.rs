//! BLS keys of sequencers: proofs of possession and verifiable random scores. Keys are points of G1, signatures points of G2
//! (min-pk), messages hashed to G2 as RFC 9380 says. Nothing here takes randomness: a key comes from a seed, a signature from a
//! key and a message, and there is one signature for both.

use crate::{
    ChainId, RollupId, Score, SequencerId, Slot,
    encoding::{Words, tag},
};
use alloy_primitives::{Address, B256, FixedBytes, U256, aliases::U192, keccak256};
use blst::{BLST_ERROR, min_pk};
use std::fmt;

/// Domain of proofs of possession: `bytes32("fernet.pop.v1")`.
const POSSESSION_DOMAIN: B256 = tag("fernet.pop.v1");
/// Domain of what is signed for a score: `bytes32("fernet.vrf.v1")`.
const VRF_DOMAIN: B256 = tag("fernet.vrf.v1");
/// Domain of a score under a signature: `bytes32("fernet.vrf-score.v1")`.
const VRF_SCORE_DOMAIN: B256 = tag("fernet.vrf-score.v1");
/// Separates proofs of possession from other signatures; the tag of the IETF draft on BLS signatures.
const POSSESSION_DST: &[u8] = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
/// Separates scores from other signatures.
const VRF_DST: &[u8] = b"FERNET_VRF_V1_BLS12381G2_XMD:SHA-256_SSWU_RO_";

/// Bytes of a coordinate (part) on L1, and of those that may be other than zero.
const PADDED: usize = 64;
const COORDINATE: usize = 48;
/// Bits of a serialized point's first byte that are no bits of a coordinate.
const FLAGS: u8 = 0xe0;

/// Why something isn't a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// Key material below 32 bytes.
    #[error("key material has {actual} bytes, expected at least 32")]
    ShortSeed {
        /// bytes given
        actual: usize,
    },
    /// Zero, or not below the order of the groups.
    #[error("secret key is zero or not below the order of the groups")]
    SecretOutOfRange,
    /// A coordinate isn't below the order of the field, or its padding isn't zero.
    #[error("coordinate isn't a reduced field element with zeros in front")]
    BadCoordinate,
    /// Not on the curve.
    #[error("point isn't on the curve")]
    NotOnCurve,
    /// On the curve, but outside of the group of prime order.
    #[error("point isn't in the group of prime order")]
    NotInGroup,
    /// The neutral element is neither a key nor a signature.
    #[error("point is the one at infinity")]
    Infinity,
    /// The signature is another key's, or on another message.
    #[error("signature isn't that of the key on the message")]
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

/// A sequencer's BLS secret. Leaves no trace in memory, and isn't shown.
#[derive(Clone)]
pub struct BlsSecretKey(min_pk::SecretKey);

impl fmt::Debug for BlsSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlsSecretKey(…)")
    }
}

impl BlsSecretKey {
    /// The key that follows from `seed` by `KeyGen` of the IETF draft on BLS signatures.
    ///
    /// # Errors
    /// [`BlsError::ShortSeed`]: 32 bytes are the least.
    pub fn from_seed(seed: &[u8]) -> Result<Self, BlsError> {
        min_pk::SecretKey::key_gen(seed, &[])
            .map(Self)
            .map_err(|_| BlsError::ShortSeed { actual: seed.len() })
    }

    /// The key that is this number, big-endian.
    ///
    /// # Errors
    /// [`BlsError::SecretOutOfRange`].
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, BlsError> {
        min_pk::SecretKey::from_bytes(secret).map(Self).map_err(|_| BlsError::SecretOutOfRange)
    }

    /// The key that others know.
    #[must_use]
    pub fn public_key(&self) -> BlsPublicKey {
        BlsPublicKey(self.0.sk_to_pk())
    }

    /// What `owner` registers the key with.
    #[must_use]
    pub fn prove_possession(&self, possession: &Possession) -> BlsSignature {
        let message = possession.message(&self.public_key());
        BlsSignature(self.0.sign(&message, POSSESSION_DST, &[]))
    }

    /// The signature that makes a score.
    #[must_use]
    pub fn draw(&self, draw: &Draw) -> BlsSignature {
        BlsSignature(self.0.sign(&draw.message(), VRF_DST, &[]))
    }
}

/// A sequencer's BLS key: a point of G1 other than infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlsPublicKey(min_pk::PublicKey);

impl BlsPublicKey {
    /// Reads 128 bytes as in EIP-2537.
    ///
    /// # Errors
    /// If they aren't a point of the group of prime order, other than infinity.
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

    /// 128 bytes as in EIP-2537.
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

    /// Hash that the staking contract knows the key by.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// A BLS signature: a point of G2 other than infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlsSignature(min_pk::Signature);

impl BlsSignature {
    /// Reads 256 bytes as in EIP-2537.
    ///
    /// # Errors
    /// If they aren't a point of the group of prime order, other than infinity.
    pub fn decode(encoded: &FixedBytes<256>) -> Result<Self, BlsError> {
        let mut bytes = [0; 4 * COORDINATE];
        if encoded.is_zero() {
            return Err(BlsError::Infinity);
        }
        // blst has the parts of a coordinate the other way round
        for (to, from) in bytes.chunks_exact_mut(2 * COORDINATE).zip(encoded.chunks_exact(2 * PADDED)) {
            for (to, from) in to.rchunks_exact_mut(COORDINATE).zip(from.chunks_exact(PADDED)) {
                to.copy_from_slice(unpad(from)?);
            }
        }
        let signature = min_pk::Signature::deserialize(&bytes).map_err(BlsError::of)?;
        signature.validate(true).map_err(BlsError::of)?;
        Ok(Self(signature))
    }

    /// 256 bytes as in EIP-2537.
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

    /// The score that this signature makes: the upper 192 bits of `keccak256("fernet.vrf-score.v1" ‖ signature)`.
    #[must_use]
    pub fn score(&self) -> Score {
        let hash: U256 = keccak256([VRF_SCORE_DOMAIN.as_slice(), self.encode().as_slice()].concat()).into();
        Score::new(U192::wrapping_from(hash.wrapping_shr(64)))
    }

    fn verify(&self, message: &[u8], dst: &[u8], key: &BlsPublicKey) -> Result<(), BlsError> {
        // both points were checked when they were made
        match self.0.verify(false, message, dst, &[], &key.0, false) {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            _ => Err(BlsError::WrongSignature),
        }
    }
}

/// For whom and where a key is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possession {
    /// the L1
    pub chain_id: ChainId,
    /// address of the staking contract
    pub staking: Address,
    /// who registers
    pub owner: Address,
}

impl Possession {
    /// What the key signs: `abi.encode("fernet.pop.v1", chainId, staking, owner, key)`.
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

    /// Checks a proof as the staking contract does.
    ///
    /// # Errors
    /// [`BlsError::WrongSignature`].
    pub fn verify(&self, key: &BlsPublicKey, proof: &BlsSignature) -> Result<(), BlsError> {
        proof.verify(&self.message(key), POSSESSION_DST, key)
    }
}

/// A sequencer's draw in a slot, where scores are verifiable random ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// rollup and chain
    pub rollup: RollupId,
    /// the slot
    pub slot: Slot,
    /// its seed
    pub seed: B256,
    /// who draws
    pub sequencer: SequencerId,
}

impl Draw {
    /// What the key signs: `abi.encode("fernet.vrf.v1", chainId, rollup, slot, seed, sequencer)`.
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

    /// Checks a signature as the scoring contract does, and returns its score.
    ///
    /// # Errors
    /// [`BlsError::WrongSignature`].
    pub fn verify(&self, key: &BlsPublicKey, signature: &BlsSignature) -> Result<Score, BlsError> {
        signature.verify(&self.message(), VRF_DST, key)?;
        Ok(signature.score())
    }
}

/// What a proposal shows its score with: key and signature, 384 bytes.
#[must_use]
pub fn score_proof(key: &BlsPublicKey, signature: &BlsSignature) -> Vec<u8> {
    [key.encode().as_slice(), signature.encode().as_slice()].concat()
}

/// The 48 bytes of a coordinate in 64.
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

/// Writes a coordinate to the end of `padded`, which is zero.
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
        let draw = Draw {
            rollup: RollupId::new(ChainId::new(1), Address::repeat_byte(7)),
            slot: Slot::new(9),
            seed: B256::repeat_byte(3),
            sequencer: SequencerId::new(4),
        };
        let signature = secret(1).draw(&draw);
        assert_eq!(BlsPublicKey::decode(&key.encode()), Ok(key));
        assert_eq!(BlsSignature::decode(&signature.encode()), Ok(signature));
        assert_eq!(draw.verify(&key, &signature), Ok(signature.score()));
        assert_eq!(draw.verify(&secret(2).public_key(), &signature), Err(BlsError::WrongSignature));
        let another = Draw { sequencer: SequencerId::new(5), ..draw };
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
