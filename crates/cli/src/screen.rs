//! Draws a [`DevnetView`]: from data to a frame.
//!
//! Nothing is cut inside a word. Lines flow: what doesn't fit goes to the next line, tables leave out
//! columns, and a hash that is shortened ends in `…`. Parts share the height by need, and a log without lines
//! takes none.

use fernet_devnet::{
    record::{SlotOutcome, SlotRecord},
    view::{CandidateProgress, DevnetView, RunState},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Paragraph, Row, Table},
};

use crate::format::{count, gas, hash, seconds, short, short_price, short_tokens};

/// Columns from which the ranking and the block are side by side.
const SIDE_BY_SIDE: u16 = 76;
/// Columns of the ranking beside the block.
const RANKING_WIDTH: u16 = 36;
/// Rows that the table of slots keeps: its title, its header and the newest slot.
const MIN_SLOT_ROWS: u16 = 3;
/// Most rows of the log, with its title.
const MAX_LOG_ROWS: u16 = 5;
/// Between two things in a line.
const SEPARATOR: &str = " · ";

/// Draws the whole view. `log` holds the last log lines, oldest first.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &DevnetView, log: &[String]) {
    let area = frame.area();
    let head = head(view, area.width);
    let phase = phase(view, area.width);
    let is_wide = area.width >= SIDE_BY_SIDE;
    let block_width = if is_wide { area.width.saturating_sub(RANKING_WIDTH + 1) } else { area.width };
    let block = block(view, block_width);
    let ranking_rows = rows(view.ranking.len().max(1)).saturating_add(1);
    let block_rows = rows(block.len()).saturating_add(1);
    let middle_rows =
        if is_wide { ranking_rows.max(block_rows) } else { ranking_rows.saturating_add(block_rows) };

    let fixed = rows(head.len()).saturating_add(rows(phase.len())).saturating_add(2);
    let room = area.height.saturating_sub(fixed);
    let middle_rows = middle_rows.min(room.saturating_sub(MIN_SLOT_ROWS));
    let spare = room.saturating_sub(middle_rows).saturating_sub(MIN_SLOT_ROWS);
    let log = log_lines(log, area.width);
    // A title without a line below it says nothing.
    let log_rows = match rows(log.len()).saturating_add(1).min(MAX_LOG_ROWS).min(spare) {
        0 | 1 => 0,
        needed => needed,
    };
    let [head_area, phase_area, middle_area, slots_area, log_area, keys_area] = Layout::vertical([
        Constraint::Length(rows(head.len())),
        Constraint::Length(rows(phase.len()).saturating_add(1)),
        Constraint::Length(middle_rows),
        Constraint::Min(0),
        Constraint::Length(log_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head), head_area);
    frame.render_widget(Paragraph::new(phase).block(titled(phase_title(view))), phase_area);
    let [ranking_area, block_area] = if is_wide {
        Layout::horizontal([Constraint::Length(RANKING_WIDTH), Constraint::Min(0)])
            .spacing(1)
            .areas(middle_area)
    } else {
        Layout::vertical([Constraint::Length(ranking_rows), Constraint::Min(0)]).areas(middle_area)
    };
    draw_ranking(frame, ranking_area, view);
    frame.render_widget(Paragraph::new(block).block(titled(block_title(view))), block_area);
    draw_slots(frame, slots_area, view);
    let shown = log.len().saturating_sub(usize::from(log_rows.saturating_sub(1)));
    let shown: Vec<_> = log.into_iter().skip(shown).collect();
    frame.render_widget(Paragraph::new(shown).block(titled("Log".to_owned())), log_area);
    frame.render_widget(Paragraph::new(dim(keys_line(view))), keys_area);
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// A part of the view below a line with its title.
fn titled(title: String) -> Block<'static> {
    Block::new()
        .borders(Borders::TOP)
        .border_style(Style::new().fg(Color::DarkGray))
        .title(Span::styled(format!("{title} "), Style::new().add_modifier(Modifier::BOLD)))
}

