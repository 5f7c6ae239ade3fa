//! From a configuration to a running role.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::{
    network::TxSigner as _,
    primitives::{Address, U256},
    providers::Provider as _,
};
use fernet_circuit::ProverKey;
use fernet_config::Config;
use fernet_l1::{DeploymentFile, L1Provider};
use fernet_network::Network;
use fernet_p2p::{Nat, P2p, load_or_create_identity};
use fernet_prover::LocalWorker;
use fernet_roles::Shutdown;
use fernet_signers::{SignerHandle, reload_on_change};
use fernet_telemetry::{AccountKind, BuildInfo, NetworkStats, Role, Settings, StoreKind, Telemetry};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::sleep};

use crate::{
    configured,
    error::OperatorError,
    lease::Lease,
    process::{LEASE, Place, Process, make_folder},
    roles::{self, Running},
    rollup::Rollup,
};

/// The file of the node's key in a folder.
const IDENTITY: &str = "peer.key";
/// How often the network's numbers are taken over.
const NETWORK_EVERY: Duration = Duration::from_secs(1);
/// How often balances are looked up: a request each.
const BALANCES_EVERY: Duration = Duration::from_secs(60);
/// How often it is noted whether keys sign.
const SIGNERS_EVERY: Duration = Duration::from_secs(1);
/// How often the files of keys are looked at.
const KEYS_EVERY: Duration = Duration::from_secs(5);

/// What a process does when another one has its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenHeld {
    /// It fails.
    Fail,
    /// It waits, as a spare.
    Wait,
}

/// What a role is launched with.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The deployment file, if the configuration names none.
    pub deployment: PathBuf,
    /// Where the binary comes from.
    pub build: BuildInfo,
    /// What it does when another process has its lease.
    pub when_held: WhenHeld,
    /// Asks for the end.
    pub shutdown: watch::Receiver<Shutdown>,
}

/// The parts of a running process that are the same for every role.
struct Parts {
    process: Process,
    network: Arc<P2p>,
    telemetry: Telemetry,
    /// Tasks that end with the process.
    tasks: JoinSet<()>,
    /// Dropped last: a spare that waits for it opens the same files.
    _lease: Lease,
}

impl Launch<'_> {
    /// Opens everything but the role; `None` if the process is asked to end meanwhile.
    async fn open(&mut self, role: Role, place: &Place) -> Result<Option<Parts>, OperatorError> {
        let lease = place.folder.join(LEASE);
        let lease = match self.when_held {
            WhenHeld::Fail => Lease::take(&lease)?,
            WhenHeld::Wait => match Lease::wait(&lease, &mut self.shutdown).await? {
                Some(lease) => lease,
                None => return Ok(None),
            },
        };
        let l1 = configured::l1_options(self.config, self.deployment.clone())?;
        let file = DeploymentFile::read(&l1.deployment)?;
        let mut tasks = JoinSet::new();
        let l1_slot = Duration::from_secs(file.l1_slot_seconds);
        let mut settings = Settings::new(role, self.build.clone(), l1_slot);
        if !configured::l1_has_the_systems_time(self.config) {
            settings.limits.head_age = None;
        }
        let telemetry = Telemetry::new(settings);
        self.serve(&telemetry, &mut tasks).await?;
        let Some(rollup) = Rollup::connect(&l1, &mut self.shutdown).await? else {
            return Ok(None);
        };
        telemetry.set_endpoints(rollup.pool.clone());
        let network = self.join(&rollup, place).await?;
        spawn_network_stats(&network, &telemetry, &mut tasks);
        let process = Process::open(rollup, place, Arc::clone(&network) as Arc<dyn Network>).await?;
        let name = telemetry.settings().role.name();
        let in_folder = |file: String| place.folder.join(file);
        let stores = vec![
            (StoreKind::Follower, in_folder("follower.redb".to_owned())),
            (StoreKind::Journal, in_folder(format!("{name}.journal.redb"))),
            (StoreKind::Transactions, in_folder(format!("{name}.transactions.redb"))),
        ];
        telemetry.set_files(&place.folder, stores);
        Ok(Some(Parts { process, network, telemetry, tasks, _lease: lease }))
    }

    /// Opens the port of metrics and health, unless the configuration closes it.
    async fn serve(&self, telemetry: &Telemetry, tasks: &mut JoinSet<()>) -> Result<(), OperatorError> {
        let Some(address) = self.config.metrics.listen.value() else {
            return Ok(());
        };
        let failed = |source| OperatorError::Listen { setting: "metrics.listen", address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, "metrics, health and status");
        let telemetry = telemetry.clone();
        tasks.spawn(async move {
            if let Err(error) = telemetry.serve(listener, std::future::pending()).await {
                tracing::error!(code = "OPR-002", %error, "metrics are not served any more");
            }
        });
        Ok(())
    }

    async fn join(&self, rollup: &Rollup, place: &Place) -> Result<Arc<P2p>, OperatorError> {
        let options = &self.config.p2p;
        let identity = load_or_create_identity(&place.folder.join(IDENTITY))?;
        let addresses = configured::addresses;
        let mut config = fernet_p2p::Config::new(rollup.deployment.rollup_id(), identity);
        config.listen = addresses("p2p.listen", &options.listen)?;
        config.external = addresses("p2p.external", &options.external)?;
        config.bootnodes = addresses("p2p.bootnodes", &options.bootnodes)?;
        config.nat = if options.upnp || options.autonat { Nat::Asked } else { Nat::Ignored };
        config.limits.peers = options.max_peers.get();
        config.limits.inbound_peers = config.limits.inbound_peers.min(config.limits.peers);
        config.limits.wanted_peers = config.limits.wanted_peers.min(config.limits.peers);
        let network = Arc::new(P2p::start(config).await?);
        for address in network.status().listening {
            tracing::info!(%address, "peers");
        }
        Ok(network)
    }

    fn running(&self) -> Running {
        Running { pause: configured::pause(self.config), shutdown: self.shutdown.clone() }
    }
}

