//! Blocks: how one is put together from what was executed, and what the chain remembers of it.

use alloy::{
    consensus::{
        EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header,
        proofs::{calculate_receipt_root, calculate_transaction_root},
        transaction::Recovered,
    },
    eips::eip7685::EMPTY_REQUESTS_HASH,
    primitives::{B256, Bloom, Bytes, keccak256},
    rlp::Encodable as _,
};

use crate::{
    config::ChainConfig,
    executor::{BlockInputs, Executed, MinedReceipt, Parent},
    state::State,
    transaction::Transaction,
};

/// A block with everything about it.
#[derive(Clone, Debug)]
pub struct MinedBlock {
    /// Keccak-256 of the header's RLP.
    pub hash: B256,
    /// Header, as of the newest fork.
    pub header: Header,
    /// The slot it was mined in.
    pub slot: u64,
    /// The root of the beacon block that carried it; the child's `parentBeaconBlockRoot`.
    pub beacon_root: B256,
    /// The transactions with their signers.
    pub transactions: Vec<Recovered<Transaction>>,
    /// One per transaction.
    pub receipts: Vec<MinedReceipt>,
    /// Length of the block's RLP in bytes.
    pub size: usize,
}

impl MinedBlock {
    /// Number of the block; 0 for the genesis block.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// What the block fixed before its transactions ran.
    pub(crate) fn inputs(&self) -> BlockInputs {
        BlockInputs {
            number: self.header.number,
            timestamp: self.header.timestamp,
            gas_limit: self.header.gas_limit,
            base_fee: self.header.base_fee_per_gas.unwrap_or_default(),
            excess_blob_gas: self.header.excess_blob_gas.unwrap_or_default(),
            mix_hash: self.header.mix_hash,
            fee_recipient: self.header.beneficiary,
        }
    }

    /// The block's RLP: header, transactions, no ommers, no withdrawals.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size);
        let body: usize = self.transactions.iter().map(|transaction| transaction.inner().length()).sum();
        let payload = self.header.length() + list(body).length_with_payload() + 2;
        list(payload).encode(&mut out);
        self.header.encode(&mut out);
        list(body).encode(&mut out);
        for transaction in &self.transactions {
            transaction.inner().encode(&mut out);
        }
        list(0).encode(&mut out);
        list(0).encode(&mut out);
        out
    }
}

fn list(payload_length: usize) -> alloy::rlp::Header {
    alloy::rlp::Header { list: true, payload_length }
}

/// The header of a block without transactions; the caller fills in the rest.
pub(crate) fn empty_header() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// A value that follows from the chain's seed, a slot and whatever else distinguishes it.
pub(crate) fn derived(config: &ChainConfig, domain: &[u8], slot: u64, context: B256) -> B256 {
    keccak256([domain, config.seed.as_slice(), &slot.to_be_bytes(), context.as_slice()].concat())
}

impl From<&MinedBlock> for Parent {
    fn from(block: &MinedBlock) -> Self {
        Self { hash: block.hash, beacon_root: block.beacon_root }
    }
}

/// Puts a block together from what was executed, and returns the state after it too.
pub(crate) fn assemble(
    config: &ChainConfig,
    inputs: &BlockInputs,
    parent: Parent,
    slot: u64,
    extra_data: Bytes,
    executed: Executed,
) -> (MinedBlock, State) {
    let envelopes: Vec<_> = executed.receipts.iter().map(|receipt| &receipt.envelope).collect();
    let logs_bloom = envelopes.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
    let header = Header {
        parent_hash: parent.hash,
        beneficiary: inputs.fee_recipient,
        state_root: executed.state.root(),
        transactions_root: calculate_transaction_root(
            &executed.transactions.iter().map(Recovered::inner).collect::<Vec<_>>(),
        ),
        receipts_root: calculate_receipt_root(&envelopes),
        logs_bloom,
        number: inputs.number,
        gas_limit: inputs.gas_limit,
        gas_used: executed.gas_used,
        timestamp: inputs.timestamp,
        extra_data,
        mix_hash: inputs.mix_hash,
        base_fee_per_gas: Some(inputs.base_fee),
        blob_gas_used: Some(executed.blob_gas_used),
        excess_blob_gas: Some(inputs.excess_blob_gas),
        parent_beacon_block_root: Some(parent.beacon_root),
        requests_hash: Some(executed.requests.requests_hash()),
        ..empty_header()
    };
    (seal(config, header, slot, executed.transactions, executed.receipts), executed.state)
}

/// Hashes a finished header and adds what the chain remembers beside it.
pub(crate) fn seal(
    config: &ChainConfig,
    header: Header,
    slot: u64,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<MinedReceipt>,
) -> MinedBlock {
    let hash = header.hash_slow();
    let body: usize = transactions.iter().map(|transaction| transaction.inner().length()).sum();
    // header, transactions, no ommers, no withdrawals
    let size = list(header.length() + list(body).length_with_payload() + 2).length_with_payload();
    MinedBlock {
        beacon_root: derived(config, b"beacon", slot, hash),
        hash,
        header,
        slot,
        transactions,
        receipts,
        size,
    }
}
