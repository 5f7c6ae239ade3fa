//! See `fernet_fuzz::KEY_FILE`.
#![no_main]

fernet_fuzz::fuzz!(KEY_FILE);
