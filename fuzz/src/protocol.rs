//! Headers and BLS keys, as L1 encodes them.

use alloy::primitives::{Address, B256, FixedBytes};
use fernet_protocol::{BlsPublicKey, BlsSecretKey, BlsSignature, ChainId, Header, Possession, Slot, samples};

use crate::{Outcome, Target, bounded, refused};

/// `abi.encode(header)`.
pub const HEADER: Target = Target { name: "header", check: check_header, seeds: headers };
/// BLS public keys and signatures as EIP-2537 encodes points.
pub const BLS_KEYS: Target = Target { name: "bls_keys", check: check_bls, seeds: bls_keys };

fn check_header(bytes: &[u8]) -> Outcome {
    match bounded(2 * bytes.len() + 1024, || Header::decode(bytes)) {
        Ok(header) => {
            assert_eq!(header.encode(), bytes, "{header:?}");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn check_bls(bytes: &[u8]) -> Outcome {
    if let Ok(encoded) = <&[u8; 128]>::try_from(bytes).map(FixedBytes::from) {
        match bounded(4096, || BlsPublicKey::decode(&encoded)) {
            Ok(key) => {
                assert_eq!(key.encode(), encoded);
                Outcome::Decoded
            }
            Err(error) => refused(&error),
        }
    } else if let Ok(encoded) = <&[u8; 256]>::try_from(bytes).map(FixedBytes::from) {
        match bounded(4096, || BlsSignature::decode(&encoded)) {
            Ok(signature) => {
                assert_eq!(signature.encode(), encoded);
                Outcome::Decoded
            }
            Err(error) => refused(&error),
        }
    } else {
        Outcome::Refused
    }
}

/// A header with some of everything.
pub(crate) fn header(blobs: usize) -> Header {
    Header {
        parent: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        deposits_end: 3,
        deposits_chain: B256::repeat_byte(8),
        exits_end: 5,
        exits_chain: B256::repeat_byte(9),
        fee_recipient: 4,
        vote: Address::repeat_byte(6),
        blob_hashes: vec![B256::repeat_byte(7); blobs],
        ..samples::header(Slot::new(7))
    }
}

fn headers() -> Vec<Vec<u8>> {
    [0, 1, 6].map(|blobs| header(blobs).encode()).to_vec()
}

fn bls_keys() -> Vec<Vec<u8>> {
    let secret =
        BlsSecretKey::from_seed(b"a seed of the fuzz targets, 32 bytes or more").expect("long enough");
    let possession = Possession {
        chain_id: ChainId::new(1),
        staking: Address::repeat_byte(1),
        owner: Address::repeat_byte(2),
    };
    let proof = secret.prove_possession(&possession);
    vec![secret.public_key().encode().to_vec(), proof.encode().to_vec()]
}
