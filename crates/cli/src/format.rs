//! Numbers and hashes as a person reads them.

use std::fmt::Display;

use alloy_primitives::{B256, U256};
use fernet_protocol::Price;

/// Decimals of the token.
const DECIMALS: usize = 18;
/// Decimals shown where there is little room.
const SHORT_DECIMALS: usize = 4;

/// Token units as tokens: "10", "3.25".
pub(crate) fn tokens(units: U256) -> String {
    let digits = units.to_string();
    let padded = format!("{digits:0>width$}", width = DECIMALS + 1);
    let (whole, fraction) = padded.split_at(padded.len() - DECIMALS);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Token units as tokens with at most four decimals, where more would take room; the rest is cut off.
pub(crate) fn short_tokens(units: U256) -> String {
    let text = tokens(units);
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.len() > SHORT_DECIMALS => {
            format!("{whole}.{}…", &fraction[..SHORT_DECIMALS])
        }
        _ => text,
    }
}

/// A price as tokens, with a sign if the prover pays it.
pub(crate) fn short_price(price: Price) -> String {
    let sign = if price.is_negative() { "−" } else { "" };
    format!("{sign}{}", short_tokens(U256::from(price.magnitude().get())))
}

/// The first digits of a hash or an address.
pub(crate) fn short(value: impl Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(10) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A hash, shortened.
pub(crate) fn hash(value: &B256) -> String {
    short(value)
}

/// Gas in thousands, or a dash.
pub(crate) fn gas(gas: Option<u64>) -> String {
    gas.map_or_else(|| "–".to_owned(), |gas| format!("{:.1}k", gas as f64 / 1000.0))
}

/// "1 transfer", "2 transfers".
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A number with commas: 1,234,567.
pub(crate) fn number(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// Milliseconds as seconds.
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lose_no_digit() {
        let unit = U256::from(10).pow(U256::from(18));
        assert_eq!(tokens(U256::ZERO), "0");
        assert_eq!(tokens(unit * U256::from(10)), "10");
        assert_eq!(tokens(unit * U256::from(13) / U256::from(4)), "3.25");
        assert_eq!(tokens(U256::from(1)), "0.000000000000000001");
        assert_eq!(short_tokens(unit * U256::from(13) / U256::from(4)), "3.25");
        assert_eq!(short_tokens(unit / U256::from(3)), "0.3333…");
    }

    #[test]
    fn short_hashes_keep_their_beginning() {
        assert_eq!(hash(&B256::repeat_byte(0xab)), "0xabababab…");
        assert_eq!(short("0x12"), "0x12");
    }

    #[test]
    fn small_things_read_well() {
        assert_eq!(gas(None), "–");
        assert_eq!(gas(Some(80_123)), "80.1k");
        assert_eq!(count(1, "transfer"), "1 transfer");
        assert_eq!(count(0, "transfer"), "0 transfers");
        assert_eq!(seconds(4_049), "4.0 s");
    }
}
