// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../types/Time.sol";

/// @notice What a block pays. Amounts are in token units. Shares are parts of `blockReward` in basis points, 10,000 in
/// total.
struct Rates {
    uint96 blockReward;
    /// Paid in full for a reveal in the L1 slot of its commitment, and linearly less for each L1 slot after it.
    uint96 revealBonus;
    uint16 sequencerBps;
    uint16 proverBps;
    uint16 submitterBps;
}

/// @notice Accounts and amounts of a finalized block's payment.
struct BlockPay {
    Slot slot;
    /// Owner of the sequencer whose block it is. Zero if the block is not a candidate's; the sequencer's share is not
    /// paid then.
    address sequencer;
    /// Account that gets the prover's share.
    address prover;
    /// Sender of the transaction.
    address submitter;
    /// Token units that move from the sequencer's share to the prover.
    uint96 price;
    /// L1 slots that a reveal may take after its commitment.
    uint16 revealPhase;
    /// L1 slots that the reveal took, at most `revealPhase`.
    uint16 revealDuration;
}

/// @title The reward pot and its credits
/// @notice A finalized block credits rewards. A claim pays a credit, as far as the pot reaches. An empty pot delays
/// payments and never blocks a block. Shares are rounded down, and the remainder of a block reward goes to the
/// submitter.
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
    /// @notice The block reward exceeds the maximum that the constructor fixed.
    /// @custom:rule E8
    error BlockRewardTooHigh(uint96 maximum, uint96 actual);
    /// @notice The reveal bonus exceeds the maximum that the constructor fixed.
    /// @custom:rule E8
    error RevealBonusTooHigh(uint96 maximum, uint96 actual);
    /// @notice The three shares do not sum to 10,000 basis points.
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
    /// @dev The prover gets its share and the price. The sequencer gets its share less the price, and the reveal bonus.
    /// The submitter gets the rest of the block reward. Without a sequencer there is neither price nor bonus. A price
    /// above the sequencer's share counts as that share. Errors: `NotRollup`.
    function settleBlock(BlockPay calldata pay) external;
    /// @notice Changes the rates of the slots after the slot in turn. Replaces a change that was made during the same
    /// slot. Governance only. The rates of the slot in turn and earlier credits never change.
    /// @dev Errors: `NotGovernance`; `BlockRewardTooHigh`; `RevealBonusTooHigh`; `SharesNotWhole`.
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
    /// @notice Highest price of a quote for `slot`: the sequencer's share of the block reward, rounded down.
    function maxPrice(Slot slot) external view returns (uint96);
    /// @notice Account that may change the rates; zero if nobody may.
    function governance() external view returns (address);
    /// @notice Highest block reward that governance may set, in token units.
    function maxBlockReward() external view returns (uint96);
    /// @notice Highest reveal bonus that governance may set, in token units.
    function maxRevealBonus() external view returns (uint96);
}
