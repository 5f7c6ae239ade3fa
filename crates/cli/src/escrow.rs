//! `fernet prover deposit|withdraw|status|set-signer`: a prover's escrow.

use alloy::primitives::utils::format_ether;
use alloy_primitives::{Address, U256};
use color_eyre::eyre::{Result, bail};
use fernet_actions::{
    Moment, Units,
    escrow::{self, EscrowStatus},
};
use fernet_bindings::IEscrow;
use fernet_protocol::L1Slot;
use serde::Serialize;

use crate::{
    act::{ActArgs, Actor, Done},
    report::{Fields, FormatArgs},
    rollup::{Rollup, RollupArgs},
};

/// What stands for everything that is free.
const ALL: &str = "all";

/// Arguments of `fernet prover status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// The prover
    #[arg(value_name = "ADDRESS")]
    account: Address,
}

/// Arguments of `fernet prover deposit`.
#[derive(Debug, clap::Args)]
pub(crate) struct DepositArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Tokens to deposit
    #[arg(value_name = "TOKENS")]
    amount: String,
    /// Prover whose escrow they go to [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
}

/// Arguments of `fernet prover withdraw`.
#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Tokens to request back, or all that is free; not needed once they are requested
    #[arg(value_name = "TOKENS|all")]
    amount: Option<String>,
    /// Account that is paid [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// Request more although something is requested, which starts its delay again
    #[arg(long, requires = "amount")]
    more: bool,
    /// Wait until what is requested can be withdrawn, and withdraw it
    #[arg(long)]
    wait: bool,
}

/// Arguments of `fernet prover set-signer`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct SetSignerArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Address of the key
    #[arg(value_name = "ADDRESS", group = "whose")]
    key: Option<Address>,
    /// Let no other key sign
    #[arg(long, group = "whose")]
    none: bool,
}

/// What a command did to an escrow.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    /// What was done: deposited, requested, withdrawn or set.
    result: &'static str,
    /// Whether it was so before the command.
    already: bool,
    /// Token units that moved, as a decimal string.
    amount: String,
    #[serde(flatten)]
    escrow: EscrowStatus,
}

/// Runs `fernet prover status`.
pub(crate) async fn status(args: &StatusArgs) -> Result<()> {
    let access = Rollup::access(&args.rollup).await?;
    let found = escrow::status(&access, args.account).await?;
    args.format.write(&found, |found| text(access.units(), found))
}

/// Runs `fernet prover deposit`.
pub(crate) async fn deposit(args: &DepositArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let amount = actor.access().units().parse(&args.amount)?;
    let account = args.account.unwrap_or(actor.account());
    let action = escrow::deposit(actor.access(), account, amount)?;
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let changed = changed(&actor, "deposited", amount, account).await?;
    let units = actor.access().units().clone();
    actor.finish(&performed, changed, |changed| {
        let free = units.tokens(changed.escrow.free.0);
        format!(
            "{} were deposited; {account} has {free} free, enough for {} bonds",
            units.tokens(amount),
            changed.escrow.affordable_bonds
        )
    })
}

async fn changed(actor: &Actor<'_>, result: &'static str, amount: U256, account: Address) -> Result<Changed> {
    let escrow = escrow::status(actor.access(), account).await?;
    Ok(Changed { result, already: false, amount: amount.to_string(), escrow })
}

