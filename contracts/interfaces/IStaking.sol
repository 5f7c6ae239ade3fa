// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {L1Slot} from "../types/Time.sol";

/// @notice Derived from stored times, never stored.
enum Status {
    /// no such registration
    None,
    /// waits for its place in the entry queue
    Queued,
    Active,
    /// can't propose any more, can still be slashed
    Exiting,
    /// has its stake back
    Exited
}

/// @notice What a registration is made of. Points as in EIP-2537: coordinates of 64 bytes.
struct Registration {
    /// sends proposals and signs quotes
    address attester;
    /// gets the stake back; zero for the owner
    address withdrawer;
    /// L2 account index its blocks pay fees to (a hint for clients; the header decides)
    uint32 feeRecipient;
    /// BLS public key, a point of G1
    bytes32[4] blsKey;
    /// signature of the key on `possessionMessage`, a point of G2
    bytes32[8] proofOfPossession;
}

/// @notice One registration as it stands at the current L1 slot.
struct Sequencer {
    Status status;
    /// sends proposals and signs quotes
    address attester;
    /// first L1 slot of activity
    L1Slot activeFrom;
    /// L1 slot in which the exit was signalled, 0 if it wasn't
    L1Slot exitAt;
    /// gets the rewards; registered it
    address owner;
    /// gets the stake back
    address withdrawer;
    /// token units
    uint96 stake;
    /// L2 account index its blocks pay fees to (a hint for clients; the header decides)
    uint32 feeRecipient;
    /// keccak256 of the BLS key's 128 bytes
    bytes32 blsKeyHash;
    /// attester from `nextAttesterFrom` on; both zero if no rotation waits
    address nextAttester;
    L1Slot nextAttesterFrom;
    /// hash of the BLS key from `nextBlsKeyFrom` on; both zero if no rotation waits
    bytes32 nextBlsKeyHash;
    L1Slot nextBlsKeyFrom;
}

/// @notice Parameters of a deployment's stakes. Times in L1 slots, amounts in token units.
struct StakingParameters {
    /// stake of a registration
    uint96 stakeAmount;
    /// a slashed sequencer with less is ejected
    uint96 minimumStake;
    /// from a registration, or the announcement of new keys, until it counts; at least 1
    uint32 entryPeriod;
    /// from the signal of an exit until the stake can be withdrawn; at least 1
    uint32 exitDelay;
    /// length of an entry window; at least 1
    uint32 entryWindow;
    /// registrations that become active in a window, 1 to `maxEntryFlush`; governance may change it
    uint16 entryFlush;
    /// bound on what governance may set
    uint16 maxEntryFlush;
    /// windows beyond the first possible one that a registration may wait for, at most 128
    uint16 queueLimit;
}

/// @title Sequencers and their stakes
interface IStaking {
    event Registered(
        SequencerId indexed sequencer,
        address indexed attester,
        address indexed owner,
        address withdrawer,
        uint32 feeRecipient,
        uint96 stake,
        L1Slot activeFrom,
        bytes32[4] blsKey
    );
    event EntryCancelled(SequencerId indexed sequencer, address indexed to, uint96 amount);
    event ExitInitiated(SequencerId indexed sequencer, L1Slot l1Slot, L1Slot withdrawableFrom);
    event Withdrawn(SequencerId indexed sequencer, address indexed to, uint96 amount);
    event Slashed(SequencerId indexed sequencer, uint96 amount, uint96 remaining);
    event ToppedUp(SequencerId indexed sequencer, address indexed from, uint96 amount, uint96 stake);
    event WithdrawerSet(SequencerId indexed sequencer, address indexed withdrawer);
    event FeeRecipientSet(SequencerId indexed sequencer, uint32 feeRecipient);
    event AttesterRotated(SequencerId indexed sequencer, address indexed attester, L1Slot from);
    event BlsKeyRotated(SequencerId indexed sequencer, bytes32[4] blsKey, L1Slot from);
    /// @notice Entry windows that begin in L1 slot `from` or later have `flush` places.
    event EntryFlushSet(uint16 flush, L1Slot from);

