//! Answers of L1's endpoints, requests to the embedded L1, and what the client keeps on disk about L1.

use alloy::consensus::Header as L1Header;
use alloy::primitives::{Address, B256, Bytes, LogData, keccak256};
use alloy::rlp::Decodable;
use alloy::rpc::types::{Header as RpcHeader, Log};
use alloy::sol_types::{SolError, SolEvent};
use fernet_bindings::{IRollup, IStaking, decode_revert};
use fernet_embedded::{ChainConfig, Clock, Node, NodeConfig};
use fernet_l1::{BlobSidecar, Contracts, DeploymentFile, SidecarFormat, decode_event, header_rlp};

use crate::{Outcome, Target, bounded, protocol, refused};

/// An L1 block header in an RPC answer.
pub const L1_HEADER: Target = Target { name: "l1_header", check: check_header, seeds: headers };
/// Logs in RPC answers: a byte for the contract, one for the number of topics, topics, data.
pub const EVENTS: Target = Target { name: "events", check: check_event, seeds: events };
/// Data that a call reverted with.
pub const REVERT: Target = Target { name: "revert", check: check_revert, seeds: reverts };
/// An answer of a beacon API with blobs.
pub const BEACON_ANSWER: Target = Target { name: "beacon_answer", check: check_answer, seeds: answers };
/// The file that the deploy script writes.
pub const DEPLOYMENT: Target = Target { name: "deployment", check: check_deployment, seeds: deployments };
/// A stored transaction.
pub const TX_RECORD: Target = Target { name: "tx_record", check: check_record, seeds: records };
/// The stored blobs of a transaction.
pub const BLOB_SIDECAR: Target = Target { name: "blob_sidecar", check: check_sidecar, seeds: sidecars };
/// The body of a JSON-RPC request to the embedded L1.
pub const JSON_RPC: Target = Target { name: "json_rpc", check: check_request, seeds: requests };

/// A JSON value may take many times the bytes of its text: `"0x",` takes 32 bytes in a growing vector.
const fn json_limit(bytes: &[u8]) -> usize {
    64 * bytes.len() + 65_536
}

fn check_header(bytes: &[u8]) -> Outcome {
    let header = match bounded(json_limit(bytes), || serde_json::from_slice::<RpcHeader>(bytes)) {
        Ok(header) => header,
        Err(error) => return refused(&error),
    };
    // Any of the answer's fields may be of a later fork.
    let fields: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let later: Vec<&serde_json::Value> =
        fields.as_object().into_iter().flat_map(|all| all.values()).collect();
    if let Err(error) = header_rlp(&header.inner, header.hash, &later) {
        refused(&error);
    }
    let encoded =
        header_rlp(&header.inner, header.inner.hash_slow(), &[]).expect("the hash is that of the header");
    let decoded = L1Header::decode(&mut encoded.as_ref());
    // RLP has no place for a later field whose earlier ones are absent.
    if let Ok(decoded) = decoded {
        assert_eq!(keccak256(alloy::rlp::encode(&decoded)), keccak256(&encoded));
    }
    Outcome::Decoded
}

fn headers() -> Vec<Vec<u8>> {
    let inner = L1Header {
        number: 7,
        timestamp: 1_700_000_000,
        gas_limit: 60_000_000,
        mix_hash: B256::repeat_byte(3),
        extra_data: Bytes::from_static(b"fernet"),
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(B256::repeat_byte(4)),
        blob_gas_used: Some(131_072),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::repeat_byte(5)),
        requests_hash: Some(B256::repeat_byte(6)),
        ..L1Header::default()
    };
    vec![json(&RpcHeader::new(inner)), json(&RpcHeader::new(L1Header::default()))]
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the seed is JSON")
}

/// Each contract's address is its place in the file.
fn contracts() -> Contracts {
    let at = Address::repeat_byte;
    Contracts {
        token: at(14),
        rollup: at(0),
        staking: at(1),
        randomness: at(2),
        escrow: at(3),
        rewards: at(4),
        bridge: at(5),
        verifier: at(7),
        scoring: at(8),
        reader: at(9),
        votes: at(10),
        timelock: at(11),
        guardian: at(12),
        registry: at(13),
    }
}

fn check_event(bytes: &[u8]) -> Outcome {
    let [contract, topics, rest @ ..] = bytes else { return Outcome::Refused };
    let (topics, data) = match rest.split_at_checked(32 * usize::from(*topics)) {
        Some((topics, data)) if topics.len() <= 4 * 32 => (topics, data),
        _ => return Outcome::Refused,
    };
    let topics = topics.chunks(32).map(B256::from_slice).collect();
    let inner = alloy::primitives::Log {
        address: Address::repeat_byte(*contract),
        data: LogData::new_unchecked(topics, Bytes::copy_from_slice(data)),
    };
    let log = Log { inner, ..Log::default() };
    match bounded(16 * bytes.len() + 65_536, || decode_event(&log, &contracts(), 1, 2)) {
        Ok(_) => Outcome::Decoded,
        Err(error) => refused(&error),
    }
}

fn events() -> Vec<Vec<u8>> {
    let event = |contract: u8, log: LogData| {
        let topics = u8::try_from(log.topics().len()).expect("at most four topics");
        let words: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
        [&[contract, topics], words.as_slice(), &log.data].concat()
    };
    let header = protocol::header(2);
    let revealed = IRollup::Revealed {
        slot: 7,
        headerHash: header.hash(),
        header: header.into(),
        blobsSeen: 3,
        complete: true,
        l1Slot: 9,
    };
    let set = IStaking::FeeRecipientSet { sequencer: 1, feeRecipient: 2 };
    vec![
        event(0, IRollup::SlotExpired { slot: 7 }.encode_log_data()),
        event(0, revealed.encode_log_data()),
        event(1, set.encode_log_data()),
    ]
}

