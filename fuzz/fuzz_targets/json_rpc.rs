//! See `fernet_fuzz::JSON_RPC`.
#![no_main]

fernet_fuzz::fuzz!(JSON_RPC);
