//! Executing calls that don't become transactions: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy::{
    eips::{
        BlockId,
        eip2930::{AccessList, AccessListItem},
        eip7825::MAX_TX_GAS_LIMIT_OSAKA,
    },
    primitives::{B256, TxKind, U64, U256},
    rpc::types::{AccessListResult, BlockOverrides, TransactionRequest, state::StateOverride},
    sol_types::{Panic, Revert, SolError as _},
};
use revm::{
    ExecuteEvm as _,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, HaltReason, ResultAndState},
    },
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
};

use super::{Failure, Params, Reply, eth, reply};
use crate::{
    executor::{BlockInputs, evm, evm_config},
    node::Node,
    state::EvmState,
    trie::Trie,
};

/// Relative slack of a gas estimate, as geth has it.
const ESTIMATE_SLACK: f64 = 0.015;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;

/// Everything that a call needs, taken from the chain at once.
struct Setting {
    state: EvmState,
    block: BlockEnv,
    cfg: CfgEnv,
    chain_id: u64,
}

fn setting(
    node: &Node,
    id: BlockId,
    state_overrides: Option<StateOverride>,
    block_overrides: Option<BlockOverrides>,
) -> Result<Setting, Failure> {
    let pending = (id == BlockId::pending()).then(|| node.pending_state());
    let mut setting = node.read(|chain| {
        let config = chain.config();
        let block = eth::find(chain, id)?;
        let inputs = if pending.is_some() {
            // the next block's RANDAO isn't known before it is there
            chain.next_inputs(chain.slot().saturating_add(1), block.header.mix_hash)
        } else {
            BlockInputs {
                number: block.number(),
                timestamp: block.header.timestamp,
                gas_limit: block.header.gas_limit,
                base_fee: block.header.base_fee_per_gas.unwrap_or_default(),
                excess_blob_gas: block.header.excess_blob_gas.unwrap_or_default(),
                mix_hash: block.header.mix_hash,
                fee_recipient: block.header.beneficiary,
            }
        };
        let mut cfg = evm_config(config);
        cfg.disable_nonce_check = true;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let state = match pending {
            Some(state) => state,
            None => eth::canonical_state(chain, id)?.clone(),
        };
        Ok::<_, Failure>(Setting {
            state: EvmState { state, hashes: chain.recent_hashes(inputs.number) },
            block: inputs.env(config),
            cfg,
            chain_id: config.chain_id,
        })
    })?;
    if let Some(overrides) = state_overrides {
        setting.override_state(overrides)?;
    }
    if let Some(overrides) = block_overrides {
        setting.override_block(overrides)?;
    }
    Ok(setting)
}

impl Setting {
    fn override_state(&mut self, overrides: StateOverride) -> Result<(), Failure> {
        for (address, change) in overrides {
            if change.move_precompile_to.is_some() {
                return Err(Failure::invalid_params(
                    "state override: movePrecompileToAddress isn't supported",
                ));
            }
            if change.state.is_some() && change.state_diff.is_some() {
                return Err(Failure::invalid_params("state override: expected state or stateDiff, not both"));
            }
            self.state.state.update(address, |account| {
                if let Some(balance) = change.balance {
                    account.balance = balance;
                }
                if let Some(nonce) = change.nonce {
                    account.nonce = nonce;
                }
                if let Some(code) = change.code {
                    account.set_code(code);
                }
                if change.state.is_some() {
                    account.storage = Trie::default();
                }
                for (slot, value) in change.state.or(change.state_diff).into_iter().flatten() {
                    account.set_storage(slot.into(), value.into());
                }
            });
        }
        Ok(())
    }

