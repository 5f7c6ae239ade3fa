// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../../contracts/interfaces/IBridge.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {Trapdoor} from "../support/Trapdoor.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Gas of the verifier alone. Includes the transaction's base cost and calldata if forge isolates calls.
/// @custom:rule H1
contract BlockVerifierGasTest is Test {
    Trapdoor internal trapdoor;
    BlockVerifier internal verifier;

    function setUp() public {
        trapdoor = new Trapdoor(64, 64, 1000);
        verifier = new BlockVerifier(trapdoor.key(), 42, 64, 64, 0, 1000);
    }

    function _verify(uint32 chunks, string memory name) internal {
        L1Operation[] memory none = new L1Operation[](0);
        Statement memory statement = Statement({
            headerHash: keccak256("header"),
            parentRoot: keccak256("parent") >> 2,
            stateRoot: keccak256("state") >> 2,
            chunks: chunks,
            blobHashes: trapdoor.versionedHashes(1),
            depositsFrom: 0,
            depositsTo: 0,
            exitsFrom: 0,
            exitsTo: 0,
            operations: 0,
            feeRecipient: 9,
            payee: address(uint160(uint256(keccak256("payee")))),
            domain: uint256(keccak256("domain")) >> 3
        });
        bytes memory proof = abi.encode(trapdoor.prove(statement, none, new uint256[](chunks)));
        verifier.verify(statement, proof);
        vm.snapshotGasLastCall("BlockVerifier", name);
    }

    function test_OneChunk() public {
        _verify(1, "verify, 1 chunk");
    }

    function test_TwoChunks() public {
        _verify(2, "verify, 2 chunks");
    }

    function test_ThreeChunks() public {
        _verify(3, "verify, 3 chunks");
    }

    function test_EightChunks() public {
        _verify(8, "verify, 8 chunks");
    }

    function test_SixteenChunks() public {
        _verify(16, "verify, 16 chunks");
    }
}
