//! The queue behind an [`Inbox`], with a budget of bytes that its sources share fairly.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::network::{BoxFuture, Inbox, Received};
use crate::peer::PeerId;

/// Bytes of memory that an inbox takes: a minute of 300 operations a second, several times over.
pub const INBOX_BYTES: usize = 8 << 20;

/// Puts messages into an inbox.
#[derive(Debug)]
pub struct InboxSender {
    queue: Weak<Queue>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The message is in the inbox.
    Delivered,
    /// The role dropped the inbox.
    Closed,
}

#[derive(Debug)]
struct Queue {
    messages: Mutex<Messages>,
    arrived: Notify,
}

#[derive(Debug)]
struct Messages {
    budget: usize,
    bytes: usize,
    /// Number of the next message.
    next: u64,
    sources: BTreeMap<PeerId, Source>,
    is_closed: bool,
}

/// Messages of one source, with their numbers, oldest first.
#[derive(Debug, Default)]
struct Source {
    messages: VecDeque<(u64, Received)>,
    bytes: usize,
}

/// A new inbox of at most `budget` bytes of memory.
#[must_use]
pub fn inbox(budget: usize) -> (InboxSender, Box<dyn Inbox>) {
    let messages = Messages { budget, bytes: 0, next: 0, sources: BTreeMap::new(), is_closed: false };
    let queue = Arc::new(Queue { messages: Mutex::new(messages), arrived: Notify::new() });
    (InboxSender { queue: Arc::downgrade(&queue) }, Box::new(Receiver(queue)))
}

impl InboxSender {
    /// Adds a message. When the inbox is full, the source that takes most of it loses its oldest messages.
    pub fn send(&self, received: Received) -> Delivery {
        let Some(queue) = self.queue.upgrade() else {
            return Delivery::Closed;
        };
        // What is dropped takes the verdict "ignore", which mustn't run under the lock.
        let dropped = queue.lock().push(received);
        drop(dropped);
        queue.arrived.notify_one();
        Delivery::Delivered
    }
}

impl Drop for InboxSender {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.upgrade() {
            queue.lock().is_closed = true;
            queue.arrived.notify_one();
        }
    }
}

impl Queue {
    /// Ignores poisoning: every statement under the lock leaves a consistent state.
    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Messages {
    fn push(&mut self, received: Received) -> Vec<Received> {
        let bytes = received.message.memory();
        let source = self.sources.entry(received.source).or_default();
        source.messages.push_back((self.next, received));
        source.bytes += bytes;
        self.bytes += bytes;
        self.next += 1;
        let mut dropped = Vec::new();
        while self.bytes > self.budget {
            let heaviest = self.sources.iter().max_by_key(|(_, source)| source.bytes).map(|(peer, _)| *peer);
            let Some(oldest) = heaviest.and_then(|peer| self.pop_of(peer)) else {
                break;
            };
            dropped.push(oldest);
        }
        dropped
    }

    fn pop(&mut self) -> Option<Received> {
        let fronts = self
            .sources
            .iter()
            .filter_map(|(peer, source)| source.messages.front().map(|(number, _)| (*number, *peer)));
        let (_, peer) = fronts.min()?;
        self.pop_of(peer)
    }

    fn pop_of(&mut self, peer: PeerId) -> Option<Received> {
        let source = self.sources.get_mut(&peer)?;
        let popped = source.messages.pop_front().map(|(_, received)| received);
        let bytes = popped.as_ref().map_or(0, |received| received.message.memory());
        source.bytes -= bytes;
        self.bytes -= bytes;
        if source.messages.is_empty() {
            self.sources.remove(&peer);
        }
        popped
    }
}

struct Receiver(Arc<Queue>);

impl Inbox for Receiver {
    fn drain(&mut self) -> Vec<Received> {
        let sources = {
            let mut messages = self.0.lock();
            messages.bytes = 0;
            std::mem::take(&mut messages.sources)
        };
        let mut all: Vec<_> = sources.into_values().flat_map(|source| source.messages).collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, received)| received).collect()
    }

    fn receive(&mut self) -> BoxFuture<'_, Option<Received>> {
        Box::pin(async move {
            loop {
                let next = {
                    let mut messages = self.0.lock();
                    (messages.pop(), messages.is_closed)
                };
                match next {
                    (Some(received), _) => return Some(received),
                    (None, true) => return None,
                    (None, false) => self.0.arrived.notified().await,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;
    use crate::message::{BodyAnnouncement, Gossip, MessageId};
    use crate::network::{Ticket, Verdict};

    fn message(source: u8, size: u32, ticket: Ticket) -> Received {
        let message = Gossip::Body(BodyAnnouncement { header_hash: B256::ZERO, size });
        let id = MessageId::of(message.topic(), &message.encode());
        Received { source: PeerId::new([source; 32]), id, message, ticket }
    }

    fn sizes(received: &[Received]) -> Vec<u32> {
        let size = |received: &Received| match received.message {
            Gossip::Body(announcement) => announcement.size,
            Gossip::Operations(_) | Gossip::Prover(_) => unreachable!("only announcements are sent"),
        };
        received.iter().map(size).collect()
    }

    #[tokio::test]
    async fn messages_come_in_order_and_a_closed_inbox_ends() {
        let (sender, mut inbox) = inbox(1 << 20);
        for (source, size) in [(1, 10), (2, 11), (1, 12)] {
            assert_eq!(sender.send(message(source, size, Ticket::none())), Delivery::Delivered);
        }
        assert_eq!(sizes(&[inbox.receive().await.unwrap()]), [10]);
        assert_eq!(sizes(&inbox.drain()), [11, 12]);
        drop(sender);
        assert!(inbox.receive().await.is_none());
    }

    #[test]
    fn a_flood_takes_the_place_of_its_own_messages_only() {
        let one = message(1, 0, Ticket::none()).message.memory();
        let (sender, mut inbox) = inbox(4 * one);
        sender.send(message(1, 1, Ticket::none()));
        let ignored = Arc::new(Mutex::new(0));
        for size in 100..200 {
            let ignored = Arc::clone(&ignored);
            let ticket = Ticket::new(move |verdict| {
                assert_eq!(verdict, Verdict::Ignore);
                *ignored.lock().unwrap() += 1;
            });
            sender.send(message(2, size, ticket));
        }
        assert_eq!(*ignored.lock().unwrap(), 97, "what is dropped is ignored");
        assert_eq!(sizes(&inbox.drain()), [1, 197, 198, 199]);
        drop(inbox);
        assert_eq!(sender.send(message(1, 1, Ticket::none())), Delivery::Closed);
    }
}
