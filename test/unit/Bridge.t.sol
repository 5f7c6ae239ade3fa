// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Test} from "forge-std/Test.sol";

import {Bridge} from "../../contracts/Bridge.sol";
import {Consumption, IBridge, L1Operation, Lane, WithdrawalProof} from "../../contracts/interfaces/IBridge.sol";
import {Header, IRollup, Tip} from "../../contracts/interfaces/IRollup.sol";
import {Jubjub} from "../../contracts/libraries/Jubjub.sol";
import {L1Operations} from "../../contracts/libraries/L1Operations.sol";
import {Tokens} from "../../contracts/libraries/Tokens.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Line, Lines} from "../support/Curve.sol";
import {OddToken} from "../support/TestToken.sol";

abstract contract BridgeFixture is Test {
    using Lines for Line;

    uint64 internal constant GENESIS_TIME = 1_700_000_000;
    uint64 internal constant SLOT_SECONDS = 12;
    uint256 internal constant UNIT = 1e9;
    uint64 internal constant MINIMUM = 5;

    // The standard generator of Jubjub's prime-order subgroup, and its double.
    uint256 internal constant KEY_X = 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b;
    uint256 internal constant KEY_Y = 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa;
    uint256 internal constant OTHER_X = 0x422aa5019e2b74d23b9f975158ab150bc4cc70d281a909df8a8a9a5debe99dcd;
    uint256 internal constant OTHER_Y = 0x010605562d77b78bc4b7ca1ea62681c850b71e55c81be7bdb8c9285cc60c9d31;

    OddToken internal token;
    Bridge internal bridge;
    address internal rollup = makeAddr("rollup");
    address internal user = makeAddr("user");
    address internal owner = makeAddr("owner");
    address internal target = makeAddr("target");

    function setUp() public virtual {
        _warpToSlot(100);
        token = new OddToken();
        bridge = new Bridge(IERC20(address(token)), IRollup(rollup), UNIT, MINIMUM, GENESIS_TIME, SLOT_SECONDS);
        token.mint(user, type(uint128).max);
        vm.prank(user);
        token.approve(address(bridge), type(uint256).max);
        _consumed(0);
    }

    function _warpToSlot(uint64 slot) internal {
        vm.warp(GENESIS_TIME + slot * SLOT_SECONDS);
    }

    /// @dev The rolling hash after a deposit, computed from the definition.
    function _deposited(bytes32 before, uint32 index, uint64 amount, uint256 keyX, uint256 keyY)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(before, uint256(index) + uint256(amount) * 2 ** 32, keyX, keyY));
    }

    /// @dev The rolling hash after a forced exit, computed from the definition.
    function _exited(bytes32 before, uint32 index, address to) internal pure returns (bytes32) {
        return keccak256(abi.encode(before, uint256(index) + 2 ** 96, uint256(uint160(to)), uint256(0)));
    }

    function _deposit(uint64 amount) internal returns (uint64 number, uint32 index) {
        vm.prank(user);
        return bridge.deposit(owner, KEY_X, KEY_Y, amount);
    }

    /// @dev Blocks have consumed the first `deposits` deposits.
    function _consumed(uint64 deposits) internal {
        Tip memory tip;
        tip.depositsEnd = deposits;
        vm.mockCall(rollup, abi.encodeCall(IRollup.tip, ()), abi.encode(tip));
    }
}

