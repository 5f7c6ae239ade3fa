// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {Environment, Variable} from "./Environment.sol";
import {Parse} from "./Parse.sol";

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
    /// ceiling of what governance may make of the reward for an L1 slot, token units
    uint72 maxRewardPerL1Slot;
    GovernanceParameters governance;
}

/// @title Reads a network's configuration
/// @notice Every entry is read strictly. `ConfigurationChecks` says whether the entries make sense.
library Configurations {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error MissingFile(string path);
    /// @notice An entry of the file is missing, malformed or too large, or does not fit the others.
    error BadConfiguration(string field, string value, string expected);

    /// @notice The configuration of script/config/<network>.json.
    function read(string memory network) internal returns (Configuration memory c) {
        return parse(network, _file(string.concat("script/config/", network, ".json")));
    }

    /// @notice The configuration that a file's text describes.
    function parse(string memory network, string memory json) internal returns (Configuration memory c) {
        c.network = network;
        c.chainId = _number(json, "chainId", type(uint256).max);
        string memory token = _text(json, "token", "an address, or deploy");
        if (!_equal(token, "deploy")) {
            bool valid;
            (valid, c.token) = Parse.account(token);
            if (!valid || c.token == address(0)) {
                revert BadConfiguration("token", token, "the token's address, or deploy for the development token");
            }
        }
        c.tokenSupply = _number(json, "tokenSupply", type(uint256).max);
        c.rewardPot = _number(json, "rewardPot", type(uint256).max);
        c.l1GenesisTime = _uint64(json, "l1GenesisTime");
        c.l1SlotSeconds = _uint64(json, "l1SlotSeconds");
        c.staking = StakingParameters({
            stakeAmount: _uint96(json, "stake"),
            minimumStake: _uint96(json, "minimumStake"),
            entryPeriod: _uint32(json, "entryPeriod"),
            exitDelay: _uint32(json, "exitDelay"),
            entryWindow: _uint32(json, "entryWindow"),
            entryFlush: _uint16(json, "entryFlush"),
            maxEntryFlush: _uint16(json, "maxEntryFlush"),
            queueLimit: _uint16(json, "queueLimit")
        });
        c.escrowWithdrawalDelay = _uint32(json, "escrowWithdrawalDelay");
        c.launchDelay = _uint32(json, "launchDelay");
        c.unit = _number(json, "unit", type(uint256).max);
        c.minDeposit = _uint64(json, "minDeposit");
        c.chunksPerBlob = _number(json, "chunksPerBlob", type(uint256).max);
        c.feeBurnBps = _uint16(json, "feeBurnBps");
        c.keyPath = _text(json, "verifyingKey", "the path of a verifying key");
        c.circuit = _circuit(c.keyPath);
        c.scoring = _scoring(_text(json, "scoring", "public or vrf"));
        c.parameters = _parameters(json);
        c.rates = _rates(json);
        c.maxRewardPerL1Slot = _uint72(json, "rewards.maxRewardPerL1Slot");
        c.governance = _governance(json);
    }

    /// @notice Replaces what the environment sets.
    function applyEnvironment(Configuration memory c) internal view {
        c.l1GenesisTime = Environment.readNumber(Variable.L1GenesisTime, c.l1GenesisTime);
        c.l1SlotSeconds = Environment.readNumber(Variable.L1SlotSeconds, c.l1SlotSeconds);
        c.governance.guardian = Environment.readAccount(Variable.Guardian, c.governance.guardian);
        if (Environment.isSet(Variable.Scoring)) c.scoring = _scoring(Environment.readText(Variable.Scoring, ""));
    }

    function _scoring(string memory name) private pure returns (Scoring) {
        if (_equal(name, "public")) return Scoring.Public;
        if (_equal(name, "vrf")) return Scoring.Vrf;
        revert BadConfiguration("scoring", name, "public or vrf");
    }

    function _rates(string memory json) private view returns (Rates memory r) {
        r.rewardPerL1Slot = _uint72(json, "rewards.rewardPerL1Slot");
        r.sequencerBps = _uint16(json, "rewards.sequencerBps");
        r.bonusBps = _uint16(json, "rewards.bonusBps");
        r.proverBps = _uint16(json, "rewards.proverBps");
        r.submitterBps = _uint16(json, "rewards.submitterBps");
        r.promptnessBps = _uint16(json, "rewards.promptnessBps");
    }

    function _governance(string memory json) private view returns (GovernanceParameters memory g) {
        g.votingRound = _uint64(json, "governance.votingRound");
        g.votingQuorum = _uint64(json, "governance.votingQuorum");
        g.pushPeriod = _uint32(json, "governance.pushPeriod");
        g.delay = _uint32(json, "governance.delay");
        g.grace = _uint32(json, "governance.grace");
        string memory guardian = _text(json, "governance.guardian", "an address");
        bool valid;
        (valid, g.guardian) = Parse.account(guardian);
        if (!valid) revert BadConfiguration("governance.guardian", guardian, "an address, zero for nobody");
    }

    function _parameters(string memory json) private view returns (Parameters memory p) {
        p.proposalPhase = _uint16(json, "rollup.proposalPhase");
        p.commitmentPhase = _uint16(json, "rollup.commitmentPhase");
        p.revealPhase = _uint16(json, "rollup.revealPhase");
        p.provingPhase = _uint16(json, "rollup.provingPhase");
        p.exclusiveProving = _uint16(json, "rollup.exclusiveProving");
        p.haltPhase = _uint16(json, "rollup.haltPhase");
        p.backupPhase = _uint16(json, "rollup.backupPhase");
        p.seedDelay = _uint16(json, "rollup.seedDelay");
        p.seedGrid = _uint16(json, "rollup.seedGrid");
        p.pauseLength = _uint16(json, "rollup.pauseLength");
        p.stallAfter = _uint16(json, "rollup.stallAfter");
        p.maxStall = _uint16(json, "rollup.maxStall");
        p.maxCandidates = _uint8(json, "rollup.maxCandidates");
        p.maxBlobs = _uint8(json, "rollup.maxBlobs");
        p.maxChunks = _uint16(json, "rollup.maxChunks");
        p.maxDeposits = _uint16(json, "rollup.maxDeposits");
        p.maxExits = _uint16(json, "rollup.maxExits");
        p.rescueShareBps = _uint16(json, "rollup.rescueShareBps");
        p.minBond = _uint96(json, "rollup.minBond");
        p.abandonPenalty = _uint96(json, "rollup.abandonPenalty");
        p.withholdPenalty = _uint96(json, "rollup.withholdPenalty");
    }

    /// @dev The verifying key's file. Its entries are named as those of `verifyingKey`.
    function _circuit(string memory path) private returns (Circuit memory circuit) {
        string memory json = _file(path);
        circuit.key = _bytes(json, "key");
        circuit.operations = _keyNumber(json, "operations");
        circuit.elements = _keyNumber(json, "elements");
        bytes memory root = _bytes(json, "genesisRoot");
        if (root.length != 32) {
            revert BadConfiguration("verifyingKey.genesisRoot", VM.toString(root), "32 bytes in hexadecimal");
        }
        circuit.genesisRoot = abi.decode(root, (bytes32));
    }

    function _keyNumber(string memory json, string memory name) private view returns (uint256) {
        return _parse(
            string.concat("verifyingKey.", name),
            _textAt(json, name, string.concat("verifyingKey.", name), "a whole number"),
            type(uint256).max
        );
    }

    /// @dev Bytes in hexadecimal, with `0x`.
    function _bytes(string memory json, string memory name) private view returns (bytes memory) {
        string memory field = string.concat("verifyingKey.", name);
        string memory expected = "bytes in hexadecimal";
        string memory text = _textAt(json, name, field, expected);
        try VM.parseBytes(text) returns (bytes memory value) {
            return value;
        } catch {
            revert BadConfiguration(field, text, expected);
        }
    }

    // `_number` holds the maximum of each of these types
    // forge-lint: disable-start(unsafe-typecast)
    function _uint8(string memory json, string memory field) private view returns (uint8) {
        return uint8(_number(json, field, type(uint8).max));
    }

    function _uint16(string memory json, string memory field) private view returns (uint16) {
        return uint16(_number(json, field, type(uint16).max));
    }

    function _uint32(string memory json, string memory field) private view returns (uint32) {
        return uint32(_number(json, field, type(uint32).max));
    }

    function _uint64(string memory json, string memory field) private view returns (uint64) {
        return uint64(_number(json, field, type(uint64).max));
    }

    function _uint72(string memory json, string memory field) private view returns (uint72) {
        return uint72(_number(json, field, type(uint72).max));
    }

    function _uint96(string memory json, string memory field) private view returns (uint96) {
        return uint96(_number(json, field, type(uint96).max));
    }

    // forge-lint: disable-end(unsafe-typecast)

    /// @dev A decimal number, as a JSON number or as text.
    function _number(string memory json, string memory field, uint256 maximum) private view returns (uint256) {
        return _parse(field, _text(json, field, _numberOf(maximum)), maximum);
    }

    function _parse(string memory field, string memory text, uint256 maximum) private pure returns (uint256) {
        (bool valid, uint256 value) = Parse.number(text, maximum);
        if (!valid) revert BadConfiguration(field, text, _numberOf(maximum));
        return value;
    }

    function _numberOf(uint256 maximum) private pure returns (string memory) {
        return string.concat("a whole number of at most ", VM.toString(maximum));
    }

    /// @dev A number's digits, or a text.
    function _text(string memory json, string memory field, string memory expected)
        private
        view
        returns (string memory)
    {
        return _textAt(json, field, field, expected);
    }

    /// @dev The text at `path`, which a refusal names `field`.
    function _textAt(string memory json, string memory path, string memory field, string memory expected)
        private
        view
        returns (string memory)
    {
        path = string.concat(".", path);
        if (!VM.keyExistsJson(json, path)) revert BadConfiguration(field, "nothing", expected);
        try VM.parseJsonString(json, path) returns (string memory text) {
            return text;
        } catch {
            revert BadConfiguration(field, "another type", expected);
        }
    }

    function _file(string memory path) private returns (string memory) {
        if (!VM.isFile(path)) revert MissingFile(path);
        return VM.readFile(path);
    }

    function _equal(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
