//! The decisions of a sequencer, case by case.

use alloy::primitives::{Address, B256, U256, aliases::U192};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use fernet_follower::{CandidateView, SlotView, Tip};
use fernet_network::SignedQuote;
use fernet_protocol::{
    ChainId, Commitment, Header, L1Slot, Phase, Price, Quote, Rank, Rates, RollupId, Score, SequencerId,
    Slot, TokenAmount, samples,
};
use fernet_roles::{ChainSnapshot, Outstanding, ParentState};
use fernet_sequencer::quotes::{QuoteError, ReceivedQuote};
use fernet_sequencer::{
    Availability, CommitmentBy, Effect, EffectKind, Facts, ForeignBlock, Input, OwnRank, PreparedBlock,
    SILENT_SLOTS, SeedStatus, Sequencer, Stage, Strategy,
};

const SLOT: Slot = Slot::new(5);
const OWN: SequencerId = SequencerId::new(2);

fn strategy() -> Strategy {
    Strategy {
        sequencer: OWN,
        fee_recipient: 9,
        max_price: Price::new(50),
        patience: 1,
        claim_from: Some(U256::from(100)),
        commitment: CommitmentBy::Sequencer,
    }
}

fn rates() -> Rates {
    Rates { reward_per_l1_slot: TokenAmount::new(100), ..samples::rates() }
}

fn rollup() -> RollupId {
    RollupId::new(ChainId::new(31337), Address::repeat_byte(7))
}

fn sequencer() -> Sequencer {
    Sequencer::new(strategy(), samples::parameters(), rollup())
}

fn score(number: u64) -> Score {
    Score::new(U192::from(number))
}

fn tip() -> Tip {
    Tip {
        header_hash: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        deposits_end: 0,
        exits_end: 0,
        height: 4,
        slot: Slot::new(4),
    }
}

/// The proposal phase of a slot that starts at L1 slot 100, seen from the block before it.
fn facts() -> Facts {
    let next = SlotView {
        slot: SLOT,
        phase: Phase::Proposal,
        start: L1Slot::new(100),
        previous_start: L1Slot::new(80),
        seed_at: L1Slot::new(82),
        phase_end: L1Slot::new(104),
        turn: Rank::new(0),
        turn_start: None,
        paid_l1_slots: 10,
        revealed: false,
        candidates: Vec::new(),
        unsettled: None,
    };
    Facts {
        snapshot: ChainSnapshot {
            now: L1Slot::new(99),
            next,
            rates: rates(),
            tip: tip(),
            parent_state: ParentState::Known,
        },
        seed: SeedStatus::Proven,
        own_rank: Some(OwnRank { rank: 0, score: score(50) }),
        owed: U256::ZERO,
        foreign: None,
    }
}

fn at(now: u64, facts: Facts) -> Facts {
    Facts { snapshot: ChainSnapshot { now: L1Slot::new(now), ..facts.snapshot }, ..facts }
}

fn block() -> PreparedBlock {
    block_on(tip().header_hash)
}

fn block_on(parent: B256) -> PreparedBlock {
    let header = Header {
        parent,
        state_root: B256::repeat_byte(3),
        fee_recipient: 9,
        blob_hashes: vec![B256::repeat_byte(4)],
        ..samples::header(SLOT)
    };
    let header_hash = header.hash();
    PreparedBlock { header, header_hash }
}

fn candidate(sequencer: SequencerId, number: u64, header_hash: B256) -> CandidateView {
    CandidateView {
        sequencer,
        score: score(number),
        header_hash,
        commitment: None,
        revealed_at: None,
        blobs_seen: 0,
    }
}

fn stranger(number: u64) -> CandidateView {
    candidate(SequencerId::new(90 + number as u32), number, B256::repeat_byte(number as u8))
}

fn own() -> CandidateView {
    candidate(OWN, 50, block().header_hash)
}

fn with(phase: Phase, turn: u8, candidates: Vec<CandidateView>) -> Facts {
    let mut facts = facts();
    let next = &mut facts.snapshot.next;
    (next.phase, next.turn, next.candidates) = (phase, Rank::new(turn), candidates);
    facts
}

fn see(machine: &mut Sequencer, facts: Facts) -> Vec<Effect> {
    machine.apply(Input::Block(Box::new(facts)))
}

/// A sequencer whose block is ready.
fn prepared() -> Sequencer {
    let mut machine = sequencer();
    see(&mut machine, facts());
    machine.apply(Input::BlockBuilt(block()));
    machine
}

