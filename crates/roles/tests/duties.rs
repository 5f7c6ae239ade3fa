//! The outcomes of duties under scripted views.

use alloy::consensus::Header as L1Header;
use alloy::primitives::{Address, B256, aliases::U192, keccak256};
use fernet_follower::{RollupView, ViewConfig};
use fernet_l1::{L1Block, LoggedEvent, Outcome, RollupEvent, Scoring};
use fernet_protocol::{
    ChainId, Header, L1Slot, Parameters, Phase, Price, RollupId, Score, SequencerId, Slot, TokenAmount,
    samples,
};
use fernet_roles::{
    Cause, DutyStage, ProverDuties, ProverDuty, ProverOutcome, SETTLED_AFTER, SequencerDuties, SequencerDuty,
    SequencerOutcome,
};

const GENESIS_SLOT: u64 = 100;
/// Slot 0: proposals until 106, then turns of 3 + 3 L1 slots.
const START: u64 = 103;
const PROVER: Address = Address::repeat_byte(0xaa);
const PAYEE: Address = Address::repeat_byte(0xbb);
const OTHER: Address = Address::repeat_byte(0xcc);
const BOND: u128 = 20;

fn parameters() -> Parameters {
    Parameters { proving_phase: 6, exclusive_proving: 4, backup_phase: 4, ..samples::parameters() }
}

/// A view, the chain that it follows, and the trackers that see every block of it.
struct World {
    view: RollupView,
    next: u64,
    branch: u64,
    /// Of sequencers 1 to 4.
    sequencers: Vec<SequencerDuties>,
    prover: ProverDuties,
    told: Vec<(u32, SequencerDuty)>,
    proven: Vec<ProverDuty>,
    is_blind: bool,
}

impl World {
    fn new() -> Self {
        let setup = ViewConfig {
            rollup: RollupId::new(ChainId::new(31337), Address::repeat_byte(1)),
            parameters: parameters(),
            scoring: Scoring::Public,
            genesis_slot: L1Slot::new(GENESIS_SLOT),
            genesis_root: B256::repeat_byte(2),
            escrow_withdrawal_delay: 4,
        };
        let mut world = Self {
            view: RollupView::new(setup),
            next: 1,
            branch: 0,
            sequencers: Vec::new(),
            prover: ProverDuties::new(PROVER, PAYEE),
            told: Vec::new(),
            proven: Vec::new(),
            is_blind: false,
        };
        world.restart();
        world.until(GENESIS_SLOT + 1);
        world
    }

    /// Replaces the trackers by new ones, which know nothing.
    fn restart(&mut self) {
        self.sequencers = (1..=4).map(|id| SequencerDuties::new(SequencerId::new(id))).collect();
        self.prover = ProverDuties::new(PROVER, PAYEE);
    }

    fn head_slot(&self) -> u64 {
        self.view.head().map_or(GENESIS_SLOT - 1, |head| head.l1_slot.get())
    }

    /// A block in `l1_slot`, after empty ones in the L1 slots before it.
    #[track_caller]
    fn at(&mut self, l1_slot: u64, events: Vec<RollupEvent>) {
        for empty in self.head_slot() + 1..l1_slot {
            self.apply(empty, Vec::new());
        }
        self.apply(l1_slot, events);
    }

    /// Empty blocks up to `l1_slot`.
    #[track_caller]
    fn until(&mut self, l1_slot: u64) {
        if self.head_slot() < l1_slot {
            self.at(l1_slot, Vec::new());
        }
    }

    #[track_caller]
    fn apply(&mut self, l1_slot: u64, events: Vec<RollupEvent>) {
        let parent_hash = self.view.head().map(|head| head.hash).unwrap_or_default();
        let mix_hash = keccak256([l1_slot.to_be_bytes(), self.branch.to_be_bytes()].concat());
        let header = L1Header { number: self.next, parent_hash, mix_hash, ..L1Header::default() };
        let logged = |(index, event)| LoggedEvent { event, tx: mix_hash, log_index: index as u64 };
        let block = L1Block {
            number: self.next,
            hash: header.hash_slow(),
            l1_slot: L1Slot::new(l1_slot),
            events: events.into_iter().enumerate().map(logged).collect(),
            header,
        };
        self.view.apply(&block).expect("a block that fits the view");
        self.next += 1;
        if !self.is_blind {
            self.observe();
        }
    }

    fn observe(&mut self) {
        for (tracker, id) in self.sequencers.iter_mut().zip(1..) {
            self.told.extend(tracker.observe(&self.view).into_iter().map(|duty| (id, duty)));
        }
        self.proven.extend(self.prover.observe(&self.view));
    }

