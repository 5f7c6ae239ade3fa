//! The block and the state on which a call is executed.

use std::sync::Arc;

use alloy::{
    eips::BlockId,
    primitives::{TxKind, U256},
    rpc::types::{BlockOverrides, TransactionRequest, state::StateOverride},
};
use revm::{
    ExecuteEvm as _, InspectEvm as _, Inspector,
    context::{BlockEnv, CfgEnv, TxEnv, result::ResultAndState},
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
    handler::MainnetContext,
};

use super::{lookup, message::Failure, refusal};
use crate::{
    block::MinedBlock,
    config::ChainConfig,
    executor::{EvmError, evm, evm_config},
    node::Node,
    state::{EvmState, State},
    trie::Trie,
};

/// Everything that a call needs, taken from the chain at once.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) state: EvmState,
    pub(super) block: BlockEnv,
    pub(super) cfg: CfgEnv,
    pub(super) config: ChainConfig,
    /// The block that the call comes after; the newest one for a pending call.
    pub(super) base: Arc<MinedBlock>,
}

impl Environment {
    /// The environment of a block.
    pub(super) fn new(node: &Node, id: BlockId) -> Result<Self, Failure> {
        let pending = (id == BlockId::pending()).then(|| node.pending_state());
        node.read(|chain| {
            let config = chain.config();
            let block = lookup::find(chain, id)?;
            let inputs = if pending.is_some() {
                // the next block's RANDAO isn't known before it is there
                chain.next_inputs(chain.next_slot(), block.header.mix_hash)
            } else {
                block.inputs()
            };
            let mut cfg = evm_config(config);
            cfg.disable_nonce_check = true;
            cfg.disable_eip3607 = true;
            cfg.disable_block_gas_limit = true;
            cfg.tx_gas_limit_cap = Some(u64::MAX);
            let state = match pending {
                Some(state) => state,
                None => lookup::canonical_state(chain, id)?.clone(),
            };
            Ok(Self {
                state: EvmState { state, hashes: chain.recent_hashes(inputs.number) },
                block: inputs.env(config),
                cfg,
                config: config.clone(),
                base: Arc::clone(block),
            })
        })
    }

    /// Changes accounts and block as the caller of a method wishes.
    pub(super) fn overridden(
        mut self,
        state: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, Failure> {
        if let Some(overrides) = state {
            override_state(&mut self.state.state, overrides)?;
        }
        if let Some(overrides) = block {
            self.override_block(overrides)?;
        }
        Ok(self)
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
    pub(super) fn transaction(&mut self, request: &TransactionRequest) -> Result<TxEnv, Failure> {
        if let Some(chain_id) = request.chain_id
            && chain_id != self.config.chain_id
        {
            let expected = self.config.chain_id;
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
            gas_limit: request.gas.unwrap_or(u64::MAX).min(self.block.gas_limit).min(self.gas_cap()),
            gas_price: price,
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: request.input.input().cloned().unwrap_or_default(),
            nonce: request.nonce.unwrap_or_else(|| self.state.state.nonce(request.from.unwrap_or_default())),
            chain_id: Some(self.config.chain_id),
            access_list,
            gas_priority_fee: (tx_type >= 2).then_some(tip),
            blob_hashes,
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
            authorization_list: authorizations.into_iter().map(Either::Left).collect(),
        })
    }

    /// Most gas that a call may take, whatever gas limit the caller gives to its block.
    pub(super) fn gas_cap(&self) -> u64 {
        self.config.gas_limit
    }

    /// Executes a call.
    pub(super) fn run(&self, tx: TxEnv) -> Result<ResultAndState, Failure> {
        let mut evm = evm(self.cfg.clone(), self.block.clone(), self.state.clone());
        evm.transact(tx.clone()).map_err(|error| self.refusal(&error, &tx))
    }

    /// Executes a call under an inspector.
    pub(super) fn inspect<I>(&self, tx: TxEnv, inspector: I) -> Result<ResultAndState, Failure>
    where
        I: Inspector<MainnetContext<EvmState>>,
    {
        let evm = evm(self.cfg.clone(), self.block.clone(), self.state.clone());
        evm.with_inspector(inspector).inspect_tx(tx.clone()).map_err(|error| self.refusal(&error, &tx))
    }

    fn refusal(&self, error: &EvmError, tx: &TxEnv) -> Failure {
        let refusal = refusal::refusal(error, tx, &self.block, &self.state.state);
        Failure::server(format!("err: {} (supplied gas {})", refusal.message, tx.gas_limit))
    }
}

/// Changes accounts as the caller of a method wishes.
pub(super) fn override_state(state: &mut State, overrides: StateOverride) -> Result<(), Failure> {
    for (address, change) in overrides {
        if change.move_precompile_to.is_some() {
            return Err(Failure::invalid_params("state override: movePrecompileToAddress isn't supported"));
        }
        if change.state.is_some() && change.state_diff.is_some() {
            return Err(Failure::invalid_params("state override: expected state or stateDiff, not both"));
        }
        state.update(address, |account| {
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
