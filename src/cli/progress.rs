//! A bar on standard error for long work; nothing where that is no terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many of `unit`.
    pub fn new(total: u64, unit: &str) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(8),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = format!(
            "{{bar:16}} {{human_pos}} of {{human_len}} {unit}, {{speed}}, {{eta}} left{{msg}}"
        );
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let speed = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
            };
            bar.set_style(style.with_key("speed", speed));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Progress(bar)
    }

    /// So many of so many are done; `note` stands behind.
    pub fn set(&self, total: u64, done: u64, note: String) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.reset_eta();
        }
        self.0.set_position(done);
        self.0.set_message(note);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
