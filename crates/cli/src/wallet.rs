//! `fernet wallet`: keys and accounts of users on L2.
//!
//! Deposits, forced exits and claims are L1 transactions. Transfers and withdrawals are operations of L2,
//! which the account's key signs here.

use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use clap::Subcommand;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use fernet_actions::{
    L1Access, Units,
    bridge::{self, KeyCoordinates},
};
use fernet_bindings::IBridge;
use fernet_ledger::{
    Account, AccountIndex, Operation, PublicKey, SecretKey, SignedOperation, Transfer, Withdrawal,
};
use fernet_network::Wire as _;
use fernet_signers::{Cost, KeyFileError, PasswordError, PasswordSource, l2};
use serde::Serialize;

use crate::{
    act::{ActArgs, Actor, Done, NOTES},
    bridge::{Followed, OpenWithdrawal},
    report::{Fields, FormatArgs},
    rollup::RollupArgs,
    runtime,
};

/// Subcommands of `fernet wallet`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the key of an L2 account.
    New(NewArgs),
    /// Show the accounts of a key: balance, nonce, deposits that wait, and withdrawals to claim.
    Status(StatusArgs),
    /// Deposit tokens to the account of a key, and open it if there is none; the signer pays.
    #[command(after_help = NOTES)]
    Deposit(DepositArgs),
    /// Sign a transfer to another L2 account.
    Transfer(TransferArgs),
    /// Sign a withdrawal to an L1 account, which can claim it once its block is final.
    Withdraw(WithdrawArgs),
    /// Force the whole balance of an L2 account out to L1; the signer is its owner.
    #[command(after_help = NOTES)]
    ForceExit(ForceExitArgs),
    /// Claim the withdrawals and forced exits that pay an L1 account; anyone may sign.
    #[command(after_help = NOTES)]
    Claim(ClaimArgs),
}

/// Which L2 key.
#[derive(Debug, clap::Args)]
struct KeyArgs {
    /// Key file of the L2 account, as `fernet wallet new` writes it
    #[arg(long, value_name = "FILE")]
    wallet: PathBuf,
}

/// Which L2 key, and how it is opened.
#[derive(Debug, clap::Args)]
struct SecretArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// File with the password of the key file [default: asked for, if it has one]
    #[arg(long, value_name = "FILE")]
    wallet_password_file: Option<PathBuf>,
}

/// Arguments of `fernet wallet new`.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File with the password that encrypts the key [default: asked for]
    #[arg(long, value_name = "FILE")]
    wallet_password_file: Option<PathBuf>,
    /// Write the key as it is, for development only
    #[arg(long, conflicts_with = "wallet_password_file")]
    plain: bool,
}

/// Arguments of `fernet wallet status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    key: KeyArgs,
}

/// Arguments of `fernet wallet deposit`.
#[derive(Debug, clap::Args)]
pub(crate) struct DepositArgs {
    #[command(flatten)]
    act: ActArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Tokens to deposit
    #[arg(value_name = "TOKENS")]
    amount: String,
    /// L1 account that may force the balance out [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Address>,
}

/// What every operation of L2 has.
#[derive(Debug, clap::Args)]
struct OperationArgs {
    #[command(flatten)]
    rollup: RollupArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    secret: SecretArgs,
    /// Index of the L2 account that pays [default: the key's only one]
    #[arg(long, value_name = "L2_ACCOUNT")]
    from: Option<u32>,
    /// Tokens that the block's sequencer gets
    #[arg(long, value_name = "TOKENS", default_value = "0")]
    fee: String,
    /// Number of operations that the account has signed before [default: as of the last final block]
    #[arg(long, value_name = "N")]
    nonce: Option<u32>,
}

/// Arguments of `fernet wallet transfer`.
#[derive(Debug, clap::Args)]
pub(crate) struct TransferArgs {
    #[command(flatten)]
    operation: OperationArgs,
    /// Tokens to transfer
    #[arg(value_name = "TOKENS")]
    amount: String,
    /// Index of the L2 account that is paid
    #[arg(long, value_name = "L2_ACCOUNT")]
    to: u32,
}

/// Arguments of `fernet wallet withdraw`.
#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    operation: OperationArgs,
    /// Tokens to withdraw
    #[arg(value_name = "TOKENS")]
    amount: String,
    /// L1 account that is paid
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
}

/// Arguments of `fernet wallet force-exit`.
#[derive(Debug, clap::Args)]
pub(crate) struct ForceExitArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Index of the L2 account
    #[arg(value_name = "L2_ACCOUNT", value_parser = clap::value_parser!(u32).range(1..))]
    account: u32,
    /// L1 account that is paid [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// Arguments of `fernet wallet claim`.
