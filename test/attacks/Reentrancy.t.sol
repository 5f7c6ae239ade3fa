// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Reader} from "../../contracts/Reader.sol";
import {Contracts, Rollup} from "../../contracts/Rollup.sol";
import {Guardian} from "../../contracts/governance/Guardian.sol";
import {Registry} from "../../contracts/governance/Registry.sol";
import {Timelock} from "../../contracts/governance/Timelock.sol";
import {Votes} from "../../contracts/governance/Votes.sol";
import {IBridge, Lane, WithdrawalProof} from "../../contracts/interfaces/IBridge.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IGuardian} from "../../contracts/interfaces/IGuardian.sol";
import {Action} from "../../contracts/interfaces/IPayload.sol";
import {IRandomness} from "../../contracts/interfaces/IRandomness.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {BlockPay, IRewards, Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {ITimelock} from "../../contracts/interfaces/ITimelock.sol";
import {IVotes} from "../../contracts/interfaces/IVotes.sol";
import {Tokens} from "../../contracts/libraries/Tokens.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {ScalarField} from "../../contracts/verifier/ScalarField.sol";
import {Line, Lines} from "../support/Curve.sol";
import {Fixture} from "../support/Fixture.sol";
import {CallsBack, HostileCallee, HostileToken, HostileView} from "../support/Hostile.sol";
import {MutablePayload, Target, single} from "../support/Payloads.sol";
import {TestToken} from "../support/TestToken.sol";
import {VerifierDouble} from "../support/VerifierDouble.sol";

/// @notice A call of an entry point, with everything that it needs to succeed in the right state.
struct Entry {
    string name;
    address sender;
    address to;
    bytes data;
}

