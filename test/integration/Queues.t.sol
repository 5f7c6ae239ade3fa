// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge, Lane} from "../../contracts/interfaces/IBridge.sol";
import {Header, IRollup, Parameters} from "../../contracts/interfaces/IRollup.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title Blocks that consume the Bridge's lanes, one after the other
/// @notice A block takes three deposits and two forced exits at most.
contract QueuesTest is Fixture {
    function _parameters() internal pure override returns (Parameters memory parameters) {
        parameters = super._parameters();
        (parameters.maxDeposits, parameters.maxExits) = (3, 2);
    }

    /// @dev Queues `count` forced exits of as many accounts.
    function _exits(uint256 count) private {
        address[] memory exiting = new address[](count);
        uint32[] memory indices = new uint32[](count);
        for (uint256 i = 0; i < count; ++i) {
            exiting[i] = makeAddr(string.concat("exiting ", vm.toString(i)));
            indices[i] = _deposit(exiting[i], 1);
        }
        while (rollup.tip().depositsEnd < bridge.count(Lane.Deposits)) {
            _block(0);
        }
        for (uint256 i = 0; i < count; ++i) {
            vm.prank(exiting[i]);
            bridge.forceExit(indices[i], payee);
        }
    }

    /// @dev All that is queued is due in the slot in turn.
    function _allIsDue() private {
        _warp(_view().start + 2 * IDLE);
        assertGe(_view().previousStart, DEPLOYED_AT);
    }

    function _tipIs(uint64 deposits, uint64 exits) private view {
        assertEq(rollup.tip().depositsEnd, deposits, "deposits");
        assertEq(rollup.tip().exitsEnd, exits, "exits");
    }

    /// @dev A block in backup, of an idle slot.
    function _backup(bytes32 salt) private returns (Header memory header) {
        _warp(_view().start + 5);
        header = _header(1, salt);
        _finalizeBackup(relay, header, rescuer);
        _warp(_view().start);
    }

    // ---- one block after the other --------------------------------------------------------------------------------

    /// @dev The queue is longer than what two blocks take. Each block goes on where the one before ended.
    /// @custom:rule W3, W6
    function test_depositsAreConsumedBlockByBlock() public {
        _deposits(8);
        _allIsDue();
        uint64[4] memory ends = [uint64(3), 6, 8, 8];
        for (uint256 i = 0; i < 4; ++i) {
            Header memory header = _block(i);
            assertEq(header.depositsEnd, ends[i]);
            assertEq(header.depositsChain, i == 3 ? bytes32(0) : bridge.chain(Lane.Deposits, ends[i]));
            assertEq(header.exitsChain, 0);
            _tipIs(ends[i], 0);
        }
    }

    /// @custom:rule W3, W6
    function test_forcedExitsAreConsumedBlockByBlock() public {
        _exits(5);
        _allIsDue();
        uint64[4] memory ends = [uint64(2), 4, 5, 5];
        for (uint256 i = 0; i < 4; ++i) {
            Header memory header = _block(i);
            assertEq(header.exitsEnd, ends[i]);
            assertEq(header.exitsChain, i == 3 ? bytes32(0) : bridge.chain(Lane.Exits, ends[i]));
            assertEq(header.depositsChain, 0);
            _tipIs(5, ends[i]);
        }
    }

    /// @dev Blocks of both kinds take turns.
    /// @custom:rule W3, W6, B1
    function test_bothLanesAreConsumedByRevealedBlocksAndInBackup() public {
        _exits(5);
        _deposits(7);
        _allIsDue();
        _backup("first");
        _tipIs(8, 2);
        _block(1);
        _tipIs(11, 4);
        _backup("third");
        _tipIs(12, 5);
        // What comes later goes on from there.
        _deposits(1);
        _block(2);
        _tipIs(13, 5);
    }

    /// @dev A header that starts from another place than the tip names another part of the queue.
    /// @custom:rule W3, W6
    function test_RevertWhen_aLaterBlockConsumesTooMuchOrTooLittle() public {
        _exits(5);
        _deposits(7);
        _allIsDue();
        _block(0);
        _tipIs(8, 2);
        _warp(_view().start);
        uint64[2][6] memory wrong =
            [[uint64(4), uint64(2)], [uint64(2), 2], [uint64(0), 2], [uint64(3), 3], [uint64(3), 1], [uint64(3), 0]];
        bytes[6] memory reasons = [
            abi.encodeWithSelector(IBridge.TooManyOperations.selector, Lane.Deposits, uint64(3), 4),
            abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Deposits, 11, 10),
            abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Deposits, 9, 8),
            abi.encodeWithSelector(IBridge.TooManyOperations.selector, Lane.Exits, uint64(2), 3),
            abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Exits, 4, 3),
            abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Exits, 3, 2)
        ];
        // The slots' previous starts lie after the last operation.
        _allIsDue();
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 6; ++i) {
            Header memory header = _headerOf(1);
            _consume(header, wrong[i][0], wrong[i][1]);
            _committed(1, header);
            vm.blobhashes(header.blobHashes);
            vm.expectRevert(reasons[i]);
            rollup.reveal(header);
            vm.revertToState(snapshot);
        }
        Header memory back = _headerOf(1);
        back.depositsEnd = 7;
        _committed(1, back);
        vm.blobhashes(back.blobHashes);
        vm.expectRevert(abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Deposits, 8, 7, 12));
        rollup.reveal(back);
    }

    // ---- names of the queues --------------------------------------------------------------------------------------

    /// @dev Two deposits and an exit that a block may consume.
    function _queued() private {
        _exits(1);
        _deposits(2);
        _allIsDue();
    }

    /// @dev Wrong names of both lanes, and their refusals.
    function _wrongName(uint256 i) private view returns (Header memory header, bytes memory reason) {
        header = _headerOf(1);
        Lane lane = i < 3 ? Lane.Deposits : Lane.Exits;
        bytes32 expected = lane == Lane.Deposits ? header.depositsChain : header.exitsChain;
        assertNotEq(expected, 0);
        bytes32 actual = i % 3 == 0
            ? bytes32(0)
            : i % 3 == 1 ? bytes32(uint256(expected) ^ 1) : bridge.chain(lane, lane == Lane.Deposits ? 1 : 0);
        if (i % 3 == 2 && lane == Lane.Exits) actual = header.depositsChain;
        if (lane == Lane.Deposits) header.depositsChain = actual;
        else header.exitsChain = actual;
        reason = abi.encodeWithSelector(IBridge.WrongChain.selector, lane, expected, actual);
    }

    /// @custom:rule V4
    function test_RevertWhen_aRevealedHeaderNamesAnotherQueue() public {
        _queued();
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 6; ++i) {
            (Header memory header, bytes memory reason) = _wrongName(i);
            _committed(1, header);
            vm.blobhashes(header.blobHashes);
            vm.expectRevert(reason);
            rollup.reveal(header);
            vm.revertToState(snapshot);
        }
    }

    /// @custom:rule V4, B1
    function test_RevertWhen_aBackupHeaderNamesAnotherQueue() public {
        _queued();
        _warp(_view().start + 5);
        for (uint256 i = 0; i < 6; ++i) {
            (Header memory header, bytes memory reason) = _wrongName(i);
            bytes memory proof = _proof(header, rescuer);
            vm.blobhashes(header.blobHashes);
            vm.expectRevert(reason);
            rollup.finalizeBackup(header, rescuer, proof);
        }
    }

    /// @dev A lane of which nothing is consumed has no name, even if it has entries.
    /// @custom:rule V4
    function test_RevertWhen_aHeaderNamesAQueueThatItDoesNotConsume() public {
        _exits(1);
        _deposits(1);
        // Nothing is due.
        uint64 end = rollup.tip().depositsEnd;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            Lane lane = i == 0 ? Lane.Deposits : Lane.Exits;
            Header memory header = _headerOf(1);
            _consume(header, 0, 0);
            bytes32 actual = bridge.chain(lane, lane == Lane.Deposits ? end : 1);
            assertNotEq(actual, 0);
            if (lane == Lane.Deposits) header.depositsChain = actual;
            else header.exitsChain = actual;
            _committed(1, header);
            vm.blobhashes(header.blobHashes);
            vm.expectRevert(abi.encodeWithSelector(IBridge.WrongChain.selector, lane, 0, actual));
            rollup.reveal(header);
            vm.revertToState(snapshot);
        }
        Header memory good = _headerOf(1);
        _consume(good, 0, 0);
        _revealed(1, good);
        _finalize(relay, good, payee);
        _tipIs(end, 0);
    }

    /// @dev Attack: an L1 reorg of one block replaces a deposit after the prover signed. The header names the queue
    /// that is gone, so nobody can reveal it, and the bond is not spent on a block that nobody can prove.
    /// @custom:rule V4
    function test_attack_aReorgReplacesADeposit() public {
        uint256 snapshot = vm.snapshotState();
        _deposit(address(this), 7);
        Header memory header = _headerOf(0);
        bytes32 gone = header.depositsChain;
        vm.revertToState(snapshot);
        _deposit(address(this), 8);
        bytes32 real = bridge.chain(Lane.Deposits, 1);
        _committed(0, header);
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongChain.selector, Lane.Deposits, real, gone));
        rollup.reveal(header);
        vm.blobhashes(new bytes32[](0));
        // The sequencer, which built on the deposit, pays. The prover gets its bond back.
        _warp(_now() + 4 + 1 + 8);
        rollup.settle();
        assertEq(_stake(0), STAKE - 5e18);
        assertEq(escrow.account(prover).free, 1000e18);
    }

    // ---- clogged lanes --------------------------------------------------------------------------------------------

    /// @dev Attack: the lane of deposits is full for many blocks. An exit that comes last is in the first block that
    /// may not leave it out.
    /// @custom:rule W6
    function test_attack_cloggedDepositsDoNotDelayAnExit() public {
        (address owner, uint32 index) = _funded("exiting");
        _deposits(20);
        vm.prank(owner);
        bridge.forceExit(index, owner);
        _deposits(20);
        _allIsDue();
        _block(0);
        _tipIs(4, 1);
    }

    /// @dev The other way round.
    /// @custom:rule W6
    function test_attack_cloggedExitsDoNotDelayADeposit() public {
        _exits(7);
        _deposits(1);
        _allIsDue();
        _block(0);
        _tipIs(8, 2);
    }

    /// @dev Attack: dust is deposited to the account, and the lane of deposits is full. The exit needs the first
    /// deposit only, which is final.
    /// @custom:rule W7
    function test_attack_dustDoesNotPostponeAnExit() public {
        (address owner, uint32 index) = _funded("exiting");
        for (uint256 i = 0; i < 10; ++i) {
            _deposit(owner, 1);
        }
        vm.prank(owner);
        bridge.forceExit(index, owner);
        _allIsDue();
        _block(0);
        _tipIs(4, 1);
        // The dust gives no right to another exit before a deposit that follows the exit is final.
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ExitUsed.selector, index));
        bridge.forceExit(index, owner);
    }

    /// @custom:rule W7
    function test_RevertWhen_anExitIsForcedBeforeItsDepositIsFinal() public {
        _deposits(4);
        address owner = makeAddr("exiting");
        uint32 index = _deposit(owner, 1);
        uint64[2] memory consumed = [uint64(0), 3];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(owner);
            vm.expectRevert(abi.encodeWithSelector(IBridge.DepositPending.selector, 5, consumed[i]));
            bridge.forceExit(index, owner);
            _block(0);
        }
        _tipIs(5, 0);
        vm.prank(owner);
        assertEq(bridge.forceExit(index, owner), 0);
    }

    /// @dev A block may consume what is not due.
    /// @custom:rule W3, W6
    function test_aBlockMayConsumeWhatIsNotDue() public {
        _exits(1);
        _deposits(1);
        Header memory header = _block(1);
        assertEq(header.exitsEnd, 1);
        _tipIs(2, 1);
        vm.expectRevert(IRollup.NothingToSettle.selector);
        rollup.settle();
    }
}
