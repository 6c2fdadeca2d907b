//! What was seen, as one figure for each rule and each thing that it looks at.

use std::collections::BTreeMap;
use std::time::Duration;

use sigpost_store::alerts::Facts;
use sigpost_store::health::Numbers;
use sigpost_store::metrics::failure_rate;

/// Shares of fewer than this many say nothing.
const FEWEST: i64 = 20;

/// Everything that was looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Of the last hour.
    pub(crate) numbers: Numbers,
    pub(crate) facts: Facts,
    /// How long the database took to answer.
    pub(crate) answered_in: Duration,
    /// This process's clock minus the database's, in seconds.
    pub(crate) clock_skew_s: f64,
    /// Migrations that are not applied.
    pub(crate) migrations_missing: usize,
    /// How often which job types should complete.
    pub(crate) expected: BTreeMap<String, Duration>,
}

/// A figure, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) rule: &'static str,
    /// Of what, where the rule looks at several things.
    pub(crate) subject: String,
    pub(crate) value: f64,
    pub(crate) message: String,
}

fn of_all(rule: &'static str, value: f64, message: String) -> Reading {
    Reading { rule, subject: String::new(), value, message }
}

fn of(rule: &'static str, subject: &str, value: f64, message: String) -> Reading {
    Reading { rule, subject: subject.to_owned(), value, message }
}

/// What was seen by each rule.
pub(crate) fn readings(seen: &Seen) -> Vec<Reading> {
    let mut readings = of_runs(&seen.numbers);
    readings.extend(of_messages(seen));
    readings.extend(of_schedules(seen));
    readings.extend(of_the_database(seen));
    readings.extend(of_emails(&seen.facts));
    readings
}

fn of_runs(numbers: &Numbers) -> Vec<Reading> {
    let (completed, failed, processing) = numbers.by_type.iter().fold((0, 0, 0), |(completed, failed, open), one| {
        (completed + one.completed, failed + one.failed, open + one.processing)
    });
    let mut readings = Vec::new();
    if completed + failed >= FEWEST {
        let rate = failure_rate(completed, failed);
        let worst = numbers.by_type.iter().max_by_key(|one| one.failed).map_or("", |one| one.job_type.as_str());
        let message = format!(
            "{failed} of {} runs of the last hour failed ({:.1} %), most of {worst}",
            completed + failed,
            rate * 100.0
        );
        readings.push(of_all("failure-rate", rate, message));
    }
    let stuck = &numbers.stuck;
    let oldest = stuck.oldest_s.unwrap_or_default();
    let ids = stuck.message_ids.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("{} runs are stuck, the oldest began {oldest:.0} s ago: {ids}", stuck.count);
    readings.push(of_all("stuck-runs", count(stuck.count), message));
    readings.push(of_all("active-runs", count(processing), format!("{processing} runs are under way")));
    for one in &numbers.by_type {
        if let Some(durations) = one.durations.durations() {
            let (average, p95) = (durations.average_ms / 1000.0, durations.p95_ms / 1000.0);
            let message = format!("runs of {} took {average:.1} s on average, p95 {p95:.1} s", one.job_type);
            readings.push(of("slow-runs", &one.job_type, average, message));
        }
    }
    readings
}

fn of_messages(Seen { numbers, facts, .. }: &Seen) -> Vec<Reading> {
    let (due, age) = (numbers.queue.due, numbers.queue.oldest_due_s.unwrap_or_default());
    let dead = numbers.dead_letters.in_window;
    let rejected_per_minute = count(facts.signature_rejections) / 10.0;
    let mut readings = vec![
        of_all("queue-depth", count(due), format!("{due} messages are due and not delivered")),
        of_all("queue-age", age, format!("a message has been due for {age:.0} s")),
        of_all("leases-lost", count(facts.leases_lost), {
            format!("{} leases were lost: processes died, or were cut off from the database", facts.leases_lost)
        }),
        of_all("dead-letters", count(dead), format!("{dead} messages failed for good within an hour")),
        of_all("dead-letters-disagree", count(facts.dead_letters_disagree), {
            format!("{} dead letters have a message that is not failed", facts.dead_letters_disagree)
        }),
        of_all("signature-rejections", rejected_per_minute, {
            format!(
                "handlers answer 401 {rejected_per_minute:.1} times a minute: their signing keys are not the deployment's"
            )
        }),
    ];
    readings.extend(facts.waiting.iter().map(|waiting| {
        let message =
            format!("{} messages wait at {}, the first for {:.0} s", waiting.count, waiting.gate, waiting.longest_s);
        of("held-back", &waiting.gate, waiting.longest_s, message)
    }));
    readings
}

fn of_schedules(Seen { facts, expected, .. }: &Seen) -> Vec<Reading> {
    let late = facts.late_schedules.iter().map(|late| {
        of("schedule-missed", &late.id, late.late_s, format!("a firing of it has been due for {:.0} s", late.late_s))
    });
    // A type that never completed a run is not expected to: its first run may be still to come.
    let silent = facts.last_completions.iter().filter_map(|(job_type, ago_s)| {
        let period = expected.get(job_type)?.as_secs_f64();
        let message = format!("the last run of it completed {ago_s:.0} s ago, expected is one every {period:.0} s");
        Some(of("no-completions", job_type, ago_s / period, message))
    });
    late.chain(silent).collect()
}

