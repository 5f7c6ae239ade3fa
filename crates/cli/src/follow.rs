//! `fernet follow`: follows the rollup from L1, with its state in a folder.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::providers::Provider as _;
use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use fernet_follower::{Follower, FollowerStore, LedgerStatus, Progress, Snapshot};
use fernet_l1::{ArchivedBlobs, BlobArchive, BlobSource};
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    format::number,
    output,
    progress::Bar,
    rollup::{Rollup, RollupArgs},
    signals,
};

/// How often L1 is asked for a new block once the head is reached.
const PAUSE: Duration = Duration::from_secs(2);
/// How often the bar's end, the head of L1, is looked up.
const HEAD_EVERY: Duration = Duration::from_secs(5);
/// The state's file in the folder.
const STATE: &str = "follower.redb";
/// The archive in the folder.
const ARCHIVE: &str = "blobs";

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    Human,
    /// One JSON object a line.
    Json,
}

/// Arguments of `fernet follow`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The folder may be used again: the command goes on where it was, whatever ended it. docs/state.md has more.")]
pub(crate) struct Args {
    #[command(flatten)]
    rollup: RollupArgs,
    /// Folder of the state and of the blob archive; made if it isn't there
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Blob archive of somebody else, which is asked before the blob endpoint; may be repeated
    #[arg(long, value_name = "DIR")]
    files: Vec<PathBuf>,
    /// Snapshot to start from, if the folder has no state yet
    #[arg(long, value_name = "DIR")]
    snapshot: Option<PathBuf>,
    /// End at the head of L1 instead of waiting for new blocks
    #[arg(long)]
    once: bool,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Where the follower is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    /// Newest L1 block.
    l1_block: u64,
    /// Finalized blocks of the rollup.
    tip: u64,
    /// Executed ones.
    height: u64,
    /// Root of the L2 state after them.
    state_root: alloy_primitives::B256,
    /// Accounts in that state.
    accounts: usize,
    /// Milliseconds from the start of the command until now.
    milliseconds: u64,
}

/// Runs the subcommand.
///
/// # Errors
/// When the folder can't be used, or the rollup can't be followed.
pub(crate) fn run(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            result = follow(&args) => result,
            signal = signals::first()? => {
                output::message(&format!("stopped by {signal}; the folder has everything so far"));
                Ok(())
            }
        }
    })
}

async fn follow(args: &Args) -> Result<()> {
    let started = Instant::now();
    let mut follower = open(args).await?;
    let mut shown = None;
    loop {
        catch_up(args, &mut follower).await?;
        let position = position(&follower, started);
        // A line for each change of the rollup, and the first one in any case.
        let state = (position.tip, position.height, position.state_root);
        if shown != Some(state) {
            shown = Some(state);
            output::line(&match args.format {
                Format::Human => text(&position),
                Format::Json => serde_json::to_string(&position)?,
            })?;
        }
        if args.once {
            return finish(&mut follower);
        }
        sleep(PAUSE).await;
    }
}

async fn open(args: &Args) -> Result<Follower> {
    std::fs::create_dir_all(&args.folder).wrap_err_with(|| format!("{}", args.folder.display()))?;
    let store = FollowerStore::open(&args.folder.join(STATE))?;
    let rollup = Rollup::find(&args.rollup).await?;
    let archive = BlobArchive::create(&args.folder.join(ARCHIVE))
        .wrap_err_with(|| format!("{}", args.folder.join(ARCHIVE).display()))?;
    let mut sources: Vec<Arc<dyn BlobSource>> = Vec::new();
    for folder in &args.files {
        let files = BlobArchive::open(folder).wrap_err_with(|| format!("{}", folder.display()))?;
        sources.push(Arc::new(files));
    }
    sources.push(rollup.beacon());
    let blobs = Arc::new(ArchivedBlobs::new(archive, sources));
    let follower = Follower::open(rollup.provider.clone(), &rollup.deployment, blobs, store)?;
    match &args.snapshot {
        None => Ok(follower),
        Some(_) if follower.progress().height > 0 => {
            output::message("the folder has a state already: the snapshot is not needed");
            Ok(follower)
        }
        Some(folder) => {
            let folder = folder.clone();
            // It takes all processors for seconds.
            let snapshot = tokio::task::spawn_blocking(move || Snapshot::read(&folder)).await??;
            Ok(follower.with_snapshot(snapshot)?)
        }
    }
}