fn dim(text: impl Into<String>) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(Color::DarkGray))
}

/// Puts `label` and `items` into lines of at most `width` columns. Further lines are indented like the first
/// one.
fn flow(label: &str, items: Vec<String>, separator: &str, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let indent = label.chars().count();
    // A comma stays at the end of its line; a dot between items isn't needed there.
    let comma = if separator.starts_with(',') { "," } else { "" };
    let room = width.saturating_sub(indent + comma.len());
    let mut lines: Vec<String> = Vec::new();
    for (item, is_continued) in items.iter().flat_map(|item| wrapped(item, room)) {
        let length = item.chars().count();
        match lines.last_mut() {
            Some(line)
                if !is_continued && line.chars().count() + separator.chars().count() + length <= room =>
            {
                line.push_str(separator);
                line.push_str(&item);
            }
            Some(line) => {
                line.push_str(if is_continued { "" } else { comma });
                lines.push(item);
            }
            None => lines.push(item),
        }
    }
    let lines = lines.into_iter().enumerate().map(|(number, text)| {
        let label = if number == 0 { label.to_owned() } else { " ".repeat(indent) };
        Line::from(vec![dim(label), Span::raw(text)])
    });
    lines.collect()
}

/// Breaks a text between its words into parts of at most `width` columns, each with whether it continues
/// another.
fn wrapped(text: &str, width: usize) -> Vec<(String, bool)> {
    let mut parts: Vec<(String, bool)> = Vec::new();
    for word in text.split(' ') {
        let word = elide(word.to_owned(), width);
        match parts.last_mut() {
            Some((part, _)) if part.chars().count() + 1 + word.chars().count() <= width => {
                part.push(' ');
                part.push_str(&word);
            }
            last => {
                let is_continued = last.is_some();
                parts.push((word, is_continued));
            }
        }
    }
    parts
}

/// Shortens what is wider than a line.
fn elide(text: String, width: usize) -> String {
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

fn head(view: &DevnetView, width: u16) -> Vec<Line<'static>> {
    let mut items = vec![
        "Fernet devnet".to_owned(),
        format!("{} L1", view.l1.backend),
        format!("chain {}", view.l1.chain_id),
    ];
    items.extend(view.l1.rpc.clone());
    if view.l1.rpc.is_none() {
        items.truncate(1);
    }
    let mut lines = flow("", items, SEPARATOR, width);
    let items = vec![
        format!("L1 block {}", view.l1.block),
        format!("L1 slot {}", view.l1.slot),
        format!("{} in the mempool", count(view.mempool, "L2 transaction")),
    ];
    lines.extend(flow("", items, SEPARATOR, width));
    let items = vec![
        count(view.tip.height, "finalized block"),
        count(view.transfers, "finalized transfer"),
        format!("state root {}", hash(&view.tip.root)),
    ];
    lines.extend(flow("", items, SEPARATOR, width));
    lines
}

fn phase_title(view: &DevnetView) -> String {
    match view.state {
        RunState::Starting => "Starting".to_owned(),
        RunState::Running => format!("Slot {}: {}", view.slot.number, view.slot.phase),
        RunState::Closing => format!("Closing, slot {}: {}", view.slot.number, view.slot.phase),
        RunState::Done => "Done".to_owned(),
    }
}

