// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {VmSafe} from "forge-std/Vm.sol";

import {Environment, Kind, Variable} from "../../../script/lib/Environment.sol";

contract EnvironmentHarness {
    function check(Variable variable, string memory text) external pure returns (uint256) {
        return Environment.check(variable, text);
    }
}

/// @notice What each variable of the scripts accepts and refuses. The texts are made from the variables' kinds, and the
/// variables are compared with the sources, so a new variable is tested without a change here.
contract EnvironmentTest is Test {
    address internal constant ACCOUNT = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;
    string internal constant DIGITS = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    string internal constant SECRET = "0abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678";

    EnvironmentHarness internal environment = new EnvironmentHarness();
    string[] internal _texts;

    /// @dev A valid text of a kind.
    function _valid(Kind kind) private pure returns (string memory) {
        if (kind == Kind.Name) return "deposit-1_a";
        if (kind == Kind.Number) return "18446744073709551615";
        if (kind == Kind.Scoring) return "vrf";
        if (kind == Kind.Account) return string.concat("0x", DIGITS);
        return string.concat("0x", SECRET);
    }

    /// @dev Texts that a kind refuses.
    function _malformed(Kind kind) private {
        delete _texts;
        string memory valid = _valid(kind);
        _texts.push("");
        _texts.push(" ");
        _texts.push(string.concat(" ", valid));
        _texts.push(string.concat(valid, " "));
        _texts.push(string.concat(valid, "\n"));
        _texts.push(string.concat('"', valid, '"'));
        _texts.push(string.concat(valid, ",", valid));
        _texts.push(string.concat("$", valid));
        _texts.push(unicode"ﬁ");
        if (kind == Kind.Name) {
            _texts.push("../sepolia");
            _texts.push("sepolia.json");
            _texts.push(string.concat(SECRET, "1"));
            return;
        }
        _texts.push("true");
        _texts.push("yes");
        _texts.push("null");
        _texts.push("undefined");
        _texts.push("abc");
        _texts.push("-1");
        _texts.push("+1");
        _texts.push("0x");
        _texts.push("0x123");
        _texts.push("1e3");
        _texts.push("1.5");
        _texts.push("1_000");
        _texts.push("vitalik.eth");
        if (kind == Kind.Number) {
            _texts.push("18446744073709551616");
            _texts.push("340282366920938463463374607431768211456");
            _texts.push("115792089237316195423570985008687907853269984665640564039457584007913129639936");
            _texts.push("012");
            _texts.push("0x0c");
        } else if (kind == Kind.Scoring) {
            _texts.push("VRF");
            _texts.push("Public");
            _texts.push("private");
            _texts.push("0");
        } else if (kind == Kind.Account) {
            _texts.push(DIGITS);
            _texts.push(string.concat("0X", DIGITS));
            _texts.push(string.concat("0x", DIGITS, "0"));
            _texts.push("0xf39fd6e51aad88f6f4ce6ab8827279cfffb9226");
            _texts.push("0xg39fd6e51aad88f6f4ce6ab8827279cfffb92266");
            _texts.push("0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266");
            _texts.push("0");
            _texts.push("1390849295786071768276380950238675083608645509734");
        } else {
            _texts.push(string.concat(SECRET, "0"));
            _texts.push(string.concat("0X", SECRET));
            _texts.push("abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678");
            _texts.push(string.concat("0xg", vm.replace(SECRET, "0ab", "ab")));
            _texts.push("0x0000000000000000000000000000000000000000000000000000000000000000");
            _texts.push("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
            _texts.push("11");
        }
    }

    /// @custom:rule A9
    function test_EveryVariableRefusesMalformedTexts() public {
        for (uint256 i = 0; i <= uint256(type(Variable).max); ++i) {
            Variable variable = Variable(i);
            Kind kind = Environment.kindOf(variable);
            environment.check(variable, _valid(kind));
            _malformed(kind);
            for (uint256 k = 0; k < _texts.length; ++k) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        Environment.BadVariable.selector,
                        Environment.nameOf(variable),
                        Environment.isSecret(kind) ? "(secret)" : _texts[k],
                        Environment.expectedOf(kind)
                    )
                );
                environment.check(variable, _texts[k]);
            }
        }
    }

    /// @custom:rule A9
    function test_ValidTextsAreRead() public view {
        assertEq(environment.check(Variable.L1SlotSeconds, "0"), 0);
        assertEq(environment.check(Variable.L1SlotSeconds, "12"), 12);
        assertEq(environment.check(Variable.L1GenesisTime, "18446744073709551615"), type(uint64).max);
        assertEq(environment.check(Variable.Guardian, string.concat("0x", DIGITS)), uint160(ACCOUNT));
        assertEq(environment.check(Variable.Guardian, string.concat("0x", vm.toUppercase(DIGITS))), uint160(ACCOUNT));
        assertEq(environment.check(Variable.Guardian, vm.toString(ACCOUNT)), uint160(ACCOUNT));
        assertEq(environment.check(Variable.Guardian, vm.toString(address(0))), 0);
        uint256 secret = vm.parseUint(string.concat("0x", SECRET));
        assertEq(environment.check(Variable.Key, SECRET), secret);
        assertEq(environment.check(Variable.BlsSecret, string.concat("0x", vm.toUppercase(SECRET))), secret);
        environment.check(Variable.Scoring, "public");
    }

    /// The scripts read the environment in one place, and mention no variable that isn't in its table.
    /// @custom:rule A9
    function test_EveryVariableOfTheSourcesIsInTheTable() public view {
        uint256 mentioned;
        VmSafe.DirEntry[] memory entries = vm.readDir("script", 3);
        for (uint256 i = 0; i < entries.length; ++i) {
            string memory path = entries[i].path;
            if (!_contains(path, ".sol")) continue;
            string memory source = vm.readFile(path);
            if (!_contains(path, "lib/Environment.sol")) {
                assertFalse(_contains(source, "vm.env"), path);
                assertFalse(_contains(source, "VM.env"), path);
            }
            assertFalse(_contains(source, "envOr"), path);
            string[] memory parts = vm.split(source, "FERNET_");
            for (uint256 k = 1; k < parts.length; ++k) {
                assertTrue(_isKnown(parts[k]), string.concat(path, ": FERNET_", vm.split(parts[k], "\n")[0]));
                ++mentioned;
            }
        }
        assertGt(mentioned, uint256(type(Variable).max));
    }

    /// The operator's manual has every variable.
    /// @custom:rule A9
    function test_EveryVariableIsDocumented() public view {
        string memory manual = vm.readFile("docs/operating/README.md");
        for (uint256 i = 0; i <= uint256(type(Variable).max); ++i) {
            string memory name = Environment.nameOf(Variable(i));
            assertTrue(_contains(manual, string.concat("| `", name, "` |")), name);
        }
    }

    function _contains(string memory text, string memory part) private pure returns (bool) {
        return vm.indexOf(text, part) != type(uint256).max;
    }

    /// @dev Whether a text starts with a variable's name without `FERNET_`, and the name ends there.
    function _isKnown(string memory text) private pure returns (bool) {
        for (uint256 i = 0; i <= uint256(type(Variable).max); ++i) {
            string memory name = vm.replace(Environment.nameOf(Variable(i)), "FERNET_", "");
            if (vm.indexOf(text, name) != 0 || bytes(name).length == bytes(text).length) continue;
            bytes1 next = bytes(text)[bytes(name).length];
            if (next != "_" && !(next >= "A" && next <= "Z")) return true;
        }
        return false;
    }
}
