//! `fernet devnet`: a whole rollup in one process.

use std::{
    env,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use alloy_primitives::Address;
use clap::ValueEnum;
use color_eyre::eyre::{Result, WrapErr as _, bail, ensure, eyre};
use fernet_devnet::{
    DevnetError,
    devnet::{self, RunEnd},
    endpoints::EndpointFaults,
    fault::FaultPlan,
    observer::{Watch, observer},
    options::{
        CHAIN_ID, CommitmentBy, DevnetOptions, L1Choice, ProcessOptions, ProofSource, RoleCounts, Scoring,
        find_root,
    },
    record::{LastLine, SlotRecord, Summary},
    stop::{Stop, StopRequest},
};
use fernet_l1::origin;
use tokio::{
    task::{JoinError, JoinHandle, spawn_blocking},
    time::sleep,
};

use crate::{
    live,
    logs::{self, Detail, LogOptions},
    output, plain,
    proving_keys::{self, KeyFolder},
};

/// Least time between two L1 blocks under the live view, in milliseconds: a person can follow it.
const LIVE_PACE_MS: u64 = 150;
/// Least time between two L1 blocks for processes, in milliseconds: they act by the clock.
const PROCESSES_PACE_MS: u64 = 2_000;
/// Looks for a new L1 block in the time of one, where the roles are processes.
const LOOKS: u32 = 5;
/// How long the devnet may take to end its child processes when it is left at once.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);

/// How the devnet reports.
/// Who sends the commitment of a prover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Committer {
    /// The sequencer that chose the quote.
    Sequencer,
    /// The prover that offered it.
    Prover,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A live view on a terminal, else one line a slot and a summary.
    Human,
    /// One JSON object a slot, then {"summary": …} or {"stopped": …}; nothing else on stdout.
    Json,
}

/// Arguments of `fernet devnet`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct Args {
    /// Slots to run; then a withdrawal is claimed on L1 and the summary printed [default: until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    slots: Option<u64>,
    /// The L1: embedded, anvil (started and ended by the devnet), or the URL of a running node (http, https,
    /// ws or wss); several URLs of the same chain with commas
    #[arg(long, value_name = "embedded|anvil|URL,…", default_value = "embedded")]
    l1: L1Choice,
    /// Port on 127.0.0.1 for the RPC of the embedded L1 or anvil [default: a free one]
    #[arg(long, value_name = "PORT")]
    rpc_port: Option<u16>,
    /// Chain id of the embedded L1 or anvil [default: 31337]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    chain_id: Option<u64>,
    /// Seed of every random choice: on the embedded L1, the same seed makes the same blocks
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Sequencers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    sequencers: u8,
    /// Provers
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    provers: u8,
    /// How sequencers rank: public (anyone can compute it) or vrf (each draws with its BLS key, hidden until
    /// it proposes)
    #[arg(long, value_name = "public|vrf", default_value = "public")]
    scoring: Scoring,
    /// Payload that blocks signal to governance (an address; see docs/protocol/governance.md) [default: none]
    #[arg(long, value_name = "PAYLOAD", default_value_t, hide_default_value = true)]
    vote: Address,
    /// Who sends the commitments of provers: the sequencer, or the prover itself
    #[arg(long, value_enum, default_value_t = Committer::Sequencer)]
    commitments_by: Committer,
    /// Faults to inject: KIND@SLOT, several with commas [default: none]
    #[arg(long = "fault", value_name = "KIND@SLOT,…", default_value = "", hide_default_value = true)]
    faults: FaultPlan,
    /// What the roles' endpoints of the L1 do wrong: refuse, lie, stall, break and lag, at random from a
    /// seed; SEED/2 for two endpoints of which one is good at any time [default: nothing]
    #[arg(long, value_name = "SEED[/2]")]
    endpoint_faults: Option<EndpointFaults>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Random transfers sent each slot
    #[arg(
        long,
        value_name = "N",
        default_value_t = 6,
        value_parser = clap::value_parser!(u32).range(..=10_000)
    )]
    transfers_per_slot: u32,
    /// Least time between two L1 blocks that the devnet makes, in milliseconds [default: 2000 with
    /// --processes, 150 with the live view, else 0]
    #[arg(long, value_name = "MS")]
    pace: Option<u64>,
    /// Run every role as a process of its own, as operators do: with a configuration, a folder, keys and a
    /// log, in .fernet/devnet-CHAIN_ID-N of the repository
    #[arg(long)]
    processes: bool,
    /// Nodes beside sequencers and provers
    #[arg(long, value_name = "N", default_value_t = 1, requires = "processes")]
    nodes: u8,
    #[command(flatten)]
    keys: KeyFolder,
    /// Keep proofs in this folder and use them again for equal statements (for repeated runs of one seed)
    #[arg(long, value_name = "FOLDER")]
    proof_cache: Option<PathBuf>,
}

