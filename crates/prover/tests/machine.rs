//! The decisions of a prover, case by case.

use alloy::primitives::{Address, B256, Bytes, U256, aliases::U192};
use fernet_follower::{CandidateView, SlotView, Tip};
use fernet_network::AcceptedQuote;
use fernet_protocol::{
    Bps, L1Slot, Phase, Price, Quote, Rank, Rates, Score, SequencerId, Slot, TokenAmount, samples,
};
use fernet_prover::{
    Availability, BackupBlobs, CommittedProver, DeclineReason, Effect, EffectKind, Facts, Input, PriceList,
    ProofPurpose, ProofStage, Prover, ProvingWindow, RequestedBlock, Strategy,
};
use fernet_roles::{ChainSnapshot, Outstanding, ParentState};

const SLOT: Slot = Slot::new(5);
const SEQUENCER: SequencerId = SequencerId::new(2);
const OWN: Address = Address::repeat_byte(1);
const OTHER: Address = Address::repeat_byte(2);
const BLOCK: B256 = B256::repeat_byte(3);
const TIP: B256 = B256::repeat_byte(4);
const BACKUP: B256 = B256::repeat_byte(5);

fn strategy() -> Strategy {
    Strategy {
        prover: OWN,
        payee: Address::repeat_byte(11),
        prices: PriceList {
            base: Price::new(10),
            per_chunk: TokenAmount::new(5),
            least: Price::new(10),
            bond: TokenAmount::new(8),
        },
        offer_validity: 6,
        rescue_lead: 3,
        fee_recipient: 0,
        claim_from: Some(U256::from(100)),
    }
}

fn prover() -> Prover {
    Prover::new(strategy(), samples::parameters())
}

fn candidate(committed_by: Option<Address>, revealed_at: Option<u64>) -> CandidateView {
    let commitment = |prover| fernet_protocol::Commitment {
        prover,
        payee: prover,
        bond: TokenAmount::new(10),
        price: Price::new(15),
        at: L1Slot::new(104),
    };
    CandidateView {
        sequencer: SEQUENCER,
        score: Score::new(U192::from(1)),
        header_hash: BLOCK,
        commitment: committed_by.map(commitment),
        revealed_at: revealed_at.map(L1Slot::new),
        blobs_seen: 0,
    }
}

/// As seen from L1 slot 104; the phase ends at L1 slot 110.
fn facts(phase: Phase, candidates: Vec<CandidateView>) -> Facts {
    let next = SlotView {
        slot: SLOT,
        phase,
        start: L1Slot::new(100),
        previous_start: L1Slot::new(80),
        seed_at: L1Slot::new(82),
        phase_end: L1Slot::new(110),
        turn: Rank::new(0),
        turn_start: None,
        paid_l1_slots: 10,
        revealed: false,
        candidates,
        unsettled: None,
    };
    let tip = Tip {
        header_hash: TIP,
        state_root: B256::ZERO,
        deposits_end: 0,
        exits_end: 0,
        height: 4,
        slot: Slot::new(4),
    };
    let (now, parent_state) = (L1Slot::new(104), ParentState::Known);
    Facts {
        snapshot: ChainSnapshot { now, next, rates: samples::rates(), tip, parent_state },
        free_escrow: TokenAmount::new(60),
        may_sign: true,
        owed: U256::ZERO,
    }
}

fn at(now: u64, facts: Facts) -> Facts {
    Facts { snapshot: ChainSnapshot { now: L1Slot::new(now), ..facts.snapshot }, ..facts }
}

fn see(machine: &mut Prover, facts: Facts) -> Vec<Effect> {
    machine.apply(Input::Block(Box::new(facts)))
}

fn request() -> RequestedBlock {
    RequestedBlock { slot: SLOT, header_hash: BLOCK, parent: TIP, chunks: 2, sequencer: SEQUENCER }
}

