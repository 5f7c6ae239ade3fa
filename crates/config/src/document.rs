//! What is written from the definitions: the commented file, and the page of the documentation.

use crate::{
    definition::{Definition, Role, Section},
    options::{SECTIONS, SignerOptions},
    types::Network,
};

/// Longest line of the documentation.
const PAGE_WIDTH: usize = 100;
/// Longest line of a commented file.
const FILE_WIDTH: usize = 100;

/// The page `docs/configuration.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for section in tables() {
        let title = match section.name {
            "" => "Before all tables".to_owned(),
            "signers.*" => "`[signers.NAME]`".to_owned(),
            name => format!("`[{name}]`"),
        };
        page.push_str(&format!("\n## {title}\n\n{}\n", wrap(&sentence(section.doc), "", PAGE_WIDTH)));
        let roles: Vec<&str> = section.roles.iter().map(|role| role.name()).collect();
        if roles.len() < Role::ALL.len() {
            page.push_str(&format!("For: {}.\n", roles.join(", ")));
        }
        for option in section.options {
            page.push_str(&format!("\n### `{}`\n\n", option.path().replace('*', "NAME")));
            page.push_str(&format!("{}\n\n", wrap(&option.text(), "", PAGE_WIDTH)));
            for fact in facts(option) {
                page.push_str(&format!("{}\n", wrap(&fact, "  ", PAGE_WIDTH)));
            }
        }
    }
    page
}

const INTRODUCTION: &str = "\
# Configuration

This page is written from the definitions in `crates/config/src/options.rs`;
`crates/cli/tests/documents.rs` compares it and says how to write it again.

Every command takes its settings from a file (`--config FILE`, or `FERNET_CONFIG`), overridden by
variables of the environment, and these by flags. `--set KEY=VALUE` is the flag of every setting;
some commands have shorter ones. `fernet init` writes a commented file, `fernet config check` says
what each setting is, what it is for and where it comes from, and `fernet doctor` tries it out.

- The file is TOML. A key that doesn't exist is an error that names the nearest one.
- A quantity is a text with its unit: `\"0.5 token\"`, `\"0.1 ether\"`, `\"12 s\"`. What is counted
  (L1 slots, chunks, operations) is an integer.
- Relative paths in the file start from the file's folder; those of variables and flags from the
  current folder.
- In a variable or a flag, commas are between the parts of a list.
- Secrets are refused: a private key belongs into a key file, and an address with a token or a
  password into a variable (`\"env:NAME\"`) or a file (`\"file:PATH\"`). See
  [keys](operating/keys.md).
";

fn facts(option: &Definition) -> Vec<String> {
    let mut variable = format!("`{}`", option.variable().replace('*', "NAME"));
    if let Some(alias) = option.alias {
        variable = format!("{variable} or `{alias}`");
    }
    let mut facts = vec![
        format!("- value: {}", (option.expected)()),
        format!("- variable: {variable}"),
        match option.default {
            Some(default) => format!("- default: `{default}`"),
            None => format!("- no default; example: `{}`", option.example),
        },
    ];
    if !option.needed_by.is_empty() && option.needed_by.len() < Role::ALL.len() {
        let roles: Vec<String> = option.needed_by.iter().map(|role| format!("a {}", role.name())).collect();
        facts.push(format!("- {} needs it", roles.join(" and ")));
    }
    facts
}

/// A commented file for a role; for all of them without one.
#[must_use]
pub fn file(role: Option<Role>, network: Option<Network>) -> String {
    let mut file = String::from(
        "# Configuration of Fernet. Values here are overridden by variables of the environment (FERNET_…),\n\
         # and these by flags. `fernet config check` explains every setting and where its value comes from.\n\
         # Lines that begin with one # and a key show the default, or an example where there is none.\n",
    );
    for section in tables().filter(|section| role.is_none_or(|role| section.roles.contains(&role))) {
        file.push('\n');
        match section.name {
            "" => {}
            "signers.*" => file.push_str(&comment(&section)),
            name => file.push_str(&format!("{}[{name}]\n", comment(&section))),
        }
        let name = role.map_or("attester", |role| if role == Role::Prover { "quotes" } else { "attester" });
        if section.name == "signers.*" {
            file.push_str(&format!("[signers.{name}]\n"));
        }
        for option in section.options {
            file.push_str(&format!("{}\n", wrap(&option.text(), "# ", FILE_WIDTH)));
            let is_needed = !option.needed_by.is_empty()
                && role.map_or(option.needed_by.len() == Role::ALL.len(), |role| {
                    option.needed_by.contains(&role)
                });
            let line = match (network, option.path().as_str()) {
                (Some(network), "network") => format!("network = \"{}\"", network.word()),
                (_, "signers.*.file") => format!("file = \"keys/{name}.json\""),
                (_, "signers.*.kind") => "kind = \"keystore\"".to_owned(),
                // The attester's id isn't known before it is registered.
                (_, "sequencer.id") => format!("#id = {}", option.example),
                _ if is_needed => format!("{} = {}", option.key, option.example),
                _ => format!(
                    "#{} = {}",
                    option.key,
                    option.default.filter(|d| *d != "[]").unwrap_or(option.example)
                ),
            };
            file.push_str(&format!("{line}\n\n"));
        }
        let trimmed = file.trim_end().len();
        file.truncate(trimmed);
        file.push('\n');
    }
    file
}

