//! The live view: owns the terminal while a devnet runs, and gives it back whatever happens.

use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use fernet_devnet::{stop::Stop, view::DevnetView};
use tokio::sync::watch;

use crate::{logs::LogLines, screen};

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Finish,
    Nothing,
}

fn wish(key: KeyEvent) -> Wish {
    if key.kind != KeyEventKind::Press {
        return Wish::Nothing;
    }
    match key.code {
        KeyCode::Char('q') => Wish::Finish,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Finish,
        _ => Wish::Nothing,
    }
}

/// Draws until the devnet drops its end of the view. In raw mode Ctrl-C arrives here as a key: the first one asks for
/// the end through `finish`, another one through `leave`.
///
/// # Errors
/// When the terminal can't be used.
pub(crate) fn show(
    mut view: watch::Receiver<DevnetView>,
    log: &LogLines,
    finish: &Stop,
    leave: &Stop,
) -> std::io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let result = (|| {
        loop {
            let ended = view.has_changed().is_err();
            let now = view.borrow_and_update().clone();
            terminal.draw(|frame| screen::draw(frame, &now, &log.get()))?;
            if ended {
                return Ok(());
            }
            if event::poll(FRAME)?
                && let Event::Key(key) = event::read()?
                && wish(key) == Wish::Finish
            {
                if finish.is_asked() {
                    leave.ask();
                    return Ok(());
                }
                finish.ask();
            }
        }
    })();
    ratatui::try_restore()?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_ctrl_c_finish_and_nothing_else_does() {
        assert_eq!(wish(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)), Wish::Finish);
        assert_eq!(wish(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Wish::Finish);
        assert_eq!(wish(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE)), Wish::Nothing);
        assert_eq!(wish(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)), Wish::Nothing);
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(wish(released), Wish::Nothing);
    }
}
