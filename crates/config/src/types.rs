//! Types that only settings have.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use alloy_primitives::U256;
use url::Url;

use crate::{
    amount::{self, Amount, DecimalUnit},
    secret,
    setting::{Mismatch, Setting, of_text, quoted},
    value::Value,
};

const WEI_UNITS: [DecimalUnit; 3] = [("ether", 18), ("gwei", 9), ("wei", 0)];

/// Defines settings that are one of a few words.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        $name:ident { $($(#[doc = $about:literal])+ $variant:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $about])+ $variant),+ }

        impl $name {
            /// The words, in the order of the documentation.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of this choice.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Setting for $name {
            fn expected() -> String {
                let words: Vec<String> = Self::WORDS.iter().map(|word| quoted(word)).collect();
                format!("one of {}", words.join(", "))
            }

            fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
                of_text(value, |text| match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                })
            }

            fn show(&self) -> String {
                quoted(self.word())
            }
        }
    };
}

choice! {
    /// A deployment that has a name: those of `script/config`.
    Network {
        /// A development chain.
        Devnet = "devnet",
        /// Ethereum's test network.
        Sepolia = "sepolia",
        /// Ethereum.
        Mainnet = "mainnet",
    }
}

choice! {
    /// How a blob endpoint names blocks.
    BlobIds {
        /// By the hash of the L1 block, as anvil and the embedded L1 do.
        Hash = "hash",
        /// By the slot, as beacon nodes do.
        Slot = "slot",
    }
}

choice! {
    /// Form of log lines.
    LogFormat {
        /// For reading.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// The party that sends a commitment to L1.
    Commitment {
        /// The sequencer.
        Sequencer = "sequencer",
        /// The prover.
        Prover = "prover",
    }
}

choice! {
    /// The kind of proofs that blob sidecars carry.
    Sidecars {
        /// Cell proofs.
        Eip7594 = "eip7594",
        /// One proof a blob.
        Eip4844 = "eip4844",
    }
}

choice! {
    /// Where a key is.
    SignerKind {
        /// In an encrypted file.
        Keystore = "keystore",
        /// In a remote signer.
        Web3Signer = "web3signer",
        /// In a variable of the environment.
        Env = "env",
    }
}

impl Network {
    /// The chain id of its L1. A development chain may have any.
    #[must_use]
    pub const fn chain_id(self) -> Option<u64> {
        match self {
            Self::Devnet => None,
            Self::Sepolia => Some(11_155_111),
            Self::Mainnet => Some(1),
        }
    }
}

/// An amount of L1's coin, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wei(U256);

impl Wei {
    /// The amount.
    #[must_use]
    pub const fn get(self) -> U256 {
        self.0
    }
}

impl Setting for Wei {
    fn expected() -> String {
        "an amount with its unit (ether, gwei, wei), such as \"0.1 ether\"".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| {
            let amount = amount::parse(text, &WEI_UNITS)?;
            (!amount.is_negative).then_some(Self(amount.magnitude))
        })
    }

    fn show(&self) -> String {
        quoted(&amount::show(Amount { is_negative: false, magnitude: self.0 }, WEI_UNITS[0]))
    }
}

/// An integer with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The integer.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Setting for Bounded<MIN, MAX> {
    fn expected() -> String {
        format!("an integer from {MIN} to {MAX}")
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        let number = u32::parse(value, base)?;
        if (MIN..=MAX).contains(&number) { Ok(Self(number)) } else { Err(Mismatch::Other) }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// A value, or "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrNever<T> {
    /// The value.
    Value(T),
    /// The thing doesn't happen.
    Never,
}

impl<T> OrNever<T> {
    /// The value, unless the thing doesn't happen.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Never => None,
        }
    }
}