    /// @custom:rule Q16
    error NotRollup(address expected, address actual);
    /// @custom:rule Q8
    error NotGovernance(address expected, address actual);
    /// @custom:rule Q7, Q10, Q11, Q13, Q15
    error NotOwner(SequencerId sequencer, address expected, address actual);
    /// @custom:rule Q13
    error NotWithdrawer(SequencerId sequencer, address expected, address actual);
    /// @custom:rule Q7, Q9, Q10, Q11, Q13, Q15, Q17
    error WrongStatus(SequencerId sequencer, Status expected, Status actual);
    /// @custom:rule Q17
    error NotWithdrawableYet(SequencerId sequencer, L1Slot from, L1Slot now_);
    /// @notice Still a candidate of a slot that isn't over: it may yet be slashed.
    /// @custom:rule Q17
    error StillCandidate(SequencerId sequencer);
    /// @notice No entry window up to the one that ends before L1 slot `until` has room.
    /// @custom:rule Q6
    error QueueFull(L1Slot until);
    /// @notice Not a point of G1 other than infinity, or the signature isn't the key's on the owner's message.
    /// @custom:rule Q2
    error BadProofOfPossession(address owner);
    /// @notice Another key takes or took its place lately.
    /// @custom:rule Q12
    error RotationTooEarly(SequencerId sequencer, L1Slot from, L1Slot now_);
    /// @custom:rule Q9
    error StakeTooHigh(SequencerId sequencer, uint96 maximum, uint256 actual);
    /// @custom:rule Q8
    error EntryFlushOutOfRange(uint16 maximum, uint16 actual);
    /// @custom:rule Q1, Q10
    error ZeroAddress();
    /// @custom:rule Q9
    error ZeroAmount();
    /// @custom:rule Q1
    error TooManySequencers();
    /// @custom:rule M4
    error BadParameter(string name);

    // ---- entry ----------------------------------------------------------------------------------------------------

    /// @notice Takes the stake from the sender, who becomes the owner. Active from `nextActivation()` on. Anyone, as often as they like.
    /// @dev `ZeroAddress` without an attester, `BadProofOfPossession`, `QueueFull`, `TooManySequencers`.
    function register(Registration calldata registration) external returns (SequencerId sequencer);
    /// @notice Owner (`NotOwner`), of a queued sequencer (`WrongStatus`). Pays the whole stake to the withdrawer at once; the place in the
    /// queue is free again.
    function cancelEntry(SequencerId sequencer) external;
    /// @notice Governance only. Places of an entry window, for windows that haven't begun, 1 to `maxEntryFlush` (`EntryFlushOutOfRange`). Places
    /// already taken stay taken.
    function setEntryFlush(uint16 flush) external;

    // ---- while registered -----------------------------------------------------------------------------------------

    /// @notice Anyone. Adds `amount` token units to the stake of a queued or active sequencer (`WrongStatus`), up to `stakeAmount` (`StakeTooHigh`).
    function topUp(SequencerId sequencer, uint96 amount) external;
    /// @notice The withdrawer (`NotWithdrawer`) hands its right to the stake to another, at any time before the stake is paid (`WrongStatus`).
    function setWithdrawer(SequencerId sequencer, address withdrawer) external;
    /// @notice Owner (`NotOwner`), of a queued or active sequencer (`WrongStatus`).
    function setFeeRecipient(SequencerId sequencer, uint32 feeRecipient) external;
    /// @notice Owner (`NotOwner`), of a queued or active sequencer (`WrongStatus`). The attester becomes another one `entryPeriod` L1 slots later;
    /// for what counts from an earlier L1 slot it stays the one before.
    /// @dev `RotationTooEarly` until 16,384 L1 slots after the last rotation took effect: slots in flight may still ask for the one before.
    function rotateAttester(SequencerId sequencer, address attester) external;
    /// @notice Owner (`NotOwner`), of a queued or active sequencer (`WrongStatus`). The BLS key becomes another one `entryPeriod` L1 slots later. In
    /// slots that count from before that and are still open then, the sequencer can't propose any more.
    /// @dev `BadProofOfPossession`; `RotationTooEarly` as for the attester.
    function rotateBlsKey(SequencerId sequencer, bytes32[4] calldata blsKey, bytes32[8] calldata proofOfPossession)
        external;

