// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {L1Clock} from "../../../contracts/L1Clock.sol";
import {Rollup} from "../../../contracts/Rollup.sol";
import {IGuardian} from "../../../contracts/interfaces/IGuardian.sol";
import {IRewards} from "../../../contracts/interfaces/IRewards.sol";
import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {VerifyingKey} from "../../../contracts/verifier/VerifyingKey.sol";
import {Deploy} from "../../../script/Deploy.s.sol";
import {Configuration, Configurations, Scoring} from "../../../script/lib/Configuration.sol";
import {ConfigurationChecks} from "../../../script/lib/ConfigurationChecks.sol";
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
        ConfigurationChecks.check(c);
    }

    function parse(string memory json) external returns (Configuration memory) {
        return Configurations.parse("text", json);
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

    /// @dev The script's own check names the field. Without it, the constructor would refuse the parameter.
    function _rejectParameter(Configuration memory c, string memory field, string memory name) internal {
        _rejectInConstructor(c, field, abi.encodeWithSelector(IRollup.BadParameter.selector, name));
    }

    function _rejectInConstructor(Configuration memory c, string memory field, bytes memory data) internal {
        _reject(c, field);
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
        Configuration memory c = _mainnets();
        c.chainId = 11_155_111;
        vm.expectRevert(abi.encodeWithSelector(ConfigurationChecks.WrongChain.selector, 11_155_111, block.chainid));
        reader.check(c);
        vm.chainId(11_155_111);
        reader.check(c);
    }

    function _notOnMainnet(string memory what, string memory expected) private {
        vm.expectRevert(abi.encodeWithSelector(ConfigurationChecks.NotOnMainnet.selector, what, expected));
    }

    /// @custom:rule A4
    function test_RevertWhen_DevelopmentPartsGoToMainnet() public {
        Configuration memory c = _configuration();
        vm.chainId(1);
        _notOnMainnet("a configuration of any chain", "chainId 1");
        reader.check(c);
        c = _mainnets();
        c.token = address(0);
        _notOnMainnet("the development token", "the address of a token");
        reader.check(c);
        reader.check(_mainnets());
    }

    /// The key is known by its bytes, whatever file it comes from.
    /// @custom:rule A4
    function test_RevertWhen_TheDevelopmentKeyGoesToMainnet() public {
        string memory file = vm.readFile("vectors/verifying-key.json");
        bytes memory key = vm.parseJsonBytes(file, ".key");
        assertEq(keccak256(key), ConfigurationChecks.DEVELOPMENT_KEY);
        vm.chainId(1);
        string memory path = "deployments/copy-of-a-key.json";
        vm.createDir("deployments", true);
        vm.writeFile(path, file);
        string memory json = vm.readFile("script/config/mainnet.json");
        json = vm.replace(json, "vectors/ceremony/verifying-key.json", path);
        json = vm.replace(json, '"0x0000000000000000000000000000000000000000",\n  "tokenSupply"', _token());
        Configuration memory c = reader.parse(json);
        vm.removeFile(path);
        assertEq(c.keyPath, path);
        _notOnMainnet("the development key", "the key of a ceremony");
        reader.check(c);
        // Another key passes, also under the development key's path.
        c.circuit.key = trapdoor.key();
        c.keyPath = "vectors/verifying-key.json";
        reader.check(c);
    }

    /// @dev The token's entry of mainnet's file, filled in.
    function _token() private view returns (string memory) {
        return string.concat('"', vm.toString(address(this)), '",\n  "tokenSupply"');
    }

    /// @dev A configuration that mainnet accepts.
    function _mainnets() private view returns (Configuration memory c) {
        c = _configuration();
        c.chainId = 1;
        c.token = address(this);
        c.rewardPot = 0;
        c.parameters.seedGrid = 44;
        c.parameters.backupPhase = 41;
        c.parameters.stallAfter = 248;
        c.escrowWithdrawalDelay = 124;
    }

    /// @custom:rule A6
    function test_RevertWhen_TheTokenHasNoCode() public {
        Configuration memory c = _configuration();
        c.token = makeAddr("nothing");
        c.rewardPot = 0;
        _rejectParameter(c, "token", "token");
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
        _rejectInConstructor(c, "l1SlotSeconds", abi.encodeWithSelector(L1Clock.BadClock.selector, c.l1GenesisTime, 0));
        c = _configuration();
        c.l1GenesisTime = uint64(block.timestamp) + 1;
        bytes memory refused = abi.encodeWithSelector(L1Clock.BadClock.selector, c.l1GenesisTime, 12);
        _rejectInConstructor(c, "l1GenesisTime", refused);
    }

    /// @custom:rule A3
    function test_RevertWhen_StakesOrDelaysAreBad() public {
        Configuration memory c = _configuration();
        c.staking.stakeAmount = 0;
        _rejectParameter(c, "stake", "stakeAmount");
        c = _configuration();
        c.staking.minimumStake = 0;
        _rejectParameter(c, "minimumStake", "minimumStake");
        c.staking.minimumStake = c.staking.stakeAmount + 1;
        _rejectParameter(c, "minimumStake", "minimumStake");
        c = _configuration();
        c.staking.entryPeriod = 0;
        _rejectParameter(c, "entryPeriod", "entryPeriod");
        c = _configuration();
        c.staking.exitDelay = 0;
        _rejectParameter(c, "exitDelay", "exitDelay");
        c = _configuration();
        c.staking.entryWindow = 0;
        _rejectParameter(c, "entryWindow", "entryWindow");
        c = _configuration();
        c.staking.entryFlush = 0;
        _rejectParameter(c, "entryFlush", "entryFlush");
        c.staking.entryFlush = c.staking.maxEntryFlush + 1;
        _rejectParameter(c, "entryFlush", "entryFlush");
        c = _configuration();
        c.staking.queueLimit = 129;
        _rejectParameter(c, "queueLimit", "queueLimit");
        c = _configuration();
        c.escrowWithdrawalDelay = 0;
        _rejectParameter(c, "escrowWithdrawalDelay", "withdrawalDelay");
        // The longest slot has 91 L1 slots.
        c.escrowWithdrawalDelay = 90;
        _rejectParameter(c, "escrowWithdrawalDelay", "withdrawalDelay");
        c.escrowWithdrawalDelay = 91;
        reader.check(c);
        c = _configuration();
        c.launchDelay = c.staking.entryPeriod;
        _reject(c, "launchDelay");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheBridgesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.unit = 0;
        _rejectParameter(c, "unit", "unit");
        c.unit = uint256(type(uint128).max) + 1;
        _rejectParameter(c, "unit", "unit");
        c = _configuration();
        c.minDeposit = 0;
        _rejectParameter(c, "minDeposit", "minDeposit");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheCircuitIsBad() public {
        Configuration memory c = _configuration();
        c.circuit.key = bytes.concat(c.circuit.key, hex"00");
        _rejectInConstructor(
            c,
            "verifyingKey.key",
            abi.encodeWithSelector(
                VerifyingKey.WrongKeyLength.selector, VerifyingKey.ENCODED_LENGTH, VerifyingKey.ENCODED_LENGTH + 1
            )
        );
        c = _configuration();
        c.circuit.key[127] ^= 0x01;
        vm.expectRevert(VerifyingKey.InvalidVerifyingKey.selector);
        reader.check(c);
        c = _configuration();
        c.circuit.elements = 0;
        _rejectParameter(c, "verifyingKey.elements", "elements");
        c.circuit.elements = 12;
        _rejectParameter(c, "verifyingKey.elements", "elements");
        c.circuit.elements = 8192;
        _rejectParameter(c, "verifyingKey.elements", "elements");
        c = _configuration();
        c.circuit.operations = 0;
        _rejectParameter(c, "verifyingKey.operations", "operations");
        c.circuit.operations = 1;
        _rejectParameter(c, "verifyingKey.operations", "operations");
        c.circuit.operations = c.circuit.elements + 1;
        _rejectParameter(c, "verifyingKey.operations", "operations");
        c = _configuration();
        c.circuit.genesisRoot = bytes32(ScalarField.ORDER);
        _rejectParameter(c, "verifyingKey.genesisRoot", "genesisRoot");
        c = _configuration();
        c.chunksPerBlob = 0;
        _rejectParameter(c, "chunksPerBlob", "chunksPerBlob");
        c.chunksPerBlob = 4096 / c.circuit.elements + 1;
        _rejectParameter(c, "chunksPerBlob", "chunksPerBlob");
        c = _configuration();
        c.feeBurnBps = 10_001;
        _rejectParameter(c, "feeBurnBps", "feeBurnBps");
    }

    /// A block of 16 chunks has 128 places. A forced exit takes two of the same chunk.
    /// @custom:rule A3, Y9
    function test_RevertWhen_ABlockCantHoldWhatItMustConsume() public {
        Configuration memory c = _configuration();
        c.parameters.maxDeposits = 72;
        reader.check(c);
        c.parameters.maxDeposits = 73;
        _reject(c, "rollup.maxDeposits");
        c.parameters.maxExits = 64;
        c.parameters.maxDeposits = 1;
        _reject(c, "rollup.maxDeposits");
        c.parameters.maxExits = 65;
        _reject(c, "rollup.maxExits");
        // Seven operations hold three exits, and a deposit beside them.
        c = _configuration();
        c.circuit.operations = 7;
        c.parameters.maxExits = 48;
        c.parameters.maxDeposits = 16;
        reader.check(c);
        c.parameters.maxDeposits = 17;
        _reject(c, "rollup.maxDeposits");
        c.parameters.maxExits = 49;
        _reject(c, "rollup.maxExits");
    }

    /// Whoever wins a slot must not choose the seed of the slot after the next.
    /// @custom:rule A11
    function test_RevertWhen_TheSeedCanBeChosen() public {
        Configuration memory c = _configuration();
        c.chainId = 11_155_111;
        vm.chainId(c.chainId);
        _reject(c, "rollup.seedGrid");
        // 2 + 44 = 3 + 3 + 40
        c = _mainnets();
        c.chainId = 11_155_111;
        reader.check(c);
        c.parameters.seedGrid = 43;
        _reject(c, "rollup.seedGrid");
        // A development chain may have any.
        c.chainId = 0;
        reader.check(c);
    }

    /// @custom:rule A3
    function test_RevertWhen_ATimeBreaksAnInvariantOfTheRollup() public {
        Configuration memory c = _configuration();
        c.parameters.proposalPhase = 1;
        _rejectParameter(c, "rollup.proposalPhase", "proposalPhase");
        c = _configuration();
        c.parameters.exclusiveProving = c.parameters.provingPhase + 1;
        _rejectParameter(c, "rollup.exclusiveProving", "exclusiveProving");
        c = _configuration();
        c.parameters.seedDelay = 13;
        _rejectParameter(c, "rollup.backupPhase", "idle");
        c = _configuration();
        c.parameters.pauseLength = 0;
        _rejectParameter(c, "rollup.pauseLength", "pauseLength");
        c.parameters.pauseLength = 8192;
        _rejectParameter(c, "rollup.pauseLength", "pauseLength");
        c = _configuration();
        c.parameters.maxCandidates = 5;
        _rejectParameter(c, "rollup.maxCandidates", "maxCandidates");
        c = _configuration();
        c.parameters.provingPhase = 8191;
        _rejectParameter(c, "rollup.provingPhase", "longestSlot");
        c = _configuration();
        c.parameters.stallAfter = 181;
        _rejectParameter(c, "rollup.stallAfter", "stallAfter");
        c.parameters.stallAfter = 182;
        reader.check(c);
        c.parameters.maxStall = 65_354;
        _rejectParameter(c, "rollup.maxStall", "maxStall");
    }

    /// @custom:rule A3
    function test_RevertWhen_AnAmountBreaksAnInvariantOfTheRollup() public {
        Configuration memory c = _configuration();
        c.parameters.rescueShareBps = 10_001;
        _rejectParameter(c, "rollup.rescueShareBps", "rescueShareBps");
        c = _configuration();
        c.parameters.minBond = 0;
        _rejectParameter(c, "rollup.minBond", "minBond");
        c = _configuration();
        c.parameters.abandonPenalty = c.staking.minimumStake + 1;
        _rejectParameter(c, "rollup.abandonPenalty", "penalties");
        c = _configuration();
        c.parameters.withholdPenalty = c.staking.minimumStake + 1;
        _rejectParameter(c, "rollup.withholdPenalty", "penalties");
        // more blobs than a block may have
        c = _configuration();
        c.chunksPerBlob = 2;
        _rejectParameter(c, "rollup.maxBlobs", "maxBlobs");
        c.chunksPerBlob = 512;
        c.parameters.maxBlobs = 17;
        _rejectParameter(c, "rollup.maxBlobs", "maxBlobs");
    }

    /// @custom:rule A3
    function test_RevertWhen_TheRatesAreBad() public {
        Configuration memory c = _configuration();
        c.maxRewardPerL1Slot = c.rates.rewardPerL1Slot - 1;
        _rejectInConstructor(
            c,
            "rewards.rewardPerL1Slot",
            abi.encodeWithSelector(IRewards.RewardTooHigh.selector, c.maxRewardPerL1Slot, c.rates.rewardPerL1Slot)
        );
        c = _configuration();
        c.rates.promptnessBps = 10_001;
        _rejectInConstructor(
            c, "rewards.promptnessBps", abi.encodeWithSelector(IRewards.PromptnessTooHigh.selector, 10_000, 10_001)
        );
        c = _configuration();
        c.rates.bonusBps += 1;
        _rejectInConstructor(
            c, "rewards.submitterBps", abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 10_001)
        );
    }

    /// @custom:rule A3
    function test_RevertWhen_GovernancesNumbersAreBad() public {
        Configuration memory c = _configuration();
        c.governance.votingRound = 0;
        _rejectParameter(c, "governance.votingRound", "votingRound");
        c = _configuration();
        c.governance.votingQuorum = 5;
        _rejectParameter(c, "governance.votingQuorum", "votingQuorum");
        c.governance.votingQuorum = 11;
        _rejectParameter(c, "governance.votingQuorum", "votingQuorum");
        c = _configuration();
        c.governance.pushPeriod = 0;
        _rejectParameter(c, "governance.pushPeriod", "pushPeriod");
        c = _configuration();
        c.governance.delay = 0;
        _rejectParameter(c, "governance.delay", "delay");
        c = _configuration();
        c.governance.grace = 0;
        _rejectParameter(c, "governance.grace", "grace");
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
        assertEq(abi.encode(c.rates), abi.encode(_configuration().rates));
        assertEq(c.maxRewardPerL1Slot, 1.2e18);
        assertEq(c.escrowWithdrawalDelay, 100);
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

    // ---- the environment --------------------------------------------------------------------------------------------

    /// Each variable of a deployment is set, alone, and `run` deploys what it says. No other test reads or sets these
    /// variables: the environment is shared.
    /// @custom:rule A2, A7
    function test_TheEnvironmentReplacesEntries() public {
        vm.chainId(4_242_020);
        Configuration memory c = _configuration();
        assertEq(abi.encode(reader.applyEnvironment(c)), abi.encode(c));
        (address deployer, uint256 key) = makeAddrAndKey("operator");
        // the same in every test, see `OperatorFixture`
        vm.setEnv("FERNET_KEY", vm.toString(bytes32(key)));

        // Sepolia's file is for another chain; without a variable, it is the devnet's.
        vm.setEnv("FERNET_NETWORK", "sepolia");
        Deploy script = new Deploy();
        vm.expectRevert(abi.encodeWithSelector(ConfigurationChecks.WrongChain.selector, 11_155_111, 4_242_020));
        script.run();
        vm.setEnv("FERNET_NETWORK", "nowhere");
        vm.expectRevert(abi.encodeWithSelector(Configurations.MissingFile.selector, "script/config/nowhere.json"));
        script.run();
        _rejectRun("FERNET_NETWORK", "../sepolia", "devnet");

        _checkRun(deployer, 0, 12, "public", address(0));
        vm.setEnv("FERNET_L1_GENESIS_TIME", "1700000000");
        _checkRun(deployer, 1_700_000_000, 12, "public", address(0));
        vm.setEnv("FERNET_L1_SLOT_SECONDS", "2");
        _checkRun(deployer, 1_700_000_000, 2, "public", address(0));
        vm.setEnv("FERNET_SCORING", "vrf");
        _checkRun(deployer, 1_700_000_000, 2, "vrf", address(0));
        vm.setEnv("FERNET_GUARDIAN", vm.toString(KEEPER));
        _checkRun(deployer, 1_700_000_000, 2, "vrf", KEEPER);
        vm.setEnv("FERNET_SCORING", "public");
        _checkRun(deployer, 1_700_000_000, 2, "public", KEEPER);

        _rejectRun("FERNET_L1_GENESIS_TIME", "-1", "1700000000");
        _rejectRun("FERNET_L1_SLOT_SECONDS", "abc", "2");
        _rejectRun("FERNET_SCORING", "", "vrf");
        _rejectRun("FERNET_GUARDIAN", "0x123", vm.toString(KEEPER));
        // Valid texts whose values make no sense.
        _rejectEntry("FERNET_L1_SLOT_SECONDS", "0", "l1SlotSeconds", "2");
        _rejectEntry("FERNET_L1_GENESIS_TIME", "1800000001", "l1GenesisTime", "1700000000");
        _checkRun(deployer, 1_700_000_000, 2, "vrf", KEEPER);
    }

    /// @dev Runs `Deploy`, and looks at what it deployed.
    function _checkRun(address deployer, uint64 genesisTime, uint64 slotSeconds, bytes32 scoring, address guardian)
        private
    {
        uint64 first = vm.getNonce(deployer);
        new Deploy().run();
        Rollup rollup = Rollup(vm.computeCreateAddress(deployer, first + 11));
        assertEq(rollup.l1GenesisTime(), genesisTime);
        assertEq(rollup.l1SlotSeconds(), slotSeconds);
        assertEq(rollup.scoring().kind(), scoring);
        assertEq(IGuardian(rollup.guardian()).guardian(), guardian);
        assertEq(rollup.staking().stakeAmount(), 100e18);
    }

    /// @dev Sets the variable to `bad`, sees it refused by name, and sets it to `good` again.
    function _rejectRun(string memory name, string memory bad, string memory good) private {
        _rejectWith(Environment.BadVariable.selector, name, bad, name, good);
    }

    /// @dev The same, where the entry that the variable replaces is refused.
    function _rejectEntry(string memory name, string memory bad, string memory field, string memory good) private {
        _rejectWith(Configurations.BadConfiguration.selector, name, bad, field, good);
    }

    function _rejectWith(
        bytes4 selector,
        string memory name,
        string memory bad,
        string memory field,
        string memory good
    ) private {
        vm.setEnv(name, bad);
        Deploy script = new Deploy();
        try script.run() {
            assertTrue(false, string.concat("accepted: ", name));
        } catch (bytes memory data) {
            _assertField(data, selector, field);
        }
        vm.setEnv(name, good);
    }
}
