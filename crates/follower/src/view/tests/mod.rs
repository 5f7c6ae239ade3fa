//! The view under made-up events.

use alloy::{
    consensus::Header as L1Header,
    primitives::{Address, B256, U256, aliases::U192, keccak256},
};
use fernet_l1::{L1Block, LoggedEvent, Outcome, RollupEvent, Scoring};
use fernet_protocol::{
    ChainId, Deposit, EligibleSequencer, Exit, Header, L1Operation, L1Slot, Lane, Parameters, Phase, Price,
    QueueRange, Rank, Rates, RollupId, Score, Scorer, SequencerId, Slot, TokenAmount, samples, seed, seed_at,
};
use proptest::prelude::*;

mod queue;
mod registrations;

use super::{RollupView, ViewConfig, ViewError};

const GENESIS_SLOT: u64 = 100;
/// Slot 0 starts one L1 slot after its seed's, which is two after the genesis.
const FIRST_START: u64 = 103;
const PROVER: Address = Address::repeat_byte(0xaa);
const PAYEE: Address = Address::repeat_byte(0xbb);

fn parameters() -> Parameters {
    Parameters {
        proving_phase: 6,
        exclusive_proving: 4,
        backup_phase: 4,
        max_deposits: 4,
        max_exits: 2,
        ..samples::parameters()
    }
}

fn rates() -> Rates {
    Rates { reward_per_l1_slot: TokenAmount::new(300), ..samples::rates() }
}

fn setup() -> ViewConfig {
    ViewConfig {
        rollup: RollupId::new(ChainId::new(31337), Address::repeat_byte(1)),
        parameters: parameters(),
        scoring: Scoring::Public,
        genesis_slot: L1Slot::new(GENESIS_SLOT),
        genesis_root: B256::repeat_byte(2),
        escrow_withdrawal_delay: 4,
    }
}

/// A view and the chain that it follows.
struct World {
    view: RollupView,
    next: u64,
    /// Tells branches apart.
    branch: u64,
}

impl World {
    fn new() -> Self {
        Self { view: RollupView::new(setup()), next: 1, branch: 0 }
    }

    fn block(&self, l1_slot: u64, events: Vec<RollupEvent>) -> L1Block {
        let parent_hash = self.view.head().map(|head| head.hash).unwrap_or_default();
        let mix_hash = keccak256([l1_slot.to_be_bytes(), self.branch.to_be_bytes()].concat());
        let header = L1Header { number: self.next, parent_hash, mix_hash, ..L1Header::default() };
        let logged = |(index, event)| LoggedEvent { event, tx: mix_hash, log_index: index as u64 };
        L1Block {
            number: self.next,
            hash: header.hash_slow(),
            l1_slot: L1Slot::new(l1_slot),
            events: events.into_iter().enumerate().map(logged).collect(),
            header,
        }
    }

    fn try_apply(&mut self, l1_slot: u64, events: Vec<RollupEvent>) -> Result<(), ViewError> {
        let block = self.block(l1_slot, events);
        self.view.apply(&block)?;
        self.next += 1;
        Ok(())
    }

    #[track_caller]
    fn apply(&mut self, l1_slot: u64, events: Vec<RollupEvent>) {
        self.try_apply(l1_slot, events).unwrap();
    }

    /// The message with which a block is refused, and the view left alone.
    #[track_caller]
    fn refusal(&mut self, l1_slot: u64, events: Vec<RollupEvent>) -> String {
        let before = Observed::of(&self.view);
        let error = self.try_apply(l1_slot, events).unwrap_err();
        assert_eq!(Observed::of(&self.view), before);
        error.to_string()
    }

    fn phase(&self, l1_slot: u64) -> Phase {
        self.view.slot(L1Slot::new(l1_slot)).phase
    }
}

/// Everything that a view knows.
#[derive(Debug, PartialEq)]
struct Observed {
    head: Option<super::L1Head>,
    state: super::ViewState,
    queue: super::Queues,
    finalized: Vec<super::FinalizedBlock>,
    by_hash: std::collections::BTreeMap<B256, usize>,
    claims: Vec<super::WithdrawalClaim>,
    mixes: Vec<Option<B256>>,
}

