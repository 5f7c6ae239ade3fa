//! `fernet doctor`: tests an installation, part by part, and says what to do about what is wrong.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::{
    eips::BlockNumberOrTag, network::TxSigner as _, primitives::utils::format_ether, providers::Provider as _,
};
use alloy_primitives::{Address, B256, U256};
use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_actions::{L1Access, escrow, staking};
use fernet_config::{Config, Network, OrNever, Role, SignerName, StorageOptions};
use fernet_l1::{
    BeaconBlobs, BlobError, BlobLocation, BlobSource as _, BlockIds, Deployment, DeploymentFile, L1Provider,
    Pool, Scoring, connect_pool, connect_url,
};
use fernet_protocol::{BlsSecretKey, SigningPreimage};
use fernet_signers::{RoleSigner as _, SignerHandle, open_bls};
use serde::Serialize;
use url::Url;

use crate::{
    init::RoleArg,
    output,
    report::{Format, FormatArgs},
    rollup::default_file,
    runtime, settings, signing,
};

/// Longest time that one check may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// An endpoint that takes longer for a block is slow.
const SLOW: Duration = Duration::from_millis(500);
/// Seconds by which the clock may be behind L1's newest block.
const BEHIND: i64 = 2;
/// L1 slots without a block after which L1, the endpoint or the clock is suspect.
const MISSED_SLOTS: i64 = 5;
/// Free disk space below which a role shouldn't start, in MiB.
const LEAST_SPACE: u64 = 1_024;
/// Free disk space that lasts for long, in MiB.
const AMPLE_SPACE: u64 = 10_240;
/// Ether below which an account that sends transactions should be filled up: 0.1.
const LOW_BALANCE: U256 = U256::from_limbs([100_000_000_000_000_000, 0, 0, 0]);

/// Arguments of `fernet doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each check is OK, WARN or FAIL, with what to do. The exit status is 1 if a check fails. The role's process
must not be running: its ports would be taken. Signers are opened, and sign a text that no contract takes.

Example:
  fernet doctor --config fernet.toml --role sequencer")]
pub(crate) struct Args {
    /// The role that the installation is for
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
    #[command(flatten)]
    format: FormatArgs,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Outcome {
    Ok,
    Warn,
    Fail,
}

/// A check and what it found.
#[derive(Debug, Clone, Serialize)]
struct Check {
    /// What was checked.
    check: String,
    /// How it ended.
    outcome: Outcome,
    /// What was found.
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

/// Writes checks as they end, and counts them.
struct Doctor {
    format: Format,
    checks: Vec<Check>,
}

impl Doctor {
    fn tell(&mut self, check: Check) -> Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string(&check)?,
            Format::Human => {
                let Check { check, outcome, found, advice } = &check;
                let mark = match outcome {
                    Outcome::Ok => "OK  ",
                    Outcome::Warn => "WARN",
                    Outcome::Fail => "FAIL",
                };
                let advice = advice.as_ref().map(|advice| format!("\n      {advice}")).unwrap_or_default();
                format!("{mark}  {check}: {found}{advice}")
            }
        };
        self.checks.push(check);
        output::line(&text)
    }

    fn ok(&mut self, check: &str, found: impl Into<String>) -> Result<()> {
        self.tell(Check { check: check.to_owned(), outcome: Outcome::Ok, found: found.into(), advice: None })
    }

    fn warn(&mut self, check: &str, found: impl Into<String>, advice: &str) -> Result<()> {
        let advice = Some(advice.to_owned());
        self.tell(Check { check: check.to_owned(), outcome: Outcome::Warn, found: found.into(), advice })
    }

