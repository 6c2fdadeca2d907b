//! Every parameter there is, for whoever describes them. The parser reads no other.

use crate::canonical_name;
use crate::names::{EXTENSION_PREFIX, PREFIX};

/// A parameter of a publish or of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// In lower case without `upstash-`.
    name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// A value that is not the default.
    pub example: &'static str,
    /// What it does, for its user.
    pub about: &'static str,
    /// Which requests have it.
    pub used_by: UsedBy,
    /// Whether it exists for callbacks too, as `Upstash-Callback-…` and `Upstash-Failure-Callback-…`.
    pub of_callbacks: bool,
}

/// What the value of a parameter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text that its description explains.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// Which requests have a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// Those that publish, and those that create a schedule.
    Both,
    /// Those that publish: read by [`Options::parse`](crate::Options::parse).
    Publish,
    /// Those that create a schedule: read by [`ScheduleOptions::parse`](crate::ScheduleOptions::parse).
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

    /// The header, `Upstash-Retries`.
    pub fn header(&self) -> String {
        canonical_name(&format!("{PREFIX}{}", self.name))
    }

    /// The header of the same parameter for a callback: `Upstash-Callback-Retries`.
    pub fn header_of_callback(&self) -> String {
        canonical_name(&format!("{PREFIX}callback-{}", self.name))
    }

    /// The header of the same parameter for a failure callback: `Upstash-Failure-Callback-Retries`.
    pub fn header_of_failure_callback(&self) -> String {
        canonical_name(&format!("{PREFIX}failure-callback-{}", self.name))
    }

    /// Whether QStash does not have it.
    pub fn is_extension(&self) -> bool {
        self.name.starts_with(EXTENSION_PREFIX)
    }
}

/// Whether there is a parameter of this name, in lower case without `upstash-`.
pub(super) fn exists(name: &str) -> bool {
    PARAMETERS.iter().any(|parameter| parameter.name == name)
}

/// Every parameter there is, but for the headers to forward: `Upstash-Forward-*`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "method",
        Kind::OneOf(&["GET", "POST", "PUT", "PATCH", "DELETE"]),
        "PUT",
        "The method of the delivery. Default POST.",
    ),
    Parameter::text(
        "timeout",
        "30s",
        "The longest an attempt may take: a duration like 30s, 5m or 1h30m; without a unit, seconds.",
    ),
    Parameter::integer("retries", "5", "Attempts after the first. Default 3; of a callback, the message's."),
    Parameter::text(
        "retry-delay",
        "1000 * (1 + retried)",
        "The wait before the next attempt in milliseconds, an expression of `retried`, the number of attempts so \
         far. Default: exponential, up to a day.",
    ),
    Parameter::text("delay", "10s", "How long the message waits: a duration like 10s, 1h or 2d."),
    Parameter::integer(
        "not-before",
        "4102444800",
        "The earliest delivery as a date in unix seconds. Wins over the delay.",
    )
    .only_by(UsedBy::Publish),
    Parameter::text(
        "deduplication-id",
        "order-7",
        "A message with the same id as an earlier one is not stored. No `:` in it.",
    ),
    Parameter::flag(
        "content-based-deduplication",
        "A message with the same content as an earlier one is not stored. Not used with an id.",
    ),
    Parameter::text(
        "sigpost-deduplication-window",
        "1h",
        "How long a duplicate is recognised: a duration from 1s to 90d. Default: the server's, 10 minutes.",
    ),
    Parameter::flag(
        "sigpost-deduplication-release-on-failure",
        "Whether the message may be published again as soon as it has failed for good.",
    ),
    Parameter::text("queue-name", "mail", "The queue the message goes through."),
    Parameter::text("flow-control-key", "customer-7", "Messages of the same key share its limits. Needs a value."),
    Parameter::text(
        "flow-control-value",
        "rate=10, period=1m, parallelism=5",
        "The limits of the key: `parallelism`, the most attempts under way at once; `rate`, the most begun in one \
         `period`. One of the first two is needed.",
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
        "Messages that wait in a queue or for a key go out in the order of it, higher first: -1000 to 1000. Default 0.",
    ),
    Parameter::text("label", "order,urgent", "Labels to find the message by, separated by commas."),
    Parameter::text(
        "redact-fields",
        "body,header[Authorization]",
        "What answers and logs hide: `body`, `header` for all headers, `header[Name]` for one.",
    ),
    Parameter::text("callback", "https://example.com/done", "A URL that is told the response of every attempt.")
        .not_of_callbacks(),
    Parameter::text(
        "failure-callback",
        "https://example.com/failed",
        "A URL that is told the last response when all attempts have failed.",
    )
    .not_of_callbacks(),
    Parameter::flag("header-forward", "All headers of the request are forwarded to the destination.")
        .not_of_callbacks(),
    Parameter::text(
        "cron",
        "*/5 * * * *",
        "When the schedule fires: five fields, with `CRON_TZ=Europe/Berlin` in front for a time zone other than UTC.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
    Parameter::text(
        "schedule-id",
        "nightly",
        "The id of the schedule: creates it, or replaces the one there is. Default: a new one.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
    Parameter::text("sigpost-cron", "*/10 * * * * *", "Instead of `Upstash-Cron`: six fields, the first for seconds.")
        .only_by(UsedBy::Schedule)
        .not_of_callbacks(),
    Parameter::new(
        "sigpost-catch-up",
        Kind::OneOf(&["none", "last", "all"]),
        "all",
        "Which missed firings are made up for. Default last: one for all of them.",
    )
    .only_by(UsedBy::Schedule)
    .not_of_callbacks(),
];

const fn more_flow_control(name: &'static str) -> Parameter {
    Parameter::text(name, "region-eu", "One more flow-control key; all keys hold at once. Needs its value.")
}

const fn more_flow_control_values(name: &'static str) -> Parameter {
    Parameter::text(name, "parallelism=5", "The limits of the key of the same number.")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{PARAMETERS, Parameter, UsedBy};
    use crate::{Limits, Options, Params, ScheduleOptions};

    const CRON: (&str, &str) = ("upstash-cron", "0 0 * * *");

    /// What a request with these headers asks for; an error is an effect as well.
    fn effect(used_by: UsedBy, headers: &[(&str, &str)]) -> String {
        let own_header = ("x-own", "1");
        let params = Params::from_pairs(headers.iter().copied().chain([own_header])).unwrap();
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        match used_by {
            UsedBy::Schedule => format!("{:?}", ScheduleOptions::parse(&params, &limits, now)),
            _ => format!("{:?}", Options::parse(&params, &limits, now)),
        }
    }

    /// That the parser reads no parameter that is not listed, it asserts itself: see `Scope::get`.
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
                let refused = with.contains("cannot be used here") || with.contains("cannot have a callback");
                assert_eq!(with != without && !refused, parameter.of_callbacks, "{}: {with}", header(parameter));
            }
        }
    }

    #[test]
    fn examples_can_be_read() {
        let publish = PARAMETERS.iter().filter(|parameter| parameter.used_by != UsedBy::Schedule);
        // One key twice is refused, and the examples of all further keys are the same.
        let publish = publish.filter(|parameter| !parameter.header().contains("Flow-Control-Key-"));
        let publish = publish.filter(|parameter| !parameter.header().contains("Flow-Control-Value-"));
        let headers: Vec<_> = publish.map(|parameter| (parameter.header(), parameter.example)).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert!(effect(UsedBy::Publish, &headers).starts_with("Ok("), "{}", effect(UsedBy::Publish, &headers));
    }
}
