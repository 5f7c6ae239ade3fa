//! The byte form of messages is that of `vectors/messages.json`, which `docs/protocol/network.md` describes.
//!
//! `FERNET_WRITE_VECTORS=1 cargo test -p fernet-network --test vectors` writes the file.

use std::path::Path;

use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, keccak256};
use fernet_ledger::layout::BLOB_BYTES;
use fernet_ledger::{
    AccountIndex, Blob, Domain, Operation, SecretKey, Signature, SignedOperation, Transfer, Withdrawal,
};
use fernet_network::{
    AcceptedQuote, BlockBody, BodyAnnouncement, Gossip, PeerId, ProverContact, SignedContact, SignedQuote,
    SignedQuoteRequest, Wire,
};
use fernet_protocol::{ChainId, Header, L1Slot, Price, Quote, RollupId, SequencerId, Slot, TokenAmount};
use serde_json::{Value, json};

fn rollup() -> RollupId {
    RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11))
}

fn sign(operation: impl Into<Operation>) -> SignedOperation {
    operation.into().sign(Domain::from(rollup()), &SecretKey::from_seed(b"alice"))
}

fn encoded(message: &impl Wire) -> String {
    hex::encode_prefixed(message.encode())
}

fn signature(signature: &Signature) -> String {
    hex::encode_prefixed(signature.to_bytes())
}

fn operations() -> Vec<(SignedOperation, Value)> {
    let transfer = |from, to, amount, fee, nonce| {
        let signed =
            sign(Transfer { from: AccountIndex::new(from), to: AccountIndex::new(to), amount, fee, nonce });
        let amount = amount.to_string();
        let fields =
            json!({ "kind": 1, "from": from, "to": to, "amount": amount, "fee": fee, "nonce": nonce });
        (signed, fields)
    };
    let withdrawal = |from, target: Address, amount: u64, fee, nonce| {
        let signed = sign(Withdrawal { from: AccountIndex::new(from), target, amount, fee, nonce });
        let (target, amount) = (hex::encode_prefixed(target), amount.to_string());
        let fields = json!({
            "kind": 2, "from": from, "target": target, "amount": amount, "fee": fee, "nonce": nonce
        });
        (signed, fields)
    };
    vec![
        transfer(1, 2, 3, 4, 5),
        transfer(u32::MAX, u32::MAX, u64::MAX, u32::MAX, u32::MAX),
        withdrawal(1, Address::repeat_byte(0xaa), 3, 4, 6),
    ]
}

fn operation_cases() -> Vec<Value> {
    operations()
        .into_iter()
        .map(|(signed, mut fields)| {
            fields["signature"] = signature(&signed.signature).into();
            fields["bytes"] = encoded(&signed).into();
            fields["gossip"] = hex::encode_prefixed(Gossip::Operations(vec![signed]).encode()).into();
            fields
        })
        .collect()
}

fn header(blobs: u8) -> Header {
    Header {
        slot: Slot::new(7),
        parent: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        deposits_end: 3,
        deposits_chain: B256::repeat_byte(13),
        exits_end: 2,
        exits_chain: B256::repeat_byte(14),
        fee_recipient: 4,
        chunks: 5,
        committee_digest: B256::repeat_byte(6),
        vote: Address::repeat_byte(7),
        blob_hashes: (0..blobs).map(|number| B256::repeat_byte(8 + number)).collect(),
    }
}

fn blob(start: &[u8]) -> Blob {
    let mut bytes = start.to_vec();
    bytes.resize(BLOB_BYTES, 0);
    Blob::from_bytes(&bytes).unwrap()
}

