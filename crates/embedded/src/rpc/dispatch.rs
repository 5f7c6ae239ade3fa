//! Which method does what, and how requests, alone and in batches, get their answers.

use std::collections::BTreeMap;

use alloy::primitives::U64;
use serde_json::Value;

use super::{
    accounts, call, debug, development, eth, faults, filters, logs,
    message::{Envelope, Failure, Params, Reply, Request, encode, reply},
    simulate, txpool,
};
use crate::node::Node;

/// Most requests in a batch.
const BATCH_LIMIT: usize = 1000;

/// What answers a request.
type Handler = fn(&Node, &Params) -> Reply;

/// A method with its other names.
struct Method {
    names: &'static [&'static str],
    /// Most arguments.
    arguments: usize,
    handler: Handler,
}

const fn method(names: &'static [&'static str], arguments: usize, handler: Handler) -> Method {
    Method { names, arguments, handler }
}

/// All methods.
const METHODS: &[Method] = &[
    method(&["web3_clientVersion"], 0, |_, _| reply(&development::CLIENT)),
    method(&["web3_sha3"], 1, |_, params| eth::sha3(params)),
    method(&["net_version"], 0, |node, _| reply(&node.read(|chain| chain.config().chain_id).to_string())),
    method(&["net_listening"], 0, |_, _| reply(&true)),
    method(&["net_peerCount"], 0, |_, _| reply(&U64::ZERO)),
    method(&["rpc_modules"], 0, |_, _| reply(&modules())),
    method(&["eth_chainId"], 0, |node, _| eth::chain_id(node)),
    method(&["eth_blockNumber"], 0, |node, _| eth::block_number(node)),
    method(&["eth_gasPrice"], 0, |node, _| eth::gas_price(node)),
    method(&["eth_maxPriorityFeePerGas"], 0, |node, _| eth::priority_fee(node)),
    method(&["eth_blobBaseFee"], 0, |node, _| eth::blob_base_fee(node)),
    method(&["eth_syncing"], 0, |_, _| reply(&false)),
    method(&["eth_feeHistory"], 3, eth::fee_history),
    method(&["eth_getBalance"], 2, eth::balance),
    method(&["eth_getCode"], 2, eth::code),
    method(&["eth_getStorageAt"], 3, eth::storage_at),
    method(&["eth_getStorageValues"], 2, eth::storage_values),
    method(&["eth_getTransactionCount"], 2, eth::transaction_count),
    method(&["eth_getProof"], 3, eth::proof),
    method(&["eth_call"], 4, call::call),
    method(&["eth_estimateGas"], 4, call::estimate_gas),
    method(&["eth_createAccessList"], 2, call::create_access_list),
    method(&["eth_simulateV1"], 2, simulate::simulate),
    method(&["eth_sendRawTransaction"], 1, eth::send_raw_transaction),
    method(&["eth_sendRawTransactionSync"], 2, eth::send_raw_transaction_sync),
    method(&["eth_accounts", "eth_requestAccounts"], 0, |node, _| accounts::accounts(node)),
    method(&["eth_sendTransaction"], 1, accounts::send_transaction),
    method(&["eth_sendUnsignedTransaction"], 1, accounts::send_unsigned_transaction),
    method(&["eth_signTransaction"], 1, accounts::sign_transaction),
    method(&["eth_sign"], 2, accounts::sign),
    method(&["personal_sign"], 3, accounts::personal_sign),
    method(&["eth_signTypedData", "eth_signTypedData_v4"], 2, accounts::sign_typed_data),
    method(&["eth_getTransactionByHash"], 1, eth::transaction_by_hash),
    method(&["eth_getRawTransactionByHash", "debug_getRawTransaction"], 1, eth::raw_transaction),
    method(
        &["eth_getTransactionByBlockHashAndIndex", "eth_getTransactionByBlockNumberAndIndex"],
        2,
        eth::transaction_by_index,
    ),
    method(
        &["eth_getRawTransactionByBlockHashAndIndex", "eth_getRawTransactionByBlockNumberAndIndex"],
        2,
        eth::raw_transaction_by_index,
    ),
    method(&["eth_getTransactionBySenderAndNonce"], 2, eth::transaction_by_sender_and_nonce),
    method(&["eth_getTransactionReceipt"], 1, eth::receipt),
    method(&["eth_getBlockReceipts"], 1, eth::block_receipts),
    method(&["eth_getBlockByNumber", "eth_getBlockByHash"], 2, eth::block),
    method(&["eth_getHeaderByNumber", "eth_getHeaderByHash"], 1, eth::header),
    method(
        &["eth_getBlockTransactionCountByHash", "eth_getBlockTransactionCountByNumber"],
        1,
        eth::block_transaction_count,
    ),
    method(&["eth_getUncleCountByBlockHash", "eth_getUncleCountByBlockNumber"], 1, eth::uncle_count),
    method(&["eth_getUncleByBlockHashAndIndex", "eth_getUncleByBlockNumberAndIndex"], 2, |_, params| {
        eth::uncle(params)
    }),
    method(&["eth_getLogs"], 1, logs::get_logs),
    method(&["eth_newFilter"], 1, filters::new_filter),
    method(&["eth_newBlockFilter"], 0, |node, _| filters::new_block_filter(node)),
    method(&["eth_newPendingTransactionFilter"], 1, filters::new_transaction_filter),
    method(&["eth_getFilterChanges"], 1, filters::changes),
    method(&["eth_getFilterLogs"], 1, filters::logs),
    method(&["eth_uninstallFilter"], 1, filters::uninstall),
    method(&["txpool_status"], 0, |node, _| txpool::status(node)),
    method(&["txpool_content"], 0, |node, _| txpool::all(node)),
    method(&["txpool_contentFrom"], 1, txpool::of_sender),
    method(&["txpool_inspect"], 0, |node, _| txpool::inspect(node)),
    method(&["debug_traceTransaction"], 2, debug::trace_transaction),
    method(&["debug_traceCall"], 3, debug::trace_call),
    method(&["debug_traceBlockByNumber", "debug_traceBlockByHash"], 2, debug::trace_block),
    method(&["debug_getRawHeader"], 1, debug::raw_header),
    method(&["debug_getRawBlock"], 1, debug::raw_block),
    method(&["debug_getRawReceipts"], 1, debug::raw_receipts),
    method(&["trace_transaction"], 1, debug::parity_transaction),
    method(&["trace_block"], 1, debug::parity_block),
    method(&["evm_increaseTime", "anvil_increaseTime"], 1, development::increase_time),
    method(&["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"], 1, development::set_next_timestamp),
    method(&["evm_setTime", "anvil_setTime"], 1, development::set_time),
    method(&["anvil_setBlockTimestampInterval"], 1, development::set_block_interval),
    method(&["anvil_removeBlockTimestampInterval"], 0, |node, _| development::remove_block_interval(node)),
    method(&["evm_mine"], 1, development::evm_mine),
    method(&["anvil_mine", "hardhat_mine"], 2, development::mine),
    method(&["anvil_mine_detailed", "evm_mine_detailed"], 1, development::mine_detailed),
    method(&["evm_setAutomine", "anvil_setAutomine"], 1, development::set_automine),
    method(&["anvil_getAutomine", "hardhat_getAutomine"], 0, |node, _| development::automine(node)),
    method(&["evm_setIntervalMining", "anvil_setIntervalMining"], 1, development::set_interval_mining),
    method(&["anvil_getIntervalMining"], 0, |node, _| development::interval_mining(node)),
    method(&["evm_snapshot", "anvil_snapshot"], 0, |node, _| development::snapshot(node)),
    method(&["evm_revert", "anvil_revert"], 1, development::revert),
    method(&["anvil_reset", "hardhat_reset"], 1, development::reset),
    method(&["anvil_rollback"], 1, development::rollback),
    method(&["anvil_reorg"], 2, development::reorg),
    method(
        &["anvil_setNextBlockBaseFeePerGas", "hardhat_setNextBlockBaseFeePerGas"],
        1,
        development::set_next_base_fee,
    ),
    method(&["evm_setBlockGasLimit", "anvil_setBlockGasLimit"], 1, development::set_gas_limit),
    method(&["anvil_setCoinbase", "hardhat_setCoinbase"], 1, development::set_fee_recipient),
    method(&["hardhat_setPrevRandao"], 1, development::set_next_prevrandao),
    method(&["anvil_setBalance", "hardhat_setBalance", "evm_setAccountBalance"], 2, development::set_balance),
    method(&["anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce"], 2, development::set_nonce),
    method(&["anvil_setCode", "hardhat_setCode", "evm_setAccountCode"], 2, development::set_code),
    method(
        &["anvil_setStorageAt", "hardhat_setStorageAt", "evm_setAccountStorageAt"],
        3,
        development::set_storage,
    ),
    method(&["anvil_dropTransaction", "hardhat_dropTransaction"], 1, development::drop_transaction),
    method(&["anvil_dropAllTransactions", "hardhat_dropAllTransactions"], 0, |node, _| {
        development::drop_all_transactions(node)
    }),
    method(&["anvil_removePoolTransactions"], 1, development::drop_transactions_of),
    method(&["anvil_impersonateAccount", "hardhat_impersonateAccount"], 1, |node, params| {
        accounts::impersonate(node, params, true)
    }),
    method(&["anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount"], 1, |node, params| {
        accounts::impersonate(node, params, false)
    }),
    method(
        &["anvil_autoImpersonateAccount", "hardhat_autoImpersonateAccount"],
        1,
        accounts::impersonate_everyone,
    ),
    method(&["anvil_nodeInfo"], 0, |node, _| development::node_info(node)),
    method(&["anvil_metadata", "hardhat_metadata"], 0, |node, _| development::metadata(node)),
    method(&["fernet_slot"], 0, |node, _| faults::slot(node)),
    method(&["fernet_mine"], 1, faults::mine),
    method(&["fernet_skipSlots"], 1, faults::skip_slots),
    method(&["fernet_reorg"], 2, faults::reorg),
    method(&["fernet_setPrevrandao"], 2, faults::set_prevrandao),
    method(&["fernet_dropTransaction"], 1, faults::drop_transaction),
    method(&["fernet_delayTransaction"], 2, faults::delay_transaction),
    method(&["fernet_getBlobs"], 1, faults::blobs),
];

