//! Starts the roles of a devnet as processes, each with a configuration as an operator would write it.

use std::{fmt::Write as _, fs, io, path::PathBuf, sync::Arc, time::Duration};

use alloy::{hex, providers::Provider as _, signers::local::PrivateKeySigner, transports::BoxTransport};
use fernet_hooks::{Endpoint, Hooks, Rates, Seeded};
use fernet_network::Network;
use fernet_p2p::{Identity, Multiaddr, P2p};
use fernet_sequencer::CommitmentBy;
use tokio::time::{Instant, sleep};

use crate::{
    actors::Apart,
    environment::Environment,
    error::DevnetError,
    observer::Observer,
    options::{DevnetOptions, ProcessOptions, keys_folder},
    processes::{Faultless, Member, Processes, Program, free_ports},
};

/// How long the processes may take until all of them are connected.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How often the peers are counted.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Variables of the keys.
const ATTESTER: &str = "FERNET_DEV_ATTESTER_KEY";
const BLOBS: &str = "FERNET_DEV_BLOBS_KEY";
const SCORES: &str = "FERNET_DEV_SCORES_KEY";
const QUOTES: &str = "FERNET_DEV_QUOTES_KEY";

/// What is the same for all configurations.
struct Common {
    deployment: PathBuf,
    keys: PathBuf,
    pause: Duration,
    commitments: CommitmentBy,
    bootnode: Multiaddr,
}

/// The ports of a process.
#[derive(Debug, Clone, Copy)]
struct Ports {
    peers: u16,
    metrics: u16,
}

