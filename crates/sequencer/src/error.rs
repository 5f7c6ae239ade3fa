//! Errors of a sequencer.

/// Why a step failed. A sequencer has no errors that other roles don't have.
pub use fernet_roles::RoleError as SequencerError;
