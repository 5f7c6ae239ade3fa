// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGuardian} from "../../../contracts/interfaces/IGuardian.sol";
import {Action} from "../../../contracts/interfaces/IPayload.sol";
import {GovernanceFixture} from "../../support/GovernanceFixture.sol";
import {MutablePayload, Target, single} from "../../support/Payloads.sol";

/// @title Blocks with votes, and accounts that push, execute, pause and change payloads at any time
contract GovernanceHandler is GovernanceFixture {
    uint256 private constant PAYLOADS = 6;
    bytes4 private constant PANIC = 0x4e487b71;

    error Broken(string what, uint256 expected, uint256 actual);

    uint256 private _salt;
    uint64 private _slot;
    MutablePayload[] private _payloads;
    mapping(uint64 round => mapping(uint256 i => uint256)) private _ballots;
    mapping(uint256 i => bool) private _pushed;
    uint256[] private _inQueue;
    mapping(uint256 i => uint256) private _queuedAt;
    mapping(uint256 i => Action[]) private _queuedActions;
    mapping(uint256 i => uint256) private _executions;
    uint256 private _withoutQuorum;
    uint256 private _atTheWrongTime;
    uint256 private _otherActions;
    uint256 private _approvals = 1;
    bytes private _badRevert;

    /// @notice How often each action was done.
    uint256 public pushes;
    uint256 public executions;
    uint256 public pauses;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < PAYLOADS; ++i) {
            _newPayload();
        }
    }

    /// @dev Every second payload grants the guardian another pause.
    function _newPayload() private {
        MutablePayload payload = new MutablePayload();
        payload.set(_actionsOf(_payloads.length));
        _payloads.push(payload);
    }

    function _actionsOf(uint256 i) private view returns (Action[] memory) {
        return i % 2 == 0
            ? single(address(guardian), abi.encodeCall(IGuardian.approve, ()))
            : single(address(target), abi.encodeCall(Target.set, (i)));
    }

    /// @notice Makes one action.
    function step(uint256 seed) external {
        seed = uint256(keccak256(abi.encode(seed, ++_salt)));
        uint256 choice = seed % 16;
        seed >>= 8;
        uint256 i = seed % _payloads.length;
        seed >>= 8;
        if (choice < 7) {
            _signalOne(seed % 8 == 0 ? i : _majorityPayload(_slot / ROUND));
        } else if (choice < 9) {
            _push(i, seed);
        } else if (choice < 11) {
            _execute(i, seed);
        } else if (choice == 11) {
            _pause(seed);
        } else if (choice == 12 && seed % 3 == 0) {
            _payloads[i].set(single(address(target), abi.encodeCall(Target.set, (seed % 99))));
        } else if (choice == 13 && _payloads.length < 30) {
            _newPayload();
        } else if (choice == 14) {
            rollup.unpause();
        } else {
            _warp(_now() + seed % 20);
        }
    }

    /// @dev The payload that most blocks of a round vote for.
    function _majorityPayload(uint64 round) private view returns (uint256) {
        return uint256(keccak256(abi.encode(round))) % _payloads.length;
    }

    function _signalOne(uint256 i) private {
        _ballots[_slot / ROUND][i] += _pushed[i] ? 0 : 1;
        _signal(_slot++, address(_payloads[i]));
    }

    function _push(uint256 i, uint256 seed) private {
        if (_slot < ROUND) return;
        // Cast: zero or one.
        uint64 round = _slot / ROUND - uint64(seed % 2);
        if (seed % 8 < 6) i = _majorityPayload(round);
        vm.prank(stranger);
        try votes.push(round, address(_payloads[i])) {
            if (_ballots[round][i] < QUORUM) ++_withoutQuorum;
            _pushed[i] = true;
            _queuedAt[i] = _now();
            Action[] memory actions = _payloads[i].actions();
            _queuedActions[i].push(actions[0]);
            _inQueue.push(i);
            ++pushes;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    /// @dev Executes with the actions that were queued, or with those that the payload returns now.
    function _execute(uint256 i, uint256 seed) private {
        if (seed % 4 != 0 && _inQueue.length != 0) i = _inQueue[(seed >> 8) % _inQueue.length];
        Action[] memory actions = _payloads[i].actions();
        if ((seed >> 64) % 3 != 0 && _pushed[i]) actions = _queuedActions[i];
        bool approves = actions[0].target == address(guardian);
        vm.prank(stranger);
        try timelock.execute(address(_payloads[i]), actions) {
            ++executions;
            ++_executions[i];
            uint256 from = _queuedAt[i] + DELAY;
            if (!_pushed[i] || _now() < from || _now() >= from + GRACE) ++_atTheWrongTime;
            if (keccak256(abi.encode(actions)) != keccak256(abi.encode(_queuedActions[i]))) ++_otherActions;
            if (approves) ++_approvals;
            _afterExecution(address(_payloads[i]));
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _pause(uint256 seed) private {
        vm.prank(seed % 4 == 0 ? stranger : keeper);
        try guardian.pause() {
            ++pauses;
            _afterPause();
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _expectOwnError(bytes memory reason) private {
        // Cast: the selector.
        if (reason.length < 4 || bytes4(reason) == PANIC) _badRevert = abi.encode(reason);
    }

    // ---- planted bugs hook in here --------------------------------------------------------------------------------

    function _afterExecution(address payload) internal virtual {}

    function _afterPause() internal virtual {}

    // ---- what must hold -------------------------------------------------------------------------------------------

    function _equal(string memory what, uint256 expected, uint256 actual) private pure {
        if (expected != actual) revert Broken(what, expected, actual);
    }

    function checkPayloads() external view {
        for (uint256 i = 0; i < _payloads.length; ++i) {
            if (_executions[i] > 1) revert Broken("executions of a payload", 1, _executions[i]);
        }
        _equal("pushes without a quorum", 0, _withoutQuorum);
        _equal("executions at the wrong time", 0, _atTheWrongTime);
        _equal("executions of other actions", 0, _otherActions);
    }

    function checkPauses() external view {
        _equal("pauses", pauses, rollup.pauses());
        if (pauses > _approvals) revert Broken("pauses", _approvals, pauses);
        _equal("approvals left", _approvals - pauses, guardian.approvals());
    }

    function checkReverts() external view {
        _equal("reverts with an error of its own", 0, _badRevert.length);
    }
}
