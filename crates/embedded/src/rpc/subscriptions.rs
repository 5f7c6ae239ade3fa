//! JSON-RPC over a WebSocket, with `eth_subscribe` for new heads, logs and pending transactions.

use std::collections::BTreeMap;

use alloy::{
    primitives::{B256, U64},
    rpc::types::Filter,
};
use axum::extract::ws::{Message, WebSocket};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    dispatch::handle,
    logs,
    message::{Envelope, Failure, Params, Reply, Request, encode, reply},
    views,
};
use crate::{filters::Changes, node::Node};

/// Most subscriptions of one connection.
const LIMIT: usize = 128;

enum Topic {
    Heads,
    Logs(Box<Filter>),
    Transactions { full: bool },
}

/// What a client has heard of.
struct Seen {
    head: B256,
    arrivals: u64,
}

/// One client's subscriptions.
#[derive(Default)]
struct Subscriptions {
    next: u64,
    topics: BTreeMap<u64, Topic>,
}

impl Subscriptions {
    fn subscribe(&mut self, params: &Params) -> Reply {
        let topic = match params.required::<String>(0, "the name of a subscription")?.as_str() {
            "newHeads" => Topic::Heads,
            "logs" => Topic::Logs(params.optional(1, "a log filter")?.unwrap_or_default()),
            "newPendingTransactions" => {
                let full = params.optional(1, "true for full transactions")?.unwrap_or_default();
                Topic::Transactions { full }
            }
            other => {
                return Err(Failure::no_method(format!(
                    "no \"{other}\" subscription in eth namespace: expected newHeads, logs or \
                     newPendingTransactions"
                )));
            }
        };
        if self.topics.len() >= LIMIT {
            return Err(Failure::limit(format!("too many subscriptions, at most {LIMIT}")));
        }
        self.next += 1;
        self.topics.insert(self.next, topic);
        reply(&U64::from(self.next))
    }

    fn unsubscribe(&mut self, params: &Params) -> Reply {
        let id: U64 = params.required(0, "a subscription id")?;
        match self.topics.remove(&id.to()) {
            Some(_) => reply(&true),
            None => Err(Failure::server("subscription not found")),
        }
    }

    /// What the subscribers learn of since they were last told.
    fn notifications(&self, node: &Node, seen: &mut Seen) -> Vec<String> {
        let (changes, arrived, arrivals) = node.read(|chain| {
            let arrived = chain.arrived_since(seen.arrivals);
            (Changes::since(chain, seen.head), arrived, chain.arrivals())
        });
        *seen = Seen { head: changes.head, arrivals };
        let mut notifications = Vec::new();
        for (id, topic) in &self.topics {
            match topic {
                Topic::Heads => {
                    let headers = changes.came.iter().map(|block| views::block(block, false).header);
                    notifications.extend(headers.filter_map(|header| notification(*id, &header)));
                }
                Topic::Logs(filter) => notifications
                    .extend(logs::changed(&changes, filter).filter_map(|log| notification(*id, &log))),
                Topic::Transactions { full: false } => {
                    notifications.extend(arrived.iter().filter_map(|hash| notification(*id, hash)));
                }
                Topic::Transactions { full: true } => {
                    let transactions = node.read(|chain| {
                        arrived.iter().filter_map(|hash| views::by_hash(chain, *hash)).collect::<Vec<_>>()
                    });
                    notifications.extend(transactions.iter().filter_map(|tx| notification(*id, tx)));
                }
            }
        }
        notifications
    }
}

fn notification(id: u64, result: &impl Serialize) -> Option<String> {
    encode(&json!({
        "jsonrpc": "2.0",
        "method": "eth_subscription",
        "params": { "subscription": U64::from(id), "result": result },
    }))
}

/// Serves a connection until the client leaves or the server stops.
pub(crate) async fn serve(mut socket: WebSocket, node: Node, mut closing: watch::Receiver<()>) {
    let mut heads = node.watch_head();
    let mut arrivals = node.watch_arrivals();
    let mut subscriptions = Subscriptions::default();
    let mut seen = node.read(|chain| Seen { head: chain.head().hash, arrivals: chain.arrivals() });
    loop {
        let outgoing = tokio::select! {
            _ = closing.changed() => return,
            changed = heads.changed() => match changed {
                Ok(()) => subscriptions.notifications(&node, &mut seen),
                Err(_) => return,
            },
            changed = arrivals.changed() => match changed {
                Ok(()) => subscriptions.notifications(&node, &mut seen),
                Err(_) => return,
            },
            message = socket.recv() => {
                let request = match message {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                };
                match own(&mut subscriptions, &request) {
                    Some(answer) => answer.into_iter().collect(),
                    None => {
                        let node = node.clone();
                        let answer = tokio::task::spawn_blocking(move || handle(&node, &request)).await;
                        answer.ok().flatten().into_iter().collect()
                    }
                }
            }
        };
        for text in outgoing {
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
    }
}

/// Answers the methods that only make sense on a connection; `None` for all others.
fn own(subscriptions: &mut Subscriptions, request: &[u8]) -> Option<Option<String>> {
    // transactions with blobs are megabytes long: don't parse them twice
    if request.len() > 1 << 16 {
        return None;
    }
    let request: Request = serde_json::from_slice(request).ok()?;
    let serve = match request.method.as_str() {
        "eth_subscribe" => Subscriptions::subscribe,
        "eth_unsubscribe" => Subscriptions::unsubscribe,
        _ => return None,
    };
    let answer = Params::parse(request.params).and_then(|params| serve(subscriptions, &params));
    Some(encode(&Envelope::new(request.id.unwrap_or(Value::Null), answer)))
}
