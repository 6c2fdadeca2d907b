//! Filters of dead letters.

use clap::Args;

use crate::filter_args::{MessageFilterArgs, Parameters, moment};

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
    pub(super) until: Option<i64>,
}

impl Filter {
    /// Returns the filters, except `until`, as query parameters of the API.
    pub(super) fn parameters(&self) -> Parameters<'_> {
        let mut parameters = self.messages.parameters();
        parameters.extend(self.status.iter().map(|status| ("responseStatus", status.to_string().into())));
        parameters.extend(self.since.map(|ms| ("fromDate", ms.to_string().into())));
        parameters
    }

    /// Returns the filters with this `until` as query parameters of the API.
    pub(super) fn parameters_until(&self, until: Option<i64>) -> Parameters<'_> {
        let mut parameters = self.parameters();
        parameters.extend(until.map(|ms| ("toDate", ms.to_string().into())));
        parameters
    }
}
