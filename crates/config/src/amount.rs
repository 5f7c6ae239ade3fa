//! Quantities with units: a number, a space, and the unit.

use alloy_primitives::U256;

/// A unit by its name, as a power of ten of the smallest one.
pub(crate) type DecimalUnit = (&'static str, u8);

/// A number with its sign, in the smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) is_negative: bool,
    pub(crate) magnitude: U256,
}

/// Reads an amount such as `0.5 token`. `None` if it isn't one, or is no whole number of the smallest unit.
pub(crate) fn parse(text: &str, units: &[DecimalUnit]) -> Option<Amount> {
    let (number, unit) = split(text)?;
    let (_, decimals) = units.iter().find(|(name, _)| *name == unit)?;
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let fraction = if number.contains('.') { fraction } else { "" };
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_empty_part = whole.is_empty() || (number.contains('.') && fraction.is_empty());
    if is_empty_part || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let missing = usize::from(*decimals).checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    // More digits than any amount has would overflow 256 bits.
    if digits.len() > 77 {
        return None;
    }
    let magnitude = U256::from_str_radix(&digits, 10).ok()?;
    Some(Amount { is_negative: is_negative && !magnitude.is_zero(), magnitude })
}

/// Splits a number from its unit.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|character: char| character.is_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let number = number.trim_end();
    (!number.is_empty()).then_some((number, unit))
}

/// Writes an amount in the largest unit, exactly.
pub(crate) fn show(amount: Amount, unit: DecimalUnit) -> String {
    let (name, decimals) = unit;
    let scale = U256::from(10).pow(U256::from(decimals));
    let (whole, rest) = amount.magnitude.div_rem(scale);
    let sign = if amount.is_negative { "-" } else { "" };
    if rest.is_zero() {
        return format!("{sign}{whole} {name}");
    }
    let fraction = format!("{rest:0>width$}", rest = rest.to_string(), width = usize::from(decimals));
    format!("{sign}{whole}.{} {name}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [DecimalUnit; 3] = [("ether", 18), ("gwei", 9), ("wei", 0)];

    #[test]
    fn amounts_are_exact() {
        let wei =
            |text| parse(text, &UNITS).map(|amount| (amount.is_negative, amount.magnitude.to::<u128>()));
        assert_eq!(wei("0.5 ether"), Some((false, 500_000_000_000_000_000)));
        assert_eq!(wei("0.000000000000000001 ether"), Some((false, 1)));
        assert_eq!(wei("3gwei"), Some((false, 3_000_000_000)));
        assert_eq!(wei("-1.5 gwei"), Some((true, 1_500_000_000)));
        assert_eq!(wei("-0 wei"), Some((false, 0)));
        for text in
            ["", "1", "ether", "1 eth", "1.5 wei", "1. ether", ".5 ether", "1e3 wei", "1_0 wei", "- 1 wei"]
        {
            assert_eq!(wei(text), None, "{text}");
        }
        assert_eq!(parse(&format!("{} wei", "9".repeat(100)), &UNITS), None);
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for text in ["0 ether", "1 ether", "0.05 ether", "-0.000000000000000001 ether", "123.456 ether"] {
            assert_eq!(show(parse(text, &UNITS).unwrap(), UNITS[0]), text);
        }
    }
}
