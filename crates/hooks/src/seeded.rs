//! Faults at random, from a seed.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use crate::transport::{Failure, Hook, Hooks, Request};

/// Words that nodes and proxies refuse with. None says that a call reverts.
const WORDS: [&str; 28] = [
    "header not found",
    "unknown block",
    "request timed out",
    "Internal error",
    "internal error",
    "Server error",
    "execution timeout",
    "missing trie node",
    "transaction indexing is in progress",
    "limit exceeded",
    "daily request count exceeded, request rate limited",
    "Too Many Requests",
    "upstream connect error or disconnect/reset before headers",
    "no available upstreams",
    "service temporarily unavailable",
    "node is syncing",
    "method handler crashed",
    "unauthorized",
    "already known",
    "existing tx with same hash",
    "nonce too low",
    "replacement transaction underpriced",
    "ReplacementNotAllowed",
    "FeeTooLowToCompete",
    "could not replace existing tx",
    "insufficient funds for gas * price + value",
    "txpool is full",
    "",
];
/// Codes that were seen. 3 isn't among them: it says that a call reverts.
const CODES: [i64; 16] = [
    -32_000, -32_001, -32_002, -32_003, -32_005, -32_007, -32_010, -32_016, -32_090, -32_600, -32_603,
    -32_604, -32_700, 429, -1, 0,
];
/// Statuses of proxies.
const STATUSES: [u16; 8] = [401, 403, 408, 429, 500, 502, 503, 504];
/// Bodies of proxies.
const BODIES: [&str; 5] = [
    "",
    "<html><head><title>502 Bad Gateway</title></head></html>",
    "{\"error\":\"over capacity\"}",
    "error code: 1015",
    "null",
];
/// Longest outage, in requests.
const LONGEST_OUTAGE: u32 = 6;
/// Longest delay.
const LONGEST_DELAY: Duration = Duration::from_millis(20);

/// How often faults happen, in thousandths of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// A request fails, is answered wrongly or late.
    pub faults: u32,
    /// An outage begins: the next requests, up to six, all fail.
    pub outages: u32,
}

impl Rates {
    /// Every fifteenth request.
    pub const USUAL: Self = Self { faults: 60, outages: 6 };
    /// Every third request.
    pub const HEAVY: Self = Self { faults: 250, outages: 30 };
}

#[derive(Debug)]
struct State {
    random: StdRng,
    /// Requests of the outage that are left.
    outage: u32,
    faults: u64,
}

/// Hooks that choose at random.
pub struct Seeded {
    rates: Rates,
    state: Mutex<State>,
}

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seeded").field("rates", &self.rates).finish_non_exhaustive()
    }
}

impl Seeded {
    /// Faults from a seed.
    pub fn new(seed: u64, rates: Rates) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { rates, state: Mutex::new(State { random, outage: 0, faults: 0 }) }
    }

    /// Number of requests so far to which something happened.
    pub fn faults(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).faults
    }
}

impl Hooks for Seeded {
    fn hook(&self, request: &Request) -> Hook {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.outage > 0 {
            state.outage -= 1;
            state.faults += 1;
            return Hook::Fail(failure(&mut state.random));
        }
        let drawn = state.random.random_range(0..1000);
        if drawn < self.rates.outages {
            state.outage = state.random.random_range(0..LONGEST_OUTAGE);
            state.faults += 1;
            return Hook::Fail(failure(&mut state.random));
        }
        if drawn >= self.rates.outages.saturating_add(self.rates.faults) {
            return Hook::Deliver;
        }
        state.faults += 1;
        fault(&mut state.random, request)
    }
}

fn word(random: &mut StdRng) -> String {
    if random.random_ratio(1, 8) {
        let length = random.random_range(0..40);
        // Letters of no word that means anything.
        return (0..length).map(|_| char::from(random.random_range(b'g'..b'n'))).collect();
    }
    WORDS.choose(random).copied().unwrap_or_default().to_owned()
}

fn error(random: &mut StdRng) -> Failure {
    let code = match random.random_range(0..3) {
        0 => random.random_range(-32_800..-31_900),
        _ => CODES.choose(random).copied().unwrap_or(-32_603),
    };
    // It would say that the method or its parameters are wrong, and clients may believe that for good.
    let code = if matches!(code, -32_602 | -32_601) { -32_603 } else { code };
    Failure::Error { code, message: word(random) }
}

