// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Vm} from "forge-std/Vm.sol";

import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockProof} from "../../contracts/verifier/BlockProof.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";

/// @notice A withdrawal in a blob of a case, with its real KZG openings.
struct ProvenWithdrawal {
    uint256 blob;
    uint256 element;
    bytes32 withdrawal;
    bytes32 target;
    bytes commitment;
    bytes withdrawalOpening;
    bytes targetOpening;
    address to;
    uint64 amount;
}

/// @notice Reads the client's proofs from `vectors/proofs.json`, with the key of `vectors/verifying-key.json`.
library Proofs {
    using SafeCast for uint256;

    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Number of cases in the file.
    uint256 internal constant COUNT = 3;

    function file() internal view returns (string memory) {
        return VM.readFile("vectors/proofs.json");
    }

    /// @notice A verifier for the chunks per blob of a case.
    function verifier(string memory json, uint256 i) internal returns (BlockVerifier) {
        string memory key = VM.readFile("vectors/verifying-key.json");
        return new BlockVerifier(
            VM.parseJsonBytes(key, ".key"),
            VM.parseJsonUint(key, ".operations"),
            VM.parseJsonUint(key, ".elements"),
            VM.parseJsonUint(json, string.concat(_case(i), ".chunksPerBlob")),
            VM.parseJsonBytes32(key, ".genesisRoot"),
            VM.parseJsonUint(json, string.concat(_case(i), ".feeBurnBps")).toUint16()
        );
    }

    function statement(string memory json, uint256 i) internal pure returns (Statement memory statement_) {
        string memory at_ = string.concat(_case(i), ".statement");
        statement_.headerHash = VM.parseJsonBytes32(json, string.concat(at_, ".headerHash"));
        statement_.parentRoot = VM.parseJsonBytes32(json, string.concat(at_, ".parentRoot"));
        statement_.stateRoot = VM.parseJsonBytes32(json, string.concat(at_, ".stateRoot"));
        statement_.chunks = VM.parseJsonUint(json, string.concat(at_, ".chunks")).toUint32();
        statement_.blobHashes = VM.parseJsonBytes32Array(json, string.concat(at_, ".blobHashes"));
        statement_.depositsFrom = VM.parseJsonBytes32(json, string.concat(at_, ".depositsFrom"));
        statement_.depositsTo = VM.parseJsonBytes32(json, string.concat(at_, ".depositsTo"));
        statement_.exitsFrom = VM.parseJsonBytes32(json, string.concat(at_, ".exitsFrom"));
        statement_.exitsTo = VM.parseJsonBytes32(json, string.concat(at_, ".exitsTo"));
        statement_.operations = VM.parseJsonUint(json, string.concat(at_, ".operations")).toUint64();
        statement_.feeRecipient = VM.parseJsonUint(json, string.concat(at_, ".feeRecipient")).toUint32();
        statement_.payee = VM.parseJsonAddress(json, string.concat(at_, ".payee"));
        statement_.domain = uint256(VM.parseJsonBytes32(json, string.concat(at_, ".domain")));
    }

    function encoded(string memory json, uint256 i) internal pure returns (bytes memory) {
        return VM.parseJsonBytes(json, string.concat(_case(i), ".proof"));
    }

    function proof(string memory json, uint256 i) internal pure returns (BlockProof memory) {
        return abi.decode(encoded(json, i), (BlockProof));
    }

    /// @notice Number of withdrawals and forced exits of a case.
    function withdrawals(string memory json, uint256 i) internal pure returns (uint256) {
        return VM.parseJsonUint(json, string.concat(_case(i), ".withdrawalCount"));
    }

    /// @notice A withdrawal of a case.
    function withdrawal(string memory json, uint256 i, uint256 number)
        internal
        pure
        returns (ProvenWithdrawal memory withdrawal_)
    {
        string memory at_ = string.concat(_case(i), ".withdrawals[", VM.toString(number), "]");
        withdrawal_.blob = VM.parseJsonUint(json, string.concat(at_, ".blob"));
        withdrawal_.element = VM.parseJsonUint(json, string.concat(at_, ".element"));
        withdrawal_.withdrawal = VM.parseJsonBytes32(json, string.concat(at_, ".withdrawal"));
        withdrawal_.target = VM.parseJsonBytes32(json, string.concat(at_, ".target"));
        withdrawal_.commitment = VM.parseJsonBytes(json, string.concat(at_, ".commitment"));
        withdrawal_.withdrawalOpening = VM.parseJsonBytes(json, string.concat(at_, ".withdrawalOpening"));
        withdrawal_.targetOpening = VM.parseJsonBytes(json, string.concat(at_, ".targetOpening"));
        withdrawal_.to = VM.parseJsonAddress(json, string.concat(at_, ".to"));
        withdrawal_.amount = VM.parseJsonUint(json, string.concat(at_, ".amount")).toUint64();
    }

    function _case(uint256 i) private pure returns (string memory) {
        return string.concat(".cases[", VM.toString(i), "]");
    }
}
