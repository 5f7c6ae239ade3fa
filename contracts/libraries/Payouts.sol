// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Shares of rewards and bonds, in token units
/// @notice Every division rounds down. The remainder goes to the submitter (shares of a reward), to the burned part
/// (shares of a bond) or stays in the pot (reveal bonus).
library Payouts {
    uint256 internal constant BPS = 10_000;

    /// @notice `amount · bps / 10,000`, rounded down. `amount` has at most 96 bits and `bps` at most 16, so nothing
    /// overflows.
    function shareDown(uint96 amount, uint256 bps) internal pure returns (uint96) {
        unchecked {
            // Cast: the constructors bound bps to 10,000, so the share is at most the amount.
            return uint96(uint256(amount) * bps / BPS);
        }
    }

    /// @notice Bonus for a reveal, rounded down: all of `bonus` for a reveal in the L1 slot of the commitment, and
    /// linearly less for each L1 slot after it.
    /// @param elapsed L1 slots from the commitment to the completed reveal, at most `revealPhase`.
    function revealBonusDown(uint96 bonus, uint256 revealPhase, uint256 elapsed) internal pure returns (uint96) {
        unchecked {
            // The elapsed time is at most revealPhase. Cast: the factor is at most 1.
            return uint96(uint256(bonus) * (revealPhase + 1 - elapsed) / (revealPhase + 1));
        }
    }
}
