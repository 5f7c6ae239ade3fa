// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Guardian} from "../../contracts/governance/Guardian.sol";
import {Registry} from "../../contracts/governance/Registry.sol";
import {Timelock} from "../../contracts/governance/Timelock.sol";
import {Votes} from "../../contracts/governance/Votes.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {MutablePayload, Target, single} from "./Payloads.sol";

/// @notice Takes the place of the rollup: signals the votes it is told to, and counts its pauses.
contract RollupDouble {
    uint64 public constant l1GenesisTime = 1_700_000_000;
    uint64 public constant l1SlotSeconds = 12;

    error AlreadyPaused(uint64 until);

    address public guardian;
    uint256 public pauses;
    bool public paused;

    function setGuardian(address guardian_) external {
        guardian = guardian_;
    }

    function pause() external {
        require(msg.sender == guardian, "guardian");
        if (paused) revert AlreadyPaused(1);
        paused = true;
        pauses += 1;
    }

    function unpause() external {
        paused = false;
    }
}

/// @title Governance of a rollup that only signals votes
abstract contract GovernanceFixture is Test {
    uint64 internal constant GENESIS_TIME = 1_700_000_000;
    uint64 internal constant SLOT_SECONDS = 12;
    uint64 internal constant DEPLOYED_AT = 100;
    uint64 internal constant ROUND = 10;
    uint64 internal constant QUORUM = 6;
    uint32 internal constant PUSH_PERIOD = 20;
    uint32 internal constant DELAY = 30;
    uint32 internal constant GRACE = 40;

    RollupDouble internal rollup;
    Timelock internal timelock;
    Votes internal votes;
    Guardian internal guardian;
    Registry internal registry;
    address internal keeper = makeAddr("keeper");
    address internal stranger = makeAddr("stranger");
    MutablePayload internal payload;
    Target internal target;

    function setUp() public virtual {
        _warp(DEPLOYED_AT);
        rollup = new RollupDouble();
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        timelock = new Timelock(predicted, DELAY, GRACE, GENESIS_TIME, SLOT_SECONDS);
        votes = new Votes(address(rollup), address(timelock), ROUND, QUORUM, PUSH_PERIOD, GENESIS_TIME, SLOT_SECONDS);
        guardian = new Guardian(address(rollup), address(timelock), keeper);
        rollup.setGuardian(address(guardian));
        registry = new Registry(address(rollup), address(timelock), GENESIS_TIME, SLOT_SECONDS);
        target = new Target();
        payload = new MutablePayload();
        payload.set(single(address(target), abi.encodeCall(Target.set, (7))));
    }

    function _warp(uint256 l1Slot) internal {
        vm.warp(GENESIS_TIME + l1Slot * SLOT_SECONDS);
    }

    function _now() internal view returns (uint256) {
        return (vm.getBlockTimestamp() - GENESIS_TIME) / SLOT_SECONDS;
    }

    function _signal(uint64 slot, address payload_) internal {
        vm.prank(address(rollup));
        votes.signal(Slot.wrap(slot), payload_);
    }

    /// @dev Signals `count` votes from the first slot of `round` on.
    function _vote(uint64 round, address payload_, uint64 count) internal {
        for (uint64 i = 0; i < count; ++i) {
            _signal(round * ROUND + i, payload_);
        }
    }

    /// @dev Votes for a payload and queues it.
    function _queue(address payload_) internal {
        _vote(0, payload_, QUORUM);
        votes.push(0, payload_);
    }

    /// @dev Makes governance execute one call, from the vote to the execution.
    function _govern(address to, bytes memory data) internal {
        Action[] memory actions = single(to, data);
        MutablePayload payload_ = new MutablePayload();
        payload_.set(actions);
        _queue(address(payload_));
        _warp(_now() + DELAY);
        timelock.execute(address(payload_), actions);
    }

    function _statusIs(address payload_, PayloadStatus expected) internal view {
        assertEq(uint256(timelock.queued(payload_).status), uint256(expected), "status");
    }
}
