//! A deployment: the addresses of its contracts, and the check that they are the contracts this client was
//! built for.

use std::path::{Path, PathBuf};

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    rpc::types::{TransactionInput, TransactionRequest},
    sol_types::SolCall,
};
use fernet_bindings::{CodeMismatch, IReader, IStateTransitionVerifier, expected_code_matches};
use fernet_protocol::{Bps, ChainId, ClockError, L1Clock, L1Slot, Parameters, RollupId, TokenAmount};
use serde::{Deserialize, Serialize};

use crate::{
    endpoint::{RpcFailure, class::answered},
    provider::L1Provider,
};

mod getters {
    //! Getters of the contracts that their interfaces don't declare.
    #![allow(missing_docs, unreachable_pub)]

    alloy::sol! {
        function genesisSlot() external view returns (uint64);
        function l1GenesisTime() external view returns (uint64);
        function l1SlotSeconds() external view returns (uint64);
        function token() external view returns (address);
        function rollup() external view returns (address);
        function staking() external view returns (address);
        function randomness() external view returns (address);
        function escrow() external view returns (address);
        function rewards() external view returns (address);
        function bridge() external view returns (address);
        function verifier() external view returns (address);
        function scoring() external view returns (address);
        function votes() external view returns (address);
        function guardian() external view returns (address);
        function timelock() external view returns (address);
        function governance() external view returns (address);
        function kind() external view returns (bytes32);
        function unit() external view returns (uint256);
        function minDeposit() external view returns (uint64);
        function stakeAmount() external view returns (uint96);
        function minimumStake() external view returns (uint96);
        function entryPeriod() external view returns (uint32);
        function exitDelay() external view returns (uint32);
        function withdrawalDelay() external view returns (uint32);
        function operations() external view returns (uint256);
        function elements() external view returns (uint256);
        function chunksPerBlob() external view returns (uint256);
        function feeBurnBps() external view returns (uint16);
        function verifyingKey() external view returns (address);
    }
}
use getters::*;

/// Addresses of a deployment's contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is named after its contract")]
pub struct Contracts {
    /// Token of stakes, bonds and rewards, an ERC-20.
    pub token: Address,
    pub rollup: Address,
    pub staking: Address,
    pub randomness: Address,
    pub escrow: Address,
    pub rewards: Address,
    pub bridge: Address,
    pub verifier: Address,
    pub scoring: Address,
    pub reader: Address,
    pub votes: Address,
    pub timelock: Address,
    pub guardian: Address,
    pub registry: Address,
}

impl Contracts {
    /// The contracts whose events a role needs. Events of the governance contracts aren't among them.
    pub fn with_events(&self) -> [Address; 6] {
        [self.rollup, self.staking, self.randomness, self.escrow, self.rewards, self.bridge]
    }
}

/// Keccak-256 of each contract's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of `Contracts`")]
pub struct CodeHashes {
    pub token: B256,
    pub rollup: B256,
    pub staking: B256,
    pub randomness: B256,
    pub escrow: B256,
    pub rewards: B256,
    pub bridge: B256,
    pub verifier: B256,
    pub scoring: B256,
    pub reader: B256,
    pub votes: B256,
    pub timelock: B256,
    pub guardian: B256,
    pub registry: B256,
}

/// The file `deployments/<chain id>.json` of the deploy script. [`Deployment::verify`] checks it; nothing in
/// it is trusted before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentFile {
    /// EIP-155 chain id of the L1.
    pub chain_id: u64,
    /// Start of L1 slot 0, in seconds since 1970.
    pub l1_genesis_time: u64,
    /// Length of an L1 slot, in seconds.
    pub l1_slot_seconds: u64,
    /// L1 slot of the deployment, as the deploy script predicted it. The value on chain is the authoritative
    /// one.
    pub genesis_slot: u64,
    /// An L1 block at or before the deployment's first one.
    pub block: u64,
    /// Addresses of the contracts.
    pub contracts: Contracts,
    /// Hashes of their code.
    pub code_hashes: CodeHashes,
    /// Name of the configuration.
    pub config: String,
}

