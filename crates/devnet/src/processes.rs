//! The roles of a devnet as processes of their own: `fernet sequencer run`, `prover run` and `node run`, each
//! with a folder for its configuration, its files and its log, and an L1 endpoint of its own.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use fernet_hooks::{Endpoint, Hook, Hooks, Request};
use tokio::time::{Instant, sleep};

use crate::process::supervised;

/// How often an end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A role's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A node, from 0.
    Node(usize),
    /// A prover, from 0.
    Prover(usize),
    /// A sequencer, from 0.
    Sequencer(usize),
}

impl Member {
    /// The subcommand that runs it.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Node(_) => "node",
            Self::Prover(_) => "prover",
            Self::Sequencer(_) => "sequencer",
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Node(number) | Self::Prover(number) | Self::Sequencer(number)) = self;
        write!(formatter, "{}-{number}", self.command())
    }
}

/// Why a process can't be started or ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The system refused.
    #[error("{member}: {source}")]
    Io {
        /// The role.
        member: Member,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such role.
    #[error("there is no {0}")]
    Unknown(Member),
    /// The role ended by itself.
    #[error("{member} ended with {status}: {}", log.display())]
    Ended {
        /// The role.
        member: Member,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
}

/// What a role's process is started with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The `fernet` binary.
    pub binary: PathBuf,
    /// Its configuration.
    pub configuration: String,
    /// Environment variables: the keys, which are for development only.
    pub environment: Vec<(String, String)>,
    /// Address of its metrics and its status.
    pub metrics: SocketAddr,
}

/// A role's process, running or not.
#[derive(Debug)]
struct Slot {
    program: Program,
    folder: PathBuf,
    endpoint: Arc<Endpoint>,
    child: Option<Child>,
}

impl Slot {
    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// The processes of a devnet. Dropping them ends all.
#[derive(Debug, Default)]
pub struct Processes {
    slots: BTreeMap<Member, Slot>,
}

impl Processes {
    /// Adds a role that isn't running yet. Its configuration is written to its folder, which is made.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn add(
        &mut self,
        member: Member,
        folder: PathBuf,
        program: Program,
        endpoint: Arc<Endpoint>,
    ) -> Result<(), ProcessError> {
        let failed = |source| ProcessError::Io { member, source };
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::write(folder.join(CONFIGURATION), &program.configuration).map_err(failed)?;
        self.slots.insert(member, Slot { program, folder, endpoint, child: None });
        Ok(())
    }

    /// All roles.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.slots.keys().copied()
    }

    /// A role's folder.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn folder(&self, member: Member) -> Result<&Path, ProcessError> {
        Ok(&self.slot(member)?.folder)
    }

    /// What a role is started with.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn program(&self, member: Member) -> Result<&Program, ProcessError> {
        Ok(&self.slot(member)?.program)
    }

    /// Address of a role's metrics and status.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn metrics(&self, member: Member) -> Result<SocketAddr, ProcessError> {
        Ok(self.slot(member)?.program.metrics)
    }

    /// A role's endpoint of the L1.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn endpoint(&self, member: Member) -> Result<&Arc<Endpoint>, ProcessError> {
        Ok(&self.slot(member)?.endpoint)
    }

    fn slot(&self, member: Member) -> Result<&Slot, ProcessError> {
        self.slots.get(&member).ok_or(ProcessError::Unknown(member))
    }

    fn slot_mut(&mut self, member: Member) -> Result<&mut Slot, ProcessError> {
        self.slots.get_mut(&member).ok_or(ProcessError::Unknown(member))
    }

    /// Starts a role that isn't running. Its log goes on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(&mut self, member: Member) -> Result<(), ProcessError> {
        let failed = |source| ProcessError::Io { member, source };
        let slot = self.slot_mut(member)?;
        if slot.child.is_some() {
            return Ok(());
        }
        let log = File::options().create(true).append(true).open(slot.log()).map_err(failed)?;
        let mut command: Command = supervised(&slot.program.binary);
        command
            .args([member.command(), "run", "--config"])
            .arg(slot.folder.join(CONFIGURATION))
            .envs(slot.program.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log);
        slot.child = Some(command.spawn().map_err(failed)?);
        Ok(())
    }

    /// Kills a role's process with SIGKILL.
    ///
    /// # Errors
    /// When there is no such role, or the system refuses.
    pub fn kill(&mut self, member: Member) -> Result<(), ProcessError> {
        let slot = self.slot_mut(member)?;
        if let Some(mut child) = slot.child.take() {
            // The supervisor kills the process when it reads the end of its stdin.
            drop(child.stdin.take());
            child.wait().map_err(|source| ProcessError::Io { member, source })?;
        }
        Ok(())
    }

    /// Fails with the first role that ended by itself.
    ///
    /// # Errors
    /// When one did.
    pub fn check(&mut self) -> Result<(), ProcessError> {
        for (member, slot) in &mut self.slots {
            let Some(child) = &mut slot.child else { continue };
            let ended = child.try_wait().map_err(|source| ProcessError::Io { member: *member, source })?;
            if let Some(status) = ended {
                slot.child = None;
                return Err(ProcessError::Ended { member: *member, status, log: slot.log() });
            }
        }
        Ok(())
    }

    /// Waits up to `limit` for a role's process to end by itself; `None` if it doesn't.
    ///
    /// # Errors
    /// When there is no such role, or the system refuses.
    pub async fn ended(
        &mut self,
        member: Member,
        limit: Duration,
    ) -> Result<Option<ExitStatus>, ProcessError> {
        let until = Instant::now() + limit;
        let slot = self.slot_mut(member)?;
        let Some(child) = &mut slot.child else { return Ok(None) };
        loop {
            if let Some(status) = child.try_wait().map_err(|source| ProcessError::Io { member, source })? {
                slot.child = None;
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let children: Vec<Child> = self.slots.values_mut().filter_map(|slot| slot.child.take()).collect();
        for mut child in children {
            drop(child.stdin.take());
            // There is nobody to tell.
            let _ = child.wait();
        }
    }
}

/// The configuration's file in a role's folder.
const CONFIGURATION: &str = "fernet.toml";

/// Hooks of an endpoint that works.
#[derive(Debug)]
pub struct Faultless;

impl Hooks for Faultless {
    fn hook(&self, _: &Request) -> Hook {
        Hook::Deliver
    }
}

/// Ports of 127.0.0.1 that nobody uses. They are reserved until the guards are dropped, just before a process
/// takes them.
///
/// # Errors
/// When the system has none.
pub fn free_ports(count: usize) -> io::Result<(Vec<u16>, Vec<TcpListener>)> {
    let listeners = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
    let ports =
        listeners.iter().map(|listener| listener.local_addr().map(|address: SocketAddr| address.port()));
    Ok((ports.collect::<io::Result<_>>()?, listeners))
}
