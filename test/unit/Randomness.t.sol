// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Randomness} from "../../contracts/Randomness.sol";
import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {HeaderFields, L1} from "../support/L1.sol";
import {Test} from "forge-std/Test.sol";

/// @title Mixes come from headers of L1 blocks only
contract RandomnessTest is Test {
    uint64 private constant GENESIS_TIME = 1_000_000;
    L1Slot private constant TARGET = L1Slot.wrap(120);
    bytes32 private constant SEED_DOMAIN = "fernet.seed.v1";
    bytes32 private constant MIX = keccak256("mix");

    Randomness private randomness;

    function setUp() public {
        _warp(100);
        randomness = new Randomness(GENESIS_TIME, 12);
        _warp(130);
    }

    function _warp(uint256 l1Slot) private {
        vm.warp(GENESIS_TIME + l1Slot * 12);
        vm.roll(5000 + l1Slot);
    }

    function _fields(uint256 l1Slot) private pure returns (HeaderFields memory fields) {
        fields.parentHash = keccak256("parent");
        fields.number = 5000 + l1Slot;
        fields.timestamp = GENESIS_TIME + l1Slot * 12;
        fields.mixHash = MIX;
        fields.more = L1.prague();
    }

    /// @dev Makes L1 slots `parent` and `child` those of two successive blocks, and encodes the proof.
    function _chain(uint256 parent, uint256 child) private returns (bytes memory) {
        return _chain(_fields(parent), _fields(child));
    }

    function _chain(HeaderFields memory parent, HeaderFields memory child) private returns (bytes memory) {
        bytes memory parentHeader = L1.header(parent);
        child.parentHash = keccak256(parentHeader);
        bytes memory header = L1.header(child);
        L1.setBlockHash(child.number, keccak256(header));
        return abi.encode(header, parentHeader);
    }

    /// @custom:rule R1
    function test_provesTheMixOfTheFirstBlockAfterTheTarget() public {
        bytes memory proof = _chain(120, 121);
        vm.expectEmit();
        emit IRandomness.MixProven(TARGET, MIX, 5121);
        assertEq(randomness.prove(TARGET, proof), MIX);
        assertEq(randomness.mixAt(TARGET), MIX);
        assertEq(randomness.seed(Slot.wrap(7), TARGET), keccak256(abi.encode(SEED_DOMAIN, MIX, uint256(7))));
    }

    /// @custom:rule R1, T1
    function test_missedL1SlotsMoveOnToTheNextBlock() public {
        assertEq(randomness.prove(TARGET, _chain(115, 129)), MIX);
        assertEq(randomness.prove(L1Slot.wrap(115), _chain(115, 129)), MIX);
        assertEq(randomness.prove(L1Slot.wrap(128), _chain(115, 129)), MIX);
    }

    /// @custom:rule R2
    function test_aKnownMixIsLeftAsItIs() public {
        randomness.prove(TARGET, _chain(120, 121));
        assertEq(randomness.prove(TARGET, "garbage"), MIX);
    }

    /// @dev The mix is the same, whoever submits the proof, when, and for which target.
    /// @custom:rule R2
    function test_theHistoryContractServesOlderBlocks() public {
        _warp(121 + 8191);
        bytes memory proof = _chain(120, 121);
        vm.prank(address(0xdead));
        assertEq(randomness.prove(TARGET, proof), MIX);
    }

    /// @custom:rule R2
    function test_aBlockThatWasLastServedByBlockhashIsServedByHistoryOneLater() public {
        _warp(121 + 256);
        uint256 snapshot = vm.snapshotState();
        assertEq(randomness.prove(TARGET, _chain(120, 121)), MIX);
        vm.revertToState(snapshot);
        _warp(121 + 257);
        assertEq(randomness.prove(TARGET, _chain(120, 121)), MIX);
    }

    /// @custom:rule R2
    function test_RevertWhen_theBlockIsTooOld() public {
        _warp(121 + 8192);
        bytes memory proof = _chain(120, 121);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.BlockHashUnavailable.selector, 5121));
        randomness.prove(TARGET, proof);
    }

    /// @custom:rule R2
    function test_RevertWhen_theBlockIsNotThereYet() public {
        bytes memory proof = _chain(_fields(120), _fields(121));
        HeaderFields memory future = _fields(121);
        future.number = block.number;
        proof = abi.encode(L1.header(future), L1.header(_fields(120)));
        vm.expectRevert(abi.encodeWithSelector(IRandomness.BlockHashUnavailable.selector, block.number));
        randomness.prove(TARGET, proof);
        future.number = type(uint64).max;
        proof = abi.encode(L1.header(future), L1.header(_fields(120)));
        vm.expectRevert(abi.encodeWithSelector(IRandomness.BlockHashUnavailable.selector, type(uint64).max));
        randomness.prove(TARGET, proof);
    }

    /// @custom:rule R5
    function test_RevertWhen_theMixIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IRandomness.UnknownMix.selector, TARGET));
        randomness.seed(Slot.wrap(1), TARGET);
    }

    /// @custom:rule R2
    function test_RevertWhen_theTargetIsNotReached() public {
        L1Slot now_ = L1Slot.wrap(130);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.TargetNotReached.selector, now_, now_));
        randomness.prove(now_, "");
        L1Slot highest = L1Slot.wrap(type(uint64).max);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.TargetNotReached.selector, highest, now_));
        randomness.prove(highest, "");
    }

    /// @dev A block from before the clock's genesis counts as a block of L1 slot 0.
    /// @custom:rule R1
    function test_theFirstMixIsThatOfL1SlotZero() public {
        HeaderFields memory parent = _fields(0);
        parent.timestamp = GENESIS_TIME - 5;
        _warp(50);
        assertEq(randomness.prove(L1Slot.wrap(0), _chain(parent, _fields(1))), MIX);
    }

    /// @custom:rule R2
    function test_RevertWhen_theHeaderIsOfAnotherChainOrFork() public {
        bytes memory proof = _chain(120, 121);
        HeaderFields memory forged = _fields(121);
        forged.parentHash = keccak256(L1.header(_fields(120)));
        bytes32 expected = keccak256(L1.header(forged));
        forged.mixHash = keccak256("forged");
        bytes memory header = L1.header(forged);
        proof = abi.encode(header, L1.header(_fields(120)));
        vm.expectRevert(abi.encodeWithSelector(IRandomness.WrongBlockHash.selector, 5121, expected, keccak256(header)));
        randomness.prove(TARGET, proof);
    }

    /// @custom:rule R2
    function test_RevertWhen_theParentIsAnother() public {
        (bytes memory header, bytes memory parent) = abi.decode(_chain(120, 121), (bytes, bytes));
        bytes memory other = L1.header(_fields(119));
        vm.expectRevert(
            abi.encodeWithSelector(IRandomness.WrongParentHash.selector, keccak256(parent), keccak256(other))
        );
        randomness.prove(TARGET, abi.encode(header, other));
    }

    /// @custom:rule R2
    function test_RevertWhen_theHeaderIsNotAfterTheTarget() public {
        bytes memory proof = _chain(119, 120);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NotAfterTarget.selector, TARGET, L1Slot.wrap(120)));
        randomness.prove(TARGET, proof);
    }

    /// @dev A later block has another mix, which the submitter could choose.
    /// @custom:rule R2
    function test_RevertWhen_theHeaderIsNotTheFirstAfterTheTarget() public {
        bytes memory proof = _chain(121, 122);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.ParentAfterTarget.selector, TARGET, L1Slot.wrap(121)));
        randomness.prove(TARGET, proof);
    }

    /// @custom:rule R2
    function test_aBlockFromBeforeTheClockCountsAsL1SlotZero() public {
        HeaderFields memory old = _fields(0);
        old.timestamp = GENESIS_TIME - 1;
        old.number = 5121;
        bytes memory proof = _chain(_fields(120), old);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NotAfterTarget.selector, TARGET, L1Slot.wrap(0)));
        randomness.prove(TARGET, proof);
    }

    // ---- without the parent ---------------------------------------------------------------------------------------

    /// @dev A header with a known block hash, as a proof without a parent.
    function _alone(HeaderFields memory child) private returns (bytes memory) {
        bytes memory header = L1.header(child);
        L1.setBlockHash(child.number, keccak256(header));
        return abi.encode(header, "");
    }

    /// @custom:rule R2
    function test_aBlockAtTheStartOfTheNextL1SlotNeedsNoParent() public {
        bytes memory proof = _alone(_fields(121));
        assertEq(randomness.mixOf(TARGET, proof), MIX);
        assertEq(randomness.mixAt(TARGET), 0, "looking keeps nothing");
        vm.expectEmit();
        emit IRandomness.MixProven(TARGET, MIX, 5121);
        assertEq(randomness.prove(TARGET, proof), MIX);
    }

    /// @dev If the block is a second later, its L1 slot may contain an earlier block. If it is after a missed L1 slot,
    /// the missed one may.
    /// @custom:rule R2
    function test_RevertWhen_theParentIsNeeded() public {
        HeaderFields memory late = _fields(121);
        late.timestamp += 1;
        bytes memory proof = _alone(late);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.ParentNeeded.selector, TARGET, late.timestamp));
        randomness.prove(TARGET, proof);
        HeaderFields memory missed = _fields(122);
        proof = _alone(missed);
        vm.expectRevert(abi.encodeWithSelector(IRandomness.ParentNeeded.selector, TARGET, missed.timestamp));
        randomness.prove(TARGET, proof);
        proof = _alone(_fields(120));
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NotAfterTarget.selector, TARGET, L1Slot.wrap(120)));
        randomness.prove(TARGET, proof);
    }

    // ---- encodings ------------------------------------------------------------------------------------------------

    /// @custom:rule R3
    function test_headersOfEveryForkSinceLondonAreRead() public {
        bytes[5] memory more = [
            bytes(""),
            L1.string32(keccak256("withdrawals")),
            L1.prague(),
            abi.encodePacked(L1.prague(), L1.integer(0), L1.integer(5), hex"c3010203", hex"b838", new bytes(56)),
            abi.encodePacked(L1.prague(), hex"8180", hex"81ff") // strings of one byte that need their prefix
        ];
        for (uint64 i = 0; i < 5; ++i) {
            HeaderFields memory child = _fields(126);
            child.more = more[i];
            assertEq(randomness.prove(L1Slot.wrap(121 + i), _chain(_fields(121), child)), MIX);
        }
    }

    /// @dev A base fee from 128 to 255 is a string of one byte: the only integers that need a prefix for one byte.
    /// @custom:rule R3
    function test_anIntegerOfOneByteMayNeedItsPrefix() public {
        HeaderFields memory child = _fields(121);
        child.more = "";
        bytes memory parent = L1.header(_fields(120));
        child.parentHash = keccak256(parent);
        bytes memory header = L1.header(child);
        // Without the list's prefix of three bytes, and without the base fee of 7, which is the last byte.
        bytes memory fields = new bytes(header.length - 4);
        for (uint256 i = 0; i < fields.length; ++i) {
            fields[i] = header[i + 3];
        }
        header = L1.list(abi.encodePacked(fields, hex"8180"));
        L1.setBlockHash(child.number, keccak256(header));
        assertEq(randomness.prove(L1Slot.wrap(120), abi.encode(header, parent)), MIX);
    }

    /// @custom:rule R2
    function test_RevertWhen_theProofsEncodingIsMalformed() public {
        (bytes memory header, bytes memory parent) = abi.decode(_chain(120, 121), (bytes, bytes));
        bytes memory good = abi.encode(header, parent);
        bytes[7] memory bad;
        bad[0] = "";
        bad[1] = new bytes(127);
        bad[2] = abi.encodePacked(type(uint256).max, uint256(64), new bytes(64));
        bad[3] = abi.encodePacked(uint256(64), type(uint256).max, new bytes(64));
        bad[4] = abi.encodePacked(uint256(96), uint256(64), uint256(0), type(uint256).max);
        bad[5] = abi.encodePacked(uint256(97), uint256(64), uint256(0), uint256(0));
        bad[6] = abi.encodePacked(uint256(64), uint256(96), uint256(33), uint256(0));
        for (uint256 i = 0; i < 7; ++i) {
            if (i == 6) {
                // 32 bytes are left for a string of 33 bytes.
                vm.expectRevert(IRandomness.MalformedProof.selector);
            } else {
                vm.expectRevert(IRandomness.MalformedProof.selector);
            }
            randomness.prove(TARGET, bad[i]);
        }
        assertEq(randomness.prove(TARGET, good), MIX);
    }

    function _expectMalformed(bytes memory header, uint256 position) private {
        vm.expectRevert(abi.encodeWithSelector(IRandomness.MalformedHeader.selector, position));
        randomness.prove(TARGET, abi.encode(header, ""));
    }

    function _with(bytes memory header, uint256 position, bytes1 value) private pure returns (bytes memory changed) {
        changed = bytes.concat(header);
        changed[position] = value;
    }

    /// @dev A header with `tail` instead of everything from the difficulty on.
    function _tail(bytes memory tail) private pure returns (bytes memory) {
        bytes memory header = L1.header(_fields(121));
        bytes memory start = new bytes(445);
        for (uint256 i = 0; i < 445; ++i) {
            start[i] = header[i + 3];
        }
        return L1.list(abi.encodePacked(start, tail));
    }

    /// @custom:rule R3
    function test_RevertWhen_theHeadIsMalformed() public {
        bytes memory header = L1.header(_fields(121));
        _expectMalformed("", 0);
        _expectMalformed(new bytes(448), 448);
        _expectMalformed(new bytes(449), 0);
        _expectMalformed(_with(header, 0, 0xf8), 0);
        _expectMalformed(_with(header, 2, 0x00), 0);
        _expectMalformed(abi.encodePacked(header, uint8(1)), 0);
        uint256[7] memory prefixes = [uint256(3), 36, 69, 90, 123, 156, 189];
        for (uint256 i = 0; i < 7; ++i) {
            _expectMalformed(_with(header, prefixes[i], 0xa1), prefixes[i]);
        }
        // A payload of more than 65,535 bytes, whose length overflows into the prefix.
        bytes memory huge = new bytes(0x10000 + 3);
        huge[0] = 0xfa;
        _expectMalformed(huge, 0);
    }

    /// @custom:rule R3
    function test_RevertWhen_anIntegerIsMalformed() public {
        _expectMalformed(_tail(hex"00"), 448); // zero as a byte
        _expectMalformed(_tail(hex"8105"), 448); // a small number as a string
        _expectMalformed(_tail(hex"820005"), 448); // leading zero
        _expectMalformed(_tail(hex"8201"), 448); // cut
        _expectMalformed(_tail(hex"a1000000000000000000000000000000000000000000000000000000000000000000"), 448);
        _expectMalformed(_tail(hex"c0"), 448); // a list
        _expectMalformed(_tail(hex"80"), 449); // nothing follows
        _expectMalformed(_tail(hex"8089010000000000000000"), 449); // a number of nine bytes
        _expectMalformed(
            _tail(
                hex"80018080" // a time of nine bytes
                hex"89010000000000000000"
            ),
            452
        );
        bytes memory wide = abi.encodePacked(hex"a101", new bytes(32));
        _expectMalformed(_tail(abi.encodePacked(hex"8001", wide)), 450); // a gas limit of 33 bytes
        _expectMalformed(_tail(abi.encodePacked(hex"800180", wide)), 451); // gas used of 33 bytes
    }

    /// @dev The empty string is the number zero, and L1's history has no hash of block zero.
    /// @custom:rule R2, R3
    function test_RevertWhen_theBlocksNumberIsZero() public {
        HeaderFields memory first = _fields(121);
        first.number = 0;
        vm.expectRevert(abi.encodeWithSelector(IRandomness.BlockHashUnavailable.selector, 0));
        randomness.prove(TARGET, abi.encode(L1.header(first), ""));
    }

    /// @custom:rule R3
    function test_RevertWhen_theExtraDataIsMalformed() public {
        _expectMalformed(_tail(hex"8001808001"), 453);
        _expectMalformed(_tail(hex"8001808001c0"), 453);
        _expectMalformed(_tail(hex"800180800183aabb"), 453);
        _expectMalformed(_tail(hex"80018080018105"), 453);
        _expectMalformed(_tail(hex"8001808001b801ff"), 453); // a short string in the long form
        _expectMalformed(_tail(hex"8001808001b90000"), 453); // leading zero in a length
        _expectMalformed(_tail(abi.encodePacked(hex"8001808001b90038", new bytes(56))), 453);
        _expectMalformed(_tail(hex"8001808001b8"), 453);
        _expectMalformed(_tail(hex"8001808001b838aa"), 453);
    }

    /// @custom:rule R3
    function test_RevertWhen_theMixOrTheNonceOrTheBaseFeeIsMalformed() public {
        bytes memory start = hex"800180800180";
        bytes memory mix = L1.string32(MIX);
        _expectMalformed(_tail(start), 454);
        _expectMalformed(_tail(abi.encodePacked(start, hex"a0aa")), 454);
        _expectMalformed(_tail(abi.encodePacked(start, hex"a1", new bytes(33))), 454);
        _expectMalformed(_tail(abi.encodePacked(start, mix)), 487);
        _expectMalformed(_tail(abi.encodePacked(start, mix, hex"87", new bytes(8))), 487);
        bytes memory nonce = abi.encodePacked(start, mix, hex"88", new bytes(8));
        _expectMalformed(_tail(nonce), 496);
        _expectMalformed(_tail(abi.encodePacked(nonce, hex"00")), 496);
        _expectMalformed(_tail(abi.encodePacked(nonce, hex"a101", new bytes(32))), 496); // 33 bytes
    }

    /// @custom:rule R3
    function test_RevertWhen_aLaterFieldIsMalformed() public {
        bytes memory start = abi.encodePacked(hex"800180800180", L1.string32(MIX), hex"88", new bytes(8), hex"07");
        _expectMalformed(_tail(abi.encodePacked(start, hex"a0ff")), 497);
        _expectMalformed(_tail(abi.encodePacked(start, hex"05c2ff")), 498);
        _expectMalformed(_tail(abi.encodePacked(start, hex"f838ff")), 497);
        _expectMalformed(_tail(abi.encodePacked(start, hex"8101")), 497);
        _expectMalformed(_tail(abi.encodePacked(start, hex"ffffffffffffffffff")), 497);
    }

    /// @dev Any bytes give a declared error of the contract.
    /// @custom:rule R2, R3, M1
    function testFuzz_anyBytesRevertWithAnOwnError(bytes calldata proof, uint256 seed) public {
        bytes memory mutated = _chain(120, 121);
        for (uint256 i = 0; i < 3; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            // Cast: the low byte.
            mutated[seed % mutated.length] = bytes1(uint8(seed >> 8));
        }
        _check(mutated);
        _check(proof);
    }

    function _check(bytes memory proof) private {
        try randomness.prove(TARGET, proof) returns (bytes32 mix) {
            assertEq(mix, MIX);
        } catch (bytes memory reason) {
            assertGe(reason.length, 4, "an empty revert");
            // Cast: the selector, of a reason with at least four bytes.
            assertNotEq(bytes4(reason), bytes4(0x4e487b71), "a panic");
        }
    }
}
