// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rewards} from "../../contracts/Rewards.sol";
import {BlockPay, IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header} from "../../contracts/interfaces/IRollup.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract RewardsTest is Fixture {
    /// @dev Half of the maxima below.
    uint96 private constant CEILING = 6e18;
    uint96 private constant BONUS_CEILING = 0.2e18;

    function _pay() private view returns (BlockPay memory) {
        return BlockPay({
            slot: _slot(),
            sequencer: address(0),
            prover: payee,
            submitter: relay,
            price: 0,
            revealPhase: 3,
            revealDuration: 0
        });
    }

    function _settle(BlockPay memory pay) private {
        vm.prank(address(rollup));
        rewards.settleBlock(pay);
    }

    /// @dev Credits `amount` to `account` alone: the submitter gets the whole block reward.
    function _credit(address account, uint96 amount) private {
        Rates memory rates = Rates(amount, 0, 0, 0, 10_000);
        vm.prank(governance);
        rewards.setRates(rates);
        BlockPay memory pay = _pay();
        pay.slot = pay.slot.advance(1);
        pay.submitter = account;
        _settle(pay);
    }

    function _make(Rates memory rates) private returns (Rewards) {
        return new Rewards(IERC20(address(token)), relay, governance, rates, CEILING, BONUS_CEILING);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        Rates memory rates = _rates();
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "token"));
        new Rewards(IERC20(relay), relay, governance, rates, CEILING, BONUS_CEILING);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadParameter.selector, "rollup"));
        new Rewards(IERC20(address(token)), address(0), governance, rates, CEILING, BONUS_CEILING);
        rates.sequencerBps += 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 10_001));
        _make(rates);
        rates = _rates();
        rates.blockReward = CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.BlockRewardTooHigh.selector, CEILING, CEILING + 1));
        _make(rates);
        rates = _rates();
        rates.revealBonus = BONUS_CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.RevealBonusTooHigh.selector, BONUS_CEILING, BONUS_CEILING + 1));
        _make(rates);
    }

    /// @custom:rule E8
    function test_theFirstRatesAreAnnounced() public {
        vm.expectEmit();
        emit IRewards.RatesScheduled(Slot.wrap(0), _rates());
        Rewards made = _make(_rates());
        assertEq(made.maxBlockReward(), CEILING);
        assertEq(made.maxRevealBonus(), BONUS_CEILING);
        assertEq(made.governance(), governance);
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

    /// @custom:rule E1
    function test_aBlockPaysEverybody() public {
        BlockPay memory pay = _pay();
        pay.sequencer = rescuer;
        pay.price = 0.2e18;
        pay.revealDuration = 2;
        vm.expectEmit();
        emit IRewards.BlockPaid(pay.slot, rescuer, 1.05e18, payee, 1.7e18, relay, 0.3e18);
        _settle(pay);
        assertEq(_owed(rescuer), 1.2e18 - 0.2e18 + 0.05e18);
        assertEq(_owed(payee), 1.5e18 + 0.2e18);
        assertEq(_owed(relay), 0.3e18);
    }

    /// @custom:rule E1
    function test_aBlockOfNobodyPaysNoSequencerAndNoPrice() public {
        BlockPay memory pay = _pay();
        pay.price = 0.2e18;
        _settle(pay);
        assertEq(_owed(payee), 1.5e18);
        assertEq(_owed(relay), 0.3e18);
        assertEq(_owed(address(0)), 0);
    }

    /// @custom:rule E1
    function test_aPriceNeverExceedsTheSequencersShare() public {
        BlockPay memory pay = _pay();
        pay.sequencer = rescuer;
        pay.price = 1.2e18 + 1;
        _settle(pay);
        assertEq(_owed(rescuer), 0.1e18);
        assertEq(_owed(payee), 2.7e18);
    }

    /// @custom:rule E1
    function test_RevertWhen_anotherSettles() public {
        BlockPay memory pay = _pay();
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotRollup.selector, address(rollup), address(this)));
        rewards.settleBlock(pay);
    }

    /// @dev The credits of a block sum to the reward and the bonus, however the shares are rounded.
    /// @custom:rule E1
    function testFuzz_nothingIsLostInRounding(
        uint96 reward,
        uint96 bonus,
        uint256 sequencerBps,
        uint256 proverBps,
        uint96 price
    ) public {
        sequencerBps = bound(sequencerBps, 0, 10_000);
        proverBps = bound(proverBps, 0, 10_000 - sequencerBps);
        // Cast: at most 10,000.
        Rates memory rates =
            Rates(reward, bonus, uint16(sequencerBps), uint16(proverBps), uint16(10_000 - sequencerBps - proverBps));
        vm.prank(governance);
        rewards.setRates(rates);
        BlockPay memory pay = _pay();
        pay.slot = pay.slot.advance(1);
        pay.sequencer = rescuer;
        pay.price = price;
        assertEq(rewards.maxPrice(pay.slot), uint256(reward) * sequencerBps / 10_000);
        _settle(pay);
        assertEq(_owed(rescuer) + _owed(payee) + _owed(relay), uint256(reward) + bonus);
        uint256 paidPrice = price < rewards.maxPrice(pay.slot) ? price : rewards.maxPrice(pay.slot);
        assertEq(_owed(payee), uint256(reward) * proverBps / 10_000 + paidPrice);
    }

    // ---- rates ----------------------------------------------------------------------------------------------------

    function _other(uint96 reward) private pure returns (Rates memory) {
        return Rates(reward, 0.2e18, 2000, 7000, 1000);
    }

    function _change(uint96 reward) private {
        vm.prank(governance);
        rewards.setRates(_other(reward));
    }

    function _blockReward(Slot slot) private view returns (uint96) {
        return rewards.ratesOf(slot).blockReward;
    }

    /// @custom:rule E8
    function test_RevertWhen_anotherChangesTheRates() public {
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotGovernance.selector, governance, address(this)));
        rewards.setRates(_rates());
    }

    /// @custom:rule E8
    function test_RevertWhen_governanceExceedsTheBounds() public {
        Rewards made = _make(_rates());
        Rates memory rates = _rates();
        vm.startPrank(governance);
        rates.blockReward = CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.BlockRewardTooHigh.selector, CEILING, CEILING + 1));
        made.setRates(rates);
        rates = _rates();
        rates.revealBonus = BONUS_CEILING + 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.RevealBonusTooHigh.selector, BONUS_CEILING, BONUS_CEILING + 1));
        made.setRates(rates);
        rates = _rates();
        rates.proverBps -= 1;
        vm.expectRevert(abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 9999));
        made.setRates(rates);
    }

    /// @custom:rule E8
    function test_withoutGovernanceTheRatesNeverChange() public {
        Rewards made = new Rewards(IERC20(address(token)), relay, address(0), _rates(), CEILING, BONUS_CEILING);
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
        emit IRewards.RatesScheduled(slot.advance(1), _other(1e18));
        _change(1e18);
        assertEq(abi.encode(rewards.ratesOf(slot)), abi.encode(_rates()));
        assertEq(abi.encode(rewards.ratesOf(slot.advance(1))), abi.encode(_other(1e18)));
        assertEq(rewards.maxPrice(slot), 1.2e18);
        assertEq(rewards.maxPrice(slot.advance(1)), 0.2e18);
        _finalize(relay, header, payee);
        assertEq(_owed(payee), 1.5e18 + PRICE);

        _warp(_view().start);
        header = _headerOf(0);
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        uint256 before = _owed(payee);
        vm.expectPartialRevert(bytes4(keccak256("PriceTooHigh(uint96,uint96)")));
        this.commitNow(header);
        _commitAt(0, header, 0.1e18);
        _reveal(header);
        _finalize(relay, header, payee);
        assertEq(_owed(payee) - before, 0.7e18 + 0.1e18);
        assertEq(abi.encode(rewards.ratesOf(_slot())), abi.encode(_other(1e18)), "in force for good");
    }

    function commitNow(Header memory header) external {
        _commit(0, header);
    }

    /// @custom:rule E8
    function test_aSecondChangeInTheSameSlotReplacesTheFirst() public {
        Slot slot = _slot();
        _change(1e18);
        _change(2e18);
        assertEq(_blockReward(slot), 3e18);
        assertEq(_blockReward(slot.advance(1)), 2e18);
    }

    /// @custom:rule E8
    function test_aSecondChangeLaterKeepsTheFirstForTheSlotInTurn() public {
        Slot slot = _slot();
        _change(1e18);
        _warp(_view().start + 13 * 5);
        assertTrue(_slot() == slot.advance(5));
        _change(2e18);
        assertEq(_blockReward(slot.advance(5)), 1e18);
        assertEq(_blockReward(slot.advance(6)), 2e18);
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
