//! Building, publishing and replaying blocks.
#![allow(missing_docs)]

mod common;
use common::*;
use fernet_ledger::block::{BuildError, SkipReason, build};
use fernet_ledger::replay::{ReplayError, Signatures, replay};
use fernet_ledger::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn total(state: &State<MemoryStore>) -> u128 {
    (0..64).filter_map(|number| state.account(index(number))).map(|account| u128::from(account.balance)).sum()
}

#[test]
fn deposits_come_first_and_fees_are_credited_chunk_by_chunk() {
    let mut state = funded(2, 100);
    let built = build(
        &mut state,
        rules(3),
        3,
        &[deposit(3, 7)],
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
    // The withdrawal doesn't fit the first chunk's last slot; account 3 can spend the first chunk's fees in the second.
    assert_eq!(kinds, [[3, 1, 1, 0], [2, 4, 1, 1]]);
    assert_eq!(block.chunks.iter().map(|chunk| chunk.fees).collect::<Vec<_>>(), [11, 4]);
    assert_eq!(state.account(index(3)).unwrap().balance, 4);
    assert_eq!(total(&state), 100 + 100 + 7 - 1);
    let withdrawals = block.withdrawals();
    assert_eq!(withdrawals.len(), 1);
    assert_eq!((withdrawals[0].element, withdrawals[0].amount), (4, 1));
    assert_eq!(block.state_root(), state.root());
}

#[test]
fn without_an_account_the_fees_are_burned() {
    let mut state = funded(2, 100);
    build(&mut state, rules(0), 1, &[], &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
    let mut state = funded(2, 100);
    build(&mut state, rules(9), 1, &[], &[transfer(1, 2, 10, 5, 0)]).unwrap();
    assert_eq!(total(&state), 195);
}

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
    let deposits: Vec<_> = (1..6).map(|number| deposit(number, 1)).collect();
    let error = build(&mut funded(0, 0), rules(0), 1, &deposits, &[]).unwrap_err();
    assert_eq!(error, BuildError::TooManyDeposits { max: 4, actual: 5 });
    assert_eq!(build(&mut funded(0, 0), rules(0), 0, &[], &[]).unwrap_err(), BuildError::NoChunks);
    let error = build(&mut funded(1, u64::MAX), rules(0), 1, &[deposit(1, 1)], &[]).unwrap_err();
    assert!(matches!(error, BuildError::Deposit { number: 0, .. }), "{error}");
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
        let deposits: Vec<_> = (0..rng.random_range(0..7))
            .map(|_| deposit(rng.random_range(1..8), rng.random_range(0..99)))
            .collect();
        let rules = rules(rng.random_range(0..8));
        let built = build(&mut state, rules, 5, &deposits, &candidates).unwrap();
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
        assert_eq!(followed.data_commitments(), block.data_commitments());
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
fn replay_slots(slots: [Slot; 4], deposits: &[Deposit]) -> Result<BlockWitness, ReplayError> {
    let blobs = blob::encode(&rules(0).layout, &[slots.iter().map(Slot::pack).collect()]);
    replay(&mut funded(2, 100), rules(0), 1, &blobs, deposits, Signatures::Proven)
}

#[test]
fn malformed_data_is_refused_with_its_place() {
    use Slot::{Deposit as Paid, Padding, Target, Withdrawal as Leave};
    let leave = Leave { from: index(1), amount: 1, fee: 0 };
    let target = Target(L1Address([1; 20]));
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
    assert!(replay_slots([Padding, paid, Padding, Padding], &[deposit(1, 5)]).is_ok());
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], &[deposit(1, 6)]),
        Err(ReplayError::DepositMismatch { slot: 0, expected: Some(_), .. })
    ));
    assert!(matches!(
        replay_slots([paid, Padding, Padding, Padding], &[]),
        Err(ReplayError::DepositMismatch { slot: 0, expected: None, .. })
    ));
    assert_eq!(
        replay_slots([Padding; 4], &[deposit(1, 5)]),
        Err(ReplayError::DepositsLeft { expected: 1, actual: 0 })
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
