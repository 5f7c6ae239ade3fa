// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../../contracts/interfaces/IBridge.sol";
import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters} from "../../contracts/interfaces/IRollup.sol";
import {IStateTransitionVerifier, Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {Trapdoor} from "../support/Trapdoor.sol";
import {TransactionGas} from "./Slot.t.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Gas of `finalize` with the real verifier
/// @notice The proofs are made with the key's secrets, but cost what real ones cost: their points and field elements
/// have almost no zero bytes.
abstract contract TotalGas is TransactionGas {
    uint256 private constant CHUNKS_PER_BLOB = 512;

    function _chunks() internal pure virtual returns (uint32);

    function _bound() internal pure override returns (uint256) {
        return 420_000 + 60_000 * uint256(_chunks());
    }

    /// @dev A rollup with as many chunks in a blob as the real verifier has.
    function _deploy(IERC20 token_, Parameters memory parameters, Rates memory rates) internal override {
        bytes memory question = abi.encodeCall(IStateTransitionVerifier.chunksPerBlob, ());
        vm.mockCall(address(verifier), question, abi.encode(CHUNKS_PER_BLOB));
        super._deploy(token_, parameters, rates);
        vm.clearMockedCalls();
    }

    function _prepare() internal override {
        // A block whose root is in the field, finalized with the double.
        Header memory header = _next(1, "first");
        _finalize(relay, header, payee);
        _warp(_view().start);

        Trapdoor trapdoor = new Trapdoor(8, CHUNKS_PER_BLOB, 1000);
        bytes32 root = rollup.tip().stateRoot;
        vm.etch(address(verifier), address(new BlockVerifier(trapdoor.key(), 8, 8, CHUNKS_PER_BLOB, root, 1000)).code);
        header = _next(_chunks(), "second", trapdoor.versionedHashes(1));
        Statement memory statement = _statement(header, payee);
        bytes memory proof = abi.encode(trapdoor.prove(statement, new L1Operation[](0), new uint256[](_chunks())));
        _set(payee, abi.encodeCall(IRollup.finalize, (header, payee, proof)));
    }

    function _next(uint32 chunks, bytes32 salt) private returns (Header memory) {
        bytes32[] memory blobs = new bytes32[](1);
        blobs[0] = _blob(salt, 0);
        return _next(chunks, salt, blobs);
    }

    /// @dev A revealed header of the slot in turn.
    function _next(uint32 chunks, bytes32 salt, bytes32[] memory blobs) private returns (Header memory header) {
        header = _header(chunks, salt);
        header.stateRoot >>= 2;
        header.blobHashes = blobs;
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        _commit(0, header);
        _reveal(header);
    }
}

/// forge-config: default.isolate = false
contract FinalizeOneChunkGas is TotalGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, 1 chunk";
    }

    function _chunks() internal pure override returns (uint32) {
        return 1;
    }
}

/// forge-config: default.isolate = false
contract FinalizeTwoChunksGas is TotalGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, 2 chunks";
    }

    function _chunks() internal pure override returns (uint32) {
        return 2;
    }
}

/// forge-config: default.isolate = false
contract FinalizeThreeChunksGas is TotalGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, 3 chunks";
    }

    function _chunks() internal pure override returns (uint32) {
        return 3;
    }
}

/// forge-config: default.isolate = false
contract FinalizeTwelveChunksGas is TotalGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, 12 chunks";
    }

    function _chunks() internal pure override returns (uint32) {
        return 12;
    }
}