/// How much of the phase is over, what is waited for, and the faults of the slot.
fn phase(view: &DevnetView, width: u16) -> Vec<Line<'static>> {
    let slot = &view.slot;
    if view.state == RunState::Starting {
        return flow("", vec![view.activity.clone()], SEPARATOR, width);
    }
    let mut items = vec![format!("{} left", count(slot.l1_slots_left, "L1 slot"))];
    if view.l1.is_stepwise {
        // Its time is simulated: it goes on when the devnet makes the next block.
        if view.proof.is_some() {
            items.push("L1 waits for the proof".to_owned());
        }
    } else if let Some(left) = items.first_mut() {
        left.push_str(&format!(" ({} s)", slot.l1_slots_left.saturating_mul(view.l1.slot_seconds)));
    }
    if view.activity != slot.phase && !view.activity.is_empty() {
        items.push(view.activity.clone());
    }
    items.extend(slot.faults.iter().map(|fault| format!("fault {fault}")));
    flow(&bar(slot.l1_slots_left, slot.phase_length, width), items, SEPARATOR, width)
}

/// A bar that fills while a phase lasts.
fn bar(left: u64, length: u64, width: u16) -> String {
    let cells = u64::from(if width >= SIDE_BY_SIDE { 20u16 } else { 8 });
    let full = match length {
        0 => 0,
        _ => length.saturating_sub(left).saturating_mul(cells) / length,
    };
    let cell = |number| if number < full { '█' } else { '░' };
    (0..cells).map(cell).chain(std::iter::once(' ')).collect()
}

fn progress_style(progress: CandidateProgress) -> Style {
    match progress {
        CandidateProgress::Eligible => Style::new().fg(Color::DarkGray),
        CandidateProgress::Proposed => Style::new(),
        CandidateProgress::Committed | CandidateProgress::Revealed => Style::new().fg(Color::Yellow),
        CandidateProgress::Abandoned | CandidateProgress::Withheld => Style::new().fg(Color::Red),
    }
}

fn draw_ranking(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let title = titled("Ranking".to_owned());
    if view.ranking.is_empty() {
        frame.render_widget(Paragraph::new(dim("the seed isn't known yet")).block(title), area);
        return;
    }
    let rows = view.ranking.iter().enumerate().map(|(rank, ranked)| {
        Row::new([
            rank.to_string(),
            format!("sequencer {}", ranked.sequencer),
            format!("{:08x}…", ranked.score >> 32),
            ranked.progress.name().to_owned(),
        ])
        .style(progress_style(ranked.progress))
    });
    let widths = [Constraint::Length(2), Constraint::Length(12), Constraint::Length(9), Constraint::Min(9)];
    frame.render_widget(Table::new(rows, widths).block(title), area);
}

fn block_title(view: &DevnetView) -> String {
    let agreed = |progress| matches!(progress, CandidateProgress::Committed | CandidateProgress::Revealed);
    let mut ranking = view.ranking.iter().enumerate();
    ranking.find(|(_, ranked)| agreed(ranked.progress)).map_or_else(
        || "Block".to_owned(),
        |(rank, ranked)| format!("Block of sequencer {} (rank {rank})", ranked.sequencer),
    )
}

fn block(view: &DevnetView, width: u16) -> Vec<Line<'static>> {
    let none = || vec!["–".to_owned()];
    let prover = view.prover.as_ref().map_or_else(none, |agreed| {
        vec![
            short(agreed.prover),
            format!("bond {}", short_tokens(agreed.bond)),
            format!("price {}", short_price(agreed.price)),
        ]
    });
    let contents = view.block.map_or_else(none, |contents| {
        vec![
            count(contents.transfers, "transfer"),
            count(contents.deposits, "deposit"),
            count(contents.withdrawals, "withdrawal"),
            count(u64::from(contents.chunks), "chunk"),
        ]
    });
    let used = vec![
        format!("propose {}", gas(view.gas.propose)),
        format!("commit {}", gas(view.gas.commit)),
        format!("reveal {}", gas(view.gas.reveal)),
    ];
    let proof = view.proof.map_or_else(none, |proof| {
        let chunks = count(u64::from(proof.total), "chunk");
        vec![format!("{} of {chunks}", proof.done), seconds(proof.elapsed_ms)]
    });
    let mut lines = flow("proof    ", proof, SEPARATOR, width);
    lines.extend(flow("prover   ", prover, SEPARATOR, width));
    lines.extend(flow("contents ", contents, ", ", width));
    lines.extend(flow("gas      ", used, SEPARATOR, width));
    lines
}

