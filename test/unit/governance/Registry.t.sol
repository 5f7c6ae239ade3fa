// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Registry} from "../../../contracts/governance/Registry.sol";
import {IRegistry, Version} from "../../../contracts/interfaces/IRegistry.sol";
import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {L1Slot} from "../../../contracts/types/Time.sol";
import {GovernanceFixture, RollupDouble} from "../../support/GovernanceFixture.sol";

contract RegistryTest is GovernanceFixture {
    function _expectBad(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.BadParameter.selector, name));
    }

    function _versionIs(uint256 version, address rollup_, address governance, uint256 addedAt) private view {
        Version memory version_ = registry.versionAt(version);
        assertEq(version_.rollup, rollup_);
        assertEq(version_.governance, governance);
        assertEq(L1Slot.unwrap(version_.addedAt), addedAt);
    }

    /// @custom:rule M4
    function test_RevertWhen_constructedWithBadParameters() public {
        _expectBad("rollup");
        new Registry(stranger, address(timelock), GENESIS_TIME, SLOT_SECONDS);
        _expectBad("governance");
        new Registry(address(rollup), stranger, GENESIS_TIME, SLOT_SECONDS);
        // A contract without a clock is no rollup.
        _expectBad("rollup");
        new Registry(address(payload), address(timelock), GENESIS_TIME, SLOT_SECONDS);
    }

    /// @custom:rule M4, T4
    function test_RevertWhen_theFirstVersionHasAnotherClock() public {
        bytes4 mismatch = IRollup.WiringMismatch.selector;
        vm.expectRevert(abi.encodeWithSelector(mismatch, "rollup", GENESIS_TIME - 1, GENESIS_TIME));
        new Registry(address(rollup), address(timelock), GENESIS_TIME - 1, SLOT_SECONDS);
        vm.expectRevert(abi.encodeWithSelector(mismatch, "rollup", SLOT_SECONDS + 1, SLOT_SECONDS));
        new Registry(address(rollup), address(timelock), GENESIS_TIME, SLOT_SECONDS + 1);
    }

    /// @custom:rule U16
    function test_startsWithTheFirstVersion() public view {
        assertEq(registry.count(), 1);
        assertEq(registry.canonical(), address(rollup));
        assertEq(registry.governance(), address(timelock));
        _versionIs(0, address(rollup), address(timelock), DEPLOYED_AT);
    }

    /// @custom:rule U16
    function test_RevertWhen_theVersionIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownVersion.selector, 1, 1));
        registry.versionAt(1);
    }

    /// @custom:rule U16, U17
    function test_governanceAddsAVersion() public {
        address next = address(new RollupDouble());
        _govern(address(registry), abi.encodeCall(IRegistry.addVersion, (next, address(timelock))));
        assertEq(registry.canonical(), next);
        assertEq(registry.count(), 2);
        _versionIs(1, next, address(timelock), DEPLOYED_AT + DELAY);
        _versionIs(0, address(rollup), address(timelock), DEPLOYED_AT);
    }

    /// @custom:rule U17
    function test_anEarlierVersionMayComeBack() public {
        address next = address(new RollupDouble());
        vm.startPrank(address(timelock));
        vm.expectEmit();
        emit IRegistry.VersionAdded(1, next, address(timelock));
        registry.addVersion(next, address(timelock));
        registry.addVersion(address(rollup), address(timelock));
        assertEq(registry.canonical(), address(rollup));
        assertEq(registry.count(), 3);
    }

    /// The governance of a version decides on the next one. The governance of an earlier version cannot.
    /// @custom:rule U17
    function test_eachVersionsGovernanceAddsTheNext() public {
        address next = address(new RollupDouble());
        address third = address(new RollupDouble());
        vm.prank(address(timelock));
        registry.addVersion(next, address(this));
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotGovernance.selector, address(this), address(timelock)));
        registry.addVersion(third, address(timelock));
        registry.addVersion(third, address(this));
        assertEq(registry.canonical(), third);
    }

    /// @custom:rule U17
    function test_RevertWhen_anotherAddsAVersion() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotGovernance.selector, address(timelock), address(this)));
        registry.addVersion(address(target), address(timelock));
    }

    /// @custom:rule U16
    function test_RevertWhen_theVersionIsBad() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyCanonical.selector, address(rollup)));
        registry.addVersion(address(rollup), address(timelock));
        _expectBad("rollup");
        registry.addVersion(stranger, address(timelock));
        _expectBad("governance");
        registry.addVersion(address(target), stranger);
    }
}
