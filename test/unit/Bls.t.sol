// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScoring} from "../../contracts/interfaces/IScoring.sol";
import {IStaking, Registration} from "../../contracts/interfaces/IStaking.sol";
import {Bls} from "../../contracts/libraries/Bls.sol";
import {PublicScore} from "../../contracts/scoring/PublicScore.sol";
import {VrfScore} from "../../contracts/scoring/VrfScore.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {Curve} from "../support/Curve.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Makes the library callable.
contract BlsHarness {
    function verify(bytes32[4] calldata key, bytes32[8] calldata signature, bytes32[8] calldata hashed)
        external
        view
        returns (bool)
    {
        return Bls.verify(key, signature, hashed);
    }

    function hashToG2(bytes calldata message, bytes calldata dst) external view returns (bytes32[8] memory) {
        return Bls.hashToG2(message, dst);
    }
}

/// @title BLS proofs on L1: which ones are refused, and what a refusal costs
contract BlsTest is Fixture {
    uint256 private constant SECRET = 4242;
    /// @dev Gas of all capped calls of one check, and of the code around them.
    uint256 private constant MOST_GAS = 700_000;

    BlsHarness private _bls = new BlsHarness();
    VrfScore private _vrf;
    Slot private constant SLOT = Slot.wrap(5);
    bytes32 private constant SEED = keccak256("seed");
    SequencerId private _first = SequencerId.wrap(1);

    function setUp() public override {
        super.setUp();
        _vrf = new VrfScore(staking);
    }

    function _secretOf(uint256 i) private view returns (uint256) {
        return BlsKeys.secret(abi.encode(owners[i], attesters[i]));
    }

    function _proof(uint256 i) private view returns (bytes memory) {
        bytes memory message = _vrf.message(address(rollup), SLOT, SEED, _id(i));
        return abi.encode(BlsKeys.publicKey(_secretOf(i)), BlsKeys.sign(_secretOf(i), message, BlsKeys.VRF_DST));
    }

    function _score(bytes memory proof) private view returns (uint192) {
        return _vrf.score(address(rollup), SLOT, SEED, _first, attesters[0], proof);
    }

    function _refused(bytes memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(VrfScore.BadBlsSignature.selector, _first));
        _score(proof);
    }

    /// @dev Whether a registration with this key and proof is refused, at a bounded price.
    function _notRegistered(bytes memory key, bytes memory proof) private {
        Registration memory registration;
        registration.attester = relay;
        registration.blsKey = abi.decode(key, (bytes32[4]));
        registration.proofOfPossession = abi.decode(proof, (bytes32[8]));
        uint256 before = gasleft();
        (bool ok, bytes memory result) = address(staking).call(abi.encodeCall(IStaking.register, (registration)));
        assertLt(before - gasleft(), MOST_GAS, "burned gas");
        assertFalse(ok);
        assertEq(result, abi.encodeWithSelector(IStaking.BadProofOfPossession.selector, address(this)));
    }

    function _key() private view returns (bytes memory) {
        return abi.encode(BlsKeys.publicKey(SECRET));
    }

    function _possession() private view returns (bytes memory) {
        return abi.encode(BlsKeys.possession(staking, address(this), SECRET));
    }

    /// @dev Replaces the word at `index`.
    function _with(bytes memory words, uint256 index, uint256 value) private pure returns (bytes memory changed) {
        changed = bytes.concat(words);
        // Memory-safe: the index lies inside the array.
        assembly ("memory-safe") {
            mstore(add(changed, mul(add(index, 1), 32)), value)
        }
    }

    function _word(bytes memory words, uint256 index) private pure returns (uint256 value) {
        // Memory-safe: it only reads.
        assembly ("memory-safe") {
            value := mload(add(words, mul(add(index, 1), 32)))
        }
    }

    /// @dev Adds the order of the field to the coordinate at `index`: the same number in another encoding.
    function _beyondTheField(bytes memory words, uint256 index) private pure returns (bytes memory) {
        uint256 low = _word(words, index + 1);
        uint256 sum;
        unchecked {
            sum = low + 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
        }
        uint256 high = _word(words, index) + 0x1a0111ea397fe69a4b1ba7b6434bacd7 + (sum < low ? 1 : 0);
        return _with(_with(words, index, high), index + 1, sum);
    }

    // ---- proofs of possession -------------------------------------------------------------------------------------

    /// @custom:rule Q2
    function test_keysSignAndVerify() public view {
        bytes32[8] memory hashed = Bls.hashToG2("message", BlsKeys.POSSESSION_DST);
        bytes32[4] memory key = BlsKeys.publicKey(SECRET);
        bytes32[8] memory signature = BlsKeys.sign(SECRET, "message", BlsKeys.POSSESSION_DST);
        assertTrue(_bls.verify(key, signature, hashed));
        assertFalse(_bls.verify(BlsKeys.publicKey(SECRET + 1), signature, hashed));
        assertFalse(_bls.verify(key, BlsKeys.sign(SECRET + 1, "message", BlsKeys.POSSESSION_DST), hashed));
        assertFalse(_bls.verify(key, signature, Bls.hashToG2("messagf", BlsKeys.POSSESSION_DST)));
        assertFalse(_bls.verify(key, signature, Bls.hashToG2("message", BlsKeys.VRF_DST)));
    }

    /// @dev Without the check, the key at infinity would accept the signature at infinity on any message.
    /// @custom:rule Q2
    function test_RevertWhen_theKeyIsAtInfinity() public {
        _notRegistered(new bytes(128), new bytes(256));
        _notRegistered(new bytes(128), _possession());
    }

    /// @custom:rule Q2
    function test_RevertWhen_theProofIsAtInfinity() public {
        _notRegistered(_key(), new bytes(256));
    }

    /// @custom:rule Q2
    function test_RevertWhen_aPointIsNotOnTheCurve() public {
        _notRegistered(_with(_key(), 3, 1), _possession());
        _notRegistered(_key(), _with(_possession(), 7, 1));
    }

    /// @dev The key plus a point of another subgroup has the same pairings as the key, unless the subgroup is checked.
    /// @custom:rule Q2
    function test_RevertWhen_aPointIsNotInItsSubgroup() public {
        _notRegistered(Curve.COFACTOR_G1, _possession());
        _notRegistered(Curve.add1(_key(), Curve.COFACTOR_G1), _possession());
        _notRegistered(_key(), Curve.COFACTOR_G2);
        _notRegistered(_key(), Curve.add2(_possession(), Curve.COFACTOR_G2));
    }

    /// @custom:rule Q2
    function test_RevertWhen_aCoordinateIsNotReduced() public {
        for (uint256 i = 0; i < 4; i += 2) {
            _notRegistered(_beyondTheField(_key(), i), _possession());
        }
        for (uint256 i = 0; i < 8; i += 2) {
            _notRegistered(_key(), _beyondTheField(_possession(), i));
        }
    }

    /// @custom:rule Q2
    function test_RevertWhen_thePaddingIsNotZero() public {
        bytes memory key = _key();
        _notRegistered(_with(key, 0, _word(key, 0) | (1 << 255)), _possession());
    }

    /// @custom:rule Q2
    function test_RevertWhen_theProofIsForAnotherContractOrChain() public {
        bytes memory proof = _possession();
        vm.chainId(77);
        _notRegistered(_key(), proof);
    }

    /// @dev Signatures for scores are no proofs of possession, and vice versa.
    /// @custom:rule Q2, D2
    function test_theTagsDiffer() public {
        bytes memory message = staking.possessionMessage(address(this), BlsKeys.publicKey(SECRET));
        _notRegistered(_key(), abi.encode(BlsKeys.sign(SECRET, message, BlsKeys.VRF_DST)));
    }

    /// @custom:rule Q2
    function test_theMessageIsWhatTheManualSays() public view {
        bytes32[4] memory key = BlsKeys.publicKey(SECRET);
        bytes32 domain = "fernet.pop.v1";
        bytes memory expected = abi.encode(domain, block.chainid, address(staking), relay, key);
        assertEq(staking.possessionMessage(relay, key), expected);
    }

    // ---- scores ---------------------------------------------------------------------------------------------------

    /// @custom:rule D2
    function test_theVrfScoreIsTheHashOfTheSignature() public view {
        bytes memory proof = _proof(0);
        bytes memory signature = new bytes(256);
        for (uint256 i = 0; i < 256; ++i) {
            signature[i] = proof[128 + i];
        }
        uint256 hash = uint256(keccak256(bytes.concat("fernet.vrf-score.v1", new bytes(13), signature)));
        assertEq(uint256(_score(proof)), hash >> 64);
        assertEq(_vrf.kind(), "vrf");
        assertEq(address(_vrf.staking()), address(staking));
    }

    /// @custom:rule D2
    function test_theVrfMessageIsWhatTheManualSays() public view {
        bytes32 domain = "fernet.vrf.v1";
        assertEq(_vrf.message(relay, SLOT, SEED, _first), abi.encode(domain, block.chainid, relay, SLOT, SEED, _first));
    }

    /// @custom:rule D2
    function test_RevertWhen_theProofHasAnotherLength() public {
        bytes memory proof = _proof(0);
        vm.expectRevert(abi.encodeWithSelector(IScoring.WrongProofLength.selector, 384, 385));
        _score(bytes.concat(proof, hex"00"));
        vm.expectRevert(abi.encodeWithSelector(IScoring.WrongProofLength.selector, 384, 0));
        _score("");
    }

    /// @custom:rule D4
    function test_RevertWhen_theKeyIsAnothers() public {
        bytes memory proof = _proof(1);
        bytes32 expected = staking.blsKeyHashOf(_first);
        bytes32 actual = staking.blsKeyHashOf(_id(1));
        vm.expectRevert(abi.encodeWithSelector(VrfScore.WrongBlsKey.selector, _first, expected, actual));
        _score(proof);
    }

    /// @custom:rule D4
    function test_RevertWhen_theSignatureIsForSomethingElse() public {
        bytes memory proof = _proof(0);
        vm.expectRevert(abi.encodeWithSelector(VrfScore.BadBlsSignature.selector, _first));
        _vrf.score(address(rollup), Slot.wrap(6), SEED, _first, attesters[0], proof);
        vm.expectRevert(abi.encodeWithSelector(VrfScore.BadBlsSignature.selector, _first));
        _vrf.score(relay, SLOT, SEED, _first, attesters[0], proof);
        vm.expectRevert(abi.encodeWithSelector(VrfScore.BadBlsSignature.selector, _first));
        _vrf.score(address(rollup), SLOT, keccak256("another"), _first, attesters[0], proof);
        vm.chainId(77);
        _refused(proof);
    }

    /// @dev There is one signature for each slot and key: no other encoding and no other point.
    /// @custom:rule D3, D4
    function test_RevertWhen_theSignatureIsChanged() public {
        bytes memory proof = _proof(0);
        _refused(_with(proof, 11, _word(proof, 11) ^ 1));
        _refused(_beyondTheField(proof, 4));
        for (uint256 i = 4; i < 12; ++i) {
            proof = _with(proof, i, 0);
        }
        _refused(proof);
    }

    /// @dev A key that is registered twice has two scores.
    /// @custom:rule D2, D3
    function test_theSequencerIsInTheMessage() public view {
        assertTrue(
            keccak256(_vrf.message(relay, SLOT, SEED, _id(0))) != keccak256(_vrf.message(relay, SLOT, SEED, _id(1)))
        );
    }

    /// @custom:rule D4, Q3
    function test_aMalformedScoreProofCannotBurnMoreThanTheCap() public {
        bytes memory proof = _with(_proof(0), 11, 1);
        uint256 before = gasleft();
        (bool ok, bytes memory result) = address(_vrf)
            .call(abi.encodeCall(IScoring.score, (address(rollup), SLOT, SEED, _first, attesters[0], proof)));
        assertLt(before - gasleft(), MOST_GAS, "burned gas");
        assertFalse(ok);
        assertEq(result, abi.encodeWithSelector(VrfScore.BadBlsSignature.selector, _first));
    }

    /// @custom:rule M4
    function test_RevertWhen_theVrfHasNoStaking() public {
        vm.expectRevert(abi.encodeWithSelector(VrfScore.BadParameter.selector, "staking"));
        new VrfScore(IStaking(address(0)));
    }

    /// @custom:rule D1
    function testFuzz_thePublicScoreIsTheUpperPartOfAHash(
        address rollup_,
        uint64 slot,
        bytes32 seed,
        uint32 id,
        address attester
    ) public {
        PublicScore scoring = new PublicScore();
        bytes32 hash =
            keccak256(abi.encode(keccak256("fernet.score.v1"), block.chainid, rollup_, slot, seed, id, attester));
        assertEq(
            scoring.score(rollup_, Slot.wrap(slot), seed, SequencerId.wrap(id), attester, ""),
            uint192(uint256(hash) >> 64)
        );
        assertEq(scoring.kind(), "public");
    }

    /// @custom:rule D1
    function test_RevertWhen_thePublicScoreGetsAProof() public {
        PublicScore scoring = new PublicScore();
        vm.expectRevert(abi.encodeWithSelector(IScoring.WrongProofLength.selector, 0, 1));
        scoring.score(address(rollup), SLOT, SEED, _first, attesters[0], hex"00");
    }

    // ---- an L1 without the precompiles ----------------------------------------------------------------------------

    /// @dev A failing call, and an account without code, which returns nothing.
    /// @custom:rule Q2, D2
    function test_RevertWhen_aPrecompileFails() public {
        uint160[3] memory precompiles = [uint160(0x05), 0x0d, 0x11];
        for (uint256 i = 0; i < 3; ++i) {
            address precompile = address(precompiles[i]);
            bytes memory failed = abi.encodeWithSelector(Bls.PrecompileFailed.selector, uint256(precompiles[i]));
            vm.mockCallRevert(precompile, "", "");
            vm.expectRevert(failed);
            _bls.hashToG2("message", "tag");
            vm.clearMockedCalls();
            vm.mockCall(precompile, "", "");
            vm.expectRevert(failed);
            _bls.hashToG2("message", "tag");
            vm.clearMockedCalls();
        }
        bytes32[4] memory key = BlsKeys.publicKey(SECRET);
        bytes32[8] memory hashed = _bls.hashToG2("message", "tag");
        bytes32[8] memory signature = BlsKeys.sign(SECRET, "message", "tag");
        assertTrue(_bls.verify(key, signature, hashed));
        vm.mockCall(address(0x0f), "", "");
        assertFalse(_bls.verify(key, signature, hashed));
        vm.mockCall(address(0x0f), "", abi.encode(2));
        assertFalse(_bls.verify(key, signature, hashed));
    }
}
