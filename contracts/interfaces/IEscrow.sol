// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @notice Balances of a prover, in token units.
struct EscrowAccount {
    /// Can be locked as a bond.
    uint128 free;
    /// Bonds of slots that are not over.
    uint128 locked;
    /// Requested back. Can be locked as a bond until it can be withdrawn.
    uint128 withdrawing;
    /// First L1 slot in which `withdrawing` can be withdrawn.
    L1Slot withdrawableFrom;
}

/// @title Provers' bonds
interface IEscrow {
    event Deposited(address indexed account, address indexed from, uint128 amount);
    event WithdrawalRequested(address indexed account, uint128 amount, L1Slot withdrawableFrom);
    event Withdrawn(address indexed account, address indexed to, uint128 amount);
    event Locked(address indexed account, uint128 amount);
    event Released(address indexed account, uint128 amount);
    /// @notice `share` went to the free balance of `beneficiary`, and the rest was burned.
    event Slashed(address indexed account, uint128 amount, address indexed beneficiary, uint128 share);

    /// @notice From L1 slot `from` on, `signer` binds the account's quotes, and no other key that the account named.
    event SignerSet(address indexed account, address indexed signer, L1Slot from);

    /// @custom:rule E6
    error NotRollup(address expected, address actual);
    /// @notice `available` is the free balance, and for a bond also what is requested back and cannot be withdrawn yet.
    /// @custom:rule C3, E6, E14
    error InsufficientFree(address account, uint128 available, uint128 needed);
    /// @custom:rule E6
    error InsufficientLocked(address account, uint128 available, uint128 needed);
    /// @custom:rule E6
    error NothingRequested(address account);
    /// @custom:rule E6
    error NotWithdrawableYet(address account, L1Slot from, L1Slot now_);
    /// @notice The balances of an account, with the deposit, would exceed 2^127.
    /// @custom:rule E14
    error AmountTooHigh(uint256 maximum, uint256 actual);
    /// @notice The beneficiary cannot get more than was slashed.
    /// @custom:rule E6
    error ShareTooHigh(uint128 maximum, uint128 actual);
    /// @custom:rule E6
    error ZeroAmount();
    /// @custom:rule E6
    error ZeroAddress();
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Adds the sender's tokens, which it must have approved, to the free balance of `account`. Anyone, for
    /// anyone.
    /// @dev Errors: `ZeroAmount`; `ZeroAddress`; `AmountTooHigh`.
    function deposit(address account, uint128 amount) external;
    /// @notice Requests `amount` of the sender's free balance back. Bonds can use it until it can be withdrawn. A
    /// second request adds to the first and restarts the delay.
    /// @dev Errors: `ZeroAmount`; `InsufficientFree`.
    function requestWithdrawal(uint128 amount) external;
    /// @notice Pays everything that the sender requested back to `to`.
    /// @dev Errors: `ZeroAddress`; `NothingRequested`; `NotWithdrawableYet` before the delay of the last request is
    /// over.
    function withdraw(address to) external;
    /// @notice Names a key whose ECDSA signature binds the sender in quotes. It binds at once if no named key binds so
    /// far. Otherwise it replaces the one that binds after `withdrawalDelay` L1 slots, and replaces
    /// a change that has not taken effect. Zero names none.
    function setSigner(address signer) external;
    /// @notice Moves `amount` to locked: from free, and for the rest from what was requested back and cannot be
    /// withdrawn yet. Rollup only.
    /// @dev Errors: `NotRollup`; `InsufficientFree`.
    function lock(address account, uint128 amount) external;
    /// @notice Moves `amount` from locked to free. Rollup only.
    /// @dev Errors: `NotRollup`; `InsufficientLocked`.
    function release(address account, uint128 amount) external;
    /// @notice Takes `amount` of the locked balance: `share` goes to the free balance of `beneficiary`, and the rest is
    /// burned. Rollup only.
    /// @dev Errors: `NotRollup`; `ShareTooHigh`; `ZeroAddress`; `InsufficientLocked`.
    function slash(address account, uint128 amount, address beneficiary, uint128 share) external;
    /// @notice Balances of an account; all zero for an unknown one.
    function account(address account) external view returns (EscrowAccount memory);
    /// @notice Whether `signature` of `digest` binds an account. Its own ECDSA signature does, whatever code the
    /// account has, so an account that delegates to code (EIP-7702) after signing stays bound. So does that of the key
    /// that it named. Otherwise an account with code is asked (EIP-1271), whose answer may change at any time.
    function hasSigned(address account, bytes32 digest, bytes calldata signature) external view returns (bool);
    /// @notice The named key that binds an account's quotes in the current L1 slot; zero if there is none.
    function signerOf(address account) external view returns (address);
    /// @notice The named key that will bind an account's quotes from L1 slot `from` on. Both are zero if no change is
    /// pending.
    function pendingSigner(address account) external view returns (address signer, L1Slot from);
    /// @notice L1 slots from a request for a withdrawal until it can be withdrawn, and from a change of the named key
    /// until it takes effect.
    function withdrawalDelay() external view returns (uint32);
}
