// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rates} from "../../contracts/interfaces/IRewards.sol";
import {Header, Parameters, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Fixture} from "../support/Fixture.sol";
import {Vectors} from "../support/Vectors.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Payouts and penalties of whole slots, as the client computes them
/// @notice Each case is played on a deployment of its own: proposals, commitments and reveals as the case says, then its ending.
contract RewardsVectorsTest is Fixture, Vectors {
    /// @dev One case; arrays by rank.
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

    /// @dev So much that no case's penalties exceed it; `_setStake` then leaves what the case says.
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

    // In eighths, as a test has a limit of gas.

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
            // A call of its own, whose memory goes with it.
            this.play(i);
            vm.revertToState(snapshot);
        }
    }

    function play(uint256 i) external {
        _warp(DEPLOYED_AT);
        _deploy(IERC20(address(token)), _params(i), _ratesAt(i));
        _play(_case(i), vm.toString(i));
    }

    function _params(uint256 i) private view returns (Parameters memory p) {
        p = _parameters();
        p.maxCandidates = 4;
        p.minBond = 1;
        p.revealPhase = _u16(_c[0][i]);
        p.rescueShareBps = _u16(_c[1][i]);
        p.abandonPenalty = _u96(_c[5][i]);
        p.withholdPenalty = _u96(_c[6][i]);
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

    function _case(uint256 i) private view returns (Case memory c) {
        c.ending = _c[9][i];
        c.count = _c[10][i];
        c.proverCredit = _c[17][i];
        c.sequencerCredit = _c[18][i];
        c.submitterCredit = _c[19][i];
        c.burned = _c[20][i];
        for (uint256 rank = 0; rank < 4; ++rank) {
            uint256 j = 4 * i + rank;
            c.stake[rank] = _c[11][j];
            c.committed[rank] = _c[12][j];
            c.bond[rank] = _c[13][j];
            c.price[rank] = _c[14][j];
            c.revealed[rank] = _c[15][j];
            c.elapsed[rank] = _c[16][j];
            c.penalty[rank] = _c[21][j];
            c.released[rank] = _c[22][j];
            c.slashed[rank] = _c[23][j];
            c.share[rank] = _c[24][j];
        }
    }

    /// @dev Prover and payee of a rank.
    function _proverOf(uint256 rank) private returns (address) {
        return makeAddr(string.concat("prover of rank ", vm.toString(rank)));
    }

    function _play(Case memory c, string memory name) private {
        for (uint256 i = 0; i < 4; ++i) {
            _register(owners[i], attesters[i]);
        }
        _warp(_view().start + 2 * 13);
        uint256[] memory ranked = _ranked();
        Header[] memory headers = new Header[](4);
        for (uint256 rank = 0; rank < c.count; ++rank) {
            _setStake(ranked[rank], c.stake[rank]);
            headers[rank] = _propose(ranked[rank]);
        }
        _warp(_view().start + 4);
        uint256 last = type(uint256).max;
        for (uint256 rank = 0; rank < c.count; ++rank) {
            if (c.committed[rank] == 0) {
                _warp(_view().end);
                continue;
            }
            _commitAs(ranked[rank], headers[rank], rank, c);
            if (c.revealed[rank] == 0) {
                _warp(_view().end);
                continue;
            }
            _warp(_now() + c.elapsed[rank]);
            _reveal(headers[rank]);
            last = rank;
            break;
        }
        uint256 burned = token.balanceOf(BURNED);
        _end(c, last, headers);

        for (uint256 rank = 0; rank < c.count; ++rank) {
            assertEq(c.stake[rank] - _stake(ranked[rank]), c.penalty[rank], name);
            address prover_ = _proverOf(rank);
            // What isn't slashed is free again.
            assertEq(escrow.account(prover_).locked, 0, name);
            assertEq(escrow.account(prover_).free, c.bond[rank] - c.slashed[rank], name);
            if (c.committed[rank] != 0 && rank <= last) {
                assertEq(c.released[rank] + c.slashed[rank], c.bond[rank], name);
            }
        }
        assertEq(token.balanceOf(BURNED) - burned, c.burned, name);
        address paid = c.ending == 0 ? makeAddr("quote's payee") : rescuer;
        assertEq(_owed(paid), c.proverCredit, name);
        assertEq(_owed(relay), c.submitterCredit, name);
        if (last < 4) {
            assertEq(_owed(owners[ranked[last]]), c.sequencerCredit, name);
            assertEq(escrow.account(rescuer).free, c.share[last], name);
        }
        assertEq(
            _owed(paid) + _owed(relay) + _owedToOwners(), c.proverCredit + c.submitterCredit + c.sequencerCredit, name
        );
    }

    function _end(Case memory c, uint256 last, Header[] memory headers) private {
        if (c.ending == 0) {
            _finalize(relay, headers[last], rescuer);
        } else if (c.ending == 1) {
            _warp(_now() + 41);
            _finalize(relay, headers[last], rescuer);
        } else if (c.ending == 2) {
            _warp(_now() + 62);
            _finalizeBackup(relay, headers[last], rescuer);
        } else if (c.ending == 3) {
            _warp(last == type(uint256).max ? _now() + 1 : _now() + 62);
            if (c.count == 0) _warp(_view().start + 5);
            _finalizeBackup(relay, _header(1, "another"), rescuer);
        } else {
            _warp(_now() + 1000);
            rollup.sync();
        }
    }

    function _commitAs(uint256 i, Header memory h, uint256 rank, Case memory c) private {
        _fundEscrow(_proverOf(rank), _u96(c.bond[rank]));
        Quote memory quote = _quote(i, _hash(h));
        quote.prover = _proverOf(rank);
        quote.payee = makeAddr("quote's payee");
        quote.bond = _u96(c.bond[rank]);
        quote.price = _u96(c.price[rank]);
        bytes memory signature = _sign(attesterKeys[i], quote);
        vm.prank(quote.prover);
        rollup.commit(quote, "", signature);
    }

    /// @dev Sets what is left of a stake, and gives the contract the tokens for it.
    function _setStake(uint256 i, uint256 amount) private {
        bytes32 base = keccak256(abi.encode(uint256(i + 1), uint256(2)));
        bytes32 word = bytes32(uint256(base) + 1);
        uint256 owner = uint256(vm.load(address(staking), word)) & type(uint160).max;
        vm.store(address(staking), word, bytes32(amount << 160 | owner));
        assertEq(_stake(i), amount);
        token.mint(address(staking), amount);
    }
}