#[derive(Debug, clap::Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    act: ActArgs,
    /// L1 account that the withdrawals pay [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// A new key.
#[derive(Debug, Serialize)]
struct NewKey {
    /// Its file.
    file: PathBuf,
    /// First coordinate, 32 bytes in hexadecimal.
    x: String,
    /// Second coordinate.
    y: String,
}

/// An L2 account of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct WalletAccount {
    /// Its index.
    index: u32,
    /// L1 account that may force its balance out.
    owner: Address,
    /// Finalized blocks before it was looked at.
    height: u64,
    /// What it holds, in token units, as a decimal string.
    balance: String,
    /// Operations that it has signed.
    nonce: u32,
    /// Deposits to it that no finalized block has consumed, in token units, as a decimal string.
    queued: String,
    /// Withdrawals and forced exits that the owner can claim, in token units, as a decimal string.
    claimable: String,
}

/// A deposit that L1 has taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deposited {
    result: &'static str,
    /// Index of the L2 account.
    index: u32,
    /// Its position in the queue of deposits.
    number: u64,
    /// Token units, as a decimal string.
    amount: String,
}

/// A signed operation of L2.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    /// transfer or withdrawal.
    kind: &'static str,
    /// L2 account that pays.
    from: u32,
    /// Token units, as a decimal string.
    amount: String,
    /// Token units of the fee, as a decimal string.
    fee: String,
    /// Its nonce.
    nonce: u32,
    /// The operation with its signature, as peers encode it, in hexadecimal.
    operation: String,
}

/// A forced exit that L1 has queued, or a claim that it has paid.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    result: &'static str,
    /// L2 account.
    from: u32,
    /// L1 account that is paid.
    to: Address,
    /// Token units, as a decimal string; none for a forced exit, whose block decides it.
    amount: Option<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// When L1, the blobs or the key can't be read, or the contracts or the rules of L2 refuse.
pub(crate) fn run(command: Command) -> Result<()> {
    runtime::block_on(async {
        match command {
            Command::New(args) => new(&args),
            Command::Status(args) => status(&args).await,
            Command::Deposit(args) => deposit(&args).await,
            Command::Transfer(args) => transfer(&args).await,
            Command::Withdraw(args) => withdraw(&args).await,
            Command::ForceExit(args) => force_exit(&args).await,
            Command::Claim(args) => claim(&args).await,
        }
    })
}

/// Either failure of opening a key file.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl KeyArgs {
    /// The public key, which needs no password.
    fn public_key(&self) -> Result<(PublicKey, KeyCoordinates)> {
        let (_, (x, y)) = l2::inspect(&self.wallet)?;
        let malformed = || eyre!("{}: expected the coordinates of an L2 key", self.wallet.display());
        let x: U256 = x.parse().map_err(|_| malformed())?;
        let y: U256 = y.parse().map_err(|_| malformed())?;
        let key = PublicKey::from_words(x, y).wrap_err_with(|| format!("{}", self.wallet.display()))?;
        Ok((key, KeyCoordinates { x, y }))
    }
}

impl SecretArgs {
    fn open(&self) -> Result<SecretKey> {
        let path = &self.key.wallet;
        let source = password(&self.wallet_password_file);
        let key = l2::read::<OpenError>(path, || Ok(source.read(&path.display().to_string())?))?;
        Ok(key)
    }
}

fn password(file: &Option<PathBuf>) -> PasswordSource {
    file.clone().map_or(PasswordSource::Prompt, PasswordSource::File)
}

fn new(args: &NewArgs) -> Result<()> {
    let key = l2::random()?;
    if args.plain {
        l2::write(&args.out, &key, None)?;
    } else {
        let password = password(&args.wallet_password_file).read_new("L2 key")?;
        l2::write(&args.out, &key, Some((&password, Cost::Standard)))?;
    }
    let (x, y) = l2::coordinates(&key.public_key());
    args.format.write(&NewKey { file: args.out.clone(), x, y }, |key| {
        format!("key file  {}\nx         {}\ny         {}", key.file.display(), key.x, key.y)
    })
}

/// The accounts of a key: those that blocks have made, and those that only a queued deposit has.
fn accounts_of(
    followed: &Followed,
    key: &PublicKey,
    coordinates: KeyCoordinates,
) -> Vec<(u32, Option<Account>)> {
    let ledger = followed.follower.ledger();
    let mut found: Vec<(u32, Option<Account>)> = ledger
        .accounts()
        .filter(|(_, account)| account.key == *key)
        .map(|(index, account)| (index.get(), Some(*account)))
        .collect();
    for record in followed.follower.view().queue(fernet_protocol::Lane::Deposits) {
        if let fernet_protocol::L1Operation::Deposit(deposit) = record.operation
            && (deposit.key_x, deposit.key_y) == (coordinates.x, coordinates.y)
            && found.iter().all(|(index, _)| *index != deposit.index)
        {
            found.push((deposit.index, None));
        }
    }
    found.sort_by_key(|(index, _)| *index);
    found
}

