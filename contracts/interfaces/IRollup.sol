// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencerId} from "../types/Ids.sol";
import {Limits} from "../types/Limits.sol";
import {L1Slot, Slot} from "../types/Time.sol";
import {Windows} from "../types/Windows.sol";

/// @notice Phase of a slot. It is derived from stored facts and the current L1 slot, and never stored.
enum Phase {
    /// The slot has not started. The previous slot ended before this slot's seed was fixed, or a pause lasts.
    Waiting,
    /// Sequencers propose.
    Proposal,
    /// The candidate in turn needs a prover's commitment.
    Commitment,
    /// The candidate in turn has a commitment and must publish its data.
    Reveal,
    /// The block's data is published. Only the committed prover is paid for the proof.
    ExclusiveProving,
    /// The block's data is published. Anyone's proof is paid, which is a rescue.
    OpenProving,
    /// Nobody may finalize, so a backup block that was prepared in advance cannot land in the very next L1 block.
    Halt,
    /// Anyone may finalize a block of their own, in one transaction.
    Backup
}

/// @notice Header of a block. Its hash is `keccak256(abi.encode(header))`.
struct Header {
    /// Slot of the block.
    Slot slot;
    /// Hash of the last finalized header.
    bytes32 parent;
    /// Root of the L2 state after the block.
    bytes32 stateRoot;
    /// Number of deposits that blocks have consumed after this block, since genesis.
    uint64 depositsEnd;
    /// The Bridge's rolling hash of these deposits; zero if this block consumes none.
    bytes32 depositsChain;
    /// Number of forced exits that blocks have consumed after this block, since genesis.
    uint64 exitsEnd;
    /// The Bridge's rolling hash of these forced exits; zero if this block consumes none.
    bytes32 exitsChain;
    /// Index of the L2 account that receives the block's fees; 0 burns them.
    uint32 feeRecipient;
    /// Number of chunks, at least 1.
    uint32 chunks;
    /// Digest of the committee's notarization; zero without a committee.
    bytes32 committeeDigest;
    /// Governance payload that the block's sequencer votes for; zero for none.
    address vote;
    /// Versioned hashes of the block's blobs, in order.
    bytes32[] blobHashes;
}

/// @notice A prover's offer to prove one header. It is EIP-712 typed data of the domain {name: "Fernet", version: "1",
/// chainId, verifyingContract: rollup}.
struct Quote {
    Slot slot;
    bytes32 headerHash;
    SequencerId sequencer;
    /// Account whose escrow balance the bond is taken from.
    address prover;
    /// Account that the prover's reward and the price are credited to.
    address payee;
    /// Token units that are locked until the slot ends.
    uint128 bond;
    /// Token units that move from the sequencer's reward to the prover's; negative in the other direction.
    int128 price;
    /// Last L1 slot in which the quote may be committed.
    L1Slot validUntil;
}

/// @notice Rules of a deployment, fixed in the constructor. Lengths are in L1 slots, amounts in token units, shares in
/// basis points.
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
    /// Length of the guardian's pause.
    uint16 pauseLength;
    /// Time without a block before a stall begins, counted from the start of the last finalized block's slot.
    uint16 stallAfter;
    /// Longest stall that a block is paid for.
    uint16 maxStall;
    /// Candidates that a slot keeps, 1 to 4.
    uint8 maxCandidates;
    /// Maximum number of blobs of a block, 1 to 16.
    uint8 maxBlobs;
    /// Maximum number of chunks of a block.
    uint16 maxChunks;
    /// Maximum number of deposits that a block may consume.
    uint16 maxDeposits;
    /// Maximum number of forced exits that a block may consume.
    uint16 maxExits;
    /// Share of a slashed bond for the account that proves the block after its prover failed.
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
    uint64 exitsEnd;
    /// Number of finalized blocks since genesis.
    uint64 height;
    /// Slot of the block; `type(uint64).max` before the first block.
    Slot slot;
}

/// @notice How a block became final.
enum Outcome {
    Finalized,
    Rescued,
    Backup
}

