//! JSON-RPC 2.0: which method does what, and how parameters and errors look.

mod call;
mod control;
mod eth;
mod filters;
mod logs;
pub(crate) mod subscriptions;
mod views;

use std::borrow::Cow;

use alloy::rpc::json_rpc::ErrorPayload;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    error::{ChainError, PoolError},
    node::Node,
};

pub(crate) use filters::Filters;

/// A method's result, serialized.
pub(crate) type Reply = Result<Box<RawValue>, Failure>;

/// Most requests in a batch.
const BATCH_LIMIT: usize = 1000;

/// An error as JSON-RPC shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl Failure {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// geth's code for everything that has none of its own.
    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self::new(-32000, message)
    }

    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// A query that would take too much (EIP-1474).
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(-32005, message)
    }

    pub(crate) fn reverted(message: String, data: String) -> Self {
        Self { code: 3, message, data: Some(Value::String(data)) }
    }
}

impl From<Failure> for ErrorPayload {
    fn from(failure: Failure) -> Self {
        let data = failure.data.and_then(|data| to_raw_value(&data).ok());
        Self { code: failure.code, message: Cow::Owned(failure.message), data }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        Self::server(error.to_string())
    }
}

/// Serializes a result.
pub(crate) fn reply(value: &impl Serialize) -> Reply {
    to_raw_value(value).map_err(|error| Failure::new(-32603, format!("result can't be serialized: {error}")))
}

/// A request's parameters, by position.
pub(crate) struct Params(Vec<Value>);

impl Params {
    fn parse(raw: Option<Value>) -> Result<Self, Failure> {
        match raw {
            None | Some(Value::Null) => Ok(Self(Vec::new())),
            Some(Value::Array(values)) => Ok(Self(values)),
            Some(_) => Err(Failure::invalid_params("params: expected an array")),
        }
    }

    /// The parameter at a position; `expected` tells the caller what belongs there.
    pub(crate) fn required<T: DeserializeOwned>(&self, index: usize, expected: &str) -> Result<T, Failure> {
        self.optional(index, expected)?.ok_or_else(|| {
            Failure::invalid_params(format!(
                "missing value for required argument {index}: expected {expected}"
            ))
        })
    }

    /// The parameter at a position, if it is given and not null.
    pub(crate) fn optional<T: DeserializeOwned>(
        &self,
        index: usize,
        expected: &str,
    ) -> Result<Option<T>, Failure> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| {
                Failure::invalid_params(format!("invalid argument {index}: expected {expected}: {error}"))
            }),
        }
    }

    /// At most this many parameters.
    fn at_most(&self, limit: usize) -> Result<(), Failure> {
        if self.0.len() > limit {
            return Err(Failure::invalid_params(format!("too many arguments, want at most {limit}")));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Request {
    jsonrpc: Option<String>,
    method: String,
    params: Option<Value>,
    id: Option<Value>,
}

#[derive(Serialize)]
struct Envelope {
    jsonrpc: &'static str,
    id: Value,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Box<RawValue>),
    Error(Failure),
}

impl Envelope {
    fn new(id: Value, reply: Reply) -> Self {
        let outcome = reply.map_or_else(Outcome::Error, Outcome::Result);
        Self { jsonrpc: "2.0", id, outcome }
    }
}

/// Answers a request that alloy serialized.
pub(crate) fn call_serialized(node: &Node, request: &str) -> Reply {
    let request: Request = serde_json::from_str(request)
        .map_err(|error| Failure::new(-32600, format!("invalid request: {error}")))?;
    dispatch(node, &request.method, &Params::parse(request.params)?)
}

/// Answers the body of an HTTP request: a request or a batch. Nothing is answered to notifications.
pub(crate) fn handle(node: &Node, body: &[u8]) -> Option<String> {
    let parsed: Value = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => {
            return encode(&Envelope::new(
                Value::Null,
                Err(Failure::new(-32700, format!("parse error: {error}"))),
            ));
        }
    };
    match parsed {
        Value::Array(requests) if requests.is_empty() => {
            encode(&Envelope::new(Value::Null, Err(Failure::new(-32600, "invalid request: empty batch"))))
        }
        Value::Array(requests) if requests.len() > BATCH_LIMIT => {
            let message = format!("batch too large: {} requests, at most {BATCH_LIMIT}", requests.len());
            encode(&Envelope::new(Value::Null, Err(Failure::new(-32600, message))))
        }
        Value::Array(requests) => {
            let answers: Vec<_> = requests.into_iter().filter_map(|request| answer(node, request)).collect();
            if answers.is_empty() { None } else { encode(&answers) }
        }
        request => encode(&answer(node, request)?),
    }
}

