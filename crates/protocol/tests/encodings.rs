//! The hand-written encodings against alloy's, and hostile bytes.

use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_sol_types::{SolStruct, SolValue, eip712_domain, sol};
use fernet_protocol::{
    ChainId, Deposit, EligibleSequencer, Exit, Header, HeaderError, L1Operation, L1Slot, MAX_BLOBS, Price,
    Quote, RollupId, Scorer, SequencerId, SignatureError, Slot, TokenAmount, recover_signer, samples, seed,
    verify_signature,
};
use k256::ecdsa::SigningKey;
use proptest::{collection::vec, prelude::*};

mod solidity {
    super::sol! {
        struct Header {
            uint64 slot;
            bytes32 parent;
            bytes32 stateRoot;
            uint64 depositsEnd;
            bytes32 depositsChain;
            uint64 exitsEnd;
            bytes32 exitsChain;
            uint32 feeRecipient;
            uint32 chunks;
            bytes32 committeeDigest;
            address vote;
            bytes32[] blobHashes;
        }

        struct Quote {
            uint64 slot;
            bytes32 headerHash;
            uint32 sequencer;
            address prover;
            address payee;
            uint128 bond;
            int128 price;
            uint64 validUntil;
        }

        struct L1Operation {
            uint256 head;
            uint256 x;
            uint256 y;
        }
    }
}

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::new)
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::new)
}

fn header() -> impl Strategy<Value = Header> {
    let numbers = any::<(u64, u64, u64, u32, u32)>();
    let words = [word(), word(), word(), word(), word()];
    (numbers, words, address(), vec(word(), 0..=MAX_BLOBS)).prop_map(
        |((slot, deposits_end, exits_end, fee_recipient, chunks), words, vote, blob_hashes)| {
            let [parent, state_root, deposits_chain, exits_chain, committee_digest] = words;
            Header {
                slot: Slot::new(slot),
                parent,
                state_root,
                deposits_end,
                deposits_chain,
                exits_end,
                exits_chain,
                fee_recipient,
                chunks,
                committee_digest,
                vote,
                blob_hashes,
            }
        },
    )
}

