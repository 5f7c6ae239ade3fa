// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Timelock} from "../../contracts/governance/Timelock.sol";
import {Votes} from "../../contracts/governance/Votes.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {ITimelock, PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {Ballot, IVotes} from "../../contracts/interfaces/IVotes.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {GovernanceFixture} from "../support/GovernanceFixture.sol";

contract GovernanceFuzz is GovernanceFixture {
    /// @dev Votes according to a plain count of the signals.
    mapping(uint64 round => mapping(address payload => uint64)) private _count;
    mapping(uint64 round => mapping(address payload => uint256)) private _quorumAt;
    mapping(address payload => bool) private _pushed;

    /// Random blocks of random slots in order, and random pushes. Counts, quorums and pushes are those of a plain
    /// count.
    /// @custom:rule U2
    function testFuzz_countsAreExact(uint256 seed) public {
        address[3] memory payloads = [address(payload), stranger, address(target)];
        uint64 slot;
        for (uint256 i = 0; i < 60; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _warp(_now() + seed % 3);
            // Cast: small numbers.
            slot += 1 + uint64((seed >> 8) % 2);
            address chosen = payloads[(seed >> 16) % 4 % 3];
            _signal(slot, chosen);
            uint64 round = slot / ROUND;
            if (!_pushed[chosen]) {
                _count[round][chosen] += 1;
                if (_count[round][chosen] == QUORUM) _quorumAt[round][chosen] = _now();
            }
            if ((seed >> 24) % 4 == 0) {
                _push(round - (seed >> 32) % (round < 2 ? round + 1 : 3), payloads[(seed >> 40) % 3]);
            }
        }
        for (uint64 round = 0; round <= slot / ROUND; ++round) {
            for (uint256 i = 0; i < 3; ++i) {
                Ballot memory ballot = votes.ballot(round, payloads[i]);
                assertEq(ballot.votes, _count[round][payloads[i]]);
                assertEq(L1Slot.unwrap(ballot.quorumAt), _quorumAt[round][payloads[i]]);
            }
        }
    }

    function _push(uint256 round_, address chosen) private {
        // Cast: the round has passed.
        uint64 round = uint64(round_);
        bool open = _count[round][chosen] >= QUORUM && _now() < _quorumAt[round][chosen] + PUSH_PERIOD;
        // The only one of them that can be queued.
        bool allowed = open && !_pushed[chosen] && chosen == address(payload);
        try votes.push(round, chosen) {
            assertTrue(allowed, "pushed");
            _pushed[chosen] = true;
        } catch {
            assertFalse(allowed, "not pushed");
        }
        assertEq(votes.pushed(chosen), _pushed[chosen]);
        assertEq(timelock.queued(chosen).status != PayloadStatus.None, _pushed[chosen]);
    }

    /// A payload can be pushed from the quorum on, for `pushPeriod`, for every round length and quorum.
    /// @custom:rule U4, U5
    function testFuzz_quorumAndPushPeriodAreExact(uint64 round, uint64 quorum, uint32 period, uint64 n, uint256 wait)
        public
    {
        round = uint64(bound(round, 1, 40));
        quorum = uint64(bound(quorum, round / 2 + 1, round));
        period = uint32(bound(period, 1, 1000));
        n = uint64(bound(n, 0, round));
        wait = bound(wait, 0, 1200);
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        Timelock timelock_ = new Timelock(predicted, DELAY, GRACE, GENESIS_TIME, SLOT_SECONDS);
        address target = address(timelock_);
        Votes votes_ = new Votes(address(rollup), target, round, quorum, period, GENESIS_TIME, SLOT_SECONDS);
        vm.startPrank(address(rollup));
        for (uint64 i = 0; i < n; ++i) {
            votes_.signal(Slot.wrap(3 * round + i), address(payload));
        }
        vm.stopPrank();
        _warp(_now() + wait);
        if (n < quorum) vm.expectRevert(abi.encodeWithSelector(IVotes.NoQuorum.selector, quorum, n));
        else if (wait >= period) vm.expectPartialRevert(IVotes.PushClosed.selector);
        votes_.push(3, address(payload));
        assertEq(votes_.pushed(address(payload)), n >= quorum && wait < period);
    }

    /// A payload can be executed in `[queued + delay, queued + delay + grace)` and nowhere else.
    /// @custom:rule U8
    function testFuzz_theTimelocksWindowIsExact(uint32 delay, uint32 grace, uint64 queuedAt, uint256 wait) public {
        delay = uint32(bound(delay, 2, type(uint32).max));
        grace = uint32(bound(grace, 1, type(uint32).max));
        queuedAt = uint64(bound(queuedAt, DEPLOYED_AT, 1 << 39));
        wait = bound(wait, 0, uint256(delay) + grace + 10);
        // Half of the cases are near a boundary.
        if (wait % 2 == 0) {
            wait = uint256(delay) + (wait % 4 == 0 ? 0 : grace) + wait % 5 - 2 * (wait % 3 == 0 ? 1 : 0);
        }
        Timelock timelock_ = new Timelock(address(this), delay, grace, GENESIS_TIME, SLOT_SECONDS);
        _warp(queuedAt);
        timelock_.queue(address(payload));
        assertEq(L1Slot.unwrap(timelock_.queued(address(payload)).executableFrom), uint256(queuedAt) + delay);
        assertEq(L1Slot.unwrap(timelock_.queued(address(payload)).expiresAt), uint256(queuedAt) + delay + grace);
        _warp(queuedAt + wait);
        Action[] memory actions = payload.actions();
        bool early = wait < delay;
        bool late = wait >= uint256(delay) + grace;
        if (early || late) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ITimelock.WrongStatus.selector,
                    address(payload),
                    PayloadStatus.Ready,
                    early ? PayloadStatus.Waiting : PayloadStatus.Expired
                )
            );
        }
        timelock_.execute(address(payload), actions);
        assertEq(target.count(), early || late ? 0 : 1);
    }
}