    /// Undoes the newest blocks down to L1 slot `to`; another branch follows.
    fn reorg(&mut self, to: u64) {
        let undone = self.head_slot() - to;
        self.next -= undone;
        self.view.rollback(self.next - 1).expect("a reorg that the view remembers");
        self.branch += 1;
    }

    fn duties(&mut self, id: u32) -> &mut SequencerDuties {
        &mut self.sequencers[id as usize - 1]
    }

    /// What was told of a slot, by sequencer.
    fn told(&self, slot: u64) -> Vec<(u32, SequencerOutcome)> {
        let of_slot = self.told.iter().filter(|(_, duty)| duty.slot == Slot::new(slot));
        of_slot.map(|(id, duty)| (*id, duty.outcome)).collect()
    }

    fn block(&self, slot: u64) -> Header {
        Header {
            parent: self.view.tip().header_hash,
            deposits_end: 0,
            exits_end: 0,
            deposits_chain: B256::ZERO,
            exits_chain: B256::ZERO,
            blob_hashes: vec![B256::repeat_byte(7)],
            ..samples::header(Slot::new(slot))
        }
    }
}

fn propose(slot: u64, id: u32, header: &Header) -> RollupEvent {
    RollupEvent::Proposed {
        slot: Slot::new(slot),
        sequencer: SequencerId::new(id),
        header_hash: header.hash(),
        score: score(id),
        start: L1Slot::new(START),
        previous_start: L1Slot::new(GENESIS_SLOT),
    }
}

/// Sequencer 1 has the best score, and so on.
fn score(id: u32) -> Score {
    Score::new(U192::from(100 - id))
}

fn commit(id: u32, header: &Header, prover: Address, l1_slot: u64) -> RollupEvent {
    RollupEvent::Committed {
        slot: header.slot,
        header_hash: header.hash(),
        prover,
        sequencer: SequencerId::new(id),
        payee: PAYEE,
        bond: TokenAmount::new(BOND),
        price: Price::new(3),
        l1_slot: L1Slot::new(l1_slot),
    }
}

fn reveal(header: &Header, l1_slot: u64) -> RollupEvent {
    RollupEvent::Revealed {
        slot: header.slot,
        header_hash: header.hash(),
        header: header.clone(),
        blobs_seen: 1,
        complete: true,
        l1_slot: L1Slot::new(l1_slot),
    }
}

fn finalize(header: &Header, outcome: Outcome, payee: Address, l1_slot: u64) -> RollupEvent {
    RollupEvent::Finalized {
        slot: header.slot,
        header_hash: header.hash(),
        payee,
        outcome,
        state_root: header.state_root,
        deposits_end: 0,
        l1_slot: L1Slot::new(l1_slot),
    }
}

fn backup(header: &Header, payee: Address, l1_slot: u64) -> Vec<RollupEvent> {
    let shown =
        RollupEvent::BackupBlock { slot: header.slot, header_hash: header.hash(), header: header.clone() };
    vec![shown, finalize(header, Outcome::Backup, payee, l1_slot)]
}

fn missed(stage: DutyStage, cause: Cause) -> SequencerOutcome {
    SequencerOutcome::Missed { stage, cause }
}

const FINALIZED: SequencerOutcome = SequencerOutcome::Finalized { outcome: Outcome::Finalized };

#[test]
fn a_slot_is_told_once_when_no_usual_reorg_can_change_it() {
    let mut world = World::new();
    let block = world.block(0);
    for id in 1..=4 {
        world.duties(id).note_rank(Slot::new(0), id as usize - 1, score(id));
    }
    world.at(104, vec![propose(0, 1, &block), propose(0, 2, &block)]);
    world.at(108, vec![commit(1, &block, PROVER, 108)]);
    world.at(109, vec![reveal(&block, 109)]);
    world.at(111, vec![finalize(&block, Outcome::Finalized, PAYEE, 111)]);
    // The view says at the block of 111 that the slot is over in 112.
    world.until(111 + SETTLED_AFTER - 1);
    assert_eq!(world.told, []);
    world.until(111 + SETTLED_AFTER);
    let expected =
        [(1, FINALIZED), (2, SequencerOutcome::StandBy), (3, missed(DutyStage::Propose, Cause::NotTried))];
    assert_eq!(world.told(0), expected, "the fourth rank has no place among the candidates");
    let (_, duty) = world.told[0];
    assert_eq!((duty.place, duty.in_turn, duty.committed, duty.revealed), (Some(0), true, true, true));
    assert!(!world.told[1].1.in_turn);
    let (bond, slashed) = (TokenAmount::new(BOND), TokenAmount::ZERO);
    let proven = ProverDuty { slot: Slot::new(0), outcome: ProverOutcome::Proven, bond, slashed };
    assert_eq!(world.proven, [proven]);
    world.until(200);
    assert_eq!(world.told(0).len(), 3, "told once");
    assert_eq!(world.proven.len(), 1);
}

