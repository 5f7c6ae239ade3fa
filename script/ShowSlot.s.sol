// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {Candidate, IReader, Overview, SlotView} from "../contracts/interfaces/IReader.sol";
import {IRollup, Phase} from "../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Prints the slot in turn, its candidates, and the last finalized block
/// @notice usage: forge script script/ShowSlot.s.sol --rpc-url URL
contract ShowSlot is Operator {
    function run() external {
        Overview memory o = IReader(_contract("reader")).overview();
        SlotView memory slot = o.slot;
        console.log("slot       ", Slot.unwrap(slot.slot));
        console.log("phase      ", phaseName(slot.phase));
        console.log("L1 slot    ", L1Slot.unwrap(o.l1Slot));
        if (L1Slot.unwrap(o.pausedUntil) != 0) console.log("none before", L1Slot.unwrap(o.pausedUntil));
        L1Slot pausableFrom = IRollup(_contract("rollup")).pausableFrom();
        if (pausableFrom > o.l1Slot) console.log("no pause before", L1Slot.unwrap(pausableFrom));
        console.log("phase ends ", L1Slot.unwrap(slot.phaseEnd));
        console.log("started    ", L1Slot.unwrap(slot.start));
        console.log("seed from  ", L1Slot.unwrap(slot.seedAt));
        console.log("turn       ", slot.rank);
        for (uint256 rank = 0; rank < slot.candidates.length; rank++) {
            _show(rank, slot.candidates[rank]);
        }
        console.log("block pays ", o.rates.blockReward);
        console.log("blocks     ", o.tip.height);
        console.log("tip        ", vm.toString(o.tip.headerHash));
        console.log("state root ", vm.toString(o.tip.stateRoot));
        console.log("deposits   ", o.tip.depositsEnd);
        console.log("pending    ", o.pendingDeposits);
        if (o.unsettled) console.log("an earlier slot is over and waits for settlement");
    }

    function phaseName(Phase phase) public pure returns (string memory) {
        string[8] memory names =
            ["waiting", "proposal", "commitment", "reveal", "exclusive proving", "open proving", "halt", "backup"];
        return names[uint256(phase)];
    }

    function _show(uint256 rank, Candidate memory candidate) private pure {
        console.log("candidate  ", rank);
        console.log("  sequencer", SequencerId.unwrap(candidate.sequencer));
        console.log("  score    ", candidate.score);
        console.log("  header   ", vm.toString(candidate.headerHash));
        if (L1Slot.unwrap(candidate.committedAt) == 0) return;
        console.log("  committed", L1Slot.unwrap(candidate.committedAt));
        console.log("  revealed ", L1Slot.unwrap(candidate.revealedAt));
        console.log("  prover   ", candidate.prover);
        console.log("  payee    ", candidate.payee);
        console.log("  bond     ", candidate.bond);
        console.log("  price    ", candidate.price);
    }
}
