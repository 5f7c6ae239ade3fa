// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Guardian} from "../../contracts/governance/Guardian.sol";
import {Registry} from "../../contracts/governance/Registry.sol";
import {Timelock} from "../../contracts/governance/Timelock.sol";
import {Votes} from "../../contracts/governance/Votes.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {BlockVerifier} from "../../contracts/verifier/BlockVerifier.sol";
import {Abi} from "../support/Abi.sol";
import {Fixture} from "../support/Fixture.sol";
import {Random} from "../support/Random.sol";
import {Trapdoor} from "../support/Trapdoor.sol";

/// @title Any calldata to any function of any contract, from anybody (rules M1 to M3)
/// @notice The functions come from `snapshots/signatures.json`, so none is missing.
contract CalldataTest is Fixture {
    /// @dev Far more gas than any function needs, so no call fails for lack of gas.
    uint256 private constant GAS = 20_000_000;
    /// @dev Code of a library with internal functions only.
    uint256 private constant LIBRARY_SIZE = 31;
    /// @dev Reverts with the error of the payload that it reads (M3).
    bytes32 private constant EXCEPTION = keccak256("actionsOf(address)");
    /// @dev Functions whose first argument is a lane of the Bridge. A signature has its number, which is 0 or 1.
    bytes32 private constant COUNT = keccak256("count(uint8)");
    bytes32 private constant CHAIN = keccak256("chain(uint8,uint64)");
    bytes4 private constant ERROR = 0x08c379a0;
    bytes4 private constant PANIC = 0x4e487b71;

    string[] private _names;
    mapping(string name => address) private _at;
    mapping(string name => bytes[]) private _functions;
    address[] private _senders;
    uint256[] private _hints;

    function setUp() public override {
        super.setUp();
        address self = address(this);
        address votesAt = vm.computeCreateAddress(self, vm.getNonce(self) + 1);
        Timelock timelock_ = new Timelock(votesAt, 30, 40, GENESIS_TIME, SLOT_SECONDS);
        Votes votes_ = new Votes(address(rollup), address(timelock_), 10, 6, 20, GENESIS_TIME, SLOT_SECONDS);
        Trapdoor trapdoor = new Trapdoor(8, 3, 0);
        _is("BlockVerifier", address(new BlockVerifier(trapdoor.key(), 8, 8, 3, 0, 0)));
        _is("Bridge", address(bridge));
        _is("Escrow", address(escrow));
        _is("Guardian", address(new Guardian(address(rollup), address(timelock_), guardian)));
        _is("PublicScore", address(scoring));
        _is("Randomness", address(randomness));
        _is("Reader", address(reader));
        _is("Registry", address(new Registry(address(rollup), address(timelock_), GENESIS_TIME, SLOT_SECONDS)));
        _is("Rewards", address(rewards));
        _is("Rollup", address(rollup));
        _is("Staking", address(staking));
        _is("Timelock", address(timelock_));
        _is("Votes", address(votes_));
        _is("VrfScore", address(new VrfScore(staking)));

        _senders = [self, address(rollup), address(timelock_), address(votes_)];
        _senders.push(guardian);
        _senders.push(governance);
        _senders.push(timelock);
        _senders.push(attesters[0]);
        _senders.push(owners[0]);
        _senders.push(prover);
        for (uint256 i = 0; i < _senders.length; ++i) {
            _hints.push(uint160(_senders[i]));
        }
        _hints.push(_now());
        _hints.push(_view().slot);
        _hints.push(1e18);
        _hints.push(uint256(rollup.tip().headerHash));
    }

    function _is(string memory name, address deployed) private {
        _names.push(name);
        _at[name] = deployed;
        string memory json = vm.readFile("snapshots/signatures.json");
        string[] memory entries = vm.parseJsonStringArray(json, string.concat(".", name));
        bytes memory prefix = "function ";
        for (uint256 i = 0; i < entries.length; ++i) {
            if (vm.indexOf(entries[i], string(prefix)) != 0) continue;
            _functions[name].push(Abi.canonical(bytes(vm.replace(entries[i], string(prefix), ""))));
        }
        assertNotEq(_functions[name].length, 0, name);
    }

    /// @custom:rule M1
    function test_everyContractIsCalled() public view {
        string memory json = vm.readFile("snapshots/sizes.json");
        string[] memory names = vm.parseJsonKeys(json, "$");
        for (uint256 i = 0; i < names.length; ++i) {
            if (vm.parseJsonUint(json, string.concat(".", names[i])) == LIBRARY_SIZE) continue;
            assertNotEq(_at[names[i]], address(0), names[i]);
        }
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: long.fuzz.runs = 10000
    /// @custom:rule M1, M3
    function testFuzz_wellFormedCalldataIsNeverRefusedWithoutAnErrorOfItsOwn(uint256 seed) public {
        Random memory random = Random(seed);
        for (uint256 i = 0; i < _names.length; ++i) {
            bytes[] memory functions = _functions[_names[i]];
            for (uint256 j = 0; j < functions.length; ++j) {
                _call(_names[i], functions[j], Abi.arguments(functions[j], random, _hints), random);
            }
        }
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: long.fuzz.runs = 10000
    /// @custom:rule M2
    function testFuzz_malformedCalldataIsRefusedWithoutAPanic(uint256 seed) public {
        Random memory random = Random(seed);
        for (uint256 i = 0; i < _names.length; ++i) {
            bytes[] memory functions = _functions[_names[i]];
            for (uint256 j = 0; j < functions.length; ++j) {
                bytes memory data = _broken(Abi.arguments(functions[j], random, _hints), random);
                _call(_names[i], functions[j], data, random);
            }
        }
    }

    /// @dev Calldata that is truncated, has one changed word, or is random.
    function _broken(bytes memory data, Random memory random) private pure returns (bytes memory) {
        uint256 kind = random.between(0, 3);
        if (kind == 0) return abi.encodePacked(random.word(), random.between(0, 99), random.between(0, 999));
        if (data.length == 0) return data;
        if (kind == 1) {
            uint256 length = random.between(0, data.length - 1);
            assembly ("memory-safe") {
                // Shorter than the original.
                mstore(data, length)
            }
            return data;
        }
        uint256 place = 32 * random.between(0, data.length / 32 - 1);
        uint256 word = kind == 2 ? random.word() : random.between(0, 2 * data.length);
        if (random.boolean()) word = type(uint256).max - random.between(0, 64);
        assembly ("memory-safe") {
            // Inside the data.
            mstore(add(add(data, 32), place), word)
        }
        return data;
    }

    /// @dev Well-formed calldata fails only with a declared error. Malformed calldata may fail without data, but never
    /// with a panic.
    function _call(string memory name, bytes memory signature, bytes memory data, Random memory random) private {
        bytes memory call = abi.encodePacked(bytes4(keccak256(signature)), data);
        vm.prank(_senders[random.between(0, _senders.length - 1)]);
        (bool success, bytes memory reason) = _at[name].call{gas: GAS}(call);
        if (success) return;
        string memory what = string.concat(name, ".", string(signature), " ", vm.toString(data));
        // Cast: the selector.
        bytes4 selector = bytes4(reason);
        assertNotEq(selector, PANIC, what);
        assertNotEq(selector, ERROR, what);
        if (reason.length == 0 && keccak256(signature) != EXCEPTION) {
            assertFalse(Abi.isWellFormed(signature, data) && _hasLane(signature, data), what);
        }
    }

    /// @dev Whether well-formed arguments begin with a lane, or need none.
    function _hasLane(bytes memory signature, bytes memory data) private pure returns (bool) {
        bytes32 hash = keccak256(signature);
        if (hash != COUNT && hash != CHAIN) return true;
        uint256 lane;
        assembly ("memory-safe") {
            // Well-formed arguments have at least one word.
            lane := mload(add(data, 32))
        }
        return lane < 2;
    }
}
