//! Proposals, commitments, reveals and proofs.

use alloy::primitives::{Address, B256, Bytes};
use fernet_bindings::{Header, IRandomness, IRollup, Quote};
use fernet_protocol::{self as protocol, L1Slot, Lane, Phase, Price, PriceRange, seed_at};

use super::Generator;
use crate::{
    actors::{self, NAMED_KEYS},
    call::{Call, HeaderProof},
    model::Model,
};

impl Generator {
    /// A call that advances the current slot, if its phase is right. Sometimes the call is faulty.
    pub(super) fn towards_a_block(
        &mut self,
        model: &Model,
        now: L1Slot,
        phase: Phase,
    ) -> (Address, Vec<B256>, Call) {
        match phase {
            Phase::Waiting => (self.anyone(), Vec::new(), self.proof_of_mix(model, now)),
            Phase::Proposal => self.proposal(model, now),
            Phase::Commitment => self.commitment(model, now),
            Phase::Reveal => self.reveal(model, now),
            Phase::ExclusiveProving | Phase::OpenProving => self.finalization(model, now),
            Phase::Halt => (self.anyone(), Vec::new(), Call::Sync),
            Phase::Backup => self.backup(model, now),
        }
    }

    /// A proof of the mix that the current slot needs.
    pub(super) fn proof_of_mix(&mut self, model: &Model, now: L1Slot) -> Call {
        let timeline = model.locate_at(now).current.timeline;
        let target = seed_at(timeline.previous_start, &self.rules.parameters).get();
        let proof = self.header_proof(target);
        Call::Prove(IRandomness::proveCall { l1Slot: target, proof: proof.encode() }, proof)
    }

    fn header_proof(&mut self, target: u64) -> HeaderProof {
        let shown = match self.below(20) {
            0 => target + self.below_u64(4),
            1 => target - self.below_u64(4),
            _ => target,
        };
        let with_parent = self.chance(70);
        self.l1.proof(shown, with_parent)
    }

    fn proposal(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let timeline = model.locate_at(now).current.timeline;
        let eligible: Vec<_> = (1..)
            .zip(&model.staking.registered)
            .filter_map(|(id, _)| Some((id, model.eligible_attester(id, timeline.previous_start, now)?)))
            .collect();
        let (sequencer, attester) = match self.chance(92) && !eligible.is_empty() {
            true => self.one_of(&eligible),
            false => (self.below(7) as u32, self.attester()),
        };
        let sender = if self.chance(95) { attester } else { self.anyone() };
        let header = self.header(model, now);
        let hash = protocol::Header::from(header.clone()).hash();
        self.headers.insert(hash, header);
        let target = seed_at(timeline.previous_start, &self.rules.parameters);
        let known = model.randomness.mixes.contains_key(&target) || !timeline.candidates.is_empty();
        let proof = match known {
            true if self.chance(70) => None,
            false if self.chance(5) => None,
            _ => Some(self.header_proof(target.get())),
        };
        let score_proof = self.score_proof(model, now, sequencer, proof.as_ref());
        let call = IRollup::proposeCall {
            slot: self.perhaps_next(timeline.slot.get()),
            sequencer,
            headerHash: if self.chance(2) { B256::ZERO } else { hash },
            seedProof: proof.as_ref().map(HeaderProof::encode).unwrap_or_default(),
            scoreProof: score_proof,
        };
        (sender, Vec::new(), Call::Propose(call, proof))
    }

    /// A score proof for the deployment's scoring, usually a valid one.
    fn score_proof(
        &mut self,
        model: &Model,
        now: L1Slot,
        sequencer: u32,
        proof: Option<&HeaderProof>,
    ) -> Bytes {
        if self.chance(2) {
            return Bytes::from_static(&[1]);
        }
        if !self.rules.vrf {
            return Bytes::new();
        }
        let timeline = model.locate_at(now).current.timeline;
        let stored = model.randomness.mixes.get(&seed_at(timeline.previous_start, &self.rules.parameters));
        let mix = proof.map(|p| p.child.mix).or(stored.copied()).unwrap_or_default();
        let in_flight = model.rollup.in_flight().map(|record| record.seed);
        let seed = in_flight.unwrap_or_else(|| protocol::seed(mix, timeline.slot));
        // Sometimes the input of another slot.
        let slot = protocol::Slot::new(self.perhaps_next(timeline.slot.get()));
        let sequencer = protocol::SequencerId::new(sequencer);
        let input = protocol::VrfInput { rollup: model.at.rollup_id(), slot, seed, sequencer };
        let registered = model.staking.get(sequencer.get());
        let known = registered.map(|s| s.bls_key_hash_at(now.get())).unwrap_or_default();
        let (other, _) = actors::bls_key(1 + self.below(3) as u8, Address::ZERO);
        let key = if self.chance(3) { alloy::primitives::keccak256(other.concat()) } else { known };
        actors::score_proof(key, &input)
    }

