//! The parameters that choose messages, as the endpoints for messages, events and dead letters share them.

use std::collections::BTreeSet;

use sigpost_qstash::{Destination, Invalid, MessageId, without_user_info};
use sigpost_runtime::ApiError;
use sigpost_store::filter::Filter;
use sigpost_store::messages::any_that_matches;

use crate::api::parameter::{Kind, Parameter};
use crate::api::query::Query;
use crate::state::State;

/// Known everywhere. Each may have many values, of which one has to fit.
pub(crate) const OF_MESSAGES: &[Parameter] = &[
    Parameter::many("url", Kind::Text, "Destinations, verbatim."),
    Parameter::many("topicName", Kind::Text, "URL groups."),
    Parameter::many("urlGroup", Kind::Text, "The same, which some JavaScript SDKs send as well."),
    Parameter::many("queueName", Kind::Text, "Queues."),
    Parameter::many("scheduleId", Kind::Text, "Schedules."),
    Parameter::many("label", Kind::Text, "Labels."),
    Parameter::many("flowControlKey", Kind::Text, "Flow-control keys."),
    Parameter::many("callerIp", Kind::Text, "Addresses of publishers."),
    Parameter::many("callerIP", Kind::Text, "The same, as Python's SDK writes it."),
];
/// Known everywhere but for dead letters (the JavaScript SDK's filter types).
pub(crate) const OF_DESTINATIONS: &[Parameter] = &[
    Parameter::many("host", Kind::Text, "Hosts of destinations."),
    Parameter::many("path", Kind::Text, "Paths of destinations."),
];
/// Bounds in time, both inclusive.
pub(crate) const OF_TIME: &[Parameter] = &[
    Parameter::one("fromDate", Kind::Integer, "From this time on, in unix milliseconds."),
    Parameter::one("toDate", Kind::Integer, "Up to this time, in unix milliseconds."),
];

/// The latest time that JavaScript's `Date` knows, in milliseconds. Postgres knows a little more.
pub(crate) const LAST_MS: i64 = 8_640_000_000_000_000;

/// For who lists what may be large. Bodies are up to 10 MB each, and a list has one in every row.
pub(crate) const BODIES: Parameter =
    Parameter::one("bodies", Kind::Flag, "false leaves out the bodies of messages. Default true.").extension();

/// What `order` may say.
pub(crate) const ORDERS: &[&str] = &["latestFirst", "earliestFirst"];

/// What [`OF_MESSAGES`] and [`OF_DESTINATIONS`] say.
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

/// The JavaScript SDK sends a URL group under both names. Different ones would choose nothing.
fn topic_names(query: &Query) -> Result<Vec<String>, Invalid> {
    let (names, groups) = (query.list("topicName"), query.list("urlGroup"));
    match (names.is_empty(), groups.is_empty()) {
        (true, _) => Ok(groups),
        (_, true) => Ok(names),
        _ if BTreeSet::from_iter(&names) == BTreeSet::from_iter(&groups) => Ok(names),
        _ => Err(Invalid::new("urlGroup", "differs from topicName, which means the same; give one of them")),
    }
}

/// The messages that these parameters name; `None` when they name none. What cannot be an id is one
/// that does not exist.
pub(crate) fn message_ids(query: &Query, names: &[&str]) -> Option<Vec<MessageId>> {
    let ids: Vec<String> = names.iter().flat_map(|name| query.list(name)).collect();
    (!ids.is_empty()).then(|| ids.iter().filter_map(|id| id.parse().ok()).collect())
}

/// A URL may hold a comma itself: a value that is a list of URLs is one only if no message goes to
/// exactly that value.
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

/// A time in milliseconds.
pub(crate) fn time(query: &Query, name: &str) -> Result<Option<i64>, Invalid> {
    match query.parsed(name, "a time in milliseconds")? {
        Some(ms) if !(0..=LAST_MS).contains(&ms) => {
            Err(Invalid::new(name, format!("must be between 0 and {LAST_MS} milliseconds")))
        }
        time => Ok(time),
    }
}

/// Whether bodies are wanted.
pub(crate) fn with_bodies(query: &Query) -> Result<bool, Invalid> {
    Ok(query.flag(BODIES.name)?.unwrap_or(true))
}

/// Whether `order` asks for the oldest first; the newest are first when it does not say.
pub(crate) fn earliest_first(query: &Query) -> Result<bool, Invalid> {
    match query.exact("order").first().map(String::as_str) {
        None | Some("latestFirst") => Ok(false),
        Some("earliestFirst") => Ok(true),
        Some(_) => Err(Invalid::new("order", "must be latestFirst or earliestFirst")),
    }
}
