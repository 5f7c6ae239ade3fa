//! The file `deployments/<chain id>.json` while a devnet runs.
//!
//! Scripts and clients find a chain's contracts there. A devnet writes its own contracts into it, keeps the
//! file of an earlier deployment under another name, and puts it back at its end where its own chain ends
//! with it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// Key that tells a devnet's file from others. Its value names the file that the devnet put aside.
const MARK: &str = "devnet";

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentFileError {
    /// Another devnet has it.
    #[error("another devnet runs on chain {chain_id} from this folder: end it, or choose another --chain-id")]
    InUse {
        /// The chain.
        chain_id: u64,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It isn't a JSON object.
    #[error("{} is not a deployment file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Whether the devnet's chain outlives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainLifetime {
    /// It ends with the devnet: so does its deployment.
    Devnet,
    /// It belongs to somebody else, and the deployment stays on it.
    Longer,
}

/// The file of one chain, reserved for this process until it is dropped.
#[derive(Debug)]
pub struct ReservedFile {
    path: PathBuf,
    lifetime: ChainLifetime,
    /// The file of an earlier deployment, under its new name.
    aside: Option<PathBuf>,
    /// The same for the file of a deployment that stopped half-way.
    pending_aside: Option<PathBuf>,
    _lock: File,
}

impl ReservedFile {
    /// Reserves the file of chain `chain_id` in the repository at `root`, and puts aside what is there.
    ///
    /// # Errors
    /// When another devnet has it, or the system refuses.
    pub fn reserve(root: &Path, chain_id: u64, lifetime: ChainLifetime) -> Result<Self, DeploymentFileError> {
        let lock = lock(root, chain_id)?;
        let folder = root.join("deployments");
        let path = folder.join(format!("{chain_id}.json"));
        let aside = match read(&path) {
            Ok(None) => None,
            // A devnet that was killed left it: the chain is gone, and what it put aside is still there.
            Ok(Some(file)) if file.get(MARK).is_some() => {
                remove(&path)?;
                file.pointer(&format!("/{MARK}/aside")).and_then(Value::as_str).map(|name| folder.join(name))
            }
            Err(error @ (DeploymentFileError::Io { .. } | DeploymentFileError::InUse { .. })) => {
                return Err(error);
            }
            Ok(Some(_)) | Err(DeploymentFileError::Malformed { .. }) => {
                let aside = free_name(&folder, chain_id, "json");
                rename(&path, &aside)?;
                tracing::warn!(file = %aside.display(), "put the file of an earlier deployment aside");
                Some(aside)
            }
        };
        let mut file = Self {
            path,
            lifetime,
            aside: aside.filter(|aside| aside.exists()),
            pending_aside: None,
            _lock: lock,
        };
        // The devnet starts with slot 0: it doesn't resume a deployment that another run left half-way.
        if file.pending().exists() {
            let aside = free_name(&folder, chain_id, "pending.json");
            rename(&file.pending(), &aside)?;
            file.pending_aside = Some(aside);
        }
        Ok(file)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the deployment script describes what it is about to deploy.
    fn pending(&self) -> PathBuf {
        self.path.with_extension("pending.json")
    }

    /// Marks the file, once it is written, as a devnet's, if its chain ends with the devnet.
    ///
    /// # Errors
    /// When it isn't a deployment file, or the system refuses.
    pub fn mark(&self) -> Result<(), DeploymentFileError> {
        if self.lifetime == ChainLifetime::Longer {
            return Ok(());
        }
        let malformed = |reason: &str| DeploymentFileError::Malformed {
            path: self.path.clone(),
            reason: reason.to_owned(),
        };
        let Some(Value::Object(mut file)) = read(&self.path)? else {
            return Err(malformed("expected a JSON object"));
        };
        let aside = self.aside.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        file.insert(MARK.to_owned(), json!({ "aside": aside }));
        let text = format!("{:#}\n", Value::Object(file));
        // A reader never sees half of it.
        let draft = self.path.with_extension("json.draft");
        fs::write(&draft, text).map_err(failed(&draft))?;
        rename(&draft, &self.path)
    }

    /// Takes the devnet's file away and puts the earlier one back.
    fn restore(&self) -> Result<(), DeploymentFileError> {
        let pending = self.pending();
        if self.lifetime == ChainLifetime::Devnet && pending.exists() {
            remove(&pending)?;
        }
        if let Some(aside) = self.pending_aside.as_ref().filter(|_| !pending.exists()) {
            rename(aside, &pending)?;
        }
        match read(&self.path)? {
            None => {}
            Some(file) if file.get(MARK).is_some() => remove(&self.path)?,
            // It has no mark where the chain stays, or where somebody deployed something else meanwhile.
            Some(_) => return Ok(()),
        }
        match &self.aside {
            Some(aside) => rename(aside, &self.path),
            None => Ok(()),
        }
    }
}

impl Drop for ReservedFile {
    fn drop(&mut self) {
        if let Err(error) = self.restore() {
            tracing::warn!(%error, "could not put the earlier deployment file back");
        }
    }
}

/// The lock lasts as long as the file returned, at most as long as this process.
fn lock(root: &Path, chain_id: u64) -> Result<File, DeploymentFileError> {
    let folder = root.join("cache");
    let path = folder.join(format!("devnet-{chain_id}.lock"));
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let file = File::create(&path).map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DeploymentFileError::InUse { chain_id }),
        Err(TryLockError::Error(source)) => Err(DeploymentFileError::Io { path, source }),
    }
}

