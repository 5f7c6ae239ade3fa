//! A deployment that isn't what its file says, in every way there is, each with its message.

mod common;

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{SolCall, SolValue},
    transports::BoxTransport,
};
use common::transport::Scripted;
use fernet_bindings::{IReader, IScoring, IStateTransitionVerifier, Parameters, artifacts::artifact};
use fernet_l1::{
    CodeHashes, Contracts, Deployment, DeploymentError, DeploymentFile, L1Provider, Scoring,
    connect_transport,
};
use fernet_protocol::L1Slot;
use serde_json::{Value, json};

/// Every contract: key in the file, compiled contract, address.
const CONTRACTS: [(&str, &str, u8); 13] = [
    ("rollup", "Rollup", 0x20),
    ("staking", "Staking", 0x30),
    ("randomness", "Randomness", 0x40),
    ("escrow", "Escrow", 0x50),
    ("rewards", "Rewards", 0x60),
    ("bridge", "Bridge", 0x70),
    ("verifier", "BlockVerifier", 0x80),
    ("scoring", "VrfScore", 0x90),
    ("reader", "Reader", 0xa0),
    ("votes", "Votes", 0xb0),
    ("timelock", "Timelock", 0xc0),
    ("guardian", "Guardian", 0xd0),
    ("registry", "Registry", 0xe0),
];

fn address(name: &str) -> Address {
    let byte = CONTRACTS.iter().find(|(key, ..)| *key == name).map_or(0x10, |(_, _, byte)| *byte);
    Address::repeat_byte(byte)
}

/// A made-up chain with a deployment on it.
#[derive(Clone)]
struct Chain {
    id: u64,
    code: BTreeMap<Address, Bytes>,
    /// Answers by contract and selector.
    answers: BTreeMap<(Address, [u8; 4]), Bytes>,
}

impl Chain {
    fn new() -> Self {
        let mut chain = Self { id: 31337, code: BTreeMap::new(), answers: BTreeMap::new() };
        chain.code.insert(address("token"), Bytes::from_static(&[0x5f, 0x5f, 0xfd]));
        for (key, compiled, _) in CONTRACTS {
            let code = artifact(compiled).unwrap().runtime_code();
            chain.code.insert(address(key), Bytes::from_static(code));
        }
        for part in [
            "staking",
            "randomness",
            "escrow",
            "rewards",
            "bridge",
            "verifier",
            "scoring",
            "votes",
            "guardian",
        ] {
            chain.answer("rollup", &format!("{part}()"), address(part));
        }
        for part in ["staking", "escrow", "rewards", "bridge"] {
            chain.answer(part, "rollup()", address("rollup"));
            chain.answer(part, "token()", address("token"));
        }
        for part in ["votes", "guardian", "reader"] {
            chain.answer(part, "rollup()", address("rollup"));
        }
        for part in ["staking", "rewards", "guardian"] {
            chain.answer(part, "governance()", address("timelock"));
        }
        chain.answer("votes", "timelock()", address("timelock"));
        chain.answer("timelock", "votes()", address("votes"));
        chain.raw("scoring", IScoring::kindCall::SELECTOR, B256::right_padding_from(b"vrf").to_vec());
        for part in ["rollup", "staking", "randomness", "escrow", "bridge"] {
            chain.answer(part, "l1GenesisTime()", U256::from(1_000));
            chain.answer(part, "l1SlotSeconds()", U256::from(12));
        }
        let parameters = Parameters { proposalPhase: 4, maxCandidates: 3, ..Parameters::default() };
        chain.raw("reader", IReader::parametersCall::SELECTOR, parameters.abi_encode());
        chain.answer("rollup", "genesisSlot()", U256::from(77));
        chain.raw("verifier", IStateTransitionVerifier::genesisRootCall::SELECTOR, vec![7; 32]);
        chain.answer("verifier", "operations()", U256::from(8));
        chain.answer("verifier", "elements()", U256::from(8));
        chain.answer("verifier", "chunksPerBlob()", U256::from(512));
        chain.answer("verifier", "feeBurnBps()", U256::from(1_234));
        chain.answer("verifier", "verifyingKey()", Address::repeat_byte(0x91));
        chain.answer("bridge", "unit()", U256::from(1_000_000_000));
        chain.answer("bridge", "minDeposit()", U256::from(1));
        chain.answer("staking", "stakeAmount()", U256::from(100));
        chain.answer("staking", "minimumStake()", U256::from(50));
        chain.answer("staking", "entryPeriod()", U256::from(4));
        chain.answer("staking", "exitDelay()", U256::from(5));
        chain.answer("escrow", "withdrawalDelay()", U256::from(6));
        chain
    }