/// @title Block production: proposals, prover commitments, reveals, proofs and backup
/// @notice One slot is in flight at a time. The slot in turn is the one that the current L1 slot belongs to. The
/// candidate in turn is the best-ranked one that has not failed. Phases follow from stored facts and the clock, so the
/// protocol moves on without a transaction.
interface IRollup {
    event Proposed(
        Slot indexed slot,
        SequencerId indexed sequencer,
        bytes32 indexed headerHash,
        uint192 score,
        L1Slot start,
        L1Slot previousStart
    );
    /// @notice The slot's first proposal proved the RANDAO mix of `l1Slot`, which gives the seed. If the mix was proven
    /// before, `IRandomness.MixProven` has it instead.
    event SeedProven(Slot indexed slot, L1Slot indexed l1Slot, bytes32 mix);
    /// @notice A higher score took the candidate's place on the full list.
    event Displaced(Slot indexed slot, SequencerId indexed sequencer, bytes32 indexed headerHash);
    event Committed(
        Slot indexed slot,
        bytes32 indexed headerHash,
        address indexed prover,
        SequencerId sequencer,
        address payee,
        uint96 bond,
        int128 price,
        L1Slot l1Slot
    );
    /// @notice A transaction showed blobs of a header. `blobsSeen` has a bit for each blob seen so far. The event
    /// contains the header, so followers need no other source for it.
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
    /// @notice `finalizeBackup` finalized another block than the revealed one. The event contains its header.
    event BackupBlock(Slot indexed slot, bytes32 indexed headerHash, Header header);
    /// @notice A candidate got no commitment in time. `penalty` is what was taken from its stake.
    event CandidateAbandoned(Slot indexed slot, SequencerId indexed sequencer, uint96 penalty);
    /// @notice A candidate got a commitment and did not complete its reveal in time. `penalty` is what was taken from
    /// its stake.
    event CandidateWithheld(Slot indexed slot, SequencerId indexed sequencer, uint96 penalty);
    event BondReleased(Slot indexed slot, address indexed prover, uint96 bond);
    /// @notice A bond was taken. `share` of it went to `beneficiary`, the rest was burned.
    event BondSlashed(Slot indexed slot, address indexed prover, uint96 bond, address beneficiary, uint96 share);
    /// @notice A slot with proposals ended without a block.
    event SlotExpired(Slot indexed slot);
    /// @notice A pause ended the slot, without a block and without penalties.
    event SlotVoided(Slot indexed slot);
    /// @notice A pause lasts until `until`. The next slot follows a virtual slot that starts and ends then.
    event Paused(L1Slot until);

    /// @notice `expected` is the slot in turn.
    /// @custom:rule S1
    error WrongSlot(Slot expected, Slot actual);
    /// @custom:rule S6
    error WrongPhase(Phase expected, Phase actual);
    /// @custom:rule P1
    error NotAttester(SequencerId sequencer, address expected, address actual);
    /// @notice The sequencer is unknown, exiting, or was not active at the start of the previous slot.
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
    /// @custom:rule C5
    error PriceOutOfRange(int128 lowest, int128 highest, int128 actual);
    /// @custom:rule C3, F1, B1
    error ZeroAddress();
    /// @custom:rule C2, C6
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
    /// @notice Only a block of a candidate may vote.
    /// @custom:rule B3
    error VoteNotZero();
    /// @custom:rule G1
    error NotGuardian(address expected, address actual);
    /// @notice A pause lasts already, or the genesis L1 slot lies ahead.
    /// @custom:rule G3
    error AlreadyPaused(L1Slot until);
    /// @notice After a pause, the guardian must wait for as long as a pause lasts.
    /// @custom:rule G5
    error PausedRecently(L1Slot pausableFrom, L1Slot actual);
    /// @custom:rule P4
    error NothingToSettle();
    /// @custom:rule M4
    error BadParameter(string name);
    /// @notice Another contract of the deployment names another rollup, token or clock.
    /// @custom:rule M4
    error WiringMismatch(string name, uint256 expected, uint256 actual);

    /// @notice Proposes a header for the slot in turn. Only the sequencer's attester.
    /// @param slot The slot in turn; any other reverts.
    /// @param seedProof Header proof of the slot's RANDAO mix, see `IRandomness.prove`. Empty if the mix was proven to
    /// `Randomness`. Ignored if the slot has a proposal.
    /// @param scoreProof What the deployment's `IScoring` asks for.
    /// @dev Errors: `WrongSlot`; `WrongPhase` outside of Proposal; `EmptyHeaderHash`; `NotEligible`; `NotAttester`;
    /// `IRandomness.UnknownMix` if there is no seed; the errors of `IRandomness.prove` for a bad proof; the errors of
    /// `IScoring.score`; `AlreadyProposed`; `ScoreTooLow` if the list is full.
    function propose(
        Slot slot,
        SequencerId sequencer,
        bytes32 headerHash,
        bytes calldata seedProof,
        bytes calldata scoreProof
    ) external;

