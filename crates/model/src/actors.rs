//! The callers: accounts with keys, and BLS keys with their proofs of possession.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use alloy::primitives::{Address, B256, Bytes, keccak256};
use fernet_protocol::{BlsSecretKey, Possession, VrfInput};
use k256::ecdsa::SigningKey;

use crate::{
    code,
    rules::{Addresses, CHAIN_ID, GUARDIAN},
};

/// Owners of sequencers; they are withdrawers, too.
pub(crate) const OWNERS: std::ops::Range<usize> = 0..3;
/// Attesters.
pub(crate) const ATTESTERS: std::ops::Range<usize> = 3..8;
/// Provers with a key; they are payees, too.
pub(crate) const PROVERS: std::ops::Range<usize> = 8..11;
/// Keys that other accounts name to sign their quotes.
pub(crate) const NAMED_KEYS: std::ops::Range<usize> = 11..13;
/// An attester and a prover whose accounts delegate to the code of a wallet (EIP-7702). They have keys.
const DELEGATED: [usize; 2] = [ATTESTERS.start + 1, PROVERS.start + 2];
/// A prover that is a wallet. It has no key.
pub(crate) const WALLET: Address = Address::repeat_byte(0x77);

struct Actor {
    address: Address,
    key: SigningKey,
}

static ACTORS: LazyLock<Vec<Actor>> = LazyLock::new(|| {
    (OWNERS.start..NAMED_KEYS.end)
        .map(|number| {
            let secret = keccak256(format!("fernet model actor {number}"));
            let key = SigningKey::from_slice(secret.as_slice()).unwrap_or_else(|e| unreachable!("{e}"));
            Actor { address: Address::from_private_key(&key), key }
        })
        .collect()
});

/// Address of an actor.
pub(crate) fn address(number: usize) -> Address {
    ACTORS[number].address
}

/// Accounts that may act or be paid. Two of them are contracts, so that their privileged calls are tried
/// often.
pub(crate) fn accounts() -> Vec<Address> {
    let at = Addresses::new();
    ACTORS.iter().map(|actor| actor.address).chain([WALLET, GUARDIAN, at.timelock, at.guardian]).collect()
}

/// All provers.
pub(crate) fn provers() -> Vec<Address> {
    PROVERS.map(address).chain([WALLET]).collect()
}

/// The accounts that have code, with their code.
pub(crate) fn codes() -> impl Iterator<Item = (Address, Bytes)> {
    let delegated = DELEGATED.map(|number| (address(number), code::delegation(WALLET)));
    delegated.into_iter().chain([(WALLET, code::wallet())])
}

/// Whether an account has the code of a wallet.
pub(crate) fn is_wallet(account: Address) -> bool {
    account == WALLET || DELEGATED.iter().any(|number| address(*number) == account)
}

/// The signature that a wallet accepts (EIP-1271).
pub(crate) fn wallet_signature(digest: B256) -> Bytes {
    digest.to_vec().into()
}

/// Signature of a digest by the account's key, `r ‖ s ‖ v`; empty for an account without a key.
pub(crate) fn sign(account: Address, digest: B256) -> Bytes {
    let Some(actor) = ACTORS.iter().find(|actor| actor.address == account) else { return Bytes::new() };
    let (signature, recovery) =
        actor.key.sign_prehash_recoverable(digest.as_slice()).unwrap_or_else(|e| unreachable!("{e}"));
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + recovery.to_byte());
    bytes.into()
}

/// Numbers of the BLS keys.
pub(crate) const BLS_KEYS: std::ops::RangeInclusive<u8> = 1..=4;

fn bls_secret(number: u8) -> BlsSecretKey {
    BlsSecretKey::from_seed(&[number; 32]).unwrap_or_else(|e| unreachable!("{e}"))
}

/// The VRF proof of the key with that hash; empty for an unknown key.
pub(crate) fn score_proof(key_hash: B256, input: &VrfInput) -> Bytes {
    static HASHES: LazyLock<Vec<(B256, u8)>> =
        LazyLock::new(|| BLS_KEYS.map(|number| (bls_secret(number).public_key().hash(), number)).collect());
    let Some((_, number)) = HASHES.iter().find(|(hash, _)| *hash == key_hash) else { return Bytes::new() };
    let secret = bls_secret(*number);
    fernet_protocol::score_proof(&secret.public_key(), &secret.prove_vrf(input)).into()
}

/// The BLS key with a number, and its proof of possession for an owner, as the staking contract expects them.
pub(crate) fn bls_key(number: u8, owner: Address) -> ([B256; 4], [B256; 8]) {
    type Proven = ([B256; 4], [B256; 8]);
    static KEYS: LazyLock<Mutex<BTreeMap<(u8, Address), Proven>>> = LazyLock::new(Mutex::default);
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    *keys.entry((number, owner)).or_insert_with(|| {
        let secret = bls_secret(number);
        let possession = Possession { chain_id: CHAIN_ID, staking: Addresses::new().staking, owner };
        (secret.public_key().words(), secret.prove_possession(&possession).words())
    })
}
