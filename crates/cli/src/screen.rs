//! Draws a [`DevnetView`]: from data to a frame, and nothing else.

use fernet_devnet::{
    record::{SlotOutcome, SlotRecord},
    view::{DevnetView, Progress, RunState},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Gauge, Paragraph, Row, Table},
};

use crate::format::{count, gas, hash, seconds, short, tokens};

/// Lines of log shown at the bottom.
const LOG_LINES: u16 = 4;

/// Draws the whole screen. `log` holds the last log lines, oldest first.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &DevnetView, log: &[String]) {
    let [head, phase, middle, history, bottom, keys] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(3),
        Constraint::Length(9),
        Constraint::Min(3),
        Constraint::Length(LOG_LINES + 2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [ranking, block] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Percentage(58)]).areas(middle);
    draw_head(frame, head, view);
    draw_phase(frame, phase, view);
    draw_ranking(frame, ranking, view);
    draw_block(frame, block, view);
    draw_history(frame, history, view);
    draw_log(frame, bottom, log);
    frame.render_widget(Paragraph::new(keys_line(view)), keys);
}

fn panel(title: impl Into<String>) -> Block<'static> {
    Block::new()
        .borders(Borders::ALL)
        .border_style(Style::new().fg(Color::DarkGray))
        .title(Span::styled(format!(" {} ", title.into()), Style::new().add_modifier(Modifier::BOLD)))
}

fn dim(text: impl Into<String>) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(Color::DarkGray))
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let rpc = view.l1.rpc.clone().unwrap_or_else(|| "no RPC".to_owned());
    let title = format!("Fernet devnet · {} L1 · {rpc} · chain {}", view.l1.backend, view.l1.chain_id);
    let text = vec![
        Line::from(vec![
            dim("L1 block "),
            Span::raw(view.l1.block.to_string()),
            dim(" · L1 slot "),
            Span::raw(view.l1.slot.to_string()),
            dim(" · "),
            Span::raw(count(view.transfers, "transfer")),
            dim(" final, "),
            Span::raw(view.pending.to_string()),
            dim(" waiting"),
        ]),
        Line::from(vec![
            dim("finalized "),
            Span::raw(count(view.tip.height, "block")),
            dim(", root "),
            Span::styled(view.tip.root.to_string(), Style::new().fg(Color::Green)),
        ]),
    ];
    frame.render_widget(Paragraph::new(text).block(panel(title)), area);
}

fn draw_phase(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let slot = &view.slot;
    let mut title = match view.state {
        RunState::Starting => "Starting".to_owned(),
        _ => format!("Slot {} · {}", slot.number, slot.phase),
    };
    if view.state != RunState::Starting && !slot.faults.is_empty() {
        title.push_str(&format!(" · fault: {}", slot.faults.join(", ")));
    }
    let left = slot.left.min(slot.length);
    let gone = if slot.length == 0 { 0.0 } else { (slot.length - left) as f64 / slot.length as f64 };
    let label = match view.state {
        RunState::Starting => view.doing.clone(),
        _ => {
            let time = slot.left.saturating_mul(view.l1.slot_seconds);
            format!("{} left ({time} s) · {}", count(slot.left, "L1 slot"), view.doing)
        }
    };
    frame.render_widget(
        Gauge::default()
            .block(panel(title))
            .gauge_style(Style::new().fg(Color::Blue).bg(Color::Black))
            .ratio(gone.clamp(0.0, 1.0))
            .label(label),
        area,
    );
}

fn progress_style(progress: Progress) -> Style {
    match progress {
        Progress::Eligible => Style::new().fg(Color::DarkGray),
        Progress::Proposed => Style::new(),
        Progress::Committed | Progress::Revealed => Style::new().fg(Color::Yellow),
        Progress::Finalized => Style::new().fg(Color::Green),
        Progress::Abandoned | Progress::Withheld => Style::new().fg(Color::Red),
    }
}

fn draw_ranking(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    if view.ranking.is_empty() {
        let text = Paragraph::new(dim("the seed isn't known yet")).block(panel("Ranking"));
        frame.render_widget(text, area);
        return;
    }
    let rows = view.ranking.iter().enumerate().map(|(rank, ranked)| {
        Row::new(vec![
            format!("{rank}"),
            format!("sequencer {}", ranked.sequencer),
            format!("{:016x}", ranked.score),
            ranked.progress.name().to_owned(),
        ])
        .style(progress_style(ranked.progress))
    });
    let widths = [Constraint::Length(2), Constraint::Length(14), Constraint::Length(17), Constraint::Min(9)];
    frame.render_widget(Table::new(rows, widths).block(panel("Ranking")), area);
}

