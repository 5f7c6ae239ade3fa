//! Amounts and times of a deployment, as a person reads and writes them.

use std::fmt;

use alloy::primitives::U256;
use fernet_protocol::L1Slot;
use serde::{Serialize, Serializer};

/// Most decimals of a token that amounts are shown with. More would not fit into a `uint256`.
pub(crate) const MAX_DECIMALS: u8 = 36;
/// Longest symbol of a token that is shown.
const SYMBOL_LIMIT: usize = 16;

/// An amount in token units, which is serialized as a decimal string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub U256);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u128> for Amount {
    fn from(amount: u128) -> Self {
        Self(U256::from(amount))
    }
}

/// An L1 slot with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// The L1 slot.
    pub l1_slot: u64,
    /// Its start, in seconds since 1970.
    pub timestamp: u64,
}

/// Why a text is no amount of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It isn't a decimal number.
    #[error("expected a number of tokens, such as 20 or 0.5, got {text:?}")]
    NotANumber { text: String },
    /// It has more digits after the point than the token.
    #[error("expected at most {decimals} digits after the point, as the token has, got {text}")]
    TooFine { decimals: u8, text: String },
    /// It is out of range.
    #[error("amount {text} is too high")]
    TooHigh { text: String },
    /// L2 amounts are whole L2 units.
    #[error("expected a multiple of {smallest}, the smallest amount on L2, got {text}")]
    NotWholeOnL2 { smallest: String, text: String },
}

/// What amounts and times of a deployment are read and written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// Symbol of the token: letters and digits only.
    pub symbol: String,
    /// Digits of a token after the point.
    pub decimals: u8,
    /// Token units of one L2 unit.
    pub l2_unit: U256,
    /// L1 slot of L1's newest block.
    pub now: L1Slot,
    /// Start of L1 slot 0, in seconds since 1970.
    pub genesis_time: u64,
    /// Length of an L1 slot, in seconds.
    pub slot_seconds: u64,
}

impl Units {
    /// A token's symbol if it can be shown. It is the token's own text: it must not break a line.
    pub(crate) fn shown_symbol(symbol: &str) -> Option<String> {
        let is_fine = !symbol.is_empty()
            && symbol.len() <= SYMBOL_LIMIT
            && symbol.chars().all(|character| character.is_ascii_alphanumeric());
        is_fine.then(|| symbol.to_owned())
    }

    fn one(&self) -> U256 {
        U256::from(10).pow(U256::from(self.decimals.min(MAX_DECIMALS)))
    }

    /// Token units as a number of tokens, with all digits: `12.5`.
    #[must_use]
    pub fn number(&self, amount: U256) -> String {
        let width = usize::from(self.decimals.min(MAX_DECIMALS)).saturating_add(1);
        let digits = format!("{:0>width$}", amount.to_string());
        let (whole, fraction) = digits.split_at(digits.len() - (width - 1));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    /// Token units with the token's symbol: `12.5 FDEV`.
    #[must_use]
    pub fn tokens(&self, amount: U256) -> String {
        format!("{} {}", self.number(amount), self.symbol)
    }

    /// A signed amount of token units, such as a price: `-12.5 FDEV`.
    #[must_use]
    pub fn signed_tokens(&self, amount: i128) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        format!("{sign}{}", self.tokens(U256::from(amount.unsigned_abs())))
    }

    /// L2 units in tokens.
    #[must_use]
    pub fn l2_tokens(&self, amount: u64) -> String {
        self.tokens(self.of_l2(amount))
    }

    /// Token units of an amount of L2 units.
    #[must_use]
    pub fn of_l2(&self, amount: u64) -> U256 {
        U256::from(amount).saturating_mul(self.l2_unit)
    }

    /// Token units of a number of tokens: digits, and a point with more digits.
    ///
    /// # Errors
    /// If the text is no such number, or it is finer than the token or out of range.
    pub fn parse(&self, text: &str) -> Result<U256, AmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(AmountError::NotANumber { text: text.to_owned() });
        }
        let fraction = fraction.trim_end_matches('0');
        let decimals = self.decimals.min(MAX_DECIMALS);
        let Some(missing) = usize::from(decimals).checked_sub(fraction.len()) else {
            return Err(AmountError::TooFine { decimals, text: text.to_owned() });
        };
        let too_high = || AmountError::TooHigh { text: text.to_owned() };
        let whole: U256 = whole.parse().map_err(|_| too_high())?;
        let fraction: U256 = format!("{fraction}{}", "0".repeat(missing)).parse().unwrap_or_default();
        whole.checked_mul(self.one()).and_then(|units| units.checked_add(fraction)).ok_or_else(too_high)
    }

    /// L2 units of a number of tokens.
    ///
    /// # Errors
    /// If the text is no number, or the amount isn't a whole number of L2 units of at most 64 bits.
    pub fn parse_l2(&self, text: &str) -> Result<u64, AmountError> {
        let amount = self.parse(text)?;
        let unit = self.l2_unit.max(U256::ONE);
        if !amount.wrapping_rem(unit).is_zero() {
            let smallest = self.tokens(unit);
            return Err(AmountError::NotWholeOnL2 { smallest, text: text.to_owned() });
        }
        u64::try_from(amount.wrapping_div(unit)).map_err(|_| AmountError::TooHigh { text: text.to_owned() })
    }

    /// A length of time: `20 L1 slots (240 s)`.
    #[must_use]
    pub fn span(&self, l1_slots: u64) -> String {
        let slots = if l1_slots == 1 { "L1 slot" } else { "L1 slots" };
        format!("{l1_slots} {slots} ({})", seconds(l1_slots.saturating_mul(self.slot_seconds)))
    }

    /// A moment: `L1 slot 120, in 20 L1 slots (4 min)`.
    #[must_use]
    pub fn moment(&self, at: L1Slot) -> String {
        if at == self.now {
            format!("L1 slot {at}, now")
        } else if at < self.now {
            format!("L1 slot {at}, {} ago", self.span(self.now.since(at)))
        } else {
            format!("L1 slot {at}, in {}", self.span(at.since(self.now)))
        }
    }

    /// An L1 slot with its time, for programs.
    #[must_use]
    pub fn at(&self, at: L1Slot) -> Moment {
        let timestamp = self.genesis_time.saturating_add(at.get().saturating_mul(self.slot_seconds));
        Moment { l1_slot: at.get(), timestamp }
    }
}

