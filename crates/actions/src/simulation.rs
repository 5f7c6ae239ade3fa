//! Calls that are tried out before anything is sent.

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, Bytes, U64},
    providers::Provider as _,
    rpc::types::{TransactionInput, TransactionRequest},
    transports::TransportError,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{access::L1Access, action::Action, error::ActionError, explain::is_of_token};

/// What the calls would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    /// All succeed, and use this gas together.
    Succeeds { gas: u64 },
    /// Nothing speaks against them, and their gas isn't known.
    Unknown,
}

#[derive(Debug, Deserialize)]
struct SimulatedBlock {
    calls: Vec<SimulatedCall>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedCall {
    status: U64,
    gas_used: U64,
    #[serde(default)]
    return_data: Bytes,
    error: Option<CallError>,
}

#[derive(Debug, Deserialize)]
struct CallError {
    message: Option<String>,
    data: Option<Bytes>,
}

/// Tries calls out, one after the other, on L1's newest block. Nothing is sent.
///
/// A node without `eth_simulateV1` tries the last call alone. It may fail there for want of what the calls
/// before it allow, and only for that.
pub(crate) async fn simulate(
    access: &L1Access,
    from: Address,
    actions: &[&Action],
) -> Result<Simulated, ActionError> {
    let calls: Vec<Value> = actions
        .iter()
        .map(|action| json!({ "from": from, "to": action.to, "input": action.calldata }))
        .collect();
    let payload = json!({ "blockStateCalls": [{ "calls": calls }], "validation": false });
    let answer: Result<Vec<SimulatedBlock>, TransportError> =
        access.provider.raw_request("eth_simulateV1".into(), (payload, "latest")).await;
    match answer.ok().and_then(|blocks| blocks.into_iter().next()) {
        Some(block) if block.calls.len() == actions.len() => judge(access, block),
        _ => simulate_last(access, from, actions).await,
    }
}

fn judge(access: &L1Access, block: SimulatedBlock) -> Result<Simulated, ActionError> {
    let mut gas = 0u64;
    for call in block.calls {
        if call.status.is_zero() {
            let error = call.error.unwrap_or(CallError { message: None, data: None });
            let data = error.data.filter(|data| !data.is_empty()).unwrap_or(call.return_data);
            return Err(match (data.is_empty(), error.message) {
                (true, Some(message)) => ActionError::Reverted { reason: message },
                _ => ActionError::of_revert(&data, access.units()),
            });
        }
        gas = gas.saturating_add(call.gas_used.to());
    }
    Ok(Simulated::Succeeds { gas })
}

async fn simulate_last(
    access: &L1Access,
    from: Address,
    actions: &[&Action],
) -> Result<Simulated, ActionError> {
    let Some(action) = actions.last() else { return Ok(Simulated::Unknown) };
    let mut request = TransactionRequest::default().with_from(from).with_to(action.to);
    request.input = TransactionInput::new(action.calldata.clone());
    match access.provider.estimate_gas(request).await {
        Ok(gas) if actions.len() == 1 => Ok(Simulated::Succeeds { gas }),
        Ok(_) => Ok(Simulated::Unknown),
        Err(error) => {
            let Some(data) = error.as_error_resp().and_then(|response| response.as_revert_data()) else {
                return Err(ActionError::transport(error));
            };
            let revert = ActionError::of_revert(&data, access.units());
            // A token says in its own way that nothing was allowed yet.
            let is_expected =
                actions.len() > 1 && (is_of_token(&data) || matches!(revert, ActionError::Reverted { .. }));
            if is_expected { Ok(Simulated::Unknown) } else { Err(revert) }
        }
    }
}
