//! A whole Fernet in one process: L1, contracts, roles and users, with faults on request.
//!
//! - [`fault`]: what fails in which slot.
//! - [`record`]: what a run reports, in its JSON form.
//! - [`view`]: what a person watching sees.
//! - [`anvil`], [`deploy`]: the outside tools a run uses.

pub mod anvil;
pub mod deploy;
pub mod fault;
pub mod record;
pub mod view;
