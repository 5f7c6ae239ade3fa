// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {VerifierDouble} from "../support/VerifierDouble.sol";

/// @title Attacks by those who see transactions and quotes before they land
contract MempoolAttacks is Fixture {
    address private thief = makeAddr("thief");

    function _finalizeAs(address sender, Header memory header, address payee_, bytes memory proof) private {
        vm.prank(sender);
        rollup.finalize(header, payee_, proof);
    }

    // ---- copying a proof ------------------------------------------------------------------------------------------

    /// @dev A copied proof that is sent unchanged pays the copier the submitter's share, and the prover everything
    /// else.
    /// @custom:rule F3
    function test_attack_copyingAProofEarnsTheSubmittersShareAndNothingElse() public {
        Header memory header = _revealed(0);
        bytes memory proof = _proof(header, prover);
        _finalizeAs(thief, header, prover, proof);
        assertEq(_owed(thief), SUBMITTER_SHARE, "the submitter's share");
        assertEq(_owed(payee), PROVER_SHARE + PRICE, "the prover's, to the quote's payee");
        assertEq(escrow.account(prover).free, 1000e18, "the bond");
    }

    /// @dev The proof binds its payee, so it is invalid for another payee.
    /// @custom:rule F2, F3
    function test_attack_copyingAProofForAnotherPayeeFails() public {
        Header memory header = _revealed(0);
        bytes memory proof = _proof(header, prover);
        vm.expectRevert(VerifierDouble.ProofRejected.selector);
        _finalizeAs(thief, header, thief, proof);
    }

    /// @dev In OpenProving, the payee that the proof names gets the prover's share and the share of the bond.
    /// @custom:rule F3
    function test_attack_copyingARescuersProofEarnsNoneOfTheRescue() public {
        Header memory header = _revealed(0);
        _warp(_now() + 41);
        _phaseIs(Phase.OpenProving);
        bytes memory proof = _proof(header, rescuer);
        vm.expectRevert(VerifierDouble.ProofRejected.selector);
        _finalizeAs(thief, header, thief, proof);
        _finalizeAs(thief, header, rescuer, proof);
        assertEq(_owed(rescuer), PROVER_SHARE / 2 + PRICE);
        assertEq(escrow.account(rescuer).free, 1000e18 + BOND / 20 / 2);
        assertEq(_owed(thief), SUBMITTER_SHARE);
        assertEq(escrow.account(thief).free, 0);
    }

    /// @custom:rule F3, B1
    function test_attack_copyingABackupBlockEarnsTheSubmittersShare() public {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        bytes memory proof = _proof(header, rescuer);
        vm.blobhashes(header.blobHashes);
        vm.startPrank(thief);
        vm.expectRevert(VerifierDouble.ProofRejected.selector);
        rollup.finalizeBackup(header, thief, proof);
        rollup.finalizeBackup(header, rescuer, proof);
        assertEq(_owed(rescuer), PROVER_SHARE);
        assertEq(_owed(thief), SUBMITTER_SHARE);
    }

    // ---- two quotes for one block ---------------------------------------------------------------------------------

    /// @dev A sequencer signs one quote of an expensive prover and one of a cheap one. One of them lands, and one bond
    /// is locked.
    /// @custom:rule C1, C4
    function test_attack_twoQuotesForOneBlockLockOneBond() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory first = _quote(0, _hash(header));
        Quote memory second = _quote(0, _hash(header));
        second.prover = rescuer;
        second.price = 0;
        bytes memory firstSignature = _sign(attesterKeys[0], first);
        bytes memory secondSignature = _sign(attesterKeys[0], second);
        vm.prank(prover);
        rollup.commit(first, "", firstSignature);
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Commitment, Phase.Reveal));
        rollup.commit(second, "", secondSignature);
        assertEq(escrow.account(prover).locked, BOND);
        assertEq(escrow.account(rescuer).locked, 0);

        // It is also refused later, after the turn and after the slot.
        _warp(_now() + 4);
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Commitment, Phase.Halt));
        rollup.commit(second, "", secondSignature);
        _warp(_now() + 9 + 4);
        vm.prank(rescuer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), second.slot));
        rollup.commit(second, "", secondSignature);
    }

    /// @dev A sequencer signs quotes for two headers. Only the one for its proposal can be used.
    /// @custom:rule C1, P1
    function test_attack_quotesForTwoHeadersOfOneSequencer() public {
        Header memory header = _propose(0);
        Header memory other = _header(1, "other");
        Slot slot = _slot();
        bytes32 hash = _hash(header);
        bytes32 otherHash = _hash(other);
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(0)));
        rollup.propose(slot, _id(0), otherHash, "", "");
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, otherHash);
        bytes memory signature = _sign(attesterKeys[0], quote);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongHeader.selector, hash, otherHash));
        rollup.commit(quote, "", signature);
    }

    // ---- a relay that holds a quote back --------------------------------------------------------------------------

    /// @dev The relay has both signatures and waits. The parties do not need it, and its signatures are worthless once
    /// they have committed.
    /// @custom:rule C2, C4
    function test_attack_aRelayHoldsAQuoteBack() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        bytes memory ofProver = _sign(proverKey, quote);
        bytes memory ofSequencer = _sign(attesterKeys[0], quote);
        // The sequencer has the prover's signature as well, and sends it itself.
        vm.prank(attesters[0]);
        rollup.commit(quote, ofProver, "");
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Commitment, Phase.Reveal));
        rollup.commit(quote, ofProver, ofSequencer);
    }

    /// @dev A quote binds nobody after its deadline. The bond is free for other slots, whatever a relay still holds.
    /// @custom:rule C3, S6
    function test_attack_aRelayLandsAQuoteTooLate() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        quote.validUntil = L1Slot.wrap(_now());
        bytes memory ofProver = _sign(proverKey, quote);
        bytes memory ofSequencer = _sign(attesterKeys[0], quote);
        _warp(_now() + 1);
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IRollup.QuoteExpired.selector, quote.validUntil, L1Slot.wrap(_now())));
        rollup.commit(quote, ofProver, ofSequencer);
        _warp(_now() + 2);
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPhase.selector, Phase.Commitment, Phase.Halt));
        rollup.commit(quote, ofProver, ofSequencer);
        assertEq(escrow.account(prover).locked, 0);
    }
}
