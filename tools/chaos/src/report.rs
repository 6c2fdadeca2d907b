//! Result of a campaign: one row per fault, and one for the time outside of faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::history::Publish;
use crate::invariants::Violation;
use crate::round::{Cycle, Outcome};

/// Row for the time outside of cycles.
const NO_FAULT: &str = "(no fault)";
/// Seconds after a fault in which violations are attributed to it.
const AFTERWARDS: f64 = 10.0;

#[derive(Default)]
pub(crate) struct Report {
    rows: BTreeMap<&'static str, Row>,
    not_run: Vec<(&'static str, String)>,
    violations: Vec<Violation>,
    largest_memory: u64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    cycles: u64,
    /// Messages accepted during the fault.
    messages: usize,
    successes: u64,
    unavailable: u64,
    others: u64,
    no_response: u64,
    /// Seconds.
    slowest_publish: f64,
    slowest_recovery: f64,
    violations: u64,
}

impl Report {
    pub(crate) fn not_run(&mut self, fault: &'static str, reason: String) {
        self.not_run.push((fault, reason));
    }

    pub(crate) fn violations(&self) -> usize {
        self.violations.len()
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        for cycle in &outcome.cycles {
            let row = self.rows.entry(cycle.fault).or_default();
            row.cycles += 1;
            row.slowest_recovery = row.slowest_recovery.max(cycle.recovery);
        }
        for publish in outcome.history.publishes.iter().filter(|publish| !publish.is_cancellation) {
            self.rows.entry(fault_during(&outcome.cycles, publish.began, publish.ended)).or_default().count(publish);
        }
        for violation in &outcome.violations {
            let fault = violation.at.map_or(NO_FAULT, |at| fault_before(&outcome.cycles, at));
            self.rows.entry(fault).or_default().violations += 1;
            self.violations.push(violation.clone());
        }
        let largest = outcome.history.memory.iter().map(|memory| memory.bytes).max();
        self.largest_memory = self.largest_memory.max(largest.unwrap_or(0));
    }

    pub(crate) fn print(&self, as_json: bool) {
        match as_json {
            true => println!("{}", self.json()),
            false => print!("{}", self.table()),
        }
    }

    /// Writes the table and all violations to the folder of the logs.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::write(folder.join("report.txt"), self.table())?;
        let violations: String =
            self.violations.iter().map(|one| format!("{} {:?} {}\n", one.kind, one.at, one.details)).collect();
        Ok(std::fs::write(folder.join("violations.txt"), violations)?)
    }

    fn json(&self) -> Value {
        let rows: serde_json::Map<String, Value> =
            self.rows.iter().map(|(fault, row)| ((*fault).to_owned(), row.json())).collect();
        json!({
            "faults": rows,
            "notRun": self.not_run.iter().map(|(fault, reason)| json!({"fault": fault, "reason": reason})).collect::<Vec<_>>(),
            "largestMemoryBytes": self.largest_memory,
            "violations": self.violations.iter()
                .map(|one| json!({"kind": one.kind, "at": one.at, "details": one.details})).collect::<Vec<_>>(),
        })
    }

    fn table(&self) -> String {
        let mut table = format!(
            "{:<19}{:>7}{:>10}{:>8}{:>6}{:>8}{:>13}{:>13}{:>11}{:>12}\n",
            "fault",
            "cycles",
            "messages",
            "2xx",
            "503",
            "others",
            "no response",
            "slowest (s)",
            "ready (s)",
            "violations"
        );
        for (fault, row) in &self.rows {
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "{fault:<19}{:>7}{:>10}{:>8}{:>6}{:>8}{:>13}{:>13.2}{:>11.2}{:>12}",
                row.cycles,
                row.messages,
                row.successes,
                row.unavailable,
                row.others,
                row.no_response,
                row.slowest_publish,
                row.slowest_recovery,
                row.violations
            );
        }
        for (fault, reason) in &self.not_run {
            let _ = writeln!(table, "{fault:<19}not run: {reason}");
        }
        let sums =
            self.rows.values().fold((0, 0), |(cycles, messages), row| (cycles + row.cycles, messages + row.messages));
        let _ = writeln!(
            table,
            "{} cycles, {} messages, at most {} MiB per process, {} violations",
            sums.0,
            sums.1,
            self.largest_memory >> 20,
            self.violations.len()
        );
        table
    }
}

impl Row {
    fn count(&mut self, publish: &Publish) {
        match publish.status {
            Some(200..=299) => {
                self.successes += 1;
                self.messages += publish.messages.len();
            }
            Some(503) => self.unavailable += 1,
            Some(_) => self.others += 1,
            None => self.no_response += 1,
        }
        self.slowest_publish = self.slowest_publish.max(publish.ended - publish.began);
    }

    fn json(&self) -> Value {
        json!({
            "cycles": self.cycles, "messages": self.messages, "2xx": self.successes, "503": self.unavailable,
            "others": self.others, "noResponse": self.no_response, "slowestPublishSeconds": self.slowest_publish,
            "slowestRecoverySeconds": self.slowest_recovery, "violations": self.violations,
        })
    }
}

/// Returns the fault whose cycle overlaps this time.
fn fault_during(cycles: &[Cycle], from: f64, until: f64) -> &'static str {
    cycles.iter().find(|cycle| cycle.from <= until && cycle.until >= from).map_or(NO_FAULT, |cycle| cycle.fault)
}

/// Returns the last fault before this time, if it can be the cause.
fn fault_before(cycles: &[Cycle], at: f64) -> &'static str {
    let last = cycles.iter().rev().find(|cycle| cycle.from <= at);
    last.filter(|cycle| at <= cycle.until + AFTERWARDS).map_or(NO_FAULT, |cycle| cycle.fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    fn cycle(fault: &'static str, from: f64) -> Cycle {
        Cycle { fault, from, until: from + 5.0, recovery: 0.5 }
    }

    #[test]
    fn publishes_and_violations_belong_to_the_fault_of_their_time() {
        let publish = |began, status| Publish { began, ended: began + 1.0, status: Some(status), ..Publish::default() };
        let publishes = vec![publish(100.5, 503), publish(107.0, 200), publish(121.0, 503)];
        let outcome = Outcome {
            cycles: vec![cycle("kill", 100.0), cycle("lock", 120.0)],
            history: History { publishes, ..History::default() },
            violations: vec![
                Violation::new("made", 110.0, String::new()),
                Violation::new("made", 118.0, String::new()),
                Violation::new("made", None, String::new()),
            ],
            drained_in: 1.0,
        };
        let mut report = Report::default();
        report.add(&outcome);
        assert_eq!((report.rows["kill"].unavailable, report.rows["kill"].violations), (1, 1));
        assert_eq!((report.rows["lock"].unavailable, report.rows["lock"].violations), (1, 0));
        assert_eq!((report.rows[NO_FAULT].successes, report.rows[NO_FAULT].violations), (1, 2));
        assert!(report.table().ends_with("3 violations\n"));
    }
}
