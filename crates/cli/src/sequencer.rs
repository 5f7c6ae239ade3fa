//! `fernet sequencer`: registrations, their state, and what their owners do with them.

use alloy_primitives::Address;
use clap::Subcommand;
use color_eyre::eyre::{Result, bail};
use fernet_actions::{
    Moment, Units, rewards,
    staking::{self, RegisterTerms, SequencerStatus},
};
use fernet_bindings::{IRewards, IStaking};
use fernet_config::Role;
use fernet_protocol::L1Slot;
use serde::Serialize;

use crate::{
    act::{ActArgs, Actor, Done, NOTES},
    report::{Fields, FormatArgs, table},
    rollup::{Rollup, RollupArgs},
    run::{self, RunArgs},
    runtime,
    signing::BlsArgs,
};

/// Subcommands of `fernet sequencer`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the configured sequencer until asked to end.
    Run(RunArgs),
    /// Register a sequencer: the signer pays the stake and becomes the owner.
    #[command(after_help = NOTES)]
    Register(RegisterArgs),
    /// Show sequencers: all, one, or those of an account.
    Status(StatusArgs),
    /// Start the exit of a sequencer; the signer is its owner or attester.
    #[command(after_help = NOTES)]
    Exit(OneArgs),
    /// Pay the stake of a sequencer to its withdrawer, after the exit delay; anyone may sign.
    #[command(after_help = NOTES)]
    Withdraw(WithdrawArgs),
    /// Take a sequencer out of the entry queue, its stake back; the signer is its owner.
    #[command(after_help = NOTES)]
    CancelEntry(OneArgs),
    /// Add tokens to a sequencer's stake, up to that of a registration; anyone may sign.
    #[command(after_help = NOTES)]
    TopUp(TopUpArgs),
    /// Replace the attester, from the end of the entry period on; the signer is the owner.
    #[command(after_help = NOTES)]
    RotateAttester(RotateAttesterArgs),
    /// Replace the BLS key, from the end of the entry period on; the signer is the owner.
    #[command(after_help = NOTES)]
    RotateBlsKey(RotateBlsKeyArgs),
    /// Replace the account that gets the stake back; the signer is that account.
    #[command(after_help = NOTES)]
    SetWithdrawer(SetWithdrawerArgs),
    /// Set the L2 account that gets the fees of its blocks; the signer is the owner.
    #[command(after_help = NOTES)]
    SetFeeRecipient(SetFeeRecipientArgs),
    /// Pay the signer's rewards out.
    #[command(after_help = NOTES)]
    Claim(ClaimArgs),
}

/// Arguments of `fernet sequencer register`.
#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    act: ActArgs,
    #[command(flatten)]
    bls: BlsArgs,
    /// Account that will send the sequencer's proposals
    #[arg(long, value_name = "ADDRESS")]
    attester: Address,
    /// Account that gets the stake back [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    withdrawer: Option<Address>,
    /// L2 account that gets the fees of its blocks; 0 burns them
    #[arg(long, value_name = "N", default_value_t = 0)]
    fee_recipient: u32,
    /// Register although the signer has a sequencer with this attester or BLS key
    #[arg(long)]
    another: bool,
}

/// Arguments of `fernet sequencer status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Number of the sequencer
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    sequencer: Option<u32>,
    /// Only those that this account owns, attests or withdraws for
    #[arg(long, value_name = "ADDRESS", conflicts_with = "sequencer")]
    account: Option<Address>,
}

/// Arguments of commands about one sequencer.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Number of the sequencer
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    sequencer: u32,
}

/// Arguments of `fernet sequencer withdraw`.
#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Wait until it can be withdrawn
    #[arg(long)]
    wait: bool,
}

/// Arguments of `fernet sequencer top-up`.
#[derive(Debug, clap::Args)]
pub(crate) struct TopUpArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Tokens to add
    #[arg(value_name = "TOKENS")]
    amount: String,
}

/// Arguments of `fernet sequencer rotate-attester`.
#[derive(Debug, clap::Args)]
pub(crate) struct RotateAttesterArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The new attester
    #[arg(value_name = "ADDRESS")]
    attester: Address,
}

/// Arguments of `fernet sequencer rotate-bls-key`.
#[derive(Debug, clap::Args)]
pub(crate) struct RotateBlsKeyArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    bls: BlsArgs,
}

/// Arguments of `fernet sequencer set-withdrawer`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetWithdrawerArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The new withdrawer
    #[arg(value_name = "ADDRESS")]
    withdrawer: Address,
}

