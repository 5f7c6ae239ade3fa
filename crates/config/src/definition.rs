//! The definition of an option.

/// A role that a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A sequencer.
    Sequencer,
    /// A prover.
    Prover,
    /// A node.
    Node,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Sequencer, Self::Prover, Self::Node];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequencer => "sequencer",
            Self::Prover => "prover",
            Self::Node => "node",
        }
    }
}

/// A table of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    /// Its name, such as `l1`. Empty for what stands before all tables.
    pub(crate) name: &'static str,
    /// What it is for, a line each.
    pub(crate) doc: &'static [&'static str],
    /// The roles that use it.
    pub(crate) roles: &'static [Role],
    /// Its options.
    pub(crate) options: &'static [Definition],
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Name of its table. Empty for what stands before all tables; `signers.*` for any signer's.
    pub section: &'static str,
    /// Its name in the table.
    pub key: &'static str,
    /// What it is for, a line each.
    pub doc: &'static [&'static str],
    /// What is expected as its value.
    pub expected: fn() -> String,
    /// Its default as the file would have it. Without one it has no value.
    pub default: Option<&'static str>,
    /// An example as the file would have it.
    pub example: &'static str,
    /// Another variable of the environment that sets it, from before there was a file.
    pub alias: Option<&'static str>,
    /// Roles that can't run without it.
    pub needed_by: &'static [Role],
}

impl Definition {
    /// Its full name, such as `l1.rpc`.
    #[must_use]
    pub fn path(&self) -> String {
        self.path_in(self.section)
    }

    /// Its full name in a table of this name.
    pub(crate) fn path_in(&self, section: &str) -> String {
        if section.is_empty() { self.key.to_owned() } else { format!("{section}.{}", self.key) }
    }

    /// The variable of the environment that sets it, such as `FERNET_L1_RPC`.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(&self.path())
    }

    /// What it is for, as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

/// First characters of all variables.
pub(crate) const PREFIX: &str = "FERNET_";

/// The variable of a full name.
pub(crate) fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace(['.', '-'], "_"))
}
