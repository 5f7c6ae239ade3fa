//! The fernet command.

fn main() {}
