//! Builds blocks on the tip, from the Bridge's queue and the mempool.

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use fernet_follower::Follower;
use fernet_ledger::{AccountIndex, State, block};
use fernet_network::{BlockBody, HeaderFields, versioned_blob_hash};
use fernet_protocol::{L1Slot, Lane, Slot};
use tokio::sync::Mutex;

use crate::error::RoleError;
use crate::peer_inbox::PeerInbox;
use crate::queue::{chain_of, queued_operations, ranges_to_consume, state_after_queue};
use crate::report::BuiltBlock;
use crate::snapshot::ledger_at_tip;

/// What all blocks of a role have in common.
#[derive(Debug, Clone, Copy)]
pub struct BlockTemplate {
    /// Most chunks. The deployment's limit applies too.
    pub max_chunks: usize,
    /// Most blobs. The deployment's limit applies too.
    pub max_blobs: usize,
    /// Age in L1 slots from which a block consumes a deposit or a forced exit that it need not consume yet.
    pub deposit_depth: u64,
    /// L2 account that receives the fees.
    pub fee_recipient: u32,
    /// Governance payload that the blocks vote for; zero for none.
    pub vote: Address,
}

/// A block to build.
#[derive(Debug, Clone, Copy)]
pub struct BlockSpec {
    /// The block's slot.
    pub slot: Slot,
    /// Hash of the parent's header.
    pub parent: B256,
    /// The block must consume what the Bridge queued before this L1 slot.
    pub cutoff: L1Slot,
    /// L1 slot of the newest L1 block.
    pub now: L1Slot,
}

/// Builds a role's blocks.
#[derive(Debug)]
pub struct BlockBuilder {
    follower: Arc<Mutex<Follower>>,
    template: BlockTemplate,
}

impl BlockBuilder {
    /// A builder of blocks like `template` on the follower's tip.
    #[must_use]
    pub const fn new(follower: Arc<Mutex<Follower>>, template: BlockTemplate) -> Self {
        Self { follower, template }
    }

    /// Builds a block on the tip.
    ///
    /// # Errors
    /// When the tip isn't the parent, its state is unknown, or the ledger can't build a block.
    pub async fn build(
        &self,
        spec: BlockSpec,
        inbox: &PeerInbox,
    ) -> Result<(Arc<BlockBody>, BuiltBlock), RoleError> {
        let BlockSpec { slot, parent, cutoff, now } = spec;
        let template = self.template;
        let follower = self.follower.lock().await;
        let view = follower.view();
        let tip = view.tip().header_hash;
        if tip != parent {
            return Err(RoleError::TipMoved { expected: parent, actual: tip });
        }
        let parameters = view.parameters();
        let ranges = ranges_to_consume(view, cutoff, now, template.deposit_depth);
        let lanes = queued_operations(view, ranges)?;
        let chain = |lane| chain_of(view, lane, ranges.of(lane));
        let fields = HeaderFields {
            slot,
            parent,
            deposits_end: ranges.deposits.to,
            deposits_chain: chain(Lane::Deposits),
            exits_end: ranges.exits.to,
            exits_chain: chain(Lane::Exits),
            vote: template.vote,
        };
        let ledger = ledger_at_tip(&follower)?;
        let layout = ledger.layout();
        let rules = ledger.rules_for(AccountIndex::new(template.fee_recipient));
        let max_blobs = usize::from(parameters.max_blobs).min(template.max_blobs);
        let max_chunks = template
            .max_chunks
            .min(usize::from(parameters.max_chunks))
            .min(max_blobs.saturating_mul(layout.chunks_per_blob()));
        let state = State::without_openings(&**ledger, ledger.levels());
        let operations = max_chunks.saturating_mul(layout.operations());
        let candidates = inbox.candidates(&state_after_queue(state, view), operations);
        let ledger = Arc::clone(ledger);
        drop(follower);
        // Executing a block and committing to its blobs takes a fraction of a second.
        let built = tokio::task::spawn_blocking(move || {
            let built = block::build(&mut ledger.state(), rules, max_chunks, &lanes, &candidates)?.block;
            Ok::<_, RoleError>((BlockBody::assemble(fields, &built, versioned_blob_hash)?, built))
        });
        let (body, built) = built.await??;
        let built = BuiltBlock {
            slot,
            header_hash: body.header_hash(),
            transfers: built.transfers(),
            withdrawals: built.withdrawals().len(),
            deposits: built.deposits().count(),
            chunks: built.chunks.len(),
        };
        Ok((Arc::new(body), built))
    }
}
