// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Payouts} from "../../contracts/libraries/Payouts.sol";

/// @title Shares of a reward, and the reveal bonus
/// @notice Proven by halmos (`make halmos`). A product of two unknowns divided by a third is beyond today's solvers at full width, so that
/// what is said of shares is proven in two halves: `shareDown` is the quotient of its definition for all arguments, and what follows from
/// that definition is proven for the deployments' shares and phases.
contract PayoutsProofs {
    /// @dev The quotient, nothing cut off by the cast.
    function check_aShareIsTheQuotient(uint96 amount, uint16 bps) public pure {
        if (bps > 10_000) return;
        uint256 product = uint256(amount) * bps;
        assert(product / 10_000 <= type(uint96).max);
        assert(Payouts.shareDown(amount, bps) == product / 10_000);
    }

    /// @dev The parts are the whole: what the submitter gets is what is left, and something is always left to take from.
    function check_theSharesSumToTheWhole(uint96 reward) public pure {
        _shares(reward, 7000, 2500);
        _shares(reward, 10_000, 0);
        _shares(reward, 0, 10_000);
        _shares(reward, 3333, 3333);
        _shares(reward, 9999, 1);
    }

    function _shares(uint96 reward, uint256 sequencerBps, uint256 proverBps) private pure {
        uint256 sequencer = Payouts.shareDown(reward, sequencerBps);
        uint256 prover = Payouts.shareDown(reward, proverBps);
        assert(sequencer + prover <= reward);
        uint256 submitter = reward - prover - sequencer;
        assert(sequencer + prover + submitter == reward);
        // what rounding leaves is less than two units above the submitter's own share
        assert(submitter <= Payouts.shareDown(reward, 10_000 - sequencerBps - proverBps) + 2);
    }

    /// @dev The price moves at most the sequencer's share to the prover.
    function check_thePriceMovesWithinTheWhole(uint96 sequencer, uint96 prover, uint96 price) public pure {
        uint256 paid = price < sequencer ? price : sequencer;
        assert(paid <= sequencer);
        assert((sequencer - paid) + (prover + paid) == uint256(sequencer) + prover);
    }

    function check_theBonusIsWholeAtOnce(uint96 bonus) public pure {
        assert(Payouts.revealBonusDown(bonus, 3, 0) == bonus);
        assert(Payouts.revealBonusDown(bonus, 5, 0) == bonus);
        assert(Payouts.revealBonusDown(bonus, 24, 0) == bonus);
    }

    function check_theBonusFalls(uint96 bonus) public pure {
        _falls(bonus, 3);
        _falls(bonus, 5);
    }

    function check_theBonusFallsOverALongPhase(uint96 bonus) public pure {
        _falls(bonus, 15);
    }

    function _falls(uint96 bonus, uint256 phase) private pure {
        uint256 before = bonus;
        for (uint256 elapsed = 0; elapsed <= phase; ++elapsed) {
            uint256 now_ = Payouts.revealBonusDown(bonus, phase, elapsed);
            assert(now_ <= before);
            // linear: of the bonus, at least this many parts of phase + 1 rounded down
            assert(now_ * (phase + 1) <= uint256(bonus) * (phase + 1 - elapsed));
            assert((now_ + 1) * (phase + 1) > uint256(bonus) * (phase + 1 - elapsed));
            before = now_;
        }
    }
}
