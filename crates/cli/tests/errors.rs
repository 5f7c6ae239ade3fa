//! Every warning and error that an operator may see has a code, and `docs/errors.md` explains each. Its
//! codes, levels and messages are those of the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Crates whose log no operator reads: those of the devnet, and of tests.
const EXEMPT: &[&str] = &["devnet", "embedded", "hooks", "model", "bindings"];

/// A warning or an error in the sources.
#[derive(Debug, PartialEq, Eq)]
struct Site {
    /// File and line.
    place: String,
    level: &'static str,
    code: Option<String>,
    message: String,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's folder")
}

/// The text of each source file that an operator's binary is built from, by its path.
fn sources() -> BTreeMap<String, String> {
    let root = workspace();
    let mut open: Vec<PathBuf> = std::fs::read_dir(root.join("crates"))
        .expect("the crates folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !EXEMPT.iter().any(|name| path.ends_with(name)))
        .map(|path| path.join("src"))
        .filter(|path| path.is_dir())
        .collect();
    assert!(open.len() > 10, "expected the workspace's crates, found {open:?}");
    let mut found = BTreeMap::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                // What tests log is nobody's to read.
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
                let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
                found.insert(name, text);
            }
        }
    }
    found
}

/// The string literals of a macro's arguments, each with the text before it, up to the closing parenthesis.
fn strings(text: &str) -> Vec<(String, String)> {
    let (mut depth, mut before, mut found) = (1, String::new(), Vec::new());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                let mut literal = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '"' => break,
                        '\\' => match rest.next() {
                            // The next line goes on after its indent.
                            Some('\n') => while rest.next_if(|next| next.is_whitespace()).is_some() {},
                            other => literal.extend(other),
                        },
                        other => literal.push(other),
                    }
                }
                found.push((std::mem::take(&mut before).trim().to_owned(), literal));
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before.push(next);
    }
    found
}

fn sites(name: &str, text: &str) -> Vec<Site> {
    let mut found = Vec::new();
    for (marker, level) in [("warn!(", "warn"), ("error!(", "error")] {
        for (at, _) in text.match_indices(marker) {
            let is_word = text[..at]
                .chars()
                .next_back()
                .is_some_and(|before| before.is_alphanumeric() || before == '_');
            let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
            if is_word || text[line_start..at].trim_start().starts_with("//") {
                continue;
            }
            let strings = strings(&text[at + marker.len()..]);
            let code = strings.first().filter(|(before, _)| before == "code =").map(|(_, code)| code.clone());
            let message = strings.last().map(|(_, message)| message.clone()).unwrap_or_default();
            let line = text[..at].matches('\n').count() + 1;
            found.push(Site { place: format!("{name}:{line}"), level, code, message });
        }
    }
    found
}

/// Whether a text has the form of a code: `SEQ-012`.
fn is_code(text: &str) -> bool {
    let Some((prefix, number)) = text.split_once('-') else { return false };
    prefix.starts_with(|first: char| first.is_ascii_uppercase())
        && (2..=6).contains(&prefix.len())
        && prefix.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
        && number.len() == 3
        && number.chars().all(|digit| digit.is_ascii_digit())
}

/// The codes of the page: each with the line under its heading, such as `` `warn`: quote refused ``.
fn page() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(workspace().join("docs/errors.md")).expect("docs/errors.md");
    let mut codes = BTreeMap::new();
    for section in text.split("\n### ").skip(1) {
        let mut lines = section.lines();
        let code = lines.next().unwrap_or_default().to_owned();
        let headline = lines.find(|line| !line.is_empty()).unwrap_or_default().to_owned();
        let explanation = lines.find(|line| !line.is_empty()).unwrap_or_default();
        assert!(!explanation.is_empty() && !explanation.starts_with('#'), "{code} has no explanation");
        assert!(codes.insert(code.clone(), headline).is_none(), "{code} is on the page twice");
    }
    codes
}

#[test]
fn every_warning_and_error_has_a_code_of_its_own_on_the_page() {
    let page = page();
    let mut problems = Vec::new();
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in sources() {
        for Site { place, level, code, message } in sites(&name, &text) {
            let Some(code) = code else {
                problems.push(format!("{place}: expected `code = \"…\"` as the first field of {message:?}"));
                continue;
            };
            if let Some(other) = used.insert(code.clone(), place.clone()) {
                problems.push(format!("{place}: {code} is that of {other}"));
            }
            let expected = format!("`{level}`: {message}");
            match page.get(&code) {
                Some(headline) if *headline == expected => {}
                Some(headline) => {
                    problems.push(format!("{code}: expected {expected:?}, the page has {headline:?}"))
                }
                None => problems.push(format!("{place}: docs/errors.md doesn't have {code}: {expected}")),
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_page_has_the_codes_of_the_sources_and_no_others() {
    let sources = sources();
    let literals = sources.values().flat_map(|text| text.split('"').filter(|text| is_code(text)));
    let mut in_sources: Vec<&str> = literals.collect();
    in_sources.sort_unstable();
    in_sources.dedup();
    let page = page();
    let on_page: Vec<&str> = page.keys().map(String::as_str).collect();
    assert_eq!(on_page, in_sources);
    assert!(in_sources.len() > 40, "the sources were read");
}

#[test]
fn sites_without_a_code_are_found_in_every_spelling() {
    let text = r#"
        // warn!("a comment")
        tracing::warn!(code = "A-001", %error, "one (of) these");
        warn!(%error, count = f("x"), "no code");
        select! { _ = a => tracing::error!(
            code = "AB-002",
            "long \
             message"
        ), }
        my_error!("another macro");
    "#;
    let mut found = sites("file.rs", text);
    found.sort_by(|a, b| a.place.cmp(&b.place));
    let short = |site: &Site| (site.place.clone(), site.level, site.code.clone(), site.message.clone());
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(
        found.iter().map(short).collect::<Vec<_>>(),
        [
            ("file.rs:3".to_owned(), "warn", code("A-001"), "one (of) these".to_owned()),
            ("file.rs:4".to_owned(), "warn", None, "no code".to_owned()),
            ("file.rs:5".to_owned(), "error", code("AB-002"), "long message".to_owned()),
        ]
    );
}
