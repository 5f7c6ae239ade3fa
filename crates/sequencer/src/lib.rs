//! The sequencer role: a pure state machine and its driver.
