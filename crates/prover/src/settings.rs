//! How a prover's machinery is set.

use alloy::primitives::{Address, U256};
use fernet_l1::SidecarFormat;
use fernet_ledger::mempool;
use fernet_roles::RoleError;

use crate::error::ProverError;
use crate::machine::Strategy;

/// How a prover's machinery is set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How it acts.
    pub strategy: Strategy,
    /// Most chunks of a block that it offers to prove or builds itself. What it can prove in time.
    pub max_chunks: usize,
    /// L1 slots that a deposit must be old before a backup block takes it without having to. A reorg that undoes the
    /// deposit would cost the block.
    pub deposit_depth: u64,
    /// What a transaction may cost at most, in wei.
    pub max_total_fee: U256,
    /// What its blob transactions carry.
    pub sidecars: SidecarFormat,
    /// Where claimed rewards go.
    pub claim_to: Address,
    /// Limits of the mempool that backup blocks are built from.
    pub mempool: mempool::Limits,
}

impl Settings {
    /// Refuses settings that no block could be made with, and claims that nobody could send.
    pub(crate) fn check(&self, senders: &[Address]) -> Result<(), ProverError> {
        let Strategy { prover, payee, claim_from, .. } = self.strategy;
        RoleError::check_chunks(self.max_chunks)?;
        if payee.is_zero() {
            let (setting, expected) = ("the payee", "an account".to_owned());
            return Err(RoleError::Setting { setting, expected, actual: payee.to_string() }.into());
        }
        if claim_from.is_some() && !senders.contains(&payee) {
            return Err(RoleError::NoClaimant { account: payee, sender: prover }.into());
        }
        match senders.first() {
            Some(sender) if *sender != prover => {
                Err(ProverError::WrongSender { expected: prover, actual: *sender })
            }
            _ => Ok(()),
        }
    }
}
