// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Shares of rewards and bonds, in token units
/// @notice Every division rounds down; what is left over stays with the part named last (the submitter, the burned rest, the pot).
library Payouts {
    uint256 internal constant BPS = 10_000;

    /// @notice `amount · bps / 10,000`, rounded down. `amount` has at most 96 bits and `bps` at most 16, so nothing overflows.
    function shareDown(uint96 amount, uint256 bps) internal pure returns (uint96) {
        unchecked {
            // casting: bps is at most 10,000 (constructor), so the share is at most the amount
            return uint96(uint256(amount) * bps / BPS);
        }
    }

    /// @notice Reveal bonus: all of it for a reveal in the L1 slot of the commitment, linearly less for each L1 slot after it, rounded down.
    /// @param elapsed L1 slots between commitment and completed reveal, at most `revealPhase`
    function revealBonusDown(uint96 bonus, uint256 revealPhase, uint256 elapsed) internal pure returns (uint96) {
        unchecked {
            // elapsed is at most revealPhase; casting: the factor is at most 1
            return uint96(uint256(bonus) * (revealPhase + 1 - elapsed) / (revealPhase + 1));
        }
    }
}
