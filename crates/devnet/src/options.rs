//! What a devnet is asked to do.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use alloy::primitives::Address;
pub use fernet_l1::Scoring;
use fernet_l1::SidecarFormat;
pub use fernet_sequencer::CommitmentBy;
use url::Url;

pub use crate::accounts::RoleCounts;
use crate::{endpoints::EndpointFaults, fault::FaultPlan};

/// The L1 under a devnet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum L1Choice {
    /// The chain in this process.
    #[default]
    Embedded,
    /// An anvil that the devnet starts and ends.
    Anvil,
    /// The node at these addresses, at least one: endpoints of the same chain.
    Urls(Vec<Url>),
}

/// Neither a name nor URLs. URLs may have secrets, so the text isn't repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected embedded, anvil, or http(s) or ws(s) URLs of one chain with commas between them")]
pub struct L1ChoiceError;

impl FromStr for L1Choice {
    type Err = L1ChoiceError;

    fn from_str(text: &str) -> Result<Self, L1ChoiceError> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "anvil" => Ok(Self::Anvil),
            _ => {
                let is_usable =
                    |url: &Url| matches!(url.scheme(), "http" | "https" | "ws" | "wss") && url.has_host();
                let urls = text.split(',').map(|text| Url::parse(text.trim()).ok().filter(is_usable));
                urls.collect::<Option<_>>().map(Self::Urls).ok_or(L1ChoiceError)
            }
        }
    }
}

/// Where proofs come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProofSource {
    /// Each is made.
    #[default]
    Made,
    /// Made once for each statement and kept in this folder: for repeated runs of one seed.
    Cached(PathBuf),
}

/// How the roles run as processes of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessOptions {
    /// The `fernet` binary.
    pub binary: PathBuf,
    /// Folder of the processes' folders; empty or not there.
    pub folder: PathBuf,
    /// Folder of the proving keys; that in the repository without it.
    pub keys: Option<PathBuf>,
    /// Nodes beside sequencers and provers.
    pub nodes: usize,
    /// How often a role looks for a new L1 block.
    pub pause: Duration,
}

/// The usual chain id of development chains.
pub const CHAIN_ID: u64 = 31337;

/// A devnet's settings.
#[derive(Debug, Clone)]
pub struct DevnetOptions {
    /// Root of the repository: the deployment script and its tools are there.
    pub root: PathBuf,
    /// The L1.
    pub l1: L1Choice,
    /// Port of the L1's RPC on 127.0.0.1; 0 picks a free one.
    pub rpc_port: u16,
    /// Chain id of the embedded L1 or of the anvil started here.
    pub chain_id: u64,
    /// Slots to run; without it, until the user asks for the end.
    pub slots: Option<u64>,
    /// Where every random choice comes from.
    pub seed: u64,
    /// How many roles it has.
    pub counts: RoleCounts,
    /// How the roles run as processes; in this process without it.
    pub processes: Option<ProcessOptions>,
    /// What fails when.
    pub faults: FaultPlan,
    /// What the roles' endpoints of the L1 do wrong; nothing without it.
    pub endpoint_faults: Option<EndpointFaults>,
    /// Random transfers sent to the mempool each slot.
    pub transfers_per_slot: u32,
    /// Least time between two L1 blocks where the devnet makes them; zero for as fast as possible.
    pub pace: Duration,
    /// Where proofs come from.
    pub proofs: ProofSource,
    /// How the sequencers of a slot rank.
    pub scoring: Scoring,
    /// Payload that every block of an elected sequencer signals to governance; zero for none.
    pub vote: Address,
    /// What blob transactions carry.
    pub sidecars: SidecarFormat,
    /// Who sends commitments.
    pub commitments: CommitmentBy,
}

/// Folder of the development proving keys in the repository at `root`.
#[must_use]
pub fn keys_folder(root: &Path) -> PathBuf {
    root.join("target/keys")
}

/// Finds the repository's root: the nearest folder at or above `from` that holds the deployment script.
#[must_use]
pub fn find_root(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|folder| folder.join("script/Deploy.s.sol").is_file()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_l1_is_a_name_or_a_url() {
        assert_eq!("embedded".parse(), Ok(L1Choice::Embedded));
        assert_eq!("anvil".parse(), Ok(L1Choice::Anvil));
        for (text, count) in [("http://127.0.0.1:8545", 1), ("https://a/key, wss://b:1,ws://c", 3)] {
            assert!(matches!(text.parse(), Ok(L1Choice::Urls(urls)) if urls.len() == count), "{text}");
        }
        for wrong in ["geth", "ftp://host", "http://", "8545", "", "http://a,", ",", "http://a,geth"] {
            assert_eq!(wrong.parse::<L1Choice>(), Err(L1ChoiceError), "{wrong}");
        }
    }

    #[test]
    fn the_root_is_found_from_below() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("crates/devnet");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(find_root(&deep), None);
        std::fs::create_dir(folder.path().join("script")).unwrap();
        std::fs::write(folder.path().join("script/Deploy.s.sol"), "").unwrap();
        assert_eq!(find_root(&deep), Some(folder.path().to_owned()));
    }
}
