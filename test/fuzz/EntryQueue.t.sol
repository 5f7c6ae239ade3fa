// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStaking, Sequencer, StakingParameters, Status} from "../../contracts/interfaces/IStaking.sol";
import {Entries} from "../../contracts/libraries/Entries.sol";
import {EntryQueue, Queue} from "../../contracts/libraries/EntryQueue.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {Random} from "../support/Random.sol";
import {Test} from "forge-std/Test.sol";

/// @title The entry queue against a model that counts window by window
contract EntryQueueFuzzTest is Test {
    using EntryQueue for Queue;

    uint256 private constant WINDOWS = 400;

    Queue private _queue;
    uint256[WINDOWS] private _taken;
    uint256[WINDOWS] private _places;

    function _model(uint256 first, uint256 limit) private view returns (uint256 window, bool found) {
        for (window = first; window <= first + limit; ++window) {
            if (_taken[window] < _places[window]) return (window, true);
        }
    }

    /// @custom:rule Q4, Q5, Q6
    function testFuzz_theFirstWindowWithRoomIsFound(uint256 seed, uint8 flush, uint8 limit) public {
        Random memory random = Random(seed);
        limit = uint8(bound(limit, 0, 128));
        flush = uint8(bound(flush, 1, 4));
        _queue.flush = flush;
        for (uint256 i = 0; i < WINDOWS; ++i) {
            _places[i] = flush;
        }
        uint256 current = random.between(0, 40);
        for (uint256 i = 0; i < 120; ++i) {
            uint256 rolled = random.between(0, 99);
            if (rolled < 5 && current < 200) {
                current += random.between(0, 20);
            } else if (rolled < 10) {
                uint256 set = random.between(1, 4);
                // Cast: at most 4.
                _queue.setFlush(current, uint16(set));
                for (uint256 w = current + 1; w < WINDOWS; ++w) {
                    _places[w] = set;
                }
            } else if (rolled < 30) {
                uint256 window = random.between(current, current + limit);
                if (_taken[window] != 0) {
                    _queue.release(window);
                    --_taken[window];
                }
            } else {
                uint256 first = current + random.between(0, 3);
                (uint256 expected, bool any) = _model(first, limit);
                (uint256 window, bool found) = _queue.find(first, limit);
                assertEq(found, any);
                assertEq(window, expected);
                if (found) {
                    _queue.take(window);
                    ++_taken[window];
                }
            }
        }
        for (uint256 i = current; i < WINDOWS; ++i) {
            assertEq(Entries.laneOf(_queue.taken[i / Entries.LANES], i), _taken[i]);
            assertEq(_queue.flushOf(i), _places[i]);
        }
    }

    /// @custom:rule Q4, K1
    function testFuzz_lanesDoNotTouchEachOther(uint256 lanes, uint256 window, uint256 other) public pure {
        other = bound(other, 0, 15);
        uint256 lane = Entries.laneOf(lanes, window);
        if (lane != type(uint16).max) {
            uint256 more = Entries.withOneMore(lanes, window);
            assertEq(Entries.laneOf(more, window), lane + 1);
            if (other != window % 16) assertEq(Entries.laneOf(more, other), Entries.laneOf(lanes, other));
            assertEq(Entries.withOneLess(more, window), lanes);
        }
    }

    /// @custom:rule Q5
    function testFuzz_anActivationLiesInItsWindow(uint40 earliest, uint32 length, uint8 ahead) public pure {
        length = uint32(bound(length, 1, type(uint32).max));
        uint256 first = Entries.windowOf(L1Slot.wrap(earliest), length);
        L1Slot at0 = Entries.activation(first + ahead, length, L1Slot.wrap(earliest));
        assertEq(Entries.windowOf(at0, length), first + ahead);
        assertGe(L1Slot.unwrap(at0), earliest);
        if (ahead != 0) assertEq(L1Slot.unwrap(at0) % length, 0);
        else assertEq(L1Slot.unwrap(at0), earliest);
    }

    /// @custom:rule Q15, Q17
    function testFuzz_exitsAndRotations(uint40 from, uint32 delay, uint64 moment) public pure {
        assertEq(L1Slot.unwrap(Entries.withdrawableFrom(from, delay)), uint256(from) + delay);
        assertEq(Entries.isValidAt(from, L1Slot.wrap(moment)), from != 0 && moment >= from);
        assertEq(L1Slot.unwrap(Entries.nextRotation(from)), from == 0 ? 0 : uint256(from) + 16_384);
        assertEq(L1Slot.unwrap(Entries.exitTime(L1Slot.wrap(moment))), moment == 0 ? 1 : moment);
    }
}

