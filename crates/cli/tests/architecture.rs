//! Who may depend on whom. An edge that isn't listed here is a decision to make in ARCHITECTURE.md first.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};

/// What a crate may depend on, for itself and in its build script.
const ALLOWED: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("ledger", &["protocol"]),
    ("circuit", &["ledger", "protocol"]),
    ("bindings", &["protocol"]),
    ("kzg", &[]),
    ("l1", &["bindings", "kzg", "protocol"]),
    ("embedded", &[]),
    ("follower", &["l1", "bindings", "ledger", "protocol"]),
    ("model", &["bindings", "protocol"]),
    ("network", &["ledger", "protocol"]),
    ("roles", &["follower", "network", "l1", "bindings", "ledger", "protocol"]),
    ("sequencer", &["roles", "follower", "network", "l1", "bindings", "ledger", "protocol"]),
    ("prover", &["roles", "follower", "network", "l1", "bindings", "ledger", "circuit", "protocol"]),
];
/// They put everything together, and nothing depends on them.
const ASSEMBLIES: &[&str] = &["devnet", "cli"];
/// What any crate's tests may use as well: an L1 to run against.
const TEST_ONLY: &[&str] = &["embedded", "devnet"];

const PREFIX: &str = "fernet-";

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata of this workspace");
    metadata.packages
}

/// Edges from `package` to crates of the workspace, which of them are for its tests only.
fn edges(package: &Package) -> impl Iterator<Item = (String, bool)> {
    package.dependencies.iter().filter_map(|dependency| {
        let to = dependency.name.strip_prefix(PREFIX)?;
        Some((to.to_owned(), dependency.kind == DependencyKind::Development))
    })
}

/// Why an edge may not be, if it may not.
fn refusal(from: &str, to: &str, is_test: bool) -> Option<String> {
    if from == to || ASSEMBLIES.contains(&from) || (is_test && TEST_ONLY.contains(&to)) {
        return None;
    }
    let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == from)?;
    let what = if is_test { "the tests of " } else { "" };
    (!allowed.contains(&to)).then(|| format!("{what}{from} may depend on {allowed:?}, not on {to}"))
}

#[test]
fn crates_depend_only_on_what_they_may() {
    let packages = workspace();
    let refused: Vec<_> = packages
        .iter()
        .flat_map(|package| {
            let from = package.name.strip_prefix(PREFIX).unwrap_or(&package.name).to_owned();
            edges(package).filter_map(move |(to, is_test)| refusal(&from, &to, is_test)).collect::<Vec<_>>()
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_crate_is_on_the_list() {
    let listed: BTreeSet<&str> =
        ALLOWED.iter().map(|(name, _)| *name).chain(ASSEMBLIES.iter().copied()).collect();
    let packages = workspace();
    let found: BTreeSet<&str> =
        packages.iter().map(|p| p.name.strip_prefix(PREFIX).expect("crates are named fernet-…")).collect();
    assert_eq!(found, listed);
}

#[test]
fn the_list_has_no_cycle() {
    let mut open: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    while let Some(leaf) =
        open.iter().find(|(_, to)| to.iter().all(|t| !open.contains_key(t))).map(|(name, _)| *name)
    {
        open.remove(leaf);
    }
    assert!(open.is_empty(), "cycle among {:?}", open.keys());
}

#[test]
fn edges_against_the_list_are_refused() {
    assert!(refusal("protocol", "ledger", false).is_some());
    assert!(refusal("sequencer", "prover", false).is_some());
    assert!(refusal("prover", "sequencer", true).is_some());
    assert!(refusal("roles", "prover", true).is_some());
    assert!(refusal("embedded", "protocol", false).is_some());
    assert!(refusal("l1", "embedded", false).is_some());
    assert!(refusal("l1", "embedded", true).is_none());
    assert!(refusal("cli", "prover", false).is_none());
    // services are never put together outside the assemblies
    assert!(ALLOWED.iter().all(|(from, _)| refusal(from, "cli", false).is_some()));
}
