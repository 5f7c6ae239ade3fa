// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Lane} from "../../../contracts/interfaces/IBridge.sol";
import {Candidate, SlotView} from "../../../contracts/interfaces/IReader.sol";
import {Header, Parameters, Phase, Quote, Tip} from "../../../contracts/interfaces/IRollup.sol";
import {Registration, Status} from "../../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {BlsKeys} from "../../support/BlsKeys.sol";
import {NEVER} from "../../support/Reference.sol";
import {SlotHandler} from "./SlotHandler.sol";

/// @title Slots with many actors: sequencers join, rotate keys and leave, the bridge's queue fills, and some actions
/// are forbidden
contract CrowdHandler is SlotHandler {
    uint256 private constant MOST_SEQUENCERS = 9;
    /// @dev More phases than there are between any state and the next backup phase.
    uint256 private constant MOST_PHASES = 40;
    uint256 private constant KINDS_OF_BAD_BLOCKS = 15;

    /// @dev For each L1 slot in which a slot started: who could propose in the next slot as soon as this one had
    /// started, and with which BLS key.
    mapping(uint64 start => bool) private _isFrozen;
    mapping(uint64 start => mapping(uint256 i => address)) private _frozen;
    mapping(uint64 start => mapping(uint256 i => bytes32)) private _frozenKeys;
    /// @dev Mixes that were proven.
    uint64[] private _targets;
    /// @dev All committed quotes with the sequencer's signature, and the last one of each slot and rank.
    Quote[] private _quotes;
    bytes[] private _signatures;
    mapping(uint64 slot => mapping(uint256 turn => uint256)) private _quoteOf;

    /// @dev L1 slots in which operations were queued, and the end of the consumed ones, by lane.
    mapping(Lane => uint64[]) private _queuedAt;
    mapping(Lane => uint64) private _end;
    /// @dev Owners of L2 accounts, and by account the number of deposits up to the first one since the last exit.
    address[3] private _depositors = [address(0xd1), address(0xd2), address(0xd3)];
    mapping(uint32 => uint256) private _firstDeposit;

    uint256 private _revived;
    uint256 private _badBlocks;
    uint256 private _stuck;
    /// @dev Blocks that consumed what they may not or left out what they must not, and exits that were wrongly accepted
    /// or refused.
    uint256 private _wrongLanes;
    uint256 private _wrongExits;

    /// @notice How often each action was tried.
    uint256 public replays;
    uint256 public badBlocks;
    uint256 public queued;
    uint256 public rotations;
    uint256 public arrivals;
    /// @notice How often a block consumed the maximum of a lane, a block left something of a lane, and a block
    /// continued with a lane.
    uint256 public fullLanes;
    uint256 public leftOvers;
    uint256 public continuations;

    /// @dev Queues are often longer than what a block takes.
    function _parameters() internal pure virtual override returns (Parameters memory parameters) {
        parameters = super._parameters();
        (parameters.maxDeposits, parameters.maxExits) = (3, 2);
    }

    function setUp() public virtual override {
        super.setUp();
        _quotes.push();
        _signatures.push();
        token.approve(address(bridge), type(uint256).max);
        token.approve(address(staking), type(uint256).max);
        _freeze();
    }

    /// @inheritdoc SlotHandler
    function step(uint256 seed) public virtual override {
        uint256 random = uint256(keccak256(abi.encode("crowd", seed, ++_salt)));
        if (random % 3 != 0) {
            super.step(seed);
        } else {
            vm.recordLogs();
            _join(random >> 8);
            _catchUp();
            _recordEvents();
        }
        _freeze();
        if (random % 16 == 0) _tryMovingOn();
    }

    function _join(uint256 seed) private {
        uint256 choice = seed % 11;
        seed >>= 8;
        uint256 i = seed % staking.count();
        if (choice == 0) _arrive(seed >> 8);
        else if (choice == 1) _cancel(i);
        else if (choice == 2) _topUp(i, seed >> 8);
        else if (choice == 3) _rotate(i, seed >> 8);
        else if (choice == 4 || choice > 8) _queue(seed >> 8);
        else if (choice == 5) _prove(seed >> 8);
        else if (choice == 6) _replay(seed >> 8);
        else _tryBadBlocks();
    }

    // ---- sequencers -----------------------------------------------------------------------------------------------

    function _arrive(uint256 seed) private {
        if (staking.count() == MOST_SEQUENCERS) return;
        address owner = owners[seed % 4];
        Registration memory registration =
            BlsKeys.registration(staking, owner, vm.addr(_newKey()), BlsKeys.secret(abi.encode(seed)));
        token.mint(owner, STAKE);
        vm.startPrank(owner);
        token.approve(address(staking), STAKE);
        try staking.register(registration) returns (SequencerId id) {
            ++arrivals;
            vm.stopPrank();
            _afterArrival(id);
        } catch (bytes memory reason) {
            vm.stopPrank();
            _expectOwnError(reason);
        }
    }

    /// @dev A secret key that nobody has used.
    function _newKey() private returns (uint256 key) {
        key = BlsKeys.secret(abi.encode("key", ++_salt));
        _keys[vm.addr(key)] = key;
    }

    function _cancel(uint256 i) private {
        vm.prank(staking.ownerOf(_id(i)));
        try staking.cancelEntry(_id(i)) {}
        catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _topUp(uint256 i, uint256 seed) private {
        // Cast: a small amount.
        uint96 amount = uint96(seed % 7e18);
        try staking.topUp(_id(i), amount) {
            _toppedUp[i] += amount;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _rotate(uint256 i, uint256 seed) private {
        address owner = staking.ownerOf(_id(i));
        bool attester = seed % 2 == 0;
        address next = vm.addr(_newKey());
        uint256 secret = BlsKeys.secret(abi.encode(seed));
        bytes32[4] memory key = BlsKeys.publicKey(secret);
        bytes32[8] memory proof = BlsKeys.possession(staking, owner, secret);
        bytes memory call = attester
            ? abi.encodeCall(staking.rotateAttester, (_id(i), next))
            : abi.encodeCall(staking.rotateBlsKey, (_id(i), key, proof));
        vm.prank(owner);
        (bool success, bytes memory reason) = address(staking).call(call);
        if (success) ++rotations;
        else _expectOwnError(reason);
    }

    // ---- beside the sequencers ------------------------------------------------------------------------------------

    /// @dev Makes deposits, and forced exits of deposited funds, several at a time.
    function _queue(uint256 seed) private {
        for (uint256 i = 0; i <= seed % 3; ++i) {
            address owner = _depositors[(seed >> 8 >> i) % 3];
            if ((seed >> 16 >> i) % 2 == 0) _queueDeposit(owner, seed >> 32);
            else _queueExit(owner);
        }
    }

    function _queueDeposit(address owner, uint256 seed) private {
        // Cast: a small amount.
        try bridge.deposit(owner, KEY_X, KEY_Y, uint64(seed % 1e6)) returns (uint64, uint32 index) {
            ++queued;
            _queuedAt[Lane.Deposits].push(_now());
            if (_firstDeposit[index] == 0) _firstDeposit[index] = _queuedAt[Lane.Deposits].length;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _queueExit(address owner) private {
        uint32 index = bridge.accountOf(owner, KEY_X, KEY_Y);
        bool may = _firstDeposit[index] != 0 && _firstDeposit[index] <= _end[Lane.Deposits];
        vm.prank(owner);
        try bridge.forceExit(index, payee) {
            ++queued;
            _queuedAt[Lane.Exits].push(_now());
            _firstDeposit[index] = 0;
            if (!may) ++_wrongExits;
        } catch (bytes memory reason) {
            if (may) ++_wrongExits;
            _expectOwnError(reason);
        }
    }

    /// @dev Some headers consume less than they could.
    function _choose(Header memory header, uint256 seed) internal view override {
        uint256 random = uint256(keccak256(abi.encode("lanes", seed)));
        if (random % 3 != 0) return;
        uint64 deposits = header.depositsEnd - _end[Lane.Deposits];
        uint64 exits = header.exitsEnd - _end[Lane.Exits];
        // Casts: small numbers.
        if ((random >> 8) % 2 == 0) deposits = uint64((random >> 16) % (deposits + 1));
        else exits = uint64((random >> 16) % (exits + 1));
        _consume(header, deposits, exits);
    }

    /// @dev The model's own check of what a final block consumed.
    function _onBlock(Header memory header) internal override {
        _consumed(Lane.Deposits, header.depositsEnd, header.depositsChain, _parameters().maxDeposits);
        _consumed(Lane.Exits, header.exitsEnd, header.exitsChain, _parameters().maxExits);
    }

    function _consumed(Lane lane, uint64 end, bytes32 chain, uint64 most) private {
        uint64 from = _end[lane];
        _end[lane] = end;
        uint64[] storage queue = _queuedAt[lane];
        if (end < from || end > queue.length || end - from > most) {
            ++_wrongLanes;
            return;
        }
        if (chain != (end == from ? bytes32(0) : bridge.chain(lane, end))) ++_wrongLanes;
        if (end == from + most) ++fullLanes;
        if (end != from && from != 0) ++continuations;
        if (end == queue.length) return;
        ++leftOvers;
        // What was queued before the previous slot started must be consumed, up to the maximum.
        if (end - from < most && queue[end] < _modelPreviousStart) ++_wrongLanes;
    }

    /// @dev Anybody proves the mix of the slot in turn, or of an L1 slot nearby, with or without the parent header.
    function _prove(uint256 seed) private {
        uint64 target = _view().seedAt;
        // Cast: a small number.
        if (seed % 3 == 0) target -= uint64((seed >> 8) % 5);
        if (target >= _now()) return;
        bytes memory proof = (seed >> 16) % 2 == 0 ? _seedProof(target) : _shortSeedProof(target);
        vm.prank(vm.addr(1 + seed % 1000));
        try randomness.prove(L1Slot.wrap(target), proof) {
            _targets.push(target);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _afterCommit(Quote memory quote, bytes memory signature) internal override {
        _quoteOf[_modelSlot][_view().rank] = _quotes.length;
        _quotes.push(quote);
        _signatures.push(signature);
    }

    /// @dev Commits a quote of an earlier slot again, unchanged or changed to the slot in turn.
    function _replay(uint256 seed) private {
        uint256 i = seed % _quotes.length;
        if (i == 0 || Slot.unwrap(_quotes[i].slot) == _view().slot) return;
        ++replays;
        Quote memory quote = _quotes[i];
        SlotView memory slotView = reader.currentSlot();
        if ((seed >> 64) % 2 == 0) quote.slot = slotView.slot;
        if ((seed >> 72) % 2 == 0 && slotView.rank < slotView.candidates.length) {
            quote.headerHash = slotView.candidates[slotView.rank].headerHash;
        }
        if ((seed >> 80) % 2 == 0 && slotView.rank < slotView.candidates.length) {
            quote.sequencer = slotView.candidates[slotView.rank].sequencer;
        }
        vm.prank(quote.prover);
        try rollup.commit(quote, "", _signatures[i]) {
            ++_revived;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    /// @dev Tries backup blocks, each with one fault that the normal path refuses.
    function _tryBadBlocks() private {
        if (_view().phase != Phase.Backup) return;
        ++badBlocks;
        for (uint256 kind = 0; kind < KINDS_OF_BAD_BLOCKS; ++kind) {
            (Header memory header, bytes memory proof, bytes32[] memory shown) = _badBlock(kind);
            vm.blobhashes(shown);
            try rollup.finalizeBackup(header, relay, proof) {
                ++_badBlocks;
                break;
            } catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        }
        vm.blobhashes(new bytes32[](0));
    }

    function _badBlock(uint256 kind)
        private
        returns (Header memory header, bytes memory proof, bytes32[] memory shown)
    {
        header = _header(1, keccak256(abi.encode(++_salt)));
        shown = header.blobHashes;
        if (kind == 0) header.parent = keccak256("another");
        else if (kind == 1) header.slot = header.slot.advance(1);
        else if (kind == 2) header.committeeDigest = "digest";
        else if (kind == 3) header.vote = PAYLOAD;
        else if (kind == 4) header.blobHashes = new bytes32[](2);
        else if (kind == 5) header.chunks = 0;
        else if (kind == 6) header.chunks = 13;
        else if (kind == 7) shown = new bytes32[](1);
        else if (kind == 9) header.depositsChain = ~header.depositsChain;
        else if (kind == 10) header.exitsChain = ~header.exitsChain;
        else if (kind == 11) header.depositsEnd = _end[Lane.Deposits] + uint64(_queuedAt[Lane.Deposits].length) + 1;
        else if (kind == 12) header.exitsEnd = _end[Lane.Exits] + uint64(_queuedAt[Lane.Exits].length) + 1;
        else if (kind == 13) _leaveOut(header, Lane.Deposits);
        else if (kind == 14) _leaveOut(header, Lane.Exits);
        proof = _proof(header, relay);
        // The header differs from the one that was proven.
        if (kind == 8) header.stateRoot = "another";
    }

    /// @dev Leaves out what is due in a lane. If nothing is due, the header names another parent.
    function _leaveOut(Header memory header, Lane lane) private view {
        uint64[] storage queue = _queuedAt[lane];
        uint64 end = _end[lane];
        if (end >= queue.length || queue[end] >= _modelPreviousStart) {
            header.parent = keccak256("another");
            return;
        }
        Tip memory tip = rollup.tip();
        bool exits = lane == Lane.Exits;
        _consume(header, exits ? header.depositsEnd - tip.depositsEnd : 0, exits ? 0 : header.exitsEnd - tip.exitsEnd);
    }

    /// @dev From any state, an account that waits long enough can finalize a block without anybody's help.
    function _tryMovingOn() private {
        uint256 snapshot = vm.snapshotState();
        bool moved;
        for (uint256 i = 0; i < MOST_PHASES && !moved; ++i) {
            CurrentSlot memory current = _view();
            if (current.phase != Phase.Backup) {
                _warp(current.end);
                continue;
            }
            Header memory header = _header(1, "moving on");
            bytes memory proof = _proof(header, relay);
            vm.blobhashes(header.blobHashes);
            (moved,) = address(rollup).call(abi.encodeCall(rollup.finalizeBackup, (header, relay, proof)));
            vm.blobhashes(new bytes32[](0));
            if (!moved) break;
        }
        vm.revertToState(snapshot);
        if (!moved) ++_stuck;
    }

    // ---- ghosts ---------------------------------------------------------------------------------------------------

    /// @dev After a slot has started, the set of sequencers that may propose in the next one can only shrink.
    function _freeze() private {
        CurrentSlot memory current = _view();
        _freezeAt(current.previousStart);
        if (current.start <= _now()) _freezeAt(current.start);
    }

    function _freezeAt(uint64 start) private {
        if (start > _now()) return;
        for (uint256 i = 0; i < staking.count(); ++i) {
            address found = staking.eligibleAttester(_id(i), L1Slot.wrap(start));
            if (!_isFrozen[start]) {
                _frozen[start][i] = found;
                _frozenKeys[start][i] = staking.blsKeyHashOf(_id(i));
            } else if (found == address(0)) {
                // A sequencer that left the set stays out.
                _frozen[start][i] = found;
            }
        }
        _isFrozen[start] = true;
    }

    // ---- planted bugs hook in here --------------------------------------------------------------------------------

    function _afterArrival(SequencerId id) internal virtual {}

    // ---- what must hold -------------------------------------------------------------------------------------------

    /// @notice The set is frozen before the seed is revealed, the seed is revealed before a score is used, and a score
    /// is used before an exit is paid.
    function checkFreezeOrder() external view {
        CurrentSlot memory current = _view();
        _checkFrozen(current.previousStart);
        if (current.start <= _now()) _checkFrozen(current.start);
        if (current.previousStart >= current.seedAt) {
            revert Broken("frozen before the seed", current.previousStart, current.seedAt);
        }
        if (current.seedAt >= current.start) revert Broken("seed before the slot", current.seedAt, current.start);
        Candidate[] memory candidates = reader.candidates();
        for (uint256 i = 0; i < candidates.length; ++i) {
            if (staking.statusOf(candidates[i].sequencer) == Status.Exited) revert Broken("exit paid", 0, i);
        }
    }

    function _checkFrozen(uint64 start) private view {
        if (!_isFrozen[start]) return;
        for (uint256 i = 0; i < staking.count(); ++i) {
            address found = staking.eligibleAttester(_id(i), L1Slot.wrap(start));
            if (found == address(0)) continue;
            _equal("attester", uint160(_frozen[start][i]), uint160(found));
            _equal("BLS key", uint256(_frozenKeys[start][i]), uint256(staking.blsKeyHashOf(_id(i))));
        }
    }

    /// @notice A seed depends only on the slot and the L1 slot, and not on who proved it, how and when.
    function checkSeeds() external view {
        SlotView memory slotView = reader.currentSlot();
        if (slotView.seed != 0) {
            bytes32 mix = _mix(L1Slot.unwrap(slotView.seedAt) + 1);
            _equal("seed", uint256(keccak256(abi.encode(SEED_DOMAIN, mix, slotView.slot))), uint256(slotView.seed));
        }
        for (uint256 i = 0; i < _targets.length; ++i) {
            _equal("mix", uint256(_mix(_targets[i] + 1)), uint256(randomness.mixAt(L1Slot.wrap(_targets[i]))));
        }
    }

    /// @notice The commitments of a slot were made in that slot.
    function checkTerms() external view {
        _equal("revived quotes", 0, _revived);
        Candidate[] memory candidates = reader.candidates();
        for (uint256 i = 0; i < candidates.length; ++i) {
            Candidate memory candidate = candidates[i];
            bool committed = i < _modelCandidates.length && _modelCandidates[i].committedAt != NEVER;
            _equal("commitment", committed ? _modelCandidates[i].committedAt : 0, L1Slot.unwrap(candidate.committedAt));
            if (!committed) continue;
            Quote memory quote = _quotes[_quoteOf[_modelSlot][i]];
            _equal("prover", uint160(quote.prover), uint160(candidate.prover));
            _equal("payee", uint160(quote.payee), uint160(candidate.payee));
            _equal("bond", quote.bond, candidate.bond);
            if (quote.price != candidate.price) revert Broken("price", 0, i);
            _equal("header", uint256(quote.headerHash), uint256(candidate.headerHash));
        }
    }

    /// @notice The backup accepts nothing that the normal path refuses.
    function checkBackup() external view {
        _equal("bad blocks", 0, _badBlocks);
    }

    /// @notice Blocks consume each lane in order, in time and up to its maximum, and exits wait for their first
    /// deposits.
    function checkLanes() external view {
        _equal("blocks with a wrong consumption", 0, _wrongLanes);
        _equal("wrong exits", 0, _wrongExits);
        _equal("deposits", _queuedAt[Lane.Deposits].length, bridge.count(Lane.Deposits));
        _equal("forced exits", _queuedAt[Lane.Exits].length, bridge.count(Lane.Exits));
        _equal("consumed deposits", _end[Lane.Deposits], rollup.tip().depositsEnd);
        _equal("consumed exits", _end[Lane.Exits], rollup.tip().exitsEnd);
    }

    /// @notice The chain can always continue.
    function checkMovesOn() external view {
        _equal("stuck", 0, _stuck);
    }
}
