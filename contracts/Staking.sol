// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {L1Clock} from "./L1Clock.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {IStaking, Registration, Sequencer, StakingParameters, Status} from "./interfaces/IStaking.sol";
import {Bls} from "./libraries/Bls.sol";
import {Entries} from "./libraries/Entries.sol";
import {EntryQueue, Queue} from "./libraries/EntryQueue.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {SequencerId} from "./types/Ids.sol";
import {L1Slot} from "./types/Time.sol";

/// @title Sequencers and their stakes
/// @notice It has no owner and cannot be upgraded. Governance may set the places of an entry window, up to a fixed
/// maximum, and nothing else.
contract Staking is IStaking, L1Clock {
    using Tokens for IERC20;
    using EntryQueue for Queue;

    /// @dev A sequencer. L1 slots fit into 40 bits, as an L1 slot takes at least a second. The stake is above zero
    /// until it is paid or slashed to nothing. Rotations use two words that most sequencers never write.
    struct StoredSequencer {
        address attester;
        uint40 activeFrom;
        uint40 exitAt;
        /// Whether the stake was paid back.
        bool paid;
        /// Whether the two words for rotations are in use.
        bool rotated;
        // Second word.
        address owner;
        uint96 stake;
        // Third word. A withdrawer of zero means the owner.
        address withdrawer;
        uint32 feeRecipient;
        // Fourth word.
        bytes32 blsKeyHash;
        // Fifth word: the next attester, and when each key is replaced; zero for never.
        address nextAttester;
        uint40 attesterFrom;
        uint40 blsKeyFrom;
        // Sixth word.
        bytes32 nextBlsKeyHash;
    }

    bytes32 private constant POSSESSION_DOMAIN = "fernet.pop.v1";
    bytes private constant POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    /// @notice Token of the stakes.
    IERC20 public immutable token;
    /// @notice Contract that may slash.
    address public immutable rollup;
    /// @notice Account that may set the places of entry windows; zero if nobody may.
    address public immutable governance;
    /// @inheritdoc IStaking
    uint96 public immutable stakeAmount;
    /// @inheritdoc IStaking
    uint96 public immutable minimumStake;
    /// @notice L1 slots from a registration or a rotation until it takes effect.
    uint32 public immutable entryPeriod;
    /// @notice L1 slots from the start of an exit until the stake can be withdrawn.
    uint32 public immutable exitDelay;
    /// @notice L1 slots of an entry window.
    uint32 public immutable entryWindow;
    /// @notice Highest number of places of an entry window.
    uint16 public immutable maxEntryFlush;
    /// @notice Number of entry windows beyond the first possible one that a registration may have to wait for.
    uint16 public immutable queueLimit;

    Queue private _queue;
    mapping(SequencerId => StoredSequencer) private _sequencers;

    constructor(
        IERC20 token_,
        address rollup_,
        address governance_,
        StakingParameters memory parameters,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_
    ) L1Clock(l1GenesisTime_, l1SlotSeconds_) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (parameters.stakeAmount == 0) revert BadParameter("stakeAmount");
        if (parameters.minimumStake == 0 || parameters.minimumStake > parameters.stakeAmount) {
            revert BadParameter("minimumStake");
        }
        // A sequencer that registers in the L1 slot in which a slot starts must not be active by then.
        if (parameters.entryPeriod == 0) revert BadParameter("entryPeriod");
        if (parameters.exitDelay == 0) revert BadParameter("exitDelay");
        if (parameters.entryWindow == 0) revert BadParameter("entryWindow");
        if (parameters.entryFlush == 0 || parameters.entryFlush > parameters.maxEntryFlush) {
            revert BadParameter("entryFlush");
        }
        if (parameters.queueLimit > EntryQueue.MAX_LIMIT) revert BadParameter("queueLimit");
        token = token_;
        rollup = rollup_;
        governance = governance_;
        stakeAmount = parameters.stakeAmount;
        minimumStake = parameters.minimumStake;
        entryPeriod = parameters.entryPeriod;
        exitDelay = parameters.exitDelay;
        entryWindow = parameters.entryWindow;
        maxEntryFlush = parameters.maxEntryFlush;
        queueLimit = parameters.queueLimit;
        _queue.flush = parameters.entryFlush;
    }

    // ---- entry ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function register(Registration calldata registration) external returns (SequencerId id) {
        if (registration.attester == address(0)) revert ZeroAddress();
        uint32 last = _queue.count;
        if (last == type(uint32).max) revert TooManySequencers();
        (uint256 window, L1Slot activeFrom) = _nextPlace();
        _requirePossession(registration.blsKey, registration.proofOfPossession);
        unchecked {
            // Compared above.
            id = SequencerId.wrap(last + 1);
        }
        _queue.count = SequencerId.unwrap(id);
        _queue.take(window);
        StoredSequencer storage stored = _sequencers[id];
        stored.attester = registration.attester;
        stored.activeFrom = _toUint40(activeFrom);
        stored.owner = msg.sender;
        stored.stake = stakeAmount;
        address withdrawer = registration.withdrawer == address(0) ? msg.sender : registration.withdrawer;
        if (withdrawer != msg.sender) stored.withdrawer = withdrawer;
        if (registration.feeRecipient != 0) stored.feeRecipient = registration.feeRecipient;
        stored.blsKeyHash = _keyHash(registration.blsKey);
        emit Registered(
            id,
            registration.attester,
            msg.sender,
            withdrawer,
            registration.feeRecipient,
            stakeAmount,
            activeFrom,
            registration.blsKey
        );
        token.pull(msg.sender, stakeAmount);
    }

    /// @inheritdoc IStaking
    function cancelEntry(SequencerId id) external {
        StoredSequencer storage stored = _sequencers[id];
        Status status = _statusOf(stored);
        if (status != Status.Queued) revert WrongStatus(id, Status.Queued, status);
        _requireOwner(id, stored);
        _queue.release(Entries.windowOf(L1Slot.wrap(stored.activeFrom), entryWindow));
        // The exit keeps it from becoming active when its entry window begins.
        stored.exitAt = _toUint40(Entries.exitTime(l1Slot()));
        (address to, uint96 amount) = _takeStake(stored);
        emit EntryCancelled(id, to, amount);
        token.push(to, amount);
    }

    /// @inheritdoc IStaking
    function setEntryFlush(uint16 flush) external {
        if (msg.sender != governance) revert NotGovernance(governance, msg.sender);
        if (flush == 0 || flush > maxEntryFlush) revert EntryFlushOutOfRange(maxEntryFlush, flush);
        uint256 current = Entries.windowOf(l1Slot(), entryWindow);
        _queue.setFlush(current, flush);
        emit EntryFlushSet(flush, Entries.activation(current + 1, entryWindow, L1Slot.wrap(0)));
    }

    // ---- while registered -----------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function topUp(SequencerId id, uint96 amount) external {
        StoredSequencer storage stored = _sequencers[id];
        _requireQueuedOrActive(id, stored);
        if (amount == 0) revert ZeroAmount();
        uint256 stake = uint256(stored.stake) + amount;
        if (stake > stakeAmount) revert StakeTooHigh(id, stakeAmount, stake);
        // Casts: the stake is at most stakeAmount.
        stored.stake = uint96(stake);
        emit ToppedUp(id, msg.sender, amount, uint96(stake));
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function setWithdrawer(SequencerId id, address withdrawer) external {
        StoredSequencer storage stored = _sequencers[id];
        Status status = _statusOf(stored);
        if (status == Status.None || status == Status.Exited) revert WrongStatus(id, Status.Active, status);
        address current = _withdrawerOf(stored);
        if (msg.sender != current) revert NotWithdrawer(id, current, msg.sender);
        if (withdrawer == address(0)) revert ZeroAddress();
        stored.withdrawer = withdrawer;
        emit WithdrawerSet(id, withdrawer);
    }

    /// @inheritdoc IStaking
    function setFeeRecipient(SequencerId id, uint32 feeRecipient) external {
        StoredSequencer storage stored = _sequencers[id];
        _requireQueuedOrActive(id, stored);
        _requireOwner(id, stored);
        stored.feeRecipient = feeRecipient;
        emit FeeRecipientSet(id, feeRecipient);
    }

    /// @inheritdoc IStaking
    function rotateAttester(SequencerId id, address attester) external {
        StoredSequencer storage stored = _sequencers[id];
        _requireQueuedOrActive(id, stored);
        _requireOwner(id, stored);
        if (attester == address(0)) revert ZeroAddress();
        L1Slot from = _startRotation(id, stored, stored.attesterFrom);
        // A past rotation has taken effect for every slot in flight, so its attester becomes the current one.
        if (stored.attesterFrom != 0) stored.attester = stored.nextAttester;
        stored.nextAttester = attester;
        stored.attesterFrom = _toUint40(from);
        emit AttesterRotated(id, attester, from);
    }

    /// @inheritdoc IStaking
    function rotateBlsKey(SequencerId id, bytes32[4] calldata blsKey, bytes32[8] calldata proofOfPossession) external {
        StoredSequencer storage stored = _sequencers[id];
        _requireQueuedOrActive(id, stored);
        _requireOwner(id, stored);
        L1Slot from = _startRotation(id, stored, stored.blsKeyFrom);
        _requirePossession(blsKey, proofOfPossession);
        if (stored.blsKeyFrom != 0) stored.blsKeyHash = stored.nextBlsKeyHash;
        stored.nextBlsKeyHash = _keyHash(blsKey);
        stored.blsKeyFrom = _toUint40(from);
        emit BlsKeyRotated(id, blsKey, from);
    }

    // ---- exit -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function initiateExit(SequencerId id) external {
        StoredSequencer storage stored = _sequencers[id];
        _requireQueuedOrActive(id, stored);
        if (msg.sender != stored.owner && msg.sender != _attesterAt(stored, l1Slot())) {
            revert NotOwner(id, stored.owner, msg.sender);
        }
        _startExit(id, stored);
    }

    /// @inheritdoc IStaking
    function withdraw(SequencerId id) external {
        // A slot that is over may still have to penalize this sequencer.
        IRollup(rollup).sync();
        StoredSequencer storage stored = _sequencers[id];
        Status status = _statusOf(stored);
        if (status != Status.Exiting) revert WrongStatus(id, Status.Exiting, status);
        L1Slot from = Entries.withdrawableFrom(stored.exitAt, exitDelay);
        if (l1Slot() < from) revert NotWithdrawableYet(id, from, l1Slot());
        if (IRollup(rollup).isCandidate(id)) revert StillCandidate(id);
        (address to, uint96 amount) = _takeStake(stored);
        emit Withdrawn(id, to, amount);
        if (amount != 0) token.push(to, amount);
    }

    /// @inheritdoc IStaking
    function slash(SequencerId id, uint96 amount) external returns (uint96 slashed) {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        StoredSequencer storage stored = _sequencers[id];
        uint96 stake = stored.stake;
        slashed = amount < stake ? amount : stake;
        if (slashed == 0) return 0;
        uint96 remaining;
        unchecked {
            // The slashed amount is at most the stake.
            remaining = stake - slashed;
        }
        stored.stake = remaining;
        emit Slashed(id, slashed, remaining);
        if (remaining < minimumStake && stored.exitAt == 0) _startExit(id, stored);
        token.burn(slashed);
    }

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function sequencer(SequencerId id) external view returns (Sequencer memory) {
        return _sequencerView(_sequencers[id]);
    }

    /// @inheritdoc IStaking
    function eligibleAttester(SequencerId id, L1Slot activeBy) external view returns (address) {
        StoredSequencer storage stored = _sequencers[id];
        // An unknown id has no attester, so the checks below return zero for it.
        if (stored.exitAt != 0 || stored.activeFrom > L1Slot.unwrap(activeBy)) return address(0);
        if (!stored.rotated) return stored.attester;
        // A change of the BLS key closes slots that count from before it, so that a slot has one key for each
        // sequencer.
        uint256 blsKeyFrom = stored.blsKeyFrom;
        if (!Entries.isValidAt(blsKeyFrom, activeBy) && Entries.isValidAt(blsKeyFrom, l1Slot())) return address(0);
        return _attesterAt(stored, activeBy);
    }

    /// @inheritdoc IStaking
    function attesterOf(SequencerId id) external view returns (address) {
        return _attesterAt(_sequencers[id], l1Slot());
    }

    /// @inheritdoc IStaking
    function attesterAt(SequencerId id, L1Slot moment) external view returns (address) {
        return _attesterAt(_sequencers[id], moment);
    }

    /// @inheritdoc IStaking
    function blsKeyHashOf(SequencerId id) external view returns (bytes32) {
        return _blsKeyHashAt(_sequencers[id], l1Slot());
    }

    /// @inheritdoc IStaking
    function blsKeyHashAt(SequencerId id, L1Slot moment) external view returns (bytes32) {
        return _blsKeyHashAt(_sequencers[id], moment);
    }

    /// @inheritdoc IStaking
    function ownerOf(SequencerId id) external view returns (address) {
        return _sequencers[id].owner;
    }

    /// @inheritdoc IStaking
    function withdrawerOf(SequencerId id) external view returns (address) {
        return _withdrawerOf(_sequencers[id]);
    }

    /// @inheritdoc IStaking
    function statusOf(SequencerId id) external view returns (Status) {
        return _statusOf(_sequencers[id]);
    }

    /// @inheritdoc IStaking
    function count() external view returns (uint32) {
        return _queue.count;
    }

    /// @inheritdoc IStaking
    function page(SequencerId from, uint32 limit) external view returns (Sequencer[] memory sequencers) {
        uint256 first = SequencerId.unwrap(from);
        uint256 last = _queue.count;
        if (first == 0 || first > last) return sequencers;
        unchecked {
            // `first` is between 1 and `last`. Cast: ids have 32 bits.
            uint256 length = last - first + 1;
            if (length > limit) length = limit;
            sequencers = new Sequencer[](length);
            for (uint256 i = 0; i < length; ++i) {
                sequencers[i] = _sequencerView(_sequencers[SequencerId.wrap(uint32(first + i))]);
            }
        }
    }

    /// @inheritdoc IStaking
    function nextActivation() external view returns (L1Slot activeFrom) {
        (, activeFrom) = _nextPlace();
    }

    /// @inheritdoc IStaking
    function entryWindowAt(L1Slot moment) external view returns (uint256 places, uint256 taken) {
        uint256 window = Entries.windowOf(moment, entryWindow);
        return (_queue.flushOf(window), Entries.laneOf(_queue.taken[window / Entries.LANES], window));
    }

    /// @inheritdoc IStaking
    function possessionMessage(address owner, bytes32[4] calldata blsKey) public view returns (bytes memory) {
        return abi.encode(POSSESSION_DOMAIN, block.chainid, address(this), owner, blsKey);
    }

    // ---- checks ---------------------------------------------------------------------------------------------------

    /// @dev Reverts unless the sequencer is queued or active.
    function _requireQueuedOrActive(SequencerId id, StoredSequencer storage stored) private view {
        Status status = _statusOf(stored);
        if (status != Status.Active && status != Status.Queued) revert WrongStatus(id, Status.Active, status);
    }

    function _requireOwner(SequencerId id, StoredSequencer storage stored) private view {
        if (msg.sender != stored.owner) revert NotOwner(id, stored.owner, msg.sender);
    }

    /// @dev Reverts unless the sender holds the secret of `blsKey`. The signed message names the sender, so nobody can
    /// register the key of somebody else.
    function _requirePossession(bytes32[4] calldata blsKey, bytes32[8] calldata proof) private view {
        bytes32[8] memory hashed = Bls.hashToG2(possessionMessage(msg.sender, blsKey), POSSESSION_DST);
        if (!Bls.verify(blsKey, proof, hashed)) revert BadProofOfPossession(msg.sender);
    }

    // ---- effects --------------------------------------------------------------------------------------------------

    function _startExit(SequencerId id, StoredSequencer storage stored) private {
        L1Slot now_ = Entries.exitTime(l1Slot());
        stored.exitAt = _toUint40(now_);
        emit ExitInitiated(id, now_, now_.plus(exitDelay));
    }

    /// @dev Sets the stake to zero and marks it as paid. Returns who gets how much.
    function _takeStake(StoredSequencer storage stored) private returns (address to, uint96 amount) {
        to = _withdrawerOf(stored);
        amount = stored.stake;
        stored.stake = 0;
        stored.paid = true;
    }

    /// @dev Marks a rotation that is announced now, and returns when it takes effect. The last rotation took effect at
    /// `last`; zero if there was none.
    function _startRotation(SequencerId id, StoredSequencer storage stored, uint40 last) private returns (L1Slot from) {
        L1Slot now_ = l1Slot();
        L1Slot earliest = Entries.nextRotation(last);
        if (now_ < earliest) revert RotationTooEarly(id, earliest, now_);
        stored.rotated = true;
        return now_.plus(entryPeriod);
    }

    // ---- reading --------------------------------------------------------------------------------------------------

    /// @dev The first entry window with a free place for a registration that is made now, and when it becomes active.
    function _nextPlace() private view returns (uint256 window, L1Slot activeFrom) {
        L1Slot earliest = l1Slot().plus(entryPeriod);
        uint256 first = Entries.windowOf(earliest, entryWindow);
        bool found;
        (window, found) = _queue.find(first, queueLimit);
        activeFrom = Entries.activation(window, entryWindow, earliest);
        if (!found) revert QueueFull(activeFrom);
    }

    function _attesterAt(StoredSequencer storage stored, L1Slot moment) private view returns (address) {
        return stored.rotated && Entries.isValidAt(stored.attesterFrom, moment) ? stored.nextAttester : stored.attester;
    }

    function _blsKeyHashAt(StoredSequencer storage stored, L1Slot moment) private view returns (bytes32) {
        return
            stored.rotated && Entries.isValidAt(stored.blsKeyFrom, moment) ? stored.nextBlsKeyHash : stored.blsKeyHash;
    }

    function _withdrawerOf(StoredSequencer storage stored) private view returns (address withdrawer) {
        withdrawer = stored.withdrawer;
        if (withdrawer == address(0)) withdrawer = stored.owner;
    }

    function _statusOf(StoredSequencer storage stored) private view returns (Status) {
        // An unregistered id has no attester.
        if (stored.attester == address(0)) return Status.None;
        if (stored.paid) return Status.Exited;
        if (stored.exitAt != 0) return Status.Exiting;
        return stored.activeFrom <= L1Slot.unwrap(l1Slot()) ? Status.Active : Status.Queued;
    }

    function _sequencerView(StoredSequencer storage stored) private view returns (Sequencer memory result) {
        L1Slot now_ = l1Slot();
        result.status = _statusOf(stored);
        result.attester = _attesterAt(stored, now_);
        result.activeFrom = L1Slot.wrap(stored.activeFrom);
        result.exitAt = L1Slot.wrap(stored.exitAt);
        result.owner = stored.owner;
        result.withdrawer = _withdrawerOf(stored);
        result.stake = stored.stake;
        result.feeRecipient = stored.feeRecipient;
        result.blsKeyHash = _blsKeyHashAt(stored, now_);
        if (L1Slot.wrap(stored.attesterFrom) > now_) {
            result.nextAttester = stored.nextAttester;
            result.nextAttesterFrom = L1Slot.wrap(stored.attesterFrom);
        }
        if (L1Slot.wrap(stored.blsKeyFrom) > now_) {
            result.nextBlsKeyHash = stored.nextBlsKeyHash;
            result.nextBlsKeyFrom = L1Slot.wrap(stored.blsKeyFrom);
        }
    }

    function _keyHash(bytes32[4] calldata blsKey) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(blsKey));
    }

    /// @dev Cast: an L1 slot takes at least a second, and 2^40 seconds are 34,000 years.
    function _toUint40(L1Slot l1Slot_) private pure returns (uint40) {
        return uint40(L1Slot.unwrap(l1Slot_));
    }
}
