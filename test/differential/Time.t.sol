// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Hashing} from "../../contracts/libraries/Hashing.sol";
import {ParameterChecks} from "../../contracts/libraries/ParameterChecks.sol";
import {Phases, SlotInTurn, SlotStatus} from "../../contracts/libraries/Phases.sol";
import {
    CURSOR_DISTANCE_BIT,
    CURSOR_SINCE_TIP_BIT,
    CURSOR_START_BIT,
    CURSOR_TIP_BIT,
    Cursor,
    MASK_32
} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline} from "../../contracts/types/Timeline.sol";
import {packWindows} from "../../contracts/types/Windows.sol";
import {Vectors} from "../support/Vectors.sol";

/// @title Phases, slots, seeds and parameters against the client's
contract TimeVectorsTest is Vectors {
    /// @custom:rule S6, T3
    function test_phases() public {
        _load("phases");
        Parameters[] memory p = _lengths();
        Timeline[] memory t = _timelines("slot", "start", "previousStart");
        uint256[] memory now_ = _uints("now");
        uint256[][6] memory expected =
            [_uints("phase"), _uints("turn"), _uints("revealed"), _uints("over"), _uints("end"), _uints("turnStart")];
        for (uint256 i = 0; i < t.length; ++i) {
            SlotStatus memory actual = Phases.statusAt(t[i], packWindows(p[i]), _l1(now_[i]));
            string memory case_ = vm.toString(i);
            assertEq(uint256(actual.phase), expected[0][i], case_);
            assertEq(actual.rank, expected[1][i], case_);
            assertEq(actual.revealed ? 1 : 0, expected[2][i], case_);
            assertEq(actual.over ? 1 : 0, expected[3][i], case_);
            assertEq(L1Slot.unwrap(actual.end), expected[4][i], case_);
            assertEq(L1Slot.unwrap(actual.turnStart), expected[5][i], case_);
        }
        assertGt(t.length, 1000);
    }

    /// @custom:rule E10, S3, S4, S5, T1
    function test_slots() public {
        _load("slots");
        Parameters[] memory p = _lengths();
        Timeline[] memory recorded = _timelines("recordedSlot", "recordedStart", "recordedPreviousStart");
        uint256[][7] memory given = [
            _uints("cursorSlot"),
            _uints("cursorStart"),
            _uints("cursorPreviousStart"),
            _uints("cursorSinceTip"),
            _uints("now"),
            _uints("stallAfter"),
            _uints("maxStall")
        ];
        uint256[][11] memory expected = [
            _uints("expired"),
            _uints("expiredEnd"),
            _uints("slot"),
            _uints("start"),
            _uints("previousStart"),
            _uints("seedAt"),
            _uints("phase"),
            _uints("turn"),
            _uints("end"),
            _uints("turnStart"),
            _uints("paidL1Slots")
        ];
        for (uint256 i = 0; i < recorded.length; ++i) {
            (p[i].stallAfter, p[i].maxStall) = (_u16(given[5][i]), _u16(given[6][i]));
            SlotInTurn memory current = Phases.slotInTurn(
                _cursor(given[0][i], given[1][i], given[2][i], given[3][i]),
                recorded[i],
                packWindows(p[i]),
                _l1(given[4][i])
            );
            string memory case_ = vm.toString(i);
            assertEq(current.expired ? 1 : 0, expected[0][i], case_);
            assertEq(L1Slot.unwrap(current.expiredStatus.end), expected[1][i], case_);
            assertEq(Slot.unwrap(current.timeline.slot()), expected[2][i], case_);
            assertEq(L1Slot.unwrap(current.timeline.start()), expected[3][i], case_);
            assertEq(L1Slot.unwrap(current.timeline.previousStart()), expected[4][i], case_);
            assertEq(L1Slot.unwrap(packWindows(p[i]).seedAt(current.timeline.previousStart())), expected[5][i], case_);
            assertEq(uint256(current.status.phase), expected[6][i], case_);
            assertEq(current.status.rank, expected[7][i], case_);
            assertEq(L1Slot.unwrap(current.status.end), expected[8][i], case_);
            assertEq(L1Slot.unwrap(current.status.turnStart), expected[9][i], case_);
            uint256 paid = Phases.paidL1Slots(current.cursor, current.timeline, packWindows(p[i]));
            assertEq(paid, expected[10][i], case_);
        }
    }

    /// @dev The cursor of a chain without blocks whose next slot is `slot`.
    function _cursor(uint256 slot, uint256 start, uint256 previousStart, uint256 sinceTip)
        private
        pure
        returns (Cursor)
    {
        return Cursor.wrap(
            slot | start << CURSOR_START_BIT | (start - previousStart) << CURSOR_DISTANCE_BIT | sinceTip
                << CURSOR_SINCE_TIP_BIT | MASK_32 << CURSOR_TIP_BIT
        );
    }

    /// @custom:rule R4
    function test_seeds() public {
        _load("seeds");
        uint256[][7] memory c = [
            _uints("seedDelay"),
            _uints("seedGrid"),
            _uints("start"),
            _uints("end"),
            _uints("seedAt"),
            _uints("nextStart"),
            _uints("slot")
        ];
        bytes32[] memory mix = _words("mix");
        bytes32[] memory seed = _words("seed");
        for (uint256 i = 0; i < seed.length; ++i) {
            Parameters memory parameters;
            parameters.seedDelay = _u16(c[0][i]);
            parameters.seedGrid = _u16(c[1][i]);
            string memory case_ = vm.toString(i);
            assertEq(L1Slot.unwrap(packWindows(parameters).seedAt(_l1(c[2][i]))), c[4][i], case_);
            assertEq(L1Slot.unwrap(packWindows(parameters).nextStart(_l1(c[2][i]), _l1(c[3][i]))), c[5][i], case_);
            assertEq(Hashing.seed(mix[i], _slot(c[6][i])), seed[i], case_);
        }
    }

    /// @dev The checks of the rollup's constructor. The last one is its own.
    function check(Parameters memory parameters, uint256 minimumStake, uint256 blobsAtMost, uint256 withdrawalDelay)
        external
        pure
    {
        ParameterChecks.check(parameters, minimumStake, blobsAtMost);
        if (withdrawalDelay < ParameterChecks.longestSlot(parameters)) revert IRollup.BadParameter("withdrawalDelay");
    }

    /// @custom:rule M4
    function test_parameters() public {
        _load("parameters");
        Parameters[] memory p = _lengths();
        uint256[][16] memory c = [
            _uints("maxCandidates"),
            _uints("maxBlobs"),
            _uints("maxChunks"),
            _uints("maxDeposits"),
            _uints("rescueShareBps"),
            _uints("pauseLength"),
            _uints("minBond"),
            _uints("abandonPenalty"),
            _uints("withholdPenalty"),
            _uints("minimumStake"),
            _uints("blobsAtMost"),
            _uints("maxExits"),
            _uints("stallAfter"),
            _uints("maxStall"),
            _uints("withdrawalDelay"),
            _uints("seedChoiceBounded")
        ];
        string[] memory refused = vm.parseJsonStringArray(json, ".refused");
        for (uint256 i = 0; i < p.length; ++i) {
            // Cast: compared by the helper.
            p[i].maxCandidates = uint8(_u16(c[0][i]));
            p[i].maxBlobs = uint8(_u16(c[1][i]));
            p[i].maxChunks = _u16(c[2][i]);
            p[i].maxDeposits = _u16(c[3][i]);
            p[i].rescueShareBps = _u16(c[4][i]);
            p[i].pauseLength = _u16(c[5][i]);
            p[i].minBond = _u96(c[6][i]);
            p[i].abandonPenalty = _u96(c[7][i]);
            p[i].withholdPenalty = _u96(c[8][i]);
            p[i].maxExits = _u16(c[11][i]);
            p[i].stallAfter = _u16(c[12][i]);
            p[i].maxStall = _u16(c[13][i]);
            if (bytes(refused[i]).length != 0) {
                vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, refused[i]));
            }
            this.check(p[i], c[9][i], c[10][i], c[14][i]);
            uint256 choice = uint256(p[i].commitmentPhase) + p[i].revealPhase + p[i].exclusiveProving;
            assertEq(uint256(p[i].seedDelay) + p[i].seedGrid >= choice ? 1 : 0, c[15][i], vm.toString(i));
        }
        assertGt(p.length, 100);
    }
}
