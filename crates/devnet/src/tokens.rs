//! Where every token is, on L1, in each contract and on L2, and whether the sums agree.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use alloy::{
    primitives::{Address, U256, address},
    providers::Provider as _,
    rpc::types::Filter,
    sol_types::SolEvent as _,
};
use fernet_bindings::{IBridge, IERC20, IEscrow, IRewards, IStaking};
use fernet_l1::{Contracts, L1Provider};

use crate::record::{Amount, Conservation};

/// Where burned tokens go.
const BURN: Address = address!("0x000000000000000000000000000000000000dEaD");

/// L1 blocks that a node is asked for logs of at a time.
const LOGS_RANGE: u64 = 2_000;

/// What the contracts and the ledger say, at one L1 block. Token units but for those of L2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenBalances {
    /// Total supply.
    pub supply: U256,
    /// Balances of the contracts.
    pub staking: U256,
    /// See `staking`.
    pub escrow: U256,
    /// See `staking`.
    pub rewards: U256,
    /// See `staking`.
    pub bridge: U256,
    /// Burned.
    pub burned: U256,
    /// Balances of all other accounts together.
    pub users: U256,
    /// Sum of all stakes.
    pub stakes: U256,
    /// Sum of all escrow accounts: free, locked and withdrawing.
    pub escrowed: U256,
    /// Tokens in the reward pot by its own count.
    pub pot: U256,
    /// Rewards credited and not yet claimed, by the events.
    pub credited: U256,
    /// The same, account by account.
    pub owed: U256,
    /// Token units of an L2 unit.
    pub unit: U256,
    /// L2 units deposited and not claimed back, by the bridge's own count.
    pub bridge_supply: U256,
    /// L2 units of deposits that no block has consumed yet.
    pub queued: U256,
    /// L2 units on all accounts of the ledger.
    pub ledger: U256,
    /// L2 units withdrawn on L2 and not claimed on L1.
    pub unclaimed: U256,
    /// L2 units of fees that no account got.
    pub fees_burned: U256,
}

/// L2's part of the balances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerBalances {
    /// L2 units of deposits that no block has consumed yet.
    pub queued: u128,
    /// L2 units on all accounts.
    pub accounts: u128,
    /// L2 units withdrawn and not claimed.
    pub unclaimed: u128,
    /// L2 units of fees that no account got.
    pub fees_burned: u128,
    /// Rewards credited and not paid, by the events, in token units.
    pub credited: U256,
}

/// The accounts that the contracts keep balances of.
#[derive(Debug, Clone, Default)]
pub struct Holders {
    /// Every account that ever had an escrow.
    pub escrows: BTreeSet<Address>,
    /// Every account that was ever credited a reward.
    pub credited: BTreeSet<Address>,
}

impl TokenBalances {
    /// Reads the contracts at the last of `blocks`. The first one is the deployment's.
    ///
    /// # Errors
    /// When the L1 doesn't answer.
    pub async fn read(
        provider: &L1Provider,
        contracts: &Contracts,
        blocks: RangeInclusive<u64>,
        holders: &Holders,
        ledger: LedgerBalances,
    ) -> Result<Self, alloy::contract::Error> {
        let block = alloy::eips::BlockId::number(*blocks.end());
        let token = IERC20::new(contracts.token, provider);
        let balance = async |account: Address| token.balanceOf(account).block(block).call().await;
        let staking = IStaking::new(contracts.staking, provider);
        let escrow = IEscrow::new(contracts.escrow, provider);
        let rewards = IRewards::new(contracts.rewards, provider);
        let bridge = IBridge::new(contracts.bridge, provider);

        let mut balances = Self {
            supply: token.totalSupply().block(block).call().await?,
            staking: balance(contracts.staking).await?,
            escrow: balance(contracts.escrow).await?,
            rewards: balance(contracts.rewards).await?,
            bridge: balance(contracts.bridge).await?,
            burned: balance(BURN).await?,
            pot: rewards.pot().block(block).call().await?,
            credited: ledger.credited,
            unit: bridge.unit().block(block).call().await?,
            bridge_supply: U256::from(bridge.supply().block(block).call().await?),
            queued: U256::from(ledger.queued),
            ledger: U256::from(ledger.accounts),
            unclaimed: U256::from(ledger.unclaimed),
            fees_burned: U256::from(ledger.fees_burned),
            ..Self::default()
        };
        let counted = [contracts.staking, contracts.escrow, contracts.rewards, contracts.bridge, BURN];
        for account in receivers(provider, contracts.token, blocks).await? {
            if !counted.contains(&account) {
                balances.users += balance(account).await?;
            }
        }
        for id in 1..=staking.count().block(block).call().await? {
            balances.stakes +=
                U256::from(staking.sequencer(id).block(block).call().await?.stake.to::<u128>());
        }
        for account in &holders.escrows {
            let account = escrow.account(*account).block(block).call().await?;
            balances.escrowed +=
                U256::from(account.free) + U256::from(account.locked) + U256::from(account.withdrawing);
        }
        for account in &holders.credited {
            balances.owed += rewards.owed(*account).block(block).call().await?;
        }
        Ok(balances)
    }

