//! The list of all parameters, for documentation. The parser reads no others.

use crate::canonical_name;
use crate::names::{EXTENSION_PREFIX, PREFIX};

/// A parameter of a publish or of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name in lower case without `upstash-`.
    name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// An example of a value that is not the default.
    pub example: &'static str,
    /// The description, for users.
    pub about: &'static str,
    /// The requests that have it.
    pub used_by: UsedBy,
    /// Whether it also exists for callbacks, as `Upstash-Callback-…` and `Upstash-Failure-Callback-…`.
    pub of_callbacks: bool,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, explained by the description.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// The requests that have a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// Publishes, and creations of schedules.
    Both,
    /// Publishes: read by [`Options::parse`](crate::Options::parse).
    Publish,
    /// Creations of schedules: read by [`ScheduleOptions::parse`](crate::ScheduleOptions::parse).
    Schedule,
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Self {
        Self { name, kind, example, about, used_by: UsedBy::Both, of_callbacks: true }
    }

    const fn text(name: &'static str, example: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Text, example, about)
    }

    const fn integer(name: &'static str, example: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Integer, example, about)
    }

    const fn flag(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Flag, "true", about)
    }

    const fn not_of_callbacks(mut self) -> Self {
        self.of_callbacks = false;
        self
    }

    const fn only_by(mut self, used_by: UsedBy) -> Self {
        self.used_by = used_by;
        self
    }

    /// Returns the name in lower case without `upstash-`.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the header, `Upstash-Retries`.
    pub fn header(&self) -> String {
        canonical_name(&format!("{PREFIX}{}", self.name))
    }

    /// Returns the header of the same parameter for a callback: `Upstash-Callback-Retries`.
    pub fn header_of_callback(&self) -> String {
        canonical_name(&format!("{PREFIX}callback-{}", self.name))
    }

    /// Returns the header of the same parameter for a failure callback: `Upstash-Failure-Callback-Retries`.
    pub fn header_of_failure_callback(&self) -> String {
        canonical_name(&format!("{PREFIX}failure-callback-{}", self.name))
    }

    /// Returns whether QStash does not have it.
    pub fn is_extension(&self) -> bool {
        self.name.starts_with(EXTENSION_PREFIX)
    }
}

/// Returns whether there is a parameter of this name, in lower case without `upstash-`.
pub(super) fn exists(name: &str) -> bool {
    PARAMETERS.iter().any(|parameter| parameter.name == name)
}

