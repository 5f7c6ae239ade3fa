//! From the configuration to what a role's process is made of.

use std::{env, fs, path::PathBuf, str::FromStr, time::Duration};

use alloy::network::TxSigner as _;
use alloy::primitives::U256;
use fernet_config::{
    BlobIds, Commitment, Config, Endpoint, Multiaddr, PasswordReference, Sidecars, Signer, SignerName,
};
use fernet_l1::{BlockIds, Deployment, SidecarFormat};
use fernet_protocol::{BlsSecretKey, SequencerId, TokenAmount};
use fernet_prover::PriceList;
use fernet_roles::MempoolLimits;
use fernet_sequencer::CommitmentBy;
use fernet_signers::{
    BlsSource, PasswordSource, RemoteSettings, SignerHandle, SignerSource, SignerSpec, TlsFiles, open_bls,
};
use url::Url;

use crate::{
    error::OperatorError,
    process::{Archive, Place},
    roles::{ProverKeys, SequencerKeys},
    rollup::L1Options,
};

/// The L1 of a configuration. `deployment` is the file that counts if none is configured.
///
/// # Errors
/// When an address can't be found.
pub fn l1_options(config: &Config, deployment: PathBuf) -> Result<L1Options, OperatorError> {
    let ids = match config.l1.blob_ids {
        BlobIds::Hash => BlockIds::ExecutionHash,
        BlobIds::Slot => BlockIds::BeaconSlot,
    };
    let endpoints = resolve("l1.rpc", &config.l1.rpc)?;
    let blobs = resolve("l1.blobs", &config.l1.blobs)?.into_iter();
    let more = resolve("node.blob_sources", &config.node.blob_sources)?;
    Ok(L1Options {
        endpoints,
        blobs: blobs.chain(more).map(|url| (url, ids)).collect(),
        deployment: config.l1.deployment.clone().unwrap_or(deployment),
    })
}

/// The address of an endpoint, which a variable or a file may have. `setting` is shown in errors.
fn address(setting: &str, endpoint: &Endpoint) -> Result<Url, OperatorError> {
    let found = endpoint.resolve(|name| env::var(name).ok(), |path| fs::read_to_string(path));
    found.map_err(|reason| OperatorError::Setting { setting: setting.to_owned(), reason })
}

fn resolve(setting: &str, endpoints: &[Endpoint]) -> Result<Vec<Url>, OperatorError> {
    endpoints.iter().map(|endpoint| address(setting, endpoint)).collect()
}

/// The files of a node.
#[must_use]
pub fn node_place(config: &Config) -> Place {
    let archive = config.node.archive.clone().map_or(Archive::None, Archive::Kept);
    Place { archive, snapshot: config.node.snapshot.clone(), ..role_place(config) }
}

/// The files of a sequencer or a prover.
#[must_use]
pub fn role_place(config: &Config) -> Place {
    let folder = config.storage.folder.clone();
    Place { folder, files: Vec::new(), snapshot: config.node.snapshot.clone(), archive: Archive::None }
}

/// The limits of the mempool.
#[must_use]
pub fn mempool(config: &Config) -> MempoolLimits {
    MempoolLimits {
        per_account: number(config.mempool.per_account.get()),
        total: number(config.mempool.total.get()),
        ..MempoolLimits::default()
    }
}

fn number(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const fn sidecars(sidecars: Sidecars) -> SidecarFormat {
    match sidecars {
        Sidecars::Eip7594 => SidecarFormat::Eip7594,
        Sidecars::Eip4844 => SidecarFormat::Eip4844,
    }
}

fn claim_from(from: Option<TokenAmount>) -> Option<U256> {
    from.map(|amount| U256::from(amount.get()))
}

/// The signer with this name.
fn signer<'a>(config: &'a Config, setting: &str, name: &SignerName) -> Result<&'a Signer, OperatorError> {
    config.signers.get(name).ok_or_else(|| OperatorError::Setting {
        setting: setting.to_owned(),
        reason: format!("there is no table [signers.{name}]"),
    })
}

fn required<'a, T>(setting: &str, value: Option<&'a T>) -> Result<&'a T, OperatorError> {
    value.ok_or_else(|| OperatorError::Setting { setting: setting.to_owned(), reason: "missing".to_owned() })
}