impl Observed {
    fn of(view: &RollupView) -> Self {
        Self {
            head: view.head(),
            state: (*view.state).clone(),
            queue: view.queue.clone(),
            finalized: view.finalized.clone(),
            by_hash: view.by_hash.clone(),
            claims: view.claims.clone(),
            mixes: (90..300).map(|slot| view.mix(L1Slot::new(slot))).collect(),
        }
    }
}

fn registered(id: u32, active_from: u64) -> RollupEvent {
    RollupEvent::Registered {
        sequencer: SequencerId::new(id),
        attester: Address::repeat_byte(id as u8),
        owner: Address::repeat_byte(id as u8 + 100),
        withdrawer: Address::repeat_byte(id as u8 + 200),
        fee_recipient: id,
        stake: TokenAmount::new(100),
        active_from: L1Slot::new(active_from),
        bls_key: [B256::repeat_byte(id as u8); 4],
    }
}

fn proposed(
    slot: u64,
    start: u64,
    previous_start: u64,
    id: u32,
    score: u64,
    header_hash: B256,
) -> RollupEvent {
    RollupEvent::Proposed {
        slot: Slot::new(slot),
        sequencer: SequencerId::new(id),
        header_hash,
        score: Score::new(U192::from(score)),
        start: L1Slot::new(start),
        previous_start: L1Slot::new(previous_start),
    }
}

fn committed(slot: u64, id: u32, header_hash: B256, l1_slot: u64) -> RollupEvent {
    RollupEvent::Committed {
        slot: Slot::new(slot),
        header_hash,
        prover: PROVER,
        sequencer: SequencerId::new(id),
        payee: PAYEE,
        bond: TokenAmount::new(20),
        price: Price::new(3),
        l1_slot: L1Slot::new(l1_slot),
    }
}

fn revealed(header: &Header, blobs_seen: u16, complete: bool, l1_slot: u64) -> RollupEvent {
    RollupEvent::Revealed {
        slot: header.slot,
        header_hash: header.hash(),
        header: header.clone(),
        blobs_seen,
        complete,
        l1_slot: L1Slot::new(l1_slot),
    }
}

fn finalized(header: &Header, outcome: Outcome, l1_slot: u64) -> RollupEvent {
    RollupEvent::Finalized {
        slot: header.slot,
        header_hash: header.hash(),
        payee: PAYEE,
        outcome,
        state_root: header.state_root,
        deposits_end: header.deposits_end,
        l1_slot: L1Slot::new(l1_slot),
    }
}

/// The header of a block that consumes no forced exit.
fn header(view: &RollupView, slot: u64, tag: u8, deposits_end: u64, blobs: usize) -> Header {
    let header = Header {
        parent: view.tip().header_hash,
        state_root: B256::repeat_byte(tag),
        fee_recipient: 1,
        blob_hashes: vec![B256::repeat_byte(tag); blobs],
        ..samples::header(Slot::new(slot))
    };
    consuming(view, header, deposits_end, view.tip().exits_end)
}

/// The header, changed to consume the queues up to these ends.
fn consuming(view: &RollupView, header: Header, deposits_end: u64, exits_end: u64) -> Header {
    let chain = |lane, end| match view.tip().consumed(lane) == end {
        true => B256::ZERO,
        false => view.queue_chain(lane, end).unwrap_or_default(),
    };
    Header {
        deposits_end,
        deposits_chain: chain(Lane::Deposits, deposits_end),
        exits_end,
        exits_chain: chain(Lane::Exits, exits_end),
        ..header
    }
}

fn exited(view: &RollupView, index: u32, l1_slot: u64) -> RollupEvent {
    let number = view.queue(Lane::Exits).len() as u64;
    let exit = L1Operation::Exit(Exit { index, to: PAYEE });
    let chain = exit.chain(view.queue_chain(Lane::Exits, number).unwrap());
    RollupEvent::ExitForced { number, index, owner: PROVER, to: PAYEE, chain, l1_slot: L1Slot::new(l1_slot) }
}

fn deposited(view: &RollupView, index: u32, l1_slot: u64) -> RollupEvent {
    let deposit = Deposit { index, amount: 5, key_x: U256::from(1), key_y: U256::from(2) };
    let number = view.queue(Lane::Deposits).len() as u64;
    let before = view.queue_chain(Lane::Deposits, number).unwrap();
    let chain = L1Operation::Deposit(deposit).chain(before);
    RollupEvent::Deposited {
        number,
        index,
        owner: PROVER,
        from: PAYEE,
        key_x: deposit.key_x,
        key_y: deposit.key_y,
        amount: deposit.amount,
        chain,
        l1_slot: L1Slot::new(l1_slot),
    }
}