/// Runs a sequencer until the process is asked to end.
///
/// # Errors
/// When a part can't be opened, or going on is useless.
pub async fn sequencer(mut launch: Launch<'_>) -> Result<(), OperatorError> {
    let place = configured::role_place(launch.config);
    make_folder(&place.folder)?;
    let keys = configured::sequencer_keys(launch.config).await?;
    let owner = keys.owner.as_ref().unwrap_or(&keys.attester).address();
    let id = configured::sequencer_id(launch.config)?;
    let role = Role::Sequencer { id, owner };
    let Some(mut parts) = launch.open(role, &place).await? else {
        return Ok(());
    };
    let settings = configured::sequencer_settings(launch.config, &parts.process.rollup.deployment, &keys)?;
    let mut accounts = vec![(AccountKind::Plain, keys.attester.address())];
    accounts.extend(keys.blobs.as_ref().map(|key| (AccountKind::Blob, key.address())));
    accounts.extend(keys.owner.as_ref().map(|key| (AccountKind::Rewards, key.address())));
    let handles = [Some(&keys.attester), keys.blobs.as_ref(), keys.owner.as_ref()];
    parts.watch_keys(handles.into_iter().flatten().cloned().collect());
    parts.watch_balances(accounts);
    let mut driver = roles::sequencer(&parts.process, parts.network(), settings, keys)?;
    let (telemetry, guard) = (parts.telemetry.clone(), parts.telemetry.watch("sequencer"));
    let run = roles::run_sequencer(&mut driver, launch.running(), |block, follower, report| {
        telemetry.observe_sequencer(block, &report, follower);
    });
    let ended = run.await;
    drop(driver);
    parts.ended(guard, ended)
}

/// Runs a prover with these proving keys until the process is asked to end.
///
/// # Errors
/// When a part can't be opened, or going on is useless.
pub async fn prover(mut launch: Launch<'_>, proving: Arc<ProverKey>) -> Result<(), OperatorError> {
    let place = configured::role_place(launch.config);
    make_folder(&place.folder)?;
    let keys = configured::prover_keys(launch.config).await?;
    let prover = launch.config.prover.account.unwrap_or_else(|| keys.quotes.address());
    let payee = launch.config.prover.payee.unwrap_or(prover);
    let Some(mut parts) = launch.open(Role::Prover { prover, payee }, &place).await? else {
        return Ok(());
    };
    let settings = configured::prover_settings(launch.config, &parts.process.rollup.deployment, &keys);
    let sender = keys.transactions.as_ref().unwrap_or(&keys.quotes);
    let mut accounts = vec![(AccountKind::Plain, sender.address())];
    accounts.extend(keys.payee.as_ref().map(|key| (AccountKind::Rewards, key.address())));
    let handles = [Some(&keys.quotes), keys.transactions.as_ref(), keys.payee.as_ref()];
    parts.watch_keys(handles.into_iter().flatten().cloned().collect());
    parts.watch_balances(accounts);
    let threads = configured::threads(launch.config);
    let worker = Arc::new(LocalWorker::new(Arc::new(fernet_circuit::Prover::new(proving)), threads));
    let mut driver = roles::prover(&parts.process, parts.network(), settings, keys, worker)?;
    let (telemetry, guard) = (parts.telemetry.clone(), parts.telemetry.watch("prover"));
    let run = roles::run_prover(&mut driver, launch.running(), |block, follower, report| {
        telemetry.observe_prover(block, &report, follower);
    });
    let ended = run.await;
    drop(driver);
    parts.ended(guard, ended)
}

