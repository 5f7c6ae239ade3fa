//! See `fernet_fuzz::BLOB_BUNDLE`.
#![no_main]

fernet_fuzz::fuzz!(BLOB_BUNDLE);
