//! Compares everything visible of model and contracts.

use std::fmt::Debug;

use alloy::{
    primitives::{Address, Log, U256},
    sol_types::SolEventInterface,
};
use fernet_bindings::{
    IBridge, IEscrow, IGuardian, IRandomness, IRegistry, IRewards, IRollup, IStaking, ITimelock, IVotes,
    decode_revert,
};
use fernet_protocol::{BURN_ADDRESS, Lane, PriceRange};

use crate::{actors, call::Reply, chain::Chain, model::Model, payloads};

fn same<T: PartialEq + Debug>(what: &str, model: &T, contracts: &T) -> Result<(), String> {
    if model == contracts {
        return Ok(());
    }
    Err(format!("{what} differs\n  model:     {model:?}\n  contracts: {contracts:?}"))
}

/// Results of a call.
pub(crate) fn replies(model: &Reply, contracts: &Reply) -> Result<(), String> {
    let text = |reply: &Reply| match reply {
        Ok(logs) => {
            let named: Vec<_> = logs.iter().map(|log| event_name(log).unwrap_or_default()).collect();
            format!("success with {named:?}")
        }
        Err(data) => decode_revert(data).to_string(),
    };
    same("result", &text(model), &text(contracts))?;
    same("event or error", model, contracts)
}

/// Views of the current slot, the tip and the sequencers.
pub(crate) fn states(model: &Model, chain: &mut Chain, timestamp: u64) -> Result<(), String> {
    let now = model.l1_slot(timestamp);
    same("overview", &model.overview(now), &chain.overview()?)?;
    same("list of sequencers", &model.sequencers(now), &chain.sequencers()?)
}

/// Balances and credits of all accounts, in the views and in the token; and the state of governance.
pub(crate) fn accounts(model: &Model, chain: &mut Chain, timestamp: u64) -> Result<(), String> {
    let now = model.l1_slot(timestamp);
    for account in actors::accounts() {
        same("escrow account", &model.escrow_view(account, now), &chain.escrow(account)?)?;
        same("named keys", &model.signers(account, now), &chain.signers(account)?)?;
        same("reward account", &model.rewards_view(account), &chain.rewards(account)?)?;
        balance(model, chain, account)?;
    }
    let at = model.at;
    [at.staking, at.escrow, at.rewards, at.bridge, at.rollup, BURN_ADDRESS]
        .into_iter()
        .try_for_each(|account| balance(model, chain, account))?;
    same("bridge's supply", &model.bridge.supply, &chain.supply()?)?;
    for (index, account) in (1..).zip(&model.bridge.accounts) {
        same("L2 account", account, &chain.bridge_account(index)?)?;
    }
    for lane in Lane::ALL {
        let count = model.bridge.count(lane);
        same("lane", &(count, model.bridge.chain(lane, count)), &chain.lane(lane.into())?)?;
    }
    let slot = model.locate_at(now).current.timeline.slot;
    for paid in [0, 1, 100, (1 << 17) - 1] {
        let PriceRange { lowest, highest } = model.rewards.rates_of(slot).price_range(paid);
        same("price range", &(lowest.get(), highest.get()), &chain.price_range(slot.get(), paid)?)?;
    }
    governance(model, chain, timestamp)
}

/// Ballots and queued payloads, the guardian's approvals, and the rollup's versions.
fn governance(model: &Model, chain: &mut Chain, timestamp: u64) -> Result<(), String> {
    let now = model.l1_slot(timestamp);
    same("guardian", &(model.guardian.guardian, model.guardian.approvals), &chain.guardian()?)?;
    same("next pause", &model.rollup.pausable_from.get(), &chain.pausable_from()?)?;
    same("versions", &model.versions_view(), &chain.versions()?)?;
    let round = model.round_in_turn(now);
    for payload in payloads::votable() {
        same("ballot", &model.ballot_view(round, payload), &chain.ballot(round, payload)?)?;
        same("pushed payload", &model.votes.pushed.contains(&payload), &chain.pushed(payload)?)?;
        same("queued payload", &model.queued_view(payload, now), &chain.queued(payload)?)?;
    }
    for (round, payload) in model.votes.ballots.keys() {
        same("ballot", &model.ballot_view(*round, *payload), &chain.ballot(*round, *payload)?)?;
    }
    Ok(())
}

fn balance(model: &Model, chain: &mut Chain, account: Address) -> Result<(), String> {
    same(&format!("balance of {account}"), &U256::from(model.balance(account)), &chain.balance(account)?)
}

/// Contract and name of one of Fernet's events.
pub(crate) fn event_name(log: &Log) -> Option<String> {
    fn name<E: SolEventInterface + Debug>(contract: &str, log: &Log) -> Option<String> {
        let event = E::decode_log(log).ok()?.data;
        let text = format!("{event:?}");
        let member = text.split(['(', ' ']).next().unwrap_or_default();
        let kind = match text.split_once("outcome: ") {
            Some((_, rest)) => format!(" {}", rest.split([',', ' ']).next().unwrap_or_default()),
            None => String::new(),
        };
        Some(format!("event {contract}.{member}{kind}"))
    }
    name::<IRollup::IRollupEvents>("Rollup", log)
        .or_else(|| name::<IStaking::IStakingEvents>("Staking", log))
        .or_else(|| name::<IEscrow::IEscrowEvents>("Escrow", log))
        .or_else(|| name::<IRewards::IRewardsEvents>("Rewards", log))
        .or_else(|| name::<IBridge::IBridgeEvents>("Bridge", log))
        .or_else(|| name::<IRandomness::IRandomnessEvents>("Randomness", log))
        .or_else(|| name::<IVotes::IVotesEvents>("Votes", log))
        .or_else(|| name::<ITimelock::ITimelockEvents>("Timelock", log))
        .or_else(|| name::<IGuardian::IGuardianEvents>("Guardian", log))
        .or_else(|| name::<IRegistry::IRegistryEvents>("Registry", log))
}