/// Runs a node until the process is asked to end.
///
/// # Errors
/// When a part can't be opened, or going on is useless.
pub async fn node(mut launch: Launch<'_>) -> Result<(), OperatorError> {
    let place = configured::node_place(launch.config);
    make_folder(&place.folder)?;
    let Some(parts) = launch.open(Role::Node, &place).await? else {
        return Ok(());
    };
    let network = parts.network();
    let mut driver = roles::node(&parts.process, &*network, configured::mempool(launch.config))?;
    let (telemetry, guard) = (parts.telemetry.clone(), parts.telemetry.watch("node"));
    let run = roles::run_node(&mut driver, launch.running(), |block, follower, _| {
        telemetry.observe_node(block, follower);
    });
    let ended = run.await;
    drop(driver);
    parts.ended(guard, ended)
}

impl Parts {
    fn network(&self) -> Arc<dyn Network> {
        Arc::clone(&self.network) as Arc<dyn Network>
    }

    /// Opens keys again when their files change or the process gets SIGHUP, and says whether they sign.
    fn watch_keys(&mut self, handles: Vec<SignerHandle>) {
        let telemetry = self.telemetry.clone();
        let watched = handles.clone();
        self.tasks.spawn(async move {
            loop {
                telemetry.set_signer(watched.iter().find_map(SignerHandle::failure));
                sleep(SIGNERS_EVERY).await;
            }
        });
        self.tasks.spawn(reload_on_change(handles, KEYS_EVERY));
    }

    /// Looks up the balances of accounts that pay for transactions.
    fn watch_balances(&mut self, accounts: Vec<(AccountKind, Address)>) {
        let (provider, telemetry) = (self.process.provider(), self.telemetry.clone());
        self.tasks.spawn(async move {
            loop {
                for (kind, account) in &accounts {
                    if let Some(balance) = balance(&provider, *account).await {
                        telemetry.set_balance(*kind, balance);
                    }
                }
                sleep(BALANCES_EVERY).await;
            }
        });
    }

    /// Ends what runs beside the role.
    fn ended(
        mut self,
        guard: fernet_telemetry::RoleGuard,
        ended: Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        match &ended {
            Ok(()) => guard.finish(),
            Err(error) => guard.fail(error),
        }
        self.tasks.abort_all();
        ended
    }
}

async fn balance(provider: &L1Provider, account: Address) -> Option<U256> {
    match provider.get_balance(account).await {
        Ok(balance) => Some(balance),
        Err(error) => {
            tracing::debug!(%account, %error, "the balance is not known");
            None
        }
    }
}

/// Takes the network's numbers over into the metrics.
fn spawn_network_stats(network: &Arc<P2p>, telemetry: &Telemetry, tasks: &mut JoinSet<()>) {
    let (network, telemetry) = (Arc::downgrade(network), telemetry.clone());
    tasks.spawn(async move {
        while let Some(network) = network.upgrade() {
            telemetry.set_network(stats(&network.status()));
            drop(network);
            sleep(NETWORK_EVERY).await;
        }
    });
}

fn stats(status: &fernet_p2p::Status) -> NetworkStats {
    NetworkStats {
        peers: status.peers.len(),
        banned: status.bans.len(),
        accepted: status.counters.accepted,
        ignored: status.counters.ignored,
        rejected: status.counters.rejected,
        inbound_bytes: status.counters.gossip_bytes,
        outbound_bytes: status.counters.served_bytes,
    }
}
