//! Parts of the circuit: what each constrains is in its documentation, and nothing more may be assumed of it.

pub(crate) mod bits;
pub(crate) mod edwards;
pub(crate) mod merkle;
pub(crate) mod poseidon;
