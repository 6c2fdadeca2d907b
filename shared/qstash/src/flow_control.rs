//! Flow control: limits of messages with the same key.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, parse_duration, seconds};

/// The maximum length of a key in bytes; keys are index entries.
pub const MAX_KEY_BYTES: usize = 256;

/// The maximum period: a week (QStash changelog).
pub const MAX_PERIOD: Duration = Duration::from_secs(7 * 86_400);

/// The default period; the API shows it even without a rate.
pub const DEFAULT_PERIOD: Duration = Duration::from_secs(1);

/// The limits of a flow-control key: `Upstash-Flow-Control-Key` and `Upstash-Flow-Control-Value` (QStash docs, "Flow
/// control"). The newest message sets the limits for all messages of its key.
///
/// Serde is for storage and for the wire: `period` in whole seconds, absent limits omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowControl {
    /// Text of 1 to [`MAX_KEY_BYTES`] bytes without control characters.
    pub key: String,
    /// Maximum of attempts in flight, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
    /// Maximum of attempts started in one period, at least 1. At least one of the two limits is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// The period of `rate`: whole seconds, 1 s to [`MAX_PERIOD`].
    #[serde(default = "default_period", with = "seconds")]
    #[schemars(with = "u64")]
    pub period: Duration,
}

fn default_period() -> Duration {
    DEFAULT_PERIOD
}

impl FlowControl {
    /// Parses the value of a key: `parallelism=<n>, rate=<n>, period=<duration>` in any order, each at most once, at
    /// least one of the first two. Spaces are optional; a period without a unit is in seconds.
    ///
    /// # Errors
    ///
    /// Any other text; the error names `field`. `key` is not checked, see [`parse_key`](Self::parse_key).
    pub fn parse(key: String, field: &str, value: &str) -> Result<Self, Invalid> {
        let (mut parallelism, mut rate, mut period) = (None, None, None);
        for setting in value.split(',') {
            let (name, text) = setting.split_once('=').unwrap_or((setting, ""));
            let (name, text) = (name.trim_ascii(), text.trim_ascii());
            let given_before = match name {
                "parallelism" => parallelism.replace(at_least_one(field, name, text)?).is_some(),
                "rate" => rate.replace(at_least_one(field, name, text)?).is_some(),
                "period" => period.replace(parse_period(field, text)?).is_some(),
                _ => {
                    return Err(Invalid::got(field, "must look like parallelism=5, rate=10, period=1m", value));
                }
            };
            if given_before {
                return Err(Invalid::got(field, format!("{name} must be given once"), value));
            }
        }
        if parallelism.is_none() && rate.is_none() {
            return Err(Invalid::got(field, "must give parallelism or rate", value));
        }
        Ok(Self { key, parallelism, rate, period: period.unwrap_or(DEFAULT_PERIOD) })
    }

    /// Parses a key.
    ///
    /// # Errors
    ///
    /// The key is empty, longer than [`MAX_KEY_BYTES`] or has a control character; the error names `field`.
    pub fn parse_key(field: &str, text: &str) -> Result<String, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new(field, "must not be empty"));
        }
        if text.len() > MAX_KEY_BYTES {
            return Err(Invalid::too_long(field, MAX_KEY_BYTES, text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::got(field, "must not contain a control character", text));
        }
        Ok(text.to_owned())
    }
}

/// Parses a limit that fits a 32-bit column.
fn at_least_one(field: &str, name: &str, text: &str) -> Result<u32, Invalid> {
    let number = text.parse::<i32>().ok().filter(|number| *number >= 1);
    number
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| Invalid::got(field, format!("{name} must be a whole number from 1 to {}", i32::MAX), text))
}

/// Parses a period: a duration or a number of seconds, without fractions.
///
/// # Errors
///
/// Any other text, or a period outside 1 s to [`MAX_PERIOD`]; the error names `field`.
pub fn parse_period(field: &str, text: &str) -> Result<Duration, Invalid> {
    let period =
        parse_duration(field, text).map_err(|error| Invalid::new(field, format!("period {}", error.reason)))?;
    if period.subsec_nanos() != 0 || !(DEFAULT_PERIOD..=MAX_PERIOD).contains(&period) {
        return Err(Invalid::got(field, "period must be whole seconds from 1s to 7d", text));
    }
    Ok(period)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::FlowControl;

    fn parse(value: &str) -> Result<FlowControl, String> {
        FlowControl::parse("k".to_owned(), "Upstash-Flow-Control-Value", value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_in_any_order_with_or_without_spaces() {
        for (value, parallelism, rate, seconds) in [
            ("parallelism=5", Some(5), None, 1),
            ("rate=10", None, Some(10), 1),
            ("parallelism=5,rate=10,period=1m", Some(5), Some(10), 60),
            ("period = 1h30m3s , rate = 10", None, Some(10), 5403),
            (" rate=2147483647, period=604800 ", None, Some(2_147_483_647), 604_800),
        ] {
            let expected = FlowControl { key: "k".to_owned(), parallelism, rate, period: Duration::from_secs(seconds) };
            assert_eq!(parse(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_value_is_said() {
        let shape = "must look like parallelism=5, rate=10, period=1m";
        let (rate, period) =
            ("rate must be a whole number from 1 to 2147483647", "period must be whole seconds from 1s to 7d");
        for (value, reason) in [
            ("", shape),
            ("5", shape),
            ("rate=1,", shape),
            ("rate=1;period=1", rate),
            ("rate=1, ratePerSecond=2", shape),
            ("Rate=1", shape),
            ("rate", rate),
            ("rate=0", rate),
            ("rate=-1", rate),
            ("rate=1.5", rate),
            ("rate=2147483648", rate),
            ("parallelism=x", "parallelism must be a whole number from 1 to 2147483647"),
            ("rate=1, rate=1", "rate must be given once"),
            ("period=1, rate=1, period=2", "period must be given once"),
            ("period=1", "must give parallelism or rate"),
            ("rate=1, period=0", period),
            ("rate=1, period=1.5", period),
            ("rate=1, period=7d1s", period),
            (
                "rate=1, period=soon",
                "period must be a duration such as 50s, 10m or 1d10h30m (units d, h, m, s in this order), got \"soon\"",
            ),
        ] {
            let error = parse(value).expect_err(value);
            assert!(error.starts_with(&format!("Upstash-Flow-Control-Value: {reason}")), "{value}: {error}");
            assert!(error.contains(", got \""), "{value}: {error}");
        }
    }

    #[test]
    fn keys_are_free_text_but_short() {
        for key in ["k", "user:123 / ü", &"x".repeat(256)] {
            assert_eq!(FlowControl::parse_key("f", key).as_deref(), Ok(key));
        }
        for (key, reason) in [
            ("", "must not be empty"),
            ("a\tb", "must not contain a control character, got \"a\\tb\""),
            (&"x".repeat(257), "must not be longer than 256 bytes, got 257 bytes"),
        ] {
            assert_eq!(FlowControl::parse_key("f", key).unwrap_err().to_string(), format!("f: {reason}"));
        }
    }

    #[test]
    fn storage_has_whole_seconds_and_no_absent_bounds() {
        let flow_control = parse("rate=1, period=1m").unwrap();
        let json = serde_json::to_string(&flow_control).unwrap();
        assert_eq!(json, r#"{"key":"k","rate":1,"period":60}"#);
        assert_eq!(serde_json::from_str::<FlowControl>(&json).unwrap(), flow_control);
    }
}
