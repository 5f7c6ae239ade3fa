// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";
import {IStaking} from "./IStaking.sol";

/// @title Scoring of a slot's sequencers
/// @notice Each deployment uses one scoring. The highest score ranks first.
interface IScoring {
    /// @notice The scoring expects a proof of `expected` bytes.
    /// @custom:rule D1, D2
    error WrongProofLength(uint256 expected, uint256 actual);

    /// @notice Score of a sequencer in a slot of `rollup` with this seed. Reverts with an error of the scoring if
    /// `proof` does not prove the score.
    /// @param attester The sequencer's attester in that slot.
    /// @param proof Data that the scoring needs from the sequencer; empty if it needs none.
    function score(
        address rollup,
        Slot slot,
        bytes32 seed,
        SequencerId sequencer,
        address attester,
        bytes calldata proof
    ) external view returns (uint192);
    /// @notice The staking contract that the scoring reads; zero if it reads none.
    function staking() external view returns (IStaking);
    /// @notice Name of the scoring, for clients: "public" or "vrf".
    function kind() external view returns (bytes32);
}
