//! Building, publishing and replaying blocks.
#![allow(missing_docs)]

mod common;
use alloy_primitives::Address;
use common::*;
use fernet_ledger::{
    block::{BuildError, SkipReason, build},
    replay::{QueueEntry, ReplayError, Signatures, replay},
    *,
};
use fernet_protocol::Lane;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn total(state: &State<MemoryStore>) -> u128 {
    (0..64).filter_map(|number| state.account(index(number))).map(|account| u128::from(account.balance)).sum()
}

// rule: J8, J13
#[test]
fn the_lanes_come_first_and_fees_are_credited_chunk_by_chunk() {
    let mut state = funded(2, 100);
    let built = build(
        &mut state,
        rules(3),
        3,
        &lanes([deposit(3, 7).into()]),
        &[
            transfer(1, 2, 10, 5, 0),
            transfer(2, 1, 10, 6, 0),
            withdrawal(1, 1, 1, 1),
            transfer(3, 1, 18, 0, 0),
            transfer(2, 1, 1, 3, 1),
        ],
    )
    .unwrap();
    assert_eq!(built.skipped, []);
    let block = &built.block;
    let kinds: Vec<Vec<u8>> =
        block.chunks.iter().map(|chunk| chunk.slots.iter().map(|slot| slot.slot.kind()).collect()).collect();
    // The withdrawal doesn't fit into the last slot of the first chunk. In the second chunk, account 3 can
    // spend the fees of the first one.
    assert_eq!(kinds, [[3, 1, 1, 0], [2, 4, 1, 1]]);
    assert_eq!(block.chunks.iter().map(|chunk| chunk.fees).collect::<Vec<_>>(), [11, 4]);
    assert_eq!(state.account(index(3)).unwrap().balance, 4);
    assert_eq!(total(&state), 100 + 100 + 7 - 1);
    let withdrawals = block.withdrawals();
    assert_eq!(withdrawals.len(), 1);
    assert_eq!((withdrawals[0].element, withdrawals[0].amount), (4, 1));
    assert_eq!(block.state_root(), state.root());
}