/// All parameters except the headers to forward: `Upstash-Forward-*`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "method",
        Kind::OneOf(&["GET", "POST", "PUT", "PATCH", "DELETE"]),
        "PUT",
        "The HTTP method of the delivery. Default POST.",
    ),
    Parameter::text(
        "timeout",
        "30s",
        "The timeout of an attempt: a duration such as 30s, 5m or 1h30m; without a unit, seconds.",
    ),
    Parameter::integer("retries", "5", "Retries after the first attempt. Default 3; for a callback, the message's."),
    Parameter::text(
        "retry-delay",
        "1000 * (1 + retried)",
        "The retry delay in milliseconds, an expression of `retried`, the number of retries so far. Default: \
         exponential backoff, up to a day.",
    ),
    Parameter::text("delay", "10s", "The delay before the first attempt: a duration such as 10s, 1h or 2d."),
    Parameter::integer(
        "not-before",
        "4102444800",
        "The earliest delivery in unix seconds. Takes precedence over the delay.",
    )
    .only_by(UsedBy::Publish),
    Parameter::text(
        "deduplication-id",
        "order-7",
        "The deduplication ID: a message with the ID of an earlier one is not stored. Must not contain `:`.",
    ),
    Parameter::flag(
        "content-based-deduplication",
        "A message with the same content as an earlier one is not stored. Ignored with a deduplication ID.",
    ),
    Parameter::text(
        "sigpost-deduplication-window",
        "1h",
        "The deduplication window: a duration from 1s to 90d. Default: the server's, 10 minutes.",
    ),
    Parameter::flag(
        "sigpost-deduplication-release-on-failure",
        "Whether the message may be published again as soon as it has failed.",
    ),
    Parameter::text("queue-name", "mail", "The queue of the message."),
    Parameter::text(
        "flow-control-key",
        "customer-7",
        "The flow-control key: messages with the same key share its limits. Requires a value.",
    ),
    Parameter::text(
        "flow-control-value",
        "rate=10, period=1m, parallelism=5",
        "The limits of the key: `parallelism`, the maximum of attempts in flight; `rate`, the maximum of attempts \
         started in one `period`. At least one of these two is required.",
    ),
    more_flow_control("sigpost-flow-control-key-2"),
    more_flow_control_values("sigpost-flow-control-value-2"),
    more_flow_control("sigpost-flow-control-key-3"),
    more_flow_control_values("sigpost-flow-control-value-3"),
    more_flow_control("sigpost-flow-control-key-4"),
    more_flow_control_values("sigpost-flow-control-value-4"),
    more_flow_control("sigpost-flow-control-key-5"),
    more_flow_control_values("sigpost-flow-control-value-5"),
    more_flow_control("sigpost-flow-control-key-6"),
    more_flow_control_values("sigpost-flow-control-value-6"),
    more_flow_control("sigpost-flow-control-key-7"),
    more_flow_control_values("sigpost-flow-control-value-7"),
    more_flow_control("sigpost-flow-control-key-8"),
    more_flow_control_values("sigpost-flow-control-value-8"),
    Parameter::integer(
        "sigpost-priority",
        "5",
        "The delivery order in a queue or flow-control key, higher values first: -1000 to 1000. Default 0.",
    ),
    Parameter::text("label", "order,urgent", "Labels for searches, separated by commas."),
    Parameter::text(
        "redact-fields",
        "body,header[Authorization]",
        "Parts that responses and logs redact: `body`, `header` for all headers, `header[Name]` for one.",
    ),
    Parameter::text("callback", "https://example.com/done", "A URL that receives the response of every attempt.")
        .not_of_callbacks(),
    Parameter::text(
        "failure-callback",
        "https://example.com/failed",
        "A URL that receives the last response after all attempts have failed.",
    )
    .not_of_callbacks(),
    Parameter::flag("header-forward", "Forwards all headers of the request to the destination.").not_of_callbacks(),
    Parameter::text(
        "cron",
        "*/5 * * * *",
        "The cron expression: five fields, with `CRON_TZ=Europe/Berlin` in front for a time zone other than UTC.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
    Parameter::text(
        "schedule-id",
        "nightly",
        "The ID of the schedule. An existing schedule with this ID is replaced. Default: a new ID.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
    Parameter::text("sigpost-cron", "*/10 * * * * *", "In place of `Upstash-Cron`: six fields, seconds first.")
        .only_by(UsedBy::Schedule)
        .not_of_callbacks(),
    Parameter::new(
        "sigpost-catch-up",
        Kind::OneOf(&["none", "last", "all"]),
        "all",
        "Missed firings that are made up for. Default last: one firing for all of them.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
];

const fn more_flow_control(name: &'static str) -> Parameter {
    Parameter::text(name, "region-eu", "A further flow-control key; all keys apply. Requires its value.")
}

const fn more_flow_control_values(name: &'static str) -> Parameter {
    Parameter::text(name, "parallelism=5", "The limits of the key with the same number.")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{PARAMETERS, Parameter, UsedBy};
    use crate::{Limits, Options, Params, ScheduleOptions};

    const CRON: (&str, &str) = ("upstash-cron", "0 0 * * *");

    /// Returns the effect of a request with these headers; an error is an effect as well.
    fn effect(used_by: UsedBy, headers: &[(&str, &str)]) -> String {
        let own_header = ("x-own", "1");
        let params = Params::from_pairs(headers.iter().copied().chain([own_header])).unwrap();
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        match used_by {
            UsedBy::Schedule => format!("{:?}", ScheduleOptions::parse(&params, &limits, now)),
            _ => format!("{:?}", Options::parse(&params, &limits, now)),
        }
    }

    /// `Scope::get` asserts that the parser reads no unlisted parameter.
    #[test]
    fn every_parameter_has_an_effect_on_the_requests_that_use_it() {
        for parameter @ Parameter { example, used_by, .. } in PARAMETERS {
            if *used_by != UsedBy::Schedule {
                let with = effect(UsedBy::Publish, &[(&parameter.header(), example)]);
                assert_ne!(with, effect(UsedBy::Publish, &[]), "{}", parameter.header());
            }
            if *used_by != UsedBy::Publish {
                let with = effect(UsedBy::Schedule, &[(&parameter.header(), example), CRON]);
                assert_ne!(with, effect(UsedBy::Schedule, &[CRON]), "{}", parameter.header());
            }
        }
    }

    #[test]
    fn exactly_the_parameters_of_callbacks_have_an_effect_on_callbacks() {
        for (name, header) in [
            ("upstash-callback", Parameter::header_of_callback as fn(&Parameter) -> String),
            ("upstash-failure-callback", Parameter::header_of_failure_callback),
        ] {
            let callback = (name, "https://example.com");
            let without = effect(UsedBy::Publish, &[callback]);
            for parameter in PARAMETERS {
                let with = effect(UsedBy::Publish, &[callback, (&header(parameter), parameter.example)]);
                let rejected = with.contains("cannot be used here") || with.contains("cannot have a callback");
                assert_eq!(with != without && !rejected, parameter.of_callbacks, "{}: {with}", header(parameter));
            }
        }
    }

    #[test]
    fn examples_can_be_read() {
        let publish = PARAMETERS.iter().filter(|parameter| parameter.used_by != UsedBy::Schedule);
        // A repeated key is rejected, and the examples of all further keys are the same.
        let publish = publish.filter(|parameter| !parameter.header().contains("Flow-Control-Key-"));
        let publish = publish.filter(|parameter| !parameter.header().contains("Flow-Control-Value-"));
        let headers: Vec<_> = publish.map(|parameter| (parameter.header(), parameter.example)).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert!(effect(UsedBy::Publish, &headers).starts_with("Ok("), "{}", effect(UsedBy::Publish, &headers));
    }
}
