//! What roles may rely on, whichever network connects them: one suite, for peers of one process and for nodes
//! with sockets.

mod common;

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use common::{Answer, Prover, Role, accepted, body, eventually, operation, quote, register, request, until};
use fernet_ledger::Blob;
use fernet_network::{BodyError, InProcess, Network, NetworkError, Verdict};

/// Networks of several peers, with a role each that reads its inbox.
trait Networks {
    /// Keeps the nodes alive.
    type Keep;

    async fn start(count: usize) -> (Vec<(Arc<dyn Network>, Role)>, Self::Keep);
}

struct OneProcess;

impl Networks for OneProcess {
    type Keep = ();

    async fn start(count: usize) -> (Vec<(Arc<dyn Network>, Role)>, ()) {
        let first = InProcess::new();
        let peers = (0..count).map(|number| if number == 0 { first.clone() } else { first.join() });
        let with_role = |peer: InProcess| (Arc::new(peer.clone()) as Arc<dyn Network>, Role::of(&peer));
        (peers.map(with_role).collect(), ())
    }
}

struct Sockets;

impl Networks for Sockets {
    type Keep = ();

    async fn start(count: usize) -> (Vec<(Arc<dyn Network>, Role)>, ()) {
        let nodes = common::connected(count).await;
        (nodes.into_iter().map(|node| (node.network as Arc<dyn Network>, node.role)).collect(), ())
    }
}

async fn operations_reach_every_role<N: Networks>() {
    let (peers, _keep) = N::start(4).await;
    for nonce in 0..100 {
        peers[nonce as usize % 4].0.publish_operation(operation(nonce)).await.unwrap();
    }
    until("every role has every operation", || peers.iter().all(|(_, role)| role.has(0..100))).await;
}

async fn bodies_are_found_by_hash_and_served_once_accepted<N: Networks>() {
    let (peers, _keep) = N::start(3).await;
    let [(sequencer, _), (prover, _), (rescuer, role)] = &peers[..] else { unreachable!() };
    let hash = body(3).header_hash();
    assert!(prover.fetch_body(hash).await.unwrap().is_none());
    assert_eq!(sequencer.announce_body(hash).await, Err(NetworkError::UnknownBody(hash)));
    sequencer.keep_body(Arc::new(body(3))).await.unwrap();
    sequencer.announce_body(hash).await.unwrap();
    until("the body is announced", || role.bodies.lock().unwrap().contains(&hash)).await;

    let fetched = prover.fetch_body(hash).await.unwrap().unwrap();
    assert_eq!(*fetched.body, body(3));
    let first = fetched.source;
    fetched.ticket.judge(Verdict::Accept);
    // Now it is here.
    let here = prover.fetch_body(hash).await.unwrap().unwrap();
    assert_ne!(here.source, first);
    drop(here);

    // The signatures turn out to be wrong: each peer that has it is asked once.
    let mut sources = Vec::new();
    while let Some(fetched) = rescuer.fetch_body(hash).await.unwrap() {
        assert!(!sources.contains(&fetched.source), "{} was rejected before", fetched.source);
        sources.push(fetched.source);
        fetched.ticket.judge(Verdict::Reject);
    }
    assert_eq!(sources.len(), 2);
}

async fn a_body_that_differs_from_its_header_is_not_kept<N: Networks>() {
    let (peers, _keep) = N::start(2).await;
    let mut fake = body(3);
    let mut bytes = *fake.blobs[0].as_bytes();
    bytes[31] ^= 1;
    fake.blobs[0] = Blob::from_bytes(&bytes).unwrap();
    let error = peers[0].0.keep_body(Arc::new(fake)).await.unwrap_err();
    assert!(matches!(error, NetworkError::RefusedBody(BodyError::WrongBlobs { .. })), "{error}");
    assert!(peers[1].0.fetch_body(body(3).header_hash()).await.unwrap().is_none());
}

async fn quotes_are_asked_answered_and_accepted<N: Networks>() {
    let (peers, _keep) = N::start(4).await;
    let sequencer = &peers[0].0;
    let own = Prover::new(1, Answer::Quote);
    let others =
        [Prover::new(2, Answer::Quote), Prover::new(3, Answer::Decline), Prover::new(4, Answer::Never)];
    register(&**sequencer, &own).await;
    for (prover, (network, _)) in others.iter().zip(&peers[1..]) {
        register(&**network, prover).await;
    }
    let mut expected = vec![quote(own.name), quote(others[0].name)];
    expected.sort_by_key(|signed| signed.quote.prover);
    // The last prover never answers, so every request takes its whole time.
    let quotes = eventually("both provers are known and answer", async || {
        let mut quotes = sequencer.request_quotes(request(), Duration::from_secs(2)).await.unwrap();
        quotes.sort_by_key(|signed| signed.quote.prover);
        (quotes.len() == 2 && !others[2].asked.lock().unwrap().is_empty()).then_some(quotes)
    })
    .await;
    assert_eq!(quotes, expected);
    assert!(others.iter().all(|prover| prover.asked.lock().unwrap().iter().all(|one| *one == request())));

    for prover in [&own, &others[0]] {
        sequencer.accept_quote(accepted(prover.name)).await.unwrap();
    }
    let has_one = |prover: &Prover| *prover.accepted.lock().unwrap() == [accepted(prover.name)];
    until("the provers have the accepted quotes", || has_one(&own) && has_one(&others[0])).await;
    assert!(others[1].accepted.lock().unwrap().is_empty());
    let stranger = Address::repeat_byte(9);
    let error = sequencer.accept_quote(accepted(stranger)).await.unwrap_err();
    assert_eq!(error, NetworkError::UnknownProver(stranger));
}

macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        mod in_one_process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name::<super::OneProcess>().await;
            })+
        }

        mod over_sockets {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name::<super::Sockets>().await;
            })+
        }
    };
}

suite!(
    operations_reach_every_role,
    bodies_are_found_by_hash_and_served_once_accepted,
    a_body_that_differs_from_its_header_is_not_kept,
    quotes_are_asked_answered_and_accepted,
);
