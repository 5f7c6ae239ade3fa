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
    /// @custom:rule M5
    function test_theOverviewHasEverythingAtOnce() public {
        Header memory header = _revealed(0);
        token.approve(address(bridge), 10e9);
        // The generator of Jubjub's prime-order subgroup.
        bridge.deposit(
            address(this),
            0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b,
            0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa,
            10
        );
        Overview memory overview = reader.overview();
        assertEq(L1Slot.unwrap(overview.l1Slot), _now());
        assertEq(L1Slot.unwrap(overview.pausedUntil), 0);
        assertEq(uint256(overview.slot.phase), uint256(Phase.ExclusiveProving));
        assertEq(abi.encode(overview.slot), abi.encode(reader.currentSlot()));
        assertEq(abi.encode(overview.slot.candidates), abi.encode(reader.candidates()));
        assertEq(abi.encode(overview.tip), abi.encode(rollup.tip()));
        assertEq(abi.encode(overview.rates), abi.encode(_rates()));
        assertEq(overview.pendingDeposits, 1);
        assertFalse(overview.unsettled);
        assertTrue(rollup.slotInTurn() == header.slot);

        _warp(_now() + 70);
        overview = reader.overview();
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

    /// @custom:rule M5
    function test_theEscrowSaysWhatItIsGoodFor() public {
        EscrowView memory escrowView = reader.escrow(prover);
        assertEq(escrowView.affordableBonds, 100);
        assertFalse(escrowView.withdrawable);
        vm.prank(prover);
        escrow.requestWithdrawal(995e18);
        escrowView = reader.escrow(prover);
        assertEq(abi.encode(escrowView.account), abi.encode(escrow.account(prover)));
        assertEq(escrowView.affordableBonds, 0, "5 tokens are no bond");
        assertFalse(escrowView.withdrawable);
        _warp(_now() + 4);
        assertTrue(reader.escrow(prover).withdrawable);
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