/// Why a deployment can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The file can't be read.
    #[error("deployment file {path}: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    /// The file doesn't have the deploy script's format.
    #[error("deployment file is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The endpoint is on another chain.
    #[error("deployment is for chain {expected}, the L1 endpoint is on chain {actual}")]
    WrongChain { expected: u64, actual: u64 },
    /// The address of a contract has no code.
    #[error("no code at {address}, where the deployment has its {contract}")]
    NoCode { contract: &'static str, address: Address },
    /// The code isn't the deployed code of the file.
    #[error("code of {contract} at {address} has hash {actual}, the deployment file expects {expected}")]
    WrongCodeHash { contract: &'static str, address: Address, expected: B256, actual: B256 },
    /// The code isn't the contract that this client was built with.
    #[error("{contract} at {address} isn't the contract that this client knows: {mismatch}")]
    UnknownCode { contract: &'static str, address: Address, mismatch: CodeMismatch },
    /// A contract refers to another address than the file's.
    #[error("{contract} names {actual} as its {names}, the deployment file expects {expected}")]
    WrongWiring { contract: &'static str, names: &'static str, expected: Address, actual: Address },
    /// A contract's clock of L1 slots differs from the file's.
    #[error("{contract} has {names} {actual}, the deployment file expects {expected}")]
    WrongClock { contract: &'static str, names: &'static str, expected: u64, actual: u64 },
    /// The clock in the file is invalid.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A contract's answer can't be decoded, or is out of range.
    #[error("{contract} gave a malformed answer to {call}: {error}")]
    MalformedAnswer { contract: &'static str, call: &'static str, error: String },
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl DeploymentError {
    /// Whether another attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rpc(_))
    }
}

impl DeploymentFile {
    /// Reads the file.
    ///
    /// # Errors
    /// If it can't be read or parsed.
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        let json = std::fs::read_to_string(path)
            .map_err(|error| DeploymentError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&json)
    }

    /// Parses the file's contents.
    ///
    /// # Errors
    /// If they don't have the deploy script's format.
    pub fn parse(json: &str) -> Result<Self, DeploymentError> {
        Ok(serde_json::from_str(json)?)
    }

    fn named(&self) -> [(&'static str, Code, Address, B256); 14] {
        let (contracts, hashes) = (&self.contracts, &self.code_hashes);
        [
            // The token can be any ERC-20.
            ("token", &[], contracts.token, hashes.token),
            ("rollup", &["Rollup"], contracts.rollup, hashes.rollup),
            ("staking", &["Staking"], contracts.staking, hashes.staking),
            ("randomness", &["Randomness"], contracts.randomness, hashes.randomness),
            ("escrow", &["Escrow"], contracts.escrow, hashes.escrow),
            ("rewards", &["Rewards"], contracts.rewards, hashes.rewards),
            ("bridge", &["Bridge"], contracts.bridge, hashes.bridge),
            ("verifier", &["BlockVerifier"], contracts.verifier, hashes.verifier),
            ("scoring", &["PublicScore", "VrfScore"], contracts.scoring, hashes.scoring),
            ("reader", &["Reader"], contracts.reader, hashes.reader),
            ("votes", &["Votes"], contracts.votes, hashes.votes),
            ("timelock", &["Timelock"], contracts.timelock, hashes.timelock),
            ("guardian", &["Guardian"], contracts.guardian, hashes.guardian),
            ("registry", &["Registry"], contracts.registry, hashes.registry),
        ]
    }
}

/// Names of the compiled contracts whose code is accepted. Empty: any code is.
type Code = &'static [&'static str];

/// How the sequencers of a slot are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Scoring {
    /// By a hash that anyone can compute once the seed is known.
    #[default]
    Public,
    /// By a verifiable random function of each sequencer's BLS key. A score stays hidden until its owner
    /// proposes.
    Vrf,
}