fn outcome_style(outcome: SlotOutcome) -> Style {
    Style::new().fg(match outcome {
        SlotOutcome::Finalized => Color::Green,
        SlotOutcome::Rescued => Color::Yellow,
        SlotOutcome::Backup => Color::Magenta,
        SlotOutcome::Empty => Color::Red,
    })
}

/// A column of the table of slots.
struct Column {
    header: &'static str,
    width: u16,
    /// Narrow views leave out the columns with the highest number.
    priority: u8,
    cell: fn(&SlotRecord) -> String,
}

const COLUMNS: [Column; 9] = [
    Column { header: "slot", width: 5, priority: 0, cell: |record| record.slot.to_string() },
    Column { header: "outcome", width: 9, priority: 0, cell: |record| record.outcome.name().to_owned() },
    Column {
        header: "sequencer",
        width: 9,
        priority: 1,
        cell: |record| record.sequencer.map_or_else(|| "–".to_owned(), |id| id.to_string()),
    },
    Column {
        header: "prover",
        width: 11,
        priority: 5,
        cell: |record| record.prover.map_or_else(|| "–".to_owned(), short),
    },
    Column { header: "transfers", width: 9, priority: 2, cell: |record| record.transfers.to_string() },
    Column { header: "finalize gas", width: 12, priority: 7, cell: |record| gas(record.gas.finalize) },
    Column { header: "proof", width: 8, priority: 3, cell: |record| seconds(record.proving_ms) },
    Column { header: "L1 slots", width: 8, priority: 4, cell: |record| record.l1_slots.to_string() },
    Column { header: "state root", width: 11, priority: 6, cell: |record| hash(&record.state_root) },
];

fn draw_slots(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let width = |columns: &[&Column]| {
        columns.iter().map(|column| column.width.saturating_add(1)).fold(0u16, u16::saturating_add)
    };
    let mut columns: Vec<&Column> = COLUMNS.iter().collect();
    while columns.len() > 1 && width(&columns).saturating_sub(1) > area.width {
        let last = columns.iter().map(|column| column.priority).max().unwrap_or_default();
        let position = columns.iter().rposition(|column| column.priority == last).unwrap_or_default();
        columns.remove(position);
    }
    let header = columns.iter().map(|column| Cell::new(column.header));
    // Newest on top, so that a small terminal shows what just happened.
    let rows = view.history.iter().rev().map(|record| {
        Row::new(columns.iter().map(|column| (column.cell)(record))).style(outcome_style(record.outcome))
    });
    let table = Table::new(rows, columns.iter().map(|column| Constraint::Length(column.width)))
        .header(Row::new(header).style(Style::new().fg(Color::DarkGray)))
        .block(titled("Slots".to_owned()));
    frame.render_widget(table, area);
}

/// The log's lines, wrapped between words.
fn log_lines(log: &[String], width: u16) -> Vec<Line<'static>> {
    let words = |line: &String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    log.iter().flat_map(|line| flow("", words(line), " ", width)).collect()
}