/// Arguments of `fernet sequencer set-fee-recipient`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetFeeRecipientArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Index of the L2 account; 0 burns the fees
    #[arg(value_name = "L2_ACCOUNT")]
    account: u32,
}

/// Arguments of `fernet sequencer claim` and `fernet prover claim`.
#[derive(Debug, clap::Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Account that is paid [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// What a command did to a sequencer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    /// What was done: registered, exiting, withdrawn, and so on.
    result: &'static str,
    /// Whether it was so before the command.
    already: bool,
    #[serde(flatten)]
    sequencer: SequencerStatus,
}

/// A claim of rewards.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    result: &'static str,
    /// Token units that were paid, as a decimal string.
    paid: String,
    /// Account that was paid.
    to: Address,
}

/// Runs the subcommand.
///
/// # Errors
/// When L1 can't be read, or the contracts refuse.
pub(crate) fn run(command: Command) -> Result<()> {
    if let Command::Run(args) = command {
        return run::run(Role::Sequencer, &args).map(drop);
    }
    runtime::block_on(async {
        match command {
            // It has a runtime of its own.
            Command::Run(_) => Ok(()),
            Command::Register(args) => register(&args).await,
            Command::Status(args) => status(&args).await,
            Command::Exit(args) => exit(&args).await,
            Command::Withdraw(args) => withdraw(&args).await,
            Command::CancelEntry(args) => cancel_entry(&args).await,
            Command::TopUp(args) => top_up(&args).await,
            Command::RotateAttester(args) => rotate_attester(&args).await,
            Command::RotateBlsKey(args) => rotate_bls_key(&args).await,
            Command::SetWithdrawer(args) => set_withdrawer(&args).await,
            Command::SetFeeRecipient(args) => set_fee_recipient(&args).await,
            Command::Claim(args) => claim(&args).await,
        }
    })
}

async fn status(args: &StatusArgs) -> Result<()> {
    let access = Rollup::access(&args.rollup).await?;
    let units = access.units();
    if let Some(id) = args.sequencer {
        let found = staking::sequencer(&access, id).await?;
        return args.format.write(&found, |found| text(units, found));
    }
    let found = staking::sequencers(&access, args.account).await?;
    if let (Some(account), true) = (args.account, found.is_empty()) {
        bail!("no sequencer is owned, attested or withdrawn for by {account}");
    }
    args.format.write_list(&found, |found| match found {
        [] => "no sequencer is registered".to_owned(),
        [one] if args.account.is_some() => text(units, one),
        all => list(units, all),
    })
}

async fn register(args: &RegisterArgs) -> Result<()> {
    let bls_key = args.bls.require().await?;
    let mut actor = Actor::open(&args.act).await?;
    let terms = RegisterTerms {
        owner: actor.account(),
        attester: args.attester,
        withdrawer: args.withdrawer,
        fee_recipient: args.fee_recipient,
        bls_key: &bls_key,
    };
    let action = staking::register(actor.access(), &terms);
    if !args.another && !actor.is_interrupted(&action)? {
        let hash = bls_key.public_key().hash();
        let own = staking::sequencers(actor.access(), Some(actor.account())).await?.into_iter();
        let mut own = own.filter(|own| own.owner == actor.account() && own.is_registered());
        if let Some(found) = own.find(|own| own.attester == args.attester || own.bls_key_hash == hash) {
            let units = actor.access().units().clone();
            let changed = Changed { result: "registered", already: true, sequencer: found };
            return actor.nothing_to_do(changed, |changed| {
                let id = changed.sequencer.sequencer;
                let text = text(&units, &changed.sequencer);
                format!("it is registered already, as sequencer {id}; --another registers one more\n\n{text}")
            });
        }
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let Some(event) = performed.event::<IStaking::Registered>() else {
        bail!("transaction {} registered no sequencer", performed.outcome.hash);
    };
    tell(&actor, &performed, event.sequencer, "registered", |units, sequencer| {
        format!(
            "sequencer {} is registered, active from {}",
            sequencer.sequencer,
            moment(units, sequencer.active_from)
        )
    })
    .await
}

/// Tells the outcome of a transaction about a sequencer, with the sequencer's new state.
async fn tell(
    actor: &Actor<'_>,
    performed: &fernet_actions::Performed,
    id: u32,
    result: &'static str,
    human: impl FnOnce(&Units, &SequencerStatus) -> String,
) -> Result<()> {
    let sequencer = staking::sequencer(actor.access(), id).await?;
    let units = actor.access().units().clone();
    let changed = Changed { result, already: false, sequencer };
    actor.finish(performed, changed, |changed| human(&units, &changed.sequencer))
}

async fn exit(args: &OneArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let action = staking::exit(actor.access(), args.sequencer);
    let found = staking::sequencer(actor.access(), args.sequencer).await?;
    let left = |units: &Units, sequencer: &SequencerStatus| {
        let id = sequencer.sequencer;
        match sequencer.withdrawable_from {
            Some(from) => format!(
                "sequencer {id} is exiting; `fernet sequencer withdraw {id}` pays its stake from {} on",
                moment(units, from)
            ),
            None => format!("sequencer {id} has {}", sequencer.status),
        }
    };
    if matches!(found.status, "exiting" | "exited") && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "exiting", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| left(&units, &changed.sequencer));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, args.sequencer, "exiting", left).await
}

