// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {L1Clock} from "./L1Clock.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {IStaking, Sequencer, Status} from "./interfaces/IStaking.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {SequencerId} from "./types/Ids.sol";
import {L1Slot} from "./types/Time.sol";

/// @title Sequencers and their stakes
contract Staking is IStaking, L1Clock {
    using Tokens for IERC20;

    /// @dev A registration in three words. L1 slots fit 40 bits, as one takes at least a second. The stake is above zero until it is withdrawn
    /// or slashed to nothing.
    struct Registration {
        address attester;
        uint40 activeFrom;
        uint40 exitAt;
        bool withdrawn;
        address owner;
        uint96 stake;
        uint32 feeRecipient;
    }

    /// @notice What stakes are made of.
    IERC20 public immutable token;
    /// @notice Who may slash.
    address public immutable rollup;
    /// @inheritdoc IStaking
    uint96 public immutable stakeAmount;
    /// @inheritdoc IStaking
    uint96 public immutable minimumStake;
    /// @notice L1 slots between registration and activity.
    uint32 public immutable entryPeriod;
    /// @notice L1 slots between signalling an exit and withdrawing.
    uint32 public immutable exitDelay;

    /// @inheritdoc IStaking
    uint32 public count;
    mapping(SequencerId => Registration) private _registrations;

    constructor(
        IERC20 token_,
        address rollup_,
        uint96 stakeAmount_,
        uint96 minimumStake_,
        uint32 entryPeriod_,
        uint32 exitDelay_,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_
    ) L1Clock(l1GenesisTime_, l1SlotSeconds_) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (stakeAmount_ == 0) revert BadParameter("stakeAmount");
        if (minimumStake_ == 0 || minimumStake_ > stakeAmount_) revert BadParameter("minimumStake");
        // Whoever registers in the L1 slot in which a slot starts must not be active by then.
        if (entryPeriod_ == 0) revert BadParameter("entryPeriod");
        if (exitDelay_ == 0) revert BadParameter("exitDelay");
        token = token_;
        rollup = rollup_;
        stakeAmount = stakeAmount_;
        minimumStake = minimumStake_;
        entryPeriod = entryPeriod_;
        exitDelay = exitDelay_;
    }

    /// @inheritdoc IStaking
    function register(address attester, uint32 feeRecipient) external returns (SequencerId id) {
        if (attester == address(0)) revert ZeroAddress();
        uint32 last = count;
        if (last == type(uint32).max) revert TooManySequencers();
        unchecked {
            // compared just before
            count = last + 1;
            id = SequencerId.wrap(last + 1);
        }
        L1Slot activeFrom = l1Slot().plus(entryPeriod);
        _registrations[id] = Registration({
            attester: attester,
            activeFrom: _toUint40(activeFrom),
            exitAt: 0,
            withdrawn: false,
            owner: msg.sender,
            stake: stakeAmount,
            feeRecipient: feeRecipient
        });
        emit Registered(id, attester, msg.sender, feeRecipient, stakeAmount, activeFrom);
        token.pull(msg.sender, stakeAmount);
    }

    /// @inheritdoc IStaking
    function initiateExit(SequencerId id) external {
        Registration storage r = _registrations[id];
        Status status = _statusOf(r);
        if (status != Status.Active && status != Status.Queued) revert WrongStatus(id, Status.Active, status);
        if (msg.sender != r.owner && msg.sender != r.attester) revert NotOwner(id, r.owner, msg.sender);
        _startExit(id, r);
    }

    /// @inheritdoc IStaking
    function withdraw(SequencerId id) external {
        // A slot that is over may still owe this sequencer a penalty.
        IRollup(rollup).sync();
        Registration storage r = _registrations[id];
        Status status = _statusOf(r);
        if (status != Status.Exiting) revert WrongStatus(id, Status.Exiting, status);
        L1Slot from = _withdrawableFrom(r);
        if (l1Slot() < from) revert NotWithdrawableYet(id, from, l1Slot());
        if (IRollup(rollup).isCandidate(id)) revert StillCandidate(id);
        uint96 amount = r.stake;
        address to = r.owner;
        r.stake = 0;
        r.withdrawn = true;
        emit Withdrawn(id, to, amount);
        if (amount != 0) token.push(to, amount);
    }

    /// @inheritdoc IStaking
    function slash(SequencerId id, uint96 amount) external returns (uint96 slashed) {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        Registration storage r = _registrations[id];
        uint96 stake = r.stake;
        slashed = amount < stake ? amount : stake;
        if (slashed == 0) return 0;
        uint96 remaining;
        unchecked {
            // slashed is at most the stake
            remaining = stake - slashed;
        }
        r.stake = remaining;
        emit Slashed(id, slashed, remaining);
        if (remaining < minimumStake && r.exitAt == 0) _startExit(id, r);
        token.burn(slashed);
    }

    /// @inheritdoc IStaking
    function sequencer(SequencerId id) external view returns (Sequencer memory) {
        return _view(_registrations[id]);
    }

    /// @inheritdoc IStaking
    function eligibleAttester(SequencerId id, L1Slot activeBy) external view returns (address) {
        Registration storage r = _registrations[id];
        // An unknown id has no attester anyway.
        if (r.exitAt != 0 || r.activeFrom > L1Slot.unwrap(activeBy)) return address(0);
        return r.attester;
    }

    /// @inheritdoc IStaking
    function attesterOf(SequencerId id) external view returns (address) {
        return _registrations[id].attester;
    }

    /// @inheritdoc IStaking
    function ownerOf(SequencerId id) external view returns (address) {
        return _registrations[id].owner;
    }

    /// @inheritdoc IStaking
    function statusOf(SequencerId id) external view returns (Status) {
        return _statusOf(_registrations[id]);
    }

    /// @inheritdoc IStaking
    function page(SequencerId from, uint32 limit) external view returns (Sequencer[] memory sequencers) {
        uint256 first = SequencerId.unwrap(from);
        uint256 last = count;
        if (first == 0 || first > last) return sequencers;
        unchecked {
            // first is 1 to last; casting: ids have 32 bits
            uint256 length = last - first + 1;
            if (length > limit) length = limit;
            sequencers = new Sequencer[](length);
            for (uint256 i = 0; i < length; ++i) {
                // forge-lint: disable-next-line(unsafe-typecast)
                sequencers[i] = _view(_registrations[SequencerId.wrap(uint32(first + i))]);
            }
        }
    }

    function _startExit(SequencerId id, Registration storage r) private {
        L1Slot now_ = l1Slot();
        // Zero means that no exit was signalled; L1 slot 0 counts as 1.
        if (L1Slot.unwrap(now_) == 0) now_ = L1Slot.wrap(1);
        r.exitAt = _toUint40(now_);
        emit ExitInitiated(id, now_, now_.plus(exitDelay));
    }

    function _withdrawableFrom(Registration storage r) private view returns (L1Slot) {
        return L1Slot.wrap(r.exitAt).plus(exitDelay);
    }

    function _statusOf(Registration storage r) private view returns (Status) {
        if (r.owner == address(0)) return Status.None;
        if (r.withdrawn) return Status.Exited;
        if (r.exitAt != 0) return Status.Exiting;
        return r.activeFrom <= L1Slot.unwrap(l1Slot()) ? Status.Active : Status.Queued;
    }

    function _view(Registration storage r) private view returns (Sequencer memory) {
        return Sequencer({
            attester: r.attester,
            activeFrom: L1Slot.wrap(r.activeFrom),
            exitAt: L1Slot.wrap(r.exitAt),
            owner: r.owner,
            stake: r.stake,
            feeRecipient: r.feeRecipient
        });
    }

    /// @dev An L1 slot takes at least a second, and 2^40 seconds are 34,000 years.
    function _toUint40(L1Slot l1Slot_) private pure returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(L1Slot.unwrap(l1Slot_));
    }
}
