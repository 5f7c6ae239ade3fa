//! Requests, parameters, answers and errors of JSON-RPC 2.0.

use std::borrow::Cow;

use alloy::rpc::json_rpc::ErrorPayload;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::error::{ChainError, PoolError};

/// A method's result, serialized.
pub(crate) type Reply = Result<Box<RawValue>, Failure>;

/// An error as JSON-RPC shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
}

impl Failure {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// geth's code for everything that has none of its own.
    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self::new(-32000, message)
    }

    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The method isn't there, or not here.
    pub(crate) fn no_method(message: impl Into<String>) -> Self {
        Self::new(-32601, message)
    }

    /// A query that would take too much (EIP-1474).
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(-32005, message)
    }

    pub(crate) fn reverted(message: String, data: String) -> Self {
        Self { code: 3, message, data: Some(Value::String(data)) }
    }
}

impl From<Failure> for ErrorPayload {
    fn from(failure: Failure) -> Self {
        let data = failure.data.and_then(|data| to_raw_value(&data).ok());
        Self { code: failure.code, message: Cow::Owned(failure.message), data }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::NotWholeSlots { .. }
            | ChainError::NotASlot { .. }
            | ChainError::TimeInPast { .. }
            | ChainError::Config(_) => Self::invalid_params(error.to_string()),
            ChainError::TooManySnapshots(_) => Self::limit(error.to_string()),
            _ => Self::server(error.to_string()),
        }
    }
}

/// Serializes a result.
pub(crate) fn reply(value: &impl Serialize) -> Reply {
    to_raw_value(value).map_err(|error| Failure::new(-32603, format!("result can't be serialized: {error}")))
}

/// A request's parameters, by position.
pub(crate) struct Params(Vec<Value>);

impl Params {
    pub(crate) fn parse(raw: Option<Value>) -> Result<Self, Failure> {
        match raw {
            None | Some(Value::Null) => Ok(Self(Vec::new())),
            Some(Value::Array(values)) => Ok(Self(values)),
            Some(_) => Err(Failure::invalid_params("params: expected an array")),
        }
    }

    /// The parameter at a position; `expected` tells the caller what belongs there.
    pub(crate) fn required<T: DeserializeOwned>(&self, index: usize, expected: &str) -> Result<T, Failure> {
        self.optional(index, expected)?.ok_or_else(|| {
            Failure::invalid_params(format!(
                "missing value for required argument {index}: expected {expected}"
            ))
        })
    }

    /// The parameter at a position, if it is given and not null.
    pub(crate) fn optional<T: DeserializeOwned>(
        &self,
        index: usize,
        expected: &str,
    ) -> Result<Option<T>, Failure> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| {
                Failure::invalid_params(format!("invalid argument {index}: expected {expected}: {error}"))
            }),
        }
    }

    /// At most this many parameters.
    pub(crate) fn at_most(&self, limit: usize) -> Result<(), Failure> {
        if self.0.len() > limit {
            return Err(Failure::invalid_params(format!("too many arguments, want at most {limit}")));
        }
        Ok(())
    }
}

/// A request as it comes in.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) jsonrpc: Option<String>,
    pub(crate) method: String,
    pub(crate) params: Option<Value>,
    pub(crate) id: Option<Value>,
}

/// An answer with its id.
#[derive(Serialize)]
pub(crate) struct Envelope {
    jsonrpc: &'static str,
    id: Value,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Box<RawValue>),
    Error(Failure),
}

impl Envelope {
    pub(crate) fn new(id: Value, reply: Reply) -> Self {
        let outcome = reply.map_or_else(Outcome::Error, Outcome::Result);
        Self { jsonrpc: "2.0", id, outcome }
    }
}

/// Writes an answer as JSON.
pub(crate) fn encode(answer: &impl Serialize) -> Option<String> {
    serde_json::to_string(answer).ok()
}
