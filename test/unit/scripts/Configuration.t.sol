// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {Configuration, Configurations, Scoring} from "../../../script/lib/Configuration.sol";
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

    /// @custom:rule A3
    function test_AcceptsTheDevnets() public view {
        reader.check(_configuration());
    }

    /// @custom:rule A3
    function test_RevertWhen_TheChainIsAnother() public {
        Configuration memory c = _configuration();
        c.chainId = 11_155_111;
        vm.expectRevert(abi.encodeWithSelector(Configurations.WrongChain.selector, 11_155_111, block.chainid));
        reader.check(c);
        vm.chainId(11_155_111);
        reader.check(c);
    }

    /// @custom:rule A4
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

    /// @custom:rule A6
    function test_RevertWhen_TheTokenHasNoCode() public {
        Configuration memory c = _configuration();
        c.token = makeAddr("nothing");
        vm.expectRevert(abi.encodeWithSelector(Configurations.TokenWithoutCode.selector, c.token));
        reader.check(c);
    }

    /// @custom:rule A6
    function test_RevertWhen_TheRewardPotCantBePaid() public {
        Configuration memory c = _configuration();
        c.rewardPot = c.tokenSupply + 1;
        _reject(c, "rewardPot");
        // other people's tokens aren't spent
        c = _configuration();
        c.token = address(this);
        _reject(c, "rewardPot");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheClockIsBad() public {
        Configuration memory c = _configuration();
        c.l1SlotSeconds = 0;
        _reject(c, "l1SlotSeconds");
        c = _configuration();
        c.l1GenesisTime = uint64(block.timestamp) + 1;
        _reject(c, "l1GenesisTime");
    }

    /// @custom:rule A3
    function test_RevertWhen_StakesOrDelaysAreBad() public {
        Configuration memory c = _configuration();
        c.staking.stakeAmount = 0;
        _reject(c, "stake");
        c = _configuration();
        c.staking.minimumStake = 0;
        _reject(c, "minimumStake");
        c.staking.minimumStake = c.staking.stakeAmount + 1;
        _reject(c, "minimumStake");
        c = _configuration();
        c.staking.entryPeriod = 0;
        _reject(c, "entryPeriod");
        c = _configuration();
        c.staking.exitDelay = 0;
        _reject(c, "exitDelay");
        c = _configuration();
        c.staking.entryWindow = 0;
        _reject(c, "entryWindow");
        c = _configuration();
        c.staking.entryFlush = 0;
        _reject(c, "entryFlush");
        c.staking.entryFlush = c.staking.maxEntryFlush + 1;
        _reject(c, "entryFlush");
        c = _configuration();
        c.staking.queueLimit = 129;
        _reject(c, "queueLimit");
        c = _configuration();
        c.escrowWithdrawalDelay = 0;
        _reject(c, "escrowWithdrawalDelay");
        c = _configuration();
        c.launchDelay = c.staking.entryPeriod;
        _reject(c, "launchDelay");
    }

    /// @custom:rule A3
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

    /// @custom:rule A3
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

    /// @custom:rule A3, Y9
    function test_RevertWhen_ABlockCantHoldTheQueueItMustConsume() public {
        Configuration memory c = _configuration();
        c.parameters.maxDeposits = 64;
        reader.check(c);
        c.parameters.maxDeposits = 65;
        vm.expectRevert(abi.encodeWithSelector(Configurations.TooManyDeposits.selector, 64, 65));
        reader.check(c);
    }

    /// @custom:rule A3
    function test_RevertWhen_TheRollupsParametersBreakAnInvariant() public {
        Configuration memory c = _configuration();
        c.parameters.exclusiveProving = c.parameters.provingPhase + 1;
        _rejectParameter(c, "exclusiveProving");
        c = _configuration();
        c.parameters.seedDelay = 13;
        _rejectParameter(c, "idle");
        c = _configuration();
        c.parameters.pauseLength = 0;
        _rejectParameter(c, "pauseLength");
        c = _configuration();
        c.parameters.withholdPenalty = c.staking.stakeAmount;
        _rejectParameter(c, "penalties");
        // more blobs than a block may have
        c = _configuration();
        c.chunksPerBlob = 2;
        _rejectParameter(c, "maxBlobs");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheRatesAreBad() public {
        Configuration memory c = _configuration();
        c.maxBlockReward = c.rates.blockReward - 1;
        _reject(c, "maxBlockReward");
        c = _configuration();
        c.maxRevealBonus = c.rates.revealBonus - 1;
        _reject(c, "maxRevealBonus");
        c = _configuration();
        c.rates.sequencerBps += 1;
        _reject(c, "rewardBps");
    }

    /// @custom:rule A3
    function test_RevertWhen_GovernancesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.governance.votingRound = 0;
        _reject(c, "votingRound");
        c = _configuration();
        c.governance.votingQuorum = 5;
        _reject(c, "votingQuorum");
        c.governance.votingQuorum = 11;
        _reject(c, "votingQuorum");
        c = _configuration();
        c.governance.pushPeriod = 0;
        _reject(c, "pushPeriod");
        c = _configuration();
        c.governance.delay = 0;
        _reject(c, "delay");
        c = _configuration();
        c.governance.grace = 0;
        _reject(c, "grace");
    }

    function _sections() private pure returns (string[4] memory) {
        return ["$", "$.rollup", "$.rewards", "$.governance"];
    }

    /// Numbers without a reason, and reasons without a number, are refused here.
    /// @custom:rule A2
    function test_EveryNumberHasItsReason() public view {
        string[3] memory networks = ["devnet", "sepolia", "mainnet"];
        for (uint256 n = 0; n < 3; ++n) {
            string memory json = vm.readFile(string.concat("script/config/", networks[n], ".json"));
            uint256 numbers;
            for (uint256 i = 0; i < 4; ++i) {
                string[] memory keys = vm.parseJsonKeys(json, _sections()[i]);
                for (uint256 k = 0; k < keys.length; ++k) {
                    numbers += _checkReason(json, _sections()[i], keys[k]);
                }
            }
            assertEq(vm.parseJsonKeys(json, "$.reasons").length, numbers, networks[n]);
        }
    }

    /// @dev 1 if the entry needs a reason and has one, 0 for names and sections.
    function _checkReason(string memory json, string memory section, string memory key) private view returns (uint256) {
        bytes32 hash = keccak256(bytes(key));
        if (hash == keccak256("token") || hash == keccak256("verifyingKey") || hash == keccak256("reasons")) return 0;
        if (hash == keccak256("rollup") || hash == keccak256("rewards") || hash == keccak256("governance")) return 0;
        string memory prefix = bytes(section).length == 1 ? "" : string.concat(vm.replace(section, "$.", ""), ".");
        string memory path = string.concat(".reasons['", prefix, key, "']");
        assertTrue(vm.keyExistsJson(json, path), path);
        assertGt(bytes(vm.parseJsonString(json, path)).length, 10, path);
        return 1;
    }

    /// What mainnet still needs filled in keeps it from being read; its rules are Sepolia's, which are checked.
    /// @custom:rule A5
    function test_MainnetHasTheRulesOfSepolia() public view {
        string memory mainnet = vm.readFile("script/config/mainnet.json");
        string memory sepolia = vm.readFile("script/config/sepolia.json");
        for (uint256 i = 1; i < 4; ++i) {
            string[] memory keys = vm.parseJsonKeys(mainnet, _sections()[i]);
            assertEq(vm.parseJsonKeys(sepolia, _sections()[i]).length, keys.length);
            for (uint256 k = 0; k < keys.length; ++k) {
                string memory path = string.concat(_sections()[i], ".", keys[k]);
                assertEq(vm.parseJsonUint(mainnet, path), vm.parseJsonUint(sepolia, path), path);
            }
        }
    }

    /// @custom:rule A2
    function test_RevertWhen_AFileIsMissing() public {
        vm.expectRevert(abi.encodeWithSelector(Configurations.MissingFile.selector, "script/config/nowhere.json"));
        reader.read("nowhere");
    }

    /// @custom:rule A5
    function test_RevertWhen_MainnetsTokenWasNotFilledIn() public {
        vm.expectRevert(abi.encodeWithSelector(Configurations.BadConfiguration.selector, "token"));
        reader.read("mainnet");
    }

    /// @custom:rule A2, A3
    function test_ReadsTheDevnet() public {
        Configuration memory c = reader.read("devnet");
        reader.check(c);
        assertEq(c.network, "devnet");
        assertEq(c.token, address(0));
        assertEq(c.staking.stakeAmount, 100e18);
        assertEq(c.unit, 1e9);
        assertEq(c.parameters.provingPhase, 60);
        assertEq(c.rates.blockReward, 3e18);
        assertEq(c.rates.revealBonus, 0.1e18);
        assertEq(c.maxBlockReward, 30e18);
        assertEq(uint256(c.scoring), uint256(Scoring.Public));
        assertEq(c.governance.votingRound, 10);
        assertEq(c.governance.votingQuorum, 6);
        assertEq(c.governance.guardian, address(0));
        assertEq(abi.encode(c.parameters), abi.encode(_configuration().parameters));
    }

    /// @custom:rule A2, A3
    function test_ReadsSepolia() public {
        Configuration memory c = reader.read("sepolia");
        vm.chainId(11_155_111);
        reader.check(c);
        assertEq(c.parameters.provingPhase, 25);
        assertEq(c.governance.votingRound, 1008);
        assertEq(c.governance.votingQuorum, 605);
    }

    /// @custom:rule A2
    function test_TheEnvironmentSetsTheClock() public {
        vm.setEnv("FERNET_L1_GENESIS_TIME", "1700000000");
        vm.setEnv("FERNET_L1_SLOT_SECONDS", "2");
        Configuration memory c = reader.read("devnet");
        assertEq(c.l1GenesisTime, 1_700_000_000);
        assertEq(c.l1SlotSeconds, 2);
    }
}
