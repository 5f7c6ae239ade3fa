//! Log lines with codes, as text or JSON, and how many warnings and errors there were.
//!
//! A warning or an error has a field `code`, such as `code = "SEQ-003"`, that `docs/errors.md` explains. Text
//! lines begin with it:
//!
//! ```text
//! 2026-05-04T12:00:00Z  WARN fernet_sequencer::machine: [SEQ-003] no quote was chosen slot=7 received=0
//! ```

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::{Context, Layer};

use crate::metrics::labels::{LogLevel, OfLog};

/// Name of the field with the code.
const CODE: &str = "code";
/// The code of what has none.
const NO_CODE: &str = "none";

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For reading.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A format that doesn't exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLogFormat {
    actual: String,
}

impl fmt::Display for UnknownLogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected text or json, got {:?}", self.actual)
    }
}

impl std::error::Error for UnknownLogFormat {}

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, UnknownLogFormat> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(UnknownLogFormat { actual: other.to_owned() }),
        }
    }
}

/// Writes the fields of a text line: the code in brackets, the message, then the other fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct CodedFields;

impl<'writer> FormatFields<'writer> for CodedFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line::default();
        fields.record(&mut line);
        if let Some(code) = &line.code {
            write!(writer, "[{code}] ")?;
        }
        write!(writer, "{}{}", line.message, line.rest)
    }
}

/// The fields of a line, sorted.
#[derive(Debug, Default)]
struct Line {
    code: Option<String>,
    message: String,
    rest: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            CODE => self.code = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string can't fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                let space = if self.message.is_empty() && self.rest.is_empty() { "" } else { " " };
                write!(self.rest, "{space}{name}={value:?}")
            }
        };
    }
}

/// Counts the warnings and the errors of this process by code, for `fernet_log_events_total`. Codes are
/// literals in the sources, so there are as many series as codes that came up.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogCounter;

/// Warnings and errors of this process.
static COUNTED: LazyLock<Family<OfLog, Counter>> = LazyLock::new(Family::default);

impl LogCounter {
    /// What was counted.
    pub(crate) fn counted() -> Family<OfLog, Counter> {
        COUNTED.clone()
    }
}

impl<S: Subscriber> Layer<S> for LogCounter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            _ => return,
        };
        let mut line = Line::default();
        event.record(&mut line);
        let code = line.code.unwrap_or_else(|| NO_CODE.to_owned());
        COUNTED.get_or_create(&OfLog { level, code }).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(format: LogFormat, log: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let writer = move || writer.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).without_time();
        let counter = LogCounter;
        match format {
            LogFormat::Text => {
                let layer = layer.fmt_fields(CodedFields);
                tracing::subscriber::with_default(
                    tracing_subscriber::registry().with(layer).with(counter),
                    log,
                );
            }
            LogFormat::Json => {
                let subscriber = tracing_subscriber::registry().with(layer.json()).with(counter);
                tracing::subscriber::with_default(subscriber, log);
            }
        }
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn log() {
        let error = io::Error::other("refused");
        tracing::warn!(code = "TST-001", slot = 7, %error, name = "a b", "no quote was chosen");
        tracing::info!(slot = 8, "proving");
    }

    #[test]
    fn text_lines_begin_with_their_code() {
        let text = lines(LogFormat::Text, log);
        let mut text = text.lines();
        let warning = text.next().unwrap();
        let expected = r#": [TST-001] no quote was chosen slot=7 error=refused name="a b""#;
        assert!(warning.contains("WARN") && warning.ends_with(expected), "{warning}");
        assert!(text.next().unwrap().ends_with(": proving slot=8"));
    }

    #[test]
    fn json_lines_have_the_code_as_a_field() {
        let text = lines(LogFormat::Json, log);
        let warning: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(warning["fields"]["code"], "TST-001");
        assert_eq!(warning["fields"]["message"], "no quote was chosen");
        assert_eq!(warning["level"], "WARN");
    }

    #[test]
    fn warnings_and_errors_are_counted_by_code() {
        lines(LogFormat::Text, || {
            tracing::warn!(code = "TST-002", "once");
            tracing::error!(code = "TST-003", "twice");
            tracing::error!(code = "TST-003", "twice");
            tracing::info!(code = "TST-004", "not at all");
        });
        let count = |level, code: &str| {
            let of = OfLog { level, code: code.to_owned() };
            COUNTED.get(&of).map(|counter| counter.get())
        };
        assert_eq!(count(LogLevel::Warn, "TST-002"), Some(1));
        assert_eq!(count(LogLevel::Error, "TST-003"), Some(2));
        assert_eq!(count(LogLevel::Warn, "TST-004"), None);
    }

    #[test]
    fn an_unknown_format_is_refused() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        let error = "xml".parse::<LogFormat>().unwrap_err();
        assert_eq!(error.to_string(), "expected text or json, got \"xml\"");
    }
}
