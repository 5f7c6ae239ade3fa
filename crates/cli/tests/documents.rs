//! Pages of the documentation that are written from definitions.

mod common;

use std::fs;

use common::{fernet, root};

/// A page, and the name that the hidden command has for it.
const PAGES: [(&str, &str); 2] = [("docs/cli.md", "cli"), ("docs/configuration.md", "configuration")];

#[test]
fn pages_are_as_the_definitions_say() {
    for (file, page) in PAGES {
        let output = fernet(&["reference", page]).output().expect("the command runs");
        let expected = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let actual = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(
            actual == expected,
            "{file} is not what the definitions say; write it again: \
             cargo run --bin fernet -- reference {page} > {file}"
        );
    }
}

/// A network's file in script/config, without its ending.
fn networks() -> Vec<String> {
    let files = fs::read_dir(root().join("script/config")).expect("the folder");
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

#[test]
fn networks_are_the_files_of_script_config_with_their_chain_ids() {
    let mut words = fernet_config::Network::WORDS.to_vec();
    words.sort_unstable();
    assert_eq!(words, networks());
    for network in
        [fernet_config::Network::Devnet, fernet_config::Network::Sepolia, fernet_config::Network::Mainnet]
    {
        let text = fs::read_to_string(root().join(format!("script/config/{}.json", network.word())));
        let file: serde_json::Value = serde_json::from_str(&text.expect("the file")).expect("JSON");
        // 0 stands for any chain.
        assert_eq!(file["chainId"], network.chain_id().unwrap_or(0), "{}", network.word());
    }
}