fn draw_block(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let outer = panel("Block");
    let inner = outer.inner(area);
    frame.render_widget(outer, area);
    let [facts, proof] = Layout::vertical([Constraint::Min(4), Constraint::Length(1)]).areas(inner);

    let winner =
        view.ranking.iter().enumerate().find(|(_, r)| {
            matches!(r.progress, Progress::Committed | Progress::Revealed | Progress::Finalized)
        });
    let winner =
        winner.map_or_else(|| "–".to_owned(), |(rank, r)| format!("sequencer {} (rank {rank})", r.sequencer));
    let prover = view.prover.as_ref().map_or_else(
        || "–".to_owned(),
        |p| format!("{} bond {} price {}", short(p.prover), tokens(p.bond), tokens(p.price)),
    );
    let contents = view.block.map_or_else(
        || "–".to_owned(),
        |b| {
            format!(
                "{}, {}, {} in {}",
                count(b.transfers, "transfer"),
                count(b.deposits, "deposit"),
                count(b.withdrawals, "withdrawal"),
                count(u64::from(b.chunks), "chunk")
            )
        },
    );
    let text = vec![
        Line::from(vec![dim("winner   "), Span::raw(winner)]),
        Line::from(vec![dim("prover   "), Span::raw(prover)]),
        Line::from(vec![dim("contents "), Span::raw(contents)]),
        Line::from(vec![
            dim("gas      propose "),
            Span::raw(gas(view.gas.propose)),
            dim(" commit "),
            Span::raw(gas(view.gas.commit)),
        ]),
        Line::from(vec![
            dim("         reveal "),
            Span::raw(gas(view.gas.reveal)),
            dim(" finalize "),
            Span::raw(gas(view.gas.finalize)),
        ]),
    ];
    frame.render_widget(Paragraph::new(text), facts);
    if let Some(progress) = view.proof {
        let ratio =
            if progress.total == 0 { 0.0 } else { f64::from(progress.done) / f64::from(progress.total) };
        frame.render_widget(
            Gauge::default()
                .gauge_style(Style::new().fg(Color::Magenta).bg(Color::Black))
                .ratio(ratio.clamp(0.0, 1.0))
                .label(format!(
                    "proving: {} of {} · {}",
                    progress.done,
                    count(u64::from(progress.total), "chunk"),
                    seconds(progress.elapsed_ms)
                )),
            proof,
        );
    }
}

fn outcome_style(outcome: SlotOutcome) -> Style {
    Style::new().fg(match outcome {
        SlotOutcome::Finalized => Color::Green,
        SlotOutcome::Rescued => Color::Yellow,
        SlotOutcome::Backup => Color::Magenta,
        SlotOutcome::Empty => Color::Red,
    })
}

fn history_row(record: &SlotRecord) -> Row<'static> {
    Row::new(vec![
        record.slot.to_string(),
        record.outcome.name().to_owned(),
        record.sequencer.map_or_else(|| "–".to_owned(), |id| id.to_string()),
        record.prover.map_or_else(|| "–".to_owned(), short),
        record.transfers.to_string(),
        gas(record.gas.finalize),
        seconds(record.proving_ms),
        record.l1_slots.to_string(),
        hash(&record.state_root),
    ])
    .style(outcome_style(record.outcome))
}

fn draw_history(frame: &mut Frame<'_>, area: Rect, view: &DevnetView) {
    let header = ["slot", "outcome", "seq.", "prover", "transf.", "finalize", "proof", "L1 slots", "root"];
    let widths = [
        Constraint::Length(5),
        Constraint::Length(9),
        Constraint::Length(5),
        Constraint::Length(12),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Min(11),
    ];
    // Newest on top, so that a small terminal shows what just happened.
    let rows = view.history.iter().rev().map(history_row);
    let table = Table::new(rows, widths)
        .header(Row::new(header).style(Style::new().fg(Color::DarkGray)))
        .block(panel("Slots"));
    frame.render_widget(table, area);
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, log: &[String]) {
    let room = usize::from(area.height.saturating_sub(2));
    let lines: Vec<_> =
        log[log.len().saturating_sub(room)..].iter().map(|line| Line::raw(line.clone())).collect();
    frame.render_widget(Paragraph::new(lines).block(panel("Log")), area);
}

