// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {BlockPay} from "../../contracts/interfaces/IRewards.sol";
import {Phase} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Registration, Sequencer, Status} from "../../contracts/interfaces/IStaking.sol";
import {ITimelock, PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {BridgeDeposit} from "../../script/BridgeDeposit.s.sol";
import {CancelEntry} from "../../script/CancelEntry.s.sol";
import {ClaimRewards} from "../../script/ClaimRewards.s.sol";
import {Deploy, Deployment} from "../../script/Deploy.s.sol";
import {EscrowDeposit} from "../../script/EscrowDeposit.s.sol";
import {EscrowRequestWithdrawal} from "../../script/EscrowRequestWithdrawal.s.sol";
import {EscrowWithdraw} from "../../script/EscrowWithdraw.s.sol";
import {ExecutePayload} from "../../script/ExecutePayload.s.sol";
import {ForceExit} from "../../script/ForceExit.s.sol";
import {FundRewards} from "../../script/FundRewards.s.sol";
import {InitiateExit} from "../../script/InitiateExit.s.sol";
import {Pause} from "../../script/Pause.s.sol";
import {PossessionMessage} from "../../script/PossessionMessage.s.sol";
import {PushVote} from "../../script/PushVote.s.sol";
import {Register} from "../../script/Register.s.sol";
import {RotateAttester} from "../../script/RotateAttester.s.sol";
import {RotateBlsKey} from "../../script/RotateBlsKey.s.sol";
import {SetFeeRecipient} from "../../script/SetFeeRecipient.s.sol";
import {SetWithdrawer} from "../../script/SetWithdrawer.s.sol";
import {ShowPayload} from "../../script/ShowPayload.s.sol";
import {ShowSequencers} from "../../script/ShowSequencers.s.sol";
import {ShowSlot} from "../../script/ShowSlot.s.sol";
import {TopUp} from "../../script/TopUp.s.sol";
import {WithdrawStake} from "../../script/WithdrawStake.s.sol";
import {DevToken} from "../../script/dev/DevToken.sol";
import {MintDevToken} from "../../script/dev/MintDevToken.s.sol";
import {BlsSecret} from "../../script/lib/BlsSecret.sol";
import {Configuration} from "../../script/lib/Configuration.sol";
import {Deployments, Plan} from "../../script/lib/Deployments.sol";
import {Operator} from "../../script/lib/Operator.sol";
import {Signing} from "../../script/lib/Signing.sol";
import {Text} from "../../script/lib/Text.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {ConfigurationFixture} from "../support/ConfigurationFixture.sol";
import {MutablePayload, single} from "../support/Payloads.sol";
import {TestToken} from "../support/TestToken.sol";

/// @notice A deployment and an operator with a key in the environment, as the scripts find them.
abstract contract OperatorFixture is ConfigurationFixture {
    Deployment internal deployed;
    address internal operator;
    address internal other = makeAddr("other");

    /// @param chain one of its own: the scripts read deployments/<chain id>.json
    function _deploy(uint256 chain) internal {
        vm.chainId(chain);
        vm.warp(1_800_000_000);
        uint256 key;
        (operator, key) = makeAddrAndKey("operator");
        // the same in every test: the environment is shared
        vm.setEnv("FERNET_KEY", vm.toString(bytes32(key)));
        vm.setEnv("FERNET_BLS_SECRET", vm.toString(bytes32(uint256(11))));
        Deploy script = new Deploy();
        Configuration memory c = _configuration();
        Plan memory plan = script.planFor(c, address(script));
        deployed = script.resume(c, plan);
        Deployments.write(script.complete(plan, deployed).file);
        vm.prank(address(script));
        DevToken(address(deployed.token)).mint(operator, 1000e18);
    }

    /// @dev The next call ends with a contract's error in words.
    function _expectRefusal(string memory name, string memory reason) internal {
        vm.expectRevert(abi.encodeWithSelector(Operator.Refused.selector, name, reason));
    }

    function _skip(uint256 l1Slots) internal {
        vm.warp(vm.getBlockTimestamp() + l1Slots * 12);
    }

    function _balance(address account) internal view returns (uint256) {
        return deployed.token.balanceOf(account);
    }

    /// @dev Votes for `payload` as the rollup's blocks of round 0 would.
    function _vote(address payload) internal {
        for (uint64 slot = 0; slot < 6; ++slot) {
            vm.prank(address(deployed.rollup));
            deployed.votes.signal(Slot.wrap(slot), payload);
        }
    }
}

/// @notice Every script with a key: what it does, and what it says when it can't.
contract OperatorsTest is OperatorFixture {
    function setUp() public {
        _deploy(4_242_002);
    }

    function _sequencer() private view returns (Sequencer memory) {
        return deployed.staking.sequencer(SequencerId.wrap(1));
    }

    function _mustSign(address expected, string memory role) private view returns (string memory) {
        return string.concat(vm.toString(expected), ", ", role, ", must sign, not ", vm.toString(operator));
    }

    function _register() private {
        new Register().run(makeAddr("attester"), address(0), 3);
    }

    /// @dev A script that fails leaves its broadcast active; a run of its own would end with it.
    function _failed() private {
        vm.stopBroadcast();
    }

    // ---- staking ----------------------------------------------------------------------------------------------------

    /// @custom:rule X5, X7
    function test_registerExitAndGetTheStakeBack() public {
        address attester = makeAddr("attester");
        new Register().run(attester, other, 3);
        assertEq(_sequencer().owner, operator);
        assertEq(_sequencer().attester, attester);
        assertEq(_sequencer().feeRecipient, 3);
        assertEq(_sequencer().blsKeyHash, keccak256(abi.encode(BlsKeys.publicKey(11))));
        assertEq(_balance(operator), 900e18);
        new InitiateExit().run(1);
        _skip(4);
        new WithdrawStake().run(1);
        assertEq(_balance(operator), 900e18);
        assertEq(_balance(other), 100e18);
    }

    /// @custom:rule X5
    function test_registerWithAProofMadeElsewhere() public {
        Registration memory r = BlsKeys.registration(deployed.staking, operator, other, 7);
        PossessionMessage message = new PossessionMessage();
        message.run(operator, r.blsKey);
        assertEq(message.messageOf(operator, r.blsKey), deployed.staking.possessionMessage(operator, r.blsKey));
        new Register().run(other, address(0), 0, r.blsKey, r.proofOfPossession);
        assertEq(_sequencer().blsKeyHash, keccak256(abi.encode(r.blsKey)));
    }

    /// @custom:rule X2
    function test_RevertWhen_theProofIsAnothers() public {
        Registration memory r = BlsKeys.registration(deployed.staking, other, other, 7);
        Register register = new Register();
        _expectRefusal(
            "BadProofOfPossession",
            string.concat(
                "the BLS key is invalid, or didn't sign what PossessionMessage prints for ", vm.toString(operator)
            )
        );
        register.run(other, address(0), 0, r.blsKey, r.proofOfPossession);
    }

    function possession(uint256 secret) external view {
        BlsSecret.possession(deployed.staking, operator, secret);
    }

    /// @custom:rule X7
    function test_RevertWhen_theBlsSecretIsOutOfRange() public {
        vm.expectRevert(BlsSecret.SecretOutOfRange.selector);
        this.possession(0);
        vm.expectRevert(BlsSecret.SecretOutOfRange.selector);
        this.possession(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001);
        this.possession(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000);
    }

    /// @custom:rule X2, X5
    function test_cancelTheEntry() public {
        _register();
        new CancelEntry().run(1);
        assertEq(_balance(operator), 1000e18);
        CancelEntry cancel = new CancelEntry();
        _expectRefusal("WrongStatus", "sequencer 1 is exited, it must be queued");
        cancel.run(1);
    }

    /// @custom:rule X2, X5
    function test_topUp() public {
        _register();
        vm.prank(address(deployed.rollup));
        deployed.staking.slash(SequencerId.wrap(1), 2e18);
        new TopUp().run(1, 1e18);
        assertEq(_sequencer().stake, 99e18);
        TopUp topUp = new TopUp();
        _expectRefusal("StakeTooHigh", "the stake of sequencer 1 would be 101 FDEV, more than 100 FDEV");
        topUp.run(1, 2e18);
    }

    /// @custom:rule X5
    function test_rotateTheAttester() public {
        _register();
        new RotateAttester().run(1, other);
        assertEq(_sequencer().nextAttester, other);
        _skip(4);
        assertEq(deployed.staking.attesterOf(SequencerId.wrap(1)), other);
    }

    /// @custom:rule X5, X7
    function test_rotateTheBlsKey() public {
        Registration memory r = BlsKeys.registration(deployed.staking, operator, other, 7);
        new Register().run(other, address(0), 0, r.blsKey, r.proofOfPossession);
        new RotateBlsKey().run(1);
        assertEq(_sequencer().nextBlsKeyHash, keccak256(abi.encode(BlsKeys.publicKey(11))));
    }

    /// @custom:rule X5
    function test_rotateTheBlsKeyWithAProofMadeElsewhere() public {
        _register();
        Registration memory r = BlsKeys.registration(deployed.staking, operator, other, 7);
        new RotateBlsKey().run(1, r.blsKey, r.proofOfPossession);
        assertEq(_sequencer().nextBlsKeyHash, keccak256(abi.encode(r.blsKey)));
    }

    /// @custom:rule X2, X5
    function test_setTheWithdrawerAndTheFeeRecipient() public {
        _register();
        new SetFeeRecipient().run(1, 9);
        assertEq(_sequencer().feeRecipient, 9);
        new SetWithdrawer().run(1, other);
        assertEq(_sequencer().withdrawer, other);
        SetWithdrawer set = new SetWithdrawer();
        _expectRefusal("NotWithdrawer", _mustSign(other, "the withdrawer of sequencer 1"));
        set.run(1, operator);
    }

    /// @custom:rule X2
    function test_RevertWhen_theSequencerIsNobodys() public {
        string memory missing = "sequencer 1 isn't registered; ShowSequencers lists them";
        InitiateExit exit = new InitiateExit();
        _expectRefusal("WrongStatus", missing);
        exit.run(1);
        _failed();
        RotateAttester rotate = new RotateAttester();
        _expectRefusal("WrongStatus", missing);
        rotate.run(1, other);
        _failed();
        SetFeeRecipient set = new SetFeeRecipient();
        _expectRefusal("WrongStatus", missing);
        set.run(1, 1);
    }

    // ---- money ------------------------------------------------------------------------------------------------------

    /// @custom:rule X2, X5
    function test_depositAndWithdrawBonds() public {
        new EscrowDeposit().run(operator, 20e18);
        assertEq(deployed.escrow.account(operator).free, 20e18);
        new EscrowRequestWithdrawal().run(5e18);
        EscrowWithdraw withdraw = new EscrowWithdraw();
        _expectRefusal(
            "NotWithdrawableYet",
            string.concat(
                vm.toString(operator), " can withdraw from the escrow from L1 slot 8333337, in 4 L1 slots (48 s)"
            )
        );
        withdraw.run(operator);
        _failed();
        _skip(4);
        new EscrowWithdraw().run(operator);
        assertEq(_balance(operator), 985e18);
    }

    /// @custom:rule X2, X5
    function test_fundAndClaimRewards() public {
        new FundRewards().run(1e18);
        assertEq(deployed.rewards.pot(), 100_001e18);
        ClaimRewards claim = new ClaimRewards();
        _expectRefusal("NothingOwed", string.concat(vm.toString(operator), " has no rewards to claim"));
        claim.run(operator);
        _failed();
        vm.prank(address(deployed.rollup));
        deployed.rewards
            .settleBlock(
                BlockPay({
                    slot: Slot.wrap(0),
                    sequencer: address(0),
                    prover: operator,
                    submitter: operator,
                    price: 0,
                    revealPhase: 0,
                    revealDuration: 0
                })
            );
        // the prover's and the submitter's share of 3e18
        new ClaimRewards().run(operator);
        assertEq(_balance(operator), 1000.8e18);
    }

    /// @custom:rule X6
    function test_RevertWhen_tokensAreMissing() public {
        EscrowDeposit deposit = new EscrowDeposit();
        vm.expectRevert(
            abi.encodeWithSelector(
                Operator.InsufficientTokens.selector,
                operator,
                "1001 FDEV (1001000000000000000000 token units)",
                "1000 FDEV (1000000000000000000000 token units)"
            )
        );
        deposit.run(operator, 1001e18);
    }

    /// An allowance that is too small is first taken back, as some tokens want it.
    /// @custom:rule X6
    function test_allowancesAreSetOnlyWhereNeeded() public {
        vm.prank(operator);
        deployed.token.approve(address(deployed.escrow), 7);
        new EscrowDeposit().run(operator, 20e18);
        assertEq(deployed.token.allowance(operator, address(deployed.escrow)), 0);
        vm.prank(operator);
        deployed.token.approve(address(deployed.escrow), 30e18);
        new EscrowDeposit().run(operator, 20e18);
        assertEq(deployed.token.allowance(operator, address(deployed.escrow)), 10e18);
    }

    /// @custom:rule X2, X5
    function test_depositToTheL2AndForceItOut() public {
        // the generator of Jubjub's prime-order subgroup
        uint256 x = 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b;
        uint256 y = 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa;
        new BridgeDeposit().run(operator, x, y, 5);
        uint32 index = deployed.bridge.accountOf(operator, x, y);
        assertNotEq(index, 0);
        assertEq(_balance(operator), 1000e18 - 5e9);
        new ForceExit().run(index, other);
        assertEq(deployed.bridge.count(), 2);
        ForceExit exit = new ForceExit();
        _expectRefusal(
            "ExitUsed",
            string.concat(
                "L2 account ",
                vm.toString(index),
                " had no deposit since its last forced exit; BridgeDeposit comes first"
            )
        );
        exit.run(index, other);
        _failed();
        BridgeDeposit deposit = new BridgeDeposit();
        _expectRefusal(
            "InvalidKey", "the L2 key is no point of Jubjub's prime-order subgroup, or is its neutral element"
        );
        deposit.run(operator, 1, 1, 5);
    }

    // ---- governance -------------------------------------------------------------------------------------------------

    function _mustBeReady(MutablePayload payload, string memory status) private pure returns (string memory) {
        return string.concat(
            "payload ",
            vm.toString(address(payload)),
            " is ",
            status,
            ", it must be ready; ShowPayload prints its times"
        );
    }

    function _payload() private returns (MutablePayload payload) {
        payload = new MutablePayload();
        payload.set(single(address(deployed.staking), abi.encodeCall(IStaking.setEntryFlush, (5))));
    }

    /// @custom:rule X2, X5
    function test_pushAndExecute() public {
        MutablePayload payload = _payload();
        PushVote push = new PushVote();
        _expectRefusal("NoQuorum", "the payload has 0 votes in this round, it needs 6");
        push.run(0, address(payload));
        _failed();
        _vote(address(payload));
        new PushVote().run(0, address(payload));
        ExecutePayload execute = new ExecutePayload();
        _expectRefusal("WrongStatus", _mustBeReady(payload, "waiting"));
        execute.run(address(payload));
        _failed();
        _skip(10);
        vm.expectCall(address(deployed.staking), abi.encodeCall(IStaking.setEntryFlush, (5)));
        new ExecutePayload().run(address(payload));
        assertEq(uint256(deployed.timelock.queued(address(payload)).status), uint256(PayloadStatus.Executed));
    }

    /// @custom:rule X8
    function test_aPayloadThatChangedIsExecutedFromItsEvent() public {
        MutablePayload payload = _payload();
        Action[] memory actions = payload.actions();
        bytes32 hash = keccak256(abi.encode(actions));
        _vote(address(payload));
        new PushVote().run(0, address(payload));
        _skip(10);
        ExecutePayload execute = new ExecutePayload();
        bytes memory needed = abi.encodeWithSelector(ExecutePayload.ActionsNeeded.selector, address(payload), hash);
        payload.set(single(other, ""));
        vm.expectRevert(needed);
        execute.run(address(payload));
        vm.etch(address(payload), hex"fe");
        vm.expectRevert(needed);
        execute.run(address(payload));
        vm.etch(address(payload), "");
        vm.expectRevert(needed);
        execute.run(address(payload));
        new ExecutePayload().run(address(payload), abi.encode(actions));
        assertEq(uint256(deployed.timelock.queued(address(payload)).status), uint256(PayloadStatus.Executed));
    }

    /// @custom:rule X2
    function test_RevertWhen_thePayloadWasNeverQueued() public {
        MutablePayload payload = _payload();
        ExecutePayload execute = new ExecutePayload();
        _expectRefusal("WrongStatus", _mustBeReady(payload, "not queued"));
        execute.run(address(payload));
    }

    /// @custom:rule X2
    function test_RevertWhen_anotherPauses() public {
        Pause pause = new Pause();
        _expectRefusal("NotGuardian", _mustSign(KEEPER, "the guardian"));
        pause.run();
    }

    /// @custom:rule X2, X5
    function test_theGuardianPauses() public {
        vm.prank(address(deployed.timelock));
        deployed.guardian.setGuardian(operator);
        _skip(24);
        new Pause().run();
        assertEq(L1Slot.unwrap(deployed.rollup.pausedUntil()), L1Slot.unwrap(deployed.rollup.l1Slot()) + 50);
        new ShowSlot().run();
        Pause pause = new Pause();
        _expectRefusal("NotApproved", "the approval to pause is used up; governance can give another");
        pause.run();
    }

    // ---- views ------------------------------------------------------------------------------------------------------

    /// @custom:rule X9
    function test_showTheSlot() public {
        ShowSlot show = new ShowSlot();
        show.run();
        string memory root = vm.toString(bytes32(uint256(7)));
        string memory header = vm.toString(deployed.rollup.tip().headerHash);
        assertEq(
            show.report(),
            string.concat(
                "now              L1 slot 8333333\n",
                "slot             0\n",
                "  start          L1 slot 8333360, in 27 L1 slots (324 s)\n",
                "  seed from      L1 slot 8333359, in 26 L1 slots (312 s)\n",
                "  phase          waiting\n",
                "  phase ends     L1 slot 8333360, in 27 L1 slots (324 s)\n",
                "  rank in turn   0\n",
                "no slot before   L1 slot 8333357, in 24 L1 slots (288 s)\n",
                "block reward     3 FDEV\n",
                "final blocks     0\n",
                string.concat("  last header    ", header, "\n"),
                string.concat("  state root     ", root, "\n"),
                "L1 queue         0 deposits and exits consumed, 0 waiting\n"
            )
        );
        assertEq(Text.phase(Phase.Waiting), "waiting");
        assertEq(Text.phase(Phase.Backup), "backup");
    }

    /// @custom:rule X9
    function test_showSequencers() public {
        _register();
        new RotateAttester().run(1, other);
        new Register().run(other, other, 0);
        new InitiateExit().run(2);
        ShowSequencers show = new ShowSequencers();
        show.run(1, 10);
        string memory first = string.concat(
            "sequencer        1\n  status         queued\n  owner          ",
            vm.toString(operator),
            "\n  attester       ",
            vm.toString(makeAddr("attester")),
            "\n  next attester  ",
            vm.toString(other),
            "\n    from         L1 slot 8333337, in 4 L1 slots (48 s)\n  withdrawer     ",
            vm.toString(operator),
            "\n  stake          100 FDEV\n  active from    L1 slot 8333337, in 4 L1 slots (48 s)\n",
            "  fee recipient  L2 account 3\n",
            string.concat("  BLS key hash   ", vm.toString(keccak256(abi.encode(BlsKeys.publicKey(11)))), "\n")
        );
        string memory second = string.concat(
            "sequencer        2\n  status         exiting\n  owner          ",
            vm.toString(operator),
            "\n  attester       ",
            vm.toString(other),
            "\n  withdrawer     ",
            vm.toString(other),
            "\n  stake          100 FDEV\n  active from    L1 slot 8333337, in 4 L1 slots (48 s)\n",
            "  exit started   L1 slot 8333333, now\n  fee recipient  none, fees are burned\n",
            string.concat("  BLS key hash   ", vm.toString(keccak256(abi.encode(BlsKeys.publicKey(11)))), "\n")
        );
        assertEq(show.report(1, 10), string.concat(first, second));
        assertEq(show.report(2, 10), second);
        assertEq(show.report(3, 10), "no sequencer from 3 on\n");
        assertEq(Text.status(Status.Queued), "queued");
        assertEq(Text.status(Status.Exited), "exited");
    }

    /// @custom:rule X9
    function test_showAPayload() public {
        MutablePayload payload = _payload();
        ShowPayload show = new ShowPayload();
        show.run(0, address(payload));
        string memory head = string.concat("payload          ", vm.toString(address(payload)), "\n");
        string memory call = string.concat(
            "action           0\n  target         ",
            vm.toString(address(deployed.staking)),
            "\n  data           ",
            vm.toString(abi.encodeCall(IStaking.setEntryFlush, (5))),
            "\n"
        );
        assertEq(
            show.report(0, address(payload)),
            string.concat(head, "votes in round 0 0, the quorum is 6\ntimelock         not queued\n", call)
        );
        string memory hash = vm.toString(keccak256(abi.encode(payload.actions())));
        _vote(address(payload));
        new PushVote().run(0, address(payload));
        string memory queued = string.concat(
            head,
            "votes in round 0 6, the quorum is 6\n",
            "  push before    L1 slot 8333433, in 100 L1 slots (1200 s)\n",
            "timelock         waiting\n",
            "  executable     from L1 slot 8333343, in 10 L1 slots (120 s)\n",
            "  expires        L1 slot 8333443, in 110 L1 slots (1320 s)\n",
            string.concat("  actions hash   ", hash, "\n")
        );
        assertEq(show.report(0, address(payload)), string.concat(queued, call));
        payload.set(single(other, ""));
        assertEq(
            show.report(0, address(payload)),
            string.concat(
                queued,
                "action           0\n  target         ",
                vm.toString(other),
                "\n  data           0x\nTHE PAYLOAD CHANGED: these aren't the actions that were queued\n"
            )
        );
        string memory nothing = "votes in round 0 0, the quorum is 6\ntimelock         not queued\n";
        assertEq(
            show.report(0, other),
            string.concat("payload          ", vm.toString(other), "\n", nothing, "the payload's address has no code\n")
        );
        assertEq(
            show.report(0, address(deployed.token)),
            string.concat(
                "payload          ",
                vm.toString(address(deployed.token)),
                "\n",
                nothing,
                "the payload's actions() fails\n"
            )
        );
        assertEq(Text.payloadStatus(PayloadStatus.None), "not queued");
        assertEq(Text.payloadStatus(PayloadStatus.Expired), "expired");
    }

    // ---- development tokens -----------------------------------------------------------------------------------------

    /// @custom:rule X10
    function test_theOwnerMintsDevelopmentTokens() public {
        DevToken token = DevToken(address(deployed.token));
        MintDevToken mint = new MintDevToken();
        vm.expectRevert(abi.encodeWithSelector(MintDevToken.NotTheTokenOwner.selector, token.owner(), operator));
        mint.run(other, 2e18);
        _failed();
        vm.prank(token.owner());
        token.transferOwnership(operator);
        new MintDevToken().run(other, 2e18);
        assertEq(_balance(other), 2e18);
    }

    /// @custom:rule X10
    function test_RevertWhen_theTokenIsNotTheDevelopmentToken() public {
        // a deployment whose token has other code
        Configuration memory c = _configuration();
        vm.chainId(4_242_014);
        c.token = address(new TestToken());
        c.rewardPot = 0;
        Deploy script = new Deploy();
        Plan memory plan = script.planFor(c, address(script));
        Deployments.write(script.complete(plan, script.resume(c, plan)).file);
        MintDevToken mint = new MintDevToken();
        vm.expectRevert(abi.encodeWithSelector(MintDevToken.NotTheDevelopmentToken.selector, c.token));
        mint.run(other, 1);
    }

    /// @custom:rule X2
    function test_anErrorWithoutAnExplanationIsShownAsItIs() public {
        MutablePayload payload = _payload();
        payload.set(single(address(deployed.staking), abi.encodeCall(IStaking.setEntryFlush, (0))));
        _vote(address(payload));
        new PushVote().run(0, address(payload));
        _skip(10);
        ExecutePayload execute = new ExecutePayload();
        bytes memory reason = abi.encodeWithSelector(IStaking.EntryFlushOutOfRange.selector, 1000, 0);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.ActionFailed.selector, 0, address(deployed.staking), reason));
        execute.run(address(payload));
    }

    // ---- the deployment's file --------------------------------------------------------------------------------------

    /// @custom:rule X1
    function test_RevertWhen_thereIsNoDeployment() public {
        vm.chainId(4_242_099);
        ShowSlot show = new ShowSlot();
        vm.expectRevert(
            abi.encodeWithSelector(
                Operator.MissingDeployment.selector, "deployments/4242099.json", "run Deploy, or put the file there"
            )
        );
        show.run();
    }

    /// @custom:rule X1
    function test_RevertWhen_theCodeIsNotTheDeployments() public {
        ShowSlot show = new ShowSlot();
        bytes32 expected = address(deployed.reader).codehash;
        vm.etch(address(deployed.reader), hex"00");
        vm.expectRevert(abi.encodeWithSelector(Operator.WrongCode.selector, "reader", expected, keccak256(hex"00")));
        show.run();
    }
}

