//! What remembering blocks for reorgs costs in memory.
#![cfg(target_os = "linux")]

use alloy::{
    consensus::Header,
    primitives::{Address, B256, keccak256},
};
use fernet_follower::{RollupView, ViewConfig};
use fernet_l1::{L1Block, LoggedEvent, REORG_LIMIT, RollupEvent, Scoring};
use fernet_protocol::{ChainId, L1Slot, RollupId, SequencerId, TokenAmount, samples};

const SEQUENCERS: u32 = 1_000;
/// Bytes that may be taken, by far more than what the states share and less than a copy for each block.
const BOUND: u64 = 100_000_000;

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("resident pages");
    pages * 4_096
}

fn registered(id: u32) -> RollupEvent {
    let account = |salt: u8| Address::from_word(keccak256([&id.to_be_bytes()[..], &[salt]].concat()));
    RollupEvent::Registered {
        sequencer: SequencerId::new(id),
        attester: account(0),
        owner: account(1),
        withdrawer: account(2),
        fee_recipient: id,
        stake: TokenAmount::new(100),
        active_from: L1Slot::new(200),
        bls_key: [keccak256(id.to_be_bytes()); 4],
    }
}

fn apply(view: &mut RollupView, number: u64, events: Vec<RollupEvent>) {
    let parent_hash = view.head().map(|head| head.hash).unwrap_or_default();
    let header = Header { number, parent_hash, ..Header::default() };
    let logged = |(index, event)| LoggedEvent { event, tx: B256::ZERO, log_index: index as u64 };
    let block = L1Block {
        number,
        hash: header.hash_slow(),
        l1_slot: L1Slot::new(100 + number),
        events: events.into_iter().enumerate().map(logged).collect(),
        header,
    };
    view.apply(&block).expect("a block that follows");
}

/// A view with 1,000 sequencers, of which one changes in each block, and all blocks that a reorg can undo.
#[test]
fn states_of_remembered_blocks_share_what_did_not_change() {
    let mut view = RollupView::new(ViewConfig {
        rollup: RollupId::new(ChainId::new(31_337), Address::repeat_byte(1)),
        parameters: samples::parameters(),
        scoring: Scoring::Public,
        genesis_slot: L1Slot::new(100),
        genesis_root: B256::repeat_byte(2),
        escrow_withdrawal_delay: 4,
    });
    apply(&mut view, 1, (1..=SEQUENCERS).map(registered).collect());
    let before = resident();
    for number in 0..REORG_LIMIT as u64 {
        let sequencer = SequencerId::new(u32::try_from(number).expect("few") % SEQUENCERS + 1);
        let withdrawer = Address::from_word(B256::from(alloy::primitives::U256::from(number + 1)));
        apply(&mut view, number + 2, vec![RollupEvent::WithdrawerSet { sequencer, withdrawer }]);
    }
    let taken = resident().saturating_sub(before);
    println!("{taken} bytes for {REORG_LIMIT} blocks, {} each", taken / REORG_LIMIT as u64);
    assert!(taken <= BOUND, "{taken} bytes");
    // Every one of them can still be undone.
    let last = Address::from_word(B256::from(alloy::primitives::U256::from(REORG_LIMIT as u64)));
    let changed = SequencerId::new((REORG_LIMIT as u32 - 1) % SEQUENCERS + 1);
    assert_eq!(view.sequencer(changed).map(|record| record.withdrawer), Some(last));
    view.rollback(2).expect("a remembered block");
    assert_ne!(view.sequencer(changed).map(|record| record.withdrawer), Some(last));
}
