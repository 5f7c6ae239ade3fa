//! The live view: it has the terminal while a devnet runs, and gives it back at the end.

use std::{io, time::Duration};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use fernet_devnet::{
    stop::{Stop, StopRequest},
    view::{DevnetView, RunState},
};
use tokio::sync::watch;

use crate::{logs::LogLines, screen};

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// Whether a key asks for the end.
fn asks_for_the_end(key: KeyEvent) -> bool {
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') => true,
            KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
            _ => false,
        }
}

/// Draws until the devnet drops its end of the view. In raw mode Ctrl-C arrives here as a key and is passed
/// on to `stop`.
///
/// # Errors
/// When the terminal can't be used.
pub(crate) fn show(mut view: watch::Receiver<DevnetView>, log: &LogLines, stop: &Stop) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let result = (|| {
        loop {
            let ended = view.has_changed().is_err();
            let mut now = view.borrow_and_update().clone();
            // The devnet hears of the request after its step, which may take as long as a proof.
            if stop.is_asked() && now.state == RunState::Running {
                now.state = RunState::Closing;
            }
            terminal.draw(|frame| screen::draw(frame, &now, &log.get()))?;
            if ended || stop.request() == StopRequest::Leave {
                return Ok(());
            }
            if event::poll(FRAME)?
                && let Event::Key(key) = event::read()?
                && asks_for_the_end(key)
            {
                stop.ask();
            }
        }
    })();
    let restored = ratatui::try_restore();
    result.and(restored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_ctrl_c_finish_and_nothing_else_does() {
        assert!(asks_for_the_end(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(asks_for_the_end(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!asks_for_the_end(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE)));
        assert!(!asks_for_the_end(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert!(!asks_for_the_end(released));
    }
}
