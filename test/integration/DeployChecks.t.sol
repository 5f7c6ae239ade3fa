// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {VmSafe} from "forge-std/Vm.sol";

import {Deploy} from "../../script/Deploy.s.sol";
import {DevToken} from "../../script/dev/DevToken.sol";
import {Configuration, Configurations} from "../../script/lib/Configuration.sol";
import {ConfigurationChecks} from "../../script/lib/ConfigurationChecks.sol";
import {ConfigurationFixture} from "../support/ConfigurationFixture.sol";

/// @notice `Deploy` with a configuration's text instead of its file's name.
contract TextDeploy is Deploy {
    function deployText(string memory json) external virtual {
        execute(Configurations.parse("text", json));
    }

    /// @notice Whether the script's own checks accept the configuration.
    function check(Configuration memory c) external view {
        ConfigurationChecks.check(c);
    }

    function parse(string memory json) external returns (Configuration memory) {
        return Configurations.parse("text", json);
    }
}

/// @notice A planted bug: the token is deployed before the checks.
contract LateDeploy is TextDeploy {
    function deployText(string memory json) external override {
        Configuration memory c = Configurations.parse("text", json);
        _begin();
        new DevToken(_sender(), c.tokenSupply);
        ConfigurationChecks.check(c);
        _end();
    }
}

