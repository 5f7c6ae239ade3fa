//! What can go wrong around a sequencer.

/// Why a step failed: nothing that other roles don't know.
pub use fernet_roles::RoleError as SequencerError;
