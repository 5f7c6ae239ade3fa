//! L1 block headers in the form that contracts check: RLP that hashes to the block's hash.
//!
//! A slot's seed is the RANDAO mix as of an L1 slot `T`. Its proof consists of two headers. The first is the
//! header of the first block after `T`; its `mixHash` is the mix. The second is the header of its parent, at
//! or before `T`; it shows that no block lies between.

use alloy::{
    consensus::Header,
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, keccak256},
    providers::Provider,
    sol_types::SolValue,
};
use fernet_protocol::{L1Clock, L1Slot};

use crate::provider::{L1Provider, RpcFailure, answered};

/// Number of blocks in the history contract of EIP-2935. No proof reaches further back.
pub const PROVABLE_BLOCKS: u64 = 8191;

/// Why a header can't be fetched or used.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The node's header doesn't hash to the node's block hash.
    #[error("header of L1 block {number} hashes to {actual}, expected {expected}")]
    WrongHash { number: u64, expected: B256, actual: B256 },
    /// The node doesn't have the block.
    #[error("the L1 node doesn't have block {number}")]
    UnknownBlock { number: u64 },
    /// There is no block after the target yet.
    #[error("there is no L1 block after L1 slot {target} yet: the head is in L1 slot {head}")]
    NotYet { target: L1Slot, head: L1Slot },
    /// The first block after the target is too old for a proof on L1.
    #[error("the first L1 block after L1 slot {target} is older than the last {PROVABLE_BLOCKS} blocks")]
    TooOld { target: L1Slot },
    /// The node's two blocks aren't parent and child: the chain changed between the requests.
    #[error("the parent of L1 block {number} has hash {actual}, expected {expected}")]
    WrongParent { number: u64, expected: B256, actual: B256 },
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl HeaderError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc(error) => error.is_retryable(),
            Self::UnknownBlock { .. } | Self::NotYet { .. } | Self::WrongParent { .. } => true,
            Self::WrongHash { .. } | Self::TooOld { .. } => false,
        }
    }
}

/// A proven RANDAO mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedProof {
    /// `abi.encode(bytes header, bytes parentHeader)`, the argument of `IRandomness.prove` and
    /// `IRollup.propose`.
    pub encoded: Bytes,
    /// The proven mix.
    pub mix: B256,
    /// Number of the first block after the target.
    pub child: u64,
}

/// The header's RLP.
///
/// # Errors
/// If it doesn't hash to `expected`.
pub fn header_rlp(header: &Header, expected: B256) -> Result<Bytes, HeaderError> {
    let rlp = alloy::rlp::encode(header);
    let actual = keccak256(&rlp);
    if actual != expected {
        return Err(HeaderError::WrongHash { number: header.number, expected, actual });
    }
    Ok(rlp.into())
}

/// Fetches a block's header and checks it against its hash.
///
/// # Errors
/// If the request fails, the node doesn't have the block, or the hash is wrong.
pub async fn fetch_header(provider: &L1Provider, number: u64) -> Result<(Header, B256), HeaderError> {
    find_header(provider, BlockNumberOrTag::Number(number)).await?.ok_or(HeaderError::UnknownBlock { number })
}

/// Like [`fetch_header`], but returns `None` if the chain has no such block.
pub(crate) async fn find_header(
    provider: &L1Provider,
    block: BlockNumberOrTag,
) -> Result<Option<(Header, B256)>, HeaderError> {
    let Some(block) = answered(provider.get_block_by_number(block).await)? else { return Ok(None) };
    let (header, hash) = (block.header.inner, block.header.hash);
    header_rlp(&header, hash)?;
    Ok(Some((header, hash)))
}

/// L1 slot of a block. A block before the L1's genesis counts as slot 0, which is after no target.
fn slot_of(clock: &L1Clock, header: &Header) -> L1Slot {
    clock.slot_at(header.timestamp).unwrap_or_default()
}

/// Finds the first block after `target`, and proves the mix as of `target`.
///
/// # Errors
/// If there is no such block yet, it is too old, or a request fails.
pub async fn seed_proof(
    provider: &L1Provider,
    clock: &L1Clock,
    target: L1Slot,
) -> Result<SeedProof, HeaderError> {
    let Some((head, _)) = find_header(provider, BlockNumberOrTag::Latest).await? else {
        return Err(HeaderError::UnknownBlock { number: 0 });
    };
    let head_slot = slot_of(clock, &head);
    if head_slot <= target {
        return Err(HeaderError::NotYet { target, head: head_slot });
    }
    // Timestamps increase from block to block: the first block after the target lies in (low, high].
    let mut low = head.number.saturating_sub(PROVABLE_BLOCKS);
    let mut high = head.number;
    let (oldest, _) = fetch_header(provider, low).await?;
    if slot_of(clock, &oldest) > target {
        return Err(HeaderError::TooOld { target });
    }
    while high.saturating_sub(low) > 1 {
        let middle = low + (high - low) / 2;
        let (header, _) = fetch_header(provider, middle).await?;
        if slot_of(clock, &header) > target { high = middle } else { low = middle }
    }
    seed_proof_at(provider, clock, target, high).await
}

/// Like [`seed_proof`], for callers who know that block `child` is the first one after `target`.
///
/// # Errors
/// If `child` isn't that block, or a request fails.
pub async fn seed_proof_at(
    provider: &L1Provider,
    clock: &L1Clock,
    target: L1Slot,
    child: u64,
) -> Result<SeedProof, HeaderError> {
    let (header, hash) = fetch_header(provider, child).await?;
    let (parent, parent_hash) = fetch_header(provider, child.saturating_sub(1)).await?;
    if header.parent_hash != parent_hash {
        return Err(HeaderError::WrongParent {
            number: child,
            expected: header.parent_hash,
            actual: parent_hash,
        });
    }
    let (slot, parent_slot) = (slot_of(clock, &header), slot_of(clock, &parent));
    if slot <= target {
        return Err(HeaderError::NotYet { target, head: slot });
    }
    if parent_slot > target {
        return Err(HeaderError::TooOld { target });
    }
    // If the block is in the L1 slot right after the target, no other block can lie between: the parent isn't
    // needed.
    let parent = if header.timestamp == clock.start_of(target.plus(1)) {
        Bytes::new()
    } else {
        header_rlp(&parent, parent_hash)?
    };
    let encoded = (header_rlp(&header, hash)?, parent).abi_encode_params();
    Ok(SeedProof { encoded: encoded.into(), mix: header.mix_hash, child })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_hashes_to_something_else_is_refused() {
        let header = Header { number: 7, ..Header::default() };
        let hash = header.hash_slow();
        assert_eq!(keccak256(header_rlp(&header, hash).unwrap()), hash);
        let other = B256::repeat_byte(1);
        assert_eq!(
            header_rlp(&header, other).unwrap_err().to_string(),
            format!("header of L1 block 7 hashes to {hash}, expected {other}")
        );
    }
}
