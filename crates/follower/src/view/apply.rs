//! Applies events to the view. Each event is checked against the view's state.

use std::{collections::BTreeMap, fmt::Display, sync::Arc};

use alloy::primitives::{Address, B256, U256, keccak256};
use fernet_l1::{BlobLocation, BlsWords, L1Block, LoggedEvent, Outcome, RollupEvent};
use fernet_protocol::{
    CandidateList, Commitment, Cursor, Deposit, Exit, Header, L1Operation, L1Slot, Lane, QueueRange,
    SequencerId, Slot, Timeline, TokenAmount,
};

use super::{
    RollupView, ViewError,
    mixes::Mixes,
    records::{
        CandidateView, EscrowAccount, FinalizedBlock, QueueRanges, QueueRecord, Queues, Rotating,
        SequencerRecord, Tip, ViewConfig, WithdrawalClaim,
    },
    state::{InFlight, NamedSigner, Shown, ViewState},
};

impl RollupView {
    /// Applies the next L1 block. After an error the view is unchanged.
    ///
    /// # Errors
    ///
    /// If the block isn't the next one, or an event contradicts the view.
    pub fn apply(&mut self, block: &L1Block) -> Result<(), ViewError> {
        if let Some(head) = self.mixes.head() {
            let expected = head.number.saturating_add(1);
            if block.number != expected {
                return Err(ViewError::NotNext { expected, actual: block.number });
            }
            if block.header.parent_hash != head.hash {
                return Err(ViewError::WrongParent {
                    number: block.number,
                    expected: head.hash,
                    actual: block.header.parent_hash,
                });
            }
        }
        self.remember_before(block)?;
        self.mixes.push(block);
        Ok(())
    }

    /// Applies a finalized block, which is never undone. Those between it and the newest one have no events.
    /// After an error the view is unchanged.
    ///
    /// # Errors
    ///
    /// If the block is an earlier one, or an event contradicts the view.
    pub fn apply_settled(&mut self, block: &L1Block) -> Result<(), ViewError> {
        let head = self.mixes.head();
        if let Some(head) = head.filter(|head| block.number <= head.number) {
            return Err(ViewError::NotNext { expected: head.number.saturating_add(1), actual: block.number });
        }
        self.remember_before(block)?;
        self.before.clear();
        if head.is_some_and(|head| head.hash != block.header.parent_hash) {
            self.mixes = Mixes::default();
        }
        self.mixes.push(block);
        Ok(())
    }

    /// Applies a block's events, and remembers the state before them.
    fn remember_before(&mut self, block: &L1Block) -> Result<(), ViewError> {
        if block.events.is_empty() {
            self.remember(block.number);
            return Ok(());
        }
        let mut state = (*self.state).clone();
        let mut step = Step {
            setup: &self.setup,
            block,
            state: &mut state,
            mixes: &self.mixes,
            queue: &mut self.queue,
            finalized: &mut self.finalized,
            by_hash: &mut self.by_hash,
            claims: &mut self.claims,
        };
        if let Err(error) = block.events.iter().try_for_each(|event| step.event(event)) {
            self.forget_undone();
            return Err(error);
        }
        state.queue = self.queue.lengths();
        state.finalized = self.finalized.len();
        state.claims = self.claims.len();
        self.remember(block.number);
        self.state = Arc::new(state);
        Ok(())
    }
}

/// A block that is being applied.
struct Step<'a> {
    setup: &'a ViewConfig,
    block: &'a L1Block,
    state: &'a mut ViewState,
    mixes: &'a Mixes,
    queue: &'a mut Queues,
    finalized: &'a mut Vec<FinalizedBlock>,
    by_hash: &'a mut BTreeMap<B256, usize>,
    claims: &'a mut Vec<WithdrawalClaim>,
}

type Applied = Result<(), ViewError>;

