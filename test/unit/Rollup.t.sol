// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge, Lane} from "../../contracts/interfaces/IBridge.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {VerifierDouble} from "../support/VerifierDouble.sol";
import {Vm} from "forge-std/Vm.sol";

/// @title All refusals of all functions of the rollup
contract RollupTest is Fixture {
    bytes32 private constant HASH = keccak256("header");
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // ---- propose --------------------------------------------------------------------------------------------------

    function _expectPropose(uint256 i, Slot slot, bytes32 hash, bytes memory proof, bytes memory reason) private {
        vm.prank(attesters[i]);
        vm.expectRevert(reason);
        rollup.propose(slot, _id(i), hash, proof, "");
    }

    /// @custom:rule S1
    function test_RevertWhen_proposingForAnotherSlot() public {
        Slot slot = _slot();
        Slot next = slot.advance(1);
        _expectPropose(0, next, HASH, "", abi.encodeWithSelector(IRollup.WrongSlot.selector, slot, next));
        Slot highest = Slot.wrap(type(uint64).max);
        _expectPropose(0, highest, HASH, "", abi.encodeWithSelector(IRollup.WrongSlot.selector, slot, highest));
    }

    /// @custom:rule S6
    function test_RevertWhen_proposingOutsideOfTheProposalPhase() public {
        uint64 start = _view().start;
        Slot slot = _slot();
        _warp(start + 3);
        _propose(0);
        _warp(start + 4);
        _expectPropose(1, slot, HASH, "", _wrongPhase(Phase.Proposal, Phase.Commitment));
    }

    /// @custom:rule S4, S6
    function test_RevertWhen_proposingBeforeTheSlotStarts() public {
        Header memory header = _revealed(0);
        _finalize(prover, header, prover);
        _expectPropose(0, _slot(), HASH, "", _wrongPhase(Phase.Proposal, Phase.Waiting));
    }

    /// @custom:rule P1
    function test_RevertWhen_proposingAnEmptyHash() public {
        _expectPropose(0, _slot(), 0, "", abi.encodeWithSelector(IRollup.EmptyHeaderHash.selector));
    }

    /// @custom:rule P1
    function test_RevertWhen_proposingForAnUnknownSequencer() public {
        Slot slot = _slot();
        uint64 activeBy = _view().previousStart;
        for (uint32 i = 0; i < 2; ++i) {
            SequencerId unknown = SequencerId.wrap(i * 99);
            vm.expectRevert(abi.encodeWithSelector(IRollup.NotEligible.selector, unknown, activeBy));
            rollup.propose(slot, unknown, HASH, "", "");
        }
    }

    /// @dev A sequencer that registers when the seed is known cannot use it: neither in the seed's slot, nor in the
    /// next one if that started before the sequencer's activity.
    /// @custom:rule Q14
    function test_RevertWhen_theSequencerWasNotActiveAtThePreviousStart() public {
        address late = makeAddr("late");
        uint64 registeredAt = _now();
        SequencerId id = _register(late, late);
        uint64 activeFrom = registeredAt + 4;
        for (uint256 i = 0; i < 2; ++i) {
            Slot slot = _slot();
            uint64 previousStart = _view().previousStart;
            assertLt(previousStart, activeFrom);
            vm.prank(late);
            vm.expectRevert(abi.encodeWithSelector(IRollup.NotEligible.selector, id, previousStart));
            rollup.propose(slot, id, HASH, "", "");
            _warp(_view().start + 13);
        }
        assertGe(_view().previousStart, activeFrom);
        bytes memory proof = _seedProof(_view().seedAt);
        Slot third = _slot();
        vm.prank(late);
        rollup.propose(third, id, HASH, proof, "");
    }

    /// @custom:rule Q14
    function test_aSequencerMayProposeFromExactlyItsActivityOn() public {
        // The sequencer is active from L1 slot a on. Its first slot is the one after a slot that starts at a.
        uint64 start = _view().start + 13;
        _warp(start - 4);
        SequencerId id = _register(relay, relay);
        _warp(start + 13);
        assertEq(_view().previousStart, start);
        bytes memory proof = _seedProof(_view().seedAt);
        Slot slot = _slot();
        vm.prank(relay);
        rollup.propose(slot, id, HASH, proof, "");
    }

    /// @custom:rule Q14, Q15
    function test_RevertWhen_theSequencerIsExiting() public {
        vm.prank(owners[0]);
        staking.initiateExit(_id(0));
        _expectPropose(
            0, _slot(), HASH, "", abi.encodeWithSelector(IRollup.NotEligible.selector, _id(0), _view().previousStart)
        );
    }

    /// @custom:rule P1
    function test_RevertWhen_theSenderIsNotTheAttester() public {
        Slot slot = _slot();
        vm.prank(owners[0]);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotAttester.selector, _id(0), attesters[0], owners[0]));
        rollup.propose(slot, _id(0), HASH, "", "");
    }

    /// @custom:rule R5, P1
    function test_RevertWhen_theSeedIsNotProven() public {
        _expectPropose(0, _slot(), HASH, "", abi.encodeWithSelector(IRandomness.UnknownMix.selector, _view().seedAt));
    }

    /// @custom:rule R2
    function test_RevertWhen_theSeedProofIsMalformed() public {
        _expectPropose(0, _slot(), HASH, "00", abi.encodeWithSelector(IRandomness.MalformedProof.selector));
    }

    /// @custom:rule P1
    function test_RevertWhen_proposingTwice() public {
        _propose(0);
        _propose(1);
        _expectPropose(0, _slot(), HASH, "", abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(0)));
        _expectPropose(1, _slot(), HASH, "", abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(1)));
    }

    /// @custom:rule P3
    function test_RevertWhen_theScoreDoesNotMakeTheList() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[2]);
        _propose(ranked[0]);
        _propose(ranked[1]);
        uint192 toBeat = reader.currentSlot().candidates[2].score;
        uint192 score = _score(ranked[3]);
        _expectPropose(
            ranked[3], _slot(), HASH, "", abi.encodeWithSelector(IRollup.ScoreTooLow.selector, score, toBeat)
        );
    }

    /// @custom:rule P3
    function test_aHigherScoreDisplacesTheLastCandidate() public {
        uint256[] memory ranked = _ranked();
        _propose(ranked[1]);
        Header memory last = _propose(ranked[3]);
        _propose(ranked[2]);
        uint64 start = _view().start;
        uint64 previousStart = _view().previousStart;
        vm.expectEmit();
        emit IRollup.Displaced(_slot(), _id(ranked[3]), _hash(last));
        vm.expectEmit();
        emit IRollup.Proposed(
            _slot(),
            _id(ranked[0]),
            _hash(_headerOf(ranked[0])),
            _score(ranked[0]),
            L1Slot.wrap(start),
            L1Slot.wrap(previousStart)
        );
        _propose(ranked[0]);
        for (uint256 i = 0; i < 3; ++i) {
            assertTrue(reader.currentSlot().candidates[i].sequencer == _id(ranked[i]));
        }
        assertFalse(rollup.isCandidate(_id(ranked[3])));
        assertTrue(rollup.isCandidate(_id(ranked[0])));
    }

    // ---- commit ---------------------------------------------------------------------------------------------------

    function _expectCommit(Quote memory quote, bytes memory reason) private {
        bytes memory signature = _sign(attesterKeys[0], quote);
        vm.prank(quote.prover);
        vm.expectRevert(reason);
        rollup.commit(quote, "", signature);
    }

    function _toCommitment() private returns (Quote memory) {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        return _quote(0, _hash(header));
    }

    /// @custom:rule S6, C2
    function test_RevertWhen_committingInAnotherPhase() public {
        Header memory header = _propose(0);
        _expectCommit(_quote(0, _hash(header)), _wrongPhase(Phase.Commitment, Phase.Proposal));
    }

    /// @custom:rule S1, C1
    function test_RevertWhen_committingForAnotherSlot() public {
        Quote memory quote = _toCommitment();
        quote.slot = quote.slot.advance(1);
        _expectCommit(quote, abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), quote.slot));
    }

    /// @custom:rule C1
    function test_RevertWhen_theQuoteIsForAnotherHeader() public {
        Quote memory quote = _toCommitment();
        bytes32 expected = quote.headerHash;
        quote.headerHash = HASH;
        _expectCommit(quote, abi.encodeWithSelector(IRollup.WrongHeader.selector, expected, HASH));
    }

    /// @custom:rule C1
    function test_RevertWhen_theQuoteIsForAnotherSequencer() public {
        Quote memory quote = _toCommitment();
        quote.sequencer = _id(1);
        _expectCommit(quote, abi.encodeWithSelector(IRollup.WrongSequencer.selector, _id(0), _id(1)));
    }

    /// @custom:rule C3
    function test_RevertWhen_theQuoteExpired() public {
        Quote memory quote = _toCommitment();
        quote.validUntil = L1Slot.wrap(_now() - 1);
        _expectCommit(quote, abi.encodeWithSelector(IRollup.QuoteExpired.selector, _now() - 1, _now()));
    }

    /// @custom:rule C3
    function test_aQuoteMayBeCommittedInItsLastL1Slot() public {
        Quote memory quote = _toCommitment();
        quote.validUntil = L1Slot.wrap(_now());
        bytes memory signature = _sign(attesterKeys[0], quote);
        vm.prank(prover);
        rollup.commit(quote, "", signature);
    }

    /// @custom:rule C3
    function test_RevertWhen_aQuoteNamesNobody() public {
        Quote memory quote = _toCommitment();
        quote.payee = address(0);
        _expectCommit(quote, abi.encodeWithSelector(IRollup.ZeroAddress.selector));
        quote.payee = payee;
        quote.prover = address(0);
        _expectCommit(quote, abi.encodeWithSelector(IRollup.ZeroAddress.selector));
    }

    /// @custom:rule C3
    function test_RevertWhen_theBondIsOutOfBounds() public {
        Quote memory quote = _toCommitment();
        quote.bond = 10e18 - 1;
        _expectCommit(quote, abi.encodeWithSelector(IRollup.BondTooLow.selector, 10e18, quote.bond));
        quote.bond = uint128(type(uint96).max) + 1;
        _expectCommit(quote, abi.encodeWithSelector(IRollup.BondTooHigh.selector, type(uint96).max, quote.bond));
        quote.bond = type(uint96).max;
        _expectCommit(
            quote, abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, 1000e18, type(uint96).max)
        );
    }

    /// @dev Commits the quote, as its prover.
    function _commitQuote(Quote memory quote) private {
        bytes memory signature = _sign(attesterKeys[0], quote);
        vm.prank(quote.prover);
        rollup.commit(quote, "", signature);
    }

    function _outOfRange(int128 lowest, int128 highest, int128 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.PriceOutOfRange.selector, lowest, highest, actual);
    }

    /// @dev The sequencer pays at most its share, and the prover at most what it is sure to get.
    /// @custom:rule C5
    function test_RevertWhen_thePriceIsOutOfItsRange() public {
        Quote memory quote = _toCommitment();
        (int128 lowest, int128 highest) = (-0.78e18, 0.624e18);
        quote.price = highest + 1;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));
        quote.price = type(int128).max;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));
        quote.price = lowest - 1;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));
        quote.price = type(int128).min;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));

        int128[4] memory allowed = [highest, lowest, int128(1), int128(-1)];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 4; ++i) {
            quote.price = allowed[i];
            _commitQuote(quote);
            assertEq(reader.candidates()[0].price, allowed[i]);
            vm.revertToState(snapshot);
        }
    }

    /// @dev The range follows the time that the slot is paid for.
    /// @custom:rule C5, E10
    function test_RevertWhen_thePriceIsOutOfTheRangeOfAShorterTime() public {
        _block(0);
        Quote memory quote = _toCommitment();
        assertEq(_view().paid, 5);
        (int128 lowest, int128 highest) = (-0.3e18, 0.24e18);
        quote.price = highest + 1;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));
        quote.price = lowest - 1;
        _expectCommit(quote, _outOfRange(lowest, highest, quote.price));
        quote.price = lowest;
        _commitQuote(quote);
    }

    /// @dev A quote without a price is good whatever the rates are, and the rates are not read for it.
    /// @custom:rule C5
    function test_aPriceOfZeroIsNeverOutOfRange() public {
        Rates memory rates = _rates();
        rates.rewardPerL1Slot = 0;
        vm.prank(governance);
        rewards.setRates(rates);
        _warp(_view().start + IDLE);
        Quote memory quote = _toCommitment();
        quote.price = 1;
        _expectCommit(quote, _outOfRange(0, 0, 1));
        quote.price = -1;
        _expectCommit(quote, _outOfRange(0, 0, -1));
        quote.price = 0;
        vm.mockCallRevert(address(rewards), abi.encodeWithSelector(IRewards.priceRange.selector), "not asked");
        _commitQuote(quote);
        assertEq(reader.candidates()[0].price, 0);
    }

    /// @custom:rule C2
    function test_RevertWhen_aPartyDidNotSign() public {
        Quote memory quote = _toCommitment();
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        bytes memory byProver = _sign(proverKey, quote);
        bytes memory badProver = abi.encodeWithSelector(IRollup.BadSignature.selector, prover);
        bytes memory badSequencer = abi.encodeWithSelector(IRollup.BadSignature.selector, attesters[0]);

        vm.startPrank(relay);
        vm.expectRevert(badProver);
        rollup.commit(quote, "", bySequencer);
        vm.expectRevert(badSequencer);
        rollup.commit(quote, byProver, "");
        vm.expectRevert(badProver);
        rollup.commit(quote, bySequencer, byProver);
        vm.stopPrank();

        vm.prank(prover);
        vm.expectRevert(badSequencer);
        rollup.commit(quote, "", byProver);
        vm.prank(attesters[0]);
        vm.expectRevert(badProver);
        rollup.commit(quote, bySequencer, "");
    }

    /// @custom:rule C2
    function test_RevertWhen_theTermsAreNotTheSignedOnes() public {
        Quote memory quote = _toCommitment();
        bytes memory signature = _sign(attesterKeys[0], quote);
        bytes memory bad = abi.encodeWithSelector(IRollup.BadSignature.selector, attesters[0]);
        quote.price += 1;
        vm.prank(prover);
        vm.expectRevert(bad);
        rollup.commit(quote, "", signature);
        quote.price -= 1;
        quote.payee = relay;
        vm.prank(prover);
        vm.expectRevert(bad);
        rollup.commit(quote, "", signature);
    }

    /// @custom:rule C2
    function test_RevertWhen_theSignatureIsMalleable() public {
        Quote memory quote = _toCommitment();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(attesterKeys[0], rollup.quoteDigest(quote));
        bytes memory high = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadSignature.selector, attesters[0]));
        rollup.commit(quote, "", high);
    }

    /// @custom:rule C3, E6
    function test_RevertWhen_theBondExceedsTheProversFreeBalance() public {
        Quote memory quote = _toCommitment();
        quote.prover = relay;
        _expectCommit(quote, abi.encodeWithSelector(IEscrow.InsufficientFree.selector, relay, 0, BOND));
    }

    /// @custom:rule C1
    function test_aQuoteDiesWithItsSlot() public {
        Quote memory quote = _toCommitment();
        bytes memory signature = _sign(attesterKeys[0], quote);
        _warp(_now() + 100);
        Slot slot = _slot();
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongSlot.selector, slot, quote.slot));
        rollup.commit(quote, "", signature);
    }

    /// @dev The digest, computed from the domain's members and the type's encoding.
    /// @custom:rule C1
    function test_theQuotesDigestIsEip712() public view {
        Quote memory quote = _quote(2, HASH);
        _isEip712(quote);
        quote.price = -1;
        _isEip712(quote);
    }

    function _isEip712(Quote memory quote) private view {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Fernet"),
                keccak256("1"),
                block.chainid,
                address(rollup)
            )
        );
        bytes32 typeHash = keccak256(
            "Quote(uint64 slot,bytes32 headerHash,uint32 sequencer,"
            "address prover,address payee,uint128 bond,int128 price,uint64 validUntil)"
        );
        bytes32 structHash = keccak256(
            abi.encode(
                typeHash,
                quote.slot,
                quote.headerHash,
                quote.sequencer,
                quote.prover,
                quote.payee,
                quote.bond,
                quote.price,
                quote.validUntil
            )
        );
        assertEq(rollup.quoteDigest(quote), keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    // ---- reveal ---------------------------------------------------------------------------------------------------

    function _expectReveal(Header memory header, bytes memory reason) private {
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(reason);
        rollup.reveal(header);
        vm.blobhashes(new bytes32[](0));
    }

    /// @dev Commits to a header that the reveal must refuse.
    function _commitTo(Header memory header) private {
        _committed(0, header);
    }

    /// @custom:rule S1, V1
    function test_RevertWhen_revealingAnotherSlotsHeader() public {
        Header memory header = _committed(0);
        header.slot = header.slot.advance(1);
        _expectReveal(header, abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), header.slot));
    }

    /// @custom:rule S6
    function test_RevertWhen_revealingWithoutACommitment() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        _expectReveal(header, _wrongPhase(Phase.Reveal, Phase.Commitment));
    }

    /// @custom:rule V1
    function test_RevertWhen_revealingAnotherHeader() public {
        Header memory header = _committed(0);
        bytes32 expected = _hash(header);
        header.feeRecipient += 1;
        _expectReveal(header, abi.encodeWithSelector(IRollup.WrongHeader.selector, expected, _hash(header)));
    }

    /// @custom:rule V1
    function test_RevertWhen_theParentIsNotTheTip() public {
        Header memory header = _headerOf(0);
        bytes32 tip = header.parent;
        header.parent = HASH;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IRollup.WrongParent.selector, tip, HASH));
    }

    /// @custom:rule V1
    function test_RevertWhen_thereAreNoChunks() public {
        Header memory header = _headerOf(0);
        header.chunks = 0;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, 12, 0));
    }

    /// @custom:rule V1
    function test_aBlockMayHaveTheMostChunks() public {
        Header memory header = _header(12, "most");
        _commitTo(header);
        vm.blobhashes(header.blobHashes);
        rollup.reveal(header);
        _phaseIs(Phase.ExclusiveProving);
    }

    /// @custom:rule V1
    function test_RevertWhen_thereAreTooManyChunks() public {
        Header memory header = _header(13, "many");
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, 12, 13));
    }

    /// @custom:rule V1
    function test_RevertWhen_theBlobsAreNotAsManyAsTheChunksNeed() public {
        Header memory header = _header(1, "one");
        header.chunks = 3;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IRollup.WrongBlobCount.selector, 2, 1));
    }

    /// @custom:rule V1
    function test_RevertWhen_theHeaderHasACommitteeDigest() public {
        Header memory header = _headerOf(0);
        header.committeeDigest = HASH;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IRollup.CommitteeDigestNotZero.selector));
    }

    /// @custom:rule V1, W3
    function test_RevertWhen_theHeaderConsumesDepositsThatDoNotExist() public {
        Header memory header = _headerOf(0);
        header.depositsEnd = 1;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Deposits, 0, 1, 0));
    }

    /// @custom:rule V1, W6
    function test_RevertWhen_theHeaderConsumesForcedExitsThatDoNotExist() public {
        Header memory header = _headerOf(0);
        header.exitsEnd = 1;
        _commitTo(header);
        _expectReveal(header, abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Exits, 0, 1, 0));
    }

    /// @custom:rule V2
    function test_RevertWhen_noBlobOfTheTransactionIsTheHeaders() public {
        Header memory header = _committed(0);
        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header);
        bytes32[] memory foreign = new bytes32[](1);
        foreign[0] = _blob("foreign", 0);
        vm.blobhashes(foreign);
        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header);
    }

    /// @custom:rule V2
    function test_RevertWhen_theHeadersBlobIsZero() public {
        Header memory header = _headerOf(0);
        header.blobHashes[0] = 0;
        _commitTo(header);
        vm.expectRevert(IRollup.NoNewBlob.selector);
        rollup.reveal(header);
    }

    /// @custom:rule V3
    function test_RevertWhen_revealingAgain() public {
        Header memory header = _revealed(0);
        _expectReveal(header, _wrongPhase(Phase.Reveal, Phase.ExclusiveProving));
    }

    // ---- finalize -------------------------------------------------------------------------------------------------

    function _expectFinalize(Header memory header, address payee_, bytes memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        rollup.finalize(header, payee_, proof);
    }

    /// @custom:rule S1
    function test_RevertWhen_finalizingAnotherSlot() public {
        Header memory header = _revealed(0);
        header.slot = header.slot.advance(1);
        _expectFinalize(header, payee, "", abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), header.slot));
    }

    /// @custom:rule F1, S6
    function test_RevertWhen_finalizingAnUnrevealedBlock() public {
        Header memory header = _committed(0);
        _expectFinalize(header, payee, _proof(header, payee), _wrongPhase(Phase.ExclusiveProving, Phase.Reveal));
    }

    /// @custom:rule F1, S6
    function test_RevertWhen_finalizingTooLate() public {
        Header memory header = _revealed(0);
        bytes memory proof = _proof(header, payee);
        _warp(_now() + 61);
        _expectFinalize(header, payee, proof, _wrongPhase(Phase.ExclusiveProving, Phase.Halt));
        _warp(_now() + 1);
        _expectFinalize(header, payee, proof, _wrongPhase(Phase.ExclusiveProving, Phase.Backup));
    }

    /// @custom:rule F1
    function test_RevertWhen_finalizingAnotherHeader() public {
        Header memory header = _revealed(0);
        bytes32 expected = _hash(header);
        header.stateRoot = HASH;
        _expectFinalize(
            header,
            payee,
            _proof(header, payee),
            abi.encodeWithSelector(IRollup.WrongHeader.selector, expected, _hash(header))
        );
    }

    /// @custom:rule F1
    function test_RevertWhen_thePayeeIsNobody() public {
        Header memory header = _revealed(0);
        _expectFinalize(
            header, address(0), _proof(header, address(0)), abi.encodeWithSelector(IRollup.ZeroAddress.selector)
        );
    }

    /// @custom:rule F2
    function test_RevertWhen_theProofIsRejected() public {
        Header memory header = _revealed(0);
        bytes memory rejected = abi.encodeWithSelector(VerifierDouble.ProofRejected.selector);
        _expectFinalize(header, payee, "", rejected);
        _expectFinalize(header, relay, _proof(header, payee), rejected);
    }

    /// @custom:rule F4
    function test_RevertWhen_finalizingTwice() public {
        Header memory header = _revealed(0);
        bytes memory proof = _proof(header, payee);
        rollup.finalize(header, payee, proof);
        _expectFinalize(header, payee, proof, abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), header.slot));
        _warp(_view().start);
        _expectFinalize(header, payee, proof, abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), header.slot));
    }

    // ---- backup ---------------------------------------------------------------------------------------------------

    function _expectBackup(Header memory header, bytes memory reason) private {
        bytes memory proof = _proof(header, payee);
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(reason);
        rollup.finalizeBackup(header, payee, proof);
        vm.blobhashes(new bytes32[](0));
    }

    /// @custom:rule B1, S6
    function test_RevertWhen_backingUpInAnotherPhase() public {
        Header memory header = _header(1, "backup");
        _expectBackup(header, _wrongPhase(Phase.Backup, Phase.Proposal));
        _warp(_view().start + 4);
        _expectBackup(header, _wrongPhase(Phase.Backup, Phase.Halt));
        _warp(_view().start + 13);
        _expectBackup(header, abi.encodeWithSelector(IRollup.WrongSlot.selector, _slot(), header.slot));
    }

    /// @custom:rule B1, V1
    function test_RevertWhen_aBackupBlockFailsTheChecksOfTheNormalPath() public {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        bytes32 parent = header.parent;
        header.parent = HASH;
        _expectBackup(header, abi.encodeWithSelector(IRollup.WrongParent.selector, parent, HASH));
        header.parent = parent;
        header.chunks = 0;
        _expectBackup(header, abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, 12, 0));
        header.chunks = 3;
        _expectBackup(header, abi.encodeWithSelector(IRollup.WrongBlobCount.selector, 2, 1));
        header.chunks = 1;
        header.committeeDigest = HASH;
        _expectBackup(header, abi.encodeWithSelector(IRollup.CommitteeDigestNotZero.selector));
    }

    /// @custom:rule B1, W3
    function test_RevertWhen_aBackupConsumesMissingDeposits() public {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        header.depositsEnd = 5;
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Deposits, 0, 5, 0));
        rollup.finalizeBackup(header, payee, "");
    }

    /// @dev All checks of another block hold beside a revealed block, too. Only the revealed block was checked before.
    /// @custom:rule B1, B2, B3, V1
    function test_RevertWhen_anotherBlockThanTheRevealedOneFailsAnyCheck() public {
        Header memory revealed = _revealed(0);
        _warp(_now() + 62);
        _phaseIs(Phase.Backup);
        Header memory header = _header(1, "another");
        header.parent = HASH;
        _expectBackup(header, abi.encodeWithSelector(IRollup.WrongParent.selector, revealed.parent, HASH));
        header = _header(1, "another");
        header.chunks = 0;
        _expectBackup(header, abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, 12, 0));
        header.chunks = 13;
        _expectBackup(header, abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, 12, 13));
        header.chunks = 3;
        _expectBackup(header, abi.encodeWithSelector(IRollup.WrongBlobCount.selector, 2, 1));
        header = _header(1, "another");
        header.committeeDigest = HASH;
        _expectBackup(header, abi.encodeWithSelector(IRollup.CommitteeDigestNotZero.selector));
        header = _header(1, "another");
        header.vote = relay;
        _expectBackup(header, abi.encodeWithSelector(IRollup.VoteNotZero.selector));
        header = _header(1, "another");
        header.depositsEnd = 1;
        _expectBackup(header, abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Deposits, 0, 1, 0));
        header = _header(1, "another");
        header.exitsEnd = 1;
        _expectBackup(header, abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Exits, 0, 1, 0));
        header = _header(1, "another");
        header.exitsChain = HASH;
        _expectBackup(header, abi.encodeWithSelector(IBridge.WrongChain.selector, Lane.Exits, 0, HASH));
        header = _header(1, "another");
        bytes memory proof = _proof(header, payee);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BlobNotPublished.selector, 0));
        rollup.finalizeBackup(header, payee, proof);
        // A header that differs from the revealed one in a field that nobody checks is another block, too.
        header = abi.decode(abi.encode(revealed), (Header));
        header.feeRecipient += 1;
        proof = _proof(header, payee);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BlobNotPublished.selector, 0));
        rollup.finalizeBackup(header, payee, proof);
        assertEq(rollup.tip().height, 0);
    }

    /// @custom:rule B2
    function test_RevertWhen_aBackupBlocksBlobsAreNotInTheTransaction() public {
        _warp(_view().start + 5);
        Header memory header = _header(3, "backup");
        bytes memory proof = _proof(header, payee);
        bytes32[] memory blobs = new bytes32[](1);
        blobs[0] = header.blobHashes[0];
        vm.blobhashes(blobs);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BlobNotPublished.selector, 1));
        rollup.finalizeBackup(header, payee, proof);
    }

    /// @custom:rule B1
    function test_RevertWhen_aBackupProofIsRejected() public {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(VerifierDouble.ProofRejected.selector);
        rollup.finalizeBackup(header, payee, "");
    }

    // ---- settle, views --------------------------------------------------------------------------------------------

    /// @custom:rule P4
    function test_RevertWhen_thereIsNothingToSettle() public {
        vm.expectRevert(IRollup.NothingToSettle.selector);
        rollup.settle();
        _propose(0);
        vm.expectRevert(IRollup.NothingToSettle.selector);
        rollup.settle();
        rollup.sync();
        assertTrue(rollup.isCandidate(_id(0)));
    }

    /// @dev Neither `sync` nor the start of a slot settles anything that is not over: no event says so, and the slot
    /// before keeps its end.
    /// @custom:rule P4
    function test_nothingIsSettledThatIsNotOver() public {
        vm.recordLogs();
        rollup.sync();
        _propose(0);
        _propose(1);
        rollup.sync();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 proposed;
        for (uint256 i = 0; i < logs.length; ++i) {
            assertNotEq(logs[i].topics[0], IRollup.SlotExpired.selector);
            if (logs[i].topics[0] == IRollup.Proposed.selector) ++proposed;
        }
        assertEq(proposed, 2);
    }

    /// @custom:rule E5, Q17
    function test_isCandidateUntilSettled() public {
        assertFalse(rollup.isCandidate(_id(0)));
        _propose(0);
        assertTrue(rollup.isCandidate(_id(0)));
        assertFalse(rollup.isCandidate(_id(1)));
        _warp(_now() + 1000);
        assertTrue(rollup.isCandidate(_id(0)), "over, but not settled");
        rollup.settle();
        assertFalse(rollup.isCandidate(_id(0)));
    }

    /// @custom:rule M5
    function test_parametersAreThoseOfTheDeployment() public view {
        assertEq(abi.encode(reader.parameters()), abi.encode(_parameters()));
    }

    /// @custom:rule F2
    function test_theDomainIsAFieldElementOfChainAndRollup() public {
        uint256 domain = rollup.domain();
        assertEq(domain, uint256(keccak256(abi.encodePacked("fernet.ledger.v1", block.chainid, address(rollup)))) >> 3);
        assertLt(domain, 1 << 253);
        vm.chainId(99);
        assertNotEq(rollup.domain(), domain);
    }

    /// @custom:rule V1
    function test_theHeadersHashIsThatOfItsEncoding() public view {
        Header memory header = _header(5, "hash");
        assertEq(reader.headerHash(header), _hash(header));
    }

    /// @custom:rule D1, P2
    function test_theScoreBindsChainRollupSlotSeedAndAttester() public {
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("fernet.score.v1"), block.chainid, address(rollup), Slot.wrap(5), HASH, _id(1), attesters[1]
            )
        );
        assertEq(_scoreOf(Slot.wrap(5), _id(1), HASH), uint256(expected) >> 64);
        vm.chainId(99);
        assertNotEq(_scoreOf(Slot.wrap(5), _id(1), HASH), uint256(expected) >> 64);
    }

    function _score(uint256 i) private view returns (uint192) {
        bytes32 seed = keccak256(abi.encode(SEED_DOMAIN, _mix(_view().seedAt + 1), _slot()));
        return _scoreOf(_slot(), _id(i), seed);
    }

    function _wrongPhase(Phase expected, Phase actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.WrongPhase.selector, expected, actual);
    }
}
