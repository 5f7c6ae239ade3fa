//! See `fernet_fuzz::QUOTES`.
#![no_main]

fernet_fuzz::fuzz!(QUOTES);
