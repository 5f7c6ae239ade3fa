// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Numbers that follow from a seed.
struct Dice {
    uint256 seed;
}

using DiceLib for Dice global;

library DiceLib {
    /// @notice From `low` through `high`.
    function roll(Dice memory self, uint256 low, uint256 high) internal pure returns (uint256) {
        self.seed = uint256(keccak256(abi.encode(self.seed)));
        return low + self.seed % (high - low + 1);
    }

    /// @notice Any 256 bits.
    function word(Dice memory self) internal pure returns (uint256) {
        self.seed = uint256(keccak256(abi.encode(self.seed)));
        return self.seed;
    }

    function account(Dice memory self) internal pure returns (address) {
        // casting: a number of 160 bits, not zero and no precompile
        return address(uint160(roll(self, 1 << 64, type(uint160).max)));
    }

    function coin(Dice memory self) internal pure returns (bool) {
        return roll(self, 0, 1) == 1;
    }
}
