// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Number of a registration in `Staking`, counted from 1. Each registration makes at most one proposal in a
/// slot.
type SequencerId is uint32;

using {eqSequencer as ==, neqSequencer as !=} for SequencerId global;

function eqSequencer(SequencerId a, SequencerId b) pure returns (bool) {
    return SequencerId.unwrap(a) == SequencerId.unwrap(b);
}

function neqSequencer(SequencerId a, SequencerId b) pure returns (bool) {
    return SequencerId.unwrap(a) != SequencerId.unwrap(b);
}
