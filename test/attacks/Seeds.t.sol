// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {Header, IRollup, Phase} from "../../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {HeaderFields, L1} from "../support/L1.sol";

/// @title Attacks on the ranking: on seeds, on their proofs, and on the time in which they are known
contract SeedAttacks is Fixture {
    // ---- late registration ----------------------------------------------------------------------------------------

    /// @dev A registration after the start of a slot never counts for the next slot, whether it comes before or after
    /// the next slot's seed is known.
    /// @custom:rule Q14
    function test_attack_registeringAfterTheSeedIsReadable() public {
        uint64 start = _view().start;
        uint256 snapshot = vm.snapshotState();
        for (uint256 wait = 0; wait < 13; ++wait) {
            _warp(start + wait);
            (address attester,) = makeAddrAndKey("latecomer");
            SequencerId id = _register(owners[0], attester);
            assertEq(staking.eligibleAttester(id, L1Slot.wrap(start)), address(0));
            _warp(start + 13);
            assertEq(_view().previousStart, start);
            Slot slot = _slot();
            bytes memory proof = _seedProof(_view().seedAt);
            vm.prank(attester);
            vm.expectRevert(abi.encodeWithSelector(IRollup.NotEligible.selector, id, L1Slot.wrap(start)));
            rollup.propose(slot, id, "header", proof, "");
            vm.revertToState(snapshot);
        }
    }

    // ---- grinding -------------------------------------------------------------------------------------------------

    /// @dev A prover withholds its proof, L1 slot by L1 slot, to get a better seed for the next slot. The seed stays
    /// the same.
    /// @custom:rule S3, R4
    function test_attack_grindingByDelayingFinalization() public {
        Header memory header = _revealed(0);
        uint64 start = _view().start;
        uint64 from = _now();
        bytes32 expected = keccak256(abi.encode(SEED_DOMAIN, _mix(start + 3), _view().slot + 1));
        uint256 snapshot = vm.snapshotState();
        for (uint256 delay = 0; delay < 41; ++delay) {
            _warp(from + delay);
            _finalize(prover, header, prover);
            assertEq(_view().seedAt, start + 2, "where the seed comes from");
            _warp(_view().start);
            _propose(1);
            assertEq(reader.currentSlot().seed, expected);
            vm.revertToState(snapshot);
        }
    }

    /// @dev A sequencer looks for the L1 block that gives it the best score. All blocks give it the same score, and it
    /// has one proposal.
    /// @custom:rule P1, D5, R2
    function test_attack_reproposingAtLaterL1Blocks() public {
        uint64 start = _view().start;
        uint192 expected;
        uint256 snapshot = vm.snapshotState();
        for (uint256 wait = 0; wait < 4; ++wait) {
            _warp(start + wait);
            _propose(0);
            uint192 score = reader.candidates()[0].score;
            if (wait == 0) expected = score;
            assertEq(score, expected);
            if (wait != 3) vm.revertToState(snapshot);
        }
        Slot slot = _slot();
        vm.prank(attesters[0]);
        vm.expectRevert(abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(0)));
        rollup.propose(slot, _id(0), "another", "", "");
    }

    // ---- forged headers -------------------------------------------------------------------------------------------

    function _fields(uint256 l1Slot) private pure returns (HeaderFields memory) {
        return HeaderFields({
            parentHash: keccak256("parent"),
            number: BLOCK_OF_SLOT_0 + l1Slot,
            timestamp: GENESIS_TIME + l1Slot * SLOT_SECONDS,
            mixHash: _mix(l1Slot),
            more: L1.prague()
        });
    }

    /// @dev Sequencer 0 proposes with a header of the L1 slot after the seed's, without a parent.
    function _proposeWith(bytes memory header, bytes memory reason) private {
        Slot slot = _slot();
        vm.prank(attesters[0]);
        vm.expectRevert(reason);
        rollup.propose(slot, _id(0), "header", abi.encode(header, bytes("")), "");
    }

    /// @dev The header of the L1, and the error with which another header in its place is refused.
    function _real() private returns (HeaderFields memory fields, bytes32 hash) {
        fields = _fields(_view().seedAt + 1);
        hash = keccak256(L1.header(fields));
        L1.setBlockHash(fields.number, hash);
    }

    function _wrong(HeaderFields memory fields, bytes32 hash, bytes memory header) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRandomness.WrongBlockHash.selector, fields.number, hash, keccak256(header));
    }

    /// @custom:rule R2
    function test_attack_aHeaderFromAnotherChain() public {
        (HeaderFields memory fields, bytes32 hash) = _real();
        fields.mixHash = keccak256("another chain's");
        bytes memory header = L1.header(fields);
        _proposeWith(header, _wrong(fields, hash, header));
    }

    /// @dev A reorg replaced the block. Its former header proves nothing.
    /// @custom:rule R2
    function test_attack_aHeaderFromAStaleFork() public {
        (HeaderFields memory fields,) = _real();
        bytes memory stale = L1.header(fields);
        HeaderFields memory canonical = _fields(_view().seedAt + 1);
        canonical.mixHash = keccak256("canonical");
        bytes32 hash = keccak256(L1.header(canonical));
        L1.setBlockHash(fields.number, hash);
        _proposeWith(stale, _wrong(fields, hash, stale));
    }

    /// @dev A header with more fields than the L1's. It is decoded, as a header of a future fork would be, and its hash
    /// is refused.
    /// @custom:rule R2, R3
    function test_attack_aHeaderWithExtraFields() public {
        (HeaderFields memory fields, bytes32 hash) = _real();
        fields.more = abi.encodePacked(fields.more, L1.integer(7));
        bytes memory header = L1.header(fields);
        _proposeWith(header, _wrong(fields, hash, header));
    }

    /// @custom:rule R3
    function test_attack_aHeaderWithMissingFields() public {
        (HeaderFields memory fields, bytes32 hash) = _real();
        fields.more = "";
        bytes memory header = L1.header(fields);
        _proposeWith(header, _wrong(fields, hash, header));
        // Without the base fee, its last field, it is not a header.
        bytes memory payload = new bytes(header.length - 4);
        for (uint256 i = 0; i < payload.length; ++i) {
            payload[i] = header[3 + i];
        }
        header = L1.list(payload);
        _proposeWith(header, abi.encodeWithSelector(IRandomness.MalformedHeader.selector, header.length));
    }

    /// @dev The block after the right one has another mix. It is refused because of its parent.
    /// @custom:rule R1, R2
    function test_attack_aLaterHeaderOfTheSameChain() public {
        uint64 seedAt = _view().seedAt;
        bytes memory parent = _l1Header(seedAt + 1, keccak256("earlier"));
        bytes memory child = _l1Header(seedAt + 2, keccak256(parent));
        L1.setBlockHash(BLOCK_OF_SLOT_0 + seedAt + 2, keccak256(child));
        Slot slot = _slot();
        vm.prank(attesters[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IRandomness.ParentAfterTarget.selector, L1Slot.wrap(seedAt), L1Slot.wrap(seedAt + 1))
        );
        rollup.propose(slot, _id(0), "header", abi.encode(child, parent), "");
    }

    // ---- gaps of the L1 -------------------------------------------------------------------------------------------

    /// @dev There is no L1 block for hours or days, in the middle of a slot. The first blocks after the gap prove a
    /// seed and settle the slot once, and the next block is made as usual.
    /// @custom:rule T1, S4, S5
    function test_attack_l1GapsOfHoursAndDays() public {
        uint256[4] memory gaps = [uint256(25), 300, 7200, 3 * 7200];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < gaps.length; ++i) {
            _committed(0);
            _afterGap(gaps[i]);
            vm.revertToState(snapshot);
        }
    }

    function _afterGap(uint256 gap) private {
        uint64 before = _now();
        uint64 slotBefore = _view().slot;
        uint256 number = vm.getBlockNumber();
        // The gap ends with a block in the L1 slot before a slot starts, so this slot's seed is from the gap.
        vm.warp(GENESIS_TIME + (before + gap) * SLOT_SECONDS);
        vm.roll(number + 1);
        CurrentSlot memory current = _view();
        uint64 start = current.start;
        while (start <= _now() || start > _now() + 13) start += 13;
        uint64 ended = start - 1;
        vm.warp(GENESIS_TIME + uint256(start) * SLOT_SECONDS);
        vm.roll(number + 2);
        current = _view();
        assertGt(current.slot, slotBefore);
        assertEq(current.start, start);
        _phaseIs(Phase.Proposal);
        assertGt(current.seedAt, before, "the seed is of the gap");
        assertLt(current.seedAt, ended);

        HeaderFields memory fields = _fields(before);
        fields.number = number;
        bytes memory parent = L1.header(fields);
        fields = _fields(ended);
        fields.number = number + 1;
        fields.parentHash = keccak256(parent);
        bytes memory child = L1.header(fields);
        L1.setBlockHash(number + 1, keccak256(child));
        Header memory header = _headerOf(1);
        vm.prank(attesters[1]);
        rollup.propose(header.slot, _id(1), _hash(header), abi.encode(child, parent), "");
        assertEq(reader.currentSlot().seed, keccak256(abi.encode(SEED_DOMAIN, _mix(ended), current.slot)));
        assertEq(_stake(0), STAKE - 5e18, "it didn't reveal, as its slot went on without L1 blocks");
        assertEq(escrow.account(prover).locked, 0);

        vm.warp(GENESIS_TIME + uint256(start + 4) * SLOT_SECONDS);
        _commit(1, header);
        _reveal(header);
        _finalize(prover, header, prover);
        assertEq(rollup.tip().headerHash, _hash(header));
        assertEq(_stake(1), STAKE);
    }
}
