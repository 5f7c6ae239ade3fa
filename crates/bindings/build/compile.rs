//! Runs solc over `contracts/` through foundry-compilers, with the settings of `foundry.toml`.

use crate::Result;
use foundry_compilers::{
    Project, ProjectBuilder, ProjectPathsConfig,
    artifacts::{
        BytecodeObject, EvmVersion, Optimizer, Remapping, Settings,
        output_selection::OutputSelection,
        solc::{BytecodeHash, SettingsMetadata},
    },
    solc::{Solc, SolcCompiler, SolcSettings},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
};

/// One compiled contract or interface.
pub(crate) struct Compiled {
    pub(crate) name: String,
    /// Declared below `contracts/interfaces`.
    pub(crate) is_interface: bool,
    pub(crate) abi: alloy_json_abi::JsonAbi,
    /// Hex without prefix; empty for interfaces and abstract contracts.
    pub(crate) creation: String,
    /// Hex without prefix.
    pub(crate) runtime: String,
    /// Byte ranges (start, length) of the runtime code that the constructor fills in.
    pub(crate) immutables: Vec<(u32, u32)>,
}

/// `foundry.toml`, as far as it decides the bytecode.
struct Profile {
    solc: PathBuf,
    settings: Settings,
    remappings: Vec<Remapping>,
}

/// Compiles everything below `root/contracts`; cache and solc artifacts live in `scratch`.
pub(crate) fn contracts(root: &Path, scratch: &Path) -> Result<Vec<Compiled>> {
    check_tools(root)?;
    let profile = profile(root)?;
    fs::create_dir_all(scratch).map_err(|e| format!("can't create {}: {e}", scratch.display()))?;

    let paths = ProjectPathsConfig::builder()
        .sources(root.join("contracts"))
        .tests(scratch.join("no-tests"))
        .scripts(scratch.join("no-scripts"))
        .lib(root.join("node_modules"))
        .remappings(profile.remappings)
        .artifacts(scratch.join("out"))
        .build_infos(scratch.join("build-info"))
        .cache(scratch.join("cache.json"))
        .build_with_root(root);
    let solc = Solc::new(&profile.solc).map_err(|e| one_line("the Solidity compiler doesn't run", &e))?;
    let project: Project<SolcCompiler> = ProjectBuilder::new(Default::default())
        .paths(paths)
        .settings(SolcSettings { settings: profile.settings, ..Default::default() })
        .single_solc_jobs()
        .build(SolcCompiler::Specific(solc))
        .map_err(|e| one_line("can't set up the Solidity project", &e))?;
    let output = project.compile().map_err(|e| one_line("can't compile contracts/", &e))?;
    if output.has_compiler_errors() {
        return Err(format!("contracts/ doesn't compile (try `tools/forge build contracts`)\n{output}"));
    }

    let mut found = BTreeMap::new();
    for (id, artifact) in output.into_artifacts() {
        let Ok(source) = id.source.strip_prefix(root.join("contracts")).map(Path::to_path_buf) else {
            continue;
        };
        let is_interface = source.starts_with("interfaces");
        let Some(abi) = artifact.abi else { continue };
        let creation = code(&id.name, artifact.bytecode.map(|b| b.object))?;
        let (runtime, references) = match artifact.deployed_bytecode {
            Some(deployed) => (deployed.bytecode.map(|b| b.object), deployed.immutable_references),
            None => (None, BTreeMap::new()),
        };
        let runtime = code(&id.name, runtime)?;
        let mut immutables: Vec<_> =
            references.into_values().flatten().map(|o| (o.start, o.length)).collect();
        immutables.sort_unstable();
        // libraries have code but nothing to call; abstract contracts have no code
        let callable = !abi.functions.is_empty() || abi.constructor.is_some() || abi.receive.is_some();
        if source.starts_with("libraries") || !(is_interface || (callable && !creation.is_empty())) {
            continue;
        }
        let compiled = Compiled { name: id.name.clone(), is_interface, abi, creation, runtime, immutables };
        if found.insert(id.name.clone(), compiled).is_some() {
            return Err(format!("two contracts are named {}", id.name));
        }
    }
    Ok(found.into_values().collect())
}