    fn override_block(&mut self, overrides: BlockOverrides) -> Result<(), Failure> {
        let block = &mut self.block;
        if let Some(number) = overrides.number {
            block.number = number;
        }
        if let Some(time) = overrides.time {
            block.timestamp = U256::from(time);
        }
        if let Some(gas_limit) = overrides.gas_limit {
            block.gas_limit = gas_limit;
        }
        if let Some(coinbase) = overrides.coinbase {
            block.beneficiary = coinbase;
        }
        if let Some(random) = overrides.random {
            block.prevrandao = Some(random);
        }
        if let Some(base_fee) = overrides.base_fee {
            block.basefee = u64::try_from(base_fee).map_err(|_| {
                Failure::invalid_params(format!("block override: base fee {base_fee}, at most {}", u64::MAX))
            })?;
        }
        if let Some(price) = overrides.blob_base_fee {
            let blob_gasprice = u128::try_from(price).map_err(|_| {
                Failure::invalid_params(format!(
                    "block override: blob base fee {price}, at most {}",
                    u128::MAX
                ))
            })?;
            block.blob_excess_gas_and_price =
                Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice });
        }
        for (number, hash) in overrides.block_hash.into_iter().flatten() {
            let index =
                number.checked_sub(self.state.hashes.first).and_then(|index| usize::try_from(index).ok());
            if let Some(slot) = index.and_then(|index| self.state.hashes.hashes.get_mut(index)) {
                *slot = hash;
            }
        }
        Ok(())
    }

    /// The request as revm takes it. A request without fees runs at price zero, as in geth.
    fn transaction(&mut self, request: &TransactionRequest) -> Result<TxEnv, Failure> {
        if let Some(chain_id) = request.chain_id
            && chain_id != self.chain_id
        {
            let expected = self.chain_id;
            return Err(Failure::invalid_params(format!(
                "chainId does not match node's (have={chain_id}, want={expected})"
            )));
        }
        let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
        if request.gas_price.is_some() && dynamic {
            return Err(Failure::invalid_params(
                "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
            ));
        }
        if let (Some(data), Some(input)) = (&request.input.data, &request.input.input)
            && data != input
        {
            return Err(Failure::invalid_params("both \"data\" and \"input\" are set and not equal"));
        }
        let tip = request.max_priority_fee_per_gas.unwrap_or_default();
        let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or(tip);
        if price == 0 {
            self.block.basefee = 0;
        }
        let blob_hashes = request
            .blob_versioned_hashes
            .clone()
            .or_else(|| request.sidecar.as_ref().map(|sidecar| sidecar.versioned_hashes().collect()))
            .unwrap_or_default();
        let authorizations = request.authorization_list.clone().unwrap_or_default();
        let access_list = request.access_list.clone().unwrap_or_default();
        let tx_type = if !authorizations.is_empty() {
            4
        } else if !blob_hashes.is_empty() {
            3
        } else if dynamic {
            2
        } else {
            u8::from(!access_list.0.is_empty())
        };
        if tx_type == 3
            && request.max_fee_per_blob_gas.is_none()
            && let Some(blob) = &mut self.block.blob_excess_gas_and_price
        {
            blob.blob_gasprice = 0;
        }
        Ok(TxEnv {
            tx_type,
            caller: request.from.unwrap_or_default(),
            gas_limit: request.gas.unwrap_or(u64::MAX).min(self.block.gas_limit),
            gas_price: price,
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: request.input.input().cloned().unwrap_or_default(),
            nonce: request.nonce.unwrap_or_else(|| self.state.state.nonce(request.from.unwrap_or_default())),
            chain_id: Some(self.chain_id),
            access_list,
            gas_priority_fee: (tx_type >= 2).then_some(tip),
            blob_hashes,
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
            authorization_list: authorizations.into_iter().map(Either::Left).collect(),
        })
    }

    fn run(&self, tx: TxEnv) -> Result<ResultAndState, Failure> {
        let mut evm = evm(self.cfg.clone(), self.block.clone(), self.state.clone());
        evm.transact(tx).map_err(|error| Failure::server(format!("err: {error}")))
    }
}

/// The error of a call that failed, in geth's words.
fn failure(result: &ExecutionResult) -> Failure {
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

fn request(params: &Params) -> Result<(TransactionRequest, BlockId), Failure> {
    let request = params.required(0, "a call object")?;
    Ok((request, params.optional(1, eth::BLOCK)?.unwrap_or_default()))
}

pub(super) fn call(node: &Node, params: &Params) -> Reply {
    let (request, block) = request(params)?;
    let state = params.optional(2, "state overrides")?;
    let overrides = params.optional(3, "block overrides")?;
    let mut setting = setting(node, block, state, overrides)?;
    let tx = setting.transaction(&request)?;
    let result = setting.run(tx)?.result;
    match result.output() {
        Some(output) if result.is_success() => reply(output),
        _ => Err(failure(&result)),
    }
}

pub(super) fn estimate_gas(node: &Node, params: &Params) -> Reply {
    let (request, block) = request(params)?;
    let state = params.optional(2, "state overrides")?;
    let overrides = params.optional(3, "block overrides")?;
    let mut setting = setting(node, block, state, overrides)?;
    let mut tx = setting.transaction(&request)?;
    let mut high = tx.gas_limit.min(MAX_TX_GAS_LIMIT_OSAKA);
    let capped_by = affordable(&setting, &tx)?;
    if let Some(affordable) = capped_by {
        high = high.min(affordable);
    }
    tx.gas_limit = high;
    let result = setting.run(tx.clone())?.result;
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
        && setting.state.state.code(to).is_empty()
        && result.tx_gas_used() == TRANSFER_GAS
    {
        return reply(&U64::from(TRANSFER_GAS));
    }
    // nothing below what was used can suffice; the 63/64 rule and the stipend may need more
    let mut low = result.tx_gas_used().saturating_sub(1);
    let mut try_gas = |gas: u64| -> Result<bool, Failure> {
        tx.gas_limit = gas;
        // a limit below the intrinsic gas is refused rather than executed
        Ok(setting.run(tx.clone()).is_ok_and(|done| done.result.is_success()))
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
    reply(&U64::from(high))
}

/// The gas that the sender can pay for; `None` at price zero.
fn affordable(setting: &Setting, tx: &TxEnv) -> Result<Option<u64>, Failure> {
    if tx.gas_price == 0 {
        return Ok(None);
    }
    let balance = setting.state.state.balance(tx.caller);
    let blob_gas = alloy::eips::eip4844::DATA_GAS_PER_BLOB.saturating_mul(tx.blob_hashes.len() as u64);
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
    let mut setting = setting(node, block, None, None)?;
    let tx = setting.transaction(&request)?;
    let (caller, kind, coinbase) = (tx.caller, tx.kind, setting.block.beneficiary);
    let done = setting.run(tx)?;
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
                || revm::precompile::Precompiles::new(crate::executor::SPEC.into()).contains(address);
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
