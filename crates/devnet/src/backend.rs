//! The L1 under a devnet: started, reached, and moved one block at a time.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU64,
    path::Path,
    time::Duration,
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, keccak256},
    providers::{Provider as _, ext::AnvilApi as _},
    transports::{BoxTransport, TransportError},
};
use fernet_embedded::{ChainConfig, HttpServer, Node, NodeConfig, TieBreak};
use fernet_l1::{
    BeaconBlobs, BlockIds, ConnectError, L1Provider, Pool, SidecarFormat, connect_pool, connect_transport,
    connect_url, origin, redact,
};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    anvil::{Anvil, AnvilError},
    blobs::L1Blobs,
    deployment_file::ChainLifetime,
    hardhat::Hardhat,
    observer::Observer,
    options::L1Choice,
};

/// Length of an L1 slot on the embedded L1 and on anvil, in seconds: Ethereum's.
const SLOT_SECONDS: NonZeroU64 = NonZeroU64::MIN.saturating_add(11);
/// UNIX time of the genesis block of such a chain, in seconds: a fixed one, so that a seed gives the same
/// chain on any day.
const GENESIS_TIME: u64 = 1_767_225_600;
/// How often a remote L1 is asked for a new block.
const POLL: Duration = Duration::from_millis(200);
/// How long a remote L1 may make no block until the devnet says that it waits.
const QUIET: Duration = Duration::from_secs(5);
/// The same in L1 slots, once their length is known: the longer of the two counts.
const QUIET_SLOTS: u64 = 3;