/// Starts a process for each role, and joins their network.
///
/// # Errors
/// When a port or a process can't be had, or the processes don't find each other.
pub(crate) async fn start(
    environment: &Environment,
    options: &DevnetOptions,
    apart: &ProcessOptions,
    observer: &Observer,
) -> Result<Apart, DevnetError> {
    observer.activity("starting a process for each role");
    let nodes = (0..apart.nodes).map(Member::Node);
    let provers = (0..environment.accounts.provers.len()).map(Member::Prover);
    let sequencers = (0..environment.accounts.sequencers.len()).map(Member::Sequencer);
    let members: Vec<Member> = nodes.chain(provers).chain(sequencers).collect();
    let failed = |source: io::Error| DevnetError::Folder { path: apart.folder.clone(), source };

    // The devnet itself is the peer that all others know.
    let mut config = fernet_p2p::Config::new(environment.deployment.rollup_id(), Identity::generate());
    config.listen = fernet_p2p::Config::loopback(0);
    let network = P2p::start(config).await?;
    let status = network.status();
    let own = status.listening.first().ok_or_else(|| failed(io::Error::other("no address to listen at")))?;
    let bootnode = format!("{own}/p2p/{}", status.libp2p_id);
    let common = Common {
        deployment: environment.deployment_path().to_owned(),
        keys: apart.keys.clone().unwrap_or_else(|| keys_folder(&options.root)),
        pause: apart.pause,
        commitments: options.commitments,
        bootnode: bootnode
            .parse()
            .map_err(|error| failed(io::Error::other(format!("{bootnode}: {error}"))))?,
    };
    let (ports, reserved) = free_ports(members.len().saturating_mul(2)).map_err(failed)?;
    let mut ports = ports.into_iter();
    let mut processes = Processes::default();
    for member in members {
        let (Some(peers), Some(metrics)) = (ports.next(), ports.next()) else { break };
        let hooks: Arc<dyn Hooks> = match options.endpoint_faults {
            None => Arc::new(Faultless),
            Some(faults) => Arc::new(Seeded::new(faults.seed_of(&member.to_string()), Rates::USUAL)),
        };
        let node = BoxTransport::new(environment.backend.provider().client().transport().clone());
        let endpoint =
            Endpoint::serve(node, environment.backend.url().clone(), hooks).await.map_err(failed)?;
        let (table, environment_variables) = table(member, environment, &common);
        let ports = Ports { peers, metrics };
        let program = Program {
            binary: apart.binary.clone(),
            configuration: configuration(member, &common, &endpoint.url(), ports, &table),
            environment: environment_variables,
            metrics: ([127, 0, 0, 1], metrics).into(),
        };
        let folder = apart.folder.join(member.to_string());
        processes.add(member, folder, program, Arc::new(endpoint))?;
    }
    drop(reserved);
    let all: Vec<Member> = processes.members().collect();
    for member in &all {
        processes.start(*member)?;
    }
    observer.activity("waiting for the processes to find each other");
    let until = Instant::now() + START_LIMIT;
    while network.status().peers.len() < all.len() {
        processes.check()?;
        if Instant::now() >= until {
            let found = network.status().peers.len();
            return Err(DevnetError::NotConnected { expected: all.len(), found });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Apart { processes, network: Arc::new(network) as Arc<dyn Network> })
}

/// A configuration as `fernet init` writes it, without the comments.
fn configuration(member: Member, common: &Common, l1: &str, ports: Ports, table: &str) -> String {
    let Ports { peers, metrics } = ports;
    let Common { deployment, pause, bootnode, .. } = common;
    let (deployment, pause) = (deployment.display(), pause.as_millis());
    format!(
        "# {member} of a devnet.\n\
         [l1]\n\
         rpc = [\"{l1}\"]\n\
         deployment = \"{deployment}\"\n\
         poll = \"{pause} ms\"\n\
         system_time = false\n\n\
         [storage]\n\
         folder = \"data\"\n\n\
         [p2p]\n\
         listen = [\"/ip4/127.0.0.1/tcp/{peers}\"]\n\
         bootnodes = [\"{bootnode}\"]\n\n\
         [metrics]\n\
         listen = \"127.0.0.1:{metrics}\"\n\n\
         {table}"
    )
}

/// The table of a role and its signers, and the variables with the keys.
fn table(member: Member, environment: &Environment, common: &Common) -> (String, Vec<(String, String)>) {
    let Environment { accounts, setup, .. } = environment;
    let recipient = |number: usize| setup.users.iter().cycle().nth(number).copied().unwrap_or_default().get();
    let mut table = String::new();
    let mut variables = Vec::new();
    // A `String` takes everything that is written to it.
    let mut signer = |name: &str, variable: &str, secret: String| {
        variables.push((variable.to_owned(), secret));
        format!("\n[signers.{name}]\nkind = \"env\"\nvariable = \"{variable}\"\n")
    };
    match member {
        Member::Node(_) => table.push_str("[node]\narchive = \"blobs\"\n"),
        Member::Prover(number) => {
            let Some(key) = accounts.provers.get(number) else { return (table, variables) };
            let keys = common.keys.display();
            let _ = write!(
                table,
                "[prover]\nsigner = \"quotes\"\nproving_keys = \"{keys}\"\nfee_recipient = {}\n\
                 claim_from = \"0.1 token\"\n",
                recipient(number),
            );
            table.push_str(&signer("quotes", QUOTES, secret(key)));
        }
        Member::Sequencer(number) => {
            let (Some(key), Some(blobs)) =
                (accounts.sequencers.get(number), accounts.blob_accounts.get(number))
            else {
                return (table, variables);
            };
            let id = setup.sequencers.get(number).copied().unwrap_or_default().get();
            let commitment = match common.commitments {
                CommitmentBy::Sequencer => "sequencer",
                CommitmentBy::Prover => "prover",
            };
            let _ = write!(
                table,
                "[sequencer]\nid = {id}\nattester = \"attester\"\nblobs = \"blobs\"\nbls = \"scores\"\n\
                 fee_recipient = {}\nclaim_from = \"0.1 token\"\ncommitment = \"{commitment}\"\n\
                 quote_deadline = \"{} ms\"\n",
                recipient(number),
                common.pause.as_millis().saturating_mul(4),
            );
            table.push_str(&signer("attester", ATTESTER, secret(key)));
            table.push_str(&signer("blobs", BLOBS, secret(blobs)));
            if let Some(scores) = accounts.bls.get(number) {
                table.push_str(&signer("scores", SCORES, hex::encode(scores.to_bytes().as_slice())));
            }
        }
    }
    (table, variables)
}

fn secret(key: &PrivateKeySigner) -> String {
    hex::encode(key.to_bytes())
}

/// Makes the folder of the processes, which must be empty.
///
/// # Errors
/// When there is something in it, or the system refuses.
pub(crate) fn make_folder(apart: &ProcessOptions) -> Result<(), DevnetError> {
    let failed = |source| DevnetError::Folder { path: apart.folder.clone(), source };
    fs::create_dir_all(&apart.folder).map_err(failed)?;
    let mut entries = fs::read_dir(&apart.folder).map_err(failed)?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(failed(io::Error::other("expected an empty folder: those of another run are there"))),
    }
}