fn propose(rank: usize) -> Effect {
    Effect::Propose {
        slot: SLOT,
        header_hash: block().header_hash,
        rank,
        seed_at: L1Slot::new(82),
        expires_at: L1Slot::new(104),
    }
}

fn prover(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

fn quote(signer: &PrivateKeySigner) -> Quote {
    Quote {
        slot: SLOT,
        header_hash: block().header_hash,
        sequencer: OWN,
        prover: signer.address(),
        payee: signer.address(),
        bond: TokenAmount::new(25),
        price: Price::new(40),
        valid_until: L1Slot::new(110),
    }
}

fn sign(signer: &PrivateKeySigner, quote: Quote) -> SignedQuote {
    let signature = signer.sign_hash_sync(&quote.digest(&rollup())).unwrap();
    SignedQuote { quote, prover_signature: signature.as_bytes().to_vec().into() }
}

fn offer(number: u8, price: i128, bond: u128) -> SignedQuote {
    let signer = prover(number);
    sign(&signer, Quote { price: Price::new(price), bond: TokenAmount::new(bond), ..quote(&signer) })
}

/// As they arrive from provers with plenty of escrow.
fn received(quotes: &[SignedQuote]) -> Vec<ReceivedQuote> {
    let free_escrow = TokenAmount::new(1_000);
    quotes
        .iter()
        .map(|signed| ReceivedQuote { signed: signed.clone(), free_escrow, named_signer: None })
        .collect()
}

fn quotes(quotes: &[SignedQuote]) -> Input {
    Input::QuotesReceived { slot: SLOT, quotes: received(quotes) }
}

/// A sequencer in its turn to find a prover.
fn looking() -> Sequencer {
    let mut machine = prepared();
    see(&mut machine, with(Phase::Commitment, 0, vec![own()]));
    machine
}

/// The error for a quote that differs from a good one.
fn refusal(change: impl FnOnce(&mut Quote)) -> QuoteError {
    let signer = prover(1);
    let mut changed = quote(&signer);
    change(&mut changed);
    let choice = looking().choose(SLOT, &received(&[sign(&signer, changed)]));
    assert_eq!(choice.best, None);
    choice.refused.into_iter().next().unwrap().1
}

#[test]
fn builds_then_proposes_until_it_is_on_the_list() {
    let mut machine = sequencer();
    let build = Effect::Build { slot: SLOT, parent: tip().header_hash, cutoff: L1Slot::new(80) };
    assert_eq!(see(&mut machine, facts()), [build]);
    assert_eq!(machine.apply(Input::BlockBuilt(block())), [propose(0)]);
    assert_eq!(see(&mut machine, facts()), [propose(0)], "again, as long as L1 hasn't seen it");
    assert_eq!(see(&mut machine, with(Phase::Proposal, 0, vec![own()])), []);
}

#[test]
fn waits_for_seed_state_and_phase() {
    let without_rank = Facts { own_rank: None, ..facts() };
    let mut without_state = facts();
    without_state.snapshot.parent_state = ParentState::Missing;
    for facts in [without_rank, without_state, with(Phase::Waiting, 0, vec![])] {
        assert_eq!(see(&mut sequencer(), facts), []);
    }
}

#[test]
fn a_full_list_of_better_ones_gets_no_proposal() {
    let better = vec![stranger(90), stranger(80), stranger(70)];
    assert_eq!(see(&mut prepared(), with(Phase::Proposal, 0, better)), []);
    let beatable = vec![stranger(90), stranger(80), stranger(40)];
    assert_eq!(see(&mut prepared(), with(Phase::Proposal, 0, beatable)), [propose(0)]);
}

#[test]
fn one_that_others_outrank_proposes_only_when_they_have_stayed_away() {
    let outranked = |now| Facts {
        own_rank: Some(OwnRank { rank: 3, score: score(50) }),
        ..at(now, with(Phase::Proposal, 0, vec![stranger(90), stranger(80)]))
    };
    assert_eq!(see(&mut prepared(), outranked(101)), []);
    assert_eq!(see(&mut prepared(), outranked(102)), [propose(3)]);
}

#[test]
fn lower_ranks_leave_the_seeds_proof_to_the_best_for_a_while() {
    let ranked = |now, rank| Facts {
        seed: SeedStatus::Unproven,
        own_rank: Some(OwnRank { rank, score: score(50) }),
        ..at(now, facts())
    };
    assert_eq!(see(&mut prepared(), ranked(99, 0)), [propose(0)]);
    assert_eq!(see(&mut prepared(), ranked(99, 1)), []);
    assert_eq!(see(&mut prepared(), ranked(100, 1)), [propose(1)]);
    assert_eq!(see(&mut prepared(), ranked(100, 2)), []);
    assert_eq!(see(&mut prepared(), Facts { seed: SeedStatus::Proven, ..ranked(99, 2) }), [propose(2)]);
}

#[test]
fn a_reorg_of_the_parent_withdraws_the_proposal_and_builds_anew() {
    let mut machine = prepared();
    let parent = B256::repeat_byte(9);
    let mut moved = facts();
    moved.snapshot.tip.header_hash = parent;
    let cancel = Effect::CancelProposal { slot: SLOT, header_hash: block().header_hash };
    let build = Effect::Build { slot: SLOT, parent, cutoff: L1Slot::new(80) };
    assert_eq!(see(&mut machine, moved.clone()), std::slice::from_ref(&cancel));
    assert_eq!(see(&mut machine, moved), [cancel], "a second proposal waits until the first is withdrawn");
    let cancelled = Input::ProposalCancelled { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(machine.apply(cancelled), [build]);
    machine.apply(Input::BlockBuilt(block_on(parent)));
    assert_eq!(machine.stage(SLOT).block(), Some(&block_on(parent)));
}

#[test]
fn a_reorg_of_the_parent_withdraws_a_block_that_has_a_prover_too() {
    let mut machine = looking();
    machine.apply(quotes(&[offer(1, 40, 30)]));
    assert!(matches!(machine.stage(SLOT), Stage::Agreed { .. }));
    let mut moved = facts();
    moved.snapshot.tip.header_hash = B256::repeat_byte(9);
    let cancel = Effect::CancelProposal { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, moved), [cancel]);
    let cancelled = Input::ProposalCancelled { slot: SLOT, header_hash: block().header_hash };
    assert!(matches!(machine.apply(cancelled)[..], [Effect::Build { .. }]));
}

#[test]
fn looks_for_a_prover_when_its_turn_comes_and_not_before() {
    let candidates = vec![stranger(90), own()];
    let request = Effect::RequestQuotes { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut prepared(), with(Phase::Commitment, 0, candidates.clone())), []);
    assert_eq!(see(&mut prepared(), with(Phase::Commitment, 1, candidates)), [request], "succession");
}

