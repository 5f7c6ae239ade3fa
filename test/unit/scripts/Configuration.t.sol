// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {Configuration, Configurations} from "../../../script/lib/Configuration.sol";
import {ConfigurationFixture} from "../../support/ConfigurationFixture.sol";

contract Reader {
    using Configurations for Configuration;

    function read(string memory network) external returns (Configuration memory) {
        return Configurations.read(network);
    }

    function check(Configuration memory c) external view {
        c.check();
    }
}

contract ConfigurationTest is ConfigurationFixture {
    Reader internal reader = new Reader();

    function setUp() public {
        vm.warp(1_800_000_000);
    }

    function _reject(Configuration memory c, string memory name) internal {
        vm.expectRevert(abi.encodeWithSelector(Configurations.BadConfiguration.selector, name));
        reader.check(c);
    }

    function _rejectParameter(Configuration memory c, string memory name) internal {
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadParameter.selector, name));
        reader.check(c);
    }

    function test_AcceptsTheDevnets() public view {
        reader.check(_configuration());
    }

    function test_RevertWhen_TheChainIsAnother() public {
        Configuration memory c = _configuration();
        c.chainId = 11_155_111;
        vm.expectRevert(abi.encodeWithSelector(Configurations.WrongChain.selector, 11_155_111, block.chainid));
        reader.check(c);
        vm.chainId(11_155_111);
        reader.check(c);
    }

    function test_RevertWhen_DevelopmentPartsGoToMainnet() public {
        Configuration memory c = _configuration();
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(Configurations.NotOnMainnet.selector, "a configuration of any chain"));
        reader.check(c);
        c.chainId = 1;
        vm.expectRevert(abi.encodeWithSelector(Configurations.NotOnMainnet.selector, "the development token"));
        reader.check(c);
        c.token = address(this);
        c.rewardPot = 0;
        c.keyPath = "vectors/verifying-key.json";
        vm.expectRevert(abi.encodeWithSelector(Configurations.NotOnMainnet.selector, "the development key"));
        reader.check(c);
        c.keyPath = "vectors/ceremony/verifying-key.json";
        reader.check(c);
    }

    function test_RevertWhen_TheTokenHasNoCode() public {
        Configuration memory c = _configuration();
        c.token = makeAddr("nothing");
        vm.expectRevert(abi.encodeWithSelector(Configurations.TokenWithoutCode.selector, c.token));
        reader.check(c);
    }

    function test_RevertWhen_TheRewardPotCantBePaid() public {
        Configuration memory c = _configuration();
        c.rewardPot = c.tokenSupply + 1;
        _reject(c, "rewardPot");
        // other people's tokens aren't spent
        c = _configuration();
        c.token = address(this);
        _reject(c, "rewardPot");
    }

    function test_RevertWhen_TheClockIsBad() public {
        Configuration memory c = _configuration();
        c.l1SlotSeconds = 0;
        _reject(c, "l1SlotSeconds");
        c = _configuration();
        c.l1GenesisTime = uint64(block.timestamp) + 1;
        _reject(c, "l1GenesisTime");
    }

    function test_RevertWhen_StakesOrDelaysAreBad() public {
        Configuration memory c = _configuration();
        c.stake = 0;
        _reject(c, "stake");
        c = _configuration();
        c.minimumStake = 0;
        _reject(c, "minimumStake");
        c.minimumStake = c.stake + 1;
        _reject(c, "minimumStake");
        c = _configuration();
        c.entryPeriod = 0;
        _reject(c, "entryPeriod");
        c = _configuration();
        c.exitDelay = 0;
        _reject(c, "exitDelay");
        c = _configuration();
        c.escrowWithdrawalDelay = 0;
        _reject(c, "escrowWithdrawalDelay");
        c = _configuration();
        c.launchDelay = c.entryPeriod;
        _reject(c, "launchDelay");
    }

    function test_RevertWhen_TheBridgesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.unit = 0;
        _reject(c, "unit");
        c.unit = uint256(type(uint128).max) + 1;
        _reject(c, "unit");
        c = _configuration();
        c.minDeposit = 0;
        _reject(c, "minDeposit");
    }

    function test_RevertWhen_TheCircuitIsBad() public {
        Configuration memory c = _configuration();
        c.circuit.key = bytes.concat(c.circuit.key, hex"00");
        _reject(c, "key");
        c = _configuration();
        c.circuit.elements = 0;
        _reject(c, "elements");
        c.circuit.elements = 12;
        _reject(c, "elements");
        c.circuit.elements = 8192;
        _reject(c, "elements");
        c = _configuration();
        c.circuit.operations = 0;
        _reject(c, "operations");
        c.circuit.operations = c.circuit.elements + 1;
        _reject(c, "operations");
        c = _configuration();
        c.circuit.genesisRoot = bytes32(ScalarField.ORDER);
        _reject(c, "genesisRoot");
        c = _configuration();
        c.chunksPerBlob = 0;
        _reject(c, "chunksPerBlob");
        c.chunksPerBlob = 4096 / c.circuit.elements + 1;
        _reject(c, "chunksPerBlob");
        c = _configuration();
        c.circuit.operations = 1;
        _reject(c, "operations");
        c = _configuration();
        c.feeBurnBps = 10_001;
        _reject(c, "feeBurnBps");
    }

    function test_RevertWhen_ABlockCantHoldTheQueueItMustConsume() public {
        Configuration memory c = _configuration();
        c.parameters.maxDeposits = 64;
        reader.check(c);
        c.parameters.maxDeposits = 65;
        vm.expectRevert(abi.encodeWithSelector(Configurations.TooManyDeposits.selector, 64, 65));
        reader.check(c);
    }

    function test_RevertWhen_TheRollupsParametersBreakAnInvariant() public {
        Configuration memory c = _configuration();
        c.parameters.exclusiveProving = c.parameters.provingPhase + 1;
        _rejectParameter(c, "exclusiveProving");
        c = _configuration();
        c.parameters.seedDelay = 13;
        _rejectParameter(c, "idle");
        c = _configuration();
        c.parameters.sequencerBps += 1;
        _rejectParameter(c, "rewardBps");
        c = _configuration();
        c.parameters.withholdPenalty = c.stake;
        _rejectParameter(c, "penalties");
        // more blobs than a block may have
        c = _configuration();
        c.chunksPerBlob = 2;
        _rejectParameter(c, "maxBlobs");
    }

    function test_RevertWhen_AFileIsMissing() public {
        vm.expectRevert(abi.encodeWithSelector(Configurations.MissingFile.selector, "script/config/nowhere.json"));
        reader.read("nowhere");
    }

    function test_RevertWhen_MainnetsTokenWasNotFilledIn() public {
        vm.expectRevert(abi.encodeWithSelector(Configurations.BadConfiguration.selector, "token"));
        reader.read("mainnet");
    }

    function test_ReadsTheDevnet() public {
        Configuration memory c = reader.read("devnet");
        reader.check(c);
        assertEq(c.network, "devnet");
        assertEq(c.token, address(0));
        assertEq(c.stake, 100e18);
        assertEq(c.unit, 1e9);
        assertEq(c.parameters.provingPhase, 60);
        assertEq(c.parameters.blockReward, 3e18);
        assertEq(c.parameters.revealBonus, 0.1e18);
        assertEq(abi.encode(c.parameters), abi.encode(_configuration().parameters));
    }

    function test_ReadsSepolia() public {
        Configuration memory c = reader.read("sepolia");
        vm.chainId(11_155_111);
        reader.check(c);
        assertEq(c.parameters.provingPhase, 25);
    }

    function test_TheEnvironmentSetsTheClock() public {
        vm.setEnv("FERNET_L1_GENESIS_TIME", "1700000000");
        vm.setEnv("FERNET_L1_SLOT_SECONDS", "2");
        Configuration memory c = reader.read("devnet");
        assertEq(c.l1GenesisTime, 1_700_000_000);
        assertEq(c.l1SlotSeconds, 2);
    }
}