fn comment(section: &Section) -> String {
    format!("# {}\n", wrap(&sentence(section.doc), "# ", FILE_WIDTH).trim_start_matches("# "))
}

fn tables() -> impl Iterator<Item = Section> {
    SECTIONS.into_iter().chain([SignerOptions::SECTION])
}

fn sentence(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Breaks a text into lines. All lines begin with `prefix`, but that of a list's first line is its mark.
fn wrap(text: &str, prefix: &str, width: usize) -> String {
    let is_list = text.starts_with("- ");
    let mut lines: Vec<String> = Vec::new();
    let mut line = if is_list { String::new() } else { prefix.to_owned() };
    let mut is_start = true;
    for word in text.split(' ') {
        let length = line.chars().count() + usize::from(!is_start) + word.chars().count();
        if !is_start && length > width {
            lines.push(std::mem::replace(&mut line, prefix.to_owned()));
            is_start = true;
        }
        if !is_start {
            line.push(' ');
        }
        line.push_str(word);
        is_start = false;
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, layers::Sources};

    fn uncommented(file: &str) -> String {
        let lines = file.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|first: char| first.is_ascii_lowercase()) => rest,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn roles() -> impl Iterator<Item = Option<Role>> {
        Role::ALL.into_iter().map(Some).chain([None])
    }

    #[test]
    fn a_new_file_is_valid_as_it_is() {
        for role in roles() {
            let text = file(role, Some(Network::Sepolia));
            let config = Config::build(&Sources::default().with_file("new.toml".as_ref(), &text));
            let config = config.unwrap_or_else(|errors| panic!("{role:?}: {errors}\n{text}"));
            assert_eq!(config.rollup.network, Some(Network::Sepolia));
            let missing = role.map(|role| config.require(role)).and_then(Result::err);
            let missing: Vec<String> =
                missing.iter().flat_map(|errors| errors.list()).map(|error| error.key.clone()).collect();
            let expected: &[&str] = if role == Some(Role::Sequencer) { &["sequencer.id"] } else { &[] };
            assert_eq!(missing, expected, "{role:?}");
        }
    }

    #[test]
    fn every_default_and_every_example_is_valid() {
        for role in roles() {
            let mut text = uncommented(&file(role, Some(Network::Sepolia)));
            // A signer has the settings of its kind only, and references lead to signers.
            let at = text.find("[signers.").unwrap_or(text.len());
            text.truncate(at);
            for name in ["attester", "blobs", "owner", "scores", "quotes", "sender", "payee"] {
                text.push_str(&format!("\n[signers.{name}]\nfile = \"x\"\n"));
            }
            let config = Config::build(&Sources::default().with_file("new.toml".as_ref(), &text));
            let config = config.unwrap_or_else(|errors| panic!("{role:?}: {errors}\n{text}"));
            for role in role.into_iter() {
                config.require(role).unwrap();
            }
        }
        for option in SignerOptions::SECTION.options {
            let value = toml::de::DeValue::parse(option.example);
            assert!(value.is_ok(), "{}", option.example);
        }
    }

    #[test]
    fn examples_of_all_options_are_read() {
        for section in SECTIONS {
            for option in section.options.iter().filter(|option| !option.key.ends_with("signer")) {
                let table =
                    if section.name.is_empty() { String::new() } else { format!("[{}]\n", section.name) };
                let signers = ["attester", "blobs", "owner", "scores", "quotes", "sender", "payee"]
                    .map(|name| format!("[signers.{name}]\nfile = \"x\"\n"));
                let text = format!("{table}{} = {}\n{}", option.key, option.example, signers.concat());
                let sources = Sources::default().with_file("example.toml".as_ref(), &text);
                Config::build(&sources).unwrap_or_else(|errors| panic!("{errors}"));
            }
        }
    }

    #[test]
    fn no_line_is_too_long() {
        for text in roles().map(|role| file(role, None)).chain([page()]) {
            let long = text.lines().filter(|line| line.chars().count() > PAGE_WIDTH && line.contains(". "));
            assert_eq!(long.collect::<Vec<_>>(), [] as [&str; 0]);
        }
    }
}
