//! The blocks that a role proposed, offered to prove, or fetched.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::primitives::B256;
use fernet_network::BlockBody;
use fernet_protocol::Slot;

use crate::error::RoleError;
use crate::journal::{Journal, OwnBlock};

/// Bodies of blocks: in the journal, and in memory for the blocks of this process.
#[derive(Debug)]
pub struct BlockStore {
    journal: Journal,
    /// By header hash.
    bodies: BTreeMap<B256, Arc<BlockBody>>,
}

impl BlockStore {
    /// A store of the blocks in `journal`.
    #[must_use]
    pub const fn new(journal: Journal) -> Self {
        Self { journal, bodies: BTreeMap::new() }
    }

    /// The journal, which also has quotes and proofs.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes a block of another role to the journal.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn insert(&mut self, body: Arc<BlockBody>) -> Result<(), RoleError> {
        self.journal.put(&*body)?;
        self.bodies.insert(body.header_hash(), body);
        Ok(())
    }

    /// Writes a block that this role built to the journal, marked as its own.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn insert_own(&mut self, body: Arc<BlockBody>) -> Result<(), RoleError> {
        let (slot, parent, header_hash) = (body.header.slot, body.header.parent, body.header_hash());
        let batch = self.journal.batch()?;
        batch.put(&*body)?;
        batch.put(&OwnBlock { slot, header_hash, parent })?;
        batch.commit()?;
        self.bodies.insert(header_hash, body);
        Ok(())
    }

    /// A block of this store.
    ///
    /// # Errors
    /// When the journal doesn't have it, or can't be read.
    pub fn body(&self, slot: Slot, header_hash: B256) -> Result<Arc<BlockBody>, RoleError> {
        if let Some(body) = self.bodies.get(&header_hash) {
            return Ok(Arc::clone(body));
        }
        let body = self.journal.get(slot, header_hash)?;
        body.map(Arc::new).ok_or(RoleError::UnknownBlock { slot, header_hash })
    }

    /// Whether this role built a block, in this process or before a restart.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn is_own(&self, slot: Slot, header_hash: B256) -> Result<bool, RoleError> {
        Ok(self.journal.get::<OwnBlock>(slot, header_hash)?.is_some())
    }

    /// A block that this role built on `parent` for `slot` before a restart, if there is one. A second block
    /// for the slot would compete with it. Of several, the first is returned whose transaction
    /// `is_submitted`, or else the first.
    ///
    /// # Errors
    /// When the journal can't be read, or `is_submitted` fails.
    pub fn built_before(
        &self,
        slot: Slot,
        parent: B256,
        mut is_submitted: impl FnMut(B256) -> Result<bool, RoleError>,
    ) -> Result<Option<OwnBlock>, RoleError> {
        let mut blocks: Vec<OwnBlock> = self.journal.all()?;
        blocks.retain(|own| {
            own.slot == slot && own.parent == parent && !self.bodies.contains_key(&own.header_hash)
        });
        for own in &blocks {
            if is_submitted(own.header_hash)? {
                return Ok(Some(*own));
            }
        }
        Ok(blocks.first().copied())
    }

    /// The blocks that this role built for `slot` on other parents than `parent` before a restart.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn built_on_others_before(&self, slot: Slot, parent: B256) -> Result<Vec<OwnBlock>, RoleError> {
        let mut blocks: Vec<OwnBlock> = self.journal.all()?;
        blocks.retain(|own| {
            own.slot == slot && own.parent != parent && !self.bodies.contains_key(&own.header_hash)
        });
        Ok(blocks)
    }

    /// Removes everything about slots before `oldest`, from the journal too.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn prune_before(&mut self, oldest: Slot) -> Result<(), RoleError> {
        let before = self.bodies.len();
        self.bodies.retain(|_, body| body.header.slot >= oldest);
        if self.bodies.len() < before {
            self.journal.prune_before(oldest)?;
        }
        Ok(())
    }
}