    fn fail(&mut self, check: &str, found: impl Into<String>, advice: &str) -> Result<()> {
        let advice = Some(advice.to_owned());
        self.tell(Check { check: check.to_owned(), outcome: Outcome::Fail, found: found.into(), advice })
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When a check fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut doctor = Doctor { format: args.format.format, checks: Vec::new() };
    let role = args.role.map(RoleArg::role);
    runtime::block_on(async { examine(&mut doctor, role).await })?;
    let (failed, warnings) = (doctor.count(Outcome::Fail), doctor.count(Outcome::Warn));
    if doctor.format == Format::Human {
        let good = doctor.count(Outcome::Ok);
        output::line(&format!("{good} checks are OK, {warnings} have warnings, {failed} failed"))?;
    }
    if failed > 0 {
        bail!("{failed} of {} checks failed", doctor.checks.len());
    }
    Ok(())
}

async fn examine(doctor: &mut Doctor, role: Option<Role>) -> Result<()> {
    let config = match settings::config() {
        Ok(config) => config,
        Err(error) => {
            return doctor.fail("configuration", format!("{error:#}"), "correct it: `fernet config check`");
        }
    };
    match role.map(|role| config.require(role)) {
        Some(Err(errors)) => {
            doctor.fail(
                "configuration",
                errors.to_string(),
                "add these settings; docs/configuration.md has all",
            )?;
        }
        _ => doctor.ok("configuration", "every setting is understood")?,
    }
    disk(doctor, &config.storage)?;
    if role.is_some() {
        ports(doctor, config)?;
    }
    let access = l1(doctor, config).await?;
    let addresses = signers(doctor, config, role).await?;
    let Some(access) = access else { return Ok(()) };
    balances(doctor, &access, &addresses).await?;
    match role {
        Some(Role::Sequencer) => sequencer(doctor, config, &access, &addresses).await,
        Some(Role::Prover) => prover(doctor, config, &access, &addresses).await,
        Some(Role::Node) | None => Ok(()),
    }
}

// ---- this machine -----------------------------------------------------------------------------------------

fn disk(doctor: &mut Doctor, storage: &StorageOptions) -> Result<()> {
    const CHECK: &str = "disk";
    let folder = &storage.folder;
    // The folder may not be there yet: then its parent must let it be made.
    let existing = folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned);
    let existing = existing.unwrap_or_else(|| PathBuf::from("."));
    let probe = existing.join(format!(".fernet-doctor-{}", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&probe).and_then(|mut file| {
        file.write_all(b"fernet")?;
        file.sync_all()
    });
    let _ = fs::remove_file(&probe);
    if let Err(error) = written {
        let found = format!("{} can't be written to: {error}", existing.display());
        return doctor.fail(CHECK, found, "choose another storage.folder, or change its owner");
    }
    let space = match rustix::fs::statvfs(&existing) {
        Ok(space) => space.f_bavail.saturating_mul(space.f_frsize) >> 20,
        Err(error) => {
            let found = format!("free space of {} is unknown: {error}", existing.display());
            return doctor.warn(CHECK, found, "look at it with df");
        }
    };
    let found = format!("{} can be written to, {} GiB free", folder.display(), space / 1_024);
    if space < LEAST_SPACE {
        doctor.fail(CHECK, found, "a role that can't write stops: free at least 10 GiB")
    } else if space < AMPLE_SPACE {
        doctor.warn(CHECK, found, "free more: 10 GiB last for long")
    } else {
        doctor.ok(CHECK, found)
    }
}

fn ports(doctor: &mut Doctor, config: &Config) -> Result<()> {
    let peers = config.p2p.listen.iter().map(|address| (address.as_str().to_owned(), port(address.as_str())));
    let metrics = match config.metrics.listen {
        OrNever::Value(address) => Some((address.to_string(), Some(Port::Tcp(address)))),
        OrNever::Never => None,
    };
    for (name, port) in peers.chain(metrics) {
        let check = format!("port {name}");
        let bound = match port {
            Some(Port::Tcp(address)) => TcpListener::bind(address).map(drop),
            Some(Port::Udp(address)) => UdpSocket::bind(address).map(drop),
            None => {
                doctor.warn(&check, "this kind of address is not tested", "see that its port is free")?;
                continue;
            }
        };
        match bound {
            Ok(()) => doctor.ok(&check, "free")?,
            Err(error) => {
                doctor.fail(
                    &check,
                    error.to_string(),
                    "another process has it: stop that, or choose another port",
                )?;
            }
        }
    }
    Ok(())
}

/// A port of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Tcp(SocketAddr),
    Udp(SocketAddr),
}

