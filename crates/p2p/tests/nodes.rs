//! Nodes that come, go, and don't belong.

mod common;

use std::time::Duration;

use common::{
    Answer, Node, Prover, config, connected, eventually, operation, quote, register, request, until,
};
use fernet_network::{GossipNetwork, QuoteNetwork};
use fernet_p2p::{Config, Identity, Limits, Multiaddr, P2p, P2pError};
use fernet_protocol::{ChainId, RollupId};

#[tokio::test(flavor = "multi_thread")]
async fn operations_travel_in_batches() {
    let nodes = connected(2).await;
    let sends = (0..200).map(|nonce| nodes[0].network.publish_operation(operation(nonce)));
    for send in sends.collect::<Vec<_>>() {
        send.await.unwrap();
    }
    until("the other node has them", || nodes[1].role.has(0..200)).await;
    until("the node counted them", || nodes[0].network.status().counters.operations == 200).await;
    let counters = nodes[0].network.status().counters;
    assert!((7..200).contains(&counters.batches), "{} batches of at most 32", counters.batches);
    let received = nodes[1].network.status().counters;
    assert!(received.received <= counters.batches, "{received:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_before_the_first_peer_is_not_lost() {
    let first = Node::start(config(Vec::new())).await;
    first.network.publish_operation(operation(1)).await.unwrap();
    until("its own role has it", || first.role.has(1..2)).await;
    let second = Node::start(config(vec![first.address("tcp")])).await;
    until("the peer has it", || second.role.has(1..2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_passes_through_a_node_whose_role_accepts_it() {
    // The outer nodes have room for the inner one only.
    let alone = |bootnodes| {
        let limits = Limits { peers: 1, inbound_peers: 0, wanted_peers: 1, ..Limits::default() };
        Config { limits, ..config(bootnodes) }
    };
    let inner = Node::start(config(Vec::new())).await;
    let left = Node::start(alone(vec![inner.address("tcp")])).await;
    let right = Node::start(alone(vec![inner.address("quic")])).await;
    until("both are connected", || inner.peers() == 2).await;
    assert_eq!((left.peers(), right.peers()), (1, 1));
    left.network.publish_operation(operation(1)).await.unwrap();
    until("the far node has it", || right.role.has(1..2)).await;
    // A role that is gone vouches for nothing.
    let Node { network, role } = inner;
    drop(role);
    left.network.publish_operation(operation(2)).await.unwrap();
    until("the inner node ignored it", || network.status().counters.ignored > 0).await;
    assert!(!right.role.has(2..3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_is_found_again_and_the_others_go_on_without_it() {
    let first = Node::start(config(Vec::new())).await;
    // From now on it has the same key and the same ports.
    let identity = Identity::from_secret([9; 32]).unwrap();
    let settings = Config { identity, listen: first.network.status().listening, ..config(Vec::new()) };
    first.stop().await;
    let first = Node::start(settings.clone()).await;
    let bootnode: Vec<Multiaddr> = vec![first.address("tcp")];
    let second = Node::start(config(bootnode.clone())).await;
    let third = Node::start(config([bootnode.clone(), vec![second.address("quic")]].concat())).await;
    until("all are connected", || [&first, &second, &third].iter().all(|node| node.peers() == 2)).await;

    first.stop().await;
    until("it is gone", || second.peers() == 1 && third.peers() == 1).await;
    second.network.publish_operation(operation(1)).await.unwrap();
    until("the others go on", || third.role.has(1..2)).await;

    let first = Node::start(settings).await;
    until("it is found again", || first.peers() == 2).await;
    third.network.publish_operation(operation(2)).await.unwrap();
    until("it hears the others", || first.role.has(2..3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_rollup_or_chain_is_turned_away_without_blame() {
    let node = Node::start(config(Vec::new())).await;
    let RollupId { chain_id, address } = common::rollup();
    for rollup in [
        RollupId::new(ChainId::new(chain_id.get() + 1), address),
        RollupId::new(chain_id, alloy::primitives::Address::repeat_byte(0x12)),
    ] {
        let before = node.network.status().counters.foreign_peers;
        let stranger = Node::start(Config { rollup, ..config(vec![node.address("tcp")]) }).await;
        stranger.network.publish_operation(operation(1)).await.unwrap();
        let turned_away = || {
            node.network.status().counters.foreign_peers + stranger.network.status().counters.foreign_peers
        };
        until("one of them turned the other away", || turned_away() > before).await;
        stranger.stop().await;
    }
    assert!(!node.role.has(1..2));
    assert!(node.network.status().bans.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_late_learns_where_provers_are() {
    let nodes = connected(2).await;
    let prover = Prover::new(5, Answer::Quote);
    register(&*nodes[0].network, &prover).await;
    until("the other node knows", || nodes[1].network.status().provers == 1).await;
    // The late node doesn't hear it from the prover's node.
    let late = Node::start(config(vec![nodes[1].address("tcp")])).await;
    let quotes = eventually("the late node asks the prover", async || {
        let quotes = late.network.request_quotes(request(), Duration::from_secs(1)).await.unwrap();
        (!quotes.is_empty()).then_some(quotes)
    })
    .await;
    assert_eq!(quotes, [quote(prover.name)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_tells_its_roles() {
    let node = Node::start(config(Vec::new())).await;
    let mut inbox = node.network.subscribe();
    node.network.publish_operation(operation(1)).await.unwrap();
    node.stop().await;
    assert!(inbox.receive().await.is_some(), "what was published before the end is delivered");
    assert!(inbox.receive().await.is_none());

    let network = P2p::start(config(Vec::new())).await.unwrap();
    let listening = network.status().listening;
    drop(network);
    eventually("its ports are free", async || {
        P2p::start(Config { listen: listening.clone(), ..config(Vec::new()) }).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_why() {
    let node = Node::start(config(Vec::new())).await;
    let taken = Config { listen: node.network.status().listening, ..config(Vec::new()) };
    let error = P2p::start(taken).await.unwrap_err();
    assert!(matches!(error, P2pError::Listen { .. }), "{error}");
    let nowhere = Config { listen: Vec::new(), ..config(Vec::new()) };
    assert!(matches!(P2p::start(nowhere).await.unwrap_err(), P2pError::NothingToListen));
    let nameless = config(vec![node.network.status().listening[0].clone()]);
    assert!(matches!(P2p::start(nameless).await.unwrap_err(), P2pError::BootnodeWithoutPeer(_)));
    let limits = Limits { peers: 2, wanted_peers: 1, inbound_peers: 3, ..Limits::default() };
    let error = P2p::start(Config { limits, ..config(Vec::new()) }).await.unwrap_err();
    assert_eq!(error.to_string(), "expected at most the number of peers for inbound_peers, got 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_strangers_are_limited() {
    let limits = Limits { peers: 8, inbound_peers: 2, wanted_peers: 1, ..Limits::default() };
    let node = Node::start(Config { limits, ..config(Vec::new()) }).await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        let limits = Limits { wanted_peers: 1, ..Limits::default() };
        strangers.push(Node::start(Config { limits, ..config(vec![node.address("tcp")]) }).await);
    }
    until("two have a place", || node.peers() == 2).await;
    until("the others were refused", || {
        strangers.iter().filter(|stranger| stranger.network.status().counters.bootnode_dials > 1).count() == 2
    })
    .await;
    assert_eq!(node.peers(), 2);
}
