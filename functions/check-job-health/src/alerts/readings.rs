//! Readings: a value for each rule and subject.

use std::collections::BTreeMap;
use std::time::Duration;

use sigpost_store::alerts::{Backlog, Facts};
use sigpost_store::health::Numbers;
use sigpost_store::metrics::failure_rate;

/// Minimum number of runs or e-mails for a rate.
const FEWEST: i64 = 20;
/// Minimum backlog. If it was smaller at any time in the last hour, the backlog does not count as growing.
const FEWEST_BEHIND: i64 = 100;

/// Input of the rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Numbers of the last hour.
    pub(crate) numbers: Numbers,
    pub(crate) facts: Facts,
    /// Response time of the database.
    pub(crate) answered_in: Duration,
    /// This process's clock minus the database's, in seconds.
    pub(crate) clock_skew_s: f64,
    /// Number of pending migrations.
    pub(crate) migrations_missing: usize,
    /// Maximum time between completions by job type.
    pub(crate) expected: BTreeMap<String, Duration>,
}

/// Value of a rule, with its message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) rule: &'static str,
    /// The subject, if the rule has several.
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

/// Returns the readings of all rules.
pub(crate) fn readings(seen: &Seen) -> Vec<Reading> {
    let mut readings = of_runs(&seen.numbers);
    readings.extend(of_messages(seen));
    readings.extend(of_growth(seen));
    readings.extend(of_processes(&seen.facts));
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
            "{failed} of {} runs in the last hour failed ({:.1} %), most of type {worst}",
            completed + failed,
            rate * 100.0
        );
        readings.push(of_all("failure-rate", rate, message));
    }
    let stuck = &numbers.stuck;
    let oldest = stuck.oldest_s.unwrap_or_default();
    let ids = stuck.message_ids.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("{} stuck runs; the oldest started {oldest:.0} s ago: {ids}", stuck.count);
    readings.push(of_all("stuck-runs", count(stuck.count), message));
    readings.push(of_all("active-runs", count(processing), format!("{processing} active runs")));
    for one in &numbers.by_type {
        if let Some(durations) = one.durations.durations() {
            let (average, p95) = (durations.average_ms / 1000.0, durations.p95_ms / 1000.0);
            let message = format!("run duration of {}: average {average:.1} s, p95 {p95:.1} s", one.job_type);
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
        of_all("queue-depth", count(due), format!("{due} messages are due")),
        of_all("queue-age", age, format!("the oldest due message has been due for {age:.0} s")),
        of_all("leases-lost", count(facts.leases_lost), {
            format!("{} leases expired: processes crashed or lost their database connection", facts.leases_lost)
        }),
        of_all("dead-letters", count(dead), format!("{dead} new dead letters in the last hour")),
        of_all("dead-letters-disagree", count(facts.dead_letters_disagree), {
            format!("{} dead letters belong to a message whose state is not failed", facts.dead_letters_disagree)
        }),
        of_all("signature-rejections", rejected_per_minute, {
            format!(
                "handlers return 401 {rejected_per_minute:.1} times per minute: their signing keys do not match the deployment's"
            )
        }),
    ];
    readings.extend(facts.waiting.iter().map(|waiting| {
        let message = format!(
            "{} messages are blocked at {}, the oldest for {:.0} s",
            waiting.count, waiting.gate, waiting.longest_s
        );
        of("held-back", &waiting.gate, waiting.longest_s, message)
    }));
    readings
}

/// Readings of growth, which fire before the absolute thresholds.
fn of_growth(Seen { numbers, facts, .. }: &Seen) -> Vec<Reading> {
    let mut readings = Vec::new();
    if let Some(Backlog { now, least_of_hour, most_before, average_before }) = facts.backlog
        && least_of_hour >= FEWEST_BEHIND
        && now >= most_before
    {
        let times = count(now) / average_before.max(1.0);
        let message =
            format!("{now} messages are due or blocked, the most in the last day (average {average_before:.0})");
        readings.push(of_all("backlog-growing", times, message));
    }
    if let Some(before) = facts.dead_letters_a_day_ago {
        let (kept, more) = (numbers.dead_letters.total, numbers.dead_letters.total - before);
        // Ignores growth below 10 %.
        if more * 10 >= before {
            let message = format!("{kept} dead letters, {more} more than a day ago");
            readings.push(of_all("dead-letters-growing", count(more), message));
        }
    }
    readings
}

fn of_processes(facts: &Facts) -> Vec<Reading> {
    let mut readings = Vec::new();
    for process in &facts.processes {
        if let Some(share) = process.memory_share {
            let message = format!("the process uses {:.0} % of its memory limit", share * 100.0);
            readings.push(of("memory", &process.name, share, message));
        }
        if let Some(deaf_s) = process.deaf_s {
            let message = format!("the listener has been disconnected for {deaf_s:.0} s");
            readings.push(of("listen-down", &process.name, deaf_s, message));
        }
    }
    readings
}

