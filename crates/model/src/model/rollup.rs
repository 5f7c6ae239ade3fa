//! The rollup: proposals, commitments, reveals, proofs, and the settlement of a slot.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256},
    sol_types::SolValue,
};
use fernet_bindings::{self as abi, IRollup, IScoring, Outcome as HowFinalized, Statement, convert::narrow};
use fernet_protocol::{
    BlsPublicKey, BlsSignature, Bond, BondOutcome, Bps, CandidateFacts, CandidateList, Commitment, Cursor,
    EligibleSequencer, Ending, Header, L1Slot, Lane, Location, Penalty, PenaltyKind, Phase, Proposal,
    ProposalRefused, Quote, QuoteRefused, Score, Scorer, SequencerId, SettledCandidate, Slot, Timeline,
    TokenAmount, VrfInput, locate, seed, seed_at, settle,
};

use super::{Model, Outcome, refusal, refuse};
use crate::{
    call::HeaderProof,
    code,
    rules::{Addresses, Planted, Rules},
};

/// The state of the rollup.
#[derive(Debug, Clone)]
pub(crate) struct Rollup {
    pub(crate) cursor: Cursor,
    /// The last slot with proposals. The cursor may have passed it.
    pub(crate) recorded: Option<Recorded>,
    pub(crate) tip: abi::Tip,
    /// Header hashes of finalized blocks, by slot.
    pub(crate) finalized: BTreeMap<u64, B256>,
    /// First L1 slot in which the guardian may pause again.
    pub(crate) pausable_from: L1Slot,
}

/// A slot with proposals.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) slot: Slot,
    pub(crate) start: L1Slot,
    pub(crate) previous_start: L1Slot,
    pub(crate) seed: B256,
    pub(crate) list: CandidateList,
    pub(crate) commitments: BTreeMap<SequencerId, Commitment>,
    pub(crate) revealed_at: BTreeMap<SequencerId, L1Slot>,
    /// Commitment of the candidate that committed last.
    pub(crate) blobs_seen: u16,
}

impl Recorded {
    pub(crate) fn timeline(&self) -> Timeline {
        let facts = |p: &Proposal| CandidateFacts {
            committed_at: self.commitments.get(&p.sequencer).map(|c| c.at),
            revealed_at: self.revealed_at.get(&p.sequencer).copied(),
        };
        Timeline {
            candidates: self.list.as_slice().iter().map(facts).collect(),
            ..Timeline::open(self.slot, self.start, self.previous_start)
        }
    }
}

impl Rollup {
    pub(super) fn new(rules: &Rules, at: &Addresses) -> Self {
        Self {
            cursor: Cursor::genesis(rules.genesis_slot, &rules.parameters),
            recorded: None,
            tip: abi::Tip {
                headerHash: at.rollup_id().genesis_hash(),
                stateRoot: Rules::genesis_root(),
                depositsEnd: 0,
                exitsEnd: 0,
                height: 0,
                slot: Slot::NONE.get(),
            },
            finalized: BTreeMap::from([(Slot::NONE.get(), at.rollup_id().genesis_hash())]),
            pausable_from: L1Slot::new(0),
        }
    }

    /// The slot with proposals that isn't settled yet.
    pub(crate) fn in_flight(&self) -> Option<&Recorded> {
        self.recorded.as_ref().filter(|r| r.slot >= self.cursor.slot)
    }

    pub(crate) fn is_candidate(&self, sequencer: SequencerId) -> bool {
        self.in_flight().is_some_and(|r| r.list.as_slice().iter().any(|p| p.sequencer == sequencer))
    }
}

fn amount(tokens: TokenAmount) -> alloy::primitives::aliases::U96 {
    narrow("amount", tokens).unwrap_or_default()
}

impl Model {
    pub(crate) fn locate_at(&self, now: L1Slot) -> Location {
        let timeline = self.rollup.recorded.as_ref().map(Recorded::timeline);
        locate(&self.rollup.cursor, timeline.as_ref(), &self.rules.parameters, now)
    }

    pub(super) fn locate(&self) -> Location {
        self.locate_at(self.frame.now)
    }

    /// End of the current pause; 0 if there is none.
    pub(crate) fn paused_until(&self, now: L1Slot) -> u64 {
        let previous = self.rollup.cursor.previous_start;
        if previous > now { previous.get() } else { 0 }
    }

    // ---- entry --------------------------------------------------------------------------------------------

