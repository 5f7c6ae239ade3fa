//! Properties that hold for all timelines and amounts: phases have no gaps, the slot in turn doesn't depend
//! on how it is computed, penalties are within stakes, and every token is accounted for.

use alloy_primitives::{Address, B256, U256, aliases::U192};
use fernet_protocol::*;
use proptest::{collection::vec, option, prelude::*};
use std::{cmp::Ordering, collections::BTreeMap};

fn parameters() -> impl Strategy<Value = Parameters> {
    let lengths = (2..12_u16, 1..8_u16, 1..8_u16, 1..40_u16, any::<u16>(), 1..4_u16, 1..12_u16);
    let stall = (0..100_u16, 0..300_u16);
    let penalties = [0..1_u128 << 96, 0..1_u128 << 96];
    (lengths, any::<(u16, u16)>(), 1..=4_u8, (1..8_000_u16, 0..=10_000_u16), penalties, stall).prop_map(
        |(lengths, (delay, grid), max_candidates, (pause_length, rescue), penalties, (more, max_stall))| {
            let (
                proposal_phase,
                commitment_phase,
                reveal_phase,
                proving_phase,
                exclusive,
                halt_phase,
                backup_phase,
            ) = lengths;
            let idle = proposal_phase + halt_phase + backup_phase;
            let seed_delay = 1 + delay % (idle - 1);
            let [abandon, withhold] = penalties.map(TokenAmount::new);
            let mut parameters = Parameters {
                proposal_phase,
                commitment_phase,
                reveal_phase,
                proving_phase,
                exclusive_proving: 1 + exclusive % proving_phase,
                halt_phase,
                backup_phase,
                seed_delay,
                seed_grid: 1 + grid % (idle - seed_delay),
                pause_length,
                stall_after: 0,
                max_stall,
                max_candidates,
                max_blobs: 6,
                max_chunks: 16,
                max_deposits: 32,
                max_exits: 16,
                rescue_share: Bps::new(rescue),
                min_bond: TokenAmount::new(1),
                abandon_penalty: abandon,
                withhold_penalty: withhold,
            };
            parameters.stall_after = u16::try_from(2 * parameters.longest_slot()).unwrap() + more;
            parameters
        },
    )
}

fn rates() -> impl Strategy<Value = Rates> {
    (0..=10_000_u16, any::<(u16, u16)>(), 0..1_u128 << 72, 0..=10_000_u16).prop_map(
        |(sequencer, (bonus, prover), reward, promptness)| {
            let bonus = bonus % (10_001 - sequencer);
            let prover = prover % (10_001 - sequencer - bonus);
            Rates {
                reward_per_l1_slot: TokenAmount::new(reward),
                sequencer_share: Bps::new(sequencer),
                bonus_share: Bps::new(bonus),
                prover_share: Bps::new(prover),
                submitter_share: Bps::new(10_000 - sequencer - bonus - prover),
                promptness: Bps::new(promptness),
            }
        },
    )
}

/// Arbitrary timelines, also impossible ones.
fn wild_timeline() -> impl Strategy<Value = Timeline> {
    let l1_slot = || prop_oneof![0..200_u64, any::<u64>()].prop_map(L1Slot::new);
    let facts = (option::of(l1_slot()), option::of(l1_slot()))
        .prop_map(|(committed_at, revealed_at)| CandidateFacts { committed_at, revealed_at });
    (any::<u64>(), l1_slot(), l1_slot(), vec(facts, 0..7)).prop_map(
        |(slot, start, previous_start, candidates)| Timeline {
            slot: Slot::new(slot),
            start,
            previous_start,
            candidates,
        },
    )
}

