//! Roles that die: each once after every kind of effect, in the middle of its step.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fernet_protocol::Slot;
use fernet_prover as prover;
use fernet_sequencer as sequencer;

/// Effects that build a block.
const BUILDS: [&str; 2] = ["Build", "BuildBackup"];
/// Effects that send it.
const SENDS: [&str; 2] = ["Propose", "FinalizeBackup"];

/// When roles die. A role that has just carried out a kind of effect for the first time does nothing more until it is made
/// anew.
///
/// Who died after building a block is spared when it sends that block: it dies after sending another one, which it built
/// from a full mempool. Made anew, it has no mempool, and would build something else.
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
    /// In which slots who died after building.
    built: BTreeSet<(String, Slot)>,
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
            sequencer::Decision::Allow if plan.lives_on(&role, effect, context.next.slot) => {
                sequencer::Decision::Allow
            }
            _ => sequencer::Decision::Hold,
        })
    }

    /// A prover's policy with its crashes.
    #[must_use]
    pub fn of_prover(self: &Arc<Self>, number: usize, policy: prover::Policy) -> prover::Policy {
        let (plan, role) = (Arc::clone(self), format!("prover-{number}"));
        Box::new(move |effect, context| match policy(effect, context) {
            prover::Decision::Allow if plan.lives_on(&role, effect, context.next.slot) => {
                prover::Decision::Allow
            }
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
    fn lives_on(&self, role: &str, effect: &impl fmt::Debug, slot: Slot) -> bool {
        if !self.armed {
            return true;
        }
        let mut state = self.lock();
        if state.dead.contains(role) {
            return false;
        }
        let text = format!("{effect:?}");
        let kind = text.split([' ', '{', '(']).next().unwrap_or_default();
        let place = (role.to_owned(), slot);
        if SENDS.contains(&kind) && state.built.contains(&place) {
            return true;
        }
        if state.crashes.insert((role.to_owned(), kind.to_owned())) {
            state.dead.insert(role.to_owned());
            if BUILDS.contains(&kind) {
                state.built.insert(place);
            }
        }
        true
    }

    /// Nothing is left half done under the lock, so a panic elsewhere doesn't matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
