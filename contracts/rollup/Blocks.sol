// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Consumption, Lane} from "../interfaces/IBridge.sol";
import {BlockPay} from "../interfaces/IRewards.sol";
import {Header, IRollup, Outcome, Phase} from "../interfaces/IRollup.sol";
import {Statement} from "../interfaces/IStateTransitionVerifier.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Headers} from "../libraries/Headers.sol";
import {Payouts} from "../libraries/Payouts.sol";
import {SlotInTurn} from "../libraries/Phases.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {Cursor} from "../types/Cursor.sol";
import {Record, StoredCandidate} from "../types/State.sol";
import {L1Slot} from "../types/Time.sol";
import {Timeline} from "../types/Timeline.sol";
import {RollupBase} from "./RollupBase.sol";

/// @title Reveals, proofs, and the end of a slot with a block
abstract contract Blocks is RollupBase {
    using Headers for Header;
    using Headers for bytes;
    using Settlement for Record;
    using Settlement for Timeline;

    /// @inheritdoc IRollup
    function reveal(Header calldata header) external nonReentrant {
        SlotInTurn memory current = _enterSlot(header.slot);
        _requirePhase(current, Phase.Reveal);
        uint256 index = current.timeline.indexOf(current.status.rank);
        bytes32 expected = _record(current).candidates[index].headerHash;
        bytes memory encoded = header.encode();
        bytes32 hash = keccak256(encoded);
        if (hash != expected) revert WrongHeader(expected, hash);
        _checkHeader(current, header);

        uint256 before = current.timeline.blobsSeen();
        uint256 seen = Blobs.withSeen(header.blobHashes, before);
        if (seen == before) revert NoNewBlob();
        bool complete = seen == Blobs.allSeen(header.blobHashes.length);
        L1Slot now_ = l1Slot();
        Timeline timeline = current.timeline.withBlobsSeen(seen);
        if (complete) timeline = timeline.withReveal(index, now_);
        _record(current).timeline = timeline;
        // One bit for each of at most 16 blobs.
        encoded.emitRevealed(header.slot, hash, seen, complete, now_);
    }

    /// @inheritdoc IRollup
    function finalize(Header calldata header, address payee, bytes calldata proof) external nonReentrant {
        SlotInTurn memory current = _enterSlot(header.slot);
        Phase phase = current.status.phase;
        if (phase != Phase.ExclusiveProving && phase != Phase.OpenProving) {
            revert WrongPhase(Phase.ExclusiveProving, phase);
        }
        bytes32 hash = Hashing.header(header);
        bytes32 expected = _candidateInTurn(current).headerHash;
        if (hash != expected) revert WrongHeader(expected, hash);
        _verify(current.cursor, header, hash, payee, proof);
        _finish(current, header, hash, payee, phase == Phase.ExclusiveProving ? Outcome.Finalized : Outcome.Rescued);
    }

    /// @inheritdoc IRollup
    function finalizeBackup(Header calldata header, address payee, bytes calldata proof) external nonReentrant {
        SlotInTurn memory current = _enterSlot(header.slot);
        _requirePhase(current, Phase.Backup);
        bytes memory encoded = header.encode();
        bytes32 hash = keccak256(encoded);
        if (!current.status.revealed || hash != _candidateInTurn(current).headerHash) {
            _checkHeader(current, header);
            if (header.vote != address(0)) revert VoteNotZero();
            Blobs.requireAll(header.blobHashes);
            encoded.emitBackupBlock(header.slot, hash);
        }
        _verify(current.cursor, header, hash, payee, proof);
        _finish(current, header, hash, payee, Outcome.Backup);
    }

    /// @inheritdoc IRollup
    function domain() public view returns (uint256) {
        return Hashing.ledgerDomain(address(this));
    }

    // ---- checks ---------------------------------------------------------------------------------------------------

    /// @dev Checks of a header, except for its proof, its data and its slot.
    function _checkHeader(SlotInTurn memory current, Header calldata header) private view {
        bytes32 parent = _state.finalized[current.cursor.tipSlot()];
        if (header.parent != parent) revert WrongParent(parent, header.parent);
        if (header.chunks == 0 || header.chunks > _limits.chunks()) {
            revert ChunksOutOfRange(_limits.chunks(), header.chunks);
        }
        // The constructor checked that a block of the maximum number of chunks has at most maxBlobs blobs.
        uint256 blobs = _blobCount(header.chunks);
        if (header.blobHashes.length != blobs) revert WrongBlobCount(blobs, header.blobHashes.length);
        if (header.committeeDigest != 0) revert CommitteeDigestNotZero();
        // Casts: the limits have 16 bits.
        bridge.checkConsumption(
            Consumption({
                from: current.cursor.depositsEnd(),
                to: header.depositsEnd,
                chain: header.depositsChain,
                maximum: uint64(_limits.deposits())
            }),
            Consumption({
                from: current.cursor.exitsEnd(),
                to: header.exitsEnd,
                chain: header.exitsChain,
                maximum: uint64(_limits.exits())
            }),
            current.timeline.previousStart()
        );
    }

    /// @dev Reverts unless the proof shows that the block leads from the last finalized state to the header's state.
    function _verify(Cursor cursor, Header calldata header, bytes32 hash, address payee, bytes calldata proof)
        private
        view
    {
        if (payee == address(0)) revert ZeroAddress();
        uint64 depositsFrom = cursor.depositsEnd();
        uint64 exitsFrom = cursor.exitsEnd();
        Statement memory statement = Statement({
            headerHash: hash,
            parentRoot: _state.stateRoot,
            stateRoot: header.stateRoot,
            chunks: header.chunks,
            blobHashes: header.blobHashes,
            // The header's hashes and ends were checked: they are the Bridge's, and never go back.
            depositsFrom: header.depositsEnd == depositsFrom ? bytes32(0) : bridge.chain(Lane.Deposits, depositsFrom),
            depositsTo: header.depositsChain,
            exitsFrom: header.exitsEnd == exitsFrom ? bytes32(0) : bridge.chain(Lane.Exits, exitsFrom),
            exitsTo: header.exitsChain,
            operations: header.depositsEnd - depositsFrom + header.exitsEnd - exitsFrom,
            feeRecipient: header.feeRecipient,
            payee: payee,
            domain: domain()
        });
        verifier.verify(statement, proof);
    }

    // ---- the slot's end -------------------------------------------------------------------------------------------

    /// @dev Ends the slot with a block: updates the last finalized block, credits rewards, settles bonds and penalties,
    /// and signals the vote. Bonds and penalties come late, since the token that they burn may call back.
    function _finish(SlotInTurn memory current, Header calldata header, bytes32 hash, address payee, Outcome outcome)
        private
    {
        L1Slot now_ = l1Slot();
        _state.cursor = current.cursor
            .withSlotSettled(current.timeline, _windows.nextStart(current.timeline.start(), now_.plus(1)))
            .withTip(header.slot, header.depositsEnd, header.exitsEnd);
        _state.stateRoot = header.stateRoot;
        _state.finalized[header.slot] = hash;

        BlockPay memory pay;
        pay.slot = header.slot;
        pay.paidL1Slots = _paidL1Slots(current);
        pay.prover = payee;
        pay.submitter = msg.sender;
        // Cast: a length has 16 bits.
        pay.exclusiveProving = uint16(_windows.exclusive());
        bool isRevealed = current.status.revealed && hash == _candidateInTurn(current).headerHash;
        if (isRevealed) _fillRevealed(current, pay, outcome);
        rewards.settleBlock(pay);

        _record(current).penalizeFailed(current.timeline, current.status.rank, _terms());
        if (current.status.revealed) _endBond(current, payee, isRevealed, outcome);
        if (header.vote != address(0) && address(votes) != address(0)) _signal(header);
        emit Finalized(header.slot, hash, pay.prover, outcome, header.stateRoot, header.depositsEnd, now_);
    }

    /// @dev Fills in what a block of the candidate in turn, which revealed it, pays.
    function _fillRevealed(SlotInTurn memory current, BlockPay memory pay, Outcome outcome) private view {
        StoredCandidate storage candidate = _candidateInTurn(current);
        pay.sequencer = staking.ownerOf(candidate.sequencer);
        L1Slot revealedAt = _revealedAt(current);
        unchecked {
            // The reveal came within the turn. Casts: distances within a slot have 16 bits.
            pay.turnLength = uint16(_windows.commitment() + _windows.reveal());
            pay.revealDelay = uint16(L1Slot.unwrap(revealedAt) - L1Slot.unwrap(current.status.turnStart));
        }
        if (outcome == Outcome.Backup) return;
        pay.price = candidate.price;
        pay.proofDelay = pay.exclusiveProving;
        if (outcome == Outcome.Rescued) return;
        pay.prover = candidate.payee;
        unchecked {
            // The proof came in the exclusive phase.
            pay.proofDelay = uint16(L1Slot.unwrap(l1Slot()) - L1Slot.unwrap(revealedAt));
        }
    }

    /// @dev Ends the bond of the candidate in turn, which revealed. It is released for a proof in the exclusive phase.
    /// In the open phase a part is slashed that grows with each L1 slot, and in Backup all of it.
    function _endBond(SlotInTurn memory current, address payee, bool isRevealed, Outcome outcome) private {
        StoredCandidate storage candidate = _candidateInTurn(current);
        (address prover, uint96 bond) = (candidate.prover, candidate.bond);
        Timeline timeline = current.timeline;
        if (outcome == Outcome.Finalized) return timeline.release(prover, bond, escrow);
        uint96 slashed = bond;
        if (outcome == Outcome.Rescued) {
            uint256 exclusive = _windows.exclusive();
            unchecked {
                // The open phase begins with the L1 slot after the exclusive one, and is not empty here.
                uint256 delay = L1Slot.unwrap(l1Slot()) - L1Slot.unwrap(_revealedAt(current));
                slashed = Payouts.lateBondDown(bond, delay - exclusive - 1, _windows.proving() - exclusive);
            }
        }
        // A share for another block would pay for proving an empty one faster than the revealed one.
        if (!isRevealed) return timeline.slash(prover, slashed, address(0), 0, escrow);
        uint96 share = Payouts.shareDown(slashed, _limits.rescueShareBps());
        timeline.slashPart(prover, bond, slashed, payee, share, escrow);
    }

    /// @dev L1 slot of the completed reveal of the candidate in turn.
    function _revealedAt(SlotInTurn memory current) private pure returns (L1Slot) {
        return current.timeline.revealedAt(current.timeline.indexOf(current.status.rank));
    }

    /// @dev Signals the vote of a revealed block. The block stands, whatever the call does. If the call runs out of
    /// gas, the 1/64 kept here (EIP-150) cannot pay for the rest of the transaction, so a submitter cannot drop a vote.
    function _signal(Header calldata header) private {
        // slither-disable-next-line reentrancy-events
        try votes.signal(header.slot, header.vote) {} catch {}
    }
}
