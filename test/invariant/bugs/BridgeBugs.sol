// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Lane, WithdrawalProof} from "../../../contracts/interfaces/IBridge.sol";
import {BridgeHandler} from "../handlers/BridgeHandler.sol";

// One bug for each invariant. `snapshots/storage.json` has the storage layout of the bridge.

/// @notice A claim is not recorded.
contract ForgetsClaims is BridgeHandler {
    function _afterClaim(WithdrawalProof memory proof) internal override {
        bytes32 ofSlot = keccak256(abi.encode(proof.header.slot, uint256(4)));
        bytes32 ofBlob = keccak256(abi.encode(proof.blob, ofSlot));
        vm.store(address(bridge), keccak256(abi.encode(proof.element >> 8, ofBlob)), 0);
    }
}

/// @notice A claimed withdrawal can be claimed again.
contract ForgetsSupply is BridgeHandler {
    function _afterClaim(WithdrawalProof memory) internal override {
        uint256 totals = uint256(vm.load(address(bridge), 0));
        vm.store(address(bridge), 0, bytes32(totals + (uint256(1) << 160)));
    }
}

/// @notice One deposit allows any number of forced exits.
contract ForgetsExits is BridgeHandler {
    function _afterExit(uint32 index) internal override {
        bytes32 word = keccak256(abi.encode(index, uint256(3)));
        vm.store(address(bridge), word, bytes32(uint256(vm.load(address(bridge), word)) | (1 << 160)));
    }
}

/// @notice An exit waits for the last deposit to its account.
contract WaitsForDust is BridgeHandler {
    function _afterDeposit(uint32 index) internal override {
        bytes32 word = keccak256(abi.encode(index, uint256(3)));
        uint256 owner = uint256(vm.load(address(bridge), word)) & type(uint160).max;
        vm.store(address(bridge), word, bytes32(owner | (uint256(bridge.count(Lane.Deposits)) << 160)));
    }
}

/// @notice An exit waits for the first deposit of all instead of the first one to its account.
contract OvertakesDeposits is BridgeHandler {
    function _afterDeposit(uint32 index) internal override {
        bytes32 word = keccak256(abi.encode(index, uint256(3)));
        uint256 owner = uint256(vm.load(address(bridge), word)) & type(uint160).max;
        vm.store(address(bridge), word, bytes32(owner | (1 << 160)));
    }
}
