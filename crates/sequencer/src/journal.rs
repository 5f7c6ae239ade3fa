//! What a sequencer must not forget: the blocks that it proposed, and the quotes that it agreed to.
//!
//! A proposal commits to a header; whoever can't show its data pays for it. So a block is on disk before its proposal
//! leaves the process, and a quote before its commitment does.

pub use fernet_roles::{Journal, JournalError, Replacement};
