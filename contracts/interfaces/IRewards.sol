// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slot} from "../types/Time.sol";

/// @notice What a block pays. Amounts in token units, shares of `blockReward` in basis points, 10,000 together.
struct Rates {
    uint96 blockReward;
    /// for a reveal in the L1 slot of its commitment; linearly less for each L1 slot after it
    uint96 revealBonus;
    uint16 sequencerBps;
    uint16 proverBps;
    uint16 submitterBps;
}

/// @notice Whom a finalized block pays.
struct BlockPay {
    Slot slot;
    /// owner of the sequencer whose block it is; zero if it is nobody's, then its share isn't paid
    address sequencer;
    /// gets the prover's share
    address prover;
    /// sent the transaction
    address submitter;
    /// moves from the sequencer's share to the prover, token units
    uint96 price;
    /// L1 slots that a reveal may take after its commitment, and those it took, at most as many
    uint16 revealPhase;
    uint16 revealDuration;
}

/// @title The reward pot and what it owes
/// @notice Credits are promises; they are paid when claimed and as far as the pot reaches. An empty pot delays pay and never blocks a block.
/// Shares are rounded down, and what is left over of a block reward goes to the submitter.
interface IRewards {
    event Funded(address indexed from, uint256 amount);
    /// @notice The credits of one block: each account's rises by what stands behind it. The sum of these less the `Claimed` of an account is what it is owed.
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
    /// @notice Blocks of `from` and later slots pay `rates`, unless another change is announced for the same slot.
    event RatesScheduled(Slot indexed from, Rates rates);

    /// @custom:rule E1
    error NotRollup(address expected, address actual);
    /// @custom:rule E8
    error NotGovernance(address expected, address actual);
    /// @notice Above the ceiling that the constructor fixed.
    /// @custom:rule E8
    error BlockRewardTooHigh(uint96 maximum, uint96 actual);
    /// @notice Above the ceiling that the constructor fixed.
    /// @custom:rule E8
    error RevealBonusTooHigh(uint96 maximum, uint96 actual);
    /// @notice The three shares aren't the whole.
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

    /// @notice Adds the sender's tokens to the pot. Anyone. `ZeroAmount`, the errors of the token's transfer.
    function fund(uint256 amount) external;
    /// @notice Credits what a finalized block pays under the rates of its slot; nothing moves. Rollup only (`NotRollup`), once a block.
    /// @dev Prover: its share and the price. Sequencer: its share less the price, and the bonus. Submitter: the rest of the block reward. Without a
    /// sequencer there is neither price nor bonus. A price above the sequencer's share counts as that share.
    function settleBlock(BlockPay calldata pay) external;
    /// @notice Changes the rates of the slots after the one in turn; a change announced in the same slot before is replaced. Governance only (`NotGovernance`).
    /// @dev `BlockRewardTooHigh`, `RevealBonusTooHigh`, `SharesNotWhole`. A slot never changes its rates once it is in turn, and credits never change.
    function setRates(Rates calldata rates) external;
    /// @notice Pays the sender's credit to `to`, or as much of it as the pot holds; the rest stays owed. `ZeroAddress` as the target.
    /// @dev `NothingOwed` without a credit, `PotEmpty` where the pot has nothing at all.
    function claim(address to) external returns (uint256 paid);

    /// @notice Credit of an account, token units.
    function owed(address account) external view returns (uint256);
    /// @notice Tokens in the pot.
    function pot() external view returns (uint256);
    /// @notice What a block of `slot` pays, as far as it is known: the slot in turn and earlier ones never change.
    function ratesOf(Slot slot) external view returns (Rates memory);
    /// @notice Highest price of a quote for `slot`: the sequencer's share of the block reward, rounded down.
    function maxPrice(Slot slot) external view returns (uint96);
    /// @notice Who may change the rates; zero for nobody.
    function governance() external view returns (address);
    /// @notice Ceilings of the rates, token units.
    function maxBlockReward() external view returns (uint96);
    function maxRevealBonus() external view returns (uint96);
}
