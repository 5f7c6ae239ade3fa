//! Holds the table of ARCHITECTURE.md, "Who may import whom", against the workspace's manifests: an import
//! that the table doesn't list fails, and so does a listed one that no manifest has. A new edge is a decision
//! to make there first.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

const TABLE_OF: &str = "## Who may import whom";
/// What the tests of any crate may import beside the table: an L1, and the contracts to deploy on it.
const FOR_TESTS: &[&str] = &["embedded", "bindings", "hooks"];
const PREFIX: &str = "fernet-";

type Edges = BTreeMap<String, BTreeSet<String>>;

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata of this workspace");
    metadata.packages
}

fn name(package: &Package) -> String {
    package.name.strip_prefix(PREFIX).expect("crates are named fernet-…").to_owned()
}

/// What the workspace's crates import of each other: for themselves and their build scripts, or for their
/// tests.
fn imports(packages: &[Package], for_tests: bool) -> Edges {
    let of = |package: &Package| -> BTreeSet<String> {
        let relevant = package
            .dependencies
            .iter()
            .filter(|dependency| (dependency.kind == DependencyKind::Development) == for_tests);
        relevant.filter_map(|dependency| Some(dependency.name.strip_prefix(PREFIX)?.to_owned())).collect()
    };
    packages.iter().map(|package| (name(package), of(package))).collect()
}

/// The table: a row for each crate, with its imports. "All above but" some stands for the crates of earlier
/// rows.
fn table() -> Edges {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md"));
    let section = page.split(TABLE_OF).nth(1).expect("the section of the table");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut table = Edges::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split('|').skip(1);
        let from = quoted(cells.next()).pop_first().expect("a row names its crate");
        let imports = cells.next().unwrap_or_default();
        let mut named = quoted(Some(imports));
        if imports.trim_start().starts_with("all above but") {
            named = table.keys().filter(|above| !named.contains(*above)).cloned().collect();
        }
        // A crate whose imports are too many for a row has more rows.
        table.entry(from).or_default().extend(named);
    }
    table
}

/// The names in a cell that stand in backticks.
fn quoted(cell: Option<&str>) -> BTreeSet<String> {
    cell.unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What one set of edges has beyond another.
fn beyond(edges: &Edges, allowed: &Edges) -> Vec<String> {
    let known = |from: &String, to: &String| allowed.get(from).is_some_and(|allowed| allowed.contains(to));
    let unknown = edges.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    unknown.filter(|(from, to)| !known(from, to)).map(|(from, to)| format!("{from} → {to}")).collect()
}

#[test]
fn every_crate_has_a_row() {
    let found: BTreeSet<String> = workspace().iter().map(name).collect();
    assert_eq!(found, table().into_keys().collect());
}

#[test]
fn imports_are_those_of_the_table() {
    let used = imports(&workspace(), false);
    assert_eq!(beyond(&used, &table()), [] as [String; 0], "imports that ARCHITECTURE.md doesn't allow");
    assert_eq!(beyond(&table(), &used), [] as [String; 0], "imports of ARCHITECTURE.md that no crate uses");
}

#[test]
fn tests_import_no_more_than_the_table_allows_an_l1_and_contracts() {
    let mut allowed = table();
    for (name, to) in &mut allowed {
        to.extend(FOR_TESTS.iter().map(|crate_| (*crate_).to_owned()));
        to.insert(name.clone());
    }
    assert_eq!(beyond(&imports(&workspace(), true), &allowed), [] as [String; 0]);
}

#[test]
fn the_table_has_no_circle() {
    let mut open = table();
    while let Some(leaf) =
        open.iter().find(|(_, to)| to.iter().all(|to| !open.contains_key(to))).map(|(from, _)| from.clone())
    {
        open.remove(&leaf);
    }
    assert!(open.is_empty(), "circle among {:?}", open.keys());
}

#[test]
fn services_never_import_each_other() {
    let table = table();
    for (service, other) in [("sequencer", "prover"), ("prover", "sequencer")] {
        assert!(!table[service].contains(other), "{service} imports {other}");
    }
    for alone in ["embedded", "kzg"] {
        assert!(table[alone].is_empty(), "{alone} imports {:?}", table[alone]);
    }
}

#[test]
fn surplus_edges_are_found_both_ways() {
    let edges = |list: &[(&str, &[&str])]| -> Edges {
        let set = |to: &[&str]| to.iter().map(|to| (*to).to_owned()).collect();
        list.iter().map(|(from, to)| ((*from).to_owned(), set(to))).collect()
    };
    let (used, allowed) = (edges(&[("a", &["b", "c"])]), edges(&[("a", &["b", "d"])]));
    assert_eq!(beyond(&used, &allowed), ["a → c"]);
    assert_eq!(beyond(&allowed, &used), ["a → d"]);
}
