//! The records that a sequencer needs after a restart: the blocks that it built, and the quotes that it
//! chose.
//!
//! A sequencer that proposed a block and can't reveal it is penalized. So a block is on disk before its
//! proposal leaves the process, and a quote before its commitment does.

pub use fernet_roles::{Journal, JournalError, Replacement};
