//! See `fernet_fuzz::BLOB_SIDECAR`.
#![no_main]

fernet_fuzz::fuzz!(BLOB_SIDECAR);
