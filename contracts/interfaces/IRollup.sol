// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {Limits} from "../types/Limits.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Windows} from "../types/Windows.sol";

/// @notice Where a slot is. Derived from stored facts and the current L1 slot, never stored.
enum Phase {
    /// the slot's start lies ahead (the previous one ended and the seed isn't fixed yet)
    Waiting,
    /// sequencers propose
    Proposal,
    /// the candidate at `turn` needs a prover's commitment
    Commitment,
    /// the candidate at `turn` has a commitment and must publish its data
    Reveal,
    /// the block is published; only its committed prover is paid for the proof
    ExclusiveProving,
    /// the block is published; anyone's proof is paid (rescue)
    OpenProving,
    /// nobody may finalize: a prepared backup block can't land in the very next L1 block
    Halt,
    /// anyone may finalize a block of their own in one transaction
    Backup
}

/// @notice What a block is. Its hash is `keccak256(abi.encode(header))`.
struct Header {
    /// slot that the block is for
    Slot slot;
    /// hash of the last finalized header
    bytes32 parent;
    /// root of the L2 state after the block
    bytes32 stateRoot;
    /// entries of the Bridge's queue (deposits and forced exits) consumed since genesis, this block's included
    uint64 depositsEnd;
    /// L2 account that gets the block's fees (0 burns them)
    uint32 feeRecipient;
    /// chunks in the block, at least 1
    uint32 chunks;
    /// digest of the committee's notarization; zero without a committee
    bytes32 committeeDigest;
    /// payload that the block's sequencer signals to governance; zero for none
    address vote;
    /// versioned hashes of the block's blobs, in order
    bytes32[] blobHashes;
}

/// @notice An offer to prove one header, EIP-712 typed data of the domain {name: "Fernet", version: "1", chainId, verifyingContract: Rollup}.
struct Quote {
    Slot slot;
    bytes32 headerHash;
    SequencerId sequencer;
    /// whose escrow the bond comes from
    address prover;
    /// whom rewards and price are credited to
    address payee;
    /// token units locked until the slot ends
    uint128 bond;
    /// token units that move from the sequencer's to the prover's reward
    uint96 price;
    /// last L1 slot in which the quote may be committed
    L1Slot validUntil;
}

/// @notice Rules of a deployment, fixed in the constructor. Lengths in L1 slots, amounts in token units, shares in basis points.
struct Parameters {
    uint16 proposalPhase;
    uint16 commitmentPhase;
    uint16 revealPhase;
    uint16 provingPhase;
    uint16 exclusiveProving;
    uint16 haltPhase;
    uint16 backupPhase;
    uint16 seedDelay;
    uint16 seedGrid;
    /// of the guardian's pause
    uint16 pauseLength;
    /// 1 to 4
    uint8 maxCandidates;
    /// blobs a block may have, 1 to 16
    uint8 maxBlobs;
    /// chunks a block may have
    uint16 maxChunks;
    /// entries of the Bridge's queue that a block consumes at most
    uint16 maxDeposits;
    /// of a slashed bond, to whoever proves the block after its prover failed to
    uint16 rescueShareBps;
    uint96 minBond;
    uint96 abandonPenalty;
    uint96 withholdPenalty;
}

/// @notice The last finalized block.
struct Tip {
    bytes32 headerHash;
    bytes32 stateRoot;
    uint64 depositsEnd;
    /// finalized blocks since genesis
    uint64 height;
    /// slot of the block; `type(uint64).max` before the first
    Slot slot;
}

/// @notice How a block became final.
enum Outcome {
    Finalized,
    Rescued,
    Backup
}

