// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {L1Clock} from "../L1Clock.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IRandomness} from "../interfaces/IRandomness.sol";
import {IRewards} from "../interfaces/IRewards.sol";
import {IRollup, Parameters, Phase} from "../interfaces/IRollup.sol";
import {IScoring} from "../interfaces/IScoring.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {IStateTransitionVerifier} from "../interfaces/IStateTransitionVerifier.sol";
import {IVotes} from "../interfaces/IVotes.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {ParameterChecks} from "../libraries/ParameterChecks.sol";
import {Location, Phases} from "../libraries/Phases.sol";
import {Settlement, Terms} from "../libraries/Settlement.sol";
import {Wiring} from "../libraries/Wiring.sol";
import {Cursor, RING, genesisCursor} from "../types/Cursor.sol";
import {Limits, packLimits} from "../types/Limits.sol";
import {Record, State, StoredCandidate} from "../types/State.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Timeline} from "../types/Timeline.sol";
import {Windows, packWindows} from "../types/Windows.sol";

/// @notice The other contracts of a deployment.
struct Contracts {
    IStaking staking;
    IRandomness randomness;
    IEscrow escrow;
    IRewards rewards;
    IBridge bridge;
    IStateTransitionVerifier verifier;
    IScoring scoring;
    /// zero: nobody counts votes
    IVotes votes;
    /// who may pause; zero: nobody
    address guardian;
}

