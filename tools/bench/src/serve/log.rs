//! Log of `sigpost serve`, read continuously, so that its pipe never fills.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Lines that are kept for an error message.
const KEPT: usize = 10;
/// Warnings that are printed.
const PASSED_ON: usize = 10;

/// The log of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServeLog(Arc<Mutex<VecDeque<String>>>);

impl ServeLog {
    /// Reads to the end, in the background. Prints warnings and errors to stderr.
    pub(crate) fn follow(output: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let log = Self::default();
        let written = log.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            let mut warnings = 0;
            while let Ok(Some(line)) = lines.next_line().await {
                if is_warning(&line) {
                    warnings += 1;
                    if warnings <= PASSED_ON {
                        eprintln!("  serve: {line}");
                    }
                }
                written.keep(line);
            }
        });
        log
    }

    /// The last lines.
    pub(crate) fn end(&self) -> String {
        Vec::from(self.lock().clone()).join("\n")
    }

    fn keep(&self, line: String) {
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The level is the second word, after the time. A program that ends with an error prints `error:` without a level.
fn is_warning(line: &str) -> bool {
    line.starts_with("error:") || matches!(line.split_whitespace().nth(1), Some("WARN" | "ERROR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_warnings_and_errors_are_printed() {
        assert!(is_warning("2026-11-22T09:00:00.000000Z  WARN deliveries cannot be recorded yet"));
        assert!(is_warning("error: DATABASE_URL: the database does not answer"));
        assert!(!is_warning("2026-11-22T09:00:00.000000Z  INFO sigpost serves listen=127.0.0.1:1"));
        assert!(!is_warning(""));
    }

    #[test]
    fn last_lines_are_kept() {
        let log = ServeLog::default();
        (1..=12).for_each(|number| log.keep(format!("line {number}")));
        let words = log.end();
        assert!(words.starts_with("line 3\n") && words.ends_with("\nline 12"), "{words}");
    }
}