/// @title Block production: proposals, prover commitments, reveals, proofs and backup, slot after slot
/// @notice One slot is in flight at a time. Phases follow from stored facts and the clock; no transaction is needed to move on.
interface IRollup {
    event Proposed(
        Slot indexed slot,
        SequencerId indexed sequencer,
        bytes32 indexed headerHash,
        uint192 score,
        L1Slot start,
        L1Slot previousStart
    );
    /// @notice The slot's first proposal proved the RANDAO mix of `l1Slot`, from which the seed follows. Where it didn't, `IRandomness.MixProven` has it.
    event SeedProven(Slot indexed slot, L1Slot indexed l1Slot, bytes32 mix);
    event Displaced(Slot indexed slot, SequencerId indexed sequencer, bytes32 indexed headerHash);
    event Committed(
        Slot indexed slot,
        bytes32 indexed headerHash,
        address indexed prover,
        SequencerId sequencer,
        address payee,
        uint96 bond,
        uint96 price,
        L1Slot l1Slot
    );
    /// @notice A transaction showed blobs of a header; `blobsSeen` has a bit for each blob seen so far. The header itself is in the event, for whoever didn't hold it.
    event Revealed(
        Slot indexed slot, bytes32 indexed headerHash, Header header, uint16 blobsSeen, bool complete, L1Slot l1Slot
    );
    event Finalized(
        Slot indexed slot,
        bytes32 indexed headerHash,
        address indexed payee,
        Outcome outcome,
        bytes32 stateRoot,
        uint64 depositsEnd,
        L1Slot l1Slot
    );
    /// @notice A block of `finalizeBackup`: its header, as no `Revealed` may have shown it.
    event BackupBlock(Slot indexed slot, bytes32 indexed headerHash, Header header);
    event CandidateAbandoned(Slot indexed slot, SequencerId indexed sequencer, uint96 penalty);
    event CandidateWithheld(Slot indexed slot, SequencerId indexed sequencer, uint96 penalty);
    event BondReleased(Slot indexed slot, address indexed prover, uint96 bond);
    event BondSlashed(Slot indexed slot, address indexed prover, uint96 bond, address beneficiary, uint96 share);
    /// @notice A slot that had proposals ended without a block.
    event SlotExpired(Slot indexed slot);
    /// @notice A pause ended the slot without a block, and without penalties.
    event SlotVoided(Slot indexed slot);
    /// @notice The next slot follows a virtual one that starts and ends at `until`.
    event Paused(L1Slot until);

    /// @notice `expected` is the slot in turn.
    /// @custom:rule S1
    error WrongSlot(Slot expected, Slot actual);
    /// @custom:rule S6
    error WrongPhase(Phase expected, Phase actual);
    /// @custom:rule P1
    error NotAttester(SequencerId sequencer, address expected, address actual);
    /// @notice Not active from the start of the previous slot on, or exiting, or unknown.
    /// @custom:rule P1, Q14
    error NotEligible(SequencerId sequencer, L1Slot activeBy);
    /// @custom:rule P1
    error AlreadyProposed(SequencerId sequencer);
    /// @custom:rule P3
    error ScoreTooLow(uint192 score, uint192 toBeat);
    /// @custom:rule P1
    error EmptyHeaderHash();
    /// @custom:rule C1, V1, F1
    error WrongHeader(bytes32 expected, bytes32 actual);
    /// @custom:rule C1
    error WrongSequencer(SequencerId expected, SequencerId actual);
    /// @custom:rule C3
    error QuoteExpired(L1Slot validUntil, L1Slot now_);
    /// @custom:rule C3
    error BondTooLow(uint96 minimum, uint128 actual);
    /// @custom:rule C3
    error BondTooHigh(uint96 maximum, uint128 actual);
    /// @custom:rule C3
    error PriceTooHigh(uint96 maximum, uint96 actual);
    /// @custom:rule C3, F1, B1
    error ZeroAddress();
    /// @custom:rule C2
    error BadSignature(address signer);
    /// @custom:rule V1, B1
    error WrongParent(bytes32 expected, bytes32 actual);
    /// @custom:rule V1, B1
    error ChunksOutOfRange(uint256 maximum, uint256 actual);
    /// @custom:rule V1, B1
    error WrongBlobCount(uint256 expected, uint256 actual);
    /// @custom:rule V2
    error NoNewBlob();
    /// @custom:rule B2
    error BlobNotPublished(uint256 index);
    /// @custom:rule V1, B1
    error CommitteeDigestNotZero();
    /// @notice A block without an elected sequencer has no vote.
    /// @custom:rule B3
    error VoteNotZero();
    /// @custom:rule G1
    error NotGuardian(address expected, address actual);
    /// @notice A pause lasts, or slot 0 lies ahead.
    /// @custom:rule G3
    error AlreadyPaused(L1Slot until);
    /// @notice After a pause, blocks can be made for as long as it took before the next one.
    /// @custom:rule G5
    error PausedRecently(L1Slot pausableFrom, L1Slot actual);
    /// @custom:rule P4
    error NothingToSettle();
    /// @custom:rule M4
    error BadParameter(string name);
    /// @notice Another contract of the deployment names another rollup, token or clock.
    /// @custom:rule M4
    error WiringMismatch(string name, uint256 expected, uint256 actual);

    /// @notice Proposes a header for the slot in turn. The sender is the sequencer's attester.
    /// @param slot the slot the caller means; anything but the slot in turn reverts
    /// @param seedProof header proof of the slot's RANDAO mix (see `IRandomness.prove`); not looked at once the slot has a proposal, and
    /// empty where the mix was proven to `Randomness`
    /// @param scoreProof what the deployment's `IScoring` asks for
    /// @dev `WrongSlot`, `WrongPhase` outside of Proposal, `EmptyHeaderHash`, `NotEligible`, `NotAttester`; without a seed, `IRandomness.UnknownMix`, with a bad
    /// proof the errors of `IRandomness.prove`; the errors of `IScoring.score`; `AlreadyProposed`, `ScoreTooLow`.
    function propose(
        Slot slot,
        SequencerId sequencer,
        bytes32 headerHash,
        bytes calldata seedProof,
        bytes calldata scoreProof
    ) external;

