// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "solady/utils/EIP712.sol";

import {IRollup, Phase, Quote} from "../interfaces/IRollup.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {SlotInTurn} from "../libraries/Phases.sol";
import {StoredCandidate} from "../types/State.sol";
import {RollupBase} from "./RollupBase.sol";

/// @title Commitments of provers to the candidate in turn
abstract contract Commitments is RollupBase, EIP712 {
    /// @inheritdoc IRollup
    function commit(Quote calldata quote, bytes calldata proverSignature, bytes calldata sequencerSignature)
        external
        nonReentrant
    {
        SlotInTurn memory current = _enterSlot(quote.slot);
        _requirePhase(current, Phase.Commitment);
        uint256 index = current.timeline.indexOf(current.status.rank);
        StoredCandidate storage candidate = _record(current).candidates[index];
        if (quote.headerHash != candidate.headerHash) revert WrongHeader(candidate.headerHash, quote.headerHash);
        if (quote.sequencer != candidate.sequencer) revert WrongSequencer(candidate.sequencer, quote.sequencer);
        _checkTerms(current, quote);
        bytes32 digest = quoteDigest(quote);
        _checkAgreed(quote.prover, digest, proverSignature);
        _checkAgreed(staking.attesterAt(quote.sequencer, current.timeline.previousStart()), digest, sequencerSignature);
        _record(current).timeline = current.timeline.withCommitment(index, l1Slot());
        _lock(candidate, quote);
    }

    /// @inheritdoc IRollup
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        return _hashTypedData(Hashing.quote(quote));
    }

    /// @dev Checks the quote's amounts, accounts and deadline.
    function _checkTerms(SlotInTurn memory current, Quote calldata quote) private view {
        if (l1Slot() > quote.validUntil) revert QuoteExpired(quote.validUntil, l1Slot());
        if (quote.prover == address(0) || quote.payee == address(0)) revert ZeroAddress();
        if (quote.bond < _minBond) revert BondTooLow(_minBond, quote.bond);
        if (quote.bond > type(uint96).max) revert BondTooHigh(type(uint96).max, quote.bond);
        if (quote.price == 0) return;
        (int128 lowest, int128 highest) = rewards.priceRange(quote.slot, _paidL1Slots(current));
        if (quote.price < lowest || quote.price > highest) revert PriceOutOfRange(lowest, highest, quote.price);
    }

    /// @dev Reverts unless `party` agreed: by sending the transaction or by signing the quote.
    function _checkAgreed(address party, bytes32 digest, bytes calldata signature) private view {
        if (msg.sender != party && !escrow.hasSigned(party, digest, signature)) revert BadSignature(party);
    }

    /// @dev Stores the terms of a checked quote in its candidate and locks the bond.
    function _lock(StoredCandidate storage candidate, Quote calldata quote) private {
        // Cast: `_checkTerms` compared it.
        uint96 bond = uint96(quote.bond);
        candidate.prover = quote.prover;
        candidate.bond = bond;
        candidate.payee = quote.payee;
        // Cast: `_checkTerms` compared it with shares of 96 bits, of a reward of 89 bits.
        candidate.price = int96(quote.price);
        emit Committed(
            quote.slot, quote.headerHash, quote.prover, quote.sequencer, quote.payee, bond, quote.price, l1Slot()
        );
        escrow.lock(quote.prover, bond);
    }

    /// @dev Name and version of the EIP-712 domain.
    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Fernet", "1");
    }
}
