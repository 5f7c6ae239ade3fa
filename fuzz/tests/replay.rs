//! Runs every fuzz target on its seeds and on mutations of them: a short, deterministic part of `make fuzz`.

use fernet_fuzz::{Outcome, TARGETS, Target};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mutations of each seed.
const MUTATIONS: u32 = 64;

/// The seed with a few bytes changed, left out or repeated.
fn mutated(seed: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 => bytes.extend_from_within(at..),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.random_range(0..8);
                }
            }
        }
    }
    bytes
}

fn replay(target: &Target) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (number, seed) in (target.seeds)().iter().enumerate() {
        assert_eq!((target.check)(seed), Outcome::Decoded, "seed {number} of {}", target.name);
        for _ in 0..MUTATIONS {
            (target.check)(&mutated(seed, &mut random));
        }
    }
}

// One test for all targets: the bound on allocations counts those of the whole process.
#[test]
fn every_target_accepts_its_seeds_and_survives_mutations() {
    TARGETS.iter().for_each(|target| replay(target));
}
