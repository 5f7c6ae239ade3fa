//! What strangers may send to the HTTP port.

mod common;

use std::net::Ipv4Addr;

use alloy::{eips::Encodable2718, primitives::Bytes};
use fernet_embedded::{HttpServer, rpc_methods};
use serde_json::{Value, json};

async fn server() -> HttpServer {
    common::manual().serve((Ipv4Addr::LOCALHOST, 0).into()).await.expect("bound")
}

async fn post(server: &HttpServer, body: impl Into<reqwest::Body>) -> (u16, String) {
    let request =
        reqwest::Client::new().post(server.url()).header("content-type", "application/json").body(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

async fn ask(server: &HttpServer, body: Value) -> Value {
    let (status, text) = post(server, body.to_string()).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn call(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

async fn error(server: &HttpServer, method: &str, params: Value) -> (i64, String) {
    let answer = ask(server, call(method, params)).await;
    let error = &answer["error"];
    (error["code"].as_i64().expect("an error"), error["message"].as_str().expect("a message").to_owned())
}

#[tokio::test]
async fn malformed_requests_get_the_codes_of_the_specification() {
    let server = server().await;
    for (body, code, id) in [
        ("{", -32700, Value::Null),
        ("", -32700, Value::Null),
        ("[]", -32600, Value::Null),
        ("1", -32600, Value::Null),
        ("null", -32600, Value::Null),
        (r#"{"id":7}"#, -32600, json!(7)),
        (r#"{"jsonrpc":"1.0","id":7,"method":"eth_chainId"}"#, -32600, json!(7)),
        (r#"{"jsonrpc":"2.0","id":"x","method":5}"#, -32600, json!("x")),
        (r#"{"jsonrpc":"2.0","id":7,"method":"eth_nothing"}"#, -32601, json!(7)),
        (r#"{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":{"a":1}}"#, -32602, json!(7)),
        (r#"{"jsonrpc":"2.0","id":7,"method":"anvil_dumpState"}"#, -32601, json!(7)),
        (r#"{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[1]}"#, -32602, json!(7)),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":["0x","latest",1]}"#,
            -32602,
            json!(7),
        ),
    ] {
        let (_, text) = post(&server, body).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{body}");
    }
    for (method, expected) in [
        ("eth_nothing", "the method eth_nothing does not exist/is not available"),
        (
            "anvil_setRpcUrl",
            "the method anvil_setRpcUrl isn't supported: this chain starts from its own genesis",
        ),
        ("eth_subscribe", "the method eth_subscribe isn't supported: subscriptions need a WebSocket"),
    ] {
        let (code, message) = error(&server, method, json!([])).await;
        assert_eq!((code, message.starts_with(expected)), (-32601, true), "{message}");
    }
    let (status, _) = post(&server, r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#).await;
    assert_eq!(status, 204, "a notification gets no answer");
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let server = server().await;
    for (method, params, expected) in [
        ("eth_getBalance", json!([]), "missing value for required argument 0: expected an address"),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 0: expected an address"),
        (
            "eth_getBalance",
            json!(["0x0000000000000000000000000000000000000000", "newest"]),
            "invalid argument 1: expected a block number, hash or tag",
        ),
        ("eth_getTransactionReceipt", json!(["0x1234"]), "invalid argument 0: expected a transaction hash"),
        ("eth_sendRawTransaction", json!([5]), "invalid argument 0: expected a signed transaction"),
        ("eth_call", json!(["x"]), "invalid argument 0: expected a call object"),
        ("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]), "invalid"),
        ("fernet_reorg", json!(["0x1", { "depth": 1 }]), "invalid argument 1"),
        ("fernet_setPrevrandao", json!(["0x5", "0x1"]), "invalid argument 1: expected 32 bytes"),
    ] {
        let (code, message) = error(&server, method, params.clone()).await;
        assert_eq!(code, -32602, "{method} {params}: {message}");
        assert!(message.starts_with(expected), "{method} {params}: {message}");
    }
    let (code, message) = error(&server, "eth_sendRawTransaction", json!(["0x02c0"])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("failed to decode transaction"), "{message}");
    let (code, message) = error(&server, "fernet_reorg", json!(["0x5"])).await;
    assert_eq!((code, message.as_str()), (-32000, "reorg too deep: depth 5, at most 0"));
    let (code, _) = error(&server, "fernet_mine", json!(["0xffffff"])).await;
    assert_eq!(code, -32005);
}

#[tokio::test]
async fn batches_answer_in_order() {
    let server = server().await;
    let answers = ask(
        &server,
        json!([
            { "jsonrpc": "2.0", "id": "a", "method": "eth_chainId" },
            { "jsonrpc": "2.0", "method": "eth_blockNumber" },
            { "jsonrpc": "2.0", "id": 2, "method": "none" },
            5,
        ]),
    )
    .await;
    let answers = answers.as_array().expect("an array");
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!("a"), &json!("0x7a69")));
    assert_eq!(answers[1]["error"]["code"], -32601);
    assert_eq!(answers[2]["error"]["code"], -32600);
    let many = Value::Array(vec![call("eth_chainId", json!([])); 1001]);
    assert_eq!(ask(&server, many).await["error"]["code"], -32600);
}

#[tokio::test]
async fn control_methods_drive_the_chain() {
    let server = server().await;
    let head = ask(&server, call("fernet_mine", json!(["0x3"]))).await;
    assert_eq!((&head["result"]["number"], &head["result"]["slot"]), (&json!("0x3"), &json!("0x3")));
    assert_eq!(ask(&server, call("fernet_skipSlots", json!(["0x2"]))).await["result"], "0x5");
    let mix = format!("0x{}", "cd".repeat(32));
    assert_eq!(ask(&server, call("fernet_setPrevrandao", json!(["0x6", mix]))).await["result"], true);
    ask(&server, call("evm_mine", json!([]))).await;
    let block = ask(&server, call("eth_getBlockByNumber", json!(["latest", false]))).await;
    assert_eq!((&block["result"]["number"], &block["result"]["mixHash"]), (&json!("0x4"), &json!(mix)));
    let reorg = ask(&server, call("fernet_reorg", json!(["0x2", { "refill": true }]))).await;
    assert_eq!(reorg["result"]["removed"].as_array().map(Vec::len), Some(2));
    assert_eq!(reorg["result"]["added"].as_array().map(Vec::len), Some(2));
    assert_eq!(ask(&server, call("eth_blockNumber", json!([]))).await["result"], "0x4");
    let safe = ask(&server, call("eth_getBlockByNumber", json!(["finalized", false]))).await;
    assert_eq!(safe["result"]["number"], "0x0");
    assert_eq!(
        ask(&server, call("eth_getBlockByNumber", json!(["0x99", false]))).await["result"],
        Value::Null
    );
}

#[tokio::test]
async fn web_pages_and_giants_are_kept_out() {
    let server = server().await;
    let request = reqwest::Client::new().post(server.url()).header("content-type", "text/plain");
    let answer = request.body(call("evm_mine", json!([])).to_string()).send().await.expect("an answer");
    assert_eq!(answer.status(), 415);
    for (host, expected) in
        [("rebound.example", 403), ("localhost:80", 200), ("[::1]:80", 200), ("10.0.0.1", 200)]
    {
        let request = reqwest::Client::new().post(server.url()).header("content-type", "application/json");
        let request = request.header("host", host).body(call("eth_chainId", json!([])).to_string());
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), expected, "{host}");
    }
    let (status, _) = post(&server, vec![b' '; (16 << 20) + 1]).await;
    assert_eq!(status, 413);
    assert_eq!(ask(&server, call("eth_blockNumber", json!([]))).await["result"], "0x0");
}

/// What no method expects somewhere: wrong types, extreme numbers, wrong lengths, deep and wide values.
fn hostile_values() -> Vec<Value> {
    let deep = (0..100).fold(json!("0x"), |inner, _| json!([inner]));
    let wide = Value::Array(vec![json!("0x0"); 2000]);
    let zero = format!("0x{}", "00".repeat(20));
    let max = format!("0x{}", "ff".repeat(32));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(1e308),
        json!(""),
        json!("0x"),
        json!("0xzz"),
        json!("latest"),
        json!("\u{0}💥"),
        json!("0xffffffffffffffff"),
        json!(max),
        json!(format!("{max}ff")),
        json!(zero),
        json!([]),
        json!({}),
        json!({ "blockHash": max, "requireCanonical": "no" }),
        json!({ "from": zero, "to": zero, "gas": max, "value": max, "nonce": max }),
        json!({ "from": zero, "gas": "0xffffffffffffffff", "nonce": "0xffffffffffffffff", "type": "0x4" }),
        json!({ "to": zero, "maxFeePerGas": format!("0x{}", "ff".repeat(16)), "value": "0x1" }),
        json!({ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff", "topics": [[], null, [max]] }),
        json!({ "blockStateCalls": [{ "blockOverrides": { "number": max, "time": "0xffffffffffffffff" } }] }),
        json!({ "blockStateCalls": [{ "blockOverrides": { "time": "0xffffffffffffffff" } }, {}] }),
        json!({ "tracer": "callTracer", "tracerConfig": [1], "txIndex": max }),
        json!({ zero: { "balance": max, "nonce": "0xffffffffffffffff", "code": "0xef0100", "state": {} } }),
        deep,
        wide,
    ]
}

#[tokio::test]
async fn no_parameters_bring_a_method_down() {
    let server = server().await;
    let hash = json!(format!("0x{}", "00".repeat(32)));
    for method in rpc_methods() {
        let mut batch = vec![call(method, json!([])), call(method, json!({})), call(method, json!(5))];
        for value in hostile_values() {
            batch.push(call(method, json!([value])));
            batch.push(call(method, json!(["0x5", value])));
            batch.push(call(method, json!([hash, value])));
            batch.push(call(method, json!([format!("0x{}", "00".repeat(20)), value])));
            batch.push(call(method, json!([{ "to": format!("0x{}", "00".repeat(20)) }, value])));
            batch.push(call(method, json!([{ "from": hash }, "latest", value])));
            batch.push(call(method, json!([{}, "latest", value, value])));
            batch.push(call(method, json!([value, value, value])));
        }
        let count = batch.len();
        let answers = ask(&server, Value::Array(batch)).await;
        let answers = answers.as_array().unwrap_or_else(|| panic!("{method}: {answers}"));
        assert_eq!(answers.len(), count, "{method}");
        for answer in answers {
            let error = answer["error"]["code"].as_i64();
            assert!(answer.get("result").is_some() || error.is_some(), "{method}: {answer}");
            assert_ne!(error, Some(-32603), "{method}: {answer}");
        }
    }
    assert_eq!(ask(&server, call("eth_chainId", json!([]))).await["result"], "0x7a69");
}

#[tokio::test]
async fn deep_and_broken_json_is_refused() {
    let server = server().await;
    for body in [
        "[".repeat(200_000),
        "{\"a\":".repeat(200_000),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":{}", "[".repeat(1000)),
        "\u{feff}{}".to_owned(),
        "nul".to_owned(),
    ] {
        let (status, text) = post(&server, body).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32700)), "{text}");
    }
    let (status, text) = post(&server, vec![0xff; 100]).await;
    assert_eq!((status, text.contains("-32700")), (200, true), "{text}");
    assert_eq!(ask(&server, call("eth_chainId", json!([]))).await["result"], "0x7a69");
}

#[tokio::test]
async fn no_raw_transaction_brings_the_pool_down() {
    let server = server().await;
    let good = common::tx(0, 0).raw();
    let refused = |mut raw: Vec<u8>, index: usize, value: u8| {
        if let Some(byte) = raw.get_mut(index) {
            *byte = value;
        }
        call("eth_sendRawTransaction", json!([Bytes::from(raw)]))
    };
    // each byte changed, and each prefix
    let changed =
        (0..good.len()).flat_map(|index| [0x00, 0x7f, 0x80, 0xbf, 0xf8, 0xff].map(|value| (index, value)));
    let mut batch: Vec<_> = changed.map(|(index, value)| refused(good.clone(), index, value)).collect();
    batch.extend((0..good.len()).map(|end| refused(good[..end].to_vec(), usize::MAX, 0)));
    for batch in batch.chunks(500) {
        let answers = ask(&server, Value::Array(batch.to_vec())).await;
        for answer in answers.as_array().expect("answers") {
            let accepted = answer["result"].is_string();
            assert!(accepted || answer["error"]["code"] == -32000, "{answer}");
        }
    }
    for (raw, expected) in [
        ("0x", "failed to decode transaction: typed transaction too short"),
        ("0x02", "failed to decode transaction: typed transaction too short"),
        ("0x05c0", "transaction type not supported"),
        ("0x7fc0", "transaction type not supported"),
    ] {
        let (code, message) = error(&server, "eth_sendRawTransaction", json!([raw])).await;
        assert_eq!((code, message.starts_with(expected)), (-32000, true), "{message}");
    }
    let large = { common::tx(0, 0) }.sign(&vec![0; 140 << 10]);
    let large = Bytes::from(large.encoded_2718());
    let (_, message) = error(&server, "eth_sendRawTransaction", json!([large])).await;
    assert!(message.starts_with("oversized data: transaction size 143"), "{message}");
}

#[tokio::test]
async fn browsers_ask_first_and_only_local_pages_may() {
    let server = server().await;
    for (origin, allowed) in [
        ("http://localhost:3000", true),
        ("https://app.localhost", true),
        ("http://127.0.0.1:5173", true),
        ("http://[::1]:5173", true),
        ("chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn", true),
        ("https://evil.example", false),
        ("http://localhost.evil.example", false),
        ("http://203.0.113.5", false),
        ("file://localhost", false),
        ("null", false),
    ] {
        let client = reqwest::Client::new();
        let preflight = client
            .request(reqwest::Method::OPTIONS, server.url())
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = preflight.send().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("access-control-allow-origin"), allowed.then_some(origin));
        assert_eq!(header("access-control-allow-headers"), Some("content-type"));
        assert_eq!(header("access-control-allow-methods"), Some("GET,POST"));
        let request = client
            .post(server.url())
            .header("origin", origin)
            .header("content-type", "application/json")
            .body(call("eth_chainId", json!([])).to_string());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), if allowed { 200 } else { 403 }, "{origin}");
        let header = answer.headers().get("access-control-allow-origin");
        assert_eq!(header.and_then(|value| value.to_str().ok()), allowed.then_some(origin));
    }
}

#[tokio::test]
async fn sockets_open_for_local_pages_only() {
    let server = server().await;
    for (origin, expected) in [
        (None, 101),
        (Some("http://localhost:3000"), 101),
        (Some("moz-extension://0e7f2a4c"), 101),
        (Some("http://203.0.113.5"), 403),
        (Some("https://evil.example"), 403),
        (Some("null"), 403),
    ] {
        let mut request = reqwest::Client::new()
            .get(server.url())
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), expected, "{origin:?}");
    }
}
