//! What a chain starts from.

use std::num::NonZeroU64;

use alloy::{
    eips::eip7840::BlobParams,
    primitives::{Address, B256, Bytes, U256, address},
};

/// The ten addresses that anvil and hardhat fund, from the mnemonic `test test test … junk`.
/// Their keys are public: for development only.
pub const DEV_ACCOUNTS: [Address; 10] = [
    address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("0x90F79bf6EB2c4f870365E785982E1f101E93b906"),
    address!("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    address!("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
    address!("0x976EA74026E726554dB657fA54763abd0C3a0aa9"),
    address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
    address!("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
    address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"),
];

/// Least gas limit of a block: room for a transfer.
pub(crate) const MIN_GAS_LIMIT: u64 = 30_000;

/// Wei in one ether.
pub const ETHER: u128 = 1_000_000_000_000_000_000;

/// In which order transactions that pay the same tip enter a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TieBreak {
    /// Whichever arrived first, as geth does.
    #[default]
    Arrival,
    /// By transaction hash: the block is then the same whichever thread was faster.
    Hash,
}

/// Everything that determines the chain, but for the transactions.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Timestamp of slot 0, in seconds since the epoch.
    pub genesis_timestamp: u64,
    /// Length of a slot, in seconds of chain time.
    pub slot_seconds: NonZeroU64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// Base fee of block 0, in wei per gas.
    pub base_fee: u64,
    /// Blob schedule; mainnet's is BPO2 since January 2026.
    pub blob_params: BlobParams,
    /// Determines RANDAO and the beacon roots.
    pub seed: B256,
    /// Balances at genesis, in wei.
    pub accounts: Vec<(Address, U256)>,
    /// Contracts at genesis besides the system contracts: address and runtime code.
    pub contracts: Vec<(Address, Bytes)>,
    /// Receives the tips.
    pub fee_recipient: Address,
    /// Order of transactions with equal tips.
    pub tie_break: TieBreak,
    /// Most transactions the pool holds.
    pub pool_capacity: usize,
    /// Refuse an account that mixes blob and plain transactions in the pool, as geth does.
    pub exclusive_pools: bool,
    /// Slots after which a block counts as safe.
    pub safe_slots: u64,
    /// Slots after which a block counts as finalized (two epochs on mainnet).
    pub finality_slots: u64,
    /// Blocks whose state stays readable, the newest included; also the deepest possible reorg, plus one.
    pub state_history: usize,
    /// Slots for which blobs are served (4096 epochs on mainnet).
    pub blob_retention_slots: u64,
}

impl Default for ChainConfig {
    /// Mainnet's rules from an empty state, chain id 31337.
    fn default() -> Self {
        Self {
            chain_id: 31337,
            genesis_timestamp: 1_767_225_600,
            slot_seconds: NonZeroU64::MIN.saturating_add(11),
            gas_limit: 60_000_000,
            base_fee: 1_000_000_000,
            blob_params: BlobParams::bpo2(),
            seed: B256::ZERO,
            accounts: Vec::new(),
            contracts: Vec::new(),
            fee_recipient: Address::ZERO,
            tie_break: TieBreak::Arrival,
            pool_capacity: 8192,
            exclusive_pools: true,
            safe_slots: 32,
            finality_slots: 64,
            state_history: 256,
            blob_retention_slots: 4096,
        }
    }
}

impl ChainConfig {
    /// The default chain with 10,000 ether on each of [`DEV_ACCOUNTS`].
    #[must_use]
    pub fn dev() -> Self {
        let balance = U256::from(10_000) * U256::from(ETHER);
        Self { accounts: DEV_ACCOUNTS.map(|account| (account, balance)).to_vec(), ..Self::default() }
    }
}
