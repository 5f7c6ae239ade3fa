// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

/// @notice Fields of an L1 header that tests set. The others are constants.
struct HeaderFields {
    bytes32 parentHash;
    uint256 number;
    uint256 timestamp;
    bytes32 mixHash;
    /// Fields after the base fee, already encoded.
    bytes more;
}

/// @title Headers of L1 blocks, encoded field by field and independently of the decoder
library L1 {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @dev Runtime code of EIP-2935's contract.
    bytes internal constant HISTORY_CODE = hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042"
        hex"575f35600143038111604257611fff81430311604257611fff9006545f526020"
        hex"5ff35b5f5ffd5b5f35611fff60014303065500";

    /// @notice Fields that Cancun and Prague added: withdrawals root, blob gas used, excess blob gas, parent beacon
    /// root, requests hash.
    function prague() internal pure returns (bytes memory) {
        return abi.encodePacked(
            string32(keccak256("withdrawals")),
            integer(131072),
            integer(0),
            string32(keccak256("beacon")),
            string32(keccak256("requests"))
        );
    }

    function header(HeaderFields memory fields) internal pure returns (bytes memory) {
        bytes memory start = abi.encodePacked(
            string32(fields.parentHash),
            string32(keccak256("ommers")),
            hex"94",
            address(0xbeef),
            string32(keccak256("state")),
            string32(keccak256("transactions")),
            string32(keccak256("receipts")),
            hex"b90100",
            new bytes(256)
        );
        bytes memory end = abi.encodePacked(
            integer(0),
            integer(fields.number),
            integer(36_000_000),
            integer(12_345_678),
            integer(fields.timestamp),
            hex"8966657264696e616e64", // extra data, nine bytes
            string32(fields.mixHash),
            hex"880000000000000000",
            integer(7)
        );
        return list(abi.encodePacked(start, end, fields.more));
    }

    function list(bytes memory payload) internal pure returns (bytes memory) {
        // Cast: test headers are short.
        return abi.encodePacked(hex"f9", uint16(payload.length), payload);
    }

    function string32(bytes32 value) internal pure returns (bytes memory) {
        return abi.encodePacked(hex"a0", value);
    }

    function integer(uint256 value) internal pure returns (bytes memory) {
        if (value == 0) return hex"80";
        // Cast: below 0x80.
        if (value < 0x80) return abi.encodePacked(uint8(value));
        uint256 size;
        for (uint256 rest = value; rest != 0; rest >>= 8) {
            ++size;
        }
        bytes memory digits = new bytes(size);
        for (uint256 i = size; i != 0; --i) {
            // Cast: the low byte.
            digits[i - 1] = bytes1(uint8(value));
            value >>= 8;
        }
        // Cast: at most 32 bytes.
        return abi.encodePacked(uint8(0x80 + size), digits);
    }

    /// @notice Makes the hash of a past block available as on L1: by BLOCKHASH if it is recent, and in the history
    /// contract.
    function setBlockHash(uint256 number, bytes32 hash) internal {
        if (block.number - number <= 256) VM.setBlockhash(number, hash);
        if (HISTORY.code.length == 0) VM.etch(HISTORY, HISTORY_CODE);
        VM.store(HISTORY, bytes32(number % 8191), hash);
    }
}
