// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {Candidate, IReader, Overview, SlotView} from "../contracts/interfaces/IReader.sol";
import {Phase, Tip} from "../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Prints the slot in turn, its candidates, and the last finalized block
/// @notice usage: forge script script/ShowSlot.s.sol --rpc-url URL
contract ShowSlot is Operator {
    function run() external {
        Overview memory chain = IReader(_contract("reader")).overview();
        SlotView memory slot = chain.slot;
        uint256 now_ = L1Slot.unwrap(chain.l1Slot);
        uint256 end = L1Slot.unwrap(slot.phaseEnd);
        console.log("slot       ", Slot.unwrap(slot.slot));
        console.log("phase      ", phaseName(slot.phase));
        console.log("L1 slot    ", now_);
        console.log("phase ends ", end);
        console.log("started    ", L1Slot.unwrap(slot.start));
        console.log("seed from  ", L1Slot.unwrap(slot.seedAt));
        console.log("turn       ", slot.turn);
        for (uint256 rank = 0; rank < slot.candidates.length; rank++) {
            _show(rank, slot.candidates[rank]);
        }
        if (L1Slot.unwrap(chain.pausedUntil) != 0) console.log("paused to  ", L1Slot.unwrap(chain.pausedUntil));
        Tip memory tip = chain.tip;
        console.log("blocks     ", tip.height);
        console.log("tip        ", vm.toString(tip.headerHash));
        console.log("state root ", vm.toString(tip.stateRoot));
        console.log("deposits   ", tip.depositsEnd);
        console.log("  pending  ", chain.pendingDeposits);
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
