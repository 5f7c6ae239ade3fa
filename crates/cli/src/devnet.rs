//! `fernet devnet`: a whole rollup in one process.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, bail, ensure, eyre};
use fernet_devnet::alloy::primitives::Address;
use fernet_devnet::{
    devnet::{self, DevnetError},
    fault::FaultPlan,
    observer::{Observer, Watch, observer},
    options::{CHAIN_ID, DevnetOptions, L1Choice, ProofSource, Scoring, find_root},
    record::{SlotRecord, Summary, SummaryLine},
    stop::Stop,
};
use tokio::task::JoinHandle;

use crate::{keys, live, logs, plain};

/// Exit status after a second Ctrl-C, as shells have it for SIGINT.
const INTERRUPTED: i32 = 130;

/// How the devnet reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A live view on a terminal, one line a slot in a pipe.
    Human,
    /// One JSON object a slot, then {"summary": …}; nothing else on stdout.
    Json,
}

/// Arguments of `fernet devnet`.
#[derive(Debug, clap::Args)]
#[command(after_help = FAULT_HELP)]
pub(crate) struct Args {
    /// Slots to run, then a withdrawal is claimed and the summary printed [default: until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    slots: Option<u64>,
    /// The L1: embedded, anvil (started and stopped by the devnet), or the URL of a running node
    #[arg(long, value_name = "embedded|anvil|URL", default_value = "embedded")]
    l1: L1Choice,
    /// Port of the L1's RPC on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "P", default_value_t = 0)]
    rpc_port: u16,
    /// Where every random choice comes from: the same seed makes the same run
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How sequencers rank: public (anyone can compute it) or vrf (each draws with its BLS key, hidden until it proposes)
    #[arg(long, value_name = "public|vrf", default_value = "public")]
    scoring: Scoring,
    /// Payload that blocks signal to governance (an address; see docs/protocol/governance.md) [default: none]
    #[arg(long, value_name = "PAYLOAD", default_value_t, hide_default_value = true)]
    vote: Address,
    /// Faults to play: `KIND@SLOT`, several with commas
    #[arg(long = "fault", value_name = "KIND@SLOT,…", default_value = "", hide_default_value = true)]
    faults: FaultPlan,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Random transfers sent each slot
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(..=10_000))]
    transfers_per_slot: u32,
    /// Least time between two L1 blocks, in milliseconds [default: 150 with the live view, else 0]
    #[arg(long, value_name = "MS")]
    pace: Option<u64>,
    #[command(flatten)]
    keys: keys::KeyFolder,
    /// Keep proofs in this folder and use them again for equal statements (for repeated runs of one seed)
    #[arg(long, value_name = "FOLDER")]
    proof_cache: Option<PathBuf>,
}

/// What each fault does.
const FAULT_HELP: &str = "\
Faults:
  no-proposal           no sequencer proposes: a prover's backup block
  no-commitment         no prover commits to any candidate: backup
  no-reveal             no candidate reveals its data: backup
  late-proof            the committed prover delivers after exclusive proving: rescue
  no-proof              the committed prover never delivers: rescue by another
  no-proof-no-rescue    nobody delivers in the proving phase: backup
  first-candidate-dead  the best candidate falls silent after its proposal: succession
  no-backup             nobody makes a backup block: with a fault that leads to backup, an empty slot";

/// Runs the subcommand.
///
/// # Errors
/// When the devnet fails, or its tokens don't add up.
pub(crate) fn run(args: Args) -> Result<()> {
    let front = Front::choose(args.format);
    let log = logs::LogLines::default();
    match front {
        Front::Live => logs::to_panel(&log),
        Front::Lines | Front::Json => logs::to_stderr(),
    }
    let root = find_root(&std::env::current_dir()?).ok_or_else(|| {
        eyre!("expected to run in the Fernet repository (script/Deploy.s.sol here or above), didn't find it")
    })?;
    let keys = keys::load(&args.keys.folder()?)?;
    let pace = args.pace.unwrap_or(if front == Front::Live { 150 } else { 0 });
    let options = DevnetOptions {
        root,
        l1: args.l1,
        rpc_port: args.rpc_port,
        chain_id: CHAIN_ID,
        slots: args.slots,
        seed: args.seed,
        faults: args.faults,
        transfers_per_slot: args.transfers_per_slot,
        pace: Duration::from_millis(pace),
        scoring: args.scoring,
        vote: args.vote,
        sidecars: Default::default(),
        proofs: args.proof_cache.map_or(ProofSource::Made, ProofSource::Cached),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let (observer, watch) = observer();
        let stop = Stop::default();
        let devnet = start(options, keys, observer, stop.clone());
        front.follow(watch, devnet, stop, &log).await
    })?;
    match front {
        Front::Json => line(&serde_json::to_string(&SummaryLine { summary: &summary })?)?,
        Front::Live | Front::Lines => line(&plain::summary(&summary))?,
    }
    ensure!(
        summary.conservation.holds,
        "tokens don't add up: {}",
        summary.conservation.violations.join("; ")
    );
    Ok(())
}

