//! The transaction manager against real chains.

mod common;

use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
};
use common::{
    TestL1, assert_mined, assert_sent, blob, code, intent, key, signer, transport::Fault, warm_up_kzg,
};
use fernet_l1::{
    Accounts, BlobSidecar, FailureReason, Intent, PendingStage, SidecarFormat, TickReport, TxError,
    TxManager, TxStatus, TxStore, WaitReason, WhenReverting,
};
use fernet_protocol::L1Slot;

on_both_l1s!(
    a_plain_transaction_is_mined_once,
    a_key_names_one_intent_for_good,
    what_would_revert_is_not_sent_and_says_why,
    a_window_opens_exactly_in_its_first_l1_slot,
    an_unsent_intent_expires,
    a_transaction_that_costs_more_than_its_worth_waits,
    a_transaction_that_reverts_on_chain_has_failed,
    blobs_are_mined_by_their_own_account,
    one_account_sends_one_kind_at_a_time,
    a_lost_transaction_is_sent_again,
    a_transaction_whose_answer_was_lost_is_not_sent_twice,
    a_transaction_nobody_takes_is_replaced,
    a_sent_transaction_is_cancelled_when_its_window_closes,
    a_sent_blob_transaction_is_cancelled_by_a_blob_transaction,
    windows_close_while_the_head_stands_still,
    a_withdrawn_transaction_is_cancelled,
    a_refused_transaction_keeps_its_nonce,
    a_foreign_transaction_with_the_nonce_is_noticed,
    a_reorg_makes_a_mined_transaction_pending_again,
    a_tick_that_fails_hides_no_reorg,
    nothing_is_signed_before_the_nonce_is_known,
    a_restart_finds_what_was_mined_meanwhile,
    a_restart_sends_what_was_only_written_down,
    a_restart_finds_a_reorg,
    a_restart_still_has_the_blobs,
);

const SOMEBODY: Address = Address::repeat_byte(0x5b);

async fn tick(l1: &TestL1, manager: &mut TxManager) -> TickReport {
    manager.tick(&l1.head().await).await.unwrap()
}

async fn mine_and_tick(l1: &mut TestL1, manager: &mut TxManager) -> TickReport {
    let head = l1.mine().await;
    manager.tick(&head).await.unwrap()
}

/// L1 slot that the next block has.
async fn next_slot(l1: &TestL1) -> L1Slot {
    l1.head().await.l1_slot.plus(1)
}

async fn a_plain_transaction_is_mined_once(mut l1: TestL1) {
    let mut manager = l1.manager();
    let before = l1.provider.get_balance(SOMEBODY).await.unwrap();
    let pay = Intent { value: U256::from(7), ..intent("pay", SOMEBODY) };
    // no L1 block was seen yet
    assert_eq!(
        manager.submit(pay.clone()).await.unwrap(),
        TxStatus::Pending(PendingStage::Waiting(WaitReason::New))
    );
    let report = tick(&l1, &mut manager).await;
    assert_eq!(report.sent.len(), 1);
    assert!(matches!(
        manager.submit(pay.clone()).await.unwrap(),
        TxStatus::Pending(PendingStage::Sent { attempts: 1, .. })
    ));
    let report = mine_and_tick(&mut l1, &mut manager).await;
    let outcome = assert_mined(&manager, "pay");
    assert_eq!(report.mined, [(key("pay"), outcome.clone())]);
    assert!(outcome.success && outcome.gas_used == 21_000 && outcome.fee() > U256::ZERO);
    assert_eq!(manager.submit(pay).await.unwrap(), TxStatus::Mined(outcome));
    mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(l1.provider.get_balance(SOMEBODY).await.unwrap() - before, U256::from(7));
}

