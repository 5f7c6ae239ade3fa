//! Progress bars on stderr where a person waits; nothing where stderr is no terminal.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Steps of a bar that shows a fraction.
const STEPS: u64 = 1000;

/// A bar for work whose fraction done is known.
#[derive(Debug, Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar labelled `what`.
    pub(crate) fn new(what: &str) -> Self {
        Self::on(what, std::io::stderr().is_terminal())
    }

    fn on(what: &str, is_terminal: bool) -> Self {
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(STEPS), target);
        // The template is a constant; a wrong one would only cost the looks.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} [{bar:40}] {percent:>3} % {elapsed_precise} {wide_msg}")
        {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        bar.set_prefix(what.to_owned());
        if is_terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// Shows a fraction between 0 and 1 and what is being done.
    pub(crate) fn set(&self, fraction: f64, what: &str) {
        self.0.set_position((fraction.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.0.set_message(what.to_owned());
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_into_a_pipe() {
        let bar = Bar::on("keys", false);
        assert!(bar.0.is_hidden());
        bar.set(0.5, "half");
        assert_eq!(bar.0.position(), STEPS / 2);
        bar.set(7.0, "out of range");
        assert_eq!(bar.0.position(), STEPS);
        bar.finish();
    }
}
