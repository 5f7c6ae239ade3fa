//! Signers that are opened from a specification, and opened again.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy::{network::TxSigner, primitives::Address, primitives::B256, signers::local::PrivateKeySigner};
use fernet_protocol::SigningPreimage;
use fernet_signers::{
    BlsSource, Cost, Password, PasswordSource, RoleSigner as _, SignerError, SignerHandle, SignerSource,
    SignerSpec, bls, open_bls, reload_on_change, web3,
};

/// A keystore and its password file.
struct Files {
    key: PathBuf,
    password: PathBuf,
}

impl Files {
    fn new(folder: &Path) -> Self {
        Self { key: folder.join("key.json"), password: folder.join("password") }
    }

    /// Writes both anew.
    fn write(&self, key: &PrivateKeySigner, password: &str) {
        let _ = fs::remove_file(&self.key);
        self.write_password(password);
        web3::write(&self.key, key, &Password::new(password.to_owned()), Cost::Light).unwrap();
    }

    fn write_password(&self, password: &str) {
        fs::write(&self.password, password).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&self.password, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn spec(&self, address: Option<Address>) -> SignerSpec {
        let password = PasswordSource::File(self.password.clone());
        SignerSpec {
            name: "proposer".to_owned(),
            source: SignerSource::KeyFile { path: self.key.clone(), password },
            address,
        }
    }
}

async fn signs(handle: &SignerHandle) {
    let preimage = SigningPreimage::new(B256::ZERO, B256::ZERO);
    let signature = handle.sign_typed_data(&preimage).await.unwrap();
    let signer = signature.recover_address_from_prehash(&preimage.digest()).unwrap();
    assert_eq!(signer, TxSigner::address(handle));
}

#[tokio::test]
async fn a_key_is_opened_again_with_its_new_password() {
    let folder = tempfile::tempdir().unwrap();
    let (files, key) = (Files::new(folder.path()), PrivateKeySigner::random());
    files.write(&key, "first");
    let handle = SignerHandle::open(files.spec(Some(key.address()))).await.unwrap();
    let clone = handle.clone();
    assert_eq!((handle.name(), TxSigner::address(&handle)), ("proposer", key.address()));
    assert!(!handle.has_changed());
    signs(&handle).await;

    files.write(&key, "a second password");
    assert!(handle.has_changed());
    handle.reload().await.unwrap();
    assert!(!clone.has_changed());
    assert_eq!(clone.reloads(), 1);
    signs(&clone).await;
}

#[tokio::test]
async fn the_old_key_stays_when_the_new_one_is_of_another_account_or_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (files, key) = (Files::new(folder.path()), PrivateKeySigner::random());
    files.write(&key, "password");
    // No address is configured: the first key's counts.
    let handle = SignerHandle::open(files.spec(None)).await.unwrap();

    files.write(&PrivateKeySigner::random(), "password");
    let error = handle.reload().await.unwrap_err();
    assert!(
        matches!(&error, SignerError::WrongAddress { expected, .. } if *expected == key.address()),
        "{error}"
    );
    signs(&handle).await;

    files.write_password("wrong");
    assert!(matches!(handle.reload().await, Err(SignerError::KeyFile { .. })));
    fs::remove_file(&files.key).unwrap();
    assert!(matches!(handle.reload().await, Err(SignerError::KeyFile { .. })));
    signs(&handle).await;
    assert_eq!(handle.reloads(), 0);
}

#[tokio::test]
async fn a_key_of_another_account_than_the_configured_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (files, key) = (Files::new(folder.path()), PrivateKeySigner::random());
    files.write(&key, "password");
    let expected = Address::repeat_byte(1);
    let error = SignerHandle::open(files.spec(Some(expected))).await.unwrap_err().to_string();
    assert!(error.contains("proposer") && error.contains(&expected.to_string()), "{error}");
    assert!(error.contains(&key.address().to_string()), "{error}");
}

#[tokio::test]
async fn files_that_change_are_opened_again_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (files, key) = (Files::new(folder.path()), PrivateKeySigner::random());
    files.write(&key, "password");
    let handle = SignerHandle::open(files.spec(None)).await.unwrap();
    let task = tokio::spawn(reload_on_change(vec![handle.clone()], Duration::from_millis(20)));
    files.write(&key, "another password");
    let deadline = Instant::now() + Duration::from_secs(30);
    while handle.reloads() == 0 {
        assert!(Instant::now() < deadline, "the key was not opened again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    signs(&handle).await;
    task.abort();
}

#[tokio::test]
async fn bls_keys_are_opened_from_keystores() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path());
    files.write_password("password");
    let key = bls::random().unwrap();
    bls::write(&files.key, &key, &Password::new("password".to_owned()), Cost::Light).unwrap();
    let source = BlsSource::KeyFile {
        path: files.key.clone(),
        password: PasswordSource::File(files.password.clone()),
    };
    assert_eq!(open_bls("scores", &source).await.unwrap().public_key(), key.public_key());
    files.write_password("wrong");
    let error = open_bls("scores", &source).await.unwrap_err().to_string();
    assert!(error.contains("scores") && error.contains("the password is wrong"), "{error}");
}

#[tokio::test]
async fn a_key_in_the_environment_is_checked_and_never_shown() {
    let spec = |variable: &str| SignerSpec {
        name: "dev".to_owned(),
        source: SignerSource::Environment { variable: variable.to_owned() },
        address: None,
    };
    let error = SignerHandle::open(spec("FERNET_TEST_NO_SUCH_VARIABLE")).await.unwrap_err().to_string();
    assert!(error.contains("FERNET_TEST_NO_SUCH_VARIABLE, got nothing"), "{error}");
    // Cargo sets this one, and it is no key.
    let error = SignerHandle::open(spec("CARGO_MANIFEST_DIR")).await.unwrap_err().to_string();
    assert!(error.contains("got another text") && !error.contains("signers/"), "{error}");
    let source = BlsSource::Environment { variable: "CARGO_MANIFEST_DIR".to_owned() };
    assert!(open_bls("dev", &source).await.unwrap_err().to_string().contains("got another text"));
}
