//! Parses options from parameters.

use std::time::Duration;

use jiff::Timestamp;

use super::scope::Scope;
use super::{extension, flow_control, forwarded};
use crate::duration::MAX_DURATION;
use crate::flag::parse_flag;
use crate::{
    Callback, Deduplication, Destination, Invalid, Limits, Method, Options, Params, Redact, RetryDelay, Start,
    parse_duration, parse_resource_name,
};

/// Parameters of schedules.
pub(crate) const SCHEDULE_ONLY: [&str; 4] = ["cron", "schedule-id", extension::CRON, extension::CATCH_UP];

/// The maximum length of a deduplication ID in bytes; it becomes part of an index entry.
const MAX_DEDUPLICATION_ID_BYTES: usize = 1024;

/// Parses the options of a message with its callbacks.
pub(super) fn message(params: &Params, limits: &Limits, now: Timestamp) -> Result<Options, Invalid> {
    reject_schedule(Scope { params, prefix: "" })?;
    with_callbacks(params, limits, now)
}

/// As [`message`], for the messages of a schedule.
pub(crate) fn with_callbacks(params: &Params, limits: &Limits, now: Timestamp) -> Result<Options, Invalid> {
    reject_workflow(params)?;
    let scope = |prefix| Scope { params, prefix };
    let mut options = own(scope(""), limits, now)?;
    let retries = options.retries;
    options.callback = callback(scope(""), "callback", scope("callback-"), retries, limits, now)?;
    options.failure_callback =
        callback(scope(""), "failure-callback", scope("failure-callback-"), retries, limits, now)?;
    Ok(options)
}

fn reject_schedule(scope: Scope<'_>) -> Result<(), Invalid> {
    for name in SCHEDULE_ONLY {
        scope.reject(name, "cannot be used here, create a schedule with /v2/schedules")?;
    }
    Ok(())
}

/// Rejects a workflow's step: delivered as a plain message, it fails at the handler or has no effect there.
fn reject_workflow(params: &Params) -> Result<(), Invalid> {
    match params.get("workflow-runid") {
        Some(run) if !run.trim_ascii().is_empty() => Err(Invalid::new(
            "Upstash-Workflow-RunId",
            "Upstash Workflow is not supported; publish the message without Upstash-Workflow-* headers",
        )),
        _ => Ok(()),
    }
}

/// Parses the options that messages and callbacks share.
fn own(scope: Scope<'_>, limits: &Limits, now: Timestamp) -> Result<Options, Invalid> {
    extension::check_names(scope)?;
    Ok(Options {
        method: scope.read("method", method)?.unwrap_or_default(),
        timeout: scope.read("timeout", |field, text| timeout(field, text, limits))?,
        retries: scope.read("retries", |field, text| retries(field, text, limits))?,
        retry_delay: scope.read("retry-delay", RetryDelay::parse)?,
        start: start(scope, limits, now)?,
        deduplication: deduplication(scope)?,
        deduplication_window: scope.read(extension::DEDUPLICATION_WINDOW, extension::window)?,
        deduplication_release_on_failure: scope.read(extension::DEDUPLICATION_RELEASE_ON_FAILURE, parse_flag)?,
        queue_name: scope.read("queue-name", parse_resource_name)?,
        flow_control: flow_control::read(scope)?,
        priority: scope.read(extension::PRIORITY, extension::priority)?.unwrap_or_default(),
        callback: None,
        failure_callback: None,
        headers: forwarded::headers(scope, limits)?,
        labels: scope.read("label", |field, text| labels(field, text, limits))?.unwrap_or_default(),
        redact: scope.read("redact-fields", Redact::parse)?.unwrap_or_default(),
    })
}

