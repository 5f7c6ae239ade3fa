//! The chain itself: pool, blocks, clock and reorgs, without any task around it.

mod common;

use alloy::{
    consensus::{
        BlobTransactionSidecar, SidecarBuilder, SignableTransaction, SimpleCoder, TxEip4844,
        TxEip4844WithSidecar, TxEip7702, TxEnvelope,
    },
    eips::{Encodable2718, eip7594::BlobTransactionSidecarVariant, eip7702::Authorization},
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256},
    signers::SignerSync,
};
use common::{chain, evaluate, signer, tx};
use fernet_embedded::{Chain, ChainConfig, ChainError, ETHER, PoolError, Reorg, TieBreak};

#[test]
fn a_transfer_costs_its_fees_and_pays_the_recipient() {
    let mut chain = chain();
    let hash = chain.submit(&tx(0, 0).raw()).expect("accepted");
    assert_eq!(chain.pool_len(), 1);
    let block = chain.mine_slot();
    assert_eq!((block.number(), block.slot, block.transactions.len(), chain.pool_len()), (1, 1, 1, 0));
    assert_eq!(block.header.gas_used, 21_000);
    assert_eq!(block.header.timestamp, chain.config().genesis_timestamp + 12);
    assert_eq!(chain.transaction(hash).expect("mined").1, 0);
    // the base fee fell by an eighth after the empty genesis block
    assert_eq!(block.header.base_fee_per_gas, Some(875_000_000));
}

#[test]
fn a_nonce_gap_waits_until_it_is_filled() {
    let mut chain = chain();
    chain.submit(&tx(0, 1).raw()).expect("accepted");
    assert_eq!(chain.pending_nonce(signer(0).address()), 0);
    assert!(chain.mine_slot().transactions.is_empty());
    chain.submit(&tx(0, 0).raw()).expect("accepted");
    assert_eq!(chain.pending_nonce(signer(0).address()), 2);
    assert_eq!(chain.mine_slot().transactions.len(), 2);
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let mut chain = chain();
    let first = chain.submit(&tx(0, 0).raw()).expect("accepted");
    assert_eq!(chain.submit(&tx(0, 0).raw()), Err(PoolError::AlreadyKnown));
    let mut second = tx(0, 0);
    second.fee = 11_000_000_000;
    second.tip = 1_099_999_999;
    assert_eq!(chain.submit(&second.raw()), Err(PoolError::ReplacementUnderpriced));
    second.tip = 1_100_000_000;
    let second = chain.submit(&second.raw()).expect("accepted");
    assert!(chain.pooled(first).is_none());
    let block = chain.mine_slot();
    assert_eq!(block.transactions.iter().map(|tx| *tx.hash()).collect::<Vec<_>>(), [second]);
    let low = chain.submit(&tx(0, 0).raw());
    assert_eq!(low, Err(PoolError::NonceTooLow { expected: 1, actual: 0 }));
}

#[test]
fn refusals_say_what_is_wrong() {
    let mut chain = chain();
    let mut dear = tx(0, 0);
    dear.fee = u128::from(u64::MAX) * 100_000;
    let refused = chain.submit(&dear.raw()).expect_err("refused").to_string();
    assert!(
        refused.starts_with("insufficient funds for gas * price + value: balance 10000000000000000000000"),
        "{refused}"
    );
    let mut short = tx(0, 0);
    short.gas = 20_999;
    assert_eq!(chain.submit(&short.raw()), Err(PoolError::IntrinsicGas { expected: 21_000, actual: 20_999 }));
    let mut large = tx(0, 0);
    large.gas = (1 << 24) + 1;
    assert_eq!(
        chain.submit(&large.raw()),
        Err(PoolError::GasLimitTooHigh { cap: 1 << 24, actual: (1 << 24) + 1 })
    );
    let mut tip = tx(0, 0);
    tip.tip = tip.fee + 1;
    assert!(matches!(chain.submit(&tip.raw()), Err(PoolError::TipAboveFee { .. })));
    let mut data = tx(0, 0);
    data.gas = 26_000;
    let floor = chain.submit(&data.sign(&[1; 200]).encoded_2718());
    assert_eq!(floor, Err(PoolError::FloorDataGas { expected: 29_000, actual: 26_000 }));
    assert!(matches!(chain.submit(&[]), Err(PoolError::Decode(_))));
    assert!(matches!(chain.submit(&[0x03, 0xc0]), Err(PoolError::Decode(_))));
    let mut garbled = tx(0, 0).raw();
    garbled.push(0);
    assert!(matches!(chain.submit(&garbled), Err(PoolError::Decode(_))));
    let mut other = Chain::new(ChainConfig { chain_id: 1, ..ChainConfig::dev() }).expect("a chain");
    assert_eq!(other.submit(&tx(0, 0).raw()), Err(PoolError::ChainId { expected: 1, actual: 31337 }));
    let mut small = Chain::new(ChainConfig { pool_capacity: 1, ..ChainConfig::dev() }).expect("a chain");
    small.submit(&tx(0, 0).raw()).expect("accepted");
    assert_eq!(small.submit(&tx(1, 0).raw()), Err(PoolError::Full(1)));
}

