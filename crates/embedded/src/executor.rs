//! Runs transactions on revm under mainnet's current rules (Osaka).

use std::convert::Infallible;

use alloy::{
    consensus::{Receipt, ReceiptEnvelope, Transaction as _, transaction::Recovered},
    eips::{
        eip2935::HISTORY_STORAGE_ADDRESS,
        eip4788::BEACON_ROOTS_ADDRESS,
        eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
        eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
        eip7685::Requests,
    },
    primitives::{Address, B256, Bytes, Log, U256},
};
use revm::{
    Context, DatabaseCommit as _, ExecuteCommitEvm as _, ExecuteEvm as _, InspectEvm as _, Inspector,
    MainBuilder as _, MainContext as _, MainnetEvm, SystemCallCommitEvm as _,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ExecutionResult, ResultAndState},
    },
    context_interface::block::BlobExcessGasAndPrice,
    handler::MainnetContext,
    primitives::hardfork::SpecId,
};

use crate::{
    config::ChainConfig,
    state::{EvmState, State},
    transaction::{Transaction, is_unsigned, tx_env},
};

/// The fork whose rules hold: mainnet's since December 2025. Blob counts are in [`ChainConfig::blob_params`].
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

/// revm over a [`State`].
pub(crate) type Evm = MainnetEvm<MainnetContext<EvmState>>;

/// Why a transaction can't be executed at all.
pub(crate) type EvmError = EVMError<Infallible>;

/// revm's configuration for this chain.
pub(crate) fn evm_config(config: &ChainConfig) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(config.chain_id);
    cfg.max_blobs_per_tx = Some(config.blob_params.max_blobs_per_tx);
    cfg.blob_base_fee_update_fraction = u64::try_from(config.blob_params.update_fraction).ok();
    cfg
}

/// The block that a child builds on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) hash: B256,
    pub(crate) beacon_root: B256,
}

/// What a block fixes before its transactions run.
#[derive(Clone, Debug)]
pub(crate) struct BlockInputs {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    pub(crate) gas_limit: u64,
    pub(crate) base_fee: u64,
    pub(crate) excess_blob_gas: u64,
    pub(crate) mix_hash: B256,
    pub(crate) fee_recipient: Address,
}

impl BlockInputs {
    /// The block as revm sees it.
    pub(crate) fn env(&self, config: &ChainConfig) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.fee_recipient,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            prevrandao: Some(self.mix_hash),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
                excess_blob_gas: self.excess_blob_gas,
                blob_gasprice: config.blob_params.calc_blob_fee(self.excess_blob_gas),
            }),
            ..BlockEnv::default()
        }
    }
}

/// An EVM at the start of a block.
pub(crate) fn evm(cfg: CfgEnv, block: BlockEnv, state: EvmState) -> Evm {
    Context::mainnet().with_db(state).with_cfg(cfg).with_block(block).build_mainnet()
}

/// What became of a mined transaction.
#[derive(Clone, Debug)]
pub struct MinedReceipt {
    /// The receipt as the receipts root commits to it.
    pub envelope: ReceiptEnvelope<Log>,
    /// Gas of this transaction alone.
    pub gas_used: u64,
    /// The contract it created.
    pub contract_address: Option<Address>,
}

/// What became of a transaction offered to a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is in the block, successful or reverted.
    Included,
    /// It doesn't fit into what is left of the block.
    NoRoom,
    /// It can't be executed now.
    Invalid(String),
}

/// A finished block, but for its header.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) state: State,
    pub(crate) transactions: Vec<Recovered<Transaction>>,
    pub(crate) receipts: Vec<MinedReceipt>,
    pub(crate) gas_used: u64,
    pub(crate) blob_gas_used: u64,
    pub(crate) requests: Requests,
}

/// A block under construction.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    evm: Evm,
    gas_limit: u64,
    blob_gas_limit: u64,
    done: Executed,
}

impl BlockBuilder {
    /// Starts a block: EIP-4788 and EIP-2935 write the parent's roots.
    pub(crate) fn new(config: &ChainConfig, inputs: &BlockInputs, state: EvmState, parent: Parent) -> Self {
        Self::over(evm(evm_config(config), inputs.env(config), state), config, parent)
    }

