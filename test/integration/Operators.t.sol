// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IBridge, Lane} from "../../contracts/interfaces/IBridge.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IGuardian} from "../../contracts/interfaces/IGuardian.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {BlockPay, IRewards} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {IStaking, Registration, Sequencer, Status} from "../../contracts/interfaces/IStaking.sol";
import {IStateTransitionVerifier} from "../../contracts/interfaces/IStateTransitionVerifier.sol";
import {ITimelock, PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {BridgeDeposit} from "../../script/BridgeDeposit.s.sol";
import {CancelEntry} from "../../script/CancelEntry.s.sol";
import {ClaimRewards} from "../../script/ClaimRewards.s.sol";
import {Deploy, Deployment} from "../../script/Deploy.s.sol";
import {EscrowDeposit} from "../../script/EscrowDeposit.s.sol";
import {EscrowRequestWithdrawal} from "../../script/EscrowRequestWithdrawal.s.sol";
import {EscrowSetSigner} from "../../script/EscrowSetSigner.s.sol";
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
import {Refusals} from "../../script/lib/Refusals.sol";
import {Signing, SigningVariables} from "../../script/lib/Signing.sol";
import {Text, Units} from "../../script/lib/Text.sol";
import {BlsKeys} from "../support/BlsKeys.sol";
import {ConfigurationFixture} from "../support/ConfigurationFixture.sol";
import {MutablePayload, single} from "../support/Payloads.sol";
import {TestToken} from "../support/TestToken.sol";
import {Test} from "forge-std/Test.sol";

/// @dev Keeps what a script prints.
abstract contract Printed is Operator {
    string public printed;

    function _print(string memory text) internal virtual override {
        printed = string.concat(printed, text);
    }
}

contract PrintedSlot is ShowSlot, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

contract PrintedSequencers is ShowSequencers, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

contract PrintedPayload is ShowPayload, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

contract PrintedSigner is EscrowSetSigner, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

contract PrintedDeposit is BridgeDeposit, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

contract PrintedExit is ForceExit, Printed {
    function _print(string memory text) internal override(Operator, Printed) {
        Printed._print(text);
    }
}

/// @notice A deployment and an operator with a key in the environment, as the scripts find them.
abstract contract OperatorFixture is ConfigurationFixture {
    // The generator of Jubjub's prime-order subgroup.
    uint256 internal constant KEY_X = 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b;
    uint256 internal constant KEY_Y = 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa;

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
                vm.toString(operator), " can withdraw from the escrow from L1 slot 8333433, in 100 L1 slots (1200 s)"
            )
        );
        withdraw.run(operator);
        _failed();
        _skip(100);
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
                    paidL1Slots: 25,
                    sequencer: address(0),
                    prover: operator,
                    submitter: operator,
                    price: 0,
                    turnLength: 6,
                    revealDelay: 0,
                    exclusiveProving: 40,
                    proofDelay: 0
                })
            );
        // the prover's and the submitter's share of 25 · 0.12e18
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
        uint32 index = _depositToTheL2();
        assertEq(_balance(operator), 1000e18 - 5e9);
        ForceExit exit = new ForceExit();
        _expectRefusal(
            "DepositPending",
            "the account's deposit is still queued: blocks have consumed 0 deposits, it takes 1; "
            "ShowSlot prints how many they have consumed"
        );
        exit.run(index, other);
        _failed();
        _toFirstSlot();
        _finalize(_revealed());
        PrintedExit forced = new PrintedExit();
        forced.run(index, other);
        assertEq(
            forced.printed(),
            string.concat(
                "force the balance of L2 account 1 out to ", vm.toString(other), "number 0 in the queue of forced exits"
            )
        );
        assertEq(deployed.bridge.count(Lane.Deposits), 1);
        assertEq(deployed.bridge.count(Lane.Exits), 1);
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

    /// @custom:rule X2, X5
    function test_nameAKeyForQuotes() public {
        PrintedSigner set = new PrintedSigner();
        set.run(other);
        string memory first = string.concat(
            "let the key of ", vm.toString(other), " sign quotes of the sendertakes effect     at once\n"
        );
        assertEq(set.printed(), first);
        assertEq(deployed.escrow.signerOf(operator), other);
        address next = makeAddr("next");
        string memory until = string.concat(
            "takes effect     L1 slot 8333433, in 100 L1 slots (1200 s)\nuntil then       ", vm.toString(other), "\n"
        );
        set = new PrintedSigner();
        set.run(next);
        assertEq(
            set.printed(), string.concat("let the key of ", vm.toString(next), " sign quotes of the sender", until)
        );
        assertEq(deployed.escrow.signerOf(operator), other);
        // zero names none, with the same delay
        set = new PrintedSigner();
        set.run(address(0));
        assertEq(set.printed(), string.concat("let no other key sign quotes of the sender", until));
        _skip(100);
        assertEq(deployed.escrow.signerOf(operator), address(0));
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
        PrintedSlot show = new PrintedSlot();
        string memory paused = string.concat(
            "now              L1 slot 8333357\n",
            "slot             1\n",
            "  start          L1 slot 8333410, in 53 L1 slots (636 s)\n",
            "  seed from      L1 slot 8333409, in 52 L1 slots (624 s)\n",
            "  phase          waiting\n",
            "  phase ends     L1 slot 8333410, in 53 L1 slots (636 s)\n",
            "  rank in turn   0\n",
            "  paid for       3 L1 slots (36 s)\n",
            "  reward         0.36 FDEV\n",
            "no slot before   L1 slot 8333407, in 50 L1 slots (600 s)\n",
            "no pause before  L1 slot 8333457, in 100 L1 slots (1200 s)\n",
            _chain(0, 0, 0)
        );
        show.run();
        assertEq(show.printed(), paused);
        Pause pause = new Pause();
        _expectRefusal("NotApproved", "the approval to pause is used up; governance can give another");
        pause.run();
    }

    // ---- views ------------------------------------------------------------------------------------------------------

    /// @dev The lines about the chain that end a report of `ShowSlot`.
    function _chain(uint256 blocks, uint256 consumed, uint256 waiting) private view returns (string memory) {
        return string.concat(
            string.concat("final blocks     ", vm.toString(blocks), "\n"),
            string.concat("  last header    ", vm.toString(deployed.rollup.tip().headerHash), "\n"),
            string.concat("  state root     ", vm.toString(deployed.rollup.tip().stateRoot), "\n"),
            string.concat(
                "deposits         ", vm.toString(consumed), " consumed, ", vm.toString(waiting), " waiting\n"
            ),
            "forced exits     0 consumed, 0 waiting\n"
        );
    }

    /// @custom:rule X9
    function test_showTheSlotBeforeTheFirst() public {
        PrintedSlot show = new PrintedSlot();
        string memory expected = string.concat(
            "now              L1 slot 8333333\n",
            "slot             0\n",
            "  start          L1 slot 8333360, in 27 L1 slots (324 s)\n",
            "  seed from      L1 slot 8333359, in 26 L1 slots (312 s)\n",
            "  phase          waiting\n",
            "  phase ends     L1 slot 8333360, in 27 L1 slots (324 s)\n",
            "  rank in turn   0\n",
            "  paid for       3 L1 slots (36 s)\n",
            "  reward         0.36 FDEV\n",
            "no slot before   L1 slot 8333357, in 24 L1 slots (288 s)\n",
            _chain(0, 0, 0)
        );
        show.run();
        assertEq(show.printed(), expected);
        assertEq(Text.phase(Phase.Waiting), "waiting");
        assertEq(Text.phase(Phase.Backup), "backup");
    }

    /// @dev An L2 account of the operator with 5 L2 units, still queued.
    function _depositToTheL2() private returns (uint32 index) {
        PrintedDeposit deposit = new PrintedDeposit();
        deposit.run(operator, KEY_X, KEY_Y, 5);
        string memory expected = "number 0 in the queue of deposits, L2 account 1";
        assertNotEq(vm.indexOf(deposit.printed(), expected), type(uint256).max);
        index = deployed.bridge.accountOf(operator, KEY_X, KEY_Y);
        assertNotEq(index, 0);
    }

    /// @dev Registers sequencer 1, and goes to the start of slot 0.
    function _toFirstSlot() private {
        _register();
        _skip(27);
        vm.mockCall(
            address(deployed.randomness),
            abi.encodeCall(deployed.randomness.seed, (Slot.wrap(0), L1Slot.wrap(8_333_359))),
            abi.encode(keccak256("seed"))
        );
    }

    /// @dev A header of slot 0 that consumes all deposits.
    function _header() private view returns (Header memory header) {
        header.parent = deployed.rollup.tip().headerHash;
        header.stateRoot = keccak256("state");
        header.depositsEnd = deployed.bridge.count(Lane.Deposits);
        if (header.depositsEnd != 0) header.depositsChain = deployed.bridge.chain(Lane.Deposits, header.depositsEnd);
        header.chunks = 1;
        header.blobHashes = new bytes32[](1);
        header.blobHashes[0] = bytes32(uint256(1) << 248);
    }

    function _proposed() private returns (Header memory header) {
        header = _header();
        vm.prank(makeAddr("attester"));
        deployed.rollup.propose(Slot.wrap(0), SequencerId.wrap(1), keccak256(abi.encode(header)), "", "");
    }

    /// @dev In the L1 slot after the turn's first, the prover commits.
    function _committed() private returns (Header memory header) {
        header = _proposed();
        _skip(5);
        (, uint256 key) = makeAddrAndKey("attester");
        new EscrowDeposit().run(other, 30e18);
        Quote memory quote = Quote({
            slot: Slot.wrap(0),
            headerHash: keccak256(abi.encode(header)),
            sequencer: SequencerId.wrap(1),
            prover: other,
            payee: KEEPER,
            bond: 25e18,
            price: -0.05e18,
            validUntil: L1Slot.wrap(type(uint64).max)
        });
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, deployed.rollup.quoteDigest(quote));
        vm.prank(other);
        deployed.rollup.commit(quote, "", abi.encodePacked(r, s, v));
    }

    /// @dev In the next L1 slot, the block is revealed.
    function _revealed() private returns (Header memory header) {
        header = _committed();
        _skip(1);
        vm.blobhashes(header.blobHashes);
        deployed.rollup.reveal(header);
    }

    /// @dev In the next L1 slot, the block is final, without a proof.
    function _finalize(Header memory header) private {
        _skip(1);
        vm.mockCall(address(deployed.verifier), abi.encodeWithSelector(IStateTransitionVerifier.verify.selector), "");
        deployed.rollup.finalize(header, other, "");
        vm.clearMockedCalls();
    }

    /// @dev The lines about slot 0 up to its candidate.
    function _slotZero(string memory times, string memory turn) private view returns (string memory) {
        return string.concat(
            times,
            turn,
            "  paid for       3 L1 slots (36 s)\n  reward         0.36 FDEV\ncandidate        rank 0\n",
            "  sequencer      1\n  score          ",
            vm.toString(deployed.reader.currentSlot().candidates[0].score),
            string.concat("\n  header         ", vm.toString(keccak256(abi.encode(_header()))), "\n")
        );
    }

    function _show(string memory expected) private {
        PrintedSlot show = new PrintedSlot();
        show.run();
        assertEq(show.printed(), expected);
    }

    /// @custom:rule X9
    function test_showAProposal() public {
        _depositToTheL2();
        _toFirstSlot();
        _proposed();
        _show(
            string.concat(
                _slotZero(
                    string.concat(
                        "now              L1 slot 8333360\nslot             0\n",
                        "  start          L1 slot 8333360, now\n",
                        "  seed from      L1 slot 8333359, 1 L1 slot (12 s) ago\n",
                        "  phase          proposal\n",
                        "  phase ends     L1 slot 8333364, in 4 L1 slots (48 s)\n"
                    ),
                    "  rank in turn   0\n"
                ),
                "  committed      no\n",
                _chain(0, 0, 1)
            )
        );
        ShowSequencers show = new ShowSequencers();
        assertNotEq(vm.indexOf(show.report(1, 1), "\n  candidate      of the slot in flight\n"), type(uint256).max);
    }

    function _terms() private view returns (string memory) {
        return string.concat(
            string.concat("  prover         ", vm.toString(other), "\n"),
            string.concat("  payee          ", vm.toString(KEEPER), "\n"),
            "  bond           25 FDEV\n  price          -0.05 FDEV\n"
        );
    }

    /// @custom:rule X9
    function test_showACommitment() public {
        _toFirstSlot();
        _committed();
        _show(
            string.concat(
                _slotZero(
                    string.concat(
                        "now              L1 slot 8333365\nslot             0\n",
                        "  start          L1 slot 8333360, 5 L1 slots (60 s) ago\n",
                        "  seed from      L1 slot 8333359, 6 L1 slots (72 s) ago\n",
                        "  phase          reveal\n",
                        "  phase ends     L1 slot 8333369, in 4 L1 slots (48 s)\n"
                    ),
                    "  rank in turn   0\n  turn began     L1 slot 8333364, 1 L1 slot (12 s) ago\n"
                ),
                "  committed      L1 slot 8333365, now\n  revealed       no\n",
                _terms(),
                _chain(0, 0, 0)
            )
        );
    }

    /// @custom:rule X9
    function test_showARevealedBlockAndItsEnd() public {
        _depositToTheL2();
        _toFirstSlot();
        Header memory header = _revealed();
        _show(
            string.concat(
                _slotZero(
                    string.concat(
                        "now              L1 slot 8333366\nslot             0\n",
                        "  start          L1 slot 8333360, 6 L1 slots (72 s) ago\n",
                        "  seed from      L1 slot 8333359, 7 L1 slots (84 s) ago\n",
                        "  phase          exclusive proving\n",
                        "  phase ends     L1 slot 8333407, in 41 L1 slots (492 s)\n"
                    ),
                    "  rank in turn   0\n  turn began     L1 slot 8333364, 2 L1 slots (24 s) ago\n"
                ),
                "  committed      L1 slot 8333365, 1 L1 slot (12 s) ago\n  revealed       L1 slot 8333366, now\n",
                _terms(),
                _chain(0, 0, 1)
            )
        );
        _finalize(header);
        _show(
            string.concat(
                "now              L1 slot 8333367\nslot             1\n",
                "  start          L1 slot 8333368, in 1 L1 slot (12 s)\n",
                "  seed from      L1 slot 8333362, 5 L1 slots (60 s) ago\n",
                "  phase          waiting\n",
                "  phase ends     L1 slot 8333368, in 1 L1 slot (12 s)\n",
                "  rank in turn   0\n  paid for       8 L1 slots (96 s)\n  reward         0.96 FDEV\n",
                _chain(1, 1, 0)
            )
        );
    }

    /// @custom:rule X9
    function test_showASlotBeforeTheLastOneIsSettled() public {
        _toFirstSlot();
        _revealed();
        _skip(70);
        _show(
            string.concat(
                "now              L1 slot 8333436\nslot             1\n",
                "  start          L1 slot 8333436, now\n",
                "  seed from      L1 slot 8333362, 74 L1 slots (888 s) ago\n",
                "  phase          proposal\n",
                "  phase ends     L1 slot 8333440, in 4 L1 slots (48 s)\n",
                "  rank in turn   0\n  paid for       13 L1 slots (156 s)\n  reward         1.56 FDEV\n",
                _chain(0, 0, 0),
                "an earlier slot is over and isn't settled yet\n"
            )
        );
    }

    /// @custom:rule X9
    function test_showSequencers() public {
        _register();
        new RotateAttester().run(1, other);
        new Register().run(other, other, 0);
        new InitiateExit().run(2);
        PrintedSequencers show = new PrintedSequencers();
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
        show.run(1, 10);
        assertEq(show.printed(), string.concat(first, second));
        assertEq(show.report(2, 10), second);
        assertEq(show.report(3, 10), "no sequencer from 3 on\n");
        assertEq(Text.status(Status.Queued), "queued");
        assertEq(Text.status(Status.Exited), "exited");
    }

    /// @custom:rule X9
    function test_showAPayload() public {
        MutablePayload payload = _payload();
        PrintedPayload show = new PrintedPayload();
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
        show.run(0, address(payload));
        assertEq(show.printed(), string.concat(queued, call));
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

    // ---- refusals ---------------------------------------------------------------------------------------------------

    /// @custom:rule X2
    function test_anErrorWithoutAnExplanationIsShownAsItIs() public {
        bytes memory unknown = abi.encodeWithSignature("Unknown(uint256)", 7);
        vm.mockCallRevert(address(deployed.escrow), abi.encodeWithSelector(IEscrow.setSigner.selector), unknown);
        EscrowSetSigner set = new EscrowSetSigner();
        vm.expectRevert(unknown);
        set.run(other);
    }

    /// @custom:rule X2
    function test_anActionThatFailsIsExplained() public {
        MutablePayload payload = _payload();
        payload.set(single(address(deployed.staking), abi.encodeCall(IStaking.setEntryFlush, (0))));
        _vote(address(payload));
        new PushVote().run(0, address(payload));
        _skip(10);
        ExecutePayload execute = new ExecutePayload();
        _expectRefusal(
            "ActionFailed",
            string.concat(
                "action 0 calls ",
                vm.toString(address(deployed.staking)),
                ", which fails: EntryFlushOutOfRange, a window can have 1 to 1000 entries, not 0"
            )
        );
        execute.run(address(payload));
    }

    function _explain(bytes memory data, string memory name, string memory reason) private pure {
        Units memory units =
            Units({symbol: "T", decimals: 18, l2Unit: 1e9, l1Slot: L1Slot.wrap(100), l1SlotSeconds: 12});
        (string memory actualName, string memory actualReason) = Refusals.explain(data, units);
        assertEq(actualName, name);
        assertEq(actualReason, reason);
    }

    /// @custom:rule X2
    function test_refusalsOfQueuesAndRatesAreExplained() public pure {
        _explain(
            abi.encodeWithSelector(IBridge.QueueOutOfRange.selector, Lane.Exits, 2, 9, 5),
            "QueueOutOfRange",
            "the queue of forced exits has 5 entries, numbers from 2 to 9 were asked for"
        );
        _explain(
            abi.encodeWithSelector(IBridge.TooManyOperations.selector, Lane.Deposits, 56, 57),
            "TooManyOperations",
            "a block may consume 56 deposits, not 57"
        );
        _explain(
            abi.encodeWithSelector(IBridge.OperationsNotConsumed.selector, Lane.Exits, 4, 3),
            "OperationsNotConsumed",
            "the block must consume the forced exits up to number 4 at least, not up to 3"
        );
        _explain(
            abi.encodeWithSelector(IBridge.WrongChain.selector, Lane.Deposits, bytes32(uint256(1)), bytes32(0)),
            "WrongChain",
            string.concat(
                "the block was built on another queue of deposits: its hash is ",
                vm.toString(bytes32(uint256(1))),
                ", not ",
                vm.toString(bytes32(0))
            )
        );
        _explain(
            abi.encodeWithSelector(IRewards.RewardTooHigh.selector, 1.2e18, 1.3e18),
            "RewardTooHigh",
            "an L1 slot may pay at most 1.2 T, not 1.3 T"
        );
        _explain(
            abi.encodeWithSelector(IRewards.PromptnessTooHigh.selector, 10_000, 10_001),
            "PromptnessTooHigh",
            "a late proof may lose at most 10000 basis points of the prover's share, not 10001"
        );
        _explain(
            abi.encodeWithSelector(IRewards.SharesNotWhole.selector, 10_000, 9999),
            "SharesNotWhole",
            "the four shares of a reward must be 10000 basis points in total, not 9999"
        );
        _explain(
            abi.encodeWithSelector(IRollup.PriceOutOfRange.selector, int128(-0.75e18), int128(0.6e18), int128(-1e18)),
            "PriceOutOfRange",
            "the price must be -0.75 T to 0.6 T, not -1 T"
        );
    }

    /// @custom:rule X2
    function test_refusalsOfMoneyAndPayloadsAreExplained() public view {
        string memory payload = string.concat("payload ", vm.toString(other));
        _explain(
            abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, 2e18, 3e18),
            "AmountTooHigh",
            "the account would have 3 T in the escrow, more than 2 T"
        );
        _explain(
            abi.encodeWithSelector(IEscrow.InsufficientFree.selector, other, 1e18, 2e18),
            "InsufficientFree",
            string.concat(vm.toString(other), " has 1 T in the escrow for it, less than 2 T")
        );
        _explain(
            abi.encodeWithSelector(IBridge.SupplyTooHigh.selector, 5, 6),
            "SupplyTooHigh",
            "the L2 would have 0.000000006 T (6 L2 units) in all, more than 0.000000005 T (5 L2 units)"
        );
        _explain(
            abi.encodeWithSelector(IBridge.TooManyAccounts.selector),
            "TooManyAccounts",
            "every L2 account number is taken; deposit to an account that exists"
        );
        _explain(
            abi.encodeWithSelector(IStaking.TooManySequencers.selector),
            "TooManySequencers",
            "every sequencer number is taken"
        );
        _explain(
            abi.encodeWithSelector(ITimelock.PayloadWithoutCode.selector, other),
            "PayloadWithoutCode",
            string.concat(payload, " has no code; deploy it first")
        );
        _explain(
            abi.encodeWithSelector(ITimelock.UnreadablePayload.selector, other),
            "UnreadablePayload",
            string.concat("actions() of ", payload, " fails")
        );
        _explain(
            abi.encodeWithSelector(ITimelock.NoActions.selector, other),
            "NoActions",
            string.concat(payload, " has no actions")
        );
        _explain(
            abi.encodeWithSelector(ITimelock.TooManyActions.selector, 16, 17),
            "TooManyActions",
            "a payload may have at most 16 actions, not 17"
        );
        _explain(
            abi.encodeWithSelector(ITimelock.ActionsTooLong.selector, 16_384, 16_416),
            "ActionsTooLong",
            "a payload's actions may have at most 16384 bytes, not 16416"
        );
        _explain(
            abi.encodeWithSelector(ITimelock.TargetWithoutCode.selector, 3, other),
            "TargetWithoutCode",
            string.concat("action 3 calls ", vm.toString(other), ", which has no code")
        );
        _explain(
            abi.encodeWithSelector(ITimelock.ActionFailed.selector, 1, other, hex"12345678"),
            "ActionFailed",
            string.concat("action 1 calls ", vm.toString(other), ", which fails: 0x12345678")
        );
    }

    /// @custom:rule X2
    function test_refusalsOfTimesAreExplained() public pure {
        _explain(
            abi.encodeWithSelector(IStaking.QueueFull.selector, 105),
            "QueueFull",
            "the entry queue is full until L1 slot 105, in 5 L1 slots (60 s); try later"
        );
        _explain(
            abi.encodeWithSelector(IVotes.PushClosed.selector, 99, 100),
            "PushClosed",
            "the payload could be pushed before L1 slot 99, 1 L1 slot (12 s) ago"
        );
        _explain(
            abi.encodeWithSelector(IRollup.PausedRecently.selector, 100, 99),
            "PausedRecently",
            "the next pause is possible from L1 slot 100, now"
        );
        _explain(abi.encodeWithSelector(IGuardian.AlreadyApproved.selector), "", "");
        _explain("", "", "");
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

/// @notice A script whose environment is the test's own.
contract SigningHarness is Signing {
    SigningVariables internal variables;
    bool internal isBroadcasting;

    function set(SigningVariables memory variables_, bool isBroadcasting_) external {
        variables = variables_;
        isBroadcasting = isBroadcasting_;
    }

    function run() external transacts {}

    function isExporting() external view returns (bool) {
        return _isExporting();
    }

    function _variables() internal view override returns (SigningVariables memory) {
        return variables;
    }

    function _isBroadcasting() internal view override returns (bool) {
        return isBroadcasting;
    }
}

/// @notice Who signs, as the environment says it. `SigningHarness` replaces what is read from the shared environment.
contract SigningTest is Test {
    SigningHarness internal script = new SigningHarness();
    address internal signer;
    uint256 internal key;

    function setUp() public {
        (signer, key) = makeAddrAndKey("signer");
    }

    function _set(string memory name, address from, uint256 key_) private {
        script.set(
            SigningVariables({
                hasName: bytes(name).length != 0, name: name, hasFrom: from != address(0), from: from, key: key_
            }),
            false
        );
    }

    /// @custom:rule X2
    function test_RevertWhen_nobodySigns() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                Signing.MissingSigner.selector,
                "set FERNET_KEY; or give forge --account, --keystore, --ledger, --trezor or --private-key, "
                "or --sender for a dry run; or set FERNET_UNSIGNED and FERNET_FROM"
            )
        );
        script.run();
    }

    /// A simulation needs no ether.
    /// @custom:rule X2
    function test_RevertWhen_theSignerHasNoEther() public {
        _set("", address(0), key);
        script.run();
        script.set(SigningVariables(false, "", false, address(0), key), true);
        vm.expectRevert(abi.encodeWithSelector(Signing.MissingEther.selector, signer));
        script.run();
        vm.stopBroadcast();
        vm.deal(signer, 1);
        script.run();
    }

    /// @custom:rule X3
    function test_RevertWhen_anExportHasAKeyToo() public {
        _set("export", signer, key);
        vm.expectRevert(abi.encodeWithSelector(Signing.ConflictingVariables.selector, "FERNET_KEY", "FERNET_UNSIGNED"));
        script.run();
        assertFalse(script.isExporting());
    }

    /// @custom:rule X3
    function test_RevertWhen_oneVariableOfAnExportIsMissing() public {
        _set("", signer, 0);
        vm.expectRevert(
            abi.encodeWithSelector(Signing.MissingVariable.selector, "FERNET_UNSIGNED", "FERNET_FROM is set")
        );
        script.run();
        // also beside a key, which would send what was meant for a file
        _set("", signer, key);
        vm.expectRevert(
            abi.encodeWithSelector(Signing.MissingVariable.selector, "FERNET_UNSIGNED", "FERNET_FROM is set")
        );
        script.run();
        _set("export", address(0), 0);
        vm.expectRevert(Signing.MissingSender.selector);
        script.run();
    }

    /// @custom:rule X3
    function test_theEnvironmentExports() public {
        _set("export-of-nothing", signer, 0);
        script.run();
        assertTrue(script.isExporting());
        assertEq(vm.readFile("unsigned/export-of-nothing.json"), "[\n]\n");
        vm.removeFile("unsigned/export-of-nothing.json");
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