fn body_cases() -> Vec<Value> {
    let starts: [&[&[u8]]; 3] = [&[], &[&[]], &[&[1, 0, 2], &[0; 40], &[3; 65]]];
    let signatures: Vec<Signature> = operations().into_iter().map(|(signed, _)| signed.signature).collect();
    (0u8..)
        .zip(starts)
        .map(|(number, starts)| {
            let header = header(number);
            let blobs: Vec<Blob> = starts.iter().map(|start| blob(start)).collect();
            let signatures = signatures.iter().take(usize::from(number)).copied().collect();
            let body = BlockBody { header: header.clone(), blobs, signatures };
            let bytes = body.encode();
            let sequencer = SequencerId::new(9);
            let signed = Bytes::from(vec![11; 65]);
            let request = SignedQuoteRequest { sequencer, header: header.clone(), signature: signed.clone() };
            let size = u32::try_from(bytes.len()).unwrap();
            let announcement = BodyAnnouncement { header_hash: body.header_hash(), size };
            json!({
                "header": {
                    "slot": header.slot.get(),
                    "parent": header.parent,
                    "stateRoot": header.state_root,
                    "depositsEnd": header.deposits_end,
                    "depositsChain": header.deposits_chain,
                    "exitsEnd": header.exits_end,
                    "exitsChain": header.exits_chain,
                    "feeRecipient": header.fee_recipient,
                    "chunks": header.chunks,
                    "committeeDigest": header.committee_digest,
                    "vote": hex::encode_prefixed(header.vote),
                    "blobHashes": header.blob_hashes,
                },
                "blobs": starts.iter().map(hex::encode_prefixed).collect::<Vec<_>>(),
                "signatures": body.signatures.iter().map(signature).collect::<Vec<_>>(),
                "sequencer": 9,
                "sequencerSignature": signed,
                "headerHash": body.header_hash(),
                "size": size,
                "hash": keccak256(&bytes),
                "request": encoded(&request),
                "requestDigest": request.request().digest(&rollup()),
                "gossip": hex::encode_prefixed(Gossip::Body(announcement).encode()),
            })
        })
        .collect()
}

fn quote_cases() -> Vec<Value> {
    let quote = Quote {
        slot: Slot::new(1),
        header_hash: B256::repeat_byte(2),
        sequencer: SequencerId::new(3),
        prover: Address::repeat_byte(4),
        payee: Address::repeat_byte(5),
        bond: TokenAmount::new(6),
        price: Price::new(-7),
        valid_until: L1Slot::new(8),
    };
    [(65, 65), (0, 1024)]
        .into_iter()
        .map(|(prover, sequencer)| {
            let [prover_signature, sequencer_signature] =
                [vec![9; prover], vec![10; sequencer]].map(Bytes::from);
            let signed = SignedQuote { quote, prover_signature: prover_signature.clone() };
            let accepted = AcceptedQuote {
                quote,
                prover_signature: prover_signature.clone(),
                sequencer_signature: sequencer_signature.clone(),
            };
            json!({
                "slot": quote.slot.get(),
                "headerHash": quote.header_hash,
                "sequencer": quote.sequencer.get(),
                "prover": hex::encode_prefixed(quote.prover),
                "payee": hex::encode_prefixed(quote.payee),
                "bond": quote.bond.get().to_string(),
                "price": quote.price.get().to_string(),
                "validUntil": quote.valid_until.get(),
                "proverSignature": prover_signature,
                "sequencerSignature": sequencer_signature,
                "signed": encoded(&signed),
                "accepted": encoded(&accepted),
            })
        })
        .collect()
}

fn contact_cases() -> Vec<Value> {
    let peer = PeerId::new([0x22; 32]);
    [vec![], vec![Bytes::from(vec![4, 127, 0, 0, 1]), Bytes::from(vec![5; 128])]]
        .into_iter()
        .map(|addresses| {
            let prover = Address::repeat_byte(4);
            let contact = ProverContact { prover, peer, addresses, expires_at: 1_900_000_000 };
            let digest = contact.claim().digest(&rollup());
            let signed = SignedContact { contact: contact.clone(), signature: Bytes::from(vec![9; 65]) };
            json!({
                "prover": hex::encode_prefixed(prover),
                "peer": hex::encode_prefixed(peer.get()),
                "addresses": contact.addresses,
                "expiresAt": contact.expires_at,
                "signature": signed.signature,
                "gossip": hex::encode_prefixed(Gossip::Prover(signed).encode()),
                "contactDigest": digest,
            })
        })
        .collect()
}

#[test]
fn messages_are_as_committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/messages.json");
    let domain = json!({ "chainId": 31_337, "rollup": hex::encode_prefixed(Address::repeat_byte(0x11)) });
    let made = json!({
        "domain": domain,
        "operations": operation_cases(),
        "bodies": body_cases(),
        "quotes": quote_cases(),
        "contacts": contact_cases(),
    });
    if std::env::var_os("FERNET_WRITE_VECTORS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(committed, made, "FERNET_WRITE_VECTORS=1 writes the file");
}