type Run = JoinHandle<Result<Summary, DevnetError>>;

fn start(options: DevnetOptions, keys: keys::Keys, observer: Observer, stop: Stop) -> Run {
    tokio::spawn(async move { devnet::run(options, keys, observer, stop).await })
}

/// Who shows the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    Live,
    Lines,
    Json,
}

impl Front {
    fn choose(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Human if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() => Self::Live,
            Format::Human => Self::Lines,
        }
    }

    async fn follow(self, watch: Watch, devnet: Run, stop: Stop, log: &logs::LogLines) -> Result<Summary> {
        let mut screen = None;
        let Watch { view, mut records } = watch;
        let leave = Stop::default();
        if self == Self::Live {
            let (log, finish, leave) = (log.clone(), stop.clone(), leave.clone());
            screen = Some(tokio::task::spawn_blocking(move || live::show(view, &log, &finish, &leave)));
        }
        let interrupts = tokio::spawn(interrupts(stop, leave.clone()));
        let printing = async {
            while let Some(record) = records.recv().await {
                self.slot(&record)?;
            }
            Ok::<_, color_eyre::Report>(())
        };
        let result = tokio::select! {
            result = async { printing.await?; Ok::<_, color_eyre::Report>(devnet.await) } => Some(result),
            () = leave.asked() => None,
        };
        interrupts.abort();
        if let Some(screen) = screen {
            screen.await?.wrap_err("the live view failed")?;
        }
        match result {
            Some(ended) => ended?.wrap_err("the devnet ended unexpectedly")?.map_err(Into::into),
            None => std::process::exit(INTERRUPTED),
        }
    }

    fn slot(self, record: &SlotRecord) -> Result<()> {
        match self {
            Self::Live => Ok(()),
            Self::Lines => line(&plain::slot(record)),
            Self::Json => line(&serde_json::to_string(record)?),
        }
    }
}

/// The first Ctrl-C (or SIGTERM) asks for the end, the second one leaves at once.
async fn interrupts(stop: Stop, leave: Stop) {
    loop {
        if interrupted().await.is_err() {
            return;
        }
        if stop.is_asked() {
            leave.ask();
        } else {
            tracing::warn!("finishing with a withdrawal and the summary; another Ctrl-C leaves at once");
            stop.ask();
        }
    }
}

#[cfg(unix)]
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Writes a line to stdout at once. A reader that went away is an error, not a panic.
fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        bail!("could not write to stdout: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use fernet_devnet::fault::FaultKind;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Line::try_parse_from(std::iter::once("devnet").chain(arguments.iter().copied())).map(|line| line.args)
    }

    #[test]
    fn reads_every_argument() {
        let line = ["--slots", "3", "--l1", "anvil", "--rpc-port", "8545", "--seed", "7", "--format", "json"];
        let args = parse(&[&line[..], &["--fault", "no-proof@1,no-backup@2"]].concat()).unwrap();
        assert_eq!((args.slots, args.rpc_port, args.seed), (Some(3), 8545, 7));
        assert_eq!(args.l1, L1Choice::Anvil);
        assert_eq!(args.format, Format::Json);
        assert!(args.faults.has(1, FaultKind::NoProof) && args.faults.has(2, FaultKind::NoBackup));
    }

    #[test]
    fn defaults_run_the_embedded_l1_until_stopped() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.l1, L1Choice::Embedded);
        assert_eq!(args.slots, None);
        assert!(args.faults.is_empty());
    }

    #[test]
    fn wrong_arguments_say_what_was_expected() {
        for (line, expected) in [
            (["--fault", "no-proof"], "KIND@SLOT"),
            (["--fault", "nothing@1"], "first-candidate-dead"),
            (["--l1", "geth"], "embedded, anvil or an http(s) URL"),
            (["--slots", "0"], "0 is not in 1.."),
            (["--format", "xml"], "human, json"),
        ] {
            let error = parse(&line).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
