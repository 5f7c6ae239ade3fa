//! JSON-RPC 2.0 over a node: `dispatch` has the table of methods, each other file a group of them.

mod accounts;
mod call;
mod debug;
mod development;
mod dispatch;
mod environment;
mod eth;
mod faults;
mod filters;
mod logs;
mod lookup;
mod message;
mod refusal;
mod simulate;
mod subscriptions;
mod txpool;
mod views;

pub use dispatch::rpc_methods;

pub(crate) use dispatch::{call_serialized, handle};
pub(crate) use subscriptions::serve;