/// Seconds in the largest unit that is less than half wrong: `36 s`, `4 min`, `3.5 h`, `9.2 d`.
fn seconds(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{:.1} h", seconds as f64 / 3_600.0),
        _ => format!("{:.1} d", seconds as f64 / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Units {
        Units {
            symbol: "FDEV".to_owned(),
            decimals: 18,
            l2_unit: U256::from(1_000_000_000),
            now: L1Slot::new(100),
            genesis_time: 1_000,
            slot_seconds: 12,
        }
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let units = units();
        for text in ["0", "1", "20", "0.5", "12.000000000000000001", "340282366920938463463.5"] {
            assert_eq!(units.number(units.parse(text).unwrap()), text);
        }
        assert_eq!(units.parse("020.50").unwrap(), U256::from(205) * U256::from(10).pow(U256::from(17)));
        assert_eq!(units.tokens(U256::from(10).pow(U256::from(18))), "1 FDEV");
        assert_eq!(units.signed_tokens(-1_500_000_000_000_000_000), "-1.5 FDEV");
        let whole = Units { decimals: 0, ..units };
        assert_eq!(whole.number(U256::from(7)), "7");
        assert_eq!(whole.parse("7.0"), Ok(U256::from(7)));
        assert!(matches!(whole.parse("7.1"), Err(AmountError::TooFine { decimals: 0, .. })));
    }

    #[test]
    fn what_is_no_amount_is_told() {
        let units = units();
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "ten", "0x1", "1.2.3"] {
            assert_eq!(units.parse(text), Err(AmountError::NotANumber { text: text.to_owned() }));
        }
        assert!(matches!(units.parse("0.0000000000000000001"), Err(AmountError::TooFine { .. })));
        let huge = "9".repeat(70);
        assert_eq!(units.parse(&huge), Err(AmountError::TooHigh { text: huge.clone() }));
        assert_eq!(units.parse(&"9".repeat(100)), Err(AmountError::TooHigh { text: "9".repeat(100) }));
    }

    #[test]
    fn l2_amounts_are_whole_units() {
        let units = units();
        assert_eq!(units.parse_l2("0.000000001"), Ok(1));
        assert_eq!(units.l2_tokens(1_500_000_000), "1.5 FDEV");
        let error = units.parse_l2("0.0000000001").unwrap_err().to_string();
        assert_eq!(
            error,
            "expected a multiple of 0.000000001 FDEV, the smallest amount on L2, got 0.0000000001"
        );
        assert!(matches!(units.parse_l2("18446744074"), Err(AmountError::TooHigh { .. })));
    }

    #[test]
    fn moments_say_how_far_they_are() {
        let units = units();
        assert_eq!(units.moment(L1Slot::new(100)), "L1 slot 100, now");
        assert_eq!(units.moment(L1Slot::new(101)), "L1 slot 101, in 1 L1 slot (12 s)");
        assert_eq!(units.moment(L1Slot::new(80)), "L1 slot 80, 20 L1 slots (4 min) ago");
        assert_eq!(units.span(7_200), "7200 L1 slots (24.0 h)");
        assert_eq!(units.span(72_000), "72000 L1 slots (10.0 d)");
        assert_eq!(units.at(L1Slot::new(10)), Moment { l1_slot: 10, timestamp: 1_120 });
    }

    #[test]
    fn symbols_that_break_a_line_are_not_shown() {
        assert_eq!(Units::shown_symbol("FDEV"), Some("FDEV".to_owned()));
        for symbol in ["", "A\nB", "a b", "LONGERTHANSIXTEENLETTERS", "\u{1b}[2J"] {
            assert_eq!(Units::shown_symbol(symbol), None, "{symbol:?}");
        }
    }
}
