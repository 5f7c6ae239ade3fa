//! See `fernet_fuzz::BLOCK_DATA`.
#![no_main]

fernet_fuzz::fuzz!(BLOCK_DATA);
