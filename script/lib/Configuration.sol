// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Vm} from "forge-std/Vm.sol";

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {EntryQueue} from "../../contracts/libraries/EntryQueue.sol";
import {ParameterChecks} from "../../contracts/libraries/ParameterChecks.sol";
import {Payouts} from "../../contracts/libraries/Payouts.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {VerifyingKey} from "../../contracts/verifier/VerifyingKey.sol";

/// @notice The circuit's side of a deployment, from the verifying key's file.
struct Circuit {
    bytes key;
    /// operations and blob elements of a chunk
    uint256 operations;
    uint256 elements;
    bytes32 genesisRoot;
}

/// @notice Which scoring a deployment picks.
enum Scoring {
    Public,
    Vrf
}

/// @notice Governance: rounds in slots, times in L1 slots.
struct GovernanceParameters {
    uint64 votingRound;
    uint64 votingQuorum;
    uint32 pushPeriod;
    uint32 delay;
    uint32 grace;
    /// who may pause; zero for nobody
    address guardian;
}

/// @notice What `script/config/<network>.json` says. Its "reasons" are for readers.
struct Configuration {
    string network;
    /// chain that the file is for; 0 is any but mainnet
    uint256 chainId;
    /// zero where the development token is to be deployed
    address token;
    /// development token only: what the deployer starts with, and how much of it goes into the reward pot
    uint256 tokenSupply;
    uint256 rewardPot;
    uint64 l1GenesisTime;
    uint64 l1SlotSeconds;
    StakingParameters staking;
    uint32 escrowWithdrawalDelay;
    /// L1 slots from the deployment to its genesis slot: time to register before slot 0
    uint32 launchDelay;
    uint256 unit;
    uint64 minDeposit;
    uint256 chunksPerBlob;
    /// burned share of L2 fees
    uint16 feeBurnBps;
    string keyPath;
    Circuit circuit;
    Scoring scoring;
    Parameters parameters;
    Rates rates;
    /// ceilings of what governance may make of the rates, token units
    uint96 maxBlockReward;
    uint96 maxRevealBonus;
    GovernanceParameters governance;
}