proptest! {
    #[test]
    fn headers_encode_as_solidity_does(header in header()) {
        let theirs = solidity::Header {
            slot: header.slot.get(),
            parent: header.parent,
            stateRoot: header.state_root,
            depositsEnd: header.deposits_end,
            depositsChain: header.deposits_chain,
            exitsEnd: header.exits_end,
            exitsChain: header.exits_chain,
            feeRecipient: header.fee_recipient,
            chunks: header.chunks,
            committeeDigest: header.committee_digest,
            vote: header.vote,
            blobHashes: header.blob_hashes.clone(),
        };
        prop_assert_eq!(header.encode(), theirs.abi_encode());
        prop_assert_eq!(header.hash(), keccak256(theirs.abi_encode()));
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    /// Whatever decodes is the encoding of what it decodes to: no two byte strings are one header.
    #[test]
    fn decoding_is_canonical(header in header(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = header.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(decoded) = Header::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }

    #[test]
    fn decoding_takes_any_bytes(bytes in vec(any::<u8>(), 0..1200)) {
        let _ = Header::decode(&bytes);
    }

    #[test]
    fn quotes_hash_as_typed_data(
        numbers in any::<(u64, u32, u128, u64)>(),
        price: i128,
        hash in word(),
        parties in (address(), address(), address()),
        chain_id: u64,
    ) {
        let ((slot, sequencer, bond, valid_until), (prover, payee, rollup)) = (numbers, parties);
        let ours = Quote {
            slot: Slot::new(slot),
            header_hash: hash,
            sequencer: SequencerId::new(sequencer),
            prover,
            payee,
            bond: TokenAmount::new(bond),
            price: Price::new(price),
            valid_until: L1Slot::new(valid_until),
        };
        let theirs = solidity::Quote {
            slot,
            headerHash: hash,
            sequencer,
            prover,
            payee,
            bond,
            price,
            validUntil: valid_until,
        };
        let domain = eip712_domain! {
            name: "Fernet",
            version: "1",
            chain_id: chain_id,
            verifying_contract: rollup,
        };
        let id = RollupId::new(ChainId::new(chain_id), rollup);
        prop_assert_eq!(ours.digest(&id), theirs.eip712_signing_hash(&domain));
    }

    #[test]
    fn operations_chain_as_solidity_does(
        before in word(), index: u32, amount: u64, x in word(), y in word(), to in address(),
    ) {
        let (key_x, key_y): (U256, U256) = (x.into(), y.into());
        let head = U256::from(index) + U256::from(amount) * U256::from(1u64 << 32);
        let theirs = solidity::L1Operation { head, x: key_x, y: key_y };
        let expected = keccak256((before, theirs).abi_encode_params());
        let deposit = L1Operation::Deposit(Deposit { index, amount, key_x, key_y });
        prop_assert_eq!(deposit.chain(before), expected);

        let head = U256::from(index) + U256::from(1u128 << 96);
        let theirs = solidity::L1Operation { head, x: U256::from_be_bytes(to.into_word().0), y: U256::ZERO };
        let expected = keccak256((before, theirs).abi_encode_params());
        let exit = L1Operation::Exit(Exit { index, to });
        prop_assert_eq!(exit.chain(before), expected);
    }

    #[test]
    fn scores_are_the_upper_bits_of_the_hash(
        numbers in any::<(u64, u64, u32)>(), addresses in (address(), address()), seed in word(),
    ) {
        let ((chain_id, slot, sequencer), (rollup, attester)) = (numbers, addresses);
        let domain = keccak256("fernet.score.v1");
        let id = U256::from(chain_id);
        let hash: U256 = keccak256((domain, id, rollup, slot, seed, sequencer, attester).abi_encode()).into();
        let scorer = Scorer::new(RollupId::new(ChainId::new(chain_id), rollup), Slot::new(slot), seed);
        let score = scorer.score(&EligibleSequencer { sequencer: SequencerId::new(sequencer), attester });
        prop_assert_eq!(U256::from(score.get()), hash >> 64);
    }

    #[test]
    fn signatures_of_any_bytes_never_panic(digest in word(), bytes in vec(any::<u8>(), 0..80)) {
        let _ = recover_signer(digest, &bytes);
    }
}

#[test]
fn tags_are_padded_at_the_right() {
    let mut tag = [0; 32];
    tag[..14].copy_from_slice(b"fernet.seed.v1");
    let expected = keccak256((B256::new(tag), B256::ZERO, 5_u64).abi_encode());
    assert_eq!(seed(B256::ZERO, Slot::new(5)), expected);

    let rollup = RollupId::new(ChainId::new(1), Address::repeat_byte(1));
    let mut tag = [0; 32];
    tag[..17].copy_from_slice(b"fernet.genesis.v1");
    assert_eq!(
        rollup.genesis_hash(),
        keccak256((B256::new(tag), U256::from(1), rollup.address).abi_encode())
    );
    let packed =
        ["fernet.ledger.v1".as_bytes(), &U256::from(1).to_be_bytes::<32>(), rollup.address.as_slice()];
    let hash: U256 = keccak256(packed.concat()).into();
    assert_eq!(rollup.domain(), hash >> 3);
}

#[test]
fn a_header_of_too_many_blobs_is_refused_before_they_are_read() {
    let header = Header { blob_hashes: vec![B256::ZERO; MAX_BLOBS + 1], ..empty() };
    assert_eq!(Header::decode(&header.encode()), Err(HeaderError::TooManyBlobs { maximum: 16, actual: 17 }));
    let mut bytes = empty().encode();
    bytes[13 * 32 + 24..14 * 32].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(Header::decode(&bytes), Err(HeaderError::TooManyBlobs { maximum: 16, actual: u64::MAX }));
}

#[test]
fn a_header_with_bytes_to_spare_is_refused() {
    let mut bytes = empty().encode();
    bytes.push(0);
    assert_eq!(Header::decode(&bytes), Err(HeaderError::WrongLength { expected: 448, actual: 449 }));
    assert_eq!(Header::decode(&[]), Err(HeaderError::WrongLength { expected: 448, actual: 0 }));
    // a length that claims a blob which isn't there
    let mut bytes = empty().encode();
    bytes[447] = 1;
    assert_eq!(Header::decode(&bytes), Err(HeaderError::WrongLength { expected: 480, actual: 448 }));
    // a number that doesn't fit its type
    let mut bytes = empty().encode();
    bytes[32] = 1;
    assert_eq!(Header::decode(&bytes), Err(HeaderError::Malformed { index: 1 }));
    // an address of more than 20 bytes
    let mut bytes = empty().encode();
    bytes[11 * 32 + 11] = 1;
    assert_eq!(Header::decode(&bytes), Err(HeaderError::Malformed { index: 11 }));
}

#[test]
fn only_the_canonical_signature_of_the_right_key_passes() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let signer = Address::from_private_key(&key);
    let digest = keccak256("quote");
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + recovery.to_byte());
    assert_eq!(verify_signature(digest, &bytes, signer), Ok(()));

    let other = Address::repeat_byte(9);
    assert_eq!(
        verify_signature(digest, &bytes, other),
        Err(SignatureError::WrongSigner { expected: other, actual: signer })
    );
    let mut tampered = bytes.clone();
    tampered[40] ^= 1;
    assert!(verify_signature(digest, &tampered, signer).is_err());
    let mut parity = bytes.clone();
    parity[64] -= 27;
    assert_eq!(
        recover_signer(digest, &parity),
        Err(SignatureError::WrongRecoveryByte { actual: recovery.to_byte() })
    );
    assert_eq!(recover_signer(digest, &bytes[..64]), Err(SignatureError::WrongLength { actual: 64 }));
    assert_eq!(
        recover_signer(digest, &[&bytes[..], &[0]].concat()),
        Err(SignatureError::WrongLength { actual: 66 })
    );

    // the twin (r, n - s) has the same signer, and L1 refuses it
    let order =
        U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let s = order - U256::from_be_slice(&bytes[32..64]);
    let mut twin = bytes.clone();
    twin[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    twin[64] = 55 - twin[64];
    let recovered = Signature::new(U256::from_be_slice(&twin[..32]), s, twin[64] == 28);
    assert_eq!(recovered.recover_address_from_prehash(&digest).unwrap(), signer);
    assert_eq!(recover_signer(digest, &twin), Err(SignatureError::HighS));

    let mut zero = [0; 65];
    zero[64] = 27;
    assert_eq!(recover_signer(digest, &zero), Err(SignatureError::Invalid));
}

fn empty() -> Header {
    samples::header(Slot::new(0))
}
