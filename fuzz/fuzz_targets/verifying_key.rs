//! See `fernet_fuzz::VERIFYING_KEY`.
#![no_main]

fernet_fuzz::fuzz!(VERIFYING_KEY);
