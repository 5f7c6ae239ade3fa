// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {EIP712} from "solady/utils/EIP712.sol";

import {L1Clock} from "./L1Clock.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IEscrow} from "./interfaces/IEscrow.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {Candidate, Header, IRollup, Outcome, Parameters, Phase, Quote, SlotView, Tip} from "./interfaces/IRollup.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {IStateTransitionVerifier, Statement} from "./interfaces/IStateTransitionVerifier.sol";
import {Blobs} from "./libraries/Blobs.sol";
import {Hashing} from "./libraries/Hashing.sol";
import {ParameterChecks} from "./libraries/ParameterChecks.sol";
import {Payouts} from "./libraries/Payouts.sol";
import {Location, Phases, Position} from "./libraries/Phases.sol";
import {Ranking} from "./libraries/Ranking.sol";
import {Settlement, Terms} from "./libraries/Settlement.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Cursor, RING, genesisCursor} from "./types/Cursor.sol";
import {SequencerId} from "./types/Ids.sol";
import {Record, State, StoredCandidate} from "./types/State.sol";
import {L1Slot, Slot} from "./types/Time.sol";
import {Timeline} from "./types/Timeline.sol";
import {Windows, packWindows} from "./types/Windows.sol";

/// @notice The other contracts of a deployment.
struct Contracts {
    IStaking staking;
    IRandomness randomness;
    IEscrow escrow;
    IRewards rewards;
    IBridge bridge;
    IStateTransitionVerifier verifier;
}