/// What the help says after the arguments.
const NOTES: &str = "\
Faults:
  no-proposal           no sequencer proposes: a prover's backup block
  no-commitment         no prover commits to any candidate: backup
  no-reveal             no candidate reveals its data: backup
  late-proof            the committed prover delivers after exclusive proving: rescue
  no-proof              the committed prover never delivers: rescue by another
  no-proof-no-rescue    nobody delivers in the proving phase: backup
  first-candidate-dead  the best candidate falls silent after its proposal: succession
  no-backup             nobody makes a backup block: with a fault that leads to backup, an empty slot

Stopping:
  The first Ctrl-C (or SIGTERM, or q in the live view) ends the run with a withdrawal and a summary.
  On an L1 with its own clock it doesn't wait: the summary says what is missing.
  The second one leaves at once.

Files:
  It runs in the Fernet repository only: it deploys with the scripts there, which write
  deployments/<chain id>.json.
  A file that is there already is put aside, and put back at the end of the embedded L1 or anvil.
  docs/devnet.md describes the JSON, the RPC, and how to deposit, exit and claim by hand.

Environment:
  FERNET_DEPLOYER_KEY  private key of the account that deploys and pays
                       [default: the first account of anvil and hardhat]
  FERNET_LOG           what is logged, such as debug or warn,fernet_l1=trace";

/// Runs the subcommand.
///
/// # Errors
/// When the devnet fails, doesn't do all that it was asked to, or its tokens don't add up.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let front = FrontEnd::choose(args.format);
    let log = logs::LogLines::default();
    match front {
        FrontEnd::Live => logs::to_view(&log)?,
        FrontEnd::Lines => logs::to_stderr(Detail::Devnet, &LogOptions::default())?,
        FrontEnd::Json => logs::to_stderr(Detail::Warnings, &LogOptions::default())?,
    }
    let root = find_root(&env::current_dir()?)
        .ok_or_else(|| eyre!("this is not the Fernet repository: no script/Deploy.s.sol here or above"))?;
    args.check()?;
    let keys = args.keys.folder()?;
    let pace = Duration::from_millis(match (args.pace, args.processes, front) {
        (Some(pace), ..) => pace,
        (None, true, _) => PROCESSES_PACE_MS,
        (None, false, FrontEnd::Live) => LIVE_PACE_MS,
        (None, false, _) => 0,
    });
    let processes = args.processes.then(|| processes(&args, &root, &keys, pace)).transpose()?;
    let options = DevnetOptions {
        root,
        l1: args.l1,
        rpc_port: args.rpc_port.unwrap_or(0),
        chain_id: args.chain_id.unwrap_or(CHAIN_ID),
        slots: args.slots,
        seed: args.seed,
        counts: RoleCounts { sequencers: args.sequencers.into(), provers: args.provers.into() },
        processes,
        faults: args.faults,
        endpoint_faults: args.endpoint_faults,
        transfers_per_slot: args.transfers_per_slot,
        pace,
        scoring: args.scoring,
        vote: args.vote,
        commitments: match args.commitments_by {
            Committer::Sequencer => CommitmentBy::Sequencer,
            Committer::Prover => CommitmentBy::Prover,
        },
        sidecars: Default::default(),
        proofs: args.proof_cache.map_or(ProofSource::Made, ProofSource::Cached),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stop = Stop::default();
        let signals = tokio::spawn(signals(stop.clone())?);
        let end = follow(front, options, keys, &stop, &log).await;
        signals.abort();
        finish(front, end?, &stop)
    });
    // A proof that is still computed isn't needed any more.
    runtime.shutdown_background();
    result
}

