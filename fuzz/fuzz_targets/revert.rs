//! See `fernet_fuzz::REVERT`.
#![no_main]

fernet_fuzz::fuzz!(REVERT);
