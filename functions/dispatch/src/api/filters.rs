//! Filters that the endpoints for messages, events and dead letters share.

use std::collections::BTreeSet;

use sigpost_qstash::{Destination, Invalid, MessageId, without_user_info};
use sigpost_runtime::ApiError;
use sigpost_store::filter::Filter;
use sigpost_store::messages::any_that_matches;

use crate::api::parameter::{Kind, Parameter};
use crate::api::query::Query;
use crate::state::State;

/// Filters of all these endpoints. Each can have several values, of which one must match.
pub(crate) const OF_MESSAGES: &[Parameter] = &[
    Parameter::many("url", Kind::Text, "Destination URLs, exact match."),
    Parameter::many("topicName", Kind::Text, "Names of URL groups."),
    Parameter::many("urlGroup", Kind::Text, "Alias of topicName, which some JavaScript SDKs also send."),
    Parameter::many("queueName", Kind::Text, "Queue names."),
    Parameter::many("scheduleId", Kind::Text, "Schedule IDs."),
    Parameter::many("label", Kind::Text, "Labels."),
    Parameter::many("flowControlKey", Kind::Text, "Flow-control keys."),
    Parameter::many("callerIp", Kind::Text, "IP addresses of publishers."),
    Parameter::many("callerIP", Kind::Text, "Alias of callerIp, in the spelling of the Python SDK."),
];
/// Filters of all these endpoints except those for dead letters (the JavaScript SDK's filter types).
pub(crate) const OF_DESTINATIONS: &[Parameter] = &[
    Parameter::many("host", Kind::Text, "Hosts of destinations."),
    Parameter::many("path", Kind::Text, "Paths of destinations."),
];
/// Time range, inclusive.
pub(crate) const OF_TIME: &[Parameter] = &[
    Parameter::one("fromDate", Kind::Integer, "Start time, inclusive, as a Unix timestamp in milliseconds."),
    Parameter::one("toDate", Kind::Integer, "End time, inclusive, as a Unix timestamp in milliseconds."),
];

/// The latest time of JavaScript's `Date` in milliseconds. Postgres supports later times.
pub(crate) const LAST_MS: i64 = 8_640_000_000_000_000;

/// Omits bodies from a list: each row has one of up to 10 MB.
pub(crate) const BODIES: Parameter =
    Parameter::one("bodies", Kind::Flag, "Whether to include the bodies of messages. Default true.").extension();

/// Values of `order`.
pub(crate) const ORDERS: &[&str] = &["latestFirst", "earliestFirst"];

/// Parses [`OF_MESSAGES`] and [`OF_DESTINATIONS`].
pub(crate) async fn of_messages(query: &Query, state: &State) -> Result<Filter, ApiError> {
    let mut caller_ips = query.list("callerIp");
    caller_ips.extend(query.list("callerIP"));
    Ok(Filter {
        urls: urls(query, state).await?,
        hosts: query.list("host"),
        paths: query.list("path"),
        topic_names: topic_names(query)?,
        queue_names: query.list("queueName"),
        schedule_ids: query.list("scheduleId"),
        labels: query.list("label"),
        flow_control_keys: query.list("flowControlKey"),
        caller_ips,
        ..Filter::default()
    })
}

/// Returns the URL groups. The JavaScript SDK sends both parameters; different values would match nothing.
fn topic_names(query: &Query) -> Result<Vec<String>, Invalid> {
    let (names, groups) = (query.list("topicName"), query.list("urlGroup"));
    match (names.is_empty(), groups.is_empty()) {
        (true, _) => Ok(groups),
        (_, true) => Ok(names),
        _ if BTreeSet::from_iter(&names) == BTreeSet::from_iter(&groups) => Ok(names),
        _ => Err(Invalid::new("urlGroup", "differs from its alias topicName; set only one of them")),
    }
}

/// Returns the message IDs of these parameters, or `None` if none is set. Malformed IDs are skipped, as IDs that do not
/// exist.
pub(crate) fn message_ids(query: &Query, names: &[&str]) -> Option<Vec<MessageId>> {
    let ids: Vec<String> = names.iter().flat_map(|name| query.list(name)).collect();
    (!ids.is_empty()).then(|| ids.iter().filter_map(|id| id.parse().ok()).collect())
}

/// Returns the URLs. A URL can contain a comma: a value is split into several URLs only if no message has exactly that
/// value as its destination.
async fn urls(query: &Query, state: &State) -> Result<Vec<String>, ApiError> {
    let mut urls = Vec::new();
    for url in query.exact("url") {
        let (url, _) = without_user_info(url);
        let parts = sigpost_runtime::env::split(&url);
        let is_list = parts.len() > 1 && parts.iter().all(|part| Destination::parse(part).is_ok());
        let exactly = Filter { urls: vec![url.clone()], ..Filter::default() };
        if is_list && !any_that_matches(&mut *state.list_connection().await?, &exactly).await? {
            urls.extend(parts);
        } else {
            urls.push(url);
        }
    }
    Ok(urls)
}

/// Returns a Unix timestamp in milliseconds.
pub(crate) fn time(query: &Query, name: &str) -> Result<Option<i64>, Invalid> {
    match query.parsed(name, "a time in milliseconds")? {
        Some(ms) if !(0..=LAST_MS).contains(&ms) => {
            Err(Invalid::got(name, format!("must be between 0 and {LAST_MS} milliseconds"), ms))
        }
        time => Ok(time),
    }
}

/// Whether the response includes bodies. Default true.
pub(crate) fn with_bodies(query: &Query) -> Result<bool, Invalid> {
    Ok(query.flag(BODIES.name)?.unwrap_or(true))
}

/// Whether `order` is earliestFirst. Default false.
pub(crate) fn earliest_first(query: &Query) -> Result<bool, Invalid> {
    match query.exact("order").first().map(String::as_str) {
        None | Some("latestFirst") => Ok(false),
        Some("earliestFirst") => Ok(true),
        Some(other) => Err(Invalid::got("order", "must be latestFirst or earliestFirst", other)),
    }
}
