// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Script} from "forge-std/Script.sol";

import {Bridge} from "../contracts/Bridge.sol";
import {Escrow} from "../contracts/Escrow.sol";
import {Randomness} from "../contracts/Randomness.sol";
import {Reader} from "../contracts/Reader.sol";
import {Rewards} from "../contracts/Rewards.sol";
import {Rollup} from "../contracts/Rollup.sol";
import {Staking} from "../contracts/Staking.sol";
import {Guardian} from "../contracts/governance/Guardian.sol";
import {Registry} from "../contracts/governance/Registry.sol";
import {Timelock} from "../contracts/governance/Timelock.sol";
import {Votes} from "../contracts/governance/Votes.sol";
import {IRollup} from "../contracts/interfaces/IRollup.sol";
import {IScoring} from "../contracts/interfaces/IScoring.sol";
import {Contracts} from "../contracts/rollup/RollupBase.sol";
import {PublicScore} from "../contracts/scoring/PublicScore.sol";
import {VrfScore} from "../contracts/scoring/VrfScore.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {BlockVerifier} from "../contracts/verifier/BlockVerifier.sol";
import {DevToken} from "./dev/DevToken.sol";
import {Configuration, Configurations, Scoring} from "./lib/Configuration.sol";

/// @notice What was deployed.
struct Deployment {
    IERC20 token;
    Rollup rollup;
    Staking staking;
    Randomness randomness;
    Escrow escrow;
    Rewards rewards;
    Bridge bridge;
    BlockVerifier verifier;
    IScoring scoring;
    Reader reader;
    Timelock timelock;
    Votes votes;
    Guardian guardian;
    Registry registry;
}