fn password(reference: &PasswordReference) -> PasswordSource {
    match reference {
        PasswordReference::Prompt => PasswordSource::Prompt,
        PasswordReference::File(path) => PasswordSource::File(path.clone()),
        PasswordReference::Environment(name) => PasswordSource::Environment(name.clone()),
    }
}

/// How the signer of an L1 account is opened.
///
/// # Errors
/// When its address can't be found.
pub fn signer_spec(signer: &Signer) -> Result<SignerSpec, OperatorError> {
    use fernet_config::SignerSource as Configured;
    let source = match &signer.source {
        Configured::Keystore { file, password: reference } => {
            SignerSource::KeyFile { path: file.clone(), password: password(reference) }
        }
        Configured::Web3Signer { url, timeout, authority, certificate } => {
            let setting = format!("signers.{}.url", signer.name);
            SignerSource::Remote(RemoteSettings {
                url: address(&setting, url)?,
                tls: TlsFiles { authority: authority.clone(), client: certificate.clone() },
                timeout: *timeout,
            })
        }
        Configured::Environment { variable } => SignerSource::Environment { variable: variable.clone() },
    };
    Ok(SignerSpec { name: signer.name.to_string(), source, address: signer.address })
}

async fn open(config: &Config, setting: &str, name: &SignerName) -> Result<SignerHandle, OperatorError> {
    Ok(SignerHandle::open(signer_spec(signer(config, setting, name)?)?).await?)
}

async fn open_optional(
    config: &Config,
    setting: &str,
    name: Option<&SignerName>,
) -> Result<Option<SignerHandle>, OperatorError> {
    match name {
        Some(name) => open(config, setting, name).await.map(Some),
        None => Ok(None),
    }
}

/// How a BLS key is opened.
///
/// # Errors
/// When the signer's kind can't have one: remote signers make signatures of the consensus layer only, and
/// scores have a tag of their own.
pub fn bls_source(signer: &Signer) -> Result<BlsSource, OperatorError> {
    use fernet_config::SignerSource as Configured;
    match &signer.source {
        Configured::Keystore { file, password: reference } => {
            Ok(BlsSource::KeyFile { path: file.clone(), password: password(reference) })
        }
        Configured::Environment { variable } => Ok(BlsSource::Environment { variable: variable.clone() }),
        Configured::Web3Signer { .. } => Err(OperatorError::Setting {
            setting: format!("signers.{}.kind", signer.name),
            reason: "expected \"keystore\" or \"env\" for a BLS key, got \"web3signer\"".to_owned(),
        }),
    }
}

async fn open_scores(config: &Config) -> Result<Option<BlsSecretKey>, OperatorError> {
    let Some(name) = &config.sequencer.bls else {
        return Ok(None);
    };
    let source = bls_source(signer(config, "sequencer.bls", name)?)?;
    Ok(Some(open_bls(name.as_str(), &source).await?))
}

/// Opens the keys of a sequencer.
///
/// # Errors
/// When a key can't be opened.
pub async fn sequencer_keys(config: &Config) -> Result<SequencerKeys, OperatorError> {
    let options = &config.sequencer;
    let attester = required("sequencer.attester", options.attester.as_ref())?;
    Ok(SequencerKeys {
        attester: open(config, "sequencer.attester", attester).await?,
        blobs: open_optional(config, "sequencer.blobs", options.blobs.as_ref()).await?,
        owner: open_optional(config, "sequencer.owner", options.owner.as_ref()).await?,
        bls: open_scores(config).await?,
    })
}

/// Opens the keys of a prover.
///
/// # Errors
/// When a key can't be opened.
pub async fn prover_keys(config: &Config) -> Result<ProverKeys, OperatorError> {
    let options = &config.prover;
    let quotes = required("prover.signer", options.signer.as_ref())?;
    Ok(ProverKeys {
        quotes: open(config, "prover.signer", quotes).await?,
        transactions: open_optional(config, "prover.sender", options.sender.as_ref()).await?,
        payee: open_optional(config, "prover.payee_signer", options.payee_signer.as_ref()).await?,
    })
}