    fn enter(&mut self, slot: u64) -> Outcome<Location> {
        let found = self.locate();
        let expected = found.current.timeline.slot.get();
        if expected != slot {
            return refuse(IRollup::WrongSlot { expected, actual: slot });
        }
        self.expire(&found)?;
        Ok(found)
    }

    fn require_phase(&self, at: &Location, expected: Phase) -> Outcome {
        let actual = at.current.status.phase;
        if actual == expected {
            return Ok(());
        }
        refuse(IRollup::WrongPhase { expected: expected.into(), actual: actual.into() })
    }

    pub(super) fn settle_expired(&mut self) -> Outcome {
        let found = self.locate();
        if found.expired.is_none() {
            return refuse(IRollup::NothingToSettle {});
        }
        self.expire(&found)
    }

    pub(super) fn sync(&mut self) -> Outcome {
        let found = self.locate();
        self.expire(&found)
    }

    pub(super) fn pause(&mut self) -> Outcome {
        let (actual, now) = (self.frame.sender, self.frame.now);
        if actual != self.at.guardian {
            return refuse(IRollup::NotGuardian { expected: self.at.guardian, actual });
        }
        let until = self.paused_until(now);
        if until != 0 {
            return refuse(IRollup::AlreadyPaused { until });
        }
        if now < self.rollup.pausable_from {
            let from = self.rollup.pausable_from.get();
            return refuse(IRollup::PausedRecently { pausableFrom: from, actual: now.get() });
        }
        let length = u64::from(self.rules.parameters.pause_length);
        self.rollup.pausable_from = now.plus(length).plus(length);
        let found = self.locate();
        self.expire(&found)?;
        let slot = found.current.timeline.slot;
        let voided = self.rollup.in_flight().map(|r| (r.list.clone(), r.commitments.clone()));
        let mut cursor = found.cursor.after_pause(&found.current.timeline, now, &self.rules.parameters);
        if self.rules.breaks(Planted::PauseIsStall) {
            cursor.since_tip = found.cursor.since_tip_at(cursor.start);
        }
        if cursor.since_tip > self.rules.parameters.stall_after {
            self.took("a pause keeps a stall");
        }
        self.rollup.cursor = cursor;
        let (list, commitments) = voided.unwrap_or_else(|| (CandidateList::new(1), BTreeMap::new()));
        for commitment in list.as_slice().iter().filter_map(|p| commitments.get(&p.sequencer)) {
            self.release(slot, commitment.prover, commitment.bond)?;
        }
        self.emit(self.at.rollup, IRollup::SlotVoided { slot: slot.get() });
        let until = self.rollup.cursor.previous_start.get();
        self.emit(self.at.rollup, IRollup::Paused { until });
        Ok(())
    }

    // ---- proposals ----------------------------------------------------------------------------------------

    pub(super) fn propose(&mut self, call: &IRollup::proposeCall, proof: Option<&HeaderProof>) -> Outcome {
        let at = self.enter(call.slot)?;
        self.require_phase(&at, Phase::Proposal)?;
        if call.headerHash.is_zero() {
            return refuse(IRollup::EmptyHeaderHash {});
        }
        let Timeline { slot, start, previous_start, .. } = at.current.timeline;
        let (sequencer, now, sender) = (call.sequencer, self.frame.now, self.frame.sender);
        let Some(attester) = self.eligible_attester(sequencer, previous_start, now) else {
            return refuse(IRollup::NotEligible { sequencer, activeBy: previous_start.get() });
        };
        if attester != sender {
            return refuse(IRollup::NotAttester { sequencer, expected: attester, actual: sender });
        }
        let opened = self.rollup.in_flight().cloned();
        let mut record = match opened {
            Some(record) => record,
            None => {
                let at = seed_at(previous_start, &self.rules.parameters);
                Recorded {
                    slot,
                    start,
                    previous_start,
                    seed: self.seed_of(slot, at, proof)?,
                    list: CandidateList::new(self.rules.parameters.max_candidates),
                    commitments: BTreeMap::new(),
                    revealed_at: BTreeMap::new(),
                    blobs_seen: 0,
                }
            }
        };
        let id = SequencerId::new(sequencer);
        let score =
            self.score(slot, record.seed, EligibleSequencer { sequencer: id, attester }, &call.scoreProof)?;
        let proposed = Proposal { sequencer: id, score, header_hash: call.headerHash };
        let inserted = record.list.insert(proposed).map_err(|why| match why {
            ProposalRefused::AlreadyProposed { sequencer } => {
                refusal(IRollup::AlreadyProposed { sequencer: sequencer.get() })
            }
            ProposalRefused::ScoreTooLow { score, to_beat } => {
                refusal(IRollup::ScoreTooLow { score: score.get(), toBeat: to_beat.get() })
            }
        })?;
        self.rollup.recorded = Some(record);
        if let Some(out) = inserted.displaced {
            let (sequencer, header) = (out.sequencer.get(), out.header_hash);
            self.emit(self.at.rollup, IRollup::Displaced { slot: slot.get(), sequencer, headerHash: header });
        }
        let event = IRollup::Proposed {
            slot: slot.get(),
            sequencer,
            headerHash: call.headerHash,
            score: score.get(),
            start: start.get(),
            previousStart: previous_start.get(),
        };
        self.emit(self.at.rollup, event);
        Ok(())
    }

