// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cursor, RECORD_COUNT} from "./Cursor.sol";
import {SequencerId} from "./Ids.sol";
import {L1Slot, Slot} from "./Time.sol";
import {Timeline} from "./Timeline.sol";

/// @notice A candidate at its physical position, in four words. The last two belong to a commitment, and mean nothing without one in the timeline.
struct StoredCandidate {
    SequencerId sequencer;
    uint192 score;
    bytes32 headerHash;
    address prover;
    uint96 bond;
    address payee;
    uint96 price;
}

/// @notice A slot with proposals. Records are used in turns; what an earlier slot left in one is overwritten.
struct Record {
    Timeline timeline;
    /// seed of the slot, written by its first proposal
    bytes32 seed;
    StoredCandidate[4] candidates;
}

/// @notice Storage of the rollup.
struct State {
    Cursor cursor;
    /// state root of the last finalized block
    bytes32 stateRoot;
    /// hash of the header finalized in a slot; at the highest slot number, what the first block calls its parent
    mapping(Slot => bytes32) finalized;
    Record[RECORD_COUNT] records;
    /// first L1 slot in which the guardian may pause again
    L1Slot pausableFrom;
}
