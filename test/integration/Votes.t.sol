// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Reader} from "../../contracts/Reader.sol";
import {Contracts, Rollup} from "../../contracts/Rollup.sol";
import {Header, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {IScoring} from "../../contracts/interfaces/IScoring.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Votes of finalized blocks, and the score's proof
contract RollupVotesTest is Fixture {
    address private constant PAYLOAD = address(0xbeef);

    function _voting(uint256 i) private returns (Header memory header) {
        header = _headerOf(i);
        header.vote = PAYLOAD;
        _proposeHash(i, _hash(header));
        _warp(_view().start + 4);
        _commit(i, header);
        _reveal(header);
    }

    function _counted(Header memory header) private view {
        assertEq(votes.count(), 1);
        assertEq(votes.payload(), PAYLOAD);
        assertTrue(votes.slot() == header.slot);
        assertEq(rollup.tip().headerHash, _hash(header));
    }

    /// @custom:rule O1, U1
    function test_aVoteCountsWhenItsBlockIsFinalized() public {
        Header memory header = _voting(0);
        assertEq(votes.count(), 0);
        _finalize(relay, header, payee);
        _counted(header);
    }

    /// @custom:rule O1, U1
    function test_aVoteCountsWhenItsBlockIsRescued() public {
        Header memory header = _voting(0);
        _warp(_now() + 41);
        _finalize(relay, header, rescuer);
        _counted(header);
    }

    /// @custom:rule O1, U1
    function test_aVoteCountsWhenItsRevealedBlockIsFinalizedInBackup() public {
        Header memory header = _voting(0);
        _warp(_now() + 62);
        _finalizeBackup(relay, header, rescuer);
        _counted(header);
    }

    /// @custom:rule O1
    function test_aBlockWithoutAVoteSignalsNothing() public {
        Header memory header = _revealed(0);
        _finalize(relay, header, payee);
        assertEq(votes.count(), 0);
    }

    /// @custom:rule B3, U1
    function test_RevertWhen_aBackupBlockVotes() public {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        header.vote = PAYLOAD;
        bytes memory proof = _proof(header, payee);
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(IRollup.VoteNotZero.selector);
        rollup.finalizeBackup(header, payee, proof);
    }

    /// @custom:rule O1, U3
    function test_aVoteThatFailsCostsNoBlock() public {
        Header memory header = _voting(0);
        vm.mockCallRevert(address(votes), abi.encodeWithSelector(IVotes.signal.selector), "no");
        _finalize(relay, header, payee);
        assertEq(votes.count(), 0);
        assertEq(rollup.tip().headerHash, _hash(header));
    }

    /// @dev Attack: the submitter gives just enough gas for the vote to run out of it. With any amount of gas, the
    /// block is not final without its vote.
    /// @custom:rule O2
    function test_attack_aSubmitterCannotSuppressAVote() public {
        Header memory header = _voting(0);
        bytes memory proof = _proof(header, payee);
        uint256 snapshot = vm.snapshotState();
        uint256 finals;
        for (uint256 gas_ = 60_000; gas_ < 400_000; gas_ += 1000) {
            vm.prank(relay);
            (bool success,) = address(rollup).call{gas: gas_}(abi.encodeCall(IRollup.finalize, (header, payee, proof)));
            if (success) {
                assertEq(votes.count(), 1);
                ++finals;
            }
            vm.revertToState(snapshot);
        }
        assertGt(finals, 0);
    }

    /// @custom:rule O1
    function test_withoutGovernanceAVoteMeansNothing() public {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 7);
        _warp(DEPLOYED_AT);
        _deployAround(IERC20(address(token)), _rates(), predicted);
        Contracts memory contracts = _contracts();
        contracts.votes = IVotes(address(0));
        rollup = new Rollup(_parameters(), contracts, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        reader = new Reader(rollup);
        _fundEscrow(prover, 1000e18);
        _register(owners[0], attesters[0]);
        _warp(_view().start + 2 * 13);
        Header memory header = _voting(0);
        _finalize(relay, header, payee);
        assertEq(rollup.tip().headerHash, _hash(header));
        assertEq(votes.count(), 0);
    }

    /// @custom:rule D1
    function test_RevertWhen_aPublicScoreHasAProof() public {
        bytes memory proof = _seedProof(_view().seedAt);
        Slot slot = _slot();
        SequencerId id = _id(0);
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IScoring.WrongProofLength.selector, 0, 1));
        rollup.propose(slot, id, "hash", proof, "x");
    }

    // ---- seeds ----------------------------------------------------------------------------------------------------

    /// @custom:rule R5
    function test_theFirstProposalBringsTheSeedForAll() public {
        Slot slot = _slot();
        L1Slot target = L1Slot.wrap(_view().seedAt);
        vm.expectEmit();
        emit IRollup.SeedProven(slot, target, _mix(_view().seedAt + 1));
        _propose(0);
        assertEq(reader.currentSlot().seed, keccak256(abi.encode(SEED_DOMAIN, _mix(_view().seedAt + 1), slot)));
        SequencerId id = _id(1);
        vm.prank(attesters[1]);
        rollup.propose(slot, id, "hash", "not looked at", "");
    }

    /// @dev A mix proven to the randomness contract and a mix proven with the proposal give the same scores.
    /// @custom:rule R5
    function test_whereTheMixComesFromMakesNoDifference() public {
        uint256 snapshot = vm.snapshotState();
        _propose(0);
        uint192 expected = reader.candidates()[0].score;
        vm.revertToState(snapshot);
        randomness.prove(L1Slot.wrap(_view().seedAt), _seedProof(_view().seedAt));
        bytes32 seed = reader.currentSlot().seed;
        _propose(0);
        assertEq(reader.candidates()[0].score, expected);
        assertEq(reader.currentSlot().seed, seed);
    }
}