#[test]
fn a_slot_runs_from_proposals_to_its_block() {
    let mut world = World::new();
    assert_eq!(world.phase(102), Phase::Waiting);
    let view = world.view.slot(L1Slot::new(FIRST_START));
    assert_eq!(
        (view.slot.get(), view.start.get(), view.previous_start.get(), view.seed_at.get()),
        (0, 103, 100, 102)
    );
    assert_eq!((view.phase, view.phase_end.get()), (Phase::Proposal, 107));

    let block = header(&world.view, 0, 7, 0, 2);
    let hash = block.hash();
    let other = B256::repeat_byte(9);
    world.apply(103, vec![proposed(0, 103, 100, 1, 50, other), proposed(0, 103, 100, 2, 70, hash)]);
    // the list has at most three candidates: L1 names the displaced one before the new proposal
    let displaced = |id| RollupEvent::Displaced {
        slot: Slot::new(0),
        sequencer: SequencerId::new(id),
        header_hash: other,
    };
    world.apply(
        104,
        vec![proposed(0, 103, 100, 3, 60, other), displaced(1), proposed(0, 103, 100, 4, 70, other)],
    );
    world.apply(105, vec![displaced(3), proposed(0, 103, 100, 5, 65, other)]);
    let ids = |world: &World, at| -> Vec<u32> {
        world.view.slot(L1Slot::new(at)).candidates.iter().map(|c| c.sequencer.get()).collect()
    };
    // equal scores: the earlier one stays first
    assert_eq!(ids(&world, 106), [2, 4, 5]);
    let listed = world.view.slot(L1Slot::new(106));
    let would_rank =
        |id, score: u64| listed.would_rank(SequencerId::new(id), Score::new(U192::from(score)), 3);
    assert_eq!(would_rank(9, 66).map(Rank::index), Some(2));
    assert_eq!(would_rank(9, 65), None);
    assert_eq!(would_rank(4, 99), None);

    assert_eq!(world.phase(107), Phase::Commitment);
    world.apply(107, vec![committed(0, 2, hash, 107)]);
    assert_eq!(
        (world.phase(107), world.phase(110), world.phase(111)),
        (Phase::Reveal, Phase::Reveal, Phase::Commitment)
    );
    world.apply(108, vec![revealed(&block, 0b10, false, 108)]);
    let view = world.view.slot(L1Slot::new(108));
    assert_eq!(view.in_turn().unwrap().blobs_seen, 0b10);
    assert_eq!(view.in_turn().unwrap().commitment.unwrap().prover, PROVER);
    assert_eq!(world.view.header(hash), Some(&block));
    world.apply(109, vec![revealed(&block, 0b11, true, 109)]);
    assert_eq!(
        (world.phase(110), world.phase(113), world.phase(114)),
        (Phase::ExclusiveProving, Phase::ExclusiveProving, Phase::OpenProving)
    );

    world.apply(110, vec![finalized(&block, Outcome::Finalized, 110)]);
    let tip = *world.view.tip();
    assert_eq!(
        (tip.header_hash, tip.state_root, tip.height, tip.slot),
        (hash, block.state_root, 1, Slot::new(0))
    );
    let last = world.view.finalized(Slot::new(0)).unwrap().clone();
    assert_eq!(last.blobs.iter().map(|at| at.l1_slot.get()).collect::<Vec<_>>(), [109, 108]);
    assert_eq!((last.rank.unwrap().index(), last.candidate.unwrap().sequencer.get()), (0, 2));
    assert_eq!(world.view.finalized_by_hash(hash).unwrap().number, 0);
    let next = world.view.slot(L1Slot::new(111));
    assert_eq!((next.slot.get(), next.start.get(), next.previous_start.get()), (1, 111, 103));
    assert!(next.candidates.is_empty());
    assert_eq!(world.view.header(hash), Some(&block), "still known once it is final");
}

