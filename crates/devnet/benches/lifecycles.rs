//! Full slot lifecycles per second on the embedded L1, everything but the Groth16 proving, and where the time
//! goes.
//!
//! `cargo bench -p fernet-devnet --bench lifecycles --profile dev [-- SLOTS]`: first runs of the seed make
//! the proofs, keep them in `target/proofs`, and warm up; the last ones are measured.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    eips::{BlockId, eip4844},
    network::TransactionResponse as _,
    primitives::{TxHash, U256},
    providers::Provider as _,
    rpc::types::{BlockOverrides, TransactionRequest},
};
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, ProverKey, key};
use fernet_devnet::{
    Timings,
    devnet::Devnet,
    observer::observer,
    options::{DevnetOptions, L1Choice, ProofSource, find_root, keys_folder},
};
use fernet_l1::{BlobSidecar, SidecarFormat, versioned_hash};

/// Slots measured without an argument.
const SLOTS: u64 = 10;
/// Runs until the elements of a run's blobs are learned, as they are in a process that has run for a while.
const WARMUP_RUNS: usize = 4;
/// Blobs of a kind until their elements are learned, with room.
const WARMUP: usize = 8;
/// Repetitions of what is measured by itself; the fastest counts.
const ROUNDS: usize = 3;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let slots = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(SLOTS);
    let root = find_root(Path::new(env!("CARGO_MANIFEST_DIR"))).ok_or("not in the repository")?;
    let keys = key::load_or_generate(
        &keys_folder(&root),
        &CircuitParams::PRODUCTION,
        &DEVELOPMENT_SEED,
        &mut |_| (),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(root, Arc::new(keys), slots))
}

async fn measure(root: PathBuf, keys: Arc<ProverKey>, slots: u64) -> Result<(), Failure> {
    println!("making the proofs of {slots} slots, where they aren't kept already, and warming up");
    lifecycles(&root, &keys, slots, SidecarFormat::Eip4844).await?;
    for _ in 0..WARMUP_RUNS {
        lifecycles(&root, &keys, slots, SidecarFormat::Eip7594).await?;
    }
    let mut last = None;
    for (sidecars, what) in [
        (SidecarFormat::Eip4844, "blobs with one proof each (EIP-4844's sidecars)"),
        (SidecarFormat::Eip7594, "blobs with 128 cell proofs each (EIP-7594's sidecars, the default)"),
    ] {
        // Its deployment file has the name that the next one needs.
        drop(last.take());
        let (devnet, elapsed) = lifecycles(&root, &keys, slots, sidecars).await?;
        println!("{what}:");
        report(slots, elapsed, devnet.timings());
        last = Some(devnet);
    }
    println!("of which, measured one by one, milliseconds:");
    blobs()?;
    match last {
        Some(devnet) => transactions(&devnet).await,
        None => Ok(()),
    }
}

fn report(slots: u64, elapsed: Duration, timings: Timings) {
    let per_slot = |time: Duration| time.as_secs_f64() * 1000.0 / slots as f64;
    println!(
        "  {:.2} lifecycles per second: {slots} slots in {:.2} s, {:.1} L1 blocks each",
        slots as f64 / elapsed.as_secs_f64(),
        elapsed.as_secs_f64(),
        timings.blocks as f64 / slots as f64
    );
    println!("  milliseconds a slot, {:.0} in all:", per_slot(elapsed));
    let Timings { l1, following, sequencers, provers, proofs, reporting, .. } = timings;
    for (what, time) in [
        ("sequencers (4): building, blob proofs, simulating, signing, quotes", sequencers),
        ("provers (2): checking blocks, simulating, signing", provers),
        ("L1: executing blocks, precompiles, storage", l1),
        ("following: events, executing finalized blocks", following),
        ("reporting: receipts, the view", reporting),
        ("waiting for proofs", proofs),
    ] {
        println!("  {:7.1}  {what}", per_slot(time));
    }
}

