//! A signer whose key can be opened again while a role uses it.

use std::{
    fmt, fs,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature},
};
use fernet_protocol::SigningPreimage;

use crate::{
    error::SignerError,
    role_signer::{BoxFuture, RoleSigner},
    source::{Opening, SignerSpec},
};

/// A signer that a role holds. Clones share the key: when it is opened again, all of them have the new one.
#[derive(Clone)]
pub struct SignerHandle(Arc<Inner>);

struct Inner {
    spec: SignerSpec,
    address: Address,
    current: RwLock<Arc<dyn RoleSigner>>,
    reloads: AtomicU64,
    seen: Mutex<Vec<Stamp>>,
    /// Why the last signature failed.
    failure: Mutex<Option<String>>,
}

/// What shows that a file changed: when it was written, and its length. `None` if there is none.
type Stamp = Option<(SystemTime, u64)>;

impl fmt::Debug for SignerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { spec, address, .. } = &*self.0;
        f.debug_struct("SignerHandle").field("name", &spec.name).field("address", address).finish()
    }
}

impl SignerHandle {
    /// Opens the key. It asks for a password if the specification says so.
    ///
    /// # Errors
    /// When the key can't be opened, or is of another account than the specified one.
    pub async fn open(spec: SignerSpec) -> Result<Self, SignerError> {
        let seen = stamps(&spec);
        let signer = spec.open(Opening::First).await?;
        Ok(Self(Arc::new(Inner {
            address: signer.address(),
            current: RwLock::new(signer),
            reloads: AtomicU64::new(0),
            seen: Mutex::new(seen),
            failure: Mutex::default(),
            spec,
        })))
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// How often the key was opened again.
    #[must_use]
    pub fn reloads(&self) -> u64 {
        self.0.reloads.load(Ordering::Acquire)
    }

    /// Opens the key again, from the same place. Signatures that are being made end with the old key. After
    /// an error the old key stays.
    ///
    /// # Errors
    /// When the key can't be opened, or is of another account than before.
    pub async fn reload(&self) -> Result<(), SignerError> {
        let inner = &*self.0;
        *inner.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps(&inner.spec);
        let signer = inner.spec.open(Opening::Again).await?;
        if signer.address() != inner.address {
            let (expected, actual) = (inner.address, signer.address());
            return Err(SignerError::WrongAddress { name: self.name().to_owned(), expected, actual });
        }
        *inner.current.write().unwrap_or_else(PoisonError::into_inner) = signer;
        inner.reloads.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether a file that the key depends on changed since it was opened last.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) != stamps(&self.0.spec)
    }

    /// Why the last signature failed; `None` if it succeeded, or none was asked for.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of whether a signature failed.
    fn noted(&self, result: alloy::signers::Result<Signature>) -> alloy::signers::Result<Signature> {
        let failure = result.as_ref().err().map(|error| format!("{}: {error}", self.name()));
        *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        result
    }

    fn current(&self) -> Arc<dyn RoleSigner> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn stamps(spec: &SignerSpec) -> Vec<Stamp> {
    let stamp = |path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    spec.files().into_iter().map(stamp).collect()
}

impl TxSigner<Signature> for SignerHandle {
    fn address(&self) -> Address {
        self.0.address
    }

    fn sign_transaction<'a, 'b, 'c>(
        &'a self,
        tx: &'b mut dyn SignableTransaction<Signature>,
    ) -> BoxFuture<'c, alloy::signers::Result<Signature>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let signer = self.current();
        Box::pin(async move { self.noted(signer.sign_transaction(tx).await) })
    }
}

impl RoleSigner for SignerHandle {
    fn sign_typed_data<'a>(
        &'a self,
        preimage: &'a SigningPreimage,
    ) -> BoxFuture<'a, alloy::signers::Result<Signature>> {
        let signer = self.current();
        Box::pin(async move { self.noted(signer.sign_typed_data(preimage).await) })
    }
}

/// Opens keys again when the process gets SIGHUP, and when one of their files changed, which it looks for
/// `every` so often. It never returns. A key that can't be opened is a warning, and the old key stays.
pub async fn reload_on_change(handles: Vec<SignerHandle>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut hangups = Hangups::listen();
    loop {
        let all = tokio::select! {
            _ = ticks.tick() => false,
            () = hangups.next() => true,
        };
        for handle in handles.iter().filter(|handle| all || handle.has_changed()) {
            match handle.reload().await {
                Ok(()) => tracing::info!(signer = handle.name(), "key opened again"),
                Err(error) => {
                    tracing::warn!(
                        code = "SIG-002", signer = handle.name(), %error,
                        "the old key stays in use"
                    )
                }
            }
        }
    }
}

/// SIGHUP, where there are signals.
struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
                .inspect_err(|error| tracing::warn!(code = "SIG-003", %error, "SIGHUP can't be listened to"))
                .ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
