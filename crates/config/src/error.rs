//! What is wrong with a configuration.

use std::fmt;

use crate::value::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is. `None` if something is missing.
    pub origin: Option<Origin>,
    /// The setting, such as `l1.rpc`. Empty if the file as a whole can't be read.
    pub key: String,
    /// What is wrong: what was expected, and what was got.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, key, problem } = self;
        if let Some(origin) = origin {
            write!(f, "{origin}: ")?;
        }
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        f.write_str(problem)
    }
}

/// Everything that is wrong with a configuration: at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, in the order of the settings.
    #[must_use]
    pub fn list(&self) -> &[ConfigError] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
