//! Constructor arguments of the contracts.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolConstructor,
};
use fernet_bindings::{
    self as abi, StakingParameters,
    convert::{narrow, narrow_72},
};

use crate::rules::{Addresses, GUARDIAN, Rules};

/// A contract's name, constructor arguments and address.
pub(crate) type Construction = (&'static str, Vec<u8>, Address);

/// The contracts in the order of their deployment.
pub(crate) fn constructors(rules: &Rules, at: &Addresses) -> Result<Vec<Construction>, String> {
    let wide = |error: abi::InvalidValue| error.to_string();
    let governance = rules.governance;
    let (time, seconds) = (rules.genesis_time, rules.slot_seconds);
    let staking = StakingParameters {
        stakeAmount: narrow("stakeAmount", rules.staking.stake_amount).map_err(wide)?,
        minimumStake: narrow("minimumStake", rules.staking.minimum_stake).map_err(wide)?,
        entryPeriod: rules.staking.entry_period,
        exitDelay: rules.staking.exit_delay,
        entryWindow: rules.staking.entry_window,
        entryFlush: rules.staking.entry_flush,
        maxEntryFlush: rules.staking.max_entry_flush,
        queueLimit: rules.staking.queue_limit,
    };
    let contracts = (
        at.staking,
        at.randomness,
        at.escrow,
        at.rewards,
        at.bridge,
        at.verifier,
        at.scoring,
        at.votes,
        at.guardian,
    );
    let scoring = match rules.vrf {
        true => ("VrfScore", abi::VrfScore::constructorCall::new((at.staking,)).abi_encode(), at.scoring),
        false => ("PublicScore", Vec::new(), at.scoring),
    };
    Ok(vec![
        (
            "Staking",
            abi::Staking::constructorCall::new((at.token, at.rollup, at.timelock, staking, time, seconds))
                .abi_encode(),
            at.staking,
        ),
        scoring,
        ("Randomness", abi::Randomness::constructorCall::new((time, seconds)).abi_encode(), at.randomness),
        (
            "Escrow",
            abi::Escrow::constructorCall::new((at.token, at.rollup, rules.escrow_delay, time, seconds))
                .abi_encode(),
            at.escrow,
        ),
        (
            "Rewards",
            abi::Rewards::constructorCall::new((
                at.token,
                at.rollup,
                at.timelock,
                rules.rates.try_into().map_err(wide)?,
                narrow_72("maxRewardPerL1Slot", rules.max_reward_per_l1_slot).map_err(wide)?,
            ))
            .abi_encode(),
            at.rewards,
        ),
        (
            "Bridge",
            abi::Bridge::constructorCall::new((
                at.token,
                at.rollup,
                U256::from(rules.unit),
                rules.min_deposit,
                time,
                seconds,
            ))
            .abi_encode(),
            at.bridge,
        ),
        (
            "Timelock",
            abi::Timelock::constructorCall::new((
                at.votes,
                governance.delay,
                governance.grace,
                time,
                seconds,
            ))
            .abi_encode(),
            at.timelock,
        ),
        (
            "Votes",
            abi::Votes::constructorCall::new((
                at.rollup,
                at.timelock,
                governance.voting_round,
                governance.voting_quorum,
                governance.push_period,
                time,
                seconds,
            ))
            .abi_encode(),
            at.votes,
        ),
        (
            "Rollup",
            abi::Rollup::constructorCall::new((
                rules.parameters.try_into().map_err(wide)?,
                contracts,
                time,
                seconds,
                rules.genesis_slot.get(),
            ))
            .abi_encode(),
            at.rollup,
        ),
        ("Reader", abi::Reader::constructorCall::new((at.rollup,)).abi_encode(), at.reader),
        (
            "Guardian",
            abi::Guardian::constructorCall::new((at.rollup, at.timelock, GUARDIAN)).abi_encode(),
            at.guardian,
        ),
        (
            "Registry",
            abi::Registry::constructorCall::new((at.rollup, at.timelock, time, seconds)).abi_encode(),
            at.registry,
        ),
    ])
}