/// Runs `fernet prover withdraw`: requests tokens back, or withdraws what was requested when its time has
/// come.
pub(crate) async fn withdraw(args: &WithdrawArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let account = actor.account();
    let mut found = escrow::status(actor.access(), account).await?;
    let units = actor.access().units().clone();
    let wanted = match args.amount.as_deref() {
        None => None,
        Some(ALL) => Some(found.free.0),
        Some(text) => Some(units.parse(text)?),
    };
    let request = match wanted {
        Some(wanted) => Some(escrow::request_withdrawal(actor.access(), wanted)?),
        None => None,
    };
    let is_left_behind = match &request {
        Some(request) => actor.is_interrupted(request)?,
        None => false,
    };
    let is_requested = !found.requested.0.is_zero();
    if let Some(request) = request.filter(|_| is_left_behind || !is_requested || args.more) {
        let Done::Performed(performed) = actor.perform(&request).await? else { return Ok(()) };
        let Some(event) = performed.event::<IEscrow::WithdrawalRequested>() else {
            bail!("transaction {} requested nothing", performed.outcome.hash);
        };
        let changed = changed(&actor, "requested", U256::from(event.amount), account).await?;
        found = changed.escrow.clone();
        let units = actor.access().units().clone();
        actor.finish(&performed, changed, |_| {
            format!(
                "{} were requested back; the same command withdraws them from {} on",
                units.tokens(U256::from(event.amount)),
                units.moment(L1Slot::new(event.withdrawableFrom))
            )
        })?;
        if !args.wait {
            return Ok(());
        }
    }
    while args.wait && !found.requested.0.is_zero() && !found.withdrawable {
        actor.look_again().await?;
        found = escrow::status(actor.access(), account).await?;
    }
    let (requested, to) = (found.requested.0, args.to.unwrap_or(account));
    let action = escrow::withdraw(actor.access(), requested, to);
    if requested.is_zero() && !actor.is_interrupted(&action)? {
        bail!("nothing is requested back by {account}: say how many tokens, or all");
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let Some(event) = performed.event::<IEscrow::Withdrawn>() else {
        bail!("transaction {} withdrew nothing", performed.outcome.hash);
    };
    let amount = U256::from(event.amount);
    let changed = changed(&actor, "withdrawn", amount, account).await?;
    actor.finish(&performed, changed, |_| format!("{} were paid to {to}", units.tokens(amount)))
}

/// Runs `fernet prover set-signer`.
pub(crate) async fn set_signer(args: &SetSignerArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let (account, key) = (actor.account(), args.key);
    let action = escrow::set_signer(actor.access(), key);
    let found = escrow::status(actor.access(), account).await?;
    let next = found.pending_signer.as_ref().map_or(found.signer, |pending| pending.signer);
    if next == key && !actor.is_interrupted(&action)? {
        let units = actor.access().units().clone();
        let changed = Changed { result: "set", already: true, amount: "0".to_owned(), escrow: found };
        return actor.nothing_to_do(changed, |changed| signer_text(&units, &changed.escrow));
    }
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let changed = changed(&actor, "set", U256::ZERO, account).await?;
    let units = actor.access().units().clone();
    actor.finish(&performed, changed, |changed| signer_text(&units, &changed.escrow))
}

fn key_text(key: Option<Address>) -> String {
    key.map_or_else(|| "no other key".to_owned(), |key| key.to_string())
}

fn signer_text(units: &Units, found: &EscrowStatus) -> String {
    let account = found.account;
    match &found.pending_signer {
        Some(pending) => format!(
            "{} signs quotes of {account} from {} on; until then {}",
            key_text(pending.signer),
            moment(units, pending.from),
            key_text(found.signer)
        ),
        None => format!("{} signs quotes of {account} beside its own", key_text(found.signer)),
    }
}

fn moment(units: &Units, moment: Moment) -> String {
    units.moment(L1Slot::new(moment.l1_slot))
}

fn text(units: &Units, found: &EscrowStatus) -> String {
    let bonds = format!(
        "{} ({} bonds of {})",
        units.tokens(found.free.0),
        found.affordable_bonds,
        units.tokens(found.least_bond.0)
    );
    let pending = found.pending_signer.as_ref();
    Fields::default()
        .add("prover", found.account.to_string())
        .add("free", bonds)
        .add("locked", units.tokens(found.locked.0))
        .add("requested", units.tokens(found.requested.0))
        .add_some("  withdrawable", found.withdrawable_from.map(|from| moment(units, from)))
        .add("quotes signed by", key_text(found.signer))
        .add_some(
            "  next",
            pending.map(|next| format!("{} from {}", key_text(next.signer), moment(units, next.from))),
        )
        .add("rewards", units.tokens(found.rewards.0))
        .add("own tokens", units.tokens(found.tokens.0))
        .add("own ether", format_ether(found.wei.0))
        .text()
}
