// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "./L1Clock.sol";
import {Rollup} from "./Rollup.sol";
import {Lane} from "./interfaces/IBridge.sol";
import {EscrowAccount} from "./interfaces/IEscrow.sol";
import {Candidate, EscrowView, IReader, Overview, RewardsView, SequencerView, SlotView} from "./interfaces/IReader.sol";
import {Header, Parameters} from "./interfaces/IRollup.sol";
import {Sequencer} from "./interfaces/IStaking.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {Phases, SlotInTurn} from "./libraries/Phases.sol";
import {Cursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Limits} from "./types/Limits.sol";
import {L1Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows} from "./types/Windows.sol";

/// @title Views for clients, operators and indexers
contract Reader is IReader, L1Clock {
    /// @notice The rollup to read. It names the other contracts of the deployment.
    Rollup public immutable rollup;

    /// @dev Storage layout of the rollup, see `State` and `Record`: the first word of the records, and the number of
    /// words of a record and of a candidate.
    uint256 private constant FIRST_RECORD = 3;
    uint8 private constant RECORD_WORDS = 18;
    uint256 private constant CANDIDATE_WORDS = 4;

    Windows private immutable _windows;
    Limits private immutable _limits;
    uint96 private immutable _minBond;
    uint96 private immutable _abandonPenalty;
    uint96 private immutable _withholdPenalty;

    /// @dev The words of a record. The first two are decoded.
    struct StoredRecord {
        Timeline timeline;
        bytes32 seed;
        bytes32[] words;
    }

    constructor(Rollup rollup_) L1Clock(_deployed(rollup_).l1GenesisTime(), rollup_.l1SlotSeconds()) {
        rollup = rollup_;
        (_windows, _limits, _minBond, _abandonPenalty, _withholdPenalty) = rollup_.rules();
    }

    /// @inheritdoc IReader
    function overview() external view returns (Overview memory overview_) {
        (SlotInTurn memory current, StoredRecord memory record) = _slotInTurn();
        overview_.l1Slot = l1Slot();
        overview_.pausedUntil = rollup.pausedUntil();
        overview_.slot = _slot(current, record);
        overview_.tip = rollup.tip();
        overview_.rates = rollup.rewards().ratesOf(overview_.slot.slot);
        overview_.pendingDeposits = rollup.bridge().count(Lane.Deposits) - overview_.tip.depositsEnd;
        overview_.pendingExits = rollup.bridge().count(Lane.Exits) - overview_.tip.exitsEnd;
        overview_.unsettled = current.expired;
    }

    /// @inheritdoc IReader
    function currentSlot() external view returns (SlotView memory) {
        (SlotInTurn memory current, StoredRecord memory record) = _slotInTurn();
        return _slot(current, record);
    }

    /// @inheritdoc IReader
    function candidates() external view returns (Candidate[] memory) {
        (SlotInTurn memory current, StoredRecord memory record) = _slotInTurn();
        return _candidates(current.timeline, record);
    }

    /// @inheritdoc IReader
    function sequencers(SequencerId from, uint32 limit) external view returns (SequencerView[] memory views) {
        Sequencer[] memory page = rollup.staking().page(from, limit);
        views = new SequencerView[](page.length);
        for (uint256 i = 0; i < page.length; ++i) {
            // Cast: ids have 32 bits, and the page contains only existing ids.
            SequencerId id = SequencerId.wrap(uint32(SequencerId.unwrap(from) + i));
            views[i] = SequencerView(id, rollup.staking().statusOf(id), rollup.isCandidate(id), page[i]);
        }
    }

    /// @inheritdoc IReader
    function escrow(address account) external view returns (EscrowView memory escrowView) {
        EscrowAccount memory balances = rollup.escrow().account(account);
        escrowView.account = balances;
        escrowView.affordableBonds = balances.free / _minBond;
        escrowView.signer = rollup.escrow().signerOf(account);
        escrowView.withdrawable = balances.withdrawing != 0 && balances.withdrawableFrom <= l1Slot();
    }

    /// @inheritdoc IReader
    function rewards(address account) external view returns (RewardsView memory rewardsView) {
        rewardsView.owed = rollup.rewards().owed(account);
        rewardsView.pot = rollup.rewards().pot();
        rewardsView.claimable = rewardsView.owed < rewardsView.pot ? rewardsView.owed : rewardsView.pot;
    }

    /// @inheritdoc IReader
    function parameters() external view returns (Parameters memory rules) {
        Windows windows = _windows;
        // Casts: each field has as many bits as the target.
        rules.proposalPhase = uint16(windows.proposal());
        rules.commitmentPhase = uint16(windows.commitment());
        rules.revealPhase = uint16(windows.reveal());
        rules.provingPhase = uint16(windows.proving());
        rules.exclusiveProving = uint16(windows.exclusive());
        rules.haltPhase = uint16(windows.halt());
        rules.backupPhase = uint16(windows.backup());
        rules.seedDelay = uint16(windows.seedDelay());
        rules.seedGrid = uint16(windows.seedGrid());
        rules.pauseLength = uint16(windows.pause());
        rules.stallAfter = uint16(windows.stallAfter());
        rules.maxStall = uint16(windows.maxStall());
        rules.maxCandidates = uint8(_limits.candidates());
        rules.maxBlobs = uint8(_limits.blobs());
        rules.maxChunks = uint16(_limits.chunks());
        rules.maxDeposits = uint16(_limits.deposits());
        rules.maxExits = uint16(_limits.exits());
        rules.rescueShareBps = uint16(_limits.rescueShareBps());
        rules.minBond = _minBond;
        rules.abandonPenalty = _abandonPenalty;
        rules.withholdPenalty = _withholdPenalty;
    }

    /// @inheritdoc IReader
    function headerHash(Header calldata header) external pure returns (bytes32) {
        return Hashing.header(header);
    }

    function _slotInTurn() private view returns (SlotInTurn memory current, StoredRecord memory record) {
        Cursor cursor = Cursor.wrap(uint256(rollup.extsload(0, 1)[0]));
        record.words = rollup.extsload(FIRST_RECORD + RECORD_WORDS * cursor.recordIndex(), RECORD_WORDS);
        record.timeline = Timeline.wrap(uint256(record.words[0]));
        record.seed = record.words[1];
        current = Phases.slotInTurn(cursor, record.timeline, _windows, l1Slot());
    }

    /// @dev The slot in turn. It has candidates only if the record is its own.
    function _slot(SlotInTurn memory current, StoredRecord memory record) private view returns (SlotView memory slot) {
        Timeline timeline = current.timeline;
        slot.slot = timeline.slot();
        slot.phase = current.status.phase;
        slot.start = timeline.start();
        slot.previousStart = timeline.previousStart();
        slot.seedAt = _windows.seedAt(slot.previousStart);
        slot.phaseEnd = current.status.end;
        // Cast: a rank is at most 4.
        slot.rank = uint8(current.status.rank);
        slot.turnStart = current.status.turnStart;
        // Cast: the sum of an idle slot and of a stall is below 2^17.
        slot.paidL1Slots = uint32(Phases.paidL1Slots(current.cursor, timeline, _windows));
        slot.candidates = _candidates(timeline, record);
        if (slot.candidates.length != 0) {
            slot.seed = record.seed;
        } else {
            bytes32 mix = rollup.randomness().mixAt(slot.seedAt);
            if (mix != 0) slot.seed = Hashing.seed(mix, slot.slot);
        }
    }

    function _candidates(Timeline timeline, StoredRecord memory record)
        private
        pure
        returns (Candidate[] memory ranked)
    {
        uint256 count = timeline.count();
        ranked = new Candidate[](count);
        L1Slot lastCommitment;
        uint256 last;
        for (uint256 rank = 0; rank < count; ++rank) {
            uint256 index = timeline.indexOf(rank);
            _fill(ranked[rank], record.words, timeline, index);
            if (ranked[rank].committedAt > lastCommitment) {
                lastCommitment = ranked[rank].committedAt;
                last = rank;
            }
        }
        if (count != 0) ranked[last].blobsSeen = timeline.blobsSeen();
    }

    /// @dev Casts: each field is in the lowest bits of the operand.
    function _fill(Candidate memory candidate, bytes32[] memory words, Timeline timeline, uint256 index) private pure {
        uint256 first = 2 + CANDIDATE_WORDS * index;
        uint256 packed = uint256(words[first]);
        candidate.sequencer = SequencerId.wrap(uint32(packed));
        candidate.score = uint192(packed >> 32);
        candidate.headerHash = words[first + 1];
        candidate.committedAt = timeline.committedAt(index);
        if (L1Slot.unwrap(candidate.committedAt) == 0) return;
        candidate.revealedAt = timeline.revealedAt(index);
        candidate.prover = address(uint160(uint256(words[first + 2])));
        candidate.bond = uint96(uint256(words[first + 2]) >> 160);
        candidate.payee = address(uint160(uint256(words[first + 3])));
        candidate.price = int96(uint96(uint256(words[first + 3]) >> 160));
    }

    function _deployed(Rollup rollup_) private view returns (Rollup) {
        if (address(rollup_).code.length == 0) revert BadParameter("rollup");
        return rollup_;
    }
}