#[test]
fn commits_the_chosen_quote_until_l1_has_it_and_reveals_then() {
    let mut machine = looking();
    let quote = Box::new(offer(1, 40, 30));
    let commit = Effect::Commit { slot: SLOT, quote: quote.clone(), expires_at: L1Slot::new(104) };
    assert_eq!(machine.apply(quotes(&[(*quote).clone()])), std::slice::from_ref(&commit));
    assert_eq!(see(&mut machine, with(Phase::Commitment, 0, vec![own()])), [commit]);
    let Quote { prover, payee, bond, price, .. } = quote.quote;
    let commitment = Commitment { prover, payee, bond, price, at: L1Slot::new(103) };
    let committed = CandidateView { commitment: Some(commitment), blobs_seen: 0b10, ..own() };
    let reveal = Effect::Reveal {
        slot: SLOT,
        header_hash: block().header_hash,
        seen: 0b10,
        expires_at: L1Slot::new(104),
    };
    assert_eq!(see(&mut machine, with(Phase::Reveal, 0, vec![committed.clone()])), [reveal]);
    let revealed = CandidateView { revealed_at: Some(L1Slot::new(104)), ..committed };
    let announce = Effect::AnnounceBody { slot: SLOT, header_hash: block().header_hash };
    let facts = with(Phase::ExclusiveProving, 0, vec![revealed]);
    assert_eq!(see(&mut machine, facts.clone()), [announce]);
    assert_eq!(machine.apply(Input::BodyAnnounced { slot: SLOT }), []);
    assert_eq!(see(&mut machine, facts), []);
}

