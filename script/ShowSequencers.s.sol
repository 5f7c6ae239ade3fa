// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IReader, SequencerView} from "../contracts/interfaces/IReader.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";
import {Text, Units} from "./lib/Text.sol";

/// @title Prints registrations with their status
/// @notice usage: forge script script/ShowSequencers.s.sol --rpc-url URL
/// --sig 'run(uint32,uint32)' FROM LIMIT
///
/// FROM is the first sequencer, counted from 1.
contract ShowSequencers is Operator {
    using Text for Units;

    function run(uint32 from, uint32 limit) external {
        _print(report(from, limit));
    }

    /// @notice What `run` prints.
    function report(uint32 from, uint32 limit) public returns (string memory text) {
        SequencerView[] memory sequencers = IReader(_contract("reader")).sequencers(SequencerId.wrap(from), limit);
        if (sequencers.length == 0) return string.concat("no sequencer from ", vm.toString(from), " on\n");
        Units memory units = _units();
        for (uint256 i = 0; i < sequencers.length; ++i) {
            text = string.concat(text, _describe(sequencers[i], units));
        }
    }

    function _describe(SequencerView memory sequencer, Units memory units) private pure returns (string memory text) {
        text = string.concat(
            Text.line("sequencer", vm.toString(SequencerId.unwrap(sequencer.id))),
            Text.line("  status", Text.status(sequencer.status)),
            sequencer.candidate ? Text.line("  candidate", "of the slot in flight") : ""
        );
        text = string.concat(
            text,
            Text.line("  owner", vm.toString(sequencer.registration.owner)),
            Text.line("  attester", vm.toString(sequencer.registration.attester)),
            _rotations(sequencer, units)
        );
        text = string.concat(
            text,
            Text.line("  withdrawer", vm.toString(sequencer.registration.withdrawer)),
            Text.line("  stake", units.tokens(sequencer.registration.stake)),
            Text.line("  active from", units.moment(sequencer.registration.activeFrom))
        );
        text = string.concat(
            text,
            _isZero(sequencer.registration.exitAt)
                ? ""
                : Text.line("  exit started", units.moment(sequencer.registration.exitAt)),
            Text.line("  fee recipient", _feeRecipient(sequencer.registration.feeRecipient)),
            Text.line("  BLS key hash", vm.toString(sequencer.registration.blsKeyHash))
        );
    }

    /// @dev Keys that take effect later.
    function _rotations(SequencerView memory sequencer, Units memory units) private pure returns (string memory text) {
        if (!_isZero(sequencer.registration.nextAttesterFrom)) {
            text = string.concat(
                Text.line("  next attester", vm.toString(sequencer.registration.nextAttester)),
                Text.line("    from", units.moment(sequencer.registration.nextAttesterFrom))
            );
        }
        if (!_isZero(sequencer.registration.nextBlsKeyFrom)) {
            text = string.concat(
                text,
                Text.line("  next BLS key", vm.toString(sequencer.registration.nextBlsKeyHash)),
                Text.line("    from", units.moment(sequencer.registration.nextBlsKeyFrom))
            );
        }
    }

    function _feeRecipient(uint32 account) private pure returns (string memory) {
        return account == 0 ? "none, fees are burned" : string.concat("L2 account ", vm.toString(account));
    }

    function _isZero(L1Slot at_) private pure returns (bool) {
        return L1Slot.unwrap(at_) == 0;
    }
}
