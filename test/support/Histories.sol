// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge, Lane, WithdrawalProof} from "../../contracts/interfaces/IBridge.sol";
import {EscrowAccount, IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {Overview, SlotView} from "../../contracts/interfaces/IReader.sol";
import {IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase, Quote, Tip} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Sequencer, Status} from "../../contracts/interfaces/IStaking.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Line, Lines} from "./Curve.sol";
import {Fixture} from "./Fixture.sol";
import {Pay, PayFacts} from "./Pay.sol";
import {CandidateTimes, NEVER, Reference} from "./Reference.sol";
import {VerifierDouble} from "./VerifierDouble.sol";

/// @notice A candidate. Its prover is always `prover` and its payee `payee`.
struct Bidder {
    /// Index of the sequencer: its id less one.
    uint256 sequencer;
    uint256 score;
    Header header;
    bytes32 headerHash;
    CandidateTimes times;
    /// Bit set of the blobs that were seen since the latest commitment.
    uint256 seen;
    uint256 bond;
    int256 price;
}

struct Balance {
    uint256 free;
    uint256 locked;
    uint256 withdrawing;
    uint256 withdrawableFrom;
}

/// @notice A lane of the Bridge. `chains` begins with the hash of the empty queue.
struct Queued {
    bytes32[] chains;
    uint256[] times;
    uint256 consumed;
}

/// @notice What the contracts must say at any time, in plain numbers. A slot is the one with candidates, or the one
/// after the last settled slot.
struct World {
    uint256 slot;
    uint256 start;
    uint256 previousStart;
    Bidder[] bidders;
    /// Start of the slot after the last settled one, and the time without a block until then.
    uint256 settledUntil;
    uint256 sinceTip;
    // The last block.
    Header tipHeader;
    bytes32 tipHash;
    bytes32 stateRoot;
    uint256 height;
    uint256 tipSlot;
    bool tipClaimed;
    /// A header of the slot before.
    Header oldHeader;
    // The pause.
    uint256 pausedUntil;
    uint256 pausableFrom;
    // Accounts.
    uint256[4] stakes;
    uint256[4] exitAt;
    bool[4] paid;
    Balance[8] escrow;
    uint256[8] owed;
    uint256[8] tokens;
    uint256 burned;
    uint256 inEscrow;
    uint256 inStaking;
    uint256 inRewards;
    uint256 inBridge;
    uint256 votes;
    // Rates, and those from slot `nextFrom` on; no others follow if it is zero.
    Rates rates;
    Rates nextRates;
    uint256 nextFrom;
    // The Bridge.
    Queued deposits;
    Queued exits;
    uint256 supply;
    /// By account, from 1.
    uint256[3] exitableFrom;
}

/// @notice A row of the phase table, for one slot: the phase lasts until `end`, exclusive.
struct Span {
    Phase phase;
    uint256 rank;
    /// Start of the turn of the candidate at `rank`; zero if there is none.
    uint256 turnStart;
    uint256 end;
}

/// @notice The slot in turn.
struct Turn {
    uint256 slot;
    uint256 start;
    uint256 previousStart;
    /// Time without a block when the slot starts.
    uint256 sinceTip;
    Span status;
    /// Whether the slot with candidates is over. Then `last` is its last phase, and the next slot starts at `next`.
    bool expired;
    Span last;
    uint256 next;
}

/// @notice A call, and the error that the model expects; empty if it expects success.
struct Step {
    address sender;
    address to;
    bytes data;
    bytes32[] blobs;
    bytes err;
}

