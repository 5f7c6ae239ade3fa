// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";
import {Header} from "./IRollup.sol";

/// @notice What L1 tells the L2 to do, a deposit or a forced exit, as three field elements: see `L1Operations`.
struct L1Operation {
    uint256 head;
    uint256 x;
    uint256 y;
}

/// @notice Opens a withdrawal, or a forced exit, in a finalized block's blob.
struct WithdrawalProof {
    Header header;
    /// blob of the header
    uint256 blob;
    /// element of the withdrawal; its target is the next one
    uint256 element;
    /// the two elements, big endian
    bytes32 withdrawal;
    bytes32 target;
    /// KZG commitment of the blob (48 bytes) and the proofs of both openings (48 bytes each)
    bytes commitment;
    bytes withdrawalOpening;
    bytes targetOpening;
}

/// @title Tokens into the L2 and back
/// @notice One queue holds all that L1 tells the L2 to do: deposits and forced exits, in the order in which they came. Blocks consume it from the
/// front; a header's `depositsEnd` and the rollup's `maxDeposits` count its entries, of both kinds.
interface IBridge {
    /// @param from who paid
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
    /// @notice With this deposit more than 64 bits of L2 units would be around; a balance could overflow.
    /// @custom:rule W1
    error SupplyTooHigh(uint64 maximum, uint256 actual);
    /// @notice More is claimed than was deposited: no sound proof system lets that happen.
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
    /// @notice There was no deposit to the account since its last forced exit.
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

    /// @notice Queues a deposit of `amount` L2 units (times `unit` token units, taken from the sender) to the account of `owner` and the key, which is
    /// made if there is none. The key signs for the account on the L2, the owner can force it out; nobody can change either.
    /// @return number position in the queue, from 0
    /// @return index the L2 account, from 1
    function deposit(address owner, uint256 keyX, uint256 keyY, uint64 amount)
        external
        returns (uint64 number, uint32 index);
    /// @notice Queues the exit of everything that account `index` has when the queue gets to it, to be claimed by `to` like a withdrawal. Only its owner.
    /// Each deposit entitles its account to at most one: a second one without a deposit in between is refused.
    /// @return number position in the queue, from 0
    function forceExit(uint32 index, address to) external returns (uint64 number);
    /// @notice Pays a withdrawal, or a forced exit, to its target. Anyone, any time after finalization, once.
    function claim(WithdrawalProof calldata proof) external;

    /// @notice Operations queued since genesis.
    function count() external view returns (uint64);
    /// @notice Rolling hash of the first `length` operations: `chain(0) = 0`, `chain(length+1) = keccak256(abi.encode(chain(length), operation))`.
    function chain(uint64 length) external view returns (bytes32);
    /// @notice Checks a block's consumption of [from, to): in range, at most `maximum`, and everything queued before L1 slot `cutoff` unless the maximum is reached.
    function checkConsumption(uint64 from, uint64 to, uint64 maximum, L1Slot cutoff) external view;
    /// @notice Index of the account of an owner and a key, 0 if there is none.
    function accountOf(address owner, uint256 keyX, uint256 keyY) external view returns (uint32);
    /// @notice Owner of an account, zero if there is none, and whether it may force an exit.
    function account(uint32 index) external view returns (address owner, bool mayExit);
    /// @notice L2 units deposited and not claimed back. Fees that the L2 burns stay in it, and their tokens in the Bridge, for good.
    function supply() external view returns (uint64);
    function isClaimed(Slot slot, uint256 blob, uint256 element) external view returns (bool);
    /// @notice Token units of one L2 unit.
    function unit() external view returns (uint256);
    function minDeposit() external view returns (uint64);
}