    fn score(&self, slot: Slot, seed: B256, eligible: EligibleSequencer, proof: &Bytes) -> Outcome<Score> {
        let expected = if self.rules.vrf { 384 } else { 0 };
        if proof.len() != expected {
            let (expected, actual) = (U256::from(expected), U256::from(proof.len()));
            return refuse(IScoring::WrongProofLength { expected, actual });
        }
        if !self.rules.vrf {
            return Ok(Scorer::new(self.at.rollup_id(), slot, seed).score(&eligible));
        }
        let sequencer = eligible.sequencer.get();
        let (key, signature) = proof.split_at(128);
        let expected =
            self.staking.get(sequencer).map(|s| s.bls_key_hash_at(self.frame.now.get())).unwrap_or_default();
        let actual = keccak256(key);
        if actual != expected {
            return refuse(abi::VrfScore::WrongBlsKey { sequencer, expected, actual });
        }
        let input = VrfInput { rollup: self.at.rollup_id(), slot, seed, sequencer: eligible.sequencer };
        let verified = BlsPublicKey::decode(&FixedBytes::from_slice(key))
            .and_then(|key| input.verify(&key, &BlsSignature::decode(&FixedBytes::from_slice(signature))?));
        verified.or_else(|_| refuse(abi::VrfScore::BadBlsSignature { sequencer }))
    }

    fn seed_of(&mut self, slot: Slot, at: L1Slot, proof: Option<&HeaderProof>) -> Outcome<B256> {
        let Some(proof) = proof else {
            return match self.randomness.mixes.get(&at) {
                Some(mix) => Ok(seed(*mix, slot)),
                None => refuse(abi::IRandomness::UnknownMix { l1Slot: at.get() }),
            };
        };
        let mix = self.read_mix(at, proof)?;
        self.emit(self.at.rollup, IRollup::SeedProven { slot: slot.get(), l1Slot: at.get(), mix });
        Ok(seed(mix, slot))
    }

    // ---- commitments --------------------------------------------------------------------------------------

    pub(super) fn commit(&mut self, call: &IRollup::commitCall) -> Outcome {
        let quote: Quote = call.quote.clone().into();
        let at = self.enter(quote.slot.get())?;
        self.require_phase(&at, Phase::Commitment)?;
        let (now, rates, paid) = (self.frame.now, self.rewards.rates_of(quote.slot), self.paid_l1_slots(&at));
        let candidate = self.candidate(&at);
        quote
            .check_subject(at.current.timeline.slot, candidate.header_hash, candidate.sequencer)
            .and_then(|()| quote.check_terms(&self.rules.parameters, &rates, paid, now))
            .map_err(refused_quote)?;
        if quote.price.is_negative() {
            if self.rules.breaks(Planted::NoNegativePrice) {
                let highest = rates.price_range(paid).highest.get();
                return refuse(IRollup::PriceOutOfRange { lowest: 0, highest, actual: quote.price.get() });
            }
            self.took("a price below zero");
        }
        let digest = quote.digest(&self.at.rollup_id());
        let attester = self
            .staking
            .get(quote.sequencer.get())
            .map(|s| s.attester_at(at.current.timeline.previous_start.get()))
            .unwrap_or_default();
        for (signer, signature) in
            [(quote.prover, &call.proverSignature), (attester, &call.sequencerSignature)]
        {
            if signer != self.frame.sender && !self.has_signed(signer, digest, signature) {
                return refuse(IRollup::BadSignature { signer });
            }
        }
        let Quote { prover, payee, bond, price, .. } = quote;
        if let Some(record) = &mut self.rollup.recorded {
            record.commitments.insert(quote.sequencer, Commitment { prover, payee, bond, price, at: now });
            record.blobs_seen = 0;
        }
        let event = IRollup::Committed {
            slot: quote.slot.get(),
            headerHash: quote.header_hash,
            prover,
            sequencer: quote.sequencer.get(),
            payee,
            bond: amount(bond),
            price: price.get(),
            l1Slot: now.get(),
        };
        self.emit(self.at.rollup, event);
        self.lock_bond(prover, bond.get())
    }