contract BridgeDepositTest is BridgeFixture {
    /// @custom:rule W1, J5, Y6
    function test_QueuesADepositAndTakesTheTokens() public {
        bytes32 chain = _deposited(0, 1, 7, KEY_X, KEY_Y);
        vm.expectEmit(address(bridge));
        emit IBridge.Deposited(0, 1, owner, user, KEY_X, KEY_Y, 7, chain, L1Slot.wrap(100));
        (uint64 number, uint32 index) = _deposit(7);
        assertEq(number, 0);
        assertEq(index, 1);
        assertEq(bridge.count(Lane.Deposits), 1);
        assertEq(bridge.count(Lane.Exits), 0);
        assertEq(bridge.chain(Lane.Deposits, 0), 0);
        assertEq(bridge.chain(Lane.Deposits, 1), chain);
        assertEq(bridge.chain(Lane.Exits, 0), 0);
        assertEq(bridge.supply(), 7);
        assertEq(token.balanceOf(address(bridge)), 7 * UNIT);
    }

    /// @custom:rule W1, J1
    function test_AKnownAccountIsToppedUpAndANewOneGetsTheNextIndex() public {
        _deposit(7);
        (uint64 number, uint32 index) = _deposit(8);
        assertEq(number, 1);
        assertEq(index, 1);
        vm.prank(user);
        (number, index) = bridge.deposit(owner, OTHER_X, OTHER_Y, 9);
        assertEq(number, 2);
        assertEq(index, 2);
        assertEq(bridge.accountOf(owner, KEY_X, KEY_Y), 1);
        assertEq(bridge.accountOf(owner, OTHER_X, OTHER_Y), 2);
        assertEq(bridge.accountOf(owner, KEY_X, OTHER_Y), 0);
        assertEq(bridge.chain(Lane.Deposits, 3), _deposited(bridge.chain(Lane.Deposits, 2), 2, 9, OTHER_X, OTHER_Y));
    }

    /// @custom:rule W1, J1
    function test_TheSameKeyOfAnotherOwnerIsAnotherAccount() public {
        _deposit(7);
        address thief = makeAddr("thief");
        vm.prank(user);
        (, uint32 index) = bridge.deposit(thief, KEY_X, KEY_Y, 5);
        assertEq(index, 2);
        assertEq(bridge.accountOf(owner, KEY_X, KEY_Y), 1);
        assertEq(bridge.accountOf(thief, KEY_X, KEY_Y), 2);
        _accountIs(1, owner, 1);
        _accountIs(2, thief, 2);
        _accountIs(3, address(0), 0);
        _consumed(2);
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotOwner.selector, owner, thief));
        vm.prank(thief);
        bridge.forceExit(1, thief);
    }

    /// @custom:rule W1
    function test_RevertWhen_AnAccountWouldHaveNoOwner() public {
        vm.expectRevert(IBridge.ZeroAddress.selector);
        vm.prank(user);
        bridge.deposit(address(0), KEY_X, KEY_Y, 7);
    }

    function _accountIs(uint32 index, address expected, uint64 exitableFrom) internal view {
        (address actual, uint64 from) = bridge.account(index);
        assertEq(actual, expected);
        assertEq(from, exitableFrom);
    }

    // --- forced exits

    /// @custom:rule W2, W6
    function test_TheOwnerQueuesAnExit() public {
        _deposit(7);
        _consumed(1);
        bytes32 deposits = bridge.chain(Lane.Deposits, 1);
        bytes32 chain = _exited(0, 1, target);
        vm.expectEmit(address(bridge));
        emit IBridge.ExitForced(0, 1, owner, target, chain, L1Slot.wrap(100));
        vm.prank(owner);
        assertEq(bridge.forceExit(1, target), 0);
        assertEq(bridge.count(Lane.Exits), 1);
        assertEq(bridge.chain(Lane.Exits, 1), chain);
        // The lane of deposits stays as it is.
        assertEq(bridge.count(Lane.Deposits), 1);
        assertEq(bridge.chain(Lane.Deposits, 1), deposits);
        // No tokens move before a block contains the exit.
        assertEq(bridge.supply(), 7);
        _accountIs(1, owner, 0);
    }

    /// @dev The two lanes have numbers and hashes of their own, however they are mixed.
    /// @custom:rule W6, Y7
    function test_TheLanesAreIndependent() public {
        (bytes32 deposits, bytes32 exits) = (bytes32(0), bytes32(0));
        for (uint64 i = 0; i < 6; ++i) {
            (uint64 number,) = _deposit(7 + i);
            assertEq(number, i);
            deposits = _deposited(deposits, 1, 7 + i, KEY_X, KEY_Y);
            _consumed(i + 1);
            if (i % 2 == 0) continue;
            vm.prank(owner);
            assertEq(bridge.forceExit(1, target), i / 2);
            exits = _exited(exits, 1, target);
            assertEq(bridge.chain(Lane.Deposits, i + 1), deposits);
            assertEq(bridge.chain(Lane.Exits, i / 2 + 1), exits);
        }
        assertEq(bridge.count(Lane.Deposits), 6);
        assertEq(bridge.count(Lane.Exits), 3);
    }

    function _pending(uint64 required, uint64 consumed) private {
        vm.expectRevert(abi.encodeWithSelector(IBridge.DepositPending.selector, required, consumed));
        vm.prank(owner);
        bridge.forceExit(1, target);
    }

    /// @dev Otherwise a block could contain the exit before the deposit, and the deposit would stay behind.
    /// @custom:rule W7
    function test_RevertWhen_TheFirstDepositIsNotConsumed() public {
        vm.prank(user);
        bridge.deposit(owner, OTHER_X, OTHER_Y, 9);
        (, uint32 index) = _deposit(7);
        assertEq(index, 2);
        _accountIs(2, owner, 2);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.DepositPending.selector, 2, 0));
        bridge.forceExit(2, target);
        vm.stopPrank();
        _consumed(1);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.DepositPending.selector, 2, 1));
        bridge.forceExit(2, target);
        _consumed(2);
        vm.prank(owner);
        bridge.forceExit(2, target);
        _accountIs(2, owner, 0);
    }

    /// @dev Attack: others deposit dust to the account again and again. The exit waits for the first deposit only.
    /// @custom:rule W7
    function test_attack_DustDoesNotPostponeAnExit() public {
        _deposit(7);
        _pending(1, 0);
        for (uint256 i = 0; i < 5; ++i) {
            _deposit(MINIMUM);
            _accountIs(1, owner, 1);
        }
        _pending(1, 0);
        _consumed(1);
        _deposit(MINIMUM);
        vm.prank(owner);
        bridge.forceExit(1, target);
        // The dust that came before the exit entitles to no other one. The first deposit after it does, once consumed.
        vm.expectRevert(abi.encodeWithSelector(IBridge.ExitUsed.selector, 1));
        vm.prank(owner);
        bridge.forceExit(1, target);
        _deposit(MINIMUM);
        _accountIs(1, owner, 8);
        _deposit(MINIMUM);
        _accountIs(1, owner, 8);
        _consumed(7);
        _pending(8, 7);
        _consumed(8);
        vm.prank(owner);
        assertEq(bridge.forceExit(1, target), 1);
    }

    /// @custom:rule W2
    function test_RevertWhen_AnExitIsForcedByAnotherThanTheOwner() public {
        _deposit(7);
        // Neither the payer nor the target may force the exit.
        address[2] memory others = [user, target];
        for (uint256 i = 0; i < 2; i++) {
            vm.expectRevert(abi.encodeWithSelector(IBridge.NotOwner.selector, owner, others[i]));
            vm.prank(others[i]);
            bridge.forceExit(1, target);
        }
    }

    /// @custom:rule W2
    function test_RevertWhen_TheExitingAccountDoesNotExist() public {
        _deposit(7);
        uint32[3] memory unknown = [uint32(0), 2, type(uint32).max];
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(abi.encodeWithSelector(IBridge.UnknownAccount.selector, unknown[i]));
            vm.prank(owner);
            bridge.forceExit(unknown[i], target);
        }
    }

    /// @custom:rule W2
    function test_RevertWhen_AnExitHasNoTarget() public {
        _deposit(7);
        vm.expectRevert(IBridge.ZeroAddress.selector);
        vm.prank(owner);
        bridge.forceExit(1, address(0));
    }

    /// @custom:rule W2
    function test_RevertWhen_AnExitIsForcedTwice() public {
        _deposit(7);
        _consumed(1);
        vm.startPrank(owner);
        bridge.forceExit(1, target);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ExitUsed.selector, 1));
        bridge.forceExit(1, target);
        vm.stopPrank();
        // A deposit to another account does not help. A deposit to this one does, whoever pays it.
        vm.prank(user);
        bridge.deposit(owner, OTHER_X, OTHER_Y, MINIMUM);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ExitUsed.selector, 1));
        vm.prank(owner);
        bridge.forceExit(1, target);
        _deposit(MINIMUM);
        _consumed(3);
        vm.prank(owner);
        assertEq(bridge.forceExit(1, target), 1);
        assertEq(bridge.chain(Lane.Exits, 2), _exited(bridge.chain(Lane.Exits, 1), 1, target));
    }

    /// @custom:rule W2
    function test_SeveralDepositsEntitleToOneExit() public {
        _deposit(7);
        _deposit(7);
        _consumed(2);
        vm.startPrank(owner);
        bridge.forceExit(1, target);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ExitUsed.selector, 1));
        bridge.forceExit(1, target);
        vm.stopPrank();
    }

    /// @custom:rule W1, Y6, Y7
    function testFuzz_DepositsAndExitsNeverHashAlike(uint32 index, uint64 amount, address to, uint256 x, uint256 y)
        public
        pure
    {
        L1Operation memory queued = L1Operations.deposit(index, amount, x, y);
        L1Operation memory exit = L1Operations.exit(index, to);
        assertTrue(queued.head != exit.head);
        assertEq(queued.head >> 96, 0);
        assertEq(exit.head >> 96, 1);
        assertEq(L1Operations.chain(queued, 0), _deposited(0, index, amount, x, y));
        assertEq(L1Operations.chain(exit, 0), _exited(0, index, to));
    }

    /// @custom:rule W1
    function test_RevertWhen_TheAmountIsTooLow() public {
        vm.expectRevert(abi.encodeWithSelector(IBridge.AmountTooLow.selector, MINIMUM, MINIMUM - 1));
        _deposit(MINIMUM - 1);
        _deposit(MINIMUM);
    }

    /// @custom:rule W1
    function test_RevertWhen_TheKeyIsInvalid() public {
        _rejectKey(0, 1);
        _rejectKey(0, ScalarField.ORDER - 1);
        _rejectKey(KEY_X, KEY_Y + 1);
        _rejectKey(KEY_Y, KEY_X);
        _rejectKey(KEY_X + ScalarField.ORDER, KEY_Y);
        _rejectKey(KEY_X, KEY_Y + ScalarField.ORDER);
        _rejectKey(type(uint256).max, type(uint256).max);
    }

    function _rejectKey(uint256 x, uint256 y) internal {
        vm.expectRevert(abi.encodeWithSelector(IBridge.InvalidKey.selector, x, y));
        vm.prank(user);
        bridge.deposit(owner, x, y, 7);
    }

    /// @custom:rule W1
    function testFuzz_RandomCoordinatesAreNoKey(uint256 x, uint256 y) public pure {
        // A random pair is on the curve with a probability of 2^-255.
        assertFalse(Jubjub.isKey(x, y));
    }

    /// @custom:rule W1
    function test_MirroredKeysAreKeys() public pure {
        assertTrue(Jubjub.isKey(ScalarField.ORDER - KEY_X, KEY_Y));
        assertTrue(Jubjub.isKey(KEY_X, ScalarField.ORDER - KEY_Y));
        assertTrue(Jubjub.isKey(OTHER_X, OTHER_Y));
    }

    /// @custom:rule W1, J5
    function test_RevertWhen_TheSupplyWouldNotFitABalance() public {
        uint64 most = type(uint64).max;
        _deposit(most - 10);
        vm.expectRevert(abi.encodeWithSelector(IBridge.SupplyTooHigh.selector, most, uint256(most) + 1));
        _deposit(11);
        _deposit(10);
        assertEq(bridge.supply(), most);
    }

    /// @custom:rule W1, J1
    function test_RevertWhen_IndicesAreUsedUp() public {
        _deposit(7);
        // The first word has the counts of the lanes (64 bits each), the accounts (32 bits) and the supply (64 bits).
        bytes32 word = vm.load(address(bridge), 0);
        vm.store(address(bridge), 0, word | bytes32(uint256(type(uint32).max) * 2 ** 128));
        vm.expectRevert(IBridge.TooManyAccounts.selector);
        vm.prank(user);
        bridge.deposit(owner, OTHER_X, OTHER_Y, 7);
        // A known key needs no new index.
        _deposit(7);
    }

    /// @custom:rule E7
    function test_RevertWhen_TheTokenMisbehaves() public {
        token.misbehave(OddToken.Oddity.TakesFee);
        vm.expectPartialRevert(Tokens.WrongAmountReceived.selector);
        _deposit(1000);
        token.misbehave(OddToken.Oddity.ReturnsFalse);
        vm.expectPartialRevert(Tokens.TransferFailed.selector);
        _deposit(1000);
        token.misbehave(OddToken.Oddity.Reverts);
        vm.expectPartialRevert(Tokens.TransferFailed.selector);
        _deposit(1000);
        token.misbehave(OddToken.Oddity.ReturnsNothing);
        _deposit(1000);
    }

    /// @custom:rule E7
    function test_RevertWhen_TheDepositHappensInsideADeposit() public {
        token.mint(address(token), 1000 * UNIT);
        vm.prank(address(token));
        token.approve(address(bridge), type(uint256).max);
        token.callBack(address(bridge), abi.encodeCall(bridge.deposit, (owner, OTHER_X, OTHER_Y, 9)));
        // The inner deposit's tokens do not count for the outer deposit.
        vm.expectPartialRevert(Tokens.WrongAmountReceived.selector);
        _deposit(7);
    }

    /// @custom:rule W1, Y7
    function testFuzz_TheChainFollowsTheQueue(uint64[8] memory amounts) public {
        bytes32 chain = 0;
        uint256 total = 0;
        for (uint256 i = 0; i < 8; i++) {
            uint64 amount = SafeCast.toUint64(bound(amounts[i], MINIMUM, type(uint64).max / 8));
            (, uint32 index) = _deposit(amount);
            chain = _deposited(chain, index, amount, KEY_X, KEY_Y);
            total += amount;
        }
        assertEq(bridge.chain(Lane.Deposits, 8), chain);
        assertEq(bridge.supply(), total);
        assertEq(token.balanceOf(address(bridge)), total * UNIT);
    }

    /// @custom:rule W1, W6
    function test_RevertWhen_TheChainIsAskedBeyondItsEnd() public {
        _deposit(7);
        vm.expectRevert(abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Deposits, 0, 2, 1));
        bridge.chain(Lane.Deposits, 2);
        vm.expectRevert(abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Exits, 0, 1, 0));
        bridge.chain(Lane.Exits, 1);
        bytes4 outOfRange = IBridge.QueueOutOfRange.selector;
        vm.expectRevert(abi.encodeWithSelector(outOfRange, Lane.Deposits, 0, type(uint64).max, 1));
        bridge.chain(Lane.Deposits, type(uint64).max);
    }

    // --- construction

    /// @custom:rule M4
    function test_RevertWhen_AParameterIsBad() public {
        IERC20 token_ = IERC20(address(token));
        IRollup rollup_ = IRollup(rollup);
        _rejectParameter("token");
        new Bridge(IERC20(user), rollup_, UNIT, MINIMUM, GENESIS_TIME, SLOT_SECONDS);
        _rejectParameter("rollup");
        new Bridge(token_, IRollup(address(0)), UNIT, MINIMUM, GENESIS_TIME, SLOT_SECONDS);
        _rejectParameter("unit");
        new Bridge(token_, rollup_, 0, MINIMUM, GENESIS_TIME, SLOT_SECONDS);
        _rejectParameter("unit");
        new Bridge(token_, rollup_, uint256(type(uint128).max) + 1, MINIMUM, GENESIS_TIME, SLOT_SECONDS);
        _rejectParameter("minDeposit");
        new Bridge(token_, rollup_, UNIT, 0, GENESIS_TIME, SLOT_SECONDS);
    }

    function _rejectParameter(string memory name) internal {
        vm.expectRevert(abi.encodeWithSelector(IBridge.BadParameter.selector, name));
    }
}

