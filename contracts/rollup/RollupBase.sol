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
import {Phases, SlotInTurn} from "../libraries/Phases.sol";
import {Settlement, SettlementTerms} from "../libraries/Settlement.sol";
import {Wiring} from "../libraries/Wiring.sol";
import {Cursor, RECORD_COUNT, genesisCursor} from "../types/Cursor.sol";
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
    /// Zero if votes are not counted.
    IVotes votes;
    /// Account that may pause; zero for none.
    address guardian;
}

/// @title Shared base of the rollup's parts: rules, other contracts, storage, the slot in turn and its end without a
/// block
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
    /// @notice L1 slot that slot 0 counts from: that of the deployment, or a later one.
    L1Slot public immutable genesisSlot;

    /// @dev Leaves half of the range of 40-bit L1 slots for the time after genesis.
    L1Slot private constant LATEST_GENESIS = L1Slot.wrap(1 << 39);

    Windows internal immutable _windows;
    Limits internal immutable _limits;
    uint96 internal immutable _minBond;
    uint96 internal immutable _abandonPenalty;
    uint96 internal immutable _withholdPenalty;
    /// @dev As in the verifier, at least 1.
    uint256 internal immutable _chunksPerBlob;

    State internal _state;

    /// @param genesis L1 slot of the virtual slot before slot 0, not in the past. A sequencer that is active by then
    /// may propose in slot 0.
    constructor(
        Parameters memory parameters,
        Contracts memory contracts_,
        uint64 l1GenesisTime_,
        uint64 l1SlotSeconds_,
        L1Slot genesis
    ) L1Clock(l1GenesisTime_, l1SlotSeconds_) {
        if (genesis < l1Slot() || genesis > LATEST_GENESIS) revert BadParameter("genesisSlot");
        _checkWiring(contracts_, l1GenesisTime_, l1SlotSeconds_);
        _chunksPerBlob =
            Wiring.read("verifier", address(contracts_.verifier), IStateTransitionVerifier.chunksPerBlob.selector);
        if (_chunksPerBlob == 0) revert BadParameter("verifier");
        ParameterChecks.check(
            parameters,
            Wiring.read("staking", address(contracts_.staking), IStaking.minimumStake.selector),
            _blobCount(parameters.maxChunks)
        );
        // A prover that requests its money back during a slot must not have it before the slot ends.
        if (
            Wiring.read("escrow", address(contracts_.escrow), IEscrow.withdrawalDelay.selector)
                < ParameterChecks.longestSlot(parameters)
        ) revert BadParameter("withdrawalDelay");
        staking = contracts_.staking;
        randomness = contracts_.randomness;
        escrow = contracts_.escrow;
        rewards = contracts_.rewards;
        bridge = contracts_.bridge;
        verifier = contracts_.verifier;
        scoring = contracts_.scoring;
        votes = contracts_.votes;
        guardian = contracts_.guardian;
        _windows = packWindows(parameters);
        _limits = packLimits(parameters);
        _minBond = parameters.minBond;
        _abandonPenalty = parameters.abandonPenalty;
        _withholdPenalty = parameters.withholdPenalty;

        genesisSlot = genesis;
        // A virtual slot before slot 0 starts and ends at genesis, so the deployer cannot choose the first seed.
        _state.cursor = genesisCursor(packWindows(parameters).nextStart(genesis, genesis), genesis);
        _state.stateRoot = bytes32(
            Wiring.read("verifier", address(contracts_.verifier), IStateTransitionVerifier.genesisRoot.selector)
        );
        _state.finalized[Slot.wrap(type(uint64).max)] = Hashing.genesis(address(this));
        _warmUp(parameters.maxCandidates);
    }

    // ---- the slot in turn -----------------------------------------------------------------------------------------

    /// @dev Returns the slot in turn, which must be `slot`, and settles an earlier slot that is over.
    function _enterSlot(Slot slot) internal returns (SlotInTurn memory current) {
        current = _slotInTurn();
        if (current.timeline.slot() != slot) revert WrongSlot(current.timeline.slot(), slot);
        if (current.expired) _expire(current);
    }

    function _slotInTurn() internal view returns (SlotInTurn memory) {
        Cursor cursor = _state.cursor;
        return Phases.slotInTurn(cursor, _state.records[cursor.recordIndex()].timeline, _windows, l1Slot());
    }

    /// @dev Record of the slot in turn.
    function _record(SlotInTurn memory current) internal view returns (Record storage) {
        return _state.records[current.cursor.recordIndex()];
    }

    /// @dev The candidate in turn. The phase must be one in which there is one.
    function _candidateInTurn(SlotInTurn memory current) internal view returns (StoredCandidate storage) {
        return _record(current).candidates[current.timeline.indexOf(current.status.rank)];
    }

    /// @dev L1 slots that a block of the slot in turn is paid for.
    function _paidL1Slots(SlotInTurn memory current) internal view returns (uint32) {
        // Cast: the sum of an idle slot and of a stall is below 2^17.
        return uint32(Phases.paidL1Slots(current.cursor, current.timeline, _windows));
    }

    function _requirePhase(SlotInTurn memory current, Phase expected) internal pure {
        if (current.status.phase != expected) revert WrongPhase(expected, current.status.phase);
    }

    /// @dev Number of blobs of a block with this many chunks.
    function _blobCount(uint256 chunks) internal view returns (uint256) {
        unchecked {
            // The number of chunks has at most 32 bits, and the divisor is not zero.
            return chunks == 0 ? 0 : (chunks - 1) / _chunksPerBlob + 1;
        }
    }

    /// @dev Settles the stored slot, which ended without a block. Moves the cursor first. Burns the bond of a revealed
    /// candidate.
    function _expire(SlotInTurn memory current) internal {
        Cursor stored = _state.cursor;
        Record storage record = _state.records[stored.recordIndex()];
        Timeline timeline = record.timeline;
        _state.cursor = current.cursor;
        record.penalizeFailed(timeline, current.expiredStatus.rank, _terms());
        if (current.expiredStatus.revealed) {
            StoredCandidate storage candidate = record.candidates[timeline.indexOf(current.expiredStatus.rank)];
            timeline.slash(candidate.prover, candidate.bond, address(0), 0, escrow);
        }
        emit SlotExpired(timeline.slot());
    }

    function _terms() internal view returns (SettlementTerms memory) {
        return SettlementTerms(staking, escrow, _abandonPenalty, _withholdPenalty);
    }

    // ---- construction ---------------------------------------------------------------------------------------------

    /// @dev Reverts unless the other contracts name this rollup, one token and the same clock. The guardian may be an
    /// account without code.
    function _checkWiring(Contracts memory contracts_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_) private view {
        uint256 self = uint256(uint160(address(this)));
        bytes4 rollupOf = bytes4(keccak256("rollup()"));
        bytes4 tokenOf = bytes4(keccak256("token()"));
        uint256 token = Wiring.read("staking", address(contracts_.staking), tokenOf);
        Wiring.expect("staking", address(contracts_.staking), rollupOf, self);
        Wiring.expect("escrow", address(contracts_.escrow), rollupOf, self);
        Wiring.expect("escrow", address(contracts_.escrow), tokenOf, token);
        Wiring.expect("rewards", address(contracts_.rewards), rollupOf, self);
        Wiring.expect("rewards", address(contracts_.rewards), tokenOf, token);
        Wiring.expect("bridge", address(contracts_.bridge), rollupOf, self);
        Wiring.expect("bridge", address(contracts_.bridge), tokenOf, token);
        uint256 scored = Wiring.read("scoring", address(contracts_.scoring), IScoring.staking.selector);
        uint256 staking_ = uint256(uint160(address(contracts_.staking)));
        if (scored != 0 && scored != staking_) revert WiringMismatch("scoring", staking_, scored);
        if (address(contracts_.votes) != address(0)) {
            Wiring.expect("votes", address(contracts_.votes), rollupOf, self);
            _checkClock("votes", address(contracts_.votes), l1GenesisTime_, l1SlotSeconds_);
        }
        _checkClock("staking", address(contracts_.staking), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("randomness", address(contracts_.randomness), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("escrow", address(contracts_.escrow), l1GenesisTime_, l1SlotSeconds_);
        _checkClock("bridge", address(contracts_.bridge), l1GenesisTime_, l1SlotSeconds_);
    }

    function _checkClock(string memory name, address target, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        private
        view
    {
        Wiring.expect(name, target, bytes4(keccak256("l1GenesisTime()")), l1GenesisTime_);
        Wiring.expect(name, target, bytes4(keccak256("l1SlotSeconds()")), l1SlotSeconds_);
    }

    /// @dev Fills the words that slots will write, so that the first use of a record costs as much as later ones. A
    /// record without candidates counts as unused.
    function _warmUp(uint256 maxCandidates) private {
        for (uint256 i = 0; i < RECORD_COUNT; ++i) {
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
