// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @notice The table of `docs/protocol/governance.md`: the probability that a share of the stake gets the quorum of a
/// round, if it wins each slot of the round at random.
contract SamplingTest is Test {
    int256 private constant ONE = 1e18;

    /// @dev P(X ≥ q) for X ~ Binomial(n, p), in 1e-18 of `10^-shift`. Sums the terms as exponentials of their
    /// logarithms, so that tiny tails keep their digits.
    function _tail(uint256 n, uint256 q, uint256 pPermille, int256 shift) private pure returns (uint256 sum) {
        // Cast: small numbers.
        int256 lnP = FixedPointMathLib.lnWad(int256(pPermille * 1e15));
        int256 lnNotP = FixedPointMathLib.lnWad(int256((1000 - pPermille) * 1e15));
        int256 lnTen = FixedPointMathLib.lnWad(10 * ONE);
        int256 lnChoose;
        for (uint256 k = 0; k <= n; ++k) {
            if (k >= q) {
                int256 lnTerm = lnChoose + int256(k) * lnP + int256(n - k) * lnNotP + shift * lnTen;
                sum += uint256(FixedPointMathLib.expWad(lnTerm));
            }
            if (k < n) {
                lnChoose += FixedPointMathLib.lnWad(int256(n - k) * ONE) - FixedPointMathLib.lnWad(int256(k + 1) * ONE);
            }
        }
    }

    /// @dev The tail is `digits[0] . digits[1] digits[2]` · 10^-exponent, rounded.
    function _is(uint256 n, uint256 q, uint256 pPermille, uint256 digits, int256 exponent) private pure {
        assertEq((_tail(n, q, pPermille, exponent) + 5e15) / 1e16, digits);
    }

    /// The round of mainnet and Sepolia: 605 of 1,008.
    /// @custom:rule U4
    function test_aRoundOf1008() public pure {
        _is(1008, 605, 333, 236, 67);
        _is(1008, 605, 400, 124, 37);
        _is(1008, 605, 500, 107, 10);
        _is(1008, 605, 540, 670, 5);
        _is(1008, 605, 550, 726, 4);
        _is(1008, 605, 560, 542, 3);
        _is(1008, 605, 570, 281, 2);
        _is(1008, 605, 580, 102, 1);
        _is(1008, 605, 600, 509, 1);
        _is(1008, 605, 620, 908, 1);
        _is(1008, 605, 650, 1000, 1);
    }

    /// A devnet's round of 10 is decided by chance, so it is for devnets only.
    /// @custom:rule U4
    function test_aRoundOf10() public pure {
        _is(10, 6, 333, 762, 2);
        _is(10, 6, 500, 377, 1);
        _is(10, 6, 600, 633, 1);
        _is(10, 6, 650, 751, 1);
    }

    /// Cases that can be computed by hand.
    /// @custom:rule U4
    function test_smallCases() public pure {
        // One slot of one, both of two, and 1 - 0.7^2 for one of two.
        _is(1, 1, 300, 300, 1);
        _is(2, 2, 300, 900, 2);
        _is(2, 1, 300, 510, 1);
        _is(3, 0, 300, 100, 0);
    }
}