/// The port of a multiaddress with an IP address.
fn port(address: &str) -> Option<Port> {
    let mut parts = address.split('/').skip(1);
    let (family, ip) = (parts.next()?, parts.next()?);
    let ip: IpAddr = ip.parse().ok().filter(|_| matches!(family, "ip4" | "ip6"))?;
    let (transport, port) = (parts.next()?, parts.next()?.parse().ok()?);
    match transport {
        "tcp" => Some(Port::Tcp(SocketAddr::new(ip, port))),
        "udp" => Some(Port::Udp(SocketAddr::new(ip, port))),
        _ => None,
    }
}

// ---- L1 ---------------------------------------------------------------------------------------------------

/// Where an endpoint is, without what may be a secret.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Waits for an answer, and not for ever.
async fn timely<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => bail!("no answer within {} s", PATIENCE.as_secs()),
    }
}

async fn l1(doctor: &mut Doctor, config: &Config) -> Result<Option<L1Access>> {
    let mut answering = Vec::new();
    let mut chains = BTreeSet::new();
    for endpoint in &config.l1.rpc {
        let url = match settings::resolve(endpoint) {
            Ok(url) => url,
            Err(error) => {
                doctor.fail("l1.rpc", error.to_string(), "set what the reference names")?;
                continue;
            }
        };
        if let Some((chain, timestamp)) = ask(doctor, &url).await? {
            clock(doctor, &url, timestamp)?;
            chains.insert(chain);
            answering.push(url);
        }
    }
    if answering.is_empty() {
        if config.l1.rpc.is_empty() {
            let advice = "name at least one in l1.rpc: nothing of L1 was checked";
            doctor.warn("l1.rpc", "no endpoint", advice)?;
        }
        return Ok(None);
    }
    let expected = config.rollup.network.and_then(Network::chain_id);
    let shown = chains.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if chains.len() > 1 {
        doctor.fail("chain id", shown, "these are different chains: remove the wrong endpoints")?;
        return Ok(None);
    }
    match expected {
        Some(expected) if !chains.contains(&expected) => {
            let found = format!("{shown}, but the network has {expected}");
            doctor.fail("chain id", found, "choose the other network, or endpoints of this one")?;
            return Ok(None);
        }
        _ => doctor.ok("chain id", shown)?,
    }
    let provider = connect_pool(&Pool::of_urls(&answering)?);
    let found = timely(deployment(config, &provider, chains.first().copied().unwrap_or_default())).await;
    let deployment = match found {
        Ok(deployment) => deployment,
        Err(error) => {
            let advice =
                "take the deployment file of this network: its addresses and code hashes must be L1's";
            doctor.fail("deployment", format!("{error:#}"), advice)?;
            return Ok(None);
        }
    };
    doctor.ok("deployment", format!("Rollup {}, code as in the file", deployment.contracts().rollup))?;
    blobs(doctor, config, &answering, &provider, &deployment).await?;
    match timely(async { Ok(L1Access::new(provider, deployment).await?) }).await {
        Ok(access) => Ok(Some(access)),
        Err(error) => {
            doctor.fail("l1", format!("{error:#}"), "try again, or another endpoint")?;
            Ok(None)
        }
    }
}

