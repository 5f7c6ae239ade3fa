//! What the documents list is what the node answers.

use std::{collections::BTreeSet, fs, path::Path};

use fernet_embedded::rpc_methods;

#[test]
fn every_method_is_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "../../docs/embedded.md"] {
        let text = fs::read_to_string(folder.join(document)).expect("a document");
        let words: BTreeSet<&str> =
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        for method in rpc_methods() {
            assert!(words.contains(method), "{document} doesn't name {method}");
        }
    }
}
