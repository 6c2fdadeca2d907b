//! `sigpost jobs`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::table::{Table, list, milliseconds, percent, text};
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
        self.asked.ask("/api/admin/job-metrics", |metrics| self.table(metrics)).await
    }

    fn table(&self, metrics: &Value) -> String {
        let by_type = list(&metrics["byType"]);
        if by_type.is_empty() {
            return format!("no runs in the last {}", self.asked.window);
        }
        let headings = ["JOB", "RUNNING", "COMPLETED", "FAILED", "RATE", "AVERAGE", "P50", "P95", "P99"];
        let table = Table::new(headings).rows(by_type, |runs| row(text(&runs["type"]), runs));
        table.row(row("all".into(), &metrics["all"])).draw()
    }
}

fn row(name: String, runs: &Value) -> [String; 9] {
    let [running, completed, failed] = ["processing", "completed", "failed"].map(|name| text(&runs[name]));
    let [average, p50, p95, p99] = ["averageMs", "p50Ms", "p95Ms", "p99Ms"].map(|name| milliseconds(&runs[name]));
    [name, running, completed, failed, percent(&runs["failureRate"]), average, p50, p95, p99]
}
