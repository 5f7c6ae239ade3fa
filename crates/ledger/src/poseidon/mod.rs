//! Poseidon over the BLS12-381 scalar field: S-box x^5, width 5, 8 full and 60 partial rounds.
//!
//! The instance is `poseidonperm_x5_255_5` of the reference implementation
//! (Grassi, Khovratovich, Rechberger, Roy, Schofnegger: <https://eprint.iacr.org/2019/458>,
//! <https://extgit.isec.tugraz.at/krypto/hadeshash>), whose test vector is among the tests. The constants are
//! generated once, by the reference's Grain generator.
#![allow(clippy::arithmetic_side_effects)] // field elements only

mod constants;
mod optimized;

use std::sync::OnceLock;

use ark_ff::AdditiveGroup;

use crate::field::{Fr, power_of_two};
pub use constants::{Constants, FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH};
pub use optimized::{Matrix, Optimized, PartialRound};

/// Elements absorbed by one permutation.
pub const RATE: usize = WIDTH - 1;

/// Capacity value of the hash of an inner node of the state tree.
pub const NODE_TAG: u64 = 15;
/// Capacity value of the hash of a leaf.
pub const LEAF_TAG: u64 = 16;
/// Lower 64 bits of the capacity value of a data commitment. The bits above are the number of absorbed
/// elements.
pub const DATA_TAG: u64 = 17;

/// The published constants of the permutation.
#[must_use]
pub fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(Constants::generate)
}

/// Constants of the equivalent permutation with sparse partial rounds, which is computed natively and in the
/// circuit.
#[must_use]
pub fn optimized() -> &'static Optimized {
    static OPTIMIZED: OnceLock<Optimized> = OnceLock::new();
    OPTIMIZED.get_or_init(|| Optimized::new(constants()))
}

/// Applies the permutation.
pub fn permute(state: &mut [Fr; WIDTH]) {
    optimized().permute(state);
}

/// Hash of four elements under a capacity value: the second lane of the permutation of `[capacity, inputs…]`.
#[must_use]
pub fn hash(capacity: Fr, inputs: [Fr; RATE]) -> Fr {
    let [a, b, c, d] = inputs;
    let mut state = [capacity, a, b, c, d];
    permute(&mut state);
    let [_, output, ..] = state;
    output
}

/// Hash of the four children of a state tree node.
#[must_use]
pub fn node(children: [Fr; RATE]) -> Fr {
    hash(Fr::from(NODE_TAG), children)
}

/// Sponge over any number of elements, of which four are added to the lanes after the capacity per
/// permutation.
#[must_use]
pub fn sponge(capacity: Fr, elements: &[Fr]) -> Fr {
    let mut state = [Fr::ZERO; WIDTH];
    if let Some(lane) = state.first_mut() {
        *lane = capacity;
    }
    for block in elements.chunks(RATE) {
        for (lane, element) in state.iter_mut().skip(1).zip(block) {
            *lane += element;
        }
        permute(&mut state);
    }
    let [_, output, ..] = state;
    output
}

/// The capacity value of a data commitment over `count` absorbed elements.
#[must_use]
pub fn data_capacity(count: usize) -> Fr {
    Fr::from(DATA_TAG) + power_of_two(64) * Fr::from(count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field;
    use ark_ff::Field;

    /// `poseidonperm_x5_255_5` in the reference implementation's `test_vectors.txt`.
    const PUBLISHED: [&str; WIDTH] = [
        "0x2a918b9c9f9bd7bb509331c81e297b5707f6fc7393dcee1b13901a0b22202e18",
        "0x65ebf8671739eeb11fb217f2d5c5bf4a0c3f210e3f3cd3b08b5db75675d797f7",
        "0x2cc176fc26bc70737a696a9dfd1b636ce360ee76926d182390cdb7459cf585ce",
        "0x4dc4e29d283afd2a491fe6aef122b9a968e74eff05341f3cc23fda1781dcb566",
        "0x03ff622da276830b9451b88b85e6184fd6ae15c8ab3ee25a5667be8592cce3b1",
    ];

    // rule: J2
    #[test]
    fn the_published_vector_holds() {
        let mut state = [0u64, 1, 2, 3, 4].map(Fr::from);
        permute(&mut state);
        assert_eq!(state.map(|lane| field::text(&lane)), PUBLISHED);
    }

    // rule: J2
    #[test]
    fn the_optimized_permutation_equals_the_textbook_one() {
        let mut lane = Fr::from(7u64);
        for _ in 0..50 {
            let mut fast = [(); WIDTH].map(|()| {
                lane = lane.square() + Fr::from(3u64);
                lane
            });
            let mut slow = fast;
            permute(&mut fast);
            constants().permute(&mut slow);
            assert_eq!(fast, slow);
        }
    }

    // rule: J2
    #[test]
    fn lengths_and_tags_separate() {
        let one = Fr::from(1u64);
        let zero = Fr::ZERO;
        let inputs = [one, zero, zero, zero];
        assert_ne!(node(inputs), hash(Fr::from(LEAF_TAG), inputs));
        assert_ne!(sponge(data_capacity(1), &[one]), sponge(data_capacity(2), &[one, zero]));
        assert_eq!(sponge(data_capacity(4), &inputs), hash(data_capacity(4), inputs));
    }
}