fn check_revert(bytes: &[u8]) -> Outcome {
    // The first call makes the table of errors.
    let _ = decode_revert(&[0; 4]);
    let revert = bounded(64 * bytes.len() + 65_536, || decode_revert(bytes));
    assert!(!revert.to_string().is_empty());
    Outcome::Decoded
}

fn reverts() -> Vec<Vec<u8>> {
    let reason = alloy::sol_types::Revert::from("reason").abi_encode();
    let panic = alloy::sol_types::Panic::from(0x11_u64).abi_encode();
    vec![reason, panic, Vec::new(), vec![1, 2, 3, 4, 5]]
}

fn check_answer(bytes: &[u8]) -> Outcome {
    match bounded(json_limit(bytes), || fernet_l1::parse_answer(bytes)) {
        Ok(_) => Outcome::Decoded,
        Err(error) => refused(&error),
    }
}

fn answers() -> Vec<Vec<u8>> {
    let blob = format!(r#"{{"data":["0x{}"]}}"#, "00".repeat(131_072));
    vec![br#"{"data":[]}"#.to_vec(), br#"{"version":"fulu","data":[]}"#.to_vec(), blob.into_bytes()]
}

fn check_deployment(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Outcome::Refused };
    match bounded(json_limit(bytes), || DeploymentFile::parse(text)) {
        Ok(file) => {
            let again = serde_json::to_string(&file).expect("a deployment is JSON");
            assert_eq!(DeploymentFile::parse(&again).expect("what was written is read"), file);
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn deployments() -> Vec<Vec<u8>> {
    let contracts = serde_json::to_value(contracts()).expect("addresses are JSON");
    let names = contracts.as_object().expect("the contracts have names").keys();
    let hashes: serde_json::Map<_, _> =
        names.map(|name| (name.clone(), serde_json::json!(B256::repeat_byte(9)))).collect();
    vec![json(&serde_json::json!({
        "chainId": 31_337, "l1GenesisTime": 1_700_000_000, "l1SlotSeconds": 12, "genesisSlot": 5, "block": 4,
        "contracts": contracts, "codeHashes": hashes, "config": "devnet",
    }))]
}

fn check_record(bytes: &[u8]) -> Outcome {
    match bounded(json_limit(bytes), || fernet_l1::rewrite_record(bytes)) {
        Ok(written) => {
            let again = fernet_l1::rewrite_record(&written).expect("what was written is read");
            assert_eq!(again, written);
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn records() -> Vec<Vec<u8>> {
    let (zero, word) = (Address::ZERO, B256::repeat_byte(1));
    let record = |state: serde_json::Value| {
        json(&serde_json::json!({
            "key": "slot-7/propose", "sequence": 1, "to": zero, "calldata": "0x1234", "value": "0x0",
            "blob_hashes": [word], "not_before": 3, "expires_at": 9, "max_total_fee": "0x5",
            "gas_limit": null, "when_reverting": "Retry", "state": state,
        }))
    };
    vec![record(serde_json::json!({ "Waiting": "New" }))]
}

fn check_sidecar(bytes: &[u8]) -> Outcome {
    match bounded(8 * bytes.len() + 65_536, || BlobSidecar::decode(bytes)) {
        Ok(sidecar) => {
            assert!(!sidecar.is_empty());
            assert_eq!(sidecar.versioned_hashes().len(), sidecar.len());
            assert!(sidecar.encode()[..] == *bytes, "the sidecar is written as other bytes");
            Outcome::Decoded
        }
        Err(error) => refused(&error),
    }
}

fn sidecars() -> Vec<Vec<u8>> {
    [SidecarFormat::Eip7594, SidecarFormat::Eip4844]
        .map(|format| {
            BlobSidecar::build(vec![Default::default()], format).expect("zeros are a blob").encode().to_vec()
        })
        .to_vec()
}

fn check_request(bytes: &[u8]) -> Outcome {
    let config =
        NodeConfig { chain: ChainConfig::default(), clock: Clock::Manual, mine_on_transaction: false };
    let node = Node::start(config).expect("the default chain is possible");
    match node.answer(bytes) {
        Some(answer) => {
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer is JSON");
            assert!(answer.is_object() || answer.is_array());
            Outcome::Decoded
        }
        None => Outcome::Refused,
    }
}

fn requests() -> Vec<Vec<u8>> {
    let request = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).into_bytes()
    };
    let account = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    vec![
        request("eth_blockNumber", "[]"),
        request("eth_getBalance", &format!(r#"["{account}","latest"]"#)),
        request("eth_call", &format!(r#"[{{"to":"{account}","data":"0x12"}},"latest"]"#)),
        request("eth_getBlockByNumber", r#"["0x0",true]"#),
        request("eth_getLogs", r#"[{"fromBlock":"0x0","toBlock":"latest","topics":[null]}]"#),
        request("eth_feeHistory", r#"["0x1","latest",[50]]"#),
        request("eth_sendRawTransaction", r#"["0x02c0"]"#),
        request("eth_getProof", &format!(r#"["{account}",["0x0"],"latest"]"#)),
        [b"[".as_slice(), &request("eth_chainId", "[]"), b"]"].concat(),
    ]
}
