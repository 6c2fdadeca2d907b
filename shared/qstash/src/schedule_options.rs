//! The options of a schedule, without destination and body.

use jiff::Timestamp;

use crate::options::extension::{CATCH_UP, CRON};
use crate::options::parse::{SCHEDULE_ONLY, with_callbacks};
use crate::options::scope::Scope;
use crate::{CatchUp, Cron, Invalid, Limits, Options, Params, parse_resource_name};

/// The options of a schedule and of the messages it publishes, from `Upstash-*` parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleOptions {
    /// `Upstash-Cron`, or the extension `Upstash-Sigpost-Cron`, which has a field for seconds first.
    pub cron: Cron,
    /// The name of the header that was given.
    pub cron_field: String,
    /// `Upstash-Schedule-Id`, a [resource name](crate::is_resource_name). Default: a
    /// [new one](crate::new_schedule_id).
    pub schedule_id: Option<String>,
    /// `Upstash-Sigpost-Catch-Up`.
    pub catch_up: CatchUp,
    /// The options of its messages. `start` is never a date.
    pub options: Options,
}

impl ScheduleOptions {
    /// Parses the options of a schedule.
    ///
    /// # Errors
    ///
    /// No cron expression or both; `Upstash-Not-Before`, since a date cannot apply to every message; otherwise as
    /// [`Options::parse`].
    pub fn parse(params: &Params, limits: &Limits, now: Timestamp) -> Result<Self, Invalid> {
        let scope = Scope { params, prefix: "" };
        scope.reject("not-before", "cannot be used for a schedule, use Upstash-Delay")?;
        let (cron, given) = match (scope.read("cron", Cron::parse)?, scope.read(CRON, Cron::parse_with_seconds)?) {
            (Some(cron), None) => (cron, "cron"),
            (None, Some(cron)) => (cron, CRON),
            (None, None) => return Err(Invalid::new(scope.field("cron"), "is required for a schedule")),
            (Some(_), Some(_)) => {
                return Err(Invalid::new(scope.field(CRON), "cannot be combined with Upstash-Cron"));
            }
        };
        Ok(Self {
            cron,
            cron_field: scope.field(given),
            schedule_id: scope.read("schedule-id", parse_resource_name)?,
            catch_up: scope.read(CATCH_UP, CatchUp::parse)?.unwrap_or_default(),
            options: with_callbacks(params, limits, now)?,
        })
    }

    /// Returns a schedule's parameters for its messages: [`Options::parse`] reads the same options from them.
    pub fn of_messages(params: Params) -> Params {
        params.without(&SCHEDULE_ONLY)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::ScheduleOptions;
    use crate::{CatchUp, Limits, Options, Params, Start};

    fn parse(pairs: &[(&str, &str)]) -> Result<ScheduleOptions, String> {
        let params = Params::from_pairs(pairs.iter().copied()).unwrap();
        ScheduleOptions::parse(&params, &Limits::default(), Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn a_schedule_is_a_cron_expression_and_the_options_of_a_publish() {
        let plain = parse(&[("upstash-cron", "*/10 * * * * ")]).unwrap();
        assert_eq!(plain.cron.as_str(), "*/10 * * * *");
        assert_eq!((plain.schedule_id, plain.catch_up, plain.options), (None, CatchUp::Last, Options::default()));

        let full = parse(&[
            ("Upstash-Forward-Upstash-Sigpost-Cron", "CRON_TZ=Europe/Berlin */10 * * * * *"),
            ("Upstash-Schedule-Id", "nightly.1"),
            ("Upstash-Sigpost-Catch-Up", "all"),
            ("Upstash-Delay", "5s"),
            ("Upstash-Queue-Name", "q"),
            ("Upstash-Callback", "https://a.com"),
        ])
        .unwrap();
        assert_eq!(full.cron.as_str(), "CRON_TZ=Europe/Berlin */10 * * * * *");
        assert_eq!((full.schedule_id.as_deref(), full.catch_up), (Some("nightly.1"), CatchUp::All));
        assert_eq!(full.options.start, Start::After(std::time::Duration::from_secs(5)));
        assert_eq!(full.options.queue_name.as_deref(), Some("q"));
        assert!(full.options.callback.is_some() && full.options.headers.is_empty());
    }

    #[test]
    fn what_is_kept_for_its_messages_survives_storage() {
        let params = Params::from_pairs(
            [
                ("upstash-cron", "* * * * *"),
                ("Upstash-Schedule-Id", "s"),
                ("upstash-sigpost-catch-up", "all"),
                ("Upstash-Retries", "7"),
                ("Upstash-Callback", "https://a.com"),
                ("upstash-header-forward", "true"),
                ("Content-Type", "text/plain"),
                ("X-Key", "a, b"),
            ]
            .into_iter(),
        )
        .unwrap();
        let limits = Limits::default();
        let created = ScheduleOptions::parse(&params, &limits, Timestamp::UNIX_EPOCH).unwrap();
        let stored = serde_json::to_string(&ScheduleOptions::of_messages(params)).unwrap();
        let read: Params = serde_json::from_str(&stored).unwrap();
        assert_eq!(Options::parse(&read, &limits, Timestamp::UNIX_EPOCH), Ok(created.options));
    }

    #[test]
    fn rejections_name_the_header() {
        let cron = ("upstash-cron", "* * * * *");
        for (pairs, message) in [
            (&[][..], "Upstash-Cron: is required for a schedule"),
            (&[("upstash-cron", " ")], "Upstash-Cron: is required for a schedule"),
            (
                &[cron, ("upstash-sigpost-cron", "* * * * * *")],
                "Upstash-Sigpost-Cron: cannot be combined with Upstash-Cron",
            ),
            (
                &[("upstash-cron", "0 0 31 2 *")],
                "Upstash-Cron: never fires, since there is no such date, got \"0 0 31 2 *\"",
            ),
            (
                &[("upstash-sigpost-cron", "* * * * *")],
                "Upstash-Sigpost-Cron: must have 6 fields (second, minute, hour, day of month, month, day of week), got \"* * * * *\"",
            ),
            (
                &[cron, ("upstash-not-before", "99")],
                "Upstash-Not-Before: cannot be used for a schedule, use Upstash-Delay",
            ),
            (
                &[cron, ("upstash-schedule-id", "a/b")],
                "Upstash-Schedule-Id: must be a name of letters, digits, hyphens, underscores and periods, got \"a/b\"",
            ),
            (
                &[cron, ("upstash-sigpost-catch-up", "some")],
                "Upstash-Sigpost-Catch-Up: must be one of none, last, all, got \"some\"",
            ),
            (
                &[cron, ("upstash-sigpost-catchup", "all")],
                "Upstash-Sigpost-Catchup: unknown header, did you mean Upstash-Sigpost-Catch-Up?",
            ),
            (&[cron, ("upstash-retries", "x")], "Upstash-Retries: must be a whole number, 0 or more, got \"x\""),
            (
                &[cron, ("upstash-callback", "https://a.com"), ("upstash-callback-cron", "* * * * *")],
                "Upstash-Callback-Cron: cannot be used here, create a schedule with /v2/schedules",
            ),
        ] {
            assert_eq!(parse(pairs).unwrap_err(), message);
        }
    }
}
