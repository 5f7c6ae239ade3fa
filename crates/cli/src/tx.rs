//! `fernet tx`: the L1 transactions of a role or of earlier commands, from their store.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use alloy::primitives::utils::format_ether;
use alloy_primitives::{Address, B256, U256};
use clap::Subcommand;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use fernet_bindings::{
    IBridge::IBridgeCalls, IERC20::IERC20Calls, IEscrow::IEscrowCalls, IRewards::IRewardsCalls,
    IRollup::IRollupCalls, IStaking::IStakingCalls,
};
use fernet_l1::{IntentKey, PendingStage, Purpose, StoreError, StoredIntent, TxOutcome, TxStatus, TxStore};
use serde::Serialize;

use crate::{
    output,
    report::{Fields, FormatArgs, table},
};

/// What the name of a store of transactions ends with.
const STORE_SUFFIX: &str = ".transactions.redb";

/// Subcommands of `fernet tx`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the transactions of the stores in a folder, oldest first.
    List(ListArgs),
    /// Show one of them.
    Show(ShowArgs),
    /// Withdraw one that isn't included: it isn't sent any more, or a no-op takes its nonce.
    #[command(after_help = "\
The store may be in use by nobody meanwhile. Whoever opens it next, a role or a command that sends from the
same account, replaces a transaction that was sent by a no-op.")]
    Cancel(CancelArgs),
}

/// Where the stores are.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// Folder with stores of transactions: the storage of a role [default: that of commands]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Arguments of `fernet tx list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Only those that aren't over
    #[arg(long)]
    pending: bool,
}

/// Arguments of `fernet tx show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Its name, as the list has it
    name: String,
}

/// Arguments of `fernet tx cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Its name, as the list has it
    name: String,
}

/// A transaction as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// The store's name, without its ending.
    store: String,
    /// Its name.
    name: String,
    /// waiting, sent, withdrawing, included, failed or expired.
    status: &'static str,
    /// Why it waits or failed.
    reason: Option<String>,
    /// Contract called.
    to: Address,
    /// Function called.
    function: Option<&'static str>,
    /// Sender.
    account: Option<Address>,
    /// Blobs that it carries.
    blobs: usize,
    /// First L1 slot in which it may be included.
    not_before: u64,
    /// First L1 slot in which it is too late.
    expires_at: u64,
    /// Most that it may pay in fees, in wei, as a decimal string.
    max_fee_wei: String,
    /// What it paid, in wei, as a decimal string.
    fee_wei: Option<String>,
    /// L1 block that included it.
    l1_block: Option<u64>,
    /// Transactions sent for it, oldest first.
    transactions: Vec<ShownTransaction>,
}

/// A transaction that was sent for an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownTransaction {
    /// Its hash.
    hash: B256,
    /// intended or no-op.
    purpose: &'static str,
    /// Most that it pays for gas, in wei, as a decimal string.
    max_fee_per_gas: String,
    /// Number of the L1 block at which it was signed.
    signed_at: u64,
}

/// The folder of the stores of commands, such as `fernet sequencer register`.
///
/// # Errors
/// When the user has no home.
pub(crate) fn folder_of_commands() -> Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state
        .ok_or_else(|| eyre!("neither XDG_STATE_HOME nor HOME is set: name a folder for transactions"))?;
    Ok(state.join("fernet"))
}

/// The file of an account's transactions in a folder.
pub(crate) fn store_file(folder: &Path, chain_id: u64, account: Address) -> PathBuf {
    folder.join(format!("{chain_id}-{account:#x}{STORE_SUFFIX}"))
}

/// Runs the subcommand.
///
/// # Errors
/// When a store can't be read, or has no such transaction.
pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::List(args) => list(args),
        Command::Show(args) => {
            let (_, shown) = args.store.find(&args.name)?;
            args.format.write(&shown, text)
        }
        Command::Cancel(args) => cancel(args),
    }
}

impl StoreArgs {
    /// The stores' files with their names, by name.
    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => folder_of_commands()?,
        };
        let entries = fs::read_dir(&folder).wrap_err_with(|| format!("{}", folder.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.wrap_err_with(|| format!("{}", folder.display()))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(name) = name.strip_suffix(STORE_SUFFIX) {
                files.push((name.to_owned(), path));
            }
        }
        if files.is_empty() {
            bail!(
                "{} has no *{STORE_SUFFIX}, where a role or a command keeps its transactions",
                folder.display()
            );
        }
        files.sort();
        Ok(files)
    }

    /// The one transaction of that name.
    fn find(&self, name: &str) -> Result<(PathBuf, Shown)> {
        let mut found = Vec::new();
        for (store, path) in self.files()? {
            let intents = open(&path)?.intents()?.into_iter();
            let matching = intents.filter(|intent| intent.key.as_str() == name);
            found.extend(matching.map(|intent| (path.clone(), shown(&store, &intent))));
        }
        match found.len() {
            0 => bail!("no transaction named {name}: `fernet tx list` has their names"),
            1 => found.pop().ok_or_else(|| eyre!("no transaction named {name}")),
            count => bail!("{count} stores have a transaction named {name}: name the folder of one"),
        }
    }
}

fn open(path: &Path) -> Result<TxStore> {
    TxStore::open_existing(path).map_err(|error| match error {
        StoreError::InUse { .. } => eyre!(
            "{error}: ask that process, whose log and metrics tell of its transactions, or stop it first"
        ),
        other => other.into(),
    })
}

