// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Slot} from "../../contracts/types/Time.sol";
import {Histories, Step, Turn, World} from "../support/Histories.sol";
import {NEVER} from "../support/Reference.sol";

/// @notice Where a history of a slot stops.
enum Stop {
    Waiting,
    Proposal,
    Commitment,
    Reveal,
    /// In the reveal phase, with one of two blobs published.
    PartlyRevealed,
    ExclusiveProving,
    OpenProving,
    Halt,
    Backup,
    /// The slot is over, and nobody has settled it.
    Over
}

/// @notice A history of a slot: `proposals` candidates, of which those below `rank` failed. Bit i of `withheld` says
/// that the candidate of rank i failed after its commitment. The candidate of rank `rank`, if there is one, went on
/// until `stop`.
struct Play {
    uint256 proposals;
    uint256 rank;
    uint256 withheld;
    Stop stop;
}

/// @notice How the previous slot ends after its history.
enum Ending {
    /// With the block in turn, proven in one of the proving phases.
    Finalize,
    /// In backup, with the revealed block.
    BackupOfRevealed,
    /// In backup, with another block.
    BackupOfOther,
    Pause,
    /// It is over. It is settled by the next call, whatever that is.
    None,
    /// It is over, and `settle` was called.
    Settle
}

/// @notice A history of the previous slot.
struct Before {
    Play play;
    Ending ending;
}

