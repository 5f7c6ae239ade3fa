// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Quote} from "../../contracts/interfaces/IRollup.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {VmSafe} from "forge-std/Vm.sol";

/// @title Gas of each transaction of a slot
/// @notice A figure is the gas of the whole transaction: the base cost of 21,000, the calldata (EIP-2028, or the floor
/// of EIP-7623 if that is higher) and the execution on cold storage, less the refund. Everything before the transaction
/// happens in `setUp`, which forge commits as a separate transaction. Forge's isolation cannot run calls with blobs, so
/// it is off here. The verifier is a double, so `finalize` does not include the proof. `BlockVerifier.t.sol` measures
/// the proof, and `Total.t.sol` measures both together.
abstract contract TransactionGas is Fixture {
    address private _sender;
    address private _target;
    bytes private _data;
    bytes32[] private _blobs;

    function setUp() public virtual override {
        super.setUp();
        // Two slots pass first, so that all accounts exist, as they do in every slot but the first ones.
        for (uint256 i = 0; i < 2; ++i) {
            Header memory header = _revealed(0);
            _finalize(relay, header, payee);
            _warp(_view().start);
        }
        bytes32[] memory none = new bytes32[](0);
        _set(address(0), address(0), "", none);
        _prepare();
    }

    /// @dev Brings the chain to the state before the transaction, and sets the transaction with `_set`.
    function _prepare() internal virtual;

    function _name() internal pure virtual returns (string memory);

    /// @dev Highest gas of the transaction (docs/protocol, H2). No limit if none is promised.
    function _bound() internal pure virtual returns (uint256) {
        return type(uint256).max;
    }

    function _set(address sender, address target, bytes memory data, bytes32[] memory blobs) internal {
        _sender = sender;
        _target = target;
        _data = data;
        _blobs = blobs;
    }

    function _set(address sender, bytes memory data) internal {
        _set(sender, address(rollup), data, new bytes32[](0));
    }

    /// @custom:rule H1, H2
    function test_gas() public {
        bytes memory data = _data;
        vm.blobhashes(_blobs);
        vm.prank(_sender);
        (bool success,) = _target.call(data);
        VmSafe.Gas memory gas = vm.lastCallGas();
        assertTrue(success, "reverted");
        uint256 zeros;
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] == 0) ++zeros;
        }
        uint256 tokens = zeros + 4 * (data.length - zeros);
        uint256 refund = uint256(uint64(gas.gasRefunded));
        uint256 used = 21_000 + 4 * tokens + gas.gasTotalUsed;
        if (refund > used / 5) refund = used / 5;
        used -= refund;
        uint256 floor = 21_000 + 10 * tokens;
        if (used < floor) used = floor;
        vm.snapshotValue("Slot", _name(), used);
        assertLe(used, _bound(), "more gas than its bound");
    }

    function _proposal(uint256 i, bytes memory proof) internal view returns (bytes memory) {
        return abi.encodeCall(IRollup.propose, (_slot(), _id(i), _hash(_headerOf(i)), proof, ""));
    }
}

/// forge-config: default.isolate = false
contract ProposeGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, first";
    }

    function _bound() internal pure override returns (uint256) {
        return 90_000;
    }

    function _prepare() internal override {
        randomness.prove(L1Slot.wrap(_view().seedAt), _seedProof(_view().seedAt));
        _set(attesters[0], _proposal(0, ""));
    }
}

/// forge-config: default.isolate = false
contract ProposeThirdGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, third, of the highest score";
    }

    function _prepare() internal override {
        uint256[] memory ranked = _ranked();
        _propose(ranked[1]);
        _propose(ranked[2]);
        _set(attesters[ranked[0]], _proposal(ranked[0], ""));
    }
}

/// forge-config: default.isolate = false
contract ProposeDisplacingGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, displacing the last of three";
    }

    function _prepare() internal override {
        uint256[] memory ranked = _ranked();
        _propose(ranked[1]);
        _propose(ranked[2]);
        _propose(ranked[3]);
        _set(attesters[ranked[0]], _proposal(ranked[0], ""));
    }
}

/// forge-config: default.isolate = false
contract ProposeWithSeedGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, first, with the seed's proof";
    }

    function _bound() internal pure override returns (uint256) {
        return 140_000;
    }

    function _prepare() internal override {
        _set(attesters[0], _proposal(0, _shortSeedProof(_view().seedAt)));
    }
}

