//! What every command that sends transactions does alike: it tries them out, says what they do and cost,
//! asks, sends, waits, and tells the outcome.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use alloy::primitives::utils::{format_ether, parse_ether};
use alloy_primitives::{Address, B256, U256};
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_actions::{Action, L1Access, Performed, Preview, Progress, SendTerms, Sender, SubmittedBy};
use fernet_l1::{StoreError, TxStore};
use serde::Serialize;

use crate::{
    output,
    report::FormatArgs,
    rollup::{Rollup, RollupArgs},
    signing::SignerArgs,
    tx::{folder_of_commands, store_file},
};

/// What the help of commands that send says after the arguments.
pub(crate) const NOTES: &str = "\
Amounts are in tokens: 20 or 0.5. A transaction is tried out before it is sent, and a contract's refusal is
explained. A command that was interrupted can be run again: it waits for the transaction that it left behind.
The account may send from nowhere else meanwhile. docs/operating has guides.";

/// Arguments of every command that sends transactions.
#[derive(Debug, clap::Args)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    pub(crate) rollup: RollupArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    /// Send without asking
    #[arg(long, short)]
    yes: bool,
    /// Show what it would do and cost, and send nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Most that each transaction may cost in fees, in ether
    #[arg(long, value_name = "ETHER", default_value = "0.05", value_parser = ether)]
    max_fee: U256,
    /// L1 slots in which a transaction must be included; then it is withdrawn
    #[arg(
        long,
        value_name = "L1_SLOTS",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(2..)
    )]
    within: u64,
    /// L1 blocks to wait for, the transaction's own among them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    confirmations: u64,
    /// Folder of the account's transactions [default: fernet in XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR")]
    transactions: Option<PathBuf>,
}

fn ether(text: &str) -> Result<U256, String> {
    let amount = parse_ether(text).ok().filter(|_| !text.starts_with('-'));
    amount.filter(|amount| !amount.is_zero()).ok_or_else(|| "expected a positive number of ether".to_owned())
}

/// A transaction that did what a command was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transaction {
    /// Its hash.
    hash: B256,
    /// L1 block that includes it.
    l1_block: u64,
    /// Fees paid for it, in wei, as a decimal string.
    fee_wei: String,
    /// Whether an earlier command sent it, which was interrupted before it told so.
    earlier: bool,
}

/// What a command would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    /// Always true.
    dry_run: bool,
    /// The account that signs.
    account: Address,
    /// What its transactions would do, in order.
    transactions: Vec<String>,
    /// Gas of them together; null if the node can't tell.
    gas: Option<u64>,
    /// What that costs at present, in wei, as a decimal string; null if the node can't tell.
    fee_wei: Option<String>,
    /// Most that they may cost, in wei, as a decimal string.
    max_fee_wei: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Done {
    /// The transaction was included.
    Performed(Box<Performed>),
    /// It was a dry run.
    Tried,
}

/// An account that acts.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    sender: Sender,
    args: &'a ActArgs,
}

impl<'a> Actor<'a> {
    /// Opens the account's key and its store of transactions.
    ///
    /// # Errors
    /// When L1 can't be read, the key can't be opened, or another process has the store.
    pub(crate) async fn open(args: &'a ActArgs) -> Result<Self> {
        let access = Rollup::access(&args.rollup).await?;
        let signer = args.signer.open().await?;
        let folder = match &args.transactions {
            Some(folder) => folder.clone(),
            None => folder_of_commands()?,
        };
        fs::create_dir_all(&folder).wrap_err_with(|| format!("{}", folder.display()))?;
        let file = store_file(&folder, access.deployment().chain_id(), signer.address());
        let store = TxStore::open(&file).map_err(|error| match error {
            StoreError::InUse { .. } => color_eyre::eyre::eyre!(
                "{error}: another command sends from {} at this moment",
                signer.address()
            ),
            other => other.into(),
        })?;
        let terms =
            SendTerms { max_fee: args.max_fee, window: args.within, confirmations: args.confirmations };
        Ok(Self { sender: Sender::open(access, signer, store, terms).await?, args })
    }

    /// The L1.
    pub(crate) fn access(&self) -> &L1Access {
        self.sender.access()
    }

    /// The account.
    pub(crate) fn account(&self) -> Address {
        self.sender.account()
    }

    /// Whether an equal action of an interrupted command is still to be told.
    pub(crate) fn is_interrupted(&self, action: &Action) -> Result<bool> {
        Ok(self.sender.interrupted(action)?.is_some())
    }

