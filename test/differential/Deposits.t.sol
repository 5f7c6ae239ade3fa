// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Deposit} from "../../contracts/interfaces/IBridge.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {Trapdoor} from "../support/Trapdoor.sol";

/// @notice The rolling hash of deposits, as the client computes it, is the one that the verifier accepts.
contract DepositsDifferentialTest is Test {
    function test_TheVerifierFollowsTheClientsChain() public {
        string memory json = vm.readFile("vectors/deposits.json");
        uint256[] memory index = vm.parseJsonUintArray(json, ".index");
        uint256[] memory amount = vm.parseJsonUintArray(json, ".amount");
        uint256[] memory keyX = vm.parseJsonUintArray(json, ".keyX");
        uint256[] memory keyY = vm.parseJsonUintArray(json, ".keyY");
        bytes32[] memory chain = vm.parseJsonBytes32Array(json, ".chain");
        assertGt(chain.length, 2);

        Trapdoor trapdoor = new Trapdoor(8, 512);
        BlockVerifier verifier = new BlockVerifier(trapdoor.key(), 8, 8, 512, 0);
        for (uint256 from = 0; from < chain.length; from += 5) {
            Deposit[] memory deposits = new Deposit[](chain.length - from);
            for (uint256 i = 0; i < deposits.length; i++) {
                uint256 n = from + i;
                // casting: the vectors' columns have these widths
                // forge-lint: disable-next-line(unsafe-typecast)
                deposits[i] = Deposit(uint32(index[n]), uint64(amount[n]), keyX[n], keyY[n]);
            }
            Statement memory statement = Statement({
                headerHash: keccak256("header"),
                parentRoot: 0,
                stateRoot: bytes32(uint256(1)),
                chunks: 1,
                blobHashes: trapdoor.versionedHashes(1),
                depositsFrom: from == 0 ? bytes32(0) : chain[from - 1],
                depositsTo: chain[chain.length - 1],
                depositCount: uint64(deposits.length),
                feeRecipient: 0,
                payee: address(1),
                domain: 5
            });
            uint256[] memory counts = new uint256[](1);
            counts[0] = deposits.length;
            verifier.verify(statement, abi.encode(trapdoor.prove(statement, deposits, counts)));
        }
    }
}
