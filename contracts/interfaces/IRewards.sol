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

    function fund(uint256 amount) external;
    /// @notice Rollup only.
    function credit(address account, uint256 amount) external;
    /// @notice Pays the sender's credit, or as much of it as the pot holds.
    function claim(address to) external returns (uint256 paid);
    function owed(address account) external view returns (uint256);
    function totalOwed() external view returns (uint256);
    /// @notice Tokens in the pot.
    function pot() external view returns (uint256);
}
