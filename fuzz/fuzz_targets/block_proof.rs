//! See `fernet_fuzz::BLOCK_PROOF`.
#![no_main]

fernet_fuzz::fuzz!(BLOCK_PROOF);
