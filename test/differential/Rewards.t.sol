// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, Parameters, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Fixture} from "../support/Fixture.sol";
import {Vectors} from "../support/Vectors.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Payouts and penalties of whole slots against the client's
/// @notice Each case runs on a new deployment: proposals, commitments and reveals as the case says, then the end of the
/// slot.
contract RewardsVectorsTest is Fixture, Vectors {
    /// @dev One case. Arrays are indexed by rank.
    struct Case {
        uint256 ending;
        uint256 count;
        uint256[4] stake;
        uint256[4] committed;
        uint256[4] bond;
        uint256[4] price;
        uint256[4] revealed;
        uint256[4] elapsed;
        uint256[4] penalty;
        uint256[4] released;
        uint256[4] slashed;
        uint256[4] share;
        uint256 proverCredit;
        uint256 sequencerCredit;
        uint256 submitterCredit;
        uint256 burned;
    }

    uint256[][25] private _c;

    /// @dev Higher than the penalties of any case. `_setStake` then sets the stake of the case.
    function _stakeAmount() internal pure override returns (uint96) {
        return type(uint96).max;
    }

    function setUp() public override {
        super.setUp();
        _load("rewards");
        string[25] memory names = [
            "revealPhase",
            "rescueShareBps",
            "sequencerBps",
            "proverBps",
            "submitterBps",
            "abandonPenalty",
            "withholdPenalty",
            "blockReward",
            "revealBonus",
            "ending",
            "count",
            "stake",
            "committed",
            "bond",
            "price",
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
        for (uint256 i = 0; i < 25; ++i) {
            _c[i] = _uints(names[i]);
        }
    }

    // The cases are split into eight tests, as a test has a gas limit.

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_firstEighth() public {
        _eighth(0);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_secondEighth() public {
        _eighth(1);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_thirdEighth() public {
        _eighth(2);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_fourthEighth() public {
        _eighth(3);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_fifthEighth() public {
        _eighth(4);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_sixthEighth() public {
        _eighth(5);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_seventhEighth() public {
        _eighth(6);
    }

    /// @custom:rule E1, E2, E3, E5
    function test_rewards_lastEighth() public {
        _eighth(7);
    }

    function _eighth(uint256 eighth) private {
        uint256 cases = _c[0].length;
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
        _play(_case(i), vm.toString(i));
    }

    function _params(uint256 i) private view returns (Parameters memory parameters) {
        parameters = _parameters();
        parameters.maxCandidates = 4;
        parameters.minBond = 1;
        parameters.revealPhase = _u16(_c[0][i]);
        parameters.rescueShareBps = _u16(_c[1][i]);
        parameters.abandonPenalty = _u96(_c[5][i]);
        parameters.withholdPenalty = _u96(_c[6][i]);
    }

    function _ratesAt(uint256 i) private view returns (Rates memory) {
        return Rates({
            blockReward: _u96(_c[7][i]),
            revealBonus: _u96(_c[8][i]),
            sequencerBps: _u16(_c[2][i]),
            proverBps: _u16(_c[3][i]),
            submitterBps: _u16(_c[4][i])
        });
    }

    function _case(uint256 i) private view returns (Case memory case_) {
        case_.ending = _c[9][i];
        case_.count = _c[10][i];
        case_.proverCredit = _c[17][i];
        case_.sequencerCredit = _c[18][i];
        case_.submitterCredit = _c[19][i];
        case_.burned = _c[20][i];
        for (uint256 rank = 0; rank < 4; ++rank) {
            uint256 j = 4 * i + rank;
            case_.stake[rank] = _c[11][j];
            case_.committed[rank] = _c[12][j];
            case_.bond[rank] = _c[13][j];
            case_.price[rank] = _c[14][j];
            case_.revealed[rank] = _c[15][j];
            case_.elapsed[rank] = _c[16][j];
            case_.penalty[rank] = _c[21][j];
            case_.released[rank] = _c[22][j];
            case_.slashed[rank] = _c[23][j];
            case_.share[rank] = _c[24][j];
        }
    }

    /// @dev Prover and payee of a rank.
    function _proverOf(uint256 rank) private returns (address) {
        return makeAddr(string.concat("prover of rank ", vm.toString(rank)));
    }

    function _play(Case memory case_, string memory name) private {
        for (uint256 i = 0; i < 4; ++i) {
            _register(owners[i], attesters[i]);
        }
        _warp(_view().start + 2 * 13);
        uint256[] memory ranked = _ranked();
        Header[] memory headers = new Header[](4);
        for (uint256 rank = 0; rank < case_.count; ++rank) {
            _setStake(ranked[rank], case_.stake[rank]);
            headers[rank] = _propose(ranked[rank]);
        }
        _warp(_view().start + 4);
        uint256 last = type(uint256).max;
        for (uint256 rank = 0; rank < case_.count; ++rank) {
            if (case_.committed[rank] == 0) {
                _warp(_view().end);
                continue;
            }
            _commitAs(ranked[rank], headers[rank], rank, case_);
            if (case_.revealed[rank] == 0) {
                _warp(_view().end);
                continue;
            }
            _warp(_now() + case_.elapsed[rank]);
            _reveal(headers[rank]);
            last = rank;
            break;
        }
        uint256 burned = token.balanceOf(BURNED);
        _end(case_, last, headers);

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
        assertEq(token.balanceOf(BURNED) - burned, case_.burned, name);
        address paid = case_.ending == 0 ? makeAddr("quote's payee") : rescuer;
        assertEq(_owed(paid), case_.proverCredit, name);
        assertEq(_owed(relay), case_.submitterCredit, name);
        if (last < 4) {
            assertEq(_owed(owners[ranked[last]]), case_.sequencerCredit, name);
            assertEq(escrow.account(rescuer).free, case_.share[last], name);
        }
        assertEq(
            _owed(paid) + _owed(relay) + _owedToOwners(),
            case_.proverCredit + case_.submitterCredit + case_.sequencerCredit,
            name
        );
    }

    function _end(Case memory case_, uint256 last, Header[] memory headers) private {
        if (case_.ending == 0) {
            _finalize(relay, headers[last], rescuer);
        } else if (case_.ending == 1) {
            _warp(_now() + 41);
            _finalize(relay, headers[last], rescuer);
        } else if (case_.ending == 2) {
            _warp(_now() + 62);
            _finalizeBackup(relay, headers[last], rescuer);
        } else if (case_.ending == 3) {
            _warp(last == type(uint256).max ? _now() + 1 : _now() + 62);
            if (case_.count == 0) _warp(_view().start + 5);
            _finalizeBackup(relay, _header(1, "another"), rescuer);
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
        quote.price = _u96(case_.price[rank]);
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