/// Simulates a slot by the rules of L1, L1 slot by L1 slot, and returns its statuses. `luck` decides what
/// happens.
fn live(p: &Parameters, candidates: usize, luck: &[u8]) -> Vec<(L1Slot, SlotStatus)> {
    let start = L1Slot::new(1_000);
    let mut timeline = Timeline::open(Slot::new(3), start, L1Slot::new(980));
    let mut course = Vec::new();
    for offset in 0..=p.longest_slot() + 2 {
        let now = L1Slot::new(999 + offset);
        let status = status_at(&timeline, p, now);
        course.push((now, status));
        let happens = luck[usize::try_from(offset).unwrap() % luck.len()];
        let turn = status.rank.index();
        match status.phase {
            Phase::Proposal if timeline.candidates.is_empty() && happens > 60 => {
                timeline.candidates = vec![CandidateFacts::default(); candidates];
            }
            Phase::Commitment if happens > 120 => timeline.candidates[turn].committed_at = Some(now),
            Phase::Reveal if happens > 170 => timeline.candidates[turn].revealed_at = Some(now),
            _ => {}
        }
        if status.over {
            break;
        }
    }
    course
}

/// Compares two statuses of one slot in time: phases only move forward, whatever happens in the slot.
fn compare(left: &SlotStatus, right: &SlotStatus) -> Ordering {
    let key = |status: &SlotStatus| {
        let has_turn = matches!(status.phase, Phase::Commitment | Phase::Reveal);
        let stage = match status.phase {
            Phase::Waiting => 0_u8,
            Phase::Proposal => 1,
            Phase::Commitment | Phase::Reveal => 2,
            Phase::ExclusiveProving => 3,
            Phase::OpenProving => 4,
            Phase::Halt => 5,
            Phase::Backup => 6,
        };
        (stage, if has_turn { status.rank.get() } else { 0 }, status.phase.number(), status.over)
    };
    key(left).cmp(&key(right))
}