    /// Does something, after the user agreed. [`Self::finish`] must tell what came of it.
    ///
    /// # Errors
    /// When the contracts refuse it, the user does, or it isn't included in time.
    pub(crate) async fn perform(&mut self, action: &Action) -> Result<Done> {
        if self.is_interrupted(action)? {
            output::message(&format!(
                "an earlier command sent this and was interrupted: {}",
                action.description
            ));
        } else {
            let preview = self.sender.preview(action).await?;
            if self.args.dry_run {
                let shown =
                    |_: &Plan| format!("{}\nnothing was sent", plan_text(self.account(), action, &preview));
                self.args.format.write(&plan(self.account(), action, &preview), shown)?;
                return Ok(Done::Tried);
            }
            output::message(&plan_text(self.account(), action, &preview));
            self.agree()?;
        }
        let performed = self.sender.perform(action, &mut |progress| output::message(&say(&progress))).await?;
        Ok(Done::Performed(Box::new(performed)))
    }

    fn agree(&self) -> Result<()> {
        if self.args.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!("nobody can be asked whether to send this, as stdin is no terminal: add --yes");
        }
        let mut stderr = io::stderr();
        write!(stderr, "Send it? [y/N] ").and_then(|()| stderr.flush()).wrap_err("the terminal")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).wrap_err("the terminal")?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        bail!("not sent: the answer was not yes")
    }

    /// Tells what a transaction did, and that its outcome was told.
    ///
    /// # Errors
    /// When stdout or the store can't be written to.
    pub(crate) fn finish<T: Serialize>(
        &self,
        performed: &Performed,
        result: T,
        human: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        let outcome = &performed.outcome;
        let transaction = Transaction {
            hash: outcome.hash,
            l1_block: outcome.block_number,
            fee_wei: outcome.fee().to_string(),
            earlier: performed.submitted_by == SubmittedBy::EarlierProcess,
        };
        let fee = format_ether(outcome.fee());
        self.args.format.write(&Report { result, transaction: Some(transaction) }, |report| {
            let hash = report.transaction.as_ref().map(|transaction| transaction.hash).unwrap_or_default();
            format!(
                "{}\ntransaction {hash} in L1 block {}, fee {fee} ether",
                human(&report.result),
                outcome.block_number
            )
        })?;
        Ok(self.sender.set_reported(&performed.key)?)
    }

    /// Tells that nothing needed to be done.
    ///
    /// # Errors
    /// When stdout can't be written to.
    pub(crate) fn nothing_to_do<T: Serialize>(
        &self,
        result: T,
        human: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        self.args.format.write(&Report { result, transaction: None }, |report| human(&report.result))
    }

    /// Waits for the next look at L1.
    pub(crate) async fn look_again(&mut self) -> Result<()> {
        Ok(self.sender.look_again().await?)
    }
}

/// The result of a command, with its transaction if there was one.
#[derive(Debug, Serialize)]
struct Report<T> {
    #[serde(flatten)]
    result: T,
    transaction: Option<Transaction>,
}

fn plan(account: Address, action: &Action, preview: &Preview) -> Plan {
    let transactions = preview.approvals.iter().chain([action]);
    Plan {
        dry_run: true,
        account,
        transactions: transactions.map(|action| action.description.clone()).collect(),
        gas: preview.gas,
        fee_wei: preview.fee.map(|fee| fee.to_string()),
        max_fee_wei: preview.max_fee.to_string(),
    }
}

fn plan_text(account: Address, action: &Action, preview: &Preview) -> String {
    let mut lines = vec![format!("{account} will")];
    lines.extend(preview.approvals.iter().map(|approval| format!("  {}", approval.description)));
    lines.push(format!("  {}", action.description));
    let at_most = format_ether(preview.max_fee);
    lines.push(match preview.fee {
        Some(fee) => format!("fees about {} ether, at most {at_most}", short_ether(fee)),
        None => format!("fees at most {at_most} ether"),
    });
    lines.join("\n")
}

/// Ether with at most seven digits after the point, rounded up.
fn short_ether(wei: U256) -> String {
    let step = U256::from(100_000_000_000_u64);
    let text = format_ether(wei.div_ceil(step).saturating_mul(step));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn say(progress: &Progress) -> String {
    match progress {
        Progress::Sent { what, hash } => format!("sent {hash}: {what}"),
        Progress::Waiting { reason } => format!("not sent yet: {reason}"),
        Progress::Withdrawing => "it was not included in time and is withdrawn".to_owned(),
        Progress::Trouble { message } => format!("{message}; trying again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ether_is_a_positive_number() {
        assert_eq!(ether("0.05"), Ok(U256::from(50_000_000_000_000_000_u64)));
        for wrong in ["", "0", "-1", "ten", "1e1", "0.0000000000000000001"] {
            assert!(ether(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fees_are_shown_in_few_digits() {
        assert_eq!(short_ether(U256::ZERO), "0");
        assert_eq!(short_ether(U256::from(1)), "0.0000001");
        assert_eq!(short_ether(U256::from(1_234_567_800_000_000_u64)), "0.0012346");
        assert_eq!(short_ether(U256::from(2_000_000_000_000_000_000_u64)), "2");
    }
}