/// @title Block production: proposals, prover commitments, reveals, proofs and backup, slot after slot
/// @notice No owner, no upgrade, no pause. The interface is the manual.
contract Rollup is IRollup, L1Clock, EIP712, ReentrancyGuardTransient {
    using Ranking for Record;
    using Settlement for Record;
    using Settlement for Timeline;

    IStaking public immutable staking;
    IRandomness public immutable randomness;
    IEscrow public immutable escrow;
    IRewards public immutable rewards;
    IBridge public immutable bridge;
    IStateTransitionVerifier public immutable verifier;
    /// @notice L1 slot from which slot 0's seed counts: that of the deployment, or a later one.
    L1Slot public immutable genesisSlot;

    /// @dev Leaves half of the 40 bits of an L1 slot for what comes after it.
    L1Slot private constant LATEST_GENESIS = L1Slot.wrap(1 << 39);

    Windows private immutable _windows;
    uint8 private immutable _maxCandidates;
    uint8 private immutable _maxBlobs;
    uint16 private immutable _maxChunks;
    uint16 private immutable _maxDeposits;
    uint16 private immutable _rescueShareBps;
    uint16 private immutable _sequencerBps;
    uint16 private immutable _proverBps;
    uint16 private immutable _submitterBps;
    uint96 private immutable _minBond;
    uint96 private immutable _abandonPenalty;
    uint96 private immutable _withholdPenalty;
    uint96 private immutable _blockReward;
    uint96 private immutable _revealBonus;

    State private _state;

    /// @param genesis where the virtual slot before the first stands, not in the past: whoever registers in time before it may
    /// propose from slot 0 on
    constructor(Parameters memory p, Contracts memory c, uint64 l1GenesisTime_, uint64 l1SlotSeconds_, L1Slot genesis)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        if (genesis < l1Slot() || genesis > LATEST_GENESIS) revert BadParameter("genesisSlot");
        _checkWiring(c, l1GenesisTime_, l1SlotSeconds_);
        ParameterChecks.check(
            p,
            Wiring.read("staking", address(c.staking), IStaking.stakeAmount.selector),
            Wiring.read(
                "verifier",
                address(c.verifier),
                abi.encodeCall(IStateTransitionVerifier.blobCount, (uint256(p.maxChunks)))
            )
        );
        staking = c.staking;
        randomness = c.randomness;
        escrow = c.escrow;
        rewards = c.rewards;
        bridge = c.bridge;
        verifier = c.verifier;
        _windows = packWindows(p);
        _maxCandidates = p.maxCandidates;
        _maxBlobs = p.maxBlobs;
        _maxChunks = p.maxChunks;
        _maxDeposits = p.maxDeposits;
        _rescueShareBps = p.rescueShareBps;
        _sequencerBps = p.sequencerBps;
        _proverBps = p.proverBps;
        _submitterBps = p.submitterBps;
        _minBond = p.minBond;
        _abandonPenalty = p.abandonPenalty;
        _withholdPenalty = p.withholdPenalty;
        _blockReward = p.blockReward;
        _revealBonus = p.revealBonus;

        genesisSlot = genesis;
        // A virtual slot before the first starts and ends there, so that no seed is chosen by the deployer.
        _state.cursor = genesisCursor(packWindows(p).nextStart(genesis, genesis), genesis);
        _state.stateRoot =
            bytes32(Wiring.read("verifier", address(c.verifier), IStateTransitionVerifier.genesisRoot.selector));
        _state.finalized[Slot.wrap(type(uint64).max)] = Hashing.genesis(address(this));
        _warmUp(p.maxCandidates);
    }

    // ---- entry points ---------------------------------------------------------------------------------------------

    /// @inheritdoc IRollup
    function propose(Slot slot, SequencerId sequencer, bytes32 headerHash_, bytes calldata seedProof)
        external
        nonReentrant
    {
        Location memory l = _enter(slot);
        _requirePhase(l, Phase.Proposal);
        if (headerHash_ == 0) revert EmptyHeaderHash();
        L1Slot previousStart = l.timeline.previousStart();
        address attester = staking.eligibleAttester(sequencer, previousStart);
        if (attester == address(0)) revert NotEligible(sequencer, previousStart);
        if (attester != msg.sender) revert NotAttester(sequencer, attester, msg.sender);
        uint192 score = Hashing.score(address(this), slot, _seed(slot, previousStart, seedProof), sequencer, attester);
        _record(l).insert(l.timeline, _maxCandidates, sequencer, score, headerHash_);
        emit Proposed(slot, sequencer, headerHash_, score, l.timeline.start(), previousStart);
    }

    /// @inheritdoc IRollup
    function commit(Quote calldata quote, bytes calldata proverSignature, bytes calldata sequencerSignature)
        external
        nonReentrant
    {
        Location memory l = _enter(quote.slot);
        _requirePhase(l, Phase.Commitment);
        uint256 position = l.timeline.positionOf(l.position.turn);
        StoredCandidate storage candidate = _record(l).candidates[position];
        if (quote.headerHash != candidate.headerHash) revert WrongHeader(candidate.headerHash, quote.headerHash);
        if (quote.sequencer != candidate.sequencer) revert WrongSequencer(candidate.sequencer, quote.sequencer);
        _checkTerms(quote);
        _checkAgreement(quote, proverSignature, sequencerSignature);
        _record(l).timeline = l.timeline.withCommitment(position, l1Slot());
        _lock(candidate, quote);
    }

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
            Blobs.requireAll(header.blobHashes);
            emit BackupBlock(header.slot, hash, header);
        }
        _verify(l.cursor, header, hash, payee, proof);
        _finish(l, header, hash, payee, Outcome.Backup);
    }

    /// @inheritdoc IRollup
    function settle() external nonReentrant {
        Location memory l = _locate();
        if (!l.expired) revert NothingToSettle();
        _expire(l);
    }

    /// @inheritdoc IRollup
    function sync() external nonReentrant {
        Location memory l = _locate();
        if (l.expired) _expire(l);
    }

    // ---- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IRollup
    function parameters() external view returns (Parameters memory p) {
        Windows w = _windows;
        // casting: each length has 16 bits
        // forge-lint: disable-start(unsafe-typecast)
        p.proposalPhase = uint16(w.proposal());
        p.commitmentPhase = uint16(w.commitment());
        p.revealPhase = uint16(w.reveal());
        p.provingPhase = uint16(w.proving());
        p.exclusiveProving = uint16(w.exclusive());
        p.haltPhase = uint16(w.halt());
        p.backupPhase = uint16(w.backup());
        p.seedDelay = uint16(w.seedDelay());
        p.seedGrid = uint16(w.seedGrid());
        // forge-lint: disable-end(unsafe-typecast)
        p.maxCandidates = _maxCandidates;
        p.maxBlobs = _maxBlobs;
        p.maxChunks = _maxChunks;
        p.maxDeposits = _maxDeposits;
        p.rescueShareBps = _rescueShareBps;
        p.sequencerBps = _sequencerBps;
        p.proverBps = _proverBps;
        p.submitterBps = _submitterBps;
        p.minBond = _minBond;
        p.abandonPenalty = _abandonPenalty;
        p.withholdPenalty = _withholdPenalty;
        p.blockReward = _blockReward;
        p.revealBonus = _revealBonus;
    }

    /// @inheritdoc IRollup
    function currentSlot() external view returns (SlotView memory v) {
        Location memory l = _locate();
        Timeline t = l.timeline;
        v.slot = t.slot();
        v.phase = l.position.phase;
        v.start = t.start();
        v.previousStart = t.previousStart();
        v.seedAt = _windows.seedAt(v.previousStart);
        v.phaseEnd = l.position.end;
        uint256 count = t.count();
        // casting: at most 4
        // forge-lint: disable-next-line(unsafe-typecast)
        v.turn = uint8(l.position.turn);
        v.candidates = new Candidate[](count);
        L1Slot lastCommitment;
        uint256 last;
        for (uint256 rank = 0; rank < count; ++rank) {
            v.candidates[rank] = _candidateAt(l, t.positionOf(rank));
            if (v.candidates[rank].committedAt > lastCommitment) {
                lastCommitment = v.candidates[rank].committedAt;
                last = rank;
            }
        }
        if (count != 0) v.candidates[last].blobsSeen = t.blobsSeen();
    }

    /// @inheritdoc IRollup
    function isCandidate(SequencerId sequencer) external view returns (bool) {
        Record storage record = _state.records[_state.cursor.record()];
        Timeline t = record.timeline;
        if (!_state.cursor.isInFlight(t)) return false;
        uint256 count = t.count();
        for (uint256 rank = 0; rank < count; ++rank) {
            if (record.candidates[t.positionOf(rank)].sequencer == sequencer) return true;
        }
        return false;
    }

    /// @inheritdoc IRollup
    function tip() external view returns (Tip memory) {
        Cursor cursor = _state.cursor;
        return Tip({
            headerHash: _state.finalized[cursor.tipSlot()],
            stateRoot: _state.stateRoot,
            depositsEnd: cursor.depositsEnd(),
            height: cursor.height(),
            slot: cursor.tipSlot()
        });
    }

    /// @inheritdoc IRollup
    function finalizedHeader(Slot slot) external view returns (bytes32) {
        return _state.finalized[slot];
    }

    /// @inheritdoc IRollup
    function headerHash(Header calldata header) external pure returns (bytes32) {
        return Hashing.header(header);
    }

    /// @inheritdoc IRollup
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        return _hashTypedData(Hashing.quote(quote));
    }

    /// @inheritdoc IRollup
    function domain() public view returns (uint256) {
        return Hashing.ledgerDomain(address(this));
    }

    /// @inheritdoc IRollup
    function scoreOf(Slot slot, SequencerId sequencer, bytes32 seed) external view returns (uint192) {
        return Hashing.score(address(this), slot, seed, sequencer, staking.attesterOf(sequencer));
    }

    // ---- the slot in turn -----------------------------------------------------------------------------------------

    /// @dev The slot in turn, which must be `slot`, once what ended before it is settled.
    function _enter(Slot slot) private returns (Location memory l) {
        l = _locate();
        if (l.timeline.slot() != slot) revert WrongSlot(l.timeline.slot(), slot);
        if (l.expired) _expire(l);
    }

    function _locate() private view returns (Location memory) {
        Cursor cursor = _state.cursor;
        return Phases.locate(cursor, _state.records[cursor.record()].timeline, _windows, l1Slot());
    }

    /// @dev Record of the slot in turn.
    function _record(Location memory l) private view returns (Record storage) {
        return _state.records[l.cursor.record()];
    }

    /// @dev The candidate in turn; there is one.
    function _turn(Location memory l) private view returns (StoredCandidate storage) {
        return _record(l).candidates[l.timeline.positionOf(l.position.turn)];
    }

    function _requirePhase(Location memory l, Phase expected) private pure {
        if (l.position.phase != expected) revert WrongPhase(expected, l.position.phase);
    }

    // ---- checks ---------------------------------------------------------------------------------------------------

    /// @dev Seed of the slot, whose mix is proven first if a proof is given.
    function _seed(Slot slot, L1Slot previousStart, bytes calldata seedProof) private returns (bytes32) {
        L1Slot seedAt = _windows.seedAt(previousStart);
        if (seedProof.length == 0) return randomness.seed(slot, seedAt);
        return Hashing.seed(randomness.prove(seedAt, seedProof), slot);
    }

    /// @dev The quote's amounts, accounts and deadline.
    function _checkTerms(Quote calldata quote) private view {
        if (l1Slot() > quote.validUntil) revert QuoteExpired(quote.validUntil, l1Slot());
        if (quote.prover == address(0) || quote.payee == address(0)) revert ZeroAddress();
        if (quote.bond < _minBond) revert BondTooLow(_minBond, quote.bond);
        if (quote.bond > type(uint96).max) revert BondTooHigh(type(uint96).max, quote.bond);
        uint96 highest = Payouts.shareDown(_blockReward, _sequencerBps);
        if (quote.price > highest) revert PriceTooHigh(highest, quote.price);
    }

    /// @dev Prover and sequencer agreed: by sending the transaction or by signing the quote.
    function _checkAgreement(Quote calldata quote, bytes calldata proverSignature, bytes calldata sequencerSignature)
        private
        view
    {
        address attester = staking.attesterOf(quote.sequencer);
        bytes32 digest = quoteDigest(quote);
        _checkSigner(quote.prover, digest, proverSignature);
        _checkSigner(attester, digest, sequencerSignature);
    }

    function _checkSigner(address signer, bytes32 digest, bytes calldata signature) private view {
        if (msg.sender == signer) return;
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer);
    }

    /// @dev What a header must fulfil apart from its proof and its data. Its slot is the one in turn.
    function _checkHeader(Location memory l, Header calldata header) private view {
        bytes32 parent = _state.finalized[l.cursor.tipSlot()];
        if (header.parent != parent) revert WrongParent(parent, header.parent);
        if (header.chunks == 0 || header.chunks > _maxChunks) revert ChunksOutOfRange(_maxChunks, header.chunks);
        // The constructor checked that no count exceeds maxBlobs.
        uint256 blobs = verifier.blobCount(header.chunks);
        if (header.blobHashes.length != blobs) revert WrongBlobCount(blobs, header.blobHashes.length);
        if (header.committeeDigest != 0) revert CommitteeDigestNotZero();
        bridge.checkConsumption(l.cursor.depositsEnd(), header.depositsEnd, _maxDeposits, l.timeline.previousStart());
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

    /// @dev Writes the terms of a checked quote to its candidate and locks the bond.
    function _lock(StoredCandidate storage candidate, Quote calldata quote) private {
        // casting: _checkTerms compared it
        // forge-lint: disable-next-line(unsafe-typecast)
        uint96 bond = uint96(quote.bond);
        candidate.prover = quote.prover;
        candidate.bond = bond;
        candidate.payee = quote.payee;
        candidate.price = quote.price;
        emit Committed(
            quote.slot, quote.headerHash, quote.prover, quote.sequencer, quote.payee, bond, quote.price, l1Slot()
        );
        escrow.lock(quote.prover, bond);
    }

    // ---- ends of a slot -------------------------------------------------------------------------------------------

    /// @dev The slot ends with a block: moves the tip, then settles bonds and penalties, then credits rewards.
    function _finish(Location memory l, Header calldata header, bytes32 hash, address payee, Outcome outcome) private {
        Timeline t = l.timeline;
        L1Slot now_ = l1Slot();
        Record storage record = _record(l);
        _state.cursor =
            l.cursor.closed(t, _windows.nextStart(t.start(), now_.plus(1))).withTip(header.slot, header.depositsEnd);
        _state.stateRoot = header.stateRoot;
        _state.finalized[header.slot] = hash;

        record.failed(t, l.position.turn, _terms());
        address paid = payee;
        uint256 proverReward = Payouts.shareDown(_blockReward, _proverBps);
        uint256 sequencerReward = Payouts.shareDown(_blockReward, _sequencerBps);
        unchecked {
            // three 96-bit amounts; the shares are parts of the whole, and the price of a quote is at most the sequencer's share
            uint256 submitterReward = _blockReward - proverReward - sequencerReward;
            if (l.position.revealed) {
                uint256 position = t.positionOf(l.position.turn);
                StoredCandidate storage candidate = record.candidates[position];
                if (outcome == Outcome.Finalized) {
                    paid = candidate.payee;
                    t.release(candidate.prover, candidate.bond, escrow);
                } else {
                    uint96 bond = candidate.bond;
                    t.slash(candidate.prover, bond, payee, Payouts.shareDown(bond, _rescueShareBps), escrow);
                }
                if (hash == candidate.headerHash) {
                    if (outcome != Outcome.Backup) {
                        proverReward += candidate.price;
                        sequencerReward -= candidate.price;
                    }
                    sequencerReward += _bonus(t, position);
                    _credit(staking.ownerOf(candidate.sequencer), sequencerReward);
                }
            }
            if (msg.sender == paid) {
                _credit(paid, proverReward + submitterReward);
            } else {
                _credit(paid, proverReward);
                _credit(msg.sender, submitterReward);
            }
        }
        emit Finalized(header.slot, hash, paid, outcome, header.stateRoot, header.depositsEnd, now_);
    }

    /// @dev The stored slot ended without a block: leaves it, then settles it. A revealed candidate's bond is burned.
    function _expire(Location memory l) private {
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

    function _terms() private view returns (Terms memory) {
        return Terms(staking, escrow, _abandonPenalty, _withholdPenalty);
    }

    /// @dev Reveal bonus of the candidate at a physical position, which committed and revealed within the phase.
    function _bonus(Timeline t, uint256 position) private view returns (uint256) {
        unchecked {
            uint256 elapsed = L1Slot.unwrap(t.revealedAt(position)) - L1Slot.unwrap(t.committedAt(position));
            return Payouts.revealBonusDown(_revealBonus, _windows.reveal(), elapsed);
        }
    }

    function _credit(address account, uint256 amount) private {
        if (amount != 0) rewards.credit(account, amount);
    }

    /// @dev Name and version of the EIP-712 domain.
    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Fernet", "1");
    }

    // ---- construction ---------------------------------------------------------------------------------------------

    /// @dev The other contracts name this rollup, the same token and the same clock.
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
            for (uint256 j = 0; j < maxCandidates; ++j) {
                StoredCandidate storage candidate = record.candidates[j];
                candidate.score = 1;
                candidate.headerHash = bytes32(uint256(1));
                candidate.bond = 1;
                candidate.price = 1;
            }
        }
    }

    function _candidateAt(Location memory l, uint256 position) private view returns (Candidate memory c) {
        StoredCandidate storage stored = _record(l).candidates[position];
        c.sequencer = stored.sequencer;
        c.score = stored.score;
        c.headerHash = stored.headerHash;
        c.committedAt = l.timeline.committedAt(position);
        if (L1Slot.unwrap(c.committedAt) == 0) return c;
        c.revealedAt = l.timeline.revealedAt(position);
        c.prover = stored.prover;
        c.payee = stored.payee;
        c.bond = stored.bond;
        c.price = stored.price;
    }
}
