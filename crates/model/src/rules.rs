//! Rules that a deployment fixes, the same on both sides, and its addresses.

use alloy::primitives::{Address, B256, address, keccak256};
use fernet_protocol::{Bps, ChainId, L1Clock, L1Slot, Parameters, Rates, RollupId, TokenAmount};

/// Mainnet's chain id. Hashes and signatures contain it.
pub(crate) const CHAIN_ID: ChainId = ChainId::new(1);
/// Account that deploys.
pub(crate) const DEPLOYER: Address = address!("0x00000000000000000000000000000000deb10e4a");
/// The initial guardian.
pub(crate) const GUARDIAN: Address = address!("0x000000000000000000000000000000000000a0a0");

/// Number of kinds of deployments. The seed of a sequence chooses one.
pub const VARIANTS: u64 = 4;

/// Rules of the staking contract. Lengths in L1 slots, amounts in token units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakingRules {
    /// Stake of a registration, in token units.
    pub stake_amount: TokenAmount,
    /// A slash below this stake ejects.
    pub minimum_stake: TokenAmount,
    /// From a registration or rotation until it takes effect.
    pub entry_period: u32,
    /// From an exit until the stake can be withdrawn.
    pub exit_delay: u32,
    /// Length of an entry window.
    pub entry_window: u32,
    /// Registrations that an entry window admits.
    pub entry_flush: u16,
    /// Upper bound of `flush`.
    pub max_entry_flush: u16,
    /// Entry windows searched beyond the first.
    pub queue_limit: u16,
}

/// Rules of votes, timelock and guardian. Lengths in L1 slots unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernanceRules {
    /// Slots of a voting round.
    pub voting_round: u64,
    /// Quorum: blocks of one round that must vote for a payload.
    pub voting_quorum: u64,
    /// From the quorum until a payload can no longer be pushed.
    pub push_period: u32,
    /// From queueing until a payload can be executed.
    pub delay: u32,
    /// From then until it can no longer be executed.
    pub grace: u32,
    /// Most actions of a payload; a constant of the contract.
    pub max_actions: usize,
    /// Most bytes of the encoded actions; a constant of the contract.
    pub max_actions_bytes: usize,
    /// Bytes kept of a failed action's revert data; a constant of the contract.
    pub max_reason_bytes: usize,
    /// Initial approvals for pauses; a constant of the contract.
    pub first_approvals: u8,
}

/// Rules of a whole deployment.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Parameters of the rollup.
    pub parameters: Parameters,
    /// Rules of the staking contract.
    pub staking: StakingRules,
    /// Rules of votes, timelock and guardian.
    pub governance: GovernanceRules,
    /// Whether scores are VRF scores of BLS keys; else they are public.
    pub vrf: bool,
    /// Initial rates of rewards.
    pub rates: Rates,
    /// Maximum of the reward for an L1 slot.
    pub max_reward_per_l1_slot: TokenAmount,
    /// L1 slots from a prover's request until its withdrawal, and until a change of its named key.
    pub escrow_delay: u32,
    /// Token units of one L2 unit.
    pub unit: u64,
    /// Smallest deposit, in L2 units.
    pub min_deposit: u64,
    /// Chunks in a full blob.
    pub chunks_per_blob: u64,
    /// Elements of a blob; a constant of the contract.
    pub blob_elements: u64,
    /// Clock of L1 slots.
    pub clock: L1Clock,
    /// Unix time of L1 slot 0.
    pub genesis_time: u64,
    /// Seconds.
    pub slot_seconds: u64,
    /// L1 slot of the deployment.
    pub genesis_slot: L1Slot,
    /// The rule that the model breaks on purpose.
    pub planted: Option<Planted>,
}

