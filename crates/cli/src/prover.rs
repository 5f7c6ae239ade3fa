//! `fernet prover …`: tools for provers, and their escrow.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Subcommand, ValueEnum};
use color_eyre::eyre::{Result, bail, eyre};
use fernet_circuit::{BlockStatement, Prover, ProvingProgress};
use fernet_config::Role;
use fernet_ledger::{
    AccountIndex, BlockRules, BlockWitness, Deposit, Domain, FeeBurn, Fr, Lanes, Levels, Operation,
    SecretKey, SignedOperation, State, Transfer, block,
};
use fernet_roles::Journal;
use fernet_telemetry::cpu_time;
use serde::Serialize;

use crate::{
    act::NOTES,
    escrow,
    format::count,
    output,
    progress::Bar,
    proving_keys,
    run::{self, RunArgs},
    runtime,
    sequencer::{self, ClaimArgs},
};

/// Subcommands of `fernet prover`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the configured prover until asked to end.
    Run(RunArgs),
    /// Measure how fast this machine proves, and whether that is fast enough.
    Benchmark(BenchmarkArgs),
    /// Show whether a prover that isn't running takes new work, or have it take work again.
    Standing(StandingArgs),
    /// Show a prover's escrow, what it covers, and what the prover is owed.
    Status(escrow::StatusArgs),
    /// Add tokens to a prover's escrow, from which its bonds are locked; anyone may sign.
    #[command(after_help = NOTES)]
    Deposit(escrow::DepositArgs),
    /// Request tokens of the escrow back, and withdraw them after the delay; the signer is the prover.
    #[command(after_help = NOTES)]
    Withdraw(escrow::WithdrawArgs),
    /// Name a key that signs the prover's quotes; the signer is the prover.
    #[command(after_help = NOTES)]
    SetSigner(escrow::SetSignerArgs),
    /// Pay the signer's rewards out.
    #[command(after_help = NOTES)]
    Claim(ClaimArgs),
}

/// Arguments of `fernet prover standing`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A prover stops taking new work when a proof fails or L1 refuses one, and stays so over restarts.
Find out why before you resume it: each block that it can't prove costs its bond.")]
pub(crate) struct StandingArgs {
    /// The prover's journal, such as prover-0.journal.redb
    journal: PathBuf,
    /// Take new work again
    #[arg(long)]
    resume: bool,
}

fn standing(args: &StandingArgs) -> Result<()> {
    if !args.journal.is_file() {
        bail!("{}: expected the journal of a prover", args.journal.display());
    }
    let journal = Journal::open(&args.journal)?;
    let text = match (journal.suspension()?, args.resume) {
        (None, _) => "available".to_owned(),
        (Some(reason), false) => format!("suspended: {reason}"),
        (Some(reason), true) => {
            journal.set_suspension(None)?;
            format!("available; was suspended: {reason}")
        }
    };
    output::line(&text)
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    Human,
    /// One JSON object.
    Json,
}

/// Arguments of `fernet prover benchmark`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchmarkArgs {
    #[command(flatten)]
    keys: proving_keys::KeyFolder,
    /// Chunks of the block, 8 transfers each
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=512)
    )]
    chunks: u16,
    /// Blocks to prove; the fastest counts
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=100)
    )]
    runs: u16,
    /// The deployment's exclusive proving phase, in L1 slots
    #[arg(
        long,
        value_name = "L1_SLOTS",
        default_value_t = 40,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    proving_phase: u32,
    /// Length of an L1 slot in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    l1_slot_seconds: u32,
    /// What a prover earns for a block, in tokens: its share of the reward and its price
    #[arg(long, value_name = "TOKENS", default_value_t = 1.5, value_parser = amount)]
    earning: f64,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// A token amount that an estimate can be made with.
fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| "expected a number of tokens, 0 or more".to_owned())
}

/// Part of the threads below which the cores in use tell that other programs take their time. Parts of a
/// proof run on one thread, so it is never all.
const BUSY_BELOW: f64 = 0.6;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Measurement {
    /// Chunks of the block.
    chunks: u16,
    /// Chunks proven at a time.
    threads: usize,
    /// Wall time of the fastest block, in milliseconds.
    block_ms: u64,
    /// CPU time of this block, in milliseconds, all threads together.
    cpu_ms: u64,
    /// Cores that were in use for it: CPU time through wall time.
    cores: f64,
    /// Of one of its chunks.
    chunk_ms: u64,
    /// Most memory of this process, in megabytes; none where the system doesn't say.
    peak_memory_mb: Option<u64>,
    /// Length of the proving phase, in seconds.
    proving_phase_s: u64,
    /// Chunks that can be proven in it, less two L1 slots for the transaction to land.
    chunks_in_time: u64,
    /// The same if nothing else used the machine, by CPU time on all threads.
    chunks_in_time_alone: u64,
    /// What both mean.
    verdict: Verdict,
    /// Blocks of this size that the machine could prove in an hour, one after the other.
    blocks_per_hour: f64,
    /// What they would earn, in tokens, if every one of them were this prover's.
    tokens_per_hour: f64,
}

