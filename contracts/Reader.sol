// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "./L1Clock.sol";
import {Rollup} from "./Rollup.sol";
import {EscrowAccount} from "./interfaces/IEscrow.sol";
import {Candidate, EscrowView, IReader, Overview, RewardsView, SequencerView, SlotView} from "./interfaces/IReader.sol";
import {Header, Parameters} from "./interfaces/IRollup.sol";
import {Sequencer} from "./interfaces/IStaking.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {Location, Phases} from "./libraries/Phases.sol";
import {Cursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Limits} from "./types/Limits.sol";
import {L1Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows} from "./types/Windows.sol";

/// @title Reads for clients, operators and indexers
contract Reader is IReader, L1Clock {
    /// @notice What is read; it names the other contracts.
    Rollup public immutable rollup;

    /// @dev Storage of the rollup, see `State` and `Record`: words before the records, words of a record, and of a candidate.
    uint256 private constant RECORDS_AT = 3;
    uint8 private constant RECORD_WORDS = 18;
    uint256 private constant CANDIDATE_WORDS = 4;

    Windows private immutable _windows;
    Limits private immutable _limits;
    uint96 private immutable _minBond;
    uint96 private immutable _abandonPenalty;
    uint96 private immutable _withholdPenalty;

    /// @dev A record as read: its words, of which the first two are these.
    struct Stored {
        Timeline timeline;
        bytes32 seed;
        bytes32[] words;
    }

    constructor(Rollup rollup_) L1Clock(_deployed(rollup_).l1GenesisTime(), rollup_.l1SlotSeconds()) {
        rollup = rollup_;
        (_windows, _limits, _minBond, _abandonPenalty, _withholdPenalty) = rollup_.rules();
    }

    /// @inheritdoc IReader
    function overview() external view returns (Overview memory v) {
        (Location memory l, Stored memory record) = _locate();
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
        (Location memory l, Stored memory record) = _locate();
        return _slot(l, record);
    }

    /// @inheritdoc IReader
    function candidates() external view returns (Candidate[] memory) {
        (Location memory l, Stored memory record) = _locate();
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
    function parameters() external view returns (Parameters memory p) {
        Windows w = _windows;
        // casting: each field has as many bits
        // forge-lint: disable-start(unsafe-typecast)
        p.proposalPhase = uint16(w.proposal());
        p.commitmentPhase = uint16(w.commitment());
        p.revealPhase = uint16(w.reveal());
        p.provingPhase = uint16(w.proving());
        p.exclusiveProving = uint16(w.exclusive());
        p.haltPhase = uint16(w.halt());
        p.backupPhase = uint16(w.backup());
        p.seedDelay = uint16(w.seedDelay());
        p.seedGrid = uint16(w.seedGrid());
        p.pauseLength = uint16(w.pause());
        p.maxCandidates = uint8(_limits.candidates());
        p.maxBlobs = uint8(_limits.blobs());
        p.maxChunks = uint16(_limits.chunks());
        p.maxDeposits = uint16(_limits.deposits());
        p.rescueShareBps = uint16(_limits.rescueShareBps());
        // forge-lint: disable-end(unsafe-typecast)
        p.minBond = _minBond;
        p.abandonPenalty = _abandonPenalty;
        p.withholdPenalty = _withholdPenalty;
    }

    /// @inheritdoc IReader
    function headerHash(Header calldata header) external pure returns (bytes32) {
        return Hashing.header(header);
    }

    function _locate() private view returns (Location memory l, Stored memory record) {
        Cursor cursor = Cursor.wrap(uint256(rollup.words(0, 1)[0]));
        record.words = rollup.words(RECORDS_AT + RECORD_WORDS * cursor.record(), RECORD_WORDS);
        record.timeline = Timeline.wrap(uint256(record.words[0]));
        record.seed = record.words[1];
        l = Phases.locate(cursor, record.timeline, _windows, l1Slot());
    }

    /// @dev The slot in turn. Only if it is the one in the record does it have candidates.
    function _slot(Location memory l, Stored memory record) private view returns (SlotView memory v) {
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

    function _candidates(Timeline t, Stored memory record) private pure returns (Candidate[] memory ranked) {
        uint256 count = t.count();
        ranked = new Candidate[](count);
        L1Slot lastCommitment;
        uint256 last;
        for (uint256 rank = 0; rank < count; ++rank) {
            uint256 position = t.positionOf(rank);
            _fill(ranked[rank], record.words, t, position);
            if (ranked[rank].committedAt > lastCommitment) {
                lastCommitment = ranked[rank].committedAt;
                last = rank;
            }
        }
        if (count != 0) ranked[last].blobsSeen = t.blobsSeen();
    }

    /// @dev Casts: a field's bits are the lowest of what is cast.
    function _fill(Candidate memory c, bytes32[] memory words, Timeline t, uint256 position) private pure {
        uint256 first = 2 + CANDIDATE_WORDS * position;
        uint256 ranked = uint256(words[first]);
        // forge-lint: disable-start(unsafe-typecast)
        c.sequencer = SequencerId.wrap(uint32(ranked));
        c.score = uint192(ranked >> 32);
        c.headerHash = words[first + 1];
        c.committedAt = t.committedAt(position);
        if (L1Slot.unwrap(c.committedAt) == 0) return;
        c.revealedAt = t.revealedAt(position);
        c.prover = address(uint160(uint256(words[first + 2])));
        c.bond = uint96(uint256(words[first + 2]) >> 160);
        c.payee = address(uint160(uint256(words[first + 3])));
        c.price = uint96(uint256(words[first + 3]) >> 160);
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _deployed(Rollup rollup_) private view returns (Rollup) {
        if (address(rollup_).code.length == 0) revert BadParameter("rollup");
        return rollup_;
    }
}
