// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../../contracts/types/Time.sol";

/// @notice The function of `IVotes` that the rollup calls, and the views that its constructor reads. Stores the last
/// signal and counts signals.
contract VotesDouble {
    address public immutable rollup;
    uint64 public immutable l1GenesisTime;
    uint64 public immutable l1SlotSeconds;
    uint256 public count;
    Slot public slot;
    address public payload;

    error NotRollup(address expected, address actual);

    constructor(address rollup_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_) {
        rollup = rollup_;
        l1GenesisTime = l1GenesisTime_;
        l1SlotSeconds = l1SlotSeconds_;
    }

    function signal(Slot slot_, address payload_) external {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        ++count;
        slot = slot_;
        payload = payload_;
    }
}