/// A rule that no number of [`Rules`] changes, broken on purpose: a bug that either side might have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// The reveal bonus falls from the commitment on, not from the start of the turn.
    BonusFromCommitment,
    /// Another block in the backup phase earns a share of the revealed block's bond.
    ShareForAnotherBlock,
    /// A price can't be negative.
    NoNegativePrice,
    /// A block is paid for one L1 slot less.
    PaidForLess,
    /// A pause, and the slot that it ends, count as time without a block.
    PauseIsStall,
    /// The prover of a late proof gets all of its share.
    LateProofIsPrompt,
    /// A late proof costs the whole bond.
    LateProofTakesAll,
    /// A header may name any rolling hash.
    AnyChain,
    /// A block that consumes nothing of a lane still names its rolling hash.
    ChainWithoutConsumption,
    /// A bond can't use what is being withdrawn.
    LockOfFreeOnly,
    /// A withdrawal that is due can still be locked.
    LockOfDueWithdrawal,
    /// An account with code is bound by EIP-1271 alone.
    CodeReplacesKey,
    /// A change of the named key takes effect at once.
    SignerAtOnce,
    /// Only provers are bound by named keys.
    SignerOfProverOnly,
    /// An exit doesn't wait for its deposit.
    ExitBeforeDeposit,
    /// An exit waits for the last deposit of the account instead of the first.
    ExitAfterLastDeposit,
    /// Balances of an escrow account reach up to 128 bits.
    FullBalances,
}

impl Rules {
    /// One of the kinds of deployments: a common one; one in which everything is as short as allowed; one
    /// with long phases, two candidates and penalties as high as the minimum stake; and a common one with VRF
    /// scores. Their voting rounds have 3, 1, 2 and 5 slots.
    #[must_use]
    pub fn variant(number: u64) -> Self {
        let common = Self::common();
        let p = common.parameters;
        match number % VARIANTS {
            0 => common,
            1 => Self {
                parameters: Parameters {
                    proposal_phase: 2,
                    commitment_phase: 1,
                    reveal_phase: 1,
                    proving_phase: 1,
                    exclusive_proving: 1,
                    halt_phase: 1,
                    backup_phase: 1,
                    seed_delay: 1,
                    seed_grid: 1,
                    pause_length: 1,
                    stall_after: 14,
                    max_stall: 5,
                    max_candidates: 1,
                    rescue_share: Bps::new(10_000),
                    ..p
                },
                rates: Rates { promptness: Bps::new(10_000), ..common.rates },
                staking: StakingRules {
                    entry_period: 1,
                    exit_delay: 1,
                    entry_window: 1,
                    queue_limit: 0,
                    ..common.staking
                },
                governance: GovernanceRules {
                    voting_round: 1,
                    voting_quorum: 1,
                    push_period: 1,
                    delay: 1,
                    grace: 1,
                    ..common.governance
                },
                escrow_delay: 7,
                slot_seconds: 1,
                clock: clock(1),
                ..common
            },
            2 => Self {
                parameters: Parameters {
                    proposal_phase: 7,
                    commitment_phase: 5,
                    reveal_phase: 9,
                    proving_phase: 30,
                    exclusive_proving: 11,
                    halt_phase: 3,
                    backup_phase: 40,
                    seed_delay: 6,
                    seed_grid: 32,
                    stall_after: 220,
                    max_stall: 100,
                    max_candidates: 2,
                    max_exits: 2,
                    abandon_penalty: TokenAmount::ZERO,
                    withhold_penalty: TokenAmount::new(3),
                    rescue_share: Bps::new(0),
                    ..p
                },
                staking: StakingRules { minimum_stake: TokenAmount::new(3), ..common.staking },
                rates: Rates { promptness: Bps::new(0), ..common.rates },
                escrow_delay: 120,
                governance: GovernanceRules {
                    voting_round: 2,
                    voting_quorum: 2,
                    push_period: 50,
                    delay: 20,
                    grace: 40,
                    ..common.governance
                },
                ..common
            },
            _ => Self {
                governance: GovernanceRules { voting_round: 5, voting_quorum: 3, ..common.governance },
                vrf: true,
                ..common
            },
        }
    }

