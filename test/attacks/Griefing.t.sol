// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge, WithdrawalProof} from "../../contracts/interfaces/IBridge.sol";
import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Registration} from "../../contracts/interfaces/IStaking.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice An account that burns all gas it gets, whatever the call.
contract GasBurner {
    fallback() external payable {
        assembly {
            invalid()
        }
    }
}

/// @notice An account that answers every call with a megabyte, or fails with a megabyte.
contract ReturnBomb {
    bool private immutable FAILS;

    constructor(bool fails) {
        FAILS = fails;
    }

    fallback() external payable {
        if (FAILS) {
            assembly {
                revert(0, 1000000)
            }
        }
        assembly {
            return(0, 1000000)
        }
    }
}

/// @title Attacks that earn nothing and try to stop others
contract GriefingAttacks is Fixture {
    /// @dev Highest gas of a call in which others' code or a precompile refuses.
    uint256 private constant MOST_GAS = 1_000_000;
    /// @dev Lowest gas that a refused point burns: the gas limit of its precompile call.
    uint256 private constant LEAST_GAS = 200_000;

    // ---- blobs ----------------------------------------------------------------------------------------------------

    /// @dev Blobs that the header does not list count for nothing. The sequencer pays as if it had sent none.
    /// @custom:rule V1, V2, E3
    function test_attack_revealingWithAnotherBlob() public {
        Header memory header_ = _committed(0);
        bytes32[] memory blobs = new bytes32[](2);
        blobs[0] = _blob("another", 0);
        // The right digest with another version byte is another blob, too.
        blobs[1] = header_.blobHashes[0] ^ bytes32(uint256(3) << 248);
        vm.blobhashes(blobs);
        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header_);
        vm.blobhashes(new bytes32[](0));
        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header_);
        // A header that lists the other blob is refused as well.
        Header memory other = _headerOf(0);
        other.blobHashes[0] = blobs[0];
        bytes32 hash = _hash(header_);
        vm.blobhashes(blobs);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongHeader.selector, hash, _hash(other)));
        rollup.reveal(other);
        _warp(_now() + 4 + 1 + 8);
        rollup.settle();
        assertEq(_stake(0), STAKE - 5e18);
        assertEq(escrow.account(prover).free, 1000e18);
    }

    // ---- recipients -----------------------------------------------------------------------------------------------

    function _accounts() private returns (address[3] memory) {
        return [address(new GasBurner()), address(new ReturnBomb(false)), address(new ReturnBomb(true))];
    }

    /// @dev The prover's account checks its signature. The sender sees the gas that this takes before it sends, and
    /// nobody else is stopped.
    /// @custom:rule C2
    function test_attack_aProverWhoseAccountBurnsGasOrAnswersWithABomb() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        address[3] memory bad = _accounts();
        for (uint256 i = 0; i < bad.length; ++i) {
            _fundEscrow(bad[i], BOND);
            Quote memory quote = _quote(0, _hash(header));
            quote.prover = bad[i];
            vm.prank(attesters[0]);
            vm.expectRevert(abi.encodeWithSelector(IRollup.BadSignature.selector, bad[i]));
            rollup.commit{gas: MOST_GAS * 5}(quote, "signature", "");
        }
        _commit(0, header);
        _phaseIs(Phase.Reveal);
    }

    /// @dev Payees of a block are credited, never called.
    /// @custom:rule E1
    function test_attack_payeesThatBurnGasOrAnswerWithABomb() public {
        address[3] memory bad = _accounts();
        uint256 snapshot = vm.snapshotState();
        uint256 before;
        for (uint256 i = 0; i < bad.length; ++i) {
            Header memory header = _propose(0);
            _warp(_view().start + 4);
            Quote memory quote = _quote(0, _hash(header));
            quote.payee = bad[i];
            bytes memory signature = _sign(attesterKeys[0], quote);
            vm.prank(prover);
            rollup.commit(quote, "", signature);
            _reveal(header);
            bytes memory proof = _proof(header, bad[i]);
            vm.prank(bad[i]);
            uint256 used = gasleft();
            rollup.finalize(header, bad[i], proof);
            used -= gasleft();
            // The test's memory grows with each iteration.
            if (i != 0) assertApproxEqAbs(used, before, 500, "the same gas whoever is paid");
            before = used;
            assertEq(_owed(bad[i]), PROVER_SHARE + PRICE + SUBMITTER_SHARE);
            vm.prank(bad[i]);
            rewards.claim(bad[i]);
            assertEq(token.balanceOf(bad[i]), PROVER_SHARE + PRICE + SUBMITTER_SHARE);
            vm.revertToState(snapshot);
        }
    }

    /// @dev A votes contract that burns gas or returns a lot costs at most the submitter's gas.
    /// @custom:rule O1, U3
    function test_attack_votesThatAnswerWithABomb() public {
        Header memory header = _headerOf(0);
        header.vote = address(0xbeef);
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        _commit(0, header);
        _reveal(header);
        vm.etch(address(votes), address(new ReturnBomb(true)).code);
        _finalize(prover, header, prover);
        assertEq(rollup.tip().headerHash, _hash(header));
    }

    // ---- malformed points -----------------------------------------------------------------------------------------

    /// @dev Expects a refusal with 30 million gas available. The precompile used the gas it was given, and no more.
    function _burns(address sender, address to, bytes memory call, bytes memory refusal) private {
        vm.prank(sender);
        uint256 before = gasleft();
        (bool success, bytes memory reason) = to.call{gas: 30_000_000}(call);
        uint256 used = before - gasleft();
        assertFalse(success);
        assertEq(reason, refusal);
        assertGt(used, LEAST_GAS);
        assertLt(used, MOST_GAS);
    }

    /// @dev A precompile of EIP-2537 or EIP-4844 burns all gas of a call with a malformed point, so its calls have low
    /// gas limits.
    /// @custom:rule Q3, W4
    function test_attack_malformedPointsBurnNoMoreThanTheCap() public {
        address owner = owners[0];
        Registration memory registration = _registration(owner, attesters[0]);
        registration.proofOfPossession[7] ^= bytes32(uint256(1));
        bytes memory refusal = abi.encodeWithSelector(IStaking.BadProofOfPossession.selector, owner);
        _burns(owner, address(staking), abi.encodeCall(staking.register, (registration)), refusal);
        bytes memory rotation =
            abi.encodeCall(staking.rotateBlsKey, (_id(0), registration.blsKey, registration.proofOfPossession));
        _burns(owner, address(staking), rotation, refusal);

        Header memory header = _revealed(0);
        _finalize(prover, header, prover);
        WithdrawalProof memory proof;
        proof.header = header;
        proof.withdrawal = bytes32(uint256(2) << 160);
        proof.target = bytes32((uint256(4) << 160) | 1);
        proof.commitment = new bytes(48);
        proof.withdrawalOpening = new bytes(48);
        proof.targetOpening = new bytes(48);
        refusal = abi.encodeWithSelector(IBridge.OpeningRejected.selector, 0);
        _burns(relay, address(bridge), abi.encodeCall(bridge.claim, (proof)), refusal);
    }

    // ---- the candidate list ---------------------------------------------------------------------------------------

    /// @dev The list is full of the worst scores before the best sequencer proposes. It still gets on the list, at the
    /// top.
    /// @custom:rule P3, E4
    function test_attack_fillingTheListDoesNotKeepABetterScoreOut() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[3]);
        _propose(ranked[2]);
        _propose(ranked[1]);
        bytes32 displaced = reader.candidates()[2].headerHash;
        Slot slot = _slot();
        vm.expectEmit();
        emit IRollup.Displaced(slot, _id(ranked[3]), displaced);
        Header memory header = _propose(ranked[0]);
        assertEq(reader.candidates()[0].headerHash, _hash(header));
        _warp(_view().start + 4);
        _commit(ranked[0], header);
        _reveal(header);
        _finalize(prover, header, prover);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(_stake(i), STAKE, "who was displaced, or came after the block, owes nothing");
        }
    }

    /// @dev The three best sequencers propose and do nothing. Each of them pays the penalty, the others wait for their
    /// candidates, and then the backup makes a block.
    /// @custom:rule E2, S6, B1
    function test_attack_fillingTheListAndDoingNothingCostsPenaltiesAndBoundedTime() public {
        uint256[] memory ranked = _ranked();
        uint64 start = _view().start;
        for (uint256 i = 0; i < 3; ++i) {
            _propose(ranked[i]);
        }
        _warp(start + 4 + 3 * 3 + 1);
        _phaseIs(Phase.Backup);
        Header memory header = _header(1, "backup");
        _finalizeBackup(relay, header, rescuer);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(_stake(ranked[i]), STAKE - 1e18);
        }
        assertEq(rollup.tip().headerHash, _hash(header));
    }

    /// @dev A sequencer cannot take two places on the list.
    /// @custom:rule P1
    function test_attack_oneSequencerTakesOnePlace() public {
        _propose(0);
        Slot slot = _slot();
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(0)));
        rollup.propose(slot, _id(0), "another", "", "");
    }
}
