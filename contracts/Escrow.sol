// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {L1Clock} from "./L1Clock.sol";
import {EscrowAccount, IEscrow} from "./interfaces/IEscrow.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {L1Slot} from "./types/Time.sol";

/// @title Provers' bonds
contract Escrow is IEscrow, L1Clock {
    using Tokens for IERC20;

    /// @notice Highest sum of an account's balances after a deposit. It leaves room for 2^31 shares of slashed bonds,
    /// of at most 2^96 token units each, so no balance overflows.
    uint128 public constant MAX_BALANCE = 2 ** 127;

    /// @notice Token of the bonds.
    IERC20 public immutable token;
    /// @notice Contract that may lock, release and slash.
    address public immutable rollup;
    /// @inheritdoc IEscrow
    uint32 public immutable withdrawalDelay;

    /// @dev A named key and the one that replaces it. No change was ever made if `nextFrom` is zero.
    struct Signers {
        address current;
        L1Slot nextFrom;
        address next;
    }

    mapping(address => EscrowAccount) private _accounts;
    mapping(address => Signers) private _signers;

    modifier onlyRollup() {
        _checkRollup();
        _;
    }

    constructor(IERC20 token_, address rollup_, uint32 withdrawalDelay_, uint64 l1GenesisTime_, uint64 l1SlotSeconds_)
        L1Clock(l1GenesisTime_, l1SlotSeconds_)
    {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        if (withdrawalDelay_ == 0) revert BadParameter("withdrawalDelay");
        token = token_;
        rollup = rollup_;
        withdrawalDelay = withdrawalDelay_;
    }

    /// @inheritdoc IEscrow
    function deposit(address account_, uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        if (account_ == address(0)) revert ZeroAddress();
        EscrowAccount storage to = _accounts[account_];
        uint256 sum = uint256(to.free) + to.locked + to.withdrawing + amount;
        if (sum > MAX_BALANCE) revert AmountTooHigh(MAX_BALANCE, sum);
        unchecked {
            // Compared above.
            to.free += amount;
        }
        emit Deposited(account_, msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function requestWithdrawal(uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        EscrowAccount storage from = _accounts[msg.sender];
        uint128 free = from.free;
        if (free < amount) revert InsufficientFree(msg.sender, free, amount);
        unchecked {
            // Compared above, and see `MAX_BALANCE`.
            from.free = free - amount;
            from.withdrawing += amount;
        }
        L1Slot withdrawableFrom = l1Slot().plus(withdrawalDelay);
        from.withdrawableFrom = withdrawableFrom;
        emit WithdrawalRequested(msg.sender, amount, withdrawableFrom);
    }

    /// @inheritdoc IEscrow
    function withdraw(address to) external {
        if (to == address(0)) revert ZeroAddress();
        EscrowAccount storage from = _accounts[msg.sender];
        uint128 amount = from.withdrawing;
        if (amount == 0) revert NothingRequested(msg.sender);
        if (l1Slot() < from.withdrawableFrom) {
            revert NotWithdrawableYet(msg.sender, from.withdrawableFrom, l1Slot());
        }
        from.withdrawing = 0;
        emit Withdrawn(msg.sender, to, amount);
        token.push(to, amount);
    }

    /// @inheritdoc IEscrow
    function setSigner(address signer) external {
        Signers storage stored = _signers[msg.sender];
        address current = _signerOf(stored);
        L1Slot from = l1Slot();
        if (current != address(0)) from = from.plus(withdrawalDelay);
        // Zero stands for no change, so L1 slot 0 is stored as 1.
        if (L1Slot.unwrap(from) == 0) from = L1Slot.wrap(1);
        stored.current = current;
        stored.nextFrom = from;
        stored.next = signer;
        emit SignerSet(msg.sender, signer, from);
    }

    /// @inheritdoc IEscrow
    function lock(address account_, uint128 amount) external onlyRollup {
        EscrowAccount storage from = _accounts[account_];
        uint128 free = from.free;
        unchecked {
            // The subtrahends are compared, and see `MAX_BALANCE`.
            if (free < amount) {
                uint128 withdrawing = l1Slot() < from.withdrawableFrom ? from.withdrawing : 0;
                if (free + withdrawing < amount) revert InsufficientFree(account_, free + withdrawing, amount);
                from.withdrawing = withdrawing - (amount - free);
                from.free = 0;
            } else {
                from.free = free - amount;
            }
            from.locked += amount;
        }
        emit Locked(account_, amount);
    }

    /// @inheritdoc IEscrow
    function release(address account_, uint128 amount) external onlyRollup {
        EscrowAccount storage to = _accounts[account_];
        _takeLocked(to, account_, amount);
        unchecked {
            // See `MAX_BALANCE`.
            to.free += amount;
        }
        emit Released(account_, amount);
    }

    /// @inheritdoc IEscrow
    function slash(address account_, uint128 amount, address beneficiary, uint128 share) external onlyRollup {
        if (share > amount) revert ShareTooHigh(amount, share);
        if (share != 0 && beneficiary == address(0)) revert ZeroAddress();
        _takeLocked(_accounts[account_], account_, amount);
        if (share != 0) {
            unchecked {
                // See `MAX_BALANCE`.
                _accounts[beneficiary].free += share;
            }
        }
        emit Slashed(account_, amount, beneficiary, share);
        unchecked {
            // The share is at most the amount, compared above.
            token.burn(amount - share);
        }
    }

    /// @inheritdoc IEscrow
    function account(address account_) external view returns (EscrowAccount memory) {
        return _accounts[account_];
    }

    /// @inheritdoc IEscrow
    function hasSigned(address account_, bytes32 digest, bytes calldata signature) external view returns (bool) {
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer != address(0) && (signer == account_ || signer == _signerOf(_signers[account_]))) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(account_, digest, signature);
    }

    /// @inheritdoc IEscrow
    function signerOf(address account_) external view returns (address) {
        return _signerOf(_signers[account_]);
    }

    /// @inheritdoc IEscrow
    function pendingSigner(address account_) external view returns (address signer, L1Slot from) {
        Signers storage stored = _signers[account_];
        if (l1Slot() < stored.nextFrom) return (stored.next, stored.nextFrom);
    }

    function _signerOf(Signers storage stored) private view returns (address) {
        // Without any change, both keys are zero.
        return l1Slot() < stored.nextFrom ? stored.current : stored.next;
    }

    function _takeLocked(EscrowAccount storage from, address account_, uint128 amount) private {
        uint128 locked = from.locked;
        if (locked < amount) revert InsufficientLocked(account_, locked, amount);
        unchecked {
            from.locked = locked - amount;
        }
    }

    function _checkRollup() private view {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
    }
}
