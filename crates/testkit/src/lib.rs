//! A whole Fernet in one process: L1, contracts, roles and users, with faults on request.
//!
//! - [`options`]: what it is asked to do; [`fault`]: what fails in which slot; [`stop`]: how it is ended.
//! - [`host`]: the L1 under it; [`deploy`], [`accounts`], [`stage`]: what is set up on it.
//! - [`traffic`]: what users do; [`history`]: what happened, from events; [`tokens`]: whether the books agree.
//! - [`observer`], [`view`], [`record`]: what a watcher sees, and what a run reports in its JSON form.

pub use alloy;

pub mod accounts;
pub mod anvil;
pub mod batch;
pub mod deploy;
pub mod fault;
pub mod history;
pub mod host;
pub mod observer;
pub mod options;
pub mod record;
pub mod stage;
pub mod stop;
pub mod tokens;
pub mod traffic;
pub mod view;
