// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, Quote} from "../interfaces/IRollup.sol";
import {SequencerId} from "../types/Ids.sol";
import {Slot} from "../types/Time.sol";
import {Headers} from "./Headers.sol";

/// @title Hashes of the protocol and their domains
/// @notice The client computes the same hashes; `vectors/` compares them.
library Hashing {
    bytes32 internal constant SCORE_DOMAIN = keccak256("fernet.score.v1");
    bytes32 internal constant SEED_DOMAIN = "fernet.seed.v1";
    bytes32 internal constant GENESIS_DOMAIN = "fernet.genesis.v1";
    string internal constant LEDGER_DOMAIN = "fernet.ledger.v1";
    bytes32 internal constant QUOTE_TYPEHASH = keccak256(
        "Quote(uint64 slot,bytes32 headerHash,uint32 sequencer,"
        "address prover,address payee,uint128 bond,int128 price,uint64 validUntil)"
    );

    /// @notice Hash of a block's header.
    function header(Header calldata header_) internal pure returns (bytes32) {
        return keccak256(Headers.encode(header_));
    }

    /// @notice EIP-712 struct hash of a quote. All of its members are static, so it is encoded as its words in order.
    function quote(Quote calldata quote_) internal pure returns (bytes32) {
        return keccak256(abi.encode(QUOTE_TYPEHASH, quote_));
    }

    /// @notice Seed of a slot from the RANDAO mix of an L1 slot. The hash includes the slot, so two slots with the same
    /// mix have different seeds.
    function seed(bytes32 mix, Slot slot) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEED_DOMAIN, mix, slot));
    }

    /// @notice Score of a sequencer in a slot: the upper 192 bits of the hash. The highest score ranks first.
    function score(address rollup, Slot slot, bytes32 seed_, SequencerId sequencer, address attester)
        internal
        view
        returns (uint192)
    {
        bytes32 hash = keccak256(abi.encode(SCORE_DOMAIN, block.chainid, rollup, slot, seed_, sequencer, attester));
        // Cast: 256 bits less 64 bits.
        return uint192(uint256(hash) >> 64);
    }

    /// @notice Parent hash of the first block.
    function genesis(address rollup) internal view returns (bytes32) {
        return keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, rollup));
    }

    /// @notice Field element that identifies the ledger of this rollup on this chain. It has 253 bits, and is below the
    /// order of the scalar field of BLS12-381.
    function ledgerDomain(address rollup) internal view returns (uint256) {
        return uint256(keccak256(abi.encodePacked(LEDGER_DOMAIN, block.chainid, rollup))) >> 3;
    }
}
