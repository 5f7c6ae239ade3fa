// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

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
        console.log(report());
    }

    /// @notice What `run` prints.
    function report() public returns (string memory text) {
        Overview memory overview = IReader(_contract("reader")).overview();
        Units memory units = _units();
        text = string.concat(_slot(overview.slot, units), _pauses(overview, units));
        for (uint256 rank = 0; rank < overview.slot.candidates.length; ++rank) {
            text = string.concat(text, _candidate(rank, overview.slot.candidates[rank], units));
        }
        text = string.concat(
            text,
            Text.line("block reward", units.tokens(overview.rates.blockReward)),
            Text.line("final blocks", vm.toString(overview.tip.height))
        );
        text = string.concat(
            text,
            Text.line("  last header", vm.toString(overview.tip.headerHash)),
            Text.line("  state root", vm.toString(overview.tip.stateRoot)),
            Text.line("L1 queue", _queue(overview)),
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
            Text.line("  rank in turn", vm.toString(slot.rank))
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

    function _queue(Overview memory overview) private pure returns (string memory) {
        return string.concat(
            vm.toString(overview.tip.depositsEnd),
            " deposits and exits consumed, ",
            vm.toString(overview.pendingDeposits),
            " waiting"
        );
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
            Text.line("  price", units.tokens(candidate.price))
        );
    }
}
