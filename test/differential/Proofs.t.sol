// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Test} from "forge-std/Test.sol";

import {Bridge} from "../../contracts/Bridge.sol";
import {IBridge, L1Operation, Lane, WithdrawalProof} from "../../contracts/interfaces/IBridge.sol";
import {IRollup, Tip} from "../../contracts/interfaces/IRollup.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {L1Operations} from "../../contracts/libraries/L1Operations.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {BlockProof, BlockProofDecoder, ChunkProof} from "../../contracts/verifier/BlockProof.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Curve} from "../support/Curve.sol";
import {Proofs, ProvenWithdrawal} from "../support/Proofs.sol";
import {TestToken} from "../support/TestToken.sol";

/// @notice Real proofs of real blocks from the client's prover, and the errors for every changed part of them.
contract ProofsDifferentialTest is Test {
    string internal json;
    BlockVerifier[] internal verifiers;

    function setUp() public {
        json = Proofs.file();
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            verifiers.push(Proofs.verifier(json, i));
        }
    }

    function _load(uint256 i) internal view returns (Statement memory statement, BlockProof memory proof) {
        return (Proofs.statement(json, i), Proofs.proof(json, i));
    }

    function _reject(uint256 i, Statement memory statement, BlockProof memory proof, bytes4 reason) internal {
        vm.expectPartialRevert(reason);
        verifiers[i].verify(statement, abi.encode(proof));
    }

    // --- what must pass

    /// @custom:rule F2, Z2, Z3, Z4, Z5, Z6
    function test_AcceptsEveryProof() public view {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            verifiers[i].verify(Proofs.statement(json, i), Proofs.encoded(json, i));
        }
    }

    /// @custom:rule F2, Z7
    function test_TheClientsEncodingIsTheCanonicalOne() public view {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            assertEq(Proofs.encoded(json, i), abi.encode(Proofs.proof(json, i)));
        }
    }

    /// @custom:rule F2, J3
    function test_TheFirstBlockStartsFromTheEmptyLedger() public view {
        assertEq(Proofs.statement(json, 0).parentRoot, verifiers[0].genesisRoot());
    }

    /// @custom:rule F2
    function test_TheVectorsCoverSeveralChunksBlobsAndLanes() public view {
        assertEq(Proofs.statement(json, 0).chunks, 1);
        assertGt(Proofs.statement(json, 1).chunks, 1);
        assertGt(Proofs.statement(json, 2).blobHashes.length, 1);
        assertGt(Proofs.statement(json, 2).operations, 1);
        uint256 deposits;
        uint256 exits;
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            if (Proofs.statement(json, i).depositsTo != 0) deposits++;
            if (Proofs.statement(json, i).exitsTo != 0) exits++;
        }
        assertGt(deposits, 0);
        assertGt(exits, 0);
    }

    // --- forged statements

    /// @custom:rule F2
    function test_RevertWhen_TheProofIsForAnotherSlot() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            // The header contains the slot.
            statement.headerHash = keccak256("the same block in another slot");
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2, J4
    function test_RevertWhen_TheProofIsForAnotherRollup() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            statement.domain ^= 1;
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_ARootIsAnother() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            statement.stateRoot = bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.StateRootMismatch.selector);
            proof.chunks[proof.chunks.length - 1].stateRoot = bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
            (statement, proof) = _load(i);
            statement.parentRoot = bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_TheBlockIsEmptyButClaimsAnotherRoot() public {
        (Statement memory statement, BlockProof memory proof) = _load(1);
        proof.chunks[0].stateRoot = statement.parentRoot;
        _reject(1, statement, proof, BlockVerifier.BlobRejected.selector);
    }

    /// @custom:rule F2, F3
    function test_RevertWhen_ARecipientIsAnother() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            statement.payee = makeAddr("thief");
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
            (statement, proof) = _load(i);
            statement.feeRecipient += 1;
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_TheBlobIsAnother() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            uint256 other = (i + 1) % Proofs.COUNT;
            (Statement memory otherStatement, BlockProof memory otherProof) = _load(other);
            statement.blobHashes[0] = otherStatement.blobHashes[0];
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
            proof.openings[0] = otherProof.openings[0];
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2, Z5
    function test_RevertWhen_BlobsAreSwapped() public {
        (Statement memory statement, BlockProof memory proof) = _load(2);
        (statement.blobHashes[0], statement.blobHashes[1]) = (statement.blobHashes[1], statement.blobHashes[0]);
        (proof.openings[0], proof.openings[1]) = (proof.openings[1], proof.openings[0]);
        _reject(2, statement, proof, BlockVerifier.BlobRejected.selector);
    }

    // --- forged chunks

    /// @custom:rule F2
    function test_RevertWhen_AChunkIsDropped() public {
        (Statement memory statement, BlockProof memory proof) = _load(1);
        ChunkProof[] memory kept = new ChunkProof[](2);
        (kept[0], kept[1]) = (proof.chunks[1], proof.chunks[2]);
        proof.chunks = kept;
        _reject(1, statement, proof, BlockProofDecoder.WrongChunkCount.selector);
        statement.chunks = 2;
        kept[0].consumed = 8;
        kept[1].consumed = proof.queue.length - 8;
        _reject(1, statement, proof, BlockVerifier.BlobRejected.selector);
    }

    /// @custom:rule F2
    function test_RevertWhen_ChunksAreSwapped() public {
        for (uint256 i = 1; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            (proof.chunks[1], proof.chunks[2]) = (proof.chunks[2], proof.chunks[1]);
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_ChunkProofsAreSwapped() public {
        for (uint256 i = 1; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            (proof.chunks[1].a, proof.chunks[2].a) = (proof.chunks[2].a, proof.chunks[1].a);
            (proof.chunks[1].b, proof.chunks[2].b) = (proof.chunks[2].b, proof.chunks[1].b);
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_AChunkIsRepeated() public {
        for (uint256 i = 1; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            uint256 consumed = proof.chunks[2].consumed;
            proof.chunks[2] = abi.decode(abi.encode(proof.chunks[1]), (ChunkProof));
            proof.chunks[2].consumed = consumed;
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
            (statement, proof) = _load(i);
            proof.chunks[2].a = proof.chunks[1].a;
            proof.chunks[2].b = proof.chunks[1].b;
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
        }
    }

    /// @custom:rule F2
    function test_RevertWhen_ChunksValuesAreShifted() public {
        // The blob's value stays correct, but the chunks' parts of it do not.
        (Statement memory statement, BlockProof memory proof) = _load(1);
        proof.chunks[0].y = bytes32(addmod(uint256(proof.chunks[0].y), 1, ScalarField.ORDER));
        proof.chunks[1].y = bytes32(addmod(uint256(proof.chunks[1].y), ScalarField.ORDER - 1, ScalarField.ORDER));
        _reject(1, statement, proof, BlockVerifier.ProofRejected.selector);
    }

    /// @custom:rule F2
    function test_RevertWhen_TheDataCommitmentIsAnother() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            proof.chunks[0].commitment = bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    // --- forged points and inputs

    /// @custom:rule F2, Z8
    function test_RevertWhen_PointsAreOffTheCurve() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            proof.chunks[0].a[3] ^= bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
            (, proof) = _load(i);
            proof.chunks[0].b[7] ^= bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
            (, proof) = _load(i);
            proof.c[3] ^= bytes32(uint256(1));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
        }
    }

    /// @custom:rule F2, Z8
    function test_RevertWhen_PointsAreOutOfTheSubgroup() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            ChunkProof memory chunk = proof.chunks[0];
            chunk.a = abi.decode(Curve.add1(abi.encode(chunk.a), Curve.COFACTOR_G1), (bytes32[4]));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
            (, proof) = _load(i);
            chunk = proof.chunks[0];
            chunk.b = abi.decode(Curve.add2(abi.encode(chunk.b), Curve.COFACTOR_G2), (bytes32[8]));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
            (, proof) = _load(i);
            proof.c = abi.decode(Curve.add1(abi.encode(proof.c), Curve.COFACTOR_G1), (bytes32[4]));
            _reject(i, statement, proof, BlockVerifier.ProofRejected.selector);
        }
    }

    /// @custom:rule F2, Z1
    function test_RevertWhen_InputsAreNotReduced() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            proof.chunks[0].y = bytes32(uint256(proof.chunks[0].y) + ScalarField.ORDER);
            _reject(i, statement, proof, BlockVerifier.OutOfField.selector);
            (, proof) = _load(i);
            proof.chunks[0].stateRoot = bytes32(uint256(proof.chunks[0].stateRoot) + ScalarField.ORDER);
            _reject(i, statement, proof, BlockVerifier.OutOfField.selector);
            (, proof) = _load(i);
            statement.parentRoot = bytes32(uint256(statement.parentRoot) + ScalarField.ORDER);
            _reject(i, statement, proof, BlockVerifier.OutOfField.selector);
        }
    }

    // --- forged queue

    /// @custom:rule F2, W3
    function test_RevertWhen_AQueuedOperationIsAnother() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            proof.queue[0].head += 1;
            _reject(i, statement, proof, BlockVerifier.OperationsMismatch.selector);
            (, proof) = _load(i);
            (proof.queue[0], proof.queue[1]) = (proof.queue[1], proof.queue[0]);
            _reject(i, statement, proof, BlockVerifier.OperationsMismatch.selector);
        }
    }

    /// @custom:rule F2, W3
    function test_RevertWhen_TheBridgeHasAnotherQueue() public {
        for (uint256 i = 0; i < Proofs.COUNT; i++) {
            (Statement memory statement, BlockProof memory proof) = _load(i);
            proof.queue[0].head += 1;
            (statement.depositsTo, statement.exitsTo) = _hashes(statement, proof.queue);
            // The challenge z changes.
            _reject(i, statement, proof, BlockVerifier.BlobRejected.selector);
        }
    }

    /// @dev The hashes of both lanes after the operations.
    function _hashes(Statement memory statement, L1Operation[] memory queue)
        internal
        pure
        returns (bytes32 deposits, bytes32 exits)
    {
        (deposits, exits) = (statement.depositsFrom, statement.exitsFrom);
        for (uint256 i = 0; i < queue.length; i++) {
            if (queue[i].head < L1Operations.EXIT) deposits = keccak256(abi.encode(deposits, queue[i]));
            else exits = keccak256(abi.encode(exits, queue[i]));
        }
    }

    /// @custom:rule F2, Z4
    function test_RevertWhen_OperationsMoveToAnotherChunk() public {
        (Statement memory statement, BlockProof memory proof) = _load(1);
        proof.chunks[0].consumed -= 1;
        proof.chunks[1].consumed += 1;
        _reject(1, statement, proof, BlockVerifier.ProofRejected.selector);
    }

    // --- withdrawals and forced exits

    /// @dev Queues a case's operations on a real Bridge. The Bridge's rolling hashes must equal the client's.
    function _play(Bridge bridge, address rollup, uint256 i) internal {
        string memory at_ = string.concat(".cases[", vm.toString(i), "].queue");
        uint256 count = Proofs.statement(json, i).operations;
        // All deposits before an exit are final.
        Tip memory tip;
        tip.depositsEnd = type(uint64).max;
        vm.mockCall(rollup, abi.encodeCall(IRollup.tip, ()), abi.encode(tip));
        for (uint256 n = 0; n < count; n++) {
            string memory item = string.concat(at_, "[", vm.toString(n), "]");
            uint32 index = SafeCast.toUint32(vm.parseJsonUint(json, string.concat(item, ".index")));
            if (keccak256(bytes(vm.parseJsonString(json, string.concat(item, ".kind")))) == keccak256("exit")) {
                address to = vm.parseJsonAddress(json, string.concat(item, ".to"));
                (, uint64 exitableFrom) = bridge.account(index);
                // The case exits twice in a row, which the Bridge refuses. This resets the first exit's mark.
                if (exitableFrom == 0) _forgetExit(bridge, index);
                vm.prank(_owner(index));
                bridge.forceExit(index, to);
            } else {
                (, uint32 assigned) = bridge.deposit(
                    _owner(index),
                    uint256(vm.parseJsonBytes32(json, string.concat(item, ".x"))),
                    uint256(vm.parseJsonBytes32(json, string.concat(item, ".y"))),
                    SafeCast.toUint64(vm.parseJsonUint(json, string.concat(item, ".amount")))
                );
                assertEq(assigned, index);
            }
        }
        _sameHash(bridge, Lane.Deposits, Proofs.statement(json, i).depositsTo);
        _sameHash(bridge, Lane.Exits, Proofs.statement(json, i).exitsTo);
    }

    /// @dev A case that consumes nothing of a lane has no hash of it.
    function _sameHash(Bridge bridge, Lane lane, bytes32 expected) internal view {
        if (expected != 0) assertEq(bridge.chain(lane, bridge.count(lane)), expected);
    }

    function _owner(uint32 index) internal pure returns (address) {
        return address(uint160(0xace000) + index);
    }

    function _forgetExit(Bridge bridge, uint32 index) internal {
        // `_accounts` is the mapping in storage slot 3; `exitableFrom` follows the owner's 160 bits.
        bytes32 place = keccak256(abi.encode(index, uint256(3)));
        bytes32 word = vm.load(address(bridge), place);
        assertEq(word, bytes32(uint256(uint160(_owner(index)))));
        vm.store(address(bridge), place, word | bytes32(uint256(1) << 160));
    }

    function _claim(Bridge bridge, address rollup, uint256 i, uint256 number)
        internal
        returns (ProvenWithdrawal memory withdrawal)
    {
        withdrawal = Proofs.withdrawal(json, i, number);
        WithdrawalProof memory claim;
        claim.header.slot = Slot.wrap(SafeCast.toUint64(i));
        claim.header.blobHashes = Proofs.statement(json, i).blobHashes;
        claim.blob = withdrawal.blob;
        claim.element = withdrawal.element;
        claim.withdrawal = withdrawal.withdrawal;
        claim.target = withdrawal.target;
        claim.commitment = withdrawal.commitment;
        claim.withdrawalOpening = withdrawal.withdrawalOpening;
        claim.targetOpening = withdrawal.targetOpening;
        vm.mockCall(
            rollup,
            abi.encodeCall(IRollup.finalizedHeader, (claim.header.slot)),
            abi.encode(keccak256(abi.encode(claim.header)))
        );
        bridge.claim(claim);
        bytes memory reason =
            abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, i, withdrawal.blob, withdrawal.element);
        vm.expectRevert(reason);
        bridge.claim(claim);
    }

    /// @custom:rule W4, Y1, Y4
    function test_WithdrawalsAndForcedExitsOfRealBlobsAreClaimed() public {
        for (uint256 i = 1; i < Proofs.COUNT; i++) {
            TestToken token = new TestToken();
            address rollup = makeAddr("rollup");
            Bridge bridge = new Bridge(IERC20(address(token)), IRollup(rollup), 1e9, 1, 0, 12);
            token.mint(address(this), 1e30);
            token.approve(address(bridge), 1e30);
            _play(bridge, rollup, 0);
            _play(bridge, rollup, i);
            uint256 supply = bridge.supply();
            uint256 exits = 0;
            for (uint256 block_ = 0; block_ <= i; block_ += i) {
                for (uint256 number = 0; number < Proofs.withdrawals(json, block_); number++) {
                    uint256 before = token.balanceOf(Proofs.withdrawal(json, block_, number).to);
                    ProvenWithdrawal memory withdrawal = _claim(bridge, rollup, block_, number);
                    assertEq(token.balanceOf(withdrawal.to), before + withdrawal.amount * 1e9);
                    supply -= withdrawal.amount;
                    // A forced exit has a mark in the place of a transfer's recipient.
                    if (uint32(uint256(withdrawal.withdrawal) >> 32) == 1) exits++;
                }
            }
            assertEq(exits, 3);
            assertEq(bridge.supply(), supply);
        }
    }
}