impl<T: Setting> Setting for OrNever<T> {
    fn expected() -> String {
        format!("{}, or \"never\"", T::expected())
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        match value.text() {
            Some("never") => Ok(Self::Never),
            _ => T::parse(value, base).map(Self::Value),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Value(value) => value.show(),
            Self::Never => quoted("never"),
        }
    }
}

/// The name of a signer: that of its table, `[signers.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignerName(String);

impl SignerName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name, if it has only small letters, digits and hyphens and begins with a letter.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_valid = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        is_valid.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for SignerName {
    fn expected() -> String {
        "the name of a signer (small letters, digits, hyphens)".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, Self::new)
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// An address of the peer-to-peer network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiaddr(String);

impl Multiaddr {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for Multiaddr {
    fn expected() -> String {
        "a multiaddress, such as \"/ip4/127.0.0.1/tcp/40500\"".to_owned()
    }

    fn parse(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        of_text(value, |text| {
            let is_valid = text.starts_with('/')
                && !text.ends_with('/')
                && !text.contains("//")
                && !text.contains(char::is_whitespace);
            is_valid.then(|| Self(text.to_owned()))
        })
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// The address of a service, or where it is if it has a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The address.
    Url(Url),
    /// A variable of the environment has it.
    Environment(String),
    /// A file has it.
    File(PathBuf),
}

impl Endpoint {
    /// The address. `variable` and `file` read what a reference names.
    ///
    /// # Errors
    /// When the reference leads to nothing, or to no address. The text doesn't show what was read.
    pub fn resolve(
        &self,
        variable: impl FnOnce(&str) -> Option<String>,
        file: impl FnOnce(&Path) -> io::Result<String>,
    ) -> Result<Url, String> {
        let parse = |text: String, of: String| {
            text.trim().parse().map_err(|error| format!("expected an address in {of}: {error}"))
        };
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Environment(name) => {
                let text = variable(name).ok_or_else(|| format!("the variable {name} is not set"))?;
                parse(text, format!("the variable {name}"))
            }
            Self::File(path) => {
                let text = file(path).map_err(|error| format!("{}: {error}", path.display()))?;
                parse(text, path.display().to_string())
            }
        }
    }
}

impl Setting for Endpoint {
    fn expected() -> String {
        "an address (http, https, ws, wss), \"env:VARIABLE\" or \"file:PATH\"".to_owned()
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        let text = value.text().ok_or(Mismatch::Other)?;
        if let Some(reference) = reference(text, base) {
            return Ok(match reference? {
                Reference::Environment(name) => Self::Environment(name),
                Reference::File(path) => Self::File(path),
            });
        }
        let url: Url = text.parse().map_err(|_| Mismatch::Other)?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(Mismatch::Other);
        }
        match secret::of_url(&url) {
            Some(what) => Err(Mismatch::Reason(format!(
                "this address has {what}, and secrets don't belong here: write \"env:VARIABLE\" and put the \
                 address into that variable, or \"file:PATH\" for a file that has it"
            ))),
            None => Ok(Self::Url(url)),
        }
    }

    fn show(&self) -> String {
        quoted(&match self {
            Self::Url(url) => url.as_str().trim_end_matches('/').to_owned(),
            Self::Environment(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{}", path.display()),
        })
    }
}

/// Where the password of a key file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordReference {
    /// Somebody types it.
    Prompt,
    /// In a file.
    File(PathBuf),
    /// In a variable of the environment.
    Environment(String),
}

impl Setting for PasswordReference {
    fn expected() -> String {
        "\"prompt\", \"file:PATH\" or \"env:VARIABLE\"".to_owned()
    }

    fn parse(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        let text = value.text().ok_or(Mismatch::Other)?;
        if text == "prompt" {
            return Ok(Self::Prompt);
        }
        match reference(text, base) {
            Some(Ok(Reference::Environment(name))) => Ok(Self::Environment(name)),
            Some(Ok(Reference::File(path))) => Ok(Self::File(path)),
            Some(Err(mismatch)) => Err(mismatch),
            // The text may be the password itself, so the error doesn't show it.
            None => Err(Mismatch::Reason(format!(
                "expected {}, and never a password itself: put it into a file that only you can read \
                 (chmod 600)",
                Self::expected()
            ))),
        }
    }

