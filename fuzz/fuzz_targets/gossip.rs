//! See `fernet_fuzz::GOSSIP`.
#![no_main]

fernet_fuzz::fuzz!(GOSSIP);
