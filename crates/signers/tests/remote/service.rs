//! A service that speaks Web3Signer's API over HTTP or TLS, and can do it wrong.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{
    primitives::keccak256,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use axum::{
    Json, Router,
    extract::{self, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
    serve::Listener,
};
use fernet_signers::{RemoteSettings, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What the service does with a request for a signature.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Signs with the right key.
    Signature,
    /// The same with a recovery byte of 0 or 1, in capitals without 0x.
    OtherForm,
    /// Signs with another key.
    OtherKey,
    /// Signs other data.
    OtherData,
    /// Answers with this status and text.
    Text(StatusCode, String),
    /// Never answers.
    Nothing,
}

/// A request for a signature as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) identifier: String,
    pub(crate) data: Vec<u8>,
}

struct Shared {
    key: PrivateKeySigner,
    /// What is done with the next requests; afterwards, with all others the last.
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
    listed: Mutex<Option<String>>,
}

/// A running service.
#[derive(Clone)]
pub(crate) struct Service {
    shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
}

/// A time that is long enough for an answer over loopback, and not for tests that wait for it to end.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(400);

impl Service {
    /// A service over HTTP.
    pub(crate) async fn start(key: PrivateKeySigner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Self::new(key, address);
        tokio::spawn(axum::serve(listener, service.router()).into_future());
        service
    }

    /// A service over TLS that wants a client's certificate.
    pub(crate) async fn start_tls(key: PrivateKeySigner, authority: &Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Self::new(key, address);
        let acceptor = TlsAcceptor::from(Arc::new(authority.server()));
        tokio::spawn(axum::serve(TlsListener { listener, acceptor }, service.router()).into_future());
        service
    }

    fn new(key: PrivateKeySigner, address: SocketAddr) -> Self {
        let answers = Mutex::new(VecDeque::from([Answer::Signature]));
        let shared = Shared { key, answers, asked: Mutex::default(), listed: Mutex::default() };
        Self { shared: Arc::new(shared), address }
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/upcheck", get(|| async { "OK" }))
            .route("/api/v1/eth1/publicKeys", get(public_keys))
            .route("/api/v1/eth1/sign/{identifier}", post(sign))
            .with_state(self.clone())
    }

    pub(crate) fn settings(&self) -> RemoteSettings {
        let url = format!("http://{}", self.address).parse().unwrap();
        RemoteSettings { timeout: TIMEOUT, ..RemoteSettings::new(url) }
    }

    pub(crate) fn tls_settings(&self, tls: TlsFiles) -> RemoteSettings {
        let url = format!("https://{}", self.address).parse().unwrap();
        RemoteSettings { timeout: TIMEOUT, tls, ..RemoteSettings::new(url) }
    }

    /// What it does with the next requests for signatures. The last is done for ever.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.shared.answers.lock().unwrap() = answers.into_iter().collect();
    }

    /// What it lists as its public keys.
    pub(crate) fn list(&self, text: &str) {
        *self.shared.listed.lock().unwrap() = Some(text.to_owned());
    }

    /// The requests for signatures since the last call.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }
}

pub(crate) fn public_key(key: &PrivateKeySigner) -> String {
    let point = key.credential().verifying_key().to_encoded_point(false);
    format!("0x{}", hex::encode(&point.as_bytes()[1..]))
}

async fn public_keys(State(service): State<Service>) -> String {
    let other = public_key(&PrivateKeySigner::random());
    let listed = service.shared.listed.lock().unwrap().clone();
    listed.unwrap_or_else(|| format!("[\"{other}\", \"{}\"]", public_key(&service.shared.key)))
}

async fn sign(
    State(service): State<Service>,
    extract::Path(identifier): extract::Path<String>,
    Json(body): Json<serde_json::Value>,
) -> Response {
    let data = hex::decode(body["data"].as_str().unwrap().strip_prefix("0x").unwrap()).unwrap();
    service.shared.asked.lock().unwrap().push(Asked { identifier, data: data.clone() });
    let answer = {
        let mut answers = service.shared.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    let with = |key: &PrivateKeySigner, data: &[u8]| key.sign_hash_sync(&keccak256(data)).unwrap().as_bytes();
    let own = &service.shared.key;
    match answer {
        Answer::Signature => format!("0x{}", hex::encode(with(own, &data))).into_response(),
        Answer::OtherForm => {
            let mut bytes = with(own, &data);
            bytes[64] -= 27;
            hex::encode_upper(bytes).into_response()
        }
        Answer::OtherKey => {
            format!("0x{}", hex::encode(with(&PrivateKeySigner::random(), &data))).into_response()
        }
        Answer::OtherData => format!("0x{}", hex::encode(with(own, b"other"))).into_response(),
        Answer::Text(status, text) => (status, text).into_response(),
        Answer::Nothing => std::future::pending().await,
    }
}

/// A certificate authority, with files.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    folder: PathBuf,
    name: String,
}

impl Authority {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate: certificate.der().clone(),
            folder: folder.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The authority's own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.name))
    }

    /// Files of a client: certificate and key.
    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let file = |kind: &str| self.folder.join(format!("{}-client.{kind}.pem", self.name));
        std::fs::write(file("certificate"), certificate.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(file("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        (file("certificate"), file("key"))
    }

    /// A server whose certificate it signs, and that lets in only clients whose certificates it signed.
    fn server(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap()
    }
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // A client without a certificate is sent away here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