async fn withdraw(args: &WithdrawArgs) -> Result<()> {
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let action = staking::withdraw(actor.access(), *id);
    let mut found = staking::sequencer(actor.access(), *id).await?;
    if found.status == "exited" && !actor.is_interrupted(&action)? {
        let changed = Changed { result: "withdrawn", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| {
            let SequencerStatus { sequencer, withdrawer, .. } = &changed.sequencer;
            format!("the stake of sequencer {sequencer} was paid already, to {withdrawer}")
        });
    }
    while args.wait && found.status == "exiting" && !is_due(actor.access().units(), &found) {
        actor.look_again().await?;
        found = staking::sequencer(actor.access(), *id).await?;
    }
    let stake = actor.access().units().tokens(found.stake.0);
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "withdrawn", |_, sequencer| {
        format!("{stake} of sequencer {} were paid to {}", sequencer.sequencer, sequencer.withdrawer)
    })
    .await
}

fn is_due(units: &Units, sequencer: &SequencerStatus) -> bool {
    let is_over = sequencer.withdrawable_from.is_none_or(|from| from.l1_slot <= units.now.get());
    is_over && !sequencer.candidate
}

async fn cancel_entry(args: &OneArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let action = staking::cancel_entry(actor.access(), args.sequencer);
    let found = staking::sequencer(actor.access(), args.sequencer).await?;
    if found.status == "exited" && !actor.is_interrupted(&action)? {
        let changed = Changed { result: "cancelled", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| {
            let SequencerStatus { sequencer, withdrawer, .. } = &changed.sequencer;
            format!("sequencer {sequencer} left already; its stake was paid to {withdrawer}")
        });
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, args.sequencer, "cancelled", |_, sequencer| {
        let SequencerStatus { sequencer, withdrawer, .. } = sequencer;
        format!("sequencer {sequencer} left the entry queue; its stake was paid to {withdrawer}")
    })
    .await
}

async fn top_up(args: &TopUpArgs) -> Result<()> {
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let amount = actor.access().units().parse(&args.amount)?;
    let action = staking::top_up(actor.access(), *id, amount)?;
    staking::sequencer(actor.access(), *id).await?;
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "topped-up", |units, sequencer| {
        format!("sequencer {} has a stake of {}", sequencer.sequencer, units.tokens(sequencer.stake.0))
    })
    .await
}

async fn rotate_attester(args: &RotateAttesterArgs) -> Result<()> {
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let action = staking::rotate_attester(actor.access(), *id, args.attester);
    let found = staking::sequencer(actor.access(), *id).await?;
    let next = found.next_attester.as_ref().map_or(found.attester, |next| next.key);
    if next == args.attester && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "rotated", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| rotated(&units, &changed.sequencer));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "rotated", rotated).await
}

fn rotated(units: &Units, sequencer: &SequencerStatus) -> String {
    let id = sequencer.sequencer;
    match &sequencer.next_attester {
        Some(next) => {
            format!("{} is the attester of sequencer {id} from {} on", next.key, moment(units, next.from))
        }
        None => format!("{} is the attester of sequencer {id}", sequencer.attester),
    }
}

