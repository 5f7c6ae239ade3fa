// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccount, IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Candidate, Overview, SlotView} from "../../../contracts/interfaces/IReader.sol";
import {IRewards, Rates} from "../../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Outcome, Tip} from "../../../contracts/interfaces/IRollup.sol";
import {Phases, SlotInTurn, SlotStatus} from "../../../contracts/libraries/Phases.sol";
import {Cursor, genesisCursor} from "../../../contracts/types/Cursor.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {Timeline, openTimeline} from "../../../contracts/types/Timeline.sol";
import {Windows, packWindows} from "../../../contracts/types/Windows.sol";
import {SlotHandler} from "./SlotHandler.sol";
import {Vm} from "forge-std/Vm.sol";

/// @title An indexer that knows only the parameters, the clock and the events
/// @notice It acts as `SlotHandler` does. After every step, it compares the state that it derived from events with the
/// views.
contract Indexer is SlotHandler {
    /// @dev Slots: the settled state, and the proposals of one slot after it, ordered by score.
    Cursor private _cursor;
    Slot private _slotOfList;
    L1Slot private _startOfList;
    L1Slot private _previousOfList;
    bytes32 private _seedOfList;
    Candidate[] private _list;
    Tip private _last;
    /// @dev Ends of the consumed forced exits by header. `Finalized` does not have them, and the header's event does.
    mapping(bytes32 => uint64) private _exitsEndOf;

    /// @dev Balances and named keys by account.
    mapping(address => EscrowAccount) private _escrowed;
    mapping(address => address) private _namedOf;
    mapping(address => address) private _nextNamedOf;
    mapping(address => L1Slot) private _namedFrom;
    mapping(address => uint256) private _earned;
    Rates private _inForce;
    Rates private _announced;
    Slot private _announcedFrom;

    /// @notice Number of events that were used.
    uint256 public read;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        L1Slot genesis = rollup.genesisSlot();
        _cursor = genesisCursor(packWindows(_parameters()).nextStart(genesis, genesis), genesis);
        _last = Tip({
            headerHash: keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, address(rollup))),
            stateRoot: verifier.genesisRoot(),
            depositsEnd: 0,
            exitsEnd: 0,
            height: 0,
            slot: Slot.wrap(type(uint64).max)
        });
        _observe(vm.getRecordedLogs());
    }

    function _observe(Vm.Log[] memory logs) internal override {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(rollup)) _onRollup(logs[i]);
            else if (logs[i].emitter == address(escrow)) _onEscrow(logs[i]);
            else if (logs[i].emitter == address(rewards)) _onRewards(logs[i]);
        }
    }

    // ---- slots ----------------------------------------------------------------------------------------------------

    function _onRollup(Vm.Log memory log) private {
        ++read;
        bytes32 topic = log.topics[0];
        Slot slot = log.topics.length > 1 ? _slotOf(log.topics[1]) : Slot.wrap(0);
        if (topic == IRollup.SeedProven.selector) _seedOfList = _seedFrom(abi.decode(log.data, (bytes32)), slot);
        else if (topic == IRollup.Proposed.selector) _proposed(slot, log);
        else if (topic == IRollup.Displaced.selector) _list.pop();
        else if (topic == IRollup.Committed.selector) _committedTo(log);
        else if (topic == IRollup.Revealed.selector) _shown(log);
        else if (topic == IRollup.BackupBlock.selector) _noted(log.topics[2], abi.decode(log.data, (Header)));
        else if (topic == IRollup.Finalized.selector) _final(slot, log);
        else if (topic == IRollup.SlotExpired.selector) _cursor = _closed(_timeline(), _ended().end);
        else if (topic == IRollup.Paused.selector) _anchored(L1Slot.wrap(abi.decode(log.data, (uint64))));
    }

    function _seedFrom(bytes32 mix, Slot slot) private pure returns (bytes32) {
        return keccak256(abi.encode(SEED_DOMAIN, mix, slot));
    }

    function _slotOf(bytes32 topic) private pure returns (Slot) {
        // Cast: slots have 64 bits; of events without a slot, nobody looks at it.
        return Slot.wrap(uint64(uint256(topic)));
    }

    function _windowsOf() private pure returns (Windows) {
        return packWindows(_parameters());
    }

    function _inFlight() private view returns (bool) {
        return _list.length != 0 && !(_slotOfList < _cursor.slot());
    }

    function _proposed(Slot slot, Vm.Log memory log) private {
        (uint192 score, L1Slot start, L1Slot previousStart) = abi.decode(log.data, (uint192, L1Slot, L1Slot));
        if (!_inFlight()) {
            delete _list;
            (_slotOfList, _startOfList, _previousOfList) = (slot, start, previousStart);
        }
        Candidate memory candidate;
        // Cast: ids have 32 bits.
        candidate.sequencer = SequencerId.wrap(uint32(uint256(log.topics[2])));
        candidate.headerHash = log.topics[3];
        candidate.score = score;
        _list.push(candidate);
        for (uint256 i = _list.length - 1; i != 0 && candidate.score > _list[i - 1].score; --i) {
            _list[i] = _list[i - 1];
            _list[i - 1] = candidate;
        }
    }

    function _committedTo(Vm.Log memory log) private {
        Candidate storage candidate = _named(log.topics[2]);
        candidate.prover = address(uint160(uint256(log.topics[3])));
        SequencerId sequencer;
        (sequencer, candidate.payee, candidate.bond, candidate.price, candidate.committedAt) = _terms(log.data);
        assertTrue(sequencer == candidate.sequencer);
        for (uint256 i = 0; i < _list.length; ++i) {
            _list[i].blobsSeen = 0;
        }
    }

    function _terms(bytes memory data) private pure returns (SequencerId, address, uint96, int96, L1Slot) {
        (SequencerId sequencer, address payee_, uint96 bond, int128 price, L1Slot time) =
            abi.decode(data, (SequencerId, address, uint96, int128, L1Slot));
        // Cast: a price is at most a share of a reward.
        return (sequencer, payee_, bond, int96(price), time);
    }

    function _noted(bytes32 hash, Header memory header) private {
        assertEq(_hash(header), hash);
        _exitsEndOf[hash] = header.exitsEnd;
    }

    function _shown(Vm.Log memory log) private {
        Candidate storage candidate = _named(log.topics[2]);
        (Header memory header, uint16 seen, bool complete, L1Slot time) =
            abi.decode(log.data, (Header, uint16, bool, L1Slot));
        _noted(log.topics[2], header);
        candidate.blobsSeen = seen;
        if (complete) candidate.revealedAt = time;
    }

    function _named(bytes32 hash) private view returns (Candidate storage) {
        for (uint256 i = 0; i < _list.length; ++i) {
            if (_list[i].headerHash == hash) return _list[i];
        }
        revert Broken("candidate", uint256(hash), 0);
    }

    function _final(Slot slot, Vm.Log memory log) private {
        (, bytes32 stateRoot, uint64 depositsEnd, L1Slot time) =
            abi.decode(log.data, (Outcome, bytes32, uint64, L1Slot));
        Timeline timeline = _inFlight() ? _timeline() : Phases.idleTimeline(_cursor, _windowsOf(), time);
        assertTrue(timeline.slot() == slot);
        _cursor = _closed(timeline, time.plus(1));
        _cursor = _cursor.withTip(slot, depositsEnd, _exitsEndOf[log.topics[2]]);
        _last = Tip(log.topics[2], stateRoot, depositsEnd, _exitsEndOf[log.topics[2]], _last.height + 1, slot);
    }

    function _anchored(L1Slot until) private {
        _cursor = _cursor.withSlotVoided(_slotInTurn().timeline, _windowsOf().nextStart(until, until), until);
    }

    function _closed(Timeline timeline, L1Slot end) private view returns (Cursor) {
        return _cursor.withSlotSettled(timeline, _windowsOf().nextStart(timeline.start(), end));
    }

    function _ended() private view returns (SlotStatus memory) {
        return Phases.statusAt(_timeline(), _windowsOf(), L1Slot.wrap(_now()));
    }

    /// @dev The listed slot. The index of each candidate is its rank.
    function _timeline() private view returns (Timeline timeline) {
        timeline = openTimeline(_slotOfList, _startOfList, _previousOfList).withRanking(_list.length, 0xe4);
        uint256 seen;
        for (uint256 i = 0; i < _list.length; ++i) {
            if (L1Slot.unwrap(_list[i].committedAt) == 0) continue;
            timeline = timeline.withCommitment(i, _list[i].committedAt);
            if (L1Slot.unwrap(_list[i].revealedAt) != 0) timeline = timeline.withReveal(i, _list[i].revealedAt);
            seen = _list[i].blobsSeen;
        }
        timeline = timeline.withBlobsSeen(seen);
    }

    function _slotInTurn() private view returns (SlotInTurn memory) {
        return
            Phases.slotInTurn(_cursor, _inFlight() ? _timeline() : Timeline.wrap(0), _windowsOf(), L1Slot.wrap(_now()));
    }

    // ---- money ----------------------------------------------------------------------------------------------------

    function _onEscrow(Vm.Log memory log) private {
        ++read;
        bytes32 topic = log.topics[0];
        address who = address(uint160(uint256(log.topics[1])));
        EscrowAccount storage account = _escrowed[who];
        if (topic == IEscrow.SignerSet.selector) {
            _namedOf[who] = _binding(who);
            _nextNamedOf[who] = address(uint160(uint256(log.topics[2])));
            _namedFrom[who] = abi.decode(log.data, (L1Slot));
        } else if (topic == IEscrow.Slashed.selector) {
            (uint128 amount, uint128 share) = abi.decode(log.data, (uint128, uint128));
            account.locked -= amount;
            _escrowed[address(uint160(uint256(log.topics[2])))].free += share;
        } else if (topic == IEscrow.WithdrawalRequested.selector) {
            (uint128 amount, L1Slot from) = abi.decode(log.data, (uint128, L1Slot));
            (account.free, account.withdrawing, account.withdrawableFrom) =
            (account.free - amount, account.withdrawing + amount, from);
        } else {
            uint128 amount = abi.decode(log.data, (uint128));
            if (topic == IEscrow.Deposited.selector) {
                account.free += amount;
            } else if (topic == IEscrow.Withdrawn.selector) {
                account.withdrawing -= amount;
            } else if (topic == IEscrow.Locked.selector) {
                // What is free comes first.
                uint128 fromFree = amount < account.free ? amount : account.free;
                account.free -= fromFree;
                account.withdrawing -= amount - fromFree;
                account.locked += amount;
            } else if (topic == IEscrow.Released.selector) {
                (account.free, account.locked) = (account.free + amount, account.locked - amount);
            }
        }
    }

    function _binding(address who) private view returns (address) {
        return L1Slot.wrap(_now()) < _namedFrom[who] ? _namedOf[who] : _nextNamedOf[who];
    }

    function _onRewards(Vm.Log memory log) private {
        ++read;
        bytes32 topic = log.topics[0];
        if (topic == IRewards.BlockPaid.selector) {
            (, uint256 a, uint256 b, uint256 c) = abi.decode(log.data, (Slot, uint256, uint256, uint256));
            _earned[address(uint160(uint256(log.topics[1])))] += a;
            _earned[address(uint160(uint256(log.topics[2])))] += b;
            _earned[address(uint160(uint256(log.topics[3])))] += c;
        } else if (topic == IRewards.Claimed.selector) {
            (uint256 amount,) = abi.decode(log.data, (uint256, uint256));
            _earned[address(uint160(uint256(log.topics[1])))] -= amount;
        } else if (topic == IRewards.RatesScheduled.selector) {
            Slot from = _slotOf(log.topics[1]);
            // A second change for the same slot replaces the first one.
            if (from > _announcedFrom) _inForce = _announced;
            (_announcedFrom, _announced) = (from, abi.decode(log.data, (Rates)));
        }
    }

    // ---- comparison -----------------------------------------------------------------------------------------------

    function checkRebuilt() external view {
        Overview memory expected = reader.overview();
        Overview memory actual = _overview();
        _same("slot", abi.encode(expected.slot), abi.encode(actual.slot));
        _same("tip", abi.encode(expected.tip), abi.encode(actual.tip));
        _same("rates", abi.encode(expected.rates), abi.encode(actual.rates));
        _same("overview", abi.encode(expected), abi.encode(actual));
        address[4] memory people = [prover, rescuer, payee, relay];
        for (uint256 i = 0; i < 4; ++i) {
            _same("escrow", abi.encode(escrow.account(people[i])), abi.encode(_escrowed[people[i]]));
            _same("named key", abi.encode(escrow.signerOf(people[i])), abi.encode(_binding(people[i])));
            _same("rewards", abi.encode(rewards.owed(people[i])), abi.encode(_earned[people[i]]));
            _same("owner's rewards", abi.encode(rewards.owed(owners[i])), abi.encode(_earned[owners[i]]));
        }
    }

    function _same(string memory what, bytes memory expected, bytes memory actual) private pure {
        if (keccak256(expected) != keccak256(actual)) {
            revert Broken(what, uint256(keccak256(expected)), uint256(keccak256(actual)));
        }
    }

    function _overview() private view returns (Overview memory overview) {
        SlotInTurn memory current = _slotInTurn();
        overview.l1Slot = L1Slot.wrap(_now());
        if (_cursor.previousStart() > overview.l1Slot) overview.pausedUntil = _cursor.previousStart();
        overview.tip = _last;
        overview.slot = _slotView(current);
        overview.rates = overview.slot.slot < _announcedFrom ? _inForce : _announced;
        overview.unsettled = current.expired;
    }

    function _slotView(SlotInTurn memory current) private view returns (SlotView memory slotView) {
        slotView.slot = current.timeline.slot();
        slotView.phase = current.status.phase;
        slotView.start = current.timeline.start();
        slotView.previousStart = current.timeline.previousStart();
        slotView.seedAt = _windowsOf().seedAt(slotView.previousStart);
        slotView.phaseEnd = current.status.end;
        // Cast: at most 4.
        slotView.rank = uint8(current.status.rank);
        slotView.turnStart = current.status.turnStart;
        // Cast: below 2^17.
        slotView.paidL1Slots = uint32(Phases.paidL1Slots(current.cursor, current.timeline, _windowsOf()));
        if (current.timeline.count() == 0) return slotView;
        slotView.candidates = _list;
        slotView.seed = _seedOfList;
    }
}