    /// Starts a block over an EVM that is set up for it.
    pub(crate) fn over(mut evm: Evm, config: &ChainConfig, parent: Parent) -> Self {
        if !evm.ctx.block.number.is_zero() {
            system_call(&mut evm, BEACON_ROOTS_ADDRESS, parent.beacon_root.into());
            system_call(&mut evm, HISTORY_STORAGE_ADDRESS, parent.hash.into());
        }
        Self {
            gas_limit: evm.ctx.block.gas_limit,
            evm,
            blob_gas_limit: config.blob_params.max_blob_gas_per_block(),
            done: Executed {
                state: State::default(),
                transactions: Vec::new(),
                receipts: Vec::new(),
                gas_used: 0,
                blob_gas_used: 0,
                requests: Requests::default(),
            },
        }
    }

    pub(crate) fn env(&self) -> &BlockEnv {
        &self.evm.ctx.block
    }

    /// The state so far, as revm reads it.
    pub(crate) fn state(&mut self) -> &mut EvmState {
        &mut self.evm.ctx.journaled_state.database
    }

    pub(crate) fn gas_used(&self) -> u64 {
        self.done.gas_used
    }

    /// Sets the base fee for the next transactions, which a simulation may lower.
    pub(crate) fn set_base_fee(&mut self, base_fee: u64) {
        self.evm.ctx.block.basefee = base_fee;
    }

    /// Accepts senders with code, for transactions that were accepted before.
    pub(crate) fn allow_contract_senders(&mut self) {
        self.evm.ctx.cfg.disable_eip3607 = true;
    }

    /// Executes a transaction on the state so far under an inspector, and leaves the block as it is.
    pub(crate) fn inspect<I>(&self, tx: TxEnv, inspector: I) -> Result<ResultAndState, EvmError>
    where
        I: Inspector<MainnetContext<EvmState>>,
    {
        self.evm.ctx.clone().build_mainnet_with_inspector(inspector).inspect_tx(tx)
    }

    /// Executes a transaction at the end of the block so far.
    pub(crate) fn offer(&mut self, tx: &Recovered<Transaction>) -> Offered {
        let blob_gas = tx.blob_gas_used().unwrap_or_default();
        if tx.gas_limit() > self.gas_limit.saturating_sub(self.done.gas_used)
            || blob_gas > self.blob_gas_limit.saturating_sub(self.done.blob_gas_used)
        {
            return Offered::NoRoom;
        }
        self.evm.ctx.cfg.disable_eip3607 = is_unsigned(tx);
        match self.evm.transact_commit(tx_env(tx)) {
            Ok(result) => {
                self.include(tx.clone(), result);
                Offered::Included
            }
            Err(error) => Offered::Invalid(error.to_string()),
        }
    }

    /// Applies the changes of an inspected transaction and puts it at the end of the block.
    pub(crate) fn commit(&mut self, tx: Recovered<Transaction>, done: ResultAndState) {
        self.state().commit(done.state);
        self.include(tx, done.result);
    }

    fn include(&mut self, tx: Recovered<Transaction>, result: ExecutionResult) {
        let gas_used = result.tx_gas_used();
        self.done.gas_used = self.done.gas_used.saturating_add(gas_used);
        self.done.blob_gas_used =
            self.done.blob_gas_used.saturating_add(tx.blob_gas_used().unwrap_or_default());
        let contract_address = tx.is_create().then(|| tx.signer().create(tx.nonce()));
        let status = result.is_success();
        let logs = match result {
            ExecutionResult::Success { logs, .. } => logs,
            _ => Vec::new(),
        };
        let receipt = Receipt { status: status.into(), cumulative_gas_used: self.done.gas_used, logs };
        self.done.receipts.push(MinedReceipt {
            envelope: ReceiptEnvelope::from_typed(tx.tx_type(), receipt),
            gas_used,
            contract_address,
        });
        self.done.transactions.push(tx);
    }

    /// Ends the block: EIP-7002 and EIP-7251 hand over their requests.
    pub(crate) fn finish(mut self) -> Executed {
        for (address, kind) in [
            (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE),
            (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE),
        ] {
            let output = system_call(&mut self.evm, address, Bytes::new());
            if !output.is_empty() {
                self.done.requests.push_request_with_type(kind, output);
            }
        }
        self.done.state = self.evm.ctx.journaled_state.database.state;
        self.done
    }
}

/// Calls a system contract and returns its output. The system contracts don't fail when the system address
/// calls them; if one did, the state would stay as it was.
fn system_call(evm: &mut Evm, contract: Address, data: Bytes) -> Bytes {
    match evm.system_call_commit(contract, data) {
        Ok(ExecutionResult::Success { output, .. }) => output.into_data(),
        Ok(result) => {
            tracing::warn!(%contract, ?result, "system call failed");
            Bytes::new()
        }
        Err(error) => {
            tracing::warn!(%contract, %error, "system call failed");
            let _ = evm.finalize();
            Bytes::new()
        }
    }
}
