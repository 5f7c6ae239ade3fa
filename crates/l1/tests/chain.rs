//! Feed, header proofs and blobs against real chains.

mod common;

use alloy::{
    consensus::Header,
    primitives::{Address, B256, Bytes, TxKind, keccak256},
    rlp::Decodable,
    sol_types::SolValue,
};
use common::{TestL1, assert_mined, blob, code, contracts, expired, intent, warm_up_kzg};
use fernet_l1::{
    BeaconBlobs, BlobError, BlobLocation, BlobSidecar, BlobSource, BlockIds, Feed, FeedError, FeedUpdate,
    HeaderError, Intent, L1Block, L1Header, RollupEvent, SidecarFormat, fetch_header, seed_proof,
    seed_proof_at, versioned_hash,
};
use fernet_protocol::{L1Slot, Slot};

on_both_l1s!(
    a_feed_gives_every_block_and_its_events_in_order,
    a_feed_turns_a_reorg_into_a_rollback,
    a_poll_that_is_dropped_loses_no_block,
    a_feed_refuses_a_log_that_is_no_event,
    headers_hash_to_their_blocks_and_prove_mixes,
    a_mix_is_that_of_the_first_block_after_its_l1_slot,
    blobs_come_back_from_the_beacon_api,
);

fn blocks(updates: &[FeedUpdate]) -> Vec<&L1Block> {
    updates
        .iter()
        .map(|update| match update {
            FeedUpdate::Block(block) | FeedUpdate::Settled(block) => &**block,
            FeedUpdate::Rollback { to } => panic!("unexpected rollback to {to}"),
        })
        .collect()
}

fn events(block: &L1Block) -> Vec<RollupEvent> {
    block.events.iter().map(|logged| logged.event.clone()).collect()
}

async fn a_feed_gives_every_block_and_its_events_in_order(mut l1: TestL1) {
    let rollup = l1.deploy(code::LOG_TWO).await;
    let first = l1.head().await.number + 1;
    let mut feed = Feed::from_block(l1.provider.clone(), l1.clock, &contracts(rollup), first);
    assert_eq!(feed.poll(10).await.unwrap(), []);
    let one = l1.pool(0, TxKind::Call(rollup), expired(1)).await;
    let two = l1.pool(1, TxKind::Call(rollup), expired(2)).await;
    l1.mine().await;
    l1.skip(3).await;
    l1.mine().await;
    l1.send(0, TxKind::Call(rollup), expired(3)).await;
    let updates = feed.poll(2).await.unwrap();
    let [with_two, empty] = blocks(&updates)[..] else { panic!("expected two blocks") };
    // the order in the block is that of its tips; equal ones may come in either order
    let transactions: Vec<B256> = with_two.events.iter().map(|logged| logged.tx).collect();
    let slots: Vec<u64> = transactions.iter().map(|tx| if *tx == one { 1 } else { 2 }).collect();
    assert!(transactions.contains(&one) && transactions.contains(&two));
    let expected = slots.iter().map(|slot| RollupEvent::SlotExpired { slot: Slot::new(*slot) });
    assert_eq!(events(with_two), expected.collect::<Vec<_>>());
    assert!(empty.events.is_empty());
    assert_eq!(empty.l1_slot, with_two.l1_slot.plus(4));
    assert_eq!(empty.header.parent_hash, with_two.hash);
    assert_eq!(empty.header.hash_slow(), empty.hash);
    let updates = feed.poll(10).await.unwrap();
    assert_eq!(blocks(&updates).len(), 1);
    assert_eq!(events(blocks(&updates)[0]), [RollupEvent::SlotExpired { slot: Slot::new(3) }]);
    assert_eq!(feed.poll(10).await.unwrap(), []);
}

async fn a_feed_turns_a_reorg_into_a_rollback(mut l1: TestL1) {
    let rollup = l1.deploy(code::LOG_TWO).await;
    let first = l1.head().await.number;
    let mut feed = Feed::from_block(l1.provider.clone(), l1.clock, &contracts(rollup), first);
    l1.mine().await;
    let stands = l1.head().await.number;
    l1.send(0, TxKind::Call(rollup), expired(1)).await;
    l1.mine().await;
    assert_eq!(blocks(&feed.poll(10).await.unwrap()).len(), 4);
    l1.reorg(2).await;
    l1.mine().await;
    let updates = feed.poll(10).await.unwrap();
    assert_eq!(updates[0], FeedUpdate::Rollback { to: stands });
    let added = blocks(&updates[1..]);
    assert_eq!(added[0].number, stands + 1);
    assert_eq!(added.last().unwrap().hash, l1.head().await.hash);
    assert!(added.iter().all(|block| block.events.is_empty()), "the event is undone");
    assert_eq!(feed.poll(10).await.unwrap(), []);
}

async fn a_poll_that_is_dropped_loses_no_block(mut l1: TestL1) {
    let first = l1.mine().await.number + 1;
    let nobody = contracts(Address::repeat_byte(14));
    let mut feed = Feed::from_block(l1.provider.clone(), l1.clock, &nobody, first);
    l1.mine().await;
    l1.mine().await;
    l1.faults.stall_after(Some(1));
    tokio::select! {
        result = feed.poll(10) => panic!("expected the L1 to stall, got {result:?}"),
        () = l1.faults.stalled() => {}
    }
    l1.faults.stall_after(None);
    let updates = feed.poll(10).await.unwrap();
    let numbers: Vec<u64> = blocks(&updates).iter().map(|block| block.number).collect();
    assert_eq!(numbers, [first, first + 1]);
}