#[test]
fn the_next_candidate_reveals_the_same_header() {
    let mut world = World::new();
    let block = header(&world.view, 0, 7, 0, 1);
    let hash = block.hash();
    world.apply(103, vec![proposed(0, 103, 100, 1, 50, hash), proposed(0, 103, 100, 2, 40, hash)]);
    // the first one commits and keeps its data back
    world.apply(107, vec![committed(0, 1, hash, 107)]);
    assert_eq!((world.phase(110), world.phase(111)), (Phase::Reveal, Phase::Commitment));
    world.apply(111, vec![committed(0, 2, hash, 111), revealed(&block, 1, true, 111)]);
    let view = world.view.slot(L1Slot::new(112));
    assert_eq!((view.phase, view.turn.index(), view.revealed), (Phase::ExclusiveProving, 1, true));
    assert_eq!(view.candidates.iter().map(|c| c.revealed_at.is_some()).collect::<Vec<_>>(), [false, true]);
    world.apply(116, vec![finalized(&block, Outcome::Rescued, 116)]);
    assert_eq!(world.view.finalized_blocks()[0].rank.unwrap().index(), 1);
}

#[test]
fn slots_that_nobody_touched_pass_and_expired_ones_are_settled() {
    let mut world = World::new();
    // an idle slot takes 4 + 1 + 4 L1 slots
    let third = world.view.slot(L1Slot::new(FIRST_START + 2 * 9));
    assert_eq!((third.slot.get(), third.start.get(), third.previous_start.get()), (2, 121, 112));
    world.apply(121, vec![proposed(2, 121, 112, 1, 5, B256::repeat_byte(1))]);
    // nobody commits: backup from 128 on, over at 133
    assert_eq!(
        (world.phase(127), world.phase(128), world.phase(129)),
        (Phase::Commitment, Phase::Halt, Phase::Backup)
    );
    assert_eq!(world.view.slot(L1Slot::new(128)).turn.index(), 1);
    let after = world.view.slot(L1Slot::new(133));
    assert_eq!((after.slot.get(), after.start.get(), after.unsettled), (3, 133, Some(Slot::new(2))));
    let early = world.refusal(132, vec![RollupEvent::SlotExpired { slot: Slot::new(2) }]);
    assert_eq!(
        early,
        "event SlotExpired of L1 block 2 contradicts the view: \
         expected a slot that is over and not settled, got 2"
    );
    let wrong = world.refusal(134, vec![RollupEvent::SlotExpired { slot: Slot::new(3) }]);
    assert_eq!(wrong, "event SlotExpired of L1 block 2 contradicts the view: expected slot 2, got 3");
    let again = proposed(3, 133, 121, 1, 5, B256::repeat_byte(2));
    world.apply(134, vec![RollupEvent::SlotExpired { slot: Slot::new(2) }, again]);
    let view = world.view.slot(L1Slot::new(134));
    assert_eq!((view.slot.get(), view.unsettled, view.candidates.len()), (3, None, 1));
}

#[test]
fn a_backup_block_ends_an_idle_slot() {
    let mut world = World::new();
    let block = header(&world.view, 0, 3, 0, 2);
    let backup =
        RollupEvent::BackupBlock { slot: block.slot, header_hash: block.hash(), header: block.clone() };
    assert_eq!(world.phase(109), Phase::Backup);
    world.apply(109, vec![backup, finalized(&block, Outcome::Backup, 109)]);
    let last = &world.view.finalized_blocks()[0];
    assert_eq!((last.candidate.is_none(), last.rank, last.blobs.len()), (true, None, 2));
    assert_eq!(last.start.get(), 103);
    assert_eq!(world.view.slot(L1Slot::new(110)).start.get(), 110);
}

