//! Key files of other tools, and of this one.

use std::{fs, path::PathBuf};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use fernet_signers::{Cost, KeyFileError, KeyFileKind, Password, SignerError, bls, kind_of, l2, web3};
use tempfile::TempDir;

/// The password of ERC-2335's examples.
const ERC_2335_PASSWORD: &str = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const ERC_2335_SECRET: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
/// ERC-2335, "Scrypt Test Vector".
const ERC_2335_SCRYPT: &str = include_str!("files/erc2335-scrypt.json");
/// ERC-2335, "PBKDF2 Test Vector".
const ERC_2335_PBKDF2: &str = include_str!("files/erc2335-pbkdf2.json");

/// The secret of the examples of "Web3 Secret Storage Definition".
const WEB3_SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const WEB3_PASSWORD: &str = "testpassword";
/// This example's parameters are out of the range of RFC 7914.
const WEB3_SCRYPT: &str = include_str!("files/web3-scrypt.json");
/// A file of go-ethereum's tests, with its password.
const WEB3_GETH: (&str, &str) = (include_str!("files/web3-geth.json"), "foobar");
const WEB3_PBKDF2: &str = include_str!("files/web3-pbkdf2.json");

fn file(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join(format!("{}.json", fs::read_dir(folder.path()).unwrap().count()));
    fs::write(&path, text).unwrap();
    path
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn web3_key() -> PrivateKeySigner {
    WEB3_SECRET.parse().unwrap()
}

#[test]
fn bls_keystores_of_the_erc_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for text in [ERC_2335_SCRYPT, ERC_2335_PBKDF2] {
        let path = file(&folder, text);
        let key = bls::read(&path, &password(ERC_2335_PASSWORD)).unwrap();
        assert_eq!(hex::encode(key.to_bytes().as_slice()), ERC_2335_SECRET);
        assert_eq!(bls::public_key(&path).unwrap(), Some(bls::text(&key.public_key())));
        assert_eq!(kind_of(&path).unwrap(), KeyFileKind::Bls);
        // The password without the special letters is the same after normalization.
        bls::read(&path, &password("testpassword🔑\u{7f}")).unwrap();
    }
}

#[test]
fn web3_keystores_of_the_definition_are_read() {
    let folder = tempfile::tempdir().unwrap();
    // Old files have a capital letter, others name their address, with 0x or without.
    let capital = WEB3_PBKDF2.replace("\"crypto\"", "\"Crypto\"");
    let address = web3_key().address();
    let with_address = |address: &str| {
        WEB3_PBKDF2.replace("\"version\"", &format!("\"address\": \"{address}\", \"version\""))
    };
    let named = [with_address(&address.to_string()), with_address(&hex::encode(address))];
    for text in [WEB3_PBKDF2, &capital].into_iter().chain(named.iter().map(String::as_str)) {
        let path = file(&folder, text);
        assert_eq!(web3::read(&path, &password(WEB3_PASSWORD)).unwrap().address(), address);
        assert_eq!(kind_of(&path).unwrap(), KeyFileKind::L1);
    }
    assert_eq!(web3::address(&file(&folder, &named[0])).unwrap(), Some(address));
    assert_eq!(web3::address(&file(&folder, WEB3_PBKDF2)).unwrap(), None);
    let path = file(&folder, WEB3_GETH.0);
    let key = web3::read(&path, &password(WEB3_GETH.1)).unwrap();
    assert_eq!(Some(key.address()), web3::address(&path).unwrap());
    let error = web3::read(&file(&folder, WEB3_SCRYPT), &password(WEB3_PASSWORD)).unwrap_err().to_string();
    assert!(error.contains("RFC 7914") && error.contains("n = 262144, r = 1"), "{error}");
}

#[test]
fn written_files_are_read_back_and_no_password_makes_two_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let secret = password("pass word\u{301}");

    let key = web3::random().unwrap();
    for path in [&first, &second] {
        web3::write(path, &key, &secret, Cost::Light).unwrap();
        assert_eq!(web3::read(path, &secret).unwrap().address(), key.address());
    }
    assert_ne!(fs::read_to_string(&first).unwrap(), fs::read_to_string(&second).unwrap());
    assert_ne!(web3::random().unwrap().address(), key.address());

    let (path, key) = (folder.path().join("bls"), bls::random().unwrap());
    bls::write(&path, &key, &secret, Cost::Light).unwrap();
    assert_eq!(bls::read(&path, &secret).unwrap().public_key(), key.public_key());
    assert_ne!(bls::random().unwrap().public_key(), key.public_key());

    let key = l2::random().unwrap();
    for (name, protection) in [("plain", l2::Protection::Plain), ("sealed", l2::Protection::Encrypted)] {
        let path = folder.path().join(name);
        let with = (protection == l2::Protection::Encrypted).then_some((&secret, Cost::Light));
        l2::write(&path, &key, with).unwrap();
        let read = l2::read::<KeyFileError>(&path, || Ok(secret.clone())).unwrap();
        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(l2::inspect(&path).unwrap(), (protection, l2::coordinates(&key.public_key())));
        assert_eq!(kind_of(&path).unwrap(), KeyFileKind::L2);
    }
}