fn failure(random: &mut StdRng) -> Failure {
    match random.random_range(0..4) {
        0 => Failure::Broken,
        1 => Failure::Http {
            status: STATUSES.choose(random).copied().unwrap_or(502),
            body: BODIES.choose(random).copied().unwrap_or_default().to_owned(),
        },
        _ => error(random),
    }
}

/// A fault that fits the request.
fn fault(random: &mut StdRng, request: &Request) -> Hook {
    let method = request.method.as_str();
    let kind = random.random_range(0..6);
    match (kind, method) {
        (0, _) => {
            let wait = LONGEST_DELAY.mul_f64(random.random());
            Hook::Delay(wait, Box::new(Hook::Deliver))
        }
        (1 | 2, "eth_sendRawTransaction") => Hook::DeliverThenFail(failure(random)),
        (1 | 2, "eth_feeHistory") => Hook::Change(holes(random)),
        (1 | 2, "eth_getLogs") => Hook::Answer(json!([])),
        (1, "eth_getTransactionReceipt" | "eth_getTransactionByHash" | "eth_getBlockByNumber") => {
            Hook::Answer(Value::Null)
        }
        (
            1..=3,
            "eth_blockNumber"
            | "eth_getTransactionReceipt"
            | "eth_getTransactionByHash"
            | "eth_getBlockByNumber"
            | "eth_getTransactionCount",
        ) => Hook::Behind(random.random_range(1..4)),
        (3, "eth_estimateGas") => Hook::Change(Arc::new(|_| Value::from("0xd59f80"))),
        _ => Hook::Fail(failure(random)),
    }
}

/// Takes parts of a fee history out, or puts `null` or zero in their place.
fn holes(random: &mut StdRng) -> Arc<dyn Fn(Value) -> Value + Send + Sync> {
    let seed = random.random();
    Arc::new(move |mut history| {
        let mut random = StdRng::seed_from_u64(seed);
        if random.random_ratio(1, 8) {
            return Value::Null;
        }
        if let Some(fields) = history.as_object_mut() {
            for name in ["baseFeePerGas", "baseFeePerBlobGas", "reward"] {
                match random.random_range(0..6) {
                    0 => drop(fields.remove(name)),
                    1 => drop(fields.insert(name.to_owned(), Value::Null)),
                    2 => drop(fields.insert(name.to_owned(), json!([]))),
                    3 => drop(fields.insert(name.to_owned(), json!([null, null]))),
                    4 if name != "reward" => drop(fields.insert(name.to_owned(), json!(["0x0", "0x0"]))),
                    _ => {}
                }
            }
        }
        history
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Request {
        Request { method: method.to_owned(), params: Value::Null }
    }

    #[test]
    fn a_seed_gives_the_same_faults() {
        let play = |seed| {
            let hooks = Seeded::new(seed, Rates::HEAVY);
            let played: Vec<String> = (0..500)
                .map(|number| {
                    let methods = ["eth_call", "eth_sendRawTransaction", "eth_feeHistory", "eth_getLogs"];
                    format!("{:?}", hooks.hook(&request(methods[number % 4])))
                })
                .collect();
            (played, hooks.faults())
        };
        assert_eq!(play(7), play(7));
        let (played, faults) = play(8);
        assert_ne!(played, play(7).0);
        assert!((100..400).contains(&faults), "{faults}");
    }

    #[test]
    fn no_fault_says_that_a_call_reverts() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..20_000 {
            if let Failure::Error { code, message } = failure(&mut random) {
                assert!(code != 3 && !message.to_lowercase().contains("revert"), "{code} {message}");
            }
        }
    }

    #[test]
    fn an_outage_ends() {
        let hooks = Seeded::new(3, Rates { faults: 0, outages: 100 });
        let mut failed = 0_u32;
        for _ in 0..10_000 {
            failed = if matches!(hooks.hook(&request("eth_call")), Hook::Deliver) { 0 } else { failed + 1 };
            assert!(failed < 60);
        }
    }
}
