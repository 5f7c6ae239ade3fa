// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {L1Slot} from "../types/Time.sol";

/// @notice Derived from stored times, never stored.
enum Status {
    None,
    Queued,
    Active,
    Exiting,
    Exited
}

/// @notice One registration.
struct Sequencer {
    /// sends proposals and signs quotes
    address attester;
    /// first L1 slot of activity
    L1Slot activeFrom;
    /// L1 slot in which the exit was signalled, 0 if it wasn't
    L1Slot exitAt;
    /// gets the stake back and the rewards; registered it
    address owner;
    /// token units
    uint96 stake;
    /// L2 account index its blocks pay fees to (a hint for clients; the header decides)
    uint32 feeRecipient;
}

/// @title Sequencers and their stakes
interface IStaking {
    event Registered(
        SequencerId indexed sequencer,
        address indexed attester,
        address indexed owner,
        uint32 feeRecipient,
        uint96 stake,
        L1Slot activeFrom
    );
    event ExitInitiated(SequencerId indexed sequencer, L1Slot l1Slot, L1Slot withdrawableFrom);
    event Withdrawn(SequencerId indexed sequencer, address indexed to, uint96 amount);
    event Slashed(SequencerId indexed sequencer, uint96 amount, uint96 remaining);

    error NotRollup(address expected, address actual);
    error NotOwner(SequencerId sequencer, address expected, address actual);
    error WrongStatus(SequencerId sequencer, Status expected, Status actual);
    error NotWithdrawableYet(SequencerId sequencer, L1Slot from, L1Slot now_);
    /// @notice Still a candidate of a slot that isn't over: it may yet be slashed.
    error StillCandidate(SequencerId sequencer);
    error ZeroAddress();
    error ZeroAmount();
    error TooManySequencers();
    error BadParameter(string name);

    /// @notice Takes the stake from the sender, who becomes the owner. Active `entryPeriod` L1 slots later. Anyone, as often as they like.
    function register(address attester, uint32 feeRecipient) external returns (SequencerId sequencer);
    /// @notice Owner or attester (`NotOwner`), of a queued or active sequencer (`WrongStatus`). The sequencer can't propose from now on, and is slashable until withdrawn.
    function initiateExit(SequencerId sequencer) external;
    /// @notice Anyone; pays what is left of the stake to the owner after `exitDelay`. Settles a slot that is over first, so that its penalties count.
    /// @dev `WrongStatus` unless exiting, `NotWithdrawableYet` before the delay is over, `StillCandidate` while a slot in flight may yet slash it.
    function withdraw(SequencerId sequencer) external;
    /// @notice Rollup only. Burns up to `amount` of the stake; ejects the sequencer if less than the minimum is left.
    /// @return slashed what was really taken
    function slash(SequencerId sequencer, uint96 amount) external returns (uint96 slashed);

    /// @notice The registration; all zero for an unknown id.
    function sequencer(SequencerId id) external view returns (Sequencer memory);
    /// @notice Attester if the sequencer may propose: active at `activeBy` or earlier and not exiting; zero otherwise.
    function eligibleAttester(SequencerId id, L1Slot activeBy) external view returns (address);
    /// @notice Attester, whatever the status; zero for an unknown id.
    function attesterOf(SequencerId id) external view returns (address);
    /// @notice Owner, whatever the status; zero for an unknown id.
    function ownerOf(SequencerId id) external view returns (address);
    /// @notice Status at the current L1 slot.
    function statusOf(SequencerId id) external view returns (Status);
    /// @notice Registrations ever made; ids run from 1 to it.
    function count() external view returns (uint32);
    /// @notice Registrations `from`, `from + 1`, … at most `limit` of them.
    function page(SequencerId from, uint32 limit) external view returns (Sequencer[] memory);
    /// @notice Stake of a registration, token units.
    function stakeAmount() external view returns (uint96);
    /// @notice Stake below which a slashed sequencer is ejected, token units.
    function minimumStake() external view returns (uint96);
}
