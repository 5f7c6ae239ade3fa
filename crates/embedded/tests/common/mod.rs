//! What the tests share: accounts, nodes, and a few lines of bytecode.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part

use std::time::Duration;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use fernet_embedded::{Chain, ChainConfig, Clock, Node, NodeConfig};

/// The keys of `DEV_ACCOUNTS`.
pub const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

pub fn signer(index: usize) -> PrivateKeySigner {
    KEYS[index].parse().expect("a key")
}

pub fn chain() -> Chain {
    Chain::new(ChainConfig::dev()).expect("a chain")
}

/// A node that mines only when told.
pub fn manual() -> Node {
    Node::start(NodeConfig { chain: ChainConfig::dev(), ..NodeConfig::default() }).expect("a node")
}

/// A node that mines whenever a transaction arrives.
pub fn instant() -> Node {
    let config = NodeConfig { chain: ChainConfig::dev(), clock: Clock::Manual, mine_on_transaction: true };
    Node::start(config).expect("a node")
}

/// alloy's provider with a wallet, in this process.
pub fn wallet(node: &Node, key: usize) -> impl Provider + Clone + use<> {
    let provider = ProviderBuilder::new().wallet(signer(key)).connect_client(node.client());
    provider.client().set_poll_interval(Duration::from_millis(5));
    provider
}

/// Fields of a transaction that a test may choose.
#[derive(Clone, Copy, Debug)]
pub struct Tx {
    pub key: usize,
    pub nonce: u64,
    pub fee: u128,
    pub tip: u128,
    pub gas: u64,
    pub to: TxKind,
    pub value: u64,
}

pub fn tx(key: usize, nonce: u64) -> Tx {
    Tx {
        key,
        nonce,
        fee: 10_000_000_000,
        tip: 1_000_000_000,
        gas: 21_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: 1,
    }
}

impl Tx {
    pub fn sign(self, input: &[u8]) -> TxEnvelope {
        let mut tx = TxEip1559 {
            chain_id: 31337,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: U256::from(self.value),
            access_list: Default::default(),
            input: Bytes::copy_from_slice(input),
        };
        let signature = signer(self.key).sign_transaction_sync(&mut tx).expect("a signature");
        tx.into_signed(signature).into()
    }

    pub fn raw(self) -> Vec<u8> {
        self.sign(&[]).encoded_2718()
    }
}

/// Init code that deploys a runtime.
pub fn init_code(runtime: &[u8]) -> Bytes {
    let length = u8::try_from(runtime.len()).expect("a short runtime");
    // PUSH1 length, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN
    let mut code = vec![0x60, length, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend_from_slice(runtime);
    code.into()
}

/// Stores its first argument in slot 0, logs it under topic 0x2a and returns it; without an argument, returns
/// slot 0; with more than one, reverts with the second.
pub fn store_and_log() -> Bytes {
    // written with labels rather than by hand counting
    let mut code: Vec<u8> = Vec::new();
    let mut fixups = Vec::new();
    let jump = |code: &mut Vec<u8>, fixups: &mut Vec<(usize, u8)>, label: u8, opcode: u8| {
        code.push(0x60);
        fixups.push((code.len(), label));
        code.extend([0, opcode]);
    };
    code.push(0x36); // CALLDATASIZE
    jump(&mut code, &mut fixups, 0, 0x57);
    code.extend([0x5f, 0x54]); // SLOAD(0)
    jump(&mut code, &mut fixups, 2, 0x56);
    let argument = code.len();
    code.extend([0x5b, 0x60, 0x20, 0x36, 0x11]); // CALLDATASIZE > 32
    jump(&mut code, &mut fixups, 1, 0x57);
    code.extend([0x5f, 0x35, 0x80, 0x5f, 0x55]); // SSTORE(0, CALLDATALOAD(0))
    code.extend([0x80, 0x5f, 0x52, 0x60, 0x2a, 0x60, 0x20, 0x5f, 0xa1]); // LOG1
    let finish = code.len();
    code.extend([0x5b, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]); // RETURN(top)
    let revert = code.len();
    code.extend([0x5b, 0x60, 0x20, 0x35, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xfd]); // REVERT(CALLDATALOAD(32))
    for (position, label) in fixups {
        code[position] = [argument, revert, finish][usize::from(label)] as u8;
    }
    init_code(&code)
}

/// Init code whose output is the value that some opcodes leave on the stack.
pub fn evaluate(opcodes: &[u8]) -> Bytes {
    let mut code = opcodes.to_vec();
    code.extend([0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    code.into()
}

/// A 32 byte word of a number.
pub fn word(value: u64) -> [u8; 32] {
    B256::from(U256::from(value)).0
}