fn keys_line(view: &DevnetView) -> Line<'static> {
    Line::from(match view.state {
        RunState::Starting | RunState::Running => {
            dim(" q or Ctrl-C: finish with a withdrawal and the summary; twice: leave at once")
        }
        RunState::Closing => {
            dim(" finishing: the last slots carry the withdrawal (q or Ctrl-C: leave at once)")
        }
        RunState::Done => dim(" done"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::tests::record;
    use fernet_devnet::{
        alloy::primitives::{Address, B256, U256},
        record::GasUsed,
        view::{BlockContents, L1Status, ProofProgress, ProverStatus, Ranked, SlotPanel, TipStatus},
    };
    use ratatui::{Terminal, backend::TestBackend};

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
            doing: "prover 1 proves".to_owned(),
            l1: L1Status {
                backend: "embedded".to_owned(),
                rpc: Some("http://127.0.0.1:8545".to_owned()),
                chain_id: 31337,
                block: 123,
                slot: 130,
                slot_seconds: 12,
            },
            slot: SlotPanel {
                number: 4,
                phase: "exclusive proving",
                turn: 1,
                left: 30,
                length: 40,
                faults: vec!["first-candidate-dead"],
            },
            ranking: vec![
                Ranked { sequencer: 2, score: 0xffff_0000_0000_0001, progress: Progress::Abandoned },
                Ranked { sequencer: 4, score: 0xeeee_0000_0000_0002, progress: Progress::Revealed },
                Ranked { sequencer: 1, score: 3, progress: Progress::Proposed },
                Ranked { sequencer: 3, score: 2, progress: Progress::Eligible },
            ],
            prover: Some(ProverStatus {
                prover: Address::repeat_byte(0x77),
                bond: token * U256::from(10),
                price: token / U256::from(4),
            }),
            block: Some(BlockContents { transfers: 6, deposits: 1, withdrawals: 2, chunks: 2 }),
            proof: Some(ProofProgress { done: 1, total: 2, elapsed_ms: 4_200 }),
            gas: GasUsed {
                propose: Some(85_300),
                commit: Some(101_000),
                reveal: Some(70_100),
                finalize: None,
            },
            pending: 5,
            tip: TipStatus { height: 3, root: B256::repeat_byte(0xcd) },
            ..DevnetView::default()
        };
        view.record(&record());
        view
    }

    #[test]
    fn shows_everything_a_person_watches() {
        let text = drawn(&view(), 110, 34, &["a log line".to_owned()]);
        for part in [
            "embedded L1 · http://127.0.0.1:8545 · chain 31337",
            "L1 block 123",
            "Slot 4 · exclusive proving · fault: first-candidate-dead",
            "30 L1 slots left (360 s) · prover 1 proves",
            "ffff000000000001",
            "abandoned",
            "sequencer 4 (rank 1)",
            "0x77777777… bond 10 price 0.25",
            "6 transfers, 1 deposit, 2 withdrawals in 2 chunks",
            "propose 85.3k commit 101.0k",
            "reveal 70.1k finalize –",
            "proving: 1 of 2 chunks · 4.2 s",
            "finalized 3 blocks, root 0xcdcdcdcd",
            "rescued",
            "a log line",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part:?} isn't on the screen:\n{text}");
        }
    }

    #[test]
    fn starting_says_what_it_does() {
        let view = DevnetView { doing: "deploying the contracts".to_owned(), ..DevnetView::default() };
        let text = drawn(&view, 100, 30, &[]);
        assert!(text.contains("Starting") && text.contains("deploying the contracts"), "{text}");
        assert!(text.contains("the seed isn't known yet"), "{text}");
    }

    #[test]
    fn no_terminal_is_too_small_to_draw_on() {
        for (width, height) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
            let log = vec!["line".to_owned(); 50];
            drawn(&view(), width, height, &log);
        }
    }

    #[test]
    fn a_phase_longer_than_planned_keeps_the_gauge_in_range() {
        let mut view = view();
        view.slot.left = 1000;
        view.proof = Some(ProofProgress { done: 5, total: 2, elapsed_ms: 0 });
        drawn(&view, 80, 30, &[]);
    }
}
