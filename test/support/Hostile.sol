// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Makes one prepared call when it is called, in the name of any account, as if that account were called back.
abstract contract CallsBack {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    /// @dev More than any entry point needs. In a static call, a write burns all of it.
    uint256 private constant GAS = 1_500_000;

    struct Prepared {
        address sender;
        address to;
        bytes data;
    }

    Prepared private _prepared;
    /// @notice Whether the call was made.
    bool public done;
    bool public succeeded;
    bytes public reply;

    /// @notice Prepares a call. A target of zero stands for none.
    function prepare(address sender, address to, bytes calldata data) external {
        _prepared = Prepared(sender, to, data);
    }

    /// @dev Makes the call at the first opportunity. Only for functions that may write.
    function _callBack() internal {
        if (_prepared.to == address(0) || done) return;
        done = true;
        (succeeded, reply) = _call();
    }

    /// @dev Whether there is a prepared call that succeeds. For functions that may not write.
    function _wouldSucceed() internal returns (bool success) {
        if (_prepared.to != address(0)) (success,) = _call();
    }

    function _call() private returns (bool, bytes memory) {
        Prepared memory prepared = _prepared;
        // A plain call: in a static call, the compiler's check of the cheat code's answer is not needed either.
        (bool pranked,) = address(VM).call(abi.encodeWithSignature("prank(address)", prepared.sender));
        require(pranked, "prank");
        return prepared.to.call{gas: GAS}(prepared.data);
    }
}

/// @notice A token that calls back in each transfer, before or after the balances change.
contract HostileToken is ERC20("Hostile", "HOST"), CallsBack {
    bool public after_;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function callAfter(bool after__) external {
        after_ = after__;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (!after_) _callBack();
        _transfer(msg.sender, to, amount);
        if (after_) _callBack();
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _spendAllowance(from, msg.sender, amount);
        if (!after_) _callBack();
        _transfer(from, to, amount);
        if (after_) _callBack();
        return true;
    }
}

/// @notice Calls back in each call that may write.
contract HostileCallee is CallsBack {
    fallback() external {
        _callBack();
    }
}

/// @notice Calls back in each static call, and gives the expected answer unless the call succeeds.
contract HostileView is CallsBack {
    bytes private _answer;

    error Reentered();

    function answer(bytes calldata answer_) external {
        _answer = answer_;
    }

    fallback() external {
        if (_wouldSucceed()) revert Reentered();
        bytes memory result = _answer;
        // Memory-safe: returns the bytes of `result`.
        assembly ("memory-safe") {
            return(add(result, 32), mload(result))
        }
    }
}
