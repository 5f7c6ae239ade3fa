//! See `fernet_fuzz::EVENTS`.
#![no_main]

fernet_fuzz::fuzz!(EVENTS);