/// forge-config: default.isolate = false
contract ProposeWithLongSeedProofGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, first, with the seed's proof after a missed L1 slot";
    }

    function _bound() internal pure override returns (uint256) {
        return 140_000;
    }

    function _prepare() internal override {
        _set(attesters[0], _proposal(0, _seedProof(_view().seedAt)));
    }
}

/// forge-config: default.isolate = false
contract ProposeAfterExpiryGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "propose, with the seed's proof, settling an expired slot";
    }

    function _prepare() internal override {
        _propose(1);
        _warp(_view().start + 13 * 30);
        _warp(_view().start);
        _set(attesters[0], _proposal(0, _shortSeedProof(_view().seedAt)));
    }
}

/// forge-config: default.isolate = false
contract CommitByProverGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "commit, by the prover";
    }

    function _bound() internal pure override returns (uint256) {
        return 110_000;
    }

    function _prepare() internal override {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        _set(prover, abi.encodeCall(IRollup.commit, (quote, "", _sign(attesterKeys[0], quote))));
    }
}

/// forge-config: default.isolate = false
contract CommitBySequencerGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "commit, by the sequencer";
    }

    function _bound() internal pure override returns (uint256) {
        return 110_000;
    }

    function _prepare() internal override {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        _set(attesters[0], abi.encodeCall(IRollup.commit, (quote, _sign(proverKey, quote), "")));
    }
}

/// forge-config: default.isolate = false
contract CommitByRelayGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "commit, by a relay";
    }

    function _bound() internal pure override returns (uint256) {
        return 110_000;
    }

    function _prepare() internal override {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        Quote memory quote = _quote(0, _hash(header));
        _set(relay, abi.encodeCall(IRollup.commit, (quote, _sign(proverKey, quote), _sign(attesterKeys[0], quote))));
    }
}

/// forge-config: default.isolate = false
contract RevealGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "reveal, one blob";
    }

    function _bound() internal pure override returns (uint256) {
        return 80_000;
    }

    function _prepare() internal override {
        Header memory header = _committed(0);
        _set(attesters[0], address(rollup), abi.encodeCall(IRollup.reveal, (header)), header.blobHashes);
    }
}

/// forge-config: default.isolate = false
contract RevealSixGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "reveal, six blobs";
    }

    function _prepare() internal override {
        Header memory header = _header(12, "six");
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        _commit(0, header);
        _set(attesters[0], address(rollup), abi.encodeCall(IRollup.reveal, (header)), header.blobHashes);
    }
}

/// forge-config: default.isolate = false
contract FinalizeByPayeeGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, by the payee, without verification";
    }

    function _prepare() internal override {
        Header memory header = _revealed(0);
        _set(payee, abi.encodeCall(IRollup.finalize, (header, payee, _proof(header, payee))));
    }
}

/// forge-config: default.isolate = false
contract FinalizeByAnotherGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, by another, without verification";
    }

    function _prepare() internal override {
        Header memory header = _revealed(0);
        _set(relay, abi.encodeCall(IRollup.finalize, (header, payee, _proof(header, payee))));
    }
}

/// forge-config: default.isolate = false
contract RescueGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "finalize, rescue, without verification";
    }

    function _prepare() internal override {
        Header memory header = _revealed(0);
        _warp(_now() + 41);
        _set(rescuer, abi.encodeCall(IRollup.finalize, (header, rescuer, _proof(header, rescuer))));
    }
}

/// forge-config: default.isolate = false
contract BackupGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "finalizeBackup, idle slot, without verification";
    }

    function _prepare() internal override {
        _warp(_view().start + 5);
        Header memory header = _header(1, "backup");
        _set(
            payee,
            address(rollup),
            abi.encodeCall(IRollup.finalizeBackup, (header, payee, _proof(header, payee))),
            header.blobHashes
        );
    }
}

/// forge-config: default.isolate = false
contract SettleGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "settle, one abandoned candidate";
    }

    function _prepare() internal override {
        _propose(0);
        _warp(_view().start + 4 + 3 + 9);
        _set(relay, abi.encodeCall(IRollup.settle, ()));
    }
}

/// forge-config: default.isolate = false
contract RegisterGas is TransactionGas {
    function _name() internal pure override returns (string memory) {
        return "register a sequencer";
    }

    function _prepare() internal override {
        token.mint(relay, STAKE);
        vm.prank(relay);
        token.approve(address(staking), STAKE);
        _set(
            relay,
            address(staking),
            abi.encodeCall(IStaking.register, (_registration(relay, rescuer))),
            new bytes32[](0)
        );
    }
}
