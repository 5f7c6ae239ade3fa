//! Limits of every transport, whatever it is made of.

use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;

/// Time limit of a request. A node may take long to take blobs in or to simulate a proof's verification; an
/// answer after an L1 slot is useless.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Time limit of a request that a node answers from its database.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of connecting.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest answer, in bytes. The receipts of a full L1 block take about 3 MiB.
pub(crate) const ANSWER_LIMIT: usize = 64 << 20;
/// What is said of a longer answer.
pub(crate) const TOO_LONG: &str = "the answer is too long";

/// Methods for which a node computes for long before it answers.
const SLOW: [&str; 5] =
    ["eth_sendRawTransaction", "eth_call", "eth_estimateGas", "eth_getBlockReceipts", "eth_getLogs"];

/// Time limit of these requests.
pub(crate) fn time_limit(packet: &RequestPacket) -> Duration {
    let is_slow = packet.requests().iter().any(|request| SLOW.contains(&request.method()));
    if is_slow { REQUEST_TIMEOUT } else { READ_TIMEOUT }
}
