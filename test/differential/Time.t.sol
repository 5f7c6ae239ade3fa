// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Hashing} from "../../contracts/libraries/Hashing.sol";
import {ParameterChecks} from "../../contracts/libraries/ParameterChecks.sol";
import {Phases, SlotInTurn, SlotStatus} from "../../contracts/libraries/Phases.sol";
import {Cursor, genesisCursor} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";
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
        uint256[][5] memory expected =
            [_uints("phase"), _uints("turn"), _uints("revealed"), _uints("over"), _uints("end")];
        for (uint256 i = 0; i < t.length; ++i) {
            SlotStatus memory actual = Phases.statusAt(t[i], packWindows(p[i]), _l1(now_[i]));
            string memory case_ = vm.toString(i);
            assertEq(uint256(actual.phase), expected[0][i], case_);
            assertEq(actual.rank, expected[1][i], case_);
            assertEq(actual.revealed ? 1 : 0, expected[2][i], case_);
            assertEq(actual.over ? 1 : 0, expected[3][i], case_);
            assertEq(L1Slot.unwrap(actual.end), expected[4][i], case_);
        }
        assertGt(t.length, 1000);
    }

    /// @custom:rule S3, S4, S5, T1
    function test_slots() public {
        _load("slots");
        Parameters[] memory p = _lengths();
        Timeline[] memory recorded = _timelines("recordedSlot", "recordedStart", "recordedPreviousStart");
        uint256[][4] memory given =
            [_uints("cursorSlot"), _uints("cursorStart"), _uints("cursorPreviousStart"), _uints("now")];
        uint256[][9] memory expected = [
            _uints("expired"),
            _uints("expiredEnd"),
            _uints("slot"),
            _uints("start"),
            _uints("previousStart"),
            _uints("seedAt"),
            _uints("phase"),
            _uints("turn"),
            _uints("end")
        ];
        for (uint256 i = 0; i < recorded.length; ++i) {
            SlotInTurn memory current = Phases.slotInTurn(
                _cursor(given[0][i], given[1][i], given[2][i]), recorded[i], packWindows(p[i]), _l1(given[3][i])
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
        }
    }

    /// @dev The cursor whose next slot is `slot`, after the previous slot was settled. Before slot 0 there is only the
    /// genesis.
    function _cursor(uint256 slot, uint256 start, uint256 previousStart) private pure returns (Cursor) {
        Cursor genesis = genesisCursor(_l1(start), _l1(previousStart));
        if (slot == 0) return genesis;
        return
            genesis.withSlotSettled(openTimeline(_slot(slot - 1), _l1(previousStart), _l1(previousStart)), _l1(start));
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

    function check(Parameters memory parameters, uint256 stake, uint256 blobsAtMost) external pure {
        ParameterChecks.check(parameters, stake, blobsAtMost);
    }

    /// @custom:rule M4
    function test_parameters() public {
        _load("parameters");
        Parameters[] memory p = _lengths();
        uint256[][11] memory c = [
            _uints("maxCandidates"),
            _uints("maxBlobs"),
            _uints("maxChunks"),
            _uints("maxDeposits"),
            _uints("rescueShareBps"),
            _uints("pauseLength"),
            _uints("minBond"),
            _uints("abandonPenalty"),
            _uints("withholdPenalty"),
            _uints("stake"),
            _uints("blobsAtMost")
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
            if (bytes(refused[i]).length != 0) {
                vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, refused[i]));
            }
            this.check(p[i], c[9][i], c[10][i]);
        }
        assertGt(p.length, 100);
    }
}