/// @title Every entry point after every history of this slot and the previous one
/// @notice Histories are generated from the phase table: every way to each phase, stopped in its first or its last L1
/// slot, and every way in which a slot can end. In each of them, every entry point is called with good arguments and
/// with bad ones, each time from the same state. The reply must be that of the model in `Histories`, error by error,
/// and after a success all views must be the model's.
/// @custom:rule S1, S2, S3, S4, S5, S6, P1, P2, P3, P4, C1, C2, C3, C4, C5, V1, V2, V3, V4, F1, F2, F3, F4, B1, B2, B3
/// @custom:rule O1, G1, G2, G3, G5, E1, E2, E3, E4, E5, E6, E8, E9, E10, E11, E12, E13, E14, W2, W3, W4, W6, W7, Q17
contract PairsTest is Histories {
    /// @dev Number of entries of `_entry`.
    uint256 private constant ENTRIES = 59;
    /// @dev From this entry on, the model's state may change although the call fails.
    uint256 private constant FIRST_UNCHECKED = 42;
    /// @dev Verifies two KZG openings, and depends on the previous slot alone.
    uint256 private constant CLAIM = 58;
    /// @dev Candidates of the previous slot, and of this slot.
    uint256 private constant CANDIDATES_BEFORE = 2;
    uint256 private constant CANDIDATES = 2;

    /// @dev The state before the previous slot, encoded.
    bytes private _base;
    /// @dev First block, whose withdrawal was claimed.
    Header private _first;

    error Pair(string before, string history, bytes reason);

    /// @dev A first block consumes two deposits. Then two exits are forced, and more deposits wait than two blocks
    /// take.
    function setUp() public override {
        super.setUp();
        World memory world = _genesis();
        doing = "set-up";
        _must(_depositStep(world, 1, 10));
        _must(_depositStep(world, 2, 10));
        Play memory play = Play(1, 0, 0, Stop.ExclusiveProving);
        _run(world, play, false, false);
        _end(world, Ending.Finalize);
        _first = world.tipHeader;
        _must(_claimStep(world, _first, false));
        _must(_exitStep(world, 1, ALICE));
        _must(_exitStep(world, 2, address(this)));
        _must(_depositStep(world, 1, 1));
        for (uint256 i = 0; i < 6; ++i) {
            _must(_depositStep(world, 2, 1));
        }
        _must(_requestStep(world, 100e18));
        _compare(world);
        _base = abi.encode(world);
    }

    // ---- histories ------------------------------------------------------------------------------------------------

    /// @dev All histories of a slot with at most `most` candidates.
    function _plays(uint256 most) private pure returns (Play[] memory plays) {
        plays = new Play[](256);
        uint256 count = 0;
        for (uint256 proposals = 0; proposals <= most; ++proposals) {
            if (proposals == 0) plays[count++] = Play(0, 0, 0, Stop.Waiting);
            plays[count++] = Play(proposals, 0, 0, Stop.Proposal);
            for (uint256 rank = 0; rank <= proposals; ++rank) {
                // If all candidates failed, or if there are none, the phases before Halt are left out.
                Stop first = rank == proposals ? Stop.Halt : Stop.Commitment;
                for (uint256 withheld = 0; withheld < 1 << rank; ++withheld) {
                    for (uint256 stop = uint256(first); stop <= uint256(Stop.Over); ++stop) {
                        plays[count++] = Play(proposals, rank, withheld, Stop(stop));
                    }
                }
            }
        }
        // Memory-safe: the array only becomes shorter.
        assembly ("memory-safe") {
            mstore(plays, count)
        }
    }

    /// @dev All histories of a slot that ends.
    function _befores() private pure returns (Before[] memory befores) {
        Play[] memory plays = _plays(CANDIDATES_BEFORE);
        befores = new Before[](1024);
        uint256 count = 0;
        for (uint256 i = 0; i < plays.length; ++i) {
            Play memory play = plays[i];
            for (uint256 ending = 0; ending <= uint256(Ending.Settle); ++ending) {
                if (_canEnd(play, Ending(ending))) befores[count++] = Before(play, Ending(ending));
            }
        }
        // Memory-safe: the array only becomes shorter.
        assembly ("memory-safe") {
            mstore(befores, count)
        }
    }

    function _canEnd(Play memory play, Ending ending) private pure returns (bool) {
        Stop stop = play.stop;
        if (ending == Ending.Finalize) return stop == Stop.ExclusiveProving || stop == Stop.OpenProving;
        if (ending == Ending.BackupOfRevealed) return stop == Stop.Backup && play.rank < play.proposals;
        if (ending == Ending.BackupOfOther) return stop == Stop.Backup;
        // A pause voids whatever there is, so one candidate shows what two would.
        if (ending == Ending.Pause) return stop != Stop.Over && play.proposals < 2;
        // Only a slot with candidates is settled.
        return stop == Stop.Over && (ending == Ending.None || play.proposals != 0);
    }

    /// @dev Plays a history in the slot in turn. `late` chooses the last L1 slot of each phase instead of the first. If
    /// `leaving`, the owner of the best candidate leaves after the proposals. Returns false if the history is
    /// impossible from here.
    function _run(World memory world, Play memory play, bool late, bool leaving) private returns (bool) {
        Turn memory turn = _turn(world);
        if (play.stop == Stop.Waiting) {
            if (turn.status.phase != Phase.Waiting) return false;
            if (late) _warp(turn.start - 1);
            return true;
        }
        // A call of the slot before may have been late.
        if (turn.status.phase > Phase.Proposal) return false;
        if (_now() < turn.start) _warp(turn.start);
        if (play.proposals != 0 && !_propose(world, turn, play.proposals)) return false;
        if (leaving && play.proposals != 0) _must(_leaveStep(world, world.bidders[0].sequencer));
        if (play.stop == Stop.Proposal) {
            if (late) _warp(turn.start + PROPOSAL - 1);
            return true;
        }
        for (uint256 rank = 0; rank < play.rank; ++rank) {
            _advance(world, Phase.Commitment);
            if ((play.withheld >> rank) & 1 != 0) {
                _must(_commitStep(world, _turn(world), _quoteFor(world, rank), true));
            }
            // The turn ends with this phase.
            _warp(_turn(world).status.end);
        }
        if (play.rank < play.proposals && _takeTurn(world, play, late)) return true;
        return _conclude(world, play, late);
    }

    /// @dev The first eligible sequencers propose, in the second L1 slot of the slot at the earliest: only then the
    /// seed can always be proven.
    function _propose(World memory world, Turn memory turn, uint256 proposals) private returns (bool) {
        if (_now() == turn.start) _warp(turn.start + 1);
        uint256 done = 0;
        for (uint256 i = 0; i < 4 && done < proposals; ++i) {
            if (world.exitAt[i] != 0) continue;
            _must(
                _proposeStep(
                    world, _turn(world), i, _candidateHeader(world, turn.slot, i), false, done == 0, attesters[i]
                )
            );
            ++done;
        }
        return done == proposals;
    }

    function _candidateHeader(World memory world, uint256 slot, uint256 i) private view returns (Header memory header) {
        header = _blockOf(world, slot, string.concat("candidate ", vm.toString(i)));
        header.vote = PAYLOAD;
    }

    /// @dev The candidate in turn goes on until the history stops. Returns false if it stops after the proving phases.
    function _takeTurn(World memory world, Play memory play, bool late) private returns (bool) {
        _advance(world, Phase.Commitment);
        if (late) _last(world);
        if (play.stop == Stop.Commitment) return true;
        _must(_commitStep(world, _turn(world), _quoteFor(world, play.rank), true));
        if (late) _last(world);
        if (play.stop == Stop.Reveal) return true;
        Header memory header = world.bidders[play.rank].header;
        if (play.stop == Stop.PartlyRevealed) {
            bytes32[] memory blobs = new bytes32[](1);
            blobs[0] = header.blobHashes[0];
            _must(_revealStep(world, _turn(world), header, blobs));
            return true;
        }
        _must(_revealStep(world, _turn(world), header, header.blobHashes));
        if (play.stop == Stop.OpenProving) _advance(world, Phase.OpenProving);
        if (play.stop > Stop.OpenProving) return false;
        if (late) _last(world);
        return true;
    }

    function _conclude(World memory world, Play memory play, bool late) private returns (bool) {
        if (play.stop == Stop.Halt) _advance(world, Phase.Halt);
        else _advance(world, Phase.Backup);
        if (play.stop != Stop.Over) {
            if (late) _last(world);
            return true;
        }
        _warp(_turn(world).status.end);
        // Settled long after it is over, with idle slots in between.
        if (late) _warp(_now() + 5 * IDLE + 3);
        return true;
    }

    /// @dev Lets time pass until the phase begins.
    function _advance(World memory world, Phase phase) private {
        Turn memory turn = _turn(world);
        while (turn.status.phase != phase) {
            _warp(turn.status.end);
            turn = _turn(world);
        }
    }

    /// @dev The last L1 slot of the phase.
    function _last(World memory world) private {
        _warp(_turn(world).status.end - 1);
    }

    /// @dev Ends the previous slot.
    function _end(World memory world, Ending ending) private {
        if (ending == Ending.None) return;
        if (ending == Ending.Settle) return _must(_settleStep(world, _turn(world), false));
        if (ending == Ending.Pause) return _must(_pauseStep(world, _turn(world), guardian));
        Turn memory turn = _turn(world);
        if (ending == Ending.BackupOfOther) {
            Header memory other = _blockOf(world, turn.slot, "other");
            return _must(_backupStep(world, _turn(world), other, rescuer, false, other.blobHashes));
        }
        Header memory header = world.bidders[turn.status.rank].header;
        if (ending == Ending.Finalize) return _must(_finalizeStep(world, _turn(world), header, rescuer, false, relay));
        _must(_backupStep(world, _turn(world), header, rescuer, false, new bytes32[](0)));
    }

    // ---- entry points ---------------------------------------------------------------------------------------------

    /// @dev Entry `e`, with its name. Arguments are for the slot in turn unless the name says otherwise.
    function _entry(World memory world, Turn memory turn, uint256 e) private returns (string memory, Step memory) {
        if (e < 8) return _proposal(world, turn, e);
        if (e < 17) return _commitment(world, turn, e);
        if (e < 24) return _reveal(world, turn, e);
        if (e < 31) return _finalization(world, turn, e);
        if (e < 42) return _backup(world, turn, e);
        return _other(world, turn, e);
    }

    function _proposal(World memory world, Turn memory turn, uint256 e) private returns (string memory, Step memory) {
        // Candidates of a slot that is over are none of the slot in turn.
        uint256 count = turn.expired ? 0 : world.bidders.length;
        if (e < 4) {
            Header memory header = _candidateHeader(world, turn.slot, e);
            return ("propose", _proposeStep(world, turn, e, header, false, count == 0, attesters[e]));
        }
        uint256 i = count == 0 ? 3 : world.bidders[count - 1].sequencer;
        Header memory mine = _candidateHeader(world, turn.slot, i);
        if (e == 4) return ("propose nothing", _proposeStep(world, turn, i, mine, true, count == 0, attesters[i]));
        if (e == 5) return ("propose for another", _proposeStep(world, turn, i, mine, false, count == 0, relay));
        if (e == 6) return ("propose without a seed", _proposeStep(world, turn, i, mine, false, false, attesters[i]));
        return
            ("propose for an earlier slot", _proposeStep(world, turn, i, _old(world, turn), false, true, attesters[i]));
    }

    /// @dev A header of an earlier slot.
    function _old(World memory world, Turn memory turn) private view returns (Header memory) {
        if (turn.expired) return world.bidders[0].header;
        return world.oldHeader.chunks == 0 ? _first : world.oldHeader;
    }

    /// @dev The rank in turn, or the last one if there is none.
    function _rank(World memory world, Turn memory turn) private pure returns (uint256) {
        uint256 rank = turn.expired ? turn.last.rank : turn.status.rank;
        return rank < world.bidders.length ? rank : world.bidders.length - 1;
    }

    function _commitment(World memory world, Turn memory turn, uint256 e)
        private
        view
        returns (string memory, Step memory)
    {
        Quote memory quote = _anyQuote(world, turn);
        (int256 lowest, int256 highest) = _prices(world, turn);
        // Casts: prices have 96 bits, bonds of the test as well.
        if (e == 8) return ("commit", _commitStep(world, turn, quote, true));
        if (e == 9) return ("commit unsigned", _commitStep(world, turn, quote, false));
        if (e == 10) {
            quote.price = int128(lowest);
            return ("commit for the lowest price", _commitStep(world, turn, quote, true));
        }
        if (e == 11) {
            quote.price = int128(highest + 1);
            return ("commit above the highest price", _commitStep(world, turn, quote, true));
        }
        if (e == 12) {
            quote.price = int128(lowest - 1);
            return ("commit below the lowest price", _commitStep(world, turn, quote, true));
        }
        if (e == 13) {
            quote.bond = 1;
            return ("commit with a low bond", _commitStep(world, turn, quote, true));
        }
        if (e == 14) {
            quote.bond = uint128(world.escrow[4].free + 60e18);
            return ("commit with requested money", _commitStep(world, turn, quote, true));
        }
        if (e == 15) {
            quote.bond = uint128(world.escrow[4].free + 101e18);
            return ("commit with more than there is", _commitStep(world, turn, quote, true));
        }
        quote.headerHash = _hash(_old(world, turn));
        return ("commit for another header", _commitStep(world, turn, quote, true));
    }

    /// @dev A quote for the candidate in turn, for some other candidate, or for a slot without candidates.
    function _anyQuote(World memory world, Turn memory turn) private view returns (Quote memory quote) {
        if (world.bidders.length != 0) return _quoteFor(world, _rank(world, turn));
        quote = _quote(0, keccak256("none"));
        quote.slot = Slot.wrap(uint64(turn.slot));
    }

    /// @dev The header of the candidate in turn, or of another one.
    function _anyHeader(World memory world, Turn memory turn) private view returns (Header memory) {
        if (world.bidders.length != 0) return world.bidders[_rank(world, turn)].header;
        return _blockOf(world, turn.slot, "none");
    }

    function _none() private pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function _reveal(World memory world, Turn memory turn, uint256 e)
        private
        view
        returns (string memory, Step memory)
    {
        Header memory header = _anyHeader(world, turn);
        bytes32[] memory one = new bytes32[](1);
        if (e == 17) return ("reveal", _revealStep(world, turn, header, header.blobHashes));
        if (e == 18) {
            one[0] = header.blobHashes[0];
            return ("reveal the first blob", _revealStep(world, turn, header, one));
        }
        if (e == 19) {
            one[0] = header.blobHashes[1];
            return ("reveal the second blob", _revealStep(world, turn, header, one));
        }
        if (e == 20) return ("reveal nothing", _revealStep(world, turn, header, _none()));
        if (e == 21) {
            Header memory other = _blockOf(world, turn.slot, "other");
            return ("reveal another header", _revealStep(world, turn, other, other.blobHashes));
        }
        if (e == 22 && world.bidders.length > 1) {
            header = world.bidders[(_rank(world, turn) + 1) % world.bidders.length].header;
        }
        if (e == 22) return ("reveal for another rank", _revealStep(world, turn, header, header.blobHashes));
        header = _old(world, turn);
        return ("reveal for an earlier slot", _revealStep(world, turn, header, header.blobHashes));
    }

    function _finalization(World memory world, Turn memory turn, uint256 e)
        private
        view
        returns (string memory, Step memory)
    {
        Header memory header = _anyHeader(world, turn);
        if (e == 24) return ("finalize", _finalizeStep(world, turn, header, payee, false, prover));
        if (e == 25) return ("finalize for another payee", _finalizeStep(world, turn, header, rescuer, false, relay));
        if (e == 26) return ("finalize for the sender", _finalizeStep(world, turn, header, relay, false, relay));
        if (e == 27) return ("finalize for nobody", _finalizeStep(world, turn, header, address(0), false, relay));
        if (e == 28) return ("finalize without a proof", _finalizeStep(world, turn, header, relay, true, relay));
        if (e == 29) {
            Header memory other = _blockOf(world, turn.slot, "other");
            return ("finalize another header", _finalizeStep(world, turn, other, relay, false, relay));
        }
        return ("finalize for an earlier slot", _finalizeStep(world, turn, _old(world, turn), relay, false, relay));
    }

    function _backup(World memory world, Turn memory turn, uint256 e)
        private
        view
        returns (string memory, Step memory)
    {
        Header memory header = _anyHeader(world, turn);
        if (e == 31) return ("back up the block in turn", _backupStep(world, turn, header, rescuer, false, _none()));
        if (e == 32) {
            return ("back up in turn, forged", _backupStep(world, turn, header, rescuer, true, header.blobHashes));
        }
        if (e == 33) {
            header = _old(world, turn);
            return ("back up for an earlier slot", _backupStep(world, turn, header, relay, false, header.blobHashes));
        }
        header = _blockOf(world, turn.slot, "other");
        bytes32[] memory blobs = header.blobHashes;
        if (e == 34) return ("back up another block", _backupStep(world, turn, header, relay, false, blobs));
        if (e == 35) return ("back up another block, forged", _backupStep(world, turn, header, relay, true, blobs));
        if (e == 36) return ("back up without blobs", _backupStep(world, turn, header, relay, false, _none()));
        if (e == 37) {
            header.vote = PAYLOAD;
            return ("back up with a vote", _backupStep(world, turn, header, relay, false, blobs));
        }
        if (e == 38) {
            header.parent = "another";
            return ("back up on another parent", _backupStep(world, turn, header, relay, false, blobs));
        }
        if (e == 39) {
            _take(world, header, 0, 0);
            return ("back up without operations", _backupStep(world, turn, header, relay, false, blobs));
        }
        if (e == 40) {
            _take(world, header, MOST_DEPOSITS, MOST_EXITS);
            ++header.depositsEnd;
            return ("back up too many operations", _backupStep(world, turn, header, relay, false, blobs));
        }
        header.exitsChain = "another";
        return ("back up on another queue", _backupStep(world, turn, header, relay, false, blobs));
    }

    function _other(World memory world, Turn memory turn, uint256 e) private view returns (string memory, Step memory) {
        if (e == 42) return ("settle", _settleStep(world, turn, false));
        if (e == 43) return ("sync", _settleStep(world, turn, true));
        if (e == 44) return ("pause", _pauseStep(world, turn, guardian));
        if (e == 45) return ("pause as a stranger", _pauseStep(world, turn, relay));
        uint256 best = world.bidders.length == 0 ? 0 : world.bidders[0].sequencer;
        if (e == 46) return ("leave", _leaveStep(world, best));
        if (e == 47) return ("withdraw the stake", _withdrawStep(world, turn, best));
        if (e == 48) return ("request the free bond money", _requestStep(world, world.escrow[4].free));
        if (e == 49) return ("withdraw bond money", _takeBackStep(world));
        if (e == 50) return ("set rates", _ratesStep(world, turn, _higher(), governance));
        if (e == 51) return ("set rates as a stranger", _ratesStep(world, turn, _higher(), relay));
        if (e == 52) return ("claim rewards", _claimRewardStep(world, 6));
        if (e == 53) return ("force an exit", _exitStep(world, 1, ALICE));
        if (e == 54) return ("force another's exit", _exitStep(world, 2, relay));
        if (e == 55) return ("deposit", _depositStep(world, 1, 4));
        if (e == 56) return ("claim again", _claimStep(world, _first, true));
        if (e == 57) {
            return ("claim from no final block", _claimStep(world, _blockOf(world, turn.slot, "none"), false));
        }
        return ("claim", _claimStep(world, world.tipHeader, world.tipClaimed));
    }

    /// @dev Whether the entry has bad arguments that nobody looks at in this phase. The entries with good arguments and
    /// those for an earlier slot are never needless.
    function _isNeedless(Phase phase, uint256 e) private pure returns (bool) {
        if (e < 7) return e != 0 && phase != Phase.Proposal;
        if (e > 8 && e < 16) return phase != Phase.Commitment;
        if (e > 17 && e < 23) return phase != Phase.Reveal;
        if (e > 24 && e < 30) return phase != Phase.ExclusiveProving && phase != Phase.OpenProving;
        return e > 34 && e < 42 && phase != Phase.Backup;
    }

    /// @dev Other rates than at first.
    function _higher() private pure returns (Rates memory rates) {
        rates = _rates();
        (rates.rewardPerL1Slot, rates.sequencerBps, rates.submitterBps) = (2 * PER_L1_SLOT, 1000, 2000);
    }

    // ---- pairs ----------------------------------------------------------------------------------------------------

    /// @dev Entries that succeed in some state.
    function _successes() private pure returns (uint256 entries) {
        uint8[28] memory list =
            [0, 1, 2, 3, 8, 10, 14, 17, 18, 19, 22, 24, 25, 26, 31, 34, 42, 43, 44, 46, 47, 48, 49, 50, 52, 53, 55, 58];
        for (uint256 i = 0; i < list.length; ++i) {
            entries |= 1 << list[i];
        }
    }

    /// @dev All entries after all histories of this slot, after the histories of the previous slot whose number is
    /// `part` modulo `parts`. Returns the entries that succeeded.
    function _pairs(uint256 part, uint256 parts) private returns (uint256 succeeded) {
        // All pairs together need more gas than a test has.
        vm.pauseGasMetering();
        for (uint256 p = part; p < _befores().length; p += parts) {
            uint256 snapshot = vm.snapshotState();
            succeeded |= this.previous(p);
            vm.revertToStateAndDelete(snapshot);
        }
    }

    /// @notice Plays history `p` of the previous slot, and then all of this slot.
    function previous(uint256 p) external returns (uint256 succeeded) {
        World memory world = abi.decode(_base, (World));
        Before memory before = _befores()[p];
        uint256 chance = uint256(keccak256(abi.encode(p)));
        if (!_run(world, before.play, chance & 1 != 0, chance & 2 != 0)) return 0;
        if (chance & 4 != 0) _must(_ratesStep(world, _turn(world), _higher(), governance));
        _end(world, before.ending);
        _compare(world);
        bytes memory encoded = abi.encode(world);
        uint256 count = _plays(CANDIDATES).length;
        for (uint256 t = 0; t < count; ++t) {
            uint256 snapshot = vm.snapshotState();
            try this.current(encoded, p, t) returns (uint256 entries) {
                succeeded |= entries;
            } catch (bytes memory reason) {
                revert Pair(
                    _describe(before.play, uint256(before.ending)), _describe(_plays(CANDIDATES)[t], 99), reason
                );
            }
            vm.revertToStateAndDelete(snapshot);
        }
    }

    /// @notice Plays history `t` of this slot, and then makes each call.
    function current(bytes calldata before, uint256 p, uint256 t) external returns (uint256 succeeded) {
        World memory world = abi.decode(before, (World));
        uint256 chance = uint256(keccak256(abi.encode(p, t)));
        doing = "history";
        if (!_run(world, _plays(CANDIDATES)[t], chance & 1 != 0, chance & 2 != 0)) return 0;
        doing = "state";
        _compare(world);
        bytes memory encoded = abi.encode(world);
        Turn memory turn = _turn(world);
        uint256 snapshot = vm.snapshotState();
        for (uint256 e = 0; e < ENTRIES; ++e) {
            if (_isNeedless(turn.status.phase, e) || (e == CLAIM && t != 0 && chance & 28 != 0)) continue;
            (string memory name, Step memory step) = _entry(world, turn, e);
            doing = name;
            bool ok = _try(step);
            if (ok) {
                _compare(world);
                vm.revertToState(snapshot);
                succeeded |= 1 << e;
            }
            if (ok || turn.expired || e >= FIRST_UNCHECKED) world = abi.decode(encoded, (World));
        }
        vm.deleteStateSnapshot(snapshot);
    }

    function _describe(Play memory play, uint256 ending) private pure returns (string memory) {
        string memory history = string.concat(
            vm.toString(play.proposals),
            " proposals, rank ",
            vm.toString(play.rank),
            ", withheld ",
            vm.toString(play.withheld),
            ", stop ",
            vm.toString(uint256(play.stop))
        );
        return ending == 99 ? history : string.concat(history, ", ending ", vm.toString(ending));
    }

    function test_everyCallAfterEveryHistory_first() public {
        _all(0);
    }

    function test_everyCallAfterEveryHistory_second() public {
        _all(1);
    }

    function test_everyCallAfterEveryHistory_third() public {
        _all(2);
    }

    function test_everyCallAfterEveryHistory_fourth() public {
        _all(3);
    }

    /// @dev A quarter of the pairs. Every entry succeeds in some of them.
    function _all(uint256 part) private {
        assertEq(_pairs(part, 4), _successes(), "entries that succeed");
    }
}
