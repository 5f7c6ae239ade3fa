//! An operator's say in what a role does.

/// What the operator's policy says about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Carry it out.
    Allow,
    /// Not now. The effect comes again at the next L1 block if it still applies then, so holding it back until some L1
    /// slot delays it, and holding it back for good drops it.
    Hold,
}
