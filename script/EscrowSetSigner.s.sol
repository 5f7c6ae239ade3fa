// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../contracts/interfaces/IEscrow.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {Operator} from "./lib/Operator.sol";
import {Text, Units} from "./lib/Text.sol";

/// @title Names a key whose signatures bind the sender in quotes, beside the sender's own
/// @notice usage: forge script script/EscrowSetSigner.s.sol --rpc-url URL --broadcast
/// --sig 'run(address)' SIGNER
///
/// SIGNER is the key's address; zero removes the key that binds. A first key binds at once. Any later change takes the
/// delay of a withdrawal, and until then the former key binds.
contract EscrowSetSigner is Operator {
    using Text for Units;

    function run(address signer) external transacts {
        IEscrow escrow = IEscrow(_contract("escrow"));
        _send(
            address(escrow),
            abi.encodeCall(IEscrow.setSigner, (signer)),
            signer == address(0)
                ? "let no other key sign quotes of the sender"
                : string.concat("let the key of ", vm.toString(signer), " sign quotes of the sender")
        );
        _print(effect(escrow, _sender()));
    }

    /// @notice When the last change of an account takes effect.
    function effect(IEscrow escrow, address account) public returns (string memory) {
        (, L1Slot from) = escrow.pendingSigner(account);
        if (L1Slot.unwrap(from) == 0) return "takes effect     at once\n";
        return string.concat(
            Text.line("takes effect", _units().moment(from)),
            Text.line("until then", vm.toString(escrow.signerOf(account)))
        );
    }
}
