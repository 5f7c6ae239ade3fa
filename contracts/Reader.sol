// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "./L1Clock.sol";
import {Rollup} from "./Rollup.sol";
import {EscrowAccount} from "./interfaces/IEscrow.sol";
import {
    Candidate,
    EscrowView,
    IReader,
    Overview,
    RewardsView,
    SequencerView,
    SlotView
} from "./interfaces/IReader.sol";
import {Parameters} from "./interfaces/IRollup.sol";
import {Sequencer} from "./interfaces/IStaking.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {Location, Phases} from "./libraries/Phases.sol";
import {Cursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Record, StoredCandidate} from "./types/State.sol";
import {L1Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows, packWindows} from "./types/Windows.sol";

/// @title Reads for clients, operators and indexers
contract Reader is IReader, L1Clock {
    /// @notice What is read; it names the other contracts.
    Rollup public immutable rollup;

    Windows private immutable _windows;
    uint96 private immutable _minBond;

    constructor(Rollup rollup_) L1Clock(_deployed(rollup_).l1GenesisTime(), rollup_.l1SlotSeconds()) {
        rollup = rollup_;
        Parameters memory p = rollup_.parameters();
        _windows = packWindows(p);
        _minBond = p.minBond;
    }

    /// @inheritdoc IReader
    function overview() external view returns (Overview memory v) {
        (Location memory l, Record memory record) = _locate();
        v.l1Slot = l1Slot();
        v.pausedUntil = rollup.pausedUntil();
        v.slot = _slot(l, record);
        v.tip = rollup.tip();
        v.rates = rollup.rewards().ratesOf(v.slot.slot);
        v.pendingDeposits = rollup.bridge().count() - v.tip.depositsEnd;
        v.unsettled = l.expired;
    }

    /// @inheritdoc IReader
    function currentSlot() external view returns (SlotView memory) {
        (Location memory l, Record memory record) = _locate();
        return _slot(l, record);
    }

    /// @inheritdoc IReader
    function candidates() external view returns (Candidate[] memory) {
        (Location memory l, Record memory record) = _locate();
        return _candidates(l.timeline, record);
    }

    /// @inheritdoc IReader
    function sequencers(SequencerId from, uint32 limit) external view returns (SequencerView[] memory views) {
        Sequencer[] memory page = rollup.staking().page(from, limit);
        views = new SequencerView[](page.length);
        for (uint256 i = 0; i < page.length; ++i) {
            // casting: ids have 32 bits, and the page has only ids that exist
            // forge-lint: disable-next-line(unsafe-typecast)
            SequencerId id = SequencerId.wrap(uint32(SequencerId.unwrap(from) + i));
            views[i] = SequencerView(id, rollup.staking().statusOf(id), rollup.isCandidate(id), page[i]);
        }
    }

    /// @inheritdoc IReader
    function escrow(address account) external view returns (EscrowView memory v) {
        EscrowAccount memory a = rollup.escrow().account(account);
        v.account = a;
        v.headroom = a.free / _minBond;
        v.withdrawable = a.withdrawing != 0 && a.withdrawableFrom <= l1Slot();
    }

    /// @inheritdoc IReader
    function rewards(address account) external view returns (RewardsView memory v) {
        v.owed = rollup.rewards().owed(account);
        v.pot = rollup.rewards().pot();
        v.payable_ = v.owed < v.pot ? v.owed : v.pot;
    }

    /// @inheritdoc IReader
    function parameters() external view returns (Parameters memory) {
        return rollup.parameters();
    }

    function _locate() private view returns (Location memory l, Record memory record) {
        Cursor cursor;
        (cursor, record) = rollup.stored();
        l = Phases.locate(cursor, record.timeline, _windows, l1Slot());
    }

    /// @dev The slot in turn. Only if it is the one in the record does it have candidates.
    function _slot(Location memory l, Record memory record) private view returns (SlotView memory v) {
        Timeline t = l.timeline;
        v.slot = t.slot();
        v.phase = l.position.phase;
        v.start = t.start();
        v.previousStart = t.previousStart();
        v.seedAt = _windows.seedAt(v.previousStart);
        v.phaseEnd = l.position.end;
        // casting: at most 4
        // forge-lint: disable-next-line(unsafe-typecast)
        v.turn = uint8(l.position.turn);
        v.candidates = _candidates(t, record);
        if (v.candidates.length != 0) {
            v.seed = record.seed;
        } else {
            bytes32 mix = rollup.randomness().mixAt(v.seedAt);
            if (mix != 0) v.seed = Hashing.seed(mix, v.slot);
        }
    }

    function _candidates(Timeline t, Record memory record) private pure returns (Candidate[] memory ranked) {
        uint256 count = t.count();
        ranked = new Candidate[](count);
        L1Slot lastCommitment;
        uint256 last;
        for (uint256 rank = 0; rank < count; ++rank) {
            uint256 position = t.positionOf(rank);
            _fill(ranked[rank], record.candidates[position], t, position);
            if (ranked[rank].committedAt > lastCommitment) {
                lastCommitment = ranked[rank].committedAt;
                last = rank;
            }
        }
        if (count != 0) ranked[last].blobsSeen = t.blobsSeen();
    }

    function _fill(Candidate memory c, StoredCandidate memory stored, Timeline t, uint256 position) private pure {
        c.sequencer = stored.sequencer;
        c.score = stored.score;
        c.headerHash = stored.headerHash;
        c.committedAt = t.committedAt(position);
        if (L1Slot.unwrap(c.committedAt) == 0) return;
        c.revealedAt = t.revealedAt(position);
        c.prover = stored.prover;
        c.payee = stored.payee;
        c.bond = stored.bond;
        c.price = stored.price;
    }

    function _deployed(Rollup rollup_) private view returns (Rollup) {
        if (address(rollup_).code.length == 0) revert BadParameter("rollup");
        return rollup_;
    }
}
