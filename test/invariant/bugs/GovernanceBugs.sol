// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GovernanceHandler} from "../handlers/GovernanceHandler.sol";

// One bug for each invariant. `snapshots/storage.json` has the storage layouts.

/// @notice An executed payload stays ready.
contract ForgetsExecutions is GovernanceHandler {
    function _afterExecution(address payload_) internal override {
        bytes32 word = bytes32(uint256(keccak256(abi.encode(payload_, uint256(0)))) + 1);
        uint256 times = uint256(vm.load(address(timelock), word)) & type(uint128).max;
        vm.store(address(timelock), word, bytes32(times));
    }
}

/// @notice A pause does not use its approval.
contract ForgetsApprovals is GovernanceHandler {
    function _afterPause() internal override {
        uint256 word = uint256(vm.load(address(guardian), 0));
        vm.store(address(guardian), 0, bytes32(word | (1 << 160)));
    }
}
