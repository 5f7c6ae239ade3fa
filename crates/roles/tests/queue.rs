//! What a block takes of the Bridge's queues: the checks of L1, and entries that a reorg may still undo.

use alloy::consensus::Header as L1Header;
use alloy::primitives::{Address, B256, U256};
use fernet_follower::{QueueRanges, RollupView, ViewConfig};
use fernet_l1::{L1Block, LoggedEvent, RollupEvent, Scoring};
use fernet_protocol::{
    ChainId, Deposit, Exit, Header, L1Operation, L1Slot, Lane, Parameters, QueueRange, QueueRangeError,
    RollupId, Slot, samples,
};
use fernet_roles::{check_consumption, voluntary_young_entry};

/// A view of deposits and forced exits that were queued in these L1 slots.
fn view(deposits: &[u64], exits: &[u64]) -> RollupView {
    let mut view = RollupView::new(ViewConfig {
        rollup: RollupId::new(ChainId::new(31_337), Address::repeat_byte(1)),
        parameters: Parameters { max_deposits: 4, max_exits: 2, ..samples::parameters() },
        scoring: Scoring::Public,
        genesis_slot: L1Slot::new(100),
        genesis_root: B256::repeat_byte(2),
        escrow_withdrawal_delay: 100,
    });
    let number = |index: u32| u64::from(index).saturating_sub(1);
    let (mut events, mut chains) = (Vec::new(), [B256::ZERO; 2]);
    for (index, queued_at) in (1..).zip(deposits) {
        let (key_x, key_y, amount, owner) = (U256::from(1), U256::from(2), 5, Address::repeat_byte(3));
        chains[0] = L1Operation::Deposit(Deposit { index, amount, key_x, key_y }).chain(chains[0]);
        events.push(RollupEvent::Deposited {
            number: number(index),
            index,
            owner,
            from: owner,
            key_x,
            key_y,
            amount,
            chain: chains[0],
            l1_slot: L1Slot::new(*queued_at),
        });
    }
    for (index, queued_at) in (1..).zip(exits) {
        let to = Address::repeat_byte(4);
        chains[1] = L1Operation::Exit(Exit { index, to }).chain(chains[1]);
        events.push(RollupEvent::ExitForced {
            number: number(index),
            index,
            owner: Address::repeat_byte(3),
            to,
            chain: chains[1],
            l1_slot: L1Slot::new(*queued_at),
        });
    }
    let header = L1Header { number: 1, ..L1Header::default() };
    let logged = |(index, event)| LoggedEvent { event, tx: B256::ZERO, log_index: index };
    let block = L1Block {
        number: 1,
        hash: header.hash_slow(),
        l1_slot: L1Slot::new(200),
        events: (0..).zip(events).map(logged).collect(),
        header,
    };
    view.apply(&block).expect("a valid block");
    view
}

/// The header of a block on the tip that takes so many entries of each queue.
fn header(view: &RollupView, deposits: u64, exits: u64) -> Header {
    let chain = |lane, end| view.queue_chain(lane, end).unwrap_or_default();
    Header {
        deposits_end: deposits,
        deposits_chain: chain(Lane::Deposits, deposits),
        exits_end: exits,
        exits_chain: chain(Lane::Exits, exits),
        ..samples::header(Slot::new(0))
    }
}

// rule: W3
#[test]
fn each_lane_is_checked_as_l1_does() {
    let view = view(&[110, 120, 130, 140, 150], &[111, 121, 131]);
    let check = |header: &Header, cutoff| check_consumption(&view, header, L1Slot::new(cutoff));
    let ranges =
        QueueRanges { deposits: QueueRange { from: 0, to: 4 }, exits: QueueRange { from: 0, to: 2 } };
    assert_eq!(check(&header(&view, 4, 2), 200), Ok(ranges), "as many as a block may take");
    assert!(check(&header(&view, 2, 1), 121).is_ok());
    use QueueRangeError as E;
    let few = check(&header(&view, 1, 1), 121);
    assert_eq!(few, Err(E::NotConsumed { lane: Lane::Deposits, required: 2, actual: 1 }));
    let few = check(&header(&view, 2, 1), 122);
    assert_eq!(few, Err(E::NotConsumed { lane: Lane::Exits, required: 2, actual: 1 }));
    let many = check(&header(&view, 2, 3), 121);
    assert_eq!(many, Err(E::TooMany { lane: Lane::Exits, maximum: 2, actual: 3 }));
    let beyond = check(&header(&view, 2, 4), 121);
    assert!(matches!(beyond, Err(E::OutOfRange { lane: Lane::Exits, .. })));
    let other = Header { deposits_chain: B256::repeat_byte(9), ..header(&view, 2, 1) };
    assert!(matches!(check(&other, 121), Err(E::WrongChain { lane: Lane::Deposits, .. })));
}

#[test]
fn an_entry_is_young_unless_it_is_old_or_must_be_taken() {
    let view = view(&[110, 120, 130], &[125]);
    let ranges = |deposits, exits| QueueRanges {
        deposits: QueueRange { from: 0, to: deposits },
        exits: QueueRange { from: 0, to: exits },
    };
    let young = |deposits, exits, cutoff, now, depth| {
        voluntary_young_entry(&view, &ranges(deposits, exits), L1Slot::new(cutoff), L1Slot::new(now), depth)
    };
    assert_eq!(young(3, 1, 100, 130, 0), None, "a depth of 0 takes everything");
    assert_eq!(young(3, 1, 100, 130, 1), Some((Lane::Deposits, 2)));
    assert_eq!(young(3, 1, 100, 131, 1), None);
    assert_eq!(young(2, 1, 100, 131, 10), Some((Lane::Exits, 0)));
    assert_eq!(young(2, 0, 100, 131, 10), None);
    assert_eq!(young(2, 1, 126, 131, 10), None, "the block must take it");
    assert_eq!(young(2, 1, 126, 131, 12), None);
    assert_eq!(young(3, 1, 130, 131, 12), Some((Lane::Deposits, 2)));
    assert_eq!(young(0, 0, 100, 131, 99), None);
}