#[test]
fn events_that_break_the_rules_are_contradictions() {
    let mut world = World::new();
    let block = header(&world.view, 0, 7, 0, 1);
    let hash = block.hash();
    assert_eq!(
        world.refusal(103, vec![proposed(1, 103, 100, 1, 5, hash)]),
        "event Proposed of L1 block 1 contradicts the view: expected slot 0, got 1"
    );
    assert_eq!(
        world.refusal(103, vec![proposed(0, 104, 100, 1, 5, hash)]),
        "event Proposed of L1 block 1 contradicts the view: expected start 103, got 104"
    );
    assert_eq!(
        world.refusal(103, vec![proposed(0, 103, 99, 1, 5, hash)]),
        "event Proposed of L1 block 1 contradicts the view: expected previous start 100, got 99"
    );
    assert_eq!(
        world.refusal(103, vec![committed(0, 1, hash, 103)]),
        "event Committed of L1 block 1 contradicts the view: \
         expected a slot with proposals, got slot 0, which has none"
    );
    world.apply(103, vec![proposed(0, 103, 100, 1, 5, hash)]);
    assert_eq!(
        world.refusal(107, vec![committed(0, 2, hash, 107)]),
        "event Committed of L1 block 2 contradicts the view: \
         expected a candidate, got sequencer 2, which is none"
    );
    assert_eq!(
        world.refusal(107, vec![committed(0, 1, hash, 107), committed(0, 1, hash, 107)]),
        "event Committed of L1 block 2 contradicts the view: expected one commitment a candidate, got another"
    );
    assert!(
        world
            .refusal(107, vec![revealed(&block, 1, true, 107)])
            .contains("the candidate that committed last")
    );
    world.apply(107, vec![committed(0, 1, hash, 107)]);
    let mut forged = block.clone();
    forged.chunks = 2;
    let event = RollupEvent::Revealed {
        slot: block.slot,
        header_hash: hash,
        header: forged.clone(),
        blobs_seen: 1,
        complete: true,
        l1_slot: L1Slot::new(108),
    };
    assert_eq!(
        world.refusal(108, vec![event]),
        format!(
            "event Revealed of L1 block 3 contradicts the view: expected a header with hash {hash}, got {}",
            forged.hash()
        )
    );
    assert!(world.refusal(108, vec![finalized(&block, Outcome::Finalized, 108)]).contains("shown before"));
    world.apply(108, vec![revealed(&block, 1, true, 108)]);
    let mut beyond = block.clone();
    beyond.deposits_end = 1;
    assert!(world.refusal(109, vec![finalized(&beyond, Outcome::Finalized, 109)]).contains("shown before"));
    world.apply(109, vec![finalized(&block, Outcome::Finalized, 109)]);

    let unlink =
        L1Block { header: L1Header { number: 6, ..L1Header::default() }, ..world.block(110, Vec::new()) };
    assert!(matches!(world.view.apply(&unlink), Err(ViewError::WrongParent { .. })));
    let gap = L1Block { number: 99, ..world.block(110, Vec::new()) };
    assert!(matches!(world.view.apply(&gap), Err(ViewError::NotNext { actual: 99, .. })));
}

#[test]
fn a_bond_takes_what_is_requested_back_until_it_can_be_withdrawn() {
    let mut world = World::new();
    let amount = TokenAmount::new;
    let lock = |value| RollupEvent::EscrowLocked { account: PROVER, amount: amount(value) };
    world.apply(
        101,
        vec![
            RollupEvent::EscrowDeposited { account: PROVER, from: PAYEE, amount: amount(100) },
            RollupEvent::EscrowWithdrawalRequested {
                account: PROVER,
                amount: amount(70),
                withdrawable_from: L1Slot::new(105),
            },
        ],
    );
    world.apply(104, vec![lock(50)]);
    let escrow = world.view.escrow(PROVER);
    assert_eq!((escrow.free, escrow.locked, escrow.withdrawing), (amount(0), amount(50), amount(50)));
    assert!(world.refusal(104, vec![lock(51)]).contains("Locked"));
    assert!(world.refusal(105, vec![lock(1)]).contains("Locked"));
}

#[test]
fn a_named_key_binds_while_no_other_replaces_it() {
    let mut world = World::new();
    let (first, second) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let named =
        |signer, from| RollupEvent::EscrowSignerSet { account: PROVER, signer, from: L1Slot::new(from) };
    let key = |world: &World, from, to| world.view.named_signer(PROVER, L1Slot::new(from), L1Slot::new(to));
    assert_eq!(key(&world, 101, 101), None);
    world.apply(101, vec![named(first, 101)]);
    assert_eq!(key(&world, 101, 500), Some(first));
    world.apply(102, vec![named(second, 106)]);
    assert_eq!(
        [(102, 105), (105, 106), (106, 106)].map(|(from, to)| key(&world, from, to)),
        [Some(first), None, Some(second)]
    );
    // A later change replaces the pending one, and the first key binds until then.
    world.apply(103, vec![named(Address::ZERO, 107)]);
    assert_eq!(
        [(103, 106), (106, 107), (107, 107)].map(|(from, to)| key(&world, from, to)),
        [Some(first), None, None]
    );
}

