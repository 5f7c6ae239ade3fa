//! Endpoints of the L1: the transport to them, several of them as one, and what their failures mean.

pub(crate) mod class;
pub(crate) mod http;
mod limits;
mod pool;
pub(crate) mod redact;
mod ws;

pub use class::{FailureClass, RpcFailure};
pub use http::ConnectError;
pub use pool::{EndpointHealth, Pool};
pub use redact::{origin, redact};
