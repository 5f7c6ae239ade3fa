// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {console} from "forge-std/console.sol";

import {Bridge} from "../contracts/Bridge.sol";
import {Escrow} from "../contracts/Escrow.sol";
import {Randomness} from "../contracts/Randomness.sol";
import {Reader} from "../contracts/Reader.sol";
import {Rewards} from "../contracts/Rewards.sol";
import {Rollup} from "../contracts/Rollup.sol";
import {Staking} from "../contracts/Staking.sol";
import {Guardian} from "../contracts/governance/Guardian.sol";
import {Registry} from "../contracts/governance/Registry.sol";
import {Timelock} from "../contracts/governance/Timelock.sol";
import {Votes} from "../contracts/governance/Votes.sol";
import {IRollup} from "../contracts/interfaces/IRollup.sol";
import {IScoring} from "../contracts/interfaces/IScoring.sol";
import {Contracts} from "../contracts/rollup/RollupBase.sol";
import {PublicScore} from "../contracts/scoring/PublicScore.sol";
import {VrfScore} from "../contracts/scoring/VrfScore.sol";
import {L1Slot} from "../contracts/types/Time.sol";
import {BlockVerifier} from "../contracts/verifier/BlockVerifier.sol";
import {DevToken} from "./dev/DevToken.sol";
import {Configuration, Configurations, Scoring} from "./lib/Configuration.sol";
import {ConfigurationChecks} from "./lib/ConfigurationChecks.sol";
import {Deployments, Plan} from "./lib/Deployments.sol";
import {Environment, Variable} from "./lib/Environment.sol";
import {Signing} from "./lib/Signing.sol";

/// @notice What was deployed.
struct Deployment {
    IERC20 token;
    Rollup rollup;
    Staking staking;
    Randomness randomness;
    Escrow escrow;
    Rewards rewards;
    Bridge bridge;
    BlockVerifier verifier;
    IScoring scoring;
    Reader reader;
    Timelock timelock;
    Votes votes;
    Guardian guardian;
    Registry registry;
}

