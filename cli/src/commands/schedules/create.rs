//! `sigpost schedules create`.

use anyhow::Result;
use clap::Args;
use reqwest::Method;

use crate::api_client::{ApiArgs, destination};
use crate::message_args::MessageArgs;
use crate::output;
use crate::table::text;

/// Create a schedule, or replace the one with the same ID.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost schedules create https://example.com/report --cron '0 8 * * 1'
  sigpost schedules create https://example.com/poll --cron 'CRON_TZ=Europe/Berlin */10 * * * * *' --id poll")]
pub(super) struct Create {
    /// Destination of its messages: a URL, or the name of a URL group.
    #[arg(value_parser = destination)]
    destination: String,
    /// Cron expression: five fields, or six with seconds first; `CRON_TZ=Europe/Berlin` before them for a time zone.
    #[arg(long, value_name = "EXPRESSION")]
    cron: String,
    /// ID of the schedule. A schedule with the same ID is replaced.
    #[arg(long)]
    id: Option<String>,
    /// Queue of its messages.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Missed firings that are published later: none, last (the default) or all.
    #[arg(long, value_name = "WHICH", value_parser = ["none", "last", "all"])]
    catch_up: Option<String>,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Create {
    pub(super) async fn run(self) -> Result<()> {
        let api = self.api.open()?;
        let request = api.request(Method::POST, &format!("{}/{}", super::PATH, self.destination));
        let mut request = self.message.add_to(request)?.header(header_of(&self.cron), &self.cron);
        for (name, value) in [
            ("Upstash-Schedule-Id", &self.id),
            ("Upstash-Queue-Name", &self.queue),
            ("Upstash-Sigpost-Catch-Up", &self.catch_up),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = api.send(request).await?;
        output::print(self.api.json, &answer, || text(&answer["scheduleId"]))
    }
}

/// Returns the header of an expression. QStash does not support seconds, so expressions with them have their own header.
fn header_of(cron: &str) -> &'static str {
    let fields = cron.split_whitespace().filter(|field| !field.contains("TZ=")).count();
    if fields == 6 { "Upstash-Sigpost-Cron" } else { "Upstash-Cron" }
}

#[cfg(test)]
mod tests {
    use super::header_of;

    #[test]
    fn seconds_have_a_header_of_their_own() {
        for cron in ["0 3 * * *", "CRON_TZ=Europe/Berlin 0 3 * * *", "nonsense"] {
            assert_eq!(header_of(cron), "Upstash-Cron", "{cron}");
        }
        for cron in ["*/10 * * * * *", "CRON_TZ=UTC  0 0 3 * * *"] {
            assert_eq!(header_of(cron), "Upstash-Sigpost-Cron", "{cron}");
        }
    }
}