/// Methods that tools know of and this node has not, with the reason.
const ABSENT: &[(&str, &str)] = &[
    ("eth_subscribe", "subscriptions need a WebSocket"),
    ("eth_unsubscribe", "subscriptions need a WebSocket"),
    ("anvil_dumpState", "the state is kept by hashes of addresses, so that it can't be listed"),
    ("anvil_loadState", "the state is kept by hashes of addresses, so that it can't be listed"),
    ("anvil_setRpcUrl", "this chain starts from its own genesis and forks no other"),
    ("anvil_setMinGasPrice", "EIP-1559 is active"),
    ("hardhat_setMinGasPrice", "EIP-1559 is active"),
    ("anvil_setLoggingEnabled", "the process that runs the node decides what is logged"),
    ("hardhat_setLoggingEnabled", "the process that runs the node decides what is logged"),
    ("anvil_enableTraces", "transactions are traced on request: debug_traceTransaction"),
    ("anvil_setChainId", "signatures of the transactions in the chain hold for its id only"),
    ("eth_getWork", "blocks aren't mined by work"),
    ("eth_submitWork", "blocks aren't mined by work"),
    ("eth_submitHashrate", "blocks aren't mined by work"),
    ("eth_mining", "blocks aren't mined by work"),
    ("miner_start", "slots decide when blocks are mined: evm_setAutomine, evm_setIntervalMining"),
    ("miner_stop", "slots decide when blocks are mined: evm_setAutomine, evm_setIntervalMining"),
];

/// The names of all methods that the node answers over HTTP, aliases included. Over a WebSocket, there are
/// also `eth_subscribe` and `eth_unsubscribe`.
pub fn rpc_methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().flat_map(|method| method.names).copied()
}

/// The namespaces with their versions.
fn modules() -> BTreeMap<&'static str, &'static str> {
    rpc_methods().filter_map(|name| name.split_once('_')).map(|(namespace, _)| (namespace, "1.0")).collect()
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
fn dispatch(node: &Node, name: &str, params: &Params) -> Reply {
    if let Some(method) = METHODS.iter().find(|method| method.names.contains(&name)) {
        params.at_most(method.arguments)?;
        return (method.handler)(node, params);
    }
    if let Some((_, reason)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        return Err(Failure::no_method(format!("the method {name} isn't supported: {reason}")));
    }
    Err(Failure::no_method(format!("the method {name} does not exist/is not available")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let mut names = BTreeSet::new();
        for name in rpc_methods().chain(ABSENT.iter().map(|(name, _)| *name)) {
            assert!(names.insert(name), "{name} is there twice");
        }
    }
}
