//! `fernet bridge …`: L2 accounts as seen from L1, and claims of withdrawals.
//!
//! Both follow the rollup from L1 alone: they execute every finalized block from its blobs.

use alloy_primitives::Address;
use alloy_sol_types::SolCall as _;
use clap::Subcommand;
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_bindings::{IBridge, WithdrawalProof};
use fernet_devnet::claim::withdrawal_proof;
use fernet_follower::{Follower, LedgerStatus};
use fernet_ledger::{AccountIndex, block::PendingWithdrawal};
use fernet_protocol::{Lane, Slot};
use serde::Serialize;

use crate::{
    report::FormatArgs,
    rollup::{Rollup, RollupArgs},
};

/// Subcommands of `fernet bridge`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show an L2 account in the last finalized state.
    Account(AccountArgs),
    /// Write the transactions that claim the open withdrawals and forced exits of an L1 account.
    Claim(ClaimArgs),
}

/// Arguments of `fernet bridge account`.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Index of the account, which script/BridgeDeposit.s.sol printed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    index: u32,
}

/// Arguments of `fernet bridge claim`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Anybody may send the transactions: the Bridge pays the target of the withdrawal. For example:
  tools/cast send TO DATA --private-key KEY --rpc-url URL")]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// L1 account that the withdrawals or forced exits pay
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
}

/// An L2 account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AccountState {
    /// Its index.
    index: u32,
    /// Blocks finalized before it was looked at.
    height: u64,
    /// L2 units that it holds.
    balance: u64,
    /// Operations that it has signed.
    nonce: u32,
    /// L2 units of deposits to it that no finalized block has consumed.
    queued: u64,
}

/// A transaction that claims a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Claim {
    /// Slot of the block that holds the withdrawal.
    slot: u64,
    /// L2 account that it comes from.
    from: u32,
    /// L2 units to be paid.
    amount: u64,
    /// Contract to call: the Bridge.
    to: Address,
    /// Call data, in hexadecimal.
    data: String,
}

/// The rollup, followed to the head of L1.
pub(crate) struct Followed {
    pub(crate) rollup: Rollup,
    pub(crate) follower: Follower,
    withdrawals: Vec<(Slot, PendingWithdrawal)>,
}

/// A withdrawal or a forced exit that is final and not claimed.
#[derive(Debug)]
pub(crate) struct OpenWithdrawal {
    pub(crate) slot: Slot,
    pub(crate) withdrawal: PendingWithdrawal,
    /// What the Bridge takes for it.
    pub(crate) proof: WithdrawalProof,
}

/// Runs the subcommand.
///
/// # Errors
/// When L1 or the blobs can't be read, or there is no such account or withdrawal.
pub(crate) fn run(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Account(args) => account(&args).await,
            Command::Claim(args) => claim(&args).await,
        }
    })
}

impl Followed {
    /// Follows to the head of L1.
    ///
    /// # Errors
    /// When L1 or the blobs can't be read, or a block can't be executed.
    pub(crate) async fn to_head(args: &RollupArgs) -> Result<Self> {
        let rollup = Rollup::find(args).await?;
        let follower = Follower::new(rollup.provider.clone(), &rollup.deployment, rollup.beacon())?;
        let mut follower = follower.keeping_replayed();
        let mut withdrawals = Vec::new();
        while follower.has_more() {
            follower.poll().await?;
            for replayed in follower.take_replayed() {
                withdrawals.extend(replayed.block.withdrawals().into_iter().map(|w| (replayed.slot, w)));
            }
        }
        match follower.ledger_status() {
            LedgerStatus::AtTip => Ok(Self { rollup, follower, withdrawals }),
            LedgerStatus::Behind { height, tip, failure: Some(failure) } => Err(failure)
                .wrap_err_with(|| format!("block {} of {tip} can't be executed", height.saturating_add(1))),
            LedgerStatus::Behind { height, tip, failure: None } => {
                bail!("only {height} of {tip} finalized blocks could be executed")
            }
        }
    }