#[test]
fn balances_cover_all_that_is_pooled() {
    let config = ChainConfig {
        accounts: vec![(signer(0).address(), U256::from(ETHER / 1000))],
        ..ChainConfig::default()
    };
    let mut chain = Chain::new(config).expect("a chain");
    // 0.00021 ether each
    for nonce in 0..4 {
        chain.submit(&tx(0, nonce).raw()).expect("accepted");
    }
    let refused = chain.submit(&tx(0, 4).raw());
    assert!(matches!(refused, Err(PoolError::InsufficientFunds { .. })), "{refused:?}");
}

#[test]
fn the_better_tip_goes_first_and_low_fees_wait() {
    let mut chain = chain();
    let mut low = tx(0, 0);
    low.tip = 1;
    let mut high = tx(1, 0);
    high.tip = 5_000_000_000;
    let mut unpayable = tx(2, 0);
    unpayable.fee = 1_000;
    unpayable.tip = 1_000;
    for tx in [low, high, unpayable] {
        chain.submit(&tx.raw()).expect("accepted");
    }
    let block = chain.mine_slot();
    let senders: Vec<_> = block.transactions.iter().map(|tx| tx.signer()).collect();
    assert_eq!(senders, [signer(1).address(), signer(0).address()]);
    assert_eq!(chain.pool_len(), 1);
}

#[test]
fn ties_break_by_arrival_or_by_hash() {
    let orders: Vec<Vec<B256>> = [TieBreak::Arrival, TieBreak::Arrival, TieBreak::Hash, TieBreak::Hash]
        .into_iter()
        .enumerate()
        .map(|(index, tie_break)| {
            let mut chain = Chain::new(ChainConfig { tie_break, ..ChainConfig::dev() }).expect("a chain");
            let mut raws: Vec<_> = (0..3).map(|key| tx(key, 0).raw()).collect();
            if index % 2 == 1 {
                raws.reverse();
            }
            for raw in raws {
                chain.submit(&raw).expect("accepted");
            }
            chain.mine_slot().transactions.iter().map(|tx| *tx.hash()).collect()
        })
        .collect();
    assert_eq!(orders[0], orders[1].iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(orders[2], orders[3]);
}

#[test]
fn skipped_slots_pass_time_without_blocks() {
    let mut chain = chain();
    chain.skip_slots(5).expect("possible");
    let block = chain.mine_slot();
    assert_eq!((block.number(), block.slot), (1, 6));
    assert_eq!(block.header.timestamp, chain.config().genesis_timestamp + 72);
    assert!(chain.block_in_slot(5).is_none());
    assert_eq!(chain.block_in_slot(6).map(|block| block.number()), Some(1));
    let far = chain.skip_slots(u64::MAX - 10);
    assert_eq!(far, Err(ChainError::ClockOverflow { current: 6, skip: u64::MAX - 10 }));
    assert_eq!(chain.slot(), 6);
}

#[test]
fn randao_follows_the_seed_unless_chosen() {
    let seeded = |seed: u8| {
        let mut chain =
            Chain::new(ChainConfig { seed: B256::repeat_byte(seed), ..ChainConfig::dev() }).expect("a chain");
        chain.set_prevrandao(2, B256::repeat_byte(9)).expect("ahead");
        [(); 3].map(|()| chain.mine_slot().header.mix_hash)
    };
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1)[0], seeded(2)[0]);
    assert_eq!(seeded(1)[1], B256::repeat_byte(9));
    let mut chain = chain();
    chain.mine_slot();
    let past = chain.set_prevrandao(1, B256::ZERO);
    assert_eq!(past, Err(ChainError::SlotInPast { slot: 1, current: 1 }));
}

