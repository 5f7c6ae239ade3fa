//! Compiled code, and whether a chain holds the same.

use alloy::primitives::Bytes;
use std::ops::Range;

/// A deployable contract as compiled.
#[derive(Debug)]
pub struct Artifact {
    name: &'static str,
    abi: &'static str,
    creation: &'static [u8],
    runtime: &'static [u8],
    immutables: &'static [Range<u32>],
}

include!(concat!(env!("OUT_DIR"), "/artifacts.rs"));

/// The code on a chain isn't the code compiled here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeMismatch {
    /// No such contract was compiled.
    #[error("no contract named {name} was compiled; known: {known}")]
    UnknownContract { name: String, known: String },
    /// The address holds no code.
    #[error("{name} isn't deployed: expected {expected} bytes of code, found none")]
    NoCode { name: &'static str, expected: usize },
    /// Another length.
    #[error("code of {name} has {actual} bytes, expected {expected}")]
    WrongLength { name: &'static str, expected: usize, actual: usize },
    /// Another byte, outside the immutables.
    #[error("code of {name} differs at byte {at}: expected {expected:#04x}, found {actual:#04x}")]
    WrongByte { name: &'static str, at: usize, expected: u8, actual: u8 },
}

/// Every deployable contract, by name. Empty where the crate was built with `FERNET_INTERFACES_ONLY=1`.
#[must_use]
pub fn artifacts() -> &'static [Artifact] {
    COMPILED
}

/// The contract of that name.
///
/// # Errors
/// [`CodeMismatch::UnknownContract`] where there is none.
pub fn artifact(name: &str) -> Result<&'static Artifact, CodeMismatch> {
    COMPILED.iter().find(|artifact| artifact.name == name).ok_or_else(|| CodeMismatch::UnknownContract {
        name: name.to_owned(),
        known: COMPILED.iter().map(|artifact| artifact.name).collect::<Vec<_>>().join(", "),
    })
}

/// Whether the crate was built without the compiler, from the interfaces alone.
#[must_use]
pub fn interfaces_only() -> bool {
    INTERFACES_ONLY
}

/// Name and JSON ABI of every interface, as solc gives it.
#[must_use]
pub fn interface_abis() -> &'static [(&'static str, &'static str)] {
    INTERFACE_ABIS
}

/// Checks deployed code against the code compiled here. Immutables, which the constructor fills in, are left
/// out of the comparison: check them by calling their getters.
///
/// # Errors
/// Says where the code differs.
pub fn expected_code_matches(name: &str, onchain_code: &[u8]) -> Result<(), CodeMismatch> {
    artifact(name)?.matches(onchain_code)
}

impl Artifact {
    /// Name of the contract.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// JSON ABI as solc gives it.
    #[must_use]
    pub fn abi_json(&self) -> &'static str {
        self.abi
    }

    /// Code of a deploying transaction, without constructor arguments.
    #[must_use]
    pub fn creation_code(&self) -> &'static [u8] {
        self.creation
    }

    /// Input of a deploying transaction: the creation code and the ABI-encoded constructor arguments.
    #[must_use]
    pub fn deployment(&self, arguments: &[u8]) -> Bytes {
        [self.creation, arguments].concat().into()
    }

    /// Deployed code with zeros for the immutables.
    #[must_use]
    pub fn runtime_code(&self) -> &'static [u8] {
        self.runtime
    }

    /// Byte ranges of [`Self::runtime_code`] that the constructor fills in, ascending.
    #[must_use]
    pub fn immutables(&self) -> &'static [Range<u32>] {
        self.immutables
    }

    /// Checks deployed code against this contract's, immutables left out.
    ///
    /// # Errors
    /// Says where the code differs.
    pub fn matches(&self, onchain_code: &[u8]) -> Result<(), CodeMismatch> {
        let expected = self.runtime.len();
        if onchain_code.is_empty() {
            return Err(CodeMismatch::NoCode { name: self.name, expected });
        }
        if onchain_code.len() != expected {
            return Err(CodeMismatch::WrongLength { name: self.name, expected, actual: onchain_code.len() });
        }
        let is_immutable = |at: usize| {
            u32::try_from(at).is_ok_and(|at| self.immutables.iter().any(|range| range.contains(&at)))
        };
        match self
            .runtime
            .iter()
            .zip(onchain_code)
            .enumerate()
            .find(|(at, (a, b))| a != b && !is_immutable(*at))
        {
            None => Ok(()),
            Some((at, (&expected, &actual))) => {
                Err(CodeMismatch::WrongByte { name: self.name, at, expected, actual })
            }
        }
    }
}
