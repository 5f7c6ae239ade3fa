// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockPay} from "../interfaces/IRewards.sol";
import {Header, IRollup, Outcome, Phase} from "../interfaces/IRollup.sol";
import {Statement} from "../interfaces/IStateTransitionVerifier.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Hashing} from "../libraries/Hashing.sol";
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
    using Settlement for Record;
    using Settlement for Timeline;

    /// @inheritdoc IRollup
    function reveal(Header calldata header) external nonReentrant {
        SlotInTurn memory current = _enterSlot(header.slot);
        _requirePhase(current, Phase.Reveal);
        uint256 index = current.timeline.indexOf(current.status.rank);
        bytes32 expected = _record(current).candidates[index].headerHash;
        bytes32 hash = Hashing.header(header);
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
        // Cast: one bit for each of at most 16 blobs.
        emit Revealed(header.slot, hash, header, uint16(seen), complete, now_);
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
        bytes32 hash = Hashing.header(header);
        if (!current.status.revealed || hash != _candidateInTurn(current).headerHash) {
            _checkHeader(current, header);
            if (header.vote != address(0)) revert VoteNotZero();
            Blobs.requireAll(header.blobHashes);
            emit BackupBlock(header.slot, hash, header);
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
        // Cast: the limit has 16 bits.
        bridge.checkConsumption(
            current.cursor.depositsEnd(),
            header.depositsEnd,
            uint64(_limits.deposits()),
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
        bytes32 chainFrom = bridge.chain(depositsFrom);
        Statement memory statement = Statement({
            headerHash: hash,
            parentRoot: _state.stateRoot,
            stateRoot: header.stateRoot,
            chunks: header.chunks,
            blobHashes: header.blobHashes,
            depositsFrom: chainFrom,
            depositsTo: header.depositsEnd == depositsFrom ? chainFrom : bridge.chain(header.depositsEnd),
            // The consumption was checked: it never goes back.
            depositCount: header.depositsEnd - depositsFrom,
            feeRecipient: header.feeRecipient,
            payee: payee,
            domain: domain()
        });
        verifier.verify(statement, proof);
    }

    // ---- the slot's end -------------------------------------------------------------------------------------------

    /// @dev Ends the slot with a block: updates the last finalized block, then settles bonds and penalties, then
    /// credits rewards, then signals the vote.
    function _finish(SlotInTurn memory current, Header calldata header, bytes32 hash, address payee, Outcome outcome)
        private
    {
        Timeline timeline = current.timeline;
        L1Slot now_ = l1Slot();
        Record storage record = _record(current);
        _state.cursor = current.cursor.withSlotSettled(timeline, _windows.nextStart(timeline.start(), now_.plus(1)))
            .withTip(header.slot, header.depositsEnd);
        _state.stateRoot = header.stateRoot;
        _state.finalized[header.slot] = hash;

        record.penalizeFailed(timeline, current.status.rank, _terms());
        BlockPay memory pay;
        pay.slot = header.slot;
        pay.prover = payee;
        pay.submitter = msg.sender;
        if (current.status.revealed) {
            uint256 index = timeline.indexOf(current.status.rank);
            StoredCandidate storage candidate = record.candidates[index];
            if (outcome == Outcome.Finalized) {
                pay.prover = candidate.payee;
                timeline.release(candidate.prover, candidate.bond, escrow);
            } else {
                uint96 bond = candidate.bond;
                uint96 share = Payouts.shareDown(bond, _limits.rescueShareBps());
                timeline.slash(candidate.prover, bond, payee, share, escrow);
            }
            if (hash == candidate.headerHash) {
                pay.sequencer = staking.ownerOf(candidate.sequencer);
                if (outcome != Outcome.Backup) pay.price = candidate.price;
                _setRevealTimes(timeline, index, pay);
            }
        }
        rewards.settleBlock(pay);
        if (header.vote != address(0) && address(votes) != address(0)) _signal(header);
        emit Finalized(header.slot, hash, pay.prover, outcome, header.stateRoot, header.depositsEnd, now_);
    }

    /// @dev Fills in how long the candidate at `index`, which committed and revealed, took to reveal.
    function _setRevealTimes(Timeline timeline, uint256 index, BlockPay memory pay) private view {
        unchecked {
            // The reveal came after the commitment and within revealPhase, which has 16 bits.
            pay.revealPhase = uint16(_windows.reveal());
            pay.revealDuration =
                uint16(L1Slot.unwrap(timeline.revealedAt(index)) - L1Slot.unwrap(timeline.committedAt(index)));
        }
    }

    /// @dev Signals the vote of a revealed block. The block stands, whatever the call does. If the call runs out of
    /// gas, the 1/64 kept here (EIP-150) cannot pay for the rest of the transaction, so a submitter cannot drop a vote.
    function _signal(Header calldata header) private {
        // slither-disable-next-line reentrancy-events
        try votes.signal(header.slot, header.vote) {} catch {}
    }
}