impl Step<'_> {
    fn event(&mut self, logged: &LoggedEvent) -> Applied {
        match logged.event.clone() {
            RollupEvent::Proposed { slot, sequencer, header_hash, score, start, previous_start } => {
                let candidate = CandidateView {
                    sequencer,
                    score,
                    header_hash,
                    commitment: None,
                    revealed_at: None,
                    blobs_seen: 0,
                };
                self.proposed(slot, start, previous_start, candidate)
            }
            RollupEvent::Displaced { slot, sequencer, .. } => self.displaced(slot, sequencer),
            RollupEvent::Committed { slot, prover, sequencer, payee, bond, price, l1_slot, .. } => {
                let commitment = Commitment { prover, payee, bond, price, at: l1_slot };
                self.committed(slot, sequencer, commitment)
            }
            RollupEvent::Revealed { slot, header_hash, header, blobs_seen, complete, l1_slot } => {
                self.revealed(slot, header_hash, header, blobs_seen, complete.then_some(l1_slot))
            }
            RollupEvent::BackupBlock { slot, header_hash, header } => {
                self.backup_block(slot, header_hash, header)
            }
            RollupEvent::Finalized { .. } => self.finalized(logged),
            RollupEvent::SlotExpired { slot } => self.expired(slot),
            RollupEvent::SeedProven { l1_slot, mix, .. } => self.seed_proven(l1_slot, mix),
            RollupEvent::SlotVoided { slot } => self.voided(slot),
            RollupEvent::Paused { until } => {
                self.expect("Paused", "end of the pause", self.state.cursor.previous_start, until)
            }
            // The events of Escrow and Staking tell the amounts.
            RollupEvent::CandidateAbandoned { .. }
            | RollupEvent::CandidateWithheld { .. }
            | RollupEvent::BondReleased { .. }
            | RollupEvent::BondSlashed { .. } => Ok(()),
            RollupEvent::MixProven { l1_slot, mix, .. } => self.mix_proven(l1_slot, mix),
            RollupEvent::Deposited { number, index, owner, from, key_x, key_y, amount, chain, l1_slot } => {
                let operation = L1Operation::Deposit(Deposit { index, amount, key_x, key_y });
                self.queued("Deposited", QueueRecord { number, operation, owner, from, chain, l1_slot })
            }
            RollupEvent::ExitForced { number, index, owner, to, chain, l1_slot } => {
                let operation = L1Operation::Exit(Exit { index, to });
                self.queued(
                    "ExitForced",
                    QueueRecord { number, operation, owner, from: owner, chain, l1_slot },
                )
            }
            RollupEvent::WithdrawalClaimed { slot, blob, element, to, amount } => {
                self.claims.push(WithdrawalClaim { slot, blob, element, to, amount });
                Ok(())
            }
            other => self.money(other),
        }
    }

    fn contradiction<T>(
        &self,
        event: &'static str,
        expected: impl Display,
        actual: impl Display,
    ) -> Result<T, ViewError> {
        Err(ViewError::Contradiction {
            block: self.block.number,
            event,
            expected: expected.to_string(),
            actual: actual.to_string(),
        })
    }

    fn expect<T: PartialEq + Display>(
        &self,
        event: &'static str,
        what: &str,
        expected: T,
        actual: T,
    ) -> Applied {
        if expected == actual {
            Ok(())
        } else {
            self.contradiction(event, format!("{what} {expected}"), actual)
        }
    }

    /// The current slot in this block, which must be `slot`.
    fn in_turn(&self, event: &'static str, slot: Slot) -> Result<Timeline, ViewError> {
        let current = self.state.locate(&self.setup.parameters, self.block.l1_slot).current.timeline;
        self.expect(event, "slot", current.slot, slot)?;
        Ok(current)
    }

    /// The slot with proposals, which must be `slot`.
    fn in_flight(&mut self, event: &'static str, slot: Slot) -> Result<&mut InFlight, ViewError> {
        self.in_turn(event, slot)?;
        let none = self.contradiction(event, "a slot with proposals", format!("slot {slot}, which has none"));
        match &mut self.state.in_flight {
            Some(in_flight) if in_flight.slot == slot => Ok(Arc::make_mut(in_flight)),
            _ => none,
        }
    }

    fn proposed(
        &mut self,
        slot: Slot,
        start: L1Slot,
        previous_start: L1Slot,
        candidate: CandidateView,
    ) -> Applied {
        const EVENT: &str = "Proposed";
        let timeline = self.in_turn(EVENT, slot)?;
        self.expect(EVENT, "start", timeline.start, start)?;
        self.expect(EVENT, "previous start", timeline.previous_start, previous_start)?;
        let candidates = CandidateList::new(self.setup.parameters.max_candidates);
        let new =
            || InFlight { slot, start, previous_start, candidates, displaced: None, shown: BTreeMap::new() };
        let in_flight = match &mut self.state.in_flight {
            Some(in_flight) if in_flight.slot == slot => Arc::make_mut(in_flight),
            other => Arc::make_mut(other.insert(Arc::new(new()))),
        };
        let announced = in_flight.displaced.take();
        let displaced = match in_flight.candidates.insert(candidate) {
            Ok(inserted) => inserted.displaced.map(|displaced| displaced.sequencer),
            Err(refused) => return self.contradiction(EVENT, "a proposal that L1 accepts", refused),
        };
        if displaced != announced {
            let name = |id: Option<SequencerId>| {
                id.map_or("no sequencer".to_owned(), |id| format!("sequencer {id}"))
            };
            let expected = format!("a Displaced event of {} before it", name(displaced));
            return self.contradiction(EVENT, expected, name(announced));
        }
        Ok(())
    }

    fn displaced(&mut self, slot: Slot, sequencer: SequencerId) -> Applied {
        const EVENT: &str = "Displaced";
        let in_flight = self.in_flight(EVENT, slot)?;
        // L1 emits it before the `Proposed` event of the same transaction, which changes the candidates.
        match in_flight.candidates.as_slice().last().map(|last| last.sequencer) {
            Some(last) if last == sequencer => {
                in_flight.displaced = Some(sequencer);
                Ok(())
            }
            _ => self.contradiction(EVENT, "the last candidate", format!("sequencer {sequencer}")),
        }
    }

    fn committed(&mut self, slot: Slot, sequencer: SequencerId, commitment: Commitment) -> Applied {
        const EVENT: &str = "Committed";
        let in_flight = self.in_flight(EVENT, slot)?;
        match in_flight.candidate(sequencer) {
            Some(candidate) if candidate.commitment.is_none() => {
                candidate.commitment = Some(commitment);
                Ok(())
            }
            Some(_) => self.contradiction(EVENT, "one commitment a candidate", "another"),
            None => self.contradiction(EVENT, "a candidate", format!("sequencer {sequencer}, which is none")),
        }
    }

    fn location(&self) -> BlobLocation {
        BlobLocation { number: self.block.number, hash: self.block.hash, l1_slot: self.block.l1_slot }
    }

    fn check_header(&self, event: &'static str, header: &Header, header_hash: B256) -> Applied {
        self.expect(event, "a header with hash", header_hash, header.hash())
    }

    fn revealed(
        &mut self,
        slot: Slot,
        header_hash: B256,
        header: Header,
        blobs_seen: u16,
        revealed_at: Option<L1Slot>,
    ) -> Applied {
        const EVENT: &str = "Revealed";
        self.check_header(EVENT, &header, header_hash)?;
        let location = self.location();
        let in_flight = self.in_flight(EVENT, slot)?;
        // Two candidates may have proposed the same header. The one that committed last is in turn.
        let candidate =
            in_flight.candidates.as_mut_slice().iter_mut().rfind(|candidate| candidate.commitment.is_some());
        let Some(candidate) = candidate.filter(|candidate| candidate.header_hash == header_hash) else {
            return self.contradiction(EVENT, "the header of the candidate that committed last", header_hash);
        };
        let fresh = blobs_seen & !candidate.blobs_seen;
        candidate.blobs_seen = blobs_seen;
        candidate.revealed_at = revealed_at;
        let blobs = header.blob_hashes.len();
        let shown =
            in_flight.shown.entry(header_hash).or_insert_with(|| Shown { header, blobs: vec![None; blobs] });
        for (place, at) in shown.blobs.iter_mut().enumerate() {
            if u32::try_from(place).is_ok_and(|bit| fresh.checked_shr(bit).is_some_and(|bits| bits & 1 == 1))
            {
                *at = Some(location);
            }
        }
        Ok(())
    }

    fn backup_block(&mut self, slot: Slot, header_hash: B256, header: Header) -> Applied {
        const EVENT: &str = "BackupBlock";
        self.in_turn(EVENT, slot)?;
        self.check_header(EVENT, &header, header_hash)?;
        // All its blobs are in this transaction.
        let blobs = vec![Some(self.location()); header.blob_hashes.len()];
        self.state.backup = Some(Arc::new((header_hash, Shown { header, blobs })));
        Ok(())
    }

    fn finalized(&mut self, logged: &LoggedEvent) -> Applied {
        const EVENT: &str = "Finalized";
        let RollupEvent::Finalized { slot, header_hash, payee, outcome, state_root, deposits_end, l1_slot } =
            logged.event.clone()
        else {
            return Ok(());
        };
        let timeline = self.in_turn(EVENT, slot)?;
        let in_flight = self.state.in_flight.take().filter(|in_flight| in_flight.slot == slot);
        let backup = self.state.backup.take();
        let from_backup = backup.filter(|backup| backup.0 == header_hash).map(|backup| backup.1.clone());
        let from_reveal = in_flight.as_ref().and_then(|slot| slot.shown.get(&header_hash)).cloned();
        let Some(Shown { header, blobs }) = from_backup.or(from_reveal) else {
            return self.contradiction(EVENT, "a header that was shown before", header_hash);
        };
        let blobs: Option<Vec<BlobLocation>> = blobs.into_iter().collect();
        let Some(blobs) = blobs else {
            return self.contradiction(EVENT, "a block whose blobs were all seen", header_hash);
        };
        let tip = self.state.tip;
        self.expect(EVENT, "parent", tip.header_hash, header.parent)?;
        self.expect(EVENT, "state root", header.state_root, state_root)?;
        self.expect(EVENT, "number of deposits", header.deposits_end, deposits_end)?;
        for lane in Lane::ALL {
            let (from, to, queued) =
                (tip.consumed(lane), header.queue_end(lane), self.queue.of(lane).len() as u64);
            if to < from || to > queued {
                let expected = format!("{lane} up to {from} to {queued}");
                return self.contradiction(EVENT, expected, to);
            }
            let named = header.consumption(lane, from, &self.setup.parameters).chain;
            let last = to.checked_sub(1).filter(|_| to > from).and_then(|last| usize::try_from(last).ok());
            let last = last.and_then(|last| self.queue.of(lane).get(last));
            let expected = last.map(|record| record.chain).unwrap_or_default();
            self.expect(EVENT, "rolling hash", expected, named)?;
        }
        let queue =
            QueueRanges::by_lane(|lane| QueueRange { from: tip.consumed(lane), to: header.queue_end(lane) });
        let revealed = in_flight.as_ref().and_then(|slot| {
            slot.candidates
                .as_slice()
                .iter()
                .position(|candidate| candidate.header_hash == header_hash && candidate.revealed_at.is_some())
        });
        if revealed.is_none() && outcome != Outcome::Backup {
            return self.contradiction(EVENT, "a revealed candidate", header_hash);
        }
        let candidate = revealed
            .zip(in_flight)
            .and_then(|(rank, slot)| Some((rank, slot.candidates.as_slice().get(rank)?.clone())));
        let number = self.finalized.len();
        self.by_hash.insert(header_hash, number);
        self.finalized.push(FinalizedBlock {
            number: number as u64,
            header_hash,
            outcome,
            payee,
            rank: candidate.as_ref().map(|(rank, _)| fernet_protocol::Rank::from_index(*rank)),
            candidate: candidate.map(|(_, candidate)| candidate),
            start: timeline.start,
            l1_slot,
            l1_block: self.block.number,
            tx: logged.tx,
            queue,
            blobs,
            header,
        });
        self.state.tip = Tip {
            header_hash,
            state_root,
            deposits_end,
            exits_end: queue.exits.to,
            height: tip.height.saturating_add(1),
            slot,
        };
        self.state.cursor = Cursor::after_finalized(&timeline, l1_slot, &self.setup.parameters);
        Ok(())
    }

    fn expired(&mut self, slot: Slot) -> Applied {
        const EVENT: &str = "SlotExpired";
        let location = self.state.locate(&self.setup.parameters, self.block.l1_slot);
        let Some(expired) = location.expired else {
            return self.contradiction(EVENT, "a slot that is over and not settled", slot);
        };
        self.expect(EVENT, "slot", expired.timeline.slot, slot)?;
        let cursor = &self.state.cursor;
        self.state.cursor =
            cursor.after_expired(&expired.timeline, expired.status.end, &self.setup.parameters);
        self.state.in_flight = None;
        Ok(())
    }

    /// The guardian's pause: the current slot ends as if it had never begun.
    fn voided(&mut self, slot: Slot) -> Applied {
        self.in_turn("SlotVoided", slot)?;
        let now = self.block.l1_slot;
        let location = self.state.locate(&self.setup.parameters, now);
        let voided = &location.current.timeline;
        self.state.cursor = location.cursor.after_pause(voided, now, &self.setup.parameters);
        self.state.in_flight = None;
        Ok(())
    }

    /// Checks that a mix accepted by L1 is that of the header.
    fn seed_proven(&self, l1_slot: L1Slot, mix: B256) -> Applied {
        match self.mixes.at(l1_slot) {
            Some(known) => self.expect("SeedProven", "mix", known.mix, mix),
            None => Ok(()),
        }
    }

    fn mix_proven(&mut self, l1_slot: L1Slot, mix: B256) -> Applied {
        self.state.proven.insert(l1_slot, mix);
        Ok(())
    }

    fn queued(&mut self, event: &'static str, record: QueueRecord) -> Applied {
        let lane = record.operation.lane();
        let queue = self.queue.of(lane);
        self.expect(event, "number", queue.len() as u64, record.number)?;
        let before = queue.last().map(|last| last.chain).unwrap_or_default();
        self.expect(event, "rolling hash", record.operation.chain(before), record.chain)?;
        self.queue.of_mut(lane).push(record);
        Ok(())
    }

    /// Stakes, escrows and rewards.
    fn money(&mut self, event: RollupEvent) -> Applied {
        match event {
            RollupEvent::Registered {
                sequencer,
                attester,
                owner,
                withdrawer,
                fee_recipient,
                stake,
                active_from,
                bls_key,
            } => {
                let record = SequencerRecord {
                    attester: Rotating::new(attester),
                    owner,
                    withdrawer,
                    bls_key_hash: Rotating::new(key_hash(&bls_key)),
                    fee_recipient,
                    stake,
                    active_from,
                    exit_at: None,
                    withdrawable_from: None,
                };
                self.state.sequencers.insert(sequencer, record);
            }
            RollupEvent::ExitInitiated { sequencer, l1_slot, withdrawable_from } => {
                let record = self.sequencer("ExitInitiated", sequencer)?;
                record.exit_at = Some(l1_slot);
                record.withdrawable_from = Some(withdrawable_from);
            }
            RollupEvent::EntryCancelled { sequencer, amount, .. } => {
                let stake = self.sequencer("EntryCancelled", sequencer)?.stake;
                self.expect("EntryCancelled", "stake", stake, amount)?;
                let now = self.block.l1_slot;
                let record = self.sequencer("EntryCancelled", sequencer)?;
                record.stake = TokenAmount::ZERO;
                record.exit_at = Some(now);
            }
            RollupEvent::ToppedUp { sequencer, amount, stake, .. } => {
                let before = self.sequencer("ToppedUp", sequencer)?.stake;
                self.expect("ToppedUp", "stake", before.saturating_add(amount), stake)?;
                self.sequencer("ToppedUp", sequencer)?.stake = stake;
            }
            RollupEvent::WithdrawerSet { sequencer, withdrawer } => {
                self.sequencer("WithdrawerSet", sequencer)?.withdrawer = withdrawer;
            }
            RollupEvent::FeeRecipientSet { sequencer, fee_recipient } => {
                self.sequencer("FeeRecipientSet", sequencer)?.fee_recipient = fee_recipient;
            }
            RollupEvent::AttesterRotated { sequencer, attester, from } => {
                self.sequencer("AttesterRotated", sequencer)?.attester.rotate(attester, from);
            }
            RollupEvent::BlsKeyRotated { sequencer, bls_key, from } => {
                let record = self.sequencer("BlsKeyRotated", sequencer)?;
                record.bls_key_hash.rotate(key_hash(&bls_key), from);
            }
            RollupEvent::StakeWithdrawn { sequencer, amount, .. } => {
                let stake = self.sequencer("Withdrawn", sequencer)?.stake;
                self.expect("Withdrawn", "stake", stake, amount)?;
                self.sequencer("Withdrawn", sequencer)?.stake = TokenAmount::ZERO;
            }
            RollupEvent::StakeSlashed { sequencer, amount, remaining } => {
                let stake = self.sequencer("Slashed", sequencer)?.stake;
                self.expect("Slashed", "stake", stake.saturating_sub(amount), remaining)?;
                self.sequencer("Slashed", sequencer)?.stake = remaining;
                add(&mut self.state.totals.stake_slashed, amount);
            }
            RollupEvent::EscrowDeposited { account, amount, .. } => {
                let escrow = self.escrow(account);
                escrow.free = escrow.free.saturating_add(amount);
            }
            RollupEvent::EscrowWithdrawalRequested { account, amount, withdrawable_from } => {
                self.take("WithdrawalRequested", account, amount, |escrow| &mut escrow.free)?;
                let escrow = self.escrow(account);
                escrow.withdrawing = escrow.withdrawing.saturating_add(amount);
                escrow.withdrawable_from = withdrawable_from;
            }
            RollupEvent::EscrowWithdrawn { account, amount, .. } => {
                self.take("Withdrawn", account, amount, |escrow| &mut escrow.withdrawing)?;
            }
            RollupEvent::EscrowSignerSet { account, signer, from } => {
                let now = self.block.l1_slot;
                let signers = &mut self.state.signers;
                let current = signers.get(&account).map(|named| named.at(now)).unwrap_or_default();
                signers.insert(account, NamedSigner { current, from, next: signer });
            }
            RollupEvent::EscrowLocked { account, amount } => {
                // A bond takes what is free, and the rest of what is requested back and can't be withdrawn
                // yet.
                let free = self.escrow(account).free;
                self.take("Locked", account, amount.min(free), |escrow| &mut escrow.free)?;
                let rest = amount.saturating_sub(free);
                if rest > TokenAmount::ZERO {
                    let now = self.block.l1_slot;
                    let from = self.escrow(account).withdrawable_from;
                    if now >= from {
                        return self.contradiction("Locked", format!("at most {free}"), amount);
                    }
                    self.take("Locked", account, rest, |escrow| &mut escrow.withdrawing)?;
                }
                let escrow = self.escrow(account);
                escrow.locked = escrow.locked.saturating_add(amount);
            }
            RollupEvent::EscrowReleased { account, amount } => {
                self.take("Released", account, amount, |escrow| &mut escrow.locked)?;
                let escrow = self.escrow(account);
                escrow.free = escrow.free.saturating_add(amount);
            }
            RollupEvent::EscrowSlashed { account, amount, beneficiary, share } => {
                self.take("Slashed", account, amount, |escrow| &mut escrow.locked)?;
                if share > TokenAmount::ZERO {
                    let escrow = self.escrow(beneficiary);
                    escrow.free = escrow.free.saturating_add(share);
                }
                add(&mut self.state.totals.bonds_slashed, amount);
                add(&mut self.state.totals.bond_shares, share);
            }
            RollupEvent::RewardsFunded { amount, .. } => {
                self.state.totals.funded = self.state.totals.funded.saturating_add(amount);
            }
            RollupEvent::BlockPaid {
                sequencer,
                sequencer_reward,
                prover,
                prover_reward,
                submitter,
                submitter_reward,
                ..
            } => {
                let credits =
                    [(sequencer, sequencer_reward), (prover, prover_reward), (submitter, submitter_reward)];
                for (account, amount) in credits {
                    self.credit(account, amount);
                }
            }
            RollupEvent::RatesScheduled { from, rates } => {
                self.state.rates.insert(from, rates);
            }
            RollupEvent::RewardClaimed { account, amount, still_owed, .. } => {
                let owed = self.state.owed.get(&account).copied().unwrap_or_default();
                self.expect("Claimed", "owed afterwards", owed.saturating_sub(amount), still_owed)?;
                self.state.owed.insert(account, still_owed);
                self.state.totals.claimed = self.state.totals.claimed.saturating_add(amount);
            }
            // `event` takes every other one
            _ => {}
        }
        Ok(())
    }

    fn credit(&mut self, account: Address, amount: U256) {
        if amount.is_zero() {
            return;
        }
        let owed = self.state.owed.entry(account).or_default();
        *owed = owed.saturating_add(amount);
        self.state.totals.credited = self.state.totals.credited.saturating_add(amount);
    }

    fn sequencer(&mut self, event: &'static str, id: SequencerId) -> Result<&mut SequencerRecord, ViewError> {
        let unknown = self.contradiction(event, "a registered sequencer", id);
        self.state.sequencers.get_mut(&id).map_or(unknown, Ok)
    }

    fn escrow(&mut self, account: Address) -> &mut EscrowAccount {
        self.state.escrow.entry(account).or_default()
    }

    /// Subtracts `amount` from a balance of an escrow account.
    fn take(
        &mut self,
        event: &'static str,
        account: Address,
        amount: TokenAmount,
        balance: impl Fn(&mut EscrowAccount) -> &mut TokenAmount,
    ) -> Applied {
        let balance = balance(self.escrow(account));
        match balance.checked_sub(amount) {
            Some(rest) => {
                *balance = rest;
                Ok(())
            }
            None => {
                let expected = format!("at most {balance}");
                self.contradiction(event, expected, amount)
            }
        }
    }
}

/// Hash of a BLS key, as in the staking contract.
fn key_hash(words: &BlsWords) -> B256 {
    keccak256(words.map(|word| word.0).as_flattened())
}

fn add(total: &mut U256, amount: TokenAmount) {
    *total = total.saturating_add(U256::from(amount.get()));
}
