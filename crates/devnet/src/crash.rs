//! Roles that die: each once after every kind of effect, in the middle of its step.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fernet_prover as prover;
use fernet_sequencer as sequencer;

/// Effects that build a block, with those that send it.
const SENT_LATER: [(&str, &str); 2] = [("Build", "Propose"), ("BuildBackup", "FinalizeBackup")];

/// When roles die. A role that has just carried out a kind of effect for the first time does nothing more until it is made
/// anew.
///
/// It dies after sending a block before it dies after building one: the first is built from a full mempool, which is gone
/// when the role is made anew, so that it would build something else.
#[derive(Debug, Default)]
pub struct CrashPlan {
    armed: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Crashes so far: who, after which kind of effect.
    crashes: BTreeSet<(String, String)>,
    /// Roles that are dead now.
    dead: BTreeSet<String>,
}

impl CrashPlan {
    /// Everyone dies, once after each kind of effect. The default is that nobody does.
    #[must_use]
    pub fn everyone() -> Self {
        Self { armed: true, state: Mutex::default() }
    }

    /// A sequencer's policy with its crashes.
    #[must_use]
    pub fn of_sequencer(self: &Arc<Self>, number: usize, policy: sequencer::Policy) -> sequencer::Policy {
        let (plan, role) = (Arc::clone(self), format!("sequencer-{number}"));
        Box::new(move |effect, context| match policy(effect, context) {
            sequencer::Decision::Allow if plan.lives_on(&role, effect) => sequencer::Decision::Allow,
            _ => sequencer::Decision::Hold,
        })
    }

    /// A prover's policy with its crashes.
    #[must_use]
    pub fn of_prover(self: &Arc<Self>, number: usize, policy: prover::Policy) -> prover::Policy {
        let (plan, role) = (Arc::clone(self), format!("prover-{number}"));
        Box::new(move |effect, context| match policy(effect, context) {
            prover::Decision::Allow if plan.lives_on(&role, effect) => prover::Decision::Allow,
            _ => prover::Decision::Hold,
        })
    }

    /// Who died since the last call. Make them anew.
    pub fn take_dead(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().dead)
    }

    /// Every crash so far: who, after which kind of effect.
    #[must_use]
    pub fn crashes(&self) -> BTreeSet<(String, String)> {
        self.lock().crashes.clone()
    }

    /// Whether a role may carry an effect out. The first of its kind is its last deed.
    fn lives_on(&self, role: &str, effect: &impl fmt::Debug) -> bool {
        if !self.armed {
            return true;
        }
        let mut state = self.lock();
        if state.dead.contains(role) {
            return false;
        }
        let text = format!("{effect:?}");
        let kind = text.split([' ', '{', '(']).next().unwrap_or_default();
        let sent = |after: &str| state.crashes.contains(&(role.to_owned(), after.to_owned()));
        if SENT_LATER.iter().any(|(build, send)| *build == kind && !sent(send)) {
            return true;
        }
        if state.crashes.insert((role.to_owned(), kind.to_owned())) {
            state.dead.insert(role.to_owned());
        }
        true
    }

    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
