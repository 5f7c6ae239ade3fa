// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ForgetsClaims, ForgetsExits, ForgetsSupply} from "./bugs/BridgeBugs.sol";
import {BridgeHandler} from "./handlers/BridgeHandler.sol";
import {Test} from "forge-std/Test.sol";

/// @title What holds for the bridge even if the ledger's proofs were worth nothing
contract BridgeInvariantTest is Test {
    BridgeHandler private handler;

    function setUp() public {
        handler = new BridgeHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = BridgeHandler.step.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// forge-config: default.invariant.runs = 16
    /// @custom:rule W4, W5
    function invariant_aWithdrawalIsClaimedOnceAndNeverMoreThanWasDeposited() public view {
        handler.checkClaims();
        handler.checkSolvency();
        handler.checkQueue();
        handler.checkReverts();
    }
}

/// @title Each planted bug is caught
contract BridgeBugsTest is Test {
    uint256 private constant STEPS = 300;

    function _caught(BridgeHandler handler, bytes4 check) private returns (bool) {
        handler.setUp();
        for (uint256 i = 0; i < STEPS; ++i) {
            handler.step(i);
            (bool holds,) = address(handler).staticcall(abi.encodePacked(check));
            if (!holds) return true;
        }
        return false;
    }

    function test_withoutABugEverythingHolds() public {
        BridgeHandler handler = new BridgeHandler();
        handler.setUp();
        for (uint256 i = 0; i < STEPS; ++i) {
            handler.step(i);
            handler.checkClaims();
            handler.checkSolvency();
            handler.checkQueue();
            handler.checkReverts();
        }
        assertGt(handler.claimed(), 0, "claimed");
        assertGt(handler.refused(), 0, "refused");
        assertGt(handler.exits(), 0, "exits");
    }

    /// @custom:rule W4
    function test_forgettingAClaimIsCaught() public {
        assertTrue(_caught(new ForgetsClaims(), BridgeHandler.checkClaims.selector));
    }

    /// @custom:rule W5
    function test_forgettingTheSupplyIsCaught() public {
        assertTrue(_caught(new ForgetsSupply(), BridgeHandler.checkSolvency.selector));
    }

    /// @custom:rule W2
    function test_forgettingAnExitIsCaught() public {
        assertTrue(_caught(new ForgetsExits(), BridgeHandler.checkQueue.selector));
    }
}
