//! The rules: what each operation does to the state, and when it may not.
//!
//! The circuit enforces the same rules; `fernet-circuit` tests both against each other.

use crate::account::{Account, AccountIndex, L1Address};
use crate::domain::Domain;
use crate::keys::Signature;
use crate::operation::{Deposit, Exit, L1Operation, Operation, SignedOperation, Slot, Transfer, Withdrawal};
use crate::tree::{Opening, State, Store};

/// Which rule an operation breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The index has no leaf in this tree.
    #[error("expected an account index below {leaves}, got {index}")]
    IndexOutOfRange {
        /// The index.
        index: AccountIndex,
        /// Leaves of the tree.
        leaves: u64,
    },
    /// A deposit names the reserved account.
    #[error("expected a deposit to an account above 0, got one to the reserved account")]
    ReservedAccount,
    /// The payer doesn't exist.
    #[error("expected the sender {0} to exist, found no account")]
    UnknownSender(AccountIndex),
    /// The recipient doesn't exist.
    #[error("expected the recipient {0} to exist, found no account")]
    UnknownRecipient(AccountIndex),
    /// The operation was signed for another turn.
    #[error("expected nonce {expected} of account {account}, got {actual}")]
    NonceMismatch {
        /// Whose nonce.
        account: AccountIndex,
        /// The account's.
        expected: u32,
        /// The operation's.
        actual: u32,
    },
    /// The account has signed as many operations as a nonce can count.
    #[error("expected a nonce below {max} of account {0}, got {max}", max = u32::MAX)]
    NonceExhausted(AccountIndex),
    /// The signature isn't the account's for this operation in this domain.
    #[error("expected a signature of account {0}, got one that doesn't verify")]
    InvalidSignature(AccountIndex),
    /// The account can't pay amount and fee.
    #[error("expected a balance of at least {required} in account {account}, got {available}")]
    InsufficientBalance {
        /// Whose balance.
        account: AccountIndex,
        /// What it has.
        available: u64,
        /// Amount and fee.
        required: u128,
    },
    /// The recipient would own more than 64 bits can count.
    #[error("expected a balance of account {account} within 64 bits, got {balance} + {amount}")]
    BalanceOverflow {
        /// Whose balance.
        account: AccountIndex,
        /// What it has.
        balance: u64,
        /// What would be added.
        amount: u64,
    },
    /// A deposit's key isn't the account's.
    #[error("expected the key of account {0} in its deposit, got another")]
    KeyMismatch(AccountIndex),
    /// A withdrawal or an exit would pay the zero address.
    #[error("expected a withdrawal to a nonzero address, got the zero address")]
    ZeroAddress,
}

/// What the circuit needs to know about one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotWitness {
    /// What the slot holds.
    pub slot: Slot,
    /// The payer's signature, where there is a payer and the signature is known (data alone doesn't hold it).
    pub signature: Option<Signature>,
    /// The payer before the slot.
    pub sender: Option<Opening>,
    /// The recipient after the payer's update.
    pub recipient: Option<Opening>,
    /// The entry of L1's queue that this slot consumes; an exit is in its first slot.
    pub queued: Option<L1Operation>,
}

impl SlotWitness {
    /// A slot that touches no account.
    #[must_use]
    pub const fn passive(slot: Slot) -> Self {
        Self { slot, signature: None, sender: None, recipient: None, queued: None }
    }
}

impl<S: Store> State<S> {
    /// Checks everything about an operation, the signature last, and changes nothing.
    ///
    /// # Errors
    /// With the rule that it breaks.
    pub fn check(&self, domain: Domain, signed: &SignedOperation) -> Result<(), OperationError> {
        let operation = &signed.operation;
        let from = operation.sender();
        let account = self.check_unsigned(operation)?;
        if operation.nonce() != account.nonce {
            let (expected, actual) = (account.nonce, operation.nonce());
            return Err(OperationError::NonceMismatch { account: from, expected, actual });
        }
        if !account.key.verify(domain, &operation.message(), &signed.signature) {
            return Err(OperationError::InvalidSignature(from));
        }
        Ok(())
    }

    /// Checks and applies an operation.
    ///
    /// # Errors
    /// With the rule that it breaks; the state is then unchanged.
    pub fn apply(
        &mut self,
        domain: Domain,
        signed: &SignedOperation,
    ) -> Result<Vec<SlotWitness>, OperationError> {
        self.check(domain, signed)?;
        self.apply_unsigned(&signed.operation, Some(signed.signature))
    }

    /// Applies an operation that a proof vouches for: everything is checked but nonce and signature.
    ///
    /// # Errors
    /// With the rule that it breaks; the state is then unchanged.
    pub fn apply_unsigned(
        &mut self,
        operation: &Operation,
        signature: Option<Signature>,
    ) -> Result<Vec<SlotWitness>, OperationError> {
        let account = self.check_unsigned(operation)?;
        let (slot, target) = operation.slots();
        let sender = self.opening(operation.sender());
        // Both were checked: the balance suffices and the nonce has a successor.
        let balance = account.balance.saturating_sub(u64::try_from(operation.required()).unwrap_or(u64::MAX));
        let debited = Account { balance, nonce: account.nonce.saturating_add(1), ..account };
        self.set(operation.sender(), debited);
        let recipient = match *operation {
            Operation::Withdrawal(_) => None,
            Operation::Transfer(Transfer { to, amount, .. }) => {
                let opening = self.opening(to);
                if let Some(account) = opening.account {
                    // Checked: the sum fits.
                    self.set(to, Account { balance: account.balance.saturating_add(amount), ..account });
                }
                Some(opening)
            }
        };
        let first = SlotWitness { slot, signature, sender: Some(sender), recipient, queued: None };
        Ok(std::iter::once(first).chain(target.map(SlotWitness::passive)).collect())
    }

