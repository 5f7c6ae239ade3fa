//! See `fernet_fuzz::L1_HEADER`.
#![no_main]

fernet_fuzz::fuzz!(L1_HEADER);