/// The chain id and the newest block's time of an endpoint.
async fn ask(doctor: &mut Doctor, url: &Url) -> Result<Option<(u64, u64)>> {
    let check = format!("l1.rpc {}", origin(url));
    let began = Instant::now();
    let answer = timely(async {
        let provider = connect_url(url)?;
        let chain = provider.get_chain_id().await?;
        let block = provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let Some(block) = block else { bail!("it has no newest block") };
        Ok((chain, block.header.number, block.header.timestamp))
    });
    match answer.await {
        Ok((chain, number, timestamp)) => {
            let took = began.elapsed();
            let found = format!("chain {chain}, block {number}, {} ms", took.as_millis());
            if took > SLOW {
                doctor.warn(&check, found, "it is slow: add another endpoint to l1.rpc")?;
            } else {
                doctor.ok(&check, found)?;
            }
            Ok(Some((chain, timestamp)))
        }
        Err(error) => {
            doctor.fail(
                &check,
                format!("{error:#}"),
                "see that the node runs and this machine reaches it",
            )?;
            Ok(None)
        }
    }
}

fn clock(doctor: &mut Doctor, url: &Url, timestamp: u64) -> Result<()> {
    let check = format!("clock against {}", origin(url));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let age =
        i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(i64::try_from(timestamp).unwrap_or(i64::MAX));
    if age < -BEHIND {
        let found = format!("this machine is {} s behind L1's newest block", -age);
        return doctor.fail(&check, found, "synchronize the clock (NTP): windows would be missed");
    }
    let found = format!("the newest block is {age} s old");
    if age > MISSED_SLOTS.saturating_mul(12) {
        let advice = "L1 makes no blocks, the node is behind, or the clock is ahead: compare it with another";
        return doctor.warn(&check, found, advice);
    }
    doctor.ok(&check, found)
}

async fn deployment(config: &Config, provider: &L1Provider, chain_id: u64) -> Result<Deployment> {
    let file = match &config.l1.deployment {
        Some(file) => file.clone(),
        None => default_file(chain_id)?,
    };
    let read = DeploymentFile::read(&file)?;
    Deployment::verify(read, provider).await.wrap_err_with(|| format!("{} is not L1's", file.display()))
}

async fn blobs(
    doctor: &mut Doctor,
    config: &Config,
    endpoints: &[Url],
    provider: &L1Provider,
    deployment: &Deployment,
) -> Result<()> {
    let ids = match config.l1.blob_ids {
        fernet_config::BlobIds::Hash => BlockIds::ExecutionHash,
        fernet_config::BlobIds::Slot => BlockIds::BeaconSlot,
    };
    let mut urls = Vec::new();
    for endpoint in &config.l1.blobs {
        match settings::resolve(endpoint) {
            Ok(url) => urls.push(url),
            Err(error) => doctor.fail("l1.blobs", error.to_string(), "set what the reference names")?,
        }
    }
    if config.l1.blobs.is_empty() {
        urls.extend(endpoints.first().cloned());
    }
    let advice =
        "name an endpoint in l1.blobs that has /eth/v1/beacon/blobs; l1.blob_ids says how it names blocks";
    for url in urls {
        let check = format!("l1.blobs {}", origin(&url));
        // No block has this blob. What the endpoint says about it shows that it knows the block.
        let answer = timely(async {
            let block = provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
            let Some(header) = block.map(|block| block.header) else { bail!("L1 has no newest block") };
            let l1_slot = deployment.clock().slot_at(header.timestamp)?;
            let at = BlobLocation { number: header.number, hash: header.hash, l1_slot };
            Ok(BeaconBlobs::new(url.clone(), ids)?.blobs(at, &[B256::ZERO]).await)
        });
        match answer.await {
            Ok(Ok(_) | Err(BlobError::Unavailable { .. })) => {
                doctor.ok(&check, "it knows the newest block")?
            }
            Ok(Err(BlobError::Refused { status: 404, .. })) => {
                doctor.warn(&check, "it doesn't know the newest block (status 404)", advice)?;
            }
            Ok(Err(error)) => doctor.fail(&check, error.to_string(), advice)?,
            Err(error) => doctor.fail(&check, format!("{error:#}"), advice)?,
        }
    }
    Ok(())
}

// ---- keys and accounts ------------------------------------------------------------------------------------

