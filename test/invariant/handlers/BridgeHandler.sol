// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../../contracts/Bridge.sol";
import {Consumption, IBridge, Lane, WithdrawalProof} from "../../../contracts/interfaces/IBridge.sol";
import {IRollup, Tip} from "../../../contracts/interfaces/IRollup.sol";
import {L1Slot, Slot} from "../../../contracts/types/Time.sol";
import {ScalarField} from "../../../contracts/verifier/ScalarField.sol";
import {Line, Lines} from "../../support/Curve.sol";
import {TestToken} from "../../support/TestToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Takes the place of the rollup: it knows the headers that it is told are final, and the number of consumed
/// deposits.
contract FinalHeaders {
    mapping(Slot => bytes32) public finalizedHeader;
    uint64 public consumed;

    function accept(Slot slot, bytes32 headerHash) external {
        finalizedHeader[slot] = headerHash;
    }

    function consume(uint64 consumed_) external {
        consumed = consumed_;
    }

    function tip() external view returns (Tip memory tip_) {
        tip_.depositsEnd = consumed;
    }
}

/// @title Depositors, a possibly corrupt ledger, and accounts that claim withdrawals again and again
/// @notice Openings are real. The ledger creates withdrawals that nobody has the funds for: the bridge's solvency must
/// not depend on its proofs.
contract BridgeHandler is Test {
    using Lines for Line;

    uint64 internal constant GENESIS_TIME = 1_700_000_000;
    uint256 internal constant UNIT = 1e9;
    // The standard generator of Jubjub's prime-order subgroup.
    uint256 private constant KEY_X = 0x11dafe5d23e1218086a365b99fbf3d3be72f6afd7d1f72623e6b071492d1122b;
    uint256 private constant KEY_Y = 0x1d523cf1ddab1a1793132e78c866c0c33e26ba5cc220fed7cc3f870e59d292aa;
    bytes4 private constant PANIC = 0x4e487b71;

    error Broken(string what, uint256 expected, uint256 actual);

    TestToken internal token;
    FinalHeaders internal headers;
    Bridge internal bridge;

    uint256 private _salt;
    address[3] private _owners = [address(0xa1), address(0xa2), address(0xa3)];
    WithdrawalProof[] private _withdrawals;
    /// @dev By index of the withdrawal.
    mapping(uint256 => uint256) private _claims;
    uint256 private _deposited;
    uint256 private _paid;
    /// @dev L1 slots in which operations were queued, by lane.
    mapping(Lane => uint64[]) private _queuedAt;
    /// @dev By account: number of deposits up to the first one since the last exit; zero if there is none.
    mapping(uint32 => uint256) private _firstDeposit;
    /// @dev Exits that an account had no right to, and refused exits that it had a right to.
    uint256 private _wrongExits;
    uint256 private _refusedExits;
    bytes private _badRevert;

    /// @notice How often each action was done.
    uint256 public claimed;
    uint256 public refused;
    uint256 public exits;
    uint256 public pending;

    function setUp() public virtual {
        vm.warp(GENESIS_TIME + 1200);
        token = new TestToken();
        headers = new FinalHeaders();
        bridge = new Bridge(IERC20(address(token)), IRollup(address(headers)), UNIT, 1, GENESIS_TIME, 12);
        token.mint(address(this), type(uint128).max);
        token.approve(address(bridge), type(uint256).max);
    }

    /// @notice Makes one action.
    function step(uint256 seed) external {
        seed = uint256(keccak256(abi.encode(seed, ++_salt)));
        uint256 choice = seed % 10;
        seed >>= 8;
        if (choice < 2) _deposit(seed);
        else if (choice < 4) _exit(seed);
        else if (choice == 4) _withdraw(seed);
        else if (choice < 8) _claim(seed);
        else if (choice == 8) _consume(seed);
        else vm.warp(vm.getBlockTimestamp() + seed % 1000);
    }

    /// @dev Blocks consume some of the queued deposits.
    function _consume(uint256 seed) private {
        uint64 from = headers.consumed();
        // Cast: a small number.
        headers.consume(from + uint64(seed % (bridge.count(Lane.Deposits) - from + 1)));
    }

    function _deposit(uint256 seed) private {
        // Cast: a small amount.
        uint64 amount = uint64(seed % 1000);
        try bridge.deposit(_owners[seed % 3], KEY_X, KEY_Y, amount) returns (uint64, uint32 index) {
            _deposited += amount;
            _queuedAt[Lane.Deposits].push(L1Slot.unwrap(bridge.l1Slot()));
            if (_firstDeposit[index] == 0) _firstDeposit[index] = _queuedAt[Lane.Deposits].length;
            _afterDeposit(index);
        } catch (bytes memory reason) {
            _expectOwnError(reason);
        }
    }

    function _exit(uint256 seed) private {
        // Cast: a small number.
        uint32 index = uint32(seed % 4);
        (address owner,) = bridge.account(index);
        bool thief = (seed >> 8) % 3 == 0;
        bool may = !thief && _firstDeposit[index] != 0 && _firstDeposit[index] <= headers.consumed();
        vm.prank(thief ? address(0xbad) : owner);
        try bridge.forceExit(index, address(0xe1)) {
            if (!may) ++_wrongExits;
            _firstDeposit[index] = 0;
            _queuedAt[Lane.Exits].push(L1Slot.unwrap(bridge.l1Slot()));
            ++exits;
            _afterExit(index);
        } catch (bytes memory reason) {
            if (may) ++_refusedExits;
            // Cast: the selector; every reason has one.
            if (bytes4(reason) == IBridge.DepositPending.selector) ++pending;
            _expectOwnError(reason);
        }
    }

    /// @dev A final block with a withdrawal that the ledger may not have the funds for.
    function _withdraw(uint256 seed) private {
        uint256 element = seed % 4095;
        // Cast: small amounts.
        uint64 amount = uint64((seed >> 16) % 3000);
        bytes32 withdrawal = bytes32((uint256(2) << 160) | (uint256(amount) << 64) | 3);
        bytes32 target = bytes32((uint256(4) << 160) | uint160(0xc1));
        Line memory line = Lines.through(
            ScalarField.pointOfElement(element),
            uint256(withdrawal),
            ScalarField.pointOfElement(element + 1),
            uint256(target)
        );
        WithdrawalProof memory proof;
        // Cast: few steps.
        proof.header.slot = Slot.wrap(uint64(_withdrawals.length));
        proof.header.blobHashes = new bytes32[](1);
        proof.header.blobHashes[0] = line.versionedHash();
        proof.element = element;
        proof.withdrawal = withdrawal;
        proof.target = target;
        proof.commitment = line.commitment();
        proof.withdrawalOpening = line.opening();
        proof.targetOpening = line.opening();
        _withdrawals.push(proof);
        // Some of them are in blocks that never become final.
        if ((seed >> 32) % 5 != 0) headers.accept(proof.header.slot, keccak256(abi.encode(proof.header)));
    }

    function _claim(uint256 seed) private {
        if (_withdrawals.length == 0) return;
        uint256 i = seed % _withdrawals.length;
        WithdrawalProof memory proof = _withdrawals[i];
        uint256 fault = (seed >> 64) % 4;
        if (fault == 1) proof.withdrawal = bytes32(uint256(proof.withdrawal) + (1 << 64));
        if (fault == 2) proof.element = (proof.element + 1) % 4095;
        if (fault == 3) proof.target = bytes32(uint256(proof.target) + 1);
        uint256 before = token.balanceOf(address(bridge));
        try bridge.claim(proof) {
            ++claimed;
            // The fault makes it another withdrawal, which nobody made.
            _claims[i] += fault == 0 ? 1 : 2;
            _paid += (before - token.balanceOf(address(bridge))) / UNIT;
            _afterClaim(proof);
        } catch (bytes memory reason) {
            ++refused;
            _expectOwnError(reason);
        }
    }

    function _expectOwnError(bytes memory reason) private {
        // Cast: the selector.
        if (reason.length < 4 || bytes4(reason) == PANIC) _badRevert = abi.encode(reason);
    }

    // ---- planted bugs hook in here --------------------------------------------------------------------------------

    function _afterClaim(WithdrawalProof memory proof) internal virtual {}

    function _afterDeposit(uint32 index) internal virtual {}

    function _afterExit(uint32 index) internal virtual {}

    // ---- what must hold -------------------------------------------------------------------------------------------

    function _equal(string memory what, uint256 expected, uint256 actual) private pure {
        if (expected != actual) revert Broken(what, expected, actual);
    }

    function checkClaims() external view {
        for (uint256 i = 0; i < _withdrawals.length; ++i) {
            if (_claims[i] > 1) revert Broken("claims of a withdrawal", 1, _claims[i]);
        }
    }

    function checkSolvency() external view {
        if (_paid > _deposited) revert Broken("claimed within what was deposited", _deposited, _paid);
        _equal("supply", _deposited - _paid, bridge.supply());
        _equal("tokens", (_deposited - _paid) * UNIT, token.balanceOf(address(bridge)));
    }

    function checkExits() external view {
        _equal("exits that nobody may force", 0, _wrongExits);
        _equal("refused exits that somebody may force", 0, _refusedExits);
    }

    function checkQueue() external view {
        _checkLane(Lane.Deposits);
        _checkLane(Lane.Exits);
        Consumption memory deposits = _whole(Lane.Deposits);
        Consumption memory forced = _whole(Lane.Exits);
        L1Slot now_ = bridge.l1Slot();
        // A block that consumes everything is valid. So is a block that consumes nothing before anything is due.
        bridge.checkConsumption(deposits, forced, now_.plus(1));
        bridge.checkConsumption(_none(), _none(), L1Slot.wrap(0));
        // A block may leave out a lane only if the lane has nothing that is due.
        _equal("deposits may be left out", _due(Lane.Deposits, now_) ? 0 : 1, _accepted(_none(), forced, now_));
        _equal("exits may be left out", _due(Lane.Exits, now_) ? 0 : 1, _accepted(deposits, _none(), now_));
    }

    function _checkLane(Lane lane) private view {
        _equal("operations", _queuedAt[lane].length, bridge.count(lane));
    }

    function _whole(Lane lane) private view returns (Consumption memory) {
        uint64 end = bridge.count(lane);
        return Consumption({from: 0, to: end, chain: bridge.chain(lane, end), maximum: type(uint64).max});
    }

    function _none() private pure returns (Consumption memory) {
        return Consumption({from: 0, to: 0, chain: 0, maximum: type(uint64).max});
    }

    /// @dev Whether the lane's first operation was queued before `cutoff`.
    function _due(Lane lane, L1Slot cutoff) private view returns (bool) {
        return _queuedAt[lane].length != 0 && _queuedAt[lane][0] < L1Slot.unwrap(cutoff);
    }

    function _accepted(Consumption memory deposits, Consumption memory forced, L1Slot cutoff)
        private
        view
        returns (uint256)
    {
        try bridge.checkConsumption(deposits, forced, cutoff) {
            return 1;
        } catch {
            return 0;
        }
    }

    function checkReverts() external view {
        _equal("reverts with an error of its own", 0, _badRevert.length);
    }
}