/// @title What every part of the rollup shares: rules, wiring, storage, the slot in turn and its end without a block
abstract contract RollupBase is IRollup, L1Clock, ReentrancyGuardTransient {
    using Settlement for Record;
    using Settlement for Timeline;

    IStaking public immutable staking;
    IRandomness public immutable randomness;
    IEscrow public immutable escrow;
    IRewards public immutable rewards;
    IBridge public immutable bridge;
    IStateTransitionVerifier public immutable verifier;
    IScoring public immutable scoring;
    IVotes public immutable votes;
    address public immutable guardian;
    /// @notice L1 slot from which slot 0's seed counts: that of the deployment, or a later one.
    L1Slot public immutable genesisSlot;

    /// @dev Leaves half of the 40 bits of an L1 slot for what comes after it.
    L1Slot private constant LATEST_GENESIS = L1Slot.wrap(1 << 39);

    Windows internal immutable _windows;
    Limits internal immutable _limits;
    uint96 internal immutable _minBond;
    uint96 internal immutable _abandonPenalty;
    uint96 internal immutable _withholdPenalty;
    /// @dev The verifier's, at least 1.
    uint256 internal immutable _chunksPerBlob;

    State internal _state;

    /// @param genesis where the virtual slot before the first stands, not in the past: whoever registers in time before it may
    /// propose from slot 0 on
    constructor(Parameters memory p, Contracts memory c, uint64 l1GenesisTime_, uint64 l1SlotSeconds_, L1Slot genesis)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        if (genesis < l1Slot() || genesis > LATEST_GENESIS) revert BadParameter("genesisSlot");
        _checkWiring(c, l1GenesisTime_, l1SlotSeconds_);
        _chunksPerBlob = Wiring.read("verifier", address(c.verifier), IStateTransitionVerifier.chunksPerBlob.selector);
        if (_chunksPerBlob == 0) revert BadParameter("verifier");
        ParameterChecks.check(
            p, Wiring.read("staking", address(c.staking), IStaking.stakeAmount.selector), _blobCount(p.maxChunks)
        );
        staking = c.staking;
        randomness = c.randomness;
        escrow = c.escrow;
        rewards = c.rewards;
        bridge = c.bridge;
        verifier = c.verifier;
        scoring = c.scoring;
        votes = c.votes;
        guardian = c.guardian;
        _windows = packWindows(p);
        _limits = packLimits(p);
        _minBond = p.minBond;
        _abandonPenalty = p.abandonPenalty;
        _withholdPenalty = p.withholdPenalty;

        genesisSlot = genesis;
        // A virtual slot before the first starts and ends there, so that no seed is chosen by the deployer.
        _state.cursor = genesisCursor(packWindows(p).nextStart(genesis, genesis), genesis);
        _state.stateRoot =
            bytes32(Wiring.read("verifier", address(c.verifier), IStateTransitionVerifier.genesisRoot.selector));
        _state.finalized[Slot.wrap(type(uint64).max)] = Hashing.genesis(address(this));
        _warmUp(p.maxCandidates);
    }

    // ---- the slot in turn -----------------------------------------------------------------------------------------

    /// @dev The slot in turn, which must be `slot`, once what ended before it is settled.
    function _enter(Slot slot) internal returns (Location memory l) {
        l = _locate();
        if (l.timeline.slot() != slot) revert WrongSlot(l.timeline.slot(), slot);
        if (l.expired) _expire(l);
    }

    function _locate() internal view returns (Location memory) {
        Cursor cursor = _state.cursor;
        return Phases.locate(cursor, _state.records[cursor.record()].timeline, _windows, l1Slot());
    }

    /// @dev Record of the slot in turn.
    function _record(Location memory l) internal view returns (Record storage) {
        return _state.records[l.cursor.record()];
    }

    /// @dev The candidate in turn; there is one.
    function _turn(Location memory l) internal view returns (StoredCandidate storage) {
        return _record(l).candidates[l.timeline.positionOf(l.position.turn)];
    }

    function _requirePhase(Location memory l, Phase expected) internal pure {
        if (l.position.phase != expected) revert WrongPhase(expected, l.position.phase);
    }

    /// @dev Blobs of a block of so many chunks.
    function _blobCount(uint256 chunks) internal view returns (uint256) {
        unchecked {
            // chunks has at most 32 bits, and the divisor isn't zero
            return chunks == 0 ? 0 : (chunks - 1) / _chunksPerBlob + 1;
        }
    }

    /// @dev The stored slot ended without a block: leaves it, then settles it. A revealed candidate's bond is burned.
    function _expire(Location memory l) internal {
        Cursor stored = _state.cursor;
        Record storage record = _state.records[stored.record()];
        Timeline t = record.timeline;
        _state.cursor = l.cursor;
        record.failed(t, l.last.turn, _terms());
        if (l.last.revealed) {
            StoredCandidate storage candidate = record.candidates[t.positionOf(l.last.turn)];
            t.slash(candidate.prover, candidate.bond, address(0), 0, escrow);
        }
        emit SlotExpired(t.slot());
    }

    function _terms() internal view returns (Terms memory) {
        return Terms(staking, escrow, _abandonPenalty, _withholdPenalty);
    }

    // ---- construction ---------------------------------------------------------------------------------------------

    /// @dev The other contracts name this rollup, the same token and the same clock. The guardian needn't be a contract.
    function _checkWiring(Contracts memory c, uint64 l1GenesisTime_, uint64 l1SlotSeconds_) private view {
        uint256 self = uint256(uint160(address(this)));
        bytes4 rollupOf = bytes4(keccak256("rollup()"));
        bytes4 tokenOf = bytes4(keccak256("token()"));
        uint256 token = Wiring.read("staking", address(c.staking), tokenOf);
        Wiring.expect("staking", address(c.staking), rollupOf, self);
        Wiring.expect("escrow", address(c.escrow), rollupOf, self);
        Wiring.expect("escrow", address(c.escrow), tokenOf, token);
        Wiring.expect("rewards", address(c.rewards), rollupOf, self);
        Wiring.expect("rewards", address(c.rewards), tokenOf, token);
        Wiring.expect("bridge", address(c.bridge), rollupOf, self);
        Wiring.expect("bridge", address(c.bridge), tokenOf, token);
        Wiring.read("scoring", address(c.scoring), IScoring.kind.selector);
        if (address(c.votes) != address(0)) Wiring.expect("votes", address(c.votes), rollupOf, self);
        _checkClock("staking", address(c.staking), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("randomness", address(c.randomness), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("escrow", address(c.escrow), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("bridge", address(c.bridge), l1GenesisTime_, l1SlotSeconds_);
    }

    function _checkClock(string memory name, address target, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        private
        view
    {
        Wiring.expect(name, target, bytes4(keccak256("l1GenesisTime()")), l1GenesisTime_);
        Wiring.expect(name, target, bytes4(keccak256("l1SlotSeconds()")), l1SlotSeconds_);
    }

    /// @dev Fills the words that slots will write, so that the first lap costs what later ones do. Without candidates, a record is unused.
    function _warmUp(uint256 maxCandidates) private {
        for (uint256 i = 0; i < RING; ++i) {
            Record storage record = _state.records[i];
            record.timeline = Timeline.wrap(1);
            record.seed = bytes32(uint256(1));
            for (uint256 j = 0; j < maxCandidates; ++j) {
                StoredCandidate storage candidate = record.candidates[j];
                candidate.score = 1;
                candidate.headerHash = bytes32(uint256(1));
                candidate.bond = 1;
                candidate.price = 1;
            }
        }
    }
}
