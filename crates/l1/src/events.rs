//! The contracts' events as one enum, in the protocol's own types.

use alloy::{
    primitives::{Address, B256, LogData, TxHash, U256},
    rpc::types::Log,
    sol_types::SolEventInterface,
};
use fernet_bindings::{
    IBridge::{self, IBridgeEvents},
    IEscrow::{self, IEscrowEvents},
    IRandomness::IRandomnessEvents,
    IRewards::{self, IRewardsEvents},
    IRollup::IRollupEvents,
    IStaking::{self, IStakingEvents},
};
use fernet_protocol::{Header, L1Slot, Price, Rates, Score, SequencerId, Slot, TokenAmount};

use serde::{Deserialize, Serialize};

use crate::deployment::Contracts;

/// A BLS key as events encode it: the coordinates of a point of G1 as in EIP-2537, 128 bytes.
pub type BlsWords = [B256; 4];

/// How a block became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The committed prover proved it during exclusive proving.
    Finalized,
    /// Another prover proved it, or the committed one after exclusive proving.
    Rescued,
    /// It was proven in the backup phase.
    Backup,
}

/// An event and its position in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The event.
    pub event: RollupEvent,
    /// Hash of its transaction.
    pub tx: TxHash,
    /// Position among the block's logs.
    pub log_index: u64,
}

