//! L2's part of the token balances: what every finalized block moved on L2.

use std::collections::BTreeMap;

use fernet_follower::{Ledger, QueueRecord, Replayed, RollupView};
use fernet_ledger::block::PendingWithdrawal;
use fernet_protocol::{L1Operation, Lane, Slot};

use crate::{tokens::LedgerBalances, view::BlockContents};

/// What finalized blocks contain.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    blocks: BTreeMap<Slot, Contents>,
    /// L2 units on all accounts after the last block seen.
    accounts: u128,
    /// L2 units of fees that no account got.
    burned: u128,
    violations: Vec<String>,
}

/// What one block contains.
#[derive(Debug, Clone, Default)]
struct Contents {
    counts: BlockContents,
    withdrawals: Vec<PendingWithdrawal>,
}

impl Audit {
    /// Counts blocks that were executed since the last call; `ledger` is the state after them.
    pub fn apply(&mut self, replayed: Vec<Replayed>, ledger: &Ledger) {
        if replayed.is_empty() {
            return;
        }
        let (mut deposited, mut withdrawn, mut burned) = (0u128, 0u128, 0u128);
        for Replayed { slot, block } in replayed {
            let withdrawals = block.withdrawals();
            let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
            deposited =
                deposited.saturating_add(block.deposits().map(|deposit| u128::from(deposit.amount)).sum());
            withdrawn = withdrawn.saturating_add(withdrawals.iter().map(|w| u128::from(w.amount)).sum());
            burned = burned.saturating_add(block.burned());
            let counts = BlockContents {
                transfers: count(block.transfers()),
                deposits: count(block.deposits().count()),
                withdrawals: count(withdrawals.len()),
                chunks: u32::try_from(block.chunks.len()).unwrap_or(u32::MAX),
            };
            self.blocks.insert(slot, Contents { counts, withdrawals });
        }
        let after = ledger.accounts().map(|(_, account)| u128::from(account.balance)).sum();
        let expected = self.accounts.saturating_add(deposited).saturating_sub(withdrawn);
        // Only fees are burned: the deployment's share of them, or all if their recipient doesn't exist.
        let expected = expected.saturating_sub(burned);
        if expected != after {
            self.violations.push(format!(
                "expected {expected} units on L2 after height {}, got {after}",
                ledger.height()
            ));
        }
        self.burned = self.burned.saturating_add(burned);
        self.accounts = after;
    }

    /// What the block of a slot contains.
    #[must_use]
    pub fn contents(&self, slot: Slot) -> Option<BlockContents> {
        self.blocks.get(&slot).map(|contents| contents.counts)
    }

    /// The withdrawals of finalized blocks, oldest first.
    pub fn withdrawals(&self) -> impl Iterator<Item = (Slot, &PendingWithdrawal)> {
        self.blocks.iter().flat_map(|(slot, contents)| contents.withdrawals.iter().map(move |w| (*slot, w)))
    }

    /// L2's part of the token balances.
    #[must_use]
    pub fn balances(&self, view: &RollupView) -> LedgerBalances {
        let consumed = usize::try_from(view.tip().deposits_end).unwrap_or(usize::MAX);
        let withdrawn: u128 = self.withdrawals().map(|(_, withdrawal)| u128::from(withdrawal.amount)).sum();
        LedgerBalances {
            queued: view.queue(Lane::Deposits).iter().skip(consumed).map(deposited).sum(),
            accounts: self.accounts,
            unclaimed: withdrawn.saturating_sub(claimed(view)),
            fees_burned: self.burned,
            credited: view.totals().credited.saturating_sub(view.totals().claimed),
        }
    }

    /// Blocks after which the accounts don't add up.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }
}

/// L2 units that an entry of the Bridge's queue brings.
fn deposited(record: &QueueRecord) -> u128 {
    match record.operation {
        L1Operation::Deposit(deposit) => deposit.amount.into(),
        L1Operation::Exit(_) => 0,
    }
}

/// L2 units claimed on L1.
#[must_use]
pub fn claimed(view: &RollupView) -> u128 {
    view.claims().iter().map(|claim| u128::from(claim.amount)).sum()
}