    /// Applies a deposit that L1 has queued.
    ///
    /// # Errors
    /// With the rule that it breaks; the state is then unchanged.
    pub fn apply_deposit(&mut self, deposit: &Deposit) -> Result<SlotWitness, OperationError> {
        let &Deposit { to, key, amount } = deposit;
        if to == AccountIndex::RESERVED {
            return Err(OperationError::ReservedAccount);
        }
        self.check_index(to)?;
        let opening = self.opening(to);
        let account = opening.account.unwrap_or(Account { key, balance: 0, nonce: 0 });
        if account.key != key {
            return Err(OperationError::KeyMismatch(to));
        }
        self.set(to, Account { balance: credited(to, account.balance, amount)?, ..account });
        Ok(SlotWitness {
            slot: Slot::Deposit { to, amount },
            signature: None,
            sender: None,
            recipient: Some(opening),
            queued: Some((*deposit).into()),
        })
    }

    /// Applies an exit that L1 has queued: the whole balance leaves, and the nonce stays. Returns the exit's slot and
    /// its target's.
    ///
    /// # Errors
    /// With the rule that it breaks; the state is then unchanged.
    pub fn apply_exit(&mut self, exit: &Exit) -> Result<[SlotWitness; 2], OperationError> {
        let &Exit { from, target } = exit;
        if target == L1Address::default() {
            return Err(OperationError::ZeroAddress);
        }
        self.check_index(from)?;
        let opening = self.opening(from);
        let amount = opening.account.map_or(0, |account| account.balance);
        if let Some(account) = opening.account {
            self.set(from, Account { balance: 0, ..account });
        }
        let first = SlotWitness {
            slot: Slot::Exit { from, amount },
            signature: None,
            sender: Some(opening),
            recipient: None,
            queued: Some((*exit).into()),
        };
        Ok([first, SlotWitness::passive(Slot::Target(target))])
    }

    /// Applies an entry of L1's queue.
    ///
    /// # Errors
    /// With the rule that it breaks; the state is then unchanged.
    pub fn apply_queued(&mut self, operation: &L1Operation) -> Result<Vec<SlotWitness>, OperationError> {
        match operation {
            L1Operation::Deposit(deposit) => Ok(vec![self.apply_deposit(deposit)?]),
            L1Operation::Exit(exit) => Ok(self.apply_exit(exit)?.into()),
        }
    }

    /// Credits `fees` to the fee recipient, if that account exists; otherwise they are burned as well.
    ///
    /// # Errors
    /// When the balance would overflow.
    pub(crate) fn credit_fees(
        &mut self,
        recipient: AccountIndex,
        fees: u64,
    ) -> Result<Opening, OperationError> {
        self.check_index(recipient)?;
        let opening = self.opening(recipient);
        if let Some(account) = opening.account {
            let balance = credited(recipient, account.balance, fees)?;
            self.set(recipient, Account { balance, ..account });
        }
        Ok(opening)
    }

    fn check_index(&self, index: AccountIndex) -> Result<(), OperationError> {
        let leaves = self.levels().leaves();
        if u64::from(index.get()) < leaves {
            Ok(())
        } else {
            Err(OperationError::IndexOutOfRange { index, leaves })
        }
    }

    /// Every rule but nonce and signature; returns the payer.
    fn check_unsigned(&self, operation: &Operation) -> Result<Account, OperationError> {
        let from = operation.sender();
        self.check_index(from)?;
        let account = self.account(from).ok_or(OperationError::UnknownSender(from))?;
        if account.nonce == u32::MAX {
            return Err(OperationError::NonceExhausted(from));
        }
        let (available, required) = (account.balance, operation.required());
        if u128::from(available) < required {
            return Err(OperationError::InsufficientBalance { account: from, available, required });
        }
        match *operation {
            Operation::Withdrawal(Withdrawal { target, .. }) => {
                if target == L1Address::default() {
                    return Err(OperationError::ZeroAddress);
                }
            }
            Operation::Transfer(Transfer { to, amount, .. }) => {
                self.check_index(to)?;
                let recipient = self.account(to).ok_or(OperationError::UnknownRecipient(to))?;
                // Paying oneself can't overflow: the amount was debited just before.
                if to != from {
                    credited(to, recipient.balance, amount)?;
                }
            }
        }
        Ok(account)
    }
}

fn credited(account: AccountIndex, balance: u64, amount: u64) -> Result<u64, OperationError> {
    balance.checked_add(amount).ok_or(OperationError::BalanceOverflow { account, balance, amount })
}