/// A name that is no [`Scoring`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected public or vrf, got {0:?}")]
pub struct UnknownScoring(String);

impl std::str::FromStr for Scoring {
    type Err = UnknownScoring;

    fn from_str(name: &str) -> Result<Self, UnknownScoring> {
        match name {
            "public" => Ok(Self::Public),
            "vrf" => Ok(Self::Vrf),
            _ => Err(UnknownScoring(name.to_owned())),
        }
    }
}

impl Scoring {
    /// Its name in contracts and configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Vrf => "vrf",
        }
    }

    fn of(kind: B256) -> Option<Self> {
        [Self::Public, Self::Vrf]
            .into_iter()
            .find(|scoring| kind == B256::right_padding_from(scoring.name().as_bytes()))
    }
}

/// Layout of the verifier's circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitShape {
    /// Operation slots of a chunk.
    pub operations: u64,
    /// Blob elements that a chunk owns.
    pub elements: u64,
    /// Chunks in a full blob.
    pub chunks_per_blob: u64,
    /// Share of L2 fees that is burned, in basis points.
    pub fee_burn: Bps,
    /// State root of the empty ledger.
    pub genesis_root: B256,
    /// Contract that holds the verifying key as its code.
    pub verifying_key: Address,
}

/// A verified deployment with its parameters. It was checked against the chain, and against the contracts
/// that this client was built with.
#[derive(Clone, Debug)]
pub struct Deployment {
    file: DeploymentFile,
    clock: L1Clock,
    genesis_slot: L1Slot,
    parameters: Parameters,
    scoring: Scoring,
    circuit: CircuitShape,
    unit: U256,
    min_deposit: u64,
    stake: TokenAmount,
    minimum_stake: TokenAmount,
    entry_period: u64,
    exit_delay: u64,
    escrow_withdrawal_delay: u64,
}

impl Deployment {
    /// Checks chain id, code hashes, code, references between contracts, and clocks; then reads the
    /// parameters.
    ///
    /// # Errors
    /// If a check fails, or a request does.
    pub async fn verify(file: DeploymentFile, provider: &L1Provider) -> Result<Self, DeploymentError> {
        let actual = answered(provider.get_chain_id().await)?;
        if actual != file.chain_id {
            return Err(DeploymentError::WrongChain { expected: file.chain_id, actual });
        }
        for (contract, compiled, address, expected) in file.named() {
            let code = answered(provider.get_code_at(address).await)?;
            check_code(contract, compiled, address, expected, &code)?;
        }
        let view = View { provider, file: &file };
        view.check_wiring().await?;
        let clock = view.check_clocks().await?;

        let c = &file.contracts;
        let parameters = view.get("reader", c.reader, IReader::parametersCall {}).await?.into();
        let kind = view.get("scoring", c.scoring, kindCall {}).await?;
        let scoring = Scoring::of(kind).ok_or_else(|| {
            malformed::<kindCall>("scoring", &format!("expected public or vrf, got {kind}"))
        })?;
        let verifier = ("verifier", c.verifier);
        let circuit = CircuitShape {
            operations: view.small(verifier, operationsCall {}).await?,
            elements: view.small(verifier, elementsCall {}).await?,
            chunks_per_blob: view.small(verifier, chunksPerBlobCall {}).await?,
            fee_burn: Bps::new(view.get("verifier", c.verifier, feeBurnBpsCall {}).await?),
            genesis_root: view
                .get("verifier", c.verifier, IStateTransitionVerifier::genesisRootCall {})
                .await?,
            verifying_key: view.get("verifier", c.verifier, verifyingKeyCall {}).await?,
        };
        let staking = ("staking", c.staking);
        Ok(Self {
            clock,
            genesis_slot: L1Slot::new(view.get("rollup", c.rollup, genesisSlotCall {}).await?),
            parameters,
            scoring,
            circuit,
            unit: view.get("bridge", c.bridge, unitCall {}).await?,
            min_deposit: view.get("bridge", c.bridge, minDepositCall {}).await?,
            stake: view.amount(staking, stakeAmountCall {}).await?,
            minimum_stake: view.amount(staking, minimumStakeCall {}).await?,
            entry_period: view.get("staking", c.staking, entryPeriodCall {}).await?.into(),
            exit_delay: view.get("staking", c.staking, exitDelayCall {}).await?.into(),
            escrow_withdrawal_delay: view.get("escrow", c.escrow, withdrawalDelayCall {}).await?.into(),
            file,
        })
    }

