//! Peers that send garbage, flood, stop reading, open hundreds of streams, or send what others choked on.

mod common;

use std::time::Duration;

use common::raw::{After, Raw};
use common::{Node, body, config, connected, forged, operation, until};
use fernet_network::{BodyNetwork, Gossip, GossipNetwork, Topic};
use fernet_p2p::{Config, Limits};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The version of gossipsub that the nodes speak.
const MESHSUB: &str = "meshsub/1.1.0";

/// Protobuf: a field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[(number << 3) | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

/// Protobuf: a field with an integer.
fn integer(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3][..], &varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A frame of gossipsub, with its length.
fn frame(rpc: &[u8]) -> Vec<u8> {
    [varint(rpc.len() as u64), rpc.to_vec()].concat()
}

fn topic(topic: Topic) -> String {
    format!("{}/{}", config(Vec::new()).protocol(), topic.name())
}

/// A subscription, without which a peer is in no mesh.
fn subscription(of: Topic) -> Vec<u8> {
    field(1, &[integer(1, 1), field(2, topic(of).as_bytes())].concat())
}

/// A message of gossip.
fn message(of: Topic, data: &[u8]) -> Vec<u8> {
    field(2, &[field(2, data), field(4, topic(of).as_bytes())].concat())
}

/// Two honest nodes, and the address of the first.
async fn honest() -> Vec<Node> {
    connected(2).await
}

/// The honest nodes go on as if nothing was.
async fn assert_unharmed(nodes: &[Node], nonce: u32) {
    for (number, node) in (0..).zip(nodes) {
        node.network.publish_operation(operation(nonce + number)).await.unwrap();
    }
    let all = nonce..nonce + u32::try_from(nodes.len()).unwrap();
    until("honest traffic goes on", || nodes.iter().all(|node| node.role.has(all.clone()))).await;
    for node in nodes {
        let status = node.network.status();
        let honest = nodes.iter().map(|node| node.network.id());
        assert!(honest.into_iter().all(|id| status.bans.iter().all(|ban| ban.id != id)), "{status:?}");
    }
}

