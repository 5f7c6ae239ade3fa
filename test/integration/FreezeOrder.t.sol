// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Registration, Status} from "../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {Fixture} from "../support/Fixture.sol";
import {Random} from "../support/Random.sol";

/// @title The eligible set is frozen before the seed is revealed, and the seed is revealed before a score is used
/// @notice After the previous slot has started, no action adds a sequencer, an attester or a key to those that may
/// propose.
contract FreezeOrderTest is Fixture {
    uint256 private constant SEQUENCERS = 6;

    address private _newAttester = makeAddr("new attester");

    function _eligible(uint64 previousStart) private view returns (address[] memory found, bytes32[] memory keys) {
        found = new address[](SEQUENCERS);
        keys = new bytes32[](SEQUENCERS);
        for (uint256 i = 0; i < SEQUENCERS; ++i) {
            found[i] = staking.eligibleAttester(_id(i), L1Slot.wrap(previousStart));
            keys[i] = staking.blsKeyHashOf(_id(i));
        }
    }

    function _act(Random memory random, uint256 action, uint256 i) private {
        address owner = staking.ownerOf(_id(i));
        if (owner == address(0)) return;
        uint256 secret = random.between(1, type(uint128).max);
        bytes32[4] memory key = BlsKeys.publicKey(secret);
        bytes32[8] memory proof = BlsKeys.possession(staking, owner, secret);
        Registration memory registration = BlsKeys.registration(staking, owner, _newAttester, secret);
        token.mint(owner, STAKE);
        vm.startPrank(owner);
        token.approve(address(staking), STAKE);
        if (action == 0) try staking.register(registration) {} catch {}
        if (action == 1) try staking.rotateAttester(_id(i), _newAttester) {} catch {}
        if (action == 2) try staking.rotateBlsKey(_id(i), key, proof) {} catch {}
        if (action == 3) try staking.initiateExit(_id(i)) {} catch {}
        if (action == 4) try staking.topUp(_id(i), 1e18) {} catch {}
        if (action == 5) try staking.cancelEntry(_id(i)) {} catch {}
        if (action == 6) try staking.setFeeRecipient(_id(i), 3) {} catch {}
        if (action == 7) try staking.setWithdrawer(_id(i), payee) {} catch {}
        vm.stopPrank();
        if (action == 8) {
            vm.prank(timelock);
            staking.setEntryFlush(7);
        }
        if (action == 9) {
            vm.prank(address(rollup));
            staking.slash(_id(i), 30e18);
        }
    }

    /// forge-config: default.fuzz.runs = 128
    /// forge-config: long.fuzz.runs = 10000
    /// @custom:rule Q14
    function testFuzz_nothingDoneAfterTheStartAddsATicket(uint256 seed) public {
        Random memory random = Random(seed);
        _register(owners[0], attesters[0]);
        for (uint256 i = 0; i < 6; ++i) {
            _act(random, random.between(0, 9), random.between(0, SEQUENCERS - 1));
            _warp(_now() + random.between(0, 3));
        }
        uint64 previousStart = _now();
        (address[] memory frozen, bytes32[] memory keys) = _eligible(previousStart);
        // A slot may last longer than the entry period.
        for (uint256 i = 0; i < 12; ++i) {
            _act(random, random.between(0, 9), random.between(0, SEQUENCERS - 1));
            _warp(_now() + random.between(0, 3));
            (address[] memory found, bytes32[] memory nowKeys) = _eligible(previousStart);
            for (uint256 j = 0; j < SEQUENCERS; ++j) {
                if (found[j] == address(0)) continue;
                assertEq(found[j], frozen[j], "the same attester or none");
                assertEq(nowKeys[j], keys[j], "the same key or none");
                assertEq(staking.attesterAt(_id(j), L1Slot.wrap(previousStart)), frozen[j]);
            }
        }
    }

    /// @dev Checks the rule for the slot that the rollup names as the slot in turn.
    /// @custom:rule Q14
    function test_theRollupAsksForTheStartOfThePreviousSlot() public {
        CurrentSlot memory current = _view();
        assertLt(current.previousStart, current.seedAt, "frozen before the seed");
        assertLt(current.seedAt, current.start, "the seed is known when the slot starts");
        uint256 first = _ranked()[0];
        SequencerId id = _id(first);
        vm.prank(owners[first]);
        staking.rotateAttester(id, _newAttester);
        assertEq(staking.eligibleAttester(id, L1Slot.wrap(current.previousStart)), attesters[first]);
        _propose(first);
        assertEq(uint256(staking.statusOf(id)), uint256(Status.Active));
    }

    /// @dev A rotation that takes effect within a slot leaves the quotes that were signed for the slot valid. The new
    /// key cannot sign for the slot.
    /// @custom:rule Q10, Q14
    function test_whoProposedSignsTheQuoteWhateverKeyFollows() public {
        uint256 first = _ranked()[0];
        SequencerId id = _id(first);
        (address next, uint256 nextKey) = makeAddrAndKey("next");
        vm.prank(owners[first]);
        staking.rotateAttester(id, next);
        Header memory header = _propose(first);
        _warp(_now() + 4);
        _phaseIs(Phase.Commitment);
        assertEq(staking.attesterOf(id), next, "the rotation took effect");
        Quote memory quote = _quote(first, _hash(header));
        bytes memory signature = _sign(nextKey, quote);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadSignature.selector, attesters[first]));
        rollup.commit(quote, "", signature);
        _commit(first, header);
        _reveal(header);
        _phaseIs(Phase.ExclusiveProving);
    }
}
