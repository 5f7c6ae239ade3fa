//! What every crate's sources keep to: no circles between the files of a crate, and a doc comment on each
//! public item.
//!
//! The compiler's lint `missing_docs` also asks for comments on the fields of error variants, whose messages
//! say more than such comments could. So this test takes the lint's place: it leaves those fields out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemEnum, ItemUse, Meta, Token, UseTree, Visibility};

/// The path of a module inside its crate, such as `["rpc", "call"]`.
type ModulePath = Vec<String>;

/// What a file of a crate takes from others.
#[derive(Debug, Default)]
struct Module {
    /// Paths that its code names, each from the crate's root.
    uses: BTreeSet<Vec<String>>,
    /// What it hands on with `pub use`: the name, and the path that it stands for.
    reexports: BTreeMap<String, Vec<String>>,
}

type Crate = BTreeMap<ModulePath, Module>;

#[test]
fn files_of_a_crate_form_no_circle() {
    let circles: Vec<String> = crates()
        .iter()
        .flat_map(|(name, root)| {
            let modules = read_crate(root);
            circles(&edges(&modules)).into_iter().map(move |circle| format!("{name}: {}", circle.join(", ")))
        })
        .collect();
    assert!(circles.is_empty(), "files that use each other:\n{}", circles.join("\n"));
}

#[test]
fn circles_are_found() {
    let crate_of = |files: &[(&str, &str)]| -> Crate {
        files
            .iter()
            .map(|(path, text)| {
                let path: ModulePath =
                    path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
                let file = syn::parse_file(text).expect("an example parses");
                (path.clone(), read_module(&path, &file))
            })
            .collect()
    };
    let root = ("", "mod a; mod b; mod c; pub use a::A; pub use b::B;");
    let through_reexport = crate_of(&[
        root,
        ("a", "use crate::B; pub struct A;"),
        ("b", "pub struct B; fn f(a: crate::a::A) {}"),
    ]);
    assert_eq!(circles(&edges(&through_reexport)), [["a", "b"]]);

    let with_super = crate_of(&[root, ("a", "use super::{b::B, c};"), ("b", ""), ("c", "use super::a::A;")]);
    assert_eq!(circles(&edges(&with_super)), [["a", "c"]]);

    let tests_only =
        crate_of(&[root, ("a", "use crate::b::B;"), ("b", "#[cfg(test)] mod tests { use crate::a::A; }")]);
    assert_eq!(circles(&edges(&tests_only)), [] as [Vec<String>; 0]);
}

#[test]
fn public_items_have_doc_comments() {
    let missing: Vec<String> = crates()
        .iter()
        .filter(|(name, _)| name != "cli")
        .flat_map(|(_, root)| sources(root))
        .flat_map(|path| {
            let mut check = DocCheck::default();
            check.visit_file(&parse(&path));
            let path = path.strip_prefix(workspace()).unwrap_or(&path).display().to_string();
            check.missing.into_iter().map(move |item| format!("{path}: {item}"))
        })
        .collect();
    assert!(missing.is_empty(), "public items without a doc comment:\n{}", missing.join("\n"));
}

