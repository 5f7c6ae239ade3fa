//! The operator's policy: it decides on every effect before the effect is carried out.

use crate::snapshot::ChainSnapshot;

/// What the policy decides about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The effect is carried out.
    Allow,
    /// The effect isn't carried out now. If it still applies at the next L1 block, the policy is asked again.
    Hold,
}

/// What the policy knows besides the effect. `I` identifies the role.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a, I> {
    /// The role that acts.
    pub identity: I,
    /// The rollup as it is now.
    pub snapshot: &'a ChainSnapshot,
}

/// Decides on every effect `E` of a role that is identified by `I`: a kill switch, a maintenance window, a
/// fault in a test. Nothing is signed or sent unless the policy allows it.
///
/// A transaction that was submitted stays under way while its effect is held. To stop it too, hold
/// `ManageTransactions`: that effect signs what waits, and replaces what was sent.
pub type Policy<E, I> = Box<dyn Fn(&E, &Context<'_, I>) -> Decision + Send + Sync>;

/// The policy that allows everything.
#[must_use]
pub fn allow_all<E, I>() -> Policy<E, I> {
    Box::new(|_, _| Decision::Allow)
}
