//! Keeps the secrets of endpoints out of logs, reports and stores. Hosted endpoints have their key in the
//! path, the query or the user's part of the URL, and some repeat it in their answers.

use alloy::rpc::json_rpc::ResponsePayload;
use url::Url;

/// Shortest part of a URL that counts as a secret. Shorter ones, such as `v3`, occur in any text.
const SHORTEST_SECRET: usize = 6;
/// What takes the place of a secret.
const HIDDEN: &str = "[hidden]";
/// Longest text that is kept of an answer, in characters.
const LONGEST_TEXT: usize = 300;

/// Scheme, host and port of a URL.
pub fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// `text` with nothing but scheme, host and port left of each URL in it.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ']' | '}' | '`');
        let (address, left) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        out.push_str(host);
        // What ends a sentence belongs to the text.
        let trailing = address.trim_end_matches(['.', ',', ':', ';']).len();
        if authority.len() < trailing {
            out.push_str("/…");
            out.push_str(address.get(trailing..).unwrap_or_default());
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

/// What must not be repeated of an endpoint's URL.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(url: &Url) -> Self {
        let mut parts: Vec<String> = vec![url.username().to_owned()];
        parts.extend(url.password().map(str::to_owned));
        parts.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
        parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        parts.extend(url.query().into_iter().flat_map(|query| query.split(['&', '='])).map(str::to_owned));
        parts.retain(|part| part.len() >= SHORTEST_SECRET);
        // A secret may contain another one.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.dedup();
        Self(parts)
    }

    /// `text` without the secrets, without URLs, and not longer than a few lines.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let hidden =
            self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN));
        redact(&hidden).chars().take(LONGEST_TEXT).collect()
    }

    /// An answer without the secrets in the words of its error.
    pub(crate) fn scrub_payload(&self, mut payload: ResponsePayload) -> ResponsePayload {
        if let ResponsePayload::Failure(error) = &mut payload {
            error.message = self.scrub(&error.message).into();
        }
        payload
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_host_of_a_url_is_kept() {
        assert_eq!(
            redact("error sending request for url (https://u:p@rpc.example:8545/v3/KEY?t=1): timed out"),
            "error sending request for url (https://rpc.example:8545/…): timed out"
        );
        assert_eq!(redact("see http://a.example."), "see http://a.example.");
        assert_eq!(redact("http://a/b, then ws://c?d=e"), "http://a/…, then ws://c/…");
        assert_eq!(redact("nothing to hide"), "nothing to hide");
    }

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let url = Url::parse("https://user01:word02@host/v3/abcdef123456?key=qwertz%2B1").unwrap();
        let secrets = Secrets::of(&url);
        let text = "no such project: abcdef123456 of user01, word02 (qwertz+1, qwertz%2B1) in v3";
        assert_eq!(
            secrets.scrub(text),
            "no such project: [hidden] of [hidden], [hidden] ([hidden], [hidden]) in v3"
        );
        assert!(!format!("{secrets:?}").contains("abc"));
    }

    proptest! {
        #[test]
        fn no_path_survives(before in "[a-z ]{0,9}", key in "[a-zA-Z0-9]{6,20}", after in "[a-z ]{0,9}") {
            let url = Url::parse(&format!("https://{key}:{key}@host.example/{key}?x={key}#{key}")).unwrap();
            let shown = redact(&format!("{before}({url}) {after}"));
            prop_assert!(!shown.contains(&key) || before.contains(&key) || after.contains(&key), "{}", shown);
            let shown = Secrets::of(&url).scrub(&format!("{before}<{key}>{after} {url}"));
            prop_assert!(!shown.contains(&key) || before.contains(&key) || after.contains(&key), "{}", shown);
        }
    }
}
