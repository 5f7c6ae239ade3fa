//! See `fernet_fuzz::BLS_KEYS`.
#![no_main]

fernet_fuzz::fuzz!(BLS_KEYS);
