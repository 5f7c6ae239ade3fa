// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {EscrowAccount} from "./IEscrow.sol";
import {Rates} from "./IRewards.sol";
import {Header, Parameters, Phase, Tip} from "./IRollup.sol";
import {Sequencer, Status} from "./IStaking.sol";

/// @notice One ranked proposal with what became of it.
struct Candidate {
    SequencerId sequencer;
    uint192 score;
    bytes32 headerHash;
    /// L1 slot of the commitment, 0 without one
    L1Slot committedAt;
    /// L1 slot of the completed reveal, 0 without one
    L1Slot revealedAt;
    /// bit i: blob i of the header was seen; kept for the candidate that committed last, zero for the others
    uint16 blobsSeen;
    address prover;
    address payee;
    uint96 bond;
    uint96 price;
}

/// @notice Everything about one slot at one moment.
struct SlotView {
    Slot slot;
    Phase phase;
    L1Slot start;
    /// start of the previous slot: sequencers active then may propose, and the seed follows from it
    L1Slot previousStart;
    /// L1 slot whose RANDAO mix makes the seed
    L1Slot seedAt;
    /// seed, where a proposal brought it or its mix was proven; zero otherwise
    bytes32 seed;
    /// first L1 slot after the current phase, if nothing happens
    L1Slot phaseEnd;
    /// rank of the candidate whose turn it is
    uint8 rank;
    /// best first
    Candidate[] candidates;
}

/// @notice Where the chain stands.
struct Overview {
    /// the current one
    L1Slot l1Slot;
    /// see `IRollup.pausedUntil`
    L1Slot pausedUntil;
    SlotView slot;
    Tip tip;
    /// what a block of the slot in turn pays
    Rates rates;
    /// deposits and forced exits queued and not consumed by a block
    uint64 pendingDeposits;
    /// an earlier slot is over and waits for `IRollup.settle`, or for any other call
    bool unsettled;
}

/// @notice A registration with what follows from it now.
struct SequencerView {
    SequencerId id;
    Status status;
    /// candidate of a slot that isn't settled: its stake can't leave
    bool candidate;
    Sequencer registration;
}

/// @notice A prover's money.
struct EscrowView {
    EscrowAccount account;
    /// further bonds of the rollup's minimum that the free balance covers
    uint256 affordableBonds;
    /// whether `account.withdrawing` can be taken
    bool withdrawable;
}

/// @notice What an account earned, token units.
struct RewardsView {
    uint256 owed;
    /// what a claim would pay now
    uint256 claimable;
    /// all that the pot holds
    uint256 pot;
}

/// @title Reads for clients, operators and indexers
/// @notice Views over the contracts of one deployment. It stores nothing, and nothing depends on it. All of it follows from events, too.
interface IReader {
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Everything about the slot in turn, the tip, the pause and the Bridge's pending queue, at the current L1 slot.
    function overview() external view returns (Overview memory);
    /// @notice The slot in turn with phase, deadlines, candidates and commitments.
    function currentSlot() external view returns (SlotView memory);
    /// @notice The ranked proposals of the slot in turn, best first.
    function candidates() external view returns (Candidate[] memory);
    /// @notice Registrations `from`, `from + 1`, … at most `limit` of them, with their status.
    function sequencers(SequencerId from, uint32 limit) external view returns (SequencerView[] memory);
    /// @notice A prover's balances and what they are good for.
    function escrow(address account) external view returns (EscrowView memory);
    /// @notice What an account is owed, and how much of it the pot can pay.
    function rewards(address account) external view returns (RewardsView memory);
    /// @notice The rules of the deployment.
    function parameters() external view returns (Parameters memory);
    /// @notice `keccak256(abi.encode(header))`.
    function headerHash(Header calldata header) external pure returns (bytes32);
}
