// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The reward pot and what it owes
/// @notice Credits are promises; they are paid when claimed and as far as the pot reaches. An empty pot delays pay and never blocks a block.
interface IRewards {
    event Funded(address indexed from, uint256 amount);
    event Credited(address indexed account, uint256 amount);
    event Claimed(address indexed account, address indexed to, uint256 amount, uint256 stillOwed);

    error NotRollup(address expected, address actual);
    error NothingOwed(address account);
    error PotEmpty(uint256 owed);
    error ZeroAmount();
    error ZeroAddress();
    error BadParameter(string name);

    /// @notice Adds the sender's tokens to the pot. Anyone.
    function fund(uint256 amount) external;
    /// @notice Rollup only (`NotRollup`). Adds to what `account` is owed, token units; nothing moves.
    function credit(address account, uint256 amount) external;
    /// @notice Pays the sender's credit to `to`, or as much of it as the pot holds; the rest stays owed.
    /// @dev `NothingOwed` without a credit, `PotEmpty` where the pot has nothing at all.
    function claim(address to) external returns (uint256 paid);
    /// @notice Credit of an account, token units.
    function owed(address account) external view returns (uint256);
    /// @notice Sum of all credits, which may exceed the pot.
    function totalOwed() external view returns (uint256);
    /// @notice Tokens in the pot.
    function pot() external view returns (uint256);
}