/// The events of a deployment's contracts. Amounts are token units unless said otherwise. The interfaces in
/// `contracts/interfaces` say when each event is emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the events, which the interfaces explain")]
pub enum RollupEvent {
    /// A header became a candidate of its slot.
    Proposed {
        slot: Slot,
        sequencer: SequencerId,
        header_hash: B256,
        score: Score,
        start: L1Slot,
        previous_start: L1Slot,
    },
    /// A better proposal replaced a candidate.
    Displaced { slot: Slot, sequencer: SequencerId, header_hash: B256 },
    /// A prover's bond was locked for a candidate.
    Committed {
        slot: Slot,
        header_hash: B256,
        prover: Address,
        sequencer: SequencerId,
        payee: Address,
        bond: TokenAmount,
        price: Price,
        l1_slot: L1Slot,
    },
    /// Blobs of a candidate were published.
    Revealed {
        slot: Slot,
        header_hash: B256,
        header: Header,
        blobs_seen: u16,
        complete: bool,
        l1_slot: L1Slot,
    },
    /// A block was proven, and is the new tip.
    Finalized {
        slot: Slot,
        header_hash: B256,
        payee: Address,
        outcome: Outcome,
        state_root: B256,
        deposits_end: u64,
        l1_slot: L1Slot,
    },
    /// The header of a block that `finalizeBackup` brought.
    BackupBlock { slot: Slot, header_hash: B256, header: Header },
    /// No prover committed to a candidate during its turn.
    CandidateAbandoned { slot: Slot, sequencer: SequencerId, penalty: TokenAmount },
    /// A committed candidate wasn't revealed in time.
    CandidateWithheld { slot: Slot, sequencer: SequencerId, penalty: TokenAmount },
    /// A bond was released.
    BondReleased { slot: Slot, prover: Address, bond: TokenAmount },
    /// A bond was slashed, or a part of it: `share` of `bond` goes to `beneficiary`, and the rest is burned.
    BondSlashed { slot: Slot, prover: Address, bond: TokenAmount, beneficiary: Address, share: TokenAmount },
    /// A slot with proposals ended without a block.
    SlotExpired { slot: Slot },
    /// A slot's first proposal proved the RANDAO mix of its seed.
    SeedProven { slot: Slot, l1_slot: L1Slot, mix: B256 },
    /// A pause ended a slot without a block and without penalties.
    SlotVoided { slot: Slot },
    /// No slot is in turn before `until`.
    Paused { until: L1Slot },
    /// A sequencer was registered.
    Registered {
        sequencer: SequencerId,
        attester: Address,
        owner: Address,
        withdrawer: Address,
        fee_recipient: u32,
        stake: TokenAmount,
        active_from: L1Slot,
        bls_key: BlsWords,
    },
    /// A queued registration was cancelled, and its stake paid back.
    EntryCancelled { sequencer: SequencerId, to: Address, amount: TokenAmount },
    /// A stake was topped up to `stake`.
    ToppedUp { sequencer: SequencerId, from: Address, amount: TokenAmount, stake: TokenAmount },
    /// Another address was set to receive the stake.
    WithdrawerSet { sequencer: SequencerId, withdrawer: Address },
    /// The sequencer's blocks pay fees to another L2 account.
    FeeRecipientSet { sequencer: SequencerId, fee_recipient: u32 },
    /// Another attester is valid from `from` on.
    AttesterRotated { sequencer: SequencerId, attester: Address, from: L1Slot },
    /// Another BLS key is valid from `from` on.
    BlsKeyRotated { sequencer: SequencerId, bls_key: BlsWords, from: L1Slot },
    /// Entry windows that begin in `from` or later admit `flush` sequencers.
    EntryFlushSet { flush: u16, from: L1Slot },
    /// A sequencer started its exit, or was ejected.
    ExitInitiated { sequencer: SequencerId, l1_slot: L1Slot, withdrawable_from: L1Slot },
    /// The rest of a stake was paid to its withdrawer.
    StakeWithdrawn { sequencer: SequencerId, to: Address, amount: TokenAmount },
    /// Part of a stake was burned.
    StakeSlashed { sequencer: SequencerId, amount: TokenAmount, remaining: TokenAmount },
    /// The RANDAO mix as of an L1 slot was proven on L1.
    MixProven { l1_slot: L1Slot, mix: B256, block_number: u64 },
    /// An amount was deposited in a prover's escrow.
    EscrowDeposited { account: Address, from: Address, amount: TokenAmount },
    /// A withdrawal from an escrow was requested; `amount` is this request's part.
    EscrowWithdrawalRequested { account: Address, amount: TokenAmount, withdrawable_from: L1Slot },
    /// A requested withdrawal was paid.
    EscrowWithdrawn { account: Address, to: Address, amount: TokenAmount },
    /// A bond was locked: out of the free balance, and for the rest out of what was requested back and can't
    /// be withdrawn yet.
    EscrowLocked { account: Address, amount: TokenAmount },
    /// A bond returned to the free balance.
    EscrowReleased { account: Address, amount: TokenAmount },
    /// A bond was slashed; `share` went to the free balance of `beneficiary`.
    EscrowSlashed { account: Address, amount: TokenAmount, beneficiary: Address, share: TokenAmount },
    /// From `from` on, the key `signer` binds the account's quotes; zero for none.
    EscrowSignerSet { account: Address, signer: Address, from: L1Slot },
    /// The reward pot was funded.
    RewardsFunded { from: Address, amount: U256 },
    /// A finalized block was rewarded with three credits. Without an elected sequencer, its share isn't paid.
    BlockPaid {
        slot: Slot,
        sequencer: Address,
        sequencer_reward: U256,
        prover: Address,
        prover_reward: U256,
        submitter: Address,
        submitter_reward: U256,
    },
    /// Blocks of `from` and later slots pay `rates`.
    RatesScheduled { from: Slot, rates: Rates },
    /// Credited rewards were paid.
    RewardClaimed { account: Address, to: Address, amount: U256, still_owed: U256 },
    /// A deposit by `from` was queued; `amount` in L2 units.
    Deposited {
        number: u64,
        index: u32,
        owner: Address,
        from: Address,
        key_x: U256,
        key_y: U256,
        amount: u64,
        chain: B256,
        l1_slot: L1Slot,
    },
    /// The owner of an account queued its forced exit, which `to` can claim.
    ExitForced { number: u64, index: u32, owner: Address, to: Address, chain: B256, l1_slot: L1Slot },
    /// A withdrawal or a forced exit was paid; `amount` in L2 units.
    WithdrawalClaimed { slot: Slot, blob: u64, element: u64, to: Address, amount: u64 },
}

/// A log that this client's version of the contracts can't have emitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Topics and data fit no event of the contract.
    #[error("log {log_index} of L1 block {block} from {contract} is no event of that contract: {error}")]
    Malformed { contract: Address, block: u64, log_index: u64, error: String },
    /// The log is from an address that wasn't requested.
    #[error("log {log_index} of L1 block {block} is from {contract}, which wasn't asked for")]
    Foreign { contract: Address, block: u64, log_index: u64 },
}