fn request_quote(machine: &mut Prover, block: RequestedBlock, facts: Facts) -> Vec<Effect> {
    machine.apply(Input::QuoteRequested { block, facts: Box::new(facts) })
}

fn quote() -> Quote {
    Quote {
        slot: SLOT,
        header_hash: BLOCK,
        sequencer: SEQUENCER,
        prover: OWN,
        payee: Address::repeat_byte(11),
        bond: TokenAmount::new(25),
        price: Price::new(20),
        valid_until: L1Slot::new(110),
    }
}

fn committing() -> Facts {
    facts(Phase::Commitment, vec![candidate(None, None)])
}

fn prove(purpose: ProofPurpose) -> Effect {
    Effect::Prove { slot: SLOT, header_hash: BLOCK, purpose }
}

const FETCH: Effect = Effect::FetchBody { slot: SLOT, header_hash: BLOCK };

fn finalize(window: ProvingWindow, committed: CommittedProver) -> Effect {
    // Revealed at 105, so proving ends before 105 + 1 + 60.
    let expires_at = L1Slot::new(166);
    Effect::Finalize { slot: SLOT, header_hash: BLOCK, window, committed, expires_at }
}

/// A prover that offered to prove the block.
fn offering() -> Prover {
    let mut machine = prover();
    assert_eq!(request_quote(&mut machine, request(), committing()), [Effect::Offer { quote: quote() }]);
    machine.apply(Input::Offered { quote: quote() });
    machine
}

/// A prover that has the block's proof.
fn proven() -> Prover {
    let mut machine = offering();
    machine.apply(Input::ProofStarted { header_hash: BLOCK });
    machine.apply(Input::Proven { header_hash: BLOCK });
    machine
}

#[test]
fn a_prover_that_is_to_end_finishes_what_has_its_bond_and_starts_nothing() {
    let offer = Outstanding::Offer { slot: SLOT, header_hash: BLOCK, valid_until: L1Slot::new(110) };
    let bond = Outstanding::Bond { slot: SLOT, header_hash: BLOCK };
    let mut machine = offering();
    machine.apply(Input::Finish);
    assert_eq!(machine.consider(&request(), &committing()), Err(DeclineReason::Finishing));
    see(&mut machine, committing());
    assert_eq!(machine.outstanding(), [offer], "the sequencer can still commit it");
    let committed = |revealed| vec![candidate(Some(OWN), revealed)];
    assert_eq!(see(&mut machine, facts(Phase::Reveal, committed(None))), [prove(ProofPurpose::Commitment)]);
    assert_eq!(machine.outstanding(), std::slice::from_ref(&bond));
    machine.apply(Input::ProofStarted { header_hash: BLOCK });
    machine.apply(Input::Proven { header_hash: BLOCK });
    let effects = see(&mut machine, facts(Phase::ExclusiveProving, committed(Some(105))));
    assert_eq!(effects, [finalize(ProvingWindow::Exclusive, CommittedProver::Own)]);
    assert_eq!(machine.outstanding(), [bond]);
    // The bond is slashed by now, or the block is final.
    see(&mut machine, facts(Phase::Backup, committed(Some(105))));
    assert_eq!(machine.outstanding(), []);

    // Neither rescues, backups nor claims.
    let mut machine = offering();
    machine.apply(Input::Finish);
    let others = || vec![candidate(Some(OTHER), Some(105))];
    let late = at(108, facts(Phase::ExclusiveProving, others()));
    for seen in [late, facts(Phase::OpenProving, others()), facts(Phase::Backup, Vec::new())] {
        let rich = Facts { owed: U256::from(100), ..seen };
        assert_eq!(see(&mut machine, rich), []);
        assert_eq!(machine.outstanding(), [], "an offer can't be committed any more");
    }
}

#[test]
fn offers_its_price_with_at_least_the_minimum_bond() {
    let expected = [Effect::Offer { quote: quote() }];
    assert_eq!(request_quote(&mut prover(), request(), committing()), expected);
}

