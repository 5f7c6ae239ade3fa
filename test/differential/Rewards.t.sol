// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, Parameters, Phase, Quote} from "../../contracts/interfaces/IRollup.sol";
import {StakingParameters} from "../../contracts/interfaces/IStaking.sol";
import {Fixture} from "../support/Fixture.sol";
import {Vectors} from "../support/Vectors.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Payouts and penalties of whole slots against the client's
/// @notice Each case runs on a new deployment: proposals, commitments and reveals as the case says, then the end of the
/// slot.
contract RewardsVectorsTest is Fixture, Vectors {
    uint256 private constant NONE = type(uint256).max;

    /// @dev One case. Arrays are indexed by rank.
    struct Case {
        uint256 paid;
        uint256 ending;
        uint256 proofDelay;
        uint256 count;
        uint256[4] stake;
        uint256[4] committed;
        uint256[4] committedAfter;
        uint256[4] bond;
        int128[4] price;
        uint256[4] revealed;
        uint256[4] elapsed;
        uint256[4] penalty;
        uint256[4] released;
        uint256[4] slashed;
        uint256[4] share;
    }

    /// @dev The columns of the file, by name.
    mapping(string name => uint256[]) private _columns;
    mapping(string name => int256[]) private _signed;

    /// @dev Higher than the penalties of any case. `_setStake` then sets the stake of the case.
    function _stakeAmount() internal pure override returns (uint96) {
        return type(uint96).max;
    }

    function _stakingParameters() internal pure override returns (StakingParameters memory parameters) {
        parameters = super._stakingParameters();
        parameters.minimumStake = type(uint96).max;
    }

    /// @dev Longer than the longest slot of any case.
    function _escrowDelay() internal pure override returns (uint32) {
        return 1000;
    }

    function setUp() public override {
        super.setUp();
        _load("rewards");
        string[31] memory names = [
            "commitmentPhase",
            "revealPhase",
            "provingPhase",
            "exclusiveProving",
            "rescueShareBps",
            "rewardPerL1Slot",
            "paidL1Slots",
            "sequencerBps",
            "bonusBps",
            "proverBps",
            "submitterBps",
            "promptnessBps",
            "abandonPenalty",
            "withholdPenalty",
            "ending",
            "proofDelay",
            "count",
            "stake",
            "committed",
            "committedAfter",
            "bond",
            "revealed",
            "elapsed",
            "proverCredit",
            "sequencerCredit",
            "submitterCredit",
            "burned",
            "penalty",
            "released",
            "slashed",
            "share"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            _columns[names[i]] = _uints(names[i]);
        }
        _signed["price"] = _ints("price");
        _signed["lowestPrice"] = _ints("lowestPrice");
        _signed["highestPrice"] = _ints("highestPrice");
    }

    // The cases are split into eight tests, as a test has a gas limit.

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_firstEighth() public {
        _eighth(0);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_secondEighth() public {
        _eighth(1);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_thirdEighth() public {
        _eighth(2);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_fourthEighth() public {
        _eighth(3);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_fifthEighth() public {
        _eighth(4);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_sixthEighth() public {
        _eighth(5);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_seventhEighth() public {
        _eighth(6);
    }

    /// @custom:rule C5, E1, E2, E3, E5, E9, E10, E11, E12, E13
    function test_rewards_lastEighth() public {
        _eighth(7);
    }

    function _eighth(uint256 eighth) private {
        uint256 cases = _columns["ending"].length;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = eighth * cases / 8; i < (eighth + 1) * cases / 8; ++i) {
            // An external call, so that its memory is freed.
            this.play(i);
            vm.revertToState(snapshot);
        }
    }

    function play(uint256 i) external {
        _warp(DEPLOYED_AT);
        _deploy(IERC20(address(token)), _params(i), _ratesAt(i));
        _play(i, _case(i), vm.toString(i));
    }

    /// @dev The stall of the case is the longest that is paid.
    function _params(uint256 i) private view returns (Parameters memory parameters) {
        parameters = _parameters();
        parameters.maxCandidates = 4;
        parameters.minBond = 1;
        parameters.commitmentPhase = _u16(_columns["commitmentPhase"][i]);
        parameters.revealPhase = _u16(_columns["revealPhase"][i]);
        parameters.provingPhase = _u16(_columns["provingPhase"][i]);
        parameters.exclusiveProving = _u16(_columns["exclusiveProving"][i]);
        parameters.rescueShareBps = _u16(_columns["rescueShareBps"][i]);
        parameters.abandonPenalty = _u96(_columns["abandonPenalty"][i]);
        parameters.withholdPenalty = _u96(_columns["withholdPenalty"][i]);
        parameters.stallAfter = 1000;
        parameters.maxStall = _u16(_columns["paidL1Slots"][i] - IDLE);
    }

    function _ratesAt(uint256 i) private view returns (Rates memory) {
        return Rates({
            rewardPerL1Slot: _u72(_columns["rewardPerL1Slot"][i]),
            sequencerBps: _u16(_columns["sequencerBps"][i]),
            bonusBps: _u16(_columns["bonusBps"][i]),
            proverBps: _u16(_columns["proverBps"][i]),
            submitterBps: _u16(_columns["submitterBps"][i]),
            promptnessBps: _u16(_columns["promptnessBps"][i])
        });
    }

    function _case(uint256 i) private view returns (Case memory case_) {
        case_.paid = _columns["paidL1Slots"][i];
        case_.ending = _columns["ending"][i];
        case_.proofDelay = _columns["proofDelay"][i];
        case_.count = _columns["count"][i];
        case_.stake = _ranks("stake", i);
        case_.committed = _ranks("committed", i);
        case_.committedAfter = _ranks("committedAfter", i);
        case_.bond = _ranks("bond", i);
        case_.revealed = _ranks("revealed", i);
        case_.elapsed = _ranks("elapsed", i);
        case_.penalty = _ranks("penalty", i);
        case_.released = _ranks("released", i);
        case_.slashed = _ranks("slashed", i);
        case_.share = _ranks("share", i);
        for (uint256 rank = 0; rank < 4; ++rank) {
            case_.price[rank] = _i128(_signed["price"][4 * i + rank]);
        }
    }

    /// @dev The values of a case in a column with one for each rank.
    function _ranks(string memory name, uint256 i) private view returns (uint256[4] memory values) {
        for (uint256 rank = 0; rank < 4; ++rank) {
            values[rank] = _columns[name][4 * i + rank];
        }
    }

    /// @dev Prover and payee of a rank.
    function _proverOf(uint256 rank) private returns (address) {
        return makeAddr(string.concat("prover of rank ", vm.toString(rank)));
    }

    function _play(uint256 i, Case memory case_, string memory name) private {
        for (uint256 j = 0; j < 4; ++j) {
            _register(owners[j], attesters[j]);
        }
        // The genesis is longer ago than any stall is paid for.
        _warp(_view().start + 100 * IDLE);
        assertEq(_view().paid, case_.paid, name);
        (int128 lowest, int128 highest) = rewards.priceRange(_slot(), uint32(case_.paid));
        assertEq(lowest, _signed["lowestPrice"][i], name);
        assertEq(highest, _signed["highestPrice"][i], name);
        uint256[] memory ranked = _ranked();
        (uint256 last, Header[] memory headers) = _act(case_, ranked);
        uint256 burned = token.balanceOf(BURNED);
        _end(i, case_, last, headers);

        for (uint256 rank = 0; rank < case_.count; ++rank) {
            assertEq(case_.stake[rank] - _stake(ranked[rank]), case_.penalty[rank], name);
            address prover_ = _proverOf(rank);
            // A bond that is not slashed is free again.
            assertEq(escrow.account(prover_).locked, 0, name);
            assertEq(escrow.account(prover_).free, case_.bond[rank] - case_.slashed[rank], name);
            if (case_.committed[rank] != 0 && rank <= last) {
                assertEq(case_.released[rank] + case_.slashed[rank], case_.bond[rank], name);
            }
        }
        assertEq(token.balanceOf(BURNED) - burned, _columns["burned"][i], name);
        _checkCredits(i, case_.ending == 0 ? makeAddr("quote's payee") : rescuer, name);
        if (last != NONE) {
            assertEq(_owed(owners[ranked[last]]), _columns["sequencerCredit"][i], name);
            assertEq(escrow.account(rescuer).free, case_.share[last], name);
        }
    }

    function _checkCredits(uint256 i, address paid, string memory name) private view {
        assertEq(_owed(paid), _columns["proverCredit"][i], name);
        assertEq(_owed(relay), _columns["submitterCredit"][i], name);
        assertEq(_owedToOwners(), _columns["sequencerCredit"][i], name);
    }

    /// @dev Proposals, commitments and the reveal of a case. Returns the rank that revealed.
    function _act(Case memory case_, uint256[] memory ranked) private returns (uint256 last, Header[] memory headers) {
        headers = new Header[](4);
        for (uint256 rank = 0; rank < case_.count; ++rank) {
            _setStake(ranked[rank], case_.stake[rank]);
            headers[rank] = _propose(ranked[rank]);
        }
        _warp(_view().start + 4);
        for (uint256 rank = 0; rank < case_.count; ++rank) {
            uint64 turn = _view().turnStart;
            assertEq(turn, _now());
            if (case_.committed[rank] != 0) {
                _warp(turn + case_.committedAfter[rank]);
                _commitAs(ranked[rank], headers[rank], rank, case_);
                if (case_.revealed[rank] != 0) {
                    _warp(turn + case_.elapsed[rank]);
                    _reveal(headers[rank]);
                    return (rank, headers);
                }
            }
            _warp(_view().end);
        }
        return (NONE, headers);
    }

    /// @dev Goes to the slot's backup phase.
    function _toBackup() private {
        while (_view().phase != Phase.Backup) {
            _warp(_view().end);
        }
    }

    function _end(uint256 i, Case memory case_, uint256 last, Header[] memory headers) private {
        _warp(_now() + case_.proofDelay);
        if (case_.ending < 2) {
            _phaseIs(case_.ending == 0 ? Phase.ExclusiveProving : Phase.OpenProving);
            _finalize(relay, headers[last], rescuer);
        } else if (case_.ending == 2) {
            _toBackup();
            _finalizeBackup(relay, headers[last], rescuer);
        } else if (case_.ending == 3) {
            _toBackup();
            _finalizeBackup(relay, _header(1, keccak256(abi.encode("another", i))), rescuer);
        } else {
            _warp(_now() + 1000);
            rollup.sync();
        }
    }

    function _commitAs(uint256 i, Header memory header, uint256 rank, Case memory case_) private {
        _fundEscrow(_proverOf(rank), _u96(case_.bond[rank]));
        Quote memory quote = _quote(i, _hash(header));
        quote.prover = _proverOf(rank);
        quote.payee = makeAddr("quote's payee");
        quote.bond = _u96(case_.bond[rank]);
        quote.price = case_.price[rank];
        bytes memory signature = _sign(attesterKeys[i], quote);
        vm.prank(quote.prover);
        rollup.commit(quote, "", signature);
    }

    /// @dev Sets the remaining stake of a sequencer, and gives the contract the tokens for it.
    function _setStake(uint256 i, uint256 amount) private {
        bytes32 base = keccak256(abi.encode(uint256(i + 1), uint256(2)));
        bytes32 word = bytes32(uint256(base) + 1);
        uint256 owner = uint256(vm.load(address(staking), word)) & type(uint160).max;
        vm.store(address(staking), word, bytes32(amount << 160 | owner));
        assertEq(_stake(i), amount);
        token.mint(address(staking), amount);
    }
}