fn encode(answer: &impl Serialize) -> Option<String> {
    serde_json::to_string(answer).ok()
}

fn answer(node: &Node, request: Value) -> Option<Envelope> {
    let id = request.get("id").cloned();
    let request = match serde_json::from_value::<Request>(request) {
        Ok(request) if request.jsonrpc.as_deref() == Some("2.0") => request,
        Ok(_) => {
            let failure = Failure::new(-32600, "invalid request: expected \"jsonrpc\": \"2.0\"");
            return Some(Envelope::new(id.unwrap_or_default(), Err(failure)));
        }
        Err(error) => {
            let failure = Failure::new(-32600, format!("invalid request: {error}"));
            return Some(Envelope::new(id.unwrap_or_default(), Err(failure)));
        }
    };
    let reply = Params::parse(request.params).and_then(|params| dispatch(node, &request.method, &params));
    // an explicit null id is read as absent by serde; both get no answer but the errors above
    request.id.or(id).map(|id| Envelope::new(id, reply))
}

/// Calls a method.
fn dispatch(node: &Node, method: &str, params: &Params) -> Reply {
    params.at_most(4)?;
    match method {
        "web3_clientVersion" => reply(&concat!("fernet-embedded/", env!("CARGO_PKG_VERSION"))),
        "web3_sha3" => eth::sha3(params),
        "net_version" => reply(&node.read(|chain| chain.config().chain_id).to_string()),
        "net_listening" => reply(&true),
        "eth_chainId" => eth::chain_id(node),
        "eth_syncing" => reply(&false),
        "eth_accounts" => reply(&Vec::<String>::new()),
        "eth_blockNumber" => eth::block_number(node),
        "eth_gasPrice" => eth::gas_price(node),
        "eth_maxPriorityFeePerGas" => eth::priority_fee(node),
        "eth_blobBaseFee" => eth::blob_base_fee(node),
        "eth_feeHistory" => eth::fee_history(node, params),
        "eth_getBalance" => eth::balance(node, params),
        "eth_getCode" => eth::code(node, params),
        "eth_getStorageAt" => eth::storage_at(node, params),
        "eth_getTransactionCount" => eth::transaction_count(node, params),
        "eth_getProof" => eth::proof(node, params),
        "eth_call" => call::call(node, params),
        "eth_estimateGas" => call::estimate_gas(node, params),
        "eth_createAccessList" => call::create_access_list(node, params),
        "eth_sendRawTransaction" => eth::send_raw_transaction(node, params),
        "eth_getTransactionByHash" => eth::transaction_by_hash(node, params),
        "eth_getRawTransactionByHash" => eth::raw_transaction(node, params),
        "eth_getTransactionByBlockHashAndIndex" | "eth_getTransactionByBlockNumberAndIndex" => {
            eth::transaction_by_index(node, params)
        }
        "eth_getTransactionReceipt" => eth::receipt(node, params),
        "eth_getBlockReceipts" => eth::block_receipts(node, params),
        "eth_getBlockByNumber" | "eth_getBlockByHash" => eth::block(node, params),
        "eth_getBlockTransactionCountByHash" | "eth_getBlockTransactionCountByNumber" => {
            eth::block_transaction_count(node, params)
        }
        "eth_getUncleCountByBlockHash" | "eth_getUncleCountByBlockNumber" => eth::uncle_count(node, params),
        "eth_getLogs" => logs::get_logs(node, params),
        "eth_newFilter" => filters::new_filter(node, params),
        "eth_newBlockFilter" => filters::new_block_filter(node),
        "eth_getFilterChanges" => filters::changes(node, params),
        "eth_getFilterLogs" => filters::logs(node, params),
        "eth_uninstallFilter" => filters::uninstall(node, params),
        "evm_mine" => control::evm_mine(node),
        "fernet_mine" => control::mine(node, params),
        "fernet_skipSlots" => control::skip_slots(node, params),
        "fernet_reorg" => control::reorg(node, params),
        "fernet_setPrevrandao" => control::set_prevrandao(node, params),
        "fernet_dropTransaction" => control::drop_transaction(node, params),
        "fernet_delayTransaction" => control::delay_transaction(node, params),
        "fernet_slot" => control::slot(node),
        "fernet_getBlobs" => control::blobs(node, params),
        "txpool_status" => control::pool_status(node),
        _ => Err(Failure::new(-32601, format!("the method {method} does not exist/is not available"))),
    }
}
