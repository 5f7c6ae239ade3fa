// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A guardian with bounded power to pause
/// @notice The guardian may pause block production once for each approval of governance. The pause ends by itself.
/// Nothing else stops during it, and no funds move.
interface IGuardian {
    event PauseUsed(address indexed guardian);
    event PauseApproved();
    event GuardianChanged(address indexed previous, address indexed current);

    /// @custom:rule U13
    error NotGuardian(address expected, address actual);
    /// @custom:rule U14, U15
    error NotGovernance(address expected, address actual);
    /// @notice The last approval was used.
    /// @custom:rule U13
    error NotApproved();
    /// @notice An approval is outstanding. There is at most one.
    /// @custom:rule U14
    error AlreadyApproved();
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Uses the approval and pauses the rollup. Guardian only.
    /// @dev Errors: `NotGuardian`; `NotApproved`; `IRollup.AlreadyPaused`; `IRollup.PausedRecently`. A call that
    /// reverts leaves the approval unused.
    function pause() external;
    /// @notice Allows one further pause. Governance only.
    /// @dev Errors: `NotGovernance`; `AlreadyApproved`.
    function approve() external;
    /// @notice Replaces the guardian; zero for none. An outstanding approval passes to the new guardian. Governance
    /// only.
    /// @dev Errors: `NotGovernance`.
    function setGuardian(address guardian) external;

    /// @notice Account that may pause; zero for none.
    function guardian() external view returns (address);
    /// @notice Number of pauses that are allowed now, 0 or 1. It is 1 after deployment.
    function approvals() external view returns (uint8);
    /// @notice The contract that is paused.
    function rollup() external view returns (address);
    /// @notice The timelock, which approves pauses.
    function governance() external view returns (address);
}
