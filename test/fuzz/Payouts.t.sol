// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payouts} from "../../contracts/libraries/Payouts.sol";
import {Test} from "forge-std/Test.sol";

contract PayoutsTest is Test {
    /// @custom:rule E9
    function testFuzz_sharesRoundDownAndNeverExceedTheWhole(uint96 amount, uint256 bps) public pure {
        bps = bound(bps, 0, 10_000);
        uint256 share = Payouts.shareDown(amount, bps);
        assertLe(share, amount);
        assertLe(share * 10_000, uint256(amount) * bps);
        assertGt((share + 1) * 10_000, uint256(amount) * bps);
    }

    /// @custom:rule E9
    function testFuzz_theBonusFallsWithEveryL1Slot(uint96 bonus, uint16 length, uint256 elapsed) public pure {
        vm.assume(length != 0);
        elapsed = bound(elapsed, 1, length);
        uint256 earlier = Payouts.revealBonusDown(bonus, length, elapsed - 1);
        uint256 later = Payouts.revealBonusDown(bonus, length, elapsed);
        assertLe(later, earlier);
        assertEq(Payouts.revealBonusDown(bonus, length, 0), bonus);
        assertEq(later, uint256(bonus) * (uint256(length) + 1 - elapsed) / (uint256(length) + 1));
    }

    /// @custom:rule E11
    function testFuzz_aProofPaysLessWithEveryL1Slot(uint96 share, uint256 bps, uint16 exclusive, uint256 delay)
        public
        pure
    {
        vm.assume(exclusive != 0);
        bps = bound(bps, 0, 10_000);
        delay = bound(delay, 1, exclusive);
        uint256 earlier = Payouts.promptShareDown(share, bps, exclusive, delay - 1);
        uint256 later = Payouts.promptShareDown(share, bps, exclusive, delay);
        assertLe(later, earlier);
        assertEq(Payouts.promptShareDown(share, bps, exclusive, 0), share);
        // In the end, exactly that part is lost, whatever the length of the phase is.
        uint256 last = Payouts.promptShareDown(share, bps, exclusive, exclusive);
        assertEq(last, uint256(share) * (10_000 - bps) / 10_000);
        assertEq(last, Payouts.promptShareDown(share, bps, 1, 1));
        assertEq(later, share - _up(uint256(share) * bps * delay, 10_000 * uint256(exclusive)));
    }

    /// @custom:rule E12
    function testFuzz_aLateProofCostsMoreWithEveryL1Slot(uint96 bond, uint16 open, uint256 elapsed) public pure {
        vm.assume(open > 1);
        elapsed = bound(elapsed, 1, open - 1);
        uint256 earlier = Payouts.lateBondDown(bond, elapsed - 1, open);
        uint256 later = Payouts.lateBondDown(bond, elapsed, open);
        assertGe(later, earlier);
        assertLe(later, bond);
        assertEq(Payouts.lateBondDown(bond, open - 1, open), bond);
        assertEq(Payouts.lateBondDown(bond, 0, open), bond / open);
        assertEq(later, bond - _up(uint256(bond) * (open - elapsed - 1), open));
    }

    function _up(uint256 amount, uint256 divisor) private pure returns (uint256) {
        return amount / divisor + (amount % divisor == 0 ? 0 : 1);
    }
}
