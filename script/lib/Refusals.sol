// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IBridge, Lane} from "../../contracts/interfaces/IBridge.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IGuardian} from "../../contracts/interfaces/IGuardian.sol";
import {IRewards} from "../../contracts/interfaces/IRewards.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Status} from "../../contracts/interfaces/IStaking.sol";
import {ITimelock, PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {L1Slot} from "../../contracts/types/Time.sol";
import {Text, Units} from "./Text.sol";

/// @title What a contract's error means to an operator
/// @notice Names, amounts in tokens, times in L1 slots and seconds, and what to do. Errors of several contracts that
/// have the same selector mean the same.
library Refusals {
    using Text for Units;

    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @return name of the error, empty for one that isn't explained here
    function explain(bytes memory data, Units memory units)
        internal
        pure
        returns (string memory name, string memory reason)
    {
        if (data.length < 4) return ("", "");
        // casting: the first four bytes
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes4 selector = bytes4(data);
        bytes memory arguments = new bytes(data.length - 4);
        for (uint256 i = 4; i < data.length; ++i) {
            arguments[i - 4] = data[i];
        }
        (name, reason) = _general(selector);
        if (bytes(name).length == 0) (name, reason) = _staking(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _keysAndStakes(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _money(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _bridge(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _queues(selector, arguments);
        if (bytes(name).length == 0) (name, reason) = _rates(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _governance(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _payloads(selector, arguments, units);
        if (bytes(name).length == 0) (name, reason) = _pausing(selector, arguments, units);
    }

    function _general(bytes4 selector) private pure returns (string memory, string memory) {
        if (selector == IStaking.ZeroAddress.selector) return ("ZeroAddress", "an address must not be zero");
        if (selector == IStaking.ZeroAmount.selector) return ("ZeroAmount", "the amount must not be zero");
        return ("", "");
    }

    function _staking(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IStaking.WrongStatus.selector) {
            (uint256 id, Status expected, Status actual) = abi.decode(arguments, (uint256, Status, Status));
            if (actual == Status.None) {
                return ("WrongStatus", string.concat(_sequencer(id), " isn't registered; ShowSequencers lists them"));
            }
            return (
                "WrongStatus",
                string.concat(_sequencer(id), " is ", Text.status(actual), ", it must be ", Text.status(expected))
            );
        }
        if (selector == IStaking.NotOwner.selector) {
            (uint256 id, address expected, address actual) = abi.decode(arguments, (uint256, address, address));
            return ("NotOwner", _mustSign(expected, string.concat("the owner of ", _sequencer(id)), actual));
        }
        if (selector == IStaking.NotWithdrawer.selector) {
            (uint256 id, address expected, address actual) = abi.decode(arguments, (uint256, address, address));
            return ("NotWithdrawer", _mustSign(expected, string.concat("the withdrawer of ", _sequencer(id)), actual));
        }
        if (selector == IStaking.NotWithdrawableYet.selector) {
            (uint256 id, L1Slot from) = abi.decode(arguments, (uint256, L1Slot));
            return (
                "NotWithdrawableYet",
                string.concat("the stake of ", _sequencer(id), " can be withdrawn from ", units.moment(from))
            );
        }
        if (selector == IStaking.StillCandidate.selector) {
            uint256 id = abi.decode(arguments, (uint256));
            return (
                "StillCandidate",
                string.concat(_sequencer(id), " is a candidate of the slot in flight; wait until the slot is over")
            );
        }
        return ("", "");
    }

    function _keysAndStakes(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IStaking.QueueFull.selector) {
            L1Slot until = abi.decode(arguments, (L1Slot));
            return ("QueueFull", string.concat("the entry queue is full until ", units.moment(until), "; try later"));
        }
        if (selector == IStaking.BadProofOfPossession.selector) {
            address owner = abi.decode(arguments, (address));
            return (
                "BadProofOfPossession",
                string.concat(
                    "the BLS key is invalid, or didn't sign what PossessionMessage prints for ", VM.toString(owner)
                )
            );
        }
        if (selector == IStaking.RotationTooEarly.selector) {
            (uint256 id, L1Slot from) = abi.decode(arguments, (uint256, L1Slot));
            return
                (
                    "RotationTooEarly",
                    string.concat(_sequencer(id), " can change this key again from ", units.moment(from))
                );
        }
        if (selector == IStaking.TooManySequencers.selector) {
            return ("TooManySequencers", "every sequencer number is taken");
        }
        if (selector == IStaking.EntryFlushOutOfRange.selector) {
            (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "EntryFlushOutOfRange",
                string.concat("a window can have 1 to ", VM.toString(maximum), " entries, not ", VM.toString(actual))
            );
        }
        if (selector == IStaking.StakeTooHigh.selector) {
            (uint256 id, uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256, uint256));
            return (
                "StakeTooHigh",
                string.concat(
                    "the stake of ",
                    _sequencer(id),
                    " would be ",
                    units.tokens(actual),
                    ", more than ",
                    units.tokens(maximum)
                )
            );
        }
        return ("", "");
    }

    function _money(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IEscrow.InsufficientFree.selector) {
            (address account, uint256 available, uint256 needed) = abi.decode(arguments, (address, uint256, uint256));
            return (
                "InsufficientFree",
                string.concat(
                    VM.toString(account),
                    " has ",
                    units.tokens(available),
                    " in the escrow for it, less than ",
                    units.tokens(needed)
                )
            );
        }
        if (selector == IEscrow.AmountTooHigh.selector) {
            (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "AmountTooHigh",
                string.concat(
                    "the account would have ", units.tokens(actual), " in the escrow, more than ", units.tokens(maximum)
                )
            );
        }
        if (selector == IEscrow.NothingRequested.selector) {
            address account = abi.decode(arguments, (address));
            return (
                "NothingRequested",
                string.concat(VM.toString(account), " requested nothing back; run EscrowRequestWithdrawal first")
            );
        }
        if (selector == IEscrow.NotWithdrawableYet.selector) {
            (address account, L1Slot from) = abi.decode(arguments, (address, L1Slot));
            return (
                "NotWithdrawableYet",
                string.concat(VM.toString(account), " can withdraw from the escrow from ", units.moment(from))
            );
        }
        if (selector == IRewards.NothingOwed.selector) {
            address account = abi.decode(arguments, (address));
            return ("NothingOwed", string.concat(VM.toString(account), " has no rewards to claim"));
        }
        if (selector == IRewards.PotEmpty.selector) {
            uint256 owed = abi.decode(arguments, (uint256));
            return (
                "PotEmpty",
                string.concat("the reward pot is empty, ", units.tokens(owed), " stay owed; FundRewards fills it")
            );
        }
        return ("", "");
    }

    function _bridge(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IBridge.AmountTooLow.selector) {
            (uint256 minimum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "AmountTooLow",
                string.concat("the least deposit is ", units.l2Units(minimum), ", not ", units.l2Units(actual))
            );
        }
        if (selector == IBridge.InvalidKey.selector) {
            return ("InvalidKey", "the L2 key is no point of Jubjub's prime-order subgroup, or is its neutral element");
        }
        if (selector == IBridge.SupplyTooHigh.selector) {
            (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "SupplyTooHigh",
                string.concat(
                    "the L2 would have ", units.l2Units(actual), " in all, more than ", units.l2Units(maximum)
                )
            );
        }
        if (selector == IBridge.TooManyAccounts.selector) {
            return ("TooManyAccounts", "every L2 account number is taken; deposit to an account that exists");
        }
        if (selector == IBridge.UnknownAccount.selector) {
            uint256 index = abi.decode(arguments, (uint256));
            return ("UnknownAccount", string.concat(_account(index), " doesn't exist"));
        }
        if (selector == IBridge.NotOwner.selector) {
            (address expected, address actual) = abi.decode(arguments, (address, address));
            return ("NotOwner", _mustSign(expected, "the owner of the L2 account", actual));
        }
        if (selector == IBridge.ExitUsed.selector) {
            uint256 index = abi.decode(arguments, (uint256));
            return (
                "ExitUsed",
                string.concat(_account(index), " had no deposit since its last forced exit; BridgeDeposit comes first")
            );
        }
        if (selector == IBridge.DepositPending.selector) {
            (uint256 required, uint256 consumed) = abi.decode(arguments, (uint256, uint256));
            return (
                "DepositPending",
                string.concat(
                    "the account's deposit is still queued: blocks have consumed ",
                    VM.toString(consumed),
                    " deposits, it takes ",
                    VM.toString(required),
                    "; ShowSlot prints how many they have consumed"
                )
            );
        }
        return ("", "");
    }

    /// @dev What a block consumes of the Bridge's queues.
    function _queues(bytes4 selector, bytes memory arguments) private pure returns (string memory, string memory) {
        if (selector == IBridge.QueueOutOfRange.selector) {
            (Lane lane, uint256 from, uint256 to, uint256 count) =
                abi.decode(arguments, (Lane, uint256, uint256, uint256));
            return (
                "QueueOutOfRange",
                string.concat(
                    "the queue of ",
                    Text.lane(lane),
                    " has ",
                    VM.toString(count),
                    " entries, numbers from ",
                    VM.toString(from),
                    " to ",
                    string.concat(VM.toString(to), " were asked for")
                )
            );
        }
        if (selector == IBridge.TooManyOperations.selector) {
            (Lane lane, uint256 maximum, uint256 actual) = abi.decode(arguments, (Lane, uint256, uint256));
            return (
                "TooManyOperations",
                string.concat(
                    "a block may consume ", VM.toString(maximum), " ", Text.lane(lane), ", not ", VM.toString(actual)
                )
            );
        }
        if (selector == IBridge.OperationsNotConsumed.selector) {
            (Lane lane, uint256 required, uint256 actual) = abi.decode(arguments, (Lane, uint256, uint256));
            return (
                "OperationsNotConsumed",
                string.concat(
                    "the block must consume the ",
                    Text.lane(lane),
                    " up to number ",
                    VM.toString(required),
                    " at least, not up to ",
                    VM.toString(actual)
                )
            );
        }
        if (selector == IBridge.WrongChain.selector) {
            (Lane lane, bytes32 expected, bytes32 actual) = abi.decode(arguments, (Lane, bytes32, bytes32));
            return (
                "WrongChain",
                string.concat(
                    "the block was built on another queue of ",
                    Text.lane(lane),
                    ": its hash is ",
                    VM.toString(expected),
                    ", not ",
                    VM.toString(actual)
                )
            );
        }
        return ("", "");
    }

    function _rates(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IRewards.RewardTooHigh.selector) {
            (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "RewardTooHigh",
                string.concat("an L1 slot may pay at most ", units.tokens(maximum), ", not ", units.tokens(actual))
            );
        }
        if (selector == IRewards.PromptnessTooHigh.selector) {
            (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "PromptnessTooHigh",
                string.concat(
                    "a late proof may lose at most ",
                    VM.toString(maximum),
                    " basis points of the prover's share, not ",
                    VM.toString(actual)
                )
            );
        }
        if (selector == IRewards.SharesNotWhole.selector) {
            (uint256 expected, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "SharesNotWhole",
                string.concat(
                    "the four shares of a reward must be ",
                    VM.toString(expected),
                    " basis points in total, not ",
                    VM.toString(actual)
                )
            );
        }
        if (selector == IRollup.PriceOutOfRange.selector) {
            (int128 lowest, int128 highest, int128 actual) = abi.decode(arguments, (int128, int128, int128));
            return (
                "PriceOutOfRange",
                string.concat(
                    "the price must be ",
                    units.signedTokens(lowest),
                    " to ",
                    units.signedTokens(highest),
                    ", not ",
                    units.signedTokens(actual)
                )
            );
        }
        return ("", "");
    }

    function _governance(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IVotes.NoQuorum.selector) {
            (uint256 expected, uint256 actual) = abi.decode(arguments, (uint256, uint256));
            return (
                "NoQuorum",
                string.concat(
                    "the payload has ", VM.toString(actual), " votes in this round, it needs ", VM.toString(expected)
                )
            );
        }
        if (selector == IVotes.PushClosed.selector) {
            L1Slot closesAt = abi.decode(arguments, (L1Slot));
            return ("PushClosed", string.concat("the payload could be pushed before ", units.moment(closesAt)));
        }
        if (selector == IVotes.AlreadyPushed.selector) {
            address payload = abi.decode(arguments, (address));
            return ("AlreadyPushed", string.concat("payload ", VM.toString(payload), " was queued before"));
        }
        if (selector == ITimelock.WrongStatus.selector) {
            (address payload, PayloadStatus expected, PayloadStatus actual) =
                abi.decode(arguments, (address, PayloadStatus, PayloadStatus));
            return (
                "WrongStatus",
                string.concat(
                    "payload ",
                    VM.toString(payload),
                    " is ",
                    Text.payloadStatus(actual),
                    ", it must be ",
                    Text.payloadStatus(expected),
                    "; ShowPayload prints its times"
                )
            );
        }
        if (selector == ITimelock.WrongActions.selector) {
            return ("WrongActions", "these aren't the actions that were queued; take those of the Queued event");
        }
        return ("", "");
    }

    /// @dev What a payload is, and what its actions end with.
    function _payloads(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == ITimelock.PayloadWithoutCode.selector) {
            return ("PayloadWithoutCode", string.concat(_payload(arguments), " has no code; deploy it first"));
        }
        if (selector == ITimelock.UnreadablePayload.selector) {
            return ("UnreadablePayload", string.concat("actions() of ", _payload(arguments), " fails"));
        }
        if (selector == ITimelock.NoActions.selector) {
            return ("NoActions", string.concat(_payload(arguments), " has no actions"));
        }
        if (selector == ITimelock.TooManyActions.selector) {
            return ("TooManyActions", _excess("a payload may have at most ", " actions", arguments));
        }
        if (selector == ITimelock.ActionsTooLong.selector) {
            return ("ActionsTooLong", _excess("a payload's actions may have at most ", " bytes", arguments));
        }
        if (selector == ITimelock.TargetWithoutCode.selector) {
            (uint256 index, address target) = abi.decode(arguments, (uint256, address));
            return ("TargetWithoutCode", string.concat(_action(index, target), ", which has no code"));
        }
        if (selector == ITimelock.ActionFailed.selector) {
            (uint256 index, address target, bytes memory data) = abi.decode(arguments, (uint256, address, bytes));
            (string memory name, string memory reason) = explain(data, units);
            string memory cause = bytes(name).length == 0 ? VM.toString(data) : string.concat(name, ", ", reason);
            return ("ActionFailed", string.concat(_action(index, target), ", which fails: ", cause));
        }
        return ("", "");
    }

    function _pausing(bytes4 selector, bytes memory arguments, Units memory units)
        private
        pure
        returns (string memory, string memory)
    {
        if (selector == IGuardian.NotGuardian.selector) {
            (address expected, address actual) = abi.decode(arguments, (address, address));
            return ("NotGuardian", _mustSign(expected, "the guardian", actual));
        }
        if (selector == IGuardian.NotApproved.selector) {
            return ("NotApproved", "the approval to pause is used up; governance can give another");
        }
        if (selector == IRollup.AlreadyPaused.selector) {
            L1Slot until = abi.decode(arguments, (L1Slot));
            return ("AlreadyPaused", string.concat("no block can be made before ", units.moment(until), " anyway"));
        }
        if (selector == IRollup.PausedRecently.selector) {
            L1Slot from = abi.decode(arguments, (L1Slot));
            return ("PausedRecently", string.concat("the next pause is possible from ", units.moment(from)));
        }
        return ("", "");
    }

    function _mustSign(address expected, string memory role, address actual) private pure returns (string memory) {
        return string.concat(VM.toString(expected), ", ", role, ", must sign, not ", VM.toString(actual));
    }

    function _sequencer(uint256 id) private pure returns (string memory) {
        return string.concat("sequencer ", VM.toString(id));
    }

    function _payload(bytes memory arguments) private pure returns (string memory) {
        return string.concat("payload ", VM.toString(abi.decode(arguments, (address))));
    }

    function _action(uint256 index, address target) private pure returns (string memory) {
        return string.concat("action ", VM.toString(index), " calls ", VM.toString(target));
    }

    function _excess(string memory what, string memory unit, bytes memory arguments)
        private
        pure
        returns (string memory)
    {
        (uint256 maximum, uint256 actual) = abi.decode(arguments, (uint256, uint256));
        return string.concat(what, VM.toString(maximum), unit, ", not ", VM.toString(actual));
    }

    function _account(uint256 index) private pure returns (string memory) {
        return string.concat("L2 account ", VM.toString(index));
    }
}