/// @title Registrations in a deployment, in any order and at any pace
contract EntriesFuzzTest is Fixture {
    uint64 private constant WINDOW = 8;
    uint16 private constant FLUSH = 2;

    mapping(uint256 => uint256) private _activated;

    function _stakingParameters() internal pure override returns (StakingParameters memory parameters) {
        parameters = super._stakingParameters();
        parameters.entryFlush = FLUSH;
        parameters.maxEntryFlush = FLUSH;
        parameters.queueLimit = 3;
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: long.fuzz.runs = 10000
    /// @custom:rule Q4, Q5
    function testFuzz_neverMoreActivationsThanTheFlushAndInOrder(uint256 seed) public {
        Random memory random = Random(seed);
        uint64 last;
        for (uint256 i = 0; i < 20; ++i) {
            if (random.between(0, 3) == 0) _warp(_now() + random.between(1, 12));
            try staking.nextActivation() {}
            catch {
                _warp(_now() + WINDOW);
            }
            SequencerId id = _register(random.account(), random.account());
            uint64 from = L1Slot.unwrap(staking.sequencer(id).activeFrom);
            assertGe(from, _now() + 4, "the entry period");
            assertGe(from, last, "first come, first served");
            last = from;
            assertLe(++_activated[from / WINDOW], FLUSH, "the flush");
        }
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: long.fuzz.runs = 10000
    /// @custom:rule Q7
    function testFuzz_cancellationsRefundExactly(uint256 seed) public {
        Random memory random = Random(seed);
        uint256 held = token.balanceOf(address(staking));
        for (uint256 i = 0; i < 20; ++i) {
            _warp(_now() + random.between(0, 6));
            try staking.nextActivation() {}
            catch {
                _warp(_now() + WINDOW);
            }
            address owner = random.account();
            address withdrawer = random.boolean() ? owner : random.account();
            SequencerId id = _register(owner, random.account());
            if (withdrawer != owner) {
                vm.prank(owner);
                staking.setWithdrawer(id, withdrawer);
            }
            uint64 from = L1Slot.unwrap(staking.sequencer(id).activeFrom);
            ++_activated[from / WINDOW];
            held += STAKE;
            if (random.boolean()) {
                _warp(random.between(_now(), from - 1));
                vm.prank(owner);
                staking.cancelEntry(id);
                --_activated[from / WINDOW];
                held -= STAKE;
                assertEq(token.balanceOf(withdrawer), STAKE, "refunded");
                Sequencer memory sequencer = staking.sequencer(id);
                assertEq(uint256(sequencer.status), uint256(Status.Exited));
                assertEq(sequencer.stake, 0);
                assertEq(staking.eligibleAttester(id, L1Slot.wrap(type(uint40).max)), address(0));
            }
            assertEq(token.balanceOf(address(staking)), held, "held");
            assertLe(_activated[from / WINDOW], FLUSH, "the flush");
            (, uint256 taken) = staking.entryWindowAt(L1Slot.wrap(from));
            assertEq(taken, _activated[from / WINDOW] + (from / WINDOW == _genesisWindow() ? 4 : 0));
        }
    }

    /// @dev The entry window of the fixture's four sequencers was long ago.
    function _genesisWindow() private pure returns (uint64) {
        return (uint64(DEPLOYED_AT) + 4) / WINDOW;
    }
}
