//! Phases, slots, seeds and the parameters they rest on.

use crate::support::{Random, Table, devnet, mainnet, put_lengths, random_lengths};
use fernet_protocol::{
    Bps, CandidateFacts, Cursor, L1Slot, MAX_CANDIDATES, Parameters, Slot, Timeline, TokenAmount, locate,
    next_start, seed, seed_at, status_at,
};
use std::collections::BTreeSet;

/// A slot's course as L1 lets it happen, with the L1 slots at which something may change.
struct Course {
    timeline: Timeline,
    last_fact: L1Slot,
    edges: BTreeSet<L1Slot>,
}

fn course(random: &mut Random, p: &Parameters, slot: Slot, start: L1Slot, previous_start: L1Slot) -> Course {
    let mut edges = BTreeSet::from([start]);
    let mut last_fact = start;
    let mut window = start.plus(u64::from(p.proposal_phase));
    edges.insert(window);
    let count = random.within(0, u64::from(p.max_candidates));
    let mut candidates = Vec::new();
    let mut decided = false;
    for _ in 0..count {
        let mut facts = CandidateFacts::default();
        if !decided && random.chance(65) {
            let committed_at = window.plus(random.within(0, u64::from(p.commitment_phase) - 1));
            facts.committed_at = Some(committed_at);
            last_fact = committed_at;
            window = committed_at.plus(1 + u64::from(p.reveal_phase));
            if random.chance(50) {
                let revealed_at = committed_at.plus(random.within(0, u64::from(p.reveal_phase)));
                facts.revealed_at = Some(revealed_at);
                last_fact = revealed_at;
                decided = true;
                edges.insert(revealed_at.plus(1 + u64::from(p.exclusive_proving)));
                window = revealed_at.plus(1 + u64::from(p.proving_phase));
            }
        } else if !decided {
            window = window.plus(u64::from(p.commitment_phase));
        }
        edges.insert(window);
        candidates.push(facts);
    }
    edges.insert(window.plus(u64::from(p.halt_phase)));
    edges.insert(window.plus(u64::from(p.halt_phase) + u64::from(p.backup_phase)));
    Course { timeline: Timeline { slot, start, previous_start, candidates }, last_fact, edges }
}

fn parameter_sets(random: &mut Random, count: usize) -> Vec<Parameters> {
    let mut sets = vec![devnet(), mainnet()];
    sets.extend((2..count).map(|_| random_lengths(random)));
    sets
}

fn put_facts(table: &mut Table, timeline: &Timeline) {
    table.put("count", timeline.candidates.len());
    for rank in 0..MAX_CANDIDATES {
        let facts = timeline.candidates.get(rank).copied().unwrap_or_default();
        table.put("committedAt", facts.committed_at.map_or(0, L1Slot::get));
        table.put("revealedAt", facts.revealed_at.map_or(0, L1Slot::get));
    }
}

pub(crate) fn phases() -> Table {
    let mut random = Random::new(1);
    let mut table = Table::default();
    for p in parameter_sets(&mut random, 48) {
        for _ in 0..2 {
            let start = L1Slot::new(random.within(1, 1 << 38));
            let slot = Slot::new(random.within(0, 1 << 30));
            let previous = L1Slot::new(start.get().saturating_sub(random.within(1, 500)));
            let course = course(&mut random, &p, slot, start, previous);
            // before, at and after each edge; before the last fact there is nothing to ask
            let moments: BTreeSet<_> = course
                .edges
                .iter()
                .flat_map(|edge| [edge.get().saturating_sub(1), edge.get(), edge.get() + 1])
                .chain([course.last_fact.get(), course.last_fact.get() + 1_000])
                .filter(|now| {
                    let untouched = course.timeline.candidates.iter().all(|c| c.committed_at.is_none());
                    untouched || *now >= course.last_fact.get()
                })
                .collect();
            for now in moments {
                let status = status_at(&course.timeline, &p, L1Slot::new(now));
                put_lengths(&mut table, &p);
                table.put("slot", slot.get());
                table.put("start", start.get());
                table.put("previousStart", previous.get());
                put_facts(&mut table, &course.timeline);
                table.put("now", now);
                table.put("phase", status.phase.number());
                table.put("turn", status.rank.get());
                table.put("turnStart", status.turn_start.map_or(0, L1Slot::get));
                table.put("revealed", status.revealed);
                table.put("over", status.over);
                table.put("end", status.end.get());
            }
        }
    }
    table
}

