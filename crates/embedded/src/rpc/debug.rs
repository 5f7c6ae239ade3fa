//! `debug_` and `trace_`: transactions and calls executed again under geth's tracers, and raw encodings.

use std::sync::Arc;

use alloy::{
    consensus::transaction::Recovered,
    eips::{BlockId, Encodable2718 as _},
    primitives::{B256, Bytes},
    rpc::types::{
        TransactionRequest,
        trace::geth::{
            GethDebugBuiltInTracerType as Tracer, GethDebugTracerType, GethDebugTracingCallOptions,
            GethDebugTracingOptions, GethTrace,
        },
    },
};
use revm::{
    Inspector,
    context::{BlockEnv, TxEnv, result::ResultAndState},
    handler::MainnetContext,
    interpreter::{Interpreter, interpreter::EthInterpreter},
};
use revm_inspectors::tracing::{
    DebugInspector, TraceLimitBehavior, TraceLimits, TracingInspector, TransactionContext,
};
use serde_json::{Value, json};

use super::{
    environment::Environment,
    lookup::{BLOCK, block_param, find},
    message::{Failure, Params, Reply, reply},
};
use crate::{
    block::MinedBlock,
    chain::Chain,
    executor::BlockBuilder,
    node::Node,
    state::EvmState,
    transaction::{Transaction, tx_env},
};

/// Most steps of a trace that lists every step.
const STEP_LIMIT: u64 = 1_000_000;

/// Most bytes of memory and call data that a trace copies.
const BYTE_LIMIT: usize = 256 << 20;

const OPTIONS: &str = "tracing options";

/// Counts the instructions of a transaction.
#[derive(Debug, Default)]
struct StepCounter(u64);

impl Inspector<MainnetContext<EvmState>> for StepCounter {
    fn step(&mut self, _: &mut Interpreter<EthInterpreter>, _: &mut MainnetContext<EvmState>) {
        self.0 = self.0.saturating_add(1);
    }
}

/// Executes a transaction under an inspector; a transaction or a call, as the caller has it.
trait Inspected {
    fn inspect<I>(&self, tx: TxEnv, inspector: I) -> Result<ResultAndState, Failure>
    where
        I: Inspector<MainnetContext<EvmState>>;

    fn block(&self) -> &BlockEnv;

    fn state(&mut self) -> &mut EvmState;
}

impl Inspected for Environment {
    fn inspect<I>(&self, tx: TxEnv, inspector: I) -> Result<ResultAndState, Failure>
    where
        I: Inspector<MainnetContext<EvmState>>,
    {
        self.inspect(tx, inspector)
    }

    fn block(&self) -> &BlockEnv {
        &self.block
    }

    fn state(&mut self) -> &mut EvmState {
        &mut self.state
    }
}

impl Inspected for BlockBuilder {
    fn inspect<I>(&self, tx: TxEnv, inspector: I) -> Result<ResultAndState, Failure>
    where
        I: Inspector<MainnetContext<EvmState>>,
    {
        self.inspect(tx, inspector).map_err(|error| Failure::server(format!("tracing failed: {error}")))
    }

    fn block(&self) -> &BlockEnv {
        self.env()
    }

    fn state(&mut self) -> &mut EvmState {
        self.state()
    }
}

