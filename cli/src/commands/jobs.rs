//! `sigpost jobs`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api_client::{AdminArgs, UrlArgs, with_query};
use crate::output;
use crate::table::{Table, list, milliseconds, percent, text};

/// Show how jobs of each type have run: how many, how many failed, how long they took.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost jobs
  sigpost jobs --window 7d --json")]
pub(crate) struct Jobs {
    /// How far back to count: 1m to 7d.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    window: String,
    #[command(flatten)]
    at: UrlArgs,
    #[command(flatten)]
    admin: AdminArgs,
    /// Print the API's answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Jobs {
    pub(crate) async fn run(self) -> Result<()> {
        let path = with_query("/api/admin/job-metrics", &[("window", self.window.as_str().into())]);
        let metrics = self.admin.open(&self.at)?.get(&path).await?;
        output::print(self.json, &metrics, || self.table(&metrics))
    }

    fn table(&self, metrics: &Value) -> String {
        let by_type = list(&metrics["byType"]);
        if by_type.is_empty() {
            return format!("no job ran in the last {}: each type that did would be here", self.window);
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