proptest! {
    #[test]
    fn the_phase_function_is_total(p in parameters(), timeline in wild_timeline(), now: u64) {
        let status = status_at(&timeline, &p, L1Slot::new(now));
        prop_assert!(status.rank.index() <= MAX_CANDIDATES);
        let _ = locate(
            &Cursor {
                slot: timeline.slot,
                start: timeline.start,
                previous_start: timeline.previous_start,
                since_tip: 7,
            },
            Some(&timeline),
            &p,
            L1Slot::new(now),
        );
    }

    #[test]
    fn phases_last_exactly_until_their_end(
        p in parameters(), timeline in wild_timeline(), from in 0..2_000_u64,
    ) {
        // with an unchanged timeline, the phase at `end - 1` is the same, and the one at `end` is later
        let now = L1Slot::new(from);
        let status = status_at(&timeline, &p, now);
        if !status.over && status.end < L1Slot::new(u64::MAX) {
            prop_assert!(status.end > now);
            let last = status_at(&timeline, &p, L1Slot::new(status.end.get() - 1));
            prop_assert_eq!(last, status);
            let next = status_at(&timeline, &p, status.end);
            prop_assert_eq!(compare(&status, &next), Ordering::Less);
        }
    }

    #[test]
    fn a_slot_runs_forward_and_ends(
        p in parameters(), candidates in 0..=4_usize, luck in vec(any::<u8>(), 1..60),
    ) {
        let candidates = candidates.min(usize::from(p.max_candidates));
        let course = live(&p, candidates, &luck);
        for pair in course.windows(2) {
            prop_assert_ne!(compare(&pair[0].1, &pair[1].1), Ordering::Greater, "{:?}", pair);
            // a turn starts with the first L1 slot of its candidate, and no later fact moves it
            let [(_, before), (now, status)] = [pair[0], pair[1]];
            let has_turn = status.revealed || matches!(status.phase, Phase::Commitment | Phase::Reveal);
            prop_assert_eq!(status.turn_start.is_some(), has_turn);
            if has_turn && (before.phase == Phase::Proposal || before.rank != status.rank) {
                prop_assert_eq!(status.turn_start, Some(now));
            } else if has_turn {
                prop_assert_eq!(status.turn_start, before.turn_start);
            }
        }
        let (ended_at, last) = *course.last().unwrap();
        prop_assert!(last.over, "longest slot is {}, still {last:?}", p.longest_slot());
        prop_assert!(ended_at.since(L1Slot::new(1_000)) <= p.longest_slot());
        prop_assert_eq!(last.end, ended_at);
    }

    /// The slot in turn after many idle slots is the one after the same slots one by one.
    #[test]
    fn catching_up_is_the_same_as_being_there(
        p in parameters(), genesis in 0..10_000_u64, later in 0..5_000_u64,
    ) {
        let genesis = L1Slot::new(genesis);
        let now = genesis.plus(later);
        let mut walked = Cursor::genesis(genesis, &p);
        loop {
            let timeline = Timeline::open(walked.slot, walked.start, walked.previous_start);
            let status = status_at(&timeline, &p, now);
            if !status.over {
                let found = locate(&Cursor::genesis(genesis, &p), None, &p, now);
                prop_assert_eq!(found.paid_l1_slots(&p), walked.paid_l1_slots(&timeline, &p));
                prop_assert_eq!(found.current, LocatedSlot { timeline, status });
                break;
            }
            walked = walked.after_expired(&timeline, status.end, &p);
        }
    }

    #[test]
    fn after_a_pause_the_seed_is_of_a_later_mix(
        p in parameters(), slot in 0..1_u64 << 40, now in 0..1_u64 << 40, since_tip: u16, idle: u16,
    ) {
        let before = Cursor { since_tip, ..Cursor::genesis(L1Slot::new(now / 2), &p) };
        let start = before.start.plus(u64::from(idle));
        let voided = Timeline::open(Slot::new(slot), start, before.start);
        let cursor = before.after_pause(&voided, L1Slot::new(now), &p);
        prop_assert_eq!(cursor.since_tip, since_tip.saturating_add(idle), "a pause is no stall");
        let until = L1Slot::new(now + u64::from(p.pause_length));
        prop_assert_eq!((cursor.slot, cursor.previous_start), (Slot::new(slot + 1), until));
        let seed_at = seed_at(cursor.previous_start, &p);
        prop_assert!(seed_at > until && seed_at < cursor.start);
        let waiting = cursor.idle(&p, until);
        prop_assert_eq!(status_at(&waiting, &p, until).phase, Phase::Waiting);
    }

    #[test]
    fn a_seed_is_fixed_before_its_slot_starts(
        p in parameters(), start in 0..1_u64 << 40, length in 0..500_u64,
    ) {
        let start = L1Slot::new(start);
        let end = start.plus(length);
        let next = next_start(start, end, &p);
        let seeded = seed_at(start, &p);
        prop_assert!(seeded < next);
        prop_assert!(seeded.since(start) >= u64::from(p.seed_delay));
        prop_assert!(seeded.since(start) < u64::from(p.seed_delay) + u64::from(p.seed_grid));
        prop_assert_eq!(seeded.get() % u64::from(p.seed_grid), 0);
        prop_assert!(next >= end);
    }

    #[test]
    fn the_list_keeps_the_best_in_order(
        maximum in 1..=4_u8, proposals in vec((1..12_u32, 0..20_u64), 0..40),
    ) {
        let mut list = CandidateList::new(maximum);
        let mut all: BTreeMap<SequencerId, Score> = BTreeMap::new();
        for (sequencer, score) in proposals {
            let (sequencer, score) = (SequencerId::new(sequencer), Score::new(U192::from(score)));
            // one score a sequencer, as in a slot
            let score = *all.entry(sequencer).or_insert(score);
            let before = list.clone();
            match list.insert(Proposal { sequencer, score, header_hash: B256::ZERO }) {
                Ok(inserted) => {
                    prop_assert_eq!(list.as_slice()[inserted.rank.index()].sequencer, sequencer);
                    let lost = usize::from(inserted.displaced.is_some());
                    prop_assert_eq!(list.as_slice().len() + lost, before.as_slice().len() + 1);
                }
                Err(_) => prop_assert_eq!(&list, &before),
            }
            prop_assert!(list.as_slice().len() <= usize::from(maximum));
            prop_assert!(list.as_slice().windows(2).all(|pair| pair[0].score >= pair[1].score));
        }
        let mut best: Vec<_> = all.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(usize::from(maximum));
        let kept: Vec<_> = list.as_slice().iter().map(|e| e.score).collect();
        prop_assert_eq!(kept, best);
    }

    /// What a block is paid for is known when its slot starts. Idle slots raise it after a while, up to a
    /// bound; a block ends the rise.
    #[test]
    fn a_block_is_paid_for_time(p in parameters(), genesis in 0..10_000_u64, idle_slots in 0..4_000_u64) {
        let genesis = L1Slot::new(genesis);
        let first = Cursor::genesis(genesis, &p);
        let now = first.start.plus(idle_slots * p.idle());
        let found = locate(&first, None, &p, now);
        let timeline = &found.current.timeline;
        prop_assert_eq!(timeline.start, now);
        let without_block = now.since(genesis);
        let stall = without_block.saturating_sub(u64::from(p.stall_after)).min(u64::from(p.max_stall));
        let time = now.since(timeline.previous_start).min(p.idle());
        prop_assert_eq!(u64::from(found.paid_l1_slots(&p)), time + stall);
        prop_assert_eq!(paid_l1_slots(&p, p.idle() + 9, 0), u32::try_from(p.idle()).unwrap());

        // a block, however late, and one more failed slot don't make a stall
        let finalized_at = now.plus(p.longest_slot() - 1);
        let after = Cursor::after_finalized(timeline, finalized_at, &p);
        let next = after.idle(&p, after.start);
        prop_assert!(u64::from(after.paid_l1_slots(&next, &p)) <= p.idle());
        let failed = after.after_expired(&next, next.start.plus(p.longest_slot()), &p);
        let late = failed.idle(&p, failed.start);
        prop_assert!(u64::from(failed.paid_l1_slots(&late, &p)) <= p.idle());
    }

    /// A price within the range is paid in full, whenever the proof comes in a proving phase.
    #[test]
    fn a_price_in_the_range_is_affordable(
        rates in rates(), paid in 0..1_u32 << 17, exclusive in 1..=u16::MAX, delay: u16, price: i128,
    ) {
        let shares = rates.shares(paid);
        let range = rates.price_range(paid);
        prop_assert!(range.contains(Price::ZERO));
        let proving = rates.prompt_share_down(shares.prover, exclusive, u64::from(delay));
        prop_assert!(proving <= shares.prover);
        prop_assert!(range.lowest.magnitude() <= proving);
        prop_assert_eq!(range.highest, Price::to_prover(shares.sequencer));
        let earlier = rates.prompt_share_down(shares.prover, exclusive, u64::from(delay) / 2);
        prop_assert!(proving <= earlier);
        prop_assert!(range.contains(range.clamp(Price::new(price))));
        let price = Price::new(price);
        prop_assert_eq!(range.contains(price), range.clamp(price) == price);
    }

    /// A late proof costs more of the bond with each L1 slot, and all of it in the last one.
    #[test]
    fn late_proofs_cost_the_bond_bit_by_bit(p in parameters(), bond in 0..1_u128 << 96) {
        let open = u64::from(p.proving_phase - p.exclusive_proving);
        let bond = TokenAmount::new(bond);
        let lost: Vec<_> = (0..open).map(|elapsed| late_bond_down(&p, bond, elapsed)).collect();
        prop_assert!(lost.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert!(lost.last().is_none_or(|all| *all == bond));
    }

    #[test]
    fn every_token_is_accounted_for(
        p in parameters(),
        rates in rates(),
        paid in 0..1_u32 << 17,
        drawn in vec((any::<[u128; 4]>(), option::weighted(0.7, option::weighted(0.4, 0..20_u64))), 0..=4),
        kind in 0..5_u8,
        after_reveal in 0..40_u64,
    ) {
        let payee = Address::repeat_byte(0xaa);
        let submitter = Address::repeat_byte(0xbb);
        let candidates: Vec<_> = drawn.iter().enumerate().map(|(rank, (amounts, fate))| {
            let id = u8::try_from(rank).unwrap();
            let [stake, bond, price, _] = *amounts;
            SettledCandidate {
                sequencer: SequencerId::new(u32::from(id)),
                owner: Address::repeat_byte(0x10 + id),
                stake: TokenAmount::new(stake >> 32),
                turn_start: L1Slot::new(50),
                commitment: fate.map(|_| Commitment {
                    prover: Address::repeat_byte(0x20 + id),
                    payee: Address::repeat_byte(0x30 + id),
                    bond: TokenAmount::new(bond >> 32),
                    // often out of the range
                    price: Price::new(i128::try_from(price >> 45).unwrap() - (1 << 82)),
                    at: L1Slot::new(50),
                }),
                revealed_at: fate.flatten().map(|later| L1Slot::new(50 + later)),
            }
        }).collect();
        let revealed = candidates.iter().position(|c| c.commitment.is_some() && c.revealed_at.is_some());
        let revealed_at = revealed.and_then(|rank| candidates[rank].revealed_at).unwrap_or(L1Slot::new(0));
        let (exclusive, proving) = (u64::from(p.exclusive_proving), u64::from(p.proving_phase));
        let at = revealed_at.plus(after_reveal);
        let ending = match kind {
            0 => Ending::Finalized { at },
            1 => Ending::Rescued { payee, at },
            2 => Ending::BackupOfRevealed { payee },
            3 => Ending::BackupOfOther { payee },
            _ => Ending::Expired,
        };
        let in_phase = match kind {
            0 => after_reveal <= exclusive,
            1 => after_reveal > exclusive && after_reveal <= proving,
            _ => true,
        };
        let settled = match settle(&p, &rates, paid, &candidates, ending, submitter) {
            Ok(settled) => settled,
            Err(SettlementError::ProofOutsidePhase { actual, .. }) => {
                prop_assert!(!in_phase && revealed.is_some());
                prop_assert_eq!(actual, at);
                return Ok(());
            }
            Err(error) => {
                prop_assert_eq!(error, SettlementError::NothingRevealed { ending });
                prop_assert!(revealed.is_none() && kind < 3);
                return Ok(());
            }
        };
        prop_assert!(in_phase);

        // penalties within stakes, each sequencer at most once
        let mut punished = BTreeMap::new();
        for penalty in &settled.penalties {
            let candidate = candidates.iter().find(|c| c.sequencer == penalty.sequencer).unwrap();
            prop_assert!(penalty.amount <= candidate.stake);
            prop_assert!(punished.insert(penalty.sequencer, penalty.amount).is_none());
        }
        let turns = revealed.map_or(candidates.len(), |rank| rank + 1);
        prop_assert_eq!(settled.penalties.len(), revealed.unwrap_or(candidates.len()));

        // each bond of a candidate that had its turn ends exactly once
        let commitments = candidates[..turns].iter().filter_map(|c| c.commitment);
        let bonds: Vec<_> = commitments.map(|c| (c.prover, c.bond)).collect();
        let ended: Vec<_> = settled.bonds.iter().map(|b| (b.prover, b.amount)).collect();
        prop_assert_eq!(bonds, ended);

        // the burned amount is the sum of the penalties and slashed parts less the shares
        let mut burned = punished.values().map(|amount| amount.get()).sum::<u128>();
        for bond in &settled.bonds {
            if let BondOutcome::Slashed { part, share, beneficiary } = bond.outcome {
                prop_assert!(share <= part && part <= bond.amount);
                prop_assert!(kind == 1 || part == bond.amount);
                let shared = kind == 1 || kind == 2;
                prop_assert_eq!(beneficiary, if shared { payee } else { Address::ZERO });
                prop_assert!(shared || share == TokenAmount::ZERO);
                burned += part.get() - share.get();
            }
        }
        prop_assert_eq!(settled.burned.get(), burned);

        // the pot pays exactly the reward less what a late reveal and a late proof lose; for another block,
        // it keeps the sequencer's share and the bonus
        let credited = settled.credits.iter().map(|credit| credit.amount.get()).sum::<u128>();
        let shares = rates.shares(paid);
        let bonus = reveal_bonus_down(&p, shares.bonus, L1Slot::new(50), revealed_at);
        let proving_share = match kind {
            0 | 1 => rates.prompt_share_down(shares.prover, p.exclusive_proving, after_reveal),
            _ => shares.prover,
        };
        let expected = match ending {
            Ending::Expired => 0,
            Ending::BackupOfOther { .. } => shares.prover.get() + shares.submitter.get(),
            _ => [proving_share, shares.sequencer, bonus, shares.submitter].iter().map(|a| a.get()).sum(),
        };
        prop_assert_eq!(credited, expected);
        prop_assert!(credited <= rates.reward_per_l1_slot.get() * u128::from(paid));
    }

    #[test]
    fn operations_that_waited_are_consumed(
        gaps in vec(0..5_u64, 0..20), maximum in 1..10_u64, from in 0..20_u64, cutoff in 0..100_u64,
        lane in prop_oneof![Just(Lane::Deposits), Just(Lane::Exits)],
    ) {
        let passed = gaps.iter().scan(0, |at, gap| {
            *at += gap;
            Some(L1Slot::new(*at))
        });
        let queue: Vec<L1Slot> = passed.collect();
        let count = queue.len() as u64;
        let from = from.min(count);
        let cutoff = L1Slot::new(cutoff);
        let chain_of = |length: u64| B256::from(U256::from(length));
        let entry = |n| {
            let queued_at = queue.get(usize::try_from(n).unwrap()).copied()?;
            Some(QueueEntry { chain: chain_of(n + 1), queued_at })
        };
        let named = |to| if to == from { B256::ZERO } else { chain_of(to) };
        let with = |to, chain| Consumption { lane, from, to, chain, maximum }.check(cutoff, count, entry);
        let check = |to| with(to, named(to));
        // the largest range always passes, and a longer one passes where a shorter one did
        prop_assert_eq!(check(QueueRange::largest(from, maximum, count).to), Ok(()));
        for to in from..=count.min(from + maximum) {
            let waiting = queue[usize::try_from(to).unwrap()..].iter().any(|at| *at < cutoff);
            prop_assert_eq!(check(to).is_ok(), to - from == maximum || !waiting);
            // a range that passes doesn't pass with another hash
            let actual = B256::repeat_byte(7);
            let wrong = QueueRangeError::WrongChain { lane, expected: named(to), actual };
            prop_assert_eq!(with(to, actual), check(to).and(Err(wrong)));
        }
        prop_assert!(check(count + 1).is_err());
        if count - from > maximum {
            prop_assert_eq!(
                check(from + maximum + 1),
                Err(QueueRangeError::TooMany { lane, maximum, actual: maximum + 1 })
            );
        }
    }
}

/// The comparison of the test above finds phases that move backwards.
#[test]
fn the_course_of_phases_has_an_order() {
    let at = |phase, rank| SlotStatus {
        phase,
        rank: Rank::new(rank),
        turn_start: None,
        revealed: false,
        over: false,
        end: L1Slot::new(0),
    };
    assert_eq!(compare(&at(Phase::Reveal, 0), &at(Phase::Commitment, 1)), Ordering::Less);
    assert_eq!(compare(&at(Phase::Commitment, 1), &at(Phase::Reveal, 1)), Ordering::Less);
    assert_eq!(compare(&at(Phase::Reveal, 1), &at(Phase::Commitment, 1)), Ordering::Greater);
    assert_eq!(compare(&at(Phase::Backup, 1), &at(Phase::Halt, 1)), Ordering::Greater);
}
