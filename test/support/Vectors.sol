// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../contracts/types/Timeline.sol";
import {Test} from "forge-std/Test.sol";

/// @title Reads the columns of a file in `vectors/`
abstract contract Vectors is Test {
    string internal json;

    function _load(string memory name) internal {
        json = vm.readFile(string.concat("vectors/", name, ".json"));
    }

    function _uints(string memory column) internal view returns (uint256[] memory) {
        return vm.parseJsonUintArray(json, string.concat(".", column));
    }

    function _ints(string memory column) internal view returns (int256[] memory) {
        return vm.parseJsonIntArray(json, string.concat(".", column));
    }

    function _words(string memory column) internal view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(json, string.concat(".", column));
    }

    function _addresses(string memory column) internal view returns (address[] memory) {
        return vm.parseJsonAddressArray(json, string.concat(".", column));
    }

    /// @dev The phase lengths of all cases.
    function _lengths() internal view returns (Parameters[] memory p) {
        uint256[][9] memory c;
        string[9] memory names = [
            "proposalPhase",
            "commitmentPhase",
            "revealPhase",
            "provingPhase",
            "exclusiveProving",
            "haltPhase",
            "backupPhase",
            "seedDelay",
            "seedGrid"
        ];
        for (uint256 i = 0; i < 9; ++i) {
            c[i] = _uints(names[i]);
        }
        p = new Parameters[](c[0].length);
        for (uint256 i = 0; i < p.length; ++i) {
            p[i].proposalPhase = _u16(c[0][i]);
            p[i].commitmentPhase = _u16(c[1][i]);
            p[i].revealPhase = _u16(c[2][i]);
            p[i].provingPhase = _u16(c[3][i]);
            p[i].exclusiveProving = _u16(c[4][i]);
            p[i].haltPhase = _u16(c[5][i]);
            p[i].backupPhase = _u16(c[6][i]);
            p[i].seedDelay = _u16(c[7][i]);
            p[i].seedGrid = _u16(c[8][i]);
        }
    }

    /// @dev The timelines of all cases. The indices of the candidates differ between cases, as they must not matter.
    function _timelines(string memory slot, string memory start, string memory previousStart)
        internal
        view
        returns (Timeline[] memory t)
    {
        uint256[][6] memory c = [
            _uints(slot),
            _uints(start),
            _uints(previousStart),
            _uints("count"),
            _uints("committedAt"),
            _uints("revealedAt")
        ];
        t = new Timeline[](c[0].length);
        for (uint256 i = 0; i < t.length; ++i) {
            uint256 order;
            for (uint256 rank = 0; rank < 4; ++rank) {
                order |= ((rank + i) % 4) << (2 * rank);
            }
            t[i] = openTimeline(_slot(c[0][i]), _l1(c[1][i]), _l1(c[2][i])).withRanking(c[3][i], order);
            for (uint256 rank = 0; rank < 4; ++rank) {
                uint256 position = (rank + i) % 4;
                if (c[4][4 * i + rank] != 0) t[i] = t[i].withCommitment(position, _l1(c[4][4 * i + rank]));
                if (c[5][4 * i + rank] != 0) t[i] = t[i].withReveal(position, _l1(c[5][4 * i + rank]));
            }
        }
    }

    function _u16(uint256 value) internal pure returns (uint16) {
        assertLe(value, type(uint16).max);
        // Cast: compared just before.
        return uint16(value);
    }

    function _u64(uint256 value) internal pure returns (uint64) {
        assertLe(value, type(uint64).max);
        // Cast: compared just before.
        return uint64(value);
    }

    function _u96(uint256 value) internal pure returns (uint96) {
        assertLe(value, type(uint96).max);
        // Cast: compared just before.
        return uint96(value);
    }

    function _i128(int256 value) internal pure returns (int128) {
        assertLe(value, type(int128).max);
        assertGe(value, type(int128).min);
        // Cast: compared just before.
        return int128(value);
    }

    function _u72(uint256 value) internal pure returns (uint72) {
        assertLe(value, type(uint72).max);
        // Cast: compared just before.
        return uint72(value);
    }

    function _u32(uint256 value) internal pure returns (uint32) {
        assertLe(value, type(uint32).max);
        // Cast: compared just before.
        return uint32(value);
    }

    function _l1(uint256 value) internal pure returns (L1Slot) {
        return L1Slot.wrap(_u64(value));
    }

    function _slot(uint256 value) internal pure returns (Slot) {
        return Slot.wrap(_u64(value));
    }
}
