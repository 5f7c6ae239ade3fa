//! The methods of a development node: time, mining, accounts, pool, simulation and traces.

mod common;

use alloy::{
    consensus::Block,
    eips::Encodable2718,
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    rlp::Decodable,
    rpc::client::RpcClient,
};
use common::{init_code, instant, manual, signer, store_and_log, tx, word};
use fernet_embedded::{DEV_ACCOUNTS, Node, NodeConfig, Transaction};
use serde_json::{Value, json};

/// A client that panics at errors, and one that expects them.
struct Client(RpcClient);

impl Client {
    fn of(node: &Node) -> Self {
        Self(node.client())
    }

    async fn ask(&self, method: &'static str, params: Value) -> Value {
        self.0.request(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn refused(&self, method: &'static str, params: Value) -> (i64, String) {
        let answer = self.0.request::<_, Value>(method, params).await;
        let error = answer.expect_err(method);
        let error = error.as_error_resp().expect("an answer");
        (error.code, error.message.to_string())
    }
}

/// Deploys a contract from a development account.
async fn deploy(client: &Client, code: Bytes) -> String {
    let request = json!({ "from": DEV_ACCOUNTS[0], "data": code });
    let hash = client.ask("eth_sendTransaction", json!([request])).await;
    let receipt = client.ask("eth_getTransactionReceipt", json!([hash])).await;
    receipt["contractAddress"].as_str().expect("a contract").to_owned()
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let node = manual();
    let client = Client::of(&node);
    node.submit(&tx(0, 0).raw()).expect("accepted");
    let first = node.mine_slot();
    let waiting = node.submit(&tx(0, 1).raw()).expect("accepted");
    let id = client.ask("evm_snapshot", json!([])).await;
    assert_eq!(id, "0x1");
    assert_eq!(client.ask("evm_snapshot", json!([])).await, "0x2");
    let mut ticks = node.ticks();
    let filter = client.ask("eth_newBlockFilter", json!([])).await;
    let gone = node.mine_slot();
    node.skip_slots(7).expect("possible");
    assert!(node.read(|chain| chain.transaction(waiting).is_some()));
    assert_eq!(client.ask("evm_revert", json!([id])).await, true);
    assert_eq!((node.head(), node.read(|chain| chain.slot())), (first, 1));
    assert!(node.read(|chain| chain.pooled(waiting).is_some() && chain.transaction(waiting).is_none()));
    let last = std::iter::from_fn(|| ticks.try_next()).last().expect("told");
    assert_eq!((last.head, last.removed), (first, vec![gone.hash]));
    // the block is mined again as it was, and later snapshots are gone
    assert_eq!(node.mine_slot(), gone);
    assert_eq!(client.ask("eth_getFilterChanges", json!([filter])).await, json!([gone.hash]));
    assert_eq!(client.ask("evm_revert", json!(["0x2"])).await, false);
    assert_eq!(client.ask("evm_revert", json!([id])).await, false);
}

#[tokio::test]
async fn filters_learn_of_transactions_across_blocks_and_snapshots() {
    let node = instant();
    let client = Client::of(&node);
    let filter = client.ask("eth_newPendingTransactionFilter", json!([])).await;
    let snapshot = client.ask("evm_snapshot", json!([])).await;
    // mined at once, and told nevertheless
    let first = node.submit(&tx(0, 0).raw()).expect("accepted");
    assert_eq!(client.ask("eth_getFilterChanges", json!([filter])).await, json!([first]));
    client.ask("evm_revert", json!([snapshot])).await;
    assert_eq!(client.ask("eth_getFilterChanges", json!([filter])).await, json!([]));
    let second = node.submit(&tx(1, 0).raw()).expect("accepted");
    assert_eq!(client.ask("eth_getFilterChanges", json!([filter])).await, json!([second]));
    // transactions that a reorg brings back wait again
    client.ask("fernet_reorg", json!(["0x1"])).await;
    assert_eq!(client.ask("eth_getFilterChanges", json!([filter])).await, json!([second]));
    let full = client.ask("eth_newPendingTransactionFilter", json!([true])).await;
    let third = node.submit(&tx(2, 0).raw()).expect("accepted");
    let transactions = client.ask("eth_getFilterChanges", json!([full])).await;
    assert_eq!(transactions[0]["hash"], json!(third));
    let (code, message) = client.refused("eth_getFilterLogs", json!([filter])).await;
    assert_eq!((code, message.as_str()), (-32000, "filter not found"));
}

#[tokio::test]
async fn time_moves_by_whole_slots() {
    let node = manual();
    let client = Client::of(&node);
    let genesis = node.head().timestamp;
    assert_eq!(client.ask("evm_increaseTime", json!([24])).await, 24);
    assert_eq!(client.ask("evm_increaseTime", json!(["0x18"])).await, 48);
    let pending = client.ask("eth_call", json!([{ "data": "0x425f5260205ff3" }, "pending"])).await;
    assert_eq!(pending, json!(B256::from(word(genesis + 48))));
    let mined = node.mine_slot();
    assert_eq!((mined.slot, mined.timestamp), (4, genesis + 48));
    // no plan outlives its block
    assert_eq!(node.mine_slot().slot, 5);
    client.ask("evm_setNextBlockTimestamp", json!([genesis + 120])).await;
    client.ask("evm_mine", json!([])).await;
    assert_eq!(node.head().slot, 10);
    client.ask("evm_mine", json!([{ "timestamp": genesis + 144, "blocks": 2 }])).await;
    assert_eq!((node.head().number, node.head().slot), (5, 13));
    client.ask("evm_mine", json!([genesis + 240])).await;
    assert_eq!(node.head().slot, 20);
    assert_eq!(client.ask("evm_setTime", json!([genesis + 264])).await, 24);
    let blocks = client.ask("anvil_mine_detailed", json!([])).await;
    assert_eq!((&blocks[0]["number"], node.head().slot), (&json!("0x7"), 22));
    for (method, params, expected) in [
        ("evm_increaseTime", json!([13]), "13 seconds aren't whole slots: expected a multiple of 12"),
        ("anvil_mine", json!(["0x2", "0xd"]), "13 seconds aren't whole slots: expected a multiple of 12"),
        ("evm_setNextBlockTimestamp", json!([genesis + 264]), "the current slot started at"),
        ("evm_setNextBlockTimestamp", json!([genesis + 277]), "no slot of 12 s starts at timestamp"),
        ("evm_setNextBlockTimestamp", json!([0]), "isn't ahead"),
        ("evm_increaseTime", json!([-12]), "expected a number of seconds"),
        ("anvil_setBlockTimestampInterval", json!([5]), "5 seconds aren't whole slots"),
    ] {
        let (code, message) = client.refused(method, params.clone()).await;
        assert_eq!(code, -32602, "{method} {params}: {message}");
        assert!(message.contains(expected), "{method} {params}: {message}");
    }
    let (code, message) = client.refused("evm_increaseTime", json!(["0xfffffffffffffff0"])).await;
    assert_eq!(code, -32000, "{message}");
    assert_eq!(node.mine_slot().slot, 23);
}

#[tokio::test]
async fn edits_of_accounts_show_in_the_next_block() {
    let node = manual();
    let client = Client::of(&node);
    let account = Address::repeat_byte(0x42);
    let (code, message) =
        client.refused("anvil_setStorageAt", json!([account, "0x0", B256::repeat_byte(1)])).await;
    assert_eq!(
        (code, message.ends_with("set its balance, nonce or code before its storage")),
        (-32000, true)
    );
    client.ask("anvil_setBalance", json!([account, "0x64"])).await;
    let root = node.read(|chain| chain.head().header.state_root);
    client.ask("anvil_setCode", json!([account, "0x5f545f5260205ff3"])).await;
    client.ask("anvil_setStorageAt", json!([account, "0x0", B256::from(word(9))])).await;
    client.ask("anvil_setNonce", json!([account, 7])).await;
    let call = json!([{ "to": account }, "latest"]);
    assert_eq!(client.ask("eth_call", call).await, json!(B256::from(word(9))));
    let pending = json!([{ "to": account }, "pending"]);
    assert_eq!(client.ask("eth_call", pending).await, json!(B256::from(word(9))));
    assert_eq!(node.read(|chain| chain.head().header.state_root), root);
    node.mine_slot();
    assert_ne!(node.read(|chain| chain.head().header.state_root), root);
    assert_eq!(client.ask("eth_getTransactionCount", json!([account, "latest"])).await, "0x7");
    // a reorg undoes only what came after
    client.ask("fernet_reorg", json!(["0x1"])).await;
    assert_eq!(client.ask("eth_getBalance", json!([account])).await, "0x64");
}

#[tokio::test]
async fn impersonated_accounts_send() {
    let node = instant();
    let client = Client::of(&node);
    let contract = deploy(&client, init_code(&[0x00])).await;
    client.ask("anvil_setBalance", json!([contract, "0xde0b6b3a7640000"])).await;
    let request = json!({ "from": contract, "to": DEV_ACCOUNTS[1], "value": "0x1" });
    let (_, message) = client.refused("eth_sendTransaction", json!([request])).await;
    assert!(message.starts_with("unknown account 0x"), "{message}");
    client.ask("hardhat_impersonateAccount", json!([contract])).await;
    let hash = client.ask("eth_sendTransaction", json!([request])).await;
    let receipt = client.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((&receipt["status"], &receipt["from"]), (&json!("0x1"), &json!(contract)));
    // the block can be executed again, and brought back by a reorg
    let trace = client.ask("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await;
    assert_eq!(trace["from"], json!(contract));
    client.ask("fernet_reorg", json!(["0x1"])).await;
    client.ask("evm_mine", json!([])).await;
    assert!(!client.ask("eth_getTransactionReceipt", json!([hash])).await.is_null());
    client.ask("hardhat_stopImpersonatingAccount", json!([contract])).await;
    assert_eq!(client.refused("eth_sendTransaction", json!([request])).await.0, -32000);
    client.ask("anvil_autoImpersonateAccount", json!([true])).await;
    client.ask("eth_sendTransaction", json!([request])).await;
    // who isn't there can't pay either
    let poor = json!({ "from": Address::repeat_byte(9), "to": contract, "value": "0x1", "gas": "0x5208" });
    let (_, message) = client.refused("eth_sendTransaction", json!([poor])).await;
    assert!(
        message.starts_with("insufficient funds for gas * price + value: balance 0, tx cost"),
        "{message}"
    );
}

#[tokio::test]
async fn development_accounts_sign() {
    let node = instant();
    let client = Client::of(&node);
    let accounts = client.ask("eth_accounts", json!([])).await;
    assert_eq!(accounts, json!(DEV_ACCOUNTS.map(|account| account.to_string().to_lowercase())));
    // each key belongs to its address: a signature by another would come from elsewhere
    for account in DEV_ACCOUNTS {
        let request = json!({ "from": account, "to": DEV_ACCOUNTS[0], "value": "0x1" });
        let hash = client.ask("eth_sendTransaction", json!([request])).await;
        let receipt = client.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["from"], json!(account.to_string().to_lowercase()));
    }
    let request = json!({ "from": DEV_ACCOUNTS[2], "to": DEV_ACCOUNTS[0], "gasPrice": "0x77359400" });
    let raw = client.ask("eth_signTransaction", json!([request])).await;
    let receipt = client.ask("eth_sendRawTransactionSync", json!([raw])).await;
    assert_eq!((&receipt["type"], &receipt["status"]), (&json!("0x0"), &json!("0x1")));
    let (code, message) = client.refused("eth_sendTransaction", json!([{ "to": DEV_ACCOUNTS[0] }])).await;
    assert_eq!((code, message.as_str()), (-32602, "invalid argument 0: expected a field from"));
    // a chain of its own signs for nobody
    let own = Node::start(NodeConfig::default()).expect("a node");
    assert_eq!(Client::of(&own).ask("eth_accounts", json!([])).await, json!([]));
}

#[tokio::test]
async fn a_receipt_is_waited_for() {
    let node = manual();
    let client = Client::of(&node);
    let raw = Bytes::from(tx(0, 0).raw());
    let (code, message) = client.refused("eth_sendRawTransactionSync", json!([raw, "0x1"])).await;
    assert_eq!(code, 4, "{message}");
    let raw = Bytes::from(tx(0, 1).raw());
    let mut arrivals = node.watch_arrivals();
    let waiting = tokio::spawn(async move { client.ask("eth_sendRawTransactionSync", json!([raw])).await });
    arrivals.wait_for(|count| *count == 2).await.expect("a node");
    node.mine_slot();
    assert_eq!(waiting.await.expect("answered")["status"], "0x1");
}

#[tokio::test]
async fn the_pool_shows_what_waits() {
    let node = manual();
    let client = Client::of(&node);
    let [first, gap] = [0, 2].map(|nonce| node.submit(&tx(0, nonce).raw()).expect("accepted"));
    let other = node.submit(&tx(1, 0).raw()).expect("accepted");
    let address = |key: usize| signer(key).address().to_string().to_lowercase();
    assert_eq!(client.ask("txpool_status", json!([])).await, json!({ "pending": "0x2", "queued": "0x1" }));
    let content = client.ask("txpool_content", json!([])).await;
    assert_eq!(content["pending"][address(0)]["0"]["hash"], json!(first));
    assert_eq!(content["pending"][address(1)]["0"]["hash"], json!(other));
    assert_eq!(content["queued"][address(0)]["2"]["hash"], json!(gap));
    assert_eq!(content["queued"][address(0)]["2"]["blockHash"], Value::Null);
    let of_one = client.ask("txpool_contentFrom", json!([address(1)])).await;
    assert_eq!(of_one["pending"]["0"]["hash"], json!(other));
    assert_eq!(of_one["queued"], json!({}));
    let text = client.ask("txpool_inspect", json!([])).await;
    let expected = format!("{}: 1 wei + 21000 gas × 10000000000 wei", Address::repeat_byte(0x77));
    assert_eq!(text["queued"][address(0)]["2"], json!(expected));
    assert_eq!(client.ask("anvil_dropTransaction", json!([gap])).await, json!(gap));
    assert_eq!(client.ask("anvil_dropTransaction", json!([gap])).await, Value::Null);
    client.ask("anvil_removePoolTransactions", json!([address(1)])).await;
    assert_eq!(client.ask("txpool_status", json!([])).await["pending"], "0x1");
    client.ask("anvil_dropAllTransactions", json!([])).await;
    assert_eq!(client.ask("txpool_status", json!([])).await["pending"], "0x0");
}

#[tokio::test]
async fn the_next_block_can_be_set_up() {
    let node = manual();
    let client = Client::of(&node);
    let mix = B256::repeat_byte(0xab);
    client.ask("anvil_setNextBlockBaseFeePerGas", json!(["0x5"])).await;
    client.ask("evm_setBlockGasLimit", json!(["0x7a120"])).await;
    client.ask("anvil_setCoinbase", json!([DEV_ACCOUNTS[3]])).await;
    client.ask("hardhat_setPrevRandao", json!([mix])).await;
    node.mine_slot();
    node.read(|chain| {
        let header = &chain.head().header;
        assert_eq!((header.base_fee_per_gas, header.gas_limit), (Some(5), 500_000));
        assert_eq!((header.beneficiary, header.mix_hash), (DEV_ACCOUNTS[3], mix));
    });
    let (code, message) = client.refused("evm_setBlockGasLimit", json!([5])).await;
    assert_eq!((code, message.contains("gas limit 5, at least 30000")), (-32602, true));
    client.ask("anvil_reset", json!([])).await;
    assert_eq!((node.head().number, node.head().slot), (0, 0));
    let (code, message) =
        client.refused("anvil_reset", json!([{ "forking": { "jsonRpcUrl": "http://localhost" } }])).await;
    assert_eq!((code, message.starts_with("forking isn't supported")), (-32602, true));
}

#[tokio::test]
async fn blocks_can_be_rolled_back() {
    let node = instant();
    let client = Client::of(&node);
    for nonce in 0..3 {
        node.submit(&tx(0, nonce).raw()).expect("accepted");
    }
    client.ask("anvil_rollback", json!([])).await;
    assert_eq!((node.head().number, node.read(|chain| chain.pool_len())), (2, 0));
    client.ask("anvil_reorg", json!([1, []])).await;
    assert_eq!(node.head().number, 2);
    assert!(node.read(|chain| chain.head().transactions.is_empty()));
    let (code, _) = client.refused("anvil_reorg", json!([1, [["0x00", 0]]])).await;
    assert_eq!(code, -32602);
}

#[tokio::test]
async fn calls_are_refused_in_geths_words() {
    let node = instant();
    let client = Client::of(&node);
    let [from, to, ..] = DEV_ACCOUNTS;
    let poor = Address::repeat_byte(1);
    for (call, expected) in [
        (
            json!({ "from": from, "to": to, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x1" }),
            format!(
                "err: max fee per gas less than block base fee: address {from}, maxFeePerGas: 1, \
                 baseFee: 1000000000 (supplied gas 60000000)"
            ),
        ),
        (
            json!({ "from": from, "to": to, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }),
            format!(
                "err: max priority fee per gas higher than max fee per gas: address {from}, \
                 maxPriorityFeePerGas: 2, maxFeePerGas: 1 (supplied gas 60000000)"
            ),
        ),
        (
            json!({ "from": poor, "to": to, "value": "0x1" }),
            format!(
                "err: insufficient funds for gas * price + value: address {poor} have 0 want 1 \
                 (supplied gas 60000000)"
            ),
        ),
        (
            json!({ "from": from, "to": to, "gas": "0x5207" }),
            "err: intrinsic gas too low: have 20999, want 21000 (supplied gas 20999)".to_owned(),
        ),
    ] {
        let (code, message) = client.refused("eth_call", json!([call])).await;
        assert_eq!((code, message), (-32000, expected), "{call}");
    }
    let mut other = tx(0, 0);
    other.fee = 0;
    other.tip = 1;
    let raw = Bytes::from(other.raw());
    let (_, message) = client.refused("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(
        message,
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 1, maxFeePerGas: 0"
    );
}

#[tokio::test]
async fn simulated_blocks_build_on_each_other() {
    let node = instant();
    let client = Client::of(&node);
    let contract = deploy(&client, store_and_log()).await;
    let head = node.head();
    let [from, to, ..] = DEV_ACCOUNTS;
    let store = json!({ "from": from, "to": contract, "input": B256::from(word(7)) });
    let read = json!({ "from": from, "to": contract });
    let revert =
        json!({ "from": from, "to": contract, "input": format!("0x{}{}", "00".repeat(32), "01".repeat(32)) });
    let pay = json!({ "from": from, "to": to, "value": "0x9" });
    let blocks = client
        .ask(
            "eth_simulateV1",
            json!([{
                "traceTransfers": true,
                "blockStateCalls": [
                    { "calls": [store, read, revert, pay] },
                    { "blockOverrides": { "number": format!("{:#x}", head.number + 3) }, "calls": [read] },
                ],
            }]),
        )
        .await;
    let blocks = blocks.as_array().expect("blocks");
    let numbers: Vec<_> = blocks.iter().map(|block| block["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3].map(|more| json!(format!("{:#x}", head.number + more))));
    assert_eq!(blocks[0]["timestamp"], json!(format!("{:#x}", head.timestamp + 12)));
    assert_eq!(blocks[0]["parentHash"], json!(head.hash));
    assert_eq!(blocks[1]["parentHash"], blocks[0]["hash"]);
    let calls = blocks[0]["calls"].as_array().expect("calls");
    assert_eq!(calls[0]["logs"][0]["blockHash"], blocks[0]["hash"]);
    assert_eq!(calls[0]["logs"][0]["transactionHash"], blocks[0]["transactions"][0]);
    assert_eq!(calls[1]["returnData"], json!(B256::from(word(7))));
    assert_eq!((&calls[2]["status"], &calls[2]["error"]["code"]), (&json!("0x0"), &json!(3)));
    assert_eq!(calls[2]["error"]["data"], json!(B256::repeat_byte(1)));
    assert_eq!(calls[3]["logs"][0]["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert_eq!(calls[3]["logs"][0]["logIndex"], "0x1");
    assert_eq!(blocks[2]["calls"][0]["returnData"], json!(B256::from(word(7))));
    // nothing happened to the chain
    assert_eq!(node.head(), head);
    assert_eq!(client.ask("eth_call", json!([read])).await, json!(B256::ZERO));
    for (payload, code) in [
        (json!({ "blockStateCalls": [] }), -32602),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "number": "0x0" } }] }), -38020),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "time": "0x1" } }] }), -38021),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "number": "0xffff" } }] }), -38026),
        (
            json!({ "blockStateCalls": [{ "calls": [{ "from": from, "to": to, "gas": "0xfffffffff" }] }] }),
            -38015,
        ),
        (json!({ "blockStateCalls": [{ "calls": [{ "from": from, "to": to, "gas": "0x1" }] }] }), -38013),
        (
            json!({ "blockStateCalls": [{ "calls": [{ "from": to, "to": from, "value": U256::MAX }] }] }),
            -38014,
        ),
        (
            json!({ "validation": true, "blockStateCalls": [{ "calls": [{ "from": from, "to": to }] }] }),
            -38012,
        ),
        (
            json!({ "validation": true, "blockStateCalls": [{ "calls":
                [{ "from": from, "to": to, "nonce": "0x0", "maxFeePerGas": "0xffffffffff" }] }] }),
            -38010,
        ),
        (
            json!({ "validation": true, "blockStateCalls": [{ "calls":
                [{ "from": from, "to": to, "nonce": "0x9", "maxFeePerGas": "0xffffffffff" }] }] }),
            -38011,
        ),
    ] {
        let (actual, message) = client.refused("eth_simulateV1", json!([payload])).await;
        assert_eq!(actual, code, "{payload}: {message}");
    }
}