#[test]
fn missing_doc_comments_are_found() {
    let text = "
        pub fn a() {}
        /// Documented.
        pub struct B { pub c: u8, d: u8 }
        /// Documented.
        #[derive(Debug, thiserror::Error)]
        pub enum E { #[error(\"text\")] F { g: u8 } }
        /// Documented.
        pub enum H { I }
        impl B { pub fn j(&self) {} fn k(&self) {} }
        /// Documented.
        pub trait L { fn m(&self); }
        fn n() {}
        mod o { pub(crate) fn p() {} }
        /// Documented.
        #[allow(missing_docs, reason = \"names say it\")]
        pub struct R { pub s: u8 }
        #[cfg(test)] mod tests { pub fn q() {} }
    ";
    let mut check = DocCheck::default();
    check.visit_file(&syn::parse_file(text).expect("the example parses"));
    assert_eq!(check.missing, ["fn a", "field c", "variant I", "fn j", "fn m"]);
}

#[test]
fn doc_comments_are_sentences() {
    let wrong: Vec<String> = crates()
        .iter()
        // The command's doc comments are help texts, which have no full stops.
        .filter(|(name, _)| name != "cli")
        .flat_map(|(_, root)| sources(root))
        .flat_map(|path| {
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(workspace()).unwrap_or(&path).display().to_string();
            unfinished(&text).into_iter().map(move |line| format!("{path}:{line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "doc comments without a capital or a full stop:\n{}", wrong.join("\n"));
}

#[test]
fn unfinished_doc_comments_are_found() {
    let text = "
        /// lower case.
        fn a() {}
        /// No full stop
        fn b() {}
        /// Fine.
        /// - A list
        ///
        /// [`b`]: crate::b
        fn c() {}
        /// geth's name of it.
        fn d() {}
    ";
    assert_eq!(unfinished(text), [2, 4]);
}

// ---- the sources ------------------------------------------------------------------------------------------

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's folder")
}

/// Names and source folders of the workspace's crates.
fn crates() -> Vec<(String, PathBuf)> {
    let mut crates: Vec<_> = std::fs::read_dir(workspace().join("crates"))
        .expect("the crates folder")
        .map(|entry| entry.expect("an entry of the crates folder").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path.join("src")))
        .collect();
    crates.sort();
    assert!(crates.len() > 10, "expected the workspace's crates, found {crates:?}");
    crates
}

/// Source files below a folder, without those that only tests include.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("a source folder")
        .map(|entry| entry.expect("an entry of a source folder").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn parse(path: &Path) -> syn::File {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_crate(root: &Path) -> Crate {
    let modules = sources(root).into_iter().map(|path| {
        let inside = path.strip_prefix(root).expect("a file of the crate").with_extension("");
        let mut module: ModulePath = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            module.pop();
        }
        let read = read_module(&module, &parse(&path));
        (module, read)
    });
    modules.collect()
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

// ---- who uses whom ----------------------------------------------------------------------------------------

struct ModuleReader<'a> {
    path: &'a [String],
    module: Module,
}

fn read_module(path: &[String], file: &syn::File) -> Module {
    let mut reader = ModuleReader { path, module: Module::default() };
    reader.visit_file(file);
    reader.module
}

impl ModuleReader<'_> {
    /// A path of the code, from the crate's root; `None` for paths into other crates.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let mut base = self.path.to_vec();
        let mut rest = segments;
        match rest.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = rest.get(1..)?;
            }
            "self" => rest = rest.get(1..)?,
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = rest.get(1..)?;
                }
            }
            _ => {}
        }
        Some(base.into_iter().chain(rest.iter().cloned()).collect())
    }

    fn note(&mut self, segments: &[String]) {
        if let Some(path) = self.absolute(segments) {
            self.module.uses.insert(path);
        }
    }

    fn leaves(tree: &UseTree, before: &[String], into: &mut Vec<(String, Vec<String>)>) {
        let joined = |last: &syn::Ident| [before, &[last.to_string()]].concat();
        match tree {
            UseTree::Path(path) => Self::leaves(&path.tree, &joined(&path.ident), into),
            UseTree::Name(name) if name.ident == "self" => into.push((String::new(), before.to_vec())),
            UseTree::Name(name) => into.push((name.ident.to_string(), joined(&name.ident))),
            UseTree::Rename(rename) => into.push((rename.rename.to_string(), joined(&rename.ident))),
            UseTree::Glob(_) => into.push((String::new(), before.to_vec())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| Self::leaves(tree, before, into)),
        }
    }
}

impl<'ast> Visit<'ast> for ModuleReader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !is_test_only(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut leaves = Vec::new();
        Self::leaves(&item.tree, &[], &mut leaves);
        for (name, path) in leaves {
            match item.vis {
                Visibility::Inherited => self.note(&path),
                _ => self.module.reexports.extend(self.absolute(&path).map(|path| (name, path))),
            }
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(crate)` names no file.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.first().is_some_and(|first| ["crate", "super"].contains(&first.as_str())) {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }
}

/// The file in which a path ends, re-exports followed.
fn home<'a>(modules: &'a Crate, path: &[String]) -> Option<&'a ModulePath> {
    let mut path = path.to_vec();
    // Each turn follows one re-export; a chain of more than this would be a circle of its own.
    for _ in 0..8 {
        let (length, (module, contents)) = (0..=path.len())
            .rev()
            .find_map(|length| Some((length, modules.get_key_value(path.get(..length)?)?)))?;
        let reexport = path.get(length).and_then(|name| contents.reexports.get(name));
        match reexport {
            Some(target) if *target != path => {
                path = target.iter().chain(path.iter().skip(length + 1)).cloned().collect();
            }
            _ => return Some(module),
        }
    }
    None
}

/// Which file uses which others.
fn edges(modules: &Crate) -> BTreeMap<String, BTreeSet<String>> {
    let name = |module: &ModulePath| module.join("::");
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, contents) in modules {
        let used = contents.uses.iter().filter_map(|path| home(modules, path)).filter(|used| *used != module);
        edges.entry(name(module)).or_default().extend(used.map(name));
    }
    edges
}

/// Sets of files that reach each other.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reachable = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            open.extend(edges.get(next).into_iter().flatten().filter(|to| seen.insert((*to).clone())));
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        edges.keys().map(|from| (from, reachable(from))).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (from, reached) in &reach {
        if circles.iter().any(|circle| circle.contains(from)) || !reached.contains(*from) {
            continue;
        }
        let circle = reached.iter().filter(|to| reach.get(to).is_some_and(|back| back.contains(*from)));
        circles.push(circle.cloned().collect());
    }
    circles
}

// ---- sentences --------------------------------------------------------------------------------------------

/// Names that keep their lower case at the beginning of a sentence.
const LOWER_CASE_NAMES: &[&str] =
    &["alloy", "anvil", "ark-groth16", "c-kzg", "forge", "geth", "reth", "revm"];

/// Numbers of the lines with which a doc comment begins in lower case, or ends without a full stop.
fn unfinished(text: &str) -> Vec<usize> {
    let marker = |line: &str| ["///", "//!"].into_iter().find(|marker| line.trim_start().starts_with(marker));
    let comment = |line: &str| line.trim_start().get(3..).unwrap_or_default().trim().to_owned();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| marker(line).is_some()) {
        let neighbour = |at: Option<usize>| at.and_then(|at| lines.get(at)).and_then(|line| marker(line));
        let is_first = neighbour(index.checked_sub(1)) != marker(line);
        let is_last = neighbour(index.checked_add(1)) != marker(line);
        let words = comment(line);
        let name = words.split([' ', '\'']).next().unwrap_or_default();
        let is_lower =
            words.starts_with(|first: char| first.is_lowercase()) && !LOWER_CASE_NAMES.contains(&name);
        let ends = ['.', ':', '!', '?', '`', '|', '>', ')'];
        let is_open = !words.is_empty() && !words.starts_with('[') && !words.ends_with(ends);
        if (is_first && is_lower) || (is_last && is_open) {
            found.push(index + 1);
        }
    }
    found
}

