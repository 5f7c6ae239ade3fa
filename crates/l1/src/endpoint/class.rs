//! What a failure of the L1 means: the words and codes of nodes and of the proxies before them.
//!
//! Nodes don't agree on codes, and proxies add their own. So only a short list of answers counts as a
//! statement about the request: a revert, and what no node can understand. Anything else may be answered
//! differently a moment later, or elsewhere.

use std::time::Duration;

use alloy::{
    rpc::json_rpc::ErrorPayload,
    transports::{RpcError, TransportErrorKind, TransportResult},
};

use serde_json::Value;

use super::redact::redact;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// Try again, after a pause.
    TryAgain,
    /// Try another endpoint, or this one again later.
    TryAnother,
    /// It lasts until an operator does something. Try again, rarely.
    Operator,
    /// Trying again is useless. Bad configuration, such as the wrong chain.
    Fatal,
}

impl FailureClass {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        self != Self::Fatal
    }
}

/// JSON-RPC code of a call that reverted (geth, reth, anvil, the embedded L1).
const REVERTED: i64 = 3;
/// JSON-RPC code of a method that the node doesn't have.
const NO_METHOD: i64 = -32601;
/// JSON-RPC code of a method that the node doesn't support (EIP-1474). hardhat uses it.
const UNSUPPORTED: i64 = -32004;
/// JSON-RPC code of invalid parameters.
pub(crate) const INVALID_PARAMS: i64 = -32602;
/// Code of a limit that is exceeded (EIP-1474), and HTTP's, which hosted endpoints repeat.
const RATE_LIMITS: [i64; 2] = [-32005, 429];
/// HTTP's codes of a missing or wrong key.
const UNAUTHORIZED: [i64; 2] = [401, 403];

/// Why a request to the L1 failed. No text has a URL's secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcFailure {
    /// The endpoint gave no answer, or an unreadable one. The request may have taken effect.
    #[error("the L1 endpoint gave no usable answer: {message}")]
    Unreachable { message: String, status: Option<u16> },
    /// The node answered with an error.
    #[error("the L1 node refused: {message} (code {code})")]
    Refused { code: i64, message: String, data: Option<alloy::primitives::Bytes> },
}

impl RpcFailure {
    /// What to do about it. Nothing that an endpoint answers is fatal.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable { status: Some(status), .. } if UNAUTHORIZED.contains(&i64::from(*status)) => {
                FailureClass::Operator
            }
            Self::Unreachable { .. } => FailureClass::TryAgain,
            Self::Refused { code, .. } if UNAUTHORIZED.contains(code) => FailureClass::Operator,
            Self::Refused { code: NO_METHOD | UNSUPPORTED | INVALID_PARAMS, .. } => FailureClass::TryAnother,
            Self::Refused { .. } => FailureClass::TryAgain,
        }
    }

    /// Whether the node doesn't know the method.
    pub(crate) fn is_unknown_method(&self) -> bool {
        let Self::Refused { code, message, .. } = self else { return false };
        let says = |word: &str| message.to_ascii_lowercase().contains(word);
        matches!(*code, NO_METHOD | UNSUPPORTED)
            || says("method not found")
            || says("does not exist/is not available")
            || says("unsupported method")
    }
}

impl From<RpcError<TransportErrorKind>> for RpcFailure {
    fn from(error: RpcError<TransportErrorKind>) -> Self {
        match error {
            RpcError::ErrorResp(payload) => Self::Refused {
                code: payload.code,
                data: payload.as_revert_data(),
                message: redact(&payload.message),
            },
            other => {
                let status = match &other {
                    RpcError::Transport(
                        TransportErrorKind::HttpError(error)
                        | TransportErrorKind::HttpErrorWithRetryAfter { error, .. },
                    ) => Some(error.status),
                    _ => None,
                };
                Self::Unreachable { message: redact(&other.to_string()), status }
            }
        }
    }
}

/// Converts the result of a request.
pub(crate) fn answered<T>(result: TransportResult<T>) -> Result<T, RpcFailure> {
    result.map_err(RpcFailure::from)
}

fn says(message: &str, words: &[&str]) -> bool {
    let lower = message.to_ascii_lowercase();
    words.iter().any(|word| lower.contains(word))
}

/// Whether a call or an estimate says that the transaction reverts.
pub(crate) fn is_revert(code: i64, message: &str, data: Option<&alloy::primitives::Bytes>) -> bool {
    code == REVERTED || data.is_some() || says(message, &["revert"])
}

/// Whether every endpoint would give this answer: the call reverts, or the transaction can't be valid.
pub(crate) fn is_about_the_request(error: &ErrorPayload) -> bool {
    is_revert(error.code, &error.message, error.as_revert_data().as_ref())
}

/// Whether the endpoint wants fewer requests.
pub(crate) fn is_rate_limit(code: i64, message: &str) -> bool {
    RATE_LIMITS.contains(&code)
        || says(message, &["rate limit", "too many requests", "capacity", "throttle", "quota", "exceeded"])
}

/// How long the endpoint wants to be left alone, if it says so: with HTTP's `Retry-After`, in the data of an
/// error (`rate.backoff_seconds`), or in its words ("try again in 2s").
pub(crate) fn retry_after(error: &RpcError<TransportErrorKind>) -> Option<Duration> {
    let payload = match error {
        RpcError::Transport(TransportErrorKind::HttpErrorWithRetryAfter { retry_after, .. }) => {
            return Some(*retry_after);
        }
        RpcError::ErrorResp(payload) => payload,
        _ => return None,
    };
    let data = payload.data.as_ref().and_then(|data| serde_json::from_str::<Value>(data.get()).ok());
    if let Some(seconds) = data.and_then(|data| data.pointer("/rate/backoff_seconds")?.as_f64()) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (_, rest) = payload.message.split_once("try again in ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, unit) = rest.split_at_checked(digits)?;
    let number = number.parse().ok()?;
    match unit.trim_start() {
        unit if unit.starts_with("ms") => Some(Duration::from_millis(number)),
        unit if unit.starts_with('s') => Some(Duration::from_secs(number)),
        _ => None,
    }
}

/// What a node's refusal of a transaction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has the transaction already.
    Known,
    /// The fees are too low for the pool, or for a replacement.
    Underpriced,
    /// The nonce is used, in the node's view.
    NonceUsed,
    /// Something else. The node may have the transaction nevertheless.
    Other,
}

