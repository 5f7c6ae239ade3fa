//! Types of settings: how each is read and shown.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::{Address, U256};
use fernet_protocol::{Price, TokenAmount};

use crate::{
    amount::{self, Amount, DecimalUnit},
    value::Value,
};

/// Units of token amounts.
const TOKEN_UNITS: [DecimalUnit; 4] = [("token", 18), ("tokens", 18), ("unit", 0), ("units", 0)];
/// Units of times, in milliseconds.
const TIME_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A type that a setting may have.
pub trait Setting: Sized {
    /// What is expected, for documents and errors.
    fn expected() -> String;

    /// Reads a value. `base` is the folder that relative paths start from.
    ///
    /// # Errors
    /// What is wrong, if it is more than that something else is expected.
    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch>;

    /// Shows the value as the file would have it, without secrets.
    fn show(&self) -> String;

    /// What a setting without a value and without a default is.
    fn absent() -> Option<Self> {
        None
    }
}

/// Why a value isn't one of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It is something else than what is expected.
    Other,
    /// For this reason.
    Reason(String),
}

/// A string as the file has it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn text(value: &Value) -> Result<&str, Mismatch> {
    value.text().ok_or(Mismatch::Other)
}

/// Reads a value by its text.
pub(crate) fn of_text<T>(value: &Value, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Mismatch> {
    read(text(value)?).ok_or(Mismatch::Other)
}

impl Setting for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::Boolean(value) => Ok(*value),
            Value::Bare(text) => text.parse().map_err(|_| Mismatch::Other),
            _ => Err(Mismatch::Other),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u64 {
    fn expected() -> String {
        "an integer, 0 or more".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::Integer(number) => Self::try_from(*number).map_err(|_| Mismatch::Other),
            Value::Bare(text) => text.parse().map_err(|_| Mismatch::Other),
            _ => Err(Mismatch::Other),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u32 {
    fn expected() -> String {
        format!("an integer from 0 to {}", Self::MAX)
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        Self::try_from(u64::parse(value, base)?).map_err(|_| Mismatch::Other)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn expected() -> String {
        "a text".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        Ok(text(value)?.to_owned())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "a path".to_owned()
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| (!text.is_empty()).then(|| base.join(text)))
    }

    fn show(&self) -> String {
        quoted(&self.display().to_string())
    }
}

impl Setting for Address {
    fn expected() -> String {
        "an address of 20 bytes with 0x".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        let text = text(value)?;
        let address =
            text.strip_prefix("0x").and_then(|_| text.parse::<Self>().ok()).ok_or(Mismatch::Other)?;
        let digits = text.trim_start_matches("0x");
        let is_mixed = digits.bytes().any(|byte| byte.is_ascii_uppercase())
            && digits.bytes().any(|byte| byte.is_ascii_lowercase());
        if is_mixed && address.to_checksum(None) != text {
            return Err(Mismatch::Reason(format!(
                "the checksum of {text} is wrong (EIP-55): compare it letter by letter with its source"
            )));
        }
        Ok(address)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for SocketAddr {
    fn expected() -> String {
        "an IP address and a port, such as \"127.0.0.1:9645\"".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| text.parse().ok())
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for Duration {
    fn expected() -> String {
        "a time with its unit (ms, s, min, h, d), such as \"12 s\"".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| {
            let (number, unit) = amount::split(text)?;
            let (_, milliseconds) = TIME_UNITS.iter().find(|(name, _)| *name == unit)?;
            number.parse::<u64>().ok()?.checked_mul(*milliseconds).map(Self::from_millis)
        })
    }

    fn show(&self) -> String {
        let total = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let whole = TIME_UNITS.iter().rev().find(|(_, unit)| total > 0 && total.is_multiple_of(*unit));
        let (name, unit) = whole.copied().unwrap_or(("s", 1_000));
        quoted(&format!("{} {name}", total / unit))
    }
}

impl Setting for TokenAmount {
    fn expected() -> String {
        "an amount of tokens, such as \"0.5 token\" or \"1 unit\" (10^18 units are a token)".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| {
            let Amount { is_negative, magnitude } = amount::parse(text, &TOKEN_UNITS)?;
            let units = u128::try_from(magnitude).ok()?;
            (!is_negative).then(|| Self::new(units))
        })
    }

    fn show(&self) -> String {
        let amount = Amount { is_negative: false, magnitude: U256::from(self.get()) };
        quoted(&amount::show(amount, TOKEN_UNITS[0]))
    }
}

impl Setting for Price {
    fn expected() -> String {
        "a price in tokens, such as \"0.5 token\" or \"-0.1 token\"".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| {
            let Amount { is_negative, magnitude } = amount::parse(text, &TOKEN_UNITS)?;
            let units = i128::try_from(magnitude).ok()?;
            Some(Self::new(if is_negative { units.checked_neg()? } else { units }))
        })
    }

    fn show(&self) -> String {
        let amount = Amount { is_negative: self.get() < 0, magnitude: U256::from(self.get().unsigned_abs()) };
        quoted(&amount::show(amount, TOKEN_UNITS[0]))
    }
}

impl<T: Setting> Setting for Option<T> {
    fn expected() -> String {
        T::expected()
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        T::parse(value, base).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(String::new, T::show)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn expected() -> String {
        format!("a list, each {}", T::expected())
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::List(values) => values.iter().map(|value| T::parse(value, base)).collect(),
            // In a variable and in a flag, commas are between the parts.
            Value::Bare(text) => text
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| T::parse(&Value::Bare(part.trim().to_owned()), base))
                .collect(),
            _ => Err(Mismatch::Other),
        }
    }

    fn show(&self) -> String {
        let parts: Vec<String> = self.iter().map(T::show).collect();
        format!("[{}]", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(text: &str) -> Option<T> {
        T::parse(&Value::Text(text.to_owned()), Path::new("")).ok()
    }

    #[test]
    fn times_need_their_unit() {
        assert_eq!(read("12 s"), Some(Duration::from_secs(12)));
        assert_eq!(read("1500ms"), Some(Duration::from_millis(1_500)));
        for text in ["12", "12 sec", "1.5 s", "-1 s", "99999999999999999999 s", "s"] {
            assert_eq!(read::<Duration>(text), None, "{text}");
        }
        for text in ["\"12 s\"", "\"1500 ms\"", "\"2 h\"", "\"0 s\"", "\"1 d\""] {
            let time: Duration = read(text.trim_matches('"')).unwrap();
            assert_eq!(time.show(), text);
        }
    }

    #[test]
    fn an_amount_of_tokens_is_not_negative_but_a_price_may_be() {
        assert_eq!(read("-1 unit"), Some(Price::new(-1)));
        assert_eq!(read::<TokenAmount>("-1 unit"), None);
        assert_eq!(read("2 tokens"), Some(TokenAmount::new(2_000_000_000_000_000_000)));
        assert_eq!(read::<TokenAmount>("400000000000000000000 token"), None);
        assert_eq!(Price::new(-100_000_000_000_000_000).show(), "\"-0.1 token\"");
    }

    #[test]
    fn a_mistyped_address_is_found_by_its_checksum() {
        let address = Address::repeat_byte(0xab).to_checksum(None);
        assert!(read::<Address>(&address).is_some());
        assert!(read::<Address>(&address.to_lowercase()).is_some());
        assert!(read::<Address>(&address[2..]).is_none());
        let swap = |c: char| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        let swapped = format!("0x{}", address[2..].chars().map(swap).collect::<String>());
        let error = Address::parse(&Value::Text(swapped.clone()), Path::new("")).unwrap_err();
        assert!(matches!(error, Mismatch::Reason(text) if text.contains("EIP-55")));
    }

    #[test]
    fn variables_have_commas_between_the_parts_of_a_list() {
        let list = |text: &str| Vec::<u64>::parse(&Value::Bare(text.to_owned()), Path::new(""));
        assert_eq!(list("1, 2,3"), Ok(vec![1, 2, 3]));
        assert_eq!(list(""), Ok(Vec::new()));
        assert_eq!(Vec::<u64>::parse(&Value::Text("1,2".to_owned()), Path::new("")), Err(Mismatch::Other));
    }
}
