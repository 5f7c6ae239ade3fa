// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Remembers what the chain told it.
contract Probe {
    event Seen(uint256 indexed number, uint256 randao);

    uint256 public value;
    address public immutable owner;

    constructor(address owner_) payable {
        owner = owner_;
    }

    function see(uint256 value_) external {
        value = value_;
        emit Seen(block.number, block.prevrandao);
    }
}

/// Deploys with CREATE and CREATE2 and calls, as deployment scripts do.
contract ProbeScript {
    bool public constant IS_SCRIPT = true;
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        vm.startBroadcast();
        Probe plain = new Probe{value: 1 gwei}(msg.sender);
        Probe salted = new Probe{salt: bytes32(uint256(1))}(address(plain));
        plain.see(3);
        salted.see(4);
        vm.stopBroadcast();
        require(salted.owner() == address(plain), "owner");
    }
}
