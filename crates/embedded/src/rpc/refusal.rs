//! Why a call can't be executed, or how it failed, in geth's words.

use alloy::sol_types::{Panic, Revert, SolError as _};
use revm::{
    context::{
        BlockEnv, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction as Invalid},
    },
    primitives::eip3860::MAX_INITCODE_SIZE,
};

use super::message::Failure;
use crate::{executor::EvmError, state::State};

/// Why a call can't be executed at all, with the code that `eth_simulateV1` gives it.
pub(super) fn refusal(error: &EvmError, tx: &TxEnv, block: &BlockEnv, state: &State) -> Failure {
    let EVMError::Transaction(invalid) = error else {
        return Failure::new(-32603, error.to_string());
    };
    let address = tx.caller;
    let (code, message) = match invalid {
        Invalid::PriorityFeeGreaterThanMaxFee => (
            -32602,
            format!(
                "max priority fee per gas higher than max fee per gas: address {address}, \
                 maxPriorityFeePerGas: {}, maxFeePerGas: {}",
                tx.gas_priority_fee.unwrap_or_default(),
                tx.gas_price
            ),
        ),
        Invalid::GasPriceLessThanBasefee => (
            -38012,
            format!(
                "max fee per gas less than block base fee: address {address}, maxFeePerGas: {}, baseFee: {}",
                tx.gas_price, block.basefee
            ),
        ),
        Invalid::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            (-38013, format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}"))
        }
        Invalid::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            (-38013, format!("insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"))
        }
        Invalid::LackOfFundForMaxFee { fee, balance } => (
            -38014,
            format!(
                "insufficient funds for gas * price + value: address {address} have {balance} want {fee}"
            ),
        ),
        Invalid::OverflowPaymentInTransaction => (
            -38014,
            format!(
                "insufficient funds for gas * price + value: address {address} have {} want more than 2^256",
                state.balance(address)
            ),
        ),
        Invalid::NonceTooLow { tx, state } => {
            (-38010, format!("nonce too low: address {address}, tx: {tx} state: {state}"))
        }
        Invalid::NonceTooHigh { tx, state } => {
            (-38011, format!("nonce too high: address {address}, tx: {tx} state: {state}"))
        }
        Invalid::NonceOverflowInTransaction => {
            (-38010, format!("nonce has max value: address {address}, nonce: {}", tx.nonce))
        }
        Invalid::CallerGasLimitMoreThanBlock => (-38015, "exceeds block gas limit".into()),
        Invalid::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            (-38015, format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})"))
        }
        Invalid::CreateInitCodeSizeLimit => (
            -38025,
            format!("max initcode size exceeded: code size {}, limit {MAX_INITCODE_SIZE}", tx.data.len()),
        ),
        Invalid::RejectCallerWithCode => (
            -38024,
            format!("sender not an eoa: address {address}, len(code): {}", state.code(address).len()),
        ),
        Invalid::BlobGasPriceGreaterThanMax { block_blob_gas_price, tx_max_fee_per_blob_gas } => (
            -32602,
            format!(
                "max fee per blob gas less than block blob gas fee: address {address} \
                 blobGasFeeCap: {tx_max_fee_per_blob_gas}, blobBaseFee: {block_blob_gas_price}"
            ),
        ),
        Invalid::EmptyBlobs => (-32602, "blob transaction missing blob hashes".into()),
        Invalid::TooManyBlobs { max, have } => {
            (-32602, format!("blob transaction has too many blobs: have {have}, permitted {max}"))
        }
        Invalid::BlobCreateTransaction => (-32602, "blob transaction of type create".into()),
        Invalid::BlobVersionNotSupported => (-32602, "blob hash has invalid hash version".into()),
        Invalid::EmptyAuthorizationList => (-32602, "EIP-7702 transaction with empty auth list".into()),
        Invalid::AuthorizationListInvalidFields => {
            (-32602, "EIP-7702 transaction cannot be used to create contract".into())
        }
        other => (-32602, other.to_string()),
    };
    Failure::new(code, message)
}

/// How an executed call failed.
pub(super) fn failure(result: &ExecutionResult) -> Failure {
    match result {
        ExecutionResult::Revert { output, .. } => {
            let reason = Revert::abi_decode(output)
                .map(|revert| revert.reason)
                .or_else(|_| Panic::abi_decode(output).map(|panic| panic.to_string()));
            let message = reason.map_or_else(
                |_| "execution reverted".to_owned(),
                |reason| format!("execution reverted: {reason}"),
            );
            Failure::reverted(message, output.to_string())
        }
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => Failure::server("out of gas"),
        ExecutionResult::Halt { reason, .. } => Failure::server(format!("execution halted: {reason}")),
        ExecutionResult::Success { .. } => Failure::server("execution succeeded"),
    }
}
