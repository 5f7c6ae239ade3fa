// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IRewards} from "./interfaces/IRewards.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @title The reward pot and what it owes
contract Rewards is IRewards {
    using Tokens for IERC20;

    /// @notice What rewards are paid in.
    IERC20 public immutable token;
    /// @notice Who may credit.
    address public immutable rollup;

    mapping(address => uint256) private _owed;
    uint256 private _totalOwed;

    constructor(IERC20 token_, address rollup_) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        token = token_;
        rollup = rollup_;
    }

    /// @inheritdoc IRewards
    function fund(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        emit Funded(msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IRewards
    function credit(address account, uint256 amount) external {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        unchecked {
            // The rollup credits less than 2^100 a block.
            _owed[account] += amount;
            _totalOwed += amount;
        }
        emit Credited(account, amount);
    }

    /// @inheritdoc IRewards
    function claim(address to) external returns (uint256 paid) {
        if (to == address(0)) revert ZeroAddress();
        uint256 due = _owed[msg.sender];
        if (due == 0) revert NothingOwed(msg.sender);
        uint256 available = pot();
        if (available == 0) revert PotEmpty(due);
        paid = due < available ? due : available;
        uint256 stillOwed;
        unchecked {
            // paid is at most what is due, which is part of the total
            stillOwed = due - paid;
            _totalOwed -= paid;
        }
        _owed[msg.sender] = stillOwed;
        emit Claimed(msg.sender, to, paid, stillOwed);
        token.push(to, paid);
    }

    /// @inheritdoc IRewards
    function owed(address account) external view returns (uint256) {
        return _owed[account];
    }

    /// @inheritdoc IRewards
    function totalOwed() external view returns (uint256) {
        return _totalOwed;
    }

    /// @inheritdoc IRewards
    function pot() public view returns (uint256) {
        return token.balanceOf(address(this));
    }
}