/// Why there is no L1.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The embedded chain refused its configuration.
    #[error("embedded L1: {0}")]
    Chain(#[from] fernet_embedded::ChainError),
    /// Its RPC couldn't be opened.
    #[error("could not open the L1's RPC on 127.0.0.1:{port}: {source}")]
    Serve {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// No anvil.
    #[error(transparent)]
    Anvil(#[from] AnvilError),
    /// The endpoint can't be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The endpoint's address is malformed.
    #[error("the address of the L1's RPC is not a URL: {0}")]
    Address(#[from] url::ParseError),
    /// The endpoints are of several chains.
    #[error("expected endpoints of one chain: that of {first} has id {expected}, that of {url} has {actual}")]
    OtherChain {
        /// The first endpoint's host.
        first: String,
        /// Its chain id.
        expected: u64,
        /// The other one's host.
        url: String,
        /// Its chain id.
        actual: u64,
    },
    /// It is a hardhat that doesn't mine each transaction.
    #[error("the hardhat at {url} must mine each transaction, as it does by default: else it takes no blobs")]
    HardhatClock {
        /// Its host.
        url: String,
    },
    /// It doesn't answer, or refuses.
    #[error("the L1 at {url} failed: {source}")]
    Rpc {
        /// Its host.
        url: String,
        /// What it answered.
        source: TransportError,
    },
}

#[derive(Debug)]
enum Kind {
    Embedded {
        node: Node,
        _server: HttpServer,
    },
    Anvil {
        _process: Anvil,
    },
    /// An anvil of somebody else that makes blocks for transactions only: the devnet is its clock.
    IdleAnvil,
    /// A hardhat of somebody else that does the same.
    IdleHardhat(Hardhat),
    /// A chain with its own clock.
    Remote,
}

/// How an L1 takes transactions in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// Each transaction gets a block at once.
    EachTransaction,
    /// Blocks come when [`L1Backend::advance`] is called.
    Stepwise,
}

/// An L1.
#[derive(Debug)]
pub struct L1Backend {
    kind: Kind,
    provider: L1Provider,
    url: Url,
    chain_id: u64,
    slot_seconds: u64,
    observer: Observer,
}

impl L1Backend {
    /// Starts the chosen L1 with its RPC on `port` (0: a free one), or connects to it.
    ///
    /// `chain_id` and `seed` are those of a chain that is started here. `observer` hears of waits.
    ///
    /// # Errors
    /// When it can't be started or doesn't answer.
    pub async fn start(
        choice: &L1Choice,
        root: &Path,
        port: u16,
        chain_id: u64,
        seed: u64,
        observer: &Observer,
    ) -> Result<Self, BackendError> {
        match choice {
            L1Choice::Embedded => Self::embedded(port, chain_id, seed, observer).await,
            L1Choice::Anvil => {
                let process = Anvil::start(root, port, chain_id, GENESIS_TIME).await?;
                let url = Url::parse(process.url())?;
                let backend = Self {
                    provider: connect_url(&url)?,
                    kind: Kind::Anvil { _process: process },
                    url,
                    chain_id,
                    slot_seconds: SLOT_SECONDS.get(),
                    observer: observer.clone(),
                };
                backend.set_interval().await?;
                Ok(backend)
            }
            L1Choice::Urls(urls) => Self::connect(urls, observer).await,
        }
    }

    async fn connect(urls: &[Url], observer: &Observer) -> Result<Self, BackendError> {
        let pool = Pool::of_urls(urls)?;
        let provider = connect_pool(&pool);
        // The first that answers is where forge deploys and where blobs are.
        let (mut found, mut failure): (Option<(&Url, u64)>, _) =
            (None, BackendError::from(ConnectError::None));
        for url in urls {
            match (connect_url(url)?.get_chain_id().await, found) {
                (Ok(id), None) => found = Some((url, id)),
                (Ok(id), Some((first, expected))) if id != expected => {
                    let (first, url) = (origin(first), origin(url));
                    return Err(BackendError::OtherChain { first, expected, url, actual: id });
                }
                (Ok(_), Some(_)) => {}
                (Err(source), _) => {
                    tracing::warn!(rpc = %origin(url), error = %source, "an L1 endpoint doesn't answer");
                    failure = BackendError::Rpc { url: origin(url), source };
                }
            }
        }
        let Some((url, chain_id)) = found else { return Err(failure) };
        // A node that knows neither question has a clock.
        let (kind, provider) = match provider.anvil_get_auto_mine().await {
            Ok(true) => (Kind::IdleAnvil, provider),
            Ok(false) => (Kind::Remote, provider),
            Err(_) => match provider.raw_request("hardhat_getAutomine".into(), ()).await {
                Ok(true) => {
                    let hardhat = Hardhat::new(pool);
                    let provider = connect_transport(BoxTransport::new(hardhat.clone()));
                    (Kind::IdleHardhat(hardhat), provider)
                }
                Ok(false) => return Err(BackendError::HardhatClock { url: origin(url) }),
                Err(_) => (Kind::Remote, provider),
            },
        };
        let mut backend = Self {
            kind,
            provider,
            url: url.clone(),
            chain_id,
            slot_seconds: SLOT_SECONDS.get(),
            observer: observer.clone(),
        };
        match backend.kind {
            Kind::IdleAnvil => backend.set_interval().await?,
            Kind::IdleHardhat(_) => {}
            _ => backend.slot_seconds = backend.measure().await?,
        }
        Ok(backend)
    }

    /// The time between two blocks of a chain with its own clock, in seconds, at most Ethereum's.
    async fn measure(&self) -> Result<u64, BackendError> {
        let time = async |number: u64| {
            let block = self
                .provider
                .get_block_by_number(number.into())
                .await
                .map_err(|source| self.failed(source))?;
            Ok::<_, BackendError>(block.map(|block| block.header.timestamp).unwrap_or_default())
        };
        self.observer.activity("waiting for two blocks of L1, to measure the time between them");
        // The genesis block's time says nothing.
        self.wait_for_block(QUIET, |number| number >= 2).await?;
        let head = self.block_number().await?;
        let between = time(head).await?.saturating_sub(time(head.saturating_sub(1)).await?);
        Ok(between.clamp(1, SLOT_SECONDS.get()))
    }

    /// Waits for a block with its own clock, and says so when none comes.
    async fn wait_for_block(
        &self,
        quiet: Duration,
        is_there: impl Fn(u64) -> bool,
    ) -> Result<(), BackendError> {
        let began = Instant::now();
        let mut warned = false;
        loop {
            let number = self.block_number().await?;
            if is_there(number) {
                return Ok(());
            }
            let waited = began.elapsed();
            if waited >= quiet {
                let seconds = waited.as_secs();
                self.observer.activity(format!(
                    "waiting for L1: it has made no block after block {number} for {seconds} s"
                ));
                if !warned {
                    warned = true;
                    tracing::warn!(
                        rpc = %self.name_of_host(),
                        block = number,
                        seconds,
                        "L1 makes no blocks, and the devnet waits for the next one; \
                         a development node must be told to make blocks at an interval"
                    );
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn set_interval(&self) -> Result<(), BackendError> {
        let set = self.provider.anvil_set_block_timestamp_interval(self.slot_seconds).await;
        set.map_err(|source| self.failed(source))
    }

    /// Asks hardhat for something whose answer says nothing.
    async fn tell(&self, method: &'static str, parameter: impl Into<Value>) -> Result<(), BackendError> {
        let told = self.provider.raw_request::<_, Value>(method.into(), [parameter.into()]).await;
        told.map(drop).map_err(|source| self.failed(source))
    }

    /// Sets the timestamp of hardhat's next block, which its pending block has at once: the start of the next
    /// L1 slot. Returns that of its head.
    async fn set_next_time(&self) -> Result<u64, BackendError> {
        let head = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let head = head.map_err(|source| self.failed(source))?;
        let time = head.map(|block| block.header.timestamp).unwrap_or_default();
        let slot = time.checked_div(self.slot_seconds).unwrap_or_default().saturating_add(1);
        self.tell("evm_setNextBlockTimestamp", slot.saturating_mul(self.slot_seconds)).await?;
        Ok(time)
    }

    /// Makes hardhat's next block, and one more in the same L1 slot for each transaction with blobs.
    async fn advance_hardhat(&self, hardhat: &Hardhat) -> Result<(), BackendError> {
        let none: [(); 0] = [];
        let mined = self.provider.raw_request::<_, Value>("evm_mine".into(), none).await;
        mined.map_err(|source| self.failed(source))?;
        let mut time = self.set_next_time().await?;
        let held = hardhat.take_held();
        if held.is_empty() {
            return Ok(());
        }
        self.tell("evm_setAutomine", true).await?;
        for raw in held {
            time = time.saturating_add(1);
            self.tell("evm_setNextBlockTimestamp", time).await?;
            // Whoever sent it sends it again at the next L1 block, if it didn't land.
            let sent = hardhat.deliver(&raw).await;
            if let Err(error) = sent {
                tracing::debug!(error = redact(&error.to_string()), "hardhat on a transaction with blobs");
            }
        }
        self.tell("evm_setAutomine", false).await?;
        self.set_next_time().await.map(drop)
    }

    async fn embedded(
        port: u16,
        chain_id: u64,
        seed: u64,
        observer: &Observer,
    ) -> Result<Self, BackendError> {
        let chain = ChainConfig {
            chain_id,
            genesis_timestamp: GENESIS_TIME,
            slot_seconds: SLOT_SECONDS,
            seed: chain_seed(seed),
            // Roles send at the same time; which of them is faster must not show in the chain.
            tie_break: TieBreak::Hash,
            ..ChainConfig::dev()
        };
        let node = Node::start(NodeConfig { chain, ..NodeConfig::default() })?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = node.serve(address).await.map_err(|source| BackendError::Serve { port, source })?;
        Ok(Self {
            url: Url::parse(&server.url())?,
            provider: connect_transport(BoxTransport::new(node.transport())),
            kind: Kind::Embedded { node, _server: server },
            chain_id,
            slot_seconds: SLOT_SECONDS.get(),
            observer: observer.clone(),
        })
    }

    /// A word for what it is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Embedded { .. } => "embedded",
            Kind::Anvil { .. } | Kind::IdleAnvil => "anvil",
            Kind::IdleHardhat(_) => "hardhat",
            Kind::Remote => "remote",
        }
    }

    /// Where its JSON-RPC is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port of its address: what logs and reports say.
    #[must_use]
    pub fn name_of_host(&self) -> String {
        origin(&self.url)
    }

    /// A connection to it; inside the process where it runs there.
    #[must_use]
    pub fn provider(&self) -> &L1Provider {
        &self.provider
    }

    /// Where its blobs are.
    ///
    /// # Errors
    /// When its address isn't one of a beacon API.
    pub fn blobs(&self) -> Result<L1Blobs, ConnectError> {
        Ok(match &self.kind {
            Kind::IdleHardhat(hardhat) => L1Blobs::Sent(hardhat.blobs().clone()),
            _ => L1Blobs::Beacon(BeaconBlobs::new(self.url.clone(), BlockIds::ExecutionHash)?),
        })
    }

    /// What blob transactions must carry there, if it takes one format only: hardhat refuses cell proofs.
    #[must_use]
    pub fn sidecars(&self) -> Option<SidecarFormat> {
        matches!(self.kind, Kind::IdleHardhat(_)).then_some(SidecarFormat::Eip4844)
    }

    /// Its chain id.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Length of an L1 slot in seconds.
    #[must_use]
    pub fn slot_seconds(&self) -> u64 {
        self.slot_seconds
    }

    /// Whether the devnet is its clock: then no work can be late because the machine is slow.
    #[must_use]
    pub fn is_stepwise(&self) -> bool {
        !matches!(self.kind, Kind::Remote)
    }

    /// Whether the chain outlives the devnet.
    #[must_use]
    pub fn lifetime(&self) -> ChainLifetime {
        match self.kind {
            Kind::Embedded { .. } | Kind::Anvil { .. } => ChainLifetime::Devnet,
            Kind::IdleAnvil | Kind::IdleHardhat(_) | Kind::Remote => ChainLifetime::Longer,
        }
    }

    /// Chooses how blocks are made, unless the chain has its own clock.
    ///
    /// # Errors
    /// When the L1 refuses.
    pub async fn set_mining(&self, mining: Mining) -> Result<(), BackendError> {
        let automatic = mining == Mining::EachTransaction;
        match &self.kind {
            Kind::Embedded { node, .. } => node.set_mine_on_transaction(automatic),
            Kind::Anvil { .. } | Kind::IdleAnvil => {
                self.provider.anvil_set_auto_mine(automatic).await.map_err(|source| self.failed(source))?;
            }
            Kind::IdleHardhat(_) => {
                self.tell("evm_setAutomine", automatic).await?;
                self.set_next_time().await?;
            }
            Kind::Remote => {}
        }
        Ok(())
    }

    /// Gives a development node of somebody else back as it was found: it makes blocks for transactions, at
    /// the system's time. hardhat's goes on from that of its last block.
    ///
    /// # Errors
    /// When the L1 refuses.
    pub async fn release(&self) -> Result<(), BackendError> {
        match self.kind {
            Kind::IdleAnvil => self.set_mining(Mining::EachTransaction).await?,
            Kind::IdleHardhat(_) => return self.set_mining(Mining::EachTransaction).await,
            _ => return Ok(()),
        }
        let removed = self.provider.anvil_remove_block_timestamp_interval().await;
        removed.map(drop).map_err(|source| self.failed(source))
    }

    /// Makes the next L1 block, or waits for it.
    ///
    /// # Errors
    /// When the L1 doesn't answer.
    pub async fn advance(&self) -> Result<(), BackendError> {
        match &self.kind {
            Kind::Embedded { node, .. } => {
                let node = node.clone();
                // Executing a block takes milliseconds, too long for an async worker. A panic there is a bug
                // there.
                if let Err(error) = tokio::task::spawn_blocking(move || node.mine_slot()).await {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
            Kind::IdleHardhat(hardhat) => self.advance_hardhat(hardhat).await?,
            Kind::Anvil { .. } | Kind::IdleAnvil => {
                self.provider.evm_mine(None).await.map_err(|source| self.failed(source))?;
            }
            Kind::Remote => {
                let block = self.block_number().await?;
                let quiet = QUIET.max(Duration::from_secs(self.slot_seconds.saturating_mul(QUIET_SLOTS)));
                self.wait_for_block(quiet, |number| number != block).await?;
            }
        }
        Ok(())
    }

    async fn block_number(&self) -> Result<u64, BackendError> {
        self.provider.get_block_number().await.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: TransportError) -> BackendError {
        BackendError::Rpc { url: self.name_of_host(), source }
    }
}

/// What the embedded chain's RANDAO comes from.
fn chain_seed(seed: u64) -> B256 {
    keccak256([b"fernet.devnet.chain.v1".as_slice(), &seed.to_be_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::observer;

    #[tokio::test]
    async fn endpoints_of_several_chains_are_refused() {
        let (observer, _watch) = observer();
        let start = async |id| L1Backend::embedded(0, id, 1, &observer).await.unwrap();
        let (one, other) = (start(1).await, start(2).await);
        let mut secret = other.url().clone();
        secret.set_path("a-secret-key");
        let connect = async |urls: &[Url]| L1Backend::connect(urls, &observer).await.unwrap_err().to_string();
        assert_eq!(
            connect(&[one.url().clone(), other.url().clone()]).await,
            format!(
                "expected endpoints of one chain: that of {} has id 1, that of {} has 2",
                one.name_of_host(),
                other.name_of_host()
            )
        );
        // Nobody listens there, and nothing of the path is repeated.
        let mut nobody = secret.clone();
        nobody.set_port(Some(1)).unwrap();
        let error = connect(&[nobody]).await;
        assert!(error.starts_with("the L1 at http://127.0.0.1:1 failed: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(connect(&[]).await, "expected at least one L1 endpoint");
    }
}
