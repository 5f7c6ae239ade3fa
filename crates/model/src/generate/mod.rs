//! Random sequences: the time, sender and arguments of each call, and its fault, if it has one.
//!
//! The generator reads the model to choose calls that advance the protocol. Both sides then run the same
//! call.

mod bridge;
mod governance;
mod production;
mod staking;
mod withdrawals;

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, aliases::U72};
use fernet_bindings::{Header, IEscrow, IRewards, Rates};
use fernet_protocol::{L1Slot, Phase};
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

use crate::{
    actors::{self, ATTESTERS, NAMED_KEYS, OWNERS, PROVERS},
    call::{Call, Step},
    chain::L1Blocks,
    model::Model,
    rules::{Addresses, Rules},
};

/// L1 slots between the prologue and the first call of a sequence. Registrations are active by then.
const HEAD_START: u64 = 30;

/// A source of calls.
pub(crate) struct Generator {
    rng: ChaCha12Rng,
    rules: Rules,
    l1: L1Blocks,
    /// Time of the last call.
    timestamp: u64,
    /// Headers by hash.
    headers: BTreeMap<B256, Header>,
    /// Decides whether the next call repeats the kind of the last one.
    again: Option<usize>,
    /// Whether the last call was a registration.
    registering: bool,
    /// The payload that most blocks of the sequence vote for.
    campaign: Option<Address>,
}

/// The calls before every sequence.
pub(crate) fn prologue(rules: &Rules) -> Vec<Step> {
    let genesis = rules.genesis_slot.get();
    let step =
        |sender, l1_slot, call| Step { sender, timestamp: rules.time_of(l1_slot), blobs: Vec::new(), call };
    let mut steps = vec![step(
        Addresses::new().timelock,
        genesis,
        Call::Fund(IRewards::fundCall { amount: U256::from(5_000) }),
    )];
    for account in actors::provers() {
        let amount = if account == actors::address(PROVERS.start) { 6_000 } else { 100_000 };
        steps.push(step(account, genesis, Call::EscrowDeposit(IEscrow::depositCall { account, amount })));
    }
    // A prover and an attester that name a key.
    for (account, key) in [(PROVERS.start + 1, NAMED_KEYS.start), (ATTESTERS.start, NAMED_KEYS.start + 1)] {
        let call = Call::SetSigner(IEscrow::setSignerCall { signer: actors::address(key) });
        steps.push(step(actors::address(account), genesis, call));
    }
    for (owner, key) in OWNERS.zip([0, 1, 1]) {
        let owner = actors::address(owner);
        steps.push(step(owner, genesis, bridge::deposit(owner, key, 50)));
    }
    for (number, attester) in (0..).zip(ATTESTERS.take(4)) {
        let owner = actors::address(OWNERS.start + attester % OWNERS.len());
        let call = staking::registration(owner, actors::address(attester), owner, number + 1);
        steps.push(step(owner, genesis + 6 * u64::from(number), call));
    }
    steps
}

impl Generator {
    pub(crate) fn new(seed: u64, rules: Rules, timestamp: u64) -> Self {
        let mut this = Self {
            rng: ChaCha12Rng::seed_from_u64(seed),
            rules,
            l1: L1Blocks { seed, rules },
            timestamp: timestamp + HEAD_START * rules.slot_seconds,
            headers: BTreeMap::new(),
            again: None,
            registering: false,
            campaign: None,
        };
        if this.chance(40) {
            this.campaign = Some(this.payload());
        }
        this
    }

    /// The next call.
    pub(crate) fn next(&mut self, model: &Model) -> Step {
        self.wait(model);
        let now = model.l1_slot(self.timestamp);
        let phase = model.locate_at(now).current.status.phase;
        // No call advances a slot in its halt phase, and some backup phases get no block.
        let idle = match phase {
            Phase::Halt => 75,
            Phase::Backup => 40,
            _ => 0,
        };
        let roll = match () {
            () if self.chance(idle) => 13 + self.below(10),
            // In a campaign for a payload, more blocks are produced.
            () if self.campaign.is_some() && self.chance(80) => self.below(11),
            () => self.below(23),
        };
        let due = Self::can_push(model, now) || !Self::ready(model, now).is_empty();
        let roll = if due && self.chance(55) { 19 } else { roll };
        // Deposits and registrations come in bursts, so that queues grow longer than a block, and entry
        // windows fill.
        let roll = match self.again.take() {
            Some(again) if self.chance(65) => again,
            _ => roll,
        };
        // Exits need a block before them that consumed the deposit, and one after them.
        let roll = if self.chance(12) && !Self::exitable(model).is_empty() { 18 } else { roll };
        let (sender, blobs, call) = match roll {
            0..11 => self.towards_a_block(model, now, phase),
            11..13 => {
                let phase = Phase::ALL[self.below(8)];
                self.towards_a_block(model, now, phase)
            }
            13..16 => self.of_staking(model),
            16 | 22 => self.of_escrow(model),
            17 => self.of_rewards(model),
            18 => self.of_bridge(model),
            19 | 20 => self.of_governance(model, now),
            _ => self.of_upkeep(model, now),
        };
        self.registering = matches!(call, Call::Register(_));
        self.again = match call {
            Call::Deposit(_) | Call::ClaimWithdrawal(_) => Some(18),
            Call::ForceExit(_) if Self::exitable(model).len() > 1 => Some(18),
            Call::Register(_) => Some(13),
            // A second pause.
            Call::Pause => Some(21),
            _ => None,
        };
        Step { sender, timestamp: self.timestamp, blobs, call }
    }