/// Runs `slots` slots; returns the devnet as it stands after them, and the time from the first slot on.
async fn lifecycles(
    root: &Path,
    keys: &Arc<ProverKey>,
    slots: u64,
    sidecars: SidecarFormat,
) -> Result<(Devnet, Duration), Failure> {
    let (observer, _watch) = observer();
    let options = DevnetOptions {
        root: root.to_owned(),
        l1: L1Choice::Embedded,
        rpc_port: 0,
        chain_id: 31_601,
        slots: Some(slots),
        seed: 1,
        counts: Default::default(),
        processes: None,
        faults: Default::default(),
        endpoint_faults: None,
        transfers_per_slot: 6,
        pace: Duration::ZERO,
        proofs: ProofSource::Cached(root.join("target/proofs")),
        scoring: Default::default(),
        vote: Default::default(),
        sidecars,
        commitments: Default::default(),
    };
    let mut devnet = Devnet::start(options, Arc::clone(keys), observer).await?;
    while devnet.first_start().await.is_none_or(|(start, now)| now.plus(1) < start) {
        devnet.step().await?;
    }
    devnet.reset_timings();
    let began = Instant::now();
    while devnet.slots() < slots {
        devnet.step().await?;
    }
    Ok((devnet, began.elapsed()))
}

fn fastest<T>(mut work: impl FnMut() -> T) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            std::hint::black_box(work());
            began.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn line(what: &str, time: Duration) {
    println!("  {:7.1}  {what}", time.as_secs_f64() * 1000.0);
}

/// What blobs cost: a reveal needs a commitment and its proofs.
fn blobs() -> Result<(), Failure> {
    for (elements, what) in [(8, "blob of one chunk, 8 elements"), (4096, "full blob")] {
        let mut blob = eip4844::Blob::ZERO;
        for (place, element) in (1..).zip(blob.as_chunks_mut::<32>().0.iter_mut().take(elements)) {
            let value: U256 = U256::from(place).wrapping_pow(U256::from(40)) >> 2;
            *element = value.to_be_bytes::<32>();
        }
        let build = |format| BlobSidecar::build(vec![blob], format);
        // What comes up again and again is learned.
        for _ in 0..WARMUP {
            build(SidecarFormat::Eip7594)?.learn()?;
        }
        line(&format!("{what}: commitment"), fastest(|| versioned_hash(&blob)));
        for (format, form) in [
            (SidecarFormat::Eip7594, "sidecar of EIP-7594 (128 cell proofs)"),
            (SidecarFormat::Eip4844, "sidecar of EIP-4844 (one proof)"),
        ] {
            line(&format!("{what}: {form}"), fastest(|| build(format)));
        }
    }
    Ok(())
}

/// What each transaction of the last block costs L1: executed again in its L1 block, on the state before
/// that.
async fn transactions(devnet: &Devnet) -> Result<(), Failure> {
    let Some((name, hashes)) = last_block(devnet).await else { return Ok(()) };
    println!("  transactions of slot {name}, executed again:");
    for (what, hash) in hashes {
        let provider = devnet.backend().provider();
        let Some(transaction) = provider.get_transaction_by_hash(hash).await? else { continue };
        let Some(number) = transaction.block_number() else { continue };
        let Some(block) = provider.get_block_by_number(number.into()).await? else { continue };
        // Windows are open or closed by the block's time.
        let overrides = BlockOverrides {
            number: Some(U256::from(number)),
            time: Some(block.header.timestamp),
            random: Some(block.header.mix_hash),
            ..BlockOverrides::default()
        };
        let before = BlockId::number(number.saturating_sub(1));
        let mut fastest = Duration::MAX;
        for _ in 0..ROUNDS {
            let mut request = TransactionRequest::from_transaction(transaction.clone());
            request.from = Some(transaction.from());
            // Prices belong to the block; the work doesn't depend on them.
            request.max_fee_per_gas = None;
            request.max_priority_fee_per_gas = None;
            request.max_fee_per_blob_gas = None;
            request.nonce = None;
            let began = Instant::now();
            provider.call(request).block(before).with_block_overrides(overrides.clone()).await?;
            fastest = fastest.min(began.elapsed());
        }
        line(what, fastest);
    }
    Ok(())
}

async fn last_block(devnet: &Devnet) -> Option<(u64, Vec<(&'static str, TxHash)>)> {
    let follower = devnet.follower().lock().await;
    let block = follower.view().finalized_blocks().last()?;
    let transactions = devnet.history().transactions(block.header_hash);
    let mut hashes = Vec::new();
    hashes.extend(transactions.propose.map(|hash| ("propose", hash)));
    hashes.extend(transactions.commit.map(|hash| ("commit", hash)));
    hashes.extend(transactions.reveal.first().map(|hash| ("reveal", *hash)));
    hashes.push(("finalize: pairing, MSM and point-evaluation precompiles", block.tx));
    Some((block.header.slot.get(), hashes))
}
