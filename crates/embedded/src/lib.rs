//! A real Ethereum chain in this process, on revm, behind the standard JSON-RPC.