#[test]
fn money_adds_up_or_is_a_contradiction() {
    let mut world = World::new();
    let amount = TokenAmount::new;
    let lock = |value| RollupEvent::EscrowLocked { account: PROVER, amount: amount(value) };
    world.apply(
        101,
        vec![
            RollupEvent::EscrowDeposited { account: PROVER, from: PAYEE, amount: amount(100) },
            lock(30),
            lock(20),
            RollupEvent::EscrowReleased { account: PROVER, amount: amount(30) },
            RollupEvent::EscrowSlashed {
                account: PROVER,
                amount: amount(20),
                beneficiary: PAYEE,
                share: amount(5),
            },
            RollupEvent::EscrowWithdrawalRequested {
                account: PROVER,
                amount: amount(50),
                withdrawable_from: L1Slot::new(105),
            },
            registered(1, 101),
            RollupEvent::StakeSlashed {
                sequencer: SequencerId::new(1),
                amount: amount(60),
                remaining: amount(40),
            },
            RollupEvent::ExitInitiated {
                sequencer: SequencerId::new(1),
                l1_slot: L1Slot::new(101),
                withdrawable_from: L1Slot::new(105),
            },
            RollupEvent::RewardsFunded { from: PAYEE, amount: U256::from(1000) },
            RollupEvent::BlockPaid {
                slot: Slot::new(0),
                sequencer: Address::ZERO,
                sequencer_reward: U256::ZERO,
                prover: PAYEE,
                prover_reward: U256::from(7),
                submitter: PAYEE,
                submitter_reward: U256::from(3),
            },
            RollupEvent::RewardClaimed {
                account: PAYEE,
                to: PAYEE,
                amount: U256::from(4),
                still_owed: U256::from(6),
            },
        ],
    );
    let escrow = world.view.escrow(PROVER);
    assert_eq!((escrow.free, escrow.locked, escrow.withdrawing), (amount(30), amount(0), amount(50)));
    assert_eq!(escrow.withdrawable_from.get(), 105);
    assert_eq!(world.view.escrow(PAYEE).free, amount(5));
    assert_eq!(world.view.owed(PAYEE), U256::from(6));
    let totals = world.view.totals();
    assert_eq!((totals.bonds_slashed, totals.bond_shares), (U256::from(20), U256::from(5)));
    assert_eq!(
        (totals.funded, totals.credited, totals.claimed),
        (U256::from(1000), U256::from(10), U256::from(4))
    );
    let one = SequencerId::new(1);
    assert_eq!(world.view.sequencer(one).unwrap().stake, amount(40));
    assert!(!world.view.is_eligible(one, L1Slot::new(200)), "it is exiting");
    world.apply(105, vec![RollupEvent::StakeWithdrawn { sequencer: one, to: PAYEE, amount: amount(40) }]);
    assert_eq!(world.view.sequencer(one).unwrap().stake, amount(0));

    assert_eq!(
        world.refusal(106, vec![lock(31)]),
        "event Locked of L1 block 3 contradicts the view: expected at most 30, got 31"
    );
    let two = SequencerId::new(2);
    let slash = RollupEvent::StakeSlashed { sequencer: two, amount: amount(1), remaining: amount(0) };
    assert_eq!(
        world.refusal(106, vec![slash]),
        "event Slashed of L1 block 3 contradicts the view: expected a registered sequencer, got 2"
    );
    let claim = RollupEvent::RewardClaimed {
        account: PAYEE,
        to: PAYEE,
        amount: U256::from(1),
        still_owed: U256::from(6),
    };
    assert_eq!(
        world.refusal(106, vec![claim]),
        "event Claimed of L1 block 3 contradicts the view: expected owed afterwards 5, got 6"
    );
}

