//! Accounts that the node signs for: the development accounts, and those that are impersonated.

use alloy::{
    eips::{BlockId, Encodable2718 as _},
    network::TxSignerSync as _,
    primitives::{Address, B256, Bytes, Signature, b256},
    rpc::types::TransactionRequest,
    signers::{self, SignerSync as _, local::PrivateKeySigner},
};
use alloy_dyn_abi::TypedData;
use revm::context::TxEnv;
use serde_json::Value;

use super::{
    call::estimate,
    environment::Environment,
    eth::suggested_tip,
    message::{Failure, Params, Reply, reply},
};
use crate::{
    chain::Chain,
    config::DEV_ACCOUNTS,
    node::Node,
    transaction::{Transaction, Unsigned, in_the_name_of, typed},
};

const TRANSACTION: &str = "a transaction object";

/// The keys of [`DEV_ACCOUNTS`], which everyone knows.
const DEV_KEYS: [B256; 10] = [
    b256!("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// The development accounts that the chain funds: a chain without them signs for nobody.
fn signing(chain: &Chain) -> impl Iterator<Item = (Address, B256)> + '_ {
    let funded = |account: &Address| chain.config().accounts.iter().any(|(address, _)| address == account);
    DEV_ACCOUNTS.into_iter().zip(DEV_KEYS).filter(move |(account, _)| funded(account))
}

fn signer(node: &Node, account: Address) -> Result<PrivateKeySigner, Failure> {
    let key = node.read(|chain| signing(chain).find(|(other, _)| *other == account));
    let (_, key) = key.ok_or_else(|| Failure::server(format!("unknown account {account}")))?;
    PrivateKeySigner::from_bytes(&key).map_err(|error| Failure::new(-32603, error.to_string()))
}

pub(super) fn accounts(node: &Node) -> Reply {
    reply(&node.read(|chain| signing(chain).map(|(account, _)| account).collect::<Vec<_>>()))
}

fn sender(request: &TransactionRequest) -> Result<Address, Failure> {
    request.from.ok_or_else(|| Failure::invalid_params("invalid argument 0: expected a field from"))
}

/// A transaction request with everything filled in that the caller left out.
fn filled(node: &Node, mut request: TransactionRequest) -> Result<TxEnv, Failure> {
    let sender = sender(&request)?;
    if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
        return Err(Failure::invalid_params(
            "blob transactions aren't signed here: send them by eth_sendRawTransaction",
        ));
    }
    let (nonce, base_fee, tip) = node
        .read(|chain| (chain.pending_nonce(sender), u128::from(chain.next_base_fee()), suggested_tip(chain)));
    request.nonce = request.nonce.or(Some(nonce));
    if request.gas_price.is_none() {
        let tip = match (request.max_priority_fee_per_gas, request.max_fee_per_gas) {
            (Some(tip), _) => tip,
            (None, Some(fee)) => tip.min(fee),
            (None, None) => tip,
        };
        request.max_priority_fee_per_gas = Some(tip);
        request.max_fee_per_gas =
            request.max_fee_per_gas.or(Some(base_fee.saturating_mul(2).saturating_add(tip)));
    }
    // the pending block knows what waits already
    let mut environment = Environment::new(node, BlockId::pending())?;
    let mut tx = environment.transaction(&request)?;
    tx.gas_limit = match request.gas {
        Some(gas) => gas,
        None => estimate(&environment, tx.clone())?,
    };
    Ok(tx)
}

fn unsigned(tx: &TxEnv) -> Result<Unsigned, Failure> {
    typed(tx).ok_or_else(|| Failure::invalid_params("a transaction of this type can't create a contract"))
}

/// A transaction filled in and signed by the account that sends it.
fn signed(node: &Node, request: TransactionRequest) -> Result<Transaction, Failure> {
    let signer = signer(node, sender(&request)?)?;
    let mut transaction = unsigned(&filled(node, request)?)?;
    let signature = signer
        .sign_transaction_sync(&mut transaction)
        .map_err(|error| Failure::new(-32603, error.to_string()))?;
    Ok(transaction.into_envelope(signature))
}

fn send_unsigned(node: &Node, request: TransactionRequest) -> Reply {
    let sender = sender(&request)?;
    let tx = filled(node, request)?;
    reply(&node.submit_unsigned(in_the_name_of(sender, unsigned(&tx)?))?)
}

pub(super) fn send_transaction(node: &Node, params: &Params) -> Reply {
    let request: TransactionRequest = params.required(0, TRANSACTION)?;
    let impersonated = node.development().impersonates(sender(&request)?);
    if impersonated {
        return send_unsigned(node, request);
    }
    reply(&node.submit(&signed(node, request)?.encoded_2718())?)
}

/// `eth_sendUnsignedTransaction`: in anybody's name.
pub(super) fn send_unsigned_transaction(node: &Node, params: &Params) -> Reply {
    send_unsigned(node, params.required(0, TRANSACTION)?)
}

pub(super) fn sign_transaction(node: &Node, params: &Params) -> Reply {
    reply(&Bytes::from(signed(node, params.required(0, TRANSACTION)?)?.encoded_2718()))
}

fn signature(signed: Result<Signature, signers::Error>) -> Reply {
    let signature = signed.map_err(|error| Failure::new(-32603, error.to_string()))?;
    reply(&Bytes::copy_from_slice(&signature.as_bytes()))
}

/// `eth_sign(account, message)`: prefixed as EIP-191 has it.
pub(super) fn sign(node: &Node, params: &Params) -> Reply {
    let account: Address = params.required(0, "an address")?;
    let message: Bytes = params.required(1, "a message as hexadecimal bytes")?;
    signature(signer(node, account)?.sign_message_sync(&message))
}

/// `personal_sign(message, account)`.
pub(super) fn personal_sign(node: &Node, params: &Params) -> Reply {
    let message: Bytes = params.required(0, "a message as hexadecimal bytes")?;
    let account: Address = params.required(1, "an address")?;
    signature(signer(node, account)?.sign_message_sync(&message))
}

/// `eth_signTypedData_v4(account, data)`: the data is an object, or an object as a string.
pub(super) fn sign_typed_data(node: &Node, params: &Params) -> Reply {
    let account: Address = params.required(0, "an address")?;
    let data: TypedData = params.required(1, "typed data (EIP-712)")?;
    let hash = data
        .eip712_signing_hash()
        .map_err(|error| Failure::invalid_params(format!("invalid argument 1: {error}")))?;
    signature(signer(node, account)?.sign_hash_sync(&hash))
}

pub(super) fn impersonate(node: &Node, params: &Params, allowed: bool) -> Reply {
    let account: Address = params.required(0, "an address")?;
    node.development().impersonate(account, allowed);
    reply(&Value::Null)
}

pub(super) fn impersonate_everyone(node: &Node, params: &Params) -> Reply {
    let allowed: bool = params.required(0, "true or false")?;
    node.development().impersonate_everyone(allowed);
    reply(&Value::Null)
}