/// Accounts of the role's signers.
#[derive(Debug, Default)]
struct Addresses(Vec<(SignerName, Address)>);

impl Addresses {
    fn of(&self, name: Option<&SignerName>) -> Option<Address> {
        self.0.iter().find(|(known, _)| Some(known) == name).map(|(_, address)| *address)
    }
}

/// Opens the signers of the role, or all of them, and has each sign something.
async fn signers(doctor: &mut Doctor, config: &Config, role: Option<Role>) -> Result<Addresses> {
    let bls = config.sequencer.bls.as_ref().filter(|_| role != Some(Role::Prover));
    let (sequencer, prover) = (&config.sequencer, &config.prover);
    let names: Vec<SignerName> = match role {
        Some(Role::Sequencer) => {
            [&sequencer.attester, &sequencer.blobs, &sequencer.owner].into_iter().flatten().cloned().collect()
        }
        Some(Role::Prover) => {
            [&prover.signer, &prover.sender, &prover.payee_signer].into_iter().flatten().cloned().collect()
        }
        Some(Role::Node) => Vec::new(),
        None => config.signers.keys().filter(|name| Some(*name) != bls).cloned().collect(),
    };
    let mut addresses = Addresses::default();
    for name in names.into_iter().collect::<BTreeSet<_>>() {
        let check = format!("signer {name}");
        match open(config, &name).await {
            Ok(address) => {
                doctor.ok(&check, format!("signs for {address}"))?;
                addresses.0.push((name, address));
            }
            Err(error) => {
                doctor.fail(
                    &check,
                    format!("{error:#}"),
                    "docs/operating/keys.md says how each kind is set up",
                )?;
            }
        }
    }
    if let Some(name) = bls.filter(|_| role != Some(Role::Node)) {
        let check = format!("signer {name}");
        match open_scores(config, name).await {
            Ok(key) => doctor.ok(&check, format!("BLS key with hash {}", key.public_key().hash()))?,
            Err(error) => {
                doctor.fail(
                    &check,
                    format!("{error:#}"),
                    "docs/operating/keys.md says how each kind is set up",
                )?;
            }
        }
    }
    Ok(addresses)
}

async fn open_scores(config: &Config, name: &SignerName) -> Result<BlsSecretKey> {
    Ok(open_bls(name.as_str(), &signing::bls_source(config, name.as_str())?).await?)
}

async fn open(config: &Config, name: &SignerName) -> Result<Address> {
    let handle = SignerHandle::open(signing::spec(config, name.as_str())?).await?;
    // The domain is of no contract, so the signature is worth nothing.
    let preimage = SigningPreimage::new(B256::ZERO, B256::ZERO);
    let signature = handle.sign_typed_data(&preimage).await?;
    let signer = signature.recover_address_from_prehash(&preimage.digest())?;
    if signer != handle.address() {
        bail!("expected a signature of {}, got one of {signer}", handle.address());
    }
    Ok(signer)
}

async fn balances(doctor: &mut Doctor, access: &L1Access, addresses: &Addresses) -> Result<()> {
    for (name, address) in &addresses.0 {
        let check = format!("balance of {name}");
        match timely(async { Ok(access.ether_of(*address).await?) }).await {
            Ok(wei) if wei.is_zero() => {
                let advice =
                    "send ether to it, if it sends transactions: the attester, the blob and the sender do";
                doctor.warn(&check, format!("{address} has no ether"), advice)?;
            }
            Ok(wei) if wei < LOW_BALANCE => {
                let found = format!("{address} has {} ether", format_ether(wei));
                doctor.warn(&check, found, "send it more: at high fees this lasts for few duties")?;
            }
            Ok(wei) => doctor.ok(&check, format!("{address} has {} ether", format_ether(wei)))?,
            Err(error) => doctor.fail(&check, format!("{error:#}"), "try again, or another endpoint")?,
        }
    }
    Ok(())
}

