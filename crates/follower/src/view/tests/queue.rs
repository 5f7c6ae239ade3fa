//! The Bridge's queues: what a block must and may consume.

use fernet_protocol::{Consumption, QueueEntry};

use super::*;

#[test]
fn forced_exits_have_a_queue_of_their_own() {
    let mut world = World::new();
    let event = deposited(&world.view, 1, 101);
    world.apply(101, vec![event]);
    let event = exited(&world.view, 1, 105);
    world.apply(105, vec![event]);
    let required = |lane, cutoff| world.view.queue_required(lane, L1Slot::new(cutoff));
    assert_eq!(required(Lane::Deposits, 102), QueueRange { from: 0, to: 1 });
    assert_eq!(required(Lane::Exits, 105), QueueRange { from: 0, to: 0 });
    assert_eq!(required(Lane::Exits, 106), QueueRange { from: 0, to: 1 });
    let record = &world.view.queue(Lane::Exits)[0];
    assert_eq!((record.number, record.owner, record.from), (0, PROVER, PROVER));
    assert_eq!(record.operation, L1Operation::Exit(Exit { index: 1, to: PAYEE }));
    let RollupEvent::ExitForced { number, index, owner, chain, l1_slot, .. } = exited(&world.view, 1, 107)
    else {
        unreachable!()
    };
    // The rolling hash is that of another target.
    let forged = RollupEvent::ExitForced { number, index, owner, to: PROVER, chain, l1_slot };
    assert!(world.refusal(107, vec![forged]).contains("event ExitForced of L1 block"));
}

#[test]
fn a_finalized_header_names_the_queues_rolling_hashes() {
    let mut world = World::new();
    let mut events = vec![deposited(&world.view, 1, 101)];
    events.push(exited(&world.view, 1, 101));
    world.apply(101, events);
    let block = consuming(&world.view, header(&world.view, 0, 7, 0, 1), 1, 1);
    let [deposits, exits] = Lane::ALL.map(|lane| world.view.queue_chain(lane, 1).unwrap());
    assert_eq!((block.deposits_chain, block.exits_chain), (deposits, exits));
    for [deposits_chain, exits_chain] in [[deposits, exits], [exits, deposits], [deposits; 2]] {
        let mut world = World { view: world.view.clone(), ..world };
        let named = Header { deposits_chain, exits_chain, ..block.clone() };
        world.apply(103, vec![proposed(0, 103, 100, 1, 5, named.hash())]);
        world.apply(107, vec![committed(0, 1, named.hash(), 107), revealed(&named, 1, true, 107)]);
        let event = finalized(&named, Outcome::Finalized, 108);
        if named == block {
            world.apply(108, vec![event]);
            let tip = world.view.tip();
            assert_eq!((tip.deposits_end, tip.exits_end), (1, 1));
            assert_eq!(Lane::ALL.map(|lane| world.view.queue_available(lane).count()), [0, 0]);
        } else {
            assert!(world.refusal(108, vec![event]).contains("expected rolling hash"));
        }
    }
}

#[test]
fn operations_are_due_by_age_and_bounded() {
    let mut world = World::new();
    for (index, l1_slot) in [(1, 101), (2, 101), (3, 105), (4, 106), (5, 107), (6, 108)] {
        let event = deposited(&world.view, index, l1_slot);
        world.apply(l1_slot + u64::from(index), vec![event]);
    }
    let required = |cutoff| world.view.queue_required(Lane::Deposits, L1Slot::new(cutoff));
    assert_eq!(required(101), QueueRange { from: 0, to: 0 });
    assert_eq!(required(102), QueueRange { from: 0, to: 2 });
    assert_eq!(required(106), QueueRange { from: 0, to: 3 });
    assert_eq!(required(999), QueueRange { from: 0, to: 4 }, "as many as a block may consume");
    assert_eq!(world.view.queue_available(Lane::Deposits), QueueRange { from: 0, to: 4 });
    // what is required passes the contract's own check, and one less doesn't
    for cutoff in 100..112 {
        let range = required(cutoff);
        let queued = |number: u64| {
            let record = &world.view.queue(Lane::Deposits)[number as usize];
            Some(QueueEntry { chain: record.chain, queued_at: record.l1_slot })
        };
        let check = |to: u64| {
            let named = (to > 0).then(|| world.view.queue_chain(Lane::Deposits, to).unwrap());
            let chain = named.unwrap_or_default();
            let part = Consumption { lane: Lane::Deposits, from: range.from, to, chain, maximum: 4 };
            part.check(L1Slot::new(cutoff), 6, queued)
        };
        check(range.to).unwrap();
        if let Some(fewer) = range.to.checked_sub(1) {
            assert!(check(fewer).is_err(), "cutoff {cutoff}");
        }
    }
    let RollupEvent::Deposited { owner, from, key_x, key_y, amount, chain, .. } =
        deposited(&world.view, 7, 110)
    else {
        unreachable!()
    };
    let skipped = RollupEvent::Deposited {
        number: 7,
        index: 7,
        owner,
        from,
        key_x,
        key_y,
        amount,
        chain,
        l1_slot: L1Slot::new(120),
    };
    assert_eq!(
        world.refusal(120, vec![skipped]),
        "event Deposited of L1 block 7 contradicts the view: expected number 6, got 7"
    );
    let forged = RollupEvent::Deposited {
        number: 6,
        index: 7,
        owner,
        from,
        key_x,
        key_y,
        amount: amount + 1,
        chain,
        l1_slot: L1Slot::new(120),
    };
    assert!(world.refusal(120, vec![forged]).contains("expected rolling hash"));
}
