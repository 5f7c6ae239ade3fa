// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "../L1Clock.sol";
import {IRegistry, Version} from "../interfaces/IRegistry.sol";
import {Wiring} from "../libraries/Wiring.sol";

/// @title Versions of the rollup
contract Registry is IRegistry, L1Clock {
    /// @dev Never empty.
    Version[] private _versions;

    /// @param rollup_ The first version, with the same clock. It is deployed before this contract, and so is its
    /// timelock.
    constructor(address rollup_, address governance_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        _add(rollup_, governance_);
        Wiring.expect("rollup", rollup_, bytes4(keccak256("l1GenesisTime()")), l1GenesisTime_);
        Wiring.expect("rollup", rollup_, bytes4(keccak256("l1SlotSeconds()")), l1SlotSeconds_);
    }

    /// @inheritdoc IRegistry
    function addVersion(address rollup, address governance_) external {
        Version storage last = _last();
        if (msg.sender != last.governance) revert NotGovernance(last.governance, msg.sender);
        if (rollup == last.rollup) revert AlreadyCanonical(rollup);
        _add(rollup, governance_);
    }

    /// @inheritdoc IRegistry
    function canonical() external view returns (address) {
        return _last().rollup;
    }

    /// @inheritdoc IRegistry
    function governance() external view returns (address) {
        return _last().governance;
    }

    /// @inheritdoc IRegistry
    function count() external view returns (uint256) {
        return _versions.length;
    }

    /// @inheritdoc IRegistry
    function versionAt(uint256 version) external view returns (Version memory) {
        if (version >= _versions.length) revert UnknownVersion(_versions.length, version);
        return _versions[version];
    }

    function _add(address rollup, address governance_) private {
        if (rollup.code.length == 0) revert BadParameter("rollup");
        if (governance_.code.length == 0) revert BadParameter("governance");
        emit VersionAdded(_versions.length, rollup, governance_);
        _versions.push(Version({rollup: rollup, governance: governance_, addedAt: l1Slot()}));
    }

    function _last() private view returns (Version storage) {
        unchecked {
            // The constructor added one version, and versions are never removed.
            return _versions[_versions.length - 1];
        }
    }
}