impl Args {
    /// Refuses arguments that can't have an effect together.
    fn check(&self) -> Result<()> {
        self.faults.require_within(self.slots)?;
        if let L1Choice::Urls(urls) = &self.l1
            && (self.rpc_port.is_some() || self.chain_id.is_some())
        {
            let hosts: Vec<String> = urls.iter().map(origin).collect();
            let hosts = hosts.join(", ");
            bail!("--rpc-port and --chain-id are for an L1 that the devnet starts, not for {hosts}");
        }
        if self.processes && self.faults.after(0).next().is_some() {
            bail!("--fault holds effects of roles in this process back, and can't with --processes");
        }
        Ok(())
    }
}

/// How the roles run as processes: in a new folder, with this binary.
fn processes(args: &Args, root: &Path, keys: &Path, pace: Duration) -> Result<ProcessOptions> {
    let chain_id = args.chain_id.unwrap_or(CHAIN_ID);
    let folder = |number: u64| root.join(format!(".fernet/devnet-{chain_id}-{number}"));
    let folder = (1..).map(folder).find(|folder| !folder.exists()).unwrap_or_else(|| folder(0));
    output::message(&format!("the processes' folders are in {}", folder.display()));
    Ok(ProcessOptions {
        binary: env::current_exe().wrap_err("the path of this program is not known")?,
        folder,
        keys: Some(keys.to_owned()),
        nodes: args.nodes.into(),
        pause: pace / LOOKS,
    })
}

/// Makes the keys and runs the devnet under its front end.
async fn follow(
    front: FrontEnd,
    options: DevnetOptions,
    keys: PathBuf,
    stop: &Stop,
    log: &logs::LogLines,
) -> Result<RunEnd> {
    tracing::debug!(folder = %keys.display(), "loading the proving keys");
    let keys = tokio::select! {
        keys = spawn_blocking(move || proving_keys::load(&keys)) => keys??,
        () = stop.asked() => return Ok(RunEnd::Stopped { during: "loading the proving keys".to_owned() }),
    };
    let (observer, Watch { view, mut records }) = observer();
    let activity = view.clone();
    let mut run: Run = tokio::spawn(devnet::run(options, keys, observer, stop.clone()));
    let mut view_ended = None;
    if front == FrontEnd::Live {
        let (log, stop) = (log.clone(), stop.clone());
        view_ended = Some(spawn_blocking(move || {
            let shown = live::show(view, &log, &stop);
            if shown.is_err() {
                // Nobody can see the devnet or end it by a key any more.
                stop.leave();
            }
            shown
        }));
    }
    let printed = async {
        while let Some(record) = records.recv().await {
            if let Err(error) = front.slot(&record) {
                stop.leave();
                return Err(error);
            }
        }
        Ok(())
    };
    let finished = async { (printed.await, (&mut run).await) };
    let ended = tokio::select! {
        (printed, ended) = finished => printed.and_then(|()| joined(ended)),
        () = async { stop.left().await; sleep(LEAVE_LIMIT).await } => {
            let during = activity.borrow().activity.clone();
            Ok(RunEnd::Stopped { during })
        }
    };
    if let Some(view_ended) = view_ended {
        view_ended.await?.wrap_err("the live view failed")?;
    }
    ended
}

type Run = JoinHandle<Result<RunEnd, DevnetError>>;

fn joined(ended: Result<Result<RunEnd, DevnetError>, JoinError>) -> Result<RunEnd> {
    Ok(ended.wrap_err("the devnet ended unexpectedly")??)
}

