//! How far long work is: a bar on a terminal, a line now and then where nobody watches. Both go to
//! stderr, so that stdout stays what the command prints.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines.
const PERIOD: Duration = Duration::from_secs(5);
/// Between two pictures of what moves while it waits.
const TICK: Duration = Duration::from_millis(100);

/// The progress of one piece of work. On a terminal the bar is gone when this is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Of work on so many things.
    pub(crate) fn of(total: u64) -> Self {
        let style = "{wide_bar} {pos}/{len}  {eta} left";
        Self::new(ProgressBar::new(total), style)
    }

    /// Of work of which nobody knows how much it is.
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

    /// So many are done; `line` says so where there is no bar, if it is time for it.
    pub(crate) fn done(&mut self, count: u64, line: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_position(count),
            None => self.line_if_due(line),
        }
    }

    /// What is being done, beside the bar, or as a line if it is time for it.
    pub(crate) fn now(&mut self, line: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_message(line()),
            None => self.line_if_due(line),
        }
    }

    /// A step begins, and its time: it is said in either case.
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
