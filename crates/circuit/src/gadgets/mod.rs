//! Gadgets of the circuit. Each guarantees only the constraints in its documentation.

pub(crate) mod bits;
pub(crate) mod edwards;
pub(crate) mod merkle;
pub(crate) mod poseidon;
