//! The three layers of values, put over each other, and read by definitions.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    definition::{Definition, PREFIX, Section, variable},
    error::ConfigError,
    setting::{Mismatch, Setting},
    types::SignerName,
    value::{Origin, Value},
};

/// Name of the table that has the signers' tables.
pub(crate) const SIGNERS: &str = "signers";

/// Where values come from. Later sources override earlier ones: file, environment, flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<(PathBuf, String)>,
    environment: Vec<(String, String)>,
    flags: Vec<(String, String, String)>,
}

impl Sources {
    /// The same, with a file's text. Its path is shown in errors, and relative paths start from its folder.
    #[must_use]
    pub fn with_file(self, path: &Path, text: &str) -> Self {
        Self { file: Some((path.to_owned(), text.to_owned())), ..self }
    }

    /// The same, with the variables of the environment. Those that don't begin with `FERNET_` are ignored.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)));
        self
    }

    /// The same, with a flag: the option's full name, its value, and how the flag is called.
    #[must_use]
    pub fn with_flag(mut self, path: &str, value: &str, flag: &str) -> Self {
        self.flags.push((path.to_owned(), value.to_owned(), flag.to_owned()));
        self
    }
}

/// A value, and where it is from.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// All values by their full names, each from the last source that has it.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    entries: BTreeMap<String, Entry>,
    signers: BTreeSet<String>,
    pub(crate) errors: Vec<ConfigError>,
}

