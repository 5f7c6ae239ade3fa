// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rewards} from "../../contracts/Rewards.sol";
import {BlockPay, IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header} from "../../contracts/interfaces/IRollup.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {Pay, PayFacts} from "../support/Pay.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract RewardsTest is Fixture {
    /// @dev Maximum of the contracts below.
    uint72 private constant CEILING = 1e18;

    /// @dev Pay of an idle slot's block that is nobody's, revealed and proven at once.
    function _pay() private view returns (BlockPay memory) {
        return BlockPay({
            slot: _slot(),
            // Cast: a small number.
            paidL1Slots: uint32(IDLE),
            sequencer: address(0),
            prover: payee,
            submitter: relay,
            price: 0,
            turnLength: 6,
            revealDelay: 0,
            exclusiveProving: 40,
            proofDelay: 0
        });
    }

    function _settle(BlockPay memory pay) private {
        vm.prank(address(rollup));
        rewards.settleBlock(pay);
    }

    /// @dev Credits `amount` to `account` alone: the submitter gets the whole reward of one L1 slot.
    function _credit(address account, uint72 amount) private {
        Rates memory rates = Rates(amount, 0, 0, 0, 10_000, 0);
        vm.prank(governance);
        rewards.setRates(rates);
        BlockPay memory pay = _pay();
        pay.slot = pay.slot.advance(1);
        pay.paidL1Slots = 1;
        pay.submitter = account;
        _settle(pay);
    }

    function _make(Rates memory rates) private returns (Rewards) {
        return new Rewards(IERC20(address(token)), relay, governance, rates, CEILING);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        Rates memory rates = _rates();
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "token"));
        new Rewards(IERC20(relay), relay, governance, rates, CEILING);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "rollup"));
        new Rewards(IERC20(address(token)), address(0), governance, rates, CEILING);
        rates.sequencerBps += 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 10_001));
        _make(rates);
        rates = _rates();
        rates.rewardPerL1Slot = CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.RewardTooHigh.selector, CEILING, CEILING + 1));
        _make(rates);
        rates = _rates();
        rates.promptnessBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(IRewards.PromptnessTooHigh.selector, 10_000, 10_001));
        _make(rates);
    }

    /// @dev No rollup has such a phase.
    /// @custom:rule M4, E11
    function test_RevertWhen_theExclusivePhaseIsEmpty() public {
        BlockPay memory pay = _pay();
        pay.exclusiveProving = 0;
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "exclusiveProving"));
        _settle(pay);
    }

    /// @custom:rule E8
    function test_theFirstRatesAreAnnounced() public {
        vm.expectEmit();
        emit IRewards.RatesScheduled(Slot.wrap(0), _rates());
        Rewards made = _make(_rates());
        assertEq(made.maxRewardPerL1Slot(), CEILING);
        assertEq(made.governance(), governance);
    }

    /// @custom:rule E8
    function test_theRatesMayBeAtTheirBounds() public {
        Rates memory rates = Rates(CEILING, 0, 0, 10_000, 0, 10_000);
        Rewards made = _make(rates);
        assertEq(abi.encode(made.ratesOf(Slot.wrap(0))), abi.encode(rates));
    }

    /// @custom:rule E1
    function test_fundsFillThePot() public {
        vm.expectEmit();
        emit IRewards.Funded(address(this), 5);
        rewards.fund(5);
        assertEq(rewards.pot(), 1000e18 + 5);
        vm.expectRevert(IRewards.ZeroAmount.selector);
        rewards.fund(0);
    }

    // ---- credits --------------------------------------------------------------------------------------------------

    /// @custom:rule E1, E9, E11
    function test_aBlockPaysEverybody() public {
        BlockPay memory pay = _pay();
        pay.sequencer = rescuer;
        pay.price = 0.2e18;
        pay.turnLength = 7;
        pay.revealDelay = 2;
        pay.proofDelay = 10;
        // Of the bonus, 6 of 8 parts are left. Of the prover's share, a quarter of the phase loses an eighth.
        vm.expectEmit();
        emit IRewards.BlockPaid(pay.slot, rescuer, 0.892e18, payee, 1.565e18, relay, 0.312e18);
        _settle(pay);
        assertEq(_owed(rescuer), 0.624e18 - 0.2e18 + 0.468e18);
        assertEq(_owed(payee), 1.365e18 + 0.2e18);
        assertEq(_owed(relay), 0.312e18);
    }

    /// @custom:rule C5, E1
    function test_aNegativePriceMovesToTheSequencer() public {
        BlockPay memory pay = _pay();
        pay.sequencer = rescuer;
        pay.price = -0.2e18;
        vm.expectEmit();
        emit IRewards.BlockPaid(pay.slot, rescuer, 1.448e18, payee, 1.36e18, relay, 0.312e18);
        _settle(pay);
    }

    /// @custom:rule E1, E13
    function test_aBlockOfNobodyPaysNoSequencerAndNoPrice() public {
        BlockPay memory pay = _pay();
        pay.price = 0.2e18;
        _settle(pay);
        pay.price = -0.2e18;
        _settle(pay);
        assertEq(_owed(payee), 2 * PROVER_SHARE);
        assertEq(_owed(relay), 2 * SUBMITTER_SHARE);
        assertEq(_owed(address(0)), 0);
    }

    /// @custom:rule E1
    function test_aPayeeThatSendsIsPaidForBoth() public {
        BlockPay memory pay = _pay();
        pay.submitter = payee;
        vm.expectEmit();
        emit IRewards.BlockPaid(pay.slot, address(0), 0, payee, PROVER_SHARE, payee, SUBMITTER_SHARE);
        _settle(pay);
        assertEq(_owed(payee), PROVER_SHARE + SUBMITTER_SHARE);
    }

    /// @custom:rule C5, E1
    function test_aPriceNeverExceedsItsPayersShare() public {
        int128[2] memory high = [int128(0.624e18 + 1), type(int128).max];
        int128[2] memory low = [-int128(0.78e18 + 1), type(int128).min];
        BlockPay memory pay = _pay();
        pay.sequencer = rescuer;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            pay.price = high[i];
            pay.proofDelay = 0;
            _settle(pay);
            assertEq(_owed(rescuer), BONUS);
            assertEq(_owed(payee), PROVER_SHARE + SEQUENCER_SHARE);
            vm.revertToState(snapshot);
            // A late proof leaves half of the prover's share.
            pay.price = low[i];
            pay.proofDelay = 40;
            _settle(pay);
            assertEq(_owed(rescuer), SEQUENCER_SHARE + BONUS + PROVER_SHARE / 2);
            assertEq(_owed(payee), 0);
            vm.revertToState(snapshot);
        }
    }

    /// @custom:rule E1
    function test_RevertWhen_anotherSettles() public {
        BlockPay memory pay = _pay();
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotRollup.selector, address(rollup), address(this)));
        rewards.settleBlock(pay);
    }

    /// @dev Rates of any size whose shares are whole.
    function _anyRates(uint72 reward, uint256[4] memory bps) private pure returns (Rates memory) {
        bps[0] = bound(bps[0], 0, 10_000);
        bps[1] = bound(bps[1], 0, 10_000 - bps[0]);
        bps[2] = bound(bps[2], 0, 10_000 - bps[0] - bps[1]);
        // Casts: at most 10,000.
        return Rates({
            rewardPerL1Slot: reward,
            sequencerBps: uint16(bps[0]),
            bonusBps: uint16(bps[1]),
            proverBps: uint16(bps[2]),
            submitterBps: uint16(10_000 - bps[0] - bps[1] - bps[2]),
            promptnessBps: uint16(bound(bps[3], 0, 10_000))
        });
    }

    /// @dev The credits are those of the reference, for any rates, times and prices, in range or not.
    /// @custom:rule E1, E9, E10, E11, C5
    function testFuzz_creditsAreThoseOfTheReference(
        uint72 reward,
        uint256[4] memory bps,
        uint256[4] memory times,
        int128 price,
        bool elected
    ) public {
        Rates memory rates = _anyRates(reward, bps);
        vm.prank(governance);
        rewards.setRates(rates);
        BlockPay memory pay = _pay();
        pay.slot = pay.slot.advance(1);
        // Casts: bounded.
        pay.paidL1Slots = uint32(bound(times[0], 0, 2 ** 17 - 1));
        pay.turnLength = uint16(bound(times[1], 0, 65_535));
        pay.revealDelay = uint16(bound(times[1] >> 128, 0, pay.turnLength));
        pay.exclusiveProving = uint16(bound(times[2], 1, 65_535));
        pay.proofDelay = uint16(bound(times[3], 0, pay.exclusiveProving));
        if (elected) pay.sequencer = rescuer;
        if (times[0] % 2 == 0) {
            (int128 lowest, int128 highest) = rewards.priceRange(pay.slot, pay.paidL1Slots);
            price = int128(bound(price, lowest, highest));
        }
        pay.price = price;
        (uint256 forProver, uint256 forSequencer, uint256 forSubmitter) = Pay.credits(
            PayFacts({
                rates: rates,
                paidL1Slots: pay.paidL1Slots,
                elected: elected,
                proving: true,
                price: price,
                turnLength: pay.turnLength,
                revealDelay: pay.revealDelay,
                exclusiveProving: pay.exclusiveProving,
                proofDelay: pay.proofDelay
            })
        );
        _settle(pay);
        assertEq(_owed(payee), forProver, "prover");
        assertEq(_owed(rescuer), forSequencer, "sequencer");
        assertEq(_owed(relay), forSubmitter, "submitter");
        assertEq(_owed(address(0)), 0);
        // What a block credits is at most its reward. It is the whole reward if everybody is quick.
        uint256 whole = uint256(reward) * pay.paidL1Slots;
        assertLe(forProver + forSequencer + forSubmitter, whole);
        if (elected && pay.revealDelay == 0 && pay.proofDelay == 0) {
            assertEq(forProver + forSequencer + forSubmitter, whole);
        }
    }

    /// @dev The price range of the reference. At both of its ends, the whole price moves, however late the proof is.
    /// @custom:rule C5
    function testFuzz_aPriceInItsRangeMovesAsAWhole(uint72 reward, uint256[4] memory bps, uint256 time) public {
        Rates memory rates = _anyRates(reward, bps);
        vm.prank(governance);
        rewards.setRates(rates);
        BlockPay memory pay = _pay();
        pay.slot = pay.slot.advance(1);
        pay.sequencer = rescuer;
        pay.proofDelay = pay.exclusiveProving;
        // Cast: bounded.
        pay.paidL1Slots = uint32(bound(time, 0, 2 ** 17 - 1));
        (int128 lowest, int128 highest) = rewards.priceRange(pay.slot, pay.paidL1Slots);
        (int256 expectedLowest, int256 expectedHighest) = Pay.priceRange(rates, pay.paidL1Slots);
        assertEq(lowest, expectedLowest);
        assertEq(highest, expectedHighest);
        assertLe(lowest, 0);
        assertGe(highest, 0);
        uint256 snapshot = vm.snapshotState();
        _settle(pay);
        (uint256 forProver, uint256 forSequencer) = (_owed(payee), _owed(rescuer));
        vm.revertToState(snapshot);
        pay.price = lowest;
        _settle(pay);
        assertEq(_owed(payee), 0, "the lowest price is all that the prover is sure to get");
        // Cast: not positive.
        assertEq(_owed(rescuer), forSequencer + uint256(-int256(lowest)));
        vm.revertToState(snapshot);
        pay.price = highest;
        _settle(pay);
        // Cast: not negative.
        assertEq(_owed(payee), forProver + uint256(int256(highest)));
        assertEq(_owed(rescuer), forSequencer - uint256(int256(highest)));
    }

    // ---- rates ----------------------------------------------------------------------------------------------------

    function _other(uint72 reward) private pure returns (Rates memory) {
        return Rates(reward, 2000, 500, 7000, 500, 0);
    }

    function _change(uint72 reward) private {
        vm.prank(governance);
        rewards.setRates(_other(reward));
    }

    function _rewardOf(Slot slot) private view returns (uint72) {
        return rewards.ratesOf(slot).rewardPerL1Slot;
    }

    /// @custom:rule E8
    function test_RevertWhen_anotherChangesTheRates() public {
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotGovernance.selector, governance, address(this)));
        rewards.setRates(_rates());
    }

    /// @custom:rule E8, E11
    function test_RevertWhen_governanceExceedsTheBounds() public {
        Rewards made = _make(_rates());
        Rates memory rates = _rates();
        vm.startPrank(governance);
        rates.rewardPerL1Slot = CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.RewardTooHigh.selector, CEILING, CEILING + 1));
        made.setRates(rates);
        rates = _rates();
        rates.promptnessBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(IRewards.PromptnessTooHigh.selector, 10_000, 10_001));
        made.setRates(rates);
        for (uint256 share = 0; share < 4; ++share) {
            rates = _rates();
            if (share == 0) rates.sequencerBps -= 1;
            if (share == 1) rates.bonusBps -= 1;
            if (share == 2) rates.proverBps -= 1;
            if (share == 3) rates.submitterBps -= 1;
            vm.expectRevert(abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 9999));
            made.setRates(rates);
        }
    }

    /// @custom:rule E8
    function test_withoutGovernanceTheRatesNeverChange() public {
        Rewards made = new Rewards(IERC20(address(token)), relay, address(0), _rates(), CEILING);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotGovernance.selector, address(0), governance));
        vm.prank(governance);
        made.setRates(_rates());
    }

    /// @dev The slot in flight keeps its rates until its last credit. The next slot has the new rates.
    /// @custom:rule E8
    function test_aChangeNeverTouchesTheSlotInTurn() public {
        Slot slot = _slot();
        Header memory header = _revealed(0);
        vm.expectEmit();
        emit IRewards.RatesScheduled(slot.advance(1), _other(0.1e18));
        _change(0.1e18);
        assertEq(abi.encode(rewards.ratesOf(slot)), abi.encode(_rates()));
        assertEq(abi.encode(rewards.ratesOf(slot.advance(1))), abi.encode(_other(0.1e18)));
        (int128 lowest, int128 highest) = rewards.priceRange(slot, 10);
        assertEq(lowest, -0.6e18);
        assertEq(highest, 0.48e18);
        (lowest, highest) = rewards.priceRange(slot.advance(1), 10);
        assertEq(lowest, -0.7e18);
        assertEq(highest, 0.2e18);
        _finalize(relay, header, payee);
        assertEq(_owed(payee), PROVER_SHARE + PRICE);

        _warp(_view().start);
        assertEq(_view().paid, 5);
        header = _headerOf(0);
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        uint256 before = _owed(payee);
        vm.expectPartialRevert(bytes4(keccak256("PriceOutOfRange(int128,int128,int128)")));
        this.commitNow(header, 0.1e18 + 1);
        _commitAt(0, header, 0.1e18);
        _reveal(header);
        _finalize(relay, header, payee);
        assertEq(_owed(payee) - before, 0.35e18 + 0.1e18);
        assertEq(abi.encode(rewards.ratesOf(_slot())), abi.encode(_other(0.1e18)), "in force for good");
    }

    function commitNow(Header memory header, int128 price) external {
        _commitAt(0, header, price);
    }

    /// @custom:rule E8
    function test_aSecondChangeInTheSameSlotReplacesTheFirst() public {
        Slot slot = _slot();
        _change(1e18);
        _change(2e18);
        assertEq(_rewardOf(slot), PER_L1_SLOT);
        assertEq(_rewardOf(slot.advance(1)), 2e18);
    }

    /// @custom:rule E8
    function test_aSecondChangeLaterKeepsTheFirstForTheSlotInTurn() public {
        Slot slot = _slot();
        _change(1e18);
        _warp(_view().start + IDLE * 5);
        assertTrue(_slot() == slot.advance(5));
        _change(2e18);
        assertEq(_rewardOf(slot.advance(5)), 1e18);
        assertEq(_rewardOf(slot.advance(6)), 2e18);
    }

    // ---- claims ---------------------------------------------------------------------------------------------------

    /// @custom:rule E1
    function test_creditsArePaidOnce() public {
        _credit(relay, 3e18);
        vm.startPrank(relay);
        vm.expectEmit();
        emit IRewards.Claimed(relay, rescuer, 3e18, 0);
        assertEq(rewards.claim(rescuer), 3e18);
        assertEq(token.balanceOf(rescuer), 3e18);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NothingOwed.selector, relay));
        rewards.claim(rescuer);
    }

    /// @custom:rule E1
    function test_aShortPotPaysWhatItHasAndOwesTheRest() public {
        _credit(relay, 1500e18);
        assertEq(reader.rewards(relay).owed, 1500e18);
        assertEq(reader.rewards(relay).claimable, 1000e18);
        vm.startPrank(relay);
        assertEq(rewards.claim(relay), 1000e18);
        assertEq(_owed(relay), 500e18);
        vm.expectRevert(abi.encodeWithSelector(IRewards.PotEmpty.selector, 500e18));
        rewards.claim(relay);
        vm.stopPrank();
        rewards.fund(600e18);
        assertEq(reader.rewards(relay).claimable, 500e18);
        vm.prank(relay);
        assertEq(rewards.claim(relay), 500e18);
        assertEq(rewards.pot(), 100e18);
    }

    /// @custom:rule E1
    function test_RevertWhen_claimingToNobody() public {
        _credit(relay, 1);
        vm.prank(relay);
        vm.expectRevert(IRewards.ZeroAddress.selector);
        rewards.claim(address(0));
    }
}
