// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScoring} from "../../contracts/interfaces/IScoring.sol";
import {PublicScore} from "../../contracts/scoring/PublicScore.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Gas of the calls of sequencers. Each is a transaction on cold storage (forge isolates it), with base cost
/// and calldata. A read by the rollup is measured as a call alone.
/// forge-config: default.isolate = true
/// @custom:rule H1
contract StakingGasTest is Fixture {
    VrfScore private _vrf;
    PublicScore private _public;

    function setUp() public override {
        super.setUp();
        _vrf = new VrfScore(staking);
        _public = new PublicScore();
        vm.prank(owners[1]);
        staking.rotateAttester(_id(1), relay);
        _warp(_now() + 20);
    }

    function _snap(string memory name) private {
        vm.snapshotGasLastCall("Staking", name);
    }

    function test_cancellation() public {
        vm.startPrank(relay);
        token.mint(relay, STAKE);
        token.approve(address(staking), STAKE);
        staking.register(_registration(relay, payee));
        staking.cancelEntry(_id(4));
        _snap("cancelEntry");
    }

    function test_topUp() public {
        vm.prank(address(rollup));
        staking.slash(_id(0), 5e18);
        token.mint(relay, STAKE);
        vm.startPrank(relay);
        token.approve(address(staking), STAKE);
        staking.topUp(_id(0), 5e18);
        _snap("topUp");
    }

    function test_rotations() public {
        bytes32[4] memory key = BlsKeys.publicKey(9);
        bytes32[8] memory proof = BlsKeys.possession(staking, owners[0], 9);
        vm.startPrank(owners[0]);
        staking.rotateAttester(_id(0), relay);
        _snap("rotateAttester");
        staking.rotateBlsKey(_id(0), key, proof);
        _snap("rotateBlsKey, after an attester");
    }

    function test_eligibility() public {
        staking.eligibleAttester(_id(0), L1Slot.wrap(_now()));
        _snap("eligibleAttester, as a transaction");
        staking.eligibleAttester(_id(1), L1Slot.wrap(_now()));
        _snap("eligibleAttester after a rotation, as a transaction");
    }

    function test_scores() public {
        uint256 secret = BlsKeys.secret(abi.encode(owners[0], attesters[0]));
        bytes32 seed = keccak256("seed");
        bytes memory message = _vrf.message(address(rollup), Slot.wrap(3), seed, _id(0));
        bytes memory proof = abi.encode(BlsKeys.publicKey(secret), BlsKeys.sign(secret, message, BlsKeys.VRF_DST));
        IScoring(_public).score(address(rollup), Slot.wrap(3), seed, _id(0), attesters[0], "");
        _snap("public score, as a transaction");
        IScoring(_vrf).score(address(rollup), Slot.wrap(3), seed, _id(0), attesters[0], proof);
        _snap("VRF score, as a transaction");
    }
}
