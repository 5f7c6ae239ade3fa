// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payouts} from "../../contracts/libraries/Payouts.sol";

/// @title Shares of a reward and of a bond, and what late acts lose
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

    /// @custom:rule E11
    function check_thePromptShareIsTheQuotient(uint96 share, uint16 bps, uint16 exclusive, uint16 delay) public pure {
        if (bps > 10_000 || exclusive == 0 || delay > exclusive) return;
        unchecked {
            // As in the library: 30 bits, and 96 times 30 bits. Cast: the quotient is at most the share.
            uint256 whole = 10_000 * uint256(exclusive);
            uint256 quotient = uint256(share) * (whole - uint256(bps) * delay) / whole;
            assert(Payouts.promptShareDown(share, bps, exclusive, delay) == uint96(quotient));
        }
    }

    /// @custom:rule E12
    function check_theLateBondIsTheQuotient(uint96 bond, uint16 elapsed, uint16 open) public pure {
        if (elapsed >= open) return;
        unchecked {
            // As in the library: 96 times 17 bits. Cast: the quotient is at most the bond.
            uint256 quotient = uint256(bond) * (uint256(elapsed) + 1) / open;
            assert(Payouts.lateBondDown(bond, elapsed, open) == uint96(quotient));
        }
    }

    /// @dev The slashed part of a bond grows with each L1 slot, to the whole bond in the last.
    /// @custom:rule E12
    function check_theLateBondGrows(uint96 bond, uint96 earlier, uint96 later) public pure {
        _grows(bond, earlier, later, 3);
        _grows(bond, earlier, later, 10);
        _grows(bond, earlier, later, 20);
    }

    function _grows(uint256 bond, uint256 earlier, uint256 later, uint256 open) private pure {
        unchecked {
            // 96 bits times 5 bits.
            for (uint256 elapsed = 0; elapsed + 1 < open; ++elapsed) {
                bool given = _both(
                    _isQuotient(earlier, bond * (elapsed + 1), open), _isQuotient(later, bond * (elapsed + 2), open)
                );
                assert(_implies(given, earlier <= later));
                assert(_implies(given, later <= bond));
                if (elapsed + 2 == open) assert(_implies(given, later == bond));
            }
        }
    }

    /// @dev The parts sum to the whole: the submitter gets the remainder, which is never negative. Rewards have 20 bits
    /// here, as the solver does not terminate at full width. The fuzz tests use all widths.
    function check_theSharesSumToTheWhole(uint256 reward, uint256 sequencer, uint256 bonus, uint256 prover)
        public
        pure
    {
        if (reward >> 20 != 0 || sequencer >> 20 != 0 || bonus >> 20 != 0 || prover >> 20 != 0) return;
        unchecked {
            // 20 bits times 14 bits.
            bool first = _isQuotient(sequencer, reward * 2000, 10_000);
            bool given = _both(first, _isQuotient(bonus, reward * 2500, 10_000));
            given = _both(given, _isQuotient(prover, reward * 4500, 10_000));
            assert(_implies(given, sequencer + bonus + prover <= reward));
        }
    }

    /// @dev The price moves at most its payer's share, and the total stays the same.
    /// @custom:rule E1, C5
    function check_thePriceMovesWithinTheWhole(uint96 sequencer, uint96 prover, int96 price) public pure {
        int256 moved = price;
        if (moved > int256(uint256(sequencer))) moved = int256(uint256(sequencer));
        if (moved < -int256(uint256(prover))) moved = -int256(uint256(prover));
        int256 forSequencer = int256(uint256(sequencer)) - moved;
        int256 forProver = int256(uint256(prover)) + moved;
        assert(forSequencer >= 0 && forProver >= 0);
        assert(forSequencer + forProver == int256(uint256(sequencer) + prover));
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