/// @notice What a block may and must consume. Each case is played in both lanes, with the other lane empty.
contract BridgeConsumptionTest is BridgeFixture {
    Lane[2] private _lanes = [Lane.Deposits, Lane.Exits];

    /// @dev Queues `count` operations in a lane, in the current L1 slot. Deposits that only precede an exit are made in
    /// `setUp`.
    function _fill(Lane lane, uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            if (lane == Lane.Deposits) {
                _deposit(7);
                continue;
            }
            // The account's mark is reset, so that its owner may exit without another deposit.
            bytes32 place = keccak256(abi.encode(uint256(1), uint256(3)));
            vm.store(address(bridge), place, bytes32(uint256(uint160(owner)) | (1 << 160)));
            vm.prank(owner);
            bridge.forceExit(1, target);
        }
    }

    /// @dev The part of a lane, with the name that it must have.
    function _part(Lane lane, uint64 from, uint64 to, uint64 maximum) private view returns (Consumption memory) {
        bytes32 chain = from == to || to > bridge.count(lane) ? bytes32(0) : bridge.chain(lane, to);
        return Consumption({from: from, to: to, chain: chain, maximum: maximum});
    }

    /// @dev Checks a part of a lane. The other lane is consumed to its end.
    function _check(Lane lane, Consumption memory part, uint64 cutoff) private view {
        Lane other = lane == Lane.Deposits ? Lane.Exits : Lane.Deposits;
        Consumption memory rest = _part(other, 0, bridge.count(other), type(uint64).max);
        if (lane == Lane.Deposits) bridge.checkConsumption(part, rest, L1Slot.wrap(cutoff));
        else bridge.checkConsumption(rest, part, L1Slot.wrap(cutoff));
    }

    function _accept(Lane lane, uint64 from, uint64 to, uint64 maximum, uint64 cutoff) private view {
        _check(lane, _part(lane, from, to, maximum), cutoff);
    }

    function _refuse(Lane lane, uint64 from, uint64 to, uint64 maximum, uint64 cutoff, bytes memory reason) private {
        Consumption memory part = _part(lane, from, to, maximum);
        vm.expectRevert(reason);
        this.check(lane, part, cutoff);
    }

    function check(Lane lane, Consumption memory part, uint64 cutoff) external view {
        _check(lane, part, cutoff);
    }

    function setUp() public override {
        super.setUp();
        _deposit(7);
        _consumed(1);
        // An empty queue again, with an account.
        uint256 word = uint256(vm.load(address(bridge), 0));
        vm.store(address(bridge), 0, bytes32(word & ~uint256(type(uint64).max)));
        assertEq(bridge.count(Lane.Deposits), 0);
    }

    /// @custom:rule W3, W6
    function test_ConsumptionFollowsTheCutoff() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _warpToSlot(100);
            _fill(lane, 1);
            _warpToSlot(105);
            _fill(lane, 2);
            _accept(lane, 0, 0, 8, 100);
            _accept(lane, 0, 1, 8, 101);
            _accept(lane, 0, 1, 8, 105);
            _accept(lane, 0, 3, 8, 0);
            _accept(lane, 0, 3, 8, 1000);
            _accept(lane, 3, 3, 8, 1000);
        }
    }

    /// @custom:rule W3, W6
    function test_RevertWhen_OldOperationsAreLeftOver() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _warpToSlot(100);
            _fill(lane, 1);
            _warpToSlot(105);
            _fill(lane, 1);
            bytes4 left = IBridge.OperationsNotConsumed.selector;
            _refuse(lane, 0, 0, 8, 101, abi.encodeWithSelector(left, lane, 1, 0));
            _refuse(lane, 0, 1, 8, 106, abi.encodeWithSelector(left, lane, 2, 1));
            _refuse(lane, 1, 1, 8, 106, abi.encodeWithSelector(left, lane, 2, 1));
        }
    }

    /// @custom:rule W3, W6
    function test_OldOperationsMayBeLeftOverWhenTheQuotaIsUsed() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _fill(lane, 4);
            _accept(lane, 0, 2, 2, 1000);
            _accept(lane, 2, 4, 2, 1000);
            _accept(lane, 1, 3, 2, 1000);
            bytes4 tooMany = IBridge.TooManyOperations.selector;
            _refuse(lane, 0, 3, 2, 1000, abi.encodeWithSelector(tooMany, lane, uint64(2), 3));
            _refuse(lane, 1, 2, 2, 1000, abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, lane, 3, 2));
        }
    }

    /// @custom:rule W3, W6
    function test_RevertWhen_ConsumptionIsOutOfRange() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _fill(lane, 1);
            bytes4 out = IBridge.QueueOutOfRange.selector;
            _refuse(lane, 0, 2, 8, 0, abi.encodeWithSelector(out, lane, 0, 2, 1));
            _refuse(lane, 1, 0, 8, 0, abi.encodeWithSelector(out, lane, 1, 0, 1));
            _refuse(lane, 0, type(uint64).max, 8, 0, abi.encodeWithSelector(out, lane, 0, type(uint64).max, 1));
        }
    }

    /// @custom:rule V4
    function test_RevertWhen_AnotherQueueIsNamed() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _fill(lane, 3);
            Consumption memory part = _part(lane, 1, 2, 8);
            bytes32 expected = part.chain;
            assertEq(expected, bridge.chain(lane, 2));
            bytes32[4] memory wrong =
                [bytes32(0), bridge.chain(lane, 1), bridge.chain(lane, 3), bytes32(uint256(expected) ^ 1)];
            for (uint256 j = 0; j < 4; ++j) {
                part.chain = wrong[j];
                vm.expectRevert(abi.encodeWithSelector(IBridge.WrongChain.selector, lane, expected, wrong[j]));
                this.check(lane, part, 0);
            }
        }
    }

    /// @custom:rule V4
    function test_RevertWhen_AQueueIsNamedOfWhichNothingIsConsumed() public {
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = _lanes[i];
            _fill(lane, 2);
            for (uint64 end = 0; end <= 2; ++end) {
                Consumption memory part = _part(lane, end, end, 8);
                assertEq(part.chain, 0);
                _check(lane, part, 0);
                part.chain = bridge.chain(lane, 2);
                vm.expectRevert(abi.encodeWithSelector(IBridge.WrongChain.selector, lane, 0, part.chain));
                this.check(lane, part, 0);
            }
        }
    }

    /// @dev Each lane has its own quota, and operations of one never stand for those of the other.
    /// @custom:rule W6
    function test_TheQuotasAreIndependent() public {
        _fill(Lane.Deposits, 5);
        _fill(Lane.Exits, 3);
        Consumption memory deposits = _part(Lane.Deposits, 0, 4, 4);
        Consumption memory exits = _part(Lane.Exits, 0, 2, 2);
        bridge.checkConsumption(deposits, exits, L1Slot.wrap(1000));
        // All deposits that fit do not make up for an exit.
        exits = _part(Lane.Exits, 0, 1, 2);
        vm.expectRevert(abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Exits, 2, 1));
        bridge.checkConsumption(deposits, exits, L1Slot.wrap(1000));
        // Deposits are checked first.
        deposits = _part(Lane.Deposits, 0, 5, 4);
        vm.expectRevert(abi.encodeWithSelector(IBridge.TooManyOperations.selector, Lane.Deposits, uint64(4), 5));
        bridge.checkConsumption(deposits, exits, L1Slot.wrap(1000));
        deposits = _part(Lane.Deposits, 0, 3, 4);
        vm.expectRevert(abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Deposits, 4, 3));
        bridge.checkConsumption(deposits, exits, L1Slot.wrap(1000));
        exits = _part(Lane.Exits, 0, 3, 2);
        deposits = _part(Lane.Deposits, 0, 4, 4);
        vm.expectRevert(abi.encodeWithSelector(IBridge.TooManyOperations.selector, Lane.Exits, uint64(2), 3));
        bridge.checkConsumption(deposits, exits, L1Slot.wrap(1000));
    }

    /// @dev The lanes' names are not interchangeable.
    /// @custom:rule V4, W6
    function test_RevertWhen_ALaneHasTheNameOfTheOther() public {
        _fill(Lane.Deposits, 1);
        _fill(Lane.Exits, 1);
        Consumption memory deposits = _part(Lane.Deposits, 0, 1, 8);
        Consumption memory exits = _part(Lane.Exits, 0, 1, 8);
        bytes4 wrongChain = IBridge.WrongChain.selector;
        vm.expectRevert(abi.encodeWithSelector(wrongChain, Lane.Deposits, deposits.chain, exits.chain));
        bridge.checkConsumption(exits, deposits, L1Slot.wrap(0));
    }
}

