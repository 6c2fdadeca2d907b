//! The figures as a table for people.

use std::fmt::Write;

use crate::figures::Figures;
use crate::machine::Machine;
use crate::neighbours;
use crate::progress::grouped;
use crate::series::Series;
use crate::usage::Usage;

/// Lines of a name, a figure, and what there is to say about it.
#[derive(Default)]
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn heading(&mut self, text: &str) {
        let _ = write!(self.0, "\n{text}\n");
    }

    pub(crate) fn line(&mut self, name: &str, figure: &str, remark: &str) {
        let line = format!("  {name:<52} {figure:>14}   {remark}");
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn per_second(&mut self, name: &str, series: &Series, remark: &str) {
        let runs: Vec<String> = series.runs().iter().map(|run| grouped(*run)).collect();
        let remark = if remark.is_empty() { format!("runs {}", runs.join(" ")) } else { remark.to_owned() };
        self.line(name, &format!("{}/s", grouped(series.median())), &remark);
    }
}

/// The whole report.
pub(crate) fn text(figures: &Figures) -> String {
    let mut table = Table::default();
    table.0.push_str(&machine(&figures.machine, figures.runs));
    if let Some(limits) = &figures.limits {
        table.heading("The machine's own limits");
        table.per_second("L1 HTTP posts to the sink, 32 connections", &limits.http_posts_per_s, "");
        table.per_second("L2 inserts, 100 rows a statement, 1 client", &limits.batched_inserts_per_s, "");
        table.per_second("L3 claim and complete, 100 a statement, 1 client", &limits.batched_claims_per_s, "");
        table.per_second("L4 inserts, a row a commit, 32 clients", &limits.single_commits_per_s, "");
    }
    table.heading("sigpost");
    for accepts in &figures.accepts {
        let mut remark = ratios(figures, &format!("accepts_{}", accepts.connections));
        if accepts.is_limited_by_generator() {
            remark.push_str(" (the load generator is the limit)");
        }
        table.per_second(&format!("a {}", accepts.name()), &accepts.per_s, &remark);
    }
    if let Some(backlog) = &figures.backlog {
        let name = format!("b deliveries of a backlog of {} jobs", grouped(backlog.jobs as f64));
        table.per_second(&name, &backlog.per_s, &ratios(figures, "backlog"));
    }
    if let Some(both) = &figures.both {
        table.per_second("b accept and deliver at once, 32 connections", &both.per_s, &ratios(figures, "both"));
        let lag = format!("{:.1} / {:.1} ms", both.lag_p50_ms.median(), both.lag_p99_ms.median());
        table.line("    publish to handler meanwhile, p50 / p99", &lag, "");
        table.per_second("    accepts meanwhile", &both.accepts_per_s, " ");
    }
    if let Some(queue) = &figures.queue {
        table.per_second("g deliveries of a queue with parallelism 1", &queue.per_s, "");
    }
    if let Some(latency) = &figures.latency {
        let figure = format!("{:.2} / {:.2} ms", latency.p50_ms, latency.p99_ms);
        let remark = format!("{} jobs, the slowest {:.1} ms", latency.jobs, latency.max_ms);
        table.line("c publish to handler, 20 jobs a second, p50 / p99", &figure, &remark);
    }
    if let Some(idle) = &figures.idle {
        let remark = format!(
            "{} counted in {} s by {}; one poll each {} s is {} an hour",
            idle.counted,
            idle.window_s,
            idle.counted_by,
            idle.poll_s,
            3600 / idle.poll_s.max(1),
        );
        table.line("d statements of an idle serve", &format!("{:.0}/h", idle.per_hour), &remark);
    }
    if let Some(handler) = &figures.handler {
        let figure = format!("{:.2} / {:.2} ms", handler.run_p50_ms, handler.bare_p50_ms);
        let statements = handler.statements_per_run.map(|figure| format!(", {figure:.2} statements a run"));
        let remark = format!("a durable commit {:.2} ms{}", handler.commit_p50_ms, statements.unwrap_or_default());
        table.line("h a run that does nothing / a bare route, p50", &figure, &remark);
    }
    let usages = [
        ("backlog", figures.backlog.as_ref().map(|backlog| &backlog.usage)),
        ("accept and deliver", figures.both.as_ref().map(|both| &both.usage)),
    ];
    for (of, usage) in usages.into_iter().filter_map(|(of, usage)| Some((of, usage?))) {
        memory_and_cpu(&mut table, of, usage);
    }
    if let Some(lambda) = &figures.lambda {
        lambda.show(&mut table);
    }
    if !figures.goals.is_empty() {
        table.heading("Goals");
    }
    for goal in &figures.goals {
        let verdict = if goal.pass { "PASS" } else { "FAIL" };
        table.line(goal.goal, &format!("{:.2}", goal.figure), &format!("{:<10} {verdict}", goal.bound));
    }
    table.0.trim_end().to_owned()
}