#[tokio::test]
async fn an_endless_call_ends() {
    let node = instant();
    let client = Client::of(&node);
    // JUMPDEST, PUSH0, JUMP: for ever, but for the gas; no override lifts the limit
    let loops = deploy(&client, init_code(&[0x5b, 0x5f, 0x56])).await;
    let overrides = json!({ "gasLimit": "0xffffffffffffffff" });
    let (code, message) = client
        .refused("eth_call", json!([{ "to": loops, "gas": "0xffffffffffffffff" }, "latest", {}, overrides]))
        .await;
    assert_eq!((code, message.as_str()), (-32000, "out of gas"));
    let (code, message) = client.refused("debug_traceCall", json!([{ "to": loops }, "latest"])).await;
    assert_eq!(code, -32005, "{message}");
    let block = json!({ "blockOverrides": overrides, "calls": [{ "to": loops }, { "to": loops }] });
    let (code, message) = client.refused("eth_simulateV1", json!([{ "blockStateCalls": [block] }])).await;
    assert_eq!(code, -38013, "the second call finds no gas left: {message}");
    let call = json!([{ "to": loops }, "latest", { "tracer": "callTracer" }]);
    assert_eq!(client.ask("debug_traceCall", call).await["error"], "out of gas");
}

#[tokio::test]
async fn transactions_are_traced_where_they_stood() {
    let node = manual();
    let client = Client::of(&node);
    // one contract that the second transaction of a block calls, and the first one changes
    let create = {
        let mut tx = tx(0, 0);
        (tx.to, tx.gas, tx.value) = (TxKind::Create, 1_000_000, 0);
        tx.sign(&store_and_log())
    };
    node.submit(&create.encoded_2718()).expect("accepted");
    node.mine_slot();
    let contract = signer(0).address().create(0);
    let call = |nonce: u64, input: &[u8]| {
        let mut tx = tx(0, nonce);
        (tx.to, tx.gas, tx.value) = (TxKind::Call(contract), 100_000, 0);
        node.submit(&tx.sign(input).encoded_2718()).expect("accepted")
    };
    let stored = call(1, &word(7));
    let read = call(2, &[]);
    let reverted = call(3, &[word(0), word(1)].concat());
    node.mine_slot();
    let call_tracer = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let trace = client.ask("debug_traceTransaction", json!([stored, call_tracer])).await;
    assert_eq!((&trace["type"], &trace["output"]), (&json!("CALL"), &json!(B256::from(word(7)))));
    assert_eq!(trace["logs"].as_array().map(Vec::len), Some(1));
    let receipt = client.ask("eth_getTransactionReceipt", json!([stored])).await;
    assert_eq!(trace["gasUsed"], receipt["gasUsed"]);
    // the second transaction sees what the first one stored
    let trace = client.ask("debug_traceTransaction", json!([read, { "tracer": "callTracer" }])).await;
    assert_eq!(trace["output"], json!(B256::from(word(7))));
    let trace = client.ask("debug_traceTransaction", json!([reverted, { "tracer": "callTracer" }])).await;
    assert_eq!(trace["error"], "execution reverted");
    let steps = client.ask("debug_traceTransaction", json!([stored])).await;
    let operations: Vec<_> =
        steps["structLogs"].as_array().expect("steps").iter().map(|step| step["op"].clone()).collect();
    assert!(operations.contains(&json!("SSTORE")) && operations.contains(&json!("LOG1")), "{operations:?}");
    let prestate = client.ask("debug_traceTransaction", json!([read, { "tracer": "prestateTracer" }])).await;
    let slot = &prestate[contract.to_string().to_lowercase()]["storage"][B256::ZERO.to_string()];
    assert_eq!(slot, &json!(B256::from(word(7))));
    let block = client.ask("debug_traceBlockByNumber", json!(["latest", { "tracer": "callTracer" }])).await;
    let hashes: Vec<_> =
        block.as_array().expect("traces").iter().map(|trace| trace["txHash"].clone()).collect();
    assert_eq!(hashes, [json!(stored), json!(read), json!(reverted)]);
    let parity = client.ask("trace_transaction", json!([stored])).await;
    assert_eq!((&parity[0]["type"], &parity[0]["transactionHash"]), (&json!("call"), &json!(stored)));
    assert_eq!(client.ask("trace_block", json!(["latest"])).await.as_array().map(Vec::len), Some(3));
    let diff = json!({ "stateDiff": { B256::ZERO.to_string(): B256::from(word(5)) } });
    let options = json!({ "tracer": "callTracer", "stateOverrides": { contract.to_string(): diff } });
    let call = json!([{ "to": contract }, "latest", options]);
    assert_eq!(client.ask("debug_traceCall", call).await["output"], json!(B256::from(word(5))));
    for (params, expected) in [
        (json!([B256::ZERO]), "transaction not found"),
        (
            json!([stored, { "tracer": "muxTracer" }]),
            "tracer \"muxTracer\" isn't supported: expected callTracer",
        ),
        (json!([stored, { "tracer": "{ result: 1 }" }]), "tracer \"{ result: 1 }\" isn't supported"),
    ] {
        let (_, message) = client.refused("debug_traceTransaction", params.clone()).await;
        assert!(message.starts_with(expected), "{params}: {message}");
    }
    let (_, message) = client.refused("debug_traceBlockByNumber", json!(["earliest"])).await;
    assert_eq!(message, "genesis is not traceable");
}