const fn keys_line(view: &DevnetView) -> &'static str {
    match view.state {
        RunState::Starting => "q or Ctrl-C: stop",
        RunState::Running => "q or Ctrl-C: end with the summary · twice: leave at once",
        RunState::Closing => "ending with a withdrawal · q or Ctrl-C: leave at once",
        RunState::Done => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::tests::record;
    use alloy_primitives::{Address, B256, U256};
    use fernet_devnet::{
        fault::FaultKind,
        record::GasUsed,
        view::{AgreedProver, BlockContents, CurrentSlot, L1Status, ProofProgress, RankedSequencer, Tip},
    };
    use fernet_protocol::Price;
    use ratatui::{Terminal, backend::TestBackend};
    use std::collections::BTreeSet;

    /// Terminals that people have.
    const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 20)];

    fn drawn(view: &DevnetView, width: u16, height: u16, log: &[String]) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view, log)).unwrap();
        let buffer = terminal.backend().buffer();
        let mut text = String::new();
        for y in 0..height {
            for x in 0..width {
                text.push_str(buffer[(x, y)].symbol());
            }
            text.push('\n');
        }
        text
    }

    fn view() -> DevnetView {
        let token = U256::from(10).pow(U256::from(18));
        let mut view = DevnetView {
            state: RunState::Running,
            activity: "exclusive proving".to_owned(),
            l1: L1Status {
                backend: "embedded".to_owned(),
                rpc: Some("http://127.0.0.1:38545/".to_owned()),
                chain_id: 31337,
                block: 123,
                slot: 130,
                slot_seconds: 12,
                is_stepwise: true,
            },
            slot: CurrentSlot {
                number: 4,
                phase: "exclusive proving",
                turn: 1,
                l1_slots_left: 30,
                phase_length: 40,
                faults: vec!["first-candidate-dead"],
            },
            ranking: vec![
                ranked(2, 0xffff_0000_0000_0001, CandidateProgress::Abandoned),
                ranked(4, 0xeeee_0000_0000_0002, CandidateProgress::Revealed),
                ranked(1, 3, CandidateProgress::Proposed),
                ranked(3, 2, CandidateProgress::Eligible),
            ],
            prover: Some(AgreedProver {
                prover: Address::repeat_byte(0x77),
                bond: token * U256::from(10),
                price: Price::new(333_333_333_333_333_333),
            }),
            block: Some(BlockContents { transfers: 6, deposits: 1, withdrawals: 2, chunks: 2 }),
            proof: Some(ProofProgress { done: 1, total: 2, elapsed_ms: 4_200 }),
            gas: GasUsed {
                propose: Some(85_300),
                commit: Some(101_000),
                reveal: Some(70_100),
                finalize: None,
            },
            mempool: 5,
            tip: Tip { height: 3, root: B256::repeat_byte(0xcd) },
            ..DevnetView::default()
        };
        for slot in 0..8 {
            view.record(&SlotRecord { slot, ..record() });
        }
        view
    }

    fn ranked(sequencer: u32, score: u64, progress: CandidateProgress) -> RankedSequencer {
        RankedSequencer { sequencer, score, progress }
    }

    /// Views of every state, with all faults, on an L1 of either kind, with and without what comes late in a
    /// slot.
    fn views() -> Vec<DevnetView> {
        let mut views = vec![view(), DevnetView { state: RunState::Done, ..view() }];
        views.push(DevnetView {
            activity: "waiting for another deployment from this folder".to_owned(),
            ..DevnetView::default()
        });
        let mut late = view();
        late.slot.faults = FaultKind::ALL.map(FaultKind::name).to_vec();
        late.state = RunState::Closing;
        late.activity = "waiting for L1: it has made no block after block 123 for 3600 s".to_owned();
        late.l1.is_stepwise = false;
        late.l1.backend = "remote".to_owned();
        (late.block, late.proof, late.prover) = (None, None, None);
        late.gas = GasUsed::default();
        views.push(late);
        views
    }

    fn log() -> Vec<String> {
        vec![
            "INFO lost its turn: no prover committed to its block slot=4 sequencer=2".to_owned(),
            " INFO rescued: the proof came in open proving slot=4".to_owned(),
        ]
    }

    /// The words of a text, without the bars and lines between them.
    fn words(text: &str) -> BTreeSet<String> {
        let is_drawn = |letter: char| letter.is_whitespace() || "█░─·".contains(letter);
        text.split(is_drawn).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn shows_everything_a_person_watches() {
        let text = drawn(&view(), 120, 40, &log());
        for part in [
            "embedded L1 · chain 31337 · http://127.0.0.1:38545/",
            "L1 block 123",
            "Slot 4: exclusive proving",
            "fault first-candidate-dead",
            "30 L1 slots left · L1 waits for the proof",
            "ffff0000…",
            "abandoned",
            "Block of sequencer 4 (rank 1)",
            "0x77777777… · bond 10 · price 0.3333",
            "6 transfers, 1 deposit, 2 withdrawals, 2 chunks",
            "propose 85.3k · commit 101.0k · reveal 70.1k",
            "1 of 2 chunks · 4.2 s",
            "3 finalized blocks",
            "state root 0xcdcdcdcd…",
            "rescued",
            "no prover committed to its block",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part:?} isn't on the screen:\n{text}");
        }
    }

    #[test]
    fn no_word_is_cut_on_the_terminals_that_people_have() {
        for view in views() {
            let whole = words(&drawn(&view, 500, 200, &log()));
            for (width, height) in SIZES {
                for log in [log(), Vec::new()] {
                    let text = drawn(&view, width, height, &log);
                    let cut: Vec<_> = words(&text).difference(&whole).cloned().collect();
                    assert!(cut.is_empty(), "{cut:?} at {width}x{height}:\n{text}");
                }
            }
        }
    }

    #[test]
    fn every_terminal_shows_the_newest_slots_and_a_log_only_with_lines() {
        for (width, height) in SIZES {
            let text = drawn(&view(), width, height, &[]);
            assert!(!text.contains("Log"), "{text}");
            let newest = text.lines().position(|line| line.starts_with("7     rescued"));
            assert!(newest.is_some(), "{text}");
            for part in ["Ranking", "Block of", "abandoned", "proof", "q or Ctrl-C"] {
                assert!(text.contains(part), "{part:?} isn't on the screen:\n{text}");
            }
        }
        let text = drawn(&view(), 80, 24, &log());
        let slots = text.lines().filter(|line| line.contains("rescued  ")).count();
        assert!(slots >= 4, "{slots} slots beside the log:\n{text}");
        assert!(text.contains("Log") && text.contains("rescued: the proof came in open proving"), "{text}");
    }

    #[test]
    fn starting_says_what_it_does() {
        let view = DevnetView { activity: "deploying the contracts".to_owned(), ..DevnetView::default() };
        let text = drawn(&view, 100, 30, &[]);
        assert!(text.contains("Starting") && text.contains("deploying the contracts"), "{text}");
        assert!(text.contains("the seed isn't known yet"), "{text}");
    }

    #[test]
    fn an_l1_with_its_own_clock_shows_the_time_and_what_is_waited_for() {
        let mut view = view();
        view.l1.is_stepwise = false;
        let text = drawn(&view, 80, 24, &[]);
        assert!(text.contains("30 L1 slots left (360 s)"), "{text}");
        assert!(!text.contains("L1 waits"), "{text}");
        view.activity = "waiting for L1: it has made no block after block 7 for 9 s".to_owned();
        assert!(drawn(&view, 80, 24, &[]).contains(&view.activity));
    }

    #[test]
    fn no_terminal_is_too_small_to_draw_on() {
        for view in views() {
            for (width, height) in [(1, 1), (2, 50), (200, 2), (20, 5), (80, 24), (300, 100)] {
                let log = vec!["line".to_owned(); 50];
                drawn(&view, width, height, &log);
            }
        }
    }

    #[test]
    fn a_phase_longer_than_planned_keeps_the_gauge_in_range() {
        assert_eq!(bar(1000, 40, 80).trim_end(), "░".repeat(20));
        assert_eq!(bar(0, 40, 80).trim_end(), "█".repeat(20));
        assert_eq!(bar(0, 0, 60).trim_end(), "░".repeat(8));
        let mut view = view();
        view.slot.l1_slots_left = 1000;
        view.proof = Some(ProofProgress { done: 5, total: 2, elapsed_ms: 0 });
        drawn(&view, 80, 30, &[]);
    }
}
