//! Model and contracts beside each other: the same random calls, the same outcome.
//!
//! `FERNET_LONG=1` runs 10,000 sequences; `FERNET_MODEL_SEED=<number>` runs the one of a reported difference
//! again.
#![allow(missing_docs)]

use std::{
    env,
    num::NonZero,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use fernet_model::{Difference, Planted, Rules, Tally, run_altered, run_sequence};
use fernet_protocol::{Bps, TokenAmount};

/// Calls of a sequence.
const CALLS: usize = 50;
const SHORT: u64 = 300;
const LONG: u64 = 10_000;

/// What must have happened in the short profile already, with names as in the tally.
const SEEN: &[&str] = &[
    // every event
    "event Rollup.Proposed",
    "event Rollup.SeedProven",
    "event Rollup.Displaced",
    "event Rollup.Committed",
    "event Rollup.Revealed",
    "event Rollup.Finalized Finalized",
    "event Rollup.Finalized Rescued",
    "event Rollup.Finalized Backup",
    "event Rollup.BackupBlock",
    "event Rollup.CandidateAbandoned",
    "event Rollup.CandidateWithheld",
    "event Rollup.BondReleased",
    "event Rollup.BondSlashed",
    "event Rollup.SlotExpired",
    "event Rollup.SlotVoided",
    "event Rollup.Paused",
    "event Staking.Registered",
    "event Staking.EntryCancelled",
    "event Staking.ExitInitiated",
    "event Staking.Withdrawn",
    "event Staking.Slashed",
    "event Staking.ToppedUp",
    "event Staking.WithdrawerSet",
    "event Staking.FeeRecipientSet",
    "event Staking.AttesterRotated",
    "event Staking.BlsKeyRotated",
    "event Staking.EntryFlushSet",
    "event Escrow.SignerSet",
    "event Escrow.Deposited",
    "event Escrow.WithdrawalRequested",
    "event Escrow.Withdrawn",
    "event Escrow.Locked",
    "event Escrow.Released",
    "event Escrow.Slashed",
    "event Rewards.Funded",
    "event Rewards.BlockPaid",
    "event Rewards.Claimed",
    "event Rewards.RatesScheduled",
    "event Bridge.Deposited",
    "event Bridge.ExitForced",
    "event Bridge.WithdrawalClaimed",
    "event Randomness.MixProven",
    "event Votes.Signalled",
    "event Votes.SignalIgnored",
    "event Votes.QuorumReached",
    "event Votes.Pushed",
    "event Timelock.Queued",
    "event Timelock.Executed",
    "event Guardian.PauseUsed",
    "event Guardian.PauseApproved",
    "event Guardian.GuardianChanged",
    "event Registry.VersionAdded",
    // refusals that need a certain state
    "Propose: WrongPhase",
    "Propose: WrongSlot",
    "Propose: NotEligible",
    "Propose: NotAttester",
    "Propose: AlreadyProposed",
    "Propose: ScoreTooLow",
    "Propose: UnknownMix",
    "Propose: WrongProofLength",
    "Propose: WrongBlsKey",
    "Propose: BadBlsSignature",
    "Commit: WrongPhase",
    "Commit: BadSignature",
    "Commit: InsufficientFree",
    "Commit: PriceOutOfRange",
    "Commit: QuoteExpired",
    "Reveal: WrongParent",
    "Reveal: NoNewBlob",
    "Finalize: WrongPhase",
    "Finalize: WrongHeader",
    "Finalize: other data",
    "FinalizeBackup: WrongPhase",
    "FinalizeBackup: BlobNotPublished",
    "FinalizeBackup: VoteNotZero",
    "FinalizeBackup: TooManyOperations Deposits",
    "FinalizeBackup: TooManyOperations Exits",
    "FinalizeBackup: QueueOutOfRange Deposits",
    "FinalizeBackup: QueueOutOfRange Exits",
    "FinalizeBackup: WrongChain Deposits",
    "FinalizeBackup: WrongChain Exits",
    "Reveal: OperationsNotConsumed Deposits",
    "Reveal: OperationsNotConsumed Exits",
    "Reveal: WrongChain Deposits",
    "Reveal: WrongChain Exits",
    "ForceExit: DepositPending",
    "ForceExit: ExitUsed",
    "EscrowDeposit: AmountTooHigh",
    "SetRates: RewardTooHigh",
    "SetRates: PromptnessTooHigh",
    "SetRates: SharesNotWhole",
    "Register: QueueFull",
    "Settle: NothingToSettle",
    "WithdrawStake: NotWithdrawableYet",
    "Claim: PotEmpty",
    "ClaimWithdrawal: NotFinalized",
    "ClaimWithdrawal: BlobOutOfRange",
    "ClaimWithdrawal: ElementOutOfRange",
    "ClaimWithdrawal: NotAWithdrawal",
    "ClaimWithdrawal: AlreadyClaimed",
    "ClaimWithdrawal: OpeningRejected",
    "ClaimWithdrawal: SupplyTooLow",
    "ClaimWithdrawal: NotATarget",
    "Push: NoQuorum",
    "Push: PushClosed",
    "Push: AlreadyPushed",
    "Push: UnreadablePayload",
    "Queue: WrongStatus",
    "Queue: ActionsTooLong",
    "Execute: WrongStatus",
    "Execute: WrongActions",
    "Execute: TargetWithoutCode",
    "Execute: ActionFailed by RewardTooHigh",
    "Execute: ActionFailed by ReentrancyGuardReentrantCall",
    "GuardianPause: NotApproved",
    "Pause: PausedRecently",
    "Pause: AlreadyPaused",
    "GuardianPause: PausedRecently",
    "GuardianPause: NotGuardian",
    "Approve: AlreadyApproved",
    "AddVersion: AlreadyCanonical",
    "AddVersion: BadParameter",
    // branches that no event or error shows
    "branch: a price below zero",
    "branch: a stall is paid",
    "branch: less than an idle slot is paid",
    "branch: a pause keeps a stall",
    "branch: a block consumes deposits",
    "branch: a block consumes forced exits",
    "branch: a late proof costs a part of the bond",
    "branch: another block burns the bond of the revealed one",
    "branch: a bond uses what was being withdrawn",
    "branch: a named key signs",
    "branch: a delegated account signs with its key",
    "branch: a wallet accepts",
];

fn report(difference: &Difference) -> String {
    format!("{difference}\nagain: FERNET_MODEL_SEED={} cargo test -p fernet-model", difference.seed)
}

/// Runs the sequences below `count` on all cores. The lowest one that differs is told.
fn run_all(count: u64) -> Result<Tally, Difference> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                return Ok(tally);
            }
            match run_sequence(seed, CALLS) {
                Ok(more) => tally.add(&more),
                Err(difference) => {
                    next.store(count, Ordering::Relaxed);
                    return Err(difference);
                }
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
    });
    if let Some(first) = results.iter().filter_map(|r| r.as_ref().err()).min_by_key(|d| d.seed) {
        return Err(first.clone());
    }
    let mut total = Tally::default();
    results.iter().flatten().for_each(|tally| total.add(tally));
    Ok(total)
}

