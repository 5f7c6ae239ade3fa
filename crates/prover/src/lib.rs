//! The prover role: a pure state machine and its driver.
