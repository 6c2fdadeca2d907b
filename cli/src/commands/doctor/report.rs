//! Output of the findings.

use std::io::IsTerminal;

use serde::Serialize;
use sigpost_runtime::settings::NO_COLOR;

use super::finding::{Finding, State};
use super::items::Item;
use crate::table::harmless;

/// Item with its finding.
#[derive(Serialize)]
pub(super) struct Examined {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

/// Number of items by state.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    pub(super) passed: usize,
    pub(super) warned: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl Summary {
    pub(super) fn of(examined: &[Examined]) -> Self {
        let mut summary = Self::default();
        for item in examined {
            *match item.finding.state {
                State::Passed => &mut summary.passed,
                State::Warned => &mut summary.warned,
                State::Failed => &mut summary.failed,
                State::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary
    }
}

/// Whether to print colors: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os(NO_COLOR.name).is_none_or(|value| value.is_empty())
}

pub(super) fn list(items: &[&Item]) -> String {
    let width = items.iter().map(|item| item.id.len()).max().unwrap_or_default();
    items.iter().map(|item| format!("{:<width$}  {}", item.id, item.title)).collect::<Vec<_>>().join("\n")
}

/// Formats one line per item, with the reason and the fix of those that did not pass.
pub(super) fn text(examined: &[Examined], summary: &Summary, coloured: bool) -> String {
    let width = examined.iter().map(|item| item.id.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for Examined { id, title, finding } in examined {
        let (symbol, word, colour) = match finding.state {
            State::Passed => ("✓", "passed ", "32"),
            State::Warned => ("!", "warned ", "33"),
            State::Failed => ("✗", "failed ", "31"),
            State::Skipped => ("-", "skipped", "2"),
        };
        let state = match coloured {
            true => format!("\u{1b}[{colour}m{symbol} {word}\u{1b}[0m"),
            false => format!("{symbol} {word}"),
        };
        let seen = if finding.figure == "-" { title } else { finding.figure.as_str() };
        lines.push(format!("{state}  {id:<width$}  {}", harmless(seen)));
        let indent = " ".repeat(width + 13);
        lines.extend(finding.reason.iter().map(|reason| format!("{indent}{}", harmless(reason))));
        lines.extend(finding.fix.iter().map(|fix| format!("{indent}-> {fix}")));
    }
    let Summary { passed, warned, failed, skipped } = summary;
    lines.push(format!("\n{passed} passed, {warned} warned, {failed} failed, {skipped} skipped"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_said_with_figure_reason_and_fix() {
        let examined = [
            Examined { id: "lease", title: "t", finding: Finding::passed("20 s") },
            Examined { id: "backups", title: "t", finding: Finding::failed("none", "because\u{1b}[2J", "do this") },
            Examined { id: "tls", title: "the title", finding: Finding::skipped("no URL") },
        ];
        let summary = Summary::of(&examined);
        assert_eq!(
            text(&examined, &summary, false),
            "✓ passed   lease    20 s\n\
             ✗ failed   backups  none\n                    because\\u{1b}[2J\n                    -> do this\n\
             - skipped  tls      the title\n                    no URL\n\n\
             1 passed, 0 warned, 1 failed, 1 skipped"
        );
        assert!(text(&examined, &summary, true).contains("\u{1b}[31m✗ failed \u{1b}[0m  backups"));
    }
}
