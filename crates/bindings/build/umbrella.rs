//! Gathers the file-level types, errors, events and interfaces of `contracts/types` and
//! `contracts/interfaces` into one Solidity source, without imports, free functions and libraries: what
//! `sol!` takes.

use crate::Result;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The gathered source.
pub(crate) struct Umbrella {
    /// Solidity items in the order of the files.
    pub(crate) source: String,
    /// Names of the value types, structs and enums in it.
    pub(crate) types: BTreeSet<String>,
    /// Names of the interfaces in it.
    pub(crate) interfaces: BTreeSet<String>,
}

/// Reads both folders below `contracts`. Of `types`, what the interfaces don't use stays out: it is internal.
pub(crate) fn collect(contracts: &Path) -> Result<Umbrella> {
    let mut umbrella =
        Umbrella { source: String::new(), types: BTreeSet::new(), interfaces: BTreeSet::new() };
    let mut candidates = Vec::new();
    for folder in ["interfaces", "types"] {
        for path in solidity_files(&contracts.join(folder))? {
            println!("cargo:rerun-if-changed={}", path.display());
            let text =
                fs::read_to_string(&path).map_err(|e| format!("can't read {}: {e}", path.display()))?;
            for item in items(&text) {
                let (keyword, name) = item.keyword_and_name();
                if !matches!(keyword, "type" | "struct" | "enum" | "interface") {
                    continue;
                }
                if folder == "interfaces" {
                    umbrella
                        .add(&item.text(), keyword, name)
                        .map_err(|e| format!("{}: {e}", path.display()))?;
                } else {
                    candidates.push((item.text(), keyword.to_owned(), name.to_owned()));
                }
            }
        }
    }
    // a type may be used by a type: until nothing is added
    loop {
        let code = umbrella.source.lines().map(|line| line.split("//").next().unwrap_or_default());
        let used: BTreeSet<String> = code.flat_map(words).map(str::to_owned).collect();
        let (now, later): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|(_, _, name)| used.contains(name));
        if now.is_empty() {
            return Ok(umbrella);
        }
        for (text, keyword, name) in &now {
            umbrella.add(text, keyword, name)?;
        }
        candidates = later;
    }
}

impl Umbrella {
    fn add(&mut self, text: &str, keyword: &str, name: &str) -> Result<()> {
        let names = if keyword == "interface" { &mut self.interfaces } else { &mut self.types };
        if !names.insert(name.to_owned()) {
            return Err(format!("{keyword} {name} is declared twice"));
        }
        self.source.push_str(text);
        self.source.push_str("\n\n");
        Ok(())
    }
}

impl Item<'_> {
    fn keyword_and_name(&self) -> (&str, &str) {
        let mut words = words(self.code);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    fn text(&self) -> String {
        let mut text: String = self.docs.iter().flat_map(|doc| [doc, "\n"]).collect();
        text.push_str(self.code);
        text
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn solidity_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| format!("can't read {}: {e}", folder.display()))?;
    let mut files = entries
        .map(|entry| entry.map(|e| e.path()).map_err(|e| format!("can't read {}: {e}", folder.display())))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|e| e == "sol"));
    files.sort();
    Ok(files)
}

/// One file-level item: its `///` lines, and its code up to `;` or the closing brace.
struct Item<'a> {
    docs: Vec<&'a str>,
    code: &'a str,
}

/// Splits a source at its file-level items. Comments that aren't `///` right above an item are dropped.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut found = Vec::new();
    let mut docs = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return found;
        }
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            if rest.starts_with("///") {
                docs.push(rest[..end].trim_end());
            } else {
                docs.clear();
            }
            rest = &rest[end..];
        } else if rest.starts_with("/*") {
            docs.clear();
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else {
            let end = item_end(rest);
            found.push(Item { docs: std::mem::take(&mut docs), code: &rest[..end] });
            rest = &rest[end..];
        }
    }
}

/// Where the item at the start of `text` ends: behind the first `;` outside braces or the brace that closes
/// the first one, except that `using {…} for …;` and `import {…} from …;` go on to their semicolon.
fn item_end(text: &str) -> usize {
    let to_semicolon = text.starts_with("using") || text.starts_with("import");
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += text[at..].find('\n').unwrap_or(text.len() - at)
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at += text[at..].find("*/").map_or(text.len() - at, |end| end + 2);
            }
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 && !to_semicolon {
                    return at;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
