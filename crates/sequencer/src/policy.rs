//! The operator's policy on the effects of a sequencer.

use fernet_protocol::SequencerId;
pub use fernet_roles::{Decision, allow_all};

use crate::interface::Effect;

/// What the policy knows besides the effect.
pub type Context<'a> = fernet_roles::Context<'a, SequencerId>;

/// Decides on every effect before it is carried out.
pub type Policy = fernet_roles::Policy<Effect, SequencerId>;
