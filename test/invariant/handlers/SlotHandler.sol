// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccount, IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Candidate, SlotView} from "../../../contracts/interfaces/IReader.sol";
import {IRewards, Rates} from "../../../contracts/interfaces/IRewards.sol";
import {Header, IRollup, Parameters, Phase, Quote} from "../../../contracts/interfaces/IRollup.sol";
import {Status} from "../../../contracts/interfaces/IStaking.sol";
import {SequencerId} from "../../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {Fixture} from "../../support/Fixture.sol";
import {Pay, PayFacts} from "../../support/Pay.sol";
import {CandidateTimes, NEVER, Reference} from "../../support/Reference.sol";
import {Vm} from "forge-std/Vm.sol";

/// @title Actors that run slots at random, and the invariants that must hold
/// @notice `step` makes one action. The `check…` functions compare the contracts with ghost variables and with a
/// reference model.
contract SlotHandler is Fixture {
    address internal constant PAYLOAD = address(0xbeef);
    /// @dev A cursor counts the time without a block up to this number of L1 slots.
    uint256 private constant LONGEST = 65_535;
    /// @dev Named keys that the provers use, from 1.
    uint256 private constant NAMED_KEYS = 3;

    error Broken(string what, uint256 expected, uint256 actual);

    /// @dev What the end of a slot slashes.
    struct Slash {
        uint256 amount;
        address beneficiary;
        uint256 share;
    }

    /// @dev The named keys of an account.
    struct Named {
        address current;
        address next;
        uint256 from;
    }

    /// @dev A block at its end.
    struct End {
        Header header;
        address payee;
        address submitter;
        Phase phase;
    }

    // ---- ghosts ---------------------------------------------------------------------------------------------------

    /// @dev Bonds by prover and by slot: the sum that commitments locked less the sum that ended, from events.
    mapping(address => uint256) private _locked;
    mapping(uint64 => uint256) private _openBonds;
    uint64[] private _slotsWithBonds;
    /// @dev Penalties by sequencer index, and everything that was burned.
    mapping(uint256 => uint256) private _penalties;
    /// @dev Amounts added to stakes, by sequencer index.
    mapping(uint256 => uint256) internal _toppedUp;
    /// @dev Secret keys by attester.
    mapping(address => uint256) internal _keys;
    uint256 private _burned;
    /// @dev Credited rewards less claimed ones, from events.
    uint256 private _credited;
    /// @dev Finalized headers, in order.
    bytes32[] private _chain;
    mapping(uint64 => uint256) private _blocksOf;
    /// @dev Number of finalized blocks that do not build on the previous one.
    uint256 private _orphans;
    /// @dev All accounts that may have tokens.
    address[] private _people;
    /// @dev All offered scores of the slot in turn, listed or not.
    uint192[] private _offered;
    /// @dev Headers of the candidates, by hash.
    mapping(bytes32 => Header) private _headers;
    /// @dev Numbers of finalized blocks with a vote, revealed and not revealed.
    uint256 private _votes;
    uint256 private _strangersVotes;
    uint256 internal _salt;
    bytes private _badRevert;
    /// @dev The `BlockPaid` event that the model expects; empty if it expects none.
    bytes private _expectedPay;
    uint256 private _wrongPays;
    /// @dev By slot, what the model expects to be slashed. From events, what the escrow slashed since a slot ended
    /// last.
    mapping(uint64 => Slash) private _expectedSlashes;
    Slash private _slashed;
    uint256 private _wrongSlashes;
    /// @dev Commitments that the model refuses, and refused ones that it allows.
    uint256 private _wrongCommits;

    /// @notice How often each ending was reached.
    uint256 public finalized;
    uint256 public rescued;
    uint256 public backedUp;
    uint256 public expired;
    uint256 public paused;
    /// @notice How often a block was paid for a stall, a bond drew on what was requested back, a price was out of its
    /// range, a named key bound a quote, and a part of a bond was slashed.
    uint256 public stalls;
    uint256 public draws;
    uint256 public refusedPrices;
    uint256 public namedQuotes;
    uint256 public lateProofs;
    /// @notice How often another block than the revealed one became final in backup.
    uint256 public replaced;

    // ---- model ----------------------------------------------------------------------------------------------------

    uint64 internal _modelSlot;
    uint256 private _modelStart;
    uint256 internal _modelPreviousStart;
    CandidateTimes[] internal _modelCandidates;
    /// @dev Quotes of the slot by rank, and sequencers' indices by header.
    mapping(uint256 rank => Quote) private _modelQuotes;
    mapping(bytes32 => uint256) private _proposers;
    /// @dev L1 slots from the start of the last block's slot to this slot's start, less those of pauses.
    uint256 private _modelSinceTip;
    mapping(address => Named) private _modelNamed;

    function setUp() public virtual override {
        super.setUp();
        // The account of the rescuer has code that refuses every call. Its key signs for it all the same.
        vm.etch(rescuer, hex"5f5ffd");
        _people = [prover, rescuer, payee, relay, BURNED, address(this)];
        _people.push(address(staking));
        _people.push(address(escrow));
        _people.push(address(rewards));
        _people.push(address(bridge));
        for (uint256 i = 0; i < 4; ++i) {
            _people.push(owners[i]);
            _keys[attesters[i]] = attesterKeys[i];
        }
        // The model also starts at the deployment. All slots until now were idle.
        _modelPreviousStart = DEPLOYED_AT;
        _modelStart = DEPLOYED_AT + 3;
        _modelSinceTip = 3;
        _catchUp();
    }

    /// @dev Rules of the model: those of the deployment, unless a bug is planted.
    function _rules() internal pure virtual returns (Parameters memory) {
        return _parameters();
    }

    // ---- actions --------------------------------------------------------------------------------------------------

    /// @notice Makes one action, usually one that the phase allows.
    function step(uint256 seed) public virtual {
        seed = uint256(keccak256(abi.encode(seed, ++_salt)));
        vm.recordLogs();
        Phase phase = _view().phase;
        uint256 choice = seed % 16;
        uint256 rest = seed >> 8;
        if (choice < 5) {
            _pass(rest);
        } else if (choice < 12) {
            if (phase == Phase.Proposal) _tryPropose(rest % 4);
            else if (phase == Phase.Commitment) _tryCommit(rest);
            else if (phase == Phase.Reveal) _tryReveal();
            else if (phase == Phase.ExclusiveProving && rest % 3 == 0) _tryFinalize(rest);
            else if (phase == Phase.ExclusiveProving && rest % 9 == 1) _warp(_now() + 62);
            else if (phase == Phase.ExclusiveProving) _warp(_now() + 10 + rest % 20);
            else if (phase == Phase.OpenProving && rest % 3 != 0) _tryFinalize(rest);
            else if (phase == Phase.Backup && rest % 3 == 0) _tryBackup(rest >> 2);
            else _pass(rest);
        } else if (choice == 12) {
            _otherAction(rest);
        } else {
            // An action outside of its phase: it may only fail with a declared error.
            if (choice == 13) _tryPropose(rest % 4);
            else if (choice == 14) _tryReveal();
            else if (rest % 2 == 0) _tryFinalize(rest >> 1);
            else _tryBackup(rest >> 1);
        }
        _catchUp();
        _recordEvents();
    }

    /// @dev Records the events since the last call.
    function _recordEvents() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _account(logs);
        _observe(logs);
    }

    /// @dev Called for every event, in order.
    function _observe(Vm.Log[] memory logs) internal virtual {}

    function _pass(uint256 seed) private {
        uint256 count = 1 + seed % 4;
        if (seed % 11 == 0) count = 20 + (seed >> 8) % 60;
        if (seed % 67 == 0) count = 200 + (seed >> 8) % 300;
        _warp(_now() + count);
    }

    function _tryPropose(uint256 i) private {
        CurrentSlot memory current = _view();
        bytes memory proof = current.phase == Phase.Waiting ? bytes("") : _seedProof(current.seedAt);
        Header memory header = _header(1, keccak256(abi.encode(++_salt)));
        if (_salt % 3 == 0) header.vote = PAYLOAD;
        _choose(header, _salt);
        address sender = staking.eligibleAttester(_id(i), L1Slot.wrap(current.previousStart));
        if (sender == address(0)) sender = attesters[i];
        uint192 score;
        if (current.phase == Phase.Proposal) {
            bytes32 seed = keccak256(abi.encode(SEED_DOMAIN, _mix(current.seedAt + 1), current.slot));
            score = scoring.score(address(rollup), Slot.wrap(current.slot), seed, _id(i), sender, "");
        }
        bool before = rollup.isCandidate(_id(i)) && current.count != 0;
        vm.prank(sender);
        try rollup.propose(Slot.wrap(current.slot), _id(i), _hash(header), proof, "") {
            _headers[_hash(header)] = header;
            _proposers[_hash(header)] = i;
            _offered.push(score);
            if (_modelCandidates.length < 3) _modelCandidates.push(CandidateTimes(NEVER, NEVER));
            _afterPropose();
        } catch (bytes memory reason) {
            _expectOwnError(reason);
            // Cast: the selector; every reason has one.
            if (bytes4(reason) == IRollup.ScoreTooLow.selector && !before) _offered.push(score);
        }
    }

    /// @dev The prover or the sequencer commits. In the second case the prover's key or a key that it named has signed.
    function _tryCommit(uint256 seed) private {
        SlotView memory slotView = reader.currentSlot();
        Candidate memory candidate = slotView.candidates[slotView.rank];
        Quote memory quote = _quote(SequencerId.unwrap(candidate.sequencer) - 1, candidate.headerHash);
        quote.prover = seed % 3 == 0 ? rescuer : prover;
        // Cast: small amounts.
        quote.bond = uint128(10e18 + seed % 10e18);
        bool binds;
        (quote.price, binds) = _price(seed >> 64);
        address attester = staking.attesterAt(candidate.sequencer, slotView.previousStart);
        bytes memory bySequencer = _sign(_keys[attester], quote);
        bytes memory byProver;
        address sender = quote.prover;
        if ((seed >> 128) % 2 == 0) {
            sender = attester;
            uint256 key;
            bool signs;
            (key, signs) = _signer(quote.prover, seed >> 136);
            binds = binds && signs;
            byProver = _sign(key, quote);
        }
        uint256 free = escrow.account(quote.prover).free;
        binds = binds && _available(quote.prover) >= quote.bond;
        _beforeCommit(quote);
        vm.prank(sender);
        try rollup.commit(quote, byProver, bySequencer) {
            if (!binds) ++_wrongCommits;
            if (free < quote.bond) ++draws;
            _locked[quote.prover] += quote.bond;
            if (_openBonds[Slot.unwrap(slotView.slot)] == 0) _slotsWithBonds.push(Slot.unwrap(slotView.slot));
            _openBonds[Slot.unwrap(slotView.slot)] += quote.bond;
            _modelCandidates[slotView.rank].committedAt = _now();
            _modelQuotes[slotView.rank] = quote;
            _afterCommit(quote, bySequencer);
        } catch (bytes memory reason) {
            if (binds) ++_wrongCommits;
            _expectOwnError(reason);
        }
    }

    /// @dev A price within its range, at one of its ends, or beyond one, and whether it is in the range.
    function _price(uint256 seed) private returns (int128, bool) {
        (int256 lowest, int256 highest) = Pay.priceRange(rewards.ratesOf(Slot.wrap(_modelSlot)), _paid());
        uint256 choice = seed % 16;
        int256 price = bound(int256(seed >> 8), lowest, highest);
        if (choice == 0) price = lowest;
        if (choice == 1) price = highest;
        if (choice == 2) price = 0;
        if (choice == 3) price = lowest - 1;
        if (choice == 4) price = highest + 1;
        bool fits = lowest <= price && price <= highest;
        if (!fits) ++refusedPrices;
        // Cast: shares of small amounts.
        return (int128(price), fits);
    }

    /// @dev The key that signs for a prover, and whether its signature binds: the prover's own key or a named one.
    function _signer(address account, uint256 seed) private returns (uint256 key, bool binds) {
        if (seed % 2 == 0) return (account == prover ? proverKey : rescuerKey, true);
        key = 1 + (seed >> 8) % NAMED_KEYS;
        // A key that binds, half of the time.
        for (uint256 i = 1; i <= NAMED_KEYS && (seed >> 16) % 2 == 0; ++i) {
            if (vm.addr(i) == _named(account)) key = i;
        }
        binds = vm.addr(key) == _named(account);
        if (binds) ++namedQuotes;
    }

    /// @dev The named key that binds an account's quotes.
    function _named(address account) private view returns (address) {
        Named memory named = _modelNamed[account];
        return _now() < named.from ? named.current : named.next;
    }

    /// @dev What a bond may take: what is free, and what was requested back and cannot be withdrawn yet.
    function _available(address account) private view returns (uint256) {
        EscrowAccount memory balances = escrow.account(account);
        bool withdrawable = L1Slot.unwrap(balances.withdrawableFrom) <= _now();
        return uint256(balances.free) + (withdrawable ? 0 : balances.withdrawing);
    }

    /// @dev L1 slots that a block of the slot in turn is paid for.
    function _paid() private view returns (uint256) {
        return Reference.paid(_rules(), _modelStart - _modelPreviousStart, _modelSinceTip);
    }

    /// @dev Header of the candidate in turn; empty if there is none.
    function _inTurn() private view returns (Header memory header) {
        SlotView memory slotView = reader.currentSlot();
        if (slotView.rank < slotView.candidates.length) {
            header = _headers[slotView.candidates[slotView.rank].headerHash];
        }
    }

    function _tryReveal() private {
        uint256 turn = _view().rank;
        Header memory header = _inTurn();
        vm.blobhashes(header.blobHashes);
        try rollup.reveal(header) {
            _modelCandidates[turn].revealedAt = _now();
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.blobhashes(new bytes32[](0));
    }

    function _tryFinalize(uint256 seed) private {
        Header memory header = _inTurn();
        if (header.chunks == 0) return;
        End memory end = End(header, seed % 2 == 0 ? rescuer : relay, seed % 5 == 0 ? relay : prover, _view().phase);
        bytes memory proof = _proof(header, end.payee);
        _beforeFinalize(end.phase);
        vm.prank(end.submitter);
        try rollup.finalize(header, end.payee, proof) {
            end.phase == Phase.ExclusiveProving ? ++finalized : ++rescued;
            if (header.vote != address(0)) ++_votes;
            _ended(end);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _tryBackup(uint256 seed) private {
        Header memory header = _inTurn();
        bool fresh = header.chunks == 0 || seed % 2 == 0;
        if (fresh) {
            header = _header(1, keccak256(abi.encode(++_salt)));
            if (seed % 7 == 0) header.vote = PAYLOAD;
            _choose(header, _salt);
        }
        bool revealed = !fresh && _modelCandidates[_view().rank].revealedAt != NEVER;
        bytes memory proof = _proof(header, relay);
        _beforeBackup(fresh);
        vm.blobhashes(header.blobHashes);
        vm.prank(relay);
        try rollup.finalizeBackup(header, relay, proof) {
            ++backedUp;
            if (header.vote != address(0)) revealed ? ++_votes : ++_strangersVotes;
            _ended(End(header, relay, relay, Phase.Backup));
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.blobhashes(new bytes32[](0));
    }

    /// @dev Actions beside the slots: escrow, rewards, settling, exits.
    function _otherAction(uint256 seed) private {
        uint256 choice = seed % 10;
        seed >>= 8;
        if (choice == 5 && seed % 31 == 0) return _exit((seed >> 8) % 4);
        if (choice == 6) return _tryPause(seed);
        if (choice == 7) return _changeRates(seed);
        address who = seed % 2 == 0 ? prover : rescuer;
        if (choice == 8) return _name(who, (seed >> 8) % (NAMED_KEYS + 1));
        // Casts: small amounts.
        if (choice == 9) return _fundEscrow(who, uint128(1 + seed % 200e18));
        uint128 amount = uint128(seed % 30e18);
        if ((seed >> 8) % 2 == 0) amount = escrow.account(who).free;
        vm.prank(who);
        if (choice == 0) {
            try escrow.requestWithdrawal(amount) {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 1) {
            try escrow.withdraw(who) {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 2) {
            try rewards.claim(payee) returns (uint256 paid) {
                _credited -= paid;
            } catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        } else if (choice == 3) {
            rollup.sync();
        } else {
            try rollup.settle() {}
            catch (bytes memory reason) {
                _expectOwnError(reason);
            }
        }
    }

    /// @dev An account names a key, or none.
    function _name(address who, uint256 key) private {
        Named storage named = _modelNamed[who];
        (named.current, named.next) = (_named(who), key == 0 ? address(0) : vm.addr(key));
        named.from = named.current == address(0) ? _now() : _now() + ESCROW_DELAY;
        vm.prank(who);
        escrow.setSigner(named.next);
        _afterNaming(who);
    }

    function _tryPause(uint256 seed) private {
        if (seed % 3 != 0) return;
        vm.prank(guardian);
        try rollup.pause() {
            ++paused;
            uint256 sinceTip = _modelSinceTip;
            _follow(_now() + 1);
            _modelPreviousStart = _now() + 50;
            _modelStart = _modelPreviousStart + 3;
            // The time from the start of the voided slot on does not count.
            _modelSinceTip = sinceTip;
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _changeRates(uint256 seed) private {
        uint256 half = (seed >> 64) % 4000;
        // Casts: small numbers.
        Rates memory rates = Rates({
            rewardPerL1Slot: uint72(seed % 0.5e18),
            sequencerBps: uint16(half),
            bonusBps: uint16(4000 - half),
            proverBps: 5000,
            submitterBps: 1000,
            promptnessBps: uint16((seed >> 96) % 10_001)
        });
        vm.prank(governance);
        rewards.setRates(rates);
    }

    function _exit(uint256 i) private {
        vm.stopPrank();
        vm.startPrank(owners[i]);
        if (staking.statusOf(_id(i)) == Status.Active) staking.initiateExit(_id(i));
        _recordEvents();
        try staking.withdraw(_id(i)) {}
        catch (bytes memory reason) {
            _expectOwnError(reason);
        }
        vm.stopPrank();
    }

    // ---- bookkeeping ----------------------------------------------------------------------------------------------

    /// @dev Every refusal has a declared error: no panic, no empty revert. The events of a reverted call are dropped.
    function _expectOwnError(bytes memory reason) internal {
        vm.getRecordedLogs();
        // Cast: the selector.
        if (reason.length < 4 || bytes4(reason) == bytes4(0x4e487b71)) _badRevert = abi.encode(reason);
    }

    /// @dev Updates the ghost variables from an event.
    function _account(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(rewards) && logs[i].topics[0] == IRewards.BlockPaid.selector) {
                _onPay(logs[i]);
            }
            if (logs[i].emitter == address(escrow) && logs[i].topics[0] == IEscrow.Slashed.selector) {
                (uint128 amount, uint128 share_) = abi.decode(logs[i].data, (uint128, uint128));
                _slashed.amount += amount;
                _slashed.share += share_;
            }
            // A pause belongs to no slot.
            if (logs[i].emitter != address(rollup) || logs[i].topics[0] == IRollup.Paused.selector) continue;
            bytes32 topic = logs[i].topics[0];
            uint64 slot = uint64(uint256(logs[i].topics[1]));
            if (topic == IRollup.BondReleased.selector) {
                uint96 released = abi.decode(logs[i].data, (uint96));
                _locked[address(uint160(uint256(logs[i].topics[2])))] -= released;
                _openBonds[slot] -= released;
            } else if (topic == IRollup.BondSlashed.selector) {
                (uint96 bond, address beneficiary, uint96 share) = abi.decode(logs[i].data, (uint96, address, uint96));
                _locked[address(uint160(uint256(logs[i].topics[2])))] -= bond;
                _burned += bond - share;
                _openBonds[slot] -= bond;
                if (beneficiary != _expectedSlashes[slot].beneficiary) ++_wrongSlashes;
            } else if (topic == IRollup.CandidateAbandoned.selector || topic == IRollup.CandidateWithheld.selector) {
                uint96 penalty = abi.decode(logs[i].data, (uint96));
                _penalties[uint256(logs[i].topics[2]) - 1] += penalty;
                _burned += penalty;
            } else if (topic == IRollup.SlotExpired.selector) {
                ++expired;
                _onEnd(slot);
            } else if (topic == IRollup.Finalized.selector || topic == IRollup.SlotVoided.selector) {
                _onEnd(slot);
            }
        }
        // The model expected a payment that did not come.
        if (_expectedPay.length != 0) ++_wrongPays;
        delete _expectedPay;
    }

    function _onPay(Vm.Log memory log) private {
        (, uint256 a, uint256 b, uint256 c) = abi.decode(log.data, (Slot, uint256, uint256, uint256));
        _credited += a + b + c;
        bytes memory paid = abi.encodePacked(log.topics[1], log.topics[2], log.topics[3], log.data);
        if (keccak256(paid) != keccak256(_expectedPay)) ++_wrongPays;
        delete _expectedPay;
    }

    /// @dev A slot ended, and what it slashed was slashed.
    function _onEnd(uint64 slot) private {
        Slash memory expected = _expectedSlashes[slot];
        if (expected.amount != _slashed.amount || expected.share != _slashed.share) ++_wrongSlashes;
        delete _slashed;
    }

    function _ended(End memory end) private {
        bytes32 parent = _chain.length == 0 ? _genesis() : _chain[_chain.length - 1];
        if (end.header.parent != parent) ++_orphans;
        _chain.push(_hash(end.header));
        ++_blocksOf[Slot.unwrap(end.header.slot)];
        _onBlock(end.header);
        _expect(end);
        _follow(_now() + 1);
        // The time counts from the start of the block's slot.
        _modelSinceTip = _modelStart - _modelPreviousStart;
        _afterBlock();
    }

    /// @dev What the model expects of a block's end: its pay, and what is slashed.
    function _expect(End memory end) private {
        Parameters memory rules = _rules();
        Reference.Answer memory answer = Reference.phase(rules, _modelStart, _modelCandidates, _now());
        bytes32 hash = _hash(end.header);
        PayFacts memory facts;
        facts.rates = rewards.ratesOf(end.header.slot);
        facts.paidL1Slots = _paid();
        facts.proving = end.phase != Phase.Backup;
        facts.turnLength = uint256(rules.commitmentPhase) + rules.revealPhase;
        facts.exclusiveProving = rules.exclusiveProving;
        if (facts.paidL1Slots > IDLE) ++stalls;
        address forProver = end.payee;
        if (answer.rank < _modelCandidates.length && _modelCandidates[answer.rank].revealedAt != NEVER) {
            Quote memory quote = _modelQuotes[answer.rank];
            uint256 revealedAt = _modelCandidates[answer.rank].revealedAt;
            facts.elected = hash == quote.headerHash;
            facts.price = quote.price;
            facts.revealDelay = revealedAt - answer.turnStart;
            facts.proofDelay = _now() - revealedAt;
            if (end.phase == Phase.ExclusiveProving) forProver = quote.payee;
            _expectedSlashes[_modelSlot] = _slash(end, facts, quote.bond);
        }
        (uint256 a, uint256 b, uint256 c) = Pay.credits(facts);
        address owner = facts.elected ? staking.ownerOf(_id(_proposers[hash])) : address(0);
        _expectedPay =
            abi.encodePacked(abi.encode(owner, forProver, end.submitter), abi.encode(end.header.slot, b, a, c));
    }

    /// @dev What of the revealed candidate's bond is slashed.
    function _slash(End memory end, PayFacts memory facts, uint256 bond) private returns (Slash memory slash) {
        Parameters memory rules = _rules();
        if (end.phase == Phase.ExclusiveProving) return slash;
        if (end.phase == Phase.OpenProving) {
            (slash.amount, slash.share) = Pay.lateBond(
                bond,
                facts.proofDelay - rules.exclusiveProving - 1,
                rules.provingPhase - rules.exclusiveProving,
                rules.rescueShareBps
            );
            slash.beneficiary = end.payee;
            if (slash.amount < bond) ++lateProofs;
            return slash;
        }
        slash.amount = bond;
        if (!facts.elected) {
            ++replaced;
            return slash;
        }
        slash.share = bond * rules.rescueShareBps / 10_000;
        slash.beneficiary = end.payee;
    }

    function _genesis() private view returns (bytes32) {
        return keccak256(abi.encode(GENESIS_DOMAIN, block.chainid, address(rollup)));
    }

    /// @dev The model's slot ended before `end`, and the next one follows.
    function _follow(uint256 end) private {
        uint256 seeded = _modelStart + 2 + 1;
        _modelPreviousStart = _modelStart;
        _modelStart = end > seeded ? end : seeded;
        _modelSinceTip += _modelStart - _modelPreviousStart;
        if (_modelSinceTip > LONGEST) _modelSinceTip = LONGEST;
        ++_modelSlot;
        delete _modelCandidates;
        delete _offered;
    }

    /// @dev The model goes through the slots that ended in the meantime, one by one.
    function _catchUp() internal {
        while (true) {
            Reference.Answer memory answer = Reference.phase(_rules(), _modelStart, _modelCandidates, _now());
            if (!answer.over) return;
            uint256 count = _modelCandidates.length;
            if (answer.rank < count && _modelCandidates[answer.rank].revealedAt != NEVER) {
                _expectedSlashes[_modelSlot].amount = _modelQuotes[answer.rank].bond;
            }
            _follow(answer.end);
        }
    }

    // ---- for handlers with more actors ----------------------------------------------------------------------------

    /// @dev Chooses what a header consumes.
    function _choose(Header memory header, uint256 seed) internal virtual {}

    /// @dev A block is final.
    function _onBlock(Header memory header) internal virtual {}

    // ---- planted bugs hook in here --------------------------------------------------------------------------------

    function _afterPropose() internal virtual {}

    function _beforeCommit(Quote memory quote) internal virtual {}

    function _afterNaming(address account) internal virtual {}

    /// @dev In `phase`, before a proof is sent.
    function _beforeFinalize(Phase phase) internal virtual {}

    /// @param another Whether it is another block than that of the candidate in turn.
    function _beforeBackup(bool another) internal virtual {}

    function _afterCommit(Quote memory quote, bytes memory signature) internal virtual {}

    function _afterBlock() internal virtual {}

    // ---- what must hold -------------------------------------------------------------------------------------------

    function _equal(string memory what, uint256 expected, uint256 actual) internal pure {
        if (expected != actual) revert Broken(what, expected, actual);
    }

    function checkReverts() external view {
        _equal("reverts with an error of its own", 0, _badRevert.length);
    }

    function checkTokens() external view {
        uint256 sum;
        for (uint256 i = 0; i < _people.length; ++i) {
            sum += token.balanceOf(_people[i]);
        }
        _equal("supply", token.totalSupply(), sum);
        uint256 stakes;
        for (uint256 i = 0; i < staking.count(); ++i) {
            stakes += _stake(i);
        }
        _equal("stakes", stakes, token.balanceOf(address(staking)));
        uint256 escrowed;
        uint256 owed;
        for (uint256 i = 0; i < _people.length; ++i) {
            EscrowAccount memory account = escrow.account(_people[i]);
            escrowed += uint256(account.free) + account.locked + account.withdrawing;
            owed += rewards.owed(_people[i]);
        }
        _equal("escrow", escrowed, token.balanceOf(address(escrow)));
        _equal("owed", owed, _credited);
        _equal("burned", _burned, token.balanceOf(BURNED));
    }

    function checkBonds() external view {
        _equal("bonds of the prover", _locked[prover], escrow.account(prover).locked);
        _equal("bonds of the rescuer", _locked[rescuer], escrow.account(rescuer).locked);
        uint256 open;
        for (uint256 i = 0; i < _slotsWithBonds.length; ++i) {
            open += _openBonds[_slotsWithBonds[i]];
            // Only the last slot with bonds may have open ones, as it may not be settled yet.
            if (i + 1 < _slotsWithBonds.length) _equal("open bonds", 0, _openBonds[_slotsWithBonds[i]]);
        }
        if (open == 0) _equal("locked", 0, escrow.account(prover).locked + escrow.account(rescuer).locked);
    }

    /// @notice A block pays what the model says, for the time that the model counts.
    function checkPays() external view {
        _equal("wrong payments", 0, _wrongPays);
        _equal("paid L1 slots", _paid(), reader.currentSlot().paidL1Slots);
    }

    /// @notice Of a bond, as much is slashed as the model says, and the rest is released.
    function checkSlashes() external view {
        _equal("wrong slashes", 0, _wrongSlashes);
    }

    /// @notice A commitment is accepted if its price is in the range, its prover agreed and has the bond, and only
    /// then.
    function checkCommits() external view {
        _equal("wrong commitments", 0, _wrongCommits);
        _equal("named key of the prover", uint160(_named(prover)), uint160(escrow.signerOf(prover)));
        _equal("named key of the rescuer", uint160(_named(rescuer)), uint160(escrow.signerOf(rescuer)));
    }

    function checkPenalties() external view {
        for (uint256 i = 0; i < 4; ++i) {
            uint256 paidIn = STAKE + _toppedUp[i];
            if (_penalties[i] > paidIn) revert Broken("penalties within the stake", paidIn, _penalties[i]);
            if (staking.statusOf(_id(i)) != Status.Exited) _equal("stake", paidIn - _penalties[i], _stake(i));
        }
    }

    function checkVotes() external view {
        _equal("votes", _votes, votes.count());
        _equal("votes of blocks that nobody was elected for", 0, _strangersVotes);
    }

    function checkChain() external view {
        _equal("height", _chain.length, rollup.tip().height);
        _equal("blocks with another parent", 0, _orphans);
        if (_chain.length != 0) {
            bytes32 last = _chain[_chain.length - 1];
            _equal("tip", uint256(last), uint256(rollup.tip().headerHash));
            uint64 slot = Slot.unwrap(rollup.tip().slot);
            _equal("blocks of the slot", 1, _blocksOf[slot]);
            _equal("header of the slot", uint256(last), uint256(rollup.finalizedHeader(Slot.wrap(slot))));
        }
    }

    /// @dev The list has the best offered scores, best first.
    function checkRanking() external view {
        SlotView memory slotView = reader.currentSlot();
        uint192[] memory scores = _offered;
        for (uint256 i = 1; i < scores.length; ++i) {
            for (uint256 j = i; j != 0 && scores[j] > scores[j - 1]; --j) {
                (scores[j], scores[j - 1]) = (scores[j - 1], scores[j]);
            }
        }
        _equal("candidates", scores.length < 3 ? scores.length : 3, slotView.candidates.length);
        for (uint256 i = 0; i < slotView.candidates.length; ++i) {
            _equal("score", scores[i], slotView.candidates[i].score);
        }
    }

    function checkPhases() external view {
        CurrentSlot memory current_ = _view();
        Reference.Answer memory answer = Reference.phase(_rules(), _modelStart, _modelCandidates, _now());
        _equal("slot", _modelSlot, current_.slot);
        _equal("start", _modelStart, current_.start);
        _equal("previous start", _modelPreviousStart, current_.previousStart);
        // For the model, an action of the current L1 slot counts from the next one on.
        if (!_justMoved()) {
            _equal("phase", uint256(answer.phase), uint256(current_.phase));
            _equal("end", answer.end, current_.end);
            if (answer.phase < Phase.Halt) _equal("turn", answer.rank, current_.rank);
            _equal("start of the turn", answer.turnStart, current_.turnStart);
        }
    }

    function _justMoved() private view returns (bool) {
        for (uint256 i = 0; i < _modelCandidates.length; ++i) {
            if (_modelCandidates[i].committedAt == _now() || _modelCandidates[i].revealedAt == _now()) return true;
        }
        return false;
    }
}