/// @title Deploys and wires everything
/// @notice usage: forge script script/Deploy.s.sol --rpc-url URL --broadcast [forge's wallet options]
///
/// - FERNET_NETWORK       configuration script/config/<network>.json, `devnet` where unset
/// - FERNET_DEPLOYER_KEY  private key of the deployer; where unset, forge's wallet options say who deploys
/// - FERNET_L1_GENESIS_TIME, FERNET_L1_SLOT_SECONDS, FERNET_SCORING, FERNET_GUARDIAN  replace the configuration's
///
/// Checks the configuration before any transaction. Writes deployments/<chain id>.json from the simulation that forge makes first:
/// "block" is the block before the first transaction or an earlier one; "genesisSlot" is `launchDelay` after the simulation.
contract Deploy is Script {
    using Configurations for Configuration;

    function run() external returns (Deployment memory deployed) {
        Configuration memory configuration = Configurations.read(vm.envOr("FERNET_NETWORK", string("devnet")));
        configuration.check();
        uint256 key = vm.envOr("FERNET_DEPLOYER_KEY", uint256(0));
        uint256 firstBlock = block.number;
        if (key == 0) vm.startBroadcast();
        else vm.startBroadcast(key);
        (, address deployer,) = vm.readCallers();
        deployed = deploy(configuration, deployer);
        vm.stopBroadcast();
        record(configuration, deployed, firstBlock);
    }

    /// @notice All transactions of a deployment, from `deployer`. The configuration was checked.
    function deploy(Configuration memory c, address deployer) public returns (Deployment memory deployed) {
        deployed.token = c.token == address(0) ? new DevToken(deployer, c.tokenSupply) : IERC20(c.token);
        deployed.verifier = new BlockVerifier(
            c.circuit.key,
            c.circuit.operations,
            c.circuit.elements,
            c.chunksPerBlob,
            c.circuit.genesisRoot,
            c.feeBurnBps
        );
        // nine contracts come before the rollup, whose constructor refuses any other address
        address rollup = vm.computeCreateAddress(deployer, vm.getNonce(deployer) + 9);
        _deployGovernance(c, deployed, deployer, rollup);
        _deployParts(c, deployed, rollup);
        deployed.rollup = new Rollup(
            c.parameters,
            Contracts({
                staking: deployed.staking,
                randomness: deployed.randomness,
                escrow: deployed.escrow,
                rewards: deployed.rewards,
                bridge: deployed.bridge,
                verifier: deployed.verifier,
                scoring: deployed.scoring,
                votes: deployed.votes,
                guardian: address(deployed.guardian)
            }),
            c.l1GenesisTime,
            c.l1SlotSeconds,
            // Fixed here and now, whenever the transactions land: the code on chain is the code in the file.
            deployed.staking.l1Slot().plus(c.launchDelay)
        );
        deployed.reader = new Reader(deployed.rollup);
        deployed.registry =
            new Registry(address(deployed.rollup), address(deployed.timelock), c.l1GenesisTime, c.l1SlotSeconds);
        if (c.rewardPot != 0) {
            deployed.token.approve(address(deployed.rewards), c.rewardPot);
            deployed.rewards.fund(c.rewardPot);
        }
    }

    /// @notice Writes deployments/<chain id>.json.
    function record(Configuration memory c, Deployment memory deployed, uint256 firstBlock) public {
        (string[14] memory names, address[14] memory addresses) = _named(deployed);
        string memory contracts;
        string memory codeHashes;
        for (uint256 i = 0; i < names.length; i++) {
            contracts = vm.serializeAddress("contracts", names[i], addresses[i]);
            codeHashes = vm.serializeBytes32("codeHashes", names[i], addresses[i].codehash);
        }
        string memory file = "deployment";
        vm.serializeUint(file, "chainId", block.chainid);
        vm.serializeString(file, "config", c.network);
        vm.serializeUint(file, "l1GenesisTime", c.l1GenesisTime);
        vm.serializeUint(file, "l1SlotSeconds", c.l1SlotSeconds);
        vm.serializeUint(file, "genesisSlot", L1Slot.unwrap(deployed.rollup.genesisSlot()));
        vm.serializeUint(file, "block", firstBlock);
        vm.serializeString(file, "contracts", contracts);
        string memory json = vm.serializeString(file, "codeHashes", codeHashes);
        vm.createDir("deployments", true);
        vm.writeJson(json, string.concat("deployments/", vm.toString(block.chainid), ".json"));
    }

    /// @dev Three contracts. The timelock comes before the votes that it names.
    function _deployGovernance(Configuration memory c, Deployment memory deployed, address deployer, address rollup)
        private
    {
        address votes = vm.computeCreateAddress(deployer, vm.getNonce(deployer) + 1);
        deployed.timelock =
            new Timelock(votes, c.governance.delay, c.governance.grace, c.l1GenesisTime, c.l1SlotSeconds);
        deployed.votes = new Votes(
            rollup,
            address(deployed.timelock),
            c.governance.votingRound,
            c.governance.votingQuorum,
            c.governance.pushPeriod,
            c.l1GenesisTime,
            c.l1SlotSeconds
        );
        deployed.guardian = new Guardian(rollup, address(deployed.timelock), c.governance.guardian);
    }

    /// @dev The six contracts that the rollup calls, the verifier and the votes apart.
    function _deployParts(Configuration memory c, Deployment memory deployed, address rollup) private {
        address timelock = address(deployed.timelock);
        deployed.staking = new Staking(deployed.token, rollup, timelock, c.staking, c.l1GenesisTime, c.l1SlotSeconds);
        deployed.scoring =
            c.scoring == Scoring.Vrf ? IScoring(new VrfScore(deployed.staking)) : IScoring(new PublicScore());
        deployed.randomness = new Randomness(c.l1GenesisTime, c.l1SlotSeconds);
        deployed.escrow = new Escrow(deployed.token, rollup, c.escrowWithdrawalDelay, c.l1GenesisTime, c.l1SlotSeconds);
        deployed.rewards = new Rewards(deployed.token, rollup, timelock, c.rates, c.maxBlockReward, c.maxRevealBonus);
        deployed.bridge =
            new Bridge(deployed.token, IRollup(rollup), c.unit, c.minDeposit, c.l1GenesisTime, c.l1SlotSeconds);
    }

    function _named(Deployment memory deployed)
        private
        pure
        returns (string[14] memory names, address[14] memory addresses)
    {
        names = [
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
        addresses = [
            address(deployed.token),
            address(deployed.rollup),
            address(deployed.staking),
            address(deployed.randomness),
            address(deployed.escrow),
            address(deployed.rewards),
            address(deployed.bridge),
            address(deployed.verifier),
            address(deployed.scoring),
            address(deployed.reader),
            address(deployed.timelock),
            address(deployed.votes),
            address(deployed.guardian),
            address(deployed.registry)
        ];
    }
}