/// Whether the machine proves blocks of this size in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// It does.
    FastEnough,
    /// It doesn't now. It would if nothing else used it.
    Busy,
    /// It doesn't, not even alone.
    TooSlow,
}

/// Runs the subcommand.
///
/// # Errors
/// When there are no keys, a proof fails, or the journal can't be read.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Run(args) => run::run(Role::Prover, &args).map(drop),
        Command::Benchmark(args) => benchmark(&args),
        Command::Standing(args) => standing(&args),
        Command::Status(args) => runtime::block_on(escrow::status(&args)),
        Command::Deposit(args) => runtime::block_on(escrow::deposit(&args)),
        Command::Withdraw(args) => runtime::block_on(escrow::withdraw(&args)),
        Command::SetSigner(args) => runtime::block_on(escrow::set_signer(&args)),
        Command::Claim(args) => runtime::block_on(sequencer::claim(&args)),
    }
}

fn benchmark(args: &BenchmarkArgs) -> Result<()> {
    let keys = proving_keys::load(&args.keys.folder()?)?;
    let prover = Prover::new(keys);
    let block = block_of(usize::from(args.chunks), &prover)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let statement = BlockStatement {
        header_hash: [1; 32],
        deposits_to: [2; 32],
        exits_to: [4; 32],
        payee: [3; 20].into(),
    };
    let mut fastest = (Duration::MAX, Duration::ZERO);
    for run in 1..=args.runs {
        let bar = Bar::new(&format!("block {run} of {}", args.runs));
        let (began, cpu_before) = (Instant::now(), cpu_time());
        prover.prove_block(&block, &statement, threads, &|progress| {
            if let ProvingProgress::Chunks { done, total } = progress {
                bar.set(done as f64 / total.max(1) as f64, "proving");
            }
        })?;
        bar.finish();
        fastest = fastest.min((began.elapsed(), cpu_time().saturating_sub(cpu_before)));
    }
    let measured = measurement(args, threads, fastest, peak_memory_mb());
    output::line(&match args.format {
        Format::Human => text(&measured),
        Format::Json => serde_json::to_string(&measured)?,
    })
}

fn measurement(
    args: &BenchmarkArgs,
    threads: usize,
    (block, cpu): (Duration, Duration),
    peak_memory_mb: Option<u64>,
) -> Measurement {
    let block_ms = u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1);
    let cpu_ms = u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX);
    let chunk_ms = (block_ms / u64::from(args.chunks.max(1))).max(1);
    let slot = u64::from(args.l1_slot_seconds);
    let available_s = u64::from(args.proving_phase).saturating_sub(2).saturating_mul(slot);
    let blocks_per_hour = 3_600_000.0 / block_ms as f64;
    let chunks_in_time = available_s.saturating_mul(1000) / chunk_ms;
    // Alone, a block takes at least its CPU time on all threads.
    let alone_ms = block_ms.min(cpu_ms / u64::try_from(threads.max(1)).unwrap_or(u64::MAX));
    let chunk_alone_ms = (alone_ms / u64::from(args.chunks.max(1))).max(1);
    let chunks_in_time_alone = available_s.saturating_mul(1000) / chunk_alone_ms;
    let is_enough = |chunks: u64| chunks >= u64::from(args.chunks);
    Measurement {
        chunks: args.chunks,
        threads,
        block_ms,
        cpu_ms,
        cores: (cpu_ms as f64 / block_ms as f64 * 100.0).round() / 100.0,
        chunk_ms,
        peak_memory_mb,
        proving_phase_s: u64::from(args.proving_phase).saturating_mul(slot),
        chunks_in_time,
        chunks_in_time_alone,
        verdict: match (is_enough(chunks_in_time), is_enough(chunks_in_time_alone)) {
            (true, _) => Verdict::FastEnough,
            (false, true) => Verdict::Busy,
            (false, false) => Verdict::TooSlow,
        },
        blocks_per_hour,
        tokens_per_hour: blocks_per_hour * args.earning,
    }
}

fn text(measured: &Measurement) -> String {
    let memory = measured.peak_memory_mb.map_or_else(|| "unknown".to_owned(), |mb| format!("{mb} MB"));
    let (fit, alone) = (measured.chunks_in_time, measured.chunks_in_time_alone);
    let verdict = match measured.verdict {
        Verdict::FastEnough => format!("fast enough: up to {fit} chunks fit"),
        Verdict::Busy => {
            format!("TOO SLOW NOW: only {fit} chunks fit; up to {alone} if nothing else used the machine")
        }
        Verdict::TooSlow => format!("TOO SLOW: only {fit} chunks fit, at most {alone} on the idle machine"),
    };
    let threads = measured.threads as f64;
    let busy = if measured.cores < threads * BUSY_BELOW { ": other programs use the machine" } else { "" };
    format!(
        "block          {} proven in {:.2} s on {}, {:.2} s a chunk\n\
         CPU time       {:.2} s, {:.2} cores in use{busy}\n\
         peak memory    {memory}\n\
         proving phase  {} s, {verdict}\n\
         at most        {:.0} such blocks an hour, {:.0} tokens",
        count(u64::from(measured.chunks), "chunk"),
        measured.block_ms as f64 / 1000.0,
        count(u64::try_from(measured.threads).unwrap_or(u64::MAX), "thread"),
        measured.chunk_ms as f64 / 1000.0,
        measured.cpu_ms as f64 / 1000.0,
        measured.cores,
        measured.proving_phase_s,
        measured.blocks_per_hour,
        measured.tokens_per_hour,
    )
}

