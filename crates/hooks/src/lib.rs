//! A test bed for everything that talks to an L1: a transport whose hooks decide what an endpoint does with
//! each request.
//!
//! - [`Hooked`] wraps a transport. Its [`Hooks`] choose a [`Hook`] for every request: deliver it, answer in
//!   the node's place, fail before or after delivery, wait, stay silent, or answer like a node that is
//!   behind.
//! - [`Seeded`] are hooks that choose at random: codes, words, moments and outages, from a seed. The same
//!   seed and the same requests give the same faults.
//! - [`Endpoint`] is a hooked transport as an HTTP server, for clients in other processes.
//!
//! Nothing here ever claims that a call reverts, or makes transactions up: a client must believe its
//! endpoints in that, as it can't tell. Everything else that they say may be wrong.

mod seeded;
mod server;
mod transport;

pub use seeded::{Rates, Seeded};
pub use server::{Endpoint, EndpointState};
pub use transport::{Failure, Hook, Hooked, Hooks, Request};