    /// A header for the current slot, usually a valid one.
    fn header(&mut self, model: &Model, now: L1Slot) -> Header {
        let slot = model.locate_at(now).current.timeline.slot.get();
        let p = self.rules.parameters;
        let chunks = 1 + self.below(usize::from(p.max_chunks)) as u32;
        let [deposits, exits] = Lane::ALL.map(|lane| self.consumption(model, lane));
        let blobs = u64::from(chunks).div_ceil(self.rules.chunks_per_blob);
        let mut header = Header {
            slot,
            parent: model.rollup.tip.headerHash,
            stateRoot: self.word(),
            depositsEnd: deposits.0,
            depositsChain: deposits.1,
            exitsEnd: exits.0,
            exitsChain: exits.1,
            feeRecipient: self.below(5) as u32,
            chunks,
            committeeDigest: B256::ZERO,
            vote: self.vote(),
            blobHashes: (0..blobs).map(|_| self.blob()).collect(),
        };
        if self.chance(15) {
            match self.below(12) {
                0 => header.parent = self.word(),
                1 => header.chunks = 0,
                2 => header.chunks = u32::from(p.max_chunks) + 1,
                3 => header.committeeDigest = self.word(),
                4 => {
                    let end = model.rollup.tip.depositsEnd + self.below_u64(u64::from(p.max_deposits) + 3);
                    header.depositsEnd = end;
                }
                5 => header.depositsEnd = model.rollup.tip.depositsEnd.saturating_sub(1),
                6 => header.blobHashes.push(B256::with_last_byte(9)),
                7 => header.exitsEnd = model.rollup.tip.exitsEnd + self.below_u64(u64::from(p.max_exits) + 3),
                8 => header.depositsChain = self.wrong_chain(model, Lane::Deposits),
                9 => header.exitsChain = self.wrong_chain(model, Lane::Exits),
                10 => std::mem::swap(&mut header.depositsChain, &mut header.exitsChain),
                _ => header.slot += 1,
            }
        }
        header
    }

    /// End and rolling hash of what a block consumes of a lane: usually as much as it may.
    fn consumption(&mut self, model: &Model, lane: Lane) -> (u64, B256) {
        let (from, count) = (model.consumed(lane), model.bridge.count(lane));
        let maximum = self.rules.parameters.max_operations(lane);
        let to = match self.below(20) {
            0 | 1 => count,
            2 => from,
            _ => protocol::QueueRange::largest(from, maximum, count).to,
        };
        (to, if to == from { B256::ZERO } else { model.bridge.chain(lane, to) })
    }

    /// A rolling hash that is probably not the one at the end of what a block consumes.
    fn wrong_chain(&mut self, model: &Model, lane: Lane) -> B256 {
        match self.below(3) {
            0 => B256::ZERO,
            1 => model.bridge.chain(lane, model.consumed(lane)),
            _ => self.word(),
        }
    }

    /// Header hash and sequencer of the candidate in turn, or of an earlier one.
    fn subject(&mut self, model: &Model, now: L1Slot) -> Option<(B256, u32, Option<Header>)> {
        let rank = model.locate_at(now).current.status.rank.index();
        let candidates = model.rollup.recorded.as_ref()?.list.as_slice();
        let candidate = candidates.get(rank).or_else(|| candidates.first())?;
        let header = self.headers.get(&candidate.header_hash).cloned();
        Some((candidate.header_hash, candidate.sequencer.get(), header))
    }

    fn commitment(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let found = model.locate_at(now);
        let range = model.rewards.rates_of(found.current.timeline.slot);
        let range = range.price_range(found.paid_l1_slots(&self.rules.parameters));
        let timeline = found.current.timeline;
        let (hash, sequencer) = match self.subject(model, now) {
            Some((hash, sequencer, _)) => (hash, sequencer),
            None => (self.word(), 1),
        };
        let p = self.rules.parameters;
        let mut quote = Quote {
            slot: self.perhaps_next(timeline.slot.get()),
            headerHash: hash,
            sequencer,
            prover: self.prover(),
            payee: self.prover(),
            bond: p.min_bond.get() + self.tokens(3_000),
            price: self.price(range).get(),
            validUntil: now.get() + self.below_u64(3),
        };
        if self.chance(15) {
            match self.below(10) {
                0 => quote.headerHash = self.word(),
                1 => quote.sequencer += 1,
                2 => quote.prover = Address::ZERO,
                3 => quote.payee = Address::ZERO,
                4 => quote.bond = p.min_bond.get() - 1,
                5 => quote.bond = 1 << 96,
                6 => quote.price = range.highest.get() + 1,
                7 => quote.price = range.lowest.get() - 1,
                8 => quote.price = if self.chance(50) { i128::MIN } else { i128::MAX },
                _ => quote.validUntil = now.get() - 1,
            }
        }
        let attester = model
            .staking
            .get(sequencer)
            .map(|s| s.attester_at(timeline.previous_start.get()))
            .unwrap_or_default();
        let digest = protocol::Quote::from(quote.clone()).digest(&model.at.rollup_id());
        let mut signatures = [quote.prover, attester].map(|party| self.signature(model, party, digest, now));
        // The prover sends it, or the attester, or anyone with both signatures.
        let sender = match self.below(3) {
            0 => {
                signatures[0] = Bytes::new();
                quote.prover
            }
            1 => {
                signatures[1] = Bytes::new();
                attester
            }
            _ => self.anyone(),
        };
        if self.chance(8) {
            let which = self.below(2);
            signatures[which] = match self.below(5) {
                0 => Bytes::new(),
                1 => Bytes::from(vec![27; 65]),
                2 => actors::wallet_signature(digest),
                3 => actors::sign(actors::address(NAMED_KEYS.start + self.below(NAMED_KEYS.len())), digest),
                _ => actors::sign(self.attester(), digest),
            };
        }
        let [prover, sequencer] = signatures;
        let call = IRollup::commitCall { quote, proverSignature: prover, sequencerSignature: sequencer };
        (sender, Vec::new(), Call::Commit(call))
    }

