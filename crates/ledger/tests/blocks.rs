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
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn total(state: &State<MemoryStore>) -> u128 {
    (0..64).filter_map(|number| state.account(index(number))).map(|account| u128::from(account.balance)).sum()
}

// rule: J8, J13
#[test]
fn the_queue_comes_first_and_fees_are_credited_chunk_by_chunk() {
    let mut state = funded(2, 100);
    let built = build(
        &mut state,
        rules(3),
        3,
        &[deposit(3, 7).into()],
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
    build(&mut state, rules(0), 1, &[], &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
    let mut state = funded(2, 100);
    build(&mut state, rules(9), 1, &[], &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
}

// rule: J13
#[test]
fn a_share_of_the_fees_is_burned_chunk_by_chunk() {
    let mut state = funded(3, 1_000);
    let rules = BlockRules { fee_burn: FeeBurn::new(3_333).unwrap(), ..rules(3) };
    let candidates: Vec<_> = (0..6).map(|nonce| transfer(1, 2, 1, 5, nonce)).collect();
    let block = build(&mut state, rules, 2, &[], &candidates).unwrap().block;
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
    assert_eq!(build(&mut state, all, 2, &[], &candidates).unwrap().block.burned(), 30);
    assert_eq!(state.account(index(3)).unwrap().balance, 1_000);
    // If the fee recipient doesn't exist, all fees are burned.
    let mut state = funded(3, 1_000);
    let nobody = BlockRules { fee_recipient: index(9), ..rules };
    assert_eq!(build(&mut state, nobody, 2, &[], &candidates).unwrap().block.burned(), 30);
}

// rule: J9, Y8
#[test]
fn exits_are_taken_in_the_queues_order_and_claimed_like_withdrawals() {
    let mut state = funded(2, 100);
    let queue = [exit(1).into(), deposit(1, 7).into(), exit(1).into(), exit(2).into(), exit(5).into()];
    let built =
        build(&mut state, rules(0), 3, &queue, &[transfer(1, 2, 1, 0, 0), transfer(2, 1, 0, 0, 0)]).unwrap();
    let block = &built.block;
    let kinds: Vec<Vec<u8>> =
        block.chunks.iter().map(|chunk| chunk.slots.iter().map(|slot| slot.slot.kind()).collect()).collect();
    // The second exit doesn't fit into the last slot of the first chunk.
    assert_eq!(kinds, [[2, 4, 3, 0], [2, 4, 2, 4], [2, 4, 1, 0]]);
    let error = OperationError::InsufficientBalance { account: index(1), available: 0, required: 1 };
    assert_eq!(built.skipped, [(0, SkipReason::Invalid(error))]);
    let withdrawals: Vec<_> = block
        .withdrawals()
        .iter()
        .map(|pending| (pending.from.get(), pending.amount, pending.target))
        .collect();
    let target = Address::repeat_byte(0xee);
    assert_eq!(withdrawals, [(1, 100, target), (1, 7, target), (2, 100, target), (5, 0, target)]);
    assert_eq!(total(&state), 0);
    assert_eq!((block.deposits().count(), block.exits().count()), (1, 4));
    assert_eq!(state.account(index(5)), None);
    let blobs = block.blobs();
    let mut follower = funded(2, 100);
    replay(&mut follower, rules(0), 3, &blobs, &queue, Signatures::Proven).unwrap();
    assert_eq!(follower.root(), state.root());
}

// rule: Y9
#[test]
fn however_deposits_and_exits_are_mixed_half_a_chunks_slots_hold_as_many() {
    for seed in 0..200u64 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        for operations in [2usize, 3, 4, 5, 8] {
            let layout = Layout::new(operations, operations.next_power_of_two(), 2).unwrap();
            let rules = BlockRules { layout, ..rules(0) };
            let queue: Vec<QueuedOperation> = (0..4 * (operations / 2))
                .map(|_| match rng.random_bool(0.7) {
                    true => exit(1).into(),
                    false => deposit(1, 1).into(),
                })
                .collect();
            build(&mut funded(1, 5), rules, 4, &queue, &[]).unwrap();
        }
    }
}

// rule: Y3
#[test]
fn an_empty_block_has_one_chunk_of_padding() {
    let mut state = funded(1, 1);
    let before = state.root();
    let built = build(&mut state, rules(1), 4, &[], &[transfer(2, 1, 1, 0, 0)]).unwrap();
    assert_eq!(built.skipped, [(0, SkipReason::Invalid(OperationError::UnknownSender(index(2))))]);
    assert_eq!(built.block.chunks.len(), 1);
    assert_eq!((built.block.state_root(), built.block.parent_root()), (before, before));
}

#[test]
fn a_full_block_leaves_the_rest_out() {
    let mut state = funded(2, 100);
    let candidates: Vec<_> = (0..6).map(|nonce| transfer(1, 2, 1, 0, nonce)).collect();
    let built = build(&mut state, rules(0), 1, &[], &candidates).unwrap();
    assert_eq!(built.skipped, [(4, SkipReason::BlockFull(1)), (5, SkipReason::BlockFull(1))]);
}

#[test]
fn fees_that_the_recipient_cannot_take_keep_an_operation_out() {
    let mut state = funded(2, 100);
    state.apply_deposit(&deposit(3, u64::MAX - 7)).unwrap();
    let built =
        build(&mut state, rules(3), 1, &[], &[transfer(1, 2, 1, 5, 0), transfer(2, 1, 1, 3, 0)]).unwrap();
    let error = OperationError::BalanceOverflow { account: index(3), balance: u64::MAX - 7, amount: 8 };
    assert_eq!(built.skipped, [(1, SkipReason::Invalid(error))]);
    assert_eq!(state.account(index(3)).unwrap().balance, u64::MAX - 2);
}

#[test]
fn impossible_blocks_are_refused() {
    let deposits: Vec<_> = (1..6).map(|number| deposit(number, 1).into()).collect();
    let error = build(&mut funded(0, 0), rules(0), 1, &deposits, &[]).unwrap_err();
    assert_eq!(error, BuildError::QueueTooLong { max: 1, actual: 5, left: 1 });
    assert_eq!(build(&mut funded(0, 0), rules(0), 0, &[], &[]).unwrap_err(), BuildError::NoChunks);
    let error = build(&mut funded(1, u64::MAX), rules(0), 1, &[deposit(1, 1).into()], &[]).unwrap_err();
    assert!(matches!(error, BuildError::Queued { number: 0, .. }), "{error}");
    let error = build(&mut funded(1, 1), rules(64), 1, &[], &[]).unwrap_err();
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
        let deposits: Vec<QueuedOperation> = (0..rng.random_range(0..7))
            .map(|_| match rng.random_bool(0.4) {
                true => exit(rng.random_range(1..8)).into(),
                false => deposit(rng.random_range(1..8), rng.random_range(0..99)).into(),
            })
            .collect();
        let fee_burn = FeeBurn::new(rng.random_range(0..=10_000)).unwrap();
        let rules = BlockRules { fee_burn, ..rules(rng.random_range(0..8)) };
        let built = build(&mut state, rules, 8, &deposits, &candidates).unwrap();
        let (block, count) = (&built.block, built.block.chunks.len());
        let blobs = block.blobs();
        let signatures = block.signatures().unwrap();
        let given = Signatures::Given(&signatures);
        let again = replay(&mut parent.clone(), rules, count, &blobs, &deposits, given).unwrap();
        assert_eq!(&again, block);
        let mut follower = parent.clone();
        let followed = replay(&mut follower, rules, count, &blobs, &deposits, Signatures::Proven).unwrap();
        assert_eq!(followed.state_root(), state.root());
        assert_eq!(follower.root(), state.root());
        let payee = Address::repeat_byte(7);
        assert_eq!(followed.commitments(payee), block.commitments(payee));
        assert_eq!(followed.burned(), block.burned());
        if let [first, .., last] = signatures.as_slice() {
            let swapped = [&[*last], &signatures[1..signatures.len() - 1], &[*first]].concat();
            let result =
                replay(&mut parent.clone(), rules, count, &blobs, &deposits, Signatures::Given(&swapped));
            assert!(matches!(
                result,
                Err(ReplayError::Operation { source: OperationError::InvalidSignature(_), .. })
            ));
        }
    }
}

/// Replays one chunk made of these slots.
fn replay_slots(slots: [Slot; 4], queue: &[QueuedOperation]) -> Result<BlockWitness, ReplayError> {
    let blobs = blob::encode(&rules(0).layout, &[slots.iter().map(Slot::pack).collect()]);
    replay(&mut funded(2, 100), rules(0), 1, &blobs, queue, Signatures::Proven)
}

// rule: J8, J9, J11, Y8
#[test]
fn malformed_data_is_refused_with_its_place() {
    use Slot::{Deposit as Paid, Padding, Target, Withdrawal as Leave};
    let leave = Leave { from: index(1), amount: 1, fee: 0 };
    let target = Target(Address::repeat_byte(1));
    assert!(replay_slots([leave, target, Padding, Padding], &[]).is_ok());
    assert_eq!(
        replay_slots([leave, Padding, Padding, Padding], &[]),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 1, actual: Some(Padding) })
    );
    assert_eq!(
        replay_slots([Padding, Padding, Padding, leave], &[]),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 4, actual: None })
    );
    assert_eq!(
        replay_slots([Padding, target, Padding, Padding], &[]),
        Err(ReplayError::OrphanTarget { chunk: 0, slot: 1 })
    );
    let paid = Paid { to: index(1), amount: 5 };
    assert!(replay_slots([Padding, paid, Padding, Padding], &[deposit(1, 5).into()]).is_ok());
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], &[deposit(1, 6).into()]),
        Err(ReplayError::QueueMismatch { slot: 0, expected: Some(_), .. })
    ));
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], &[]),
        Err(ReplayError::QueueMismatch { slot: 0, expected: None, .. })
    ));
    assert_eq!(
        replay_slots([Padding; 4], &[deposit(1, 5).into()]),
        Err(ReplayError::QueueLeft { expected: 1, actual: 0 })
    );
    let entry = QueueEntry::Exit { from: index(1), target: Address::repeat_byte(0xee) };
    let (left, to) = (Slot::Exit { from: index(1), amount: 100 }, Target(Address::repeat_byte(0xee)));
    assert!(replay_slots([left, to, Padding, Padding], &[exit(1).into()]).is_ok());
    assert_eq!(
        replay_slots([left, to, Padding, Padding], &[]),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: None, actual: entry })
    );
    let other = QueueEntry::Exit { from: index(2), target: Address::repeat_byte(0xee) };
    assert_eq!(
        replay_slots([left, to, Padding, Padding], &[exit(2).into()]),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: Some(other), actual: entry })
    );
    let elsewhere = QueueEntry::Exit { from: index(1), target: Address::repeat_byte(1) };
    assert_eq!(
        replay_slots([left, target, Padding, Padding], &[exit(1).into()]),
        Err(ReplayError::QueueMismatch { chunk: 0, slot: 0, expected: Some(entry), actual: elsewhere })
    );
    for amount in [0, 99, 101] {
        let part = Slot::Exit { from: index(1), amount };
        assert_eq!(
            replay_slots([part, to, Padding, Padding], &[exit(1).into()]),
            Err(ReplayError::ExitAmount { chunk: 0, slot: 0, from: index(1), expected: 100, actual: amount })
        );
    }
    assert_eq!(
        replay_slots([Padding, Padding, Padding, left], &[exit(1).into()]),
        Err(ReplayError::MissingTarget { chunk: 0, slot: 4, actual: None })
    );
    assert_eq!(
        replay_slots([leave, to, Padding, Padding], &[exit(1).into()]),
        Err(ReplayError::QueueLeft { expected: 1, actual: 0 })
    );
    let overdrawn = Leave { from: index(1), amount: 101, fee: 0 };
    assert!(matches!(
        replay_slots([overdrawn, target, Padding, Padding], &[]),
        Err(ReplayError::Operation { chunk: 0, slot: 0, source: OperationError::InsufficientBalance { .. } })
    ));
    let blobs = blob::encode(&rules(0).layout, &[vec![Fr::from(1u64); 4]]);
    let result = replay(&mut funded(2, 100), rules(0), 1, &blobs, &[], Signatures::Proven);
    assert!(matches!(result, Err(ReplayError::Slot { chunk: 0, slot: 0, .. })));
}
