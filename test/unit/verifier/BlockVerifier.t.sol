// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Operation} from "../../../contracts/interfaces/IBridge.sol";
import {Statement} from "../../../contracts/interfaces/IStateTransitionVerifier.sol";
import {BlockProof, BlockProofDecoder, ChunkProof} from "../../../contracts/verifier/BlockProof.sol";
import {BlockVerifier} from "../../../contracts/verifier/BlockVerifier.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {VerifyingKey} from "../../../contracts/verifier/VerifyingKey.sol";
import {Curve} from "../../support/Curve.sol";
import {Trapdoor} from "../../support/Trapdoor.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Test} from "forge-std/Test.sol";

contract BlockVerifierTest is Test {
    uint256 internal constant ELEMENTS = 8;
    uint256 internal constant PER_BLOB = 3;
    uint16 internal constant FEE_BURN = 1234;
    bytes32 internal constant GENESIS = bytes32(uint256(7));
    bytes32 internal constant DEPOSITS_BEFORE = "deposits before";
    bytes32 internal constant EXITS_BEFORE = "exits before";

    Trapdoor internal trapdoor;
    BlockVerifier internal verifier;

    function setUp() public {
        trapdoor = new Trapdoor(ELEMENTS, PER_BLOB, FEE_BURN);
        verifier = new BlockVerifier(trapdoor.key(), ELEMENTS, ELEMENTS, PER_BLOB, GENESIS, FEE_BURN);
    }

    /// @dev A deposit, a forced exit, a deposit and so on.
    function _operations(uint256 count) internal pure returns (L1Operation[] memory operations) {
        operations = new L1Operation[](count);
        for (uint256 i = 0; i < count; i++) {
            operations[i] = L1Operation({
                head: (uint256(keccak256(abi.encode("head", i))) >> 160) + (i % 2 == 0 ? 0 : 2 ** 96),
                x: uint256(keccak256(abi.encode("x", i))) >> 2,
                y: uint256(keccak256(abi.encode("y", i))) >> 2
            });
        }
    }

    /// @dev The hashes of both lanes after the operations.
    function _hashes(L1Operation[] memory operations) internal pure returns (bytes32 deposits, bytes32 exits) {
        (deposits, exits) = (DEPOSITS_BEFORE, EXITS_BEFORE);
        for (uint256 i = 0; i < operations.length; i++) {
            if (operations[i].head < 2 ** 96) deposits = keccak256(abi.encode(deposits, operations[i]));
            else exits = keccak256(abi.encode(exits, operations[i]));
        }
    }

    function _statement(uint32 chunks, L1Operation[] memory operations)
        internal
        view
        returns (Statement memory statement)
    {
        (bytes32 deposits, bytes32 exits) = _hashes(operations);
        statement = Statement({
            headerHash: keccak256("header"),
            parentRoot: keccak256("parent") >> 2,
            stateRoot: keccak256("state") >> 2,
            chunks: chunks,
            blobHashes: trapdoor.versionedHashes((chunks + PER_BLOB - 1) / PER_BLOB),
            depositsFrom: DEPOSITS_BEFORE,
            depositsTo: deposits,
            exitsFrom: EXITS_BEFORE,
            exitsTo: exits,
            operations: uint64(operations.length),
            feeRecipient: 9,
            payee: address(0xbeef),
            domain: uint256(keccak256("domain")) >> 3
        });
    }

    function _counts(uint256 chunks, uint256 first) internal pure returns (uint256[] memory counts) {
        counts = new uint256[](chunks);
        counts[0] = first;
    }

    /// @dev A block with `chunks` chunks. The last one consumes one of three operations, and the first the others.
    function _block(uint32 chunks) internal view returns (Statement memory statement, BlockProof memory proof) {
        L1Operation[] memory operations = _operations(3);
        statement = _statement(chunks, operations);
        uint256[] memory counts = _counts(chunks, 2);
        counts[chunks - 1] += 1;
        proof = trapdoor.prove(statement, operations, counts);
    }

    function _reject(Statement memory statement, BlockProof memory proof, bytes memory reason) internal {
        vm.expectRevert(reason);
        verifier.verify(statement, abi.encode(proof));
    }

    function _rejectProof(Statement memory statement, BlockProof memory proof) internal {
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.ProofRejected.selector));
    }

    // --- what must pass

    /// @custom:rule F2, Z6
    function test_AcceptsBlocksOfOneToSevenChunks() public view {
        for (uint32 chunks = 1; chunks <= 7; chunks++) {
            (Statement memory statement, BlockProof memory proof) = _block(chunks);
            verifier.verify(statement, abi.encode(proof));
        }
    }

    /// @custom:rule F2
    function test_AcceptsABlockWithoutOperations() public view {
        L1Operation[] memory none = new L1Operation[](0);
        Statement memory statement = _statement(2, none);
        verifier.verify(statement, abi.encode(trapdoor.prove(statement, none, _counts(2, 0))));
    }

    /// @custom:rule F2
    function test_AcceptsABlockWithoutPayeeOrFeeRecipient() public view {
        L1Operation[] memory none = new L1Operation[](0);
        Statement memory statement = _statement(1, none);
        statement.payee = address(0);
        statement.feeRecipient = 0;
        verifier.verify(statement, abi.encode(trapdoor.prove(statement, none, _counts(1, 0))));
    }

    /// @custom:rule F2, Z2, Z4, Z6
    function testFuzz_AcceptsWhatIsProven(uint8 chunks, uint8 operations, bytes32 seed, address payee, uint32 recipient)
        public
        view
    {
        L1Operation[] memory queued = _operations(operations % 6);
        Statement memory statement = _statement(uint32(chunks % 4) + 1, queued);
        statement.headerHash = seed;
        statement.parentRoot = keccak256(abi.encode(seed, "parent")) >> 2;
        statement.stateRoot = keccak256(abi.encode(seed, "state")) >> 2;
        statement.payee = payee;
        statement.feeRecipient = recipient;
        uint256[] memory counts = _counts(statement.chunks, queued.length);
        verifier.verify(statement, abi.encode(trapdoor.prove(statement, queued, counts)));
    }

    /// @custom:rule F2, Y3
    function test_BlobCountRoundsUp() public view {
        assertEq(verifier.blobCount(0), 0);
        assertEq(verifier.blobCount(1), 1);
        assertEq(verifier.blobCount(3), 1);
        assertEq(verifier.blobCount(4), 2);
        assertEq(verifier.blobCount(type(uint256).max), type(uint256).max / 3);
        assertEq(verifier.genesisRoot(), GENESIS);
    }

    // --- another statement

    /// @custom:rule F2, Z2
    function test_RevertWhen_AnyPartOfTheStatementIsAnother() public {
        for (uint32 chunks = 1; chunks <= 4; chunks += 3) {
            (Statement memory statement, BlockProof memory proof) = _block(chunks);
            bytes memory encoded = abi.encode(statement);
            Statement memory forged = abi.decode(encoded, (Statement));
            // The challenge z changes, so the blob is asked for another value than the chunks'.
            forged.headerHash = keccak256("another header");
            _reject(forged, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
            forged = abi.decode(encoded, (Statement));
            forged.domain += 1;
            _reject(forged, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
            forged = abi.decode(encoded, (Statement));
            forged.parentRoot = bytes32(uint256(forged.parentRoot) ^ 1);
            _reject(forged, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
            forged = abi.decode(encoded, (Statement));
            forged.payee = address(0xbad);
            _reject(forged, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
            forged = abi.decode(encoded, (Statement));
            forged.feeRecipient += 1;
            _reject(forged, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        }
    }

    /// @dev The blobs open at the forged statement's z, so only the pairing can fail.
    /// @custom:rule F2, Z6
    function test_RevertWhen_TheChunksWereProvenForAnotherStatement() public {
        for (uint256 part = 0; part < 6; part++) {
            L1Operation[] memory operations = _operations(2);
            Statement memory statement = _statement(2, operations);
            bytes32[4] memory proven = trapdoor.prove(statement, operations, _counts(2, 2)).c;
            if (part == 0) statement.headerHash = keccak256("another header");
            if (part == 1) statement.domain += 1;
            if (part == 2) statement.parentRoot = bytes32(uint256(statement.parentRoot) ^ 1);
            if (part == 3) statement.payee = address(0xbad);
            if (part == 4) statement.feeRecipient += 1;
            if (part == 5) statement.stateRoot = bytes32(uint256(statement.stateRoot) ^ 1);
            BlockProof memory proof = trapdoor.prove(statement, operations, _counts(2, 2));
            verifier.verify(statement, abi.encode(proof));
            proof.c = proven;
            _rejectProof(statement, proof);
        }
    }

    /// @custom:rule F2, J13, Z2
    function test_RevertWhen_TheProofBurnsAnotherShareOfTheFees() public {
        for (uint16 bps = 0; bps <= 10_000; bps += 5_000) {
            Trapdoor other = new Trapdoor(ELEMENTS, PER_BLOB, bps);
            L1Operation[] memory none = new L1Operation[](0);
            Statement memory statement = _statement(1, none);
            BlockProof memory proof = other.prove(statement, none, _counts(1, 0));
            new BlockVerifier(other.key(), 8, ELEMENTS, PER_BLOB, GENESIS, bps).verify(statement, abi.encode(proof));
            _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        }
        assertEq(verifier.feeBurnBps(), FEE_BURN);
    }

    /// @custom:rule F2, Z2
    function test_RevertWhen_TheStateRootIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes32 proven = statement.stateRoot;
        statement.stateRoot = bytes32(uint256(proven) ^ 1);
        _reject(
            statement,
            proof,
            abi.encodeWithSelector(BlockVerifier.StateRootMismatch.selector, statement.stateRoot, proven)
        );
        // The challenge depends on it.
        proof.chunks[1].stateRoot = statement.stateRoot;
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
    }

    /// @custom:rule F2, Z2
    function test_RevertWhen_ARootBetweenChunksIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        proof.chunks[1].stateRoot = bytes32(uint256(proof.chunks[1].stateRoot) ^ 1);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
    }

    // --- blobs

    /// @custom:rule F2, Z5
    function test_RevertWhen_TheBlobIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(4);
        bytes32 first = statement.blobHashes[0];
        statement.blobHashes[0] = statement.blobHashes[1];
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        proof.openings[0] = proof.openings[1];
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        statement.blobHashes[0] = first;
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
    }

    /// @custom:rule F2, Z5
    function test_RevertWhen_AnOpeningIsMalformed() public {
        (Statement memory statement, BlockProof memory proof) = _block(4);
        proof.openings[1][2] = bytes32(uint256(proof.openings[1][2]) ^ 1);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 1));
    }

    /// @custom:rule F2, Z5, Z6
    function test_RevertWhen_AChunksValueIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        proof.chunks[0].y = bytes32(uint256(proof.chunks[0].y) ^ 1);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        // The sum stays the same, so the blob has it, but the chunks do not have their parts.
        (statement, proof) = _block(2);
        proof.chunks[0].y = bytes32(addmod(uint256(proof.chunks[0].y), 1, ScalarField.ORDER));
        proof.chunks[1].y = bytes32(addmod(uint256(proof.chunks[1].y), ScalarField.ORDER - 1, ScalarField.ORDER));
        _rejectProof(statement, proof);
    }

    /// @custom:rule F2, Y3
    function test_RevertWhen_TheBlobCountIsWrong() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        statement.blobHashes = trapdoor.versionedHashes(2);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.WrongBlobCount.selector, 1, 2));
        statement.blobHashes = new bytes32[](0);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.WrongBlobCount.selector, 1, 0));
    }

    // --- chunks

    /// @custom:rule F2, Y3
    function test_RevertWhen_ThereAreNoChunks() public {
        (Statement memory statement, BlockProof memory proof) = _block(1);
        statement.chunks = 0;
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.NoChunks.selector));
    }

    /// @custom:rule F2, Z2, Z7
    function test_RevertWhen_AChunkIsDropped() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        ChunkProof[] memory two = new ChunkProof[](2);
        (two[0], two[1]) = (proof.chunks[0], proof.chunks[2]);
        proof.chunks = two;
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongChunkCount.selector, 3, 2));
        statement.chunks = 2;
        // The challenge z changes.
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
    }

    /// @custom:rule F2, Z2
    function test_RevertWhen_ChunksAreSwapped() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        (proof.chunks[0], proof.chunks[1]) = (proof.chunks[1], proof.chunks[0]);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
    }

    /// @custom:rule F2, Z6
    function test_RevertWhen_OnlyThePointsOfChunksAreSwapped() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        (proof.chunks[0].a, proof.chunks[1].a) = (proof.chunks[1].a, proof.chunks[0].a);
        (proof.chunks[0].b, proof.chunks[1].b) = (proof.chunks[1].b, proof.chunks[0].b);
        _rejectProof(statement, proof);
    }

    /// @custom:rule F2, Z2, Z6
    function test_RevertWhen_AChunkIsRepeated() public {
        (Statement memory statement, BlockProof memory proof) = _block(3);
        uint256 consumed = proof.chunks[1].consumed;
        proof.chunks[1] = abi.decode(abi.encode(proof.chunks[0]), (ChunkProof));
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, 1, 2));
        proof.chunks[1].consumed = consumed;
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0));
        (statement, proof) = _block(3);
        proof.chunks[1].a = proof.chunks[0].a;
        proof.chunks[1].b = proof.chunks[0].b;
        _rejectProof(statement, proof);
    }

    // --- operations of the queue

    /// @custom:rule F2, Y7
    function test_RevertWhen_AnOperationIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        for (uint256 field = 0; field < 3; field++) {
            BlockProof memory forged = abi.decode(encoded, (BlockProof));
            // The last deposit, then the forced exit.
            L1Operation memory operation = forged.queue[2];
            if (field == 0) operation.head += 1;
            if (field == 1) operation.x += 1;
            if (field == 2) operation.y += 1;
            (bytes32 deposits,) = _hashes(forged.queue);
            _reject(statement, forged, _mismatch(statement.depositsTo, deposits));
            forged = abi.decode(encoded, (BlockProof));
            operation = forged.queue[1];
            if (field == 0) operation.head += 1;
            if (field == 1) operation.x += 1;
            if (field == 2) operation.y += 1;
            (, bytes32 exits) = _hashes(forged.queue);
            _reject(statement, forged, _mismatch(statement.exitsTo, exits));
        }
    }

    function _mismatch(bytes32 expected, bytes32 actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(BlockVerifier.OperationsMismatch.selector, expected, actual);
    }

    /// @dev An operation of one lane never counts for the other. Deposits are compared first.
    /// @custom:rule F2, W6, Y7
    function test_RevertWhen_AnOperationChangesItsLane() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        proof.queue[1].head -= 2 ** 96;
        (bytes32 deposits,) = _hashes(proof.queue);
        _reject(statement, proof, _mismatch(statement.depositsTo, deposits));
        proof = abi.decode(encoded, (BlockProof));
        proof.queue[2].head += 2 ** 96;
        (deposits,) = _hashes(proof.queue);
        _reject(statement, proof, _mismatch(statement.depositsTo, deposits));
        // The hashes of the lanes are swapped.
        proof = abi.decode(encoded, (BlockProof));
        (statement.depositsTo, statement.exitsTo) = (statement.exitsTo, statement.depositsTo);
        _reject(statement, proof, _mismatch(statement.depositsTo, statement.exitsTo));
    }

    /// @dev The lanes may be mixed in any way, each in its own order. The order of the data is the proven one.
    /// @custom:rule F2, W6, Y7
    function test_TheLanesMayBeMixedInAnyWay() public {
        L1Operation[] memory operations = _operations(4);
        Statement memory statement = _statement(1, operations);
        // Deposits have the indices 0 and 2, exits 1 and 3.
        uint8[4][6] memory orders;
        orders = [[0, 1, 2, 3], [0, 2, 1, 3], [1, 3, 0, 2], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]];
        bytes32[4] memory proven;
        for (uint256 i = 0; i < 6; i++) {
            L1Operation[] memory mixed = new L1Operation[](4);
            for (uint256 j = 0; j < 4; j++) {
                mixed[j] = operations[orders[i][j]];
            }
            BlockProof memory proof = trapdoor.prove(statement, mixed, _counts(1, 4));
            verifier.verify(statement, abi.encode(proof));
            if (i != 0) {
                proof.c = proven;
                _rejectProof(statement, proof);
            } else {
                proven = proof.c;
            }
        }
        // Within a lane, another order is another queue.
        (operations[0], operations[2]) = (operations[2], operations[0]);
        (bytes32 deposits,) = _hashes(operations);
        _reject(
            statement, trapdoor.prove(statement, operations, _counts(1, 4)), _mismatch(statement.depositsTo, deposits)
        );
        (operations[0], operations[2]) = (operations[2], operations[0]);
        (operations[1], operations[3]) = (operations[3], operations[1]);
        (, bytes32 exits) = _hashes(operations);
        _reject(statement, trapdoor.prove(statement, operations, _counts(1, 4)), _mismatch(statement.exitsTo, exits));
    }

    /// @dev A block may consume one lane only. The hashes of the other one are zero.
    /// @custom:rule F2, V4
    function test_AcceptsABlockThatConsumesOneLane() public view {
        for (uint256 lane = 0; lane < 2; lane++) {
            L1Operation[] memory operations = new L1Operation[](2);
            (operations[0], operations[1]) = (_operations(4)[lane], _operations(4)[lane + 2]);
            Statement memory statement = _statement(1, operations);
            if (lane == 0) (statement.exitsFrom, statement.exitsTo) = (bytes32(0), bytes32(0));
            else (statement.depositsFrom, statement.depositsTo) = (bytes32(0), bytes32(0));
            verifier.verify(statement, abi.encode(trapdoor.prove(statement, operations, _counts(1, 2))));
        }
    }

    /// @dev The least operation that is no deposit.
    /// @custom:rule F2, Y6
    function test_ABitTellsTheLanesApart() public view {
        L1Operation[] memory operations = new L1Operation[](2);
        operations[0] = L1Operation(2 ** 96 - 1, 1, 1);
        operations[1] = L1Operation(2 ** 96, 1, 0);
        Statement memory statement = _statement(1, operations);
        statement.depositsTo = keccak256(abi.encode(DEPOSITS_BEFORE, operations[0]));
        statement.exitsTo = keccak256(abi.encode(EXITS_BEFORE, operations[1]));
        verifier.verify(statement, abi.encode(trapdoor.prove(statement, operations, _counts(1, 2))));
    }

    /// @custom:rule F2, Z4
    function test_RevertWhen_TheQueueHasOtherOperationsThanTheBlock() public {
        // L1's queue is consistent, but the chunks were proven with other operations.
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes32[4] memory proven = proof.c;
        L1Operation[] memory others = _operations(3);
        others[2].head += 1;
        Statement memory other = _statement(2, others);
        uint256[] memory counts = _counts(2, 2);
        counts[1] = 1;
        proof = trapdoor.prove(other, others, counts);
        verifier.verify(other, abi.encode(proof));
        proof.c = proven;
        _rejectProof(other, proof);
        assertTrue(statement.depositsTo != other.depositsTo);
    }

    /// @custom:rule F2, Z4
    function test_RevertWhen_OperationsAreDividedInAnotherWay() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        proof.chunks[0].consumed = 1;
        proof.chunks[1].consumed = 2;
        _rejectProof(statement, proof);
    }

    /// @custom:rule F2, Y8
    function test_RevertWhen_OperationCountsDontSumToTheBlocks() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        proof.chunks[1].consumed = 0;
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, 3, 2));
        proof.chunks[1].consumed = 2;
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, 1, 2));
        proof.chunks[1].consumed = type(uint256).max;
        _reject(
            statement,
            proof,
            abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, 1, type(uint256).max)
        );
    }

    /// @dev A proof that would hold. A chunk can't consume more operations than it has slots.
    /// @custom:rule F2, Y8
    function test_RevertWhen_AChunkConsumesMoreThanItHasRoomFor() public {
        uint256 most = verifier.operations();
        L1Operation[] memory operations = _operations(most + 2);
        Statement memory statement = _statement(2, operations);
        uint256[] memory counts = _counts(2, most);
        counts[1] = 2;
        verifier.verify(statement, abi.encode(trapdoor.prove(statement, operations, counts)));
        (counts[0], counts[1]) = (most + 1, 1);
        _reject(
            statement,
            trapdoor.prove(statement, operations, counts),
            abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, most, most + 1)
        );
    }

    /// @custom:rule F2, Y8
    function test_RevertWhen_TheBlockConsumesAnotherNumberOfOperations() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        statement.operations = 2;
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, 2, 3));
        statement.operations = type(uint64).max;
        _reject(
            statement,
            proof,
            abi.encodeWithSelector(BlockProofDecoder.WrongOperationCount.selector, type(uint64).max, 3)
        );
    }

    // --- inputs and points

    /// @custom:rule F2, Z1
    function test_RevertWhen_AnInputIsNotInTheField() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        for (uint256 field = 0; field < 3; field++) {
            BlockProof memory forged = abi.decode(encoded, (BlockProof));
            ChunkProof memory chunk = forged.chunks[0];
            // The same field element in another encoding.
            bytes32 value = field == 0 ? chunk.stateRoot : field == 1 ? chunk.y : chunk.commitment;
            value = bytes32(uint256(value) + ScalarField.ORDER);
            if (field == 0) chunk.stateRoot = value;
            if (field == 1) chunk.y = value;
            if (field == 2) chunk.commitment = value;
            _reject(statement, forged, abi.encodeWithSelector(BlockVerifier.OutOfField.selector, value));
        }
        statement.parentRoot = bytes32(uint256(statement.parentRoot) + ScalarField.ORDER);
        _reject(statement, proof, abi.encodeWithSelector(BlockVerifier.OutOfField.selector, statement.parentRoot));
    }

    /// @custom:rule F2, Z8
    function test_RevertWhen_APointIsOffTheCurve() public {
        for (uint32 chunks = 1; chunks <= 2; chunks++) {
            (Statement memory statement, BlockProof memory proof) = _block(chunks);
            bytes memory encoded = abi.encode(proof);
            for (uint256 point = 0; point < 3; point++) {
                BlockProof memory forged = abi.decode(encoded, (BlockProof));
                ChunkProof memory chunk = forged.chunks[chunks - 1];
                if (point == 0) chunk.a[3] = bytes32(uint256(chunk.a[3]) ^ 1);
                if (point == 1) chunk.b[7] = bytes32(uint256(chunk.b[7]) ^ 1);
                if (point == 2) forged.c[3] = bytes32(uint256(forged.c[3]) ^ 1);
                _rejectProof(statement, forged);
            }
        }
    }

    /// @custom:rule F2, Z8
    function test_RevertWhen_APointIsOutOfTheSubgroup() public {
        for (uint32 chunks = 1; chunks <= 2; chunks++) {
            (Statement memory statement, BlockProof memory proof) = _block(chunks);
            bytes memory encoded = abi.encode(proof);
            for (uint256 point = 0; point < 3; point++) {
                BlockProof memory forged = abi.decode(encoded, (BlockProof));
                ChunkProof memory chunk = forged.chunks[chunks - 1];
                // Adding a point of cofactor order does not change the value of the pairing.
                bytes memory sum;
                if (point == 0) {
                    sum = Curve.add1(abi.encode(chunk.a), Curve.COFACTOR_G1);
                    chunk.a = abi.decode(sum, (bytes32[4]));
                }
                if (point == 1) {
                    sum = Curve.add2(abi.encode(chunk.b), Curve.COFACTOR_G2);
                    chunk.b = abi.decode(sum, (bytes32[8]));
                }
                if (point == 2) {
                    sum = Curve.add1(abi.encode(forged.c), Curve.COFACTOR_G1);
                    forged.c = abi.decode(sum, (bytes32[4]));
                }
                _rejectProof(statement, forged);
            }
        }
    }

    /// @custom:rule F2, Z6
    function test_RevertWhen_PointsAreAtInfinity() public {
        (Statement memory statement, BlockProof memory proof) = _block(1);
        delete proof.c;
        _rejectProof(statement, proof);
        delete proof.chunks[0].a;
        delete proof.chunks[0].b;
        _rejectProof(statement, proof);
    }

    /// @custom:rule F2, Z8
    function test_RevertWhen_ACoordinateIsNotBelowTheModulus() public {
        (Statement memory statement, BlockProof memory proof) = _block(1);
        proof.chunks[0].a[0] = bytes32(uint256(1) << 255);
        _rejectProof(statement, proof);
    }

    /// @custom:rule F2, Z5, Z6
    function test_RevertWhen_ThePrecompilesAreMissing() public {
        (Statement memory statement, BlockProof memory proof) = _block(1);
        bytes memory encoded = abi.encode(proof);
        uint160[4] memory precompiles = [uint160(0x0a), 0x0b, 0x0c, 0x0f];
        for (uint256 i = 0; i < 4; i++) {
            // It answers like an address without code.
            vm.mockCall(address(precompiles[i]), "", "");
            vm.expectRevert(
                i == 0
                    ? abi.encodeWithSelector(BlockVerifier.BlobRejected.selector, 0)
                    : abi.encodeWithSelector(BlockVerifier.ProofRejected.selector)
            );
            verifier.verify(statement, encoded);
            vm.clearMockedCalls();
        }
    }

    /// @dev A precompile of EIP-2537 or EIP-4844 burns all gas of a call with a malformed point. Each call gets four
    /// times its price. A refused proof therefore costs more than a valid one, but less than four times as much,
    /// whatever gas there is.
    /// @custom:rule Z10
    function test_attack_malformedPointsBurnNoMoreThanTheCap() public view {
        for (uint32 chunks = 1; chunks <= 2; chunks++) {
            (Statement memory statement, BlockProof memory proof) = _block(chunks);
            bytes memory encoded = abi.encode(proof);
            (bool accepted, uint256 price) = _cost(statement, encoded);
            assertTrue(accepted);
            for (uint256 point = 0; point < 4; point++) {
                BlockProof memory forged = abi.decode(encoded, (BlockProof));
                if (point == 0) forged.chunks[0].a[3] ^= bytes32(uint256(1));
                if (point == 1) forged.chunks[0].b[7] ^= bytes32(uint256(1));
                if (point == 2) forged.c[3] ^= bytes32(uint256(1));
                if (point == 3) forged.openings[0][1] ^= bytes32(uint256(1));
                (bool success, uint256 used) = _cost(statement, abi.encode(forged));
                assertFalse(success);
                assertLt(used, 4 * price);
                // B and C are inputs of the pairing, which comes last and costs the most.
                if (point == 1 || point == 2) assertGt(used, 2 * price);
            }
        }
    }

    /// @dev Whether the verifier, with 30 million gas, accepts a proof, and the gas that it used.
    function _cost(Statement memory statement, bytes memory proof) private view returns (bool success, uint256 used) {
        bytes memory call = abi.encodeCall(BlockVerifier.verify, (statement, proof));
        used = gasleft();
        (success,) = address(verifier).staticcall{gas: 30_000_000}(call);
        used -= gasleft();
    }

    // --- bytes

    /// @custom:rule F2, Z7
    function test_RevertWhen_TheProofIsCutOff() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        for (uint256 length = 0; length < encoded.length; length += 31) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; i++) {
                cut[i] = encoded[i];
            }
            vm.expectPartialRevert(BlockProofDecoder.MalformedProof.selector);
            verifier.verify(statement, cut);
        }
    }

    /// @custom:rule F2, Z7
    function test_RevertWhen_TheProofGoesOn() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        vm.expectRevert(abi.encodeWithSelector(BlockProofDecoder.MalformedProof.selector, encoded.length));
        verifier.verify(statement, bytes.concat(encoded, hex"00"));
    }

    /// @custom:rule F2, Z7
    function test_RevertWhen_AnOffsetIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        uint256[4] memory positions = [uint256(0), 160, 192, 224];
        for (uint256 i = 0; i < 4; i++) {
            bytes memory forged = bytes.concat(encoded);
            uint256 position = positions[i];
            assembly ("memory-safe") {
                mstore(add(add(forged, 32), position), not(0))
            }
            vm.expectRevert(abi.encodeWithSelector(BlockProofDecoder.MalformedProof.selector, position));
            verifier.verify(statement, forged);
        }
    }

    /// @custom:rule F2, Z7
    function test_RevertWhen_TheOpeningsCountIsAnother() public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        proof.openings = new bytes32[3][](2);
        _reject(statement, proof, abi.encodeWithSelector(BlockProofDecoder.WrongOpeningCount.selector, 1, 2));
    }

    function _assertOwnError(bytes memory reason) internal pure {
        assertGe(reason.length, 4);
        // Cast: the selector is the first four bytes.
        assertNotEq(bytes4(reason), bytes4(keccak256("Panic(uint256)")));
    }

    /// @custom:rule F2, M1
    function testFuzz_NeverPanics(uint32 chunks, bytes memory proof) public {
        L1Operation[] memory none = new L1Operation[](0);
        Statement memory statement = _statement(chunks % 3 + 1, none);
        (bool ok, bytes memory reason) =
            address(verifier).staticcall(abi.encodeCall(verifier.verify, (statement, proof)));
        assertFalse(ok);
        _assertOwnError(reason);
    }

    /// @dev Replaces one word of a valid proof.
    /// @custom:rule F2
    function testFuzz_NoForgedWordIsAccepted(uint256 position, uint256 value) public {
        (Statement memory statement, BlockProof memory proof) = _block(2);
        bytes memory encoded = abi.encode(proof);
        position = bound(position, 0, encoded.length / 32 - 1) * 32;
        uint256 old;
        assembly ("memory-safe") {
            let place := add(add(encoded, 32), position)
            old := mload(place)
            mstore(place, value)
        }
        vm.assume(old != value);
        (bool ok, bytes memory reason) =
            address(verifier).staticcall(abi.encodeCall(verifier.verify, (statement, encoded)));
        assertFalse(ok);
        _assertOwnError(reason);
    }

    // --- construction

    /// @custom:rule M4, Y2, J13
    function test_RevertWhen_AParameterIsBad() public {
        bytes memory key = trapdoor.key();
        _rejectParameters(key, 8, 12, 1, 0, 0, "elements");
        _rejectParameters(key, 8, 8192, 1, 0, 0, "elements");
        _rejectParameters(key, 0, 8, 1, 0, 0, "operations");
        _rejectParameters(key, 9, 8, 1, 0, 0, "operations");
        _rejectParameters(key, 8, 8, 0, 0, 0, "chunksPerBlob");
        _rejectParameters(key, 8, 8, 513, 0, 0, "chunksPerBlob");
        _rejectParameters(key, 8, 8, 1, bytes32(ScalarField.ORDER), 0, "genesisRoot");
        _rejectParameters(key, 1, 1, 1, 0, 0, "operations");
        _rejectParameters(key, 8, 8, 1, 0, 10_001, "feeBurnBps");
        _rejectParameters(key, 8, 8, 1, 0, type(uint16).max, "feeBurnBps");
        new BlockVerifier(key, 8, 8, 512, 0, 10_000);
        new BlockVerifier(key, 2, 2, 2048, 0, 0);
        new BlockVerifier(key, 4096, 4096, 1, 0, 1);
    }

    function _rejectParameters(
        bytes memory key,
        uint256 operations,
        uint256 elements,
        uint256 perBlob,
        bytes32 root,
        uint16 feeBurn,
        string memory name
    ) internal {
        vm.expectRevert(abi.encodeWithSelector(BlockVerifier.BadParameter.selector, name));
        new BlockVerifier(key, operations, elements, perBlob, root, feeBurn);
    }

    /// @custom:rule M4, Z9
    function test_RevertWhen_TheKeysLengthIsWrong() public {
        bytes memory key = bytes.concat(trapdoor.key(), hex"00");
        vm.expectRevert(abi.encodeWithSelector(VerifyingKey.WrongKeyLength.selector, 1536, 1537));
        new BlockVerifier(key, 8, 8, 1, 0, 0);
    }

    /// @custom:rule M4, Z9
    function test_RevertWhen_APointOfTheKeyIsInvalid() public {
        // The order is alpha, beta, gamma, delta, then the IC points.
        for (uint256 i = 0; i < 9; i++) {
            bytes memory key = trapdoor.key();
            uint256 end = i == 0 ? 128 : i < 4 ? 128 + 256 * i : 896 + 128 * (i - 3);
            key[end - 1] ^= 0x01;
            vm.expectRevert(VerifyingKey.InvalidVerifyingKey.selector);
            new BlockVerifier(key, 8, 8, 1, 0, 0);
        }
        for (uint256 i = 0; i < 4; i++) {
            bytes memory key = trapdoor.key();
            uint256 start = i == 0 ? 0 : 128 + 256 * (i - 1);
            for (uint256 j = start; j < start + (i == 0 ? 128 : 256); j++) {
                key[j] = 0;
            }
            vm.expectRevert(VerifyingKey.InvalidVerifyingKey.selector);
            new BlockVerifier(key, 8, 8, 1, 0, 0);
        }
    }

    /// @custom:rule M4, Z9
    function test_TheKeyIsDataThatNobodyCanRun() public view {
        bytes memory code = verifier.verifyingKey().code;
        assertEq(code.length, VerifyingKey.STORED_LENGTH + 1);
        assertEq(code[0], bytes1(0));
    }
}
