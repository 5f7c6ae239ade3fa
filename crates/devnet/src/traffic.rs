//! Random, but seeded, operations of a devnet's users.

use std::sync::Arc;

use alloy::primitives::Address;
use fernet_ledger::{
    AccountIndex, Domain, Operation, SecretKey, SignedOperation, Store, Transfer, Withdrawal,
};
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

/// Operations of one account that may wait at a time; mempools take 64.
const MAX_WAITING: u32 = 48;
/// Largest amount of a random transfer, in L2 units: small beside the deposits, so that every user can go on
/// paying.
const MAX_AMOUNT: u64 = 1_000_000_000;
/// Largest fee of a random transfer, in L2 units.
const MAX_FEE: u32 = 1_000;

/// A user as the generator sees it.
struct Sender {
    index: AccountIndex,
    secret: Arc<SecretKey>,
    nonce: u32,
    /// What it can spend even if nothing that it will receive arrives.
    spendable: u64,
    /// Operations that aren't final.
    waiting: u32,
}

/// A source of signed operations that are valid in the order in which they come.
pub struct Traffic {
    rng: ChaCha12Rng,
    domain: Domain,
    senders: Vec<Sender>,
}

/// Keys stay out of logs.
impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic").field("senders", &self.senders.len()).finish_non_exhaustive()
    }
}

impl Traffic {
    /// Operations of `users`, each with its account, its key and its first deposit in L2 units.
    pub fn new(
        seed: u64,
        domain: Domain,
        users: impl IntoIterator<Item = (AccountIndex, Arc<SecretKey>, u64)>,
    ) -> Self {
        let senders = users
            .into_iter()
            .map(|(index, secret, spendable)| Sender { index, secret, nonce: 0, spendable, waiting: 0 })
            .collect();
        Self { rng: ChaCha12Rng::seed_from_u64(seed), domain, senders }
    }

    /// Up to `count` random transfers; fewer if too many operations wait already.
    pub fn transfers(&mut self, count: u32) -> Vec<SignedOperation> {
        (0..count).filter_map(|_| self.transfer()).collect()
    }

    fn transfer(&mut self) -> Option<SignedOperation> {
        // All draws come first, so that a transfer that is left out doesn't change the later ones.
        let (from, to) = (self.draw(self.senders.len() as u64), self.draw(self.senders.len() as u64));
        let (amount, fee) = (1 + self.draw(MAX_AMOUNT), self.draw(u64::from(MAX_FEE)) as u32);
        let to = self.senders.get(to as usize)?.index;
        let domain = self.domain;
        let sender = self.senders.get_mut(from as usize)?;
        if sender.waiting >= MAX_WAITING {
            return None;
        }
        sender.pay(amount, fee)?;
        let transfer = Transfer { from: sender.index, to, amount, fee, nonce: sender.nonce };
        Some(sender.sign(domain, transfer.into()))
    }

    /// A withdrawal of `amount` L2 units from user `user` to an L1 address; none if the user can't pay for
    /// it.
    pub fn withdrawal(&mut self, user: usize, target: Address, amount: u64) -> Option<SignedOperation> {
        let domain = self.domain;
        let sender = self.senders.get_mut(user)?;
        // The highest fee in the mempool: the withdrawal that ends a run must not wait.
        let fee = MAX_FEE;
        sender.pay(amount, fee)?;
        let withdrawal = Withdrawal { from: sender.index, target, amount, fee, nonce: sender.nonce };
        Some(sender.sign(domain, withdrawal.into()))
    }

    /// Takes note of what a finalized state holds.
    pub fn settle(&mut self, state: &impl Store) {
        for sender in &mut self.senders {
            let Some(account) = state.account(sender.index) else { continue };
            sender.waiting = sender.nonce.saturating_sub(account.nonce);
            if sender.waiting == 0 {
                sender.spendable = account.balance;
            }
        }
    }

    /// Operations that aren't final.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.senders.iter().map(|sender| u64::from(sender.waiting)).sum()
    }

    /// A number below `bound`; 0 if `bound` is 0. The bias of the remainder doesn't matter here.
    fn draw(&mut self, bound: u64) -> u64 {
        self.rng.next_u64().checked_rem(bound).unwrap_or(0)
    }
}

impl Sender {
    fn pay(&mut self, amount: u64, fee: u32) -> Option<()> {
        self.spendable = self.spendable.checked_sub(amount)?.checked_sub(u64::from(fee))?;
        Some(())
    }

    fn sign(&mut self, domain: Domain, operation: Operation) -> SignedOperation {
        self.nonce = self.nonce.saturating_add(1);
        self.waiting = self.waiting.saturating_add(1);
        operation.sign(domain, &self.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fernet_ledger::{Deposit, Fr, Levels, MemoryStore, State};

    const DEPOSIT: u64 = 1_000_000_000_000;

    fn setup(seed: u64) -> (Traffic, State<MemoryStore>, Domain) {
        let domain = Domain::from_element(Fr::from(1u64));
        let mut state = State::new(MemoryStore::default(), Levels::PRODUCTION);
        let secret = |n: u32| SecretKey::from_seed(&n.to_be_bytes());
        for n in 1..=3 {
            let deposit = Deposit { to: AccountIndex::new(n), key: secret(n).public_key(), amount: DEPOSIT };
            state.apply_deposit(&deposit).unwrap();
        }
        let users = (1..=3).map(|n| (AccountIndex::new(n), Arc::new(secret(n)), DEPOSIT));
        (Traffic::new(seed, domain, users), state, domain)
    }

    #[test]
    fn what_comes_is_valid_in_the_order_in_which_it_comes() {
        let (mut traffic, mut state, domain) = setup(1);
        for _ in 0..5 {
            for operation in traffic.transfers(20) {
                state.apply(domain, &operation).unwrap();
            }
            assert_eq!(traffic.waiting() % 20, 0);
            traffic.settle(&state);
            assert_eq!(traffic.waiting(), 0);
        }
        let withdrawal = traffic.withdrawal(0, Address::repeat_byte(9), 5).unwrap();
        state.apply(domain, &withdrawal).unwrap();
    }

    #[test]
    fn a_seed_gives_the_same_operations_again() {
        let operations = |seed| setup(seed).0.transfers(30);
        assert_eq!(operations(1), operations(1));
        assert_ne!(operations(1), operations(2));
    }

    #[test]
    fn nobody_fills_a_mempool_while_nothing_is_final() {
        let (mut traffic, ..) = setup(1);
        traffic.transfers(1000);
        assert!(traffic.senders.iter().all(|sender| sender.waiting <= MAX_WAITING));
        assert!(traffic.withdrawal(0, Address::repeat_byte(9), u64::MAX).is_none());
    }
}