async fn a_key_names_one_intent_for_good(mut l1: TestL1) {
    let mut manager = l1.manager();
    let first = intent("key", SOMEBODY);
    let second = Intent { value: U256::from(1), ..first.clone() };
    manager.submit(first.clone()).await.unwrap();
    // nothing was sent: the newer one takes its place
    manager.submit(second.clone()).await.unwrap();
    tick(&l1, &mut manager).await;
    let error = manager.submit(first).await.unwrap_err();
    assert_eq!(error.to_string(), "key key already names another intent, which was sent");
    assert!(!error.is_retryable());
    mine_and_tick(&mut l1, &mut manager).await;
    assert!(matches!(manager.submit(second).await.unwrap(), TxStatus::Mined(_)));

    let empty =
        Intent { not_before: L1Slot::new(9), expires_at: L1Slot::new(9), ..intent("empty", SOMEBODY) };
    assert_eq!(
        manager.submit(empty).await.unwrap_err().to_string(),
        "window of empty is empty: expected its end after L1 slot 9, got 9"
    );
    assert!(matches!(manager.withdraw(&key("none")), Err(TxError::UnknownKey { .. })));
}

async fn what_would_revert_is_not_sent_and_says_why(mut l1: TestL1) {
    // NoNewBlob() of the rollup
    let selector = alloy::primitives::keccak256("NoNewBlob()")[..4].try_into().unwrap();
    let contract = l1.deploy(&code::reverting(selector)).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    for gas_limit in [None, Some(100_000)] {
        let name = format!("give up {gas_limit:?}");
        let status = manager.submit(Intent { gas_limit, ..intent(&name, contract) }).await.unwrap();
        let TxStatus::Failed { reason: FailureReason::WouldRevert { reason, data }, outcome: None } = status
        else {
            panic!("expected a failure, got {status:?}");
        };
        assert_eq!((reason.as_str(), data.as_ref()), ("NoNewBlob()", &selector[..]));
    }
    let retrying = Intent { when_reverting: WhenReverting::Retry, ..intent("retry", contract) };
    let waits =
        TxStatus::Pending(PendingStage::Waiting(WaitReason::WouldRevert { reason: "NoNewBlob()".into() }));
    assert_eq!(manager.submit(retrying).await.unwrap(), waits);
    let report = mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(manager.status(&key("retry")), Some(waits));
    assert!(report.sent.is_empty() && report.waiting.len() == 1);
    assert_eq!(l1.provider.get_transaction_count(signer(0).address()).await.unwrap(), 0);
}

async fn a_window_opens_exactly_in_its_first_l1_slot(mut l1: TestL1) {
    let gate = l1.deploy(code::TIME_GATE).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let opens = next_slot(&l1).await.plus(2);
    let calldata = U256::from(l1.clock.start_of(opens)).to_be_bytes_vec();
    // one knows its window, the other finds out
    let window = Intent { calldata: calldata.clone().into(), not_before: opens, ..intent("window", gate) };
    let probing = Intent {
        calldata: calldata.into(),
        when_reverting: WhenReverting::Retry,
        gas_limit: Some(100_000),
        ..intent("probing", gate)
    };
    let early = TxStatus::Pending(PendingStage::Waiting(WaitReason::TooEarly));
    assert_eq!(manager.submit(window).await.unwrap(), early);
    manager.submit(probing).await.unwrap();
    for name in ["window", "probing"] {
        assert!(
            matches!(manager.status(&key(name)), Some(TxStatus::Pending(PendingStage::Waiting(_)))),
            "{name}"
        );
    }
    for _ in 0..3 {
        mine_and_tick(&mut l1, &mut manager).await;
    }
    assert_eq!(l1.head().await.l1_slot, opens);
    for name in ["window", "probing"] {
        assert_eq!(assert_mined(&manager, name).block_hash, l1.head().await.hash, "{name}");
    }
}

async fn an_unsent_intent_expires(mut l1: TestL1) {
    let gate = l1.deploy(code::TIME_GATE).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let expires_at = next_slot(&l1).await.plus(1);
    let never = Bytes::from(vec![0xff; 32]);
    let intent =
        Intent { calldata: never, expires_at, when_reverting: WhenReverting::Retry, ..intent("late", gate) };
    assert!(matches!(manager.submit(intent).await.unwrap(), TxStatus::Pending(PendingStage::Waiting(_))));
    let report = mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(report.expired, [key("late")]);
    assert_eq!(manager.status(&key("late")), Some(TxStatus::Expired { cancelled_by: None }));
}