pub(crate) fn slots() -> Table {
    let mut random = Random::new(2);
    let mut table = Table::default();
    for p in parameter_sets(&mut random, 24) {
        for _ in 0..4 {
            let previous_start = L1Slot::new(random.within(1, 1 << 36));
            let first = next_start(previous_start, previous_start.plus(random.within(1, 90)), &p);
            let since_tip = random.within(0, u64::from(p.stall_after) + u64::from(p.max_stall));
            let cursor = Cursor {
                slot: Slot::new(random.within(0, 1 << 30)),
                start: first,
                previous_start,
                since_tip: u16::try_from(since_tip).expect("16 bits"),
            };
            // the slot with proposals may be some idle slots after the cursor, or one that was settled long
            // ago
            let ahead = random.within(0, 3);
            let opened = cursor.idle(&p, first.plus(ahead * p.idle()));
            let (slot, start, previous) = match random.within(0, 3) {
                0 => (
                    Slot::new(cursor.slot.get().saturating_sub(random.within(1, 4))),
                    L1Slot::new(first.get().saturating_sub(random.within(20, 60))),
                    L1Slot::new(first.get().saturating_sub(random.within(61, 90))),
                ),
                _ => (opened.slot, opened.start, opened.previous_start),
            };
            let recorded = course(&mut random, &p, slot, start, previous);
            let end = recorded.edges.last().copied().unwrap_or(start);
            let next = next_start(start, end, &p);
            let idle = p.idle();
            let moments: BTreeSet<u64> = [
                recorded.last_fact.get(),
                end.get().saturating_sub(1),
                end.get(),
                next.get(),
                next.get() + idle - 1,
                next.get() + idle,
                next.get() + random.within(2, 1_000) * idle,
                next.get() + random.within(1, 1 << 34),
            ]
            .into_iter()
            .filter(|now| *now >= recorded.last_fact.get())
            .collect();
            for now in moments {
                let found = locate(&cursor, Some(&recorded.timeline), &p, L1Slot::new(now));
                let current = &found.current;
                put_lengths(&mut table, &p);
                table.put("cursorSlot", cursor.slot.get());
                table.put("cursorStart", cursor.start.get());
                table.put("cursorPreviousStart", cursor.previous_start.get());
                table.put("cursorSinceTip", cursor.since_tip);
                table.put("stallAfter", p.stall_after);
                table.put("maxStall", p.max_stall);
                table.put("recordedSlot", slot.get());
                table.put("recordedStart", start.get());
                table.put("recordedPreviousStart", previous.get());
                put_facts(&mut table, &recorded.timeline);
                table.put("now", now);
                table.put("expired", found.expired.is_some());
                table.put("expiredEnd", found.expired.as_ref().map_or(0, |e| e.status.end.get()));
                table.put("slot", current.timeline.slot.get());
                table.put("start", current.timeline.start.get());
                table.put("previousStart", current.timeline.previous_start.get());
                table.put("seedAt", current.timeline.seed_at(&p).get());
                table.put("phase", current.status.phase.number());
                table.put("turn", current.status.rank.get());
                table.put("turnStart", current.status.turn_start.map_or(0, L1Slot::get));
                table.put("end", current.status.end.get());
                table.put("paidL1Slots", found.paid_l1_slots(&p));
            }
        }
    }
    table
}

pub(crate) fn seeds() -> Table {
    let mut random = Random::new(3);
    let mut table = Table::default();
    for case in 0..96_u64 {
        let p = if case == 0 { devnet() } else { random_lengths(&mut random) };
        let start = L1Slot::new(if case < 16 { case } else { random.within(0, 1 << 39) });
        let end = start.plus(random.within(1, 120));
        let (mix, slot) = (random.word(), Slot::new(random.next() >> (case % 64)));
        table.put("seedDelay", p.seed_delay);
        table.put("seedGrid", p.seed_grid);
        table.put("start", start.get());
        table.put("end", end.get());
        table.put("seedAt", seed_at(start, &p).get());
        table.put("nextStart", next_start(start, end, &p).get());
        table.put("mix", mix);
        table.put("slot", slot.get());
        table.put("seed", seed(mix, slot));
    }
    table
}

