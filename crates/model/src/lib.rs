//! The protocol as a reference model beside the contracts.
//!
//! A sequence of random calls goes to two places: to the contracts' own bytecode on revm (`chain`), and to a model that holds their
//! state as plain values and changes it by the rules of `fernet-protocol` (`model`). After each call, everything that can be
//! seen must agree: success or the exact error with its arguments, every event in order, the Reader's views, what accounts hold
//! and are owed.
//!
//! Two contracts are doubles of a few bytes (`code`): the token, and the verifier, for which the proof of a statement is the
//! statement's hash. So statements are compared, but proofs aren't proven here: they have tests of their own. Signatures of
//! contracts are left out. Some blobs are real ones with withdrawals (`blobs`), which are claimed.
//!
//! Blocks vote for payloads of every kind (`payloads`), which are pushed, wait and are executed. Timelock, guardian and votes also
//! call from their own addresses, out of the blue: so what they alone may do is tried far more often than they would do it.
//!
//! One number names a sequence: [`run_sequence`] makes it again.

mod actors;
mod blobs;
mod call;
mod chain;
mod code;
mod compare;
mod deployment;
mod generate;
mod model;
mod payloads;
mod rules;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    sync::OnceLock,
};

use alloy::sol_types::SolError as _;
use call::Step;
use chain::{Chain, Snapshot};
use fernet_bindings::{ITimelock, decode_revert};
use generate::Generator;
use model::Model;

pub use rules::{GovernanceRules, Rules, StakingRules, VARIANTS};

/// Calls between two looks at everybody's accounts.
const BOOKS_EVERY: usize = 8;

/// Where model and contracts differ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sequence {seed}, call {index}, {call}: {what}")]
pub struct Difference {
    pub seed: u64,
    pub index: usize,
    pub call: String,
    pub what: String,
}

/// What happened in sequences: how often, by the call's name and what came of it, or by the event's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// How often.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    fn note(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, count)| writeln!(f, "{count:>9} {name}"))
    }
}

/// A deployment in which sequencers are registered, provers have bonds and the pot has money, on both sides.
struct Base {
    snapshot: Snapshot,
    model: Model,
    /// Unix time of the last call.
    timestamp: u64,
}

impl Base {
    fn new(rules: Rules, of_model: Rules) -> Result<Self, Difference> {
        let failed = |what| Difference { seed: 0, index: 0, call: "deployment".to_owned(), what };
        let rich = actors::accounts();
        let mut chain = Chain::deploy(rules, &rich).map_err(failed)?;
        let mut model =
            Model::new(of_model, rich.iter().map(|account| (*account, chain::ENDOWMENT)).collect());
        let mut timestamp = rules.time_of(rules.genesis_slot.get());
        let mut tally = Tally::default();
        for (index, step) in generate::prologue(&rules).into_iter().enumerate() {
            timestamp = step.timestamp;
            advance(&mut chain, &mut model, &step, &mut tally).map_err(|what| Difference {
                seed: 0,
                index,
                call: format!("{:?}", step.call),
                what,
            })?;
        }
        Ok(Self { snapshot: chain.snapshot(), model, timestamp })
    }

    /// The one for a variant of rules that both sides agree on.
    fn shared(variant: u64) -> Result<&'static Self, Difference> {
        static BASES: [OnceLock<Result<Base, Difference>>; VARIANTS as usize] =
            [const { OnceLock::new() }; VARIANTS as usize];
        let rules = Rules::variant(variant);
        BASES[usize::try_from(variant % VARIANTS).unwrap_or_default()]
            .get_or_init(|| Self::new(rules, rules))
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// One call on both sides, and the comparison afterwards.
fn advance(chain: &mut Chain, model: &mut Model, step: &Step, tally: &mut Tally) -> Result<(), String> {
    let predicted = model.run(step);
    let actual = chain.run(step)?;
    compare::replies(&predicted, &actual)?;
    compare::states(model, chain, step.timestamp)?;
    let name = step.call.name();
    match &actual {
        Ok(logs) => {
            tally.note(name);
            logs.iter().filter_map(compare::event_name).for_each(|event| tally.note(event));
        }
        Err(data) => tally.note(format!("{name}: {}", refusal_name(data))),
    }
    Ok(())
}

/// The error's name; for an action that failed, with that of its reason.
fn refusal_name(data: &[u8]) -> String {
    let name = |data: &[u8]| decode_revert(data).name().unwrap_or("other data").to_owned();
    match ITimelock::ActionFailed::abi_decode(data) {
        Ok(failed) => format!("{} by {}", name(data), name(&failed.reason)),
        Err(_) => name(data),
    }
}

/// Runs the sequence that `seed` names, of so many calls.
///
/// # Errors
/// The first difference.
pub fn run_sequence(seed: u64, calls: usize) -> Result<Tally, Difference> {
    run(seed, calls, Base::shared(seed)?)
}

/// Searches sequences for a difference from a model whose rules are altered: shows that such a difference is found.
///
/// # Errors
/// The first difference.
pub fn run_altered(
    seeds: impl IntoIterator<Item = u64>,
    calls: usize,
    alter: impl Fn(&mut Rules),
) -> Result<(), Difference> {
    let mut bases = BTreeMap::new();
    for seed in seeds {
        let base = match bases.entry(seed % VARIANTS) {
            Entry::Occupied(base) => base.into_mut(),
            Entry::Vacant(none) => {
                let rules = Rules::variant(seed);
                let mut of_model = rules;
                alter(&mut of_model);
                none.insert(Base::new(rules, of_model)?)
            }
        };
        run(seed, calls, base)?;
    }
    Ok(())
}

fn run(seed: u64, calls: usize, base: &Base) -> Result<Tally, Difference> {
    let rules = Rules::variant(seed);
    let mut chain = Chain::at(rules, base.snapshot.clone());
    let mut model = base.model.clone();
    let mut generator = Generator::new(seed, rules, base.timestamp);
    let mut tally = Tally::default();
    for index in 0..calls {
        let step = generator.next(&model);
        let advanced = advance(&mut chain, &mut model, &step, &mut tally).and_then(|()| {
            // events have all of it at once: the accounts themselves are asked now and then, and at the end
            match (index + 1) % BOOKS_EVERY == 0 || index + 1 == calls {
                true => compare::books(&model, &mut chain, step.timestamp),
                false => Ok(()),
            }
        });
        advanced.map_err(|what| Difference {
            seed,
            index,
            call: format!("{:?} from {} at {}", step.call, step.sender, step.timestamp),
            what,
        })?;
    }
    Ok(tally)
}
