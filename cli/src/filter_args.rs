//! Message filters that several commands share.

use clap::Args;
use jiff::Timestamp;
use sigpost_client::MessageFilter;
use sigpost_qstash::parse_duration;

/// Message filters. A filter may be repeated; a message matches if it has one of the values.
#[derive(Debug, Args)]
pub(crate) struct MessageFilterArgs {
    /// Messages to exactly this URL.
    #[arg(long, value_name = "URL")]
    destination: Vec<String>,
    /// Messages with this label.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// The message with this ID.
    #[arg(long, value_name = "msg_...")]
    message: Vec<String>,
    /// Messages of this queue.
    #[arg(long, value_name = "NAME")]
    queue: Vec<String>,
    /// Messages published to this URL group.
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Messages of this schedule.
    #[arg(long, value_name = "ID")]
    schedule: Vec<String>,
    /// Messages with this flow-control key.
    #[arg(long, value_name = "KEY")]
    flow_key: Vec<String>,
}

impl MessageFilterArgs {
    /// Returns the filters of the API.
    pub(crate) fn filter(&self) -> MessageFilter {
        MessageFilter {
            urls: self.destination.clone(),
            labels: self.label.clone(),
            message_ids: self.message.clone(),
            queues: self.queue.clone(),
            url_groups: self.group.clone(),
            schedule_ids: self.schedule.clone(),
            flow_control_keys: self.flow_key.clone(),
        }
    }
}

/// Parses a time argument, a duration before now (`2h`) or a timestamp (`2026-01-31T12:00:00Z`), to Unix milliseconds.
pub(crate) fn moment(text: &str) -> Result<i64, String> {
    moment_before(Timestamp::now(), text)
}

fn moment_before(now: Timestamp, text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let ago = parse_duration("moment", text)
        .map_err(|_| "expected how long ago (2h, 1d12h) or a time (2026-01-31T12:00:00Z)".to_owned())?;
    Ok(now.as_millisecond().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_so_long_ago_or_a_time() {
        let now = "2026-01-31T12:00:00Z".parse().expect("a time");
        let at = |text: &str| {
            moment_before(now, text).map(|ms| Timestamp::from_millisecond(ms).expect("a time").to_string())
        };
        assert_eq!(at("2h"), Ok("2026-01-31T10:00:00Z".into()));
        assert_eq!(at("2026-01-30T00:00:00+02:00"), Ok("2026-01-29T22:00:00Z".into()));
        assert!(at("yesterday").is_err());
        assert_eq!(moment_before(now, "1000d"), Ok(now.as_millisecond() - 86_400_000_000));
    }
}
