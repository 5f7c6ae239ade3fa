//! An operator's say in what a role does.

use alloy::primitives::Address;
use fernet_follower::SlotView;
use fernet_protocol::L1Slot;
pub use fernet_roles::Decision;

use crate::machine::Effect;

/// What the policy may look at besides the effect.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who acts.
    pub prover: Address,
    /// L1 slot of the newest L1 block.
    pub now: L1Slot,
    /// The slot in turn in the L1 slot after it.
    pub next: &'a SlotView,
}

/// Decides on each effect before it is carried out: a kill switch, a maintenance window, a test's fault.
pub type Policy = Box<dyn Fn(&Effect, &Context<'_>) -> Decision + Send + Sync>;

/// The policy that allows everything.
#[must_use]
pub fn allow_all() -> Policy {
    Box::new(|_, _| Decision::Allow)
}
