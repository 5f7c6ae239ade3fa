// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";

/// @title How the sequencers of a slot rank
/// @notice A deployment picks one. The highest score ranks first.
interface IScoring {
    /// @notice The scoring takes another proof: `expected` bytes.
    /// @custom:rule D1, D2
    error WrongProofLength(uint256 expected, uint256 actual);

    /// @notice Score of a sequencer in a slot of `rollup` under the slot's seed. Reverts, with an error of the scoring, if `proof` doesn't prove it.
    /// @param attester the sequencer's attester in that slot
    /// @param proof what the scoring needs to know from the sequencer; empty if it needs nothing
    function score(
        address rollup,
        Slot slot,
        bytes32 seed,
        SequencerId sequencer,
        address attester,
        bytes calldata proof
    ) external view returns (uint192);
    /// @notice Name of the scoring, for clients: "public" or "vrf".
    function kind() external view returns (bytes32);
}
