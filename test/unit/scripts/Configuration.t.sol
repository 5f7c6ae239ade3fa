// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {L1Clock} from "../../../contracts/L1Clock.sol";
import {IRewards} from "../../../contracts/interfaces/IRewards.sol";
import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {VerifyingKey} from "../../../contracts/verifier/VerifyingKey.sol";
import {Deploy} from "../../../script/Deploy.s.sol";
import {Configuration, Configurations, Scoring} from "../../../script/lib/Configuration.sol";
import {Environment} from "../../../script/lib/Environment.sol";
import {ConfigurationFixture} from "../../support/ConfigurationFixture.sol";

contract Reader {
    using Configurations for Configuration;

    function read(string memory network) external returns (Configuration memory) {
        return Configurations.read(network);
    }

    function applyEnvironment(Configuration memory c) external view returns (Configuration memory) {
        c.applyEnvironment();
        return c;
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

    /// @dev The script's own check refuses the configuration, and names the field.
    function _reject(Configuration memory c, string memory field) internal view {
        try reader.check(c) {
            assertTrue(false, string.concat("accepted: ", field));
        } catch (bytes memory data) {
            _assertField(data, Configurations.BadConfiguration.selector, field);
        }
    }

    /// @dev A constructor refuses the configuration, and names the parameter.
    function _rejectParameter(Configuration memory c, string memory name) internal {
        _rejectInConstructor(c, abi.encodeWithSelector(IRollup.BadParameter.selector, name));
    }

    /// @dev The simulation of the deployment ends with a constructor's error. The script's own check accepts.
    function _rejectInConstructor(Configuration memory c, bytes memory data) internal {
        reader.check(c);
        Deploy script = new Deploy();
        vm.expectRevert(data);
        script.deploy(c, address(script));
    }

    function _assertField(bytes memory data, bytes4 selector, string memory field) internal pure {
        // casting: the first four bytes
        // forge-lint: disable-next-line(unsafe-typecast)
        assertTrue(bytes4(data) == selector, vm.toString(data));
        bytes memory arguments = new bytes(data.length - 4);
        for (uint256 i = 4; i < data.length; ++i) {
            arguments[i - 4] = data[i];
        }
        (string memory name,, string memory expected) = abi.decode(arguments, (string, string, string));
        assertEq(name, field);
        assertGt(bytes(expected).length, 3);
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
        c.rewardPot = 0;
        _rejectParameter(c, "token");
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
        _rejectInConstructor(c, abi.encodeWithSelector(L1Clock.BadClock.selector, c.l1GenesisTime, 0));
        c = _configuration();
        c.l1GenesisTime = uint64(block.timestamp) + 1;
        _rejectInConstructor(c, abi.encodeWithSelector(L1Clock.BadClock.selector, c.l1GenesisTime, 12));
    }

    /// @custom:rule A3
    function test_RevertWhen_StakesOrDelaysAreBad() public {
        Configuration memory c = _configuration();
        c.staking.stakeAmount = 0;
        _rejectParameter(c, "stakeAmount");
        c = _configuration();
        c.staking.minimumStake = 0;
        _rejectParameter(c, "minimumStake");
        c.staking.minimumStake = c.staking.stakeAmount + 1;
        _rejectParameter(c, "minimumStake");
        c = _configuration();
        c.staking.entryPeriod = 0;
        _rejectParameter(c, "entryPeriod");
        c = _configuration();
        c.staking.exitDelay = 0;
        _rejectParameter(c, "exitDelay");
        c = _configuration();
        c.staking.entryWindow = 0;
        _rejectParameter(c, "entryWindow");
        c = _configuration();
        c.staking.entryFlush = 0;
        _rejectParameter(c, "entryFlush");
        c.staking.entryFlush = c.staking.maxEntryFlush + 1;
        _rejectParameter(c, "entryFlush");
        c = _configuration();
        c.staking.queueLimit = 129;
        _rejectParameter(c, "queueLimit");
        c = _configuration();
        c.escrowWithdrawalDelay = 0;
        _rejectParameter(c, "withdrawalDelay");
        c = _configuration();
        c.launchDelay = c.staking.entryPeriod;
        _reject(c, "launchDelay");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheBridgesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.unit = 0;
        _rejectParameter(c, "unit");
        c.unit = uint256(type(uint128).max) + 1;
        _rejectParameter(c, "unit");
        c = _configuration();
        c.minDeposit = 0;
        _rejectParameter(c, "minDeposit");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheCircuitIsBad() public {
        Configuration memory c = _configuration();
        c.circuit.key = bytes.concat(c.circuit.key, hex"00");
        _rejectInConstructor(
            c,
            abi.encodeWithSelector(
                VerifyingKey.WrongKeyLength.selector, VerifyingKey.ENCODED_LENGTH, VerifyingKey.ENCODED_LENGTH + 1
            )
        );
        c = _configuration();
        c.circuit.elements = 0;
        _rejectParameter(c, "elements");
        c.circuit.elements = 12;
        _rejectParameter(c, "elements");
        c.circuit.elements = 8192;
        _rejectParameter(c, "elements");
        c = _configuration();
        // no block of such a circuit holds any deposit
        c.parameters.maxDeposits = 0;
        c.circuit.operations = 0;
        _rejectParameter(c, "operations");
        c.circuit.operations = c.circuit.elements + 1;
        _rejectParameter(c, "operations");
        c = _configuration();
        c.circuit.genesisRoot = bytes32(ScalarField.ORDER);
        _rejectParameter(c, "genesisRoot");
        c = _configuration();
        c.chunksPerBlob = 0;
        _rejectParameter(c, "chunksPerBlob");
        c.chunksPerBlob = 4096 / c.circuit.elements + 1;
        _rejectParameter(c, "chunksPerBlob");
        c = _configuration();
        c.parameters.maxDeposits = 0;
        c.circuit.operations = 1;
        _rejectParameter(c, "operations");
        c = _configuration();
        c.feeBurnBps = 10_001;
        _rejectParameter(c, "feeBurnBps");
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
        _rejectInConstructor(
            c, abi.encodeWithSelector(IRewards.BlockRewardTooHigh.selector, c.maxBlockReward, c.rates.blockReward)
        );
        c = _configuration();
        c.maxRevealBonus = c.rates.revealBonus - 1;
        _rejectInConstructor(
            c, abi.encodeWithSelector(IRewards.RevealBonusTooHigh.selector, c.maxRevealBonus, c.rates.revealBonus)
        );
        c = _configuration();
        c.rates.sequencerBps += 1;
        _rejectInConstructor(c, abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 10_001));
    }

    /// @custom:rule A3
    function test_RevertWhen_GovernancesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.governance.votingRound = 0;
        _rejectParameter(c, "votingRound");
        c = _configuration();
        c.governance.votingQuorum = 5;
        _rejectParameter(c, "votingQuorum");
        c.governance.votingQuorum = 11;
        _rejectParameter(c, "votingQuorum");
        c = _configuration();
        c.governance.pushPeriod = 0;
        _rejectParameter(c, "pushPeriod");
        c = _configuration();
        c.governance.delay = 0;
        _rejectParameter(c, "delay");
        c = _configuration();
        c.governance.grace = 0;
        _rejectParameter(c, "grace");
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
        try reader.read("mainnet") {
            assertTrue(false, "accepted");
        } catch (bytes memory data) {
            _assertField(data, Configurations.BadConfiguration.selector, "token");
        }
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

    /// The variables of a deployment. No other test reads or sets them: the environment is shared.
    /// @custom:rule A2
    function test_TheEnvironmentSetsTheClock() public {
        Configuration memory c = _configuration();
        assertEq(abi.encode(reader.applyEnvironment(c)), abi.encode(c));
        address guardian = makeAddr("guardian");
        vm.setEnv("FERNET_L1_GENESIS_TIME", "1700000000");
        vm.setEnv("FERNET_L1_SLOT_SECONDS", "2");
        vm.setEnv("FERNET_SCORING", "vrf");
        vm.setEnv("FERNET_GUARDIAN", vm.toString(guardian));
        Configuration memory changed = reader.applyEnvironment(c);
        c.l1GenesisTime = 1_700_000_000;
        c.l1SlotSeconds = 2;
        c.scoring = Scoring.Vrf;
        c.governance.guardian = guardian;
        assertEq(abi.encode(changed), abi.encode(c));

        _rejectVariable("FERNET_L1_GENESIS_TIME", "-1", "1700000000");
        _rejectVariable("FERNET_L1_SLOT_SECONDS", "abc", "2");
        _rejectVariable("FERNET_SCORING", "", "vrf");
        _rejectVariable("FERNET_GUARDIAN", "0x123", vm.toString(guardian));
        assertEq(abi.encode(reader.applyEnvironment(_configuration())), abi.encode(c));
    }

    /// @dev Sets the variable to `bad`, sees it refused by name, and sets it to `good` again.
    function _rejectVariable(string memory name, string memory bad, string memory good) private {
        vm.setEnv(name, bad);
        try reader.applyEnvironment(_configuration()) {
            assertTrue(false, string.concat("accepted: ", name));
        } catch (bytes memory data) {
            _assertField(data, Environment.BadVariable.selector, name);
        }
        vm.setEnv(name, good);
    }
}
