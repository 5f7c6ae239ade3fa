// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../contracts/Bridge.sol";
import {Escrow} from "../../contracts/Escrow.sol";
import {Randomness} from "../../contracts/Randomness.sol";
import {Reader} from "../../contracts/Reader.sol";
import {Rewards} from "../../contracts/Rewards.sol";
import {Contracts, Rollup} from "../../contracts/Rollup.sol";
import {Staking} from "../../contracts/Staking.sol";
import {Lane} from "../../contracts/interfaces/IBridge.sol";
import {SlotView} from "../../contracts/interfaces/IReader.sol";
import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase, Quote, Tip} from "../../contracts/interfaces/IRollup.sol";
import {Registration, StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {Statement} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {PublicScore} from "../../contracts/scoring/PublicScore.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {BlsKeys} from "./BlsKeys.sol";
import {HeaderFields, L1} from "./L1.sol";
import {TestToken} from "./TestToken.sol";
import {VerifierDouble} from "./VerifierDouble.sol";
import {VotesDouble} from "./VotesDouble.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";

/// @title A deployment with four sequencers and two provers, on an L1 with a block in every slot
abstract contract Fixture is Test {
    uint64 internal constant GENESIS_TIME = 1_700_000_000;
    uint64 internal constant SLOT_SECONDS = 12;
    uint64 internal constant DEPLOYED_AT = 100;
    uint256 internal constant BLOCK_OF_SLOT_0 = 1000;
    address internal constant BURNED = 0x000000000000000000000000000000000000dEaD;

    bytes32 internal constant SEED_DOMAIN = "fernet.seed.v1";
    bytes32 internal constant GENESIS_DOMAIN = "fernet.genesis.v1";

    uint96 internal constant STAKE = 100e18;
    uint96 internal constant MINIMUM_STAKE = 50e18;
    uint96 internal constant BOND = 20e18;
    uint96 internal constant PRICE = 0.1e18;
    /// @dev L1 slots from a request until the escrow pays. The longest slot has 91.
    uint32 internal constant ESCROW_DELAY = 100;

    /// @dev L1 slots of an idle slot. A block after an idle slot is paid for as many, so its reward is 3.12e18.
    uint64 internal constant IDLE = 13;
    uint72 internal constant PER_L1_SLOT = 0.24e18;
    uint96 internal constant SEQUENCER_SHARE = 0.624e18;
    uint96 internal constant BONUS = 0.624e18;
    uint96 internal constant PROVER_SHARE = 1.56e18;
    uint96 internal constant SUBMITTER_SHARE = 0.312e18;

    // The standard generator of Jubjub's prime-order subgroup.
    uint256 internal constant KEY_X = 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b;
    uint256 internal constant KEY_Y = 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa;

    TestToken internal token;
    VerifierDouble internal verifier;
    Staking internal staking;
    Randomness internal randomness;
    Escrow internal escrow;
    Rewards internal rewards;
    Bridge internal bridge;
    PublicScore internal scoring;
    VotesDouble internal votes;
    Rollup internal rollup;
    Reader internal reader;

    /// @dev Index i belongs to the sequencer with id i + 1.
    address[] internal attesters;
    uint256[] internal attesterKeys;
    address[] internal owners;
    address internal prover;
    uint256 internal proverKey;
    address internal rescuer;
    uint256 internal rescuerKey;
    address internal payee = makeAddr("payee");
    address internal relay = makeAddr("relay");
    address internal guardian = makeAddr("guardian");
    address internal governance = makeAddr("governance");
    /// @dev Governance of the staking contract.
    address internal timelock = makeAddr("timelock");

    function setUp() public virtual {
        _warp(DEPLOYED_AT);
        token = new TestToken();
        verifier = new VerifierDouble();
        _deploy(IERC20(address(token)), _parameters());
        (prover, proverKey) = makeAddrAndKey("prover");
        (rescuer, rescuerKey) = makeAddrAndKey("rescuer");
        _fundEscrow(prover, 1000e18);
        _fundEscrow(rescuer, 1000e18);
        token.mint(address(this), 1_000_000e18);
        token.approve(address(rewards), type(uint256).max);
        rewards.fund(1000e18);
        for (uint256 i = 0; i < 4; ++i) {
            (address attester, uint256 key) = makeAddrAndKey(string.concat("attester", vm.toString(i)));
            address owner = makeAddr(string.concat("owner", vm.toString(i)));
            attesters.push(attester);
            attesterKeys.push(key);
            owners.push(owner);
            _register(owner, attester);
        }
        // At slot 2, a sequencer that registered here is active since before the start of slot 1.
        _warp(_view().start + 2 * IDLE);
    }

    // ---- deployment -----------------------------------------------------------------------------------------------

    function _parameters() internal pure virtual returns (Parameters memory) {
        return Parameters({
            proposalPhase: 4,
            commitmentPhase: 3,
            revealPhase: 3,
            provingPhase: 60,
            exclusiveProving: 40,
            haltPhase: 1,
            backupPhase: 8,
            seedDelay: 2,
            seedGrid: 1,
            pauseLength: 50,
            stallAfter: 200,
            maxStall: 100,
            maxCandidates: 3,
            maxBlobs: 6,
            maxChunks: 12,
            maxDeposits: 32,
            maxExits: 16,
            rescueShareBps: 5000,
            minBond: 10e18,
            abandonPenalty: 1e18,
            withholdPenalty: 5e18
        });
    }

    function _rates() internal pure virtual returns (Rates memory) {
        return Rates({
            rewardPerL1Slot: PER_L1_SLOT,
            sequencerBps: 2000,
            bonusBps: 2000,
            proverBps: 5000,
            submitterBps: 1000,
            promptnessBps: 5000
        });
    }

    /// @dev Stake of a registration.
    function _stakeAmount() internal pure virtual returns (uint96) {
        return STAKE;
    }

    function _deploy(IERC20 token_, Parameters memory parameters) internal {
        _deploy(token_, parameters, _rates());
    }

    function _deploy(IERC20 token_, Parameters memory parameters, Rates memory rates) internal virtual {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 7);
        _deployAround(token_, rates, predicted);
        rollup = new Rollup(parameters, _contracts(), GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        reader = new Reader(rollup);
    }

    /// @dev The seven contracts beside the rollup.
    function _deployAround(IERC20 token_, Rates memory rates, address predicted) internal {
        staking = new Staking(token_, predicted, timelock, _stakingParameters(), GENESIS_TIME, SLOT_SECONDS);
        randomness = new Randomness(GENESIS_TIME, SLOT_SECONDS);
        escrow = new Escrow(token_, predicted, _escrowDelay(), GENESIS_TIME, SLOT_SECONDS);
        rewards = new Rewards(token_, predicted, governance, rates, type(uint72).max);
        bridge = new Bridge(token_, IRollup(predicted), 1e9, 1, GENESIS_TIME, SLOT_SECONDS);
        scoring = new PublicScore();
        votes = new VotesDouble(predicted, GENESIS_TIME, SLOT_SECONDS);
    }

    function _contracts() internal view returns (Contracts memory) {
        IVotes votes_ = IVotes(address(votes));
        return Contracts(staking, randomness, escrow, rewards, bridge, verifier, scoring, votes_, guardian);
    }

    function _stakingParameters() internal pure virtual returns (StakingParameters memory) {
        return StakingParameters({
            stakeAmount: _stakeAmount(),
            minimumStake: MINIMUM_STAKE,
            entryPeriod: 4,
            exitDelay: 4,
            entryWindow: 8,
            entryFlush: 100,
            maxEntryFlush: 1000,
            queueLimit: 4
        });
    }

    function _escrowDelay() internal pure virtual returns (uint32) {
        return ESCROW_DELAY;
    }

    /// @dev Registration of `owner` with its own key, seeded by the two addresses.
    function _registration(address owner, address attester) internal view returns (Registration memory) {
        return BlsKeys.registration(staking, owner, attester, BlsKeys.secret(abi.encode(owner, attester)));
    }

    function _register(address owner, address attester) internal returns (SequencerId id) {
        Registration memory registration = _registration(owner, attester);
        token.mint(owner, _stakeAmount());
        vm.startPrank(owner);
        token.approve(address(staking), _stakeAmount());
        id = staking.register(registration);
        vm.stopPrank();
    }

    function _fundEscrow(address account, uint128 amount) internal {
        token.mint(account, amount);
        vm.startPrank(account);
        token.approve(address(escrow), amount);
        escrow.deposit(account, amount);
        vm.stopPrank();
    }

    // ---- time -----------------------------------------------------------------------------------------------------

    function _warp(uint256 l1Slot) internal {
        vm.warp(GENESIS_TIME + l1Slot * SLOT_SECONDS);
        vm.roll(BLOCK_OF_SLOT_0 + l1Slot);
    }

    function _now() internal view returns (uint64) {
        // Cast: L1 slots are small numbers.
        return uint64((vm.getBlockTimestamp() - GENESIS_TIME) / SLOT_SECONDS);
    }

    function _mix(uint256 l1Slot) internal pure returns (bytes32) {
        return keccak256(abi.encode("mix", l1Slot));
    }

    /// @dev Header of the block of an L1 slot.
    function _l1Header(uint256 l1Slot, bytes32 parentHash) internal pure returns (bytes memory) {
        return L1.header(
            HeaderFields({
                parentHash: parentHash,
                number: BLOCK_OF_SLOT_0 + l1Slot,
                timestamp: GENESIS_TIME + l1Slot * SLOT_SECONDS,
                mixHash: _mix(l1Slot),
                more: L1.prague()
            })
        );
    }

    /// @dev Proof of the mix at the end of `l1Slot`. Makes the hash of the later header available.
    function _seedProof(uint256 l1Slot) internal returns (bytes memory) {
        bytes memory parent = _l1Header(l1Slot, keccak256("earlier"));
        bytes memory child = _l1Header(l1Slot + 1, keccak256(parent));
        L1.setBlockHash(BLOCK_OF_SLOT_0 + l1Slot + 1, keccak256(child));
        return abi.encode(child, parent);
    }

    /// @dev The same proof without the parent. The L1 slot after `l1Slot` has a block at its start.
    function _shortSeedProof(uint256 l1Slot) internal returns (bytes memory) {
        bytes memory child = _l1Header(l1Slot + 1, keccak256("any"));
        L1.setBlockHash(BLOCK_OF_SLOT_0 + l1Slot + 1, keccak256(child));
        return abi.encode(child, bytes(""));
    }

    // ---- reading --------------------------------------------------------------------------------------------------

    /// @dev The data of the slot in turn that tests use.
    struct CurrentSlot {
        uint64 slot;
        Phase phase;
        uint64 start;
        uint64 previousStart;
        uint64 seedAt;
        uint64 end;
        uint256 rank;
        uint64 turnStart;
        uint256 paid;
        uint256 count;
    }

    function _view() internal view returns (CurrentSlot memory current) {
        SlotView memory slotView = reader.currentSlot();
        current = CurrentSlot(
            Slot.unwrap(slotView.slot),
            slotView.phase,
            L1Slot.unwrap(slotView.start),
            L1Slot.unwrap(slotView.previousStart),
            L1Slot.unwrap(slotView.seedAt),
            L1Slot.unwrap(slotView.phaseEnd),
            slotView.rank,
            L1Slot.unwrap(slotView.turnStart),
            slotView.paidL1Slots,
            slotView.candidates.length
        );
    }

    function _slot() internal view returns (Slot) {
        return reader.currentSlot().slot;
    }

    function _owed(address account) internal view returns (uint256) {
        return rewards.owed(account);
    }

    function _owedToOwners() internal view returns (uint256 sum) {
        for (uint256 i = 0; i < owners.length; ++i) {
            sum += rewards.owed(owners[i]);
        }
    }

    function _stake(uint256 i) internal view returns (uint256) {
        return staking.sequencer(_id(i)).stake;
    }

    function _id(uint256 i) internal pure returns (SequencerId) {
        // Cast: small numbers.
        return SequencerId.wrap(uint32(i + 1));
    }

    function _phaseIs(Phase expected) internal view {
        assertEq(uint256(_view().phase), uint256(expected), "phase");
    }

    function _scoreOf(Slot slot, SequencerId id, bytes32 seed) internal view returns (uint192) {
        return scoring.score(address(rollup), slot, seed, id, staking.attesterOf(id), "");
    }

    /// @dev Indices of the sequencers, best score of the slot in turn first.
    function _ranked() internal view returns (uint256[] memory indices) {
        SlotView memory slotView = reader.currentSlot();
        bytes32 seed = keccak256(abi.encode(SEED_DOMAIN, _mix(L1Slot.unwrap(slotView.seedAt) + 1), slotView.slot));
        indices = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            indices[i] = i;
            for (uint256 j = i; j != 0; --j) {
                if (
                    _scoreOf(slotView.slot, _id(indices[j]), seed) <= _scoreOf(slotView.slot, _id(indices[j - 1]), seed)
                ) break;
                (indices[j], indices[j - 1]) = (indices[j - 1], indices[j]);
            }
        }
    }

    // ---- steps of a slot ------------------------------------------------------------------------------------------

    /// @dev A header of the slot in turn that builds on the tip and consumes as much as a block may.
    function _header(uint32 chunks, bytes32 salt) internal view returns (Header memory header) {
        Tip memory tip = rollup.tip();
        uint256 blobs = verifier.blobCount(chunks);
        bytes32[] memory hashes = new bytes32[](blobs);
        for (uint256 i = 0; i < blobs; ++i) {
            hashes[i] = _blob(salt, i);
        }
        header = Header({
            slot: _slot(),
            parent: tip.headerHash,
            stateRoot: keccak256(abi.encode("state", salt)),
            depositsEnd: 0,
            depositsChain: 0,
            exitsEnd: 0,
            exitsChain: 0,
            feeRecipient: 7,
            chunks: chunks,
            committeeDigest: 0,
            vote: address(0),
            blobHashes: hashes
        });
        _consume(
            header,
            _atMost(_parameters().maxDeposits, bridge.count(Lane.Deposits) - tip.depositsEnd),
            _atMost(_parameters().maxExits, bridge.count(Lane.Exits) - tip.exitsEnd)
        );
    }

    function _atMost(uint64 most, uint64 amount) private pure returns (uint64) {
        return amount < most ? amount : most;
    }

    /// @dev Makes the header consume the next deposits and forced exits after the tip, as many as the arguments say.
    function _consume(Header memory header, uint64 deposits, uint64 exits) internal view {
        Tip memory tip = rollup.tip();
        header.depositsEnd = tip.depositsEnd + deposits;
        header.depositsChain = deposits == 0 ? bytes32(0) : bridge.chain(Lane.Deposits, header.depositsEnd);
        header.exitsEnd = tip.exitsEnd + exits;
        header.exitsChain = exits == 0 ? bytes32(0) : bridge.chain(Lane.Exits, header.exitsEnd);
    }

    /// @dev Queues a deposit to an account of `owner`. Returns the account's index.
    function _deposit(address owner, uint64 amount) internal returns (uint32 index) {
        token.approve(address(bridge), uint256(amount) * 1e9);
        (, index) = bridge.deposit(owner, KEY_X, KEY_Y, amount);
    }

    /// @dev Queues `count` deposits to an account of this contract.
    function _deposits(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _deposit(address(this), 1);
        }
    }

    /// @dev The owner and the index of an account whose deposit was consumed, so that it may force an exit.
    function _funded(string memory name) internal returns (address owner, uint32 index) {
        owner = makeAddr(name);
        index = _deposit(owner, 1);
        while (rollup.tip().depositsEnd < bridge.count(Lane.Deposits)) {
            _block(0);
        }
    }

    /// @dev A finalized block of sequencer i in the slot in turn. The time is then the next slot's start.
    function _block(uint256 i) internal returns (Header memory header) {
        _warp(_view().start);
        header = _revealed(i);
        _finalize(relay, header, payee);
        _warp(_view().start);
    }

    /// @dev A versioned hash (of type 1).
    function _blob(bytes32 salt, uint256 i) internal pure returns (bytes32) {
        return keccak256(abi.encode("blob", salt, i)) >> 8 | bytes32(uint256(1) << 248);
    }

    /// @dev A header of sequencer i for the slot in turn.
    function _headerOf(uint256 i) internal view returns (Header memory) {
        return _header(1, keccak256(abi.encode(i, _slot())));
    }

    function _hash(Header memory header) internal pure returns (bytes32) {
        return keccak256(abi.encode(header));
    }

    /// @dev Sequencer i proposes its header at the current time. The first proposal carries the seed's proof.
    function _propose(uint256 i) internal returns (Header memory header) {
        header = _headerOf(i);
        _proposeHash(i, _hash(header));
    }

    function _proposeHash(uint256 i, bytes32 headerHash) internal {
        CurrentSlot memory current = _view();
        bytes memory proof;
        if (current.count == 0 && randomness.mixAt(L1Slot.wrap(current.seedAt)) == 0) {
            proof = _seedProof(current.seedAt);
        }
        vm.prank(attesters[i]);
        rollup.propose(Slot.wrap(current.slot), _id(i), headerHash, proof, "");
    }

    function _quote(uint256 i, bytes32 headerHash) internal view returns (Quote memory) {
        return Quote({
            slot: _slot(),
            headerHash: headerHash,
            sequencer: _id(i),
            prover: prover,
            payee: payee,
            bond: BOND,
            // Cast: a small amount.
            price: int128(uint128(PRICE)),
            validUntil: L1Slot.wrap(type(uint64).max)
        });
    }

    function _sign(uint256 key, Quote memory quote) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, rollup.quoteDigest(quote));
        return abi.encodePacked(r, s, v);
    }

    /// @dev The prover commits to sequencer i's header with the sequencer's signature.
    function _commit(uint256 i, Header memory header) internal {
        // Cast: a small amount.
        _commitAt(i, header, int128(uint128(PRICE)));
    }

    function _commitAt(uint256 i, Header memory header, int128 price) internal {
        Quote memory quote = _quote(i, _hash(header));
        quote.price = price;
        bytes memory signature = _sign(attesterKeys[i], quote);
        vm.prank(prover);
        rollup.commit(quote, "", signature);
    }

    function _reveal(Header memory header) internal {
        vm.blobhashes(header.blobHashes);
        rollup.reveal(header);
        vm.blobhashes(new bytes32[](0));
    }

    function _statement(Header memory header, address payee_) internal view returns (Statement memory statement) {
        Tip memory tip = rollup.tip();
        statement.headerHash = _hash(header);
        statement.parentRoot = tip.stateRoot;
        statement.stateRoot = header.stateRoot;
        statement.chunks = header.chunks;
        statement.blobHashes = header.blobHashes;
        if (header.depositsEnd != tip.depositsEnd) {
            statement.depositsFrom = bridge.chain(Lane.Deposits, tip.depositsEnd);
        }
        statement.depositsTo = header.depositsChain;
        if (header.exitsEnd != tip.exitsEnd) statement.exitsFrom = bridge.chain(Lane.Exits, tip.exitsEnd);
        statement.exitsTo = header.exitsChain;
        unchecked {
            // Wraps for headers that the rollup refuses.
            statement.operations = header.depositsEnd - tip.depositsEnd + header.exitsEnd - tip.exitsEnd;
        }
        statement.feeRecipient = header.feeRecipient;
        statement.payee = payee_;
        statement.domain = rollup.domain();
    }

    function _proof(Header memory header, address payee_) internal view returns (bytes memory) {
        return verifier.prove(_statement(header, payee_));
    }

    function _finalize(address sender, Header memory header, address payee_) internal {
        bytes memory proof = _proof(header, payee_);
        vm.prank(sender);
        rollup.finalize(header, payee_, proof);
    }

    function _finalizeBackup(address sender, Header memory header, address payee_) internal {
        bytes memory proof = _proof(header, payee_);
        vm.blobhashes(header.blobHashes);
        vm.prank(sender);
        rollup.finalizeBackup(header, payee_, proof);
        vm.blobhashes(new bytes32[](0));
    }

    /// @dev Brings the slot in turn to its reveal phase: sequencer i proposed, and the prover committed.
    function _committed(uint256 i) internal returns (Header memory header) {
        header = _headerOf(i);
        _committed(i, header);
    }

    /// @dev The same for a header that the test made.
    function _committed(uint256 i, Header memory header) internal {
        _proposeHash(i, _hash(header));
        _warp(_view().start + 4);
        _commit(i, header);
    }

    /// @dev Brings the slot in turn to its proving phase.
    function _revealed(uint256 i) internal returns (Header memory header) {
        header = _headerOf(i);
        _revealed(i, header);
    }

    /// @dev The same for a header that the test made.
    function _revealed(uint256 i, Header memory header) internal {
        _committed(i, header);
        _reveal(header);
    }
}
