//! `fernet reference`: the pages of the documentation that are written from definitions. Hidden: only the
//! test that compares them uses it.

use clap::{Arg, ValueEnum};
use color_eyre::eyre::Result;
use fernet_config::document;

use crate::output;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Page {
    /// docs/cli.md
    Cli,
    /// docs/configuration.md
    Configuration,
}

/// Arguments of `fernet reference`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The page
    #[arg(value_enum)]
    page: Page,
}

const INTRODUCTION: &str = "\
# Command line

This page is written from the definitions of the commands; `crates/cli/tests/documents.rs` compares
it and says how to write it again.

Results go to stdout, logs and progress to stderr. Every query has `--format json`, which writes one
JSON object a line. Every command takes `--config FILE`, `--network NAME` and `--set KEY=VALUE`:
see [configuration](configuration.md).

| exit status | meaning |
| --- | --- |
| 0 | success |
| 1 | failure, told on stderr; for `fernet doctor`, a check that failed |
| 2 | wrong arguments |
| 130 | ended at once, at the second request |
| 141 | the reader of stdout closed it |
";

/// Runs the subcommand.
///
/// # Errors
/// When stdout can't be written to.
pub(crate) fn run(args: &Args, command: clap::Command) -> Result<()> {
    let page = match args.page {
        Page::Cli => cli(command),
        Page::Configuration => document::page(),
    };
    output::line(page.trim_end())
}

fn cli(mut command: clap::Command) -> String {
    command.build();
    let mut page = String::from(INTRODUCTION);
    describe(&command, "fernet", &mut page);
    page
}

/// Writes a section for each command that has no further ones.
fn describe(command: &clap::Command, name: &str, page: &mut String) {
    let visible = || command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    if visible().next().is_some() {
        visible().for_each(|sub| describe(sub, &format!("{name} {}", sub.get_name()), page));
        return;
    }
    let text =
        |styled: Option<&clap::builder::StyledStr>| styled.map(ToString::to_string).unwrap_or_default();
    page.push_str(&format!("\n## `{name}`\n\n{}\n", wrapped(&text(command.get_about()), "")));
    let arguments = command.get_arguments().filter(|argument| {
        !argument.is_hide_set()
            && !argument.is_global_set()
            && !matches!(argument.get_id().as_str(), "help" | "version")
    });
    let lines: Vec<String> = arguments.map(argument).collect();
    if !lines.is_empty() {
        page.push_str(&format!("\n{}\n", lines.join("\n")));
    }
    let notes = text(command.get_after_help());
    if !notes.is_empty() {
        page.push_str(&format!("\n```text\n{}\n```\n", narrow(notes.trim_end())));
    }
}

fn argument(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let values = argument.get_value_names().unwrap_or_default().iter().map(|name| name.to_string());
    let values = if takes_value { values.collect::<Vec<_>>().join(" ") } else { String::new() };
    let name = match argument.get_long() {
        Some(long) => format!("--{long} {values}"),
        None => values,
    };
    let short = argument.get_short().map(|short| format!(", `-{short}`")).unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("- `{}`{short}: {help}", name.trim_end());
    let possible: Vec<String> = match takes_value {
        true => {
            argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect()
        }
        false => Vec::new(),
    };
    if !possible.is_empty() {
        text = format!("{text} ({})", possible.join(", "));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    // Some help texts say it in words.
    if takes_value && !defaults.is_empty() && !help.contains("[default: ") {
        text = format!("{text} [default: {}]", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        text = format!("{text} [variable: `{}`]", variable.to_string_lossy());
    }
    if argument.is_required_set() {
        text = format!("{text} (required)");
    }
    wrapped(&text, "  ")
}

/// Longest line of the documentation.
const WIDTH: usize = 100;

/// Notes as wide as the documentation: paragraphs are broken anew, indented lines only if they are too long.
fn narrow(notes: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    for line in notes.lines().chain([""]) {
        let indent = line.len() - line.trim_start().len();
        if indent == 0 && !line.is_empty() {
            paragraph.push_str(line);
            paragraph.push(' ');
            continue;
        }
        if !paragraph.is_empty() {
            lines.push(wrapped(&std::mem::take(&mut paragraph), ""));
        }
        let mut rest = line.to_owned();
        while rest.chars().count() > WIDTH
            && let Some(at) =
                rest.char_indices().take(WIDTH + 1).filter(|(_, c)| *c == ' ').map(|(at, _)| at).last()
            && at > indent + 2
        {
            let next = format!("{:width$}{}", "", rest[at..].trim_start(), width = indent + 2);
            rest.truncate(at);
            lines.push(std::mem::replace(&mut rest, next));
        }
        lines.push(rest);
    }
    lines.join("\n").trim_end().to_owned()
}

/// Breaks a text into lines. All but the first begin with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > indent.len() && line + 1 + word.chars().count() > WIDTH {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