async fn a_feed_refuses_a_log_that_is_no_event(mut l1: TestL1) {
    let rollup = l1.deploy(code::LOG_TWO).await;
    let first = l1.head().await.number + 1;
    let mut feed = Feed::from_block(l1.provider.clone(), l1.clock, &contracts(rollup), first);
    let nonsense = [B256::repeat_byte(9).0, [0; 32]].concat();
    l1.send(0, TxKind::Call(rollup), nonsense.into()).await;
    let error = feed.poll(10).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(matches!(error, FeedError::Event(_)));
    let words = format!("log 0 of L1 block {first} from {rollup} is no event of that contract: ");
    assert!(error.to_string().starts_with(&words), "{error}");
}

async fn headers_hash_to_their_blocks_and_prove_mixes(mut l1: TestL1) {
    // blocks with and without transactions, and a missed L1 slot
    let once = l1.deploy(code::ONCE).await;
    l1.mine().await;
    l1.skip(2).await;
    l1.send(0, TxKind::Call(once), Bytes::new()).await;
    let head = l1.mine().await;
    for number in 1..=head.number {
        let L1Header { header, hash, .. } = fetch_header(&l1.provider, number).await.unwrap();
        assert_eq!(header.hash_slow(), hash);
        let target = L1Slot::new(l1.clock.slot_at(header.timestamp).unwrap().get() - 1);
        let proof = seed_proof_at(&l1.provider, &l1.clock, target, number).await.unwrap();
        let (child, parent) = <(Bytes, Bytes)>::abi_decode_params(&proof.encoded).unwrap();
        assert_eq!(keccak256(&child), hash);
        assert_eq!(parent.is_empty(), header.timestamp == l1.clock.start_of(target.plus(1)));
        assert!(parent.is_empty() || keccak256(&parent) == header.parent_hash);
        let child = Header::decode(&mut child.as_ref()).unwrap();
        assert_eq!((child.mix_hash, child.number), (proof.mix, number));
    }
    let unknown = fetch_header(&l1.provider, head.number + 1).await.unwrap_err();
    assert_eq!(unknown.to_string(), format!("the L1 node doesn't have block {}", head.number + 1));
    assert!(unknown.is_retryable());
}

async fn a_mix_is_that_of_the_first_block_after_its_l1_slot(mut l1: TestL1) {
    let before = l1.mine().await;
    l1.skip(3).await;
    let after = l1.mine().await;
    for _ in 0..5 {
        l1.mine().await;
    }
    // the slot of the block before, and the three without a block
    for target in before.l1_slot.get()..after.l1_slot.get() {
        let proof = seed_proof(&l1.provider, &l1.clock, L1Slot::new(target)).await.unwrap();
        assert_eq!((proof.child, proof.mix), (after.number, after.header.mix_hash), "target {target}");
    }
    let head = l1.head().await;
    let early = seed_proof(&l1.provider, &l1.clock, head.l1_slot).await.unwrap_err();
    assert_eq!(
        early.to_string(),
        format!("there is no L1 block after L1 slot {} yet: the head is in L1 slot {0}", head.l1_slot)
    );
    // a block that isn't the first after the target
    let wrong = seed_proof_at(&l1.provider, &l1.clock, before.l1_slot, after.number + 1).await;
    assert!(matches!(wrong, Err(HeaderError::TooOld { .. })));
}

async fn blobs_come_back_from_the_beacon_api(mut l1: TestL1) {
    warm_up_kzg();
    let mut manager = l1.manager();
    manager.tick(&l1.head().await).await.unwrap();
    let sidecar = BlobSidecar::build(vec![blob(1), blob(2)], SidecarFormat::Eip7594).unwrap();
    let hashes = sidecar.versioned_hashes();
    manager
        .submit(Intent { blobs: Some(sidecar), ..intent("blobs", Address::repeat_byte(9)) })
        .await
        .unwrap();
    let head = l1.mine().await;
    manager.tick(&head).await.unwrap();
    assert_mined(&manager, "blobs");
    let at = BlobLocation { number: head.number, hash: head.hash, l1_slot: head.l1_slot };
    let source = BeaconBlobs::new(l1.url.clone(), BlockIds::ExecutionHash).unwrap();
    assert_eq!(source.blobs(at, &hashes).await.unwrap(), [blob(1), blob(2)]);
    // in the order asked for, and only what is asked for
    let reversed = [hashes[1], hashes[0]];
    assert_eq!(source.blobs(at, &reversed).await.unwrap(), [blob(2), blob(1)]);
    assert_eq!(source.blobs(at, &hashes[1..]).await.unwrap(), [blob(2)]);
    assert!(source.blobs(at, &[]).await.unwrap().is_empty());
    let missing = source.blobs(at, &[versioned_hash(&blob(3)).unwrap()]).await.unwrap_err();
    assert!(missing.is_retryable(), "{missing}");
    let elsewhere = BlobLocation { hash: B256::repeat_byte(3), ..at };
    let missing = source.blobs(elsewhere, &hashes).await.unwrap_err();
    assert!(matches!(missing, BlobError::Refused { status: 404, .. }), "{missing}");
}