// ---- doc comments -----------------------------------------------------------------------------------------

#[derive(Debug, Default)]
struct DocCheck {
    missing: Vec<String>,
}

impl DocCheck {
    fn require(&mut self, visibility: &Visibility, attributes: &[Attribute], what: &str, name: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.require_doc(attributes, what, name);
        }
    }

    fn require_doc(&mut self, attributes: &[Attribute], what: &str, name: &syn::Ident) {
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        if !documented {
            self.missing.push(format!("{what} {name}"));
        }
    }
}

/// Whether an attribute is an error's message (`#[error("…")]`), which says what the fields are.
fn is_error_message(attribute: &Attribute) -> bool {
    attribute.path().is_ident("error")
}

/// Whether an item says that the names of its parts explain them: `#[allow(missing_docs)]`.
fn is_allowed(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("allow")).any(|attribute| {
        let lints = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        lints.is_ok_and(|lints| lints.iter().any(|lint| lint.path().is_ident("missing_docs")))
    })
}

fn has_messages(item: &ItemEnum) -> bool {
    item.variants.iter().flat_map(|variant| &variant.attrs).any(is_error_message)
}

impl<'ast> Visit<'ast> for DocCheck {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(item) if is_test_only(&item.attrs) => return,
            Item::Fn(item) => self.require(&item.vis, &item.attrs, "fn", &item.sig.ident),
            Item::Struct(item) => {
                self.require(&item.vis, &item.attrs, "struct", &item.ident);
                let speaks_for_itself = item.attrs.iter().any(is_error_message) || is_allowed(&item.attrs);
                for field in item.fields.iter().filter(|_| !speaks_for_itself) {
                    if let Some(name) = &field.ident {
                        self.require(&field.vis, &field.attrs, "field", name);
                    }
                }
            }
            Item::Enum(item) => {
                self.require(&item.vis, &item.attrs, "enum", &item.ident);
                let speaks_for_itself = has_messages(item) || is_allowed(&item.attrs);
                if matches!(item.vis, Visibility::Public(_)) && !speaks_for_itself {
                    for variant in &item.variants {
                        self.require_doc(&variant.attrs, "variant", &variant.ident);
                    }
                }
            }
            Item::Trait(item) => {
                self.require(&item.vis, &item.attrs, "trait", &item.ident);
                for member in &item.items {
                    if let (Visibility::Public(_), syn::TraitItem::Fn(method)) = (&item.vis, member) {
                        self.require_doc(&method.attrs, "fn", &method.sig.ident);
                    }
                }
            }
            Item::Impl(item) if item.trait_.is_none() => {
                for member in &item.items {
                    if let syn::ImplItem::Fn(method) = member {
                        self.require(&method.vis, &method.attrs, "fn", &method.sig.ident);
                    }
                }
            }
            Item::Const(item) => self.require(&item.vis, &item.attrs, "const", &item.ident),
            Item::Type(item) => self.require(&item.vis, &item.attrs, "type", &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }
}
