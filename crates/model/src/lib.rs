//! A reference model of the protocol, compared with the contracts by random calls.
//!
//! Each call of a random sequence runs twice: in the contracts' bytecode on revm (`chain`), and in a model
//! (`model`). The model holds the contracts' state as plain values and changes it by the rules of
//! `fernet-protocol`. After each call both must agree on everything visible: success, or the exact error with
//! its arguments; every event in order; the Reader's views; balances and credits.
//!
//! Three contracts are test doubles of a few bytes (`code`): the token, the verifier and a wallet (EIP-1271).
//! The double of the verifier accepts the hash of a statement as its proof. So statements are compared here;
//! proofs have tests of their own. The wallet is a prover, and an attester and another prover delegate to it
//! (EIP-7702). Some blobs are real ones with withdrawals (`blobs`), which are claimed.
//!
//! Blocks vote for payloads of many kinds (`payloads`), which are pushed, queued and executed. Random calls
//! also come from the addresses of timelock, guardian and votes. So their privileged functions are tried far
//! more often than a deployment would use them.
//!
//! A sequence is identified by its seed: [`run_sequence`] repeats it.

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

pub use rules::{GovernanceRules, Planted, Rules, StakingRules, VARIANTS};

/// Calls between two comparisons of all accounts.
const ACCOUNTS_EVERY: usize = 8;

/// A difference between model and contracts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sequence {seed}, call {index}, {call}: {what}")]
pub struct Difference {
    pub seed: u64,
    pub index: usize,
    pub call: String,
    pub what: String,
}

/// Counts of calls by name and result, and of events by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// How often `name` occurred.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds another tally.
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

/// A deployment on both sides, with registered sequencers, funded provers and a funded reward pot.
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

    /// The base of a variant of rules, the same on both sides.
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

/// Runs one call on both sides, and compares them.
fn advance(chain: &mut Chain, model: &mut Model, step: &Step, tally: &mut Tally) -> Result<(), String> {
    let predicted = model.run(step);
    let actual = chain.run(step)?;
    compare::replies(&predicted, &actual)?;
    compare::states(model, chain, step.timestamp)?;
    let name = step.call.name();
    match &actual {
        Ok(logs) => {
            tally.note(name);
            model.branches().for_each(|branch| tally.note(format!("branch: {branch}")));
            logs.iter().filter_map(compare::event_name).for_each(|event| tally.note(event));
        }
        Err(data) => tally.note(format!("{name}: {}", refusal_name(data))),
    }
    Ok(())
}

/// Name of the error; with the name of a failed action's reason, or the Bridge's lane that it is about.
fn refusal_name(data: &[u8]) -> String {
    let name = |data: &[u8]| {
        let revert = decode_revert(data);
        let name = revert.name().unwrap_or("other data");
        revert.argument("lane").map_or(name.to_owned(), |lane| format!("{name} {lane}"))
    };
    match ITimelock::ActionFailed::abi_decode(data) {
        Ok(failed) => format!("{} by {}", name(data), name(&failed.reason)),
        Err(_) => name(data),
    }
}

/// Runs the first `calls` calls of the sequence of `seed`.
///
/// # Errors
/// Returns the first difference.
pub fn run_sequence(seed: u64, calls: usize) -> Result<Tally, Difference> {
    run(seed, calls, Base::shared(seed)?)
}

/// Runs sequences against a model with altered rules, to show that the difference is found.
///
/// # Errors
/// Returns the first difference.
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
            // Events are compared after every call; accounts only now and then, and at the end.
            match (index + 1) % ACCOUNTS_EVERY == 0 || index + 1 == calls {
                true => compare::accounts(&model, &mut chain, step.timestamp),
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
