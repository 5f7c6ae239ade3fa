// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {EntryQueue} from "../../contracts/libraries/EntryQueue.sol";
import {ParameterChecks} from "../../contracts/libraries/ParameterChecks.sol";
import {Payouts} from "../../contracts/libraries/Payouts.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {VerifyingKey} from "../../contracts/verifier/VerifyingKey.sol";
import {Circuit, Configuration, Configurations, GovernanceParameters} from "./Configuration.sol";

/// @title Refuses a bad configuration before anything is simulated or sent
/// @notice Whatever a constructor would refuse is refused here first, by the entry's name, with its value and with what
/// is expected. Some rules of a whole configuration are here only: no constructor sees all that they need.
library ConfigurationChecks {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant MAINNET = 1;
    /// @notice keccak256 of the development key, `key` in vectors/verifying-key.json. Its seed is public, so anyone can
    /// forge proofs.
    bytes32 internal constant DEVELOPMENT_KEY = 0x67bee594f7420dc1e753cab16fa09f015b28e54c990b587ac9f6eb0a7fd03aeb;

    error WrongChain(uint256 expected, uint256 actual);
    error NotOnMainnet(string what, string expected);

    function check(Configuration memory c) internal view {
        _checkChain(c);
        _checkTokens(c);
        _checkStaking(c.staking);
        _checkBridge(c);
        _checkCircuit(c);
        _checkRollup(c);
        _checkCapacity(c.parameters, c.circuit.operations);
        _checkSeeds(c);
        _checkRates(c.rates, c.maxRewardPerL1Slot);
        _checkGovernance(c.governance);
    }

    function _checkChain(Configuration memory c) private view {
        if (c.chainId != 0 && c.chainId != block.chainid) revert WrongChain(c.chainId, block.chainid);
        if (block.chainid == MAINNET) {
            if (c.chainId == 0) revert NotOnMainnet("a configuration of any chain", "chainId 1");
            if (c.token == address(0)) revert NotOnMainnet("the development token", "the address of a token");
            if (keccak256(c.circuit.key) == DEVELOPMENT_KEY) {
                revert NotOnMainnet("the development key", "the key of a ceremony");
            }
        }
        _atLeast("l1SlotSeconds", c.l1SlotSeconds, 1);
        // The timestamp may be wrong by seconds: this only refuses a start after the deployment.
        // forge-lint: disable-next-line(block-timestamp)
        _require(c.l1GenesisTime <= block.timestamp, "l1GenesisTime", c.l1GenesisTime, "a time that has passed");
    }

    function _checkTokens(Configuration memory c) private view {
        if (c.token != address(0) && c.token.code.length == 0) {
            revert Configurations.BadConfiguration("token", VM.toString(c.token), "a contract on this chain");
        }
        _require(
            c.token == address(0) || c.rewardPot == 0,
            "rewardPot",
            c.rewardPot,
            "0 where the token is not deployed here"
        );
        if (c.token == address(0)) _atMost("rewardPot", c.rewardPot, c.tokenSupply, "tokenSupply");
        // Otherwise no sequencer could propose in the first slots.
        _require(c.launchDelay > c.staking.entryPeriod, "launchDelay", c.launchDelay, "more than entryPeriod");
    }

    function _checkStaking(StakingParameters memory p) private pure {
        _atLeast("stake", p.stakeAmount, 1);
        _atLeast("minimumStake", p.minimumStake, 1);
        _atMost("minimumStake", p.minimumStake, p.stakeAmount, "stake");
        _atLeast("entryPeriod", p.entryPeriod, 1);
        _atLeast("exitDelay", p.exitDelay, 1);
        _atLeast("entryWindow", p.entryWindow, 1);
        _atLeast("entryFlush", p.entryFlush, 1);
        _atMost("entryFlush", p.entryFlush, p.maxEntryFlush, "maxEntryFlush");
        _atMost("queueLimit", p.queueLimit, EntryQueue.MAX_LIMIT);
    }

    function _checkBridge(Configuration memory c) private pure {
        _atLeast("unit", c.unit, 1);
        _atMost("unit", c.unit, type(uint128).max);
        _atLeast("minDeposit", c.minDeposit, 1);
    }

    function _checkCircuit(Configuration memory c) private view {
        Circuit memory circuit = c.circuit;
        if (circuit.key.length != VerifyingKey.ENCODED_LENGTH) {
            revert Configurations.BadConfiguration(
                "verifyingKey.key",
                string.concat(VM.toString(circuit.key.length), " bytes"),
                string.concat(VM.toString(VerifyingKey.ENCODED_LENGTH), " bytes")
            );
        }
        bool isPower = circuit.elements != 0 && circuit.elements & (circuit.elements - 1) == 0;
        _require(
            isPower && circuit.elements <= ScalarField.BLOB_ELEMENTS,
            "verifyingKey.elements",
            circuit.elements,
            "a power of two of at most 4096"
        );
        _atLeast("verifyingKey.operations", circuit.operations, 2);
        _atMost("verifyingKey.operations", circuit.operations, circuit.elements, "elements");
        if (uint256(circuit.genesisRoot) >= ScalarField.ORDER) {
            revert Configurations.BadConfiguration(
                "verifyingKey.genesisRoot", VM.toString(circuit.genesisRoot), "less than the order of the scalar field"
            );
        }
        _atLeast("chunksPerBlob", c.chunksPerBlob, 1);
        _atMost(
            "chunksPerBlob", c.chunksPerBlob, ScalarField.BLOB_ELEMENTS / circuit.elements, "the chunks that fit a blob"
        );
        _atMost("feeBurnBps", c.feeBurnBps, Payouts.BPS);
        // Ends with `InvalidVerifyingKey` where a point is none.
        VerifyingKey.prepare(circuit.key);
    }

    /// @dev The rollup's parameters, in the order of its constructor, and the delay of the escrow.
    function _checkRollup(Configuration memory c) private pure {
        Parameters memory p = c.parameters;
        _atLeast("rollup.proposalPhase", p.proposalPhase, 2);
        _atLeast("rollup.commitmentPhase", p.commitmentPhase, 1);
        _atLeast("rollup.revealPhase", p.revealPhase, 1);
        _atLeast("rollup.provingPhase", p.provingPhase, 1);
        _atLeast("rollup.exclusiveProving", p.exclusiveProving, 1);
        _atMost("rollup.exclusiveProving", p.exclusiveProving, p.provingPhase, "provingPhase");
        _atLeast("rollup.haltPhase", p.haltPhase, 1);
        _atLeast("rollup.backupPhase", p.backupPhase, 1);
        _atLeast("rollup.seedDelay", p.seedDelay, 1);
        _atLeast("rollup.seedGrid", p.seedGrid, 1);
        _atLeast("rollup.pauseLength", p.pauseLength, 1);
        _atMost("rollup.pauseLength", p.pauseLength, ParameterChecks.PROVABLE_L1_SLOTS);
        _require(
            p.maxCandidates >= 1 && p.maxCandidates <= 4,
            "rollup.maxCandidates",
            p.maxCandidates,
            "a number from 1 to 4"
        );
        _atLeast("rollup.maxChunks", p.maxChunks, 1);
        _atLeast("rollup.maxDeposits", p.maxDeposits, 1);
        _atLeast("rollup.maxExits", p.maxExits, 1);
        uint256 blobs = (p.maxChunks - 1) / c.chunksPerBlob + 1;
        _atLeast("rollup.maxBlobs", p.maxBlobs, blobs, "the blobs of maxChunks chunks");
        _atMost("rollup.maxBlobs", p.maxBlobs, 16);
        _checkTimes(p, c.escrowWithdrawalDelay);
        _atMost("rollup.rescueShareBps", p.rescueShareBps, Payouts.BPS);
        _atLeast("rollup.minBond", p.minBond, 1);
        _atMost("rollup.abandonPenalty", p.abandonPenalty, c.staking.minimumStake, "minimumStake");
        _atMost("rollup.withholdPenalty", p.withholdPenalty, c.staking.minimumStake, "minimumStake");
    }

    /// @dev What the lengths of the phases have to be together.
    function _checkTimes(Parameters memory p, uint32 withdrawalDelay) private pure {
        uint256 idle = uint256(p.proposalPhase) + p.haltPhase + p.backupPhase;
        uint256 seeding = uint256(p.seedDelay) + p.seedGrid;
        uint256 longest = ParameterChecks.longestSlot(p);
        _require(
            idle >= seeding,
            "rollup.backupPhase",
            p.backupPhase,
            "an idle slot (proposalPhase + haltPhase + backupPhase) no shorter than seedDelay + seedGrid"
        );
        _require(
            longest <= type(uint16).max && longest + seeding + 2 * idle <= ParameterChecks.PROVABLE_L1_SLOTS,
            "rollup.provingPhase",
            p.provingPhase,
            "the longest slot, seedDelay, seedGrid and two idle slots together at most 8191 L1 slots"
        );
        _atLeast("rollup.stallAfter", p.stallAfter, 2 * longest, "two of the longest slots");
        _atMost("rollup.maxStall", p.maxStall, type(uint16).max - uint256(p.stallAfter), "65535 less stallAfter");
        _atLeast("escrowWithdrawalDelay", withdrawalDelay, longest, "the longest slot");
    }

    /// @dev A full block must hold what it has to consume. A forced exit takes two places of the same chunk, a deposit
    /// takes one of any.
    function _checkCapacity(Parameters memory p, uint256 operations) private pure {
        _atMost("rollup.maxExits", p.maxExits, p.maxChunks * (operations / 2), "two places each in a full block");
        uint256 places = p.maxChunks * operations;
        uint256 taken = 2 * uint256(p.maxExits);
        _atMost("rollup.maxDeposits", p.maxDeposits, places - taken, "what maxExits leave of a full block's places");
    }

    /// @dev Otherwise whoever wins a slot chooses the seed of the slot after the next, by the L1 slot in which its own
    /// slot ends. Nobody does so on a development chain.
    function _checkSeeds(Configuration memory c) private pure {
        if (c.chainId == 0) return;
        Parameters memory p = c.parameters;
        uint256 choice = uint256(p.commitmentPhase) + p.revealPhase + p.exclusiveProving;
        _require(
            uint256(p.seedDelay) + p.seedGrid >= choice,
            "rollup.seedGrid",
            p.seedGrid,
            string.concat(
                "with seedDelay at least ", VM.toString(choice), ", commitmentPhase + revealPhase + exclusiveProving"
            )
        );
    }

    function _checkRates(Rates memory rates, uint72 maximum) private pure {
        _atMost("rewards.rewardPerL1Slot", rates.rewardPerL1Slot, maximum, "maxRewardPerL1Slot");
        _atMost("rewards.promptnessBps", rates.promptnessBps, Payouts.BPS);
        uint256 whole = uint256(rates.sequencerBps) + rates.bonusBps + rates.proverBps + rates.submitterBps;
        _require(
            whole == Payouts.BPS,
            "rewards.submitterBps",
            rates.submitterBps,
            string.concat("10000 with sequencerBps, bonusBps and proverBps, which make it ", VM.toString(whole))
        );
    }

    function _checkGovernance(GovernanceParameters memory g) private pure {
        _atLeast("governance.votingRound", g.votingRound, 1);
        _atLeast("governance.votingQuorum", g.votingQuorum, g.votingRound / 2 + 1, "more than half of votingRound");
        _atMost("governance.votingQuorum", g.votingQuorum, g.votingRound, "votingRound");
        _atLeast("governance.pushPeriod", g.pushPeriod, 1);
        _atLeast("governance.delay", g.delay, 1);
        _atLeast("governance.grace", g.grace, 1);
    }

    function _atLeast(string memory field, uint256 value, uint256 minimum) private pure {
        _require(value >= minimum, field, value, string.concat("at least ", VM.toString(minimum)));
    }

    function _atLeast(string memory field, uint256 value, uint256 minimum, string memory what) private pure {
        _require(value >= minimum, field, value, string.concat("at least ", VM.toString(minimum), ", ", what));
    }

    function _atMost(string memory field, uint256 value, uint256 maximum) private pure {
        _require(value <= maximum, field, value, string.concat("at most ", VM.toString(maximum)));
    }

    function _atMost(string memory field, uint256 value, uint256 maximum, string memory what) private pure {
        _require(value <= maximum, field, value, string.concat("at most ", VM.toString(maximum), ", ", what));
    }

    function _require(bool holds, string memory field, uint256 value, string memory expected) private pure {
        if (!holds) revert Configurations.BadConfiguration(field, VM.toString(value), expected);
    }
}
