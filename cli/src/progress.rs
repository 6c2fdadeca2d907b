//! Progress of long operations on stderr: a progress bar on a terminal, otherwise a line every few seconds.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Interval between two lines.
const PERIOD: Duration = Duration::from_secs(5);
/// Refresh interval of the progress bar.
const TICK: Duration = Duration::from_millis(100);

/// Progress of one operation. Removes the progress bar on drop.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Creates a progress display with a known total.
    pub(crate) fn of(total: u64) -> Self {
        let style = "{wide_bar} {pos}/{len}  {eta} left";
        Self::new(ProgressBar::new(total), style)
    }

    /// Creates a progress display without a total.
    pub(crate) fn unknown() -> Self {
        Self::new(ProgressBar::no_length(), "{spinner} {elapsed}  {msg}")
    }

    fn new(bar: ProgressBar, style: &str) -> Self {
        let on_terminal = io::stderr().is_terminal();
        let bar = on_terminal.then(|| {
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, last_line: Instant::now() }
    }

    /// Sets the number of completed items. Without a terminal, prints `line` if the interval has passed.
    pub(crate) fn done(&mut self, count: u64, line: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_position(count),
            None => self.line_if_due(line),
        }
    }

    /// Sets the message of the progress bar. Without a terminal, prints it if the interval has passed.
    pub(crate) fn now(&mut self, line: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_message(line()),
            None => self.line_if_due(line),
        }
    }

    /// Starts a step and its elapsed time. Without a terminal, prints the line immediately.
    pub(crate) fn step(&mut self, line: String) {
        match &self.bar {
            Some(bar) => {
                bar.reset_elapsed();
                bar.set_message(line);
            }
            None => eprintln!("{line}"),
        }
    }

    fn line_if_due(&mut self, line: impl FnOnce() -> String) {
        if self.last_line.elapsed() >= PERIOD {
            self.last_line = Instant::now();
            eprintln!("{}", line());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
