// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge, Lane} from "../../contracts/interfaces/IBridge.sol";
import {Candidate, SlotView} from "../../contracts/interfaces/IReader.sol";
import {Header, IRollup, Outcome, Phase, Quote, Tip} from "../../contracts/interfaces/IRollup.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A smart account that accepts one digest.
contract SmartAccount is IERC1271 {
    bytes32 private immutable _accepted;

    constructor(bytes32 accepted) {
        _accepted = accepted;
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return hash == _accepted ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @title Whole slots that succeed, from the proposal to the payout
contract LifecycleTest is Fixture {
    /// @custom:rule F1, F4, E1
    function test_aProvenBlockMovesTheTipAndPaysEverybody() public {
        uint64 slot = _view().slot;
        Header memory header = _revealed(0);
        _phaseIs(Phase.ExclusiveProving);
        _finalize(relay, header, rescuer);

        Tip memory tip = rollup.tip();
        assertEq(tip.headerHash, _hash(header));
        assertEq(tip.stateRoot, header.stateRoot);
        assertEq(tip.height, 1);
        assertEq(Slot.unwrap(tip.slot), slot);
        assertEq(rollup.finalizedHeader(Slot.wrap(slot)), _hash(header));
        // Of 13 · 0.24e18, the sequencer has 20 %, and 20 % as its bonus. The prover has 50 % and the submitter 10 %.
        // The price moves between them. The reveal was immediate, and so was the proof.
        assertEq(_owed(owners[0]), SEQUENCER_SHARE - PRICE + BONUS);
        assertEq(_owed(payee), PROVER_SHARE + PRICE);
        assertEq(_owed(relay), SUBMITTER_SHARE);
        assertEq(uint256(SEQUENCER_SHARE) + BONUS + PROVER_SHARE + SUBMITTER_SHARE, IDLE * uint256(PER_L1_SLOT));
        assertEq(_owed(rescuer), 0, "a copied proof's payee gets nothing in the exclusive phase");
        assertEq(escrow.account(prover).free, 1000e18);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(_view().slot, slot + 1);
        _phaseIs(Phase.Waiting);
    }

    /// @custom:rule S2
    function test_beforeTheFirstBlockTheTipIsTheGenesis() public view {
        Tip memory tip = rollup.tip();
        assertEq(tip.headerHash, keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, address(rollup))));
        assertEq(tip.stateRoot, verifier.genesisRoot());
        assertEq(tip.height, 0);
        assertEq(tip.depositsEnd, 0);
        assertEq(tip.exitsEnd, 0);
        assertEq(Slot.unwrap(tip.slot), type(uint64).max);
    }

    /// @custom:rule V1, F4
    function test_blocksChainToEachOther() public {
        bytes32 parent = rollup.tip().headerHash;
        for (uint256 i = 0; i < 6; ++i) {
            uint64 slot = _view().slot;
            Header memory header = _revealed(i % 4);
            assertEq(header.parent, parent);
            _finalize(prover, header, prover);
            parent = _hash(header);
            assertEq(rollup.tip().headerHash, parent);
            assertEq(rollup.tip().height, i + 1);
            assertEq(_view().slot, slot + 1, "the next slot follows at once");
            _warp(_view().start);
            _phaseIs(Phase.Proposal);
        }
    }

    /// @custom:rule S4
    function test_theNextSlotStartsAfterTheLastOneEndedAndItsSeedIsFixed() public {
        Header memory header = _committed(0);
        uint64 start = _view().start;
        _reveal(header);
        _finalize(prover, header, prover);
        // L1 slot of the finalization is start + 4, and T = start + 2.
        assertEq(_now(), start + 4);
        assertEq(_view().start, start + 5);
        assertEq(_view().previousStart, start);
        assertEq(_view().seedAt, start + 2);
    }

    /// @custom:rule M5
    function test_theViewShowsEverythingAboutTheSlot() public {
        uint256[] memory ranked = _ranked();
        Header memory second = _propose(ranked[1]);
        Header memory first = _propose(ranked[0]);
        _warp(_view().start + 5);
        _commit(ranked[0], first);
        _warp(_now() + 2);
        _reveal(first);
        SlotView memory slotView = reader.currentSlot();
        assertEq(slotView.candidates.length, 2);
        assertEq(slotView.rank, 0);
        assertEq(L1Slot.unwrap(slotView.phaseEnd), _now() + 41);
        assertEq(L1Slot.unwrap(slotView.turnStart), L1Slot.unwrap(slotView.start) + 4);
        assertEq(slotView.paidL1Slots, IDLE);
        Candidate memory candidate = slotView.candidates[0];
        assertEq(candidate.headerHash, _hash(first));
        assertTrue(candidate.sequencer == _id(ranked[0]));
        assertEq(L1Slot.unwrap(candidate.committedAt), L1Slot.unwrap(slotView.start) + 5);
        assertEq(L1Slot.unwrap(candidate.revealedAt), L1Slot.unwrap(slotView.start) + 7);
        assertEq(candidate.blobsSeen, 1);
        assertEq(candidate.prover, prover);
        assertEq(candidate.payee, payee);
        assertEq(candidate.bond, BOND);
        // Cast: a small amount.
        assertEq(candidate.price, int96(PRICE));
        candidate = slotView.candidates[1];
        assertEq(candidate.headerHash, _hash(second));
        assertEq(L1Slot.unwrap(candidate.committedAt), 0);
        assertEq(candidate.prover, address(0), "what an earlier slot left isn't shown");
        assertTrue(candidate.score < slotView.candidates[0].score);
    }

    // ---- ways to agree --------------------------------------------------------------------------------------------

    /// @custom:rule C2
    function test_theSequencerCommitsWithTheProversSignature() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        bytes memory signature = _sign(proverKey, quote);
        vm.prank(attesters[0]);
        rollup.commit(quote, signature, "");
        _phaseIs(Phase.Reveal);
        assertEq(escrow.account(prover).locked, BOND);
    }

    /// @custom:rule C2
    function test_aRelayCommitsWithBothSignatures() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        bytes memory proverSignature = _sign(proverKey, quote);
        bytes memory sequencerSignature = _sign(attesterKeys[0], quote);
        vm.prank(relay);
        rollup.commit(quote, proverSignature, sequencerSignature);
        _phaseIs(Phase.Reveal);
    }

    /// @custom:rule C2
    function test_aSequencerProvesForItselfWithoutSignatures() public {
        _fundEscrow(attesters[0], BOND);
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        quote.prover = attesters[0];
        vm.prank(attesters[0]);
        rollup.commit(quote, "", "");
        assertEq(escrow.account(attesters[0]).locked, BOND);
    }

    /// @custom:rule C2
    function test_aSmartAccountProvesWithItsOwnSignatureScheme() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        quote.prover = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        new SmartAccount(rollup.quoteDigest(quote));
        _fundEscrow(quote.prover, BOND);
        vm.prank(attesters[0]);
        rollup.commit(quote, "anything", "");
        assertEq(escrow.account(quote.prover).locked, BOND);
    }

    /// @custom:rule C4
    function test_ofTwoQuotesForOneHeaderTheFirstWins() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        _commit(0, header);
        Quote memory other = _quote(0, _hash(header));
        other.prover = rescuer;
        bytes memory signature = _sign(attesterKeys[0], other);
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Commitment, Phase.Reveal));
        rollup.commit(other, "", signature);
    }

    // ---- reveals --------------------------------------------------------------------------------------------------

    /// @custom:rule V2, V3
    function test_aRevealMayTakeSeveralTransactions() public {
        Header memory header = _header(5, "three blobs");
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        _commit(0, header);

        bytes32[] memory blobs = new bytes32[](2);
        blobs[0] = header.blobHashes[2];
        blobs[1] = _blob("foreign", 0);
        vm.blobhashes(blobs);
        vm.expectEmit();
        emit IRollup.Revealed(header.slot, _hash(header), header, 4, false, L1Slot.wrap(_now()));
        rollup.reveal(header);
        _phaseIs(Phase.Reveal);
        assertEq(reader.currentSlot().candidates[0].blobsSeen, 4);

        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header);

        _warp(_now() + 2);
        blobs[0] = header.blobHashes[1];
        blobs[1] = header.blobHashes[0];
        vm.blobhashes(blobs);
        vm.expectEmit();
        emit IRollup.Revealed(header.slot, _hash(header), header, 7, true, L1Slot.wrap(_now()));
        rollup.reveal(header);
        _phaseIs(Phase.ExclusiveProving);
        assertEq(_view().end, _now() + 41, "the prover's clock starts at the completed reveal");
    }

    /// @custom:rule E1
    function test_thePayeeGetsTheSubmissionRewardWhenItSends() public {
        Header memory header = _revealed(0);
        _finalize(payee, header, payee);
        assertEq(_owed(payee), PROVER_SHARE + PRICE + SUBMITTER_SHARE);
        assertEq(_owed(payee) + _owed(owners[0]), IDLE * uint256(PER_L1_SLOT));
    }

    /// @custom:rule W3, W6
    function test_aBlockConsumesDepositsAndForcedExits() public {
        (address owner, uint32 index) = _funded("exiting");
        vm.prank(owner);
        bridge.forceExit(index, payee);
        _deposits(2);
        _warp(_view().start + 3 * IDLE);
        Header memory header = _headerOf(0);
        assertEq(header.depositsEnd, 3);
        assertEq(header.exitsEnd, 1);
        _revealed(0, header);
        _finalize(prover, header, prover);
        assertEq(rollup.tip().depositsEnd, 3);
        assertEq(rollup.tip().exitsEnd, 1);
    }

    /// @custom:rule W3, W6, V1
    function test_aBlockThatLeavesOutAForcedExitIsRefused() public {
        (address owner, uint32 index) = _funded("exiting");
        vm.prank(owner);
        bridge.forceExit(index, payee);
        _deposits(1);
        _warp(_view().start + 3 * IDLE);
        Header memory header = _headerOf(0);
        _consume(header, 1, 0);
        _committed(0, header);
        vm.expectRevert(abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Exits, 1, 0));
        rollup.reveal(header);
    }

    /// @custom:rule E1
    function test_anEmptyPotNeverBlocksABlock() public {
        vm.prank(address(rewards));
        assertTrue(token.transfer(relay, 1000e18));
        Header memory header = _revealed(0);
        vm.expectEmit();
        emit IRollup.Finalized(
            header.slot, _hash(header), payee, Outcome.Finalized, header.stateRoot, 0, L1Slot.wrap(_now())
        );
        _finalize(relay, header, payee);
        assertEq(_owed(payee), PROVER_SHARE + PRICE);
    }
}