/// @notice What `Deploy` does with every entry of a configuration replaced, one at a time.
contract DeployChecksTest is ConfigurationFixture {
    uint256 internal constant CHAIN = 4_242_021;
    /// @dev Contracts, the allowance and the payment into the reward pot.
    uint256 internal constant TRANSACTIONS = 16;

    address internal deployer;
    /// @dev The devnet's configuration without its reasons.
    string internal valid;
    string[] internal _numbers;
    uint256 internal _accepted;

    function setUp() public {
        vm.chainId(CHAIN);
        vm.warp(1_800_000_000);
        uint256 key;
        (deployer, key) = makeAddrAndKey("operator");
        // the same in every test, see `OperatorFixture`
        vm.setEnv("FERNET_KEY", vm.toString(bytes32(key)));
        vm.deal(deployer, 1 ether);
        string memory file = vm.readFile("script/config/devnet.json");
        valid = string.concat(vm.split(file, '"reasons": {')[0], '"reasons": {}\n}');
        _addNumbers("$", "");
        _addNumbers("$.rollup", "rollup.");
        _addNumbers("$.rewards", "rewards.");
        _addNumbers("$.governance", "governance.");
        // more than 20 of the rollup
        assertGt(_numbers.length, 45);
        // 28 million of gas for each deployment
        vm.pauseGasMetering();
    }

    function _addNumbers(string memory section, string memory prefix) private {
        string[] memory keys = vm.parseJsonKeys(valid, section);
        for (uint256 i = 0; i < keys.length; ++i) {
            string memory field = string.concat(prefix, keys[i]);
            if (_isNumber(field)) _numbers.push(field);
        }
    }

    function _isNumber(string memory field) private view returns (bool) {
        try vm.parseJsonUint(valid, string.concat(".", field)) returns (uint256) {
            // an address can be read as a number
            return !_contains(field, "guardian");
        } catch {
            return false;
        }
    }

    function _contains(string memory text, string memory part) private pure returns (bool) {
        return vm.indexOf(text, part) != type(uint256).max;
    }

    /// @dev The last part of a field's name, in quotes and with its colon.
    function _entry(string memory field) private pure returns (string memory) {
        string[] memory parts = vm.split(field, ".");
        return string.concat('"', parts[parts.length - 1], '": ');
    }

    /// @dev The valid configuration with `text` as the entry of `field`, as it stands in the file.
    function _with(string memory field, string memory text) private view returns (string memory json) {
        string memory entry = _entry(field);
        string memory value = vm.parseJsonString(valid, string.concat(".", field));
        string memory quoted = string.concat(entry, '"', value, '"');
        string memory written = _contains(valid, quoted) ? quoted : string.concat(entry, value);
        assertTrue(_contains(valid, written), field);
        json = vm.replace(valid, written, string.concat(entry, text));
    }

    /// @dev What the deployer sent, reverted or not.
    function _sent(VmSafe.AccountAccess[] memory accesses) private view returns (uint256 count) {
        for (uint256 i = 0; i < accesses.length; ++i) {
            bool sends = accesses[i].kind == VmSafe.AccountAccessKind.Call
                || accesses[i].kind == VmSafe.AccountAccessKind.Create;
            if (sends && accesses[i].accessor == deployer) ++count;
        }
    }

    function _deploy(TextDeploy script, string memory json) private returns (bytes memory refusal, uint256 sent) {
        vm.startStateDiffRecording();
        try script.deployText(json) {}
        catch (bytes memory data) {
            refusal = data;
        }
        sent = _sent(vm.stopAndReturnStateDiff());
    }

    /// @dev Nothing was sent, and the refusal names `field`.
    function _refuse(string memory json, string memory field) private {
        uint64 nonce = vm.getNonce(deployer);
        (bytes memory refusal, uint256 sent) = _deploy(new TextDeploy(), json);
        assertEq(_named(refusal), field, json);
        assertEq(sent, 0, field);
        assertEq(vm.getNonce(deployer), nonce);
        assertEq(deployer.balance, 1 ether);
        assertFalse(vm.isFile("deployments/4242021.pending.json"));
    }

    /// @dev The field that a refusal names.
    function _named(bytes memory refusal) private pure returns (string memory field) {
        assertGt(refusal.length, 4, "accepted");
        // casting: the first four bytes
        // forge-lint: disable-next-line(unsafe-typecast)
        assertTrue(bytes4(refusal) == Configurations.BadConfiguration.selector, vm.toString(refusal));
        bytes memory arguments = new bytes(refusal.length - 4);
        for (uint256 i = 0; i < arguments.length; ++i) {
            arguments[i] = refusal[i + 4];
        }
        string memory expected;
        (field,, expected) = abi.decode(arguments, (string, string, string));
        assertGt(bytes(expected).length, 3, field);
    }

    /// @custom:rule A3
    function test_AValidConfigurationIsDeployed() public {
        (bytes memory refusal, uint256 sent) = _deploy(new TextDeploy(), valid);
        assertEq(refusal, "");
        assertEq(sent, TRANSACTIONS);
        assertEq(vm.getNonce(deployer), TRANSACTIONS);
    }

    /// The test below would see a check that comes after a transaction, though the script reverts.
    /// @custom:rule A3
    function test_ACheckAfterATransactionIsNoticed() public {
        (bytes memory refusal, uint256 sent) = _deploy(new LateDeploy(), _with("launchDelay", "0"));
        vm.stopBroadcast();
        assertEq(_named(refusal), "launchDelay");
        assertEq(vm.getNonce(deployer), 0);
        assertEq(sent, 1);
    }

    /// @custom:rule A3
    function test_EveryNumberIsReadStrictly() public {
        string[12] memory texts = [
            '"-1"',
            '"+1"',
            '"0x10"',
            '"1.5"',
            '" 1"',
            '""',
            '"one"',
            "[]",
            "true",
            "null",
            "0.5",
            '"115792089237316195423570985008687907853269984665640564039457584007913129639936"'
        ];
        for (uint256 i = 0; i < _numbers.length; ++i) {
            for (uint256 k = 0; k < texts.length; ++k) {
                _refuse(_with(_numbers[i], texts[k]), _numbers[i]);
            }
            string memory entry = _entry(_numbers[i]);
            _refuse(vm.replace(valid, entry, vm.replace(entry, '": ', '_": ')), _numbers[i]);
        }
    }

    /// @custom:rule A3, A6, A7
    function test_EveryTextIsReadStrictly() public {
        string[5] memory texts = ['""', '"nothing"', '"0x123"', '"deploy "', "7"];
        for (uint256 k = 0; k < texts.length; ++k) {
            _refuse(_with("token", texts[k]), "token");
            _refuse(_with("scoring", texts[k]), "scoring");
            _refuse(_with("governance.guardian", texts[k]), "governance.guardian");
        }
        // nobody deployed anything there
        _refuse(_with("token", string.concat('"', vm.toString(KEEPER), '"')), "token");
        (bytes memory refusal, uint256 sent) = _deploy(new TextDeploy(), _with("verifyingKey", '"vectors/none.json"'));
        assertEq(refusal, abi.encodeWithSelector(Configurations.MissingFile.selector, "vectors/none.json"));
        assertEq(sent, 0);
    }

    /// @custom:rule A3
    function test_AVerifyingKeysFileIsReadStrictly() public {
        string memory file = vm.readFile("vectors/verifying-key.json");
        string memory path = "deployments/4242021-key.json";
        string memory json = _with("verifyingKey", string.concat('"', path, '"'));
        string[4] memory fields = ["key", "operations", "elements", "genesisRoot"];
        for (uint256 i = 0; i < fields.length; ++i) {
            string memory entry = string.concat('"', fields[i], '":');
            assertTrue(_contains(file, entry), fields[i]);
            vm.writeFile(path, vm.replace(file, entry, string.concat(entry, ' "none", "other', fields[i], '":')));
            _refuse(json, string.concat("verifyingKey.", fields[i]));
            vm.writeFile(path, vm.replace(file, entry, string.concat('"other', fields[i], '":')));
            _refuse(json, string.concat("verifyingKey.", fields[i]));
        }
        vm.writeFile(path, vm.replace(file, '"genesisRoot": "0x', '"genesisRoot": "0x00'));
        _refuse(json, "verifyingKey.genesisRoot");
        vm.removeFile(path);
    }

    /// Whatever the script's checks accept, all constructors accept; whatever they refuse, nothing was sent before.
    /// @custom:rule A3, M4
    function test_TheChecksRefuseWhateverAConstructorWouldRefuse() public {
        uint256 refused;
        for (uint256 i = 0; i < _numbers.length; ++i) {
            uint256 value = vm.parseJsonUint(valid, string.concat(".", _numbers[i]));
            uint256[6] memory values =
                [uint256(0), 1, value == 0 ? 2 : value - 1, value + 1, 2 * value + 1, type(uint16).max];
            for (uint256 k = 0; k < values.length; ++k) {
                refused += _compare(_with(_numbers[i], vm.toString(values[k])));
            }
        }
        assertGt(refused, 60);
        assertGt(_accepted, 60);
    }

    /// @dev 1 if the configuration is refused.
    function _compare(string memory json) private returns (uint256) {
        TextDeploy script = new TextDeploy();
        try script.parse(json) returns (Configuration memory c) {
            try script.check(c) {
                ++_accepted;
                uint256 before = vm.snapshotState();
                script.deploy(c, address(script));
                assertTrue(vm.revertToState(before));
                return 0;
            } catch {}
        } catch {}
        (bytes memory refusal, uint256 sent) = _deploy(script, json);
        if (bytes4(refusal) != ConfigurationChecks.WrongChain.selector) _named(refusal);
        assertEq(sent, 0, json);
        return 1;
    }
}