    /// @notice Commits a quote to the candidate in turn and locks the prover's bond. Anyone. A party that sends the
    /// transaction itself needs no signature. Any other party must have signed: with its own ECDSA key, whatever code
    /// its account has; with the key that it named in the escrow; or as EIP-1271 says.
    /// @dev Errors: `WrongSlot`; `WrongPhase` outside of Commitment; `WrongHeader` or `WrongSequencer` if the quote is
    /// not for the candidate in turn; `QuoteExpired`; `ZeroAddress`; `BondTooLow`; `BondTooHigh` beyond 96 bits;
    /// `PriceOutOfRange` outside of `IRewards.priceRange`; `BadSignature`; `IEscrow.InsufficientFree`.
    function commit(Quote calldata quote, bytes calldata proverSignature, bytes calldata sequencerSignature) external;

    /// @notice Shows that this transaction carries blobs of the candidate in turn. Call it again until all blobs were
    /// seen. Anyone.
    /// @dev Errors: `WrongSlot`; `WrongPhase` outside of Reveal; `WrongHeader`; `WrongParent`; `ChunksOutOfRange`;
    /// `WrongBlobCount`; `CommitteeDigestNotZero`; the errors of `IBridge.checkConsumption`; `NoNewBlob`.
    function reveal(Header calldata header) external;

    /// @notice Finalizes the revealed block with its proof. The proof binds `payee`. Anyone. In ExclusiveProving the
    /// payee of the quote is paid, whatever `payee` is. In OpenProving `payee` is paid, and a part of the bond is
    /// slashed that grows with each L1 slot.
    /// @dev Errors: `WrongSlot`; `WrongPhase` outside of ExclusiveProving and OpenProving; `WrongHeader`;
    /// `ZeroAddress`; the verifier's errors.
    function finalize(Header calldata header, address payee, bytes calldata proof) external;

    /// @notice Finalizes any valid block of the slot in its backup phase. The transaction must carry the block's blobs,
    /// unless the block is the revealed one. Anyone. Only the revealed block brings its prover a share of the bond.
    /// @dev Errors: `WrongSlot`; `WrongPhase` outside of Backup; for a block that is not the revealed one, the errors
    /// that `reveal` has for a header, `VoteNotZero` and `BlobNotPublished`; `ZeroAddress`; the verifier's errors.
    function finalizeBackup(Header calldata header, address payee, bytes calldata proof) external;

    /// @notice Settles the bonds and penalties of a slot that ended without a block. Anyone. Every other call of the
    /// rollup settles first, so nobody has to call it.
    /// @dev Errors: `NothingToSettle`.
    function settle() external;

    /// @notice Like `settle`, but does nothing if nothing is due.
    function sync() external;

    /// @notice Stops block production for `pauseLength` L1 slots. Guardian only. Nothing else stops, and no funds move.
    /// @dev First settles a slot that ended without a block. The slot in turn then ends as if it had never begun: its
    /// bonds are released and nobody is penalized. The next slot follows a virtual slot that starts and ends when the
    /// pause ends. Errors: `NotGuardian`; `AlreadyPaused`; `PausedRecently` until the last pause has been over for as
    /// long as it lasted.
    function pause() external;

    /// @notice The rules of the deployment, packed. `IReader.parameters` has them unpacked. Amounts in token units.
    function rules()
        external
        view
        returns (Windows windows, Limits limits, uint96 minBond, uint96 abandonPenalty, uint96 withholdPenalty);
    /// @notice Number of the slot in turn. `IReader.overview` has everything else about it.
    function slotInTurn() external view returns (Slot);
    /// @notice First L1 slot after the current pause. Before the genesis L1 slot, that slot. Zero otherwise.
    function pausedUntil() external view returns (L1Slot);
    /// @notice First L1 slot in which the guardian may pause again; zero before the first pause.
    function pausableFrom() external view returns (L1Slot);
    /// @notice Whether a sequencer is a candidate of a slot that is not settled yet.
    function isCandidate(SequencerId sequencer) external view returns (bool);
    /// @notice The last finalized block. Before the first block, the genesis: its hash is
    /// `keccak256(abi.encode(bytes32("fernet.genesis.v1"), chainId, rollup))`, and its state root is the verifier's
    /// `genesisRoot`.
    function tip() external view returns (Tip memory);
    /// @notice Hash of the header finalized in a slot; zero if there is none. At `type(uint64).max`, the genesis hash.
    function finalizedHeader(Slot slot) external view returns (bytes32);
    /// @notice EIP-712 digest of a quote, which its prover and its sequencer's attester sign.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);
    /// @notice Field element that identifies this rollup on this chain, for L2 signatures and proofs. It is below the
    /// order of the scalar field of BLS12-381.
    function domain() external view returns (uint256);
    /// @notice Reads `count` words of storage, beginning with storage slot `first`. For `Reader`, which knows the
    /// layout.
    function extsload(uint256 first, uint8 count) external view returns (bytes32[] memory);
}
