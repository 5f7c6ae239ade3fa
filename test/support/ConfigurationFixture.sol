// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Parameters} from "../../contracts/interfaces/IRollup.sol";
import {StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {Circuit, Configuration, GovernanceParameters, Scoring} from "../../script/lib/Configuration.sol";
import {Trapdoor} from "./Trapdoor.sol";

/// @notice The devnet's configuration with a verifying key whose secrets are known.
abstract contract ConfigurationFixture is Test {
    address internal constant KEEPER = address(0x6ea2d1a4);
    Trapdoor internal trapdoor = new Trapdoor(8, 512, 1000);

    function _configuration() internal view returns (Configuration memory) {
        return Configuration({
            network: "test",
            chainId: 0,
            token: address(0),
            tokenSupply: 1_000_000e18,
            rewardPot: 100_000e18,
            l1GenesisTime: 1_700_000_000,
            l1SlotSeconds: 12,
            staking: StakingParameters({
                stakeAmount: 100e18,
                minimumStake: 50e18,
                entryPeriod: 4,
                exitDelay: 4,
                entryWindow: 8,
                entryFlush: 1000,
                maxEntryFlush: 1000,
                queueLimit: 4
            }),
            escrowWithdrawalDelay: 100,
            launchDelay: 24,
            unit: 1e9,
            minDeposit: 1,
            chunksPerBlob: 512,
            feeBurnBps: 1000,
            keyPath: "vectors/test.json",
            circuit: Circuit({key: trapdoor.key(), operations: 8, elements: 8, genesisRoot: bytes32(uint256(7))}),
            scoring: Scoring.Public,
            parameters: _parameters(),
            rates: Rates({
                rewardPerL1Slot: 0.12e18,
                sequencerBps: 2000,
                bonusBps: 2000,
                proverBps: 5000,
                submitterBps: 1000,
                promptnessBps: 5000
            }),
            maxRewardPerL1Slot: 1.2e18,
            governance: GovernanceParameters({
                votingRound: 10, votingQuorum: 6, pushPeriod: 100, delay: 10, grace: 100, guardian: KEEPER
            })
        });
    }

    function _parameters() internal pure returns (Parameters memory) {
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
            maxChunks: 16,
            maxDeposits: 56,
            maxExits: 28,
            rescueShareBps: 2000,
            minBond: 25e18,
            abandonPenalty: 2e18,
            withholdPenalty: 5e18
        });
    }
}