#[test]
fn the_same_seed_and_transactions_give_the_same_chain() {
    let run = || {
        let mut chain = chain();
        for round in 0..20u64 {
            chain.submit(&tx(0, round).raw()).expect("accepted");
            if round % 3 == 0 {
                chain.submit(&tx(1, round / 3).raw()).expect("accepted");
            }
            if round == 7 {
                chain.skip_slots(2).expect("possible");
            }
            if round == 11 {
                chain.reorg(Reorg { depth: 3, ..Reorg::default() }).expect("possible");
            }
            chain.mine_slot();
        }
        chain.head().hash
    };
    assert_eq!(run(), run());
}

#[test]
fn a_reorg_restores_the_state() {
    let mut chain = chain();
    chain.mine_slot();
    let before = chain.head().header.state_root;
    let hash = chain.submit(&tx(0, 0).raw()).expect("accepted");
    let mined = chain.mine_slot();
    assert_ne!(mined.header.state_root, before);
    let outcome = chain.reorg(Reorg { depth: 1, drop_transactions: true, refill: false }).expect("possible");
    assert_eq!(outcome.removed[0].hash, mined.hash);
    assert_eq!(chain.head().header.state_root, before);
    assert!(chain.transaction(hash).is_none() && chain.pooled(hash).is_none());
    assert_eq!(chain.pending_nonce(signer(0).address()), 0);
    // the slot stays behind
    assert_eq!(chain.mine_slot().slot, 3);
    assert_eq!(
        chain.reorg(Reorg { depth: 3, ..Reorg::default() }).expect_err("genesis stays"),
        ChainError::ReorgTooDeep { depth: 3, limit: 2 }
    );
}

#[test]
fn a_refilled_reorg_keeps_the_height_with_other_hashes() {
    let mut chain = chain();
    let old: Vec<_> = (0..4).map(|_| chain.mine_slot()).collect();
    let outcome = chain.reorg(Reorg { depth: 3, refill: true, ..Reorg::default() }).expect("possible");
    assert_eq!(chain.head().number(), 4);
    for (old, new) in old[1..].iter().zip(&outcome.added) {
        assert_eq!((old.number(), old.slot), (new.number(), new.slot));
        assert_ne!((old.hash, old.header.mix_hash), (new.hash, new.header.mix_hash));
        assert_eq!(chain.block_by_hash(old.hash).expect("kept").hash, old.hash);
    }
    assert_eq!(outcome.added[0].header.parent_hash, old[0].hash);
}

#[test]
fn transactions_can_be_dropped_and_delayed() {
    let mut chain = chain();
    let dropped = chain.submit(&tx(0, 0).raw()).expect("accepted");
    let delayed = chain.submit(&tx(1, 0).raw()).expect("accepted");
    chain.drop_tx(dropped).expect("pooled");
    assert_eq!(chain.drop_tx(dropped), Err(ChainError::NotPooled(dropped)));
    chain.delay_tx(delayed, 2).expect("pooled");
    assert_eq!(chain.delay_tx(dropped, 2), Err(ChainError::NotPooled(dropped)));
    let mined: Vec<_> = (0..3).map(|_| chain.mine_slot().transactions.len()).collect();
    assert_eq!(mined, [0, 0, 1]);
}

#[test]
fn a_block_holds_no_more_than_its_gas() {
    let mut chain = Chain::new(ChainConfig { gas_limit: 50_000, ..ChainConfig::dev() }).expect("a chain");
    for nonce in 0..5 {
        chain.submit(&tx(0, nonce).raw()).expect("accepted");
    }
    let mined: Vec<_> = (0..3).map(|_| chain.mine_slot().transactions.len()).collect();
    assert_eq!(mined, [2, 2, 1]);
}

