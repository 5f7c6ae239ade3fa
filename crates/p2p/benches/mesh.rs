//! Sixteen nodes on this machine: how many operations reach everyone, verified by everyone, and how soon.
//!
//! `cargo bench --workspace --bench mesh` measures 300 operations a second for a minute. `-- SECONDS RATE
//! NODES` changes that.

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{config, is_signed, operation, until};
use fernet_network::{Gossip, GossipNetwork, Verdict};
use fernet_p2p::P2p;

/// Nodes that users send operations to. The others hear of them from peers.
const PUBLISHERS: usize = 4;

/// Nodes that each node knows in the beginning.
const BOOTNODES: usize = 4;

/// When each operation was published, and how long it took to each node.
#[derive(Debug, Default)]
struct Times {
    published: HashMap<u32, Instant>,
    delays: Vec<Duration>,
}

/// Verifies in a thread of its own what a node receives.
fn verify(network: &P2p, times: Arc<Mutex<Times>>) -> std::thread::JoinHandle<()> {
    let mut inbox = network.subscribe();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        while let Some(received) = runtime.block_on(inbox.receive()) {
            let Gossip::Operations(operations) = &received.message else { continue };
            let verdict = if operations.iter().all(is_signed) { Verdict::Accept } else { Verdict::Reject };
            let now = Instant::now();
            {
                let mut times = times.lock().unwrap();
                for one in operations {
                    let published = times.published.get(&one.operation.nonce()).copied();
                    times.delays.extend(published.map(|published| now - published));
                }
            }
            received.ticket.judge(verdict);
        }
    })
}

/// Processor time of this process, user and system.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [seconds, rate, count] =
        [(0, 60), (1, 300), (2, 16)].map(|(index, default)| numbers.get(index).copied().unwrap_or(default));
    let mut nodes: Vec<P2p> = Vec::new();
    for number in 0..count as usize {
        let bootnodes = nodes.iter().rev().take(BOOTNODES).map(|node| node.addresses()[number % 2].clone());
        let settings = config(bootnodes.collect());
        nodes.push(P2p::start(settings).await.expect("a node starts"));
    }
    let wanted = (BOOTNODES).min(nodes.len() - 1);
    until("all nodes have peers", || nodes.iter().all(|node| node.status().peers.len() >= wanted)).await;
    // The mesh forms in some heartbeats.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let times = Arc::new(Mutex::new(Times::default()));
    let threads: Vec<_> = nodes.iter().map(|node| verify(node, Arc::clone(&times))).collect();
    let operations: Vec<_> = (0..seconds * rate).map(operation).collect();
    let (before, start) = (processor_time(), tokio::time::Instant::now());
    for (number, one) in (0u32..).zip(&operations) {
        tokio::time::sleep_until(start + Duration::from_secs(1) * number / rate).await;
        times.lock().unwrap().published.insert(number, Instant::now());
        let publisher = number as usize % PUBLISHERS.min(nodes.len());
        nodes[publisher].publish_operation(*one).await.expect("the operation is taken");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let processor = processor_time() - before;

    let expected = operations.len() * nodes.len();
    let mut delays = std::mem::take(&mut times.lock().unwrap().delays);
    delays.sort_unstable();
    let percentile = |part: f64| {
        let index = ((delays.len() as f64 * part) as usize).min(delays.len().saturating_sub(1));
        delays.get(index).copied().unwrap_or_default()
    };
    let bans: usize = nodes.iter().map(|node| node.status().bans.len()).sum();
    let lowest = nodes.iter().flat_map(|node| node.status().peers).map(|peer| peer.score).fold(0.0, f64::min);
    let received: u64 = nodes.iter().map(|node| node.status().counters.received).sum();
    let peers: usize = nodes.iter().map(|node| node.status().peers.len()).sum();
    println!(
        "{} nodes, {:.1} peers each, {rate} operations a second for {seconds} s",
        nodes.len(),
        peers as f64 / nodes.len() as f64
    );
    let share = 100.0 * delays.len() as f64 / expected as f64;
    println!("delivered and verified: {} of {expected} ({share:.3} %)", delays.len());
    println!(
        "delay: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        percentile(0.5),
        percentile(0.99),
        percentile(0.999),
        percentile(1.0)
    );
    println!("messages received: {received}; bans: {bans}; lowest score: {lowest:.1}");
    println!("processor time: {:.1} s in {seconds} s", processor.as_secs_f64());
    for node in nodes {
        node.shutdown().await;
    }
    for thread in threads {
        thread.join().expect("a verifier ends");
    }
}
