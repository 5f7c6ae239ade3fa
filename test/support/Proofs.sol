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

/// @notice Reads the proofs that the client made: `vectors/proofs.json`, with the key of `vectors/verifying-key.json`.
library Proofs {
    using SafeCast for uint256;

    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Cases in the file.
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

    function statement(string memory json, uint256 i) internal pure returns (Statement memory s) {
        string memory at_ = string.concat(_case(i), ".statement");
        s.headerHash = VM.parseJsonBytes32(json, string.concat(at_, ".headerHash"));
        s.parentRoot = VM.parseJsonBytes32(json, string.concat(at_, ".parentRoot"));
        s.stateRoot = VM.parseJsonBytes32(json, string.concat(at_, ".stateRoot"));
        s.chunks = VM.parseJsonUint(json, string.concat(at_, ".chunks")).toUint32();
        s.blobHashes = VM.parseJsonBytes32Array(json, string.concat(at_, ".blobHashes"));
        s.depositsFrom = VM.parseJsonBytes32(json, string.concat(at_, ".depositsFrom"));
        s.depositsTo = VM.parseJsonBytes32(json, string.concat(at_, ".depositsTo"));
        s.depositCount = VM.parseJsonUint(json, string.concat(at_, ".depositCount")).toUint64();
        s.feeRecipient = VM.parseJsonUint(json, string.concat(at_, ".feeRecipient")).toUint32();
        s.payee = VM.parseJsonAddress(json, string.concat(at_, ".payee"));
        s.domain = uint256(VM.parseJsonBytes32(json, string.concat(at_, ".domain")));
    }

    function encoded(string memory json, uint256 i) internal pure returns (bytes memory) {
        return VM.parseJsonBytes(json, string.concat(_case(i), ".proof"));
    }

    function proof(string memory json, uint256 i) internal pure returns (BlockProof memory) {
        return abi.decode(encoded(json, i), (BlockProof));
    }

    /// @notice How many withdrawals and forced exits a case has.
    function withdrawals(string memory json, uint256 i) internal pure returns (uint256) {
        return VM.parseJsonUint(json, string.concat(_case(i), ".withdrawalCount"));
    }

    /// @notice A withdrawal of a case.
    function withdrawal(string memory json, uint256 i, uint256 number)
        internal
        pure
        returns (ProvenWithdrawal memory w)
    {
        string memory at_ = string.concat(_case(i), ".withdrawals[", VM.toString(number), "]");
        w.blob = VM.parseJsonUint(json, string.concat(at_, ".blob"));
        w.element = VM.parseJsonUint(json, string.concat(at_, ".element"));
        w.withdrawal = VM.parseJsonBytes32(json, string.concat(at_, ".withdrawal"));
        w.target = VM.parseJsonBytes32(json, string.concat(at_, ".target"));
        w.commitment = VM.parseJsonBytes(json, string.concat(at_, ".commitment"));
        w.withdrawalOpening = VM.parseJsonBytes(json, string.concat(at_, ".withdrawalOpening"));
        w.targetOpening = VM.parseJsonBytes(json, string.concat(at_, ".targetOpening"));
        w.to = VM.parseJsonAddress(json, string.concat(at_, ".to"));
        w.amount = VM.parseJsonUint(json, string.concat(at_, ".amount")).toUint64();
    }

    function _case(uint256 i) private pure returns (string memory) {
        return string.concat(".cases[", VM.toString(i), "]");
    }
}
