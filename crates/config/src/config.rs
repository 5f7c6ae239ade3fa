//! The whole configuration, typed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    definition::{Definition, Role},
    error::{ConfigError, ConfigErrors},
    layers::{Layers, SIGNERS, Sources, nearest},
    options::{
        L1Options, LogOptions, MempoolOptions, MetricsOptions, NodeOptions, P2pOptions, ProverOptions,
        RollupOptions, SECTIONS, SequencerOptions, SignerOptions, StorageOptions,
    },
    signer::Signer,
    types::SignerName,
    value::Origin,
};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// What stands before all tables.
    pub rollup: RollupOptions,
    /// The L1.
    pub l1: L1Options,
    /// Where the process keeps what it knows.
    pub storage: StorageOptions,
    /// The network.
    pub p2p: P2pOptions,
    /// Metrics.
    pub metrics: MetricsOptions,
    /// Logs.
    pub log: LogOptions,
    /// Operations that wait.
    pub mempool: MempoolOptions,
    /// The sequencer.
    pub sequencer: SequencerOptions,
    /// The prover.
    pub prover: ProverOptions,
    /// The node.
    pub node: NodeOptions,
    /// The signers by name.
    pub signers: BTreeMap<SignerName, Signer>,
    settings: Vec<Shown>,
}

/// A setting with its value and where that comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its full name, such as `l1.rpc`.
    pub setting: String,
    /// Its value as the file would have it, without secrets. `None` if it has none.
    pub value: Option<String>,
    /// Where the value comes from: `file:line`, a variable, a flag, or `default`.
    pub origin: String,
    /// What it is for.
    pub about: String,
}

impl Config {
    /// Puts the sources over each other and reads every setting.
    ///
    /// # Errors
    /// Everything that is wrong with the values, not just the first.
    pub fn build(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut layers = Layers::merge(sources, &SECTIONS, &SignerOptions::SECTION);
        let read = Self::read(&mut layers);
        match read {
            Some(config) if layers.errors.is_empty() => Ok(config),
            _ => {
                let mut errors = layers.errors;
                errors.sort_by_key(order);
                Err(ConfigErrors(errors))
            }
        }
    }

    fn read(layers: &mut Layers) -> Option<Self> {
        let mut settings = Vec::new();
        macro_rules! table {
            ($type:ty) => {{
                let options = <$type>::read(layers, <$type>::SECTION.name);
                let shown = options.as_ref().map(<$type>::shown).unwrap_or_default();
                settings.extend(
                    shown
                        .into_iter()
                        .map(|(option, value)| shown_setting(layers, option, option.section, value)),
                );
                options
            }};
        }
        let rollup = table!(RollupOptions);
        let l1 = table!(L1Options);
        let storage = table!(StorageOptions);
        let p2p = table!(P2pOptions);
        let metrics = table!(MetricsOptions);
        let log = table!(LogOptions);
        let mempool = table!(MempoolOptions);
        let sequencer = table!(SequencerOptions);
        let prover = table!(ProverOptions);
        let node = table!(NodeOptions);

        let names: Vec<SignerName> = layers.signers().filter_map(SignerName::new).collect();
        let mut signers = BTreeMap::new();
        for name in &names {
            let table = format!("{SIGNERS}.{name}");
            let Some(options) = SignerOptions::read(layers, &table) else { continue };
            let shown = options.shown().into_iter().filter(|(_, value)| !value.is_empty());
            settings.extend(shown.map(|(option, value)| shown_setting(layers, option, &table, value)));
            if let Some(signer) = Signer::check(layers, name, &options) {
                signers.insert(name.clone(), signer);
            }
        }
        let (sequencer, prover) = (sequencer?, prover?);
        let references = [
            ("sequencer.attester", &sequencer.attester),
            ("sequencer.blobs", &sequencer.blobs),
            ("sequencer.owner", &sequencer.owner),
            ("sequencer.bls", &sequencer.bls),
            ("prover.signer", &prover.signer),
            ("prover.sender", &prover.sender),
            ("prover.payee_signer", &prover.payee_signer),
        ];
        for (path, name) in references.iter().filter_map(|(path, name)| Some((path, name.as_ref()?))) {
            if !names.contains(name) {
                let mut problem =
                    format!("no signer has the name \"{name}\": expected a table [{SIGNERS}.{name}]");
                if let Some(nearest) = nearest(name.as_str(), names.iter().map(SignerName::as_str)) {
                    problem = format!("{problem}; the nearest is \"{nearest}\"");
                }
                let origin = layers.get(path).map(|entry| entry.origin.clone());
                layers.fail(origin, path, problem);
            }
        }
        Some(Self {
            rollup: rollup?,
            l1: l1?,
            storage: storage?,
            p2p: p2p?,
            metrics: metrics?,
            log: log?,
            mempool: mempool?,
            sequencer,
            prover,
            node: node?,
            signers,
            settings,
        })
    }

    /// Checks that a role has every setting that it can't run without.
    ///
    /// # Errors
    /// The settings that are missing, with what they are for.
    pub fn require(&self, role: Role) -> Result<(), ConfigErrors> {
        let is_missing = |option: &&Definition| {
            let path = option.path();
            let shown = self.settings.iter().find(|shown| shown.setting == path);
            let value = shown.and_then(|shown| shown.value.as_deref());
            option.needed_by.contains(&role) && value.is_none_or(|value| value == "[]")
        };
        let options = SECTIONS.into_iter().flat_map(|section| section.options);
        let errors: Vec<ConfigError> = options
            .filter(is_missing)
            .map(|option| ConfigError {
                origin: None,
                key: option.path(),
                problem: format!(
                    "missing: a {} needs it ({}), for example {} = {}",
                    role.name(),
                    option.text(),
                    option.key,
                    option.example
                ),
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }

    /// Every setting with its value and where that comes from.
    #[must_use]
    pub fn settings(&self) -> &[Shown] {
        &self.settings
    }
}

fn shown_setting(layers: &Layers, option: &Definition, section: &str, value: String) -> Shown {
    let setting = option.path_in(section);
    let origin = match layers.get(&setting) {
        Some(entry) => entry.origin.to_string(),
        None => Origin::Default.to_string(),
    };
    Shown { setting, value: Some(value).filter(|value| !value.is_empty()), origin, about: option.text() }
}

/// Errors of the file come first, in the order of its lines.
fn order(error: &ConfigError) -> (u8, usize) {
    match &error.origin {
        Some(Origin::File(_, line)) => (0, *line),
        Some(Origin::Environment(_)) => (1, 0),
        Some(Origin::Flag(_)) => (2, 0),
        Some(Origin::Default) | None => (3, 0),
    }
}
