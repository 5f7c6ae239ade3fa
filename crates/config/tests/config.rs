//! What operators write, and what they are told.

use std::{path::Path, time::Duration};

use fernet_config::{
    Commitment, Config, Endpoint, OrNever, Role, SignerName, SignerSource, Sources, definitions,
};
use fernet_protocol::{Price, TokenAmount};

fn file(text: &str) -> Sources {
    Sources::default().with_file(Path::new("/etc/fernet/fernet.toml"), text)
}

fn build(text: &str) -> Config {
    Config::build(&file(text)).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The errors of a file, one a line.
fn errors(text: &str) -> String {
    Config::build(&file(text)).expect_err("an error").to_string()
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const SEQUENCER: &str = r#"network = "sepolia"

[l1]
rpc = ["https://l1.example.org", "env:L1_SECRET"]
blob_ids = "slot"

[sequencer]
id = 7
attester = "attester"
max_price = "-0.25 token"
claim_from = "never"
commitment = "prover"
quote_deadline = "4 s"

[signers.attester]
file = "keys/attester.json"
password = "file:keys/attester.password"
"#;

#[test]
fn a_file_becomes_a_typed_configuration() {
    let config = build(SEQUENCER);
    config.require(Role::Sequencer).unwrap();
    assert_eq!(config.sequencer.id, Some(7));
    assert_eq!(config.sequencer.max_price, Price::new(-250_000_000_000_000_000));
    assert_eq!(config.sequencer.claim_from, OrNever::Never);
    assert_eq!(config.sequencer.commitment, Commitment::Prover);
    assert_eq!(config.sequencer.quote_deadline, Duration::from_secs(4));
    assert_eq!(config.l1.rpc[1], Endpoint::Environment("L1_SECRET".to_owned()));
    // Paths start from the file's folder, defaults from the current one.
    let signer = &config.signers[&SignerName::new("attester").unwrap()];
    let SignerSource::Keystore { file, .. } = &signer.source else { panic!("{signer:?}") };
    assert_eq!(file, Path::new("/etc/fernet/keys/attester.json"));
    assert_eq!(config.storage.folder, Path::new("data"));
    assert_eq!(config.prover.chunk_price, TokenAmount::new(10_000_000_000_000_000));
}

#[test]
fn flags_override_the_environment_and_that_overrides_the_file() {
    let sources = |file: bool, variable: bool, flag: bool| {
        let mut sources = Sources::default();
        if file {
            sources = sources.with_file(Path::new("a.toml"), "\n[p2p]\nmax_peers = 1\n");
        }
        if variable {
            sources = sources.with_environment(variables(&[("FERNET_P2P_MAX_PEERS", "2"), ("PATH", "3")]));
        }
        if flag {
            sources = sources.with_flag("p2p.max_peers", "3", "--set p2p.max_peers=3");
        }
        let config = Config::build(&sources).unwrap();
        let shown = config.settings().iter().find(|shown| shown.setting == "p2p.max_peers").unwrap().clone();
        assert_eq!(shown.value, Some(config.p2p.max_peers.get().to_string()));
        (config.p2p.max_peers.get(), shown.origin)
    };
    assert_eq!(sources(true, true, true), (3, "--set p2p.max_peers=3".to_owned()));
    assert_eq!(sources(true, true, false), (2, "FERNET_P2P_MAX_PEERS in the environment".to_owned()));
    assert_eq!(sources(true, false, false), (1, "a.toml:3".to_owned()));
    assert_eq!(sources(false, false, false), (50, "default".to_owned()));
}

#[test]
fn every_option_can_be_set_by_its_variable_and_by_its_flag() {
    for option in definitions().filter(|option| !option.path().contains('*')) {
        let text = option.example.trim_start_matches('[').trim_end_matches(']').replace('"', "");
        let signers = "[signers.attester]\nfile = \"x\"\n";
        let names = ["blobs", "owner", "scores", "quotes", "sender", "payee"]
            .map(|name| signers.replace("attester", name));
        let base = || file(&format!("{signers}{}", names.concat()));
        let shown = |sources: Sources| {
            let config = Config::build(&sources).unwrap_or_else(|errors| panic!("{errors}"));
            config.settings().iter().find(|shown| shown.setting == option.path()).unwrap().clone()
        };
        let by_variable = shown(base().with_environment(variables(&[(&option.variable(), &text)])));
        assert_eq!(by_variable.origin, format!("{} in the environment", option.variable()));
        let by_flag = shown(base().with_flag(&option.path(), &text, "--flag"));
        assert_eq!((by_flag.origin.as_str(), &by_flag.value), ("--flag", &by_variable.value));
        if let Some(alias) = option.alias {
            assert_eq!(shown(base().with_environment(variables(&[(alias, &text)]))).value, by_variable.value);
        }
    }
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let cases = [
        (
            "[sequencer]\nmax_prize = \"1 token\"\n",
            "fernet.toml:2: sequencer.max_prize: no such setting; the nearest is sequencer.max_price",
        ),
        ("\n[sequncer]\nid = 1\n", "fernet.toml:2: [sequncer]: no such table; the nearest is sequencer"),
        ("netwerk = \"sepolia\"\n", "fernet.toml:1: netwerk: no such setting; the nearest is network"),
        // A setting of another table.
        (
            "[l1]\nmax_peers = 3\n",
            "fernet.toml:2: l1.max_peers: no such setting; the nearest is p2p.max_peers",
        ),
        (
            "[signers.a]\nfile = \"x\"\npasword = \"prompt\"\n",
            "fernet.toml:3: signers.a.pasword: no such setting; the nearest is signers.a.password",
        ),
        ("[l1]\nqqqq = 3\n", "fernet.toml:2: l1.qqqq: no such setting"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), format!("/etc/fernet/{expected}"));
    }
    let wrong = Sources::default().with_environment(variables(&[("FERNET_P2P_MAX_PEER", "1")]));
    let error = Config::build(&wrong).unwrap_err().to_string();
    let nearest = "no such variable; the nearest is FERNET_P2P_MAX_PEERS";
    assert_eq!(error, format!("FERNET_P2P_MAX_PEER in the environment: {nearest}"));
    // Variables of scripts and tests are left alone.
    let others = variables(&[("FERNET_KEY", "x"), ("FERNET_LONG", "1"), ("FERNET_SCORING", "vrf")]);
    Config::build(&Sources::default().with_environment(others)).unwrap();
    let error = Config::build(&Sources::default().with_flag("p2p.max_peer", "1", "--set p2p.max_peer=1"));
    assert!(error.unwrap_err().to_string().contains("the nearest is p2p.max_peers"));
}

#[test]
fn an_error_says_where_it_is_and_what_was_expected_and_got() {
    let cases = [
        (
            "[p2p]\n\nmax_peers = 0\n",
            "3: p2p.max_peers: expected an integer from 1 to 1000, got the integer 0",
        ),
        ("[p2p]\nupnp = \"yes\"\n", "2: p2p.upnp: expected true or false, got \"yes\""),
        ("[log]\nformat = \"xml\"\n", "2: log.format: expected one of \"text\", \"json\", got \"xml\""),
        (
            "[sequencer]\npatience = -1\n",
            "2: sequencer.patience: expected an integer, 0 or more, got the integer -1",
        ),
        (
            "[sequencer]\npatience = 1.5\n",
            "2: sequencer.patience: expected an integer, 0 or more, got the number 1.5",
        ),
        ("l1 = 3\n", "1: l1: no such setting"),
        (
            "[metrics]\nlisten = \"localhost\"\n",
            "2: metrics.listen: expected an IP address and a port, such as \"127.0.0.1:9645\", or \"never\", \
             got \"localhost\"",
        ),
    ];
    for (text, expected) in cases {
        let error = errors(text);
        assert!(error.starts_with(&format!("/etc/fernet/fernet.toml:{expected}")), "{error}");
    }
    // An amount without its unit could be read as any.
    for value in ["1", "\"1\"", "\"1 ether\"", "1000000000000000000"] {
        let error = errors(&format!("[sequencer]\nmax_price = {value}\n"));
        assert!(error.contains("expected a price in tokens, such as \"0.5 token\""), "{error}");
    }
    let error = errors("[l1]\nrpc = \"http://x\n");
    assert!(error.starts_with("/etc/fernet/fernet.toml:2: the file is not TOML: "), "{error}");
    assert!(errors("[l1]\nrpc = []\nrpc = []\n").contains("fernet.toml:3: the file is not TOML: "));
}

#[test]
fn all_errors_are_told_at_once_in_the_order_of_the_file() {
    let text =
        "[p2p]\nmax_peers = 0\nxyz = 1\n[sequencer]\nattester = \"nobody\"\nid = -1\n[log]\nformat = 1\n";
    let error = Config::build(&file(text)).unwrap_err();
    let lines: Vec<String> = error.list().iter().map(|error| error.key.clone()).collect();
    assert_eq!(lines, ["p2p.max_peers", "p2p.xyz", "sequencer.id", "log.format"]);
}

#[test]
fn a_secret_in_any_source_is_refused_and_not_repeated() {
    let key = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    for text in [
        format!("[signers.a]\nkind = \"env\"\nvariable = \"{key}\"\n"),
        format!("[sequencer]\nattester = \"0x{key}\"\n"),
        format!("[l1]\nrpc = [\"http://x\", \"{key}\"]\n"),
        format!("[signers.a]\nfile = \"x\"\npassword = \"{key}\"\n"),
    ] {
        let error = Config::build(&file(&text)).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("fernet keys import") && !shown.contains(key), "{shown}");
    }
    let by_flag = Sources::default().with_flag("storage.folder", key, "--set");
    let by_variable = Sources::default().with_environment(variables(&[("FERNET_STORAGE_FOLDER", key)]));
    for sources in [by_flag, by_variable] {
        let error = Config::build(&sources).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(key), "{error}");
    }
    let error = errors("[l1]\nrpc = [\"https://me:hunter2@l1.example.org\"]\n");
    assert!(error.contains("env:VARIABLE") && !error.contains("hunter2"), "{error}");
    let error = errors("[signers.a]\nfile = \"x\"\npassword = \"hunter2\"\n");
    assert!(error.contains("chmod 600") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_signer_has_what_its_kind_needs_and_nothing_else() {
    let cases = [
        ("kind = \"keystore\"\n", "signers.a.file: missing"),
        ("kind = \"web3signer\"\n", "signers.a.url: missing"),
        ("kind = \"web3signer\"\nurl = \"http://x\"\n", "signers.a.address: missing"),
        ("kind = \"env\"\n", "signers.a.variable: missing"),
        (
            "kind = \"env\"\nvariable = \"X\"\nfile = \"x\"\n",
            "fernet.toml:4: signers.a.file: a signer of the kind \"env\" has no such setting: \
             expected variable",
        ),
        (
            "kind = \"web3signer\"\nurl = \"http://x\"\n\
             address = \"0x00000000000000000000000000000000000000aa\"\ncertificate = \"c\"\n",
            "signers.a.certificate_key: missing",
        ),
        ("kind = \"ledger\"\n", "expected one of \"keystore\", \"web3signer\", \"env\", got \"ledger\""),
    ];
    for (text, expected) in cases {
        let error = errors(&format!("[signers.a]\n{text}"));
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    assert!(errors("[signers]\na = \"x\"\n").contains("expected a table for each signer"));
    assert!(errors("[signers.\"A b\"]\nfile = \"x\"\n").contains("expected the name of a signer"));
}

#[test]
fn signers_come_from_variables_and_flags_too() {
    let sources = file("[signers.my-key]\nkind = \"env\"\nvariable = \"A\"\n")
        .with_environment(variables(&[
            ("FERNET_SIGNERS_MY_KEY_VARIABLE", "B"),
            ("FERNET_SIGNERS_NEW_FILE", "f"),
        ]))
        .with_flag("signers.other.file", "g", "--set");
    let config = Config::build(&sources).unwrap();
    let names: Vec<&str> = config.signers.keys().map(SignerName::as_str).collect();
    assert_eq!(names, ["my-key", "new", "other"]);
    let changed = &config.signers[&SignerName::new("my-key").unwrap()].source;
    assert_eq!(*changed, SignerSource::Environment { variable: "B".to_owned() });
    let wrong = Sources::default().with_environment(variables(&[("FERNET_SIGNERS_X_PASSWRD", "1")]));
    assert!(Config::build(&wrong).unwrap_err().to_string().contains("no such variable"));
}

#[test]
fn a_reference_to_no_signer_names_the_nearest() {
    let error = errors(&SEQUENCER.replace("attester = \"attester\"", "attester = \"atester\""));
    let expected = "fernet.toml:9: sequencer.attester: no signer has the name \"atester\": \
                    expected a table [signers.atester]; the nearest is \"attester\"";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_role_says_what_it_cannot_run_without() {
    let config = build("");
    for (role, expected) in [
        (Role::Sequencer, vec!["l1.rpc", "sequencer.id", "sequencer.attester"]),
        (Role::Prover, vec!["l1.rpc", "prover.signer"]),
        (Role::Node, vec!["l1.rpc"]),
    ] {
        let errors = config.require(role).unwrap_err();
        let keys: Vec<&str> = errors.list().iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, expected);
        assert!(errors.to_string().contains("for example rpc = [\"http://127.0.0.1:8545\"]"), "{errors}");
    }
}

#[test]
fn what_is_shown_has_no_secret_and_explains_every_setting() {
    let config = build(SEQUENCER);
    let plain: Vec<_> = definitions().filter(|option| !option.path().contains('*')).collect();
    assert_eq!(config.settings().len(), plain.len() + 3);
    assert!(config.settings().iter().all(|shown| shown.about.ends_with('.')));
    let text = format!("{:?}", config.settings());
    assert!(text.contains("env:L1_SECRET"), "{text}");
}
