//! Where log lines go: to stderr, or, under the live view, to a panel of it.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Environment variable with the log filter.
const FILTER: &str = "FERNET_LOG";
/// Without it. That a transaction lost a race is news only to its sender.
const DEFAULT_FILTER: &str = "warn,fernet_l1::tx=error";

/// Sends log lines to stderr.
pub(crate) fn to_stderr() {
    // Fails only where a subscriber is set already; then that one serves.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}

/// Sends log lines to `lines`.
pub(crate) fn to_panel(lines: &LogLines) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(lines.clone())
        .try_init();
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER))
}

/// The last lines of a log, shared between the logger and the screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<String>>>);

impl LogLines {
    /// Lines kept.
    const KEPT: usize = 100;

    /// Adds a line.
    pub(crate) fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::KEPT {
            lines.remove(0);
        }
        lines.push(line);
    }

    /// The lines, oldest first.
    pub(crate) fn get(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter { lines: self.clone(), text: Vec::new() }
    }
}

/// Collects one event's text.
#[derive(Debug)]
pub(crate) struct LineWriter {
    lines: LogLines,
    text: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        for line in String::from_utf8_lossy(&self.text).lines() {
            self.lines.push(line.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_keeps_the_last_lines() {
        let lines = LogLines::default();
        for number in 0..LogLines::KEPT + 2 {
            let mut writer = lines.make_writer();
            writeln!(writer, "line {number}").unwrap();
        }
        let kept = lines.get();
        assert_eq!(kept.len(), LogLines::KEPT);
        assert_eq!(kept[0], "line 2");
    }
}
