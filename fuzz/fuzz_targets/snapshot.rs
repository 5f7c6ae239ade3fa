//! See `fernet_fuzz::SNAPSHOT`.
#![no_main]

fernet_fuzz::fuzz!(SNAPSHOT);
