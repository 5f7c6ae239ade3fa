// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";
import {Header} from "./IRollup.sol";

/// @notice An operation that L1 imposes on the L2, a deposit or a forced exit, as three field elements. `L1Operations`
/// defines the encoding.
struct L1Operation {
    uint256 head;
    uint256 x;
    uint256 y;
}

/// @notice The two queues of the Bridge.
enum Lane {
    Deposits,
    Exits
}

/// @notice The part of a queue that a block consumes.
struct Consumption {
    /// Number of entries that were consumed before the block, since genesis.
    uint64 from;
    /// Number of entries that are consumed after the block.
    uint64 to;
    /// Rolling hash of the first `to` entries; zero if the block consumes none.
    bytes32 chain;
    /// Maximum number of entries that a block may consume.
    uint64 maximum;
}

/// @notice Proof that a finalized block's blob contains a withdrawal or a forced exit.
struct WithdrawalProof {
    Header header;
    /// Index of the blob in the header.
    uint256 blob;
    /// Index of the withdrawal's element in the blob. The next element is its target.
    uint256 element;
    /// The two elements, big endian.
    bytes32 withdrawal;
    bytes32 target;
    /// KZG commitment of the blob and the opening proofs of both elements, 48 bytes each.
    bytes commitment;
    bytes withdrawalOpening;
    bytes targetOpening;
}

/// @title Deposits, forced exits and withdrawals
/// @notice Deposits and forced exits form a queue each, in the order in which they were made. Blocks consume each queue
/// from the front, up to a number of entries of each, so neither can delay the other.
interface IBridge {
    /// @param from Account that paid.
    /// @param number Position in the queue of deposits, from 0.
    event Deposited(
        uint64 indexed number,
        uint32 indexed index,
        address indexed owner,
        address from,
        uint256 keyX,
        uint256 keyY,
        uint64 amount,
        bytes32 chain,
        L1Slot l1Slot
    );
    /// @param number Position in the queue of forced exits, from 0.
    event ExitForced(
        uint64 indexed number, uint32 indexed index, address indexed owner, address to, bytes32 chain, L1Slot l1Slot
    );
    /// @notice A withdrawal or a forced exit was paid.
    event WithdrawalClaimed(Slot indexed slot, uint256 blob, uint256 element, address indexed to, uint64 amount);

