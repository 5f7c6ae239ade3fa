//! Time and memory of proving one chunk of eight transfers, beside plain ark-groth16 in the same run.
//!
//! `cargo bench -p fernet-circuit --profile dev [-- FOLDER]`: the folder is where development keys are kept,
//! `target/keys` without one. Making ark-groth16's key takes a minute each time.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use ark_bls12_381::Bls12_381;
use ark_groth16::{Groth16, ProvingKey};
use fernet_circuit::{
    BlockStatement, ChunkAssignment, CircuitHash, CircuitParams, DEVELOPMENT_SEED, Prover, System,
    key::{generate, load_or_generate},
    synthesize,
};
use fernet_ledger::{block::build, *};
use fernet_protocol::{ChainId, RollupId};

const PARAMS: CircuitParams = CircuitParams::PRODUCTION;
const ROUNDS: usize = 3;

/// Most memory that this process has had, in MB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1_000.0
}

/// CPU time that this process has used, in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration, f64) {
    let (start, used) = (Instant::now(), cpu());
    let result = work();
    let (wall, used) = (start.elapsed(), cpu() - used);
    println!("{what:44} {:8.3} s wall {used:8.2} s CPU, peak {:6.0} MB", wall.as_secs_f64(), peak_memory());
    (result, wall, used)
}

/// Eight transfers between eight accounts.
fn chunk() -> ChunkAssignment {
    let domain = Domain::from(RollupId::new(ChainId::new(1), Address::repeat_byte(1)));
    let secret = |number: u32| SecretKey::from_seed(&number.to_be_bytes());
    let index = AccountIndex::new;
    let mut state = State::empty(Levels::PRODUCTION);
    for number in 1..=8u32 {
        let deposit = Deposit { to: index(number), key: secret(number).public_key(), amount: 1_000 };
        state.apply_deposit(&deposit).expect("a valid deposit");
    }
    let transfers: Vec<SignedOperation> = (1..=8u32)
        .map(|from| {
            let to = index(from % 8 + 1);
            let transfer = Transfer { from: index(from), to, amount: 10, fee: 1, nonce: 0 };
            Operation::from(transfer).sign(domain, &secret(from))
        })
        .collect();
    let layout = PARAMS.layout(512).expect("a valid layout");
    let rules = BlockRules { domain, layout, fee_burn: FeeBurn::NONE, fee_recipient: index(1) };
    let block = build(&mut state, rules, 1, &Lanes::default(), &transfers).expect("a valid block").block;
    let payee = Address::repeat_byte(2);
    let statement = BlockStatement { header_hash: [1; 32], deposits_to: [2; 32], exits_to: [3; 32], payee };
    let challenge = fernet_circuit::statement::challenge(&block, &statement);
    ChunkAssignment::new(&rules, &block.chunks[0], 0, challenge, payee).expect("a signed block")
}

fn fastest(runs: impl Iterator<Item = (Duration, f64)>) -> (f64, f64) {
    runs.fold((f64::MAX, f64::MAX), |best, run| (best.0.min(run.0.as_secs_f64()), best.1.min(run.1)))
}

fn main() {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/keys");
    let folder =
        std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map_or(default, PathBuf::from);
    println!("threads {}", std::thread::available_parallelism().map_or(1, usize::from));
    // In its own process, so that making keys doesn't count for the memory of proving.
    if std::env::var_os("FERNET_BENCH_PROVE").is_none() {
        load_or_generate(&folder, &PARAMS, &DEVELOPMENT_SEED, &mut |_| ()).expect("keys");
        let program = std::env::current_exe().expect("this program");
        let status = std::process::Command::new(program).arg(&folder).env("FERNET_BENCH_PROVE", "1").status();
        assert!(status.expect("the other process").success());
        return;
    }
    let chunk = chunk();
    timed("circuit digest", || CircuitHash::of(&PARAMS).expect("a circuit"));
    let (key, ..) = timed("digest and keys from disk", || {
        load_or_generate(&folder, &PARAMS, &DEVELOPMENT_SEED, &mut |_| ()).expect("keys")
    });
    let prover = Prover::new(Arc::new(key));
    timed("witness alone", || {
        let mut system = System::evaluating();
        synthesize(&mut system, &PARAMS, &chunk).expect("a chunk of this size");
        println!("constraints {}, variables {}", system.constraints(), system.assignment().len());
    });
    let own = fastest((0..ROUNDS).map(|_| {
        let (_, wall, used) =
            timed("fernet: witness and proof", || prover.prove_chunk(&chunk).expect("a proof"));
        (wall, used)
    }));
    println!("peak memory of proving, keys included: {:.0} MB", peak_memory());

    let (key, ..) =
        timed("ark-groth16: keys", || generate(&PARAMS, &DEVELOPMENT_SEED, &mut |_| ()).expect("keys"));
    let other = arkworks(&key, &chunk);
    println!(
        "one chunk of 8 transfers: fernet {:.2} s ({:.2} s CPU), ark-groth16 {:.2} s ({:.2} s CPU), \
         {:.2} times as fast",
        own.0,
        own.1,
        other.0,
        other.1,
        other.1 / own.1
    );
}

/// ark-groth16 as it comes, with blinding, but with its matrices ready: only what a second proof costs.
fn arkworks(key: &ProvingKey<Bls12_381>, chunk: &ChunkAssignment) -> (f64, f64) {
    let mut system = System::recording();
    synthesize(&mut system, &PARAMS, chunk).expect("a chunk of this size");
    let matrices = [0, 1, 2].map(|side| -> Vec<Vec<(Fr, usize)>> {
        let terms =
            |row: &fernet_circuit::system::Row| row[side].iter().map(|(v, c)| (*c, *v as usize)).collect();
        system.rows().iter().map(terms).collect()
    });
    let (inputs, rows, assignment) = (system.inputs(), system.rows().len(), system.assignment().to_vec());
    drop(system);
    let (r, s) = (Fr::from(3u64), Fr::from(5u64));
    fastest((0..ROUNDS).map(|_| {
        let (_, wall, used) = timed("ark-groth16: proof", || {
            Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
                key,
                r,
                s,
                &matrices,
                inputs,
                rows,
                &assignment,
            )
            .expect("a proof")
        });
        (wall, used)
    }))
}