    /// Compares what must be equal.
    #[must_use]
    pub fn check(&self) -> Conservation {
        let held = [
            ("staking", self.staking),
            ("escrow", self.escrow),
            ("rewards", self.rewards),
            ("bridge", self.bridge),
            ("burned", self.burned),
            ("users", self.users),
        ];
        let total = held.iter().fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount));
        let on_l2 = [self.queued, self.ledger, self.unclaimed, self.fees_burned]
            .iter()
            .fold(U256::ZERO, |sum, amount| sum.saturating_add(*amount));
        let checks = [
            ("all balances together", self.supply, total),
            ("the staking contract's balance", self.stakes, self.staking),
            ("the escrow's balance", self.escrowed, self.escrow),
            ("the reward contract's balance", self.pot, self.rewards),
            ("rewards owed in total, by the events", self.owed, self.credited),
            ("the bridge's balance", self.bridge_supply.saturating_mul(self.unit), self.bridge),
            ("units on L2, queued, unclaimed and burned there", self.bridge_supply, on_l2),
        ];
        let violations: Vec<_> = checks
            .into_iter()
            .filter(|(_, expected, actual)| expected != actual)
            .map(|(what, expected, actual)| format!("expected {what} to be {expected}, got {actual}"))
            .collect();
        Conservation {
            holds: violations.is_empty(),
            supply: Amount(self.supply),
            held: held
                .into_iter()
                .map(|(name, amount)| (name.to_owned(), Amount(amount)))
                .collect::<BTreeMap<_, _>>(),
            violations,
        }
    }
}

/// Every account that ever got tokens.
async fn receivers(
    provider: &L1Provider,
    token: Address,
    blocks: RangeInclusive<u64>,
) -> Result<BTreeSet<Address>, alloy::contract::Error> {
    let mut receivers = BTreeSet::new();
    let (mut from, end) = (*blocks.start(), *blocks.end());
    while from <= end {
        let to = from.saturating_add(LOGS_RANGE - 1).min(end);
        let filter = Filter::new()
            .address(token)
            .event_signature(IERC20::Transfer::SIGNATURE_HASH)
            .from_block(from)
            .to_block(to);
        let logs = provider.get_logs(&filter).await?;
        receivers.extend(logs.iter().filter_map(|log| log.topics().get(2)).map(|to| Address::from_word(*to)));
        from = to.saturating_add(1);
    }
    Ok(receivers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balances() -> TokenBalances {
        let n = |number: u64| U256::from(number);
        TokenBalances {
            supply: n(100_000),
            staking: n(400),
            escrow: n(50),
            rewards: n(1_000),
            bridge: n(20_000),
            burned: n(7),
            users: n(78_543),
            stakes: n(400),
            escrowed: n(50),
            pot: n(1_000),
            credited: n(9),
            owed: n(9),
            unit: n(10),
            bridge_supply: n(2_000),
            queued: n(100),
            ledger: n(1_800),
            unclaimed: n(90),
            fees_burned: n(10),
        }
    }

    #[test]
    fn good_books_pass() {
        let conservation = balances().check();
        assert!(conservation.holds, "{:?}", conservation.violations);
        assert_eq!(conservation.held.len(), 6);
    }

    #[test]
    fn one_unit_missing_anywhere_is_seen() {
        let changes: [fn(&mut TokenBalances); 17] = [
            |b| b.supply += U256::ONE,
            |b| b.staking += U256::ONE,
            |b| b.escrow += U256::ONE,
            |b| b.rewards += U256::ONE,
            |b| b.bridge += U256::ONE,
            |b| b.burned += U256::ONE,
            |b| b.users += U256::ONE,
            |b| b.stakes += U256::ONE,
            |b| b.escrowed += U256::ONE,
            |b| b.pot += U256::ONE,
            |b| b.credited += U256::ONE,
            |b| b.owed += U256::ONE,
            |b| b.bridge_supply += U256::ONE,
            |b| b.queued += U256::ONE,
            |b| b.ledger += U256::ONE,
            |b| b.unclaimed += U256::ONE,
            |b| b.fees_burned += U256::ONE,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut balances = balances();
            change(&mut balances);
            assert!(!balances.check().holds, "change {number} went unseen");
        }
    }
}