#[test]
fn base_fees_rise_when_blocks_are_full() {
    let mut chain = Chain::new(ChainConfig { gas_limit: 42_000, ..ChainConfig::dev() }).expect("a chain");
    for nonce in 0..4 {
        chain.submit(&tx(0, nonce).raw()).expect("accepted");
    }
    let fees: Vec<_> = (0..3).map(|_| chain.mine_slot().header.base_fee_per_gas.expect("a fee")).collect();
    assert_eq!(fees, [875_000_000, 984_375_000, 1_107_421_875]);
}

fn sidecar(data: &[u8]) -> BlobTransactionSidecar {
    SidecarBuilder::<SimpleCoder>::from_slice(data).build().expect("a sidecar")
}

fn blob_tx(key: usize, nonce: u64, fee: u128, sidecar: &BlobTransactionSidecar) -> TxEip4844 {
    let _ = key;
    TxEip4844 {
        chain_id: 31337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee / 10,
        to: Address::repeat_byte(1),
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: sidecar.versioned_hashes().collect(),
        max_fee_per_blob_gas: fee,
        input: Bytes::new(),
    }
}

fn signed(key: usize, tx: TxEip4844, sidecar: BlobTransactionSidecar) -> Vec<u8> {
    let mut tx = TxEip4844WithSidecar { tx, sidecar: BlobTransactionSidecarVariant::from(sidecar) };
    let signature = signer(key).sign_transaction_sync(&mut tx).expect("a signature");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

#[test]
fn blobs_must_be_proven() {
    let mut chain = chain();
    let good = sidecar(b"data");
    let other = sidecar(b"other data");
    let tx = blob_tx(0, 0, 10_000_000_000, &good);
    let foreign = chain.submit(&signed(0, tx.clone(), other.clone()));
    assert!(matches!(foreign, Err(PoolError::Sidecar(_))), "{foreign:?}");
    let mut swapped = good.clone();
    swapped.blobs = other.blobs.clone();
    let swapped = chain.submit(&signed(0, tx.clone(), swapped));
    assert!(matches!(swapped, Err(PoolError::Sidecar(_))), "{swapped:?}");
    let mut unproven = good.clone();
    unproven.proofs = other.proofs;
    let unproven = chain.submit(&signed(0, tx.clone(), unproven));
    assert!(matches!(unproven, Err(PoolError::Sidecar(_))), "{unproven:?}");
    let mut missing = good.clone();
    missing.blobs.clear();
    let missing = chain.submit(&signed(0, tx.clone(), missing));
    assert!(matches!(missing, Err(PoolError::Sidecar(_))), "{missing:?}");
    let mut none = tx.clone();
    none.blob_versioned_hashes.clear();
    assert_eq!(chain.submit(&signed(0, none, good.clone())), Err(PoolError::NoBlobs));
    let mut many = tx.clone();
    many.blob_versioned_hashes = vec![many.blob_versioned_hashes[0]; 7];
    assert_eq!(
        chain.submit(&signed(0, many, good.clone())),
        Err(PoolError::TooManyBlobs { limit: 6, actual: 7 })
    );
    chain.submit(&signed(0, tx, good)).expect("accepted");
}

#[test]
fn blob_transactions_keep_to_themselves_and_replace_at_twice_the_fee() {
    let mut chain = chain();
    let blobs = sidecar(b"data");
    let first = signed(0, blob_tx(0, 0, 10_000_000_000, &blobs), blobs.clone());
    let first = chain.submit(&first).expect("accepted");
    assert_eq!(chain.submit(&tx(0, 1).raw()), Err(PoolError::AddressReserved));
    let low = signed(0, blob_tx(0, 0, 19_999_999_999, &blobs), blobs.clone());
    assert_eq!(chain.submit(&low), Err(PoolError::ReplacementUnderpriced));
    let high = signed(0, blob_tx(0, 0, 20_000_000_000, &blobs), blobs.clone());
    let high = chain.submit(&high).expect("accepted");
    assert!(chain.pooled(first).is_none());
    let block = chain.mine_slot();
    assert_eq!(*block.transactions[0].hash(), high);
    assert_eq!(chain.block_blobs(&block).len(), 1);
    // a reorg takes the blobs along
    let hash = blobs.versioned_hashes().next().expect("one");
    assert!(chain.blob(hash).is_some());
    chain.reorg(Reorg { depth: 1, ..Reorg::default() }).expect("possible");
    assert!(chain.blob(hash).is_none());
    let again = chain.mine_slot();
    assert_eq!(*again.transactions[0].hash(), high);
    assert_eq!(chain.block_blobs(&again)[0].blob(), blobs.blobs.first());
}

#[test]
fn blobs_are_forgotten_after_their_time() {
    let config = ChainConfig { blob_retention_slots: 3, ..ChainConfig::dev() };
    let mut chain = Chain::new(config).expect("a chain");
    let blobs = sidecar(b"data");
    chain.submit(&signed(0, blob_tx(0, 0, 10_000_000_000, &blobs), blobs.clone())).expect("accepted");
    let block = chain.mine_slot();
    let kept: Vec<_> = (0..5)
        .map(|_| {
            chain.mine_slot();
            chain.block_blobs(&block).len()
        })
        .collect();
    assert_eq!(kept, [1, 1, 1, 0, 0]);
}

#[test]
fn blob_fees_rise_with_use() {
    let mut chain = chain();
    let mut blob_fees = Vec::new();
    let blobs = SidecarBuilder::<SimpleCoder>::from_slice(&vec![0x11; 31 * 4096 * 5]);
    let blobs: BlobTransactionSidecar = blobs.build().expect("a sidecar");
    assert_eq!(blobs.blobs.len(), 6);
    for round in 0..2 {
        for key in 0..3 {
            let tx = blob_tx(key, round, 10_000_000_000, &blobs);
            chain.submit(&signed(key, tx, blobs.clone())).expect("accepted");
        }
        let block = chain.mine_slot();
        assert_eq!(block.header.blob_gas_used, Some(18 * 131_072));
        blob_fees.push(block.header.excess_blob_gas.expect("set"));
    }
    // the base fee is above 16 times the blob fee, so that EIP-7918 holds the excess up: 18 * 7 / 21 blobs
    assert_eq!(blob_fees, [0, 6 * 131_072]);
}

#[test]
fn accounts_can_set_code() {
    let mut chain = chain();
    let target = Address::repeat_byte(0x55);
    let authorization = Authorization { chain_id: U256::from(31337), address: target, nonce: 0 };
    let signature = signer(1).sign_hash_sync(&authorization.signature_hash()).expect("a signature");
    let mut tx = TxEip7702 {
        chain_id: 31337,
        nonce: 0,
        gas_limit: 100_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: signer(1).address(),
        value: U256::ZERO,
        access_list: Default::default(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: Bytes::new(),
    };
    let signature = signer(0).sign_transaction_sync(&mut tx).expect("a signature");
    chain.submit(&TxEnvelope::from(tx.into_signed(signature)).encoded_2718()).expect("accepted");
    let block = chain.mine_slot();
    assert_eq!(block.transactions.len(), 1);
    // the delegated account still sends
    chain.submit(&common::tx(1, 1).raw()).expect("accepted");
    assert_eq!(chain.mine_slot().transactions.len(), 1);
}

#[test]
fn a_failing_transaction_is_mined_and_says_so() {
    let mut chain = chain();
    let mut tx = tx(0, 0);
    tx.to = TxKind::Create;
    tx.value = 0;
    tx.gas = 100_000;
    // an invalid opcode
    chain.submit(&tx.sign(&evaluate(&[0xfe])).encoded_2718()).expect("accepted");
    let block = chain.mine_slot();
    let receipt = &block.receipts[0];
    assert!(!receipt.envelope.status());
    assert_eq!(receipt.gas_used, 100_000);
}

#[test]
fn finality_lags_behind_the_clock() {
    use alloy::eips::BlockNumberOrTag::{Finalized, Safe};
    let mut chain = chain();
    for _ in 0..70 {
        chain.mine_slot();
    }
    let number = |tag| chain.resolve(alloy::eips::BlockId::Number(tag)).expect("a block").number();
    assert_eq!((number(Safe), number(Finalized)), (38, 6));
}

#[test]
fn configurations_without_room_are_refused() {
    for config in [
        ChainConfig { gas_limit: 29_999, ..ChainConfig::dev() },
        ChainConfig { state_history: 0, ..ChainConfig::dev() },
    ] {
        assert!(matches!(Chain::new(config), Err(ChainError::Config(_))));
    }
}
