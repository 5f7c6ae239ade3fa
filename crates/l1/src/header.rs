//! L1 block headers in the form that contracts can check: RLP whose hash is the block's hash.
//!
//! A slot's seed is the RANDAO mix as of an L1 slot `T`. Its proof is the header of the first block after `T`, whose
//! `mixHash` that mix is, and the header of its parent at or before `T`, which shows that it is the first.

use alloy::{
    consensus::Header,
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, keccak256},
    providers::Provider,
    sol_types::SolValue,
};
use fernet_protocol::{L1Clock, L1Slot};

use crate::provider::{L1Provider, RpcFailure, answered};

/// Blocks that the history contract of EIP-2935 remembers: no proof reaches further back.
pub const PROVABLE_BLOCKS: u64 = 8191;

/// Why a header can't be had or used.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// Re-encoding what the node said gives another hash.
    #[error("header of L1 block {number} hashes to {actual}, expected {expected}")]
    WrongHash {
        /// block number
        number: u64,
        /// the block's hash as the node gave it
        expected: B256,
        /// hash of the header's RLP
        actual: B256,
    },
    /// The node doesn't have the block.
    #[error("l1 node doesn't have block {number}")]
    UnknownBlock {
        /// block number
        number: u64,
    },
    /// No block after the target yet.
    #[error("no L1 block after L1 slot {target} yet: the head is at {head}")]
    NotYet {
        /// L1 slot whose mix was asked for
        target: L1Slot,
        /// L1 slot of the newest block
        head: L1Slot,
    },
    /// The first block after the target is older than L1 can prove.
    #[error("the first L1 block after L1 slot {target} is older than the last {PROVABLE_BLOCKS} blocks")]
    TooOld {
        /// L1 slot whose mix was asked for
        target: L1Slot,
    },
    /// Two blocks that the node gave don't follow each other: the chain changed meanwhile.
    #[error("the parent of L1 block {number} has hash {actual}, expected {expected}")]
    WrongParent {
        /// block number of the child
        number: u64,
        /// the child's parent hash
        expected: B256,
        /// hash of the block before it
        actual: B256,
    },
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl HeaderError {
    /// Whether asking again later may help.
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
    /// `abi.encode(bytes header, bytes parentHeader)`, as `IRandomness.prove` and `IRollup.propose` take it
    pub encoded: Bytes,
    /// the mix that it proves
    pub mix: B256,
    /// number of the first block after the target
    pub child: u64,
}

/// The header's RLP, which hashes to `expected`.
pub fn header_rlp(header: &Header, expected: B256) -> Result<Bytes, HeaderError> {
    let rlp = alloy::rlp::encode(header);
    let actual = keccak256(&rlp);
    if actual != expected {
        return Err(HeaderError::WrongHash { number: header.number, expected, actual });
    }
    Ok(rlp.into())
}

/// A block's header, checked against its hash.
pub async fn fetch_header(provider: &L1Provider, number: u64) -> Result<(Header, B256), HeaderError> {
    find_header(provider, BlockNumberOrTag::Number(number)).await?.ok_or(HeaderError::UnknownBlock { number })
}

/// As [`fetch_header`]; none where the chain has no such block.
pub(crate) async fn find_header(
    provider: &L1Provider,
    block: BlockNumberOrTag,
) -> Result<Option<(Header, B256)>, HeaderError> {
    let Some(block) = answered(provider.get_block_by_number(block).await)? else { return Ok(None) };
    let (header, hash) = (block.header.inner, block.header.hash);
    header_rlp(&header, hash)?;
    Ok(Some((header, hash)))
}

/// L1 slot of a block; blocks before the L1's genesis count as its first slot, which is after no target either.
fn slot_of(clock: &L1Clock, header: &Header) -> L1Slot {
    clock.slot_at(header.timestamp).unwrap_or_default()
}

/// Finds the first block after `target` and proves the mix as of `target`.
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
    // blocks' timestamps rise: the first block after the target lies in (low, high]
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

/// As [`seed_proof`], for whoever knows that block `child` is the first after `target`.
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
    // A block of the first second after the target has nothing between itself and the target: its parent needn't be shown.
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