fn memory_and_cpu(table: &mut Table, of: &str, usage: &Usage) {
    let remark = format!("{:.1} MB at the end", usage.resident_mb.median());
    table.line(&format!("e memory of serve, {of}, peak"), &format!("{:.1} MB", usage.peak_mb.max()), &remark);
    let (own, postgres) = (usage.own_cpu_s_per_1000.median(), usage.postgres_cpu_s_per_1000.median());
    table.line(
        &format!("f CPU of 1,000 jobs, {of}"),
        &format!("{:.3} s", own + postgres),
        &format!("serve {own:.3} s, Postgres {postgres:.3} s"),
    );
}

fn machine(machine: &Machine, runs: usize) -> String {
    let mut text = format!(
        "sigpost {} on {} CPUs, {}, Postgres {}, fsync {}, synchronous_commit {}\n",
        machine.sigpost, machine.cpus, machine.system, machine.postgres, machine.fsync, machine.synchronous_commit,
    );
    if runs > 0 {
        let _ = writeln!(text, "throughput, memory and CPU: medians of {runs} runs");
    }
    if !machine.tuning.is_empty() {
        let _ = writeln!(text, "serve ran with {}", machine.tuning.join(" "));
    }
    let neighbours_cpus = machine.neighbours_cpus.max();
    if !neighbours::is_quiet(neighbours_cpus) {
        let _ = writeln!(
            text,
            "OTHER PROGRAMS used {neighbours_cpus:.1} CPUs between the runs: the figures are theirs, too"
        );
    }
    if machine.debug_build {
        text.push_str("THIS IS A DEBUG BUILD: its figures say nothing; use cargo run --release\n");
    }
    text
}

fn ratios(figures: &Figures, of: &str) -> String {
    let ratios = figures.ratios.iter().filter(|ratio| ratio.figure == of);
    let texts: Vec<String> = ratios.map(|ratio| format!("{:.0} % of {}", ratio.ratio * 100.0, ratio.limit)).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Latency;
    use crate::limits::Limits;
    use crate::{accepts::Accepts, goals};

    #[test]
    fn a_report_shows_medians_ratios_and_verdicts_of_what_was_measured() {
        let mut figures = Figures { runs: 1, accepts: Accepts::all(), ..Figures::default() };
        figures.accepts.truncate(1);
        figures.accepts[0].per_s.push(2_190.4);
        figures.accepts[0].generator_busy.push(0.95);
        let mut limits = Limits::default();
        limits.http_posts_per_s.push(219_040.0);
        limits.batched_inserts_per_s.push(109_520.0);
        limits.batched_claims_per_s.push(68_000.0);
        limits.single_commits_per_s.push(21_904.0);
        figures.limits = Some(limits);
        figures.latency = Some(Latency { jobs: 400, p50_ms: 1.98, p99_ms: 16.0, max_ms: 17.2 });
        figures.ratios = figures.ratios();
        figures.goals = goals::goals(&figures, &goals::Reference::default());

        let report = text(&figures);
        let (_, after_machine) = report.split_once("\n\n").expect("the machine comes first");
        let expected = "\
The machine's own limits
  L1 HTTP posts to the sink, 32 connections                 219,040/s   runs 219,040
  L2 inserts, 100 rows a statement, 1 client                109,520/s   runs 109,520
  L3 claim and complete, 100 a statement, 1 client           68,000/s   runs 68,000
  L4 inserts, a row a commit, 32 clients                     21,904/s   runs 21,904

sigpost
  a durable accepts, 1 connection                             2,190/s   1 % of L1, 2 % of L2, 10 % of L4 (the load generator is the limit)
  c publish to handler, 20 jobs a second, p50 / p99    1.98 / 16.00 ms   400 jobs, the slowest 17.2 ms

Goals
  c p50                                                          1.98   < 3 ms     PASS
  c p99                                                         16.00   < 15 ms    FAIL";
        assert_eq!(after_machine, expected);
    }
}
