//! All figures: `--json` prints [`Figures`] as it is, [`text`] makes the tables.

use std::fmt::Write;

use serde::Serialize;

use crate::handler::HandlerCost;
use crate::idle::Idle;
use crate::lambda::Lambda;
use crate::machine::Machine;
use crate::neighbours;
use crate::row::{Goal, Row};
use crate::table::Table;

/// Everything that was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) machine: Machine,
    /// Runs of the parts that are measured several times.
    pub(crate) runs: usize,
    pub(crate) limits: Vec<Row>,
    pub(crate) reference: Vec<Row>,
    pub(crate) rows: Vec<Row>,
    pub(crate) idle: Option<Idle>,
    pub(crate) handler: Option<HandlerCost>,
    pub(crate) lambda: Option<Lambda>,
}

/// The whole report.
pub(crate) fn text(figures: &Figures) -> String {
    let mut table = Table::below(machine(&figures.machine, figures.runs));
    table.rows("Limits of the machine", &figures.limits);
    table.rows("The reference", &figures.reference);
    table.rows("sigpost", &figures.rows);
    if let Some(lambda) = &figures.lambda {
        lambda.show(&mut table);
    }
    let of_rows = figures.rows.iter().filter_map(|row| Some((row.title.as_str(), row.goal.clone()?)));
    let of_lambda = figures.lambda.iter().flat_map(Lambda::goals);
    let goals: Vec<(&str, Goal)> = of_rows.chain(of_lambda).collect();
    if !goals.is_empty() {
        table.heading("Goals");
    }
    for (name, goal) in goals {
        let name = name.trim_start();
        let verdict = if goal.pass { "PASS" } else { "FAIL" };
        table.line(name, &format!("{:.2}", goal.figure), &format!("{:<12} {verdict}", goal.bound));
    }
    table.text()
}

fn machine(machine: &Machine, runs: usize) -> String {
    let mut text = format!(
        "sigpost {} on {} CPUs, {}, Postgres {}, fsync {}, synchronous_commit {}\n",
        machine.sigpost, machine.cpus, machine.system, machine.postgres, machine.fsync, machine.synchronous_commit,
    );
    if runs > 0 {
        let _ = writeln!(text, "throughput: medians of {runs} runs, serve peak: the most of them");
    }
    if !machine.tuning.is_empty() {
        let _ = writeln!(text, "serve ran with {}", machine.tuning.join(" "));
    }
    let neighbours_cpus = machine.neighbours_cpus.max();
    if !neighbours::is_quiet(neighbours_cpus) {
        let _ =
            writeln!(text, "OTHER PROGRAMS used {neighbours_cpus:.1} CPUs between the runs: they change the figures");
    }
    if machine.debug_build {
        text.push_str("DEBUG BUILD: its figures mean nothing; use cargo run --release\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Part;
    use crate::row::Unit;
    use crate::series::Series;

    #[test]
    fn report_has_medians_spreads_ratios_and_verdicts() {
        let series = Series::of;
        let limits = vec![Row::limit("L1", "L1 HTTP posts", Unit::PerSecond, &series(&[219_040.0]))];
        let rows = vec![
            Row::new(
                Part::Backlog,
                "backlog",
                "backlog of 20,000 messages",
                Unit::PerSecond,
                &series(&[6_500.4, 6_000.0, 7_000.0]),
            )
            .beside("the reference", &series(&[10_000.0, 10_000.0, 10_000.0]))
            .with_peak(&series(&[36.0, 38.94, 37.0]))
            .with_remark("3 % of L1")
            .judged(),
            Row::new(Part::Latency, "latency-p99", "publish to handler, p99", Unit::Milliseconds, &series(&[16.0]))
                .judged(),
        ];
        let report = text(&Figures { runs: 3, limits, rows, ..Figures::default() });
        let (_, after_machine) = report.split_once("\n\n").expect("the machine comes first");
        let expected = "\
Limits of the machine                                     median   least to most            ratio                     goal             serve peak
  L1 HTTP posts                                        219,040/s

sigpost                                                   median   least to most            ratio                     goal             serve peak
  backlog of 20,000 messages                             6,500/s   6,000/s to 7,000/s       65 % of the reference     >= 90 %     FAIL    38.9 MB   3 % of L1
  publish to handler, p99                               16.00 ms                                                      < 2.50 ms   FAIL

Goals
  backlog of 20,000 messages                                     0.65   >= 90 %      FAIL
  publish to handler, p99                                       16.00   < 2.50 ms    FAIL";
        assert_eq!(after_machine, expected);
    }
}
