//! See `fernet_fuzz::DEPLOYMENT`.
#![no_main]

fernet_fuzz::fuzz!(DEPLOYMENT);
