//! Remote signers over real connections: right answers, wrong ones, and none.

mod service;

use std::time::Instant;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip4844},
    network::TxSigner,
    primitives::{Address, B256, TxKind, U256},
    signers::local::PrivateKeySigner,
};
use axum::http::StatusCode;
use fernet_protocol::SigningPreimage;
use fernet_signers::{
    RemoteError, RoleSigner as _, SignerHandle, SignerSource, SignerSpec, TlsFiles, Web3Signer,
};
use service::{Answer, Authority, Service, TIMEOUT, public_key};

fn preimage() -> SigningPreimage {
    SigningPreimage::new(B256::repeat_byte(1), B256::repeat_byte(2))
}

async fn connected() -> (Service, Web3Signer) {
    let key = PrivateKeySigner::random();
    let service = Service::start(key.clone()).await;
    let signer = Web3Signer::connect(service.settings(), key.address()).await.unwrap();
    (service, signer)
}

#[tokio::test]
async fn a_handle_knows_whether_its_service_signs() {
    let key = PrivateKeySigner::random();
    let service = Service::start(key.clone()).await;
    let source = SignerSource::Remote(service.settings());
    let spec = SignerSpec { name: "quotes".to_owned(), source, address: Some(key.address()) };
    let handle = SignerHandle::open(spec).await.unwrap();
    assert_eq!(handle.failure(), None);
    service.answer([Answer::Text(StatusCode::FORBIDDEN, "locked".to_owned())]);
    handle.sign_typed_data(&preimage()).await.unwrap_err();
    let failure = handle.clone().failure().unwrap();
    assert!(failure.starts_with("quotes: ") && failure.contains("403"), "{failure}");
    service.answer([Answer::Signature]);
    handle.sign_typed_data(&preimage()).await.unwrap();
    assert_eq!(handle.failure(), None);
}

/// The error of a signature, as a role sees it.
async fn refused(signer: &Web3Signer) -> String {
    signer.sign_typed_data(&preimage()).await.unwrap_err().to_string()
}

fn transactions() -> (TxEip1559, TxEip4844) {
    let plain = TxEip1559 {
        chain_id: 7,
        nonce: 3,
        gas_limit: 21_000,
        max_fee_per_gas: 9,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::repeat_byte(5)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let blob = TxEip4844 {
        chain_id: 7,
        nonce: 4,
        blob_versioned_hashes: vec![B256::repeat_byte(1); 2],
        max_fee_per_blob_gas: 2,
        ..TxEip4844::default()
    };
    (plain, blob)
}

#[tokio::test]
async fn the_service_signs_what_a_key_in_this_process_would() {
    let key = PrivateKeySigner::random();
    let service = Service::start(key.clone()).await;
    let signer = Web3Signer::connect(service.settings(), key.address()).await.unwrap();
    assert_eq!(TxSigner::address(&signer), key.address());

    for answer in [Answer::Signature, Answer::OtherForm] {
        service.answer([answer]);
        let signature = signer.sign_typed_data(&preimage()).await.unwrap();
        assert_eq!(signature, key.sign_typed_data(&preimage()).await.unwrap());
        let asked = service.take_asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].data, preimage().as_bytes(), "the service gets what is hashed");
        assert_eq!(asked[0].identifier, public_key(&key));

        let (mut plain, mut blob) = transactions();
        let signature = signer.sign_transaction(&mut plain).await.unwrap();
        assert_eq!(signature, key.sign_transaction(&mut plain).await.unwrap());
        assert_eq!(service.take_asked()[0].data, plain.encoded_for_signing());
        let signature = signer.sign_transaction(&mut blob).await.unwrap();
        assert_eq!(signature, key.sign_transaction(&mut blob).await.unwrap());
        assert_eq!(service.take_asked()[0].data, blob.encoded_for_signing());
    }
}