/// Writes how the run ended, and decides on the exit status.
fn finish(front: FrontEnd, end: RunEnd, stop: &Stop) -> Result<ExitCode> {
    match end {
        _ if stop.request() == StopRequest::Leave => {
            output::message("left at once: no summary");
            Ok(ExitCode::from(output::INTERRUPTED))
        }
        RunEnd::Stopped { during } => {
            front.stopped(&during)?;
            Ok(ExitCode::SUCCESS)
        }
        RunEnd::Finished(summary) => {
            front.summary(&summary)?;
            let conservation = &summary.conservation;
            ensure!(conservation.holds, "tokens don't add up: {}", conservation.violations.join("; "));
            if !summary.stopped && !summary.missing.is_empty() {
                bail!("not everything was done: {}", summary.missing.join("; "));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Who shows the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrontEnd {
    Live,
    Lines,
    Json,
}

impl FrontEnd {
    fn choose(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Human if io::stdout().is_terminal() && io::stdin().is_terminal() => Self::Live,
            Format::Human => Self::Lines,
        }
    }

    fn slot(self, record: &SlotRecord) -> Result<()> {
        match self {
            Self::Live => Ok(()),
            Self::Lines => output::line(&plain::slot(record)),
            Self::Json => output::line(&serde_json::to_string(record)?),
        }
    }

    fn summary(self, summary: &Summary) -> Result<()> {
        match self {
            Self::Json => output::line(&serde_json::to_string(&LastLine::Summary(summary))?),
            Self::Live | Self::Lines => output::line(&plain::summary(summary)),
        }
    }

    fn stopped(self, during: &str) -> Result<()> {
        match self {
            Self::Json => output::line(&serde_json::to_string(&LastLine::Stopped { during })?),
            Self::Live | Self::Lines => {
                output::line(&format!("stopped while {during}: there is nothing to sum up"))
            }
        }
    }
}

/// The first Ctrl-C or SIGTERM asks for the end, the second one to leave at once. So does a terminal that
/// goes away.
#[cfg(unix)]
fn signals(stop: Stop) -> Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => asked(&stop),
                _ = terminate.recv() => asked(&stop),
                _ = hangup.recv() => stop.leave(),
            }
        }
    })
}

#[cfg(not(unix))]
fn signals(stop: Stop) -> Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            asked(&stop);
        }
    })
}

fn asked(stop: &Stop) {
    if stop.ask() == StopRequest::Finish {
        tracing::warn!(
            code = "CLI-001",
            "asked to stop: ending with the summary; a second Ctrl-C leaves at once"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};
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
        let faults = ["--chain-id", "9", "--fault", "no-proof@1,no-proposal@2,no-backup@2"];
        let args = parse(&[&line[..], &faults].concat()).unwrap();
        assert_eq!((args.slots, args.rpc_port), (Some(3), Some(8545)));
        assert_eq!((args.seed, args.chain_id), (7, Some(9)));
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
            (["--fault", "no-proof@1,late-proof@1"], "can't both happen"),
            (["--l1", "geth"], "embedded, anvil, or http(s) or ws(s) URLs"),
            (["--endpoint-faults", "x"], "expected SEED for one endpoint"),
            (["--slots", "0"], "0 is not in 1.."),
            (["--chain-id", "0"], "0 is not in 1.."),
            (["--format", "xml"], "human, json"),
        ] {
            let error = parse(&line).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn arguments_without_an_effect_are_refused() {
        for (line, expected) in [
            (&["--slots", "2", "--fault", "no-reveal@5"][..], "the planned slots are 0 to 1"),
            (&["--l1", "http://127.0.0.1:1", "--rpc-port", "8545"], "an L1 that the devnet starts"),
            (&["--l1", "http://127.0.0.1:1", "--chain-id", "9"], "an L1 that the devnet starts"),
        ] {
            let error = parse(line).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        parse(&["--l1", "anvil", "--rpc-port", "0", "--chain-id", "9"]).unwrap().check().unwrap();
        parse(&["--fault", "no-reveal@5"]).unwrap().check().unwrap();
    }

    #[test]
    fn the_help_lists_every_fault() {
        let help = Line::command().render_long_help().to_string();
        for kind in FaultKind::ALL {
            assert!(help.contains(&format!("\n  {} ", kind.name())), "{kind} isn't in the help:\n{help}");
        }
    }
}
