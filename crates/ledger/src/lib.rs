//! The L2 payments ledger: accounts, operations, state tree and data encoding. Pure.
