//! Current messages and runs.

use anyhow::Result;
use sigpost::jobs::JOBS;
use sigpost_health::checks::{BLOCKED_AGE, FAILURE_RATE, QUEUE_AGE, QUEUE_DEPTH, STUCK_RUNS};
use sigpost_health::{Check, Readings, Rules};
use sigpost_store::diagnosis::runs::{self, Durations};
use sigpost_store::diagnosis::traffic::Traffic;
use sigpost_store::health::{Numbers, Queue, Stuck};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

/// Returns the finding of a check without subjects.
fn finding(check: &'static Check, numbers: &Numbers, rules: &Rules, figure: String, fix: &str) -> Finding {
    let readings = Readings { numbers: numbers.clone(), ..Readings::default() };
    let found = rules.findings(&[check], &readings).pop();
    Finding::at(found.map(|found| found.severity), figure, check.sentence, fix)
}

pub(super) async fn overdue(subject: &Subject) -> Result<Finding> {
    Ok(judge_overdue(subject.numbers().await?, &subject.rules))
}

fn judge_overdue(numbers: &Numbers, rules: &Rules) -> Finding {
    let Queue { due, oldest_due_s, .. } = numbers.queue;
    let Some(late_s) = oldest_due_s else { return Finding::passed("no message is due") };
    let figure = format!("{due} due, the oldest for {}", lasting(late_s));
    let fix =
        "check that processes deliver (`processes`), their log, and whether slow destinations occupy MAX_IN_FLIGHT";
    finding(&QUEUE_AGE, numbers, rules, figure, fix)
}

pub(super) async fn queue_depth(subject: &Subject) -> Result<Finding> {
    Ok(judge_depth(subject.numbers().await?, &subject.rules))
}

fn judge_depth(numbers: &Numbers, rules: &Rules) -> Finding {
    let Queue { due, active, scheduled, .. } = numbers.queue;
    let figure = format!("{due} due, {active} in flight, {scheduled} scheduled");
    let fix = "raise MAX_IN_FLIGHT, run more processes, or make the slowest destination faster";
    finding(&QUEUE_DEPTH, numbers, rules, figure, fix)
}

pub(super) async fn waiting(subject: &Subject) -> Result<Finding> {
    Ok(judge_waiting(subject.traffic().await?, &subject.rules))
}

fn judge_waiting(traffic: &Traffic, rules: &Rules) -> Finding {
    let longest_s = traffic.longest_wait_s.unwrap_or_default();
    let figure =
        format!("{} blocked by queues and flow-control keys, the oldest for {}", traffic.waiting, lasting(longest_s));
    if !traffic.paused_gates.is_empty() {
        let reason = format!("paused, with blocked messages: {}", traffic.paused_gates.join(", "));
        return Finding::warned(figure, reason, "resume them: POST /v2/queues/NAME/resume, /v2/flowControl/KEY/resume");
    }
    let fix = "raise their parallelism or rate, or publish less";
    Finding::at(rules.level(&BLOCKED_AGE, longest_s), figure, BLOCKED_AGE.sentence, fix)
}

pub(super) async fn stuck_runs(subject: &Subject) -> Result<Finding> {
    Ok(judge_stuck(subject.numbers().await?, &subject.rules))
}

fn judge_stuck(numbers: &Numbers, rules: &Rules) -> Finding {
    let Stuck { count, oldest_s, message_ids } = &numbers.stuck;
    if *count == 0 {
        return Finding::passed("no run takes longer than 10 minutes or has an expired lease");
    }
    let oldest = lasting(oldest_s.unwrap_or_default());
    let figure = format!("{}, the oldest started {oldest} ago: {}", counted(*count, "run"), message_ids.join(", "));
    let fix = "check the log of their handlers; `cleanup-old-data` closes runs whose process crashed";
    finding(&STUCK_RUNS, numbers, rules, figure, fix)
}

pub(super) async fn failure_rate(subject: &Subject) -> Result<Finding> {
    Ok(judge_failures(subject.numbers().await?, &subject.rules))
}

fn judge_failures(numbers: &Numbers, rules: &Rules) -> Finding {
    let types = &numbers.by_type;
    let failed: i64 = types.iter().map(|counts| counts.failed).sum();
    let ended: i64 = failed + types.iter().map(|counts| counts.completed).sum::<i64>();
    let worst = types.iter().filter(|counts| counts.failed > 0).max_by_key(|counts| counts.failed);
    let most = worst.map(|worst| format!(", most of them: {} ({})", worst.job_type, worst.failed)).unwrap_or_default();
    let figure = format!("{failed} of {} failed in the last hour{most}", counted(ended, "run"));
    let fix = "check their errors: GET /v2/dlq, and job_executions where status = 'failed'";
    finding(&FAILURE_RATE, numbers, rules, figure, fix)
}

