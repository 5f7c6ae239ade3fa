// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Staking} from "../../contracts/Staking.sol";
import {Registration, StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {Bls} from "../../contracts/libraries/Bls.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {TestToken} from "../support/TestToken.sol";
import {Vectors} from "../support/Vectors.sol";

/// @title BLS keys, proofs and scores against the client's, and hashes to G2 against the official vectors
contract BlsVectorsTest is Vectors {
    TestToken private _token;

    function setUp() public {
        _load("bls");
        _token = new TestToken();
    }

    function _bytes(string memory column) private view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(json, string.concat(".", column));
    }

    /// @dev The library expects calldata.
    function verify(bytes32[4] calldata key, bytes32[8] calldata signature, bytes32[8] calldata hashed)
        external
        view
        returns (bool)
    {
        return Bls.verify(key, signature, hashed);
    }

    function _verify(bytes memory key, bytes memory signature, bytes32[8] memory hashed) private view returns (bool) {
        return this.verify(abi.decode(key, (bytes32[4])), abi.decode(signature, (bytes32[8])), hashed);
    }

    /// @dev Vectors of RFC 9380, J.10.1.
    /// @custom:rule Q2, D2
    function test_hashesToTheOfficialPoints() public view {
        bytes memory dst = bytes(vm.parseJsonStringArray(json, ".dst")[0]);
        bytes[] memory messages = _bytes("hashMessage");
        bytes[] memory hashed = _bytes("hashed");
        assertEq(messages.length, 5);
        for (uint256 i = 0; i < messages.length; ++i) {
            assertEq(abi.encode(Bls.hashToG2(messages[i], dst)), hashed[i]);
        }
    }

    function _staking(address at_) private returns (Staking staking) {
        StakingParameters memory parameters = StakingParameters(1, 1, 1, 1, 1, 1, 1, 0);
        deployCodeTo("Staking.sol:Staking", abi.encode(_token, address(1), address(2), parameters, 0, 1), at_);
        return Staking(at_);
    }

    /// @custom:rule Q2, D2
    function test_theClientsProofsRegisterItsKeysAndItsSignaturesScore() public {
        uint256[] memory chains = _uints("chainId");
        address[] memory stakings = _addresses("staking");
        address[] memory owners = _addresses("owner");
        bytes[] memory keys = _bytes("key");
        bytes32[] memory hashes = _words("keyHash");
        bytes[] memory messages = _bytes("possessionMessage");
        bytes[] memory proofs = _bytes("possession");
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            Staking staking = _staking(stakings[i]);
            Registration memory registration;
            registration.attester = address(this);
            registration.blsKey = abi.decode(keys[i], (bytes32[4]));
            registration.proofOfPossession = abi.decode(proofs[i], (bytes32[8]));
            assertEq(staking.possessionMessage(owners[i], registration.blsKey), messages[i]);
            _token.mint(owners[i], 1);
            vm.startPrank(owners[i]);
            _token.approve(address(staking), 1);
            SequencerId id = staking.register(registration);
            vm.stopPrank();
            assertEq(staking.blsKeyHashOf(id), hashes[i]);
            _score(i, staking, hashes[i]);
        }
    }

    function _score(uint256 i, Staking staking, bytes32 keyHash) private {
        address rollup = _addresses("rollup")[i];
        Slot slot = _slot(_uints("slot")[i]);
        bytes32 seed = _words("seed")[i];
        SequencerId sequencer = SequencerId.wrap(_u32(_uints("sequencer")[i]));
        VrfScore scoring = new VrfScore(staking);
        assertEq(scoring.message(rollup, slot, seed, sequencer), _bytes("vrfMessage")[i]);
        vm.mockCall(address(staking), abi.encodeCall(IStaking.blsKeyHashOf, (sequencer)), abi.encode(keyHash));
        bytes memory proof = _bytes("scoreProof")[i];
        uint256 expected = _uints("score")[i];
        assertEq(scoring.score(rollup, slot, seed, sequencer, address(0), proof), expected);
    }

    /// @custom:rule Q2, D4
    function test_whatTheClientRefusesIsRefused() public view {
        bytes32[8] memory hashed = Bls.hashToG2(_bytes("refusedMessage")[0], BlsKeys.POSSESSION_DST);
        bytes memory key = _bytes("validKey")[0];
        bytes memory proof = _bytes("validProof")[0];
        assertTrue(_verify(key, proof, hashed));
        bytes[] memory keys = _bytes("refusedKey");
        assertEq(keys.length, 9);
        for (uint256 i = 0; i < keys.length; ++i) {
            assertFalse(_verify(keys[i], proof, hashed));
        }
        bytes[] memory proofs = _bytes("refusedProof");
        assertEq(proofs.length, 15);
        for (uint256 i = 0; i < proofs.length; ++i) {
            assertFalse(_verify(key, proofs[i], hashed));
        }
    }
}