async fn status(args: &StatusArgs) -> Result<()> {
    let (key, coordinates) = args.key.public_key()?;
    let followed = Followed::to_head(&args.rollup).await?;
    let access = access(&followed).await?;
    let units = access.units();
    let mut accounts = Vec::new();
    for (index, account) in accounts_of(&followed, &key, coordinates) {
        let owner = bridge::owner_of(&access, index).await?.unwrap_or_default();
        let open = followed.open(owner).into_iter();
        let claimable = open.filter(|(_, withdrawal)| withdrawal.from.get() == index);
        let claimable = claimable.fold(0u64, |sum, (_, withdrawal)| sum.saturating_add(withdrawal.amount));
        accounts.push(WalletAccount {
            index,
            owner,
            height: followed.follower.ledger().height(),
            balance: units.of_l2(account.map_or(0, |account| account.balance)).to_string(),
            nonce: account.map_or(0, |account| account.nonce),
            queued: units.of_l2(followed.queued(index)).to_string(),
            claimable: units.of_l2(claimable).to_string(),
        });
    }
    if accounts.is_empty() {
        bail!("the key has no L2 account: `fernet wallet deposit` opens one");
    }
    args.format.write_list(&accounts, |accounts| {
        let texts: Vec<String> = accounts.iter().map(|account| account_text(units, account)).collect();
        texts.join("\n\n")
    })
}

async fn access(followed: &Followed) -> Result<L1Access> {
    let rollup = &followed.rollup;
    Ok(L1Access::new(rollup.provider.clone(), rollup.deployment.clone()).await?)
}

fn account_text(units: &Units, account: &WalletAccount) -> String {
    let tokens = |text: &str| units.tokens(text.parse().unwrap_or_default());
    Fields::default()
        .add("L2 account", account.index.to_string())
        .add("owner", account.owner.to_string())
        .add("balance", format!("{} after {} final blocks", tokens(&account.balance), account.height))
        .add("queued", tokens(&account.queued))
        .add("claimable", tokens(&account.claimable))
        .add("nonce", account.nonce.to_string())
        .text()
}

async fn deposit(args: &DepositArgs) -> Result<()> {
    let (_, key) = args.key.public_key()?;
    let mut actor = Actor::open(&args.act).await?;
    let amount = actor.access().units().parse_l2(&args.amount)?;
    let owner = args.owner.unwrap_or(actor.account());
    let action = bridge::deposit(actor.access(), owner, key, amount);
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let Some(event) = performed.event::<IBridge::Deposited>() else {
        bail!("transaction {} deposited nothing", performed.outcome.hash);
    };
    let units = actor.access().units().clone();
    let deposited = Deposited {
        result: "deposited",
        index: event.index,
        number: event.number,
        amount: units.of_l2(event.amount).to_string(),
    };
    actor.finish(&performed, deposited, |deposited| {
        format!(
            "{} are queued for L2 account {}; a block will consume them as number {}",
            units.l2_tokens(event.amount),
            deposited.index,
            deposited.number
        )
    })
}

async fn transfer(args: &TransferArgs) -> Result<()> {
    let to = AccountIndex::new(args.to);
    sign(&args.operation, &args.amount, "transfer", |from, amount, fee, nonce| {
        Transfer { from, to, amount, fee, nonce }.into()
    })
    .await
}

async fn withdraw(args: &WithdrawArgs) -> Result<()> {
    let target = args.to;
    sign(&args.operation, &args.amount, "withdrawal", |from, amount, fee, nonce| {
        Withdrawal { from, target, amount, fee, nonce }.into()
    })
    .await
}

