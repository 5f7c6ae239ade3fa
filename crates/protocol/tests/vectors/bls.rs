//! BLS keys: proofs of possession, scores, hashing to the curve, and points that are none.

use crate::{
    rfc9380,
    support::{Random, Table},
};
use alloy_primitives::{B512, FixedBytes, U256, U512, b512, hex};
use blst::min_pk::SecretKey;
use fernet_protocol::{
    BlsError, BlsPublicKey, BlsSecretKey, BlsSignature, ChainId, Possession, RollupId, SequencerId, Slot,
    VrfInput, score_proof,
};

/// On the curve of G1 and of cofactor order: the multiple by the group order of the first point with x = 1,
/// 2, …
const COFACTOR_G1: [&str; 3] = [
    "000000000000000000000000000000000ccd40884cb1834492efbd0149a414535890f30477f9535103082ff438ca13d7",
    "f7e36e2f1d15dd8ca30397f12170831a00000000000000000000000000000000157112d2c2dfffc1f042dd01e9cc104f",
    "0609ada5f5fb621f5eb44c9b1b3174267681bbdea41aacc3af76740445774b94",
];
/// On the curve of G2 and of cofactor order: the multiple by the group order of the first point with x = 1 +
/// u, 2 + u, …
const COFACTOR_G2: [&str; 6] = [
    "0000000000000000000000000000000001f25b971f88673a879fd835ed521a7dd9ca5ff815d1f8875da864648644d13f",
    "c1a29e9e2610e17febed7481715d5ea6000000000000000000000000000000000a04da912b3363e00a0545d58e7757f7",
    "b60e7a25568adcb3af55dad724d304f7c4742819d1f6a9bf545a719c2fe8621400000000000000000000000000000000",
    "1452546efed72d53c7ed3a559ddcd3291c8235b2f4c82109971fcffea78cedce05c0fdaa27ab7f36ca96f831b390c328",
    "000000000000000000000000000000000418673ae18a5c7c927d60b9aff4b158bc7bea17c3559a82d12dcb18540cff91",
    "ea7428cd3245bca39114bde4bb1abb8b",
];
/// Order of the field of coordinates.
const ORDER: B512 = b512!(
    "000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
);

fn fixed<const N: usize>(parts: &[&str]) -> FixedBytes<N> {
    FixedBytes::from_slice(&hex::decode(parts.concat()).expect("hexadecimal"))
}

/// The point with `change` made to the coordinate at `at`, of 64 bytes.
fn changed<const N: usize>(
    mut point: FixedBytes<N>,
    at: usize,
    change: impl Fn(U512) -> U512,
) -> FixedBytes<N> {
    let coordinate = &mut point[64 * at..64 * (at + 1)];
    let value = change(U512::from_be_slice(coordinate));
    coordinate.copy_from_slice(&value.to_be_bytes::<64>());
    point
}

/// The point that a message hashes to: what the key 1 signs.
fn hashed(message: &[u8], dst: &[u8]) -> FixedBytes<256> {
    let one = SecretKey::from_bytes(&U256::ONE.to_be_bytes::<32>()).expect("below the order");
    let serialized = one.sign(message, dst, &[]).serialize();
    let mut point = FixedBytes::<256>::ZERO;
    // blst: x.c1 x.c0 y.c1 y.c0
    for (to, from) in [1, 0, 3, 2].into_iter().enumerate() {
        point[64 * to + 16..64 * (to + 1)].copy_from_slice(&serialized[48 * from..48 * (from + 1)]);
    }
    point
}

pub(crate) fn bls() -> Table {
    let mut table = Table::default();
    hashes(&mut table);
    cases(&mut table);
    refused(&mut table);
    table
}

fn hashes(table: &mut Table) {
    table.put("dst", rfc9380::DST);
    for (message, parts) in rfc9380::POINTS {
        let official = fixed(&parts.map(|part| format!("{part:0>128}")).each_ref().map(String::as_str));
        assert_eq!(hashed(message.as_bytes(), rfc9380::DST.as_bytes()), official);
        table.put("hashMessage", message.as_bytes().to_vec());
        table.put("hashed", official.to_vec());
    }
}

