// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Number of an L1 slot: `(timestamp - l1GenesisTime) / l1SlotSeconds`, rounded down. All phases are measured
/// in L1 slots.
type L1Slot is uint64;

/// @notice Number of a slot of block production, counted from 0. A slot produces at most one rollup block.
type Slot is uint64;

using {ltL1 as <, lteL1 as <=, gtL1 as >, gteL1 as >=, eqL1 as ==, neqL1 as !=, plus} for L1Slot global;
using {eqSlot as ==, neqSlot as !=, gtSlot as >, ltSlot as <, advance} for Slot global;

function ltL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) < L1Slot.unwrap(b);
}

function lteL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) <= L1Slot.unwrap(b);
}

function gtL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) > L1Slot.unwrap(b);
}

function gteL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) >= L1Slot.unwrap(b);
}

function eqL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) == L1Slot.unwrap(b);
}

function neqL1(L1Slot a, L1Slot b) pure returns (bool) {
    return L1Slot.unwrap(a) != L1Slot.unwrap(b);
}

/// @notice The L1 slot `count` L1 slots after `a`.
function plus(L1Slot a, uint256 count) pure returns (L1Slot) {
    // Cast: an L1 slot is a time in seconds divided by at least 1, and counts are lengths below 2^32.
    return L1Slot.wrap(uint64(uint256(L1Slot.unwrap(a)) + count));
}

function eqSlot(Slot a, Slot b) pure returns (bool) {
    return Slot.unwrap(a) == Slot.unwrap(b);
}

function neqSlot(Slot a, Slot b) pure returns (bool) {
    return Slot.unwrap(a) != Slot.unwrap(b);
}

function gtSlot(Slot a, Slot b) pure returns (bool) {
    return Slot.unwrap(a) > Slot.unwrap(b);
}

function ltSlot(Slot a, Slot b) pure returns (bool) {
    return Slot.unwrap(a) < Slot.unwrap(b);
}

/// @notice The slot `count` slots after `a`.
function advance(Slot a, uint256 count) pure returns (Slot) {
    // Cast: there is at most one slot per L1 slot.
    return Slot.wrap(uint64(uint256(Slot.unwrap(a)) + count));
}