#[test]
fn a_new_file_costs_a_thief_what_other_tools_files_cost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    web3::write(&path, &web3_key(), &password("x"), Cost::Standard).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parameters = &file["crypto"]["kdfparams"];
    assert_eq!(
        (&parameters["n"], &parameters["r"], &parameters["p"]),
        (&262_144.into(), &8.into(), &1.into())
    );
    assert!(!text.contains(WEB3_SECRET));
}

#[test]
fn a_wrong_password_is_told_from_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = password("right");
    let paths = ["l1", "bls", "l2"].map(|name| folder.path().join(name));
    web3::write(&paths[0], &web3_key(), &secret, Cost::Light).unwrap();
    bls::write(&paths[1], &bls::random().unwrap(), &secret, Cost::Light).unwrap();
    l2::write(&paths[2], &l2::random().unwrap(), Some((&secret, Cost::Light))).unwrap();
    let read = |path: &PathBuf, secret: &Password| match kind_of(path)? {
        KeyFileKind::L1 => web3::read(path, secret).map(drop),
        KeyFileKind::Bls => bls::read(path, secret).map(drop),
        KeyFileKind::L2 => l2::read(path, || Ok(secret.clone())).map(drop),
    };
    for path in &paths {
        for wrong in ["", "Right", "right "] {
            let error = read(path, &password(wrong)).unwrap_err();
            assert!(matches!(error, KeyFileError::WrongPassword { .. }), "{error}");
        }
        let text = fs::read_to_string(path).unwrap();
        for length in [0, 1, text.len() / 2, text.len() - 3] {
            fs::write(path, &text[..length]).unwrap();
            let error = read(path, &secret).unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{error}");
        }
        fs::write(path, text.replace("aes-128-ctr", "aes-256-cbc")).unwrap();
        let error = read(path, &secret).unwrap_err().to_string();
        assert!(error.contains("expected aes-128-ctr") && error.contains("aes-256-cbc"), "{error}");
        fs::write(path, &text).unwrap();
        read(path, &secret).unwrap();
    }
}

#[test]
fn a_file_whose_key_is_not_the_named_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret = password("right");
    let replace = |path: &PathBuf, from: &str, to: &str| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    let path = folder.path().join("l1");
    web3::write(&path, &web3_key(), &secret, Cost::Light).unwrap();
    replace(&path, &hex::encode(web3_key().address()), &"11".repeat(20));
    assert!(matches!(web3::read(&path, &secret), Err(KeyFileError::OtherKey { .. })));

    let (path, key) = (folder.path().join("bls"), bls::random().unwrap());
    bls::write(&path, &key, &secret, Cost::Light).unwrap();
    let other = bls::text(&bls::random().unwrap().public_key());
    replace(&path, &bls::text(&key.public_key())[2..], &other[2..]);
    assert!(matches!(bls::read(&path, &secret), Err(KeyFileError::OtherKey { .. })));

    let (path, key) = (folder.path().join("l2"), l2::random().unwrap());
    l2::write(&path, &key, None).unwrap();
    let (x, _) = l2::coordinates(&key.public_key());
    replace(&path, &x, &l2::coordinates(&l2::random().unwrap().public_key()).0);
    assert!(matches!(l2::read::<KeyFileError>(&path, || unreachable!()), Err(KeyFileError::OtherKey { .. })));
}

#[cfg(unix)]
#[test]
fn a_plain_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2");
    l2::write(&path, &l2::random().unwrap(), None).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = l2::read::<KeyFileError>(&path, || unreachable!()).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn no_error_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = l2::random().unwrap();
    let path = folder.path().join("l2");
    l2::write(&path, &key, None).unwrap();
    let secret = hex::encode(key.to_bytes().as_slice());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&secret));
    let broken = [
        text.replace("\"version\": 1", "\"version\": 9"),
        text.replace("0x", "0y"),
        text.replace(&secret, &secret[1..]),
        text.replace("\"secret\": \"", "\"secret\": [\""),
        text.replace("\"x\"", "\"z\""),
        text.replace("\"l2\"", "\"l3\""),
    ];
    for text in broken {
        fs::write(&path, text).unwrap();
        let error = l2::read::<KeyFileError>(&path, || unreachable!()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&secret[1..]), "{shown}");
    }
    let error = SignerError::Environment { name: "a".into(), variable: "KEY".into(), actual: "nothing" };
    assert!(error.to_string().contains("KEY"));
    let key = web3_key();
    let shown = format!("{key:?} {:?}", password("hunter2"));
    assert!(!shown.contains(WEB3_SECRET) && !shown.contains("hunter2"), "{shown}");
    let _: B256 = WEB3_SECRET.parse().unwrap();
}
