// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IRollup, Tip} from "../../contracts/interfaces/IRollup.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Deploy, Deployment} from "../../script/Deploy.s.sol";
import {DevToken} from "../../script/dev/DevToken.sol";
import {Configuration, Scoring} from "../../script/lib/Configuration.sol";
import {ConfigurationFixture} from "../support/ConfigurationFixture.sol";

/// @notice The deployment's transactions and its file.
contract DeployTest is ConfigurationFixture {
    /// @dev A chain of its own: the scripts read and write deployments/<chain id>.json.
    uint256 internal constant CHAIN = 4_242_001;
    string internal constant FILE = "deployments/4242001.json";

    Deploy internal script;
    Deployment internal deployed;

    function setUp() public {
        vm.chainId(CHAIN);
        vm.warp(1_800_000_000);
        script = new Deploy();
        // the transactions come from the script itself here, not from a broadcasting account
        Configuration memory c = _configuration();
        deployed = script.deploy(c, address(script));
        script.record(c, deployed, 77);
    }

    /// @custom:rule M4, T4, A8
    function test_EverythingIsWired() public view {
        assertEq(deployed.staking.rollup(), address(deployed.rollup));
        assertEq(deployed.escrow.rollup(), address(deployed.rollup));
        assertEq(deployed.rewards.rollup(), address(deployed.rollup));
        assertEq(address(deployed.bridge.rollup()), address(deployed.rollup));
        assertEq(address(deployed.rollup.bridge()), address(deployed.bridge));
        assertEq(address(deployed.rollup.verifier()), address(deployed.verifier));
        assertEq(abi.encode(deployed.reader.parameters()), abi.encode(_parameters()));
        assertEq(deployed.rewards.pot(), 100_000e18);
        assertEq(deployed.token.balanceOf(address(script)), 900_000e18);
        assertEq(address(deployed.rollup.scoring()), address(deployed.scoring));
        assertEq(deployed.scoring.kind(), "public");
        assertEq(address(deployed.reader.rollup()), address(deployed.rollup));
        Tip memory tip = deployed.rollup.tip();
        assertEq(tip.stateRoot, bytes32(uint256(7)));
    }

    /// @custom:rule M4, A8
    function test_GovernanceIsWired() public view {
        assertEq(address(deployed.rollup.votes()), address(deployed.votes));
        assertEq(deployed.votes.rollup(), address(deployed.rollup));
        assertEq(deployed.votes.timelock(), address(deployed.timelock));
        assertEq(deployed.votes.votingRound(), 10);
        assertEq(deployed.votes.votingQuorum(), 6);
        assertEq(deployed.votes.pushPeriod(), 100);
        assertEq(deployed.timelock.votes(), address(deployed.votes));
        assertEq(deployed.timelock.delay(), 10);
        assertEq(deployed.timelock.grace(), 100);
        assertEq(deployed.rollup.guardian(), address(deployed.guardian));
        assertEq(deployed.guardian.rollup(), address(deployed.rollup));
        assertEq(deployed.guardian.governance(), address(deployed.timelock));
        assertEq(deployed.guardian.guardian(), KEEPER);
        assertEq(deployed.staking.governance(), address(deployed.timelock));
        assertEq(deployed.rewards.governance(), address(deployed.timelock));
        assertEq(deployed.rewards.maxBlockReward(), 30e18);
        assertEq(deployed.registry.canonical(), address(deployed.rollup));
        assertEq(deployed.registry.governance(), address(deployed.timelock));
    }

    /// @custom:rule A7
    function test_AConfigurationPicksTheScoring() public {
        Configuration memory c = _configuration();
        c.scoring = Scoring.Vrf;
        Deployment memory second = script.deploy(c, address(script));
        assertEq(second.scoring.kind(), "vrf");
        assertEq(address(VrfScore(address(second.scoring)).staking()), address(second.staking));
    }

    /// @custom:rule A6
    function test_AnExistingTokenIsUsed() public {
        Configuration memory c = _configuration();
        c.token = address(deployed.token);
        c.rewardPot = 0;
        Deployment memory second = script.deploy(c, address(script));
        assertEq(address(second.token), c.token);
        assertTrue(address(second.rollup) != address(deployed.rollup));
    }

    /// @custom:rule A8, M4
    function test_RevertWhen_TheDeployerIsAnother() public {
        Configuration memory c = _configuration();
        vm.expectPartialRevert(IRollup.WiringMismatch.selector);
        script.deploy(c, makeAddr("another"));
    }

    /// @custom:rule A6
    function test_OnlyTheDeployerMintsTheDevelopmentToken() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        DevToken(address(deployed.token)).mint(address(this), 1);
    }

    /// @custom:rule A1
    function test_TheFileHasAddressesAndCodeHashes() public view {
        string memory json = vm.readFile(FILE);
        assertEq(vm.parseJsonUint(json, ".chainId"), CHAIN);
        assertEq(vm.parseJsonString(json, ".config"), "test");
        assertEq(vm.parseJsonUint(json, ".l1GenesisTime"), 1_700_000_000);
        assertEq(vm.parseJsonUint(json, ".l1SlotSeconds"), 12);
        assertEq(vm.parseJsonUint(json, ".genesisSlot"), L1Slot.unwrap(deployed.rollup.genesisSlot()));
        assertEq(vm.parseJsonUint(json, ".block"), 77);
        assertEq(vm.parseJsonAddress(json, ".contracts.rollup"), address(deployed.rollup));
        assertEq(vm.parseJsonAddress(json, ".contracts.token"), address(deployed.token));
        assertEq(vm.parseJsonBytes32(json, ".codeHashes.rollup"), address(deployed.rollup).codehash);
        assertEq(vm.parseJsonBytes32(json, ".codeHashes.verifier"), address(deployed.verifier).codehash);
        assertEq(vm.parseJsonAddress(json, ".contracts.scoring"), address(deployed.scoring));
        assertEq(vm.parseJsonAddress(json, ".contracts.reader"), address(deployed.reader));
        assertEq(vm.parseJsonAddress(json, ".contracts.timelock"), address(deployed.timelock));
        assertEq(vm.parseJsonAddress(json, ".contracts.votes"), address(deployed.votes));
        assertEq(vm.parseJsonAddress(json, ".contracts.guardian"), address(deployed.guardian));
        assertEq(vm.parseJsonAddress(json, ".contracts.registry"), address(deployed.registry));
    }
}