#[test]
fn whoever_fails_in_its_turn_is_told_its_first_missed_duty_and_the_cause() {
    let mut world = World::new();
    let block = world.block(0);
    world.at(104, (1..=3).map(|id| propose(0, id, &block)).collect());
    let slot = Slot::new(0);
    world.duties(1).note_cause(slot, DutyStage::Commit, Cause::NoQuote);
    world.duties(1).note_cause(slot, DutyStage::Commit, Cause::Refused);
    world.duties(1).note_cause(slot, DutyStage::Commit, Cause::L1);
    // The first turn passes without a commitment, the second one without a reveal, the third without both.
    world.at(111, vec![commit(2, &block, PROVER, 111)]);
    let mut l1_slot = 112;
    while world.view.slot(L1Slot::new(l1_slot)).phase != Phase::Backup {
        l1_slot += 1;
    }
    let own = Header { chunks: 2, ..world.block(0) };
    world.at(l1_slot, backup(&own, OTHER, l1_slot));
    world.until(l1_slot + SETTLED_AFTER);
    assert_eq!(
        world.told(0),
        [
            (1, missed(DutyStage::Commit, Cause::Refused)),
            (2, missed(DutyStage::Reveal, Cause::NotTried)),
            (3, missed(DutyStage::Commit, Cause::NotTried)),
        ]
    );
    assert!(world.told.iter().all(|(_, duty)| duty.in_turn));
    let outcomes: Vec<_> = world.proven.iter().map(|duty| (duty.outcome, duty.slashed.get())).collect();
    assert_eq!(outcomes, [(ProverOutcome::Released, 0)], "the withheld block's bond is released");
}

/// One candidate that reveals, and what follows.
fn revealed_then(prover: Address, end: impl FnOnce(&mut World, &Header)) -> World {
    let mut world = World::new();
    let block = world.block(0);
    world.at(104, vec![propose(0, 1, &block)]);
    world.at(107, vec![commit(1, &block, prover, 107)]);
    world.at(108, vec![reveal(&block, 108)]);
    end(&mut world, &block);
    let over = world.head_slot();
    world.until(over + 30);
    world
}

fn provers(world: &World) -> Vec<(ProverOutcome, u128)> {
    world.proven.iter().map(|duty| (duty.outcome, duty.slashed.get())).collect()
}

#[test]
fn a_proof_that_is_late_costs_a_part_of_the_bond_and_one_that_never_comes_all_of_it() {
    // Exclusive proving lasts through 112, open proving through 114.
    let rescued = |payee, at| {
        revealed_then(PROVER, |world, block| world.at(at, vec![finalize(block, Outcome::Rescued, payee, at)]))
    };
    assert_eq!(provers(&rescued(OTHER, 113)), [(ProverOutcome::Rescued, 10)]);
    assert_eq!(provers(&rescued(OTHER, 114)), [(ProverOutcome::Rescued, 20)]);
    assert_eq!(provers(&rescued(PAYEE, 113)), [(ProverOutcome::ProvenLate, 10)]);
    let outcome = Outcome::Rescued;
    assert_eq!(rescued(OTHER, 113).told(0), [(1, SequencerOutcome::Finalized { outcome })]);

    let lost = revealed_then(PROVER, |_, _| ());
    assert_eq!(provers(&lost), [(ProverOutcome::Lost, 20)]);
    assert_eq!(lost.told(0), [(1, missed(DutyStage::Finalize, Cause::Prover))]);

    let other = revealed_then(PROVER, |world, block| {
        let own = Header { chunks: 2, ..block.clone() };
        world.at(117, backup(&own, OTHER, 117));
    });
    assert_eq!(provers(&other), [(ProverOutcome::Lost, 20)]);
    assert_eq!(other.told(0), [(1, missed(DutyStage::Finalize, Cause::Prover))]);

    let same = revealed_then(PROVER, |world, block| {
        world.at(117, vec![finalize(block, Outcome::Backup, OTHER, 117)]);
    });
    assert_eq!(provers(&same), [(ProverOutcome::Rescued, 20)]);
    assert_eq!(same.told(0), [(1, SequencerOutcome::Finalized { outcome: Outcome::Backup })]);
}

#[test]
fn a_prover_that_helps_another_out_is_told_so() {
    let rescue = revealed_then(OTHER, |world, block| {
        world.at(113, vec![finalize(block, Outcome::Rescued, PAYEE, 113)]);
    });
    assert_eq!(provers(&rescue), [(ProverOutcome::Rescuer, 0)]);
    let backup = revealed_then(OTHER, |world, block| {
        world.at(117, vec![finalize(block, Outcome::Backup, PAYEE, 117)]);
    });
    assert_eq!(provers(&backup), [(ProverOutcome::Backup, 0)]);
}