#[test]
fn one_handing_over_signs_no_second_quote() {
    let strategy = Strategy { commitment: CommitmentBy::Prover, ..strategy() };
    let mut machine = Sequencer::new(strategy, samples::parameters(), rollup());
    see(&mut machine, facts());
    machine.apply(Input::BlockBuilt(block()));
    see(&mut machine, with(Phase::Commitment, 0, vec![own()]));
    let (first, second) = (Box::new(offer(1, 40, 30)), Box::new(offer(2, 30, 30)));
    let hand_over = Effect::HandOver { slot: SLOT, quote: first.clone() };
    assert_eq!(machine.apply(quotes(&[(*first).clone()])), std::slice::from_ref(&hand_over));
    assert_eq!(machine.apply(Input::CommitFailed { slot: SLOT, quote: first }), []);
    assert_eq!(machine.apply(quotes(&[*second])), [], "the choice stands");
    assert_eq!(see(&mut machine, with(Phase::Commitment, 0, vec![own()])), [hand_over]);
}

#[test]
fn a_failed_commitment_goes_to_another_prover() {
    let mut machine = looking();
    let (first, second) = (Box::new(offer(1, 30, 30)), Box::new(offer(2, 40, 30)));
    machine.apply(quotes(&[(*first).clone()]));
    assert_eq!(machine.apply(Input::CommitFailed { slot: SLOT, quote: first.clone() }), []);
    let request = Effect::RequestQuotes { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, with(Phase::Commitment, 0, vec![own()])), [request]);
    let expires_at = L1Slot::new(104);
    let commit = Effect::Commit { slot: SLOT, quote: second.clone(), expires_at };
    assert_eq!(machine.apply(quotes(&[*first, *second])), [commit]);
}

#[test]
fn takes_the_cheapest_quote_then_the_highest_bond_then_the_first() {
    let best = |quotes: &[SignedQuote]| looking().choose(SLOT, &received(quotes)).best;
    let (dear, cheap, safe) = (offer(1, 40, 99), offer(2, 30, 30), offer(3, 30, 40));
    assert_eq!(best(&[dear.clone(), cheap.clone()]), Some(cheap.clone()));
    assert_eq!(best(&[cheap.clone(), safe.clone(), dear]), Some(safe.clone()));
    assert_eq!(best(&[offer(4, 30, 40), safe]), Some(offer(4, 30, 40)));
    assert_eq!(best(&[]), None);
}

#[test]
fn a_quote_that_breaks_one_term_is_refused() {
    use fernet_protocol::QuoteRefused as R;
    let is = |error: QuoteError, expected: fn(&R) -> bool| match error {
        QuoteError::Refused(refused) => assert!(expected(&refused), "{refused}"),
        other => panic!("{other}"),
    };
    is(refusal(|quote| quote.slot = Slot::new(6)), |r| matches!(r, R::WrongSlot { .. }));
    is(refusal(|quote| quote.header_hash = B256::ZERO), |r| matches!(r, R::WrongHeader { .. }));
    is(refusal(|quote| quote.sequencer = SequencerId::new(1)), |r| matches!(r, R::WrongSequencer { .. }));
    is(refusal(|quote| quote.valid_until = L1Slot::new(99)), |r| matches!(r, R::Expired { .. }));
    is(refusal(|quote| quote.payee = Address::ZERO), |r| matches!(r, R::ZeroAddress { .. }));
    is(refusal(|quote| quote.bond = TokenAmount::new(24)), |r| matches!(r, R::BondTooLow { .. }));
    assert!(matches!(
        refusal(|quote| quote.price = Price::new(51)),
        QuoteError::PriceTooHigh { maximum, .. } if maximum == Price::new(50)
    ));
    assert!(matches!(refusal(|quote| quote.bond = TokenAmount::new(1_001)), QuoteError::NotCovered { .. }));
    // Whoever signed, it wasn't the prover that the quote names.
    let stranger = prover(2).address();
    assert!(matches!(refusal(|quote| quote.prover = stranger), QuoteError::BadSignature { .. }));
}

#[test]
fn a_price_outside_of_what_its_payer_has_is_refused() {
    // The prover is sure of a quarter of the reward of 1,000, and the sequencer's share is a fifth.
    let chosen = |price| looking().choose(SLOT, &received(&[offer(1, price, 30)]));
    assert_eq!(chosen(-250).best, Some(offer(1, -250, 30)));
    let refused = chosen(-251).refused;
    let expected = fernet_protocol::QuoteRefused::PriceOutOfRange {
        lowest: Price::new(-250),
        highest: Price::new(200),
        actual: Price::new(-251),
    };
    assert_eq!(refused, [(prover(1).address(), QuoteError::Refused(expected))]);
    let offers = [offer(1, -10, 30), offer(2, 0, 90), offer(3, -20, 30)];
    assert_eq!(looking().choose(SLOT, &received(&offers)).best, Some(offer(3, -20, 30)));
}

