//! `eth_simulateV1`: blocks of calls on top of a block, as if they were mined.

use std::{collections::VecDeque, sync::Arc};

use alloy::{
    eips::{BlockId, eip1559::BaseFeeParams},
    primitives::{B256, Bytes},
    rpc::types::{
        BlockOverrides, Log, TransactionRequest,
        simulate::{
            MAX_SIMULATE_BLOCKS, SimBlock, SimCallResult, SimulateError, SimulatePayload, SimulatedBlock,
        },
        state::StateOverride,
    },
};
use revm::{
    context::{BlockEnv, result::ExecutionResult},
    context_interface::block::BlobExcessGasAndPrice,
};
use revm_inspectors::transfer::{TRANSFER_LOG_EMITTER, TransferInspector};

use super::{
    environment::{Environment, override_state},
    lookup::block_param,
    message::{Failure, Params, Reply, reply},
    refusal::{failure, refusal},
    views,
};
use crate::{
    block::{MinedBlock, assemble},
    executor::{BlockBuilder, BlockInputs, Parent, evm},
    node::Node,
    transaction::{in_the_name_of, typed},
};

/// One block to simulate, with number and time settled.
struct Planned {
    number: u64,
    timestamp: u64,
    block: BlockOverrides,
    state: Option<StateOverride>,
    calls: Vec<TransactionRequest>,
}

/// The blocks so far.
struct Simulation {
    /// State and rules; its block is the newest one.
    environment: Environment,
    head: Arc<MinedBlock>,
    gas_left: u64,
    validation: bool,
    trace_transfers: bool,
}

pub(super) fn simulate(node: &Node, params: &Params) -> Reply {
    let payload: SimulatePayload = params.required(0, "an object with blockStateCalls")?;
    let id: BlockId = block_param(params, 1)?;
    if payload.block_state_calls.is_empty() {
        return Err(Failure::invalid_params("empty input"));
    }
    let mut environment = Environment::new(node, id)?;
    if payload.validation {
        environment.cfg.disable_nonce_check = false;
    }
    let head = Arc::clone(&environment.base);
    // a simulation after the pending state begins where the pending block ends
    let mut simulation = Simulation {
        gas_left: environment.gas_cap(),
        environment,
        head,
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
    };
    let mut blocks = Vec::new();
    for planned in simulation.plan(payload.block_state_calls)? {
        let (block, calls) = simulation.block(planned)?;
        blocks.push(SimulatedBlock { inner: views::block(&block, payload.return_full_transactions), calls });
    }
    reply(&blocks)
}

impl Simulation {
    /// Gives every block its number and its time, and fills gaps between numbers with empty blocks.
    fn plan(&self, blocks: Vec<SimBlock>) -> Result<VecDeque<Planned>, Failure> {
        let base = self.head.number();
        let slot_seconds = self.environment.config.slot_seconds.get();
        let (mut number, mut timestamp) = (base, self.head.header.timestamp);
        let mut planned = VecDeque::new();
        for block in blocks {
            let overrides = block.block_overrides.unwrap_or_default();
            let wanted = match overrides.number {
                Some(wanted) => u64::try_from(wanted).unwrap_or(u64::MAX),
                None => number.saturating_add(1),
            };
            if wanted <= number {
                let message = format!("block numbers must be in order: {wanted} <= {number}");
                return Err(Failure::new(-38020, message));
            }
            if wanted.saturating_sub(base) > MAX_SIMULATE_BLOCKS {
                return Err(Failure::new(-38026, "too many blocks"));
            }
            for number in number + 1..wanted {
                timestamp = timestamp.saturating_add(slot_seconds);
                planned.push_back(Planned {
                    number,
                    timestamp,
                    block: BlockOverrides::default(),
                    state: None,
                    calls: Vec::new(),
                });
            }
            let time = overrides.time.unwrap_or_else(|| timestamp.saturating_add(slot_seconds));
            if time <= timestamp {
                let message = format!("block timestamps must be in order: {time} <= {timestamp}");
                return Err(Failure::new(-38021, message));
            }
            (number, timestamp) = (wanted, time);
            let (state, calls) = (block.state_overrides, block.calls);
            planned.push_back(Planned { number, timestamp, block: overrides, state, calls });
        }
        Ok(planned)
    }

    /// What a block fixes before its calls run.
    fn inputs(&self, planned: &Planned) -> Result<BlockInputs, Failure> {
        let parent = &self.head.header;
        let overrides = &planned.block;
        let base_fee = match overrides.base_fee {
            Some(base_fee) => u64::try_from(base_fee).map_err(|_| {
                Failure::invalid_params(format!("block override: base fee {base_fee}, at most {}", u64::MAX))
            })?,
            None if self.validation => {
                parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
            }
            None => 0,
        };
        let blob_params = self.environment.config.blob_params;
        Ok(BlockInputs {
            number: planned.number,
            timestamp: planned.timestamp,
            gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
            base_fee,
            excess_blob_gas: parent.next_block_excess_blob_gas(blob_params).unwrap_or_default(),
            mix_hash: overrides.random.unwrap_or_default(),
            fee_recipient: overrides.coinbase.unwrap_or(parent.beneficiary),
        })
    }

