//! Values before they are understood, and where they come from.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use toml::de::DeValue;

use crate::secret;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The value that the definition has.
    Default,
    /// A line of the file, counted from 1.
    File(PathBuf, usize),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "{name} in the environment"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Origin {
    /// The folder that relative paths start from: the file's. Those of environment and flags start from the
    /// current folder, and are left as they are.
    pub(crate) fn base(&self) -> &Path {
        match self {
            Self::File(path, _) => path.parent().unwrap_or(Path::new("")),
            Self::Default | Self::Environment(_) | Self::Flag(_) => Path::new(""),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string of the file.
    Text(String),
    /// An integer of the file.
    Integer(i64),
    /// `true` or `false` in the file.
    Boolean(bool),
    /// A list of the file.
    List(Vec<Value>),
    /// The text of a variable or a flag, which has no type of its own.
    Bare(String),
    /// Something that no option takes.
    Other(String),
}

impl Value {
    pub(crate) fn of_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Self::Other(format!("the integer {number}")), Self::Integer),
            DeValue::Array(values) => {
                Self::List(values.iter().map(|value| Self::of_toml(value.get_ref())).collect())
            }
            DeValue::Float(number) => Self::Other(format!("the number {number}")),
            DeValue::Datetime(time) => Self::Other(format!("the time {time}")),
            DeValue::Table(_) => Self::Other("a table".to_owned()),
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Bare(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a text in it looks like a private key.
    pub(crate) fn has_secret(&self) -> bool {
        match self {
            Self::Text(text) | Self::Bare(text) => secret::is_key(text),
            Self::List(values) => values.iter().any(Self::has_secret),
            Self::Integer(_) | Self::Boolean(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Bare(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "the integer {number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::List(values) => write!(f, "a list of {}", values.len()),
            Self::Other(what) => f.write_str(what),
        }
    }
}
