// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {Rollup} from "../../contracts/Rollup.sol";
import {IRewards} from "../../contracts/interfaces/IRewards.sol";
import {IRollup, Tip} from "../../contracts/interfaces/IRollup.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Deploy, Deployment} from "../../script/Deploy.s.sol";
import {RecordDeployment} from "../../script/RecordDeployment.s.sol";
import {DevToken} from "../../script/dev/DevToken.sol";
import {Configuration, Configurations, Scoring} from "../../script/lib/Configuration.sol";
import {ConfigurationChecks} from "../../script/lib/ConfigurationChecks.sol";
import {Deployments, Plan} from "../../script/lib/Deployments.sol";
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
        vm.roll(77);
        // the transactions come from the script itself here, not from a broadcasting account
        Configuration memory c = _configuration();
        Plan memory plan = script.planFor(c, address(script));
        deployed = script.resume(c, plan);
        Deployments.writePlan(script.complete(plan, deployed));
        new RecordDeployment().run();
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
        assertEq(deployed.rewards.maxRewardPerL1Slot(), 1.2e18);
        assertEq(abi.encode(deployed.rewards.ratesOf(Slot.wrap(0))), abi.encode(_configuration().rates));
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

/// @notice A deployment whose transactions land one after the other, or don't.
contract ResumeTest is ConfigurationFixture {
    /// Fourteen contracts, the allowance and the payment into the reward pot.
    uint256 internal constant TRANSACTIONS = 16;

    /// @dev An account without a key here: its transactions are exported, and some of them are made.
    address internal deployer = makeAddr("deployer");
    address[] internal _targets;
    bytes[] internal _data;

    RecordDeployment internal record;
    string internal _file;
    string internal _pending;
    string internal _kept;
    string internal _export;

    /// @param chain one of its own for each test: tests run at the same time and share the files
    modifier onChain(uint256 chain) {
        vm.chainId(chain);
        vm.warp(1_800_000_000);
        string memory path = string.concat("deployments/", vm.toString(chain));
        _file = string.concat(path, ".json");
        _pending = string.concat(path, ".pending.json");
        _kept = string.concat(path, ".1.json");
        _export = vm.toString(chain);
        _remove(_file);
        _remove(_pending);
        _remove(_kept);
        record = new RecordDeployment();
        // files of half a megabyte are read often
        vm.pauseGasMetering();
        _;
    }

    function _remove(string memory path) private {
        if (vm.isFile(path)) vm.removeFile(path);
    }

    /// @dev The transactions that the script would send now. Nothing of the simulation stays but the plan's file.
    function _simulate(Configuration memory c) private {
        uint256 before = vm.snapshotState();
        Deploy script = new Deploy();
        script.exportTo(_export, deployer);
        script.execute(c);
        assertTrue(vm.revertToState(before));
        string memory path = string.concat("unsigned/", _export, ".json");
        string memory json = vm.readFile(path);
        vm.removeFile(path);
        delete _targets;
        delete _data;
        for (uint256 i = 0; vm.keyExistsJson(json, string.concat("[", vm.toString(i), "]")); ++i) {
            string memory at_ = string.concat("[", vm.toString(i), "]");
            bool creates = bytes(vm.parseJsonString(json, string.concat(at_, ".to"))).length != 42;
            _targets.push(creates ? address(0) : vm.parseJsonAddress(json, string.concat(at_, ".to")));
            _data.push(vm.parseJsonBytes(json, string.concat(at_, ".data")));
            assertEq(vm.parseJsonAddress(json, string.concat(at_, ".from")), deployer);
        }
    }

    /// @dev The first `count` of the simulated transactions.
    function _land(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            bytes memory data = _data[i];
            vm.prank(deployer);
            if (_targets[i] != address(0)) {
                (bool success,) = _targets[i].call(data);
                assertTrue(success);
                continue;
            }
            address created;
            assembly ("memory-safe") {
                created := create(0, add(data, 32), mload(data))
            }
            assertNotEq(created, address(0), vm.toString(i));
        }
    }

    /// @custom:rule A10
    function test_ADeploymentIsResumedWhereverItStopped() public onChain(4_242_005) {
        Configuration memory c = _configuration();
        for (uint256 stop = 0; stop <= TRANSACTIONS; ++stop) {
            uint256 before = vm.snapshotState();
            _simulate(c);
            assertEq(_targets.length, TRANSACTIONS);
            _land(stop);
            // the longest time after which the rollup could not start as planned
            vm.warp(vm.getBlockTimestamp() + 1 hours);
            if (stop < TRANSACTIONS) {
                vm.expectPartialRevert(RecordDeployment.DeploymentUnfinished.selector);
                record.run();
                assertFalse(vm.isFile(_file));
            }
            _simulate(c);
            assertEq(_targets.length, TRANSACTIONS - stop, "transactions that are left");
            _land(_targets.length);
            record.run();
            _checkFile();
            assertTrue(vm.revertToState(before));
            vm.removeFile(_file);
        }
    }

    /// @dev The file's contracts are on the chain, and there is no other file.
    function _checkFile() private view {
        string memory json = vm.readFile(_file);
        string[14] memory names = Deployments.names();
        for (uint256 i = 0; i < names.length; ++i) {
            address at_ = vm.parseJsonAddress(json, string.concat(".contracts.", names[i]));
            assertGt(at_.code.length, 0, names[i]);
            assertEq(vm.parseJsonBytes32(json, string.concat(".codeHashes.", names[i])), at_.codehash, names[i]);
        }
        address rollup = vm.parseJsonAddress(json, ".contracts.rollup");
        assertEq(vm.parseJsonUint(json, ".genesisSlot"), L1Slot.unwrap(Rollup(rollup).genesisSlot()));
        address rewards = vm.parseJsonAddress(json, ".contracts.rewards");
        assertEq(IRewards(rewards).pot(), _configuration().rewardPot);
        assertFalse(vm.keyExistsJson(json, ".plan"));
    }

    /// @custom:rule A10
    function test_RevertWhen_AnotherAccountResumes() public onChain(4_242_006) {
        Configuration memory c = _configuration();
        _simulate(c);
        _land(5);
        Deploy script = new Deploy();
        script.exportTo("another", address(this));
        vm.expectRevert(abi.encodeWithSelector(Deploy.WrongDeployer.selector, deployer, address(this), _pending));
        script.execute(c);
    }

    /// @custom:rule A10
    function test_RevertWhen_TheConfigurationChangedSince() public onChain(4_242_007) {
        Configuration memory c = _configuration();
        _simulate(c);
        _land(5);
        c.scoring = Scoring.Vrf;
        Deploy script = new Deploy();
        script.exportTo("changed", deployer);
        vm.expectRevert(abi.encodeWithSelector(Deploy.OtherConfiguration.selector, _pending));
        script.execute(c);
    }

    /// @custom:rule A8, A10
    function test_RevertWhen_TheDeployerUsedItsNonceForSomethingElse() public onChain(4_242_008) {
        Configuration memory c = _configuration();
        _simulate(c);
        _land(5);
        vm.setNonce(deployer, 6);
        Deploy script = new Deploy();
        script.exportTo("nonce", deployer);
        vm.expectRevert(abi.encodeWithSelector(Deploy.NonceUsed.selector, 5, _pending));
        script.execute(c);
    }

    /// A dry run isn't about to deploy anything.
    /// @custom:rule A1
    function test_OnlyWhatIsOnTheChainIsRecorded() public onChain(4_242_009) {
        vm.expectRevert(abi.encodeWithSelector(RecordDeployment.NothingToRecord.selector, _pending));
        record.run();
        _simulate(_configuration());
        vm.expectPartialRevert(RecordDeployment.DeploymentUnfinished.selector);
        record.run();
        _land(TRANSACTIONS);
        address guardian = vm.parseJsonAddress(vm.readFile(_pending), ".contracts.guardian");
        bytes memory code = guardian.code;
        bytes32 expected = guardian.codehash;
        vm.etch(guardian, hex"00");
        vm.expectRevert(
            abi.encodeWithSelector(RecordDeployment.WrongCode.selector, "guardian", expected, keccak256(hex"00"))
        );
        record.run();
        assertFalse(vm.isFile(_file));
        vm.etch(guardian, code);
        record.run();
        assertFalse(vm.isFile(_pending));
        _checkFile();
    }

    /// @custom:rule A1
    function test_AGoodFileIsNeverLost() public onChain(4_242_010) {
        Configuration memory c = _configuration();
        _simulate(c);
        _land(TRANSACTIONS);
        record.run();
        string memory first = vm.readFile(_file);
        // a second deployment that comes to nothing
        _simulate(c);
        vm.expectPartialRevert(RecordDeployment.DeploymentUnfinished.selector);
        record.run();
        assertEq(vm.readFile(_file), first);
        // and one that is completed
        _simulate(c);
        _land(TRANSACTIONS);
        record.run();
        _checkFile();
        assertNotEq(vm.readFile(_file), first);
        assertEq(vm.readFile(_kept), first);
    }

    /// Neither a number that only the script checks nor one that the last constructors check is exported.
    /// @custom:rule A3
    function test_ABadConfigurationIsNotExported() public onChain(4_242_011) {
        Configuration memory c = _configuration();
        c.launchDelay = 0;
        _refuse(c, Configurations.BadConfiguration.selector);
        c = _configuration();
        c.chainId = 1;
        _refuse(c, ConfigurationChecks.WrongChain.selector);
        c = _configuration();
        c.governance.grace = 0;
        _refuse(c, Configurations.BadConfiguration.selector);
        c = _configuration();
        c.parameters.withholdPenalty = c.staking.stakeAmount;
        _refuse(c, Configurations.BadConfiguration.selector);
        c = _configuration();
        c.rates.sequencerBps += 1;
        _refuse(c, Configurations.BadConfiguration.selector);
    }

    function _refuse(Configuration memory c, bytes4 selector) private {
        Deploy script = new Deploy();
        script.exportTo("refused", deployer);
        vm.expectPartialRevert(selector);
        script.execute(c);
        vm.stopPrank();
        assertFalse(vm.isFile("unsigned/refused.json"));
        assertFalse(vm.isFile(_pending));
    }
}