    /// The candidate in turn, if the phase has one.
    fn candidate(&self, at: &Location) -> Proposal {
        let candidates = self.rollup.recorded.as_ref().map(|r| r.list.as_slice()).unwrap_or_default();
        candidates[at.current.status.rank.index()]
    }

    // ---- blocks -------------------------------------------------------------------------------------------

    pub(super) fn reveal(&mut self, header: &abi::Header) -> Outcome {
        let at = self.enter(header.slot)?;
        self.require_phase(&at, Phase::Reveal)?;
        let candidate = self.candidate(&at);
        let hash = Header::from(header.clone()).hash();
        if hash != candidate.header_hash {
            return refuse(IRollup::WrongHeader { expected: candidate.header_hash, actual: hash });
        }
        self.check_header(&at, header)?;
        let (now, blobs) = (self.frame.now, self.frame.blobs.clone());
        let mut seen = self.rollup.recorded.as_ref().map(|r| r.blobs_seen).unwrap_or_default();
        let before = seen;
        for (bit, blob) in header.blobHashes.iter().enumerate() {
            if blobs.contains(blob) {
                seen |= 1 << bit;
            }
        }
        if seen == before {
            return refuse(IRollup::NoNewBlob {});
        }
        let complete = seen.count_ones() as usize == header.blobHashes.len();
        if let Some(record) = &mut self.rollup.recorded {
            record.blobs_seen = seen;
            if complete {
                record.revealed_at.insert(candidate.sequencer, now);
            }
        }
        let event = IRollup::Revealed {
            slot: header.slot,
            headerHash: hash,
            header: header.clone(),
            blobsSeen: seen,
            complete,
            l1Slot: now.get(),
        };
        self.emit(self.at.rollup, event);
        Ok(())
    }

    pub(super) fn finalize(&mut self, header: &abi::Header, payee: Address, proof: &Bytes) -> Outcome {
        let at = self.enter(header.slot)?;
        let phase = at.current.status.phase;
        let exclusive = phase == Phase::ExclusiveProving;
        if !exclusive && phase != Phase::OpenProving {
            self.require_phase(&at, Phase::ExclusiveProving)?;
        }
        let hash = Header::from(header.clone()).hash();
        let expected = self.candidate(&at).header_hash;
        if hash != expected {
            return refuse(IRollup::WrongHeader { expected, actual: hash });
        }
        self.verify(header, payee, proof)?;
        let now = self.frame.now;
        let ending = match exclusive {
            true => Ending::Finalized { at: now },
            false => Ending::Rescued { payee, at: now },
        };
        self.finish(&at, header, payee, ending)
    }

    pub(super) fn finalize_backup(&mut self, header: &abi::Header, payee: Address, proof: &Bytes) -> Outcome {
        let at = self.enter(header.slot)?;
        self.require_phase(&at, Phase::Backup)?;
        let hash = Header::from(header.clone()).hash();
        let is_revealed = at.current.status.revealed && hash == self.candidate(&at).header_hash;
        if !is_revealed {
            self.check_header(&at, header)?;
            if !header.vote.is_zero() {
                return refuse(IRollup::VoteNotZero {});
            }
            if let Some(index) = header.blobHashes.iter().position(|blob| !self.frame.blobs.contains(blob)) {
                return refuse(IRollup::BlobNotPublished { index: U256::from(index) });
            }
            let event = IRollup::BackupBlock { slot: header.slot, headerHash: hash, header: header.clone() };
            self.emit(self.at.rollup, event);
        }
        self.verify(header, payee, proof)?;
        let ending =
            if is_revealed { Ending::BackupOfRevealed { payee } } else { Ending::BackupOfOther { payee } };
        self.finish(&at, header, payee, ending)
    }

