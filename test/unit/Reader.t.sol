// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EscrowView, Overview, SequencerView} from "../../contracts/interfaces/IReader.sol";
import {Header, Phase} from "../../contracts/interfaces/IRollup.sol";
import {Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title The reader's views equal the contracts' state
contract ReaderTest is Fixture {
    /// @custom:rule M5, W6
    function test_theOverviewHasEverythingAtOnce() public {
        (address owner, uint32 index) = _funded("exiting");
        vm.prank(owner);
        bridge.forceExit(index, owner);
        Header memory header = _headerOf(0);
        _consume(header, 0, 0);
        _revealed(0, header);
        _deposits(2);
        Overview memory overview = reader.overview();
        assertEq(L1Slot.unwrap(overview.l1Slot), _now());
        assertEq(L1Slot.unwrap(overview.pausedUntil), 0);
        assertEq(uint256(overview.slot.phase), uint256(Phase.ExclusiveProving));
        assertEq(abi.encode(overview.slot), abi.encode(reader.currentSlot()));
        assertEq(abi.encode(overview.slot.candidates), abi.encode(reader.candidates()));
        assertEq(abi.encode(overview.tip), abi.encode(rollup.tip()));
        assertEq(abi.encode(overview.rates), abi.encode(_rates()));
        assertEq(overview.pendingDeposits, 2);
        assertEq(overview.pendingExits, 1);
        assertEq(overview.tip.depositsEnd, 1);
        assertEq(L1Slot.unwrap(overview.slot.turnStart), L1Slot.unwrap(overview.slot.start) + 4);
        assertEq(overview.slot.paidL1Slots, 5);
        assertFalse(overview.unsettled);
        assertTrue(rollup.slotInTurn() == header.slot);

        _warp(_now() + 70);
        overview = reader.overview();
        assertEq(L1Slot.unwrap(overview.slot.turnStart), 0);
        assertTrue(overview.unsettled);
        assertEq(overview.slot.candidates.length, 0);
        assertTrue(rollup.slotInTurn() == header.slot.advance(1));
        rollup.settle();
        assertFalse(reader.overview().unsettled);

        vm.prank(guardian);
        rollup.pause();
        assertEq(L1Slot.unwrap(reader.overview().pausedUntil), _now() + 50);
    }

    /// @custom:rule M5
    function test_sequencersComeInPagesWithTheirStatus() public {
        _propose(1);
        vm.prank(owners[2]);
        staking.initiateExit(_id(2));
        SequencerId late = _register(relay, relay);
        SequencerView[] memory all = reader.sequencers(_id(0), 100);
        assertEq(all.length, 5);
        for (uint256 i = 0; i < 5; ++i) {
            assertTrue(all[i].id == _id(i));
            assertEq(all[i].candidate, i == 1);
            assertEq(abi.encode(all[i].registration), abi.encode(staking.sequencer(_id(i))));
            assertEq(uint256(all[i].status), uint256(staking.statusOf(_id(i))));
        }
        assertEq(uint256(all[0].status), uint256(Status.Active));
        assertEq(uint256(all[2].status), uint256(Status.Exiting));
        assertEq(uint256(all[4].status), uint256(Status.Queued));
        SequencerView[] memory page = reader.sequencers(_id(3), 1);
        assertEq(page.length, 1);
        assertTrue(page[0].id == _id(3));
        page = reader.sequencers(_id(3), 10);
        assertEq(page.length, 2);
        assertTrue(page[1].id == late);
        assertEq(reader.sequencers(_id(5), 10).length, 0);
        assertEq(reader.sequencers(SequencerId.wrap(0), 10).length, 0);
    }

    /// @custom:rule M5, E14
    function test_theEscrowSaysWhatItIsGoodFor() public {
        EscrowView memory escrowView = reader.escrow(prover);
        assertEq(escrowView.affordableBonds, 100);
        assertFalse(escrowView.withdrawable);
        assertEq(escrowView.signer, address(0));
        vm.startPrank(prover);
        escrow.requestWithdrawal(995e18);
        escrow.setSigner(relay);
        escrow.setSigner(payee);
        vm.stopPrank();
        escrowView = reader.escrow(prover);
        assertEq(abi.encode(escrowView.account), abi.encode(escrow.account(prover)));
        assertEq(escrowView.affordableBonds, 0, "5 tokens are no bond");
        assertFalse(escrowView.withdrawable);
        assertEq(escrowView.signer, relay);
        _warp(_now() + 99);
        assertFalse(reader.escrow(prover).withdrawable);
        _warp(_now() + 1);
        assertTrue(reader.escrow(prover).withdrawable);
        assertEq(reader.escrow(prover).signer, payee);
    }

    /// @dev A price below zero shares its word with an address.
    /// @custom:rule M5, C5
    function test_pricesOfBothSignsAreRead() public {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        int128[2] memory prices = [int128(-0.5e18), int128(0.5e18)];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            _commitAt(0, header, prices[i]);
            assertEq(reader.candidates()[0].price, prices[i]);
            assertEq(reader.candidates()[0].payee, payee);
            vm.revertToState(snapshot);
        }
    }

    /// @dev Meaning of the rollup's storage words: the first one is the cursor, and words beyond the layout are zero.
    /// @custom:rule M5
    function test_wordsAreTheStorage() public {
        _propose(0);
        bytes32[] memory words = rollup.extsload(0, 2);
        assertEq(words[0], vm.load(address(rollup), 0));
        assertEq(words[1], rollup.tip().stateRoot);
        assertEq(rollup.extsload(3 + 4 * 18 + 1, 1)[0], 0);
        assertEq(rollup.extsload(0, 0).length, 0);
        assertTrue(_slot() == Slot.wrap(_view().slot));
    }
}
