//! The reference model: the state of all contracts as plain values, changed by the rules of
//! `fernet-protocol`.

mod bridge;
mod escrow;
mod guardian;
mod randomness;
mod registry;
mod rewards;
mod rollup;
mod staking;
mod timelock;
mod views;
mod votes;
mod withdrawals;

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, Bytes, Log, U256},
    sol_types::{SolError, SolEvent},
};
use fernet_bindings::{IERC20, Version};
use fernet_protocol::{BURN_ADDRESS, L1Slot};

use crate::{
    call::{Call, Reply, Step},
    rules::{Addresses, Rules},
};
pub(crate) use rollup::Rollup;
pub(crate) use staking::Staking;

alloy::sol! {
    /// Same as in `Tokens.sol`.
    error TransferFailed(address token, address from, address to, uint256 amount);
}

/// The data of a revert.
#[derive(Debug)]
pub(crate) struct Refusal(Bytes);

/// Result of a call in the model.
pub(crate) type Outcome<T = ()> = Result<T, Refusal>;

/// Fails a call with this error.
pub(crate) fn refuse<T>(error: impl SolError) -> Outcome<T> {
    Err(refusal(error))
}

/// The error's revert data.
pub(crate) fn refusal(error: impl SolError) -> Refusal {
    Refusal(error.abi_encode().into())
}

/// State of all contracts of one deployment.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) at: Addresses,
    pub(crate) balances: BTreeMap<Address, u128>,
    pub(crate) rollup: Rollup,
    pub(crate) staking: Staking,
    pub(crate) escrow: escrow::Escrow,
    pub(crate) rewards: rewards::Rewards,
    pub(crate) bridge: bridge::Bridge,
    pub(crate) randomness: randomness::Randomness,
    pub(crate) votes: votes::Votes,
    pub(crate) timelock: timelock::Timelock,
    pub(crate) guardian: guardian::Guardian,
    pub(crate) versions: Vec<Version>,
    /// Context of the running call.
    frame: Frame,
}

/// The L1 environment of a call, and its events so far.
#[derive(Debug, Clone, Default)]
struct Frame {
    sender: Address,
    now: L1Slot,
    blobs: Vec<alloy::primitives::B256>,
    /// The timelock is executing a payload.
    executing: bool,
    logs: Vec<Log>,
    /// Rare branches that the call took, by name.
    branches: Vec<&'static str>,
}

impl Model {
    /// The state after the deployment.
    pub(crate) fn new(rules: Rules, balances: BTreeMap<Address, u128>) -> Self {
        let at = Addresses::new();
        Self {
            rules,
            at,
            balances,
            rollup: Rollup::new(&rules, &at),
            staking: Staking::new(&rules),
            escrow: escrow::Escrow::default(),
            rewards: rewards::Rewards::new(&rules),
            bridge: bridge::Bridge::default(),
            randomness: randomness::Randomness::default(),
            votes: votes::Votes::default(),
            timelock: timelock::Timelock::default(),
            guardian: guardian::Guardian::new(&rules),
            versions: vec![registry::first(&rules, &at)],
            frame: Frame::default(),
        }
    }

    /// L1 slot of a time.
    pub(crate) fn l1_slot(&self, timestamp: u64) -> L1Slot {
        self.rules.clock.slot_at(timestamp).unwrap_or_default()
    }

    /// Runs a call. A refused call changes nothing.
    pub(crate) fn run(&mut self, step: &Step) -> Reply {
        let before = self.clone();
        self.frame = Frame {
            sender: step.sender,
            now: self.l1_slot(step.timestamp),
            blobs: step.blobs.clone(),
            executing: false,
            logs: Vec::new(),
            branches: Vec::new(),
        };
        match self.call(&step.call) {
            Ok(()) => Ok(std::mem::take(&mut self.frame.logs)),
            Err(Refusal(data)) => {
                *self = before;
                Err(data)
            }
        }
    }

