// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Candidate, IReader, Overview, SlotView} from "../contracts/interfaces/IReader.sol";
import {IRollup} from "../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";
import {Text, Units} from "./lib/Text.sol";

/// @title Prints the slot in flight, its candidates, and the last finalized block
/// @notice usage: forge script script/ShowSlot.s.sol --rpc-url URL
contract ShowSlot is Operator {
    using Text for Units;

    function run() external {
        _print(report());
    }

    /// @notice What `run` prints.
    function report() public returns (string memory text) {
        Overview memory overview = IReader(_contract("reader")).overview();
        Units memory units = _units();
        text = string.concat(_slot(overview.slot, units), _pay(overview, units), _pauses(overview, units));
        for (uint256 rank = 0; rank < overview.slot.candidates.length; ++rank) {
            text = string.concat(text, _candidate(rank, overview.slot.candidates[rank], units));
        }
        text = string.concat(
            text,
            Text.line("final blocks", vm.toString(overview.tip.height)),
            Text.line("  last header", vm.toString(overview.tip.headerHash)),
            Text.line("  state root", vm.toString(overview.tip.stateRoot))
        );
        text = string.concat(
            text,
            Text.line("deposits", _queue(overview.tip.depositsEnd, overview.pendingDeposits)),
            Text.line("forced exits", _queue(overview.tip.exitsEnd, overview.pendingExits)),
            overview.unsettled ? "an earlier slot is over and isn't settled yet\n" : ""
        );
    }

    function _slot(SlotView memory slot, Units memory units) private pure returns (string memory text) {
        text = string.concat(
            Text.line("now", string.concat("L1 slot ", vm.toString(L1Slot.unwrap(units.l1Slot)))),
            Text.line("slot", vm.toString(Slot.unwrap(slot.slot))),
            Text.line("  start", units.moment(slot.start)),
            Text.line("  seed from", units.moment(slot.seedAt))
        );
        text = string.concat(
            text,
            Text.line("  phase", Text.phase(slot.phase)),
            Text.line("  phase ends", units.moment(slot.phaseEnd)),
            Text.line("  rank in turn", vm.toString(slot.rank)),
            L1Slot.unwrap(slot.turnStart) == 0 ? "" : Text.line("  turn began", units.moment(slot.turnStart))
        );
    }

    /// @dev What a block of the slot pays in all, before what a late reveal or proof loses.
    function _pay(Overview memory overview, Units memory units) private pure returns (string memory) {
        uint256 paid = overview.slot.paidL1Slots;
        return string.concat(
            Text.line("  paid for", units.span(paid)),
            Text.line("  reward", units.tokens(paid * overview.rates.rewardPerL1Slot))
        );
    }

    function _pauses(Overview memory overview, Units memory units) private returns (string memory text) {
        if (L1Slot.unwrap(overview.pausedUntil) != 0) {
            text = Text.line("no slot before", units.moment(overview.pausedUntil));
        }
        L1Slot pausableFrom = IRollup(_contract("rollup")).pausableFrom();
        if (pausableFrom > overview.l1Slot) {
            text = string.concat(text, Text.line("no pause before", units.moment(pausableFrom)));
        }
    }

    function _queue(uint64 consumed, uint64 waiting) private pure returns (string memory) {
        return string.concat(vm.toString(consumed), " consumed, ", vm.toString(waiting), " waiting");
    }

    function _candidate(uint256 rank, Candidate memory candidate, Units memory units)
        private
        pure
        returns (string memory text)
    {
        text = string.concat(
            Text.line("candidate", string.concat("rank ", vm.toString(rank))),
            Text.line("  sequencer", vm.toString(SequencerId.unwrap(candidate.sequencer))),
            Text.line("  score", vm.toString(candidate.score)),
            Text.line("  header", vm.toString(candidate.headerHash))
        );
        if (L1Slot.unwrap(candidate.committedAt) == 0) return string.concat(text, Text.line("  committed", "no"));
        text = string.concat(
            text,
            Text.line("  committed", units.moment(candidate.committedAt)),
            Text.line(
                "  revealed", L1Slot.unwrap(candidate.revealedAt) == 0 ? "no" : units.moment(candidate.revealedAt)
            )
        );
        text = string.concat(
            text,
            Text.line("  prover", vm.toString(candidate.prover)),
            Text.line("  payee", vm.toString(candidate.payee)),
            Text.line("  bond", units.tokens(candidate.bond)),
            Text.line("  price", units.signedTokens(candidate.price))
        );
    }
}