    fn env(&self, inputs: &BlockInputs, overrides: &BlockOverrides) -> Result<BlockEnv, Failure> {
        let mut env = inputs.env(&self.environment.config);
        if let Some(price) = overrides.blob_base_fee {
            let blob_gasprice = u128::try_from(price).map_err(|_| {
                Failure::invalid_params(format!(
                    "block override: blob base fee {price}, at most {}",
                    u128::MAX
                ))
            })?;
            env.blob_excess_gas_and_price =
                Some(BlobExcessGasAndPrice { excess_blob_gas: inputs.excess_blob_gas, blob_gasprice });
        }
        Ok(env)
    }

    /// Simulates a block on top of the newest one.
    fn block(&mut self, planned: Planned) -> Result<(MinedBlock, Vec<SimCallResult>), Failure> {
        let inputs = self.inputs(&planned)?;
        self.environment.block = self.env(&inputs, &planned.block)?;
        if let Some(overrides) = planned.state {
            override_state(&mut self.environment.state.state, overrides)?;
        }
        let parent = Parent::from(self.head.as_ref());
        let start =
            evm(self.environment.cfg.clone(), self.environment.block.clone(), self.environment.state.clone());
        let mut builder = BlockBuilder::over(start, &self.environment.config, parent);
        let mut results = Vec::with_capacity(planned.calls.len());
        for call in planned.calls {
            results.push(self.call(&mut builder, call)?);
        }
        let hashes = self.environment.state.hashes.clone();
        let slot = self.head.slot.saturating_add(1);
        let executed = builder.finish();
        let (block, state) =
            assemble(&self.environment.config, &inputs, parent, slot, Bytes::new(), executed);
        self.environment.state.state = state;
        self.environment.state.hashes = hashes;
        self.environment.state.hashes.hashes.push(block.hash);
        let calls = finished(&block, results);
        self.head = Arc::new(block.clone());
        Ok((block, calls))
    }

    /// Simulates a call at the end of the block so far.
    fn call(
        &mut self,
        builder: &mut BlockBuilder,
        mut request: TransactionRequest,
    ) -> Result<ExecutionResult, Failure> {
        let left = self.environment.block.gas_limit.saturating_sub(builder.gas_used());
        let wanted = request.gas.unwrap_or(left);
        if wanted > left {
            let message = format!("block gas limit reached: {wanted} >= {left} gas that the block has left");
            return Err(Failure::new(-38015, message));
        }
        request.gas = Some(wanted.min(self.gas_left));
        if request.nonce.is_none() {
            request.nonce = Some(builder.state().state.nonce(request.from.unwrap_or_default()));
        }
        if request.gas_price.is_none() && request.max_fee_per_gas.is_none() {
            request.max_fee_per_gas = Some(request.max_priority_fee_per_gas.unwrap_or_default());
        }
        let base_fee = self.environment.block.basefee;
        let tx = self.environment.transaction(&request)?;
        // a call without a price runs for free outside of validation only
        self.environment.block.basefee = base_fee;
        builder.set_base_fee(if tx.gas_price == 0 && !self.validation { 0 } else { base_fee });
        let transaction = typed(&tx)
            .map(|typed| in_the_name_of(tx.caller, typed))
            .ok_or_else(|| Failure::invalid_params("a transaction of this type can't create a contract"))?;
        let inspector = TransferInspector::new(false).with_logs(self.trace_transfers);
        let mut done = builder.inspect(tx.clone(), inspector).map_err(|error| {
            let env = builder.env().clone();
            refusal(&error, &tx, &env, &builder.state().state)
        })?;
        let result = done.result.clone();
        self.gas_left = self.gas_left.saturating_sub(result.tx_gas_used());
        if let ExecutionResult::Success { logs, .. } = &mut done.result {
            // the logs of transfers aren't part of the receipt
            logs.retain(|log| log.address != TRANSFER_LOG_EMITTER);
        }
        builder.commit(transaction, done);
        Ok(result)
    }
}

/// The results of a block's calls, now that its hash is known.
fn finished(block: &MinedBlock, results: Vec<ExecutionResult>) -> Vec<SimCallResult> {
    let mut log_index = 0;
    let hashes = block.transactions.iter().map(|transaction| *transaction.hash());
    (0..)
        .zip(hashes)
        .zip(results)
        .map(|((index, hash), result)| {
            let status = result.is_success();
            let gas_used = result.tx_gas_used();
            let error = (!status).then(|| call_error(&result));
            let return_data = result.output().cloned().unwrap_or_default();
            let logs = match result {
                ExecutionResult::Success { logs, .. } => logs,
                _ => Vec::new(),
            };
            let logs = logs
                .into_iter()
                .map(|inner| {
                    log_index += 1;
                    log(block, inner, (index, hash), log_index - 1)
                })
                .collect();
            SimCallResult { return_data, logs, gas_used, max_used_gas: None, status, error }
        })
        .collect()
}

fn log(block: &MinedBlock, inner: alloy::primitives::Log, (index, hash): (u64, B256), log_index: u64) -> Log {
    Log {
        inner,
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        block_timestamp: Some(block.header.timestamp),
        transaction_hash: Some(hash),
        transaction_index: Some(index),
        log_index: Some(log_index),
        removed: false,
    }
}

fn call_error(result: &ExecutionResult) -> SimulateError {
    let Failure { message, .. } = failure(result);
    match result {
        ExecutionResult::Revert { output, .. } => SimulateError {
            code: SimulateError::EXECUTION_REVERTED_CODE,
            message,
            data: Some(output.clone()),
        },
        _ => SimulateError { code: SimulateError::VM_EXECUTION_ERROR_CODE, message, data: None },
    }
}
