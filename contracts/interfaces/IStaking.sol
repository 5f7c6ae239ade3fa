// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {L1Slot} from "../types/Time.sol";

/// @notice Status of a registration. It is derived from stored times and the current L1 slot, and never stored.
enum Status {
    /// The registration does not exist.
    None,
    /// Waits in the entry queue.
    Queued,
    Active,
    /// Cannot propose, and can still be slashed.
    Exiting,
    /// Its stake was paid back.
    Exited
}

/// @notice Input of a registration. Points are encoded as in EIP-2537, with coordinates of 64 bytes.
struct Registration {
    /// Account that sends proposals and signs quotes.
    address attester;
    /// Account that gets the stake back; zero for the owner.
    address withdrawer;
    /// Index of the L2 account for the fees of its blocks. A hint for clients: the header decides.
    uint32 feeRecipient;
    /// BLS public key, a point of G1.
    bytes32[4] blsKey;
    /// Signature of the BLS key on `possessionMessage`, a point of G2.
    bytes32[8] proofOfPossession;
}

/// @notice A registration at the current L1 slot.
struct Sequencer {
    Status status;
    /// Account that sends proposals and signs quotes.
    address attester;
    /// First L1 slot in which the sequencer is active.
    L1Slot activeFrom;
    /// L1 slot in which the exit was initiated; 0 if it was not.
    L1Slot exitAt;
    /// Account that registered the sequencer and gets its rewards.
    address owner;
    /// Account that gets the stake back.
    address withdrawer;
    /// In token units.
    uint96 stake;
    /// Index of the L2 account for the fees of its blocks. A hint for clients: the header decides.
    uint32 feeRecipient;
    /// keccak256 of the BLS key's 128 bytes.
    bytes32 blsKeyHash;
    /// Attester from L1 slot `nextAttesterFrom` on; both are zero if no rotation is pending.
    address nextAttester;
    L1Slot nextAttesterFrom;
    /// Hash of the BLS key from L1 slot `nextBlsKeyFrom` on; both are zero if no rotation is pending.
    bytes32 nextBlsKeyHash;
    L1Slot nextBlsKeyFrom;
}

/// @notice Parameters of the staking contract. Times are in L1 slots, amounts in token units.
struct StakingParameters {
    /// Stake of a registration.
    uint96 stakeAmount;
    /// A slashed sequencer with a lower stake is ejected.
    uint96 minimumStake;
    /// Time from a registration or a rotation until it takes effect, at least 1.
    uint32 entryPeriod;
    /// Time from the start of an exit until the stake can be withdrawn, at least 1.
    uint32 exitDelay;
    /// Length of an entry window, at least 1.
    uint32 entryWindow;
    /// Places of an entry window: how many registrations can become active in it, 1 to `maxEntryFlush`. Governance may
    /// change it.
    uint16 entryFlush;
    /// Upper bound on what governance may set.
    uint16 maxEntryFlush;
    /// How many entry windows beyond the first possible one a registration may have to wait for, at most 128.
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
    /// @notice The sequencer is a candidate of a slot that is not over, which may still slash it.
    /// @custom:rule Q17
    error StillCandidate(SequencerId sequencer);
    /// @notice No entry window that begins before L1 slot `until` has room.
    /// @custom:rule Q6
    error QueueFull(L1Slot until);
    /// @notice The key is not a point of G1 other than infinity, or the signature is not the key's signature on the
    /// owner's message.
    /// @custom:rule Q2
    error BadProofOfPossession(address owner);
    /// @notice A rotation is pending, or took effect too recently.
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

    /// @notice Registers a sequencer that is active from `nextActivation()` on. Takes the stake from the sender, who
    /// becomes the owner. Anyone, any number of times.
    /// @dev Errors: `ZeroAddress` without an attester; `TooManySequencers`; `QueueFull`; `BadProofOfPossession`.
    function register(Registration calldata registration) external returns (SequencerId sequencer);
    /// @notice Cancels the registration of a queued sequencer. Pays the whole stake to the withdrawer at once, and
    /// frees the place in the queue. Owner only.
    /// @dev Errors: `WrongStatus`; `NotOwner`.
    function cancelEntry(SequencerId sequencer) external;
    /// @notice Sets the places of entry windows that have not begun, 1 to `maxEntryFlush`. Places that are taken stay
    /// taken. Governance only.
    /// @dev Errors: `NotGovernance`; `EntryFlushOutOfRange`.
    function setEntryFlush(uint16 flush) external;

    // ---- while registered -----------------------------------------------------------------------------------------