fn free_name(folder: &Path, chain_id: u64, extension: &str) -> PathBuf {
    let name = |number: u64| folder.join(format!("{chain_id}.aside-{number}.{extension}"));
    (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

fn read(path: &Path) -> Result<Option<Value>, DeploymentFileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DeploymentFileError::Io { path: path.to_owned(), source }),
    };
    match serde_json::from_str(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            Err(DeploymentFileError::Malformed { path: path.to_owned(), reason: error.to_string() })
        }
    }
}

fn remove(path: &Path) -> Result<(), DeploymentFileError> {
    fs::remove_file(path).map_err(failed(path))
}

fn rename(from: &Path, to: &Path) -> Result<(), DeploymentFileError> {
    fs::rename(from, to).map_err(failed(from))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DeploymentFileError {
    let path = path.to_owned();
    move |source| DeploymentFileError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: u64 = 31337;
    const EARLIER: &str = r#"{"chainId": 31337, "config": "devnet"}"#;
    const OWN: &str = r#"{"chainId": 31337, "config": "devnet", "block": 7}"#;

    fn repository(file: Option<&str>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let deployments = folder.path().join("deployments");
        fs::create_dir(&deployments).unwrap();
        let path = deployments.join("31337.json");
        if let Some(file) = file {
            fs::write(&path, file).unwrap();
        }
        (folder, path)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("deployments")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_earlier_file_is_put_back_at_the_end() {
        let (folder, path) = repository(Some(EARLIER));
        let reserved = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        assert!(!path.exists());
        fs::write(&path, OWN).unwrap();
        reserved.mark().unwrap();
        assert_eq!(names(folder.path()), ["31337.aside-1.json", "31337.json"]);
        assert_eq!(read(&path).unwrap().unwrap()["block"], 7);
        drop(reserved);
        assert_eq!(fs::read_to_string(&path).unwrap(), EARLIER);
        assert_eq!(names(folder.path()), ["31337.json"]);
    }

    #[test]
    fn without_an_earlier_file_none_is_left() {
        let (folder, path) = repository(None);
        let reserved = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        fs::write(&path, OWN).unwrap();
        reserved.mark().unwrap();
        drop(reserved);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_failed_deployment_loses_nothing() {
        let (folder, path) = repository(Some(EARLIER));
        drop(ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), EARLIER);
        drop(ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Longer).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), EARLIER);
    }

    #[test]
    fn a_deployment_that_stopped_half_way_can_still_be_resumed_afterwards() {
        for lifetime in [ChainLifetime::Devnet, ChainLifetime::Longer] {
            let (folder, path) = repository(None);
            let pending = path.with_extension("pending.json");
            fs::write(&pending, EARLIER).unwrap();
            let reserved = ReservedFile::reserve(folder.path(), CHAIN, lifetime).unwrap();
            assert!(!pending.exists());
            fs::write(&path, OWN).unwrap();
            drop(reserved);
            assert_eq!(fs::read_to_string(&pending).unwrap(), EARLIER);
        }
        // The devnet's own half-way deployment goes with its chain.
        let (folder, path) = repository(None);
        let pending = path.with_extension("pending.json");
        let reserved = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        fs::write(&pending, OWN).unwrap();
        drop(reserved);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_is_no_json_is_put_aside_too() {
        let (folder, path) = repository(Some("{"));
        drop(ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }

    #[test]
    fn what_a_killed_devnet_put_aside_is_put_back_by_the_next_one() {
        let (folder, path) = repository(Some(EARLIER));
        let killed = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        fs::write(&path, OWN).unwrap();
        killed.mark().unwrap();
        // A killed process puts nothing back. The system takes its lock away.
        killed._lock.unlock().unwrap();
        std::mem::forget(killed);
        let next = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        fs::write(&path, OWN).unwrap();
        next.mark().unwrap();
        drop(next);
        assert_eq!(fs::read_to_string(&path).unwrap(), EARLIER);
    }

    #[test]
    fn a_deployment_on_a_chain_that_stays_keeps_its_file() {
        let (folder, path) = repository(Some(EARLIER));
        let reserved = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Longer).unwrap();
        fs::write(&path, OWN).unwrap();
        reserved.mark().unwrap();
        drop(reserved);
        assert_eq!(fs::read_to_string(&path).unwrap(), OWN);
        assert_eq!(names(folder.path()), ["31337.aside-1.json", "31337.json"]);
    }

    #[test]
    fn a_file_that_another_deployment_wrote_meanwhile_stays() {
        let (folder, path) = repository(None);
        let reserved = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        fs::write(&path, EARLIER).unwrap();
        drop(reserved);
        assert_eq!(fs::read_to_string(&path).unwrap(), EARLIER);
    }

    #[test]
    fn two_devnets_do_not_share_a_file() {
        let (folder, _) = repository(None);
        let first = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
        let error = ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap_err();
        assert!(error.to_string().contains("--chain-id"), "{error}");
        ReservedFile::reserve(folder.path(), CHAIN + 1, ChainLifetime::Devnet).unwrap();
        drop(first);
        ReservedFile::reserve(folder.path(), CHAIN, ChainLifetime::Devnet).unwrap();
    }
}
