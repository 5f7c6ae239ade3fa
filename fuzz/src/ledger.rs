//! What anybody can put into a blob or sign with.

use alloy::primitives::Address;
use fernet_ledger::keys::SIGNATURE_BYTES;
use fernet_ledger::layout::BLOB_BYTES;
use fernet_ledger::replay::{Signatures, replay};
use fernet_ledger::{
    AccountIndex, Blob, BlockRules, BlockWitness, Deposit, Domain, FeeBurn, Lanes, Layout, Levels,
    MemoryStore, Operation, PublicKey, SecretKey, Signature, SignedOperation, State, Transfer, Withdrawal,
    block as blocks,
};
use fernet_protocol::{ChainId, RollupId};

use crate::{Outcome, Target, bounded, refused};

/// Chunks of a blob in the layout of the seeds.
const CHUNKS_PER_BLOB: usize = 8;

/// Public keys and signatures of L2 accounts.
pub const ACCOUNT_KEYS: Target = Target { name: "account_keys", check: check_keys, seeds: keys };
/// The data of a revealed block, executed as a follower does. The first byte is the number of chunks.
pub const BLOCK_DATA: Target = Target { name: "block_data", check: check_data, seeds: data };

fn check_keys(bytes: &[u8]) -> Outcome {
    if let Ok(encoded) = <&[u8; 64]>::try_from(bytes) {
        match bounded(4096, || PublicKey::from_bytes(encoded)) {
            Ok(key) => {
                assert_eq!(&key.to_bytes(), encoded);
                Outcome::Decoded
            }
            Err(error) => refused(&error),
        }
    } else if let Ok(encoded) = <&[u8; SIGNATURE_BYTES]>::try_from(bytes) {
        match bounded(4096, || Signature::from_bytes(encoded)) {
            Ok(signature) => {
                assert_eq!(&signature.to_bytes(), encoded);
                Outcome::Decoded
            }
            Err(error) => refused(&error),
        }
    } else {
        Outcome::Refused
    }
}

fn check_data(bytes: &[u8]) -> Outcome {
    let Some((&chunks, used)) = bytes.split_first() else { return Outcome::Refused };
    if used.len() > BLOB_BYTES {
        return Outcome::Refused;
    }
    let mut padded = used.to_vec();
    padded.resize(BLOB_BYTES, 0);
    let blob = Blob::from_bytes(&padded).expect("the blob has its length");
    let mut state = genesis();
    let blobs = [blob];
    let executed = bounded(64 * BLOB_BYTES, || {
        replay(&mut state, rules(), chunks.into(), &blobs, &lanes(), Signatures::Proven)
    });
    match executed {
        Ok(block) => {
            assert_eq!(block.blobs(), blobs, "the executed block has other data");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn domain() -> Domain {
    Domain::from(RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11)))
}

fn rules() -> BlockRules {
    BlockRules {
        domain: domain(),
        layout: Layout::new(4, 4, CHUNKS_PER_BLOB).expect("the layout is possible"),
        fee_burn: FeeBurn::new(5_000).expect("half of the fees"),
        fee_recipient: AccountIndex::new(2),
    }
}

fn genesis() -> State<MemoryStore> {
    State::empty(Levels::new(4).expect("the tree is possible"))
}

fn alice() -> SecretKey {
    SecretKey::from_seed(b"alice")
}

fn lanes() -> Lanes {
    let deposit = |index, secret: &SecretKey| Deposit {
        to: AccountIndex::new(index),
        key: secret.public_key(),
        amount: 1_000,
    };
    let deposits = vec![deposit(1, &alice()), deposit(2, &SecretKey::from_seed(b"bob"))];
    Lanes { deposits, exits: Vec::new() }
}

/// Two transfers and a withdrawal of one account.
pub(crate) fn operations() -> [SignedOperation; 3] {
    let (from, to, target) = (AccountIndex::new(1), AccountIndex::new(2), Address::repeat_byte(9));
    let transfer = |nonce| Operation::from(Transfer { from, to, amount: 5, fee: 1, nonce });
    let withdrawal = Operation::from(Withdrawal { from, target, amount: 5, fee: 1, nonce: 1 });
    [transfer(0), withdrawal, transfer(2)].map(|operation| operation.sign(domain(), &alice()))
}

/// The block of these operations after two deposits.
pub(crate) fn block() -> BlockWitness {
    blocks::build(&mut genesis(), rules(), 3, &lanes(), &operations()).expect("the block is valid").block
}

fn keys() -> Vec<Vec<u8>> {
    let signatures = operations().map(|operation| operation.signature.to_bytes().to_vec());
    [vec![alice().public_key().to_bytes().to_vec()], signatures.to_vec()].concat()
}

fn data() -> Vec<Vec<u8>> {
    let block = block();
    let chunks = u8::try_from(block.chunks.len()).expect("the block has few chunks");
    let blobs = block.blobs();
    let bytes = blobs.first().expect("the block has a blob").as_bytes();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    vec![[&[chunks], &bytes[..used]].concat()]
}