/// Whether a refusal says that the node has the transaction.
pub(crate) fn means_known(message: &str) -> bool {
    judge_refusal(message) == Refusal::Known
}

/// Classifies a node's refusal of a transaction by the words of geth, reth, nethermind, besu, erigon, anvil,
/// hardhat and the embedded L1.
pub(crate) fn judge_refusal(message: &str) -> Refusal {
    const KNOWN: [&str; 9] = [
        "already known",
        "already imported",
        "alreadyknown",
        "known transaction",
        "already exists",
        "existing tx with same hash",
        "already in the pool",
        "already in mempool",
        "already have",
    ];
    const UNDERPRICED: [&str; 16] = [
        "underpriced",
        "fee cap less than",
        "max fee per gas less than",
        "max fee per blob gas",
        "feetoolow",
        "fee too low",
        "replacementnotallowed",
        "replacement not allowed",
        "could not replace existing",
        "gas price too low",
        "gasprice too low",
        "below base fee",
        "tip too low",
        "too low to replace",
        "below the minimum",
        "lower than the minimum",
    ];
    const NONCE_USED: [&str; 5] = [
        "nonce too low",
        "oldnonce",
        "nonce is too low",
        "nonce has already been used",
        "expected nonce to be",
    ];
    if says(message, &KNOWN) {
        Refusal::Known
    } else if says(message, &UNDERPRICED) {
        Refusal::Underpriced
    } else if says(message, &NONCE_USED) {
        Refusal::NonceUsed
    } else {
        Refusal::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_common_nodes_are_understood() {
        for (words, expected) in [
            ("already known", Refusal::Known),
            ("AlreadyKnown", Refusal::Known),
            ("transaction already imported", Refusal::Known),
            ("existing tx with same hash", Refusal::Known),
            ("Known transaction", Refusal::Known),
            ("replacement transaction underpriced", Refusal::Underpriced),
            ("max fee per gas less than block base fee: address 0x1", Refusal::Underpriced),
            ("ReplacementNotAllowed", Refusal::Underpriced),
            ("FeeTooLowToCompete", Refusal::Underpriced),
            ("could not replace existing tx", Refusal::Underpriced),
            ("nonce too low: next nonce 4, tx nonce 3", Refusal::NonceUsed),
            ("Nonce too low. Expected nonce to be 4 but got 3.", Refusal::NonceUsed),
            ("insufficient funds for gas * price + value", Refusal::Other),
            ("Internal error", Refusal::Other),
            ("request timed out", Refusal::Other),
        ] {
            assert_eq!(judge_refusal(words), expected, "{words}");
        }
    }

    #[test]
    fn a_revert_is_told_from_other_refusals() {
        use alloy::primitives::Bytes;
        assert!(is_revert(3, "execution reverted", None));
        assert!(is_revert(-32000, "execution reverted", None));
        assert!(is_revert(-32015, "VM Exception", Some(&Bytes::new())));
        assert!(!is_revert(-32000, "insufficient funds", None));
    }

    #[test]
    fn nothing_that_an_endpoint_answers_is_fatal() {
        for code in (-32_800..-31_900).chain([3, 429, 401, 403, -1, 0, 1, 500, 502]) {
            for message in ["header not found", "request timed out", "Internal error", ""] {
                let refused = RpcFailure::Refused { code, message: message.to_owned(), data: None };
                assert!(refused.class().is_retryable());
            }
        }
        for status in (100..600).map(Some).chain([None]) {
            assert!(RpcFailure::Unreachable { message: String::new(), status }.class().is_retryable());
        }
    }

    #[test]
    fn endpoints_say_when_to_come_back() {
        let refused = |message: &str, data: Option<&str>| {
            RpcError::ErrorResp(ErrorPayload {
                code: -32005,
                message: message.to_owned().into(),
                data: data.map(|data| serde_json::value::RawValue::from_string(data.to_owned()).unwrap()),
            })
        };
        let header =
            TransportErrorKind::http_error_with_retry_after(503, String::new(), Some(Duration::from_secs(7)));
        let data = r#"{"rate":{"allowed_rps":1,"backoff_seconds":1.5}}"#;
        for (error, expected) in [
            (header, Some(Duration::from_secs(7))),
            (refused("daily request count exceeded", Some(data)), Some(Duration::from_millis(1500))),
            (refused("rate limited, try again in 120ms", None), Some(Duration::from_millis(120))),
            (refused("try again in 2s.", None), Some(Duration::from_secs(2))),
            (refused("try again in a moment", None), None),
            (refused("no", Some("[]")), None),
        ] {
            assert_eq!(retry_after(&error), expected, "{error}");
        }
    }

    #[test]
    fn no_text_has_the_secrets_of_a_url() {
        let error: RpcError<TransportErrorKind> =
            TransportErrorKind::custom_str("error sending request for url (https://a.example/v2/KEY)");
        assert_eq!(
            RpcFailure::from(error).to_string(),
            "the L1 endpoint gave no usable answer: error sending request for url (https://a.example/…)"
        );
    }
}
