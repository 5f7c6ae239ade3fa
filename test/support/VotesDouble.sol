// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../../contracts/types/Time.sol";

/// @notice The function of `IVotes` that the rollup calls. Stores the last signal and counts signals.
contract VotesDouble {
    address public immutable rollup;
    uint256 public count;
    Slot public slot;
    address public payload;

    error NotRollup(address expected, address actual);

    constructor(address rollup_) {
        rollup = rollup_;
    }

    function signal(Slot slot_, address payload_) external {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        ++count;
        slot = slot_;
        payload = payload_;
    }
}
