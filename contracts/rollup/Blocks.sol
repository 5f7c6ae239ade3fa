// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockPay} from "../interfaces/IRewards.sol";
import {Header, IRollup, Outcome, Phase} from "../interfaces/IRollup.sol";
import {Statement} from "../interfaces/IStateTransitionVerifier.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Payouts} from "../libraries/Payouts.sol";
import {Location} from "../libraries/Phases.sol";
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
        Location memory l = _enter(header.slot);
        _requirePhase(l, Phase.Reveal);
        uint256 position = l.timeline.positionOf(l.position.turn);
        bytes32 expected = _record(l).candidates[position].headerHash;
        bytes32 hash = Hashing.header(header);
        if (hash != expected) revert WrongHeader(expected, hash);
        _checkHeader(l, header);

        uint256 before = l.timeline.blobsSeen();
        uint256 seen = Blobs.seen(header.blobHashes, before);
        if (seen == before) revert NoNewBlob();
        bool complete = seen == Blobs.all(header.blobHashes.length);
        L1Slot now_ = l1Slot();
        Timeline t = l.timeline.withBlobsSeen(seen);
        if (complete) t = t.withReveal(position, now_);
        _record(l).timeline = t;
        // casting: one bit for each of at most 16 blobs
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Revealed(header.slot, hash, header, uint16(seen), complete, now_);
    }

    /// @inheritdoc IRollup
    function finalize(Header calldata header, address payee, bytes calldata proof) external nonReentrant {
        Location memory l = _enter(header.slot);
        Phase phase = l.position.phase;
        if (phase != Phase.ExclusiveProving && phase != Phase.OpenProving) {
            revert WrongPhase(Phase.ExclusiveProving, phase);
        }
        bytes32 hash = Hashing.header(header);
        bytes32 expected = _turn(l).headerHash;
        if (hash != expected) revert WrongHeader(expected, hash);
        _verify(l.cursor, header, hash, payee, proof);
        _finish(l, header, hash, payee, phase == Phase.ExclusiveProving ? Outcome.Finalized : Outcome.Rescued);
    }

    /// @inheritdoc IRollup
    function finalizeBackup(Header calldata header, address payee, bytes calldata proof) external nonReentrant {
        Location memory l = _enter(header.slot);
        _requirePhase(l, Phase.Backup);
        bytes32 hash = Hashing.header(header);
        if (!l.position.revealed || hash != _turn(l).headerHash) {
            _checkHeader(l, header);
            if (header.vote != address(0)) revert VoteNotZero();
            Blobs.requireAll(header.blobHashes);
            emit BackupBlock(header.slot, hash, header);
        }
        _verify(l.cursor, header, hash, payee, proof);
        _finish(l, header, hash, payee, Outcome.Backup);
    }

    /// @inheritdoc IRollup
    function domain() public view returns (uint256) {
        return Hashing.ledgerDomain(address(this));
    }

    // ---- checks ---------------------------------------------------------------------------------------------------

    /// @dev What a header must fulfil apart from its proof and its data. Its slot is the one in turn.
    function _checkHeader(Location memory l, Header calldata header) private view {
        bytes32 parent = _state.finalized[l.cursor.tipSlot()];
        if (header.parent != parent) revert WrongParent(parent, header.parent);
        if (header.chunks == 0 || header.chunks > _limits.chunks()) {
            revert ChunksOutOfRange(_limits.chunks(), header.chunks);
        }
        // The constructor checked that no count exceeds maxBlobs.
        uint256 blobs = _blobCount(header.chunks);
        if (header.blobHashes.length != blobs) revert WrongBlobCount(blobs, header.blobHashes.length);
        if (header.committeeDigest != 0) revert CommitteeDigestNotZero();
        // casting: it has 16 bits
        // forge-lint: disable-start(unsafe-typecast)
        bridge.checkConsumption(
            l.cursor.depositsEnd(), header.depositsEnd, uint64(_limits.deposits()), l.timeline.previousStart()
        );
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @dev Reverts unless the proof shows that the block leads from the tip's state to the header's.
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
            // consumption was checked: it doesn't go back
            depositCount: header.depositsEnd - depositsFrom,
            feeRecipient: header.feeRecipient,
            payee: payee,
            domain: domain()
        });
        verifier.verify(statement, proof);
    }

    // ---- the slot's end -------------------------------------------------------------------------------------------

    /// @dev The slot ends with a block: moves the tip, then settles bonds and penalties, then credits rewards, then signals the vote.
    function _finish(Location memory l, Header calldata header, bytes32 hash, address payee, Outcome outcome) private {
        Timeline t = l.timeline;
        L1Slot now_ = l1Slot();
        Record storage record = _record(l);
        _state.cursor =
            l.cursor.closed(t, _windows.nextStart(t.start(), now_.plus(1))).withTip(header.slot, header.depositsEnd);
        _state.stateRoot = header.stateRoot;
        _state.finalized[header.slot] = hash;

        record.failed(t, l.position.turn, _terms());
        BlockPay memory pay;
        pay.slot = header.slot;
        pay.prover = payee;
        pay.submitter = msg.sender;
        if (l.position.revealed) {
            uint256 position = t.positionOf(l.position.turn);
            StoredCandidate storage candidate = record.candidates[position];
            if (outcome == Outcome.Finalized) {
                pay.prover = candidate.payee;
                t.release(candidate.prover, candidate.bond, escrow);
            } else {
                uint96 bond = candidate.bond;
                t.slash(candidate.prover, bond, payee, Payouts.shareDown(bond, _limits.rescueShareBps()), escrow);
            }
            if (hash == candidate.headerHash) {
                pay.sequencer = staking.ownerOf(candidate.sequencer);
                if (outcome != Outcome.Backup) pay.price = candidate.price;
                _timeReveal(t, position, pay);
            }
        }
        rewards.settleBlock(pay);
        if (header.vote != address(0) && address(votes) != address(0)) _signal(header);
        emit Finalized(header.slot, hash, pay.prover, outcome, header.stateRoot, header.depositsEnd, now_);
    }

    /// @dev How long the candidate at a physical position, which committed and revealed within the phase, took to reveal.
    function _timeReveal(Timeline t, uint256 position, BlockPay memory pay) private view {
        unchecked {
            // the reveal came within revealPhase, which has 16 bits, after the commitment
            // forge-lint: disable-start(unsafe-typecast)
            pay.revealPhase = uint16(_windows.reveal());
            pay.revealTook = uint16(L1Slot.unwrap(t.revealedAt(position)) - L1Slot.unwrap(t.committedAt(position)));
            // forge-lint: disable-end(unsafe-typecast)
        }
    }

    /// @dev Counts the vote of a block that an elected sequencer revealed. Whatever the payload does, the block stands. What is left of the gas where
    /// the call ran out of it (1/64) doesn't pay for the rest of this transaction, so that a submitter can't suppress a vote.
    function _signal(Header calldata header) private {
        // slither-disable-next-line reentrancy-events
        try votes.signal(header.slot, header.vote) {} catch {}
    }
}