/// @title Deploys and wires everything
/// @notice usage: forge script script/Deploy.s.sol --rpc-url URL --broadcast, signed as `Signing` says; then
/// forge script script/RecordDeployment.s.sol --rpc-url URL
///
/// - FERNET_NETWORK          configuration script/config/<network>.json, `devnet` where unset
/// - FERNET_L1_GENESIS_TIME  replaces the configuration's `l1GenesisTime`, seconds since 1970
/// - FERNET_L1_SLOT_SECONDS  replaces `l1SlotSeconds`
/// - FERNET_SCORING          replaces `scoring`: public or vrf
/// - FERNET_GUARDIAN         replaces `governance.guardian`, an address
///
/// The configuration is checked before anything else, and then every constructor runs in a simulation, before any
/// transaction is sent. The script writes what it is about to deploy to deployments/<chain id>.pending.json.
/// `RecordDeployment` compares that with L1 and writes deployments/<chain id>.json.
///
/// A deployment that stopped is resumed by the same command: contracts that are on L1 are kept, the others are sent.
contract Deploy is Signing {
    using Configurations for Configuration;

    /// @dev Contracts from the verifier's successor to the rollup, see `deploy`.
    uint64 private constant BEFORE_ROLLUP = 9;

    /// @dev Nonce of the next contract's transaction, and the deployer's nonce when the script started.
    uint64 private _nonce;
    uint64 private _startNonce;
    address private _deployer;
    /// @dev Address of the contract that `_isThere` looked at.
    address private _at;

    /// @notice A deployment stopped half-way and was started by another account, which must sign the rest. To give it
    /// up, remove the file.
    error WrongDeployer(address expected, address actual, string file);
    /// @notice A deployment stopped half-way and had another configuration or environment. Resume it with those, or
    /// give it up by removing the file.
    error OtherConfiguration(string file);
    /// @notice A deployment stopped half-way, and its deployer used the nonce for something else since. It can't be
    /// completed: remove the file to start another.
    error NonceUsed(uint64 nonce, string file);

    function run() external {
        Configuration memory c = Configurations.read(Environment.readText(Variable.Network, "devnet"));
        c.applyEnvironment();
        execute(c);
    }

    /// @notice As `run()` with a configuration that was read.
    function execute(Configuration memory c) public returns (Deployment memory deployed) {
        ConfigurationChecks.check(c);
        _begin();
        Plan memory plan = planFor(c, _sender());
        if (_isExporting()) {
            vm.startPrank(plan.deployer);
            vm.startStateDiffRecording();
        }
        deployed = resume(c, plan);
        if (_isExporting()) {
            vm.stopPrank();
            _exportDeployment(vm.stopAndReturnStateDiff(), deployed);
        }
        _end();
        if (_publishes()) Deployments.writePlan(complete(plan, deployed));
        console.log("next, once the transactions are on L1: RecordDeployment, which writes", Deployments.path());
    }

    /// @notice The deployment that stopped half-way on this chain, or a new one from `deployer`'s next nonce on.
    function planFor(Configuration memory c, address deployer) public returns (Plan memory plan) {
        bytes32 hash = keccak256(abi.encode(c));
        string memory pending = Deployments.pendingPath();
        if (vm.isFile(pending)) {
            plan = Deployments.readPlan();
            if (_hasStarted(plan)) {
                if (plan.deployer != deployer) revert WrongDeployer(plan.deployer, deployer, pending);
                if (plan.configurationHash != hash) revert OtherConfiguration(pending);
                console.log("resuming the deployment of", pending);
                return plan;
            }
        }
        delete plan;
        plan.deployer = deployer;
        plan.nonce = vm.getNonce(deployer);
        plan.configurationHash = hash;
        plan.rewardPot = c.rewardPot;
        plan.file.config = c.network;
        plan.file.l1GenesisTime = c.l1GenesisTime;
        plan.file.l1SlotSeconds = c.l1SlotSeconds;
        plan.file.firstBlock = block.number;
    }

    /// @notice All transactions of a new deployment, from `deployer`.
    function deploy(Configuration memory c, address deployer) public returns (Deployment memory) {
        Plan memory plan;
        plan.deployer = deployer;
        plan.nonce = vm.getNonce(deployer);
        return resume(c, plan);
    }

    /// @notice The transactions of a deployment that aren't on L1 yet.
    function resume(Configuration memory c, Plan memory plan) public returns (Deployment memory deployed) {
        _deployer = plan.deployer;
        _nonce = plan.nonce;
        _startNonce = vm.getNonce(plan.deployer);
        if (c.token != address(0)) deployed.token = IERC20(c.token);
        else deployed.token = _isThere() ? IERC20(_at) : new DevToken(_deployer, c.tokenSupply);
        deployed.verifier = _isThere()
            ? BlockVerifier(_at)
            : new BlockVerifier(
                c.circuit.key,
                c.circuit.operations,
                c.circuit.elements,
                c.chunksPerBlob,
                c.circuit.genesisRoot,
                c.feeBurnBps
            );
        // the rollup's constructor refuses any other address
        address rollup = vm.computeCreateAddress(_deployer, _nonce + BEFORE_ROLLUP);
        _deployGovernance(c, deployed, rollup);
        _deployParts(c, deployed, rollup);
        _deployRollup(c, deployed);
        deployed.reader = _isThere() ? Reader(_at) : new Reader(deployed.rollup);
        deployed.registry = _isThere()
            ? Registry(_at)
            : new Registry(address(deployed.rollup), address(deployed.timelock), c.l1GenesisTime, c.l1SlotSeconds);
        _fund(c, deployed);
    }

    /// @notice The plan with the addresses and code of what was simulated.
    function complete(Plan memory plan, Deployment memory deployed) public view returns (Plan memory) {
        plan.file.genesisSlot = L1Slot.unwrap(deployed.rollup.genesisSlot());
        plan.file.contracts = addresses(deployed);
        for (uint256 i = 0; i < plan.file.contracts.length; ++i) {
            plan.file.codeHashes[i] = plan.file.contracts[i].codehash;
        }
        return plan;
    }

    /// @notice The contracts in the order of `Deployments.names`.
    function addresses(Deployment memory deployed) public pure returns (address[14] memory) {
        return [
            address(deployed.token),
            address(deployed.rollup),
            address(deployed.staking),
            address(deployed.randomness),
            address(deployed.escrow),
            address(deployed.rewards),
            address(deployed.bridge),
            address(deployed.verifier),
            address(deployed.scoring),
            address(deployed.reader),
            address(deployed.timelock),
            address(deployed.votes),
            address(deployed.guardian),
            address(deployed.registry)
        ];
    }

    /// @dev Three contracts. The timelock comes before the votes that it names.
    function _deployGovernance(Configuration memory c, Deployment memory deployed, address rollup) private {
        address votes = vm.computeCreateAddress(_deployer, _nonce + 1);
        deployed.timelock = _isThere()
            ? Timelock(_at)
            : new Timelock(votes, c.governance.delay, c.governance.grace, c.l1GenesisTime, c.l1SlotSeconds);
        deployed.votes = _isThere()
            ? Votes(_at)
            : new Votes(
                rollup,
                address(deployed.timelock),
                c.governance.votingRound,
                c.governance.votingQuorum,
                c.governance.pushPeriod,
                c.l1GenesisTime,
                c.l1SlotSeconds
            );
        deployed.guardian =
            _isThere() ? Guardian(_at) : new Guardian(rollup, address(deployed.timelock), c.governance.guardian);
    }

    /// @dev The six contracts that the rollup calls, without the verifier and the votes.
    function _deployParts(Configuration memory c, Deployment memory deployed, address rollup) private {
        address timelock = address(deployed.timelock);
        deployed.staking = _isThere()
            ? Staking(_at)
            : new Staking(deployed.token, rollup, timelock, c.staking, c.l1GenesisTime, c.l1SlotSeconds);
        if (_isThere()) deployed.scoring = IScoring(_at);
        else if (c.scoring == Scoring.Vrf) deployed.scoring = new VrfScore(deployed.staking);
        else deployed.scoring = new PublicScore();
        deployed.randomness = _isThere() ? Randomness(_at) : new Randomness(c.l1GenesisTime, c.l1SlotSeconds);
        deployed.escrow = _isThere()
            ? Escrow(_at)
            : new Escrow(deployed.token, rollup, c.escrowWithdrawalDelay, c.l1GenesisTime, c.l1SlotSeconds);
        deployed.rewards =
            _isThere() ? Rewards(_at) : new Rewards(deployed.token, rollup, timelock, c.rates, c.maxRewardPerL1Slot);
        deployed.bridge = _isThere()
            ? Bridge(_at)
            : new Bridge(deployed.token, IRollup(rollup), c.unit, c.minDeposit, c.l1GenesisTime, c.l1SlotSeconds);
    }

    function _deployRollup(Configuration memory c, Deployment memory deployed) private {
        if (_isThere()) {
            deployed.rollup = Rollup(_at);
            return;
        }
        deployed.rollup = new Rollup(
            c.parameters,
            Contracts({
                staking: deployed.staking,
                randomness: deployed.randomness,
                escrow: deployed.escrow,
                rewards: deployed.rewards,
                bridge: deployed.bridge,
                verifier: deployed.verifier,
                scoring: deployed.scoring,
                votes: deployed.votes,
                guardian: address(deployed.guardian)
            }),
            c.l1GenesisTime,
            c.l1SlotSeconds,
            // a constant of the transaction, whenever it lands: the code on L1 is the simulated code
            deployed.staking.l1Slot().plus(c.launchDelay)
        );
    }

    /// @dev What the reward pot lacks.
    function _fund(Configuration memory c, Deployment memory deployed) private {
        uint256 pot = deployed.rewards.pot();
        if (pot >= c.rewardPot) return;
        uint256 missing = c.rewardPot - pot;
        if (deployed.token.allowance(_deployer, address(deployed.rewards)) < missing) {
            deployed.token.approve(address(deployed.rewards), missing);
        }
        deployed.rewards.fund(missing);
    }

    /// @dev Whether the next contract is on L1 already. Its address is in `_at`.
    function _isThere() private returns (bool) {
        uint64 nonce = _nonce++;
        if (nonce >= _startNonce) return false;
        _at = vm.computeCreateAddress(_deployer, nonce);
        if (_at.code.length == 0) revert NonceUsed(nonce, Deployments.pendingPath());
        return true;
    }

    /// @dev Whether the first contract of a plan is on this chain, with the planned code.
    function _hasStarted(Plan memory plan) private view returns (bool) {
        address first = vm.computeCreateAddress(plan.deployer, plan.nonce);
        for (uint256 i = 0; i < plan.file.contracts.length; ++i) {
            if (plan.file.contracts[i] == first) return first.codehash == plan.file.codeHashes[i];
        }
        return false;
    }

    /// @dev The deployer's own calls and creations, without those that they make in turn.
    function _exportDeployment(VmSafe.AccountAccess[] memory accesses, Deployment memory deployed) private {
        string[14] memory names = Deployments.names();
        address[14] memory contracts = addresses(deployed);
        for (uint256 i = 0; i < accesses.length; ++i) {
            VmSafe.AccountAccess memory access = accesses[i];
            if (access.accessor != _deployer) continue;
            string memory name;
            for (uint256 k = 0; k < names.length; ++k) {
                if (contracts[k] == access.account) name = names[k];
            }
            if (access.kind == VmSafe.AccountAccessKind.Create) {
                _export(address(0), access.data, string.concat("create ", name, " at ", vm.toString(access.account)));
            } else if (access.kind == VmSafe.AccountAccessKind.Call) {
                _export(access.account, access.data, string.concat("fill the reward pot: call ", name));
            }
        }
    }
}