    /// @notice Adds `amount` token units to the stake of a queued or active sequencer, up to `stakeAmount`. Anyone.
    /// @dev Errors: `WrongStatus`; `ZeroAmount`; `StakeTooHigh`.
    function topUp(SequencerId sequencer, uint96 amount) external;
    /// @notice Passes the right to the stake to another account, at any time before the stake is paid. Withdrawer only.
    /// @dev Errors: `WrongStatus`; `NotWithdrawer`; `ZeroAddress`.
    function setWithdrawer(SequencerId sequencer, address withdrawer) external;
    /// @notice Sets the fee recipient of a queued or active sequencer. Owner only.
    /// @dev Errors: `WrongStatus`; `NotOwner`.
    function setFeeRecipient(SequencerId sequencer, uint32 feeRecipient) external;
    /// @notice Replaces the attester of a queued or active sequencer, with effect `entryPeriod` L1 slots later. Slots
    /// that count from an earlier L1 slot keep the previous attester. Owner only.
    /// @dev A rotation must wait until 16,384 L1 slots after the last one took effect, as slots in flight may still
    /// need the previous attester. Errors: `WrongStatus`; `NotOwner`; `ZeroAddress`; `RotationTooEarly`.
    function rotateAttester(SequencerId sequencer, address attester) external;
    /// @notice Replaces the BLS key of a queued or active sequencer, with effect `entryPeriod` L1 slots later. If a
    /// slot counts from an earlier L1 slot and is still open then, the sequencer can no longer propose in it. Owner
    /// only.
    /// @dev The wait between rotations is that of `rotateAttester`. Errors: `WrongStatus`; `NotOwner`;
    /// `RotationTooEarly`; `BadProofOfPossession`.
    function rotateBlsKey(SequencerId sequencer, bytes32[4] calldata blsKey, bytes32[8] calldata proofOfPossession)
        external;

    // ---- exit -----------------------------------------------------------------------------------------------------

    /// @notice Starts the exit of a queued or active sequencer. It cannot propose from now on, and can be slashed until
    /// its stake is withdrawn. Owner or attester only.
    /// @dev Errors: `WrongStatus`; `NotOwner`.
    function initiateExit(SequencerId sequencer) external;
    /// @notice Pays the rest of the stake to the withdrawer, `exitDelay` L1 slots after the exit started. Settles a
    /// slot that is over first, so that its penalties are included. Anyone.
    /// @dev Errors: `WrongStatus` unless the sequencer is exiting; `NotWithdrawableYet` before the delay is over;
    /// `StillCandidate` while a slot in flight may still slash it.
    function withdraw(SequencerId sequencer) external;
    /// @notice Burns up to `amount` of the stake. Ejects the sequencer if less than the minimum is left. Rollup only.
    /// @dev Errors: `NotRollup`.
    /// @return slashed Amount that was taken.
    function slash(SequencerId sequencer, uint96 amount) external returns (uint96 slashed);

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @notice The registration; all zero for an unknown id.
    function sequencer(SequencerId id) external view returns (Sequencer memory);
    /// @notice Attester at L1 slot `activeBy`, if the sequencer may propose in a slot that counts from `activeBy`; zero
    /// otherwise. It may if it was active at `activeBy`, is not exiting, and its BLS key has not changed since.
    function eligibleAttester(SequencerId id, L1Slot activeBy) external view returns (address);
    /// @notice Attester at the current L1 slot, whatever the status; zero for an unknown id.
    function attesterOf(SequencerId id) external view returns (address);
    /// @notice Attester at L1 slot `moment`, whatever the status; zero for an unknown id. Correct from the earliest L1
    /// slot on that a slot in flight counts from.
    function attesterAt(SequencerId id, L1Slot moment) external view returns (address);
    /// @notice keccak256 of the BLS key at the current L1 slot, whatever the status; zero for an unknown id.
    function blsKeyHashOf(SequencerId id) external view returns (bytes32);
    /// @notice keccak256 of the BLS key at L1 slot `moment`, with the limits of `attesterAt`.
    function blsKeyHashAt(SequencerId id, L1Slot moment) external view returns (bytes32);
    /// @notice Owner, whatever the status; zero for an unknown id.
    function ownerOf(SequencerId id) external view returns (address);
    /// @notice Account that gets the stake back, whatever the status; zero for an unknown id.
    function withdrawerOf(SequencerId id) external view returns (address);
    /// @notice Status at the current L1 slot.
    function statusOf(SequencerId id) external view returns (Status);
    /// @notice Number of registrations ever made. Ids run from 1 to this number.
    function count() external view returns (uint32);
    /// @notice Registrations `from`, `from + 1` and so on, at most `limit` of them.
    function page(SequencerId from, uint32 limit) external view returns (Sequencer[] memory);
    /// @notice First active L1 slot of a registration that is made now.
    /// @dev Errors: `QueueFull`.
    function nextActivation() external view returns (L1Slot);
    /// @notice Number of places, and of taken places, in the entry window that contains L1 slot `moment`.
    function entryWindowAt(L1Slot moment) external view returns (uint256 places, uint256 taken);
    /// @notice Message that a BLS key signs to be registered by `owner`.
    function possessionMessage(address owner, bytes32[4] calldata blsKey) external view returns (bytes memory);
    /// @notice Stake of a registration, in token units.
    function stakeAmount() external view returns (uint96);
    /// @notice Stake below which a slashed sequencer is ejected, in token units.
    function minimumStake() external view returns (uint96);
}
