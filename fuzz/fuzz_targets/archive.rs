//! See `fernet_fuzz::ARCHIVE`.
#![no_main]

fernet_fuzz::fuzz!(ARCHIVE);