#[test]
fn an_offer_that_is_held_leaves_no_trace() {
    let mut machine = prover();
    let expected = [Effect::Offer { quote: quote() }];
    // 25 of escrow cover two bonds.
    for _ in 0..4 {
        assert_eq!(request_quote(&mut machine, request(), committing()), expected);
    }
    assert_eq!(machine.proof_stage(&BLOCK), None);
    let other = RequestedBlock { slot: Slot::new(6), ..request() };
    assert_eq!(request_quote(&mut machine, other, committing()), [], "declined");
}

#[test]
fn a_block_that_is_asked_for_again_gets_the_same_offer_while_it_is_valid() {
    let mut machine = offering();
    let mut later = at(105, committing());
    let expected = [Effect::Offer { quote: quote() }];
    assert_eq!(request_quote(&mut machine, request(), later.clone()), expected);
    later.snapshot.next.phase_end = L1Slot::new(111);
    let renewed = Quote { valid_until: L1Slot::new(111), ..quote() };
    assert_eq!(request_quote(&mut machine, request(), later), [Effect::Offer { quote: renewed }]);
}

#[test]
fn declines_what_can_not_be_committed_or_does_not_pay() {
    let decline = |ask: RequestedBlock, facts: Facts| prover().consider(&ask, &facts).unwrap_err();
    assert!(matches!(
        decline(RequestedBlock { slot: Slot::new(6), ..request() }, committing()),
        DeclineReason::WrongSlot { .. }
    ));
    assert!(matches!(
        decline(RequestedBlock { parent: BLOCK, ..request() }, committing()),
        DeclineReason::WrongParent { .. }
    ));
    let mut missing = committing();
    missing.snapshot.parent_state = ParentState::Missing;
    assert!(matches!(decline(request(), missing), DeclineReason::StateMissing(_)));
    let revealing = facts(Phase::Reveal, vec![candidate(None, None)]);
    assert_eq!(decline(request(), revealing), DeclineReason::WrongPhase(Phase::Reveal));
    let taken = facts(Phase::Commitment, vec![candidate(Some(OTHER), None)]);
    assert!(matches!(decline(request(), taken), DeclineReason::NotACandidate { .. }));
    let mut passed = committing();
    passed.snapshot.next.turn = Rank::new(1);
    assert!(matches!(decline(request(), passed), DeclineReason::NotACandidate { .. }));
    let unknown = RequestedBlock { header_hash: BACKUP, ..request() };
    assert!(matches!(decline(unknown, committing()), DeclineReason::NotACandidate { .. }));
    let unnamed = Facts { may_sign: false, ..committing() };
    assert_eq!(decline(request(), unnamed), DeclineReason::KeyNotNamed);
}

#[test]
fn asks_for_its_price_or_for_what_the_sequencer_can_pay() {
    // The sequencer's share is a fifth of the reward of ten L1 slots.
    let price = |reward: u128, prices: PriceList| {
        let mut facts = committing();
        facts.snapshot.rates = Rates {
            reward_per_l1_slot: TokenAmount::new(reward),
            sequencer_share: Bps::new(2000),
            prover_share: Bps::new(5000),
            promptness: Bps::new(5000),
            ..samples::rates()
        };
        let machine = Prover::new(Strategy { prices, ..strategy() }, samples::parameters());
        machine.consider(&request(), &facts).map(|quote| quote.price.get())
    };
    let prices = strategy().prices;
    assert_eq!(price(12, prices), Ok(20));
    assert_eq!(price(9, prices), Ok(18), "the sequencer's share");
    let (share, least) = (Price::new(8), Price::new(10));
    assert_eq!(price(4, prices), Err(DeclineReason::ShareTooLow { share, least }));
    // What the prover is sure to get is half of its half of the reward.
    let paying = PriceList { base: Price::new(-40), ..prices };
    assert_eq!(price(12, paying), Ok(-30));
    assert_eq!(price(4, paying), Ok(-10));
}