    fn answer(&mut self, contract: &str, signature: &str, value: impl SolValue) {
        let selector = keccak256(signature)[..4].try_into().unwrap();
        self.raw(contract, selector, value.abi_encode());
    }

    fn raw(&mut self, contract: &str, selector: [u8; 4], answer: Vec<u8>) {
        self.answers.insert((address(contract), selector), answer.into());
    }

    fn provider(self) -> L1Provider {
        connect_transport(BoxTransport::new(Scripted::new(move |method, params| {
            self.respond(method, params)
        })))
    }

    fn respond(&self, method: &str, params: &Value) -> Value {
        let address_in = |value: &Value| value.as_str().unwrap().parse::<Address>().unwrap();
        match method {
            "eth_chainId" => json!(format!("{:#x}", self.id)),
            "eth_getCode" => json!(self.code.get(&address_in(&params[0])).cloned().unwrap_or_default()),
            "eth_call" => {
                let input: Bytes = params[0]["input"].as_str().unwrap().parse().unwrap();
                let call = (address_in(&params[0]["to"]), input[..4].try_into().unwrap());
                json!(self.answers.get(&call).cloned().unwrap_or_default())
            }
            other => panic!("unexpected {other}"),
        }
    }
}

fn file() -> DeploymentFile {
    let chain = Chain::new();
    let hash = |name: &str| keccak256(&chain.code[&address(name)]);
    DeploymentFile {
        chain_id: 31337,
        l1_genesis_time: 1_000,
        l1_slot_seconds: 12,
        genesis_slot: 70,
        block: 5,
        contracts: Contracts {
            token: address("token"),
            rollup: address("rollup"),
            staking: address("staking"),
            randomness: address("randomness"),
            escrow: address("escrow"),
            rewards: address("rewards"),
            bridge: address("bridge"),
            verifier: address("verifier"),
            scoring: address("scoring"),
            reader: address("reader"),
            votes: address("votes"),
            timelock: address("timelock"),
            guardian: address("guardian"),
            registry: address("registry"),
        },
        code_hashes: CodeHashes {
            token: hash("token"),
            rollup: hash("rollup"),
            staking: hash("staking"),
            randomness: hash("randomness"),
            escrow: hash("escrow"),
            rewards: hash("rewards"),
            bridge: hash("bridge"),
            verifier: hash("verifier"),
            scoring: hash("scoring"),
            reader: hash("reader"),
            votes: hash("votes"),
            timelock: hash("timelock"),
            guardian: hash("guardian"),
            registry: hash("registry"),
        },
        config: "devnet".to_owned(),
    }
}

async fn verify(chain: Chain, file: DeploymentFile) -> Result<Deployment, DeploymentError> {
    Deployment::verify(file, &chain.provider()).await
}

/// The message with which a changed chain is refused.
async fn refusal(change: impl FnOnce(&mut Chain)) -> String {
    let mut chain = Chain::new();
    change(&mut chain);
    let error = verify(chain, file()).await.unwrap_err();
    assert!(!error.is_retryable());
    error.to_string()
}

#[tokio::test]
async fn a_deployment_as_it_should_be_is_taken() {
    let deployment = verify(Chain::new(), file()).await.unwrap();
    assert_eq!(deployment.genesis_slot(), L1Slot::new(77), "the chain's word counts, not the file's");
    assert_eq!(deployment.parameters().proposal_phase, 4);
    assert_eq!(deployment.circuit().operations, 8);
    assert_eq!(deployment.circuit().genesis_root, B256::repeat_byte(7));
    assert_eq!(deployment.stake().get(), 100);
    assert_eq!(deployment.scoring(), Scoring::Vrf);
    assert_eq!(
        (deployment.entry_period(), deployment.exit_delay(), deployment.escrow_withdrawal_delay()),
        (4, 5, 6)
    );
    let json = serde_json::to_string(&file()).unwrap();
    assert_eq!(DeploymentFile::parse(&json).unwrap(), file());
}