/// @notice The same transactions as files: nothing is sent, and what a wallet reads does the same when it is.
contract ExportTest is OperatorFixture {
    /// @dev An account without a key here.
    address internal safe = makeAddr("safe");

    struct Exported {
        address to;
        bytes data;
    }

    function setUp() public {
        _deploy(4_242_003);
        vm.prank(operator);
        assertTrue(deployed.token.transfer(safe, 1000e18));
    }

    /// @dev Reads unsigned/NAME.json and checks what all its transactions have in common.
    function _read(string memory name, uint256 expected) private view returns (Exported[] memory list) {
        string memory json = vm.readFile(string.concat("unsigned/", name, ".json"));
        list = new Exported[](expected);
        for (uint256 i = 0; i < expected; ++i) {
            string memory at_ = string.concat("[", vm.toString(i), "]");
            assertEq(vm.parseJsonString(json, string.concat(at_, ".chainId")), "4242003");
            assertEq(vm.parseJsonAddress(json, string.concat(at_, ".from")), safe);
            assertEq(vm.parseJsonString(json, string.concat(at_, ".value")), "0");
            assertGt(bytes(vm.parseJsonString(json, string.concat(at_, ".description"))).length, 10);
            list[i].to = vm.parseJsonAddress(json, string.concat(at_, ".to"));
            list[i].data = vm.parseJsonBytes(json, string.concat(at_, ".data"));
        }
        assertFalse(vm.keyExistsJson(json, string.concat("[", vm.toString(expected), "]")));
    }

    /// @dev Forgets what the script simulated, then sends what it exported.
    function _replay(string memory name, uint256 expected, uint256 snapshot) private {
        assertTrue(vm.revertToState(snapshot));
        Exported[] memory list = _read(name, expected);
        for (uint256 i = 0; i < expected; ++i) {
            vm.prank(safe);
            (bool success,) = list[i].to.call(list[i].data);
            assertTrue(success);
        }
        vm.removeFile(string.concat("unsigned/", name, ".json"));
    }

    /// @custom:rule X3, X4
    function test_aRegistrationIsExported() public {
        uint256 before = vm.snapshotState();
        Register register = new Register();
        register.exportTo("register", safe);
        register.run(other, address(0), 3);
        _replay("register", 2, before);
        assertEq(deployed.staking.ownerOf(SequencerId.wrap(1)), safe);
        assertEq(_balance(safe), 900e18);
    }

    /// @custom:rule X4, X6
    function test_theFileIsWhatAWalletReads() public {
        EscrowDeposit deposit = new EscrowDeposit();
        deposit.exportTo("deposit", safe);
        deposit.run(other, 20e18);
        Exported[] memory list = _read("deposit", 2);
        assertEq(list[0].to, address(deployed.token));
        assertEq(list[0].data, abi.encodeCall(IERC20.approve, (address(deployed.escrow), 20e18)));
        assertEq(list[1].to, address(deployed.escrow));
        assertEq(list[1].data, abi.encodeCall(IEscrow.deposit, (other, 20e18)));
        string memory json = vm.readFile("unsigned/deposit.json");
        assertEq(
            vm.parseJsonString(json, "[1].description"),
            string.concat("deposit 20 FDEV (20000000000000000000 token units) in the escrow of ", vm.toString(other))
        );
        vm.removeFile("unsigned/deposit.json");
    }

    /// @custom:rule X3
    function test_aScriptExportsItsLastRunOnly() public {
        FundRewards fund = new FundRewards();
        fund.exportTo("fund", safe);
        fund.run(1e18);
        uint256 before = vm.snapshotState();
        fund.run(2e18);
        _replay("fund", 2, before);
        assertEq(deployed.rewards.pot(), 100_003e18);
    }

    /// @custom:rule X4
    function test_aMultisigGuardianPauses() public {
        vm.prank(address(deployed.timelock));
        deployed.guardian.setGuardian(safe);
        _skip(24);
        uint256 before = vm.snapshotState();
        Pause pause = new Pause();
        pause.exportTo("pause", safe);
        pause.run();
        _replay("pause", 1, before);
        assertGt(L1Slot.unwrap(deployed.rollup.pausedUntil()), 0);
    }

    /// What would fail on L1 isn't exported.
    /// @custom:rule X2
    function test_RevertWhen_theTransactionWouldFail() public {
        InitiateExit exit = new InitiateExit();
        exit.exportTo("failing", safe);
        _expectRefusal("WrongStatus", "sequencer 1 isn't registered; ShowSequencers lists them");
        exit.run(1);
        assertFalse(vm.isFile("unsigned/failing.json"));
    }

    /// @custom:rule X6
    function test_RevertWhen_theSenderHasNoTokens() public {
        EscrowDeposit deposit = new EscrowDeposit();
        deposit.exportTo("poor", other);
        vm.expectRevert(
            abi.encodeWithSelector(
                Operator.InsufficientTokens.selector,
                other,
                "0.000000000000000001 FDEV (1 token units)",
                "0 FDEV (0 token units)"
            )
        );
        deposit.run(other, 1);
    }

    /// @custom:rule X3
    function test_RevertWhen_nobodySends() public {
        EscrowDeposit deposit = new EscrowDeposit();
        vm.expectRevert(Signing.MissingSender.selector);
        deposit.exportTo("nobody", address(0));
    }
}
