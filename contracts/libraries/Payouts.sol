// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Shares of rewards and bonds, in token units
/// @notice Every division rounds down. The remainder goes to the submitter (shares of a reward), to the burned part
/// (shares of a bond), or stays in the pot (reveal bonus, prompt proof).
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

    /// @notice Bonus for a reveal, rounded down: all of `bonus` for a reveal in the first L1 slot of the turn, and
    /// linearly less for each L1 slot after it.
    /// @param turnLength L1 slots for commitment and reveal.
    /// @param delay L1 slots from the start of the turn to the completed reveal, at most `turnLength`.
    function revealBonusDown(uint96 bonus, uint256 turnLength, uint256 delay) internal pure returns (uint96) {
        unchecked {
            // The delay is at most the length. Cast: the factor is at most 1.
            return uint96(uint256(bonus) * (turnLength + 1 - delay) / (turnLength + 1));
        }
    }

    /// @notice The prover's share for a proof, rounded down: all of `share` for a proof in the L1 slot of the reveal,
    /// and linearly less, by `promptnessBps` in the last L1 slot of the exclusive phase.
    /// @param promptnessBps At most 10,000.
    /// @param exclusiveProving Length of the exclusive phase, 1 to 65,535 L1 slots.
    /// @param delay L1 slots from the completed reveal to the proof, at most `exclusiveProving`.
    function promptShareDown(uint96 share, uint256 promptnessBps, uint256 exclusiveProving, uint256 delay)
        internal
        pure
        returns (uint96)
    {
        unchecked {
            // The product of 96, 14 and 16 bits fits. Cast: the factor is at most 1.
            uint256 whole = BPS * exclusiveProving;
            return uint96(uint256(share) * (whole - promptnessBps * delay) / whole);
        }
    }

    /// @notice The part of a bond that is slashed for a late proof, rounded down. It grows by the same amount in each
    /// L1 slot of the open phase, to the whole bond in the last.
    /// @param elapsed L1 slots since the open phase began, below `openProving`.
    /// @param openProving Length of the open phase in L1 slots, above zero.
    function lateBondDown(uint96 bond, uint256 elapsed, uint256 openProving) internal pure returns (uint96) {
        unchecked {
            // The product of 96 and 16 bits fits. Cast: the factor is at most 1.
            return uint96(uint256(bond) * (elapsed + 1) / openProving);
        }
    }
}
