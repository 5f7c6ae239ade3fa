//! A long history that is finalized already: taken by ranges, whatever a node thinks of ranges.

mod common;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use alloy::{
    rpc::json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload},
    transports::{BoxTransport, TransportError, TransportFut},
};
use common::*;
use fernet_embedded::Reorg;
use fernet_follower::Follower;
use fernet_l1::connect_transport;
use fernet_ledger::SecretKey;
use fernet_protocol::Lane;
use serde_json::{Value, json, value::RawValue};
use tower::Service;

/// What a node does with a request for the logs of several blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ranges {
    /// It answers.
    Answered,
    /// It answers for at most so many blocks.
    AtMost(u64),
    /// It refuses all.
    Refused,
    /// It answers that there is nothing.
    Empty,
    /// It leaves out the last log.
    Cut,
}

/// A node that counts requests, with its own mind about ranges.
#[derive(Clone)]
struct Minded {
    inner: BoxTransport,
    ranges: Ranges,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Minded {
    fn answer(&self, packet: &RequestPacket) -> Option<ResponsePacket> {
        let request = packet.as_single()?;
        *self.counts.lock().unwrap().entry(request.method().to_owned()).or_default() += 1;
        let params: Value = serde_json::from_str(request.params().map_or("[]", RawValue::get)).ok()?;
        let block = |name: &str| u64::from_str_radix(params[0][name].as_str()?.strip_prefix("0x")?, 16).ok();
        let blocks = block("toBlock")?.checked_sub(block("fromBlock")?)? + 1;
        let refusal = |message: String| {
            let error = ErrorPayload { code: -32_602, message: message.into(), data: None };
            ResponsePayload::Failure(error)
        };
        let payload = match self.ranges {
            Ranges::AtMost(most) if blocks > most => {
                refusal(format!("ranges over {most} blocks are not supported"))
            }
            Ranges::Refused => refusal("the method eth_getLogs needs a paid plan".to_owned()),
            Ranges::Empty => ResponsePayload::Success(serde_json::value::to_raw_value(&json!([])).unwrap()),
            _ => return None,
        };
        Some(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
    }
}

impl Service<RequestPacket> for Minded {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        if let Some(answer) = self.answer(&packet) {
            return Box::pin(async move { Ok(answer) });
        }
        let is_range = packet.as_single().is_some_and(|request| {
            request.method() == "eth_getLogs" && request.params().is_some_and(|p| p.get().contains("toBlock"))
        });
        let cuts = is_range && self.ranges == Ranges::Cut;
        let answer = self.inner.call(packet);
        Box::pin(async move {
            let mut answer = answer.await?;
            if let ResponsePacket::Single(Response { payload: ResponsePayload::Success(result), .. }) =
                &mut answer
                && cuts
            {
                let mut logs: Vec<Value> = serde_json::from_str(result.get()).unwrap();
                logs.pop();
                *result = serde_json::value::to_raw_value(&logs).unwrap();
            }
            Ok(answer)
        })
    }
}

/// What must be the same, however the blocks were taken.
fn outcome(follower: &Follower) -> String {
    let view = follower.view();
    format!(
        "{:?}",
        (
            (view.head(), view.tip(), view.totals(), view.finalized_blocks(), view.claims()),
            Lane::ALL.map(|lane| view.queue(lane)),
            (follower.state_root(), follower.ledger().height()),
        )
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finalized_blocks_come_by_ranges_or_one_by_one_with_the_same_result() {
    let mut world = World::new().await;
    let keys = [SecretKey::from_seed(b"alice"), SecretKey::from_seed(b"bob")];
    world.deposit(&keys[0], 1, 10_000).await;
    world.deposit(&keys[1], 2, 5_000).await;
    for nonce in 0..6 {
        let transfers = [transfer(&keys[0], 1, 2, 30, nonce)];
        world.finalize(&transfers, |_| {}).await;
        for _ in 0..40 {
            world.node.mine_slot();
        }
    }
    for _ in 0..70 {
        world.node.mine_slot();
    }
    world.follower.catch_up().await.unwrap();
    let expected = outcome(&world.follower);
    let blocks = world.node.head().number;
    let mut misled = None;
    for ranges in [
        Ranges::Answered,
        Ranges::AtMost(100),
        Ranges::AtMost(1),
        Ranges::Refused,
        Ranges::Empty,
        Ranges::Cut,
    ] {
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let inner = BoxTransport::new(world.node.transport());
        let provider = connect_transport(BoxTransport::new(Minded { inner, ranges, counts: counts.clone() }));
        let mut follower = new_follower(&provider, world.clock, Arc::clone(&world.blobs));
        let mut failures = 0;
        while let Err(error) = follower.catch_up().await {
            failures += 1;
            assert!(error.is_retryable() && failures < 20, "{ranges:?}: {error}");
        }
        if ranges == Ranges::Cut {
            // Nothing contradicts what it knows yet.
            assert_ne!(outcome(&follower), expected);
            misled = Some(follower);
            continue;
        }
        assert_eq!(outcome(&follower), expected, "{ranges:?}");
        let counts = counts.lock().unwrap().clone();
        println!("{ranges:?}: {counts:?} for {blocks} blocks, {failures} failures");
        if ranges == Ranges::Answered {
            assert!(counts["eth_getLogs"] < 8, "{counts:?}");
        }
        // What isn't final can still be undone.
        let mix = world.node.head().slot - 3;
        assert!(follower.view().mix(fernet_protocol::L1Slot::new(mix)).is_some());
    }

    // What follows a lost event contradicts it, and everything is read again, block by block.
    world.follower.catch_up().await.unwrap();
    world.finalize(&[transfer(&keys[0], 1, 2, 30, 6)], |_| {}).await;
    world.follower.catch_up().await.unwrap();
    let mut misled = misled.expect("a follower that was told less");
    // What was executed stays, also where the old blobs are gone.
    world.blobs.away.store(true, std::sync::atomic::Ordering::SeqCst);
    while let Err(error) = misled.catch_up().await {
        assert!(error.is_retryable(), "{error}");
    }
    assert_eq!((misled.progress().height, misled.progress().tip), (5, 7));
    world.blobs.away.store(false, std::sync::atomic::Ordering::SeqCst);
    while let Err(error) = misled.catch_up().await {
        assert!(error.is_retryable(), "{error}");
    }
    assert_eq!(outcome(&misled), outcome(&world.follower));

    // A reorg of what isn't final, after a catch-up by ranges.
    let provider = connect_transport(BoxTransport::new(world.node.transport()));
    let mut follower = new_follower(&provider, world.clock, Arc::clone(&world.blobs));
    follower.catch_up().await.unwrap();
    world.node.reorg(Reorg { depth: 50, drop_transactions: false, refill: true }).unwrap();
    world.node.mine_slot();
    follower.catch_up().await.unwrap();
    world.follower.catch_up().await.unwrap();
    assert_eq!(outcome(&follower), outcome(&world.follower));
}