async fn sequencer(
    doctor: &mut Doctor,
    config: &Config,
    access: &L1Access,
    addresses: &Addresses,
) -> Result<()> {
    if access.deployment().scoring() == Scoring::Vrf && config.sequencer.bls.is_none() {
        let advice = "name the signer with its BLS key in sequencer.bls: without it, no rank is known";
        doctor.fail("scoring", "this deployment scores by VRF", advice)?;
    }
    let Some(id) = config.sequencer.id else { return Ok(()) };
    let check = format!("sequencer {id}");
    let found = match timely(async { Ok(staking::sequencer(access, id).await?) }).await {
        Ok(found) => found,
        Err(error) => {
            return doctor.fail(&check, format!("{error:#}"), "register it: `fernet sequencer register`");
        }
    };
    let state = format!("{}, stake {}", found.status, access.units().tokens(found.stake.0));
    match found.status {
        "active" => doctor.ok(&check, state)?,
        "queued" => doctor.warn(&check, state, "it has to wait for its turn to enter")?,
        _ => doctor.fail(&check, state, "it proposes nothing any more: register another")?,
    }
    let attester = addresses.of(config.sequencer.attester.as_ref());
    let next = found.next_attester.as_ref().map(|rotation| rotation.key);
    match attester {
        Some(attester) if attester == found.attester => {
            doctor.ok("attester", format!("{attester}, as registered"))?
        }
        Some(attester) if Some(attester) == next => {
            doctor.warn(
                "attester",
                format!("{attester} is registered for later"),
                "until then the old one must sign",
            )?;
        }
        Some(attester) => {
            let found = format!("the signer is {attester}, but {} is registered", found.attester);
            doctor.fail(
                "attester",
                found,
                "name its signer in sequencer.attester, or `fernet sequencer rotate-attester`",
            )?;
        }
        None => {}
    }
    Ok(())
}

async fn prover(
    doctor: &mut Doctor,
    config: &Config,
    access: &L1Access,
    addresses: &Addresses,
) -> Result<()> {
    let signer = addresses.of(config.prover.signer.as_ref());
    let Some(account) = config.prover.account.or(signer) else { return Ok(()) };
    let check = format!("escrow of {account}");
    let found = match timely(async { Ok(escrow::status(access, account).await?) }).await {
        Ok(found) => found,
        Err(error) => return doctor.fail(&check, format!("{error:#}"), "try again, or another endpoint"),
    };
    let units = access.units();
    let bonds = format!(
        "{} free, {} locked: enough for {} bonds",
        units.tokens(found.free.0),
        units.tokens(found.locked.0),
        found.affordable_bonds
    );
    match found.affordable_bonds.as_str() {
        "0" => doctor.fail(&check, bonds, "deposit more: `fernet prover deposit`")?,
        "1" => doctor.warn(&check, bonds, "one block at a time: deposit more, `fernet prover deposit`")?,
        _ => doctor.ok(&check, bonds)?,
    }
    let named = [Some(account), found.signer];
    match signer {
        Some(signer) if named.contains(&Some(signer)) => {
            doctor.ok("quotes", format!("{signer} may sign them"))
        }
        Some(signer) => {
            let found = format!("{signer} may not sign for {account}");
            doctor.fail("quotes", found, "name it in the escrow: `fernet prover set-signer`")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_multiaddresses_are_found() {
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(port("/ip4/127.0.0.1/tcp/40500"), Some(Port::Tcp(at("127.0.0.1:40500"))));
        assert_eq!(port("/ip4/0.0.0.0/udp/7/quic-v1"), Some(Port::Udp(at("0.0.0.0:7"))));
        assert_eq!(port("/ip6/::1/tcp/1"), Some(Port::Tcp(at("[::1]:1"))));
        for text in ["/dns4/host/tcp/1", "/ip4/127.0.0.1", "/ip4/x/tcp/1", "/memory/1", ""] {
            assert_eq!(port(text), None, "{text}");
        }
    }
}
