//! See `fernet_fuzz::QUOTE_REQUEST`.
#![no_main]

fernet_fuzz::fuzz!(QUOTE_REQUEST);
