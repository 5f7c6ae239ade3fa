// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Token of development networks
/// @notice Its owner makes as much of it as it likes. It has no value and is never deployed on mainnet.
contract DevToken is ERC20, Ownable {
    /// @param supply what the owner starts with, token units
    constructor(address owner_, uint256 supply) ERC20("Fernet development token", "FDEV") Ownable(owner_) {
        _mint(owner_, supply);
    }

    /// @notice Owner only.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }
}
