// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A plain token that anybody can mint.
contract TestToken is ERC20("Test", "TEST") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice A token with one chosen misbehaviour at a time.
contract OddToken is ERC20("Odd", "ODD") {
    enum Oddity {
        None,
        ReturnsFalse,
        ReturnsNothing,
        TakesFee,
        Reverts,
        CallsBack
    }

    Oddity public oddity;
    address public callbackTarget;
    bytes public callback;
    bool public callbackSucceeded;
    bytes public callbackResult;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function misbehave(Oddity oddity_) external {
        oddity = oddity_;
    }

    /// @notice Calls `target` in the middle of every transfer.
    function callBack(address target, bytes calldata data) external {
        oddity = Oddity.CallsBack;
        callbackTarget = target;
        callback = data;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return _transferWithMisbehaviour(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _spendAllowance(from, msg.sender, amount);
        return _transferWithMisbehaviour(from, to, amount);
    }

    function _transferWithMisbehaviour(address from, address to, uint256 amount) private returns (bool) {
        if (oddity == Oddity.ReturnsFalse) return false;
        if (oddity == Oddity.Reverts) revert("odd");
        if (oddity == Oddity.CallsBack) {
            Oddity before = oddity;
            oddity = Oddity.None;
            (callbackSucceeded, callbackResult) = callbackTarget.call(callback);
            oddity = before;
        }
        _transfer(from, to, amount);
        if (oddity == Oddity.TakesFee) _burn(to, amount / 100);
        if (oddity == Oddity.ReturnsNothing) {
            assembly {
                return(0, 0)
            }
        }
        return true;
    }
}