/// Follows to the head of L1, with a bar if it takes a while.
async fn catch_up(args: &Args, follower: &mut Follower) -> Result<()> {
    let mut bar: Option<(Bar, Progress, u64, Instant)> = None;
    let result = loop {
        match follower.poll().await {
            Ok(_) if !follower.has_more() => break Ok(()),
            Ok(_) => {}
            // Whoever waits for the head of L1 wants it, or the reason why not.
            Err(error) if error.is_retryable() && !args.once => {
                output::message(&format!("{error}; trying again"));
                sleep(PAUSE).await;
            }
            Err(error) => break Err(error.into()),
        }
        let now = follower.progress();
        let is_old = bar.as_ref().is_none_or(|(.., looked)| looked.elapsed() > HEAD_EVERY);
        if is_old {
            let head = follower.provider().get_block_number().await.unwrap_or(now.l1_block);
            bar = Some(match bar {
                None => (Bar::new("syncing"), now, head, Instant::now()),
                Some((bar, from, ..)) => (bar, from, head, Instant::now()),
            });
        }
        if let Some((bar, from, head, _)) = &bar {
            bar.set(fraction(*from, now, *head), &bar_text(now, *head));
        }
    };
    if let Some((bar, ..)) = bar {
        bar.finish();
    }
    result
}

/// The part of the work that is done: L1 blocks and blocks to execute count half each.
fn fraction(from: Progress, now: Progress, head: u64) -> f64 {
    let part = |from: u64, now: u64, end: u64| {
        let whole = end.saturating_sub(from);
        if whole == 0 { 1.0 } else { now.saturating_sub(from) as f64 / whole as f64 }
    };
    (part(from.l1_block, now.l1_block, head) + part(from.height, now.height, now.tip)) / 2.0
}

fn bar_text(now: Progress, head: u64) -> String {
    format!(
        "L1 block {} of {}, {} of {} blocks executed",
        number(now.l1_block),
        number(head),
        number(now.height),
        number(now.tip)
    )
}

fn position(follower: &Follower, started: Instant) -> Position {
    let Progress { l1_block, tip, height } = follower.progress();
    Position {
        l1_block,
        tip,
        height,
        state_root: follower.state_root(),
        accounts: follower.ledger().account_count(),
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn text(position: &Position) -> String {
    let Position { l1_block, tip, height, state_root, accounts, milliseconds } = position;
    format!(
        "L1 block {}  {} of {} blocks executed  {} accounts  root {state_root}  {:.1} s",
        number(*l1_block),
        number(*height),
        number(*tip),
        number(*accounts as u64),
        *milliseconds as f64 / 1_000.0
    )
}

/// At the head: whether everything could be executed.
fn finish(follower: &mut Follower) -> Result<()> {
    if follower.awaits_snapshot() {
        bail!("the snapshot's block is not final on L1 yet: expected a later head or an older snapshot");
    }
    match follower.ledger_status() {
        LedgerStatus::AtTip => Ok(()),
        LedgerStatus::Behind { height, tip, failure } => {
            let next = height.saturating_add(1);
            let reason = failure.map_or_else(|| eyre!("its data is missing"), Into::into);
            Err(reason).wrap_err_with(|| format!("block {next} of {tip} can't be executed"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_l1_blocks_and_execution() {
        let at = |l1_block, tip, height| Progress { l1_block, tip, height };
        assert_eq!(fraction(at(100, 0, 0), at(100, 0, 0), 200), 0.5);
        assert_eq!(fraction(at(100, 0, 0), at(150, 10, 0), 200), 0.25);
        assert_eq!(fraction(at(100, 0, 0), at(200, 10, 5), 200), 0.75);
        assert_eq!(fraction(at(100, 0, 0), at(200, 10, 10), 200), 1.0);
        assert_eq!(fraction(at(200, 10, 10), at(200, 10, 10), 200), 1.0);
        assert_eq!(bar_text(at(1_500, 10, 5), 20_000), "L1 block 1,500 of 20,000, 5 of 10 blocks executed");
    }
}
