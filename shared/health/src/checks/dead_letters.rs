//! Dead letters.

use crate::Check;
use crate::check::{count, counted, critical, thresholds, warning};

/// A dead letter needs a person: it is redriven or deleted. A hundred within an hour have one cause, which fails
/// further messages.
pub static DEAD_LETTERS: Check = Check {
    id: "dead-letters",
    name: "New dead letters",
    unit: "messages within an hour; for job-health, within its window",
    thresholds: thresholds(10.0, 100.0),
    sentence: "a destination is down or returns errors",
    readings: |readings| {
        let new = readings.numbers.dead_letters.in_window;
        let message = format!("{} in {}", counted(new, "new dead letter", "new dead letters"), readings.period());
        vec![DEAD_LETTERS.reading(count(new), message)]
    },
};

/// It finds dead letters that appear too slowly for [`DEAD_LETTERS`].
pub static DEAD_LETTERS_GROWING: Check = Check {
    id: "dead-letters-growing",
    name: "Growth of dead letters",
    unit: "messages more than a day ago",
    thresholds: warning(100.0),
    sentence: "dead letters are not redriven or deleted",
    readings: |readings| {
        let Some(before) = readings.deployment.facts.dead_letters_a_day_ago else { return Vec::new() };
        let (kept, more) = (readings.numbers.dead_letters.total, readings.numbers.dead_letters.total - before);
        // Ignores growth below 10 %.
        if more * 10 < before {
            return Vec::new();
        }
        vec![DEAD_LETTERS_GROWING.reading(count(more), format!("{kept} dead letters, {more} more than a day ago"))]
    },
};

/// One statement writes both rows, so a single difference means changed or lost rows.
pub static DEAD_LETTERS_DISAGREE: Check = Check {
    id: "dead-letters-disagree",
    name: "Dead letters of other messages",
    unit: "messages",
    thresholds: critical(1.0),
    sentence: "rows were changed by hand, or the database lost data",
    readings: |readings| {
        let disagree = readings.deployment.facts.dead_letters_disagree;
        let message = format!("{disagree} dead letters belong to a message whose state is not failed");
        vec![DEAD_LETTERS_DISAGREE.reading(count(disagree), message)]
    },
};
