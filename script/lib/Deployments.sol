// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

/// @notice A deployment as its file describes it.
struct DeploymentFile {
    string config;
    uint64 l1GenesisTime;
    uint64 l1SlotSeconds;
    uint64 genesisSlot;
    /// An L1 block before the first transaction.
    uint256 firstBlock;
    /// In the order of `Deployments.names`.
    address[14] contracts;
    bytes32[14] codeHashes;
}

/// @notice A deployment that was simulated. Some, all or none of its transactions are on L1.
struct Plan {
    DeploymentFile file;
    address deployer;
    /// The deployer's nonce of the first transaction.
    uint64 nonce;
    /// keccak256 of the configuration.
    bytes32 configurationHash;
    /// What the deployer pays into the reward pot, token units.
    uint256 rewardPot;
}

/// @title The files of deployments
/// @notice `deployments/<chain id>.json` describes what is on L1. `deployments/<chain id>.pending.json` describes what
/// is about to be, from the simulation of `Deploy` to the check of `RecordDeployment`.
library Deployments {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    string private constant FOLDER = "deployments/";

    function names() internal pure returns (string[14] memory) {
        return [
            "token",
            "rollup",
            "staking",
            "randomness",
            "escrow",
            "rewards",
            "bridge",
            "verifier",
            "scoring",
            "reader",
            "timelock",
            "votes",
            "guardian",
            "registry"
        ];
    }

    function path() internal view returns (string memory) {
        return string.concat(FOLDER, VM.toString(block.chainid), ".json");
    }

    function pendingPath() internal view returns (string memory) {
        return string.concat(FOLDER, VM.toString(block.chainid), ".pending.json");
    }

    /// @notice Whether all contracts of a file are on this chain, with its code.
    function isOnChain(DeploymentFile memory file) internal view returns (bool) {
        for (uint256 i = 0; i < file.contracts.length; ++i) {
            if (file.contracts[i].code.length == 0 || file.contracts[i].codehash != file.codeHashes[i]) return false;
        }
        return true;
    }

    function read(string memory from) internal view returns (DeploymentFile memory file) {
        string memory json = VM.readFile(from);
        file.config = VM.parseJsonString(json, ".config");
        // casting: the file's numbers come from values of these types
        // forge-lint: disable-next-item(unsafe-typecast)
        file.l1GenesisTime = uint64(VM.parseJsonUint(json, ".l1GenesisTime"));
        // forge-lint: disable-next-item(unsafe-typecast)
        file.l1SlotSeconds = uint64(VM.parseJsonUint(json, ".l1SlotSeconds"));
        // forge-lint: disable-next-item(unsafe-typecast)
        file.genesisSlot = uint64(VM.parseJsonUint(json, ".genesisSlot"));
        file.firstBlock = VM.parseJsonUint(json, ".block");
        string[14] memory keys = names();
        for (uint256 i = 0; i < keys.length; ++i) {
            file.contracts[i] = VM.parseJsonAddress(json, string.concat(".contracts.", keys[i]));
            file.codeHashes[i] = VM.parseJsonBytes32(json, string.concat(".codeHashes.", keys[i]));
        }
    }

    function readPlan() internal view returns (Plan memory plan) {
        string memory json = VM.readFile(pendingPath());
        plan.file = read(pendingPath());
        plan.deployer = VM.parseJsonAddress(json, ".plan.deployer");
        // casting: a nonce has 64 bits
        // forge-lint: disable-next-line(unsafe-typecast)
        plan.nonce = uint64(VM.parseJsonUint(json, ".plan.nonce"));
        plan.configurationHash = VM.parseJsonBytes32(json, ".plan.configurationHash");
        plan.rewardPot = VM.parseJsonUint(json, ".plan.rewardPot");
    }

    function write(DeploymentFile memory file) internal {
        VM.createDir(FOLDER, true);
        VM.writeJson(_serialize("deployment", file), path());
    }

    function writePlan(Plan memory plan) internal {
        VM.serializeAddress("plan", "deployer", plan.deployer);
        VM.serializeUint("plan", "nonce", plan.nonce);
        VM.serializeBytes32("plan", "configurationHash", plan.configurationHash);
        string memory extra = VM.serializeString("plan", "rewardPot", VM.toString(plan.rewardPot));
        _serialize("pending", plan.file);
        VM.createDir(FOLDER, true);
        VM.writeJson(VM.serializeString("pending", "plan", extra), pendingPath());
    }

    /// @dev The members of `file` in the object `key`.
    function _serialize(string memory key, DeploymentFile memory file) private returns (string memory) {
        string[14] memory keys = names();
        string memory contracts;
        string memory codeHashes;
        for (uint256 i = 0; i < keys.length; i++) {
            contracts = VM.serializeAddress("contracts", keys[i], file.contracts[i]);
            codeHashes = VM.serializeBytes32("codeHashes", keys[i], file.codeHashes[i]);
        }
        VM.serializeUint(key, "chainId", block.chainid);
        VM.serializeString(key, "config", file.config);
        VM.serializeUint(key, "l1GenesisTime", file.l1GenesisTime);
        VM.serializeUint(key, "l1SlotSeconds", file.l1SlotSeconds);
        VM.serializeUint(key, "genesisSlot", file.genesisSlot);
        VM.serializeUint(key, "block", file.firstBlock);
        VM.serializeString(key, "contracts", contracts);
        return VM.serializeString(key, "codeHashes", codeHashes);
    }
}
