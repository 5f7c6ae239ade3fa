// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccount} from "../../../contracts/interfaces/IEscrow.sol";
import {Candidate, SlotView} from "../../../contracts/interfaces/IReader.sol";
import {IRewards, Rates} from "../../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase, Quote} from "../../../contracts/interfaces/IRollup.sol";
import {Status} from "../../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {Fixture} from "../../support/Fixture.sol";
import {CandidateTimes, NEVER, Reference} from "../../support/Reference.sol";
import {Vm} from "forge-std/Vm.sol";

/// @title Actors that run slots at random, and the invariants that must hold
/// @notice `step` makes one action. The `check…` functions compare the contracts with ghost variables and with a
/// reference model.
contract SlotHandler is Fixture {
    address internal constant PAYLOAD = address(0xbeef);

    error Broken(string what, uint256 expected, uint256 actual);

    // ---- ghosts ---------------------------------------------------------------------------------------------------

    /// @dev Bonds by prover: the sum that commitments locked less the sum that ended, from events. By slot: their
    /// number.
    mapping(address => uint256) private _locked;
    mapping(uint64 => uint256) private _openBonds;
    uint64[] private _slotsWithBonds;
    /// @dev Penalties by sequencer index, and everything that was burned.
    mapping(uint256 => uint256) private _penalties;
    /// @dev Amounts added to stakes, by sequencer index.
    mapping(uint256 => uint256) internal _toppedUp;
    /// @dev Secret keys by attester.
    mapping(address => uint256) internal _keys;
    uint256 private _burned;
    /// @dev Credited rewards less claimed ones, from events.
    uint256 private _credited;
    /// @dev Finalized headers, in order.
    bytes32[] private _chain;
    mapping(uint64 => uint256) private _blocksOf;
    /// @dev Number of finalized blocks that do not build on the previous one.
    uint256 private _orphans;
    /// @dev All accounts that may have tokens.
    address[] private _people;
    /// @dev All offered scores of the slot in turn, listed or not.
    uint192[] private _offered;
    /// @dev Headers of the candidates, by hash.
    mapping(bytes32 => Header) private _headers;
    /// @dev Numbers of finalized blocks with a vote, revealed and not revealed.
    uint256 private _votes;
    uint256 private _strangersVotes;
    uint256 internal _salt;
    bytes private _badRevert;

    /// @notice How often each ending was reached.
    uint256 public finalized;
    uint256 public rescued;
    uint256 public backedUp;
    uint256 public expired;
    uint256 public paused;

    // ---- model ----------------------------------------------------------------------------------------------------

    uint64 internal _modelSlot;
    uint256 private _modelStart;
    uint256 private _modelPreviousStart;
    CandidateTimes[] internal _modelCandidates;

    function setUp() public virtual override {
        super.setUp();
        _people = [prover, rescuer, payee, relay, BURNED, address(this)];
        _people.push(address(staking));
        _people.push(address(escrow));
        _people.push(address(rewards));
        _people.push(address(bridge));
        for (uint256 i = 0; i < 4; ++i) {
            _people.push(owners[i]);
            _keys[attesters[i]] = attesterKeys[i];
        }
        // The model also starts at the deployment. All slots until now were idle.
        _modelPreviousStart = DEPLOYED_AT;
        _modelStart = DEPLOYED_AT + 3;
        _catchUp();
    }

    /// @dev Rules of the model: those of the deployment, unless a bug is planted.
    function _rules() internal pure virtual returns (Parameters memory) {
        return _parameters();
    }

    // ---- actions --------------------------------------------------------------------------------------------------

    /// @notice Makes one action, usually one that the phase allows.
    function step(uint256 seed) public virtual {
        seed = uint256(keccak256(abi.encode(seed, ++_salt)));
        vm.recordLogs();
        Phase phase = _view().phase;
        uint256 choice = seed % 16;
        uint256 rest = seed >> 8;
        if (choice < 5) {
            _pass(rest);
        } else if (choice < 12) {
            if (phase == Phase.Proposal) _tryPropose(rest % 4);
            else if (phase == Phase.Commitment) _tryCommit(rest);
            else if (phase == Phase.Reveal) _tryReveal();
            else if (phase == Phase.ExclusiveProving && rest % 3 == 0) _tryFinalize(rest);
            else if (phase == Phase.ExclusiveProving) _warp(_now() + 10 + rest % 20);
            else if (phase == Phase.OpenProving && rest % 3 != 0) _tryFinalize(rest);
            else if (phase == Phase.Backup && rest % 3 == 0) _tryBackup(rest >> 2);
            else _pass(rest);
        } else if (choice == 12) {
            _otherAction(rest);
        } else {
            // An action outside of its phase: it may only fail with a declared error.
            if (choice == 13) _tryPropose(rest % 4);
            else if (choice == 14) _tryReveal();
            else if (rest % 2 == 0) _tryFinalize(rest >> 1);
            else _tryBackup(rest >> 1);
        }
        _catchUp();
        _recordEvents();
    }

    /// @dev Records the events since the last call.
    function _recordEvents() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _account(logs);
        _observe(logs);
    }

    /// @dev Called for every event, in order.
    function _observe(Vm.Log[] memory logs) internal virtual {}

    function _pass(uint256 seed) private {
        uint256 count = 1 + seed % 4;
        if (seed % 11 == 0) count = 20 + (seed >> 8) % 60;
        if (seed % 97 == 0) count = 300 + (seed >> 8) % 300;
        _warp(_now() + count);
    }

    function _tryPropose(uint256 i) private {
        CurrentSlot memory current = _view();
        bytes memory proof = current.phase == Phase.Waiting ? bytes("") : _seedProof(current.seedAt);
        Header memory header = _header(1, keccak256(abi.encode(++_salt)));
        if (_salt % 3 == 0) header.vote = PAYLOAD;
        address sender = staking.eligibleAttester(_id(i), L1Slot.wrap(current.previousStart));
        if (sender == address(0)) sender = attesters[i];
        uint192 score;
        if (current.phase == Phase.Proposal) {
            bytes32 seed = keccak256(abi.encode(SEED_DOMAIN, _mix(current.seedAt + 1), current.slot));
            score = scoring.score(address(rollup), Slot.wrap(current.slot), seed, _id(i), sender, "");
        }
        bool before = rollup.isCandidate(_id(i)) && current.count != 0;
        vm.prank(sender);
        try rollup.propose(Slot.wrap(current.slot), _id(i), _hash(header), proof, "") {
            _headers[_hash(header)] = header;
            _offered.push(score);
            if (_modelCandidates.length < 3) _modelCandidates.push(CandidateTimes(NEVER, NEVER));
            _afterPropose();
        } catch (bytes memory reason) {
            _expectOwnError(reason);
            // Cast: the selector; every reason has one.
            if (bytes4(reason) == IRollup.ScoreTooLow.selector && !before) _offered.push(score);
        }
    }

    function _tryCommit(uint256 seed) private {
        SlotView memory slotView = reader.currentSlot();
        Candidate memory candidate = slotView.candidates[slotView.rank];
        uint256 i = SequencerId.unwrap(candidate.sequencer) - 1;
        Quote memory quote = _quote(i, candidate.headerHash);
        quote.prover = seed % 3 == 0 ? rescuer : prover;
        // Cast: small amounts.
        quote.bond = uint128(10e18 + seed % 10e18);
        quote.price = uint96(seed % 1.3e18);
        bytes memory signature = _sign(_keys[staking.attesterAt(candidate.sequencer, slotView.previousStart)], quote);
        vm.prank(quote.prover);
        try rollup.commit(quote, "", signature) {
            _locked[quote.prover] += quote.bond;
            if (_openBonds[Slot.unwrap(slotView.slot)]++ == 0) _slotsWithBonds.push(Slot.unwrap(slotView.slot));
            _modelCandidates[slotView.rank].committedAt = _now();
            _afterCommit(quote, signature);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    /// @dev Header of the candidate in turn; empty if there is none.
    function _inTurn() private view returns (Header memory header) {
        SlotView memory slotView = reader.currentSlot();
        if (slotView.rank < slotView.candidates.length) {
            header = _headers[slotView.candidates[slotView.rank].headerHash];
        }
    }

    function _tryReveal() private {
        uint256 turn = _view().rank;
        Header memory header = _inTurn();
        vm.blobhashes(header.blobHashes);
        try rollup.reveal(header) {
            _modelCandidates[turn].revealedAt = _now();
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.blobhashes(new bytes32[](0));
    }

    function _tryFinalize(uint256 seed) private {
        Header memory header = _inTurn();
        if (header.chunks == 0) return;
        address to = seed % 2 == 0 ? rescuer : relay;
        bytes memory proof = _proof(header, to);
        Phase phase = _view().phase;
        vm.prank(seed % 5 == 0 ? relay : prover);
        try rollup.finalize(header, to, proof) {
            phase == Phase.ExclusiveProving ? ++finalized : ++rescued;
            if (header.vote != address(0)) ++_votes;
            _ended(header);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _tryBackup(uint256 seed) private {
        Header memory header = _inTurn();
        bool fresh = header.chunks == 0 || seed % 2 == 0;
        if (fresh) {
            header = _header(1, keccak256(abi.encode(++_salt)));
            if (seed % 7 == 0) header.vote = PAYLOAD;
        }
        bool revealed = !fresh && _modelCandidates[_view().rank].revealedAt != NEVER;
        bytes memory proof = _proof(header, relay);
        vm.blobhashes(header.blobHashes);
        vm.prank(relay);
        try rollup.finalizeBackup(header, relay, proof) {
            ++backedUp;
            if (header.vote != address(0)) revealed ? ++_votes : ++_strangersVotes;
            _ended(header);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.blobhashes(new bytes32[](0));
    }

    /// @dev Actions beside the slots: escrow, rewards, settling, exits.
    function _otherAction(uint256 seed) private {
        uint256 choice = seed % 8;
        seed >>= 8;
        if (choice == 6) return _tryPause(seed);
        if (choice == 7) return _changeRates(seed);
        address who = seed % 2 == 0 ? prover : rescuer;
        vm.prank(who);
        if (choice == 0) {
            // Cast: a small amount.
            try escrow.requestWithdrawal(uint128(seed % 30e18)) {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 1) {
            try escrow.withdraw(who) {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 2) {
            try rewards.claim(payee) returns (uint256 paid) {
                _credited -= paid;
            } catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 3) {
            rollup.sync();
        } else if (choice == 4) {
            try rollup.settle() {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (seed % 31 == 0) {
            _exit((seed >> 8) % 4);
        }
    }

    function _tryPause(uint256 seed) private {
        if (seed % 3 != 0) return;
        vm.prank(guardian);
        try rollup.pause() {
            ++paused;
            _follow(_now() + 1);
            _modelPreviousStart = _now() + 50;
            _modelStart = _modelPreviousStart + 3;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _changeRates(uint256 seed) private {
        // Cast: small amounts.
        Rates memory rates = Rates(uint96(seed % 5e18), uint96((seed >> 64) % 0.2e18), 4000, 5000, 1000);
        vm.prank(governance);
        rewards.setRates(rates);
    }

    function _exit(uint256 i) private {
        vm.stopPrank();
        vm.startPrank(owners[i]);
        if (staking.statusOf(_id(i)) == Status.Active) staking.initiateExit(_id(i));
        _recordEvents();
        try staking.withdraw(_id(i)) {}
        catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.stopPrank();
    }

    // ---- bookkeeping ----------------------------------------------------------------------------------------------

    /// @dev Every refusal has a declared error: no panic, no empty revert. The events of a reverted call are dropped.
    function _expectOwnError(bytes memory reason) internal {
        vm.getRecordedLogs();
        // Cast: the selector.
        if (reason.length < 4 || bytes4(reason) == bytes4(0x4e487b71)) _badRevert = abi.encode(reason);
    }

    /// @dev Updates the ghost variables from an event.
    function _account(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(rewards) && logs[i].topics[0] == IRewards.BlockPaid.selector) {
                (, uint256 a, uint256 b, uint256 c) = abi.decode(logs[i].data, (Slot, uint256, uint256, uint256));
                _credited += a + b + c;
            }
            // A pause belongs to no slot.
            if (logs[i].emitter != address(rollup) || logs[i].topics[0] == IRollup.Paused.selector) continue;
            bytes32 topic = logs[i].topics[0];
            uint64 slot = uint64(uint256(logs[i].topics[1]));
            if (topic == IRollup.BondReleased.selector) {
                _locked[address(uint160(uint256(logs[i].topics[2])))] -= abi.decode(logs[i].data, (uint96));
                --_openBonds[slot];
            } else if (topic == IRollup.BondSlashed.selector) {
                (uint96 bond,, uint96 share) = abi.decode(logs[i].data, (uint96, address, uint96));
                _locked[address(uint160(uint256(logs[i].topics[2])))] -= bond;
                _burned += bond - share;
                --_openBonds[slot];
            } else if (topic == IRollup.CandidateAbandoned.selector || topic == IRollup.CandidateWithheld.selector) {
                uint96 penalty = abi.decode(logs[i].data, (uint96));
                _penalties[uint256(logs[i].topics[2]) - 1] += penalty;
                _burned += penalty;
            } else if (topic == IRollup.SlotExpired.selector) {
                ++expired;
            }
        }
    }

    function _ended(Header memory header) private {
        bytes32 parent = _chain.length == 0 ? _genesis() : _chain[_chain.length - 1];
        if (header.parent != parent) ++_orphans;
        _chain.push(_hash(header));
        ++_blocksOf[Slot.unwrap(header.slot)];
        _follow(_now() + 1);
        _afterBlock();
    }

    function _genesis() private view returns (bytes32) {
        return keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, address(rollup)));
    }

    /// @dev The model's slot ended before `end`, and the next one follows.
    function _follow(uint256 end) private {
        uint256 seeded = _modelStart + 2 + 1;
        _modelPreviousStart = _modelStart;
        _modelStart = end > seeded ? end : seeded;
        ++_modelSlot;
        delete _modelCandidates;
        delete _offered;
    }

    /// @dev The model goes through the slots that ended in the meantime, one by one.
    function _catchUp() internal {
        while (true) {
            Reference.Answer memory answer = Reference.phase(_rules(), _modelStart, _modelCandidates, _now());
            if (!answer.over) return;
            _follow(answer.end);
        }
    }

    // ---- planted bugs hook in here --------------------------------------------------------------------------------

    function _afterPropose() internal virtual {}

    function _afterCommit(Quote memory quote, bytes memory signature) internal virtual {}

    function _afterBlock() internal virtual {}

    // ---- what must hold -------------------------------------------------------------------------------------------

    function _equal(string memory what, uint256 expected, uint256 actual) internal pure {
        if (expected != actual) revert Broken(what, expected, actual);
    }

    function checkReverts() external view {
        _equal("reverts with an error of its own", 0, _badRevert.length);
    }

    function checkTokens() external view {
        uint256 sum;
        for (uint256 i = 0; i < _people.length; ++i) {
            sum += token.balanceOf(_people[i]);
        }
        _equal("supply", token.totalSupply(), sum);
        uint256 stakes;
        for (uint256 i = 0; i < staking.count(); ++i) {
            stakes += _stake(i);
        }
        _equal("stakes", stakes, token.balanceOf(address(staking)));
        uint256 escrowed;
        uint256 owed;
        for (uint256 i = 0; i < _people.length; ++i) {
            EscrowAccount memory account = escrow.account(_people[i]);
            escrowed += uint256(account.free) + account.locked + account.withdrawing;
            owed += rewards.owed(_people[i]);
        }
        _equal("escrow", escrowed, token.balanceOf(address(escrow)));
        _equal("owed", owed, _credited);
        _equal("burned", _burned, token.balanceOf(BURNED));
    }

    function checkBonds() external view {
        _equal("bonds of the prover", _locked[prover], escrow.account(prover).locked);
        _equal("bonds of the rescuer", _locked[rescuer], escrow.account(rescuer).locked);
        uint256 open;
        for (uint256 i = 0; i < _slotsWithBonds.length; ++i) {
            open += _openBonds[_slotsWithBonds[i]];
            // Only the last slot with bonds may have open ones, as it may not be settled yet.
            if (i + 1 < _slotsWithBonds.length) _equal("open bonds", 0, _openBonds[_slotsWithBonds[i]]);
        }
        if (open == 0) _equal("locked", 0, escrow.account(prover).locked + escrow.account(rescuer).locked);
    }

    function checkPenalties() external view {
        for (uint256 i = 0; i < 4; ++i) {
            uint256 paidIn = STAKE + _toppedUp[i];
            if (_penalties[i] > paidIn) revert Broken("penalties within the stake", paidIn, _penalties[i]);
            if (staking.statusOf(_id(i)) != Status.Exited) _equal("stake", paidIn - _penalties[i], _stake(i));
        }
    }

    function checkVotes() external view {
        _equal("votes", _votes, votes.count());
        _equal("votes of blocks that nobody was elected for", 0, _strangersVotes);
    }

    function checkChain() external view {
        _equal("height", _chain.length, rollup.tip().height);
        _equal("blocks with another parent", 0, _orphans);
        if (_chain.length != 0) {
            bytes32 last = _chain[_chain.length - 1];
            _equal("tip", uint256(last), uint256(rollup.tip().headerHash));
            uint64 slot = Slot.unwrap(rollup.tip().slot);
            _equal("blocks of the slot", 1, _blocksOf[slot]);
            _equal("header of the slot", uint256(last), uint256(rollup.finalizedHeader(Slot.wrap(slot))));
        }
    }

    /// @dev The list has the best offered scores, best first.
    function checkRanking() external view {
        SlotView memory slotView = reader.currentSlot();
        uint192[] memory scores = _offered;
        for (uint256 i = 1; i < scores.length; ++i) {
            for (uint256 j = i; j != 0 && scores[j] > scores[j - 1]; --j) {
                (scores[j], scores[j - 1]) = (scores[j - 1], scores[j]);
            }
        }
        _equal("candidates", scores.length < 3 ? scores.length : 3, slotView.candidates.length);
        for (uint256 i = 0; i < slotView.candidates.length; ++i) {
            _equal("score", scores[i], slotView.candidates[i].score);
        }
    }

    function checkPhases() external view {
        CurrentSlot memory current_ = _view();
        Reference.Answer memory answer = Reference.phase(_rules(), _modelStart, _modelCandidates, _now());
        _equal("slot", _modelSlot, current_.slot);
        _equal("start", _modelStart, current_.start);
        _equal("previous start", _modelPreviousStart, current_.previousStart);
        // For the model, an action of the current L1 slot counts from the next one on.
        if (!_justMoved()) {
            _equal("phase", uint256(answer.phase), uint256(current_.phase));
            _equal("end", answer.end, current_.end);
            if (answer.phase < Phase.Halt) _equal("turn", answer.rank, current_.rank);
        }
    }

    function _justMoved() private view returns (bool) {
        for (uint256 i = 0; i < _modelCandidates.length; ++i) {
            if (_modelCandidates[i].committedAt == _now() || _modelCandidates[i].revealedAt == _now()) return true;
        }
        return false;
    }
}
