// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @notice A rollup that was made canonical.
struct Version {
    address rollup;
    /// timelock of that rollup's votes: it alone adds the next version
    address governance;
    L1Slot addedAt;
}

/// @title Versions of the rollup
/// @notice A pointer for clients, nothing more: older versions go on as before, and nobody's stake, bond or deposit moves. Each version brings its own governance,
/// and that of the last one decides on the next.
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

    /// @notice Governance of the canonical version only (`NotGovernance`). Makes `rollup` canonical; an earlier version may come back.
    /// @dev `AlreadyCanonical`; `BadParameter` if there is no code at `rollup` or `governance`, which would end the succession.
    function addVersion(address rollup, address governance) external;

    /// @notice The last version's rollup.
    function canonical() external view returns (address);
    /// @notice The last version's timelock.
    function governance() external view returns (address);
    /// @notice Versions so far, at least 1.
    function count() external view returns (uint256);
    /// @notice A version, counted from 0. `UnknownVersion`.
    function versionAt(uint256 version) external view returns (Version memory);
}