    /// Advances the time: not at all, by seconds, to about the end of the phase, or rarely by days.
    fn wait(&mut self, model: &Model) {
        let now = model.l1_slot(self.timestamp);
        let status = model.locate_at(now).current.status;
        let seconds = self.rules.slot_seconds;
        let has_candidates = model.rollup.in_flight().is_some();
        let to_the_end = status.end.since(now);
        // In percent: no step, one slot, to the end of the phase; else further.
        let (stay, one, end) = match status.phase {
            Phase::Waiting | Phase::Halt => (30, 10, 55),
            Phase::Proposal if has_candidates => (40, 15, 41),
            Phase::Proposal => (60, 25, 10),
            Phase::Commitment | Phase::Reveal => (70, 18, 9),
            Phase::ExclusiveProving | Phase::OpenProving => (60, 18, 18),
            Phase::Backup => (45, 15, 35),
        };
        let edges = Self::edges(model, now);
        let escrow_edges = Self::escrow_edges(model, now);
        let can_push = Self::can_push(model, now);
        let hurries = self.campaign.is_some() && self.chance(85);
        let ahead = match self.below(100) {
            _ if can_push && self.chance(70) => 0,
            _ if !edges.is_empty() && self.chance(18) => {
                let edge = self.one_of(&edges);
                edge.since(now) - self.below_u64(2)
            }
            _ if !escrow_edges.is_empty() && self.chance(3) => {
                let edge = self.one_of(&escrow_edges);
                edge.since(now) - self.below_u64(2)
            }
            _ if hurries => match status.phase {
                Phase::Waiting | Phase::Halt => to_the_end,
                Phase::Proposal if has_candidates => to_the_end,
                // The block that proves the mix may still be in the future.
                Phase::Proposal => self.below_u64(2),
                _ => 0,
            },
            roll if roll < stay => 0,
            roll if roll < stay + one => 1,
            roll if roll < stay + one + end => to_the_end + self.below_u64(3).saturating_sub(1),
            _ if self.chance(60) => self.below_u64(30),
            _ if self.chance(80) => self.below_u64(400),
            _ => self.below_u64(30_000),
        };
        if ahead == 0 {
            self.timestamp += if self.chance(20) { self.below_u64(seconds) } else { 0 };
        } else {
            self.timestamp =
                self.rules.time_of(now.get() + ahead) + self.below_u64(seconds) * self.below_u64(2);
        }
    }

    // ---- money --------------------------------------------------------------------------------------------

    fn of_escrow(&mut self, model: &Model) -> (Address, Vec<B256>, Call) {
        if self.chance(30) {
            return self.named_key(model);
        }
        let sender = self.prover();
        let free = model.escrow.accounts.get(&sender).map(|a| a.free).unwrap_or_default();
        let account = self.perhaps_zero(sender);
        let amount = self.tokens(20_000);
        let call = match self.below(10) {
            0..4 => {
                let amount = if self.chance(5) { u128::MAX } else { amount };
                Call::EscrowDeposit(IEscrow::depositCall { account, amount })
            }
            4..6 => {
                let amount = if self.chance(50) { free } else { amount };
                Call::EscrowRequest(IEscrow::requestWithdrawalCall { amount })
            }
            6..9 => {
                let asked: Vec<_> = actors::provers()
                    .into_iter()
                    .filter(|a| model.escrow.accounts.get(a).is_some_and(|a| a.withdrawing != 0))
                    .collect();
                let sender = if asked.is_empty() || self.chance(15) { sender } else { self.one_of(&asked) };
                return (sender, Vec::new(), Call::EscrowWithdraw(IEscrow::withdrawCall { to: account }));
            }
            _ => match self.below(3) {
                0 => Call::EscrowLock(IEscrow::lockCall { account, amount }),
                1 => Call::EscrowRelease(IEscrow::releaseCall { account, amount }),
                _ => Call::EscrowSlash(IEscrow::slashCall { account, amount, beneficiary: sender, share: 0 }),
            },
        };
        (sender, Vec::new(), call)
    }

