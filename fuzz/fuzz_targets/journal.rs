//! See `fernet_fuzz::JOURNAL`.
#![no_main]

fernet_fuzz::fuzz!(JOURNAL);
