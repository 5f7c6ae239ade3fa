//! Whoever plays the roles of a devnet: drivers in this process, or processes of their own.

use std::sync::Arc;

use fernet_l1::L1Block;
use fernet_network::Network;

use crate::{error::DevnetError, processes::Processes, roles::Roles};

/// Whoever plays the roles.
#[derive(Debug)]
pub(crate) enum Actors {
    /// Drivers in this process, which the devnet moves.
    Here(Roles),
    /// Processes of their own, which move by themselves. The devnet is a peer of theirs.
    Apart(Apart),
}

/// Processes, and this process's connection to them.
pub(crate) struct Apart {
    pub(crate) processes: Processes,
    pub(crate) network: Arc<dyn Network>,
}

impl std::fmt::Debug for Apart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Apart").field("processes", &self.processes).finish_non_exhaustive()
    }
}

impl Actors {
    /// The network on which the roles talk.
    pub(crate) fn network(&self) -> Arc<dyn Network> {
        match self {
            Self::Here(roles) => Arc::new(roles.network().clone()),
            Self::Apart(apart) => Arc::clone(&apart.network),
        }
    }

    /// The drivers, if they are in this process.
    pub(crate) fn here(&mut self) -> Option<&mut Roles> {
        match self {
            Self::Here(roles) => Some(roles),
            Self::Apart(_) => None,
        }
    }

    /// Operations waiting for a block, as far as this process knows.
    pub(crate) fn waiting_operations(&self) -> usize {
        match self {
            Self::Here(roles) => roles.waiting_operations(),
            Self::Apart(_) => 0,
        }
    }

    /// Lets the provers in this process act on a new L1 block.
    ///
    /// # Errors
    /// When one fails for good, or a process ended by itself.
    pub(crate) async fn step_provers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_prover::StepReport>, DevnetError> {
        match self {
            Self::Here(roles) => Ok(roles.step_provers(block).await?),
            Self::Apart(apart) => {
                apart.processes.check()?;
                Ok(Vec::new())
            }
        }
    }

    /// Lets the sequencers in this process act on a new L1 block.
    ///
    /// # Errors
    /// When one fails for good.
    pub(crate) async fn step_sequencers(
        &mut self,
        block: &Arc<L1Block>,
    ) -> Result<Vec<fernet_sequencer::StepReport>, DevnetError> {
        match self {
            Self::Here(roles) => Ok(roles.step_sequencers(block).await?),
            Self::Apart(_) => Ok(Vec::new()),
        }
    }
}
