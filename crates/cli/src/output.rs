//! What the command writes, and how it ends when its output is closed.
//!
//! Results go to stdout, messages to stderr. No write panics: a reader of stdout that went away ends the
//! command quietly, and messages without a reader are dropped.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use color_eyre::eyre::{Report, Result, eyre};

/// Exit status after stdout was closed by its reader: what a shell reports for a program that SIGPIPE ended.
const CLOSED: u8 = 141;
/// Exit status after the user asked twice for the end: what a shell reports for a program that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// The reader of stdout went away.
#[derive(Debug)]
struct ClosedOutput;

impl fmt::Display for ClosedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of stdout closed it")
    }
}

impl std::error::Error for ClosedOutput {}

/// Writes a line to stdout at once.
///
/// # Errors
/// When stdout can't be written to.
pub(crate) fn line(text: &str) -> Result<()> {
    write_line(&mut io::stdout().lock(), text)
}

fn write_line(out: &mut impl Write, text: &str) -> Result<()> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ClosedOutput.into()),
        Err(error) => Err(eyre!("could not write to stdout: {error}")),
    }
}

/// Writes a message to stderr. Without a reader it is dropped.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells why the command failed, and the status to exit with.
pub(crate) fn failure(error: &Report) -> ExitCode {
    if error.is::<ClosedOutput>() {
        return ExitCode::from(CLOSED);
    }
    message(&failure_text(error));
    ExitCode::FAILURE
}

/// The error with its causes. A cause that says what the error before it says is left out.
fn failure_text(error: &Report) -> String {
    let mut texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    texts.dedup();
    format!("error: {}", texts.join("\n  because: "))
}

/// A writer for logs whose errors are dropped.
#[derive(Debug)]
pub(crate) struct Lenient<W>(pub(crate) W);

impl<W: Write> Write for Lenient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A log line that can't be written is lost; nothing else depends on it.
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails every write.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_told_apart_from_other_failures() {
        let closed = write_line(&mut Failing(io::ErrorKind::BrokenPipe), "text").unwrap_err();
        assert!(closed.is::<ClosedOutput>());
        let full = write_line(&mut Failing(io::ErrorKind::StorageFull), "text").unwrap_err();
        assert!(full.to_string().starts_with("could not write to stdout: "), "{full}");
    }

    #[test]
    fn a_failure_tells_its_causes_once() {
        let error = Report::new(io::Error::other("no answer")).wrap_err("no answer").wrap_err("L1 failed");
        assert_eq!(failure_text(&error), "error: L1 failed\n  because: no answer");
    }

    #[test]
    fn logs_that_nobody_reads_are_dropped() {
        let mut writer = Lenient(Failing(io::ErrorKind::BrokenPipe));
        writeln!(writer, "text").unwrap();
        writer.flush().unwrap();
    }
}
