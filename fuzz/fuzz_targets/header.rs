//! See `fernet_fuzz::HEADER`.
#![no_main]

fernet_fuzz::fuzz!(HEADER);
