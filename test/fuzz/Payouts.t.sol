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
    function testFuzz_theBonusFallsWithEveryL1Slot(uint96 bonus, uint16 revealPhase, uint256 elapsed) public pure {
        vm.assume(revealPhase != 0);
        elapsed = bound(elapsed, 1, revealPhase);
        uint256 earlier = Payouts.revealBonusDown(bonus, revealPhase, elapsed - 1);
        uint256 later = Payouts.revealBonusDown(bonus, revealPhase, elapsed);
        assertLe(later, earlier);
        assertEq(Payouts.revealBonusDown(bonus, revealPhase, 0), bonus);
        assertEq(later, uint256(bonus) * (uint256(revealPhase) + 1 - elapsed) / (uint256(revealPhase) + 1));
    }
}
