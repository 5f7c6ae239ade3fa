// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

import {Rewards} from "../contracts/Rewards.sol";
import {Rollup} from "../contracts/Rollup.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {DeploymentFile, Deployments, Plan} from "./lib/Deployments.sol";

/// @title Writes deployments/<chain id>.json once everything is on L1
/// @notice usage: forge script script/RecordDeployment.s.sol --rpc-url URL
///
/// Compares every contract that `Deploy` planned with the chain, and sends nothing. An older file is kept as
/// deployments/<chain id>.1.json, .2.json, … if it describes another deployment that is on this chain.
contract RecordDeployment is Script {
    uint256 private constant REWARDS = 5;
    uint256 private constant ROLLUP = 1;

    /// @notice No deployment waits to be recorded: run `Deploy` with `--broadcast` first.
    error NothingToRecord(string missingFile);
    /// @notice A contract isn't on L1: run `Deploy` again, with the same settings. It sends only what is missing.
    error DeploymentUnfinished(string missing, address where);
    /// @notice Another contract is at an address of the deployment.
    error WrongCode(string name, bytes32 expected, bytes32 actual);

    function run() external {
        string memory pending = Deployments.pendingPath();
        if (!vm.isFile(pending)) revert NothingToRecord(pending);
        Plan memory plan = Deployments.readPlan();
        DeploymentFile memory file = plan.file;
        string[14] memory names = Deployments.names();
        for (uint256 i = 0; i < names.length; ++i) {
            address at_ = file.contracts[i];
            if (at_.code.length == 0) revert DeploymentUnfinished(names[i], at_);
            if (at_.codehash != file.codeHashes[i]) revert WrongCode(names[i], file.codeHashes[i], at_.codehash);
        }
        if (plan.rewardPot != 0 && Rewards(file.contracts[REWARDS]).pot() == 0) {
            revert DeploymentUnfinished("the tokens of the reward pot", file.contracts[REWARDS]);
        }
        file.genesisSlot = L1Slot.unwrap(Rollup(file.contracts[ROLLUP]).genesisSlot());
        _keepOther(file);
        Deployments.write(file);
        vm.removeFile(pending);
        console.log("written:", Deployments.path());
    }

    /// @dev Moves a file that describes another deployment on this chain out of the way.
    function _keepOther(DeploymentFile memory file) private {
        string memory path = Deployments.path();
        if (!vm.isFile(path)) return;
        DeploymentFile memory other = Deployments.read(path);
        if (other.contracts[ROLLUP] == file.contracts[ROLLUP] || !Deployments.isOnChain(other)) return;
        uint256 number = 1;
        while (vm.isFile(_numbered(number))) ++number;
        vm.copyFile(path, _numbered(number));
        console.log("the deployment before is kept in", _numbered(number));
    }

    function _numbered(uint256 number) private view returns (string memory) {
        return string.concat("deployments/", vm.toString(block.chainid), ".", vm.toString(number), ".json");
    }
}