/// Decodes one log of a deployment.
///
/// # Errors
/// When the log is of another address, or is no event of its contract.
pub fn decode_event(
    log: &Log,
    contracts: &Contracts,
    block: u64,
    log_index: u64,
) -> Result<RollupEvent, EventError> {
    let contract = log.address();
    let malformed = |error: String| EventError::Malformed { contract, block, log_index, error };
    let data = log.data();
    let event = if contract == contracts.rollup {
        rollup(data)
    } else if contract == contracts.staking {
        staking(data)
    } else if contract == contracts.randomness {
        randomness(data)
    } else if contract == contracts.escrow {
        escrow(data)
    } else if contract == contracts.rewards {
        rewards(data)
    } else if contract == contracts.bridge {
        bridge(data)
    } else {
        return Err(EventError::Foreign { contract, block, log_index });
    };
    event.map_err(malformed)
}

/// The first topics of all events.
pub(crate) const EVENT_TOPICS: [&[[u8; 32]]; 6] = [
    IRollupEvents::SELECTORS,
    IStakingEvents::SELECTORS,
    IRandomnessEvents::SELECTORS,
    IEscrowEvents::SELECTORS,
    IRewardsEvents::SELECTORS,
    IBridgeEvents::SELECTORS,
];

type Decoded = Result<RollupEvent, String>;

/// Decodes strictly: encoding the event again must give the same topics and data.
fn read<E: SolEventInterface>(log: &LogData) -> Result<E, String> {
    E::decode_raw_log(log.topics(), &log.data).map_err(|error| error.to_string())
}

fn amount<T: TryInto<u128>>(value: T) -> Result<TokenAmount, String> {
    value.try_into().map(TokenAmount::new).map_err(|_| "amount exceeds 128 bits".to_owned())
}

fn number(value: U256) -> Result<u64, String> {
    value.try_into().map_err(|_| format!("{value} exceeds 64 bits"))
}

fn rollup(log: &LogData) -> Decoded {
    Ok(match read::<IRollupEvents>(log)? {
        IRollupEvents::Proposed(e) => RollupEvent::Proposed {
            slot: Slot::new(e.slot),
            sequencer: SequencerId::new(e.sequencer),
            header_hash: e.headerHash,
            score: Score::new(e.score),
            start: L1Slot::new(e.start),
            previous_start: L1Slot::new(e.previousStart),
        },
        IRollupEvents::Displaced(e) => RollupEvent::Displaced {
            slot: Slot::new(e.slot),
            sequencer: SequencerId::new(e.sequencer),
            header_hash: e.headerHash,
        },
        IRollupEvents::Committed(e) => RollupEvent::Committed {
            slot: Slot::new(e.slot),
            header_hash: e.headerHash,
            prover: e.prover,
            sequencer: SequencerId::new(e.sequencer),
            payee: e.payee,
            bond: amount(e.bond)?,
            price: Price::new(e.price),
            l1_slot: L1Slot::new(e.l1Slot),
        },
        IRollupEvents::Revealed(e) => RollupEvent::Revealed {
            slot: Slot::new(e.slot),
            header_hash: e.headerHash,
            header: e.header.into(),
            blobs_seen: e.blobsSeen,
            complete: e.complete,
            l1_slot: L1Slot::new(e.l1Slot),
        },
        IRollupEvents::Finalized(e) => RollupEvent::Finalized {
            slot: Slot::new(e.slot),
            header_hash: e.headerHash,
            payee: e.payee,
            outcome: match e.outcome {
                fernet_bindings::Outcome::Finalized => Outcome::Finalized,
                fernet_bindings::Outcome::Rescued => Outcome::Rescued,
                fernet_bindings::Outcome::Backup => Outcome::Backup,
                other => return Err(format!("unknown outcome {other:?}")),
            },
            state_root: e.stateRoot,
            deposits_end: e.depositsEnd,
            l1_slot: L1Slot::new(e.l1Slot),
        },
        IRollupEvents::BackupBlock(e) => RollupEvent::BackupBlock {
            slot: Slot::new(e.slot),
            header_hash: e.headerHash,
            header: e.header.into(),
        },
        IRollupEvents::CandidateAbandoned(e) => RollupEvent::CandidateAbandoned {
            slot: Slot::new(e.slot),
            sequencer: SequencerId::new(e.sequencer),
            penalty: amount(e.penalty)?,
        },
        IRollupEvents::CandidateWithheld(e) => RollupEvent::CandidateWithheld {
            slot: Slot::new(e.slot),
            sequencer: SequencerId::new(e.sequencer),
            penalty: amount(e.penalty)?,
        },
        IRollupEvents::BondReleased(e) => {
            RollupEvent::BondReleased { slot: Slot::new(e.slot), prover: e.prover, bond: amount(e.bond)? }
        }
        IRollupEvents::BondSlashed(e) => RollupEvent::BondSlashed {
            slot: Slot::new(e.slot),
            prover: e.prover,
            bond: amount(e.bond)?,
            beneficiary: e.beneficiary,
            share: amount(e.share)?,
        },
        IRollupEvents::SlotExpired(e) => RollupEvent::SlotExpired { slot: Slot::new(e.slot) },
        IRollupEvents::SeedProven(e) => {
            RollupEvent::SeedProven { slot: Slot::new(e.slot), l1_slot: L1Slot::new(e.l1Slot), mix: e.mix }
        }
        IRollupEvents::SlotVoided(e) => RollupEvent::SlotVoided { slot: Slot::new(e.slot) },
        IRollupEvents::Paused(e) => RollupEvent::Paused { until: L1Slot::new(e.until) },
    })
}

