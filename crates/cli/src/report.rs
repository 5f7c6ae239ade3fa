//! How commands write what they found: aligned text for a person, or JSON for a program.

use clap::ValueEnum;
use color_eyre::eyre::Result;
use serde::Serialize;

use crate::output;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading.
    Human,
    /// One JSON object a line.
    Json,
}

/// The argument that every query has.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FormatArgs {
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

impl FormatArgs {
    /// Writes a result: as JSON, or as the text that `human` makes of it.
    pub(crate) fn write<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<()> {
        output::line(&match self.format {
            Format::Human => human(value),
            Format::Json => serde_json::to_string(value)?,
        })
    }

    /// Writes a list: one JSON object a line, or one text.
    pub(crate) fn write_list<T: Serialize>(
        self,
        values: &[T],
        human: impl FnOnce(&[T]) -> String,
    ) -> Result<()> {
        match self.format {
            Format::Human => output::line(&human(values)),
            Format::Json => values.iter().try_for_each(|value| output::line(&serde_json::to_string(value)?)),
        }
    }
}

/// Labels with their values, one a line, the values below each other.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    /// Adds a line.
    pub(crate) fn add(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.0.push((label, value.into()));
        self
    }

    /// Adds a line if there is a value.
    pub(crate) fn add_some(self, label: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.add(label, value),
            None => self,
        }
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let rows: Vec<Vec<String>> =
            self.0.iter().map(|(label, value)| vec![(*label).to_owned(), value.clone()]).collect();
        aligned(&rows)
    }
}

/// A table with a head, its columns below each other.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(ToString::to_string).collect();
    aligned(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let fields = Fields::default().add("a", "1").add("longer", "2").add_some("none", None);
        assert_eq!(fields.text(), "a       1\nlonger  2");
        let rows = [vec!["1".to_owned(), "ä".to_owned()], vec!["20".to_owned(), String::new()]];
        assert_eq!(table(&["n", "name"], rows), "n   name\n1   ä\n20");
        assert_eq!(table(&["n"], []), "n");
    }
}