#[test]
fn open_offers_take_their_bonds_from_the_escrow() {
    let mut machine = offering();
    let others: Vec<B256> = (20..22).map(B256::repeat_byte).collect();
    let view = |hashes: &[B256]| {
        let candidates =
            hashes.iter().map(|hash| CandidateView { header_hash: *hash, ..candidate(None, None) });
        facts(Phase::Commitment, [candidate(None, None)].into_iter().chain(candidates).collect())
    };
    let second = RequestedBlock { header_hash: others[0], ..request() };
    let quote = machine.consider(&second, &view(&others)).unwrap();
    machine.apply(Input::Offered { quote });
    // 60 of escrow, 50 of it spoken for.
    let third = RequestedBlock { header_hash: others[1], ..request() };
    let refused = machine.consider(&third, &view(&others)).unwrap_err();
    assert!(matches!(refused, DeclineReason::NotCovered { offered, .. } if offered == TokenAmount::new(50)));
    assert!(machine.consider(&second, &view(&others)).is_ok(), "the same block again takes no second bond");
    // Valid through 110, so free again once nothing can land before 111.
    see(&mut machine, at(110, view(&others)));
    assert!(machine.consider(&third, &view(&others)).is_ok());
}

#[test]
fn proves_from_its_commitment_on_and_finalizes_after_the_reveal() {
    let mut machine = offering();
    let committed = facts(Phase::Reveal, vec![candidate(Some(OWN), None)]);
    assert_eq!(see(&mut machine, committed.clone()), [prove(ProofPurpose::Commitment)]);
    assert_eq!(machine.apply(Input::ProofStarted { header_hash: BLOCK }), []);
    assert_eq!(see(&mut machine, committed), [], "it is being proven");
    assert_eq!(machine.apply(Input::Proven { header_hash: BLOCK }), [], "not revealed yet");
    let revealed = facts(Phase::ExclusiveProving, vec![candidate(Some(OWN), Some(105))]);
    let expected = [finalize(ProvingWindow::Exclusive, CommittedProver::Own)];
    assert_eq!(see(&mut machine, revealed.clone()), expected);
    assert_eq!(see(&mut machine, revealed), expected, "again, as long as L1 hasn't seen it");
}

#[test]
fn a_proof_held_up_until_proving_is_open_is_still_its_own() {
    let open = facts(Phase::OpenProving, vec![candidate(Some(OWN), Some(105))]);
    assert_eq!(see(&mut proven(), open), [finalize(ProvingWindow::Open, CommittedProver::Own)]);
}

#[test]
fn another_provers_block_is_fetched_at_once_and_left_alone_until_it_is_about_to_be_late() {
    let exclusive = facts(Phase::ExclusiveProving, vec![candidate(Some(OTHER), Some(105))]);
    let mut machine = prover();
    assert_eq!(see(&mut machine, at(104, exclusive.clone())), [FETCH]);
    assert_eq!(
        machine.apply(Input::BodyMissing { slot: SLOT, header_hash: BLOCK }),
        [],
        "once a block of L1"
    );
    assert_eq!(see(&mut machine, at(105, exclusive.clone())), [FETCH]);
    assert_eq!(machine.apply(Input::BodyFetched { slot: SLOT, header_hash: BLOCK }), []);
    assert_eq!(see(&mut machine, at(105, exclusive.clone())), []);
    assert_eq!(see(&mut machine, at(106, exclusive.clone())), [prove(ProofPurpose::Rescue)]);
    machine.apply(Input::ProofStarted { header_hash: BLOCK });
    machine.apply(Input::Proven { header_hash: BLOCK });
    assert_eq!(see(&mut machine, at(107, exclusive)), [], "nothing lands in another's window");
    let open = facts(Phase::OpenProving, vec![candidate(Some(OTHER), Some(105))]);
    assert_eq!(see(&mut machine, open), [finalize(ProvingWindow::Open, CommittedProver::Other)]);
}