pub(super) async fn durations(subject: &Subject) -> Result<Finding> {
    let durations = runs::durations(&mut *subject.session().await?).await?;
    let timeout = |job_type: &str| {
        JOBS.iter().find(|job| job.name == job_type).map_or(f64::INFINITY, |job| job.timeout.as_secs_f64())
    };
    Ok(judge_durations(&durations, timeout))
}

fn judge_durations(durations: &[Durations], timeout_s: impl Fn(&str) -> f64) -> Finding {
    let slow = |each: &&Durations| each.p99_s > 0.8 * timeout_s(&each.job_type);
    let said = |each: &Durations| {
        format!("{} {} of {}", each.job_type, lasting(each.p99_s), lasting(timeout_s(&each.job_type)))
    };
    let close: Vec<String> = durations.iter().filter(slow).map(said).collect();
    if close.is_empty() {
        let runs: i64 = durations.iter().map(|each| each.runs).sum();
        return Finding::passed(format!("{} completed in the last day, none near its timeout", counted(runs, "run")));
    }
    Finding::warned(
        format!("p99 duration: {}", close.join(", ")),
        "this is more than 80 % of the timeout: slower runs are stopped and retried",
        "find the cause; raise the TIMEOUT of the job if it needs this long",
    )
}

#[cfg(test)]
mod tests {
    use sigpost_store::metrics::TypeMetrics;

    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn lateness_and_depth_are_judged_at_their_borders() {
        let (rules, numbers) = (Rules::default(), |due, oldest_due_s| Numbers {
            queue: Queue { due, oldest_due_s, ..Queue::default() },
            ..Numbers::default()
        });
        for (late_s, expected) in
            [(None, Passed), (Some(59.9), Passed), (Some(60.0), Warned), (Some(299.9), Warned), (Some(300.0), Failed)]
        {
            assert_eq!(judge_overdue(&numbers(1, late_s), &rules).state, expected, "{late_s:?}");
        }
        for (due, expected) in [(99, Passed), (100, Warned), (9_999, Warned), (10_000, Failed)] {
            assert_eq!(judge_depth(&numbers(due, None), &rules).state, expected, "{due}");
        }
        let rules = Rules::parse("queue-age=600,queue-depth=off").expect("rules");
        assert_eq!(judge_overdue(&numbers(1, Some(599.0)), &rules).state, Passed);
        assert_eq!(judge_depth(&numbers(10_000, None), &rules).state, Passed);
    }

    #[test]
    fn failures_are_judged_by_their_share_and_number() {
        let state = |completed, failed| {
            let by_type = vec![TypeMetrics { completed, failed, ..TypeMetrics::default() }];
            judge_failures(&Numbers { by_type, ..Numbers::default() }, &Rules::default()).state
        };
        for (completed, failed, expected) in [
            (0, 0, Passed),
            (0, 1, Warned),
            (96, 4, Passed),
            (95, 5, Warned),
            (91, 9, Warned),
            (90, 10, Failed),
            (17, 2, Warned),
            (18, 2, Failed),
        ] {
            assert_eq!(state(completed, failed), expected, "{completed} {failed}");
        }
    }

    #[test]
    fn runs_are_judged_by_their_own_timeout() {
        let durations = |p99_s| [Durations { job_type: "a".into(), runs: 3, p99_s }];
        assert_eq!(judge_durations(&durations(8.0), |_| 10.0).state, Passed);
        assert_eq!(judge_durations(&durations(8.1), |_| 10.0).state, Warned);
        assert_eq!(judge_durations(&durations(8.1), |_| f64::INFINITY).state, Passed);
        for (count, expected) in [(0, Passed), (1, Warned), (9, Warned), (10, Failed)] {
            let stuck = Stuck { count, ..Stuck::default() };
            assert_eq!(judge_stuck(&Numbers { stuck, ..Numbers::default() }, &Rules::default()).state, expected);
        }
    }

    #[test]
    fn gates_may_hold_back_but_not_for_ever() {
        let traffic = |longest_s, paused: &[&str]| Traffic {
            lost_leases: 0,
            accepted: 0,
            waiting: 1,
            longest_wait_s: longest_s,
            paused_gates: paused.iter().map(|&gate| gate.to_owned()).collect(),
            most_retries: None,
            plain_hosts: vec![],
        };
        let state = |longest_s, paused: &[&str]| judge_waiting(&traffic(longest_s, paused), &Rules::default()).state;
        assert_eq!(state(None, &[]), Passed);
        assert_eq!(state(Some(899.0), &[]), Passed);
        assert_eq!(state(Some(900.0), &[]), Warned);
        assert_eq!(state(Some(1.0), &["queue:q"]), Warned);
    }
}
