// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGuardian} from "../interfaces/IGuardian.sol";

/// @notice The part of the rollup that the guardian calls.
interface IPausable {
    /// @notice Stops block production for a bounded time.
    function pause() external;
}

/// @title A guardian with bounded power to pause
contract Guardian is IGuardian {
    /// @inheritdoc IGuardian
    address public immutable rollup;
    /// @inheritdoc IGuardian
    address public immutable governance;
    /// @inheritdoc IGuardian
    address public guardian;
    /// @inheritdoc IGuardian
    uint8 public approvals;

    modifier onlyGovernance() {
        _checkGovernance();
        _;
    }

    /// @param guardian_ Account that may pause; zero for none. Governance may replace it.
    constructor(address rollup_, address governance_, address guardian_) {
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (governance_ == address(0)) revert BadParameter("governance");
        rollup = rollup_;
        governance = governance_;
        guardian = guardian_;
        approvals = 1;
        emit GuardianChanged(address(0), guardian_);
        emit PauseApproved();
    }

    /// @inheritdoc IGuardian
    function pause() external {
        if (msg.sender != guardian) revert NotGuardian(guardian, msg.sender);
        if (approvals == 0) revert NotApproved();
        approvals = 0;
        emit PauseUsed(msg.sender);
        IPausable(rollup).pause();
    }

    /// @inheritdoc IGuardian
    function approve() external onlyGovernance {
        if (approvals != 0) revert AlreadyApproved();
        approvals = 1;
        emit PauseApproved();
    }

    /// @inheritdoc IGuardian
    function setGuardian(address guardian_) external onlyGovernance {
        emit GuardianChanged(guardian, guardian_);
        guardian = guardian_;
    }

    function _checkGovernance() private view {
        if (msg.sender != governance) revert NotGovernance(governance, msg.sender);
    }
}