fn of_the_database(seen: &Seen) -> Vec<Reading> {
    let Seen { facts, answered_in, clock_skew_s, migrations_missing, .. } = seen;
    let answered = answered_in.as_secs_f64();
    let (share, skew) = (facts.connection_share, clock_skew_s.abs());
    let mut readings = vec![
        of_all("database-slow", answered, format!("the database took {:.0} ms to answer", answered * 1000.0)),
        of_all(
            "query-long",
            facts.longest_query_s,
            format!("a transaction has been open for {:.0} s", facts.longest_query_s),
        ),
        of_all("clock-skew", skew, format!("the clocks of function and database differ by {skew:.1} s")),
        of_all("connections", share, format!("{:.0} % of the database's connections are in use", share * 100.0)),
        of_all("partitions-missing", count(facts.partitions_missing), {
            "the log has no partition for today or tomorrow: cleanup-old-data does not run".to_owned()
        }),
    ];
    let missing = i64::try_from(*migrations_missing).unwrap_or(i64::MAX);
    readings.push(of_all("schema-behind", count(missing), format!("{missing} migrations are not applied")));
    if let Some(days) = facts.key_age_days {
        readings.push(of_all("keys-old", days, format!("the signing keys were rotated {days:.0} days ago")));
    }
    readings
}

fn of_emails(facts: &Facts) -> Vec<Reading> {
    if facts.emails < FEWEST {
        return Vec::new();
    }
    let of_kind = |rule, how_many, what: &str| {
        let share = count(how_many) / count(facts.emails);
        of_all(
            rule,
            share,
            format!("{how_many} of {} e-mails of the last day {what} ({:.2} %)", facts.emails, share * 100.0),
        )
    };
    vec![
        of_kind("email-bounces", facts.emails_bounced, "came back"),
        of_kind("email-complaints", facts.emails_complained, "were called unwanted"),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts of fewer than 2^53 things")]
fn count(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use sigpost_store::alerts::{Late, Waiting};
    use sigpost_store::metrics::TypeMetrics;

    use super::super::{Rules, findings};
    use super::*;

    fn wrong(seen: &Seen) -> Vec<(String, &'static str, f64)> {
        let found = findings(readings(seen), &Rules::default());
        found.into_iter().map(|one| (one.reading.subject, one.reading.rule, one.reading.value)).collect()
    }

    fn runs(job_type: &str, completed: i64, failed: i64) -> TypeMetrics {
        TypeMetrics { job_type: job_type.into(), completed, failed, ..TypeMetrics::default() }
    }

    #[test]
    fn nothing_is_wrong_with_a_deployment_that_does_nothing() {
        assert_eq!(wrong(&Seen::default()), []);
    }

    #[test]
    fn failures_of_a_few_runs_say_nothing() {
        let of = |completed, failed| {
            let numbers = Numbers { by_type: vec![runs("a", completed, failed)], ..Numbers::default() };
            wrong(&Seen { numbers, ..Seen::default() })
        };
        assert_eq!(of(18, 1), []);
        assert_eq!(of(19, 1), [(String::new(), "failure-rate", 0.05)]);
        let facts = |emails, emails_bounced| Facts { emails, emails_bounced, ..Facts::default() };
        assert_eq!(wrong(&Seen { facts: facts(19, 19), ..Seen::default() }), []);
        assert_eq!(wrong(&Seen { facts: facts(20, 20), ..Seen::default() }), [(String::new(), "email-bounces", 1.0)]);
    }

    #[test]
    fn clocks_that_differ_are_wrong_whichever_is_ahead() {
        let skewed = |clock_skew_s| wrong(&Seen { clock_skew_s, ..Seen::default() });
        assert_eq!(skewed(4.9), []);
        for ahead in [5.0, -5.0] {
            assert_eq!(skewed(ahead), [(String::new(), "clock-skew", 5.0)]);
        }
    }

    #[test]
    fn several_things_of_one_rule_are_told_apart() {
        let facts = Facts {
            late_schedules: vec![Late { id: "a".into(), late_s: 119.0 }, Late { id: "b".into(), late_s: 121.0 }],
            waiting: vec![Waiting { gate: "queue:q".into(), count: 3, longest_s: 901.0 }],
            last_completions: vec![("cleanup".into(), 90.0), ("never-asked-for".into(), 1e9)],
            ..Facts::default()
        };
        let expected =
            BTreeMap::from([("cleanup".to_owned(), Duration::from_secs(60)), ("new".into(), Duration::ZERO)]);
        let found = wrong(&Seen { facts, expected, ..Seen::default() });
        let named = |subject: &str, rule, value| (subject.to_owned(), rule, value);
        assert_eq!(
            found,
            [
                named("queue:q", "held-back", 901.0),
                named("b", "schedule-missed", 121.0),
                named("cleanup", "no-completions", 1.5)
            ]
        );
    }
}