/// @title Reads a network's configuration and refuses what breaks an invariant
/// @notice Every refusal comes before any transaction.
library Configurations {
    using SafeCast for uint256;

    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant MAINNET = 1;
    /// @notice Development keys: whoever knows their seed can forge proofs, and everybody does.
    string internal constant DEVELOPMENT_KEY = "vectors/verifying-key.json";

    error MissingFile(string path);
    error WrongChain(uint256 expected, uint256 actual);
    error NotOnMainnet(string what);
    error BadConfiguration(string name);
    error TokenWithoutCode(address token);
    /// @notice A full block couldn't hold the deposits and forced exits that it must consume.
    error TooManyDeposits(uint256 maximum, uint256 actual);

    function read(string memory network) internal returns (Configuration memory c) {
        string memory json = _file(string.concat("script/config/", network, ".json"));
        c.network = network;
        c.chainId = _number(json, ".chainId");
        string memory token = VM.parseJsonString(json, ".token");
        if (!_equal(token, "deploy")) {
            c.token = VM.parseAddress(token);
            if (c.token == address(0)) revert BadConfiguration("token");
        }
        c.tokenSupply = _number(json, ".tokenSupply");
        c.rewardPot = _number(json, ".rewardPot");
        c.l1GenesisTime = VM.envOr("FERNET_L1_GENESIS_TIME", _number(json, ".l1GenesisTime")).toUint64();
        c.l1SlotSeconds = VM.envOr("FERNET_L1_SLOT_SECONDS", _number(json, ".l1SlotSeconds")).toUint64();
        c.staking = StakingParameters({
            stakeAmount: _number(json, ".stake").toUint96(),
            minimumStake: _number(json, ".minimumStake").toUint96(),
            entryPeriod: _number(json, ".entryPeriod").toUint32(),
            exitDelay: _number(json, ".exitDelay").toUint32(),
            entryWindow: _number(json, ".entryWindow").toUint32(),
            entryFlush: _number(json, ".entryFlush").toUint16(),
            maxEntryFlush: _number(json, ".maxEntryFlush").toUint16(),
            queueLimit: _number(json, ".queueLimit").toUint16()
        });
        c.escrowWithdrawalDelay = _number(json, ".escrowWithdrawalDelay").toUint32();
        c.launchDelay = _number(json, ".launchDelay").toUint32();
        c.unit = _number(json, ".unit");
        c.minDeposit = _number(json, ".minDeposit").toUint64();
        c.chunksPerBlob = _number(json, ".chunksPerBlob");
        c.feeBurnBps = _number(json, ".feeBurnBps").toUint16();
        c.keyPath = VM.parseJsonString(json, ".verifyingKey");
        c.circuit = _circuit(c.keyPath);
        c.scoring = _scoring(VM.envOr("FERNET_SCORING", VM.parseJsonString(json, ".scoring")));
        c.parameters = _parameters(json);
        c.rates = _rates(json);
        c.maxBlockReward = _number(json, ".rewards.maxBlockReward").toUint96();
        c.maxRevealBonus = _number(json, ".rewards.maxRevealBonus").toUint96();
        c.governance = _governance(json);
    }

    /// @notice What the constructors check, and what only the whole shows.
    function check(Configuration memory c) internal view {
        if (c.chainId != 0 && c.chainId != block.chainid) revert WrongChain(c.chainId, block.chainid);
        if (block.chainid == MAINNET) {
            if (c.chainId == 0) revert NotOnMainnet("a configuration of any chain");
            if (c.token == address(0)) revert NotOnMainnet("the development token");
            if (_equal(c.keyPath, DEVELOPMENT_KEY)) revert NotOnMainnet("the development key");
        }
        if (c.token != address(0) && c.token.code.length == 0) revert TokenWithoutCode(c.token);
        _require(c.token == address(0) || c.rewardPot == 0, "rewardPot");
        _require(c.rewardPot <= c.tokenSupply, "rewardPot");
        _require(c.l1SlotSeconds != 0, "l1SlotSeconds");
        // the constructors check it again; nothing depends on the exact second
        // forge-lint: disable-next-line(block-timestamp)
        _require(c.l1GenesisTime <= block.timestamp, "l1GenesisTime");
        _require(c.staking.stakeAmount != 0, "stake");
        _require(c.staking.minimumStake != 0 && c.staking.minimumStake <= c.staking.stakeAmount, "minimumStake");
        _require(c.staking.entryPeriod != 0, "entryPeriod");
        _require(c.staking.exitDelay != 0, "exitDelay");
        _require(c.staking.entryWindow != 0, "entryWindow");
        _require(c.staking.entryFlush != 0 && c.staking.entryFlush <= c.staking.maxEntryFlush, "entryFlush");
        _require(c.staking.queueLimit <= EntryQueue.MAX_LIMIT, "queueLimit");
        _require(c.escrowWithdrawalDelay != 0, "escrowWithdrawalDelay");
        // nobody could propose in the first slots
        _require(c.launchDelay > c.staking.entryPeriod, "launchDelay");
        _require(c.unit != 0 && c.unit <= type(uint128).max, "unit");
        _require(c.minDeposit != 0, "minDeposit");
        _require(c.circuit.key.length == VerifyingKey.ENCODED_LENGTH, "key");
        _require(
            c.circuit.elements != 0 && c.circuit.elements <= ScalarField.BLOB_ELEMENTS
                && ScalarField.BLOB_ELEMENTS % c.circuit.elements == 0,
            "elements"
        );
        _require(c.circuit.operations >= 2 && c.circuit.operations <= c.circuit.elements, "operations");
        _require(uint256(c.circuit.genesisRoot) < ScalarField.ORDER, "genesisRoot");
        _require(
            c.chunksPerBlob != 0 && c.chunksPerBlob <= ScalarField.BLOB_ELEMENTS / c.circuit.elements, "chunksPerBlob"
        );
        _require(c.feeBurnBps <= 10_000, "feeBurnBps");
        uint256 blobs = (uint256(c.parameters.maxChunks) + c.chunksPerBlob - 1) / c.chunksPerBlob;
        ParameterChecks.check(c.parameters, c.staking.stakeAmount, blobs);
        // a forced exit takes two places of the same chunk: whatever the mixture, half a chunk's places suffice for as many operations
        uint256 operations = c.parameters.maxChunks * (c.circuit.operations / 2);
        if (c.parameters.maxDeposits > operations) revert TooManyDeposits(operations, c.parameters.maxDeposits);
        _checkRewards(c);
        _checkGovernance(c.governance);
    }

    function _checkRewards(Configuration memory c) private pure {
        _require(c.rates.blockReward <= c.maxBlockReward, "maxBlockReward");
        _require(c.rates.revealBonus <= c.maxRevealBonus, "maxRevealBonus");
        _require(uint256(c.rates.sequencerBps) + c.rates.proverBps + c.rates.submitterBps == Payouts.BPS, "rewardBps");
    }

    function _checkGovernance(GovernanceParameters memory g) private pure {
        _require(g.votingRound != 0, "votingRound");
        _require(g.votingQuorum > g.votingRound / 2 && g.votingQuorum <= g.votingRound, "votingQuorum");
        _require(g.pushPeriod != 0, "pushPeriod");
        _require(g.delay != 0, "delay");
        _require(g.grace != 0, "grace");
    }

    function _scoring(string memory name) private pure returns (Scoring) {
        if (_equal(name, "public")) return Scoring.Public;
        if (_equal(name, "vrf")) return Scoring.Vrf;
        revert BadConfiguration("scoring");
    }

    function _rates(string memory json) private pure returns (Rates memory r) {
        r.blockReward = _number(json, ".rewards.blockReward").toUint96();
        r.revealBonus = _number(json, ".rewards.revealBonus").toUint96();
        r.sequencerBps = _number(json, ".rewards.sequencerBps").toUint16();
        r.proverBps = _number(json, ".rewards.proverBps").toUint16();
        r.submitterBps = _number(json, ".rewards.submitterBps").toUint16();
    }

    function _governance(string memory json) private view returns (GovernanceParameters memory g) {
        g.votingRound = _number(json, ".governance.votingRound").toUint64();
        g.votingQuorum = _number(json, ".governance.votingQuorum").toUint64();
        g.pushPeriod = _number(json, ".governance.pushPeriod").toUint32();
        g.delay = _number(json, ".governance.delay").toUint32();
        g.grace = _number(json, ".governance.grace").toUint32();
        g.guardian = VM.envOr("FERNET_GUARDIAN", VM.parseJsonAddress(json, ".governance.guardian"));
    }

    function _parameters(string memory json) private pure returns (Parameters memory p) {
        p.proposalPhase = _number(json, ".rollup.proposalPhase").toUint16();
        p.commitmentPhase = _number(json, ".rollup.commitmentPhase").toUint16();
        p.revealPhase = _number(json, ".rollup.revealPhase").toUint16();
        p.provingPhase = _number(json, ".rollup.provingPhase").toUint16();
        p.exclusiveProving = _number(json, ".rollup.exclusiveProving").toUint16();
        p.haltPhase = _number(json, ".rollup.haltPhase").toUint16();
        p.backupPhase = _number(json, ".rollup.backupPhase").toUint16();
        p.seedDelay = _number(json, ".rollup.seedDelay").toUint16();
        p.seedGrid = _number(json, ".rollup.seedGrid").toUint16();
        p.pauseLength = _number(json, ".rollup.pauseLength").toUint16();
        p.maxCandidates = _number(json, ".rollup.maxCandidates").toUint8();
        p.maxBlobs = _number(json, ".rollup.maxBlobs").toUint8();
        p.maxChunks = _number(json, ".rollup.maxChunks").toUint16();
        p.maxDeposits = _number(json, ".rollup.maxDeposits").toUint16();
        p.rescueShareBps = _number(json, ".rollup.rescueShareBps").toUint16();
        p.minBond = _number(json, ".rollup.minBond").toUint96();
        p.abandonPenalty = _number(json, ".rollup.abandonPenalty").toUint96();
        p.withholdPenalty = _number(json, ".rollup.withholdPenalty").toUint96();
    }

    function _circuit(string memory path) private returns (Circuit memory circuit) {
        string memory json = _file(path);
        circuit.key = VM.parseJsonBytes(json, ".key");
        circuit.operations = _number(json, ".operations");
        circuit.elements = _number(json, ".elements");
        circuit.genesisRoot = VM.parseJsonBytes32(json, ".genesisRoot");
    }

    /// @dev A missing entry is a cheatcode's error, which names it.
    function _number(string memory json, string memory key) private pure returns (uint256) {
        return VM.parseJsonUint(json, key);
    }

    function _file(string memory path) private returns (string memory) {
        if (!VM.isFile(path)) revert MissingFile(path);
        return VM.readFile(path);
    }

    function _require(bool holds, string memory name) private pure {
        if (!holds) revert BadConfiguration(name);
    }

    function _equal(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
