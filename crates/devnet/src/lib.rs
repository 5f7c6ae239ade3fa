//! A whole Fernet in one process: L1, contracts, roles and users, with faults on request.
//!
//! - [`devnet`]: runs it. [`options`]: what it is asked to do; [`fault`]: what fails in which slot; [`stop`]: how it is
//!   ended.
//! - [`backend`]: the L1 under it; [`deploy`], [`accounts`], [`setup`]: what is set up on it; [`roles`]: its roles, with
//!   [`policies`] for faults, one [`worker`] for proofs, and [`stores`] that survive a [`crash`].
//! - [`traffic`]: what users do; [`mod@claim`]: the withdrawal that ends a run.
//! - [`history`], [`audit`], [`tokens`]: what happened, on L1 and L2, and whether the books agree.
//! - [`observer`], [`view`], [`picture`], [`record`], `gas`: what a watcher sees, and what a run reports in its JSON form.

pub use alloy;

pub mod accounts;
pub mod anvil;
pub mod audit;
pub mod backend;
pub mod batch;
pub mod claim;
pub mod crash;
pub mod deploy;
pub mod devnet;
pub mod fault;
mod gas;
pub mod history;
pub mod observer;
pub mod options;
pub mod picture;
pub mod policies;
pub mod record;
pub mod roles;
pub mod setup;
pub mod stop;
pub mod stores;
pub mod tokens;
pub mod traffic;
pub mod view;
pub mod worker;