    /// A price in the range, often one of its ends or zero.
    fn price(&mut self, range: PriceRange) -> Price {
        match self.below(6) {
            0 => range.lowest,
            1 => range.highest,
            2 => Price::ZERO,
            _ => {
                let width = range.highest.get().abs_diff(range.lowest.get()) as usize;
                Price::new(range.lowest.get() + self.below(width + 1) as i128)
            }
        }
    }

    /// A signature that may bind a party: by its own key, by a key that it named or will name, or as a
    /// wallet.
    fn signature(&mut self, model: &Model, party: Address, digest: B256, now: L1Slot) -> Bytes {
        let (bound, pending, _) = model.signers(party, now);
        let own = actors::sign(party, digest);
        if actors::is_wallet(party) && (own.is_empty() || self.chance(40)) {
            return actors::wallet_signature(digest);
        }
        match self.below(10) {
            0..6 if !bound.is_zero() => actors::sign(bound, digest),
            0..3 if !pending.is_zero() => actors::sign(pending, digest),
            _ => own,
        }
    }

    fn reveal(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let known = self.subject(model, now).and_then(|(_, _, header)| header);
        let mut header = match known {
            Some(header) => header,
            None => self.header(model, now),
        };
        let blobs = match self.below(10) {
            0 => vec![self.blob()],
            1 | 2 => header.blobHashes.first().copied().into_iter().collect(),
            3 => header.blobHashes.iter().rev().copied().collect(),
            _ => header.blobHashes.clone(),
        };
        if self.chance(5) {
            header.stateRoot = self.word();
        }
        (self.anyone(), self.carried(blobs), Call::Reveal(IRollup::revealCall { header }))
    }

    fn finalization(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let known = self.subject(model, now).and_then(|(_, _, header)| header);
        let mut header = match known {
            Some(header) => header,
            None => self.header(model, now),
        };
        if self.chance(5) {
            header.stateRoot = self.word();
        }
        let (payee, proof) = self.payee_and_proof(model, &header);
        (self.anyone(), Vec::new(), Call::Finalize(IRollup::finalizeCall { header, payee, proof }))
    }

    fn backup(&mut self, model: &Model, now: L1Slot) -> (Address, Vec<B256>, Call) {
        let known = self.subject(model, now).and_then(|(_, _, header)| header);
        let of_candidate = if model.locate_at(now).current.status.revealed { 50 } else { 30 };
        let header = match known {
            Some(header) if self.chance(of_candidate) => header,
            _ => {
                let mut header = self.header(model, now);
                if self.chance(80) {
                    header.vote = Address::ZERO;
                }
                self.headers.insert(protocol::Header::from(header.clone()).hash(), header.clone());
                header
            }
        };
        let blobs = if self.chance(85) { header.blobHashes.clone() } else { Vec::new() };
        let (payee, proof) = self.payee_and_proof(model, &header);
        let call = IRollup::finalizeBackupCall { header, payee, proof };
        (self.anyone(), self.carried(blobs), Call::FinalizeBackup(call))
    }

    fn payee_and_proof(&mut self, model: &Model, header: &Header) -> (Address, Bytes) {
        let payee = self.prover();
        let payee = self.perhaps_zero(payee);
        let proof = if self.chance(4) { self.word() } else { model.proof_of(header, payee) };
        (payee, Bytes::copy_from_slice(proof.as_slice()))
    }

    /// Blobs of a transaction.
    fn carried(&self, mut blobs: Vec<B256>) -> Vec<B256> {
        blobs.retain(|blob| blob.0[0] == 1);
        blobs.truncate(6);
        blobs
    }

    fn perhaps_next(&mut self, slot: u64) -> u64 {
        if self.chance(3) { slot + 1 } else { slot }
    }
}
