//! What looks like a secret, and therefore has no place in a configuration.

use url::Url;

/// Characters of a private key in hexadecimal.
const KEY_DIGITS: usize = 64;
/// Fewest words of a mnemonic.
const MNEMONIC_WORDS: usize = 12;
/// Fewest characters of an access token in the path of an address.
const TOKEN_LENGTH: usize = 20;
/// Names of parameters that have access tokens.
const TOKEN_NAMES: [&str; 7] = ["apikey", "api_key", "api-key", "key", "token", "access_token", "secret"];

/// Whether a text looks like a private key or a mnemonic. No option takes 32 bytes in hexadecimal.
pub(crate) fn is_key(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hexadecimal = digits.len() == KEY_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_whitespace();
    let is_mnemonic = words.clone().count() >= MNEMONIC_WORDS
        && words.clone().all(|word| word.len() <= 8 && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    is_hexadecimal || is_mnemonic
}

/// The part of an address that looks like a secret, if there is one.
pub(crate) fn of_url(url: &Url) -> Option<&'static str> {
    if url.password().is_some() || !url.username().is_empty() {
        return Some("a user or a password");
    }
    if url.query_pairs().any(|(name, _)| TOKEN_NAMES.contains(&name.to_ascii_lowercase().as_str())) {
        return Some("an access token among its parameters");
    }
    let is_token = |part: &str| {
        part.len() >= TOKEN_LENGTH
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    url.path().split('/').any(is_token).then_some("an access token in its path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_addresses_and_names() {
        let key = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
        assert!(is_key(key) && is_key(&format!("0x{key}")) && is_key(&format!(" {}\n", key.to_uppercase())));
        assert!(is_key("test test test test test test test test test test test junk"));
        for text in ["", "0x7ef5a6135f1fd6a02593eedc869c6d41d934aef8", &key[1..], "attester", "0.5 token"] {
            assert!(!is_key(text), "{text}");
        }
    }

    #[test]
    fn tokens_of_addresses_are_found() {
        let of = |text: &str| of_url(&text.parse().unwrap());
        assert_eq!(of("https://user@host"), Some("a user or a password"));
        assert_eq!(of("https://user:pass@host"), Some("a user or a password"));
        assert!(of("https://host/?apiKey=x").is_some());
        assert!(of("https://mainnet.example/v3/9aa3d95b3bc440fa88ea12eaa4456161").is_some());
        for text in
            ["http://127.0.0.1:8545", "https://host/ext/bc/C/rpc", "https://ethereum-sepolia-rpc.host"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
