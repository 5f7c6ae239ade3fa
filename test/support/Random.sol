// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A deterministic sequence of random numbers.
struct Random {
    uint256 seed;
}

using RandomLib for Random global;

library RandomLib {
    /// @notice A number from `low` to `high`, inclusive.
    function between(Random memory self, uint256 low, uint256 high) internal pure returns (uint256) {
        self.seed = uint256(keccak256(abi.encode(self.seed)));
        return low + self.seed % (high - low + 1);
    }

    /// @notice Any 256 bits.
    function word(Random memory self) internal pure returns (uint256) {
        self.seed = uint256(keccak256(abi.encode(self.seed)));
        return self.seed;
    }

    function account(Random memory self) internal pure returns (address) {
        // Cast: a number of 160 bits, not zero and no precompile.
        return address(uint160(between(self, 1 << 64, type(uint160).max)));
    }

    function boolean(Random memory self) internal pure returns (bool) {
        return between(self, 0, 1) == 1;
    }
}