/// A tracer as the options name it.
fn tracer(options: GethDebugTracingOptions) -> Result<DebugInspector, Failure> {
    match &options.tracer {
        None
        | Some(GethDebugTracerType::BuiltInTracer(
            Tracer::CallTracer
            | Tracer::FlatCallTracer
            | Tracer::PreStateTracer
            | Tracer::FourByteTracer
            | Tracer::NoopTracer,
        )) => {}
        Some(other) => {
            return Err(Failure::invalid_params(format!(
                "tracer \"{}\" isn't supported: expected callTracer, flatCallTracer, prestateTracer, \
                 4byteTracer, noopTracer or none for the struct logger",
                other.as_str()
            )));
        }
    }
    let limits = TraceLimits::default()
        .set_max_recorded_bytes(Some(BYTE_LIMIT))
        .set_behavior(TraceLimitBehavior::Halt);
    let limited = |inspector: TracingInspector| inspector.with_limits(limits);
    let inspector =
        DebugInspector::new(options).map_err(|error| Failure::invalid_params(format!("tracer: {error}")))?;
    Ok(match inspector {
        DebugInspector::CallTracer(inspector, config) => {
            DebugInspector::CallTracer(limited(inspector), config)
        }
        DebugInspector::PreStateTracer(inspector, config) => {
            DebugInspector::PreStateTracer(limited(inspector), config)
        }
        DebugInspector::FlatCallTracer(inspector) => DebugInspector::FlatCallTracer(limited(inspector)),
        DebugInspector::Default(inspector, config) => DebugInspector::Default(limited(inspector), config),
        other => other,
    })
}

/// Traces a transaction on top of a state.
fn trace(
    on: &mut impl Inspected,
    tx: TxEnv,
    options: GethDebugTracingOptions,
    context: Option<TransactionContext>,
) -> Result<(GethTrace, ResultAndState), Failure> {
    let mut inspector = tracer(options)?;
    if matches!(inspector, DebugInspector::Default(..)) {
        let mut steps = StepCounter::default();
        on.inspect(tx.clone(), &mut steps)?;
        if steps.0 > STEP_LIMIT {
            return Err(Failure::limit(format!(
                "trace too long: {} steps, at most {STEP_LIMIT}; callTracer has no such limit",
                steps.0
            )));
        }
    }
    let done = on.inspect(tx.clone(), &mut inspector)?;
    let block = on.block().clone();
    let trace = inspector
        .get_result(context, &tx, &block, &done, on.state())
        .map_err(|error| Failure::server(format!("tracing failed: {error}")))?;
    Ok((trace, done))
}

/// A canonical block, and a builder on the state before it.
struct Replay {
    block: Arc<MinedBlock>,
    builder: BlockBuilder,
}

impl Replay {
    fn new(chain: &Chain, block: &Arc<MinedBlock>) -> Result<Self, Failure> {
        if block.number() == 0 {
            return Err(Failure::server("genesis is not traceable"));
        }
        let builder = chain.rebuild(block).ok_or_else(|| {
            let kept = chain.config().state_history;
            Failure::server(format!(
                "missing trie node: the state before block {} is gone, the last {kept} states are kept",
                block.number()
            ))
        })?;
        Ok(Self { block: Arc::clone(block), builder })
    }

    /// Traces the next transaction, and includes it.
    fn trace(
        &mut self,
        index: usize,
        tx: &Recovered<Transaction>,
        options: &GethDebugTracingOptions,
    ) -> Result<GethTrace, Failure> {
        let context = TransactionContext {
            block_hash: Some(self.block.hash),
            tx_index: Some(index),
            tx_hash: Some(*tx.hash()),
        };
        self.builder.allow_contract_senders();
        let (trace, done) = trace(&mut self.builder, tx_env(tx), options.clone(), Some(context))?;
        self.builder.commit(tx.clone(), done);
        Ok(trace)
    }

    /// Traces all transactions.
    fn trace_all(mut self, options: &GethDebugTracingOptions) -> Result<Vec<(B256, GethTrace)>, Failure> {
        let block = Arc::clone(&self.block);
        let transactions = block.transactions.iter().enumerate();
        transactions.map(|(index, tx)| Ok((*tx.hash(), self.trace(index, tx, options)?))).collect()
    }
}

fn options(params: &Params, index: usize) -> Result<GethDebugTracingOptions, Failure> {
    Ok(params.optional(index, OPTIONS)?.unwrap_or_default())
}