fn staking(log: &LogData) -> Decoded {
    Ok(match read::<IStakingEvents>(log)? {
        IStakingEvents::Registered(e) => RollupEvent::Registered {
            sequencer: SequencerId::new(e.sequencer),
            attester: e.attester,
            owner: e.owner,
            withdrawer: e.withdrawer,
            fee_recipient: e.feeRecipient,
            stake: amount(e.stake)?,
            active_from: L1Slot::new(e.activeFrom),
            bls_key: e.blsKey,
        },
        IStakingEvents::EntryCancelled(e) => RollupEvent::EntryCancelled {
            sequencer: SequencerId::new(e.sequencer),
            to: e.to,
            amount: amount(e.amount)?,
        },
        IStakingEvents::ToppedUp(e) => RollupEvent::ToppedUp {
            sequencer: SequencerId::new(e.sequencer),
            from: e.from,
            amount: amount(e.amount)?,
            stake: amount(e.stake)?,
        },
        IStakingEvents::WithdrawerSet(e) => {
            RollupEvent::WithdrawerSet { sequencer: SequencerId::new(e.sequencer), withdrawer: e.withdrawer }
        }
        IStakingEvents::FeeRecipientSet(e) => RollupEvent::FeeRecipientSet {
            sequencer: SequencerId::new(e.sequencer),
            fee_recipient: e.feeRecipient,
        },
        IStakingEvents::AttesterRotated(e) => RollupEvent::AttesterRotated {
            sequencer: SequencerId::new(e.sequencer),
            attester: e.attester,
            from: L1Slot::new(e.from),
        },
        IStakingEvents::BlsKeyRotated(e) => RollupEvent::BlsKeyRotated {
            sequencer: SequencerId::new(e.sequencer),
            bls_key: e.blsKey,
            from: L1Slot::new(e.from),
        },
        IStakingEvents::EntryFlushSet(e) => {
            RollupEvent::EntryFlushSet { flush: e.flush, from: L1Slot::new(e.from) }
        }
        IStakingEvents::ExitInitiated(e) => RollupEvent::ExitInitiated {
            sequencer: SequencerId::new(e.sequencer),
            l1_slot: L1Slot::new(e.l1Slot),
            withdrawable_from: L1Slot::new(e.withdrawableFrom),
        },
        IStakingEvents::Withdrawn(IStaking::Withdrawn { sequencer, to, amount: paid }) => {
            RollupEvent::StakeWithdrawn { sequencer: SequencerId::new(sequencer), to, amount: amount(paid)? }
        }
        IStakingEvents::Slashed(IStaking::Slashed { sequencer, amount: taken, remaining }) => {
            RollupEvent::StakeSlashed {
                sequencer: SequencerId::new(sequencer),
                amount: amount(taken)?,
                remaining: amount(remaining)?,
            }
        }
    })
}

