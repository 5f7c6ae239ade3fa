// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {L1Clock} from "./L1Clock.sol";
import {EscrowAccount, IEscrow} from "./interfaces/IEscrow.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {L1Slot} from "./types/Time.sol";

/// @title Provers' bonds
contract Escrow is IEscrow, L1Clock {
    using Tokens for IERC20;

    /// @notice Token of the bonds.
    IERC20 public immutable token;
    /// @notice Contract that may lock, release and slash.
    address public immutable rollup;
    /// @notice L1 slots from a request for a withdrawal until it can be withdrawn.
    uint32 public immutable withdrawalDelay;

    mapping(address => EscrowAccount) private _accounts;

    modifier onlyRollup() {
        _checkRollup();
        _;
    }

    constructor(IERC20 token_, address rollup_, uint32 withdrawalDelay_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (withdrawalDelay_ == 0) revert BadParameter("withdrawalDelay");
        token = token_;
        rollup = rollup_;
        withdrawalDelay = withdrawalDelay_;
    }

    /// @inheritdoc IEscrow
    function deposit(address account_, uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        if (account_ == address(0)) revert ZeroAddress();
        EscrowAccount storage to = _accounts[account_];
        to.free = _sum(to.free, amount);
        emit Deposited(account_, msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function requestWithdrawal(uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        EscrowAccount storage from = _accounts[msg.sender];
        _takeFree(from, msg.sender, amount);
        from.withdrawing = _sum(from.withdrawing, amount);
        L1Slot withdrawableFrom = l1Slot().plus(withdrawalDelay);
        from.withdrawableFrom = withdrawableFrom;
        emit WithdrawalRequested(msg.sender, amount, withdrawableFrom);
    }

    /// @inheritdoc IEscrow
    function withdraw(address to) external {
        if (to == address(0)) revert ZeroAddress();
        EscrowAccount storage from = _accounts[msg.sender];
        uint128 amount = from.withdrawing;
        if (amount == 0) revert NothingRequested(msg.sender);
        if (l1Slot() < from.withdrawableFrom) {
            revert NotWithdrawableYet(msg.sender, from.withdrawableFrom, l1Slot());
        }
        from.withdrawing = 0;
        emit Withdrawn(msg.sender, to, amount);
        token.push(to, amount);
    }

    /// @inheritdoc IEscrow
    function lock(address account_, uint128 amount) external onlyRollup {
        EscrowAccount storage from = _accounts[account_];
        _takeFree(from, account_, amount);
        from.locked = _sum(from.locked, amount);
        emit Locked(account_, amount);
    }

    /// @inheritdoc IEscrow
    function release(address account_, uint128 amount) external onlyRollup {
        EscrowAccount storage to = _accounts[account_];
        _takeLocked(to, account_, amount);
        to.free = _sum(to.free, amount);
        emit Released(account_, amount);
    }

    /// @inheritdoc IEscrow
    function slash(address account_, uint128 amount, address beneficiary, uint128 share) external onlyRollup {
        if (share > amount) revert ShareTooHigh(amount, share);
        if (share != 0 && beneficiary == address(0)) revert ZeroAddress();
        _takeLocked(_accounts[account_], account_, amount);
        if (share != 0) {
            EscrowAccount storage to = _accounts[beneficiary];
            to.free = _sum(to.free, share);
        }
        emit Slashed(account_, amount, beneficiary, share);
        unchecked {
            // The share is at most the amount, compared above.
            token.burn(amount - share);
        }
    }

    /// @inheritdoc IEscrow
    function account(address account_) external view returns (EscrowAccount memory) {
        return _accounts[account_];
    }

    function _takeFree(EscrowAccount storage from, address account_, uint128 amount) private {
        uint128 free = from.free;
        if (free < amount) revert InsufficientFree(account_, free, amount);
        unchecked {
            from.free = free - amount;
        }
    }

    function _takeLocked(EscrowAccount storage from, address account_, uint128 amount) private {
        uint128 locked = from.locked;
        if (locked < amount) revert InsufficientLocked(account_, locked, amount);
        unchecked {
            from.locked = locked - amount;
        }
    }

    function _sum(uint128 a, uint128 b) private pure returns (uint128) {
        uint256 sum = uint256(a) + b;
        if (sum > type(uint128).max) revert AmountTooHigh(type(uint128).max, sum);
        // Cast: compared in the line above.
        return uint128(sum);
    }

    function _checkRollup() private view {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
    }
}