#[tokio::test]
async fn a_signature_of_another_key_or_of_other_data_is_never_used() {
    let (service, signer) = connected().await;
    for answer in [Answer::OtherKey, Answer::OtherData] {
        service.answer([answer]);
        let error = refused(&signer).await;
        assert!(
            error.contains("expected one of") && error.contains(&TxSigner::address(&signer).to_string()),
            "{error}"
        );
        assert_eq!(service.take_asked().len(), 1, "a wrong signature is not asked for again");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_signature_is_shown_in_short() {
    let (service, signer) = connected().await;
    let texts = [
        String::new(),
        "0x".to_owned(),
        "ok".to_owned(),
        "0x".to_owned() + &"00".repeat(64),
        "0x".to_owned() + &"00".repeat(65),
        "0x".to_owned() + &"ff".repeat(65),
        "x".repeat(5_000),
        "x".repeat(2 << 20),
    ];
    for text in texts {
        service.answer([Answer::Text(StatusCode::OK, text.clone())]);
        let error = refused(&signer).await;
        assert!(error.contains("expected"), "{error}");
        assert!(error.len() < 400, "{}", error.len());
        assert_eq!(service.take_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_and_not_repeated() {
    let (service, signer) = connected().await;
    for status in [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::FOUND] {
        service.answer([Answer::Text(status, "Policy says no\u{1b}[2J".to_owned())]);
        let error = refused(&signer).await;
        assert!(error.contains(status.as_str()) && error.contains("Policy says no"), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
        assert_eq!(service.take_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_service_that_fails_or_is_slow_is_asked_again_for_the_same() {
    let (service, signer) = connected().await;
    let failures = [
        Answer::Text(StatusCode::INTERNAL_SERVER_ERROR, "down".to_owned()),
        Answer::Text(StatusCode::TOO_MANY_REQUESTS, "slow down".to_owned()),
        Answer::Nothing,
    ];
    for failure in failures {
        service.answer([failure.clone(), failure, Answer::Signature]);
        signer.sign_typed_data(&preimage()).await.unwrap();
        let asked = service.take_asked();
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|request| *request == asked[0]), "{asked:?}");
    }
}

#[tokio::test]
async fn a_service_that_never_answers_costs_three_time_limits() {
    let (service, signer) = connected().await;
    service.answer([Answer::Nothing]);
    let started = Instant::now();
    let error = refused(&signer).await;
    assert!(error.contains("in 3 tries"), "{error}");
    assert!(started.elapsed() >= TIMEOUT * 3);
    assert_eq!(service.take_asked().len(), 3);
}

#[tokio::test]
async fn a_key_that_the_service_does_not_have_is_found_out_at_once() {
    let key = PrivateKeySigner::random();
    let service = Service::start(key.clone()).await;
    let other = Address::repeat_byte(9);
    let error = Web3Signer::connect(service.settings(), other).await.unwrap_err();
    assert!(matches!(error, RemoteError::UnknownKey { keys: 2, .. }), "{error}");
    assert!(!error.is_retryable());

    // Keys with the tag of uncompressed points, or without 0x, are the same keys.
    for form in [public_key(&key).replace("0x", "0x04"), public_key(&key).replace("0x", "")] {
        service.list(&format!("[\"{form}\"]"));
        Web3Signer::connect(service.settings(), key.address()).await.unwrap();
    }
    for list in ["", "{}", "[1]", "[\"0x12\"]", "<html>"] {
        service.list(list);
        let error = Web3Signer::connect(service.settings(), key.address()).await.unwrap_err();
        assert!(matches!(error, RemoteError::Answer { .. }), "{error}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_a_reason_to_try_later() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://user:hunter2@{address}/secret").parse().unwrap();
    let settings =
        fernet_signers::RemoteSettings { timeout: TIMEOUT, ..fernet_signers::RemoteSettings::new(url) };
    let error = Web3Signer::connect(settings, Address::ZERO).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(&address.to_string()), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("secret"), "{shown}");
    let ftp = fernet_signers::RemoteSettings::new("ftp://127.0.0.1".parse().unwrap());
    assert!(matches!(Web3Signer::connect(ftp, Address::ZERO).await, Err(RemoteError::Scheme { .. })));
}

#[tokio::test]
async fn both_sides_show_certificates_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (own, foreign) = (Authority::new(folder.path(), "own"), Authority::new(folder.path(), "foreign"));
    let key = PrivateKeySigner::random();
    let service = Service::start_tls(key.clone(), &own).await;
    let connect = |tls: TlsFiles| Web3Signer::connect(service.tls_settings(tls), key.address());

    let tls = TlsFiles { authority: Some(own.file()), client: Some(own.client()) };
    let signer = connect(tls.clone()).await.unwrap();
    let signature = signer.sign_typed_data(&preimage()).await.unwrap();
    assert_eq!(signature, key.sign_typed_data(&preimage()).await.unwrap());

    let refused = [
        // The system's authorities don't know this one.
        TlsFiles { authority: None, client: Some(own.client()) },
        TlsFiles { authority: Some(foreign.file()), client: Some(own.client()) },
        // The service wants a certificate of its own authority.
        TlsFiles { authority: Some(own.file()), client: None },
        TlsFiles { authority: Some(own.file()), client: Some(foreign.client()) },
    ];
    for tls in refused {
        let error = connect(tls.clone()).await.unwrap_err();
        assert!(matches!(error, RemoteError::Unreachable { .. }), "{tls:?}: {error}");
    }
}

#[tokio::test]
async fn files_for_tls_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let own = Authority::new(folder.path(), "own");
    let service = Service::start(PrivateKeySigner::random()).await;
    let (certificate, key) = own.client();
    let text = folder.path().join("text");
    std::fs::write(&text, "no certificate").unwrap();
    let missing = folder.path().join("missing");
    let wrong = [
        (TlsFiles { authority: Some(missing.clone()), client: None }, "missing"),
        (TlsFiles { authority: Some(text.clone()), client: None }, "text"),
        (TlsFiles { authority: None, client: Some((certificate.clone(), missing)) }, "missing"),
        (
            TlsFiles { authority: None, client: Some((certificate.clone(), certificate.clone())) },
            "certificate",
        ),
    ];
    for (tls, named) in wrong {
        let error = Web3Signer::connect(service.tls_settings(tls), Address::ZERO).await.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let tls = TlsFiles { authority: None, client: Some((certificate, key)) };
        let error = Web3Signer::connect(service.tls_settings(tls), Address::ZERO).await.unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