    fn common() -> Self {
        Self {
            parameters: Parameters {
                proposal_phase: 3,
                commitment_phase: 2,
                reveal_phase: 3,
                proving_phase: 6,
                exclusive_proving: 3,
                halt_phase: 2,
                backup_phase: 4,
                seed_delay: 3,
                seed_grid: 4,
                pause_length: 20,
                stall_after: 60,
                max_stall: 40,
                max_candidates: 3,
                max_blobs: 3,
                max_chunks: 6,
                max_deposits: 2,
                max_exits: 1,
                rescue_share: Bps::new(3_333),
                min_bond: TokenAmount::new(1_000),
                abandon_penalty: TokenAmount::new(10_007),
                withhold_penalty: TokenAmount::new(20_011),
            },
            staking: StakingRules {
                stake_amount: TokenAmount::new(50_000),
                minimum_stake: TokenAmount::new(25_000),
                entry_period: 4,
                exit_delay: 12,
                entry_window: 5,
                entry_flush: 2,
                max_entry_flush: 4,
                queue_limit: 2,
            },
            governance: GovernanceRules {
                voting_round: 3,
                voting_quorum: 2,
                push_period: 12,
                delay: 6,
                grace: 8,
                max_actions: 16,
                max_actions_bytes: 16_384,
                max_reason_bytes: 256,
                first_approvals: 1,
            },
            vrf: false,
            rates: Rates {
                reward_per_l1_slot: TokenAmount::new(1_111),
                sequencer_share: Bps::new(2_001),
                bonus_share: Bps::new(1_999),
                prover_share: Bps::new(4_998),
                submitter_share: Bps::new(1_002),
                promptness: Bps::new(3_001),
            },
            max_reward_per_l1_slot: TokenAmount::new(2_222),
            escrow_delay: 30,
            unit: 7,
            min_deposit: 5,
            chunks_per_blob: 2,
            blob_elements: 4_096,
            clock: clock(12),
            genesis_time: GENESIS_TIME,
            slot_seconds: 12,
            genesis_slot: L1Slot::new(100_000),
            planted: None,
        }
    }

    /// Whether the model breaks this rule on purpose.
    pub(crate) fn breaks(&self, rule: Planted) -> bool {
        self.planted == Some(rule)
    }

    /// State root of the empty ledger.
    pub(crate) fn genesis_root() -> B256 {
        keccak256("genesis root")
    }

    /// First second of an L1 slot.
    pub(crate) fn time_of(&self, l1_slot: u64) -> u64 {
        self.genesis_time + l1_slot * self.slot_seconds
    }
}

const GENESIS_TIME: u64 = 1_700_000_000;

fn clock(slot_seconds: u64) -> L1Clock {
    L1Clock::new(GENESIS_TIME, slot_seconds).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Addresses of the contracts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) token: Address,
    pub(crate) verifier: Address,
    pub(crate) staking: Address,
    pub(crate) scoring: Address,
    pub(crate) randomness: Address,
    pub(crate) escrow: Address,
    pub(crate) rewards: Address,
    pub(crate) bridge: Address,
    pub(crate) timelock: Address,
    pub(crate) votes: Address,
    pub(crate) rollup: Address,
    pub(crate) reader: Address,
    pub(crate) guardian: Address,
    pub(crate) registry: Address,
}

impl Addresses {
    /// Addresses that follow from the deployer's nonces.
    pub(crate) fn new() -> Self {
        Self {
            token: Address::repeat_byte(0x70),
            verifier: Address::repeat_byte(0x71),
            staking: DEPLOYER.create(0),
            scoring: DEPLOYER.create(1),
            randomness: DEPLOYER.create(2),
            escrow: DEPLOYER.create(3),
            rewards: DEPLOYER.create(4),
            bridge: DEPLOYER.create(5),
            timelock: DEPLOYER.create(6),
            votes: DEPLOYER.create(7),
            rollup: DEPLOYER.create(8),
            reader: DEPLOYER.create(9),
            guardian: DEPLOYER.create(10),
            registry: DEPLOYER.create(11),
        }
    }

    /// All addresses.
    pub(crate) fn contracts(&self) -> [Address; 14] {
        [
            self.token,
            self.verifier,
            self.staking,
            self.scoring,
            self.randomness,
            self.escrow,
            self.rewards,
            self.bridge,
            self.timelock,
            self.votes,
            self.rollup,
            self.reader,
            self.guardian,
            self.registry,
        ]
    }

    pub(crate) fn rollup_id(&self) -> RollupId {
        RollupId::new(CHAIN_ID, self.rollup)
    }
}
