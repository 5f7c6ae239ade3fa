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
/// @notice Deposits and forced exits form one queue, in the order in which they were made. Blocks consume the queue
/// from the front. A header's `depositsEnd` and the rollup's `maxDeposits` count the queue's entries of both kinds.
interface IBridge {
    /// @param from Account that paid.
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
    /// @custom:rule W3
    error OperationsNotConsumed(uint64 required, uint64 actual);
    /// @custom:rule W3
    error QueueOutOfRange(uint64 from, uint64 to, uint64 count);
    /// @custom:rule W3
    error TooManyOperations(uint64 maximum, uint64 actual);
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
    /// @return number Position in the queue, from 0.
    /// @return index Index of the L2 account, from 1.
    function deposit(address owner, uint256 keyX, uint256 keyY, uint64 amount)
        external
        returns (uint64 number, uint32 index);
    /// @notice Queues a forced exit: when a block consumes it, the whole balance of account `index` leaves the L2, to
    /// be claimed by `to` like a withdrawal. Owner of the account only. Each forced exit needs a deposit to the account
    /// since the last one.
    /// @dev Errors: `ZeroAddress`; `UnknownAccount`; `NotOwner`; `ExitUsed`.
    /// @return number Position in the queue, from 0.
    function forceExit(uint32 index, address to) external returns (uint64 number);
    /// @notice Pays a withdrawal or a forced exit to its target, once. Anyone, at any time after finalization.
    /// @dev Errors: `NotFinalized`; `BlobOutOfRange`; `ElementOutOfRange`; `AlreadyClaimed`; `NotAWithdrawal`;
    /// `NotATarget`; `OpeningRejected`; `SupplyTooLow`.
    function claim(WithdrawalProof calldata proof) external;

    /// @notice Number of operations queued since genesis.
    function count() external view returns (uint64);
    /// @notice Rolling hash of the first `length` operations: `chain(0) = 0`, `chain(n + 1) =
    /// keccak256(abi.encode(chain(n), operation))`.
    /// @dev Errors: `QueueOutOfRange`.
    function chain(uint64 length) external view returns (bytes32);
    /// @notice Checks that a block may consume the operations [from, to). They must exist and be at most `maximum`.
    /// Fewer than `maximum` are allowed only if they include everything queued before L1 slot `cutoff`.
    /// @dev Errors: `QueueOutOfRange`; `TooManyOperations`; `OperationsNotConsumed`.
    function checkConsumption(uint64 from, uint64 to, uint64 maximum, L1Slot cutoff) external view;
    /// @notice Index of the account of an owner and a key; 0 if there is none.
    function accountOf(address owner, uint256 keyX, uint256 keyY) external view returns (uint32);
    /// @notice Owner of an account, zero if there is none, and whether the owner may force an exit.
    function account(uint32 index) external view returns (address owner, bool mayExit);
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
