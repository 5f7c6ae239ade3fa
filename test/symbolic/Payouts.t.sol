// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payouts} from "../../contracts/libraries/Payouts.sol";

/// @title Shares of a reward, and the reveal bonus
/// @notice Proven by halmos (`make halmos`). The solver cannot handle a product of unknowns divided by another unknown
/// at full width, so the proofs have two parts. First, the library returns the quotient of its definition, for all
/// arguments. Second, all numbers that fulfil the definition of these quotients (`q · d <= n < (q + 1) · d`) have the
/// properties, for all amounts and for examples of shares and phases.
/// @custom:rule E9
contract PayoutsProofs {
    function check_aShareIsTheQuotient(uint96 amount, uint16 bps) public pure {
        if (bps > 10_000) return;
        uint256 product = uint256(amount) * bps;
        assert(product / 10_000 <= type(uint96).max);
        assert(Payouts.shareDown(amount, bps) == product / 10_000);
    }

    function check_theBonusIsTheQuotient(uint96 bonus, uint16 phase, uint16 elapsed) public pure {
        if (elapsed > phase) return;
        unchecked {
            // As in the library: 17 bits, and 96 times 17 bits. Cast: check_theBonusFalls has the bound.
            uint256 quotient = uint256(bonus) * (uint256(phase) + 1 - elapsed) / (uint256(phase) + 1);
            assert(Payouts.revealBonusDown(bonus, phase, elapsed) == uint96(quotient));
        }
    }

    /// @dev The parts sum to the whole: the submitter gets the remainder, which is never negative. Rewards have 20 bits
    /// here, as the solver does not terminate at full width. The fuzz tests use all widths.
    function check_theSharesSumToTheWhole(uint256 reward, uint256 sequencer, uint256 prover) public pure {
        if (reward >> 20 != 0 || sequencer >> 20 != 0 || prover >> 20 != 0) return;
        unchecked {
            // 20 bits times 14 bits.
            bool given =
                _both(_isQuotient(sequencer, reward * 7000, 10_000), _isQuotient(prover, reward * 2500, 10_000));
            assert(_implies(given, sequencer + prover <= reward));
        }
    }

    /// @dev The price moves at most the sequencer's share to the prover, and the total stays the same.
    /// @custom:rule E1
    function check_thePriceMovesWithinTheWhole(uint96 sequencer, uint96 prover, uint96 price) public pure {
        uint256 paid = price < sequencer ? price : sequencer;
        assert(paid <= sequencer);
        assert((sequencer - paid) + (prover + paid) == uint256(sequencer) + prover);
    }

    /// @dev The bonus is paid in full at once, and less with each L1 slot. It never exceeds the bonus, and is above
    /// zero to the last.
    function check_theBonusFalls(uint96 bonus, uint96 earlier, uint96 later) public pure {
        _falls(bonus, earlier, later, 3);
        _falls(bonus, earlier, later, 5);
        _falls(bonus, earlier, later, 15);
    }

    function _falls(uint256 bonus, uint256 earlier, uint256 later, uint256 phase) private pure {
        uint256 lasts = phase + 1;
        unchecked {
            // 96 bits times 5 bits.
            for (uint256 elapsed = 0; elapsed < phase; ++elapsed) {
                bool given = _isQuotient(earlier, bonus * (lasts - elapsed), lasts);
                assert(_implies(given, earlier <= bonus));
                if (elapsed == 0) assert(_implies(given, earlier == bonus));
                given = _both(given, _isQuotient(later, bonus * (lasts - elapsed - 1), lasts));
                assert(_implies(given, later <= earlier));
                assert(_implies(_both(given, bonus >= lasts), later != 0));
            }
        }
    }

    function _isQuotient(uint256 q, uint256 n, uint256 d) private pure returns (bool) {
        unchecked {
            // Below 2^112.
            return _both(q * d <= n, n < (q + 1) * d);
        }
    }

    // There are no branches, as each would double the paths.

    function _both(bool a, bool b) private pure returns (bool both) {
        assembly ("memory-safe") {
            both := and(a, b)
        }
    }

    function _implies(bool a, bool b) private pure returns (bool holds) {
        assembly ("memory-safe") {
            holds := or(iszero(a), b)
        }
    }
}