/// The sequencer's id.
///
/// # Errors
/// When it is missing.
pub fn sequencer_id(config: &Config) -> Result<SequencerId, OperatorError> {
    required("sequencer.id", config.sequencer.id.as_ref()).map(|id| SequencerId::new(*id))
}

/// Addresses of peers, for the network.
///
/// # Errors
/// When one is malformed.
pub fn addresses(
    setting: &str,
    addresses: &[Multiaddr],
) -> Result<Vec<fernet_p2p::Multiaddr>, OperatorError> {
    let parse = |address: &Multiaddr| {
        address.as_str().parse().map_err(|error: <fernet_p2p::Multiaddr as FromStr>::Err| {
            OperatorError::Setting {
                setting: setting.to_owned(),
                reason: format!("{}: {error}", address.as_str()),
            }
        })
    };
    addresses.iter().map(parse).collect()
}

/// Chunks that a prover proves at a time.
#[must_use]
pub fn threads(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config.prover.threads.map_or_else(cores, |threads| number(threads.get()))
}

/// Whether L1's time is the system's. That of a development chain needn't be.
#[must_use]
pub const fn l1_has_the_systems_time(config: &Config) -> bool {
    config.l1.system_time
}

/// The settings of a sequencer of `deployment`.
///
/// # Errors
/// When its id is missing.
pub fn sequencer_settings(
    config: &Config,
    deployment: &Deployment,
    keys: &SequencerKeys,
) -> Result<fernet_sequencer::Settings, OperatorError> {
    let options = &config.sequencer;
    let id = sequencer_id(config)?;
    let owner = keys.owner.as_ref().unwrap_or(&keys.attester).address();
    let strategy = fernet_sequencer::Strategy {
        max_price: options.max_price,
        patience: options.patience,
        claim_from: claim_from(options.claim_from.value()),
        commitment: match options.commitment {
            Commitment::Sequencer => CommitmentBy::Sequencer,
            Commitment::Prover => CommitmentBy::Prover,
        },
        ..fernet_sequencer::Strategy::new(id, options.fee_recipient)
    };
    let most = usize::from(deployment.parameters().max_chunks);
    Ok(fernet_sequencer::Settings {
        vote: options.vote.unwrap_or_default(),
        deposit_depth: options.deposit_depth,
        quote_deadline: options.quote_deadline,
        max_total_fee: options.max_total_fee.get(),
        at_stake: options.at_stake.get(),
        sidecars: sidecars(options.sidecars),
        blobs_per_transaction: number(options.blobs_per_transaction.get()),
        claim_to: options.claim_to.unwrap_or(owner),
        mempool: mempool(config),
        ..fernet_sequencer::Settings::new(strategy, owner, most.min(number(options.max_chunks.get())))
    })
}

/// The settings of a prover of `deployment`.
#[must_use]
pub fn prover_settings(
    config: &Config,
    deployment: &Deployment,
    keys: &ProverKeys,
) -> fernet_prover::Settings {
    let options = &config.prover;
    let prover = options.account.unwrap_or_else(|| keys.quotes.address());
    let prices = PriceList {
        base: options.base_price,
        per_chunk: options.chunk_price,
        least: options.least_price,
        bond: options.bond,
    };
    let strategy = fernet_prover::Strategy {
        payee: options.payee.unwrap_or(prover),
        offer_validity: options.offer_validity,
        rescue_lead: options.rescue_lead,
        claim_from: claim_from(options.claim_from.value()),
        ..fernet_prover::Strategy::new(prover, prices, options.fee_recipient)
    };
    let most = usize::from(deployment.parameters().max_chunks);
    let defaults = fernet_prover::Settings::new(strategy, most.min(number(options.max_chunks.get())));
    fernet_prover::Settings {
        deposit_depth: options.deposit_depth,
        max_total_fee: options.max_total_fee.get(),
        at_stake: options.at_stake.get(),
        sidecars: sidecars(options.sidecars),
        claim_to: options.claim_to.unwrap_or(defaults.claim_to),
        mempool: mempool(config),
        ..defaults
    }
}

/// How often a new L1 block is looked for.
#[must_use]
pub const fn pause(config: &Config) -> Duration {
    config.l1.poll
}
