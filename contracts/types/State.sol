// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cursor, RECORD_COUNT} from "./Cursor.sol";
import {SequencerId} from "./Ids.sol";
import {L1Slot, Slot} from "./Time.sol";
import {Timeline} from "./Timeline.sol";

/// @notice A stored candidate, in four words. The last two words belong to its commitment. They have no meaning unless
/// the timeline has a commitment of this candidate.
struct StoredCandidate {
    SequencerId sequencer;
    uint192 score;
    bytes32 headerHash;
    address prover;
    uint96 bond;
    address payee;
    int96 price;
}

/// @notice A slot with proposals. Slots use the records in rotation, and each slot overwrites what an earlier one left
/// behind.
struct Record {
    Timeline timeline;
    /// Seed of the slot, written by its first proposal.
    bytes32 seed;
    StoredCandidate[4] candidates;
}

/// @notice Storage of the rollup. `Reader` depends on its layout.
struct State {
    Cursor cursor;
    /// State root of the last finalized block.
    bytes32 stateRoot;
    /// Hash of the header finalized in a slot. The highest slot number holds the parent hash of the first block.
    mapping(Slot => bytes32) finalized;
    Record[RECORD_COUNT] records;
    /// First L1 slot in which the guardian may pause again.
    L1Slot pausableFrom;
}
