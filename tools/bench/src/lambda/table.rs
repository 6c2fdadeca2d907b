//! Rows of the report.

use super::Lambda;
use super::billed::Share;
use super::starts::Start;
use crate::series::Series;
use crate::table::Table;

/// Adds the rows.
pub(super) fn show(lambda: &Lambda, table: &mut Table) {
    table.heading("In Lambda: the deployed programs, under an emulator, on this machine");
    for start in lambda.starts.iter().chain(&lambda.node) {
        let size = if start.binary_mb > 0.0 { format!(", binary {:.1} MB", start.binary_mb) } else { String::new() };
        let resident = start.resident_mb.median();
        let remark =
            format!("{}; resident {resident:.1} MB{size}{}", spread(&start.first_poll_ms), node(lambda, start));
        let name = format!("spawn to first poll, {}", start.function);
        table.line(&name, &milliseconds(start.first_poll_ms.median()), &remark);
    }
    if let Some(dispatch) = lambda.dispatch() {
        let first = &dispatch.first_answer_ms;
        table.line("spawn to first accepted publish", &milliseconds(first.median()), &spread(first));
    }
    let accepts = &lambda.accepts;
    let figure = format!("{:.2} / {:.2} ms", accepts.p50_ms, accepts.p99_ms);
    let remark = format!("{} publishes; resident then {:.1} MB", accepts.jobs, accepts.resident_mb);
    table.line("warm accept, p50 / p99", &figure, &remark);
    let held = &lambda.in_flight;
    let name = format!("memory with {} attempts in flight", held.attempts);
    let remark = format!("peak of the environment {:.1} MB", held.peak_mb);
    table.line(&name, &format!("{:.1} MB", held.resident_mb), &remark);
    if let Some(statements) = lambda.statements_per_idle_tick {
        table.line("statements per idle tick", &format!("{statements:.2}"), "");
    }
    for billed in &lambda.billed {
        let name = format!("billed per job at {} jobs/s, dispatch + handler", billed.jobs_per_s);
        let figure = format!("{:.1} + {:.1} ms", billed.dispatch.billed_ms, billed.handler.billed_ms);
        table.line(&name, &figure, &format!("{}; handler: {}", of(&billed.dispatch), of(&billed.handler)));
        let remark = format!("at most ${:.2} with the CPU share of its memory size", billed.dollars_on_a_share);
        table.line("    per million jobs, without Postgres", &format!("${:.2}", billed.dollars), &remark);
    }
    table.line("", "", lambda.cost_formula);
}

fn milliseconds(ms: f64) -> String {
    format!("{ms:.1} ms")
}

fn spread(series: &Series) -> String {
    let least = series.runs().iter().copied().fold(f64::INFINITY, f64::min);
    format!("median of {}, {least:.1} to {:.1}", series.runs().len(), series.max())
}

/// Formats the ratio of Node's start time to the function's.
fn node(lambda: &Lambda, start: &Start) -> String {
    match &lambda.node {
        Some(node) if node.function != start.function => {
            format!(", Node takes {:.0} times as long", node.first_poll_ms.ratio_to(&start.first_poll_ms))
        }
        _ => String::new(),
    }
}

fn of(share: &Share) -> String {
    let plural = if share.environments == 1 { "" } else { "s" };
    let (environments, cpu_ms, peak_mb) = (share.environments, share.cpu_ms, share.peak_mb);
    format!("CPU {cpu_ms:.1} ms, {environments} environment{plural}, peak {peak_mb:.1} MB")
}
