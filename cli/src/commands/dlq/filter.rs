//! Filters of dead letters.

use clap::Args;
use sigpost_client::DeadLetterFilter;

use crate::filter_args::{MessageFilterArgs, moment};

/// Filters of `/v2/dlq`. Without a filter, all dead letters match.
#[derive(Debug, Args)]
pub(super) struct Filter {
    #[command(flatten)]
    messages: MessageFilterArgs,
    /// The last response had this status; 0 means no response.
    #[arg(long, value_name = "STATUS")]
    status: Vec<u16>,
    /// Failed at or after this time: how long ago (`2h`), or a time (`2026-01-31T12:00:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<i64>,
    /// Failed at or before this time.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<i64>,
}

impl Filter {
    /// Returns the filter of the API.
    pub(super) fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            messages: self.messages.filter(),
            response_statuses: self.status.clone(),
            from_ms: self.since,
            to_ms: self.until,
            earliest_first: false,
        }
    }
}