    fn show(&self) -> String {
        quoted(&match self {
            Self::Prompt => "prompt".to_owned(),
            Self::Environment(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{}", path.display()),
        })
    }
}

enum Reference {
    Environment(String),
    File(PathBuf),
}

/// Reads `env:NAME` and `file:PATH`. `None` for other texts.
fn reference(text: &str, base: &Path) -> Option<Result<Reference, Mismatch>> {
    if let Some(name) = text.strip_prefix("env:") {
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit());
        return Some(if is_name {
            Ok(Reference::Environment(name.to_owned()))
        } else {
            Err(Mismatch::Other)
        });
    }
    let path = text.strip_prefix("file:")?;
    Some(if path.is_empty() { Err(Mismatch::Other) } else { Ok(Reference::File(base.join(path))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(text: &str) -> Result<T, Mismatch> {
        T::parse(&Value::Text(text.to_owned()), Path::new("/etc/fernet"))
    }

    #[test]
    fn addresses_with_secrets_are_kept_elsewhere() {
        let Err(Mismatch::Reason(text)) = read::<Endpoint>("https://user:hunter2@host") else { panic!() };
        assert!(text.contains("env:VARIABLE") && !text.contains("hunter2"), "{text}");
        let endpoint: Endpoint = read("env:L1_URL").unwrap();
        let lookup = |name: &str| (name == "L1_URL").then(|| "https://user:hunter2@host\n".to_owned());
        let none = |_: &Path| Err(io::Error::other("no file"));
        assert_eq!(endpoint.resolve(lookup, none).unwrap().password(), Some("hunter2"));
        assert_eq!(endpoint.show(), "\"env:L1_URL\"");
        assert!(endpoint.resolve(|_| None, none).unwrap_err().contains("L1_URL is not set"));
        let bad = endpoint.resolve(|_| Some("hunter2".to_owned()), none).unwrap_err();
        assert!(bad.contains("L1_URL") && !bad.contains("hunter2"), "{bad}");
        let file: Endpoint = read("file:l1.url").unwrap();
        let found =
            file.resolve(|_| None, |path| Ok(format!("http://{}", path.file_name().unwrap().display())));
        assert_eq!(found.unwrap().host_str(), Some("l1.url"));
        assert_eq!(file.show(), "\"file:/etc/fernet/l1.url\"");
        for text in ["ftp://host", "host:80", "", "env:", "env:a b", "file:"] {
            assert_eq!(read::<Endpoint>(text), Err(Mismatch::Other), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_a_value_and_never_shown() {
        let Err(Mismatch::Reason(text)) = read::<PasswordReference>("hunter2") else { panic!() };
        assert!(!text.contains("hunter2") && text.contains("chmod 600"), "{text}");
        assert_eq!(read("prompt"), Ok(PasswordReference::Prompt));
        assert_eq!(read("file:/p"), Ok(PasswordReference::File("/p".into())));
    }

    #[test]
    fn names_and_bounds_are_checked() {
        for text in ["", "A", "1a", "a b", "a_b", "ä"] {
            assert_eq!(SignerName::new(text), None, "{text}");
        }
        assert!(SignerName::new("blobs-2").is_some());
        let bounded = |number| Bounded::<1, 6>::parse(&Value::Integer(number), Path::new(""));
        assert!(bounded(1).is_ok() && bounded(6).is_ok() && bounded(0).is_err() && bounded(7).is_err());
        assert_eq!(read::<OrNever<Wei>>("never"), Ok(OrNever::Never));
        assert_eq!(read::<Network>("sepolia").map(Network::chain_id), Ok(Some(11_155_111)));
    }
}