    /// An account names a key, usually another one than before, or none.
    fn named_key(&mut self, model: &Model) -> (Address, Vec<B256>, Call) {
        let now = model.l1_slot(self.timestamp);
        let mut parties = actors::provers();
        parties.extend(ATTESTERS.map(actors::address));
        let account = self.one_of(&parties);
        let bound = model.escrow.signer_of(account, now);
        let mut keys: Vec<_> = NAMED_KEYS.map(actors::address).collect();
        keys.push(Address::ZERO);
        // Another account's own key is a key like any other.
        keys.push(self.prover());
        let others: Vec<_> = keys.iter().copied().filter(|key| *key != bound).collect();
        let signer = if self.chance(10) { bound } else { self.one_of(&others) };
        (account, Vec::new(), Call::SetSigner(IEscrow::setSignerCall { signer }))
    }

    /// L1 slots at which a named key changes or a withdrawal becomes due.
    fn escrow_edges(model: &Model, now: L1Slot) -> Vec<L1Slot> {
        let withdrawals = model.escrow.accounts.values().filter(|account| account.withdrawing != 0);
        let due = withdrawals.map(|account| L1Slot::new(account.withdrawableFrom));
        let parties = ATTESTERS.map(actors::address).chain(actors::provers());
        let changes = parties.map(|party| L1Slot::new(model.escrow.pending_signer(party, now).1));
        due.chain(changes).filter(|edge| *edge > now).collect()
    }

    fn of_rewards(&mut self, model: &Model) -> (Address, Vec<B256>, Call) {
        match self.below(10) {
            0..6 => {
                let owed: Vec<_> = model.rewards.owed.keys().copied().collect();
                let sender =
                    if owed.is_empty() || self.chance(15) { self.anyone() } else { self.one_of(&owed) };
                let to = self.perhaps_zero(sender);
                (sender, Vec::new(), Call::Claim(IRewards::claimCall { to }))
            }
            6..8 => {
                let amount = U256::from(self.tokens(5_000));
                (self.anyone(), Vec::new(), Call::Fund(IRewards::fundCall { amount }))
            }
            _ => {
                let sender = if self.chance(10) { self.anyone() } else { model.at.timelock };
                let sequencer = self.below(5_000) as u16;
                let prover = self.below(3_000) as u16;
                let bonus = self.below(2_000) as u16;
                let rates = Rates {
                    rewardPerL1Slot: U72::from(self.below(2_400)),
                    sequencerBps: sequencer,
                    bonusBps: bonus,
                    proverBps: prover,
                    submitterBps: 10_000 - sequencer - prover - bonus + u16::from(self.chance(10)),
                    promptnessBps: if self.chance(10) { 10_001 } else { self.below(10_001) as u16 },
                };
                (sender, Vec::new(), Call::SetRates(IRewards::setRatesCall { rates }))
            }
        }
    }

    // ---- upkeep -------------------------------------------------------------------------------------------

    fn of_upkeep(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        if now < model.rollup.pausable_from && self.chance(50) {
            return (model.at.guardian, Vec::new(), Call::Pause);
        }
        let sender = self.anyone();
        let call = match self.below(10) {
            0..2 => Call::Settle,
            2..4 => Call::Sync,
            4..6 => return (self.guardian(model), Vec::new(), Call::GuardianPause),
            6 => {
                let sender = if self.chance(70) { model.at.guardian } else { sender };
                return (sender, Vec::new(), Call::Pause);
            }
            _ => self.proof_of_mix(model, now),
        };
        (sender, Vec::new(), call)
    }

    // ---- dice ---------------------------------------------------------------------------------------------

    /// A number below a positive bound. The bias doesn't matter.
    fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound as u64) as usize
    }

    fn below_u64(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn word(&mut self) -> B256 {
        let mut word = B256::ZERO;
        self.rng.fill_bytes(word.as_mut_slice());
        word
    }

    /// A random amount, sometimes zero.
    fn tokens(&mut self, bound: usize) -> u128 {
        if self.chance(5) { 0 } else { self.below(bound) as u128 }
    }

    fn anyone(&mut self) -> Address {
        let all = actors::accounts();
        self.one_of(&all)
    }

    fn owner(&mut self) -> Address {
        actors::address(OWNERS.start + self.below(OWNERS.len()))
    }

    fn attester(&mut self) -> Address {
        actors::address(ATTESTERS.start + self.below(ATTESTERS.len()))
    }

    fn prover(&mut self) -> Address {
        self.one_of(&actors::provers())
    }

    fn perhaps_zero(&mut self, account: Address) -> Address {
        if self.chance(5) { Address::ZERO } else { account }
    }
}
