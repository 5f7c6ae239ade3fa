//! Two real blobs with withdrawals, and openings of their elements.

use std::{collections::BTreeMap, sync::LazyLock};

use alloy::primitives::{Address, B256, Bytes, U256, uint};
use c_kzg::{Blob as KzgBlob, Bytes32, KzgSettings, ethereum_kzg_settings};
use revm::precompile::kzg_point_evaluation::kzg_to_versioned_hash;

use crate::actors::{self, OWNERS, PROVERS};

/// Order of BLS12-381's scalar field.
pub(crate) const ORDER: U256 = uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);
/// Generator of a blob's domain, `compute_roots_of_unity` of the consensus specification.
const ROOT: U256 = uint!(0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306_U256);
/// Log2 of a blob's elements.
const BLOB_LOG: u32 = 12;
/// Precomputation level of c-kzg. It equals revm's, so that both share one setup.
const PRECOMPUTE: u64 = 8;

/// Kinds of elements, encoded above the lowest 160 bits.
const WITHDRAWAL: u8 = 2;
const TARGET: u8 = 4;
const KIND_AT: usize = 160;
const AMOUNT_AT: usize = 64;

/// An element and its opening.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) value: B256,
    pub(crate) proof: Bytes,
}

/// A known blob.
pub(crate) struct Blob {
    pub(crate) hash: B256,
    pub(crate) commitment: Bytes,
    /// The elements that aren't zero.
    pub(crate) elements: BTreeMap<u64, Shown>,
}

/// All addresses.
pub(crate) static BLOBS: LazyLock<[Blob; 2]> = LazyLock::new(|| {
    let owner = |i| actors::address(OWNERS.start + i);
    let prover = actors::address(PROVERS.start);
    let pair = |at, amount, to| [(at, withdrawal(amount)), (at + 1, target(to))];
    let first = [pair(0, 3, owner(0)), pair(2, 40, prover), pair(4094, 7, owner(1))];
    let second = [pair(0, u64::MAX, owner(2)), pair(6, 0, owner(1)), pair(8, 11, Address::ZERO)];
    [blob(first.as_flattened()), blob(second.as_flattened())]
});

/// The known blob with a versioned hash.
pub(crate) fn known(hash: B256) -> Option<&'static Blob> {
    BLOBS.iter().find(|blob| blob.hash == hash)
}

fn element(kind: u8, rest: U256) -> B256 {
    ((U256::from(kind) << KIND_AT) | rest).into()
}

/// The first element of a withdrawal of an amount, in L2 units, by account 1.
pub(crate) fn withdrawal(amount: u64) -> B256 {
    element(WITHDRAWAL, (U256::from(amount) << AMOUNT_AT) | U256::ONE)
}

/// The second element of a withdrawal, with the recipient.
pub(crate) fn target(to: Address) -> B256 {
    element(TARGET, U256::from_be_bytes(to.into_word().0))
}

/// The amount in the first element of a withdrawal.
pub(crate) fn amount_of(element: B256) -> Option<u64> {
    let element = U256::from_be_bytes(element.0);
    let low = (element >> AMOUNT_AT) & U256::from(u64::MAX);
    (element >> KIND_AT == U256::from(WITHDRAWAL)).then(|| low.to())
}

/// The recipient in the second element of a withdrawal.
pub(crate) fn target_of(element: B256) -> Option<Address> {
    let to = Address::from_word(element);
    (U256::from_be_bytes(element.0) >> KIND_AT == U256::from(TARGET) && !to.is_zero()).then_some(to)
}

/// The point at which a blob's polynomial has an element's value. The domain is in bit-reversed order.
fn point(element: u64) -> B256 {
    let power = element.reverse_bits() >> (u64::BITS - BLOB_LOG);
    ROOT.pow_mod(U256::from(power), ORDER).into()
}

fn blob(elements: &[(u64, B256)]) -> Blob {
    let settings = ethereum_kzg_settings(PRECOMPUTE);
    let mut bytes = vec![0; 32 << BLOB_LOG];
    for (index, value) in elements {
        let at = *index as usize * 32;
        bytes[at..at + 32].copy_from_slice(value.as_slice());
    }
    let blob = KzgBlob::from_bytes(&bytes).unwrap_or_else(|e| unreachable!("{e:?}"));
    let commitment = settings.blob_to_kzg_commitment(&blob).unwrap_or_else(|e| unreachable!("{e:?}"));
    let commitment = commitment.to_bytes().into_inner();
    let shown = |(index, value): &(u64, B256)| {
        (*index, Shown { value: *value, proof: open(settings, &blob, *index) })
    };
    Blob {
        hash: kzg_to_versioned_hash(&commitment).into(),
        commitment: Bytes::copy_from_slice(&commitment),
        elements: elements.iter().map(shown).collect(),
    }
}

fn open(settings: &KzgSettings, blob: &KzgBlob, element: u64) -> Bytes {
    let at = Bytes32::new(point(element).0);
    let (proof, _) = settings.compute_kzg_proof(blob, &at).unwrap_or_else(|e| unreachable!("{e:?}"));
    Bytes::copy_from_slice(&proof.to_bytes().into_inner())
}
