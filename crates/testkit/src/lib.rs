//! Devnet, faults and test actors.
