//! Reverts of the contracts as readable text.

use crate::contracts::{self, IERC20, Lane, Phase, Status};
use alloy::{
    dyn_abi::{DynSolValue, ErrorExt},
    primitives::{Bytes, hex},
    sol_types::{SolError, SolInterface},
};
use std::{collections::BTreeMap, fmt, sync::LazyLock};

/// One argument of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Name in the Solidity source.
    pub name: String,
    /// Value as text: numbers decimal, bytes and addresses hexadecimal, phases, statuses and lanes by name.
    pub value: String,
}

/// What a call reverted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revert {
    /// A custom error of the contracts or of the token.
    Custom {
        /// Name of the error.
        name: String,
        /// Arguments in order.
        arguments: Vec<Argument>,
    },
    /// `Error(string)`.
    Reason(String),
    /// `Panic(uint256)`: a bug in a contract.
    Panic(String),
    /// No data: out of gas, a call to something that isn't there, or a plain `revert()`.
    Empty,
    /// Data that no known error explains.
    Unknown(Bytes),
}

impl Revert {
    /// Name of a custom error.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Custom { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Value of a custom error's argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        match self {
            Self::Custom { arguments, .. } => {
                arguments.iter().find(|a| a.name == name).map(|a| a.value.as_str())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom { name, arguments } => {
                let arguments: Vec<_> =
                    arguments.iter().map(|a| format!("{}: {}", a.name, a.value)).collect();
                write!(f, "{name}({})", arguments.join(", "))
            }
            Self::Reason(text) => write!(f, "reverted: {text:?}"),
            Self::Panic(text) => write!(f, "panicked: {text}"),
            Self::Empty => f.write_str("reverted without data"),
            Self::Unknown(data) => write!(f, "reverted with unknown data {}", shortened(data)),
        }
    }
}

/// Reads the data that a call reverted with. Takes any bytes.
#[must_use]
pub fn decode_revert(data: &[u8]) -> Revert {
    if data.is_empty() {
        return Revert::Empty;
    }
    // a phase, a status or a lane says more by its name
    if let Ok(contracts::IRollup::IRollupErrors::WrongPhase(e)) =
        contracts::IRollup::IRollupErrors::abi_decode(data)
    {
        return custom("WrongPhase", [("expected", phase(e.expected)), ("actual", phase(e.actual))]);
    }
    if let Ok(contracts::IStaking::IStakingErrors::WrongStatus(e)) =
        contracts::IStaking::IStakingErrors::abi_decode(data)
    {
        return custom(
            "WrongStatus",
            [
                ("sequencer", e.sequencer.to_string()),
                ("expected", status(e.expected)),
                ("actual", status(e.actual)),
            ],
        );
    }
    if let Some(revert) = of_lane(data) {
        return revert;
    }
    if let Ok(reason) = alloy::sol_types::Revert::abi_decode(data) {
        return Revert::Reason(reason.reason);
    }
    if let Ok(panic) = alloy::sol_types::Panic::abi_decode(data) {
        return Revert::Panic(panic.to_string());
    }
    let known = data.first_chunk::<4>().and_then(|selector| ERRORS.get(selector));
    match known.and_then(|error| Some((error, error.decode_error(data).ok()?))) {
        None => Revert::Unknown(Bytes::copy_from_slice(data)),
        Some((error, decoded)) => Revert::Custom {
            name: error.name.clone(),
            arguments: error
                .inputs
                .iter()
                .zip(&decoded.body)
                .map(|(input, value)| Argument { name: input.name.clone(), value: text(value) })
                .collect(),
        },
    }
}

/// Every error of the contracts by its selector. One with the same signature in two contracts is one entry.
static ERRORS: LazyLock<BTreeMap<[u8; 4], alloy::json_abi::Error>> = LazyLock::new(|| {
    let tables = contracts::error_tables().into_iter().map(|(_, errors)| errors());
    tables
        .chain([IERC20::abi::errors()])
        .flat_map(|table| table.into_values().flatten())
        .map(|error| (error.selector().0, error))
        .collect()
});

fn custom<const N: usize>(name: &str, arguments: [(&str, String); N]) -> Revert {
    let arguments = arguments.map(|(name, value)| Argument { name: name.to_owned(), value }).into();
    Revert::Custom { name: name.to_owned(), arguments }
}

fn phase(phase: Phase) -> String {
    format!("{phase:?}")
}

fn status(status: Status) -> String {
    format!("{status:?}")
}

fn lane(lane: Lane) -> (&'static str, String) {
    ("lane", format!("{lane:?}"))
}

/// An error of the Bridge about one of its lanes.
fn of_lane(data: &[u8]) -> Option<Revert> {
    use contracts::IBridge::IBridgeErrors;
    Some(match IBridgeErrors::abi_decode(data).ok()? {
        IBridgeErrors::QueueOutOfRange(e) => custom(
            "QueueOutOfRange",
            [
                lane(e.lane),
                ("from", e.from.to_string()),
                ("to", e.to.to_string()),
                ("count", e.count.to_string()),
            ],
        ),
        IBridgeErrors::TooManyOperations(e) => custom(
            "TooManyOperations",
            [lane(e.lane), ("maximum", e.maximum.to_string()), ("actual", e.actual.to_string())],
        ),
        IBridgeErrors::OperationsNotConsumed(e) => custom(
            "OperationsNotConsumed",
            [lane(e.lane), ("required", e.required.to_string()), ("actual", e.actual.to_string())],
        ),
        IBridgeErrors::WrongChain(e) => custom(
            "WrongChain",
            [lane(e.lane), ("expected", e.expected.to_string()), ("actual", e.actual.to_string())],
        ),
        _ => return None,
    })
}

fn text(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(b) => b.to_string(),
        DynSolValue::Int(n, _) => n.to_string(),
        DynSolValue::Uint(n, _) => n.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(word.get(..*size).unwrap_or_default()),
        DynSolValue::Address(a) => a.to_string(),
        DynSolValue::Function(f) => f.to_string(),
        DynSolValue::Bytes(b) => shortened(b),
        DynSolValue::String(s) => format!("{s:?}"),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        DynSolValue::Tuple(values) => format!("({})", values.iter().map(text).collect::<Vec<_>>().join(", ")),
        // Values of EIP-712 exist if another crate enables that feature of alloy-dyn-abi. No ABI has them.
        #[allow(unreachable_patterns, reason = "depends on the features of alloy-dyn-abi")]
        other => format!("{other:?}"),
    }
}

/// Hex of at most 64 bytes.
fn shortened(data: &[u8]) -> String {
    match data.get(..64) {
        Some(start) if data.len() > 64 => format!("{}… ({} bytes)", hex::encode_prefixed(start), data.len()),
        _ => hex::encode_prefixed(data),
    }
}