    // ---- exit -----------------------------------------------------------------------------------------------------

    /// @notice Owner or attester (`NotOwner`), of a queued or active sequencer (`WrongStatus`). The sequencer can't propose from now on, and is slashable until withdrawn.
    function initiateExit(SequencerId sequencer) external;
    /// @notice Anyone; pays what is left of the stake to the withdrawer after `exitDelay`. Settles a slot that is over first, so that its penalties count.
    /// @dev `WrongStatus` unless exiting, `NotWithdrawableYet` before the delay is over, `StillCandidate` while a slot in flight may yet slash it.
    function withdraw(SequencerId sequencer) external;
    /// @notice Rollup only. Burns up to `amount` of the stake; ejects the sequencer if less than the minimum is left.
    /// @return slashed what was really taken
    function slash(SequencerId sequencer, uint96 amount) external returns (uint96 slashed);

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @notice The registration; all zero for an unknown id.
    function sequencer(SequencerId id) external view returns (Sequencer memory);
    /// @notice Attester at `activeBy` if the sequencer may propose in a slot that counts from then: active at `activeBy` or earlier, not exiting, and
    /// its BLS key didn't change since; zero otherwise.
    function eligibleAttester(SequencerId id, L1Slot activeBy) external view returns (address);
    /// @notice Attester at the current L1 slot, whatever the status; zero for an unknown id.
    function attesterOf(SequencerId id) external view returns (address);
    /// @notice Attester at `moment`, whatever the status; right for any L1 slot that a slot in flight counts from, and for later ones. Zero for an unknown id.
    function attesterAt(SequencerId id, L1Slot moment) external view returns (address);
    /// @notice keccak256 of the BLS key at the current L1 slot, whatever the status; zero for an unknown id.
    function blsKeyHashOf(SequencerId id) external view returns (bytes32);
    /// @notice keccak256 of the BLS key at `moment`, as for `attesterAt`.
    function blsKeyHashAt(SequencerId id, L1Slot moment) external view returns (bytes32);
    /// @notice Owner, whatever the status; zero for an unknown id.
    function ownerOf(SequencerId id) external view returns (address);
    /// @notice Who gets the stake back, whatever the status; zero for an unknown id.
    function withdrawerOf(SequencerId id) external view returns (address);
    /// @notice Status at the current L1 slot.
    function statusOf(SequencerId id) external view returns (Status);
    /// @notice Registrations ever made; ids run from 1 to it.
    function count() external view returns (uint32);
    /// @notice Registrations `from`, `from + 1`, … at most `limit` of them.
    function page(SequencerId from, uint32 limit) external view returns (Sequencer[] memory);
    /// @notice When a registration made now would become active. `QueueFull` if none can be made.
    function nextActivation() external view returns (L1Slot);
    /// @notice Places of the entry window that L1 slot `moment` lies in, and how many of them are taken.
    function entryWindowAt(L1Slot moment) external view returns (uint256 places, uint256 taken);
    /// @notice What a BLS key signs to be registered by `owner`.
    function possessionMessage(address owner, bytes32[4] calldata blsKey) external view returns (bytes memory);
    /// @notice Stake of a registration, token units.
    function stakeAmount() external view returns (uint96);
    /// @notice Stake below which a slashed sequencer is ejected, token units.
    function minimumStake() external view returns (uint96);
}
