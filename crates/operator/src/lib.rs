//! The roles as processes: sequencers, provers and nodes that run for months.
//!
//! A process is made in this order, and each part waits for what it needs:
//!
//! 1. [`Lease`]: no other process acts for the role;
//! 2. [`Rollup`]: the deployment, compared with L1, which is asked until it answers;
//! 3. the network of peers;
//! 4. [`Process`]: the follower and the role's files;
//! 5. the role's driver, in the loop of [`fernet_roles::run`], until [`signals`] ask for the end and nothing
//!    is outstanding.
//!
//! It makes no decisions: those are the machines'.

pub mod configured;
mod error;
pub mod launch;
mod lease;
mod node;
mod process;
mod roles;
mod rollup;
pub mod signals;

pub use error::OperatorError;
pub use lease::{Holder, Lease, LeaseError};
pub use node::{NodeDriver, NodeReport};
pub use process::{Archive, LEASE, Place, Process, make_folder};
pub use roles::{
    ProverKeys, Running, SequencerKeys, node, prover, run_node, run_prover, run_sequencer, sequencer,
};
pub use rollup::{L1Options, Rollup};
