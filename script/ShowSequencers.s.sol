// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";

import {IReader, SequencerView} from "../contracts/interfaces/IReader.sol";
import {Status} from "../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../contracts/types/Ids.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";

/// @title Prints registrations with their status
/// @notice usage: forge script script/ShowSequencers.s.sol --sig 'run(uint32,uint32)' FROM LIMIT --rpc-url URL
///
/// FROM is the first sequencer, counted from 1.
contract ShowSequencers is Operator {
    function run(uint32 from, uint32 limit) external returns (SequencerView[] memory sequencers) {
        sequencers = IReader(_contract("reader")).sequencers(SequencerId.wrap(from), limit);
        if (sequencers.length == 0) console.log("no sequencer from", from, "on");
        for (uint256 i = 0; i < sequencers.length; ++i) {
            _show(sequencers[i]);
        }
    }

    function statusName(Status status) public pure returns (string memory) {
        string[5] memory names = ["none", "queued", "active", "exiting", "exited"];
        return names[uint256(status)];
    }

    function _show(SequencerView memory s) private pure {
        console.log("sequencer      ", SequencerId.unwrap(s.id));
        console.log("  status       ", statusName(s.status));
        if (s.candidate) console.log("  candidate of the slot in flight");
        console.log("  attester     ", s.registration.attester);
        if (s.registration.nextAttester != address(0)) {
            console.log("  then         ", s.registration.nextAttester);
            console.log("  from L1 slot ", L1Slot.unwrap(s.registration.nextAttesterFrom));
        }
        console.log("  owner        ", s.registration.owner);
        console.log("  withdrawer   ", s.registration.withdrawer);
        console.log("  stake        ", s.registration.stake);
        console.log("  active from  ", L1Slot.unwrap(s.registration.activeFrom));
        if (L1Slot.unwrap(s.registration.exitAt) != 0) {
            console.log("  exit signaled", L1Slot.unwrap(s.registration.exitAt));
        }
        console.log("  fee recipient", s.registration.feeRecipient);
        console.log("  BLS key hash ", vm.toString(s.registration.blsKeyHash));
    }
}
