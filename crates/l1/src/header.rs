//! L1 block headers in the form that contracts check: RLP that hashes to the block's hash.
//!
//! A slot's seed is the RANDAO mix as of an L1 slot `T`. Its proof consists of two headers. The first is the
//! header of the first block after `T`; its `mixHash` is the mix. The second is the header of its parent, at
//! or before `T`; it shows that no block lies between.

use alloy::{
    consensus::Header,
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, U256, hex, keccak256},
    providers::Provider,
    rlp::{Header as RlpHeader, PayloadView},
    sol_types::SolValue,
};
use fernet_protocol::{L1Clock, L1Slot};
use serde_json::{Map, Value};

use crate::{
    endpoint::{FailureClass, RpcFailure, class::answered},
    provider::L1Provider,
};

/// Number of blocks in the history contract of EIP-2935. No proof reaches further back.
pub const PROVABLE_BLOCKS: u64 = 8191;

/// Why a header can't be fetched or used.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The node's header doesn't hash to the node's block hash.
    #[error("header of L1 block {number} hashes to {actual}, expected {expected}")]
    WrongHash { number: u64, expected: B256, actual: B256 },
    /// The node's block isn't one.
    #[error("the L1 node's answer for block {block} is malformed: {error}")]
    Malformed { block: BlockNumberOrTag, error: String },
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
    /// What to do about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Rpc(error) => error.class(),
            Self::UnknownBlock { .. } | Self::NotYet { .. } | Self::WrongParent { .. } => {
                FailureClass::TryAgain
            }
            Self::WrongHash { .. } | Self::Malformed { .. } => FailureClass::TryAnother,
            Self::TooOld { .. } => FailureClass::Operator,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.class().is_retryable()
    }
}

/// A header that hashes to its block's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Header {
    /// The fields that this client knows.
    pub header: Header,
    /// Hash of the block.
    pub hash: B256,
    /// RLP of the header, with the fields of later forks.
    pub rlp: Bytes,
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

/// The header's RLP, with the fields of later forks that an answer has.
///
/// # Errors
/// If it doesn't hash to `expected`.
pub fn header_rlp(header: &Header, expected: B256, later: &[&Value]) -> Result<Bytes, HeaderError> {
    let rlp = alloy::rlp::encode(header);
    let actual = keccak256(&rlp);
    if actual == expected {
        return Ok(rlp.into());
    }
    let words: Vec<Vec<u8>> = later.iter().filter_map(|value| field_rlp(value)).collect();
    let found = arrangements(words.len()).into_iter().find_map(|order| {
        let fields = order.iter().filter_map(|index| words.get(*index)).map(Vec::as_slice);
        let extended = with_fields(&rlp, fields)?;
        (keccak256(&extended) == expected).then_some(extended)
    });
    found.map(Bytes::from).ok_or(HeaderError::WrongHash { number: header.number, expected, actual })
}

/// Most fields that later forks may have added.
const LATER_FIELDS: usize = 4;

/// Fields of an answer's block that aren't in a header, or that this client knows.
const KNOWN_FIELDS: [&str; 30] = [
    "number",
    "hash",
    "parentHash",
    "sha3Uncles",
    "miner",
    "author",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "totalDifficulty",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "size",
    "transactions",
    "uncles",
    "withdrawals",
    "sealFields",
    "requests",
];

/// A field of a header as RLP: a hash as it is, and any other value as a number.
fn field_rlp(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?.strip_prefix("0x")?;
    if text.len() == 64 {
        return Some(alloy::rlp::encode(B256::try_from(hex::decode(text).ok()?.as_slice()).ok()?));
    }
    Some(alloy::rlp::encode(U256::from_str_radix(text, 16).ok()?))
}

/// A header's RLP with further fields at its end.
fn with_fields<'a>(rlp: &[u8], fields: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let PayloadView::List(items) = RlpHeader::decode_raw(&mut &*rlp).ok()? else { return None };
    let payload = [items.concat(), fields.collect::<Vec<_>>().concat()].concat();
    let mut out = Vec::with_capacity(payload.len().saturating_add(4));
    RlpHeader { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    Some(out)
}

/// All ordered choices of at least one of `count` things, of at most [`LATER_FIELDS`].
fn arrangements(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    let mut at = 0;
    while let Some(shorter) = all.get(at).cloned() {
        at = at.saturating_add(1);
        if shorter.len() < count.min(LATER_FIELDS) {
            let more = (0..count.min(LATER_FIELDS)).filter(|index| !shorter.contains(index));
            all.extend(more.map(|index| [shorter.as_slice(), &[index]].concat()));
        }
    }
    all.remove(0);
    all
}

/// Fetches a block's header and checks it against its hash.
///
/// # Errors
/// If the request fails, the node doesn't have the block, or the hash is wrong.
pub async fn fetch_header(provider: &L1Provider, number: u64) -> Result<L1Header, HeaderError> {
    find_header(provider, BlockNumberOrTag::Number(number)).await?.ok_or(HeaderError::UnknownBlock { number })
}

