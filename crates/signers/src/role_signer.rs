//! What a role signs with.

use std::{fmt, future::Future, pin::Pin};

use alloy::{
    network::TxSigner,
    primitives::Signature,
    signers::{Signer as _, local::PrivateKeySigner},
};
use fernet_protocol::SigningPreimage;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An L1 account that signs transactions and typed data: a key in this process, or a remote signer.
pub trait RoleSigner: TxSigner<Signature> + fmt::Debug + Send + Sync {
    /// Signs typed data (EIP-712), such as a quote. The signer gets the preimage of the digest, because
    /// remote signers hash what they sign by themselves.
    fn sign_typed_data<'a>(
        &'a self,
        preimage: &'a SigningPreimage,
    ) -> BoxFuture<'a, alloy::signers::Result<Signature>>;
}

impl RoleSigner for PrivateKeySigner {
    fn sign_typed_data<'a>(
        &'a self,
        preimage: &'a SigningPreimage,
    ) -> BoxFuture<'a, alloy::signers::Result<Signature>> {
        Box::pin(async move { self.sign_hash(&preimage.digest()).await })
    }
}