#[test]
fn a_quote_may_be_signed_with_the_key_that_its_prover_named() {
    let account = Address::repeat_byte(77);
    let signed = sign(&prover(1), Quote { prover: account, ..quote(&prover(1)) });
    let received = |named_signer| {
        let free_escrow = TokenAmount::new(1_000);
        [ReceivedQuote { signed: signed.clone(), free_escrow, named_signer }]
    };
    let chosen = |named_signer| looking().choose(SLOT, &received(named_signer)).best;
    assert_eq!(chosen(Some(prover(1).address())), Some(signed.clone()));
    assert_eq!(chosen(Some(prover(2).address())), None);
    assert_eq!(chosen(None), None);
}

#[test]
fn a_changed_quote_loses_its_signature() {
    let mut changed = offer(1, 40, 30);
    changed.quote.price = Price::new(41);
    assert_eq!(looking().choose(SLOT, &received(&[changed])).best, None);
}

#[test]
fn a_block_that_only_l1_knows_is_recalled() {
    let mut machine = sequencer();
    let facts = with(Phase::Reveal, 0, vec![own()]);
    let recall = Effect::LoadBlock { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, facts.clone()), std::slice::from_ref(&recall));
    assert_eq!(see(&mut machine, facts), [recall], "another copy's block is never acted upon");
    let effects = machine.apply(Input::BlockLoaded { block: block(), quote: None });
    assert!(matches!(effects[..], [Effect::Reveal { .. }]), "{effects:?}");
}

#[test]
fn a_recalled_quote_is_committed_again_and_no_other() {
    let mut machine = sequencer();
    see(&mut machine, with(Phase::Commitment, 0, vec![own()]));
    let quote = Box::new(offer(1, 40, 30));
    let effects = machine.apply(Input::BlockLoaded { block: block(), quote: Some(quote.clone()) });
    assert_eq!(effects, [Effect::Commit { slot: SLOT, quote, expires_at: L1Slot::new(104) }]);
}

#[test]
fn claims_what_is_worth_it() {
    let owed = |amount: u64| Facts { owed: U256::from(amount), ..with(Phase::Waiting, 0, vec![]) };
    assert_eq!(see(&mut sequencer(), owed(99)), []);
    assert_eq!(see(&mut sequencer(), owed(100)), [Effect::ClaimRewards { owed: U256::from(100) }]);
    let strategy = Strategy { claim_from: None, ..strategy() };
    assert_eq!(see(&mut Sequencer::new(strategy, samples::parameters(), rollup()), owed(100)), []);
}

#[test]
fn a_reorg_back_into_a_slot_finds_its_block_again() {
    let mut machine = prepared();
    let mut later = facts();
    later.snapshot.next.slot = Slot::new(6);
    later.own_rank = None;
    see(&mut machine, later);
    assert_eq!(*machine.stage(SLOT), Stage::Prepared(block()));
    assert_eq!(see(&mut machine, facts()), [propose(0)]);
}

#[test]
fn quotes_that_will_not_do_lead_to_nothing() {
    let mut machine = looking();
    assert_eq!(machine.apply(quotes(&[])), []);
    assert_eq!(machine.apply(quotes(&[offer(1, 51, 30)])), []);
    assert!(matches!(machine.stage(SLOT), Stage::Prepared(_)));
}

/// The same facts in another slot.
fn in_slot(slot: u64, mut facts: Facts) -> Facts {
    facts.snapshot.next.slot = Slot::new(slot);
    facts
}

const FOREIGN: ForeignBlock = ForeignBlock { slot: SLOT, header_hash: B256::repeat_byte(0xee) };

/// The phase after the proposals of `SLOT`, in which another process proposed with this sequencer's keys.
fn foreign(phase: Phase) -> Facts {
    let theirs = candidate(OWN, 50, FOREIGN.header_hash);
    Facts { foreign: Some(FOREIGN), ..with(phase, 0, vec![theirs]) }
}

#[test]
fn a_second_process_with_the_same_keys_makes_this_one_stand_by() {
    let mut machine = prepared();
    let withdraw = Effect::CancelProposal { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, foreign(Phase::Proposal)), [withdraw], "its own can't land any more");
    assert_eq!(machine.apply(Input::ProposalCancelled { slot: SLOT, header_hash: block().header_hash }), []);
    assert_eq!(machine.availability(), Availability::Standby { foreign: FOREIGN });
    for phase in [Phase::Commitment, Phase::Reveal, Phase::ExclusiveProving] {
        let rich = Facts { owed: U256::from(100), ..foreign(phase) };
        assert_eq!(see(&mut machine, rich), [], "neither a quote, a reveal nor a claim: {phase:?}");
    }
    assert_eq!(machine.outstanding(), None, "the candidate is the other one's duty");
    assert_eq!(see(&mut machine, in_slot(6, facts())), [], "no proposal either");
}