    /// L2 units of deposits to an account that no finalized block has consumed.
    pub(crate) fn queued(&self, index: u32) -> u64 {
        let view = self.follower.view();
        let consumed = usize::try_from(view.tip().deposits_end).unwrap_or(usize::MAX);
        let queued = view.queue(Lane::Deposits).iter().skip(consumed).map(|record| match record.operation {
            fernet_protocol::L1Operation::Deposit(deposit) if deposit.index == index => deposit.amount,
            _ => 0,
        });
        queued.fold(0u64, u64::saturating_add)
    }

    /// The open withdrawals and forced exits that pay `to`, without their proofs.
    pub(crate) fn open(&self, to: Address) -> Vec<(Slot, PendingWithdrawal)> {
        let view = self.follower.view();
        let is_claimed = |slot: Slot, withdrawal: &PendingWithdrawal| {
            view.claims().iter().any(|claim| {
                claim.slot == slot
                    && usize::try_from(claim.blob) == Ok(withdrawal.position.blob)
                    && usize::try_from(claim.element) == Ok(withdrawal.element)
            })
        };
        let open = self.withdrawals.iter().filter(|(slot, withdrawal)| {
            // A reorg may have taken the block away since it was executed.
            withdrawal.target == to && !is_claimed(*slot, withdrawal) && view.finalized(*slot).is_some()
        });
        open.cloned().collect()
    }

    /// The open withdrawals and forced exits that pay `to`, with their proofs.
    ///
    /// # Errors
    /// When there is none, or a blob can't be read.
    pub(crate) async fn claimable(&self, to: Address) -> Result<Vec<OpenWithdrawal>> {
        let mut found = Vec::new();
        for (slot, withdrawal) in self.open(to) {
            let Some(block) = self.follower.view().finalized(slot) else { continue };
            let proof = withdrawal_proof(&self.rollup.blobs, block, &withdrawal).await?;
            found.push(OpenWithdrawal { slot, withdrawal, proof });
        }
        if found.is_empty() {
            bail!("no finalized block has an open withdrawal or forced exit that pays {to}");
        }
        Ok(found)
    }
}

async fn account(args: &AccountArgs) -> Result<()> {
    let followed = Followed::to_head(&args.rollup).await?;
    let queued = followed.queued(args.index);
    let ledger = followed.follower.ledger();
    let found = ledger.accounts().find(|(index, _)| **index == AccountIndex::new(args.index));
    if found.is_none() && queued == 0 {
        bail!("L2 account {} doesn't exist: nothing was deposited to it", args.index);
    }
    let state = AccountState {
        index: args.index,
        height: ledger.height(),
        balance: found.map(|(_, account)| account.balance).unwrap_or_default(),
        nonce: found.map(|(_, account)| account.nonce).unwrap_or_default(),
        queued,
    };
    args.format.write(&state, account_text)
}

fn account_text(state: &AccountState) -> String {
    format!(
        "L2 account  {}\nbalance     {} L2 units after {} finalized blocks\n\
         queued      {} L2 units of deposits\nnonce       {}",
        state.index, state.balance, state.height, state.queued, state.nonce
    )
}

async fn claim(args: &ClaimArgs) -> Result<()> {
    let followed = Followed::to_head(&args.rollup).await?;
    for OpenWithdrawal { slot, withdrawal, proof } in followed.claimable(args.to).await? {
        let claim = Claim {
            slot: slot.get(),
            from: withdrawal.from.get(),
            amount: withdrawal.amount,
            to: followed.rollup.deployment.contracts().bridge,
            data: format!("0x{}", hex::encode(IBridge::claimCall { proof }.abi_encode())),
        };
        args.format.write(&claim, claim_text)?;
    }
    Ok(())
}

fn claim_text(claim: &Claim) -> String {
    format!(
        "withdrawal of {} L2 units from L2 account {}, in the block of slot {}\nto    {}\ndata  {}",
        claim.amount, claim.from, claim.slot, claim.to, claim.data
    )
}
