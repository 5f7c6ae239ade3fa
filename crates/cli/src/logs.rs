//! Where log lines go: to stderr, or, under the live view, to a part of it.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Mutex, PoisonError},
};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use fernet_telemetry::{CodedFields, LogCounter, LogFormat};
use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::output::Lenient;

/// Environment variable with the log filter.
const FILTER: &str = "FERNET_LOG";
/// Environment variable with the log's format: `text` or `json`.
const FORMAT: &str = "FERNET_LOG_FORMAT";

/// What is logged without a filter. That a transaction lost a race is news only to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Warnings and errors.
    Warnings,
    /// What a devnet does, and what doesn't go its usual way.
    Devnet,
    /// What a role's process does.
    Role,
}

impl Detail {
    const fn filter(self) -> &'static str {
        match self {
            Self::Warnings => "warn,fernet_l1::tx=error",
            Self::Devnet => "warn,fernet_l1::tx=error,fernet_devnet=info",
            Self::Role => {
                "warn,fernet_operator=info,fernet_roles=info,fernet_sequencer=info,fernet_prover=info"
            }
        }
    }
}

/// What a configuration says about the log. The environment counts for more.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogOptions {
    /// The filter.
    pub(crate) filter: Option<String>,
    /// The format.
    pub(crate) format: Option<LogFormat>,
}

/// Sends log lines to stderr.
///
/// # Errors
/// When the filter or the format can't be read.
pub(crate) fn to_stderr(detail: Detail, options: &LogOptions) -> Result<()> {
    let format = format(options)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(|| Lenient(io::stderr()))
        .with_ansi(io::stderr().is_terminal() && format == LogFormat::Text)
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(LogCounter).with(filter(detail, options)?);
    // Fails only if a subscriber is set already; then that one serves.
    let _ = match format {
        LogFormat::Text => registry.with(layer.fmt_fields(CodedFields)).try_init(),
        LogFormat::Json => registry.with(layer.json()).try_init(),
    };
    Ok(())
}

/// Sends log lines to `lines`.
///
/// # Errors
/// When the filter in the environment can't be read.
pub(crate) fn to_view(lines: &LogLines) -> Result<()> {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter(Detail::Devnet, &LogOptions::default())?)
        .fmt_fields(CodedFields)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(lines.clone())
        .log_internal_errors(false)
        .try_init();
    Ok(())
}

fn filter(detail: Detail, options: &LogOptions) -> Result<EnvFilter> {
    match (environment(FILTER)?, &options.filter) {
        (Some(text), _) => parse(FILTER, &text),
        (None, Some(text)) => parse("the log's filter", text),
        (None, None) => Ok(EnvFilter::new(detail.filter())),
    }
}

fn parse(name: &str, text: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(text).wrap_err_with(|| {
        format!("{name}: expected a log filter such as debug or warn,fernet_l1=trace, got {text:?}")
    })
}

fn format(options: &LogOptions) -> Result<LogFormat> {
    match environment(FORMAT)? {
        Some(text) => text.parse().wrap_err(FORMAT),
        None => Ok(options.format.unwrap_or_default()),
    }
}

/// A variable of the environment; `None` if it isn't set.
fn environment(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => bail!("{name}: {error}"),
    }
}

/// The last lines of a log, shared between the logger and the live view.
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
            self.lines.push(line.trim().to_owned());
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

    #[test]
    fn a_filter_that_cannot_be_read_is_refused_by_name() {
        for detail in [Detail::Warnings, Detail::Devnet, Detail::Role] {
            parse(FILTER, detail.filter()).unwrap();
        }
        let error = parse(FILTER, "fernet=loud").unwrap_err().to_string();
        assert!(error.contains(FILTER) && error.contains("loud"), "{error}");
    }
}