    fn check_header(&self, at: &Location, header: &abi::Header) -> Outcome {
        let expected = self.rollup.tip.headerHash;
        if header.parent != expected {
            return refuse(IRollup::WrongParent { expected, actual: header.parent });
        }
        let maximum = u32::from(self.rules.parameters.max_chunks);
        if header.chunks == 0 || header.chunks > maximum {
            let (maximum, actual) = (U256::from(maximum), U256::from(header.chunks));
            return refuse(IRollup::ChunksOutOfRange { maximum, actual });
        }
        let blobs = u64::from(header.chunks).div_ceil(self.rules.chunks_per_blob);
        if header.blobHashes.len() as u64 != blobs {
            let (expected, actual) = (U256::from(blobs), U256::from(header.blobHashes.len()));
            return refuse(IRollup::WrongBlobCount { expected, actual });
        }
        if !header.committeeDigest.is_zero() {
            return refuse(IRollup::CommitteeDigestNotZero {});
        }
        self.check_consumption(header, at.current.timeline.previous_start)
    }

    /// The proof that the verifier double accepts for a block on the tip.
    pub(crate) fn proof_of(&self, header: &abi::Header, payee: Address) -> B256 {
        let [deposits, exits] = Lane::ALL.map(|lane| self.consumed(lane));
        let before = |lane, from, to| if from == to { B256::ZERO } else { self.bridge.chain(lane, from) };
        let consumed = [header.depositsEnd.wrapping_sub(deposits), header.exitsEnd.wrapping_sub(exits)];
        let statement = Statement {
            headerHash: Header::from(header.clone()).hash(),
            parentRoot: self.rollup.tip.stateRoot,
            stateRoot: header.stateRoot,
            chunks: header.chunks,
            blobHashes: header.blobHashes.clone(),
            depositsFrom: before(Lane::Deposits, deposits, header.depositsEnd),
            depositsTo: header.depositsChain,
            exitsFrom: before(Lane::Exits, exits, header.exitsEnd),
            exitsTo: header.exitsChain,
            operations: consumed[0].wrapping_add(consumed[1]),
            feeRecipient: header.feeRecipient,
            payee,
            domain: self.at.rollup_id().domain(),
        };
        code::proof(&statement.abi_encode())
    }

    fn verify(&self, header: &abi::Header, payee: Address, proof: &Bytes) -> Outcome {
        if payee.is_zero() {
            return refuse(IRollup::ZeroAddress {});
        }
        let expected = self.proof_of(header, payee);
        if proof.as_ref() == expected.as_slice() {
            return Ok(());
        }
        Err(super::Refusal(Bytes::copy_from_slice(expected.as_slice())))
    }

    // ---- the slot's end -----------------------------------------------------------------------------------

    /// L1 slots that a block of the slot in turn is paid for.
    pub(super) fn paid_l1_slots(&self, found: &Location) -> u32 {
        let paid = found.paid_l1_slots(&self.rules.parameters);
        if self.rules.breaks(Planted::PaidForLess) { paid.saturating_sub(1) } else { paid }
    }

    /// State of a slot at its end. `turn_start` is that of the revealed candidate, if there is one.
    fn settled_candidates(&self, turn_start: Option<L1Slot>) -> Vec<SettledCandidate> {
        let Some(record) = self.rollup.in_flight() else { return Vec::new() };
        let of = |p: &Proposal| {
            let registered = self.staking.get(p.sequencer.get())?;
            let commitment = record.commitments.get(&p.sequencer).copied();
            let bonus_from = match commitment {
                Some(commitment) if self.rules.breaks(Planted::BonusFromCommitment) => commitment.at,
                _ => turn_start.unwrap_or_default(),
            };
            Some(SettledCandidate {
                sequencer: p.sequencer,
                owner: registered.owner,
                stake: TokenAmount::new(registered.stake),
                turn_start: bonus_from,
                commitment,
                revealed_at: record.revealed_at.get(&p.sequencer).copied(),
            })
        };
        record.list.as_slice().iter().filter_map(of).collect()
    }

