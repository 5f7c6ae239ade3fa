//! The blocks of a prover: it fetches them from peers, and builds its own.

use alloy::primitives::B256;
use fernet_protocol::Slot;
use fernet_roles::{BlockSpec, OwnBlock};

use crate::block_source::BlockCheck;
use crate::driver::Inner;
use crate::error::ProverError;
use crate::interface::Input;
use crate::report::{Action, ActionKind};

impl Inner {
    /// Looks for a block's body: in the store, and at peers.
    pub(crate) async fn fetch_body(&mut self, slot: Slot, header_hash: B256) -> Result<Input, ProverError> {
        if self.store.body(slot, header_hash).is_ok() {
            return Ok(Input::BodyFetched { slot, header_hash });
        }
        match self.blocks.fetch_checked(slot, header_hash, BlockCheck::Accepted).await? {
            Some((body, _)) => {
                self.store.insert(body)?;
                Ok(Input::BodyFetched { slot, header_hash })
            }
            None => Ok(Input::BodyMissing { slot, header_hash }),
        }
    }

    /// Builds a backup block, unless one was built before a restart.
    pub(crate) async fn build_backup(&mut self, spec: BlockSpec) -> Result<Input, ProverError> {
        let BlockSpec { slot, parent, .. } = spec;
        let submissions = &mut self.submissions;
        let is_submitted = |header_hash| {
            submissions.is_submitted(Action::Block { kind: ActionKind::Backup, slot, header_hash })
        };
        if let Some(OwnBlock { header_hash, .. }) = self.store.built_before(slot, parent, is_submitted)? {
            return Ok(Input::BackupBuilt { slot, parent, header_hash });
        }
        let (body, built) = self.builder.build(spec, &self.inbox).await?;
        self.store.insert_own(body)?;
        self.report.common.built.push(built);
        Ok(Input::BackupBuilt { slot, parent, header_hash: built.header_hash })
    }
}
