// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Clock} from "./L1Clock.sol";
import {Consumption, IBridge, L1Operation, Lane, WithdrawalProof} from "./interfaces/IBridge.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {Elements} from "./libraries/Elements.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {Jubjub} from "./libraries/Jubjub.sol";
import {L1Operations} from "./libraries/L1Operations.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {L1Slot, Slot} from "./types/Time.sol";
import {PointEvaluation} from "./verifier/PointEvaluation.sol";
import {ScalarField} from "./verifier/ScalarField.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

/// @title Deposits, forced exits and withdrawals
/// @notice Deposits and forced exits form a queue each, and blocks consume the queues' rolling hashes. Withdrawals and
/// forced exits are read from the blobs of finalized blocks.
contract Bridge is IBridge, L1Clock {
    using BitMaps for BitMaps.BitMap;
    using L1Operations for L1Operation;
    using Tokens for IERC20;

    /// @dev A queued operation, stored under its number plus one.
    struct Queued {
        bytes32 chain;
        L1Slot queuedAt;
    }

    /// @dev One word.
    struct Account {
        address owner;
        /// Number of deposits up to the first one since the last forced exit; zero if there was none.
        uint64 exitableFrom;
    }

    /// @dev One word.
    struct Totals {
        uint64 deposits;
        uint64 exits;
        /// Number of accounts. Indices run from 1 to this number.
        uint32 accounts;
        /// L2 units deposited and not yet claimed. No L2 balance can be higher.
        uint64 supply;
    }

    /// @notice Highest `unit`. An amount times it stays below 2^192.
    uint256 public constant MAX_UNIT = type(uint128).max;

    IERC20 public immutable token;
    IRollup public immutable rollup;
    /// @inheritdoc IBridge
    uint256 public immutable unit;
    /// @inheritdoc IBridge
    uint64 public immutable minDeposit;

    Totals private _totals;
    mapping(Lane => mapping(uint256 number => Queued)) private _queues;
    mapping(address owner => mapping(uint256 keyX => mapping(uint256 keyY => uint32))) private _indices;
    mapping(uint32 index => Account) private _accounts;
    /// @dev One bit for each element of a blob.
    mapping(Slot => mapping(uint256 blob => BitMaps.BitMap)) private _claimed;

    constructor(
        IERC20 token_,
        IRollup rollup_,
        uint256 unit_,
        uint64 minDeposit_,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_
    ) L1Clock(l1GenesisTime_, l1SlotSeconds_) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (address(rollup_) == address(0)) revert BadParameter("rollup");
        if (unit_ == 0 || unit_ > MAX_UNIT) revert BadParameter("unit");
        if (minDeposit_ == 0) revert BadParameter("minDeposit");
        token = token_;
        rollup = rollup_;
        unit = unit_;
        minDeposit = minDeposit_;
    }

    /// @inheritdoc IBridge
    function deposit(address owner, uint256 keyX, uint256 keyY, uint64 amount)
        external
        returns (uint64 number, uint32 index)
    {
        if (owner == address(0)) revert ZeroAddress();
        if (amount < minDeposit) revert AmountTooLow(minDeposit, amount);
        if (!Jubjub.isKey(keyX, keyY)) revert InvalidKey(keyX, keyY);
        Totals memory totals = _totals;
        uint256 total = uint256(totals.supply) + amount;
        if (total > type(uint64).max) revert SupplyTooHigh(type(uint64).max, total);

        index = _indices[owner][keyX][keyY];
        if (index == 0) {
            if (totals.accounts == type(uint32).max) revert TooManyAccounts();
            index = ++totals.accounts;
            _indices[owner][keyX][keyY] = index;
            _accounts[index].owner = owner;
        }
        // Cast: compared above.
        totals.supply = uint64(total);
        number = totals.deposits++;
        _totals = totals;
        // Later deposits, which anybody may make, do not move the first one.
        if (_accounts[index].exitableFrom == 0) _accounts[index].exitableFrom = totals.deposits;
        bytes32 hash = _enqueue(Lane.Deposits, number, L1Operations.deposit(index, amount, keyX, keyY));
        emit Deposited(number, index, owner, msg.sender, keyX, keyY, amount, hash, l1Slot());
        // Unchecked: the amount is below 2^64 and the unit below 2^128.
        unchecked {
            token.pull(msg.sender, amount * unit);
        }
    }

    /// @inheritdoc IBridge
    function forceExit(uint32 index, address to) external returns (uint64 number) {
        if (to == address(0)) revert ZeroAddress();
        Account memory exiting = _accounts[index];
        if (exiting.owner == address(0)) revert UnknownAccount(index);
        if (exiting.owner != msg.sender) revert NotOwner(exiting.owner, msg.sender);
        if (exiting.exitableFrom == 0) revert ExitUsed(index);
        // Otherwise the exit could come before the deposit, as they are consumed independently.
        uint64 consumed = rollup.tip().depositsEnd;
        if (exiting.exitableFrom > consumed) revert DepositPending(exiting.exitableFrom, consumed);

        _accounts[index].exitableFrom = 0;
        number = _totals.exits++;
        bytes32 hash = _enqueue(Lane.Exits, number, L1Operations.exit(index, to));
        emit ExitForced(number, index, msg.sender, to, hash, l1Slot());
    }

    /// @inheritdoc IBridge
    function claim(WithdrawalProof calldata proof) external {
        Slot slot = proof.header.slot;
        bytes32 headerHash = Hashing.header(proof.header);
        if (rollup.finalizedHeader(slot) != headerHash) revert NotFinalized(slot, headerHash);
        uint256 blobs = proof.header.blobHashes.length;
        if (proof.blob >= blobs) revert BlobOutOfRange(proof.blob, blobs);
        uint256 element = proof.element;
        if (element >= ScalarField.BLOB_ELEMENTS - 1) revert ElementOutOfRange(element, ScalarField.BLOB_ELEMENTS - 1);
        if (isClaimed(slot, proof.blob, element)) revert AlreadyClaimed(slot, proof.blob, element);
        if (!Elements.isWithdrawal(proof.withdrawal)) revert NotAWithdrawal(proof.withdrawal);
        if (!Elements.isTarget(proof.target)) revert NotATarget(proof.target);
        _checkElement(proof, element, proof.withdrawal, proof.withdrawalOpening);
        _checkElement(proof, element + 1, proof.target, proof.targetOpening);

        _claimed[slot][proof.blob].set(element);
        uint64 amount = Elements.amount(proof.withdrawal);
        address to = Elements.target(proof.target);
        uint64 available = _totals.supply;
        if (amount > available) revert SupplyTooLow(available, amount);
        // Unchecked: compared in the line above.
        unchecked {
            _totals.supply = available - amount;
        }
        emit WithdrawalClaimed(slot, proof.blob, element, to, amount);
        // Unchecked: the amount is below 2^64 and the unit below 2^128.
        unchecked {
            token.push(to, amount * unit);
        }
    }

    /// @inheritdoc IBridge
    function count(Lane lane) public view returns (uint64) {
        return lane == Lane.Deposits ? _totals.deposits : _totals.exits;
    }

    /// @inheritdoc IBridge
    function chain(Lane lane, uint64 length) external view returns (bytes32) {
        uint64 queued = count(lane);
        if (length > queued) revert QueueOutOfRange(lane, 0, length, queued);
        return _queues[lane][length].chain;
    }

    /// @inheritdoc IBridge
    function checkConsumption(Consumption calldata deposits, Consumption calldata exits, L1Slot cutoff) external view {
        _checkLane(Lane.Deposits, deposits, _totals.deposits, cutoff);
        _checkLane(Lane.Exits, exits, _totals.exits, cutoff);
    }

    /// @inheritdoc IBridge
    function accountOf(address owner, uint256 keyX, uint256 keyY) external view returns (uint32) {
        return _indices[owner][keyX][keyY];
    }

    /// @inheritdoc IBridge
    function account(uint32 index) external view returns (address owner, uint64 exitableFrom) {
        Account storage known = _accounts[index];
        return (known.owner, known.exitableFrom);
    }

    /// @inheritdoc IBridge
    function isClaimed(Slot slot, uint256 blob, uint256 element) public view returns (bool) {
        return _claimed[slot][blob].get(element);
    }

    /// @inheritdoc IBridge
    function supply() external view returns (uint64) {
        return _totals.supply;
    }

    /// @dev Stores an operation as number `number` of a lane. Returns the lane's rolling hash after it.
    function _enqueue(Lane lane, uint64 number, L1Operation memory operation) private returns (bytes32 hash) {
        mapping(uint256 => Queued) storage queue = _queues[lane];
        hash = operation.chain(queue[number].chain);
        unchecked {
            // A number counts transactions.
            queue[uint256(number) + 1] = Queued(hash, l1Slot());
        }
    }

    /// @dev Checks one lane, which has `queued` operations. See `checkConsumption`.
    function _checkLane(Lane lane, Consumption calldata part, uint64 queued, L1Slot cutoff) private view {
        uint64 from = part.from;
        uint64 to = part.to;
        if (from > to || to > queued) revert QueueOutOfRange(lane, from, to, queued);
        bytes32 expected;
        // Unchecked: from <= to, and 1 is added only where to < queued.
        unchecked {
            uint64 consumed = to - from;
            if (consumed != 0) {
                if (consumed > part.maximum) revert TooManyOperations(lane, part.maximum, consumed);
                expected = _queues[lane][to].chain;
            }
            // The queue is ordered by time: if the first operation that stays in it is recent enough, all later ones
            // are.
            if (to < queued && consumed < part.maximum && _queues[lane][to + 1].queuedAt < cutoff) {
                revert OperationsNotConsumed(lane, to + 1, to);
            }
        }
        if (part.chain != expected) revert WrongChain(lane, expected, part.chain);
    }

    /// @dev Reverts unless the proof's blob has `value` at `element`.
    function _checkElement(WithdrawalProof calldata proof, uint256 element, bytes32 value, bytes calldata opening)
        private
        view
    {
        if (!PointEvaluation.opens(
                proof.header.blobHashes[proof.blob],
                ScalarField.pointOfElement(element),
                uint256(value),
                proof.commitment,
                opening
            )) revert OpeningRejected(element);
    }
}
