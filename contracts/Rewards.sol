// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {BlockPay, IRewards, Rates} from "./interfaces/IRewards.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {Payouts} from "./libraries/Payouts.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {PackedRates, packRates} from "./types/PackedRates.sol";
import {Slot} from "./types/Time.sol";

/// @title The reward pot and its credits
contract Rewards is IRewards {
    using Tokens for IERC20;

    /// @notice Token of the rewards.
    IERC20 public immutable token;
    /// @notice Contract that may credit rewards.
    address public immutable rollup;
    /// @inheritdoc IRewards
    address public immutable governance;
    /// @inheritdoc IRewards
    uint96 public immutable maxBlockReward;
    /// @inheritdoc IRewards
    uint96 public immutable maxRevealBonus;

    mapping(address => uint256) private _owed;
    PackedRates private _rates;
    /// @dev Rates from slot `_nextFrom` on, if `_rates` are followed by others.
    PackedRates private _nextRates;
    Slot private _nextFrom;

    /// @param governance_ Account that may change the rates; zero if nobody may.
    constructor(
        IERC20 token_,
        address rollup_,
        address governance_,
        Rates memory rates,
        uint96 maxBlockReward_,
        uint96 maxRevealBonus_
    ) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        token = token_;
        rollup = rollup_;
        governance = governance_;
        maxBlockReward = maxBlockReward_;
        maxRevealBonus = maxRevealBonus_;
        _checkRates(rates, maxBlockReward_, maxRevealBonus_);
        _rates = packRates(rates);
        emit RatesScheduled(Slot.wrap(0), rates);
    }

    /// @inheritdoc IRewards
    function fund(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        emit Funded(msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IRewards
    function settleBlock(BlockPay calldata pay) external {
        if (msg.sender != rollup) revert NotRollup(rollup, msg.sender);
        PackedRates rates = _applyRates(pay.slot);
        uint96 reward = rates.blockReward();
        uint256 proverReward = Payouts.shareDown(reward, rates.proverBps());
        uint256 sequencerReward = Payouts.shareDown(reward, rates.sequencerBps());
        uint256 submitterReward;
        unchecked {
            // The shares are parts of the reward, the price is at most the sequencer's share, and a block credits less
            // than 2^98.
            submitterReward = reward - proverReward - sequencerReward;
            if (pay.sequencer == address(0)) {
                sequencerReward = 0;
            } else {
                uint256 price = pay.price < sequencerReward ? pay.price : sequencerReward;
                proverReward += price;
                sequencerReward = sequencerReward - price
                    + Payouts.revealBonusDown(rates.revealBonus(), pay.revealPhase, pay.revealDuration);
                _owed[pay.sequencer] += sequencerReward;
            }
            if (pay.prover == pay.submitter) {
                _owed[pay.prover] += proverReward + submitterReward;
            } else {
                _owed[pay.prover] += proverReward;
                _owed[pay.submitter] += submitterReward;
            }
        }
        emit BlockPaid(
            pay.slot, pay.sequencer, sequencerReward, pay.prover, proverReward, pay.submitter, submitterReward
        );
    }

    /// @inheritdoc IRewards
    function setRates(Rates calldata rates) external {
        if (msg.sender != governance) revert NotGovernance(governance, msg.sender);
        _checkRates(rates, maxBlockReward, maxRevealBonus);
        Slot current = IRollup(rollup).slotInTurn();
        _rates = _applyRates(current).followed();
        _nextRates = packRates(rates);
        _nextFrom = current.advance(1);
        emit RatesScheduled(current.advance(1), rates);
    }

    /// @inheritdoc IRewards
    function claim(address to) external returns (uint256 paid) {
        if (to == address(0)) revert ZeroAddress();
        uint256 due = _owed[msg.sender];
        if (due == 0) revert NothingOwed(msg.sender);
        uint256 available = pot();
        if (available == 0) revert PotEmpty(due);
        paid = due < available ? due : available;
        uint256 stillOwed;
        unchecked {
            // The payment is at most the credit.
            stillOwed = due - paid;
        }
        _owed[msg.sender] = stillOwed;
        emit Claimed(msg.sender, to, paid, stillOwed);
        token.push(to, paid);
    }

    /// @inheritdoc IRewards
    function owed(address account) external view returns (uint256) {
        return _owed[account];
    }

    /// @inheritdoc IRewards
    function pot() public view returns (uint256) {
        return token.balanceOf(address(this));
    }

    /// @inheritdoc IRewards
    function ratesOf(Slot slot) external view returns (Rates memory) {
        return _ratesOf(slot).unpack();
    }

    /// @inheritdoc IRewards
    function maxPrice(Slot slot) external view returns (uint96) {
        PackedRates rates = _ratesOf(slot);
        return Payouts.shareDown(rates.blockReward(), rates.sequencerBps());
    }

    /// @dev Rates of a slot, for the slot in turn and later ones. Usually no other rates are scheduled, and this reads
    /// one word.
    function _ratesOf(Slot slot) private view returns (PackedRates rates) {
        rates = _rates;
        if (rates.isFollowed() && !(slot < _nextFrom)) rates = _nextRates;
    }

    /// @dev Like `_ratesOf`. Also replaces the stored rates by the scheduled ones, if those have come into force.
    function _applyRates(Slot slot) private returns (PackedRates rates) {
        rates = _rates;
        if (rates.isFollowed() && !(slot < _nextFrom)) {
            rates = _nextRates;
            _rates = rates;
        }
    }

    function _checkRates(Rates memory rates, uint96 maxReward, uint96 maxBonus) private pure {
        if (rates.blockReward > maxReward) revert BlockRewardTooHigh(maxReward, rates.blockReward);
        if (rates.revealBonus > maxBonus) revert RevealBonusTooHigh(maxBonus, rates.revealBonus);
        uint256 whole = uint256(rates.sequencerBps) + rates.proverBps + rates.submitterBps;
        if (whole != Payouts.BPS) revert SharesNotWhole(Payouts.BPS, whole);
    }
}