#[test]
fn a_spare_takes_over_when_the_other_process_misses_its_chances() {
    let mut machine = sequencer();
    see(&mut machine, foreign(Phase::Commitment));
    let mut slot = SLOT.get();
    // Slots in which it couldn't have been a candidate say nothing about the other process.
    for _ in 0..4 {
        slot += 1;
        let outranked = Some(OwnRank { rank: 3, score: score(50) });
        see(&mut machine, Facts { own_rank: outranked, ..in_slot(slot, with(Phase::Commitment, 0, vec![])) });
    }
    for missed in 0..SILENT_SLOTS {
        assert_eq!(machine.availability(), Availability::Standby { foreign: FOREIGN }, "{missed}");
        slot += 1;
        for phase in [Phase::Proposal, Phase::Commitment, Phase::Reveal, Phase::Backup] {
            let seen = Facts { foreign: Some(FOREIGN), ..in_slot(slot, with(phase, 0, vec![stranger(1)])) };
            see(&mut machine, seen);
        }
    }
    assert_eq!(machine.availability(), Availability::Available);
    let effects = see(&mut machine, in_slot(slot + 1, facts()));
    assert!(matches!(effects[..], [Effect::Build { .. }]), "{effects:?}");
}

#[test]
fn a_process_that_still_proposes_keeps_the_spare_waiting() {
    let mut machine = sequencer();
    for slot in SLOT.get()..SLOT.get() + 10 {
        let foreign = ForeignBlock { slot: Slot::new(slot), ..FOREIGN };
        let theirs = candidate(OWN, 50, FOREIGN.header_hash);
        // It misses every other slot.
        let (foreign, candidates) =
            if slot % 2 == 1 { (Some(foreign), vec![theirs]) } else { (None, Vec::new()) };
        see(&mut machine, Facts { foreign, ..in_slot(slot, with(Phase::Commitment, 0, candidates)) });
        assert!(matches!(machine.availability(), Availability::Standby { .. }), "slot {slot}");
    }
}

#[test]
fn a_sequencer_that_is_to_end_finishes_its_candidate_and_starts_nothing() {
    let mut machine = prepared();
    let withdraw = Effect::CancelProposal { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(machine.apply(Input::Finish), [withdraw], "a proposal that isn't on L1");
    machine.apply(Input::ProposalCancelled { slot: SLOT, header_hash: block().header_hash });
    assert_eq!(see(&mut machine, facts()), []);
    assert_eq!(machine.outstanding(), None);

    let mut machine = looking();
    let outstanding = Some(Outstanding::Candidate { slot: SLOT, header_hash: block().header_hash });
    machine.apply(Input::Finish);
    let ask = Effect::RequestQuotes { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, with(Phase::Commitment, 0, vec![own()])), [ask]);
    assert_eq!(machine.outstanding(), outstanding);
    // While another one is in turn, its own turn may still come.
    see(&mut machine, with(Phase::Commitment, 0, vec![stranger(1), own()]));
    assert_eq!(machine.outstanding(), outstanding);
    let revealed = CandidateView { revealed_at: Some(L1Slot::new(105)), ..own() };
    let announce = Effect::AnnounceBody { slot: SLOT, header_hash: block().header_hash };
    assert_eq!(see(&mut machine, with(Phase::ExclusiveProving, 0, vec![revealed.clone()])), [announce]);
    assert_eq!(machine.outstanding(), outstanding);
    machine.apply(Input::BodyAnnounced { slot: SLOT });
    assert_eq!(machine.outstanding(), None);
    // Its turn passed, or another one's block is revealed.
    for (phase, turn) in [(Phase::Commitment, 1), (Phase::ExclusiveProving, 1), (Phase::Backup, 2)] {
        let mut machine = looking();
        machine.apply(Input::Finish);
        see(&mut machine, with(phase, turn, vec![own(), stranger(60)]));
        assert_eq!(machine.outstanding(), None, "{phase:?}");
    }
}

#[test]
fn the_list_of_kinds_is_complete_and_in_order() {
    for (index, kind) in EffectKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, index);
    }
}
