// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @notice Balances of a prover, in token units.
struct EscrowAccount {
    /// Can be locked as a bond.
    uint128 free;
    /// Bonds of slots that are not over.
    uint128 locked;
    /// Requested back. Can no longer be locked.
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

    /// @custom:rule E6
    error NotRollup(address expected, address actual);
    /// @custom:rule C3, E6
    error InsufficientFree(address account, uint128 available, uint128 needed);
    /// @custom:rule E6
    error InsufficientLocked(address account, uint128 available, uint128 needed);
    /// @custom:rule E6
    error NothingRequested(address account);
    /// @custom:rule E6
    error NotWithdrawableYet(address account, L1Slot from, L1Slot now_);
    /// @notice A balance would exceed 128 bits.
    /// @custom:rule E6
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
    /// @notice Requests `amount` of the sender's free balance back. Further bonds cannot use it. A second request adds
    /// to the first and restarts the delay.
    /// @dev Errors: `ZeroAmount`; `InsufficientFree`; `AmountTooHigh`.
    function requestWithdrawal(uint128 amount) external;
    /// @notice Pays everything that the sender requested back to `to`.
    /// @dev Errors: `ZeroAddress`; `NothingRequested`; `NotWithdrawableYet` before the delay of the last request is
    /// over.
    function withdraw(address to) external;
    /// @notice Moves `amount` from free to locked. Rollup only.
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
}