#[test]
fn a_missing_body_is_asked_for_once_a_block() {
    let open = facts(Phase::OpenProving, vec![candidate(Some(OTHER), Some(105))]);
    let mut machine = prover();
    assert_eq!(see(&mut machine, open.clone()), [FETCH]);
    assert_eq!(machine.apply(Input::BodyMissing { slot: SLOT, header_hash: BLOCK }), []);
    assert_eq!(see(&mut machine, at(105, open)), [FETCH]);
}

#[test]
fn without_proposals_it_builds_proves_and_finalizes_a_block_of_its_own() {
    let mut machine = prover();
    let build = Effect::BuildBackup { slot: SLOT, parent: TIP, cutoff: L1Slot::new(80) };
    assert_eq!(see(&mut machine, facts(Phase::Halt, vec![])), [build]);
    let built = Input::BackupBuilt { slot: SLOT, parent: TIP, header_hash: BACKUP };
    let prove = Effect::Prove { slot: SLOT, header_hash: BACKUP, purpose: ProofPurpose::Backup };
    assert_eq!(machine.apply(built), [prove]);
    machine.apply(Input::ProofStarted { header_hash: BACKUP });
    assert_eq!(machine.apply(Input::Proven { header_hash: BACKUP }), [], "nothing lands in the halt");
    let expires_at = L1Slot::new(110);
    let expected =
        Effect::FinalizeBackup { slot: SLOT, header_hash: BACKUP, blobs: BackupBlobs::Attached, expires_at };
    assert_eq!(see(&mut machine, facts(Phase::Backup, vec![])), [expected]);
    let mut moved = facts(Phase::Backup, vec![]);
    moved.snapshot.tip.header_hash = BLOCK;
    let build = Effect::BuildBackup { slot: SLOT, parent: BLOCK, cutoff: L1Slot::new(80) };
    assert_eq!(see(&mut machine, moved), [build], "a reorg took the parent away");
}

#[test]
fn in_backup_the_revealed_block_comes_first_if_its_body_is_known() {
    let backup = facts(Phase::Backup, vec![candidate(Some(OTHER), Some(105))]);
    let expires_at = L1Slot::new(110);
    let expected =
        Effect::FinalizeBackup { slot: SLOT, header_hash: BLOCK, blobs: BackupBlobs::Revealed, expires_at };
    assert_eq!(see(&mut proven(), backup.clone()), [expected]);
    let mut machine = prover();
    assert_eq!(see(&mut machine, backup), [FETCH]);
    let build = Effect::BuildBackup { slot: SLOT, parent: TIP, cutoff: L1Slot::new(80) };
    assert_eq!(machine.apply(Input::BodyMissing { slot: SLOT, header_hash: BLOCK }), [build]);
}

#[test]
fn a_failed_proof_is_tried_again_for_its_own_bond_only_and_suspends_the_prover() {
    let own = facts(Phase::ExclusiveProving, vec![candidate(Some(OWN), Some(105))]);
    let mut machine = offering();
    see(&mut machine, own.clone());
    machine.apply(Input::ProofStarted { header_hash: BLOCK });
    let failed = Input::ProofFailed { header_hash: BLOCK, reason: "no memory".to_owned() };
    assert_eq!(machine.apply(failed.clone()), [prove(ProofPurpose::Commitment)]);
    assert!(matches!(machine.consider(&request(), &committing()), Err(DeclineReason::Suspended { .. })));
    machine.apply(Input::ProofStarted { header_hash: BLOCK });
    assert_eq!(machine.apply(failed.clone()), [], "twice is enough");
    assert_eq!(see(&mut machine, own), []);

    let mut machine = offering();
    see(&mut machine, facts(Phase::OpenProving, vec![candidate(Some(OTHER), Some(105))]));
    assert_eq!(machine.apply(failed), []);
    assert_eq!(machine.proof_stage(&BLOCK), Some(ProofStage::Failed));
}