async fn a_transaction_that_costs_more_than_its_worth_waits(l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let cheap = Intent { max_total_fee: U256::from(21_000), ..intent("cheap", SOMEBODY) };
    let status = manager.submit(cheap).await.unwrap();
    let TxStatus::Pending(PendingStage::Waiting(WaitReason::TooExpensive { needed, maximum })) = status
    else {
        panic!("expected it to wait, got {status:?}");
    };
    assert!(maximum == U256::from(21_000) && needed > maximum);
}

async fn a_transaction_that_reverts_on_chain_has_failed(mut l1: TestL1) {
    let once = l1.deploy(code::ONCE).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    // both simulations succeed; only one of the transactions can
    for name in ["first", "second"] {
        assert!(matches!(
            manager.submit(intent(name, once)).await.unwrap(),
            TxStatus::Pending(PendingStage::Sent { .. })
        ));
    }
    let report = mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "first");
    let Some(TxStatus::Failed { reason: FailureReason::Reverted { reason }, outcome: Some(outcome) }) =
        manager.status(&key("second"))
    else {
        panic!("expected a failure, got {:?}", manager.status(&key("second")));
    };
    assert!(reason.contains("revert"), "{reason}");
    assert!(!outcome.success && outcome.fee() > U256::ZERO && outcome.block_number == l1.head().await.number);
    assert_eq!(report.failed.len(), 1);
}

fn blob_intent(name: &str, to: Address, byte: u8, format: SidecarFormat) -> Intent {
    warm_up_kzg();
    let blobs = BlobSidecar::build(vec![blob(byte)], format).unwrap();
    let calldata = blobs.versioned_hashes()[0].0.into();
    Intent { blobs: Some(blobs), calldata, ..intent(name, to) }
}

async fn blobs_are_mined_by_their_own_account(mut l1: TestL1) {
    let gate = l1.deploy(code::BLOB_GATE).await;
    let accounts = Accounts::new(signer(0)).with_blob_account(signer(1));
    let mut manager = l1.manager_of(accounts, TxStore::in_memory().unwrap());
    tick(&l1, &mut manager).await;
    manager.submit(intent("plain", SOMEBODY)).await.unwrap();
    manager.submit(blob_intent("reveal", gate, 1, SidecarFormat::Eip7594)).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    // both in one block: neither waited for the other
    assert_eq!(assert_mined(&manager, "plain").block_hash, assert_mined(&manager, "reveal").block_hash);
    let outcome = assert_mined(&manager, "reveal");
    assert!(outcome.blob_gas_used == 131_072 && outcome.blob_gas_price > 0);
    let wrong =
        Intent { calldata: B256::ZERO.0.into(), ..blob_intent("wrong", gate, 2, SidecarFormat::Eip7594) };
    assert!(matches!(
        manager.submit(wrong).await.unwrap(),
        TxStatus::Failed { reason: FailureReason::WouldRevert { .. }, .. }
    ));
}

async fn one_account_sends_one_kind_at_a_time(mut l1: TestL1) {
    let gate = l1.deploy(code::BLOB_GATE).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    manager.submit(intent("plain", SOMEBODY)).await.unwrap();
    let waits = TxStatus::Pending(PendingStage::Waiting(WaitReason::OtherKindPending));
    assert_eq!(manager.submit(blob_intent("reveal", gate, 1, SidecarFormat::Eip7594)).await.unwrap(), waits);
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "plain");
    assert_sent(&manager, "reveal");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "reveal");
}

async fn a_lost_transaction_is_sent_again(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    l1.faults.next(Fault::Lost);
    manager.submit(intent("lost", SOMEBODY)).await.unwrap();
    let (first, ..) = assert_sent(&manager, "lost");
    mine_and_tick(&mut l1, &mut manager).await;
    let (again, ..) = assert_sent(&manager, "lost");
    assert_eq!(first, again, "the same transaction, not another one");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "lost");
}

async fn a_transaction_whose_answer_was_lost_is_not_sent_twice(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    l1.faults.next(Fault::AnswerLost);
    let pay = Intent { value: U256::from(3), ..intent("pay", SOMEBODY) };
    manager.submit(pay).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(l1.provider.get_transaction_count(signer(0).address()).await.unwrap(), 1);
}