/// A block of full chunks: transfers in a ring of accounts.
fn block_of(chunks: usize, prover: &Prover) -> Result<BlockWitness> {
    let params = prover.key().params();
    let layout = params.layout(chunks.max(1))?;
    let domain = Domain::from_element(Fr::from(1u64));
    let accounts = u32::try_from(params.operations)?;
    let secret = |number: u32| SecretKey::from_seed(&number.to_be_bytes());
    let mut state = State::empty(Levels::new(params.levels)?);
    for number in 1..=accounts {
        let key = secret(number).public_key();
        state.apply_deposit(&Deposit { to: AccountIndex::new(number), key, amount: 1_000_000 })?;
    }
    let mut transfers: Vec<SignedOperation> = Vec::new();
    for nonce in 0..u32::try_from(chunks)? {
        for from in 1..=accounts {
            let to = AccountIndex::new(from % accounts + 1);
            let transfer = Transfer { from: AccountIndex::new(from), to, amount: 10, fee: 1, nonce };
            transfers.push(Operation::from(transfer).sign(domain, &secret(from)));
        }
    }
    let rules = BlockRules { domain, layout, fee_burn: FeeBurn::NONE, fee_recipient: AccountIndex::new(1) };
    let built = block::build(&mut state, rules, chunks, &Lanes::default(), &transfers)?;
    match built.skipped.first() {
        None => Ok(built.block),
        Some((number, reason)) => {
            Err(eyre!("transfer {number} of the benchmark's block was skipped: {reason:?}"))
        }
    }
}

/// The most memory that this process has had.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspended_prover_is_resumed_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("prover.journal.redb");
        let args = |resume| StandingArgs { journal: journal.clone(), resume };
        assert!(standing(&args(false)).unwrap_err().to_string().contains("expected the journal"));
        assert!(!journal.exists());
        Journal::open(&journal).unwrap().set_suspension(Some("a proof failed")).unwrap();
        let suspension = || Journal::open(&journal).unwrap().suspension().unwrap();
        standing(&args(false)).unwrap();
        assert_eq!(suspension().as_deref(), Some("a proof failed"));
        standing(&args(true)).unwrap();
        assert_eq!(suspension(), None);
    }

    fn args() -> BenchmarkArgs {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: BenchmarkArgs,
        }
        let line = <Line as clap::Parser>::try_parse_from(["benchmark"]).unwrap();
        line.args
    }

    #[test]
    fn tells_what_fits_into_the_proving_phase() {
        let block = (Duration::from_millis(8_000), Duration::from_millis(14_000));
        let measured = measurement(&args(), 2, block, Some(300));
        assert_eq!(measured.chunk_ms, 4_000);
        assert_eq!(measured.proving_phase_s, 480);
        assert_eq!(measured.chunks_in_time, 38 * 12 / 4);
        assert_eq!(measured.blocks_per_hour, 450.0);
        assert_eq!((measured.cpu_ms, measured.cores, measured.verdict), (14_000, 1.75, Verdict::FastEnough));
        assert!(text(&measured).contains("fast enough: up to 114 chunks fit"));
        assert!(text(&measured).contains("14.00 s, 1.75 cores in use\n"), "{}", text(&measured));
    }

    #[test]
    fn an_earning_is_a_number_of_tokens() {
        assert_eq!(amount("0.5"), Ok(0.5));
        for wrong in ["-1", "NaN", "inf", "ten"] {
            amount(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_busy_machine_is_told_apart_from_a_slow_one() {
        // 8 s of work in 1,000 s: two chunks take 4 s each on one of two cores.
        let block = (Duration::from_secs(1_000), Duration::from_secs(8));
        let busy = measurement(&args(), 2, block, None);
        assert_eq!((busy.chunks_in_time, busy.chunks_in_time_alone), (0, 456 / 2));
        assert_eq!((busy.verdict, busy.cores), (Verdict::Busy, 0.01));
        let text = text(&busy);
        assert!(text.contains("TOO SLOW NOW: only 0 chunks fit; up to 228 if nothing else"), "{text}");
        assert!(text.contains("0.01 cores in use: other programs use the machine"), "{text}");
    }

    #[test]
    fn a_machine_that_is_too_slow_is_told() {
        let hour = Duration::from_secs(3_600);
        let slow = measurement(&args(), 1, (hour, hour), None);
        assert_eq!(slow.verdict, Verdict::TooSlow);
        assert!(text(&slow).contains("TOO SLOW"), "{}", text(&slow));
        assert!(text(&slow).contains("unknown"));
    }
}