/// @title Every entry point, called from within every call that the contracts make to the outside
/// @notice An outer call makes the contracts call out: to the token, to votes, to a payload's target, to a verifier, a
/// scoring, a signer's or a payload's code. From there each entry point of each contract is called, by the account that
/// may call it. Either it is refused, and all is as if it had not been tried. Or it succeeds, and all is as if it had
/// come just before or just after the outer call. Or the outer call fails as a whole, because the token's balance is
/// not what it must be.
/// @custom:rule E7, O1, F2, C2, P2, U9, U11, M1
contract ReentrancyAttacks is Fixture {
    using Lines for Line;

    uint256 private constant ELEMENT = 5;
    uint64 private constant WITHDRAWN = 3;
    address private constant TARGET = address(0xc1);
    address private constant OWNER = address(0x0e);
    address private constant KEEPER = address(0x4ee9e4);

    HostileToken private hostile;
    Votes private ballots;
    Timelock private delayed;
    Guardian private pauser;
    Registry private registry;
    MutablePayload private pushable;
    MutablePayload private ready;
    Target private target;
    HostileCallee private targetOfReady;
    /// @dev An account with code, both a prover and an attester.
    HostileView private wallet;
    HostileView private unread;
    bool private votesAreReplaced;

    /// @dev The withdrawal of the first block.
    WithdrawalProof private _withdrawal;
    bytes32 private _blobOfFirst;
    address private leaver = makeAddr("leaver");
    address private walletOwner = makeAddr("walletOwner");
    address private queuer = makeAddr("queuer");
    address private newcomer = makeAddr("newcomer");
    address[] private accounts;

    // The slot that a test plays.
    Header private best;
    Header private second;
    uint256 private bestIndex;
    uint256 private secondIndex;
    /// @dev Sequencer that abandoned the first block's slot.
    uint256 private penalized;

    error NotRefused(string outer, string entry, bytes reply);
    error RefusedWithoutError(string outer, string entry);
    error NotHarmless(string outer, string entry);
    error OuterFailed(string outer, string entry, bytes reply);

    // ---- set-up ---------------------------------------------------------------------------------------------------

    function setUp() public override {
        super.setUp();
        hostile = new HostileToken();
        token = TestToken(address(hostile));
        _warp(DEPLOYED_AT);
        _deploy(IERC20(address(hostile)), _parameters());
        for (uint256 i = 0; i < 4; ++i) {
            _register(owners[i], attesters[i]);
        }
        _register(leaver, leaver);
        wallet = new HostileView();
        wallet.answer(abi.encode(IERC1271.isValidSignature.selector));
        _register(walletOwner, address(wallet));
        _fundEscrow(prover, 1000e18);
        _fundEscrow(rescuer, 1000e18);
        _fundEscrow(address(wallet), 1000e18);
        vm.prank(rescuer);
        escrow.requestWithdrawal(10e18);
        hostile.mint(address(this), 1e30);
        hostile.approve(address(rewards), type(uint256).max);
        hostile.approve(address(escrow), type(uint256).max);
        hostile.approve(address(staking), type(uint256).max);
        hostile.approve(address(bridge), type(uint256).max);
        hostile.mint(newcomer, 1e30);
        vm.prank(newcomer);
        hostile.approve(address(staking), type(uint256).max);
        rewards.fund(4e18);
        vm.prank(leaver);
        staking.initiateExit(_id(4));
        _setUpGovernance();
        _setUpBridge();
        _warp(_now() + ESCROW_DELAY);
        _warp(_view().start + IDLE);
        _firstBlock();
        accounts =
            [prover, rescuer, payee, relay, TARGET, OWNER, leaver, walletOwner, newcomer, address(wallet), BURNED];
        for (uint256 i = 0; i < 4; ++i) {
            accounts.push(owners[i]);
        }
        accounts.push(address(staking));
        accounts.push(address(escrow));
        accounts.push(address(rewards));
        accounts.push(address(bridge));
        accounts.push(address(this));
    }

    /// @dev With real governance, which knows the rollup's address before it exists.
    function _deploy(IERC20 token_, Parameters memory parameters, Rates memory rates) internal override {
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 10);
        address votesAt = vm.computeCreateAddress(address(this), nonce + 1);
        delayed = new Timelock(votesAt, 5, 10_000, GENESIS_TIME, SLOT_SECONDS);
        ballots = new Votes(predicted, address(delayed), 10, 6, 10_000, GENESIS_TIME, SLOT_SECONDS);
        pauser = new Guardian(predicted, address(delayed), KEEPER);
        (timelock, governance, guardian) = (address(delayed), address(delayed), address(pauser));
        _deployAround(token_, rates, predicted);
        Contracts memory contracts = _contracts();
        contracts.votes = IVotes(address(ballots));
        rollup = new Rollup(parameters, contracts, GENESIS_TIME, SLOT_SECONDS, L1Slot.wrap(_now()));
        reader = new Reader(rollup);
        registry = new Registry(address(rollup), address(delayed), GENESIS_TIME, SLOT_SECONDS);
    }

    function _setUpGovernance() private {
        target = new Target();
        targetOfReady = new HostileCallee();
        pushable = new MutablePayload();
        pushable.set(single(address(target), abi.encodeCall(Target.set, (7))));
        ready = new MutablePayload();
        ready.set(_readyActions());
        unread = new HostileView();
        unread.answer(abi.encode(single(address(target), abi.encodeCall(Target.set, (8)))));
        for (uint64 i = 0; i < 6; ++i) {
            vm.startPrank(address(rollup));
            ballots.signal(Slot.wrap(i), address(unread));
            ballots.signal(Slot.wrap(i), address(ready));
            ballots.signal(Slot.wrap(i), address(pushable));
            vm.stopPrank();
        }
        ballots.push(0, address(ready));
    }

    function _readyActions() private view returns (Action[] memory) {
        return single(address(targetOfReady), "any call");
    }

    function _setUpBridge() private {
        bytes32 withdrawal = bytes32((uint256(2) << 160) | (uint256(WITHDRAWN) << 64) | 3);
        bytes32 to = bytes32((uint256(4) << 160) | uint160(TARGET));
        Line memory line = Lines.through(
            ScalarField.pointOfElement(ELEMENT),
            uint256(withdrawal),
            ScalarField.pointOfElement(ELEMENT + 1),
            uint256(to)
        );
        _blobOfFirst = line.versionedHash();
        _withdrawal.element = ELEMENT;
        _withdrawal.withdrawal = withdrawal;
        _withdrawal.target = to;
        _withdrawal.commitment = line.commitment();
        _withdrawal.withdrawalOpening = line.opening();
        _withdrawal.targetOpening = line.opening();
        bridge.deposit(OWNER, KEY_X, KEY_Y, 10);
    }

    /// @dev A block with a withdrawal, which consumes the deposit. One of its candidates abandons, so that one stake is
    /// not whole. New rates follow from the next slot on.
    function _firstBlock() private {
        _two();
        _warp(_view().start + 4 + 3);
        _commit(secondIndex, second);
        _reveal(second);
        vm.prank(governance);
        rewards.setRates(_otherRates(2));
        _finalize(relay, second, payee);
        _withdrawal.header = second;
        penalized = bestIndex;
        _warp(_view().start);
    }

    function _otherRates(uint16 factor) private pure returns (Rates memory rates) {
        rates = _rates();
        rates.rewardPerL1Slot = factor * PER_L1_SLOT;
    }

    // ---- states ---------------------------------------------------------------------------------------------------

    /// @dev The first two of the fixture's sequencers propose blocks that vote.
    function _two() private {
        uint256[] memory ranked = _ranked();
        (bestIndex, secondIndex) = (ranked[0], ranked[1]);
        best = _voting(bestIndex);
        second = _voting(secondIndex);
        _warp(_view().start + 1);
        _proposeHash(bestIndex, _hash(best));
        _proposeHash(secondIndex, _hash(second));
    }

    function _voting(uint256 i) private view returns (Header memory header) {
        header = _headerOf(i);
        header.blobHashes[0] = _blobOfFirst;
        header.vote = address(pushable);
    }

    /// @dev The best candidate abandoned, and the second one revealed `ago` L1 slots ago. New rates follow.
    function _revealedAgo(uint256 ago) private {
        _two();
        _warp(_view().start + 4 + 3);
        _commit(secondIndex, second);
        _reveal(second);
        vm.prank(governance);
        rewards.setRates(_otherRates(3));
        _warp(_now() + ago);
        _queueOne();
    }

    /// @dev Somebody waits in the queue of entries.
    function _queueOne() private {
        _register(queuer, queuer);
    }

    // ---- calls ----------------------------------------------------------------------------------------------------

    /// @dev Every function that changes state, of every contract.
    function _entries() private returns (Entry[] memory entries) {
        entries = new Entry[](48);
        uint256 count = _entriesOfRollup(entries, 0);
        count = _entriesOfStaking(entries, count);
        count = _entriesOfMoney(entries, count);
        count = _entriesOfGovernance(entries, count);
        // Memory-safe: the array only becomes shorter.
        assembly ("memory-safe") {
            mstore(entries, count)
        }
    }

    function _entriesOfRollup(Entry[] memory entries, uint256 count) private returns (uint256) {
        address to = address(rollup);
        Slot slot = _slot();
        Header memory other = _header(1, "other");
        bytes memory proof = _view().seedAt + 1 < _now() ? _seedProof(_view().seedAt) : bytes("");
        entries[count++] = Entry(
            "propose", attesters[3], to, abi.encodeCall(IRollup.propose, (slot, _id(3), keccak256("x"), proof, ""))
        );
        Quote memory quote = _quote(secondIndex, _hash(second));
        bytes memory signature = _sign(attesterKeys[secondIndex], quote);
        entries[count++] = Entry("commit", prover, to, abi.encodeCall(IRollup.commit, (quote, "", signature)));
        entries[count++] = Entry("reveal", relay, to, abi.encodeCall(IRollup.reveal, (second)));
        entries[count++] =
            Entry("finalize", relay, to, abi.encodeCall(IRollup.finalize, (second, rescuer, _proof(second, rescuer))));
        entries[count++] = Entry(
            "finalizeBackup",
            relay,
            to,
            abi.encodeCall(IRollup.finalizeBackup, (second, rescuer, _proof(second, rescuer)))
        );
        entries[count++] = Entry(
            "finalizeBackup of another",
            relay,
            to,
            abi.encodeCall(IRollup.finalizeBackup, (other, rescuer, _proof(other, rescuer)))
        );
        entries[count++] = Entry("settle", relay, to, abi.encodeCall(IRollup.settle, ()));
        entries[count++] = Entry("sync", relay, to, abi.encodeCall(IRollup.sync, ()));
        entries[count++] = Entry("pause", guardian, to, abi.encodeCall(IRollup.pause, ()));
        return count;
    }

    function _entriesOfStaking(Entry[] memory entries, uint256 count) private view returns (uint256) {
        address to = address(staking);
        SequencerId id = _id(bestIndex);
        address owner = owners[bestIndex];
        address candidate = owners[secondIndex];
        entries[count++] =
            Entry("register", newcomer, to, abi.encodeCall(IStaking.register, (_registration(newcomer, newcomer))));
        entries[count++] = Entry("cancelEntry", queuer, to, abi.encodeCall(IStaking.cancelEntry, (_id(6))));
        entries[count++] = Entry("setEntryFlush", governance, to, abi.encodeCall(IStaking.setEntryFlush, (7)));
        entries[count++] = Entry("topUp", address(this), to, abi.encodeCall(IStaking.topUp, (_id(penalized), 1e17)));
        entries[count++] = Entry("setWithdrawer", owner, to, abi.encodeCall(IStaking.setWithdrawer, (id, relay)));
        entries[count++] = Entry("setFeeRecipient", owner, to, abi.encodeCall(IStaking.setFeeRecipient, (id, 9)));
        entries[count++] = Entry("rotateAttester", owner, to, abi.encodeCall(IStaking.rotateAttester, (id, relay)));
        entries[count++] = Entry("initiateExit", owner, to, abi.encodeCall(IStaking.initiateExit, (id)));
        entries[count++] = Entry(
            "initiateExit of the other", candidate, to, abi.encodeCall(IStaking.initiateExit, (_id(secondIndex)))
        );
        entries[count++] = Entry("withdraw a stake", leaver, to, abi.encodeCall(IStaking.withdraw, (_id(4))));
        entries[count++] = Entry("slash", relay, to, abi.encodeCall(IStaking.slash, (id, 1)));
        return count;
    }

    function _entriesOfMoney(Entry[] memory entries, uint256 count) private view returns (uint256) {
        address to = address(escrow);
        entries[count++] = Entry("deposit a bond", address(this), to, abi.encodeCall(IEscrow.deposit, (rescuer, 5)));
        entries[count++] = Entry("requestWithdrawal", prover, to, abi.encodeCall(IEscrow.requestWithdrawal, (9e18)));
        entries[count++] = Entry("withdraw a bond", rescuer, to, abi.encodeCall(IEscrow.withdraw, (rescuer)));
        entries[count++] = Entry("setSigner", prover, to, abi.encodeCall(IEscrow.setSigner, (relay)));
        entries[count++] = Entry("lock", relay, to, abi.encodeCall(IEscrow.lock, (prover, 1)));
        entries[count++] = Entry("release", relay, to, abi.encodeCall(IEscrow.release, (prover, 1)));
        entries[count++] = Entry("slash a bond", relay, to, abi.encodeCall(IEscrow.slash, (prover, 1, relay, 1)));
        to = address(rewards);
        entries[count++] = Entry("fund", address(this), to, abi.encodeCall(IRewards.fund, (3)));
        BlockPay memory pay;
        entries[count++] = Entry("settleBlock", relay, to, abi.encodeCall(IRewards.settleBlock, (pay)));
        entries[count++] = Entry("setRates", governance, to, abi.encodeCall(IRewards.setRates, (_otherRates(5))));
        entries[count++] = Entry("claim rewards", payee, to, abi.encodeCall(IRewards.claim, (payee)));
        entries[count++] = Entry("claim other rewards", relay, to, abi.encodeCall(IRewards.claim, (relay)));
        to = address(bridge);
        entries[count++] =
            Entry("deposit", address(this), to, abi.encodeCall(IBridge.deposit, (OWNER, KEY_X, KEY_Y, 2)));
        entries[count++] = Entry("forceExit", OWNER, to, abi.encodeCall(IBridge.forceExit, (1, OWNER)));
        entries[count++] = Entry("claim", relay, to, abi.encodeCall(IBridge.claim, (_withdrawal)));
        return count;
    }

    function _entriesOfGovernance(Entry[] memory entries, uint256 count) private returns (uint256) {
        uint64 known = _now() - 2;
        entries[count++] = Entry(
            "prove",
            relay,
            address(randomness),
            abi.encodeCall(IRandomness.prove, (L1Slot.wrap(known), _shortSeedProof(known)))
        );
        address to = address(ballots);
        entries[count++] = Entry("signal", relay, to, abi.encodeCall(IVotes.signal, (_slot(), address(pushable))));
        entries[count++] = Entry("push", relay, to, abi.encodeCall(IVotes.push, (0, address(pushable))));
        to = address(delayed);
        entries[count++] = Entry("queue", relay, to, abi.encodeCall(ITimelock.queue, (address(pushable))));
        entries[count++] =
            Entry("execute", relay, to, abi.encodeCall(ITimelock.execute, (address(ready), _readyActions())));
        to = address(pauser);
        entries[count++] = Entry("pause by the guardian", KEEPER, to, abi.encodeCall(IGuardian.pause, ()));
        entries[count++] = Entry("approve", governance, to, abi.encodeCall(IGuardian.approve, ()));
        entries[count++] = Entry("setGuardian", governance, to, abi.encodeCall(IGuardian.setGuardian, (relay)));
        entries[count++] = Entry(
            "addVersion",
            governance,
            address(registry),
            abi.encodeCall(IRegistry.addVersion, (address(bridge), address(delayed)))
        );
        return count;
    }

    /// @dev Makes a call in a transaction with the blobs of the slot's blocks.
    function _run(Entry memory entry) private returns (bool ok, bytes memory reply) {
        bytes32[] memory blobs = new bytes32[](2);
        blobs[0] = _blobOfFirst;
        blobs[1] = _blob("other", 0);
        vm.blobhashes(blobs);
        vm.prank(entry.sender);
        return entry.to.call(entry.data);
    }

    // ---- comparison -----------------------------------------------------------------------------------------------

    /// @dev Everything that the contracts say.
    function _state() private view returns (bytes32) {
        bytes memory all = abi.encode(
            reader.overview(),
            reader.sequencers(_id(0), 20),
            rollup.pausableFrom(),
            staking.nextActivation(),
            bridge.supply(),
            bridge.count(Lane.Deposits),
            bridge.count(Lane.Exits)
        );
        for (uint256 i = 0; i < accounts.length; ++i) {
            (address signer, L1Slot from) = escrow.pendingSigner(accounts[i]);
            all = bytes.concat(
                all,
                abi.encode(
                    reader.escrow(accounts[i]),
                    signer,
                    from,
                    rewards.owed(accounts[i]),
                    token.balanceOf(accounts[i]),
                    staking.withdrawerOf(SequencerId.wrap(uint32(i)))
                )
            );
        }
        return keccak256(bytes.concat(all, _stateOfOthers()));
    }

    function _stateOfOthers() private view returns (bytes memory) {
        uint64 slot = Slot.unwrap(_slot());
        (, uint64 exitableFrom) = bridge.account(1);
        (uint256 places, uint256 taken) = staking.entryWindowAt(staking.nextActivation());
        return bytes.concat(
            abi.encode(
                rewards.ratesOf(Slot.wrap(slot)),
                rewards.ratesOf(Slot.wrap(slot + 1)),
                rewards.ratesOf(Slot.wrap(slot + 2)),
                exitableFrom,
                bridge.chain(Lane.Deposits, bridge.count(Lane.Deposits)),
                bridge.chain(Lane.Exits, bridge.count(Lane.Exits)),
                bridge.isClaimed(_withdrawal.header.slot, 0, ELEMENT),
                places,
                taken
            ),
            abi.encode(
                randomness.mixAt(L1Slot.wrap(_now() - 2)),
                delayed.queued(address(pushable)),
                delayed.queued(address(ready)),
                delayed.queued(address(unread)),
                pauser.approvals(),
                pauser.guardian(),
                registry.count(),
                rollup.finalizedHeader(Slot.wrap(slot)),
                rollup.finalizedHeader(Slot.wrap(slot - 1))
            )
        );
    }

    /// @dev Votes, which some tests replace.
    function _stateWithVotes() private view returns (bytes32) {
        bytes memory all = abi.encode(_state());
        if (!votesAreReplaced) {
            for (uint64 round = 0; round < 3; ++round) {
                all = bytes.concat(all, abi.encode(ballots.ballot(round, address(pushable))));
            }
            all = bytes.concat(all, abi.encode(ballots.pushed(address(pushable))));
        }
        return keccak256(all);
    }

    /// @dev State after the first call and then the second one, and whether both succeeded.
    function _after(Entry memory first, Entry memory then_) private returns (bool ok, bytes32 state) {
        uint256 snapshot = vm.snapshotState();
        (ok,) = _run(first);
        bool also;
        (also,) = _run(then_);
        ok = ok && also;
        state = _stateWithVotes();
        vm.revertToStateAndDelete(snapshot);
    }

    /// @dev The outer call with each entry point in a callback of `hostile_`, which may write. Returns how many of them
    /// succeed.
    function _everyEntry(Entry memory outer, CallsBack hostile_) private returns (uint256 harmless) {
        Entry[] memory entries = _entries();
        uint256 snapshot = vm.snapshotState();
        bytes32 alone = _alone(outer);
        for (uint256 i = 0; i < entries.length; ++i) {
            vm.revertToState(snapshot);
            if (this.pair(outer, entries[i], hostile_, alone, snapshot)) ++harmless;
        }
        vm.revertToStateAndDelete(snapshot);
        assertGe(harmless, 8, outer.name);
    }

    /// @dev State after the outer call without a callback.
    function _alone(Entry memory outer) private returns (bytes32) {
        (bool ok, bytes memory reply) = _run(outer);
        if (!ok) revert OuterFailed(outer.name, "nothing", reply);
        return _stateWithVotes();
    }

    /// @notice One pair, after which the state is undefined. Returns whether the entry point succeeded in the callback.
    /// `alone` is the state after the outer call alone, and `snapshot` is the state before it.
    function pair(Entry memory outer, Entry memory entry, CallsBack hostile_, bytes32 alone, uint256 snapshot)
        external
        returns (bool)
    {
        hostile_.prepare(entry.sender, entry.to, entry.data);
        (bool ok, bytes memory reply) = _run(outer);
        if (!ok) {
            // The outer call found another balance than it must be, and nothing happened.
            bytes4 selector = bytes4(reply);
            if (selector == Tokens.WrongAmountReceived.selector || selector == Tokens.TransferFailed.selector) {
                return false;
            }
            revert OuterFailed(outer.name, entry.name, reply);
        }
        assertTrue(hostile_.done(), string.concat("no callback from ", outer.name));
        bytes32 state = _stateWithVotes();
        reply = hostile_.reply();
        if (!hostile_.succeeded()) {
            if (reply.length < 4) revert RefusedWithoutError(outer.name, entry.name);
            _checkGuard(outer, entry, reply);
            if (state != alone) revert NotHarmless(outer.name, entry.name);
            return false;
        }
        if (_isGuarded(outer, entry)) revert NotRefused(outer.name, entry.name, reply);
        vm.revertToState(snapshot);
        (bool possible, bytes32 expected) = _after(outer, entry);
        if (possible && expected == state) return true;
        (possible, expected) = _after(entry, outer);
        if (possible && expected == state) return true;
        revert NotHarmless(outer.name, entry.name);
    }

    /// @dev Whether both calls are of the same contract, which has a guard.
    function _isGuarded(Entry memory outer, Entry memory entry) private view returns (bool) {
        return entry.to == outer.to && (outer.to == address(rollup) || outer.to == address(delayed));
    }

    /// @dev A contract with a guard refuses with the guard's error whatever reaches it from within.
    function _checkGuard(Entry memory outer, Entry memory entry, bytes memory reply) private view {
        if (!_isGuarded(outer, entry)) return;
        if (bytes4(reply) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector) return;
        revert NotRefused(outer.name, entry.name, reply);
    }

    /// @dev The outer call with each entry point in a static call to `hostile_`: no entry point succeeds there.
    function _everyEntryInView(Entry memory outer, HostileView hostile_) private {
        vm.pauseGasMetering();
        Entry[] memory entries = _entries();
        uint256 snapshot = vm.snapshotState();
        bytes32 alone = _alone(outer);
        for (uint256 i = 0; i < entries.length; ++i) {
            vm.revertToState(snapshot);
            this.pairInView(outer, entries[i], hostile_, alone);
        }
        // The hostile does call, and would be noticed: a view succeeds, and then it gives no answer.
        vm.revertToState(snapshot);
        hostile_.prepare(relay, address(rollup), abi.encodeCall(IRollup.tip, ()));
        (bool also,) = _run(outer);
        assertFalse(also, outer.name);
        vm.revertToStateAndDelete(snapshot);
    }

    /// @notice One pair with a static call.
    function pairInView(Entry memory outer, Entry memory entry, HostileView hostile_, bytes32 alone) external {
        hostile_.prepare(entry.sender, entry.to, entry.data);
        (bool ok, bytes memory reply) = _run(outer);
        if (!ok) revert OuterFailed(outer.name, entry.name, reply);
        if (_stateWithVotes() != alone) revert NotHarmless(outer.name, entry.name);
    }

    function _find(string memory name) private returns (Entry memory) {
        Entry[] memory entries = _entries();
        for (uint256 i = 0; i < entries.length; ++i) {
            if (keccak256(bytes(entries[i].name)) == keccak256(bytes(name))) return entries[i];
        }
        revert(name);
    }

    // ---- the token ------------------------------------------------------------------------------------------------

    /// @dev The function of this name, with a callback before and after the balances change.
    function _fromTheToken(string memory name) private {
        vm.pauseGasMetering();
        Entry memory outer = _find(name);
        for (uint256 i = 0; i < 2; ++i) {
            hostile.callAfter(i == 1);
            _everyEntry(outer, hostile);
        }
    }

    function test_attack_fromTheTokenWhenAStakeIsPulled() public {
        _revealedAgo(0);
        _fromTheToken("register");
    }

    function test_attack_fromTheTokenWhenATopUpIsPulled() public {
        _revealedAgo(0);
        _fromTheToken("topUp");
    }

    function test_attack_fromTheTokenWhenABondIsPulled() public {
        _revealedAgo(0);
        _fromTheToken("deposit a bond");
    }

    function test_attack_fromTheTokenWhenRewardsArePulled() public {
        _revealedAgo(0);
        _fromTheToken("fund");
    }

    function test_attack_fromTheTokenWhenADepositIsPulled() public {
        _revealedAgo(0);
        _fromTheToken("deposit");
    }

    function test_attack_fromTheTokenWhenACancelledEntryIsPaid() public {
        _revealedAgo(0);
        _fromTheToken("cancelEntry");
    }

    function test_attack_fromTheTokenWhenAStakeIsPaid() public {
        _revealedAgo(0);
        _fromTheToken("withdraw a stake");
    }

    function test_attack_fromTheTokenWhenABondIsPaid() public {
        _revealedAgo(0);
        _fromTheToken("withdraw a bond");
    }

    function test_attack_fromTheTokenWhenRewardsArePaid() public {
        _revealedAgo(0);
        _fromTheToken("claim rewards");
    }

    function test_attack_fromTheTokenWhenAWithdrawalIsPaid() public {
        _revealedAgo(0);
        _fromTheToken("claim");
    }

    function test_attack_fromTheTokenWhenAStakeIsBurnedWithABlock() public {
        _revealedAgo(0);
        _fromTheToken("finalize");
    }

    function test_attack_fromTheTokenWhenAPartOfABondIsBurned() public {
        _revealedAgo(41);
        _phaseIs(Phase.OpenProving);
        _fromTheToken("finalize");
    }

    function test_attack_fromTheTokenWhenABondIsBurnedInBackup() public {
        _revealedAgo(62);
        _phaseIs(Phase.Backup);
        _fromTheToken("finalizeBackup");
    }

    function test_attack_fromTheTokenWhenABondIsBurnedForAnotherBlock() public {
        _revealedAgo(62);
        _phaseIs(Phase.Backup);
        _fromTheToken("finalizeBackup of another");
    }

    function test_attack_fromTheTokenWhenAProposalSettles() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("propose");
    }

    function test_attack_fromTheTokenWhenASlotIsSettled() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("settle");
    }

    function test_attack_fromTheTokenWhenASlotIsSynced() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("sync");
    }

    function test_attack_fromTheTokenWhenAPauseSettles() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("pause");
    }

    function test_attack_fromTheTokenWhenTheGuardianPauses() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("pause by the guardian");
    }

    function test_attack_fromTheTokenWhenAStakeIsPaidAfterASlot() public {
        _revealedAgo(70);
        _phaseIs(Phase.Proposal);
        _fromTheToken("withdraw a stake");
    }

    // ---- governance -----------------------------------------------------------------------------------------------

    function _fromVotes(string memory outer) private {
        vm.pauseGasMetering();
        vm.etch(address(ballots), address(new HostileCallee()).code);
        votesAreReplaced = true;
        _everyEntry(_find(outer), CallsBack(address(ballots)));
    }

    function test_attack_fromVotesForABlockInTime() public {
        _revealedAgo(0);
        _fromVotes("finalize");
    }

    function test_attack_fromVotesForALateBlock() public {
        _revealedAgo(41);
        _fromVotes("finalize");
    }

    function test_attack_fromVotesInBackup() public {
        _revealedAgo(62);
        _fromVotes("finalizeBackup");
    }

    function test_attack_fromTheActionOfAPayload() public {
        _revealedAgo(0);
        _everyEntry(_find("execute"), targetOfReady);
    }

    function test_attack_fromAPayloadThatIsRead() public {
        _revealedAgo(0);
        Entry memory outer = Entry("push", relay, address(ballots), abi.encodeCall(IVotes.push, (0, address(unread))));
        _everyEntryInView(outer, unread);
    }

    // ---- static calls of the rollup -------------------------------------------------------------------------------

    function _replace(address replaced) private returns (HostileView) {
        vm.etch(replaced, address(new HostileView()).code);
        return HostileView(replaced);
    }

    function _fromTheVerifier(string memory outer) private {
        vm.pauseGasMetering();
        // The hostile verifier accepts every proof, so the entry points come with the proofs of another one.
        HostileView hostile_ = HostileView(address(verifier));
        verifier = new VerifierDouble();
        _replace(address(hostile_));
        _everyEntryInView(_find(outer), hostile_);
    }

    function test_attack_fromTheVerifierOfABlockInTime() public {
        _revealedAgo(0);
        _fromTheVerifier("finalize");
    }

    function test_attack_fromTheVerifierInBackup() public {
        _revealedAgo(62);
        _fromTheVerifier("finalizeBackup");
    }

    function test_attack_fromTheVerifierOfAnotherBlock() public {
        _revealedAgo(62);
        _fromTheVerifier("finalizeBackup of another");
    }

    function test_attack_fromTheScoring() public {
        HostileView hostile_ = _replace(address(scoring));
        hostile_.answer(abi.encode(uint192(5)));
        (best, second) = (_voting(0), _voting(1));
        _everyEntryInView(_find("propose"), hostile_);
    }

    function test_attack_fromAProversCode() public {
        _two();
        _warp(_view().start + 4 + 3);
        Quote memory quote = _quote(secondIndex, _hash(second));
        quote.prover = address(wallet);
        bytes memory signature = _sign(attesterKeys[secondIndex], quote);
        _everyEntryInView(
            Entry("commit", relay, address(rollup), abi.encodeCall(IRollup.commit, (quote, "code", signature))), wallet
        );
    }

    function test_attack_fromAnAttestersCode() public {
        (best, second) = (_voting(0), _voting(5));
        secondIndex = 1;
        bytes memory proof = _seedProof(_view().seedAt);
        Slot slot = _slot();
        vm.prank(address(wallet));
        rollup.propose(slot, _id(5), _hash(second), proof, "");
        _warp(_view().start + 4);
        Quote memory quote = _quote(5, _hash(second));
        _everyEntryInView(
            Entry("commit", prover, address(rollup), abi.encodeCall(IRollup.commit, (quote, "", "code"))), wallet
        );
    }
}