impl Layers {
    pub(crate) fn merge(sources: &Sources, sections: &[Section], signer: &Section) -> Self {
        let mut layers = Self::default();
        if let Some((path, text)) = &sources.file {
            layers.add_file(path, text, sections, signer);
        }
        for (name, text) in &sources.environment {
            layers.add_variable(name, text, sections, signer);
        }
        for (path, text, flag) in &sources.flags {
            layers.add_flag(path, text, flag, sections, signer);
        }
        layers
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The names of all signers that have a value.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &str> {
        self.signers.iter().map(String::as_str)
    }

    pub(crate) fn fail(&mut self, origin: Option<Origin>, key: &str, problem: impl Into<String>) {
        self.errors.push(ConfigError { origin, key: key.to_owned(), problem: problem.into() });
    }

    fn add_file(&mut self, path: &Path, text: &str, sections: &[Section], signer: &Section) {
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count().saturating_add(1);
        let origin = |at: usize| Origin::File(path.to_owned(), line(at));
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.fail(Some(origin(at)), "", format!("the file is not TOML: {}", error.message()));
                return;
            }
        };
        for (name, value) in &table {
            let (key, at) = (name.get_ref().as_ref(), name.span().start);
            match value.get_ref() {
                DeValue::Table(table) if key == SIGNERS => self.add_signers(table, signer, &origin),
                DeValue::Table(table) => match sections.iter().find(|section| section.name == key) {
                    Some(section) if !key.is_empty() => {
                        self.add_table(key, table, section, sections, &origin);
                    }
                    _ => {
                        let names = sections.iter().map(|section| section.name).chain([SIGNERS]);
                        let problem = unknown("table", key, names);
                        self.fail(Some(origin(at)), &format!("[{key}]"), problem);
                    }
                },
                _ => match sections.iter().find(|section| section.name.is_empty()) {
                    Some(top) if top.options.iter().any(|option| option.key == key) => {
                        self.insert(key, value, origin(value.span().start));
                    }
                    _ => self.fail(Some(origin(at)), key, unknown("setting", key, paths(sections))),
                },
            }
        }
    }

    fn add_table(
        &mut self,
        prefix: &str,
        table: &DeTable<'_>,
        section: &Section,
        sections: &[Section],
        origin: &dyn Fn(usize) -> Origin,
    ) {
        for (name, value) in table {
            let (key, at) = (name.get_ref().as_ref(), name.span().start);
            let path = format!("{prefix}.{key}");
            if section.options.iter().any(|option| option.key == key) {
                self.insert(&path, value, origin(value.span().start));
                continue;
            }
            let own = section.options.iter().map(|option| option.path_in(prefix));
            let problem = unknown("setting", &path, own.chain(paths(sections)));
            self.fail(Some(origin(at)), &path, problem);
        }
    }

    fn add_signers(&mut self, table: &DeTable<'_>, signer: &Section, origin: &dyn Fn(usize) -> Origin) {
        for (name, value) in table {
            let (key, at) = (name.get_ref().as_ref(), name.span().start);
            let path = format!("{SIGNERS}.{key}");
            match value.get_ref() {
                DeValue::Table(table) if SignerName::new(key).is_some() => {
                    self.signers.insert(key.to_owned());
                    self.add_table(&path, table, signer, &[], origin);
                }
                DeValue::Table(_) => {
                    self.fail(
                        Some(origin(at)),
                        &path,
                        format!("expected {}, got {key:?}", SignerName::expected()),
                    );
                }
                _ => {
                    let expected = format!("expected a table for each signer, such as [{SIGNERS}.attester]");
                    self.fail(Some(origin(at)), &path, expected);
                }
            }
        }
    }

    fn insert(&mut self, path: &str, value: &Spanned<DeValue<'_>>, origin: Origin) {
        self.put(path, Value::of_toml(value.get_ref()), origin);
    }

    fn put(&mut self, path: &str, value: Value, origin: Origin) {
        if value.has_secret() {
            let problem = "this looks like a private key, and secrets don't belong here: put the key into a \
                           key file (`fernet keys import`) and name that file in a [signers.NAME] table";
            self.fail(Some(origin), path, problem);
            return;
        }
        self.entries.insert(path.to_owned(), Entry { value, origin });
    }

    fn add_variable(&mut self, name: &str, text: &str, sections: &[Section], signer: &Section) {
        let origin = Origin::Environment(name.to_owned());
        let mut options = sections.iter().flat_map(|section| section.options);
        if let Some(option) = options.find(|option| option.variable() == name || option.alias == Some(name)) {
            self.put(&option.path(), Value::Bare(text.to_owned()), origin);
            return;
        }
        let of_signers = format!("{}_", variable(SIGNERS));
        if let Some(rest) = name.strip_prefix(&of_signers) {
            // The longest key first: one key may be the end of another.
            let mut keys: Vec<&str> = signer.options.iter().map(|option| option.key).collect();
            keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
            let found = keys.iter().find_map(|key| {
                let signer = rest.strip_suffix(&key.to_ascii_uppercase())?.strip_suffix('_')?;
                let signer = signer.to_ascii_lowercase().replace('_', "-");
                SignerName::new(&signer).map(|signer| (signer, *key))
            });
            if let Some((signer, key)) = found {
                self.signers.insert(signer.as_str().to_owned());
                self.put(&format!("{SIGNERS}.{signer}.{key}"), Value::Bare(text.to_owned()), origin);
                return;
            }
        }
        // Other variables with this prefix belong to scripts and tests.
        let is_of_section = sections
            .iter()
            .map(|section| section.name)
            .chain([SIGNERS])
            .any(|section| !section.is_empty() && name.starts_with(&format!("{}_", variable(section))));
        if is_of_section {
            let known: Vec<String> =
                sections.iter().flat_map(|section| section.options).map(Definition::variable).collect();
            self.fail(Some(origin), "", unknown("variable", name, known));
        }
    }

    fn add_flag(&mut self, path: &str, text: &str, flag: &str, sections: &[Section], signer: &Section) {
        let origin = Origin::Flag(flag.to_owned());
        let is_known =
            sections.iter().flat_map(|section| section.options).any(|option| option.path() == path);
        let of_signer = path.strip_prefix("signers.").and_then(|rest| rest.split_once('.'));
        let of_signer = of_signer.filter(|(name, key)| {
            SignerName::new(name).is_some() && signer.options.iter().any(|option| option.key == *key)
        });
        if let Some((name, _)) = of_signer {
            self.signers.insert(name.to_owned());
        }
        if is_known || of_signer.is_some() {
            self.put(path, Value::Bare(text.to_owned()), origin);
        } else {
            self.fail(Some(origin), path, unknown("setting", path, paths(sections)));
        }
    }

    /// Reads an option in a table of this name. `None` after an error.
    pub(crate) fn read<T: Setting>(&mut self, section: &str, definition: &Definition) -> Option<T> {
        let path = definition.path_in(section);
        if let Some(Entry { value, origin }) = self.entries.get(&path).cloned() {
            return match T::parse(&value, origin.base()) {
                Ok(value) => Some(value),
                Err(mismatch) => {
                    let problem = match mismatch {
                        Mismatch::Other => format!("expected {}, got {value}", T::expected()),
                        Mismatch::Reason(reason) => reason,
                    };
                    self.fail(Some(origin), &path, problem);
                    None
                }
            };
        }
        match definition.default {
            Some(default) => {
                let value = DeValue::parse(default).map(|value| Value::of_toml(value.get_ref()));
                let parsed = value.ok().and_then(|value| T::parse(&value, Path::new("")).ok());
                if parsed.is_none() {
                    self.fail(Some(Origin::Default), &path, format!("expected {}", T::expected()));
                }
                parsed
            }
            None => T::absent(),
        }
    }
}

fn paths(sections: &[Section]) -> impl Iterator<Item = String> {
    sections.iter().flat_map(|section| section.options).map(Definition::path)
}

fn unknown(what: &str, name: &str, known: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("no such {what}; the nearest is {nearest}"),
        None => format!("no such {what}"),
    }
}

/// The name that is most like another one, if any is.
pub fn nearest(name: &str, known: impl IntoIterator<Item = impl AsRef<str>>) -> Option<String> {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    // What is in another table counts by its last part too.
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    known
        .into_iter()
        .map(|known| {
            let known = known.as_ref();
            let same_key = if last(known) == last(name) { 0.2 } else { 0.0 };
            (likeness(known) + same_key, known.to_owned())
        })
        .filter(|(likeness, known)| *likeness > 0.7 && !known.is_empty())
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