/// Signs an operation, checks it by the rules of L2 against the last final state, and writes it.
async fn sign(
    args: &OperationArgs,
    amount: &str,
    kind: &'static str,
    operation: impl FnOnce(AccountIndex, u64, u32, u32) -> Operation,
) -> Result<()> {
    let (key, coordinates) = args.secret.key.public_key()?;
    let secret = args.secret.open()?;
    let followed = Followed::to_head(&args.rollup).await?;
    let access = access(&followed).await?;
    let units = access.units();
    let amount = units.parse_l2(amount)?;
    let fee = units.parse_l2(&args.fee)?;
    let narrow = u32::try_from(fee).map_err(|_| {
        eyre!("expected a fee of at most {}, got {}", units.l2_tokens(u32::MAX.into()), args.fee)
    })?;
    let (from, account) = payer(args.from, &accounts_of(&followed, &key, coordinates))?;
    let nonce = args.nonce.unwrap_or(account.nonce);
    let operation = operation(AccountIndex::new(from), amount, narrow, nonce);
    let ledger = followed.follower.ledger();
    let signed = operation.sign(ledger.domain(), &secret);
    check(&followed, &signed, account.nonce)?;
    let result = Signed {
        kind,
        from,
        amount: units.of_l2(amount).to_string(),
        fee: units.of_l2(fee).to_string(),
        nonce,
        operation: format!("0x{}", hex::encode(signed.encode())),
    };
    args.format.write(&result, |result| {
        format!(
            "{kind} of {} by L2 account {}, fee {}, nonce {}\n{}",
            units.l2_tokens(amount),
            result.from,
            units.l2_tokens(fee),
            result.nonce,
            result.operation
        )
    })
}

/// The account that pays: the one asked for, or the key's only one.
fn payer(asked: Option<u32>, accounts: &[(u32, Option<Account>)]) -> Result<(u32, Account)> {
    let found = match (asked, accounts) {
        (Some(index), _) => accounts.iter().find(|(other, _)| *other == index),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, many) => {
            let indices: Vec<String> = many.iter().map(|(index, _)| index.to_string()).collect();
            bail!("the key has the L2 accounts {}: name one with --from", indices.join(", "));
        }
    };
    match (found, asked) {
        (Some((index, Some(account))), _) => Ok((*index, *account)),
        (Some((index, None)), _) => bail!("the first deposit to L2 account {index} is still queued"),
        (None, Some(index)) => bail!("L2 account {index} isn't one of the key's"),
        (None, None) => bail!("the key has no L2 account: `fernet wallet deposit` opens one"),
    }
}

/// The rules of L2. An operation that follows others has a later nonce, which is its signer's affair.
fn check(followed: &Followed, signed: &SignedOperation, next: u32) -> Result<()> {
    let ledger = followed.follower.ledger();
    match ledger.state().check(ledger.domain(), signed) {
        Err(fernet_ledger::OperationError::NonceMismatch { actual, .. }) if actual > next => Ok(()),
        result => Ok(result?),
    }
}

async fn force_exit(args: &ForceExitArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let to = args.to.unwrap_or(actor.account());
    let action = bridge::force_exit(actor.access(), args.account, to);
    let Done::Performed(performed) = actor.perform(&action).await? else { return Ok(()) };
    let Some(event) = performed.event::<IBridge::ExitForced>() else {
        bail!("transaction {} forced no exit", performed.outcome.hash);
    };
    let paid = Paid { result: "queued", from: event.index, to, amount: None };
    actor.finish(&performed, paid, |paid| {
        format!(
            "the exit of L2 account {} is queued as number {}; once its block is final, \
             `fernet wallet claim` pays {}",
            paid.from, event.number, paid.to
        )
    })
}

async fn claim(args: &ClaimArgs) -> Result<()> {
    let mut actor = Actor::open(&args.act).await?;
    let to = args.to.unwrap_or(actor.account());
    let followed = Followed::to_head(&args.act.rollup).await?;
    for OpenWithdrawal { withdrawal, proof, .. } in followed.claimable(to).await? {
        let action = bridge::claim(actor.access(), proof, to, withdrawal.amount);
        let Done::Performed(performed) = actor.perform(&action).await? else { continue };
        let units = actor.access().units().clone();
        let amount = units.of_l2(withdrawal.amount);
        let (from, amount_text) = (withdrawal.from.get(), Some(amount.to_string()));
        let paid = Paid { result: "claimed", from, to, amount: amount_text };
        actor.finish(&performed, paid, |paid| {
            format!("{} of L2 account {} were paid to {}", units.tokens(amount), paid.from, paid.to)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payer_is_named_where_there_are_several() {
        let account =
            |balance| Account { key: SecretKey::from_seed(&[1; 32]).public_key(), balance, nonce: 0 };
        let (one, queued) = ((1, Some(account(5))), (2, None));
        assert_eq!(payer(None, &[one]).unwrap().0, 1);
        assert_eq!(payer(Some(1), &[one, queued]).unwrap().1.balance, 5);
        let error = |asked, accounts: &[_]| payer(asked, accounts).unwrap_err().to_string();
        assert_eq!(error(None, &[one, queued]), "the key has the L2 accounts 1, 2: name one with --from");
        assert_eq!(error(Some(2), &[one, queued]), "the first deposit to L2 account 2 is still queued");
        assert_eq!(error(Some(3), &[one]), "L2 account 3 isn't one of the key's");
        assert!(error(None, &[]).contains("has no L2 account"));
    }
}