fn cases(table: &mut Table) {
    let mut random = Random::new(11);
    for case in 0..16_u64 {
        let secret =
            BlsSecretKey::from_bytes(&(U256::from_be_bytes(random.word().0) >> 2_usize).to_be_bytes::<32>())
                .expect("254 bits are below the order");
        let key = secret.public_key();
        let chain_id = ChainId::new(if case < 4 { 31_337 } else { random.next() >> 1 });
        let possession = Possession { chain_id, staking: random.address(), owner: random.address() };
        let proof = secret.prove_possession(&possession);
        possession.verify(&key, &proof).expect("its own proof");
        let draw = VrfInput {
            rollup: RollupId::new(chain_id, random.address()),
            slot: Slot::new(random.next() >> (4 * case)),
            seed: random.word(),
            sequencer: SequencerId::new(u32::try_from(random.next() >> (32 + case)).expect("32 bits")),
        };
        let signature = secret.prove_vrf(&draw);
        let score = draw.verify(&key, &signature).expect("its own signature");
        assert_eq!(possession.verify(&key, &signature), Err(BlsError::WrongSignature));
        table.put("chainId", chain_id.get());
        table.put("staking", possession.staking);
        table.put("owner", possession.owner);
        table.put("key", key.encode().to_vec());
        table.put("keyHash", key.hash());
        table.put("possessionMessage", possession.message(&key));
        table.put("possession", proof.encode().to_vec());
        table.put("rollup", draw.rollup.address);
        table.put("slot", draw.slot.get());
        table.put("seed", draw.seed);
        table.put("sequencer", draw.sequencer.get());
        table.put("vrfMessage", draw.message());
        table.put("scoreProof", score_proof(&key, &signature));
        table.put("score", U256::from(score.get()));
    }
}

/// Keys and signatures, one of each pair malformed, the other one right for the message of a proof of
/// possession.
fn refused(table: &mut Table) {
    let secret = BlsSecretKey::from_seed(&[7; 32]).expect("32 bytes");
    let possession = Possession { chain_id: ChainId::new(1), staking: [1; 20].into(), owner: [2; 20].into() };
    let (key, proof) = (secret.public_key().encode(), secret.prove_possession(&possession).encode());
    let order = U512::from_be_bytes(ORDER.0);
    let plus_order = |value: U512| value + order;
    let padded = |value: U512| value | (U512::ONE << 400);
    let flagged = |value: U512| value | (U512::ONE << 383);
    let plus_one = |value: U512| value + U512::ONE;

    let mut keys = vec![
        ("infinity", FixedBytes::ZERO, BlsError::Infinity),
        ("subgroup", fixed(&COFACTOR_G1), BlsError::NotInGroup),
        ("curve", changed(key, 1, plus_one), BlsError::NotOnCurve),
    ];
    for at in 0..2 {
        keys.push(("field", changed(key, at, plus_order), BlsError::BadCoordinate));
        keys.push(("padding", changed(key, at, padded), BlsError::BadCoordinate));
        keys.push(("flag", changed(key, at, flagged), BlsError::BadCoordinate));
    }
    let mut proofs = vec![
        ("infinity", FixedBytes::ZERO, BlsError::Infinity),
        ("subgroup", fixed(&COFACTOR_G2), BlsError::NotInGroup),
        ("curve", changed(proof, 3, plus_one), BlsError::NotOnCurve),
    ];
    for at in 0..4 {
        proofs.push(("field", changed(proof, at, plus_order), BlsError::BadCoordinate));
        proofs.push(("padding", changed(proof, at, padded), BlsError::BadCoordinate));
        proofs.push(("flag", changed(proof, at, flagged), BlsError::BadCoordinate));
    }
    let message = possession.message(&secret.public_key());
    table.put("refusedMessage", message);
    table.put("validKey", key.to_vec());
    table.put("validProof", proof.to_vec());
    for (why, point, error) in keys {
        assert_eq!(BlsPublicKey::decode(&point), Err(error), "{why}");
        table.put("refusedKeyFor", why);
        table.put("refusedKey", point.to_vec());
    }
    for (why, point, error) in proofs {
        assert_eq!(BlsSignature::decode(&point), Err(error), "{why}");
        table.put("refusedProofFor", why);
        table.put("refusedProof", point.to_vec());
    }
}