fn randomness(log: &LogData) -> Decoded {
    let IRandomnessEvents::MixProven(e) = read::<IRandomnessEvents>(log)?;
    Ok(RollupEvent::MixProven {
        l1_slot: L1Slot::new(e.l1Slot),
        mix: e.mix,
        block_number: number(e.blockNumber)?,
    })
}

fn escrow(log: &LogData) -> Decoded {
    Ok(match read::<IEscrowEvents>(log)? {
        IEscrowEvents::Deposited(IEscrow::Deposited { account, from, amount }) => {
            RollupEvent::EscrowDeposited { account, from, amount: TokenAmount::new(amount) }
        }
        IEscrowEvents::WithdrawalRequested(e) => RollupEvent::EscrowWithdrawalRequested {
            account: e.account,
            amount: TokenAmount::new(e.amount),
            withdrawable_from: L1Slot::new(e.withdrawableFrom),
        },
        IEscrowEvents::Withdrawn(IEscrow::Withdrawn { account, to, amount }) => {
            RollupEvent::EscrowWithdrawn { account, to, amount: TokenAmount::new(amount) }
        }
        IEscrowEvents::Locked(IEscrow::Locked { account, amount }) => {
            RollupEvent::EscrowLocked { account, amount: TokenAmount::new(amount) }
        }
        IEscrowEvents::Released(IEscrow::Released { account, amount }) => {
            RollupEvent::EscrowReleased { account, amount: TokenAmount::new(amount) }
        }
        IEscrowEvents::Slashed(e) => RollupEvent::EscrowSlashed {
            account: e.account,
            amount: TokenAmount::new(e.amount),
            beneficiary: e.beneficiary,
            share: TokenAmount::new(e.share),
        },
        IEscrowEvents::SignerSet(e) => {
            RollupEvent::EscrowSignerSet { account: e.account, signer: e.signer, from: L1Slot::new(e.from) }
        }
    })
}

fn rewards(log: &LogData) -> Decoded {
    Ok(match read::<IRewardsEvents>(log)? {
        IRewardsEvents::Funded(IRewards::Funded { from, amount }) => {
            RollupEvent::RewardsFunded { from, amount }
        }
        IRewardsEvents::BlockPaid(e) => RollupEvent::BlockPaid {
            slot: Slot::new(e.slot),
            sequencer: e.sequencer,
            sequencer_reward: e.sequencerReward,
            prover: e.prover,
            prover_reward: e.proverReward,
            submitter: e.submitter,
            submitter_reward: e.submitterReward,
        },
        IRewardsEvents::RatesScheduled(e) => {
            RollupEvent::RatesScheduled { from: Slot::new(e.from), rates: e.rates.into() }
        }
        IRewardsEvents::Claimed(e) => RollupEvent::RewardClaimed {
            account: e.account,
            to: e.to,
            amount: e.amount,
            still_owed: e.stillOwed,
        },
    })
}

fn bridge(log: &LogData) -> Decoded {
    Ok(match read::<IBridgeEvents>(log)? {
        IBridgeEvents::Deposited(IBridge::Deposited {
            number,
            index,
            owner,
            from,
            keyX,
            keyY,
            amount,
            chain,
            l1Slot,
        }) => RollupEvent::Deposited {
            number,
            index,
            owner,
            from,
            key_x: keyX,
            key_y: keyY,
            amount,
            chain,
            l1_slot: L1Slot::new(l1Slot),
        },
        IBridgeEvents::ExitForced(e) => RollupEvent::ExitForced {
            number: e.number,
            index: e.index,
            owner: e.owner,
            to: e.to,
            chain: e.chain,
            l1_slot: L1Slot::new(e.l1Slot),
        },
        IBridgeEvents::WithdrawalClaimed(e) => RollupEvent::WithdrawalClaimed {
            slot: Slot::new(e.slot),
            blob: number(e.blob)?,
            element: number(e.element)?,
            to: e.to,
            amount: e.amount,
        },
    })
}
