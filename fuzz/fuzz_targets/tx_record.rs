//! See `fernet_fuzz::TX_RECORD`.
#![no_main]

fernet_fuzz::fuzz!(TX_RECORD);