#[tokio::test]
async fn another_chain_is_refused() {
    let message = refusal(|chain| chain.id = 1).await;
    assert_eq!(message, "deployment is for chain 31337, the L1 endpoint is on chain 1");
}

#[tokio::test]
async fn a_missing_contract_is_refused() {
    let escrow = address("escrow");
    let message = refusal(|chain| drop(chain.code.remove(&escrow))).await;
    assert_eq!(message, format!("no code at {escrow}, where the deployment has its escrow"));
}

#[tokio::test]
async fn another_code_than_the_file_says_is_refused() {
    let token = address("token");
    let message = refusal(|chain| drop(chain.code.insert(token, Bytes::from_static(&[1])))).await;
    let (actual, expected) = (keccak256([1]), file().code_hashes.token);
    assert_eq!(
        message,
        format!("code of token at {token} has hash {actual}, the deployment file expects {expected}")
    );
}

#[tokio::test]
async fn another_code_than_the_client_was_built_with_is_refused() {
    // the file agrees with the chain, but both are of another version
    let bridge = address("bridge");
    let mut chain = Chain::new();
    let mut code = chain.code[&bridge].to_vec();
    let expected = code[0];
    code[0] ^= 1;
    let actual = code[0];
    let mut file = file();
    file.code_hashes.bridge = keccak256(&code);
    chain.code.insert(bridge, code.into());
    let error = verify(chain, file).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "bridge at {bridge} isn't the contract that this client knows: code of Bridge differs at byte 0: \
             expected {expected:#04x}, found {actual:#04x}"
        )
    );
}

#[tokio::test]
async fn contracts_that_dont_name_each_other_are_refused() {
    let other = Address::repeat_byte(0xee);
    let message = refusal(|chain| chain.answer("rollup", "escrow()", other)).await;
    let escrow = address("escrow");
    assert_eq!(message, format!("rollup names {other} as its escrow, the deployment file expects {escrow}"));
    let message = refusal(|chain| chain.answer("bridge", "token()", other)).await;
    let token = address("token");
    assert_eq!(message, format!("bridge names {other} as its token, the deployment file expects {token}"));
    let message = refusal(|chain| chain.answer("staking", "governance()", other)).await;
    let timelock = address("timelock");
    let expected = format!("staking names {other} as its governance, the deployment file expects {timelock}");
    assert_eq!(message, expected);
}

#[tokio::test]
async fn clocks_that_differ_are_refused() {
    let message = refusal(|chain| chain.answer("escrow", "l1SlotSeconds()", U256::from(6))).await;
    assert_eq!(message, "escrow has l1SlotSeconds 6, the deployment file expects 12");
    let message = refusal(|chain| chain.answer("rollup", "l1GenesisTime()", U256::from(999))).await;
    assert_eq!(message, "rollup has l1GenesisTime 999, the deployment file expects 1000");
}

#[tokio::test]
async fn a_malformed_answer_is_refused() {
    let message =
        refusal(|chain| chain.raw("bridge", keccak256("unit()")[..4].try_into().unwrap(), vec![1])).await;
    assert!(message.starts_with("bridge gave a malformed answer to unit(): "), "{message}");
    let message = refusal(|chain| chain.answer("verifier", "operations()", U256::MAX)).await;
    assert!(message.starts_with("verifier gave a malformed answer to operations(): "), "{message}");
    let kind = B256::right_padding_from(b"dice");
    let message = refusal(|chain| chain.raw("scoring", IScoring::kindCall::SELECTOR, kind.to_vec())).await;
    assert!(message.contains("expected public or vrf"), "{message}");
}

#[test]
fn a_malformed_file_is_refused() {
    let error = DeploymentFile::parse("{\"chainId\": 1}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "deployment file is malformed: missing field `l1GenesisTime` at line 1 column 14"
    );
    let mut json = serde_json::to_value(file()).unwrap();
    json["contracts"]["bridge"] = json!("0x12");
    assert!(DeploymentFile::parse(&json.to_string()).is_err());
    let missing = DeploymentFile::read(std::path::Path::new("/nonexistent/deployment.json")).unwrap_err();
    assert!(missing.to_string().starts_with("deployment file /nonexistent/deployment.json: "), "{missing}");
}
