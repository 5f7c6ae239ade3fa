// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../contracts/Bridge.sol";
import {Escrow} from "../../contracts/Escrow.sol";
import {L1Clock} from "../../contracts/L1Clock.sol";
import {Randomness} from "../../contracts/Randomness.sol";
import {Reader} from "../../contracts/Reader.sol";
import {Rewards} from "../../contracts/Rewards.sol";
import {Contracts, Rollup} from "../../contracts/Rollup.sol";
import {Staking} from "../../contracts/Staking.sol";
import {IReader, SlotView} from "../../contracts/interfaces/IReader.sol";
import {IRollup, Parameters, Phase} from "../../contracts/interfaces/IRollup.sol";
import {IScoring} from "../../contracts/interfaces/IScoring.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {PublicScore} from "../../contracts/scoring/PublicScore.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {RECORD_COUNT} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {TestToken} from "../support/TestToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Refusals of the rollup's constructor
contract ConstructionTest is Fixture {
    /// @dev Contracts that name the next rollup of this test, and those of the fixture.
    Contracts private _next;
    Contracts private _first;

    function setUp() public override {
        super.setUp();
        _first = _contracts();
        _wire();
    }

    function _wire() private {
        IERC20 t = IERC20(address(token));
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 7);
        _deployAround(t, _rates(), predicted);
        _next = _contracts();
    }

    /// @dev A failed creation increments the nonce, so the next address is another one.
    function _refuses(Parameters memory parameters, string memory name) private {
        uint64 nonce = vm.getNonce(address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, name));
        new Rollup(parameters, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        vm.setNonceUnsafe(address(this), nonce);
    }

    function _mismatch(Contracts memory contracts, string memory name, uint256 expected, uint256 actual) private {
        uint64 nonce = vm.getNonce(address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.WiringMismatch.selector, name, expected, actual));
        new Rollup(_parameters(), contracts, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        vm.setNonceUnsafe(address(this), nonce);
    }

    /// @custom:rule M4
    function test_acceptsTheDevnetsParameters() public {
        Rollup made = new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        assertEq(address(_next.staking.stakeAmount() == STAKE ? made : Rollup(address(0))), address(made));
    }

    /// @custom:rule M4
    function test_acceptsTheMainnetLikeParameters() public {
        Parameters memory parameters = _parameters();
        (parameters.proposalPhase, parameters.commitmentPhase, parameters.revealPhase) = (10, 8, 8);
        (parameters.provingPhase, parameters.exclusiveProving, parameters.haltPhase, parameters.backupPhase) =
        (25, 15, 3, 18);
        (parameters.seedDelay, parameters.seedGrid) = (8, 23);
        (parameters.stallAfter, parameters.maxStall) = (310, 250);
        // The longest slot has 10 + 3·16 + 25 + 21 = 104 L1 slots.
        _mockDelay(104);
        new Rollup(parameters, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
    }

    /// @custom:rule S2, M4
    function test_RevertWhen_theGenesisLiesInThePastOrTooFarAhead() public {
        uint64 nonce = vm.getNonce(address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, "genesisSlot"));
        new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now() - 1));
        vm.setNonceUnsafe(address(this), nonce);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, "genesisSlot"));
        new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(2 ** 39 + 1));
        vm.setNonceUnsafe(address(this), nonce);
    }

    /// @custom:rule S2
    function test_slotZeroWaitsForALaterGenesis() public {
        uint64 genesis = _now() + 20;
        Rollup made = new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(genesis));
        assertEq(L1Slot.unwrap(made.genesisSlot()), genesis);
        Reader view_ = new Reader(made);
        SlotView memory current = view_.currentSlot();
        assertEq(Slot.unwrap(current.slot), 0);
        assertEq(uint8(current.phase), uint8(Phase.Waiting));
        assertEq(L1Slot.unwrap(current.previousStart), genesis);
        assertEq(L1Slot.unwrap(current.start), genesis + 3);
        vm.warp(GENESIS_TIME + (genesis + 3) * SLOT_SECONDS);
        assertEq(uint8(view_.currentSlot().phase), uint8(Phase.Proposal));
    }

    /// @dev The first write of a word costs 17,100 gas more than a write of a word that is not zero.
    /// @custom:rule K2
    function test_noSlotWritesAWordForTheFirstTime() public view {
        uint256 perCandidate = 4;
        uint256 perRecord = 2 + 4 * perCandidate;
        for (uint256 i = 0; i < RECORD_COUNT; ++i) {
            // Records follow the cursor, the state root and the mapping of finalized slots.
            bytes32[] memory record = rollup.extsload(3 + i * perRecord, 18);
            for (uint256 j = 0; j < 2 + _parameters().maxCandidates * perCandidate; ++j) {
                assertNotEq(record[j], 0);
            }
        }
    }

    /// @custom:rule M4
    function test_RevertWhen_aPhaseIsEmpty() public {
        Parameters memory parameters = _parameters();
        parameters.proposalPhase = 0;
        _refuses(parameters, "proposalPhase");
        // In a slot that starts right after its seed's L1 slot, nobody could prove the mix.
        parameters.proposalPhase = 1;
        _refuses(parameters, "proposalPhase");
        parameters = _parameters();
        parameters.commitmentPhase = 0;
        _refuses(parameters, "commitmentPhase");
        parameters = _parameters();
        parameters.revealPhase = 0;
        _refuses(parameters, "revealPhase");
        parameters = _parameters();
        parameters.provingPhase = 0;
        _refuses(parameters, "provingPhase");
        parameters = _parameters();
        parameters.exclusiveProving = 0;
        _refuses(parameters, "exclusiveProving");
        parameters.exclusiveProving = parameters.provingPhase + 1;
        _refuses(parameters, "exclusiveProving");
        parameters = _parameters();
        parameters.haltPhase = 0;
        _refuses(parameters, "haltPhase");
        parameters = _parameters();
        parameters.backupPhase = 0;
        _refuses(parameters, "backupPhase");
        parameters = _parameters();
        parameters.seedDelay = 0;
        _refuses(parameters, "seedDelay");
        parameters = _parameters();
        parameters.seedGrid = 0;
        _refuses(parameters, "seedGrid");
        parameters = _parameters();
        parameters.pauseLength = 0;
        _refuses(parameters, "pauseLength");
        parameters.pauseLength = 8192;
        _refuses(parameters, "pauseLength");
    }

    /// @custom:rule M4
    function test_RevertWhen_aCountIsOutOfRange() public {
        Parameters memory parameters = _parameters();
        parameters.maxCandidates = 0;
        _refuses(parameters, "maxCandidates");
        parameters.maxCandidates = 5;
        _refuses(parameters, "maxCandidates");
        parameters = _parameters();
        parameters.maxChunks = 0;
        _refuses(parameters, "maxChunks");
        parameters = _parameters();
        parameters.maxDeposits = 0;
        _refuses(parameters, "maxDeposits");
        parameters = _parameters();
        parameters.maxExits = 0;
        _refuses(parameters, "maxExits");
        parameters = _parameters();
        parameters.maxBlobs = 0;
        _refuses(parameters, "maxBlobs");
        parameters.maxBlobs = 17;
        _refuses(parameters, "maxBlobs");
        // Twelve chunks take six blobs.
        parameters.maxBlobs = 5;
        _refuses(parameters, "maxBlobs");
    }

    /// @dev The parameters are accepted. Nothing stays of the rollup.
    function _accepts(Parameters memory parameters) private {
        uint256 snapshot = vm.snapshotState();
        new Rollup(parameters, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        vm.revertToState(snapshot);
    }

    /// @custom:rule S5, M4
    function test_RevertWhen_theTimesDoNotFitTogether() public {
        Parameters memory parameters = _parameters();
        // An idle slot has 13 L1 slots.
        parameters.seedDelay = 13;
        _refuses(parameters, "idle");
        parameters = _parameters();
        parameters.provingPhase = 65535;
        _refuses(parameters, "longestSlot");
        // The longest slot has 4 + 3·6 + proving + 9 L1 slots, plus the seed's 3, plus two idle slots of 13.
        parameters.provingPhase = 8191 - 31 - 3 - 26 + 1;
        _refuses(parameters, "longestSlot");
        parameters.provingPhase -= 1;
        parameters.stallAfter = 2 * (8191 - 3 - 26);
        _mockDelay(8191 - 3 - 26);
        _accepts(parameters);
    }

    /// @dev The escrow of the next rollup pays after `delay`.
    function _mockDelay(uint256 delay) private {
        vm.mockCall(
            address(_next.escrow), abi.encodeWithSelector(_next.escrow.withdrawalDelay.selector), abi.encode(delay)
        );
    }

    /// @dev A failed slot, however long, begins no stall. The longest slot has 91 L1 slots.
    /// @custom:rule E10, M4
    function test_RevertWhen_aStallBeginsTooEarlyOrIsTooLong() public {
        Parameters memory parameters = _parameters();
        parameters.stallAfter = 181;
        _refuses(parameters, "stallAfter");
        parameters.stallAfter = 0;
        _refuses(parameters, "stallAfter");
        parameters.stallAfter = 182;
        _accepts(parameters);
        parameters.maxStall = 65_535 - 182 + 1;
        _refuses(parameters, "maxStall");
        parameters.maxStall = type(uint16).max;
        _refuses(parameters, "maxStall");
        parameters.maxStall = 65_535 - 182;
        _accepts(parameters);
        // No stall is ever paid.
        parameters.stallAfter = type(uint16).max;
        parameters.maxStall = 0;
        _accepts(parameters);
    }

    /// @dev A prover cannot withdraw within a slot what it requested back after it signed.
    /// @custom:rule E14, M4
    function test_RevertWhen_theEscrowPaysWithinTheLongestSlot() public {
        Parameters memory parameters = _parameters();
        _mockDelay(90);
        _refuses(parameters, "withdrawalDelay");
        _mockDelay(1);
        _refuses(parameters, "withdrawalDelay");
        _mockDelay(91);
        _accepts(parameters);
        parameters.backupPhase += 1;
        _refuses(parameters, "withdrawalDelay");
    }

    /// @dev A candidate has at least the minimum stake, so no penalty is cut. Together, the penalties may exceed it: a
    /// candidate pays one of them.
    /// @custom:rule M4, Q16
    function test_RevertWhen_theMoneyDoesNotAddUp() public {
        Parameters memory parameters = _parameters();
        parameters.rescueShareBps = 10_001;
        _refuses(parameters, "rescueShareBps");
        parameters = _parameters();
        parameters.minBond = 0;
        _refuses(parameters, "minBond");
        parameters = _parameters();
        parameters.abandonPenalty = MINIMUM_STAKE + 1;
        _refuses(parameters, "penalties");
        parameters = _parameters();
        parameters.withholdPenalty = MINIMUM_STAKE + 1;
        _refuses(parameters, "penalties");
        parameters.abandonPenalty = MINIMUM_STAKE;
        parameters.withholdPenalty = MINIMUM_STAKE;
        parameters.rescueShareBps = 10_000;
        _accepts(parameters);
    }

    /// @custom:rule M4
    function test_RevertWhen_anAddressIsNotAContract() public {
        Contracts memory good = _next;
        Parameters memory parameters = _parameters();
        _next.staking = Staking(relay);
        _refuses(parameters, "staking");
        _next.staking = Staking(address(verifier));
        _refuses(parameters, "staking");
        _next = good;
        _next.randomness = Randomness(relay);
        _refuses(parameters, "randomness");
        _next = good;
        _next.escrow = Escrow(relay);
        _refuses(parameters, "escrow");
        _next = good;
        _next.rewards = Rewards(relay);
        _refuses(parameters, "rewards");
        _next = good;
        _next.bridge = Bridge(relay);
        _refuses(parameters, "bridge");
        _next = good;
        _next.verifier = verifier;
        vm.mockCallRevert(address(verifier), abi.encodeWithSelector(verifier.genesisRoot.selector), "");
        _refuses(parameters, "verifier");
        vm.clearMockedCalls();
        vm.mockCall(address(verifier), abi.encodeWithSelector(verifier.chunksPerBlob.selector), abi.encode(0));
        _refuses(parameters, "verifier");
        vm.clearMockedCalls();
        _next.scoring = IScoring(relay);
        _refuses(parameters, "scoring");
        _next.scoring = IScoring(address(verifier));
        _refuses(parameters, "scoring");
        _next = good;
        _next.votes = IVotes(relay);
        _refuses(parameters, "votes");
        _next = good;
        Rollup nowhere = Rollup(relay);
        vm.expectRevert(abi.encodeWithSelector(IReader.BadParameter.selector, "rollup"));
        new Reader(nowhere);
    }

    /// @custom:rule M4
    function test_RevertWhen_aContractNamesAnotherRollup() public {
        uint256 actual = uint256(uint160(address(rollup)));
        uint256 expected = uint256(uint160(vm.computeCreateAddress(address(this), vm.getNonce(address(this)))));
        Contracts memory contracts = _next;
        contracts.staking = _first.staking;
        _mismatch(contracts, "staking", expected, actual);
        contracts = _next;
        contracts.escrow = _first.escrow;
        _mismatch(contracts, "escrow", expected, actual);
        contracts = _next;
        contracts.rewards = _first.rewards;
        _mismatch(contracts, "rewards", expected, actual);
        contracts = _next;
        contracts.bridge = _first.bridge;
        _mismatch(contracts, "bridge", expected, actual);
        contracts = _next;
        contracts.votes = _first.votes;
        _mismatch(contracts, "votes", expected, actual);
    }

    /// @custom:rule M4
    function test_RevertWhen_aContractHasAnotherToken() public {
        uint256 own = uint160(address(token));
        uint256 other = uint160(address(new TestToken()));
        _wire();
        _mismatchOf("escrow", address(_next.escrow), "token()", own, other);
        _mismatchOf("rewards", address(_next.rewards), "token()", own, other);
        _mismatchOf("bridge", address(_next.bridge), "token()", own, other);
    }

    /// @custom:rule T4, M4
    function test_RevertWhen_aContractHasAnotherClock() public {
        _otherClock("staking", address(_next.staking));
        _otherClock("randomness", address(_next.randomness));
        _otherClock("escrow", address(_next.escrow));
        _otherClock("bridge", address(_next.bridge));
        _otherClock("votes", address(_next.votes));
    }

    /// @dev Scores of another deployment's sequencers would rank this one's.
    /// @custom:rule M4, D4
    function test_RevertWhen_theScoringReadsAnotherStaking() public {
        uint256 other = uint256(uint160(address(_first.staking)));
        VrfScore foreign = new VrfScore(_first.staking);
        PublicScore public_ = new PublicScore();
        assertEq(address(public_.staking()), address(0));
        _wire();
        uint256 own = uint256(uint160(address(_next.staking)));
        Contracts memory contracts = _next;
        contracts.scoring = foreign;
        _mismatch(contracts, "scoring", own, other);
        contracts.scoring = public_;
        new Rollup(_parameters(), contracts, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
    }

    /// @custom:rule M4, D4
    function test_acceptsAScoringOfItsOwnStaking() public {
        vm.mockCall(
            address(_next.scoring), abi.encodeWithSelector(IScoring.staking.selector), abi.encode(_next.staking)
        );
        Rollup made = new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        assertEq(address(made.scoring()), address(_next.scoring));
    }

    function _otherClock(string memory name, address target) private {
        _mismatchOf(name, target, "l1GenesisTime()", GENESIS_TIME, GENESIS_TIME - 1);
        _mismatchOf(name, target, "l1SlotSeconds()", SLOT_SECONDS, SLOT_SECONDS + 1);
    }

    /// @dev One of the contracts returns something else.
    function _mismatchOf(string memory name, address target, string memory question, uint256 expected, uint256 actual)
        private
    {
        vm.mockCall(target, abi.encodeWithSignature(question), abi.encode(actual));
        _mismatch(_next, name, expected, actual);
        vm.clearMockedCalls();
    }

    /// @custom:rule T4, M4
    function test_RevertWhen_theRollupsOwnClockIsBad() public {
        vm.expectRevert(abi.encodeWithSelector(L1Clock.BadClock.selector, GENESIS_TIME, 0));
        new Rollup(_parameters(), _next, GENESIS_TIME, 0, L1Slot.wrap(_now()));
    }
}
