//! The state transition: the effect of each operation on the state, and the rules that it must satisfy.
//!
//! The circuit enforces the same rules. The tests of `fernet-circuit` compare the two.

use crate::{
    account::{Account, AccountIndex},
    domain::Domain,
    keys::Signature,
    operation::{Deposit, Exit, Operation, QueuedOperation, SignedOperation, Slot, Transfer, Withdrawal},
    tree::{Opening, State, Store},
};

/// The rule that an operation breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The tree has no leaf with this index.
    #[error("expected an account index below {leaves}, got {index}")]
    IndexOutOfRange { index: AccountIndex, leaves: u64 },
    /// A deposit is to the reserved account.
    #[error("deposit is to the reserved account 0")]
    ReservedAccount,
    /// The sender doesn't exist.
    #[error("sender {0} doesn't exist")]
    UnknownSender(AccountIndex),
    /// The recipient doesn't exist.
    #[error("recipient {0} doesn't exist")]
    UnknownRecipient(AccountIndex),
    /// The operation's nonce isn't the account's.
    #[error("expected nonce {expected} of account {account}, got {actual}")]
    NonceMismatch { account: AccountIndex, expected: u32, actual: u32 },
    /// The account has the highest nonce, so it can't sign another operation.
    #[error("account {0} has the highest nonce, {max}, and can't sign operations", max = u32::MAX)]
    NonceExhausted(AccountIndex),
    /// The signature isn't valid for this operation under the account's key in this domain.
    #[error("signature isn't valid under the key of account {0}")]
    InvalidSignature(AccountIndex),
    /// The balance is below amount plus fee.
    #[error("expected a balance of at least {required} in account {account}, got {available}")]
    InsufficientBalance { account: AccountIndex, available: u64, required: u128 },
    /// The recipient's balance would exceed 64 bits.
    #[error("balance of account {account} would exceed 64 bits: {balance} + {amount}")]
    BalanceOverflow { account: AccountIndex, balance: u64, amount: u64 },
    /// The key of a deposit isn't the account's.
    #[error("deposit has another key than account {0}")]
    KeyMismatch(AccountIndex),
    /// A withdrawal or an exit is to the zero address.
    #[error("withdrawal is to the zero address")]
    ZeroAddress,
}

/// The witness of one slot: the data from which the circuit's variables are assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotWitness {
    /// Content of the slot.
    pub slot: Slot,
    /// Signature of a transfer or withdrawal, if it is known. Published data doesn't contain it.
    pub signature: Option<Signature>,
    /// The sender before the slot.
    pub sender: Option<Opening>,
    /// The recipient after the update of the sender.
    pub recipient: Option<Opening>,
    /// The operation of L1 that this slot consumes. An exit is in the first of its two slots.
    pub queued: Option<QueuedOperation>,
}

impl SlotWitness {
    /// A slot that changes no account.
    #[must_use]
    pub const fn passive(slot: Slot) -> Self {
        Self { slot, signature: None, sender: None, recipient: None, queued: None }
    }
}

impl<S: Store> State<S> {
    /// Checks all rules of an operation, the signature last, and changes nothing.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks.
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
    /// Returns the rule that the operation breaks; the state is unchanged then.
    pub fn apply(
        &mut self,
        domain: Domain,
        signed: &SignedOperation,
    ) -> Result<Vec<SlotWitness>, OperationError> {
        self.check(domain, signed)?;
        self.apply_unsigned(&signed.operation, Some(signed.signature))
    }

    /// Checks and applies an operation that a proof covers: all rules except nonce and signature are checked.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; the state is unchanged then.
    pub fn apply_unsigned(
        &mut self,
        operation: &Operation,
        signature: Option<Signature>,
    ) -> Result<Vec<SlotWitness>, OperationError> {
        let account = self.check_unsigned(operation)?;
        let (slot, target) = operation.slots();
        let sender = self.opening(operation.sender());
        // Both were checked: the balance is sufficient and the nonce isn't the highest.
        let balance = account.balance.saturating_sub(u64::try_from(operation.required()).unwrap_or(u64::MAX));
        let debited = Account { balance, nonce: account.nonce.saturating_add(1), ..account };
        self.set(operation.sender(), debited);
        let recipient = match *operation {
            Operation::Withdrawal(_) => None,
            Operation::Transfer(Transfer { to, amount, .. }) => {
                let opening = self.opening(to);
                if let Some(account) = opening.account {
                    // It was checked that the sum fits 64 bits.
                    self.set(to, Account { balance: account.balance.saturating_add(amount), ..account });
                }
                Some(opening)
            }
        };
        let first = SlotWitness { slot, signature, sender: Some(sender), recipient, queued: None };
        Ok(std::iter::once(first).chain(target.map(SlotWitness::passive)).collect())
    }

    /// Writes an account outside of any rule, for a state that comes from elsewhere.
    ///
    /// # Errors
    /// Fails if the tree has no leaf for it.
    pub fn insert(&mut self, index: AccountIndex, account: Account) -> Result<(), OperationError> {
        self.check_index(index)?;
        self.set(index, account);
        Ok(())
    }

    /// Checks and applies a deposit of L1.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; the state is unchanged then.
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

    /// Checks and applies an exit of L1: the balance becomes 0 and the nonce stays. Returns the slots
    /// of the exit and its target.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; the state is unchanged then.
    pub fn apply_exit(&mut self, exit: &Exit) -> Result<[SlotWitness; 2], OperationError> {
        let &Exit { from, target } = exit;
        if target.is_zero() {
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

    /// Checks and applies an operation of L1.
    ///
    /// # Errors
    /// Returns the rule that the operation breaks; the state is unchanged then.
    pub fn apply_queued(&mut self, operation: &QueuedOperation) -> Result<Vec<SlotWitness>, OperationError> {
        match operation {
            QueuedOperation::Deposit(deposit) => Ok(vec![self.apply_deposit(deposit)?]),
            QueuedOperation::Exit(exit) => Ok(self.apply_exit(exit)?.into()),
        }
    }

    /// Credits `fees` to the fee recipient. If that account doesn't exist, the fees are burned.
    ///
    /// # Errors
    /// Fails if the tree has no such leaf or the balance would exceed 64 bits.
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

    /// Checks all rules except nonce and signature, and returns the sender.
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
                if target.is_zero() {
                    return Err(OperationError::ZeroAddress);
                }
            }
            Operation::Transfer(Transfer { to, amount, .. }) => {
                self.check_index(to)?;
                let recipient = self.account(to).ok_or(OperationError::UnknownRecipient(to))?;
                // A payment to oneself can't overflow: the amount is debited first.
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