fn callback(
    message: Scope<'_>,
    name: &str,
    scope: Scope<'_>,
    retries: Option<u32>,
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<Box<Callback>>, Invalid> {
    // Without a URL, settings of callbacks have no effect, since a group's defaults may contain them for all its
    // messages.
    let Some(url) = message.read(name, |field, text| callback_url(field, text, limits))? else {
        return Ok(None);
    };
    for name in ["callback", "failure-callback"] {
        scope.reject(name, "a callback cannot have a callback")?;
    }
    reject_schedule(scope)?;
    let mut options = own(scope, limits, now)?;
    options.retries = options.retries.or(retries);
    Ok(Some(Box::new(Callback { url, options })))
}

fn callback_url(field: &str, text: &str, limits: &Limits) -> Result<Destination, Invalid> {
    Destination::parse(text)
        .and_then(|url| limits.check_destination(&url).map(|()| url))
        .map_err(|error| Invalid::new(field, error.reason))
}

fn method(field: &str, text: &str) -> Result<Method, Invalid> {
    text.parse().map_err(|error: crate::method::UnknownMethod| Invalid::got(field, error, text))
}

fn timeout(field: &str, text: &str, limits: &Limits) -> Result<Duration, Invalid> {
    let timeout = parse_duration(field, text)?;
    if timeout.is_zero() {
        return Err(Invalid::got(field, "must be greater than zero", text));
    }
    if timeout > limits.max_timeout {
        let most = limits.max_timeout.as_secs();
        return Err(Invalid::got(field, format!("must not be longer than {most} seconds"), text));
    }
    Ok(timeout)
}

fn retries(field: &str, text: &str, limits: &Limits) -> Result<u32, Invalid> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::got(field, "must be a whole number, 0 or more", text));
    }
    text.parse()
        .ok()
        .filter(|retries| *retries <= limits.max_retries)
        .ok_or_else(|| Invalid::got(field, format!("must not be more than {}", limits.max_retries), text))
}

/// Parses the start: `Not-Before` takes precedence over `Delay`, which must still be valid.
fn start(scope: Scope<'_>, limits: &Limits, now: Timestamp) -> Result<Start, Invalid> {
    let delay = scope.read("delay", |field, text| {
        let delay = parse_duration(field, text)?;
        check_delay(field, text, delay, limits)?;
        Ok(delay)
    })?;
    let not_before = scope.read("not-before", |field, text| {
        let moment = unix_seconds(text).ok_or_else(|| Invalid::got(field, "must be a time in unix seconds", text))?;
        if let Ok(wait) = Duration::try_from(moment.duration_since(now)) {
            check_delay(field, text, wait, limits)?;
        }
        Ok(moment)
    })?;
    Ok(match (not_before, delay) {
        (Some(moment), _) if moment > now => Start::At(moment),
        (None, Some(delay)) if !delay.is_zero() => Start::After(delay),
        _ => Start::Now,
    })
}

fn check_delay(field: &str, text: &str, delay: Duration, limits: &Limits) -> Result<(), Invalid> {
    match limits.max_delay {
        Some(max_delay) if delay > max_delay => {
            Err(Invalid::verbatim(field, format!("quota maxDelay exceeded, current limit: {}", max_delay.as_secs())))
        }
        // Dates have no limit of their own.
        _ if delay > MAX_DURATION => Err(Invalid::got(field, "must not be more than 1000 years from now", text)),
        _ => Ok(()),
    }
}

/// Parses whole seconds; decimals are rounded, as the JavaScript SDK does before it sends them.
fn unix_seconds(text: &str) -> Option<Timestamp> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = numeric.then(|| text.parse().ok()).flatten()?;
    // The cast saturates, and the largest integer is no valid date.
    Timestamp::from_second(seconds.round() as i64).ok()
}

fn deduplication(scope: Scope<'_>) -> Result<Option<Deduplication>, Invalid> {
    let id = scope.read("deduplication-id", |field, id| {
        if id.contains(':') {
            return Err(Invalid::verbatim(field, "DeduplicationId cannot contain ':'"));
        }
        if id.len() > MAX_DEDUPLICATION_ID_BYTES {
            return Err(Invalid::too_long(field, MAX_DEDUPLICATION_ID_BYTES, id.len()));
        }
        Ok(Deduplication::Id(id.to_owned()))
    })?;
    let by_content = scope.read("content-based-deduplication", parse_flag)?;
    Ok(id.or_else(|| (by_content == Some(true)).then_some(Deduplication::Content)))
}

fn labels(field: &str, text: &str, limits: &Limits) -> Result<Vec<String>, Invalid> {
    let mut labels: Vec<String> = Vec::new();
    for label in text.split(',').map(str::trim_ascii) {
        if label.is_empty() || labels.iter().any(|known| known == label) {
            continue;
        }
        if label.len() > limits.max_label_bytes {
            let most = limits.max_label_bytes;
            return Err(Invalid::got(field, format!("a label must not be longer than {most} bytes"), label));
        }
        if labels.len() == limits.max_labels {
            return Err(Invalid::got(field, format!("must not name more than {} labels", limits.max_labels), text));
        }
        labels.push(label.to_owned());
    }
    Ok(labels)
}
