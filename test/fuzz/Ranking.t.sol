// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Ranking} from "../../contracts/libraries/Ranking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {Record, StoredCandidate} from "../../contracts/types/State.sol";
import {Test} from "forge-std/Test.sol";

/// @title The ranked list against a sorted array
contract RankingTest is Test {
    using Ranking for Record;

    Record private _record;

    /// @dev Scores of the reference list, best first, and the proposals that they belong to.
    uint192[] private _scores;
    uint32[] private _ids;

    function insert(uint256 max, uint32 id, uint192 score) external {
        _record.insert(_record.timeline, max, SequencerId.wrap(id), score, keccak256(abi.encode(id)));
    }

    /// @custom:rule P2, P3
    function testFuzz_keepsTheBestInOrder(uint256 max, uint8[12] memory scores) public {
        max = bound(max, 1, 4);
        for (uint32 id = 0; id < 12; ++id) {
            // There are few different scores, so equal ones occur. The earlier proposal ranks first.
            uint192 score = scores[id] % 8;
            uint256 rank = _ids.length;
            while (rank != 0 && _scores[rank - 1] < score) --rank;
            if (rank == max) {
                vm.expectRevert(abi.encodeWithSelector(IRollup.ScoreTooLow.selector, score, _scores[max - 1]));
                this.insert(max, id, score);
                continue;
            }
            if (_ids.length == max) {
                vm.expectEmit();
                emit IRollup.Displaced(
                    _record.timeline.slot(), SequencerId.wrap(_ids[max - 1]), keccak256(abi.encode(_ids[max - 1]))
                );
                _ids.pop();
                _scores.pop();
            }
            this.insert(max, id, score);
            _ids.push(id);
            _scores.push(score);
            for (uint256 i = _ids.length - 1; i > rank; --i) {
                (_ids[i], _ids[i - 1]) = (_ids[i - 1], _ids[i]);
                (_scores[i], _scores[i - 1]) = (_scores[i - 1], _scores[i]);
            }
            _compare();
        }
    }

    /// @custom:rule P1
    function testFuzz_aSequencerIsListedOnce(uint256 max, uint192 first, uint192 second) public {
        max = bound(max, 1, 4);
        this.insert(max, 7, first);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyProposed.selector, SequencerId.wrap(7)));
        this.insert(max, 7, second);
    }

    function _compare() private view {
        assertEq(_record.timeline.count(), _ids.length, "count");
        for (uint256 rank = 0; rank < _ids.length; ++rank) {
            StoredCandidate storage candidate = _record.candidates[_record.timeline.indexOf(rank)];
            assertEq(SequencerId.unwrap(candidate.sequencer), _ids[rank], "sequencer");
            assertEq(candidate.score, _scores[rank], "score");
            assertEq(candidate.headerHash, keccak256(abi.encode(_ids[rank])), "header");
        }
    }
}
