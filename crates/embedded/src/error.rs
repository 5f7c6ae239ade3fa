//! Errors of the chain and of the transaction pool.

use alloy::primitives::{Address, B256, U256};
use thiserror::Error;

/// Why a transaction was refused. The words are geth's where geth has the case, since clients match on them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    #[error("failed to decode transaction: {0}")]
    Decode(String),
    /// The type isn't one of EIP-2718 that the chain knows.
    #[error("transaction type not supported: type {0:#04x}, expected 0x01 to 0x04 or a legacy transaction")]
    TypeNotSupported(u8),
    /// No signer can be recovered.
    #[error("invalid sender: {0}")]
    InvalidSender(String),
    /// Signed for another chain.
    #[error("invalid sender: invalid chain id for signer: have {actual} want {expected}")]
    ChainId { expected: u64, actual: u64 },
    #[error("already known")]
    AlreadyKnown,
    #[error("nonce too low: next nonce {expected}, tx nonce {actual}")]
    NonceTooLow { expected: u64, actual: u64 },
    /// The nonce can't be increased any more (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// A replacement must raise its fees by 10 %, a blob transaction's by 100 %.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The balance doesn't cover the highest possible cost of this transaction and the sender's pooled ones.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}",
        .cost - .balance
    )]
    InsufficientFunds { balance: U256, cost: U256 },
    /// The gas limit is below what the transaction pays before it starts.
    #[error("intrinsic gas too low: gas {actual}, minimum needed {expected}")]
    IntrinsicGas { expected: u64, actual: u64 },
    /// The gas limit is below the floor for call data (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {actual}, minimum needed {expected}")]
    FloorDataGas { expected: u64, actual: u64 },
    /// The gas limit is above the cap of EIP-7825.
    #[error("transaction gas limit too high (cap: {cap}, tx: {actual})")]
    GasLimitTooHigh { cap: u64, actual: u64 },
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit,
    /// The tip is above the fee that should contain it, both in wei per gas.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, \
         maxFeePerGas: {fee}"
    )]
    TipAboveFee { tip: u128, fee: u128 },
    /// Init code above the limit of EIP-3860.
    #[error("max initcode size exceeded: code size {actual}, limit {limit}")]
    InitCodeTooLarge { limit: usize, actual: usize },
    /// A transaction without its blobs is larger than geth's pool takes, in bytes.
    #[error("oversized data: transaction size {actual}, limit {limit}")]
    Oversized { limit: usize, actual: usize },
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(Address),
    #[error("EIP-7702 transaction with empty auth list")]
    EmptyAuthorizationList,
    #[error("blobless blob transaction")]
    NoBlobs,
    #[error("too many blobs in transaction: have {actual}, permitted {limit}")]
    TooManyBlobs { limit: u64, actual: u64 },
    /// The sidecar doesn't prove the transaction's blobs.
    #[error("invalid blob sidecar: {0}")]
    Sidecar(String),
    /// The sender has transactions of the other kind pooled: an account uses either blobs or plain
    /// transactions.
    #[error("address already reserved")]
    AddressReserved,
    #[error("txpool is full: capacity {0}")]
    Full(usize),
}

/// Why the chain refused to do what it was told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// A reorg deeper than the chain, or than the states it keeps.
    #[error("reorg too deep: depth {depth}, at most {limit}")]
    ReorgTooDeep { depth: u64, limit: u64 },
    #[error("slot {slot} isn't ahead: current slot {current}")]
    SlotInPast { slot: u64, current: u64 },
    /// The pool doesn't hold the transaction.
    #[error("transaction {0} isn't pooled")]
    NotPooled(B256),
    /// The slot number or its timestamp leaves 64 bits.
    #[error("slot {current} + {skip} overflows the clock")]
    ClockOverflow { current: u64, skip: u64 },
    /// Time moves by whole slots.
    #[error("{seconds} seconds aren't whole slots: expected a multiple of {slot_seconds}")]
    NotWholeSlots { seconds: u64, slot_seconds: u64 },
    /// Blocks are mined at the start of a slot.
    #[error("no slot of {slot_seconds} s starts at timestamp {timestamp}: expected {before} or {after}")]
    NotASlot { timestamp: u64, slot_seconds: u64, before: u64, after: u64 },
    #[error("timestamp {timestamp} isn't ahead: the current slot started at {current}")]
    TimeInPast { timestamp: u64, current: u64 },
    /// An account without balance, nonce and code doesn't exist (EIP-161).
    #[error("account {0} is empty: set its balance, nonce or code before its storage")]
    EmptyAccount(Address),
    /// Too many snapshots are kept.
    #[error("too many snapshots, at most {0}: revert to an earlier one first")]
    TooManySnapshots(usize),
    /// A configuration no chain can run with.
    #[error("invalid chain configuration: {0}")]
    Config(String),
    /// A clock of its own needs an async runtime.
    #[error("a clock that isn't manual needs a tokio runtime")]
    NoRuntime,
}
