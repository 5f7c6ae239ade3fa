// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Fixture} from "../support/Fixture.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice An account whose answer its owner changes at will.
contract FickleAccount is IERC1271 {
    bool public agrees;

    function setAgrees(bool agrees_) external {
        agrees = agrees_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return agrees ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function name(IEscrow escrow, address signer) external {
        escrow.setSigner(signer);
    }
}

/// @title Whose signature binds whom: quotes that cannot be pulled back
contract SignaturesTest is Fixture {
    /// @dev Code of accounts. Each of them answers EIP-1271 with no, or with a revert.
    bytes[4] private _codes;
    address private _signer;
    uint256 private _signerKey;
    address private _otherSigner;
    uint256 private _otherSignerKey;
    FickleAccount private _fickle;

    function setUp() public override {
        super.setUp();
        _fickle = new FickleAccount();
        _fundEscrow(address(_fickle), 100e18);
        (_signer, _signerKey) = makeAddrAndKey("signer");
        (_otherSigner, _otherSignerKey) = makeAddrAndKey("other signer");
        _codes[0] = hex"5f5ffd"; // reverts
        _codes[1] = hex"00"; // answers with nothing
        _codes[2] = address(_fickle).code; // says no
        _codes[3] = abi.encodePacked(hex"ef0100", address(_fickle)); // delegates to that, as EIP-7702 does
    }

    function _toCommitment() private returns (Quote memory) {
        Header memory header = _propose(0);
        _warp(_view().start + 4);
        return _quote(0, _hash(header));
    }

    /// @dev The relay commits with these signatures.
    function _relayed(Quote memory quote, bytes memory byProver, bytes memory bySequencer) private {
        vm.prank(relay);
        rollup.commit(quote, byProver, bySequencer);
        assertEq(escrow.account(quote.prover).locked, quote.bond);
    }

    function _refused(Quote memory quote, bytes memory byProver, bytes memory bySequencer, address party) private {
        vm.prank(relay);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BadSignature.selector, party));
        rollup.commit(quote, byProver, bySequencer);
    }

    // ---- own keys -------------------------------------------------------------------------------------------------

    /// @dev Attack: after it signed, the prover delegates its account to code that denies every signature. Its key
    /// binds it all the same. So does the key of the sequencer's attester.
    /// @custom:rule C6
    function test_attack_delegatingAfterSigning() public {
        Quote memory quote = _toCommitment();
        bytes memory byProver = _sign(proverKey, quote);
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < _codes.length; ++i) {
            vm.etch(prover, _codes[i]);
            vm.etch(attesters[0], _codes[i]);
            _relayed(quote, byProver, bySequencer);
            vm.revertToState(snapshot);
        }
    }

    /// @dev An account is asked only if the signature is not its key's.
    /// @custom:rule C6
    function test_theCodeIsAskedOnlyIfTheKeyDidNotSign() public {
        Quote memory quote = _toCommitment();
        bytes memory byProver = _sign(proverKey, quote);
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        vm.etch(prover, address(_fickle).code);
        vm.etch(attesters[0], address(_fickle).code);
        bytes memory question = abi.encodeWithSelector(IERC1271.isValidSignature.selector);
        vm.expectCall(prover, question, 0);
        vm.expectCall(attesters[0], question, 0);
        _relayed(quote, byProver, bySequencer);
    }

    /// @custom:rule C2, C6
    function test_bothPartiesMayAgreeByTheirCode() public {
        Quote memory quote = _toCommitment();
        vm.etch(prover, address(_fickle).code);
        vm.etch(attesters[0], address(_fickle).code);
        FickleAccount(prover).setAgrees(true);
        FickleAccount(attesters[0]).setAgrees(true);
        _relayed(quote, "", "anything");
    }

    /// @custom:rule C6
    function test_RevertWhen_neitherTheKeyNorTheCodeAgrees() public {
        Quote memory quote = _toCommitment();
        bytes memory byProver = _sign(proverKey, quote);
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        for (uint256 i = 0; i < _codes.length; ++i) {
            vm.etch(prover, _codes[i]);
            _refused(quote, bySequencer, bySequencer, prover);
            _refused(quote, "", bySequencer, prover);
            vm.etch(attesters[0], _codes[i]);
            _refused(quote, byProver, byProver, attesters[0]);
            vm.etch(attesters[0], "");
        }
    }

    /// @dev Signatures of 65 bytes, with 27 or 28 at the end.
    /// @custom:rule C6
    function test_RevertWhen_theSignatureIsMalformed() public {
        Quote memory quote = _toCommitment();
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(proverKey, rollup.quoteDigest(quote));
        _refused(quote, abi.encodePacked(r, s), bySequencer, prover);
        _refused(quote, abi.encodePacked(r, s, v, uint8(0)), bySequencer, prover);
        _refused(quote, abi.encodePacked(r, s, v - 27), bySequencer, prover);
        _refused(quote, abi.encodePacked(bytes32(0), bytes32(0), v), bySequencer, prover);
        _refused(quote, new bytes(65), bySequencer, prover);
        _relayed(quote, abi.encodePacked(r, s, v), bySequencer);
    }

    /// @dev A malformed signature recovers nobody. So it is not the signature of the key that was never named.
    /// @custom:rule C6
    function test_RevertWhen_nobodySignsForAnAccountWithoutANamedKey() public {
        Quote memory quote = _toCommitment();
        quote.prover = address(_fickle);
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        assertEq(escrow.signerOf(quote.prover), address(0));
        _refused(quote, new bytes(65), bySequencer, quote.prover);
        _refused(quote, "", bySequencer, quote.prover);
        assertFalse(escrow.hasSigned(address(0), rollup.quoteDigest(quote), new bytes(65)));
    }

    // ---- named keys -----------------------------------------------------------------------------------------------

    /// @dev Quote of the fickle account.
    function _fickleQuote() private returns (Quote memory quote, bytes memory bySequencer) {
        quote = _toCommitment();
        quote.prover = address(_fickle);
        bySequencer = _sign(attesterKeys[0], quote);
    }

    /// @dev Attack: a contract signs, and denies it when it sees a better offer. With a named key, it cannot.
    /// @custom:rule C6, E14
    function test_attack_aContractChangesItsAnswer() public {
        _fickle.name(escrow, _signer);
        (Quote memory quote, bytes memory bySequencer) = _fickleQuote();
        _fickle.setAgrees(true);
        uint256 snapshot = vm.snapshotState();
        _relayed(quote, "by its code", bySequencer);
        vm.revertToState(snapshot);
        _fickle.setAgrees(false);
        _refused(quote, "by its code", bySequencer, quote.prover);
        _relayed(quote, _sign(_signerKey, quote), bySequencer);
    }

    /// @custom:rule C6
    function test_RevertWhen_theNamedKeyIsAnothers() public {
        vm.prank(rescuer);
        escrow.setSigner(_signer);
        (Quote memory quote, bytes memory bySequencer) = _fickleQuote();
        _refused(quote, _sign(_signerKey, quote), bySequencer, quote.prover);
        quote.prover = rescuer;
        _relayed(quote, _sign(_signerKey, quote), _sign(attesterKeys[0], quote));
    }

    /// @dev A named key does not replace the account's own one.
    /// @custom:rule C6
    function test_theOwnKeyBindsBesideANamedOne() public {
        vm.prank(prover);
        escrow.setSigner(_signer);
        Quote memory quote = _toCommitment();
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        uint256 snapshot = vm.snapshotState();
        _relayed(quote, _sign(proverKey, quote), bySequencer);
        vm.revertToState(snapshot);
        _relayed(quote, _sign(_signerKey, quote), bySequencer);
    }

    /// @dev A key that the attester's account named counts for the sequencer.
    /// @custom:rule C6
    function test_aNamedKeyOfTheAttesterBindsTheSequencer() public {
        vm.prank(attesters[0]);
        escrow.setSigner(_signer);
        Quote memory quote = _toCommitment();
        _relayed(quote, _sign(proverKey, quote), _sign(_signerKey, quote));
    }

    /// @dev Attack: the prover names another key, or none, after its key signed. The former one binds until the delay
    /// is over, and so for the rest of the slot. From then on, only the other one does.
    /// @custom:rule C6, E14
    function test_attack_replacingTheNamedKeyAfterSigning() public {
        address[2] memory next = [_otherSigner, address(0)];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            for (uint64 left = 0; left < 2; ++left) {
                _fickle.name(escrow, _signer);
                // The change takes effect in the L1 slot of the commitment, or in the one after it.
                uint64 slot = _view().start + 20 * IDLE;
                _warp(slot + 4 + left - ESCROW_DELAY);
                _fickle.name(escrow, next[i]);
                _warp(slot);
                (Quote memory quote, bytes memory bySequencer) = _fickleQuote();
                bytes memory former = _sign(_signerKey, quote);
                bytes memory latter = _sign(_otherSignerKey, quote);
                if (left == 1) {
                    _refused(quote, latter, bySequencer, quote.prover);
                    _relayed(quote, former, bySequencer);
                } else {
                    _refused(quote, former, bySequencer, quote.prover);
                    if (i == 0) _relayed(quote, latter, bySequencer);
                    else _refused(quote, latter, bySequencer, quote.prover);
                }
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev The digest is that of the whole quote.
    /// @custom:rule C6
    function test_RevertWhen_theNamedKeySignedOtherTerms() public {
        _fickle.name(escrow, _signer);
        (Quote memory quote,) = _fickleQuote();
        bytes memory byProver = _sign(_signerKey, quote);
        quote.price -= 1;
        _refused(quote, byProver, _sign(attesterKeys[0], quote), quote.prover);
    }

    // ---- bonds ----------------------------------------------------------------------------------------------------

    /// @dev Attack: the prover requests its whole balance back after it signed. The bond is locked all the same, and
    /// the slot is over before anything can be withdrawn.
    /// @custom:rule E14, C3
    function test_attack_requestingTheBondBackAfterSigning() public {
        Quote memory quote = _toCommitment();
        bytes memory byProver = _sign(proverKey, quote);
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        vm.prank(prover);
        escrow.requestWithdrawal(1000e18);
        _relayed(quote, byProver, bySequencer);
        assertEq(escrow.account(prover).withdrawing, 1000e18 - BOND);
        // Nobody proves the block.
        _warp(_now() + 4);
        _warp(_view().end);
        rollup.sync();
        _warp(_now() + 200);
        rollup.sync();
        vm.prank(prover);
        escrow.withdraw(prover);
        assertEq(token.balanceOf(prover), 1000e18 - BOND);
        assertEq(escrow.account(prover).free, BOND, "without a reveal, the bond is released");
    }

    /// @dev Before the slot began, what could be withdrawn in it could be seen.
    /// @custom:rule E14, C3
    function test_RevertWhen_theBondCanBeWithdrawn() public {
        vm.prank(prover);
        escrow.requestWithdrawal(990e18);
        uint64 slot = _view().start + 20 * IDLE;
        _warp(slot);
        Quote memory quote = _toCommitment();
        bytes memory bySequencer = _sign(attesterKeys[0], quote);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, 10e18, BOND));
        rollup.commit(quote, "", bySequencer);
        _phaseIs(Phase.Commitment);
    }

    /// @dev A bond that came from what was requested back is free after its release.
    /// @custom:rule E14, E5
    function test_aReleasedBondIsFree() public {
        vm.prank(prover);
        escrow.requestWithdrawal(1000e18);
        Header memory header = _revealed(0);
        assertEq(escrow.account(prover).locked, BOND);
        assertEq(escrow.account(prover).free, 0);
        _finalize(relay, header, payee);
        assertEq(escrow.account(prover).free, BOND);
        assertEq(escrow.account(prover).withdrawing, 1000e18 - BOND);
    }
}