fn list(args: &ListArgs) -> Result<()> {
    let mut all = Vec::new();
    for (store, path) in args.store.files()? {
        let intents = open(&path)?.intents()?;
        all.extend(intents.iter().map(|intent| shown(&store, intent)));
    }
    if args.pending {
        all.retain(|shown| matches!(shown.status, "waiting" | "sent" | "withdrawing"));
    }
    args.format.write_list(&all, |all| {
        if all.is_empty() {
            return "no transactions".to_owned();
        }
        let rows = all.iter().map(|shown| {
            let hash = shown.transactions.last().map(|last| last.hash.to_string());
            vec![
                shown.store.clone(),
                shown.name.clone(),
                shown.function.unwrap_or("-").to_owned(),
                shown.status.to_owned(),
                shown.l1_block.map(|block| block.to_string()).unwrap_or_default(),
                hash.unwrap_or_default(),
            ]
        });
        table(&["store", "name", "function", "status", "L1 block", "transaction"], rows)
    })
}

fn cancel(args: &CancelArgs) -> Result<()> {
    let (path, before) = args.store.find(&args.name)?;
    let is_over = matches!(before.status, "included" | "failed" | "expired");
    let store = open(&path)?;
    store.withdraw(&IntentKey::new(args.name.clone())?)?;
    let intents = store.intents()?;
    let after = intents.iter().find(|intent| intent.key.as_str() == args.name);
    let after = after.map(|intent| shown(&before.store, intent)).ok_or_else(|| eyre!("it is gone"))?;
    if is_over {
        output::message(&format!("it is {} already: nothing to cancel", before.status));
    } else if after.status == "withdrawing" {
        output::message("a no-op takes its nonce when a role or a command of its account runs next");
    }
    args.format.write(&after, text)
}

fn shown(store: &str, intent: &StoredIntent) -> Shown {
    let (status, reason, outcome) = status(&intent.status);
    Shown {
        store: store.to_owned(),
        name: intent.key.as_str().to_owned(),
        status,
        reason,
        to: intent.to,
        function: intent.calldata.first_chunk::<4>().and_then(|selector| function(*selector)),
        account: intent.account,
        blobs: intent.blob_hashes.len(),
        not_before: intent.not_before.get(),
        expires_at: intent.expires_at.get(),
        max_fee_wei: intent.max_total_fee.to_string(),
        fee_wei: outcome.map(|outcome| outcome.fee().to_string()),
        l1_block: outcome.map(|outcome| outcome.block_number),
        transactions: intent
            .transactions
            .iter()
            .map(|transaction| ShownTransaction {
                hash: transaction.hash,
                purpose: match transaction.purpose {
                    Purpose::Intended => "intended",
                    Purpose::NoOp => "no-op",
                },
                max_fee_per_gas: transaction.fees.max_fee.to_string(),
                signed_at: transaction.signed_at,
            })
            .collect(),
    }
}

fn status(status: &TxStatus) -> (&'static str, Option<String>, Option<&TxOutcome>) {
    match status {
        TxStatus::Pending(PendingStage::Waiting(reason)) => ("waiting", Some(reason.to_string()), None),
        TxStatus::Pending(PendingStage::Sent { .. }) => ("sent", None, None),
        TxStatus::Pending(PendingStage::Cancelling { .. }) => ("withdrawing", None, None),
        TxStatus::Mined(outcome) => ("included", None, Some(outcome)),
        TxStatus::Failed { reason, outcome } => ("failed", Some(reason.to_string()), outcome.as_ref()),
        TxStatus::Expired { cancelled_by } => ("expired", None, cancelled_by.as_ref()),
    }
}

/// The name of a function of the contracts.
fn function(selector: [u8; 4]) -> Option<&'static str> {
    IStakingCalls::name_by_selector(selector)
        .or_else(|| IEscrowCalls::name_by_selector(selector))
        .or_else(|| IBridgeCalls::name_by_selector(selector))
        .or_else(|| IRewardsCalls::name_by_selector(selector))
        .or_else(|| IRollupCalls::name_by_selector(selector))
        .or_else(|| IERC20Calls::name_by_selector(selector))
}

fn text(shown: &Shown) -> String {
    let wei = |text: &str| format!("{} ether", format_ether(text.parse::<U256>().unwrap_or_default()));
    let fields = Fields::default()
        .add("name", shown.name.clone())
        .add("store", shown.store.clone())
        .add("status", shown.status)
        .add_some("reason", shown.reason.clone())
        .add("to", shown.to.to_string())
        .add_some("function", shown.function.map(str::to_owned))
        .add_some("from", shown.account.map(|account| account.to_string()))
        .add_some("blobs", (shown.blobs > 0).then(|| shown.blobs.to_string()))
        .add("window", format!("L1 slots {} to {}", shown.not_before, shown.expires_at.saturating_sub(1)))
        .add("most fees", wei(&shown.max_fee_wei))
        .add_some("fees paid", shown.fee_wei.as_deref().map(wei))
        .add_some("L1 block", shown.l1_block.map(|block| block.to_string()));
    let transactions = shown.transactions.iter().map(|sent| format!("\n{}  {}", sent.hash, sent.purpose));
    format!("{}{}", fields.text(), transactions.collect::<String>())
}