/// @title A deployment beside a small model of it
/// @notice Each function makes one call for the contracts and does the same to the model. The model stores the history
/// of one slot and walks over L1 slots, so it shares nothing with the contracts but types. After an error, the model's
/// state has no meaning.
abstract contract Histories is Fixture {
    using Lines for Line;

    address internal constant PAYLOAD = address(0xbeef);
    address internal constant ALICE = address(0xa11ce);
    address internal constant TARGET = address(0xc1);
    /// @dev The withdrawal that every block contains: element, L2 units.
    uint256 internal constant ELEMENT = 5;
    uint64 internal constant WITHDRAWN = 3;
    uint256 internal constant UNIT = 1e9;

    // Lengths in L1 slots, which differ from each other where they can, and what the model needs of the other
    // parameters.
    uint256 internal constant PROPOSAL = 4;
    uint256 internal constant COMMITMENT = 2;
    uint256 internal constant REVEAL = 2;
    uint256 internal constant PROVING = 6;
    uint256 internal constant EXCLUSIVE = 3;
    uint256 internal constant HALT = 2;
    uint256 internal constant BACKUP = 7;
    uint256 internal constant SEED_DELAY = 4;
    uint256 internal constant SEED_GRID = 7;
    uint256 internal constant PAUSE = 20;
    uint256 internal constant MOST_CANDIDATES = 3;
    uint256 internal constant MOST_DEPOSITS = 2;
    uint256 internal constant MOST_EXITS = 1;
    uint256 internal constant MOST_CHUNKS = 12;
    uint256 internal constant RESCUE_SHARE = 4000;
    uint256 internal constant LEAST_BOND = 10e18;
    uint256 internal constant ABANDON_PENALTY = 25e18;
    uint256 internal constant WITHHOLD_PENALTY = 30e18;

    /// @dev Owners of the four sequencers, prover, rescuer, payee, relay.
    address[8] internal actors;
    /// @dev Name of what the test does, for messages: at most 31 bytes, so that it takes one word.
    string internal doing;

    bytes32 private _line;
    bytes private _commitment;
    bytes private _opening;
    bytes32 private _withdrawal;
    bytes32 private _target;

    error Broken(string doing, string what, uint256 expected, uint256 actual);
    error WrongReply(string doing, bytes expected, bytes actual);

    /// @dev Casts: small numbers, and amounts of 96 bits.
    function _parameters() internal pure override returns (Parameters memory parameters) {
        parameters.proposalPhase = uint16(PROPOSAL);
        parameters.commitmentPhase = uint16(COMMITMENT);
        parameters.revealPhase = uint16(REVEAL);
        parameters.provingPhase = uint16(PROVING);
        parameters.exclusiveProving = uint16(EXCLUSIVE);
        parameters.haltPhase = uint16(HALT);
        parameters.backupPhase = uint16(BACKUP);
        parameters.seedDelay = uint16(SEED_DELAY);
        parameters.seedGrid = uint16(SEED_GRID);
        parameters.pauseLength = uint16(PAUSE);
        parameters.stallAfter = 62;
        parameters.maxStall = 10;
        parameters.maxCandidates = uint8(MOST_CANDIDATES);
        parameters.maxBlobs = 6;
        parameters.maxChunks = uint16(MOST_CHUNKS);
        parameters.maxDeposits = uint16(MOST_DEPOSITS);
        parameters.maxExits = uint16(MOST_EXITS);
        parameters.rescueShareBps = uint16(RESCUE_SHARE);
        parameters.minBond = uint96(LEAST_BOND);
        parameters.abandonPenalty = uint96(ABANDON_PENALTY);
        parameters.withholdPenalty = uint96(WITHHOLD_PENALTY);
    }

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < 4; ++i) {
            actors[i] = owners[i];
        }
        (actors[4], actors[5], actors[6], actors[7]) = (prover, rescuer, payee, relay);
        _withdrawal = bytes32((uint256(2) << 160) | (uint256(WITHDRAWN) << 64) | 3);
        _target = bytes32((uint256(4) << 160) | uint160(TARGET));
        Line memory line = Lines.through(
            ScalarField.pointOfElement(ELEMENT),
            uint256(_withdrawal),
            ScalarField.pointOfElement(ELEMENT + 1),
            uint256(_target)
        );
        _line = line.versionedHash();
        _commitment = line.commitment();
        _opening = line.opening();
        token.approve(address(bridge), type(uint256).max);
    }

    /// @dev The model of the deployment that `Fixture` makes.
    function _genesis() internal view returns (World memory world) {
        world.previousStart = DEPLOYED_AT;
        world.start = _seedAt(DEPLOYED_AT) + 1;
        world.settledUntil = world.start;
        world.sinceTip = world.start - DEPLOYED_AT;
        world.tipHash = keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, address(rollup)));
        world.stateRoot = keccak256("empty ledger");
        world.tipSlot = type(uint64).max;
        world.rates = _rates();
        for (uint256 i = 0; i < 4; ++i) {
            world.stakes[i] = STAKE;
        }
        world.inStaking = 4 * uint256(STAKE);
        world.escrow[4].free = 1000e18;
        world.escrow[5].free = 1000e18;
        world.inEscrow = 2000e18;
        world.inRewards = 1000e18;
        world.deposits.chains = new bytes32[](1);
        world.exits.chains = new bytes32[](1);
    }

    function _copy(World memory world) internal pure returns (World memory) {
        return abi.decode(abi.encode(world), (World));
    }

    // ---- the slot in turn -----------------------------------------------------------------------------------------

    function _seedAt(uint256 previousStart) internal pure returns (uint256 at_) {
        at_ = previousStart + SEED_DELAY;
        while (at_ % SEED_GRID != 0) {
            ++at_;
        }
    }

    function _later(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    /// @dev The phase table of a slot that starts at `start`. A phase that an event ended lasts until that event.
    function _spans(uint256 start, Bidder[] memory bidders) internal pure returns (Span[] memory spans) {
        spans = new Span[](4 + 4 * bidders.length);
        spans[0] = Span(Phase.Waiting, 0, 0, start);
        spans[1] = Span(Phase.Proposal, 0, 0, start + PROPOSAL);
        uint256 count = 2;
        uint256 end = spans[1].end;
        Span memory failed = Span(Phase.Halt, bidders.length, 0, 0);
        for (uint256 rank = 0; rank < bidders.length; ++rank) {
            uint256 turn = end;
            (uint256 committedAt, uint256 revealedAt) =
                (bidders[rank].times.committedAt, bidders[rank].times.revealedAt);
            end = committedAt == NEVER ? turn + COMMITMENT : committedAt;
            spans[count++] = Span(Phase.Commitment, rank, turn, end);
            if (committedAt == NEVER) continue;
            end = revealedAt == NEVER ? committedAt + REVEAL + 1 : revealedAt;
            spans[count++] = Span(Phase.Reveal, rank, turn, end);
            if (revealedAt == NEVER) continue;
            spans[count++] = Span(Phase.ExclusiveProving, rank, turn, revealedAt + EXCLUSIVE + 1);
            end = revealedAt + PROVING + 1;
            spans[count++] = Span(Phase.OpenProving, rank, turn, end);
            (failed.rank, failed.turnStart) = (rank, turn);
            break;
        }
        end += HALT;
        spans[count++] = Span(Phase.Halt, failed.rank, failed.turnStart, end);
        spans[count++] = Span(Phase.Backup, failed.rank, failed.turnStart, end + BACKUP);
        // Memory-safe: the array only becomes shorter.
        assembly ("memory-safe") {
            mstore(spans, count)
        }
    }

    /// @dev The phase at the current time, and whether the slot is over.
    function _phaseOf(uint256 start, Bidder[] memory bidders) private view returns (Span memory span, bool over) {
        Span[] memory spans = _spans(start, bidders);
        for (uint256 i = 0; i < spans.length; ++i) {
            if (_now() < spans[i].end) return (spans[i], false);
        }
        return (spans[spans.length - 1], true);
    }

    function _turn(World memory world) internal view returns (Turn memory turn) {
        (turn.slot, turn.start, turn.previousStart) = (world.slot, world.start, world.previousStart);
        turn.sinceTip = world.sinceTip + world.start - world.settledUntil;
        bool over;
        (turn.status, over) = _phaseOf(turn.start, world.bidders);
        if (!over) return turn;
        turn.expired = world.bidders.length != 0;
        turn.last = turn.status;
        turn.next = _later(turn.last.end, _seedAt(turn.start) + 1);
        while (over) {
            uint256 start = _later(turn.status.end, _seedAt(turn.start) + 1);
            turn.sinceTip += start - turn.start;
            (turn.slot, turn.previousStart, turn.start) = (turn.slot + 1, turn.start, start);
            (turn.status, over) = _phaseOf(turn.start, new Bidder[](0));
        }
    }

    /// @dev Settles a slot with candidates that is over.
    function _settle(World memory world, Turn memory turn) internal view {
        if (!turn.expired) return;
        uint256 ranks = world.bidders.length;
        _penalize(world, turn.last.rank);
        if (turn.last.rank < ranks) {
            uint256 bond = world.bidders[turn.last.rank].bond;
            world.escrow[4].locked -= bond;
            world.inEscrow -= bond;
            world.burned += bond;
        }
        world.oldHeader = world.bidders[turn.last.rank < ranks ? turn.last.rank : 0].header;
        world.sinceTip += turn.next - world.settledUntil;
        (world.slot, world.previousStart) = (world.slot + 1, world.start);
        (world.start, world.settledUntil) = (turn.next, turn.next);
        world.bidders = new Bidder[](0);
    }

    /// @dev Penalizes the candidates below `ranks`.
    function _penalize(World memory world, uint256 ranks) private view {
        for (uint256 rank = 0; rank < ranks; ++rank) {
            Bidder memory failed = world.bidders[rank];
            uint256 penalty = ABANDON_PENALTY;
            if (failed.times.committedAt != NEVER) {
                penalty = WITHHOLD_PENALTY;
                _release(world, failed.bond);
            }
            uint256 i = failed.sequencer;
            if (penalty > world.stakes[i]) penalty = world.stakes[i];
            world.stakes[i] -= penalty;
            world.inStaking -= penalty;
            world.burned += penalty;
            if (world.stakes[i] < MINIMUM_STAKE && world.exitAt[i] == 0) world.exitAt[i] = _now();
        }
    }

    function _release(World memory world, uint256 bond) private pure {
        world.escrow[4].locked -= bond;
        world.escrow[4].free += bond;
    }

    function _slash(World memory world, uint256 bond, address to, uint256 share) private view {
        world.escrow[4].locked -= bond;
        if (share != 0) world.escrow[_actor(to)].free += share;
        world.inEscrow -= bond - share;
        world.burned += bond - share;
    }

    function _actor(address account) internal view returns (uint256) {
        for (uint256 i = 0; i < 8; ++i) {
            if (actors[i] == account) return i;
        }
        revert("no actor");
    }

    /// @dev Enters `slot`, as each call about a slot does. Returns the error if that is not possible in `turn`.
    function _enter(World memory world, Turn memory turn, Slot slot, Phase expected)
        private
        view
        returns (bytes memory)
    {
        if (turn.slot != Slot.unwrap(slot)) {
            return abi.encodeWithSelector(IRollup.WrongSlot.selector, turn.slot, slot);
        }
        _settle(world, turn);
        Phase phase = turn.status.phase;
        // An open proving phase allows what the exclusive one does.
        if (phase == expected || (expected == Phase.ExclusiveProving && phase == Phase.OpenProving)) return "";
        return abi.encodeWithSelector(IRollup.WrongPhase.selector, expected, phase);
    }

    /// @dev Whether the candidate in turn revealed.
    function _isRevealed(World memory world, Turn memory turn) internal pure returns (bool) {
        return turn.status.phase > Phase.Reveal && turn.status.rank < world.bidders.length;
    }

    // ---- the rollup -----------------------------------------------------------------------------------------------

    /// @dev A header that takes as much from the queues as a block may.
    function _blockOf(World memory world, uint256 slot, string memory salt)
        internal
        view
        returns (Header memory header)
    {
        bytes32[] memory blobs = new bytes32[](2);
        blobs[0] = _line;
        blobs[1] = _blob(keccak256(bytes(salt)), slot);
        header.slot = Slot.wrap(uint64(slot));
        header.parent = world.tipHash;
        header.stateRoot = keccak256(abi.encode("state", salt, slot));
        header.feeRecipient = 7;
        header.chunks = 3;
        header.blobHashes = blobs;
        _take(
            world,
            header,
            _least(MOST_DEPOSITS, world.deposits.times.length - world.deposits.consumed),
            _least(MOST_EXITS, world.exits.times.length - world.exits.consumed)
        );
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _take(World memory world, Header memory header, uint256 deposits, uint256 exits) internal pure {
        header.depositsEnd = uint64(world.deposits.consumed + deposits);
        header.depositsChain = deposits == 0 ? bytes32(0) : world.deposits.chains[header.depositsEnd];
        header.exitsEnd = uint64(world.exits.consumed + exits);
        header.exitsChain = exits == 0 ? bytes32(0) : world.exits.chains[header.exitsEnd];
    }

    /// @dev Sequencer i proposes `header`, or nothing if `empty`.
    function _proposeStep(
        World memory world,
        Turn memory turn,
        uint256 i,
        Header memory header,
        bool empty,
        bool withProof,
        address sender
    ) internal returns (Step memory step) {
        step.err = _enter(world, turn, header.slot, Phase.Proposal);
        bytes memory seedProof = withProof && step.err.length == 0 ? _proofOf(_seedAt(turn.previousStart)) : bytes("");
        step.sender = sender;
        step.to = address(rollup);
        step.data =
            abi.encodeCall(IRollup.propose, (header.slot, _id(i), empty ? bytes32(0) : _hash(header), seedProof, ""));
        if (step.err.length == 0) {
            step.err = _proposalError(world, turn, i, empty, withProof, sender);
        }
        if (step.err.length == 0) step.err = _insert(world, turn, i, header);
    }

    function _proposalError(World memory world, Turn memory turn, uint256 i, bool empty, bool withProof, address sender)
        private
        view
        returns (bytes memory)
    {
        uint256 at_ = _seedAt(turn.previousStart);
        if (empty) return abi.encodeWithSelector(IRollup.EmptyHeaderHash.selector);
        if (world.exitAt[i] != 0) {
            return abi.encodeWithSelector(IRollup.NotEligible.selector, _id(i), turn.previousStart);
        }
        if (sender != attesters[i]) {
            return abi.encodeWithSelector(IRollup.NotAttester.selector, _id(i), attesters[i], sender);
        }
        if (world.bidders.length != 0) return "";
        if (!withProof) return abi.encodeWithSelector(IRandomness.UnknownMix.selector, at_);
        // The block after the seed's L1 slot is the current one, whose hash nobody knows.
        if (_now() == at_ + 1) {
            return abi.encodeWithSelector(IRandomness.BlockHashUnavailable.selector, BLOCK_OF_SLOT_0 + at_ + 1);
        }
        return "";
    }

    function _proofOf(uint256 at_) private returns (bytes memory) {
        if (_now() > at_ + 1) return _shortSeedProof(at_);
        return abi.encode(_l1Header(at_ + 1, keccak256("any")), bytes(""));
    }

    function _scoreIn(Turn memory turn, uint256 i) internal view returns (uint256) {
        bytes32 seed = keccak256(abi.encode(SEED_DOMAIN, _mix(_seedAt(turn.previousStart) + 1), turn.slot));
        return uint256(
            keccak256(
            abi.encode(
            keccak256("fernet.score.v1"), block.chainid, address(rollup), turn.slot, seed, _id(i), attesters[i]
        )
        )
        ) >> 64;
    }

    /// @dev Puts a new candidate on the list, whose ranks are by score.
    function _insert(World memory world, Turn memory turn, uint256 i, Header memory header)
        private
        view
        returns (bytes memory)
    {
        Bidder memory bidder;
        bidder.sequencer = i;
        bidder.score = _scoreIn(turn, i);
        bidder.header = header;
        bidder.headerHash = _hash(header);
        bidder.times = CandidateTimes(NEVER, NEVER);
        uint256 count = world.bidders.length;
        for (uint256 rank = 0; rank < count; ++rank) {
            if (world.bidders[rank].sequencer == i) {
                return abi.encodeWithSelector(IRollup.AlreadyProposed.selector, _id(i));
            }
        }
        uint256 most = MOST_CANDIDATES;
        if (count == most && world.bidders[count - 1].score >= bidder.score) {
            return abi.encodeWithSelector(IRollup.ScoreTooLow.selector, bidder.score, world.bidders[count - 1].score);
        }
        if (count == 0) (world.slot, world.start, world.previousStart) = (turn.slot, turn.start, turn.previousStart);
        Bidder[] memory ranked = new Bidder[](_least(count + 1, most));
        uint256 from = 0;
        bool placed = false;
        for (uint256 rank = 0; rank < ranked.length; ++rank) {
            if (!placed && (from == count || world.bidders[from].score < bidder.score)) {
                ranked[rank] = bidder;
                placed = true;
            } else {
                ranked[rank] = world.bidders[from++];
            }
        }
        world.bidders = ranked;
        return "";
    }

    /// @dev A quote of the prover for the candidate at `rank`.
    function _quoteFor(World memory world, uint256 rank) internal view returns (Quote memory) {
        Bidder memory bidder = world.bidders[rank];
        return Quote({
            slot: bidder.header.slot,
            headerHash: bidder.headerHash,
            sequencer: _id(bidder.sequencer),
            prover: prover,
            payee: payee,
            bond: BOND,
            // Cast: a small amount.
            price: int128(uint128(PRICE)),
            validUntil: L1Slot.wrap(type(uint64).max)
        });
    }

    /// @dev Commits a quote for a candidate's header. The prover sends it, or nobody agreed.
    function _commitStep(World memory world, Turn memory turn, Quote memory quote, bool agreed)
        internal
        view
        returns (Step memory step)
    {
        step.err = _enter(world, turn, quote.slot, Phase.Commitment);
        uint256 i = SequencerId.unwrap(quote.sequencer) - 1;
        step.sender = agreed ? prover : relay;
        step.to = address(rollup);
        // Nobody reads the signature in another phase.
        bytes memory signature = agreed && step.err.length == 0 ? _sign(attesterKeys[i], quote) : bytes("");
        step.data = abi.encodeCall(IRollup.commit, (quote, "", signature));
        if (step.err.length == 0) step.err = _commitError(world, turn, quote, agreed);
        if (step.err.length != 0) return step;
        for (uint256 rank = 0; rank < world.bidders.length; ++rank) {
            world.bidders[rank].seen = 0;
        }
        Bidder memory bidder = world.bidders[turn.status.rank];
        bidder.times.committedAt = _now();
        bidder.bond = quote.bond;
        bidder.price = quote.price;
        Balance memory balance = world.escrow[4];
        balance.locked += quote.bond;
        uint256 fromFree = _least(quote.bond, balance.free);
        balance.free -= fromFree;
        balance.withdrawing -= quote.bond - fromFree;
    }

    function _commitError(World memory world, Turn memory turn, Quote memory quote, bool agreed)
        private
        view
        returns (bytes memory)
    {
        bytes32 expected = world.bidders[turn.status.rank].headerHash;
        if (quote.headerHash != expected) {
            return abi.encodeWithSelector(IRollup.WrongHeader.selector, expected, quote.headerHash);
        }
        if (quote.bond < LEAST_BOND) {
            return abi.encodeWithSelector(IRollup.BondTooLow.selector, LEAST_BOND, quote.bond);
        }
        (int256 lowest, int256 highest) = _prices(world, turn);
        if (quote.price < lowest || quote.price > highest) {
            return abi.encodeWithSelector(IRollup.PriceOutOfRange.selector, lowest, highest, quote.price);
        }
        if (!agreed) return abi.encodeWithSelector(IRollup.BadSignature.selector, prover);
        Balance memory balance = world.escrow[4];
        uint256 available = balance.free + (_now() < balance.withdrawableFrom ? balance.withdrawing : 0);
        if (quote.bond > available) {
            return abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, available, quote.bond);
        }
        return "";
    }

    function _prices(World memory world, Turn memory turn) internal pure returns (int256, int256) {
        return Pay.priceRange(_ratesIn(world, turn.slot), _paidIn(turn));
    }

    function _paidIn(Turn memory turn) internal pure returns (uint256) {
        return Reference.paid(_parameters(), turn.start - turn.previousStart, turn.sinceTip);
    }

    function _ratesIn(World memory world, uint256 slot) internal pure returns (Rates memory) {
        return world.nextFrom != 0 && slot >= world.nextFrom ? world.nextRates : world.rates;
    }

    /// @dev Reveals `header` in a transaction with these blobs.
    function _revealStep(World memory world, Turn memory turn, Header memory header, bytes32[] memory blobs)
        internal
        view
        returns (Step memory step)
    {
        step.err = _enter(world, turn, header.slot, Phase.Reveal);
        step.sender = relay;
        step.to = address(rollup);
        step.data = abi.encodeCall(IRollup.reveal, (header));
        step.blobs = blobs;
        if (step.err.length != 0) return step;
        Bidder memory bidder = world.bidders[turn.status.rank];
        bytes32 hash = _hash(header);
        if (hash != bidder.headerHash) {
            step.err = abi.encodeWithSelector(IRollup.WrongHeader.selector, bidder.headerHash, hash);
            return step;
        }
        step.err = _headerError(world, turn, header);
        if (step.err.length != 0) return step;
        uint256 before = bidder.seen;
        for (uint256 i = 0; i < header.blobHashes.length; ++i) {
            if (_isIn(blobs, header.blobHashes[i])) bidder.seen |= 1 << i;
        }
        if (bidder.seen == before) step.err = abi.encodeWithSelector(IRollup.NoNewBlob.selector);
        if (bidder.seen == 3) bidder.times.revealedAt = _now();
    }

    function _isIn(bytes32[] memory list, bytes32 item) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == item) return true;
        }
        return false;
    }

    /// @dev The error of a header of the slot in turn, apart from its data and its proof.
    function _headerError(World memory world, Turn memory turn, Header memory header)
        private
        pure
        returns (bytes memory err)
    {
        if (header.parent != world.tipHash) {
            return abi.encodeWithSelector(IRollup.WrongParent.selector, world.tipHash, header.parent);
        }
        if (header.chunks != 3) {
            return abi.encodeWithSelector(IRollup.ChunksOutOfRange.selector, MOST_CHUNKS, header.chunks);
        }
        if (header.blobHashes.length != 2) {
            return abi.encodeWithSelector(IRollup.WrongBlobCount.selector, 2, header.blobHashes.length);
        }
        if (header.committeeDigest != 0) return abi.encodeWithSelector(IRollup.CommitteeDigestNotZero.selector);
        uint256 cutoff = turn.previousStart;
        (uint64 end, bytes32 chain) = (header.depositsEnd, header.depositsChain);
        err = _laneError(world.deposits, Lane.Deposits, end, chain, MOST_DEPOSITS, cutoff);
        if (err.length != 0) return err;
        err = _laneError(world.exits, Lane.Exits, header.exitsEnd, header.exitsChain, MOST_EXITS, cutoff);
    }

    function _laneError(Queued memory queued, Lane lane, uint256 end, bytes32 chain, uint256 maximum, uint256 cutoff)
        private
        pure
        returns (bytes memory)
    {
        uint256 count = queued.times.length;
        uint256 from = queued.consumed;
        if (end < from || end > count) {
            return abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, lane, from, end, count);
        }
        if (end > from + maximum) {
            return abi.encodeWithSelector(IBridge.TooManyOperations.selector, lane, maximum, end - from);
        }
        if (end < from + maximum && end < count && queued.times[end] < cutoff) {
            return abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, lane, end + 1, end);
        }
        bytes32 expected = end == from ? bytes32(0) : queued.chains[end];
        if (chain != expected) return abi.encodeWithSelector(IBridge.WrongChain.selector, lane, expected, chain);
        return "";
    }

    function _statementOf(World memory world, Header memory header, address payee_)
        private
        view
        returns (Statement memory statement)
    {
        statement.headerHash = _hash(header);
        statement.parentRoot = world.stateRoot;
        statement.stateRoot = header.stateRoot;
        statement.chunks = header.chunks;
        statement.blobHashes = header.blobHashes;
        if (header.depositsEnd > world.deposits.consumed) {
            statement.depositsFrom = world.deposits.chains[world.deposits.consumed];
            statement.operations += uint64(header.depositsEnd - world.deposits.consumed);
        }
        if (header.exitsEnd > world.exits.consumed) {
            statement.exitsFrom = world.exits.chains[world.exits.consumed];
            statement.operations += uint64(header.exitsEnd - world.exits.consumed);
        }
        (statement.depositsTo, statement.exitsTo) = (header.depositsChain, header.exitsChain);
        statement.feeRecipient = header.feeRecipient;
        statement.payee = payee_;
        bytes memory named = abi.encodePacked("fernet.ledger.v1", block.chainid, address(rollup));
        statement.domain = uint256(keccak256(named)) >> 3;
    }

    function _prove(World memory world, Header memory header, address payee_, bool forged)
        private
        view
        returns (bytes memory)
    {
        return forged ? bytes("forged") : verifier.prove(_statementOf(world, header, payee_));
    }

    /// @dev Finalizes `header` in a proving phase. The proof is for `payee_`; if `forged`, it is none.
    function _finalizeStep(
        World memory world,
        Turn memory turn,
        Header memory header,
        address payee_,
        bool forged,
        address sender
    ) internal view returns (Step memory step) {
        step.err = _enter(world, turn, header.slot, Phase.ExclusiveProving);
        bytes memory proof = _prove(world, header, payee_, forged || step.err.length != 0);
        step.sender = sender;
        step.to = address(rollup);
        step.data = abi.encodeCall(IRollup.finalize, (header, payee_, proof));
        if (step.err.length != 0) return step;
        bytes32 hash = _hash(header);
        bytes32 expected = world.bidders[turn.status.rank].headerHash;
        if (hash != expected) {
            step.err = abi.encodeWithSelector(IRollup.WrongHeader.selector, expected, hash);
            return step;
        }
        step.err = _proofError(payee_, forged);
        if (step.err.length == 0) _finish(world, turn, header, payee_, sender);
    }

    function _proofError(address payee_, bool forged) private pure returns (bytes memory) {
        if (payee_ == address(0)) return abi.encodeWithSelector(IRollup.ZeroAddress.selector);
        return forged ? abi.encodeWithSelector(VerifierDouble.ProofRejected.selector) : bytes("");
    }

    /// @dev Finalizes `header` in the backup phase, in a transaction with these blobs.
    function _backupStep(
        World memory world,
        Turn memory turn,
        Header memory header,
        address payee_,
        bool forged,
        bytes32[] memory blobs
    ) internal view returns (Step memory step) {
        step.err = _enter(world, turn, header.slot, Phase.Backup);
        bytes memory proof = _prove(world, header, payee_, forged || step.err.length != 0);
        step.sender = relay;
        step.to = address(rollup);
        step.data = abi.encodeCall(IRollup.finalizeBackup, (header, payee_, proof));
        step.blobs = blobs;
        if (step.err.length != 0) return step;
        bool own = _isRevealed(world, turn) && _hash(header) == world.bidders[turn.status.rank].headerHash;
        if (!own) {
            step.err = _headerError(world, turn, header);
            if (step.err.length == 0 && header.vote != address(0)) {
                step.err = abi.encodeWithSelector(IRollup.VoteNotZero.selector);
            }
            for (uint256 i = 0; i < header.blobHashes.length && step.err.length == 0; ++i) {
                if (!_isIn(blobs, header.blobHashes[i])) {
                    step.err = abi.encodeWithSelector(IRollup.BlobNotPublished.selector, i);
                }
            }
        }
        if (step.err.length == 0) step.err = _proofError(payee_, forged);
        if (step.err.length == 0) _finish(world, turn, header, payee_, relay);
    }

    /// @dev The end of the slot in turn with a block.
    function _finish(World memory world, Turn memory turn, Header memory header, address payee_, address sender)
        private
        view
    {
        PayFacts memory facts;
        facts.rates = _ratesIn(world, turn.slot);
        facts.paidL1Slots = _paidIn(turn);
        address paid = payee_;
        if (_isRevealed(world, turn)) paid = _endBond(world, turn, header, payee_, facts);
        (uint256 forProver, uint256 forSequencer, uint256 forSubmitter) = Pay.credits(facts);
        world.owed[_actor(paid)] += forProver;
        world.owed[_actor(sender)] += forSubmitter;
        if (facts.elected) {
            world.owed[world.bidders[turn.status.rank].sequencer] += forSequencer;
            if (header.vote != address(0)) ++world.votes;
        }
        // A slot without candidates has nobody to penalize.
        if (world.bidders.length != 0) _penalize(world, turn.status.rank);
        uint256 next = _later(_now() + 1, _seedAt(turn.start) + 1);
        (world.slot, world.previousStart) = (turn.slot + 1, turn.start);
        (world.start, world.settledUntil, world.sinceTip) = (next, next, next - turn.start);
        world.bidders = new Bidder[](0);
        world.tipHeader = header;
        world.oldHeader = header;
        world.tipHash = _hash(header);
        world.stateRoot = header.stateRoot;
        world.tipSlot = turn.slot;
        world.tipClaimed = false;
        ++world.height;
        world.deposits.consumed = header.depositsEnd;
        world.exits.consumed = header.exitsEnd;
    }

    /// @dev The bond of the revealed candidate. Returns who gets the prover's share.
    function _endBond(World memory world, Turn memory turn, Header memory header, address payee_, PayFacts memory facts)
        private
        view
        returns (address)
    {
        Bidder memory bidder = world.bidders[turn.status.rank];
        facts.elected = _hash(header) == bidder.headerHash;
        facts.turnLength = COMMITMENT + REVEAL;
        facts.revealDelay = bidder.times.revealedAt - turn.status.turnStart;
        if (turn.status.phase == Phase.Backup) {
            uint256 whole = facts.elected ? bidder.bond * RESCUE_SHARE / 10_000 : 0;
            _slash(world, bidder.bond, payee_, whole);
            return payee_;
        }
        facts.proving = true;
        facts.price = bidder.price;
        facts.exclusiveProving = EXCLUSIVE;
        facts.proofDelay = _now() - bidder.times.revealedAt;
        if (turn.status.phase == Phase.ExclusiveProving) {
            _release(world, bidder.bond);
            return payee;
        }
        (uint256 slashed, uint256 share) =
            Pay.lateBond(bidder.bond, facts.proofDelay - EXCLUSIVE - 1, PROVING - EXCLUSIVE, RESCUE_SHARE);
        _slash(world, slashed, payee_, share);
        _release(world, bidder.bond - slashed);
        return payee_;
    }

    /// @dev `settle`, or `sync` if `quiet`.
    function _settleStep(World memory world, Turn memory turn, bool quiet) internal view returns (Step memory step) {
        step.sender = relay;
        step.to = address(rollup);
        step.data = quiet ? abi.encodeCall(IRollup.sync, ()) : abi.encodeCall(IRollup.settle, ());
        if (!quiet && !turn.expired) step.err = abi.encodeWithSelector(IRollup.NothingToSettle.selector);
        _settle(world, turn);
    }

    function _pauseStep(World memory world, Turn memory turn, address sender) internal view returns (Step memory step) {
        step.sender = sender;
        step.to = address(rollup);
        step.data = abi.encodeCall(IRollup.pause, ());
        if (sender != guardian) {
            step.err = abi.encodeWithSelector(IRollup.NotGuardian.selector, guardian, sender);
        } else if (_now() < world.pausedUntil) {
            step.err = abi.encodeWithSelector(IRollup.AlreadyPaused.selector, world.pausedUntil);
        } else if (_now() < world.pausableFrom) {
            step.err = abi.encodeWithSelector(IRollup.PausedRecently.selector, world.pausableFrom, _now());
        }
        _settle(world, turn);
        for (uint256 rank = 0; rank < world.bidders.length; ++rank) {
            if (world.bidders[rank].times.committedAt != NEVER) _release(world, world.bidders[rank].bond);
        }
        if (world.bidders.length != 0) world.oldHeader = world.bidders[0].header;
        world.bidders = new Bidder[](0);
        // The time from the start of the voided slot on does not count.
        world.sinceTip = turn.sinceTip;
        world.pausedUntil = _now() + PAUSE;
        world.pausableFrom = world.pausedUntil + PAUSE;
        (world.slot, world.previousStart) = (turn.slot + 1, world.pausedUntil);
        world.start = _seedAt(world.pausedUntil) + 1;
        world.settledUntil = world.start;
    }

    // ---- the other contracts --------------------------------------------------------------------------------------

    function _isBidder(World memory world, uint256 i) internal pure returns (bool) {
        for (uint256 rank = 0; rank < world.bidders.length; ++rank) {
            if (world.bidders[rank].sequencer == i) return true;
        }
        return false;
    }

    function _statusOf(World memory world, uint256 i) private pure returns (Status) {
        if (world.paid[i]) return Status.Exited;
        return world.exitAt[i] == 0 ? Status.Active : Status.Exiting;
    }

    function _leaveStep(World memory world, uint256 i) internal view returns (Step memory step) {
        step.sender = owners[i];
        step.to = address(staking);
        step.data = abi.encodeCall(IStaking.initiateExit, (_id(i)));
        if (world.exitAt[i] != 0) {
            bytes4 wrong = IStaking.WrongStatus.selector;
            step.err = abi.encodeWithSelector(wrong, _id(i), Status.Active, _statusOf(world, i));
        }
        world.exitAt[i] = _now();
    }

    function _withdrawStep(World memory world, Turn memory turn, uint256 i) internal view returns (Step memory step) {
        step.sender = relay;
        step.to = address(staking);
        step.data = abi.encodeCall(IStaking.withdraw, (_id(i)));
        _settle(world, turn);
        Status status = _statusOf(world, i);
        uint256 from = world.exitAt[i] + _stakingParameters().exitDelay;
        if (status != Status.Exiting) {
            step.err = abi.encodeWithSelector(IStaking.WrongStatus.selector, _id(i), Status.Exiting, status);
        } else if (_now() < from) {
            step.err = abi.encodeWithSelector(IStaking.NotWithdrawableYet.selector, _id(i), from, _now());
        } else if (_isBidder(world, i)) {
            step.err = abi.encodeWithSelector(IStaking.StillCandidate.selector, _id(i));
        }
        world.paid[i] = true;
        world.tokens[i] += world.stakes[i];
        world.inStaking -= world.stakes[i];
        world.stakes[i] = 0;
    }

    function _requestStep(World memory world, uint256 amount) internal view returns (Step memory step) {
        step.sender = prover;
        step.to = address(escrow);
        // Cast: an amount of the test.
        step.data = abi.encodeCall(IEscrow.requestWithdrawal, (uint128(amount)));
        Balance memory balance = world.escrow[4];
        if (amount == 0) {
            step.err = abi.encodeWithSelector(IEscrow.ZeroAmount.selector);
        } else if (amount > balance.free) {
            step.err = abi.encodeWithSelector(IEscrow.InsufficientFree.selector, prover, balance.free, amount);
        } else {
            balance.free -= amount;
            balance.withdrawing += amount;
            balance.withdrawableFrom = _now() + ESCROW_DELAY;
        }
    }

    function _takeBackStep(World memory world) internal view returns (Step memory step) {
        step.sender = prover;
        step.to = address(escrow);
        step.data = abi.encodeCall(IEscrow.withdraw, (prover));
        Balance memory balance = world.escrow[4];
        if (balance.withdrawing == 0) {
            step.err = abi.encodeWithSelector(IEscrow.NothingRequested.selector, prover);
        } else if (_now() < balance.withdrawableFrom) {
            step.err =
                abi.encodeWithSelector(IEscrow.NotWithdrawableYet.selector, prover, balance.withdrawableFrom, _now());
        }
        world.tokens[4] += balance.withdrawing;
        world.inEscrow -= balance.withdrawing;
        balance.withdrawing = 0;
    }

    function _ratesStep(World memory world, Turn memory turn, Rates memory rates, address sender)
        internal
        view
        returns (Step memory step)
    {
        step.sender = sender;
        step.to = address(rewards);
        step.data = abi.encodeCall(IRewards.setRates, (rates));
        if (sender != governance) {
            step.err = abi.encodeWithSelector(IRewards.NotGovernance.selector, governance, sender);
        }
        world.rates = _ratesIn(world, turn.slot);
        world.nextRates = rates;
        world.nextFrom = turn.slot + 1;
    }

    function _claimRewardStep(World memory world, uint256 actor) internal view returns (Step memory step) {
        step.sender = actors[actor];
        step.to = address(rewards);
        step.data = abi.encodeCall(IRewards.claim, (actors[actor]));
        uint256 amount = _least(world.owed[actor], world.inRewards);
        if (amount == 0) step.err = abi.encodeWithSelector(IRewards.NothingOwed.selector, actors[actor]);
        world.owed[actor] -= amount;
        world.inRewards -= amount;
        world.tokens[actor] += amount;
    }

    function _push(Queued memory queued, uint256[3] memory operation) private view {
        uint256 count = queued.times.length;
        bytes32[] memory chains = new bytes32[](count + 2);
        uint256[] memory times = new uint256[](count + 1);
        for (uint256 i = 0; i <= count; ++i) {
            chains[i] = queued.chains[i];
            if (i < count) times[i] = queued.times[i];
        }
        chains[count + 1] = keccak256(abi.encode(chains[count], operation));
        times[count] = _now();
        (queued.chains, queued.times) = (chains, times);
    }

    /// @dev A deposit to account `index`, of Alice (1) or this contract (2).
    function _depositStep(World memory world, uint256 index, uint64 amount) internal view returns (Step memory step) {
        step.sender = address(this);
        step.to = address(bridge);
        step.data = abi.encodeCall(IBridge.deposit, (_ownerOf(index), KEY_X, KEY_Y, amount));
        _push(world.deposits, [index + uint256(amount) * 2 ** 32, KEY_X, KEY_Y]);
        world.supply += amount;
        world.inBridge += amount * UNIT;
        if (world.exitableFrom[index] == 0) world.exitableFrom[index] = world.deposits.times.length;
    }

    function _ownerOf(uint256 index) internal view returns (address) {
        return index == 1 ? ALICE : address(this);
    }

    /// @dev A forced exit of account `index`.
    function _exitStep(World memory world, uint256 index, address sender) internal view returns (Step memory step) {
        step.sender = sender;
        step.to = address(bridge);
        // Cast: a small number.
        step.data = abi.encodeCall(IBridge.forceExit, (uint32(index), TARGET));
        uint256 from = world.exitableFrom[index];
        if (sender != _ownerOf(index)) {
            step.err = abi.encodeWithSelector(IBridge.NotOwner.selector, _ownerOf(index), sender);
        } else if (from == 0) {
            step.err = abi.encodeWithSelector(IBridge.ExitUsed.selector, index);
        } else if (from > world.deposits.consumed) {
            step.err = abi.encodeWithSelector(IBridge.DepositPending.selector, from, world.deposits.consumed);
        }
        world.exitableFrom[index] = 0;
        _push(world.exits, [index + 2 ** 96, uint256(uint160(TARGET)), 0]);
    }

    /// @dev Claims the withdrawal of a block. All blocks have the same blob with it.
    function _claimStep(World memory world, Header memory header, bool claimed)
        internal
        view
        returns (Step memory step)
    {
        step.sender = relay;
        step.to = address(bridge);
        step.data = abi.encodeCall(
            IBridge.claim, (WithdrawalProof(header, 0, ELEMENT, _withdrawal, _target, _commitment, _opening, _opening))
        );
        // Of the blocks that the test claims from, only the tip can have an unclaimed withdrawal.
        bytes32 hash = _hash(header);
        if (claimed) {
            step.err = abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, header.slot, 0, ELEMENT);
        } else if (hash != world.tipHash) {
            step.err = abi.encodeWithSelector(IBridge.NotFinalized.selector, header.slot, hash);
        } else {
            world.tipClaimed = true;
            world.supply -= WITHDRAWN;
            world.inBridge -= WITHDRAWN * UNIT;
        }
    }

    // ---- execution and comparison ---------------------------------------------------------------------------------

    function _call(Step memory step) private returns (bool ok, bytes memory reply) {
        vm.blobhashes(step.blobs);
        vm.prank(step.sender);
        return step.to.call(step.data);
    }

    /// @dev Makes a call whose reply must be the model's. Returns whether it succeeded.
    function _try(Step memory step) internal returns (bool ok) {
        bytes memory reply;
        (ok, reply) = _call(step);
        if (ok == (step.err.length == 0) && (ok || keccak256(reply) == keccak256(step.err))) return ok;
        revert WrongReply(doing, step.err, ok ? bytes("success") : reply);
    }

    /// @dev Makes a call that must succeed.
    function _must(Step memory step) internal {
        if (!_try(step)) revert WrongReply(doing, "success", step.err);
    }

    function _same(string memory what, uint256 expected, uint256 actual) internal view {
        if (expected != actual) revert Broken(doing, what, expected, actual);
    }

    function _same(string memory what, bytes32 expected, bytes32 actual) internal view {
        _same(what, uint256(expected), uint256(actual));
    }

    /// @dev Everything that the contracts say is what the model says.
    function _compare(World memory world) internal view {
        Turn memory turn = _turn(world);
        _compareChain(world, turn);
        _compareSlot(world, turn);
        _compareAccounts(world, turn);
        _compareBridge(world);
    }

    function _compareChain(World memory world, Turn memory turn) private view {
        Overview memory overview = reader.overview();
        Tip memory tip = rollup.tip();
        _same("tip", world.tipHash, tip.headerHash);
        _same("state root", world.stateRoot, tip.stateRoot);
        _same("consumed deposits", world.deposits.consumed, tip.depositsEnd);
        _same("consumed exits", world.exits.consumed, tip.exitsEnd);
        _same("height", world.height, tip.height);
        _same("slot of the tip", world.tipSlot, Slot.unwrap(tip.slot));
        _same("header", world.tipHash, rollup.finalizedHeader(tip.slot));
        _same("slot in turn", turn.slot, Slot.unwrap(rollup.slotInTurn()));
        uint256 until = _now() < world.pausedUntil ? world.pausedUntil : 0;
        _same("paused until", until, L1Slot.unwrap(overview.pausedUntil));
        _same("pausable from", world.pausableFrom, L1Slot.unwrap(rollup.pausableFrom()));
        _same("unsettled", turn.expired ? 1 : 0, overview.unsettled ? 1 : 0);
        _same("pending", world.deposits.times.length - world.deposits.consumed, overview.pendingDeposits);
        _same("pending exits", world.exits.times.length - world.exits.consumed, overview.pendingExits);
    }

    function _compareSlot(World memory world, Turn memory turn) private view {
        SlotView memory slot = reader.currentSlot();
        _same("slot", turn.slot, Slot.unwrap(slot.slot));
        _same("phase", uint256(turn.status.phase), uint256(slot.phase));
        _same("start", turn.start, L1Slot.unwrap(slot.start));
        _same("previous start", turn.previousStart, L1Slot.unwrap(slot.previousStart));
        _same("seed at", _seedAt(turn.previousStart), L1Slot.unwrap(slot.seedAt));
        _same("phase end", turn.status.end, L1Slot.unwrap(slot.phaseEnd));
        _same("rank", turn.status.rank, slot.rank);
        _same("turn", turn.status.turnStart, L1Slot.unwrap(slot.turnStart));
        _same("paid", _paidIn(turn), slot.paidL1Slots);
        _same("candidates", turn.expired ? 0 : world.bidders.length, slot.candidates.length);
        for (uint256 rank = 0; rank < slot.candidates.length; ++rank) {
            _compareBidder(world.bidders[rank], slot, rank);
        }
        for (uint256 i = 0; i < 4; ++i) {
            _same("candidate", _isBidder(world, i) ? 1 : 0, rollup.isCandidate(_id(i)) ? 1 : 0);
        }
    }

    function _compareBidder(Bidder memory bidder, SlotView memory slot, uint256 rank) private view {
        _same("sequencer", bidder.sequencer + 1, SequencerId.unwrap(slot.candidates[rank].sequencer));
        _same("score", bidder.score, slot.candidates[rank].score);
        _same("header", bidder.headerHash, slot.candidates[rank].headerHash);
        bool committed = bidder.times.committedAt != NEVER;
        bool revealed = bidder.times.revealedAt != NEVER;
        _same(
            "committed at", committed ? bidder.times.committedAt : 0, L1Slot.unwrap(slot.candidates[rank].committedAt)
        );
        _same("revealed at", revealed ? bidder.times.revealedAt : 0, L1Slot.unwrap(slot.candidates[rank].revealedAt));
        _same("blobs", bidder.seen, slot.candidates[rank].blobsSeen);
        if (!committed) return;
        _same("bond", bidder.bond, slot.candidates[rank].bond);
        // Cast: compared as words.
        _same("price", uint256(bidder.price), uint256(int256(slot.candidates[rank].price)));
        _same("prover", uint160(prover), uint160(slot.candidates[rank].prover));
        _same("payee", uint160(payee), uint160(slot.candidates[rank].payee));
    }

    function _compareAccounts(World memory world, Turn memory turn) private view {
        for (uint256 i = 0; i < 4; ++i) {
            Sequencer memory sequencer = staking.sequencer(_id(i));
            _same("stake", world.stakes[i], sequencer.stake);
            _same("exit", world.exitAt[i], L1Slot.unwrap(sequencer.exitAt));
            _same("status", uint256(_statusOf(world, i)), uint256(sequencer.status));
        }
        for (uint256 i = 0; i < 8; ++i) {
            _same("owed", world.owed[i], rewards.owed(actors[i]));
            _same("tokens", world.tokens[i], token.balanceOf(actors[i]));
            if (i < 4) continue;
            EscrowAccount memory account = escrow.account(actors[i]);
            _same("free", world.escrow[i].free, account.free);
            _same("locked", world.escrow[i].locked, account.locked);
            _same("withdrawing", world.escrow[i].withdrawing, account.withdrawing);
        }
        _same("burned", world.burned, token.balanceOf(BURNED));
        _same("in escrow", world.inEscrow, token.balanceOf(address(escrow)));
        _same("in staking", world.inStaking, token.balanceOf(address(staking)));
        _same("in rewards", world.inRewards, token.balanceOf(address(rewards)));
        for (uint256 slot = turn.slot; slot <= turn.slot + 1; ++slot) {
            _same(
                "rates",
                keccak256(abi.encode(_ratesIn(world, slot))),
                keccak256(abi.encode(rewards.ratesOf(Slot.wrap(uint64(slot)))))
            );
        }
        _same("votes", world.votes, votes.count());
    }

    function _compareBridge(World memory world) private view {
        uint64 deposits = uint64(world.deposits.times.length);
        uint64 exits = uint64(world.exits.times.length);
        _same("deposits", deposits, bridge.count(Lane.Deposits));
        _same("exits", exits, bridge.count(Lane.Exits));
        _same("chain", world.deposits.chains[deposits], bridge.chain(Lane.Deposits, deposits));
        _same("chain of exits", world.exits.chains[exits], bridge.chain(Lane.Exits, exits));
        _same("supply", world.supply, bridge.supply());
        _same("in bridge", world.inBridge, token.balanceOf(address(bridge)));
        for (uint32 index = 1; index < 3; ++index) {
            (, uint64 exitableFrom) = bridge.account(index);
            _same("exitable from", world.exitableFrom[index], exitableFrom);
        }
        bool claimed = world.tipHeader.chunks != 0 && world.tipClaimed;
        _same("claimed", claimed ? 1 : 0, bridge.isClaimed(Slot.wrap(uint64(world.tipSlot)), 0, ELEMENT) ? 1 : 0);
    }
}
