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
    uint72 public immutable maxRewardPerL1Slot;

    mapping(address => uint256) private _owed;
    PackedRates private _rates;
    /// @dev Rates from slot `_nextFrom` on, if `_rates` are followed by others.
    PackedRates private _nextRates;
    Slot private _nextFrom;

    /// @param governance_ Account that may change the rates; zero if nobody may.
    constructor(IERC20 token_, address rollup_, address governance_, Rates memory rates, uint72 maxRewardPerL1Slot_) {
        if (address(token_).code.length == 0) revert BadParameter("token");
        if (rollup_ == address(0)) revert BadParameter("rollup");
        token = token_;
        rollup = rollup_;
        governance = governance_;
        maxRewardPerL1Slot = maxRewardPerL1Slot_;
        _checkRates(rates, maxRewardPerL1Slot_);
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
        if (pay.exclusiveProving == 0) revert BadParameter("exclusiveProving");
        PackedRates rates = _applyRates(pay.slot);
        uint96 reward = _reward(rates, pay.paidL1Slots);
        uint96 proverShare = Payouts.shareDown(reward, rates.proverBps());
        uint96 sequencerShare = Payouts.shareDown(reward, rates.sequencerBps());
        uint96 bonus = Payouts.shareDown(reward, rates.bonusBps());
        uint256 proverReward =
            Payouts.promptShareDown(proverShare, rates.promptnessBps(), pay.exclusiveProving, pay.proofDelay);
        uint256 sequencerReward;
        uint256 submitterReward;
        unchecked {
            // The shares are parts of the reward, which has 89 bits. A price is at most its payer's share.
            submitterReward = reward - proverShare - sequencerShare - bonus;
            if (pay.sequencer != address(0)) {
                (proverReward, sequencerReward) = _movePrice(pay.price, proverReward, sequencerShare);
                sequencerReward += Payouts.revealBonusDown(bonus, pay.turnLength, pay.revealDelay);
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
        _checkRates(rates, maxRewardPerL1Slot);
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
    function priceRange(Slot slot, uint32 paidL1Slots) external view returns (int128 lowest, int128 highest) {
        PackedRates rates = _ratesOf(slot);
        uint96 reward = _reward(rates, paidL1Slots);
        uint96 proverShare = Payouts.shareDown(reward, rates.proverBps());
        // Casts: shares have 96 bits.
        lowest = -int128(uint128(Payouts.promptShareDown(proverShare, rates.promptnessBps(), 1, 1)));
        highest = int128(uint128(Payouts.shareDown(reward, rates.sequencerBps())));
    }

    /// @dev Reward of a block that is paid for `paidL1Slots`, which is below 2^17.
    function _reward(PackedRates rates, uint32 paidL1Slots) private pure returns (uint96) {
        unchecked {
            // 72 bits times 17 bits.
            return uint96(rates.rewardPerL1Slot()) * paidL1Slots;
        }
    }

    /// @dev The shares of prover and sequencer after the price, of which the payer's share limits the amount.
    function _movePrice(int128 price, uint256 proverShare, uint256 sequencerShare)
        private
        pure
        returns (uint256, uint256)
    {
        unchecked {
            // The moved amount is at most the share that it is taken from. Casts: of an absolute value.
            if (price < 0) {
                uint256 back = uint256(-int256(price));
                if (back > proverShare) back = proverShare;
                return (proverShare - back, sequencerShare + back);
            }
            uint256 amount = uint256(int256(price));
            if (amount > sequencerShare) amount = sequencerShare;
            return (proverShare + amount, sequencerShare - amount);
        }
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

    function _checkRates(Rates memory rates, uint72 maximum) private pure {
        if (rates.rewardPerL1Slot > maximum) revert RewardTooHigh(maximum, rates.rewardPerL1Slot);
        if (rates.promptnessBps > Payouts.BPS) revert PromptnessTooHigh(Payouts.BPS, rates.promptnessBps);
        uint256 whole = uint256(rates.sequencerBps) + rates.bonusBps + rates.proverBps + rates.submitterBps;
        if (whole != Payouts.BPS) revert SharesNotWhole(Payouts.BPS, whole);
    }
}