fn of_schedules(Seen { facts, expected, .. }: &Seen) -> Vec<Reading> {
    let late = facts.late_schedules.iter().map(|late| {
        of("schedule-missed", &late.id, late.late_s, format!("its firing is late by {:.0} s", late.late_s))
    });
    // A type without any completed run is ignored: its first run may be still pending.
    let silent = facts.last_completions.iter().filter_map(|(job_type, ago_s)| {
        let period = expected.get(job_type)?.as_secs_f64();
        let message = format!("the last run completed {ago_s:.0} s ago; one is expected every {period:.0} s");
        Some(of("no-completions", job_type, ago_s / period, message))
    });
    late.chain(silent).collect()
}

fn of_the_database(seen: &Seen) -> Vec<Reading> {
    let Seen { facts, answered_in, clock_skew_s, migrations_missing, .. } = seen;
    let answered = answered_in.as_secs_f64();
    let (share, skew) = (facts.connection_share, clock_skew_s.abs());
    let mut readings = vec![
        of_all("database-slow", answered, format!("database response time is {:.0} ms", answered * 1000.0)),
        of_all(
            "query-long",
            facts.longest_query_s,
            format!("a transaction has been open for {:.0} s", facts.longest_query_s),
        ),
        of_all("clock-skew", skew, format!("the clocks of the function and the database differ by {skew:.1} s")),
        of_all("connections", share, format!("{:.0} % of the database's connections are in use", share * 100.0)),
        of_all("partitions-missing", count(facts.partitions_missing), {
            "partitions for today or tomorrow are missing; check that cleanup-old-data runs".to_owned()
        }),
    ];
    let missing = i64::try_from(*migrations_missing).unwrap_or(i64::MAX);
    readings.push(of_all("schema-behind", count(missing), format!("{missing} migrations are pending")));
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
            format!("{how_many} of {} e-mails in the last day {what} ({:.2} %)", facts.emails, share * 100.0),
        )
    };
    vec![
        of_kind("email-bounces", facts.emails_bounced, "bounced"),
        of_kind("email-complaints", facts.emails_complained, "were marked as spam"),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts of fewer than 2^53 things")]
fn count(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use sigpost_store::alerts::{Late, Waiting};
    use sigpost_store::health::DeadLetters;
    use sigpost_store::metrics::TypeMetrics;
    use sigpost_store::processes::Process;

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
    fn a_backlog_grows_when_it_is_at_its_highest_and_never_went_away() {
        let of = |now, least_of_hour, most_before, average_before| {
            let backlog = Some(Backlog { now, least_of_hour, most_before, average_before });
            wrong(&Seen { facts: Facts { backlog, ..Facts::default() }, ..Seen::default() })
        };
        assert_eq!(of(300, 120, 290, 100.0), [(String::new(), "backlog-growing", 3.0)]);
        assert_eq!(of(300, 120, 301, 100.0), [], "it shrinks");
        assert_eq!(of(300, 99, 290, 100.0), [], "it was gone within the hour");
        assert_eq!(of(199, 120, 190, 100.0), [], "it is as on other days");
        assert_eq!(of(100, 100, 100, 0.0), [(String::new(), "backlog-growing", 100.0)]);
    }

    #[test]
    fn dead_letters_grow_when_they_are_many_more_than_a_day_ago() {
        let of = |before, total| {
            let numbers = Numbers { dead_letters: DeadLetters { in_window: 0, total }, ..Numbers::default() };
            let facts = Facts { dead_letters_a_day_ago: before, ..Facts::default() };
            wrong(&Seen { numbers, facts, ..Seen::default() })
        };
        assert_eq!(of(Some(0), 100), [(String::new(), "dead-letters-growing", 100.0)]);
        assert_eq!(of(Some(1000), 1100), [(String::new(), "dead-letters-growing", 100.0)]);
        assert_eq!(of(Some(0), 99), []);
        assert_eq!(of(Some(2000), 2199), []);
        assert_eq!(of(Some(200), 0), []);
        assert_eq!(of(None, 5000), []);
    }

    #[test]
    fn several_things_of_one_rule_are_told_apart() {
        let facts = Facts {
            late_schedules: vec![Late { id: "a".into(), late_s: 119.0 }, Late { id: "b".into(), late_s: 121.0 }],
            waiting: vec![Waiting { gate: "queue:q".into(), count: 3, longest_s: 901.0 }],
            last_completions: vec![("cleanup".into(), 90.0), ("never-asked-for".into(), 1e9)],
            processes: vec![
                Process { name: "web-1/7".into(), memory_share: Some(0.95), deaf_s: Some(61.0) },
                Process { name: "web-2/7".into(), memory_share: Some(0.79), deaf_s: None },
                Process { name: "mac/7".into(), memory_share: None, deaf_s: Some(59.0) },
            ],
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
                named("web-1/7", "memory", 0.95),
                named("web-1/7", "listen-down", 61.0),
                named("b", "schedule-missed", 121.0),
                named("cleanup", "no-completions", 1.5)
            ]
        );
    }
}