/// The devnet's parameters with one change each.
fn changed() -> Vec<Parameters> {
    let d = devnet;
    let token = TokenAmount::new;
    vec![
        d(),
        mainnet(),
        Parameters { proposal_phase: 1, ..d() },
        Parameters { proposal_phase: 2, ..d() },
        Parameters { commitment_phase: 0, ..d() },
        Parameters { reveal_phase: 0, ..d() },
        Parameters { proving_phase: 0, ..d() },
        Parameters { exclusive_proving: 0, ..d() },
        Parameters { exclusive_proving: 60, ..d() },
        Parameters { exclusive_proving: 61, ..d() },
        Parameters { halt_phase: 0, ..d() },
        Parameters { backup_phase: 0, ..d() },
        Parameters { seed_delay: 0, ..d() },
        Parameters { seed_grid: 0, ..d() },
        Parameters { seed_delay: 12, ..d() },
        Parameters { seed_delay: 13, ..d() },
        Parameters { seed_grid: 11, ..d() },
        Parameters { seed_grid: 12, ..d() },
        Parameters { pause_length: 0, ..d() },
        Parameters { pause_length: 8_191, ..d() },
        Parameters { pause_length: 8_192, ..d() },
        Parameters { max_candidates: 0, ..d() },
        Parameters { max_candidates: 1, ..d() },
        Parameters { max_candidates: 4, ..d() },
        Parameters { max_candidates: 5, ..d() },
        Parameters { max_chunks: 0, ..d() },
        Parameters { max_deposits: 0, ..d() },
        Parameters { max_exits: 0, ..d() },
        Parameters { max_blobs: 0, ..d() },
        Parameters { max_blobs: 16, ..d() },
        Parameters { max_blobs: 17, ..d() },
        Parameters { max_blobs: 1, ..d() },
        // 8,191 = longest + seed delay and grid + 2 idle slots, and one more
        Parameters { proving_phase: 8_131, stall_after: 16_324, ..d() },
        Parameters { proving_phase: 8_132, stall_after: 16_326, ..d() },
        Parameters { proving_phase: u16::MAX, ..d() },
        Parameters { proposal_phase: u16::MAX, ..d() },
        Parameters { commitment_phase: u16::MAX, ..d() },
        // the longest slot has 91 L1 slots
        Parameters { stall_after: 182, ..d() },
        Parameters { stall_after: 181, ..d() },
        Parameters { stall_after: 0, ..d() },
        Parameters { stall_after: u16::MAX, max_stall: 0, ..d() },
        Parameters { stall_after: u16::MAX, max_stall: 1, ..d() },
        Parameters { max_stall: 0, ..d() },
        Parameters { max_stall: 65_335, ..d() },
        Parameters { max_stall: 65_336, ..d() },
        Parameters { rescue_share: Bps::new(0), ..d() },
        Parameters { rescue_share: Bps::new(10_000), ..d() },
        Parameters { rescue_share: Bps::new(10_001), ..d() },
        Parameters { min_bond: TokenAmount::ZERO, ..d() },
        Parameters { min_bond: TokenAmount::MAX_96, ..d() },
        Parameters { abandon_penalty: token(50_000_000_000_000_000_000), ..d() },
        Parameters { abandon_penalty: token(50_000_000_000_000_000_001), ..d() },
        Parameters { withhold_penalty: token(50_000_000_000_000_000_000), ..d() },
        Parameters { withhold_penalty: token(50_000_000_000_000_000_001), ..d() },
        Parameters { abandon_penalty: TokenAmount::MAX_96, withhold_penalty: TokenAmount::MAX_96, ..d() },
        // as long as from a turn's start to the end of exclusive proving, and one less
        Parameters { seed_grid: 23, ..mainnet() },
        Parameters { seed_grid: 22, ..mainnet() },
    ]
}

pub(crate) fn parameters() -> Table {
    let minimum_stake = TokenAmount::new(50_000_000_000_000_000_000);
    let mut table = Table::default();
    for p in changed() {
        let longest = u32::try_from(p.longest_slot()).expect("at most some lengths of 16 bits");
        for (blobs_at_most, withdrawal_delay) in [(1, longest), (0, longest), (7, longest), (1, longest - 1)]
        {
            let checked = p.validate(minimum_stake, withdrawal_delay, blobs_at_most);
            let refusal = checked.err().map_or("", |bad| bad.name);
            put_lengths(&mut table, &p);
            table.put("maxCandidates", p.max_candidates);
            table.put("maxBlobs", p.max_blobs);
            table.put("maxChunks", p.max_chunks);
            table.put("maxDeposits", p.max_deposits);
            table.put("maxExits", p.max_exits);
            table.put("stallAfter", p.stall_after);
            table.put("maxStall", p.max_stall);
            table.put("rescueShareBps", p.rescue_share.get());
            table.put("pauseLength", p.pause_length);
            table.put("minBond", p.min_bond.get());
            table.put("abandonPenalty", p.abandon_penalty.get());
            table.put("withholdPenalty", p.withhold_penalty.get());
            table.put("minimumStake", minimum_stake.get());
            table.put("withdrawalDelay", withdrawal_delay);
            table.put("blobsAtMost", blobs_at_most);
            table.put("refused", refusal);
            table.put("seedChoiceBounded", p.seed_choice_is_bounded());
        }
    }
    table
}
