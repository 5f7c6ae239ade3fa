//! The state transition as a circuit: gadgets, witness, set-up, prover and the proof encoding for L1.
#![allow(clippy::arithmetic_side_effects)]

pub mod assignment;
mod gadgets;
pub mod inputs;
pub mod params;
pub mod system;
pub mod transition;

pub use assignment::ChunkAssignment;
pub use inputs::ChunkInputs;
pub use params::CircuitParams;
pub use system::System;
pub use transition::synthesize;
