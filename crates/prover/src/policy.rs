//! The operator's policy on the effects of a prover.

use alloy::primitives::Address;
pub use fernet_roles::{Decision, allow_all};

use crate::interface::Effect;

/// What the policy knows besides the effect. The prover is identified by its account.
pub type Context<'a> = fernet_roles::Context<'a, Address>;

/// Decides on every effect before it is carried out.
pub type Policy = fernet_roles::Policy<Effect, Address>;
