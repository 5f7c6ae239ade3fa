//! See `fernet_fuzz::ACCOUNT_KEYS`.
#![no_main]

fernet_fuzz::fuzz!(ACCOUNT_KEYS);