#[test]
fn the_ranking_is_known_a_slot_ahead_from_headers_alone() {
    let mut world = World::new();
    world.apply(99, vec![registered(1, 100), registered(2, 100), registered(3, 101)]);
    let (slot, previous) = (Slot::new(0), L1Slot::new(100));
    assert_eq!(world.view.ranking(slot, previous), None, "its seed isn't fixed");
    world.apply(102, Vec::new());
    assert_eq!(world.view.ranking(slot, previous), None, "another block of L1 slot 102 may come");
    world.apply(105, Vec::new());
    let mix = world.block(105, Vec::new()).header.mix_hash;
    assert_eq!(world.view.mix(L1Slot::new(102)), Some(mix));
    assert_eq!(world.view.mix_block(L1Slot::new(102)), Some(3));
    assert!(!world.view.is_seed_known(slot, L1Slot::new(102)));
    let scorer = Scorer::new(world.view.rollup(), slot, seed(mix, slot));
    let ranking = world.view.ranking(slot, previous).unwrap();
    assert_eq!(ranking.len(), 2, "the third isn't active yet");
    for ranked in &ranking {
        let id = ranked.sequencer;
        let eligible = EligibleSequencer { sequencer: id, attester: Address::repeat_byte(id.get() as u8) };
        assert_eq!(ranked.score, scorer.score(&eligible));
    }
    assert!(ranking[0].score > ranking[1].score);

    let next = world.view.next_slot(L1Slot::new(105));
    assert_eq!((next.slot.get(), next.previous_start.get(), next.seed_at.get()), (1, 103, 105));
    assert_eq!(world.view.ranking(next.slot, next.previous_start), None);
    world.apply(106, vec![RollupEvent::MixProven { l1_slot: L1Slot::new(102), mix, block_number: 3 }]);
    assert!(world.view.is_seed_known(slot, L1Slot::new(102)));
    assert_eq!(
        world.view.ranking(next.slot, next.previous_start).unwrap().len(),
        3,
        "before the slot starts"
    );
    // nothing is known of the time before the first block
    assert_eq!(world.view.mix(L1Slot::new(98)), None);
}

#[test]
fn a_rollback_beyond_memory_is_refused() {
    let mut world = World::new();
    world.next = 50;
    world.apply(101, Vec::new());
    world.apply(102, Vec::new());
    assert_eq!(
        world.view.rollback(30).unwrap_err().to_string(),
        "can't roll back to L1 block 30: the oldest that is remembered is 49"
    );
    world.view.rollback(60).unwrap();
    assert_eq!(world.view.head().unwrap().number, 51);
    world.view.rollback(49).unwrap();
    assert_eq!(world.view.head(), None);
}

/// What may happen in an L1 block, whatever the state: made into events that the contracts could emit there.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Propose { id: u32, score: u64 },
    Commit,
    Reveal { complete: bool },
    Finalize,
    Backup,
    Deposit,
    Exit,
    Register { id: u32 },
    Escrow { amount: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u64..30).prop_map(Step::Wait),
        (1u32..9, 0u64..100).prop_map(|(id, score)| Step::Propose { id, score }),
        (1u32..9, 0u64..100).prop_map(|(id, score)| Step::Propose { id, score }),
        Just(Step::Commit),
        any::<bool>().prop_map(|complete| Step::Reveal { complete }),
        Just(Step::Finalize),
        Just(Step::Backup),
        Just(Step::Deposit),
        Just(Step::Exit),
        (1u32..9).prop_map(|id| Step::Register { id }),
        any::<u8>().prop_map(|amount| Step::Escrow { amount }),
    ]
}

