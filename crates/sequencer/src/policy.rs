//! An operator's say in what a role does.

use fernet_follower::SlotView;
use fernet_protocol::{L1Slot, SequencerId};

use crate::machine::Effect;

/// What the operator's policy says about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Carry it out.
    Allow,
    /// Not now. The effect comes again at the next L1 block if it still applies then, so holding it back until some L1
    /// slot delays it, and holding it back for good drops it.
    Hold,
}

/// What the policy may look at besides the effect.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who acts.
    pub sequencer: SequencerId,
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
