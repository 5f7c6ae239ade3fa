//! Errors of the chain and of the transaction pool.

use alloy::primitives::{Address, B256, U256};
use thiserror::Error;

/// Why a transaction was refused. The words are geth's where geth has the case, since clients match on them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    /// The bytes aren't a transaction.
    #[error("failed to decode transaction: {0}")]
    Decode(String),
    /// No signer can be recovered.
    #[error("invalid sender: {0}")]
    InvalidSender(String),
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {actual} want {expected}")]
    ChainId {
        /// The chain's id.
        expected: u64,
        /// The transaction's.
        actual: u64,
    },
    /// In the pool already.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce is used.
    #[error("nonce too low: next nonce {expected}, tx nonce {actual}")]
    NonceTooLow {
        /// The account's next nonce.
        expected: u64,
        /// The transaction's.
        actual: u64,
    },
    /// The nonce can't be increased any more (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// A replacement must raise its fees by 10 %, a blob transaction's by 100 %.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The sender can't pay.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}", .cost - .balance)]
    InsufficientFunds {
        /// The sender's, in wei.
        balance: U256,
        /// Highest possible cost of the sender's pooled transactions with this one, in wei.
        cost: U256,
    },
    /// The gas limit is below what the transaction pays before it starts.
    #[error("intrinsic gas too low: gas {actual}, minimum needed {expected}")]
    IntrinsicGas {
        /// Least gas limit.
        expected: u64,
        /// The transaction's.
        actual: u64,
    },
    /// The gas limit is below the floor for call data (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {actual}, minimum needed {expected}")]
    FloorDataGas {
        /// Least gas limit.
        expected: u64,
        /// The transaction's.
        actual: u64,
    },
    /// The gas limit is above the cap of EIP-7825.
    #[error("transaction gas limit too high (cap: {cap}, tx: {actual})")]
    GasLimitTooHigh {
        /// Most gas a transaction may ask for.
        cap: u64,
        /// The transaction's gas limit.
        actual: u64,
    },
    /// The gas limit is above the block's.
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit,
    /// The tip is above the fee that should contain it.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
    )]
    TipAboveFee {
        /// In wei per gas.
        tip: u128,
        /// In wei per gas.
        fee: u128,
    },
    /// Init code above the limit of EIP-3860.
    #[error("max initcode size exceeded: code size {actual}, limit {limit}")]
    InitCodeTooLarge {
        /// Most bytes.
        limit: usize,
        /// The transaction's.
        actual: usize,
    },
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(Address),
    /// A set-code transaction without authorizations.
    #[error("EIP-7702 transaction with empty auth list")]
    EmptyAuthorizationList,
    /// A blob transaction without blobs.
    #[error("blobless blob transaction")]
    NoBlobs,
    /// More blobs than a transaction may carry.
    #[error("too many blobs in transaction: have {actual}, permitted {limit}")]
    TooManyBlobs {
        /// Most blobs.
        limit: u64,
        /// The transaction's.
        actual: u64,
    },
    /// The sidecar doesn't prove the transaction's blobs.
    #[error("invalid blob sidecar: {0}")]
    Sidecar(String),
    /// The sender has transactions of the other kind pooled: an account uses either blobs or plain transactions.
    #[error("address already reserved")]
    AddressReserved,
    /// No room.
    #[error("txpool is full: capacity {0}")]
    Full(usize),
}

/// Why the chain refused to do what it was told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// A reorg deeper than the chain, or than the states it keeps.
    #[error("reorg too deep: depth {depth}, at most {limit}")]
    ReorgTooDeep {
        /// Asked for.
        depth: u64,
        /// Possible.
        limit: u64,
    },
    /// A slot in the past.
    #[error("slot {slot} isn't ahead: current slot {current}")]
    SlotInPast {
        /// Asked for.
        slot: u64,
        /// Where the chain is.
        current: u64,
    },
    /// The pool doesn't hold the transaction.
    #[error("transaction {0} isn't pooled")]
    NotPooled(B256),
    /// The slot number or its timestamp leaves 64 bits.
    #[error("slot {current} + {skip} overflows the clock")]
    ClockOverflow {
        /// Where the chain is.
        current: u64,
        /// How far it should go.
        skip: u64,
    },
    /// A configuration no chain can run with.
    #[error("invalid chain configuration: {0}")]
    Config(String),
}
