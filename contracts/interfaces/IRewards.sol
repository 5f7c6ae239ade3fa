// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../types/Time.sol";

/// @notice What a block pays. Its reward is `rewardPerL1Slot` token units for each L1 slot that it is paid for. Shares
/// are parts of the reward in basis points, and the first four are 10,000 in total.
struct Rates {
    uint72 rewardPerL1Slot;
    uint16 sequencerBps;
    /// Paid in full for a reveal in the first L1 slot of the turn, and linearly less for each L1 slot after it.
    uint16 bonusBps;
    /// Paid in full for a proof in the L1 slot of the reveal, and linearly less for each L1 slot after it.
    uint16 proverBps;
    uint16 submitterBps;
    /// Part of the prover's share, in basis points of that share, that a proof loses by the last L1 slot of the
    /// exclusive phase and later. At most 10,000.
    uint16 promptnessBps;
}

/// @notice Accounts and amounts of a finalized block's payment.
struct BlockPay {
    Slot slot;
    /// L1 slots that the block is paid for, below 2^17.
    uint32 paidL1Slots;
    /// Owner of the sequencer whose block it is. Zero if the block is not a candidate's; the sequencer's share is not
    /// paid then.
    address sequencer;
    /// Account that gets the prover's share.
    address prover;
    /// Sender of the transaction.
    address submitter;
    /// Token units that move from the sequencer's share to the prover; negative in the other direction.
    int128 price;
    /// L1 slots for commitment and reveal.
    uint16 turnLength;
    /// L1 slots from the start of the turn to the completed reveal, at most `turnLength`.
    uint16 revealDelay;
    /// L1 slots of the exclusive phase, above zero.
    uint16 exclusiveProving;
    /// L1 slots from the completed reveal to the proof, at most `exclusiveProving`.
    uint16 proofDelay;
}

/// @title The reward pot and its credits
/// @notice A finalized block credits rewards. A claim pays a credit, as far as the pot reaches. An empty pot delays
/// payments and never blocks a block. Shares are rounded down, and the remainder of a reward goes to the submitter.
/// What a late reveal or a late proof loses stays in the pot.
interface IRewards {
    event Funded(address indexed from, uint256 amount);
    /// @notice The credits of one block. An account is owed the sum of its credits less the sum of its `Claimed`
    /// amounts.
    event BlockPaid(
        Slot slot,
        address indexed sequencer,
        uint256 sequencerReward,
        address indexed prover,
        uint256 proverReward,
        address indexed submitter,
        uint256 submitterReward
    );
    event Claimed(address indexed account, address indexed to, uint256 amount, uint256 stillOwed);
    /// @notice Blocks of slot `from` and later slots pay `rates`. A later event for the same slot replaces this one.
    event RatesScheduled(Slot indexed from, Rates rates);

    /// @custom:rule E1
    error NotRollup(address expected, address actual);
    /// @custom:rule E8
    error NotGovernance(address expected, address actual);
    /// @notice The reward exceeds the maximum that the constructor fixed.
    /// @custom:rule E8
    error RewardTooHigh(uint72 maximum, uint72 actual);
    /// @notice A proof cannot lose more than the prover's share.
    /// @custom:rule E8, E11
    error PromptnessTooHigh(uint256 maximum, uint256 actual);
    /// @notice The four shares do not sum to 10,000 basis points.
    /// @custom:rule E8
    error SharesNotWhole(uint256 expected, uint256 actual);
    /// @custom:rule E1
    error NothingOwed(address account);
    /// @custom:rule E1
    error PotEmpty(uint256 owed);
    /// @custom:rule E1
    error ZeroAmount();
    /// @custom:rule E1
    error ZeroAddress();
    /// @custom:rule M4
    error BadParameter(string name);

    /// @notice Adds the sender's tokens to the pot. Anyone.
    /// @dev Errors: `ZeroAmount`; `Tokens.TransferFailed`; `Tokens.WrongAmountReceived`.
    function fund(uint256 amount) external;
    /// @notice Credits what a finalized block pays under the rates of its slot. No tokens move. Rollup only, once for a
    /// block.
    /// @dev The prover gets its share, less what a late proof loses, and the price. The sequencer gets its share less
    /// the price, and the reveal bonus. The submitter gets the rest of the reward. Without a sequencer there is neither
    /// price nor bonus. A price counts as far as its payer's share covers it. Errors: `NotRollup`.
    function settleBlock(BlockPay calldata pay) external;
    /// @notice Changes the rates of the slots after the slot in turn. Replaces a change that was made during the same
    /// slot. Governance only. The rates of the slot in turn and earlier credits never change.
    /// @dev Errors: `NotGovernance`; `RewardTooHigh`; `PromptnessTooHigh`; `SharesNotWhole`.
    function setRates(Rates calldata rates) external;
    /// @notice Pays the sender's credit to `to`, or as much of it as the pot holds. The rest stays owed.
    /// @dev Errors: `ZeroAddress` for the target; `NothingOwed` without a credit; `PotEmpty` if the pot is empty.
    function claim(address to) external returns (uint256 paid);

    /// @notice Credit of an account, in token units.
    function owed(address account) external view returns (uint256);
    /// @notice Tokens in the pot.
    function pot() external view returns (uint256);
    /// @notice Rates of a block of `slot`. Correct for the slot in turn and for later slots. Only the rates of later
    /// slots may still change.
    function ratesOf(Slot slot) external view returns (Rates memory);
    /// @notice Range of a quote's price for a block of `slot` that is paid for `paidL1Slots` L1 slots. The highest
    /// price is the sequencer's share. The lowest is, with a negative sign, the prover's share of a proof in the last
    /// L1 slot of the exclusive phase: what the prover is sure to get.
    /// @param paidL1Slots Below 2^17.
    function priceRange(Slot slot, uint32 paidL1Slots) external view returns (int128 lowest, int128 highest);
    /// @notice Account that may change the rates; zero if nobody may.
    function governance() external view returns (address);
    /// @notice Highest reward for an L1 slot that governance may set, in token units.
    function maxRewardPerL1Slot() external view returns (uint72);
}
