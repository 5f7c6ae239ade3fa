//! Executing calls that don't become transactions: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy::{
    eips::{
        BlockId,
        eip2930::{AccessList, AccessListItem},
        eip4844::DATA_GAS_PER_BLOB,
        eip7825::MAX_TX_GAS_LIMIT_OSAKA,
    },
    primitives::{B256, TxKind, U64, U256},
    rpc::types::{AccessListResult, TransactionRequest},
};
use revm::{
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    precompile::Precompiles,
};

use super::{
    environment::Environment,
    lookup,
    message::{Failure, Params, Reply, reply},
    refusal::failure,
};
use crate::{executor::SPEC, node::Node};

/// Relative slack of a gas estimate, as geth has it.
const ESTIMATE_SLACK: f64 = 0.015;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;

fn request(params: &Params) -> Result<(TransactionRequest, BlockId), Failure> {
    let request = params.required(0, "a call object")?;
    Ok((request, params.optional(1, lookup::BLOCK)?.unwrap_or_default()))
}

pub(super) fn call(node: &Node, params: &Params) -> Reply {
    let (request, block) = request(params)?;
    let state = params.optional(2, "state overrides")?;
    let overrides = params.optional(3, "block overrides")?;
    let mut environment = Environment::new(node, block)?.overridden(state, overrides)?;
    let tx = environment.transaction(&request)?;
    let result = environment.run(tx)?.result;
    match result.output() {
        Some(output) if result.is_success() => reply(output),
        _ => Err(failure(&result)),
    }
}

pub(super) fn estimate_gas(node: &Node, params: &Params) -> Reply {
    let (request, block) = request(params)?;
    let state = params.optional(2, "state overrides")?;
    let overrides = params.optional(3, "block overrides")?;
    let mut environment = Environment::new(node, block)?.overridden(state, overrides)?;
    let tx = environment.transaction(&request)?;
    reply(&U64::from(estimate(&environment, tx)?))
}

/// A gas limit with which a call succeeds, close to the least one.
pub(super) fn estimate(environment: &Environment, mut tx: TxEnv) -> Result<u64, Failure> {
    let mut high = tx.gas_limit.min(MAX_TX_GAS_LIMIT_OSAKA);
    let capped_by = affordable(environment, &tx)?;
    if let Some(affordable) = capped_by {
        high = high.min(affordable);
    }
    tx.gas_limit = high;
    let result = environment.run(tx.clone())?.result;
    if !result.is_success() {
        return Err(match &result {
            ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
                Failure::server(format!("gas required exceeds allowance ({high})"))
            }
            result => failure(result),
        });
    }
    if let TxKind::Call(to) = tx.kind
        && tx.data.is_empty()
        && environment.state.state.code(to).is_empty()
        && result.tx_gas_used() == TRANSFER_GAS
    {
        return Ok(TRANSFER_GAS);
    }
    // nothing below what was used can suffice; the 63/64 rule and the stipend may need more
    let mut low = result.tx_gas_used().saturating_sub(1);
    let mut try_gas = |gas: u64| -> Result<bool, Failure> {
        tx.gas_limit = gas;
        // a limit below the intrinsic gas is refused rather than executed
        Ok(environment.run(tx.clone()).is_ok_and(|done| done.result.is_success()))
    };
    let refunded = result.gas().inner_refunded();
    let optimistic =
        result.tx_gas_used().saturating_add(refunded).saturating_add(2300).saturating_mul(64) / 63;
    if optimistic < high {
        if try_gas(optimistic)? {
            high = optimistic;
        } else {
            low = optimistic;
        }
    }
    while low.saturating_add(1) < high && (high - low) as f64 / high as f64 > ESTIMATE_SLACK {
        let middle = low.midpoint(high).min(low.saturating_mul(2).max(1));
        if try_gas(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// The gas that the sender can pay for; `None` at price zero.
fn affordable(environment: &Environment, tx: &TxEnv) -> Result<Option<u64>, Failure> {
    if tx.gas_price == 0 {
        return Ok(None);
    }
    let balance = environment.state.state.balance(tx.caller);
    let blob_gas = DATA_GAS_PER_BLOB.saturating_mul(tx.blob_hashes.len() as u64);
    let blob_cost = U256::from(blob_gas).saturating_mul(U256::from(tx.max_fee_per_blob_gas));
    let left = balance
        .checked_sub(tx.value)
        .ok_or_else(|| Failure::server("insufficient funds for transfer"))?
        .checked_sub(blob_cost)
        .ok_or_else(|| Failure::server("insufficient funds for gas * price + value"))?;
    Ok(Some(u64::try_from(left / U256::from(tx.gas_price)).unwrap_or(u64::MAX)))
}

pub(super) fn create_access_list(node: &Node, params: &Params) -> Reply {
    let (request, block) = request(params)?;
    let mut environment = Environment::new(node, block)?;
    let tx = environment.transaction(&request)?;
    let (caller, kind, coinbase) = (tx.caller, tx.kind, environment.block.beneficiary);
    let done = environment.run(tx)?;
    let created = done.result.created_address();
    let mut items: Vec<AccessListItem> = done
        .state
        .iter()
        .filter_map(|(address, account)| {
            let mut storage_keys: Vec<B256> = account.storage.keys().map(|slot| B256::from(*slot)).collect();
            storage_keys.sort_unstable();
            let warm = *address == caller
                || *address == coinbase
                || kind.to() == Some(address)
                || created == Some(*address)
                || Precompiles::new(SPEC.into()).contains(address);
            (!warm || !storage_keys.is_empty()).then_some(AccessListItem { address: *address, storage_keys })
        })
        .collect();
    items.sort_unstable_by_key(|item| item.address);
    let error = (!done.result.is_success()).then(|| failure(&done.result).message);
    reply(&AccessListResult {
        access_list: AccessList(items),
        gas_used: U256::from(done.result.tx_gas_used()),
        error,
    })
}
