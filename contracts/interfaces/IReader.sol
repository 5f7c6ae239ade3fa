// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {EscrowAccount} from "./IEscrow.sol";
import {Rates} from "./IRewards.sol";
import {Header, Parameters, Phase, Tip} from "./IRollup.sol";
import {Sequencer, Status} from "./IStaking.sol";

/// @notice A ranked proposal and its progress.
struct Candidate {
    SequencerId sequencer;
    uint192 score;
    bytes32 headerHash;
    /// L1 slot of the commitment; 0 without one.
    L1Slot committedAt;
    /// L1 slot of the completed reveal; 0 without one.
    L1Slot revealedAt;
    /// Bit i says whether blob i of the header was seen. Known for the candidate that committed last, zero for the
    /// others.
    uint16 blobsSeen;
    address prover;
    address payee;
    uint96 bond;
    int96 price;
}

/// @notice A slot at one moment.
struct SlotView {
    Slot slot;
    Phase phase;
    L1Slot start;
    /// Start of the previous slot. Sequencers that were active then may propose, and the seed follows from it.
    L1Slot previousStart;
    /// L1 slot whose RANDAO mix gives the seed.
    L1Slot seedAt;
    /// Seed, if the slot has a proposal or the mix was proven; zero otherwise.
    bytes32 seed;
    /// First L1 slot after the current phase, if nothing happens until then.
    L1Slot phaseEnd;
    /// Rank of the candidate in turn; 0 before the commitment phase. The number of candidates if all of them failed.
    uint8 rank;
    /// Start of the turn of the candidate at `rank`; zero if there is none.
    L1Slot turnStart;
    /// L1 slots that a block of this slot is paid for. Known when the slot starts, see `IRewards`.
    uint32 paidL1Slots;
    /// Best rank first.
    Candidate[] candidates;
}

/// @notice State of the chain at one moment.
struct Overview {
    /// Current L1 slot.
    L1Slot l1Slot;
    /// As `IRollup.pausedUntil`.
    L1Slot pausedUntil;
    SlotView slot;
    Tip tip;
    /// Rates of a block of the slot in turn.
    Rates rates;
    /// Number of deposits that are queued and not yet consumed by a block.
    uint64 pendingDeposits;
    /// Number of forced exits that are queued and not yet consumed by a block.
    uint64 pendingExits;
    /// Whether an earlier slot is over and waits to be settled, by `IRollup.settle` or any other call.
    bool unsettled;
}

/// @notice A registration and its state at one moment.
struct SequencerView {
    SequencerId id;
    Status status;
    /// Whether it is a candidate of a slot that is not settled. Its stake cannot be withdrawn then.
    bool candidate;
    Sequencer registration;
}

/// @notice A prover's balances.
struct EscrowView {
    EscrowAccount account;
    /// Number of further bonds of the rollup's minimum that the free balance covers.
    uint256 affordableBonds;
    /// Whether `account.withdrawing` can be withdrawn now.
    bool withdrawable;
    /// As `IEscrow.signerOf`.
    address signer;
}

/// @notice Rewards of an account, in token units.
struct RewardsView {
    /// Credit of the account.
    uint256 owed;
    /// What a claim would pay now.
    uint256 claimable;
    /// Tokens in the pot.
    uint256 pot;
}

/// @title Views for clients, operators and indexers
/// @notice Views over the contracts of one deployment. It stores nothing, and nothing depends on it. All of its data
/// can be derived from events, too.
interface IReader {
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice The slot in turn, the last finalized block, the pause and the Bridge's pending queue, at the current L1
    /// slot.
    function overview() external view returns (Overview memory);
    /// @notice The slot in turn with its phase, deadlines, candidates and commitments.
    function currentSlot() external view returns (SlotView memory);
    /// @notice The ranked proposals of the slot in turn, best rank first.
    function candidates() external view returns (Candidate[] memory);
    /// @notice Registrations `from`, `from + 1` and so on, at most `limit` of them, with their status.
    function sequencers(SequencerId from, uint32 limit) external view returns (SequencerView[] memory);
    /// @notice A prover's balances, and what they allow now.
    function escrow(address account) external view returns (EscrowView memory);
    /// @notice The credit of an account, and how much of it the pot can pay.
    function rewards(address account) external view returns (RewardsView memory);
    /// @notice The rules of the deployment.
    function parameters() external view returns (Parameters memory);
    /// @notice `keccak256(abi.encode(header))`.
    function headerHash(Header calldata header) external pure returns (bytes32);
}