    /// Settles the slot that is over, if there is one.
    fn expire(&mut self, found: &Location) -> Outcome {
        let Some(expired) = &found.expired else { return Ok(()) };
        let candidates = self.settled_candidates(expired.status.turn_start);
        let slot = expired.timeline.slot;
        let rates = self.rewards.rates_of(slot);
        let settled = settle(&self.rules.parameters, &rates, 0, &candidates, Ending::Expired, Address::ZERO)
            .unwrap_or_else(|error| unreachable!("{error}"));
        self.rollup.cursor = found.cursor;
        self.move_stakes_and_bonds(slot, &candidates, &settled.penalties, &settled.bonds)?;
        self.emit(self.at.rollup, IRollup::SlotExpired { slot: slot.get() });
        Ok(())
    }

    fn finish(&mut self, found: &Location, header: &abi::Header, payee: Address, ending: Ending) -> Outcome {
        let at = &found.current;
        let (slot, now, submitter) = (at.timeline.slot, self.frame.now, self.frame.sender);
        let candidates = self.settled_candidates(at.status.turn_start);
        let paid = self.paid_l1_slots(found);
        let mut rates = self.rewards.rates_of(slot);
        let is_late = matches!(ending, Ending::Rescued { .. });
        if is_late && self.rules.breaks(Planted::LateProofIsPrompt) {
            rates.promptness = Bps::new(0);
        }
        let mut settled = settle(&self.rules.parameters, &rates, paid, &candidates, ending, submitter)
            .unwrap_or_else(|error| unreachable!("{error}"));
        if let Some(bond) = settled.bonds.last_mut() {
            self.break_bond(bond, ending);
        }
        self.note_ending(found, header, paid, &settled.bonds, ending);
        self.rollup.cursor = Cursor::after_finalized(&at.timeline, now, &self.rules.parameters);
        let hash = Header::from(header.clone()).hash();
        self.rollup.finalized.insert(slot.get(), hash);
        self.rollup.tip = abi::Tip {
            headerHash: hash,
            stateRoot: header.stateRoot,
            depositsEnd: header.depositsEnd,
            exitsEnd: header.exitsEnd,
            height: self.rollup.tip.height + 1,
            slot: slot.get(),
        };
        let revealed = candidates.get(at.status.rank.index()).filter(|_| at.status.revealed);
        let sequencer = match ending {
            Ending::BackupOfOther { .. } | Ending::Expired => Address::ZERO,
            _ => revealed.map(|c| c.owner).unwrap_or_default(),
        };
        let committed = revealed.and_then(|c| c.commitment);
        let (prover, outcome) = match ending {
            Ending::Finalized { .. } => {
                (committed.map(|c| c.payee).unwrap_or_default(), HowFinalized::Finalized)
            }
            Ending::Rescued { .. } => (payee, HowFinalized::Rescued),
            _ => (payee, HowFinalized::Backup),
        };
        self.pay_block(slot, sequencer, prover, &settled.credits);
        self.move_stakes_and_bonds(slot, &candidates, &settled.penalties, &settled.bonds)?;
        if !header.vote.is_zero() {
            self.signal(slot, header.vote);
        }
        let event = IRollup::Finalized {
            slot: slot.get(),
            headerHash: hash,
            payee: prover,
            outcome,
            stateRoot: header.stateRoot,
            depositsEnd: header.depositsEnd,
            l1Slot: now.get(),
        };
        self.emit(self.at.rollup, event);
        Ok(())
    }

    /// Breaks the rule about the bond of the revealed candidate that the model is told to break.
    fn break_bond(&self, bond: &mut Bond, ending: Ending) {
        let share = |part: TokenAmount| part.share_down(self.rules.parameters.rescue_share);
        bond.outcome = match (self.rules.planted, ending, bond.outcome) {
            (Some(Planted::LateProofTakesAll), Ending::Rescued { payee, .. }, _)
            | (
                Some(Planted::ShareForAnotherBlock),
                Ending::BackupOfOther { payee },
                BondOutcome::Slashed { .. },
            ) => BondOutcome::Slashed { part: bond.amount, beneficiary: payee, share: share(bond.amount) },
            (_, _, outcome) => outcome,
        };
    }

