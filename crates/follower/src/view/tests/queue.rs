//! The Bridge's queue: what a block must and may consume.

use super::*;

#[test]
fn forced_exits_are_queued_among_the_deposits() {
    let mut world = World::new();
    let event = deposited(&world.view, 1, 101);
    world.apply(101, vec![event]);
    let event = exited(&world.view, 1, 105);
    world.apply(105, vec![event]);
    let required = |cutoff| world.view.queue_required(L1Slot::new(cutoff));
    assert_eq!(required(105), QueueRange { from: 0, to: 1 });
    assert_eq!(required(106), QueueRange { from: 0, to: 2 });
    let record = &world.view.queue()[1];
    assert_eq!((record.number, record.owner, record.from), (1, PROVER, PROVER));
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
fn operations_are_due_by_age_and_bounded() {
    let mut world = World::new();
    for (index, l1_slot) in [(1, 101), (2, 101), (3, 105), (4, 106), (5, 107), (6, 108)] {
        let event = deposited(&world.view, index, l1_slot);
        world.apply(l1_slot + u64::from(index), vec![event]);
    }
    let required = |cutoff| world.view.queue_required(L1Slot::new(cutoff));
    assert_eq!(required(101), QueueRange { from: 0, to: 0 });
    assert_eq!(required(102), QueueRange { from: 0, to: 2 });
    assert_eq!(required(106), QueueRange { from: 0, to: 3 });
    assert_eq!(required(999), QueueRange { from: 0, to: 4 }, "as many as a block may consume");
    assert_eq!(world.view.queue_available(), QueueRange { from: 0, to: 4 });
    // what is required passes the contract's own check, and one less doesn't
    for cutoff in 100..112 {
        let range = required(cutoff);
        let queued = |number: u64| Some(world.view.queue()[number as usize].l1_slot);
        range.check(4, L1Slot::new(cutoff), 6, queued).unwrap();
        if let Some(fewer) = range.to.checked_sub(1) {
            let fewer = QueueRange { to: fewer, ..range };
            assert!(fewer.check(4, L1Slot::new(cutoff), 6, queued).is_err(), "cutoff {cutoff}");
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