    /// The deployment file.
    pub fn file(&self) -> &DeploymentFile {
        &self.file
    }

    /// Addresses of the contracts.
    pub fn contracts(&self) -> &Contracts {
        &self.file.contracts
    }

    /// EIP-155 chain id of the L1.
    pub fn chain_id(&self) -> u64 {
        self.file.chain_id
    }

    /// Identity of the rollup.
    pub fn rollup_id(&self) -> RollupId {
        RollupId::new(ChainId::new(self.file.chain_id), self.file.contracts.rollup)
    }

    /// Clock of L1 slots.
    pub fn clock(&self) -> L1Clock {
        self.clock
    }

    /// L1 slot in which the rollup was deployed.
    pub fn genesis_slot(&self) -> L1Slot {
        self.genesis_slot
    }

    /// Parameters of the slot's phases and payments.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How sequencers are scored.
    pub fn scoring(&self) -> Scoring {
        self.scoring
    }

    /// Layout of the circuit, and the state before the first block.
    pub fn circuit(&self) -> &CircuitShape {
        &self.circuit
    }

    /// Token units of one L2 unit.
    pub fn unit(&self) -> U256 {
        self.unit
    }

    /// Smallest deposit, in L2 units.
    pub fn min_deposit(&self) -> u64 {
        self.min_deposit
    }

    /// Stake of a registration.
    pub fn stake(&self) -> TokenAmount {
        self.stake
    }

    /// Stake below which a sequencer is ejected.
    pub fn minimum_stake(&self) -> TokenAmount {
        self.minimum_stake
    }

    /// L1 slots from a registration until the sequencer is active.
    pub fn entry_period(&self) -> u64 {
        self.entry_period
    }

    /// L1 slots from the start of an exit until the stake can be withdrawn.
    pub fn exit_delay(&self) -> u64 {
        self.exit_delay
    }

    /// L1 slots from the request of an escrow withdrawal until it can be paid.
    pub fn escrow_withdrawal_delay(&self) -> u64 {
        self.escrow_withdrawal_delay
    }
}

fn check_code(
    contract: &'static str,
    compiled: Code,
    address: Address,
    expected: B256,
    code: &Bytes,
) -> Result<(), DeploymentError> {
    if code.is_empty() {
        return Err(DeploymentError::NoCode { contract, address });
    }
    let actual = keccak256(code);
    if actual != expected {
        return Err(DeploymentError::WrongCodeHash { contract, address, expected, actual });
    }
    let mut mismatch = None;
    for name in compiled {
        match expected_code_matches(name, code) {
            Ok(()) => return Ok(()),
            Err(found) => mismatch = mismatch.or(Some(found)),
        }
    }
    mismatch.map_or(Ok(()), |mismatch| Err(DeploymentError::UnknownCode { contract, address, mismatch }))
}

fn malformed<C: SolCall>(contract: &'static str, error: &dyn std::fmt::Display) -> DeploymentError {
    DeploymentError::MalformedAnswer { contract, call: C::SIGNATURE, error: error.to_string() }
}

struct View<'a> {
    provider: &'a L1Provider,
    file: &'a DeploymentFile,
}

