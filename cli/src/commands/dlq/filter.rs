//! Which dead letters.

use clap::Args;

use crate::filter_args::{MessageFilterArgs, Parameters, moment};

/// The filters of `/v2/dlq`. Without any, all.
#[derive(Debug, Args)]
pub(super) struct Filter {
    #[command(flatten)]
    messages: MessageFilterArgs,
    /// Last answered with this status; 0 when there was no answer.
    #[arg(long, value_name = "STATUS")]
    status: Vec<u16>,
    /// Failed since then: so long ago (`2h`), or a time (`2026-01-31T12:00:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<i64>,
    /// Failed until then.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(super) until: Option<i64>,
}

impl Filter {
    /// As the API calls them, but for `until`.
    pub(super) fn parameters(&self) -> Parameters<'_> {
        let mut parameters = self.messages.parameters();
        parameters.extend(self.status.iter().map(|status| ("responseStatus", status.to_string().into())));
        parameters.extend(self.since.map(|ms| ("fromDate", ms.to_string().into())));
        parameters
    }

    /// The same with `until`.
    pub(super) fn parameters_until(&self, until: Option<i64>) -> Parameters<'_> {
        let mut parameters = self.parameters();
        parameters.extend(until.map(|ms| ("toDate", ms.to_string().into())));
        parameters
    }
}
