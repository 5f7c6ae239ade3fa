//! The state transition as a circuit: gadgets, witness, set-up, prover and the proof encoding for L1.
