// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {L1Operation} from "../../contracts/interfaces/IBridge.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {L1Operations} from "../../contracts/libraries/L1Operations.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {Trapdoor} from "../support/Trapdoor.sol";

/// @notice The contracts produce and accept the same queue operations and rolling hashes that the client computes.
contract QueueDifferentialTest is Test {
    function _operations(string memory json) internal pure returns (L1Operation[] memory operations) {
        uint256[] memory head = vm.parseJsonUintArray(json, ".head");
        uint256[] memory x = vm.parseJsonUintArray(json, ".x");
        uint256[] memory y = vm.parseJsonUintArray(json, ".y");
        operations = new L1Operation[](head.length);
        for (uint256 i = 0; i < head.length; i++) {
            operations[i] = L1Operation(head[i], x[i], y[i]);
        }
    }

    /// @custom:rule W1, Y6, Y7
    function test_OperationsAreWrittenAsTheClientDoes() public view {
        string memory json = vm.readFile("vectors/queue.json");
        L1Operation[] memory operations = _operations(json);
        uint256[] memory exit = vm.parseJsonUintArray(json, ".exit");
        uint256[] memory index = vm.parseJsonUintArray(json, ".index");
        uint256[] memory amount = vm.parseJsonUintArray(json, ".amount");
        address[] memory to = vm.parseJsonAddressArray(json, ".to");
        bytes32[] memory chain = vm.parseJsonBytes32Array(json, ".chain");
        // By lane: deposits, exits.
        bytes32[2] memory before;
        for (uint256 i = 0; i < operations.length; i++) {
            // Cast: the vectors' columns have these widths.
            (uint32 index_, uint64 amount_) = (uint32(index[i]), uint64(amount[i]));
            L1Operation memory made = exit[i] == 1
                ? L1Operations.exit(index_, to[i])
                : L1Operations.deposit(index_, amount_, operations[i].x, operations[i].y);
            assertEq(abi.encode(made), abi.encode(operations[i]));
            before[exit[i]] = L1Operations.chain(made, before[exit[i]]);
            assertEq(before[exit[i]], chain[i]);
        }
    }

    /// @custom:rule W1, W6, Y7
    function test_TheVerifierFollowsTheClientsChains() public {
        string memory json = vm.readFile("vectors/queue.json");
        L1Operation[] memory all = _operations(json);
        assertGt(all.length, 2);

        Trapdoor trapdoor = new Trapdoor(8, 512, 0);
        BlockVerifier verifier = new BlockVerifier(trapdoor.key(), 8, 8, 512, 0, 0);
        for (uint256 from = 0; from < all.length; from += 5) {
            L1Operation[] memory operations = new L1Operation[](all.length - from);
            for (uint256 i = 0; i < operations.length; i++) {
                operations[i] = all[from + i];
            }
            Statement memory statement;
            statement.headerHash = keccak256("header");
            statement.stateRoot = bytes32(uint256(1));
            statement.chunks = uint32(operations.length + 7) / 8;
            statement.blobHashes = trapdoor.versionedHashes(1);
            (statement.depositsFrom, statement.exitsFrom) = _hashes(json, from);
            (statement.depositsTo, statement.exitsTo) = _hashes(json, all.length);
            statement.operations = uint64(operations.length);
            statement.payee = address(1);
            statement.domain = 5;
            uint256[] memory counts = new uint256[](statement.chunks);
            for (uint256 i = 0; i < counts.length; i++) {
                counts[i] = i + 1 < counts.length ? 8 : operations.length - 8 * i;
            }
            verifier.verify(statement, abi.encode(trapdoor.prove(statement, operations, counts)));
        }
    }

    /// @dev The client's rolling hashes of both lanes after the first `count` operations.
    function _hashes(string memory json, uint256 count) internal pure returns (bytes32 deposits, bytes32 exits) {
        uint256[] memory exit = vm.parseJsonUintArray(json, ".exit");
        bytes32[] memory chain = vm.parseJsonBytes32Array(json, ".chain");
        for (uint256 i = 0; i < count; i++) {
            if (exit[i] == 1) exits = chain[i];
            else deposits = chain[i];
        }
    }
}