    /// Notes what is rare about the end of a slot with a block.
    fn note_ending(
        &mut self,
        found: &Location,
        header: &abi::Header,
        paid: u32,
        bonds: &[Bond],
        ending: Ending,
    ) {
        let ended = bonds.last().filter(|_| found.current.status.revealed);
        let slashed = ended.map(|bond| (bond.amount, bond.outcome));
        let [deposits, exits] = Lane::ALL.map(|lane| self.consumed(lane));
        let branches = [
            (u64::from(paid) > self.rules.parameters.idle(), "a stall is paid"),
            (u64::from(paid) < self.rules.parameters.idle(), "less than an idle slot is paid"),
            (header.depositsEnd > deposits, "a block consumes deposits"),
            (header.exitsEnd > exits, "a block consumes forced exits"),
            (
                matches!(slashed, Some((bond, BondOutcome::Slashed { part, .. })) if part < bond),
                "a late proof costs a part of the bond",
            ),
            (
                matches!(ending, Ending::BackupOfOther { .. }) && ended.is_some(),
                "another block burns the bond of the revealed one",
            ),
        ];
        for (_, branch) in branches.into_iter().filter(|(taken, _)| *taken) {
            self.took(branch);
        }
    }

    /// Carries out a settlement in the order of ranks. For each failed candidate it releases the bond, then
    /// applies the penalty. The bond of the revealed candidate comes last.
    fn move_stakes_and_bonds(
        &mut self,
        slot: Slot,
        candidates: &[SettledCandidate],
        penalties: &[Penalty],
        bonds: &[Bond],
    ) -> Outcome {
        let mut bonds = bonds.iter();
        for (candidate, penalty) in candidates.iter().zip(penalties) {
            if candidate.commitment.is_some()
                && let Some(bond) = bonds.next()
            {
                self.end_bond(slot, bond)?;
            }
            let (slot, sequencer, taken) = (slot.get(), penalty.sequencer.get(), amount(penalty.amount));
            self.slash_stake(sequencer, penalty.amount.get())?;
            match penalty.kind {
                PenaltyKind::Abandoned => {
                    self.emit(
                        self.at.rollup,
                        IRollup::CandidateAbandoned { slot, sequencer, penalty: taken },
                    );
                }
                PenaltyKind::Withheld => {
                    self.emit(self.at.rollup, IRollup::CandidateWithheld { slot, sequencer, penalty: taken });
                }
            }
        }
        bonds.try_for_each(|bond| self.end_bond(slot, bond))
    }

    fn end_bond(&mut self, slot: Slot, bond: &Bond) -> Outcome {
        match bond.outcome {
            BondOutcome::Released => self.release(slot, bond.prover, bond.amount),
            BondOutcome::Slashed { part, beneficiary, share } => {
                let event = IRollup::BondSlashed {
                    slot: slot.get(),
                    prover: bond.prover,
                    bond: amount(part),
                    beneficiary,
                    share: amount(share),
                };
                self.emit(self.at.rollup, event);
                self.slash_bond(bond.prover, part.get(), beneficiary, share.get())?;
                match bond.amount.saturating_sub(part) {
                    TokenAmount::ZERO => Ok(()),
                    rest => self.release(slot, bond.prover, rest),
                }
            }
        }
    }

    fn release(&mut self, slot: Slot, prover: Address, bond: TokenAmount) -> Outcome {
        self.emit(self.at.rollup, IRollup::BondReleased { slot: slot.get(), prover, bond: amount(bond) });
        self.release_bond(prover, bond.get())
    }
}

fn refused_quote(why: QuoteRefused) -> super::Refusal {
    match why {
        QuoteRefused::WrongSlot { expected, actual } => {
            refusal(IRollup::WrongSlot { expected: expected.get(), actual: actual.get() })
        }
        QuoteRefused::WrongHeader { expected, actual } => refusal(IRollup::WrongHeader { expected, actual }),
        QuoteRefused::WrongSequencer { expected, actual } => {
            refusal(IRollup::WrongSequencer { expected: expected.get(), actual: actual.get() })
        }
        QuoteRefused::Expired { valid_until, now } => {
            refusal(IRollup::QuoteExpired { validUntil: valid_until.get(), now_: now.get() })
        }
        QuoteRefused::ZeroAddress { .. } => refusal(IRollup::ZeroAddress {}),
        QuoteRefused::BondTooLow { minimum, actual } => {
            refusal(IRollup::BondTooLow { minimum: amount(minimum), actual: actual.get() })
        }
        QuoteRefused::BondTooHigh { maximum, actual } => {
            refusal(IRollup::BondTooHigh { maximum: amount(maximum), actual: actual.get() })
        }
        QuoteRefused::PriceOutOfRange { lowest, highest, actual } => refusal(IRollup::PriceOutOfRange {
            lowest: lowest.get(),
            highest: highest.get(),
            actual: actual.get(),
        }),
    }
}