contract BridgeClaimTest is BridgeFixture {
    using Lines for Line;

    uint256 internal constant ELEMENT = 9;
    uint64 internal constant AMOUNT = 1234;
    Slot internal constant SLOT = Slot.wrap(5);

    function setUp() public override {
        super.setUp();
        _deposit(10_000);
    }

    function _withdrawal(uint64 amount) internal pure returns (bytes32) {
        // From 3, fee 11.
        return bytes32((uint256(2) << 160) | (uint256(11) << 128) | (uint256(amount) << 64) | 3);
    }

    function _target(address to) internal pure returns (bytes32) {
        return bytes32((uint256(4) << 160) | uint160(to));
    }

    /// @dev A finalized block whose second blob has the two elements at `element`.
    function _finalize(uint256 element, bytes32 withdrawal, bytes32 target_)
        internal
        returns (WithdrawalProof memory proof)
    {
        uint256 next = element == 4095 ? 0 : element + 1;
        Line memory line = Lines.through(
            ScalarField.pointOfElement(element), uint256(withdrawal), ScalarField.pointOfElement(next), uint256(target_)
        );
        proof.header.slot = SLOT;
        proof.header.stateRoot = "root";
        proof.header.blobHashes = new bytes32[](2);
        proof.header.blobHashes[0] = bytes32(uint256(1));
        proof.header.blobHashes[1] = line.versionedHash();
        proof.blob = 1;
        proof.element = element;
        proof.withdrawal = withdrawal;
        proof.target = target_;
        proof.commitment = line.commitment();
        proof.withdrawalOpening = line.opening();
        proof.targetOpening = line.opening();
        _accept(proof.header);
    }

    function _accept(Header memory header) internal {
        vm.mockCall(
            rollup, abi.encodeCall(IRollup.finalizedHeader, (header.slot)), abi.encode(keccak256(abi.encode(header)))
        );
    }

    function _finalize() internal returns (WithdrawalProof memory) {
        return _finalize(ELEMENT, _withdrawal(AMOUNT), _target(target));
    }

    function _reject(WithdrawalProof memory proof, bytes memory reason) internal {
        vm.expectRevert(reason);
        bridge.claim(proof);
    }

    /// @custom:rule W4
    function test_AnyoneClaimsForTheTarget() public {
        WithdrawalProof memory proof = _finalize();
        assertFalse(bridge.isClaimed(SLOT, 1, ELEMENT));
        vm.expectEmit(address(bridge));
        emit IBridge.WithdrawalClaimed(SLOT, 1, ELEMENT, target, AMOUNT);
        vm.prank(makeAddr("anyone"));
        bridge.claim(proof);
        assertEq(token.balanceOf(target), AMOUNT * UNIT);
        assertEq(bridge.supply(), 10_000 - AMOUNT);
        assertTrue(bridge.isClaimed(SLOT, 1, ELEMENT));
        assertFalse(bridge.isClaimed(SLOT, 0, ELEMENT));
        assertFalse(bridge.isClaimed(SLOT, 1, ELEMENT + 1));
        assertFalse(bridge.isClaimed(SLOT, 1, ELEMENT + 4096));
    }

    /// @custom:rule W4
    function test_AForcedExitIsClaimedLikeAWithdrawal() public {
        // From 3, `to` 1, no fee.
        bytes32 exit = bytes32((uint256(2) << 160) | (uint256(AMOUNT) << 64) | (1 << 32) | 3);
        WithdrawalProof memory proof = _finalize(ELEMENT, exit, _target(target));
        // It can be claimed any number of L1 slots later.
        _warpToSlot(50_000_000);
        bridge.claim(proof);
        assertEq(token.balanceOf(target), AMOUNT * UNIT);
        _reject(proof, abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, SLOT, 1, ELEMENT));
        // The same exit does not open in another slot's block either.
        proof.header.slot = Slot.wrap(6);
        vm.mockCall(rollup, abi.encodeCall(IRollup.finalizedHeader, (Slot.wrap(6))), abi.encode(bytes32(0)));
        _reject(proof, abi.encodeWithSelector(IBridge.NotFinalized.selector, 6, keccak256(abi.encode(proof.header))));
    }

    /// @custom:rule W4
    function testFuzz_ClaimsAtEveryElement(uint256 element, uint64 amount, address to) public {
        vm.assume(to != address(0) && to != address(bridge));
        element = bound(element, 0, 4094);
        amount = SafeCast.toUint64(bound(amount, 0, 10_000));
        uint256 before = token.balanceOf(to);
        bridge.claim(_finalize(element, _withdrawal(amount), _target(to)));
        assertEq(token.balanceOf(to), before + amount * UNIT);
    }

    /// @custom:rule W4
    function test_RevertWhen_ClaimedTwice() public {
        WithdrawalProof memory proof = _finalize();
        bridge.claim(proof);
        _reject(proof, abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, SLOT, 1, ELEMENT));
    }

    /// @dev The same element of the same blob is another withdrawal in each slot, and so is each of its neighbours.
    /// @custom:rule W4
    function test_ClaimsOfTwoSlotsAreIndependent() public {
        WithdrawalProof memory first = _finalize();
        WithdrawalProof memory second = _finalize();
        second.header.slot = Slot.wrap(6);
        _accept(second.header);
        bridge.claim(first);
        assertTrue(bridge.isClaimed(SLOT, 1, ELEMENT));
        assertFalse(bridge.isClaimed(Slot.wrap(6), 1, ELEMENT));
        assertFalse(bridge.isClaimed(Slot.wrap(4), 1, ELEMENT));
        bridge.claim(second);
        assertEq(token.balanceOf(target), 2 * AMOUNT * UNIT);
        assertEq(bridge.supply(), 10_000 - 2 * AMOUNT);
        _reject(first, abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, SLOT, 1, ELEMENT));
        _reject(second, abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, Slot.wrap(6), 1, ELEMENT));
    }

    /// @dev The same element of two blobs of one block.
    /// @custom:rule W4
    function test_ClaimsOfTwoBlobsAreIndependent() public {
        WithdrawalProof memory proof = _finalize();
        proof.header.blobHashes[0] = proof.header.blobHashes[1];
        _accept(proof.header);
        bridge.claim(proof);
        proof.blob = 0;
        bridge.claim(proof);
        assertEq(token.balanceOf(target), 2 * AMOUNT * UNIT);
        _reject(proof, abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, SLOT, 0, ELEMENT));
    }

    /// @custom:rule W4
    function test_RevertWhen_ClaimedInsideAClaim() public {
        WithdrawalProof memory proof = _finalize();
        token.callBack(address(bridge), abi.encodeCall(bridge.claim, (proof)));
        bridge.claim(proof);
        assertFalse(token.callbackSucceeded());
        assertEq(token.callbackResult(), abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, SLOT, 1, ELEMENT));
        assertEq(token.balanceOf(target), AMOUNT * UNIT);
    }

    /// @custom:rule W4
    function test_RevertWhen_TheHeaderIsNotFinalized() public {
        WithdrawalProof memory proof = _finalize();
        proof.header.stateRoot = "another";
        bytes32 hash = keccak256(abi.encode(proof.header));
        _reject(proof, abi.encodeWithSelector(IBridge.NotFinalized.selector, SLOT, hash));
    }

    /// @custom:rule W4
    function test_RevertWhen_TheBlobIsOutOfRange() public {
        WithdrawalProof memory proof = _finalize();
        proof.blob = 2;
        _reject(proof, abi.encodeWithSelector(IBridge.BlobOutOfRange.selector, 2, 2));
        proof.blob = type(uint256).max;
        _reject(proof, abi.encodeWithSelector(IBridge.BlobOutOfRange.selector, type(uint256).max, 2));
    }

    /// @custom:rule W4
    function test_RevertWhen_TheElementIsOutOfRange() public {
        WithdrawalProof memory proof = _finalize(4095, _withdrawal(AMOUNT), _target(target));
        _reject(proof, abi.encodeWithSelector(IBridge.ElementOutOfRange.selector, 4095, 4095));
        // The domain point of element 9.
        proof = _finalize();
        proof.element = ELEMENT + 4096;
        _reject(proof, abi.encodeWithSelector(IBridge.ElementOutOfRange.selector, ELEMENT + 4096, 4095));
        proof.element = type(uint256).max;
        _reject(proof, abi.encodeWithSelector(IBridge.ElementOutOfRange.selector, type(uint256).max, 4095));
    }

    /// @custom:rule W4, Y1
    function test_RevertWhen_TheElementIsNoWithdrawal() public {
        bytes32 transfer = bytes32((uint256(1) << 160) | (uint256(AMOUNT) << 64) | 3);
        _reject(
            _finalize(ELEMENT, transfer, _target(target)),
            abi.encodeWithSelector(IBridge.NotAWithdrawal.selector, transfer)
        );
        bytes32 wide = bytes32(uint256(_withdrawal(AMOUNT)) | (1 << 168));
        _reject(
            _finalize(ELEMENT, wide, _target(target)), abi.encodeWithSelector(IBridge.NotAWithdrawal.selector, wide)
        );
    }

    /// @custom:rule W4, Y1
    function test_RevertWhen_TheNextElementIsNoTarget() public {
        bytes32[3] memory bad =
            [bytes32(uint256(uint160(target))), _target(address(0)), bytes32(uint256(_target(target)) | (1 << 200))];
        for (uint256 i = 0; i < 3; i++) {
            _reject(
                _finalize(ELEMENT, _withdrawal(AMOUNT), bad[i]),
                abi.encodeWithSelector(IBridge.NotATarget.selector, bad[i])
            );
        }
    }

    /// @custom:rule W4
    function test_RevertWhen_AnElementIsAnotherThanTheBlobs() public {
        WithdrawalProof memory proof = _finalize();
        proof.withdrawal = _withdrawal(AMOUNT + 1);
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT));
        proof = _finalize();
        proof.target = _target(user);
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT + 1));
        proof = _finalize();
        proof.element = ELEMENT + 1;
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT + 1));
    }

    /// @custom:rule W4
    function test_RevertWhen_TheBlobIsAnother() public {
        WithdrawalProof memory proof = _finalize();
        proof.blob = 0;
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT));
    }

    /// @custom:rule W4
    function test_RevertWhen_AnOpeningIsMalformed() public {
        WithdrawalProof memory proof = _finalize();
        bytes memory good = proof.commitment;
        proof.commitment = bytes.concat(good, hex"00");
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT));
        proof.commitment = "";
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT));
        proof.commitment = good;
        proof.withdrawalOpening = new bytes(48);
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT));
        proof.withdrawalOpening = proof.targetOpening;
        proof.targetOpening = new bytes(47);
        _reject(proof, abi.encodeWithSelector(IBridge.OpeningRejected.selector, ELEMENT + 1));
    }

    /// @dev The last unit can be claimed.
    /// @custom:rule W4, W5
    function test_AllThatWasDepositedIsClaimed() public {
        bridge.claim(_finalize(ELEMENT, _withdrawal(10_000), _target(target)));
        assertEq(bridge.supply(), 0);
    }

    /// @custom:rule W5
    function test_RevertWhen_MoreIsClaimedThanDeposited() public {
        _reject(
            _finalize(ELEMENT, _withdrawal(10_001), _target(target)),
            abi.encodeWithSelector(IBridge.SupplyTooLow.selector, 10_000, 10_001)
        );
    }

    /// @custom:rule E7
    function test_RevertWhen_TheTokenRefusesTheTransfer() public {
        WithdrawalProof memory proof = _finalize();
        token.misbehave(OddToken.Oddity.ReturnsFalse);
        vm.expectPartialRevert(Tokens.TransferFailed.selector);
        bridge.claim(proof);
        token.misbehave(OddToken.Oddity.None);
        bridge.claim(proof);
        assertEq(token.balanceOf(target), AMOUNT * UNIT);
    }
}