/// Runs a hostile peer until the node bans it.
async fn run_until_banned(raw: &mut Raw, node: &Node) {
    for _ in 0..600 {
        raw.run(Duration::from_millis(100)).await;
        if !node.network.status().bans.is_empty() {
            return;
        }
    }
    panic!("the peer was never banned: {:?}", node.network.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_garbage_as_operations_is_banned() {
    let nodes = honest().await;
    let mut raw = Raw::connect(&nodes[0].address("tcp"), MESHSUB, After::Hang).await;
    let garbage = (0..40_u8).map(|number| message(Topic::Operations, &[0xc1, number]));
    let rpc = std::iter::once(subscription(Topic::Operations)).chain(garbage);
    raw.send(rpc.flat_map(|part| frame(&part)).collect());
    run_until_banned(&mut raw, &nodes[0]).await;
    until("it is disconnected", || nodes[0].peers() == 1).await;
    assert!(nodes[0].network.status().counters.rejected >= 10);
    assert_unharmed(&nodes, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_floods_with_wrong_signatures_is_banned_and_nothing_of_it_is_passed_on() {
    let nodes = honest().await;
    let mut raw = Raw::connect(&nodes[0].address("tcp"), MESHSUB, After::Hang).await;
    let flood = (0..200)
        .map(|nonce| message(Topic::Operations, &Gossip::Operations(vec![forged(1000 + nonce)]).encode()));
    let rpc = std::iter::once(subscription(Topic::Operations)).chain(flood);
    raw.send(rpc.flat_map(|part| frame(&part)).collect());
    run_until_banned(&mut raw, &nodes[0]).await;
    until("it is disconnected", || nodes[0].peers() == 1).await;
    assert_unharmed(&nodes, 100).await;
    assert_eq!(nodes[1].network.status().counters.rejected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_ignored_is_not_blamed_but_has_a_budget() {
    let limits = Limits { gossip_bytes_per_peer: 200, ..Limits::default() };
    let node = Node::start(Config { limits, ..config(Vec::new()) }).await;
    let mut raw = Raw::connect(&node.address("tcp"), MESHSUB, After::Hang).await;
    let flood = (0..200)
        .map(|nonce| message(Topic::Operations, &Gossip::Operations(vec![operation(nonce)]).encode()));
    let rpc = std::iter::once(subscription(Topic::Operations)).chain(flood);
    raw.send(rpc.flat_map(|part| frame(&part)).collect());
    for _ in 0..600 {
        raw.run(Duration::from_millis(100)).await;
        if node.network.status().counters.over_budget > 100 {
            break;
        }
    }
    let status = node.network.status();
    assert!(status.counters.over_budget > 100, "{:?}", status.counters);
    assert!(status.bans.is_empty());
    let seen = node.role.nonces.lock().unwrap().len();
    assert!((1..100).contains(&seen), "{seen} of 200 operations");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_networks_choked_on_is_survived() {
    let nodes = honest().await;
    let operations = topic(Topic::Operations);
    let control = |body: Vec<u8>| frame(&field(3, &body));
    let prune = |backoff| control(field(4, &[field(1, operations.as_bytes()), integer(3, backoff)].concat()));
    let cases: Vec<Vec<u8>> = vec![
        // An oversized back-off, which overflows a clock.
        [frame(&subscription(Topic::Operations)), prune(u64::MAX), prune(i64::MAX as u64)].concat(),
        // Frames that aren't protobuf, end too early, or say that they are huge.
        frame(&[0xff; 64]),
        vec![0x80; 64],
        [varint(u64::MAX), vec![0; 64]].concat(),
        [varint(1 << 40), vec![0; 1 << 16]].concat(),
        frame(&message(Topic::Operations, &vec![0; 200_000])),
        // Topics that nobody knows, and very many subscriptions.
        (0..1000_u32)
            .flat_map(|number| {
                let unknown = field(2, format!("topic {number}").as_bytes());
                frame(&field(1, &[integer(1, 1), unknown].concat()))
            })
            .collect(),
        // Messages that are said to be here, without end, and wishes for messages that aren't.
        (0..200_u32)
            .flat_map(|number| {
                let ids = |tag| -> Vec<u8> {
                    let id = |id: u32| field(tag, &[number.to_be_bytes(), id.to_be_bytes()].concat());
                    (0..100).flat_map(id).collect()
                };
                let have = field(1, &[field(1, operations.as_bytes()), ids(2)].concat());
                let want = field(2, &ids(1));
                [control(have), control(want)].concat()
            })
            .collect(),
        // Grafts to every topic, again and again.
        (0..200).flat_map(|_| control(field(3, &field(1, operations.as_bytes())))).collect(),
        // A message that says who wrote it, and a signature.
        frame(&field(
            2,
            &[
                field(1, &[1; 38]),
                field(2, &[1]),
                field(3, &[0; 8]),
                field(4, operations.as_bytes()),
                field(5, &[7; 64]),
            ]
            .concat(),
        )),
    ];
    for (nonce, case) in (100..).step_by(10).zip(cases) {
        let mut raw = Raw::connect(&nodes[0].address("tcp"), MESHSUB, After::Hang).await;
        raw.send(case);
        raw.run(Duration::from_millis(300)).await;
        assert_unharmed(&nodes, nonce).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_libp2p_and_connections_that_say_nothing_are_survived() {
    let nodes = honest().await;
    let address = nodes[0].address("tcp").to_string();
    let port: u16 = address.split('/').nth(4).unwrap().parse().unwrap();
    let mut held = Vec::new();
    for number in 0..200_u32 {
        let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else { continue };
        match number % 4 {
            0 => {}
            1 => drop(stream.write_all(&[0xff; 4096]).await),
            2 => drop(stream.write_all(b"\x13/multistream/1.0.0\n").await),
            _ => drop(stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await),
        }
        held.push(stream);
    }
    assert_unharmed(&nodes, 100).await;
    // A new peer finds a place among them.
    let new = Node::start(config(vec![nodes[0].address("tcp")])).await;
    until("the new peer is there", || new.peers() > 0).await;
    let mut answer = Vec::new();
    let mut garbage = held.swap_remove(1);
    let read = tokio::time::timeout(Duration::from_secs(30), garbage.read_to_end(&mut answer));
    assert!(read.await.is_ok(), "what is no libp2p is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_fetches_and_never_reads_takes_its_budget_and_no_more() {
    let limits = Limits { served_bytes_per_peer: 1 << 20, ..Limits::default() };
    let node = Node::start(Config { limits, ..config(Vec::new()) }).await;
    let peer = Node::start(config(vec![node.address("tcp")])).await;
    until("the peer is there", || node.peers() == 1).await;
    let hash = body(3).header_hash();
    node.network.keep_body(Arc::new(body(3))).await.unwrap();
    let mut raw = Raw::connect(&node.address("tcp"), "bodies/1", After::Hang).await;
    for _ in 0..500 {
        raw.send(hash.to_vec());
    }
    raw.run(Duration::from_millis(500)).await;
    // It stops doing anything at all, and keeps its connection.
    let served = node.network.status().counters.bodies_served;
    assert!(served <= 7, "{served} bodies of 131 kB");
    assert_unharmed(&[peer, node], 100).await;
    drop(raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_too_much_is_answered_with_nothing() {
    let limits = Limits { served_bytes_per_peer: 300_000, ..Limits::default() };
    let node = Node::start(Config { limits, ..config(Vec::new()) }).await;
    node.network.keep_body(Arc::new(body(3))).await.unwrap();
    let hash = body(3).header_hash();
    let mut raw = Raw::connect(&node.address("tcp"), "bodies/1", After::Read).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        raw.send(hash.to_vec());
        while answers.len() < 4 {
            let new = raw.run(Duration::from_millis(200)).await;
            answers.extend(new);
            if !answers.is_empty() {
                break;
            }
        }
    }
    for _ in 0..50 {
        answers.extend(raw.run(Duration::from_millis(100)).await);
        if answers.len() >= 4 {
            break;
        }
    }
    let full = answers.iter().filter(|answer| !answer.is_empty()).count();
    assert_eq!(full, 2, "{:?}", answers.iter().map(Vec::len).collect::<Vec<_>>());
    assert!(node.network.status().bans.is_empty(), "asking is no fault");
    let empty = Raw::connect(&node.address("tcp"), "bodies/1", After::Read).await;
    assert_ne!(empty.id(), raw.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_what_is_no_hash_is_banned() {
    let node = Node::start(config(Vec::new())).await;
    let mut raw = Raw::connect(&node.address("tcp"), "bodies/1", After::Read).await;
    for length in 0..20 {
        raw.send(vec![1; length]);
        raw.run(Duration::from_millis(20)).await;
    }
    run_until_banned(&mut raw, &node).await;
    until("it is disconnected", || node.peers() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_serves_wrong_bodies_is_not_believed_and_finally_banned() {
    // A hostile node that answers every request for a body with another one.
    let node = Node::start(config(Vec::new())).await;
    let liar = Node::start(config(vec![node.address("tcp")])).await;
    until("it is there", || node.peers() == 1).await;
    for slot in 0..20 {
        let mut fake = body(slot);
        let hash = fake.header_hash();
        // It is kept under the true hash: its header is right, and only its signatures are wrong, which no
        // network can see. The role finds out.
        fake.signatures.clear();
        liar.network.keep_body(Arc::new(fake)).await.unwrap();
        let Some(fetched) = node.network.fetch_body(hash).await.unwrap() else { break };
        assert_eq!(fetched.source, liar.network.id());
        fetched.ticket.judge(fernet_network::Verdict::Reject);
    }
    until("it is banned", || node.network.status().bans.len() == 1).await;
    until("it is disconnected", || node.peers() == 0).await;
}
