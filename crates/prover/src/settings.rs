//! The settings of a prover's driver.

use alloy::primitives::{Address, U256};
use fernet_l1::{MAX_BLOBS_PER_TRANSACTION, SidecarFormat};
use fernet_roles::{BlockTemplate, DEFAULT_AT_STAKE, DEFAULT_MAX_TOTAL_FEE, MempoolLimits, RoleError};

use crate::error::ProverError;
use crate::strategy::Strategy;

/// The settings of a prover's driver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the machine decides.
    pub strategy: Strategy,
    /// Most chunks of a block that the prover offers to prove or builds: what it can prove in time. The
    /// deployment's limit applies too.
    pub max_chunks: usize,
    /// Age in L1 slots from which a backup block consumes a deposit or a forced exit that it need not consume
    /// yet. An L1 reorg that undoes a consumed one makes the block invalid. The prover offers no proof of
    /// blocks that take younger ones without need.
    pub deposit_depth: u64,
    /// The most that a transaction may cost, in wei.
    pub max_total_fee: U256,
    /// What is lost with a duty that doesn't land, in wei: the fees of its transaction rise up to this in the
    /// last L1 slots.
    pub at_stake: U256,
    /// Format of blob sidecars.
    pub sidecars: SidecarFormat,
    /// The account that receives claimed rewards.
    pub claim_to: Address,
    /// Limits of the mempool, from which backup blocks are built.
    pub mempool: MempoolLimits,
}

impl Settings {
    /// The defaults for a prover whose rewards are paid to its payee. It proves and builds blocks of up to
    /// `max_chunks` chunks. Its backup blocks consume deposits at once.
    #[must_use]
    pub fn new(strategy: Strategy, max_chunks: usize) -> Self {
        Self {
            strategy,
            max_chunks,
            deposit_depth: 0,
            max_total_fee: DEFAULT_MAX_TOTAL_FEE,
            at_stake: DEFAULT_AT_STAKE,
            sidecars: SidecarFormat::default(),
            claim_to: strategy.payee,
            mempool: MempoolLimits::default(),
        }
    }

    /// What all backup blocks have in common. The blobs of a backup block must fit one transaction.
    pub(crate) const fn template(&self) -> BlockTemplate {
        BlockTemplate {
            max_chunks: self.max_chunks,
            max_blobs: MAX_BLOBS_PER_TRANSACTION,
            deposit_depth: self.deposit_depth,
            fee_recipient: self.strategy.fee_recipient,
            vote: Address::ZERO,
        }
    }

    /// Refuses settings with which no block can be built or no claim can be sent. `senders` are the accounts
    /// that transactions are sent from.
    pub(crate) fn check(&self, senders: &[Address]) -> Result<(), ProverError> {
        let Strategy { payee, claim_from, .. } = self.strategy;
        RoleError::check_chunks(self.max_chunks)?;
        if payee.is_zero() {
            let (setting, expected) = ("the payee", "an account".to_owned());
            return Err(RoleError::Setting { setting, expected, actual: payee.to_string() }.into());
        }
        let sender = senders.first().copied().unwrap_or_default();
        if claim_from.is_some() && !senders.contains(&payee) {
            return Err(RoleError::NoClaimant { account: payee, sender }.into());
        }
        Ok(())
    }
}