    fn call(&mut self, call: &Call) -> Outcome {
        match call {
            Call::Propose(call, proof) => self.propose(call, proof.as_ref()),
            Call::Commit(call) => self.commit(call),
            Call::Reveal(call) => self.reveal(&call.header),
            Call::Finalize(call) => self.finalize(&call.header, call.payee, &call.proof),
            Call::FinalizeBackup(call) => self.finalize_backup(&call.header, call.payee, &call.proof),
            Call::Settle => self.settle_expired(),
            Call::Sync => self.sync(),
            Call::Pause => self.pause(),
            Call::Prove(call, proof) => self.prove_mix(call.l1Slot, proof),
            Call::Register(call) => self.register(&call.registration),
            Call::CancelEntry(call) => self.cancel_entry(call.sequencer),
            Call::SetEntryFlush(call) => self.set_entry_flush(call.flush),
            Call::TopUp(call) => self.top_up(call.sequencer, call.amount),
            Call::SetWithdrawer(call) => self.set_withdrawer(call.sequencer, call.withdrawer),
            Call::SetFeeRecipient(call) => self.set_fee_recipient(call.sequencer, call.feeRecipient),
            Call::RotateAttester(call) => self.rotate_attester(call.sequencer, call.attester),
            Call::RotateBlsKey(call) => self.rotate_bls_key(call),
            Call::InitiateExit(call) => self.initiate_exit(call.sequencer),
            Call::WithdrawStake(call) => self.withdraw_stake(call.sequencer),
            Call::SlashStake(_) => self.slash_by_anyone(),
            Call::EscrowDeposit(call) => self.escrow_deposit(call.account, call.amount),
            Call::EscrowRequest(call) => self.escrow_request(call.amount),
            Call::EscrowWithdraw(call) => self.escrow_withdraw(call.to),
            Call::SetSigner(call) => self.set_signer(call.signer),
            Call::EscrowLock(_) | Call::EscrowRelease(_) | Call::EscrowSlash(_) => self.escrow_by_anyone(),
            Call::Fund(call) => self.fund(call.amount),
            Call::Claim(call) => self.claim(call.to),
            Call::SetRates(call) => self.set_rates(&call.rates),
            Call::Deposit(call) => self.deposit(call),
            Call::ForceExit(call) => self.force_exit(call.index, call.to),
            Call::ClaimWithdrawal(call) => self.claim_withdrawal(&call.proof),
            Call::Signal(_) => self.signal_by_anyone(),
            Call::Push(call) => self.push(call.round, call.payload),
            Call::Queue(call) => self.queue(call.payload),
            Call::Execute(call) => self.execute(call),
            Call::GuardianPause => self.guardian_pause(),
            Call::Approve => self.approve(),
            Call::SetGuardian(call) => self.set_guardian(call.guardian),
            Call::AddVersion(call) => self.add_version(call.rollup, call.governance),
        }
    }

    /// Runs a nested call of another contract.
    fn as_caller(&mut self, caller: Address, run: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let sender = std::mem::replace(&mut self.frame.sender, caller);
        let outcome = run(self);
        self.frame.sender = sender;
        outcome
    }

    fn emit(&mut self, address: Address, event: impl SolEvent) {
        self.frame.logs.push(Log { address, data: event.encode_log_data() });
    }

    /// Notes that the call took a branch that should occur in some sequence.
    fn took(&mut self, branch: &'static str) {
        self.frame.branches.push(branch);
    }

    /// Rare branches that the last successful call took.
    pub(crate) fn branches(&self) -> impl Iterator<Item = &'static str> {
        self.frame.branches.iter().copied()
    }

    /// Token balance of an account, in token units.
    pub(crate) fn balance(&self, account: Address) -> u128 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// Transfers tokens if the balance covers them.
    fn transfer(&mut self, from: Address, to: Address, amount: u128) -> Outcome {
        let Some(left) = self.balance(from).checked_sub(amount) else {
            let (token, amount) = (self.at.token, U256::from(amount));
            return refuse(TransferFailed { token, from, to, amount });
        };
        self.balances.insert(from, left);
        *self.balances.entry(to).or_default() += amount;
        self.emit(self.at.token, IERC20::Transfer { from, to, value: U256::from(amount) });
        Ok(())
    }

    fn burn(&mut self, from: Address, amount: u128) -> Outcome {
        if amount == 0 { Ok(()) } else { self.transfer(from, BURN_ADDRESS, amount) }
    }
}
