//! Roles that crash: each once after every kind of effect, in the middle of its step.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fernet_devnet::policies::RolePolicies;
use fernet_prover as prover;
use fernet_sequencer as sequencer;

/// When roles crash. A role that has just carried out a kind of effect for the first time does nothing more
/// until it is made anew.
#[derive(Debug, Default)]
pub(crate) struct CrashPlan(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Crashes so far: who, after which kind of effect.
    crashes: BTreeSet<(String, String)>,
    /// Roles that are down now.
    down: BTreeSet<String>,
    /// The only kind of effect after which roles crash from now on.
    only: Option<&'static str>,
}

/// Other policies, with the crashes of a plan.
#[derive(Debug)]
pub(crate) struct CrashPolicies<P> {
    plan: Arc<CrashPlan>,
    policies: P,
}

impl<P> CrashPolicies<P> {
    /// What `policies` allow, until `plan` has the role crash.
    pub(crate) fn new(plan: &Arc<CrashPlan>, policies: P) -> Self {
        Self { plan: Arc::clone(plan), policies }
    }
}

impl<P: RolePolicies> RolePolicies for CrashPolicies<P> {
    fn sequencer(&self, number: usize) -> sequencer::Policy {
        let (plan, role) = (Arc::clone(&self.plan), format!("sequencer-{number}"));
        let policy = self.policies.sequencer(number);
        Box::new(move |effect, context| match policy(effect, context) {
            sequencer::Decision::Allow if plan.allows(&role, effect) => sequencer::Decision::Allow,
            _ => sequencer::Decision::Hold,
        })
    }

    fn prover(&self, number: usize) -> prover::Policy {
        let (plan, role) = (Arc::clone(&self.plan), format!("prover-{number}"));
        let policy = self.policies.prover(number);
        Box::new(move |effect, context| match policy(effect, context) {
            prover::Decision::Allow if plan.allows(&role, effect) => prover::Decision::Allow,
            _ => prover::Decision::Hold,
        })
    }
}

impl CrashPlan {
    /// Who crashed since the last call. Make them anew.
    pub(crate) fn take_crashed(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().down)
    }

    /// Every crash so far: who, after which kind of effect.
    pub(crate) fn crashes(&self) -> BTreeSet<(String, String)> {
        self.lock().crashes.clone()
    }

    /// From now on, roles crash after this kind of effect only.
    #[allow(dead_code, reason = "not every test has rare effects")]
    pub(crate) fn only(&self, kind: &'static str) {
        self.lock().only = Some(kind);
    }

    /// Whether a role may carry an effect out. The role crashes after the first effect of a kind.
    fn allows(&self, role: &str, effect: &impl fmt::Debug) -> bool {
        let mut state = self.lock();
        if state.down.contains(role) {
            return false;
        }
        let text = format!("{effect:?}");
        let kind = text.split([' ', '{', '(']).next().unwrap_or_default();
        if state.only.is_some_and(|only| only != kind) {
            return true;
        }
        if state.crashes.insert((role.to_owned(), kind.to_owned())) {
            state.down.insert(role.to_owned());
        }
        true
    }

    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
