// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Transfers of the deployment's token
/// @notice Accepts tokens that return nothing. Refuses tokens that return false, revert, or deliver less than asked for
/// (fee on transfer).
library Tokens {
    using SafeERC20 for IERC20;

    /// @notice Target of burned tokens: an address without a known key. Tokens that refuse the zero address accept it.
    address internal constant BURNED = 0x000000000000000000000000000000000000dEaD;

    /// @custom:rule E7
    error TransferFailed(address token, address from, address to, uint256 amount);
    /// @notice The token delivered another amount than was asked for.
    /// @custom:rule E7
    error WrongAmountReceived(address token, uint256 expected, uint256 actual);

    /// @notice Transfers exactly `amount` from `from` to this contract.
    function pull(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        if (!token.trySafeTransferFrom(from, address(this), amount)) {
            revert TransferFailed(address(token), from, address(this), amount);
        }
        uint256 received;
        unchecked {
            // Wraps if the balance shrank, which is also a wrong amount.
            received = token.balanceOf(address(this)) - before;
        }
        if (received != amount) revert WrongAmountReceived(address(token), amount, received);
    }

    /// @notice Transfers `amount` to `to`.
    function push(IERC20 token, address to, uint256 amount) internal {
        if (!token.trySafeTransfer(to, amount)) revert TransferFailed(address(token), address(this), to, amount);
    }

    /// @notice Burns `amount`.
    function burn(IERC20 token, uint256 amount) internal {
        if (amount != 0) push(token, BURNED, amount);
    }
}