async fn a_transaction_nobody_takes_is_replaced(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    manager.submit(intent("slow", SOMEBODY)).await.unwrap();
    let (first, nonce, _) = assert_sent(&manager, "slow");
    let before = l1.provider.get_transaction_by_hash(first).await.unwrap().unwrap();
    for _ in 0..2 {
        let (hash, ..) = assert_sent(&manager, "slow");
        l1.drop_transaction(hash).await;
        mine_and_tick(&mut l1, &mut manager).await;
    }
    let (second, same_nonce, attempts) = assert_sent(&manager, "slow");
    assert!(second != first && same_nonce == nonce && attempts == 2);
    let after = l1.provider.get_transaction_by_hash(second).await.unwrap().unwrap();
    use alloy::consensus::Transaction;
    assert!(after.max_fee_per_gas() * 10 >= before.max_fee_per_gas() * 11);
    let tips = |tx: &alloy::rpc::types::Transaction| tx.max_priority_fee_per_gas().unwrap();
    assert!(tips(&after) * 10 >= tips(&before) * 11);
    mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(assert_mined(&manager, "slow").hash, second);
}

/// Keeps an intent's transactions out of blocks until its window closes.
async fn starve(l1: &mut TestL1, manager: &mut TxManager, name: &str, blocks: usize) -> TickReport {
    let mut report = TickReport::default();
    for _ in 0..blocks {
        let (hash, ..) = assert_sent(manager, name);
        l1.drop_transaction(hash).await;
        report = mine_and_tick(l1, manager).await;
    }
    report
}

async fn a_sent_transaction_is_cancelled_when_its_window_closes(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let expires_at = next_slot(&l1).await.plus(1);
    let pay = Intent { value: U256::from(5), expires_at, ..intent("pay", SOMEBODY) };
    manager.submit(pay).await.unwrap();
    starve(&mut l1, &mut manager, "pay", 1).await;
    assert!(matches!(
        manager.status(&key("pay")),
        Some(TxStatus::Pending(PendingStage::Cancelling { nonce: 0, .. }))
    ));
    let report = mine_and_tick(&mut l1, &mut manager).await;
    let Some(TxStatus::Expired { cancelled_by: Some(no_op) }) = manager.status(&key("pay")) else {
        panic!("expected it to be cancelled, it is {:?}", manager.status(&key("pay")));
    };
    assert_eq!(report.expired, [key("pay")]);
    assert_eq!(no_op.gas_used, 21_000);
    assert_eq!(l1.provider.get_balance(SOMEBODY).await.unwrap(), U256::ZERO);
    manager.submit(intent("next", SOMEBODY)).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "next");
}

/// L1 goes on, but this client doesn't see it.
async fn windows_close_while_the_head_stands_still(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let next = next_slot(&l1).await;
    let until = |name, not_before, expires_at| Intent {
        value: U256::from(5),
        not_before,
        expires_at,
        ..intent(name, SOMEBODY)
    };
    manager.submit(until("sent", next, next.plus(3))).await.unwrap();
    manager.submit(until("longer", next, next.plus(100))).await.unwrap();
    manager.submit(until("early", next.plus(1), next.plus(2))).await.unwrap();
    assert_sent(&manager, "sent");
    // The slot in which a block may still have them isn't over yet.
    for now in [next, next.plus(1)] {
        manager.close_windows(now).await.unwrap();
        assert_sent(&manager, "sent");
    }
    manager.close_windows(next.plus(2)).await.unwrap();
    assert_eq!(manager.status(&key("early")), Some(TxStatus::Expired { cancelled_by: None }));
    assert_sent(&manager, "sent");
    manager.close_windows(next.plus(3)).await.unwrap();
    assert!(matches!(
        manager.status(&key("sent")),
        Some(TxStatus::Pending(PendingStage::Cancelling { nonce: 0, .. }))
    ));
    // The no-op is out, and the next block has it in place of the transaction.
    mine_and_tick(&mut l1, &mut manager).await;
    assert!(matches!(manager.status(&key("sent")), Some(TxStatus::Expired { cancelled_by: Some(_) })));
    assert_mined(&manager, "longer");
    assert_eq!(l1.provider.get_balance(SOMEBODY).await.unwrap(), U256::from(5));
}