    /// @custom:rule W1
    error AmountTooLow(uint64 minimum, uint64 actual);
    /// @notice The deposit would raise the supply above 64 bits of L2 units, and a balance could overflow.
    /// @custom:rule W1
    error SupplyTooHigh(uint64 maximum, uint256 actual);
    /// @notice The claim exceeds the supply. A sound proof system never lets this happen.
    /// @custom:rule W5
    error SupplyTooLow(uint64 available, uint64 needed);
    /// @custom:rule W1
    error InvalidKey(uint256 keyX, uint256 keyY);
    /// @custom:rule W1, W2
    error ZeroAddress();
    /// @custom:rule W1
    error TooManyAccounts();
    /// @custom:rule W2
    error UnknownAccount(uint32 index);
    /// @custom:rule W2
    error NotOwner(address expected, address actual);
    /// @notice The account has had no deposit since its last forced exit.
    /// @custom:rule W2
    error ExitUsed(uint32 index);
    /// @notice The first deposit to the account since its last forced exit has the number `required - 1`, and blocks
    /// have consumed `consumed` deposits so far.
    /// @custom:rule W7
    error DepositPending(uint64 required, uint64 consumed);
    /// @custom:rule W3
    error OperationsNotConsumed(Lane lane, uint64 required, uint64 actual);
    /// @custom:rule W3
    error QueueOutOfRange(Lane lane, uint64 from, uint64 to, uint64 count);
    /// @custom:rule W3, W6
    error TooManyOperations(Lane lane, uint64 maximum, uint64 actual);
    /// @notice The block was built on another queue.
    /// @custom:rule V4
    error WrongChain(Lane lane, bytes32 expected, bytes32 actual);
    /// @custom:rule W4
    error NotFinalized(Slot slot, bytes32 headerHash);
    /// @custom:rule W4
    error BlobOutOfRange(uint256 blob, uint256 limit);
    /// @custom:rule W4
    error ElementOutOfRange(uint256 element, uint256 limit);
    /// @custom:rule W4
    error NotAWithdrawal(bytes32 element);
    /// @custom:rule W4
    error NotATarget(bytes32 element);
    /// @custom:rule W4
    error AlreadyClaimed(Slot slot, uint256 blob, uint256 element);
    /// @custom:rule W4
    error OpeningRejected(uint256 element);
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Queues a deposit of `amount` L2 units to the account of `owner` and the key. Takes `amount` times `unit`
    /// token units from the sender. Creates the account if it does not exist. The key signs for the account on the L2,
    /// and the owner can force it to exit. Neither can be changed. Anyone.
    /// @dev Errors: `ZeroAddress`; `AmountTooLow`; `InvalidKey`; `SupplyTooHigh`; `TooManyAccounts`.
    /// @return number Position in the queue of deposits, from 0.
    /// @return index Index of the L2 account, from 1.
    function deposit(address owner, uint256 keyX, uint256 keyY, uint64 amount)
        external
        returns (uint64 number, uint32 index);
    /// @notice Queues a forced exit: when a block consumes it, the whole balance of account `index` leaves the L2, to
    /// be claimed by `to` like a withdrawal. Owner of the account only. Each forced exit needs a deposit to the account
    /// since the last one, and blocks must have consumed the first of these deposits.
    /// @dev Errors: `ZeroAddress`; `UnknownAccount`; `NotOwner`; `ExitUsed`; `DepositPending`.
    /// @return number Position in the queue of forced exits, from 0.
    function forceExit(uint32 index, address to) external returns (uint64 number);
    /// @notice Pays a withdrawal or a forced exit to its target, once. Anyone, at any time after finalization.
    /// @dev Errors: `NotFinalized`; `BlobOutOfRange`; `ElementOutOfRange`; `AlreadyClaimed`; `NotAWithdrawal`;
    /// `NotATarget`; `OpeningRejected`; `SupplyTooLow`.
    function claim(WithdrawalProof calldata proof) external;

    /// @notice Number of operations queued in a lane since genesis.
    function count(Lane lane) external view returns (uint64);
    /// @notice Rolling hash of the first `length` operations of a lane: `chain(0) = 0`, `chain(n + 1) =
    /// keccak256(abi.encode(chain(n), operation))`.
    /// @dev Errors: `QueueOutOfRange`.
    function chain(Lane lane, uint64 length) external view returns (bytes32);
    /// @notice Checks that a block may consume these operations. In each lane they must exist and be at most the
    /// maximum. Fewer are allowed only if they include everything queued before L1 slot `cutoff`. If there are any, the
    /// block names the lane's rolling hash after them.
    /// @dev Errors: `QueueOutOfRange`; `TooManyOperations`; `OperationsNotConsumed`; `WrongChain`. Deposits are checked
    /// first.
    function checkConsumption(Consumption calldata deposits, Consumption calldata exits, L1Slot cutoff) external view;
    /// @notice Index of the account of an owner and a key; 0 if there is none.
    function accountOf(address owner, uint256 keyX, uint256 keyY) external view returns (uint32);
    /// @notice Owner of an account, zero if there is none, and the number of deposits that blocks must have consumed
    /// before the owner may force an exit. That number is zero without a deposit since the last forced exit.
    function account(uint32 index) external view returns (address owner, uint64 exitableFrom);
    /// @notice L2 units deposited and not yet claimed. Fees that the L2 burns stay in the supply, and their tokens stay
    /// in the Bridge for good.
    function supply() external view returns (uint64);
    /// @notice Whether a withdrawal or a forced exit was paid.
    function isClaimed(Slot slot, uint256 blob, uint256 element) external view returns (bool);
    /// @notice Token units of one L2 unit.
    function unit() external view returns (uint256);
    /// @notice Smallest deposit, in L2 units.
    function minDeposit() external view returns (uint64);
}