    /// @notice Locks a prover's bond for the candidate in turn. Whoever sends it needs no signature; the other party's must be valid (EOA or EIP-1271).
    /// @dev `WrongSlot`, `WrongPhase` outside of Commitment, `WrongHeader` and `WrongSequencer` unless the candidate in turn is meant, `QuoteExpired`, `ZeroAddress`,
    /// `BondTooLow`, `BondTooHigh` beyond 96 bits, `PriceTooHigh` beyond `IRewards.maxPrice`, `BadSignature`, `IEscrow.InsufficientFree`.
    function commit(Quote calldata quote, bytes calldata proverSignature, bytes calldata sequencerSignature) external;

    /// @notice Shows blobs of this transaction as data of the candidate in turn. Repeat until all were seen. Anyone.
    /// @dev `WrongSlot`, `WrongPhase` outside of Reveal, `WrongHeader`, `WrongParent`, `ChunksOutOfRange`, `WrongBlobCount`, `CommitteeDigestNotZero`, the errors of
    /// `IBridge.checkConsumption`, `NoNewBlob`.
    function reveal(Header calldata header) external;

    /// @notice Finalizes the revealed block with its proof, which binds `payee`. Anyone; in ExclusiveProving the quote's payee is paid, whoever `payee` is.
    /// @dev `WrongSlot`, `WrongPhase` outside of ExclusiveProving and OpenProving, `WrongHeader`, `ZeroAddress`, the verifier's errors.
    function finalize(Header calldata header, address payee, bytes calldata proof) external;

    /// @notice Finalizes any valid block of the slot in its backup phase; its blobs are in this transaction, unless it is the revealed block. Anyone.
    /// @dev `WrongSlot`, `WrongPhase` outside of Backup, the errors of `reveal` for a header that wasn't revealed, `VoteNotZero` for one with a vote, `BlobNotPublished`, `ZeroAddress`, the verifier's errors.
    function finalizeBackup(Header calldata header, address payee, bytes calldata proof) external;

    /// @notice Settles the bonds and penalties of a slot that is over without a block. Every other call does it by itself.
    function settle() external;

    /// @notice As `settle`, without an error where nothing is to do.
    function sync() external;

    /// @notice Stops block production for `pauseLength` L1 slots. The guardian only.
    /// @dev A slot that is over is settled as ever; the slot in turn ends as if it had never begun: its bonds are released, and nobody pays. The next slot follows
    /// a virtual one that starts and ends when the pause does. Nothing else stops, and no funds move. `NotGuardian`, `AlreadyPaused`, `PausedRecently` until as long
    /// again has gone by after the last pause.
    function pause() external;

    /// @notice The rules of the deployment, packed; `IReader.parameters` has them one by one. Amounts in token units.
    function rules()
        external
        view
        returns (Windows windows, Limits limits, uint96 minBond, uint96 abandonPenalty, uint96 withholdPenalty);
    /// @notice Number of the slot in turn at the current L1 slot. `IReader.overview` has everything about it.
    function slotInTurn() external view returns (Slot);
    /// @notice First L1 slot after the pause that lasts, or the genesis L1 slot as long as that lies ahead; zero otherwise.
    function pausedUntil() external view returns (L1Slot);
    /// @notice First L1 slot in which the guardian may pause again; zero before the first pause.
    function pausableFrom() external view returns (L1Slot);
    /// @notice Whether a sequencer is a candidate of a slot that isn't settled yet.
    function isCandidate(SequencerId sequencer) external view returns (bool);
    /// @notice The last finalized block; before the first, the genesis: its hash is `keccak256(abi.encode("fernet.genesis.v1" as bytes32, chainId, rollup))`, its state root the verifier's.
    function tip() external view returns (Tip memory);
    /// @notice Hash of the header finalized in a slot; zero if none was. At `type(uint64).max`, the genesis hash.
    function finalizedHeader(Slot slot) external view returns (bytes32);
    /// @notice EIP-712 digest that prover and sequencer sign.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);
    /// @notice Domain element of this rollup on this chain, below the order of BLS12-381's scalar field.
    function domain() external view returns (uint256);
    /// @notice `count` words of storage from word `first` on, for `Reader`, which knows the layout. Nothing on a chain is secret.
    function extsload(uint256 first, uint8 count) external view returns (bytes32[] memory);
}
