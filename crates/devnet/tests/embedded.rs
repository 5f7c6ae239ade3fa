//! The devnet on the embedded L1.

mod common;

use alloy::primitives::{Address, U256};
use common::{compare_views, options, run, run_slots};
use fernet_devnet::{
    options::{DevnetOptions, L1Choice, ProofSource, Scoring},
    record::{SlotOutcome, SlotRecord, Summary},
};
use fernet_protocol::Phase;

fn outcomes(records: &[SlotRecord]) -> Vec<(u64, SlotOutcome)> {
    records.iter().map(|record| (record.slot, record.outcome)).collect()
}

/// What must hold at the end of every run.
fn check(records: &[SlotRecord], summary: &Summary) {
    assert!(summary.conservation.holds, "{:?}", summary.conservation.violations);
    let withdrawal = summary.withdrawal.as_ref().expect("a claimed withdrawal");
    assert_eq!(summary.paid.withdrawn, withdrawal.amount);
    assert!(withdrawal.amount.0 > U256::ZERO);
    assert_eq!(summary.slots, records.len() as u64);
    assert_eq!(summary.state_root, records.last().expect("a slot").state_root);
    assert_eq!(summary.withdrawals, 1);
    assert!(!summary.stopped && summary.missing.is_empty(), "{:?}", summary.missing);
    for record in records.iter().filter(|record| record.outcome != SlotOutcome::Empty) {
        assert!(record.gas.finalize.is_some_and(|gas| gas > 300_000), "{record:?}");
        assert!(record.chunks >= 1 && record.prover.is_some(), "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_slots_with_proofs_made_on_the_spot() {
    let options = DevnetOptions { proofs: ProofSource::Made, ..options(L1Choice::Embedded, 31_401, 2, "") };
    let (records, summary) = run(options).await;
    check(&records, &summary);
    assert_eq!(outcomes(&records), [(0, SlotOutcome::Finalized), (1, SlotOutcome::Finalized)]);
    for record in &records {
        assert!(record.proving_ms > 0);
        assert_eq!(record.rank, Some(0));
        assert!(record.sequencer.is_some());
        assert_eq!(record.transfers, 5);
        let gas = record.gas;
        assert!([gas.propose, gas.commit, gas.reveal, gas.finalize].iter().all(Option::is_some), "{gas:?}");
    }
    assert_eq!(records.iter().map(|record| record.deposits).sum::<u64>(), 6);
    assert_eq!(summary.slashed.burned.0, U256::ZERO);
    assert!(summary.paid.claimed.0 > U256::ZERO, "the roles claim their rewards");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_outcome_and_the_chain_goes_on() {
    let plan = "no-proposal@1,no-commitment@2,no-reveal@3,late-proof@4,no-proof@5,no-proof-no-rescue@6,\
                first-candidate-dead@7,no-proposal@8,no-backup@8";
    let (records, summary) = run(options(L1Choice::Embedded, 31_402, 10, plan)).await;
    check(&records, &summary);
    use SlotOutcome::{Backup, Empty, Finalized, Rescued};
    let expected = [Finalized, Backup, Backup, Backup, Rescued, Rescued, Backup, Finalized, Empty, Finalized];
    assert_eq!(records.iter().map(|record| record.outcome).collect::<Vec<_>>(), expected);
    assert_eq!(records[7].rank, Some(1), "the second candidate succeeds the dead first one");
    assert_eq!(records[6].rank, Some(0), "the revealed block itself is finalized in backup");
    assert_eq!(records[1].sequencer, None, "a prover's own block");
    assert_eq!(records[8].state_root, records[7].state_root, "an empty slot changes nothing");

    // Three provers failed, each with a bond of 25. Two blocks were proven late, which costs a twentieth for
    // each L1 slot of the open phase; the third one was proven in backup. A fifth went to whoever proved.
    let cents = |number: u64| U256::from(number) * U256::from(10).pow(U256::from(16));
    let (bonds, shares) = (summary.slashed.bonds.0, summary.slashed.bond_shares.0);
    assert_eq!(bonds % cents(125), U256::ZERO, "{bonds}");
    assert!(bonds >= cents(2_500 + 2 * 125) && bonds < cents(3 * 2_500), "{bonds}");
    assert_eq!(shares * U256::from(5), bonds);
    // Abandoned: three in slot 2 and one in slot 7, two tokens each. Withheld: three in slot 3, five tokens
    // each.
    assert_eq!(summary.slashed.stakes.0, cents(800 + 1_500));
    assert_eq!(summary.slashed.burned.0, cents(2_300) + bonds - shares);
    assert_eq!(summary.conservation.held["burned"].0, summary.slashed.burned.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_gives_the_same_chain_again_and_another_seed_another_one() {
    let seeded = async |seed| {
        let options = DevnetOptions { seed, ..options(L1Choice::Embedded, 31_403, 1, "") };
        run(options).await
    };
    let ((first, summary), (again, summary_again), (other, _)) =
        (seeded(1).await, seeded(1).await, seeded(2).await);
    let without_time = |mut records: Vec<SlotRecord>| {
        records.iter_mut().for_each(|record| record.proving_ms = 0);
        records
    };
    assert_eq!(without_time(first.clone()), without_time(again));
    assert_eq!(summary.l1_block_hash, summary_again.l1_block_hash);
    assert_eq!(summary.conservation, summary_again.conservation);
    assert_ne!(first[0].state_root, other[0].state_root);
}

#[tokio::test(flavor = "multi_thread")]
async fn drawn_scores_elect_and_succession_works_with_them() {
    let plan = "first-candidate-dead@1";
    let options = DevnetOptions { scoring: Scoring::Vrf, ..options(L1Choice::Embedded, 31_406, 2, plan) };
    let (records, summary) = run(options).await;
    check(&records, &summary);
    assert_eq!(outcomes(&records), [(0, SlotOutcome::Finalized), (1, SlotOutcome::Finalized)]);
    assert_eq!(records[0].rank, Some(0), "whoever draws the highest score wins");
    assert_eq!(records[1].rank, Some(1), "the second candidate succeeds the dead first one");
}

#[tokio::test(flavor = "multi_thread")]
async fn elected_blocks_vote_and_backup_blocks_do_not() {
    let payload = Address::repeat_byte(0x7a);
    let options = DevnetOptions { vote: payload, ..options(L1Choice::Embedded, 31_407, 2, "no-proposal@1") };
    let (devnet, records) = run_slots(options, 2).await;
    assert_eq!(
        records.iter().map(|r| r.outcome).collect::<Vec<_>>(),
        [SlotOutcome::Finalized, SlotOutcome::Backup]
    );
    let votes =
        fernet_bindings::IVotes::new(devnet.deployment().contracts().votes, devnet.backend().provider());
    let ballot = votes.ballot(0, payload).call().await.expect("ballot()");
    assert_eq!(ballot.votes, 1, "only the block of the elected sequencer counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_view_is_the_contracts_at_every_l1_slot() {
    let plan = "first-candidate-dead@0,no-proof-no-rescue@1,no-backup@1,no-proposal@2,no-backup@2";
    let seen = compare_views(options(L1Choice::Embedded, 31_404, 3, plan), 3).await;
    for phase in [
        Phase::Waiting,
        Phase::Proposal,
        Phase::Commitment,
        Phase::Reveal,
        Phase::ExclusiveProving,
        Phase::OpenProving,
        Phase::Halt,
        Phase::Backup,
    ] {
        assert!(seen.iter().any(|view| view.phase == phase), "the run never came through {phase:?}");
    }
}
