//! See `fernet_fuzz::BODY`.
#![no_main]

fernet_fuzz::fuzz!(BODY);
