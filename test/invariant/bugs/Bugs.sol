// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../../contracts/Escrow.sol";
import {Staking} from "../../../contracts/Staking.sol";
import {Parameters} from "../../../contracts/interfaces/IRollup.sol";
import {IStateTransitionVerifier} from "../../../contracts/interfaces/IStateTransitionVerifier.sol";
import {IVotes} from "../../../contracts/interfaces/IVotes.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot} from "../../../contracts/types/Time.sol";
import {CrowdHandler} from "../handlers/CrowdHandler.sol";
import {SlotHandler} from "../handlers/SlotHandler.sol";

// One bug for each invariant. A bug changes the contracts' state or answers to those of a faulty contract.

/// @notice The end of a block burns one token unit too many.
contract BurnsTooMuch is SlotHandler {
    function _afterBlock() internal override {
        vm.prank(address(escrow));
        assertTrue(token.transfer(BURNED, 1));
    }
}

/// @notice The escrow ignores the release of a bond.
contract ForgetsBonds is SlotHandler {
    function setUp() public override {
        super.setUp();
        vm.mockCall(address(escrow), abi.encodeWithSelector(Escrow.release.selector), "");
    }
}

/// @notice The staking contract reports a penalty that it does not take.
contract ForgetsPenalties is SlotHandler {
    function setUp() public override {
        super.setUp();
        vm.mockCall(address(staking), abi.encodeWithSelector(Staking.slash.selector), abi.encode(uint96(5e18)));
    }
}

/// @notice The rollup signals no vote.
contract ForgetsVotes is SlotHandler {
    function setUp() public override {
        super.setUp();
        vm.mockCall(address(votes), abi.encodeWithSelector(IVotes.signal.selector), "");
    }
}

/// @notice A finalized slot stays in turn.
contract RepeatsSlots is SlotHandler {
    function _afterBlock() internal override {
        uint256 cursor = uint256(vm.load(address(rollup), 0));
        vm.store(address(rollup), 0, bytes32(cursor - 1));
    }
}

/// @notice The better of two proposals ranks second.
contract RanksTheWorseFirst is SlotHandler {
    function _afterPropose() internal override {
        if (_view().count < 2) return;
        // Cursor, state root and mapping come first. A record has 18 words.
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 120 & 0xff;
        bytes32 word = bytes32(3 + 18 * record);
        uint256 timeline = uint256(vm.load(address(rollup), word));
        uint256 first = timeline >> 104 & 3;
        uint256 second = timeline >> 106 & 3;
        timeline = timeline & ~(uint256(15) << 104) | second << 104 | first << 106;
        vm.store(address(rollup), word, bytes32(timeline));
    }
}

/// @notice Reveals are accepted for one L1 slot too long.
contract WaitsTooLong is SlotHandler {
    function _parameters() internal pure override returns (Parameters memory parameters) {
        parameters = super._parameters();
        parameters.revealPhase += 1;
    }

    function _rules() internal pure override returns (Parameters memory) {
        return super._parameters();
    }
}

// ---- among a crowd ----------------------------------------------------------------------------------------------

/// @notice A new registration may propose in the slot in turn.
contract LetsLatecomersIn is CrowdHandler {
    function _afterArrival(SequencerId id) internal override {
        bytes memory call = abi.encodeCall(Staking.eligibleAttester, (id, L1Slot.wrap(_view().previousStart)));
        vm.mockCall(address(staking), call, abi.encode(staking.attesterOf(id)));
    }
}

/// @notice The seed depends on when the first proposal lands.
contract SeedsByTime is CrowdHandler {
    function _afterPropose() internal override {
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 120 & 0xff;
        vm.store(address(rollup), bytes32(3 + 18 * record + 1), keccak256(abi.encode(_now())));
    }
}

/// @notice A candidate keeps the commitment that an earlier slot stored at its index.
contract RevivesTerms is CrowdHandler {
    function _afterPropose() internal override {
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 120 & 0xff;
        bytes32 word = bytes32(3 + 18 * record);
        uint256 timeline = uint256(vm.load(address(rollup), word));
        // The commitment at index 0: L1 slots after the start plus one.
        vm.store(address(rollup), word, bytes32(timeline | uint256(1) << 112));
    }
}

/// @notice Proofs are not verified.
contract VerifiesNothing is CrowdHandler {
    function setUp() public override {
        super.setUp();
        vm.mockCall(address(verifier), abi.encodeWithSelector(IStateTransitionVerifier.verify.selector), "");
    }
}

/// @notice A bond that cannot be released blocks the end of the slot.
contract Jams is CrowdHandler {
    function setUp() public override {
        super.setUp();
        vm.mockCallRevert(address(escrow), abi.encodeWithSelector(Escrow.release.selector), "jammed");
    }
}