async fn a_sent_blob_transaction_is_cancelled_by_a_blob_transaction(mut l1: TestL1) {
    let gate = l1.deploy(code::BLOB_GATE).await;
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    let expires_at = next_slot(&l1).await.plus(1);
    let reveal = Intent { expires_at, ..blob_intent("reveal", gate, 1, SidecarFormat::Eip7594) };
    manager.submit(reveal).await.unwrap();
    starve(&mut l1, &mut manager, "reveal", 1).await;
    mine_and_tick(&mut l1, &mut manager).await;
    let Some(TxStatus::Expired { cancelled_by: Some(no_op) }) = manager.status(&key("reveal")) else {
        panic!("expected it to be cancelled, it is {:?}", manager.status(&key("reveal")));
    };
    // pools don't let a plain transaction replace a blob transaction
    assert_eq!(no_op.blob_gas_used, 131_072);
}

async fn a_withdrawn_transaction_is_cancelled(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    manager.submit(intent("sent", SOMEBODY)).await.unwrap();
    let unsent = Intent { not_before: L1Slot::new(900), ..intent("unsent", SOMEBODY) };
    manager.submit(unsent).await.unwrap();
    let (hash, ..) = assert_sent(&manager, "sent");
    l1.drop_transaction(hash).await;
    let withdrawn = TxStatus::Failed { reason: FailureReason::Withdrawn, outcome: None };
    assert_eq!(manager.withdraw(&key("unsent")).unwrap(), withdrawn);
    assert!(matches!(
        manager.withdraw(&key("sent")).unwrap(),
        TxStatus::Pending(PendingStage::Cancelling { .. })
    ));
    tick(&l1, &mut manager).await;
    mine_and_tick(&mut l1, &mut manager).await;
    assert!(matches!(manager.status(&key("sent")), Some(TxStatus::Expired { cancelled_by: Some(_) })));
}

/// Whatever a node says, it may have the transaction. Its nonce stays its own, and it is sent again.
async fn a_refused_transaction_keeps_its_nonce(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    for words in ["transaction type not supported", "Internal error", "nonce too low: next nonce 4", ""] {
        let (first, second) = (format!("{words} 1"), format!("{words} 2"));
        l1.faults.next(Fault::Refused(words));
        manager.submit(intent(&first, SOMEBODY)).await.unwrap();
        manager.submit(intent(&second, SOMEBODY)).await.unwrap();
        let (hash, nonce, _) = assert_sent(&manager, &first);
        assert_eq!(assert_sent(&manager, &second).1, nonce + 1);
        for _ in 0..2 {
            mine_and_tick(&mut l1, &mut manager).await;
        }
        assert_eq!(assert_mined(&manager, &first).hash, hash, "{words}");
        assert_mined(&manager, &second);
    }
    assert_eq!(l1.provider.get_transaction_count(signer(0).address()).await.unwrap(), 8);
}

async fn a_foreign_transaction_with_the_nonce_is_noticed(mut l1: TestL1) {
    let mut manager = l1.manager();
    tick(&l1, &mut manager).await;
    l1.faults.next(Fault::Lost);
    manager.submit(intent("ours", SOMEBODY)).await.unwrap();
    // somebody else uses the key
    l1.send(0, TxKind::Call(SOMEBODY), Bytes::new()).await;
    for _ in 0..3 {
        tick(&l1, &mut manager).await;
        l1.mine().await;
    }
    tick(&l1, &mut manager).await;
    assert_mined(&manager, "ours");
    assert_eq!(l1.provider.get_transaction_count(signer(0).address()).await.unwrap(), 2);
}

async fn a_reorg_makes_a_mined_transaction_pending_again(mut l1: TestL1) {
    let mut manager = l1.manager();
    mine_and_tick(&mut l1, &mut manager).await;
    manager.submit(intent("pay", SOMEBODY)).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    let first = assert_mined(&manager, "pay");
    let head = l1.reorg(1).await;
    let report = manager.tick(&head).await.unwrap();
    assert_eq!(report.undone, [key("pay")]);
    let (hash, ..) = assert_sent(&manager, "pay");
    assert_eq!(hash, first.hash, "the same transaction again");
    mine_and_tick(&mut l1, &mut manager).await;
    let second = assert_mined(&manager, "pay");
    assert!(second.hash == first.hash && second.block_hash != first.block_hash);
}