/// A mined transaction's trace, as a tracer shows it.
fn mined(node: &Node, hash: B256, options: &GethDebugTracingOptions) -> Result<GethTrace, Failure> {
    let (mut replay, index) = node.read(|chain| {
        let (block, index) =
            chain.transaction(hash).ok_or_else(|| Failure::server("transaction not found"))?;
        Ok::<_, Failure>((Replay::new(chain, block)?, index))
    })?;
    let block = Arc::clone(&replay.block);
    for tx in block.transactions.iter().take(index) {
        replay.builder.offer(tx);
    }
    match block.transactions.get(index) {
        Some(tx) => replay.trace(index, tx, options),
        None => Err(Failure::server("transaction not found")),
    }
}

pub(super) fn trace_transaction(node: &Node, params: &Params) -> Reply {
    let hash = params.required(0, "a transaction hash")?;
    reply(&mined(node, hash, &options(params, 1)?)?)
}

pub(super) fn trace_block(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let replay = node.read(|chain| Replay::new(chain, find(chain, id)?))?;
    let traces = replay.trace_all(&options(params, 1)?)?;
    let traces: Vec<Value> =
        traces.into_iter().map(|(hash, trace)| json!({ "txHash": hash, "result": trace })).collect();
    reply(&traces)
}

pub(super) fn trace_call(node: &Node, params: &Params) -> Reply {
    let request: TransactionRequest = params.required(0, "a call object")?;
    let block = block_param(params, 1)?;
    let options: GethDebugTracingCallOptions = params.optional(2, OPTIONS)?.unwrap_or_default();
    if options.tx_index.is_some() {
        return Err(Failure::invalid_params(
            "txIndex isn't supported: a call is traced after the whole block",
        ));
    }
    let mut environment =
        Environment::new(node, block)?.overridden(options.state_overrides, options.block_overrides)?;
    let tx = environment.transaction(&request)?;
    reply(&trace(&mut environment, tx, options.tracing_options, None)?.0)
}

fn flat() -> GethDebugTracingOptions {
    GethDebugTracingOptions::new_tracer(Tracer::FlatCallTracer)
}

/// `trace_transaction`: null for an unknown transaction, as Parity has it.
pub(super) fn parity_transaction(node: &Node, params: &Params) -> Reply {
    let hash: B256 = params.required(0, "a transaction hash")?;
    if node.read(|chain| chain.transaction(hash).is_none()) {
        return reply(&Value::Null);
    }
    reply(&mined(node, hash, &flat())?)
}

/// `trace_block`: null for an unknown block, as Parity has it.
pub(super) fn parity_block(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let replay = node.read(|chain| {
        chain
            .resolve(id)
            .map(|block| (block.number() > 0).then(|| Replay::new(chain, block)).transpose())
            .transpose()
    })?;
    let Some(replay) = replay else { return reply(&Value::Null) };
    let Some(replay) = replay else { return reply(&Vec::<Value>::new()) };
    let mut all = Vec::new();
    for (_, trace) in replay.trace_all(&flat())? {
        if let GethTrace::FlatCallTracer(traces) = trace {
            all.extend(traces);
        }
    }
    reply(&all)
}

fn raw(node: &Node, params: &Params, encode: impl FnOnce(&MinedBlock) -> Bytes) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let block = node.read(|chain| find(chain, id).cloned())?;
    reply(&encode(&block))
}

pub(super) fn raw_header(node: &Node, params: &Params) -> Reply {
    raw(node, params, |block| alloy::rlp::encode(&block.header).into())
}

pub(super) fn raw_block(node: &Node, params: &Params) -> Reply {
    raw(node, params, |block| block.encoded().into())
}

pub(super) fn raw_receipts(node: &Node, params: &Params) -> Reply {
    let id: BlockId = params.required(0, BLOCK)?;
    let block = node.read(|chain| find(chain, id).cloned())?;
    let receipts: Vec<Bytes> =
        block.receipts.iter().map(|receipt| receipt.envelope.encoded_2718().into()).collect();
    reply(&receipts)
}
