// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, Phase, Tip} from "../../contracts/interfaces/IRollup.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";

/// @title Whole slots, from proposal to payout
contract LifecycleTest is Fixture {
    function test_finalizesAProvenBlock() public {
        uint64 slot = _view().slot;
        Header memory h = _revealed(0);
        _phaseIs(Phase.ExclusiveProving);
        _finalize(relay, h, rescuer);

        Tip memory tip = rollup.tip();
        assertEq(tip.headerHash, _hash(h));
        assertEq(tip.stateRoot, h.stateRoot);
        assertEq(tip.height, 1);
        assertEq(Slot.unwrap(tip.slot), slot);
        assertEq(rollup.finalizedHeader(Slot.wrap(slot)), _hash(h));
        // 3e18: 40 % sequencer, 50 % prover, 10 % submitter; the price moves; the reveal came at once
        assertEq(_owed(owners[0]), 1.2e18 - PRICE + 0.1e18);
        assertEq(_owed(payee), 1.5e18 + PRICE);
        assertEq(_owed(relay), 0.3e18);
        assertEq(_owed(rescuer), 0);
        assertEq(escrow.account(prover).free, 1000e18);
        assertEq(escrow.account(prover).locked, 0);
        assertEq(_view().slot, slot + 1);
        _phaseIs(Phase.Waiting);
    }
}