async fn a_tick_that_fails_hides_no_reorg(mut l1: TestL1) {
    let mut manager = l1.manager();
    mine_and_tick(&mut l1, &mut manager).await;
    manager.submit(intent("pay", SOMEBODY)).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
    let head = l1.reorg(1).await;
    l1.faults.set_offline(true);
    let error = manager.tick(&head).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    l1.faults.set_offline(false);
    let report = mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(report.undone, [key("pay")]);
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
}

async fn nothing_is_signed_before_the_nonce_is_known(mut l1: TestL1) {
    let mut manager = l1.manager();
    let head = l1.mine().await;
    l1.faults.set_offline(true);
    manager.tick(&head).await.unwrap_err();
    l1.faults.set_offline(false);
    let status = manager.submit(intent("pay", SOMEBODY)).await.unwrap();
    let is_waiting =
        matches!(status, TxStatus::Pending(PendingStage::Waiting(WaitReason::Unreachable { .. })));
    assert!(is_waiting, "{status:?}");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_sent(&manager, "pay");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
}

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> TxStore {
        TxStore::open(&self.0.path().join("transactions.redb")).unwrap()
    }
}

async fn a_restart_finds_what_was_mined_meanwhile(mut l1: TestL1) {
    let disk = Disk::new();
    let mut manager = l1.manager_in(disk.open());
    tick(&l1, &mut manager).await;
    manager.submit(intent("sent", SOMEBODY)).await.unwrap();
    let later = Intent { not_before: next_slot(&l1).await.plus(2), ..intent("later", SOMEBODY) };
    manager.submit(later).await.unwrap();
    drop(manager);
    l1.mine().await;
    l1.mine().await;
    let mut manager = l1.manager_in(disk.open());
    assert_sent(&manager, "sent");
    let report = tick(&l1, &mut manager).await;
    assert_eq!(report.mined.len(), 1);
    assert_mined(&manager, "sent");
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "later");
    drop(manager);
    let manager = l1.manager_in(disk.open());
    assert_mined(&manager, "later");
}

async fn a_restart_sends_what_was_only_written_down(mut l1: TestL1) {
    let disk = Disk::new();
    let mut manager = l1.manager_in(disk.open());
    tick(&l1, &mut manager).await;
    // killed after it was written down and before it left
    l1.faults.next(Fault::Lost);
    manager.submit(intent("written", SOMEBODY)).await.unwrap();
    let (hash, ..) = assert_sent(&manager, "written");
    drop(manager);
    let mut manager = l1.manager_in(disk.open());
    tick(&l1, &mut manager).await;
    mine_and_tick(&mut l1, &mut manager).await;
    assert_eq!(assert_mined(&manager, "written").hash, hash);
}

async fn a_restart_finds_a_reorg(mut l1: TestL1) {
    let disk = Disk::new();
    let mut manager = l1.manager_in(disk.open());
    mine_and_tick(&mut l1, &mut manager).await;
    manager.submit(intent("pay", SOMEBODY)).await.unwrap();
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
    drop(manager);
    l1.reorg(1).await;
    let mut manager = l1.manager_in(disk.open());
    let report = tick(&l1, &mut manager).await;
    assert_eq!(report.undone, [key("pay")]);
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "pay");
}

async fn a_restart_still_has_the_blobs(mut l1: TestL1) {
    let gate = l1.deploy(code::BLOB_GATE).await;
    let disk = Disk::new();
    let mut manager = l1.manager_in(disk.open());
    tick(&l1, &mut manager).await;
    l1.faults.next(Fault::Lost);
    manager.submit(blob_intent("reveal", gate, 1, SidecarFormat::Eip7594)).await.unwrap();
    drop(manager);
    let mut manager = l1.manager_in(disk.open());
    tick(&l1, &mut manager).await;
    mine_and_tick(&mut l1, &mut manager).await;
    assert_mined(&manager, "reveal");
}