#[test]
fn a_pause_misses_nothing() {
    let world = revealed_then(PROVER, |world, block| {
        let until = L1Slot::new(110 + u64::from(parameters().pause_length));
        world.duties(2).note_rank(block.slot, 1, score(2));
        world.at(110, vec![RollupEvent::SlotVoided { slot: block.slot }, RollupEvent::Paused { until }]);
    });
    assert_eq!(world.told(0), [(1, SequencerOutcome::Voided)]);
    assert_eq!(provers(&world), [(ProverOutcome::Released, 0)]);
}

#[test]
fn a_reorg_before_the_slot_is_told_changes_what_is_told_and_one_after_it_does_not() {
    let mut world = World::new();
    let block = world.block(0);
    world.at(104, vec![propose(0, 1, &block)]);
    world.at(107, vec![commit(1, &block, PROVER, 107)]);
    world.at(108, vec![reveal(&block, 108)]);
    world.at(109, vec![finalize(&block, Outcome::Finalized, PAYEE, 109)]);
    world.until(112);
    world.reorg(106);
    // On the new branch nobody commits: the slot is over at 115.
    world.until(115 + SETTLED_AFTER);
    assert_eq!(world.told(0), [(1, missed(DutyStage::Commit, Cause::NotTried))]);
    assert_eq!(world.proven, []);
    // A longer reorg than any usual one brings the block back.
    world.reorg(106);
    world.at(107, vec![commit(1, &block, PROVER, 107)]);
    world.at(108, vec![reveal(&block, 108)]);
    world.at(109, vec![finalize(&block, Outcome::Finalized, PAYEE, 109)]);
    world.until(160);
    assert_eq!(world.told(0).len(), 1, "told once");
    assert_eq!(world.proven, []);
}

#[test]
fn trackers_before_and_after_a_restart_tell_a_slot_once_between_them() {
    for restart_at in 104..140 {
        let mut world = World::new();
        let block = world.block(0);
        world.is_blind = false;
        for l1_slot in 102..=160 {
            let events = match l1_slot {
                104 => vec![propose(0, 1, &block)],
                107 => vec![commit(1, &block, PROVER, 107)],
                108 => vec![reveal(&block, 108)],
                109 => vec![finalize(&block, Outcome::Finalized, PAYEE, 109)],
                _ => Vec::new(),
            };
            world.at(l1_slot, events);
            if l1_slot == restart_at {
                world.restart();
                world.observe();
            }
        }
        assert_eq!(world.told(0), [(1, FINALIZED)], "restarted at {restart_at}");
        assert_eq!(world.proven.len(), 1, "restarted at {restart_at}");
    }
}

#[test]
fn of_what_passed_unseen_blocks_are_told_and_the_rest_is_counted() {
    let mut world = World::new();
    let block = world.block(0);
    world.duties(3).note_rank(Slot::new(0), 2, score(3));
    world.is_blind = true;
    world.at(104, vec![propose(0, 1, &block)]);
    world.at(107, vec![commit(1, &block, PROVER, 107)]);
    world.at(108, vec![reveal(&block, 108)]);
    world.at(109, vec![finalize(&block, Outcome::Finalized, PAYEE, 109)]);
    // Slots 1 and 2 pass without a proposal.
    while world.view.slot(L1Slot::new(world.head_slot() + 1)).slot < Slot::new(3) {
        let next = world.head_slot() + 1;
        world.until(next);
    }
    world.is_blind = false;
    let over = world.head_slot();
    world.until(over + SETTLED_AFTER + 1);
    assert_eq!(world.told(0), [(1, FINALIZED)], "that the third didn't propose isn't known for sure");
    assert_eq!(provers(&world), [(ProverOutcome::Proven, 0)]);
    assert_eq!(world.sequencers[0].unobserved(), 2);
}

#[test]
fn a_sequencer_whose_score_is_displaced_misses_nothing() {
    let mut world = World::new();
    let block = world.block(0);
    // Under VRF scoring the rank is an expectation: the fourth expects a place, and the others are better.
    world.duties(4).note_rank(Slot::new(0), 2, score(4));
    world.at(104, (1..=3).map(|id| propose(0, id, &block)).collect());
    world.at(107, vec![commit(1, &block, PROVER, 107)]);
    world.at(108, vec![reveal(&block, 108)]);
    world.at(109, vec![finalize(&block, Outcome::Finalized, PAYEE, 109)]);
    world.until(140);
    assert_eq!(world.told(0).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 3]);
}
