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
import {RING} from "../../contracts/types/Cursor.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {TestToken} from "../support/TestToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What the rollup's constructor refuses
contract ConstructionTest is Fixture {
    /// @dev Contracts wired to the next rollup that this test makes, and those of the fixture's.
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

    /// @dev A failed creation uses up its nonce: the address of the next one is another.
    function _refuses(Parameters memory p, string memory name) private {
        uint64 nonce = vm.getNonce(address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, name));
        new Rollup(p, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        vm.setNonceUnsafe(address(this), nonce);
    }

    function _mismatch(Contracts memory c, string memory name, uint256 expected, uint256 actual) private {
        uint64 nonce = vm.getNonce(address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.WiringMismatch.selector, name, expected, actual));
        new Rollup(_parameters(), c, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        vm.setNonceUnsafe(address(this), nonce);
    }

    /// @custom:rule M4
    function test_acceptsTheDevnetsParameters() public {
        Rollup made = new Rollup(_parameters(), _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        assertEq(address(_next.staking.stakeAmount() == STAKE ? made : Rollup(address(0))), address(made));
    }

    /// @custom:rule M4
    function test_acceptsTheMainnetLikeParameters() public {
        Parameters memory p = _parameters();
        (p.proposalPhase, p.commitmentPhase, p.revealPhase) = (10, 5, 5);
        (p.provingPhase, p.exclusiveProving, p.haltPhase, p.backupPhase) = (25, 15, 1, 15);
        (p.seedDelay, p.seedGrid) = (8, 1);
        new Rollup(p, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
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

    /// @dev A word that is written for the first time costs 17,100 gas more than one that isn't zero.
    /// @custom:rule K2
    function test_noSlotWritesAWordForTheFirstTime() public view {
        uint256 perCandidate = 4;
        uint256 perRecord = 2 + 4 * perCandidate;
        for (uint256 i = 0; i < RING; ++i) {
            // records follow the cursor, the state root and the mapping of finalized slots
            bytes32[] memory record = rollup.words(3 + i * perRecord, 18);
            for (uint256 j = 0; j < 2 + _parameters().maxCandidates * perCandidate; ++j) {
                assertNotEq(record[j], 0);
            }
        }
    }

    /// @custom:rule M4
    function test_RevertWhen_aPhaseIsEmpty() public {
        Parameters memory p = _parameters();
        p.proposalPhase = 0;
        _refuses(p, "proposalPhase");
        p = _parameters();
        p.commitmentPhase = 0;
        _refuses(p, "commitmentPhase");
        p = _parameters();
        p.revealPhase = 0;
        _refuses(p, "revealPhase");
        p = _parameters();
        p.provingPhase = 0;
        _refuses(p, "provingPhase");
        p = _parameters();
        p.exclusiveProving = 0;
        _refuses(p, "exclusiveProving");
        p.exclusiveProving = p.provingPhase + 1;
        _refuses(p, "exclusiveProving");
        p = _parameters();
        p.haltPhase = 0;
        _refuses(p, "haltPhase");
        p = _parameters();
        p.backupPhase = 0;
        _refuses(p, "backupPhase");
        p = _parameters();
        p.seedDelay = 0;
        _refuses(p, "seedDelay");
        p = _parameters();
        p.seedGrid = 0;
        _refuses(p, "seedGrid");
        p = _parameters();
        p.pauseLength = 0;
        _refuses(p, "pauseLength");
        p.pauseLength = 8192;
        _refuses(p, "pauseLength");
    }

    /// @custom:rule M4
    function test_RevertWhen_aCountIsOutOfRange() public {
        Parameters memory p = _parameters();
        p.maxCandidates = 0;
        _refuses(p, "maxCandidates");
        p.maxCandidates = 5;
        _refuses(p, "maxCandidates");
        p = _parameters();
        p.maxChunks = 0;
        _refuses(p, "maxChunks");
        p = _parameters();
        p.maxDeposits = 0;
        _refuses(p, "maxDeposits");
        p = _parameters();
        p.maxBlobs = 0;
        _refuses(p, "maxBlobs");
        p.maxBlobs = 17;
        _refuses(p, "maxBlobs");
        // Twelve chunks take six blobs.
        p.maxBlobs = 5;
        _refuses(p, "maxBlobs");
    }

    /// @custom:rule S5, M4
    function test_RevertWhen_theTimesDoNotFitTogether() public {
        Parameters memory p = _parameters();
        // idle 13
        p.seedDelay = 13;
        _refuses(p, "idle");
        p = _parameters();
        p.provingPhase = 65535;
        _refuses(p, "longestSlot");
        // longest = 4 + 3·6 + proving + 9, plus seed 3, plus two idle slots of 13
        p.provingPhase = 8191 - 31 - 3 - 26 + 1;
        _refuses(p, "longestSlot");
        p.provingPhase -= 1;
        new Rollup(p, _next, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
    }

    /// @custom:rule M4
    function test_RevertWhen_theMoneyDoesNotAddUp() public {
        Parameters memory p = _parameters();
        p.rescueShareBps = 10_001;
        _refuses(p, "rescueShareBps");
        p = _parameters();
        p.minBond = 0;
        _refuses(p, "minBond");
        p = _parameters();
        p.abandonPenalty = STAKE;
        _refuses(p, "penalties");
    }

    /// @custom:rule M4
    function test_RevertWhen_anAddressIsNotAContract() public {
        Contracts memory good = _next;
        Parameters memory p = _parameters();
        _next.staking = Staking(relay);
        _refuses(p, "staking");
        _next.staking = Staking(address(verifier));
        _refuses(p, "staking");
        _next = good;
        _next.randomness = Randomness(relay);
        _refuses(p, "randomness");
        _next = good;
        _next.escrow = Escrow(relay);
        _refuses(p, "escrow");
        _next = good;
        _next.rewards = Rewards(relay);
        _refuses(p, "rewards");
        _next = good;
        _next.bridge = Bridge(relay);
        _refuses(p, "bridge");
        _next = good;
        _next.verifier = verifier;
        vm.mockCallRevert(address(verifier), abi.encodeWithSelector(verifier.genesisRoot.selector), "");
        _refuses(p, "verifier");
        vm.clearMockedCalls();
        vm.mockCall(address(verifier), abi.encodeWithSelector(verifier.chunksPerBlob.selector), abi.encode(0));
        _refuses(p, "verifier");
        vm.clearMockedCalls();
        _next.scoring = IScoring(relay);
        _refuses(p, "scoring");
        _next = good;
        _next.votes = IVotes(relay);
        _refuses(p, "votes");
        _next = good;
        Rollup nowhere = Rollup(relay);
        vm.expectRevert(abi.encodeWithSelector(IReader.BadParameter.selector, "rollup"));
        new Reader(nowhere);
    }

    /// @custom:rule M4
    function test_RevertWhen_aContractNamesAnotherRollup() public {
        uint256 actual = uint256(uint160(address(rollup)));
        uint256 expected = uint256(uint160(vm.computeCreateAddress(address(this), vm.getNonce(address(this)))));
        Contracts memory c = _next;
        c.staking = _first.staking;
        _mismatch(c, "staking", expected, actual);
        c = _next;
        c.escrow = _first.escrow;
        _mismatch(c, "escrow", expected, actual);
        c = _next;
        c.rewards = _first.rewards;
        _mismatch(c, "rewards", expected, actual);
        c = _next;
        c.bridge = _first.bridge;
        _mismatch(c, "bridge", expected, actual);
        c = _next;
        c.votes = _first.votes;
        _mismatch(c, "votes", expected, actual);
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
    }

    function _otherClock(string memory name, address target) private {
        _mismatchOf(name, target, "l1GenesisTime()", GENESIS_TIME, GENESIS_TIME - 1);
        _mismatchOf(name, target, "l1SlotSeconds()", SLOT_SECONDS, SLOT_SECONDS + 1);
    }

    /// @dev One of the contracts answers a question differently.
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
