// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Lane} from "../../contracts/interfaces/IBridge.sol";
import {Phase} from "../../contracts/interfaces/IRollup.sol";
import {Status} from "../../contracts/interfaces/IStaking.sol";
import {PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {L1Slot} from "../../contracts/types/Time.sol";

/// @notice What is needed to print the amounts and times of a deployment.
struct Units {
    /// Letters and digits only.
    string symbol;
    uint8 decimals;
    /// Token units of one L2 unit.
    uint256 l2Unit;
    /// The current L1 slot.
    L1Slot l1Slot;
    /// Seconds that an L1 slot takes.
    uint64 l1SlotSeconds;
}

/// @title Amounts, times and states in words
library Text {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant LABEL_WIDTH = 16;

    /// @notice `12.5 FDEV`: all digits, without trailing zeros.
    function tokens(Units memory units, uint256 amount) internal pure returns (string memory) {
        uint256 one = 10 ** units.decimals;
        string memory whole = VM.toString(amount / one);
        string memory fraction = amount % one == 0 ? "" : string.concat(".", _fraction(amount % one, units.decimals));
        return string.concat(whole, fraction, " ", units.symbol);
    }

    /// @notice As `tokens`, with a minus sign before a negative amount.
    function signedTokens(Units memory units, int128 amount) internal pure returns (string memory) {
        // Casts: of an absolute value.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (amount < 0) return string.concat("-", tokens(units, uint256(-int256(amount))));
        // forge-lint: disable-next-line(unsafe-typecast)
        return tokens(units, uint256(int256(amount)));
    }

    /// @notice An amount of L2 units, in tokens.
    function l2Units(Units memory units, uint256 amount) internal pure returns (string memory) {
        return string.concat(tokens(units, amount * units.l2Unit), " (", VM.toString(amount), " L2 units)");
    }

    /// @notice `L1 slot 120, in 20 L1 slots (240 s)`.
    function moment(Units memory units, L1Slot at_) internal pure returns (string memory) {
        string memory slot = string.concat("L1 slot ", VM.toString(L1Slot.unwrap(at_)));
        if (at_ == units.l1Slot) return string.concat(slot, ", now");
        if (at_ < units.l1Slot) {
            return string.concat(slot, ", ", span(units, L1Slot.unwrap(units.l1Slot) - L1Slot.unwrap(at_)), " ago");
        }
        return string.concat(slot, ", in ", span(units, L1Slot.unwrap(at_) - L1Slot.unwrap(units.l1Slot)));
    }

    /// @notice `20 L1 slots (240 s)`.
    function span(Units memory units, uint256 l1Slots) internal pure returns (string memory) {
        return string.concat(
            VM.toString(l1Slots),
            l1Slots == 1 ? " L1 slot (" : " L1 slots (",
            VM.toString(l1Slots * units.l1SlotSeconds),
            " s)"
        );
    }

    function status(Status value) internal pure returns (string memory) {
        string[5] memory names = ["none", "queued", "active", "exiting", "exited"];
        return names[uint256(value)];
    }

    function payloadStatus(PayloadStatus value) internal pure returns (string memory) {
        string[5] memory names = ["not queued", "waiting", "ready", "executed", "expired"];
        return names[uint256(value)];
    }

    function lane(Lane value) internal pure returns (string memory) {
        return value == Lane.Deposits ? "deposits" : "forced exits";
    }

    function phase(Phase value) internal pure returns (string memory) {
        string[8] memory names =
            ["waiting", "proposal", "commitment", "reveal", "exclusive proving", "open proving", "halt", "backup"];
        return names[uint256(value)];
    }

    /// @notice One line of a report: the label, padded, and the value.
    function line(string memory label, string memory value) internal pure returns (string memory) {
        while (bytes(label).length < LABEL_WIDTH) {
            label = string.concat(label, " ");
        }
        return string.concat(label, " ", value, "\n");
    }

    /// @dev The digits after the point.
    function _fraction(uint256 value, uint256 decimals) private pure returns (string memory) {
        while (value % 10 == 0) {
            value /= 10;
            --decimals;
        }
        bytes memory digits = new bytes(decimals);
        for (uint256 i = decimals; i > 0; --i) {
            // casting: a digit
            // forge-lint: disable-next-line(unsafe-typecast)
            digits[i - 1] = bytes1(uint8(0x30 + value % 10));
            value /= 10;
        }
        return string(digits);
    }
}
