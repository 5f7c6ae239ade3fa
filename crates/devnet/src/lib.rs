//! A whole Fernet rollup in one process: L1, contracts, roles and users, with faults on request.
//!
//! [`devnet::run`] runs it as [`options`] say, until a [`stop`] is asked for. In detail:
//!
//! - [`backend`] is the L1: embedded, [`anvil`], or a node elsewhere. [`deploy`] runs the deployment script,
//!   which writes the [`deployment_file`]; [`accounts`] and [`setup`] are who takes part.
//! - [`roles`] makes the sequencers and provers and moves them; [`fault`] and [`policies`] hold effects of
//!   theirs back; one [`worker`] makes all proofs.
//! - With [`options::ProcessOptions`], the roles are [`processes`] of their own instead.
//! - [`endpoints`] are the roles' ways to the L1, faulty ones on request. [`blobs`] is where its blobs are.
//! - [`traffic`] is what users send. [`mod@claim`] proves a withdrawal on L1.
//! - [`history`] and [`audit`] count what happens on L1 and L2. [`tokens`] compares all balances in the end.
//! - [`record`] is the report of a run; [`view`] is what a live view shows; an [`observer`] gets both.

pub mod accounts;
mod actors;
pub mod anvil;
mod apart;
pub mod audit;
pub mod backend;
pub mod batch;
pub mod blobs;
pub mod claim;
pub mod deploy;
pub mod deployment_file;
pub mod devnet;
pub mod endpoints;
mod environment;
pub mod error;
pub mod fault;
mod gas;
mod hardhat;
pub mod history;
mod live_view;
pub mod observer;
pub mod options;
pub mod policies;
mod process;
pub mod processes;
pub mod record;
mod recorder;
pub mod roles;
pub mod setup;
pub mod stop;
mod summary;
mod timings;
pub mod tokens;
pub mod traffic;
pub mod view;
pub mod worker;
mod workload;

pub use error::DevnetError;
pub use gas::GasError;
pub use timings::Timings;