/// Names the missing tool and what to do about it.
fn check_tools(root: &Path) -> Result<()> {
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) {
        return Err("Node.js is missing: install version 20 or later (https://nodejs.org); \
             the Solidity compiler runs on it"
            .to_owned());
    }
    for package in ["solc", "@openzeppelin/contracts", "solady"] {
        if !root.join("node_modules").join(package).is_dir() {
            return Err(format!("node_modules/{package} is missing: run `npm ci` in {}", root.display()));
        }
    }
    Ok(())
}

fn profile(root: &Path) -> Result<Profile> {
    let path = root.join("foundry.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("can't read {}: {e}", path.display()))?;
    let file: toml::Table = toml::from_str(&text).map_err(|e| one_line("foundry.toml", &e))?;
    let profile = file
        .get("profile")
        .and_then(|p| p.get("default"))
        .ok_or("foundry.toml: [profile.default] is missing")?;
    let text_of = |key: &str| {
        profile.get(key).and_then(toml::Value::as_str).ok_or(format!("foundry.toml: {key} must be a text"))
    };
    let flag = |key: &str| {
        profile
            .get(key)
            .and_then(toml::Value::as_bool)
            .ok_or(format!("foundry.toml: {key} must be true or false"))
    };
    let runs = profile.get("optimizer_runs").and_then(toml::Value::as_integer);
    let runs =
        runs.and_then(|n| usize::try_from(n).ok()).ok_or("foundry.toml: optimizer_runs must be a number")?;
    let via_ir = profile.get("via_ir").and_then(toml::Value::as_bool);
    let evm = text_of("evm_version")?;
    let remappings = profile
        .get("remappings")
        .and_then(toml::Value::as_array)
        .ok_or("foundry.toml: remappings must be a list")?
        .iter()
        .map(|entry| {
            let mut mapping = Remapping::from_str(entry.as_str().unwrap_or_default())
                .map_err(|e| one_line("foundry.toml: remappings", &e))?;
            mapping.path = root.join(&mapping.path).display().to_string();
            Ok(mapping)
        })
        .collect::<Result<Vec<_>>>()?;

    let settings = Settings {
        optimizer: Optimizer { enabled: Some(flag("optimizer")?), runs: Some(runs), details: None },
        evm_version: Some(EvmVersion::from_str(evm).map_err(|e| format!("foundry.toml: evm_version: {e}"))?),
        via_ir,
        metadata: Some(SettingsMetadata {
            use_literal_content: None,
            bytecode_hash: Some(
                BytecodeHash::from_str(text_of("bytecode_hash")?)
                    .map_err(|e| format!("foundry.toml: bytecode_hash: {e}"))?,
            ),
            cbor_metadata: Some(flag("cbor_metadata")?),
        }),
        output_selection: OutputSelection::common_output_selection(
            [
                "abi",
                "evm.bytecode.object",
                "evm.bytecode.linkReferences",
                "evm.deployedBytecode.object",
                "evm.deployedBytecode.linkReferences",
                "evm.deployedBytecode.immutableReferences",
            ]
            .map(str::to_owned),
        ),
        ..Settings::default()
    };
    Ok(Profile { solc: root.join(text_of("solc")?), settings, remappings })
}

/// Hex of a linked bytecode object, without prefix.
fn code(name: &str, object: Option<BytecodeObject>) -> Result<String> {
    match object {
        None => Ok(String::new()),
        Some(BytecodeObject::Bytecode(bytes)) => Ok(bytes.to_string().trim_start_matches("0x").to_owned()),
        Some(BytecodeObject::Unlinked(_)) => {
            Err(format!("{name} calls an external library: make its functions internal"))
        }
    }
}

fn one_line(what: &str, error: &dyn std::fmt::Display) -> String {
    format!("{what}: {}", error.to_string().replace('\n', "; "))
}
