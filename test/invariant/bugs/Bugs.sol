// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../../contracts/Bridge.sol";
import {Escrow} from "../../../contracts/Escrow.sol";
import {Rewards} from "../../../contracts/Rewards.sol";
import {Staking} from "../../../contracts/Staking.sol";
import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Candidate, SlotView} from "../../../contracts/interfaces/IReader.sol";
import {Parameters, Phase, Quote} from "../../../contracts/interfaces/IRollup.sol";
import {IStateTransitionVerifier} from "../../../contracts/interfaces/IStateTransitionVerifier.sol";
import {IVotes} from "../../../contracts/interfaces/IVotes.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot} from "../../../contracts/types/Time.sol";
import {CrowdHandler} from "../handlers/CrowdHandler.sol";
import {SlotHandler} from "../handlers/SlotHandler.sol";

// One bug for each invariant or rule. A bug changes the contracts' state, arguments or answers to those of a faulty
// contract.

/// @notice Code that runs another contract's, and replaces some words of the arguments of one function before.
contract Altered {
    address private immutable _original;
    bytes4 private immutable _selector;
    uint256 private immutable _first;
    uint256 private immutable _end;
    uint256 private immutable _value;

    /// @param first Index of the first replaced word.
    /// @param end Index after the last one.
    constructor(address original, bytes4 selector, uint256 first, uint256 end, uint256 value) {
        _original = original;
        _selector = selector;
        _first = first;
        _end = end;
        _value = value;
    }

    fallback() external {
        bytes memory data = msg.data;
        if (msg.sig == _selector) {
            uint256 value = _value;
            for (uint256 i = _first; i < _end; ++i) {
                assembly ("memory-safe") {
                    // Behind the length and the selector, and inside the arguments of the function.
                    mstore(add(data, add(36, mul(32, i))), value)
                }
            }
        }
        (bool success, bytes memory result) = _original.delegatecall(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        assembly ("memory-safe") {
            return(add(result, 32), mload(result))
        }
    }
}

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
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 88 & 0xff;
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

// ---- pay and bonds ----------------------------------------------------------------------------------------------

/// @notice Replaces words of what the rollup tells the rewards contract about a block.
abstract contract AltersPay is SlotHandler {
    // Indices of the words of `BlockPay`.
    uint256 internal constant PAID = 1;
    uint256 internal constant PRICE_WORD = 5;
    uint256 internal constant REVEAL_DELAY = 7;
    uint256 internal constant PROOF_DELAY = 9;

    function _alter(uint256 word, uint256 value) internal {
        address original = makeAddr("original rewards");
        vm.etch(original, address(rewards).code);
        Altered altered = new Altered(original, Rewards.settleBlock.selector, word, word + 1, value);
        vm.etch(address(rewards), address(altered).code);
    }
}

/// @notice Every block is paid for the same time.
contract ForgetsTime is AltersPay {
    function setUp() public override {
        super.setUp();
        _alter(PAID, IDLE);
    }
}

/// @notice The bonus counts from the commitment, which came in the L1 slot of the reveal.
contract ForgetsTurns is AltersPay {
    function setUp() public override {
        super.setUp();
        _alter(REVEAL_DELAY, 0);
    }
}

/// @notice A late proof pays as much as a prompt one.
contract ForgetsDelays is AltersPay {
    function setUp() public override {
        super.setUp();
        _alter(PROOF_DELAY, 0);
    }
}

/// @notice Prices do not move.
contract ForgetsPrices is AltersPay {
    function setUp() public override {
        super.setUp();
        _alter(PRICE_WORD, 0);
    }
}

/// @notice A block does not end a stall.
contract NeverRecovers is SlotHandler {
    function _afterBlock() internal override {
        uint256 cursor = uint256(vm.load(address(rollup), 0));
        vm.store(address(rollup), 0, bytes32(cursor | (0xffff << 96)));
    }
}

/// @notice Prices have no bounds.
contract AcceptsAnyPrice is SlotHandler {
    function setUp() public override {
        super.setUp();
        bytes memory bounds = abi.encode(type(int96).min, type(int96).max);
        vm.mockCall(address(rewards), abi.encodeWithSelector(Rewards.priceRange.selector), bounds);
    }
}

/// @notice The end of a bond is another one than the rollup's: the rollup's calls do nothing, and `_endBond` follows.
abstract contract EndsBonds is SlotHandler {
    address internal _bondOf;
    uint96 internal _bond;

    /// @dev The calls of the rollup that end the bond of the revealed candidate, if there is one, do nothing.
    function _intercept() internal {
        SlotView memory slotView = reader.currentSlot();
        if (slotView.rank >= slotView.candidates.length) return;
        Candidate memory candidate = slotView.candidates[slotView.rank];
        if (L1Slot.unwrap(candidate.revealedAt) == 0) return;
        (_bondOf, _bond) = (candidate.prover, candidate.bond);
        vm.mockCall(address(escrow), abi.encodeWithSelector(IEscrow.slash.selector, _bondOf), "");
        vm.mockCall(address(escrow), abi.encodeWithSelector(IEscrow.release.selector, _bondOf), "");
    }

    function _afterBlock() internal override {
        vm.clearMockedCalls();
        if (_bondOf == address(0)) return;
        vm.prank(address(rollup));
        _endBond();
        delete _bondOf;
    }

    function _endBond() internal virtual;

    function step(uint256 seed) public override {
        super.step(seed);
        vm.clearMockedCalls();
        delete _bondOf;
    }
}

/// @notice A late proof costs the prover nothing.
contract ReleasesLateBonds is EndsBonds {
    function _beforeFinalize(Phase phase) internal override {
        if (phase == Phase.OpenProving) _intercept();
    }

    function _endBond() internal override {
        escrow.release(_bondOf, _bond);
    }
}

/// @notice A backup of another block than the revealed one brings a share of the bond.
contract SharesEveryBond is EndsBonds {
    function _beforeBackup(bool another) internal override {
        if (another) _intercept();
    }

    function _endBond() internal override {
        escrow.slash(_bondOf, _bond, relay, _bond / 2);
    }
}

/// @notice A bond cannot use what was requested back.
contract IgnoresWithdrawing is SlotHandler {
    function _beforeCommit(Quote memory quote) internal override {
        vm.clearMockedCalls();
        uint128 free = escrow.account(quote.prover).free;
        if (free >= quote.bond) return;
        bytes memory call = abi.encodeCall(IEscrow.lock, (quote.prover, quote.bond));
        bytes memory reason = abi.encodeWithSelector(IEscrow.InsufficientFree.selector, quote.prover, free, quote.bond);
        vm.mockCallRevert(address(escrow), call, reason);
    }
}

/// @notice A named key is replaced at once, and the quotes that it signed are void.
contract ReplacesKeysAtOnce is SlotHandler {
    function _afterNaming(address account) internal override {
        bytes32 word = keccak256(abi.encode(account, uint256(1)));
        uint256 current = uint256(vm.load(address(escrow), word)) & type(uint160).max;
        vm.store(address(escrow), word, bytes32(current | (uint256(_now()) << 160)));
    }
}

/// @notice The key of an account with code does not sign for it.
contract AsksOnlyTheCode is SlotHandler {
    function setUp() public override {
        super.setUp();
        bytes memory call = abi.encodeWithSelector(Escrow.hasSigned.selector, rescuer);
        vm.mockCall(address(escrow), call, abi.encode(false));
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
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 88 & 0xff;
        vm.store(address(rollup), bytes32(3 + 18 * record + 1), keccak256(abi.encode(_now())));
    }
}

/// @notice A candidate keeps the commitment that an earlier slot stored at its index.
contract RevivesTerms is CrowdHandler {
    function _afterPropose() internal override {
        uint256 record = uint256(vm.load(address(rollup), 0)) >> 88 & 0xff;
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

/// @notice Blocks may leave out forced exits.
contract SkipsExits is CrowdHandler {
    function setUp() public override {
        super.setUp();
        address original = makeAddr("original bridge");
        vm.etch(original, address(bridge).code);
        // The second part has the words 4 to 7. A part of nothing with a maximum of nothing is always valid.
        Altered altered = new Altered(original, Bridge.checkConsumption.selector, 4, 8, 0);
        vm.etch(address(bridge), address(altered).code);
    }
}
