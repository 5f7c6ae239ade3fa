// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Slot} from "../types/Time.sol";

/// @notice A prover's money, in token units.
struct EscrowAccount {
    /// can be locked as a bond
    uint128 free;
    /// bonds of slots that aren't over
    uint128 locked;
    /// asked back; can't be locked any more
    uint128 withdrawing;
    /// first L1 slot in which `withdrawing` can be taken
    L1Slot withdrawableFrom;
}

/// @title Provers' bonds
interface IEscrow {
    event Deposited(address indexed account, address indexed from, uint128 amount);
    event WithdrawalRequested(address indexed account, uint128 amount, L1Slot withdrawableFrom);
    event Withdrawn(address indexed account, address indexed to, uint128 amount);
    event Locked(address indexed account, uint128 amount);
    event Released(address indexed account, uint128 amount);
    /// @notice `share` went to the free balance of `beneficiary`; the rest was burned.
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
    /// @notice The beneficiary can't get more than was slashed.
    /// @custom:rule E6
    error ShareTooHigh(uint128 maximum, uint128 actual);
    /// @custom:rule E6
    error ZeroAmount();
    /// @custom:rule E6
    error ZeroAddress();
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Adds to the free balance of `account` with the sender's tokens, which must have been approved. Anyone, for anyone.
    function deposit(address account, uint128 amount) external;
    /// @notice Moves `amount` of the sender's free balance out of the reach of new bonds. A second request adds up and restarts the delay.
    function requestWithdrawal(uint128 amount) external;
    /// @notice Pays all that the sender asked back to `to`; `NotWithdrawableYet` before the delay of the last request is over.
    function withdraw(address to) external;
    /// @notice Rollup only (`NotRollup`). Free to locked; `InsufficientFree` if there is less.
    function lock(address account, uint128 amount) external;
    /// @notice Rollup only. Locked to free; `InsufficientLocked` if there is less.
    function release(address account, uint128 amount) external;
    /// @notice Rollup only. Takes a locked bond: `share` to `beneficiary`'s free balance, the rest burned.
    function slash(address account, uint128 amount, address beneficiary, uint128 share) external;
    /// @notice Balances of an account; all zero for an unknown one.
    function account(address account) external view returns (EscrowAccount memory);
}