/// The events of a step in L1 slot `now`; none where the contracts would revert.
fn events(view: &RollupView, step: &Step, now: u64) -> Vec<RollupEvent> {
    let slot = view.slot(L1Slot::new(now));
    let number = slot.slot.get();
    let in_turn = slot.in_turn().cloned();
    let available = |lane| view.queue_available(lane).to;
    let block = |tag: u32| {
        let deposits_end = available(Lane::Deposits);
        let header = header(view, number, tag as u8, deposits_end, 2);
        consuming(view, header, deposits_end, available(Lane::Exits))
    };
    let settled = slot.unsettled.map(|slot| RollupEvent::SlotExpired { slot });
    let mut events = match (step, slot.phase) {
        (Step::Propose { id, score }, Phase::Proposal) => {
            let score = Score::new(U192::from(*score));
            let Some(rank) = slot.would_rank(SequencerId::new(*id), score, 3) else {
                return Vec::new();
            };
            let worst = slot.candidates.last().filter(|_| slot.candidates.len() == 3);
            let displaced = worst.map(|worst| RollupEvent::Displaced {
                slot: slot.slot,
                sequencer: worst.sequencer,
                header_hash: worst.header_hash,
            });
            assert!(rank.index() < 3);
            let hash = block(*id).hash();
            let score = score.get().to::<u64>();
            let proposal = proposed(number, slot.start.get(), slot.previous_start.get(), *id, score, hash);
            displaced.into_iter().chain([proposal]).collect()
        }
        (Step::Commit, Phase::Commitment) => {
            let candidate = in_turn.unwrap();
            vec![committed(number, candidate.sequencer.get(), candidate.header_hash, now)]
        }
        (Step::Reveal { complete }, Phase::Reveal) => {
            let candidate = in_turn.unwrap();
            let block = block(candidate.sequencer.get());
            // its deposits and exits may have been fewer when it was proposed
            let ends = (0..=available(Lane::Deposits))
                .flat_map(|deposits| (0..=available(Lane::Exits)).map(move |exits| (deposits, exits)));
            let found = ends.map(|(deposits, exits)| consuming(view, block.clone(), deposits, exits));
            match found.into_iter().find(|block| block.hash() == candidate.header_hash) {
                Some(block) => vec![revealed(&block, if *complete { 3 } else { 1 }, *complete, now)],
                None => Vec::new(),
            }
        }
        (Step::Finalize, phase @ (Phase::ExclusiveProving | Phase::OpenProving)) => {
            let block = view.header(in_turn.unwrap().header_hash).unwrap().clone();
            let outcome =
                if phase == Phase::ExclusiveProving { Outcome::Finalized } else { Outcome::Rescued };
            vec![finalized(&block, outcome, now)]
        }
        (Step::Backup, Phase::Backup) => {
            let block = block(99);
            let shown = RollupEvent::BackupBlock {
                slot: block.slot,
                header_hash: block.hash(),
                header: block.clone(),
            };
            vec![shown, finalized(&block, Outcome::Backup, now)]
        }
        (Step::Deposit, _) => return vec![deposited(view, 1, now)],
        (Step::Exit, _) => return vec![exited(view, 1, now)],
        (Step::Register { id }, _) => return vec![registered(*id, now + 4)],
        (Step::Escrow { amount }, _) => {
            let amount = TokenAmount::new((*amount).into());
            return vec![RollupEvent::EscrowDeposited { account: PROVER, from: PAYEE, amount }];
        }
        _ => return Vec::new(),
    };
    if !events.is_empty() {
        events.splice(..0, settled);
    }
    events
}

proptest! {
    /// Whatever happened, a rollback leaves what was known then, and the chain goes on from there.
    #[test]
    fn a_rollback_leaves_what_was_known_then(
        steps in prop::collection::vec(step(), 1..80),
        depths in prop::collection::vec((0usize..40, any::<prop::sample::Index>()), 0..4),
    ) {
        let mut world = World::new();
        let mut now = 101;
        let mut known = vec![(Observed::of(&world.view), now)];
        let mut reorgs: Vec<(usize, usize)> =
            depths.iter().map(|(depth, at)| (at.index(steps.len()), *depth)).collect();
        for (at, step) in steps.iter().enumerate() {
            if let Some(found) = reorgs.iter().position(|(when, _)| *when == at) {
                let (_, depth) = reorgs.remove(found);
                let kept = known.len().saturating_sub(depth).max(1);
                known.truncate(kept);
                let (expected, then) = known.last().unwrap();
                world.next = kept as u64;
                world.view.rollback(world.next - 1).unwrap();
                prop_assert_eq!(&Observed::of(&world.view), expected);
                now = *then;
                world.branch += 1;
            }
            now += if let Step::Wait(slots) = step { *slots } else { 1 };
            let events = events(&world.view, step, now);
            world.apply(now, events);
            known.push((Observed::of(&world.view), now));
        }
        // from the newest to the first, one by one
        while known.len() > 1 {
            known.pop();
            world.view.rollback(known.len() as u64 - 1).unwrap();
            prop_assert_eq!(&Observed::of(&world.view), &known.last().unwrap().0);
        }
    }
}
