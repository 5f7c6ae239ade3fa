// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot, Slot} from "../types/Time.sol";
import {Header} from "./IRollup.sol";

/// @notice A deposit as the L2 sees it.
struct Deposit {
    /// L2 account index
    uint32 index;
    /// L2 units
    uint64 amount;
    /// Jubjub key, affine
    uint256 keyX;
    uint256 keyY;
}

/// @notice Opens a withdrawal in a finalized block's blob.
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
interface IBridge {
    event Deposited(
        uint64 indexed number,
        uint32 indexed index,
        address indexed from,
        uint256 keyX,
        uint256 keyY,
        uint64 amount,
        bytes32 chain,
        L1Slot l1Slot
    );
    event WithdrawalClaimed(Slot indexed slot, uint256 blob, uint256 element, address indexed to, uint64 amount);

    error AmountTooLow(uint64 minimum, uint64 actual);
    /// @notice With this deposit more than 64 bits of L2 units would be around; a balance could overflow.
    error SupplyTooHigh(uint64 maximum, uint256 actual);
    /// @notice More is claimed than was deposited: no sound proof system lets that happen.
    error SupplyTooLow(uint64 available, uint64 needed);
    error InvalidKey(uint256 keyX, uint256 keyY);
    error TooManyAccounts();
    error DepositsNotConsumed(uint64 required, uint64 actual);
    error DepositsOutOfRange(uint64 from, uint64 to, uint64 count);
    error TooManyDeposits(uint64 maximum, uint64 actual);
    error NotFinalized(Slot slot, bytes32 headerHash);
    error BlobOutOfRange(uint256 blob, uint256 limit);
    error ElementOutOfRange(uint256 element, uint256 limit);
    error NotAWithdrawal(bytes32 element);
    error NotATarget(bytes32 element);
    error AlreadyClaimed(Slot slot, uint256 blob, uint256 element);
    error OpeningRejected(uint256 element);
    error BadParameter(string name);

    /// @notice Queues a deposit of `amount` L2 units (times `unit` token units, taken from the sender). A known key is topped up.
    /// @return number position in the queue, from 0
    /// @return index the L2 account, from 1
    function deposit(uint256 keyX, uint256 keyY, uint64 amount) external returns (uint64 number, uint32 index);
    /// @notice Pays a withdrawal to its target. Anyone, any time after finalization, once.
    function claim(WithdrawalProof calldata proof) external;

    /// @notice Deposits queued since genesis.
    function count() external view returns (uint64);
    /// @notice Rolling hash of the first `n` deposits: `chain(0) = 0`, `chain(n+1) = keccak256(abi.encode(chain(n), deposit))`.
    function chain(uint64 n) external view returns (bytes32);
    /// @notice Checks a block's consumption of [from, to): in range, at most `maximum`, and everything queued before L1 slot `cutoff` unless the maximum is reached.
    function checkConsumption(uint64 from, uint64 to, uint64 maximum, L1Slot cutoff) external view;
    /// @notice Index of a key's account, 0 if it has none.
    function accountOf(uint256 keyX, uint256 keyY) external view returns (uint32);
    /// @notice L2 units deposited and not claimed back.
    function supply() external view returns (uint64);
    function isClaimed(Slot slot, uint256 blob, uint256 element) external view returns (bool);
    /// @notice Token units of one L2 unit.
    function unit() external view returns (uint256);
    function minDeposit() external view returns (uint64);
}