// rule: J13
#[test]
fn without_an_account_the_fees_are_burned() {
    let mut state = funded(2, 100);
    build(&mut state, rules(0), 1, &Lanes::default(), &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
    let mut state = funded(2, 100);
    build(&mut state, rules(9), 1, &Lanes::default(), &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
}

// rule: J13
#[test]
fn a_share_of_the_fees_is_burned_chunk_by_chunk() {
    let mut state = funded(3, 1_000);
    let rules = BlockRules { fee_burn: FeeBurn::new(3_333).unwrap(), ..rules(3) };
    let candidates: Vec<_> = (0..6).map(|nonce| transfer(1, 2, 1, 5, nonce)).collect();
    let block = build(&mut state, rules, 2, &Lanes::default(), &candidates).unwrap().block;
    // The shares of 20 and of 10, each rounded down.
    assert_eq!(
        block.chunks.iter().map(|chunk| (chunk.fees, chunk.burned(&rules))).collect::<Vec<_>>(),
        [(20, 6), (10, 3)]
    );
    assert_eq!(block.burned(), 9);
    assert_eq!(state.account(index(3)).unwrap().balance, 1_021);
    assert_eq!(total(&state), 3_000 - 9);

    let mut state = funded(3, 1_000);
    let all = BlockRules { fee_burn: FeeBurn::ALL, ..rules };
    assert_eq!(build(&mut state, all, 2, &Lanes::default(), &candidates).unwrap().block.burned(), 30);
    assert_eq!(state.account(index(3)).unwrap().balance, 1_000);
    // If the fee recipient doesn't exist, all fees are burned.
    let mut state = funded(3, 1_000);
    let nobody = BlockRules { fee_recipient: index(9), ..rules };
    assert_eq!(build(&mut state, nobody, 2, &Lanes::default(), &candidates).unwrap().block.burned(), 30);
}

// rule: J9, Y8
#[test]
fn exits_come_before_deposits_and_are_claimed_like_withdrawals() {
    let mut state = funded(2, 100);
    let queue = lanes([deposit(2, 7).into(), exit(1).into(), exit(1).into(), exit(2).into(), exit(5).into()]);
    let built =
        build(&mut state, rules(0), 3, &queue, &[transfer(1, 2, 1, 0, 0), transfer(2, 1, 3, 0, 0)]).unwrap();
    let block = &built.block;
    let kinds: Vec<Vec<u8>> =
        block.chunks.iter().map(|chunk| chunk.slots.iter().map(|slot| slot.slot.kind()).collect()).collect();
    assert_eq!(kinds, [[2, 4, 2, 4], [2, 4, 2, 4], [3, 1, 0, 0]]);
    let error = OperationError::InsufficientBalance { account: index(1), available: 0, required: 1 };
    assert_eq!(built.skipped, [(0, SkipReason::Invalid(error))]);
    let withdrawals: Vec<_> = block
        .withdrawals()
        .iter()
        .map(|pending| (pending.from.get(), pending.amount, pending.target))
        .collect();
    let target = Address::repeat_byte(0xee);
    assert_eq!(withdrawals, [(1, 100, target), (1, 0, target), (2, 100, target), (5, 0, target)]);
    assert_eq!(total(&state), 7);
    assert_eq!((block.deposits().count(), block.exits().count()), (1, 4));
    assert_eq!(block.lanes(), queue);
    assert_eq!(state.account(index(5)), None);
    let blobs = block.blobs();
    let mut follower = funded(2, 100);
    replay(&mut follower, rules(0), 3, &blobs, &queue, Signatures::Proven).unwrap();
    assert_eq!(follower.root(), state.root());
}

// rule: Y8
#[test]
fn a_deposit_takes_the_slot_that_an_exit_does_not_fit_into() {
    let mut state = funded(2, 100);
    let rules = BlockRules { layout: Layout::new(3, 4, 2).unwrap(), ..rules(0) };
    let queue = lanes([exit(1).into(), exit(2).into(), deposit(1, 5).into(), deposit(2, 6).into()]);
    let block = build(&mut state, rules, 2, &queue, &[]).unwrap().block;
    let kinds: Vec<Vec<u8>> =
        block.chunks.iter().map(|chunk| chunk.slots.iter().map(|slot| slot.slot.kind()).collect()).collect();
    assert_eq!(kinds, [[2, 4, 3], [2, 4, 3]]);
    assert_eq!([1, 2].map(|number| state.account(index(number)).unwrap().balance), [5, 6]);
}

// rule: Y9
#[test]
fn a_block_holds_a_slot_for_each_deposit_and_two_for_each_exit() {
    for operations in [2usize, 4, 6, 8] {
        let layout = Layout::new(operations, operations.next_power_of_two(), 2).unwrap();
        let rules = BlockRules { layout, ..rules(0) };
        for exits in 0..=2 * operations {
            let deposits = 4 * operations - 2 * exits;
            let full = Lanes { deposits: vec![deposit(1, 1); deposits], exits: vec![exit(1); exits] };
            let block = build(&mut funded(1, 5), rules, 4, &full, &[]).unwrap().block;
            assert_eq!(block.chunks.len(), 4);
            assert!(block.slots().all(|(_, witness)| witness.slot != Slot::Padding));
            let one_more = Lanes { deposits: vec![deposit(1, 1); deposits + 1], ..full };
            assert_eq!(
                build(&mut funded(1, 5), rules, 4, &one_more, &[]).unwrap_err(),
                BuildError::QueueTooLong { max: 4, actual: deposits + exits + 1, left: 1 }
            );
        }
    }
}

// rule: Y9
#[test]
fn the_mainnets_maxima_fit_into_fourteen_of_sixteen_chunks() {
    let rules = BlockRules { layout: Layout::new(8, 8, 512).unwrap(), ..rules(0) };
    let most = Lanes { deposits: vec![deposit(1, 1); 56], exits: vec![exit(1); 28] };
    assert_eq!(build(&mut funded(1, 5), rules, 16, &most, &[]).unwrap().block.chunks.len(), 14);
}

// rule: Y3
#[test]
fn an_empty_block_has_one_chunk_of_padding() {
    let mut state = funded(1, 1);
    let before = state.root();
    let built = build(&mut state, rules(1), 4, &Lanes::default(), &[transfer(2, 1, 1, 0, 0)]).unwrap();
    assert_eq!(built.skipped, [(0, SkipReason::Invalid(OperationError::UnknownSender(index(2))))]);
    assert_eq!(built.block.chunks.len(), 1);
    assert_eq!((built.block.state_root(), built.block.parent_root()), (before, before));
}

#[test]
fn a_full_block_leaves_the_rest_out() {
    let mut state = funded(2, 100);
    let candidates: Vec<_> = (0..6).map(|nonce| transfer(1, 2, 1, 0, nonce)).collect();
    let built = build(&mut state, rules(0), 1, &Lanes::default(), &candidates).unwrap();
    assert_eq!(built.skipped, [(4, SkipReason::BlockFull(1)), (5, SkipReason::BlockFull(1))]);
}

#[test]
fn fees_that_the_recipient_cannot_take_keep_an_operation_out() {
    let mut state = funded(2, 100);
    state.apply_deposit(&deposit(3, u64::MAX - 7)).unwrap();
    let built = build(
        &mut state,
        rules(3),
        1,
        &Lanes::default(),
        &[transfer(1, 2, 1, 5, 0), transfer(2, 1, 1, 3, 0)],
    )
    .unwrap();
    let error = OperationError::BalanceOverflow { account: index(3), balance: u64::MAX - 7, amount: 8 };
    assert_eq!(built.skipped, [(1, SkipReason::Invalid(error))]);
    assert_eq!(state.account(index(3)).unwrap().balance, u64::MAX - 2);
}

#[test]
fn impossible_blocks_are_refused() {
    let deposits = Lanes { deposits: (1..6).map(|number| deposit(number, 1)).collect(), exits: Vec::new() };
    let error = build(&mut funded(0, 0), rules(0), 1, &deposits, &[]).unwrap_err();
    assert_eq!(error, BuildError::QueueTooLong { max: 1, actual: 5, left: 1 });
    assert_eq!(
        build(&mut funded(0, 0), rules(0), 0, &Lanes::default(), &[]).unwrap_err(),
        BuildError::NoChunks
    );
    let overflowing = lanes([exit(2).into(), deposit(2, 1).into(), deposit(1, 1).into()]);
    let error = build(&mut funded(1, u64::MAX), rules(0), 2, &overflowing, &[]).unwrap_err();
    assert!(matches!(error, BuildError::Queued { lane: Lane::Deposits, number: 1, .. }), "{error}");
    let error = build(&mut funded(1, 1), rules(64), 1, &Lanes::default(), &[]).unwrap_err();
    assert!(matches!(error, BuildError::Fees(OperationError::IndexOutOfRange { .. })), "{error}");
}

#[test]
fn random_blocks_replay_to_the_same_witness() {
    for seed in 0..60u64 {
        println!("seed {seed}");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let parent = funded(5, 1_000);
        let mut state = parent.clone();
        let mut nonces = [0u32; 6];
        let candidates: Vec<_> = (0..rng.random_range(0..30))
            .map(|_| {
                let from = rng.random_range(1..6u32);
                let nonce = nonces[from as usize];
                nonces[from as usize] += 1;
                let (amount, fee) = (rng.random_range(0..400), rng.random_range(0..9));
                if rng.random_bool(0.3) {
                    withdrawal(from, amount, fee, nonce)
                } else {
                    transfer(from, rng.random_range(1..8), amount, fee, nonce)
                }
            })
            .collect();
        let queue: Vec<QueuedOperation> = (0..rng.random_range(0..7))
            .map(|_| match rng.random_bool(0.4) {
                true => exit(rng.random_range(1..8)).into(),
                false => deposit(rng.random_range(1..8), rng.random_range(0..99)).into(),
            })
            .collect();
        let queue: Lanes = queue.into_iter().collect();
        let fee_burn = FeeBurn::new(rng.random_range(0..=10_000)).unwrap();
        let rules = BlockRules { fee_burn, ..rules(rng.random_range(0..8)) };
        let built = build(&mut state, rules, 8, &queue, &candidates).unwrap();
        let (block, count) = (&built.block, built.block.chunks.len());
        let blobs = block.blobs();
        let signatures = block.signatures().unwrap();
        let given = Signatures::Given(&signatures);
        let again = replay(&mut parent.clone(), rules, count, &blobs, &queue, given).unwrap();
        assert_eq!(&again, block);
        let mut follower = parent.clone();
        let followed = replay(&mut follower, rules, count, &blobs, &queue, Signatures::Proven).unwrap();
        assert_eq!(followed.state_root(), state.root());
        assert_eq!(follower.root(), state.root());
        let payee = Address::repeat_byte(7);
        assert_eq!(followed.commitments(payee), block.commitments(payee));
        assert_eq!(followed.burned(), block.burned());
        if let [first, .., last] = signatures.as_slice() {
            let swapped = [&[*last], &signatures[1..signatures.len() - 1], &[*first]].concat();
            let result =
                replay(&mut parent.clone(), rules, count, &blobs, &queue, Signatures::Given(&swapped));
            assert!(matches!(
                result,
                Err(ReplayError::Operation { source: OperationError::InvalidSignature(_), .. })
            ));
        }
    }
}

/// Replays one chunk made of these slots.
fn replay_slots<const N: usize>(
    slots: [Slot; 4],
    queue: [QueuedOperation; N],
) -> Result<BlockWitness, ReplayError> {
    let blobs = blob::encode(&rules(0).layout, &[slots.iter().map(Slot::pack).collect()]);
    replay(&mut funded(2, 100), rules(0), 1, &blobs, &lanes(queue), Signatures::Proven)
}

// rule: Y8
#[test]
fn the_data_says_how_the_lanes_are_mixed() {
    let paid = |number, amount| Slot::Deposit { to: index(number), amount };
    let left = |number, amount| Slot::Exit { from: index(number), amount };
    let to = Slot::Target(Address::repeat_byte(0xee));
    let queue = || [deposit(1, 5).into(), exit(1).into(), deposit(1, 6).into()];
    let mixes = [
        ([paid(1, 5), left(1, 105), to, paid(1, 6)], 106),
        ([left(1, 100), to, paid(1, 5), paid(1, 6)], 111),
        ([paid(1, 5), paid(1, 6), left(1, 111), to], 100),
    ];
    for (slots, total_after) in mixes {
        let blobs = blob::encode(&rules(0).layout, &[slots.iter().map(Slot::pack).collect()]);
        let mut state = funded(2, 100);
        let block = replay(&mut state, rules(0), 1, &blobs, &lanes(queue()), Signatures::Proven).unwrap();
        assert_eq!(total(&state), total_after);
        assert_eq!(block.lanes(), lanes(queue()));
    }
    // Each lane has its own order.
    let expected = Some(QueueEntry::Deposit { to: index(1), amount: 5 });
    let actual = QueueEntry::Deposit { to: index(1), amount: 6 };
    let error = replay_slots([left(1, 100), to, paid(1, 6), paid(1, 5)], queue()).unwrap_err();
    assert_eq!(error, ReplayError::QueueMismatch { chunk: 0, slot: 2, expected, actual });
    assert_eq!(error.to_string(), "chunk 0, slot 2: expected a deposit of 5 to #1, got a deposit of 6 to #1");
    let error = replay_slots([left(1, 100), to, paid(1, 5), Slot::Padding], queue()).unwrap_err();
    assert_eq!(error, ReplayError::QueueLeft { lane: Lane::Deposits, expected: 2, actual: 1 });
    assert_eq!(error.to_string(), "expected 2 deposits, got 1");
    let error = replay_slots([paid(1, 5), paid(1, 6), Slot::Padding, Slot::Padding], queue()).unwrap_err();
    assert_eq!(error.to_string(), "expected 1 forced exits, got 0");
    let error = replay_slots([left(1, 100), to, left(2, 100), to], queue()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "chunk 0, slot 2: expected no more forced exits, got an exit from #2 to {}",
            Address::repeat_byte(0xee)
        )
    );
}

// rule: J8, J9, J11, Y8
#[test]
fn malformed_data_is_refused_with_its_place() {
    use Slot::{Deposit as Paid, Padding, Target, Withdrawal as Leave};
    let leave = Leave { from: index(1), amount: 1, fee: 0 };
    let target = Target(Address::repeat_byte(1));
    assert!(replay_slots([leave, target, Padding, Padding], []).is_ok());
    assert_eq!(
        replay_slots([leave, Padding, Padding, Padding], []),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 1, actual: Some(Padding) })
    );
    assert_eq!(
        replay_slots([Padding, Padding, Padding, leave], []),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 4, actual: None })
    );
    assert_eq!(
        replay_slots([Padding, target, Padding, Padding], []),
        Err(ReplayError::OrphanTarget { chunk: 0, slot: 1 })
    );
    let paid = Paid { to: index(1), amount: 5 };
    assert!(replay_slots([Padding, paid, Padding, Padding], [deposit(1, 5).into()]).is_ok());
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], [deposit(1, 6).into()]),
        Err(ReplayError::QueueMismatch { slot: 0, expected: Some(_), .. })
    ));
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], []),
        Err(ReplayError::QueueMismatch { slot: 0, expected: None, .. })
    ));
    assert_eq!(
        replay_slots([Padding; 4], [deposit(1, 5).into()]),
        Err(ReplayError::QueueLeft { lane: Lane::Deposits, expected: 1, actual: 0 })
    );
    let entry = QueueEntry::Exit { from: index(1), target: Address::repeat_byte(0xee) };
    let (left, to) = (Slot::Exit { from: index(1), amount: 100 }, Target(Address::repeat_byte(0xee)));
    assert!(replay_slots([left, to, Padding, Padding], [exit(1).into()]).is_ok());
    assert_eq!(
        replay_slots([left, to, Padding, Padding], []),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: None, actual: entry })
    );
    let other = QueueEntry::Exit { from: index(2), target: Address::repeat_byte(0xee) };
    assert_eq!(
        replay_slots([left, to, Padding, Padding], [exit(2).into()]),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: Some(other), actual: entry })
    );
    let elsewhere = QueueEntry::Exit { from: index(1), target: Address::repeat_byte(1) };
    assert_eq!(
        replay_slots([left, target, Padding, Padding], [exit(1).into()]),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: Some(entry), actual: elsewhere })
    );
    for amount in [0, 99, 101] {
        let part = Slot::Exit { from: index(1), amount };
        assert_eq!(
            replay_slots([part, to, Padding, Padding], [exit(1).into()]),
            Err(ReplayError::ExitAmount { chunk: 0, slot: 0, from: index(1), expected: 100, actual: amount })
        );
    }
    assert_eq!(
        replay_slots([Padding, Padding, Padding, left], [exit(1).into()]),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 4, actual: None })
    );
    assert_eq!(
        replay_slots([leave, to, Padding, Padding], [exit(1).into()]),
        Err(ReplayError::QueueLeft { lane: Lane::Exits, expected: 1, actual: 0 })
    );
    let overdrawn = Leave { from: index(1), amount: 101, fee: 0 };
    assert!(matches!(
        replay_slots([overdrawn, target, Padding, Padding], []),
        Err(ReplayError::Operation { chunk: 0, slot: 0, source: OperationError::InsufficientBalance { .. } })
    ));
    let blobs = blob::encode(&rules(0).layout, &[vec![Fr::from(1u64); 4]]);
    let result = replay(&mut funded(2, 100), rules(0), 1, &blobs, &Lanes::default(), Signatures::Proven);
    assert!(matches!(result, Err(ReplayError::Slot { chunk: 0, slot: 0, .. })));
}