async fn rotate_bls_key(args: &RotateBlsKeyArgs) -> Result<()> {
    let bls_key = args.bls.require().await?;
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let action = staking::rotate_bls_key(actor.access(), *id, actor.account(), &bls_key);
    let found = staking::sequencer(actor.access(), *id).await?;
    let next = found.next_bls_key_hash.as_ref().map_or(found.bls_key_hash, |next| next.key);
    let rotated = |units: &Units, sequencer: &SequencerStatus| {
        let id = sequencer.sequencer;
        match &sequencer.next_bls_key_hash {
            Some(next) => format!(
                "the BLS key with hash {} is that of sequencer {id} from {} on",
                next.key,
                moment(units, next.from)
            ),
            None => {
                format!("the BLS key with hash {} is that of sequencer {id}", sequencer.bls_key_hash)
            }
        }
    };
    if next == bls_key.public_key().hash() && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "rotated", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| rotated(&units, &changed.sequencer));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "rotated", rotated).await
}

async fn set_withdrawer(args: &SetWithdrawerArgs) -> Result<()> {
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let action = staking::set_withdrawer(actor.access(), *id, args.withdrawer);
    let found = staking::sequencer(actor.access(), *id).await?;
    let set = |_: &Units, sequencer: &SequencerStatus| {
        format!("{} is the withdrawer of sequencer {}", sequencer.withdrawer, sequencer.sequencer)
    };
    if found.withdrawer == args.withdrawer && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "set", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| set(&units, &changed.sequencer));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "set", set).await
}

async fn set_fee_recipient(args: &SetFeeRecipientArgs) -> Result<()> {
    let OneArgs { act, sequencer: id } = &args.one;
    let mut actor = Actor::open(act).await?;
    let action = staking::set_fee_recipient(actor.access(), *id, args.account);
    let found = staking::sequencer(actor.access(), *id).await?;
    let set = |_: &Units, sequencer: &SequencerStatus| {
        format!("fees of sequencer {}: {}", sequencer.sequencer, fee_recipient(sequencer.fee_recipient))
    };
    if found.fee_recipient == args.account && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "set", already: true, sequencer: found };
        return actor.nothing_to_do(changed, |changed| set(&units, &changed.sequencer));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    tell(&actor, &performed, *id, "set", set).await
}

/// Pays the signer's rewards out: sequencers and provers earn them alike.
///
/// # Errors
/// When nothing is owed, or the contracts refuse.
pub(crate) async fn claim(args: &ClaimArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let to = args.to.unwrap_or(actor.account());
    let action = rewards::claim(actor.access(), to);
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let Some(event) = performed.event::<IRewards::Claimed>() else {
        bail!("transaction {} claimed nothing", performed.outcome.hash);
    };
    let units = actor.access().units().clone();
    let paid = units.tokens(event.amount);
    let rest = units.tokens(event.stillOwed);
    let claimed = Claimed { result: "claimed", paid: event.amount.to_string(), to };
    actor.finish(&performed, claimed, |claimed| {
        format!("{paid} were paid to {}; {rest} stay owed", claimed.to)
    })
}

fn moment(units: &Units, moment: Moment) -> String {
    units.moment(L1Slot::new(moment.l1_slot))
}

fn fee_recipient(account: u32) -> String {
    if account == 0 { "none, fees are burned".to_owned() } else { format!("L2 account {account}") }
}

fn text(units: &Units, found: &SequencerStatus) -> String {
    let next_attester = found.next_attester.as_ref();
    let next_key = found.next_bls_key_hash.as_ref();
    Fields::default()
        .add("sequencer", found.sequencer.to_string())
        .add("status", found.status)
        .add_some("candidate", found.candidate.then(|| "of a slot that isn't settled".to_owned()))
        .add("owner", found.owner.to_string())
        .add("attester", found.attester.to_string())
        .add_some(
            "  next",
            next_attester.map(|next| format!("{} from {}", next.key, moment(units, next.from))),
        )
        .add("withdrawer", found.withdrawer.to_string())
        .add("stake", units.tokens(found.stake.0))
        .add("active from", moment(units, found.active_from))
        .add_some("exit started", found.exit_at.map(|at| moment(units, at)))
        .add_some("withdrawable", found.withdrawable_from.map(|at| moment(units, at)))
        .add("fee recipient", fee_recipient(found.fee_recipient))
        .add("BLS key hash", found.bls_key_hash.to_string())
        .add_some("  next", next_key.map(|next| format!("{} from {}", next.key, moment(units, next.from))))
        .text()
}

fn list(units: &Units, all: &[SequencerStatus]) -> String {
    let rows = all.iter().map(|found| {
        vec![
            found.sequencer.to_string(),
            found.status.to_owned(),
            units.tokens(found.stake.0),
            found.attester.to_string(),
            found.owner.to_string(),
        ]
    });
    table(&["sequencer", "status", "stake", "attester", "owner"], rows)
}