#[tokio::test]
async fn raw_encodings_hash_to_their_block() {
    let node = instant();
    let client = Client::of(&node);
    node.submit(&tx(0, 0).raw()).expect("accepted");
    let bytes = async |method: &'static str| -> Bytes {
        serde_json::from_value(client.ask(method, json!(["latest"])).await).expect("bytes")
    };
    assert_eq!(keccak256(bytes("debug_getRawHeader").await), node.head().hash);
    let block = bytes("debug_getRawBlock").await;
    let decoded: Block<Transaction> = Decodable::decode(&mut block.as_ref()).expect("a block");
    assert_eq!(decoded.header.hash_slow(), node.head().hash);
    assert_eq!(decoded.body.transactions.len(), 1);
    assert_eq!(node.read(|chain| chain.head().size), block.len());
    let receipts = client.ask("debug_getRawReceipts", json!(["latest"])).await;
    assert_eq!(receipts.as_array().map(Vec::len), Some(1));
    let header = client.ask("eth_getHeaderByNumber", json!(["latest"])).await;
    assert_eq!(header["hash"], json!(node.head().hash));
    let by_nonce =
        client.ask("eth_getTransactionBySenderAndNonce", json!([signer(0).address(), "0x0"])).await;
    assert_eq!(by_nonce["blockHash"], json!(node.head().hash));
    let values = client.ask("eth_getStorageValues", json!([{ DEV_ACCOUNTS[0].to_string(): ["0x0"] }])).await;
    assert_eq!(values[DEV_ACCOUNTS[0].to_string().to_lowercase()], json!([B256::ZERO]));
}
