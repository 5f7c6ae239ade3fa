// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A pause that can't become a power
/// @notice The guardian may pause block production once for each approval of governance. It ends by itself; nothing else stops meanwhile and no funds move.
interface IGuardian {
    event PauseUsed(address indexed guardian);
    event PauseApproved();
    event GuardianChanged(address indexed previous, address indexed current);

    /// @custom:rule U13
    error NotGuardian(address expected, address actual);
    /// @custom:rule U14, U15
    error NotGovernance(address expected, address actual);
    /// @notice The approval is used up.
    /// @custom:rule U13
    error NotApproved();
    /// @notice One approval is outstanding at most.
    /// @custom:rule U14
    error AlreadyApproved();
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Guardian only (`NotGuardian`). Uses the approval up and pauses the rollup.
    /// @dev `NotApproved`, `IRollup.AlreadyPaused`, `IRollup.PausedRecently` (the approval stays).
    function pause() external;
    /// @notice Governance only (`NotGovernance`). Allows one further pause (`AlreadyApproved` if one is allowed still).
    function approve() external;
    /// @notice Governance only (`NotGovernance`). Replaces the guardian; zero for none. An outstanding approval passes on.
    function setGuardian(address guardian) external;

    /// @notice Who may pause.
    function guardian() external view returns (address);
    /// @notice Pauses that are allowed: 1 from the deployment on, 0 or 1.
    function approvals() external view returns (uint8);
    /// @notice What is paused.
    function rollup() external view returns (address);
    /// @notice Who approves: the timelock.
    function governance() external view returns (address);
}