#[test]
fn model_and_contracts_agree() {
    if let Ok(seed) = env::var("FERNET_MODEL_SEED") {
        let seed = seed.parse().expect("FERNET_MODEL_SEED is a number");
        match run_sequence(seed, CALLS) {
            Ok(tally) => println!("{tally}sequence {seed}: no difference"),
            Err(difference) => panic!("{}", report(&difference)),
        }
        return;
    }
    let count = if env::var("FERNET_LONG").is_ok_and(|long| long == "1") { LONG } else { SHORT };
    let tally = run_all(count).unwrap_or_else(|difference| panic!("{}", report(&difference)));
    println!("{tally}{count} sequences of {CALLS} calls: no difference");
    let missing: Vec<_> = SEEN.iter().filter(|name| tally.count(name) == 0).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn a_sequence_is_the_same_every_time() {
    assert_eq!(run_sequence(7, CALLS), run_sequence(7, CALLS));
    assert_ne!(run_sequence(7, CALLS), run_sequence(11, CALLS));
}

/// Each of these is a bug that either side might have. With one on the model's side, some sequence must show
/// it.
#[test]
fn planted_differences_are_found() {
    type Bug = (&'static str, fn(&mut Rules));
    let bugs: &[Bug] = &[
        ("a penalty one unit too high", |r| {
            r.parameters.withhold_penalty = TokenAmount::new(r.parameters.withhold_penalty.get() + 1);
        }),
        ("a rescuer's share one basis point off", |r| {
            r.parameters.rescue_share = Bps::new(r.parameters.rescue_share.get().abs_diff(1));
        }),
        ("a reveal phase one L1 slot too long", |r| r.parameters.reveal_phase += 1),
        ("an exclusive phase that ends early", |r| r.parameters.exclusive_proving -= 1),
        ("a backup phase one L1 slot too long", |r| r.parameters.backup_phase += 1),
        ("a pause one L1 slot too long", |r| r.parameters.pause_length += 1),
        ("a list of one candidate more", |r| r.parameters.max_candidates += 1),
        ("one deposit more in a block", |r| r.parameters.max_deposits += 1),
        ("a bond below the minimum", |r| r.parameters.min_bond = TokenAmount::new(999)),
        ("an escrow that pays early", |r| r.escrow_delay -= 1),
        ("an exit that pays early", |r| r.staking.exit_delay -= 1),
        ("an ejection one unit too late", |r| {
            r.staking.minimum_stake = TokenAmount::new(r.staking.minimum_stake.get() / 2);
        }),
        ("an entry queue with longer windows", |r| r.staking.entry_window += 1),
        ("an activation one L1 slot too early", |r| r.staking.entry_period -= 1),
        ("rewards rounded the other way", |r| {
            r.rates.prover_share = Bps::new(r.rates.prover_share.get() + 1);
            r.rates.submitter_share = Bps::new(r.rates.submitter_share.get() - 1);
        }),
        ("another unit of deposits", |r| r.unit += 1),
        ("a withdrawal without a target", |r| r.blob_elements += 1),
        ("another number of blobs", |r| r.chunks_per_blob += 1),
        ("a voting round one slot longer", |r| r.governance.voting_round += 1),
        ("a quorum of one vote more", |r| r.governance.voting_quorum += 1),
        ("pushes one L1 slot too long", |r| r.governance.push_period += 1),
        ("a timelock that is early", |r| r.governance.delay -= 1),
        ("a timelock that keeps payloads for longer", |r| r.governance.grace += 1),
        ("a payload of one action more", |r| r.governance.max_actions += 1),
        ("a payload one word longer", |r| r.governance.max_actions_bytes += 32),
        ("a reason one byte longer", |r| r.governance.max_reason_bytes += 1),
        ("a guardian with one pause more", |r| r.governance.first_approvals += 1),
        // the bonus
        ("a commitment phase one L1 slot too long", |r| r.parameters.commitment_phase += 1),
        ("a bonus that falls from the commitment on", |r| r.planted = Some(Planted::BonusFromCommitment)),
        ("a bonus one basis point off", |r| {
            r.rates.bonus_share = Bps::new(r.rates.bonus_share.get() + 1);
            r.rates.sequencer_share = Bps::new(r.rates.sequencer_share.get() - 1);
        }),
        // backup
        ("a rescuer's share for another block", |r| r.planted = Some(Planted::ShareForAnotherBlock)),
        // prices
        ("no negative price", |r| r.planted = Some(Planted::NoNegativePrice)),
        // time
        ("a stall one L1 slot later", |r| r.parameters.stall_after += 1),
        ("a longer stall", |r| r.parameters.max_stall += 1),
        ("a pause that counts as a stall", |r| r.planted = Some(Planted::PauseIsStall)),
        ("pay for one L1 slot less", |r| r.planted = Some(Planted::PaidForLess)),
        ("a reward one unit too high", |r| {
            r.rates.reward_per_l1_slot = TokenAmount::new(r.rates.reward_per_l1_slot.get() + 1);
        }),
        // proofs
        ("a promptness one basis point off", |r| {
            r.rates.promptness = Bps::new(r.rates.promptness.get().abs_diff(1));
        }),
        ("all of the prover's share for a late proof", |r| r.planted = Some(Planted::LateProofIsPrompt)),
        ("the whole bond for a late proof", |r| r.planted = Some(Planted::LateProofTakesAll)),
        // what a header names
        ("a header with any rolling hash", |r| r.planted = Some(Planted::AnyChain)),
        ("a rolling hash of nothing", |r| r.planted = Some(Planted::ChainWithoutConsumption)),
        // what a signature is worth
        ("a bond out of the free balance alone", |r| r.planted = Some(Planted::LockOfFreeOnly)),
        ("a bond out of a withdrawal that is due", |r| r.planted = Some(Planted::LockOfDueWithdrawal)),
        ("code that replaces an account's key", |r| r.planted = Some(Planted::CodeReplacesKey)),
        ("a named key that changes at once", |r| r.planted = Some(Planted::SignerAtOnce)),
        ("named keys of provers alone", |r| r.planted = Some(Planted::SignerOfProverOnly)),
        ("a fuller escrow account", |r| r.planted = Some(Planted::FullBalances)),
        // lanes
        ("one forced exit more in a block", |r| r.parameters.max_exits += 1),
        ("an exit before its deposit", |r| r.planted = Some(Planted::ExitBeforeDeposit)),
        ("an exit that waits for the last deposit", |r| r.planted = Some(Planted::ExitAfterLastDeposit)),
    ];
    let missed: Vec<_> = bugs
        .iter()
        .filter(|(name, alter)| match run_altered(0..SHORT, CALLS, alter) {
            Ok(()) => true,
            Err(found) => {
                let what = found.what.lines().next().unwrap_or_default();
                println!("{name}: sequence {}, call {}: {what}", found.seed, found.index);
                false
            }
        })
        .map(|(name, _)| name)
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
