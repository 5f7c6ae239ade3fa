//! A deployment: where its contracts are, and whether they are what this client was built for.

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

use crate::provider::{L1Provider, RpcFailure, answered};

mod getters {
    //! What the contracts tell beyond their interfaces.
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
pub struct Contracts {
    /// staking and reward token, an ERC-20
    pub token: Address,
    /// `IRollup`
    pub rollup: Address,
    /// `IStaking`
    pub staking: Address,
    /// `IRandomness`
    pub randomness: Address,
    /// `IEscrow`
    pub escrow: Address,
    /// `IRewards`
    pub rewards: Address,
    /// `IBridge`
    pub bridge: Address,
    /// `IStateTransitionVerifier`
    pub verifier: Address,
    /// `IScoring`
    pub scoring: Address,
    /// `IReader`
    pub reader: Address,
    /// `IVotes`
    pub votes: Address,
    /// `ITimelock`
    pub timelock: Address,
    /// `IGuardian`
    pub guardian: Address,
    /// `IRegistry`
    pub registry: Address,
}

impl Contracts {
    /// The contracts whose events a role needs. Those of governance are for whoever governs.
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

/// `deployments/<chain id>.json`, as the deploy script writes it. Nothing in it is trusted before
/// [`Deployment::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentFile {
    /// EIP-155 chain id of the L1
    pub chain_id: u64,
    /// timestamp at which L1 slot 0 starts, seconds since 1970
    pub l1_genesis_time: u64,
    /// seconds
    pub l1_slot_seconds: u64,
    /// L1 slot in which the rollup was deployed, as the deploy script foresaw it; the chain's own word counts
    pub genesis_slot: u64,
    /// an L1 block at or before the deployment's first one
    pub block: u64,
    /// where the contracts are
    pub contracts: Contracts,
    /// what they are
    pub code_hashes: CodeHashes,
    /// name of the configuration
    pub config: String,
}

/// Why a deployment can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The file can't be read.
    #[error("deployment file {path}: {error}")]
    Unreadable {
        /// file
        path: PathBuf,
        /// what the system says
        error: std::io::Error,
    },
    /// The file isn't one of the deploy script's.
    #[error("deployment file is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The L1 is another chain.
    #[error("deployment is for chain {expected}, the L1 endpoint is on chain {actual}")]
    WrongChain {
        /// chain id in the file
        expected: u64,
        /// chain id of the endpoint
        actual: u64,
    },
    /// Nothing is deployed there.
    #[error("no code at {address}, where the deployment has its {contract}")]
    NoCode {
        /// key of the contract in the file
        contract: &'static str,
        /// address in the file
        address: Address,
    },
    /// The contract isn't the one that was deployed.
    #[error("code of {contract} at {address} has hash {actual}, the deployment file expects {expected}")]
    WrongCodeHash {
        /// key of the contract in the file
        contract: &'static str,
        /// address in the file
        address: Address,
        /// hash in the file
        expected: B256,
        /// hash on the chain
        actual: B256,
    },
    /// The contract isn't the one that this client was built with.
    #[error("{contract} at {address} isn't the contract that this client knows: {mismatch}")]
    UnknownCode {
        /// key of the contract in the file
        contract: &'static str,
        /// address in the file
        address: Address,
        /// where it differs
        mismatch: CodeMismatch,
    },
    /// A contract names another one than the file does.
    #[error("{contract} names {actual} as its {names}, the deployment file expects {expected}")]
    WrongWiring {
        /// key of the contract in the file
        contract: &'static str,
        /// what it was asked for
        names: &'static str,
        /// address in the file
        expected: Address,
        /// address in the contract
        actual: Address,
    },
    /// A contract counts L1 slots in another way than the file says.
    #[error("{contract} has {names} {actual}, the deployment file expects {expected}")]
    WrongClock {
        /// key of the contract in the file
        contract: &'static str,
        /// what it was asked for
        names: &'static str,
        /// value in the file
        expected: u64,
        /// value in the contract
        actual: u64,
    },
    /// The clock in the file is none.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A contract's answer can't be read or makes no sense.
    #[error("{contract} gave a malformed answer to {call}: {error}")]
    MalformedAnswer {
        /// key of the contract in the file
        contract: &'static str,
        /// signature of the call
        call: &'static str,
        /// what is wrong
        error: String,
    },
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
}

impl DeploymentError {
    /// Whether trying again later may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rpc(error) if error.is_retryable())
    }
}

impl DeploymentFile {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        let json = std::fs::read_to_string(path)
            .map_err(|error| DeploymentError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&json)
    }

    /// Reads the file's contents.
    pub fn parse(json: &str) -> Result<Self, DeploymentError> {
        Ok(serde_json::from_str(json)?)
    }

    fn named(&self) -> [(&'static str, Code, Address, B256); 14] {
        let (contracts, hashes) = (&self.contracts, &self.code_hashes);
        [
            // any ERC-20 will do
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

/// Compiled contracts that a deployed one may be; none where any will do.
type Code = &'static [&'static str];

/// How the sequencers of a slot rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scoring {
    /// By a hash that anyone can compute once the seed is known.
    #[default]
    Public,
    /// By a verifiable random function of each sequencer's BLS key: nobody knows another's score before its proposal.
    Vrf,
}

/// No way to rank has that name.
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
    /// The name that contracts and configurations have for it.
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

/// How the verifier's circuit lays operations out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitShape {
    /// operation slots of a chunk
    pub operations: u64,
    /// blob elements that a chunk owns
    pub elements: u64,
    /// chunks in a full blob
    pub chunks_per_blob: u64,
    /// share of L2 fees that is burned, in basis points
    pub fee_burn: Bps,
    /// state root of the empty ledger
    pub genesis_root: B256,
    /// contract that holds the verifying key as its code
    pub verifying_key: Address,
}

/// A deployment that was checked against the chain and against the contracts that this client was built with, and
/// what its contracts say about themselves.
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
    /// Checks everything: chain id, code hashes, code, wiring, clocks; and reads the parameters.
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

    /// The file that it was read from.
    pub fn file(&self) -> &DeploymentFile {
        &self.file
    }

    /// Where the contracts are.
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

    /// When L1 slots are.
    pub fn clock(&self) -> L1Clock {
        self.clock
    }

    /// L1 slot in which the rollup was deployed.
    pub fn genesis_slot(&self) -> L1Slot {
        self.genesis_slot
    }

    /// The rules.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How sequencers rank.
    pub fn scoring(&self) -> Scoring {
        self.scoring
    }

    /// How blocks are laid out and what the first one starts from.
    pub fn circuit(&self) -> &CircuitShape {
        &self.circuit
    }

    /// Token units of one L2 unit.
    pub fn unit(&self) -> U256 {
        self.unit
    }

    /// Least deposit, in L2 units.
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

    /// L1 slots from registration to activity.
    pub fn entry_period(&self) -> u64 {
        self.entry_period
    }

    /// L1 slots from an exit's start to the stake's payment.
    pub fn exit_delay(&self) -> u64 {
        self.exit_delay
    }

    /// L1 slots from asking an escrow back to its payment.
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
        request.input = TransactionInput::both(call.abi_encode().into());
        let answer = answered(self.provider.call(request).await)?;
        C::abi_decode_returns(&answer).map_err(|error| malformed::<C>(contract, &error))
    }

    /// A number that Solidity keeps in a word but that must be small.
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
