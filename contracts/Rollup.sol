// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, IRollup, Parameters, Tip} from "./interfaces/IRollup.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {Location} from "./libraries/Phases.sol";
import {Blocks} from "./rollup/Blocks.sol";
import {Commitments} from "./rollup/Commitments.sol";
import {Pausing} from "./rollup/Pausing.sol";
import {Proposals} from "./rollup/Proposals.sol";
import {Contracts, RollupBase} from "./rollup/RollupBase.sol";
import {Cursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Record} from "./types/State.sol";
import {L1Slot, Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows} from "./types/Windows.sol";

/// @title Block production: proposals, prover commitments, reveals, proofs and backup, slot after slot
/// @notice No owner and no upgrade. A guardian, if the deployment has one, may pause; nothing else is anybody's privilege. The interface is the manual,
/// and `Reader` has the views.
contract Rollup is Proposals, Commitments, Blocks, Pausing {
    /// @param genesis see `RollupBase`
    constructor(Parameters memory p, Contracts memory c, uint64 l1GenesisTime_, uint64 l1SlotSeconds_, L1Slot genesis)
        RollupBase(p, c, l1GenesisTime_, l1SlotSeconds_, genesis)
    {}

    /// @inheritdoc IRollup
    function settle() external nonReentrant {
        Location memory l = _locate();
        if (!l.expired) revert NothingToSettle();
        _expire(l);
    }

    /// @inheritdoc IRollup
    function sync() external nonReentrant {
        Location memory l = _locate();
        if (l.expired) _expire(l);
    }

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IRollup
    function parameters() external view returns (Parameters memory p) {
        Windows w = _windows;
        // casting: each length has 16 bits
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
        // forge-lint: disable-end(unsafe-typecast)
        p.maxCandidates = _maxCandidates;
        p.maxBlobs = _maxBlobs;
        p.maxChunks = _maxChunks;
        p.maxDeposits = _maxDeposits;
        p.rescueShareBps = _rescueShareBps;
        p.minBond = _minBond;
        p.abandonPenalty = _abandonPenalty;
        p.withholdPenalty = _withholdPenalty;
    }

    /// @inheritdoc IRollup
    function slotInTurn() external view returns (Slot) {
        return _locate().timeline.slot();
    }

    /// @inheritdoc IRollup
    function isCandidate(SequencerId sequencer) external view returns (bool) {
        Record storage record = _state.records[_state.cursor.record()];
        Timeline t = record.timeline;
        if (!_state.cursor.isInFlight(t)) return false;
        uint256 count = t.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            if (record.candidates[t.positionOf(rank)].sequencer == sequencer) return true;
        }
        return false;
    }

    /// @inheritdoc IRollup
    function tip() external view returns (Tip memory) {
        Cursor cursor = _state.cursor;
        return Tip({
            headerHash: _state.finalized[cursor.tipSlot()],
            stateRoot: _state.stateRoot,
            depositsEnd: cursor.depositsEnd(),
            height: cursor.height(),
            slot: cursor.tipSlot()
        });
    }

    /// @inheritdoc IRollup
    function finalizedHeader(Slot slot) external view returns (bytes32) {
        return _state.finalized[slot];
    }

    /// @inheritdoc IRollup
    function headerHash(Header calldata header) external pure returns (bytes32) {
        return Hashing.header(header);
    }

    /// @inheritdoc IRollup
    function stored() external view returns (Cursor, Record memory) {
        Cursor cursor = _state.cursor;
        return (cursor, _state.records[cursor.record()]);
    }
}