/// Like [`fetch_header`], but returns `None` if the node has no such block.
pub async fn find_header(
    provider: &L1Provider,
    block: BlockNumberOrTag,
) -> Result<Option<L1Header>, HeaderError> {
    let answer = provider.raw_request("eth_getBlockByNumber".into(), (block, false)).await;
    let Some(fields) = answered::<Option<Map<String, Value>>>(answer)? else { return Ok(None) };
    let found = read_header(&fields).map_err(|error| HeaderError::Malformed { block, error })?;
    let later: Vec<&Value> = fields
        .iter()
        .filter(|(name, _)| !KNOWN_FIELDS.contains(&name.as_str()))
        .map(|(_, value)| value)
        .collect();
    let (header, hash) = (found.inner, found.hash);
    if let BlockNumberOrTag::Number(number) = block
        && header.number != number
    {
        let error = format!("its number is {}", header.number);
        return Err(HeaderError::Malformed { block, error });
    }
    let rlp = header_rlp(&header, hash, &later)?;
    Ok(Some(L1Header { header, hash, rlp }))
}

fn read_header(fields: &Map<String, Value>) -> Result<alloy::rpc::types::Header, String> {
    serde_json::from_value(Value::Object(fields.clone())).map_err(|error| error.to_string())
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
    let Some(L1Header { header: head, .. }) = find_header(provider, BlockNumberOrTag::Latest).await? else {
        return Err(HeaderError::UnknownBlock { number: 0 });
    };
    let head_slot = slot_of(clock, &head);
    if head_slot <= target {
        return Err(HeaderError::NotYet { target, head: head_slot });
    }
    // Timestamps increase from block to block: the first block after the target lies in (low, high].
    let mut low = head.number.saturating_sub(PROVABLE_BLOCKS);
    let mut high = head.number;
    let oldest = fetch_header(provider, low).await?;
    if slot_of(clock, &oldest.header) > target {
        return Err(HeaderError::TooOld { target });
    }
    while high.saturating_sub(low) > 1 {
        let middle = low + (high - low) / 2;
        let found = fetch_header(provider, middle).await?;
        if slot_of(clock, &found.header) > target { high = middle } else { low = middle }
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
    let found = fetch_header(provider, child).await?;
    let parent = fetch_header(provider, child.saturating_sub(1)).await?;
    let header = found.header;
    if header.parent_hash != parent.hash {
        return Err(HeaderError::WrongParent {
            number: child,
            expected: header.parent_hash,
            actual: parent.hash,
        });
    }
    let (slot, parent_slot) = (slot_of(clock, &header), slot_of(clock, &parent.header));
    if slot <= target {
        return Err(HeaderError::NotYet { target, head: slot });
    }
    if parent_slot > target {
        return Err(HeaderError::TooOld { target });
    }
    // If the block is in the L1 slot right after the target, no other block can lie between: the parent isn't
    // needed.
    let parent = if header.timestamp == clock.start_of(target.plus(1)) { Bytes::new() } else { parent.rlp };
    let encoded = (found.rlp, parent).abi_encode_params();
    Ok(SeedProof { encoded: encoded.into(), mix: header.mix_hash, child })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_hashes_to_something_else_is_refused() {
        let header = Header { number: 7, ..Header::default() };
        let hash = header.hash_slow();
        assert_eq!(keccak256(header_rlp(&header, hash, &[]).unwrap()), hash);
        let other = B256::repeat_byte(1);
        assert_eq!(
            header_rlp(&header, other, &[]).unwrap_err().to_string(),
            format!("header of L1 block 7 hashes to {hash}, expected {other}")
        );
    }

    /// The fields of a fork that this client doesn't know, in any order of the answer.
    #[test]
    fn fields_of_later_forks_are_part_of_the_header() {
        let header = Header {
            number: 7,
            base_fee_per_gas: Some(1),
            withdrawals_root: Some(B256::ZERO),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(B256::ZERO),
            ..Header::default()
        };
        let (hash, number) = (B256::repeat_byte(5), U256::from(300));
        let fields = [alloy::rlp::encode(hash), alloy::rlp::encode(number)];
        let rlp = alloy::rlp::encode(&header);
        let later = with_fields(&rlp, fields.iter().map(Vec::as_slice)).unwrap();
        let expected = keccak256(&later);
        let values =
            [Value::from(hash.to_string()), Value::from("0x12c"), Value::from("no field"), Value::Null];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 2, 3]] {
            let given: Vec<&Value> = order.iter().map(|index| &values[*index]).collect();
            assert_eq!(header_rlp(&header, expected, &given).unwrap(), Bytes::from(later.clone()));
        }
        assert!(header_rlp(&header, expected, &[&values[0]]).is_err());
        assert_eq!(arrangements(0), Vec::<Vec<usize>>::new());
        assert_eq!(arrangements(2), [vec![0], vec![1], vec![0, 1], vec![1, 0]]);
    }
}
