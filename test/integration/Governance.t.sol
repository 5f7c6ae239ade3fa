// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Bridge} from "../../contracts/Bridge.sol";
import {Escrow} from "../../contracts/Escrow.sol";
import {Randomness} from "../../contracts/Randomness.sol";
import {Reader} from "../../contracts/Reader.sol";
import {Rewards} from "../../contracts/Rewards.sol";
import {Contracts, Rollup} from "../../contracts/Rollup.sol";
import {Staking} from "../../contracts/Staking.sol";
import {Guardian} from "../../contracts/governance/Guardian.sol";
import {Registry} from "../../contracts/governance/Registry.sol";
import {Timelock} from "../../contracts/governance/Timelock.sol";
import {Votes} from "../../contracts/governance/Votes.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IGuardian} from "../../contracts/interfaces/IGuardian.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {BlockPay, IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase} from "../../contracts/interfaces/IRollup.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {ITimelock, PayloadStatus} from "../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {PublicScore} from "../../contracts/scoring/PublicScore.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {Fixture} from "../support/Fixture.sol";
import {MutablePayload, single} from "../support/Payloads.sol";

/// @title Governance over the real contracts: what it can do and what it cannot do
contract GovernanceIntegration is Fixture {
    uint64 private constant ROUND = 4;
    uint64 private constant QUORUM = 3;
    uint32 private constant PUSH_PERIOD = 100;
    uint32 private constant DELAY = 30;
    uint32 private constant GRACE = 400;
    uint72 private constant MAX_REWARD = 6e18;

    Timelock private _timelock;
    Votes private _votes;
    Guardian private _guardian;
    Registry private _registry;
    address private _keeper = makeAddr("keeper");

    function setUp() public override {
        super.setUp();
        // From the first slot of a round on.
        _warp(_view().start);
        while (_view().slot % ROUND != 0) {
            _warp(_now() + 13);
        }
    }

    function _deploy(IERC20 token_, Parameters memory parameters, Rates memory rates) internal override {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 9);
        address votesAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        _timelock = new Timelock(votesAt, DELAY, GRACE, GENESIS_TIME, SLOT_SECONDS);
        _votes = new Votes(predicted, address(_timelock), ROUND, QUORUM, PUSH_PERIOD, GENESIS_TIME, SLOT_SECONDS);
        _guardian = new Guardian(predicted, address(_timelock), _keeper);
        staking = new Staking(token_, predicted, address(_timelock), _stakingParameters(), GENESIS_TIME, SLOT_SECONDS);
        randomness = new Randomness(GENESIS_TIME, SLOT_SECONDS);
        escrow = new Escrow(token_, predicted, ESCROW_DELAY, GENESIS_TIME, SLOT_SECONDS);
        rewards = new Rewards(token_, predicted, address(_timelock), rates, MAX_REWARD);
        bridge = new Bridge(token_, IRollup(predicted), 1e9, 1, GENESIS_TIME, SLOT_SECONDS);
        scoring = new PublicScore();
        rollup = new Rollup(
            parameters,
            Contracts(staking, randomness, escrow, rewards, bridge, verifier, scoring, _votes, address(_guardian)),
            GENESIS_TIME,
            SLOT_SECONDS,
            L1Slot.wrap(_now())
        );
        reader = new Reader(rollup);
        _registry = new Registry(address(rollup), address(_timelock), GENESIS_TIME, SLOT_SECONDS);
    }

    // ---- steps ------------------------------------------------------------------------------------------------------

    /// @dev A revealed block of sequencer 0 for the slot in turn, with a vote.
    function _revealedVote(address payload) private returns (Header memory header) {
        _warp(_view().start);
        header = _headerOf(0);
        header.vote = payload;
        _proposeHash(0, _hash(header));
        _warp(_view().start + 4);
        _commit(0, header);
        _reveal(header);
    }

    /// @dev A finalized block with a vote.
    function _block(address payload) private returns (Header memory header) {
        header = _revealedVote(payload);
        _finalize(prover, header, payee);
    }

    function _payload(Action[] memory actions) private returns (MutablePayload payload) {
        payload = new MutablePayload();
        payload.set(actions);
    }

    function _round() private view returns (uint64) {
        return _view().slot / ROUND;
    }

    /// @dev Three blocks vote, anyone pushes, the delay passes.
    function _decide(Action[] memory actions) private returns (MutablePayload payload) {
        payload = _payload(actions);
        uint64 round = _round();
        for (uint256 i = 0; i < QUORUM; ++i) {
            _block(address(payload));
        }
        _votes.push(round, address(payload));
        _warp(_now() + DELAY);
    }

    /// @dev Governance makes a call.
    function _govern(address target, bytes memory data) private {
        Action[] memory actions = single(target, data);
        MutablePayload payload = _decide(actions);
        _timelock.execute(address(payload), actions);
    }

    function _newRates(uint72 reward, uint16 promptnessBps) private pure returns (Rates memory) {
        return Rates(reward, 1500, 1500, 6000, 1000, promptnessBps);
    }

    // ---- votes of blocks --------------------------------------------------------------------------------------------

    /// @custom:rule U1
    function test_finalizedBlocksVote() public {
        uint64 round = _round();
        _block(payee);
        assertEq(_votes.ballot(round, payee).votes, 1);
        _block(address(0));
        assertEq(_votes.ballot(round, payee).votes, 1);
        assertEq(_votes.ballot(round, address(0)).votes, 0);
        _block(payee);
        assertEq(_votes.ballot(round, payee).votes, 2);
    }

    /// @custom:rule U1
    function test_aRevealedBlockHasNoVoteBeforeItIsFinal() public {
        Header memory header = _revealedVote(payee);
        assertEq(_votes.ballot(_round(), payee).votes, 0);
        _finalize(prover, header, payee);
        assertEq(_votes.ballot(Slot.unwrap(header.slot) / ROUND, payee).votes, 1);
    }

    /// @custom:rule U1
    function test_aRescuedBlockVotes() public {
        Header memory header = _revealedVote(payee);
        _warp(_view().end);
        _phaseIs(Phase.OpenProving);
        _finalize(rescuer, header, rescuer);
        assertEq(_votes.ballot(Slot.unwrap(header.slot) / ROUND, payee).votes, 1);
    }

    /// @custom:rule U1
    function test_aRevealedBlockVotesInBackupToo() public {
        Header memory header = _revealedVote(payee);
        _warp(_view().end);
        _warp(_view().end);
        _warp(_view().end);
        _phaseIs(Phase.Backup);
        _finalizeBackup(rescuer, header, rescuer);
        assertEq(_votes.ballot(Slot.unwrap(header.slot) / ROUND, payee).votes, 1);
    }

    /// The sender of a backup block is not elected, so the block has no vote.
    /// @custom:rule U1, B3
    function test_RevertWhen_aBackupBlockVotes() public {
        _warp(_view().end);
        _warp(_view().end);
        _phaseIs(Phase.Backup);
        Header memory header = _headerOf(0);
        header.vote = payee;
        bytes memory proof = _proof(header, rescuer);
        vm.blobhashes(header.blobHashes);
        vm.expectRevert(IRollup.VoteNotZero.selector);
        rollup.finalizeBackup(header, rescuer, proof);
    }

    /// @custom:rule U3, U6
    function test_aVoteForAPushedPayloadStopsNoBlock() public {
        MutablePayload payload = _decide(single(address(staking), abi.encodeCall(IStaking.setEntryFlush, (7))));
        Header memory header = _block(address(payload));
        assertEq(rollup.finalizedHeader(header.slot), _hash(header));
        assertEq(_votes.ballot(Slot.unwrap(header.slot) / ROUND, address(payload)).votes, 0);
    }

    /// A submitter cannot make the vote run out of gas while the block lands.
    /// @custom:rule O2
    function test_aVoteIsCountedOrTheBlockIsNotFinal() public {
        Header memory header = _revealedVote(payee);
        bytes memory proof = _proof(header, payee);
        uint64 round = Slot.unwrap(header.slot) / ROUND;
        uint256 snapshot = vm.snapshotState();
        uint256 finalized;
        for (uint256 gas_ = 60_000; gas_ < 400_000; gas_ += 2_000) {
            vm.prank(prover);
            try rollup.finalize{gas: gas_}(header, payee, proof) {
                ++finalized;
                assertEq(_votes.ballot(round, payee).votes, 1, "suppressed");
            } catch {}
            assertTrue(vm.revertToState(snapshot));
        }
        assertGt(finalized, 0);
    }

    // ---- what governance can do -------------------------------------------------------------------------------------

    /// @custom:rule E8
    function test_governanceChangesTheRates() public {
        Rates memory rates = _newRates(6e18, 10_000);
        uint256 owed;
        MutablePayload payload = _decide(single(address(rewards), abi.encodeCall(IRewards.setRates, (rates))));
        owed = _owed(payee);
        _timelock.execute(address(payload), payload.actions());
        // Credits stay as they are, and the slot in turn keeps its rates.
        assertEq(_owed(payee), owed);
        assertEq(rewards.ratesOf(_slot()).rewardPerL1Slot, PER_L1_SLOT);
        assertEq(rewards.ratesOf(_slot().advance(1)).rewardPerL1Slot, 6e18);
    }

    /// @custom:rule Q8
    function test_governanceChangesTheFlushOfTheEntryQueue() public {
        _govern(address(staking), abi.encodeCall(IStaking.setEntryFlush, (7)));
        (uint256 places,) = staking.entryWindowAt(L1Slot.wrap(_now() + 100));
        assertEq(places, 7);
    }

    /// @custom:rule U16
    function test_governanceRegistersAVersion() public {
        address next = address(new MutablePayload());
        _govern(address(_registry), abi.encodeCall(IRegistry.addVersion, (next, address(_timelock))));
        assertEq(_registry.canonical(), next);
    }

    /// @custom:rule U13, U14, N7
    function test_theGuardianPausesOnceForEachApproval() public {
        vm.startPrank(_keeper);
        _guardian.pause();
        uint256 until = L1Slot.unwrap(rollup.pausedUntil());
        assertEq(until, _now() + 50);
        vm.expectRevert(IGuardian.NotApproved.selector);
        _guardian.pause();
        vm.stopPrank();
        _warp(until);
        vm.prank(_keeper);
        vm.expectRevert(IGuardian.NotApproved.selector);
        _guardian.pause();

        // The next approval needs a quorum of blocks and the delay.
        _toRound();
        _govern(address(_guardian), abi.encodeCall(IGuardian.approve, ()));
        vm.prank(_keeper);
        _guardian.pause();
        assertEq(L1Slot.unwrap(rollup.pausedUntil()), _now() + 50);
    }

    /// @dev Waits for the first slot of a round.
    function _toRound() private {
        _warp(_view().start);
        while (_view().slot % ROUND != 0) {
            _warp(_now() + 13);
        }
    }

    // ---- what governance can't do -----------------------------------------------------------------------------------

    /// @dev Everything that governance must not change, as one value.
    function _untouchable() private view returns (bytes32) {
        bytes32 money = keccak256(
            abi.encode(
                token.balanceOf(address(staking)),
                token.balanceOf(address(escrow)),
                token.balanceOf(address(rewards)),
                token.balanceOf(address(bridge)),
                token.totalSupply(),
                _owed(payee),
                _owed(owners[0]),
                _stake(0),
                _stake(1),
                escrow.account(prover),
                staking.page(SequencerId.wrap(1), 10)
            )
        );
        bytes32 rules = keccak256(
            abi.encode(
                reader.parameters(),
                rollup.tip(),
                staking.stakeAmount(),
                staking.minimumStake(),
                staking.entryPeriod(),
                staking.exitDelay(),
                escrow.withdrawalDelay(),
                rewards.maxRewardPerL1Slot()
            )
        );
        bytes32 governing = keccak256(
            abi.encode(
                _timelock.delay(),
                _timelock.grace(),
                _timelock.votes(),
                _votes.votingRound(),
                _votes.votingQuorum(),
                _votes.pushPeriod(),
                _votes.rollup()
            )
        );
        bytes32 code = keccak256(
            abi.encode(
                address(rollup).codehash,
                address(staking).codehash,
                address(escrow).codehash,
                address(rewards).codehash,
                address(bridge).codehash,
                address(verifier).codehash,
                address(scoring).codehash
            )
        );
        return keccak256(abi.encode(money, rules, governing, code));
    }

    /// All powers of governance used at once leave money, rules, delays and code unchanged.
    /// @custom:rule N1, N2, N3, N4, N5, N6, N8
    function test_allItsPowersTogetherTouchNoMoneyRuleDelayOrCode() public {
        Action[] memory actions = new Action[](5);
        actions[0] = Action(address(rewards), abi.encodeCall(IRewards.setRates, (_newRates(6e18, 10_000))));
        actions[1] = Action(address(staking), abi.encodeCall(IStaking.setEntryFlush, (1000)));
        actions[2] = Action(address(_guardian), abi.encodeCall(IGuardian.setGuardian, (payee)));
        actions[3] =
            Action(address(_registry), abi.encodeCall(IRegistry.addVersion, (address(verifier), address(verifier))));
        vm.prank(_keeper);
        _guardian.pause();
        _warp(L1Slot.unwrap(rollup.pausedUntil()));
        _toRound();
        actions[4] = Action(address(_guardian), abi.encodeCall(IGuardian.approve, ()));
        MutablePayload payload = _decide(actions);
        bytes32 before = _untouchable();
        _timelock.execute(address(payload), actions);
        assertEq(_untouchable(), before);
        assertEq(_guardian.approvals(), 1);
        assertEq(_guardian.guardian(), payee);
    }

    /// @dev Calls that governance might try, each with the error that stops it.
    function _attempts() private view returns (Action[] memory actions, bytes4[] memory errors) {
        SequencerId id = SequencerId.wrap(1);
        BlockPay memory pay;
        actions = new Action[](21);
        errors = new bytes4[](21);
        // Stakes.
        actions[0] = Action(address(staking), abi.encodeCall(IStaking.slash, (id, 1e18)));
        errors[0] = IStaking.NotRollup.selector;
        actions[1] = Action(address(staking), abi.encodeCall(IStaking.initiateExit, (id)));
        errors[1] = IStaking.NotOwner.selector;
        actions[2] = Action(address(staking), abi.encodeCall(IStaking.withdraw, (id)));
        errors[2] = IStaking.WrongStatus.selector;
        actions[3] = Action(address(staking), abi.encodeCall(IStaking.setWithdrawer, (id, address(_timelock))));
        errors[3] = IStaking.NotWithdrawer.selector;
        actions[4] = Action(address(staking), abi.encodeCall(IStaking.rotateAttester, (id, address(_timelock))));
        errors[4] = IStaking.NotOwner.selector;
        actions[5] = Action(address(staking), abi.encodeCall(IStaking.setFeeRecipient, (id, 1)));
        errors[5] = IStaking.NotOwner.selector;
        actions[6] = Action(address(staking), abi.encodeCall(IStaking.setEntryFlush, (1001)));
        errors[6] = IStaking.EntryFlushOutOfRange.selector;
        actions[7] = Action(address(staking), abi.encodeCall(IStaking.setEntryFlush, (0)));
        errors[7] = IStaking.EntryFlushOutOfRange.selector;
        // Bonds.
        actions[8] = Action(address(escrow), abi.encodeCall(IEscrow.lock, (prover, 1e18)));
        errors[8] = IEscrow.NotRollup.selector;
        actions[9] = Action(address(escrow), abi.encodeCall(IEscrow.release, (prover, 1e18)));
        errors[9] = IEscrow.NotRollup.selector;
        actions[10] = Action(address(escrow), abi.encodeCall(IEscrow.slash, (prover, 1e18, address(_timelock), 1e18)));
        errors[10] = IEscrow.NotRollup.selector;
        // Rewards.
        actions[11] = Action(address(rewards), abi.encodeCall(IRewards.settleBlock, (pay)));
        errors[11] = IRewards.NotRollup.selector;
        actions[12] = Action(address(rewards), abi.encodeCall(IRewards.claim, (address(_timelock))));
        errors[12] = IRewards.NothingOwed.selector;
        actions[13] = Action(address(rewards), abi.encodeCall(IRewards.setRates, (_newRates(MAX_REWARD + 1, 0))));
        errors[13] = IRewards.RewardTooHigh.selector;
        actions[14] = Action(address(rewards), abi.encodeCall(IRewards.setRates, (_newRates(0, 10_001))));
        errors[14] = IRewards.PromptnessTooHigh.selector;
        // The rollup.
        actions[15] = Action(address(rollup), abi.encodeCall(IRollup.pause, ()));
        errors[15] = IRollup.NotGuardian.selector;
        actions[16] = Action(address(_guardian), abi.encodeCall(IGuardian.pause, ()));
        errors[16] = IGuardian.NotGuardian.selector;
        actions[17] = Action(address(_guardian), abi.encodeCall(IGuardian.approve, ()));
        errors[17] = IGuardian.AlreadyApproved.selector;
        // Governance itself.
        actions[18] = Action(address(_votes), abi.encodeCall(IVotes.signal, (Slot.wrap(1), payee)));
        errors[18] = IVotes.NotRollup.selector;
        actions[19] = Action(address(_votes), abi.encodeCall(IVotes.push, (0, payee)));
        errors[19] = IVotes.NoQuorum.selector;
        // Tokens that others hold.
        actions[20] =
            Action(address(token), abi.encodeCall(IERC20.transferFrom, (address(staking), address(_timelock), 1)));
        errors[20] = bytes4(keccak256("ERC20InsufficientAllowance(address,uint256,uint256)"));
    }

    /// Each of them is refused by the contract itself, so no payload can do it.
    /// @custom:rule N1, N2, N3, N4, N5, N6, N7, N8
    function test_whatGovernanceCantDo() public {
        bytes32 before = _untouchable();
        (Action[] memory actions, bytes4[] memory errors) = _attempts();
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.prank(address(_timelock));
            (bool success, bytes memory reason) = actions[i].target.call(actions[i].data);
            assertFalse(success, vm.toString(i));
            // Cast: the error's selector.
            assertEq(bytes32(bytes4(reason)), bytes32(errors[i]), vm.toString(i));
        }
        assertEq(_untouchable(), before);
    }

    /// The same calls through a payload: it fails as a whole.
    /// @custom:rule U11
    function test_aPayloadThatTriesFailsAsAWhole() public {
        (Action[] memory attempts,) = _attempts();
        Action[] memory actions = new Action[](2);
        actions[0] = Action(address(staking), abi.encodeCall(IStaking.setEntryFlush, (7)));
        actions[1] = attempts[0];
        MutablePayload payload = _decide(actions);
        vm.expectPartialRevert(ITimelock.ActionFailed.selector);
        _timelock.execute(address(payload), actions);
        assertEq(uint256(_timelock.queued(address(payload)).status), uint256(PayloadStatus.Ready));
        _warp(_now() + GRACE);
        assertEq(uint256(_timelock.queued(address(payload)).status), uint256(PayloadStatus.Expired));
    }

    /// A delay starts with the queueing of its payload, whatever other payloads do in the meantime.
    /// @custom:rule N8
    function test_nothingShortensADelay() public {
        MutablePayload first = _decide(single(address(staking), abi.encodeCall(IStaking.setEntryFlush, (7))));
        _toRound();
        MutablePayload second = _payload(single(address(staking), abi.encodeCall(IStaking.setEntryFlush, (8))));
        uint64 round = _round();
        for (uint256 i = 0; i < QUORUM; ++i) {
            _block(address(second));
        }
        _votes.push(round, address(second));
        uint256 queuedAt = _now();
        _timelock.execute(address(first), first.actions());
        Action[] memory actions = second.actions();
        _warp(queuedAt + DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITimelock.WrongStatus.selector, address(second), PayloadStatus.Ready, PayloadStatus.Waiting
            )
        );
        _timelock.execute(address(second), actions);
        _warp(queuedAt + DELAY);
        _timelock.execute(address(second), actions);
    }

    /// @dev Several approvals were decided before the first pause, and governance is its own guardian. There is still
    /// enough time for blocks between two pauses.
    /// @custom:rule N7, G5, U15
    function test_approvalsDecidedBeforehandMakeNoLongerPause() public {
        bytes memory pause = abi.encodeCall(IGuardian.pause, ());
        Action[] memory first = new Action[](2);
        first[0] = Action(address(_guardian), abi.encodeCall(IGuardian.setGuardian, (address(_timelock))));
        first[1] = Action(address(_guardian), pause);
        MutablePayload one = _decide(first);
        _toRound();
        Action[] memory second = new Action[](2);
        second[0] = Action(address(_guardian), abi.encodeCall(IGuardian.approve, ()));
        second[1] = Action(address(_guardian), pause);
        MutablePayload two = _decide(second);

        _timelock.execute(address(one), first);
        assertEq(_guardian.guardian(), address(_timelock));
        assertEq(_guardian.approvals(), 0);
        uint64 until = L1Slot.unwrap(rollup.pausedUntil());
        uint64 from = L1Slot.unwrap(rollup.pausableFrom());
        assertEq(from - until, 50);
        uint64[2] memory early = [until, from - 1];
        for (uint256 i = 0; i < 2; ++i) {
            _warp(early[i]);
            bytes memory reason = abi.encodeWithSelector(IRollup.PausedRecently.selector, from, early[i]);
            vm.expectRevert(abi.encodeWithSelector(ITimelock.ActionFailed.selector, 1, address(_guardian), reason));
            _timelock.execute(address(two), second);
        }
        _warp(from);
        _timelock.execute(address(two), second);
        assertEq(L1Slot.unwrap(rollup.pausedUntil()), from + 50);
    }
}
