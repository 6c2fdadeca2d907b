//! `sigpost jobs`.

use anyhow::Result;
use clap::Args;
use sigpost_client::AdminClient;
use sigpost_qstash::admin::{JobMetrics, RunDurations, Runs, TypeRuns};

use crate::table::{Table, milliseconds, percent, text};
use crate::window_args::WindowArgs;

/// Show the number, failure rate and duration of runs, by job type.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost jobs
  sigpost jobs --window 7d --json")]
pub(crate) struct Jobs {
    #[command(flatten)]
    asked: WindowArgs,
}

impl Jobs {
    pub(crate) async fn run(self) -> Result<()> {
        self.asked.print(AdminClient::get_job_metrics, |metrics| self.table(&metrics)).await
    }

    fn table(&self, metrics: &JobMetrics) -> String {
        if metrics.by_type.is_empty() {
            return format!("no runs in the last {}", self.asked.window);
        }
        let headings = ["JOB", "RUNNING", "COMPLETED", "FAILED", "RATE", "AVERAGE", "P50", "P95", "P99"];
        let table = Table::new(headings).rows(&metrics.by_type, |TypeRuns { job_type, runs }| row(job_type, runs));
        table.row(row("all", &metrics.all)).draw()
    }
}

fn row(name: &str, runs: &Runs) -> [String; 9] {
    let [running, completed, failed] = [runs.processing, runs.completed, runs.failed].map(|count| count.to_string());
    let RunDurations { average_ms, p50_ms, p95_ms, p99_ms } = runs.durations;
    let [average, p50, p95, p99] = [average_ms, p50_ms, p95_ms, p99_ms].map(milliseconds);
    [text(name), running, completed, failed, percent(runs.failure_rate), average, p50, p95, p99]
}