impl View<'_> {
    async fn get<C: SolCall>(
        &self,
        contract: &'static str,
        address: Address,
        call: C,
    ) -> Result<C::Return, DeploymentError> {
        let mut request = TransactionRequest::default().with_to(address);
        request.input = TransactionInput::new(call.abi_encode().into());
        let answer = answered(self.provider.call(request).await)?;
        C::abi_decode_returns(&answer).map_err(|error| malformed::<C>(contract, &error))
    }

    /// A `uint256` that must fit into 64 bits.
    async fn small<C: SolCall<Return = U256>>(
        &self,
        (contract, address): (&'static str, Address),
        call: C,
    ) -> Result<u64, DeploymentError> {
        let value = self.get(contract, address, call).await?;
        u64::try_from(value).map_err(|error| malformed::<C>(contract, &error))
    }

    async fn amount<C: SolCall<Return = alloy::primitives::aliases::U96>>(
        &self,
        (contract, address): (&'static str, Address),
        call: C,
    ) -> Result<TokenAmount, DeploymentError> {
        Ok(TokenAmount::new(self.get(contract, address, call).await?.to::<u128>()))
    }

    async fn names<C: SolCall<Return = Address>>(
        &self,
        (contract, address): (&'static str, Address),
        call: C,
        names: &'static str,
        expected: Address,
    ) -> Result<(), DeploymentError> {
        let actual = self.get(contract, address, call).await?;
        if actual == expected {
            Ok(())
        } else {
            Err(DeploymentError::WrongWiring { contract, names, expected, actual })
        }
    }

    async fn check_wiring(&self) -> Result<(), DeploymentError> {
        let c = &self.file.contracts;
        let rollup = ("rollup", c.rollup);
        self.names(rollup, stakingCall {}, "staking", c.staking).await?;
        self.names(rollup, randomnessCall {}, "randomness", c.randomness).await?;
        self.names(rollup, escrowCall {}, "escrow", c.escrow).await?;
        self.names(rollup, rewardsCall {}, "rewards", c.rewards).await?;
        self.names(rollup, bridgeCall {}, "bridge", c.bridge).await?;
        self.names(rollup, verifierCall {}, "verifier", c.verifier).await?;
        self.names(rollup, scoringCall {}, "scoring", c.scoring).await?;
        self.names(rollup, votesCall {}, "votes", c.votes).await?;
        self.names(rollup, guardianCall {}, "guardian", c.guardian).await?;
        self.names(("votes", c.votes), timelockCall {}, "timelock", c.timelock).await?;
        self.names(("timelock", c.timelock), votesCall {}, "votes", c.votes).await?;
        for contract in [("votes", c.votes), ("guardian", c.guardian), ("reader", c.reader)] {
            self.names(contract, rollupCall {}, "rollup", c.rollup).await?;
        }
        for contract in [("staking", c.staking), ("rewards", c.rewards), ("guardian", c.guardian)] {
            self.names(contract, governanceCall {}, "governance", c.timelock).await?;
        }
        let wired =
            [("staking", c.staking), ("escrow", c.escrow), ("rewards", c.rewards), ("bridge", c.bridge)];
        for contract in wired {
            self.names(contract, rollupCall {}, "rollup", c.rollup).await?;
            self.names(contract, tokenCall {}, "token", c.token).await?;
        }
        Ok(())
    }

    async fn check_clocks(&self) -> Result<L1Clock, DeploymentError> {
        let file = self.file;
        let c = &file.contracts;
        let clocked = [
            ("rollup", c.rollup),
            ("staking", c.staking),
            ("randomness", c.randomness),
            ("escrow", c.escrow),
            ("bridge", c.bridge),
        ];
        for (contract, address) in clocked {
            let clocks = [
                (
                    "l1GenesisTime",
                    file.l1_genesis_time,
                    self.get(contract, address, l1GenesisTimeCall {}).await?,
                ),
                (
                    "l1SlotSeconds",
                    file.l1_slot_seconds,
                    self.get(contract, address, l1SlotSecondsCall {}).await?,
                ),
            ];
            for (names, expected, actual) in clocks {
                if actual != expected {
                    return Err(DeploymentError::WrongClock { contract, names, expected, actual });
                }
            }
        }
        Ok(L1Clock::new(file.l1_genesis_time, file.l1_slot_seconds)?)
    }
}
