// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @notice A rollup that was made canonical.
struct Version {
    address rollup;
    /// Timelock of that rollup's governance. Only it can add the next version.
    address governance;
    L1Slot addedAt;
}

/// @title Versions of the rollup
/// @notice A pointer for clients. Older versions keep working, and no stake, bond or deposit moves. Each version has
/// its own governance, and the governance of the last version decides on the next.
interface IRegistry {
    event VersionAdded(uint256 indexed version, address indexed rollup, address indexed governance);

    /// @custom:rule U17
    error NotGovernance(address expected, address actual);
    /// @custom:rule U16
    error AlreadyCanonical(address rollup);
    /// @notice Versions are counted from 0.
    /// @custom:rule U16
    error UnknownVersion(uint256 count, uint256 version);
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Makes `rollup` canonical. An earlier version may become canonical again. Governance of the canonical
    /// version only.
    /// @dev Errors: `NotGovernance`; `AlreadyCanonical`; `BadParameter` if `rollup` or `governance` has no code, as no
    /// further version could be added after it.
    function addVersion(address rollup, address governance) external;

    /// @notice Rollup of the last version.
    function canonical() external view returns (address);
    /// @notice Timelock of the last version.
    function governance() external view returns (address);
    /// @notice Number of versions, at least 1.
    function count() external view returns (uint256);
    /// @notice A version, counted from 0.
    /// @dev Errors: `UnknownVersion`.
    function versionAt(uint256 version) external view returns (Version memory);
}