#[test]
fn a_refused_finalization_suspends_the_prover_unless_it_was_a_race() {
    let refused = Input::FinalizeRefused { header_hash: BLOCK, reason: "pairing".to_owned() };
    let mut racing = proven();
    see(&mut racing, facts(Phase::OpenProving, vec![candidate(Some(OTHER), Some(105))]));
    racing.apply(refused.clone());
    assert_eq!(*racing.availability(), Availability::Available);
    let mut alone = proven();
    see(&mut alone, facts(Phase::ExclusiveProving, vec![candidate(Some(OWN), Some(105))]));
    alone.apply(refused);
    assert!(matches!(alone.availability(), Availability::Suspended { .. }));
}

fn accepted(quote: Quote) -> Box<AcceptedQuote> {
    let (prover_signature, sequencer_signature) = (Bytes::new(), Bytes::from(vec![1; 65]));
    Box::new(AcceptedQuote { quote, prover_signature, sequencer_signature })
}

#[test]
fn commits_what_a_sequencer_accepted_of_its_own_offers() {
    let mut machine = offering();
    see(&mut machine, committing());
    let expected = Effect::Commit { slot: SLOT, accepted: accepted(quote()), expires_at: L1Slot::new(110) };
    assert_eq!(machine.apply(Input::Accepted(accepted(quote()))), std::slice::from_ref(&expected));
    assert_eq!(see(&mut machine, committing()), [expected]);
    assert_eq!(see(&mut machine, facts(Phase::Reveal, vec![candidate(Some(OTHER), None)])), []);

    let mut machine = offering();
    see(&mut machine, committing());
    let cheaper = Quote { price: Price::ZERO, ..quote() };
    assert_eq!(machine.apply(Input::Accepted(accepted(cheaper))), [], "never offered");
}

#[test]
fn commits_for_the_next_candidate_when_the_first_passes_uncommitted() {
    let second = CandidateView { header_hash: BACKUP, ..candidate(None, None) };
    let first_turn = facts(Phase::Commitment, vec![candidate(None, None), second]);
    let mut second_turn = first_turn.clone();
    second_turn.snapshot.next.turn = Rank::new(1);
    let mut machine = offering();
    let block = RequestedBlock { header_hash: BACKUP, ..request() };
    let other = machine.consider(&block, &first_turn).unwrap();
    machine.apply(Input::Offered { quote: other });
    see(&mut machine, first_turn);
    assert_eq!(machine.apply(Input::Accepted(accepted(quote()))).len(), 1);
    // The commitment is held or doesn't land, and the turn passes.
    assert_eq!(see(&mut machine, second_turn), []);
    let commit = Effect::Commit { slot: SLOT, accepted: accepted(other), expires_at: L1Slot::new(110) };
    assert_eq!(machine.apply(Input::Accepted(accepted(other))), [commit]);
}

#[test]
fn claims_what_is_worth_it() {
    let owed = |amount: u64| Facts { owed: U256::from(amount), ..facts(Phase::Waiting, vec![]) };
    assert_eq!(see(&mut prover(), owed(99)), []);
    assert_eq!(see(&mut prover(), owed(100)), [Effect::ClaimRewards { owed: U256::from(100) }]);
}

#[test]
fn old_work_is_forgotten() {
    let mut machine = proven();
    let mut later = facts(Phase::Waiting, vec![]);
    later.snapshot.next.slot = Slot::new(9);
    see(&mut machine, later.clone());
    assert_eq!(machine.proof_stage(&BLOCK), Some(ProofStage::Proven));
    later.snapshot.next.slot = Slot::new(10);
    see(&mut machine, later);
    assert_eq!(machine.proof_stage(&BLOCK), None);
}

#[test]
fn the_list_of_kinds_is_complete_and_in_order() {
    for (index, kind) in EffectKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, index);
    }
}
