//! See `fernet_fuzz::BEACON_ANSWER`.
#![no_main]

fernet_fuzz::fuzz!(BEACON_ANSWER);
